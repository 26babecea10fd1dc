//! Selection: the set of stretches with the greatest total score of which no
//! two are nearer than the gap and which together last no longer than the
//! budget.
//!
//! Weighted interval scheduling with a budget (Kleinberg and Tardos, Algorithm
//! Design, 6.1 and 6.4), from the last stretch to the first:
//!
//! ```text
//! best[i][k] = max(best[i + 1][k], score[i] + best[next(i)][k - cost[i]])
//! ```
//!
//! where `next(i)` is the first stretch that starts a gap or more after `i`
//! ends. The budget is counted in units: one a moment where all are equally
//! long, otherwise the greatest common divisor of their lengths. Where that
//! would make a table of more than [`EASY_CELLS`], coarser, down to
//! [`FEWEST_UNITS`] in the longest moment, and each length is rounded up, so
//! that the budget always holds.
//!
//! With `n` stretches and a budget of `b` units it takes `O(n log n + n b)`
//! time and `n b` bits, plus `w b` numbers for the `w` stretches within one
//! moment and gap. Where all that the gap allows fits the budget, `b` is 0.

use crate::base::Diagnostic;

/// Units of the budget in the longest moment, at least, where moments differ
/// in length.
const FEWEST_UNITS: i128 = 32;

/// Cells of the table that are worth spending on exact lengths: some 20 ms.
const EASY_CELLS: i128 = 1 << 24;

/// Bits of the table and of its rows, at most: 512 MB.
const MOST_CELLS: u64 = 1 << 32;

/// A score is shifted by this, so that of two sets with the same score the one
/// with more moments is better: the total that was asked for gets filled.
const COUNT_BITS: u32 = 21;

/// What selection sees of a stretch; times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) axis: u32,
    pub(super) start: i64,
    /// After `start`.
    pub(super) end: i64,
    /// From 0 to 1,000,000.
    pub(super) score: i64,
}

/// The indices of the best set, in order. `slots` are sorted by axis and
/// start; among sets that are equally good the one with the earliest
/// stretches is taken, and of those that start together the one listed first.
pub(super) fn select(slots: &[Slot], gap: i64, budget: i64) -> Result<Vec<usize>, Diagnostic> {
    let next = successors(slots, gap);
    let (costs, capacity) = units(slots, &next, budget);
    let width = capacity + 1;
    // The rows from i + 1 to next(i) are all that row i needs.
    let reach = next.iter().enumerate().map(|(index, next)| next - index).max().unwrap_or(0);
    // A number takes the room of 64 bits.
    let cells = (slots.len() as u64).saturating_add(64 * (reach as u64 + 1)).saturating_mul(width as u64);
    if cells > MOST_CELLS {
        let what = format!("the total has room for too many of the {} stretches of footage", slots.len());
        return Err(Diagnostic::input(what).hint("raise `step`, or lower the total duration"));
    }
    let mut rows = Rows { values: vec![0; (reach + 1) * width], rings: reach + 1, width };
    let words = width.div_ceil(64);
    let mut taken = vec![0u64; slots.len() * words];
    for index in (0..slots.len()).rev() {
        let value = (slots[index].score.clamp(0, 1_000_000) << COUNT_BITS) + 1;
        let bits = &mut taken[index * words..(index + 1) * words];
        rows.fill(index, next[index], costs[index], value, bits);
    }
    let (mut chosen, mut index, mut left) = (Vec::new(), 0, capacity);
    while index < slots.len() {
        if taken[index * words + left / 64] >> (left % 64) & 1 == 1 {
            chosen.push(index);
            left -= costs[index];
            index = next[index];
        } else {
            index += 1;
        }
    }
    Ok(chosen)
}

/// How many stretches fit beside each other when only the gap counts.
pub(super) fn most(slots: &[Slot], gap: i64) -> usize {
    let mut count = vec![0usize; slots.len() + 1];
    for (index, next) in successors(slots, gap).into_iter().enumerate().rev() {
        count[index] = count[index + 1].max(1 + count[next]);
    }
    count.first().copied().unwrap_or(0)
}

/// For each slot the first one that may follow it.
fn successors(slots: &[Slot], gap: i64) -> Vec<usize> {
    let after = |slot: &Slot| {
        let clear = (slot.axis, slot.end.max(slot.start + 1) + gap);
        slots.partition_point(|other| (other.axis, other.start) < clear)
    };
    slots.iter().map(after).collect()
}

/// The cost of each slot and the budget, in units.
fn units(slots: &[Slot], next: &[usize], budget: i64) -> (Vec<usize>, usize) {
    let lengths: Vec<i64> = slots.iter().map(|slot| (slot.end - slot.start).max(1)).collect();
    let longest = lengths.iter().copied().max().unwrap_or(1);
    let divisor = lengths.iter().copied().fold(longest, gcd);
    let (exact, longest) = (i128::from(longest / divisor), i128::from(longest));
    let moments = i128::from(budget.max(0)) / longest + 1;
    let units = exact.min((EASY_CELLS / (slots.len().max(1) as i128 * moments)).max(FEWEST_UNITS));
    // Rounded up for each stretch and down for the budget.
    let cost = |length: i64| ((i128::from(length) * units + longest - 1) / longest) as usize;
    let costs: Vec<usize> = lengths.into_iter().map(cost).collect();
    let capacity = usize::try_from(i128::from(budget.max(0)) * units / longest).unwrap_or(usize::MAX);
    let mut dearest = vec![0usize; slots.len() + 1];
    for index in (0..slots.len()).rev() {
        dearest[index] = dearest[index + 1].max(costs[index] + dearest[next[index]]);
    }
    if dearest[0] <= capacity { (vec![0; slots.len()], 0) } else { (costs, capacity) }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The rows of the table that are still needed, in a ring.
struct Rows {
    values: Vec<i64>,
    rings: usize,
    width: usize,
}

impl Rows {
    /// Fills row `index` and sets a bit for each budget at which the stretch
    /// is taken. Row `slots.len()` is all zeros from the start.
    fn fill(&mut self, index: usize, next: usize, cost: usize, value: i64, bits: &mut [u64]) {
        let (here, below, beyond) = (self.at(index), self.at(index + 1), self.at(next));
        for left in 0..self.width {
            let skip = self.values[below + left];
            let best = match left.checked_sub(cost) {
                Some(rest) if value + self.values[beyond + rest] >= skip => {
                    bits[left / 64] |= 1 << (left % 64);
                    value + self.values[beyond + rest]
                }
                _ => skip,
            };
            self.values[here + left] = best;
        }
    }

    /// Where row `index` starts. Rows `index` to `index + rings - 1` differ.
    fn at(&self, index: usize) -> usize {
        index % self.rings * self.width
    }
}
