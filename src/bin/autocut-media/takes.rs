//! Streams in which the times start again: takes that were put one after the
//! other, byte by byte (`cat a.ts b.ts`).
//!
//! Who looks for a time in such a file finds it in the one take or the other, so
//! it is refused: the pictures of one would be shown with the sound of another. A
//! wrap of the clock is none, since FFmpeg counts on.
//!
//! Nothing is decoded. A large file is looked into in many places; what lies
//! between two of them is read where the later one has the earlier time, since one
//! false time stamp may say so too.

use std::collections::VecDeque;
use std::path::Path;

use autocut::base::{Diagnostic, Timestamp};

use crate::av::{Error, Input, Packet};
use crate::decode::MOST_STUMBLES;

/// FFmpeg's names of containers whose files can be put one after the other.
const STREAMS: [&str; 2] = ["mpegts", "mpeg"];

/// The beginning of a file is read as a whole, in bytes; it may be a short take.
const BEGINNING: u64 = 16 << 20;

/// In how many places it is looked into behind that.
const PLACES: u64 = 256;

/// So many pictures in a row have times before those of so many before them, by a
/// second, where times start again: no codec in use mixes them up so much.
const ROW: usize = 5;

/// Bytes that are read before a place in which times may start again, so that
/// there are enough pictures before.
const BEFORE: u64 = 8 << 20;

/// Packets that are read at most to find a picture.
const PATIENCE: usize = 5_000;

/// Fails for a file of several takes. `zero` is media time 0 on the container's
/// clock. The input is left anywhere.
pub(crate) fn refuse_several(input: &mut Input, stream: usize, path: &Path, zero: Timestamp) -> Result<(), Diagnostic> {
    if !STREAMS.contains(&input.container().as_str()) {
        return Ok(());
    }
    let Some(base) = input.stream(stream).map(|facts| facts.time_base()) else { return Ok(()) };
    let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
    input.keep_only(stream);
    let mut takes = Takes { input, stream, second: Timestamp::from_seconds(1).to_ticks(base), stumbles: 0 };
    let Some(last) = takes.find(size) else { return Ok(()) };
    let (name, at) = (path.display(), Timestamp::from_ticks(last, base) - zero);
    Err(Diagnostic::input(format!("{name} holds more than one take: behind {at} its times start again"))
        .note("what is shown at a time would be the pictures of one take and the sound of another")
        .hint(
            "write it anew with times that go on (`ffmpeg -fflags +genpts -i IN.ts -c copy OUT.mkv`), or name the takes as files of \
             their own. `make -k` goes on without it",
        ))
}

struct Takes<'a> {
    input: &'a mut Input,
    stream: usize,
    second: i64,
    stumbles: u32,
}

impl Takes<'_> {
    /// Ticks of the last picture before times start again.
    fn find(&mut self, size: u64) -> Option<i64> {
        let found = self.between(0, BEGINNING);
        if found.is_some() || size <= BEGINNING {
            return found;
        }
        let mut before: Option<(u64, i64)> = None;
        for place in (0..PLACES).map(|n| (size - BEGINNING) / PLACES * n + BEGINNING) {
            let Some(ticks) = self.time_at(place) else { continue };
            if let Some((from, _)) = before.filter(|(_, before)| ticks.saturating_add(self.second) < *before)
                && let Some(last) = self.between(from, place)
            {
                return Some(last);
            }
            before = Some((place, ticks));
        }
        self.between(before?.0, size)
    }

    /// When a picture is shown that lies behind a place in the file.
    fn time_at(&mut self, place: u64) -> Option<i64> {
        self.input.seek_place(place).ok()?;
        let mut packet = Packet::new().ok()?;
        for _ in 0..PATIENCE {
            if let Some(ticks) = self.next(&mut packet).ok()? {
                return Some(ticks);
            }
        }
        None
    }

    /// The same as [`Takes::find`], of all that lies between two places.
    fn between(&mut self, from: u64, to: u64) -> Option<i64> {
        self.input.seek_place(from.saturating_sub(BEFORE)).ok()?;
        let mut packet = Packet::new().ok()?;
        let (mut row, mut behind) = (VecDeque::new(), 0);
        while behind < 2 * ROW {
            let Some(ticks) = self.next(&mut packet).ok()? else { continue };
            behind += usize::from(packet.position().is_some_and(|at| at.unsigned_abs() > to));
            row.push_back(ticks);
            if row.len() > 2 * ROW {
                row.pop_front();
            }
            if row.len() == 2 * ROW {
                let (one, other) = (row.range(..ROW), row.range(ROW..));
                let (earliest, last) = (one.clone().min()?, one.max()?);
                if other.max()?.saturating_add(self.second) < *earliest {
                    return Some(*last);
                }
            }
        }
        None
    }

    /// When the next packet is shown, where it is a picture that says so; fails at
    /// the end.
    fn next(&mut self, packet: &mut Packet) -> Result<Option<i64>, Error> {
        match self.input.read(packet) {
            Ok(true) if packet.stream() == self.stream => Ok(packet.pts().or(packet.dts())),
            Ok(true) => Ok(None),
            Err(Error::InvalidData) if self.stumbles < MOST_STUMBLES => {
                self.stumbles += 1;
                Ok(None)
            }
            Ok(false) => Err(Error::Eof),
            Err(error) => Err(error),
        }
    }
}
