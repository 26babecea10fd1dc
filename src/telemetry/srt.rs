//! Subtitles that say where a camera is: those of DJI's drones above all.
//!
//! DJI has written at least three kinds, and every model adds to them:
//!
//! ```text
//! [latitude: 52.10] [longitude: 4.30] [rel_alt: 1.300 abs_alt: 25.4] [iso : 100]
//! HOME(149.02,-20.25) 2017.08.05 14:11:51 / GPS(149.02,-20.25,16) BAROMETER:1.9
//! F/2.8, SS 50, ISO 100, EV 0, GPS (9.68, 39.96, 18), D 1.7m, H 22.7m, H.S 0.0m/s, V.S -0.0m/s
//! ```
//!
//! So it is not the layout that is read but `name: number` wherever it stands,
//! `GPS(longitude, latitude, satellites)`, which the Matrice 300 writes as
//! `GPS(latitude, longitude, altitude)` with an M behind the last, and the few
//! letters with a number of the last kind. A text without a position gives a
//! sample where it says anything else of the flight.
//!
//! The date in a text is the drone's own, in the pilot's zone and without
//! saying so; where there is none, or where it is not to be believed, a
//! subtitle's place in the film is its time.

use std::io::{Read, Write};

use crate::base::{Diagnostic, Unit};
use crate::manifest::schema::{choices, schema};
use crate::model::telemetry::{LogClock, Spot};
use crate::telemetry::channels::{self, snake_case, squash};
use crate::telemetry::import::{Wrote, parameters};
use crate::telemetry::lines::Lines;
use crate::telemetry::number::{self, Cell};
use crate::telemetry::stamp::{EARLIEST, LATEST, Notation, Stamps};
use crate::telemetry::table::{Repeated, Table};
use crate::telemetry::zone::Zone;

schema! {
    /// Subtitles with coordinates, as DJI's drones write them beside their
    /// films: position, height, speed, gimbal, exposure.
    pub struct Srt = "Srt" {
        /// Which of the times counts.
        time: SrtTime = SrtTime::Auto,
        /// The zone of the dates, which name none: `Europe/Berlin`, `+05:30` or
        /// `UTC`.
        timezone: Option<Zone> = None,
    }
}

choices! {
    /// Which of a subtitle's times counts.
    pub enum SrtTime = "a subtitle's time" {
        /// The date where the texts have one, else the place in the film.
        Auto,
        /// The date in the text.
        Date,
        /// The place in the film: the log starts with its recording, which
        /// `start: "drone/DJI_0001"` names.
        Cue,
    }
}

/// As it stands in a manifest.
pub(super) const EXAMPLE: &str = r#"Srt(file: "DJI_0001.SRT", time: Cue, start: "drone/DJI_0001")"#;

/// Raised whenever the same file would give other numbers.
pub(super) const VERSION: u32 = 2;

/// Lines of a text that are kept.
const LONGEST_TEXT: usize = 16 * 1024;

/// Names of numbers, squashed, that are a channel.
const NAMES: &[(&str, &str, Unit)] = &[
    ("latitude", "latitude", Unit::Degrees),
    ("lat", "latitude", Unit::Degrees),
    ("longitude", "longitude", Unit::Degrees),
    // So it stands in the firmware of the Mavic 2.
    ("longtitude", "longitude", Unit::Degrees),
    ("lon", "longitude", Unit::Degrees),
    ("lng", "longitude", Unit::Degrees),
    ("long", "longitude", Unit::Degrees),
    ("absalt", "altitude", Unit::Metres),
    ("altitude", "altitude", Unit::Metres),
    ("alt", "altitude", Unit::Metres),
    ("relalt", "relative_altitude", Unit::Metres),
    ("barometer", "relative_altitude", Unit::Metres),
    ("h", "relative_altitude", Unit::Metres),
    ("d", "home_distance", Unit::Metres),
    ("hs", "speed", Unit::MetresPerSecond),
    ("vs", "vertical_speed", Unit::MetresPerSecond),
    ("speed", "speed", Unit::MetresPerSecond),
];

/// Numbers that count subtitles and not what the drone does.
const PASSED_OVER: &[&str] = &["srtcnt", "framecnt", "difftime", "delta"];

const HINT: &str = "subtitles with coordinates have texts such as `[latitude: 52.1] [longitude: 4.3]`";

