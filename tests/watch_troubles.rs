//! `autocut watch` where something is in the way: a wrong manifest, a missing
//! file, an edit that is undone, a store that is removed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::io::Write;

use common::watch::{Watch, nodes, ran, save};
use common::{Footage, Project, frame_hashes};
use serde_json::Value;

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    moments: Moments(length: "1s", weights: {}, pins: ["front/a@0s", "front/a@2s"]),
    overlays: { "title": Text(text: "one") },
    outputs: { "reel": Reel(file: "out/reel.mp4") },
)"#;

const SMALL: Footage =
    Footage { size: "160x90", rate: "30", seconds: 4, tone: 440, sound: true, created: "2024-06-01T10:00:00Z" };

fn project() -> Project {
    let project = Project::new();
    project.footage("footage/a.mp4", &SMALL).write("autocut.ron", MANIFEST);
    project
}

/// A project whose second output takes seconds to encode, one segment after the
/// other.
fn slow_project() -> Project {
    let project = Project::new();
    project.footage("footage/a.mp4", &Footage { size: "640x360", seconds: 12, ..SMALL });
    let slow = "\"slow\": Reel(file: \"out/slow.mp4\", overlays: [], video: Video(preset: \"veryslow\", size: \"720p\")) },\n)";
    let manifest = MANIFEST.replace("},\n)", slow).replace("\"1s\"", "\"4s\"").replace("front/a@2s", "front/a@6s");
    project.write(
        "autocut.ron",
        manifest
            .replace("Reel(file: \"out/reel.mp4\")", "Reel(file: \"out/reel.mp4\", video: Video(size: \"160x90\")),"),
    );
    project
}

fn is_written(path: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["event"] == "output" && event["path"] == path && event["written"] == true
}

fn no_errors(events: &[Value]) -> bool {
    events.last().unwrap()["errors"].as_array().unwrap().is_empty()
}

#[test]
fn an_edit_that_is_undone_while_it_renders_leaves_the_output_as_it_was() {
    let project = slow_project();
    // One more than the slow output takes.
    let watch = Watch::start(&project, &["-j3"]);
    watch.until(is_written("out/reel.mp4"));
    save(&project, "\"one\"", "\"two\"");
    let meanwhile = watch.until(is_written("out/reel.mp4"));
    save(&project, "\"two\"", "\"one\"");
    assert!(meanwhile.iter().all(|event| event["event"] != "finished"), "it is to be undone while it renders");
    assert!(no_errors(&watch.build()));
    drop(watch);
    let undone = frame_hashes(&project.path("out/reel.mp4"));
    project.make().assert_ran([]);
    fs::remove_dir_all(project.path(".autocut")).unwrap();
    fs::remove_dir_all(project.path("out")).unwrap();
    project.make();
    assert_eq!(frame_hashes(&project.path("out/reel.mp4")), undone);
}

#[test]
fn a_mistake_that_is_mended_while_it_renders_costs_nothing() {
    let project = slow_project();
    let watch = Watch::start(&project, &["-j1"]);
    watch.until(|event| event["kind"] == "segment" && event["state"] == "started");
    // A channel that no log has: the plan cannot be made.
    let wrong = "overlays: { \"gauge\": Gauge(channel: \"speed\", max: 60), ";
    save(&project, "overlays: { ", wrong);
    watch.until(|event| event["event"] == "planned");
    save(&project, wrong, "overlays: { ");
    let mended = watch.build();
    assert!(no_errors(&mended), "{mended:#?}");
    assert_eq!(frame_hashes(&project.path("out/slow.mp4")).len(), 240);
    drop(watch);
    project.make().assert_ran([]);
}

/// One encode has all the memory there is; what decides goes ahead all the same.
#[test]
fn an_edit_is_planned_while_memory_is_short() {
    let project = slow_project();
    let watch = Watch::start(&project, &["-j2", "--memory", "250MiB"]);
    watch.until(|event| {
        event["kind"] == "segment" && event["state"] == "started" && event["node"].to_string().contains("slow")
    });
    save(&project, "\"front/a@6s\"", "\"front/a@7s\"");
    let events = watch.until(|event| event["kind"] == "choose" && event["state"] == "done");
    assert!(nodes(&events, "segment", "done").iter().all(|node| !node.starts_with("slow")), "{events:#?}");
}

#[test]
fn footage_that_changes_while_the_manifest_is_wrong_is_looked_at_when_it_is_right() {
    let project = project();
    project.footage("aside/a.mp4", &Footage { tone: 880, ..SMALL });
    let watch = Watch::start(&project, &[]);
    watch.build();
    save(&project, "Project(", "Project((");
    watch.until(|event| event["event"] == "refused");
    fs::rename(project.path("aside/a.mp4"), project.path("footage/a.mp4")).unwrap();
    watch.until(|event| event["event"] == "refused");
    save(&project, "Project((", "Project(");
    let mended = watch.build();
    assert_eq!(nodes(&mended, "probe", "done"), ["footage/a.mp4/probe"]);
    drop(watch);
    project.make().assert_ran([]);
}

