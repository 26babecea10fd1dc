//! `autocut watch`: what an edit runs, and what it ends.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use common::soak::Rounds;
use common::watch::{PATIENCE, Watch, nodes, ran, save};
use common::{Footage, Project, frame_hashes};
use serde_json::Value;

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    moments: Moments(length: "1s", weights: {}, pins: ["front/a@0s", "front/a@2s"]),
    overlays: { "title": Text(text: "one") },
    outputs: { "reel": Reel(file: "out/reel.mp4") },
)"#;

fn project() -> Project {
    let project = Project::new();
    project.footage("footage/a.mp4", &Footage { size: "160x90", seconds: 4, ..Footage::default() });
    project.write("autocut.ron", MANIFEST);
    project
}

#[test]
fn an_edit_runs_what_it_changes_and_a_broken_manifest_keeps_the_last_good_plan() {
    let project = project();
    let watch = Watch::start(&project, &["--exec", "echo built >> built.txt"]);
    let first = watch.build();
    assert_eq!(nodes(&first, "segment", "done").len(), 2);

    save(&project, "\"one\"", "\"two\"");
    let edited = watch.build();
    assert_eq!(nodes(&edited, "segment", "done").len(), 2);
    assert_eq!(nodes(&edited, "sound", "started"), Vec::<String>::new());
    assert_eq!(nodes(&edited, "choose", "started"), Vec::<String>::new());

    save(&project, "Project(", "Project((");
    watch.until(|event| event["event"] == "refused");
    assert!(project.path("out/reel.mp4").exists());
    save(&project, "Project((", "Project(");
    let again = watch.build();
    assert_eq!(ran(&again), 0);

    // One pinned moment more: its own segment, and the join.
    save(&project, "\"front/a@2s\"", "\"front/a@2s\", \"front/a@3s\"");
    let pinned = watch.build();
    assert_eq!(nodes(&pinned, "segment", "done"), ["reel/front/a@3.0s/segment/0"]);
    assert_eq!(frame_hashes(&project.path("out/reel.mp4")).len(), 90);

    // Once for each build that did something.
    let built = || fs::read_to_string(project.path("built.txt")).unwrap_or_default().lines().count();
    let until = Instant::now() + PATIENCE;
    while built() < 3 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(built(), 3);
}

#[test]
fn footage_that_is_being_copied_in_is_read_once_and_whole() {
    let project = project();
    project.edit("autocut.ron", "\"front/a@2s\"", "\"front/a@2s\"");
    project.footage("aside/b.mp4", &Footage { size: "160x90", seconds: 3, tone: 880, ..Footage::default() });
    let watch = Watch::start(&project, &[]);
    watch.build();

    let bytes = fs::read(project.path("aside/b.mp4")).unwrap();
    let mut file = fs::File::create(project.path("footage/b.mp4")).unwrap();
    for piece in bytes.chunks(bytes.len() / 5 + 1) {
        file.write_all(piece).unwrap();
        file.flush().unwrap();
        std::thread::sleep(Duration::from_millis(300));
    }
    drop(file);
    let seen = watch.until(|event| event["event"] == "finished" && event["ran"] != 0);
    assert_eq!(nodes(&seen, "probe", "done"), ["footage/b.mp4/probe"]);
    assert!(seen.iter().all(|event| event["state"] != "failed"), "{seen:#?}");

    save(&project, "\"front/a@2s\"", "\"front/b@1s\"");
    let shown = watch.build();
    assert_eq!(nodes(&shown, "segment", "done"), ["reel/front/b@1.0s/segment/0"]);

    // Gone again: the pin has nothing to show.
    fs::remove_file(project.path("footage/b.mp4")).unwrap();
    let gone = watch.until(|event| event["event"] == "finished" && !event["errors"].as_array().unwrap().is_empty());
    assert!(gone.last().unwrap()["errors"].to_string().contains("front/b"), "{gone:#?}");
    save(&project, "\"front/b@1s\"", "\"front/a@2s\"");
    let back = watch.until(|event| event["event"] == "finished" && event["errors"].as_array().unwrap().is_empty());
    assert_eq!(nodes(&back, "segment", "started"), Vec::<String>::new());
}

#[test]
fn an_edit_ends_what_is_no_longer_wanted_and_keeps_what_is() {
    let project = Project::new();
    project.footage("footage/a.mp4", &Footage { size: "640x360", seconds: 30, ..Footage::default() });
    let slow = MANIFEST
        .replace("length: \"1s\"", "length: \"7s\"")
        .replace("\"front/a@2s\"", "\"front/a@15s\"")
        .replace("Reel(file: \"out/reel.mp4\")", "Reel(file: \"out/reel.mp4\", video: Video(preset: \"veryslow\"))");
    project.write("autocut.ron", slow);
    let watch = Watch::start(&project, &["-j2"]);
    let both = |event: &Value| event["kind"] == "segment" && event["state"] == "started";
    watch.until(both);
    watch.until(both);

    save(&project, "\"front/a@15s\"", "\"front/a@20s\"");
    let events = watch.build();
    // The first clip was being encoded, and went on.
    assert_eq!(nodes(&events, "segment", "started"), ["reel/front/a@20.0s/segment/0"]);
    assert_eq!(nodes(&events, "segment", "done"), ["reel/front/a@0.0s/segment/0", "reel/front/a@20.0s/segment/0"]);
    assert_eq!(frame_hashes(&project.path("out/reel.mp4")).len(), 420);
}

#[test]
fn memory_stays_flat_over_many_rebuilds() {
    let rebuilds = Rounds::of("rebuilds", 40, 1_000).count();
    let project = project();
    let watch = Watch::start(&project, &[]);
    watch.build();
    let mut text = "\"one\"".to_owned();
    let mut settled = 0;
    for rebuild in 0..rebuilds {
        let next = format!("\"text {rebuild}\"");
        save(&project, &text, &next);
        text = next;
        let build = watch.build();
        assert!(ran(&build) > 0, "rebuild {rebuild} did nothing");
        // What plans of the past had is not counted as done.
        let planned = build.iter().filter(|event| event["event"] == "planned");
        assert!(planned.filter_map(|event| event["done"].as_u64()).all(|done| done < 20), "{build:#?}");
        // The first ones fill caches and the allocator's pools.
        if rebuild == rebuilds / 4 {
            settled = watch.memory_kib();
        }
    }
    let (before, after) = (settled, watch.memory_kib());
    assert!(before > 0, "/proc tells nothing");
    let grown = after.saturating_sub(before);
    assert!(grown < before / 5 + 2_048, "from {before} KiB to {after} KiB over {} rebuilds", rebuilds * 3 / 4);
}
