//! Values at a time: between samples on a straight line (angles the short way
//! round), nothing across breaks, beside an unknown sample or outside of the
//! log.

use std::ops::Range;

use crate::model::specs::Position;
use crate::model::telemetry::{Channel, Mark, MarkKind, Telemetry};
use crate::telemetry::channels::{self, ChannelKind};

/// The value of a channel at a time in ns on the log's clock.
pub fn value_at(telemetry: &Telemetry, channel: &str, time: i64) -> Option<f64> {
    Lookup::new(telemetry, channel)?.at(time)
}

/// Where a log is at a time in ns on its clock.
pub fn position(telemetry: &Telemetry, time: i64) -> Option<Position> {
    let degrees = |channel| Some(libm::round(value_at(telemetry, channel, time)? * Position::SCALE) as i32);
    Some(Position { latitude: degrees("latitude")?, longitude: degrees("longitude")? })
}

/// One channel, for many lookups.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    times: &'a [i64],
    values: &'a [f64],
    breaks: &'a [u32],
    kind: Option<&'static ChannelKind>,
    /// Whether a value holds until the next.
    holds: bool,
    /// Whether it goes on with the clock and begins anew.
    counts: bool,
    /// Where laps begin, of the channel that counts them.
    marks: &'a [Mark],
}

impl<'a> Lookup<'a> {
    /// `None` where the log has no such channel.
    pub fn new(telemetry: &'a Telemetry, channel: &str) -> Option<Lookup<'a>> {
        Some(Self::of(telemetry, telemetry.channel(channel)?))
    }

    /// The lookup of a channel of this log.
    pub fn of(telemetry: &'a Telemetry, channel: &'a Channel) -> Lookup<'a> {
        Lookup {
            times: &telemetry.times,
            values: &channel.values,
            breaks: &telemetry.breaks,
            kind: channels::find(&channel.name),
            holds: channels::holds(&channel.name),
            counts: channel.name == "lap_time",
            marks: if channel.name == "lap" { &telemetry.marks } else { &[] },
        }
    }

    /// The value at a time, by binary search.
    pub fn at(&self, time: i64) -> Option<f64> {
        self.behind(self.times.partition_point(|sample| *sample <= time), time)
    }

    /// How many laps begin after a time and up to another.
    fn laps(&self, after: i64, until: i64) -> usize {
        let later = self.marks.partition_point(|mark| mark.time <= after);
        let marks = self.marks[later..].iter().take_while(|mark| mark.time <= until);
        marks.filter(|mark| mark.kind == MarkKind::Lap).count()
    }

    /// For lookups at times that mostly go forward.
    pub fn cursor(self) -> Cursor<'a> {
        Cursor { lookup: self, next: 0 }
    }

    /// The value at `time`, where `next` is the first sample after it.
    fn behind(&self, next: usize, time: i64) -> Option<f64> {
        let before = next.checked_sub(1)?;
        let value = *self.values.get(before)?;
        let at = *self.times.get(before)?;
        if at == time || value.is_nan() {
            return Some(value).filter(|value| !value.is_nan());
        }
        let (after, until) = (*self.values.get(next)?, *self.times.get(next)?);
        let broken = || u32::try_from(next).is_ok_and(|next| self.breaks.binary_search(&next).is_ok());
        if broken() {
            return None;
        }
        if self.holds {
            let begun = self.laps(at, until);
            // Between two samples the number changes where the time begins anew,
            // if it is these marks that it counts.
            let counted = begun > 0 && after == value + begun as f64;
            return Some(if counted { value + self.laps(at, time) as f64 } else { value });
        }
        if after.is_nan() {
            return None;
        }
        if self.counts && after < value {
            // A lap began in between, `after` seconds before the sample.
            let since = until.saturating_sub(time) as f64 / 1e9;
            return Some(if since <= after { after - since } else { value + time.saturating_sub(at) as f64 / 1e9 });
        }
        // Integers first: times near 2^60 ns would lose their last digits.
        let share = time.wrapping_sub(at) as u64 as f64 / until.wrapping_sub(at) as u64 as f64;
        let change = channels::difference(value, after, self.kind.and_then(|kind| kind.turn));
        Some(channels::wrapped(value + change * share, self.kind))
    }
}

/// A lookup that remembers where it was: each step forward costs as much as
/// the samples that it passes, at most a binary search.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    lookup: Lookup<'a>,
    /// The first sample after the time that was asked last.
    next: usize,
}

impl Cursor<'_> {
    pub fn at(&mut self, time: i64) -> Option<f64> {
        let times = self.lookup.times;
        if self.next > 0 && times[self.next - 1] > time {
            self.next = times[..self.next].partition_point(|sample| *sample <= time);
        }
        // Steps double until one goes too far: near times are found at once,
        // far ones by a search among what was skipped.
        let mut step = 1;
        while times.get(self.next + step - 1).is_some_and(|sample| *sample <= time) {
            self.next += step;
            step *= 2;
        }
        let end = (self.next + step).min(times.len());
        self.next += times[self.next..end].partition_point(|sample| *sample <= time);
        self.lookup.behind(self.next, time)
    }
}

/// The samples of a span of time, with one more on either side where there is
/// one, so that values at its ends are those of the whole log.
pub fn slice(telemetry: &Telemetry, range: Range<i64>) -> Telemetry {
    samples(telemetry, around(&telemetry.times, range))
}

