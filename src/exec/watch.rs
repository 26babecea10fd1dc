//! `autocut watch`: builds, waits for edits, and builds again; an edit that
//! comes while a build runs is taken in at once.
//!
//! What the system tells of changes is only a reason to look. The manifest and
//! small files are looked at when they have been quiet for a moment; new and
//! large files when they have stopped growing, so that footage that is being
//! copied in is read once and whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::base::{Diagnostic, Diagnostics, Tier};
use crate::exec::driver::{Driver, Edits};
use crate::exec::event::{Event, Listener};
use crate::exec::goal::{Goal, INTERRUPTED, Options, Summary};
use crate::exec::settings::Settings;
use crate::exec::storage;
use crate::exec::workspace::{Edit, MANIFEST, Purpose, Workspace, written};
use crate::inputs::system::EntryKind;
use crate::inputs::{self, Changes, FileStat, Pattern, RealSystem, System, Watch};
use crate::manifest::Manifest;
use crate::model::lockfile::LOCK;

/// After the last change, so long is waited for another that belongs to it.
const QUIET: Duration = Duration::from_millis(30);

/// A stream of changes is looked at after so long all the same.
const PATIENCE: Duration = Duration::from_millis(120);

/// A file that did not change for so long is not being written.
const SETTLED: Duration = Duration::from_millis(1_500);

/// A file that was known before and is smaller than this is saved at once, by
/// an editor or a logger, and not copied.
const SMALL: u64 = 1 << 20;

/// How long an idle watcher waits for the system before it looks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

/// What a watcher says between builds.
pub trait Session {
    /// A build has ended. `news` says whether it did anything.
    fn built(&mut self, summary: &Summary, news: bool);
    /// Another process builds in this project.
    fn waiting(&self, holder: &crate::store::Holder);
    /// Nothing happens until something changes.
    fn waits(&self);
}

/// What is watched.
pub struct Wanted<'a> {
    pub folder: &'a Path,
    pub settings: &'a Settings,
    /// The outputs to bring up to date; all where none is named.
    pub outputs: Vec<String>,
    pub options: Options,
    /// Whether drafts are made.
    pub draft: bool,
}

/// Builds whenever something changes, until it is interrupted; gives the exit
/// code of the last build.
///
/// # Errors
/// What no edit of the project can put right.
pub fn watch(
    wanted: &Wanted<'_>,
    listener: &dyn Listener,
    interrupted: &AtomicBool,
    session: &mut dyn Session,
) -> Result<u8, Diagnostics> {
    let root = RealSystem.canonical(wanted.folder).map_err(|e| inputs::cannot("open", wanted.folder, &e))?;
    let mut watching = Watching::new(&root, wanted.settings)?;
    let mut first = true;
    // Once, unless the store is removed meanwhile.
    loop {
        let Some(mut workspace) = open(wanted, &root, &mut watching, listener, interrupted, session)? else {
            return Ok(INTERRUPTED);
        };
        workspace.set_draft(wanted.draft);
        let mut driver = Driver::watching(&mut workspace, listener, wanted.options.clone(), interrupted);
        if let Some(code) = build(&mut driver, wanted, &mut watching, &mut first, interrupted, session)? {
            return Ok(code);
        }
    }
}

