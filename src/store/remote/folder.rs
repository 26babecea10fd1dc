//! A shared store in a folder, usually on a network share.
//!
//! Files appear by a rename from `tmp/` in the same folder, so nobody sees half
//! of one. The share may be slow to answer, or never answer: calls are made on
//! threads, several at once, and whoever waits for them has to be able to stop
//! waiting.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use crossbeam_channel::unbounded;

use crate::base::Diagnostic;

use super::{Activity, Download, SIDE_BY_SIDE, Shelf, Upload, Uploaded};

/// Bytes that are copied at once.
const PIECE: usize = 1 << 20;

/// What a killed upload left is removed by the next that is so much later.
const LEFTOVER: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    write: bool,
    activity: Activity,
    /// Whether it was found ready to be written to.
    ready: OnceLock<()>,
}

impl Folder {
    pub(super) fn new(root: PathBuf, write: bool, activity: Activity) -> Self {
        Folder { root, write, activity, ready: OnceLock::new() }
    }

    /// A share that is not mounted must not look like one that is empty, and
    /// nothing must be published to the local disk below it: the folder itself
    /// is never made, by nobody who reads or writes.
    fn check(&self) -> Result<(), Diagnostic> {
        match fs::metadata(&self.root) {
            Ok(found) if !found.is_dir() => Err(self.trouble("cannot be used", "it is not a folder")),
            Ok(_) if self.write => self.prepare(),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let hint = format!("mount the share; a new shared store begins with `mkdir {}`", self.root.display());
                Err(self.trouble("is not there", "there is no such folder").hint(hint))
            }
            Err(error) => Err(self.trouble("cannot be reached", &error)),
        }
    }

    /// Makes ready to write, and clears what killed uploads left.
    fn prepare(&self) -> Result<(), Diagnostic> {
        if self.ready.get().is_some() {
            return Ok(());
        }
        match fs::create_dir(self.temporary()) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(self.unwritable(&error)),
            _ => {}
        }
        self.clear();
        let _ = self.ready.set(());
        Ok(())
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// What cannot be removed now is left to the next.
    fn clear(&self) {
        let old = |entry: &fs::DirEntry| {
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            let age = written.ok().and_then(|written| SystemTime::now().duration_since(written).ok());
            age.is_some_and(|age| age > LEFTOVER)
        };
        let entries = fs::read_dir(self.temporary()).into_iter().flatten().flatten();
        for entry in entries.filter(old) {
            let _ = fs::remove_file(entry.path());
        }
    }

    fn trouble(&self, what: &str, why: impl std::fmt::Display) -> Diagnostic {
        Diagnostic::warning(format!("the shared store {} {what}: {}", self.root.display(), reason(&why.to_string())))
    }

    fn unwritable(&self, error: &io::Error) -> Diagnostic {
        self.trouble("cannot be written", error)
    }

    fn unreadable(&self, error: &io::Error) -> Diagnostic {
        self.trouble("cannot be read", error)
    }

    fn open(&self, name: &str) -> io::Result<Option<fs::File>> {
        match fs::File::open(self.root.join(name)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Copies until the end or until `most` bytes; says how many.
    fn copy(&self, from: &mut dyn Read, to: &mut dyn Write, most: u64) -> Result<u64, Copying> {
        let mut piece = vec![0; PIECE];
        let mut copied = 0;
        while copied < most {
            let n = match from.read(&mut piece) {
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Copying::Reading(error)),
            };
            if n == 0 {
                break;
            }
            to.write_all(&piece[..n]).map_err(Copying::Writing)?;
            copied += n as u64;
            self.activity.tick();
        }
        Ok(copied)
    }

    /// Writes a file beside the others and gives it its name.
    fn place(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut fs::File) -> Result<bool, Diagnostic>,
    ) -> Result<bool, Diagnostic> {
        let failed = |error: io::Error| self.unwritable(&error);
        // As the others who use the share may read it, whatever they are.
        let permissions = fs::Permissions::from_mode(0o666);
        let mut builder = tempfile::Builder::new();
        let mut file = builder.permissions(permissions).tempfile_in(self.temporary()).map_err(failed)?;
        if !fill(file.as_file_mut())? {
            return Ok(false);
        }
        let path = self.root.join(name);
        let file = match file.persist(&path) {
            Err(refused) if refused.error.kind() == ErrorKind::NotFound => {
                self.make_fan(name).map_err(failed)?;
                refused.file.persist(&path)
            }
            placed => placed,
        };
        file.map_err(|refused| failed(refused.error))?;
        Ok(true)
    }

    /// Makes the folders of a name, and nothing above them.
    fn make_fan(&self, name: &str) -> io::Result<()> {
        for (at, _) in name.match_indices('/') {
            match fs::create_dir(self.root.join(&name[..at])) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn download_one(&self, download: &Download) -> Result<bool, Diagnostic> {
        let Some(mut from) = self.open(&download.name).map_err(|error| self.unreadable(&error))? else {
            return Ok(false);
        };
        let failed = |error: io::Error| crate::inputs::cannot("write", &download.to, &error);
        let mut to = fs::File::create(&download.to).map_err(failed)?;
        self.copy(&mut from, &mut to, download.bytes.saturating_add(1)).map_err(|error| match error {
            Copying::Reading(error) => self.unreadable(&error),
            Copying::Writing(error) => failed(error),
        })?;
        Ok(true)
    }

    fn upload_one(&self, upload: &Upload) -> Result<Uploaded, Diagnostic> {
        let there = fs::metadata(self.root.join(&upload.name)).ok().filter(fs::Metadata::is_file);
        if !upload.replace && there.is_some_and(|there| there.len() == upload.artifact.bytes) {
            return Ok(Uploaded::There);
        }
        let Ok(mut from) = fs::File::open(&upload.from) else { return Ok(Uploaded::Changed) };
        let placed = self.place(&upload.name, &mut |to| {
            let mut to = Hashing { to, hasher: blake3::Hasher::new() };
            match self.copy(&mut from, &mut to, upload.artifact.bytes.saturating_add(1)) {
                Ok(_) => Ok(*to.hasher.finalize().as_bytes() == upload.artifact.digest.0),
                Err(Copying::Reading(_)) => Ok(false),
                Err(Copying::Writing(error)) => Err(self.unwritable(&error)),
            }
        })?;
        Ok(if placed { Uploaded::There } else { Uploaded::Changed })
    }
}

/// Which side of a copy failed.
enum Copying {
    Reading(io::Error),
    Writing(io::Error),
}

/// Hashes what is written.
struct Hashing<'a> {
    to: &'a mut fs::File,
    hasher: blake3::Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The operating system's own words without Rust's "(os error 2)".
fn reason(text: &str) -> &str {
    text.find(" (os error ").map_or(text, |end| &text[..end])
}

impl Shelf for Folder {
    fn read(
        &self,
        names: &[String],
        most: u64,
        each: &mut dyn FnMut(usize, Option<Vec<u8>>) -> bool,
    ) -> Result<(), Diagnostic> {
        self.check()?;
        let read = |name: &String| -> Result<Option<Vec<u8>>, Diagnostic> {
            let file = self.open(name).map_err(|error| self.unreadable(&error))?;
            self.activity.tick();
            let Some(file) = file else { return Ok(None) };
            let mut bytes = Vec::new();
            file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| self.unreadable(&error))?;
            Ok(Some(bytes))
        };
        side_by_side(names, &read, each)
    }

    fn download(&self, wanted: &[Download], each: &mut dyn FnMut(usize, bool) -> bool) -> Result<(), Diagnostic> {
        self.check()?;
        side_by_side(wanted, &|download| self.download_one(download), each)
    }

    fn write(&self, entries: &[(String, Vec<u8>)], each: &mut dyn FnMut(usize) -> bool) -> Result<(), Diagnostic> {
        self.check()?;
        let write = |(name, bytes): &(String, Vec<u8>)| {
            self.activity.tick();
            let fill = &mut |to: &mut fs::File| {
                to.write_all(bytes).map_err(|error| self.unwritable(&error))?;
                Ok(true)
            };
            self.place(name, fill).map(drop)
        };
        side_by_side(entries, &write, &mut |index, ()| each(index))
    }

    fn upload(&self, files: &[Upload], each: &mut dyn FnMut(usize, Uploaded) -> bool) -> Result<(), Diagnostic> {
        self.check()?;
        side_by_side(files, &|upload| self.upload_one(upload), each)
    }
}

/// Does `work` on all items, several at once, and hands the answers over as
/// they come, until the first error or until `each` says `false`.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: &(dyn Fn(&T) -> Result<R, Diagnostic> + Sync),
    each: &mut dyn FnMut(usize, R) -> bool,
) -> Result<(), Diagnostic> {
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (answers, received) = unbounded();
        for _ in 0..items.len().min(SIDE_BY_SIDE) {
            let (answers, next, over) = (answers.clone(), &next, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if answers.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(answers);
        for (index, answer) in received {
            let go_on = answer.map(|answer| each(index, answer));
            if !matches!(go_on, Ok(true)) {
                over.store(true, Ordering::Relaxed);
                return go_on.map(drop);
            }
        }
        Ok(())
    })
}
