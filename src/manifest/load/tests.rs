//! Whole manifests with kinds that stand for those of the tables below.

mod additions;
mod logs;

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::base::{FrameRate, UtcTime};
use crate::manifest::manifest::Clock;
use crate::manifest::schema::schema;
use crate::model::Fit;

schema! {
    /// A log.
    struct Csv = "Csv" {
        /// Columns.
        columns: BTreeMap<String, String> = BTreeMap::new(),
        /// Zone.
        zone: Option<String> = None,
    }
}

schema! {
    /// Any log.
    struct Log = "Log" {}
}

schema! {
    /// A dial.
    struct Gauge = "Gauge" {
        /// Channel.
        channel: String,
    }
}

schema! {
    /// A map.
    struct Map = "Map" {}
}

schema! {
    /// A film.
    struct Reel = "Reel" {
        /// Where.
        file: String,
    }
}

schema! {
    /// Files.
    struct Clips = "Clips" {
        /// Where.
        folder: String = "out/clips".to_owned(),
    }
}

const KINDS: Kinds<'static> = Kinds {
    formats: &[
        KindEntry::of::<Csv>("Csv", 3, "Csv(file: \"ride.csv\")"),
        KindEntry::of::<Log>("Log", 1, "Log(file: \"ride.csv\")"),
    ],
    overlays: &[KindEntry::of::<Gauge>("Gauge", 2, "Gauge(channel: \"speed\")"), KindEntry::of::<Map>("Map", 1, "Map")],
    outputs: &[
        KindEntry::of::<Reel>("Reel", 1, "Reel(file: \"out/reel.mp4\")"),
        KindEntry::of::<Clips>("Clips", 1, "Clips"),
    ],
};

/// A manifest of these sections beside the least that one has.
fn with(sections: &str) -> String {
    format!(
        "Project(\nversion: 1,\nfootage: {{\"front\": \"front/*.MP4\", \"rear\": \"rear/*.MP4\"}},\n\
         outputs: {{\"reel\": Reel(file: \"out/reel.mp4\")}},\n{sections})"
    )
}

fn load_text(text: &str) -> (Option<Manifest>, Diagnostics) {
    load(Path::new("autocut.ron"), text, &KINDS)
}

#[track_caller]
fn good(text: &str) -> Manifest {
    let (manifest, found) = load_text(text);
    assert_eq!(found, Diagnostics::default());
    manifest.unwrap()
}

/// Each diagnostic as `line:column+width message (hint)`.
fn told(text: &str) -> Vec<String> {
    let (manifest, found) = load_text(text);
    assert_eq!(manifest.is_some(), !found.has_errors());
    let show = |found: &Diagnostic| {
        let place = found.place.as_ref().unwrap();
        let hint = found.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}:{}+{} {}{hint}", place.line, place.column, place.width, found.message)
    };
    found.0.iter().map(show).collect()
}

const FULL: &str = r#"
// Everything at once.
Project(
    version: 1,
    footage: {
        "front": Footage(files: ["front/*.MP4", "more/**/*.mov"], clock: "-7h01m39s", fit: Fill),
        "rear": Footage(files: "rear/*.MP4", clock: "2024-06-01T12:00:00+02:00"),
        "drone": "drone/*.mp4",
    },
    telemetry: Csv(file: "ride.csv", zone: "Europe/Berlin", start: "front/GX010012", offset: "-2s", gap: "3s"),
    music: Music(file: "song.mp3", gain: -9, start: "12s", fade_in: "0s", repeat: false),
    analysis: Analysis(rate: 2, width: 480),
    detection: Detection(model: "yolo.onnx", classes: ["bicycle", "car"], threshold: 0.4, overlap: "50%", rate: "1/2"),
    moments: Moments(
        length: "4s", pre_roll: "1s", total: "2min", gap: "0s", step: "250ms",
        weights: {"speed": 0.5, "|gradient|": 0.25, "detect:bicycle": 1, "motion": -0.1},
        pins: ["front/GX010012@192.0s", Pin(at: "rear/GX01@00:03:12", length: "6s")],
        bans: ["drone/DJI_1", "front/GX010013 @ 5s", Ban(from: "front/GX010012@10s", length: "20s")],
    ),
    overlays: {"speed": Gauge(channel: "speed"), "map": Map},
    outputs: {
        "reel": Reel(file: "out/reel.mp4"),
        "clips": Clips(folder: "out/clips", overlays: ["map"]),
    },
)
"#;

