//! Telemetry as an artifact: blocks of samples in compact columns, and an index
//! of them at the end, so that it can be written as a stream and read in part.
//!
//! All numbers are little-endian:
//!
//! ```text
//! "autocut telemetry" 0 0 0, version u32
//! for each block of at most 8,192 samples:
//!     times, packed (pack.rs)
//!     breaks, packed: differences of indices, 7 bits a byte
//!     for each column with a value in it: number u32, values, packed
//! the footer, in postcard: what is known at the end only, and where the blocks are
//! its length u64, "autocut telemetry" 0 0 0
//! ```
//!
//! Values come back to the bit (of NaN there is one). Decoding checks every
//! length before it allocates, and believes nothing: the answer to anything odd
//! is `None` or [`Unreadable::Odd`]. A [`Reader`] reads only the blocks that are
//! asked for.

mod aside;
mod pack;
mod read;
mod write;

use serde::{Deserialize, Serialize};

use crate::base::Unit;
use crate::model::telemetry::{LogClock, Mark, Telemetry};

pub use aside::{Aside, Scratch, Shelf};
pub use read::{Reader, Source, Unreadable};
pub use write::{Ending, Writer};

const MAGIC: &[u8; 20] = b"autocut telemetry\0\0\0";
const VERSION: u32 = 4;

/// Most samples of a block: 14 minutes at 10 Hz. A look at a few seconds costs
/// one or two of them, which is less than a millisecond.
pub const BLOCK: usize = 8_192;

/// What stands at the end.
#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    clock: LogClock,
    /// Added to all times.
    shift: i64,
    /// Number in the blocks, name and unit.
    channels: Vec<(u32, String, Unit)>,
    blocks: Vec<Listed>,
    /// See [`Ending::parted`].
    parted: Vec<i64>,
    marks: Vec<Mark>,
}

/// One block in the index.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Listed {
    /// Where it begins, in bytes.
    at: u64,
    length: u32,
    samples: u32,
    /// First and last time in it.
    first: i64,
    last: i64,
}

/// Telemetry in the artifact's encoding. The same telemetry gives the same
/// bytes. Values beyond the times' number are left out, missing ones are NaN.
pub fn encode(telemetry: &Telemetry) -> Vec<u8> {
    let mut out = Vec::new();
    // Nothing fails that is written to memory.
    let _ = write(telemetry, &mut out);
    out
}

/// Writes telemetry that is in memory.
///
/// # Errors
/// Those of the writer.
pub fn write(telemetry: &Telemetry, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut writer = Writer::new(out);
    let mut breaks = telemetry.breaks.iter().copied().peekable();
    for (index, times) in telemetry.times.chunks(BLOCK).enumerate() {
        let start = index * BLOCK;
        let end = start + times.len();
        let inside = std::iter::from_fn(|| breaks.next_if(|at| (*at as usize) < end));
        let inside: Vec<u32> = inside.map(|at| at.saturating_sub(start as u32)).collect();
        let columns = (0..).zip(&telemetry.channels).map(|(column, channel)| {
            let values = &channel.values;
            (column, &values[start.min(values.len())..end.min(values.len())])
        });
        writer.block(times, columns, &inside)?;
    }
    let channels = (0..).zip(&telemetry.channels).map(|(column, c)| (column, c.name.clone(), c.unit)).collect();
    let (clock, marks) = (telemetry.clock, telemetry.marks.clone());
    writer.finish(Ending { clock, shift: 0, channels, parted: Vec::new(), marks })
}

