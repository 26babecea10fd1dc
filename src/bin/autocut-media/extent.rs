//! How far the pictures of a file really reach: what a file states of its
//! length is what its camera meant to write, and a card that was full, a copy
//! that broke off or a flat battery leave less.
//!
//! Nothing is decoded. An index that lists every frame with its place is
//! compared with the size of the file; where there is none, the last packets
//! are read.

use std::path::Path;

use autocut::base::{Diagnostic, Digest, FrameRate, Timestamp};
use autocut::model::losses::counted;
use autocut::model::naming::mark;

use crate::av::input::{Entry, Stream};
use crate::av::{Input, Packet};
use crate::riff;

/// How much longer a file may be than its pictures are, without a word: sound
/// goes on for a little, and durations are rounded.
pub(crate) fn tolerance() -> Timestamp {
    Timestamp::from_millis(250)
}

/// So many frames may lie before the first that can be shown: those that lead a
/// first key frame.
const FEW: i64 = 3;

/// FFmpeg's name.
const MATROSKA: &str = "matroska,webm";

/// The most packets that are read to find the last one.
const MOST_PACKETS: usize = 20_000;

/// What is known of the end of a file's pictures.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The media time after the last picture, where that is less than is stated.
    pub(crate) end: Option<Timestamp>,
    /// What people are to be told.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// What lies before the first picture that can be shown. `start` is when the
/// pictures start, as the file has it.
pub(crate) fn of_start(content: Digest, start: Timestamp, zero: Timestamp, rate: FrameRate) -> Option<Diagnostic> {
    let before = zero - start;
    let name = mark(content);
    let message = format!("{name}: its first {before} cannot be decoded; it begins with the first picture that can");
    (before > rate.time_of(FEW)).then(|| Diagnostic::warning(message))
}

/// Compares the index of a file with the size of that file. `zero` is media
/// time 0 on the container's clock.
pub(crate) fn of_index(path: &Path, content: Digest, facts: &Stream, zero: Timestamp) -> Extent {
    let size = std::fs::metadata(path).map_or(u64::MAX, |meta| meta.len());
    let index: Vec<Entry> = facts.index().collect();
    let missing = missing(&index, size);
    let Some(first) = missing.first else { return Extent::default() };
    let time = |entry: &Entry| {
        let first = index.first().map_or(0, |first| first.ticks);
        let start = facts.start().map_or(zero, |ticks| Timestamp::from_ticks(ticks, facts.time_base()));
        let since = Timestamp::from_ticks(entry.ticks.saturating_sub(first), facts.time_base());
        (start - zero + since).max(Timestamp::ZERO)
    };
    let (name, at) = (mark(content), index.get(first).map_or(Timestamp::ZERO, time));
    let lacks = format!("{} of {} from {at} on are not in it", missing.count, counted(index.len() as u64));
    let end = missing.tail.and_then(|tail| index.get(tail)).map(time);
    let message = match end {
        Some(_) => format!("{name}: the file is cut off: {lacks}"),
        None => format!("{name}: the index of the file is damaged: {lacks}"),
    };
    Extent { end, warnings: vec![Diagnostic::warning(message)] }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Missing {
    count: usize,
    /// The first that is missing.
    first: Option<usize>,
    /// From which on all are.
    tail: Option<usize>,
}

/// The same of an AVI, whose index is its end: counts its pictures where it is cut
/// off, and how long it was to be before. `None` where it is whole.
pub(crate) fn of_chunks(path: &Path, content: Digest, facts: &Stream) -> Option<Extent> {
    let (stated, there) = (facts.frames(), riff::pictures(path, facts.index)?);
    let missing = stated.checked_sub(there).filter(|missing| *missing > 0)?;
    // A tick is a frame, also of those that were dropped.
    let end = Timestamp::from_ticks(i64::try_from(there).ok()?, facts.time_base());
    let (name, all) = (mark(content), counted(stated));
    let message = format!("{name}: the file is cut off: {missing} of {all} from {end} on are not in it");
    Some(Extent { end: Some(end), warnings: vec![Diagnostic::warning(message)] })
}

/// Which frames of an index lie outside of a file of that size.
fn missing(index: &[Entry], size: u64) -> Missing {
    let is_there = |entry: &Entry| entry.is_within(size);
    let first = index.iter().position(|entry| !is_there(entry));
    let count = index.iter().filter(|entry| !is_there(entry)).count();
    let tail = index.iter().rposition(is_there).map_or(0, |last| last + 1);
    Missing { count, first, tail: Some(tail).filter(|tail| *tail < index.len()) }
}

/// Reads the last packets of a file that states an end at media time `stated`.
/// The input is left at its end.
pub(crate) fn of_packets(
    input: &mut Input,
    stream: usize,
    content: Digest,
    zero: Timestamp,
    stated: Timestamp,
) -> Extent {
    let Some(base) = input.stream(stream).map(|facts| facts.time_base()) else { return Extent::default() };
    input.keep_only(stream);
    for back in [2, 20, 200] {
        let from = (stated - Timestamp::from_seconds(back)).max(Timestamp::ZERO);
        if input.seek(stream, (zero + from).to_ticks(base)).is_err() {
            break;
        }
        let Some(last) = last_end(input, stream) else { continue };
        let end = Timestamp::from_ticks(last, base) - zero;
        if end + tolerance() >= stated || end <= Timestamp::ZERO {
            break;
        }
        // Some who write Matroska count what they state from the container's 0, and
        // not from the first picture.
        if input.container() == MATROSKA && end + zero + tolerance() >= stated {
            return Extent { end: Some(end), warnings: Vec::new() };
        }
        let name = mark(content);
        let message =
            format!("{name}: its pictures end at {end}, although the file states that they go on to {stated}");
        return Extent { end: Some(end), warnings: vec![Diagnostic::warning(message)] };
    }
    Extent::default()
}

/// When the last picture of those that are still to be read ends, in ticks;
/// `None` where there is none, or more than anybody needs to read.
fn last_end(input: &mut Input, stream: usize) -> Option<i64> {
    let mut packet = Packet::new().ok()?;
    let mut end = None;
    for _ in 0..MOST_PACKETS {
        match input.read(&mut packet) {
            Ok(true) if packet.stream() == stream => {
                let shown = packet.pts().or(packet.dts())?;
                end = end.max(Some(shown.saturating_add(packet.duration().max(0))));
            }
            Ok(true) => {}
            Ok(false) | Err(_) => return end,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(places: &[(u64, u32)]) -> Vec<Entry> {
        (0..).zip(places).map(|(ticks, (at, size))| Entry { ticks, key: false, at: *at as i64, size: *size }).collect()
    }

    #[test]
    fn frames_outside_of_a_file_are_found() {
        let whole = index(&[(10, 5), (15, 5), (20, 5), (25, 5)]);
        assert_eq!(missing(&whole, 30), Missing::default());
        assert_eq!(missing(&whole, 29), Missing { count: 1, first: Some(3), tail: Some(3) });
        assert_eq!(missing(&whole, 0), Missing { count: 4, first: Some(0), tail: Some(0) });
        let odd = index(&[(10, 5), (90, 5), (20, 5), (25, u32::MAX)]);
        assert_eq!(missing(&odd, 40), Missing { count: 2, first: Some(1), tail: Some(3) });
        let hole = index(&[(10, 5), (90, 5), (20, 5)]);
        assert_eq!(missing(&hole, 40), Missing { count: 1, first: Some(1), tail: None });
    }
}
