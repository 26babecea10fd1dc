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

use crate::base::{Bytes, Diagnostic, Digest, Tier, UtcTime};
use crate::exec::collect;
use crate::exec::event::{ActionState, Event, Listener, Subject};
use crate::exec::explain::basis::Basis;
use crate::exec::goal::{Goal, Options, Summary, evaluate};
use crate::exec::pool::{Finished, Job, Place, Pool, Report, Task};
use crate::exec::queue::{self, Position, Queue};
use crate::exec::reproducible;
use crate::exec::survey::{Readiness, Survey};
use crate::exec::worker::Failure;
use crate::exec::workspace::Workspace;
use crate::graph::{FileInput, FileState};
use crate::inputs::{RealSystem, Remembered, System};
use crate::model::{ActionKey, ActionResult, ActionSpec, PlannedAction, Runs};
use crate::store::ActionRecord;

/// The plan is evaluated again at least this often while results come in.
const REPLAN: Duration = Duration::from_secs(1);

/// How long the driver waits for reports before it looks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

/// Files that are hashed side by side. Each is divided among the cores already;
/// more at once would only make the disk seek.
const HASHES: usize = 4;

/// How many times an action is tried whose worker died.
const TRIES: u32 = 3;

pub struct Driver<'a> {
    workspace: &'a mut Workspace,
    listener: &'a dyn Listener,
    options: Options,
    interrupted: &'a AtomicBool,
    pool: Pool,
    queue: Queue,
    /// Where the decoder of each slot stands; `None` for a slot that is busy.
    idle: BTreeMap<usize, Position>,
    running: HashMap<ActionKey, (PlannedAction, Instant)>,
    /// What each busy slot holds in memory at most, and all may together, in MiB.
    memory: BTreeMap<usize, u32>,
    budget: u32,
    to_hash: VecDeque<FileInput>,
    /// How many files are being hashed.
    hashing: usize,
    /// Files that were queued for hashing in this build: each once.
    asked: HashSet<FileInput>,
    submitted: HashSet<ActionKey>,
    tries: HashMap<ActionKey, u32>,
    failed: HashMap<ActionKey, Diagnostic>,
    /// What the store has not been told of yet.
    unrecorded: Vec<ActionRecord>,
    hashed: Vec<(String, Remembered)>,
    /// Results that the plan has not been told of yet.
    fresh: Vec<(ActionKey, Option<Arc<ActionResult>>)>,
    fresh_files: Vec<(FileInput, FileState)>,
    placed: BTreeMap<String, bool>,
    warned: HashSet<String>,
    summary: Summary,
    /// Something failed without `keep_going`: nothing is started any more but
    /// what looks at footage, so that every bad file is named at once.
    failing: bool,
    /// Nothing is started any more.
    stopping: bool,
}

impl<'a> Driver<'a> {
    pub fn new(
        workspace: &'a mut Workspace,
        listener: &'a dyn Listener,
        options: Options,
        interrupted: &'a AtomicBool,
    ) -> Self {
        let jobs = options.jobs.max(1);
        let budget = workspace.settings.memory.value.map_or(u64::MAX, Bytes::as_mib);
        let budget = u32::try_from(budget).unwrap_or(u32::MAX);
        let place = Place { store: workspace.store.clone(), root: workspace.root.clone(), force: options.force };
        let pool = Pool::new(jobs, workspace.program.clone(), place);
        Driver {
            workspace,
            listener,
            options,
            interrupted,
            pool,
            queue: Queue::default(),
            idle: (0..jobs).map(|slot| (slot, None)).collect(),
            running: HashMap::new(),
            memory: BTreeMap::new(),
            budget,
            to_hash: VecDeque::new(),
            hashing: 0,
            asked: HashSet::new(),
            submitted: HashSet::new(),
            tries: HashMap::new(),
            failed: HashMap::new(),
            unrecorded: Vec::new(),
            hashed: Vec::new(),
            fresh: Vec::new(),
            fresh_files: Vec::new(),
            placed: BTreeMap::new(),
            warned: HashSet::new(),
            summary: Summary::default(),
            failing: false,
            stopping: false,
        }
    }

