//! A kind whose bytes change must raise its version: its old results would be
//! believed otherwise. For the kinds that run in `autocut` the bytes are held
//! here; for every kind, how its spec becomes a key.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;

use autocut::base::{Diagnostic, Digest, FrameRate, Orientation, Size, Timestamp};
use autocut::exec::inline::{self, Logs, Made, Materials};
use autocut::model::footage::{Colour, Matrix};
use autocut::model::overlay::{OverlaySpec, SpriteFormat, SpriteRun};
use autocut::model::specs::*;
use autocut::model::timeline::{Fit, SourcePicture, VideoFormat};
use autocut::model::{ActionSpec, Toolchain};

/// Kind, its version (with that of the table it looks into), and the digest of
/// what it makes of the inputs below.
///
/// This test failed? The kind gives other bytes than before. Raise its version
/// (`KINDS`, or the version in the table of formats or overlays), then put the
/// new line here.
const BYTES: &[(&str, &str)] = &[
    ("telemetry.import 1 Csv 1", "15a76cdc"),
    ("telemetry.clean 1", "7c88cef9"),
    ("choose 1", "6e54aa8a"),
    ("show 1 Gauge 2001", "ae487252"),
    ("draw 1 Gauge 2001", "5cea4c60"),
    ("show 1 Map 2001", "180586c5"),
    ("draw 1 Map 2001", "54d473fb"),
    ("show 1 Elevation 2001", "53a5291f"),
    ("draw 1 Elevation 2001", "79e623a9"),
    ("show 1 Text 2001", "f2b253af"),
    ("draw 1 Text 2001", "1ca9fd74"),
];

/// The first digits of the key of a fixed spec of each kind, in the order of
/// `KINDS`, under an empty toolchain. A change here forgets every result of the
/// kind, which is right if and only if its meaning changed.
const KEYS: &[&str] = &[
    "c88128c3", "db80058a", "200e0670", "835176e7", "553374eb", "69f16b5e", "47564227", "ffa3622f", "4cc547d4",
    "2746ac01", "30f30fdc", "c7481606", "c6bf5c01",
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

fn run(spec: ActionSpec, memory: &Memory) -> Made {
    inline::run(&spec, memory, &Logs::default()).unwrap_or_else(|problem| panic!("{problem}"))
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

#[test]
fn bytes_change_only_with_the_version() {
    let mut memory = Memory(BTreeMap::new());
    let mut found = Vec::new();
    let mut note = |what: String, made: &Made| {
        let digest = Digest::of(&[made.artifact.as_slice(), made.value.as_slice()].concat());
        found.push((what, digest.short()));
    };

    let format = &autocut::telemetry::FORMATS[0];
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
    let expected: Vec<(String, String)> =
        BYTES.iter().map(|(what, digest)| ((*what).into(), (*digest).into())).collect();
    let lines: Vec<String> = found.iter().map(|(what, digest)| format!("    ({what:?}, {digest:?}),")).collect();
    assert_eq!(found, expected, "found:\n{}\n", lines.join("\n"));
}

/// One spec of each kind.
fn specs() -> Vec<ActionSpec> {
    let digest = Digest::of(b"file");
    let rate = FrameRate::new(30, 1).unwrap();
    let size = Size::new(1280, 720);
    let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
    let format = VideoFormat { size, rate, colour };
    let picture = SourcePicture { stored: size, pixel_aspect: (1, 1), orientation: Orientation::UPRIGHT, colour, rate };
    let pass = AnalysisPass {
        orientation: Orientation::UPRIGHT,
        from: Timestamp::ZERO,
        until: seconds(60),
        rate: FrameRate::new(4, 1).unwrap(),
        width: 320,
    };
    let overlay = OverlaySpec { kind: "Gauge".into(), version: 1, params: "{}".into() };
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
            params: "{}".into(),
        }),
        ActionSpec::CleanTelemetry(CleanSpec { telemetry: digest, gap_ms: 5_000 }),
        ActionSpec::Choose(choose(None)),
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
            music: None,
            ceiling: -100,
            bit_rate: 192_000,
        }),
        ActionSpec::Join(JoinSpec {
            format,
            segments: vec![digest],
            sound: Some(digest),
            container: "mp4".into(),
            chapters: Vec::new(),
            title: None,
        }),
        ActionSpec::Still(StillSpec { file: digest, at: seconds(1), picture, within: Size::new(480, 480) }),
    ]
}

#[test]
fn keys_change_only_on_purpose() {
    let specs = specs();
    let kinds: Vec<&str> = specs.iter().map(|spec| spec.kind().name).collect();
    let table: Vec<&str> = autocut::model::action::KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(kinds, table);
    let keys: Vec<String> = specs.iter().map(|spec| spec.key(&Toolchain::default()).0.short()).collect();
    assert_eq!(keys, KEYS);
}

#[test]
fn every_field_of_a_spec_is_in_its_key() {
    let key = |spec: &ActionSpec| spec.key(&Toolchain::default());
    for spec in specs() {
        // Every leaf of the spec as JSON, changed one at a time.
        let json = serde_json::to_value(&spec).unwrap();
        let mut paths = Vec::new();
        leaves(&json, String::new(), &mut paths);
        let mut changed = 0;
        for path in paths {
            let mut other = json.clone();
            let leaf = other.pointer_mut(&path).unwrap();
            match leaf {
                serde_json::Value::Number(n) => *leaf = (n.as_i64().unwrap() + 1).into(),
                serde_json::Value::Bool(b) => *leaf = (!*b).into(),
                serde_json::Value::String(text) => {
                    *leaf = match text.parse::<Digest>() {
                        Ok(digest) => Digest::of(&digest.0).to_string().into(),
                        Err(_) => format!("{text}x").into(),
                    }
                }
                _ => continue,
            }
            // Some changes make no spec (an unknown variant of an enum).
            if let Ok(other) = serde_json::from_value::<ActionSpec>(other) {
                changed += 1;
                assert_ne!(key(&other), key(&spec), "{path} is not in the key of {}", spec.kind().name);
            }
        }
        assert!(changed > 0, "{}", spec.kind().name);
    }
}

fn leaves(value: &serde_json::Value, path: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, item)| leaves(item, format!("{path}/{index}"), found));
        }
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(name, item)| leaves(item, format!("{path}/{}", name.replace('/', "~1")), found));
        }
        serde_json::Value::Null => {}
        _ => found.push(path),
    }
}
