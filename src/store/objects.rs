//! Artifacts, each in a file that is named by the BLAKE3 of its content.
//!
//! An object is *absent*, or *present*: whole, read-only, and never changed. It
//! gets there by a rename from `tmp/` on the same file system, so that no
//! reader and no crash ever sees half of one. What a crash leaves in `tmp/` is
//! cleared by whoever takes the lock next.
//!
//! Objects are not synced to the disk one by one: that would cost a small
//! action more than its work, and the death of a process loses nothing without
//! it. A power cut can leave an object that is listed but shorter than it was
//! (the file systems in use write data before the size that covers it). So
//! presence is always asked together with the size, and `verify` compares
//! digests.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Diagnostic, Digest};
use crate::inputs::cannot;
use crate::inputs::hash::digest_of;
use crate::model::Artifact;

/// The objects of a store.
#[derive(Clone, Debug)]
pub struct Objects {
    folder: PathBuf,
    temporary: PathBuf,
    /// Those whose content this process has compared with their digest, by
    /// making them or by reading them.
    known: Arc<Mutex<HashSet<Digest>>>,
}

/// What verifying an object found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectState {
    Sound,
    Absent,
    /// Its content has another digest.
    Corrupt,
}

/// Why an object cannot be used.
#[derive(Debug)]
pub enum Unsound {
    /// It is not there, or not any more: what made it has to run again.
    Gone(String),
    Unreadable(Diagnostic),
}

impl Objects {
    pub fn new(folder: PathBuf, temporary: PathBuf) -> Self {
        Objects { folder, temporary, known: Arc::default() }
    }

    /// Where the object is or would be.
    pub fn path(&self, digest: Digest) -> PathBuf {
        // Asked thousands of times a build, so not by way of a formatter.
        let name = blake3::Hash::from_bytes(digest.0).to_hex();
        let (fan, rest) = name.split_at(2);
        let mut path = PathBuf::with_capacity(self.folder.as_os_str().len() + name.len() + 2);
        path.push(&self.folder);
        path.push(fan);
        path.push(rest);
        path
    }

    pub fn contains(&self, artifact: Artifact) -> bool {
        self.size(artifact.digest) == Some(artifact.bytes)
    }

    fn size(&self, digest: Digest) -> Option<u64> {
        fs::symlink_metadata(self.path(digest)).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
    }

    /// Takes a finished file of an action's scratch folder into the store. The
    /// file is gone afterwards.
    pub fn insert_file(&self, file: &Path) -> Result<Artifact, Diagnostic> {
        let failed = |error: io::Error| cannot("take into the store", file, &error);
        let mut reader = fs::File::open(file).map_err(failed)?;
        let metadata = reader.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(Diagnostic::bug(format!("{} is to become an object and is not a file", file.display())));
        }
        let digest = digest_of(&mut reader, metadata.len(), &|_| {}).map_err(failed)?;
        let artifact = Artifact { digest, bytes: metadata.len() };
        if self.holds(artifact) {
            fs::remove_file(file).map_err(failed)?;
            return Ok(artifact);
        }
        read_only(file).map_err(failed)?;
        let path = self.path(digest);
        match self.rename(file, &path) {
            Ok(()) => self.note_sound(digest),
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                // Scratch folders lie in the store, so this is rare: a bind
                // mount, or a caller with a folder of its own.
                let mut copy = self.temporary_file().map_err(failed)?;
                reader = fs::File::open(file).map_err(failed)?;
                io::copy(&mut reader, &mut copy).map_err(failed)?;
                self.persist(copy, &path)?;
                fs::remove_file(file).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(artifact)
    }

    /// Stores `bytes`.
    pub fn insert_bytes(&self, bytes: &[u8]) -> Result<Artifact, Diagnostic> {
        let artifact = Artifact { digest: Digest::of(bytes), bytes: bytes.len() as u64 };
        if self.holds(artifact) {
            return Ok(artifact);
        }
        let path = self.path(artifact.digest);
        let failed = |error: io::Error| cannot("write into the store", &path, &error);
        let mut file = self.temporary_file().map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        self.persist(file, &path)?;
        self.note_sound(artifact.digest);
        Ok(artifact)
    }