    /// Brings a goal up to date.
    pub fn run(mut self, goal: &Goal) -> Summary {
        let started = Instant::now();
        self.look_ahead(goal);
        // It ends: an action is submitted once, and each result that has to be
        // revoked is one less that is known.
        loop {
            self.tell_plan();
            let (needs, complete) = evaluate(self.workspace, goal);
            let survey = Survey::of(&self.workspace.db, &needs);
            self.submit(&survey, complete);
            self.dispatch();
            if self.is_quiet() {
                if self.fresh.is_empty() && self.fresh_files.is_empty() {
                    self.finish(&survey, complete);
                    break;
                }
                continue;
            }
            self.work();
        }
        self.summary.elapsed = started.elapsed();
        self.listener.event(&Event::Finished(&self.summary));
        self.summary
    }

    /// Refuses to begin where the end is known: an hour of rendering should
    /// not come before the news that its output may not be written.
    fn look_ahead(&mut self, goal: &Goal) {
        let Goal::Outputs(targets) = goal else { return };
        if self.options.force || self.options.keep_going {
            return;
        }
        for problem in self.workspace.blocked_outputs(targets) {
            self.complain(problem);
            self.stopping = true;
        }
    }

    fn is_quiet(&self) -> bool {
        let waiting = !self.queue.is_empty() || !self.to_hash.is_empty();
        self.running.is_empty() && self.hashing == 0 && (self.stopping || !waiting)
    }

    /// Hands what came back to the plan, in one batch: every setter starts a
    /// new revision.
    fn tell_plan(&mut self) {
        for (key, result) in self.fresh.drain(..) {
            self.workspace.db.set_outcome(key, result);
        }
        for (file, state) in self.fresh_files.drain(..) {
            self.workspace.db.set_file(file, state);
        }
    }

    /// Queues everything in a round of planning that can start and has not.
    fn submit(&mut self, survey: &Survey, complete: bool) {
        for problem in &survey.problems {
            self.complain(problem.clone());
        }
        if !self.options.keep_going && !self.summary.errors.is_empty() {
            self.wind_down();
        }
        let pending = survey.pending.iter().filter(|action| !self.failed.contains_key(&action.key)).count();
        let frames = |actions: &[PlannedAction]| actions.iter().map(|action| frames_of(&action.spec)).sum::<u64>();
        let frames_done = frames(&survey.done);
        let frames = frames_done + frames(&survey.pending);
        let done = survey.done.len();
        self.listener.event(&Event::Planned { done, pending, frames_done, frames, open: !complete });
        if !self.stopping
            && let Err(problem) = self.workspace.require_space(&survey.pending)
        {
            self.complain(problem);
            self.stopping = true;
        }
        for file in &survey.unhashed {
            if self.asked.insert(*file) {
                self.to_hash.push_back(*file);
            }
        }
        for action in &survey.pending {
            self.submit_action(action, survey);
        }
        self.restore_outputs(survey);
    }

    /// Queues the joins that were done and whose outputs are no longer as they
    /// were written.
    fn restore_outputs(&mut self, survey: &Survey) {
        let placed = |action: &&PlannedAction| action.output.as_ref().is_some_and(|it| self.placed.contains_key(it));
        let open: Vec<&PlannedAction> =
            survey.done.iter().filter(|action| action.output.is_some() && !placed(action)).collect();
        let displaced = match self.workspace.displaced(open.iter().copied()) {
            Ok(displaced) => displaced,
            Err(problem) => {
                self.complain(problem);
                self.stopping = true;
                return;
            }
        };
        let keys: HashSet<ActionKey> = displaced.iter().map(|action| action.key).collect();
        for action in open {
            match &action.output {
                Some(path) if !keys.contains(&action.key) => {
                    self.placed.insert(path.clone(), false);
                    self.listener.event(&Event::Output { path, written: false });
                }
                _ => self.submit_action(action, survey),
            }
        }
    }

