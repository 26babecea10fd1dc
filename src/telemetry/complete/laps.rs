//! Laps: where the way crosses a line, each time a distance is covered, or
//! where the log says.

use super::staged::{Margins, Staged, Window};
use crate::base::Unit;
use crate::model::specs::LapRule;
use crate::model::telemetry::{Mark, MarkKind};
use crate::telemetry::channels;
use crate::telemetry::clean::Stopped;
use crate::telemetry::geodesy::step;

/// Most laps that are told apart.
const MOST: usize = 10_000;

/// Puts the laps of the rule in the place of the log's own: marks, and the
/// channels `lap` and `lap_time`.
pub(super) fn set(log: &mut Staged<'_>, rule: &LapRule) -> Result<String, Stopped> {
    let (starts, begun) = match rule {
        LapRule::Line { from, to, at_least_ms } => {
            let degrees = |(latitude, longitude): (i32, i32)| (f64::from(latitude) / 1e7, f64::from(longitude) / 1e7);
            let mut line = Line::new(degrees(*from), degrees(*to), i64::from(*at_least_ms) * 1_000_000);
            log.each(&["latitude", "longitude"], Margins::default(), &mut |window| line.pass(window))?;
            (line.found, false)
        }
        LapRule::Distance { millimetres } => {
            let mut covered = Covered::new(*millimetres as f64 / 1e3);
            log.each(&["distance"], Margins::default(), &mut |window| covered.pass(window))?;
            (covered.found, true)
        }
    };
    log.marks.retain(|mark| mark.kind != MarkKind::Lap);
    log.marks.extend(starts.iter().map(|time| Mark {
        time: *time,
        kind: MarkKind::Lap,
        name: String::new(),
        place: None,
    }));
    log.marks.sort();
    let note = match (rule, starts.len()) {
        (LapRule::Line { .. }, 0) => "no lap: the way crosses the line nowhere".to_owned(),
        (LapRule::Line { .. }, count) => format!("the way crosses the line {count} times"),
        (LapRule::Distance { .. }, 0) => "no lap: the log has no distance".to_owned(),
        (LapRule::Distance { .. }, count) => format!("{count} laps by distance"),
    };
    log.remove("lap");
    log.remove("lap_time");
    if begun && starts.is_empty() {
        return Ok(note);
    }
    let count = |time: &i64| starts.partition_point(|start| start <= time) as f64;
    let (laps, _) = log.make(&[], Margins::default(), &mut |window| window.times().iter().map(count).collect())?;
    log.push("lap", Unit::None, laps);
    add_times(log)?;
    Ok(note)
}

/// Adds the channel `lap_time`: seconds since the lap began. Unknown before the
/// first.
pub(super) fn add_times(log: &mut Staged<'_>) -> Result<(), Stopped> {
    let starts: Vec<i64> = log.marks.iter().filter(|mark| mark.kind == MarkKind::Lap).map(|mark| mark.time).collect();
    let kind = channels::find("lap_time");
    let since = |time: &i64| {
        let lap = starts.partition_point(|start| start <= time).checked_sub(1)?;
        let seconds = time.saturating_sub(*starts.get(lap)?) as f64 / 1e9;
        Some(kind.map_or(seconds, |kind| kind.quantise(seconds)))
    };
    let (values, known) = log.make(&[], Margins::default(), &mut |window| {
        window.times().iter().map(|time| since(time).unwrap_or(f64::NAN)).collect()
    })?;
    if known {
        log.push("lap_time", Unit::Seconds, values);
    }
    Ok(())
}

/// A line that is crossed, in the direction of the first crossing, on the
/// straight line between two samples.
struct Line {
    from: (f64, f64),
    way: [f64; 2],
    /// The square of its length.
    square: f64,
    at_least: i64,
    /// When it was crossed.
    found: Vec<i64>,
    /// Whether that is from its right to its left.
    upwards: Option<bool>,
    /// When and where the last sample was: along the line, as a share of it, and
    /// beside it.
    before: Option<(i64, [f64; 2])>,
}

impl Line {
    fn new(from: (f64, f64), to: (f64, f64), at_least: i64) -> Line {
        let way = step(from, to);
        let square = way[0] * way[0] + way[1] * way[1];
        Line { from, way, square, at_least, found: Vec::new(), upwards: None, before: None }
    }

    fn pass(&mut self, window: &Window) {
        let (Some(latitude), Some(longitude)) = (window.values("latitude"), window.values("longitude")) else { return };
        let places = latitude.iter().copied().zip(longitude.iter().copied());
        for ((time, place), parted) in window.times().iter().zip(places).zip(window.parted()) {
            let is_known = place.0.is_finite() && place.1.is_finite();
            if parted || !is_known {
                self.before = None;
            }
            if is_known {
                self.go(*time, place);
            }
        }
    }

    fn go(&mut self, time: i64, place: (f64, f64)) {
        let (p, way) = (step(self.from, place), self.way);
        let along = (p[0] * way[0] + p[1] * way[1]) / self.square;
        let beside = (way[0] * p[1] - way[1] * p[0]) / self.square.sqrt();
        if let Some((last, [was_along, was_beside])) = self.before
            && (was_beside < 0.0) != (beside < 0.0)
        {
            let share = was_beside / (was_beside - beside);
            let upwards = beside >= 0.0;
            let within = (0.0..=1.0).contains(&(was_along + (along - was_along) * share));
            let crossed = last + libm::round(time.saturating_sub(last) as f64 * share) as i64;
            let late = self.found.last().is_none_or(|last| crossed.saturating_sub(*last) >= self.at_least);
            if within && *self.upwards.get_or_insert(upwards) == upwards && late && self.found.len() < MOST {
                self.found.push(crossed);
            }
        }
        self.before = Some((time, [along, beside]));
    }
}

/// When each further `length` metres were covered; the first lap begins with
/// the log, and its distance where that is first known.
struct Covered {
    length: f64,
    /// The first time of the log.
    begun: Option<i64>,
    found: Vec<i64>,
    start: f64,
    before: Option<(i64, f64)>,
}

impl Covered {
    fn new(length: f64) -> Covered {
        Covered { length, begun: None, found: Vec::new(), start: f64::NAN, before: None }
    }

    fn pass(&mut self, window: &Window) {
        self.begun = self.begun.or(window.times().first().copied());
        let Some(distance) = window.values("distance") else { return };
        for (time, value) in window.times().iter().zip(distance).filter(|(_, value)| value.is_finite()) {
            if let Some((last, was)) = self.before {
                while self.found.len() < MOST && *value >= self.next() {
                    let share = ((self.next() - was) / (value - was).max(1e-9)).clamp(0.0, 1.0);
                    self.found.push(last + libm::round(time.saturating_sub(last) as f64 * share) as i64);
                }
            } else {
                self.start = *value;
                self.found.push(self.begun.unwrap_or(*time));
            }
            self.before = Some((*time, *value));
        }
    }

    /// Where the next lap begins.
    fn next(&self) -> f64 {
        self.start + self.length * self.found.len() as f64
    }
}
