//! A project that is planned and never made: its actions are answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use autocut::base::{Digest, FrameRate, Orientation, Size, Timestamp, Unit, UtcTime};
use autocut::exec::survey::Survey;
use autocut::graph::{Database, FileInput, FileState, Project, outputs};
use autocut::manifest::{self, Manifest};
use autocut::model::footage::{Colour, Matrix};
use autocut::model::moment::Chosen;
use autocut::model::overlay::{Drawn, SpriteRun};
use autocut::model::specs::{ChooseSpec, ShowSpec};
use autocut::model::telemetry::{ChannelSummary, LogClock, TelemetrySummary};
use autocut::model::{
    ActionKey, ActionResult, ActionSpec, Artifact, AudioInfo, MediaInfo, Moment, PlannedAction, Toolchain, VideoInfo,
    encode,
};

/// The moments last a second, one every two seconds of the footage.
const MANIFEST: &str = r##"Project(
    version: 1,
    footage: {"front": Footage(files: ["a.mp4", "b.mp4"])},
    telemetry: Csv(file: "ride.csv"),
    music: "one.wav",
    moments: Moments(length: "1s", weights: {"motion": 1}, pins: []),
    overlays: {
        "speed": Gauge(channel: "speed", min: 0, max: 100, accent: "#ffb020"),
        "title": Text(text: "Ride"),
    },
    outputs: {
        "reel": Reel(file: "out/reel.mp4"),
        "clips": Clips(folder: "out/clips", overlays: ["title"]),
    },
)"##;

/// Seconds of each recording, and so many clips twice over.
const A: i64 = 400;
pub(crate) const B: i64 = 200;
/// Clips of an output.
pub(crate) const ALL: usize = (A + B) as usize / 2;

/// When a starts, in ns. b starts when a ends.
const START: i64 = 1_717_236_000_000_000_000;

const SECOND: i64 = 1_000_000_000;

/// What a query is called, with each of its inputs for which it ran.
type Log = BTreeMap<String, BTreeSet<String>>;

/// A project that is planned again and again.
pub(crate) struct Plan {
    text: String,
    pub(crate) files: Vec<FileInput>,
    pub(crate) log: FileInput,
    songs: HashMap<&'static str, FileInput>,
    db: Database,
    project: Project,
    pub(crate) known: Known,
    /// Runs of moments that are laid out together.
    pub(crate) runs: usize,
    ran: Arc<Mutex<Log>>,
}

