//! Deliverables: what an output of the manifest consists of. A timeline goes
//! in, specifications of actions come out; nothing is encoded here.

pub mod clips;
pub mod codecs;
pub mod containers;
pub mod deliverables;
pub mod encoders;
pub mod log;
pub mod quality;
pub mod reel;
pub mod segments;
pub mod sound;
pub mod target;
pub mod timeline;
pub mod video;

pub use deliverables::{DELIVERABLES, Deliverable, FilePlan, Files, Settings};
