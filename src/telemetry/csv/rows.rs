//! The cells of a row to values of channels.

use std::io::Write;

use csv::ByteRecord;

use super::plan::Planned;
use super::timing::show;
use crate::base::Diagnostic;
use crate::model::telemetry::{LogClock, Spot};
use crate::telemetry::bad_rows::BadRows;
use crate::telemetry::import::Wrote;
use crate::telemetry::number::{self, Cell};
use crate::telemetry::table::{Repeated, Table};

/// What of a column is no number.
#[derive(Default)]
struct Texts {
    count: u64,
    /// The first, with its line.
    first: Option<(u64, String)>,
}

pub(super) struct Rows<'w> {
    planned: Vec<Planned>,
    /// Places of latitude and longitude among the columns.
    position: Option<(usize, usize)>,
    texts: Vec<Texts>,
    pub(super) table: Table<'w>,
    /// Line of the row that was added last.
    last_line: u64,
}

impl<'w> Rows<'w> {
    pub(super) fn new(planned: Vec<Planned>, out: &'w mut dyn Write) -> Rows<'w> {
        let place = |name: &str| planned.iter().position(|p| p.name == name);
        let mut table = Table::new(Repeated::Dropped, out);
        for planned in &planned {
            table.add_column(planned.name.clone(), planned.unit);
        }
        Rows {
            position: place("latitude").zip(place("longitude")),
            texts: planned.iter().map(|_| Texts::default()).collect(),
            table,
            last_line: 0,
            planned,
        }
    }

    pub(super) fn bad(&mut self) -> &mut BadRows {
        &mut self.table.bad
    }

    /// Takes a row. Fails only where the log does not fit into memory.
    pub(super) fn add(&mut self, time: i64, record: &ByteRecord, line: u64, comma: bool) -> Result<(), Diagnostic> {
        if let Err(reason) = self.read(record, line, comma) {
            self.table.bad.add(Spot::Line(line), || reason);
            return Ok(());
        }
        if self.table.add(time)? {
            self.last_line = line;
        }
        Ok(())
    }

    /// The cells of a row into the table, in the channels' units.
    fn read(&mut self, record: &ByteRecord, line: u64, comma: bool) -> Result<(), String> {
        let row = self.table.row();
        for (at, planned) in self.planned.iter().enumerate() {
            let cell = planned.cell(record, comma);
            row[at] = match number::parse(cell, comma) {
                Cell::Number(value) => planned.from.convert(value, planned.unit).unwrap_or(f64::NAN),
                Cell::Blank => f64::NAN,
                Cell::Text if planned.from.is_pace() && number::minutes(cell, comma).is_some() => {
                    let minutes = number::minutes(cell, comma).unwrap_or(f64::NAN);
                    planned.from.convert(minutes, planned.unit).unwrap_or(f64::NAN)
                }
                Cell::Text => {
                    let texts = &mut self.texts[at];
                    texts.count += 1;
                    texts.first.get_or_insert_with(|| (line, show(cell)));
                    f64::NAN
                }
            };
        }
        let Some((lat, lon)) = self.position else { return Ok(()) };
        if row[lon] > 180.0 && row[lon] <= 360.0 {
            row[lon] -= 360.0;
        }
        for (at, limit) in [(lat, 90.0), (lon, 180.0)] {
            if row[at].abs() > limit {
                return Err(format!("the {} {} is not on Earth", self.planned[at].name, row[at]));
            }
        }
        // Half a position is none. A position that is no number leaves what
        // else the row says.
        if row[lat].is_nan() || row[lon].is_nan() {
            (row[lat], row[lon]) = (f64::NAN, f64::NAN);
        }
        Ok(())
    }

    /// The file ends within this line: what its last cell holds may be a part
    /// of a number.
    pub(super) fn cut_short(&mut self, line: u64) {
        if self.last_line == line && self.table.len() > 0 {
            self.table.pop();
            self.table.bad.add(Spot::Line(line), || "the file ends within this line".to_owned());
        }
    }

    pub(super) fn finish(mut self, format: String, clock: LogClock, mut notes: Vec<String>) -> Wrote {
        let mut texts = Vec::new();
        for (at, (planned, found)) in self.planned.iter().zip(&self.texts).enumerate() {
            let numbers = self.table.numbers(at);
            match (&found.first, planned.wanted) {
                (Some((line, text)), true) => notes.push(format!(
                    "{}: {} cells are no numbers, the first {text:?} in line {line}",
                    planned.name, found.count
                )),
                (Some(_), false) if found.count > numbers / 10 => {
                    texts.push(planned.name.as_str());
                    self.table.forget(at);
                }
                (None, true) if numbers == 0 => notes.push(format!("{}: the column is empty", planned.name)),
                _ => {}
            }
        }
        if !texts.is_empty() {
            notes.push(format!("columns of text are not kept: {}", texts.join(", ")));
        }
        self.table.notes = notes;
        self.table.finish(format, clock, false)
    }
}