/// Opens the project; what is wrong with it is told, and waited for until it is
/// right. `None` when it is interrupted.
fn open(
    wanted: &Wanted<'_>,
    root: &Path,
    watching: &mut Watching,
    listener: &dyn Listener,
    interrupted: &AtomicBool,
    session: &mut dyn Session,
) -> Result<Option<Workspace>, Diagnostics> {
    let mut told = Diagnostics::default();
    loop {
        watching.forget();
        let waiting = |holder: &crate::store::Holder| session.waiting(holder);
        let purpose = purpose(&waiting, interrupted);
        let growing = watching.growing();
        let (opened, mut problems) = Workspace::open_without(root, wanted.settings, &purpose, &growing);
        if interrupted.load(Ordering::Relaxed) {
            return Ok(None);
        }
        // All there is of footage is still coming: it is no project yet.
        let has_come = |workspace: &Workspace| growing.is_empty() || workspace.has_footage();
        if let Some(workspace) = opened.filter(|workspace| !problems.has_errors() && has_come(workspace)) {
            workspace.check_targets(&wanted.outputs)?;
            // What has come since the project could not be opened may be half of
            // what is coming.
            if !told.0.is_empty() && watching.notice_young(&workspace) {
                continue;
            }
            problems.0.iter().for_each(|warning| listener.event(&Event::Warning(warning)));
            watching.refused = false;
            watching.follow(&workspace.manifest)?;
            return Ok(Some(workspace));
        }
        // An edit does not mend the machine.
        if problems.exit_code() > Tier::Input.exit_code() {
            return Err(problems);
        }
        watching.expect(root)?;
        if problems.has_errors() && problems != told {
            listener.event(&Event::Refused(&problems));
            session.waits();
            told = std::mem::take(&mut problems);
        }
        while !watching.is_quiet() && !watching.settled() {
            if interrupted.load(Ordering::Relaxed) {
                return Ok(None);
            }
            watching.listen(TICK);
        }
    }
}

fn purpose<'a>(waiting: &'a dyn Fn(&crate::store::Holder), interrupted: &'a AtomicBool) -> Purpose<'a> {
    Purpose::Build { what: "autocut watch", waiting, interrupted }
}

/// Builds and waits in turn, and gives the exit code at the end; `None` where
/// the store is not there any more.
fn build(
    driver: &mut Driver<'_>,
    wanted: &Wanted<'_>,
    watching: &mut Watching,
    first: &mut bool,
    interrupted: &AtomicBool,
    session: &mut dyn Session,
) -> Result<Option<u8>, Diagnostics> {
    let goal = Goal::Outputs(wanted.outputs.clone());
    loop {
        let summary = driver.build(&goal, watching);
        let news = std::mem::take(first) || summary.did_something() || !summary.errors.is_empty();
        // Before anything that may take its time.
        if let Err(problem) = driver.rest(&watching.growing()) {
            driver.refuse(&problem.into());
        }
        session.built(&summary, news);
        if summary.interrupted {
            return Ok(Some(summary.exit_code()));
        }
        match next_edit(driver, watching, interrupted, session)? {
            Next::Build => {}
            Next::End => return Ok(Some(summary.exit_code())),
            Next::OpenAgain => return Ok(None),
        }
    }
}

/// What comes after a build.
enum Next {
    Build,
    /// The store was removed: there is nothing to go on from.
    OpenAgain,
    End,
}

/// Waits for an edit that can be taken in, and takes it in, with the lock held.
fn next_edit(
    driver: &mut Driver<'_>,
    watching: &mut Watching,
    interrupted: &AtomicBool,
    session: &mut dyn Session,
) -> Result<Next, Diagnostic> {
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Ok(Next::End);
        }
        watching.listen(TICK);
        let Some(edit) = watching.take(driver.workspace()) else { continue };
        let waiting = |holder: &crate::store::Holder| session.waiting(holder);
        let acquired = driver.acquire(&purpose(&waiting, interrupted), &edit.growing);
        if interrupted.load(Ordering::Relaxed) {
            return Ok(Next::End);
        }
        if !storage::is_store(driver.workspace().store.root()) {
            return Ok(Next::OpenAgain);
        }
        let taken_in = acquired.map_err(Diagnostics::from).and_then(|()| driver.workspace().reload(&edit));
        if let Err(problem) = watching.told(driver.workspace(), taken_in.is_ok()) {
            driver.refuse(&problem.into());
        }
        match taken_in {
            Ok(warnings) => {
                driver.warn_all(warnings);
                return Ok(Next::Build);
            }
            Err(problems) => {
                driver.refuse(&problems);
                driver.workspace().release()?;
            }
        }
    }
}

