//! Positions near places that must not be found become unknown.
//!
//! Unknown with them becomes whatever may give the way back to them when it is
//! followed from where the position is known again: with the speed, a heading
//! is the way, and so is anything that turns with the vehicle (lateral
//! acceleration, a gyroscope, a steering angle). What a column of a logger's own
//! means nobody knows, so only channels stay that are known to be harmless:
//! speed, distance and altitude among them, because a length without directions
//! is a circle around where the position ends, which is known anyway. A length
//! from a place is none of those: three of them meet there, so it goes as a
//! whole. docs/telemetry.md says what is left to find.

use crate::model::specs::PrivatePlace;
use crate::model::telemetry::{Channel, Telemetry};
use crate::telemetry::channels::squash;
use crate::telemetry::geodesy::step;

/// Channels that say neither where one is nor where to.
const HARMLESS: &[&str] = &[
    "altitude",
    "speed",
    "vertical_speed",
    "distance",
    "gradient",
    "longitudinal_g",
    "vertical_g",
    "heart_rate",
    "cadence",
    "power",
    "temperature",
    "lap",
    "lap_time",
];

/// What is in the names of columns that say how far a place is.
const FROM_A_PLACE: &[&str] = &["home", "distance", "range", "radius"];

/// Whether a channel may give a position away, or the way to it.
pub(crate) fn tells(name: &str) -> bool {
    !HARMLESS.contains(&name)
}

/// Whether a channel may give a place away wherever it is known.
fn is_from_a_place(name: &str) -> bool {
    let squashed = squash(name);
    tells(name) && FROM_A_PLACE.iter().any(|part| squashed.contains(part))
}

/// Hides what lies near `places`; says how many samples that are.
pub(super) fn hide(log: &mut Telemetry, places: &[PrivatePlace]) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    let hidden = hidden(log, places);
    let count = hidden.iter().filter(|hidden| **hidden).count();
    for channel in &mut log.channels {
        if is_from_a_place(&channel.name) {
            channel.values.fill(f64::NAN);
        } else if tells(&channel.name) {
            blank(channel, &hidden);
        }
    }
    (count > 0).then(|| format!("{count} samples have no position: they lie near a place that is private"))
}

fn blank(channel: &mut Channel, hidden: &[bool]) {
    for (value, _) in channel.values.iter_mut().zip(hidden).filter(|(_, hidden)| **hidden) {
        *value = f64::NAN;
    }
}

/// The samples without a position. Where the straight line between two others
/// leads past a place, the one that is nearer to it is without as well, so that
/// nobody draws the line. A sample whose own position is not known is hidden if
/// a neighbour in time is that has one: nobody knows that it is elsewhere.
fn hidden(log: &Telemetry, places: &[PrivatePlace]) -> Vec<bool> {
    let mut hidden = vec![false; log.times.len()];
    let (Some(latitude), Some(longitude)) = (log.channel("latitude"), log.channel("longitude")) else { return hidden };
    let positions: Vec<Option<(f64, f64)>> = latitude
        .values
        .iter()
        .zip(&longitude.values)
        .map(|(lat, lon)| (lat.is_finite() && lon.is_finite()).then_some((*lat, *lon)))
        .collect();
    for place in places {
        let centre = (f64::from(place.latitude) / 1e7, f64::from(place.longitude) / 1e7);
        let radius = place.radius as f64 / 1e3;
        let mut before: Option<(usize, [f64; 2])> = None;
        for (at, position) in positions.iter().enumerate() {
            let Some(position) = position else { continue };
            let here = step(centre, *position);
            let inside = length(here) <= radius;
            hidden[at] |= inside;
            if let Some((last, there)) = before
                && !inside
                && length(there) > radius
                && nearest(there, here) <= radius
            {
                hidden[if length(there) < length(here) { last } else { at }] = true;
            }
            before = Some((at, here));
        }
    }
    spread(&positions, &mut hidden);
    hidden
}

/// Samples without a position are hidden beside one that is.
fn spread(positions: &[Option<(f64, f64)>], hidden: &mut [bool]) {
    let mut beside = false;
    for at in 0..hidden.len() {
        beside = if positions[at].is_some() { hidden[at] } else { beside };
        hidden[at] |= beside && positions[at].is_none();
    }
    beside = false;
    for at in (0..hidden.len()).rev() {
        beside = if positions[at].is_some() { hidden[at] } else { beside };
        hidden[at] |= beside && positions[at].is_none();
    }
}

fn length([x, y]: [f64; 2]) -> f64 {
    (x * x + y * y).sqrt()
}

/// How near the straight line from `a` to `b` comes to the origin.
fn nearest(a: [f64; 2], b: [f64; 2]) -> f64 {
    let way = [b[0] - a[0], b[1] - a[1]];
    let square = way[0] * way[0] + way[1] * way[1];
    let share = if square > 0.0 { (-(a[0] * way[0] + a[1] * way[1]) / square).clamp(0.0, 1.0) } else { 0.0 };
    length([a[0] + way[0] * share, a[1] + way[1] * share])
}
