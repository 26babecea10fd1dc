//! The driver: evaluates the plan, starts what can start, takes in what comes
//! back, and evaluates again when workers would run dry or a second has passed.
//!
//! There is no phase barrier: a clip encodes while another file is still being
//! analysed. A failure lives here and never in the plan, so that another try
//! needs no restart.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::base::{Bytes, Diagnostic, Diagnostics, Digest, Tier, UtcTime};
use crate::exec::admission::{Admission, Tokens};
use crate::exec::collect;
use crate::exec::demand;
use crate::exec::estimates::Estimates;
use crate::exec::event::{ActionState, Event, Listener, Subject};
use crate::exec::explain::basis::{Again, Basis};
use crate::exec::explain::provenance::provenance;
use crate::exec::failure::{self, Notebook};
use crate::exec::goal::{Goal, Options, Summary, evaluate};
use crate::exec::history::History;
use crate::exec::ladder;
use crate::exec::lockfile;
use crate::exec::pool::{Finished, Job, Place, Pool, Report, Task};
use crate::exec::queue::{self, Position, Queue};
use crate::exec::remote::{Answer, Exchange};
use crate::exec::reproducible;
use crate::exec::retry::{self, Cause, Next, Waiting};
use crate::exec::survey::{self, Known, Readiness, Survey};
use crate::exec::worker::Failure;
use crate::exec::workspace::{Edit, Workspace};
use crate::graph::{FileInput, FileState, Needs};
use crate::inputs::machine::Pressure;
use crate::inputs::{RealSystem, Remembered, System};
use crate::model::{ActionKey, ActionResult, ActionSpec, PlannedAction, Runs, Usage};
use crate::store::ActionRecord;

/// The plan is evaluated again at least this often while results come in.
const REPLAN: Duration = Duration::from_secs(1);

/// How long the driver waits for reports before it looks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

/// Files that are hashed side by side. Each is divided among the cores already;
/// more at once would only make the disk seek.
const HASHES: usize = 4;

/// Where edits come from while a build runs.
pub trait Edits {
    /// What may be another since it was asked last. Does not wait.
    fn take(&mut self, workspace: &Workspace) -> Option<Edit>;
}

/// Nothing is edited.
pub struct NoEdits;

impl Edits for NoEdits {
    fn take(&mut self, _: &Workspace) -> Option<Edit> {
        None
    }
}

/// An action that runs.
struct Running {
    action: Arc<PlannedAction>,
    slot: usize,
    started: Instant,
}

