//! The road: a closed loop in the hills above a lake, invented. Everything that
//! is drawn, logged or stated as truth follows from its heading and altitude.

use crate::noise::{Rng, value};

/// Where metres become degrees: a place on the north shore of Lake Constance.
const ORIGIN: (f64, f64) = (47.7105, 9.2580);
const METRES_PER_DEGREE: f64 = 111_194.9;

/// The lake's surface in metres above the sea.
pub(crate) const LAKE: f64 = 395.0;

/// Rough shape of the loop, in metres east and north of [`ORIGIN`]. The lake
/// lies to the south.
const SHAPE: &[(f64, f64)] = &[
    (0.0, 0.0),
    (-480.0, 60.0),
    (-940.0, 260.0),
    (-1180.0, 640.0),
    (-840.0, 960.0),
    (-1010.0, 1330.0),
    (-1330.0, 1560.0),
    (-1010.0, 1980.0),
    (-480.0, 1800.0),
    (-190.0, 1480.0),
    (180.0, 1620.0),
    (300.0, 2040.0),
    (760.0, 2070.0),
    (960.0, 1640.0),
    (850.0, 1240.0),
    (1260.0, 980.0),
    (1640.0, 760.0),
    (1780.0, 380.0),
    (1500.0, 20.0),
    (1020.0, -130.0),
    (500.0, -110.0),
];

/// Altitude above the lake at distances along the road, in metres.
const PROFILE: &[(f64, f64)] = &[
    (0.0, 9.0),
    (500.0, 8.0),
    (900.0, 18.0),
    (1500.0, 52.0),
    (1850.0, 50.0),
    (2150.0, 64.0),
    (2750.0, 116.0),
    (3050.0, 137.0),
    (3450.0, 144.0),
    (3850.0, 141.0),
    (4150.0, 124.0),
    (4550.0, 90.0),
    (4950.0, 54.0),
    (5250.0, 40.0),
    (5600.0, 60.0),
    (5900.0, 44.0),
    (6200.0, 24.0),
    (6600.0, 17.0),
    (6900.0, 16.0),
    (7300.0, 8.0),
    (7700.0, 11.0),
];

/// The length of road that [`PROFILE`] spans; the real loop is close to it.
const PROFILE_LENGTH: f64 = 8_400.0;

/// A point on the road's centre line.
#[derive(Clone, Copy)]
pub(crate) struct RoadPoint {
    /// Metres east and north of the origin.
    pub(crate) east: f64,
    pub(crate) north: f64,
    /// Metres above the sea.
    pub(crate) altitude: f64,
    /// Radians clockwise from north, in the direction of travel; it goes on
    /// counting past a whole turn.
    pub(crate) heading: f64,
}

/// The loop, sampled at every metre.
pub(crate) struct Route {
    points: Vec<RoadPoint>,
}

/// Metres between the points that the road bends around.
const BEND: f64 = 140.0;

/// The bends that are left out, so that the tunnel is straight: their first and
/// last number.
const STRAIGHT: (usize, usize) = (43, 49);

impl Route {
    pub(crate) fn new() -> Self {
        let coarse = along(&spline(SHAPE, 64), BEND);
        let mut rng = Rng(0x5EED_0001);
        let mut bends: Vec<(f64, f64)> = (0..coarse.len())
            .map(|i| {
                let (before, after) = (coarse[(i + coarse.len() - 1) % coarse.len()], coarse[(i + 1) % coarse.len()]);
                let (dx, dy) = (after.0 - before.0, after.1 - before.1);
                let side = rng.range(-52.0, 52.0) / (dx * dx + dy * dy).sqrt();
                (coarse[i].0 - dy * side, coarse[i].1 + dx * side)
            })
            .collect();
        straighten(&mut bends);
        let line = along(&spline(&bends, 64), 1.0);
        let length = line.len() as f64;
        let heights = profile(length);
        let mut points: Vec<RoadPoint> = Vec::with_capacity(line.len() + 1);
        for i in 0..=line.len() {
            let (here, next) = (line[i % line.len()], line[(i + 1) % line.len()]);
            let mut heading = libm::atan2(next.0 - here.0, next.1 - here.1);
            if let Some(last) = points.last() {
                let turns = (last.heading - heading) / std::f64::consts::TAU;
                heading += turns.round() * std::f64::consts::TAU;
            }
            let altitude = LAKE + heights[i % heights.len()];
            points.push(RoadPoint { east: here.0, north: here.1, altitude, heading });
        }
        smooth_headings(&mut points);
        Route { points }
    }

    /// Metres once round.
    pub(crate) fn length(&self) -> f64 {
        (self.points.len() - 1) as f64
    }

    /// The road at distance `s` metres from the start; wraps around.
    pub(crate) fn at(&self, s: f64) -> RoadPoint {
        let s = s.rem_euclid(self.length());
        let i = (s as usize).min(self.points.len() - 2);
        let (a, b, t) = (self.points[i], self.points[i + 1], s - i as f64);
        let mix = |a: f64, b: f64| a + (b - a) * t;
        RoadPoint {
            east: mix(a.east, b.east),
            north: mix(a.north, b.north),
            altitude: mix(a.altitude, b.altitude),
            heading: mix(a.heading, b.heading),
        }
    }

    /// Rise over run at `s`, positive uphill.
    pub(crate) fn gradient(&self, s: f64) -> f64 {
        (self.at(s + 3.0).altitude - self.at(s - 3.0).altitude) / 6.0
    }

