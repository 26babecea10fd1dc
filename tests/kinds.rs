//! A kind whose bytes change must raise its version: its old results would be
//! believed otherwise. For the kinds that run in `autocut` the bytes are held
//! here; for every kind, how its spec becomes a key.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;

use autocut::base::{Diagnostic, Digest, FrameRate, Orientation, Size, Timestamp, Unit};
use autocut::exec::inline::{self, Logs, Materials};
use autocut::model::footage::{Colour, Matrix};
use autocut::model::overlay::{OverlaySpec, SpriteFormat, SpriteRun};
use autocut::model::specs::*;
use autocut::model::timeline::{Fit, Sampling, SourcePicture, VideoFormat};
use autocut::model::{ActionSpec, KeyFields, Toolchain};
use autocut::telemetry::columns::{Scratch, Source};

/// Kind, its version (with that of the table it looks into), and the digest of
/// what it makes of the inputs below.
///
/// This test failed? The kind gives other bytes than before. Raise its version
/// (`KINDS`, or the version in the table of formats or overlays), then put the
/// new line here.
const BYTES: &[(&str, &str)] = &[
    ("telemetry.import 4 Csv 5", "73589127"),
    ("telemetry.clean 6", "623677a4"),
    ("telemetry.merge 4", "0109d180"),
    ("telemetry.complete 3", "d11bc0fc"),
    ("locate 1", "0c0f4f39"),
    ("telemetry.export 1 Csv", "4413a824"),
    ("telemetry.export 1 Gpx", "91cb5b02"),
    ("telemetry.export 1 Json", "5f4657a5"),
    ("choose 2", "6e54aa8a"),
    ("show 2 Gauge 2002", "ae487252"),
    ("draw 1 Gauge 2002", "5cea4c60"),
    ("show 2 Map 2002", "180586c5"),
    ("draw 1 Map 2002", "54d473fb"),
    ("show 2 Elevation 2001", "53a5291f"),
    ("draw 1 Elevation 2001", "79e623a9"),
    ("show 2 Text 2002", "f2b253af"),
    ("draw 1 Text 2002", "1ca9fd74"),
    ("quality 1", "f824f539"),
    ("telemetry.align 4", "0304f59c"),
];

/// The first digits of the key of a fixed spec of each kind, in the order of
/// `KINDS`, under an empty toolchain. A change here forgets every result of the
/// kind, which is right if and only if its meaning changed.
const KEYS: &[&str] = &[
    "6020c7f2", "6d0fc8e8", "14e801e3", "c0374a8c", "7df9aa57", "4da65c81", "6659948f", "3a45eab0", "4571056c",
    "73b0691c", "8e9e6afd", "c9af0d38", "cb021a32", "0594d3b4", "a4cafff5", "08d0d3d3", "cc5588eb", "2c951ef3",
    "6c6100a1", "a8e2a63c", "58e33acd", "c948dba9", "f2550cd8", "e3615751",
];

struct Memory(BTreeMap<Digest, Vec<u8>>);

impl Memory {
    fn add(&mut self, bytes: &[u8]) -> Digest {
        self.0.insert(Digest::of(bytes), bytes.to_vec());
        Digest::of(bytes)
    }
}

impl Materials for Memory {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read>, Diagnostic> {
        Ok(Box::new(std::io::Cursor::new(self.read(digest)?)))
    }

    fn read(&self, digest: Digest) -> Result<Vec<u8>, Diagnostic> {
        self.0.get(&digest).cloned().ok_or_else(|| Diagnostic::bug("not there"))
    }

    fn placed(&self, digest: Digest) -> Result<Box<dyn Source>, Diagnostic> {
        Ok(Box::new(self.read(digest)?))
    }

    fn scratch(&self) -> Result<Box<dyn Scratch>, Diagnostic> {
        Ok(Box::new(Vec::new()))
    }
}

