//! The line of a file that says what its columns are.

use csv::ByteRecord;

use super::params::Csv;
use super::timing::show;
use super::units;
use crate::base::Diagnostic;
use crate::base::diagnostic::nearest;
use crate::telemetry::channels::{self, squash};
use crate::telemetry::number::{self, Cell};

/// Most columns that a file may have.
pub(super) const MOST_COLUMNS: usize = 4_096;

/// How far down a header is looked for, below lines that describe the log.
const HEADER_WITHIN: usize = 60;

/// Headers of columns with times, squashed, the best first: absolute times are
/// preferred to those from a start whatever the order here.
pub(super) const TIME_HEADERS: &[&str] = &[
    "utctime",
    "timeutc",
    "utc",
    "timestamp",
    "datetime",
    "dateandtime",
    "datetimeutc",
    "gpstime",
    "devicetime",
    "gpsdatetime",
    "isotime",
    "epoch",
    "epochtime",
    "unixtime",
    "unix",
    "time",
    "recordtime",
    "localtime",
    "date",
    "utcdate",
    "elapsedtime",
    "elapsed",
    "elapsedseconds",
    "elapsedsec",
    "elapseds",
    "seconds",
    "secs",
    "sec",
    "timesec",
    "times",
    "timems",
    "timeus",
    "elapsedms",
    "millis",
    "milliseconds",
    "timer",
    "runtime",
    "cts",
    "t",
];

/// Headers of columns with the date beside a time of day.
pub(super) const DATE_HEADERS: &[&str] = &["date", "utcdate", "gpsdate", "dateutc", "localdate", "day"];

/// The first line of a table.
pub(super) struct Header {
    /// As written, trimmed.
    pub(super) names: Vec<String>,
    /// What the row below it says of the units; empty where there is none.
    units: Vec<Option<String>>,
    /// Records above the first row of data.
    pub(super) skip: usize,
}

/// Finds the header among the first records: the one in which most cells mean
/// something; without any, the first with a word in it. A table of nothing but
/// numbers has the headers `#1`, `#2` ...
pub(super) fn find(records: &[ByteRecord], params: &Csv) -> Result<Header, Diagnostic> {
    let names = |record: &ByteRecord| -> Vec<String> {
        record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
    };
    let known = |cell: &[u8]| is_known(cell) || is_mapped(cell, params);
    let scores = records.iter().take(HEADER_WITHIN).map(|record| record.iter().filter(|cell| known(cell)).count());
    let best = scores.enumerate().rev().max_by_key(|(_, score)| *score);
    let has_word =
        |record: &ByteRecord| record.iter().any(|cell| number::parse(cell, true) == Cell::Text && cell.len() < 100);
    let at = match best {
        None => return Err(Diagnostic::input("the file has no rows").hint("a CSV file needs a header line and rows")),
        Some((at, score)) if score > 0 => Some(at),
        Some(_) => records.iter().take(1).position(has_word),
    };
    let mut header = match at {
        Some(at) => Header { names: names(&records[at]), units: Vec::new(), skip: at + 1 },
        None => {
            let columns = records.iter().map(ByteRecord::len).max().unwrap_or(0);
            Header { names: (1..=columns).map(|number| format!("#{number}")).collect(), units: Vec::new(), skip: 0 }
        }
    };
    header.take_units(records);
    if header.names.len() > MOST_COLUMNS {
        let message = format!("the file has {} columns, more than {MOST_COLUMNS}", header.names.len());
        return Err(Diagnostic::input(message).hint("check the delimiter, or export fewer columns"));
    }
    Ok(header)
}

/// Whether a cell is the header of a channel or of times.
pub(super) fn is_known(cell: &[u8]) -> bool {
    let text = String::from_utf8_lossy(cell);
    let base = squash(units::split(text.trim()).0);
    channels::by_header(&base).is_some() || TIME_HEADERS.contains(&base.as_str())
}

/// Whether a cell is a header that the parameters name, and not by its number.
pub(super) fn is_mapped(cell: &[u8], params: &Csv) -> bool {
    let text = String::from_utf8_lossy(cell);
    let text = text.trim();
    let squashed = squash(text);
    let mut named =
        params.columns.values().map(|column| column.header().trim()).filter(|name| number_of(name).is_none());
    named.any(|name| name == text || (!squashed.is_empty() && squash(name) == squashed))
}

