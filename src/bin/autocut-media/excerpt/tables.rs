//! The tables of a track's samples: when each is decoded and shown, where it lies,
//! and which are key frames.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;

use super::boxes::{self, Place, boxed, bytes, children, only, word};

/// Times from decoding to showing that are taken for times, in ticks.
const LATEST: u32 = 1 << 27;

/// Times between samples that are taken for times, in ticks.
const LONGEST: u32 = 1 << 30;

/// The most samples of a file: 77 hours at 60 pictures a second.
const MOST: u32 = 1 << 24;

/// A table in the file: where its entries begin, and how many there are.
#[derive(Clone, Copy)]
struct Table {
    at: u64,
    count: u64,
}

pub(super) struct Tables {
    pub(super) samples: u32,
    /// Runs of samples that last equally long.
    lengths: Table,
    /// Runs of samples that are shown equally long after they are decoded.
    shifts: Option<Table>,
    /// One for each sample, or one for all.
    sizes: Result<Table, u32>,
    /// Runs of chunks of equally many samples.
    runs: Table,
    chunks: Table,
    /// Of 64 bits.
    are_wide: bool,
    /// Key frames, counted from 0; `None` where all are.
    keys: Option<Vec<u32>>,
}

/// How many samples a track has.
pub(super) fn samples(file: &File, stbl: &Place) -> Option<u32> {
    let parts = children(file, stbl.content, stbl.end)?;
    word(file, only(&parts, b"stsz")?.content + 8)
}

impl Tables {
    /// `None` where any table is not as the standard has it, or is of a kind that
    /// changes what the others mean.
    pub(super) fn of(file: &File, length: u64, stbl: &Place) -> Option<Tables> {
        let parts = children(file, stbl.content, stbl.end)?;
        let known: &[&[u8; 4]] =
            &[b"stsd", b"stts", b"ctts", b"stsz", b"stsc", b"stco", b"co64", b"stss", b"sdtp", b"free", b"skip"];
        if parts.iter().any(|part| !known.contains(&&part.kind)) {
            return None;
        }
        let table = |kind: &[u8; 4], before: u64, width: u64| {
            let place = only(&parts, kind)?;
            let count = u64::from(word(file, place.content + before)?);
            let at = place.content + before + 4;
            (at.checked_add(count.checked_mul(width)?)? <= place.end).then_some(Table { at, count })
        };
        let has = |kind: &[u8; 4]| parts.iter().any(|part| part.kind == *kind);
        let stsz = only(&parts, b"stsz")?;
        let samples = word(file, stsz.content + 8).filter(|count| (1..=MOST).contains(count))?;
        let sizes = match word(file, stsz.content + 4)? {
            0 => Ok(table(b"stsz", 8, 4)?),
            size => Err(size),
        };
        let are_wide = has(b"co64");
        let chunks = if are_wide { table(b"co64", 4, 8)? } else { table(b"stco", 4, 4)? };
        let shifts = if has(b"ctts") { Some(table(b"ctts", 4, 8)?) } else { None };
        let keys = if has(b"stss") { Some(table(b"stss", 4, 4)?) } else { None };
        let mut tables = Tables {
            samples,
            lengths: table(b"stts", 4, 8)?,
            shifts,
            sizes,
            runs: table(b"stsc", 4, 12)?,
            chunks,
            are_wide,
            keys: None,
        };
        if let Some(keys) = keys {
            let keys: Vec<u32> =
                entries::<1>(file, keys).map(|entry| entry?[0].checked_sub(1)).collect::<Option<_>>()?;
            let is_sound = keys.first() == Some(&0) && keys.is_sorted_by(|a, b| a < b);
            if !is_sound || keys.last().is_none_or(|last| *last >= samples) {
                return None;
            }
            tables.keys = Some(keys);
        }
        tables.are_sound(file, length)?.then_some(tables)
    }

