//! A map without tiles: the route, the part of it that is travelled, and where
//! one is.
//!
//! Layers: the plate with the whole route; the travelled part, which grows in
//! steps that the dot hides; the dot.

use crate::base::Diagnostic;
use crate::manifest::checker::Checker;
use crate::manifest::schema::{choices, schema};
use crate::manifest::tree::Node;
use crate::manifest::values::{Anchor, Rgba, Share};
use crate::model::Telemetry;
use crate::model::overlay::Shown;
use crate::overlay::marker::{dots, quarters};
use crate::overlay::picture::{Mark, Picture, Spot, sixteenths};
use crate::overlay::route::{Area, Projection, Stop, crop, nearest_on, simplify, stretches};
use crate::overlay::scene::{Scene, layer, still};
use crate::overlay::style::{AMBER, INK, Layout, Placement, Plate, spot};

choices! {
    /// What a map or a profile shows all of.
    pub enum Extent = "an extent" {
        /// The whole log.
        Ride,
        /// The clip that is seen, and what lies around it.
        Clip,
    }
}

schema! {
    /// A small map without tiles: the route as a line, the travelled part in the accent colour, a dot
    /// where the camera is. North is up. Gaps in the log stay open.
    ///
    /// ```ron
    /// Map(fit: Ride, anchor: TopRight, size: "26%")
    /// ```
    pub struct Map = "Map", check = Map::check {
        /// `Ride` shows the whole route, `Clip` the surroundings of the clip that is seen.
        fit: Extent = Extent::Ride,
        /// Where it stands.
        anchor: Anchor = Anchor::TopRight,
        /// Its distance from the frame's edges.
        margin: Share = Share::percent(4),
        /// Moves it to the right.
        x: Share = Share::percent(0),
        /// Moves it down.
        y: Share = Share::percent(0),
        /// Its width and height.
        size: Share = Share::percent(26),
        /// The colour of the travelled part.
        accent: Rgba = AMBER,
    }
}

/// How wide the land on a map is at least, in metres: the noise of a receiver
/// at rest must not look like a ride.
const LEAST_EXTENT: f64 = 50.0;

/// What can be left out of the route, in pixels.
const TOLERANCE: f64 = 0.35;

impl Map {
    fn check(&self, node: &Node, checker: &mut Checker) {
        super::check_size(self.size, node, checker);
    }

    /// The channels that it needs.
    pub(super) fn channels(&self) -> Vec<String> {
        vec!["latitude".to_owned(), "longitude".to_owned()]
    }

    /// It always shows the log.
    pub(super) fn is_still(&self) -> bool {
        false
    }

