//! `make --draft`: a quarter of the picture, soon, in files and under keys of
//! their own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use common::{Project, decode_warnings, ffprobe, tool};

fn project() -> Project {
    let project = Project::new();
    let path = project.path("ride.mp4");
    let source = "testsrc2=size=640x360:rate=30:duration=6";
    let sound = "sine=frequency=330:duration=6";
    let inputs = ["-v", "error", "-f", "lavfi", "-i", source, "-f", "lavfi", "-i", sound];
    let coded = ["-c:v", "libx264", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac", path.to_str().unwrap()];
    tool("ffmpeg", &[&inputs[..], &coded].concat());
    project.write(
        "autocut.ron",
        "Project(version: 1, footage: {\"a\": \"ride.mp4\"}, \
         moments: Moments(length: \"2s\", weights: {}, pins: [\"a/ride@1s\", \"a/ride@3.5s\"]), \
         overlays: {\"title\": Text(text: \"A ride\")}, \
         outputs: {\"reel\": Reel(file: \"out/reel.mp4\"), \"clips\": Clips(folder: \"out/clips\", overlays: [])})",
    );
    project
}

#[test]
fn a_draft_is_small_and_beside_the_output() {
    let project = project();
    let made = project.make_with(&["--draft"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let draft = project.path("out/reel.draft.mp4");
    assert_eq!(ffprobe(&draft, "v", "stream=width,height").trim(), "320,180");
    assert_eq!(decode_warnings(&draft), "");
    assert!(project.path("out/clips/a-ride-0h00m01.000s.draft.mp4").exists());
    assert!(!project.path("out/reel.mp4").exists());

    // What is drawn over the proxies is another, and nothing of the footage is
    // decoded again.
    project.edit("autocut.ron", "A ride", "The ride");
    let again = project.make_with(&["--draft"]);
    assert_eq!(again.ran().get("proxy"), None);
    assert_eq!(again.ran()["segment"], 2);
    assert!(!again.ran().contains_key("sound") && !again.ran().contains_key("probe"));

    // The outputs themselves are made of the footage, and find what both need.
    let whole = project.make();
    assert_eq!(ffprobe(&project.path("out/reel.mp4"), "v", "stream=width,height").trim(), "640,360");
    assert!(!whole.ran().contains_key("probe") && !whole.ran().contains_key("sound"));
    assert_eq!(whole.ran()["segment"], 4);
    assert_eq!(project.make_with(&["--draft"]).ran().len(), 0);
    project.make().assert_ran([]);
}

/// Frame by frame the same moments, by ffmpeg's SSIM of both at the draft's size.
#[test]
fn a_draft_shows_what_the_output_shows() {
    let project = project();
    assert_eq!(project.make_with(&["--draft"]).code, 0);
    project.make();
    let (draft, whole) = (project.path("out/reel.draft.mp4"), project.path("out/reel.mp4"));
    let filter = "[1:v]scale=320:180:flags=bicubic[b];[0:v][b]ssim";
    let args = ["-i", draft.to_str().unwrap(), "-i", whole.to_str().unwrap(), "-lavfi", filter, "-f", "null", "-"];
    let output = std::process::Command::new("ffmpeg").args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let all: f64 = text.split("All:").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    // Another frame of this pattern is below 0.8.
    assert!(all > 0.9, "SSIM {all}");
    let frames = |file| ffprobe(file, "v", "stream=nb_frames");
    assert_eq!(frames(&draft), frames(&whole));
}

/// Where nothing is drawn there is no proxy: the segments are as good as one.
#[test]
fn what_is_shown_as_it_is_needs_no_proxy() {
    let project = project();
    let made = project.make_with(&["--draft", "clips"]);
    assert!(!made.ran().contains_key("proxy"), "{:?}", made.ran());
    assert_eq!(made.ran()["segment"], 2);
}
