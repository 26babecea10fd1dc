//! Where a camera is and which way it looks at an instant, and the road as it
//! lies ahead of it: which piece of ground each row of the picture shows.
//!
//! The road is projected station by station along its true course. A row of the
//! picture is taken to lie at one distance; for a camera that stands upright
//! over fairly level ground that is exact, and roll is applied to the finished
//! picture.

use autocut::base::Size;

use crate::noise::value;
use crate::plan::CameraName;
use crate::rider::Ride;
use crate::route::Route;
use crate::world::{RIDER_ACROSS, Vehicle, VehicleKind, daylight};

/// Height of the camera above the road in metres.
const EYE: f64 = 1.28;
/// Focal length as a share of the picture's width: about 84 degrees across.
const FOCAL: f32 = 0.555;
/// Nothing nearer than this is drawn, in metres.
pub(crate) const NEAR: f32 = 0.7;
const FAR: f64 = 950.0;

pub(crate) struct Camera {
    pub(crate) size: Size,
    /// In pixels.
    pub(crate) focal: f32,
    pub(crate) centre: (f32, f32),
    pub(crate) east: f64,
    pub(crate) north: f64,
    pub(crate) altitude: f64,
    /// Radians clockwise from north.
    pub(crate) heading: f64,
    /// Tangent of how far it looks up.
    pub(crate) pitch: f32,
    /// Radians, clockwise.
    pub(crate) roll: f32,
    /// Shake in pixels.
    pub(crate) shift: (f32, f32),
    /// Distance of the rider along the road.
    pub(crate) s: f64,
    /// 1 when it looks ahead, -1 when it looks back.
    pub(crate) direction: f64,
    /// m/s.
    pub(crate) speed: f64,
    /// Turns of the cranks, for what moves with the pedals.
    pub(crate) cranks: f64,
}

impl Camera {
    pub(crate) fn new(route: &Route, ride: &Ride, traffic: &[Vehicle], name: CameraName, t: f64, size: Size) -> Self {
        let state = ride.at(t);
        let direction = match name {
            CameraName::Front => 1.0,
            CameraName::Rear => -1.0,
        };
        let here = route.at(state.s);
        let across = rider_across(traffic, t, state.s);
        let (sin, cos) = (libm::sin(here.heading), libm::cos(here.heading));
        // The rear camera hangs lower, under the saddle.
        let eye = if direction > 0.0 { EYE } else { 0.95 };
        let speed = state.speed;
        let pedal = libm::sin(state.cranks * std::f64::consts::TAU) * (state.cadence / 80.0).min(1.0);
        let lean = libm::atan(speed * speed * route.curvature(state.s) / 9.81) * 0.45;
        let gradient = route.gradient(state.s + 1.5 * direction) * direction;
        // Rough asphalt: quick and small, the more the faster.
        let buzz = |seed: u32, rate: f64| value(t * rate, 0.5, seed);
        let rough = 0.35 + speed / 9.0;
        let unit = f64::from(size.height) / 720.0;
        let shake =
            |seed| rough * unit * (1.5 * buzz(seed, 4.3) + 1.1 * buzz(seed + 1, 9.7) + 0.5 * buzz(seed + 2, 21.0));
        let gaze = 0.035 * buzz(60, 0.35) + 0.006 * buzz(61, 1.7);
        let view = if direction > 0.0 { 0.0 } else { std::f64::consts::PI };
        Camera {
            size,
            focal: size.width as f32 * FOCAL,
            centre: (size.width as f32 * 0.5, size.height as f32 * if direction > 0.0 { 0.43 } else { 0.47 }),
            east: here.east + cos * across,
            north: here.north - sin * across,
            altitude: here.altitude + eye + 0.012 * buzz(62, 3.0),
            heading: here.heading + view + gaze + 0.006 * pedal,
            pitch: (gradient * 0.9 + 0.008 * buzz(63, 0.8)) as f32,
            roll: ((lean + 0.014 * pedal) * direction + 0.003 * rough * buzz(64, 2.1)) as f32,
            shift: (shake(65) as f32, (shake(68) + unit * 1.6 * libm::fabs(pedal)) as f32),
            s: state.s,
            direction,
            speed,
            cranks: state.cranks,
        }
    }

    /// Row of the horizon.
    pub(crate) fn horizon(&self) -> f32 {
        self.centre.1 + self.focal * self.pitch
    }

    /// Column and row of a point `x` metres to the right, `rise` above the eye
    /// and `z` ahead.
    pub(crate) fn project(&self, x: f32, rise: f32, z: f32) -> (f32, f32) {
        (self.centre.0 + self.focal * x / z, self.horizon() - self.focal * rise / z)
    }
}

/// Keeps to the right, weaves a little, and swings out around slower cyclists.
fn rider_across(traffic: &[Vehicle], t: f64, s: f64) -> f64 {
    let swing: f64 = traffic
        .iter()
        .filter(|vehicle| matches!(vehicle.kind, VehicleKind::Cyclist(_)) && vehicle.speed > 0.0)
        .map(|vehicle| {
            let apart = (vehicle.at(t) - s) / 9.0;
            libm::exp(-apart * apart)
        })
        .fold(0.0, f64::max);
    f64::from(RIDER_ACROSS) - 1.35 * swing + 0.12 * value(t * 0.3, 0.0, 59)
}

