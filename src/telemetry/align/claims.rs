//! What a camera says of when it started: as it is, moved by whole quarter
//! hours, or beside what the log says.

use super::correlate::{Curve, near};
use super::{Known, LONG, MILLISECOND, NEAR, Recorded, SECOND, logger, unsure, whole_ms, written};
use crate::model::Telemetry;
use crate::model::alignment::{AlignMethod, Alignment, RecordingClock};

const QUARTER: i64 = 900 * SECOND;

/// Below this likeness a speed is another one.
const UNLIKE: f64 = 0.3;

/// What the camera says, as it is.
pub(super) fn claimed(recordings: &[Recorded]) -> Alignment {
    let clock = |recording: &Recorded| RecordingClock { start: recording.claimed.map(whole_ms), drift: 0 };
    Alignment {
        method: AlignMethod::Claimed,
        offset_ms: recordings.iter().any(|recording| recording.claimed.is_some()).then_some(0),
        confidence: 0,
        clocks: recordings.iter().map(clock).collect(),
        alternatives: Vec::new(),
        tried: Vec::new(),
        note: String::new(),
    }
}

/// How much of the footage lies in the log, in ns, and how much there is.
fn covered(recordings: &[Recorded], (from, until): (i64, i64), offset: i64, ends: bool) -> (i64, i64) {
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

/// Of two spans, how much of 100 the first is of the second.
fn percent(inside: i64, whole: i64) -> i64 {
    i64::try_from(i128::from(inside) * 100 / i128::from(whole.max(1))).unwrap_or(0)
}

/// All but what clocks are not exact by.
fn is_all((inside, whole): (i64, i64)) -> bool {
    whole > 0 && i128::from(inside) * 100 >= i128::from(whole) * 99
}

/// The log from its first sample to its last, on UTC.
fn span((log, shift): (&Telemetry, i64)) -> Option<(i64, i64)> {
    Some((log.times.first()?.saturating_add(shift), log.times.last()?.saturating_add(shift)))
}

/// Whether all of the footage lies in the log, as the camera says.
pub(super) fn lies_within(recordings: &[Recorded], log: (&Telemetry, i64)) -> bool {
    span(log).is_some_and(|span| is_all(covered(recordings, span, 0, false)))
}

/// How like the log's the camera's own speed is where its clock has it, if it is
/// not: then one of them is wrong.
pub(super) fn unlike(recordings: &[Recorded], known: &[Known], (log, shift): (&Telemetry, i64)) -> Option<f64> {
    let mut points: Vec<(i64, f64)> = Vec::new();
    for (recording, known) in recordings.iter().zip(known) {
        let Some(claimed) = recording.claimed else { continue };
        points.extend(known.speed.iter().map(|(media, speed)| (media.saturating_add(claimed), *speed)));
    }
    points.sort_by_key(|(time, _)| *time);
    let mut logger = logger(log).ok()?;
    let curve = Curve::of_samples(&points)?;
    let opposite = curve.between(span((log, shift))?.0, span((log, shift))?.1);
    if (opposite.seconds() as i64) < LONG / SECOND {
        return None;
    }
    let lag = opposite.start.saturating_sub(shift).saturating_sub(logger.first);
    let found = near(&opposite, &mut logger, lag, NEAR, true)?;
    (found.score < UNLIKE).then_some(found.score)
}

/// An offset of whole quarter hours that puts all footage into the log, and
/// whether the camera then says when a recording ends.
enum Zone {
    None,
    One {
        offset: i64,
        ends: bool,
    },
    /// More than one.
    Several(Vec<i64>),
}

fn zone(recordings: &[Recorded], span: (i64, i64)) -> Zone {
    // Zones of the world are 14 hours from UTC at most.
    let zones = || (-14 * 4..=14 * 4_i64).filter(|quarters| *quarters != 0);
    for (step, ends) in [(4, false), (2, false), (1, false), (4, true)] {
        let fitting: Vec<i64> = zones()
            .filter(|quarters| quarters % step == 0)
            .map(|quarters| quarters * QUARTER)
            .filter(|offset| is_all(covered(recordings, span, *offset, ends)))
            .collect();
        match fitting[..] {
            [] => {}
            [offset] => return Zone::One { offset, ends },
            _ => return Zone::Several(fitting),
        }
    }
    Zone::None
}

/// By what the camera says.
pub(super) fn by_claim(
    recordings: &[Recorded],
    log: (&Telemetry, i64),
    doubtful: Option<&Alignment>,
) -> (Alignment, Vec<String>) {
    let mut found = claimed(recordings);
    let mut warnings = Vec::new();
    if let Some(doubtful) = doubtful {
        let offset = doubtful.offset_ms.map_or_else(|| "one".to_owned(), written);
        found.note = format!("{} would be at {offset}, but is not sure", doubtful.method);
        found.alternatives =
            doubtful.offset_ms.map(|offset| (offset, doubtful.confidence as i16)).into_iter().collect();
    }
    let dateless = recordings.iter().filter(|recording| recording.claimed.is_none()).count();
    if dateless > 0 {
        let which = if dateless == recordings.len() {
            "nothing says when the camera's films were recorded".to_owned()
        } else {
            format!("{dateless} of the camera's {} recordings do not say when they were recorded", recordings.len())
        };
        warnings.push(format!(
            "{which}: nothing of the log is shown with them; write `clock` in its footage set, for instance \
             `clock: \"FILE @ 00:01:10 = 2024-06-01T10:21:04Z\"`: what is seen at 1:10 of that file happened then"
        ));
    }
    let Some(span) = span(log) else { return (found, warnings) };
    let (inside, whole) = covered(recordings, span, 0, false);
    if whole == 0 {
        return (found, warnings);
    }
    if inside > 0 {
        found.confidence = u16::try_from(i128::from(inside) * 500 / i128::from(whole)).unwrap_or(0);
        let told = format!("{} % of its footage lies in the log as its clock stands", percent(inside, whole));
        found.note = if found.note.is_empty() { told } else { format!("{told}; {}", found.note) };
        // Half of it beside the log may be so. All of it in the log an hour away
        // may not be chance.
        if let Zone::One { offset, ends } = zone(recordings, span)
            && !is_all((inside, whole))
            && inside < whole / 2
        {
            let (percent, written) = (percent(inside, whole), written(offset / MILLISECOND));
            let by = if ends { " and taken for when recordings end" } else { "" };
            found.alternatives.push((offset / MILLISECOND, 0));
            warnings.push(format!(
                "by the camera's clock {percent} % of its footage lies in the log; moved by {written}{by} all of it \
                 would: write `clock: \"{written}\"` in its footage set, or `clock: \"0s\"` where its clock is right"
            ));
        }
        return (found, warnings);
    }
    match zone(recordings, span) {
        Zone::One { offset, ends } => {
            let clock = |recording: &Recorded| {
                let end = if ends { recording.duration } else { 0 };
                let start = recording.claimed.map(|at| whole_ms(at.saturating_add(offset).saturating_sub(end)));
                RecordingClock { start, drift: 0 }
            };
            let zoned = Alignment {
                method: AlignMethod::Zone,
                offset_ms: Some(offset / MILLISECOND),
                confidence: 300,
                clocks: recordings.iter().map(clock).collect(),
                alternatives: found.alternatives,
                tried: Vec::new(),
                note: if ends { "it says when a recording ends".to_owned() } else { String::new() },
            };
            warnings.push(unsure(&zoned, ""));
            return (zoned, warnings);
        }
        Zone::Several(fitting) => {
            let offsets: Vec<String> = fitting.iter().map(|offset| written(offset / MILLISECOND)).collect();
            found.note = format!("the footage would lie in the log at {}", offsets.join(", "));
        }
        Zone::None => {}
    }
    let warning = "none of the camera's footage lies in the log by its clock, and no zone of the world explains it: \
                   nothing of the log is shown with it; write `clock` in its footage set (`clock: Motion` compares how much \
                   the picture moves with the log's speed, which is never sure)";
    warnings.push(warning.to_owned());
    (found, warnings)
}
