//! What autocut remembers: artifacts by their content, results of actions by
//! their keys, and what was cheap to note and dear to find out.
//!
//! The life of a result:
//!
//! - *unknown*: neither the log nor the index has its key. The action runs in a
//!   [scratch folder](Store::scratch).
//! - *made*: its files were [inserted](Store::insert_file) as objects. Nobody
//!   refers to them yet; a crash now leaves objects that gc removes.
//! - *recorded*: [`Store::record`] appended it to the log and then to the index.
//!   In this order, objects before the record before the index, a crash at any
//!   moment leaves what is known true: the index catches up with the log when
//!   the store is opened.
//! - *hollow*: recorded, but an object of it is gone (gc, a person, a power
//!   cut). [`Store::missing_objects`] tells, and the action runs again.
//!
//! Paths in the store are relative, so a project that is moved or copied with
//! its store finds everything again; files whose inodes changed are hashed once
//! more. Nothing in here knows what a video is.
//!
//! Everything can be called from any thread. Whatever creates objects, records
//! or scratch folders, and gc, is for the holder of the [lock](Store::lock).

mod caches;
mod compare;
pub mod gc;
mod index;
mod layout;
pub mod lock;
pub mod objects;
pub mod outputs;
mod records;
mod snapshot;
pub mod space;
pub mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::base::{Diagnostic, Digest, UtcTime};
use crate::inputs::{Remembered, System, cannot};
use crate::model::{ActionKey, ActionResult, Artifact};

use self::index::{Index, Trouble};
use self::layout::Layout;
use self::records::{Log, Record};

pub use self::compare::{Differs, compare, copy_out};
pub use self::gc::{Collected, KindSize, Limit, Live, Sizes};
pub use self::index::PastRun;
pub use self::lock::{Attempt, Holder, Lock};
pub use self::objects::{ObjectState, Objects};
pub use self::outputs::{OutputState, make_folder, write_file, write_page};
pub use self::records::{ActionRecord, OutputRecord, Position};
pub use self::snapshot::Snapshot;
pub use self::space::Space;
pub use self::verify::Inspection;

/// A store, open.
#[derive(Debug)]
pub struct Store {
    layout: Layout,
    objects: Objects,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    layout: Layout,
    index: Index,
    log: Log,
}

/// Now, as records state it.
fn now() -> UtcTime {
    UtcTime(crate::inputs::RealSystem.now_ns())
}

impl Store {
    /// Opens the store in the folder `root`, and makes one where there is none.
    /// An index that is damaged or of another version is built anew from the
    /// log. Errors: the folder cannot be written, is of a newer format, or holds
    /// something else.
    pub fn open(root: &Path) -> Result<Store, Diagnostic> {
        let layout = Layout::open(root)?;
        let objects = Objects::new(layout.objects(), layout.temporary());
        let inner = Mutex::new(Inner::open(layout.clone())?);
        Ok(Store { layout, objects, inner })
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.layout.root
    }

    /// Takes the lock if it is free; `what` is told to those who wait for it.
    pub fn try_lock(&self, what: &str) -> Result<Attempt, Diagnostic> {
        let attempt = Lock::attempt(&self.layout.lock(), what)?;
        if matches!(attempt, Attempt::Taken(_)) {
            lock::clear(&self.layout.temporary())?;
        }
        Ok(attempt)
    }

    /// Waits for the lock; `waiting` is told each holder once, and `None` comes
    /// back when `give_up` (asked 20 times a second) says so. Whoever had to
    /// wait should take a new snapshot: the work may be done by now.
    pub fn lock(
        &self,
        what: &str,
        waiting: &mut dyn FnMut(&Holder),
        give_up: &dyn Fn() -> bool,
    ) -> Result<Option<Lock>, Diagnostic> {
        let lock = Lock::wait(&self.layout.lock(), what, waiting, give_up)?;
        if lock.is_some() {
            lock::clear(&self.layout.temporary())?;
        }
        Ok(lock)
    }

    /// An empty folder for one action, on the store's file system; it goes when
    /// the value is dropped.
    pub fn scratch(&self) -> Result<tempfile::TempDir, Diagnostic> {
        let folder = self.layout.temporary();
        tempfile::Builder::new()
            .prefix("action-")
            .tempdir_in(&folder)
            .map_err(|error| cannot("make a scratch folder in", &folder, &error))
    }