    pub(super) fn show(&self, scene: &Scene<'_>) -> Result<Shown, Diagnostic> {
        let found = scene.telemetry.and_then(|telemetry| Some((telemetry, Projection::of(telemetry)?)));
        let Some((telemetry, projection)) = found else { return Ok(Shown::default()) };
        let layout = Layout { frame: scene.frame };
        let side = layout.width(self.size, self.margin, 1.0);
        let placement = Placement { anchor: self.anchor, margin: self.margin, x: self.x, y: self.y };
        let plate = layout.plate(placement, side, side);
        let Some(view) = self.view(scene, telemetry, &projection, &plate) else { return Ok(Shown::default()) };
        let route: Vec<Vec<Stop>> =
            stretches(telemetry, &projection).iter().map(|s| simplify(&view.all(s), TOLERANCE)).collect();
        let start = route.first().and_then(|stops| stops.first()).copied();
        // A line just outside of the plate still reaches in with its width.
        let area = Area::around(&plate, side * 0.03);
        let route: Vec<Vec<Stop>> = route.iter().flat_map(|stops| crop(stops, &area)).collect();

        let (corner, thin, thick, radius) = (side * 0.075, side * 0.0135, side * 0.0185, side * 0.034);
        let window = Mark::Window { panel: plate.panel(1.0, corner - 1.0) };
        let mut marks = vec![plate.mark(corner), window.clone()];
        let line =
            |points: Vec<Spot>, width: f64, colour: Rgba| Mark::Line { points, width: sixteenths(width), colour };
        let points = |stops: &[Stop]| stops.iter().map(|s| spot(s.x, s.y)).collect::<Vec<_>>();
        marks.extend(route.iter().map(|s| line(points(s), thin, UNTRAVELLED)));
        let begin = start.map(|start| {
            let disc = |share: f64, colour| Mark::Dot {
                centre: spot(start.x, start.y),
                radius: sixteenths(radius * share),
                colour,
            };
            [disc(0.62, INK), disc(0.34, Rgba::opaque(30, 36, 44))]
        });
        marks.extend(begin.iter().flatten().cloned());

        let place = |n: u32| {
            let (lat, lon) = (scene.value("latitude", n)?, scene.value("longitude", n)?);
            let (x, y) = projection.project(lat, lon);
            Some(view.place(x, y))
        };
        let places: Vec<Option<(f64, f64)>> = (0..scene.frames).map(place).collect();
        let travelled = Travelled::new(&route, radius * 0.7);
        let steps: Vec<Option<i32>> = (0..scene.frames)
            .map(|n| scene.time(n).map(|time| travelled.step(time, places[n as usize])).filter(|step| *step > 0))
            .collect();
        let layers = vec![
            still(scene.frames, Picture { size: plate.size, marks }, plate.at),
            layer(
                scene.frames,
                |n| steps[n as usize],
                |step| {
                    let lines = travelled.until(*step);
                    let lines = lines.iter().map(|stops| line(points(stops), thick, self.accent));
                    let begin = begin.iter().flatten().cloned();
                    let marks = std::iter::once(window.clone()).chain(lines).chain(begin).collect();
                    (Picture { size: plate.size, marks }, plate.at)
                },
            ),
            dots(&self.in_frame(&places, &plate), radius, self.accent),
        ];
        Ok(Shown { layers })
    }

    /// Places in the picture as places in the frame; a dot that has left the
    /// plate is not shown.
    fn in_frame(&self, places: &[Option<(f64, f64)>], plate: &Plate) -> Vec<Option<(i32, i32)>> {
        let inside = |(x, y): &(f64, f64)| {
            let (dx, dy) = (x - plate.left, y - plate.top);
            (0.0..=plate.width).contains(&dx) && (0.0..=plate.height).contains(&dy)
        };
        let moved = |(x, y)| quarters(f64::from(plate.at.x) + x, f64::from(plate.at.y) + y);
        places.iter().map(|place| place.filter(inside).map(moved)).collect()
    }

    /// What the plate shows.
    fn view(&self, scene: &Scene<'_>, telemetry: &Telemetry, projection: &Projection, plate: &Plate) -> Option<View> {
        let all = stretches(telemetry, projection);
        let clip = scene.clip.filter(|_| self.fit == Extent::Clip);
        let within = |stop: &&Stop| clip.is_none_or(|(from, until)| (from..=until).contains(&stop.time));
        let mut bounds = Bounds::default();
        all.iter().flatten().filter(within).for_each(|stop| bounds.add(stop.x, stop.y));
        if bounds.least.is_none() {
            // The log has nothing under the clip: the whole of it then.
            all.iter().flatten().for_each(|stop| bounds.add(stop.x, stop.y));
        }
        let ((x0, y0), (x1, y1)) = bounds.least.zip(bounds.most)?;
        let (margin, air) = if clip.is_some() { (0.16, 1.35) } else { (0.11, 1.0) };
        let extent = ((x1 - x0).max(y1 - y0) * air) / (1.0 - 2.0 * margin);
        Some(View {
            scale: plate.width / extent.max(LEAST_EXTENT),
            from: ((x0 + x1) / 2.0, (y0 + y1) / 2.0),
            to: (plate.left + plate.width / 2.0, plate.top + plate.height / 2.0),
        })
    }
}

