//! Several loggers' cleaned logs as one.
//!
//! At the time of every sample of every log, each channel has the value of the
//! first log that knows one there, within its own gaps: what a log knows
//! between two of its samples lies on its own straight line. A log further down
//! fills only what those before it do not have or do not know. Where the first
//! knows nothing and no other either, nothing is known.
//!
//! A distance is counted from each logger's own start: of these, how much each
//! grew is merged and not the count.

use std::io::Write;
use std::ops::Range;

use super::channels;
use super::clean::{Stopped, WHOLE};
use super::columns::{self, Reader};
use super::lookup::{Cursor, Lookup};
use super::pieces::Pieces;
use super::quality::Tally;
use super::summary;
use crate::model::alignment::Course;
use crate::model::telemetry::{Channel, LogClock, Mark, MarkKind, Telemetry, TelemetrySummary};

/// Logs that are on UTC as one; the one whose values count comes first.
pub fn merge(logs: &[Telemetry]) -> (Telemetry, TelemetrySummary) {
    let mut state = State::default();
    let (merged, _) = window(logs, i64::MIN..i64::MAX, &mut state);
    let telemetry = Telemetry { marks: marks(logs), ..merged };
    let mut summary = summary::summarise(&telemetry, &[]);
    summary.notes = state.notes;
    let mut tally = Tally::default();
    tally.add(&telemetry, false);
    summary.quality = tally.quality();
    (telemetry, summary)
}

/// Blocks of all logs together that are merged at once.
const AT_ONCE: usize = 8;