    /// The room on the store's disk.
    pub fn space(&self) -> Result<Space, Diagnostic> {
        Space::of(self.root())
    }

    /// The objects themselves.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// See [`Objects::insert_file`].
    pub fn insert_file(&self, file: &Path) -> Result<Artifact, Diagnostic> {
        self.objects.insert_file(file)
    }

    /// See [`Objects::insert_bytes`].
    pub fn insert_bytes(&self, bytes: &[u8]) -> Result<Artifact, Diagnostic> {
        self.objects.insert_bytes(bytes)
    }

    /// See [`Objects::read`].
    pub fn read(&self, digest: Digest) -> Result<Vec<u8>, Diagnostic> {
        self.objects.read(digest)
    }

    /// Where the object is or would be.
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.objects.path(digest)
    }

    /// Those of `artifacts` that are not there whole, in order, each once. (The
    /// artifact of an action that wrote an output is in that output instead;
    /// ask [`Store::output_state`] about it.)
    pub fn missing_objects(&self, artifacts: &[Artifact]) -> Vec<Digest> {
        self.objects.missing(artifacts)
    }

    /// Every result that is known now, for planning.
    pub fn snapshot(&self) -> Result<Snapshot, Diagnostic> {
        self.with(|inner| {
            inner.catch_up()?;
            inner.index.snapshot()
        })
    }

    /// What came of one action, if it is known and all of its artifacts are
    /// there, as objects or as outputs that were recorded.
    pub fn result(&self, key: ActionKey) -> Result<Option<ActionResult>, Diagnostic> {
        let Some(result) = self.with(|inner| inner.index.result(key))? else { return Ok(None) };
        let missing = self.missing_objects(&result.artifacts);
        if missing.is_empty() {
            return Ok(Some(result));
        }
        let outputs = self.outputs()?;
        let held = |digest: &Digest| outputs.iter().any(|output| output.written.digest == *digest);
        Ok(missing.iter().all(held).then_some(result))
    }

    /// Remembers what actions made, all or none of them. Their objects must
    /// have been inserted. Costs about the same for one as for a hundred.
    pub fn record(&self, done: Vec<ActionRecord>) -> Result<(), Diagnostic> {
        self.append(done.into_iter().map(|done| Record::Action(Box::new(done))).collect())
    }

    /// Forgets results that turned out to be worthless.
    pub fn forget(&self, keys: Vec<ActionKey>) -> Result<(), Diagnostic> {
        self.append(vec![Record::Forgotten(keys)])
    }

    /// The last success of a node, for explanations and for estimates.
    pub fn last_success(&self, node: &str) -> Result<Option<PastRun>, Diagnostic> {
        self.with(|inner| inner.index.last_success(node))
    }

    /// The last success of every node, in order of their names.
    pub fn last_successes(&self) -> Result<Vec<PastRun>, Diagnostic> {
        self.with(|inner| inner.index.last_successes())
    }

    /// The labelled key fields, as JSON, that were recorded with a result.
    pub fn spec(&self, key: ActionKey) -> Result<Option<String>, Diagnostic> {
        self.with(|inner| inner.index.spec(key))
    }

    /// Says which results the plan of a build is made of, node by node: they
    /// become the last success of their nodes and the last that gc removes.
    /// Writes nothing if the same plan was marked within the hour, so that a
    /// build with nothing to do stays without a write.
    pub fn mark_used(&self, plan: &[(String, ActionKey)]) -> Result<(), Diagnostic> {
        self.with(|inner| inner.index.mark_used(plan, now()))
    }

    /// The digests of all files ever hashed, by name.
    pub fn files(&self) -> Result<BTreeMap<String, Remembered>, Diagnostic> {
        self.with(|inner| inner.index.files())
    }

    pub fn remember_files(&self, files: &[(String, Remembered)]) -> Result<(), Diagnostic> {
        if files.is_empty() {
            return Ok(());
        }
        self.with(|inner| inner.index.remember_files(files))
    }

    pub fn forget_files(&self, names: &[String]) -> Result<(), Diagnostic> {
        self.with(|inner| inner.index.forget_files(names))
    }

    /// What the toolchain said of itself when `key` was all that could be seen
    /// of it from outside.
    pub fn toolchain(&self, key: Digest) -> Result<Option<Vec<u8>>, Diagnostic> {
        self.with(|inner| inner.index.toolchain(key))
    }

    pub fn remember_toolchain(&self, key: Digest, value: &[u8]) -> Result<(), Diagnostic> {
        self.with(|inner| inner.index.remember_toolchain(key, value))
    }

    /// Where the log of results ends now: as long as it does, nothing was done
    /// in the store.
    pub fn position(&self) -> Result<Position, Diagnostic> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).log.current_position()
    }

    /// Builds the index anew from the log. What only the index knew (digests of
    /// files, times of use) is found out again in time.
    pub fn rebuild_index(&self) -> Result<(), Diagnostic> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.replace_index().map_err(Trouble::into_diagnostic)
    }

    fn append(&self, records: Vec<Record>) -> Result<(), Diagnostic> {
        if records.is_empty() {
            return Ok(());
        }
        let (before, after) = self.inner.lock().unwrap_or_else(PoisonError::into_inner).log.append(&records)?;
        self.with(|inner| {
            if inner.index.position()? != Some(before) {
                return inner.catch_up();
            }
            inner.index.apply(false, &mut |each| {
                records.iter().try_for_each(&mut *each)?;
                Ok(after)
            })
        })
    }

    /// Works on the index. If that turns out to be unusable it is built anew
    /// and the work is tried once more.
    fn with<T>(&self, work: impl Fn(&mut Inner) -> Result<T, Trouble>) -> Result<T, Diagnostic> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let done = match work(&mut inner) {
            Err(Trouble::Unusable(_)) => inner.replace_index().and_then(|()| work(&mut inner)),
            done => done,
        };
        done.map_err(Trouble::into_diagnostic)
    }
}

