//! The samples of a log on their way into columns, in the order of time.
//!
//! Every importer fills one: a value for some of the columns, then the time of
//! the row. A row that goes back in time is held until it is clear whether it
//! or the rows before it are wrong, so that a clock that jumps ahead for a few
//! rows costs these rows and not all that follow.
//!
//! Rows that can no longer be taken back are written to where the log goes, a
//! block at a time ([`columns`](super::columns)), so that a log of any length
//! takes the memory of two blocks.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::bad_rows::BadRows;
use super::columns::{BLOCK, Ending, Writer};
use super::import::Wrote;
use super::summary::{Spread, count};
use crate::base::{Diagnostic, Unit};
use crate::model::telemetry::{Dropped, LogClock, Mark, MarkKind, Quality, Reason, TelemetrySummary};

/// Most columns that a log may name as it goes: each costs something in every
/// row.
const MOST_NAMED: usize = 512;

/// How many rows that go back in time are held until it is clear whether they
/// or the rows before them are wrong. So many rows are always kept back.
const MOST_HELD: usize = 32;

/// Most marks that are kept: a lap each ten metres of a long ride.
const MOST_MARKS: usize = 10_000;

/// Longest name of a mark, in bytes.
const LONGEST_NAME: usize = 200;

/// Most notes of an import.
const MOST_NOTES: usize = 40;

/// One column, of rows that are not written yet. Unknown values at its end are
/// not stored, so that a column without values costs nothing.
struct Column {
    name: String,
    unit: Unit,
    values: Vec<f64>,
    numbers: u64,
    /// Of what is written.
    spread: Spread,
    /// Its values do not count, whatever was written of them.
    forgotten: bool,
}

/// A row that goes back in time.
struct Held {
    time: i64,
    parted: bool,
    values: Vec<f64>,
}

/// What rows do that have the time of the row before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    /// They are left out.
    Dropped,
    /// They add what that row does not know.
    Joined,
    /// They are kept, a nanosecond later each: a logger that counts whole
    /// seconds has measured more than once in one.
    Kept,
}

pub(super) struct Table<'w> {
    out: Writer<'w>,
    repeated: Repeated,
    columns: Vec<Column>,
    /// The columns by their names.
    places: BTreeMap<String, usize>,
    /// Rows that are written, the time of the first, and the breaks among them.
    written: usize,
    first: Option<i64>,
    written_breaks: u32,
    /// Rows that are not written yet.
    times: Vec<i64>,
    /// The last row's time as it was given.
    stated: i64,
    /// Indices of rows, of those not written yet, before which nothing is known.
    breaks: Vec<usize>,
    marks: Vec<Mark>,
    /// Whether the next row comes after a break.
    parted: bool,
    /// The row that is filled: one value for each column, NaN where unknown.
    row: Vec<f64>,
    held: Vec<Held>,
    equal: u64,
    backward: u64,
    jumped: u64,
    unmarked: u64,
    /// Added to all times at the end, in ns.
    pub(super) late: i64,
    pub(super) bad: BadRows,
    pub(super) notes: Vec<String>,
    /// What the importer left out, and why.
    pub(super) dropped: Vec<Dropped>,
}

