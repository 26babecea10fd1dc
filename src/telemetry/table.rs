//! The samples of a log on their way into columns, in the order of time.
//!
//! Every importer fills one: a value for some of the columns, then the time of
//! the row. A row that goes back in time is held until it is clear whether it
//! or the rows before it are wrong, so that a clock that jumps ahead for a few
//! rows costs these rows and not all that follow.

use std::collections::BTreeMap;

use super::bad_rows::BadRows;
use super::summary;
use crate::base::{Diagnostic, Unit};
use crate::model::telemetry::{Channel, LogClock, Mark, MarkKind, Telemetry, TelemetrySummary};

/// Most values that a log may have in memory: 1 GiB of them.
const MOST_VALUES: usize = 1 << 27;

/// Most columns that a log may name as it goes: each costs something in every
/// row.
const MOST_NAMED: usize = 512;

/// How many rows that go back in time are held until it is clear whether they
/// or the rows before them are wrong.
const MOST_HELD: usize = 32;

/// Most marks that are kept: a lap each ten metres of a long ride.
const MOST_MARKS: usize = 10_000;

/// Longest name of a mark, in bytes.
const LONGEST_NAME: usize = 200;

/// Most notes of an import.
const MOST_NOTES: usize = 40;

/// One column. Unknown values at its end are not stored, so that a column
/// without values costs nothing.
struct Column {
    name: String,
    unit: Unit,
    values: Vec<f64>,
    numbers: u64,
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

pub(super) struct Table {
    repeated: Repeated,
    columns: Vec<Column>,
    /// The columns by their names.
    places: BTreeMap<String, usize>,
    times: Vec<i64>,
    /// The last row's time as it was given.
    stated: i64,
    /// Indices of rows before which nothing is known.
    breaks: Vec<usize>,
    marks: Vec<Mark>,
    /// Whether the next row comes after a break.
    parted: bool,
    stored: usize,
    /// The row that is filled: one value for each column, NaN where unknown.
    row: Vec<f64>,
    held: Vec<Held>,
    equal: u64,
    backward: u64,
    jumped: u64,
    unmarked: u64,
    pub(super) bad: BadRows,
    pub(super) notes: Vec<String>,
}

impl Table {
    pub(super) fn new(repeated: Repeated) -> Table {
        Table {
            repeated,
            columns: Vec::new(),
            places: BTreeMap::new(),
            times: Vec::new(),
            stated: i64::MIN,
            breaks: Vec::new(),
            marks: Vec::new(),
            parted: false,
            stored: 0,
            row: Vec::new(),
            held: Vec::new(),
            equal: 0,
            backward: 0,
            jumped: 0,
            unmarked: 0,
            bad: BadRows::default(),
            notes: Vec::new(),
        }
    }

    /// Adds a column; of a name that is there already, another.
    pub(super) fn add_column(&mut self, name: String, unit: Unit) -> usize {
        let at = self.columns.len();
        self.places.entry(name.clone()).or_insert(at);
        self.columns.push(Column { name, unit, values: Vec::new(), numbers: 0 });
        self.row.push(f64::NAN);
        at
    }