impl Inner {
    fn open(layout: Layout) -> Result<Inner, Diagnostic> {
        let path = layout.index();
        let index = match Index::open(&path) {
            Err(Trouble::Unusable(_)) => {
                Index::set_aside(&path)?;
                Index::open(&path)
            }
            opened => opened,
        };
        let index = index.map_err(Trouble::into_diagnostic)?;
        let log = match Log::open(&layout.log())? {
            Some(log) => log,
            None => write_log(&layout, &index).map_err(Trouble::into_diagnostic)?,
        };
        let mut inner = Inner { layout, index, log };
        match inner.catch_up() {
            Err(Trouble::Unusable(_)) => inner.replace_index(),
            done => done,
        }
        .map_err(Trouble::into_diagnostic)?;
        Ok(inner)
    }

    /// Brings the index to where the log ends.
    fn catch_up(&mut self) -> Result<(), Trouble> {
        // In this order: what another process appends in between must not look
        // as if the log had been cut short.
        let known = self.index.position()?;
        self.log.follow()?;
        let end = self.log.position()?;
        let (start, anew) = match known {
            Some(known) if known == end => return Ok(()),
            // Cut short behind our back: the index still knows all of it.
            Some(known) if known.generation == end.generation && known.end > end.end => return self.rewrite_log(),
            Some(known) if known.generation == end.generation => (known.end, false),
            _ => (0, true),
        };
        let Inner { index, log, .. } = self;
        index.apply(anew, &mut |each| log.read(start, &mut |record| each(&record)))
    }

    /// Takes in all of the log once more, over what the index knows.
    fn read_log_again(&mut self) -> Result<(), Trouble> {
        let Inner { index, log, .. } = self;
        index.apply(false, &mut |each| log.read(0, &mut |record| each(&record)))
    }

    /// Writes the log anew from the index: without what no longer holds.
    fn rewrite_log(&mut self) -> Result<(), Trouble> {
        self.log = write_log(&self.layout, &self.index)?;
        Ok(())
    }

    /// Sets the index aside and builds it from the log.
    fn replace_index(&mut self) -> Result<(), Trouble> {
        let path = self.layout.index();
        // Closed before its file is moved.
        drop(std::mem::replace(&mut self.index, Index::closed()?));
        Index::set_aside(&path)?;
        self.index = Index::open(&path)?;
        self.catch_up()
    }
}

fn write_log(layout: &Layout, index: &Index) -> Result<Log, Trouble> {
    let log = Log::create(&layout.log(), &mut |write| index.each_record(write))?;
    index.set_position(log.position()?)?;
    Ok(log)
}

#[cfg(test)]
mod tests;
