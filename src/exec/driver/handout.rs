//! Work that is handed to a slot before it is free, so that its worker never
//! waits for the driver, whose turn on a busy machine may come late. Only brief
//! work, and little of it: while something long runs, what comes after it may
//! become unwanted, or another slot be free sooner.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use crate::exec::admission::Tokens;
use crate::exec::estimate::work;
use crate::exec::queue::Position;
use crate::model::{ActionKey, ActionSpec};

/// So much may a slot have to do, by what such actions took last. It is what
/// another one with nothing left may have to wait, and the driver may be away
/// for: to write to its disk, or to plan.
const MOST: Duration = Duration::from_millis(50);

/// What takes more memory than this, in MiB, waits for its turn: should memory
/// get short meanwhile, fewer of it run.
const LIGHT: u32 = 100;

/// Whether so much is no burden, whenever it starts.
pub(super) fn is_light(tokens: Tokens) -> bool {
    tokens.memory <= LIGHT
}

/// What a slot does after what it does now.
pub(super) struct Next {
    pub(super) actions: Vec<ActionKey>,
    pub(super) tokens: Tokens,
    /// How long it will take.
    pub(super) takes: Duration,
}

/// A slot that could be handed more.
pub(super) struct Open {
    pub(super) slot: usize,
    /// What it holds while it does what it has.
    pub(super) held: Tokens,
    /// Where its decoder will stand then.
    pub(super) position: Position,
}

#[derive(Default)]
pub(super) struct Ahead {
    /// How many ns actions of each kind take for a unit of what they have to do:
    /// the greatest lately.
    rates: HashMap<&'static str, u64>,
    busy: BTreeMap<usize, Busy>,
}

struct Busy {
    /// Of what it does now and after that; none where that is not known.
    takes: Option<Duration>,
    now: Duration,
    held: Tokens,
    position: Position,
    next: VecDeque<Next>,
}

impl Ahead {
    /// How long such an action takes, if that is known and brief.
    pub(super) fn brief(&self, spec: &ActionSpec) -> Option<Duration> {
        let rate = self.rates.get(spec.kind().name)?;
        Some(Duration::from_nanos(rate.saturating_mul(work(spec).max(1)))).filter(|takes| *takes < MOST)
    }

    /// How long an action took.
    pub(super) fn learn(&mut self, spec: &ActionSpec, took: Duration) {
        let now = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / work(spec).max(1);
        let rate = self.rates.entry(spec.kind().name).or_default();
        *rate = now.max(*rate - *rate / 8);
    }

    /// An idle slot begins with something.
    pub(super) fn begin(&mut self, slot: usize, takes: Option<Duration>, held: Tokens, position: Position) {
        let now = takes.unwrap_or_default();
        self.busy.insert(slot, Busy { takes, now, held, position, next: VecDeque::new() });
    }

    /// Slots that have little to do.
    pub(super) fn open(&self) -> Vec<Open> {
        let open = self.busy.iter().filter(|(_, busy)| busy.takes.is_some_and(|takes| takes < MOST));
        open.map(|(slot, busy)| Open { slot: *slot, held: busy.held, position: busy.position }).collect()
    }

    /// A busy slot has something more to do.
    pub(super) fn hand(&mut self, slot: usize, next: Next, position: Position) {
        if let Some(busy) = self.busy.get_mut(&slot) {
            busy.takes = busy.takes.map(|takes| takes + next.takes);
            busy.position = position;
            // What comes may take no more than any that is waited for.
            busy.held = least(busy.held, next.tokens);
            busy.next.push_back(next);
        }
    }

    /// A slot has done what it did; what it does now, if anything was handed to it.
    pub(super) fn end(&mut self, slot: usize) -> Option<Next> {
        let busy = self.busy.get_mut(&slot)?;
        let Some(next) = busy.next.pop_front() else {
            self.busy.remove(&slot);
            return None;
        };
        busy.takes = busy.takes.map(|takes| takes.saturating_sub(busy.now));
        busy.now = next.takes;
        busy.held = busy.next.iter().fold(next.tokens, |held, next| least(held, next.tokens));
        Some(next)
    }
}

fn least(one: Tokens, other: Tokens) -> Tokens {
    Tokens {
        threads: one.threads.min(other.threads),
        memory: one.memory.min(other.memory),
        sessions: one.sessions.min(other.sessions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::model::specs::ProbeSpec;

    const TOKENS: Tokens = Tokens { threads: 1, memory: 10, sessions: 0 };

    fn next(millis: u64) -> Next {
        Next { actions: Vec::new(), tokens: TOKENS, takes: Duration::from_millis(millis) }
    }

    #[test]
    fn only_what_is_known_to_be_brief_is_handed_out_ahead() {
        let mut ahead = Ahead::default();
        let spec = ActionSpec::Probe(ProbeSpec { file: Digest::of(b"") });
        assert_eq!(ahead.brief(&spec), None);
        ahead.begin(0, None, TOKENS, None);
        assert!(ahead.open().is_empty());
        ahead.learn(&spec, Duration::from_millis(5));
        assert_eq!(ahead.brief(&spec), Some(Duration::from_millis(5)));
        ahead.learn(&spec, Duration::from_secs(5));
        assert_eq!(ahead.brief(&spec), None);
    }

    #[test]
    fn a_slot_has_little_to_do_and_does_it_in_order() {
        let mut ahead = Ahead::default();
        ahead.begin(3, Some(Duration::from_millis(20)), TOKENS, None);
        let mut handed = 0;
        while ahead.open().iter().any(|open| open.slot == 3) {
            handed += 1;
            ahead.hand(3, next(handed * 10), None);
        }
        // 20 now, then 10 and 20: 50 in all.
        assert_eq!(handed, 2);
        assert_eq!(ahead.end(3).map(|next| next.takes.as_millis()), Some(10));
        assert_eq!(ahead.open().len(), 1);
        assert_eq!(ahead.end(3).map(|next| next.takes.as_millis()), Some(20));
        assert!(ahead.end(3).is_none() && ahead.open().is_empty());
    }
}
