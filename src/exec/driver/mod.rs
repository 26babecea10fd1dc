//! The driver: evaluates the plan, starts what can start, takes in what comes
//! back, and evaluates again when workers would run dry or a second has passed.
//!
//! There is no phase barrier: a clip encodes while another file is still being
//! analysed. A failure lives here and never in the plan, so that another try
//! needs no restart.

mod agenda;
mod close;
mod contents;
mod dispatch;
mod edits;
mod handout;
mod outputs;
mod reports;
mod submit;
mod trouble;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::agenda::Agenda;
use self::contents::Contents;
pub use self::edits::{Edits, NoEdits};
use self::handout::Ahead;
use self::outputs::Outputs;
use crate::base::{Diagnostic, Diagnostics, Tier};
use crate::exec::admission::Admission;
use crate::exec::decoding::{DecodeBy, Decoding};
use crate::exec::demand;
use crate::exec::estimates::Estimates;
use crate::exec::event::{ActionState, Event, Listener, Subject};
use crate::exec::failure::Notebook;
use crate::exec::goal::{Goal, Options, Summary, evaluate};
use crate::exec::history::History;
use crate::exec::pool::Pool;
use crate::exec::queue::Position;
use crate::exec::remote::Exchange;
use crate::exec::survey::Known;
use crate::exec::task::Place;
use crate::exec::workspace::{Purpose, Workspace};
use crate::graph::{FileInput, FileState, ahead};
use crate::inputs::machine::Pressure;
use crate::inputs::{RealSystem, Remembered};
use crate::model::{ActionKey, ActionResult, PlannedAction, Runs};
use crate::store::ActionRecord;

/// The plan is evaluated again at least this often while results come in.
const REPLAN: Duration = Duration::from_secs(1);

/// The store is told of results at least this often: so much is made again after
/// a power cut.
const REMEMBER: Duration = Duration::from_millis(100);

/// More threads than this would plan no quicker: they wait for each other's
/// locks.
const PLANNERS: usize = 4;

/// How long the driver waits for reports before it looks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

pub struct Driver<'a> {
    workspace: &'a mut Workspace,
    listener: &'a dyn Listener,
    options: Options,
    interrupted: &'a AtomicBool,
    pool: Pool,
    exchange: Exchange,
    /// The shared store said something that the plan has not been told of yet.
    answered: bool,
    agenda: Agenda,
    contents: Contents,
    outputs: Outputs,
    /// Where the decoder of each slot stands; none for a slot that is busy.
    idle: BTreeMap<usize, Position>,
    /// A slot for work in this process alone, beside the others: an edit while
    /// all of them encode what may be unwanted now is planned at once.
    lane: Option<usize>,
    admission: Admission,
    decoding: Decoding,
    ahead: Ahead,
    estimates: Estimates,
    notebook: Notebook,
    /// An output goes on with another encoder: the plan is another.
    stepped_down: bool,
    /// When the store was told last.
    remembered: Instant,
    /// What it has not been told of yet.
    unrecorded: Vec<ActionRecord>,
    adopted: Vec<ActionRecord>,
    hashed: Vec<(String, Remembered)>,
    /// Results that the plan has not been told of yet.
    fresh: Vec<(ActionKey, Option<Arc<ActionResult>>)>,
    fresh_files: Vec<(FileInput, FileState)>,
    /// What the plans of this database found done.
    known: Known,
    /// How much of that was known when this build began: actions and frames.
    before: (usize, u64),
    /// Outputs that cannot be written, should that be necessary.
    unwritable: Vec<Diagnostic>,
    /// Files that this build leaves out, as they were known before.
    left_out: Vec<(FileInput, FileState)>,
    /// Something was planned with this database.
    planned: bool,
    /// How many actions the last finished plan has.
    live: usize,
    /// An action has to be planned again.
    again: bool,
    warned: HashSet<String>,
    summary: Summary,
    history: History,
    phase: Phase,
    /// Something was edited, and what it leaves unwanted still runs.
    edited: bool,
    /// How many edits were taken in.
    edits: u64,
}

/// What may still be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Going,
    /// Something failed without `keep_going`: only what looks at footage, so
    /// that every bad file is named at once.
    Failing,
    Stopping,
}