#[test]
fn a_watcher_waits_for_the_first_footage() {
    let project = Project::new();
    project.write("autocut.ron", MANIFEST).footage("aside/a.mp4", &SMALL);
    let watch = Watch::start(&project, &[]);
    fs::create_dir(project.path("footage")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    fs::rename(project.path("aside/a.mp4"), project.path("footage/a.mp4")).unwrap();
    let first = watch.build();
    assert!(no_errors(&first) && ran(&first) > 0);
    assert!(project.path("out/reel.mp4").exists());
}

#[test]
fn a_store_that_is_removed_is_made_again() {
    let project = project();
    let watch = Watch::start(&project, &[]);
    let first = ran(&watch.build());
    fs::remove_dir_all(project.path(".autocut")).unwrap();
    fs::remove_dir_all(project.path("out")).unwrap();
    let again = watch.until(|event| event["event"] == "finished" && event["ran"] != 0);
    assert!(no_errors(&again));
    assert_eq!(ran(&again), first);
    save(&project, "\"one\"", "\"two\"");
    assert!(no_errors(&watch.build()));
}

#[test]
fn an_output_that_does_not_exist_ends_it_at_once() {
    let output = project().run(&["watch", "rele"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean \"reel\"?"));
}

#[test]
fn a_lock_that_another_brings_is_taken_in() {
    let project = project();
    project.make();
    project.ok(&["lock"]);
    let watch = Watch::start(&project, &[]);
    watch.build();
    let lock = fs::read_to_string(project.path("autocut.lock")).unwrap();
    let other = lock.replace("start: \"2s\"", "start: \"3s\"");
    assert_ne!(lock, other);
    project.write("autocut.lock", other);
    assert_eq!(nodes(&watch.build(), "segment", "done"), ["reel/front/a@3.0s/segment/0"]);
}

#[test]
fn footage_that_could_not_be_read_is_read_when_it_can_be() {
    let project = project();
    project.footage("aside/b.mp4", &SMALL);
    let whole = fs::read(project.path("aside/b.mp4")).unwrap();
    project.write("footage/b.mp4", &whole[..whole.len() / 2]);
    let watch = Watch::start(&project, &[]);
    assert!(!no_errors(&watch.build()), "half a file is no footage");
    fs::rename(project.path("aside/b.mp4"), project.path("footage/b.mp4")).unwrap();
    let mended = watch.until(|event| event["event"] == "finished");
    assert!(no_errors(&mended), "{mended:#?}");
}

/// What is left out with `--keep-going` is told of each time.
#[test]
fn footage_that_is_left_out_is_told_of_by_each_build() {
    let project = project();
    project.write("footage/bad.mp4", "no video");
    let watch = Watch::start(&project, &["--keep-going", "--exec", "echo built >> built.txt"]);
    assert!(!no_errors(&watch.build()));
    // In its place: nothing but the manifest changes.
    project.edit("autocut.ron", "\"one\"", "\"two\"");
    assert!(!no_errors(&watch.build()));
    assert!(!project.path("built.txt").exists());
}

#[test]
fn what_a_refused_manifest_names_is_waited_for() {
    let project = project();
    let outside = tempfile::tempdir().unwrap();
    project.footage("aside/b.mp4", &Footage { tone: 880, ..SMALL });
    let watch = Watch::start(&project, &[]);
    watch.build();
    let disk = outside.path().canonicalize().unwrap().join("disk");
    let both = format!("\"front\": Footage(files: [\"footage/*.mp4\", \"{}/*.mp4\"])", disk.display());
    save(&project, "\"front\": \"footage/*.mp4\"", &both);
    watch.until(|event| event["event"] == "refused");
    fs::create_dir(&disk).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    fs::copy(project.path("aside/b.mp4"), disk.join("b.mp4")).unwrap();
    let found = watch.until(|event| event["event"] == "finished");
    assert!(no_errors(&found), "{found:#?}");
    assert_eq!(nodes(&found, "probe", "done").len(), 1);

    // The disk goes, and comes back with something else.
    fs::remove_dir_all(&disk).unwrap();
    watch.until(|event| event["event"] == "finished" || event["event"] == "refused");
    fs::create_dir(&disk).unwrap();
    project.footage("aside/c.mp4", &Footage { tone: 660, ..SMALL });
    fs::rename(project.path("aside/c.mp4"), disk.join("c.mp4")).unwrap();
    let back = watch.until(|event| event["event"] == "finished" && event["ran"] != 0);
    assert!(no_errors(&back), "{back:#?}");
}

/// Silent clips share one sound, whoever made it; when that is lost after an
/// edit that was undone, one that is still shown makes it again.
#[test]
fn what_old_and_new_clips_share_is_made_again_when_it_is_lost() {
    let project = Project::new();
    project.footage("footage/a.mp4", &Footage { sound: false, ..SMALL }).write("autocut.ron", MANIFEST);
    let watch = Watch::start(&project, &[]);
    watch.build();
    save(&project, "\"front/a@2s\"", "\"front/a@3s\"");
    watch.build();
    save(&project, "\"front/a@3s\"", "\"front/a@2s\"");
    watch.build();
    fs::remove_dir_all(project.path(".autocut/objects")).unwrap();
    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    let again = watch.until(|event| event["event"] == "finished" && event["ran"] != 0);
    assert!(no_errors(&again), "{again:#?}");
    assert!(project.path("out/reel.mp4").exists());
}

#[test]
fn the_first_footage_is_waited_for_until_it_is_whole() {
    let project = Project::new();
    project.write("autocut.ron", MANIFEST).footage("aside/a.mp4", &SMALL);
    let bytes = fs::read(project.path("aside/a.mp4")).unwrap();
    let watch = Watch::start(&project, &[]);
    watch.until(|event| event["event"] == "refused");
    fs::create_dir(project.path("footage")).unwrap();
    let mut file = fs::File::create(project.path("footage/a.mp4")).unwrap();
    for piece in bytes.chunks(bytes.len() / 6 + 1) {
        file.write_all(piece).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(400));
    }
    drop(file);
    let first = watch.build();
    assert!(no_errors(&first), "{first:#?}");
    assert_eq!(nodes(&first, "probe", "done"), ["footage/a.mp4/probe"]);
}