    /// Whether all tables are of as many samples, in one way of coding, and all of
    /// them lie in the file.
    fn are_sound(&self, file: &File, length: u64) -> Option<bool> {
        let runs_of = |table: Table, most: u32| {
            let mut samples = 0_u64;
            for entry in entries::<2>(file, table) {
                let [count, value] = entry?;
                samples = samples.checked_add(u64::from(count))?;
                if value > most {
                    return None;
                }
            }
            Some(samples)
        };
        let samples = u64::from(self.samples);
        let of_sizes = self.sizes.as_ref().map_or(samples, |sizes| sizes.count);
        let of_shifts = self.shifts.map_or(Some(samples), |shifts| runs_of(shifts, LATEST))?;
        let counts = [runs_of(self.lengths, LONGEST)?, of_shifts, of_sizes];
        if counts.iter().any(|count| *count != samples) {
            return Some(false);
        }
        let mut sizes = self.sizes.as_ref().ok().map(|table| entries::<1>(file, *table));
        let equal = self.sizes.as_ref().err().copied();
        let mut places = BufReader::with_capacity(1 << 16, boxes::From { file, at: self.chunks.at });
        let mut left = samples;
        self.each_run(file, |chunks, each| {
            for _ in chunks {
                let mut place = [0; 8];
                let (_, short) = place.split_at_mut(4);
                if self.are_wide {
                    places.read_exact(&mut place).ok()?
                } else {
                    places.read_exact(short).ok()?
                }
                let mut end = u64::from_be_bytes(place);
                left = left.checked_sub(u64::from(each))?;
                match (&mut sizes, equal) {
                    (Some(sizes), _) => {
                        for size in sizes.take(each as usize) {
                            end = end.checked_add(u64::from(size?[0]))?;
                        }
                    }
                    (None, size) => end = end.checked_add(u64::from(size?) * u64::from(each))?,
                }
                if end > length {
                    return None;
                }
            }
            Some(true)
        })?;
        Some(left == 0)
    }

    /// Calls `visit` for each run of chunks, counted from 0, and how many samples
    /// each of them has, as long as it wants more.
    fn each_run(&self, file: &File, mut visit: impl FnMut(Range<u64>, u32) -> Option<bool>) -> Option<()> {
        let mut open: Option<(u64, u32)> = None;
        for entry in entries::<3>(file, self.runs) {
            let [first, each, coding] = entry?;
            let first = u64::from(first.checked_sub(1)?);
            if coding != 1 || each == 0 {
                return None;
            }
            match open.replace((first, each)) {
                Some((from, each)) if first > from && first < self.chunks.count => {
                    if !visit(from..first, each)? {
                        return Some(());
                    }
                }
                None if first == 0 => {}
                _ => return None,
            }
        }
        let (from, each) = open?;
        if from >= self.chunks.count {
            return None;
        }
        visit(from..self.chunks.count, each).map(|_| ())
    }

    /// The last sample that is decoded at or before a time in ticks, or the first.
    pub(super) fn sample_at(&self, file: &File, time: i64) -> Option<u32> {
        let (mut sample, mut at) = (0_u32, 0_i64);
        for entry in entries::<2>(file, self.lengths) {
            let [count, length] = entry?;
            let end = at + i64::from(count) * i64::from(length);
            if time < end && length > 0 {
                let within = (time - at).max(0) / i64::from(length);
                return sample.checked_add(u32::try_from(within).ok()?);
            }
            (sample, at) = (sample.saturating_add(count), end);
        }
        Some(self.samples - 1)
    }

    /// When samples are decoded, and for how long they last, in ticks.
    pub(super) fn times(&self, file: &File, range: Range<u32>) -> Option<Vec<(i64, i64)>> {
        let mut times = Vec::with_capacity(range.len());
        let (mut sample, mut at) = (0_u32, 0_i64);
        for entry in entries::<2>(file, self.lengths) {
            if sample >= range.end {
                break;
            }
            let [count, length] = entry?;
            let (end, length) = (sample.saturating_add(count), i64::from(length));
            let within = sample.max(range.start)..end.min(range.end);
            times.extend(within.map(|index| (at + i64::from(index - sample) * length, length)));
            (sample, at) = (end, at + i64::from(count) * length);
        }
        (times.len() == range.len()).then_some(times)
    }