/// A hilly loop with every usual channel, one sample a second.
fn csv() -> String {
    let mut text = String::from("time,lat,lon,ele,speed (km/h),hr\n");
    for second in 0..240 {
        // Integer arithmetic: the text must be the same on every machine.
        let (lat, lon) = (47_500_000 + second * 80, 9_300_000 + (second % 60) * 90);
        let (ele, speed, hr) = (4_000 + (second * 13) % 700, 180 + (second * 7) % 250, 120 + second % 40);
        let (minute, second) = (second / 60, second % 60);
        let degrees = |micro: i64| format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
        let tenths = |value: i64| format!("{}.{}", value / 10, value % 10);
        let (lat, lon, ele, speed) = (degrees(lat), degrees(lon), tenths(ele), tenths(speed));
        writeln!(text, "2024-06-01T10:{minute:02}:{second:02}Z,{lat},{lon},{ele},{speed},{hr}").unwrap();
    }
    text
}

/// What an action gives.
struct Done {
    artifact: Vec<u8>,
    value: Vec<u8>,
}

fn run(spec: ActionSpec, memory: &Memory) -> Done {
    let mut artifact = Vec::new();
    let made =
        inline::run(&spec, memory, &Logs::default(), &mut artifact).unwrap_or_else(|problem| panic!("{problem}"));
    Done { artifact, value: made.value }
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn choose(telemetry: Option<Digest>) -> ChooseSpec {
    let start = 1_717_236_000_000_000_000;
    let chapter = ChooseChapter { offset: Timestamp::ZERO, duration: seconds(200), signals: Vec::new() };
    ChooseSpec {
        recordings: vec![ChooseRecording {
            name: "front/GX010001".into(),
            utc: Some(start),
            telemetry_start: Some(start),
            drift: 0,
            duration: seconds(200),
            chapters: vec![chapter],
        }],
        telemetry,
        weights: vec![("speed".into(), 700), ("|gradient|".into(), 300)],
        length: Timestamp::from_millis(3_500),
        pre_roll: Timestamp::from_millis(500),
        total: seconds(30),
        gap: seconds(5),
        step: Timestamp::from_millis(500),
        pins: vec![Pin { recording: "front/GX010001".into(), start: seconds(20), length: seconds(4) }],
        bans: vec![Ban { recording: "front/GX010001".into(), from: seconds(40), until: seconds(60) }],
    }
}

fn overlays() -> Vec<OverlaySpec> {
    let text = r#"Project(version: 1,
        footage: {"front": "a.mp4"},
        telemetry: Csv(file: "ride.csv"),
        overlays: {
            "a": Gauge(channel: "speed"), "b": Map(), "c": Elevation(), "d": Text(text: "{speed:0} km/h"),
        },
        outputs: {"reel": Reel(file: "a/reel.mp4")})"#;
    let kinds = autocut::exec::workspace::kinds();
    let (manifest, problems) = autocut::manifest::load("autocut.ron".as_ref(), text, &kinds.as_kinds());
    manifest.unwrap_or_else(|| panic!("{problems:?}")).overlays.into_iter().map(|overlay| overlay.spec).collect()
}

fn complete(telemetry: Digest) -> CompleteSpec {
    CompleteSpec {
        telemetry,
        laps: Some(LapRule::Distance { millimetres: 100_000 }),
        privacy: vec![PrivatePlace { latitude: 473_769_000, longitude: 85_417_000, radius: 200_000 }],
        steps: vec![
            CompleteStep::VerticalSpeed,
            CompleteStep::Zones {
                channel: "speed".into(),
                unit: Unit::KilometresPerHour,
                bounds: vec![20_000, 30_000],
            },
            CompleteStep::Expression {
                name: "effort".into(),
                text: "mean(speed, 5s) * (1 + rate(altitude) / 1m/s)".into(),
                unit: Unit::MetresPerSecond,
                converts: true,
            },
            CompleteStep::Score { name: "summit".into() },
        ],
    }
}