/// Hears of changes and decides when they are worth a look.
pub struct Watching {
    watch: Watch,
    root: PathBuf,
    /// Files that are read whenever something is taken in.
    read: [PathBuf; 2],
    /// Changes that nobody has looked at, since when, and since when there were
    /// no more.
    heard: Changes,
    since: Option<(Instant, Instant)>,
    /// Files that are being written: their stat, and since when it is so.
    growing: BTreeMap<PathBuf, (FileStat, Instant)>,
    /// Files changed, and what was told of that could not be taken in because
    /// of the manifest.
    owed: bool,
    /// The manifest is another than the last that was taken in.
    refused: bool,
}

impl Watching {
    /// Watches the folder of a project.
    fn new(root: &Path, settings: &Settings) -> Result<Self, Diagnostic> {
        let mut watch = Watch::new(vec![settings.store_of(root)])?;
        watch.add(root)?;
        let read = [root.join(MANIFEST), root.join(LOCK)];
        let (root, growing) = (root.to_owned(), BTreeMap::new());
        Ok(Watching { watch, root, read, heard: Changes::default(), since: None, growing, owed: false, refused: false })
    }

    /// Everything is about to be looked at.
    fn forget(&mut self) {
        self.listen(Duration::ZERO);
        (self.heard, self.since, self.owed) = (Changes::default(), None, false);
    }

    /// Watches the folders outside of the project that the manifest names now.
    fn follow(&mut self, manifest: &Manifest) -> Result<(), Diagnostic> {
        let materials = manifest.materials().into_iter().map(|(name, _)| Pattern::literal(&name));
        for text in manifest.footage.iter().flat_map(|set| set.files.iter().cloned()).chain(materials) {
            let Ok(pattern) = Pattern::new(&text, &self.root) else { continue };
            let folder = if pattern.is_literal() { pattern.base.parent() } else { Some(pattern.base.as_path()) };
            if let Some(folder) = folder {
                self.watch.add(folder)?;
            }
        }
        Ok(())
    }

    /// Watches what the manifest names that cannot be taken in for now.
    fn expect(&mut self, root: &Path) -> Result<(), Diagnostic> {
        self.refused = true;
        written(root).map_or(Ok(()), |manifest| self.follow(&manifest))
    }

    /// Whether files of the project were written so lately that they may still
    /// be: they are waited for.
    fn notice_young(&mut self, workspace: &Workspace) -> bool {
        let now = Instant::now();
        let young: Vec<_> = workspace.sources().filter(|(_, stat)| !is_old(stat)).collect();
        let before = self.growing.len();
        self.growing.extend(young.into_iter().map(|(path, stat)| (path.to_owned(), (stat, now))));
        self.growing.len() > before
    }

    /// Files that are still being written.
    fn growing(&self) -> BTreeSet<PathBuf> {
        self.growing.keys().cloned().collect()
    }

