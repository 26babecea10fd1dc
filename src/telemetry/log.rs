//! The parameters of a log of which only the path is given: what it is is told
//! from its first bytes, whatever it is called.

use crate::manifest::schema::schema;
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
