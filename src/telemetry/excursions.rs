//! Samples that are somewhere else: a fix 500 m off, a drift of 30 m that
//! lasts five seconds.
//!
//! Neither speed nor distance to the neighbours tells a drift from a corner.
//! What does is whether the path *needs* these samples: a corner that is left
//! out still has to be turned, so the way past it takes as much acceleration as
//! the way through; without a drift the path goes straight on. So the samples
//! are reduced to knots about a second apart, and a run of knots is dropped
//! where
//!
//! - the way through it takes an acceleration that this log does not otherwise
//!   show (more than [`SUSPICIOUS`] times its usual one),
//! - the gentlest way past it (the cubic between the states on both sides, the
//!   path of least integrated squared acceleration) takes at most
//!   [`MOST_LEFT`] of that, and
//! - what is saved is worth the knots, each priced like an outlier of a
//!   heavy-tailed error ([`PRICE`]).
//!
//! The scale is the log's own median, at least [`Rules::quiet`]: a racing car
//! may do what a bicycle cannot. Where very many knots would go, they are no
//! exceptions but how this log is, and the scale is doubled until few go.

/// A measured point at a time in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fix<const N: usize> {
    pub(super) t: f64,
    pub(super) p: [f64; N],
}

/// What is usual for a kind of measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Least acceleration, in units per second squared, that counts as usual.
    pub(super) quiet: f64,
    /// Only what is at least this far off the way past it is dropped.
    pub(super) least: f64,
}

/// Positions in metres; acceleration in m/s².
pub(super) const POSITION: Rules = Rules { quiet: 1.5, least: 5.0 };

/// Altitudes in metres.
pub(super) const ALTITUDE: Rules = Rules { quiet: 0.7, least: 5.0 };

/// Knots are at least this far apart, in seconds.
const KNOT: f64 = 0.8;

/// Longest time between the knots on both sides of what is dropped, in seconds
/// (a single knot may be dropped whatever the log's rate).
const LONGEST: f64 = 12.0;

const SUSPICIOUS: f64 = 2.0;
const MOST_LEFT: f64 = 0.2;

/// Of one knot, in units of `acceleration² · time / (2 usual²)`. At the ends of
/// a run nothing on the other side confirms that the path goes on, so there it
/// is more.
const PRICE: f64 = 4.0;
const PRICE_AT_ENDS: f64 = 20.0;

/// The share of the best that is as good as the best.
const NEARLY: f64 = 0.98;

/// Knots that may go whatever the log's length, the part of it that may
/// (1 / `FEW_OF`), and how often the scale is doubled where more would.
const FEW: usize = 30;
const FEW_OF: usize = 25;
const DOUBLINGS: usize = 6;

/// How many knots before the suspicious one are reconsidered, and how many
/// after it may be where the excursion begins.
const BACK: usize = 5;

/// Most knots that are dropped at once.
const MOST: usize = 16;

/// Some fixes of one knot: their median.
#[derive(Clone, Copy, Debug)]
struct Knot<const N: usize> {
    fix: Fix<N>,
    first: usize,
    end: usize,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    /// Which fixes of each run are to be dropped.
    pub(super) dropped: Vec<Vec<bool>>,
    /// The acceleration that counted as usual.
    pub(super) usual: f64,
}

/// Judges the fixes of each run by the acceleration that counts as usual.
pub(super) fn judge<const N: usize>(runs: &[Vec<Fix<N>>], rules: Rules, usual: f64) -> Judged {
    let each = runs.iter().map(|run| {
        let knots = knots(run);
        flags(run, &knots, &walk(&knots, usual, rules.least), rules.least * 2.0)
    });
    Judged { dropped: each.collect(), usual }
}

