//! GPMF: what GoPro's cameras and their drone write beside the pictures, as a
//! raw dump or as the media program takes it out of a film.
//!
//! Decoded here and not by a crate: `gpmf` (0.1.2) calls itself unfinished,
//! `telemetry-parser` gives tags and not positions over time and reads whole
//! films itself, which is the media program's to do.
//!
//! Read are positions (GPS9, else GPS5, else the Karma's GLPI with GPRI), their
//! quality (GPSF, GPSP), their clock (GPSU, GPS9's own, the Karma's SYST), what
//! the user marked (HMMT, by the media program), and accelerometer, gyroscope,
//! gravity and orientation, averaged over 0.1 s.

mod decode;
mod klv;

use std::io::{Read, Write};

use crate::base::{Diagnostic, Unit};
use crate::manifest::schema::{choices, schema};
use crate::model::payloads;
use crate::model::telemetry::{Dropped, LogClock, Mark, MarkKind, Reason};
use crate::telemetry::import::{Wrote, parameters, unreadable};
use crate::telemetry::table::{Repeated, Table};
use crate::telemetry::zone::Zone;

pub(crate) use decode::{Anchor, Decoded};

schema! {
    /// The telemetry of a GoPro: a raw dump (`.gpmf`). What lies in the films
    /// themselves needs no dump: that is `Footage`.
    pub struct Gpmf = "Gpmf" {
        /// Positions with a dilution of precision above this are dropped.
        max_dop: f64 = 5.0,
        /// Which clock the samples' times are of.
        time: GpmfTime = GpmfTime::Auto,
    }
}

schema! {
    /// The telemetry that lies in a camera's own films: no file of its own.
    pub struct Footage = "Footage" {
        /// The name of the footage set.
        camera: String,
        /// Positions with a dilution of precision above this are dropped.
        max_dop: f64 = 5.0,
    }
}

/// How a film's track is read as a log: the format and its parameters, from
/// those of [`Footage`]. The camera's name is not among them: it changes nothing.
///
/// # Errors
///
/// Parameters that are none.
pub fn within_footage(params: &str) -> Result<(&'static str, u32, String), Diagnostic> {
    let Footage { camera: _, max_dop } = parameters("Footage", params)?;
    let params = serde_json::to_string(&Footage { camera: String::new(), max_dop });
    let params =
        params.map_err(|error| Diagnostic::bug(format!("the parameters of Footage cannot be stored: {error}")))?;
    Ok(("Footage", VERSION, params))
}

choices! {
    /// Which clock counts.
    pub enum GpmfTime = "a clock" {
        /// The receiver's where it has one; else that of the film.
        Auto,
        /// The receiver's: UTC.
        Gps,
        /// Time in the film: the log starts with its recording, which
        /// `start: "front/GX010012"` names.
        Media,
    }
}

/// As it stands in a manifest.
pub(super) const EXAMPLE: &str = r#"Gpmf(file: "GX010012.gpmf", max_dop: 8.0)"#;

pub(super) const FOOTAGE_EXAMPLE: &str = r#"Footage(camera: "front")"#;

/// Raised whenever the same file would give other samples.
pub(super) const VERSION: u32 = 2;

/// Largest file that is read: ten hours.
const MOST_BYTES: u64 = 1 << 28;

const HINT: &str = "the camera had no view of the sky, or its GPS was switched off: use another logger's file";

/// Reads a file with parameters as JSON.
pub(super) fn import(input: &mut dyn Read, params: &str, out: &mut dyn Write) -> Wrote {
    read(input, &parameters("Gpmf", params)?, Wanted::Usable, out)
}

/// Reads all that a file has: every sample of its positions is a row, whatever
/// the receiver knew. Of parameters as JSON only the clock counts.
pub(crate) fn every_sample(input: &mut dyn Read, params: Option<&str>, out: &mut dyn Write) -> Wrote {
    let params = params.map_or_else(|| Ok(Gpmf::default()), |params| parameters("Gpmf", params));
    read(input, &params?, Wanted::Every, out)
}

/// Reads a film's track. One in which nothing is (the receiver was switched off,
/// or never saw the sky) is an empty log and no error: the camera has others.
pub(super) fn import_footage(input: &mut dyn Read, params: &str, out: &mut dyn Write) -> Wrote {
    let Footage { camera: _, max_dop } = parameters("Footage", params)?;
    read(input, &Gpmf { max_dop, ..Gpmf::default() }, Wanted::OfFilm, out)
}

/// Reads a file of which nothing is known; its times name their zone.
pub(super) fn plain(input: &mut dyn Read, _: Option<&Zone>, out: &mut dyn Write) -> Wrote {
    read(input, &Gpmf::default(), Wanted::Usable, out)
}

/// What is wanted of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// Positions that are good enough.
    Usable,
    /// The same of a film, which may hold nothing.
    OfFilm,
    /// Every sample, whatever it is worth.
    Every,
}

/// Whether a file that starts so holds payloads.
pub(super) fn looks(head: &[u8]) -> bool {
    payloads::looks(head)
}

