//! Telemetry as an artifact: a header that describes itself, then raw columns.
//!
//! All numbers are little-endian; a column starts at a multiple of 8 bytes:
//!
//! ```text
//! "autocut telemetry" 0 0 0, version u32         24 bytes with the next
//! clock u8 (0 UTC, 1 start), 7 zero bytes
//! samples u64, channels u32, breaks u32
//! for each channel: length u16 and name, length u16 and unit's symbol
//! zeros up to a multiple of 8
//! times: samples x i64 (ns)
//! for each channel: samples x f64 (one NaN only)
//! breaks: breaks x u32
//! marks u32
//! for each mark: time i64 (ns), kind u8, length u16 and name
//! ```
//!
//! Decoding checks every length before it allocates, and believes nothing: the
//! answer to anything odd is `None`. A [`View`] reads only the samples that are
//! asked for.

use std::ops::Range;

use crate::base::Unit;
use crate::model::telemetry::{Channel, LogClock, Mark, MarkKind, Telemetry};
use crate::telemetry::lookup::marks_within;

const MAGIC: &[u8; 20] = b"autocut telemetry\0\0\0";
const VERSION: u32 = 2;

/// The kinds of marks as numbers: their places in this list.
const MARKS: [MarkKind; 4] = [MarkKind::Lap, MarkKind::Pause, MarkKind::Resume, MarkKind::Event];

/// Bytes of a mark without a name.
const MARK_BYTES: usize = 11;

