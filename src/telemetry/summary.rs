//! What a log holds, in a few numbers.

use crate::base::Unit;
use crate::model::telemetry::{Channel, ChannelSummary, Mark, MarkKind, Quality, Telemetry, TelemetrySummary};

/// Sums a log up; `derived` names the channels that were computed from others.
pub(super) fn summarise(telemetry: &Telemetry, derived: &[&str]) -> TelemetrySummary {
    let marks = |kind| count(&telemetry.marks, kind);
    TelemetrySummary {
        format: String::new(),
        clock: telemetry.clock,
        samples: telemetry.times.len() as u64,
        first: telemetry.times.first().copied().unwrap_or(0),
        last: telemetry.times.last().copied().unwrap_or(0),
        channels: telemetry.channels.iter().map(|c| channel(c, derived.contains(&c.name.as_str()))).collect(),
        gaps: u32::try_from(telemetry.breaks.len()).unwrap_or(u32::MAX),
        laps: marks(MarkKind::Lap),
        pauses: marks(MarkKind::Pause),
        events: marks(MarkKind::Event),
        bad_rows: 0,
        bad_examples: Vec::new(),
        notes: Vec::new(),
        quality: Quality::default(),
    }
}

/// How many marks are of a kind.
pub(super) fn count(marks: &[Mark], kind: MarkKind) -> u32 {
    u32::try_from(marks.iter().filter(|mark| mark.kind == kind).count()).unwrap_or(u32::MAX)
}

fn channel(channel: &Channel, derived: bool) -> ChannelSummary {
    let mut known: Vec<f64> = channel.values.iter().copied().filter(|value| !value.is_nan()).collect();
    let count = known.len();
    // The value below which `percent` of the samples lie (nearest rank).
    let mut rank = |percent: usize| {
        let at = (count * percent / 100).min(count.saturating_sub(1));
        if count == 0 { 0 } else { thousandths(*known.select_nth_unstable_by(at, f64::total_cmp).1) }
    };
    ChannelSummary {
        name: channel.name.clone(),
        unit: channel.unit,
        derived,
        count: count as u64,
        min: rank(0),
        max: rank(100),
        low: rank(2),
        high: rank(98),
    }
}

/// In steps of 1 / 1,000, within what an `i64` holds.
fn thousandths(value: f64) -> i64 {
    libm::round(value * 1_000.0) as i64
}

/// Different values that are counted one by one: any log of no more samples is
/// summed up exactly.
const MOST_DIFFERENT: usize = 1 << 16;

/// How often each value (in thousandths) comes, in bounded memory. Where there
/// are too many different ones, neighbours are counted as one: steps double
/// until few enough are left, so that what comes of it depends on the values
/// and not on their order.
#[derive(Debug, Default)]
pub(super) struct Spread {
    /// Steps are `1 << width` thousandths.
    width: u32,
    /// Growing, each with how many values it has.
    steps: Vec<(i64, u64)>,
    min: i64,
    max: i64,
    count: u64,
    fresh: Vec<i64>,
    merged: Vec<(i64, u64)>,
}

impl Spread {
    pub(super) fn add(&mut self, values: &[f64]) {
        self.add_whole(values.iter().filter(|value| !value.is_nan()).map(|value| thousandths(*value)));
    }

    /// Adds integers as they are.
    pub(super) fn add_whole(&mut self, values: impl Iterator<Item = i64>) {
        self.fresh.clear();
        self.fresh.extend(values);
        self.fresh.sort_unstable();
        let (Some(low), Some(high)) = (self.fresh.first().copied(), self.fresh.last().copied()) else { return };
        (self.min, self.max) = if self.count == 0 { (low, high) } else { (self.min.min(low), self.max.max(high)) };
        self.count += self.fresh.len() as u64;
        self.merged.clear();
        let mut old = self.steps.iter().copied().peekable();
        for run in self.fresh.chunk_by(|a, b| a >> self.width == b >> self.width) {
            let step = run[0] >> self.width;
            self.merged.extend(std::iter::from_fn(|| old.next_if(|(other, _)| *other < step)));
            let before = old.next_if(|(other, _)| *other == step).map_or(0, |(_, count)| count);
            self.merged.push((step, before + run.len() as u64));
        }
        self.merged.extend(old);
        std::mem::swap(&mut self.steps, &mut self.merged);
        while self.steps.len() > MOST_DIFFERENT {
            self.width += 1;
            self.steps.iter_mut().for_each(|(step, _)| *step >>= 1);
            self.steps.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                kept.1 += if same { next.1 } else { 0 };
                same
            });
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The value below which `percent` of all lie (nearest rank), rounded down
    /// to the step.
    pub(super) fn rank(&self, percent: u64) -> i64 {
        self.step(self.place(percent)).map_or(0, |(low, _, _)| low.clamp(self.min, self.max))
    }

    /// How many values lie below that.
    fn place(&self, percent: u64) -> u64 {
        (self.count * percent / 100).min(self.count.saturating_sub(1))
    }

