//! What all importers share.

use std::io::{ErrorKind, Read, Write};

use serde::de::DeserializeOwned;

use super::columns;
use crate::base::Diagnostic;
use crate::model::telemetry::{Telemetry, TelemetrySummary};

/// What an import gives, when the log was written.
pub type Wrote = Result<TelemetrySummary, Diagnostic>;

/// What an import gives whose log is in memory.
pub type Imported = Result<(Telemetry, TelemetrySummary), Diagnostic>;

/// An import into memory.
///
/// # Errors
///
/// Those of the import.
pub fn in_memory(import: impl FnOnce(&mut dyn Write) -> Wrote) -> Imported {
    let mut bytes = Vec::new();
    let summary = import(&mut bytes)?;
    let log = columns::decode(&bytes).ok_or_else(|| Diagnostic::bug("what an import wrote cannot be read"))?;
    Ok((log, summary))
}

/// How much of a file is looked at to tell what it is.
pub(super) const HEAD: usize = 64 * 1024;

/// The parameters of a format, lowered to JSON by its entry.
pub(super) fn parameters<T: DeserializeOwned>(format: &str, json: &str) -> Result<T, Diagnostic> {
    serde_json::from_str(json)
        .map_err(|error| Diagnostic::bug(format!("the parameters of {format} cannot be read: {error}")))
}

pub(super) fn unreadable(error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::environment(format!("the file cannot be read: {error}"))
}

/// The first bytes of a file, at most so many.
pub(super) fn head(input: &mut dyn Read, most: usize) -> Result<Vec<u8>, Diagnostic> {
    let mut head = vec![0; most];
    let mut filled = 0;
    while filled < most {
        match input.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(&error)),
        }
    }
    head.truncate(filled);
    Ok(head)
}