impl<'a> Driver<'a> {
    pub fn new(
        workspace: &'a mut Workspace,
        listener: &'a dyn Listener,
        options: Options,
        interrupted: &'a AtomicBool,
    ) -> Self {
        let jobs = options.jobs.max(1);
        let place = Place {
            store: workspace.store.clone(),
            root: workspace.root.clone(),
            force: options.force,
            deadline: workspace.settings.deadline,
            memory: workspace.settings.memory.value,
        };
        let pool = Pool::new(jobs, workspace.program.clone(), place.clone());
        let exchange = Exchange::new(place, pool.reporter());
        let admission = Admission::new(demand::capacity(jobs, workspace.settings.memory.value));
        let notebook = match options.apart {
            true => Notebook::without_pages(),
            false => Notebook::new(workspace.store.clone()),
        };
        // Only what runs at once depends on it: a store that cannot say is no error.
        let learned = workspace.store.estimates().ok().flatten();
        let estimates = learned.map_or_else(Estimates::default, |bytes| Estimates::from_bytes(&bytes));
        Driver {
            workspace,
            listener,
            options,
            interrupted,
            pool,
            exchange,
            answered: false,
            agenda: Agenda::default(),
            contents: Contents::default(),
            outputs: Outputs::default(),
            idle: (0..jobs).map(|slot| (slot, None)).collect(),
            lane: None,
            admission,
            decoding: Decoding::default(),
            ahead: Ahead::default(),
            estimates,
            notebook,
            stepped_down: false,
            remembered: Instant::now(),
            unrecorded: Vec::new(),
            adopted: Vec::new(),
            hashed: Vec::new(),
            fresh: Vec::new(),
            fresh_files: Vec::new(),
            known: Known::default(),
            before: (0, 0),
            live: 0,
            planned: false,
            left_out: Vec::new(),
            unwritable: Vec::new(),
            again: false,
            warned: HashSet::new(),
            summary: Summary::default(),
            history: History::begin(),
            phase: Phase::Going,
            edited: false,
            edits: 0,
        }
    }

    /// A driver for several builds, with edits between them and meanwhile.
    pub fn watching(
        workspace: &'a mut Workspace,
        listener: &'a dyn Listener,
        options: Options,
        interrupted: &'a AtomicBool,
    ) -> Self {
        let mut driver = Self::new(workspace, listener, options, interrupted);
        let lane = driver.pool.add_slot();
        driver.lane = Some(lane);
        driver.idle.insert(lane, None);
        driver
    }

    pub fn workspace(&mut self) -> &mut Workspace {
        self.workspace
    }

    /// Brings a goal up to date.
    pub fn run(mut self, goal: &Goal) -> Summary {
        self.build(goal, &mut NoEdits)
    }

    /// Brings a goal up to date, as it is after all edits that come meanwhile.
    pub fn build(&mut self, goal: &Goal, edits: &mut dyn Edits) -> Summary {
        let started = Instant::now();
        self.begin();
        self.look_ahead(goal);
        let planning = Instant::now();
        if let Goal::Outputs(targets) = goal
            && !self.planned
        {
            let threads = self.options.jobs.min(PLANNERS);
            ahead::plan(&self.workspace.db, self.workspace.project, targets, threads);
            self.planned = true;
        }
        self.summary.planning += planning.elapsed();
        // It ends: an action that is done is not pending any more, one that fails
        // is not tried for ever, and a result that turns out to be lost counts
        // as a failure of its action.
        loop {
            self.heed_interruption();
            let planning = Instant::now();
            self.tell_plan();
            self.again = false;
            let (needs, complete) = evaluate(self.workspace, goal);
            self.submit(&needs, complete);
            self.listener.event(&Event::Evaluated { elapsed: planning.elapsed() });
            self.dispatch();
            self.summary.planning += planning.elapsed();
            if self.is_quiet() && self.nothing_is_new() {
                self.restore_outputs(&needs);
                self.dispatch();
                if self.is_quiet() && self.nothing_is_new() {
                    self.remember();
                    self.finish(goal, &needs, complete);
                    if complete && matches!(goal, Goal::Outputs(_)) {
                        self.renew_lock();
                    }
                    break;
                }
            }
            if !self.is_quiet() {
                self.work(edits);
            }
        }
        self.part();
        self.summary.elapsed = started.elapsed();
        let history = std::mem::replace(&mut self.history, History::begin());
        if let Err(problem) = history.close(goal, &self.summary, &self.workspace.store) {
            self.listener.event(&Event::Warning(&Diagnostic { tier: Tier::Warning, ..problem }));
        }
        self.listener.event(&Event::Finished(&self.summary));
        std::mem::take(&mut self.summary)
    }

    /// Forgets what concerned the build before.
    fn begin(&mut self) {
        self.summary = Summary::default();
        self.history = History::begin();
        self.exchange.begin(self.workspace.shared.clone());
        self.outputs = Outputs::default();
        self.warned.clear();
        self.agenda.retain(&|_| false);
        self.contents.abandon();
        self.readmit_files();
        self.before = (self.known.actions(), self.known.frames());
        // A rebuild is the proof of what was made, by devices too.
        let may_offload = !self.options.apart && !self.workspace.is_reproducible();
        let wanted = if may_offload { self.workspace.settings.decode.value } else { DecodeBy::Software };
        self.decoding = Decoding::new(wanted, &self.workspace.toolchain);
        // What an encoder failed at in another build it may do in this one.
        let codec = self.workspace.settings.codec.value.clone();
        self.workspace.db.set_wanted_encoder(codec, self.workspace.is_reproducible());
        self.phase = Phase::Going;
        self.agenda.forget_failures();
    }

