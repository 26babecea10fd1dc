//! From fixes to a path: where the logger was, how fast and where to.

use super::excursions::{self, Fix};
use super::geodesy::{metres_per_degree, step};
use super::smooth::{Noise, smooth};

/// Below this speed, in m/s, a position that only jitters is taken to rest.
const RESTING: f64 = 0.3;

/// A log faster than this many seconds a sample may repeat its last fix until
/// the receiver has a new one; a repeated position counts as measured again
/// only after [`REPEATED`] seconds.
const FAST: f64 = 0.5;
const REPEATED: f64 = 1.5;

/// A smoothed sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Motion {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    /// m/s.
    pub(super) speed: f64,
    /// Metres per second to the east and to the north.
    pub(super) velocity: [f64; 2],
}

/// The path, one entry a sample where it is known, and how many fixes were
/// dropped because nothing moves like that.
pub(super) struct Path {
    pub(super) samples: Vec<Option<Motion>>,
    pub(super) dropped: u64,
}

/// One stretch without a gap: which samples have a fix, their places and their
/// metres to the east and north of the first.
struct Run {
    indices: Vec<usize>,
    fixes: Vec<Fix<2>>,
}

/// The smoothed path through the positions (degrees, NaN where unknown).
/// `broken` says for each sample whether nothing is known between it and the
/// one before; `gap` is the longest time in seconds that is bridged without a
/// fix.
pub(super) fn path(seconds: &[f64], broken: &[bool], latitude: &[f64], longitude: &[f64], gap: f64) -> Path {
    let mut path = Path { samples: vec![None; seconds.len()], dropped: 0 };
    let runs = runs(seconds, broken, latitude, longitude, gap);
    let fixes: Vec<Vec<Fix<2>>> = runs.iter().map(|run| run.fixes.clone()).collect();
    let judged = excursions::find(&fixes, excursions::POSITION).dropped;
    let mut good = Vec::new();
    for (run, dropped) in runs.iter().zip(&judged) {
        path.dropped += dropped.iter().filter(|dropped| **dropped).count() as u64;
        let fixes = run.fixes.iter().zip(dropped).filter(|(_, dropped)| !**dropped).map(|(fix, _)| *fix);
        good.push(fixes.collect::<Vec<_>>());
    }
    let noise = Noise::of(&good);
    for (run, dropped) in runs.iter().zip(&judged) {
        follow(run, dropped, noise, seconds, &mut path.samples, (latitude, longitude));
    }
    path
}

fn runs(seconds: &[f64], broken: &[bool], latitude: &[f64], longitude: &[f64], gap: f64) -> Vec<Run> {
    let mut steps: Vec<f64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let middle = steps.len() / 2;
    let fast = !steps.is_empty() && *steps.select_nth_unstable_by(middle, f64::total_cmp).1 < FAST;
    let mut runs: Vec<Run> = Vec::new();
    let mut last: Option<(usize, (f64, f64))> = None;
    let mut parted = true;
    for at in 0..seconds.len() {
        parted |= broken[at];
        let place = (latitude[at], longitude[at]);
        // Loggers without a fix write 0, 0, in the sea off Africa.
        if place.0.is_nan() || place.1.is_nan() || place == (0.0, 0.0) {
            continue;
        }
        let since = last.map_or(f64::INFINITY, |(before, _)| seconds[at] - seconds[before]);
        match (last, runs.last_mut()) {
            (Some((_, before)), Some(run)) if !parted && since <= gap.max(REPEATED) => {
                if fast && before == place && since < REPEATED {
                    continue;
                }
                let [east, north] = step(before, place);
                let p = run.fixes.last().map_or([0.0; 2], |fix| fix.p);
                run.fixes.push(Fix { t: seconds[at], p: [p[0] + east, p[1] + north] });
                run.indices.push(at);
            }
            _ => runs.push(Run { indices: vec![at], fixes: vec![Fix { t: seconds[at], p: [0.0; 2] }] }),
        }
        last = Some((at, place));
        parted = false;
    }
    runs
}

/// Smooths one run and writes its samples.
fn follow(
    run: &Run,
    dropped: &[bool],
    noise: Noise,
    seconds: &[f64],
    samples: &mut [Option<Motion>],
    places: (&[f64], &[f64]),
) {
    let good: Vec<usize> = (0..run.fixes.len()).filter(|at| !dropped[*at]).collect();
    let (Some(first), Some(last)) = (good.first(), good.last()) else { return };
    let (start, end) = (run.indices[*first], run.indices[*last] + 1);
    let mut measured = vec![None; end - start];
    for at in &good {
        measured[run.indices[*at] - start] = Some(run.fixes[*at].p);
    }
    let states = smooth(&seconds[start..end], &measured, noise);
    // Metres become degrees again beside the nearest good fix before.
    let mut near = 0;
    for (offset, state) in states.iter().enumerate() {
        let at = start + offset;
        while near + 1 < good.len() && run.indices[good[near + 1]] <= at {
            near += 1;
        }
        let anchor = run.indices[good[near]];
        let p = run.fixes[good[near]].p;
        let (north, east) = metres_per_degree(places.0[anchor]);
        let speed = (state.v[0] * state.v[0] + state.v[1] * state.v[1]).sqrt();
        samples[at] = Some(Motion {
            latitude: places.0[anchor] + (state.p[1] - p[1]) / north,
            longitude: places.1[anchor] + (state.p[0] - p[0]) / east,
            // A lone fix says nothing of speed.
            speed: match good.len() {
                1 => f64::NAN,
                _ if speed < RESTING => 0.0,
                _ => speed,
            },
            velocity: state.v,
        });
    }
}
