//! What the last successful builds need. Garbage collection leaves that alone,
//! also while the manifest of a project is broken, and also where several
//! projects share the store and only one of them is open.
//!
//! A *root* is the list of the results that one build of one project was made
//! of. It is a file of its own in `records/roots/`, because it belongs to
//! nothing that is in the log: the next such build replaces it. A build of all
//! outputs replaces the roots of builds of some of them.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::{Diagnostic, Digest, UtcTime};
use crate::inputs::cannot;
use crate::model::{self, ActionKey};

use super::layout::new_file;
use super::{Store, now};

/// What one build needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// The path of the project; empty for the one that the store lies in.
    pub project: String,
    /// The outputs that were built; all of them where none is named.
    pub targets: Vec<String>,
    pub at: UtcTime,
    /// The results, in order, each once.
    pub keys: Vec<ActionKey>,
}

const MAGIC: &[u8; 16] = b"autocut root 1\n\n";
const SEAL: usize = 16;

impl Store {
    /// Notes that a build of these outputs (all where none is named) succeeded
    /// and rests on these results. Only for the holder of the lock.
    pub fn keep_root(&self, targets: &[String], mut keys: Vec<ActionKey>) -> Result<(), Diagnostic> {
        keys.sort_unstable();
        keys.dedup();
        let root = Root { project: self.project.clone(), targets: named(targets), at: now(), keys };
        let path = self.root_path(&root.targets);
        let failed = |error: io::Error| cannot("write", &path, &error);
        let folder = self.layout.roots();
        fs::create_dir_all(&folder).map_err(failed)?;
        let body = model::encode(&root);
        let mut file = new_file(&folder).map_err(failed)?;
        for part in [&MAGIC[..], &blake3::hash(&body).as_bytes()[..SEAL], &body] {
            file.write_all(part).map_err(failed)?;
        }
        // A rename may reach the disk before what it names.
        file.as_file().sync_data().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        if root.targets.is_empty() {
            let narrower = |other: &Root| other.project == self.project && !other.targets.is_empty();
            self.drop_roots(narrower)?;
        }
        Ok(())
    }

    /// Whether the last successful build of these outputs is noted, legibly.
    pub fn has_root(&self, targets: &[String]) -> bool {
        fs::read(self.root_path(&named(targets))).is_ok_and(|bytes| sealed_body(&bytes).is_some())
    }

    /// The roots of every project that uses the store. One that cannot be read
    /// is left out; as long as there is one, [gc](Store::gc) takes leftovers only.
    /// The next build of its project notes it again.
    pub fn roots(&self) -> Result<Vec<Root>, Diagnostic> {
        Ok(self.root_files()?.into_iter().filter_map(|(_, root)| root).collect())
    }

    /// Removes the roots for which `gone` holds. Only for the holder of the lock.
    pub fn drop_roots(&self, gone: impl Fn(&Root) -> bool) -> Result<(), Diagnostic> {
        for (path, root) in self.root_files()? {
            if root.is_some_and(|root| gone(&root)) {
                fs::remove_file(&path).map_err(|error| cannot("remove", &path, &error))?;
            }
        }
        Ok(())
    }

    /// The files of roots that cannot be read.
    pub(super) fn damaged_roots(&self) -> Result<Vec<PathBuf>, Diagnostic> {
        let files = self.root_files()?;
        Ok(files.into_iter().filter(|(_, root)| root.is_none()).map(|(path, _)| path).collect())
    }

    fn root_path(&self, targets: &[String]) -> PathBuf {
        let name = Digest::derive("autocut 2026 root", &model::encode(&(&self.project, targets)));
        self.layout.roots().join(&name.to_string()[..32])
    }

    fn root_files(&self) -> Result<Vec<(PathBuf, Option<Root>)>, Diagnostic> {
        let folder = self.layout.roots();
        let failed = |error: io::Error| cannot("list", &folder, &error);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            // What a crash left while it wrote one begins with a dot.
            if path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")) {
                let bytes = fs::read(&path).map_err(|error| cannot("read", &path, &error))?;
                files.push((path, unsealed(&bytes)));
            }
        }
        files.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(files)
    }
}

/// Targets in an order of their own: what was asked for first changes nothing.
fn named(targets: &[String]) -> Vec<String> {
    let mut targets = targets.to_vec();
    targets.sort();
    targets.dedup();
    targets
}

fn sealed_body(bytes: &[u8]) -> Option<&[u8]> {
    let (seal, body) = bytes.strip_prefix(&MAGIC[..])?.split_at_checked(SEAL)?;
    (blake3::hash(body).as_bytes()[..SEAL] == *seal).then_some(body)
}

fn unsealed(bytes: &[u8]) -> Option<Root> {
    model::decode(sealed_body(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Bench, key_of};

    fn targets(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_root_is_replaced_by_the_next_and_narrower_ones_by_one_of_all_outputs() {
        let bench = Bench::new();
        let store = &bench.store;
        assert!(!store.has_root(&[]));
        store.keep_root(&targets(&["b", "a"]), vec![key_of(1), key_of(2), key_of(1)]).unwrap();
        assert!(store.has_root(&targets(&["a", "b"])) && !store.has_root(&[]));
        store.keep_root(&targets(&["a", "b"]), vec![key_of(3)]).unwrap();
        assert_eq!(store.roots().unwrap().len(), 1);
        assert_eq!(store.roots().unwrap()[0].keys, [key_of(3)]);
        store.keep_root(&[], vec![key_of(4)]).unwrap();
        let roots = store.roots().unwrap();
        assert_eq!((roots.len(), &roots[0].targets, &roots[0].keys), (1, &vec![], &vec![key_of(4)]));
    }

    #[test]
    fn a_damaged_root_is_none_and_another_projects_stays() {
        let bench = Bench::new();
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Store::open_for(bench.store.root(), elsewhere.path()).unwrap();
        other.keep_root(&targets(&["reel"]), vec![key_of(1)]).unwrap();
        bench.store.keep_root(&[], vec![key_of(2)]).unwrap();
        assert_eq!(bench.store.roots().unwrap().len(), 2);
        let path = bench.store.root_path(&[]);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        let roots = bench.store.roots().unwrap();
        assert_eq!((roots.len(), roots[0].keys.as_slice()), (1, &[key_of(1)][..]));
        assert_eq!(bench.store.damaged_roots().unwrap(), [path]);
        assert!(!bench.store.has_root(&[]), "the next build notes it again");
    }
}
