//! Times as loggers write them, to nanoseconds on the log's clock.
//!
//! Dates, zones and patterns are jiff's. What is scanned here is what its
//! parsers do not take: ISO 8601 with any separators, commas and abbreviated
//! zones, dates with names, and numbers to the last digit.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::fold::Folds;
use super::number;
use super::zone::offset_seconds;
use crate::model::telemetry::LogClock;

pub(super) const SECOND: i64 = 1_000_000_000;

/// 1990-01-01 and 2100-01-01 in UTC: outside of them a logger had no clock yet
/// (GPS counts from 1980, cameras from 2000, most others from 1970) or lost it.
pub(super) const EARLIEST: i64 = 631_152_000_000_000_000;
pub(super) const LATEST: i64 = 4_102_444_800_000_000_000;
const HOUR: i64 = 3600 * SECOND;

/// Numbers below this count from the log's start: as epoch seconds they would
/// lie before March 1973.
const EARLIEST_EPOCH: i64 = 100_000_000;

/// How the times of a file are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Notation {
    /// ISO 8601, its parts in any of the usual separators.
    Iso,
    /// With the month's name: `Sun Sep 25 06:00:22 PDT 2011`.
    Named,
    /// Numbers, with the nanoseconds that 1 stands for.
    Epoch(i64),
    Elapsed(i64),
    /// `h:mm:ss`.
    Clock,
    /// strptime's notation.
    Pattern(String),
}

impl Notation {
    pub(super) fn clock(&self) -> LogClock {
        match self {
            Notation::Elapsed(_) | Notation::Clock => LogClock::Start,
            _ => LogClock::Utc,
        }
    }

    /// How it is called in notes.
    pub(super) fn describe(&self) -> String {
        match self {
            Notation::Iso => "ISO 8601".to_owned(),
            Notation::Named => "dates with the month's name".to_owned(),
            Notation::Epoch(SECOND) => "seconds since 1970".to_owned(),
            Notation::Epoch(1_000_000) => "milliseconds since 1970".to_owned(),
            Notation::Epoch(1_000) => "microseconds since 1970".to_owned(),
            Notation::Epoch(_) => "nanoseconds since 1970".to_owned(),
            Notation::Elapsed(SECOND) => "seconds since the log's start".to_owned(),
            Notation::Elapsed(1_000_000) => "milliseconds since the log's start".to_owned(),
            Notation::Elapsed(1_000) => "microseconds since the log's start".to_owned(),
            Notation::Elapsed(_) => "nanoseconds since the log's start".to_owned(),
            Notation::Clock => "h:mm:ss since the log's start".to_owned(),
            Notation::Pattern(pattern) => format!("`{pattern}`"),
        }
    }

    /// The notation in which most of these cells are times; `None` where none
    /// is. `scale` is the unit that the header states, in ns.
    pub(super) fn detect<'a>(cells: impl Iterator<Item = &'a [u8]> + Clone, scale: Option<i64>) -> Option<Notation> {
        let numbers = cells.clone().filter_map(|cell| number::nanoseconds(cell, 1, true));
        let mut numbers: Vec<i64> = numbers.collect();
        let reads = |notation: &Notation| {
            let mut reader = Stamps::new(notation.clone(), None, true);
            cells.clone().filter(|cell| reader.read(cell, i64::MIN).is_ok()).count()
        };
        let texts = [Notation::Iso, Notation::Named, Notation::Clock].map(|notation| (reads(&notation), notation));
        let (count, best) = texts.into_iter().rev().max_by_key(|(count, _)| *count)?;
        if count > numbers.len() {
            return Some(best);
        }
        let scale = scale.unwrap_or(SECOND);
        let seconds = scale < SECOND && are_epoch_seconds(&numbers);
        numbers.sort_unstable();
        let usual = *numbers.get(numbers.len() / 2)?;
        Some(match usual {
            _ if seconds => Notation::Epoch(SECOND),
            _ if usual < EARLIEST_EPOCH * (SECOND / scale) => Notation::Elapsed(scale),
            _ if usual < EARLIEST_EPOCH * 1_000 => Notation::Epoch(SECOND),
            _ if usual < EARLIEST_EPOCH * 1_000_000 => Notation::Epoch(SECOND / 1_000),
            _ if usual < EARLIEST_EPOCH * 1_000_000_000 => Notation::Epoch(SECOND / 1_000_000),
            _ => Notation::Epoch(1),
        })
    }
}

