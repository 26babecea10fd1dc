//! A log of which only the path is given: what it is is told from its first
//! bytes, whatever it is called.

use std::io::Read;

use crate::base::Diagnostic;
use crate::manifest::schema::schema;
use crate::telemetry::formats::{FORMATS, Format, guess};
use crate::telemetry::import::{HEAD, Imported, head, parameters};
use crate::telemetry::zone::Zone;

schema! {
    /// A log in any of the formats below, told from what is in the file. A bare
    /// path is the same: `telemetry: "ride.fit"` is
    /// `telemetry: Log(file: "ride.fit")`.
    pub struct Log = "Log" {
        /// The zone of times that name none: `Europe/Berlin`, `+05:30` or
        /// `UTC`.
        timezone: Option<Zone> = None,
    }
}

/// As it stands in a manifest.
pub(super) const EXAMPLE: &str = r#"Log(file: "ride.fit", offset: "-2s")"#;

/// Raised whenever another format would be chosen for a file.
pub(super) const VERSION: u32 = 1;

/// Reads a file with parameters as JSON.
pub(super) fn import(input: &mut dyn Read, params: &str) -> Imported {
    let params: Log = parameters("Log", params)?;
    plain(input, params.timezone.as_ref())
}

/// Reads a file of which only the zone is known.
pub(super) fn plain(input: &mut dyn Read, timezone: Option<&Zone>) -> Imported {
    let head = head(input, HEAD)?;
    if head.is_empty() {
        return Err(Diagnostic::input("the file is empty").hint("export the log again"));
    }
    let Some(format) = guess(&head) else {
        let names: Vec<&str> = FORMATS.iter().skip(1).map(Format::name).collect();
        let start: String = head.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        return Err(Diagnostic::input("what the file is cannot be told from its first bytes")
            .note(format!("it starts with {start}; known are {}", names.join(", ")))
            .hint("write its format, e.g. `Csv(file: \"...\")`, or export it as FIT, GPX or CSV"));
    };
    (format.plain)(&mut head.as_slice().chain(input), timezone)
}
