//! Causes of whole chains of actions, without a store.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::basis::{Basis, Origin};
use super::causes::{Past, Search};
use crate::base::{Digest, FrameRate, Orientation, Size, Timestamp};
use crate::model::footage::{Colour, Matrix};
use crate::model::overlay::{OverlaySpec, SpriteFormat, SpriteRun};
use crate::model::specs::*;
use crate::model::timeline::{Fit, Sampling, SourcePicture, VideoFormat};
use crate::model::toolchain::{Tool, ToolIdentity};
use crate::model::{ActionKey, ActionSpec, Toolchain};

#[derive(Default)]
struct Records(HashMap<ActionKey, Rc<Basis>>);

impl Past for Records {
    fn basis(&self, key: ActionKey) -> Option<Rc<Basis>> {
        self.0.get(&key).cloned()
    }
}

/// One state of a small project: everything that decides what its one clip
/// looks like.
#[derive(Clone)]
struct World {
    footage: &'static str,
    log: &'static str,
    weight: i32,
    length: i64,
    pins: Vec<i64>,
    accent: &'static str,
    overlays: Vec<&'static str>,
    crf: &'static str,
    x264: u32,
    motion: u32,
    music: Option<&'static str>,
    clock: i64,
    fit: Fit,
}

impl Default for World {
    fn default() -> Self {
        World {
            footage: "footage",
            log: "log",
            weight: 400,
            length: 4,
            pins: vec![20],
            accent: "#fff",
            overlays: vec!["speed"],
            crf: "20",
            x264: 164,
            motion: 1,
            music: Some("song"),
            clock: 0,
            fit: Fit::Blur,
        }
    }
}

const CLIP: &str = "reel/front/a@20.0s";

/// Actions of a world as they would be recorded: what each makes is named by
/// its key, so that it changes whenever that does.
struct Recorder<'a> {
    records: &'a mut Records,
    toolchain: Toolchain,
    made: BTreeMap<Digest, Origin>,
    nodes: BTreeMap<String, Rc<Basis>>,
}

impl Recorder<'_> {
    fn file(&mut self, name: &str, content: &str) -> Digest {
        let digest = Digest::of(content.as_bytes());
        self.made.insert(digest, Origin::File(name.to_owned()));
        digest
    }

    fn act(&mut self, node: &str, spec: ActionSpec, rests: &[Digest]) -> Digest {
        let key = spec.key(&self.toolchain);
        let mut basis = Basis::of(&spec, &self.toolchain);
        let origin = |digest: &Digest| Some((*digest, self.made.get(digest)?.clone()));
        basis.origins = spec.inputs().iter().filter_map(origin).collect();
        basis.rests = rests.iter().filter_map(origin).map(|(digest, origin)| (origin, digest)).collect();
        let basis = Rc::new(basis);
        self.records.0.insert(key, basis.clone());
        self.nodes.insert(node.to_owned(), basis);
        let digest = Digest::of(&key.0.0);
        self.made.insert(digest, Origin::Made(node.to_owned(), key));
        digest
    }
}

fn toolchain(x264: u32) -> Toolchain {
    let tool = |name: String| ToolIdentity { identity: Some(Digest::of(name.as_bytes())), name, problem: None };
    let tools = [Tool::Demux, Tool::Decode, Tool::Scale, Tool::Resample, Tool::Aac, Tool::Mux];
    let mut tools: BTreeMap<_, _> = tools.map(|each| (each, tool(format!("lib{each:?}")))).into();
    tools.insert(Tool::H264, tool(format!("libx264 {x264}")));
    Toolchain { tools, ..Toolchain::default() }
}

