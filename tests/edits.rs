//! What each kind of edit runs: exactly what it makes stale, and after that
//! nothing.
//!
//! The numbers are worked out from the project below and written down before
//! the program is asked.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use autocut::base::{Digest, FrameRate, Orientation, Timestamp};
use autocut::model::specs::{AnalyseSpec, AnalysisPass};
use autocut::model::toolchain::ToolIdentity;
use autocut::model::{ActionSpec, Tool, Toolchain};
use autocut::store::Store;
use common::files::{alike_in_size, write_unnoticed};
use common::media::{self, Changes};
use common::{Footage, Made, Project, tool};

/// Ten frames a second, so a segment has 80 of them.
///
/// | recording | from | seconds | shown | frames of its segments |
/// | --- | --- | --- | --- | --- |
/// | front/a | 10:00:00 | 14 | 1 s to 13 s, pinned | 80 and 40: half a segment is one of its own |
/// | front/b | 10:01:00 | 3 | 1 s to 2 s, pinned | 10 |
/// | front/c | 10:02:00 | 6 | 5 s to 6 s, where the log is fastest | 10 |
///
/// In a and b nothing else is a second away from the pins, and the pins leave one
/// second of the total: the choice is c's alone.
const MANIFEST: &str = r##"Project(
    version: 1,
    footage: { "front": Footage(files: ["footage/a.mp4", "footage/b.mp4", "footage/c.mp4"]) },
    telemetry: Csv(file: "ride.csv"),
    music: "one.wav",
    analysis: Analysis(rate: 4, width: 64),
    moments: Moments(
        length: "1s", total: "14s", gap: "1s",
        weights: {"speed": 0.9, "motion": 0.001},
        pins: [Pin(at: "front/a@1s", length: "12s"), "front/b@1s"],
    ),
    overlays: {
        "speed": Gauge(channel: "speed", min: 0, max: 100, accent: "#ffb020", size: "60%"),
        "title": Text(text: "Ride"),
    },
    outputs: {
        "reel": Reel(file: "out/reel.mp4"),
        "clips": Clips(folder: "out/clips", overlays: ["title"]),
    },
)"##;

/// The log from 10:00:00 on, a row a second, without sudden changes: nothing is
/// dropped as a spike. The row of `second` shows `by` km/h more.
fn log(second: u32, by: u32) -> String {
    let mut text = String::from("time,speed (km/h)\n");
    for at in 0..=130 {
        let speed = match at {
            0..20 => 20 + at,
            20..120 => 40,
            _ => 40 + 5 * (at - 120),
        };
        let speed = speed + if at == second { by } else { 0 };
        writeln!(text, "2024-06-01T10:{:02}:{:02}Z,{speed}", at / 60, at % 60).unwrap();
    }
    text
}

fn music(project: &Project, name: &str, tone: u32) {
    let tone = format!("sine=f={tone}:d=4:r=48000");
    let path = project.path(name);
    tool("ffmpeg", &["-v", "error", "-y", "-f", "lavfi", "-i", &tone, "-c:a", "pcm_s16le", path.to_str().unwrap()]);
}

/// The project with its outputs made: a copy of one that is made once.
fn built() -> Project {
    static MADE: OnceLock<Project> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let project = Project::new();
        let footage = |minute: u32, seconds, tone| {
            let created = ["2024-06-01T10:00:00Z", "2024-06-01T10:01:00Z", "2024-06-01T10:02:00Z"][minute as usize];
            Footage { size: "64x64", rate: "10", seconds, tone, created, ..Footage::default() }
        };
        project.footage("footage/a.mp4", &footage(0, 14, 440));
        project.footage("footage/b.mp4", &footage(1, 3, 550));
        project.footage("footage/c.mp4", &footage(2, 6, 660));
        // The same pictures as b with another tone, and as large.
        project.footage("spare/b.mp4", &footage(1, 3, 770));
        alike_in_size(&project.path("footage/b.mp4"), &project.path("spare/b.mp4"));
        music(&project, "one.wav", 220);
        music(&project, "two.wav", 330);
        project.write("ride.csv", log(0, 0)).write("autocut.ron", MANIFEST);
        // The gauge is shown in four segments. The title's picture over 80, 40 and
        // 10 frames is planned and drawn once each, for both outputs. The outputs
        // show other overlays, so each has segments of its own, but one sound.
        project.make().assert_ran([
            ("probe", 3),
            ("telemetry.import", 1),
            ("telemetry.clean", 1),
            ("analyse", 3),
            ("choose", 1),
            ("show", 4 + 3),
            ("draw", 4 + 3),
            ("segment", 2 * 4),
            ("sound", 3),
            ("mix", 1 + 3),
            ("join", 1 + 3),
        ]);
        project
    });
    let copy = Project::new();
    assert!(Command::new("cp").arg("-a").arg(made.path(".")).arg(copy.path(".")).status().unwrap().success());
    copy
}

