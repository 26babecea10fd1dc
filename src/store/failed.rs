//! Work that failed, written down so that it can be done again by itself: a
//! text for each, in the folder `failed`. The newest are kept, and those whose
//! work succeeded since go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::base::Diagnostic;
use crate::inputs::cannot;

use super::{Store, write_file};

/// How many are kept: more than anybody looks into.
const KEPT: usize = 32;

/// What doing it again makes lies beside the text, under its name and this.
const MADE: &str = ".made";

impl Store {
    /// Writes a text down under `name`, a name of a file, in place of an older
    /// one. Gives where it is.
    pub fn keep_failed(&self, name: &str, text: &str) -> Result<PathBuf, Diagnostic> {
        let folder = self.layout.failed();
        fs::create_dir_all(&folder).map_err(|error| cannot("make the folder", &folder, &error))?;
        let path = folder.join(name);
        write_file(&path, text.as_bytes())?;
        let mut all = texts(&folder);
        all.sort();
        for (_, old) in all.iter().rev().skip(KEPT) {
            remove(old);
        }
        Ok(path)
    }

    /// Where work that is done again under that name puts what it makes.
    pub fn made_of_failed(&self, name: &str) -> PathBuf {
        self.layout.failed().join(format!("{name}{MADE}"))
    }

    /// The names under which something is written down.
    pub fn failed(&self) -> Vec<String> {
        let names =
            texts(&self.layout.failed()).into_iter().filter_map(|(_, path)| path.file_name().map(ToOwned::to_owned));
        names.filter_map(|name| name.into_string().ok()).collect()
    }

    /// Forgets what is written down under `name`. What cannot be removed stays:
    /// it does no harm.
    pub fn forget_failed(&self, name: &str) {
        remove(&self.layout.failed().join(name));
    }
}

/// The texts in the folder, each with when it was written.
fn texts(folder: &Path) -> Vec<(SystemTime, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let text = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((metadata.modified().ok()?, entry.path()))
    };
    entries.filter_map(text).collect()
}

fn remove(text: &Path) {
    let mut made = text.as_os_str().to_owned();
    made.push(MADE);
    let _ = fs::remove_dir_all(made);
    let _ = fs::remove_file(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_what_succeeded_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        assert_eq!(store.failed(), [""; 0]);
        for index in 0..KEPT + 3 {
            let path = store.keep_failed(&format!("{index:02}.ron"), "text").unwrap();
            // So that their order is known however fast this is.
            let written = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(index as u64);
            fs::File::options().append(true).open(&path).unwrap().set_modified(written).unwrap();
        }
        let mut names = store.failed();
        names.sort();
        assert_eq!((names.len(), names[0].as_str()), (KEPT, "03.ron"));

        fs::create_dir(store.made_of_failed("03.ron")).unwrap();
        store.forget_failed("03.ron");
        store.forget_failed("never.ron");
        assert_eq!(store.failed().len(), KEPT - 1);
        assert!(!store.made_of_failed("03.ron").exists());
        // It stays a store.
        drop(store);
        Store::open(&folder.path().join("store")).unwrap();
    }
}
