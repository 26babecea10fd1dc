//! A size or a bit rate that an output is to have, and the one constant quality
//! at which it comes to that.
//!
//! Encoders' own control of the rate would have to know what other segments
//! took, so segments could neither be encoded side by side nor be kept. Instead
//! a few segments are encoded at two qualities; what they took tells which
//! quality is wanted, and they are encoded once more at that one, until what
//! they took is near. Bytes fall nearly by a constant factor from one quality to
//! the next (x264: by half in 6), so the line is drawn through their logarithm.

use serde::{Deserialize, Serialize};

use crate::base::Bytes;
use crate::manifest::schema::mismatch;
use crate::manifest::{Checker, FromNode, Node, Value};
use crate::model::specs::{QualitySpec, Reached, Sampled};

/// What an output is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Of the whole file.
    Size(Bytes),
    /// Bits per second of the pictures.
    BitRate(u64),
}

/// Units of bit rates, longest first where one ends in another.
const RATES: &[(&str, u64)] = &[
    ("Mbit/s", 1_000_000),
    ("Mbps", 1_000_000),
    ("kbit/s", 1_000),
    ("kbps", 1_000),
    ("bit/s", 1),
    ("M", 1_000_000),
    ("k", 1_000),
];

/// `8 Mbit/s`, in bits per second.
fn bit_rate(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, factor) = RATES.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    // The places and limits of sizes are right for rates too.
    let micro = format!("{}KB", number.trim()).parse::<Bytes>().ok()?.0;
    u64::try_from(u128::from(micro) * u128::from(factor) / 1_000).ok().filter(|rate| *rate > 0)
}

impl FromNode for Target {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let (Some(name), Value::Tuple(items)) = (&node.name, &node.value) else {
            mismatch::<Self>(node, checker);
            return None;
        };
        match (name.text.as_str(), items.as_slice()) {
            ("Size", [size]) => Bytes::from_node(size, checker).map(Target::Size),
            ("BitRate", [rate]) => {
                let parsed = match &rate.value {
                    Value::Text(text) => bit_rate(text),
                    _ => None,
                };
                if parsed.is_none() {
                    let message = format!("expected a bit rate, found {}", rate.describe());
                    checker.error_with_hint(rate.span, message, "write it like \"8 Mbit/s\" or \"800 kbit/s\"");
                }
                parsed.map(Target::BitRate)
            }
            _ => {
                mismatch::<Self>(node, checker);
                None
            }
        }
    }

    fn expects() -> String {
        "`Size(\"50 MB\")` or `BitRate(\"8 Mbit/s\")`".to_owned()
    }

    fn to_text(&self) -> String {
        match self {
            Target::Size(size) => format!("Size({:?})", size.to_string()),
            Target::BitRate(rate) => format!("BitRate(\"{rate} bit/s\")"),
        }
    }
}

/// What a container takes for each picture: an entry in its index, and its part
/// of an entry for sound.
const OVERHEAD: u64 = 24;

impl Target {
    /// The bytes that all pictures may take; `millis` is how long the output is,
    /// `sound` what its sound takes in bytes.
    pub fn budget(self, millis: u64, frames: u64, sound: u64) -> u64 {
        match self {
            Target::Size(size) => size.0.saturating_sub(sound).saturating_sub(frames * OVERHEAD),
            Target::BitRate(rate) => u64::try_from(u128::from(rate) * u128::from(millis) / 8_000).unwrap_or(u64::MAX),
        }
    }
}

/// Qualities in tenths: the best and the worst, and those that are tried first.
const BEST: u32 = 10;
const WORST: u32 = 510;
pub const FIRST: [u32; 2] = [180, 280];

/// How many qualities are tried at most.
const TRIES: usize = 5;

/// Percent by which what was measured may differ from what is wanted.
const NEAR: u64 = 2;

/// How many segments are sampled at most.
const SEGMENTS: usize = 8;

