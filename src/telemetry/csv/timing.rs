//! Which columns hold the time, and how to read it from a row.

use csv::ByteRecord;
use jiff::tz::{Offset, TimeZone};

use super::header::{DATE_HEADERS, Header, TIME_HEADERS};
use super::params::{Csv, TimeFormat};
use super::units;
use crate::base::{Diagnostic, UtcTime};
use crate::model::telemetry::LogClock;
use crate::telemetry::stamp::{self, EARLIEST, LATEST, Notation, SECOND, Stamps};
use crate::telemetry::zone::Zone;

/// The time of a row.
pub(super) struct Timing {
    column: usize,
    /// The column with the date, where the other has only the time of day.
    date: Option<usize>,
    stamps: Stamps,
    joined: Vec<u8>,
    /// What tells the rows within a second apart.
    fine: Option<Fine>,
    /// The column whose times name their zone, where these do not, and the zone
    /// that follows.
    beside: Option<(usize, Offset)>,
    /// The column whose header says UTC, where the parameters say another zone
    /// of times that name none.
    passed_over: Option<usize>,
}

/// A column that counts from the log's start, beside one that says the time of
/// day in whole seconds.
struct Fine {
    column: usize,
    stamps: Stamps,
    /// When its count was 0.
    zero: i64,
    /// The last row with both times: the one that it states, and its count.
    last: Option<(i64, i64)>,
    /// Whether the stated one ever changed.
    moved: bool,
}

/// Headers, squashed, that begin so are no times of day.
const DURATIONS: &[&str] = &["elapsed", "runtime", "timer", "cts", "duration"];

/// How far both may be apart before the time of day counts anew.
const APART: i64 = 2 * SECOND;

/// An absolute time that stands still while a count goes on by so much is no
/// clock; one that does so for less may wait for its fix.
const WAITED: i64 = 120 * SECOND;

/// A column that may be the time.
#[derive(Clone)]
struct Candidate {
    column: usize,
    date: Option<usize>,
    notation: Notation,
    /// It stands still in all rows that were looked at: no clock.
    frozen: bool,
    /// From the earliest of its times in these rows to the latest.
    span: i64,
    /// Most of these rows do not have it.
    patchy: bool,
}

/// How times are written, where the parameters say it.
fn notation(format: TimeFormat) -> Option<Notation> {
    Some(match format {
        TimeFormat::Auto => return None,
        TimeFormat::Iso => Notation::Iso,
        TimeFormat::EpochSeconds => Notation::Epoch(SECOND),
        TimeFormat::EpochMillis => Notation::Epoch(SECOND / 1_000),
        TimeFormat::Seconds => Notation::Elapsed(SECOND),
        TimeFormat::Millis => Notation::Elapsed(SECOND / 1_000),
        TimeFormat::Clock => Notation::Clock,
    })
}

