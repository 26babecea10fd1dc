//! The end of a build: what it used and made is noted, within the store's
//! limits.

use crate::base::{Diagnostic, Tier};
use crate::exec::collect;
use crate::exec::event::Event;
use crate::exec::failure;
use crate::exec::goal::Goal;
use crate::exec::lockfile;
use crate::exec::survey;
use crate::graph::{Needs, clocks};
use crate::model::losses;

use super::Driver;

impl Driver<'_> {
    /// Lets what is still to be published be published.
    pub(super) fn part(&mut self) {
        if self.lane.is_none() && self.exchange.is_publishing() && !self.summary.interrupted {
            self.listener.event(&Event::Publishing);
        }
        // Whoever watches does not wait: the next edit is more urgent.
        let farewell = if self.lane.is_some() { self.exchange.pause() } else { self.exchange.finish(self.interrupted) };
        self.summary.published = farewell.published;
        self.summary.interrupted |= farewell.interrupted;
        if let Some(warning) = farewell.warning {
            self.warn(warning);
        }
    }

    /// Brings `autocut.lock` up to date with what was made.
    pub(super) fn renew_lock(&mut self) {
        if self.options.apart || !self.summary.errors.is_empty() {
            return;
        }
        match lockfile::renew(self.workspace) {
            Ok(news) => news.into_iter().for_each(|news| self.warn(news)),
            Err(problem) => self.complain(problem),
        }
    }

    /// Counts what was reused: everything that the goal rests on and that did
    /// not run.
    pub(super) fn finish(&mut self, goal: &Goal, needs: &Needs, complete: bool) {
        if !complete && self.summary.errors.is_empty() && !self.summary.interrupted {
            self.complain(Diagnostic::bug("nothing is left to do, and yet not everything is done"));
        }
        if complete {
            clocks::beside(&self.workspace.db, self.workspace.project).into_iter().for_each(|told| self.warn(told));
        }
        let done = survey::done(needs);
        self.live = done.len();
        let mut later = losses::Told::default();
        for (action, result) in &done {
            self.pass_on(action, result, &mut later);
            *self.summary.reused.entry(action.spec.kind().name).or_default() += 1;
        }
        for told in later.into_sentences() {
            self.warn(Diagnostic::warning(told));
        }
        for (kind, ran) in &self.summary.ran {
            if let Some(reused) = self.summary.reused.get_mut(kind) {
                *reused = reused.saturating_sub(*ran);
            }
        }
        self.summary.reused.retain(|_, count| *count > 0);
        let outputs = self.outputs.told(&survey::deliveries(needs));
        if let Goal::Outputs(targets) = goal
            && !self.summary.errors.is_empty()
            && !self.summary.interrupted
        {
            self.summary.missing =
                failure::missing(self.workspace, targets, self.agenda.failed(), &|path| outputs.contains_key(path));
        }
        if complete && self.summary.errors.is_empty() {
            self.notebook.clear();
        }
        if !self.summary.ran.is_empty() {
            // A guess that is not remembered is learned again.
            let _ = self.workspace.store.remember_estimates(&self.estimates.to_bytes());
        }
        self.summary.outputs = outputs.into_iter().collect();
        let plan: Vec<_> = done.iter().map(|(action, _)| (action.node.as_str(), action.key)).collect();
        let succeeded = complete && self.summary.errors.is_empty() && !self.summary.interrupted;
        let mut kept = collect::keep(self.workspace, goal, &plan, succeeded, !self.summary.ran.is_empty());
        if complete {
            let store = &self.workspace.store;
            kept = kept.and_then(|()| self.exchange.offer(store, &plan));
        }
        // A build that ran nothing has added nothing; one that did not come to
        // its end does not know all that the next one needs.
        let kept = kept.and_then(|()| match complete && (self.summary.fetched > 0 || !self.summary.ran.is_empty()) {
            true => collect::after_build(self.workspace, survey::live(&done)),
            false => Ok(()),
        });
        if let Err(problem) = kept {
            self.warn(Diagnostic { tier: Tier::Warning, ..problem });
        }
    }
}
