//! How much runs side by side: tokens for processors, memory and encoder
//! sessions, in one place. An action starts when what it takes is free; one
//! always runs, however little there is.
//!
//! Short memory narrows how many run at once, and calm widens it again, one by
//! one. Nothing else changes under pressure: a result never depends on it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::base::Bytes;
use crate::inputs::machine::Pressure;

/// What an action takes while it runs, or what there is in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Threads that compute.
    pub threads: u32,
    /// In MiB.
    pub memory: u32,
    /// Sessions of a hardware encoder.
    pub sessions: u32,
}

/// Whether an action may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Yes,
    /// Processors or memory are taken. What comes after it waits too: small
    /// actions would otherwise keep a large one from ever starting.
    Wait,
    /// Only a session is missing: what needs none may go ahead.
    WaitForSession,
}

/// The tokens, and who has them.
#[derive(Debug)]
pub struct Admission {
    all: Tokens,
    /// What each busy slot has.
    held: BTreeMap<usize, Tokens>,
    /// What idle workers still hold in memory, in MiB: what they keep open for
    /// the next action.
    kept: BTreeMap<usize, u32>,
    narrow: Narrow,
}

impl Admission {
    pub fn new(all: Tokens) -> Self {
        Admission { all, held: BTreeMap::new(), kept: BTreeMap::new(), narrow: Narrow::new(all.threads) }
    }

    /// May an action that takes `next` start on `slot` now?
    pub fn verdict(&self, slot: usize, next: Tokens) -> Verdict {
        if self.held.is_empty() {
            return Verdict::Yes;
        }
        let held = self.total();
        let threads = held.threads.saturating_add(next.threads) <= self.all.threads;
        let memory = held.memory.saturating_add(next.memory) <= self.all.memory.saturating_sub(self.kept_but(slot));
        if !threads || !memory || self.held.len() >= self.narrow.width as usize {
            return Verdict::Wait;
        }
        if held.sessions.saturating_add(next.sessions) > self.all.sessions {
            return Verdict::WaitForSession;
        }
        Verdict::Yes
    }

    /// Idle workers that hold memory which an action on `slot` needs, where
    /// nothing else keeps it from starting.
    pub fn in_the_way(&self, slot: usize, next: Tokens) -> Vec<usize> {
        let memory = self.total().memory.saturating_add(next.memory);
        let enough = memory.saturating_add(self.kept_but(slot)) <= self.all.memory;
        if enough || (memory > self.all.memory && !self.held.is_empty()) {
            return Vec::new();
        }
        self.kept.iter().filter(|(kept, memory)| **kept != slot && **memory > 0).map(|(kept, _)| *kept).collect()
    }

    pub fn take(&mut self, slot: usize, tokens: Tokens) {
        self.held.insert(slot, tokens);
        self.kept.remove(&slot);
    }

    /// A slot is idle; its worker still holds this much.
    pub fn release(&mut self, slot: usize, kept: u32) {
        self.held.remove(&slot);
        self.kept.insert(slot, kept);
    }

    /// An action ended for want of memory, or of something like it.
    pub fn ran_out(&mut self, now: Instant) {
        // The one that failed has its slot still or just gave it back.
        self.narrow.halve(self.held.len().max(1) as u32, now);
    }

    /// Takes in how short memory is now.
    pub fn feel(&mut self, pressure: &Pressure, now: Instant) {
        self.narrow.feel(pressure, self.held.len() as u32, now);
    }

    /// Whether fewer run at once than could, for want of memory.
    pub fn is_narrow(&self) -> bool {
        self.narrow.width < self.narrow.most
    }

    /// Whether it is time to look at the pressure again.
    pub fn is_due(&self, now: Instant) -> bool {
        !self.held.is_empty() && self.narrow.felt.is_none_or(|felt| now.duration_since(felt) >= INTERVAL)
    }

    fn total(&self) -> Tokens {
        self.held.values().fold(Tokens::default(), |sum, one| Tokens {
            threads: sum.threads.saturating_add(one.threads),
            memory: sum.memory.saturating_add(one.memory),
            sessions: sum.sessions.saturating_add(one.sessions),
        })
    }

    fn kept_but(&self, slot: usize) -> u32 {
        self.kept.iter().filter(|(kept, _)| **kept != slot).map(|(_, memory)| *memory).sum()
    }
}

/// How often pressure is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long it must be calm before one more runs at once.
const CALM: Duration = Duration::from_secs(10);

/// Percent of the time in which something waited for memory that is too much:
/// what is then gained by one more process is lost to all.
const STALLED: f64 = 10.0;

/// Less than this available is pressure: the kernel needs some to work with.
const AVAILABLE: Bytes = Bytes(256 << 20);

/// How many actions may run at once for the sake of memory.
#[derive(Debug)]
struct Narrow {
    most: u32,
    width: u32,
    /// When pressure was looked at.
    felt: Option<Instant>,
    /// When the width was changed or pressure was last seen.
    since: Option<Instant>,
    /// How many processes the kernel had killed by then.
    kills: Option<u64>,
}

impl Narrow {
    fn new(most: u32) -> Self {
        Narrow { most: most.max(1), width: most.max(1), felt: None, since: None, kills: None }
    }

    fn halve(&mut self, running: u32, now: Instant) {
        self.width = (self.width.min(running) / 2).max(1);
        self.since = Some(now);
    }