    fn submit_action(&mut self, action: &PlannedAction, survey: &Survey) {
        if self.submitted.contains(&action.key) || self.failed.contains_key(&action.key) {
            return;
        }
        if self.failing && !matches!(action.spec, ActionSpec::Probe(_)) {
            return;
        }
        let refused = Some(&action.spec).filter(|_| self.options.reproducible).and_then(reproducible::refused);
        let allowed = match (&action.output, refused) {
            (_, Some(refused)) => Err(refused),
            (Some(path), None) if !self.options.force => self.workspace.may_write(path),
            _ => Ok(()),
        };
        match survey.readiness(self.workspace, action) {
            Readiness::Ready => match allowed {
                Ok(()) => {
                    self.submitted.insert(action.key);
                    self.queue.push(action.clone());
                }
                Err(problem) => self.fail(action, problem),
            },
            // Their objects are gone (collected, or lost): they are made again.
            Readiness::Lost(makers) => self.fresh.extend(makers.into_iter().map(|maker| (maker, None))),
            Readiness::Unavailable(problem) => self.fail(action, problem),
        }
    }

    /// Lets nothing start any more but what looks at footage.
    fn wind_down(&mut self) {
        if !self.failing {
            self.failing = true;
            self.queue.keep_probes();
        }
    }

    /// Gives idle slots their next work.
    fn dispatch(&mut self) {
        while !self.stopping && self.hashing < HASHES {
            let Some(file) = self.to_hash.pop_front() else { break };
            self.hashing += 1;
            self.pool.hash(file, self.workspace.path_of(file));
        }
        while !self.stopping {
            let Some((&slot, &position)) = self.idle.iter().next() else { break };
            // One action always runs, however little memory there is.
            let held: u32 = self.memory.values().sum();
            if held > 0 && self.queue.next_memory().is_some_and(|next| held.saturating_add(next) > self.budget) {
                break;
            }
            let actions = self.queue.take(position);
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
            // Those that share a decode share its memory.
            self.memory.insert(slot, started.iter().map(|action| action.spec.kind().memory).max().unwrap_or(0));
            for action in started {
                self.say(&action, ActionState::Started);
                self.running.insert(action.key, (action, Instant::now()));
            }
            self.pool.start(slot, Job { tasks, position });
        }
    }

    fn task(&self, action: &PlannedAction) -> Result<Task, Diagnostic> {
        let locate = |digest: &Digest| {
            let path = self.workspace.locate(*digest);
            path.map(|path| (*digest, path)).ok_or_else(|| self.workspace.unavailable(*digest, action))
        };
        Ok(Task {
            action: action.clone(),
            inputs: action.spec.inputs().iter().map(locate).collect::<Result<_, _>>()?,
            packs: action.packs.iter().map(|pack| locate(pack).map(|(_, path)| path)).collect::<Result<_, _>>()?,
        })
    }

    /// Takes reports until another round of planning is due.
    fn work(&mut self) {
        let since = Instant::now();
        loop {
            if self.interrupted.load(Ordering::Relaxed) && !self.summary.interrupted {
                self.summary.interrupted = true;
                self.stopping = true;
                self.pool.cancel();
                // What cannot be killed is not waited for: it leaves nothing
                // but a scratch folder, which the next build clears.
                self.hashing = 0;
                self.running.retain(|_, (action, _)| action.spec.kind().runs == Runs::Media);
            }
            let mut report = self.pool.report(TICK);
            while let Some(each) = report {
                self.take(each);
                report = self.pool.report(Duration::ZERO);
            }
            self.dispatch();
            self.remember();
            let fresh = !self.fresh.is_empty() || !self.fresh_files.is_empty();
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
        let hashed = std::mem::take(&mut self.hashed);
        if let Err(problem) = store.record(records).and_then(|()| store.remember_files(&hashed)) {
            self.complain(problem);
            self.stopping = true;
        }
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Hashed { file, result } => {
                self.hashing = self.hashing.saturating_sub(1);
                match result {
                    Ok(hashed) => {
                        let name = self.workspace.name_of(file);
                        self.listener.event(&Event::Hashing { path: &name, bytes: hashed.stat.size });
                        self.workspace.set_content(file, hashed.digest, hashed.stat);
                        self.fresh_files.push((file, FileState::Known(hashed.digest)));
                        self.hashed.push((name, hashed));
                    }
                    Err(problem) => self.lose(file, problem),
                }
            }
            Report::Progress { key, done, total } => {
                if let Some((action, _)) = self.running.get(&key) {
                    self.say(&action.clone(), ActionState::Progress { done, total });
                }
            }
            Report::Finished(finished) => self.take_finished(finished),
            Report::Idle { slot, position } => {
                self.memory.remove(&slot);
                self.idle.insert(slot, position);
            }
        }
    }

