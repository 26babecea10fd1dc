//! Which stretches of footage are worth showing: scores from signals and
//! telemetry, and the best selection under a total duration and a least gap.
//!
//! Pure functions over values that others made: nothing here opens a file,
//! decodes, draws or asks for the time. Everything that decides is a
//! fixed-point integer, so that every machine chooses the same moments.

pub mod choose;

mod candidates;
mod curve;
mod nearmiss;
mod pins;
mod score;
mod select;

#[cfg(test)]
mod tests;

pub use choose::choose;
pub use score::named;