/// What a file of payloads says, with the tags in it (ns of media time).
pub(crate) fn decode(bytes: &[u8]) -> Result<(Decoded, Vec<i64>), Diagnostic> {
    let split = payloads::split(bytes).ok_or_else(|| {
        Diagnostic::input("the file holds no GPMF: it does not start with `DEVC`")
            .hint("extract the track again: `ffmpeg -i GX010012.MP4 -map 0:d:m:handler_name:\"GoPro MET\" -c copy -f data GX010012.gpmf`")
    })?;
    let mut decoded = decode::decode(&split.payloads);
    decoded.foreign = split.foreign;
    decoded.more |= split.more;
    Ok((decoded, split.tags))
}

fn read(input: &mut dyn Read, params: &Gpmf, wanted: Wanted, out: &mut dyn Write) -> Wrote {
    let mut bytes = Vec::new();
    input.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Diagnostic::input(format!("the GPMF file is larger than {} MiB", MOST_BYTES >> 20))
            .hint("give the recordings one by one"));
    }
    let (decoded, tags) = decode(&bytes)?;
    drop(bytes);
    let every = wanted == Wanted::Every;
    let mut table = Table::new(Repeated::Dropped, out);
    let utc = params.time != GpmfTime::Media && decoded.anchors.iter().any(|anchor| is_precise(anchor.dop, params));
    if params.time == GpmfTime::Gps && !utc {
        return Err(Diagnostic::input("the receiver never knew what time it was")
            .hint("write `time: Media` and `start: \"camera/recording\"`"));
    }
    let clock = clock(&decoded, params.max_dop).filter(|_| utc);
    let (mut unfixed, mut imprecise, mut untimed, mut wrong, mut placed) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for fix in &decoded.fixes {
        if !every && !fix.is_fixed() {
            unfixed += 1;
            continue;
        }
        if !every && !is_precise(fix.dop, params) {
            imprecise += 1;
            continue;
        }
        // One stamp that runs ahead would cost all that comes behind it: those
        // that the others contradict give way to what these say together.
        let time = match (clock, fix.utc) {
            (None, _) => fix.media,
            (Some(clock), Some(stated)) if clock.agrees(fix.media, stated) => stated,
            (Some(clock), stated) => {
                *(if stated.is_some() { &mut wrong } else { &mut untimed }) += 1;
                clock.at(fix.media)
            }
        };
        for (name, unit, value) in [
            ("latitude", Unit::Degrees, fix.latitude),
            ("longitude", Unit::Degrees, fix.longitude),
            ("altitude", Unit::Metres, fix.altitude),
            ("speed", Unit::MetresPerSecond, fix.speed),
            ("speed_3d", Unit::MetresPerSecond, fix.speed_3d),
            ("heading", Unit::Degrees, fix.heading),
            ("fix", Unit::None, fix.fix),
            ("dop", Unit::None, fix.dop),
            ("satellites", Unit::None, fix.satellites),
        ] {
            table.put(name, unit, value);
        }
        sensors(&decoded, fix.media, &mut table);
        if !every && let Err(reason) = table.check_position() {
            table.bad.add(crate::model::telemetry::Spot::Byte(0), || reason);
            table.clear();
            continue;
        }
        // Where fixes come and go, times by the receiver and those that its others
        // imply can cross by some ms: a row is one all the same.
        table.add(if every { time.max(table.last_time().saturating_add(1)) } else { time })?;
        placed += 1;
    }
    let utc_of = |media: i64| clock.map_or(media, |clock| clock.at(media));
    // Without any position, indoors for instance, the sensors tell all the same.
    if placed == 0
        && let Some(first) = decoded.sensors.first()
    {
        for time in first.times() {
            sensors(&decoded, time, &mut table);
            table.add(utc_of(time))?;
        }
    }
    for tag in tags {
        table.mark(Mark { time: utc_of(tag), kind: MarkKind::Event, name: "HiLight".to_owned(), place: None });
    }
    for (count, what) in [
        (unfixed, "positions are left out: the receiver had no fix"),
        (imprecise, &format!("positions are left out: their dilution of precision is above {}", params.max_dop)),
        (untimed, "positions have no time by the receiver: they have the one that its others imply"),
        (wrong, "positions have a time that the receiver's others contradict: they have the one these imply"),
        (decoded.damaged, "payloads are damaged and read as far as they go"),
        (decoded.foreign, "bytes are no GPMF and are passed over"),
    ] {
        if count > 0 {
            table.notes.push(format!("{count} {what}"));
        }
    }
    if decoded.more {
        table.notes.push("there is more than can be read: what comes behind is left out".to_owned());
    }
    if let Some(clock) = clock.filter(|clock| clock.agree * 2 < clock.anchors) {
        let (agree, anchors) = (clock.agree, clock.anchors);
        table.notes.push(format!("the receiver's times contradict each other: {agree} of {anchors} agree"));
    }
    let dropped = [(unfixed, Reason::NoFix), (imprecise, Reason::Imprecise)];
    for (count, why) in dropped.into_iter().filter(|(count, _)| *count > 0) {
        table.dropped.push(Dropped { what: "positions".to_owned(), why, count });
    }
    let of = decoded.device.as_deref().map_or_else(String::new, |device| format!(" of {device}"));
    let stream = if decoded.stream.is_empty() { String::new() } else { format!(" ({})", decoded.stream) };
    let clock = if utc { LogClock::Utc } else { LogClock::Start };
    let format = format!("GPMF{of}{stream}");
    if wanted == Wanted::OfFilm && !table.has_values() {
        table.notes.push("nothing is in it, so the film counts as one without telemetry".to_owned());
        return table.finish(format, clock, false);
    }
    table.finish_or(&format, clock, HINT, false)
}

