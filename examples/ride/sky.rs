//! What is far away: sky and clouds, three chains of hills, and the plain and
//! the lake below them. All of it turns with the heading; the hills also shift
//! as the rider moves, the nearer the more.

use std::f64::consts::TAU;

use crate::camera::{Ahead, Camera};
use crate::canvas::{Canvas, HAZE};
use crate::noise::{fractal, hash, smoothstep, unit, value};
use crate::pixel::{blend, opaque};
use crate::route::LAKE;

/// The sky once around, in columns and rows; the lowest row is the horizon.
const COLUMNS: usize = 2048;
const ROWS: usize = 220;
/// How high above the horizon the picture of the sky reaches, as a tangent.
const TOP: f32 = 0.75;

pub(crate) struct Sky {
    colours: Vec<[f32; 3]>,
    /// 64 by 64 numbers in 0..1.
    dither: Vec<f32>,
}

/// A chain of hills at one distance.
struct Chain {
    /// Metres away.
    radius: f64,
    /// Height above the lake of its lowest and its highest parts.
    low: f64,
    high: f64,
    /// Metres from one rise to the next.
    scale: f64,
    colour: [f32; 3],
    haze: f32,
    seed: u32,
}

const CHAINS: [Chain; 3] = [
    Chain {
        radius: 32_000.0,
        low: 500.0,
        high: 3_300.0,
        scale: 7_000.0,
        colour: [112.0, 128.0, 150.0],
        haze: 0.62,
        seed: 301,
    },
    Chain {
        radius: 7_000.0,
        low: 40.0,
        high: 560.0,
        scale: 2_600.0,
        colour: [86.0, 112.0, 96.0],
        haze: 0.46,
        seed: 302,
    },
    Chain { radius: 2_300.0, low: 10.0, high: 190.0, scale: 800.0, colour: [84.0, 112.0, 62.0], haze: 0.26, seed: 303 },
];

impl Sky {
    pub(crate) fn new() -> Self {
        let mut colours = Vec::with_capacity(COLUMNS * ROWS);
        for row in 0..ROWS {
            let up = f64::from(TOP) * (1.0 - row as f64 / (ROWS - 1) as f64);
            for column in 0..COLUMNS {
                colours.push(sky_colour(column as f64 / COLUMNS as f64 * TAU, up));
            }
        }
        let dither = (0..64 * 64).map(|i| unit(hash(i, 0, 7))).collect();
        Sky { colours, dither }
    }

    /// Fills the canvas from the top down to the nearest ground.
    pub(crate) fn draw(&self, canvas: &mut Canvas, camera: &Camera, ahead: &Ahead) {
        let width = canvas.width();
        let horizon = camera.horizon();
        let bottom = (ahead.top.ceil().max(0.0) as usize).min(canvas.height());
        let azimuths: Vec<f64> = (0..width)
            .map(|x| {
                let right = (x as f32 + 0.5 - camera.centre.0) / camera.focal;
                camera.heading + libm::atan(f64::from(right))
            })
            .collect();
        // The part of the round that is in view, and where each column lies in it.
        let place = |azimuth: f64| azimuth / TAU * COLUMNS as f64;
        let first = place(azimuths[0]).floor();
        let count = (place(azimuths[width - 1]) - first) as usize + 2;
        let columns: Vec<(usize, f32)> = azimuths
            .iter()
            .map(|azimuth| {
                let place = place(*azimuth) - first;
                (place as usize, place.fract() as f32)
            })
            .collect();
        let mut strip = vec![[0f32; 3]; count];
        let sky_end = (horizon.ceil().max(0.0) as usize).min(bottom);
        for y in 0..sky_end {
            let up = (horizon - y as f32 - 0.5) / camera.focal;
            let place = ((1.0 - up / TOP) * (ROWS - 1) as f32).clamp(0.0, (ROWS - 1) as f32 - 0.001);
            let (above, t) = (place as usize, place.fract());
            for (i, colour) in strip.iter_mut().enumerate() {
                let column = (first as i64 + i as i64).rem_euclid(COLUMNS as i64) as usize;
                let (a, b) = (self.colours[above * COLUMNS + column], self.colours[(above + 1) * COLUMNS + column]);
                *colour = [0, 1, 2].map(|k| a[k] + (b[k] - a[k]) * t);
            }
            for ((x, pixel), (left, side)) in canvas.row(y).iter_mut().enumerate().zip(&columns) {
                let (a, b) = (strip[*left], strip[*left + 1]);
                // A touch of noise before rounding keeps the gradient from
                // showing steps.
                let dither = self.dither[(y & 63) << 6 | x & 63];
                let part = |k: usize| (a[k] + (b[k] - a[k]) * side + dither) as i32;
                *pixel = opaque(part(0), part(1), part(2));
            }
        }
        for chain in &CHAINS {
            chain.draw(canvas, camera, &azimuths, bottom);
        }
        plain(canvas, camera, &azimuths, sky_end, bottom);
    }
}