    /// Hears what the system tells, waiting for it at most so long.
    fn listen(&mut self, wait: Duration) {
        let mut told = self.watch.take(wait);
        // Unfinished outputs, and what editors keep beside a file.
        told.paths.retain(|path| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
        if told.is_empty() {
            return;
        }
        let now = Instant::now();
        let first = self.since.map_or(now, |(first, _)| first);
        self.since = Some((first, now));
        self.heard.extend(told);
    }

    /// Whether what was heard has come to an end.
    fn is_quiet(&self) -> bool {
        self.since.is_some_and(|(first, last)| last.elapsed() >= QUIET || first.elapsed() >= PATIENCE)
    }

    /// Sorts what was heard into what is worth a look now and files to wait for.
    fn sort(&mut self, workspace: &Workspace, heard: Changes) -> Heard {
        let mut found = Heard { manifest: heard.everything, files: heard.everything };
        for path in heard.paths {
            if self.read.contains(&path) {
                found.manifest = true;
                continue;
            }
            let Ok(entry) = RealSystem.stat(&path) else {
                // Deleted, or renamed away.
                self.growing.remove(&path);
                found.files = true;
                continue;
            };
            let is_new = !workspace.reads(&path);
            match entry.kind {
                EntryKind::File if workspace.writes(&path) => found.files |= !workspace.is_as_written(&path),
                // What a manifest names that was refused is in no plan.
                EntryKind::File if is_new && !self.refused && !is_meant(workspace, &path) => {}
                EntryKind::Folder if !self.refused && !may_hold_footage(workspace, &path) => {}
                EntryKind::File if (is_new || entry.stat.size >= SMALL) && !is_old(&entry.stat) => {
                    self.growing.insert(path, (entry.stat, Instant::now()));
                }
                _ => found.files = true,
            }
        }
        found
    }

    /// Files that have stopped growing.
    fn settled(&mut self) -> bool {
        let before = self.growing.len();
        self.growing.retain(|path, (stat, since)| match RealSystem.stat(path) {
            Ok(entry) if entry.stat == *stat => since.elapsed() < SETTLED,
            Ok(entry) => {
                (*stat, *since) = (entry.stat, Instant::now());
                true
            }
            Err(_) => false,
        });
        self.growing.len() < before
    }
}

impl Edits for Watching {
    fn take(&mut self, workspace: &Workspace) -> Option<Edit> {
        self.listen(Duration::ZERO);
        let settled = self.settled();
        let quiet = self.is_quiet();
        if !settled && !quiet {
            return None;
        }
        let mut heard = Changes::default();
        if quiet {
            self.since = None;
            heard = std::mem::take(&mut self.heard);
        }
        let found = self.sort(workspace, heard);
        self.owed |= found.files || settled;
        let edit = Edit { files: self.owed, growing: self.growing() };
        (found.files || settled || found.manifest).then_some(edit)
    }

    fn told(&mut self, workspace: &Workspace, taken_in: bool) -> Result<(), Diagnostic> {
        if !taken_in {
            return self.expect(&workspace.root);
        }
        (self.owed, self.refused) = (false, false);
        self.follow(&workspace.manifest)
    }
}

/// What is worth a look.
struct Heard {
    manifest: bool,
    files: bool,
}

/// Whether a new file would be footage, or is one that the manifest names.
fn is_meant(workspace: &Workspace, path: &Path) -> bool {
    let manifest = &workspace.manifest;
    let materials = manifest.materials().into_iter().map(|(name, _)| Pattern::literal(&name));
    let mut patterns = manifest.footage.iter().flat_map(|set| set.files.iter().cloned()).chain(materials);
    patterns.any(|text| {
        Pattern::new(&text, &workspace.root).is_ok_and(|pattern| match pattern.is_literal() {
            true => pattern.base == path,
            false => path.strip_prefix(&pattern.base).is_ok_and(|below| pattern.matches_below(below)),
        })
    })
}

/// Whether footage may lie in a folder or below it.
fn may_hold_footage(workspace: &Workspace, folder: &Path) -> bool {
    let manifest = &workspace.manifest;
    let materials = manifest.materials().into_iter().map(|(name, _)| Pattern::literal(&name));
    let mut patterns = manifest.footage.iter().flat_map(|set| set.files.iter().cloned()).chain(materials);
    patterns.any(|text| {
        let pattern = Pattern::new(&text, &workspace.root);
        pattern.is_ok_and(|pattern| folder.starts_with(&pattern.base) || pattern.base.starts_with(folder))
    })
}

/// Whether a file was last written so long ago that nobody writes to it: moved
/// here, not copied.
fn is_old(stat: &FileStat) -> bool {
    let age = RealSystem.now_ns().saturating_sub(stat.mtime_ns);
    age >= i64::try_from(SETTLED.as_nanos()).unwrap_or(i64::MAX)
}
