//! When a camera's recordings start, by the surest of what there is:
//!
//! 1. UTC of the receiver in the camera, a + b x media time over a whole
//!    recording, its chapters together ([`gpmf::fit`]).
//! 2. The camera's own speed, else what its accelerometer feels, beside the
//!    logger's speed, or how much the picture moves where that is asked for
//!    ([`correlate`]): all recordings of the camera together,
//!    since its clock is wrong by about the same for all; then each on its own
//!    ([`settle`]), since cameras state whole seconds.
//! 3. What the camera says, as it is where that lies within the log; else moved
//!    by whole hours, then by quarters, where just one of these puts all footage
//!    into the log, as the start of a recording or as its end, or a whole hour most
//!    of it ([`claims`]).
//!
//! Offsets are whole milliseconds. What is not sure is told, and so is what
//! contradicts that which was taken.

mod claims;
mod correlate;
mod settle;

use self::correlate::{Curve, Logger, Match};
use super::gpmf;
use super::lookup::Lookup;
use crate::base::{Diagnostic, Digest, Timestamp};
use crate::model::Telemetry;
use crate::model::alignment::{AlignMethod, Alignment, Attempt, RecordingClock};
use crate::model::signal::Signal;

/// One recording of the camera.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When the camera says that it starts: UTC in ns.
    pub claimed: Option<i64>,
    /// In ns.
    pub duration: i64,
    pub chapters: Vec<Chapter>,
}

/// One file of a recording.
#[derive(Clone, Debug, Default)]
pub struct Chapter {
    /// Where it starts in the recording, in ns.
    pub offset: i64,
    /// Its telemetry track.
    pub payloads: Option<Digest>,
    /// How much its picture moves, where that is asked for.
    pub motion: Vec<Digest>,
}

/// Reads a telemetry track: they are asked for one after another, since each may
/// be large.
pub type Tracks<'a> = dyn Fn(Digest) -> Result<Vec<u8>, Diagnostic> + 'a;

/// Reads how much a picture moves.
pub type Motions<'a> = dyn Fn(Digest) -> Result<Signal, Diagnostic> + 'a;

/// Dilution of precision above which a receiver is not believed.
const MOST_DOP: f64 = 5.0;

/// Least confidence at which a match counts, and at which nothing is told, in
/// 1 / 1,000.
const LEAST: u16 = 250;
const SURE: u16 = 600;

/// Least confidence of a match of little footage, which may be like a part of a
/// long log by chance. Of 70 clips of 12 to 30 s that were of another day, the best
/// came to 790, and of made ones to 810.
const SHORT: u16 = 850;

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;

/// Less footage than this, in ns, is little.
const LONG: i64 = 60 * SECOND;

/// A match this near to what the camera says is no chance: it says whole seconds.
const NEAR: i64 = 2 * SECOND;

/// Media time in ns and a value, by recording.
type Samples = fn(&Known) -> &[(i64, f64)];

/// What of a camera is compared with the log's speed, the best first.
const CURVES: [(AlignMethod, Samples); 3] = [
    (AlignMethod::Speed, |known| &known.speed),
    (AlignMethod::Shaking, |known| &known.shaking),
    (AlignMethod::Motion, |known| &known.motion),
];

/// What a recording says of itself.
struct Known {
    clock: Option<gpmf::GpsClock>,
    /// Media time in ns and speed in m/s.
    speed: Vec<(i64, f64)>,
    /// Media time in ns and how much the camera shakes, in m/s².
    shaking: Vec<(i64, f64)>,
    /// Media time in ns and how much the picture changes between two looks at
    /// it, in percent.
    motion: Vec<(i64, f64)>,
}

/// What was compared, as far as it was found.
struct Compared {
    found: Alignment,
    /// In 1 / 1,000.
    score: i16,
    /// Whether it is more than little footage that lies beside the log there.
    is_long: bool,
}