    /// The column of this name, which is added where it is not there; `None`
    /// where there are too many.
    pub(super) fn column(&mut self, name: &str, unit: Unit) -> Option<usize> {
        if let Some(at) = self.places.get(name) {
            return Some(*at);
        }
        (self.columns.len() < MOST_NAMED).then(|| self.add_column(name.to_owned(), unit))
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
        self.times.len()
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
    /// table now. Fails only where the log does not fit into memory.
    pub(super) fn add(&mut self, time: i64) -> Result<bool, Diagnostic> {
        let newest = self.times.last().copied().unwrap_or(i64::MIN);
        let mut kept = false;
        if time > newest || self.times.is_empty() {
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
        if std::mem::take(&mut self.parted) && !self.times.is_empty() {
            self.breaks.push(self.times.len());
        }
        self.times.push(time);
        self.stated = time;
        self.stored += 1;
        let rows = self.times.len();
        for (column, value) in self.columns.iter_mut().zip(&self.row) {
            if value.is_nan() {
                continue;
            }
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

    /// Adds to the last row what it does not know.
    fn join(&mut self) {
        let rows = self.times.len();
        for (column, value) in self.columns.iter_mut().zip(&self.row) {
            if value.is_nan() || (column.values.len() == rows && !column.values[rows - 1].is_nan()) {
                continue;
            }
            self.stored += rows - column.values.len();
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
        self.stored -= self.times.len() - rows;
        self.times.truncate(rows);
        self.stated = self.times.last().copied().unwrap_or(i64::MIN);
        self.breaks.retain(|at| *at < rows);
        for column in &mut self.columns {
            self.stored -= column.values.len().saturating_sub(rows);
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
            self.stored -= column.values.len();
            column.values = Vec::new();
            column.numbers = 0;
        }
    }

    /// The log, with a summary that says what was found in the file. Columns
    /// without a value are left out.
    pub(super) fn finish(mut self, format: String, clock: LogClock) -> (Telemetry, TelemetrySummary) {
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
        let rows = self.times.len();
        let channels = self.columns.into_iter().filter(|column| column.numbers > 0).map(|mut column| {
            column.values.resize(rows, f64::NAN);
            column.values.shrink_to_fit();
            Channel { name: column.name, unit: column.unit, values: column.values }
        });
        self.marks.sort();
        self.marks.dedup();
        let breaks = breaks(&self.times, self.breaks, &self.marks);
        let telemetry = Telemetry { clock, times: self.times, channels: channels.collect(), breaks, marks: self.marks };
        let mut summary = summary::summarise(&telemetry, &[]);
        summary.format = format;
        (summary.bad_rows, summary.bad_examples) = (self.bad.count, self.bad.examples);
        self.notes.truncate(MOST_NOTES);
        summary.notes = self.notes;
        (telemetry, summary)
    }

    /// The log where it has samples with values, or else the error that says
    /// why it has none.
    pub(super) fn finish_or(
        self,
        format: &str,
        clock: LogClock,
        hint: &str,
    ) -> Result<(Telemetry, TelemetrySummary), Diagnostic> {
        if self.has_values() {
            return Ok(self.finish(format.to_owned(), clock));
        }
        let mut error = Diagnostic::input(match self.times.len() {
            0 => format!("the {format} file holds no sample that can be used"),
            _ => format!("the {format} file holds times and no values"),
        });
        error.notes.extend(self.notes.into_iter().take(MOST_NOTES));
        error.notes.extend(self.bad.examples.iter().take(3).map(|bad| format!("{}: {}", bad.at, bad.reason)));
        Err(error.hint(hint))
    }
}

/// The breaks of the rows, with those that pauses make: before the first row
/// after a stop, and before the first that was taken again.
fn breaks(times: &[i64], mut breaks: Vec<usize>, marks: &[Mark]) -> Vec<u32> {
    let after = |time: i64| times.partition_point(|row| *row <= time);
    let from = |time: i64| times.partition_point(|row| *row < time);
    let mut stopped = None;
    for mark in marks {
        match mark.kind {
            MarkKind::Pause => stopped = Some(mark.time),
            MarkKind::Resume => {
                if let Some(stop) = stopped.take() {
                    breaks.extend([after(stop), from(mark.time)]);
                }
            }
            MarkKind::Lap | MarkKind::Event => {}
        }
    }
    breaks.retain(|at| (1..times.len()).contains(at));
    breaks.sort_unstable();
    breaks.dedup();
    breaks.into_iter().filter_map(|at| u32::try_from(at).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(rows: &[i64]) -> (Telemetry, TelemetrySummary) {
        let mut table = Table::new(Repeated::Dropped);
        for time in rows {
            table.put("x", Unit::None, *time as f64);
            table.add(*time).unwrap();
        }
        table.finish("test".to_owned(), LogClock::Start)
    }

    #[test]
    fn a_clock_that_jumps_ahead_costs_the_rows_that_jumped() {
        let (log, summary) = times(&[1, 2, 900, 901, 3, 4, 5, 6]);
        assert_eq!(log.times, [1, 2, 3, 4, 5, 6]);
        assert_eq!(log.channels[0].values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert!(summary.notes[0].starts_with("2 rows jump ahead"), "{:?}", summary.notes);
    }

    #[test]
    fn breaks_stay_where_rows_are_taken_away() {
        let mut table = Table::new(Repeated::Dropped);
        for time in [1, 2, 900, 3, 4, 5] {
            if time == 900 || time == 4 {
                table.part();
            }
            table.put("x", Unit::None, 0.0);
            table.add(time).unwrap();
        }
        let (log, _) = table.finish("test".to_owned(), LogClock::Start);
        assert_eq!((log.times, log.breaks), (vec![1, 2, 3, 4, 5], vec![3]));
    }

    #[test]
    fn rows_of_one_time_become_one_where_that_is_asked_for() {
        let mut table = Table::new(Repeated::Joined);
        for (time, name, value) in [(1, "a", 1.0), (1, "b", 2.0), (1, "a", 9.0), (2, "b", 3.0)] {
            table.put(name, Unit::None, value);
            table.add(time).unwrap();
        }
        let (log, _) = table.finish("test".to_owned(), LogClock::Start);
        assert_eq!(log.times, [1, 2]);
        assert!(log.channels[0].values[0] == 1.0 && log.channels[0].values[1].is_nan());
        assert_eq!(log.channels[1].values, [2.0, 3.0]);
    }
}
