//! The rows that are kept, in columns, in the order of time.

use csv::ByteRecord;

use super::guard::BadRows;
use super::header::Planned;
use super::number::{self, Cell};
use super::timing::show;
use crate::base::Diagnostic;
use crate::model::telemetry::{Channel, LogClock, Telemetry};

/// Most values that a log may have in memory: 2 GiB of them.
const MOST_VALUES: usize = 1 << 28;

/// How many rows that go back in time are held until it is clear whether they
/// or the rows before them are wrong.
const MOST_HELD: usize = 32;

/// Most notes about columns.
const MOST_NOTES: usize = 40;

/// One column on its way. Blank cells at its end are not stored, so that a
/// column without values costs nothing.
#[derive(Default)]
struct Values {
    values: Vec<f64>,
    numbers: u64,
    texts: u64,
    /// The first cell that is no number, with its line.
    first_text: Option<(u64, String)>,
}

/// A row that goes back in time.
struct Held {
    time: i64,
    values: Vec<f64>,
}

pub(super) struct Rows {
    planned: Vec<Planned>,
    /// Places of latitude and longitude among the columns.
    position: Option<(usize, usize)>,
    times: Vec<i64>,
    columns: Vec<Values>,
    stored: usize,
    scratch: Vec<f64>,
    held: Vec<Held>,
    /// Line of the row that was added last.
    last_line: u64,
    equal: u64,
    backward: u64,
    jumped: u64,
    pub(super) bad: BadRows,
}