    fn feel(&mut self, pressure: &Pressure, running: u32, now: Instant) {
        self.felt = Some(now);
        let killed = matches!((pressure.kills, self.kills), (Some(now), Some(then)) if now > then);
        self.kills = pressure.kills;
        let short = pressure.available.is_some_and(|available| available < AVAILABLE)
            || pressure.stalled.is_some_and(|percent| percent > STALLED);
        if killed || short {
            self.width = self.width.min(running).saturating_sub(1).max(1);
            self.since = Some(now);
        } else if self.width < self.most && self.since.is_none_or(|since| now.duration_since(since) >= CALM) {
            self.width += 1;
            self.since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(threads: u32, memory: u32, sessions: u32) -> Tokens {
        Tokens { threads, memory, sessions }
    }

    #[test]
    fn no_more_than_there_is_and_always_one() {
        let mut admission = Admission::new(tokens(3, 1_000, 0));
        let small = tokens(1, 100, 0);
        assert_eq!(admission.verdict(0, tokens(8, 9_000, 0)), Verdict::Yes);
        admission.take(0, tokens(1, 900, 0));
        assert_eq!(admission.verdict(1, small), Verdict::Yes);
        admission.take(1, small);
        assert_eq!(admission.verdict(2, small), Verdict::Wait);
        admission.release(0, 0);
        assert_eq!(admission.verdict(2, small), Verdict::Yes);
        // An encoder with three threads leaves no room for one more action.
        assert_eq!(admission.verdict(2, tokens(3, 100, 0)), Verdict::Wait);
        assert_eq!(admission.verdict(2, tokens(2, 100, 0)), Verdict::Yes);
    }

    /// There is no hardware encoder yet: the two sessions are made up.
    #[test]
    fn sessions_are_counted_and_hold_up_nobody_else() {
        let mut admission = Admission::new(tokens(8, 8_000, 2));
        let hardware = tokens(1, 100, 1);
        for slot in 0..2 {
            assert_eq!(admission.verdict(slot, hardware), Verdict::Yes);
            admission.take(slot, hardware);
        }
        assert_eq!(admission.verdict(2, hardware), Verdict::WaitForSession);
        assert_eq!(admission.verdict(2, tokens(1, 100, 0)), Verdict::Yes);
        admission.release(1, 0);
        assert_eq!(admission.verdict(2, hardware), Verdict::Yes);
    }

    #[test]
    fn what_idle_workers_keep_counts_until_they_are_stopped() {
        let mut admission = Admission::new(tokens(4, 1_000, 0));
        admission.take(0, tokens(1, 300, 0));
        admission.release(1, 500);
        let next = tokens(1, 400, 0);
        // On the idle worker itself what it keeps is part of the estimate.
        assert_eq!(admission.verdict(1, next), Verdict::Yes);
        assert_eq!(admission.verdict(2, next), Verdict::Wait);
        assert_eq!(admission.in_the_way(2, next), [1]);
        // To stop it would not help this one.
        assert!(admission.in_the_way(2, tokens(1, 800, 0)).is_empty());
        admission.release(1, 0);
        assert_eq!(admission.verdict(2, next), Verdict::Yes);
        assert!(admission.in_the_way(2, next).is_empty());
    }

    #[test]
    fn pressure_narrows_and_calm_widens_one_by_one() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut narrow = Narrow::new(4);
        let calm = Pressure { available: Some(Bytes(4 << 30)), stalled: Some(0.0), kills: Some(7) };
        narrow.feel(&calm, 4, at(0));
        assert_eq!(narrow.width, 4);
        narrow.feel(&Pressure { stalled: Some(30.0), ..calm }, 4, at(1));
        assert_eq!(narrow.width, 3);
        narrow.feel(&Pressure { available: Some(Bytes(100 << 20)), ..calm }, 3, at(2));
        assert_eq!(narrow.width, 2);
        narrow.feel(&Pressure { kills: Some(8), ..calm }, 2, at(3));
        assert_eq!(narrow.width, 1);
        narrow.feel(&Pressure { stalled: Some(90.0), kills: Some(8), ..calm }, 1, at(4));
        assert_eq!(narrow.width, 1);
        let after = Pressure { kills: Some(8), ..calm };
        narrow.feel(&after, 1, at(13));
        assert_eq!(narrow.width, 1);
        for (seconds, width) in [(14, 2), (15, 2), (24, 3), (34, 4), (44, 4)] {
            narrow.feel(&after, width, at(seconds));
            assert_eq!(narrow.width, width, "{seconds}");
        }
    }

    #[test]
    fn a_death_for_want_of_memory_halves_what_ran() {
        let now = Instant::now();
        let mut admission = Admission::new(tokens(8, 8_000, 0));
        let one = tokens(1, 100, 0);
        for slot in 0..6 {
            admission.take(slot, one);
        }
        admission.ran_out(now);
        assert_eq!(admission.narrow.width, 3);
        for slot in 0..4 {
            admission.release(slot, 0);
        }
        assert_eq!(admission.verdict(0, one), Verdict::Yes);
        admission.take(0, one);
        assert_eq!(admission.verdict(1, one), Verdict::Wait);
        // Where nothing is known of pressure, the width comes back all the same.
        admission.feel(&Pressure::default(), now + CALM);
        assert_eq!(admission.verdict(1, one), Verdict::Yes);
    }
}
