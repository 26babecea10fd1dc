//! Taking back what autocut wrote: outputs, the folders that were made for
//! them, and a whole store.
//!
//! Nothing is removed that autocut did not write or that was changed since, and
//! nothing that lies outside of the project, behind a link.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::Diagnostic;
use crate::inputs::{RealSystem, System, cannot};

use super::layout::OWN_NAMES;
use super::outputs::leftovers;
use super::records::Record;
use super::{OutputState, Store};

/// What became of an output that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It had so many bytes.
    Removed(u64),
    Absent,
    /// Someone changed it since, or put something else there: it stays.
    Foreign,
    /// It lies outside of the project: a folder on the way is a link. It stays.
    Outside,
}

impl Store {
    /// Removes an output if it is ours and forgets it, or only says what would
    /// become of it. Only for the holder of the lock.
    pub fn remove_output(&self, project: &Path, name: &str, dry_run: bool) -> Result<Removal, Diagnostic> {
        let path = project.join(name);
        if !is_inside(project, &path) {
            return Ok(Removal::Outside);
        }
        let removal = match self.output_state(project, name)? {
            OutputState::Ours(_) => Removal::Removed(fs::symlink_metadata(&path).map_or(0, |metadata| metadata.len())),
            OutputState::Absent => Removal::Absent,
            OutputState::Foreign => Removal::Foreign,
        };
        if dry_run {
            return Ok(removal);
        }
        for half in leftovers(&path)? {
            remove_file(&half)?;
        }
        if matches!(removal, Removal::Removed(_)) {
            remove_file(&path)?;
        }
        // A foreign file is no output any more, now that nobody wants one there.
        self.append(vec![Record::OutputForgotten(name.to_owned()).about(&self.project)])?;
        Ok(removal)
    }

    /// Removes the folders that were made for outputs and are empty, innermost
    /// first, and gives their names. Only for the holder of the lock.
    pub fn remove_empty_folders(&self, project: &Path) -> Result<Vec<String>, Diagnostic> {
        let mut removed = Vec::new();
        let mut folders = self.with(|inner| inner.index.folders(&self.project))?;
        folders.sort_by_key(|name| std::cmp::Reverse(Path::new(name).components().count()));
        for name in folders {
            let path = project.join(&name);
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() && is_inside(project, &path) => match fs::remove_dir(&path) {
                    Ok(()) => removed.push(name.clone()),
                    Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => continue,
                    Err(error) => return Err(cannot("remove", &path, &error)),
                },
                // Gone, or replaced by something of the user's.
                _ => {}
            }
            self.append(vec![Record::FolderForgotten(name).about(&self.project)])?;
        }
        Ok(removed)
    }

    /// The paths of the other projects that use the store; "" stands for the
    /// one that it lies in.
    pub fn other_projects(&self) -> Result<Vec<String>, Diagnostic> {
        let mut projects: BTreeSet<String> = self.roots()?.into_iter().map(|root| root.project).collect();
        projects.extend(self.with(|inner| inner.index.projects())?);
        projects.remove(&self.project);
        Ok(projects.into_iter().collect())
    }

    /// Forgets everything about this project but the results of its actions,
    /// which other projects may share. Only for the holder of the lock.
    pub fn forget_project(&self) -> Result<(), Diagnostic> {
        self.drop_roots(|root| root.project == self.project)?;
        self.append(vec![Record::ProjectForgotten.about(&self.project)])
    }

    /// Removes the whole store, and gives what else was in its folder, which
    /// stays. Only for the holder of the lock, and the last thing that is done
    /// with the store.
    pub fn destroy(&self) -> Result<Vec<PathBuf>, Diagnostic> {
        self.with(super::inner::Inner::close_index)?;
        let root = self.root();
        // `version` near the end: what is left half removed is still a store.
        let last = ["version", "lock"];
        let names = OWN_NAMES.iter().copied().filter(|name| !last.contains(name)).chain(last);
        for path in names.map(|name| root.join(name)) {
            let removed = match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
                Ok(_) => fs::remove_file(&path),
                Err(error) => Err(error),
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot("remove", &path, &error)),
                _ => {}
            }
        }
        let failed = |error: io::Error| cannot("remove", root, &error);
        match fs::remove_dir(root) {
            // A link to the folder is the user's.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Vec::new()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                let entries = fs::read_dir(root).map_err(failed)?;
                entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
            }
            done => done.map(|()| Vec::new()).map_err(failed),
        }
    }
}

/// Whether the folder that holds `path` lies in the project, links followed. A
/// folder that is not there holds nothing.
fn is_inside(project: &Path, path: &Path) -> bool {
    let Some(folder) = path.parent() else { return false };
    match (RealSystem.canonical(project), RealSystem.canonical(folder)) {
        (Ok(project), Ok(folder)) => folder.starts_with(project),
        (_, Err(error)) => error.kind() == io::ErrorKind::NotFound,
        (Err(_), _) => false,
    }
}