/// The time of the first knot of any run that begins at or after `from`. A run
/// that is cut there has the same knots from there on.
pub(super) fn knot_from<const N: usize>(runs: &[Vec<Fix<N>>], from: f64) -> Option<f64> {
    let first = |run: &Vec<Fix<N>>| {
        let mut at = 0;
        while at < run.len() && run[at].t < from {
            let start = run[at].t;
            at += run[at..].iter().take_while(|fix| fix.t < start + KNOT).count().max(1);
        }
        run.get(at).map(|fix| fix.t)
    };
    runs.iter().find_map(first)
}

/// Judges the fixes of each run, which are strictly in the order of time.
pub(super) fn find<const N: usize>(runs: &[Vec<Fix<N>>], rules: Rules) -> Judged {
    let knots: Vec<Vec<Knot<N>>> = runs.iter().map(|run| knots(run)).collect();
    let all: usize = knots.iter().map(Vec::len).sum();
    let mut usual = usual(&knots).max(rules.quiet);
    let mut kept: Vec<Vec<usize>> = Vec::new();
    for _ in 0..DOUBLINGS {
        kept = knots.iter().map(|knots| walk(knots, usual, rules.least)).collect();
        let gone = all - kept.iter().map(Vec::len).sum::<usize>();
        if gone <= FEW || gone <= all / FEW_OF {
            break;
        }
        usual *= 2.0;
    }
    let each = runs.iter().zip(&knots).zip(&kept);
    let dropped = each.map(|((run, knots), kept)| flags(run, knots, kept, rules.least * 2.0)).collect();
    Judged { dropped, usual }
}

fn knots<const N: usize>(run: &[Fix<N>]) -> Vec<Knot<N>> {
    let mut knots = Vec::new();
    let mut first = 0;
    let mut sorted = Vec::new();
    while first < run.len() {
        let end = first + run[first..].iter().take_while(|fix| fix.t < run[first].t + KNOT).count().max(1);
        // An odd number of them, so that their median is one of them.
        let odd = &run[first..end - (1 - (end - first) % 2)];
        let mut fix = odd[odd.len() / 2];
        for axis in 0..N {
            sorted.clear();
            sorted.extend(odd.iter().map(|fix| fix.p[axis]));
            sorted.sort_unstable_by(f64::total_cmp);
            fix.p[axis] = sorted[sorted.len() / 2];
        }
        knots.push(Knot { fix, first, end });
        first = end;
    }
    knots
}

