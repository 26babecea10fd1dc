//! When a camera's recordings start, by the surest of what there is:
//!
//! 1. UTC of the receiver in the camera, a + b x media time over a whole
//!    recording, its chapters together ([`gpmf::fit`]).
//! 2. The camera's own speed, else what its accelerometer feels, beside the
//!    logger's speed ([`correlate`]): all recordings of the camera together,
//!    since its clock is wrong by the same for all.
//! 3. What the camera says, as it is where that lies within the log; else moved
//!    by whole hours, then by quarters, where just one of these puts all footage
//!    into the log, as the start of a recording or as its end.
//!
//! Offsets are whole milliseconds. What is not sure is told.

mod correlate;

use self::correlate::{Curve, Match};
use super::gpmf;
use super::lookup::Lookup;
use crate::base::{Diagnostic, Timestamp};
use crate::model::Telemetry;
use crate::model::alignment::{AlignMethod, Alignment};

/// One recording of the camera.
#[derive(Clone, Debug)]
pub struct Recorded<'a> {
    /// When the camera says that it starts: UTC in ns.
    pub claimed: Option<i64>,
    /// In ns.
    pub duration: i64,
    /// Where each file starts in the recording, in ns, and its telemetry track.
    pub chapters: Vec<(i64, Option<&'a [u8]>)>,
}

/// Dilution of precision above which a receiver is not believed.
const MOST_DOP: f64 = 5.0;

/// Least confidence at which a match counts, and at which nothing is told, in
/// 1 / 1,000.
const LEAST: u16 = 250;
const SURE: u16 = 600;

const MILLISECOND: i64 = 1_000_000;
const QUARTER: i64 = 900_000_000_000;

/// Less footage than this, in ns, may be like a part of a long log by chance.
const LONG: i64 = 60_000_000_000;

/// Media time in ns and a value, by recording.
type Samples = fn(&Known) -> &[(i64, f64)];

/// What of a camera is compared with the log's speed, the best first.
const CURVES: [(AlignMethod, Samples); 2] =
    [(AlignMethod::Speed, |known| &known.speed), (AlignMethod::Shaking, |known| &known.shaking)];

/// What a recording says of itself.
struct Known {
    clock: Option<gpmf::GpsClock>,
    /// Media time in ns and speed in m/s.
    speed: Vec<(i64, f64)>,
    /// Media time in ns and how much the camera shakes, in m/s².
    shaking: Vec<(i64, f64)>,
}

