//! `autocut verify --rebuild`: everything runs again beside the store and is
//! compared with it; what gives something else is named, and what rests on it
//! is not.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use autocut::base::{Digest, Timestamp, UtcTime};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::signal::NamedSignal;
use autocut::model::{ActionSpec, MediaInfo, decode, encode};
use common::media::{self, Changes};
use common::{Footage, Project};

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    analysis: Analysis(rate: 4, width: 64),
    moments: Moments(
        length: "1s", total: "2s", gap: "1s",
        weights: {"motion": 0.5, "exposure": 0.5},
        pins: ["front/a@1s"],
    ),
    overlays: { "name": Text(text: "{clock}", anchor: TopLeft) },
    outputs: {
        "reel": Reel(file: "out/reel.mp4"),
        "clips": Clips(folder: "out/clips"),
    },
)"#;

fn project() -> Project {
    let project = Project::new();
    let footage = Footage { size: "64x64", seconds: 4, ..Footage::default() };
    let later = Footage { tone: 880, created: "2024-06-01T11:00:00Z", ..footage.clone() };
    project.footage("footage/a.mp4", &footage).footage("footage/b.mp4", &later).write("autocut.ron", MANIFEST);
    project
}

/// Runs `autocut verify --rebuild` with a media program that makes a change.
fn rebuild_with(project: &Project, change: &str, args: &[&str]) -> Output {
    let mut command = common::autocut();
    command.env("AUTOCUT_MEDIA", media::program(project, change));
    command.current_dir(project.path("")).args(["verify", "--rebuild"]).args(args).output().unwrap()
}

/// What is said to be wrong, without the lines of progress before it.
fn told(output: &Output) -> String {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    err.split_once("error: ").unwrap().1.to_owned()
}

/// Every file below a folder with its content's digest and its time.
fn files(folder: &Path) -> BTreeMap<String, (Digest, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let changed = path.metadata().unwrap().modified().unwrap();
            found.insert(path.display().to_string(), (Digest::of(&fs::read(&path).unwrap()), changed));
        }
    }
    found
}

/// Not a test: see `common::media`.
#[test]
fn media_program() {
    media::serve(&Changes { produced: change, ..Changes::default() });
}

fn change(change: &str, invocation: &Invocation, produced: &mut Produced) {
    match (change, &invocation.spec) {
        // One byte of the last packet of one segment, in the middle of the file.
        ("segment", ActionSpec::Segment(spec)) if spec.sources[0].start == Timestamp::from_seconds(1) => {
            let mut bytes = fs::read(&produced.files[0]).unwrap();
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
            fs::write(&produced.files[0], bytes).unwrap();
        }
        ("probe", ActionSpec::Probe(_)) => {
            let mut info: MediaInfo = decode(&produced.value).unwrap();
            info.created = info.created.map(|created| UtcTime(created.0 + 1));
            produced.value = encode(&info);
        }
        ("signal", ActionSpec::Analyse(spec)) if spec.analysis == "motion" => {
            let mut signals: Vec<NamedSignal> = decode(&fs::read(&produced.files[0]).unwrap()).unwrap();
            signals[0].signal.values[2] += 7;
            fs::write(&produced.files[0], encode(&signals)).unwrap();
        }
        ("nonsense", ActionSpec::Probe(_)) => produced.value = vec![1, 2, 255],
        _ => {}
    }
}

#[test]
fn what_is_no_result_is_said_of_the_action_that_made_it() {
    let project = project();
    let program = media::program(&project, "nonsense");
    let made = project.make_in(&[], &[("AUTOCUT_MEDIA", program.to_str().unwrap())]);
    assert_eq!(made.code, 3, "{}", made.stderr);
    assert!(made.errors()[0].contains("is no probe result"), "{:?}", made.errors());
}

#[test]
fn what_is_the_same_again_is_said_and_nothing_is_touched() {
    let project = project();
    let made = project.make();
    let outputs = files(&project.path("out"));
    let output = project.run(&["verify", "--rebuild"]);
    let (text, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{err}");
    let ran = made.ran().values().sum::<usize>();
    assert!(
        text.contains(&format!("{ran} actions ran again")) && text.contains("as the store has recorded it"),
        "{text}"
    );
    assert_eq!(files(&project.path("out")), outputs);
    assert_eq!(fs::read_dir(project.path(".autocut/tmp")).unwrap().count(), 0, "the other store is still there");
    project.make().assert_ran([]);

    // One output alone: fewer actions.
    let text = project.ok(&["verify", "--rebuild", "reel"]);
    assert!(!text.contains(&format!("{ran} actions")) && text.contains("ran again"), "{text}");
    let wrong = project.run(&["verify", "--rebuild", "real"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("\"reel\""));
}

#[test]
fn a_flipped_byte_in_a_segment_is_found_and_kept_and_its_join_is_not_blamed() {
    let project = project();
    project.make();
    let outputs = files(&project.path("out"));
    let output = rebuild_with(&project, "segment", &["reel", "--keep", "odd"]);
    let err = told(&output);
    assert!(err.contains("segment reel/front/a@1.0s/segment/0 gave another result"), "{err}");
    assert!(!err.contains("join reel") && !err.contains("mix reel"), "{err}");
    assert_eq!(files(&project.path("out")), outputs);

    let kept =
        |which: &str| fs::read(project.path(&format!("odd/reel-front-a@1.0s-segment-0.{which}.packets"))).unwrap();
    let (recorded, rebuilt) = (kept("recorded"), kept("rebuilt"));
    assert_eq!(recorded.len(), rebuilt.len());
    let differ: Vec<usize> = (0..recorded.len()).filter(|at| recorded[*at] != rebuilt[*at]).collect();
    assert_eq!(differ, [recorded.len() / 2]);
    assert!(err.contains(&format!("byte {} of {}", differ[0], recorded.len())), "{err}");
    assert!(
        err.contains(&Digest::of(&recorded).to_string()) && err.contains(&Digest::of(&rebuilt).to_string()),
        "{err}"
    );

    let output = rebuild_with(&project, "segment", &["reel", "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), found["different"].as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(found["different"][0]["node"], "reel/front/a@1.0s/segment/0");
    // The store believes neither the other program nor its results.
    project.make().assert_ran([]);
}

#[test]
fn of_all_that_differs_the_first_in_order_of_dependency_is_named_with_its_field() {
    let project = project();
    project.make();
    // Clocks, choice, titles: everything rests on a probe, and nothing else is
    // to blame.
    let output = rebuild_with(&project, "probe", &[]);
    let err = told(&output);
    assert!(err.contains("probe footage/a.mp4/probe gave another result"), "{err}");
    assert!(err.contains("so did probe footage/b.mp4/probe"), "{err}");
    assert!(
        err.contains("the first field that differs is created: 1717236000000000000 -> 1717236000000000001"),
        "{err}"
    );
    assert!(!err.contains("choose") && !err.contains("segment"), "{err}");

    let output = rebuild_with(&project, "signal", &["--keep", "odd"]);
    let err = told(&output);
    assert!(err.contains("analyse footage/a.mp4/motion/0 gave another result"), "{err}");
    assert!(err.contains("[0].signal.values[2]: "), "{err}");
    let kept = fs::read_to_string(project.path("odd/footage-a.mp4-motion-0.rebuilt.json")).unwrap();
    assert!(kept.contains("\"motion\""), "{kept}");
}

#[test]
fn without_a_build_there_is_nothing_to_compare_with() {
    let project = project();
    let output = project.run(&["verify", "--rebuild", "reel"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("nothing is recorded") && err.contains("autocut make"), "{err}");
    assert!(!project.path("out").exists());
}