/// Aligns the recordings of one camera, with a log whose times and the shift
/// that brings them to UTC are given; with what people should be told.
///
/// # Errors
///
/// A track that is none, or cannot be read.
pub fn align(
    recordings: &[Recorded],
    log: Option<(&Telemetry, i64)>,
    tracks: &Tracks<'_>,
    motions: &Motions<'_>,
) -> Result<(Alignment, Vec<String>), Diagnostic> {
    let mut known = recordings
        .iter()
        .map(|recording| read(recording, tracks, motions))
        .collect::<Result<Vec<Known>, Diagnostic>>()?;
    let mut tried = Vec::new();
    // Two stamps of one second may both be wrong, and so may most of those of a
    // receiver that was seldom right: such a recording follows the others.
    let stamps: usize = known.iter().filter_map(|known| known.clock).map(|clock| clock.anchors).sum();
    for known in &mut known {
        known.clock = known.clock.filter(|clock| clock.agree >= 3 && clock.agree * 2 >= clock.anchors);
    }
    if let Some(found) = by_receiver(recordings, &known) {
        return Ok((reported(found, tried), Vec::new()));
    }
    let told = match stamps {
        0 => "no recording has times of a receiver".to_owned(),
        count => format!("too few of {count} times of the receiver agree"),
    };
    tried.push(Attempt { method: AlignMethod::Receiver, offset_ms: None, confidence: 0, found: told });
    let Some(log) = log else { return Ok((reported(claims::claimed(recordings), tried), Vec::new())) };
    let mut doubtful: Option<Alignment> = None;
    for (method, samples) in CURVES {
        let is_motion = method == AlignMethod::Motion;
        if is_motion && known.iter().all(|known| known.motion.is_empty()) {
            continue;
        }
        let Compared { found, score, is_long } = match by_curve(recordings, &known, log, method, samples) {
            Ok(compared) => compared,
            Err(told) => {
                tried.push(Attempt { method, offset_ms: None, confidence: 0, found: told });
                continue;
            }
        };
        // How much a camera shakes tells less than how fast it moves.
        let is_sure = found.confidence >= SURE && !is_motion && is_long;
        let as_claimed = found.offset_ms.is_some_and(|offset| offset.saturating_mul(MILLISECOND).abs() <= NEAR);
        // A claim that lies in the log is not given up for what may be chance.
        let is_better = (is_sure && is_long)
            || (as_claimed && score >= 800 && method == AlignMethod::Speed)
            // That is what was asked for.
            || (is_motion && is_long)
            || !claims::lies_within(recordings, log);
        let least = if is_long || as_claimed { LEAST } else { SHORT };
        if found.confidence >= least && is_better {
            let why = if is_long { "" } else { " by less than a minute of footage" };
            let warnings =
                if is_sure || (as_claimed && !is_motion) { Vec::new() } else { vec![unsure(&found, why, true)] };
            return Ok((reported(found, tried), warnings));
        }
        tried.push(attempt(&found));
        doubtful.get_or_insert(found);
    }
    let (mut found, mut warnings) = claims::by_claim(recordings, log, doubtful.as_ref());
    // What lies beside the log is told of otherwise.
    if found.method == AlignMethod::Claimed && found.confidence > 0 {
        let told = match claims::likeness(recordings, &known, log) {
            Some(likeness) if likeness < claims::UNLIKE => {
                let told =
                    format!("its own speed is not like the log's where its clock has it (likeness {likeness:.2})");
                if warnings.is_empty() {
                    warnings.push(format!(
                        "the camera's clock may be wrong: {told}; look at a moment that you know, then write `clock` in \
                         its footage set, as `autocut explain clock` shows"
                    ));
                }
                told
            }
            Some(likeness) if likeness >= claims::LIKE => {
                format!("its own speed is like the log's there (likeness {likeness:.2})")
            }
            _ => claims::UNCONFIRMED.to_owned(),
        };
        // Little footage moves no clock that puts all of it into the log, but what is
        // hardly ever so by chance is told.
        if let Some(other) = doubtful.as_ref().filter(|other| warnings.is_empty() && contradicts(other)) {
            let offset = other.offset_ms.map_or_else(String::new, written);
            warnings.push(format!(
                "the camera's clock may be wrong: moved by {offset}, its own speed would be that of the log ({} of 100 by \
                 less than a minute of footage); look at a moment that you know, then write `clock: \"{offset}\"` in its \
                 footage set, or `clock: \"0s\"` where its clock is right",
                other.confidence / 10
            ));
        }
        found.note = if found.note.is_empty() { told } else { format!("{}; {told}", found.note) };
    }
    Ok((reported(found, tried), warnings))
}

/// Whether a match that was not taken is no chance.
fn contradicts(other: &Alignment) -> bool {
    let is_elsewhere = other.offset_ms.is_some_and(|offset| offset.saturating_mul(MILLISECOND).abs() > NEAR);
    other.method == AlignMethod::Speed && other.confidence >= SHORT && is_elsewhere
}

/// The clock of a camera of which all lies in a log, from its first sample to its
/// last on UTC, and which has nothing that could be compared with it.
pub fn kept(recordings: &[Recorded], span: (i64, i64)) -> Alignment {
    reported(claims::kept(recordings, span), Vec::new())
}

/// With all that was tried, itself at the end.
fn reported(found: Alignment, mut tried: Vec<Attempt>) -> Alignment {
    tried.push(attempt(&found));
    Alignment { tried, ..found }
}

fn attempt(found: &Alignment) -> Attempt {
    let Alignment { method, offset_ms, confidence, note, .. } = found;
    Attempt { method: *method, offset_ms: *offset_ms, confidence: *confidence, found: note.clone() }
}