fn samples(telemetry: &Telemetry, samples: Range<usize>) -> Telemetry {
    let values = |channel: &Channel| channel.values.get(samples.clone()).unwrap_or_default().to_vec();
    Telemetry {
        clock: telemetry.clock,
        times: telemetry.times[samples.clone()].to_vec(),
        channels: telemetry
            .channels
            .iter()
            .map(|channel| Channel { name: channel.name.clone(), unit: channel.unit, values: values(channel) })
            .collect(),
        breaks: breaks_within(telemetry.breaks.iter().copied(), &samples),
        marks: marks_within(&telemetry.marks, &telemetry.times[samples.clone()]),
    }
}

/// The samples of a span of time and no others.
pub fn within(telemetry: &Telemetry, range: Range<i64>) -> Telemetry {
    let first = telemetry.times.partition_point(|time| *time < range.start);
    let end = telemetry.times.partition_point(|time| *time < range.end);
    let marks = telemetry.marks.iter().filter(|mark| range.contains(&mark.time));
    Telemetry { marks: marks.cloned().collect(), ..samples(telemetry, first..end.max(first)) }
}

/// Indices of the samples that [`slice`] keeps.
fn around(times: &[i64], range: Range<i64>) -> Range<usize> {
    let first = times.partition_point(|time| *time <= range.start).saturating_sub(1);
    let end = times.partition_point(|time| *time < range.end).saturating_add(1).min(times.len());
    first..end.max(first)
}

/// Marks from the first to the last of these times.
pub(super) fn marks_within(marks: &[Mark], times: &[i64]) -> Vec<Mark> {
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Vec::new() };
    marks.iter().filter(|mark| (*first..=*last).contains(&mark.time)).cloned().collect()
}

/// Breaks between samples of a range, counted from its start.
fn breaks_within(breaks: impl Iterator<Item = u32>, samples: &Range<usize>) -> Vec<u32> {
    let inside = breaks.filter(|at| (samples.start + 1..samples.end).contains(&(*at as usize)));
    inside.filter_map(|at| u32::try_from(at as usize - samples.start).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Unit;
    use crate::model::telemetry::{LogClock, MarkKind};

    fn log() -> Telemetry {
        let channel =
            |name: &str, values: [f64; 5]| Channel { name: name.to_owned(), unit: Unit::None, values: values.to_vec() };
        Telemetry {
            clock: LogClock::Start,
            times: vec![0, 10, 20, 40, 50],
            channels: vec![
                channel("speed", [0.0, 1.0, 3.0, 5.0, f64::NAN]),
                channel("heading", [350.0, 10.0, 20.0, 20.0, 20.0]),
                channel("longitude", [179.0, -179.0, -178.0, 0.0, 0.0]),
                channel("lap", [1.0, 1.0, 2.0, 3.0, 3.0]),
            ],
            breaks: vec![3],
            marks: [5, 20, 45]
                .map(|time| Mark { time, kind: MarkKind::Lap, name: String::new(), place: None })
                .to_vec(),
        }
    }

    #[test]
    fn straight_lines_between_samples_and_nothing_elsewhere() {
        let log = log();
        let at = |time| value_at(&log, "speed", time);
        assert_eq!((at(0), at(5), at(10), at(15)), (Some(0.0), Some(0.5), Some(1.0), Some(2.0)));
        assert_eq!((at(20), at(30), at(40)), (Some(3.0), None, Some(5.0)));
        assert_eq!((at(-1), at(45), at(50), at(51)), (None, None, None, None));
        assert_eq!(value_at(&log, "power", 5), None);
    }

    #[test]
    fn angles_go_the_short_way() {
        let log = log();
        assert_eq!(value_at(&log, "heading", 5), Some(0.0));
        assert_eq!(value_at(&log, "heading", 2), Some(354.0));
        assert_eq!(value_at(&log, "longitude", 5), Some(-180.0));
    }

    #[test]
    fn laps_are_counted_and_not_interpolated() {
        let log = log();
        let at = |time| value_at(&log, "lap", time);
        assert_eq!((at(10), at(19), at(20), at(30), at(49)), (Some(1.0), Some(1.0), Some(2.0), None, Some(3.0)));
    }

    #[test]
    fn a_cursor_finds_what_a_search_finds() {
        let log = log();
        for name in ["speed", "heading"] {
            let lookup = Lookup::new(&log, name).unwrap();
            let mut cursor = lookup.cursor();
            for time in (-5..60).chain([50, 0, 3, 45, -9, 20]) {
                assert_eq!(cursor.at(time), lookup.at(time), "{name} {time}");
            }
        }
    }

    #[test]
    fn a_slice_answers_like_the_whole() {
        let log = log();
        let part = slice(&log, 12..42);
        assert_eq!(part.times, [10, 20, 40, 50]);
        assert_eq!(part.breaks, [2]);
        assert_eq!(part.marks.iter().map(|mark| mark.time).collect::<Vec<_>>(), [20, 45]);
        for time in 12..42 {
            assert_eq!(value_at(&part, "speed", time), value_at(&log, "speed", time), "{time}");
        }
        assert_eq!(slice(&log, 100..200).times, [50]);
        assert_eq!(slice(&log, -9..-5).times, [0]);
        assert!(slice(&Telemetry::default(), 0..10).times.is_empty());
    }
}
