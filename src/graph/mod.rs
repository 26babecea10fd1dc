//! The plan: which actions the manifest, the footage and what is already known
//! ask for. The only place that uses salsa.
//!
//! A query is pure and takes microseconds: it never opens, hashes, decodes or
//! draws. Whatever must look into something large is an action, whose result
//! comes back as the input [`Outcome`](db::Outcome). A query that lacks one
//! goes on collecting what else can start, so that one evaluation yields every
//! action that is ready.

pub mod ahead;
mod chapters;
pub mod clips;
pub mod clocks;
pub mod complete;
pub mod db;
pub mod encoding;
mod exports;
pub mod footage;
pub mod moments;
pub mod outputs;
pub mod planned;
pub mod request;
mod sightings;
pub mod stills;
mod target;
pub mod telemetry;
mod twins;

pub use db::{Database, FileInput, FileState, Project};
pub use planned::{Needs, Planned};
