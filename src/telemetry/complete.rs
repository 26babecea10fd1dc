//! What a project adds to its log, and takes from it: the last step before
//! anything is shown. Clocks are found by the log as it was before.

mod privacy;

#[cfg(test)]
mod tests;

pub(crate) use privacy::tells;

use super::summary;
use crate::base::Diagnostic;
use crate::model::specs::CompleteSpec;
use crate::model::telemetry::{Telemetry, TelemetrySummary};

/// The log with what `spec` adds and without what it hides.
pub fn complete(log: &Telemetry, spec: &CompleteSpec) -> Result<(Telemetry, TelemetrySummary), Diagnostic> {
    let mut log = log.clone();
    let mut notes = Vec::new();
    notes.extend(privacy::hide(&mut log, &spec.privacy));
    let mut summary = summary::summarise(&log, &[]);
    summary.notes = notes;
    Ok((log, summary))
}