/// Whether numbers below a header that says milliseconds or less are seconds
/// since 1970 all the same: they lie there and rise by about 1 a row or less.
fn are_epoch_seconds(numbers: &[i64]) -> bool {
    let since_1990 = |number: &i64| (EARLIEST / SECOND..LATEST / SECOND).contains(number);
    let known: Vec<i64> = numbers.iter().copied().filter(since_1990).collect();
    let steps = known.windows(2).map(|pair| pair[1].abs_diff(pair[0])).filter(|step| *step > 0);
    let steps: Vec<u64> = steps.collect();
    let slow = steps.iter().filter(|step| **step <= 2).count();
    known.len() * 2 > numbers.len() && slow * 10 >= steps.len() * 9 && slow > 0
}

/// Reads the times of one file.
pub(super) struct Stamps {
    pub(super) notation: Notation,
    /// Of times that name none.
    zone: Option<TimeZone>,
    comma: bool,
    /// What `Clock` times are to be moved by: 24 h for each midnight passed.
    midnights: i64,
    /// Whether a time without a zone was taken as UTC for want of one.
    pub(super) assumed_utc: bool,
    /// The hours that came twice. All times are to be moved by what they say.
    pub(super) folds: Folds,
}

impl Stamps {
    pub(super) fn new(notation: Notation, zone: Option<TimeZone>, comma: bool) -> Self {
        Stamps { notation, zone, comma, midnights: 0, assumed_utc: false, folds: Folds::default() }
    }

    /// A cell as nanoseconds. `last` is the time before it, by which the second
    /// pass through the hour when clocks go back is told from the first.
    pub(super) fn read(&mut self, cell: &[u8], last: i64) -> Result<i64, NotATime> {
        let cell = cell.trim_ascii();
        let read = match &self.notation {
            Notation::Epoch(scale) | Notation::Elapsed(scale) => number::nanoseconds(cell, *scale, self.comma),
            Notation::Iso => iso(cell).and_then(|stamp| self.place(stamp, last)),
            Notation::Named => named(cell).and_then(|stamp| self.place(stamp, last)),
            Notation::Clock => clock(cell).and_then(|time| self.past_midnight(time, last)),
            Notation::Pattern(pattern) => patterned(pattern, cell).and_then(|stamp| self.place(stamp, last)),
        };
        read.ok_or(NotATime)
    }

    /// A clock that jumps back by more than 12 hours has passed midnight.
    fn past_midnight(&mut self, time: i64, last: i64) -> Option<i64> {
        let moved = time.checked_add(self.midnights)?;
        if last != i64::MIN && moved < last.saturating_sub(12 * HOUR) && time < 24 * HOUR {
            self.midnights = self.midnights.checked_add(24 * HOUR)?;
            return time.checked_add(self.midnights);
        }
        Some(moved)
    }