/// Reads a file with parameters as JSON.
pub(super) fn import(input: &mut dyn Read, params: &str, out: &mut dyn Write) -> Wrote {
    read(input, &parameters("Srt", params)?, out)
}

/// Reads a file of which only the zone is known.
pub(super) fn plain(input: &mut dyn Read, timezone: Option<&Zone>, out: &mut dyn Write) -> Wrote {
    read(input, &Srt { timezone: timezone.cloned(), ..Srt::default() }, out)
}

/// Whether a file that starts so has subtitles.
pub(super) fn looks(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[..head.len().min(4_096)]);
    text.lines().take(20).any(|line| cue(line.trim()).is_some())
}

/// The start of a subtitle, in ns: `00:00:01,000 --> 00:00:02,000`.
fn cue(line: &str) -> Option<i64> {
    let (start, end) = line.split_once("-->")?;
    let read = |text: &str| Stamps::new(Notation::Clock, None, true).read(text.trim().as_bytes(), i64::MIN).ok();
    read(end.split_whitespace().next()?)?;
    read(start)
}

/// A subtitle on its way.
struct Subtitle {
    line: u64,
    cue: i64,
    text: String,
}

struct Log<'w> {
    table: Table<'w>,
    stamps: Stamps,
    /// Which time counts; settled by the first text where it is `Auto`.
    time: SrtTime,
    without: u64,
}

fn read(input: &mut dyn Read, params: &Srt, out: &mut dyn Write) -> Wrote {
    let zone = params.timezone.as_ref().map(Zone::rules).transpose()?;
    let mut log = Log {
        table: Table::new(Repeated::Joined, out),
        stamps: Stamps::new(Notation::Iso, zone, true),
        time: params.time,
        without: 0,
    };
    let mut lines = Lines::new(input);
    let mut subtitle: Option<Subtitle> = None;
    while let Some(line) = lines.next()? {
        if let Some(start) = cue(&line) {
            log.take(subtitle.take())?;
            subtitle = Some(Subtitle { line: lines.number(), cue: start, text: String::new() });
        } else if let Some(subtitle) = &mut subtitle
            && subtitle.text.len() + line.len() < LONGEST_TEXT
        {
            subtitle.text.push_str(&line);
            subtitle.text.push('\n');
        }
    }
    log.take(subtitle)?;
    if log.without > 0 {
        log.table.notes.push(format!("{} subtitles say nothing of the flight and are left out", log.without));
    }
    log.table.late = log.stamps.folds.moved;
    log.table.notes.extend(log.stamps.folds.note());
    if log.stamps.assumed_utc {
        let note = "dates name no zone and are taken as UTC; `timezone` says otherwise, \
                    `time: Cue` with `start` goes by the film";
        log.table.notes.push(note.to_owned());
    }
    let clock = if log.time == SrtTime::Date { LogClock::Utc } else { LogClock::Start };
    log.table.finish_or("SRT", clock, HINT, false)
}