/// Reads a recording chapter by chapter.
fn read(recording: &Recorded, tracks: &Tracks<'_>, motions: &Motions<'_>) -> Result<Known, Diagnostic> {
    let (mut anchors, mut speed, mut shaking, mut motion) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Chapter { offset, payloads, motion: moving } in &recording.chapters {
        for signal in moving {
            let Signal { times, values } = motions(*signal)?;
            // What lies between two looks happened in the middle of them. The first
            // of a file has none before it.
            for (pair, value) in times.windows(2).zip(values.iter().skip(1)) {
                let middle = pair[0].saturating_add(pair[1].saturating_sub(pair[0]) / 2).saturating_mul(1_000);
                motion.push((middle.saturating_add(*offset), f64::from(*value) / Signal::SCALE * 100.0));
            }
        }
        let Some(payloads) = payloads else { continue };
        let (decoded, _) = gpmf::decode(&tracks(*payloads)?)?;
        let precise = |dop: f64| dop.is_nan() || dop <= MOST_DOP;
        for anchor in decoded.anchors.iter().filter(|anchor| precise(anchor.dop)) {
            anchors.push(gpmf::Anchor { media: anchor.media.saturating_add(*offset), ..*anchor });
        }
        for fix in decoded.fixes.iter().filter(|fix| fix.is_fixed() && precise(fix.dop) && fix.speed.is_finite()) {
            speed.push((fix.media.saturating_add(*offset), fix.speed));
        }
        shaking.extend(decoded.shaking().into_iter().map(|(media, value)| (media.saturating_add(*offset), value)));
    }
    Ok(Known { clock: gpmf::fit(&anchors), speed, shaking, motion })
}

fn whole_ms(nanos: i64) -> i64 {
    nanos.saturating_add(MILLISECOND / 2).div_euclid(MILLISECOND).saturating_mul(MILLISECOND)
}

fn in_ms(nanos: i64) -> i64 {
    whole_ms(nanos) / MILLISECOND
}

/// Parts per million in the steps of a [`RecordingClock`].
fn in_steps(ppm: f64) -> i32 {
    libm::round(ppm * 10.0) as i32 * 100
}

fn median<T: Copy + Ord>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// By the receiver in the camera. Recordings in which it knew nothing (a
/// tunnel) follow by what the camera's clock says between them and the others.
fn by_receiver(recordings: &[Recorded], known: &[Known]) -> Option<Alignment> {
    let clocks = || known.iter().filter_map(|known| known.clock);
    let anchors: usize = clocks().map(|clock| clock.anchors).sum();
    let agree: usize = clocks().map(|clock| clock.agree).sum();
    clocks().next()?;
    let own =
        |(recording, known): (&Recorded, &Known)| Some(in_ms(known.clock?.start.saturating_sub(recording.claimed?)));
    let offset_ms = median(recordings.iter().zip(known).filter_map(own).collect());
    let clock = |(recording, known): (&Recorded, &Known)| match known.clock {
        Some(clock) => RecordingClock { start: Some(whole_ms(clock.start)), drift: in_steps(clock.drift) },
        None => {
            let moved = recording.claimed.zip(offset_ms);
            let moved = moved.map(|(claimed, offset)| claimed.saturating_add(offset.saturating_mul(MILLISECOND)));
            RecordingClock { start: moved.map(whole_ms), drift: 0 }
        }
    };
    let without = known.iter().filter(|known| known.clock.is_none()).count();
    let spread = median(clocks().map(|clock| clock.spread).collect()).unwrap_or(0) / MILLISECOND;
    let mut note = format!("{agree} of {anchors} times of the receiver agree, half of them within {spread} ms");
    if without > 0 {
        note += &format!("; {without} recordings had no signal and follow by the camera's clock");
    }
    Some(Alignment {
        method: AlignMethod::Receiver,
        offset_ms,
        confidence: u16::try_from(agree * 1_000 / anchors.max(1)).unwrap_or(1_000).min(1_000),
        clocks: recordings.iter().zip(known).map(clock).collect(),
        alternatives: Vec::new(),
        tried: Vec::new(),
        note,
    })
}

/// The log's speed.
fn logger<'a>(log: &'a Telemetry) -> Result<Logger<'a>, String> {
    let (Some(first), Some(last)) = (log.times.first(), log.times.last()) else {
        return Err("the log holds nothing".to_owned());
    };
    let speed = Lookup::new(log, "speed").ok_or("the log has no speed")?;
    let mut cursor = speed.cursor();
    Logger::new(*first, *last, move |time| cursor.at(time)).ok_or_else(|| "the log is longer than 60 days".to_owned())
}

