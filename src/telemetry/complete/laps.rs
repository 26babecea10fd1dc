//! Laps: where the way crosses a line, each time a distance is covered, or
//! where the log says.

use std::collections::BTreeSet;

use crate::base::Unit;
use crate::model::specs::LapRule;
use crate::model::telemetry::{Channel, Mark, MarkKind, Telemetry};
use crate::telemetry::channels;
use crate::telemetry::geodesy::step;

/// Most laps that are told apart.
const MOST: usize = 10_000;

/// Puts the laps of the rule in the place of the log's own: marks, and the
/// channels `lap` and `lap_time`.
pub(super) fn set(log: &mut Telemetry, rule: &LapRule) -> Vec<String> {
    let (starts, begun) = match rule {
        LapRule::Line { from, to, at_least_ms } => {
            let degrees = |(latitude, longitude): (i32, i32)| (f64::from(latitude) / 1e7, f64::from(longitude) / 1e7);
            (crossings(log, degrees(*from), degrees(*to), i64::from(*at_least_ms) * 1_000_000), false)
        }
        LapRule::Distance { millimetres } => (covered(log, *millimetres as f64 / 1e3), true),
    };
    log.marks.retain(|mark| mark.kind != MarkKind::Lap);
    log.marks.extend(starts.iter().map(|time| Mark { time: *time, kind: MarkKind::Lap, name: String::new() }));
    log.marks.sort();
    let note = match (rule, starts.len()) {
        (LapRule::Line { .. }, 0) => "no lap: the way crosses the line nowhere".to_owned(),
        (LapRule::Line { .. }, count) => format!("the way crosses the line {count} times"),
        (LapRule::Distance { .. }, 0) => "no lap: the log has no distance".to_owned(),
        (LapRule::Distance { .. }, count) => format!("{count} laps by distance"),
    };
    log.channels.retain(|channel| channel.name != "lap" && channel.name != "lap_time");
    if begun && starts.is_empty() {
        return vec![note];
    }
    let count = |time: &i64| starts.partition_point(|start| start <= time) as f64;
    let laps = log.times.iter().map(count).collect();
    log.channels.push(Channel { name: "lap".to_owned(), unit: Unit::None, values: laps });
    add_times(log);
    vec![note]
}

/// Adds the channel `lap_time`: seconds since the lap began. Unknown before the
/// first.
pub(super) fn add_times(log: &mut Telemetry) {
    let starts: Vec<i64> = log.marks.iter().filter(|mark| mark.kind == MarkKind::Lap).map(|mark| mark.time).collect();
    let kind = channels::find("lap_time");
    let since = |time: &i64| {
        let lap = starts.partition_point(|start| start <= time).checked_sub(1)?;
        let seconds = time.saturating_sub(*starts.get(lap)?) as f64 / 1e9;
        Some(kind.map_or(seconds, |kind| kind.quantise(seconds)))
    };
    let values: Vec<f64> = log.times.iter().map(|time| since(time).unwrap_or(f64::NAN)).collect();
    if values.iter().any(|value| value.is_finite()) {
        log.channels.push(Channel { name: "lap_time".to_owned(), unit: Unit::Seconds, values });
    }
}

/// When the way crosses the line, in the direction of the first crossing, on
/// the straight line between two samples.
fn crossings(log: &Telemetry, from: (f64, f64), to: (f64, f64), at_least: i64) -> Vec<i64> {
    let (Some(latitude), Some(longitude)) = (log.channel("latitude"), log.channel("longitude")) else {
        return Vec::new();
    };
    let breaks: BTreeSet<usize> = log.breaks.iter().map(|at| *at as usize).collect();
    let line = step(from, to);
    let square = line[0] * line[0] + line[1] * line[1];
    let mut found: Vec<i64> = Vec::new();
    let mut direction = None;
    let mut before: Option<(i64, [f64; 2])> = None;
    for (at, time) in log.times.iter().enumerate() {
        let place = (latitude.values[at], longitude.values[at]);
        if breaks.contains(&at) || !(place.0.is_finite() && place.1.is_finite()) {
            before = None;
        }
        if !(place.0.is_finite() && place.1.is_finite()) {
            continue;
        }
        // Along the line, as a share of it, and beside it.
        let p = step(from, place);
        let along = (p[0] * line[0] + p[1] * line[1]) / square;
        let beside = (line[0] * p[1] - line[1] * p[0]) / square.sqrt();
        if let Some((last, [was_along, was_beside])) = before
            && (was_beside < 0.0) != (beside < 0.0)
        {
            let share = was_beside / (was_beside - beside);
            let upwards = beside >= 0.0;
            let within = (0.0..=1.0).contains(&(was_along + (along - was_along) * share));
            let crossed = last + libm::round(time.saturating_sub(last) as f64 * share) as i64;
            let late = found.last().is_none_or(|last| crossed.saturating_sub(*last) >= at_least);
            if within && *direction.get_or_insert(upwards) == upwards && late && found.len() < MOST {
                found.push(crossed);
            }
        }
        before = Some((*time, [along, beside]));
    }
    found
}

/// When each further `length` metres were covered; the first lap begins with
/// the first distance.
fn covered(log: &Telemetry, length: f64) -> Vec<i64> {
    let Some(distance) = log.channel("distance") else { return Vec::new() };
    let mut found = Vec::new();
    let mut start = f64::NAN;
    let mut before: Option<(i64, f64)> = None;
    for (time, value) in log.times.iter().zip(&distance.values).filter(|(_, value)| value.is_finite()) {
        if let Some((last, was)) = before {
            while found.len() < MOST && *value >= start + length * found.len() as f64 {
                let share = ((start + length * found.len() as f64 - was) / (value - was).max(1e-9)).clamp(0.0, 1.0);
                found.push(last + libm::round(time.saturating_sub(last) as f64 * share) as i64);
            }
        } else {
            start = *value;
            found.push(*time);
        }
        before = Some((*time, *value));
    }
    found
}
