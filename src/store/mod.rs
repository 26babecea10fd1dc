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
//! - *adopted*: [`Store::adopt`] recorded it as it came from a
//!   [shared store](remote), where its objects are.
//! - *hollow*: recorded, but an object of it is gone (gc, a person, a power
//!   cut) or not fetched yet. [`Objects::contains`] tells, and it is fetched, or
//!   the action runs again.
//!
//! Paths in the store are relative, so a project that is moved or copied with
//! its store finds everything again; files whose inodes changed are hashed once
//! more. Nothing in here knows what a video is.
//!
//! Everything can be called from any thread. Whatever creates objects, records
//! or scratch folders, and gc, is for the holder of the [lock](Store::lock).

mod access;
mod builds;
mod caches;
pub mod clean;
mod compare;
mod failed;
pub mod gc;
mod index;
mod inner;
mod layout;
pub mod lock;
pub mod objects;
pub mod outputs;
mod records;
pub mod remote;
pub mod roots;
mod scratch;
mod snapshot;
pub mod space;
pub mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::{Diagnostic, Digest, UtcTime};
use crate::inputs::{RealSystem, Remembered, System, cannot};
use crate::model::{ActionKey, Artifact};

use self::index::Trouble;
use self::inner::Inner;
use self::layout::Layout;
use self::records::Record;

pub use self::builds::KEPT as KEPT_BUILDS;
pub use self::compare::{Differs, compare, copy_out};
pub use self::gc::{Collected, KindSize, Limit, Live, Sizes};
pub use self::index::PastRun;
pub use self::layout::VERSION as FORMAT;
pub use self::lock::{Holder, Lock};
pub use self::objects::{ObjectState, ObjectWriter, Objects};
pub use self::outputs::{OutputState, make_folder, unwritable, write_file, write_page};
pub use self::records::{ActionRecord, BuildOutcome, BuildRecord, BuiltAction, KindCount, OutputRecord, Position};
pub use self::remote::Location;
pub use self::roots::Root;
pub use self::scratch::ScratchFile;
pub use self::snapshot::Snapshot;
pub use self::space::Space;
pub use self::verify::Inspection;

/// A store, open.
#[derive(Debug)]
pub struct Store {
    layout: Layout,
    /// The project that it was opened for: "" for the one whose folder it lies
    /// directly in, else its path.
    project: String,
    objects: Objects,
    inner: Mutex<Inner>,
    /// Why nothing can be written into it, if that is so.
    read_only: Option<Diagnostic>,
}

/// Now, as records state it.
fn now() -> UtcTime {
    UtcTime(RealSystem.now_ns())
}

impl Store {
    /// Opens the store in the folder `root` for the project that it lies in, and
    /// makes one where there is none. An index that is damaged or of another
    /// version is built anew from the log. Errors: the folder cannot be written,
    /// is of a newer format, or holds something else.
    pub fn open(root: &Path) -> Result<Store, Diagnostic> {
        Self::open_in(Layout::open(root)?, String::new())
    }

    /// [`open`](Self::open) for the project in the folder `project`, which may
    /// be elsewhere: several projects can share one store. They share results
    /// and objects; outputs, nodes, builds and digests of files are each
    /// project's own.
    pub fn open_for(root: &Path, project: &Path) -> Result<Store, Diagnostic> {
        let layout = Layout::open(root)?;
        // Only now, when it is there for sure: a path that is not has no other.
        let canonical = |path: &Path| RealSystem.canonical(path).unwrap_or_else(|_| path.to_owned());
        let project = canonical(project);
        let inside = canonical(root).parent() == Some(&project);
        Self::open_in(layout, if inside { String::new() } else { project.to_string_lossy().into_owned() })
    }

    fn open_in(layout: Layout, project: String) -> Result<Store, Diagnostic> {
        let objects = Objects::new(layout.objects(), layout.temporary());
        let read_only = access::read_only(&layout);
        let inner = match read_only {
            None => Inner::open(&layout)?,
            Some(_) => Inner::open_privately(&layout)?,
        };
        Ok(Store { layout, project, objects, inner: Mutex::new(inner), read_only })
    }

    /// Why nothing can be written into the store, if that is so: its file system
    /// is read-only, or this user lacks the rights. What it holds can be used,
    /// and what is found out meanwhile is forgotten at the end.
    pub fn read_only(&self) -> Option<&Diagnostic> {
        self.read_only.as_ref()
    }