/// The part of the route that is not travelled yet.
const UNTRAVELLED: Rgba = Rgba::new(255, 255, 255, 150);

#[derive(Default)]
struct Bounds {
    least: Option<(f64, f64)>,
    most: Option<(f64, f64)>,
}

impl Bounds {
    fn add(&mut self, x: f64, y: f64) {
        let (lx, ly) = self.least.unwrap_or((x, y));
        let (mx, my) = self.most.unwrap_or((x, y));
        self.least = Some((lx.min(x), ly.min(y)));
        self.most = Some((mx.max(x), my.max(y)));
    }
}

/// From metres to pixels of the picture.
struct View {
    scale: f64,
    from: (f64, f64),
    to: (f64, f64),
}

impl View {
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        ((x - self.from.0) * self.scale + self.to.0, (y - self.from.1) * self.scale + self.to.1)
    }

    fn all(&self, stops: &[Stop]) -> Vec<Stop> {
        // On a grid of quarters of a pixel, before anything is left out, so
        // that what cannot be seen does not decide which points stay.
        let snapped = |pixels: f64| libm::round(pixels * 4.0) / 4.0;
        let place = |stop: &Stop| {
            let (x, y) = self.place(stop.x, stop.y);
            Stop { x: snapped(x), y: snapped(y), ..*stop }
        };
        stops.iter().map(place).collect()
    }
}

/// How far along the route one is, in steps that lie on a grid of the whole
/// route: two segments of a film that show the same step show one picture.
struct Travelled<'a> {
    route: &'a [Vec<Stop>],
    /// Length of the route up to each stop, in pixels.
    lengths: Vec<Vec<f64>>,
    step: f64,
}

impl<'a> Travelled<'a> {
    fn new(route: &'a [Vec<Stop>], step: f64) -> Self {
        let mut total = 0.0;
        let mut lengths = Vec::with_capacity(route.len());
        for stretch in route {
            let mut along = Vec::with_capacity(stretch.len());
            for (index, stop) in stretch.iter().enumerate() {
                if let Some(before) = index.checked_sub(1).map(|i| stretch[i]) {
                    total += libm::hypot(stop.x - before.x, stop.y - before.y);
                }
                along.push(total);
            }
            lengths.push(along);
        }
        Travelled { route, lengths, step: step.max(1.0) }
    }

    /// The step reached at `time`; `place` is where one is then, if known.
    fn step(&self, time: i64, place: Option<(f64, f64)>) -> i32 {
        let stretch = self.route.partition_point(|stops| stops.first().is_some_and(|s| s.time <= time));
        let Some(stretch) = stretch.checked_sub(1) else { return 0 };
        let (stops, along) = (&self.route[stretch], &self.lengths[stretch]);
        let Some(index) = stops.partition_point(|s| s.time <= time).checked_sub(1) else { return 0 };
        let reached = match (stops.get(index + 1), place) {
            (Some(next), Some((x, y))) => {
                let (share, _) = nearest_on(&stops[index], next, x, y);
                along[index] + (along[index + 1] - along[index]) * share
            }
            _ => along[index],
        };
        libm::floor(reached / self.step) as i32
    }

    /// The lines up to `step`.
    fn until(&self, step: i32) -> Vec<Vec<Stop>> {
        let length = f64::from(step) * self.step;
        let mut lines = Vec::new();
        for (stops, along) in self.route.iter().zip(&self.lengths) {
            if along.first().is_none_or(|first| *first >= length) {
                break;
            }
            let whole = along.partition_point(|at| *at <= length);
            let mut line = stops[..whole].to_vec();
            if let (Some(last), Some(next)) = (line.last().copied(), stops.get(whole)) {
                let share = (length - along[whole - 1]) / (along[whole] - along[whole - 1]).max(1e-9);
                line.push(Stop {
                    x: last.x + (next.x - last.x) * share,
                    y: last.y + (next.y - last.y) * share,
                    ..last
                });
            }
            lines.push(line);
        }
        lines
    }
}
