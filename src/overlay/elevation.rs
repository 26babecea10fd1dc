//! The profile of the ride: altitude over distance, the travelled part filled
//! with the accent colour, a dot where one is; altitude and climb as numbers.
//!
//! Layers: the plate with the whole profile and the climb; the travelled part
//! in steps of a pixel; the dot; the altitude.

use crate::base::{Diagnostic, Unit};
use crate::manifest::checker::Checker;
use crate::manifest::schema::schema;
use crate::manifest::tree::Node;
use crate::manifest::values::{Anchor, Rgba, Share};
use crate::model::Telemetry;
use crate::model::overlay::Shown;
use crate::overlay::figures::{Readout, digits};
use crate::overlay::map::Extent;
use crate::overlay::marker::{dots, quarters};
use crate::overlay::picture::{Align, Mark, Picture, Spot, sixteenths};
use crate::overlay::scene::{Scene, layer, still};
use crate::overlay::shaping::Face;
use crate::overlay::style::{
    AMBER, DASH, INK, Layout, Placement, QUIET, UNKNOWN, alpha, cap_height, fitting, spot, text_width,
};

schema! {
    /// The profile of the ride: altitude over distance (over time where the log has no distance), the
    /// travelled part filled, a dot where the camera is, the altitude and the metres climbed in all.
    ///
    /// ```ron
    /// Elevation(anchor: BottomRight, size: "46%")
    /// ```
    pub struct Elevation = "Elevation", check = Elevation::check {
        /// `Ride` shows the whole profile, `Clip` that of the clip that is seen.
        fit: Extent = Extent::Ride,
        /// The unit of altitude and climb: `"m"` or `"ft"`.
        unit: Option<Unit> = None,
        /// Where it stands.
        anchor: Anchor = Anchor::BottomRight,
        /// Its distance from the frame's edges.
        margin: Share = Share::percent(4),
        /// Moves it to the right.
        x: Share = Share::percent(0),
        /// Moves it down.
        y: Share = Share::percent(0),
        /// Its width.
        size: Share = Share::percent(46),
        /// The colour of the travelled part.
        accent: Rgba = AMBER,
    }
}

/// About how high the plate is for its width.
const ASPECT: f64 = 0.4;

/// What a profile spans at least, in metres: flat land must look flat.
const LEAST_HEIGHT: f64 = 40.0;

/// A rise counts as climbed only above this, in metres, so that a barometer's
/// noise does not add up.
const CLIMB_STEP: f64 = 3.0;

impl Elevation {
    fn check(&self, node: &Node, checker: &mut Checker) {
        super::check_size(self.size, node, checker);
    }

    /// The channels that it needs.
    pub(super) fn channels(&self) -> Vec<String> {
        vec!["altitude".to_owned()]
    }

    /// It always shows the log.
    pub(super) fn is_still(&self) -> bool {
        false
    }

