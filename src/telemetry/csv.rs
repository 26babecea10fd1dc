//! CSV, whatever wrote it: one row a sample, read in one pass with no more in
//! memory than the columns that are kept.
//!
//! A row that cannot be read is counted, told with its line and left out; a
//! file of which nothing can be used is an error. Splitting is the csv crate's;
//! [`guard`] bounds what one damaged line can cost, and [`number`] reads cells
//! because their blanks and commas are the logger's and not Rust's.
//!
//! Times before 1990 or after 2100 are those of a logger without a clock and
//! make a bad row. Where times jump ahead for a few rows and come back, the
//! rows that jumped go and not all that follow.

mod dialect;
mod guard;
mod header;
mod params;
mod plan;
mod refused;
mod rows;
mod schemas;
mod timing;
mod units;

use std::io::{Read, Write};

use ::csv::ByteRecord;

use crate::base::Diagnostic;
use crate::model::telemetry::{LogClock, Spot};
use crate::telemetry::import::{Wrote, parameters, unreadable};
use crate::telemetry::number::{self, Cell};
use crate::telemetry::zone::Zone;
use header::Header;
use rows::Rows;
use schemas::Schema;

pub use params::{Column, ColumnFields, Csv, Delimiter, TimeFormat};

/// As it stands in a manifest.
pub(super) const EXAMPLE: &str = r#"Csv(
    file: "ride.csv",
    timezone: "Europe/Berlin",
    columns: {
        "time": "Zeit",
        "speed": Column(header: "Tempo", unit: "km/h"),
    },
)"#;

/// Raised whenever the same file and parameters would give other numbers.
pub(super) const VERSION: u32 = 5;

/// Rows are read only where this column holds this value.
struct Only {
    index: usize,
    text: String,
    number: Option<f64>,
}

impl Only {
    fn holds(&self, record: &ByteRecord, comma: bool) -> bool {
        let cell = record.get(self.index).unwrap_or_default().trim_ascii();
        if cell == self.text.as_bytes() {
            return true;
        }
        matches!((number::parse(cell, comma), self.number), (Cell::Number(a), Some(b)) if a == b)
    }
}

/// Reads a file with parameters as JSON.
pub(super) fn import(input: &mut dyn Read, params: &str, out: &mut dyn Write) -> Wrote {
    read(input, &parameters("Csv", params)?, out)
}

/// Reads a file of which only the zone is known.
pub(super) fn plain(input: &mut dyn Read, timezone: Option<&Zone>, out: &mut dyn Write) -> Wrote {
    read(input, &Csv { timezone: timezone.cloned(), ..Csv::default() }, out)
}

/// Any text may be a table, but no document that starts with an element.
pub(super) fn looks(head: &[u8]) -> bool {
    let start = &head[..head.len().min(512)];
    let text = start.iter().filter(|b| **b == 0).count() <= start.len() / 8;
    text && !start.trim_ascii().starts_with(b"<")
}

