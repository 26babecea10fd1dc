//! Which columns become which channels, in which unit: by the manifest's
//! mapping first, then by the well-known headers of the registry, then by their
//! own names.

use std::collections::BTreeMap;

use csv::ByteRecord;

use super::header::{Header, TIME_HEADERS};
use super::params::Column;
use super::timing::show;
use super::units;
use crate::base::units::UnitKind;
use crate::base::{Diagnostic, Unit};
use crate::telemetry::channels::{self, ChannelKind, snake_case, squash};
use crate::telemetry::number::{self, Cell};

/// A column that becomes a channel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    pub(super) index: usize,
    /// Of a column in which both parts of a position stand, which of them.
    pub(super) part: Option<usize>,
    pub(super) name: String,
    /// What the numbers in the file are in, and what they become.
    pub(super) from: Unit,
    pub(super) unit: Unit,
    /// A user asked for it, or the registry knows it: cells that are no
    /// numbers are worth telling.
    pub(super) wanted: bool,
}

/// Headers, squashed, that mean a channel only where their unit says so: the
/// speed of a boat without one is in knots as often as not, and a direction may
/// be `NE`, and a fix of two dimensions or of three.
const ONLY_WITH_UNIT: &[&str] = &["sog", "speedoverground", "direction", "gps2d", "gps3d"];

/// Headers, squashed, of a position in one cell: `47.5 9.3`. Not `coordinates`,
/// which have the longitude first as often as not.
const POSITIONS: &[&str] = &["gps", "position", "gpsposition", "location", "latlon", "latlong", "latlng"];

/// What a header means of the registry.
#[derive(Debug)]
enum Meaning {
    /// A channel in the unit that is stated, or in its own.
    Channel(&'static ChannelKind, Option<Unit>),
    /// A channel by its name, whose unit is none that it can be in.
    Doubtful(&'static ChannelKind),
    Own,
}

/// Plans all columns apart from those `taken` for time and filters. `sample` are
/// some of the rows, in whose numbers a comma may be decimal. Adds to `notes` what was assumed and passed over.
pub(super) fn plan(
    header: &Header,
    mapping: &BTreeMap<String, Column>,
    taken: &[usize],
    sample: &[&ByteRecord],
    comma: bool,
    notes: &mut Vec<String>,
) -> Result<Vec<Planned>, Diagnostic> {
    let mut planned: Vec<Planned> = Vec::new();
    for (name, column) in mapping.iter().filter(|(name, _)| !matches!(name.as_str(), "time" | "date")) {
        planned.push(mapped(header, name, column, notes)?);
    }
    let mut own = Vec::new();
    for (index, name) in header.names.iter().enumerate() {
        if name.is_empty() || taken.contains(&index) || planned.iter().any(|p| p.index == index) {
            continue;
        }
        if let Some(first) = header.names[..index].iter().position(|other| other == name) {
            notes.push(format!(
                "two columns are called {:?}: column {} is used and column {} is not",
                show(name.as_bytes()),
                first + 1,
                index + 1
            ));
            continue;
        }
        let is_free = |kind: &ChannelKind| !planned.iter().any(|p| p.name == kind.name);
        match recognise(&header.described(index)) {
            Meaning::Channel(kind, unit) if is_free(kind) => {
                planned.push(registered(header, index, kind, unit, notes));
            }
            Meaning::Doubtful(kind) if is_free(kind) => {
                let unit = header.unit(index).unwrap_or_default();
                notes.push(format!(
                    "the header {:?} is not taken for {}, because {unit:?} is no unit of it that is known: say with \
                     `columns` what it is in",
                    show(name.as_bytes()),
                    kind.name
                ));
                own.push(index);
            }
            _ if TIME_HEADERS.contains(&header.base(index).as_str()) => {}
            _ => own.push(index),
        }
    }
    let is_placed = |planned: &[Planned]| planned.iter().any(|p| matches!(p.name.as_str(), "latitude" | "longitude"));
    for index in own {
        if !is_placed(&planned) && POSITIONS.contains(&header.base(index).as_str()) && holds_pairs(index, sample, comma)
        {
            notes.push(format!(
                "the header {:?} holds positions: they are taken to have the latitude first",
                show(header.names[index].as_bytes())
            ));
            planned.extend(["latitude", "longitude"].iter().enumerate().map(|(part, name)| Planned {
                part: Some(part),
                wanted: true,
                ..Planned::own(index, (*name).to_owned(), Unit::Degrees)
            }));
        } else {
            let column = by_its_name(header, index, sample, &planned, notes);
            planned.push(column);
        }
    }
    planned.sort_by_key(|p| p.index);
    Ok(planned)
}

impl Planned {
    fn own(index: usize, name: String, unit: Unit) -> Planned {
        Planned { index, part: None, name, from: unit, unit, wanted: false }
    }

    /// The cell of a row that is the channel's.
    pub(super) fn cell<'r>(&self, record: &'r ByteRecord, comma: bool) -> &'r [u8] {
        let cell = record.get(self.index).unwrap_or_default();
        match self.part {
            Some(part) => pair(cell, comma).map_or(&[], |pair| pair[part]),
            None => cell,
        }
    }
}