    /// A new object that is written as a stream.
    pub fn writer(&self) -> ObjectWriter {
        ObjectWriter { objects: self.clone(), hasher: blake3::Hasher::new(), buffer: Vec::new(), file: None, bytes: 0 }
    }

    /// Whether the object is there for sure. One of which only the size is known
    /// may be corrupt: what was made now replaces it.
    fn holds(&self, artifact: Artifact) -> bool {
        self.is_known(artifact.digest) && self.contains(artifact)
    }

    fn is_known(&self, digest: Digest) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest)
    }

    fn note_sound(&self, digest: Digest) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
    }

    /// Makes sure that an object is what its digest says before something is
    /// made of it, reading it once in the life of this process. One that is
    /// corrupt is removed. Errors: it is corrupt or not there, and the message
    /// says which.
    pub fn ensure_sound(&self, digest: Digest) -> Result<(), Unsound> {
        if self.is_known(digest) {
            return Ok(());
        }
        match self.verify(digest).map_err(Unsound::Unreadable)? {
            ObjectState::Sound => {
                self.note_sound(digest);
                Ok(())
            }
            ObjectState::Absent => Err(Unsound::Gone(format!("object {} of the store is gone", digest.short()))),
            ObjectState::Corrupt => {
                self.remove(digest).map_err(Unsound::Unreadable)?;
                Err(Unsound::Gone(format!("object {} of the store was corrupt", digest.short())))
            }
        }
    }

    /// The whole content. It is compared with the digest: an object that was
    /// damaged is removed, so that the next build makes it anew.
    pub fn read(&self, digest: Digest) -> Result<Vec<u8>, Diagnostic> {
        let path = self.path(digest);
        let bytes = fs::read(&path).map_err(|error| cannot("read from the store", &path, &error))?;
        if Digest::of(&bytes) == digest {
            return Ok(bytes);
        }
        let message = format!("object {} of the store is damaged", digest.short());
        let problem = Diagnostic::environment(message);
        Err(match self.remove(digest) {
            Ok(()) => {
                problem.hint("it was removed; run again: it is made anew; `autocut verify` checks all the others")
            }
            Err(kept) => problem.note(kept.message),
        })
    }

    /// Reads an object and compares its digest.
    pub fn verify(&self, digest: Digest) -> Result<ObjectState, Diagnostic> {
        let path = self.path(digest);
        let failed = |error: io::Error| cannot("read from the store", &path, &error);
        let mut file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ObjectState::Absent),
            Err(error) => return Err(failed(error)),
        };
        let size = file.metadata().map_err(failed)?.len();
        let found = digest_of(&mut file, size, &|_| {}).map_err(failed)?;
        Ok(if found == digest { ObjectState::Sound } else { ObjectState::Corrupt })
    }

    /// Removes an object; one that is absent is no error.
    pub fn remove(&self, digest: Digest) -> Result<(), Diagnostic> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("remove", &path, &error)),
            _ => Ok(()),
        }
    }

    /// All objects with their sizes in bytes, in order of their digests. Files
    /// with other names are passed over.
    pub fn list(&self) -> Result<Vec<Artifact>, Diagnostic> {
        let failed = |error: io::Error| cannot("list", &self.folder, &error);
        let mut all = Vec::new();
        let fans = match fs::read_dir(&self.folder) {
            Ok(fans) => fans,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
            Err(error) => return Err(failed(error)),
        };
        for fan in fans {
            let fan = fan.map_err(failed)?;
            if !fan.file_type().map_err(failed)?.is_dir() {
                continue;
            }
            for object in fs::read_dir(fan.path()).map_err(failed)? {
                let object = object.map_err(failed)?;
                let name = format!("{}{}", fan.file_name().display(), object.file_name().display());
                if let (Ok(digest), Ok(metadata)) = (name.parse(), object.metadata()) {
                    all.push(Artifact { digest, bytes: metadata.len() });
                }
            }
        }
        all.sort_by_key(|artifact| artifact.digest);
        Ok(all)
    }

    fn temporary_file(&self) -> io::Result<tempfile::NamedTempFile> {
        match tempfile::NamedTempFile::new_in(&self.temporary) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.temporary)?;
                tempfile::NamedTempFile::new_in(&self.temporary)
            }
            made => made,
        }
    }

    fn persist(&self, file: tempfile::NamedTempFile, path: &Path) -> Result<(), Diagnostic> {
        let failed = |error: io::Error| cannot("write into the store", path, &error);
        read_only(file.path()).map_err(failed)?;
        let temporary = file.into_temp_path();
        self.rename(&temporary, path).map_err(failed)?;
        // Renamed: there is nothing left for its destructor to remove.
        temporary.keep().map(|_| ()).map_err(|error| failed(error.error))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
                fs::rename(from, to)
            }
            done => done,
        }
    }
}