/// Asserts that just these kinds run now, and then nothing.
#[track_caller]
fn runs<const N: usize>(project: &Project, expected: [(&str, usize); N]) -> Made {
    let made = project.make();
    made.assert_ran(expected);
    project.make().assert_ran([]);
    made
}

/// Not a test: see `common::media`.
#[test]
fn media_program() {
    media::serve(&Changes { toolchain, ..Changes::default() });
}

/// Another version of the tool that the change is called after.
fn toolchain(change: &str, toolchain: &mut Toolchain) {
    let tool = toolchain.tools.iter_mut().find(|(tool, _)| tool.name() == change);
    tool.unwrap().1.identity = Some(Digest::of(b"another version"));
}

#[test]
fn another_formatting_of_the_manifest_runs_nothing() {
    let project = built();
    project.edit("autocut.ron", "    version: 1,\n", "\n  // The first day.\n\tversion: 1,\n\n");
    project.edit("autocut.ron", r#"length: "1s", total: "14s""#, r#"total: "00:14", length: "1000ms""#);
    project.edit("autocut.ron", "size: \"60%\"),", "size: \"60%\",),");
    project.edit("autocut.ron", r#"music: "one.wav""#, r#"music: Music(file: "one.wav")"#);
    runs(&project, []);
}

#[test]
fn another_order_of_the_footage_runs_nothing() {
    let project = built();
    let (one, other) = (r#"["footage/a.mp4", "footage/b.mp4","#, r#"["footage/b.mp4", "footage/a.mp4","#);
    project.edit("autocut.ron", one, other);
    runs(&project, []);
    project.edit("autocut.ron", r#"["footage/b.mp4", "footage/a.mp4", "footage/c.mp4"]"#, r#""footage/*.mp4""#);
    runs(&project, []);
}

#[test]
fn a_weight_chooses_anew_and_renders_only_what_is_chosen_now() {
    let project = built();
    // Faster is still better: the same moments.
    project.edit("autocut.ron", r#""speed": 0.9"#, r#""speed": 0.8"#);
    runs(&project, [("choose", 1)]);

    // Slower is better: c's first second instead of its last. Its title was drawn
    // over ten frames before.
    project.edit("autocut.ron", r#""speed": 0.8"#, r#""speed": -0.8"#);
    let once = [("choose", 1), ("show", 1), ("draw", 1), ("segment", 2), ("sound", 1), ("mix", 2), ("join", 2)];
    let made = runs(&project, once);
    assert_eq!(made.nodes("segment"), ["clips/front/c@0.0s/segment/0", "reel/front/c@0.0s/segment/0"]);

    // A signal that was not asked for before is looked for in every file.
    project.edit("autocut.ron", r#""motion": 0.001"#, r#""motion": 0.001, "exposure": 0.001"#);
    let made = runs(&project, [("analyse", 3), ("choose", 1)]);
    assert_eq!(made.nodes("analyse")[0], "footage/a.mp4/exposure/0");
}

#[test]
fn a_parameter_of_an_overlay_renders_what_shows_it() {
    let project = built();
    // The clips do not show the gauge.
    project.edit("autocut.ron", "#ffb020", "#40c0ff");
    let made = runs(&project, [("show", 4), ("draw", 4), ("segment", 4), ("join", 1)]);
    assert!(made.nodes("segment").iter().all(|node| node.starts_with("reel/")), "{:?}", made.nodes("segment"));
    // Both outputs show the title.
    project.edit("autocut.ron", "\"Ride\"", "\"Tour\"");
    runs(&project, [("show", 3), ("draw", 3), ("segment", 8), ("join", 4)]);
}

#[test]
fn a_row_of_the_log_that_is_not_shown_renders_nothing() {
    let project = built();
    // 10:00:50 is after a and before b. What reads the log is asked again, and
    // the title does not.
    project.write("ride.csv", log(50, 3));
    runs(&project, [("telemetry.import", 1), ("telemetry.clean", 1), ("choose", 1), ("show", 4)]);
}

#[test]
fn a_row_of_the_log_renders_the_segment_that_shows_it() {
    let project = built();
    // Values go in straight lines from row to row: this one is seen from 10:00:10
    // to 10:00:12, and a's second segment shows 10:00:09 to 10:00:13.
    project.write("ride.csv", log(11, 3));
    let made = runs(
        &project,
        [
            ("telemetry.import", 1),
            ("telemetry.clean", 1),
            ("choose", 1),
            ("show", 4),
            ("draw", 1),
            ("segment", 1),
            ("join", 1),
        ],
    );
    assert_eq!(made.nodes("draw"), ["reel/front/a@1.0s/speed/1/draw"]);
    assert_eq!(made.nodes("segment"), ["reel/front/a@1.0s/segment/1"]);
}

#[test]
fn footage_with_other_content_is_noticed_in_spite_of_its_size_and_time() {
    let project = built();
    let hashed = |made: &Made| -> Vec<String> {
        let events = made.events.iter().filter(|event| event["event"] == "hashed");
        events.map(|event| event["path"].as_str().unwrap().to_owned()).collect()
    };
    // The copies are hashed, and believed once they are older than a tick.
    project.make();
    std::thread::sleep(std::time::Duration::from_millis(200));
    project.make();
    assert_eq!(hashed(&project.make()), Vec::<String>::new());
    let b = project.path("footage/b.mp4");
    let before = fs::metadata(&b).unwrap();
    // In the same file; only the change time tells.
    write_unnoticed(&b, &fs::read(project.path("spare/b.mp4")).unwrap());
    let after = fs::metadata(&b).unwrap();
    assert_eq!((after.len(), after.modified().unwrap()), (before.len(), before.modified().unwrap()));
    // It looks the same and sounds otherwise: what is seen in it leads to the same
    // choice, which is not made again.
    let made = runs(&project, [("probe", 1), ("analyse", 1), ("segment", 2), ("sound", 1), ("mix", 2), ("join", 2)]);
    assert_eq!(hashed(&made), ["footage/b.mp4"]);
    assert_eq!(made.nodes("probe"), ["footage/b.mp4/probe"]);
    assert_eq!(made.nodes("sound"), ["reel/front/b@1.0s/sound"]);
}

#[test]
fn other_music_is_mixed_and_joined() {
    let project = built();
    // Under the reel alone.
    project.edit("autocut.ron", "one.wav", "two.wav");
    let made = runs(&project, [("mix", 1), ("join", 1)]);
    assert_eq!(made.nodes("mix"), ["reel/out/reel.mp4/mix"]);
    // The file's name says nothing.
    fs::rename(project.path("one.wav"), project.path("first.wav")).unwrap();
    fs::rename(project.path("two.wav"), project.path("one.wav")).unwrap();
    project.edit("autocut.ron", "two.wav", "one.wav");
    runs(&project, []);
    music(&project, "one.wav", 110);
    runs(&project, [("mix", 1), ("join", 1)]);
}

#[test]
fn a_renamed_output_is_joined_and_nothing_else() {
    let project = built();
    let before = fs::read(project.path("out/reel.mp4")).unwrap();
    // As `autocut make` calls it.
    project.edit("autocut.ron", r#""reel": Reel"#, r#""film": Reel"#);
    runs(&project, []);
    project.edit("autocut.ron", "out/reel.mp4", "out/film.mp4");
    runs(&project, [("join", 1)]);
    assert!(fs::read(project.path("out/film.mp4")).unwrap() == before);
    project.edit("autocut.ron", "out/clips", "clips");
    runs(&project, [("join", 3)]);
}

#[test]
fn a_deleted_output_is_joined_and_nothing_else() {
    let project = built();
    let names: Vec<_> = fs::read_dir(project.path("out/clips")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 3);
    for path in [&project.path("out/reel.mp4"), &names[0]] {
        let before = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        runs(&project, [("join", 1)]);
        assert!(fs::read(path).unwrap() == before);
    }
    fs::remove_dir_all(project.path("out")).unwrap();
    runs(&project, [("join", 4)]);
}

#[test]
fn another_tool_makes_anew_what_it_makes_and_what_that_changes() {
    let project = built();
    // The same bytes come out, so nothing goes further.
    let expected: [(Tool, &[(&str, usize)]); 5] = [
        (Tool::Demux, &[("probe", 3), ("analyse", 3), ("segment", 8), ("sound", 3), ("mix", 4)]),
        (Tool::H264, &[("segment", 8)]),
        (Tool::Aac, &[("mix", 4)]),
        (Tool::Mux, &[("join", 4)]),
        // Neither a still nor a detector is asked for.
        (Tool::Jpeg, &[]),
    ];
    for (tool, kinds) in expected {
        let program = media::program(&project, tool.name());
        let variables = [("AUTOCUT_MEDIA", program.to_str().unwrap())];
        let made = project.make_in(&[], &variables);
        assert_eq!(made.code, 0, "{:?}", made.errors());
        let kinds = kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        assert_eq!(made.ran(), kinds, "{}", tool.name());
        project.make_in(&[], &variables).assert_ran([]);
    }
    // What the real tools made is known still.
    project.make().assert_ran([]);
}

#[test]
fn another_version_of_an_analysis_looks_anew() {
    let project = built();
    // The store as an autocut left it whose motion analysis had another version.
    let store = Store::open(&project.path(".autocut")).unwrap();
    for (name, seconds) in [("a", 14), ("b", 3), ("c", 6)] {
        let file = format!("footage/{name}.mp4");
        let key = store.last_success(&format!("{file}/motion/0")).unwrap().unwrap().key;
        let mut record = store.records(&[key]).unwrap().remove(0);
        let version = autocut::analysis::find("motion").unwrap().version;
        let under = |version: u32| {
            let pass = AnalysisPass {
                orientation: Orientation::UPRIGHT,
                from: Timestamp::ZERO,
                until: Timestamp::from_seconds(seconds),
                rate: FrameRate::new(4, 1).unwrap(),
                width: 64,
            };
            let file = Digest::of(&fs::read(project.path(&file)).unwrap());
            let spec = AnalyseSpec { file, analysis: "motion".to_owned(), analysis_version: version, pass };
            ActionSpec::Analyse(spec).key(&recorded_tools(&record.spec))
        };
        assert_eq!(under(version), key, "the specification is not what was recorded");
        (record.key, record.spec) = (
            under(version + 1),
            record.spec.replace(
                &format!("[\"spec.analysis_version\",{version}]"),
                &format!("[\"spec.analysis_version\",{}]", version + 1),
            ),
        );
        store.forget(vec![key]).unwrap();
        store.record(vec![record]).unwrap();
    }
    drop(store);
    // Each file is looked at again; the same is seen, so nothing is chosen anew.
    runs(&project, [("analyse", 3)]);
    let told = project.ok(&["explain", "--last"]);
    assert!(told.contains("version 2 -> 1"), "{told}");
}

/// The tools that are named in what was recorded of a key.
fn recorded_tools(spec: &str) -> Toolchain {
    let spec: serde_json::Value = serde_json::from_str(spec).unwrap();
    let mut toolchain = Toolchain::default();
    for tool in [Tool::Demux, Tool::Decode, Tool::Scale] {
        let label = format!("tools.{tool:?}");
        let field = spec["fields"].as_array().unwrap().iter().find(|field| field[0] == label.as_str()).unwrap();
        let identity = serde_json::from_value(field[1].clone()).unwrap();
        toolchain.tools.insert(tool, ToolIdentity { name: String::new(), identity, problem: None });
    }
    toolchain
}

#[test]
fn a_pin_renders_what_was_not_shown_before() {
    let project = built();
    // What was chosen anyway: pinned it looks the same, and its file is called the same.
    project.edit("autocut.ron", r#", "front/b@1s"]"#, r#", "front/b@1s", "front/c@5s"]"#);
    runs(&project, [("choose", 1)]);
    // Another second of c takes its place.
    project.edit("autocut.ron", "front/c@5s", "front/c@2s");
    let once = [("choose", 1), ("show", 1), ("draw", 1), ("segment", 2), ("sound", 1), ("mix", 2), ("join", 2)];
    let made = runs(&project, once);
    assert_eq!(made.nodes("segment"), ["clips/front/c@2.0s/segment/0", "reel/front/c@2.0s/segment/0"]);
}
