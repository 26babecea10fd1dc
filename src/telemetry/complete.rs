//! What a project adds to its log, and takes from it: the last step before
//! anything is shown. Clocks are found by the log as it was before.
//!
//! Laps come first, because a line is crossed where it lies, also within a
//! place that is private. What is private is hidden next, so that no channel
//! that a project computes can bring it back.

mod evaluate;
mod laps;
mod over_time;
pub mod plan;
mod privacy;
mod scores;
mod vertical;

#[cfg(test)]
mod tests;

pub(crate) use privacy::tells;

use super::summary;
use crate::base::{Diagnostic, Unit};
use crate::manifest::expression;
use crate::model::specs::{CompleteSpec, CompleteStep};
use crate::model::telemetry::{Channel, Telemetry, TelemetrySummary};

/// The log with what `spec` adds and without what it hides.
pub fn complete(log: &Telemetry, spec: &CompleteSpec) -> Result<(Telemetry, TelemetrySummary), Diagnostic> {
    let mut log = log.clone();
    let mut notes = Vec::new();
    let before: Vec<String> = log.channels.iter().map(|channel| channel.name.clone()).collect();
    if let Some(rule) = &spec.laps {
        notes.extend(laps::set(&mut log, rule));
    }
    notes.extend(privacy::hide(&mut log, &spec.privacy));
    for step in &spec.steps {
        let added = match step {
            CompleteStep::VerticalSpeed => vertical::speed(&log),
            CompleteStep::LapTime => {
                laps::add_times(&mut log);
                None
            }
            CompleteStep::Zones { channel, unit, bounds } => zones(&log, channel, *unit, bounds),
            CompleteStep::Expression { name, text, unit, converts } => {
                let term = expression::parse(text).map_err(|fault| {
                    Diagnostic::bug(format!("an expression that was checked cannot be read: {}", fault.message))
                })?;
                let values = evaluate::values(&log, &term, *unit, *converts);
                Some(Channel { name: name.clone(), unit: *unit, values })
            }
            CompleteStep::Score { name } => scores::channel(&log, name),
        };
        log.channels.extend(added);
    }
    let names: Vec<&str> = log.channels.iter().map(|channel| channel.name.as_str()).collect();
    let derived: Vec<&str> = names.into_iter().filter(|name| !before.iter().any(|before| before == name)).collect();
    let mut summary = summary::summarise(&log, &derived);
    summary.notes = notes;
    Ok((log, summary))
}

/// Which zone each sample of a channel lies in, counted from 1; a value at a
/// bound is above it.
fn zones(log: &Telemetry, name: &str, unit: Unit, bounds: &[i64]) -> Option<Channel> {
    let channel = log.channel(name)?;
    let zone = |value: &f64| {
        let value = channel.unit.convert(*value, unit).unwrap_or(f64::NAN);
        if value.is_nan() {
            return f64::NAN;
        }
        let thousandths = libm::round(value * 1e3);
        (1 + bounds.partition_point(|bound| *bound as f64 <= thousandths)) as f64
    };
    let values = channel.values.iter().map(zone).collect();
    Some(Channel { name: format!("{name}_zone"), unit: Unit::None, values })
}
