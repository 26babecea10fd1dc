//! What a camera says of when it started: as it is, moved by whole quarter
//! hours, or beside what the log says.

use super::correlate::{Curve, near};
use super::{Known, LONG, MILLISECOND, NEAR, Recorded, SECOND, in_ms, logger, median, unsure, whole_ms, written};
use crate::model::Telemetry;
use crate::model::alignment::{AlignMethod, Alignment, RecordingClock};

const QUARTER: i64 = 900 * SECOND;

/// Below this likeness a speed is another one; from the second on it confirms a
/// clock.
pub(super) const UNLIKE: f64 = 0.3;
pub(super) const LIKE: f64 = 0.8;

/// What is said of a clock that is kept for want of anything better.
pub(super) const UNCONFIRMED: &str = "it is taken as the camera states it; nothing confirms it";

/// Offsets that differ by no more than this, in ms, are one.
const SAME: i64 = 20;

/// So many ways to mean a clock are named; more are counted.
const MOST_NAMED: usize = 6;

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

/// What the camera says, of which all lies in a log and nothing can be compared.
pub(super) fn kept(recordings: &[Recorded], span: (i64, i64)) -> Alignment {
    let (inside, whole) = covered(recordings, span, Meant::AS_IT_IS);
    let told = share(inside, whole);
    Alignment {
        confidence: confidence(inside, whole),
        alternatives: alternatives(recordings, &zones(recordings, span, &WAYS).all),
        note: format!("{told}; {UNCONFIRMED}"),
        ..claimed(recordings)
    }
}

fn share(inside: i64, whole: i64) -> String {
    format!("{} % of its footage lies in the log as its clock stands", percent(inside, whole))
}

