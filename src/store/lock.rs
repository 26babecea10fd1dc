//! The lock of a project: one build at a time.
//!
//! It is *free*, or *held* by one process. It is the kernel's lock (`flock`) on
//! the file `lock`, not that file's existence, so it ends with the process that
//! holds it, however that dies: there are no stale locks to remove. The file's
//! text only says who holds it. Only the holder puts objects, records or
//! scratch folders into the store, and only the holder collects garbage;
//! reading needs no lock. On some network file systems (FUSE, 9P, NFS with
//! `local_lock`) it is known to one machine alone.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::base::{Diagnostic, UtcTime};
use crate::inputs::cannot;

/// Held as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// 0 where the holder has not said who it is.
    pub pid: u32,
    /// What it does, e.g. `autocut make reel`.
    pub what: String,
    pub since: UtcTime,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            0 => f.write_str("another process"),
            pid => write!(f, "process {pid} (`{}`, since {})", self.what, self.since),
        }
    }
}

/// What trying to take the lock came to.
#[derive(Debug)]
enum Attempt {
    Taken(Lock),
    Held(Holder),
}

/// How often a waiting process asks again: often enough to feel immediate, and
/// to be interrupted immediately.
const INTERVAL: Duration = Duration::from_millis(50);

impl Lock {
    /// Takes the lock if it is free. `what` is told to those who wait.
    fn attempt(path: &Path, what: &str) -> Result<Attempt, Diagnostic> {
        let failed = |error: io::Error| cannot("lock the store by", path, &error);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Attempt::Held(holder(&mut file))),
            Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS) => {
                let message = format!("the file system of {} has no locks", path.display());
                return Err(Diagnostic::environment(message).hint("let AUTOCUT_STORE name a folder on a local disk"));
            }
            Err(error) => return Err(failed(error.into())),
        }
        let text = format!("{}\n{}\n{}\n", std::process::id(), what.replace('\n', " "), super::now().0);
        // For people; a full disk must not stop what may free some of it.
        let _ = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
        Ok(Attempt::Taken(Lock { file }))
    }

    /// Waits for the lock. `waiting` is told each holder once; `None` when
    /// `give_up` says so.
    pub(super) fn wait(
        path: &Path,
        what: &str,
        waiting: &mut dyn FnMut(&Holder),
        give_up: &dyn Fn() -> bool,
    ) -> Result<Option<Lock>, Diagnostic> {
        let mut told: Option<Holder> = None;
        loop {
            match Self::attempt(path, what)? {
                Attempt::Taken(lock) => return Ok(Some(lock)),
                Attempt::Held(holder) if told.as_ref() != Some(&holder) => {
                    waiting(&holder);
                    told = Some(holder);
                }
                Attempt::Held(_) => {}
            }
            if give_up() {
                return Ok(None);
            }
            std::thread::sleep(INTERVAL);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The text would name one who no longer holds it. The kernel's lock
        // ends as the file closes, whether or not these succeed; unlocking
        // ends it now, even while a child that was just forked has the file.
        let _ = self.file.set_len(0);
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// What the file says; the text may be half written, or gone by now.
fn holder(file: &mut File) -> Holder {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.take(4_096).read_to_string(&mut text));
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let (pid, what, since) = (next(), next(), next());
    Holder { pid: pid.parse().unwrap_or(0), what, since: UtcTime(since.parse().unwrap_or(0)) }
}

/// How long to go on with a folder that fills again: the workers of one who was
/// killed end a moment after it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Empties the folder of unfinished work, but for stores in it that are in use.
/// Only for the holder of the lock.
pub(super) fn clear(folder: &Path) -> Result<(), Diagnostic> {
    let until = Instant::now() + PATIENCE;
    let failed = |error: io::Error| cannot("clear", folder, &error);
    loop {
        match remove_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && Instant::now() < until => {
                std::thread::sleep(INTERVAL);
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Whether a scratch folder holds a store of its own whose lock is held.
fn is_in_use(scratch: &Path) -> bool {
    let lock = File::open(scratch.join("store").join("lock"));
    lock.is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK))
}

fn remove_all(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if is_in_use(&entry.path()) {
            continue;
        }
        let removed = match entry.file_type()?.is_dir() {
            true => std::fs::remove_dir_all(entry.path()),
            false => std::fs::remove_file(entry.path()),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn one_at_a_time_and_the_other_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let Attempt::Taken(lock) = Lock::attempt(&path, "autocut make").unwrap() else { panic!("it was free") };
        let Attempt::Held(holder) = Lock::attempt(&path, "other").unwrap() else { panic!("it was held") };
        assert_eq!((holder.pid, holder.what.as_str()), (std::process::id(), "autocut make"));
        assert!(holder.to_string().starts_with(&format!("process {} (`autocut make`, since 2", std::process::id())));
        drop(lock);
        assert!(matches!(Lock::attempt(&path, "other").unwrap(), Attempt::Taken(_)));
    }

    #[test]
    fn clearing_leaves_a_store_alone_that_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        for scratch in ["used", "left"] {
            std::fs::create_dir_all(folder.path().join(scratch).join("store")).unwrap();
            std::fs::write(folder.path().join(scratch).join("store/lock"), "").unwrap();
        }
        let lock = Lock::attempt(&folder.path().join("used/store/lock"), "x").unwrap();
        clear(folder.path()).unwrap();
        assert!(folder.path().join("used").exists() && !folder.path().join("left").exists());
        drop(lock);
        clear(folder.path()).unwrap();
        assert!(!folder.path().join("used").exists());
    }

    #[test]
    fn waiting_ends_when_the_holder_does_or_when_asked_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let Attempt::Taken(lock) = Lock::attempt(&path, "first").unwrap() else { panic!("it was free") };
        assert!(Lock::wait(&path, "second", &mut |_| {}, &|| true).unwrap().is_none());
        let (told, held) = (Cell::new(0), Cell::new(Some(lock)));
        let waited = Lock::wait(&path, "second", &mut |_| told.set(told.get() + 1), &|| {
            drop(held.take());
            false
        });
        assert!(waited.unwrap().is_some());
        assert_eq!(told.get(), 1);
    }

    #[test]
    fn a_killed_holder_leaves_no_stale_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        // util-linux's flock(1) holds the same kernel lock; -F becomes `sleep`.
        let child = std::process::Command::new("flock").arg("-F").arg(&path).args(["sleep", "60"]).spawn();
        let Ok(mut child) = child else { return };
        let held = || matches!(Lock::attempt(&path, "x").unwrap(), Attempt::Held(_));
        while !held() {
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!held());
    }
}