/// Reads a file.
///
/// # Errors
/// Where nothing in it can be used: what was found, what was looked for and
/// what to do. Where the reader fails: an `Environment` diagnostic.
pub fn read(input: &mut dyn Read, params: &Csv, out: &mut dyn Write) -> Wrote {
    let dialect = dialect::sniff(input, params)?;
    refused::check(&dialect)?;
    let comma = dialect.decimal_comma();
    let header = header::find(&dialect.records, params)?;
    let schema = schemas::find(&dialect.head, &header);
    let params = &schema.map_or_else(|| params.clone(), |schema| schema.applied(&header, params));
    let mut notes = Vec::new();
    let only = only(&header, params)?;
    let sample = dialect.records.get(header.skip..).unwrap_or_default();
    let sample: Vec<&ByteRecord> = sample.iter().filter(|row| only.iter().all(|only| only.holds(row, comma))).collect();
    let mut timing = timing::find(&header, &sample, params, comma)?;
    let mut taken = timing.columns();
    taken.extend(only.iter().map(|only| only.index));
    let planned = plan::plan(&header, &params.columns, &taken, &sample, comma, &mut notes)?;

    let width = header.names.len();
    let mut rows = Rows::new(planned, out);
    let stream = dialect.head.as_slice().chain(input);
    let mut reader = dialect::reader(stream, dialect.delimiter, dialect.line_end);
    let mut record = ByteRecord::new();
    let (mut seen, mut filtered) = (0_usize, 0_u64);
    let mut last_line = (0, 0);
    while reader.read_byte_record(&mut record).map_err(|error| unreadable(&error))? {
        seen = seen.saturating_add(1);
        if seen <= header.skip || (record.len() == 1 && record[0].trim_ascii().is_empty()) {
            continue;
        }
        // The guard ends every line, so the reader stands behind the record's.
        let line = reader.position().line().saturating_sub(1);
        last_line = (line, record.len());
        if record.len() > width && record.iter().skip(width).any(|cell| !cell.trim_ascii().is_empty()) {
            rows.bad().add(Spot::Line(line), || format!("{} cells where the header has {width}", record.len()));
            continue;
        }
        if !only.iter().all(|only| only.holds(&record, comma)) {
            filtered += 1;
            continue;
        }
        match timing.read(&record, rows.table.last_time()) {
            Ok(time) => rows.add(time, &record, line, comma)?,
            Err(reason) => rows.bad().add(Spot::Line(line), || reason),
        }
    }
    let guard = reader.get_ref();
    if guard.unfinished && last_line.1 < width {
        rows.cut_short(last_line.0);
    }
    *rows.bad() = std::mem::take(rows.bad()).merge(&guard.bad);

    notes.insert(0, format!("times are read from {}", timing.describe(&header)));
    if timing.assumed_utc() {
        notes.push("times name no zone and are taken as UTC; `timezone` says otherwise".to_owned());
    }
    notes.extend(timing.zone_note(&header, params.timezone.as_ref()));
    let (moved, doubt) = timing.folds();
    rows.table.late = moved;
    notes.extend(doubt);
    if filtered > 0 {
        let wanted: Vec<String> = only.iter().map(|o| format!("{:?} is {:?}", header.names[o.index], o.text)).collect();
        notes.push(format!("{filtered} rows are left out: only those count where {}", wanted.join(" and ")));
    }
    if timing.clock() == LogClock::Start {
        let above = dialect.records.get(..header.skip).unwrap_or_default();
        schemas::beacons(above).into_iter().for_each(|lap| rows.table.mark(lap));
    }
    finish(rows, timing.clock(), &header, schema, notes)
}

fn only(header: &Header, params: &Csv) -> Result<Vec<Only>, Diagnostic> {
    let find = |(name, text): (&String, &String)| {
        let number = match number::parse(text.as_bytes(), true) {
            Cell::Number(value) => Some(value),
            _ => None,
        };
        Ok(Only { index: header.required(name, "only")?, text: text.trim().to_owned(), number })
    };
    params.only.iter().map(find).collect()
}

fn finish(rows: Rows<'_>, clock: LogClock, header: &Header, schema: Option<&Schema>, mut notes: Vec<String>) -> Wrote {
    let table = &rows.table;
    if table.len() == 0 || !table.has_values() {
        let message =
            if table.len() == 0 { "no row of the file can be used" } else { "the file holds times and no values" };
        let mut error = Diagnostic::input(message).note(header.describe());
        notes.extend(table.bad.examples.iter().take(3).map(|bad| format!("{}: {}", bad.at, bad.reason)));
        error.notes.extend(notes);
        if table.bad.count > 0 {
            error.notes.push(format!("{} rows cannot be read", table.bad.count));
        }
        return Err(error.hint("say with `columns`, `time` and `only` what the columns are and which rows count"));
    }
    let format = schema.map_or("CSV".to_owned(), |schema| format!("CSV of {}", schema.name));
    rows.finish(format, clock, notes)
}
