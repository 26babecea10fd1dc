//! What fails: tried again, done in another way, or told.

use std::sync::Arc;
use std::time::Instant;

use crate::base::{Diagnostic, Tier};
use crate::exec::event::ActionState;
use crate::exec::ladder;
use crate::exec::retry::{self, Cause, Next};
use crate::graph::{FileInput, FileState};
use crate::model::{ActionSpec, PlannedAction};

use super::Driver;

impl Driver<'_> {
    /// Does what the policy says of an action that failed.
    pub(super) fn try_again_or_fail(&mut self, action: Arc<PlannedAction>, cause: Cause, why: Diagnostic) {
        let tries = self.tries.entry(action.key).or_default();
        *tries += 1;
        let (tries, now, goes_on) = (*tries, Instant::now(), !self.stopping && !self.failing);
        if cause.wants_less() {
            self.admission.ran_out(now);
        }
        match retry::next(cause, tries, ladder::can_step_down(self.workspace, &action)) {
            Next::Again(delay) if goes_on => {
                self.say(&action, ActionState::Retried { why: &why, delay });
                self.waiting.push(action, now + delay);
            }
            Next::StepDown if goes_on => {
                let outputs = ladder::step_down(self.workspace, &action).join(", ");
                let message = format!("{outputs} is encoded by another encoder: {}", why.message);
                self.warn(Diagnostic { tier: Tier::Warning, message, ..why });
                (self.stepped_down, self.edited) = (true, true);
            }
            _ => {
                let task = self.task(&action).ok();
                let why = self.notebook.describe(why, &action, tries, task.as_ref(), &self.workspace.program);
                self.fail(&action, why);
            }
        }
    }

    /// An action cannot be done.
    pub(super) fn fail(&mut self, action: &PlannedAction, why: Diagnostic) {
        self.say(action, ActionState::Failed { why: &why });
        self.summary.failed += 1;
        self.history.failed(action, &why);
        let named = self.workspace.named(action, why.clone());
        if let ActionSpec::Probe(spec) = &action.spec
            && self.options.keep_going
        {
            // A file that cannot be opened is left out of all that follows.
            let files = self.workspace.files_of(spec.file);
            self.fresh_files.extend(files.into_iter().map(|file| (file, FileState::Unusable)));
        }
        self.failed.insert(action.key, why);
        self.complain(named);
        if !self.options.keep_going {
            self.wind_down();
        }
    }

    /// A file cannot be read.
    pub(super) fn lose(&mut self, file: FileInput, problem: Diagnostic) {
        self.summary.failed += 1;
        self.complain(problem);
        if self.options.keep_going {
            self.fresh_files.push((file, FileState::Unusable));
        } else {
            self.wind_down();
        }
    }

    pub(super) fn complain(&mut self, problem: Diagnostic) {
        if problem.tier == Tier::Warning {
            self.warn(problem);
        } else if !self.summary.errors.contains(&problem) {
            self.summary.errors.push(problem);
        }
    }

    /// Lets nothing start any more but what looks at footage.
    pub(super) fn wind_down(&mut self) {
        if !self.failing {
            self.failing = true;
            self.queue.keep_probes();
            self.waiting.clear();
        }
    }
}
