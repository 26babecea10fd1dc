//! Telemetry: a logger's file in, columns over one time axis out; cleaned,
//! completed with what can be computed, and looked up by time.
//!
//! Pure functions of readers and bytes: nothing here opens a file, prints or
//! knows of video. A format is one file and one line in [`FORMATS`]. Whatever
//! decides something later is rounded to the step that [`channels`] states, so
//! that another processor decides the same.

pub mod channels;
mod clean;
pub mod columns;
pub mod csv;
mod derive;
mod excursions;
mod formats;
mod geodesy;
pub mod lookup;
mod motion;
mod smooth;
mod summary;

#[cfg(test)]
mod tests;

pub use clean::clean;
pub use formats::{FORMATS, Format, Imported};