    /// The error for what has to write into the store.
    pub fn require_writable(&self) -> Result<(), Diagnostic> {
        self.read_only.clone().map_or(Ok(()), Err)
    }

    /// What people should know although the store can be used.
    pub fn warning(&self) -> Option<Diagnostic> {
        self.inner().warning()
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.layout.root
    }

    /// Whether it lies in the project that it was opened for.
    pub fn is_in_project(&self) -> bool {
        self.project.is_empty()
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
        self.scratch_in(&self.layout.temporary())
    }

    /// The same within another one.
    pub fn scratch_in(&self, folder: &Path) -> Result<tempfile::TempDir, Diagnostic> {
        tempfile::Builder::new()
            .prefix("action-")
            .tempdir_in(folder)
            .map_err(|error| cannot("make a scratch folder in", folder, &error))
    }

    /// A file without a name for what an action needs while it runs.
    pub fn scratch_file(&self) -> Result<ScratchFile, Diagnostic> {
        let folder = self.layout.temporary();
        ScratchFile::new_in(&folder).map_err(|error| cannot("make a scratch file in", &folder, &error))
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

    /// See [`Objects::writer`].
    pub fn writer(&self) -> ObjectWriter {
        self.objects.writer()
    }

    /// See [`Objects::read`].
    pub fn read(&self, digest: Digest) -> Result<Vec<u8>, Diagnostic> {
        self.objects.read(digest)
    }

    /// Where the object is or would be.
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.objects.path(digest)
    }

    /// Every result that is known now, for planning.
    pub fn snapshot(&self) -> Result<Snapshot, Diagnostic> {
        self.with(|inner| {
            inner.catch_up()?;
            inner.index.snapshot()
        })
    }

    /// Remembers what actions made, all or none of them. Their objects must
    /// have been inserted. Costs about the same for one as for a hundred.
    pub fn record(&self, done: Vec<ActionRecord>) -> Result<(), Diagnostic> {
        let record = |done| Record::Action(Box::new(done)).about(&self.project);
        self.append(done.into_iter().map(record).collect())
    }

    /// Remembers results that came from a shared store, all or none of them.
    /// Their objects may be there alone.
    pub fn adopt(&self, from: &Location, found: Vec<ActionRecord>) -> Result<(), Diagnostic> {
        if found.is_empty() {
            return Ok(());
        }
        let keys = found.iter().map(|found| found.key).collect();
        let records = found.into_iter().map(|found| Record::Action(Box::new(found)).about(&self.project));
        self.append(records.chain([Record::Shared { place: from.digest(), keys }]).collect())
    }

    /// Remembers that these results are in a shared store, with their objects.
    pub fn mark_shared(&self, by: &Location, keys: Vec<ActionKey>) -> Result<(), Diagnostic> {
        if keys.is_empty() {
            return Ok(());
        }
        self.append(vec![Record::Shared { place: by.digest(), keys }])
    }

    /// Those of the results that were [marked](Self::mark_shared) or adopted,
    /// in order.
    pub fn shared(&self, by: &Location) -> Result<Vec<ActionKey>, Diagnostic> {
        Ok(self.with(|inner| inner.index.shared())?.remove(&by.digest()).unwrap_or_default())
    }

    /// Whether the last that was offered to a shared store has this digest.
    pub fn is_offered(&self, offer: Digest) -> Result<bool, Diagnostic> {
        Ok(self.with(|inner| inner.index.offer())? == Some(offer))
    }

    pub fn mark_offered(&self, offer: Digest) -> Result<(), Diagnostic> {
        self.with(|inner| inner.index.set_offer(offer))
    }

    /// The whole records of those of these results that are known, in order.
    pub fn records(&self, keys: &[ActionKey]) -> Result<Vec<ActionRecord>, Diagnostic> {
        self.with(|inner| keys.iter().filter_map(|key| inner.index.record(*key).transpose()).collect())
    }

    /// Forgets results that turned out to be worthless.
    pub fn forget(&self, keys: Vec<ActionKey>) -> Result<(), Diagnostic> {
        self.append(vec![Record::Forgotten(keys)])
    }

    /// The last success of a node, for explanations and for estimates.
    pub fn last_success(&self, node: &str) -> Result<Option<PastRun>, Diagnostic> {
        self.with(|inner| inner.index.last_success(&self.project, node))
    }