    fn place(&mut self, stamp: Stamp, last: i64) -> Option<i64> {
        let instant = match (stamp.offset, &self.zone) {
            (Some(seconds), _) => Offset::from_seconds(seconds).ok()?.to_timestamp(stamp.civil).ok()?,
            (None, Some(zone)) => {
                let local = zone.to_ambiguous_timestamp(stamp.civil);
                let last = Some(last).filter(|last| *last != i64::MIN);
                let last = last.map(|last| last.saturating_add(self.folds.moved));
                if matches!(local.offset(), AmbiguousOffset::Fold { .. }) {
                    let (first, second) = (local.earlier().ok()?, local.later().ok()?);
                    // A minute back is disorder; more is a clock that was set back.
                    let back = |last| first.as_nanosecond() < i128::from(last) - i128::from(60 * SECOND);
                    if last.is_some_and(back) {
                        self.folds.passed();
                        second
                    } else {
                        self.folds.enter(zone, (first, second), last);
                        first
                    }
                } else {
                    let time = local.compatible().ok()?;
                    self.folds.leave(time, last);
                    time
                }
            }
            (None, None) => {
                self.assumed_utc = true;
                Offset::UTC.to_timestamp(stamp.civil).ok()?
            }
        };
        i64::try_from(instant.as_nanosecond()).ok()?.checked_sub(self.folds.moved)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotATime;

/// A date with a time of day, and the offset of its zone in seconds if it
/// names one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stamp {
    civil: DateTime,
    offset: Option<i32>,
}

/// Takes digits off the front of a text.
struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    /// A number of exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i32> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        let value =
            taken.iter().try_fold(0, |value: i32, b| b.is_ascii_digit().then(|| value * 10 + i32::from(b - b'0')))?;
        self.0 = rest;
        Some(value)
    }

    /// A number of as many digits as there are, up to 9.
    fn number(&mut self) -> Option<i32> {
        let count = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        (1..=9).contains(&count).then(|| self.digits(count)).flatten()
    }

    /// A text that is a number and nothing else.
    fn whole(mut self) -> Option<i32> {
        let value = self.number()?;
        self.0.is_empty().then_some(value)
    }

    fn one_of(&mut self, bytes: &[u8]) -> bool {
        let found = self.0.first().is_some_and(|b| bytes.contains(b));
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// `.5` or `,5` as nanoseconds; 0 where there is none.
    fn fraction(&mut self) -> i32 {
        if !(self.0.get(1).is_some_and(u8::is_ascii_digit) && self.one_of(b".,")) {
            return 0;
        }
        let mut value = 0;
        let mut weight = 100_000_000;
        while let Some(digit) = self.0.first().filter(|b| b.is_ascii_digit()) {
            value += i32::from(digit - b'0') * weight;
            weight /= 10;
            self.0 = &self.0[1..];
        }
        value
    }
}

/// `2024-06-01T10:21:04.5+02:00` and its relatives: `/` or `.` or nothing
/// between the parts of the date, a space for the `T`, no seconds, no zone.
fn iso(cell: &[u8]) -> Option<Stamp> {
    let mut at = Scanner(cell);
    let year = at.digits(4)?;
    let apart = at.one_of(b"-/.");
    let month = if apart { at.number()? } else { at.digits(2)? };
    if apart && !at.one_of(b"-/.") {
        return None;
    }
    let day = if apart { at.number()? } else { at.digits(2)? };
    if !at.one_of(b"Tt _") {
        return None;
    }
    at.0 = at.0.trim_ascii_start();
    let hour = at.digits(2)?;
    let apart = at.one_of(b":");
    let minute = at.digits(2)?;
    let seconds = if apart { at.one_of(b":") } else { at.0.first().is_some_and(u8::is_ascii_digit) };
    let (second, fraction) = if seconds { (at.digits(2)?, at.fraction()) } else { (0, 0) };
    let civil = civil([year, month, day], [hour, minute, second], fraction)?;
    Some(Stamp { civil, offset: offset(at.0.trim_ascii())? })
}

/// The offset that a zone's text stands for: `Some(None)` for no text.
fn offset(zone: &[u8]) -> Option<Option<i32>> {
    if zone.is_empty() {
        return Some(None);
    }
    // Java writes `GMT+08:00`.
    let named =
        zone.get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"GMT") || name.eq_ignore_ascii_case(b"UTC"));
    if let Some(seconds) = offset_seconds(if named { &zone[3..] } else { zone }) {
        return Some(Some(seconds));
    }
    abbreviation(zone).map(Some)
}

