//! Changes of files, as the system tells of them.
//!
//! What is told is a hint, never the truth: whoever hears of a change looks at
//! the files again. So a change that is told twice, late or under an odd name
//! costs a look and nothing else; one that the system loses (its queue ran
//! over) is told as a change of everything.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::base::Diagnostic;

use super::system::lexical;

/// Hears of changes below some folders.
pub struct Watch {
    watcher: RecommendedWatcher,
    changes: Receiver<notify::Result<notify::Event>>,
    folders: BTreeMap<PathBuf, Identity>,
    /// Folders that are to be watched and are not there, and those in which they
    /// would appear.
    missing: BTreeSet<PathBuf>,
    outposts: BTreeMap<PathBuf, Identity>,
    /// Below these nothing is of interest.
    ignored: Vec<PathBuf>,
}

/// Device and inode of a folder: one of the same name may be another.
type Identity = (u64, u64);

/// That of a folder that is there.
fn identity(folder: &Path) -> Option<Identity> {
    let metadata = folder.metadata().ok().filter(std::fs::Metadata::is_dir)?;
    Some((metadata.dev(), metadata.ino()))
}

/// What was told at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub paths: BTreeSet<PathBuf>,
    /// Something was lost: everything may have changed.
    pub everything: bool,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.everything
    }

    pub fn extend(&mut self, more: Changes) {
        self.paths.extend(more.paths);
        self.everything |= more.everything;
    }
}

impl Watch {
    /// Watches nothing yet. `ignored` are absolute folders.
    pub fn new(ignored: Vec<PathBuf>) -> Result<Watch, Diagnostic> {
        let (sender, changes) = unbounded();
        let tell = move |event| {
            // Nobody listens any more only at the end.
            let _ = sender.send(event);
        };
        let watcher = notify::recommended_watcher(tell).map_err(|error| cannot_watch(Path::new("files"), &error))?;
        Ok(Watch {
            watcher,
            changes,
            folders: BTreeMap::new(),
            outposts: BTreeMap::new(),
            missing: BTreeSet::new(),
            ignored,
        })
    }

    /// Watches a folder and all below it; one that is not there as soon as it
    /// is. One below a folder that is watched already is passed over.
    pub fn add(&mut self, folder: &Path) -> Result<(), Diagnostic> {
        let folder = lexical(folder);
        if self.folders.keys().any(|watched| folder.starts_with(watched)) {
            return Ok(());
        }
        if let Some(identity) = identity(&folder) {
            self.watcher.watch(&folder, RecursiveMode::Recursive).map_err(|error| cannot_watch(&folder, &error))?;
            self.folders.insert(folder, identity);
            return Ok(());
        }
        // Not all below what is there of it: that may be a whole disk.
        let there = folder.ancestors().find_map(|ancestor| Some((ancestor, identity(ancestor)?)));
        if let Some((there, identity)) = there.filter(|(there, _)| !self.outposts.contains_key(*there)) {
            self.watcher.watch(there, RecursiveMode::NonRecursive).map_err(|error| cannot_watch(there, &error))?;
            self.outposts.insert(there.to_owned(), identity);
        }
        self.missing.insert(folder);
        Ok(())
    }

    /// Looks whether folders that were missing are there now, and whether those
    /// that were there are still the same: the system forgets one that goes.
    fn settle(&mut self, changes: &mut Changes) {
        let gone = |watched: &BTreeMap<PathBuf, Identity>| -> Vec<PathBuf> {
            watched
                .iter()
                .filter(|(path, was)| identity(path).as_ref() != Some(was))
                .map(|(path, _)| path.clone())
                .collect()
        };
        for folder in gone(&self.outposts) {
            self.outposts.remove(&folder);
            let _ = self.watcher.unwatch(&folder);
        }
        for folder in gone(&self.folders) {
            self.folders.remove(&folder);
            let _ = self.watcher.unwatch(&folder);
            changes.everything = true;
            self.missing.insert(folder);
        }
        for folder in std::mem::take(&mut self.missing) {
            // What was in it when it came is not told of.
            changes.everything |= folder.is_dir();
            // What cannot be watched now may be when something else changes.
            if self.add(&folder).is_err() {
                self.missing.insert(folder);
            }
        }
    }

