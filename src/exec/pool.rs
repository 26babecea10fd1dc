//! The pool: one thread for each action that may run at once, each with a
//! worker process of its own that it starts when it needs one.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use tempfile::TempDir;

use crate::base::{Bytes, Diagnostic, Digest};
use crate::exec::inline::{self, Logs, Materials};
use crate::exec::queue::Position;
use crate::exec::remote::Answer;
use crate::exec::sources::{Confirmed, SourceFile};
use crate::exec::worker::{Failure, Killer, Worker};
use crate::graph::FileInput;
use crate::inputs::meter::Meter;
use crate::inputs::{self, RealSystem, Remembered, System};
use crate::model::protocol::{Invocation, Produced, Reply};
use crate::model::{ActionKey, ActionResult, PlannedAction, Runs, Usage};
use crate::store::Store;
use crate::store::objects::Unsound;

/// An action with the places of its inputs.
#[derive(Debug)]
pub struct Task {
    pub action: Arc<PlannedAction>,
    pub inputs: BTreeMap<Digest, PathBuf>,
    pub packs: Vec<PathBuf>,
    /// Those of its inputs that are files of the project.
    pub sources: Vec<SourceFile>,
}

impl Task {
    /// The same as the media program takes it.
    pub fn invocation(&self, id: u64, scratch: PathBuf) -> Invocation {
        let (spec, inputs, packs) = (self.action.spec.clone(), self.inputs.clone(), self.packs.clone());
        Invocation { id, spec, inputs, packs, scratch }
    }
}

/// What a slot does next: one task, or several that share a decode; none to
/// end its worker process.
#[derive(Debug)]
pub struct Job {
    pub tasks: Vec<Task>,
    /// Where the slot's decoder stands afterwards.
    pub position: Position,
}

/// What comes back.
#[derive(Debug)]
pub enum Report {
    Hashed {
        file: FileInput,
        result: Result<Remembered, Diagnostic>,
        elapsed: Duration,
    },
    Progress {
        key: ActionKey,
        done: u64,
        total: u64,
    },
    Finished(Finished),
    /// A slot has nothing to do; its worker still holds `kept` MiB of memory.
    Idle {
        slot: usize,
        position: Position,
        kept: u32,
    },
    /// Of the shared store.
    Remote(Answer),
}

#[derive(Debug)]
pub struct Finished {
    pub key: ActionKey,
    pub result: Result<ActionResult, Failure>,
    /// What it took; nothing where it failed.
    pub usage: Usage,
}

pub struct Pool {
    slots: Vec<Slot>,
    reports: Receiver<Report>,
    sender: Sender<Report>,
    program: PathBuf,
    place: Place,
    logs: Logs,
    confirmed: Confirmed,
    cancelled: bool,
}

struct Slot {
    state: SlotState,
    killer: Killer,
}

/// A slot's thread is started with its first job: a build with nothing to do
/// has none.
enum SlotState {
    Unused(Box<Bench>),
    Used { jobs: Sender<Job>, thread: JoinHandle<()> },
    Ended,
}

impl Slot {
    fn start(&mut self, index: usize, job: Job) {
        let jobs = match std::mem::replace(&mut self.state, SlotState::Ended) {
            SlotState::Unused(mut bench) => {
                let (jobs, queue) = unbounded::<Job>();
                let work = move || {
                    for Job { tasks, position } in queue {
                        bench.run(tasks);
                        let kept = bench.worker.resident_mib();
                        bench.say(Report::Idle { slot: index, position, kept });
                    }
                };
                self.state = SlotState::Used { jobs: jobs.clone(), thread: std::thread::spawn(work) };
                jobs
            }
            SlotState::Used { jobs, thread } => {
                self.state = SlotState::Used { jobs: jobs.clone(), thread };
                jobs
            }
            SlotState::Ended => return,
        };
        // The thread holds the other end until the pool is dropped.
        let _ = jobs.send(job);
    }