#[test]
fn everything_is_lowered() {
    let manifest = good(FULL);
    assert_eq!(manifest.version, 1);
    let [front, rear, drone] = manifest.footage.as_slice() else { panic!() };
    assert_eq!((front.name.as_str(), front.fit), ("front", Fit::Fill));
    assert_eq!(front.files, ["front/*.MP4", "more/**/*.mov"]);
    assert_eq!(front.clock, Clock { offset: Timestamp::from_seconds(-25_299), stated: true, ..Clock::default() });
    // 1717236000 is `date -u -d 2024-06-01T10:00:00Z +%s`.
    assert_eq!(rear.clock.start, Some(UtcTime(1_717_236_000_000_000_000)));
    assert_eq!((drone.files.as_slice(), drone.fit), (["drone/*.mp4".to_owned()].as_slice(), Fit::Blur));

    let [telemetry] = &manifest.telemetry[..] else { panic!("{:?}", manifest.telemetry) };
    assert_eq!((telemetry.file.as_str(), telemetry.format.as_str(), telemetry.format_version), ("ride.csv", "Csv", 3));
    assert_eq!(telemetry.params, r#"{"columns":{},"zone":"Europe/Berlin"}"#);
    assert_eq!(telemetry.start, Some(TelemetryStart::Recording("front/GX010012".to_owned())));
    assert_eq!((telemetry.offset, telemetry.gap), (Timestamp::from_seconds(-2), Timestamp::from_seconds(3)));

    let music = manifest.music.unwrap();
    assert_eq!((music.file.as_str(), music.gain, music.repeat), ("song.mp3", -900, false));
    assert_eq!(manifest.analysis, AnalysisSettings { rate: FrameRate::per_second(2), width: 480, exact: false });
    let detection = manifest.detection.unwrap();
    assert_eq!((detection.threshold, detection.overlap), (4_000, 5_000));

    let moments = manifest.moments;
    let weights = [("detect:bicycle", 1_000), ("motion", -100), ("speed", 500), ("|gradient|", 250)];
    assert_eq!(moments.weights, weights.map(|(name, weight)| (name.to_owned(), weight)));
    assert_eq!(moments.pins[0].length, Timestamp::from_seconds(4));
    assert_eq!(moments.pins[1].start, Timestamp::from_seconds(192));
    assert_eq!(moments.pins[1].length, Timestamp::from_seconds(6));
    assert_eq!(moments.bans[0].from, Timestamp::ZERO);
    assert_eq!(moments.bans[1].until, Timestamp::from_seconds(9));
    assert_eq!(moments.bans[2].until, Timestamp::from_seconds(30));
    assert_eq!(moments.pin_places[1].0.line, 17);

    let specs: Vec<_> =
        manifest.overlays.iter().map(|o| (o.name.as_str(), o.spec.kind.as_str(), o.spec.version)).collect();
    assert_eq!(specs, [("speed", "Gauge", 2), ("map", "Map", 1)]);
    assert_eq!(manifest.outputs[0].overlays, ["speed", "map"]);
    assert_eq!(manifest.outputs[1].overlays, ["map"]);
    assert_eq!(manifest.outputs[1].place_written().as_deref(), Some("out/clips"));
}

#[test]
fn the_least_manifest_has_the_stated_defaults() {
    let manifest = good(&with(""));
    assert_eq!(manifest.moments.length, Timestamp::from_millis(3_500));
    assert_eq!(manifest.moments.total, Timestamp::from_seconds(300));
    let weights = [("exposure", 100), ("motion", 300), ("scene_change", 100), ("sharpness", 200)];
    assert_eq!(manifest.moments.weights, weights.map(|(name, weight)| (name.to_owned(), weight)));
    assert_eq!(manifest.analysis, AnalysisSettings { rate: FrameRate::per_second(4), width: 320, exact: false });
    assert!(manifest.music.is_none() && manifest.telemetry.is_empty() && manifest.detection.is_none());
}

#[test]
fn default_weights_follow_what_is_declared() {
    let detection = "detection: Detection(model: \"m.onnx\", classes: [\"a\", \"b\"]), telemetry: Csv(file: \"r.csv\")";
    let weights = good(&with(detection)).moments.weights;
    let of = |name: &str| weights.iter().find(|(known, _)| known == name).map(|(_, weight)| *weight);
    assert_eq!(
        (of("detect:a"), of("detect:b"), of("speed"), of("|gradient|")),
        (Some(150), Some(150), Some(200), Some(200))
    );
}

#[test]
fn music_is_short_for_its_file() {
    let music = good(&with("music: \"song.mp3\"")).music.unwrap();
    assert_eq!((music.file.as_str(), music.gain, music.repeat), ("song.mp3", -1_200, true));
    let long = good(&with("music: Music(file: \"song.mp3\")")).music.unwrap();
    assert_eq!(music, long);
}

#[test]
fn formatting_changes_nothing() {
    let formatted = FULL.replace("\n    ", "\n\n  /* moved */  ").replace("(file:", "(\n\nfile   :");
    assert_eq!(good(FULL), good(&formatted));
    assert_ne!(good(FULL), good(&FULL.replace("\"3s\"", "\"4s\"")));
    let written_otherwise = FULL.replace("\"-7h01m39s\"", "\"-07:01:39\"").replace("-9,", "\"-9.0 dB\",");
    assert_eq!(good(FULL), good(&written_otherwise));
}

#[test]
fn none_is_left_out() {
    assert_eq!(good(&with("music: None, telemetry: None, detection: None")), good(&with("")));
}

#[test]
fn the_template_loads() {
    let text = include_str!("../../../project-template/autocut.ron");
    let stub = |name: &'static str| KindEntry {
        name,
        lower: |node, _| node.field("file").map(|_| "{\"file\":\"out/reel.mp4\"}".to_owned()),
        ..KINDS.outputs[0]
    };
    let kinds = Kinds { outputs: &[stub("Reel")], ..KINDS };
    let (manifest, found) = load(Path::new("autocut.ron"), text, &kinds);
    assert_eq!(found, Diagnostics::default());
    let manifest = manifest.unwrap();
    assert_eq!(manifest.moments, good(&with("")).moments);
    assert_eq!(manifest.outputs[0].name, "reel");
}