/// What [`encode`] made; `None` where the bytes are anything else.
pub fn decode(bytes: &[u8]) -> Option<Telemetry> {
    Reader::open(Box::new(bytes)).ok()?.whole().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::telemetry::{Channel, MarkKind};
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
                Mark { time: -9, kind: MarkKind::Lap, name: "manual".to_owned(), place: None },
                Mark { time: 10, kind: MarkKind::Pause, name: String::new(), place: None },
                Mark { time: 20, kind: MarkKind::Event, name: "größer".to_owned(), place: None },
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
        for breaks in [vec![0], vec![2, 2], vec![3, 1]] {
            assert_eq!(decode(&encode(&Telemetry { breaks, ..super::tests::log() })), None);
        }
        let mut log = super::tests::log();
        log.marks.reverse();
        assert_eq!(decode(&encode(&log)), None);
    }

    #[test]
    fn a_reader_reads_the_same_slice() {
        let log = log();
        let bytes = encode(&log);
        let reader = Reader::open(Box::new(bytes)).unwrap();
        for range in [-10..0, 0..15, 12..13, 20..30, 2..i64::MAX] {
            assert_eq!(reader.slice(range.clone()).unwrap(), lookup::slice(&log, range));
        }
    }

    /// Three blocks, breaks at their ends and within, holes, a column that
    /// begins late.
    fn long() -> Telemetry {
        let count = BLOCK * 5 / 2;
        let late = |n: usize| if n < BLOCK + 7 || n.is_multiple_of(3) { f64::NAN } else { n as f64 / 10.0 };
        Telemetry {
            clock: LogClock::Utc,
            times: (0..count as i64).map(|n| n * 100_000_000 + n % 7).collect(),
            channels: vec![
                Channel {
                    name: "speed".to_owned(),
                    unit: Unit::MetresPerSecond,
                    values: (0..count).map(|n| (n % 977) as f64 / 100.0).collect(),
                },
                Channel { name: "late".to_owned(), unit: Unit::None, values: (0..count).map(late).collect() },
            ],
            breaks: vec![5, BLOCK as u32, BLOCK as u32 * 2 - 1, BLOCK as u32 * 2 + 1],
            marks: vec![Mark { time: 3, kind: MarkKind::Lap, name: String::new(), place: None }],
        }
    }

    fn same(one: &Telemetry, other: &Telemetry) {
        let bits = |log: &Telemetry| -> Vec<Vec<u64>> {
            log.channels.iter().map(|channel| channel.values.iter().map(|v| v.to_bits()).collect()).collect()
        };
        assert_eq!((&one.times, &one.breaks, &one.marks), (&other.times, &other.breaks, &other.marks));
        assert!(bits(one) == bits(other));
    }

    #[test]
    fn slices_over_the_ends_of_blocks_are_those_of_the_whole() {
        let log = long();
        let reader = Reader::open(Box::new(encode(&log))).unwrap();
        assert_eq!((reader.blocks(), reader.span()), (3, Some((log.times[0], log.times[log.times.len() - 1]))));
        same(&reader.whole().unwrap(), &log);
        let at = |index: usize| log.times[index];
        for (from, until) in
            [(0, 3), (BLOCK - 2, BLOCK + 1), (BLOCK, BLOCK), (5, BLOCK * 2 + 9), (BLOCK * 2, BLOCK * 2 + 2)]
        {
            let range = at(from)..at(until) + 1;
            same(&reader.slice(range.clone()).unwrap(), &lookup::slice(&log, range));
        }
    }

    #[test]
    fn a_slice_reads_the_blocks_that_it_touches() {
        struct Counted(Vec<u8>, std::sync::Arc<std::sync::atomic::AtomicU64>);
        impl Source for Counted {
            fn length(&self) -> u64 {
                self.0.len() as u64
            }
            fn read_at(&self, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
                self.1.fetch_add(buffer.len() as u64, std::sync::atomic::Ordering::Relaxed);
                self.0.read_at(at, buffer)
            }
        }
        let log = long();
        let bytes = encode(&log);
        let (whole, read) = (bytes.len() as u64, std::sync::Arc::default());
        let reader = Reader::open(Box::new(Counted(bytes, std::sync::Arc::clone(&read)))).unwrap();
        let taken = || read.swap(0, std::sync::atomic::Ordering::Relaxed);
        assert!(taken() < 1_000);
        reader.slice(log.times[100]..log.times[140]).unwrap();
        assert!(taken() < whole / 2);
    }

    #[test]
    fn a_thinned_whole_keeps_ends_extremes_and_breaks() {
        let log = long();
        let reader = Reader::open(Box::new(encode(&log))).unwrap();
        same(&reader.thinned(log.times.len(), i64::MIN..i64::MAX).unwrap(), &log);
        let thin = reader.thinned(500, i64::MIN..i64::MAX).unwrap();
        assert!((490..520).contains(&thin.times.len()), "{}", thin.times.len());
        assert_eq!((thin.times[0], thin.times.last()), (log.times[0], log.times.last()));
        assert_eq!(thin.breaks.len(), 3, "two of the four lie between the same two samples");
        let ends = |log: &Telemetry| {
            let known = || log.channels[1].values.iter().copied().filter(|value| !value.is_nan());
            (known().reduce(f64::min), known().reduce(f64::max))
        };
        assert_eq!(ends(&thin), ends(&log));
        let second = reader.thinned(500, log.times[BLOCK]..log.times[BLOCK + 1]).unwrap();
        assert_eq!((second.times[0], second.times.last()), (log.times[BLOCK], log.times.get(2 * BLOCK - 1)));
    }

    /// What comes of a writer that knows breaks, channels and shift at the end
    /// only, and takes back what it wrote first.
    #[test]
    fn what_is_known_at_the_end_counts_for_all_blocks() {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.block(&[7, 8], std::iter::empty(), &[]).unwrap();
        writer.forget();
        let columns = [[1.0, 2.0, 3.0], [f64::NAN; 3], [4.0, 5.0, 6.0]];
        for start in [0, 100] {
            let columns = (0..).zip(&columns).map(|(column, values)| (column, &values[..]));
            writer.block(&[start, start + 10, start + 20], columns, &[]).unwrap();
        }
        let channels = vec![(2, "b".to_owned(), Unit::None), (9, "none".to_owned(), Unit::Watts)];
        let parted = vec![0, 11, 100, 130];
        writer.finish(Ending { clock: LogClock::Start, shift: 1_000, channels, parted, marks: Vec::new() }).unwrap();
        let log = decode(&bytes).unwrap();
        assert_eq!(log.times, [1_000, 1_010, 1_020, 1_100, 1_110, 1_120]);
        assert_eq!(log.breaks, [2, 3]);
        assert_eq!(log.channels[0].values, [4.0, 5.0, 6.0, 4.0, 5.0, 6.0]);
        assert!(log.channels[1].values.iter().all(|value| value.is_nan()));
    }

    /// No panic, and no more memory than the index promises.
    #[test]
    fn any_changed_byte_is_refused_or_decodes_to_something_sound() {
        let bytes = encode(&long());
        let mut chance = fastrand::Rng::with_seed(3);
        for _ in 0..3_000 {
            let mut changed = bytes.clone();
            for _ in 0..chance.usize(1..4) {
                let at = if chance.bool() { chance.usize(..bytes.len()) } else { bytes.len() - chance.usize(1..200) };
                changed[at] = chance.u8(..);
            }
            if let Some(log) = decode(&changed) {
                assert!(log.times.windows(2).all(|pair| pair[0] < pair[1]));
                assert!(log.channels.iter().all(|channel| channel.values.len() == log.times.len()));
            }
        }
    }
}
