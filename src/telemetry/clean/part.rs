//! A log or a part of it, before and after it was worked on.

use std::collections::BTreeSet;
use std::ops::Range;

use super::found::Found;
use crate::model::telemetry::Telemetry;
use crate::telemetry::derive;
use crate::telemetry::motion::Scale;

/// What is cleaned at once.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) raw: &'a Telemetry,
    /// The first time of the whole log.
    pub(super) origin: i64,
    pub(super) gap_ms: u32,
    /// The samples whose result is used; those around them are there for it.
    pub(super) counted: Range<usize>,
    /// When the next part is to begin, in seconds from the start.
    pub(super) next: f64,
    /// What is known of the whole log, where this is a part of it.
    pub(super) whole: Option<&'a Whole>,
    pub(super) before: Before,
}

/// What a part of a log must know of the whole.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// Channels of which anything is known.
    pub(super) present: BTreeSet<String>,
    /// By what positions and altitudes are judged.
    pub(super) position: Option<Scale>,
    pub(super) altitude: Option<f64>,
}

/// What goes on from what was counted of one part to the next.
#[derive(Clone, Debug)]
pub(super) struct Before {
    /// From which second on positions and altitudes are looked at: where a
    /// knot of theirs begins.
    pub(super) position: f64,
    pub(super) altitude: f64,
    /// Derived, at the last sample that counted.
    pub(super) distance: f64,
    pub(super) heading: f64,
    pub(super) profile: derive::Profile,
    pub(super) counted: Option<Counted>,
}

/// Second, the logger's distance, and what it counts as.
pub(super) type Counted = (f64, f64, f64);

impl Default for Before {
    fn default() -> Self {
        Before {
            position: f64::NEG_INFINITY,
            altitude: f64::NEG_INFINITY,
            distance: 0.0,
            heading: f64::NAN,
            profile: derive::Profile::default(),
            counted: None,
        }
    }
}

/// A part that was cleaned.
#[derive(Debug)]
pub(super) struct Cleaned {
    /// All samples of the part.
    pub(super) telemetry: Telemetry,
    /// Whether a gap ends at the first sample that counts.
    pub(super) parted: bool,
    pub(super) counted: Range<usize>,
    pub(super) derived: Vec<&'static str>,
    pub(super) found: Found,
    pub(super) after: Before,
}
