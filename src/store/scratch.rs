//! Room for what an action needs while it runs and nobody afterwards.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file without a name, which is gone when this is dropped or the process
/// ends, however it ends.
#[derive(Debug)]
pub struct ScratchFile {
    file: File,
    length: u64,
}

impl ScratchFile {
    /// An empty one on the file system of `folder`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new_in(folder: &Path) -> io::Result<ScratchFile> {
        Ok(ScratchFile { file: tempfile::tempfile_in(folder)?, length: 0 })
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes behind all that was written.
    ///
    /// # Errors
    /// Those of the system.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Fills the buffer with what stands from `at` on.
    ///
    /// # Errors
    /// Those of the system, and `UnexpectedEof` where there is no more.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_no_name_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let mut scratch = ScratchFile::new_in(folder.path()).unwrap();
        scratch.append(b"abc").unwrap();
        scratch.append(b"defg").unwrap();
        let mut buffer = [0; 3];
        scratch.read_at(2, &mut buffer).unwrap();
        assert_eq!((&buffer, scratch.length()), (b"cde", 7));
        assert!(scratch.read_at(5, &mut buffer).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