impl Log<'_> {
    fn take(&mut self, subtitle: Option<Subtitle>) -> Result<(), Diagnostic> {
        let Some(subtitle) = subtitle else { return Ok(()) };
        let text = plain_text(&subtitle.text);
        self.values(&text);
        if self.table.row().iter().all(|value| value.is_nan()) {
            self.without += 1;
            return Ok(());
        }
        let date = date(&text);
        if self.time == SrtTime::Auto {
            self.time = if date.is_some() { SrtTime::Date } else { SrtTime::Cue };
        }
        let time = match self.time {
            SrtTime::Date => {
                let last = self.table.last_time();
                let read = date.and_then(|date| self.stamps.read(date.as_bytes(), last).ok());
                read.filter(|time| (EARLIEST..LATEST).contains(time)).ok_or("the subtitle has no date")
            }
            _ => Ok(subtitle.cue),
        };
        match time.map_err(str::to_owned).and_then(|time| self.table.check_position().map(|()| time)) {
            Ok(time) => self.table.add(time).map(|_| ()),
            Err(reason) => {
                self.table.bad.add(Spot::Line(subtitle.line), || reason);
                self.table.clear();
                Ok(())
            }
        }
    }

    /// What a text says, into the table's row.
    fn values(&mut self, text: &str) {
        for line in text.lines() {
            if let Some(gps) = gps(line) {
                self.set("latitude", Unit::Degrees, gps.latitude);
                self.set("longitude", Unit::Degrees, gps.longitude);
                self.set("satellites", Unit::None, gps.satellites);
                // A drone that writes no altitude there writes 0.0M all along.
                if gps.altitude != 0.0 {
                    self.set("altitude", Unit::Metres, gps.altitude);
                }
            }
            for (name, value) in colons(line).chain(letters(line)) {
                let squashed = squash(name);
                match NAMES.iter().find(|(known, ..)| *known == squashed) {
                    Some((_, channel, unit)) => self.set(channel, *unit, value),
                    None if PASSED_OVER.contains(&squashed.as_str()) => {}
                    None => {
                        let own = snake_case(name);
                        // A number of a channel's name may be in any unit.
                        if own.len() > 1 && channels::find(&own).is_none() {
                            self.set(&own, Unit::None, value);
                        }
                    }
                }
            }
        }
        self.forget_no_fix();
    }

    /// A drone without a fix is in the sea off Africa.
    fn forget_no_fix(&mut self) {
        let [Some(latitude), Some(longitude)] = ["latitude", "longitude"].map(|name| self.table.place(name)) else {
            return;
        };
        let place = [latitude, longitude];
        if place.iter().all(|at| self.table.row()[*at] == 0.0) {
            place.into_iter().for_each(|at| self.table.set(at, f64::NAN));
        }
    }

    /// Sets a value that is not set.
    fn set(&mut self, name: &str, unit: Unit, value: f64) {
        if !value.is_nan()
            && let Some(column) = self.table.column(name, unit)
            && self.table.row()[column].is_nan()
        {
            self.table.set(column, value);
        }
    }
}

