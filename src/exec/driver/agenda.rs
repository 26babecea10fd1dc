//! What is there to do: each action that was planned and is not done is
//! *queued*, *waiting* for another try, *running* or *failed*, in exactly one of
//! these. One that is done or was dropped is in none, and may be offered again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use crate::base::Diagnostic;
use crate::exec::admission::Verdict;
use crate::exec::queue::{Position, Queue};
use crate::exec::retry::Waiting;
use crate::model::decoders::Device;
use crate::model::{ActionKey, ActionSpec, PlannedAction};

/// An action that runs.
pub(super) struct Running {
    pub(super) action: Arc<PlannedAction>,
    pub(super) stage: Stage,
    pub(super) started: Instant,
    /// How many edits had been taken in when it started.
    pub(super) edits: u64,
    /// A device that decodes for it.
    pub(super) device: Option<Device>,
}

/// How far an action that was handed out is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The slot does something else first.
    Next(usize),
    /// The slot does it.
    Now(usize),
    /// It is done, and its result is being kept.
    Kept,
}

#[derive(Default)]
pub(super) struct Agenda {
    queue: Queue,
    waiting: Waiting,
    /// What is in one of these two.
    due: HashSet<ActionKey>,
    running: HashMap<ActionKey, Running>,
    failed: HashMap<ActionKey, Diagnostic>,
    /// How often each has failed.
    tries: HashMap<ActionKey, usize>,
}

impl Agenda {
    /// Whether an action is on it, in whatever state.
    pub(super) fn has(&self, key: ActionKey) -> bool {
        self.due.contains(&key) || self.running.contains_key(&key) || self.failed.contains_key(&key)
    }

    /// Queues an action that is not on it.
    pub(super) fn offer(&mut self, action: Arc<PlannedAction>) {
        if !self.has(action.key) {
            self.due.insert(action.key);
            self.queue.push(action);
        }
    }

    /// The next work for a worker whose decoder stands at `position`: see
    /// [`Queue::take`].
    pub(super) fn take(
        &mut self,
        position: Position,
        verdict: &mut dyn FnMut(&ActionSpec) -> Verdict,
    ) -> Vec<Arc<PlannedAction>> {
        let taken = self.queue.take(position, verdict);
        self.leave(taken)
    }

    /// The next action that runs in this process.
    pub(super) fn take_inline(&mut self) -> Option<Arc<PlannedAction>> {
        let taken = self.queue.take_inline();
        self.leave(taken.into_iter().collect()).pop()
    }

    fn leave(&mut self, taken: Vec<Arc<PlannedAction>>) -> Vec<Arc<PlannedAction>> {
        for action in &taken {
            self.due.remove(&action.key);
        }
        taken
    }

    /// An action that was taken runs.
    pub(super) fn start(&mut self, running: Running) {
        let before = self.running.insert(running.action.key, running);
        debug_assert!(before.is_none(), "an action runs twice");
    }

    pub(super) fn running(&self, key: ActionKey) -> Option<&Running> {
        self.running.get(&key)
    }

    pub(super) fn all_running(&self) -> impl Iterator<Item = &Running> {
        self.running.values()
    }

    /// A slot has done what it was given.
    pub(super) fn leave_slot(&mut self, slot: usize) {
        for running in self.running.values_mut().filter(|running| running.stage == Stage::Now(slot)) {
            running.stage = Stage::Kept;
        }
    }

    /// A slot begins with an action that was handed to it ahead.
    pub(super) fn begin(&mut self, key: ActionKey, slot: usize, now: Instant) -> Option<&Running> {
        let running = self.running.get_mut(&key)?;
        (running.stage, running.started) = (Stage::Now(slot), now);
        Some(running)
    }

    /// An action does not run any more.
    pub(super) fn end(&mut self, key: ActionKey) -> Option<Running> {
        self.running.remove(&key)
    }

    /// Gives up what runs and is not `wanted`, without an end.
    pub(super) fn abandon(&mut self, wanted: &dyn Fn(&Running) -> bool) {
        self.running.retain(|_, running| wanted(running));
    }

    /// Counts another failure of an action; which it is.
    pub(super) fn count_failure(&mut self, key: ActionKey) -> usize {
        let tries = self.tries.entry(key).or_default();
        *tries += 1;
        *tries
    }

    /// An action that failed is tried again at that time.
    pub(super) fn retry(&mut self, action: Arc<PlannedAction>, at: Instant) {
        self.due.insert(action.key);
        self.waiting.push(action, at);
    }

