//! Listeners of events, and the text that people read: the terminal, JSON
//! lines, the storyboard. Decides nothing.

pub mod bench;
pub mod choice;
pub mod clock;
pub mod diagnostics;
pub mod doctor;
pub mod explanation;
pub mod graph;
pub mod history;
pub mod json;
pub mod listing;
pub mod logbook;
pub mod planned;
pub mod plot;
pub mod progress;
pub mod rebuild;
pub mod store;
pub mod storyboard;
pub mod terminal;
pub mod trace;
pub mod verify;
