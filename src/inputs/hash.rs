//! The content digests of files.
//!
//! Files are read in pieces, not mapped: a mapped file that shrinks, or whose
//! disk is unplugged, kills the process with a signal, while a read fails with
//! an error that can be told. Both hash about 6 GB/s on two cores from the page
//! cache (mapping 0 to 15 % more, within the noise), and no disk keeps up with
//! either. Each file is read by one thread, and BLAKE3's tree lets all cores
//! hash its pieces.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::{Diagnostic, Digest};

use super::stat::Remembered;
use super::system::{EntryKind, System};
use super::trouble::cannot;

/// Pieces that a file is read in: large enough for BLAKE3 to divide among
/// cores, small enough to stay in their caches.
const PIECE: usize = 1 << 20;

/// Hashes a file. `progress` is told of bytes as they are done. A file that
/// changes meanwhile is an error, since the digest would be of no content that
/// ever existed.
pub fn hash_file(system: &dyn System, path: &Path, progress: &(dyn Fn(u64) + Sync)) -> Result<Remembered, Diagnostic> {
    let failed = |error: io::Error| cannot("read", path, &error);
    let hashed_ns = system.now_ns();
    let before = system.stat(path).map_err(failed)?;
    if before.kind != EntryKind::File {
        return Err(Diagnostic::input(format!("{} is not a regular file", path.display())));
    }
    let mut file = system.open(path).map_err(failed)?;
    let digest = digest_of(&mut *file, before.stat.size, progress).map_err(failed)?;
    let after = system.stat(path).map_err(failed)?;
    if before != after {
        let changed = Diagnostic::environment(format!("{} changed while it was being read", path.display()));
        return Err(changed.hint("wait until it is copied or recorded completely, then run again"));
    }
    Ok(Remembered { digest, stat: after.stat, hashed_ns })
}

/// The digest of all that `file` gives; `expected` bytes size the buffer.
pub fn digest_of(file: &mut dyn Read, expected: u64, progress: &(dyn Fn(u64) + Sync)) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; usize::try_from(expected.saturating_add(1)).unwrap_or(PIECE).clamp(1 << 10, PIECE)];
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if filled >= PIECE / 2 {
            hasher.update_rayon(&buffer[..filled]);
        } else {
            hasher.update(&buffer[..filled]);
        }
        progress(filled as u64);
        if filled < buffer.len() {
            return Ok(Digest(*hasher.finalize().as_bytes()));
        }
    }
}

/// Hashes several files side by side and hands each result to `done`, with its
/// index in `paths`, as soon as it is there; in what order is left to chance.
pub fn hash_files(
    system: &dyn System,
    paths: &[PathBuf],
    progress: &(dyn Fn(u64) + Sync),
    done: &(dyn Fn(usize, Result<Remembered, Diagnostic>) + Sync),
) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((index, path)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            paths.get(index).map(|path| (index, path))
        } {
            done(index, hash_file(system, path, progress));
        }
    };
    // Threads of their own: one that waits for a disk must not hold up rayon's
    // pool, which hashes for all of them.
    std::thread::scope(|scope| {
        for _ in 1..rayon::current_num_threads().min(paths.len()) {
            scope.spawn(work);
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{MemorySystem, RealSystem};
    use std::sync::Mutex;
    use std::sync::atomic::AtomicU64;

    /// The first bytes of the hashes in BLAKE3's published test vectors (input
    /// byte `i` is `i % 251`).
    #[test]
    fn published_test_vectors() {
        let system = MemorySystem::new();
        for (length, hex) in [
            (0, "af1349b9f5f9a1a6a0404dea36dcc949"),
            (1_024, "42214739f095a406f3fc83deb889744a"),
            (102_400, "bc3e3d41a1146b069abffad3c0d44860"),
        ] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            system.write("/a", &bytes);
            let hashed = hash_file(&system, Path::new("/a"), &|_| {}).unwrap();
            assert!(hashed.digest.to_string().starts_with(hex), "{length} bytes: {}", hashed.digest);
        }
    }

    #[test]
    fn large_files_are_hashed_like_small_ones_and_progress_adds_up() {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|i| (i % 253) as u8).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let seen = AtomicU64::new(0);
        let progress = |n| {
            seen.fetch_add(n, Ordering::Relaxed);
        };
        let hashed = hash_file(&RealSystem, file.path(), &progress).unwrap();
        assert_eq!(hashed.digest, Digest::of(&bytes));
        assert_eq!(hashed.stat.size, bytes.len() as u64);
        assert_eq!(seen.into_inner(), bytes.len() as u64);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_an_error() {
        let system = MemorySystem::new();
        system.write("/a.mp4", vec![7; PIECE + 1]);
        let progress = |_| {
            system.advance_ns(1).write("/a.mp4", "longer or shorter");
        };
        let error = hash_file(&system, Path::new("/a.mp4"), &progress).unwrap_err();
        assert_eq!(error.message, "/a.mp4 changed while it was being read");
    }

    #[test]
    fn several_at_once_each_with_its_own_result() {
        let system = MemorySystem::new();
        let mut paths: Vec<PathBuf> = (0..20).map(|i| PathBuf::from(format!("/{i}"))).collect();
        for path in &paths {
            system.write(path, path.as_os_str().as_encoded_bytes());
        }
        paths.push("/missing".into());
        let results = Mutex::new(Vec::new());
        hash_files(&system, &paths, &|_| {}, &|index, result| results.lock().unwrap().push((index, result)));
        let mut results = results.into_inner().unwrap();
        results.sort_by_key(|(index, _)| *index);
        assert_eq!(results.len(), 21);
        for (index, result) in &results[..20] {
            let expected = Digest::of(paths[*index].as_os_str().as_encoded_bytes());
            assert_eq!(result.as_ref().unwrap().digest, expected);
        }
        let error = results[20].1.as_ref().unwrap_err();
        assert!(error.message.starts_with("cannot read /missing"), "{}", error.message);
    }
}
