//! `autocut.lock`: the moments that one machine chose are shown by another,
//! which analyses nothing for it; another request or another toolchain is told.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use autocut::base::Digest;
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::signal::NamedSignal;
use autocut::model::{ActionSpec, Tool, Toolchain, decode, encode};
use common::media::{self, Changes};
use common::{Footage, Made, Project};

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    analysis: Analysis(rate: 4, width: 64),
    moments: Moments(length: "1s", total: "2s", gap: "1s", weights: {"motion": 0.5, "exposure": 0.5}),
    outputs: { "reel": Reel(file: "out/reel.mp4") },
)"#;

fn project() -> Project {
    let project = Project::new();
    let footage = Footage { size: "64x64", seconds: 8, ..Footage::default() };
    project.footage("footage/a.mp4", &footage).write("autocut.ron", MANIFEST);
    project
}

/// The project as another machine gets it: without its store and its outputs.
fn clone(project: &Project) -> Project {
    let clone = Project::new();
    for name in ["footage", "autocut.ron", "autocut.lock"] {
        if project.path(name).exists() {
            let status = Command::new("cp").arg("-r").arg(project.path(name)).arg(clone.path("")).status().unwrap();
            assert!(status.success());
        }
    }
    clone
}

/// Not a test: see `common::media`.
#[test]
fn media_program() {
    media::serve(&Changes { produced, toolchain, ..Changes::default() });
}

/// Signals as no real processor gives them, but plainly others: they rise.
fn produced(change: &str, invocation: &Invocation, produced: &mut Produced) {
    if let ("signals", ActionSpec::Analyse(_)) = (change, &invocation.spec) {
        let mut signals: Vec<NamedSignal> = decode(&fs::read(&produced.files[0]).unwrap()).unwrap();
        for (at, value) in signals[0].signal.values.iter_mut().enumerate() {
            *value = at as i32 * 100;
        }
        fs::write(&produced.files[0], encode(&signals)).unwrap();
    }
}

fn toolchain(change: &str, toolchain: &mut Toolchain) {
    if change == "tools" {
        let tool = toolchain.tools.get_mut(&Tool::H264).unwrap();
        tool.name = "libavcodec 99.1.100, libx264".to_owned();
        tool.identity = Some(Digest::of(b"another x264"));
    }
}

/// Runs a command with a media program that makes a change.
fn run_with(project: &Project, program: &PathBuf, args: &[&str]) -> Output {
    common::autocut().env("AUTOCUT_MEDIA", program).current_dir(project.path("")).args(args).output().unwrap()
}

fn make_with(project: &Project, program: &PathBuf, args: &[&str]) -> Made {
    let args: Vec<&str> = ["make", "--json"].iter().chain(args).copied().collect();
    Made::of(run_with(project, program, &args))
}

/// The warnings of a run that speak of the lock, with their notes.
fn warnings(made: &Made) -> Vec<String> {
    let of_lock = |event: &&serde_json::Value| {
        event["event"] == "warning" && event["diagnostic"]["message"].as_str().unwrap().contains("autocut.lock")
    };
    made.events.iter().filter(of_lock).map(|event| event["diagnostic"].to_string()).collect()
}

fn reel(project: &Project) -> Vec<u8> {
    fs::read(project.path("out/reel.mp4")).unwrap()
}

fn lock(project: &Project) -> String {
    fs::read_to_string(project.path("autocut.lock")).unwrap()
}