    /// Radians per metre at `s`, positive to the right.
    pub(crate) fn curvature(&self, s: f64) -> f64 {
        let turn = self.at(s + 4.0).heading - self.at(s - 4.0).heading;
        libm::remainder(turn, std::f64::consts::TAU) / 8.0
    }
}

/// Latitude and longitude in degrees of a place in metres from the origin, on a
/// sphere.
pub(crate) fn geographic(east: f64, north: f64) -> (f64, f64) {
    let latitude = ORIGIN.0 + north / METRES_PER_DEGREE;
    let longitude = ORIGIN.1 + east / (METRES_PER_DEGREE * libm::cos(ORIGIN.0.to_radians()));
    (latitude, longitude)
}

/// A closed uniform cubic B-spline: smooth in its curvature, which is what
/// makes a road comfortable. `steps` points for each control point.
fn spline(control: &[(f64, f64)], steps: usize) -> Vec<(f64, f64)> {
    let count = control.len();
    let mut line = Vec::with_capacity(count * steps);
    for i in 0..count {
        for step in 0..steps {
            let t = step as f64 / steps as f64;
            let basis = [
                (1.0 - t) * (1.0 - t) * (1.0 - t) / 6.0,
                (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
                (-3.0 * t * t * t + 3.0 * t * t + 3.0 * t + 1.0) / 6.0,
                t * t * t / 6.0,
            ];
            let mut point = (0.0, 0.0);
            for (k, weight) in basis.iter().enumerate() {
                let p = control[(i + k + count - 1) % count];
                point = (point.0 + weight * p.0, point.1 + weight * p.1);
            }
            line.push(point);
        }
    }
    line
}

/// A closed line sampled again at equal distances of about `step` metres.
fn along(line: &[(f64, f64)], step: f64) -> Vec<(f64, f64)> {
    let mut total = vec![0.0];
    for i in 0..line.len() {
        let (a, b) = (line[i], line[(i + 1) % line.len()]);
        total.push(total[i] + ((b.0 - a.0) * (b.0 - a.0) + (b.1 - a.1) * (b.1 - a.1)).sqrt());
    }
    let length = total[line.len()];
    let count = (length / step).round().max(3.0) as usize;
    let mut out = Vec::with_capacity(count);
    let mut i = 0;
    for n in 0..count {
        let s = length * n as f64 / count as f64;
        while total[i + 1] < s {
            i += 1;
        }
        let t = (s - total[i]) / (total[i + 1] - total[i]).max(1e-9);
        let (a, b) = (line[i], line[(i + 1) % line.len()]);
        out.push((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t));
    }
    out
}

/// Puts the tunnel's bends on one line, at equal distances: a spline through
/// such points is straight.
fn straighten(bends: &mut [(f64, f64)]) {
    let (first, last) = STRAIGHT;
    let (a, b) = (bends[first], bends[last]);
    for (i, bend) in bends.iter_mut().enumerate().take(last + 1).skip(first) {
        let t = (i - first) as f64 / (last - first) as f64;
        *bend = (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
    }
}

/// A running mean over 13 m of the headings, so that no kink of the sampling
/// shows as a jerk.
fn smooth_headings(points: &mut [RoadPoint]) {
    let count = points.len() - 1;
    let turn = points[count].heading - points[0].heading;
    let raw: Vec<f64> = points.iter().map(|p| p.heading).collect();
    let at = |i: isize| {
        let laps = i.div_euclid(count as isize);
        raw[i.rem_euclid(count as isize) as usize] + turn * laps as f64
    };
    for (i, point) in points.iter_mut().enumerate() {
        point.heading = (-6..=6).map(|k| at(i as isize + k)).sum::<f64>() / 13.0;
    }
}

/// Altitude above the lake at every metre: the knots of [`PROFILE`], rounded
/// off over 160 m, with the small swells that any road has.
fn profile(length: f64) -> Vec<f64> {
    let count = length as usize;
    let scale = length / PROFILE_LENGTH;
    let raw: Vec<f64> = (0..count)
        .map(|i| {
            let s = i as f64 / scale;
            let after = PROFILE.iter().position(|knot| knot.0 > s);
            let (a, b) = match after {
                Some(k) => (PROFILE[k - 1], PROFILE[k]),
                None => (PROFILE[PROFILE.len() - 1], (PROFILE_LENGTH, PROFILE[0].1)),
            };
            a.1 + (b.1 - a.1) * (s - a.0) / (b.0 - a.0)
        })
        .collect();
    let blurred = blurred(&blurred(&raw, 80), 80);
    (0..count)
        .map(|i| {
            let phase = i as f64 * std::f64::consts::TAU / length;
            let (x, y) = (libm::cos(phase) * 18.0, libm::sin(phase) * 18.0);
            blurred[i] + 0.9 * value(x, y, 77)
        })
        .collect()
}

fn blurred(closed: &[f64], half: usize) -> Vec<f64> {
    let count = closed.len();
    let mut sum: f64 = (0..=2 * half).map(|k| closed[(k + count - half) % count]).sum();
    (0..count)
        .map(|i| {
            let mean = sum / (2 * half + 1) as f64;
            sum += closed[(i + half + 1) % count] - closed[(i + count - half) % count];
            mean
        })
        .collect()
}