pub(super) fn find(header: &Header, sample: &[&ByteRecord], params: &Csv, comma: bool) -> Result<Timing, Diagnostic> {
    let zone = params.timezone.as_ref().map(Zone::rules).transpose()?;
    let stated = match &params.pattern {
        Some(pattern) => {
            stamp::check_pattern(pattern).map_err(|reason| {
                Diagnostic::input(format!("the pattern {pattern:?} is no date and time"))
                    .note(reason)
                    .hint("a pattern looks like `%d/%m/%Y %H:%M:%S`")
            })?;
            Some(Notation::Pattern(pattern.clone()))
        }
        None => notation(params.time),
    };
    let mapped = |name: &str| match params.columns.get(name) {
        Some(column) => header.required(column.header(), &format!("columns.{name}")).map(Some),
        None => Ok(None),
    };
    let columns = match mapped("time")? {
        Some(column) => vec![(column, header.unit(column))],
        None => header.among(TIME_HEADERS),
    };
    let dates: Vec<usize> = match mapped("date")? {
        Some(column) => vec![column],
        None => header.among(DATE_HEADERS).into_iter().map(|(column, _)| column).collect(),
    };
    let Some((first, _)) = columns.first() else {
        return Err(Diagnostic::input("the file has no column with times that is known as such")
            .note(header.describe())
            .note(format!("looked for headers such as {}", TIME_HEADERS[..12].join(", ")))
            .hint("say which it is: `columns: {\"time\": \"...\"}`"));
    };
    let scale_of =
        |(column, unit): &(usize, Option<String>)| units::header_scale(&header.names[*column], unit.as_deref());
    let is_clock = |time: &&(usize, Option<String>)| {
        let cells = sample.iter().filter_map(|row| row.get(time.0));
        Notation::detect(cells, scale_of(time)) == Some(Notation::Clock)
    };
    let is_duration = |column: usize| DURATIONS.iter().any(|word| header.base(column).starts_with(word));
    let clocks: Vec<usize> =
        columns.iter().filter(|time| !is_duration(time.0)).filter(is_clock).map(|(column, _)| *column).collect();
    let of = |time: &(usize, Option<String>), stated: Option<&Notation>| {
        let date = date_of(header, time.0, &dates, &clocks).filter(|_| !is_duration(time.0));
        candidate(time.0, date, stated, sample, scale_of(time))
    };
    let candidates: Vec<Candidate> = columns.iter().filter_map(|column| of(column, stated.as_ref())).collect();
    // The first of those that are best: an absolute time before one from a
    // start, which both come before a bare time of day.
    let counts = candidates.iter().filter(|candidate| candidate.class() > 0);
    let counted = counts.map(|candidate| candidate.span).max().unwrap_or(0);
    let rank = |candidate: &&Candidate| (candidate.is_dead(counted), candidate.rank());
    let Some(best) = candidates.iter().min_by_key(rank) else {
        return Err(unreadable(header, *first, sample, stated.as_ref()));
    };
    let absolute =
        candidates.iter().filter(|candidate| candidate.class() == 0).min_by_key(|candidate| candidate.rank());
    let says_utc = |candidate: &Candidate| {
        let mut columns = [Some(candidate.column), candidate.date].into_iter().flatten();
        columns.find(|column| units::says_utc(&header.names[*column]))
    };
    let stamps = |candidate: &Candidate| {
        let zone = if says_utc(candidate).is_some() { Some(TimeZone::UTC) } else { zone.clone() };
        Stamps::new(candidate.notation.clone(), zone, comma)
    };
    let alive = absolute.filter(|absolute| !absolute.is_dead(counted));
    let fine = alive.and_then(|absolute| {
        let counts = header.among(TIME_HEADERS).into_iter().filter(|(column, _)| *column != absolute.column);
        let counts = counts.filter_map(|column| of(&column, None)).filter(|count| count.class() == 1);
        counts.into_iter().find_map(|count| {
            let zero = zero_of(&times(absolute, sample, stamps(absolute)).0, &times(&count, sample, stamps(&count)).0)?;
            Some(Fine { column: count.column, stamps: stamps(&count), zero, last: None, moved: false })
        })
    });
    let chosen = if fine.is_some() { absolute.unwrap_or(best) } else { best };
    let is_other = zone.as_ref().is_some_and(|zone| *zone != TimeZone::UTC);
    let names_none = || times(chosen, sample, Stamps::new(chosen.notation.clone(), None, comma)).1;
    let mut timing = Timing {
        column: chosen.column,
        date: chosen.date,
        stamps: stamps(chosen),
        joined: Vec::new(),
        fine,
        beside: None,
        passed_over: says_utc(chosen).filter(|_| is_other && names_none()),
    };
    let (local, assumed) = times(chosen, sample, stamps(chosen));
    if assumed {
        let others = header.among(TIME_HEADERS).into_iter().filter(|(column, _)| *column != chosen.column);
        let others = others.filter_map(|column| of(&column, None)).filter(|other| other.class() == 0);
        timing.beside = others.into_iter().find_map(|other| {
            let (instants, assumed) = times(&other, sample, stamps(&other));
            let offset = offset_of(&local, &instants).filter(|_| !assumed)?;
            Some((other.column, offset))
        });
    }
    if let Some((_, offset)) = timing.beside {
        if let Some(fine) = &mut timing.fine {
            fine.zero = fine.zero.saturating_sub(i64::from(offset.seconds()) * SECOND);
        }
        timing.stamps = Stamps::new(chosen.notation.clone(), Some(TimeZone::fixed(offset)), comma);
    }
    Ok(timing)
}