fn record(world: &World, records: &mut Records) -> BTreeMap<String, Rc<Basis>> {
    let mut to = Recorder { records, toolchain: toolchain(world.x264), made: BTreeMap::new(), nodes: BTreeMap::new() };
    let seconds = Timestamp::from_seconds;
    let rate = FrameRate::per_second(30);
    let size = Size::new(1280, 720);
    let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };

    let footage = to.file("front/a.mp4", world.footage);
    let log = to.file("ride.csv", world.log);
    let import = ImportSpec { file: log, format: "Csv".into(), format_version: 1, params: "{}".into() };
    let raw = to.act("ride.csv/import", ActionSpec::ImportTelemetry(import), &[]);
    let clean = ActionSpec::CleanTelemetry(CleanSpec { telemetry: raw, gap_ms: 5_000 });
    let clean = to.act("ride.csv/clean", clean, &[]);
    let pass =
        AnalysisPass { orientation: Orientation::UPRIGHT, from: seconds(0), until: seconds(60), rate, width: 320 };
    let analyse = AnalyseSpec { file: footage, analysis: "motion".into(), analysis_version: world.motion, pass };
    let motion = to.act("front/a.mp4/motion/0", ActionSpec::Analyse(analyse), &[]);

    let length = seconds(world.length);
    let chapter = ChooseChapter { offset: seconds(0), duration: seconds(60), signals: vec![motion] };
    let choose = ChooseSpec {
        recordings: vec![ChooseRecording {
            name: "front/a".into(),
            utc: Some(world.clock),
            telemetry_start: Some(world.clock),
            drift: 0,
            duration: seconds(60),
            chapters: vec![chapter],
        }],
        telemetry: Some(clean),
        weights: vec![("motion".into(), 200), ("speed".into(), world.weight)],
        length,
        pre_roll: seconds(1),
        total: seconds(300),
        gap: seconds(10),
        step: seconds(1),
        pins: world.pins.iter().map(|at| Pin { recording: "front/a".into(), start: seconds(*at), length }).collect(),
        bans: Vec::new(),
    };
    let choice = to.act("moments/choose", ActionSpec::Choose(choose), &[footage]);

    let frames = 30 * u32::try_from(world.length).unwrap();
    let mut packs = Vec::new();
    let mut sprites = Vec::new();
    for name in &world.overlays {
        let params = format!(r#"{{"accent":"{}","name":"{name}"}}"#, world.accent);
        let overlay = OverlaySpec { kind: "Gauge".into(), version: 1, params };
        let show = ShowSpec {
            overlay: overlay.clone(),
            telemetry: Some(clean),
            start: Some(world.clock + 20),
            utc: Some(world.clock + 20),
            frames,
            rate,
            frame: size,
            clip: None,
        };
        let shown = to.act(&format!("{CLIP}/{name}/0/show"), ActionSpec::Show(show), &[choice]);
        let format = SpriteFormat { frame: size, matrix: Matrix::Bt709, full_range: false };
        let pack = to.act(&format!("{CLIP}/{name}/0/draw"), ActionSpec::Draw(DrawSpec { overlay, shown, format }), &[]);
        packs.push(pack);
        let run = |first| SpriteRun { first, count: 1, sprite: Digest::of(&pack.0), x: 0, y: 0 };
        sprites.push((0..frames).map(run).collect());
    }
    let picture = SourcePicture { stored: size, pixel_aspect: (1, 1), orientation: Orientation::UPRIGHT, colour, rate };
    let segment = SegmentSpec {
        sources: vec![SourceRun { file: footage, start: seconds(20), frames, picture, fit: world.fit }],
        format: VideoFormat { size, rate, colour, sampling: Sampling::default() },
        encoder: VideoEncoder {
            name: "libx264".into(),
            options: vec![("preset".into(), "fast".into()), ("crf".into(), world.crf.into())],
            threads: 1,
        },
        overlays: sprites,
    };
    let rests: Vec<Digest> = packs.into_iter().chain([choice]).collect();
    let segment = to.act(&format!("{CLIP}/segment/0"), ActionSpec::Segment(segment), &rests);
    let samples = u64::from(frames) * 1_600;
    let run = SoundRun { file: footage, start: seconds(20), samples };
    let sound = SoundSpec { runs: vec![run], sample_rate: 48_000, channels: 2 };
    let sound = to.act(&format!("{CLIP}/sound"), ActionSpec::Sound(sound), &[choice]);
    let music = world.music.map(|content| MixMusic {
        file: to.file("song.mp3", content),
        start: seconds(0),
        gain: -1_200,
        fade_in: 0,
        fade_out: 0,
        repeat: true,
    });
    let mix = MixSpec {
        sample_rate: 48_000,
        channels: 2,
        samples,
        clips: vec![MixClip { sound: Some(sound), at: 0, samples, gain: 0, fade: 960 }],
        music,
        ceiling: -100,
        encoder: AudioEncoder {
            name: "aac".into(),
            options: vec![("aac_coder".into(), "twoloop".into())],
            bit_rate: 192_000,
        },
    };
    let mix = to.act("reel/out/reel.mp4/mix", ActionSpec::Mix(mix), &[choice]);
    let join = JoinSpec {
        format: VideoFormat { size, rate, colour, sampling: Sampling::default() },
        segments: vec![segment],
        sound: Some(mix),
        container: "mp4".into(),
        chapters: Vec::new(),
        title: None,
        date: None,
        location: None,
    };
    to.act("reel/out/reel.mp4", ActionSpec::Join(join), &[choice]);
    to.nodes
}

/// What `explain` tells of a node after an edit of the usual world.
fn told(node: &str, edit: impl FnOnce(&mut World)) -> Vec<String> {
    let mut records = Records::default();
    let before = record(&World::default(), &mut records);
    let mut world = World::default();
    edit(&mut world);
    let after = record(&world, &mut records);
    Search::new(&records).compare(node, &before[node], &after[node]).told().to_vec()
}

