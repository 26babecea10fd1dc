//! Which column of a file is which channel: by the manifest's mapping first,
//! then by the well-known headers of the registry, then by its own name.

use std::collections::BTreeMap;

use csv::ByteRecord;

use super::params::{Column, Csv};
use super::timing::show;
use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Unit};
use crate::telemetry::channels::{self, ChannelKind, snake_case, squash};
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

/// A column that becomes a channel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    pub(super) index: usize,
    pub(super) name: String,
    /// What the numbers in the file are in, and what they become.
    pub(super) from: Unit,
    pub(super) unit: Unit,
    /// The unit is an assumption: the header does not say it.
    pub(super) assumed: bool,
    /// A user asked for it, or the registry knows it: cells that are no
    /// numbers are worth telling.
    pub(super) wanted: bool,
}

/// Finds the header among the first records: the one in which most cells mean
/// something; without any, the first with a word in it. A table of nothing but
/// numbers has the headers `#1`, `#2` ...
pub(super) fn find(records: &[ByteRecord], params: &Csv) -> Result<Header, Diagnostic> {
    let names = |record: &ByteRecord| -> Vec<String> {
        record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
    };
    let mapped: Vec<String> = params.columns.values().map(|column| squash(column.header())).collect();
    let known = |cell: &[u8]| {
        let text = String::from_utf8_lossy(cell);
        let (base, _) = split_unit(text.trim());
        let (base, whole) = (squash(base), squash(&text));
        !whole.is_empty()
            && (channels::by_header(&base).is_some()
                || TIME_HEADERS.contains(&base.as_str())
                || mapped.contains(&whole))
    };
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
        let units = written.iter().filter(|cell| parse_unit(cell).is_some()).count();
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
    fn described(&self, index: usize) -> String {
        let name = &self.names[index];
        match self.units.get(index) {
            Some(Some(unit)) if split_unit(name).1.is_none() => format!("{name} ({unit})"),
            _ => name.clone(),
        }
    }

    /// A header, squashed, without its unit.
    pub(super) fn base(&self, index: usize) -> String {
        squash(split_unit(&self.names[index]).0)
    }

    /// The unit that a header states, as it is written.
    pub(super) fn unit(&self, index: usize) -> Option<String> {
        split_unit(&self.described(index)).1.map(str::to_owned)
    }

    /// The column that a user names: exactly, or else however it is spelled.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        let exact = self.names.iter().position(|header| header == name.trim());
        let number = || name.strip_prefix('#').and_then(|n| n.parse::<usize>().ok()).and_then(|n| n.checked_sub(1));
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

    /// Every column that becomes a channel, apart from those `taken` for time
    /// and filters. Adds to `notes` what was passed over.
    pub(super) fn plan(
        &self,
        mapping: &BTreeMap<String, Column>,
        taken: &[usize],
        notes: &mut Vec<String>,
    ) -> Result<Vec<Planned>, Diagnostic> {
        let mut planned: Vec<Planned> = Vec::new();
        for (name, column) in mapping.iter().filter(|(name, _)| !matches!(name.as_str(), "time" | "date")) {
            planned.push(self.mapped(name, column)?);
        }
        let mut own = Vec::new();
        for (index, header) in self.names.iter().enumerate() {
            if header.is_empty() || taken.contains(&index) || planned.iter().any(|p| p.index == index) {
                continue;
            }
            if let Some(first) = self.names[..index].iter().position(|other| other == header) {
                notes.push(format!(
                    "two columns are called {:?}: column {} is used and column {} is not",
                    show(header.as_bytes()),
                    first + 1,
                    index + 1
                ));
                continue;
            }
            let described = self.described(index);
            let (base, unit) = recognise(&described);
            match base {
                Some(kind) if !planned.iter().any(|p| p.name == kind.name) => {
                    planned.push(registered(index, kind, header, unit));
                }
                _ if TIME_HEADERS.contains(&squash(split_unit(header).0).as_str()) => {}
                _ => own.push((index, described)),
            }
        }
        for (index, header) in own {
            let (base, unit_text) = split_unit(&header);
            let unit = unit_text.and_then(parse_unit);
            // A unit of its own row is none of the name.
            let whole = &self.names[index];
            let short = snake_case(if unit.is_some() { base } else { without_source(whole) });
            let free = |name: &String| {
                !name.is_empty() && !planned.iter().any(|p| p.name == *name) && channels::find(name).is_none()
            };
            let long = snake_case(whole);
            let name = [short, long.clone()].into_iter().find(free).unwrap_or_else(|| {
                let stem = if long.is_empty() { "column" } else { long.as_str() };
                format!("{stem}_{}", index + 1)
            });
            let unit = unit.unwrap_or(Unit::None);
            planned.push(Planned { index, name, from: unit, unit, assumed: false, wanted: false });
        }
        planned.sort_by_key(|p| p.index);
        Ok(planned)
    }

    fn mapped(&self, name: &str, column: &Column) -> Result<Planned, Diagnostic> {
        let index = self.required(column.header(), &format!("columns.{name}"))?;
        let header = self.described(index);
        let stated =
            column.unit().or_else(|| recognise(&header).1).or_else(|| split_unit(&header).1.and_then(parse_unit));
        let (from, unit) = match channels::find(name) {
            Some(kind) => (stated.unwrap_or(kind.unit), kind.unit),
            None => (stated.unwrap_or(Unit::None), stated.unwrap_or(Unit::None)),
        };
        if from.convert(0.0, unit).is_none() {
            let message = format!("the channel `{name}` cannot be in {from}");
            return Err(
                Diagnostic::input(message).hint(format!("it is kept in {unit}: give a unit that converts to it"))
            );
        }
        let assumed = stated.is_none() && unit != Unit::None;
        Ok(Planned { index, name: name.to_owned(), from, unit, assumed, wanted: true })
    }
}