#[test]
fn bytes_change_only_with_the_version() {
    let mut memory = Memory(BTreeMap::new());
    let mut found = Vec::new();
    let mut note = |what: String, made: &Done| {
        let digest = Digest::of(&[made.artifact.as_slice(), made.value.as_slice()].concat());
        found.push((what, digest.short()));
    };

    let format = autocut::telemetry::FORMATS.iter().find(|format| format.name() == "Csv").unwrap();
    let import = ActionSpec::ImportTelemetry(ImportSpec {
        file: memory.add(csv().as_bytes()),
        format: format.name().into(),
        format_version: format.version(),
        params: serde_json::to_string(&autocut::telemetry::csv::Csv::default()).unwrap(),
    });
    let version = import.kind().version;
    let raw = run(import, &memory);
    note(format!("telemetry.import {version} {} {}", format.name(), format.version()), &raw);

    let clean = ActionSpec::CleanTelemetry(CleanSpec { telemetry: memory.add(&raw.artifact), gap_ms: 5_000 });
    let version = clean.kind().version;
    let clean = run(clean, &memory);
    note(format!("telemetry.clean {version}"), &clean);
    let log = memory.add(&clean.artifact);

    let logs = [0, 90_000_000_000].map(|shift| MergeLog { telemetry: log, shift, drift: 0 });
    let merge = ActionSpec::MergeTelemetry(MergeSpec { logs: logs.to_vec() });
    note(format!("telemetry.merge {}", merge.kind().version), &run(merge, &memory));

    let complete = ActionSpec::CompleteTelemetry(complete(log));
    note(format!("telemetry.complete {}", complete.kind().version), &run(complete, &memory));

    let locate = ActionSpec::Locate(LocateSpec { telemetry: log, at: 1_717_236_030_000_000_000 });
    note(format!("locate {}", locate.kind().version), &run(locate, &memory));

    for format in [LogFormat::Csv, LogFormat::Gpx, LogFormat::Json] {
        let (stretch, channels) = (Some((1_717_236_030_000_000_000, 1_717_236_090_000_000_000)), Vec::new());
        let title = "<track>".to_owned();
        let spec = ActionSpec::Export(ExportSpec { telemetry: log, format, utc: Some(0), stretch, channels, title });
        note(format!("telemetry.export {} {format:?}", spec.kind().version), &run(spec, &memory));
    }

    let choice = ActionSpec::Choose(choose(Some(log)));
    note(format!("choose {}", choice.kind().version), &run(choice, &memory));

    for overlay in overlays() {
        let start = 1_717_236_030_000_000_000;
        let show = ActionSpec::Show(ShowSpec {
            overlay: overlay.clone(),
            telemetry: Some(log),
            start: Some(start),
            utc: Some(start),
            frames: 60,
            rate: FrameRate::new(30_000, 1_001).unwrap(),
            frame: Size::new(1280, 720),
            clip: Some((start, start + 2_002_000_000)),
        });
        let version = show.kind().version;
        let shown = run(show, &memory);
        note(format!("show {version} {} {}", overlay.kind, overlay.version), &shown);
        let format = SpriteFormat { frame: Size::new(1280, 720), matrix: Matrix::Bt709, full_range: false };
        let shown = memory.add(&shown.artifact);
        let draw = ActionSpec::Draw(DrawSpec { overlay: overlay.clone(), shown, format });
        let version = draw.kind().version;
        let drawn = run(draw, &memory);
        note(format!("draw {version} {} {}", overlay.kind, overlay.version), &drawn);
    }
    let quality = ActionSpec::Quality(quality());
    note(format!("quality {}", quality.kind().version), &run(quality, &memory));
    let recordings = vec![AlignRecording {
        claimed: Some(1_717_228_860_000_000_000),
        duration: Timestamp::from_seconds(60),
        chapters: Vec::new(),
    }];
    let align = AlignSpec { recordings, log: Some(AlignLog { telemetry: log, shift: 0 }) };
    let align = ActionSpec::Align(align);
    note(format!("telemetry.align {}", align.kind().version), &run(align, &memory));
    let expected: Vec<(String, String)> =
        BYTES.iter().map(|(what, digest)| ((*what).into(), (*digest).into())).collect();
    let lines: Vec<String> = found.iter().map(|(what, digest)| format!("    ({what:?}, {digest:?}),")).collect();
    assert_eq!(found, expected, "found:\n{}\n", lines.join("\n"));
}

