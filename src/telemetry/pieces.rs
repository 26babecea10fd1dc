//! A log that is made piece by piece, on its way to where artifacts go: cut
//! into blocks, and summed up as it passes.

use std::io::{self, Write};

use super::channels;
use super::columns::{BLOCK, Ending, Writer};
use super::quality::Tally;
use super::summary::{Spread, count};
use crate::base::Unit;
use crate::model::telemetry::{LogClock, Mark, MarkKind, Telemetry, TelemetrySummary};

struct Column {
    name: String,
    unit: Unit,
    spread: Spread,
    /// Of the samples that are not written yet.
    values: Vec<f64>,
}

pub(super) struct Pieces<'w> {
    out: Writer<'w>,
    columns: Vec<Column>,
    times: Vec<i64>,
    breaks: Vec<usize>,
    samples: u64,
    first: Option<i64>,
    last: i64,
    tally: Tally,
}

impl<'w> Pieces<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Pieces<'w> {
        Pieces {
            out: Writer::new(out),
            columns: Vec::new(),
            times: Vec::new(),
            breaks: Vec::new(),
            samples: 0,
            first: None,
            last: 0,
            tally: Tally::default(),
        }
    }

    /// Adds what comes next; `parted` says whether a gap lies before it.
    pub(super) fn add(&mut self, piece: &Telemetry, parted: bool) -> io::Result<()> {
        let (Some(first), Some(last)) = (piece.times.first(), piece.times.last()) else { return Ok(()) };
        let offset = self.times.len();
        if parted && self.samples > 0 {
            self.breaks.push(offset);
        }
        self.tally.add(piece, parted);
        self.breaks.extend(piece.breaks.iter().map(|at| *at as usize + offset));
        self.times.extend_from_slice(&piece.times);
        for channel in &piece.channels {
            let column = match self.columns.iter_mut().find(|column| column.name == channel.name) {
                Some(column) => column,
                None => {
                    let (name, unit, spread, values) =
                        (channel.name.clone(), channel.unit, Spread::default(), Vec::new());
                    self.columns.push(Column { name, unit, spread, values });
                    let Some(column) = self.columns.last_mut() else { continue };
                    column
                }
            };
            column.values.resize(offset, f64::NAN);
            column.values.extend_from_slice(&channel.values);
            for part in channel.values.chunks(BLOCK) {
                column.spread.add(part);
            }
        }
        self.samples += piece.times.len() as u64;
        (self.first, self.last) = (self.first.or(Some(*first)), *last);
        while self.times.len() >= BLOCK {
            self.write(BLOCK)?;
        }
        Ok(())
    }

    fn write(&mut self, samples: usize) -> io::Result<()> {
        let inside = self.breaks.partition_point(|at| *at < samples);
        let breaks: Vec<u32> = self.breaks.drain(..inside).map(|at| at as u32).collect();
        self.breaks.iter_mut().for_each(|at| *at -= samples);
        let columns = (0..).zip(&self.columns);
        let columns = columns.map(|(at, column)| (at, &column.values[..samples.min(column.values.len())]));
        self.out.block(&self.times[..samples], columns, &breaks)?;
        self.times.drain(..samples);
        for column in &mut self.columns {
            column.values.drain(..samples.min(column.values.len()));
        }
        Ok(())
    }

    /// Ends the log. `derived` names the channels that were computed from
    /// others.
    pub(super) fn finish(
        mut self,
        clock: LogClock,
        marks: Vec<Mark>,
        derived: &[&str],
    ) -> io::Result<TelemetrySummary> {
        self.write(self.times.len())?;
        let mut kept: Vec<(u32, &Column)> =
            (0..).zip(&self.columns).filter(|(_, column)| column.spread.count() > 0).collect();
        let place = |column: &Column| channels::REGISTRY.iter().position(|kind| kind.name == column.name);
        kept.sort_by_key(|(_, column)| place(column).unwrap_or(channels::REGISTRY.len()));
        let is_derived = |column: &Column| derived.contains(&column.name.as_str());
        let summary = |column: &Column| column.spread.summary(column.name.clone(), column.unit, is_derived(column));
        let summary = TelemetrySummary {
            clock,
            samples: self.samples,
            first: self.first.unwrap_or(0),
            last: self.last,
            channels: kept.iter().map(|(_, column)| summary(column)).collect(),
            gaps: self.tally.gaps,
            laps: count(&marks, MarkKind::Lap),
            pauses: count(&marks, MarkKind::Pause),
            events: count(&marks, MarkKind::Event),
            quality: self.tally.quality(),
            ..TelemetrySummary::default()
        };
        let channels = kept.iter().map(|(at, column)| (*at, column.name.clone(), column.unit)).collect();
        self.out.finish(Ending { clock, shift: 0, channels, parted: Vec::new(), marks })?;
        Ok(summary)
    }
}