fn registered(index: usize, kind: &ChannelKind, header: &str, unit: Option<Unit>) -> Planned {
    let stated = unit.filter(|unit| unit.convert(0.0, kind.unit).is_some());
    // FIT's own field names come with FIT's own unit.
    let fit = matches!(squash(header).as_str(), "positionlat" | "positionlong" | "positionlon");
    let from = stated.unwrap_or(if fit { Unit::Semicircles } else { kind.unit });
    let assumed = stated.is_none() && !fit;
    Planned { index, name: kind.name.to_owned(), from, unit: kind.unit, assumed, wanted: true }
}

/// The channel that a header means, and the unit that it states.
fn recognise(header: &str) -> (Option<&'static ChannelKind>, Option<Unit>) {
    let (base, unit) = split_unit(header);
    // RaceRender's speeds are called by their unit.
    let by_unit = match squash(header).as_str() {
        "mph" => Some(Unit::MilesPerHour),
        "kph" | "kmh" => Some(Unit::KilometresPerHour),
        _ => None,
    };
    if by_unit.is_some() {
        return (channels::find("speed"), by_unit);
    }
    if let Some(kind) = channels::by_header(&squash(base)) {
        return (Some(kind), unit.and_then(parse_unit));
    }
    // `speed_kmh`, `Altitude ft`: a unit as the last word.
    let split = header.trim_end().char_indices().rev().find(|(_, c)| matches!(c, '_' | ' ' | '-' | '.'));
    if let Some((at, separator)) = split {
        let (base, word) = (&header[..at], &header[at + separator.len_utf8()..]);
        if let (Some(kind), Some(unit)) = (channels::by_header(&squash(base)), parse_unit(word))
            && unit.convert(0.0, kind.unit).is_some()
        {
            return (Some(kind), Some(unit));
        }
    }
    (None, None)
}

/// RaceChrono and RaceRender say where a column comes from: `RPM (rpm) *obd`.
fn without_source(header: &str) -> &str {
    match header.rsplit_once(" *") {
        Some((before, source)) if source.chars().all(char::is_alphanumeric) => before.trim_end(),
        _ => header,
    }
}

