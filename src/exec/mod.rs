//! Doing the work: the driver plans, hands actions to a pool of threads and
//! worker processes, and puts what comes back into the store and the plan.
//!
//! Says what happens as events; never prints.

pub mod admission;
pub mod alone;
pub mod bench;
pub mod clean;
pub mod collect;
pub mod decoding;
pub mod demand;
pub mod diagnosis;
pub mod diagram;
pub mod driver;
pub mod estimate;
pub mod estimates;
pub mod event;
pub mod explain;
pub mod failure;
pub mod files;
pub mod goal;
pub mod history;
pub mod hook;
pub mod inline;
pub mod inventory;
mod keeper;
pub mod ladder;
pub mod lockfile;
pub mod logbook;
mod logs;
mod mailbox;
pub mod opened;
pub mod plan;
pub mod pool;
pub mod postmortem;
pub mod queue;
pub mod remote;
pub mod reproducible;
pub mod retry;
pub mod settings;
pub mod sources;
pub mod storage;
pub mod storyboard;
pub mod survey;
pub mod task;
pub mod template;
pub mod toolchain;
pub mod verify;
pub mod watch;
pub mod worker;
pub mod workspace;

pub use driver::Driver;
pub use event::{Event, Listener, Silent};
pub use goal::{Goal, Options, Summary};
pub use settings::Settings;
pub use workspace::Workspace;
