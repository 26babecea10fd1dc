//! From the queue to the slots, as far as the machine has room.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::base::{Diagnostic, Digest};
use crate::exec::admission::{Tokens, Verdict};
use crate::exec::demand;
use crate::exec::event::ActionState;
use crate::exec::queue::{self, Position};
use crate::exec::task::{Job, Task};
use crate::model::{ActionSpec, PlannedAction};

use super::agenda::{Running, Stage};
use super::handout::{self, Next, Open};
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
        self.dispatch_ahead();
    }

    /// Gives slots that do something brief what they do after that, one each in
    /// turn, as long as it is brief too and takes no more.
    fn dispatch_ahead(&mut self) {
        if self.admission.is_narrow() {
            return;
        }
        let mut handed = true;
        while handed && !self.agenda.is_queue_empty() {
            handed = false;
            for open in self.ahead.open() {
                handed |= Some(open.slot) != self.lane && self.hand(&open);
            }
        }
    }

    /// Hands a slot something more; whether there was anything for it.
    fn hand(&mut self, open: &Open) -> bool {
        let Open { slot, held, position } = *open;
        let (db, estimates, ahead, decoding) = (&self.workspace.db, &self.estimates, &self.ahead, &self.decoding);
        let tokens = |spec: &ActionSpec| {
            decoding.with_memory(demand::tokens(spec, demand::class(db, spec), estimates), db, slot, spec)
        };
        let actions = self.agenda.take(position, &mut |spec| {
            let next = tokens(spec);
            let fits = next.threads <= held.threads && next.memory <= held.memory && next.sessions <= held.sessions;
            if fits && handout::is_light(next) && ahead.brief(spec).is_some() { Verdict::Yes } else { Verdict::Wait }
        });
        let Some(first) = actions.first() else { return false };
        let (tokens, position) = (tokens(&first.spec), after(first, position));
        let takes = ahead.brief(&first.spec).unwrap_or_default();
        let tasks = self.tasks(slot, actions);
        if tasks.is_empty() {
            return true;
        }
        self.put_on_agenda(&tasks, Stage::Next(slot));
        let actions = tasks.iter().map(|task| task.action.key).collect();
        self.ahead.hand(slot, Next { actions, tokens, takes }, position);
        self.pool.queue(slot, Job { tasks, position });
        true
    }

    /// A slot goes on with what was handed to it.
    pub(super) fn begin_next(&mut self, slot: usize, next: Next) {
        self.admission.take(slot, next.tokens);
        for (place, key) in next.actions.into_iter().enumerate() {
            if let Some(action) = self.agenda.begin(key, slot, Instant::now()).map(|running| running.action.clone()) {
                self.say(&action, ActionState::Started { slot, place });
            }
        }
    }

    /// Starts actions together on an idle slot.
    fn start(&mut self, slot: usize, position: Position, actions: Vec<Arc<PlannedAction>>, tokens: Option<Tokens>) {
        let position = actions.first().map_or(position, |first| after(first, position));
        let tasks = self.tasks(slot, actions);
        let Some(first) = tasks.first() else { return };
        self.idle.remove(&slot);
        self.ahead.begin(slot, self.ahead.brief(&first.action.spec), tokens.unwrap_or_default(), position);
        if let Some(tokens) = tokens {
            self.admission.take(slot, tokens);
        }
        for (place, Task { action, .. }) in tasks.iter().enumerate() {
            self.say(action, ActionState::Started { slot, place });
        }
        self.put_on_agenda(&tasks, Stage::Now(slot));
        self.pool.start(slot, Job { tasks, position });
    }

    fn put_on_agenda(&mut self, tasks: &[Task], stage: Stage) {
        let (started, edits) = (Instant::now(), self.edits);
        for Task { action, devices, .. } in tasks {
            let device = devices.values().next().copied();
            self.agenda.start(Running { action: Arc::clone(action), stage, started, edits, device });
        }
    }

    /// What a slot needs to know of actions; those whose inputs are gone fail.
    fn tasks(&mut self, slot: usize, actions: Vec<Arc<PlannedAction>>) -> Vec<Task> {
        let mut tasks = Vec::with_capacity(actions.len());
        for action in actions {
            match self.task(&action) {
                Ok(task) => {
                    let devices = self.decoding.devices(&self.workspace.db, slot, &action.spec);
                    tasks.push(Task { devices, ..task });
                }
                Err(why) => self.fail(&action, why),
            }
        }
        tasks
    }

    /// The next work for a slot, as far as the machine has room for it, and what
    /// it takes: those that share a decode share that.
    pub(super) fn admit(&mut self, slot: usize, position: Position) -> (Vec<Arc<PlannedAction>>, Option<Tokens>) {
        let (db, estimates, admission) = (&self.workspace.db, &self.estimates, &self.admission);
        let decoding = &self.decoding;
        let tokens = |spec: &ActionSpec| {
            decoding.with_memory(demand::tokens(spec, demand::class(db, spec), estimates), db, slot, spec)
        };
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
            devices: BTreeMap::new(),
            sources: self.workspace.sources_of(action),
        })
    }
}

/// Where a decoder that stands at `position` stands after an action.
fn after(action: &PlannedAction, position: Position) -> Position {
    match &action.spec {
        ActionSpec::Segment(spec) => queue::end_of(spec),
        _ => position,
    }
}
