//! The log and the index of an open store, kept in step.
//!
//! The index usually lies beside the log. Where that cannot be (the store is
//! read-only, or its disk is full, or has no locks), it is *private*: a copy in
//! a temporary folder, brought up to date from the log, that goes with the
//! process. Results are as valid there; what else is noted is lost.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::{Diagnostic, Tier};
use crate::inputs::cannot;

use super::access::Journal;
use super::index::{Index, Trouble};
use super::layout::Layout;
use super::records::Log;

#[derive(Debug)]
pub(super) struct Inner {
    pub index: Index,
    pub log: Log,
    place: Place,
    log_path: PathBuf,
}

/// Where the index is.
#[derive(Debug)]
enum Place {
    Store(PathBuf, Journal),
    Private {
        /// `None` where it is in memory alone.
        folder: Option<tempfile::TempDir>,
        /// Why it is not in the store, unless nothing can be written there.
        why: Option<Diagnostic>,
    },
}

/// The file of a private index in its folder.
const COPY: &str = "index.sqlite";

impl Inner {
    /// Opens a store that may be written.
    pub(super) fn open(layout: &Layout) -> Result<Inner, Diagnostic> {
        let path = layout.index();
        let place = Place::Store(path.clone(), Journal::for_folder(&layout.root));
        let index = match place.open() {
            Err(Trouble::Unusable(_)) => Index::set_aside(&path).map_err(Trouble::from).and_then(|()| place.open()),
            opened => opened,
        };
        let opened = index.and_then(|index| Self::with_log(layout, place, index));
        match opened.map_err(Trouble::into_diagnostic) {
            // A full disk, a share without locks: what is known can be used.
            Err(why) if why.tier == Tier::Environment => Self::open_private(layout, Some(why)),
            opened => opened,
        }
    }

    /// Opens a store in which nothing can be written.
    pub(super) fn open_privately(layout: &Layout) -> Result<Inner, Diagnostic> {
        Self::open_private(layout, None)
    }

    fn open_private(layout: &Layout, why: Option<Diagnostic>) -> Result<Inner, Diagnostic> {
        let log = match Log::open(&layout.log()) {
            Err(problem) => Log::open_to_read(&layout.log()).map_err(|_| problem)?,
            Ok(log) => log,
        };
        let (place, index) = private(layout, why.clone())?;
        let log = match (log, why) {
            (Some(log), _) => log,
            // There has to be one, and it cannot be made: nothing is known.
            (None, Some(why)) => return Err(why),
            (None, None) => write_log(&place.stand_in(layout), &index).map_err(Trouble::into_diagnostic)?,
        };
        let mut inner = Inner { index, log, place, log_path: layout.log() };
        inner.catch_up_or_rebuild().map_err(Trouble::into_diagnostic)?;
        Ok(inner)
    }

    fn with_log(layout: &Layout, place: Place, index: Index) -> Result<Inner, Trouble> {
        let log = match Log::open(&layout.log())? {
            Some(log) => log,
            None => write_log(&layout.log(), &index)?,
        };
        let mut inner = Inner { index, log, place, log_path: layout.log() };
        inner.catch_up_or_rebuild()?;
        Ok(inner)
    }

    /// Why the index is not in the store although the store can be written.
    pub(super) fn warning(&self) -> Option<Diagnostic> {
        let Place::Private { why: Some(why), .. } = &self.place else { return None };
        let mut warning = Diagnostic { tier: Tier::Warning, ..why.clone() };
        warning.notes.push("what the store holds is used all the same".to_owned());
        Some(warning)
    }

    /// Brings the index to where the log ends.
    pub(super) fn catch_up(&mut self) -> Result<(), Trouble> {
        // In this order: what another process appends in between must not look
        // as if the log had been cut short.
        let known = self.index.position()?;
        self.log.follow()?;
        if known == Some(self.log.position()?) {
            return Ok(());
        }
        self.log.lock_to_read()?;
        let whole = self.take_in_new();
        self.log.unlock();
        if whole? { Ok(()) } else { self.restore_log() }
    }

    /// Takes in what the log has more than the index. `false` where it has less:
    /// it was cut short behind our back, and the index still knows all of it.
    /// Only with the log's lock.
    fn take_in_new(&mut self) -> Result<bool, Trouble> {
        let known = self.index.position()?;
        let end = self.log.position()?;
        let (start, anew) = match known {
            Some(known) if known == end => return Ok(true),
            Some(known) if known.generation == end.generation && known.end > end.end => return Ok(false),
            Some(known) if known.generation == end.generation => (known.end, false),
            _ => (0, true),
        };
        let Inner { index, log, .. } = self;
        index.apply(anew, &mut |each| log.read(start, &mut |record| each(&record)))?;
        Ok(true)
    }

