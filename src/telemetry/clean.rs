//! Cleaning: what is impossible goes, what is missing and can be computed
//! comes, and gaps stay gaps.
//!
//! 1. Registry channels are brought to the registry's units; values that no
//!    sensor can have measured are dropped ([`channels`]).
//! 2. A span without samples longer than the gap ([`gap`]) is a break. Nothing
//!    below looks across one.
//! 3. Positions that the path does not need ([`excursions`]) are dropped; the
//!    rest is smoothed ([`smooth`](super::smooth)), which bridges what was
//!    dropped. Altitudes are judged by the same rule and are not smoothed.
//! 4. Speed is the logger's own where it has one: receivers measure it by
//!    Doppler shift, which no jump of the position touches. Spikes in it are
//!    dropped. Without one it is that of the smoothed path.
//! 5. Distance, heading and gradient are the logger's own or derived
//!    ([`derive`]).
//! 6. The lap of each sample is counted from the log's marks.
//! 7. Holes in a channel up to the gap are filled by straight lines; NaN is
//!    left where nothing is known.
//! 8. Registry channels are rounded to their steps.
//!
//! A log of up to [`WHOLE`] samples is cleaned at once, a longer one in windows
//! ([`windows`]).

mod found;
mod gap;
mod part;
mod windows;
mod work;

use std::io;

use super::columns::{self, Reader, Unreadable};
use super::quality::Tally;
use super::summary;
use crate::base::Diagnostic;
use crate::model::telemetry::{Channel, Telemetry, TelemetrySummary};
use part::{Before, Cleaned, Part};
use work::Work;

/// Longest log that is worked on at once: five hours and a half at 10 Hz.
/// Cleaning takes some 300 bytes a sample with the usual channels.
pub const WHOLE: usize = 200_000;

/// Samples that are less than this apart, in ns, are of one time: see
/// [`Repeated::Kept`](super::table::Repeated::Kept).
const APART: i64 = 1_000;

/// Why work on a stored log stopped.
#[derive(Debug)]
pub enum Stopped {
    Unreadable(Unreadable),
    Unwritable(io::Error),
    Refused(Diagnostic),
}

impl From<Diagnostic> for Stopped {
    fn from(why: Diagnostic) -> Self {
        Stopped::Refused(why)
    }
}

impl From<Unreadable> for Stopped {
    fn from(why: Unreadable) -> Self {
        Stopped::Unreadable(why)
    }
}

impl From<io::Error> for Stopped {
    fn from(why: io::Error) -> Self {
        Stopped::Unwritable(why)
    }
}

/// Cleans a stored log of any length and writes it as an artifact; see
/// [`clean`].
///
/// # Errors
/// Where it can be read or written no further.
pub fn clean_stream(raw: &Reader<'_>, gap_ms: u32, out: &mut dyn io::Write) -> Result<TelemetrySummary, Stopped> {
    if raw.len() > WHOLE {
        return windows::clean(raw, gap_ms, windows::CORE, out);
    }
    let (clean, summary) = clean(&raw.whole()?, gap_ms);
    columns::write(&clean, out)?;
    Ok(summary)
}

/// Cleans a log; a span without samples longer than `gap_ms`, and than what the
/// log's own rate makes one ([`gap`]), is a gap. The
/// summary is that of the result; its notes and its report of the quality say
/// what was dropped.
pub fn clean(raw: &Telemetry, gap_ms: u32) -> (Telemetry, TelemetrySummary) {
    let apart = apart(raw).map(|(log, _)| log);
    let repeated = raw.times.len() - apart.as_ref().unwrap_or(raw).times.len();
    let raw = apart.as_ref().unwrap_or(raw);
    let mut steps = gap::Steps::default();
    steps.add(&raw.times, &raw.breaks);
    let gap_ms = steps.gap(gap_ms);
    let origin = raw.times.first().copied().unwrap_or(0);
    let (counted, next) = (0..raw.times.len(), f64::INFINITY);
    let part = Part { raw, origin, gap_ms, counted, next, whole: None, before: Before::default() };
    let Cleaned { telemetry, derived, mut found, .. } = cleaned(&part);
    found.repeated = repeated as u64;
    let mut summary = summary::summarise(&telemetry, &derived);
    summary.notes = found.notes();
    let mut tally = Tally::default();
    tally.add(&telemetry, false);
    summary.quality = tally.quality();
    found.report(&mut summary.quality);
    (telemetry, summary)
}

/// The steps, in their order.
fn cleaned(part: &Part<'_>) -> Cleaned {
    let mut work = Work::new(part);
    let path = work.positions();
    work.altitude();
    work.speed(path.as_ref());
    work.distance();
    work.heading(path.as_ref());
    work.gradient();
    work.laps(part.raw);
    work.fill();
    work.finish(part.raw)
}

/// The log without samples of one time, where it has some, and which of its
/// samples were kept.
fn apart(raw: &Telemetry) -> Option<(Telemetry, Vec<bool>)> {
    let mut last = None;
    let near = |time: i64, last: &mut Option<i64>| {
        let near = last.is_some_and(|last: i64| time.saturating_sub(last) < APART);
        *last = Some(time);
        near
    };
    let kept: Vec<bool> = raw.times.iter().map(|time| !near(*time, &mut last)).collect();
    if kept.iter().all(|kept| *kept) {
        return None;
    }
    fn of<T: Copy>(all: &[T], kept: &[bool]) -> Vec<T> {
        all.iter().zip(kept).filter(|(_, kept)| **kept).map(|(value, _)| *value).collect()
    }
    let channel = |channel: &Channel| Channel { values: of(&channel.values, &kept), ..channel.clone() };
    // A break before a sample that goes is one before the next that stays.
    let mut before = vec![0_u32; kept.len() + 1];
    for (at, kept) in kept.iter().enumerate() {
        before[at + 1] = before[at] + u32::from(*kept);
    }
    let mut breaks: Vec<u32> = raw.breaks.iter().filter_map(|at| before.get(*at as usize).copied()).collect();
    breaks.dedup();
    let times = of(&raw.times, &kept);
    breaks.retain(|at| *at > 0 && (*at as usize) < times.len());
    let channels = raw.channels.iter().map(channel).collect();
    let log = Telemetry { clock: raw.clock, times, channels, breaks, marks: raw.marks.clone() };
    Some((log, kept))
}
