//! Functions that look back in time, sample by sample. None looks across a gap.
//!
//! What they look back at is kept while they do: 24 bytes for each sample that
//! a mean or a rate reaches back to; an extreme keeps those that may be one yet.

use std::collections::VecDeque;
use std::ops::Range;

use crate::manifest::expression::Function;
use crate::telemetry::channels::{self, ChannelKind, wrapped};

/// The stretches in which a column is known throughout, without a break.
pub(super) fn stretches(values: &[f64], breaks: &[u32]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut breaks = breaks.iter().map(|at| *at as usize).peekable();
    for (at, value) in values.iter().enumerate() {
        let mut parted = false;
        while breaks.next_if(|parting| *parting <= at).is_some() {
            parted = true;
        }
        match found.last_mut() {
            _ if value.is_nan() => {}
            Some(last) if last.end == at && !parted => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

/// A function over time on its way through a log.
#[derive(Debug)]
pub(super) enum OverTime {
    Mean(Past, Option<&'static ChannelKind>),
    Rate(Past, Option<&'static ChannelKind>),
    Integral { sum: f64, before: Option<(f64, f64)> },
    Extreme { beats: fn(f64, f64) -> bool, back: Option<f64>, best: VecDeque<(f64, f64)> },
}

impl OverTime {
    /// `back` is how far it looks back, in seconds, where that is said; `round`
    /// what goes round, which has no mean before it is unrolled.
    pub(super) fn new(function: Function, back: Option<f64>, round: Option<&'static ChannelKind>) -> OverTime {
        let extreme = |beats| OverTime::Extreme { beats, back, best: VecDeque::new() };
        let past = || Past { back: back.unwrap_or(1.0), start: 0.0, samples: VecDeque::new() };
        match function {
            Function::Highest => extreme(|new, old| new >= old),
            Function::Lowest => extreme(|new, old| new <= old),
            Function::Integral => OverTime::Integral { sum: 0.0, before: None },
            Function::Mean => OverTime::Mean(past(), round),
            _ => OverTime::Rate(past(), round),
        }
    }

    /// What it is at the next sample; `parted` says whether a gap lies before it.
    pub(super) fn next(&mut self, time: f64, value: f64, parted: bool) -> f64 {
        match self {
            OverTime::Mean(past, round) => {
                wrapped(past.add(time, value, parted, *round).map_or(f64::NAN, Past::mean), *round)
            }
            OverTime::Rate(past, round) => past.add(time, value, parted, *round).map_or(f64::NAN, Past::rate),
            OverTime::Integral { sum, before } => integral(sum, before, (time, value), parted),
            OverTime::Extreme { beats, back, best } => extreme(*beats, *back, best, (time, value)),
        }
    }
}

/// What a function looks back at.
#[derive(Debug)]
pub(super) struct Past {
    /// How far it looks back, in seconds.
    back: f64,
    /// When the stretch began.
    start: f64,
    /// From the last that lies further back, on.
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    time: f64,
    value: f64,
    /// The integral up to here, from where the stretch began.
    area: f64,
}

impl Past {
    /// Adds the next sample; `None` where it is unknown.
    fn add(&mut self, time: f64, value: f64, parted: bool, round: Option<&ChannelKind>) -> Option<&mut Past> {
        if value.is_nan() || parted {
            self.samples.clear();
        }
        if value.is_nan() {
            return None;
        }
        let sample = match self.samples.back() {
            Some(before) => {
                let value = match round {
                    Some(kind) => before.value + channels::difference(before.value, value, kind.turn),
                    None => value,
                };
                let area = (before.value + value) / 2.0 * (time - before.time);
                Sample { time, value, area: before.area + area }
            }
            None => {
                self.start = time;
                Sample { time, value, area: 0.0 }
            }
        };
        self.samples.push_back(sample);
        Some(self)
    }

    /// Forgets what lies before the last sample at or before a time, but for
    /// the last two.
    fn forget(&mut self, from: f64) {
        while self.samples.len() > 2 && self.samples.get(1).is_some_and(|second| second.time <= from) {
            self.samples.pop_front();
        }
    }

    /// The two samples on both sides of where it looks back to.
    fn ends(&self) -> Option<(Sample, Sample)> {
        Some((*self.samples.front()?, *self.samples.get(1)?))
    }

    /// The mean by time over what lies at most `back` before the last sample.
    fn mean(&mut self) -> f64 {
        let Some(last) = self.samples.back().copied() else { return f64::NAN };
        let from = (last.time - self.back).max(self.start);
        self.forget(from);
        let span = last.time - from;
        match self.ends().filter(|_| span > 0.0) {
            Some((low, next)) => {
                let first = between(low, next, from);
                let before = low.area + (low.value + first) / 2.0 * (from - low.time);
                (last.area - before) / span
            }
            None => last.value,
        }
    }

    /// How much a value has changed a second, over `back` seconds or since the
    /// sample before where that lies further back.
    fn rate(&mut self) -> f64 {
        let mut backwards = self.samples.iter().rev();
        let (Some(last), Some(before)) = (backwards.next().copied(), backwards.next()) else { return f64::NAN };
        let from = (last.time - self.back).max(self.start).min(before.time);
        self.forget(from);
        let span = last.time - from;
        match self.ends().filter(|_| span > 0.0) {
            Some((low, next)) => (last.value - between(low, next, from)) / span,
            None => f64::NAN,
        }
    }
}

/// The value at a time between two samples.
fn between(low: Sample, next: Sample, time: f64) -> f64 {
    let (from, to) = (low.time, next.time);
    let share = if to > from { ((time - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 };
    low.value + (next.value - low.value) * share
}

/// The sum over time since the first sample. A gap adds nothing.
fn integral(sum: &mut f64, before: &mut Option<(f64, f64)>, (time, value): (f64, f64), parted: bool) -> f64 {
    let last = std::mem::replace(before, Some((time, value)).filter(|_| !value.is_nan()));
    if value.is_nan() {
        return f64::NAN;
    }
    if let Some((since, was)) = last.filter(|_| !parted) {
        *sum += (was + value) / 2.0 * (time - since);
    }
    *sum
}

/// The extreme of what is known up to a sample, at most `back` before it.
fn extreme(
    beats: fn(f64, f64) -> bool,
    back: Option<f64>,
    best: &mut VecDeque<(f64, f64)>,
    (time, value): (f64, f64),
) -> f64 {
    if value.is_nan() {
        return f64::NAN;
    }
    // Each entry beats all after it.
    while best.back().is_some_and(|(_, last)| beats(value, *last)) {
        best.pop_back();
    }
    // The first is never too old where nothing is.
    if back.is_some() || best.is_empty() {
        best.push_back((time, value));
    }
    while back.is_some_and(|back| best.front().is_some_and(|(first, _)| *first < time - back)) {
        best.pop_front();
    }
    best.front().map_or(f64::NAN, |(_, value)| *value)
}