pub struct Driver<'a> {
    workspace: &'a mut Workspace,
    listener: &'a dyn Listener,
    options: Options,
    interrupted: &'a AtomicBool,
    pool: Pool,
    exchange: Exchange,
    /// The shared store said something that the plan has not been told of yet.
    answered: bool,
    queue: Queue,
    /// Where the decoder of each slot stands; `None` for a slot that is busy.
    idle: BTreeMap<usize, Position>,
    running: HashMap<ActionKey, Running>,
    /// A slot for work in this process alone, beside the others: an edit while
    /// all of them encode what may be unwanted now is planned at once.
    lane: Option<usize>,
    admission: Admission,
    estimates: Estimates,
    /// Failed actions that wait for another try.
    waiting: Waiting,
    notebook: Notebook,
    to_hash: VecDeque<FileInput>,
    /// How many files are being hashed.
    hashing: usize,
    /// Files that were queued for hashing in this build: each once.
    asked: HashSet<FileInput>,
    submitted: HashSet<ActionKey>,
    /// How often each has failed.
    tries: HashMap<ActionKey, usize>,
    /// An output goes on with another encoder: the plan is another.
    stepped_down: bool,
    failed: HashMap<ActionKey, Diagnostic>,
    /// What the store has not been told of yet.
    unrecorded: Vec<ActionRecord>,
    adopted: Vec<ActionRecord>,
    hashed: Vec<(String, Remembered)>,
    /// Results that the plan has not been told of yet.
    fresh: Vec<(ActionKey, Option<Arc<ActionResult>>)>,
    fresh_files: Vec<(FileInput, FileState)>,
    /// What the plan found done.
    known: Known,
    /// An action that was submitted has to be planned again.
    again: bool,
    placed: BTreeMap<String, bool>,
    /// Joins that run again, and what is wrong with their outputs.
    displaced: HashMap<ActionKey, Again>,
    warned: HashSet<String>,
    summary: Summary,
    history: History,
    /// Something failed without `keep_going`: nothing is started any more but
    /// what looks at footage, so that every bad file is named at once.
    failing: bool,
    /// Nothing is started any more.
    stopping: bool,
    /// Something was edited, and what it leaves unwanted still runs.
    edited: bool,
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
        };
        let pool = Pool::new(jobs, workspace.program.clone(), place.clone());
        let exchange = Exchange::new(place, pool.reporter());
        let admission = Admission::new(demand::capacity(jobs, workspace.settings.memory.value));
        let notebook = Notebook::new(workspace.store.clone());
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
            queue: Queue::default(),
            idle: (0..jobs).map(|slot| (slot, None)).collect(),
            running: HashMap::new(),
            lane: None,
            admission,
            estimates,
            waiting: Waiting::default(),
            notebook,
            to_hash: VecDeque::new(),
            hashing: 0,
            asked: HashSet::new(),
            submitted: HashSet::new(),
            tries: HashMap::new(),
            stepped_down: false,
            failed: HashMap::new(),
            unrecorded: Vec::new(),
            adopted: Vec::new(),
            hashed: Vec::new(),
            fresh: Vec::new(),
            fresh_files: Vec::new(),
            known: Known::default(),
            again: false,
            placed: BTreeMap::new(),
            displaced: HashMap::new(),
            warned: HashSet::new(),
            summary: Summary::default(),
            history: History::begin(),
            failing: false,
            stopping: false,
            edited: false,
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
        // It ends: an action is submitted once, and each result that has to be
        // revoked is one less that is known.
        loop {
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
        self.placed.clear();
        self.warned.clear();
        self.submitted.clear();
        self.waiting.clear();
        self.stopping = false;
        // What an encoder failed at in another build it may do in this one.
        let codec = self.workspace.settings.codec.value.clone();
        self.workspace.db.set_wanted_encoder(codec, self.workspace.is_reproducible());
        self.begin_again();
    }

    /// Forgets what an edit may have put right.
    fn begin_again(&mut self) {
        self.summary.errors.clear();
        self.summary.failed = 0;
        for (key, _) in self.failed.drain() {
            self.submitted.remove(&key);
        }
        self.tries.clear();
        self.asked.clear();
        self.failing = false;
    }

    /// Lets others build until the next edit, and gives back memory that old
    /// plans hold.
    pub fn rest(&mut self) -> Result<(), Diagnostic> {
        // Not worth it for the first few.
        const FEW: usize = 256;
        let live = self.known.actions();
        if self.workspace.db.outcomes() > live.max(FEW) * 2 {
            self.known = Known::default();
            self.workspace.forget_plan()?;
        }
        self.workspace.release()
    }

    /// Takes in an edit while a build runs; one that cannot be taken in leaves
    /// everything as it was.
    fn take_edit(&mut self, edit: &Edit) {
        match self.workspace.reload(edit) {
            Ok(warnings) => {
                self.begin_again();
                self.edited = true;
                self.warn_all(warnings);
            }
            Err(problems) => self.refuse(&problems),
        }
    }

    /// Says why an edit cannot be taken in.
    pub fn refuse(&self, problems: &Diagnostics) {
        self.listener.event(&Event::Refused(problems));
    }

    pub fn warn_all(&mut self, warnings: Diagnostics) {
        warnings.0.into_iter().for_each(|warning| self.warn(warning));
    }

    /// Ends what an edit left unwanted: what waits at once, what runs when
    /// everything that is wanted is known. Until then it may be wanted again.
    fn retire(&mut self, survey: &Survey) {
        if !self.edited {
            return;
        }
        let wanted: HashSet<ActionKey> = survey.pending.iter().map(|action| action.key).collect();
        for key in self.queue.retain(&|key| wanted.contains(key)) {
            self.submitted.remove(&key);
        }
        for key in self.waiting.retain(&|key| wanted.contains(key)) {
            self.submitted.remove(&key);
        }
        if !survey.unhashed.is_empty() || survey.pending.iter().any(|action| queue::decides(&action.spec)) {
            return;
        }
        self.edited = false;
        let in_use: HashSet<usize> =
            self.running.iter().filter(|(key, _)| wanted.contains(key)).map(|(_, running)| running.slot).collect();
        let slots: HashSet<usize> = self.running.values().map(|running| running.slot).collect();
        for slot in slots.difference(&in_use).filter(|slot| Some(**slot) != self.lane) {
            self.pool.interrupt(*slot);
        }
    }

    /// Refuses to begin where the end is known: an hour of rendering should
    /// not come before the news that its output may not be written.
    fn look_ahead(&mut self, goal: &Goal) {
        let Goal::Outputs(targets) = goal else { return };
        if self.options.force || self.options.keep_going || self.options.apart {
            return;
        }
        for problem in self.workspace.blocked_outputs(targets) {
            self.complain(problem);
            self.stopping = true;
        }
    }

    fn is_quiet(&self) -> bool {
        let waiting = !self.queue.is_empty() || !self.to_hash.is_empty() || !self.waiting.is_empty();
        self.running.is_empty() && self.hashing == 0 && (self.stopping || !waiting && self.exchange.is_idle())
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

    /// Queues everything in a round of planning that can start and has not.
    fn submit(&mut self, needs: &Needs, complete: bool) {
        let survey = Survey::of(needs);
        if !survey.is_empty() {
            self.known.learn(needs);
        }
        for problem in &survey.problems {
            self.complain(problem.clone());
        }
        if !self.options.keep_going && !self.summary.errors.is_empty() {
            self.wind_down();
        }
        let pending = survey.pending.iter().filter(|action| !self.failed.contains_key(&action.key)).count();
        let frames_done = self.known.frames();
        let frames = frames_done + survey.pending.iter().map(|action| survey::frames_of(&action.spec)).sum::<u64>();
        let done = self.known.actions();
        self.listener.event(&Event::Planned { done, pending, frames_done, frames, open: !complete });
        for file in &survey.unhashed {
            if self.asked.insert(*file) {
                self.to_hash.push_back(*file);
            }
        }
        self.retire(&survey);
        for action in &survey.pending {
            self.submit_action(action);
        }
        let here: Vec<_> = survey.pending.iter().filter(|action| !self.exchange.awaits(action.key)).cloned().collect();
        if !self.stopping
            && let Err(problem) = self.workspace.may_store(&here)
        {
            self.complain(problem);
            self.stopping = true;
        }
    }

    /// Queues the joins that were done and whose outputs are no longer as they
    /// were written. Each is looked at once in a build.
    fn restore_outputs(&mut self, needs: &Needs) {
        if self.stopping || self.failing || self.options.apart {
            return;
        }
        let mut delivered = survey::deliveries(needs);
        delivered.retain(|(action, _)| action.output.as_ref().is_some_and(|path| !self.placed.contains_key(path)));
        let displaced: HashSet<ActionKey> = match self.workspace.displaced(&delivered) {
            Ok(displaced) => displaced.iter().map(|action| action.key).collect(),
            Err(problem) => {
                self.complain(problem);
                self.stopping = true;
                return;
            }
        };
        if let (Some(first), Some(why)) = (displaced.iter().next(), self.workspace.store.read_only()) {
            let path =
                delivered.iter().find(|(action, _)| action.key == *first).and_then(|(action, _)| action.output.clone());
            let problem = why.clone().note(format!("{} is to be written anew", path.unwrap_or_default()));
            self.complain(problem);
            self.stopping = true;
            return;
        }
        if !displaced.is_empty() {
            self.known.learn(needs);
        }
        for (action, _) in &delivered {
            match &action.output {
                Some(path) if !displaced.contains(&action.key) => {
                    self.placed.insert(path.clone(), false);
                    self.listener.event(&Event::Output { path, written: false });
                }
                _ => {
                    self.displaced.insert(action.key, self.workspace.again(action));
                    self.submit_action(action);
                }
            }
        }
    }

    fn submit_action(&mut self, action: &Arc<PlannedAction>) {
        let key = &action.key;
        if self.submitted.contains(key) || self.failed.contains_key(key) || self.exchange.awaits(*key) {
            return;
        }
        if self.failing && !matches!(action.spec, ActionSpec::Probe(_)) {
            return;
        }
        let mut action = Arc::clone(action);
        if self.options.apart && action.output.is_some() {
            Arc::make_mut(&mut action).output = None;
        }
        let action = &action;
        let refused = Some(&action.spec).filter(|_| self.workspace.is_reproducible()).and_then(reproducible::refused);
        let allowed = match (&action.output, refused) {
            (_, Some(refused)) => Err(refused),
            (Some(path), None) if !self.options.force => self.workspace.may_write(path),
            _ => Ok(()),
        };
        let done = self.workspace.db.result(action.key).is_some();
        if !done && allowed.is_ok() && self.exchange.asks(action) {
            return;
        }
        match self.known.readiness(self.workspace, action) {
            Readiness::Ready => match allowed {
                Ok(()) => {
                    self.submitted.insert(action.key);
                    self.queue.push(Arc::clone(action));
                }
                Err(problem) => self.fail(action, problem),
            },
            // An output that others have needs nothing of what it was made of.
            Readiness::Lost(_) if done && allowed.is_ok() && self.exchange.asks(action) => {}
            Readiness::Lost(makers) => self.recover(makers),
            Readiness::Unavailable(problem) => self.fail(action, problem),
        }
    }

    /// Results whose objects are gone (collected, lost, or never fetched) are
    /// fetched; those that cannot be had are made again.
    fn recover(&mut self, makers: Vec<ActionKey>) {
        for maker in makers {
            let workspace = &*self.workspace;
            let missing = || {
                let artifacts = workspace.db.result(maker).map(|result| result.artifacts.clone()).unwrap_or_default();
                artifacts.into_iter().filter(|artifact| !workspace.store.objects().contains(*artifact)).collect()
            };
            if !self.exchange.seeks(maker, missing) {
                self.fresh.push((maker, None));
            }
        }
    }

    /// Lets nothing start any more but what looks at footage.
    fn wind_down(&mut self) {
        if !self.failing {
            self.failing = true;
            self.queue.keep_probes();
            self.waiting.clear();
        }
    }

    /// Gives idle slots their next work.
    fn dispatch(&mut self) {
        if !self.stopping {
            self.exchange.send();
        }
        while !self.stopping && self.hashing < HASHES {
            let Some(file) = self.to_hash.pop_front() else { break };
            self.hashing += 1;
            self.pool.hash(file, self.workspace.path_of(file));
        }
        while !self.stopping {
            let Some((&slot, &position)) = self.idle.iter().next() else { break };
            let is_lane = Some(slot) == self.lane;
            let (actions, tokens) = if is_lane {
                (self.queue.take_inline().into_iter().collect(), None)
            } else {
                self.admit(slot, position)
            };
            let Some(first) = actions.first() else { break };
            let position = match &first.spec {
                ActionSpec::Segment(spec) => queue::end_of(spec),
                _ => position,
            };
            let mut tasks = Vec::with_capacity(actions.len());
            let mut started = Vec::with_capacity(actions.len());
            for action in actions {
                match self.task(&action) {
                    Ok(task) => {
                        tasks.push(task);
                        started.push(action);
                    }
                    Err(why) => self.fail(&action, why),
                }
            }
            if tasks.is_empty() {
                continue;
            }
            self.idle.remove(&slot);
            if let Some(tokens) = tokens {
                self.admission.take(slot, tokens);
            }
            for action in started {
                self.say(&action, ActionState::Started { slot });
                self.running.insert(action.key, Running { action, slot, started: Instant::now() });
            }
            self.pool.start(slot, Job { tasks, position });
        }
    }

    /// The next work for a slot, as far as the machine has room for it, and what
    /// it takes: those that share a decode share that.
    fn admit(&mut self, slot: usize, position: Position) -> (Vec<Arc<PlannedAction>>, Option<Tokens>) {
        let (db, estimates, admission) = (&self.workspace.db, &self.estimates, &self.admission);
        let mut tokens = None;
        let actions = self.queue.take(position, &mut |spec| {
            let next = demand::tokens(spec, demand::class(db, spec), estimates);
            tokens = Some(next);
            admission.verdict(slot, next)
        });
        for kept in tokens.iter().flat_map(|next| admission.in_the_way(slot, *next)) {
            self.idle.remove(&kept);
            self.pool.rest(kept);
        }
        (actions, tokens)
    }

    fn task(&self, action: &Arc<PlannedAction>) -> Result<Task, Diagnostic> {
        let locate = |digest: &Digest| {
            let path = self.workspace.locate(*digest);
            path.map(|path| (*digest, path)).ok_or_else(|| self.workspace.unavailable(*digest, action))
        };
        Ok(Task {
            action: Arc::clone(action),
            inputs: action.spec.inputs().iter().map(locate).collect::<Result<_, _>>()?,
            packs: action.packs.iter().map(|pack| locate(pack).map(|(_, path)| path)).collect::<Result<_, _>>()?,
        })
    }

    /// Takes reports until another round of planning is due.
    fn work(&mut self, edits: &mut dyn Edits) {
        let since = Instant::now();
        loop {
            if self.interrupted.load(Ordering::Relaxed) && !self.summary.interrupted {
                self.summary.interrupted = true;
                self.stopping = true;
                self.pool.cancel();
                self.exchange.abandon();
                // What cannot be killed is not waited for: it leaves nothing
                // but a scratch folder, which the next build clears.
                self.hashing = 0;
                self.running.retain(|_, running| running.action.spec.kind().runs == Runs::Media);
            }
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
                self.take_edit(&edit);
                self.remember();
                return;
            }
            let now = Instant::now();
            self.waiting.take_due(now).into_iter().for_each(|action| self.queue.push(action));
            if self.admission.is_due(now) {
                self.admission.feel(&Pressure::look(&RealSystem), now);
            }
            self.dispatch();
            self.remember();
            let fresh = !self.nothing_is_new() || self.answered;
            let dry = self.queue.is_empty() && !self.idle.is_empty();
            if self.is_quiet() || (fresh && (dry || since.elapsed() >= REPLAN)) {
                return;
            }
        }
    }

    /// Tells the store what came back, many at once. A store that cannot be
    /// written stops the build: what is not remembered would be made again.
    fn remember(&mut self) {
        let store = &self.workspace.store;
        let records = std::mem::take(&mut self.unrecorded);
        let adopted = std::mem::take(&mut self.adopted);
        let hashed = std::mem::take(&mut self.hashed);
        let made: Vec<ActionKey> = records.iter().map(|record| record.key).collect();
        let told = self.exchange.adopt(store, adopted).and_then(|()| store.record(records));
        match told.and_then(|()| store.remember_files(&hashed)) {
            Ok(()) => self.exchange.publish(made),
            Err(problem) => {
                self.complain(problem);
                self.stopping = true;
            }
        }
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Hashed { file, result, elapsed } => {
                self.hashing = self.hashing.saturating_sub(1);
                match result {
                    Ok(hashed) => {
                        let name = self.workspace.name_of(file);
                        self.listener.event(&Event::Hashing { path: &name, bytes: hashed.stat.size, elapsed });
                        self.workspace.set_content(file, hashed.digest, hashed.stat);
                        self.fresh_files.push((file, FileState::Known(hashed.digest)));
                        self.hashed.push((name, hashed));
                    }
                    Err(problem) => self.lose(file, problem),
                }
            }
            Report::Progress { key, done, total } => {
                if let Some(running) = self.running.get(&key) {
                    self.say(&running.action.clone(), ActionState::Progress { done, total });
                }
            }
            Report::Finished(finished) => self.take_finished(finished),
            Report::Idle { slot, position, kept } => {
                self.admission.release(slot, kept);
                self.idle.insert(slot, position);
            }
            Report::Remote(answer) => self.take_answer(answer),
        }
    }

    /// Takes in what the shared store said.
    fn take_answer(&mut self, answer: Answer) {
        let news = self.exchange.take(answer);
        self.answered = true;
        for warning in news.warnings {
            self.warn(warning);
        }
        for hit in news.found {
            self.summary.fetched += 1;
            self.say(&hit.action, ActionState::Fetched);
            if let Some(path) = &hit.action.output {
                self.placed.insert(path.clone(), true);
                self.listener.event(&Event::Output { path, written: true });
            }
            self.fresh.push((hit.action.key, Some(Arc::new(hit.record.result.clone()))));
            self.adopted.push(hit.record);
        }
    }

    /// Lets what is still to be published be published.
    fn part(&mut self) {
        if self.lane.is_none() && self.exchange.is_publishing() && !self.summary.interrupted {
            self.listener.event(&Event::Publishing);
        }
        // Whoever watches does not wait: the next edit is more urgent.
        let farewell = if self.lane.is_some() { self.exchange.pause() } else { self.exchange.finish(self.interrupted) };
        self.summary.published = farewell.published;
        self.summary.interrupted |= farewell.interrupted;
        if let Some(warning) = farewell.warning {
            self.warn(warning);
        }
    }

    fn take_finished(&mut self, finished: Finished) {
        let Some(Running { action, started, .. }) = self.running.remove(&finished.key) else { return };
        let result = finished.result.and_then(|result| match self.workspace.changed(&action) {
            None => Ok(result),
            Some(problem) => Err(Failure::Refused(problem)),
        });
        match result {
            Ok(result) => {
                self.pass_on(&action, &result);
                self.notebook.strike(&action);
                self.learn(&action, finished.usage);
                let elapsed = started.elapsed();
                let basis = self.basis(&action);
                self.unrecorded.push(record(&action, &result, elapsed, finished.usage, &basis));
                self.history.ran(&action, elapsed);
                let result = Arc::new(result);
                *self.summary.ran.entry(action.spec.kind().name).or_default() += 1;
                self.say(&action, ActionState::Done { elapsed, usage: finished.usage });
                if let Some(path) = &action.output {
                    self.placed.insert(path.clone(), true);
                    self.listener.event(&Event::Output { path, written: true });
                }
                self.fresh.push((action.key, Some(result)));
            }
            Err(Failure::Refused(problem)) => self.try_again_or_fail(action, Cause::of_refusal(&problem), problem),
            Err(Failure::Crashed(cause, problem)) => self.try_again_or_fail(action, cause, problem),
            Err(Failure::Spoiled(why)) => {
                self.say(&action, ActionState::Retried { why: &why, delay: Duration::ZERO });
                self.warn(why);
                self.submitted.remove(&action.key);
                self.again = !self.stopping;
            }
            // It runs again where it is wanted again.
            Err(Failure::Cancelled) => {
                self.submitted.remove(&action.key);
                self.say(&action, ActionState::Cancelled);
            }
        }
    }

    /// Learns how much memory an action took.
    fn learn(&mut self, action: &PlannedAction, usage: Usage) {
        let kind = action.spec.kind();
        if kind.runs == Runs::Media && usage.peak_kib > 0 {
            let class = demand::class(&self.workspace.db, &action.spec);
            self.estimates.learn(kind, class, Bytes(usage.peak_kib << 10));
        }
    }

    /// On what a result rests, and what its node had before: for explanations.
    fn basis(&self, action: &PlannedAction) -> Basis {
        let mut basis = provenance(self.workspace, &self.known, action);
        // An index that cannot be read leaves a reason untold, no more.
        basis.previous = self.workspace.store.last_success(&action.node).ok().flatten().map(|last| last.key);
        basis.again = self.displaced.get(&action.key).copied();
        if basis.previous == Some(action.key) {
            basis.again = basis.again.or(Some(Again::ObjectGone));
        }
        basis
    }

    /// Does what the policy says of an action that failed.
    fn try_again_or_fail(&mut self, action: Arc<PlannedAction>, cause: Cause, why: Diagnostic) {
        let tries = self.tries.entry(action.key).or_default();
        *tries += 1;
        let (tries, now, goes_on) = (*tries, Instant::now(), !self.stopping && !self.failing);
        if cause.wants_less() {
            self.admission.ran_out(now);
        }
        match retry::next(cause, tries, ladder::can_step_down(self.workspace, &action)) {
            Next::Again(delay) if goes_on => {
                self.say(&action, ActionState::Retried { why: &why, delay });
                self.waiting.push(action, now + delay);
            }
            Next::StepDown if goes_on => {
                let outputs = ladder::step_down(self.workspace, &action).join(", ");
                let message = format!("{outputs} is encoded by another encoder: {}", why.message);
                self.warn(Diagnostic { tier: Tier::Warning, message, ..why });
                (self.stepped_down, self.edited) = (true, true);
            }
            _ => {
                let task = self.task(&action).ok();
                let why = self.notebook.describe(why, &action, tries, task.as_ref(), &self.workspace.program);
                self.fail(&action, why);
            }
        }
    }

    /// An action cannot be done.
    fn fail(&mut self, action: &PlannedAction, why: Diagnostic) {
        self.say(action, ActionState::Failed { why: &why });
        self.summary.failed += 1;
        self.history.failed(action, &why);
        let named = self.workspace.named(action, why.clone());
        if let ActionSpec::Probe(spec) = &action.spec
            && self.options.keep_going
        {
            // A file that cannot be opened is left out of all that follows.
            let files = self.workspace.files_of(spec.file);
            self.fresh_files.extend(files.into_iter().map(|file| (file, FileState::Unusable)));
        }
        self.failed.insert(action.key, why);
        self.complain(named);
        if !self.options.keep_going {
            self.wind_down();
        }
    }

    /// A file cannot be read.
    fn lose(&mut self, file: FileInput, problem: Diagnostic) {
        self.summary.failed += 1;
        self.complain(problem);
        if self.options.keep_going {
            self.fresh_files.push((file, FileState::Unusable));
        } else {
            self.wind_down();
        }
    }

    fn complain(&mut self, problem: Diagnostic) {
        if problem.tier == Tier::Warning {
            self.warn(problem);
        } else if !self.summary.errors.contains(&problem) {
            self.summary.errors.push(problem);
        }
    }

    /// Says what people should be told of a result each time it is used.
    fn pass_on(&mut self, action: &PlannedAction, result: &ActionResult) {
        for warning in &result.warnings {
            let subject = self.workspace.subject(action);
            self.warn(Diagnostic::warning(format!("{subject}: {warning}")));
        }
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

    /// Brings `autocut.lock` up to date with what was made.
    fn renew_lock(&mut self) {
        if self.options.apart || !self.summary.errors.is_empty() {
            return;
        }
        match lockfile::renew(self.workspace) {
            Ok(news) => news.into_iter().for_each(|news| self.warn(news)),
            Err(problem) => self.complain(problem),
        }
    }

    /// Counts what was reused: everything that the goal rests on and that did
    /// not run.
    fn finish(&mut self, goal: &Goal, needs: &Needs, complete: bool) {
        if !complete && self.summary.errors.is_empty() && !self.summary.interrupted {
            self.complain(Diagnostic::bug("nothing is left to do, and yet not everything is done"));
        }
        let done = survey::done(needs);
        for (action, result) in &done {
            self.pass_on(action, result);
            *self.summary.reused.entry(action.spec.kind().name).or_default() += 1;
        }
        for (kind, ran) in &self.summary.ran {
            if let Some(reused) = self.summary.reused.get_mut(kind) {
                *reused = reused.saturating_sub(*ran);
            }
        }
        self.summary.reused.retain(|_, count| *count > 0);
        if let Goal::Outputs(targets) = goal
            && !self.summary.errors.is_empty()
            && !self.summary.interrupted
        {
            self.summary.missing = failure::missing(self.workspace, targets, &self.failed, &self.placed);
        }
        if complete && self.summary.errors.is_empty() {
            self.notebook.clear();
        }
        if !self.summary.ran.is_empty() {
            // A guess that is not remembered is learned again.
            let _ = self.workspace.store.remember_estimates(&self.estimates.to_bytes());
        }
        self.summary.outputs = std::mem::take(&mut self.placed).into_iter().collect();
        let plan: Vec<_> = done.iter().map(|(action, _)| (action.node.clone(), action.key)).collect();
        let succeeded = complete && self.summary.errors.is_empty() && !self.summary.interrupted;
        let mut kept = collect::keep(self.workspace, goal, &plan, succeeded, !self.summary.ran.is_empty());
        if complete {
            let store = &self.workspace.store;
            kept = kept.and_then(|()| self.exchange.offer(store, &plan));
        }
        // A build that ran nothing has added nothing; one that did not come to
        // its end does not know all that the next one needs.
        let kept = kept.and_then(|()| match complete && (self.summary.fetched > 0 || !self.summary.ran.is_empty()) {
            true => collect::after_build(self.workspace, survey::live(&done)),
            false => Ok(()),
        });
        if let Err(problem) = kept {
            self.warn(Diagnostic { tier: Tier::Warning, ..problem });
        }
    }
}

/// What the store remembers of an action that was done.
fn record(
    action: &PlannedAction,
    result: &ActionResult,
    elapsed: Duration,
    usage: Usage,
    basis: &Basis,
) -> ActionRecord {
    ActionRecord {
        key: action.key,
        result: result.clone(),
        node: action.node.clone(),
        kind: action.spec.kind().name.to_owned(),
        at: UtcTime(RealSystem.now_ns()),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        cpu_ms: usage.cpu_ms(),
        spec: basis.to_json(),
    }
}
