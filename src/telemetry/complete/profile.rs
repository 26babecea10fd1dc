//! Tops and ways down of the altitude.

use super::staged::{Margins, Staged};
use crate::base::Unit;
use crate::telemetry::clean::Stopped;

/// Least prominence of a summit, and least height of a descent, in m.
const LEAST: f64 = 20.0;

/// A descent goes on over rises of less than this, in m.
const RISE: f64 = 10.0;

/// A length in tenths of a metre.
fn tenths(metres: f64) -> f64 {
    libm::round(metres * 10.0) / 10.0
}

/// When the tops of the profile are, each with its prominence: how far one has
/// to go down from it, on the side where that is less, before it goes higher up
/// (or the log ends). A top that is flat is where it begins.
pub(super) fn summits(log: &Staged<'_>) -> Result<Vec<(f64, f64)>, Stopped> {
    let mut skyline = Skyline::default();
    log.each(&["altitude"], Margins::default(), &mut |window| {
        let altitude = window.values("altitude").unwrap_or_default();
        let known = window.seconds.iter().zip(altitude).filter(|(_, altitude)| altitude.is_finite());
        known.for_each(|(time, altitude)| skyline.pass(*time, *altitude));
    })?;
    Ok(skyline.end())
}

/// What one sees when one looks back: values that fall, each with what lies
/// between it and its neighbours.
///
/// A value stays until a higher one comes, and then it is known how far it goes
/// down on that side as well. One that is as high as the last and no summit is
/// not kept by itself, so that there are hardly more than different altitudes.
#[derive(Default)]
struct Skyline {
    seen: Vec<Top>,
    found: Vec<(f64, f64)>,
}

struct Top {
    time: f64,
    altitude: f64,
    /// How far it went down since a value as high, or since the start.
    left: f64,
    /// The least since the one before it in the list.
    before: f64,
    /// The least between it and the last that is as high.
    after: f64,
}

impl Skyline {
    fn pass(&mut self, time: f64, altitude: f64) {
        let mut least = altitude;
        while let Some(top) = self.seen.pop_if(|top| top.altitude < altitude) {
            least = least.min(self.close(&top, least));
        }
        let left = altitude - least;
        match self.seen.last_mut() {
            Some(top) if top.altitude == altitude && tenths(left) < LEAST => top.after = top.after.min(least),
            _ => self.seen.push(Top { time, altitude, left, before: least, after: altitude }),
        }
    }

    /// Notes a top if it is a summit; `least` is what comes after it, and the
    /// answer what comes after the one before it.
    fn close(&mut self, top: &Top, least: f64) -> f64 {
        let least = least.min(top.after);
        let prominence = tenths(top.left.min(top.altitude - least.min(top.altitude)));
        if prominence >= LEAST {
            self.found.push((top.time, prominence));
        }
        least.min(top.before)
    }

    fn end(mut self) -> Vec<(f64, f64)> {
        let mut least = f64::INFINITY;
        while let Some(top) = self.seen.pop() {
            least = self.close(&top, least);
        }
        self.found.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        self.found
    }
}

/// Adds a channel that is as high, within each descent, as that goes down in
/// all.
pub(super) fn add_descents(log: &mut Staged<'_>, name: &str) -> Result<(), Stopped> {
    let mut descents = Descents::default();
    log.each(&["altitude"], Margins::default(), &mut |window| {
        let altitude = window.values("altitude").unwrap_or_default();
        let known = (window.first..).zip(altitude).filter(|(_, altitude)| altitude.is_finite());
        known.for_each(|(at, altitude)| descents.pass((at, *altitude)));
    })?;
    descents.close();
    let found = descents.found;
    let (column, _) = log.make(&["altitude"], Margins::default(), &mut |window| {
        let altitude = window.values("altitude").unwrap_or_default();
        let mut next = found.partition_point(|(_, bottom, _)| *bottom < window.first);
        let each = (window.first..).zip(altitude).map(|(at, altitude)| {
            next += usize::from(found.get(next).is_some_and(|(_, bottom, _)| *bottom < at));
            match found.get(next).filter(|(top, ..)| *top <= at) {
                _ if !altitude.is_finite() => f64::NAN,
                Some((_, _, height)) => *height,
                None => 0.0,
            }
        });
        each.collect()
    })?;
    log.push(name, Unit::Metres, column);
    Ok(())
}

/// The descents of a profile: first and last sample, and height. None overlap.
#[derive(Default)]
struct Descents {
    found: Vec<(usize, usize, f64)>,
    top: Option<(usize, f64)>,
    bottom: Option<(usize, f64)>,
}

impl Descents {
    fn pass(&mut self, sample: (usize, f64)) {
        let here = sample.1;
        // One that rises far enough, or higher than it began, has ended.
        let is_over = self.bottom.is_some_and(|(_, bottom)| here - bottom >= RISE)
            || self.top.is_some_and(|(_, top)| here >= top);
        if is_over {
            self.close();
            (self.top, self.bottom) = (Some(sample), None);
        } else if self.bottom.is_none_or(|(_, bottom)| here < bottom) {
            self.top = self.top.or(Some(sample));
            self.bottom = Some(sample);
        }
    }

    fn close(&mut self) {
        let (Some((from, top)), Some((until, bottom))) = (self.top, self.bottom) else { return };
        let height = top - bottom;
        if height >= LEAST && from < until {
            self.found.push((from, until, tenths(height)));
        }
    }
}
