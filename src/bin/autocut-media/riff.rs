//! How many pictures an AVI holds that was cut off.
//!
//! Its index is its end, so of such a file there is none, and FFmpeg guesses how
//! long it is by its size. Here its chunks are counted, from head to head: nothing
//! of what they hold is read.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::pulse;

/// More than a day of pictures and sound.
const MOST_CHUNKS: u64 = 10_000_000;

/// Four letters and the size of what follows.
const HEAD: u64 = 8;

/// How many pictures of that stream are there as a whole; `None` of a file that
/// is as long as it says, or in which something is no chunk.
pub(crate) fn pictures(path: &Path, stream: usize) -> Option<u64> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    // Two digits, and what it is: compressed, or as they are (`dc`, `db`).
    let number = format!("{stream:02}d");
    let (mut at, mut count, mut is_cut) = (0, 0, false);
    for chunk in 0..MOST_CHUNKS {
        if chunk % 1_024 == 0 {
            pulse::beat();
        }
        let mut head = [0; HEAD as usize];
        if at + HEAD > length {
            return is_cut.then_some(count);
        }
        file.read_exact_at(&mut head, at).ok()?;
        let (name, size) = head.split_at(4);
        let size = u64::from(u32::from_le_bytes(size.try_into().ok()?));
        let is_within = at + HEAD + size <= length;
        if name == b"RIFF" {
            is_cut = !is_within;
        }
        if name == b"RIFF" || name == b"LIST" && is_of_chunks(&file, at) {
            at += HEAD + 4;
            continue;
        }
        if !name.iter().all(|letter| letter.is_ascii_graphic() || *letter == b' ') {
            return None;
        }
        count += u64::from(is_within && name.starts_with(number.as_bytes()));
        at += HEAD + size + size % 2;
    }
    None
}

/// Whether a list holds pictures and sound.
fn is_of_chunks(file: &File, at: u64) -> bool {
    let mut kind = [0; 4];
    file.read_exact_at(&mut kind, at + HEAD).is_ok() && matches!(&kind, b"movi" | b"rec ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
        let pad = vec![0; content.len() % 2];
        [name, &u32::try_from(content.len()).unwrap().to_le_bytes(), content, &pad].concat()
    }

    #[test]
    fn pictures_are_counted_where_the_file_is_cut_off() {
        let rec = chunk(b"LIST", &[&b"rec "[..], &chunk(b"00dc", b"abc"), &chunk(b"01wb", b"sound")].concat());
        let movi = [&b"movi"[..], &chunk(b"00dc", b""), &rec, &chunk(b"ix00", b"...."), &chunk(b"00db", b"12345678")];
        let lists = [chunk(b"LIST", b"hdrl00dc...."), chunk(b"LIST", &movi.concat())].concat();
        let first = chunk(b"RIFF", &[&b"AVI "[..], &lists].concat());
        let second =
            chunk(b"RIFF", &[&b"AVIX"[..], &chunk(b"LIST", &[&b"movi"[..], &chunk(b"00dc", b"9")].concat())].concat());
        let whole = [first.clone(), second].concat();
        let folder = crate::tests::scratch("riff");
        let path = folder.join("a.avi");
        let found = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            pictures(&path, 0)
        };
        assert_eq!(found(&whole), None);
        assert_eq!(found(&first), None);
        // Within the last picture of the first part, before it, and of the second.
        assert_eq!(found(&first[..first.len() - 1]), Some(2));
        assert_eq!(found(&first[..first.len() - 16]), Some(2));
        assert_eq!(found(&whole[..whole.len() - 2]), Some(3));
        assert_eq!(found(&whole[..20]), Some(0));
        // What is no chunk may have others behind it.
        let mut odd = first[..first.len() - 1].to_vec();
        let at = odd.windows(4).position(|name| name == b"ix00").unwrap();
        odd[at] = 0;
        assert_eq!(found(&odd), None);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
