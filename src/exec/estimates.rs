//! What actions of a kind really held in memory, learned from those that ran,
//! for the next that are to run side by side.
//!
//! It is a guess that decides only what runs at once, never a result. What was
//! measured is believed within reason: a few times more or less than what the
//! kind declares for pictures of that size.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::base::Bytes;
use crate::model::{self, Kind};

/// How many measurements of a kind and size are kept.
const KEPT: usize = 32;

/// Of the measurements, this part in a hundred is at most what is reckoned
/// with.
const QUANTILE: usize = 95;

/// Percent that are reckoned with on top.
const MARGIN: u64 = 15;

/// How many times more or less than declared is believed.
const WITHIN: u64 = 4;

/// Megapixels that what a kind declares is meant for: 1920 x 1080.
const DECLARED_FOR: u64 = 2;

/// The size of the largest picture that an action handles: 0 for none or
/// unknown, else megapixels, rounded up to a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Class(u32);

impl Class {
    pub fn of_pixels(pixels: u64) -> Class {
        let mega = u32::try_from(pixels.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        Class(if mega == 0 { 0 } else { mega.checked_next_power_of_two().unwrap_or(1 << 31) })
    }
}

/// Peaks in MiB, the latest last, by kind and size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimates {
    peaks: BTreeMap<(String, Class), VecDeque<u32>>,
}

impl Estimates {
    /// Out of what [`to_bytes`](Self::to_bytes) gave; nothing is known where
    /// that cannot be read.
    pub fn from_bytes(bytes: &[u8]) -> Estimates {
        model::decode(bytes).unwrap_or_default()
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        model::encode(self)
    }

    /// Notes what an action held at most.
    pub fn learn(&mut self, kind: &Kind, class: Class, peak: Bytes) {
        let peaks = self.peaks.entry((kind.name.to_owned(), class)).or_default();
        if peaks.len() == KEPT {
            peaks.pop_front();
        }
        // Rounded up, as everything about room is.
        peaks.push_back(u32::try_from(peak.0.div_ceil(1 << 20)).unwrap_or(u32::MAX));
    }

    /// What to reckon with, in MiB.
    pub fn expect(&self, kind: &Kind, class: Class) -> u32 {
        let declared = declared(kind, class);
        let Some(peaks) = self.peaks.get(&(kind.name.to_owned(), class)).filter(|peaks| !peaks.is_empty()) else {
            return u32::try_from(declared).unwrap_or(u32::MAX);
        };
        let mut sorted: Vec<u32> = peaks.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * QUANTILE).div_ceil(100).clamp(1, sorted.len());
        let high = u64::from(sorted[rank - 1]);
        let expected = (high * (100 + MARGIN)).div_ceil(100);
        u32::try_from(expected.clamp(declared / WITHIN, declared * WITHIN)).unwrap_or(u32::MAX)
    }
}

/// What a kind declares, for larger pictures in proportion: what it holds are
/// pictures for the most part.
fn declared(kind: &Kind, class: Class) -> u64 {
    u64::from(kind.memory) * u64::from(class.0).max(DECLARED_FOR) / DECLARED_FOR
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kinds::KINDS;

    fn segment() -> &'static Kind {
        KINDS.iter().find(|kind| kind.name == "segment").unwrap()
    }

    const HD: Class = Class(2);

    #[test]
    fn classes_of_usual_pictures() {
        let class = |width: u64, height: u64| Class::of_pixels(width * height).0;
        assert_eq!([class(0, 0), class(64, 64), class(1280, 720), class(1920, 1080)], [0, 1, 1, 2]);
        assert_eq!([class(2704, 1520), class(3840, 2160), class(5312, 2988)], [4, 8, 16]);
    }

    #[test]
    fn before_anything_ran_the_declared_figure_holds_in_proportion() {
        let (estimates, declared) = (Estimates::default(), segment().memory);
        assert_eq!(estimates.expect(segment(), Class(0)), declared);
        assert_eq!(estimates.expect(segment(), HD), declared);
        assert_eq!(estimates.expect(segment(), Class(8)), declared * 4);
    }

    #[test]
    fn what_was_measured_counts_with_a_margin() {
        let mut estimates = Estimates::default();
        for _ in 0..20 {
            estimates.learn(segment(), HD, Bytes(100 << 20));
        }
        assert_eq!(estimates.expect(segment(), HD), 115);
        // One in twenty that was larger is passed over, two are not.
        estimates.learn(segment(), HD, Bytes(200 << 20));
        assert_eq!(estimates.expect(segment(), HD), 115);
        estimates.learn(segment(), HD, Bytes(200 << 20));
        assert_eq!(estimates.expect(segment(), HD), 230);
        // It grows old.
        for _ in 0..KEPT {
            estimates.learn(segment(), HD, Bytes(100 << 20));
        }
        assert_eq!(estimates.expect(segment(), HD), 115);
        assert_eq!(estimates.expect(segment(), Class(8)), segment().memory * 4);
    }

    #[test]
    fn nonsense_is_believed_within_reason() {
        let mut estimates = Estimates::default();
        estimates.learn(segment(), HD, Bytes(1));
        assert_eq!(estimates.expect(segment(), HD), segment().memory / 4);
        estimates.learn(segment(), HD, Bytes(u64::MAX));
        assert_eq!(estimates.expect(segment(), HD), segment().memory * 4);
    }

    #[test]
    fn they_are_kept_and_what_cannot_be_read_is_forgotten() {
        let mut estimates = Estimates::default();
        estimates.learn(segment(), HD, Bytes(100 << 20));
        assert_eq!(Estimates::from_bytes(&estimates.to_bytes()), estimates);
        assert_eq!(Estimates::from_bytes(b"no"), Estimates::default());
    }
}