/// The zones that RFC 822 (5.1) names; other abbreviations mean different
/// zones in different countries.
fn abbreviation(zone: &[u8]) -> Option<i32> {
    const ZONES: &[(&[u8], i32)] = &[
        (b"Z", 0),
        (b"UT", 0),
        (b"UTC", 0),
        (b"GMT", 0),
        (b"EST", -5),
        (b"EDT", -4),
        (b"CST", -6),
        (b"CDT", -5),
        (b"MST", -7),
        (b"MDT", -6),
        (b"PST", -8),
        (b"PDT", -7),
    ];
    ZONES.iter().find(|(name, _)| zone.eq_ignore_ascii_case(name)).map(|(_, hours)| hours * 3600)
}

fn civil(date: [i32; 3], time: [i32; 3], nanos: i32) -> Option<DateTime> {
    let small = |value: i32| i8::try_from(value).ok();
    // A leap second is given the time of the second before it.
    let second = if time[2] == 60 { 59 } else { time[2] };
    let year = i16::try_from(date[0]).ok()?;
    DateTime::new(year, small(date[1])?, small(date[2])?, small(time[0])?, small(time[1])?, small(second)?, nanos).ok()
}

/// `Sun Sep 25 06:00:22 PDT 2011`, `25 Sep 2011 06:00:22 -0700`: the month by
/// name, everything else by its looks, in any order. `25-Sep-2011` and, with the
/// year last, `25-SEP-11` are dates too.
fn named(cell: &[u8]) -> Option<Stamp> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    const DAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
    if cell.len() > 64 {
        return None;
    }
    let (mut year, mut month, mut day, mut time, mut zone) = (None, None, None, None, None);
    let month_of = |word: &[u8]| {
        let short = word.get(..3).map(<[u8]>::to_ascii_lowercase)?;
        MONTHS.iter().position(|name| short == name[..]).map(|at| at as i32 + 1)
    };
    for word in cell.split(|b| matches!(b, b' ' | b',' | b'\t')).filter(|word| !word.is_empty()) {
        let short = word.get(..3).map(<[u8]>::to_ascii_lowercase).unwrap_or_default();
        let parts: Vec<&[u8]> = word.split(|b| matches!(b, b'-' | b'/')).collect();
        if word.contains(&b':') && offset(word).is_none() {
            time = Some(clock(word)?);
        } else if let [first, name, last] = parts[..]
            && let Some(named) = month_of(name)
        {
            let (first, last) = (Scanner(first).whole()?, Scanner(last).whole()?);
            let (of_year, of_day) = if first > 31 { (first, last) } else { (last, first) };
            year = Some(if of_year < 100 { 2_000 + of_year } else { of_year });
            (month, day) = (Some(named), Some(of_day));
        } else if let Some(named) = month_of(word) {
            month = Some(named);
        } else if word.iter().all(u8::is_ascii_digit) {
            let value = Scanner(word).number()?;
            if word.len() == 4 { year = Some(value) } else { day = Some(value) }
        } else if !DAYS.iter().any(|name| short == name[..]) {
            zone = Some(offset(word)??);
        }
    }
    let time = time?;
    let of_day = i32::try_from(time / SECOND).ok().filter(|seconds| *seconds < 86_400)?;
    let parts = [of_day / 3600, of_day / 60 % 60, of_day % 60];
    Some(Stamp { civil: civil([year?, month?, day?], parts, (time % SECOND) as i32)?, offset: zone })
}

/// `h:mm:ss` or `m:ss`, each with a fraction, in nanoseconds; a minus in front
/// counts back.
fn clock(cell: &[u8]) -> Option<i64> {
    let negative = cell.first() == Some(&b'-');
    let mut at = Scanner(if negative { &cell[1..] } else { cell });
    let mut parts = vec![i64::from(at.number()?)];
    while parts.len() < 3 && at.one_of(b":") {
        parts.push(i64::from(at.digits(2)?));
    }
    let fraction = i64::from(at.fraction());
    if !at.0.is_empty() || parts.len() < 2 || parts[1..].iter().any(|part| *part > 60) {
        return None;
    }
    let seconds = parts.iter().try_fold(0_i64, |sum, part| sum.checked_mul(60)?.checked_add(*part))?;
    let nanos = seconds.checked_mul(SECOND)?.checked_add(fraction)?;
    Some(if negative { -nanos } else { nanos })
}