    pub(super) fn show(&self, scene: &Scene<'_>) -> Result<Shown, Diagnostic> {
        let readout = Readout::new(scene.telemetry, "altitude", self.unit, Some(0))?;
        let layout = Layout { frame: scene.frame };
        let width = layout.width(self.size, self.margin, ASPECT);
        let pad = width * 0.045;
        let small = layout.text(width * 0.055);
        let large = layout.text(width * 0.1);
        let header = cap_height(Face::Figures, large);
        let placement = Placement { anchor: self.anchor, margin: self.margin, x: self.x, y: self.y };
        let plate = layout.plate(placement, width, width * 0.2 + header + pad * 2.6);
        let (left, right) = (plate.left + pad, plate.left + plate.width - pad);
        let baseline = plate.top + pad * 1.05 + header;
        let (crest, foot) = (baseline + pad * 0.95, plate.top + plate.height - pad * 0.6);

        let axis = scene.telemetry.and_then(|telemetry| Axis::of(telemetry, self.fit, scene.clip));
        let columns = libm::floor(right - left).max(1.0) as usize;
        let profile = axis.as_ref().map(|axis| Profile::of(axis, columns, left, crest, foot)).unwrap_or_default();

        let mut marks = vec![plate.mark(width * 0.04)];
        let bottom = sixteenths(foot);
        let fill = |points: Vec<Spot>, colour: Rgba, faded: u8| {
            let foot = alpha(colour, faded);
            Mark::Fill { points, top: sixteenths(crest), bottom, colour: alpha(colour, 190), foot }
        };
        let line = |points: Vec<Spot>, width: f64, colour| Mark::Line { points, width: sixteenths(width), colour };
        let thin = (width * 0.0055).max(1.5);
        for ridge in profile.ridges(columns) {
            marks.push(fill(closed(&ridge, bottom), Rgba::new(104, 117, 134, 255), 60));
            marks.push(line(ridge, thin, alpha(INK, 170)));
        }
        let text = |at: Spot, align, face, size: f64, colour, text: &str| Mark::Text {
            at,
            align,
            face,
            size: sixteenths(size),
            colour,
            text: text.to_owned(),
        };
        if let Some(climb) = scene.telemetry.and_then(climb) {
            let climb = readout.convert(climb) - readout.convert(0.0);
            let climb = format!("\u{2191}\u{2009}{} {}", digits(climb, 0), readout.unit.symbol());
            let size = fitting(Face::Text, &[&climb], small, (right - left) * 0.6);
            marks.push(text(spot(right, baseline), Align::Right, Face::Text, layout.text(size), QUIET, &climb));
        }

        let place = |n: u32| axis.as_ref().and_then(|axis| axis.place(scene, n)).map(|share| share * columns as f64);
        let places: Vec<Option<f64>> = (0..scene.frames).map(place).collect();
        let dot = |at: &Option<f64>| {
            let x = at.filter(|at| (0.0..=columns as f64).contains(at))?;
            let y = profile.height(x)?;
            Some(quarters(f64::from(plate.at.x) + left + x, f64::from(plate.at.y) + y))
        };
        let dots_at: Vec<_> = places.iter().map(dot).collect();
        let values: Vec<Option<String>> =
            (0..scene.frames).map(|n| scene.value("altitude", n).map(|value| readout.text(value))).collect();
        let layers = vec![
            still(scene.frames, Picture { size: plate.size, marks }, plate.at),
            layer(
                scene.frames,
                |n| {
                    places[n as usize]
                        .map(|at| libm::round(at.clamp(0.0, columns as f64)) as usize)
                        .filter(|at| *at > 0)
                },
                |until| {
                    let ridges = profile.ridges(*until);
                    let marks = ridges.into_iter().flat_map(|ridge| {
                        [fill(closed(&ridge, bottom), self.accent, 70), line(ridge, thin * 1.3, self.accent)]
                    });
                    (Picture { size: plate.size, marks: marks.collect() }, plate.at)
                },
            ),
            dots(&dots_at, (width * 0.0165).max(4.0), self.accent),
            layer(
                scene.frames,
                |n| Some(values[n as usize].as_deref()),
                |value| {
                    let (value, colour) = value.map_or((DASH, UNKNOWN), |value| (value, INK));
                    let unit = left + text_width(Face::Figures, value, large) + small * 0.28;
                    let marks = vec![
                        text(spot(left, baseline), Align::Left, Face::Figures, large, colour, value),
                        text(spot(unit, baseline), Align::Left, Face::Text, small, QUIET, readout.unit.symbol()),
                    ];
                    (Picture { size: plate.size, marks }, plate.at)
                },
            ),
        ];
        Ok(Shown { layers })
    }
}

/// A ridge with its area: down to the foot and back.
fn closed(ridge: &[Spot], bottom: i32) -> Vec<Spot> {
    let ends = ridge.first().zip(ridge.last());
    let feet = ends.map(|(first, last)| [(last.0, bottom), (first.0, bottom)]);
    ridge.iter().copied().chain(feet.into_iter().flatten()).collect()
}

/// What the profile runs along, and what it shows of it.
struct Axis<'a> {
    telemetry: &'a Telemetry,
    altitude: &'a [f64],
    /// Metres of distance, or `None` for time.
    distance: Option<&'a [f64]>,
    from: f64,
    until: f64,
}

