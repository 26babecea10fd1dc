//! Long logs, cleaned in windows that overlap.
//!
//! Of each window the middle counts; the margins on both sides are there for
//! it and thrown away. A margin is long enough because everything that looks
//! around forgets:
//!
//! - The smoother: with position noise `r` (at most 5 m at 1 Hz) and driven by
//!   `q` (at least 0.7 m/s² per root of Hz), what it knew at an end fades as
//!   `exp(-sqrt(q / r / 2) t)`, a hundredfold in less than 18 s. Over
//!   [`MARGIN_SECONDS`] the error of a start of which nothing is known, 100 m/s
//!   and some metres, is below a nanometre. Where samples are rarer than one a
//!   second it forgets by the sample, and [`LEAST_MARGIN`] are far more than it
//!   needs.
//! - Excursions last at most 12 s, spikes of the speed are looked for within
//!   4 s. Which samples become a knot together is decided from the start of a
//!   run on, so a window begins to look at positions and altitudes where one of
//!   the whole log's knots begins.
//! - Holes are bridged up to the gap, of which a margin has three.
//!
//! What does not forget goes on from window to window ([`Before`]): distance,
//! the heading at rest, the profile under the gradient. Laps are counted from
//! the marks, and sums are added up. What is usual for the log (its noise, its
//! accelerations) is estimated once, from blocks spread evenly over it.
//!
//! Two things a window cannot know that the whole log would: the heading of a
//! logger that has not moved since a gap and does not within the margin, and
//! how the road goes on after a rest that is longer than the margin.

use std::collections::BTreeSet;
use std::io::Write;

use super::found::Found;
use super::gap::Steps;
use super::part::{Before, Part, Whole};
use super::work::{Work, seconds};
use super::{Stopped, apart, cleaned};
use crate::model::telemetry::{Channel, Telemetry, TelemetrySummary};
use crate::telemetry::channels;
use crate::telemetry::columns::Reader;
use crate::telemetry::motion::FAST;
use crate::telemetry::pieces::Pieces;

/// Samples of a window that count.
pub(super) const CORE: usize = 1 << 15;

/// How long a margin is: so many seconds or three gaps, but within so many
/// samples.
const MARGIN_SECONDS: f64 = 180.0;
const LEAST_MARGIN: usize = 2_048;
const MOST_MARGIN: usize = CORE;

/// From how many blocks it is estimated what is usual.
const SAMPLED: usize = 6;

/// What is known before the first window.
struct Survey {
    whole: Whole,
    /// The gap by the log's own rate.
    gap_ms: u32,
    found: Found,
    margin: usize,
}

/// Cleans a log in windows of which `core` samples count.
pub(super) fn clean(
    raw: &Reader<'_>,
    gap_ms: u32,
    core: usize,
    out: &mut dyn Write,
) -> Result<TelemetrySummary, Stopped> {
    let origin = raw.span().map_or(0, |(first, _)| first);
    let Survey { whole, gap_ms, mut found, margin } = survey(raw, gap_ms, origin)?;
    let marks = raw.marks();
    let mut pieces = Pieces::new(out);
    let mut derived: BTreeSet<&str> = BTreeSet::new();
    let mut before = Before::default();
    let (mut from, mut start) = (0, 0);
    while start < raw.len() {
        let end = (start + core).min(raw.len());
        let window = Telemetry { marks: marks.clone(), ..raw.samples(from..(end + margin).min(raw.len()))? };
        let begin = end.saturating_sub(margin).max(start);
        let next = window.times.get(begin - from).map_or(f64::INFINITY, |time| seconds(*time, origin));
        let (counted, kept) = match apart(&window) {
            Some((log, kept)) => {
                let place = |at: usize| kept[..at].iter().filter(|kept| **kept).count();
                let (first, until) = (place(start - from), place(end - from));
                found.repeated += (end - start - (until - first)) as u64;
                (first..until, Some(log))
            }
            None => (start - from..end - from, None),
        };
        let raw = kept.as_ref().unwrap_or(&window);
        let part = Part { raw, origin, gap_ms, counted, next, whole: Some(&whole), before };
        let done = cleaned(&part);
        pieces.add(&cut(&done.telemetry, done.counted.clone()), done.parted)?;
        derived.extend(done.derived);
        found.add(done.found);
        before = done.after;
        (from, start) = (begin, end);
    }
    let derived: Vec<&str> = derived.into_iter().collect();
    let mut summary = pieces.finish(raw.clock(), marks, &derived)?;
    summary.notes = found.notes();
    found.report(&mut summary.quality);
    Ok(summary)
}

/// The samples that count, without marks.
fn cut(log: &Telemetry, counted: std::ops::Range<usize>) -> Telemetry {
    let inside = log.breaks.iter().map(|at| *at as usize).filter(|at| (counted.start + 1..counted.end).contains(at));
    let channel = |channel: &Channel| Channel {
        name: channel.name.clone(),
        unit: channel.unit,
        values: channel.values[counted.clone()].to_vec(),
    };
    Telemetry {
        clock: log.clock,
        times: log.times[counted.clone()].to_vec(),
        channels: log.channels.iter().map(channel).collect(),
        breaks: inside.map(|at| (at - counted.start) as u32).collect(),
        marks: Vec::new(),
    }
}