impl Candidate {
    fn class(&self) -> u8 {
        match (&self.notation, self.date) {
            (Notation::Elapsed(_), _) => 1,
            (Notation::Clock, None) => 2,
            _ => 0,
        }
    }

    /// Whether it says when the log was and stands still, while a count goes on.
    fn is_dead(&self, counted: i64) -> bool {
        self.class() == 0 && self.frozen && counted >= WAITED
    }

    /// What stands still comes last of its like: a clock may wait for its fix.
    fn rank(&self) -> (bool, bool, u8, bool) {
        (self.class() > 0, self.frozen, self.class(), self.patchy)
    }
}

/// The date that belongs to a time: that of the same name (`GPS Date` to `GPS
/// Time`), else the first that belongs to no other. `clocks` are the columns
/// with a time of day, the only ones that a date can belong to.
fn date_of(header: &Header, time: usize, dates: &[usize], clocks: &[usize]) -> Option<usize> {
    let time_name = |column: usize| header.base(column).replace("time", "");
    let date_name = |column: usize| header.base(column).replace("date", "");
    let mut dates_left = dates.iter().copied().filter(|date| *date != time);
    let same = dates_left.clone().find(|date| date_name(*date) == time_name(time));
    let of_other = |date: usize| clocks.iter().any(|other| *other != time && time_name(*other) == date_name(date));
    same.or_else(|| dates_left.find(|date| !of_other(*date)))
}

/// The times of rows by a candidate, and whether they were taken as UTC for want
/// of a zone.
fn times(candidate: &Candidate, sample: &[&ByteRecord], mut stamps: Stamps) -> (Vec<Option<i64>>, bool) {
    let mut text = Vec::new();
    let mut last = i64::MIN;
    let read = |row: &&ByteRecord| {
        let cell = match candidate.date {
            Some(date) => {
                join(row, date, candidate.column, &mut text);
                text.as_slice()
            }
            None => row.get(candidate.column).unwrap_or_default(),
        };
        let time = stamps.read(cell, last).ok()?;
        last = time;
        Some(time)
    };
    let times = sample.iter().map(read).collect();
    (times, stamps.assumed_utc)
}

/// By how much times without a zone are ahead of those beside them that have
/// one, in quarters of an hour; `None` where the two do not go together.
fn offset_of(local: &[Option<i64>], instants: &[Option<i64>]) -> Option<Offset> {
    const QUARTER: i64 = 900 * SECOND;
    let both = local.iter().zip(instants).filter_map(|(local, instant)| Some((*local)?.saturating_sub((*instant)?)));
    let mut ahead: Vec<i64> = both.collect();
    ahead.sort_unstable();
    let usual = *ahead.get(ahead.len() / 2)?;
    let quarters = usual.saturating_add(QUARTER / 2).div_euclid(QUARTER);
    let near =
        ahead.iter().filter(|ahead| ahead.abs_diff(quarters.saturating_mul(QUARTER)) <= 60 * SECOND as u64).count();
    let seconds = i32::try_from(quarters.saturating_mul(900)).ok()?;
    let offset = Offset::from_seconds(seconds).ok().filter(|_| seconds.abs() <= 14 * 3_600)?;
    (near * 10 >= ahead.len() * 9).then_some(offset)
}