fn confidence(inside: i64, whole: i64) -> u16 {
    u16::try_from(i128::from(inside) * 500 / i128::from(whole.max(1))).unwrap_or(0)
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

/// All but what clocks are not exact by, in percent.
const ALL: i64 = 99;

/// Of footage that begins before the log does or goes on after it, in percent.
const MOST: i64 = 90;
const HALF: i64 = 50;

/// Whether so many percent of the footage lie in the log.
fn is_in((inside, whole): (i64, i64), least: i64) -> bool {
    whole > 0 && i128::from(inside) * 100 >= i128::from(whole) * i128::from(least)
}

/// The log from its first sample to its last, on UTC.
fn span((log, shift): (&Telemetry, i64)) -> Option<(i64, i64)> {
    Some((log.times.first()?.saturating_add(shift), log.times.last()?.saturating_add(shift)))
}

/// Whether all of the footage lies in the log, as the camera says.
pub(super) fn lies_within(recordings: &[Recorded], log: (&Telemetry, i64)) -> bool {
    span(log).is_some_and(|span| is_in(covered(recordings, span, Meant::AS_IT_IS), ALL))
}

/// How like the log's the camera's own speed is where its clock has it, where a
/// minute or more tells.
pub(super) fn likeness(recordings: &[Recorded], known: &[Known], (log, shift): (&Telemetry, i64)) -> Option<f64> {
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
    Some(found.score)
}

/// What would put the footage into the log.
struct Zones {
    /// The only one of the likeliest kind that does.
    likeliest: Option<Meant>,
    /// All, the likeliest first.
    all: Vec<Meant>,
}

/// A way to mean a clock: which quarters of an hour it is off by, whether it says
/// when recordings end, and how much of the footage has to lie in the log, in
/// percent.
type Way = (fn(i64) -> bool, bool, i64);

/// Whole hours come first; then the clock as it is, if it says when recordings
/// end; then halves, quarters, and ends whole hours away. These put all of the
/// footage into the log.
const WAYS: [Way; 5] = [
    (is_hour, false, ALL),
    (|quarters| quarters == 0, true, ALL),
    (|quarters| quarters % 4 == 2 || quarters % 4 == -2, false, ALL),
    (|quarters| quarters % 2 != 0, false, ALL),
    (is_hour, true, ALL),
];

/// The same with the whole hours that leave some of it beside the log: whoever
/// starts camera and logger by hand starts one of them first.
const LOOSE_WAYS: [Way; 7] =
    [WAYS[0], WAYS[1], (is_hour, false, MOST), WAYS[2], WAYS[3], WAYS[4], (is_hour, false, HALF)];

fn is_hour(quarters: i64) -> bool {
    quarters != 0 && quarters % 4 == 0
}

fn zones(recordings: &[Recorded], span: (i64, i64), ways: &[Way]) -> Zones {
    let (mut all, mut likeliest) = (Vec::new(), None);
    for (is_of, ends, least) in ways {
        // Zones of the world are 14 hours from UTC at most.
        let quarters = (-14 * 4..=14 * 4_i64).filter(|quarters| is_of(*quarters));
        let meant = quarters.map(|quarters| Meant { offset: quarters * QUARTER, ends: *ends });
        let fits = |meant: &Meant| is_in(covered(recordings, span, *meant), *least);
        let kind: Vec<Meant> = meant.filter(|meant| fits(meant) && !all.contains(meant)).collect();
        if let ([only], true) = (kind.as_slice(), all.is_empty()) {
            likeliest = Some(*only);
        }
        all.extend(kind);
    }
    Zones { likeliest, all }
}

impl Zones {
    /// All but the likeliest.
    fn rivals(&self) -> Vec<Meant> {
        self.all.iter().copied().filter(|meant| Some(*meant) != self.likeliest).collect()
    }
}

/// As alternatives, of which a few tell enough.
fn alternatives(recordings: &[Recorded], all: &[Meant]) -> Vec<(i64, i16)> {
    all.iter().take(MOST_NAMED).map(|meant| (meant.offset_ms(recordings), 0)).collect()
}

/// In words: "-1:00:00.000, -2:10:00.000 (if it says when recordings end) or 3 more".
fn named(recordings: &[Recorded], all: &[Meant]) -> String {
    let name = |meant: &Meant| {
        let by = if meant.ends { " (if it says when recordings end)" } else { "" };
        format!("{}{by}", written(meant.offset_ms(recordings)))
    };
    let mut names: Vec<String> = all.iter().take(MOST_NAMED).map(name).collect();
    if all.len() > MOST_NAMED {
        names.push(format!("{} more", all.len() - MOST_NAMED));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
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
        found.confidence = confidence(inside, whole);
        let told = share(inside, whole);
        found.note = if found.note.is_empty() { told } else { format!("{told}; {}", found.note) };
        // Half of it beside the log may be so. All of it in the log an hour away
        // may not be chance.
        let zones = zones(recordings, span, &WAYS);
        found.alternatives.extend(alternatives(recordings, &zones.all));
        if !zones.all.is_empty() && !is_in((inside, whole), ALL) && inside < whole / 2 {
            warnings.push(beside(recordings, percent(inside, whole), &zones));
        }
        return (found, warnings);
    }
    let zones = zones(recordings, span, &LOOSE_WAYS);
    let rivals = zones.rivals();
    found.alternatives.extend(alternatives(recordings, &rivals));
    if let Some(meant) = zones.likeliest {
        let clock = |recording: &Recorded| RecordingClock { start: meant.start(recording).map(whole_ms), drift: 0 };
        let (inside, whole) = covered(recordings, span, meant);
        let percent = percent(inside, whole);
        let zoned = Alignment {
            method: AlignMethod::Zone,
            offset_ms: Some(meant.offset_ms(recordings)),
            confidence: if percent >= ALL { 300 } else { 250 },
            clocks: recordings.iter().map(clock).collect(),
            alternatives: found.alternatives,
            tried: Vec::new(),
            note: match (meant.ends, percent) {
                (true, _) => "it says when a recording ends".to_owned(),
                (false, ALL..) => String::new(),
                (false, percent) => format!("{percent} % of its footage lies in the log there"),
            },
        };
        let why = match (meant.ends, percent) {
            (true, _) => ", taken for when recordings end".to_owned(),
            (false, ALL..) => String::new(),
            (false, percent) => format!(", with {percent} % of the footage in the log"),
        };
        let mut warning = unsure(&zoned, &why, meant.is_one(recordings));
        if !rivals.is_empty() {
            warning += &format!("; it might be {} as well", named(recordings, &rivals));
        }
        warnings.push(warning);
        return (zoned, warnings);
    }
    let explained = match rivals.is_empty() {
        true => "no zone of the world explains it".to_owned(),
        false => {
            let named = named(recordings, &rivals);
            found.note = format!("the footage would lie in the log at {named}");
            format!("it would at {named}, of which none is taken")
        }
    };
    warnings.push(format!(
        "none of the camera's footage lies in the log by its clock, and {explained}: nothing of the log is shown with \
         it; write `clock` in its footage set (`clock: Motion` compares how much the picture moves with the log's \
         speed, which is never sure)"
    ));
    (found, warnings)
}

/// That more than half of the footage lies beside the log, but would lie in it.
fn beside(recordings: &[Recorded], percent: i64, zones: &Zones) -> String {
    let rivals = zones.rivals();
    let (moved, pin) = match zones.likeliest {
        Some(meant) => {
            // What is written in a manifest is when recordings start.
            let pin = match meant.is_one(recordings) {
                true => format!("`clock: \"{}\"` in its footage set", written(meant.offset_ms(recordings))),
                false => {
                    "what is seen in each, such as `clock: [\"FILE @ 00:01:10 = 2024-06-01T10:21:04Z\"]`".to_owned()
                }
            };
            let others = match rivals.is_empty() {
                true => String::new(),
                false => format!(" (and at {} as well)", named(recordings, &rivals)),
            };
            let moved = match (meant.offset, meant.ends) {
                (0, _) => "taken for when recordings end".to_owned(),
                (offset, true) => {
                    format!("moved by {} and taken for when recordings end", written(offset / MILLISECOND))
                }
                (offset, false) => format!("moved by {}", written(offset / MILLISECOND)),
            };
            (format!("{moved} all of it would{others}"), pin)
        }
        None => {
            let moved = format!("moved by {} all of it would", named(recordings, &rivals));
            (moved, "the right one of these as `clock` in its footage set".to_owned())
        }
    };
    format!(
        "by the camera's clock {percent} % of its footage lies in the log; {moved}: write {pin}, or `clock: \"0s\"` \
         where its clock is right"
    )
}
