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

/// What somebody else put where the output goes is in no draft's way.
#[test]
fn a_draft_is_made_beside_a_file_that_is_somebody_elses() {
    let project = project();
    project.write("out/reel.mp4", "mine");
    assert_eq!(project.make_with(&["--draft", "reel"]).code, 0);
    assert_eq!(std::fs::read(project.path("out/reel.mp4")).unwrap(), b"mine");
    assert!(project.path("out/reel.draft.mp4").exists());
    // Nor is a draft's place the output's.
    std::fs::remove_file(project.path("out/reel.mp4")).unwrap();
    project.write("out/reel.draft.mp4", "mine");
    assert_eq!(project.make_with(&["reel"]).code, 0);
    let refused = project.make_with(&["--draft", "reel"]);
    assert_eq!(refused.code, 1);
    assert!(refused.errors()[0].contains("out/reel.draft.mp4"), "{:?}", refused.errors());
}

/// A draft is compared with the draft before it, and never with the output.
#[test]
fn drafts_are_planned_and_explained_as_drafts() {
    let project = project();
    project.make();
    let new = project.ok(&["explain", "--draft", "out/reel.draft.mp4"]);
    assert!(new.contains("proxy") && !new.contains("size"), "{new}");
    assert_eq!(project.make_with(&["--draft"]).code, 0);
    assert!(project.ok(&["plan", "--draft"]).contains("nothing to do"), "{}", project.ok(&["plan", "--draft"]));
    project.edit("autocut.ron", "A ride", "The ride");
    let why = project.ok(&["explain", "--draft", "reel"]);
    assert!(why.contains("A ride") && why.contains("The ride"), "{why}");
    let clip = project.ok(&["explain", "--draft", "clip", "1"]);
    assert!(clip.contains("A ride") && clip.contains("The ride"), "{clip}");
    assert!(project.ok(&["plan", "--draft", "--why"]).contains("reel.draft/"));
}

/// A GoPro's file and the small one beside it, as HERO6 and later name them. The
/// small one is painted over, so that a frame tells which of the two it is of.
fn gopro(project: &Project, small: &str) {
    let (large, twin) = (project.path("card/GX010001.MP4"), project.path("card/GL010001.LRV"));
    std::fs::create_dir_all(project.path("card")).unwrap();
    let source = "color=red:size=640x360:rate=30:duration=4";
    let sound = "sine=frequency=330:duration=4";
    let coded = ["-c:v", "libx264", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    let made = ["-metadata", "creation_time=2024-06-01T10:00:00Z", "-f", "mp4"];
    let inputs = ["-v", "error", "-f", "lavfi", "-i", source, "-f", "lavfi", "-i", sound];
    tool("ffmpeg", &[&inputs[..], &coded, &made, &[large.to_str().unwrap()]].concat());
    let inputs = ["-v", "error", "-f", "lavfi", "-i", small];
    tool("ffmpeg", &[&inputs[..], &coded[..6], &made, &[twin.to_str().unwrap()]].concat());
    project.write(
        "autocut.ron",
        "Project(version: 1, footage: {\"front\": \"card/*\"}, \
         moments: Moments(length: \"1s\", weights: {}, pins: [\"front/GX010001@1s\"]), \
         overlays: {\"title\": Text(text: \"A ride\")}, \
         outputs: {\"reel\": Reel(file: \"out/reel.mp4\")})",
    );
}

/// The average colour of a file's first frame, by ffmpeg: red, green, blue.
fn colour(project: &Project, file: &str) -> [u8; 3] {
    let file = project.path(file);
    let scale = "scale=1:1:flags=area,format=rgb24";
    let args = ["-v", "error", "-i", file.to_str().unwrap(), "-vf", scale, "-frames:v", "1", "-f", "rawvideo", "-"];
    let output = std::process::Command::new("ffmpeg").args(args).output().unwrap();
    output.stdout[..3].try_into().unwrap()
}

#[test]
fn a_draft_is_made_from_the_cameras_own_small_file() {
    let project = Project::new();
    gopro(&project, "color=blue:size=320x180:rate=30:duration=4");
    // That pattern takes it in too: it is no footage.
    assert!(project.ok(&["doctor"]).contains("GX010001"));
    let made = project.make_with(&["--draft"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(!made.ran().contains_key("proxy"), "{:?}", made.ran());
    let [red, _, blue] = colour(&project, "out/reel.draft.mp4");
    assert!(blue > 150 && red < 100, "{red} {blue}");
    assert_ne!(ffprobe(&project.path("out/reel.draft.mp4"), "a", "stream=codec_name"), "");
    // The output is made of the footage, and does not even probe the other.
    project.make().assert_ran([("segment", 1), ("show", 1), ("draw", 1), ("join", 1)]);
    let [red, _, blue] = colour(&project, "out/reel.mp4");
    assert!(red > 150 && blue < 100, "{red} {blue}");
}

/// One of another recording, or that broke off, is not taken for it.
#[test]
fn a_small_file_that_does_not_fit_is_passed_over() {
    for other in ["color=blue:size=320x180:rate=30:duration=3", "color=blue:size=320x240:rate=30:duration=4"] {
        let project = Project::new();
        gopro(&project, other);
        let made = project.make_with(&["--draft"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert_eq!(made.ran()["proxy"], 1);
        let [red, _, blue] = colour(&project, "out/reel.draft.mp4");
        assert!(red > 150 && blue < 100, "{red} {blue}");
    }
}
