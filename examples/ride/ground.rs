//! The ground, row by row: asphalt, markings, verge and land, with noise that
//! is blurred as far as a row's distance and the speed blur it.

use crate::camera::{Ahead, Camera, Row};
use crate::canvas::{Canvas, HAZE, Tint};
use crate::noise::{Plane, Texture, smoothstep};
use crate::pixel::{blend, opaque};
use crate::route::Route;
use crate::world::{HALF_ROAD, Land, dapple, daylight, land};

/// Entries of a profile, and how many metres it spans across the road.
const ENTRIES: usize = 8192;
const SPAN: f32 = 40.0;
const LEVELS: usize = 8;

/// Seconds for which the shutter is open.
const SHUTTER: f32 = 1.0 / 90.0;

/// What lies at one distance from the centre line.
#[derive(Clone, Copy, Default)]
struct Material {
    colour: [f32; 3],
    /// How much fine, middling and broad noise changes it.
    rough: [f32; 3],
}

/// As [`Material`], ready for the inner loop.
#[derive(Clone, Copy, Default)]
struct Paint {
    colour: [i16; 3],
    rough: [i16; 3],
}

/// A cut across the road for each kind of land, in several blurs.
pub(crate) struct Ground {
    profiles: Vec<Vec<Vec<Paint>>>,
    fine: Texture,
    middle: Texture,
    broad: Texture,
}

/// Metres in one texel of each texture.
const TEXEL: [f32; 3] = [0.006, 0.05, 0.36];

impl Ground {
    pub(crate) fn new() -> Self {
        let profiles = Land::ALL.iter().map(|land| blurred(&profile(*land))).collect();
        Ground {
            profiles,
            fine: Texture::new(1, 4, 11),
            middle: Texture::new(8, 64, 12),
            broad: Texture::new(8, 128, 13),
        }
    }

    pub(crate) fn draw(&self, canvas: &mut Canvas, route: &Route, camera: &Camera, ahead: &Ahead) {
        for row in &ahead.rows {
            self.row(canvas, route, camera, row);
        }
    }