/// Aligns the recordings of one camera, with a log whose times and the shift
/// that brings them to UTC are given; with what people should be told.
///
/// # Errors
///
/// A track that is none.
pub fn align(
    recordings: &[Recorded<'_>],
    log: Option<(&Telemetry, i64)>,
) -> Result<(Alignment, Vec<String>), Diagnostic> {
    let mut known = recordings.iter().map(read).collect::<Result<Vec<Known>, Diagnostic>>()?;
    // Two stamps of one second may both be wrong, and so may most of those of a
    // receiver that was seldom right: such a recording follows the others.
    for known in &mut known {
        known.clock = known.clock.filter(|clock| clock.agree >= 3 && clock.agree * 2 >= clock.anchors);
    }
    if let Some(found) = by_receiver(recordings, &known) {
        return Ok((found, Vec::new()));
    }
    let Some(log) = log else { return Ok((claimed(recordings), Vec::new())) };
    let is_long = recordings.iter().map(|recording| recording.duration).fold(0, i64::saturating_add) >= LONG;
    let mut doubtful = None;
    for (method, samples) in CURVES {
        let Some(found) = by_curve(recordings, &known, log, method, samples) else { continue };
        // How much a camera shakes tells less than how fast it moves.
        let is_sure = found.confidence >= SURE && (is_long || method == AlignMethod::Speed);
        // A claim that lies in the log is not given up for what may be chance.
        let is_better = (is_sure && is_long) || !lies_within(recordings, log);
        if found.confidence >= LEAST && is_better {
            let warnings = if is_sure { Vec::new() } else { vec![unsure(&found)] };
            return Ok((found, warnings));
        }
        doubtful.get_or_insert(found);
    }
    Ok(by_claim(recordings, log, doubtful.as_ref()))
}

fn read(recording: &Recorded<'_>) -> Result<Known, Diagnostic> {
    let (mut anchors, mut speed, mut shaking) = (Vec::new(), Vec::new(), Vec::new());
    for (offset, payloads) in &recording.chapters {
        let Some(payloads) = payloads else { continue };
        let (decoded, _) = gpmf::decode(payloads)?;
        let precise = |dop: f64| dop.is_nan() || dop <= MOST_DOP;
        for anchor in decoded.anchors.iter().filter(|anchor| precise(anchor.dop)) {
            anchors.push(gpmf::Anchor { media: anchor.media.saturating_add(*offset), ..*anchor });
        }
        for fix in decoded.fixes.iter().filter(|fix| fix.is_fixed() && precise(fix.dop) && fix.speed.is_finite()) {
            speed.push((fix.media.saturating_add(*offset), fix.speed));
        }
        shaking.extend(decoded.shaking().into_iter().map(|(media, value)| (media.saturating_add(*offset), value)));
    }
    Ok(Known { clock: gpmf::fit(&anchors), speed, shaking })
}

fn whole_ms(nanos: i64) -> i64 {
    nanos.saturating_add(MILLISECOND / 2).div_euclid(MILLISECOND).saturating_mul(MILLISECOND)
}

fn median<T: Copy + Ord>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// What the camera says, as it is.
fn claimed(recordings: &[Recorded<'_>]) -> Alignment {
    Alignment {
        method: AlignMethod::Claimed,
        offset_ms: recordings.iter().any(|recording| recording.claimed.is_some()).then_some(0),
        confidence: 0,
        starts: recordings.iter().map(|recording| recording.claimed.map(whole_ms)).collect(),
        drift: 0,
        alternatives: Vec::new(),
        note: String::new(),
    }
}

/// By the receiver in the camera. Recordings in which it knew nothing (a
/// tunnel) follow by what the camera's clock says between them and the others.
fn by_receiver(recordings: &[Recorded<'_>], known: &[Known]) -> Option<Alignment> {
    let clocks = || known.iter().filter_map(|known| known.clock);
    let anchors: usize = clocks().map(|clock| clock.anchors).sum();
    let agree: usize = clocks().map(|clock| clock.agree).sum();
    clocks().next()?;
    let own = |(recording, known): (&Recorded<'_>, &Known)| {
        let away = known.clock?.start.saturating_sub(recording.claimed?);
        Some(away.saturating_add(MILLISECOND / 2).div_euclid(MILLISECOND))
    };
    let offset_ms = median(recordings.iter().zip(known).filter_map(own).collect());
    let start = |(recording, known): (&Recorded<'_>, &Known)| match known.clock {
        Some(clock) => Some(whole_ms(clock.start)),
        None => Some(whole_ms(recording.claimed?.saturating_add(offset_ms?.saturating_mul(MILLISECOND)))),
    };
    let without = known.iter().filter(|known| known.clock.is_none()).count();
    let longest = recordings.iter().zip(known).filter(|(_, known)| known.clock.is_some());
    let longest = longest.max_by_key(|(recording, _)| recording.duration).and_then(|(_, known)| known.clock);
    let spread = median(clocks().map(|clock| clock.spread).collect()).unwrap_or(0) / MILLISECOND;
    let mut note = format!("{agree} of {anchors} stamps agree, half of them within {spread} ms");
    if without > 0 {
        note += &format!("; {without} recordings had no signal and follow by the camera's clock");
    }
    Some(Alignment {
        method: AlignMethod::Receiver,
        offset_ms,
        confidence: u16::try_from(agree * 1_000 / anchors.max(1)).unwrap_or(1_000).min(1_000),
        starts: recordings.iter().zip(known).map(start).collect(),
        drift: longest.map_or(0, |clock| libm::round(clock.drift * 1e3) as i32),
        alternatives: Vec::new(),
        note,
    })
}

/// By a curve of the camera's beside the log's speed.
fn by_curve(
    recordings: &[Recorded<'_>],
    known: &[Known],
    (log, shift): (&Telemetry, i64),
    method: AlignMethod,
    samples: Samples,
) -> Option<Alignment> {
    let (first, last) = (*log.times.first()?, *log.times.last()?);
    // Recordings lie together as the camera's clock has them; without one, the
    // one that says most stands alone.
    let is_timed = recordings.iter().any(|recording| recording.claimed.is_some());
    let zero = recordings.iter().filter_map(|recording| recording.claimed).min().unwrap_or(0);
    let mut points: Vec<(i64, f64)> = Vec::new();
    let alone = known.iter().enumerate().max_by_key(|(_, known)| samples(known).len()).map(|(at, _)| at);
    for (at, (recording, known)) in recordings.iter().zip(known).enumerate() {
        let start = match recording.claimed {
            Some(claimed) => claimed.saturating_sub(zero),
            None if !is_timed && alone == Some(at) => 0,
            None => continue,
        };
        points.extend(samples(known).iter().map(|(media, value)| (media.saturating_add(start), *value)));
    }
    points.sort_by_key(|(time, _)| *time);
    let camera = Curve::of_samples(&points)?;
    let speed = Lookup::new(log, "speed")?;
    let mut cursor = speed.cursor();
    let logger = Curve::of(first, last, |time| cursor.at(time))?;
    let Match { lag, confidence, score, others } = correlate::best(&camera, &logger, method == AlignMethod::Speed)?;
    // The lag is from the first camera sample's place to the log's first sample.
    let utc = |lag: i64| lag.saturating_add(logger.start).saturating_sub(camera.start).saturating_add(shift);
    let offset = whole_ms(utc(lag).saturating_sub(zero));
    let start = |(at, recording): (usize, &Recorded<'_>)| match recording.claimed {
        Some(claimed) => Some(whole_ms(claimed.saturating_add(offset))),
        None if !is_timed && alone == Some(at) => Some(offset),
        None => None,
    };
    let ms = |nanos: i64| nanos.div_euclid(MILLISECOND);
    Some(Alignment {
        method,
        offset_ms: is_timed.then_some(ms(offset)),
        confidence,
        starts: recordings.iter().enumerate().map(start).collect(),
        drift: 0,
        alternatives: others
            .iter()
            .map(|(lag, score)| (ms(whole_ms(utc(*lag).saturating_sub(zero))), *score))
            .collect(),
        note: format!("likeness {}.{:03}", score / 1_000, score.rem_euclid(1_000)),
    })
}

/// How an offset is written in a manifest.
pub fn written(offset_ms: i64) -> String {
    let offset = Timestamp::from_millis(offset_ms);
    let sign = if offset.is_negative() { "" } else { "+" };
    format!("{sign}{offset}")
}

fn unsure(found: &Alignment) -> String {
    let moved = found.offset_ms.map_or_else(String::new, |offset| format!(", moved by {}", written(offset)));
    let pin = found.offset_ms.map_or_else(
        || "`clock` in its footage set".to_owned(),
        |offset| format!("`clock: \"{}\"` in its footage set where it is right, or the right one", written(offset)),
    );
    format!(
        "the camera's clock{moved}, was found by {} and is not sure ({} of 100): look at a moment that you know, \
         then write {pin}",
        found.method,
        found.confidence / 10
    )
}

/// How much of the footage lies in the log, in ns, and how much there is.
fn covered(recordings: &[Recorded<'_>], (from, until): (i64, i64), offset: i64, ends: bool) -> (i64, i64) {
    let (mut inside, mut whole) = (0_i64, 0_i64);
    for recording in recordings {
        let Some(claimed) = recording.claimed else { continue };
        let start = claimed.saturating_add(offset).saturating_sub(if ends { recording.duration } else { 0 });
        let end = start.saturating_add(recording.duration);
        inside = inside.saturating_add(end.min(until).saturating_sub(start.max(from)).max(0));
        whole = whole.saturating_add(recording.duration);
    }
    (inside, whole)
}

/// The log from its first sample to its last, on UTC.
fn span((log, shift): (&Telemetry, i64)) -> Option<(i64, i64)> {
    Some((log.times.first()?.saturating_add(shift), log.times.last()?.saturating_add(shift)))
}

/// Whether all of the footage lies in the log, as the camera says.
fn lies_within(recordings: &[Recorded<'_>], log: (&Telemetry, i64)) -> bool {
    let (inside, whole) = span(log).map_or((0, 0), |span| covered(recordings, span, 0, false));
    whole > 0 && i128::from(inside) * 100 >= i128::from(whole) * 99
}

/// By what the camera says.
fn by_claim(
    recordings: &[Recorded<'_>],
    log: (&Telemetry, i64),
    doubtful: Option<&Alignment>,
) -> (Alignment, Vec<String>) {
    let mut found = claimed(recordings);
    if let Some(doubtful) = doubtful {
        let offset = doubtful.offset_ms.map_or_else(|| "one".to_owned(), written);
        found.note = format!("{} would be at {offset}, but is not sure", doubtful.method);
        found.alternatives =
            doubtful.offset_ms.map(|offset| (offset, doubtful.confidence as i16)).into_iter().collect();
    }
    let Some(span) = span(log) else { return (found, Vec::new()) };
    let (inside, whole) = covered(recordings, span, 0, false);
    if inside > 0 || whole == 0 {
        found.confidence = u16::try_from(i128::from(inside) * 500 / i128::from(whole.max(1))).unwrap_or(0);
        return (found, Vec::new());
    }
    // Zones of the world are 14 hours from UTC at most.
    let zones = || (-14 * 4..=14 * 4_i64).filter(|quarters| *quarters != 0);
    for (step, ends) in [(4, false), (2, false), (1, false), (4, true)] {
        let fitting: Vec<i64> = zones()
            .filter(|quarters| quarters % step == 0)
            .map(|quarters| quarters * QUARTER)
            .filter(|offset| {
                let (inside, whole) = covered(recordings, span, *offset, ends);
                // A second at either end: clocks are not exact.
                i128::from(inside) * 100 >= i128::from(whole) * 99
            })
            .collect();
        let [offset] = fitting[..] else {
            if fitting.is_empty() {
                continue;
            }
            let offsets: Vec<String> = fitting.iter().map(|offset| written(offset / MILLISECOND)).collect();
            found.note = format!("the footage would lie in the log at {}", offsets.join(", "));
            break;
        };
        let start = |recording: &Recorded<'_>| {
            let end = if ends { recording.duration } else { 0 };
            Some(whole_ms(recording.claimed?.saturating_add(offset).saturating_sub(end)))
        };
        let zoned = Alignment {
            method: AlignMethod::Zone,
            offset_ms: Some(offset / MILLISECOND),
            confidence: 300,
            starts: recordings.iter().map(start).collect(),
            drift: 0,
            alternatives: found.alternatives,
            note: if ends { "it says when a recording ends".to_owned() } else { String::new() },
        };
        let warnings = vec![unsure(&zoned)];
        return (zoned, warnings);
    }
    let warning = "none of the camera's footage lies in the log by its clock, and no zone of the world explains it: \
                   nothing of the log is shown with it; write `clock` in its footage set";
    (found, vec![warning.to_owned()])
}

#[cfg(test)]
mod tests;
