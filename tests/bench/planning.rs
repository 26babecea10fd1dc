//! Planning at scale: a project whose actions are never run, only answered.
//!
//! The reel's clips lie in one recording, each with a text overlay, and each is
//! a file of its own beside: six actions a clip (show, draw, segment, sound,
//! and the file's mix and join).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use autocut::base::{Digest, Timestamp, UtcTime};
use autocut::exec::survey::Survey;
use autocut::graph::{Database, FileInput, FileState, Project, outputs};
use autocut::manifest::{self, Manifest};
use autocut::model::moment::Chosen;
use autocut::model::overlay::{Drawn, SpriteRun};
use autocut::model::{ActionKey, ActionResult, ActionSpec, Artifact, Moment, Toolchain, encode};

use super::fake;

/// What planning a project of `clips` clips takes.
pub(crate) struct Planning {
    pub(crate) actions: usize,
    /// A build that begins with nothing: all evaluations together, and how many.
    pub(crate) cold: Duration,
    pub(crate) rounds: usize,
    /// Another process that finds everything done.
    pub(crate) nothing: Duration,
    /// After one edit, in the process that planned before.
    pub(crate) edits: Vec<(&'static str, Duration)>,
}

pub(crate) fn measure(clips: usize) -> Planning {
    let mut bench = Bench::new(clips, HashMap::new());
    let (cold, rounds) = bench.build(clips / 20);
    let actions = bench.known.len();

    let mut again = Bench::new(clips, bench.known.clone());
    drop(bench);
    let started = cpu_time();
    assert_eq!(again.round(usize::MAX), 0, "everything is known");
    let nothing = cpu_time() - started;

    let mut edits = Vec::new();
    // For a profiler: `PLANNING_TURNS=100 PLANNING_EDIT="one clip pinned"`.
    let turns = std::env::var("PLANNING_TURNS").ok().and_then(|turns| turns.parse().ok()).unwrap_or(7);
    let only = std::env::var("PLANNING_EDIT").ok();
    let mut edit = |name: &'static str, change: &dyn Fn(usize) -> String| {
        if only.as_deref().is_some_and(|only| only != name) {
            return;
        }
        let mut times: Vec<Duration> = (0..turns).map(|turn| again.edit(&change(turn))).collect();
        times.sort();
        edits.push((name, times[times.len() / 2]));
    };
    edit("a comment", &|turn| text("", "", "ride") + &"\n// more".repeat(turn % 9));
    edit("one clip pinned", &|turn| text(&format!("\"front/a@{}.3s\"", (turn % 90) * 100 + 50), "", "ride"));
    edit("an output's title", &|turn| text("", &format!(", title: \"Day {turn}\""), "ride"));
    edit("an overlay that all clips show", &|turn| text("", "", &format!("ride {turn}")));
    Planning { actions, cold, rounds, nothing, edits }
}

/// Processor time of this thread: planning uses one, and the machine may be
/// shared.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn text(pins: &str, reel: &str, overlay: &str) -> String {
    format!(
        "Project(version: 1, footage: {{\"front\": \"footage/*.mp4\"}}, \
         moments: Moments(length: \"1s\", weights: {{}}, pins: [{pins}]), \
         overlays: {{\"title\": Text(text: \"{overlay} {{clock}}\")}}, \
         outputs: {{\"reel\": Reel(file: \"out/reel.mp4\"{reel}), \
         \"clips\": Clips(folder: \"out/clips\", overlays: [])}})"
    )
}

fn load(text: &str) -> Manifest {
    let kinds = autocut::exec::workspace::kinds();
    let (manifest, problems) = manifest::load(Path::new("autocut.ron"), text, &kinds.as_kinds());
    manifest.unwrap_or_else(|| panic!("{problems:?}"))
}

type Known = HashMap<ActionKey, ActionResult>;

struct Bench {
    clips: usize,
    db: Database,
    project: Project,
    file: FileInput,
    known: Known,
}