/// By a curve of the camera's beside the log's speed; in words, why not.
fn by_curve(
    recordings: &[Recorded],
    known: &[Known],
    (log, shift): (&Telemetry, i64),
    method: AlignMethod,
    samples: Samples,
) -> Result<Compared, String> {
    // Recordings lie together as the camera's clock has them; without one, the
    // one that says most stands alone.
    let is_timed = recordings.iter().any(|recording| recording.claimed.is_some());
    let zero = recordings.iter().filter_map(|recording| recording.claimed).min().unwrap_or(0);
    let alone = known.iter().enumerate().max_by_key(|(_, known)| samples(known).len()).map(|(at, _)| at);
    let place = |at: usize, recording: &Recorded| match recording.claimed {
        Some(claimed) => Some(claimed.saturating_sub(zero)),
        None => (!is_timed && alone == Some(at)).then_some(0),
    };
    let mut points: Vec<(i64, f64)> = Vec::new();
    for (at, (recording, known)) in recordings.iter().zip(known).enumerate() {
        let Some(start) = place(at, recording) else { continue };
        points.extend(samples(known).iter().map(|(media, value)| (media.saturating_add(start), *value)));
    }
    points.sort_by_key(|(time, _)| *time);
    let nothing = match method {
        AlignMethod::Shaking => "the camera has no accelerometer",
        AlignMethod::Motion => "nothing moves",
        _ => "the camera measures no speed",
    };
    let camera = Curve::of_samples(&points).ok_or(nothing)?;
    let mut logger = logger(log)?;
    let equal = method == AlignMethod::Speed;
    let short = || format!("{} s of it is known, which is too little", camera.seconds());
    let Match { lag, confidence, score, others } = correlate::best(&camera, &mut logger, equal).ok_or_else(short)?;
    // A lag is from the camera curve's start to the log's first sample.
    let utc = |lag: i64, curve: i64| lag.saturating_add(logger.first).saturating_sub(curve).saturating_add(shift);
    let joint = utc(lag, camera.start);
    // What lies beside the log there. Curves lack a step at their ends.
    let first = camera.start.saturating_sub(lag);
    let beside = camera
        .between(first, first.saturating_add(log.times.last().map_or(0, |last| last.saturating_sub(logger.first))));
    let is_long = (beside.seconds() as i64).saturating_add(2).saturating_mul(SECOND) >= LONG;
    let offset = whole_ms(joint.saturating_sub(zero));
    let alternatives =
        others.iter().map(|(lag, score)| (in_ms(utc(*lag, camera.start).saturating_sub(zero)), *score)).collect();
    let mut clocks = Vec::with_capacity(recordings.len());
    let mut note = format!("likeness {}.{:03}", score / 1_000, score.rem_euclid(1_000));
    let (mut settled, mut own) = (0, Vec::new());
    for (at, (recording, known)) in recordings.iter().zip(known).enumerate() {
        let Some(place) = place(at, recording) else {
            clocks.push(RecordingClock::default());
            continue;
        };
        let start = joint.saturating_add(place);
        // The curve of the other recordings says which place it is; its own,
        // where in it.
        let found = equal.then(|| settle::settle(samples(known), start.saturating_sub(shift), &mut logger)).flatten();
        settled += usize::from(found.is_some());
        let (start, drift) =
            found.map_or((start, 0), |found| (found.start.saturating_add(shift), in_steps(found.drift)));
        clocks.push(RecordingClock { start: Some(whole_ms(start)), drift });
        own.extend(recording.claimed.map(|claimed| in_ms(start.saturating_sub(claimed))));
    }
    if settled > 0 && recordings.len() > 1 {
        note += &format!("; {settled} of {} recordings found their own place near it", recordings.len());
    }
    let offset_ms = is_timed.then(|| median(own).unwrap_or(offset / MILLISECOND));
    let found = Alignment { method, offset_ms, confidence, clocks, alternatives, tried: Vec::new(), note };
    Ok(Compared { found, score, is_long })
}

/// How an offset is written in a manifest.
pub fn written(offset_ms: i64) -> String {
    let offset = Timestamp::from_millis(offset_ms);
    let sign = if offset.is_negative() { "" } else { "+" };
    format!("{sign}{offset}")
}

/// With what it rests on, where that makes it so, and whether one offset tells all
/// of it.
fn unsure(found: &Alignment, why: &str, is_one: bool) -> String {
    let moved = found.offset_ms.map_or_else(String::new, |offset| format!(", moved by {}", written(offset)));
    let pin = found.offset_ms.map_or_else(
        || "`clock` in its footage set".to_owned(),
        |offset| match is_one {
            true => format!("`clock: \"{}\"` in its footage set where it is right, or the right one", written(offset)),
            false => "`clock` in its footage set, as `autocut explain clock` shows it where it is right".to_owned(),
        },
    );
    format!(
        "the camera's clock{moved}, was found by {} and is not sure ({} of 100{why}): look at a moment that you know, \
         then write {pin}",
        found.method,
        found.confidence / 10
    )
}

#[cfg(test)]
mod tests;