/// The exposure that a camera has settled on: how far it opens up in shade,
/// following with a lag of most of a second.
pub(crate) fn exposure(ride: &Ride, camera: CameraName, t: f64) -> f32 {
    let view = if camera == CameraName::Front { 5.0 } else { -5.0 };
    let (mut sum, mut weights) = (0.0, 0.0);
    for i in 0..30 {
        let ago = f64::from(i) * 0.08;
        let light = daylight(ride.at(t - ago - 0.1).s + view).clamp(0.05, 1.0);
        let weight = libm::exp(-ago / 0.55);
        sum += weight * -0.68 * libm::log(f64::from(light));
        weights += weight;
    }
    libm::exp(sum / weights).min(2.9) as f32
}

/// The road at one distance ahead, as the camera sees it.
#[derive(Clone, Copy)]
pub(crate) struct Station {
    /// Metres along the road from the rider, away from the camera.
    pub(crate) along: f32,
    /// Centre line: metres right of the optical axis, ahead, and above the eye.
    pub(crate) x: f32,
    pub(crate) z: f32,
    pub(crate) rise: f32,
    /// Direction of the road relative to the axis.
    pub(crate) sin: f32,
    pub(crate) cos: f32,
    /// What is drawn at this distance is hidden from this row downwards, by a
    /// crest that is nearer.
    pub(crate) clip: f32,
}

/// What one row of the picture shows of the ground.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) y: usize,
    pub(crate) z: f32,
    pub(crate) along: f32,
    /// Metres of road that the row covers.
    pub(crate) depth: f32,
    /// Column of the road's centre line.
    pub(crate) centre: f32,
    pub(crate) sin: f32,
    pub(crate) cos: f32,
}

pub(crate) struct Ahead {
    stations: Vec<Station>,
    /// From the bottom of the picture to the furthest visible ground.
    pub(crate) rows: Vec<Row>,
    /// The topmost row that shows ground.
    pub(crate) top: f32,
}

impl Ahead {
    pub(crate) fn new(route: &Route, camera: &Camera) -> Self {
        let (sin, cos) = (libm::sin(camera.heading), libm::cos(camera.heading));
        let mut stations: Vec<Station> = Vec::with_capacity(400);
        let mut along = -1.0f64;
        while along < FAR {
            let road = route.at(camera.s + along * camera.direction);
            let (de, dn) = (road.east - camera.east, road.north - camera.north);
            let turn = road.heading - camera.heading + if camera.direction < 0.0 { std::f64::consts::PI } else { 0.0 };
            let station = Station {
                along: along as f32,
                x: (de * cos - dn * sin) as f32,
                z: (de * sin + dn * cos) as f32,
                rise: (road.altitude - camera.altitude) as f32,
                sin: libm::sin(turn) as f32,
                cos: libm::cos(turn) as f32,
                clip: f32::MAX,
            };
            if station.cos < 0.35 || stations.last().is_some_and(|last| station.z <= last.z) {
                break;
            }
            stations.push(station);
            along += (along * 0.022).max(0.12);
        }
        let mut ahead = Ahead { stations, rows: Vec::with_capacity(camera.size.height as usize), top: 0.0 };
        ahead.find_rows(camera);
        ahead
    }

    fn find_rows(&mut self, camera: &Camera) {
        let mut lowest = camera.size.height as f32;
        for i in 1..self.stations.len() {
            let (a, b) = (self.stations[i - 1], self.stations[i]);
            self.stations[i].clip = lowest;
            if b.z < NEAR * 0.5 {
                continue;
            }
            let near = a.z.max(NEAR * 0.4);
            let y_a = camera.project(0.0, a.rise, near).1;
            let y_b = camera.project(0.0, b.rise, b.z).1;
            while lowest > y_b && lowest >= 1.0 {
                let y = lowest - 1.0;
                if y < y_b - 0.5 {
                    break;
                }
                let t = if y_a > y_b { ((y_a - y) / (y_a - y_b)).clamp(0.0, 1.0) } else { 1.0 };
                let z = 1.0 / (1.0 / near + (1.0 / b.z - 1.0 / near) * t);
                let t = if b.z > a.z { ((z - a.z) / (b.z - a.z)).clamp(0.0, 1.0) } else { 1.0 };
                let mix = |a: f32, b: f32| a + (b - a) * t;
                self.rows.push(Row {
                    y: y as usize,
                    z,
                    along: mix(a.along, b.along),
                    depth: (b.along - a.along) / (y_a - y_b).max(0.05),
                    centre: camera.centre.0 + camera.focal * mix(a.x, b.x) / z,
                    sin: mix(a.sin, b.sin),
                    cos: mix(a.cos, b.cos),
                });
                lowest = y;
            }
        }
        self.top = lowest;
    }

    /// How far along the road anything can be seen.
    pub(crate) fn reach(&self) -> f32 {
        self.stations.last().map_or(0.0, |station| station.along)
    }

    /// The station at `along` metres; `None` where the road is not in view.
    pub(crate) fn station(&self, along: f32) -> Option<Station> {
        let i = self.stations.partition_point(|station| station.along < along);
        let (a, b) = (self.stations.get(i.checked_sub(1)?)?, self.stations.get(i)?);
        let t = (along - a.along) / (b.along - a.along);
        let mix = |a: f32, b: f32| a + (b - a) * t;
        Some(Station {
            along,
            x: mix(a.x, b.x),
            z: mix(a.z, b.z),
            rise: mix(a.rise, b.rise),
            sin: mix(a.sin, b.sin),
            cos: mix(a.cos, b.cos),
            clip: b.clip,
        })
    }
}

impl Station {
    /// `x` and `z` of a place `across` metres to the right of the centre line,
    /// as a rider sees right.
    pub(crate) fn beside(&self, across: f32, direction: f64) -> (f32, f32) {
        let right = across * direction as f32;
        (self.x + right * self.cos, self.z - right * self.sin)
    }
}
