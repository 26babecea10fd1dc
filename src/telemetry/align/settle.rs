//! One recording's own place and drift, once it is known within two seconds.
//!
//! Cameras state when they started in whole seconds, and their clock is not the
//! one that counts frames: what all recordings have in common tells the place,
//! each on its own tells the rest. The drift of a long one is the median slope
//! (Theil and Sen) of the places of its pieces; it is taken where it moves the
//! ends against each other by more than the pieces' own scatter allows.

use super::correlate::{Curve, Logger, Near, near};
use super::{SECOND, median};

/// How far around the place is looked, in ns.
const REACH: i64 = 2 * SECOND;

/// Least likeness of a recording and of a piece.
const LIKE: f64 = 0.8;
/// By how much it has to be better than a second beside it, and of what it
/// lacks to 1.
const SHARP: f64 = 0.001;
const SHARP_OF_REST: f64 = 0.1;
/// Least of a recording that is known, in s.
const KNOWN: usize = 8;

/// Below this span nothing is said of drift, in ns.
const DRIFT_SPAN: i64 = 1_200 * SECOND;
/// Length of the pieces, in s, and how many of them it takes.
const PIECE: usize = 120;
const PIECES: usize = 5;
/// By how much drift has to move the ends against each other, in ns.
const MOVED: f64 = 1e8;
/// A camera's clock drifts no more, in parts per million.
const MOST_DRIFT: f64 = 500.0;

/// A place on the log's own clock.
pub(super) struct Settled {
    /// At media time 0, in ns.
    pub(super) start: i64,
    /// In parts per million.
    pub(super) drift: f64,
}

/// Settles a recording that starts near `start` on the log's clock; `None` where
/// its samples tell too little.
pub(super) fn settle(samples: &[(i64, f64)], start: i64, logger: &mut Logger<'_>) -> Option<Settled> {
    let curve = Curve::of_samples(samples)?;
    if curve.seconds() < KNOWN {
        return None;
    }
    // Of a place at media time 0 to that of the curve's first step and back.
    let lag = |start: i64| start.saturating_add(curve.start).saturating_sub(logger.first);
    let first = logger.first;
    let place = |lag: i64| lag.saturating_sub(curve.start).saturating_add(first);
    let around = lag(start);
    let found = near(&curve, logger, around, REACH, true)?;
    let at_edge = found.lag.abs_diff(around) + 100_000_000 >= REACH as u64;
    if !is_plain(found) || at_edge {
        return None;
    }
    let straight = Settled { start: place(found.lag), drift: 0.0 };
    Some(drift(&curve, found.lag, logger).map_or(straight, |(lag, drift)| Settled { start: place(lag), drift }))
}

/// Whether a place is one: nothing but standing still is alike everywhere.
fn is_plain(found: Near) -> bool {
    found.score >= LIKE && found.sharpness >= SHARP && found.sharpness >= (1.0 - found.score) * SHARP_OF_REST
}

/// The lag at media time 0 in ns and the drift, where there is any.
fn drift(curve: &Curve, around: i64, logger: &mut Logger<'_>) -> Option<(i64, f64)> {
    let mut places: Vec<(i64, i64)> = Vec::new();
    for (middle, piece) in curve.pieces(PIECE) {
        let Some(found) = near(&piece, logger, around, REACH, true) else { continue };
        if is_plain(found) {
            places.push((middle, found.lag));
        }
    }
    let span = places.last()?.0.saturating_sub(places.first()?.0);
    if places.len() < PIECES || span < DRIFT_SPAN * 3 / 4 {
        return None;
    }
    // At most 300 of them: 45,000 pairs.
    let some: Vec<(i64, i64)> = places.iter().copied().step_by(places.len().div_ceil(300)).collect();
    let mut slopes = Vec::new();
    for (at, (one, place)) in some.iter().enumerate() {
        for (other, there) in &some[at + 1..] {
            let apart = other.saturating_sub(*one);
            if apart >= span / 4 {
                slopes.push(there.saturating_sub(*place) as f64 / apart as f64);
            }
        }
    }
    let middle = slopes.len() / 2;
    if slopes.is_empty() {
        return None;
    }
    let slope = *slopes.select_nth_unstable_by(middle, f64::total_cmp).1;
    let level = |(at, place): &(i64, i64)| place.saturating_sub((*at as f64 * slope) as i64);
    let lag = median(places.iter().map(level).collect())?;
    let scatter = median(places.iter().map(|place| level(place).abs_diff(lag)).collect())?;
    let moved = slope.abs() * span as f64;
    let is_much = moved >= MOVED && moved >= 4.0 * scatter as f64 && slope.abs() * 1e6 <= MOST_DRIFT;
    is_much.then_some((lag, slope * 1e6))
}
