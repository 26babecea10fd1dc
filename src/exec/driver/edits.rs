//! Edits while a build runs: what they leave unwanted ends, the rest goes on.

use std::collections::HashSet;

use crate::base::Diagnostics;
use crate::exec::event::Event;
use crate::exec::queue;
use crate::exec::survey::Survey;
use crate::exec::workspace::{Edit, Workspace};
use crate::model::ActionKey;

use super::Driver;

/// Where edits come from while a build runs.
pub trait Edits {
    /// What may be another since it was asked last. Does not wait.
    fn take(&mut self, workspace: &Workspace) -> Option<Edit>;
}

/// Nothing is edited.
pub struct NoEdits;

impl Edits for NoEdits {
    fn take(&mut self, _: &Workspace) -> Option<Edit> {
        None
    }
}

impl Driver<'_> {
    /// Takes in an edit while a build runs; one that cannot be taken in leaves
    /// everything as it was.
    pub(super) fn take_edit(&mut self, edit: &Edit) {
        match self.workspace.reload(edit) {
            Ok(warnings) => {
                self.begin_again();
                self.edited = true;
                self.warn_all(warnings);
            }
            Err(problems) => self.refuse(&problems),
        }
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
        for key in self.queue.retain(&|key| wanted.contains(key)) {
            self.submitted.remove(&key);
        }
        for key in self.waiting.retain(&|key| wanted.contains(key)) {
            self.submitted.remove(&key);
        }
        if !survey.unhashed.is_empty() || survey.pending.iter().any(|action| queue::decides(&action.spec)) {
            return;
        }
        self.edited = false;
        let in_use: HashSet<usize> =
            self.running.iter().filter(|(key, _)| wanted.contains(key)).map(|(_, running)| running.slot).collect();
        let slots: HashSet<usize> = self.running.values().map(|running| running.slot).collect();
        for slot in slots.difference(&in_use).filter(|slot| Some(**slot) != self.lane) {
            self.pool.interrupt(*slot);
        }
    }
}