/// What an object is kept in memory for before it becomes a file.
const SMALL: usize = 1 << 20;

/// An object on its way. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct ObjectWriter {
    objects: Objects,
    hasher: blake3::Hasher,
    /// What is not in the file yet.
    buffer: Vec<u8>,
    file: Option<tempfile::NamedTempFile>,
    bytes: u64,
}

impl ObjectWriter {
    /// Makes what was written an object.
    pub fn keep(mut self) -> Result<Artifact, Diagnostic> {
        let Some(mut file) = self.file.take() else { return self.objects.insert_bytes(&self.buffer) };
        let artifact = Artifact { digest: Digest(*self.hasher.finalize().as_bytes()), bytes: self.bytes };
        if self.objects.holds(artifact) {
            return Ok(artifact);
        }
        let path = self.objects.path(artifact.digest);
        file.write_all(&self.buffer).map_err(|error| cannot("write into the store", &path, &error))?;
        self.objects.persist(file, &path)?;
        self.objects.note_sound(artifact.digest);
        Ok(artifact)
    }

    /// Makes what was written a file at `path`, which is none of the store's, and
    /// no object.
    pub fn into_file(mut self, path: &Path) -> Result<(), Diagnostic> {
        let failed = |error: io::Error| cannot("write", path, &error);
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.objects.temporary_file().map_err(failed)?,
        };
        file.write_all(&self.buffer).map_err(failed)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > SMALL {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(self.objects.temporary_file()?),
            };
            file.write_all(&self.buffer)?;
            self.buffer.clear();
            if bytes.len() > SMALL {
                file.write_all(bytes)?;
            } else {
                self.buffer.extend_from_slice(bytes);
            }
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read_only(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects() -> (tempfile::TempDir, Objects) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::new(folder.path().join("objects"), folder.path().join("tmp"));
        (folder, objects)
    }

    fn leftovers(folder: &tempfile::TempDir) -> usize {
        fs::read_dir(folder.path().join("tmp")).map_or(0, Iterator::count)
    }

    #[test]
    fn what_is_inserted_can_be_read_and_is_there_once() {
        let (folder, objects) = objects();
        let file = folder.path().join("made");
        fs::write(&file, "a segment").unwrap();
        let one = objects.insert_file(&file).unwrap();
        let two = objects.insert_bytes(b"a segment").unwrap();
        assert_eq!(one, two);
        assert_eq!(one, Artifact { digest: Digest::of(b"a segment"), bytes: 9 });
        assert!(!file.exists());
        assert_eq!(objects.read(one.digest).unwrap(), b"a segment");
        assert_eq!(objects.list().unwrap(), [one]);
        assert_eq!(leftovers(&folder), 0);
        fs::write(&file, "a segment").unwrap();
        assert_eq!(objects.insert_file(&file).unwrap(), one);
        assert!(!file.exists());
    }

