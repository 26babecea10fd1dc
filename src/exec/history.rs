//! What a build did, noted while it runs, for the store to remember.

use std::time::Duration;

use crate::base::{Diagnostic, UtcTime};
use crate::exec::goal::{Goal, Summary};
use crate::inputs::{RealSystem, System};
use crate::model::PlannedAction;
use crate::store::{BuildOutcome, BuildRecord, BuiltAction, KindCount, Store};

/// The actions that a build ran so far.
#[derive(Debug)]
pub struct History {
    began: UtcTime,
    actions: Vec<BuiltAction>,
}

impl History {
    /// Of a build that begins now.
    pub fn begin() -> Self {
        History { began: UtcTime(RealSystem.now_ns()), actions: Vec::new() }
    }

    pub fn ran(&mut self, action: &PlannedAction, elapsed: Duration) {
        self.actions.push(built(action, millis(elapsed), None));
    }

    pub fn failed(&mut self, action: &PlannedAction, why: &Diagnostic) {
        self.actions.push(built(action, 0, Some(why.message.clone())));
    }

    /// Has the store remember the build, unless it neither did nor failed at
    /// anything: a build with nothing to do writes nothing.
    pub fn close(self, goal: &Goal, summary: &Summary, store: &Store) -> Result<(), Diagnostic> {
        let nothing = self.actions.is_empty() && summary.errors.is_empty() && !summary.did_something();
        if nothing || store.read_only().is_some() {
            return Ok(());
        }
        store.record_build(self.record(goal, summary)).map(drop)
    }

    fn record(self, goal: &Goal, summary: &Summary) -> BuildRecord {
        let mut record = BuildRecord {
            number: 0,
            command: command(goal).to_owned(),
            targets: match goal {
                Goal::Outputs(targets) => targets.clone(),
                Goal::Choice | Goal::Inputs | Goal::Stills(_) => Vec::new(),
            },
            at: self.began,
            elapsed_ms: millis(summary.elapsed),
            outcome: match summary {
                summary if summary.interrupted => BuildOutcome::Interrupted,
                summary if summary.errors.is_empty() => BuildOutcome::Done,
                _ => BuildOutcome::Failed,
            },
            kinds: summary
                .reused
                .iter()
                .map(|(kind, reused)| {
                    ((*kind).to_owned(), KindCount { reused: *reused as u64, ..KindCount::default() })
                })
                .collect(),
            written: summary.outputs.iter().filter(|(_, written)| *written).map(|(path, _)| path.clone()).collect(),
            errors: summary.errors.iter().map(|error| error.message.clone()).collect(),
            actions: self.actions,
        };
        for action in &record.actions {
            let kind = record.kinds.entry(action.kind.clone()).or_default();
            match action.failed {
                Some(_) => kind.failed += 1,
                None => {
                    kind.ran += 1;
                    kind.ran_ms += action.elapsed_ms;
                }
            }
        }
        record
    }
}

/// The command for outputs, as builds are remembered by it.
pub const MAKE: &str = "make";

/// The command that such a goal is for.
fn command(goal: &Goal) -> &'static str {
    match goal {
        Goal::Outputs(_) => MAKE,
        Goal::Choice => "explain moments",
        Goal::Inputs => "doctor",
        Goal::Stills(_) => "storyboard",
    }
}

fn built(action: &PlannedAction, elapsed_ms: u64, failed: Option<String>) -> BuiltAction {
    let kind = action.spec.kind().name.to_owned();
    BuiltAction { key: action.key, node: action.node.clone(), kind, elapsed_ms, failed }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
