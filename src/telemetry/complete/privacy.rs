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

use super::staged::{Margins, Staged};
use crate::model::specs::PrivatePlace;
use crate::model::telemetry::MarkKind;
use crate::telemetry::channels::squash;
use crate::telemetry::clean::Stopped;
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
pub(super) fn is_from_a_place(name: &str) -> bool {
    let squashed = squash(name);
    tells(name) && FROM_A_PLACE.iter().any(|part| squashed.contains(part))
}

/// Which samples have no position: a bit for each.
#[derive(Debug, Default)]
pub(super) struct Hidden(Vec<u64>);

impl Hidden {
    fn none(samples: usize) -> Hidden {
        Hidden(vec![0; samples.div_ceil(64)])
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
    }

    fn add(&mut self, at: usize) {
        if let Some(bits) = self.0.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    fn count(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Takes the values of hidden samples away; `first` is the sample of the
    /// first value.
    pub(super) fn blank(&self, first: usize, values: &mut [f64]) {
        for (_, value) in values.iter_mut().enumerate().filter(|(at, _)| self.has(first + at)) {
            *value = f64::NAN;
        }
    }
}

/// Hides what lies near `places`; says how many samples that are.
pub(super) fn hide(log: &mut Staged<'_>, places: &[PrivatePlace]) -> Result<Option<String>, Stopped> {
    if places.is_empty() {
        return Ok(None);
    }
    let hidden = hidden(log, places)?;
    let count = hidden.count();
    log.hide(hidden);
    Ok((count > 0).then(|| format!("{count} samples have no position: they lie near a place that is private")))
}

/// Takes away what the logger noted near `places` or where samples are hidden: a
/// name may be an address. Laps stay as times, because the channel `lap` says the
/// same, but without their names.
pub(super) fn hide_marks(log: &mut Staged<'_>, places: &[PrivatePlace]) -> Result<Option<String>, Stopped> {
    if places.is_empty() {
        return Ok(None);
    }
    let mut marks = std::mem::take(&mut log.marks);
    marks.sort();
    // Of each mark, how many samples there are up to then, and whether the last of
    // them is of that very time.
    let mut beside: Vec<(usize, bool)> = Vec::with_capacity(marks.len());
    let mut last = None;
    log.each(&[], Margins::default(), &mut |window| {
        let times = window.times();
        while let Some(mark) = marks.get(beside.len()) {
            let count = times.partition_point(|time| *time <= mark.time);
            if count == times.len() {
                break;
            }
            let before = count.checked_sub(1).map_or(last, |at| Some(times[at]));
            beside.push((window.first + count, before == Some(mark.time)));
        }
        last = times.last().copied().or(last);
    })?;
    let rest = marks[beside.len()..].iter().map(|mark| (log.len(), last == Some(mark.time)));
    beside.extend(rest.collect::<Vec<_>>());
    // Between two samples it is hidden where one of them is.
    let then = |(next, is_own): (usize, bool)| {
        next.checked_sub(1).is_some_and(|last| log.is_hidden(last)) || (!is_own && log.is_hidden(next))
    };
    let before = marks.len();
    let mut places_of = beside.into_iter();
    marks.retain_mut(|mark| {
        let is_then = places_of.next().is_some_and(then);
        let own = mark.place.map(|(latitude, longitude)| (f64::from(latitude) / 1e7, f64::from(longitude) / 1e7));
        let near = own.is_some_and(|own| places.iter().any(|place| is_near(place, own)));
        if !near && !is_then {
            return true;
        }
        mark.name.clear();
        mark.place = None;
        mark.kind == MarkKind::Lap
    });
    let count = before - marks.len();
    log.marks = marks;
    Ok((count > 0).then(|| format!("{count} marks are left out: they lie near a place that is private")))
}

fn is_near(place: &PrivatePlace, position: (f64, f64)) -> bool {
    let centre = (f64::from(place.latitude) / 1e7, f64::from(place.longitude) / 1e7);
    length(step(centre, position)) <= place.radius as f64 / 1e3
}

/// A place, and the last sample before with a position: its index and where it
/// is from the place.
struct Near {
    centre: (f64, f64),
    radius: f64,
    before: Option<(usize, [f64; 2])>,
}

/// The samples without a position. Where the straight line between two others
/// leads past a place, the one that is nearer to it is without as well, so that
/// nobody draws the line. A sample whose own position is not known is hidden if
/// a neighbour in time is that has one: nobody knows that it is elsewhere.
fn hidden(log: &Staged<'_>, places: &[PrivatePlace]) -> Result<Hidden, Stopped> {
    let (mut hidden, mut known) = (Hidden::none(log.len()), Hidden::none(log.len()));
    let near = |place: &PrivatePlace| Near {
        centre: (f64::from(place.latitude) / 1e7, f64::from(place.longitude) / 1e7),
        radius: place.radius as f64 / 1e3,
        before: None,
    };
    let mut places: Vec<Near> = places.iter().map(near).collect();
    log.each(&["latitude", "longitude"], Margins::default(), &mut |window| {
        let (Some(latitude), Some(longitude)) = (window.values("latitude"), window.values("longitude")) else { return };
        let positions = latitude.iter().copied().zip(longitude.iter().copied());
        for (at, position) in (window.first..).zip(positions).filter(|(_, (a, b))| a.is_finite() && b.is_finite()) {
            known.add(at);
            for place in &mut places {
                place.pass(at, position, &mut hidden);
            }
        }
    })?;
    spread(&known, &mut hidden, log.len());
    Ok(hidden)
}

impl Near {
    fn pass(&mut self, at: usize, position: (f64, f64), hidden: &mut Hidden) {
        let here = step(self.centre, position);
        let inside = length(here) <= self.radius;
        if inside {
            hidden.add(at);
        }
        if let Some((last, there)) = self.before
            && !inside
            && length(there) > self.radius
            && nearest(there, here) <= self.radius
        {
            hidden.add(if length(there) < length(here) { last } else { at });
        }
        self.before = Some((at, here));
    }
}

/// Samples without a position are hidden beside one that is.
fn spread(known: &Hidden, hidden: &mut Hidden, samples: usize) {
    let mut go = |each: &mut dyn Iterator<Item = usize>| {
        let mut beside = false;
        for at in each {
            if known.has(at) {
                beside = hidden.has(at);
            } else if beside {
                hidden.add(at);
            }
        }
    };
    go(&mut (0..samples));
    go(&mut (0..samples).rev());
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
