//! The files that a user asked for.
//!
//! A place for an output is *absent* (nothing is there), *ours* (it holds what
//! autocut last wrote there) or *foreign* (anything else: a file that autocut
//! never wrote, one that was changed since, a folder, a link). Only a foreign
//! one is never replaced without `force`.
//!
//! An output is written beside its place under a hidden name and renamed, so
//! nobody ever sees half of it. It is a file of its own, by reflink where the
//! file system can do that, else by copying; never a hard link, by which an
//! edit of the output would change the object. It is synced before it is
//! renamed: of all that autocut writes, this is what people keep.
//!
//! It is recorded, with the log synced, before it is renamed, and what the place
//! held until then is forgotten after that. So whatever a crash or a power cut
//! in between leaves there, the earlier file or the new one, is known to be ours.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::base::{Diagnostic, Digest};
use crate::inputs::system::stat_of;
use crate::inputs::{RealSystem, Remembered, System, cannot, hash_file};
use crate::model::{ActionKey, Artifact};

use super::Store;
use super::records::{OutputRecord, Record};

/// What lies where an output belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputState {
    Absent,
    Ours(Digest),
    Foreign,
}

/// Fewer outputs than this are looked at by one thread.
const STATES_AT_ONCE: usize = 128;

impl Store {
    /// What lies at `name`, relative to the folder `project`. A file whose stat
    /// is as it was recorded is not read.
    pub fn output_state(&self, project: &Path, name: &str) -> Result<OutputState, Diagnostic> {
        let record = self.with(|inner| inner.index.output(&self.project, name))?;
        self.state_of(project, name, record)
    }

    /// [`output_state`](Self::output_state) of several, in order.
    pub fn output_states(&self, project: &Path, names: &[String]) -> Result<Vec<OutputState>, Diagnostic> {
        let records = self.outputs()?;
        let record = |name: &String| {
            let at = records.binary_search_by(|record| record.name.as_str().cmp(name)).ok()?;
            records.get(at).cloned()
        };
        // A disk answers several at once.
        let states = names.par_iter().with_min_len(STATES_AT_ONCE);
        states.map(|name| self.state_of(project, name, record(name))).collect()
    }