    /// The step with the value below which `place` others lie: its least and
    /// greatest, and how many of those others lie in it.
    fn step(&self, place: u64) -> Option<(i64, i64, u64)> {
        let mut left = place;
        for (step, count) in &self.steps {
            if left < *count {
                let low = step << self.width;
                return Some((low, low | ((1 << self.width) - 1), left));
            }
            left -= count;
        }
        None
    }

    pub(super) fn summary(&self, name: String, unit: Unit, derived: bool) -> ChannelSummary {
        let (min, max, low, high) = (self.min, self.max, self.rank(2), self.rank(98));
        ChannelSummary { name, unit, derived, count: self.count, min, max, low, high }
    }
}

/// What is summed up of a channel, exactly however many values it has: values
/// are gone through again until the steps in which its percentiles lie are those
/// of single values.
#[derive(Debug)]
pub(super) struct Exact {
    count: u64,
    min: i64,
    max: i64,
    low: Rank,
    high: Rank,
}

impl Exact {
    pub(super) fn new(all: Spread) -> Exact {
        let rank = |percent| Rank::within(&all, all.place(percent)).unwrap_or_default();
        Exact { count: all.count, min: all.min, max: all.max, low: rank(2), high: rank(98) }
    }

    pub(super) fn is_found(&self) -> bool {
        self.low.is_found() && self.high.is_found()
    }

    /// Goes through values again.
    pub(super) fn add(&mut self, values: &[f64]) {
        self.low.add(values);
        self.high.add(values);
    }

    /// All values were gone through.
    pub(super) fn narrow(&mut self) {
        self.low.narrow();
        self.high.narrow();
    }

    pub(super) fn summary(&self, name: String, unit: Unit, derived: bool) -> ChannelSummary {
        let (count, min, max) = (self.count, self.min, self.max);
        ChannelSummary { name, unit, derived, count, min, max, low: self.low.least, high: self.high.least }
    }
}

/// A value that lies somewhere from `least` to `most`.
#[derive(Debug, Default)]
struct Rank {
    least: i64,
    most: i64,
    /// How many of the values from `least` on are below it.
    place: u64,
    inside: Spread,
}

impl Rank {
    fn within(spread: &Spread, place: u64) -> Option<Rank> {
        let (least, most, place) = spread.step(place)?;
        Some(Rank { least, most, place, inside: Spread::default() })
    }

    fn is_found(&self) -> bool {
        self.least == self.most
    }

    fn add(&mut self, values: &[f64]) {
        if self.is_found() {
            return;
        }
        let inside = self.least..=self.most;
        let values = values.iter().filter(|value| !value.is_nan()).map(|value| thousandths(*value));
        self.inside.add_whole(values.filter(|value| inside.contains(value)));
    }

    fn narrow(&mut self) {
        if !self.is_found() {
            // Without a value in there, which only values that changed meanwhile
            // can bring about, the search has an end as well.
            *self = Rank::within(&self.inside, self.place).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_glitch_does_not_move_the_percentiles() {
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        values[50] = 1e6;
        values.push(f64::NAN);
        let summary = channel(&Channel { name: "speed".to_owned(), unit: Unit::MetresPerSecond, values }, true);
        assert_eq!((summary.count, summary.min, summary.max), (100, 0, 1_000_000_000));
        assert_eq!((summary.low, summary.high), (2_000, 99_000));
    }

    fn spread(values: &[f64], part: usize) -> ChannelSummary {
        let mut spread = Spread::default();
        values.chunks(part).for_each(|part| spread.add(part));
        spread.summary("x".to_owned(), Unit::None, false)
    }

    #[test]
    fn a_stream_is_summed_up_as_the_whole() {
        let mut chance = fastrand::Rng::with_seed(2);
        for count in [0, 1, 99, 20_000] {
            let values: Vec<f64> =
                (0..count).map(|_| if chance.u8(..9) == 0 { f64::NAN } else { chance.f64() * 100.0 - 50.0 }).collect();
            let whole = channel(&Channel { name: "x".to_owned(), unit: Unit::None, values: values.clone() }, false);
            assert_eq!(spread(&values, 777), whole);
        }
    }

    /// A million different values over 100 km: 65,536 steps of at most 2 m.
    #[test]
    fn very_many_values_are_summed_up_in_steps_whatever_their_order() {
        let mut values: Vec<f64> = (0..1_000_000).map(|n| f64::from(n) / 10.0).collect();
        let found = spread(&values, 8_192);
        assert_eq!((found.min, found.max, found.count), (0, 99_999_900, 1_000_000));
        assert!((2_000_000 - found.low).abs() <= 2_048 && (98_000_000 - found.high).abs() <= 2_048, "{found:?}");
        fastrand::Rng::with_seed(1).shuffle(&mut values);
        assert_eq!(spread(&values, 5_000), found);
    }
}
