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

/// By how much the way between two fixes may differ from what the logger's own
/// speed says, in m/s and as a part of it, to be confirmed by it; and how much
/// that speed may change, in m/s²: more is a glitch that it shares.
const ALIKE: f64 = 1.5;
const ALIKE_OF_WAY: f64 = 0.15;
const HARDEST: f64 = 10.0;

/// Fixes are compared with the speed over at least this many seconds.
const STEP: f64 = 0.8;

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
pub(super) fn path(seconds: &[f64], broken: &[bool], places: Places<'_>, search: Search) -> Path {
    let fast = search.scale.map_or_else(|| is_fast(seconds), |scale| scale.fast);
    let Judged { runs, fixes, dropped: judged, scale } = judged(seconds, broken, places, search, fast);
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
        follow(run, dropped, scale.noise, seconds, &mut path.samples, places);
    }
    path
}

/// What is usual, without the path.
pub(super) fn scale(seconds: &[f64], broken: &[bool], places: Places<'_>, gap: f64, fast: bool) -> Scale {
    let search = Search { gap, from: f64::NEG_INFINITY, next: f64::INFINITY, scale: None };
    judged(seconds, broken, places, search, fast).scale
}

/// What was measured, a value for each sample.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    /// Degrees.
    pub(super) latitude: &'a [f64],
    pub(super) longitude: &'a [f64],
    /// The logger's own speed in m/s, where it has one.
    pub(super) speed: Option<&'a [f64]>,
}

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
        let mut judged = excursions::judge(&fixes, excursions::POSITION, scale.usual).dropped;
        confirm(&runs, &mut judged, places.speed);
        return Judged { runs, fixes, dropped: judged, scale };
    }
    let excursions::Judged { mut dropped, usual } = excursions::find(&fixes, excursions::POSITION);
    confirm(&runs, &mut dropped, places.speed);
    let good = |(fixes, dropped): (&Vec<Fix<2>>, &Vec<bool>)| -> Vec<Fix<2>> {
        fixes.iter().zip(dropped).filter(|(_, dropped)| !**dropped).map(|(fix, _)| *fix).collect()
    };
    let good: Vec<_> = fixes.iter().zip(&dropped).map(good).collect();
    let scale = Scale { fast, usual, noise: Noise::of(&good), seen: Noise::seen(&good).map(|noise| noise.measured) };
    Judged { runs, fixes, dropped, scale }
}

/// Gives back what the logger's own speed confirms. Who brakes hard on an otherwise
/// steady way needs an acceleration that this log does not otherwise show, and the
/// way past it is gentler; but the speed is measured by itself.
fn confirm(runs: &[Run], dropped: &mut [Vec<bool>], speed: Option<&[f64]>) {
    let Some(speed) = speed else { return };
    for (run, dropped) in runs.iter().zip(dropped) {
        let mut at = 0;
        while at < dropped.len() {
            let until = at + dropped[at..].iter().take_while(|dropped| **dropped).count();
            let around = at.saturating_sub(1)..=until.min(dropped.len() - 1);
            if until > at && is_as_fast(run, *around.start(), *around.end(), speed) {
                dropped[at..until].fill(false);
            }
            at = until + 1;
        }
    }
}

/// Whether the way from one fix of a run to another is as long, step by step, as
/// the speed there says.
fn is_as_fast(run: &Run, from: usize, to: usize, speed: &[f64]) -> bool {
    let mut at = from;
    while at < to {
        let start = run.fixes[at];
        let (mut next, mut way) = (at, 0.0);
        while next < to && run.fixes[next].t - start.t < STEP {
            let [one, other] = [next, next + 1].map(|fix| speed.get(run.indices[fix]).copied().unwrap_or(f64::NAN));
            way += (one + other) / 2.0 * (run.fixes[next + 1].t - run.fixes[next].t);
            next += 1;
        }
        let end = run.fixes[next];
        let time = (end.t - start.t).max(STEP);
        let [east, north] = [0, 1].map(|axis| end.p[axis] - start.p[axis]);
        let off = ((east * east + north * north).sqrt() - way).abs();
        let changed = (speed[run.indices[next]] - speed[run.indices[at]]).abs();
        // What is not known confirms nothing.
        if !(off <= ALIKE * time + ALIKE_OF_WAY * way && changed <= HARDEST * time) {
            return false;
        }
        at = next;
    }
    true
}

