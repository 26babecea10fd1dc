//! Files of the project while actions read them. A result is of the content that
//! its key names only if no file of its was another meanwhile.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Diagnostic, Digest};
use crate::inputs::{self, FileStat, RealSystem, System};

/// A file that an action reads, as it was when its content was found out.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub name: String,
    pub path: PathBuf,
    pub digest: Digest,
    pub stat: FileStat,
}

/// Which files were found to be as they were although something about them was
/// another: each is read once for it.
#[derive(Clone, Debug, Default)]
pub struct Confirmed(Arc<Mutex<HashMap<PathBuf, (FileStat, Digest)>>>);

impl Confirmed {
    /// The problem, if a file is no longer what it was. Whoever keeps a file's
    /// time while it writes another content leaves the time at which its inode
    /// changed, and so does who only changes its rights: then it is read again.
    pub fn changed(&self, sources: &[SourceFile]) -> Option<Diagnostic> {
        let source = sources.iter().find(|source| !self.is_same(source))?;
        let problem = Diagnostic::environment(format!("{} changed while it was being read", source.name));
        Some(problem.hint("wait until it is copied or recorded completely, then run again"))
    }

    fn is_same(&self, source: &SourceFile) -> bool {
        // A file that went away was open before, as it was when it was found.
        let Ok(now) = RealSystem.stat(&source.path) else { return true };
        let (now, was) = (now.stat, source.stat);
        if now == was {
            return true;
        }
        if (now.size, now.mtime_ns, now.identity()) != (was.size, was.mtime_ns, was.identity()) {
            return false;
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&source.path).copied();
        if let Some((_, digest)) = known.filter(|(stat, _)| *stat == now) {
            return digest == source.digest;
        }
        let Ok(read) = inputs::hash_file(&RealSystem, &source.path, &|_| {}) else { return false };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(source.path.clone(), (read.stat, read.digest));
        read.digest == source.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn another_content_under_the_same_time_is_noticed_and_other_rights_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        fs::write(&path, "one").unwrap();
        let read = inputs::hash_file(&RealSystem, &path, &|_| {}).unwrap();
        let source = SourceFile { name: "a.mp4".to_owned(), path: path.clone(), digest: read.digest, stat: read.stat };
        let confirmed = Confirmed::default();
        assert!(confirmed.changed(std::slice::from_ref(&source)).is_none());

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(confirmed.changed(std::slice::from_ref(&source)).is_none());

        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let told = confirmed.changed(std::slice::from_ref(&source)).unwrap();
        assert!(told.message.contains("a.mp4 changed"), "{told}");

        fs::remove_file(&path).unwrap();
        assert!(confirmed.changed(&[source]).is_none());
    }
}
