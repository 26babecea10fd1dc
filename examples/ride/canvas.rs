//! The picture being drawn, and the two ways in which ready-made pictures get
//! onto it: facing the viewer, or along a wall in perspective.

use autocut::base::Size;
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Transform};

use crate::camera::{Camera, NEAR};
use crate::pixel::{Mixing, mix4, opaque, over, spread};
use crate::sprites::Sprite;

/// What far things fade into.
pub(crate) const HAZE: [f32; 3] = [186.0, 203.0, 222.0];

/// Opaque RGBA.
pub(crate) struct Canvas {
    pixmap: Pixmap,
}

/// How the air and the light change a thing's colours.
#[derive(Clone, Copy)]
pub(crate) struct Tint {
    /// 0..1.
    pub(crate) light: f32,
    /// 0 near, 1 lost in haze.
    pub(crate) haze: f32,
}

impl Tint {
    pub(crate) fn new(light: f32, z: f32) -> Self {
        // Aerial perspective with a range of sight of a few kilometres.
        Tint { light: light.clamp(0.0, 1.0), haze: 1.0 - libm::expf(-z.max(0.0) / 1100.0) }
    }

    fn mixing(self) -> Mixing {
        let haze = |i: usize| (HAZE[i] * self.haze) as i32;
        // Without alpha, which light and cover already make up.
        let haze = spread(opaque(haze(0), haze(1), haze(2)) & 0x00FF_FFFF);
        Mixing { light: (self.light * (1.0 - self.haze) * 256.0) as u64, haze }
    }

    pub(crate) fn of(self, colour: [u8; 3]) -> [u8; 3] {
        let mix = |i: usize| f32::from(colour[i]) * self.light * (1.0 - self.haze) + HAZE[i] * self.haze;
        [mix(0) as u8, mix(1) as u8, mix(2) as u8]
    }
}

/// A point of a wall's foot: metres right, ahead, and its altitude over the eye.
#[derive(Clone, Copy)]
pub(crate) struct Foot {
    pub(crate) x: f32,
    pub(crate) z: f32,
    pub(crate) rise: f32,
}

impl Canvas {
    /// `None` only for a size that no picture has.
    pub(crate) fn new(size: Size) -> Option<Self> {
        Some(Canvas { pixmap: Pixmap::new(size.width, size.height)? })
    }

    pub(crate) fn width(&self) -> usize {
        self.pixmap.width() as usize
    }

    pub(crate) fn height(&self) -> usize {
        self.pixmap.height() as usize
    }

    /// All pixels, red in the lowest byte.
    pub(crate) fn pixels(&self) -> &[u32] {
        bytemuck::cast_slice(self.pixmap.data())
    }

    pub(crate) fn row(&mut self, y: usize) -> &mut [u32] {
        let width = self.width();
        let pixels: &mut [u32] = bytemuck::cast_slice_mut(self.pixmap.data_mut());
        &mut pixels[y * width..(y + 1) * width]
    }

    /// Fills a polygon.
    pub(crate) fn polygon(&mut self, points: &[(f32, f32)], colour: [u8; 3]) {
        self.polygons(&[points], colour);
    }

    /// Fills what lies in an odd number of the polygons.
    pub(crate) fn polygons(&mut self, outlines: &[&[(f32, f32)]], colour: [u8; 3]) {
        let mut path = PathBuilder::new();
        for points in outlines {
            for (i, (x, y)) in points.iter().enumerate() {
                let (x, y) = (x.clamp(-20_000.0, 20_000.0), y.clamp(-20_000.0, 20_000.0));
                if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
            }
            path.close();
        }
        let Some(path) = path.finish() else { return };
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color(Color::from_rgba8(colour[0], colour[1], colour[2], 255));
        self.pixmap.fill_path(&path, &paint, FillRule::EvenOdd, Transform::identity(), None);
    }