    #[test]
    fn what_is_written_as_a_stream_is_what_is_inserted() {
        let (folder, objects) = objects();
        for size in [0, 9, SMALL, SMALL + 1, 3 * SMALL + 5] {
            let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            for part in [1 << 10, 1 << 19, 1 << 21] {
                let mut writer = objects.writer();
                bytes.chunks(part).for_each(|part| writer.write_all(part).unwrap());
                assert_eq!(writer.keep().unwrap(), Artifact { digest: Digest::of(&bytes), bytes: size as u64 });
            }
            assert_eq!(objects.read(Digest::of(&bytes)).unwrap(), bytes);
        }
        objects.writer().write_all(&vec![0; 2 * SMALL]).unwrap();
        assert_eq!((objects.list().unwrap().len(), leftovers(&folder)), (5, 0));
    }

    #[test]
    fn objects_are_read_only() {
        let (_folder, objects) = objects();
        let artifact = objects.insert_bytes(b"x").unwrap();
        let mode = fs::metadata(objects.path(artifact.digest)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o444);
    }

    #[test]
    fn an_object_of_another_size_is_missing_and_is_replaced() {
        let (_folder, objects) = objects();
        let artifact = objects.insert_bytes(b"whole").unwrap();
        let path = objects.path(artifact.digest);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "wh").unwrap();
        assert!(!objects.contains(artifact));
        objects.insert_bytes(b"whole").unwrap();
        assert!(objects.contains(artifact));
    }

    #[test]
    fn a_corrupt_object_is_noticed_and_never_returned() {
        let (_folder, objects) = objects();
        let artifact = objects.insert_bytes(b"whole").unwrap();
        assert_eq!(objects.verify(artifact.digest).unwrap(), ObjectState::Sound);
        let path = objects.path(artifact.digest);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "whale").unwrap();
        assert_eq!(objects.verify(artifact.digest).unwrap(), ObjectState::Corrupt);
        let error = objects.read(artifact.digest).unwrap_err();
        assert!(error.message.contains("damaged"), "{}", error.message);
        assert_eq!(objects.verify(artifact.digest).unwrap(), ObjectState::Absent);
    }

    #[test]
    fn what_is_made_of_an_object_is_made_of_a_sound_one() {
        let (_folder, objects) = objects();
        let artifact = objects.insert_bytes(b"whole").unwrap();
        let path = objects.path(artifact.digest);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "whale").unwrap();
        assert!(objects.ensure_sound(artifact.digest).is_ok(), "this process wrote it itself");
        let fresh = Objects::new(objects.folder.clone(), objects.temporary.clone());
        let Err(Unsound::Gone(why)) = fresh.ensure_sound(artifact.digest) else { panic!("it is corrupt") };
        assert!(why.ends_with("was corrupt"), "{why}");
        assert!(!path.exists());
        assert!(matches!(fresh.ensure_sound(artifact.digest), Err(Unsound::Gone(_))));
        fresh.insert_bytes(b"whole").unwrap();
        assert!(fresh.ensure_sound(artifact.digest).is_ok());
    }

    #[test]
    fn a_sound_object_replaces_a_corrupt_one_of_its_size() {
        let (folder, objects) = objects();
        let artifact = objects.insert_bytes(b"whole").unwrap();
        let path = objects.path(artifact.digest);
        let file = folder.path().join("made");
        for by_file in [false, true] {
            fs::remove_file(&path).unwrap();
            fs::write(&path, "whale").unwrap();
            let fresh = Objects::new(objects.folder.clone(), objects.temporary.clone());
            if by_file {
                fs::write(&file, "whole").unwrap();
                fresh.insert_file(&file).unwrap();
            } else {
                fresh.insert_bytes(b"whole").unwrap();
            }
            assert_eq!(objects.verify(artifact.digest).unwrap(), ObjectState::Sound);
        }
        assert_eq!((leftovers(&folder), file.exists()), (0, false));
    }

    #[test]
    fn files_with_other_names_are_not_objects() {
        let (_folder, objects) = objects();
        let artifact = objects.insert_bytes(b"x").unwrap();
        fs::write(objects.path(artifact.digest).with_extension("bak"), "x").unwrap();
        fs::write(objects.folder.join("README"), "x").unwrap();
        assert_eq!(objects.list().unwrap(), [artifact]);
    }
}