    fn row(&self, canvas: &mut Canvas, route: &Route, camera: &Camera, row: &Row) {
        let direction = camera.direction as f32;
        let s = (camera.s + camera.direction * f64::from(row.along)).rem_euclid(route.length());
        let tint = Tint::new(daylight(s), row.z);
        let per_pixel = row.z / camera.focal;
        let across_step = per_pixel * row.cos * direction;
        let along_step = per_pixel * row.sin * direction;
        let blur = row.depth + camera.speed as f32 * SHUTTER;
        let textures = [&self.fine, &self.middle, &self.broad];
        let levels = [0, 1, 2].map(|i| textures[i].level(per_pixel / TEXEL[i], blur / TEXEL[i]));
        let start = -row.centre;
        // Texel coordinates in 16.16; only their low bits count, so they may
        // wrap.
        let fixed = |metres: f64, texel: f32| (metres / f64::from(texel) * 65_536.0) as i64 as i32;
        let across_at = f64::from(start * across_step);
        let along_at = s + f64::from(start * along_step);
        let mut u = TEXEL.map(|texel| fixed(across_at, texel));
        let mut v = TEXEL.map(|texel| fixed(along_at, texel));
        let du = TEXEL.map(|texel| fixed(f64::from(across_step), texel));
        let dv = TEXEL.map(|texel| fixed(f64::from(along_step), texel));
        let kind = land(s);
        let index = Land::ALL.iter().position(|one| *one == kind).unwrap_or(0);
        let per_entry = SPAN / ENTRIES as f32;
        let level = (libm::log2f((per_pixel / per_entry).max(1.0)) as usize).min(LEVELS - 1);
        let paints = &self.profiles[index][level];
        // The place in the profile in 22.10: at the horizon a row spans kilometres.
        let place = |metres: f64| (metres / f64::from(per_entry) * 1_024.0) as i32;
        let mut entry = place(across_at + f64::from(SPAN) * 0.5);
        let entry_step = place(f64::from(across_step));
        let light = (tint.light * (1.0 - tint.haze) * 256.0) as i32;
        let haze = [0, 1, 2].map(|i| (HAZE[i] * tint.haze) as i32);
        let spots = (dapple(s) * 2.6) as i32;
        let texel = |level: &Plane, u: i32, v: i32| i32::from(level[(v >> 7 & 0x3_FE00 | u >> 16 & 0x1FF) as usize]);
        for pixel in canvas.row(row.y) {
            let paint = paints[(entry >> 10).clamp(0, ENTRIES as i32 - 1) as usize];
            let noise = [0, 1, 2].map(|i| texel(levels[i], u[i], v[i]));
            let product = |i: usize| i32::from(paint.rough[i]).wrapping_mul(noise[i]);
            let rough = product(0).wrapping_add(product(1)).wrapping_add(product(2));
            // Sun through leaves: bright where the noise is high.
            let sun = (noise[2].wrapping_add(noise[1] / 2).wrapping_sub(24)).clamp(0, 60).wrapping_mul(spots);
            let gain = light.wrapping_mul((rough >> 7).wrapping_add(sun).wrapping_add(256)).max(0) >> 8;
            let part = |i: usize| (i32::from(paint.colour[i]).wrapping_mul(gain) >> 8).wrapping_add(haze[i]);
            *pixel = opaque(part(0), part(1), part(2));
            for i in 0..3 {
                u[i] = u[i].wrapping_add(du[i]);
                v[i] = v[i].wrapping_add(dv[i]);
            }
            entry = entry.wrapping_add(entry_step);
        }
        let mut line = |across: f32, half: f32, cover: f32| {
            let middle = row.centre + across / across_step;
            let half = half / (per_pixel * row.cos.abs().max(0.3));
            stripe(canvas.row(row.y), [middle - half, middle + half], cover, tint);
        };
        if kind != Land::Village {
            line(HALF_ROAD - 0.26, 0.06, 1.0);
            line(0.26 - HALF_ROAD, 0.06, 1.0);
        }
        line(0.0, 0.065, dashes(s, f64::from(blur) * 0.5 + 0.01));
    }
}

/// How much of the centre line's dashes, 4 m long with 8 m between, lies within
/// `blur` of `s`.
fn dashes(s: f64, blur: f64) -> f32 {
    let painted = |s: f64| (s / 12.0).floor() * 4.0 + s.rem_euclid(12.0).min(4.0);
    ((painted(s + blur) - painted(s - blur)) / (2.0 * blur)) as f32
}

/// Paints a white line between two columns, softly at its edges.
fn stripe(row: &mut [u32], ends: [f32; 2], cover: f32, tint: Tint) {
    let colour = tint.of([224, 224, 218]);
    let colour = opaque(i32::from(colour[0]), i32::from(colour[1]), i32::from(colour[2]));
    let width = row.len() as f32;
    let (first, last) = (ends[0].floor().clamp(0.0, width) as usize, ends[1].ceil().clamp(0.0, width) as usize);
    for (x, pixel) in row.iter_mut().enumerate().take(last).skip(first) {
        let x = x as f32;
        let inside = (ends[1].min(x + 1.0) - ends[0].max(x)).clamp(0.0, 1.0);
        *pixel = blend(*pixel, colour, (inside * cover * 230.0) as u32);
    }
}

/// The land from left to right, seen by the rider.
fn profile(land: Land) -> Vec<Material> {
    (0..ENTRIES)
        .map(|i| {
            let across = (i as f32 + 0.5) / ENTRIES as f32 * SPAN - SPAN * 0.5;
            let edge = across.abs();
            if edge < HALF_ROAD { asphalt(edge) } else { beside(land, across, edge) }
        })
        .collect()
}