/// The number of a column that is named by it: `#3`.
fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix('#')?.parse().ok()
}

impl Header {
    /// Loggers of cars write units into a row of their own, and below it where
    /// each column comes from (RaceChrono: `100: gps`).
    fn take_units(&mut self, records: &[ByteRecord]) {
        let cells = |record: &ByteRecord| -> Vec<String> {
            record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
        };
        let Some(row) = records.get(self.skip).filter(|_| self.skip > 0).map(cells) else { return };
        let written: Vec<&String> = row.iter().filter(|cell| !cell.is_empty()).collect();
        let word = |cell: &&String| {
            cell.len() <= 12 && number::parse(cell.as_bytes(), true) == Cell::Text && !cell.contains(':')
        };
        let units = written.iter().filter(|cell| units::is_unit(cell)).count();
        if written.is_empty() || !written.iter().all(word) || units * 2 < written.len() {
            return;
        }
        self.units = row.into_iter().map(|cell| Some(cell).filter(|cell| !cell.is_empty())).collect();
        self.skip += 1;
        if let Some(sources) = records.get(self.skip).map(cells) {
            let text = |cell: &String| cell.is_empty() || number::parse(cell.as_bytes(), true) == Cell::Text;
            if sources.first().is_some_and(String::is_empty) && sources.iter().all(text) {
                self.skip += 1;
            }
        }
    }

    /// A header with its unit, where that stands below it.
    pub(super) fn described(&self, index: usize) -> String {
        let name = &self.names[index];
        match self.units.get(index) {
            Some(Some(unit)) if units::split(name).1.is_none() => format!("{name} ({unit})"),
            _ => name.clone(),
        }
    }

    /// A header, squashed, without its unit.
    pub(super) fn base(&self, index: usize) -> String {
        squash(units::split(&self.names[index]).0)
    }

    /// The unit that a header states, as it is written.
    pub(super) fn unit(&self, index: usize) -> Option<String> {
        units::split(&self.described(index)).1.map(str::to_owned)
    }

    /// The column that a user names: exactly, or else however it is spelled.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        let exact = self.names.iter().position(|header| header == name.trim());
        let number = || number_of(name).and_then(|number| number.checked_sub(1));
        exact.or_else(|| number().filter(|index| *index < self.names.len())).or_else(|| {
            let wanted = squash(name);
            let mut same = self.names.iter().enumerate().filter(|(_, header)| squash(header) == wanted);
            same.next().map(|(index, _)| index).filter(|_| !wanted.is_empty())
        })
    }

    /// The column that a parameter names, or the error that says which there
    /// are.
    pub(super) fn required(&self, name: &str, what: &str) -> Result<usize, Diagnostic> {
        self.column(name).ok_or_else(|| {
            let missing = Diagnostic::input(format!("the file has no column {name:?}, named by `{what}`"));
            let missing = missing.note(self.describe());
            match nearest(name, self.names.iter().map(String::as_str)) {
                Some(near) => missing.hint(format!("did you mean {near:?}?")),
                None => missing.hint("write a header as it stands in the file, or `#3` for the third column"),
            }
        })
    }

    /// The headers, for notes; at most 40 of them, and of each its beginning.
    pub(super) fn describe(&self) -> String {
        let mut shown: Vec<String> =
            self.names.iter().take(40).map(|name| format!("{:?}", show(name.as_bytes()))).collect();
        if self.names.len() > shown.len() {
            shown.push(format!("and {} more", self.names.len() - shown.len()));
        }
        format!("the file's columns are {}", shown.join(", "))
    }

    /// Columns whose header, squashed and without unit, is in the list, in the
    /// list's order; with the unit's text.
    pub(super) fn among(&self, list: &[&str]) -> Vec<(usize, Option<String>)> {
        let bases: Vec<String> = (0..self.names.len()).map(|index| self.base(index)).collect();
        let find = |wanted: &&str| {
            let whole = |index: &usize| squash(&self.names[*index]) == **wanted;
            let base = bases.iter().position(|base| base == wanted);
            base.or_else(|| (0..bases.len()).find(whole)).map(|index| (index, self.unit(index)))
        };
        list.iter().filter_map(find).collect()
    }

    #[cfg(test)]
    pub(super) fn of(names: &[&str]) -> Header {
        Header { names: names.iter().map(|name| (*name).to_owned()).collect(), units: Vec::new(), skip: 1 }
    }
}
