//! A second store that several machines share: a [folder](Location::Folder) on
//! a network share, or a [bucket](Location::Bucket) of an S3-compatible
//! service. It holds results by the keys of their actions and objects by the
//! BLAKE3 of their content:
//!
//! | name | what |
//! | --- | --- |
//! | `objects/ab/cdef...` | artifacts, outputs included |
//! | `results/ab/cdef...` | an [entry] for each action |
//!
//! It is believed as little as possible. The life of something in it:
//!
//! - *absent*: nobody published it, or somebody cleaned up.
//! - *published*: objects first and the entry last, so whoever finds an entry
//!   finds its objects, unless they were removed since.
//! - *unreadable*: an entry or object that was cut, changed or is of another
//!   version. Everything that comes from there is compared with its checksum or
//!   digest before the local store sees it; what is unreadable is as good as
//!   absent, and is replaced when the result is published anew.
//!
//! Nothing in here decides when to ask. All calls wait until they are answered,
//! do as much as possible side by side, and belong on a thread of their own.
//! An error is always trouble with the shared store as a whole, as a warning:
//! the caller goes on without it.

mod access;
mod bucket;
mod entry;
mod folder;
mod location;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{Diagnostic, Digest};
use crate::inputs::cannot;
use crate::inputs::hash::digest_of;
use crate::model::{ActionKey, Artifact};

use self::bucket::Bucket;
use self::entry::Unreadable;
use self::folder::Folder;
use super::records::ActionRecord;

pub use self::access::Access;
pub use self::location::Location;

/// How many are asked for or moved at once, at most.
const SIDE_BY_SIDE: usize = 32;

/// What the shared store says of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Known(Box<ActionRecord>),
    Absent,
    /// Something is there that cannot be used, for this reason.
    Unreadable(&'static str),
}

/// What came of asking for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is where it was wanted, and what it should be.
    Here,
    Absent,
    /// Its content has another digest.
    Damaged,
}

/// A result to be published.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub record: ActionRecord,
    /// Where the content of each artifact is.
    pub files: Vec<(Artifact, PathBuf)>,
}

/// A shared store.
#[derive(Debug)]
pub struct Remote {
    location: Location,
    shelf: Box<dyn Shelf>,
    write: bool,
    activity: Activity,
    /// Objects that were found to be damaged there, by name; and those that are
    /// known to be there.
    objects: Mutex<BTreeMap<Digest, State>>,
    /// Results of another version, which are not ours to replace.
    foreign: Mutex<BTreeSet<ActionKey>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    There,
    Damaged,
}

/// Counts what moves, so that somebody else can tell waiting from being stuck.
#[derive(Clone, Debug, Default)]
struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    moved: AtomicU64,
    /// Calls whose answers are being worked on here.
    busy: AtomicUsize,
}

impl Activity {
    fn tick(&self) {
        self.0.moved.fetch_add(1, Ordering::Relaxed);
    }

    /// Nobody waits for the shared store while an answer is worked on.
    fn answered<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Busy<'a>(&'a Counts);
        impl Drop for Busy<'_> {
            fn drop(&mut self) {
                self.0.busy.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.0.busy.fetch_add(1, Ordering::Relaxed);
        let _busy = Busy(&self.0);
        work()
    }
}

/// Where named bytes lie. It knows nothing of what they are. Each call does its
/// work side by side, hands every answer over on the caller's thread as it
/// comes, with the index of the question, until that says `false`; the first
/// trouble ends it. Whatever the caller does with an answer, the others go on.
trait Shelf: Send + Sync + fmt::Debug {
    /// Reads each whole; `None` for what is not there. What is longer than
    /// `most` bytes comes cut or empty.
    fn read(
        &self,
        names: &[String],
        most: u64,
        each: &mut dyn FnMut(usize, Option<Vec<u8>>) -> bool,
    ) -> Result<(), Diagnostic>;

    /// Copies each to a new file; says whether it was there.
    fn download(&self, wanted: &[Download], each: &mut dyn FnMut(usize, bool) -> bool) -> Result<(), Diagnostic>;

    /// Writes each, so that nobody sees half of it.
    fn write(&self, entries: &[(String, Vec<u8>)], each: &mut dyn FnMut(usize) -> bool) -> Result<(), Diagnostic>;

    /// Copies each file there, if it is not there yet.
    fn upload(&self, files: &[Upload], each: &mut dyn FnMut(usize, Uploaded) -> bool) -> Result<(), Diagnostic>;
}

#[derive(Clone, Debug)]
struct Download {
    name: String,
    to: PathBuf,
    /// Bytes that are expected: more are not wanted.
    bytes: u64,
}

#[derive(Clone, Debug)]
struct Upload {
    name: String,
    from: PathBuf,
    artifact: Artifact,
    /// Also over what is there with the right size.
    replace: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uploaded {
    There,
    /// The local file is gone or holds something else by now.
    Changed,
}

impl Remote {
    /// Prepares for using a shared store; nothing is asked of it yet. `access`
    /// is for a bucket. Without `write` it is never changed.
    pub fn new(location: &Location, access: &Access, write: bool) -> Remote {
        let activity = Activity::default();
        let shelf: Box<dyn Shelf> = match location {
            Location::Folder(folder) => Box::new(Folder::new(folder.clone(), write, activity.clone())),
            Location::Bucket { bucket, prefix } => {
                Box::new(Bucket::new(bucket, prefix, access.clone(), activity.clone()))
            }
        };
        Remote {
            location: location.clone(),
            shelf,
            write,
            activity,
            objects: Mutex::default(),
            foreign: Mutex::default(),
        }
    }

    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Whether it may be written.
    pub fn is_writable(&self) -> bool {
        self.write
    }

