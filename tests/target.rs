//! Outputs that are to have a size or a bit rate, on real footage.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;

use common::{Project, ffprobe};

/// Three stretches of a second of a real file.
fn manifest(outputs: &str) -> String {
    format!(
        r#"Project(version: 1, footage: {{ "front": "hero7.mp4" }},
            moments: Moments(length: "1s", weights: {{}}, pins: ["front/hero7@0.5s", "front/hero7@4s", "front/hero7@8s"]),
            outputs: {{ {outputs} }})"#
    )
}

fn reel(size: &str) -> String {
    manifest(&format!(r#""reel": Reel(file: "reel.mp4", video: Video(target: Size("{size}")))"#))
}

/// How far a file is from a size, in percent of it.
fn off(file: &std::path::Path, size: u64) -> f64 {
    let bytes = fs::metadata(file).unwrap().len();
    (bytes as f64 - size as f64).abs() * 100.0 / size as f64
}

#[test]
fn outputs_come_to_their_size() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "hero7.mp4") {
        return;
    }
    project.write("autocut.ron", reel("600 KB"));
    let made = project.make();
    let tried = made.ran()["segment"];
    assert!((6..=15).contains(&tried), "{tried} segments");
    assert_eq!(made.ran()["quality"], 1);
    let reel_file = project.path("reel.mp4");
    // All segments are samples here, so what is left is the step from one
    // quality to the next and the container.
    assert!(off(&reel_file, 600_000) < 4.0, "{:?}", fs::metadata(&reel_file));
    assert_eq!(common::decode_warnings(&reel_file), "");
    assert_eq!(project.make().ran().len(), 0);

    // A little more: the same samples, and what is left to do.
    project.write("autocut.ron", reel("1.2 MB"));
    let again = project.make();
    assert!(again.ran()["segment"] <= 9, "{:?}", again.ran());
    assert!(off(&reel_file, 1_200_000) < 4.0);

    // Told by name, with what was tried.
    let told = project.ok(&["explain", "reel.mp4"]);
    assert!(told.contains("3 clips in 3 segments") && told.contains("at which the pictures take"), "{told}");
}

/// Other encoders on the same scale; AV1's has whole steps.
#[test]
fn every_scale_comes_to_a_bit_rate() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "hero7.mp4") {
        return;
    }
    project.write(
        "autocut.ron",
        manifest(
            r#""hevc": Reel(file: "hevc.mp4", video: Video(codec: Hevc, preset: "ultrafast", target: BitRate("1.5 Mbit/s"))),
               "av1": Reel(file: "av1.webm", video: Video(codec: Av1, preset: "ultrafast", target: BitRate("1500 kbit/s"))),
               "clips": Clips(folder: "clips", video: Video(target: BitRate("2 Mbps")))"#,
        ),
    );
    project.make();
    let video = |file: &std::path::Path| -> u64 {
        let sizes = ffprobe(file, "v", "packet=size");
        let sizes = sizes.lines().map(|line| line.trim_matches(',')).filter(|line| !line.is_empty());
        sizes.map(|size| size.parse::<u64>().unwrap()).sum()
    };
    // 90 frames at 30000/1001 a second.
    let bytes = |rate: f64| rate / 8.0 * 90.0 * 1_001.0 / 30_000.0;
    for (file, rate) in [("hevc.mp4", 1.5e6), ("av1.webm", 1.5e6)] {
        let share = video(&project.path(file)) as f64 / bytes(rate);
        assert!((0.9..1.1).contains(&share), "{file} has {share} of its bit rate");
    }
    let clips = fs::read_dir(project.path("clips")).unwrap().map(|file| video(&file.unwrap().path())).sum::<u64>();
    let share = clips as f64 / bytes(2e6);
    assert!((0.9..1.1).contains(&share), "the clips have {share} of their bit rate");
}

#[test]
fn what_cannot_be_met_is_told() {
    let project = Project::new();
    project.footage("hero7.mp4", &common::Footage { seconds: 12, ..common::Footage::default() });
    let told = |manifest: String| {
        project.write("autocut.ron", manifest);
        let output = project.run(&["make"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let small = told(reel("75 KB"));
    assert!(small.contains("cannot be so small") && small.contains("raise the target"), "{small}");
    let both = r#""reel": Reel(file: "reel.mp4", video: Video(quality: 20, target: Size("5 MB")))"#;
    assert!(told(manifest(both)).contains("cannot both be met"));
    let prores = r#""reel": Reel(file: "reel.mov", video: Video(codec: ProRes, target: Size("5 MB")))"#;
    assert!(told(manifest(prores)).contains("ProRes has no scale of quality"));
    let clips = r#""clips": Clips(folder: "out", video: Video(target: Size("5 MB")))"#;
    assert!(told(manifest(clips)).contains("a size is that of one file"));
    let rate = r#""reel": Reel(file: "reel.mp4", video: Video(target: BitRate("fast")))"#;
    assert!(told(manifest(rate)).contains("write it like"));
}
