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
//! `None` and read as a whole. And what the demuxer makes of an excerpt is compared
//! with what was listed ([`Excerpt::is_read`]). Boxes are those of ISO/IEC 14496-12.

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
    /// So many pictures does a file have that is read by excerpts.
    pub(crate) long: u32,
    /// Those at the beginning that are always listed: more than are looked at to
    /// find out what a stream is and where it starts.
    pub(crate) front: u32,
    /// Those after what an excerpt is made for.
    pub(crate) most: u32,
}

impl Default for Limits {
    /// Files of two hours or so, by ten minutes.
    fn default() -> Limits {
        Limits { long: 200_000, front: 300, most: 20_000 }
    }
}

/// A packet as the file lists it: where it lies, how large it is, and when it is
/// decoded, in ticks from the first of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) at: u64,
    pub(crate) size: u32,
    pub(crate) time: i64,
}

/// A stretch of the samples, and the movie box that lists it.
pub(crate) struct Excerpt {
    pub(crate) samples: Range<u32>,
    pub(crate) moov: Vec<u8>,
    /// All that is listed: the front, what leads on, and the samples.
    listed: Vec<Listed>,
    /// How many of these come before the samples.
    before: usize,
}

impl Excerpt {
    /// Whether samples are left out between the front and those that are wanted.
    pub(crate) fn has_gap(&self) -> bool {
        self.before as u32 != self.samples.start
    }

    /// When the first sample is decoded, and the last, in ticks from the first of
    /// the file.
    pub(crate) fn times(&self) -> Option<(i64, i64)> {
        Some((self.listed.get(self.before)?.time, self.listed.last()?.time))
    }

    /// The last sample.
    pub(crate) fn last(&self) -> Option<Listed> {
        self.listed.last().copied()
    }