fn asphalt(edge: f32) -> Material {
    // Wheels polish two tracks in each lane; the seam in the middle is dark.
    let track = |at: f32| libm::expf(-(edge - at) * (edge - at) * 9.0);
    let worn = 1.0 + 0.07 * (track(0.8) + track(2.2)) - 0.10 * libm::expf(-edge * edge * 30.0);
    Material { colour: [104.0 * worn, 103.0 * worn, 104.0 * worn], rough: [64.0, 22.0, 12.0] }
}

fn beside(land: Land, across: f32, edge: f32) -> Material {
    let soft = |from: f32, to: f32| smoothstep(f64::from(from), f64::from(to), f64::from(edge)) as f32;
    let gravel = Material { colour: [150.0, 140.0, 120.0], rough: [120.0, 40.0, 10.0] };
    let verge = Material { colour: [112.0, 130.0, 62.0], rough: [120.0, 86.0, 50.0] };
    if land == Land::Tunnel {
        return Material { colour: [150.0, 146.0, 138.0], rough: [50.0, 20.0, 6.0] };
    }
    if land == Land::Village {
        let kerb = Material { colour: [186.0, 182.0, 174.0], rough: [40.0, 16.0, 4.0] };
        let slabs = Material { colour: [168.0, 160.0, 150.0], rough: [56.0, 22.0, 8.0] };
        let yard = Material { colour: [152.0, 142.0, 122.0], rough: [90.0, 40.0, 30.0] };
        return if edge < HALF_ROAD + 0.18 { kerb } else { mixed(slabs, yard, soft(4.9, 5.1)) };
    }
    let far = match (land, across > 0.0) {
        (Land::Meadow, _) => Material { colour: [112.0, 146.0, 62.0], rough: [90.0, 74.0, 74.0] },
        (Land::Field, false) => {
            let furrow = 1.0 + 0.10 * libm::sinf(across * 8.0);
            let colour = [196.0 * furrow, 172.0 * furrow, 96.0 * furrow];
            Material { colour, rough: [80.0, 50.0, 30.0] }
        }
        (Land::Field, true) => {
            let furrow = 1.0 + 0.16 * libm::sinf(across * 5.0);
            let colour = [104.0 * furrow, 136.0 * furrow, 60.0 * furrow];
            Material { colour, rough: [90.0, 60.0, 40.0] }
        }
        (Land::Forest, _) => Material { colour: [98.0, 84.0, 58.0], rough: [120.0, 100.0, 60.0] },
        (Land::Shore, true) if edge > 13.5 => Material { colour: [104.0, 146.0, 172.0], rough: [14.0, 22.0, 10.0] },
        (Land::Shore, true) => Material { colour: [132.0, 138.0, 76.0], rough: [110.0, 90.0, 50.0] },
        _ => Material { colour: [120.0, 146.0, 68.0], rough: [90.0, 76.0, 70.0] },
    };
    let near = mixed(gravel, verge, soft(HALF_ROAD + 0.25, HALF_ROAD + 0.75));
    mixed(near, far, soft(5.0, 6.2))
}

fn mixed(a: Material, b: Material, t: f32) -> Material {
    let mix = |a: [f32; 3], b: [f32; 3]| [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t);
    Material { colour: mix(a.colour, b.colour), rough: mix(a.rough, b.rough) }
}

fn blurred(profile: &[Material]) -> Vec<Vec<Paint>> {
    (0..LEVELS)
        .map(|level| {
            let half = (1 << level) / 2;
            (0..ENTRIES)
                .map(|i| {
                    let near = &profile[i.saturating_sub(half)..(i + half + 1).min(ENTRIES)];
                    let mean = |part: fn(&Material, usize) -> f32| {
                        [0, 1, 2].map(|k| (near.iter().map(|m| part(m, k)).sum::<f32>() / near.len() as f32) as i16)
                    };
                    Paint { colour: mean(|m, k| m.colour[k]), rough: mean(|m, k| m.rough[k]) }
                })
                .collect()
        })
        .collect()
}