const JOIN: &str = "reel/out/reel.mp4";
const SEGMENT: &str = "reel/front/a@20.0s/segment/0";

#[test]
fn nothing_differs_from_itself() {
    for node in record(&World::default(), &mut Records::default()).keys() {
        assert_eq!(told(node, |_| {}), [""; 0], "{node}");
    }
}

#[test]
fn a_join_tells_what_someone_changed_and_nothing_in_between() {
    type Case<'a> = (fn(&mut World), &'a [&'a str]);
    let cases: Vec<Case<'_>> = vec![
        (|w| w.footage = "other", &["footage front/a.mp4: content changed"]),
        (|w| w.log = "other", &["telemetry ride.csv: content changed"]),
        (
            |w| w.length = 5,
            &["moments: length 00:04.000 -> 00:05.000", "moments: pin front/a@00:20.000 another length"],
        ),
        (|w| w.accent = "#ff0", &["overlay speed: accent #fff -> #ff0"]),
        (|w| w.crf = "22", &["output reel: crf 20 -> 22"]),
        (|w| w.x264 = 165, &["toolchain: libx264 164 -> libx264 165"]),
        (|w| w.music = Some("other"), &["music song.mp3: content changed"]),
        (|w| w.music = None, &["music removed"]),
        (|w| w.clock = 1_500_000_000, &["footage front: clock moved by +00:01.500"]),
        (|w| w.fit = Fit::Fill, &["footage front: fit Blur -> Fill"]),
    ];
    for (edit, expected) in cases {
        assert_eq!(told(JOIN, edit), expected);
    }
}

/// What changes the choice and not what is chosen ends there.
#[test]
fn a_choice_tells_its_weights_and_its_signals() {
    type Case<'a> = (fn(&mut World), &'a str);
    let cases: Vec<Case<'_>> = vec![
        (|w| w.pins.push(40), "moments: pin front/a@00:40.000 added"),
        (|w| w.pins.clear(), "moments: pin front/a@00:20.000 removed"),
        (|w| w.weight = 500, "moments: weights.speed 0.4 -> 0.5"),
        (|w| w.motion = 2, "analysis motion: version 1 -> 2"),
        (|w| w.log = "other", "telemetry ride.csv: content changed"),
        (|w| w.footage = "other", "footage front/a.mp4: content changed"),
    ];
    for (edit, expected) in cases {
        assert_eq!(told("moments/choose", edit), [expected]);
    }
    assert_eq!(told(JOIN, |w| w.weight = 500), [""; 0]);
}

#[test]
fn a_segment_tells_only_what_it_shows() {
    assert_eq!(told(SEGMENT, |w| w.accent = "#ff0"), ["overlay speed: accent #fff -> #ff0"]);
    assert_eq!(told(SEGMENT, |w| w.log = "other"), ["telemetry ride.csv: content changed"]);
    assert_eq!(told(SEGMENT, |w| w.overlays.push("map")), ["overlay map: added"]);
    assert_eq!(told(SEGMENT, |w| w.overlays.clear()), ["overlay speed: removed"]);
    // The choice has another key too, but this segment shows the same frames.
    let both = |w: &mut World| {
        w.crf = "22";
        w.weight = 500;
        w.overlays.clear();
    };
    let usual = |w: &mut World| w.overlays.clear();
    let mut records = Records::default();
    let (mut before, mut after) = (World::default(), World::default());
    usual(&mut before);
    both(&mut after);
    let (before, after) = (record(&before, &mut records), record(&after, &mut records));
    let causes = Search::new(&records).compare(SEGMENT, &before[SEGMENT], &after[SEGMENT]);
    assert_eq!(causes.told(), ["output reel: crf 20 -> 22"]);
}

#[test]
fn several_edits_are_told_once_each() {
    let told = told(JOIN, |w| {
        w.accent = "#ff0";
        w.log = "other";
        w.overlays.push("map");
    });
    assert!(told.contains(&"overlay speed: accent #fff -> #ff0".to_owned()), "{told:?}");
    assert!(told.contains(&"telemetry ride.csv: content changed".to_owned()), "{told:?}");
    let mut unique = told.clone();
    unique.dedup();
    assert_eq!(told, unique);
}

/// Records that gc removed, and results that nothing explains.
#[test]
fn what_is_not_known_any_more_is_said() {
    let mut records = Records::default();
    let before = record(&World::default(), &mut records);
    let after = record(&World { log: "other", ..World::default() }, &mut records);
    records.0.retain(|_, basis| basis.field("kind") != Some(&"show".into()));
    let causes = Search::new(&records).compare(SEGMENT, &before[SEGMENT], &after[SEGMENT]);
    let node = "reel/front/a@20.0s/speed/0/show";
    assert_eq!(causes.told(), [format!("{node}: changed; how it was before is not in the store any more")]);
}