fn quality() -> QualitySpec {
    let sample = |quality, bytes| Sampled { quality, frames: 480, bytes };
    QualitySpec { budget: 9_000_000, frames: 4_800, samples: vec![sample(180, 1_500_000), sample(280, 400_000)] }
}

/// One spec of each kind, with everything in it that can be.
fn specs() -> Vec<ActionSpec> {
    let digest = Digest::of(b"file");
    let rate = FrameRate::new(30, 1).unwrap();
    let size = Size::new(1280, 720);
    let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
    let format = VideoFormat { size, rate, colour, sampling: Sampling::default() };
    let picture = SourcePicture { stored: size, pixel_aspect: (1, 1), orientation: Orientation::UPRIGHT, colour, rate };
    let pass = AnalysisPass {
        orientation: Orientation::UPRIGHT,
        from: Timestamp::ZERO,
        until: seconds(60),
        rate: FrameRate::new(4, 1).unwrap(),
        width: 320,
    };
    // Parameters as a manifest gives them, in the order of their names.
    let sorted = |params: &str| serde_json::from_str::<serde_json::Value>(params).unwrap().to_string();
    let gauge = overlays().swap_remove(0);
    let overlay = OverlaySpec { params: sorted(&gauge.params), ..gauge };
    let csv = serde_json::to_string(&autocut::telemetry::csv::Csv::default()).unwrap();
    let mut choice = choose(Some(digest));
    choice.recordings[0].chapters[0].signals = vec![digest];
    vec![
        ActionSpec::Probe(ProbeSpec { file: digest }),
        ActionSpec::Analyse(AnalyseSpec {
            file: digest,
            analysis: "motion".into(),
            analysis_version: 1,
            pass: pass.clone(),
        }),
        ActionSpec::Detect(DetectSpec {
            file: digest,
            model: digest,
            classes: vec!["bicycle".into()],
            threshold: 2_500,
            overlap: 4_500,
            pass,
            display: size,
        }),
        ActionSpec::ImportTelemetry(ImportSpec {
            file: digest,
            format: "Csv".into(),
            format_version: 1,
            params: sorted(&csv),
        }),
        ActionSpec::CleanTelemetry(CleanSpec { telemetry: digest, gap_ms: 5_000 }),
        ActionSpec::Choose(choice),
        ActionSpec::Show(ShowSpec {
            overlay: overlay.clone(),
            telemetry: Some(digest),
            start: Some(1),
            utc: Some(1),
            frames: 60,
            rate,
            frame: size,
            clip: Some((1, 2)),
        }),
        ActionSpec::Draw(DrawSpec {
            overlay,
            shown: digest,
            format: SpriteFormat { frame: size, matrix: Matrix::Bt709, full_range: false },
        }),
        ActionSpec::Segment(SegmentSpec {
            sources: vec![SourceRun { file: digest, start: seconds(1), frames: 60, picture, fit: Fit::Blur }],
            format,
            encoder: VideoEncoder { name: "libx264".into(), options: vec![("crf".into(), "20".into())], threads: 1 },
            overlays: vec![vec![SpriteRun { first: 0, count: 60, sprite: digest, x: 2, y: 4 }]],
        }),
        ActionSpec::Sound(SoundSpec {
            runs: vec![SoundRun { file: digest, start: seconds(1), samples: 96_001 }],
            sample_rate: 48_000,
            channels: 2,
        }),
        ActionSpec::Mix(MixSpec {
            sample_rate: 48_000,
            channels: 2,
            samples: 96_000,
            clips: vec![MixClip { sound: Some(digest), at: 0, samples: 96_000, gain: 0, fade: 960 }],
            music: Some(MixMusic {
                file: digest,
                start: seconds(3),
                gain: -1_200,
                fade_in: 24_000,
                fade_out: 96_000,
                repeat: true,
            }),
            ceiling: -100,
            encoder: AudioEncoder {
                name: "aac".into(),
                options: vec![("aac_coder".into(), "twoloop".into())],
                bit_rate: 192_000,
            },
        }),
        ActionSpec::Join(JoinSpec {
            format,
            segments: vec![digest],
            sound: Some(digest),
            container: "mp4".into(),
            chapters: vec![(0, "front/GX010001@20.0s".into())],
            title: Some("Ride".into()),
            date: Some(1_717_236_000_000),
            location: Some(Position { latitude: 473_769, longitude: -85_417 }),
        }),
        ActionSpec::Still(StillSpec { file: digest, at: seconds(1), picture, within: Size::new(480, 480) }),
        ActionSpec::Quality(quality()),
        ActionSpec::Copy(CopySpec {
            source: SourceRun { file: digest, start: seconds(1), frames: 60, picture, fit: Fit::Fit },
            format,
            codec: "h264".into(),
            demanded: true,
        }),
        ActionSpec::CopySound(CopySoundSpec { file: digest, start: seconds(1), length: seconds(2) }),
        ActionSpec::Proxy(ProxySpec {
            pictures: SegmentSpec {
                sources: vec![SourceRun { file: digest, start: seconds(1), frames: 60, picture, fit: Fit::Blur }],
                format,
                encoder: VideoEncoder {
                    name: "libx264".into(),
                    options: vec![("crf".into(), "20".into())],
                    threads: 1,
                },
                overlays: Vec::new(),
            },
        }),
        ActionSpec::Compare(CompareSpec {
            encoded: digest,
            sources: vec![SourceRun { file: digest, start: seconds(1), frames: 60, picture, fit: Fit::Blur }],
            format,
        }),
        ActionSpec::MergeTelemetry(MergeSpec { logs: vec![MergeLog { telemetry: digest, shift: 1, drift: 2 }] }),
        ActionSpec::Locate(LocateSpec { telemetry: digest, at: 1 }),
        ActionSpec::Extract(ExtractSpec { file: digest }),
        ActionSpec::Align(AlignSpec {
            recordings: vec![AlignRecording {
                claimed: Some(1),
                duration: seconds(9),
                chapters: vec![AlignChapter { offset: seconds(1), payloads: Some(digest), motion: vec![digest] }],
            }],
            log: Some(AlignLog { telemetry: digest, shift: 1 }),
        }),
        ActionSpec::Export(ExportSpec {
            telemetry: digest,
            format: LogFormat::Gpx,
            utc: Some(1),
            stretch: Some((2, 3)),
            channels: vec!["speed".to_owned()],
            title: "track".to_owned(),
        }),
        ActionSpec::CompleteTelemetry(complete(digest)),
    ]
}