    /// Takes no more jobs; the thread ends after those that it has.
    fn end(&mut self) -> Option<JoinHandle<()>> {
        match std::mem::replace(&mut self.state, SlotState::Ended) {
            SlotState::Used { thread, .. } => Some(thread),
            SlotState::Unused(_) | SlotState::Ended => None,
        }
    }
}

impl Pool {
    pub fn new(size: usize, program: PathBuf, place: Place) -> Self {
        let (sender, reports) = unbounded();
        let (slots, logs, confirmed) = (Vec::with_capacity(size), Logs::default(), Confirmed::default());
        let mut pool = Pool { slots, reports, sender, program, place, logs, confirmed, cancelled: false };
        for _ in 0..size {
            pool.add_slot();
        }
        pool
    }

    /// One more slot; its number.
    pub fn add_slot(&mut self) -> usize {
        let worker = Worker::new(self.program.clone());
        let worker = worker.with_deadline(self.place.deadline).with_memory(self.place.memory);
        let killer = worker.killer();
        let (place, logs, confirmed) = (self.place.clone(), self.logs.clone(), self.confirmed.clone());
        let bench =
            Bench { worker, place, logs, confirmed, reports: self.sender.clone(), spare: Vec::new(), own: None };
        self.slots.push(Slot { state: SlotState::Unused(Box::new(bench)), killer });
        self.slots.len() - 1
    }

    pub fn start(&mut self, slot: usize, job: Job) {
        if let Some(found) = self.slots.get_mut(slot) {
            // Whatever was interrupted before was not this.
            found.killer.forget();
            found.start(slot, job);
        }
    }

    /// Ends the worker process of an idle slot, for the memory that it holds.
    /// It reports itself idle again.
    pub fn rest(&mut self, slot: usize) {
        self.start(slot, Job { tasks: Vec::new(), position: None });
    }

    /// Hashes a file beside the slots' work: it is the disk that is busy. On a
    /// thread of its own, because a thread of rayon's pool that waits for its
    /// share of one file would begin the next meanwhile, one inside the other.
    pub fn hash(&self, file: FileInput, path: PathBuf) {
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let started = Instant::now();
            let hash = AssertUnwindSafe(|| inputs::hash_file(&RealSystem, &path, &|_| {}));
            // Without a report the driver would wait for ever.
            let result = catch_unwind(hash).unwrap_or_else(|panic| Err(panicked(&*panic)));
            let _ = sender.send(Report::Hashed { file, result, elapsed: started.elapsed() });
        });
    }

    /// Where threads outside of the pool send their reports.
    pub fn reporter(&self) -> Sender<Report> {
        self.sender.clone()
    }

    /// The next report, if one comes within `wait`.
    pub fn report(&self, wait: Duration) -> Option<Report> {
        self.reports.recv_timeout(wait).ok()
    }

    /// Kills the worker process of one slot, whose work ends as `Cancelled`.
    pub fn interrupt(&self, slot: usize) {
        if let Some(slot) = self.slots.get(slot) {
            slot.killer.interrupt();
        }
    }

    /// Kills every worker process. What they were doing ends as `Cancelled`;
    /// what runs in this process is left to itself.
    pub fn cancel(&mut self) {
        self.cancelled = true;
        self.slots.iter().for_each(|slot| slot.killer.cancel());
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let threads: Vec<JoinHandle<()>> = self.slots.iter_mut().filter_map(Slot::end).collect();
        if !self.cancelled {
            threads.into_iter().for_each(|thread| drop(thread.join()));
        }
    }
}

/// Where results go.
#[derive(Clone, Debug)]
pub struct Place {
    pub store: Arc<Store>,
    /// The project's folder.
    pub root: PathBuf,
    /// Whether outputs may replace what autocut did not write.
    pub force: bool,
    /// How long a worker may make no progress, where its kind does not say.
    pub deadline: Option<Duration>,
    /// How much memory the build is planned with.
    pub memory: Option<Bytes>,
}

/// What a slot's thread works with.
struct Bench {
    worker: Worker,
    place: Place,
    logs: Logs,
    confirmed: Confirmed,
    reports: Sender<Report>,
    /// Scratch folders that are empty again. To make one and remove it is half of
    /// what an action costs that does little.
    spare: Vec<TempDir>,
    /// The folder in which they lie: all that the worker may write to. Once there
    /// is one.
    own: Option<TempDir>,
}

