//! Why something runs or ran: `explain` and `plan --why` in a whole project,
//! over a chain of edits each of which is known.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fmt::Write;
use std::fs;

use common::{Footage, Project};
use serde_json::Value;

/// A log of 20 s whose speed is `speed` from second 15 on: after all clips.
fn log(speed: u32) -> String {
    let mut text = String::from("time,speed (km/h)\n");
    for second in 0..20 {
        let value = if second < 15 { 20 + second } else { speed };
        writeln!(text, "2024-06-01T10:00:{second:02}Z,{value}").unwrap();
    }
    text
}

fn project() -> Project {
    let project = Project::new();
    let manifest = r##"Project(
        version: 1,
        footage: { "front": "a.mp4" },
        telemetry: Csv(file: "ride.csv"),
        moments: Moments(length: "1s", weights: {}, pins: ["front/a@2s", "front/a@6s"]),
        overlays: { "speed": Gauge(channel: "speed", min: 0, max: 100, accent: "#ffb020") },
        outputs: { "reel": Reel(file: "out/reel.mp4") },
    )"##;
    project.footage("a.mp4", &Footage::default()).write("ride.csv", log(30)).write("autocut.ron", manifest);
    project
}

fn explain(project: &Project, args: &[&str]) -> Value {
    let args: Vec<&str> = ["explain", "--json"].iter().chain(args).copied().collect();
    let text = project.ok(&args);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("not JSON ({e}): {text}"))
}

/// The reasons, and the kinds that each makes run with how often.
fn reasons(answer: &Value) -> Vec<(String, Vec<(String, usize)>)> {
    let reason = |reason: &Value| {
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for action in reason["actions"].as_array().unwrap() {
            let kind = action["kind"].as_str().unwrap();
            match kinds.iter_mut().find(|(known, _)| known == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind.to_owned(), 1)),
            }
        }
        kinds.sort();
        (reason["text"].as_str().unwrap().to_owned(), kinds)
    };
    answer["reasons"].as_array().unwrap().iter().map(reason).collect()
}

fn of(text: &str, kinds: &[(&str, usize)]) -> (String, Vec<(String, usize)>) {
    (text.to_owned(), kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect())
}

