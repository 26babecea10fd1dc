//! Where things lie in a store's folder, and whether that is a store at all.
//!
//! | path | what | may be deleted |
//! | --- | --- | --- |
//! | `version` | the format of the whole; checked first | no: written anew, whatever the format was |
//! | `objects/ab/cdef...` | artifacts, named by their digest | yes: made again |
//! | `records/log` | every result, appended; the truth | costs the reuse of all objects |
//! | `records/roots/` | what the last successful builds need; see [`roots`](super::roots) | costs what gc takes |
//! | `index.sqlite` | the log, to look things up, and caches | yes: built again |
//! | `failed/` | failed actions, to be done again by hand | yes |
//! | `tmp/` | unfinished work of whoever holds the lock | when nobody does |
//! | `lock` | see [`lock`](super::lock) | no |

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::base::Diagnostic;
use crate::inputs::cannot;

/// The format of the folder as a whole: raised when an older autocut could
/// damage what a newer one wrote.
pub const VERSION: u32 = 1;
const VERSION_PREFIX: &str = "autocut store ";

/// Told to programs that make backups (<https://bford.info/cachedir/>).
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by autocut; can be made again.\n";

/// What can lie in a store.
pub(super) const OWN_NAMES: &[&str] = &[
    "version",
    "objects",
    "records",
    "tmp",
    "failed",
    "lock",
    "index.sqlite",
    "index.sqlite-wal",
    "index.sqlite-shm",
    "index.sqlite-journal",
    "index.sqlite.damaged",
    "CACHEDIR.TAG",
    ".gitignore",
];

/// The paths in a store.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub root: PathBuf,
}

impl Layout {
    pub(super) fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("records").join("log")
    }

    pub(super) fn roots(&self) -> PathBuf {
        self.root.join("records").join("roots")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.root.join("index.sqlite")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn failed(&self) -> PathBuf {
        self.root.join("failed")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Checks the folder, or makes it a store if it is new or empty.
    pub(super) fn open(root: &Path) -> Result<Layout, Diagnostic> {
        let layout = Layout { root: root.to_owned() };
        let version = root.join("version");
        match fs::read_to_string(&version) {
            Ok(text) if !text.trim().is_empty() => check_version(root, &text)?,
            Ok(_) => layout.create(&version)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => layout.create(&version)?,
            Err(error) => return Err(cannot("read", &version, &error)),
        }
        Ok(layout)
    }

    fn create(&self, version: &Path) -> Result<(), Diagnostic> {
        let root = &self.root;
        let failed = |error: io::Error| cannot("make the store", root, &error);
        fs::create_dir_all(root).map_err(failed)?;
        for entry in fs::read_dir(root).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let known = name.to_str().is_some_and(|name| OWN_NAMES.contains(&name) || name.starts_with(".tmp"));
            if !known {
                let message = format!("{} is not a store of autocut and not empty", root.display());
                let diagnostic = Diagnostic::environment(message).note(format!("it holds \"{}\"", name.display()));
                return Err(diagnostic.hint("let AUTOCUT_STORE name a folder that is new, empty or a store"));
            }
        }
        for folder in [self.objects(), root.join("records"), self.temporary()] {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(root.join("CACHEDIR.TAG"), CACHE_TAG).map_err(failed)?;
        fs::write(root.join(".gitignore"), "*\n").map_err(failed)?;
        // Last, by a rename: where it is, the rest is.
        let mut file = new_file(root).map_err(failed)?;
        writeln!(file, "{VERSION_PREFIX}{VERSION}").map_err(failed)?;
        file.persist(version).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// A file that is to be renamed to its place, with the rights that the user's
/// files have (temporary ones are otherwise their owner's alone).
pub(super) fn new_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let rights = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    tempfile::Builder::new().permissions(rights).tempfile_in(folder)
}

fn check_version(root: &Path, text: &str) -> Result<(), Diagnostic> {
    match text.trim().strip_prefix(VERSION_PREFIX).and_then(|version| version.parse::<u32>().ok()) {
        Some(VERSION) => Ok(()),
        Some(version) => {
            let message = format!(
                "the store {} has format {version}, and this autocut reads and writes format {VERSION}",
                root.display()
            );
            Err(Diagnostic::environment(message)
                .hint("use the autocut that made it, or let AUTOCUT_STORE name another"))
        }
        None => {
            let message = format!("{} is not a store of autocut: its file \"version\" says otherwise", root.display());
            Err(Diagnostic::environment(message).hint("let AUTOCUT_STORE name a folder that is new, empty or a store"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_becomes_a_store_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("deep/.autocut");
        Layout::open(&root).unwrap();
        Layout::open(&root).unwrap();
        assert_eq!(fs::read_to_string(root.join("version")).unwrap(), "autocut store 1\n");
    }

    #[test]
    fn a_store_whose_creation_was_interrupted_is_completed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("objects")).unwrap();
        fs::write(folder.path().join(".tmpAbc"), "").unwrap();
        assert!(Layout::open(folder.path()).is_ok());
        fs::write(folder.path().join("version"), "").unwrap();
        assert!(Layout::open(folder.path()).is_ok());
    }

    #[test]
    fn a_newer_store_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("version"), "autocut store 7\n").unwrap();
        let error = Layout::open(folder.path()).unwrap_err();
        assert!(error.message.contains("has format 7"), "{}", error.message);
    }

    #[test]
    fn a_folder_with_other_things_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "").unwrap();
        let error = Layout::open(folder.path()).unwrap_err();
        assert!(error.message.contains("not a store"), "{}", error.message);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
