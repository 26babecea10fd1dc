//! Boxes of ISO/IEC 14496-12 in a file.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// Most boxes that lie side by side.
const MOST: usize = 1_000;

/// The largest piece that is read at once, in bytes.
const LARGEST: u64 = 1 << 26;

/// A box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: [u8; 4],
    pub(super) start: u64,
    /// Where what is in it begins.
    pub(super) content: u64,
    pub(super) end: u64,
}

/// The boxes that fill a file from one place to another; `None` where they do not
/// fill it exactly.
pub(super) fn children(file: &File, start: u64, end: u64) -> Option<Vec<Place>> {
    let (mut found, mut at) = (Vec::new(), start);
    while at < end {
        let head = bytes(file, at, 8)?;
        let kind: [u8; 4] = head.get(4..8)?.try_into().ok()?;
        let (header, size) = match word(file, at)? {
            0 => (8, end - at),
            1 => (16, u64::from_be_bytes(bytes(file, at + 8, 8)?.try_into().ok()?)),
            size => (8, u64::from(size)),
        };
        let next = at.checked_add(size)?;
        if size < header || next > end || found.len() == MOST {
            return None;
        }
        found.push(Place { kind, start: at, content: at + header, end: next });
        at = next;
    }
    Some(found)
}

/// The one box of a kind.
pub(super) fn only(places: &[Place], kind: &[u8; 4]) -> Option<Place> {
    let mut of_kind = places.iter().filter(|place| place.kind == *kind);
    of_kind.next().copied().filter(|_| of_kind.next().is_none())
}

pub(super) fn bytes(file: &File, at: u64, length: u64) -> Option<Vec<u8>> {
    if length > LARGEST {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, at).ok()?;
    Some(bytes)
}

pub(super) fn word(file: &File, at: u64) -> Option<u32> {
    let mut word = [0; 4];
    file.read_exact_at(&mut word, at).ok()?;
    Some(u32::from_be_bytes(word))
}

pub(super) fn boxed(kind: &[u8; 4], content: &[u8]) -> Option<Vec<u8>> {
    let size = u32::try_from(content.len().checked_add(8)?).ok()?;
    Some([&size.to_be_bytes()[..], kind, content].concat())
}

/// A file from a place on.
pub(super) struct From<'a> {
    pub(super) file: &'a File,
    pub(super) at: u64,
}

impl Read for From<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
