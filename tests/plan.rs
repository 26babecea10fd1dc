//! What would run, for how long, and the plan as a picture.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use common::{Footage, Project};
use serde_json::Value;

fn project(pins: &[&str]) -> Project {
    let pins: Vec<String> = pins.iter().map(|at| format!("\"front/a@{at}\"")).collect();
    let manifest = format!(
        r#"Project(
            version: 1,
            footage: {{ "front": "a.mp4" }},
            moments: Moments(length: "0.5s", pre_roll: "0s", weights: {{}}, pins: [{}]),
            outputs: {{ "reel": Reel(file: "out/reel.mp4") }},
        )"#,
        pins.join(", ")
    );
    let project = Project::new();
    project.footage("a.mp4", &Footage { size: "64x64", ..Footage::default() }).write("autocut.ron", manifest);
    project
}

fn plan(project: &Project, args: &[&str]) -> Vec<Value> {
    let args: Vec<&str> = args.iter().chain(&["--json"]).copied().collect();
    project.ok(&args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All segments of a clip can start at once, side by side.
#[test]
fn no_segment_of_a_clip_waits_for_another() {
    let project = Project::new();
    project.footage("a.mp4", &Footage { size: "64x64", seconds: 25, ..Footage::default() }).write(
        "autocut.ron",
        "Project(version: 1, footage: { \"front\": \"a.mp4\" }, \
         moments: Moments(length: \"24s\", pre_roll: \"0s\", weights: {}, pins: [\"front/a@0s\"]), \
         outputs: { \"reel\": Reel(file: \"out/reel.mp4\", video: Video(quality: 20)) })",
    );
    assert_eq!(project.make().ran()["segment"], 3);
    project.edit("autocut.ron", "quality: 20", "quality: 30");
    let lines = plan(&project, &["plan"]);
    let pending = lines.iter().filter(|line| line["event"] == "pending" && line["kind"] == "segment").count();
    assert_eq!(pending, 3, "{lines:?}");
}

#[test]
fn a_plan_says_how_long_it_takes_as_far_as_is_known() {
    let project = project(&["1s", "3s"]);
    // Nothing was ever made: nothing is known.
    let lines = plan(&project, &["plan"]);
    assert_eq!(lines.last().unwrap()["hash"], serde_json::json!(["a.mp4"]));

    let made = project.make();
    let took: BTreeMap<String, u64> = made
        .events
        .iter()
        .filter(|event| event["state"] == "done")
        .map(|event| (event["node"].as_str().unwrap().to_owned(), event["elapsed_ms"].as_u64().unwrap()))
        .collect();
    assert_eq!(plan(&project, &["plan"]).len(), 1);
    assert!(project.ok(&["plan"]).starts_with("nothing to do"));

    // The same nodes under other keys: as long as last time.
    project.edit("autocut.ron", r#"file: "out/reel.mp4""#, r#"file: "out/reel.mp4", video: Video(quality: 30)"#);
    for command in [["plan", "-j1"], ["make", "-nj1"]] {
        let lines = plan(&project, &command);
        let pending: Vec<&Value> = lines.iter().filter(|line| line["event"] == "pending").collect();
        assert_eq!(pending.len(), 2);
        for action in &pending {
            assert_eq!(action["estimate_ms"], took[action["node"].as_str().unwrap()], "{action}");
        }
        let total: u64 = pending.iter().map(|action| action["estimate_ms"].as_u64().unwrap()).sum();
        let planned = lines.last().unwrap();
        assert_eq!((&planned["estimate_ms"], &planned["estimates_missing"]), (&total.into(), &0.into()));
        assert_eq!(planned["open"], true);
    }
    let text = project.ok(&["plan"]);
    assert!(text.contains("what follows is unknown until that has run"), "{text}");
    // Nothing ran meanwhile.
    project.make().assert_ran([("segment", 2), ("join", 1)]);

    // A new clip of twice the length: as its like, by how much there is to do.
    project.edit("autocut.ron", r#""front/a@3s""#, r#""front/a@3s", Pin(at: "front/a@5s", length: "1s")"#);
    let lines = plan(&project, &["plan"]);
    assert_eq!(lines[0]["node"], "moments/choose");
    let wanted = took["moments/choose"];
    assert_eq!(lines[0]["estimate_ms"], wanted);
}

/// What a graph consists of: nodes with their labels, and arrows.
type Graph = (BTreeMap<String, String>, BTreeSet<(String, String)>);

/// Reads back what autocut writes as DOT: one statement a line.
fn read_dot(text: &str) -> Graph {
    assert!(text.starts_with("digraph autocut {\n") && text.ends_with("}\n"), "{text}");
    let (mut nodes, mut arrows) = (BTreeMap::new(), BTreeSet::new());
    for line in text.lines().skip(1).map(str::trim).filter(|line| line.starts_with('n') && !line.starts_with("node")) {
        let line = line.strip_suffix(';').unwrap();
        let (head, attributes) = line.split_once(" [").unwrap_or((line, ""));
        match head.split_once(" -> ") {
            Some((from, to)) => drop(arrows.insert((from.to_owned(), to.to_owned()))),
            None => {
                let label = attributes.strip_prefix("label=\"").unwrap().split_once('"').unwrap().0;
                assert!(nodes.insert(head.to_owned(), label.replace("\\n", " ")).is_none());
            }
        }
    }
    checked((nodes, arrows))
}

fn read_mermaid(text: &str) -> Graph {
    assert!(text.starts_with("flowchart LR\n"), "{text}");
    let (mut nodes, mut arrows) = (BTreeMap::new(), BTreeSet::new());
    for line in text.lines().skip(1).map(str::trim).filter(|line| !line.starts_with("class")) {
        let arrow = line.split_once(" --> ").or_else(|| line.split_once(" -.-> "));
        if let Some((from, to)) = arrow {
            arrows.insert((from.to_owned(), to.to_owned()));
            continue;
        }
        let open = line.find(['[', '(']).unwrap();
        let label = line[open..].trim_matches(['[', ']', '(', ')', '/', '"']).replace("<br>", " ");
        assert!(nodes.insert(line[..open].to_owned(), label).is_none(), "{line}");
    }
    checked((nodes, arrows))
}

/// Every arrow joins two nodes that are there.
fn checked(graph: Graph) -> Graph {
    for (from, to) in &graph.1 {
        assert!(graph.0.contains_key(from) && graph.0.contains_key(to) && from != to, "{from} -> {to}");
    }
    graph
}

fn labels((nodes, arrows): &Graph) -> (BTreeSet<&str>, BTreeSet<(&str, &str)>) {
    let of = |id: &String| nodes[id].as_str();
    (nodes.values().map(String::as_str).collect(), arrows.iter().map(|(from, to)| (of(from), of(to))).collect())
}

#[test]
fn a_graph_shows_what_flows_where() {
    let project = project(&["1s", "3s"]);
    project.make();
    let text = project.ok(&["graph"]);
    assert_eq!(text, project.ok(&["graph"]), "another order");
    let graph = read_dot(&text);
    let (nodes, arrows) = labels(&graph);
    // Two clips are drawn as clips: what belongs to one is one box.
    let (one, two) = ("clip reel/front/a@1.0s 2 done", "clip reel/front/a@3.0s 2 done");
    let expected = ["a.mp4", "probe", "choose", one, two, "mix", "join", "out/reel.mp4"];
    assert_eq!(nodes, BTreeSet::from(expected));
    for arrow in [
        ("a.mp4", "probe"),
        ("probe", "choose"),
        ("choose", one),
        ("a.mp4", two),
        (one, "mix"),
        (two, "join"),
        ("mix", "join"),
        ("join", "out/reel.mp4"),
    ] {
        assert!(arrows.contains(&arrow), "{arrow:?} of {arrows:?}");
    }
    assert_eq!(labels(&read_mermaid(&project.ok(&["graph", "--format", "mermaid"]))), (nodes, arrows));

    // Each action by itself, with what is to do.
    project.edit("autocut.ron", r#"file: "out/reel.mp4""#, r#"file: "out/reel.mp4", video: Video(quality: 30)"#);
    let graph = read_dot(&project.ok(&["graph", "reel", "--by", "action"]));
    let (nodes, arrows) = labels(&graph);
    let segment = "segment reel/front/a@3.0s/segment/0 to do";
    assert!(nodes.contains(segment) && nodes.contains("sound reel/front/a@3.0s/sound"), "{nodes:?}");
    assert!(arrows.contains(&(segment, "out/reel.mp4, not known yet")), "{arrows:?}");
    let graph = read_dot(&project.ok(&["graph", "--by", "kind"]));
    assert!(labels(&graph).0.contains("segment 2 of 2 to do"), "{graph:?}");

    svg(&project.ok(&["graph", "--by", "action"]));
}

#[test]
fn many_clips_are_drawn_by_kind() {
    let at: Vec<String> = (0..15).map(|n| format!("{}.{}s", n / 2, if n % 2 == 0 { 0 } else { 5 })).collect();
    let project = project(&at.iter().map(String::as_str).collect::<Vec<_>>());
    project.make();
    let graph = read_dot(&project.ok(&["graph"]));
    let (nodes, arrows) = labels(&graph);
    assert_eq!(
        nodes,
        BTreeSet::from([
            "footage front",
            "probe",
            "choose",
            "segment 15 done",
            "sound 15 done",
            "mix",
            "join",
            "outputs"
        ])
    );
    assert!(arrows.contains(&("segment 15 done", "join")));
    svg(&project.ok(&["graph"]));
}

/// Graphviz itself draws it, where it is installed.
fn svg(text: &str) {
    let child = Command::new("dot").arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: graphviz is not installed");
        return;
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("<svg"));
}