/// Looks through the log once.
fn survey(raw: &Reader<'_>, gap_ms: u32, origin: i64) -> Result<Survey, Stopped> {
    let mut present: BTreeSet<String> = BTreeSet::new();
    let (mut steps, mut fast, mut all) = (Steps::default(), 0_usize, 0_usize);
    let mut last = None;
    let mut sample = raw.samples(0..0)?;
    let mut sampled = 0;
    for index in 0..raw.blocks() {
        let block = raw.block(index)?;
        for channel in block.channels.iter().filter(|channel| is_known(channel)) {
            if !present.contains(&channel.name) {
                present.insert(channel.name.clone());
            }
        }
        let before = last.into_iter().chain(block.times.iter().copied());
        let after = block.times.iter().skip(usize::from(last.is_none()));
        fast += before.zip(after).filter(|(a, b)| ((*b - a) as f64) < FAST * 1e9).count();
        all += block.times.len() - usize::from(last.is_none());
        steps.add(&block.times, &block.breaks);
        last = block.times.last().copied();
        // The blocks nearest to evenly spread ones.
        if index * SAMPLED >= sampled * raw.blocks() {
            sampled += 1;
            join(&mut sample, &block);
        }
    }
    let (usual, gap_ms) = (steps.usual().max(1e-6), steps.gap(gap_ms));
    let long = MARGIN_SECONDS.max(f64::from(gap_ms) * 3e-3);
    let margin = ((long / usual) as usize).clamp(LEAST_MARGIN, MOST_MARGIN);
    let sample = apart(&sample).map_or(sample, |(log, _)| log);
    let (counted, next) = (0..sample.times.len(), f64::INFINITY);
    let part = Part { raw: &sample, origin, gap_ms, counted, next, whole: None, before: Before::default() };
    let mut work = Work::new(&part);
    let position = work.position_scale(fast > all / 2);
    let mut found = Found::default();
    found.noise("position", position.and_then(|scale| scale.seen));
    work.altitude();
    work.speed(None);
    found.noise.append(&mut work.found.noise);
    let altitude = Some(work.found.altitude_usual).filter(|usual| *usual > 0.0);
    Ok(Survey { whole: Whole { present, position, altitude }, gap_ms, found, margin })
}

/// Whether a channel has a value that a sensor can have measured.
fn is_known(channel: &Channel) -> bool {
    let kind = channels::find(&channel.name).filter(|kind| channel.unit.convert(0.0, kind.unit).is_some());
    channel.values.iter().any(|value| match kind {
        None => !value.is_nan(),
        Some(kind) => {
            let converted = channel.unit.convert(*value, kind.unit).unwrap_or(f64::NAN);
            (kind.possible.0..=kind.possible.1).contains(&channels::wrapped(converted, Some(kind)))
        }
    })
}