/// When a count was 0, where most rows share the time of day beside it with
/// another and the count tells them apart. The time of day is cut to whole
/// seconds, so it is right where it has just changed: where it is the latest
/// beside the count. One with fractions is not cut: what repeats is a fix.
fn zero_of(absolute: &[Option<i64>], count: &[Option<i64>]) -> Option<i64> {
    let both: Vec<(i64, i64)> = absolute.iter().zip(count).filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect();
    let both: Vec<(i64, i64)> = both.into_iter().filter(|(time, _)| (EARLIEST..LATEST).contains(time)).collect();
    let is_whole = both.iter().all(|(time, _)| time % SECOND == 0);
    let goes_on = both.windows(2).all(|pair| pair[1].1 > pair[0].1);
    let seconds = || both.chunk_by(|one, next| one.0 == next.0);
    let shared: usize = seconds().map(<[_]>::len).filter(|rows| *rows > 1).sum();
    if !goes_on {
        return None;
    }
    // A clock that stands still in all that is looked at says when the log began,
    // or waits for its fix: then it moves, and tells anew.
    if let ([(time, count), _, _, ..], 1) = (both.as_slice(), seconds().count()) {
        return Some(time.saturating_sub(*count));
    }
    if !is_whole || shared * 2 <= both.len() {
        return None;
    }
    let mut zeros: Vec<i64> = both.iter().map(|(time, count)| time.saturating_sub(*count)).collect();
    zeros.sort_unstable();
    let usual = zeros[zeros.len() / 2];
    let near = zeros.iter().filter(|zero| zero.abs_diff(usual) <= SECOND as u64).count();
    let latest = zeros.iter().rev().find(|zero| zero.abs_diff(usual) <= SECOND as u64)?;
    (near * 10 >= zeros.len() * 9).then_some(*latest)
}

fn candidate(
    column: usize,
    date: Option<usize>,
    stated: Option<&Notation>,
    sample: &[&ByteRecord],
    scale: Option<i64>,
) -> Option<Candidate> {
    let cells: Vec<&[u8]> = sample.iter().filter_map(|row| row.get(column)).collect();
    let reads = |notation: &Notation, cells: &[&[u8]]| {
        let mut stamps = Stamps::new(notation.clone(), None, true);
        cells.iter().any(|cell| stamps.read(cell, i64::MIN).is_ok())
    };
    let alone = match stated {
        Some(notation) => Some(notation.clone()).filter(|notation| reads(notation, &cells)),
        None => Notation::detect(cells.iter().copied(), scale),
    };
    let with = |date: Option<usize>, notation: Notation| {
        let mut found = Candidate { column, date, notation, frozen: false, span: 0, patchy: false };
        let read = times(&found, sample, Stamps::new(found.notation.clone(), None, true)).0;
        let known: Vec<i64> = read.iter().copied().flatten().collect();
        let ends = known.iter().min().zip(known.iter().max());
        found.span = ends.map_or(0, |(first, last)| last.saturating_sub(*first));
        found.frozen = known.len() > 2 && found.span == 0;
        found.patchy = known.len() * 2 < read.len();
        found
    };
    if let Some(date) = date
        && matches!(alone, None | Some(Notation::Clock))
    {
        let mut text = Vec::new();
        let mut joined = Vec::new();
        for row in sample {
            join(row, date, column, &mut text);
            joined.push(text.clone());
        }
        let joined: Vec<&[u8]> = joined.iter().map(Vec::as_slice).collect();
        let notation = match stated {
            Some(notation @ Notation::Pattern(_)) => Some(notation.clone()).filter(|n| reads(n, &joined)),
            _ => Notation::detect(joined.iter().copied(), None).filter(|n| n.clock() == LogClock::Utc),
        };
        if let Some(notation) = notation {
            return Some(with(Some(date), notation));
        }
    }
    alone.map(|notation| with(None, notation))
}

/// Writes date and time of a row as one text.
fn join(row: &ByteRecord, date: usize, time: usize, text: &mut Vec<u8>) {
    text.clear();
    text.extend_from_slice(row.get(date).unwrap_or_default().trim_ascii());
    text.push(b' ');
    text.extend_from_slice(row.get(time).unwrap_or_default().trim_ascii());
}

fn unreadable(header: &Header, column: usize, sample: &[&ByteRecord], stated: Option<&Notation>) -> Diagnostic {
    let name = show(header.names[column].as_bytes());
    let mut cells = sample.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.trim_ascii().is_empty());
    let error = Diagnostic::input(format!("the times in column {name:?} cannot be read"));
    let error = match (cells.next(), stated) {
        (Some(cell), Some(notation)) => {
            error.note(format!("the first is {:?}, which is not {}", show(cell), notation.describe()))
        }
        (Some(cell), None) => error.note(format!("the first is {:?}", show(cell))),
        (None, _) => error.note("none of the first rows has one"),
    };
    error
        .note(header.describe())
        .hint("name another column with `columns: {\"time\": \"...\"}` or how they are written with `pattern: \"%d/%m/%Y %H:%M:%S\"`")
}

