//! Moments in a log that are worth a look: each as a channel that rests at 0.
//!
//! What happens at one time counts for the seconds around it ([`AROUND`]), so
//! that a moment that begins about then has all of it.

use super::over_time::{seconds, stretches};
use crate::base::Unit;
use crate::model::scores::Score;
use crate::model::telemetry::{Channel, MarkKind, Telemetry};

/// Seconds before and after what happens for which it counts.
const AROUND: (f64, f64) = (1.0, 3.0);

/// A HiLight is pressed after what it is about.
const AROUND_EVENT: (f64, f64) = (3.0, 1.0);

/// A new maximum is held for so many seconds: one sample may be a glitch.
const HELD: f64 = 1.0;

/// In the first seconds everything is a maximum.
const WARM_UP: f64 = 120.0;

/// A maximum that is beaten within so many seconds is not the one.
const BEATEN: f64 = 10.0;

/// Least prominence of a summit, and least height of a descent, in m.
const LEAST: f64 = 20.0;

/// A descent goes on over rises of less than this, in m.
const RISE: f64 = 10.0;

/// The channel of a score; `None` where the log has not what it looks at.
pub(super) fn channel(log: &Telemetry, name: &str) -> Option<Channel> {
    let seconds = seconds(log);
    let at_times = |times: Vec<(f64, f64)>, around| around_times(&seconds, &times, around);
    let of_marks = |kind: MarkKind| {
        let start = log.times.first().copied().unwrap_or(0);
        let marks = log.marks.iter().filter(|mark| mark.kind == kind);
        marks.map(|mark| (mark.time.saturating_sub(start) as f64 / 1e9, 1.0)).collect()
    };
    let (unit, values) = match Score::parse(name)? {
        Score::NewMaximum(channel) => {
            let found = new_maxima(&log.channel(channel)?.values, &seconds, &log.breaks);
            (Unit::None, at_times(found, AROUND))
        }
        Score::Summit => {
            let altitude = &log.channel("altitude")?.values;
            let found = summits(altitude).into_iter().map(|(at, height)| (seconds[at], height)).collect();
            (Unit::Metres, at_times(found, AROUND))
        }
        Score::Descent => (Unit::Metres, descents(&log.channel("altitude")?.values)),
        Score::LapStart => (Unit::None, at_times(of_marks(MarkKind::Lap), AROUND)),
        Score::Event => (Unit::None, at_times(of_marks(MarkKind::Event), AROUND_EVENT)),
    };
    Some(Channel { name: name.to_owned(), unit, values })
}

/// A column that is as high as each of `found` (a time and a height) around
/// it, as high as the highest where several are near, else 0.
fn around_times(seconds: &[f64], found: &[(f64, f64)], (before, after): (f64, f64)) -> Vec<f64> {
    let mut values = vec![0.0; seconds.len()];
    for (time, height) in found {
        let from = seconds.partition_point(|t| *t < time - before);
        let until = seconds.partition_point(|t| *t <= time + after);
        for value in &mut values[from..until] {
            *value = f64::max(*value, *height);
        }
    }
    values
}

/// When a column holds a value that is higher than any before, and is not
/// beaten at once.
fn new_maxima(values: &[f64], seconds: &[f64], breaks: &[u32]) -> Vec<(f64, f64)> {
    // What is held from each sample on: the least of the second after it.
    let mut held = vec![f64::NAN; values.len()];
    for stretch in stretches(values, breaks) {
        let mut least: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
        let mut next = stretch.start;
        for at in stretch.clone() {
            while next < stretch.end && (next <= at || seconds[next - 1] < seconds[at] + HELD) {
                while least.back().is_some_and(|last| values[*last] >= values[next]) {
                    least.pop_back();
                }
                least.push_back(next);
                next += 1;
            }
            while least.front().is_some_and(|first| *first < at) {
                least.pop_front();
            }
            if seconds[next - 1] >= seconds[at] + HELD {
                held[at] = least.front().map_or(f64::NAN, |first| values[*first]);
            }
        }
    }
    let Some(first) = held.iter().position(|value| !value.is_nan()) else { return Vec::new() };
    let from = seconds[first] + WARM_UP;
    let mut highest = f64::NEG_INFINITY;
    let mut found: Vec<(f64, f64)> = Vec::new();
    let mut open: Option<f64> = None;
    for (at, value) in held.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        if let Some(time) = open.filter(|time| seconds[at] > time + BEATEN) {
            found.push((time, 1.0));
            open = None;
        }
        if *value > highest {
            highest = *value;
            open = Some(seconds[at]).filter(|time| *time >= from);
        }
    }
    found.extend(open.map(|time| (time, 1.0)));
    found
}

/// The tops of a profile, each with its prominence: how far one has to go down
/// from it, on the side where that is less, before it goes higher up (or the
/// log ends). A top that is flat is where it begins.
fn summits(altitude: &[f64]) -> Vec<(usize, f64)> {
    let known: Vec<usize> = (0..altitude.len()).filter(|at| altitude[*at].is_finite()).collect();
    let left = depths(known.iter().map(|at| altitude[*at]), |before, here| before >= here);
    let mut right = depths(known.iter().rev().map(|at| altitude[*at]), |before, here| before > here);
    right.reverse();
    let sides = left.iter().zip(&right).zip(&known);
    let prominent = sides.map(|((left, right), at)| (*at, libm::round(left.min(*right) * 10.0) / 10.0));
    prominent.filter(|(_, prominence)| *prominence >= LEAST).collect()
}

/// For each value how far it went down since a value that was `higher`, or
/// since the start.
fn depths(values: impl Iterator<Item = f64>, higher: fn(f64, f64) -> bool) -> Vec<f64> {
    // Values that fall, each with the least since the one before it in the list.
    let mut falling: Vec<(f64, f64)> = Vec::new();
    let each = values.map(|value| {
        let mut least = value;
        while let Some((before, low)) = falling.last().copied() {
            if higher(before, value) {
                break;
            }
            least = least.min(low);
            falling.pop();
        }
        falling.push((value, least));
        value - least
    });
    each.collect()
}

/// A column that is as high, within each descent, as that goes down in all.
fn descents(altitude: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = altitude.iter().map(|value| if value.is_finite() { 0.0 } else { f64::NAN }).collect();
    let mut close = |top: Option<usize>, bottom: Option<usize>| {
        let (Some(top), Some(bottom)) = (top, bottom) else { return };
        let height = altitude[top] - altitude[bottom];
        if height >= LEAST && top < bottom {
            let height = libm::round(height * 10.0) / 10.0;
            values[top..=bottom].iter_mut().filter(|value| value.is_finite()).for_each(|value| *value = height);
        }
    };
    let (mut top, mut bottom): (Option<usize>, Option<usize>) = (None, None);
    for at in (0..altitude.len()).filter(|at| altitude[*at].is_finite()) {
        let here = altitude[at];
        // One that rises far enough, or higher than it began, has ended.
        if bottom.is_some_and(|bottom| here - altitude[bottom] >= RISE) || top.is_some_and(|top| here >= altitude[top])
        {
            close(top, bottom);
            (top, bottom) = (Some(at), None);
        } else if bottom.is_none_or(|bottom| here < altitude[bottom]) {
            top = top.or(Some(at));
            bottom = Some(at);
        }
    }
    close(top, bottom);
    values
}
