//! `autocut watch --json`, running.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Project;

/// Long enough for a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// `autocut watch --json`, running.
pub struct Watch {
    pub child: Child,
    lines: Receiver<Value>,
}

impl Watch {
    pub fn start(project: &Project, args: &[&str]) -> Self {
        let mut child = super::autocut()
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
    pub fn until(&self, last: impl Fn(&Value) -> bool) -> Vec<Value> {
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
    pub fn build(&self) -> Vec<Value> {
        self.until(|event| event["event"] == "finished")
    }

    pub fn memory_kib(&self) -> u64 {
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
pub fn nodes(events: &[Value], kind: &str, state: &str) -> Vec<String> {
    let wanted = events.iter().filter(|e| e["event"] == "action" && e["kind"] == kind && e["state"] == state);
    let mut nodes: Vec<String> = wanted.map(|event| event["node"].as_str().unwrap().to_owned()).collect();
    nodes.sort();
    nodes
}

pub fn ran(events: &[Value]) -> u64 {
    events.last().unwrap()["ran"].as_u64().unwrap()
}

/// As many editors save: the new text beside the old, then renamed over it.
pub fn save(project: &Project, from: &str, to: &str) {
    let text = fs::read_to_string(project.path("autocut.ron")).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(project.path("autocut.ron.new"), text.replace(from, to)).unwrap();
    fs::rename(project.path("autocut.ron.new"), project.path("autocut.ron")).unwrap();
}
