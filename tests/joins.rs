//! Joins that nobody sees: quality beside them, and the size of the file,
//! against one encode of the same frames.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::path::Path;

use common::{Project, decode_warnings, frame_hashes, tool};

/// SSIM of every frame of `file` to the same frame of `reference`, by ffmpeg.
fn ssim(file: &Path, reference: &Path, log: &Path) -> Vec<f64> {
    let filter = format!("[0:v]setpts=N[a];[1:v]setpts=N[b];[a][b]ssim=stats_file={}", log.to_str().unwrap());
    let (file, reference) = (file.to_str().unwrap(), reference.to_str().unwrap());
    tool("ffmpeg", &["-v", "error", "-i", file, "-i", reference, "-lavfi", &filter, "-f", "null", "-"]);
    let text = fs::read_to_string(log).unwrap();
    text.lines().map(|line| line.split("All:").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()).collect()
}

/// Three stretches of a real file, told as frames of it: 2 s from 0.5 s, 4 s
/// and 8 s, at 30000/1001 a second.
const STARTS: [(f64, u32); 3] = [(0.5, 15), (4.0, 120), (8.0, 240)];
const FRAMES: u32 = 60;

#[test]
fn joins_keep_quality_and_size() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "hero7.mp4") {
        return;
    }
    let pins: Vec<String> = STARTS.iter().map(|(start, _)| format!("\"front/hero7@{start}s\"")).collect();
    project.write(
        "autocut.ron",
        format!(
            r#"Project(version: 1, footage: {{ "front": "hero7.mp4" }},
                moments: Moments(length: "2s", weights: {{}}, pins: [{}]),
                outputs: {{ "reel": Reel(file: "reel.mp4") }})"#,
            pins.join(", ")
        ),
    );
    project.make();
    let reel = project.path("reel.mp4");
    assert_eq!(frame_hashes(&reel).len(), 180);
    assert_eq!(decode_warnings(&reel), "");

    // The same frames by number, without loss, and encoded once.
    let chosen: Vec<String> =
        STARTS.iter().map(|(_, first)| format!("between(n,{first},{})", first + FRAMES - 1)).collect();
    let filter = format!(
        "select='{}',setpts=N/(30000/1001)/TB,scale=out_range=tv:out_color_matrix=bt709:flags=bicubic+accurate_rnd,format=yuv420p",
        chosen.join("+")
    );
    let source = project.path("hero7.mp4");
    let encode = |to: &Path, settings: &[&str]| {
        let base = ["-v", "error", "-y", "-i", source.to_str().unwrap(), "-an", "-vf", &filter, "-r", "30000/1001"];
        let args: Vec<&str> = base.iter().chain(settings).copied().chain([to.to_str().unwrap()]).collect();
        tool("ffmpeg", &args);
    };
    let (lossless, once) = (project.path("lossless.mp4"), project.path("once.mp4"));
    encode(&lossless, &["-c:v", "libx264", "-preset", "ultrafast", "-qp", "0"]);
    encode(&once, &["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", "1"]);

    let quality = ssim(&reel, &lossless, &project.path("ssim.log"));
    assert_eq!(quality.len(), 180);
    for (index, clip) in quality.chunks(FRAMES as usize).enumerate() {
        let mut sorted = clip.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        assert!(median > 0.9, "clip {index} shows other frames: SSIM {median}");
        for frame in clip[..3].iter().chain(&clip[clip.len() - 3..]) {
            assert!(*frame > median - 0.01, "clip {index}: {frame} beside a join, median {median}");
        }
    }
    let video = |file: &Path| -> u64 {
        let sizes = common::ffprobe(file, "v", "packet=size");
        sizes.lines().map(|line| line.trim_end_matches(',').parse::<u64>().unwrap()).sum()
    };
    let ratio = video(&reel) as f64 / video(&once) as f64;
    assert!(ratio < 1.03, "{ratio} of the size of one encode");
}

/// A file says when what it shows first was recorded, as ffprobe reads it back.
#[test]
fn files_say_when_they_were_recorded() {
    let project = Project::new();
    let path = project.path("a.mp4");
    let source = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=30:duration=4"];
    let coded = ["-pix_fmt", "yuv420p", "-metadata", "creation_time=2024-06-01T10:00:00Z", path.to_str().unwrap()];
    tool("ffmpeg", &[&source[..], &coded].concat());
    project.write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "a.mp4" },
            moments: Moments(length: "1s", weights: {}, pins: ["front/a@2s"]),
            outputs: { "reel": Reel(file: "reel.mp4"), "film": Reel(file: "film.mkv"),
                       "bare": Reel(file: "bare.mp4", date: false) })"#,
    );
    project.make();
    let date = |name: &str| {
        let path = project.path(name);
        let entry = ["-v", "error", "-show_entries", "format_tags=creation_time", "-of", "csv=p=0"];
        tool("ffprobe", &[&entry[..], &[path.to_str().unwrap()]].concat()).trim().to_owned()
    };
    assert!(date("reel.mp4").starts_with("2024-06-01T10:00:02"), "{}", date("reel.mp4"));
    assert!(date("film.mkv").starts_with("2024-06-01T10:00:02"), "{}", date("film.mkv"));
    assert_eq!(date("bare.mp4"), "");
}

/// Where asked to, a file says where that was, as ffprobe reads it back: halfway
/// between two samples of the log.
#[test]
fn files_say_where_they_were_recorded_if_they_are_to() {
    let project = Project::new();
    let path = project.path("a.mp4");
    let source = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=30:duration=4"];
    let coded = ["-pix_fmt", "yuv420p", "-metadata", "creation_time=2024-06-01T10:00:00Z", path.to_str().unwrap()];
    tool("ffmpeg", &[&source[..], &coded].concat());
    let row = |second: u32| format!("2024-06-01T10:00:{second:02}Z,{},{}\n", 47.0 + f64::from(second) * 2e-4, -8.25);
    let rows: String = (0..10).map(row).collect();
    project.write("log.csv", format!("time,latitude,longitude\n{rows}"));
    project.write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "a.mp4" }, telemetry: "log.csv",
            moments: Moments(length: "1s", weights: {}, pins: ["front/a@2.5s"]),
            outputs: { "reel": Reel(file: "reel.mp4", location: true), "film": Reel(file: "film.mkv", location: true),
                       "bare": Reel(file: "bare.mp4") })"#,
    );
    let made = project.make();
    assert_eq!(made.code, 0, "{}", made.stderr);
    let place = |name: &str| {
        let path = project.path(name);
        let entry = ["-v", "error", "-show_entries", "format_tags=location", "-of", "csv=p=0"];
        tool("ffprobe", &[&entry[..], &[path.to_str().unwrap()]].concat()).trim().to_owned()
    };
    // Cleaning smooths positions a little.
    for name in ["reel.mp4", "film.mkv"] {
        assert!(place(name).starts_with("+47.000") && place(name).ends_with("-008.2500/"), "{}", place(name));
    }
    assert_eq!(place("bare.mp4"), "");
}