/// The median acceleration at the knots.
fn usual<const N: usize>(runs: &[Vec<Knot<N>>]) -> f64 {
    let mut all: Vec<f64> = Vec::new();
    for knots in runs {
        all.extend(knots.windows(3).map(|k| bend(&k[0].fix, &k[1].fix, &k[2].fix).0.sqrt()));
    }
    let middle = all.len() / 2;
    if all.is_empty() { 0.0 } else { *all.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

fn velocity<const N: usize>(a: &Fix<N>, b: &Fix<N>) -> [f64; N] {
    std::array::from_fn(|axis| (b.p[axis] - a.p[axis]) / (b.t - a.t))
}

fn square<const N: usize>(vector: [f64; N]) -> f64 {
    vector.iter().map(|part| part * part).sum()
}

/// Squared acceleration at `b`, and the time that it stands for.
fn bend<const N: usize>(a: &Fix<N>, b: &Fix<N>, c: &Fix<N>) -> (f64, f64) {
    let time = (c.t - a.t) / 2.0;
    let (before, after) = (velocity(a, b), velocity(b, c));
    let acceleration: [f64; N] = std::array::from_fn(|axis| (after[axis] - before[axis]) / time);
    (square(acceleration), time)
}

/// Walks along the knots and keeps those that are not an excursion. Every step
/// keeps a knot or drops at least one, so the walk is linear.
fn walk<const N: usize>(knots: &[Knot<N>], usual: f64, least: f64) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::with_capacity(knots.len());
    let mut next = 0;
    while next < knots.len() {
        if let Some(window) = Window::suspicious(knots, &kept, next, usual)
            && let Some((from, until)) = window.excursion(usual, least)
        {
            // Kept knots behind the excursion stay kept.
            let again: Vec<usize> = window.indices[until.min(window.base)..window.base].to_vec();
            let before: Vec<usize> = window.indices[..from].to_vec();
            kept.truncate(kept.len() - window.base);
            kept.extend(before);
            kept.extend(again);
            next = next.max(window.indices[until - 1] + 1);
            continue;
        }
        kept.push(next);
        next += 1;
    }
    kept
}

/// The kept knots before a place and the knots after it.
struct Window<const N: usize> {
    indices: Vec<usize>,
    fixes: Vec<Fix<N>>,
    /// Integrated squared acceleration at the fixes before each one.
    bends: Vec<f64>,
    /// How many of them are kept already.
    base: usize,
    at_start: bool,
    at_end: bool,
}

impl<const N: usize> Window<N> {
    /// The window around `next`, where the path bends too much there.
    fn suspicious(knots: &[Knot<N>], kept: &[usize], next: usize, usual: f64) -> Option<Window<N>> {
        let limit = (SUSPICIOUS * usual) * (SUSPICIOUS * usual);
        let fix = |index: usize| &knots[index].fix;
        let last = *kept.last()?;
        let here = kept.len().checked_sub(2).map(|at| bend(fix(kept[at]), fix(last), fix(next)).0);
        let there = (next + 1 < knots.len()).then(|| bend(fix(last), fix(next), fix(next + 1)).0);
        if here.unwrap_or(0.0).max(there.unwrap_or(0.0)) <= limit {
            return None;
        }
        let base = kept.len().min(BACK);
        let end = (next + MOST + 3).min(knots.len());
        let indices: Vec<usize> = kept[kept.len() - base..].iter().copied().chain(next..end).collect();
        let fixes: Vec<Fix<N>> = indices.iter().map(|index| knots[*index].fix).collect();
        let mut bends = vec![0.0; fixes.len() + 1];
        for at in 0..fixes.len() {
            let inside = at > 0 && at + 1 < fixes.len();
            let (square, time) = if inside { bend(&fixes[at - 1], &fixes[at], &fixes[at + 1]) } else { (0.0, 0.0) };
            bends[at + 1] = bends[at] + square * time;
        }
        Some(Window { indices, fixes, bends, base, at_start: base == kept.len(), at_end: end == knots.len() })
    }

    /// The run `from..until` of the window that is best dropped, if any.
    fn excursion(&self, usual: f64, least: f64) -> Option<(usize, usize)> {
        let count = self.fixes.len();
        let first = if self.at_start { 0 } else { 2 };
        let last = if self.at_end { count } else { count.saturating_sub(2) };
        let mut found: Vec<(f64, usize, usize)> = Vec::new();
        // It may also begin a little further on.
        for from in first..=(self.base + BACK).min(count) {
            for until in from + 1..=(from + MOST).min(last) {
                found.extend(self.score(from, until, usual, least).map(|score| (score, from, until)));
            }
        }
        // A few good knots beside a very bad one also cost a little
        // acceleration: of what is nearly as good the shortest is meant.
        let enough = found.iter().map(|(score, ..)| *score).fold(0.0, f64::max) * NEARLY;
        let good = found.iter().filter(|(score, ..)| *score >= enough);
        let best = good.min_by(|a, b| (a.2 - a.1).cmp(&(b.2 - b.1)).then(b.0.total_cmp(&a.0)));
        best.map(|(_, from, until)| self.widened(*from, *until))
    }

    /// A drift comes and goes gradually: the knots beside a long one are not
    /// believed either.
    fn widened(&self, from: usize, until: usize) -> (usize, usize) {
        let inside = from > 0 && until < self.fixes.len();
        if until - from < 2 || !inside {
            return (from, until);
        }
        // One knot has to be left on either side.
        (from - usize::from(from >= 2), until + usize::from(self.fixes.len() - until >= 2))
    }

    /// How much better the path is without `from..until`; `None` where it is
    /// not.
    fn score(&self, from: usize, until: usize, usual: f64, least: f64) -> Option<f64> {
        let fixes = &self.fixes;
        let through = self.bends[(until + 1).min(fixes.len())] - self.bends[from.saturating_sub(1)];
        let left = from.checked_sub(1).map(|at| &fixes[at]);
        let right = fixes.get(until);
        let left_velocity = from.checked_sub(2).map(|at| velocity(&fixes[at], &fixes[at + 1]));
        let right_velocity = (until + 1 < fixes.len()).then(|| velocity(&fixes[until], &fixes[until + 1]));
        let past = match (left, right) {
            (Some(left), Some(right)) => {
                if right.t - left.t > LONGEST && until - from > 1 {
                    return None;
                }
                Bridge { left: *left, right: *right, left_velocity, right_velocity }
            }
            // At an end of the run: straight on from what is left of it.
            (Some(left), None) => Bridge::straight(*left, left_velocity?),
            (None, Some(right)) => Bridge::straight(*right, right_velocity?),
            (None, None) => return None,
        };
        let at_end = left.is_none() || right.is_none();
        let (price, least) = if at_end { (PRICE_AT_ENDS, least * 4.0) } else { (PRICE, least) };
        let around = past.energy();
        let saved = (through - around) / (2.0 * usual * usual) - price * (until - from) as f64;
        if saved <= 0.0 || around > MOST_LEFT * through {
            return None;
        }
        let off = fixes[from..until].iter().map(|fix| {
            let on = past.at(fix.t);
            square::<N>(std::array::from_fn(|axis| fix.p[axis] - on[axis]))
        });
        let far = off.fold(0.0, f64::max) >= least * least;
        far.then_some(saved)
    }
}

/// The gentlest way from one knot to another.
struct Bridge<const N: usize> {
    left: Fix<N>,
    right: Fix<N>,
    left_velocity: Option<[f64; N]>,
    right_velocity: Option<[f64; N]>,
}

impl<const N: usize> Bridge<N> {
    fn straight(from: Fix<N>, velocity: [f64; N]) -> Self {
        let right = Fix { t: from.t + 1.0, p: std::array::from_fn(|axis| from.p[axis] + velocity[axis]) };
        Bridge { left: from, right, left_velocity: None, right_velocity: None }
    }

    /// Its integral of squared acceleration: that of the cubic through both
    /// states; with the velocity free on one side that of the bent beam.
    fn energy(&self) -> f64 {
        let time = self.right.t - self.left.t;
        let way: [f64; N] = std::array::from_fn(|axis| self.right.p[axis] - self.left.p[axis]);
        let missed = |velocity: [f64; N]| square::<N>(std::array::from_fn(|axis| way[axis] - velocity[axis] * time));
        match (self.left_velocity, self.right_velocity) {
            (Some(a), Some(b)) => {
                let mean = std::array::from_fn(|axis| (a[axis] + b[axis]) / 2.0);
                let change: [f64; N] = std::array::from_fn(|axis| b[axis] - a[axis]);
                12.0 * missed(mean) / (time * time * time) + square(change) / time
            }
            (Some(v), None) | (None, Some(v)) => 3.0 * missed(v) / (time * time * time),
            (None, None) => 0.0,
        }
    }

    /// Where it is at a time.
    fn at(&self, t: f64) -> [f64; N] {
        let time = self.right.t - self.left.t;
        let s = (t - self.left.t) / time;
        let straight = |axis: usize| self.left.p[axis] + (self.right.p[axis] - self.left.p[axis]) * s;
        let (Some(a), Some(b)) = (self.left_velocity, self.right_velocity) else {
            return std::array::from_fn(straight);
        };
        // Hermite's cubic as the straight line and what the velocities add.
        std::array::from_fn(|axis| {
            let slope = (self.right.p[axis] - self.left.p[axis]) / time;
            let (out, back) = (a[axis] - slope, b[axis] - slope);
            straight(axis) + time * s * (1.0 - s) * (out * (1.0 - s) - back * s)
        })
    }
}

/// Fixes of dropped knots, and those far from the path of the kept ones.
fn flags<const N: usize>(run: &[Fix<N>], knots: &[Knot<N>], kept: &[usize], far: f64) -> Vec<bool> {
    let mut dropped = vec![true; run.len()];
    for (place, index) in kept.iter().enumerate() {
        let knot = &knots[*index];
        let before = place.checked_sub(1).map(|at| knots[kept[at]].fix);
        let after = kept.get(place + 1).map(|at| knots[*at].fix);
        for at in knot.first..knot.end {
            let fix = &run[at];
            let other = if fix.t < knot.fix.t { before.or(after) } else { after.or(before) };
            let off = other.map_or(0.0, |other| {
                let velocity = velocity(&knot.fix, &other);
                square::<N>(std::array::from_fn(|axis| {
                    fix.p[axis] - knot.fix.p[axis] - velocity[axis] * (fix.t - knot.fix.t)
                }))
            });
            dropped[at] = off > far * far;
        }
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 m/s to the east for a minute, then a corner of 6 m radius at 4 m/s to
    /// the north, at 1 Hz.
    fn ride() -> Vec<Fix<2>> {
        let mut path = Vec::new();
        for second in 0..120 {
            let t = f64::from(second);
            let turn = std::f64::consts::FRAC_PI_2 * 6.0 / 4.0;
            let p = if t < 60.0 {
                [8.0 * t - 480.0, 0.0]
            } else if t < 60.0 + turn {
                let angle = (t - 60.0) * 4.0 / 6.0;
                [6.0 * angle.sin(), 6.0 - 6.0 * angle.cos()]
            } else {
                [6.0, 6.0 + 4.0 * (t - 60.0 - turn)]
            };
            path.push(Fix { t, p });
        }
        path
    }

    fn dropped(path: Vec<Fix<2>>) -> Vec<usize> {
        let found = find(&[path], POSITION);
        found.dropped[0].iter().enumerate().filter(|(_, dropped)| **dropped).map(|(at, _)| at).collect()
    }

    #[test]
    fn a_clean_ride_with_a_tight_corner_loses_nothing() {
        assert_eq!(dropped(ride()), Vec::<usize>::new());
    }

    #[test]
    fn a_fix_far_off_is_dropped_wherever_it_is() {
        for at in [0, 1, 20, 58, 59, 60, 61, 62, 63, 64, 118, 119] {
            let mut path = ride();
            path[at].p[1] += 500.0;
            assert_eq!(dropped(path), [at]);
        }
    }

    #[test]
    fn a_drift_is_dropped_and_little_else() {
        for (from, shape) in [(20, 0), (20, 1), (20, 2), (57, 0), (57, 1), (80, 2)] {
            let mut path = ride();
            for second in 0..=5 {
                let s = f64::from(second) / 5.0;
                let shape = match shape {
                    0 => 1.0,
                    1 => (std::f64::consts::PI * s).sin(),
                    _ => 1.0 - (2.0 * s - 1.0).abs(),
                };
                path[from + second as usize].p[1] -= 30.0 * shape;
            }
            let gone = dropped(path);
            assert!((from + 1..from + 5).all(|at| gone.contains(&at)), "{from} {gone:?}");
            assert!(gone.iter().all(|at| (from - 2..=from + 7).contains(at)), "{from} {gone:?}");
        }
    }

    #[test]
    fn single_bad_fixes_of_a_fast_log_go_alone() {
        let mut path: Vec<Fix<2>> = (0..400).map(|n| Fix { t: f64::from(n) / 10.0, p: [f64::from(n), 0.0] }).collect();
        path[205].p[0] += 500.0;
        assert_eq!(dropped(path), [205]);
    }

    #[test]
    fn random_points_take_linear_time() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f64
        };
        let path: Vec<Fix<2>> = (0..50_000).map(|n| Fix { t: f64::from(n), p: [random(), random()] }).collect();
        let found = find(&[path], POSITION);
        assert_eq!(found.dropped[0].len(), 50_000);
    }
}