/// Telemetry in the artifact's encoding. The same telemetry gives the same
/// bytes. Values beyond the times' number are left out, missing ones are NaN.
pub fn encode(telemetry: &Telemetry) -> Vec<u8> {
    let samples = telemetry.times.len();
    let mut out = Vec::with_capacity(64 + samples * 8 * (telemetry.channels.len() + 1));
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let clock = match telemetry.clock {
        LogClock::Utc => 0_u8,
        LogClock::Start => 1,
    };
    out.extend_from_slice(&[clock, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&(samples as u64).to_le_bytes());
    out.extend_from_slice(&(telemetry.channels.len() as u32).to_le_bytes());
    out.extend_from_slice(&(telemetry.breaks.len() as u32).to_le_bytes());
    for channel in &telemetry.channels {
        text(&mut out, &channel.name);
        text(&mut out, channel.unit.symbol());
    }
    out.resize(out.len().next_multiple_of(8), 0);
    for time in &telemetry.times {
        out.extend_from_slice(&time.to_le_bytes());
    }
    for channel in &telemetry.channels {
        let missing = std::iter::repeat(&f64::NAN);
        for value in channel.values.iter().chain(missing).take(samples) {
            let value = if value.is_nan() { f64::NAN } else { *value };
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
    for at in &telemetry.breaks {
        out.extend_from_slice(&at.to_le_bytes());
    }
    out.extend_from_slice(&(telemetry.marks.len() as u32).to_le_bytes());
    for mark in &telemetry.marks {
        out.extend_from_slice(&mark.time.to_le_bytes());
        out.push(MARKS.iter().position(|kind| *kind == mark.kind).unwrap_or(MARKS.len() - 1) as u8);
        text(&mut out, &mark.name);
    }
    out
}

/// A text of at most 65,535 bytes; a longer one is cut at a character.
fn text(out: &mut Vec<u8>, text: &str) {
    let end = (0..=text.len().min(usize::from(u16::MAX))).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    out.extend_from_slice(&(end as u16).to_le_bytes());
    out.extend_from_slice(&text.as_bytes()[..end]);
}

/// What [`encode`] made; `None` where the bytes are anything else.
pub fn decode(bytes: &[u8]) -> Option<Telemetry> {
    let view = View::open(bytes)?;
    let whole = view.samples(0..view.len())?;
    // A lap may have started before the first sample.
    Some(Telemetry { marks: view.marks, ..whole })
}

/// Encoded telemetry of which only a part is to be read.
#[derive(Clone, Debug)]
pub struct View<'a> {
    clock: LogClock,
    samples: usize,
    channels: Vec<(&'a str, Unit)>,
    times: &'a [u8],
    values: &'a [u8],
    breaks: &'a [u8],
    marks: Vec<Mark>,
}

impl<'a> View<'a> {
    /// Reads the header and checks that the lengths are those of the bytes.
    pub fn open(bytes: &'a [u8]) -> Option<View<'a>> {
        let mut at = Reader { rest: bytes };
        if at.take(MAGIC.len())? != MAGIC || at.u32()? != VERSION {
            return None;
        }
        let clock = match at.take(8)? {
            [0, 0, 0, 0, 0, 0, 0, 0] => LogClock::Utc,
            [1, 0, 0, 0, 0, 0, 0, 0] => LogClock::Start,
            _ => return None,
        };
        let samples = usize::try_from(u64::from_le_bytes(at.take(8)?.try_into().ok()?)).ok()?;
        let (count, breaks) = (at.u32()? as usize, at.u32()? as usize);
        // Each channel's names take at least four bytes.
        if count > at.rest.len() / 4 {
            return None;
        }
        let mut channels: Vec<(&str, Unit)> = Vec::with_capacity(count);
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..count {
            let (name, unit) = (at.text()?, at.text()?);
            if !names.insert(name) {
                return None;
            }
            channels.push((name, Unit::parse(unit).filter(|found| found.symbol() == unit)?));
        }
        let header = bytes.len() - at.rest.len();
        let padding = at.take(header.next_multiple_of(8) - header)?;
        let column = samples.checked_mul(8)?;
        let times = at.take(column)?;
        let values = at.take(column.checked_mul(count)?)?;
        let breaks = at.take(breaks.checked_mul(4)?)?;
        let marks = at.marks()?;
        let whole = at.rest.is_empty() && padding.iter().all(|b| *b == 0);
        whole.then_some(View { clock, samples, channels, times, values, breaks, marks })
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.samples
    }

    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// The samples of a span of time (ns), with one more on either side where
    /// there is one; like [`slice`](super::lookup::slice) of the whole.
    pub fn slice(&self, range: Range<i64>) -> Option<Telemetry> {
        let first = self.partition(|time| time <= range.start).saturating_sub(1);
        let end = self.partition(|time| time < range.end).saturating_add(1).min(self.samples);
        self.samples(first..end.max(first))
    }

    /// The samples with these indices; `None` where they are not sound.
    fn samples(&self, range: Range<usize>) -> Option<Telemetry> {
        let bytes = range.start.checked_mul(8)?..range.end.checked_mul(8)?;
        let times: Vec<i64> = words(self.times.get(bytes.clone())?).map(i64::from_le_bytes).collect();
        if times.windows(2).any(|pair| pair[0] >= pair[1]) {
            return None;
        }
        let mut channels = Vec::with_capacity(self.channels.len());
        for (index, (name, unit)) in self.channels.iter().enumerate() {
            let start = index * self.samples * 8;
            let column = self.values.get(start + bytes.start..start + bytes.end)?;
            let values = words(column).map(f64::from_le_bytes).collect();
            channels.push(Channel { name: (*name).to_owned(), unit: *unit, values });
        }
        let marks = marks_within(&self.marks, &times);
        Some(Telemetry { clock: self.clock, times, channels, breaks: self.breaks(&range)?, marks })
    }

    /// Breaks between these samples, counted from the first.
    fn breaks(&self, range: &Range<usize>) -> Option<Vec<u32>> {
        let mut breaks = Vec::new();
        let mut last = 0;
        for word in self.breaks.chunks_exact(4) {
            let at = u32::from_le_bytes(word.try_into().ok()?) as usize;
            if at <= last || at >= self.samples {
                return None;
            }
            last = at;
            if (range.start + 1..range.end).contains(&at) {
                breaks.push(u32::try_from(at - range.start).ok()?);
            }
        }
        Some(breaks)
    }

    /// The first sample whose time does not fulfil `before`.
    fn partition(&self, before: impl Fn(i64) -> bool) -> usize {
        let (mut low, mut high) = (0, self.samples);
        while low < high {
            let middle = low + (high - low) / 2;
            let time = words(&self.times[middle * 8..middle * 8 + 8]).next().map_or(0, i64::from_le_bytes);
            if before(time) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> + '_ {
    bytes.as_chunks::<8>().0.iter().copied()
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn marks(&mut self) -> Option<Vec<Mark>> {
        let count = self.u32()? as usize;
        if count > self.rest.len() / MARK_BYTES {
            return None;
        }
        let mut marks = Vec::with_capacity(count);
        for _ in 0..count {
            let time = i64::from_le_bytes(self.take(8)?.try_into().ok()?);
            let kind = *MARKS.get(usize::from(*self.take(1)?.first()?))?;
            marks.push(Mark { time, kind, name: self.text()?.to_owned() });
        }
        marks.is_sorted_by_key(|mark| mark.time).then_some(marks)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        std::str::from_utf8(self.take(usize::from(length))?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::lookup;

    fn log() -> Telemetry {
        Telemetry {
            clock: LogClock::Start,
            times: vec![-5, 10, 20, 1 << 60],
            channels: vec![
                Channel { name: "speed".to_owned(), unit: Unit::MetresPerSecond, values: vec![0.5, 1e-300, -0.0, 4.0] },
                Channel { name: "größe".to_owned(), unit: Unit::None, values: vec![1.0, 2.0, 3.0, f64::INFINITY] },
            ],
            breaks: vec![1, 3],
            marks: vec![
                Mark { time: -9, kind: MarkKind::Lap, name: "manual".to_owned() },
                Mark { time: 10, kind: MarkKind::Pause, name: String::new() },
                Mark { time: 20, kind: MarkKind::Event, name: "größer".to_owned() },
            ],
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for log in [log(), Telemetry::default()] {
            assert_eq!(decode(&encode(&log)), Some(log));
        }
    }

    #[test]
    fn unknown_values_stay_unknown_and_are_one_pattern() {
        let mut log = log();
        log.channels[0].values = vec![f64::NAN, -f64::NAN, f64::from_bits(0x7ff8_0000_0000_0001)];
        let bytes = encode(&log);
        let values = decode(&bytes).unwrap().channels[0].values.clone();
        assert!(values.len() == 4 && values.iter().all(|value| value.to_bits() == f64::NAN.to_bits()));
    }

    #[test]
    fn every_shortened_or_changed_header_is_refused_without_harm() {
        let bytes = encode(&log());
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None, "{end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode(&longer), None);
        for at in 0..80 {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                // No panic and no great allocation; where it decodes, it is whole.
                if let Some(log) = decode(&changed) {
                    assert_eq!(log.times.len(), 4);
                }
            }
        }
    }

    #[test]
    fn times_that_do_not_grow_and_odd_breaks_are_refused() {
        let mut log = log();
        log.times[2] = 10;
        assert_eq!(decode(&encode(&log)), None);
        for breaks in [vec![0], vec![4], vec![2, 2], vec![3, 1]] {
            assert_eq!(decode(&encode(&Telemetry { breaks, ..super::tests::log() })), None);
        }
        let mut log = super::tests::log();
        log.marks.reverse();
        assert_eq!(decode(&encode(&log)), None);
    }

    #[test]
    fn a_view_reads_the_same_slice() {
        let log = log();
        let bytes = encode(&log);
        let view = View::open(&bytes).unwrap();
        for range in [-10..0, 0..15, 12..13, 20..30, 2..i64::MAX] {
            assert_eq!(view.slice(range.clone()), Some(lookup::slice(&log, range)));
        }
    }
}
