//! autocut is `make` for video. See docs/ARCHITECTURE.md for the floors of the
//! house; a module may use only modules that stand above it here.

pub mod base;
pub mod model;
