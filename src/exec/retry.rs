//! What to do about an action that failed: a pure decision, so that every case
//! of it can be tested.
//!
//! What may pass by itself is tried again, later and later, at most three
//! times. Then an encoder that was chosen out of several makes room for the
//! next. Then it is a failure, and people are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::{Diagnostic, Shortage};
use crate::model::{ActionKey, PlannedAction};

/// How an action failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was looked at and refused. Another try would come to the same.
    Refused,
    /// Its encoder is not there, or does not work here.
    Encoder,
    /// Its worker crashed or was killed.
    Died,
    /// Its worker made no progress for too long and was killed for it.
    Hung,
    /// There was no memory for it, or the kernel killed its worker to have some.
    OutOfMemory,
    /// No worker could be started, for want of something that comes back when
    /// others end: processes, memory, open files.
    NotStarted,
    /// Its encoder has no session free.
    Busy,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another try, once this has passed.
    Again(Duration),
    /// The next encoder, for the whole output.
    StepDown,
    GiveUp,
}

/// How long each new try waits.
const DELAYS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

impl Cause {
    /// That of a refusal, by what it says it is for want of.
    pub fn of_refusal(why: &Diagnostic) -> Cause {
        match why.shortage {
            Some(Shortage::Memory) => Cause::OutOfMemory,
            Some(Shortage::Sessions) => Cause::Busy,
            Some(Shortage::Encoder) => Cause::Encoder,
            None => Cause::Refused,
        }
    }

    /// Whether it may pass by itself.
    fn is_transient(self) -> bool {
        !matches!(self, Cause::Refused | Cause::Encoder)
    }

    /// Whether it says that too much runs side by side.
    pub fn wants_less(self) -> bool {
        matches!(self, Cause::OutOfMemory | Cause::NotStarted)
    }
}

/// Decides. `tries` counts those that failed, this one included; `rung_below`
/// says whether the action uses an encoder under which there is another.
pub fn next(cause: Cause, tries: usize, rung_below: bool) -> Next {
    if cause.is_transient()
        && let Some(delay) = DELAYS.get(tries.max(1) - 1)
    {
        return Next::Again(*delay);
    }
    // A full disk, or a broken file, is so for every encoder.
    if rung_below && cause != Cause::Refused { Next::StepDown } else { Next::GiveUp }
}

/// Actions that wait for their next try while others run.
#[derive(Debug, Default)]
pub struct Waiting {
    due: BTreeMap<(Instant, u64), Arc<PlannedAction>>,
    count: u64,
}

impl Waiting {
    pub fn push(&mut self, action: Arc<PlannedAction>, due: Instant) {
        self.count += 1;
        self.due.insert((due, self.count), action);
    }

    /// Those whose time has come.
    pub fn take_due(&mut self, now: Instant) -> Vec<Arc<PlannedAction>> {
        let later = self.due.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.due, later).into_values().collect()
    }

    /// Drops those that are not `wanted` and gives their keys.
    pub fn retain(&mut self, wanted: &dyn Fn(&PlannedAction) -> bool) -> Vec<ActionKey> {
        let unwanted = self.due.extract_if(.., |_, action| !wanted(action));
        unwanted.map(|(_, action)| action.key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::model::ActionSpec;
    use crate::model::specs::ProbeSpec;

    const TRANSIENT: [Cause; 5] = [Cause::Died, Cause::Hung, Cause::OutOfMemory, Cause::NotStarted, Cause::Busy];

    #[test]
    fn what_may_pass_is_tried_three_times_more_each_time_later() {
        for cause in TRANSIENT {
            let all: Vec<Next> = (1..=5).map(|tries| next(cause, tries, false)).collect();
            let again = |millis| Next::Again(Duration::from_millis(millis));
            assert_eq!(all, [again(500), again(1_000), again(2_000), Next::GiveUp, Next::GiveUp], "{cause:?}");
        }
    }

    #[test]
    fn what_was_refused_is_not_tried_again() {
        assert_eq!(next(Cause::Refused, 1, false), Next::GiveUp);
        assert_eq!(next(Cause::Encoder, 1, false), Next::GiveUp);
    }

    #[test]
    fn a_refusal_for_want_of_something_may_pass() {
        let refusal = Diagnostic::environment("no");
        assert_eq!(Cause::of_refusal(&refusal), Cause::Refused);
        assert_eq!(Cause::of_refusal(&refusal.clone().for_want_of(Shortage::Encoder)), Cause::Encoder);
        assert_eq!(Cause::of_refusal(&refusal.clone().for_want_of(Shortage::Memory)), Cause::OutOfMemory);
        assert_eq!(Cause::of_refusal(&refusal.for_want_of(Shortage::Sessions)), Cause::Busy);
    }

    #[test]
    fn the_next_encoder_comes_after_the_last_try_and_not_for_what_is_no_fault_of_the_first() {
        for cause in TRANSIENT {
            assert!(matches!(next(cause, 3, true), Next::Again(_)));
            assert_eq!(next(cause, 4, true), Next::StepDown, "{cause:?}");
        }
        assert_eq!(next(Cause::Encoder, 1, true), Next::StepDown);
        assert_eq!(next(Cause::Refused, 1, true), Next::GiveUp);
    }

    #[test]
    fn waiting_ends_when_its_time_comes_in_order() {
        let action = |name: &str| {
            let file = Digest::of(name.as_bytes());
            let spec = ActionSpec::Probe(ProbeSpec { file });
            let key = ActionKey(file);
            Arc::new(PlannedAction { key, node: name.to_owned(), spec, packs: Vec::new(), output: None })
        };
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut waiting = Waiting::default();
        for (name, millis) in [("c", 30), ("a", 10), ("b", 10)] {
            waiting.push(action(name), at(millis));
        }
        let names = |actions: Vec<Arc<PlannedAction>>| actions.iter().map(|a| a.node.clone()).collect::<Vec<_>>();
        assert!(waiting.take_due(at(9)).is_empty());
        assert_eq!(names(waiting.take_due(at(10))), ["a", "b"]);
        waiting.push(action("d"), at(40));
        assert_eq!(waiting.retain(&|action| action.node != "d"), [ActionKey(Digest::of(b"d"))]);
        assert_eq!(names(waiting.take_due(at(99))), ["c"]);
        assert!(waiting.due.is_empty());
    }
}