/// Whatever the user's pattern says; see jiff's `strtime`.
fn patterned(pattern: &str, cell: &[u8]) -> Option<Stamp> {
    let parsed = strtime::parse(pattern, cell).ok()?;
    Some(Stamp { civil: parsed.to_datetime().ok()?, offset: parsed.offset().map(|offset| offset.seconds()) })
}

/// A pattern that cannot be read or says no date or no time of day, said
/// before any row fails on it.
pub(super) fn check_pattern(pattern: &str) -> Result<(), String> {
    let sample = DateTime::constant(2024, 6, 1, 10, 21, 4, 0);
    let zoned = sample.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
    let text = strtime::format(pattern, &zoned).map_err(|error| error.to_string())?;
    let parsed = strtime::parse(pattern, &text).and_then(|parsed| parsed.to_datetime());
    let parsed = parsed.map_err(|error| error.to_string())?;
    if parsed.date() != sample.date() || parsed.hour() != sample.hour() {
        return Err("it has no date or no time of day".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(notation: Notation, zone: Option<&str>, cell: &str) -> Option<i64> {
        let zone = zone.map(|name| super::super::zone::Zone(name.to_owned()).rules().unwrap());
        Stamps::new(notation, zone, true).read(cell.as_bytes(), i64::MIN).ok()
    }

    /// jiff's own parser is the oracle.
    fn utc(text: &str) -> Option<i64> {
        Some(i64::try_from(text.parse::<jiff::Timestamp>().unwrap().as_nanosecond()).unwrap())
    }

    #[test]
    fn iso_with_and_without_a_zone() {
        let expected = utc("2024-06-01T10:21:04.5Z");
        for text in [
            "2024-06-01T10:21:04.5Z",
            "2024-06-01 12:21:04,5+02:00",
            "20240601T102104.500Z",
            "2024/6/1 10:21:04.5",
            "2024-06-01 10:21:04.500 UTC",
            "2024-06-01T05:21:04.5-0500",
        ] {
            assert_eq!(read(Notation::Iso, None, text), expected, "{text}");
        }
        assert_eq!(read(Notation::Iso, Some("Europe/Berlin"), "2024-06-01T12:21:04.5"), expected);
        assert_eq!(read(Notation::Iso, Some("+05:30"), "2024-06-01T15:51:04.5"), expected);
        for text in ["2024-02-30T10:00:00Z", "2024-06-01", "10:21:04", "2024-06-01T10:21:04 XYZ", "x"] {
            assert_eq!(read(Notation::Iso, None, text), None, "{text}");
        }
    }

    /// On 2024-10-27 at 03:00 clocks in Berlin went back to 02:00.
    #[test]
    fn the_hour_that_comes_twice_goes_on() {
        let mut stamps = Stamps::new(
            Notation::Iso,
            Some(super::super::zone::Zone("Europe/Berlin".to_owned()).rules().unwrap()),
            false,
        );
        let first = stamps.read(b"2024-10-27 02:59:59", i64::MIN).unwrap();
        let second = stamps.read(b"2024-10-27 02:00:00", first).unwrap();
        assert_eq!(second - first, SECOND);
    }

    #[test]
    fn dates_with_names() {
        let expected = utc("2011-09-25T13:00:22Z");
        assert_eq!(read(Notation::Named, None, "Sun Sep 25 06:00:22 PDT 2011"), expected);
        assert_eq!(read(Notation::Named, None, "Sun, 25 Sep 2011 06:00:22 -0700"), expected);
        assert_eq!(read(Notation::Named, Some("America/Los_Angeles"), "25 September 2011 06:00:22"), expected);
        assert_eq!(read(Notation::Named, None, "Sep 25 06:00:22"), None);
        // Torque's GPS Time and Device Time, and Harry's LapTimer.
        assert_eq!(read(Notation::Named, None, "Sun Sep 25 21:00:22 GMT+08:00 2011"), expected);
        assert_eq!(read(Notation::Named, None, "25-Sep-2011 13:00:22"), expected);
        assert_eq!(read(Notation::Named, None, "25-SEP-11 13:00:22.000"), expected);
        assert_eq!(read(Notation::Named, None, "2011-Sep-25 13:00:22"), expected);
        assert_eq!(read(Notation::Named, None, "25-Sep- 13:00:22"), None);
    }

    #[test]
    fn clocks_go_on_past_midnight() {
        let mut stamps = Stamps::new(Notation::Clock, None, false);
        let first = stamps.read(b"23:59:59.5", i64::MIN).unwrap();
        assert_eq!(stamps.read(b"0:00:00.5", first).unwrap() - first, SECOND);
        assert_eq!(stamps.read(b"100:00:01", i64::MIN), Ok(100 * HOUR + 24 * HOUR + SECOND));
        assert_eq!(stamps.read(b"1:75", i64::MIN), Err(NotATime));
    }

    #[test]
    fn patterns() {
        let pattern = Notation::Pattern("%d.%m.%Y %H:%M:%S".to_owned());
        assert_eq!(read(pattern, None, "01.06.2024 10:21:04"), utc("2024-06-01T10:21:04Z"));
        assert!(check_pattern("%d.%m.%Y %H:%M:%S").is_ok());
        assert!(check_pattern("%d.%m.%Y").is_err());
        assert!(check_pattern("%!").is_err());
    }

    #[test]
    fn notations_are_found() {
        let detect = |cells: &[&str]| Notation::detect(cells.iter().map(|cell| cell.as_bytes()), None);
        assert_eq!(detect(&["1559734111.008", "1559734112"]), Some(Notation::Epoch(SECOND)));
        assert_eq!(detect(&["0", "1559734111008", "1559734112008"]), Some(Notation::Epoch(1_000_000)));
        assert_eq!(detect(&["0.05", "0.1"]), Some(Notation::Elapsed(SECOND)));
        assert_eq!(detect(&["0:00:01", "0:00:02"]), Some(Notation::Clock));
        assert_eq!(detect(&["Sun Sep 25 06:00:22 PDT 2011"]), Some(Notation::Named));
        assert_eq!(detect(&["2024-06-01T10:21:04"]), Some(Notation::Iso));
        assert_eq!(detect(&["x", ""]), None);
        // A quarter of an hour in microseconds is no time of 1998.
        let micros = [&b"900000000"[..], b"900100000"];
        assert_eq!(Notation::detect(micros.into_iter(), Some(1_000)), Some(Notation::Elapsed(1_000)));
        // Epoch seconds below a header that says ms; 20 days in ms; half a second a row.
        let millis = |cells: &[&str]| Notation::detect(cells.iter().map(|cell| cell.as_bytes()), Some(1_000_000));
        assert_eq!(millis(&["1717237264", "1717237265", "1717237266"]), Some(Notation::Epoch(SECOND)));
        assert_eq!(millis(&["1717237264", "1717237264", "1717237265", "0"]), Some(Notation::Epoch(SECOND)));
        assert_eq!(millis(&["1717237264.5", "1717237265.5"]), Some(Notation::Epoch(SECOND)));
        assert_eq!(millis(&["1717237264", "1717237364", "1717237464"]), Some(Notation::Elapsed(1_000_000)));
        assert_eq!(millis(&["1717237264.5", "1717237364.5"]), Some(Notation::Elapsed(1_000_000)));
        assert_eq!(millis(&["1717237264000", "1717237265000"]), Some(Notation::Epoch(1_000_000)));
        assert_eq!(millis(&["500000000", "500000001"]), Some(Notation::Elapsed(1_000_000)));
    }
}
