//! The example ride at a small size: footage, telemetry, music, everything.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Project, decode_warnings, ffprobe};

/// The example program, built by `cargo test` beside the programs.
fn example() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_autocut")).parent().unwrap().join("examples/ride")
}

#[test]
fn the_example_ride_renders_and_a_second_make_does_nothing() {
    let project = Project::new();
    let status = Command::new(example()).arg(project.path("")).args(["--short", "--size", "320x180"]).status().unwrap();
    assert!(status.success());
    let made = project.make();
    assert!(made.ran()["segment"] > 2, "{:?}", made.ran());
    let reel = project.path("out/reel.mp4");
    assert_eq!(decode_warnings(&reel), "");
    let (video, audio) = (ffprobe(&reel, "v", "stream=duration"), ffprobe(&reel, "a", "stream=duration"));
    assert!((video.parse::<f64>().unwrap() - audio.parse::<f64>().unwrap()).abs() < 0.001, "{video} {audio}");
    project.make().assert_ran([]);

    // Other music is no matter of the pictures.
    let mut music = fs::read(project.path("music.wav")).unwrap();
    music.iter_mut().skip(44).for_each(|byte| *byte /= 2);
    fs::write(project.path("music.wav"), music).unwrap();
    project.make().assert_ran([("mix", 1), ("join", 1)]);
}

#[test]
fn a_new_project_renders_with_the_template() {
    let project = Project::new();
    let written = project.ok(&["new"]);
    assert!(written.contains("autocut.ron"), "{written}");
    project.footage("footage/GX010001.MP4", &common::Footage { seconds: 6, ..common::Footage::default() });
    project.ok(&["check"]);
    project.make();
    assert!(project.path("out/reel.mp4").exists());
    project.make().assert_ran([]);
    let again = project.run(&["new"]);
    assert_eq!(again.status.code(), Some(1));
}

#[test]
fn the_storyboard_shows_every_moment_with_its_line_to_copy() {
    let project = Project::new();
    project.ok(&["new"]);
    project.footage("footage/GX010001.MP4", &common::Footage { seconds: 6, ..common::Footage::default() });
    project.ok(&["storyboard"]);
    let page = fs::read_to_string(project.path("storyboard.html")).unwrap();
    assert!(page.contains("data:image/jpeg;base64,"));
    assert!(page.contains("main/GX010001@"));
}
