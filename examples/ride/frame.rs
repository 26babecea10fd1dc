//! From the drawn picture to what the sensor would have stored: roll and shake,
//! exposure, and the planes of 4:2:0 video in BT.709, limited range. Also the
//! machine-readable marks.

use autocut::base::Size;

use crate::camera::Camera;
use crate::canvas::Canvas;
use crate::pixel::blend4;

/// The picture is drawn a little wider than it is shown, so that roll and shake
/// never show its edge.
const CROP: f32 = 0.915;

/// Planar Y, Cb, Cr.
pub(crate) struct Frame {
    size: Size,
    pub(crate) data: Vec<u8>,
}

/// Bits of a mark: two for finding it, four for the file, fourteen for the frame.
pub(crate) const MARK_BITS: u32 = 20;

impl Frame {
    /// `size` must have even sides.
    pub(crate) fn new(size: Size) -> Self {
        let area = size.width as usize * size.height as usize;
        Frame { size, data: vec![0; area + area / 2] }
    }

    /// `gain` is the camera's exposure: 1 in full daylight.
    pub(crate) fn develop(&mut self, canvas: &Canvas, camera: &Camera, gain: f32) {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (luma, chroma) = self.data.split_at_mut(width * height);
        let (blue, red) = chroma.split_at_mut(width * height / 4);
        let tone = tone_curve(gain);
        // Each channel's share of the luma, in 1 / 65,536, after the curve.
        let shares = [11_966, 40_254, 4_064].map(|share| tone.map(|part| share * i32::from(part)));
        let source = Source { pixels: canvas.pixels(), width, height };
        let (sin, cos) = (libm::sinf(camera.roll) * CROP, libm::cosf(camera.roll) * CROP);
        let (cx, cy) = (width as f32 * 0.5, height as f32 * 0.5);
        let fixed = |pixels: f32| (pixels * 65_536.0) as i32;
        let mut rows = [vec![0u32; width], vec![0u32; width]];
        for y in (0..height).step_by(2) {
            for (dy, row) in rows.iter_mut().enumerate() {
                let (rx, ry) = (-cx + 0.5, (y + dy) as f32 + 0.5 - cy);
                let u = rx * cos - ry * sin + cx + camera.shift.0 - 0.5;
                let v = rx * sin + ry * cos + cy + camera.shift.1 - 0.5;
                source.line(row, [fixed(u), fixed(v)], [fixed(cos), fixed(sin)]);
                let out = &mut luma[(y + dy) * width..(y + dy + 1) * width];
                for (out, pixel) in out.iter_mut().zip(row.iter()) {
                    let share = |i: usize| shares[i][(pixel >> (8 * i) & 255) as usize];
                    let sum = share(0).wrapping_add(share(1)).wrapping_add(share(2));
                    *out = (sum.wrapping_add(1_081_344) >> 16) as u8;
                }
            }
            let at = y / 2 * (width / 2);
            let (blue, red) = (&mut blue[at..at + width / 2], &mut red[at..at + width / 2]);
            let pairs = rows[0].chunks_exact(2).zip(rows[1].chunks_exact(2));
            for ((upper, lower), (blue, red)) in pairs.zip(blue.iter_mut().zip(red.iter_mut())) {
                let mean = blend4([upper[0], upper[1]], [lower[0], lower[1]], 128, 128);
                let [r, g, b] = [mean, mean >> 8, mean >> 16].map(|part| i32::from(tone[(part & 255) as usize]));
                *blue = ((-6_596 * r - 22_189 * g + 28_784 * b + (128 << 16) + (1 << 15)) >> 16) as u8;
                *red = ((28_784 * r - 26_145 * g - 2_639 * b + (128 << 16) + (1 << 15)) >> 16) as u8;
            }
        }
    }

    /// Writes the mark of frame `index` of file `file` into the upper left
    /// corner: a row of squares, white for 1.
    pub(crate) fn mark(&mut self, file: u32, index: u32) {
        let side = mark_side(self.size) as usize;
        let width = self.size.width as usize;
        let luma = width * self.size.height as usize;
        let value = 0b10 << 18 | (file & 15) << 14 | index & 0x3FFF;
        for bit in 0..MARK_BITS as usize {
            let shade = if value >> (MARK_BITS as usize - 1 - bit) & 1 == 1 { 235 } else { 16 };
            for y in 0..side {
                self.data[y * width + bit * side..y * width + (bit + 1) * side].fill(shade);
            }
        }
        let (wide, high) = (MARK_BITS as usize * side / 2, side / 2);
        for plane in 0..2 {
            for y in 0..high {
                let at = luma + plane * luma / 4 + y * (width / 2);
                self.data[at..at + wide].fill(128);
            }
        }
    }
}

/// Side of a mark's squares in pixels: even, at most 1/24 of the width.
pub(crate) fn mark_side(size: Size) -> u32 {
    (size.width / 24 / 2 * 2).max(2)
}

/// Exposure with a soft shoulder, as sensors have.
fn tone_curve(gain: f32) -> [u8; 256] {
    let mut curve = [0; 256];
    for (i, out) in curve.iter_mut().enumerate() {
        let light = i as f32 / 255.0 * gain;
        let bent = if light < 0.8 { light } else { 1.0 - 0.2 * libm::expf(-(light - 0.8) / 0.2) };
        // A little contrast.
        let contrast = bent + 0.045 * libm::sinf((bent - 0.5) * std::f32::consts::TAU);
        *out = (contrast.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    }
    curve
}

struct Source<'a> {
    pixels: &'a [u32],
    width: usize,
    height: usize,
}

impl Source<'_> {
    /// Fills `row` with what lies on a line through the picture, each between
    /// four pixels; coordinates in 16.16, held at the edges.
    fn line(&self, row: &mut [u32], start: [i32; 2], step: [i32; 2]) {
        let [mut u, mut v] = start;
        let (right, bottom) = (self.width as i32 - 2, self.height as i32 - 2);
        for out in row {
            let (x, y) = ((u >> 16).clamp(0, right) as usize, (v >> 16).clamp(0, bottom) as usize);
            let at = y.wrapping_mul(self.width).wrapping_add(x);
            let pixels = &self.pixels[at..at.wrapping_add(self.width).wrapping_add(2)];
            let last = pixels.len().wrapping_sub(1);
            let (upper, lower) = ([pixels[0], pixels[1]], [pixels[last.wrapping_sub(1)], pixels[last]]);
            *out = blend4(upper, lower, (u >> 8 & 255) as u32, (v >> 8 & 255) as u32);
            u = u.wrapping_add(step[0]);
            v = v.wrapping_add(step[1]);
        }
    }
}