    /// Writes a log anew that was cut short, unless another process did so while
    /// this one waited for its turn.
    fn restore_log(&mut self) -> Result<(), Trouble> {
        self.rewrite_log_if(|whole| !whole)
    }

    fn catch_up_or_rebuild(&mut self) -> Result<(), Trouble> {
        match self.catch_up() {
            Err(Trouble::Unusable(_)) => self.replace_index(),
            done => done,
        }
    }

    /// Takes in all of the log once more, over what the index knows.
    pub(super) fn read_log_again(&mut self) -> Result<(), Trouble> {
        let Inner { index, log, .. } = self;
        index.apply(false, &mut |each| log.read(0, &mut |record| each(&record)))
    }

    /// Writes the log anew from the index: without what no longer holds. A
    /// private index is not what others should go by, so then nothing is done.
    pub(super) fn rewrite_log(&mut self) -> Result<(), Trouble> {
        self.rewrite_log_if(|_| true)
    }

    /// [`rewrite_log`](Self::rewrite_log), if what the log holds (all that the
    /// index knows, or less) makes that `wanted`. Nobody appends to the old log
    /// meanwhile, and all that was appended is in the index.
    fn rewrite_log_if(&mut self, wanted: fn(bool) -> bool) -> Result<(), Trouble> {
        if !matches!(self.place, Place::Store(..)) {
            return Ok(());
        }
        self.log.lock()?;
        let written = match self.take_in_new() {
            Ok(whole) if wanted(whole) => write_log(&self.log_path, &self.index).map(Some),
            done => done.map(|_| None),
        };
        self.log.unlock();
        if let Some(log) = written? {
            self.log = log;
        }
        Ok(())
    }

    /// Lets go of the index: what comes next removes its file.
    pub(super) fn close_index(&mut self) -> Result<(), Trouble> {
        self.index = Index::closed()?;
        Ok(())
    }

    /// Sets the index aside and builds it from the log.
    pub(super) fn replace_index(&mut self) -> Result<(), Trouble> {
        // Closed before its file is moved.
        self.close_index()?;
        match &self.place {
            Place::Store(path, _) => Index::set_aside(path)?,
            Place::Private { folder: Some(folder), .. } => Index::set_aside(&folder.path().join(COPY))?,
            Place::Private { folder: None, .. } => {}
        }
        self.index = self.place.open()?;
        self.catch_up()
    }
}

impl Place {
    fn open(&self) -> Result<Index, Trouble> {
        match self {
            Place::Store(path, journal) => Index::open(path, *journal),
            Place::Private { folder: Some(folder), .. } => Index::open(&folder.path().join(COPY), Journal::Rollback),
            Place::Private { folder: None, .. } => Index::in_memory(),
        }
    }

    /// Where an empty log can be made for a store that has none.
    fn stand_in(&self, layout: &Layout) -> PathBuf {
        match self {
            Place::Private { folder: Some(folder), .. } => folder.path().join("log"),
            _ => layout.log(),
        }
    }
}

/// A private copy of the store's index; without what cannot be copied.
fn private(layout: &Layout, why: Option<Diagnostic>) -> Result<(Place, Index), Diagnostic> {
    let folder = tempfile::Builder::new().prefix("autocut-").tempdir().ok();
    if let Some(folder) = &folder {
        // Without the shared memory, which SQLite makes anew.
        for suffix in ["", "-wal"] {
            let name = format!("{COPY}{suffix}");
            let from = layout.index().with_file_name(&name);
            if copy(&from, &folder.path().join(&name)).is_err() {
                return in_memory(why);
            }
        }
    }
    let place = Place::Private { folder, why: why.clone() };
    match place.open() {
        Ok(index) => Ok((place, index)),
        Err(Trouble::Unusable(_)) => {
            if let Place::Private { folder: Some(folder), .. } = &place {
                Index::set_aside(&folder.path().join(COPY))?;
            }
            place.open().map(|index| (place, index)).map_err(Trouble::into_diagnostic)
        }
        Err(Trouble::Other(_)) => in_memory(why),
    }
}

fn in_memory(why: Option<Diagnostic>) -> Result<(Place, Index), Diagnostic> {
    let index = Index::in_memory().map_err(Trouble::into_diagnostic)?;
    Ok((Place::Private { folder: None, why }, index))
}

/// Copies a file that may not be there.
fn copy(from: &Path, to: &Path) -> Result<(), Diagnostic> {
    match fs::copy(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("copy", from, &error)),
        Ok(_) => {
            // It may have been read-only where it came from.
            let permissions = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
            fs::set_permissions(to, permissions).map_err(|error| cannot("copy", from, &error))
        }
    }
}

fn write_log(path: &Path, index: &Index) -> Result<Log, Trouble> {
    let (log, end) = Log::create(path, &mut |write| index.each_record(write))?;
    index.set_position(end)?;
    Ok(log)
}
