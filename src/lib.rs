//! autocut is `make` for video. See docs/ARCHITECTURE.md for the floors of the
//! house; a module may use only modules that stand above it here.

pub mod base;
pub mod model;

pub mod manifest;

pub mod inputs;
pub mod store;

pub mod telemetry;

pub mod analysis;
pub mod moments;

pub mod overlay;

pub mod deliver;

pub mod graph;

pub mod exec;

pub mod report;

pub mod cli;
