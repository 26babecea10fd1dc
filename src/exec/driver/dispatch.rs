//! From the queue to the slots, as far as the machine has room.

use std::sync::Arc;
use std::time::Instant;

use crate::base::{Diagnostic, Digest};
use crate::exec::admission::Tokens;
use crate::exec::demand;
use crate::exec::event::ActionState;
use crate::exec::pool::{Job, Task};
use crate::exec::queue::{self, Position};
use crate::model::{ActionSpec, PlannedAction};

use super::{Driver, Running};

/// Files that are hashed side by side. Each is divided among the cores already;
/// more at once would only make the disk seek.
const HASHES: usize = 4;

impl Driver<'_> {
    /// Gives idle slots their next work.
    pub(super) fn dispatch(&mut self) {
        if !self.stopping {
            self.exchange.send();
        }
        while !self.stopping && self.hashing < HASHES {
            let Some(file) = self.to_hash.pop_front() else { break };
            self.hashing += 1;
            self.pool.hash(file, self.workspace.path_of(file));
        }
        while !self.stopping {
            let Some((&slot, &position)) = self.idle.iter().next() else { break };
            let is_lane = Some(slot) == self.lane;
            let (actions, tokens) = if is_lane {
                (self.queue.take_inline().into_iter().collect(), None)
            } else {
                self.admit(slot, position)
            };
            let Some(first) = actions.first() else { break };
            let position = match &first.spec {
                ActionSpec::Segment(spec) => queue::end_of(spec),
                _ => position,
            };
            let mut tasks = Vec::with_capacity(actions.len());
            let mut started = Vec::with_capacity(actions.len());
            for action in actions {
                match self.task(&action) {
                    Ok(task) => {
                        tasks.push(task);
                        started.push(action);
                    }
                    Err(why) => self.fail(&action, why),
                }
            }
            if tasks.is_empty() {
                continue;
            }
            self.idle.remove(&slot);
            if let Some(tokens) = tokens {
                self.admission.take(slot, tokens);
            }
            for action in started {
                self.say(&action, ActionState::Started { slot });
                self.running.insert(action.key, Running { action, slot, started: Instant::now() });
            }
            self.pool.start(slot, Job { tasks, position });
        }
    }

    /// The next work for a slot, as far as the machine has room for it, and what
    /// it takes: those that share a decode share that.
    pub(super) fn admit(&mut self, slot: usize, position: Position) -> (Vec<Arc<PlannedAction>>, Option<Tokens>) {
        let (db, estimates, admission) = (&self.workspace.db, &self.estimates, &self.admission);
        let mut tokens = None;
        let actions = self.queue.take(position, &mut |spec| {
            let next = demand::tokens(spec, demand::class(db, spec), estimates);
            tokens = Some(next);
            admission.verdict(slot, next)
        });
        for kept in tokens.iter().flat_map(|next| admission.in_the_way(slot, *next)) {
            self.idle.remove(&kept);
            self.pool.rest(kept);
        }
        (actions, tokens)
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
        })
    }
}