    /// What changed since it was asked last; waits for the first at most `wait`.
    pub fn take(&mut self, wait: Duration) -> Changes {
        let mut changes = Changes::default();
        let mut event = self.changes.recv_timeout(wait).ok();
        let heard = event.is_some();
        while let Some(told) = event {
            self.sort(told, &mut changes);
            event = self.changes.try_recv().ok();
        }
        if heard {
            self.settle(&mut changes);
        }
        changes
    }

    fn sort(&self, told: notify::Result<notify::Event>, changes: &mut Changes) {
        match told {
            // Reading changes nothing.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            Ok(event) if event.need_rescan() => changes.everything = true,
            Ok(event) => {
                // What lies beside a folder that is missing is not asked for.
                let of_interest = |path: &PathBuf| {
                    self.folders.keys().any(|folder| path.starts_with(folder))
                        && !self.ignored.iter().any(|ignored| path.starts_with(ignored))
                };
                changes.paths.extend(event.paths.into_iter().filter(of_interest));
            }
            Err(_) => changes.everything = true,
        }
    }
}

fn cannot_watch(what: &Path, error: &notify::Error) -> Diagnostic {
    let diagnostic = Diagnostic::environment(format!("cannot watch {}: {error}", what.display()));
    match error.kind {
        notify::ErrorKind::MaxFilesWatch => diagnostic.hint(
            "the system's limit of watched folders is reached: raise it (Linux: sysctl fs.inotify.max_user_watches)",
        ),
        _ => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn hear(watch: &mut Watch, wanted: &Path) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if watch.take(Duration::from_millis(100)).paths.contains(wanted) {
                return true;
            }
        }
        false
    }

    #[test]
    fn saves_by_rename_and_new_folders_are_heard_of_and_ignored_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join(".autocut")).unwrap();
        let mut watch = Watch::new(vec![root.join(".autocut")]).unwrap();
        watch.add(&root).unwrap();

        std::fs::write(root.join(".autocut/index"), "x").unwrap();
        std::fs::write(root.join("autocut.ron~"), "x").unwrap();
        std::fs::rename(root.join("autocut.ron~"), root.join("autocut.ron")).unwrap();
        assert!(hear(&mut watch, &root.join("autocut.ron")));
        std::fs::create_dir(root.join("footage")).unwrap();
        assert!(hear(&mut watch, &root.join("footage")));
        std::fs::remove_file(root.join("autocut.ron")).unwrap();
        assert!(hear(&mut watch, &root.join("autocut.ron")));
        assert!(watch.take(Duration::ZERO).paths.iter().all(|path| !path.starts_with(root.join(".autocut"))));
    }

    #[test]
    fn a_folder_that_comes_later_is_watched_then() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("project")).unwrap();
        let mut watch = Watch::new(Vec::new()).unwrap();
        watch.add(&root.join("project")).unwrap();
        watch.add(&root.join("disk/card")).unwrap();
        std::fs::write(root.join("beside"), "x").unwrap();
        std::fs::create_dir(root.join("disk")).unwrap();
        while !watch.outposts.contains_key(&root.join("disk")) {
            let told = watch.take(Duration::from_millis(100));
            assert!(told.is_empty(), "{told:?}");
        }
        std::fs::create_dir(root.join("disk/card")).unwrap();
        while !watch.take(Duration::from_millis(100)).everything {}
        std::fs::write(root.join("disk/card/a.mp4"), "x").unwrap();
        assert!(hear(&mut watch, &root.join("disk/card/a.mp4")));
    }

    #[test]
    fn a_folder_that_goes_and_comes_back_is_watched_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("disk/card")).unwrap();
        let mut watch = Watch::new(Vec::new()).unwrap();
        watch.add(&root.join("disk/card")).unwrap();
        std::fs::remove_dir_all(root.join("disk/card")).unwrap();
        while !watch.take(Duration::from_millis(100)).everything {}
        std::fs::create_dir_all(root.join("disk/card")).unwrap();
        while !watch.take(Duration::from_millis(100)).everything {}
        std::fs::write(root.join("disk/card/a.mp4"), "x").unwrap();
        assert!(hear(&mut watch, &root.join("disk/card/a.mp4")));
    }
}
