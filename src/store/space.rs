//! Room on the disk.

use std::path::Path;

use crate::base::{Bytes, Diagnostic};
use crate::inputs::cannot;

/// A file system's room in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What this user may still write.
    pub free: u64,
    pub total: u64,
}

/// Left free on top of what a build is expected to write, for the index, the
/// log and everyone else on that disk.
pub const RESERVE: u64 = 256 << 20;

impl Space {
    /// The room where `path`, which must exist, lies.
    pub fn of(path: &Path) -> Result<Space, Diagnostic> {
        let room = rustix::fs::statvfs(path)
            .map_err(|error| cannot("ask for the free space of", path, &std::io::Error::from(error)))?;
        let bytes = |blocks: u64| blocks.saturating_mul(room.f_frsize);
        Ok(Space { free: bytes(room.f_bavail), total: bytes(room.f_blocks) })
    }

    /// An error if `needed` bytes and the [`RESERVE`] do not fit.
    pub fn require(self, needed: u64, path: &Path) -> Result<(), Diagnostic> {
        if needed.saturating_add(RESERVE) <= self.free {
            return Ok(());
        }
        let message = format!("not enough free space for {}", path.display());
        let needs = format!("this build is expected to write {}, and {} stay free", size(needed), size(RESERVE));
        let diagnostic = Diagnostic::environment(message).note(needs).note(format!("free are {}", size(self.free)));
        Err(diagnostic.hint("free some space, run `autocut gc`, or let AUTOCUT_STORE name a folder on another disk"))
    }
}

/// A size as people read it: `1.5 GiB`.
pub fn size(bytes: u64) -> String {
    Bytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_does_not_fit_is_refused_before_it_starts() {
        let space = Space { free: 1 << 30, total: 1 << 40 };
        assert!(space.require(700 << 20, Path::new("/s")).is_ok());
        let error = space.require(800 << 20, Path::new("/s")).unwrap_err();
        assert_eq!(error.notes[0], "this build is expected to write 800.0 MiB, and 256.0 MiB stay free");
        assert!(space.require(u64::MAX, Path::new("/s")).is_err());
    }

    #[test]
    fn the_disk_is_asked() {
        let space = Space::of(&std::env::temp_dir()).unwrap();
        assert!(space.total > 0 && space.free <= space.total);
        assert!(Space::of(Path::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn sizes_for_people() {
        assert_eq!([size(0), size(1023), size(1536), size(50 << 30)], ["0 bytes", "1023 bytes", "1.5 KiB", "50.0 GiB"]);
    }
}