impl<'w> Table<'w> {
    /// A table whose log goes to `out`, as an artifact.
    pub(super) fn new(repeated: Repeated, out: &'w mut dyn Write) -> Table<'w> {
        Table {
            out: Writer::new(out),
            repeated,
            columns: Vec::new(),
            places: BTreeMap::new(),
            written: 0,
            first: None,
            written_breaks: 0,
            times: Vec::new(),
            stated: i64::MIN,
            breaks: Vec::new(),
            marks: Vec::new(),
            parted: false,
            row: Vec::new(),
            held: Vec::new(),
            equal: 0,
            backward: 0,
            jumped: 0,
            unmarked: 0,
            late: 0,
            bad: BadRows::default(),
            notes: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Forgets all rows and columns, but not what was bad.
    pub(super) fn reset(&mut self) {
        self.out.forget();
        self.columns.clear();
        self.places.clear();
        (self.written, self.first, self.written_breaks) = (0, None, 0);
        self.times.clear();
        self.stated = i64::MIN;
        self.breaks.clear();
        self.marks.clear();
        self.parted = false;
        self.row.clear();
        self.held.clear();
        (self.equal, self.backward, self.jumped, self.unmarked) = (0, 0, 0, 0);
        self.notes.clear();
    }

    /// Adds a column; of a name that is there already, another.
    pub(super) fn add_column(&mut self, name: String, unit: Unit) -> usize {
        let at = self.columns.len();
        self.places.entry(name.clone()).or_insert(at);
        let (values, spread) = (Vec::new(), Spread::default());
        self.columns.push(Column { name, unit, values, numbers: 0, spread, forgotten: false });
        self.row.push(f64::NAN);
        at
    }

    /// The column of this name, which is added where it is not there; `None`
    /// where there are too many.
    pub(super) fn column(&mut self, name: &str, unit: Unit) -> Option<usize> {
        let is_room = self.columns.len() < MOST_NAMED;
        self.place(name).or_else(|| is_room.then(|| self.add_column(name.to_owned(), unit)))
    }

    /// The column of this name, where it is there.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Sets a value of the row that is filled, in the column's unit.
    pub(super) fn set(&mut self, column: usize, value: f64) {
        if let Some(cell) = self.row.get_mut(column) {
            *cell = if value.is_finite() { value } else { f64::NAN };
        }
    }

    /// Sets the value of a channel by its name.
    pub(super) fn put(&mut self, name: &str, unit: Unit, value: f64) {
        if let Some(column) = self.column(name, unit) {
            self.set(column, value);
        }
    }

    /// The row that is filled.
    pub(super) fn row(&mut self) -> &mut [f64] {
        &mut self.row
    }

    /// Whether the position of the row that is filled is on Earth, where it has
    /// one; half a position is none.
    pub(super) fn check_position(&mut self) -> Result<(), String> {
        let place = |name: &str| self.places.get(name).copied();
        let (lat, lon) = (place("latitude"), place("longitude"));
        for (at, name, limit) in [(lat, "latitude", 90.0), (lon, "longitude", 180.0)] {
            let value = at.map_or(f64::NAN, |at| self.row[at]);
            if value.abs() > limit {
                return Err(format!("the {name} {value} is not on Earth"));
            }
        }
        let known = |at: Option<usize>| at.is_some_and(|at| !self.row[at].is_nan());
        if known(lat) != known(lon) {
            for at in [lat, lon].into_iter().flatten() {
                self.row[at] = f64::NAN;
            }
        }
        Ok(())
    }

    /// Forgets what was set of the row that is filled.
    pub(super) fn clear(&mut self) {
        self.row.fill(f64::NAN);
    }

    /// Rows that are kept.
    pub(super) fn len(&self) -> usize {
        self.written + self.times.len()
    }

    /// Values that a column has got.
    pub(super) fn numbers(&self, column: usize) -> u64 {
        self.columns.get(column).map_or(0, |column| column.numbers)
    }

    pub(super) fn has_values(&self) -> bool {
        self.columns.iter().any(|column| column.numbers > 0)
    }

    /// The time of the newest row, `i64::MIN` before the first.
    pub(super) fn last_time(&self) -> i64 {
        self.held.last().map(|held| held.time).or(self.times.last().copied()).unwrap_or(i64::MIN)
    }

    /// Nothing is known between the row before and the next.
    pub(super) fn part(&mut self) {
        self.parted = true;
    }

    pub(super) fn mark(&mut self, mut mark: Mark) {
        if self.marks.len() >= MOST_MARKS {
            self.unmarked += 1;
            return;
        }
        let end = (0..=mark.name.len().min(LONGEST_NAME)).rev().find(|at| mark.name.is_char_boundary(*at));
        mark.name.truncate(end.unwrap_or(0));
        self.marks.push(mark);
    }

    /// Takes the row that was filled. Says whether it stands at the end of the
    /// table now. Fails only where the log cannot be written.
    pub(super) fn add(&mut self, time: i64) -> Result<bool, Diagnostic> {
        let newest = self.times.last().copied().unwrap_or(i64::MIN);
        let mut kept = false;
        if time > newest || self.len() == 0 {
            self.backward += self.held.len() as u64;
            self.held.clear();
            self.push(time)?;
            kept = true;
        } else if time == self.stated && self.repeated == Repeated::Kept && self.held.is_empty() {
            self.push(newest.saturating_add(1))?;
            self.stated = time;
            kept = true;
        } else if time == newest && self.repeated == Repeated::Joined && self.held.is_empty() {
            self.join();
        } else if time == newest {
            self.equal += 1;
        } else {
            self.hold(time)?;
        }
        self.clear();
        Ok(kept)
    }

    /// Appends the row that is filled.
    fn push(&mut self, time: i64) -> Result<(), Diagnostic> {
        if std::mem::take(&mut self.parted) && self.len() > 0 {
            self.breaks.push(self.times.len());
        }
        self.times.push(time);
        self.stated = time;
        let rows = self.times.len();
        for (column, value) in self.columns.iter_mut().zip(&self.row) {
            if value.is_nan() {
                continue;
            }
            column.values.resize(rows - 1, f64::NAN);
            column.values.push(*value);
            column.numbers += 1;
        }
        if rows >= BLOCK + MOST_HELD {
            self.write(BLOCK).map_err(|error| unwritable(&error))?;
        }
        Ok(())
    }

    /// Writes the oldest rows.
    fn write(&mut self, rows: usize) -> io::Result<()> {
        let inside = self.breaks.partition_point(|at| *at < rows);
        let breaks: Vec<u32> = self.breaks.drain(..inside).map(|at| at as u32).collect();
        self.breaks.iter_mut().for_each(|at| *at -= rows);
        self.first = self.first.or(self.times.first().copied());
        let kept = (0..).zip(&self.columns).filter(|(_, column)| !column.forgotten && column.numbers > 0);
        let columns = kept.map(|(at, column)| (at, &column.values[..rows.min(column.values.len())]));
        self.out.block(&self.times[..rows], columns, &breaks)?;
        for column in &mut self.columns {
            let values = column.values.drain(..rows.min(column.values.len()));
            column.spread.add(values.as_slice());
        }
        self.times.drain(..rows);
        self.written += rows;
        self.written_breaks = self.written_breaks.saturating_add(breaks.len() as u32);
        Ok(())
    }

    /// Adds to the last row what it does not know.
    fn join(&mut self) {
        let rows = self.times.len();
        for (column, value) in self.columns.iter_mut().zip(&self.row) {
            if value.is_nan() || (column.values.len() == rows && !column.values[rows - 1].is_nan()) {
                continue;
            }
            column.values.resize(rows, f64::NAN);
            column.values[rows - 1] = *value;
            column.numbers += 1;
        }
    }

    /// Keeps a row that goes back in time until more of them follow one
    /// another than rows stand before them that they contradict: then those
    /// were the ones that jumped.
    fn hold(&mut self, time: i64) -> Result<(), Diagnostic> {
        if self.held.last().is_some_and(|held| time <= held.time) {
            self.backward += 1;
            return Ok(());
        }
        let parted = std::mem::take(&mut self.parted);
        self.held.push(Held { time, parted, values: self.row.clone() });
        let from = self.held.first().map_or(time, |held| held.time);
        let suspects = self.times.iter().rev().take(MOST_HELD).take_while(|kept| **kept >= from).count();
        if suspects < self.held.len() && suspects < MOST_HELD {
            self.truncate(self.times.len() - suspects);
            self.jumped += suspects as u64;
            for held in std::mem::take(&mut self.held) {
                self.row = held.values;
                self.row.resize(self.columns.len(), f64::NAN);
                self.parted = held.parted;
                self.push(held.time)?;
            }
        } else if self.held.len() >= MOST_HELD {
            self.backward += self.held.len() as u64;
            self.held.clear();
        }
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        self.times.truncate(rows);
        self.stated = self.times.last().copied().unwrap_or(i64::MIN);
        self.breaks.retain(|at| *at < rows);
        for column in &mut self.columns {
            column.values.truncate(rows);
        }
    }

    /// Takes the last row away.
    pub(super) fn pop(&mut self) {
        if let Some(rows) = self.times.len().checked_sub(1) {
            self.truncate(rows);
        }
    }

    /// Forgets a column's values.
    pub(super) fn forget(&mut self, column: usize) {
        if let Some(column) = self.columns.get_mut(column) {
            column.values = Vec::new();
            column.numbers = 0;
            column.forgotten = true;
        }
    }

    /// Ends the log, with a summary that says what was found in the file.
    /// Columns without a value are left out. With `from_zero` times count from
    /// the first row.
    pub(super) fn finish(mut self, format: String, clock: LogClock, from_zero: bool) -> Wrote {
        self.backward += self.held.len() as u64;
        for (count, what) in [
            (self.equal, "rows repeat the time before them and are left out"),
            (self.backward, "rows go back in time and are left out"),
            (self.jumped, "rows jump ahead in time, with what follows before them again, and are left out"),
            (self.unmarked, "marks are left out: the log has too many"),
        ] {
            if count > 0 {
                self.notes.push(format!("{count} {what}"));
            }
        }
        self.notes.truncate(MOST_NOTES);
        let mut quality = Quality { dropped: self.dropped, ..Quality::default() };
        quality.drop("rows", Reason::Unreadable, self.bad.count);
        quality.drop("rows", Reason::Repeated, self.equal);
        quality.drop("rows", Reason::Backward, self.backward);
        quality.drop("rows", Reason::Jumped, self.jumped);
        self.dropped = Vec::new();
        self.marks.sort();
        self.marks.dedup();
        let last = self.times.last().copied().unwrap_or(self.stated);
        let parted = self.parted_by_marks();
        while !self.times.is_empty() {
            self.write(self.times.len().min(BLOCK)).map_err(|error| unwritable(&error))?;
        }
        let first = self.first.unwrap_or(0);
        let shift = if from_zero { first.saturating_neg() } else { self.late };
        let kept = || (0..).zip(&self.columns).filter(|(_, column)| column.numbers > 0);
        let count = |kind| count(&self.marks, kind);
        let summary = TelemetrySummary {
            format,
            clock,
            samples: self.written as u64,
            first: first.saturating_add(shift),
            last: if self.written > 0 { last.saturating_add(shift) } else { 0 },
            channels: kept().map(|(_, c)| c.spread.summary(c.name.clone(), c.unit, false)).collect(),
            gaps: self.written_breaks.saturating_add(parted.len() as u32),
            laps: count(MarkKind::Lap),
            pauses: count(MarkKind::Pause),
            events: count(MarkKind::Event),
            bad_rows: self.bad.count,
            bad_examples: self.bad.examples,
            notes: self.notes,
            quality,
        };
        let channels = kept().map(|(at, column)| (at, column.name.clone(), column.unit)).collect();
        let ending = Ending { clock, shift, channels, parted, marks: self.marks };
        self.out.finish(ending).map_err(|error| unwritable(&error))?;
        Ok(summary)
    }

    /// Breaks that pauses make: before the first row after a stop, and before
    /// the first that was taken again. Those of rows that are not written yet
    /// are added to the breaks; of the others, the times from which on nothing
    /// is known up to the next row.
    fn parted_by_marks(&mut self) -> Vec<i64> {
        let mut stopped = None;
        let mut times = Vec::new();
        for mark in &self.marks {
            match mark.kind {
                MarkKind::Pause => stopped = Some(mark.time),
                MarkKind::Resume => {
                    // The first row after a stop is not the one at its time.
                    let stop = stopped.take().and_then(|stop: i64| stop.checked_add(1));
                    times.extend(stop.into_iter().flat_map(|stop| [stop, mark.time]));
                }
                MarkKind::Lap | MarkKind::Event => {}
            }
        }
        times.sort_unstable();
        times.dedup();
        let oldest = self.times.first().copied().unwrap_or(i64::MAX);
        let written = self.written > 0;
        let rows = self.times.len();
        let mut parted = Vec::new();
        for time in times {
            if written && time < oldest && self.first.is_some_and(|first| first < time) {
                parted.push(time);
                continue;
            }
            let at = self.times.partition_point(|row| *row < time);
            if at < rows && (at > 0 || written) {
                self.breaks.push(at);
            }
        }
        self.breaks.sort_unstable();
        self.breaks.dedup();
        parted
    }

    /// The log where it has samples with values, or else the error that says
    /// why it has none.
    pub(super) fn finish_or(self, format: &str, clock: LogClock, hint: &str, from_zero: bool) -> Wrote {
        if self.has_values() {
            return self.finish(format.to_owned(), clock, from_zero);
        }
        let mut error = Diagnostic::input(match self.len() {
            0 => format!("the {format} file holds no sample that can be used"),
            _ => format!("the {format} file holds times and no values"),
        });
        error.notes.extend(self.notes.into_iter().take(MOST_NOTES));
        error.notes.extend(self.bad.examples.iter().take(3).map(|bad| format!("{}: {}", bad.at, bad.reason)));
        Err(error.hint(hint))
    }
}

fn unwritable(error: &io::Error) -> Diagnostic {
    Diagnostic::environment(format!("the log cannot be written: {error}"))
}