/// A text without its tags (`<font size="36">`).
fn plain_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        plain.push_str(&rest[..start]);
        // A `<` that nothing closes on its line is no tag.
        let line = rest[start..].find('\n').map_or(rest.len(), |end| start + end);
        match rest[start..line].find('>') {
            Some(end) => rest = &rest[start + end + 1..],
            None => {
                plain.push(' ');
                rest = &rest[start + 1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The date and time that stand in a text, as one that can be read: DJI writes
/// `2019-09-25 00:49:00,484,311` for its microseconds.
fn date(text: &str) -> Option<String> {
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            let (day, time) = (pair[0].as_bytes(), pair[1]);
            let dated = day.len() == 10
                && day[..4].iter().all(u8::is_ascii_digit)
                && matches!(day[4], b'-' | b'.' | b'/')
                && day[4] == day[7];
            if dated && time.matches(':').count() == 2 {
                let mut parts = time.split(',');
                let (whole, rest) = (parts.next()?, parts.collect::<String>());
                let point = if rest.is_empty() { "" } else { "." };
                return Some(format!("{} {whole}{point}{rest}", pair[0]));
            }
        }
    }
    None
}

/// What stands in `GPS(...)`; NaN for what does not.
#[derive(Debug, PartialEq)]
struct Gps {
    latitude: f64,
    longitude: f64,
    satellites: f64,
    altitude: f64,
}

/// `GPS(149.0251, -20.2533, 16)` or, where the last has metres behind it,
/// `GPS(36.7213, -4.4217, 12.5M)`: the latter has the latitude first.
fn gps(line: &str) -> Option<Gps> {
    let start = line.find("GPS")?;
    let (_, rest) = line[start + 3..].split_once('(').filter(|(between, _)| between.trim().is_empty())?;
    let (inner, _) = rest.split_once(')')?;
    let mut parts = inner.split(',');
    let (first, second) = (leading(parts.next()?)?, leading(parts.next()?)?);
    let third = parts.next().unwrap_or_default();
    let number = leading(third).unwrap_or(f64::NAN);
    Some(if third.trim().ends_with(['M', 'm']) {
        Gps { latitude: first, longitude: second, satellites: f64::NAN, altitude: number }
    } else {
        Gps { latitude: second, longitude: first, satellites: number, altitude: f64::NAN }
    })
}

/// The number that a text starts with.
fn leading(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    let end = text.find(|c| !digits(c)).unwrap_or(text.len());
    match number::parse(&text.as_bytes()[..end], false) {
        Cell::Number(value) => Some(value),
        _ => None,
    }
}

/// `name: number`, wherever it stands in a line.
fn colons(line: &str) -> impl Iterator<Item = (&str, f64)> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    line.match_indices(':').filter_map(move |(at, _)| {
        let before = line[..at].trim_end();
        let start =
            before.rfind(|c| !word(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let name = &before[start..];
        let after = line[at + 1..].trim_start();
        // A fraction (`1/320`) and a clock are no numbers.
        let token: &str = after.split([' ', ']', ',', '\t']).next().unwrap_or_default();
        let numeric = !token.contains(['/', ':']) && name.starts_with(|c: char| c.is_ascii_alphabetic());
        Some((name, leading(token).filter(|_| numeric)?))
    })
}

/// `H.S 0.00m/s`, `D 1.76m`: one of the few letters, then a number.
fn letters(line: &str) -> impl Iterator<Item = (&str, f64)> {
    line.split(", ").filter_map(|part| {
        let (name, value) = part.trim().split_once(' ')?;
        let known = matches!(name, "D" | "H" | "H.S" | "V.S" | "ISO" | "EV" | "SS");
        Some((name, leading(value).filter(|_| known)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_all_their_kinds() {
        assert_eq!(date("x\n2019-09-25 00:49:00,484,311"), Some("2019-09-25 00:49:00.484311".to_owned()));
        assert_eq!(date("HOME(1,2) 2017.08.05 14:11:51"), Some("2017.08.05 14:11:51".to_owned()));
        assert_eq!(date("FrameCnt: 0 2026-07-25 14:38:26.477"), Some("2026-07-25 14:38:26.477".to_owned()));
        assert_eq!(date("[iso : 100] 14:38:26"), None);
    }

    #[test]
    fn numbers_by_name() {
        let found: Vec<_> =
            colons("SrtCnt : 1, DiffTime : 33ms [shutter : 1/320.0] [rel_alt: 1.300 abs_alt: -25.4]").collect();
        assert_eq!(found, [("SrtCnt", 1.0), ("DiffTime", 33.0), ("rel_alt", 1.3), ("abs_alt", -25.4)]);
        let found: Vec<_> = letters("F/2.8, SS 50.00, EV +1.0, D 1.76m, H 22.70m, H.S 0.50m/s, V.S -0.10m/s").collect();
        let expected = [("SS", 50.0), ("EV", 1.0), ("D", 1.76), ("H", 22.7), ("H.S", 0.5), ("V.S", -0.1)];
        assert_eq!(found, expected);
        assert_eq!(gps("GPS lost"), None);
    }

    /// Of the Phantom 4 RTK and the Matrice 300.
    #[test]
    fn the_order_of_a_position_follows_from_its_third_number() {
        let found = gps("GPS (-58.85, -34.23, 15), HOME (1, 2)").unwrap();
        assert_eq!((found.latitude, found.longitude, found.satellites), (-34.23, -58.85, 15.0));
        assert!(found.altitude.is_nan());
        for text in ["GPS(36.7213,-4.4217,12.5M) BAROMETER:81.4M", "GPS (36.7213, -4.4217, 12.5 m)"] {
            let found = gps(text).unwrap();
            assert_eq!((found.latitude, found.longitude, found.altitude), (36.7213, -4.4217, 12.5));
            assert!(found.satellites.is_nan());
        }
    }

    #[test]
    fn a_text_without_a_position_adds_no_columns_for_one() {
        let mut out = Vec::new();
        let mut log = Log {
            table: Table::new(Repeated::Joined, &mut out),
            stamps: Stamps::new(Notation::Iso, None, true),
            time: SrtTime::Cue,
            without: 0,
        };
        log.values("[rel_alt: 0.1 abs_alt: 5.0]");
        assert_eq!(log.table.row(), [0.1, 5.0]);
        log.values("[latitude: 0.0] [longitude: 0.0]");
        assert!(log.table.row()[2..].iter().all(|value| value.is_nan()) && log.table.row().len() == 4);
    }

    #[test]
    fn tags_go_and_lone_brackets_stay_harmless() {
        assert_eq!(plain_text("<font size=\"36\">a</font> < b\n<c\nd>"), "a   b\n c\nd>");
    }
}