fn remove_file(path: &Path) -> Result<(), Diagnostic> {
    fs::remove_file(path).map_err(|error| cannot("remove", path, &error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::store::tests::{Bench, key_of};

    fn bench(names: &[&str]) -> Bench {
        let bench = Bench::new();
        for name in names {
            write(&bench, name);
        }
        bench
    }

    fn write(bench: &Bench, name: &str) {
        bench.take(bench.folder.path(), name, "film", false).unwrap();
    }

    fn remove(bench: &Bench, name: &str) -> Removal {
        bench.store.remove_output(bench.folder.path(), name, false).unwrap()
    }

    #[test]
    fn only_ours_is_removed() {
        let bench = bench(&["out/a.mp4", "out/b.mp4"]);
        let place = |name: &str| bench.folder.path().join(name);
        fs::write(place("out/.a.mp4.autocut-tmp-99"), "half").unwrap();
        assert_eq!(bench.store.remove_output(bench.folder.path(), "out/a.mp4", true).unwrap(), Removal::Removed(4));
        assert!(place("out/a.mp4").exists(), "that was a dry run");
        assert_eq!(remove(&bench, "out/a.mp4"), Removal::Removed(4));
        fs::write(place("out/b.mp4"), "mine now").unwrap();
        assert_eq!(remove(&bench, "out/b.mp4"), Removal::Foreign);
        assert_eq!(remove(&bench, "out/none.mp4"), Removal::Absent);
        assert_eq!(fs::read(place("out/b.mp4")).unwrap(), b"mine now");
        assert_eq!(fs::read_dir(place("out")).unwrap().count(), 1);
        assert!(bench.store.outputs().unwrap().is_empty());
    }

    #[test]
    fn nothing_behind_a_link_is_removed() {
        let bench = bench(&["out/clips/a.mp4"]);
        let elsewhere = tempfile::tempdir().unwrap();
        let out = bench.folder.path().join("out");
        fs::rename(&out, elsewhere.path().join("out")).unwrap();
        symlink(elsewhere.path().join("out"), &out).unwrap();
        assert_eq!(remove(&bench, "out/clips/a.mp4"), Removal::Outside);
        assert!(elsewhere.path().join("out/clips/a.mp4").exists());
        assert!(bench.store.remove_empty_folders(bench.folder.path()).unwrap().is_empty());
        assert!(elsewhere.path().join("out/clips").exists());
        // A link within the project leads to what is the project's.
        let bench = self::bench(&["out/a.mp4"]);
        fs::rename(bench.folder.path().join("out"), bench.folder.path().join("films")).unwrap();
        symlink("films", bench.folder.path().join("out")).unwrap();
        assert_eq!(remove(&bench, "out/a.mp4"), Removal::Removed(4));
    }

    #[test]
    fn folders_that_were_made_go_when_they_are_empty_and_others_stay() {
        let bench = Bench::new();
        let place = |name: &str| bench.folder.path().join(name);
        fs::create_dir(place("mine")).unwrap();
        for name in ["mine/new/a.mp4", "out/clips/b.mp4", "out/full/c.mp4"] {
            write(&bench, name);
        }
        fs::write(place("out/full/note.txt"), "").unwrap();
        for name in ["mine/new/a.mp4", "out/clips/b.mp4", "out/full/c.mp4"] {
            remove(&bench, name);
        }
        let removed = bench.store.remove_empty_folders(bench.folder.path()).unwrap();
        assert_eq!(removed.into_iter().collect::<BTreeSet<_>>(), ["mine/new".to_owned(), "out/clips".into()].into());
        assert!(place("mine").exists() && place("out/full").exists());
        fs::remove_file(place("out/full/note.txt")).unwrap();
        assert_eq!(bench.store.remove_empty_folders(bench.folder.path()).unwrap(), ["out/full", "out"]);
        assert!(place("mine").exists());
    }

    #[test]
    fn a_store_goes_with_all_that_is_its_own_and_nothing_else() {
        let bench = Bench::new();
        bench.make(1, "one");
        fs::write(bench.path("thesis.tex"), "").unwrap();
        assert_eq!(bench.store.destroy().unwrap(), [bench.path("thesis.tex")]);
        let left: Vec<_> = fs::read_dir(bench.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["thesis.tex"]);
        let bench = Bench::new();
        bench.make(1, "one");
        assert!(bench.store.destroy().unwrap().is_empty());
        drop(bench.store);
        assert!(!bench.folder.path().join(".autocut").exists());
    }

    #[test]
    fn a_project_is_forgotten_and_what_others_share_is_kept() {
        let bench = bench(&["out/a.mp4"]);
        bench.make(1, "one");
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Store::open_for(bench.store.root(), elsewhere.path()).unwrap();
        other.keep_root(&[], vec![key_of(1)]).unwrap();
        bench.store.keep_root(&[], vec![key_of(1)]).unwrap();
        assert_eq!(bench.store.other_projects().unwrap().len(), 1);
        assert_eq!(other.other_projects().unwrap(), [""]);
        bench.store.forget_project().unwrap();
        for _ in 0..2 {
            assert!(bench.store.outputs().unwrap().is_empty());
            assert!(bench.holds(1));
            assert_eq!(other.other_projects().unwrap(), Vec::<String>::new());
            assert_eq!(bench.store.roots().unwrap().len(), 1);
            bench.store.rebuild_index().unwrap();
        }
    }
}
