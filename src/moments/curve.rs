//! A curve: the values of one input over one recording, straight lines between
//! its samples and nothing where its samples are too far apart.
//!
//! Two forms: [`Curve`] holds raw values, from which the range of an input is
//! found; [`Shares`] holds them as shares of that range with running
//! integrals, so that the mean over any window costs two binary searches.

use std::ops::Range;

use crate::model::alignment::drifted;
use crate::model::signal::Signal;
use crate::model::telemetry::{Channel, Telemetry};

/// A share of 1 is this many steps.
pub(super) const ONE: i64 = 1_000_000;

/// Fixed-point values are held within this, in steps of 1 / 10,000: far past
/// anything measured, and small enough that differences cannot overflow.
const MOST: f64 = 1e15;

/// Samples of a signal that are further apart than this many usual distances
/// have a gap between them (frames that could not be decoded).
const GAP_DISTANCES: i64 = 3;

/// The longest that one sample of a signal stands for the time after it, in
/// microseconds, where nothing tells the usual distance.
const LONGEST_HOLD: i64 = 1_000_000;

/// A sample: microseconds of the recording and a value in steps of 1 / 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) at: i64,
    pub(super) value: i64,
    /// Nothing is known between the point before and this one.
    pub(super) after_gap: bool,
}

/// Raw values over one recording, times strictly increasing within
/// `0..=duration`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Curve {
    points: Vec<Point>,
}

impl Curve {
    /// Adds the samples of one chapter, which covers `chapter` of the
    /// recording (microseconds) and whose file time 0 is at its start. A
    /// sample stands for the time up to the next one; the last for one more
    /// usual distance. Chapters are to be added in order.
    pub(super) fn add_signals<'a>(&mut self, signals: impl IntoIterator<Item = &'a Signal>, chapter: Range<i64>) {
        let mut samples: Vec<(i64, i64)> = signals
            .into_iter()
            .flat_map(|signal| signal.times.iter().zip(&signal.values))
            .map(|(time, value)| (chapter.start.saturating_add(*time), i64::from(*value)))
            .filter(|(time, _)| chapter.contains(time))
            .collect();
        samples.sort_by_key(|sample| sample.0);
        samples.dedup_by_key(|sample| sample.0);
        let mut distances: Vec<i64> = samples.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        distances.sort_unstable();
        let usual = distances.get(distances.len() / 2).copied().unwrap_or(LONGEST_HOLD);
        let farthest = usual.saturating_mul(GAP_DISTANCES);
        let mut samples = samples.into_iter().peekable();
        let mut fresh = true;
        while let Some((at, value)) = samples.next() {
            self.push(at, value, fresh);
            fresh = samples.peek().is_none_or(|next| next.0 - at > farthest);
            if fresh {
                self.push((at + usual).min(chapter.end), value, false);
            }
        }
    }

    /// The part of a telemetry channel that lies on a recording of `duration`
    /// microseconds which starts at `start` (ns) of the telemetry's clock, which
    /// goes faster by `drift` (1 / 1,000 of a part per million).
    /// Nothing is known beside a sample without a value or across a break, as
    /// in [`crate::telemetry::lookup`].
    pub(super) fn of_channel(
        telemetry: &Telemetry,
        channel: &Channel,
        (start, drift): (i64, i32),
        duration: i64,
    ) -> Curve {
        let length = duration.saturating_mul(1_000);
        let end = start.saturating_add(length).saturating_add(drifted(length, drift));
        let rate = 1_000_000_000 + i128::from(drift);
        // Of the telemetry's clock to that of the recording.
        let slowed = |span: i64| i64::try_from(i128::from(span) * 1_000_000_000 / rate.max(1)).unwrap_or(span);
        let times = &telemetry.times;
        let mut curve = Curve::default();
        // From the last sample at or before the start to the first at or after the end, so that
        // the lines to both are there to be cut off.
        let first = times.partition_point(|time| *time <= start).saturating_sub(1);
        let mut breaks = telemetry.breaks.iter().map(|index| *index as usize).filter(|index| *index > first).peekable();
        let mut previous: Option<(i64, i64)> = None;
        for (index, (time, value)) in times.iter().zip(&channel.values).enumerate().skip(first) {
            while breaks.next_if(|at| *at <= index).is_some() {
                previous = None;
            }
            if !value.is_finite() {
                previous = None;
                continue;
            }
            let here = (slowed(time.saturating_sub(start)) / 1_000, quantise(*value));
            curve.add_line(previous, here, duration);
            previous = Some(here);
            if *time >= end {
                break;
            }
        }
        curve
    }

    /// Adds what lies within `0..=duration` of the line from `before`, if there
    /// is one, to `here`.
    fn add_line(&mut self, before: Option<(i64, i64)>, here: (i64, i64), duration: i64) {
        let end = here.0.min(duration);
        match before {
            Some(before) if before.0.max(0) < end => {
                if before.0 < 0 {
                    self.push(0, between(before, here, 0), true);
                }
                self.push(end, between(before, here, end), false);
            }
            _ if (0..=duration).contains(&here.0) => self.push(here.0, here.1, true),
            _ => {}
        }
    }

    fn push(&mut self, at: i64, value: i64, after_gap: bool) {
        match self.points.last() {
            Some(last) if last.at >= at => {}
            last => self.points.push(Point { at, value, after_gap: after_gap || last.is_none() }),
        }
    }

    /// The absolute values at the samples, with straight lines between them.
    pub(super) fn absolute(mut self) -> Curve {
        for point in &mut self.points {
            point.value = point.value.abs();
        }
        self
    }

    /// The straight lines, each from one point to the next.
    fn lines(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        self.points.windows(2).filter(|pair| !pair[1].after_gap).map(|pair| (pair[0], pair[1]))
    }

    /// Every value with the microseconds for which it stands: half of the line
    /// on either side.
    pub(super) fn weighted_values(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.lines().flat_map(|(from, to)| {
            let span = to.at - from.at;
            [(from.value, span - span / 2), (to.value, span / 2)]
        })
    }

    /// Microseconds for which there is a value.
    pub(super) fn known(&self) -> i64 {
        self.lines().map(|(from, to)| to.at - from.at).sum()
    }

    /// This curve as shares of the range `low..high`, held within 0 and 1
    /// sample by sample: a glitch counts as 1 for as long as it lasts and no
    /// more.
    pub(super) fn shares(&self, low: i64, high: i64) -> Shares {
        let width = i128::from(high - low).max(1);
        let mut shares = Shares { knots: Vec::with_capacity(self.points.len()) };
        for point in &self.points {
            let part = i128::from(point.value - low) * i128::from(ONE) / width;
            let share = part.clamp(0, i128::from(ONE)) as i64;
            let (mut area, mut known) = (0, 0);
            if let Some(last) = shares.knots.last() {
                (area, known) = (last.area, last.known);
                if !point.after_gap {
                    let span = point.at - last.at;
                    area += i128::from(last.share + share) * i128::from(span);
                    known += span;
                }
            }
            shares.knots.push(Knot { at: point.at, share, after_gap: point.after_gap, area, known });
        }
        shares
    }

    #[cfg(test)]
    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }
}