/// Whether samples come so fast that a receiver may repeat its last fix.
fn is_fast(seconds: &[f64]) -> bool {
    let mut steps: Vec<f64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let middle = steps.len() / 2;
    !steps.is_empty() && *steps.select_nth_unstable_by(middle, f64::total_cmp).1 < FAST
}

fn runs(seconds: &[f64], broken: &[bool], places: Places<'_>, search: Search, fast: bool) -> Vec<Run> {
    let Places { latitude, longitude, .. } = places;
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
    places: Places<'_>,
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
        let (north, east) = metres_per_degree(places.latitude[anchor]);
        let speed = (state.v[0] * state.v[0] + state.v[1] * state.v[1]).sqrt();
        samples[at] = Some(Motion {
            latitude: places.latitude[anchor] + (state.p[1] - p[1]) / north,
            longitude: places.longitude[anchor] + (state.p[0] - p[0]) / east,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Rides north at 8 m/s with five fixes a second, brakes, sprints and brakes
    /// again, and is somewhere else for 3 s later on.
    fn ride() -> (Vec<f64>, Vec<f64>, Vec<f64>, Vec<f64>) {
        let seconds: Vec<f64> = (0..1_500).map(|at| f64::from(at) / 5.0).collect();
        let mut speed = vec![8.0; 1_500];
        let mut at = 750;
        // Steps of a fifth of a second, and by how much each changes it.
        for (steps, change) in [(10, -0.5), (15, 0.9), (10, -1.2), (10, 0.35)] {
            for _ in 0..steps {
                speed[at] = speed[at - 1] + change;
                at += 1;
            }
        }
        let mut north = 0.0;
        let mut latitude = vec![47.0];
        for pair in speed.windows(2) {
            north += (pair[0] + pair[1]) / 10.0;
            latitude.push(47.0 + north / 111_195.0);
        }
        let mut longitude = vec![9.0; 1_500];
        // 60 m to the east.
        longitude[1_100..1_115].fill(9.0 + 60.0 / 75_836.0);
        (seconds, latitude, longitude, speed)
    }

    /// What excursions are is judged by positions alone; both are taken for one here.
    #[test]
    fn braking_hard_is_no_excursion_where_the_speed_says_so() {
        let (seconds, latitude, longitude, speed) = ride();
        let search = Search { gap: 10.0, from: f64::NEG_INFINITY, next: f64::INFINITY, scale: None };
        let places = Places { latitude: &latitude, longitude: &longitude, speed: None };
        let runs = runs(&seconds, &[false; 1_500], places, search, false);
        let (braking, beside) = (748..800, 1_100..1_115);
        let left = |speed: Option<&[f64]>| {
            let mut dropped = vec![(0..1_500).map(|at| braking.contains(&at) || beside.contains(&at)).collect()];
            confirm(&runs, &mut dropped, speed);
            let dropped: &Vec<bool> = &dropped[0];
            [&braking, &beside].map(|range| dropped[range.clone()].iter().filter(|dropped| **dropped).count())
        };
        assert_eq!(left(None), [52, 15]);
        assert_eq!(left(Some(&speed)), [0, 15]);
        // A speed that is not known, or that leaps as the position does, confirms nothing.
        let mut other = speed.clone();
        other[770] = f64::NAN;
        assert_eq!(left(Some(&other)), [52, 15]);
        let leaping: Vec<f64> = (0..1_500).map(|at| if at == 1_100 || at == 1_115 { 300.0 } else { 8.0 }).collect();
        assert_eq!(left(Some(&leaping))[1], 15);
    }
}