    fn take_finished(&mut self, finished: Finished) {
        let Some((action, started)) = self.running.remove(&finished.key) else { return };
        let result = finished.result.and_then(|result| match self.workspace.changed(&action) {
            None => Ok(result),
            Some(problem) => Err(Failure::Refused(problem)),
        });
        match result {
            Ok(result) => {
                self.pass_on(&action, &result);
                let elapsed = started.elapsed();
                let basis = Basis::of(&action.spec, &self.workspace.toolchain);
                self.unrecorded.push(record(&action, &result, elapsed, &basis));
                let result = Arc::new(result);
                *self.summary.ran.entry(action.spec.kind().name).or_default() += 1;
                self.say(&action, ActionState::Done { elapsed });
                if let Some(path) = &action.output {
                    self.placed.insert(path.clone(), true);
                    self.listener.event(&Event::Output { path, written: true });
                }
                self.fresh.push((action.key, Some(result)));
            }
            Err(Failure::Refused(problem)) => self.fail(&action, problem),
            Err(Failure::Crashed(problem)) => {
                let tries = self.tries.entry(action.key).or_insert(1);
                *tries += 1;
                if *tries <= TRIES && !self.stopping && !self.failing {
                    self.say(&action, ActionState::Retried { why: &problem });
                    self.queue.push(action);
                } else {
                    self.fail(&action, problem);
                }
            }
            // It runs again next time.
            Err(Failure::Cancelled) => {}
        }
    }

    /// An action cannot be done.
    fn fail(&mut self, action: &PlannedAction, why: Diagnostic) {
        self.say(action, ActionState::Failed { why: &why });
        self.summary.failed += 1;
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

    /// Counts what was reused: everything that the goal rests on and that did
    /// not run.
    fn finish(&mut self, survey: &Survey, complete: bool) {
        if !complete && self.summary.errors.is_empty() && !self.summary.interrupted {
            self.complain(Diagnostic::bug("nothing is left to do, and yet not everything is done"));
        }
        for action in &survey.done {
            if let Some(result) = self.workspace.db.result(action.key) {
                self.pass_on(action, &result);
            }
            *self.summary.reused.entry(action.spec.kind().name).or_default() += 1;
        }
        for (kind, ran) in &self.summary.ran {
            if let Some(reused) = self.summary.reused.get_mut(kind) {
                *reused = reused.saturating_sub(*ran);
            }
        }
        self.summary.reused.retain(|_, count| *count > 0);
        self.summary.outputs = std::mem::take(&mut self.placed).into_iter().collect();
        let plan: Vec<_> = survey.done.iter().map(|action| (action.node.clone(), action.key)).collect();
        let mut kept = self.workspace.store.mark_used(&plan);
        // A build that ran nothing has added nothing; one that did not come to
        // its end does not know all that the next one needs.
        if complete && !self.summary.ran.is_empty() {
            kept = kept.and_then(|()| collect::within(self.workspace, None, survey.live()).map(drop));
        }
        if let Err(problem) = kept {
            self.warn(Diagnostic { tier: Tier::Warning, ..problem });
        }
    }
}

/// Frames that an action encodes.
fn frames_of(spec: &ActionSpec) -> u64 {
    match spec {
        ActionSpec::Segment(segment) => u64::from(segment.frames()),
        _ => 0,
    }
}

/// What the store remembers of an action that was done.
fn record(action: &PlannedAction, result: &ActionResult, elapsed: Duration, basis: &Basis) -> ActionRecord {
    ActionRecord {
        key: action.key,
        result: result.clone(),
        node: action.node.clone(),
        kind: action.spec.kind().name.to_owned(),
        at: UtcTime(RealSystem.now_ns()),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        cpu_ms: 0,
        spec: basis.to_json(),
    }
}
