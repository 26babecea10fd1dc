//! Edits while a build runs: what they leave unwanted ends, the rest goes on.

use std::collections::HashSet;
use std::sync::Arc;

use crate::base::{Diagnostic, Diagnostics, Tier};
use crate::exec::event::Event;
use crate::exec::queue;
use crate::exec::survey::Survey;
use crate::exec::workspace::{Edit, Workspace};
use crate::model::{ActionKey, PlannedAction};

use super::agenda::{Running, Stage};
use super::{Driver, Phase};

/// Where edits come from while a build runs.
pub trait Edits {
    /// What may be another since it was asked last. Does not wait.
    fn take(&mut self, workspace: &Workspace) -> Option<Edit>;

    /// The edit that was taken last was taken in, or refused.
    fn told(&mut self, workspace: &Workspace, taken_in: bool) -> Result<(), Diagnostic>;
}

/// Nothing is edited.
pub struct NoEdits;

impl Edits for NoEdits {
    fn take(&mut self, _: &Workspace) -> Option<Edit> {
        None
    }

    fn told(&mut self, _: &Workspace, _: bool) -> Result<(), Diagnostic> {
        Ok(())
    }
}

impl Driver<'_> {
    /// Takes in an edit while a build runs; one that cannot be taken in leaves
    /// everything as it was.
    pub(super) fn take_edit(&mut self, edit: &Edit, edits: &mut dyn Edits) {
        let taken_in = match self.workspace.reload(edit) {
            Ok(warnings) => {
                self.begin_again(edit.files);
                self.warn_all(warnings);
                true
            }
            Err(problems) => {
                self.refuse(&problems);
                false
            }
        };
        if let Err(problem) = edits.told(self.workspace, taken_in) {
            self.warn(Diagnostic { tier: Tier::Warning, ..problem });
        }
    }

    /// Forgets what an edit may have put right.
    fn begin_again(&mut self, files: bool) {
        self.summary.errors.clear();
        self.summary.failed = 0;
        self.agenda.forget_failures();
        self.contents.edited(files);
        self.readmit_files();
        if files {
            self.outputs.look_again();
        }
        // A build that was given up is not begun again by an edit.
        if self.phase == Phase::Failing {
            self.phase = Phase::Going;
        }
        self.edited = true;
        self.edits += 1;
    }

    /// Says why an edit cannot be taken in.
    pub fn refuse(&self, problems: &Diagnostics) {
        self.listener.event(&Event::Refused(problems));
    }

    /// Ends what an edit left unwanted: what waits at once, what runs when
    /// everything that is wanted is known. Until then it may be wanted again.
    pub(super) fn retire(&mut self, survey: &Survey) {
        if !self.edited {
            return;
        }
        let wanted: HashSet<ActionKey> = survey.pending.iter().map(|action| action.key).collect();
        self.agenda.retain(&|action| wanted.contains(&action.key));
        let failed = self.agenda.failed();
        let decides = |action: &Arc<PlannedAction>| queue::decides(&action.spec) && !failed.contains_key(&action.key);
        if !survey.unhashed.iter().all(|file| self.contents.is_lost(*file)) || survey.pending.iter().any(decides) {
            return;
        }
        self.edited = false;
        let now = |running: &Running| match running.stage {
            Stage::Now(slot) => Some(slot),
            Stage::Next(_) | Stage::Kept => None,
        };
        let running = || self.agenda.all_running();
        let in_use: HashSet<usize> = running().filter(|it| wanted.contains(&it.action.key)).filter_map(now).collect();
        let slots: HashSet<usize> = running().filter_map(now).collect();
        for slot in slots.difference(&in_use).filter(|slot| Some(**slot) != self.lane) {
            self.pool.interrupt(*slot);
        }
    }
}