    /// Lets others build until the next edit, and gives back memory that old
    /// plans hold. New files that are still `growing` are passed over.
    pub fn rest(&mut self, growing: &BTreeSet<PathBuf>) -> Result<(), Diagnostic> {
        // Not worth it for the first few.
        const FEW: usize = 256;
        let mut rested = Ok(());
        if self.workspace.db.outcomes() > self.live.max(FEW) * 2 {
            rested = self.workspace.forget_plan(growing);
            self.forget_plan();
        }
        self.workspace.release().and(rested)
    }

    /// Takes the project for the next build.
    pub fn acquire(&mut self, purpose: &Purpose<'_>, growing: &BTreeSet<PathBuf>) -> Result<(), Diagnostic> {
        if self.workspace.acquire(purpose, growing)? {
            self.forget_plan();
        }
        Ok(())
    }

    /// The database is another.
    fn forget_plan(&mut self) {
        self.known = Known::default();
        self.before = (0, 0);
        self.planned = false;
        self.left_out.clear();
    }

    fn is_quiet(&self) -> bool {
        let waiting = !self.agenda.has_nothing_due() || !self.contents.is_done() || !self.exchange.is_idle();
        let busy = !self.agenda.is_nothing_running() || self.contents.is_reading();
        !busy && (self.phase == Phase::Stopping || !waiting)
    }

    /// Whether the plan knows all that came back.
    fn nothing_is_new(&self) -> bool {
        self.fresh.is_empty() && self.fresh_files.is_empty() && !self.again && !self.stepped_down
    }

    /// Hands what came back to the plan, in one batch: every setter starts a
    /// new revision.
    fn tell_plan(&mut self) {
        self.stepped_down = false;
        self.answered = false;
        for (key, result) in self.fresh.drain(..) {
            self.workspace.db.set_outcome(key, result);
        }
        for (file, state) in self.fresh_files.drain(..) {
            self.workspace.db.set_file(file, state);
        }
    }

    /// Ends what runs, where somebody asked for that.
    fn heed_interruption(&mut self) {
        if self.interrupted.load(Ordering::Relaxed) && !self.summary.interrupted {
            self.summary.interrupted = true;
            self.phase = Phase::Stopping;
            self.pool.cancel();
            self.exchange.abandon();
            // What cannot be killed is not waited for: it leaves nothing
            // but a scratch folder, which the next build clears.
            self.contents.abandon();
            self.agenda.abandon(&|running| running.action.spec.kind().runs == Runs::Media);
        }
    }

    /// Takes reports until another round of planning is due.
    fn work(&mut self, edits: &mut dyn Edits) {
        let since = Instant::now();
        loop {
            self.heed_interruption();
            let mut report = self.pool.report(TICK);
            while let Some(each) = report {
                self.take(each);
                report = self.pool.report(Duration::ZERO);
            }
            if let Some(trouble) = self.exchange.tend() {
                self.answered = true;
                self.warn(trouble);
            }
            if let Some(edit) = edits.take(self.workspace) {
                self.take_edit(&edit, edits);
                self.remember();
                return;
            }
            let now = Instant::now();
            self.tell_of_stalls(now);
            self.agenda.wake(now);
            if self.admission.is_due(now) {
                self.admission.feel(&Pressure::look(&RealSystem), now);
            }
            self.dispatch();
            if now.duration_since(self.remembered) >= REMEMBER {
                self.remember();
            }
            let fresh = !self.nothing_is_new() || self.answered;
            let dry = self.agenda.is_queue_empty() && !self.idle.is_empty();
            // Until it is planned anew, more would run that is not wanted.
            let at_once = dry || self.stepped_down;
            if self.is_quiet() || (fresh && (at_once || since.elapsed() >= REPLAN)) {
                self.remember();
                return;
            }
        }
    }

    pub fn warn_all(&mut self, warnings: Diagnostics) {
        warnings.0.into_iter().for_each(|warning| self.warn(warning));
    }

    fn warn(&mut self, problem: Diagnostic) {
        if self.warned.insert(problem.to_string()) {
            self.listener.event(&Event::Warning(&problem));
        }
    }

    fn say(&self, action: &PlannedAction, state: ActionState<'_>) {
        let subject = Subject { key: action.key, node: &action.node, spec: &action.spec };
        self.listener.event(&Event::Action { subject, state });
    }
}
