//! Reads telemetry, whole or only the blocks that are asked for.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::ops::Range;

use super::pack::{Unpacker, Varints};
use super::{BLOCK, Footer, Listed, MAGIC, VERSION};
use crate::base::Unit;
use crate::model::decode;
use crate::model::telemetry::{Channel, LogClock, Mark, Telemetry};
use crate::telemetry::lookup::{marks_within, slice};

/// Bytes that are read at any place.
pub trait Source: Send + Sync {
    fn length(&self) -> u64;

    /// Fills the buffer with what stands from `at` on.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl<T: AsRef<[u8]> + Send + Sync> Source for T {
    fn length(&self) -> u64 {
        self.as_ref().len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let end = start.checked_add(buffer.len());
        let bytes = end.and_then(|end| self.as_ref().get(start..end)).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// Why telemetry cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    Io(io::Error),
    /// It is no telemetry of this version, or not whole.
    Odd,
}

type Answer<T> = Result<T, Unreadable>;

fn sound<T>(value: Option<T>) -> Answer<T> {
    value.ok_or(Unreadable::Odd)
}

/// Telemetry of which only the index is in memory.
pub struct Reader<'s> {
    source: Box<dyn Source + 's>,
    footer: Footer,
    /// Samples before each block, and all of them.
    starts: Vec<usize>,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("samples", &self.len()).field("blocks", &self.footer.blocks.len()).finish()
    }
}