#[test]
fn another_machine_shows_the_moments_of_the_lock_and_analyses_nothing() {
    let project = project();
    project.make();
    let without = clone(&project);
    let text = project.ok(&["lock"]);
    assert!(text.contains("wrote autocut.lock: 2 moments"), "{text}");
    let written = lock(&project);
    assert_eq!(project.ok(&["lock"]), "autocut.lock is up to date\n");
    assert_eq!(lock(&project), written);
    project.make_with(&["--locked"]).assert_ran([]);

    // Where signals come out otherwise and nothing is pinned, the film is another.
    let other = media::program(&without, "signals");
    assert_eq!(make_with(&without, &other, &[]).code, 0);
    assert!(reel(&without) != reel(&project), "the signals decide nothing, so this test shows nothing");

    let pinned = clone(&project);
    let made = make_with(&pinned, &media::program(&pinned, "signals"), &["--locked"]);
    assert_eq!(made.code, 0, "{:?}", made.errors());
    made.assert_ran([("probe", 1), ("segment", 2), ("sound", 2), ("mix", 1), ("join", 1)]);
    assert!(reel(&pinned) == reel(&project));
    assert_eq!(lock(&pinned), written);

    // Explaining needs the analyses, and says that the film shows others.
    let output = run_with(&pinned, &media::program(&pinned, "signals"), &["explain", "moments"]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(out.contains("2 moments"), "{out}");
    assert!(err.contains("autocut.lock pins other moments than would be chosen here") && err.contains("gone"), "{err}");
    assert_eq!(lock(&pinned), written);
    // Nothing to say where they are the same.
    let output = project.run(&["explain", "moments"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("autocut.lock"));
}

#[test]
fn what_changes_no_request_keeps_the_lock_and_what_does_is_told() {
    let project = project();
    project.ok(&["lock"]);
    project.make();
    let written = lock(&project);
    // Formatting, overlays and outputs are no part of the choice.
    project.edit("autocut.ron", "    version: 1,\n", "    version: 1,\n\n\n");
    project.edit("autocut.ron", "reel.mp4\")", "reel.mp4\", title: \"Ride\")");
    let made = project.make_with(&["--locked"]);
    assert_eq!(made.code, 0, "{:?}", made.errors());
    made.assert_ran([("join", 1)]);
    assert_eq!(lock(&project), written);

    project.edit("autocut.ron", "weights:", "pins: [\"front/a@6.5s\"], weights:");
    let before = reel(&project);
    let made = project.make_with(&["--locked"]);
    assert_eq!(made.code, 1);
    assert_eq!(made.ran().get("segment"), None);
    let error = made.finished()["errors"][0].to_string();
    assert!(error.contains("autocut.lock is out of date") && error.contains("run `autocut lock`"), "{error}");
    assert!(error.contains("pin front/a@6.5s: new (1s)") && error.contains("moment front/a@6.5s: new"), "{error}");
    assert!(lock(&project) == written && reel(&project) == before);

    let made = project.make();
    let told = warnings(&made);
    assert!(told.len() == 1 && told[0].contains("pin front/a@6.5s: new (1s)"), "{told:?}");
    assert!(lock(&project).contains("Moment(recording: \"front/a\", start: \"6.5s\", length: \"1s\", pinned: true)"));
    let again = project.make_with(&["--locked"]);
    assert_eq!((again.code, warnings(&again)), (0, Vec::new()));
    again.assert_ran([]);

    // Other content under the same name is another request.
    let footage = Footage { size: "64x64", seconds: 8, rate: "25", ..Footage::default() };
    project.footage("footage/a.mp4", &footage);
    let made = project.make_with(&["--locked"]);
    assert_eq!(made.code, 1);
    let error = made.finished()["errors"][0].to_string();
    assert!(error.contains("footage front footage/a.mp4: "), "{error}");
}

#[test]
fn another_toolchain_is_refused_with_locked_and_else_told_once() {
    let project = project();
    project.ok(&["lock"]);
    let written = lock(&project);
    let other = media::program(&project, "tools");
    let made = make_with(&project, &other, &["--locked"]);
    assert_eq!(made.code, 1);
    made.assert_ran([]);
    let error = made.finished()["errors"][0].to_string();
    assert!(error.contains("tool h264: ") && error.contains("-> libavcodec 99.1.100, libx264"), "{error}");
    assert!(!error.contains("tool aac"), "{error}");
    assert_eq!(lock(&project), written);

    let told = warnings(&make_with(&project, &other, &[]));
    assert!(told.len() == 1 && told[0].contains("tool h264: "), "{told:?}");
    assert!(lock(&project).contains("libavcodec 99.1.100, libx264"));
    assert_eq!(warnings(&make_with(&project, &other, &["--locked"])), Vec::<String>::new());
}

#[test]
fn a_lock_that_is_missing_or_wrong_is_told_with_its_place() {
    let project = project();
    let errors = |args: &[&str]| {
        let output = project.run(args);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = errors(&["make", "--locked"]);
    assert!(text.contains("there is no autocut.lock") && text.contains("run `autocut lock`"), "{text}");

    project.ok(&["lock"]);
    let written = lock(&project);
    project.write("autocut.lock", written.replace("    moments: [", "<<<<<<< HEAD\n    moments: ["));
    let line = 1 + written[..written.find("    moments: [").unwrap()].matches('\n').count();
    let text = errors(&["make"]);
    assert!(text.contains(&format!("autocut.lock:{line}:")) && text.contains("run `autocut lock`"), "{text}");

    project.write("autocut.lock", written.replace("version: 1,", "version: 7,"));
    let text = errors(&["make"]);
    assert!(text.contains("version 7") && text.contains("newer autocut"), "{text}");

    // Someone's edit that names what was not filmed.
    project.write("autocut.lock", written.replace("recording: \"front/a\"", "recording: \"front/z\""));
    let text = errors(&["make"]);
    assert!(text.contains("autocut.lock pins front/z@"), "{text}");
    assert!(!project.path("out").exists());
}
