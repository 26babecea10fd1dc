//! What a project adds to its log, and takes from it: the last step before
//! anything is shown. Clocks are found by the log as it was before.
//!
//! Laps come first, because a line is crossed where it lies, also within a
//! place that is private. What is private is hidden next, so that no channel
//! that a project computes can bring it back.
//!
//! A log of any length is gone over in windows (`staged`), once or twice for
//! each step, and what a step adds is put aside: what looks back carries on from
//! window to window, what looks a little ahead has margins, and what must know
//! the whole (summits, descents, private places) notes in a first pass where
//! that is. Nothing depends on where a window ends.

mod evaluate;
mod laps;
mod maxima;
mod over_time;
pub mod plan;
mod privacy;
mod profile;
mod scores;
mod staged;
mod vertical;

#[cfg(test)]
mod tests;

pub(crate) use privacy::tells;

use std::collections::BTreeSet;
use std::io::Write;

use super::clean::Stopped;
use super::columns::{BLOCK, Ending, Reader, Scratch, Writer};
use super::summary::{Exact, Spread, count};
use crate::base::Unit;
use crate::model::specs::{CompleteSpec, CompleteStep};
use crate::model::telemetry::{MarkKind, TelemetrySummary};
use evaluate::Own;
use staged::{Margins, Staged};

/// Writes a stored log of any length as an artifact, with what `spec` adds and
/// without what it hides. Columns that are added go through `scratch`.
///
/// # Errors
/// Where it can be read or written no further.
pub fn complete_stream(
    log: &Reader<'_>,
    spec: &CompleteSpec,
    scratch: &mut dyn Scratch,
    out: &mut dyn Write,
) -> Result<TelemetrySummary, Stopped> {
    in_parts(log, spec, BLOCK, scratch, out)
}

/// The same with columns that are put aside so many samples at once.
fn in_parts(
    stored: &Reader<'_>,
    spec: &CompleteSpec,
    part: usize,
    scratch: &mut dyn Scratch,
    out: &mut dyn Write,
) -> Result<TelemetrySummary, Stopped> {
    let mut log = Staged::new(stored, scratch, part);
    let mut notes = Vec::new();
    if let Some(rule) = &spec.laps {
        notes.push(laps::set(&mut log, rule)?);
    }
    notes.extend(privacy::hide(&mut log, &spec.privacy)?);
    for step in &spec.steps {
        match step {
            CompleteStep::VerticalSpeed => vertical::add_speed(&mut log)?,
            CompleteStep::LapTime => laps::add_times(&mut log)?,
            CompleteStep::Zones { channel, unit, bounds } => add_zones(&mut log, channel, *unit, bounds)?,
            CompleteStep::Expression { name, text, unit, converts } => {
                Own { name, text, unit: *unit, converts: *converts }.add(&mut log)?;
            }
            CompleteStep::Score { name } => scores::add(&mut log, name)?,
        }
    }
    // Last, so that a moment can still be found by what was noted then.
    notes.extend(privacy::hide_marks(&mut log, &spec.privacy)?);
    let before: BTreeSet<&str> = stored.channels().map(|(name, _)| name).collect();
    Ok(TelemetrySummary { notes, ..finish(&log, &before, out)? })
}

/// Adds which zone each sample of a channel lies in, counted from 1; a value at
/// a bound is above it.
fn add_zones(log: &mut Staged<'_>, name: &str, unit: Unit, bounds: &[i64]) -> Result<(), Stopped> {
    let Some(own) = log.unit(name) else { return Ok(()) };
    let zone = |value: &f64| {
        let value = own.convert(*value, unit).unwrap_or(f64::NAN);
        if value.is_nan() {
            return f64::NAN;
        }
        let thousandths = libm::round(value * 1e3);
        (1 + bounds.partition_point(|bound| *bound as f64 <= thousandths)) as f64
    };
    let (column, _) = log.make(&[name], Margins::default(), &mut |window| {
        window.values(name).unwrap_or_default().iter().map(zone).collect()
    })?;
    log.push(&format!("{name}_zone"), Unit::None, column);
    Ok(())
}

/// Writes the log and sums it up; `before` are the channels that were not
/// computed here.
fn finish(log: &Staged<'_>, before: &BTreeSet<&str>, out: &mut dyn Write) -> Result<TelemetrySummary, Stopped> {
    let channels: Vec<(&str, Unit)> = log.channels().collect();
    let mut spreads: Vec<Spread> = channels.iter().map(|_| Spread::default()).collect();
    let (mut writer, mut gaps, mut last) = (Writer::new(out), 0_usize, None);
    log.blocks(&mut |block| {
        let columns = (0..).zip(&block.channels).map(|(at, channel)| (at, channel.values.as_slice()));
        writer.block(&block.times, columns, &block.breaks)?;
        spreads.iter_mut().zip(&block.channels).for_each(|(spread, channel)| spread.add(&channel.values));
        gaps += block.breaks.len();
        last = block.times.last().copied();
        Ok(())
    })?;
    let ending = (0..).zip(&channels).map(|(at, (name, unit))| (at, (*name).to_owned(), *unit)).collect();
    let (clock, marks) = (log.clock(), log.marks.clone());
    writer.finish(Ending { clock, shift: 0, channels: ending, parted: Vec::new(), marks })?;
    // Where a channel has very many values, where its percentiles are is known
    // now, and they are looked for there.
    let mut exact: Vec<Exact> = spreads.into_iter().map(Exact::new).collect();
    loop {
        let open = channels.iter().zip(&exact).filter(|(_, exact)| !exact.is_found());
        let open: Vec<&str> = open.map(|((name, _), _)| *name).collect();
        if open.is_empty() {
            break;
        }
        log.each(&open, Margins::default(), &mut |window| {
            for ((name, _), exact) in channels.iter().zip(&mut exact) {
                window.values(name).into_iter().for_each(|values| exact.add(values));
            }
        })?;
        exact.iter_mut().for_each(Exact::narrow);
    }
    let summaries = channels.iter().zip(&exact);
    let summaries =
        summaries.map(|((name, unit), exact)| exact.summary((*name).to_owned(), *unit, !before.contains(name)));
    Ok(TelemetrySummary {
        clock,
        samples: log.len() as u64,
        first: log.first(),
        last: last.unwrap_or(0),
        channels: summaries.collect(),
        gaps: u32::try_from(gaps).unwrap_or(u32::MAX),
        laps: count(&log.marks, MarkKind::Lap),
        pauses: count(&log.marks, MarkKind::Pause),
        events: count(&log.marks, MarkKind::Event),
        ..TelemetrySummary::default()
    })
}