impl Rows {
    pub(super) fn new(planned: Vec<Planned>) -> Rows {
        let place = |name: &str| planned.iter().position(|p| p.name == name);
        Rows {
            position: place("latitude").zip(place("longitude")),
            times: Vec::new(),
            columns: planned.iter().map(|_| Values::default()).collect(),
            stored: 0,
            scratch: vec![f64::NAN; planned.len()],
            held: Vec::new(),
            last_line: 0,
            equal: 0,
            backward: 0,
            jumped: 0,
            bad: BadRows::default(),
            planned,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    pub(super) fn has_values(&self) -> bool {
        self.columns.iter().any(|column| column.numbers > 0)
    }

    /// The time of the newest row, `i64::MIN` before the first.
    pub(super) fn last_time(&self) -> i64 {
        self.held.last().map(|held| held.time).or(self.times.last().copied()).unwrap_or(i64::MIN)
    }

    /// Takes a row. Fails only where the log does not fit into memory.
    pub(super) fn add(&mut self, time: i64, record: &ByteRecord, line: u64, comma: bool) -> Result<(), Diagnostic> {
        if let Err(reason) = self.read(record, line, comma) {
            self.bad.add(line, || reason);
            return Ok(());
        }
        let newest = self.times.last().copied().unwrap_or(i64::MIN);
        if time > newest || self.times.is_empty() {
            self.backward += self.held.len() as u64;
            self.held.clear();
            self.last_line = line;
            self.push(time)?;
        } else if time == newest {
            self.equal += 1;
        } else {
            self.hold(time)?;
        }
        Ok(())
    }

    /// The cells of a row into `scratch`, in the channels' units.
    fn read(&mut self, record: &ByteRecord, line: u64, comma: bool) -> Result<(), String> {
        for (at, planned) in self.planned.iter().enumerate() {
            let cell = record.get(planned.index).unwrap_or_default();
            self.scratch[at] = match number::parse(cell, comma) {
                Cell::Number(value) => planned.from.convert(value, planned.unit).unwrap_or(f64::NAN),
                Cell::Blank => f64::NAN,
                Cell::Text => {
                    if self.position.is_some_and(|(lat, lon)| at == lat || at == lon) {
                        return Err(format!("the {} {:?} is not a number", planned.name, show(cell)));
                    }
                    let column = &mut self.columns[at];
                    column.texts += 1;
                    column.first_text.get_or_insert_with(|| (line, show(cell)));
                    f64::NAN
                }
            };
        }
        let Some((lat, lon)) = self.position else { return Ok(()) };
        if self.scratch[lon] > 180.0 && self.scratch[lon] <= 360.0 {
            self.scratch[lon] -= 360.0;
        }
        for (at, limit) in [(lat, 90.0), (lon, 180.0)] {
            if self.scratch[at].abs() > limit {
                return Err(format!("the {} {} is not on Earth", self.planned[at].name, self.scratch[at]));
            }
        }
        // Half a position is none.
        if self.scratch[lat].is_nan() || self.scratch[lon].is_nan() {
            (self.scratch[lat], self.scratch[lon]) = (f64::NAN, f64::NAN);
        }
        Ok(())
    }

    /// Appends what is in `scratch`.
    fn push(&mut self, time: i64) -> Result<(), Diagnostic> {
        self.times.push(time);
        self.stored += 1;
        for (column, value) in self.columns.iter_mut().zip(&self.scratch) {
            if value.is_nan() {
                continue;
            }
            let rows = self.times.len();
            self.stored += rows - column.values.len();
            if self.stored > MOST_VALUES {
                return Err(Diagnostic::input(format!("the log has more than {MOST_VALUES} values"))
                    .hint("read fewer rows with `only`, or export fewer columns"));
            }
            column.values.resize(rows - 1, f64::NAN);
            column.values.push(*value);
            column.numbers += 1;
        }
        Ok(())
    }

    /// Keeps a row that goes back in time until more of them follow one
    /// another than rows stand before them that they contradict: then those
    /// were the ones that jumped.
    fn hold(&mut self, time: i64) -> Result<(), Diagnostic> {
        if self.held.last().is_some_and(|held| time <= held.time) {
            self.backward += 1;
            return Ok(());
        }
        self.held.push(Held { time, values: self.scratch.clone() });
        let from = self.held.first().map_or(time, |held| held.time);
        let suspects = self.times.iter().rev().take(MOST_HELD).take_while(|kept| **kept >= from).count();
        if suspects < self.held.len() && suspects < MOST_HELD {
            self.truncate(self.times.len() - suspects);
            self.jumped += suspects as u64;
            for held in std::mem::take(&mut self.held) {
                self.scratch = held.values;
                self.push(held.time)?;
            }
        } else if self.held.len() >= MOST_HELD {
            self.backward += self.held.len() as u64;
            self.held.clear();
        }
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        self.stored -= self.times.len() - rows;
        self.times.truncate(rows);
        for column in &mut self.columns {
            self.stored -= column.values.len().saturating_sub(rows);
            column.values.truncate(rows);
        }
    }

    /// The file ends within this line: what its last cell holds may be a part
    /// of a number.
    pub(super) fn cut_short(&mut self, line: u64) {
        if self.last_line == line && !self.times.is_empty() {
            self.truncate(self.times.len() - 1);
            self.bad.add(line, || "the file ends within this line".to_owned());
        }
    }

    pub(super) fn finish(mut self, clock: LogClock, notes: &mut Vec<String>) -> Telemetry {
        self.backward += self.held.len() as u64;
        for (count, what) in [
            (self.equal, "rows repeat the time before them and are left out"),
            (self.backward, "rows go back in time and are left out"),
            (self.jumped, "rows jump ahead in time, with what follows before them again, and are left out"),
        ] {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        }
        let rows = self.times.len();
        let mut channels = Vec::new();
        let mut texts = Vec::new();
        for (planned, mut column) in self.planned.into_iter().zip(self.columns) {
            match (&column.first_text, planned.wanted) {
                (Some((line, text)), true) => notes.push(format!(
                    "{}: {} cells are no numbers, the first {text:?} in line {line}",
                    planned.name, column.texts
                )),
                (Some(_), false) if column.texts > column.numbers / 10 => {
                    texts.push(planned.name);
                    continue;
                }
                (None, true) if column.numbers == 0 => notes.push(format!("{}: the column is empty", planned.name)),
                _ => {}
            }
            if column.numbers > 0 {
                column.values.resize(rows, f64::NAN);
                column.values.shrink_to_fit();
                channels.push(Channel { name: planned.name, unit: planned.unit, values: column.values });
            }
        }
        if !texts.is_empty() {
            notes.push(format!("columns of text are not kept: {}", texts.join(", ")));
        }
        notes.truncate(MOST_NOTES);
        Telemetry { clock, times: self.times, channels, breaks: Vec::new() }
    }
}