#[test]
fn keys_change_only_on_purpose() {
    let specs = specs();
    let kinds: Vec<&str> = specs.iter().map(|spec| spec.kind().name).collect();
    let table: Vec<&str> = autocut::model::kinds::KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(kinds, table);
    let keys: Vec<String> = specs.iter().map(|spec| spec.key(&Toolchain::default()).0.short()).collect();
    assert_eq!(keys, KEYS);
}

/// Every leaf of a spec, and of the parameters in it, changed one at a time:
/// another key, and one labelled field that says so.
#[test]
fn every_field_of_a_spec_is_in_its_key_and_is_labelled_once() {
    let toolchain = Toolchain::default();
    for spec in specs() {
        let kind = spec.kind().name;
        let mut json = serde_json::to_value(&spec).unwrap();
        for (path, changed) in changes(&mut json) {
            // Some changes make no spec (an unknown variant of an enum).
            let Ok(other) = serde_json::from_value::<ActionSpec>(changed) else { continue };
            assert_ne!(other.key(&toolchain), spec.key(&toolchain), "{path} is not in the key of {kind}");
            let before = KeyFields::of(&spec, &toolchain).labels();
            let after = KeyFields::of(&other, &toolchain).labels();
            assert_eq!(before.len(), after.len(), "{kind}: {path}");
            let different: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
            assert_eq!(different.len(), 1, "{kind}: {path}: {different:#?}");
            assert_eq!(different[0].0.path, different[0].1.path, "{kind}: {path}");
        }
    }
}

