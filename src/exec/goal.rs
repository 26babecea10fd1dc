//! What a build is asked for, what that needs, and how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::{Diagnostic, Timestamp};
use crate::exec::failure::Missing;
use crate::exec::workspace::Workspace;
use crate::graph::{Needs, complete, moments, outputs, stills};

/// What is to be brought up to date.
#[derive(Clone, Debug)]
pub enum Goal {
    /// The outputs of these names; all where none is named.
    Outputs(Vec<String>),
    /// The choice of moments as it would be made here and now, whatever
    /// `autocut.lock` pins.
    Choice,
    /// Probes and clocks: what can be said of the inputs.
    Inputs,
    /// Frames at these times of these recordings.
    Stills(Vec<(String, Timestamp)>),
}

#[derive(Clone, Debug)]
pub struct Options {
    /// Actions that run side by side.
    pub jobs: usize,
    /// Goes on with what does not need what failed.
    pub keep_going: bool,
    /// Overwrites outputs that autocut did not write.
    pub force: bool,
    /// Leaves outputs alone: what a join makes stays in the store.
    pub apart: bool,
}

/// How a build ended.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Actions that ran, by the name of their kind.
    pub ran: BTreeMap<&'static str, usize>,
    /// Actions whose results were known.
    pub reused: BTreeMap<&'static str, usize>,
    /// Those of them that came from the shared store in this build.
    pub fetched: usize,
    /// Results that the shared store has from this build.
    pub published: usize,
    pub failed: usize,
    /// What went wrong, each thing once.
    pub errors: Vec<Diagnostic>,
    pub interrupted: bool,
    /// Outputs that are not as the manifest asks for them, because of errors.
    pub missing: Vec<Missing>,
    /// Outputs that are as they should be now, and whether they were written.
    pub outputs: Vec<(String, bool)>,
    pub elapsed: Duration,
    /// Of that, what planning took.
    pub planning: Duration,
}

impl Summary {
    pub fn ran_count(&self) -> usize {
        self.ran.values().sum()
    }

    /// Whether anything is another than before.
    pub fn did_something(&self) -> bool {
        self.ran_count() > 0 || self.fetched > 0 || self.outputs.iter().any(|(_, written)| *written)
    }

    pub fn reused_count(&self) -> usize {
        self.reused.values().sum()
    }

    /// 0 where all is done; otherwise what the worst error asks for.
    pub fn exit_code(&self) -> u8 {
        if self.interrupted {
            return INTERRUPTED;
        }
        self.errors.iter().map(|error| error.tier.exit_code()).max().unwrap_or(0)
    }
}

/// What shells expect of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// One evaluation of the plan: what the goal needs, and whether all of that is
/// known.
pub fn evaluate(workspace: &Workspace, goal: &Goal) -> (Needs, bool) {
    let (db, project) = (&workspace.db, workspace.project);
    match goal {
        Goal::Outputs(targets) => {
            let planned = outputs::outputs(db, project, targets);
            (planned.needs, planned.value.is_some())
        }
        Goal::Choice => {
            let planned = moments::weighed(db, project);
            (planned.needs.clone(), planned.value.is_some())
        }
        Goal::Inputs => {
            let planned = complete::inputs(db, project);
            (planned.needs, planned.value.is_some())
        }
        Goal::Stills(wanted) => {
            let planned = stills::stills(db, project, wanted);
            (planned.needs, planned.value.is_some())
        }
    }
}