/// The places of the segments that are sampled, of so many: evenly over the
/// whole output, its first and its last among them.
pub fn places(segments: usize) -> Vec<usize> {
    match segments {
        0..=SEGMENTS => (0..segments).collect(),
        _ => (0..SEGMENTS).map(|index| index * (segments - 1) / (SEGMENTS - 1)).collect(),
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Samples have to be encoded at this quality.
    Try(u32),
    Reached(Reached),
}

/// What is to be done now that `samples` are known, whose qualities all differ,
/// for pictures of so many frames to take `budget` bytes.
pub fn step(samples: &[Sampled], budget: u64, frames: u64) -> Step {
    if let Some(quality) = FIRST.into_iter().find(|quality| samples.iter().all(|sample| sample.quality != *quality)) {
        return Step::Try(quality);
    }
    let spec = QualitySpec { budget, frames, samples: samples.to_vec() };
    let (known, reached) = reached(&spec);
    let wanted = aim(&known, budget);
    let near = u128::from(reached.bytes.abs_diff(budget)) * 100 <= u128::from(budget) * u128::from(NEAR);
    if near || samples.len() >= TRIES || known.iter().any(|(known, _)| *known == wanted) {
        return Step::Reached(reached);
    }
    Step::Try(wanted)
}

/// What a `quality` action makes: what all pictures take at each quality that
/// was tried, in tenths, and the one that is taken.
pub fn reached(spec: &QualitySpec) -> (Vec<(u32, u64)>, Reached) {
    let mut tried: Vec<(u32, u64)> =
        spec.samples.iter().map(|sample| (sample.quality, whole(sample, spec.frames))).collect();
    tried.sort_unstable();
    let nearest = tried.iter().copied().min_by_key(|(quality, bytes)| (bytes.abs_diff(spec.budget), *quality));
    let (quality, bytes) = nearest.unwrap_or((FIRST[0], 0));
    (tried, Reached { quality, bytes })
}

/// What all of an output takes if all of it is like the sample.
fn whole(sample: &Sampled, frames: u64) -> u64 {
    let bytes = u128::from(sample.bytes) * u128::from(frames) / u128::from(sample.frames.max(1));
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The quality at which the line through the two points around `budget`, or
/// through the two nearest to it, comes to it.
fn aim(known: &[(u32, u64)], budget: u64) -> u32 {
    // Bytes fall where quality rises.
    let above = known.partition_point(|(_, bytes)| *bytes > budget).clamp(1, known.len().max(2) - 1);
    let (Some((a, more)), Some((b, less))) = (known.get(above - 1), known.get(above)) else { return FIRST[0] };
    let log = |bytes: u64| libm::log((bytes.max(1)) as f64);
    let fall = log(*more) - log(*less);
    if fall <= 0.0 {
        return *a;
    }
    let part = (log(*more) - log(budget)) / fall;
    let quality = f64::from(*a) + part * f64::from(b - a);
    libm::round(quality.clamp(f64::from(BEST), f64::from(WORST))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An encoder whose bytes fall by half in 6, but for a part that stays.
    fn bytes(quality: u32) -> u64 {
        (2_000_000.0 * libm::exp2(-f64::from(quality) / 60.0)) as u64 + 3_000
    }

    /// Asks until the target is reached, of a film four times as long as the
    /// samples: how many tries, and what comes out.
    fn reach(budget: u64) -> (usize, Reached) {
        let mut samples = Vec::new();
        loop {
            match step(&samples, budget, 1_000) {
                Step::Try(quality) => samples.push(Sampled { quality, frames: 250, bytes: bytes(quality) }),
                Step::Reached(reached) => return (samples.len(), reached),
            }
        }
    }

    #[test]
    fn a_few_tries_come_near() {
        for budget in [60_000, 150_000, 400_000, 1_000_000, 3_000_000] {
            let (tries, reached) = reach(budget);
            assert!(tries <= 4, "{budget}: {tries}");
            assert_eq!(reached.bytes, 4 * bytes(reached.quality));
            assert!(reached.bytes.abs_diff(budget) * 50 <= budget, "{budget}: {reached:?}");
        }
    }

    #[test]
    fn what_cannot_be_reached_is_the_best_or_the_worst() {
        assert_eq!(reach(1_000).1.quality, WORST);
        assert_eq!(reach(u64::MAX / 2).1.quality, BEST);
    }

    /// Encoders with whole steps take the same for qualities beside each other.
    #[test]
    fn steps_end_too() {
        let mut samples = Vec::new();
        let reached = loop {
            match step(&samples, 301_000, 100) {
                Step::Try(quality) => samples.push(Sampled { quality, frames: 100, bytes: bytes(quality / 40 * 40) }),
                Step::Reached(reached) => break reached,
            }
        };
        assert!(samples.len() <= TRIES);
        assert!(reached.bytes.abs_diff(301_000) < 301_000 / 4);
    }

    #[test]
    fn samples_are_spread_evenly() {
        assert_eq!(places(3), [0, 1, 2]);
        assert_eq!(places(8).len(), 8);
        assert_eq!(places(100), [0, 14, 28, 42, 56, 70, 84, 99]);
    }

    #[test]
    fn rates_as_people_write_them() {
        let rates = [("8 Mbit/s", 8_000_000), ("1.5Mbps", 1_500_000), ("800 kbit/s", 800_000), ("800k", 800_000)];
        for (text, rate) in rates {
            assert_eq!(bit_rate(text), Some(rate), "{text}");
        }
        assert!(["", "8", "fast", "0 kbit/s", "-3M"].iter().all(|text| bit_rate(text).is_none()));
        // 10 s at 8 Mbit/s, and 50 MB less sound and overhead.
        assert_eq!(Target::BitRate(8_000_000).budget(10_000, 300, 240_000), 10_000_000);
        assert_eq!(Target::Size(Bytes(50_000_000)).budget(10_000, 300, 240_000), 50_000_000 - 240_000 - 7_200);
    }
}