/// An element less, or nothing where something was: another key, and labels
/// that differ.
#[test]
fn what_is_absent_is_in_the_key() {
    let toolchain = Toolchain::default();
    let mut reached = Vec::new();
    for spec in specs() {
        let json = serde_json::to_value(&spec).unwrap();
        let mut paths = Vec::new();
        nodes(&json, String::new(), &mut paths);
        let mut tried = 0;
        for path in paths {
            let mut nothing = json.clone();
            *nothing.pointer_mut(&path).unwrap() = serde_json::Value::Null;
            let mut shorter = json.clone();
            let shortened = shorter.pointer_mut(&path).and_then(|it| it.as_array_mut()).and_then(Vec::pop).is_some();
            for other in [Some(nothing), shortened.then_some(shorter)].into_iter().flatten() {
                let Ok(other) = serde_json::from_value::<ActionSpec>(other) else { continue };
                tried += 1;
                let kind = spec.kind().name;
                assert_ne!(other.key(&toolchain), spec.key(&toolchain), "{kind}: {path}");
                let labels = |spec| KeyFields::of(spec, &toolchain).labels();
                assert_ne!(labels(&other), labels(&spec), "{kind}: {path}");
            }
        }
        if tried > 0 {
            reached.push(spec.kind().name);
        }
    }
    let media = [
        "detect",
        "choose",
        "show",
        "segment",
        "sound",
        "mix",
        "join",
        "quality",
        "proxy",
        "compare",
        "telemetry.merge",
        "telemetry.align",
        "telemetry.export",
        "telemetry.complete",
    ];
    assert_eq!(reached, media);
}

/// Every change of one leaf of a spec in JSON: where it is, and the whole
/// afterwards. `json` gets its parameters in the order in which this writes
/// them.
fn changes(json: &mut serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let mut changes = Vec::new();
    let mut paths = Vec::new();
    nodes(json, String::new(), &mut paths);
    for path in paths {
        let leaf = json.pointer(&path).unwrap().clone();
        if let Some(leaf) = changed(&leaf) {
            let mut other = json.clone();
            *other.pointer_mut(&path).unwrap() = leaf;
            changes.push((path.clone(), other));
        }
        let Some(text) = leaf.as_str().filter(|text| text.starts_with('{')) else { continue };
        let mut parameters: serde_json::Value = serde_json::from_str(text).unwrap();
        let sorted = parameters.to_string();
        assert_eq!(sorted.len(), text.len(), "specs here have their parameters sorted by name");
        for (below, parameters) in changes_below(&mut parameters) {
            let mut other = json.clone();
            *other.pointer_mut(&path).unwrap() = parameters.to_string().into();
            changes.push((format!("{path}{below}"), other));
        }
    }
    assert!(!changes.is_empty());
    changes
}

fn changes_below(parameters: &mut serde_json::Value) -> Vec<(String, serde_json::Value)> {
    if parameters.as_object().is_some_and(serde_json::Map::is_empty) { Vec::new() } else { changes(parameters) }
}

/// A leaf with another value; `None` for what has parts, and for text that has.
fn changed(leaf: &serde_json::Value) -> Option<serde_json::Value> {
    match leaf {
        serde_json::Value::Number(n) => Some(match n.as_i64() {
            Some(n) => (n + 1).into(),
            None => (n.as_f64().unwrap() + 0.5).into(),
        }),
        serde_json::Value::Bool(b) => Some((!b).into()),
        serde_json::Value::String(text) if text.starts_with('{') => None,
        serde_json::Value::String(text) => Some(match text.parse::<Digest>() {
            Ok(digest) => Digest::of(&digest.0).to_string().into(),
            Err(_) => format!("{text}x").into(),
        }),
        _ => None,
    }
}

/// The JSON pointers of everything in a value.
fn nodes(value: &serde_json::Value, path: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, item)| nodes(item, format!("{path}/{index}"), found));
        }
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(name, item)| nodes(item, format!("{path}/{}", name.replace('/', "~1")), found));
        }
        _ => {}
    }
    found.push(path);
}
