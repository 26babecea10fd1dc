//! Candidates: the stretches of footage that could be shown, on a grid.
//!
//! The stretch of the grid's time `t` starts a pre-roll before it. One that
//! would run over an end of its recording is shifted inside, not shortened; a
//! recording shorter than a moment gives one stretch of its whole duration.
//! Starts are whole milliseconds, as in the names of moments and in the pins
//! that people copy, so that a copied pin shows the very same frames.

use std::ops::Range;

use crate::base::{Diagnostic, Timestamp};
use crate::model::specs::ChooseSpec;

/// Candidates are at most this many: scores of so many add up within `i64`
/// (`select`), and it is 290 hours at two a second.
pub(super) const MOST: i64 = 1 << 21;

/// The longest duration that is reckoned with, in microseconds (115 days), so
/// that sums of times cannot overflow.
const LONGEST: i64 = 10_000_000_000_000;

/// A span of time in microseconds, held within what can be reckoned with.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.to_micros().clamp(-LONGEST, LONGEST)
}

/// A recording as this folder sees it.
pub(super) struct Footage {
    /// Microseconds.
    pub(super) duration: i64,
    /// Recordings on one axis have comparable times: 0 for all that have a
    /// clock, a number of its own for each that has none.
    pub(super) axis: u32,
    /// Where its time 0 lies on the axis, in microseconds.
    pub(super) at: i64,
}

/// The recordings of `spec`, in its order.
pub(super) fn footage(spec: &ChooseSpec) -> Vec<Footage> {
    let mut without_clock = 0;
    let recordings = spec.recordings.iter().map(|recording| {
        let duration = micros(recording.duration).max(0);
        match recording.utc {
            Some(utc) => Footage { duration, axis: 0, at: utc / 1_000 },
            None => {
                without_clock += 1;
                Footage { duration, axis: without_clock, at: 0 }
            }
        }
    });
    recordings.collect()
}

/// A stretch of one recording. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Index into the recordings.
    pub(super) recording: usize,
    /// In the recording.
    pub(super) start: i64,
    pub(super) length: i64,
    pub(super) axis: u32,
    /// Start on the axis.
    pub(super) at: i64,
}

impl Stretch {
    pub(super) fn new(recording: usize, footage: &Footage, start: i64, length: i64) -> Stretch {
        Stretch { recording, start, length, axis: footage.axis, at: footage.at + start }
    }

    pub(super) fn end(&self) -> i64 {
        self.at + self.length
    }

    /// Whether the two show the same time, or times nearer than `gap`.
    pub(super) fn conflicts(&self, other: &Stretch, gap: i64) -> bool {
        self.axis == other.axis && self.at < other.end() + gap && other.at < self.end() + gap
    }

    /// Whether the two share footage.
    pub(super) fn shares_footage(&self, other: &Stretch) -> bool {
        self.recording == other.recording && self.conflicts(other, 0)
    }

    /// What is scored: the stretch after its pre-roll. One that is no longer
    /// than a pre-roll is scored whole.
    pub(super) fn scored(&self, pre_roll: i64) -> Range<i64> {
        let from = if pre_roll < self.length { self.start + pre_roll } else { self.start };
        from..self.start + self.length
    }
}

/// How candidates are laid out, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) length: i64,
    pub(super) pre_roll: i64,
    pub(super) step: i64,
}

impl Grid {
    /// Fails where `spec` states lengths that no moment can have.
    pub(super) fn new(spec: &ChooseSpec) -> Result<Grid, Diagnostic> {
        let grid = Grid { length: micros(spec.length), pre_roll: micros(spec.pre_roll), step: micros(spec.step) };
        if grid.length < 1_000 {
            return Err(Diagnostic::input("moments have no length").hint("set `length` to, say, \"3.5s\""));
        }
        if !(0..grid.length).contains(&grid.pre_roll) {
            let what = format!("the pre-roll of {} leaves nothing of a moment of {}", spec.pre_roll, spec.length);
            return Err(Diagnostic::input(what).hint("set `pre_roll` to less than `length`"));
        }
        if grid.step < 1_000 {
            return Err(Diagnostic::input("the step between candidates is below a millisecond")
                .hint("set `step` to, say, \"0.5s\""));
        }
        Ok(grid)
    }

    /// Every candidate, in the order of recordings and of time.
    pub(super) fn candidates(self, footage: &[Footage]) -> Result<Vec<Stretch>, Diagnostic> {
        let count: i64 = footage.iter().map(|one| one.duration / self.step + 1).sum();
        if count > MOST {
            let what = format!("{count} stretches of footage are to be looked at, more than {MOST}");
            return Err(Diagnostic::input(what).hint("raise `step`, the distance between candidates"));
        }
        let mut all = Vec::with_capacity(count as usize);
        for (index, one) in footage.iter().enumerate() {
            // Down to the millisecond: never past the end of the recording.
            let length = self.length.min(whole_millis(one.duration));
            if length == 0 {
                continue;
            }
            let latest = whole_millis(one.duration - length);
            let mut before = None;
            for time in (0..=one.duration).step_by(self.step as usize) {
                let start = whole_millis(time - self.pre_roll).clamp(0, latest);
                if before.replace(start) != Some(start) {
                    all.push(Stretch::new(index, one, start, length));
                }
            }
        }
        Ok(all)
    }
}

fn whole_millis(micros: i64) -> i64 {
    micros.div_euclid(1_000) * 1_000
}
