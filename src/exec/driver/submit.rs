//! From a round of planning into the queue: what is pending, what has to be
//! written anew, and what was lost and has to be made or fetched again.

use std::collections::HashSet;
use std::sync::Arc;

use crate::exec::event::Event;
use crate::exec::goal::Goal;
use crate::exec::reproducible;
use crate::exec::survey::{self, Readiness, Survey};
use crate::graph::Needs;
use crate::model::{ActionKey, ActionSpec, PlannedAction};

use super::Driver;

impl Driver<'_> {
    /// Refuses to begin where the end is known: an hour of rendering should
    /// not come before the news that its output may not be written.
    pub(super) fn look_ahead(&mut self, goal: &Goal) {
        let Goal::Outputs(targets) = goal else { return };
        if self.options.force || self.options.keep_going || self.options.apart {
            return;
        }
        for problem in self.workspace.blocked_outputs(targets) {
            self.complain(problem);
            self.stopping = true;
        }
    }

    /// Queues everything in a round of planning that can start and has not.
    pub(super) fn submit(&mut self, needs: &Needs, complete: bool) {
        let survey = Survey::of(needs);
        if !survey.is_empty() {
            self.known.learn(needs);
        }
        for problem in &survey.problems {
            self.complain(problem.clone());
        }
        if !self.options.keep_going && !self.summary.errors.is_empty() {
            self.wind_down();
        }
        let pending = survey.pending.iter().filter(|action| !self.failed.contains_key(&action.key)).count();
        let frames_done = self.known.frames();
        let frames = frames_done + survey.pending.iter().map(|action| survey::frames_of(&action.spec)).sum::<u64>();
        let done = self.known.actions();
        self.listener.event(&Event::Planned { done, pending, frames_done, frames, open: !complete });
        for file in &survey.unhashed {
            if self.asked.insert(*file) {
                self.to_hash.push_back(*file);
            }
        }
        self.retire(&survey);
        for action in &survey.pending {
            self.submit_action(action);
        }
        let here: Vec<_> = survey.pending.iter().filter(|action| !self.exchange.awaits(action.key)).cloned().collect();
        if !self.stopping
            && let Err(problem) = self.workspace.may_store(&here)
        {
            self.complain(problem);
            self.stopping = true;
        }
    }

    /// Queues the joins that were done and whose outputs are no longer as they
    /// were written. Each is looked at once in a build.
    pub(super) fn restore_outputs(&mut self, needs: &Needs) {
        if self.stopping || self.failing || self.options.apart {
            return;
        }
        let mut delivered = survey::deliveries(needs);
        delivered.retain(|(action, _)| action.output.as_ref().is_some_and(|path| !self.placed.contains_key(path)));
        let displaced: HashSet<ActionKey> = match self.workspace.displaced(&delivered) {
            Ok(displaced) => displaced.iter().map(|action| action.key).collect(),
            Err(problem) => {
                self.complain(problem);
                self.stopping = true;
                return;
            }
        };
        if let (Some(first), Some(why)) = (displaced.iter().next(), self.workspace.store.read_only()) {
            let path =
                delivered.iter().find(|(action, _)| action.key == *first).and_then(|(action, _)| action.output.clone());
            let problem = why.clone().note(format!("{} is to be written anew", path.unwrap_or_default()));
            self.complain(problem);
            self.stopping = true;
            return;
        }
        if !displaced.is_empty() {
            self.known.learn(needs);
        }
        for (action, _) in &delivered {
            match &action.output {
                Some(path) if !displaced.contains(&action.key) => {
                    self.placed.insert(path.clone(), false);
                    self.listener.event(&Event::Output { path, written: false });
                }
                _ => {
                    self.displaced.insert(action.key, self.workspace.again(action));
                    self.submit_action(action);
                }
            }
        }
    }

    pub(super) fn submit_action(&mut self, action: &Arc<PlannedAction>) {
        let key = &action.key;
        if self.submitted.contains(key) || self.failed.contains_key(key) || self.exchange.awaits(*key) {
            return;
        }
        if self.failing && !matches!(action.spec, ActionSpec::Probe(_)) {
            return;
        }
        let mut action = Arc::clone(action);
        if self.options.apart && action.output.is_some() {
            Arc::make_mut(&mut action).output = None;
        }
        let action = &action;
        let refused = Some(&action.spec).filter(|_| self.workspace.is_reproducible()).and_then(reproducible::refused);
        let allowed = match (&action.output, refused) {
            (_, Some(refused)) => Err(refused),
            (Some(path), None) if !self.options.force => self.workspace.may_write(path),
            _ => Ok(()),
        };
        let done = self.workspace.db.result(action.key).is_some();
        if !done && allowed.is_ok() && self.exchange.asks(action) {
            return;
        }
        match self.known.readiness(self.workspace, action) {
            Readiness::Ready => match allowed {
                Ok(()) => {
                    self.submitted.insert(action.key);
                    self.queue.push(Arc::clone(action));
                }
                Err(problem) => self.fail(action, problem),
            },
            // An output that others have needs nothing of what it was made of.
            Readiness::Lost(_) if done && allowed.is_ok() && self.exchange.asks(action) => {}
            Readiness::Lost(makers) => self.recover(makers),
            Readiness::Unavailable(problem) => self.fail(action, problem),
        }
    }

    /// Results whose objects are gone (collected, lost, or never fetched) are
    /// fetched; those that cannot be had are made again.
    pub(super) fn recover(&mut self, makers: Vec<ActionKey>) {
        for maker in makers {
            let workspace = &*self.workspace;
            let missing = || {
                let artifacts = workspace.db.result(maker).map(|result| result.artifacts.clone()).unwrap_or_default();
                artifacts.into_iter().filter(|artifact| !workspace.store.objects().contains(*artifact)).collect()
            };
            if !self.exchange.seeks(maker, missing) {
                self.fresh.push((maker, None));
            }
        }
    }
}