/// `Speed (km/h)` and `Altitude [m]` in their parts.
pub(super) fn split_unit(header: &str) -> (&str, Option<&str>) {
    let header = header.trim();
    let header = without_source(header);
    for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
        if let Some(inner) = header.strip_suffix(close)
            && let Some(at) = inner.rfind(open)
        {
            return (inner[..at].trim_end(), Some(inner[at + 1..].trim()));
        }
    }
    (header, None)
}

/// A unit as headers write it: more ways than a manifest allows.
fn parse_unit(text: &str) -> Option<Unit> {
    if let Some(unit) = Unit::parse(text).filter(|unit| *unit != Unit::None) {
        return Some(unit);
    }
    Some(match text.to_lowercase().as_str() {
        "ms" | "m.s-1" | "metres per second" | "meters per second" => Unit::MetresPerSecond,
        "km/hr" | "kmph" | "km.h-1" => Unit::KilometresPerHour,
        "miles/h" | "miles per hour" => Unit::MilesPerHour,
        "kts" | "knot" => Unit::Knots,
        "metres" | "meters" | "metre" | "meter" => Unit::Metres,
        "kilometres" | "kilometers" => Unit::Kilometres,
        "feet" | "foot" => Unit::Feet,
        "degree" | "deg." => Unit::Degrees,
        "pct" | "percent" => Unit::Percent,
        "watt" => Unit::Watts,
        "celsius" | "degc" | "deg c" | ".c" => Unit::Celsius,
        "fahrenheit" | "degf" | "deg f" => Unit::Fahrenheit,
        "semicircle" => Unit::Semicircles,
        "seconds" | "sec" | "secs" => Unit::Seconds,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Header {
        Header { names: names.iter().map(|name| (*name).to_owned()).collect(), units: Vec::new(), skip: 1 }
    }

    fn plan(names: &[&str]) -> Vec<(String, Unit)> {
        let planned = header(names).plan(&BTreeMap::new(), &[], &mut Vec::new()).unwrap();
        planned.into_iter().map(|p| (p.name, p.from)).collect()
    }

    #[test]
    fn headers_state_units() {
        let found = plan(&["Speed (km/h)", "Altitude [m]", "temp_f", "GPS Latitude", "lng", "Dist km"]);
        let expected = [
            ("speed", Unit::KilometresPerHour),
            ("altitude", Unit::Metres),
            ("temperature", Unit::Fahrenheit),
            ("latitude", Unit::Degrees),
            ("longitude", Unit::Degrees),
            ("distance", Unit::Kilometres),
        ];
        assert_eq!(found, expected.map(|(name, unit)| (name.to_owned(), unit)));
    }

    #[test]
    fn the_first_column_of_a_channel_is_used_and_the_others_keep_their_names() {
        let found = plan(&["Altitude (m)", "Altitude (ft)", "Pressure Altitude (m)", "Brake (calculated)"]);
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["altitude", "altitude_ft", "pressure_altitude", "brake_calculated"]);
        assert_eq!(found[1].1, Unit::Feet);
    }

    #[test]
    fn of_equal_headers_the_first_is_used_and_that_is_told() {
        let mut notes = Vec::new();
        let planned = header(&["hr", "x", "hr", "x"]).plan(&BTreeMap::new(), &[], &mut notes).unwrap();
        assert_eq!(planned.iter().map(|p| p.index).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(notes.len(), 2);
        assert!(notes[0].contains("column 1 is used and column 3 is not"), "{notes:?}");
    }

    #[test]
    fn a_mapped_header_that_is_not_there_is_an_error_with_the_nearest() {
        let mapping = BTreeMap::from([("speed".to_owned(), Column::Header("Sped".to_owned()))]);
        let error = header(&["Time", "Speed"]).plan(&mapping, &[], &mut Vec::new()).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("did you mean \"Speed\"?"));
        assert!(error.notes[0].contains("\"Time\", \"Speed\""));
    }

    #[test]
    fn a_unit_of_another_dimension_is_an_error() {
        let column = super::super::params::ColumnFields { header: "v".to_owned(), unit: Some(Unit::Watts) };
        let mapping = BTreeMap::from([("speed".to_owned(), Column::Fields(column))]);
        assert!(header(&["v"]).plan(&mapping, &[], &mut Vec::new()).is_err());
    }
}
