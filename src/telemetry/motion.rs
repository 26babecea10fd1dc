//! From fixes to a path: where the logger was, how fast and where to.

use super::excursions::{self, Fix};
use super::geodesy::{metres_per_degree, step};
use super::smooth::{Noise, smooth};

/// Below this speed, in m/s, a position that only jitters is taken to rest.
const RESTING: f64 = 0.3;

/// A log faster than this many seconds a sample may repeat its last fix until
/// the receiver has a new one; a repeated position counts as measured again
/// only after [`REPEATED`] seconds.
pub(super) const FAST: f64 = 0.5;
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

/// The path, one entry a sample where it is known, and which samples were
/// dropped because nothing moves like that.
pub(super) struct Path {
    pub(super) samples: Vec<Option<Motion>>,
    pub(super) dropped: Vec<usize>,
    /// By what it was judged.
    pub(super) scale: Scale,
    /// When the first knot at or after the asked time begins.
    pub(super) next: Option<f64>,
}

/// What is usual for a log's positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Whether the receiver's last fix may be repeated.
    pub(super) fast: bool,
    /// Acceleration, in m/s².
    pub(super) usual: f64,
    pub(super) noise: Noise,
    /// What the noise is by itself, whatever is likely: metres per axis.
    pub(super) seen: Option<f64>,
}

/// Where and how a path is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// Longest time in seconds that is bridged without a fix.
    pub(super) gap: f64,
    /// Positions before this are passed over.
    pub(super) from: f64,
    /// See [`Path::next`].
    pub(super) next: f64,
    /// What is known of the whole log, where this is a part of it.
    pub(super) scale: Option<Scale>,
}

/// One stretch without a gap: which samples have a fix, their places and their
/// metres to the east and north of the first.
struct Run {
    indices: Vec<usize>,
    fixes: Vec<Fix<2>>,
}

/// The smoothed path through the positions (degrees, NaN where unknown).
/// `broken` says for each sample whether nothing is known between it and the
/// one before.
pub(super) fn path(seconds: &[f64], broken: &[bool], (latitude, longitude): Places<'_>, search: Search) -> Path {
    let fast = search.scale.map_or_else(|| is_fast(seconds), |scale| scale.fast);
    let Judged { runs, fixes, dropped: judged, scale } = judged(seconds, broken, (latitude, longitude), search, fast);
    let dropped = |(run, judged): (&Run, &Vec<bool>)| -> Vec<usize> {
        run.indices.iter().zip(judged).filter(|(_, dropped)| **dropped).map(|(at, _)| *at).collect()
    };
    let next = excursions::knot_from(&fixes, search.next);
    let mut path = Path {
        samples: vec![None; seconds.len()],
        dropped: runs.iter().zip(&judged).flat_map(dropped).collect(),
        scale,
        next,
    };
    for (run, dropped) in runs.iter().zip(&judged) {
        follow(run, dropped, scale.noise, seconds, &mut path.samples, (latitude, longitude));
    }
    path
}

/// What is usual, without the path.
pub(super) fn scale(seconds: &[f64], broken: &[bool], places: Places<'_>, gap: f64, fast: bool) -> Scale {
    let search = Search { gap, from: f64::NEG_INFINITY, next: f64::INFINITY, scale: None };
    judged(seconds, broken, places, search, fast).scale
}

/// Latitudes and longitudes.
type Places<'a> = (&'a [f64], &'a [f64]);

/// The stretches of fixes, which of them are dropped, and by what they were
/// judged.
struct Judged {
    runs: Vec<Run>,
    fixes: Vec<Vec<Fix<2>>>,
    dropped: Vec<Vec<bool>>,
    scale: Scale,
}

fn judged(seconds: &[f64], broken: &[bool], places: Places<'_>, search: Search, fast: bool) -> Judged {
    let runs = runs(seconds, broken, places, search, fast);
    let fixes: Vec<Vec<Fix<2>>> = runs.iter().map(|run| run.fixes.clone()).collect();
    if let Some(scale) = search.scale {
        let judged = excursions::judge(&fixes, excursions::POSITION, scale.usual).dropped;
        return Judged { runs, fixes, dropped: judged, scale };
    }
    let excursions::Judged { dropped, usual } = excursions::find(&fixes, excursions::POSITION);
    let good = |(fixes, dropped): (&Vec<Fix<2>>, &Vec<bool>)| -> Vec<Fix<2>> {
        fixes.iter().zip(dropped).filter(|(_, dropped)| !**dropped).map(|(fix, _)| *fix).collect()
    };
    let good: Vec<_> = fixes.iter().zip(&dropped).map(good).collect();
    let scale = Scale { fast, usual, noise: Noise::of(&good), seen: Noise::seen(&good).map(|noise| noise.measured) };
    Judged { runs, fixes, dropped, scale }
}

/// Whether samples come so fast that a receiver may repeat its last fix.
fn is_fast(seconds: &[f64]) -> bool {
    let mut steps: Vec<f64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let middle = steps.len() / 2;
    !steps.is_empty() && *steps.select_nth_unstable_by(middle, f64::total_cmp).1 < FAST
}

fn runs(seconds: &[f64], broken: &[bool], (latitude, longitude): Places<'_>, search: Search, fast: bool) -> Vec<Run> {
    let gap = search.gap;
    let mut runs: Vec<Run> = Vec::new();
    let mut last: Option<(usize, (f64, f64))> = None;
    let mut parted = true;
    for at in seconds.partition_point(|time| *time < search.from)..seconds.len() {
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
