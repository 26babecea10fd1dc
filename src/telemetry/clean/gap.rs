//! From how long a span without samples is a gap: longer than the manifest's
//! gap, and longer than the log itself usually rests between two samples. Many
//! loggers write a point where the way bends, each 1 to 10 s or a minute on a
//! straight road: what lies between two of theirs is no lost signal.

use super::APART;
use crate::telemetry::summary::Spread;

/// So many times the step that all but the longest 5 % stay below are a gap.
const TIMES: i64 = 4;
const USUAL: u64 = 95;

/// Of fewer steps nobody knows which are the longest: their median counts.
const FEW: u64 = 100;

const SECOND: i64 = 1_000_000_000;

/// However rare its samples are, a log that rests for longer was switched off.
const LONGEST: i64 = 300 * SECOND;

/// The steps between samples that no gap of the file's own parts.
#[derive(Debug, Default)]
pub(super) struct Steps {
    spread: Spread,
    last: Option<i64>,
}

impl Steps {
    /// Adds the times that come next, with the indices of breaks before them.
    pub(super) fn add(&mut self, times: &[i64], breaks: &[u32]) {
        let mut breaks = breaks.iter().map(|at| *at as usize).peekable();
        let mut steps = Vec::with_capacity(times.len());
        for (at, time) in times.iter().enumerate() {
            let parted = breaks.next_if_eq(&at).is_some();
            let before = self.last.replace(*time);
            steps.extend(before.filter(|_| !parted).map(|before| time.saturating_sub(before)));
        }
        self.spread.add_whole(steps.into_iter().filter(|step| (APART..=LONGEST).contains(step)));
    }

    /// The median, in seconds; 0 where there is no step.
    pub(super) fn usual(&self) -> f64 {
        self.spread.rank(50) as f64 / 1e9
    }

    /// The gap in ms, at least `least`; where the log has another, in whole
    /// seconds.
    pub(super) fn gap(&self, least: u32) -> u32 {
        let usual = self.spread.rank(if self.spread.count() < FEW { 50 } else { USUAL });
        let own = usual.saturating_mul(TIMES).min(LONGEST);
        let seconds = own.saturating_add(SECOND - 1) / SECOND;
        least.max(u32::try_from(seconds * 1_000).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(steps: &[i64], breaks: &[u32]) -> u32 {
        let mut time = 0;
        let times: Vec<i64> = std::iter::once(0)
            .chain(steps.iter().map(|step| {
                time += step * SECOND / 10;
                time
            }))
            .collect();
        let mut whole = Steps::default();
        whole.add(&times, breaks);
        // In pieces it is the same.
        let mut pieces = Steps::default();
        for (at, piece) in times.chunks(7).enumerate() {
            let start = at as u32 * 7;
            let inside = breaks.iter().filter(|at| (start..start + 7).contains(at)).map(|at| at - start);
            pieces.add(piece, &inside.collect::<Vec<_>>());
        }
        assert_eq!(whole.gap(5_000), pieces.gap(5_000));
        whole.gap(5_000)
    }

    #[test]
    fn a_gap_is_longer_than_the_log_rests() {
        // 10 Hz and 1 Hz, with three lost signals.
        for step in [1, 10] {
            let mut steps = vec![step; 200];
            steps[30] = 600;
            steps[90] = 70;
            steps[150] = 2_000;
            assert_eq!(gap(&steps, &[]), 5_000);
        }
        // A point each 7 to 10 s: of 10 s it is four times that.
        let smart: Vec<i64> = (0..200).map(|at| 70 + at % 4 * 10).collect();
        assert_eq!(gap(&smart, &[]), 40_000);
        // 9 in 10 steps are of 2.3 s, the others of a minute, up to the bound.
        let rare: Vec<i64> = (0..200).map(|at| if at % 10 == 0 { 600 } else { 23 }).collect();
        assert_eq!(gap(&rare, &[]), 240_000);
        assert_eq!(gap(&vec![1_000; 200], &[]), 300_000);
        // Of five steps one that is long says nothing.
        assert_eq!(gap(&[10, 10, 600, 10, 10], &[]), 5_000);
        // What the file parts is no step.
        let mut parted = vec![10; 200];
        (0..200).step_by(8).for_each(|at| parted[at] = 900);
        assert_eq!(gap(&parted, &(0..200).step_by(8).map(|at| at + 1).collect::<Vec<u32>>()), 5_000);
    }
}
