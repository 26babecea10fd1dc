//! The pool: one thread for each action that may run at once, each with a
//! worker process of its own that it starts when it needs one.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::base::{Diagnostic, Digest};
use crate::exec::inline::{self, Logs, Materials};
use crate::exec::keeper::{Keeper, Made, confirm, panicked};
use crate::exec::mailbox::{Receiver, Sender, mailbox};
use crate::exec::sources::Confirmed;
use crate::exec::task::{Finished, Job, Place, Report, Task};
use crate::exec::worker::{Failure, Killer, Worker};
use crate::graph::FileInput;
use crate::inputs::meter::Meter;
use crate::inputs::{self, Placed, RealSystem, System};
use crate::model::protocol::Reply;
use crate::model::{ActionKey, ActionResult, Runs, Usage};
use crate::store::Store;
use crate::store::objects::Unsound;
use crate::telemetry::columns::{Scratch, Source};

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
                let (jobs, queue) = mailbox::<Job>(usize::MAX);
                let work = move || {
                    for Job { tasks, position } in queue {
                        bench.run(tasks);
                        let kept = bench.worker.resident_mib();
                        bench.say(Report::Idle { slot: index, position, kept });
                    }
                    bench.keeper.end();
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
        jobs.send(job);
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
        let (sender, reports) = mailbox(usize::MAX);
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
        let reports = self.sender.clone();
        let keeper = Keeper::new(place.clone(), confirmed.clone(), reports.clone());
        let bench = Bench { worker, place, logs, confirmed, reports, keeper, own: None };
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

    /// Gives a slot that is busy what it does after that.
    pub fn queue(&mut self, slot: usize, job: Job) {
        if let Some(found) = self.slots.get_mut(slot) {
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
            sender.send(Report::Hashed { file, result, elapsed: started.elapsed() });
        });
    }

    /// Where threads outside of the pool send their reports.
    pub fn reporter(&self) -> Sender<Report> {
        self.sender.clone()
    }

    /// The next report, if one comes within `wait`.
    pub fn report(&self, wait: Duration) -> Option<Report> {
        self.reports.next_within(wait)
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

/// What a slot's thread works with.
struct Bench {
    worker: Worker,
    place: Place,
    logs: Logs,
    confirmed: Confirmed,
    reports: Sender<Report>,
    keeper: Keeper,
    /// The folder in which scratch folders lie: all that the worker may write to.
    /// Once there is one.
    own: Option<TempDir>,
}

impl Bench {
    /// An empty folder for an action.
    fn scratch(&mut self) -> Result<TempDir, Diagnostic> {
        if let Some(folder) = self.keeper.spare() {
            return Ok(folder);
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
        self.reports.send(report);
    }

    fn fail(&self, key: ActionKey, failure: Failure) {
        let (elapsed, usage) = (Duration::ZERO, Usage::default());
        self.say(Report::Finished(Finished { key, result: Err(failure), elapsed, usage }));
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
            // What it says of this work belongs to no other.
            self.worker.stop();
            for key in keys {
                self.fail(key, Failure::Refused(problem.clone()));
            }
        }
    }

    fn work(&mut self, mut tasks: Vec<Task>) {
        tasks.retain(|task| match spoiled(&self.place.store, task) {
            None => true,
            Some(failure) => {
                self.fail(task.action.key, failure);
                false
            }
        });
        let (media, inline): (Vec<_>, Vec<_>) =
            tasks.into_iter().partition(|task| task.action.spec.kind().runs == Runs::Media);
        for task in inline {
            let (started, meter) = (Instant::now(), Meter::start());
            let result = self.run_inline(&task).map_err(Failure::Refused);
            let result = confirm(&self.confirmed, &task, result);
            let (key, elapsed, usage) = (task.action.key, started.elapsed(), meter.stop());
            self.say(Report::Finished(Finished { key, result, elapsed, usage }));
        }
        if !media.is_empty() {
            self.run_media(media);
        }
    }

    fn run_inline(&mut self, task: &Task) -> Result<ActionResult, Diagnostic> {
        let materials = Located { inputs: &task.inputs, store: &self.place.store };
        let mut artifact = self.place.store.writer();
        let made = inline::run(&task.action.spec, &materials, &self.logs, &mut artifact)?;
        let artifact = match &task.action.output {
            // An output is not kept a second time.
            Some(output) => {
                let scratch = self.scratch()?;
                let file = scratch.path().join("output");
                artifact.into_file(&file)?;
                self.place.store.take_output(&self.place.root, output, &file, task.action.key, self.place.force)?
            }
            None => artifact.keep()?,
        };
        Ok(ActionResult { artifacts: vec![artifact], value: made.value, warnings: made.warnings })
    }

    fn run_media(&mut self, tasks: Vec<Task>) {
        let mut open: BTreeMap<u64, (Task, TempDir)> = BTreeMap::new();
        let mut invocations = Vec::new();
        for (id, task) in (0..).zip(tasks) {
            match self.scratch() {
                Ok(scratch) => {
                    invocations.push(task.invocation(id, scratch.path().to_owned()));
                    open.insert(id, (task, scratch));
                }
                Err(problem) => self.fail(task.action.key, Failure::Refused(problem)),
            }
        }
        if invocations.is_empty() {
            return;
        }
        let Bench { worker, keeper, reports, .. } = self;
        let started = Instant::now();
        let sharing = u32::try_from(open.len()).unwrap_or(u32::MAX).max(1);
        let ended = worker.run(invocations, &mut |reply| match reply {
            Reply::Progress { id, done, total } => {
                if let Some((task, _)) = open.get(&id) {
                    reports.send(Report::Progress { key: task.action.key, done, total });
                }
            }
            Reply::Done { id, result, usage } => {
                if let Some((task, scratch)) = open.remove(&id) {
                    let elapsed = started.elapsed() / sharing;
                    keeper.keep(Made { task, produced: result, elapsed, usage, scratch });
                }
            }
            Reply::Failed { id, diagnostic } => {
                if let Some((task, _scratch)) = open.remove(&id) {
                    let (key, result) = (task.action.key, Err(Failure::Refused(diagnostic)));
                    let (elapsed, usage) = (started.elapsed(), Usage::default());
                    reports.send(Report::Finished(Finished { key, result, elapsed, usage }));
                }
            }
            Reply::Mistrusted { device, why } => reports.send(Report::Mistrusted { device, why }),
            Reply::Alive | Reply::Hello { .. } | Reply::Confined(_) | Reply::Toolchain(_) => {}
        });
        if let Err(failure) = ended {
            for (task, _scratch) in open.into_values() {
                self.fail(task.action.key, failure.clone());
            }
        }
    }
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

    // What lies in the store was compared with its digest before the action began.
    fn placed(&self, digest: Digest) -> Result<Box<dyn Source>, Diagnostic> {
        let path = self.path(digest)?;
        let file = Placed::open(path).map_err(|error| inputs::cannot("read", path, &error))?;
        Ok(Box::new(file))
    }

    fn scratch(&self) -> Result<Box<dyn Scratch>, Diagnostic> {
        Ok(Box::new(self.store.scratch_file()?))
    }
}
