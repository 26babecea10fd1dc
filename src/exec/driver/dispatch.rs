//! From the queue to the slots, as far as the machine has room.

use std::sync::Arc;
use std::time::Instant;

use crate::base::{Diagnostic, Digest};
use crate::exec::admission::Tokens;
use crate::exec::demand;
use crate::exec::event::ActionState;
use crate::exec::queue::{self, Position};
use crate::exec::task::{Job, Task};
use crate::model::{ActionSpec, PlannedAction};

use super::agenda::Running;
use super::{Driver, Phase};

impl Driver<'_> {
    /// Gives idle slots their next work.
    pub(super) fn dispatch(&mut self) {
        if self.phase == Phase::Stopping {
            return;
        }
        self.exchange.send();
        while let Some(file) = self.contents.next() {
            self.pool.hash(file, self.workspace.path_of(file));
        }
        // What decides comes before what it may make unwanted.
        if let Some(lane) = self.lane.filter(|lane| self.idle.contains_key(lane))
            && let Some(action) = self.agenda.take_inline()
        {
            self.start(lane, None, vec![action], None);
        }
        loop {
            let free = self.idle.iter().find(|(slot, _)| Some(**slot) != self.lane);
            let Some((&slot, &position)) = free else { break };
            let (actions, tokens) = self.admit(slot, position);
            if actions.is_empty() {
                break;
            }
            self.start(slot, position, actions, tokens);
        }
    }

    /// Starts actions together on an idle slot.
    fn start(&mut self, slot: usize, position: Position, actions: Vec<Arc<PlannedAction>>, tokens: Option<Tokens>) {
        let position = match actions.first().map(|action| &action.spec) {
            Some(ActionSpec::Segment(spec)) => queue::end_of(spec),
            _ => position,
        };
        let mut tasks = Vec::with_capacity(actions.len());
        for action in actions {
            match self.task(&action) {
                Ok(task) => tasks.push(task),
                Err(why) => self.fail(&action, why),
            }
        }
        if tasks.is_empty() {
            return;
        }
        self.idle.remove(&slot);
        if let Some(tokens) = tokens {
            self.admission.take(slot, tokens);
        }
        for Task { action, .. } in &tasks {
            self.say(action, ActionState::Started { slot });
            let started = Instant::now();
            self.agenda.start(Running { action: Arc::clone(action), slot: Some(slot), started, edits: self.edits });
        }
        self.pool.start(slot, Job { tasks, position });
    }

    /// The next work for a slot, as far as the machine has room for it, and what
    /// it takes: those that share a decode share that.
    pub(super) fn admit(&mut self, slot: usize, position: Position) -> (Vec<Arc<PlannedAction>>, Option<Tokens>) {
        let (db, estimates, admission) = (&self.workspace.db, &self.estimates, &self.admission);
        let tokens = |spec: &ActionSpec| demand::tokens(spec, demand::class(db, spec), estimates);
        let mut first = None;
        let actions = self.agenda.take(position, &mut |spec| {
            let next = tokens(spec);
            first.get_or_insert(next);
            admission.verdict(slot, next)
        });
        let taken = actions.first().map(|action| tokens(&action.spec));
        for kept in taken.or(first).iter().flat_map(|next| admission.in_the_way(slot, *next)) {
            self.idle.remove(&kept);
            self.pool.rest(kept);
        }
        (actions, taken)
    }

    pub(super) fn task(&self, action: &Arc<PlannedAction>) -> Result<Task, Diagnostic> {
        let locate = |digest: &Digest| {
            let path = self.workspace.locate(*digest);
            path.map(|path| (*digest, path)).ok_or_else(|| self.workspace.unavailable(*digest, action))
        };
        Ok(Task {
            action: Arc::clone(action),
            inputs: action.spec.inputs().iter().map(locate).collect::<Result<_, _>>()?,
            packs: action.packs.iter().map(|pack| locate(pack).map(|(_, path)| path)).collect::<Result<_, _>>()?,
            sources: self.workspace.sources_of(action),
        })
    }
}