    /// A number that grows while anything moves, and while what came is looked
    /// through and put away here.
    pub fn activity(&self) -> u64 {
        if self.activity.0.busy.load(Ordering::Relaxed) > 0 {
            self.activity.tick();
        }
        self.activity.0.moved.load(Ordering::Relaxed)
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<Digest, State>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn foreign(&self) -> MutexGuard<'_, BTreeSet<ActionKey>> {
        self.foreign.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks what is known of these actions. Answers come in any order, until
    /// `each` says `false`.
    pub fn results(
        &self,
        keys: &[ActionKey],
        each: &mut dyn FnMut(ActionKey, Found) -> bool,
    ) -> Result<(), Diagnostic> {
        let names: Vec<String> = keys.iter().map(|key| name("results", key.0)).collect();
        self.shelf.read(&names, entry::MOST, &mut |index, bytes| {
            let Some(key) = keys.get(index).copied() else { return true };
            let found = match bytes.map(|bytes| entry::decode(&bytes, key)) {
                None => Found::Absent,
                Some(Ok(record)) => Found::Known(Box::new(record)),
                Some(Err(Unreadable::Damaged)) => Found::Unreadable("is damaged"),
                Some(Err(Unreadable::OtherVersion)) => {
                    self.foreign().insert(key);
                    Found::Unreadable("was written by another version of autocut")
                }
            };
            each(key, found)
        })
    }

    /// Copies artifacts to new files and compares their digests. A file that is
    /// not [`Fetched::Here`] is removed. Answers come in any order.
    pub fn files(
        &self,
        wanted: &[(Artifact, PathBuf)],
        each: &mut dyn FnMut(usize, Fetched) -> bool,
    ) -> Result<(), Diagnostic> {
        let download = |(artifact, to): &(Artifact, PathBuf)| Download {
            name: name("objects", artifact.digest),
            to: to.clone(),
            bytes: artifact.bytes,
        };
        let downloads: Vec<Download> = wanted.iter().map(download).collect();
        let mut failed = None;
        self.shelf.download(&downloads, &mut |index, there| {
            let Some((artifact, path)) = wanted.get(index) else { return true };
            // A large file takes a while to compare, and then to be put away.
            self.activity.answered(|| {
                let state = match there {
                    false => Ok(Fetched::Absent),
                    true => verified(*artifact, path),
                };
                match state {
                    Ok(state) => {
                        match state {
                            Fetched::Here => self.objects().insert(artifact.digest, State::There),
                            Fetched::Damaged => self.objects().insert(artifact.digest, State::Damaged),
                            Fetched::Absent => self.objects().remove(&artifact.digest),
                        };
                        each(index, state)
                    }
                    Err(problem) => {
                        failed = Some(problem);
                        false
                    }
                }
            })
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Publishes results, the objects of all of them before the first entry.
    /// `each` is told which are there now; those whose files are gone or changed
    /// meanwhile are passed over.
    pub fn publish(&self, parcels: &[Parcel], each: &mut dyn FnMut(ActionKey)) -> Result<(), Diagnostic> {
        if !self.write {
            return Err(Diagnostic::bug("a shared store that is only read was to be written"));
        }
        let mut sound: BTreeSet<Digest> = BTreeSet::new();
        let mut uploads: BTreeMap<Digest, Upload> = BTreeMap::new();
        for (artifact, from) in parcels.iter().flat_map(|parcel| &parcel.files) {
            let state = self.objects().get(&artifact.digest).copied();
            if state == Some(State::There) {
                sound.insert(artifact.digest);
            } else {
                let replace = state == Some(State::Damaged);
                let name = name("objects", artifact.digest);
                uploads.insert(artifact.digest, Upload { name, from: from.clone(), artifact: *artifact, replace });
            }
        }
        let uploads: Vec<Upload> = uploads.into_values().collect();
        self.shelf.upload(&uploads, &mut |index, uploaded| {
            if let (Some(upload), Uploaded::There) = (uploads.get(index), uploaded) {
                self.objects().insert(upload.artifact.digest, State::There);
                sound.insert(upload.artifact.digest);
            }
            true
        })?;
        let complete = |parcel: &&Parcel| {
            let key = parcel.record.key;
            let all = parcel.record.result.artifacts.iter().all(|artifact| sound.contains(&artifact.digest));
            all && !self.foreign().contains(&key)
        };
        let (keys, entries): (Vec<ActionKey>, Vec<(String, Vec<u8>)>) = parcels
            .iter()
            .filter(complete)
            .map(|parcel| (parcel.record.key, (name("results", parcel.record.key.0), entry::encode(&parcel.record))))
            .unzip();
        self.shelf.write(&entries, &mut |index| {
            keys.get(index).copied().into_iter().for_each(&mut *each);
            true
        })
    }
}

/// `objects/ab/cdef...`
fn name(folder: &str, digest: Digest) -> String {
    let hex = digest.to_string();
    format!("{folder}/{}/{}", &hex[..2], &hex[2..])
}

/// Compares a file that came from elsewhere with what it should be, and removes
/// it if it is something else.
fn verified(artifact: Artifact, path: &Path) -> Result<Fetched, Diagnostic> {
    let failed = |error: io::Error| cannot("read", path, &error);
    let mut file = fs::File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes == artifact.bytes && digest_of(&mut file, bytes, &|_| {}).map_err(failed)? == artifact.digest {
        return Ok(Fetched::Here);
    }
    fs::remove_file(path).map_err(|error| cannot("remove", path, &error))?;
    Ok(Fetched::Damaged)
}

#[cfg(test)]
mod tests;
