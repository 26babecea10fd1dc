//! An MP4 as if it held only some minutes of its pictures.
//!
//! FFmpeg lists every packet of an MP4 in memory when it opens one: of a file of
//! ten hours some 80 MB, sound included, in each process that reads a few seconds
//! of it. So of long files the movie box (`moov`) is written anew, with the samples
//! of one stretch of one track, and the demuxer reads that instead
//! ([`View`](crate::av::View)). Everything else stays where it is.
//!
//! So that nothing but the index becomes smaller, the first samples of the file
//! are always listed too, since what is known of a stream comes from them, and
//! what follows them keeps its time of decoding: samples that nobody reads, copies
//! of the first, span the distance.
//!
//! [`Listing::of`] is choosy: a file that is out of the ordinary in any way is
//! `None` and read as a whole. Boxes are those of ISO/IEC 14496-12.

mod boxes;
mod tables;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use boxes::{Place, boxed, bytes, children, only, word};
use tables::Tables;

/// The longest time between two samples, in ticks, that every reader takes.
const LONGEST: i64 = 1 << 30;

/// What an MP4 says of its pictures.
pub(crate) struct Listing {
    file: File,
    length: u64,
    moov: Place,
    /// The track with the pictures.
    trak: Place,
    stbl: Place,
    tables: Tables,
    scale: u32,
    /// How many samples at the beginning are always listed.
    front: u32,
}

/// What of a file is listed at once, in samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// So many, in all of its tracks, does a file have that is read by excerpts.
    pub(crate) long: u64,
    /// Those at the beginning that are always listed: more than are looked at to
    /// find out what a stream is and where it starts.
    pub(crate) front: u32,
    /// Those after what an excerpt is made for.
    pub(crate) most: u32,
}

impl Default for Limits {
    /// Files of two hours or so, by ten minutes.
    fn default() -> Limits {
        Limits { long: 500_000, front: 300, most: 20_000 }
    }
}

/// A stretch of the samples, and the movie box that lists it.
pub(crate) struct Excerpt {
    pub(crate) samples: Range<u32>,
    /// From when the first is shown to when what comes after the last would be
    /// decoded, in ticks from the first of the file: whatever lies in there is found
    /// from a key frame that is listed.
    pub(crate) times: Range<i64>,
    pub(crate) moov: Vec<u8>,
}

impl Listing {
    /// Of a file that is long enough.
    pub(crate) fn of(path: &Path, limits: Limits) -> Option<Listing> {
        let file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let roots = children(&file, 0, length)?;
        if roots.first()?.kind != *b"ftyp" || roots.iter().any(|root| matches!(&root.kind, b"moof" | b"sidx" | b"mfra"))
        {
            return None;
        }
        let moov = only(&roots, b"moov")?;
        let parts = children(&file, moov.content, moov.end)?;
        if parts.iter().any(|part| part.kind == *b"mvex") {
            return None;
        }
        let mut samples = 0_u64;
        let mut film = None;
        for trak in parts.into_iter().filter(|part| part.kind == *b"trak") {
            let (mdia, stbl) = media(&file, &trak)?;
            samples += u64::from(tables::samples(&file, &stbl)?);
            let handler = only(&mdia, b"hdlr")?;
            if bytes(&file, handler.content + 8, 4)? == b"vide" && film.replace((trak, mdia, stbl)).is_some() {
                return None;
            }
        }
        let (trak, mdia, stbl) = film?;
        if samples < limits.long {
            return None;
        }
        let mdhd = only(&mdia, b"mdhd")?;
        let wide = bytes(&file, mdhd.content, 1)?.first() == Some(&1);
        let scale = word(&file, mdhd.content + if wide { 20 } else { 12 }).filter(|scale| *scale > 0)?;
        let tables = Tables::of(&file, &stbl)?;
        let listing = Listing { file, length, moov, trak, stbl, tables, scale, front: limits.front };
        listing.is_simply_edited().then_some(listing)
    }

    /// How many samples the pictures are.
    pub(crate) fn samples(&self) -> u32 {
        self.tables.samples
    }

    /// How long the file is in bytes; an excerpt's movie box comes after it.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Where the name of the movie box stands that an excerpt's replaces.
    pub(crate) fn moov(&self) -> u64 {
        self.moov.start + 4
    }

    /// Ticks a second.
    pub(crate) fn scale(&self) -> u32 {
        self.scale
    }

    /// Where the first sample lies.
    pub(crate) fn first(&self) -> Option<u64> {
        self.tables.places(&self.file, 0..1)?.first().map(|(at, _)| *at)
    }

    /// When key frames are decoded, in ticks from the first sample.
    pub(crate) fn keys(&self) -> Option<Vec<i64>> {
        self.tables.key_times(&self.file)
    }

    /// Samples from the last key frame on that is decoded at or before `from`,
    /// up to `most` of those after what is decoded at `to`.
    pub(crate) fn excerpt(&self, from: i64, to: i64, most: u32) -> Option<Excerpt> {
        let mut first = self.tables.key_before(self.tables.sample_at(&self.file, from)?);
        while first > 0 && self.shown(first)? > to {
            first = self.tables.key_before(first - 1);
        }
        let last = self.tables.sample_at(&self.file, to)?.saturating_add(most.max(1)).min(self.tables.samples);
        self.of_samples(first..last)
    }

