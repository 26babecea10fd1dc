//! Which columns hold the time, and how to read it from a row.

use csv::ByteRecord;

use super::header::{DATE_HEADERS, Header, TIME_HEADERS};
use super::params::{Csv, TimeFormat};
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
}

/// A column that may be the time.
struct Candidate {
    column: usize,
    date: Option<usize>,
    notation: Notation,
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
    let date = match mapped("date")? {
        Some(column) => Some(column),
        None => header.among(DATE_HEADERS).first().map(|(column, _)| *column),
    };
    let Some((first, _)) = columns.first() else {
        return Err(Diagnostic::input("the file has no column with times that is known as such")
            .note(header.describe())
            .note(format!("looked for headers such as {}", TIME_HEADERS[..12].join(", ")))
            .hint("say which it is: `columns: {\"time\": \"...\"}`"));
    };
    let candidates = columns.iter().filter_map(|(column, unit)| {
        let name = header.names[*column].to_lowercase();
        let millis = unit.as_ref().is_some_and(|unit| unit.eq_ignore_ascii_case("ms"))
            || ["ms", "millis", "milliseconds"].iter().any(|end| name.ends_with(end));
        candidate(*column, date.filter(|date| date != column), stated.as_ref(), sample, millis)
    });
    // The first of those that are best: an absolute time before one from a
    // start, which both come before a bare time of day.
    match candidates.min_by_key(rank) {
        Some(Candidate { column, date, notation }) => {
            Ok(Timing { column, date, stamps: Stamps::new(notation, zone, comma), joined: Vec::new() })
        }
        None => Err(unreadable(header, *first, sample, stated.as_ref())),
    }
}

fn rank(candidate: &Candidate) -> u8 {
    match (&candidate.notation, candidate.date) {
        (Notation::Elapsed(_), _) => 1,
        (Notation::Clock, None) => 2,
        _ => 0,
    }
}

fn candidate(
    column: usize,
    date: Option<usize>,
    stated: Option<&Notation>,
    sample: &[&ByteRecord],
    millis: bool,
) -> Option<Candidate> {
    let cells: Vec<&[u8]> = sample.iter().filter_map(|row| row.get(column)).collect();
    let reads = |notation: &Notation, cells: &[&[u8]]| {
        let mut stamps = Stamps::new(notation.clone(), None, true);
        cells.iter().any(|cell| stamps.read(cell, i64::MIN).is_ok())
    };
    let alone = match stated {
        Some(notation) => Some(notation.clone()).filter(|notation| reads(notation, &cells)),
        None => Notation::detect(cells.iter().copied(), millis),
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
            _ => Notation::detect(joined.iter().copied(), false).filter(|n| n.clock() == LogClock::Utc),
        };
        if let Some(notation) = notation {
            return Some(Candidate { column, date: Some(date), notation });
        }
    }
    alone.map(|notation| Candidate { column, date: None, notation })
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

    /// By how much all times are to be moved in the end, and what is doubtful.
    pub(super) fn folds(&mut self) -> (i64, Option<String>) {
        (self.stamps.folds.moved, self.stamps.folds.note())
    }

    /// The columns that are not channels.
    pub(super) fn columns(&self) -> Vec<usize> {
        [self.column].into_iter().chain(self.date).collect()
    }

    pub(super) fn describe(&self, header: &Header) -> String {
        let notation = self.stamps.notation.describe();
        let column = show(header.names[self.column].as_bytes());
        match self.date {
            Some(date) => format!("{:?} and {column:?} ({notation})", show(header.names[date].as_bytes())),
            None => format!("{column:?} ({notation})"),
        }
    }

    /// The time of a row, or why it has none. `last` is the time before it.
    pub(super) fn read(&mut self, record: &ByteRecord, last: i64) -> Result<i64, String> {
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