    /// The last success of every node, in order of their names.
    pub fn last_successes(&self) -> Result<Vec<PastRun>, Diagnostic> {
        self.with(|inner| inner.index.last_successes(&self.project))
    }

    /// The labelled key fields, as JSON, that were recorded with a result.
    pub fn spec(&self, key: ActionKey) -> Result<Option<String>, Diagnostic> {
        self.with(|inner| inner.index.spec(key))
    }

    /// Says which results the plan of a build is made of, node by node: they
    /// become the last success of their nodes and the last that gc removes.
    /// Writes nothing if the same plan was marked within the hour, so that a
    /// build with nothing to do stays without a write; says whether it wrote.
    pub fn mark_used(&self, plan: &[(&str, ActionKey)]) -> Result<bool, Diagnostic> {
        self.with(|inner| inner.index.mark_used(&self.project, plan, now()))
    }

    /// The digests of all files of this project ever hashed, by name.
    pub fn files(&self) -> Result<BTreeMap<String, Remembered>, Diagnostic> {
        self.with(|inner| inner.index.files(&self.project))
    }

    pub fn remember_files(&self, files: &[(String, Remembered)]) -> Result<(), Diagnostic> {
        if files.is_empty() {
            return Ok(());
        }
        self.with(|inner| inner.index.remember_files(&self.project, files))
    }

    pub fn forget_files(&self, names: &[String]) -> Result<(), Diagnostic> {
        self.with(|inner| inner.index.forget_files(&self.project, names))
    }

    /// What the toolchain said of itself when `key` was all that could be seen
    /// of it from outside.
    pub fn toolchain(&self, key: Digest) -> Result<Option<Vec<u8>>, Diagnostic> {
        self.with(|inner| inner.index.toolchain(key))
    }

    pub fn remember_toolchain(&self, key: Digest, value: &[u8]) -> Result<(), Diagnostic> {
        self.with(|inner| inner.index.remember_toolchain(key, value))
    }

    /// What was learned of the memory that actions take; only a cache.
    pub fn estimates(&self) -> Result<Option<Vec<u8>>, Diagnostic> {
        self.with(|inner| inner.index.estimates())
    }

    pub fn remember_estimates(&self, estimates: &[u8]) -> Result<(), Diagnostic> {
        self.with(|inner| inner.index.remember_estimates(estimates))
    }

    /// Where the log of results ends now: as long as it does, nothing was done
    /// in the store.
    pub fn position(&self) -> Result<Position, Diagnostic> {
        self.inner().log.current_position()
    }

    /// Builds the index anew from the log. What only the index knew (digests of
    /// files, times of use) is found out again in time.
    pub fn rebuild_index(&self) -> Result<(), Diagnostic> {
        self.inner().replace_index().map_err(Trouble::into_diagnostic)
    }

    fn append(&self, records: Vec<Record>) -> Result<(), Diagnostic> {
        self.put(&records, false)
    }

    /// [`append`](Self::append), and a power cut afterwards takes nothing of it.
    fn append_synced(&self, records: Vec<Record>) -> Result<(), Diagnostic> {
        self.put(&records, true)
    }

    fn put(&self, records: &[Record], synced: bool) -> Result<(), Diagnostic> {
        if records.is_empty() {
            return Ok(());
        }
        self.require_writable()?;
        // Held from the log to the index: a log that was written anew in between,
        // from an index without these records, would be without them.
        let mut inner = self.inner();
        let (before, after) = inner.log.append(records)?;
        if synced {
            inner.log.sync()?;
        }
        attempt(&mut inner, |inner| {
            if inner.index.position()? != Some(before) {
                return inner.catch_up();
            }
            inner.index.apply(false, &mut |each| {
                records.iter().try_for_each(&mut *each)?;
                Ok(after)
            })
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl Fn(&mut Inner) -> Result<T, Trouble>) -> Result<T, Diagnostic> {
        attempt(&mut self.inner(), work)
    }
}

/// Works on the index. If that turns out to be unusable it is built anew and the
/// work is tried once more.
fn attempt<T>(inner: &mut Inner, work: impl Fn(&mut Inner) -> Result<T, Trouble>) -> Result<T, Diagnostic> {
    let done = match work(inner) {
        Err(Trouble::Unusable(_)) => inner.replace_index().and_then(|()| work(inner)),
        done => done,
    };
    done.map_err(Trouble::into_diagnostic)
}

#[cfg(test)]
mod tests;
