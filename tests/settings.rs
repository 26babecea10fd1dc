//! Settings: the config file, the environment and the command line, each
//! stronger than the one before, and shown by `autocut doctor`.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test ends where something fails")]

mod common;

use std::process::Output;

use autocut::exec::estimates::{Class, Estimates};
use autocut::model::kinds::KINDS;
use autocut::store::Store;
use common::{Footage, Project};

const MANIFEST: &str = r#"Project(version: 1, footage: { "front": "a.mp4" },
    moments: Moments(length: "1s", weights: {}, pins: ["front/a@0s", "front/a@1s", "front/a@2s", "front/a@3s"]),
    outputs: { "reel": Reel(file: "reel.mp4"), "clips": Clips(folder: "clips") })"#;

fn run(project: &Project, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = common::autocut();
    command.current_dir(project.path("")).args(args).envs(variables.iter().copied());
    command.output().unwrap()
}

/// The line of `autocut doctor` about a setting.
fn line(project: &Project, setting: &str, args: &[&str], variables: &[(&str, &str)]) -> String {
    let args: Vec<&str> = ["doctor"].iter().chain(args).copied().collect();
    let output = run(project, &args, variables);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.trim_start().starts_with(setting));
    line.unwrap_or_else(|| panic!("{text}\n{output:?}")).to_owned()
}

#[test]
fn doctor_shows_each_setting_and_where_it_comes_from() {
    let project = Project::new();
    project.write("config.ron", "Config(\n    jobs: 3,\n    memory: \"2GiB\",\n)");
    let config = project.path("config.ron");
    let config = ("AUTOCUT_CONFIG", config.to_str().unwrap());

    assert!(line(&project, "jobs", &[], &[]).contains("default: "));
    let told = line(&project, "jobs", &[], &[config]);
    assert!(told.contains(" 3 ") && told.contains("config.ron:2"), "{told}");
    let told = line(&project, "jobs", &[], &[config, ("AUTOCUT_JOBS", "5")]);
    assert!(told.contains(" 5 ") && told.contains("environment: AUTOCUT_JOBS"), "{told}");
    let told = line(&project, "jobs", &["-j", "7"], &[config, ("AUTOCUT_JOBS", "5")]);
    assert!(told.contains(" 7 ") && told.contains("command line: --jobs"), "{told}");
    let told = line(&project, "memory", &[], &[config]);
    assert!(told.contains("2.0 GiB") && told.contains("config.ron:3"), "{told}");
    let told = line(&project, "memory", &["--memory", "1GiB"], &[config, ("AUTOCUT_MEMORY", "9GiB")]);
    assert!(told.contains("1.0 GiB") && told.contains("command line: --memory"), "{told}");
}

#[test]
fn wrong_settings_are_the_users_and_told_at_once() {
    let project = Project::new();
    project.write("autocut.ron", MANIFEST).write("config.ron", "Config(job: 3)");
    let config = project.path("config.ron");
    let variables = [("AUTOCUT_CONFIG", config.to_str().unwrap()), ("AUTOCUT_CODEC", "h264_magic")];
    let output = run(&project, &["make"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    for words in ["config.ron:1:8", "did you mean `jobs`?", "AUTOCUT_CODEC", "encodes with: auto, libx264"] {
        assert!(text.contains(words), "{words} is not in:\n{text}");
    }
    let output = run(&project, &["make", "--codec", "prores"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("auto, libx264"), "{output:?}");
}

#[test]
fn the_store_goes_where_it_is_told_and_no_setting_changes_a_key() {
    let project = Project::new();
    let short = Footage { size: "64x64", rate: "10", seconds: 4, ..Footage::default() };
    project.footage("a.mp4", &short).write("autocut.ron", MANIFEST);
    let elsewhere = tempfile::tempdir().unwrap();
    let store = elsewhere.path().join("{project}");
    let store = store.to_str().unwrap();
    let first = run(&project, &["make", "--json", "-j1", "--store", store], &[]);
    assert!(first.status.success(), "{first:?}");
    assert!(!project.path(".autocut").exists());

    let variables = [("AUTOCUT_STORE", store), ("AUTOCUT_MEMORY", "300MiB"), ("AUTOCUT_CODEC", "libx264")];
    let second = run(&project, &["make", "--json", "-j3"], &variables);
    let text = String::from_utf8(second.stdout).unwrap();
    assert!(text.lines().last().unwrap().contains(r#""ran":0"#), "{text}");
}

/// A tiny picture takes far less than what is expected of a kind that never ran;
/// so more of them find room in the same memory the next time.
#[test]
fn what_actions_took_is_expected_of_the_next() {
    let project = Project::new();
    let short = Footage { size: "64x64", rate: "10", seconds: 4, ..Footage::default() };
    project.footage("a.mp4", &short).write("autocut.ron", MANIFEST);
    assert!(run(&project, &["make"], &[]).status.success());

    let store = Store::open(&project.path(".autocut")).unwrap();
    let learned = Estimates::from_bytes(&store.estimates().unwrap().expect("nothing was learned"));
    let kind = |name: &str| *KINDS.iter().find(|kind| kind.name == name).unwrap();
    // Only a segment holds pictures of this size.
    for (name, pixels) in [("probe", 0), ("segment", 64 * 64), ("join", 0)] {
        let class = Class::of_pixels(pixels);
        let (new, known) = (Estimates::default().expect(kind(name), class), learned.expect(kind(name), class));
        assert!(known > 0 && known != new, "{name}: {new} MiB before, {known} MiB after");
    }
    // A kind that did not run is expected to take what it was.
    let (detect, class) = (kind("detect"), Class::of_pixels(64 * 64));
    assert_eq!(learned.expect(detect, class), Estimates::default().expect(detect, class));
}