/// The value at `at` on the line through two samples.
fn between(before: (i64, i64), after: (i64, i64), at: i64) -> i64 {
    let (span, part) = (i128::from(after.0 - before.0).max(1), i128::from(at - before.0));
    before.1 + (i128::from(after.1 - before.1) * part / span) as i64
}

fn quantise(value: f64) -> i64 {
    libm::round(value * Signal::SCALE).clamp(-MOST, MOST) as i64
}

/// A curve as shares of its input's range.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    knots: Vec<Knot>,
}

#[derive(Clone, Copy, Debug)]
struct Knot {
    at: i64,
    share: i64,
    after_gap: bool,
    /// Twice the integral of the share up to here, in steps times microseconds.
    area: i128,
    /// Microseconds up to here for which there is a value.
    known: i64,
}

impl Shares {
    /// Whether nothing is known anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.knots.is_empty()
    }

    /// The mean share over a window of the recording (microseconds), or `None`
    /// where less than half of it is known.
    pub(super) fn mean(&self, window: Range<i64>) -> Option<i64> {
        let (from, until) = (self.up_to(window.start), self.up_to(window.end));
        let known = until.1 - from.1;
        if known <= 0 || known.saturating_mul(2) < window.end - window.start {
            return None;
        }
        let known = i128::from(known);
        Some((((until.0 - from.0) + known) / (2 * known)) as i64)
    }

    /// Twice the integral, and the time known, up to `time`.
    fn up_to(&self, time: i64) -> (i128, i64) {
        let next = self.knots.partition_point(|knot| knot.at <= time);
        let Some(last) = next.checked_sub(1).and_then(|index| self.knots.get(index)) else { return (0, 0) };
        match self.knots.get(next) {
            Some(next) if !next.after_gap => {
                let (part, span) = (i128::from(time - last.at), i128::from(next.at - last.at));
                let slope = i128::from(next.share - last.share);
                let area = 2 * i128::from(last.share) * part + slope * part * part / span;
                (last.area + area, last.known + (time - last.at))
            }
            _ => (last.area, last.known),
        }
    }
}
