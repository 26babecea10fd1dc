//! What workers made goes to where it belongs on a thread of its own, so that a
//! worker does the next while the last is hashed, moved and, if it is an output,
//! synced: a disk may take longer for that than a small action takes in all.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use crate::base::Diagnostic;
use crate::exec::mailbox::{Sender, mailbox};
use crate::exec::sources::Confirmed;
use crate::exec::task::{Finished, Place, Report, Task};
use crate::exec::worker::Failure;
use crate::inputs::meter::Meter;
use crate::inputs::{RealSystem, System};
use crate::model::protocol::Produced;
use crate::model::{ActionResult, Usage};

/// How many results may wait to be kept: a disk that is slower than the workers
/// holds them up, instead of scratch folders filling it.
const MOST_WAITING: usize = 2;

/// An action that a worker has done.
pub(super) struct Made {
    pub(super) task: Task,
    pub(super) produced: Produced,
    pub(super) elapsed: Duration,
    pub(super) usage: Usage,
    /// Holds the files.
    pub(super) scratch: TempDir,
}

/// Keeps what one worker makes.
pub(super) struct Keeper {
    place: Place,
    confirmed: Confirmed,
    reports: Sender<Report>,
    spare: Spare,
    thread: Option<(Sender<Made>, JoinHandle<()>)>,
}

impl Keeper {
    pub(super) fn new(place: Place, confirmed: Confirmed, reports: Sender<Report>) -> Self {
        Keeper { place, confirmed, reports, spare: Spare::default(), thread: None }
    }

    /// An empty folder that an action had before.
    pub(super) fn spare(&self) -> Option<TempDir> {
        self.spare.take()
    }

    /// Keeps a result and reports the end of its action, later.
    pub(super) fn keep(&mut self, made: Made) {
        let (made_here, _) = self.thread.get_or_insert_with(|| {
            let (sender, queue) = mailbox::<Made>(MOST_WAITING);
            let (place, confirmed) = (self.place.clone(), self.confirmed.clone());
            let (reports, spare) = (self.reports.clone(), self.spare.clone());
            let work = move || {
                for Made { task, produced, elapsed, usage, scratch } in queue {
                    let meter = Meter::start();
                    let kept = AssertUnwindSafe(|| {
                        let kept = keep(&place, &task, produced).map_err(Failure::Refused);
                        confirm(&confirmed, &task, kept)
                    });
                    // Without a report the driver would wait for ever.
                    let result = catch_unwind(kept).unwrap_or_else(|panic| Err(Failure::Refused(panicked(&*panic))));
                    spare.put(scratch);
                    let usage = usage.and(meter.stop());
                    // Nobody listens any more only when the pool is gone.
                    reports.send(Report::Finished(Finished { key: task.action.key, result, elapsed, usage }));
                }
            };
            (sender, std::thread::spawn(work))
        });
        // The thread holds the other end until this is ended.
        made_here.send(made);
    }

    /// Waits until everything is kept.
    pub(super) fn end(&mut self) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// Scratch folders that are empty again. To make one and remove it is half of
/// what an action costs that does little.
#[derive(Clone, Default)]
struct Spare(Arc<Mutex<Vec<TempDir>>>);

impl Spare {
    fn take(&self) -> Option<TempDir> {
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another build may have cleared one away since.
        std::iter::from_fn(|| folders.pop()).find(|folder| is_empty(folder.path()))
    }

    fn put(&self, folder: TempDir) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(folder);
    }
}

/// Whether a folder is there and holds nothing.
fn is_empty(folder: &Path) -> bool {
    RealSystem.names(folder).is_ok_and(|names| names.is_empty())
}

/// A result of what it says it is of, or the failure that it is none.
pub(super) fn confirm(
    confirmed: &Confirmed,
    task: &Task,
    result: Result<ActionResult, Failure>,
) -> Result<ActionResult, Failure> {
    let changed = result.is_ok().then(|| confirmed.changed(&task.sources)).flatten();
    changed.map_or(result, |changed| Err(Failure::Refused(changed)))
}

/// The bug that a panic is.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Diagnostic {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Diagnostic::bug(format!("it panicked: {}", words.unwrap_or("it does not say why")))
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