/// Results, each with the name of its kind.
pub(crate) type Known = HashMap<ActionKey, (&'static str, ActionResult)>;

/// What planning until nothing is left to do came to.
pub(crate) struct Planned {
    queries: Log,
    /// Nodes by kind.
    pub(crate) actions: BTreeMap<&'static str, BTreeSet<String>>,
}

fn load(text: &str) -> Manifest {
    let kinds = autocut::exec::workspace::kinds();
    let (manifest, problems) = manifest::load(Path::new("autocut.ron"), text, &kinds.as_kinds());
    manifest.unwrap_or_else(|| panic!("{problems:?}"))
}

/// Content of a file, called by a name; what follows a `:` makes no difference to
/// the eye.
fn content(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

impl Plan {
    /// A plan for which `known` is known already, and nothing else.
    pub(crate) fn new(toolchain: Toolchain, known: Known) -> Plan {
        let ran: Arc<Mutex<Log>> = Arc::default();
        let told = Arc::clone(&ran);
        let log = move |query: String| {
            let (name, id) = query.split_once('(').unwrap();
            told.lock().unwrap().entry(name.to_owned()).or_default().insert(id.to_owned());
        };
        let remembered = known.clone();
        let mut db = Database::new(
            toolchain,
            Arc::new(move |key| remembered.get(&key).map(|(_, result)| result.clone())),
            Some(Box::new(log)),
        );
        let mut add = |name: &str| db.add_file(name.to_owned(), FileState::Known(content(name)));
        let files = vec![add("a.mp4"), add("b.mp4")];
        let log = add("ride.csv");
        let songs: HashMap<_, _> = ["one.wav", "two.wav"].map(|name| (name, add(name))).into();
        let materials = vec![log, songs["one.wav"]];
        let project = db.set_project(load(MANIFEST), vec![files.clone()], materials);
        Plan { text: MANIFEST.to_owned(), files, log, songs, db, project, known, runs: 0, ran }
    }

    /// The project with everything done.
    pub(crate) fn done() -> Plan {
        let mut plan = Plan::new(Toolchain::default(), HashMap::new());
        let planned = plan.act();
        assert_eq!(planned.count("rendered"), 2 * ALL);
        plan.runs = planned.count("laid_out");
        assert!(plan.runs > 1);
        planned.assert_acted([
            ("probe", 2),
            ("telemetry.import", 1),
            ("telemetry.clean", 1),
            ("analyse", 2),
            ("choose", 1),
            // The title is the same in all clips.
            ("show", ALL + 1),
            ("draw", ALL + 1),
            ("segment", 2 * ALL),
            ("sound", ALL),
            ("mix", 1 + ALL),
            ("join", 1 + ALL),
        ]);
        plan
    }

    /// Edits the manifest; then plans, and does what is to be done.
    pub(crate) fn edit(&mut self, from: &str, to: &str) -> Planned {
        assert!(self.text.contains(from), "{from}");
        self.text = self.text.replace(from, to);
        self.set();
        self.act()
    }

    pub(crate) fn set(&mut self) {
        let manifest = load(&self.text);
        let song = manifest.music.as_ref().unwrap().file.clone();
        let materials = vec![self.log, self.songs[song.as_str()]];
        self.project = self.db.set_project(manifest, vec![self.files.clone()], materials);
    }

    /// Other content in a file; then plans, and does what is to be done.
    pub(crate) fn replace(&mut self, file: FileInput, name: &str) -> Planned {
        self.db.set_file(file, FileState::Known(content(name)));
        self.act()
    }

    pub(crate) fn act(&mut self) -> Planned {
        self.ran.lock().unwrap().clear();
        let mut actions: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        // Far more rounds than anything here takes.
        for _ in 0..50 {
            let planned = outputs::outputs(&self.db, self.project, &[]);
            let survey = Survey::of(&planned.needs);
            assert!(survey.problems.is_empty() && survey.unhashed.is_empty(), "{:?}", survey.problems);
            for action in &survey.pending {
                actions.entry(action.spec.kind().name).or_default().insert(action.node.clone());
                let result = self.answer(action);
                self.known.insert(action.key, (action.spec.kind().name, result.clone()));
                self.db.set_outcome(action.key, Some(Arc::new(result)));
            }
            if survey.pending.is_empty() {
                return Planned { queries: self.ran.lock().unwrap().clone(), actions };
            }
        }
        panic!("what was answered is asked for again and again");
    }

    /// What an action could have made.
    fn answer(&self, action: &PlannedAction) -> ActionResult {
        let (made, value) = match &action.spec {
            ActionSpec::Probe(spec) => {
                let of_a = self.files[0].state(&self.db).digest() == Some(spec.file);
                (Vec::new(), encode(&if of_a { info(A, START) } else { info(B, START + A * SECOND) }))
            }
            // The same is seen in every file of a name.
            ActionSpec::Analyse(spec) => (encode(&spec.pass), Vec::new()),
            ActionSpec::ImportTelemetry(spec) => (encode(&spec.file), encode(&summary())),
            ActionSpec::CleanTelemetry(spec) => (encode(&spec.telemetry), encode(&summary())),
            ActionSpec::Choose(spec) => (encode(spec), encode(&choose(spec))),
            ActionSpec::Show(spec) => (shown(spec), Vec::new()),
            ActionSpec::Draw(spec) => {
                let run = SpriteRun { first: 0, count: 30, sprite: spec.shown, x: 0, y: 0 };
                (encode(spec), encode(&Drawn { layers: vec![vec![run]] }))
            }
            // By the specification alone: another tool makes the same.
            spec => (encode(spec), Vec::new()),
        };
        let artifact = Artifact { digest: Digest::of(&made), bytes: made.len() as u64 };
        ActionResult { artifacts: vec![artifact; action.spec.kind().artifacts], value, warnings: Vec::new() }
    }
}

/// Every two seconds a second, and what is pinned.
fn choose(spec: &ChooseSpec) -> Chosen {
    let mut moments = Vec::new();
    for recording in &spec.recordings {
        let moment = |start, pinned| Moment {
            recording: recording.name.clone(),
            start,
            length: Timestamp::from_seconds(1),
            pinned,
        };
        let pins = spec.pins.iter().filter(|pin| pin.recording == recording.name);
        let pins: Vec<Moment> = pins.map(|pin| moment(pin.start, true)).collect();
        let seconds = recording.duration.to_millis() / 1_000;
        let chosen = (0..seconds).step_by(2).map(|second| moment(Timestamp::from_seconds(second), false));
        let free = chosen.filter(|chosen| pins.iter().all(|pin| !pin.range().overlaps(chosen.range())));
        let mut all: Vec<Moment> = free.chain(pins.iter().cloned()).collect();
        all.sort_by_key(|moment| moment.start);
        moments.extend(all);
    }
    Chosen { moments }
}

/// What is seen of a log: when, and which of two rows, of 10 and of 11 s, it has.
fn shown(spec: &ShowSpec) -> Vec<u8> {
    let clean = |name: &str| Digest::of(&encode(&Digest::of(&encode(&content(name)))));
    let row = |second: i64| START + second * SECOND;
    let rows = [("inside.csv", row(10)), ("outside.csv", row(11))];
    let end = spec.start.unwrap_or(0) + SECOND;
    let seen = rows.iter().find(|(name, at)| {
        spec.telemetry == Some(clean(name)) && spec.start.is_some_and(|start| (start..end).contains(at))
    });
    encode(&(&spec.overlay, spec.frames, spec.start, seen.map(|(_, at)| *at)))
}

fn summary() -> TelemetrySummary {
    let unit = Unit::parse("m/s").unwrap();
    let speed =
        ChannelSummary { name: "speed".to_owned(), unit, derived: false, count: 600, min: 0, max: 1, low: 0, high: 1 };
    let (first, last) = (START, START + (A + B) * SECOND);
    TelemetrySummary {
        clock: LogClock::Utc,
        samples: 600,
        first,
        last,
        channels: vec![speed],
        ..TelemetrySummary::default()
    }
}

fn info(seconds: i64, created: i64) -> MediaInfo {
    let rate = FrameRate::new(30, 1).unwrap();
    let duration = Timestamp::from_seconds(seconds);
    let video = VideoInfo {
        stream: 0,
        codec: "h264".to_owned(),
        stored: Size::new(1920, 1080),
        pixel_aspect: (1, 1),
        orientation: Orientation::UPRIGHT,
        rate,
        average_rate: rate,
        variable_rate: false,
        frames: 0,
        duration,
        profile: None,
        first: Timestamp::ZERO,
        top_field_first: None,
        pixel_format: "yuv420p".to_owned(),
        bit_depth: 8,
        colour: Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 },
        chunks: vec![Timestamp::ZERO],
    };
    let audio = AudioInfo {
        stream: 1,
        codec: "aac".to_owned(),
        sample_rate: 48_000,
        channels: 2,
        start: Timestamp::ZERO,
        duration,
    };
    let created = Some(UtcTime(created));
    MediaInfo {
        container: "mov".to_owned(),
        video: Some(video),
        audio: Some(audio),
        created,
        device: None,
        recording_ids: Vec::new(),
        timecode: None,
        tracks: Vec::new(),
    }
}

impl Planned {
    /// Asserts that just these queries ran, each for so many inputs. Where a film
    /// is cut into runs of clips follows from their numbers in the database, so how
    /// many of those there are is not asked.
    #[track_caller]
    pub(crate) fn assert_ran<const N: usize>(&self, expected: [(&str, usize); N]) -> &Self {
        let ran = self.queries.iter().map(|(name, of)| (name.as_str(), of.len()));
        let ran: BTreeMap<&str, usize> = ran.filter(|(name, _)| *name != "rendered_run").collect();
        assert_eq!(ran, BTreeMap::from(expected));
        self
    }

    #[track_caller]
    pub(crate) fn assert_not_run<const N: usize>(&self, names: [&str; N]) -> &Self {
        let ran: Vec<&str> = names.into_iter().filter(|name| self.queries.contains_key(*name)).collect();
        assert!(ran.is_empty(), "{ran:?} of {:?}", self.queries.keys());
        self
    }

    /// For how many inputs a query ran.
    pub(crate) fn count(&self, query: &str) -> usize {
        self.queries.get(query).map_or(0, BTreeSet::len)
    }

    /// Asserts that just these kinds of actions were asked for, so many times each.
    #[track_caller]
    pub(crate) fn assert_acted<const N: usize>(&self, expected: [(&'static str, usize); N]) -> &Self {
        let acted: BTreeMap<_, _> = self.actions.iter().map(|(kind, nodes)| (*kind, nodes.len())).collect();
        assert_eq!(acted, BTreeMap::from(expected));
        self
    }
}