    /// Draws `sprite` into the box from `left`, `top`, as large as stated,
    /// nothing of it below row `clip`.
    pub(crate) fn sprite(&mut self, sprite: &Sprite, area: [f32; 4], clip: f32, tint: Tint, mirrored: bool) {
        let [left, top, width, height] = area;
        if width < 0.3 || height < 0.3 {
            return;
        }
        let level = sprite.level(sprite.height() as f32 / height);
        let (scale_x, scale_y) = (level.width as f32 / width, level.height as f32 / height);
        let first_y = top.floor().max(0.0) as usize;
        let last_y = ((top + height).min(clip).ceil().max(0.0) as usize).min(self.height());
        let mixing = tint.mixing();
        let turn = |u: f32| if mirrored { level.width as f32 - 1.0 - u } else { u };
        let column = |u: f32| left + (turn(u) + 0.5) / scale_x;
        for y in first_y..last_y {
            let (rows, down, extent) = level.rows((y as f32 + 0.5 - top) * scale_y - 0.5);
            let Some((from, to)) = extent else { continue };
            // Only what is not clear between these two rows.
            let ends = [column(from as f32 - 1.0), column(to as f32 + 1.0)];
            let first = ends[0].min(ends[1]).floor().max(left.floor()).max(0.0) as usize;
            let last = ends[0].max(ends[1]).ceil().min((left + width).ceil()).max(0.0) as usize;
            let last = last.min(self.width());
            if first >= last {
                continue;
            }
            let start = turn((first as f32 + 0.5 - left) * scale_x - 0.5);
            let mut u = (start * 65_536.0) as i32;
            let step = (if mirrored { -scale_x } else { scale_x } * 65_536.0) as i32;
            let end = (level.width as i32 - 1) * 65_536 - 1;
            for pixel in &mut self.row(y)[first..last] {
                let at = u.clamp(0, end);
                let (x, right) = ((at >> 16) as usize, (at >> 8 & 255) as u32);
                u = u.wrapping_add(step);
                let (upper, lower) = (&rows[0][x..x + 2], &rows[1][x..x + 2]);
                if upper[0] | upper[1] | lower[0] | lower[1] != 0 {
                    let colour = mix4([upper[0], upper[1]], [lower[0], lower[1]], right, down);
                    *pixel = over(*pixel, colour, mixing);
                }
            }
        }
    }

    /// Draws `sprite` stretched over a wall between two feet; light at each.
    pub(crate) fn wall(
        &mut self,
        camera: &Camera,
        sprite: &Sprite,
        ends: [Foot; 2],
        height: f32,
        clip: f32,
        light: [f32; 2],
    ) {
        let [mut a, mut b] = ends;
        let (mut ua, mut ub) = (0.0, 1.0);
        if a.z < NEAR && b.z < NEAR {
            return;
        }
        // Cut off what lies behind the near plane.
        let cut = |from: Foot, to: Foot| {
            let t = (NEAR - from.z) / (to.z - from.z);
            let mix = |p: f32, q: f32| p + (q - p) * t;
            (Foot { x: mix(from.x, to.x), z: NEAR, rise: mix(from.rise, to.rise) }, t)
        };
        if a.z < NEAR {
            let (foot, t) = cut(a, b);
            (a, ua) = (foot, t);
        } else if b.z < NEAR {
            let (foot, t) = cut(b, a);
            (b, ub) = (foot, 1.0 - t);
        }
        let (xa, _) = camera.project(a.x, 0.0, a.z);
        let (xb, _) = camera.project(b.x, 0.0, b.z);
        let first = xa.min(xb).floor().clamp(0.0, self.width() as f32) as usize;
        let last = xa.max(xb).ceil().clamp(0.0, self.width() as f32) as usize;
        if last <= first || (xb - xa).abs() < 0.01 {
            return;
        }
        let pixels_across = (xb - xa).abs();
        for x in first..last {
            let t = ((x as f32 + 0.5 - xa) / (xb - xa)).clamp(0.0, 1.0);
            let inverse = 1.0 / a.z + (1.0 / b.z - 1.0 / a.z) * t;
            let z = 1.0 / inverse;
            let over_z = |p: f32, q: f32| (p / a.z + (q / b.z - p / a.z) * t) * z;
            let (u, rise) = (over_z(ua, ub), over_z(a.rise, b.rise));
            let bottom = camera.project(0.0, rise, z).1;
            let top = camera.project(0.0, rise + height, z).1;
            let squeeze = (ub - ua) * sprite.width() as f32 / pixels_across;
            let level = sprite.level((sprite.height() as f32 / (bottom - top)).max(squeeze));
            let scale = level.height as f32 / (bottom - top);
            let mixing = Tint::new(light[0] + (light[1] - light[0]) * u, z).mixing();
            let u = ((u * level.width as f32 - 0.5) * 256.0) as i32;
            let first_y = top.floor().max(0.0) as usize;
            let last_y = (bottom.min(clip).ceil().max(0.0) as usize).min(self.height());
            for y in first_y..last_y {
                let v = ((y as f32 + 0.5 - top) * scale - 0.5) * 256.0;
                let colour = level.sample(u, v as i32);
                if colour >> 48 != 0 {
                    let pixel = &mut self.row(y)[x];
                    *pixel = over(*pixel, colour, mixing);
                }
            }
        }
    }
}