    /// What goes on after the sample before `next`: that one is listed too.
    pub(crate) fn going_on(&self, next: u32, most: u32) -> Option<Excerpt> {
        let first = self.tables.key_before(next.checked_sub(1)?);
        self.of_samples(first..next.saturating_add(most.max(1)).min(self.tables.samples))
    }

    /// When a sample is shown, in ticks.
    fn shown(&self, sample: u32) -> Option<i64> {
        let shift = self.tables.shifts(&self.file, sample..sample + 1)?.first().copied().unwrap_or(0);
        self.time(sample)?.checked_add(i64::from(shift))
    }

    /// When a sample is decoded, in ticks.
    pub(crate) fn time(&self, sample: u32) -> Option<i64> {
        self.tables.times(&self.file, sample..sample + 1)?.first().map(|(time, _)| *time)
    }

    /// Whether nothing but a beginning is cut off, of what is always listed.
    fn is_simply_edited(&self) -> bool {
        let edited = || {
            let parts = children(&self.file, self.trak.content, self.trak.end)?;
            let Some(edts) = parts.iter().find(|part| part.kind == *b"edts") else { return Some(true) };
            let elst = only(&children(&self.file, edts.content, edts.end)?, b"elst")?;
            let wide = bytes(&self.file, elst.content, 1)?.first() == Some(&1);
            let count = u64::from(word(&self.file, elst.content + 4)?);
            let (entry, time) = if wide { (20, 8) } else { (12, 4) };
            if !(1..=2).contains(&count) {
                return Some(false);
            }
            let mut starts = Vec::new();
            for at in (0..count).map(|index| elst.content + 8 + index * entry) {
                let start = match wide {
                    true => i64::from_be_bytes(bytes(&self.file, at + time, 8)?.try_into().ok()?),
                    // Signed: -1 is nothing, for a while.
                    false => i64::from(word(&self.file, at + time)?.cast_signed()),
                };
                if word(&self.file, at + 2 * time)? != 0x0001_0000 {
                    return Some(false);
                }
                starts.push(start);
            }
            let half = self.time((self.front / 2).min(self.tables.samples - 1))?;
            Some(match starts.as_slice() {
                [start] | [-1, start] => (0..=half).contains(start),
                _ => false,
            })
        };
        edited() == Some(true)
    }

    fn of_samples(&self, samples: Range<u32>) -> Option<Excerpt> {
        let (file, tables) = (&self.file, &self.tables);
        // A demuxer that finds nothing that an edit shows does not heed it.
        let samples = samples.start..samples.end.max(self.front.min(tables.samples));
        let front = 0..self.front.min(samples.start);
        let mut times = tables.times(file, front.clone())?;
        let mut places = tables.places(file, front.clone())?;
        let mut shifts = tables.shifts(file, front.clone())?;
        let mut keys = tables.keys_of(front.clone());
        let wanted = tables.times(file, samples.clone())?;
        let (first, last) = (*wanted.first()?, *wanted.last()?);
        // From the front to what is wanted, by copies of the first sample.
        if let (Some((time, length)), Some(place), shift) =
            (times.last_mut(), places.first().copied(), shifts.first().copied())
        {
            let mut left = first.0.checked_sub(*time)?;
            *length = left.min(LONGEST);
            left -= *length;
            while left > 0 {
                keys.push(u32::try_from(times.len()).ok()?);
                times.push((0, left.min(LONGEST)));
                places.push(place);
                shifts.extend(shift);
                left -= left.min(LONGEST);
            }
        }
        let before = u32::try_from(times.len()).ok()?;
        keys.extend(tables.keys_of(samples.clone()).into_iter().map(|key| key - samples.start + before));
        times.extend(wanted);
        places.extend(tables.places(file, samples.clone())?);
        shifts.extend(tables.shifts(file, samples.clone())?);
        let lengths: Vec<u32> = times.iter().map(|(_, length)| u32::try_from(*length).ok()).collect::<Option<_>>()?;
        let stbl = tables.written(file, &self.stbl, &lengths, &places, &shifts, &keys)?;
        let moov = self.copied(&self.moov, &stbl)?;
        Some(Excerpt { times: self.shown(samples.start)?..last.0 + last.1, samples, moov })
    }

    /// The movie box with this table of samples, and nothing of other tracks.
    fn copied(&self, place: &Place, stbl: &[u8]) -> Option<Vec<u8>> {
        match &place.kind {
            b"stbl" => Some(stbl.to_vec()),
            b"moov" | b"trak" | b"mdia" | b"minf" => {
                let mut content = Vec::new();
                for part in children(&self.file, place.content, place.end)? {
                    let is_left = match &part.kind {
                        b"trak" => part.start != self.trak.start,
                        // Tracks that are not there, tags, and who knows what.
                        b"tref" | b"udta" | b"meta" | b"free" | b"skip" | b"uuid" => true,
                        _ => false,
                    };
                    if !is_left {
                        content.extend(self.copied(&part, stbl)?);
                    }
                }
                boxed(&place.kind, &content)
            }
            kind => boxed(kind, &bytes(&self.file, place.content, place.end - place.content)?),
        }
    }
}

/// What a track's media consists of, and its tables.
fn media(file: &File, trak: &Place) -> Option<(Vec<Place>, Place)> {
    let mdia = only(&children(file, trak.content, trak.end)?, b"mdia")?;
    let mdia = children(file, mdia.content, mdia.end)?;
    let minf = only(&mdia, b"minf")?;
    let stbl = only(&children(file, minf.content, minf.end)?, b"stbl")?;
    Some((mdia, stbl))
}
