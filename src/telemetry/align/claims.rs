//! What a camera says of when it started: as it is, moved by whole quarter
//! hours, or beside what the log says.

use super::correlate::{Curve, near};
use super::{Known, LONG, MILLISECOND, NEAR, Recorded, SECOND, in_ms, logger, median, unsure, whole_ms, written};
use crate::model::Telemetry;
use crate::model::alignment::{AlignMethod, Alignment, RecordingClock};

const QUARTER: i64 = 900 * SECOND;

/// Below this likeness a speed is another one.
const UNLIKE: f64 = 0.3;

/// Offsets that differ by no more than this, in ms, are one.
const SAME: i64 = 20;

/// How a camera's clock may be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Meant {
    /// Added to it, in ns.
    offset: i64,
    /// Whether it then says when a recording ends.
    ends: bool,
}

impl Meant {
    const AS_IT_IS: Meant = Meant { offset: 0, ends: false };

    /// When a recording starts by it.
    fn start(self, recording: &Recorded) -> Option<i64> {
        let end = if self.ends { recording.duration } else { 0 };
        Some(recording.claimed?.saturating_add(self.offset).saturating_sub(end))
    }

    /// What is added to what each recording says, to have when it starts: in ms, in
    /// order.
    fn offsets(self, recordings: &[Recorded]) -> Vec<i64> {
        let own = |recording: &Recorded| Some(in_ms(self.start(recording)?.saturating_sub(recording.claimed?)));
        let mut offsets: Vec<i64> = recordings.iter().filter_map(own).collect();
        offsets.sort_unstable();
        offsets
    }

    /// The middle one of these.
    fn offset_ms(self, recordings: &[Recorded]) -> i64 {
        median(self.offsets(recordings)).unwrap_or(self.offset / MILLISECOND)
    }

    /// Whether one offset does for all: ends are as far from starts as a recording
    /// is long.
    fn is_one(self, recordings: &[Recorded]) -> bool {
        let offsets = self.offsets(recordings);
        offsets.first().zip(offsets.last()).is_none_or(|(first, last)| last.saturating_sub(*first) <= SAME)
    }
}

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
fn covered(recordings: &[Recorded], (from, until): (i64, i64), meant: Meant) -> (i64, i64) {
    let (mut inside, mut whole) = (0_i64, 0_i64);
    for recording in recordings {
        let Some(start) = meant.start(recording) else { continue };
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
    span(log).is_some_and(|span| is_all(covered(recordings, span, Meant::AS_IT_IS)))
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

/// What puts all footage into the log, of whole quarter hours.
enum Zone {
    None,
    One(Meant),
    /// More than one.
    Several(Vec<Meant>),
}

fn zone(recordings: &[Recorded], span: (i64, i64)) -> Zone {
    // Zones of the world are 14 hours from UTC at most.
    let zones = || (-14 * 4..=14 * 4_i64).filter(|quarters| *quarters != 0);
    for (step, ends) in [(4, false), (2, false), (1, false), (4, true)] {
        let fitting: Vec<Meant> = zones()
            .filter(|quarters| quarters % step == 0)
            .map(|quarters| Meant { offset: quarters * QUARTER, ends })
            .filter(|meant| is_all(covered(recordings, span, *meant)))
            .collect();
        match fitting[..] {
            [] => {}
            [meant] => return Zone::One(meant),
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
    let (inside, whole) = covered(recordings, span, Meant::AS_IT_IS);
    if whole == 0 {
        return (found, warnings);
    }
    if inside > 0 {
        found.confidence = u16::try_from(i128::from(inside) * 500 / i128::from(whole)).unwrap_or(0);
        let told = format!("{} % of its footage lies in the log as its clock stands", percent(inside, whole));
        found.note = if found.note.is_empty() { told } else { format!("{told}; {}", found.note) };
        // Half of it beside the log may be so. All of it in the log an hour away
        // may not be chance.
        if let Zone::One(meant) = zone(recordings, span)
            && !is_all((inside, whole))
            && inside < whole / 2
        {
            let (percent, offset) = (percent(inside, whole), meant.offset_ms(recordings));
            let by = if meant.ends { " and taken for when recordings end" } else { "" };
            let moved = written(meant.offset / MILLISECOND);
            // What is written in a manifest is when recordings start.
            let pin = match meant.is_one(recordings) {
                true => format!("`clock: \"{}\"` in its footage set", written(offset)),
                false => {
                    "what is seen in each, such as `clock: [\"FILE @ 00:01:10 = 2024-06-01T10:21:04Z\"]`".to_owned()
                }
            };
            found.alternatives.push((offset, 0));
            warnings.push(format!(
                "by the camera's clock {percent} % of its footage lies in the log; moved by {moved}{by} all of it \
                 would: write {pin}, or `clock: \"0s\"` where its clock is right"
            ));
        }
        return (found, warnings);
    }
    match zone(recordings, span) {
        Zone::One(meant) => {
            let clock = |recording: &Recorded| RecordingClock { start: meant.start(recording).map(whole_ms), drift: 0 };
            let zoned = Alignment {
                method: AlignMethod::Zone,
                offset_ms: Some(meant.offset_ms(recordings)),
                confidence: 300,
                clocks: recordings.iter().map(clock).collect(),
                alternatives: found.alternatives,
                tried: Vec::new(),
                note: if meant.ends { "it says when a recording ends".to_owned() } else { String::new() },
            };
            let why = if meant.ends { ", taken for when recordings end" } else { "" };
            warnings.push(unsure(&zoned, why, meant.is_one(recordings)));
            return (zoned, warnings);
        }
        Zone::Several(fitting) => {
            let offsets: Vec<String> = fitting.iter().map(|meant| written(meant.offset_ms(recordings))).collect();
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