#[test]
fn a_syntax_error_has_its_place() {
    assert_eq!(
        told("Project(\n    version: 1\n    footage: {},\n)"),
        ["2:14+1 expected `,` or `)`, found `footage` (separate values with a comma)"]
    );
}

#[test]
fn every_section_is_read_before_it_fails() {
    let text = "Project(
    version: 1,
    footage: {\"front\": Footage(file: \"*.MP4\"), \"my cam\": \"x[\"},
    telemetry: Csv(colums: {}, gab: \"1s\"),
    music: 3,
    analysis: Analysis(rate: 29.97, width: 5),
    moments: Moments(length: 3.5, pins: [\"front\"]),
    overlays: {\"speed\": Gague(channel: \"speed\"), \"map\": 1},
    outputs: {\"reel\": Reel(fiel: \"a\", overlays: [\"sped\"])},
    tittle: 1,
)";
    assert_eq!(
        told(text),
        [
            "3:32+4 unknown field `file` of `Footage` (did you mean `files`?)",
            "3:48+8 \"my cam\" cannot be a name (a name has letters, digits, `-`, `_` and `.`, and starts with a letter, a digit or `_`)",
            "3:58+4 \"x[\" is not a pattern: unclosed character class; missing ']' (put a character that is meant itself in brackets: `[[]`)",
            "4:16+3 `Csv` has no field `file` (add `file: ...`: a path relative to the project)",
            "4:20+6 unknown field `colums` of `Csv` (did you mean `columns`?)",
            "4:32+3 unknown field `gab` of `Csv` (did you mean `gap`?)",
            "5:12+1 expected `Music(...)`, found the number 3 (the fields of `Music` are `file`, `gain`, `start`, `fade_in`, `fade_out` and `repeat`)",
            "6:30+5 29.97 is not an exact rate (this rate is exactly \"30000/1001\")",
            "7:30+3 expected a time, found the number 3.5 without a unit (write \"3.5s\" for seconds)",
            "7:42+7 \"front\" does not say at which time (write it as camera/recording@time, e.g. \"front/GX010012@192.0s\")",
            "8:25+5 `Gague` is not an overlay (did you mean `Gauge`?)",
            "8:57+1 expected an overlay, found the number 1 (write its kind first: `Gauge` and `Map`)",
            "9:28+4 unknown field `fiel` of `Reel` (did you mean `file`?)",
            "9:50+6 there is no overlay \"sped\" (did you mean `speed`?)",
            "10:5+6 unknown field `tittle` of `Project`",
        ]
    );
}

#[test]
fn what_must_be_there() {
    assert_eq!(
        told("Project(version: 1)"),
        [
            "1:1+7 `Project` has no field `footage` (name a camera and its files: `footage: {\"front\": \"footage/*.MP4\"}`)",
            "1:1+7 `Project` has no field `outputs` (name an output: `outputs: {\"reel\": Reel(file: \"out/reel.mp4\")}`)",
        ]
    );
    assert_eq!(
        told("(version: 1, footage: {}, outputs: {\"a\": Reel(file: \"a\")})"),
        ["1:23+2 there are no footage sets (name a camera and its files: `footage: {\"front\": \"footage/*.MP4\"}`)"]
    );
}

#[test]
fn a_newer_manifest_asks_for_a_newer_autocut() {
    assert_eq!(
        told("Project(version: 2, scenes: [])"),
        ["1:18+1 this manifest has version 2 (install a newer autocut, one that understands version 2)"]
    );
    assert_eq!(told("Project(version: 0)"), ["1:18+1 this manifest has version 0 (write `version: 1`)"]);
}

#[test]
fn a_clock_is_written_in_any_notation_and_errors_point_into_it() {
    let text = |clock: &str| {
        format!(
            "(version: 1, footage: {{\"a\": Footage(files: \"*\",\nclock: {clock})}}, outputs: {{\"a\": Reel(file: \"a\")}})"
        )
    };
    let clock = |clock: &str| good(&text(clock)).footage[0].clock.clone();
    let one = clock("\"front/GX010012.MP4 @ 00:01:10 = 2024-06-01T10:21:04Z\"");
    let seen = &one.seen[0];
    assert_eq!((seen.file.as_str(), seen.time), ("front/GX010012.MP4", Timestamp::from_seconds(70)));
    assert_eq!(seen.utc, UtcTime(1_717_237_264_000_000_000));
    assert!(one.stated);
    // In all ways in which the same can be said.
    assert_eq!(one, clock("[\"front/GX010012.MP4@70s=2024-06-01T12:21:04+02:00\"]"));
    assert_eq!(one, clock("Clock(seen: [\"front/GX010012.MP4 @ 1min10s = 2024-06-01T10:21:04Z\"])"));
    // Names may have the signs, and what RON escapes.
    let named = clock(r#""front/a=b@\"c\".mp4 @ 70s = 2024-06-01T10:21:04Z""#);
    assert_eq!(named.seen[0].file, "front/a=b@\"c\".mp4");
    assert_eq!((named.seen[0].time, named.seen[0].utc), (seen.time, seen.utc));
    assert_eq!(clock(&named.to_text()), named);
    assert_eq!(clock("Clock(offset: \"+07:01:39.370\", drift: -23.4)").drift, -23_400);
    assert_eq!(clock("Clock(drift: \"12 ppm\")").drift, 12_000);
    assert_eq!(clock("\"+7:01:39.370\"").offset, Timestamp::from_millis(25_299_370));

    // `clock: ` has seven characters, then the quote.
    let told = |clock: &str| told(&text(clock));
    assert_eq!(told("\"a.mp4 @ 70 = 2024-06-01T10:21:04Z\"").len(), 1);
    assert!(
        told("\"a.mp4 @ 70 = 2024-06-01T10:21:04Z\"")[0].starts_with("2:17+2 "),
        "{:?}",
        told("\"a.mp4 @ 70 = 2024-06-01T10:21:04Z\"")
    );
    let found = told("\"a.mp4 @ 70s = 2024-06-01T10:21:04\"");
    assert!(found[0].starts_with("2:23+19 ") && found[0].contains("in which time zone"), "{found:?}");
    assert!(told("\"a.mp4 = 2024-06-01T10:21:04Z\"")[0].contains("does not say at which time of a file"));
    assert!(told("[\"a.mp4 @ 5s\"]")[0].contains("does not say when it happened"));
    assert!(told("[\"a=b.mp4 @ 5s\"]")[0].contains("does not say when it happened"));
    assert!(told("\" @ 5s = 2024-06-01T10:21:04Z\"")[0].contains("names no file"));
    assert!(told("Clock(drift: 1001)")[0].contains("parts per million"));
    let both = told("Clock(start: \"2024-06-01T10:00:00Z\", seen: [\"a @ 0s = 2024-06-01T10:21:04Z\"])");
    assert!(both[0].contains("a clock has a start or a seen, not both"), "{both:?}");
}

#[test]
fn a_clock_has_an_offset_or_a_start() {
    let clock = |clock: &str| {
        format!(
            "(version: 1, footage: {{\"a\": Footage(files: \"*\", clock: {clock})}}, outputs: {{\"a\": Reel(file: \"a\")}})"
        )
    };
    let start = good(&clock("Clock(start: \"2024-06-01T10:00:00Z\")")).footage[0].clock.clone();
    assert_eq!(start, good(&clock("\"2024-06-01T10:00:00Z\"")).footage[0].clock);
    let told = told(&clock("Clock(start: \"2024-06-01T10:00:00Z\", offset: \"1s\")"));
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("a clock has an offset or a start, not both"), "{told:?}");
}

/// What elsewhere are minutes and seconds, are hours and minutes to many here.
#[test]
fn an_offset_of_two_numbers_is_asked_about() {
    for clock in ["\"-3:07\"", "Clock(offset: \"-3:07\", drift: 1.0)"] {
        let text = format!(
            "(version: 1, footage: {{\"a\": Footage(files: \"*\", clock: {clock})}}, outputs: {{\"a\": Reel(file: \"a\")}})"
        );
        let told = told(&text);
        assert_eq!(told.len(), 1, "{told:?}");
        for said in ["-3h07min", "-3min07s", "-03:07.0"] {
            good(&text.replace("-3:07", said));
        }
        assert!(told[0].contains("may be hours and minutes, or minutes and seconds"), "{told:?}");
        assert!(told[0].contains("write \"-3h07min\" or \"-3min07s\""), "{told:?}");
    }
    // What says nothing is no word on the camera being right.
    for clock in ["[]", "Clock()", "Clock(seen: [])"] {
        let text = format!(
            "(version: 1, footage: {{\"a\": Footage(files: \"*\", clock: {clock})}}, outputs: {{\"a\": Reel(file: \"a\")}})"
        );
        let told = told(&text);
        assert!(told.len() == 1 && told[0].contains("this clock states nothing"), "{clock}: {told:?}");
    }
}

#[test]
fn lengths_of_moments_go_together() {
    assert_eq!(
        told(&with("moments: Moments(length: \"2s\", pre_roll: \"2s\", total: \"1s\", step: 0, gap: \"-1s\")")),
        [
            "5:42+4 a pre-roll of 2s leaves nothing of a moment of 2s (the pre-roll is the part of `length` before the peak: make it shorter)",
            "5:55+4 no moment of 2s fits into 1s in all (`total` is the length of the whole reel: make it longer)",
            "5:67+1 the step between moments is more than 0 (half a second is usual: \"500ms\")",
            "5:75+5 the gap between moments is not negative (without a gap it is \"0s\")",
        ]
    );
    assert_eq!(told(&with("moments: Moments(length: \"0s\")")), ["5:26+4 a moment is longer than 0"]);
    assert_eq!(
        told(&with("moments: Moments(length: \"300ms\")")),
        [
            "5:26+7 a pre-roll of 500ms leaves nothing of a moment of 300ms (the pre-roll is the part of `length` before the peak: make it shorter)"
        ]
    );
}

#[test]
fn recordings_belong_to_a_camera() {
    assert_eq!(
        told(&with("moments: Moments(pins: [\"fornt/A@1s\"], bans: [\"back/A\"])")),
        [
            "5:25+12 no footage set is named \"fornt\" (did you mean \"front/A\"?)",
            "5:47+8 no footage set is named \"back\"",
        ]
    );
    assert_eq!(
        told(&with("telemetry: Csv(file: \"r.csv\", start: \"font/A\")")),
        ["5:38+8 no footage set is named \"font\" (did you mean \"front/A\"?)"]
    );
}

#[test]
fn pins_and_bans_do_not_contradict() {
    let text = with(
        "moments: Moments(\npins: [\"front/A@10s\",\n\"front/A@12s\", \"rear/A@10s\", \"front/A@1h\"],\nbans: [\"rear/A\", Ban(from: \"front/A@3s\", length: \"7s\")])",
    );
    assert_eq!(
        told(&text),
        [
            "7:1+13 this moment overlaps another pinned one (pin one longer moment: `Pin(at: ..., length: ...)`)",
            "7:16+12 this moment is pinned and banned (remove the pin or the ban)",
        ]
    );
    let (_, found) = load_text(&text);
    assert_eq!(found.0[0].notes, ["the other is in line 6"]);
    assert_eq!(found.0[1].notes, ["the ban is in line 8"]);
}

#[test]
fn lengths_of_pins_are_more_than_nothing() {
    assert_eq!(
        told(&with("moments: Moments(pins: [Pin(at: \"front/A@1s\", length: \"0s\")])")),
        ["5:55+4 a length is more than 0"]
    );
}

#[test]
fn weights_name_inputs() {
    assert_eq!(
        told(&with("moments: Moments(weights: {\"moton\": 1, \"speed\": 1, \"detect:car\": 1})")),
        [
            "5:28+7 \"moton\" is no signal of the footage (did you mean \"motion\"?)",
            "5:40+7 \"speed\" is a channel of telemetry, and there is no telemetry (declare it: `telemetry: \"ride.fit\"`)",
            "5:52+12 \"detect:car\" needs a detector, and there is none (declare it: `detection: Detection(model: \"model.onnx\", classes: [...])`)",
        ]
    );
    let detector = "detection: Detection(model: \"m\", classes: [\"bicycle\", \"car\"])";
    assert_eq!(
        told(&with(&format!("{detector},\nmoments: Moments(weights: {{\"detect:bycicle\": 1}})"))),
        ["6:28+16 the detector has no class \"bycicle\" (did you mean \"detect:bicycle\"?)"]
    );
    assert_eq!(
        told(&with(&format!("{detector},\nmoments: Moments(weights: {{\"motion\": 1}})"))),
        [
            "5:12+9 no weight names a class of the detector, so it does not run (add \"detect:bicycle\": 0.3 to the weights)"
        ]
    );
    assert_eq!(
        told(&with("moments: Moments(weights: {\"motion\": 0})")),
        ["5:27+13 every weight is 0, so that no moment is better than another (raise one)"]
    );
}

#[test]
fn a_column_of_the_log_may_be_weighted() {
    let log = "telemetry: Csv(file: \"r.csv\", columns: {\"lean\": \"Lean\"}),\n";
    let weighted = |name: &str| with(&format!("{log}moments: Moments(weights: {{\"{name}\": 1}})"));
    good(&weighted("|lean|"));
    good(&weighted("heart_rate"));
    let (manifest, found) = load_text(&weighted("accel_x"));
    assert!(manifest.is_some());
    assert_eq!(found.0[0].message, "\"accel_x\" is no signal of the footage and no usual channel of telemetry");
    assert_eq!(found.0[0].hint.as_deref(), Some("it counts where the log has a column of this name"));
}

/// What is told of outputs that are written to these files.
fn outputs(files: &[&str]) -> Vec<String> {
    let each: Vec<String> =
        files.iter().enumerate().map(|(at, file)| format!("\"o{at}\": Reel(file: \"{file}\")")).collect();
    told(&format!(
        "(version: 1, music: \"song.mp3\", footage: {{\"a\": \"a/one.mp4\"}}, outputs: {{\n{}}})",
        each.join(",\n")
    ))
}

#[test]
fn outputs_lie_inside_of_the_project() {
    for path in ["/tmp/x.mp4", "../x.mp4", "out/../../x.mp4", "~/x.mp4", "C:/x.mp4", ".", ""] {
        let message = format!("2:18+{} \"{path}\" does not lie inside of the project", path.len() + 2);
        assert_eq!(
            outputs(&[path]),
            [format!("{message} (write a path relative to the project, such as \"out/reel.mp4\")")]
        );
    }
    assert!(outputs(&["out/../x.mp4", "./y.mp4"]).is_empty());
}

#[test]
fn outputs_write_over_nothing() {
    assert_eq!(
        outputs(&["out/x.mp4", "./out//x.mp4"]),
        ["3:18+14 the outputs \"o0\" and \"o1\" are both written to \"./out//x.mp4\" (give each a file of its own)"]
    );
    let hint = "(write outputs to a folder of their own, such as \"out\")";
    assert_eq!(
        outputs(&["a/one.mp4", "song.mp3", "autocut.ron", ".autocut/x"]),
        [
            format!("2:18+11 the output \"o0\" would replace \"a/one.mp4\", which the project reads {hint}"),
            format!("3:18+10 the output \"o1\" would replace \"song.mp3\", which the project reads {hint}"),
            format!("4:18+13 \"autocut.ron\" belongs to autocut itself {hint}"),
            format!("5:18+12 \".autocut/x\" belongs to autocut itself {hint}"),
        ]
    );
}

#[test]
fn paths_have_slashes() {
    assert_eq!(
        told(&with("music: r\"music\\song.mp3\"")),
        ["5:8+17 \"music\\\\song.mp3\" has a backslash (write \"music/song.mp3\")"]
    );
}

#[test]
fn a_detector_has_classes() {
    assert_eq!(
        told(&with("detection: Detection(model: \"m\", classes: [])")),
        ["5:43+2 a detector has at least one class (name them: [\"bicycle\", \"car\"])"]
    );
}

#[test]
fn a_section_that_fails_hides_no_other_error() {
    let text = "(version: 1, footage: {\"front\": Footage(fils: \"*\")}, moments: Moments(pins: [\"frnt/A@1s\", \"front/A@9s\"]),
outputs: {\"reel\": Reel(file: \"../reel.mp4\", size: 1)})";
    assert_eq!(
        told(text),
        [
            "1:41+4 unknown field `fils` of `Footage` (did you mean `files`?)",
            "1:78+11 no footage set is named \"frnt\" (did you mean \"front/A\"?)",
            "2:30+13 \"../reel.mp4\" does not lie inside of the project (write a path relative to the project, such as \"out/reel.mp4\")",
            "2:45+4 unknown field `size` of `Reel`",
        ]
    );
}

#[test]
fn materials_are_the_other_files() {
    let names: Vec<String> = good(FULL).materials().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ride.csv", "song.mp3", "yolo.onnx"]);
}

/// Manifests with a part cut out or doubled are told apart from good ones and
/// never panic.
#[test]
fn damaged_manifests_are_survived() {
    for (at, c) in FULL.char_indices() {
        load_text(&FULL[..at]);
        load_text(&format!("{}{}", &FULL[..at], &FULL[at + c.len_utf8()..]));
    }
    let values = ["1", "\"\"", "None", "[]", "{}", "()", "X", "X(y: 1)", "-1.5", "Some(1)", "[[1]]"];
    for (at, _) in FULL.match_indices(": ") {
        let rest = &FULL[at + 2..];
        let end = rest.find([',', '\n']).unwrap_or(rest.len());
        for value in values {
            load_text(&format!("{}: {value}{}", &FULL[..at], &rest[end..]));
        }
    }
}

#[test]
fn a_pin_inside_of_a_long_one_overlaps_it() {
    let pins = "Pin(at: \"front/A@10s\", length: \"1min\"), \"front/A@12s\", \"front/A@50s\", \"front/A@70s\"";
    assert_eq!(told(&with(&format!("moments: Moments(pins: [{pins}])"))).len(), 2);
}