/// A cell for messages.
pub(super) fn show(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell.trim_ascii());
    if text.chars().count() > 40 { text.chars().take(40).chain(['…']).collect() } else { text.into_owned() }
}

impl Timing {
    pub(super) fn clock(&self) -> LogClock {
        self.stamps.notation.clock()
    }

    pub(super) fn assumed_utc(&self) -> bool {
        self.stamps.assumed_utc
    }

    /// What tells the zone of times that name none.
    pub(super) fn zone_note(&self, header: &Header, zone: Option<&Zone>) -> Option<String> {
        if let (Some(column), Some(zone)) = (self.passed_over, zone) {
            let column = show(header.names[column].as_bytes());
            return Some(format!("the header {column:?} says UTC, which goes before `timezone: {:?}`", zone.0));
        }
        let (column, offset) = self.beside?;
        let column = show(header.names[column].as_bytes());
        Some(format!("times name no zone: beside {column:?} they are in UTC{offset}"))
    }

    /// By how much all times are to be moved in the end, and what is doubtful.
    pub(super) fn folds(&mut self) -> (i64, Option<String>) {
        (self.stamps.folds.moved, self.stamps.folds.note())
    }

    /// The columns that are not channels.
    pub(super) fn columns(&self) -> Vec<usize> {
        [self.column].into_iter().chain(self.date).chain(self.fine.as_ref().map(|fine| fine.column)).collect()
    }

    pub(super) fn describe(&self, header: &Header) -> String {
        let notation = self.stamps.notation.describe();
        let name = |column: usize| show(header.names[column].as_bytes());
        let column = name(self.column);
        let told = match self.date {
            Some(date) => format!("{:?} and {column:?} ({notation})", name(date)),
            None => format!("{column:?} ({notation})"),
        };
        match &self.fine {
            Some(fine) => {
                format!("{told}, whose seconds {:?} divides ({})", name(fine.column), fine.stamps.notation.describe())
            }
            None => told,
        }
    }

    /// The time of a row, or why it has none. `last` is the time before it.
    pub(super) fn read(&mut self, record: &ByteRecord, last: i64) -> Result<i64, String> {
        let stated = self.stated(record, last);
        let Some(fine) = &mut self.fine else { return stated };
        let Ok(count) = fine.stamps.read(record.get(fine.column).unwrap_or_default(), i64::MIN) else { return stated };
        let mut time = fine.zero.saturating_add(count);
        if let Ok(stated) = stated {
            let before = fine.last.replace((stated, count));
            fine.moved |= before.is_some_and(|(last, _)| last != stated);
            // A clock that stands still while the count goes on says nothing, one
            // that never moved least of all.
            let stands = before.is_some_and(|(last, counted)| {
                last == stated && (!fine.moved || (0..=APART).contains(&count.saturating_sub(counted)))
            });
            // A recording that was begun anew counts from another zero.
            if stated.abs_diff(time) > APART as u64 && !stands {
                fine.zero = stated.saturating_sub(count);
                time = stated;
            }
        }
        if (EARLIEST..LATEST).contains(&time) { Ok(time) } else { stated }
    }

    /// The time that a row states.
    fn stated(&mut self, record: &ByteRecord, last: i64) -> Result<i64, String> {
        let cell = match self.date {
            Some(date) => {
                join(record, date, self.column, &mut self.joined);
                self.joined.as_slice()
            }
            None => record.get(self.column).unwrap_or_default(),
        };
        let time = self.stamps.read(cell, last).map_err(|stamp::NotATime| match cell.trim_ascii() {
            b"" => "the time is blank".to_owned(),
            cell => format!("{:?} is not a time", show(cell)),
        })?;
        if self.clock() == LogClock::Utc && !(EARLIEST..LATEST).contains(&time) {
            return Err(format!("the time {} is that of a logger without a clock", UtcTime(time)));
        }
        Ok(time)
    }
}