    fn state_of(&self, project: &Path, name: &str, record: Option<OutputRecord>) -> Result<OutputState, Diagnostic> {
        let path = project.join(name);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(OutputState::Absent);
            }
            Err(error) => return Err(cannot("look at", &path, &error)),
        };
        if !metadata.is_file() {
            return Ok(OutputState::Foreign);
        }
        let stat = stat_of(&metadata);
        let Some(record) = record else { return self.state_elsewhere(&path, name, stat.size) };
        if record.written.is_trusted_of_own(&stat) {
            return Ok(OutputState::Ours(record.written.digest));
        }
        let earlier = self.with(|inner| inner.index.earlier_outputs(&self.project, Some(name)))?;
        if !earlier.iter().chain([&record]).any(|known| known.written.stat.size == stat.size) {
            return Ok(OutputState::Foreign);
        }
        let found = hash_file(&RealSystem, &path, &|_| {})?;
        if found.digest != record.written.digest {
            let ours = earlier.iter().any(|known| known.written.digest == found.digest);
            return Ok(if ours { OutputState::Ours(found.digest) } else { OutputState::Foreign });
        }
        // Touched, copied or cloned, with the same content: not to be read again.
        // (On a full disk it will be.)
        let refreshed = OutputRecord { written: found, ..record };
        let _ = self.with(|inner| inner.index.refresh_output(&self.project, &refreshed));
        Ok(OutputState::Ours(found.digest))
    }

    /// What lies at an output's place of which this project knows nothing. If
    /// another one has written a file of this name and content, then this is
    /// that project, moved or copied, or its store was.
    fn state_elsewhere(&self, path: &Path, name: &str, size: u64) -> Result<OutputState, Diagnostic> {
        let mut others = self.with(|inner| inner.index.outputs_elsewhere(&self.project, name))?;
        others.retain(|other| other.written.stat.size == size);
        if others.is_empty() {
            return Ok(OutputState::Foreign);
        }
        let found = hash_file(&RealSystem, path, &|_| {})?;
        let Some(other) = others.into_iter().find(|other| other.written.digest == found.digest) else {
            return Ok(OutputState::Foreign);
        };
        let own = OutputRecord { written: found, ..other };
        let _ = self.with(|inner| inner.index.refresh_output(&self.project, &own));
        Ok(OutputState::Ours(found.digest))
    }

    /// All outputs of this project that were written and not forgotten, by name.
    pub fn outputs(&self) -> Result<Vec<OutputRecord>, Diagnostic> {
        self.with(|inner| inner.index.outputs(&self.project))
    }

    /// Where to write the output `name` before it gets its place: beside it, in a
    /// folder that exists now. What a crash left there is removed.
    fn prepare_output(&self, project: &Path, name: &str) -> Result<PathBuf, Diagnostic> {
        let path = project.join(name);
        let (Some(folder), Some(file_name)) = (path.parent(), path.file_name()) else {
            return Err(Diagnostic::input(format!("\"{name}\" is not the name of a file")));
        };
        let failed = |error: io::Error| cannot("make the folder", folder, &error);
        let new: Vec<Record> = new_folders(project, folder)
            .into_iter()
            .map(|folder| Record::Folder(folder).about(&self.project))
            .collect();
        fs::create_dir_all(folder).map_err(failed)?;
        // Which of them may be removed when they are empty again.
        self.append(new)?;
        for half in leftovers(&path)? {
            remove(&half)?;
        }
        Ok(folder.join(format!("{}{}", unfinished(file_name), std::process::id())))
    }

    /// Takes a finished file of an action's scratch folder to its place as an
    /// output of the action `key`, and records it. The file is gone afterwards.
    pub fn take_output(
        &self,
        project: &Path,
        name: &str,
        file: &Path,
        key: ActionKey,
        force: bool,
    ) -> Result<Artifact, Diagnostic> {
        let written = hash_file(&RealSystem, file, &|_| {})?;
        self.refuse_foreign(project, name, written.digest, force)?;
        let temporary = self.prepare_output(project, name)?;
        match fs::rename(file, &temporary) {
            Ok(()) => {}
            // The store is on another disk than the project.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                copy(file, &temporary)?;
                // If it stays, it goes with its scratch folder.
                let _ = remove(file);
            }
            Err(error) => return Err(cannot("write", &temporary, &error)),
        }
        self.accept(project, name, &temporary, written, key)?;
        Ok(Artifact { digest: written.digest, bytes: written.stat.size })
    }

    /// Gives a finished file its place and records that. On an error before it
    /// has its place it is removed: half of a film on a full disk helps nobody.
    fn accept(
        &self,
        project: &Path,
        name: &str,
        temporary: &Path,
        written: Remembered,
        key: ActionKey,
    ) -> Result<(), Diagnostic> {
        let path = project.join(name);
        let failed = |error: io::Error| cannot("write", &path, &error);
        let record = OutputRecord { name: name.to_owned(), key, written };
        let placed = File::open(temporary)
            .and_then(|file| file.sync_data())
            .map_err(failed)
            .and_then(|()| self.append_synced(vec![Record::Output(record.clone()).about(&self.project)]))
            .and_then(|()| fs::rename(temporary, &path).map_err(failed));
        if placed.is_err() {
            let _ = fs::remove_file(temporary);
            return placed;
        }
        // The rename is a change: the stat to compare with is that of now. Where
        // that cannot be noted, the output is read once more.
        if let Ok(found) = RealSystem.stat(&path) {
            let record = OutputRecord { written: Remembered { stat: found.stat, ..written }, ..record };
            let _ = self.with(|inner| inner.index.refresh_output(&self.project, &record));
        }
        Ok(())
    }

    /// The error for a place that holds something foreign, unless it is just
    /// what is to be put there.
    fn refuse_foreign(&self, project: &Path, name: &str, digest: Digest, force: bool) -> Result<(), Diagnostic> {
        let path = project.join(name);
        if self.output_state(project, name)? != OutputState::Foreign {
            return Ok(());
        }
        let metadata = fs::symlink_metadata(&path).map_err(|error| cannot("look at", &path, &error))?;
        if metadata.is_dir() {
            let message = format!("{name} is to be written, but a folder is there");
            return Err(Diagnostic::input(message).hint("move the folder away, or give the output another name"));
        }
        if force || (metadata.is_file() && hash_file(&RealSystem, &path, &|_| {})?.digest == digest) {
            return Ok(());
        }
        let known = self.with(|inner| inner.index.output(&self.project, name))?.is_some();
        let message = match known {
            true => format!("{name} was changed since autocut wrote it"),
            false => format!("{name} exists and was not written by autocut"),
        };
        Err(Diagnostic::input(message).hint("move it away, give the output another name, or use --force to replace it"))
    }
}