impl<'s> Reader<'s> {
    /// Reads the index and checks that it is sound.
    pub fn open(source: Box<dyn Source + 's>) -> Answer<Reader<'s>> {
        let read = |at: u64, length: usize| {
            let mut buffer = vec![0; length];
            source.read_at(at, &mut buffer).map(|()| buffer).map_err(Unreadable::Io)
        };
        let (head, tail) = (MAGIC.len() as u64 + 4, MAGIC.len() as u64 + 8);
        let length = source.length();
        sound(length.checked_sub(head + tail))?;
        let start = read(0, head as usize)?;
        let end = read(length - tail, tail as usize)?;
        let (size, magic) = sound(end.split_first_chunk::<8>())?;
        let size = u64::from_le_bytes(*size);
        if start[..MAGIC.len()] != *MAGIC || start[MAGIC.len()..] != VERSION.to_le_bytes() || magic != MAGIC {
            return Err(Unreadable::Odd);
        }
        let at = sound((length - tail).checked_sub(size).filter(|at| *at >= head))?;
        let footer: Footer = sound(decode(&read(at, size as usize)?))?;
        let starts = sound(checked(&footer, head, at))?;
        Ok(Reader { source, footer, starts })
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn clock(&self) -> LogClock {
        self.footer.clock
    }

    /// Names and units of the channels, in order.
    pub fn channels(&self) -> impl Iterator<Item = (&str, Unit)> {
        self.footer.channels.iter().map(|(_, name, unit)| (name.as_str(), *unit))
    }

    /// First and last time, in ns; `None` without a sample.
    pub fn span(&self) -> Option<(i64, i64)> {
        let (first, last) = (self.footer.blocks.first()?, self.footer.blocks.last()?);
        Some((first.first + self.footer.shift, last.last + self.footer.shift))
    }

    /// All marks, in the order of time.
    pub fn marks(&self) -> Vec<Mark> {
        let moved = |mark: &Mark| Mark { time: mark.time.saturating_add(self.footer.shift), ..mark.clone() };
        self.footer.marks.iter().map(moved).collect()
    }

    /// The whole, in memory.
    pub fn whole(&self) -> Answer<Telemetry> {
        // A lap may have started before the first sample.
        Ok(Telemetry { marks: self.marks(), ..self.samples(0..self.len())? })
    }

    /// The samples of a span of time (ns), with one more on either side where
    /// there is one; like [`slice`] of the whole.
    pub fn slice(&self, range: Range<i64>) -> Answer<Telemetry> {
        let shift = self.footer.shift;
        let blocks = &self.footer.blocks;
        let first = blocks.partition_point(|block| block.first.saturating_add(shift) <= range.start).saturating_sub(1);
        let end = blocks.partition_point(|block| block.last.saturating_add(shift) < range.end).saturating_add(1);
        let end = end.min(blocks.len()).max(first);
        let part = self.samples(self.starts[first]..self.starts[end])?;
        Ok(slice(&part, range))
    }

    /// The samples with these indices, with the marks among them.
    pub fn samples(&self, range: Range<usize>) -> Answer<Telemetry> {
        let mut part = self.part(range, &|_| true)?;
        part.breaks.retain(|at| *at > 0);
        part.marks = marks_within(&self.marks(), &part.times);
        Ok(part)
    }

    /// The samples with these indices, without marks, and of their channels
    /// those that are wanted, by their names. A break at 0 is between the sample
    /// before and the first.
    pub fn part(&self, range: Range<usize>, wanted: &dyn Fn(&str) -> bool) -> Answer<Telemetry> {
        let range = range.start.min(self.len())..range.end.min(self.len());
        let empty = |(name, unit): (&str, Unit)| Channel { name: name.to_owned(), unit, values: Vec::new() };
        let mut part = Telemetry {
            clock: self.footer.clock,
            channels: self.channels().filter(|(name, _)| wanted(name)).map(empty).collect(),
            ..Telemetry::default()
        };
        let first = self.starts.partition_point(|start| *start <= range.start).saturating_sub(1);
        for block in first..self.footer.blocks.len() {
            let start = self.starts[block];
            if start >= range.end {
                break;
            }
            let whole = self.columns_of(block, wanted)?;
            let kept = range.start.max(start) - start..range.end.min(self.starts[block + 1]) - start;
            let offset = part.times.len();
            for (channel, more) in part.channels.iter_mut().zip(&whole.channels) {
                channel.values.extend_from_slice(&more.values[kept.clone()]);
            }
            part.times.extend_from_slice(&whole.times[kept.clone()]);
            let breaks = whole.breaks.iter().map(|at| *at as usize).filter(|at| kept.contains(at));
            let breaks = breaks.map(|at| at - kept.start + offset);
            part.breaks.extend(breaks.filter_map(|at| u32::try_from(at).ok()));
        }
        Ok(part)
    }

    /// When each block begins, in ns.
    pub fn starts(&self) -> impl Iterator<Item = i64> {
        self.footer.blocks.iter().map(|block| block.first.saturating_add(self.footer.shift))
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        self.footer.blocks.len()
    }

    /// One block, without marks; a break at 0 is between the block before and
    /// this one.
    pub fn block(&self, index: usize) -> Answer<Telemetry> {
        self.columns_of(index, &|_| true)
    }

    fn columns_of(&self, index: usize, wanted: &dyn Fn(&str) -> bool) -> Answer<Telemetry> {
        let Some(listed) = self.footer.blocks.get(index) else { return Err(Unreadable::Odd) };
        // Its length was compared with what there is.
        let mut bytes = vec![0; listed.length as usize];
        self.source.read_at(listed.at, &mut bytes).map_err(Unreadable::Io)?;
        sound(unpacked(&self.footer, index, &bytes, wanted))
    }

    /// The blocks that hold what lies in a span of time, with at most about
    /// `most` samples: all of them where they are no more, else every so many,
    /// and of each channel the least and the greatest. Breaks stay where they
    /// are.
    pub fn thinned(&self, most: usize, span: Range<i64>) -> Answer<Telemetry> {
        let shift = self.footer.shift;
        let blocks = &self.footer.blocks;
        let first = blocks.partition_point(|block| block.last.saturating_add(shift) < span.start);
        let end = blocks.partition_point(|block| block.first.saturating_add(shift) < span.end).max(first);
        let count = self.starts[end] - self.starts[first];
        if count <= most {
            return Ok(Telemetry { marks: self.marks(), ..self.samples(self.starts[first]..self.starts[end])? });
        }
        let stride = count.div_ceil(most.max(1));
        let special = self.extremes(first..end)?;
        let mut thin = self.samples(0..0)?;
        let mut broken = false;
        for index in first..end {
            let block = self.block(index)?;
            let mut breaks = block.breaks.iter().map(|at| *at as usize).peekable();
            for at in 0..block.times.len() {
                broken |= breaks.next_if_eq(&at).is_some();
                let place = self.starts[index] + at;
                let is_end = place + 1 == self.starts[end];
                if !(place - self.starts[first]).is_multiple_of(stride) && !is_end && !special.contains(&place) {
                    continue;
                }
                if std::mem::take(&mut broken) && !thin.times.is_empty() {
                    thin.breaks.extend(u32::try_from(thin.times.len()).ok());
                }
                thin.times.push(block.times[at]);
                for (thin, channel) in thin.channels.iter_mut().zip(&block.channels) {
                    thin.values.push(channel.values[at]);
                }
            }
        }
        thin.marks = self.marks();
        Ok(thin)
    }

    /// The samples with the least and the greatest value of each channel.
    fn extremes(&self, blocks: Range<usize>) -> Answer<BTreeSet<usize>> {
        let mut extremes: Vec<Option<[(f64, usize); 2]>> = vec![None; self.footer.channels.len()];
        for index in blocks {
            let block = self.block(index)?;
            for (extreme, channel) in extremes.iter_mut().zip(&block.channels) {
                for (at, value) in channel.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
                    let here = (*value, self.starts[index] + at);
                    let [low, high] = extreme.get_or_insert([here; 2]);
                    if *value < low.0 {
                        *low = here;
                    }
                    if *value > high.0 {
                        *high = here;
                    }
                }
            }
        }
        Ok(extremes.iter().flatten().flatten().map(|(_, at)| *at).collect())
    }
}

/// The starts of the blocks; `None` where the index is not sound. `head` and
/// `end` are where blocks may begin and end.
fn checked(footer: &Footer, head: u64, end: u64) -> Option<Vec<usize>> {
    let mut names = BTreeSet::new();
    let mut columns = BTreeSet::new();
    for (column, name, _) in &footer.channels {
        if !names.insert(name) || !columns.insert(column) {
            return None;
        }
    }
    let mut starts = Vec::with_capacity(footer.blocks.len() + 1);
    let (mut at, mut samples, mut before) = (head, 0_usize, None);
    for block in &footer.blocks {
        let Listed { first, last, .. } = *block;
        let alone = block.samples == 1;
        let grows = before.is_none_or(|before| before < first) && if alone { first == last } else { first < last };
        let counted = (1..=BLOCK as u32).contains(&block.samples);
        let moved = first.checked_add(footer.shift).is_some() && last.checked_add(footer.shift).is_some();
        if !grows || !counted || !moved || block.at < at {
            return None;
        }
        at = block.at.checked_add(u64::from(block.length)).filter(|at| *at <= end)?;
        starts.push(samples);
        samples = samples.checked_add(block.samples as usize)?;
        before = Some(last);
    }
    starts.push(samples);
    let parted = footer.parted.windows(2).all(|pair| pair[0] < pair[1]);
    (parted && footer.marks.is_sorted_by_key(|mark| mark.time)).then_some(starts)
}

/// What is wanted of a block out of its bytes; `None` where they are none.
fn unpacked(footer: &Footer, index: usize, bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Option<Telemetry> {
    let listed = footer.blocks.get(index)?;
    let samples = listed.samples as usize;
    let mut bytes = Unpacker::new(bytes);
    let mut times = bytes.times(samples, listed.first, listed.last)?;
    let mut breaks = broken(&bytes.bytes(samples.checked_mul(10)?)?, samples, index > 0)?;
    let kept: Vec<&(u32, String, Unit)> = footer.channels.iter().filter(|(_, name, _)| wanted(name)).collect();
    let mut columns: Vec<(u32, Vec<f64>)> = Vec::new();
    while !bytes.is_empty() {
        let column = bytes.u32()?;
        if columns.last().is_some_and(|(before, _)| *before >= column) {
            return None;
        }
        let mut values = Vec::new();
        if kept.iter().any(|(number, _, _)| *number == column) {
            values.reserve_exact(samples);
            bytes.values(samples, &mut values)?;
        } else {
            bytes.skip()?;
        }
        columns.push((column, values));
    }
    let mut channels = Vec::with_capacity(kept.len());
    for (column, name, unit) in kept {
        let place = columns.binary_search_by_key(column, |(column, _)| *column).ok();
        let values = place.map(|place| std::mem::take(&mut columns[place].1));
        let values = values.unwrap_or_else(|| vec![f64::NAN; samples]);
        channels.push(Channel { name: name.clone(), unit: *unit, values });
    }
    let before = index.checked_sub(1).and_then(|before| footer.blocks.get(before)).map(|block| block.last);
    let from = footer.parted.partition_point(|time| before.is_some_and(|before| *time <= before));
    for time in footer.parted[from..].iter().take_while(|time| **time <= listed.last) {
        let at = times.partition_point(|sample| sample < time);
        if at > 0 || before.is_some() {
            breaks.push(u32::try_from(at).ok()?);
        }
    }
    breaks.sort_unstable();
    breaks.dedup();
    // Both ends of the block were checked.
    times.iter_mut().for_each(|time| *time += footer.shift);
    Some(Telemetry { clock: footer.clock, times, channels, breaks, marks: Vec::new() })
}

/// Breaks as they stand in a block: growing, below the number of samples, and
/// none before the first sample of all.
fn broken(bytes: &[u8], samples: usize, follows: bool) -> Option<Vec<u32>> {
    let mut bytes = Varints { rest: bytes };
    let mut breaks: Vec<u32> = Vec::new();
    while !bytes.rest.is_empty() {
        let step = u32::try_from(bytes.next()?).ok()?;
        let at = breaks.last().copied().unwrap_or(0).checked_add(step)?;
        let odd = (step == 0 && !(breaks.is_empty() && follows)) || at as usize >= samples;
        if odd {
            return None;
        }
        breaks.push(at);
    }
    Some(breaks)
}
