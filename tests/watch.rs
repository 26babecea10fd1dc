//! `autocut watch`: what an edit runs, and what it ends.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::{Footage, Project, frame_hashes};
use serde_json::Value;

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    moments: Moments(length: "1s", weights: {}, pins: ["front/a@0s", "front/a@2s"]),
    overlays: { "title": Text(text: "one") },
    outputs: { "reel": Reel(file: "out/reel.mp4") },
)"#;

/// Long enough for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

fn project() -> Project {
    let project = Project::new();
    project.footage("footage/a.mp4", &Footage { size: "160x90", seconds: 4, ..Footage::default() });
    project.write("autocut.ron", MANIFEST);
    project
}

/// `autocut watch --json`, running.
struct Watch {
    child: Child,
    lines: Receiver<Value>,
}

impl Watch {
    fn start(project: &Project, args: &[&str]) -> Self {
        let mut child = common::autocut()
            .current_dir(project.path(""))
            .args(["watch", "--json"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        Watch { child, lines }
    }

    /// The events up to and with the first for which `last` holds.
    #[track_caller]
    fn until(&self, last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        let mut events = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let event = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("it did not come; heard: {events:#?}"));
            let found = last(&event);
            events.push(event);
            if found {
                return events;
            }
        }
    }

    /// The events of the next build.
    #[track_caller]
    fn build(&self) -> Vec<Value> {
        self.until(|event| event["event"] == "finished")
    }

    fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nodes of one kind whose action came to a state.
fn nodes(events: &[Value], kind: &str, state: &str) -> Vec<String> {
    let wanted = events.iter().filter(|e| e["event"] == "action" && e["kind"] == kind && e["state"] == state);
    let mut nodes: Vec<String> = wanted.map(|event| event["node"].as_str().unwrap().to_owned()).collect();
    nodes.sort();
    nodes
}

fn ran(events: &[Value]) -> u64 {
    events.last().unwrap()["ran"].as_u64().unwrap()
}

/// As many editors save: the new text beside the old, then renamed over it.
fn save(project: &Project, from: &str, to: &str) {
    let text = fs::read_to_string(project.path("autocut.ron")).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(project.path("autocut.ron.new"), text.replace(from, to)).unwrap();
    fs::rename(project.path("autocut.ron.new"), project.path("autocut.ron")).unwrap();
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

/// `SOAK_REBUILDS` asks for more than the few of every run.
#[test]
fn memory_stays_flat_over_many_rebuilds() {
    let rebuilds: u64 = std::env::var("SOAK_REBUILDS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let project = project();
    let watch = Watch::start(&project, &[]);
    watch.build();
    let mut text = "\"one\"".to_owned();
    let mut settled = 0;
    for rebuild in 0..rebuilds {
        let next = format!("\"text {rebuild}\"");
        save(&project, &text, &next);
        text = next;
        assert!(ran(&watch.build()) > 0, "rebuild {rebuild} did nothing");
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
