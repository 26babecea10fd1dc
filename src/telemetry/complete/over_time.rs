//! Functions that look back in time. None looks across a gap.

use std::collections::VecDeque;
use std::ops::Range;

use crate::manifest::expression::Function;
use crate::model::telemetry::Telemetry;

/// Seconds since the first sample.
pub(super) fn seconds(log: &Telemetry) -> Vec<f64> {
    let start = log.times.first().copied().unwrap_or(0);
    log.times.iter().map(|time| time.saturating_sub(start) as f64 / 1e9).collect()
}

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

/// What a function over time makes of a column; `back` is how far it looks
/// back, in seconds, where that is said.
pub(super) fn apply(
    function: Function,
    values: &[f64],
    seconds: &[f64],
    breaks: &[u32],
    back: Option<f64>,
) -> Vec<f64> {
    match function {
        Function::Highest => extreme(values, seconds, back, |new, old| new >= old),
        Function::Lowest => extreme(values, seconds, back, |new, old| new <= old),
        Function::Integral => integral(values, seconds, breaks),
        _ => {
            let mut out = vec![f64::NAN; values.len()];
            for stretch in stretches(values, breaks) {
                match function {
                    Function::Mean => mean(values, seconds, stretch, back.unwrap_or(1.0), &mut out),
                    _ => rate(values, seconds, stretch, back.unwrap_or(1.0), &mut out),
                }
            }
            out
        }
    }
}

/// The value at a time within a stretch, between the samples `low` and the
/// next, which lie on both sides of it.
fn between(values: &[f64], seconds: &[f64], low: usize, time: f64) -> f64 {
    let (from, to) = (seconds[low], seconds[low + 1]);
    let share = if to > from { ((time - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 };
    values[low] + (values[low + 1] - values[low]) * share
}

/// The mean by time over what lies at most `back` before each sample.
fn mean(values: &[f64], seconds: &[f64], stretch: Range<usize>, back: f64, out: &mut [f64]) {
    let start = stretch.start;
    let mut areas = vec![0.0; stretch.len()];
    for at in start + 1..stretch.end {
        let area = (values[at - 1] + values[at]) / 2.0 * (seconds[at] - seconds[at - 1]);
        areas[at - start] = areas[at - start - 1] + area;
    }
    let mut low = start;
    for at in stretch {
        let from = (seconds[at] - back).max(seconds[start]);
        while low + 1 < at && seconds[low + 1] <= from {
            low += 1;
        }
        let span = seconds[at] - from;
        out[at] = if span > 0.0 {
            let first = between(values, seconds, low, from);
            let before = areas[low - start] + (values[low] + first) / 2.0 * (from - seconds[low]);
            (areas[at - start] - before) / span
        } else {
            values[at]
        };
    }
}

/// How much a value has changed a second, over `back` seconds or since the
/// sample before where that lies further back.
fn rate(values: &[f64], seconds: &[f64], stretch: Range<usize>, back: f64, out: &mut [f64]) {
    let start = stretch.start;
    let mut low = start;
    for at in stretch.skip(1) {
        let from = (seconds[at] - back).max(seconds[start]).min(seconds[at - 1]);
        while low + 1 < at && seconds[low + 1] <= from {
            low += 1;
        }
        let span = seconds[at] - from;
        if span > 0.0 {
            out[at] = (values[at] - between(values, seconds, low, from)) / span;
        }
    }
}

/// The sum over time since the first sample. A gap adds nothing.
fn integral(values: &[f64], seconds: &[f64], breaks: &[u32]) -> Vec<f64> {
    let mut out = vec![f64::NAN; values.len()];
    let mut sum = 0.0;
    for stretch in stretches(values, breaks) {
        out[stretch.start] = sum;
        for at in stretch.start + 1..stretch.end {
            sum += (values[at - 1] + values[at]) / 2.0 * (seconds[at] - seconds[at - 1]);
            out[at] = sum;
        }
    }
    out
}

/// The extreme of what is known up to each sample, at most `back` before it.
fn extreme(values: &[f64], seconds: &[f64], back: Option<f64>, beats: fn(f64, f64) -> bool) -> Vec<f64> {
    // Each entry beats all after it.
    let mut best: VecDeque<usize> = VecDeque::new();
    let each = values.iter().enumerate().map(|(at, value)| {
        if value.is_nan() {
            return f64::NAN;
        }
        while best.back().is_some_and(|last| beats(*value, values[*last])) {
            best.pop_back();
        }
        best.push_back(at);
        while back.is_some_and(|back| best.front().is_some_and(|first| seconds[*first] < seconds[at] - back)) {
            best.pop_front();
        }
        best.front().map_or(f64::NAN, |first| values[*first])
    });
    each.collect()
}
