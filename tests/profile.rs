//! `make --profile`: a trace that a viewer can load, and that says what the
//! system says.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use common::{Footage, Project};
use serde_json::Value;

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "a.mp4" },
    moments: Moments(length: "4s", total: "8s", gap: "0s", weights: {"motion": 0.5, "sharpness": 0.5}),
    overlays: { "title": Text(text: "autocut") },
    outputs: { "reel": Reel(file: "out/reel.mp4", video: Video(preset: "medium", size: "640x360")) },
)"#;

#[test]
fn a_profile_holds_every_action_and_what_it_took() {
    let project = Project::new();
    project.footage("a.mp4", &Footage { seconds: 12, ..Footage::default() }).write("autocut.ron", MANIFEST);
    let before = children_cpu_ms();
    let made = project.make_with(&["-j2", "--profile", "trace.json"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let children = children_cpu_ms() - before;

    let text = fs::read_to_string(project.path("trace.json")).unwrap();
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    let spans: Vec<Span> = events.iter().filter(|event| event["ph"] == "X").map(Span::of).collect();

    // Each action that ran, once, under its name and kind.
    let actions: BTreeSet<(String, String)> = made
        .events
        .iter()
        .filter(|event| event["state"] == "done")
        .map(|event| (text_of(&event["kind"]), text_of(&event["node"])))
        .collect();
    let traced: Vec<&Span> = spans.iter().filter(|span| span.args.get("key").is_some()).collect();
    let names: BTreeSet<(String, String)> =
        traced.iter().map(|span| (span.category.clone(), span.name.clone())).collect();
    assert_eq!(names, actions);
    assert_eq!(traced.len(), actions.len());

    // Lanes: two workers, planning, and the hashing of the one file.
    let lanes: BTreeMap<u64, String> = events
        .iter()
        .filter(|event| event["ph"] == "M" && event["name"] == "thread_name")
        .map(|event| (event["tid"].as_u64().unwrap(), text_of(&event["args"]["name"])))
        .collect();
    let lane = |span: &Span| lanes[&span.lane].as_str();
    assert!(traced.iter().all(|span| matches!(lane(span), "worker 1" | "worker 2")));
    let hashed: Vec<&Span> = spans.iter().filter(|span| lane(span) == "hashing 1").collect();
    assert_eq!(hashed.len(), 1);
    assert_eq!(hashed[0].args["bytes"], fs::metadata(project.path("a.mp4")).unwrap().len());
    assert!(spans.iter().any(|span| lane(span) == "planning"));

    // Within a lane, one thing after the other, or one inside the other.
    for (i, one) in spans.iter().enumerate() {
        assert!(one.start >= 0.0 && one.end >= one.start, "{one:?}");
        for other in spans.iter().skip(i + 1).filter(|other| other.lane == one.lane) {
            let disjoint = one.end <= other.start || other.end <= one.start;
            let nested = |outer: &Span, inner: &Span| outer.start <= inner.start && inner.end <= outer.end;
            assert!(disjoint || nested(one, other) || nested(other, one), "{one:?} crosses {other:?}");
        }
    }

    // A segment cannot begin before the choice that it shows has ended.
    let first = |kind: &str| traced.iter().find(|span| span.category == kind).unwrap();
    assert!(first("choose").end <= first("segment").start);

    // The two analyses looked at the same pictures and share what that took.
    let shared: Vec<&&Span> = traced.iter().filter(|span| span.category == "analyse").collect();
    assert_eq!(shared.len(), 2);
    assert!(shared.iter().all(|span| span.args["shared_by"] == 2), "{shared:?}");
    // But for taking in its own result.
    let cpu = |span: &Span| span.args["cpu_ms"].as_f64().unwrap();
    assert!((cpu(shared[0]) - cpu(shared[1])).abs() < 5.0, "{shared:?}");

    if !cfg!(target_os = "linux") {
        return;
    }
    for span in traced.iter().filter(|span| span.category == "segment") {
        assert!(span.args["peak_mib"].as_f64().unwrap() > 20.0, "{span:?}");
        assert!(span.args["read_bytes"].as_u64().unwrap() > 10_000, "{span:?}");
        assert!(span.args["written_bytes"].as_u64().unwrap() > 10_000, "{span:?}");
    }
    // Against what the kernel counted for autocut and its workers together
    // (proc_pid_stat(5)), which is more by what starting programs takes.
    let told: f64 = traced.iter().map(|span| cpu(span)).sum();
    assert!(told <= children + 20.0, "{told} ms were told of {children} ms");
    assert!(told >= children * 0.5, "{told} ms were told of {children} ms");

    // What autocut did not write is not overwritten, and nothing is built first.
    project.write("precious.json", "[1]");
    let refused = project.make_with(&["--profile", "precious.json"]);
    assert_eq!(refused.code, 1);
    assert_eq!(fs::read(project.path("precious.json")).unwrap(), b"[1]");
}

#[derive(Debug)]
struct Span {
    name: String,
    category: String,
    lane: u64,
    /// In µs.
    start: f64,
    end: f64,
    args: Value,
}

impl Span {
    fn of(event: &Value) -> Span {
        let start = event["ts"].as_f64().unwrap();
        Span {
            name: text_of(&event["name"]),
            category: text_of(&event["cat"]),
            lane: event["tid"].as_u64().unwrap(),
            start,
            end: start + event["dur"].as_f64().unwrap(),
            args: event["args"].clone(),
        }
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// CPU time of children of this process that have ended, with theirs.
fn children_cpu_ms() -> f64 {
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else { return 0.0 };
    // The second field, a name, may hold spaces; user and system time of
    // children are the 16th and 17th, in ticks of which Linux tells 100 a second.
    let after = stat.rsplit(')').next().unwrap();
    let field = |index: usize| after.split_whitespace().nth(index).unwrap().parse::<f64>().unwrap();
    (field(13) + field(14)) * 10.0
}