impl<'a> Axis<'a> {
    fn of(telemetry: &'a Telemetry, fit: Extent, clip: Option<(i64, i64)>) -> Option<Axis<'a>> {
        let altitude = &telemetry.channel("altitude")?.values;
        let distance = telemetry.channel("distance").map(|channel| channel.values.as_slice());
        let distance = distance.filter(|values| values.iter().any(|v| v.is_finite()));
        let mut axis = Axis { telemetry, altitude, distance, from: f64::MAX, until: f64::MIN };
        let clip = clip.filter(|_| fit == Extent::Clip);
        for (index, time) in telemetry.times.iter().enumerate() {
            let seen = clip.is_none_or(|(from, until)| (from..=until).contains(time));
            if let Some(at) = axis.at(index).filter(|_| seen) {
                (axis.from, axis.until) = (axis.from.min(at), axis.until.max(at));
            }
        }
        (axis.from < axis.until).then_some(axis)
    }

    /// Sample `index` on the axis.
    fn at(&self, index: usize) -> Option<f64> {
        match self.distance {
            Some(distance) => distance.get(index).copied().filter(|v| v.is_finite()),
            None => self.telemetry.times.get(index).map(|time| *time as f64),
        }
    }

    /// Where frame `n` lies, 0 to 1 within what is shown.
    fn place(&self, scene: &Scene<'_>, n: u32) -> Option<f64> {
        let at = match self.distance {
            Some(_) => scene.value("distance", n)?,
            None => {
                scene.value("altitude", n)?;
                scene.time(n)? as f64
            }
        };
        Some((at - self.from) / (self.until - self.from))
    }
}

/// The profile's height in each column, in pixels of the picture.
#[derive(Default)]
struct Profile {
    left: f64,
    /// At the edges of columns, so one more than there are columns.
    heights: Vec<Option<f64>>,
}

impl Profile {
    fn of(axis: &Axis<'_>, columns: usize, left: f64, crest: f64, foot: f64) -> Profile {
        let mut sums = vec![(0.0, 0u32); columns + 1];
        // Whether the way from this column to the next is known.
        let mut known = vec![false; columns + 1];
        let mut breaks = axis.telemetry.breaks.iter().map(|index| *index as usize).peekable();
        let mut before: Option<usize> = None;
        for index in 0..axis.altitude.len() {
            let broken = std::iter::from_fn(|| breaks.next_if(|at| *at <= index)).count() > 0;
            let Some((at, altitude)) = axis.at(index).zip(axis.altitude.get(index)) else { continue };
            let share = (at - axis.from) / (axis.until - axis.from);
            if !altitude.is_finite() || !(0.0..=1.0).contains(&share) {
                continue;
            }
            let column = libm::round(share * columns as f64) as usize;
            sums[column] = (sums[column].0 + altitude, sums[column].1 + 1);
            if let Some(before) = before.filter(|before| !broken && *before < column) {
                known[before..column].fill(true);
            }
            before = Some(column);
        }
        let means: Vec<Option<f64>> = sums.iter().map(|(sum, n)| (*n > 0).then(|| sum / f64::from(*n))).collect();
        let filled = fill_known(&means, &known);
        let finite = || filled.iter().flatten().copied();
        let (Some(low), Some(high)) = (finite().reduce(f64::min), finite().reduce(f64::max)) else {
            return Profile::default();
        };
        let span = (high - low).max(LEAST_HEIGHT);
        let low = (low + high - span) / 2.0;
        // The lowest point stands a little above the foot: it is land, too.
        let y = |altitude: f64| foot - (foot - crest) * (0.14 + 0.86 * (altitude - low) / span);
        Profile { left, heights: filled.iter().map(|altitude| altitude.map(y)).collect() }
    }

    /// The connected lines from the left up to column `until`.
    fn ridges(&self, until: usize) -> Vec<Vec<Spot>> {
        let upto = &self.heights[..self.heights.len().min(until + 1)];
        let mut ridges: Vec<Vec<Spot>> = vec![Vec::new()];
        for (column, height) in upto.iter().enumerate() {
            match (height, ridges.last_mut()) {
                (Some(y), Some(ridge)) => ridge.push(spot(self.left + column as f64, *y)),
                (None, Some(ridge)) if !ridge.is_empty() => ridges.push(Vec::new()),
                _ => {}
            }
        }
        ridges.retain(|ridge| ridge.len() > 1);
        ridges
    }

    /// The height at `x` pixels from the left; `None` where it is not known.
    fn height(&self, x: f64) -> Option<f64> {
        let column = libm::floor(x) as usize;
        let here = (*self.heights.get(column)?)?;
        let next = self.heights.get(column + 1).copied().flatten().unwrap_or(here);
        Some(here + (next - here) * (x - column as f64))
    }
}

/// Columns without a sample between two that have one are on the straight line
/// between them, where the way is known.
fn fill_known(means: &[Option<f64>], known: &[bool]) -> Vec<Option<f64>> {
    let mut filled = means.to_vec();
    let with: Vec<(usize, f64)> = means.iter().enumerate().filter_map(|(at, mean)| Some((at, (*mean)?))).collect();
    for pair in with.windows(2) {
        let ((from, a), (to, b)) = (pair[0], pair[1]);
        if known[from..to].iter().all(|known| *known) {
            for (step, slot) in filled[from..to].iter_mut().enumerate() {
                *slot = Some(a + (b - a) * step as f64 / (to - from) as f64);
            }
        }
    }
    filled
}

/// Metres climbed in all, rises below [`CLIMB_STEP`] left out.
fn climb(telemetry: &Telemetry) -> Option<f64> {
    let altitude = telemetry.channel("altitude")?;
    let mut known = altitude.values.iter().copied().filter(|v| v.is_finite());
    let mut lowest = known.next()?;
    let mut total = 0.0;
    for value in known {
        if value - lowest >= CLIMB_STEP {
            total += value - lowest;
            lowest = value;
        }
        lowest = lowest.min(value);
    }
    Some(total)
}