fn sky_colour(azimuth: f64, up: f64) -> [f32; 3] {
    let height = (up / f64::from(TOP)).clamp(0.0, 1.0);
    let deep = [72.0, 132.0, 206.0];
    let pale = [198.0, 216.0, 234.0];
    let fade = libm::pow(height, 0.55);
    // Clouds lie on a plane overhead, so that they crowd at the horizon.
    let distance = 1.0 / (up + 0.12);
    let (x, y) = (libm::sin(azimuth) * distance, libm::cos(azimuth) * distance);
    let billow = fractal(x * 1.1 + 5.0, y * 1.1, 5, 200) + 0.25 * fractal(x * 0.3, y * 0.3, 2, 201);
    let cover = smoothstep(0.02, 0.42, billow) * smoothstep(0.0, 0.10, up);
    let lit = smoothstep(-0.2, 0.35, fractal(x * 1.1 + 5.12, y * 1.1 + 0.1, 4, 200) - billow + 0.1);
    // The sun stands in the south-east.
    let toward = libm::cos(azimuth - 2.3) * 0.5 + 0.5;
    let glow = libm::pow(toward, 6.0) * 26.0;
    [0, 1, 2].map(|i| {
        let clear = pale[i] + (deep[i] - pale[i]) * fade + glow * [1.0, 0.9, 0.6][i];
        let cloud = [226.0, 230.0, 236.0][i] + 26.0 * lit - 22.0 * (1.0 - lit) * height;
        let mixed: f64 = clear + (cloud - clear) * cover * 0.88;
        mixed.min(252.0) as f32
    })
}

impl Chain {
    fn draw(&self, canvas: &mut Canvas, camera: &Camera, azimuths: &[f64], bottom: usize) {
        let horizon = camera.horizon();
        let above_lake = camera.altitude - LAKE;
        let crests: Vec<(f32, f32)> = azimuths
            .iter()
            .map(|azimuth| {
                let (sin, cos) = (libm::sin(*azimuth), libm::cos(*azimuth));
                let (x, y) =
                    ((camera.east + sin * self.radius) / self.scale, (camera.north + cos * self.radius) / self.scale);
                let shape = (fractal(x, y, 6, self.seed) * 0.9 + 0.45).max(0.0);
                let shape = if self.radius > 20_000.0 { shape * alps(*azimuth) } else { shape };
                let height = self.low + (self.high - self.low) * shape - above_lake;
                let light =
                    value(x * 5.0, y * 5.0, self.seed + 1) * 0.5 + value(x * 17.0, y * 17.0, self.seed + 2) * 0.5;
                (horizon - camera.focal * (height / self.radius) as f32, light as f32)
            })
            .collect();
        let top = crests.iter().map(|crest| crest.0).fold(f32::MAX, f32::min).floor().max(0.0) as usize;
        let last = ((horizon + camera.focal * 0.02).ceil().max(0.0) as usize).min(bottom);
        for y in top..last {
            let snow = ((horizon - y as f32) / camera.focal) as f64 * self.radius + above_lake;
            for (x, pixel) in canvas.row(y).iter_mut().enumerate() {
                let (crest, light) = crests[x];
                let cover = (y as f32 + 1.0 - crest).clamp(0.0, 1.0);
                if cover <= 0.0 {
                    continue;
                }
                let grain = 1.0 + 0.16 * light + 0.05 * (y as f32 - crest) * 40.0 / camera.focal;
                let white = if self.radius > 20_000.0 {
                    smoothstep(1_500.0, 2_300.0, snow + f64::from(light) * 700.0) as f32
                } else {
                    0.0
                };
                let part = |i: usize| {
                    let rock = self.colour[i] * grain;
                    let rock = rock + (246.0 - rock) * white;
                    (rock + (HAZE[i] - rock) * self.haze) as i32
                };
                let colour = opaque(part(0), part(1), part(2));
                *pixel = if cover >= 1.0 { colour } else { blend(*pixel, colour, (cover * 256.0) as u32) };
            }
        }
    }
}

/// The high mountains stand beyond the lake, in the south.
fn alps(azimuth: f64) -> f64 {
    smoothstep(-0.1, 0.7, -libm::cos(azimuth))
}

/// The country below the horizon that the road does not reach: fields and woods
/// in patches, the lake in the south.
fn plain(canvas: &mut Canvas, camera: &Camera, azimuths: &[f64], from: usize, to: usize) {
    let above = (camera.altitude - LAKE).max(6.0);
    let horizon = camera.horizon();
    for y in from..to {
        let down = f64::from((y as f32 + 0.5 - horizon).max(0.3) / camera.focal);
        let distance = (above / down).min(30_000.0);
        let haze = 1.0 - libm::expf(-(distance as f32) / 5_500.0);
        // The country changes slowly from column to column: every fourth is
        // worked out, those between are mixed.
        let colour = |x: usize| {
            let azimuth = azimuths[x.min(azimuths.len() - 1)];
            let (east, north) =
                (camera.east + libm::sin(azimuth) * distance, camera.north + libm::cos(azimuth) * distance);
            country(east, north).map(|part| part * (1.0 - haze))
        };
        let mut next = colour(0);
        for (i, pixels) in canvas.row(y).chunks_mut(4).enumerate() {
            let here = next;
            next = colour(i * 4 + 4);
            for (k, pixel) in pixels.iter_mut().enumerate() {
                let part = |c: usize| (here[c] + (next[c] - here[c]) * k as f32 * 0.25 + HAZE[c] * haze) as i32;
                *pixel = opaque(part(0), part(1), part(2));
            }
        }
    }
}

/// The colour of the land, or of the lake, at a place.
fn country(east: f64, north: f64) -> [f32; 3] {
    let shore = -330.0 + 160.0 * value(east / 900.0, 0.0, 310);
    if north < shore && north > -9_000.0 {
        let glint = 10.0 * value(east / 300.0, north / 90.0, 311) as f32;
        return [112.0 + glint, 156.0 + glint, 190.0 + glint];
    }
    let patch = value(east / 170.0, north / 170.0, 312) as f32;
    let wood = smoothstep(0.1, 0.3, value(east / 420.0, north / 420.0, 313)) as f32;
    let field = [128.0 + 50.0 * patch, 152.0 + 22.0 * patch, 76.0 + 16.0 * patch];
    let trees = [58.0, 84.0, 52.0];
    [0, 1, 2].map(|i| field[i] + (trees[i] - field[i]) * wood)
}