    /// By how much samples are shown later than they are decoded; nothing where
    /// all are shown at once.
    pub(super) fn shifts(&self, file: &File, range: Range<u32>) -> Option<Vec<u32>> {
        let Some(table) = self.shifts else { return Some(Vec::new()) };
        let (mut shifts, mut sample) = (Vec::with_capacity(range.len()), 0_u32);
        for entry in entries::<2>(file, table) {
            if sample >= range.end {
                break;
            }
            let [count, shift] = entry?;
            let within = sample.max(range.start)..sample.saturating_add(count).min(range.end);
            shifts.extend(within.map(|_| shift));
            sample = sample.saturating_add(count);
        }
        (shifts.len() == range.len()).then_some(shifts)
    }

    /// Where samples lie, and how large they are, in bytes.
    pub(super) fn places(&self, file: &File, range: Range<u32>) -> Option<Vec<(u64, u32)>> {
        let mut places = Vec::with_capacity(range.len());
        if range.is_empty() {
            return Some(places);
        }
        let mut sample = 0_u64;
        let (start, end) = (u64::from(range.start), u64::from(range.end));
        self.each_run(file, |chunks, each| {
            let each = u64::from(each);
            let after = sample + (chunks.end - chunks.start) * each;
            if after > start {
                // The chunks of this run in which any of them lie, whole.
                let first = chunks.start + start.saturating_sub(sample) / each;
                let last = chunks.end.min(chunks.start + end.saturating_sub(sample).div_ceil(each));
                let mut index = sample + (first - chunks.start) * each;
                for chunk in first..last {
                    let mut at = self.chunk(file, chunk)?;
                    for size in self.sizes(file, index..(index + each).min(end))? {
                        if index >= start {
                            places.push((at, size));
                        }
                        (at, index) = (at.checked_add(u64::from(size))?, index + 1);
                    }
                }
            }
            sample = after;
            Some(sample < end)
        })?;
        (places.len() == range.len()).then_some(places)
    }

    fn chunk(&self, file: &File, chunk: u64) -> Option<u64> {
        match self.are_wide {
            true => Some(u64::from_be_bytes(bytes(file, self.chunks.at + chunk * 8, 8)?.try_into().ok()?)),
            false => word(file, self.chunks.at + chunk * 4).map(u64::from),
        }
    }

    fn sizes(&self, file: &File, range: Range<u64>) -> Option<Vec<u32>> {
        let count = range.end.checked_sub(range.start)?;
        match &self.sizes {
            Err(size) => Some(vec![*size; usize::try_from(count).ok()?]),
            Ok(table) => {
                let bytes = bytes(file, table.at + range.start * 4, count * 4)?;
                Some(bytes.as_chunks::<4>().0.iter().map(|four| u32::from_be_bytes(*four)).collect())
            }
        }
    }

    /// The last key frame at or before a sample.
    pub(super) fn key_before(&self, sample: u32) -> u32 {
        let Some(keys) = &self.keys else { return sample };
        let after = keys.partition_point(|key| *key <= sample);
        after.checked_sub(1).and_then(|last| keys.get(last)).copied().unwrap_or(0)
    }

    /// The most samples from one key frame to the next.
    pub(super) fn longest_group(&self) -> u32 {
        let Some(keys) = &self.keys else { return 1 };
        let ends = keys.iter().skip(1).chain([&self.samples]);
        ends.zip(keys).map(|(end, start)| end - start).max().unwrap_or(self.samples)
    }

