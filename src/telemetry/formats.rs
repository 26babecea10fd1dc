//! The table of formats.

use std::fmt;
use std::io::Read;

use crate::base::Diagnostic;
use crate::manifest::kinds::KindEntry;
use crate::model::telemetry::{Telemetry, TelemetrySummary};
use crate::telemetry::csv;

/// What an import gives.
pub type Imported = Result<(Telemetry, TelemetrySummary), Diagnostic>;

/// A format of log files.
pub struct Format {
    /// What manifest and reference know of it: name, version, parameters.
    pub entry: KindEntry,
    /// Reads a file with the parameters that the entry lowered to JSON.
    pub import: fn(&mut dyn Read, &str) -> Imported,
}

impl Format {
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// Part of the key of every import.
    pub fn version(&self) -> u32 {
        self.entry.version
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Format").field("name", &self.name()).field("version", &self.version()).finish()
    }
}

/// Every format.
pub const FORMATS: &[Format] =
    &[Format { entry: KindEntry::of::<csv::Csv>("Csv", csv::VERSION, csv::EXAMPLE), import: csv::import }];