/// The two numbers of a cell that holds just these: `47.5 9.3`, or `47.5,9.3`
/// where the comma cannot be decimal, or `[47.5, 9.3]`.
fn pair(cell: &[u8], comma: bool) -> Option<[&[u8]; 2]> {
    let cell = cell.trim_ascii();
    let cell = match cell {
        [b'[', within @ .., b']'] | [b'(', within @ .., b')'] => within,
        cell => cell,
    };
    let divides = !comma || cell.contains(&b'.') || cell.windows(2).any(|two| two == b", ");
    let apart = |byte: &u8| matches!(byte, b' ' | b';' | b'\t') || (divides && *byte == b',');
    let mut parts = cell.split(apart).filter(|part| !part.trim_ascii().is_empty());
    let pair = [parts.next()?, parts.next()?];
    let numbers = pair.iter().all(|part| matches!(number::parse(part, comma), Cell::Number(_)));
    (numbers && parts.next().is_none()).then_some(pair)
}

/// Whether most cells of a column hold two numbers that can be a position, as
/// only those with fractions are taken to be.
fn holds_pairs(index: usize, sample: &[&ByteRecord], comma: bool) -> bool {
    let is_part = |part: &[u8], limit: f64| {
        let has_point = part.iter().any(|byte| matches!(byte, b'.' | b','));
        has_point && matches!(number::parse(part, comma), Cell::Number(value) if value.abs() <= limit)
    };
    let is_place =
        |cell: &&&[u8]| pair(cell, comma).is_some_and(|[first, second]| is_part(first, 90.0) && is_part(second, 180.0));
    let cells: Vec<&[u8]> = sample.iter().filter_map(|row| row.get(index)).collect();
    let written = cells.iter().filter(|cell| number::parse(cell, comma) != Cell::Blank).count();
    cells.iter().filter(is_place).count() * 2 > written
}

/// A column that the mapping names.
fn mapped(header: &Header, name: &str, column: &Column, notes: &mut Vec<String>) -> Result<Planned, Diagnostic> {
    let index = header.required(column.header(), &format!("columns.{name}"))?;
    let described = header.described(index);
    let written = units::split(&described).1;
    let kind = channels::find(name);
    if kind.is_none()
        && let Some(near) = channels::near(name)
    {
        notes
            .push(format!("`columns` names a channel {name:?}, which means nothing by itself: did you mean {near:?}?"));
    }
    let meant = match recognise(&described) {
        Meaning::Channel(_, unit) => unit,
        _ => None,
    };
    let stated = column.unit().or(meant).or_else(|| {
        written.and_then(|text| match kind {
            Some(kind) => unit_of(kind, text),
            None => units::parse(text, false),
        })
    });
    let (from, unit) = match kind {
        Some(kind) => (stated.unwrap_or(kind.unit), kind.unit),
        None => (stated.unwrap_or(Unit::None), stated.unwrap_or(Unit::None)),
    };
    if from.convert(0.0, unit).is_none() {
        let message = format!("the channel `{name}` cannot be in {from}");
        return Err(Diagnostic::input(message).hint(format!("it is kept in {unit}: give a unit that converts to it")));
    }
    if stated.is_none()
        && let Some(kind) = kind
    {
        assumed(header, index, kind, written, notes);
    }
    Ok(Planned { index, part: None, name: name.to_owned(), from, unit, wanted: true })
}

fn registered(
    header: &Header,
    index: usize,
    kind: &ChannelKind,
    unit: Option<Unit>,
    notes: &mut Vec<String>,
) -> Planned {
    // FIT's own field names come with FIT's own unit.
    let fit = matches!(squash(&header.names[index]).as_str(), "positionlat" | "positionlong" | "positionlon");
    let from = unit.unwrap_or(if fit { Unit::Semicircles } else { kind.unit });
    if unit.is_none() && !fit {
        assumed(header, index, kind, units::split(&header.described(index)).1, notes);
    }
    Planned { index, part: None, name: kind.name.to_owned(), from, unit: kind.unit, wanted: true }
}

