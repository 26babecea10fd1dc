//! Telemetry: a logger's file in, columns over one time axis out; cleaned,
//! completed with what can be computed, and looked up by time.
//!
//! Pure functions of readers and bytes: nothing here opens a file, prints or
//! knows of video. A format is one file and one line in [`FORMATS`]. Whatever
//! decides something later is rounded to the step that [`channels`] states, so
//! that another processor decides the same.

pub mod align;
mod bad_rows;
pub mod channels;
mod clean;
pub mod columns;
pub mod complete;
pub mod csv;
mod derive;
mod excursions;
pub mod export;
pub mod fit;
mod fold;
mod formats;
mod geodesy;
pub mod gpmf;
pub mod gpx;
mod import;
mod lines;
pub mod log;
pub mod lookup;
mod merge;
mod motion;
pub mod nmea;
mod number;
mod pieces;
mod quality;
mod smooth;
pub mod srt;
mod stamp;
mod summary;
mod table;
pub mod tcx;
mod xml;
pub mod zone;

#[cfg(test)]
mod tests;

pub use clean::{Stopped, WHOLE, clean, clean_stream};
pub use complete::complete_stream;
pub use formats::{FORMATS, Format, is_film};
pub use import::{Imported, Wrote, in_memory};
pub use lookup::position;
pub use merge::{merge, merge_stream};