impl Bench {
    /// An empty folder for an action.
    fn scratch(&mut self) -> Result<TempDir, Diagnostic> {
        while let Some(folder) = self.spare.pop() {
            // Another build may have cleared it away since.
            if is_empty(folder.path()) {
                return Ok(folder);
            }
        }
        let store = &self.place.store;
        let own = match self.own.take().filter(|own| RealSystem.stat(own.path()).is_ok()) {
            Some(own) => own,
            None => store.scratch()?,
        };
        self.worker.write_below(own.path());
        let scratch = store.scratch_in(own.path());
        self.own = Some(own);
        scratch
    }

    fn say(&self, report: Report) {
        // Nobody listens any more only when the pool is gone.
        let _ = self.reports.send(report);
    }

    fn finish(&self, key: ActionKey, result: Result<ActionResult, Failure>, usage: Usage) {
        self.say(Report::Finished(Finished { key, result, usage }));
    }

    fn run(&mut self, tasks: Vec<Task>) {
        if tasks.is_empty() {
            self.worker.stop();
            return;
        }
        let keys: Vec<ActionKey> = tasks.iter().map(|task| task.action.key).collect();
        // A thread that ended here would leave the driver waiting for ever.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work(tasks))) {
            let problem = panicked(&*panic);
            for key in keys {
                self.finish(key, Err(Failure::Refused(problem.clone())), Usage::default());
            }
        }
    }

    fn work(&mut self, mut tasks: Vec<Task>) {
        tasks.retain(|task| match spoiled(&self.place.store, task) {
            None => true,
            Some(failure) => {
                self.finish(task.action.key, Err(failure), Usage::default());
                false
            }
        });
        let (media, inline): (Vec<_>, Vec<_>) =
            tasks.into_iter().partition(|task| task.action.spec.kind().runs == Runs::Media);
        for task in inline {
            let meter = Meter::start();
            let result = self.run_inline(&task).map_err(Failure::Refused);
            let result = confirm(&self.confirmed, &task, result);
            self.finish(task.action.key, result, meter.stop());
        }
        if !media.is_empty() {
            self.run_media(&media);
        }
    }

    fn run_inline(&self, task: &Task) -> Result<ActionResult, Diagnostic> {
        let materials = Located { inputs: &task.inputs, store: &self.place.store };
        let made = inline::run(&task.action.spec, &materials, &self.logs)?;
        let artifact = self.place.store.insert_bytes(&made.artifact)?;
        Ok(ActionResult { artifacts: vec![artifact], value: made.value, warnings: made.warnings })
    }

    fn run_media(&mut self, tasks: &[Task]) {
        let mut open: BTreeMap<u64, (&Task, TempDir)> = BTreeMap::new();
        let mut used = Vec::new();
        let mut invocations = Vec::new();
        for (id, task) in (0..).zip(tasks) {
            match self.scratch() {
                Ok(scratch) => {
                    invocations.push(task.invocation(id, scratch.path().to_owned()));
                    open.insert(id, (task, scratch));
                }
                Err(problem) => self.finish(task.action.key, Err(Failure::Refused(problem)), Usage::default()),
            }
        }
        if invocations.is_empty() {
            return;
        }
        let (place, reports, confirmed) = (self.place.clone(), self.reports.clone(), self.confirmed.clone());
        let finish = |key, result, usage| {
            let _ = reports.send(Report::Finished(Finished { key, result, usage }));
        };
        let ended = self.worker.run(invocations, &mut |reply| match reply {
            Reply::Progress { id, done, total } => {
                if let Some((task, _)) = open.get(&id) {
                    let _ = reports.send(Report::Progress { key: task.action.key, done, total });
                }
            }
            Reply::Done { id, result, usage } => {
                if let Some((task, scratch)) = open.remove(&id) {
                    let meter = Meter::start();
                    let kept = keep(&place, task, result).map_err(Failure::Refused);
                    let kept = confirm(&confirmed, task, kept);
                    used.push(scratch);
                    finish(task.action.key, kept, usage.and(meter.stop()));
                }
            }
            Reply::Failed { id, diagnostic } => {
                if let Some((task, _scratch)) = open.remove(&id) {
                    finish(task.action.key, Err(Failure::Refused(diagnostic)), Usage::default());
                }
            }
            Reply::Alive | Reply::Hello { .. } | Reply::Confined(_) | Reply::Toolchain(_) => {}
        });
        self.spare.append(&mut used);
        if let Err(failure) = ended {
            for (task, _scratch) in open.into_values() {
                self.finish(task.action.key, Err(failure.clone()), Usage::default());
            }
        }
    }
}

