//! Long proofs and short ones: the same code, told by the environment how
//! often to go round. `make test` takes the short way, `make soak` the long one.
//!
//! Round `n` of a proof with seed `s` is round 0 of the proof with seed
//! `s + n`, so a round that failed is repeated by itself.

use std::time::Instant;

/// The seed of `make test`, where each run should be like the last one.
const SEED: u64 = 20_240_601;

/// A number of rounds with a seed for each.
pub struct Rounds {
    name: &'static str,
    seed: u64,
    count: u64,
    started: Instant,
}

impl Rounds {
    /// `short` rounds in `make test` and `long` ones in `make soak`. SOAK_SEED
    /// sets the first seed, SOAK_ROUNDS the number.
    pub fn of(name: &'static str, short: u64, long: u64) -> Self {
        let number = |variable: &str| {
            let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
            Some(text.parse::<u64>().unwrap_or_else(|e| panic!("{variable}={text}: {e}")))
        };
        let soaking = number("SOAK").is_some_and(|soak| soak > 0);
        let count = number("SOAK_ROUNDS").unwrap_or(if soaking { long } else { short });
        let seed = number("SOAK_SEED").unwrap_or(SEED);
        eprintln!("{name}: {count} rounds from seed {seed}");
        Rounds { name, seed, count, started: Instant::now() }
    }

    /// How many rounds these are, where one is nothing by itself.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Does every round; one that panics says how it is repeated.
    pub fn run(&self, mut round: impl FnMut(u64, &mut fastrand::Rng)) {
        for n in 0..self.count {
            let seed = self.seed.wrapping_add(n);
            let repeat = Repeat { name: self.name, seed };
            round(n, &mut fastrand::Rng::with_seed(seed));
            std::mem::forget(repeat);
        }
        eprintln!("{}: {} rounds in {:.0} s", self.name, self.count, self.started.elapsed().as_secs_f64());
    }
}

/// Dropped only by a panic.
struct Repeat {
    name: &'static str,
    seed: u64,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        let Repeat { name, seed } = self;
        eprintln!(
            "this round again: SOAK_SEED={seed} SOAK_ROUNDS=1 cargo test --release --locked {name} -- --nocapture"
        );
    }
}