/// What the names of files begin with that are being written for an output of
/// this name.
fn unfinished(file_name: &std::ffi::OsStr) -> String {
    format!(".{}.autocut-tmp-", file_name.display())
}

/// What crashes left beside an output while they wrote it.
pub(super) fn leftovers(output: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let (Some(folder), Some(file_name)) = (output.parent(), output.file_name()) else { return Ok(Vec::new()) };
    let start = unfinished(file_name);
    let failed = |error: io::Error| cannot("list", folder, &error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_name().as_encoded_bytes().starts_with(start.as_bytes()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Those of the folders on the way from `project` to `folder` that do not exist,
/// relative to the project, outermost first.
fn new_folders(project: &Path, folder: &Path) -> Vec<String> {
    let missing = folder.ancestors().take_while(|path| fs::symlink_metadata(path).is_err());
    let names = missing.filter_map(|path| path.strip_prefix(project).ok()?.to_str().map(str::to_owned));
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    names.reverse();
    names
}

fn remove(path: &Path) -> Result<(), Diagnostic> {
    fs::remove_file(path).map_err(|error| cannot("remove", path, &error))
}

/// Copies an object to a new file that its owner may write.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Diagnostic> {
    let failed = |error: io::Error| cannot("write", to, &error);
    // Made the ordinary way first, for the permissions that the user wants.
    let mut file = File::create(to).map_err(failed)?;
    let permissions = file.metadata().map_err(failed)?.permissions();
    drop(file);
    fs::remove_file(to).map_err(failed)?;
    if reflink_copy::reflink(from, to).is_ok() {
        return fs::set_permissions(to, permissions).map_err(failed);
    }
    let mut source = File::open(from).map_err(|error| cannot("read from the store", from, &error))?;
    file = File::create(to).map_err(failed)?;
    io::copy(&mut source, &mut file).map(drop).map_err(|error| {
        // Half a file on a full disk helps nobody.
        let _ = fs::remove_file(to);
        failed(error)
    })
}

/// Writes a page over an earlier one and over nothing else: what is there must
/// hold `mark` near its beginning, as `page` does.
pub fn write_page(path: &Path, page: &[u8], mark: &[u8]) -> Result<(), Diagnostic> {
    let mut head = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return write_file(path, page),
        Err(error) => return Err(cannot("write", path, &error)),
        Ok(file) => {
            io::Read::take(file, 1 << 12).read_to_end(&mut head).map_err(|error| cannot("read", path, &error))?
        }
    };
    if head.windows(mark.len()).any(|part| part == mark) {
        return write_file(path, page);
    }
    let message = format!("{} was not written by autocut", path.display());
    Err(Diagnostic::input(message).hint("name another file, or move this one away"))
}

/// Why nothing could be written at the absolute `path`, as far as that can be
/// seen before it is tried: something is in the way, or there is no right to.
pub fn unwritable(path: &Path) -> Option<Diagnostic> {
    let folder = path.ancestors().skip(1).find(|ancestor| fs::symlink_metadata(ancestor).is_ok())?;
    let cannot = |why: &str| format!("{} cannot be written: {} {why}", path.display(), folder.display());
    if !folder.is_dir() {
        let problem = Diagnostic::input(cannot("is in the way, which is no folder"));
        return Some(problem.hint("move it away, or name another place for the output"));
    }
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Err(Errno::ACCESS | Errno::PERM) => {
            let problem = Diagnostic::environment(cannot("may not be written by this user"));
            Some(problem.hint("check who owns it and its permissions (ls -l), or name another place for the output"))
        }
        Err(Errno::ROFS) => {
            let problem = Diagnostic::environment(cannot("is on a file system that is read-only"));
            Some(problem.hint("mount it writable, or name another place for the output"))
        }
        // Anything else is told by who meets it.
        _ => None,
    }
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Diagnostic> {
    fs::create_dir_all(path).map_err(|error| cannot("make the folder", path, &error))
}

/// Writes a file that is none of a build's outputs (a page, a template), with
/// its folders; nobody sees half of it.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Diagnostic> {
    let failed = |error: io::Error| cannot("write", path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    io::Write::write_all(&mut file, bytes).map_err(failed)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests;
