//! Reading the packets of a file, and stepping over those that its index puts
//! where the file has nothing.
//!
//! FFmpeg says of such a packet of an MP4 that the file is at its end; of one at a
//! place that no file reaches it says the same error however often it is asked. In
//! neither case can it just be asked again: it would give what follows the times
//! of presentation of the packet before. So it is [`Error::InvalidData`], once,
//! and the demuxer is sent to the next packet that lies in the file, as long as
//! the index lists any.

use ffmpeg_next::ffi;

use crate::pulse;

use super::input::{Entry, Input, Stream};
use super::{Error, Packet, check};

/// So many of the same errors in a row are waited for before it is stepped over:
/// the first may be about a packet alone.
const SAME: u32 = 2;

/// FFmpeg takes the time that it is to seek for one of presentation, which lies
/// before that of decoding in the index by as many frames as a codec reorders: so
/// many later ones are tried at most until it stands where it should.
const MOST_TRIES: usize = 32;

/// What of an index lies outside of its file.
#[derive(Debug, Default)]
pub(super) struct Holes {
    /// How many packets do that have others behind them in the file, and how many
    /// of these may still be met. Known once the demuxer says that it is at its
    /// end, or in trouble.
    outside: Option<(u32, u32)>,
    stands: Stands,
    /// Errors since then.
    errors: u32,
    /// Where it is sent, by the order of the index, and how often it was: what comes
    /// before that was read already.
    to: Option<(usize, usize)>,
}

/// Where a demuxer was last.
#[derive(Clone, Copy, Debug, Default)]
enum Stands {
    #[default]
    AtStart,
    /// Before the last key frame that is not after these ticks.
    Sought(i64),
    /// Behind the packet that lies there in the file.
    Behind(i64),
    Unknown,
}

impl Input {
    /// Leaves the packets of all other streams unread.
    pub(crate) fn keep_only(&mut self, keep: usize) {
        let indices: Vec<_> = self.streams().map(|stream| (stream.index, stream.raw())).collect();
        for (index, raw) in indices {
            let discard = if index == keep { ffi::AVDiscard::AVDISCARD_DEFAULT } else { ffi::AVDiscard::AVDISCARD_ALL };
            // SAFETY: streams live as long as their context, which is exclusively borrowed.
            unsafe { (*raw.as_ptr()).discard = discard };
        }
        self.kept = Some(keep);
        self.holes = Holes::default();
    }