    /// Whether an index is that of the excerpt, all times moved by `shift`.
    pub(crate) fn is_read(&self, index: impl Iterator<Item = Listed>, shift: i64) -> bool {
        let moved = |listed: &Listed| Listed { time: listed.time.saturating_add(shift), ..*listed };
        index.eq(self.listed.iter().map(moved))
    }
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
        let parts = known(&file, &moov, &[b"mvhd", b"trak", b"iods"])?;
        let mut film = None;
        for trak in parts.iter().filter(|part| part.kind == *b"trak") {
            let mdia = only(&children(&file, trak.content, trak.end)?, b"mdia")?;
            let handler = only(&children(&file, mdia.content, mdia.end)?, b"hdlr")?;
            match bytes(&file, handler.content + 8, 4)?.as_slice() {
                b"vide" if film.is_none() => film = Some((*trak, mdia)),
                b"soun" | b"tmcd" | b"meta" | b"text" => {}
                _ => return None,
            }
        }
        let (trak, mdia) = film?;
        let of_trak = known(&file, &trak, &[b"tkhd", b"edts", b"mdia"])?;
        let of_mdia = known(&file, &mdia, &[b"mdhd", b"hdlr", b"minf"])?;
        let of_minf = known(&file, &only(&of_mdia, b"minf")?, &[b"vmhd", b"hdlr", b"dinf", b"stbl"])?;
        let stbl = only(&of_minf, b"stbl")?;
        if tables::samples(&file, &stbl)? < limits.long.max(1) {
            return None;
        }
        let scale = scale(&file, &only(&of_mdia, b"mdhd")?)?;
        let tables = Tables::of(&file, length, &stbl)?;
        // Whatever lies between two key frames is read to get behind it.
        if tables.longest_group() > limits.most.max(1_000) {
            return None;
        }
        let listing = Listing { file, length, moov, trak, stbl, tables, scale, front: limits.front };
        let movie = self::scale(&listing.file, &only(&parts, b"mvhd")?)?;
        listing.is_simply_edited(&of_trak, movie).filter(|is| *is)?;
        Some(listing)
    }

    /// The file itself.
    pub(crate) fn file(&self) -> &File {
        &self.file
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

    /// When key frames are decoded, in ticks from the first sample.
    pub(crate) fn keys(&self) -> Option<Vec<i64>> {
        self.tables.key_times(&self.file)
    }

    /// Samples from the last key frame on that is decoded at or before `from`,
    /// up to `most` of those after what is decoded at `to`.
    pub(crate) fn excerpt(&self, from: i64, to: i64, most: u32) -> Option<Excerpt> {
        let first = self.tables.key_before(self.tables.sample_at(&self.file, from)?);
        let last = self.tables.sample_at(&self.file, to)?.saturating_add(most.max(2));
        self.of_samples(first..last)
    }

    /// The same from the key frame before the first one on.
    pub(crate) fn earlier(&self, excerpt: &Excerpt) -> Option<Excerpt> {
        let first = self.tables.key_before(excerpt.samples.start.checked_sub(1)?);
        self.of_samples(first..excerpt.samples.end)
    }

    /// What goes on with the last sample of an excerpt; the one before it is listed
    /// too, which is given as well.
    pub(crate) fn going_on(&self, excerpt: &Excerpt, most: u32) -> Option<(Excerpt, Listed)> {
        let before = excerpt.samples.end.checked_sub(2)?;
        let next = self.of_samples(self.tables.key_before(before)..before.saturating_add(most.max(2) + 2))?;
        let at = next.before + usize::try_from(before.checked_sub(next.samples.start)?).ok()?;
        let listed = *next.listed.get(at)?;
        Some((next, listed))
    }

    /// Whether nothing but a beginning is cut off, of what is always listed, by an
    /// edit in ticks of which the movie has so many a second.
    fn is_simply_edited(&self, of_trak: &[Place], movie: u32) -> Option<bool> {
        let (file, tables) = (&self.file, &self.tables);
        let half = tables.times(file, 0..(self.front / 2).clamp(1, tables.samples))?.last()?.0;
        // What is shown first is of these: nothing later is shown before.
        let first = 0..(self.front / 2).clamp(1, tables.samples);
        let shown = tables.shown(file, first)?.into_iter().min()?;
        let is_first = shown <= half;
        if !of_trak.iter().any(|part| part.kind == *b"edts") {
            return Some(is_first);
        }
        let edts = only(of_trak, b"edts")?;
        let elst = only(&children(file, edts.content, edts.end)?, b"elst")?;
        let wide = bytes(file, elst.content, 1)?.first() == Some(&1);
        let count = u64::from(word(file, elst.content + 4)?);
        let entry = if wide { 20 } else { 12 };
        if !(1..=2).contains(&count) || elst.content + 8 + count * entry != elst.end {
            return Some(false);
        }
        let mut edits = Vec::new();
        for at in (0..count).map(|index| elst.content + 8 + index * entry) {
            let (length, start) = match wide {
                true => (
                    i64::from_be_bytes(bytes(file, at, 8)?.try_into().ok()?),
                    i64::from_be_bytes(bytes(file, at + 8, 8)?.try_into().ok()?),
                ),
                // The start is signed: -1 is nothing, for a while.
                false => (i64::from(word(file, at)?), i64::from(word(file, at + 4)?.cast_signed())),
            };
            if word(file, at + entry - 4)? != 0x0001_0000 {
                return Some(false);
            }
            edits.push((length, start));
        }
        let (length, start) = match edits.as_slice() {
            [edit] | [(_, -1), edit] => *edit,
            _ => return Some(false),
        };
        // To the end: the last pictures are shown within it.
        let last = tables.shown(file, tables.samples.saturating_sub(64)..tables.samples)?.into_iter().max()?;
        let until = i128::from(length) * i128::from(self.scale) / i128::from(movie) + i128::from(start);
        Some(is_first && (0..=half).contains(&start) && until > i128::from(last))
    }

    fn of_samples(&self, samples: Range<u32>) -> Option<Excerpt> {
        let (file, tables) = (&self.file, &self.tables);
        // A demuxer that finds nothing that an edit shows does not heed it.
        let samples = samples.start..samples.end.max(self.front).min(tables.samples);
        let front = 0..self.front.min(samples.start);
        let mut times = tables.times(file, front.clone())?;
        let mut places = tables.places(file, front.clone())?;
        let mut shifts = tables.shifts(file, front.clone())?;
        let mut keys = tables.keys_of(front.clone());
        let wanted = tables.times(file, samples.clone())?;
        let first = wanted.first()?.0;
        // From the front to what is wanted, by copies of the first sample.
        if let (Some((time, length)), Some(place), shift) =
            (times.last_mut(), places.first().copied(), shifts.first().copied())
        {
            *length = first.checked_sub(*time)?.min(LONGEST);
            let mut at = *time + *length;
            while at < first {
                keys.push(u32::try_from(times.len()).ok()?);
                times.push((at, (first - at).min(LONGEST)));
                places.push(place);
                shifts.extend(shift);
                at += (first - at).min(LONGEST);
            }
        }
        let before = times.len();
        let moved = u32::try_from(before).ok()?;
        keys.extend(tables.keys_of(samples.clone()).into_iter().map(|key| key - samples.start + moved));
        times.extend(wanted);
        places.extend(tables.places(file, samples.clone())?);
        shifts.extend(tables.shifts(file, samples.clone())?);
        let lengths: Vec<u32> = times.iter().map(|(_, length)| u32::try_from(*length).ok()).collect::<Option<_>>()?;
        let stbl = tables.written(file, &self.stbl, &lengths, &places, &shifts, &keys)?;
        let moov = self.copied(&self.moov, &stbl)?;
        let listed =
            times.iter().zip(&places).map(|((time, _), (at, size))| Listed { at: *at, size: *size, time: *time });
        Some(Excerpt { samples, moov, listed: listed.collect(), before })
    }

    /// The movie box with this table of samples, and nothing of other tracks.
    fn copied(&self, place: &Place, stbl: &[u8]) -> Option<Vec<u8>> {
        match &place.kind {
            b"stbl" => Some(stbl.to_vec()),
            b"moov" | b"trak" | b"mdia" | b"minf" => {
                let mut content = Vec::new();
                for part in children(&self.file, place.content, place.end)? {
                    let is_other = part.kind == *b"trak" && part.start != self.trak.start;
                    if !is_other && !LEFT.contains(&&part.kind) {
                        content.extend(self.copied(&part, stbl)?);
                    }
                }
                boxed(&place.kind, &content)
            }
            kind => boxed(kind, &bytes(&self.file, place.content, place.end - place.content)?),
        }
    }
}

/// Boxes that say nothing of how packets are read: tags, references to other
/// tracks, and nothing at all.
const LEFT: [&[u8; 4]; 8] = [b"tref", b"udta", b"meta", b"free", b"skip", b"wide", b"uuid", b"tapt"];

/// What a box consists of, where that is nothing but these and what is left out.
fn known(file: &File, place: &Place, kinds: &[&[u8; 4]]) -> Option<Vec<Place>> {
    let parts = children(file, place.content, place.end)?;
    let is_known = |part: &Place| kinds.contains(&&part.kind) || LEFT.contains(&&part.kind);
    parts.iter().all(is_known).then_some(parts)
}

/// How many ticks a second has, by the head of a movie or of its media.
fn scale(file: &File, head: &Place) -> Option<u32> {
    let wide = bytes(file, head.content, 1)?.first() == Some(&1);
    word(file, head.content + if wide { 20 } else { 12 }).filter(|scale| *scale > 0)
}
