//! From a round of planning into the queue: what is pending, what has to be
//! written anew, and what was lost and has to be made or fetched again.

use std::sync::Arc;

use crate::base::Diagnostic;
use crate::exec::event::Event;
use crate::exec::goal::Goal;
use crate::exec::reproducible;
use crate::exec::survey::{self, Readiness, Survey};
use crate::graph::Needs;
use crate::model::{ActionKey, ActionSpec, PlannedAction};

use super::{Driver, Phase};

impl Driver<'_> {
    /// Refuses to begin where the end is known: an hour of rendering should
    /// not come before the news that its output may not be written.
    pub(super) fn look_ahead(&mut self, goal: &Goal) {
        let Goal::Outputs(targets) = goal else { return };
        if !self.options.apart {
            self.unwritable = self.workspace.unwritable_outputs(targets);
        }
        if self.options.force || self.options.keep_going || self.options.apart {
            return;
        }
        for problem in self.workspace.blocked_outputs(targets) {
            self.complain(problem);
            self.phase = Phase::Stopping;
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
        let failed = self.agenda.failed();
        let pending = survey.pending.iter().filter(|action| !failed.contains_key(&action.key)).count();
        let (actions, frames) = self.before;
        let frames_done = self.known.frames() - frames;
        let frames = frames_done + survey.pending.iter().map(|action| survey::frames_of(&action.spec)).sum::<u64>();
        let done = self.known.actions() - actions;
        self.listener.event(&Event::Planned { done, pending, frames_done, frames, open: !complete });
        self.contents.ask(&survey.unhashed);
        self.retire(&survey);
        for action in &survey.pending {
            self.submit_action(action);
        }
        let here: Vec<_> = survey.pending.iter().filter(|action| !self.exchange.awaits(action.key)).cloned().collect();
        if !here.is_empty() && !self.options.keep_going && self.phase != Phase::Stopping {
            std::mem::take(&mut self.unwritable).into_iter().for_each(|problem| self.stop_for(problem));
        }
        if self.phase != Phase::Stopping
            && let Err(problem) = self.workspace.may_store(&here)
        {
            self.complain(problem);
            self.phase = Phase::Stopping;
        }
    }

    /// Queues the joins that were done and whose outputs are no longer as they
    /// were written. Each place is looked at once in a build.
    pub(super) fn restore_outputs(&mut self, needs: &Needs) {
        if self.phase != Phase::Going || self.options.apart {
            return;
        }
        let mut delivered = survey::deliveries(needs);
        delivered.retain(|(action, _)| action.output.as_ref().is_some_and(|path| !self.outputs.has(path, action.key)));
        let displaced: Vec<Arc<PlannedAction>> = match self.workspace.displaced(&delivered) {
            Ok(displaced) => displaced.into_iter().cloned().collect(),
            Err(problem) => return self.stop_for(problem),
        };
        if let (Some(first), Some(why)) = (displaced.first(), self.workspace.store.read_only()) {
            let path = first.output.as_deref().unwrap_or_default();
            return self.stop_for(why.clone().note(format!("{path} is to be written anew")));
        }
        let in_place = delivered.iter().filter(|(action, _)| !displaced.iter().any(|other| Arc::ptr_eq(other, action)));
        for (action, path) in in_place.filter_map(|(action, _)| Some((action, action.output.as_ref()?))) {
            self.outputs.settle(path, action.key, false);
            self.listener.event(&Event::Output { path, written: false });
        }
        if !displaced.is_empty() {
            self.known.learn(needs);
        }
        // Where two places are to hold the same, one is filled after the other.
        for action in &displaced {
            self.outputs.displaced(action.key, self.workspace.again(action));
            self.submit_action(action);
        }
    }

    pub(super) fn submit_action(&mut self, action: &Arc<PlannedAction>) {
        if self.agenda.has(action.key) || self.exchange.awaits(action.key) {
            return;
        }
        if self.phase == Phase::Failing && !matches!(action.spec, ActionSpec::Probe(_)) {
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
                Ok(()) => self.agenda.offer(Arc::clone(action)),
                Err(problem) => self.fail(action, problem),
            },
            // An output that others have needs nothing of what it was made of.
            Readiness::Lost(_) if done && allowed.is_ok() && self.exchange.asks(action) => {}
            Readiness::Lost(makers) => self.recover(action, makers),
            Readiness::Unavailable(problem) => self.fail(action, problem),
        }
    }

    /// Results whose objects are gone (collected, lost, or never fetched) are
    /// fetched; those that cannot be had are made again.
    pub(super) fn recover(&mut self, action: &PlannedAction, makers: Vec<ActionKey>) {
        let is_coming = |maker: &ActionKey| {
            self.workspace.db.result(*maker).is_some() || self.agenda.has(*maker) || self.exchange.awaits(*maker)
        };
        if !makers.iter().any(is_coming) {
            let problem = format!("what {} reads is gone from the store, and nothing makes it again", action.node);
            self.fail(action, Diagnostic::environment(problem).hint("run `autocut verify`, then make again"));
            return;
        }
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
