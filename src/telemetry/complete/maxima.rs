//! When a channel holds a value that is higher than any before.

use std::collections::VecDeque;

use super::over_time::stretches;
use super::staged::{Margins, Staged, Window};
use crate::telemetry::clean::Stopped;

/// A new maximum is held for so many seconds: one sample may be a glitch.
const HELD: f64 = 1.0;

/// In the first seconds everything is a maximum.
const WARM_UP: f64 = 120.0;

/// A maximum that is beaten within so many seconds is not the one.
const BEATEN: f64 = 10.0;

/// When a channel holds a value that is higher than any before, and is not
/// beaten at once; each counts 1.
pub(super) fn find(log: &Staged<'_>, channel: &str) -> Result<Vec<(f64, f64)>, Stopped> {
    let mut maxima = Maxima { from: None, highest: f64::NEG_INFINITY, open: None, found: Vec::new() };
    let margins = Margins { before: 0.0, after: HELD };
    log.each(&[channel], margins, &mut |window| {
        let held = held(window, channel);
        let seconds = window.seconds[window.core.clone()].iter().copied();
        seconds.zip(held).filter(|(_, value)| !value.is_nan()).for_each(|(time, value)| maxima.pass(time, value));
    })?;
    maxima.found.extend(maxima.open.map(|time| (time, 1.0)));
    Ok(maxima.found)
}

/// What is held from each sample that counts on: the least of the second after
/// it.
fn held(window: &Window, channel: &str) -> Vec<f64> {
    let (seconds, core) = (&window.seconds, &window.core);
    let mut held = vec![f64::NAN; core.len()];
    let Some(values) = window.log.channel(channel).map(|channel| &channel.values) else { return held };
    for stretch in stretches(values, &window.log.breaks) {
        let mut least: VecDeque<usize> = VecDeque::new();
        let mut next = stretch.start;
        for at in stretch.start.max(core.start)..stretch.end.min(core.end) {
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
                held[at - core.start] = least.front().map_or(f64::NAN, |first| values[*first]);
            }
        }
    }
    held
}

struct Maxima {
    /// When the first seconds are over.
    from: Option<f64>,
    highest: f64,
    /// When the last was, as long as it may be beaten.
    open: Option<f64>,
    found: Vec<(f64, f64)>,
}

impl Maxima {
    fn pass(&mut self, time: f64, value: f64) {
        let from = *self.from.get_or_insert(time + WARM_UP);
        if let Some(open) = self.open.filter(|open| time > open + BEATEN) {
            self.found.push((open, 1.0));
            self.open = None;
        }
        if value > self.highest {
            self.highest = value;
            self.open = Some(time).filter(|time| *time >= from);
        }
    }
}
