//! What the driver says while it works: the one stream that terminal, JSON
//! lines and tests listen to.

use std::time::Duration;

use crate::base::{Diagnostic, Diagnostics};
use crate::exec::goal::Summary;
use crate::model::{ActionKey, ActionSpec, Usage};

/// Something happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A round of planning: how much of what is known to be needed is done, in
    /// actions and in frames to encode. `open` says that more will be known
    /// later.
    Planned {
        done: usize,
        pending: usize,
        frames_done: u64,
        frames: u64,
        open: bool,
    },
    /// A file was hashed, in so long.
    Hashing {
        path: &'a str,
        bytes: u64,
        elapsed: Duration,
    },
    /// The plan was evaluated, and what can start was found, in so long.
    Evaluated {
        elapsed: Duration,
    },
    Action {
        subject: Subject<'a>,
        state: ActionState<'a>,
    },
    /// Worth saying, once.
    Warning(&'a Diagnostic),
    /// The manifest was edited and is wrong now: what was planned before goes
    /// on.
    Refused(&'a Diagnostics),
    /// An output was written, restored or found as it should be.
    Output {
        path: &'a str,
        written: bool,
    },
    /// All is done but publishing results to the shared store.
    Publishing,
    Finished(&'a Summary),
}

/// The action that an event is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub key: ActionKey,
    pub node: &'a str,
    pub spec: &'a ActionSpec,
}

#[derive(Clone, Copy, Debug)]
pub enum ActionState<'a> {
    /// On this slot of the pool: one after the other, but for those that share
    /// a decode.
    Started {
        slot: usize,
        /// Its place among those that began there together.
        place: usize,
    },
    /// `done` of `total` frames or samples.
    Progress {
        done: u64,
        total: u64,
    },
    Done {
        elapsed: Duration,
        usage: Usage,
    },
    /// It does not run: the shared store had its result.
    Fetched,
    /// It will be tried again when the delay has passed.
    Retried {
        why: &'a Diagnostic,
        delay: Duration,
    },
    Failed {
        why: &'a Diagnostic,
    },
    /// It was ended because an edit left it unwanted.
    Cancelled,
}

impl ActionState<'_> {
    /// The word that stands for the state in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            ActionState::Started { .. } => "started",
            ActionState::Progress { .. } => "progress",
            ActionState::Done { .. } => "done",
            ActionState::Fetched => "fetched",
            ActionState::Retried { .. } => "retried",
            ActionState::Failed { .. } => "failed",
            ActionState::Cancelled => "cancelled",
        }
    }
}

/// Hears events, from several threads.
pub trait Listener: Send + Sync {
    fn event(&self, event: &Event<'_>);
}

/// Tells several listeners, in order.
impl Listener for Vec<&dyn Listener> {
    fn event(&self, event: &Event<'_>) {
        self.iter().for_each(|listener| listener.event(event));
    }
}

/// Hears and says nothing.
pub struct Silent;

impl Listener for Silent {
    fn event(&self, _: &Event<'_>) {}
}
