//! Files side by side: where two of them first differ, and copies to look at.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::base::Diagnostic;
use crate::inputs::cannot;

use super::outputs;

/// Bytes that are read at once.
const BLOCK: usize = 1 << 18;

/// Two files that differ: from which byte on, counted from 0, and how long each
/// is. Where one is the other's beginning, that is the shorter one's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differs {
    pub at: u64,
    pub lengths: (u64, u64),
}

/// Compares the contents of two files; `None` where they are equal.
pub fn compare(one: &Path, other: &Path) -> Result<Option<Differs>, Diagnostic> {
    let open = |path: &Path| -> Result<_, Diagnostic> {
        let failed = |error: std::io::Error| cannot("read", path, &error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok((BufReader::with_capacity(BLOCK, file), length))
    };
    let ((mut a, a_length), (mut b, b_length)) = (open(one)?, open(other)?);
    let lengths = (a_length, b_length);
    let mut at = 0;
    loop {
        let left = a.fill_buf().map_err(|error| cannot("read", one, &error))?;
        let right = b.fill_buf().map_err(|error| cannot("read", other, &error))?;
        let both = left.len().min(right.len());
        if let Some(index) = left[..both].iter().zip(&right[..both]).position(|(x, y)| x != y) {
            return Ok(Some(Differs { at: at + index as u64, lengths }));
        }
        if both == 0 {
            let equal = left.is_empty() && right.is_empty();
            return Ok((!equal).then_some(Differs { at, lengths }));
        }
        at += both as u64;
        a.consume(both);
        b.consume(both);
    }
}

/// Copies a file to `to`, over what is there, with its folders. The copy is its
/// owner's to change.
pub fn copy_out(from: &Path, to: &Path) -> Result<(), Diagnostic> {
    if let Some(folder) = to.parent() {
        outputs::make_folder(folder)?;
    }
    outputs::copy(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        // Past the first block, so that counting goes on over blocks.
        let mut bytes = vec![7; BLOCK + 100];
        let (one, same) = (write("one", &bytes), write("same", &bytes));
        assert_eq!(compare(&one, &same).unwrap(), None);
        let length = bytes.len() as u64;
        bytes[BLOCK + 3] ^= 1;
        let other = write("other", &bytes);
        let at = BLOCK as u64 + 3;
        assert_eq!(compare(&one, &other).unwrap(), Some(Differs { at, lengths: (length, length) }));
        let short = write("short", &[7; 5]);
        assert_eq!(compare(&one, &short).unwrap(), Some(Differs { at: 5, lengths: (length, 5) }));
        assert_eq!(compare(&short, &one).unwrap(), Some(Differs { at: 5, lengths: (5, length) }));
        assert!(compare(&one, &folder.path().join("none")).is_err());
    }

    #[test]
    fn a_copy_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let objects = super::super::Objects::new(folder.path().join("objects"), folder.path().join("tmp"));
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        let artifact = objects.insert_bytes(b"content").unwrap();
        let to = folder.path().join("kept/copy");
        copy_out(&objects.path(artifact.digest), &to).unwrap();
        copy_out(&objects.path(artifact.digest), &to).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), b"content");
        assert!(!std::fs::metadata(&to).unwrap().permissions().readonly());
    }
}
