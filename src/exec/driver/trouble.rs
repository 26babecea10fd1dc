//! What fails: tried again, done in another way, or told.

use std::sync::Arc;
use std::time::Instant;

use crate::base::{Diagnostic, Tier};
use crate::exec::event::ActionState;
use crate::exec::ladder::{self, Below};
use crate::exec::retry::{self, Cause, Next};
use crate::graph::{FileInput, FileState};
use crate::model::decoders::Device;
use crate::model::{ActionSpec, PlannedAction, Runs};

use super::agenda::Running;
use super::{Driver, Phase};

impl Driver<'_> {
    /// Does what the policy says of an action that failed.
    pub(super) fn try_again_or_fail(&mut self, action: Arc<PlannedAction>, cause: Cause, why: Diagnostic) {
        let tries = self.agenda.count_failure(action.key);
        let (now, goes_on) = (Instant::now(), self.phase == Phase::Going);
        if cause.wants_less() {
            self.admission.ran_out(now);
        }
        let below = ladder::below(self.workspace, &action);
        match retry::next(cause, tries, below != Below::Nothing) {
            Next::Again(delay) if goes_on => {
                self.say(&action, ActionState::Retried { why: &why, delay });
                self.agenda.retry(action, now + delay);
            }
            Next::StepDown if goes_on && below == Below::Unwanted => self.say(&action, ActionState::Cancelled),
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

    /// A device decodes nothing more in this build.
    pub(super) fn mistrust(&mut self, device: Device, why: &Diagnostic) {
        if self.decoding.mistrust(device) {
            let message =
                format!("{} decodes nothing more in this build, software does: {}", device.name(), why.message);
            let hint = "if this comes again, decode with `--decode software`; `autocut doctor` says what works";
            self.warn(Diagnostic::warning(message).hint(hint));
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
            for file in self.workspace.files_of(spec.file) {
                self.leave_out(file);
            }
        }
        self.agenda.fail(action.key, why);
        self.complain(named);
        if !self.options.keep_going {
            self.wind_down();
        }
    }

    /// A file cannot be read.
    pub(super) fn lose(&mut self, file: FileInput, problem: Diagnostic) {
        self.summary.failed += 1;
        self.contents.lose(file);
        self.complain(problem);
        if self.options.keep_going {
            self.leave_out(file);
        } else {
            self.wind_down();
        }
    }

    /// Plans on without a file.
    fn leave_out(&mut self, file: FileInput) {
        self.left_out.push((file, file.state(&self.workspace.db)));
        self.fresh_files.push((file, FileState::Unusable));
    }

    /// Asks again for the files that were left out: each build says what it is
    /// without.
    pub(super) fn readmit_files(&mut self) {
        for (file, before) in self.left_out.drain(..) {
            if file.state(&self.workspace.db) == FileState::Unusable {
                self.workspace.db.set_file(file, before);
            }
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
        if self.phase == Phase::Going {
            self.phase = Phase::Failing;
            self.agenda.retain(&|action| matches!(action.spec, ActionSpec::Probe(_)));
        }
    }

    /// Lets nothing start any more.
    pub(super) fn stop_for(&mut self, problem: Diagnostic) {
        self.complain(problem);
        self.phase = Phase::Stopping;
    }

    /// Says which actions in this process have come to no end for long: there is
    /// no process of theirs to kill. (A file on a share that hangs.)
    pub(super) fn tell_of_stalls(&mut self, now: Instant) {
        let stalled = |running: &&Running| {
            let kind = running.action.spec.kind();
            kind.runs == Runs::Inline && now.duration_since(running.started) >= kind.deadline
        };
        let told = |running: &Running| {
            let (kind, node) = (running.action.spec.kind(), &running.action.node);
            let message = format!("{} {node} has run for more than {} s", kind.name, kind.deadline.as_secs());
            Diagnostic::warning(message).hint("if a disk or a share hangs, Ctrl-C ends the build")
        };
        let stalled: Vec<Diagnostic> = self.agenda.all_running().filter(stalled).map(told).collect();
        stalled.into_iter().for_each(|stalled| self.warn(stalled));
    }
}