#[test]
fn each_edit_is_told_before_it_is_made_and_afterwards() {
    let project = project();
    let answer = explain(&project, &["reel"]);
    assert_eq!(answer["up_to_date"], false);

    project.make();
    let answer = explain(&project, &["out/reel.mp4"]);
    assert_eq!(answer["up_to_date"], true);
    let contents = &answer["contents"];
    assert_eq!((&contents["clips"], &contents["segments"], &contents["frames"]), (&2.into(), &2.into(), &60.into()));
    assert_eq!(contents["footage"], serde_json::json!([{"file": "a.mp4", "clips": 2}]));
    assert_eq!(contents["overlays"], serde_json::json!(["speed"]));
    assert_eq!(contents["files"][0]["bytes"], fs::metadata(project.path("out/reel.mp4")).unwrap().len());
    let text = project.ok(&["explain", "out/reel.mp4"]);
    assert!(text.starts_with("out/reel.mp4 is up to date\n  2 clips in 2 segments, 00:02.000 at 320x180"), "{text}");

    // A parameter of an overlay: what can start now, and what ran then.
    project.edit("autocut.ron", "#ffb020", "#40c0ff");
    let accent = "overlay speed: accent #ffb020 -> #40c0ff";
    assert_eq!(reasons(&explain(&project, &["reel"])), [of(accent, &[("show", 2)])]);
    let clip = explain(&project, &["clip", "2"]);
    assert_eq!(clip["subject"], "clip 2 of reel: front/a@6.0s");
    assert_eq!(reasons(&clip), [of(accent, &[("show", 1)])]);
    let made = project.make();
    let last = explain(&project, &["--last"]);
    assert_eq!(reasons(&last), [of(accent, &[("draw", 2), ("join", 1), ("segment", 2), ("show", 2)])]);
    assert_eq!(last["actions"].as_array().unwrap().len(), made.finished()["ran"].as_u64().unwrap() as usize);

    // A clip before the others: none of them is compared with another.
    project.edit("autocut.ron", r#"["front/a@2s""#, r#"["front/a@0.5s", "front/a@2s""#);
    project.make();
    let told = reasons(&explain(&project, &["--last"]));
    let pin = "moments: pin front/a@00:00.500 added";
    assert_eq!(told[0], of(pin, &[("choose", 1), ("join", 1), ("mix", 1)]));
    assert_eq!(told[1].0, "never made before");
    assert!(told[1].1.contains(&("segment".to_owned(), 1)), "{told:?}");
    assert_eq!(told.len(), 2);
    let third = explain(&project, &["clip", "3"]);
    assert_eq!((&third["up_to_date"], &third["subject"]), (&true.into(), &"clip 3 of reel: front/a@6.0s".into()));
    let segment = third["made"].as_array().unwrap().iter().find(|made| made["kind"] == "segment").unwrap();
    assert_eq!(segment["why"], serde_json::json!([accent]));

    // Telemetry that no clip shows: it is read, and no segment runs.
    project.write("ride.csv", log(31));
    let telemetry = "telemetry ride.csv: content changed";
    assert_eq!(reasons(&explain(&project, &["reel"])), [of(telemetry, &[("telemetry.import", 1)])]);
    project.make();
    let told = reasons(&explain(&project, &["--last"]));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, telemetry);
    assert!(told[0].1.iter().all(|(kind, _)| kind != "segment" && kind != "join"), "{told:?}");

    // The encoder, by its name in the manifest's words.
    project.edit("autocut.ron", r#"file: "out/reel.mp4""#, r#"file: "out/reel.mp4", video: Video(quality: 30)"#);
    let why = project.ok(&["plan", "--why"]);
    assert!(why.contains("output reel: crf 20 -> 30"), "{why}");
    assert!(why.contains("3 segment"), "{why}");
    project.make();
    let told = reasons(&explain(&project, &["--last"]));
    assert_eq!(told, [of("output reel: crf 20 -> 30", &[("join", 1), ("segment", 3)])]);

    // Another picture in the same file.
    project.footage("a.mp4", &Footage { tone: 880, ..Footage::default() });
    let told = reasons(&explain(&project, &["reel"]));
    assert_eq!(told, [of("footage a.mp4: content changed", &[("probe", 1)])]);
    project.make();
    let told = reasons(&explain(&project, &["--last"]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "footage a.mp4: content changed");
}

#[test]
fn what_was_taken_away_is_told() {
    let project = project();
    project.make();

    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    let gone = [of("the output is not there any more", &[("join", 1)])];
    assert_eq!(reasons(&explain(&project, &["reel"])), gone);
    project.make();
    assert_eq!(reasons(&explain(&project, &["--last"])), gone);

    // Every object: what the outputs rest on is made again where it is needed.
    fs::remove_dir_all(project.path(".autocut/objects")).unwrap();
    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    let told = reasons(&explain(&project, &["reel"]));
    assert!(told.iter().any(|(text, _)| text == "what it had made is not in the store any more"), "{told:?}");

    // An edited output is the user's now, and nothing would be done.
    project.make();
    fs::write(project.path("out/reel.mp4"), "edited").unwrap();
    let answer = project.run(&["explain", "reel", "--json"]);
    assert_eq!(answer.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("out/reel.mp4 was not written by autocut"));
}

#[test]
fn names_are_found_by_their_beginning_and_errors_help() {
    let project = project();
    project.make();
    let answer = explain(&project, &["moments/ch"]);
    assert_eq!(answer["subject"], "moments/choose");
    assert_eq!(answer["made"][0]["why"], serde_json::json!(["never made before"]));
    let fields = answer["made"][0]["fields"].as_array().unwrap();
    assert!(fields.iter().any(|field| field[0] == "spec.gap"), "{fields:?}");

    let fails = |args: &[&str], words: &str| {
        let output = project.run(args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(words), "{text}");
    };
    fails(&["explain", "real"], "did you mean \"reel\"?");
    fails(&["explain", "reel/front"], "is the beginning of");
    fails(&["explain", "clip", "9"], "it has clips 1 to 2");
    fails(&["explain", "clip", "0"], "it has clips 1 to 2");
    fails(&["explain", "clip", "1", "--output", "vertical"], "there is no output \"vertical\"");
    fails(&["explain", "clip"], "which clip");
    fails(&["explain"], "--last");

    // Before there was a build.
    let empty = Project::new();
    empty.footage("a.mp4", &Footage::default()).write("autocut.ron", fs::read(project.path("autocut.ron")).unwrap());
    empty.write("ride.csv", log(30));
    let text = empty.ok(&["explain", "--last"]);
    assert!(text.contains("nothing was built"), "{text}");
}