/// Adds a block behind a break.
fn join(all: &mut Telemetry, block: &Telemetry) {
    let offset = all.times.len();
    let breaks = block.breaks.iter().map(|at| *at as usize).filter(|at| *at > 0).map(|at| at + offset);
    let breaks = Some(offset).filter(|at| *at > 0).into_iter().chain(breaks);
    all.breaks.extend(breaks.filter_map(|at| u32::try_from(at).ok()));
    all.times.extend_from_slice(&block.times);
    for (channel, more) in all.channels.iter_mut().zip(&block.channels) {
        channel.values.extend_from_slice(&more.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Unit;
    use crate::model::telemetry::{LogClock, Mark, MarkKind};
    use crate::telemetry::columns;

    const MS: i64 = 1_000_000;

    /// A ride at 10 Hz that winds up and down a hill, with noise, rests, gaps,
    /// drifts, spikes, holes, repeated times and laps. `own` says whether the
    /// logger measures speed and distance itself.
    fn ride(samples: usize, own: bool) -> Telemetry {
        let mut chance = fastrand::Rng::with_seed(11);
        let mut noise = || chance.f64() + chance.f64() + chance.f64() - 1.5;
        let (mut time, mut way, mut odometer) = (1_717_236_000_000 * MS, 0.0_f64, 0.0_f64);
        let mut rows: Vec<[f64; 6]> = Vec::new();
        let (mut times, mut breaks, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..samples {
            let minute = at / 600;
            let mut step = if at % 97 == 0 { 140 * MS } else { 100 * MS };
            if at % 20_011 == 20_010 {
                step = 60_000 * MS;
            }
            if at % 4_001 == 0 {
                step = 1;
            }
            time += step;
            let resting = minute % 17 == 3;
            let speed = if resting { 0.0 } else { 6.0 + 3.0 * libm::sin(way / 90.0) };
            way += speed * 0.1;
            odometer += speed * 0.1;
            if at % 30_000 == 29_999 {
                odometer = 0.0;
            }
            let (mut north, east) = (400.0 * libm::sin(way / 400.0) + noise(), way * 0.3 + noise());
            if (0..40).contains(&(at % 9_100)) && at > 100 {
                north += 60.0;
            }
            let altitude = 300.0 + 40.0 * libm::sin(way / 700.0) + noise() * 0.3;
            let altitude = if at % 12_345 < 12 { altitude + 90.0 } else { altitude };
            let measured = if at % 7_777 < 3 { 60.0 } else { speed + noise() * 0.1 };
            let hole = at % 501 < 9;
            let known = |value: f64| if hole { f64::NAN } else { value };
            let (latitude, longitude) = (52.0 + north / 111_195.0, 13.0 + east / 68_460.0);
            let pulse = if at % 5 == 0 { 120.0 + (at / 900 % 40) as f64 } else { f64::NAN };
            rows.push([known(latitude), known(longitude), known(altitude), measured.max(0.0), odometer, pulse]);
            times.push(time);
            if at % 33_333 == 33_332 {
                breaks.push(at as u32);
            }
            if at % 15_000 == 77 {
                marks.push(Mark { time, kind: MarkKind::Lap, name: String::new(), place: None });
            }
        }
        let names = [
            ("latitude", Unit::Degrees),
            ("longitude", Unit::Degrees),
            ("altitude", Unit::Metres),
            ("speed", Unit::MetresPerSecond),
            ("distance", Unit::Metres),
            ("heart_rate", Unit::BeatsPerMinute),
        ];
        let channels = names.iter().enumerate().filter(|(_, (name, _))| own || !["speed", "distance"].contains(name));
        let channel = |(at, (name, unit)): (usize, &(&str, Unit))| Channel {
            name: (*name).to_owned(),
            unit: *unit,
            values: rows.iter().map(|row| row[at]).collect(),
        };
        Telemetry { clock: LogClock::Utc, times, channels: channels.map(channel).collect(), breaks, marks }
    }

    fn compare(raw: &Telemetry) {
        let bytes = columns::encode(raw);
        let reader = Reader::open(Box::new(bytes)).unwrap();
        // By the same estimate of what is usual: one window for all of it.
        let (mut one, mut many) = (Vec::new(), Vec::new());
        let whole = clean(&reader, 5_000, raw.times.len(), &mut one).unwrap();
        let parts = clean(&reader, 5_000, 8_192, &mut many).unwrap();
        let (one, many) = (columns::decode(&one).unwrap(), columns::decode(&many).unwrap());
        assert_eq!((&one.times, &one.breaks, &one.marks), (&many.times, &many.breaks, &many.marks));
        assert_eq!(one.channels.len(), many.channels.len());
        for (a, b) in one.channels.iter().zip(&many.channels) {
            assert_eq!((&a.name, a.unit), (&b.name, b.unit));
            let step = 1.0 / channels::find(&a.name).unwrap().per_unit;
            let mut differ = 0;
            for (at, (x, y)) in a.values.iter().zip(&b.values).enumerate() {
                let turn = channels::find(&a.name).unwrap().turn;
                let off = channels::difference(*x, *y, turn).abs();
                assert!(off <= step * 1.01 || (x.is_nan() && y.is_nan()), "{} {at}: {x} {y}", a.name);
                differ += usize::from(off > 0.0);
            }
            assert!(differ * 1_000 < a.values.len(), "{}: {differ} of {}", a.name, a.values.len());
        }
        assert_eq!((whole.quality, whole.notes, whole.gaps), (parts.quality, parts.notes, parts.gaps));
        assert_eq!(whole.channels, parts.channels);
    }

    #[test]
    fn windows_are_the_whole_where_the_logger_measures_all() {
        compare(&ride(70_000, true));
    }

    #[test]
    fn windows_are_the_whole_where_all_is_derived() {
        compare(&ride(70_000, false));
    }

    /// The estimate from a part of the log is near to that of all of it, so
    /// that windows are near to what a short log's cleaning gives.
    #[test]
    fn an_estimate_of_what_is_usual_is_that_of_the_whole() {
        let raw = ride(180_000, false);
        let reader = Reader::open(Box::new(columns::encode(&raw))).unwrap();
        let mut bytes = Vec::new();
        let parts = clean(&reader, 5_000, CORE, &mut bytes).unwrap();
        let many = columns::decode(&bytes).unwrap();
        let (one, whole) = crate::telemetry::clean(&raw, 5_000);
        assert_eq!((&one.times, &one.breaks), (&many.times, &many.breaks));
        for (name, most) in [("latitude", 3e-6), ("speed", 0.31), ("altitude", 0.011), ("lap", 0.0)] {
            let (a, b) = (one.channel(name).unwrap(), many.channel(name).unwrap());
            let off = a.values.iter().zip(&b.values).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off <= most, "{name}: {off}");
        }
        assert_eq!(
            (parts.quality.usual, parts.quality.dropped.len()),
            (whole.quality.usual, whole.quality.dropped.len())
        );
        for (a, b) in parts.quality.noise.iter().zip(&whole.quality.noise) {
            assert!(a.channel == b.channel && a.deviation.abs_diff(b.deviation) * 10 <= b.deviation, "{a:?} {b:?}");
        }
    }
}
