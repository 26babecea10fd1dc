//! The two programs: what they load, what they say, how they end.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::process::Command;

use common::{Footage, Project};

#[test]
fn autocut_loads_no_media_library() {
    if cfg!(not(target_os = "linux")) {
        eprintln!("skipped: ldd is Linux's");
        return;
    }
    let libraries = common::tool("ldd", &[env!("CARGO_BIN_EXE_autocut")]);
    for name in ["libav", "libsw", "libx264", "libstdc++"] {
        assert!(!libraries.contains(name), "{libraries}");
    }
    assert!(common::tool("ldd", &[env!("CARGO_BIN_EXE_autocut-media")]).contains("libavcodec"));
}

#[test]
fn the_media_program_says_what_it_is_for() {
    let output = Command::new(env!("CARGO_BIN_EXE_autocut-media")).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("autocut"), "{output:?}");
}

/// Everything wrong with a manifest at once, each with its place; the exit
/// code of wrong input.
#[test]
fn all_errors_of_a_manifest_are_told_at_once() {
    let project = Project::new();
    project.write(
        "autocut.ron",
        r#"Project(
    version: 1,
    footage: { "front": Footage(files: ["front/*.mp4"], clok: "+1h") },
    moments: Moments(length: "3.5 parsecs", pins: ["rear/GX010012@3s"]),
    overlays: { "speed": Gage(channel: "speed") },
    outputs: { "reel": Reel(file: "out/reel.mp4", video: Video(preset: "very fast", rate: 29.97)) },
)"#,
    );
    let output = project.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    let expected = [
        ("autocut.ron:3:57", "clock"),
        ("autocut.ron:4:", "3.5 parsecs"),
        ("autocut.ron:5:", "Gauge"),
        ("autocut.ron:6:", "veryfast"),
        ("autocut.ron:6:", "30000/1001"),
    ];
    for (place, word) in expected {
        assert!(text.contains(place) && text.contains(word), "{place} {word} is not in:\n{text}");
    }
}

#[test]
fn missing_files_are_named_with_where_they_were_looked_for() {
    let project = Project::new();
    project.footage("footage/a.mp4", &Footage { seconds: 1, ..Footage::default() });
    project.write(
        "autocut.ron",
        r#"Project(version: 1,
            footage: { "front": "footige/*.mp4" },
            telemetry: Csv(file: "ride.csv"),
            outputs: { "reel": Reel(file: "reel.mp4") })"#,
    );
    let output = project.run(&["make"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("footige/*.mp4") && text.contains("ride.csv"), "{text}");
}

#[test]
fn without_a_manifest_the_way_to_one_is_told() {
    let project = Project::new();
    let output = project.run(&["make"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("autocut new"), "{output:?}");
}

#[test]
fn a_dry_run_is_exact_for_what_can_start_and_runs_nothing() {
    let project = Project::new();
    project.footage("a.mp4", &Footage { seconds: 4, ..Footage::default() }).write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "a.mp4" },
            moments: Moments(length: "1s", weights: {}, pins: ["front/a@1s"]),
            outputs: { "reel": Reel(file: "reel.mp4") })"#,
    );
    let text = project.ok(&["make", "-n"]);
    assert!(text.contains("hash a.mp4") && text.contains("unknown"), "{text}");
    assert!(!project.path("reel.mp4").exists());
    // A file is believed to be what it was only once its stamps have settled.
    std::thread::sleep(std::time::Duration::from_millis(300));
    project.make();
    assert!(project.ok(&["make", "-n"]).contains("nothing to do"));
    project.edit("autocut.ron", "front/a@1s", "front/a@2s");
    let text = project.ok(&["make", "-n"]);
    assert!(text.contains("choose moments/choose") && text.contains("unknown"), "{text}");
    std::fs::remove_file(project.path("reel.mp4")).unwrap();
    project.edit("autocut.ron", "front/a@2s", "front/a@1s");
    let text = project.ok(&["make", "-n"]);
    assert!(text.contains("join reel/reel.mp4") && text.contains("would run 1 join in about"), "{text}");
}

#[test]
fn doctor_says_what_is_odd_about_each_file() {
    let project = Project::new();
    project.footage("a.mp4", &Footage { seconds: 1, sound: false, ..Footage::default() }).write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "a.mp4" }, outputs: { "reel": Reel(file: "reel.mp4") })"#,
    );
    let text = project.ok(&["doctor"]);
    assert!(
        text.contains("libx264") && text.contains("front/a") && text.contains("no sound: silence is used"),
        "{text}"
    );
}

#[test]
fn the_reference_page_is_what_the_program_says() {
    let project = Project::new();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md")).unwrap();
    assert!(project.ok(&["reference"]) == page, "docs/reference.md is not what the program says: run `make docs`");
}

#[test]
fn a_storyboard_overwrites_only_a_storyboard() {
    let project = Project::new();
    project.ok(&["new"]);
    project.footage("footage/GX010001.MP4", &Footage { seconds: 6, ..Footage::default() });
    project.write("song.ogg", "precious");
    let output = project.run(&["storyboard", "-o", "song.ogg"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read(project.path("song.ogg")).unwrap(), b"precious");
    project.ok(&["storyboard"]);
    project.ok(&["storyboard"]);
}

#[test]
fn an_output_in_place_of_footage_is_refused_even_by_force() {
    let project = Project::new();
    let short = Footage { seconds: 2, ..Footage::default() };
    project.footage("footage/a.mp4", &short).footage("footage/b.mp4", &short).write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "footage/*.mp4" },
            outputs: { "reel": Reel(file: "footage/b.mp4") })"#,
    );
    let before = std::fs::read(project.path("footage/b.mp4")).unwrap();
    let output = project.run(&["make", "--force"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("autocut.ron:2:"), "{output:?}");
    assert!(std::fs::read(project.path("footage/b.mp4")).unwrap() == before);
}

#[test]
fn json_ends_with_finished_even_where_the_manifest_is_wrong() {
    let project = Project::new();
    project.write("autocut.ron", "Project(version: 1)");
    let made = project.make_with(&[]);
    assert_eq!(made.code, 1);
    assert!(!made.errors().is_empty());
}

/// `autocut-media run FILE` repeats one action by itself: an invocation in RON
/// goes in, what it made comes out.
#[test]
fn one_action_can_be_repeated_by_itself() {
    let project = Project::new();
    project.footage("a.mp4", &Footage { seconds: 2, ..Footage::default() });
    let bytes = std::fs::read(project.path("a.mp4")).unwrap();
    let digest = autocut::base::Digest::of(&bytes);
    let invocation = format!(
        "(id: 1, spec: Probe((file: \"{digest}\")), inputs: {{\"{digest}\": {:?}}}, packs: [], scratch: {:?})",
        project.path("a.mp4"),
        project.path("")
    );
    project.write("probe.ron", invocation);
    let media = env!("CARGO_BIN_EXE_autocut-media");
    let text = common::tool(media, &["run", project.path("probe.ron").to_str().unwrap()]);
    assert!(text.contains("value: ["), "{text}");
}