    /// Queues what has waited long enough: each for itself, because what crashed
    /// in one decode with others may be the fault of one of them.
    pub(super) fn wake(&mut self, now: Instant) {
        for action in self.waiting.take_due(now) {
            self.queue.push_alone(action);
        }
    }

    /// An action cannot be done.
    pub(super) fn fail(&mut self, key: ActionKey, why: Diagnostic) {
        self.failed.insert(key, why);
    }

    pub(super) fn failed(&self) -> &HashMap<ActionKey, Diagnostic> {
        &self.failed
    }

    /// Drops what has not started and is not `wanted`.
    pub(super) fn retain(&mut self, wanted: &dyn Fn(&PlannedAction) -> bool) {
        let unwanted = self.queue.retain(wanted).into_iter().chain(self.waiting.retain(wanted));
        for key in unwanted {
            self.due.remove(&key);
        }
    }

    /// Forgets what an edit may have put right.
    pub(super) fn forget_failures(&mut self) {
        self.failed.clear();
        self.tries.clear();
    }

    /// Whether nothing waits to start.
    pub(super) fn has_nothing_due(&self) -> bool {
        self.due.is_empty()
    }

    /// Whether nothing is queued: what waits for another try may be there.
    pub(super) fn is_queue_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn is_nothing_running(&self) -> bool {
        self.running.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::model::specs::ProbeSpec;
    use std::time::Duration;

    fn action(name: &str) -> Arc<PlannedAction> {
        let key = ActionKey(Digest::of(name.as_bytes()));
        let spec = ActionSpec::Probe(ProbeSpec { file: Digest::of(name.as_bytes()) });
        Arc::new(PlannedAction { key, node: name.to_owned(), spec, packs: Vec::new(), output: None })
    }

    fn next(agenda: &mut Agenda) -> Vec<String> {
        let taken = agenda.take(None, &mut |_| Verdict::Yes);
        taken.iter().map(|action| action.node.clone()).collect()
    }

    fn run(agenda: &mut Agenda, action: &Arc<PlannedAction>) {
        agenda.start(Running {
            action: action.clone(),
            stage: Stage::Now(0),
            started: Instant::now(),
            edits: 0,
            device: None,
        });
    }

    #[test]
    fn an_action_is_once_on_the_agenda_until_it_is_done() {
        let (mut agenda, a) = (Agenda::default(), action("a"));
        agenda.offer(a.clone());
        agenda.offer(a.clone());
        assert_eq!(next(&mut agenda), ["a"]);
        run(&mut agenda, &a);
        agenda.offer(a.clone());
        assert!(agenda.has_nothing_due() && agenda.has(a.key));
        agenda.end(a.key).unwrap();
        assert!(!agenda.has(a.key));
        agenda.offer(a.clone());
        assert_eq!(next(&mut agenda), ["a"]);
    }

    #[test]
    fn what_is_dropped_can_be_offered_again() {
        let (mut agenda, a, b) = (Agenda::default(), action("a"), action("b"));
        agenda.offer(a.clone());
        agenda.retry(b.clone(), Instant::now() + Duration::from_secs(60));
        agenda.retain(&|_| false);
        assert!(agenda.has_nothing_due() && !agenda.has(a.key) && !agenda.has(b.key));
        agenda.offer(b.clone());
        assert_eq!(next(&mut agenda), ["b"]);
    }

    #[test]
    fn what_failed_stays_failed_until_an_edit() {
        let (mut agenda, a) = (Agenda::default(), action("a"));
        assert_eq!((agenda.count_failure(a.key), agenda.count_failure(a.key)), (1, 2));
        agenda.fail(a.key, Diagnostic::input("no"));
        agenda.offer(a.clone());
        assert!(next(&mut agenda).is_empty());
        agenda.forget_failures();
        agenda.offer(a.clone());
        assert_eq!(next(&mut agenda), ["a"]);
        assert_eq!(agenda.count_failure(a.key), 1);
    }

    #[test]
    fn another_try_comes_when_it_is_due() {
        let (mut agenda, a, now) = (Agenda::default(), action("a"), Instant::now());
        agenda.retry(a.clone(), now + Duration::from_secs(1));
        agenda.wake(now);
        assert!(agenda.is_queue_empty() && !agenda.has_nothing_due());
        agenda.wake(now + Duration::from_secs(2));
        assert_eq!(next(&mut agenda), ["a"]);
    }
}