fn is_precise(dop: f64, params: &Gpmf) -> bool {
    dop.is_nan() || dop <= params.max_dop
}

/// What the sensors say at a time, into the row.
fn sensors(decoded: &Decoded, media: i64, table: &mut Table) {
    for sensor in &decoded.sensors {
        for (axis, name) in sensor.kind.channels.iter().enumerate() {
            table.put(name, sensor.kind.unit, sensor.at(media, axis));
        }
    }
}

/// The clock of the receiver against that of the film.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GpsClock {
    /// UTC at media time 0, in ns.
    pub(crate) start: i64,
    /// By how much UTC goes faster than the film, in parts per million.
    pub(crate) drift: f64,
    /// Half of the anchors lie within this of the line, in ns.
    pub(crate) spread: i64,
    /// How many anchors there are, and how many of them agree.
    pub(crate) anchors: usize,
    pub(crate) agree: usize,
}

impl GpsClock {
    /// UTC at a media time, both in ns.
    pub(crate) fn at(&self, media: i64) -> i64 {
        let drift = libm::round(media as f64 * self.drift / 1e6) as i64;
        self.start.saturating_add(media).saturating_add(drift)
    }

    /// Whether a stamp is one of those that agree.
    pub(crate) fn agrees(&self, media: i64, utc: i64) -> bool {
        utc.abs_diff(self.at(media)) <= AGREE as u64
    }
}

/// UTC as a + b x media time; see [`fit`].
pub(crate) fn clock(decoded: &Decoded, max_dop: f64) -> Option<GpsClock> {
    let precise = decoded.anchors.iter().filter(|anchor| anchor.dop.is_nan() || anchor.dop <= max_dop);
    fit(&precise.copied().collect::<Vec<_>>())
}

/// Below this span of anchors, in ns, nothing can be said of drift.
const DRIFT_SPAN: i64 = 300_000_000_000;
/// A camera's quartz is not further off than this, in parts per million.
const MOST_DRIFT: f64 = 200.0;
/// Anchors that are further than this from the rest are wrong, in ns.
const AGREE: i64 = 1_500_000_000;

/// UTC as a + b x media time through anchors: the median of all, then of those
/// that agree with it; b by the median of slopes (Theil and Sen) where they lie
/// far enough apart.
pub(crate) fn fit(anchors: &[Anchor]) -> Option<GpsClock> {
    let away = |anchor: &Anchor| anchor.utc.saturating_sub(anchor.media);
    let start = median(anchors.iter().map(away).collect())?;
    let near: Vec<&Anchor> = anchors.iter().filter(|anchor| away(anchor).abs_diff(start) <= AGREE as u64).collect();
    let first = near.iter().map(|anchor| anchor.media).min()?;
    let last = near.iter().map(|anchor| anchor.media).max()?;
    let mut slope = 0.0;
    if last.saturating_sub(first) >= DRIFT_SPAN {
        // At most 300 of them: 45,000 pairs.
        let some: Vec<&&Anchor> = near.iter().step_by(near.len().div_ceil(300)).collect();
        let mut slopes = Vec::new();
        for (at, a) in some.iter().enumerate() {
            for b in &some[at + 1..] {
                let span = b.media.saturating_sub(a.media);
                if span >= DRIFT_SPAN / 4 {
                    slopes.push(away(b).saturating_sub(away(a)) as f64 / span as f64);
                }
            }
        }
        let middle = slopes.len() / 2;
        if !slopes.is_empty() {
            slope = *slopes.select_nth_unstable_by(middle, f64::total_cmp).1;
        }
        slope = if slope.abs() * 1e6 > MOST_DRIFT { 0.0 } else { slope };
    }
    let line = |slope: f64| {
        let straight = |anchor: &&Anchor| away(anchor).saturating_sub((anchor.media as f64 * slope) as i64);
        let start = median(near.iter().map(straight).collect())?;
        let off = near.iter().map(|anchor| straight(anchor).saturating_sub(start).saturating_abs());
        Some((start, median(off.collect())?))
    };
    let (mut start, mut spread) = line(slope)?;
    // What the stamps' own scatter can do is no drift.
    if slope != 0.0 && slope.abs() * (last.saturating_sub(first) as f64) < 2.0 * spread as f64 {
        slope = 0.0;
        (start, spread) = line(slope)?;
    }
    Some(GpsClock { start, drift: slope * 1e6, spread, anchors: anchors.len(), agree: near.len() })
}

fn median(mut values: Vec<i64>) -> Option<i64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable(middle).1)
}