    /// Reads the next packet in the file's order; false at the end.
    pub(crate) fn read(&mut self, packet: &mut Packet) -> Result<bool, Error> {
        loop {
            packet.clear();
            pulse::beat();
            // SAFETY: both are valid; the packet is blank.
            match check(unsafe { ffi::av_read_frame(self.as_ptr(), packet.as_ptr()) }) {
                Ok(_) if self.was_read(packet) => {}
                Ok(_) => {
                    self.holes.stands = packet.position().map_or(Stands::Unknown, Stands::Behind);
                    (self.holes.errors, self.holes.to) = (0, None);
                    return Ok(true);
                }
                Err(Error::Eof | Error::InvalidData) if self.is_sent_further() => {}
                Err(Error::Eof) if self.step_over() => return Err(Error::InvalidData),
                Err(Error::Eof) => return Ok(false),
                Err(Error::InvalidData) => {
                    self.holes.errors += 1;
                    if self.holes.errors >= SAME {
                        self.step_over();
                    }
                    return Err(Error::InvalidData);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Moves to the last key frame of a stream that is not after `ticks` of
    /// its time base, as the container's index knows it.
    pub(crate) fn seek(&mut self, stream: usize, ticks: i64) -> Result<(), Error> {
        let stream = i32::try_from(stream).map_err(|_| Error::StreamNotFound)?;
        let outside = self.holes.outside.map(|(count, _)| (count, count));
        self.holes = Holes { outside, stands: Stands::Sought(ticks), errors: 0, to: None };
        // SAFETY: open.
        check(unsafe { ffi::avformat_seek_file(self.as_ptr(), stream, i64::MIN, ticks, ticks, 0) }).map(|_| ())
    }

    /// Moves to a place in the file, in bytes, in a container whose packets can be
    /// found from anywhere.
    pub(crate) fn seek_place(&mut self, at: u64) -> Result<(), Error> {
        let at = i64::try_from(at).map_err(|_| Error::InvalidData)?;
        (self.holes.stands, self.holes.to) = (Stands::Unknown, None);
        // SAFETY: open.
        check(unsafe { ffi::av_seek_frame(self.as_ptr(), -1, at, ffi::AVSEEK_FLAG_BYTE) }).map(|_| ())
    }

    /// Sends the demuxer to the next packet that lies in the file, where the one that
    /// is to be read does not and any other does; else nothing changes, and it is
    /// false.
    fn step_over(&mut self) -> bool {
        let (count, left) = self.holes.outside.unwrap_or_else(|| {
            let count = self.outside().unwrap_or(0);
            (count, count)
        });
        self.holes.outside = Some((count, left));
        // Looking through the index takes its time, and most files have no holes.
        if left == 0 {
            return false;
        }
        let Some(place) = self.behind() else { return false };
        (self.holes.outside, self.holes.errors) = (Some((count, left - 1)), 0);
        self.holes.to = Some((place, 0));
        self.is_sent_further()
    }

    /// Sends the demuxer to where it is to stand, and each time a packet further.
    /// False where it is not sent anywhere, or in vain.
    fn is_sent_further(&mut self) -> bool {
        let Some((place, tries)) = self.holes.to.filter(|(_, tries)| *tries < MOST_TRIES) else {
            if self.holes.to.take().is_some() {
                self.holes.stands = Stands::Unknown;
            }
            return false;
        };
        self.holes.to = Some((place, tries + 1));
        let index = |stream: Stream| Stream::index(&stream).nth(place + tries).map(|entry| entry.ticks);
        let stream = self.kept.and_then(|kept| self.stream(kept));
        let (Some(ticks), Some(kept)) = (stream.and_then(index), self.kept.and_then(|kept| i32::try_from(kept).ok()))
        else {
            (self.holes.to, self.holes.stands) = (None, Stands::Unknown);
            return false;
        };
        // SAFETY: open.
        check(unsafe { ffi::av_seek_frame(self.as_ptr(), kept, ticks, ffi::AVSEEK_FLAG_ANY) }).is_ok()
    }

    /// Whether a packet lies before the one that the demuxer is sent to.
    fn was_read(&self, packet: &Packet) -> bool {
        let (Some((to, _)), Some(at)) = (self.holes.to, packet.position()) else { return false };
        let stream = self.stream(packet.stream()).filter(|stream| Some(stream.index) == self.kept);
        let place = stream.and_then(|stream| Stream::index(&stream).position(|entry| entry.at == at));
        place.is_some_and(|place| place < to)
    }

    /// How many packets of the stream that is read lie outside of the file and have
    /// others behind them that do not.
    fn outside(&self) -> Option<u32> {
        // Only in MP4 are the places of an index those of its packets.
        let kept = self.kept.filter(|_| self.container().split(',').any(|name| name == "mov"))?;
        let (stream, size) = (self.stream(kept)?, self.size()?);
        Some(outside(Stream::index(&stream), size))
    }

    /// How long what is read is, in bytes.
    fn size(&self) -> Option<u64> {
        // SAFETY: open; the context may have nothing that it reads from.
        let size = unsafe {
            let pb = (*self.as_ptr()).pb;
            if pb.is_null() { -1 } else { ffi::avio_size(pb) }
        };
        u64::try_from(size).ok()
    }

    /// The next packet in the file, by the order of the index, where others come before
    /// it that are not.
    fn behind(&self) -> Option<usize> {
        let (stream, size) = (self.stream(self.kept?)?, self.size()?);
        behind(|| Stream::index(&stream), self.holes.stands, size)
    }
}

fn outside(index: impl Iterator<Item = Entry>, size: u64) -> u32 {
    let (mut count, mut before) = (0, 0);
    for entry in index {
        if entry.is_within(size) {
            count = before;
        } else {
            before += 1;
        }
    }
    count
}

fn behind<I: Iterator<Item = Entry>>(index: impl Fn() -> I, stands: Stands, size: u64) -> Option<usize> {
    let next = match stands {
        Stands::AtStart => 0,
        Stands::Sought(ticks) => {
            let found = index().enumerate().filter(|(_, entry)| entry.key && entry.ticks <= ticks);
            found.last().map_or(0, |(place, _)| place)
        }
        Stands::Behind(at) => index().position(|entry| entry.at == at)? + 1,
        Stands::Unknown => return None,
    };
    let place = index().skip(next).position(|entry| entry.is_within(size))?;
    (place > 0).then_some(next + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a file of 30 bytes, by where they lie; every third is a key frame.
    fn index(places: &[i64]) -> impl Iterator<Item = Entry> {
        (0..).zip(places).map(|(ticks, at)| Entry { ticks, key: ticks % 3 == 0, at: *at, size: 5 })
    }

    #[test]
    fn what_lies_outside_counts_where_anything_inside_follows() {
        let found = |places: &[i64]| outside(index(places), 30);
        assert_eq!(found(&[10, 15, 20]), 0);
        // Cut off: nothing is there to go on with.
        assert_eq!(found(&[10, 15, 30, 35]), 0);
        assert_eq!(found(&[10, 90, i64::MAX, 15, -1, 20, 95]), 3);
        assert_eq!(found(&[90]), 0);
    }

    #[test]
    fn it_goes_on_behind_what_lies_outside() {
        let found = |stands| behind(|| index(&[0, 90, 95, 99, 10, 15, 99, 20, 99]), stands, 30);
        assert_eq!(found(Stands::Behind(0)), Some(4));
        assert_eq!(found(Stands::Behind(15)), Some(7));
        assert_eq!(found(Stands::Sought(5)), Some(4));
        // What is there is read, or is no matter of the index.
        for stands in [Stands::AtStart, Stands::Sought(2), Stands::Behind(10), Stands::Unknown] {
            assert_eq!(found(stands), None, "{stands:?}");
        }
        // The end, and a place that the index does not have.
        assert_eq!(found(Stands::Behind(20)), None);
        assert_eq!(found(Stands::Behind(7)), None);
        assert_eq!(behind(|| index(&[90, 95, 5]), Stands::AtStart, 30), Some(2));
    }
}