impl Bench {
    fn new(clips: usize, known: Known) -> Self {
        let manifest = load(&text("", "", "ride"));
        let remembered = Arc::new(known.clone());
        let mut db = Database::new(Toolchain::default(), Arc::new(move |key| remembered.get(&key).cloned()), None);
        let file = FileInput::new(&db, "footage/a.mp4".to_owned(), FileState::Known(Digest::of(b"a")));
        let project = db.set_project(manifest, vec![vec![file]], Vec::new());
        Bench { clips, db, project, file, known }
    }

    /// Plans again after an edit, until all that it asks for is answered. The
    /// longest that one round took: so long does nothing start.
    fn edit(&mut self, text: &str) -> Duration {
        let manifest = load(text);
        let started = cpu_time();
        self.project = self.db.set_project(manifest, vec![vec![self.file]], Vec::new());
        let mut longest = cpu_time() - started;
        loop {
            let started = cpu_time();
            let (pending, answering) = self.answer(usize::MAX);
            longest = longest.max(cpu_time() - started - answering);
            if pending == 0 {
                return longest;
            }
        }
    }

    /// Runs rounds, each answering at most `batch` actions, until nothing is
    /// pending; the time that planning took, and the rounds.
    fn build(&mut self, batch: usize) -> (Duration, usize) {
        let started = cpu_time();
        let mut answering = Duration::ZERO;
        let mut rounds = 0;
        loop {
            rounds += 1;
            let (pending, took) = self.answer(batch);
            answering += took;
            if pending == 0 {
                return (cpu_time() - started - answering, rounds);
            }
        }
    }

    fn round(&mut self, batch: usize) -> usize {
        self.answer(batch).0
    }

    /// One round: plans, and answers what is pending. How much that was, and
    /// how long finding the answers took.
    fn answer(&mut self, batch: usize) -> (usize, Duration) {
        let planned = outputs::outputs(&self.db, self.project, &[]);
        let survey = Survey::of(&planned.needs);
        assert!(survey.problems.is_empty(), "{:?}", survey.problems);
        let started = cpu_time();
        let answers: Vec<_> = survey.pending.iter().take(batch).map(|a| (a.key, self.fake(&a.key, &a.spec))).collect();
        for (key, result) in &answers {
            self.known.insert(*key, result.clone());
        }
        let took = cpu_time() - started;
        for (key, result) in answers {
            self.db.set_outcome(key, Some(Arc::new(result)));
        }
        (survey.pending.len(), took)
    }

    /// What an action could have given.
    fn fake(&mut self, key: &ActionKey, spec: &ActionSpec) -> ActionResult {
        let value = match spec {
            ActionSpec::Probe(_) => encode(&fake::info(self.clips as i64 * 2 + 2, UtcTime(1_717_236_000_000_000_000))),
            // Every two seconds, but for what is pinned.
            ActionSpec::Choose(spec) => {
                let moment = |start: Timestamp, pinned| Moment {
                    recording: "front/a".to_owned(),
                    start,
                    length: Timestamp::from_seconds(1),
                    pinned,
                };
                let pins = || spec.pins.iter().map(|pin| moment(pin.start, true));
                let chosen = (0..self.clips as i64).map(|clip| moment(Timestamp::from_seconds(clip * 2), false));
                let free = chosen.filter(|chosen| pins().all(|pin| !pin.range().overlaps(chosen.range())));
                let mut moments: Vec<Moment> = free.chain(pins()).collect();
                moments.sort_by_key(|moment| moment.start);
                encode(&Chosen { moments })
            }
            ActionSpec::Draw(_) => {
                let run = SpriteRun { first: 0, count: 30, sprite: key.0, x: 16, y: 16 };
                encode(&Drawn { layers: vec![vec![run]] })
            }
            _ => Vec::new(),
        };
        let artifact = Artifact { digest: Digest::of(&key.0.0), bytes: 1_000 };
        ActionResult { artifacts: vec![artifact; spec.kind().artifacts], value, warnings: Vec::new() }
    }
}