    /// When samples are shown, in ticks.
    pub(super) fn shown(&self, file: &File, range: Range<u32>) -> Option<Vec<i64>> {
        let shifts = self.shifts(file, range.clone())?;
        let shift = |at: usize| shifts.get(at).copied().map_or(0, i64::from);
        let times = self.times(file, range)?;
        Some(times.iter().enumerate().map(|(at, (time, _))| time + shift(at)).collect())
    }

    pub(super) fn keys_of(&self, range: Range<u32>) -> Vec<u32> {
        let Some(keys) = &self.keys else { return range.collect() };
        let (from, to) = (keys.partition_point(|key| *key < range.start), keys.partition_point(|key| *key < range.end));
        keys.get(from..to).unwrap_or_default().to_vec()
    }

    pub(super) fn key_times(&self, file: &File) -> Option<Vec<i64>> {
        let (mut times, mut sample, mut at) = (Vec::new(), 0_u32, 0_i64);
        for entry in entries::<2>(file, self.lengths) {
            let [count, length] = entry?;
            let (end, length) = (sample.saturating_add(count), i64::from(length));
            times.extend(self.keys_of(sample..end).into_iter().map(|key| at + i64::from(key - sample) * length));
            (sample, at) = (end, at + i64::from(count) * length);
        }
        Some(times)
    }

    /// The tables of other samples of the same coding.
    pub(super) fn written(
        &self,
        file: &File,
        stbl: &Place,
        lengths: &[u32],
        places: &[(u64, u32)],
        shifts: &[u32],
        keys: &[u32],
    ) -> Option<Vec<u8>> {
        let count = u32::try_from(places.len()).ok()?;
        let mut content = Vec::new();
        let stsd = only(&children(file, stbl.content, stbl.end)?, b"stsd")?;
        content.extend(bytes(file, stsd.start, stsd.end - stsd.start)?);
        content.extend(full(b"stts", &runs(lengths)?)?);
        if self.shifts.is_some() {
            content.extend(full(b"ctts", &runs(shifts)?)?);
        }
        if self.keys.is_some() {
            let numbers: Vec<u32> = keys.iter().map(|key| key + 1).collect();
            content.extend(full(b"stss", &[vec![u32::try_from(numbers.len()).ok()?], numbers].concat())?);
        }
        // Each sample is a chunk of its own.
        content.extend(full(b"stsc", &[1, 1, 1, 1])?);
        let sizes: Vec<u32> = [0, count].into_iter().chain(places.iter().map(|(_, size)| *size)).collect();
        content.extend(full(b"stsz", &sizes)?);
        let halves = places.iter().flat_map(|(at, _)| [(at >> 32) as u32, (at & 0xffff_ffff) as u32]);
        content.extend(full(b"co64", &[count].into_iter().chain(halves).collect::<Vec<u32>>())?);
        boxed(b"stbl", &content)
    }
}

/// A box of version 0, without flags.
fn full(kind: &[u8; 4], words: &[u32]) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = [0].iter().chain(words).flat_map(|word| word.to_be_bytes()).collect();
    boxed(kind, &bytes)
}

/// How often each value comes in a row, after how many runs there are.
fn runs(values: &[u32]) -> Option<Vec<u32>> {
    let runs: Vec<&[u32]> = values.chunk_by(|a, b| a == b).collect();
    let mut words = vec![u32::try_from(runs.len()).ok()?];
    for run in runs {
        words.extend([u32::try_from(run.len()).ok()?, *run.first()?]);
    }
    Some(words)
}

/// The entries of a table, each of so many numbers; `None` where the file ends.
fn entries<const N: usize>(file: &File, table: Table) -> impl Iterator<Item = Option<[u32; N]>> {
    let mut read = BufReader::with_capacity(1 << 16, boxes::From { file, at: table.at });
    (0..table.count).map(move |_| {
        let mut entry = [0; N];
        for number in &mut entry {
            let mut word = [0; 4];
            read.read_exact(&mut word).ok()?;
            *number = u32::from_be_bytes(word);
        }
        Some(entry)
    })
}
