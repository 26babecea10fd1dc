//! Files of which parts are read, wherever they stand.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file that is open for reading at any place.
#[derive(Debug)]
pub struct Placed {
    file: fs::File,
    length: u64,
}

impl Placed {
    /// # Errors
    /// Those of the system.
    pub fn open(path: &Path) -> io::Result<Placed> {
        let file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Placed { file, length })
    }

    /// In bytes, when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Fills the buffer with what stands from `at` on.
    ///
    /// # Errors
    /// Those of the system, and `UnexpectedEof` where there is no more.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, at)
    }
}