/// Whether a folder is there and holds nothing.
fn is_empty(folder: &Path) -> bool {
    RealSystem.names(folder).is_ok_and(|names| names.is_empty())
}

/// A result of what it says it is of, or the failure that it is none.
fn confirm(confirmed: &Confirmed, task: &Task, result: Result<ActionResult, Failure>) -> Result<ActionResult, Failure> {
    let changed = result.is_ok().then(|| confirmed.changed(&task.sources)).flatten();
    changed.map_or(result, |changed| Err(Failure::Refused(changed)))
}

/// The bug that a panic is.
fn panicked(panic: &(dyn Any + Send)) -> Diagnostic {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Diagnostic::bug(format!("it panicked: {}", words.unwrap_or("it does not say why")))
}

/// What is wrong with what a task reads from the store. Workers open those
/// files by their paths, and what is made of a corrupt one would be kept as the
/// result of a sound one.
fn spoiled(store: &Store, task: &Task) -> Option<Failure> {
    let stored = task.inputs.iter().filter(|(digest, path)| **path == store.path(**digest)).map(|(digest, _)| *digest);
    stored.chain(task.action.packs.iter().copied()).find_map(|digest| match store.objects().ensure_sound(digest) {
        Ok(()) => None,
        Err(Unsound::Gone(why)) => Some(Failure::Spoiled(Diagnostic::warning(why).hint("it is made anew"))),
        Err(Unsound::Unreadable(why)) => Some(Failure::Refused(why)),
    })
}

/// Moves what a worker made from its scratch folder to where it belongs.
fn keep(place: &Place, task: &Task, produced: Produced) -> Result<ActionResult, Diagnostic> {
    let (store, key) = (&place.store, task.action.key);
    let artifacts = match &task.action.output {
        // An output is not kept a second time: its segments are.
        Some(output) => {
            let file = produced.files.first().ok_or_else(|| Diagnostic::bug("a join made no file"))?;
            vec![store.take_output(&place.root, output, file, key, place.force)?]
        }
        None => produced.files.iter().map(|file| store.insert_file(file)).collect::<Result<_, _>>()?,
    };
    let warnings = produced.warnings.iter().map(ToString::to_string).collect();
    Ok(ActionResult { artifacts, value: produced.value, warnings })
}

/// Materials of one task.
struct Located<'a> {
    inputs: &'a BTreeMap<Digest, PathBuf>,
    store: &'a Store,
}

impl Located<'_> {
    fn path(&self, digest: Digest) -> Result<&PathBuf, Diagnostic> {
        let path = self.inputs.get(&digest);
        path.ok_or_else(|| Diagnostic::bug(format!("an action reads {}, which it does not declare", digest.short())))
    }
}

impl Materials for Located<'_> {
    fn open(&self, digest: Digest) -> Result<Box<dyn std::io::Read>, Diagnostic> {
        let path = self.path(digest)?;
        let file = RealSystem.open(path).map_err(|error| inputs::cannot("read", path, &error))?;
        Ok(file)
    }

    fn read(&self, digest: Digest) -> Result<Vec<u8>, Diagnostic> {
        let path = self.path(digest)?;
        if *path == self.store.path(digest) {
            // Which notices what rotted, and removes it to be made anew.
            return self.store.read(digest);
        }
        RealSystem.read(path).map_err(|error| inputs::cannot("read", path, &error))
    }
}