/// Says that a channel is taken to be in its own unit, where that may be wrong.
fn assumed(header: &Header, index: usize, kind: &ChannelKind, written: Option<&str>, notes: &mut Vec<String>) {
    let name = show(header.names[index].as_bytes());
    match written.filter(|text| !text.is_empty()) {
        // Degrees are all that positions are in, and a lap is a number.
        _ if matches!(kind.name, "latitude" | "longitude" | "lap") => {}
        Some(text) => notes.push(format!(
            "the unit {:?} of the header {name:?} is not known: {} is taken to be in {}",
            show(text.as_bytes()),
            kind.name,
            kind.unit
        )),
        None if kind.name == "speed" => {
            notes.push(format!("the header {name:?} states no unit: speed is taken to be in {}", kind.unit));
        }
        None => {}
    }
}

/// A column that the registry does not know.
fn by_its_name(
    header: &Header,
    index: usize,
    sample: &[&ByteRecord],
    planned: &[Planned],
    notes: &mut Vec<String>,
) -> Planned {
    let described = header.described(index);
    let (base, written) = units::split(&described);
    let squashed = squash(base);
    let speed = ["speed", "velocity", "spd"].iter().any(|word| squashed.contains(word));
    let mut unit = written.and_then(|unit| units::parse(unit, speed));
    // A unit of its own row is none of the name.
    let whole = &header.names[index];
    let short = snake_case(if unit.is_some() { base } else { units::without_source(whole) });
    let is_free =
        |name: &String| !name.is_empty() && !planned.iter().any(|p| p.name == *name) && channels::find(name).is_none();
    let long = snake_case(whole);
    let name = [short, long.clone()].into_iter().find(is_free).unwrap_or_else(|| {
        let stem = if long.is_empty() { "column" } else { long.as_str() };
        format!("{stem}_{}", index + 1)
    });
    let said = show(whole.as_bytes());
    if unit.is_none() && snake_case(base).rsplit('_').next() == Some("pace") {
        let cells = || sample.iter().filter_map(|row| row.get(index)).filter(|cell| !cell.trim_ascii().is_empty());
        if cells().any(|cell| number::minutes(cell, true).is_some()) {
            unit = Some(Unit::MinutesPerKilometre);
            notes.push(format!("the header {said:?} states no unit: {name} is taken to be in min/km"));
        } else if cells().next().is_some() {
            notes.push(format!(
                "the header {said:?} states no unit: say with `columns` whether {name} is in min/km or min/mi"
            ));
        }
    } else if written.is_none() && ONLY_WITH_UNIT[..2].contains(&squashed.as_str()) {
        notes.push(format!("the header {said:?} states no unit and is not taken for speed: say with `columns` which"));
    }
    Planned::own(index, name, unit.unwrap_or(Unit::None))
}

/// The unit of a channel that a text states. What is counted in a minute is in
/// the channel's own, whatever is counted.
fn unit_of(kind: &ChannelKind, text: &str) -> Option<Unit> {
    match kind.unit.kind() {
        UnitKind::HeartRate | UnitKind::Cadence if units::is_by_the_minute(text) => Some(kind.unit),
        measured => units::parse(text, measured == UnitKind::Speed),
    }
}

/// The channel that a header means, and the unit that it states.
fn recognise(header: &str) -> Meaning {
    let (base, unit) = units::split(header);
    // RaceRender's speeds are called by their unit.
    let by_unit = match squash(header).as_str() {
        "mph" => Some(Unit::MilesPerHour),
        "kph" | "kmh" => Some(Unit::KilometresPerHour),
        _ => None,
    };
    if let (Some(kind), Some(unit)) = (channels::find("speed"), by_unit) {
        return Meaning::Channel(kind, Some(unit));
    }
    let squashed = squash(base);
    if let Some(kind) = channels::by_header(&squashed) {
        let Some(text) = unit else {
            return if ONLY_WITH_UNIT.contains(&squashed.as_str()) {
                Meaning::Own
            } else {
                Meaning::Channel(kind, None)
            };
        };
        return match unit_of(kind, text) {
            Some(unit) if unit.convert(0.0, kind.unit).is_some() => Meaning::Channel(kind, Some(unit)),
            // `Temp (deg)` is short for degrees Celsius.
            Some(Unit::Degrees) if kind.unit == Unit::Celsius => Meaning::Channel(kind, None),
            Some(_) => Meaning::Doubtful(kind),
            None if units::is_foreign(text) || ONLY_WITH_UNIT.contains(&squashed.as_str()) => Meaning::Doubtful(kind),
            None => Meaning::Channel(kind, None),
        };
    }
    // `speed_kmh`, `Altitude ft`: a unit as the last word.
    if let Some((base, word)) = units::last_word(header)
        && let Some(kind) = channels::by_header(&squash(base))
        && let Some(unit) = unit_of(kind, word)
        && unit.convert(0.0, kind.unit).is_some()
    {
        return Meaning::Channel(kind, Some(unit));
    }
    Meaning::Own
}

#[cfg(test)]
mod tests;