/// Merges stored logs of any length, each with how it runs in UTC, and writes
/// them as one artifact.
///
/// # Errors
/// Where one can be read or the artifact written no further.
pub fn merge_stream(parts: &[(&Reader<'_>, Course)], out: &mut dyn Write) -> Result<TelemetrySummary, Stopped> {
    if parts.iter().map(|(log, _)| log.len()).sum::<usize>() > WHOLE {
        return in_windows(parts, AT_ONCE, out);
    }
    let whole = parts.iter().map(|(log, course)| Ok(on_utc(log.whole()?, *course)));
    let (merged, summary) = merge(&whole.collect::<Result<Vec<_>, Stopped>>()?);
    columns::write(&merged, out)?;
    Ok(summary)
}

/// A log with its times on UTC. They stay in order: no clock drifts so much that
/// it goes backwards.
fn on_utc(mut log: Telemetry, course: Course) -> Telemetry {
    let times = log.times.iter_mut().chain(log.marks.iter_mut().map(|mark| &mut mark.time));
    times.for_each(|time| *time = course.at(*time));
    log
}

/// Merges span after span of time. Of each log a slice has the samples on both
/// sides of the span, so all is as in the whole but for what is counted, and
/// that goes on.
fn in_windows(
    parts: &[(&Reader<'_>, Course)],
    at_once: usize,
    out: &mut dyn Write,
) -> Result<TelemetrySummary, Stopped> {
    let starts = |(log, course): &(&Reader<'_>, Course)| {
        let course = *course;
        log.starts().map(move |start| course.at(start)).collect::<Vec<_>>()
    };
    let mut starts: Vec<i64> = parts.iter().flat_map(starts).collect();
    starts.sort_unstable();
    let mut edges: Vec<i64> = starts.into_iter().step_by(at_once).collect();
    edges.push(i64::MAX);
    let mut pieces = Pieces::new(out);
    let mut state = State::default();
    for span in edges.windows(2).map(|pair| pair[0]..pair[1]) {
        // From a sample before the first that counts; the way back is not exact.
        let slice = |(log, course): &(&Reader<'_>, Course)| {
            let (from, until) = (course.back(span.start).saturating_sub(2), course.back(span.end).saturating_add(2));
            Ok(on_utc(log.slice(from..until)?, *course))
        };
        let slices = parts.iter().map(slice).collect::<Result<Vec<_>, Stopped>>()?;
        let (piece, parted) = window(&slices, span, &mut state);
        pieces.add(&piece, parted)?;
    }
    let marked = |(log, course): &(&Reader<'_>, Course)| {
        on_utc(Telemetry { marks: log.marks(), ..Telemetry::default() }, *course)
    };
    let marked: Vec<Telemetry> = parts.iter().map(marked).collect();
    let mut summary = pieces.finish(LogClock::Utc, marks(&marked), &[])?;
    summary.notes = state.notes;
    Ok(summary)
}

/// What goes on from one span of time to the next.
#[derive(Default)]
struct State {
    /// What each log counted when it was last known, and the whole at that
    /// time.
    counted: Vec<Option<(f64, f64)>>,
    total: Option<f64>,
    notes: Vec<String>,
}

/// What comes of a span of time, without marks, and whether nothing is known
/// just before it.
fn window(logs: &[Telemetry], span: Range<i64>, state: &mut State) -> (Telemetry, bool) {
    let times = axis(logs);
    let inside = times.partition_point(|time| *time < span.start)..times.partition_point(|time| *time < span.end);
    let all = breaks(&times, logs);
    let parted = u32::try_from(inside.start).is_ok_and(|at| all.binary_search(&at).is_ok());
    let breaks = all.iter().map(|at| *at as usize).filter(|at| (inside.start + 1..inside.end).contains(at));
    let breaks = breaks.map(|at| (at - inside.start) as u32).collect();
    let times = times[inside].to_vec();
    let mut names: Vec<(&str, crate::base::Unit)> = Vec::new();
    for channel in logs.iter().flat_map(|log| &log.channels) {
        if names.iter().all(|(name, _)| *name != channel.name) {
            names.push((&channel.name, channel.unit));
        }
    }
    let place = |name: &str| channels::REGISTRY.iter().position(|kind| kind.name == name);
    names.sort_by_key(|(name, _)| place(name).unwrap_or(channels::REGISTRY.len()));
    let mut merged = Vec::with_capacity(names.len());
    for (name, unit) in names {
        let values = match name {
            "distance" => grown(&times, logs, name, state),
            _ => first_known(&times, logs, name, unit, &mut state.notes),
        };
        if values.iter().any(|value| !value.is_nan()) {
            merged.push(Channel { name: name.to_owned(), unit, values });
        }
    }
    (Telemetry { clock: LogClock::Utc, times, channels: merged, breaks, marks: Vec::new() }, parted)
}

/// The times of all samples, and one within each break of a log that another
/// covers without a sample in it: there the channels of the first are unknown.
fn axis(logs: &[Telemetry]) -> Vec<i64> {
    let mut times: Vec<i64> = logs.iter().flat_map(|log| log.times.iter().copied()).collect();
    for log in logs {
        for at in &log.breaks {
            let at = *at as usize;
            if let (Some(before), Some(after)) = (log.times.get(at.wrapping_sub(1)), log.times.get(at)) {
                let middle = before + (after - before) / 2;
                if middle > *before {
                    times.push(middle);
                }
            }
        }
    }
    times.sort_unstable();
    times.dedup();
    let kept: Vec<bool> = {
        let mut stretches: Vec<Stretches<'_>> = logs.iter().map(Stretches::new).collect();
        times.iter().map(|time| stretches.iter_mut().any(|log| log.knows(*time))).collect()
    };
    let mut kept = kept.iter();
    times.retain(|_| kept.next().copied().unwrap_or(true));
    times
}

/// A log's stretches without a gap, asked for at times that go forward.
struct Stretches<'a> {
    log: &'a Telemetry,
    /// The first sample after the time that was asked last.
    next: usize,
    /// The first break at or after `next`.
    broken: usize,
}

impl<'a> Stretches<'a> {
    fn new(log: &'a Telemetry) -> Self {
        Stretches { log, next: 0, broken: 0 }
    }

    fn go(&mut self, time: i64) {
        while self.log.times.get(self.next).is_some_and(|sample| *sample <= time) {
            self.next += 1;
        }
        while self.log.breaks.get(self.broken).is_some_and(|at| (*at as usize) < self.next) {
            self.broken += 1;
        }
    }

    /// Whether the log knows anything at this time.
    fn knows(&mut self, time: i64) -> bool {
        self.go(time);
        let Some(before) = self.next.checked_sub(1) else { return false };
        self.log.times[before] == time || self.connected()
    }

    /// Whether the log goes on without a gap right after the time that was
    /// asked last.
    fn connected(&self) -> bool {
        let broken = self.log.breaks.get(self.broken).is_some_and(|at| *at as usize == self.next);
        self.next > 0 && self.next < self.log.times.len() && !broken
    }
}

/// The samples before which no log knows anything.
fn breaks(times: &[i64], logs: &[Telemetry]) -> Vec<u32> {
    let mut stretches: Vec<Stretches<'_>> = logs.iter().map(Stretches::new).collect();
    let mut breaks = Vec::new();
    for (at, time) in times.iter().enumerate() {
        let mut connected = false;
        for log in &mut stretches {
            log.go(*time);
            connected |= log.connected();
        }
        if !connected && at + 1 < times.len() {
            breaks.extend(u32::try_from(at + 1).ok());
        }
    }
    breaks
}

/// A lookup in each of the logs that have the channel.
fn cursors<'a>(logs: &'a [Telemetry], name: &str) -> Vec<(Cursor<'a>, &'a Channel)> {
    let cursor = |log: &'a Telemetry| {
        let channel = log.channel(name)?;
        Some((Lookup::of(log, channel).cursor(), channel))
    };
    logs.iter().filter_map(cursor).collect()
}

fn first_known(
    times: &[i64],
    logs: &[Telemetry],
    name: &str,
    unit: crate::base::Unit,
    notes: &mut Vec<String>,
) -> Vec<f64> {
    let mut cursors = cursors(logs, name);
    cursors.retain(|(_, channel)| {
        let fits = channel.unit.convert(0.0, unit).is_some();
        if !fits {
            let note = format!("{name}: {} and {unit} are not the same: the first log's is used", channel.unit);
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        fits
    });
    let kind = channels::find(name);
    let value = |time: &i64| {
        let known = |(cursor, channel): &mut (Cursor<'_>, &Channel)| channel.unit.convert(cursor.at(*time)?, unit);
        let value = cursors.iter_mut().find_map(known).unwrap_or(f64::NAN);
        kind.map_or(value, |kind| channels::wrapped(kind.quantise(value), Some(kind)))
    };
    times.iter().map(value).collect()
}

/// A count that grows by what the first log grows that knows it now and knew it
/// before. Over a log's own gap that is no less than what the others have
/// counted meanwhile, and not added to it.
fn grown(times: &[i64], logs: &[Telemetry], name: &str, state: &mut State) -> Vec<f64> {
    let mut cursors = cursors(logs, name);
    let kind = channels::find(name);
    let State { counted, total, .. } = state;
    counted.resize(cursors.len(), None);
    let mut each = Vec::with_capacity(times.len());
    for time in times {
        let now: Vec<Option<f64>> = cursors.iter_mut().map(|(cursor, _)| cursor.at(*time)).collect();
        let Some(first) = now.iter().copied().flatten().next() else {
            each.push(f64::NAN);
            continue;
        };
        let whole = |(now, before): (&Option<f64>, &Option<(f64, f64)>)| {
            let (count, whole) = (*before)?;
            Some(whole + (*now)? - count)
        };
        let whole = now.iter().zip(counted.iter()).find_map(whole);
        let sum = match (*total, whole) {
            (None, _) => first,
            (Some(total), whole) => whole.unwrap_or(total).max(total),
        };
        *total = Some(sum);
        for (counted, now) in counted.iter_mut().zip(&now) {
            *counted = now.map(|now| (now, sum)).or(*counted);
        }
        each.push(kind.map_or(sum, |kind| kind.quantise(sum)));
    }
    each
}

/// Of each kind of mark those of the first log that has any: a second logger
/// on the same bicycle has laps of its own.
fn marks(logs: &[Telemetry]) -> Vec<Mark> {
    let mut all = Vec::new();
    let stops = [MarkKind::Pause, MarkKind::Resume];
    for kinds in [&[MarkKind::Lap][..], &stops, &[MarkKind::Event]] {
        let of = |log: &Telemetry| log.marks.iter().any(|mark| kinds.contains(&mark.kind));
        if let Some(log) = logs.iter().find(|log| of(log)) {
            all.extend(log.marks.iter().filter(|mark| kinds.contains(&mark.kind)).cloned());
        }
    }
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Unit;
    use crate::telemetry::columns::BLOCK;

    /// Two loggers whose clocks, rates and gaps differ, over several blocks.
    #[test]
    fn windows_are_the_whole() {
        let log = |count: i64, step: i64, offset: i64, breaks: &[u32]| {
            let value = |n: i64| if n % 50 < 3 { f64::NAN } else { (n % 1_000) as f64 / 10.0 };
            let gap = |n: i64| breaks.iter().filter(|at| i64::from(**at) <= n).count() as i64 * 50 * step;
            let channel = |name: &str, unit, value: &dyn Fn(i64) -> f64| Channel {
                name: name.to_owned(),
                unit,
                values: (0..count).map(value).collect(),
            };
            Telemetry {
                clock: LogClock::Utc,
                times: (0..count).map(|n| offset + n * step + gap(n)).collect(),
                channels: vec![
                    channel("speed", Unit::MetresPerSecond, &value),
                    channel("distance", Unit::Metres, &|n| n as f64 / 2.0),
                    channel("lap", Unit::None, &|n| (n / 5_000) as f64),
                ],
                breaks: breaks.to_vec(),
                marks: vec![Mark { time: offset, kind: MarkKind::Lap, name: String::new(), place: None }],
            }
        };
        let one = log(BLOCK as i64 * 3, 100_000_000, 0, &[1_000, BLOCK as u32, BLOCK as u32 + 1, 20_000]);
        let other = log(BLOCK as i64 * 2, 230_000_000, 7_000_000, &[10, 8_000, BLOCK as u32]);
        // The other goes by a clock that loses 200 parts per million.
        let parts = [(one, Course::default()), (other, Course { start: -3_000_000_000, drift: 200_000 })];
        let (whole, summary) = merge(&parts.clone().map(|(log, course)| on_utc(log, course)));
        let stored = parts.map(|(log, course)| (Reader::open(Box::new(columns::encode(&log))).unwrap(), course));
        for at_once in [1, 2, 99] {
            let mut bytes = Vec::new();
            let parts: Vec<_> = stored.iter().map(|(log, course)| (log, *course)).collect();
            let found = in_windows(&parts, at_once, &mut bytes).unwrap();
            assert!(columns::encode(&columns::decode(&bytes).unwrap()) == columns::encode(&whole), "{at_once}");
            assert_eq!(found, summary);
        }
    }
}
