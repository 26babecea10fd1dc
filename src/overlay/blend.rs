//! Blends sprites into planes: 4:2:0 of 8 or 10 bits, or 4:2:2 of 10 bits, which
//! must then have limited range, as the sprites; over HDR, sprites of 10 bits. Integer arithmetic in loops that
//! the compiler turns into vector instructions; what is clear is not touched.

use crate::base::{Point, Size};
use crate::model::Sampling;
use crate::overlay::deep::DeepSprite;
use crate::overlay::sprite::Sprite;

/// One plane of a frame: rows of `stride` bytes. Samples of more than 8 bits are
/// two bytes in the order of this machine.
#[derive(Debug)]
pub struct Plane<'a> {
    pub data: &'a mut [u8],
    pub stride: usize,
}

/// A frame's planes. The chroma planes have half the sides, rounded up; those of
/// 4:2:2 all rows.
#[derive(Debug)]
pub struct Planes<'a> {
    pub size: Size,
    pub sampling: Sampling,
    pub y: Plane<'a>,
    pub u: Plane<'a>,
    pub v: Plane<'a>,
}

/// Puts `sprite` over the frame with its corner at `at`, whose odd coordinates
/// count as the even ones before them. What lies outside of the frame, or
/// outside of planes that are too short for it, is left out.
pub fn blend(frame: &mut Planes<'_>, sprite: &Sprite, at: Point) {
    let places = Places::new(frame.size, sprite, at);
    let (y, luma_alpha) = sprite.luma();
    let (u, v, alpha) = sprite.chroma();
    match frame.sampling {
        Sampling::Yuv420p8 => {
            places.luma.blend_plane::<1, u8>(&mut frame.y, y, luma_alpha, |row| sprite.luma_span(row), over);
            for (plane, colour) in [(&mut frame.u, u), (&mut frame.v, v)] {
                places.chroma.blend_plane::<1, u8>(plane, colour, alpha, |row| sprite.chroma_span(row), over);
            }
        }
        Sampling::Yuv420p10 | Sampling::Yuv422p10 => blend_deep(frame, places, sprite, [y, u, v]),
    }
}

/// The same with a sprite in the colours of HDR. Frames of 8 bits are left
/// alone: no HDR has them.
pub fn blend_hdr(frame: &mut Planes<'_>, sprite: &DeepSprite, at: Point) {
    if frame.sampling != Sampling::Yuv420p8 {
        let places = Places::new(frame.size, sprite.sprite(), at);
        blend_deep(frame, places, sprite.sprite(), sprite.levels());
    }
}

/// Into frames of 10 bits: `colours` with the opacity of `sprite`.
fn blend_deep<C: Colour>(frame: &mut Planes<'_>, places: Places, sprite: &Sprite, colours: [&[C]; 3]) {
    let [y, u, v] = colours;
    let (_, luma_alpha) = sprite.luma();
    let (_, _, alpha) = sprite.chroma();
    places.luma.blend_plane::<2, C>(&mut frame.y, y, luma_alpha, |row| sprite.luma_span(row), over_deep);
    let chroma = [(&mut frame.u, u), (&mut frame.v, v)];
    if frame.sampling == Sampling::Yuv420p10 {
        for (plane, colour) in chroma {
            places.chroma.blend_plane::<2, C>(plane, colour, alpha, |row| sprite.chroma_span(row), over_deep);
        }
        return;
    }
    let width = places.chroma.width;
    let tall = places.tall();
    let alpha = doubled(alpha, width);
    for (plane, colour) in chroma {
        tall.blend_plane::<2, C>(plane, &doubled(colour, width), &alpha, |_| (0, width), over_deep);
    }
}

/// Rows of chroma that lie between two rows of luma, as those that lie on them.
/// Linear, of premultiplied colours and of their opacity alike.
fn doubled<C: Colour>(rows: &[C], width: usize) -> Vec<C> {
    let row = |index: usize| &rows[index * width..(index + 1) * width];
    let count = rows.len().checked_div(width).unwrap_or(0);
    let mut doubled = Vec::with_capacity(2 * rows.len());
    for index in 0..2 * count {
        let near = index / 2;
        let far = if index % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(count - 1) };
        doubled.extend(row(near).iter().zip(row(far)).map(|(near, far)| near.towards(*far)));
    }
    doubled
}

/// A level of a sprite.
trait Colour: Copy {
    /// In 10 bits.
    fn deep(self) -> u32;
    /// A quarter of the way to another.
    fn towards(self, other: Self) -> Self;
}

impl Colour for u8 {
    #[inline(always)]
    fn deep(self) -> u32 {
        u32::from(self) << 2
    }

    fn towards(self, other: u8) -> u8 {
        ((3 * u16::from(self) + u16::from(other) + 2) / 4) as u8
    }
}

impl Colour for u16 {
    #[inline(always)]
    fn deep(self) -> u32 {
        u32::from(self)
    }

    fn towards(self, other: u16) -> u16 {
        ((3 * u32::from(self) + u32::from(other) + 2) / 4) as u16
    }
}

/// Where the planes of a sprite lie.
#[derive(Clone, Copy)]
struct Places {
    luma: Source,
    /// In 4:2:0.
    chroma: Source,
}

impl Places {
    fn new(frame: Size, sprite: &Sprite, at: Point) -> Places {
        let (width, height) = (sprite.size().width as usize, sprite.size().height as usize);
        let (x, y) = ((at.x & !1) as isize, (at.y & !1) as isize);
        let bounds = (frame.width as usize, frame.height as usize);
        let half = (bounds.0.div_ceil(2), bounds.1.div_ceil(2));
        let luma = Source { width, height, x, y, bounds };
        let chroma = Source { width: width / 2, height: height / 2, x: x / 2, y: y / 2, bounds: half };
        Places { luma, chroma }
    }

    /// Of chroma in 4:2:2.
    fn tall(&self) -> Source {
        let Source { height, y, bounds, .. } = self.luma;
        Source { height, y, bounds: (self.chroma.bounds.0, bounds.1), ..self.chroma }
    }
}

/// Where and how large a plane of the sprite is, in samples of that plane.
#[derive(Clone, Copy)]
struct Source {
    width: usize,
    height: usize,
    x: isize,
    y: isize,
    /// Of the frame's plane.
    bounds: (usize, usize),
}

impl Source {
    /// Into samples of so many bytes.
    fn blend_plane<const BYTES: usize, C>(
        &self,
        plane: &mut Plane<'_>,
        colour: &[C],
        alpha: &[u8],
        span: impl Fn(usize) -> (usize, usize),
        over: impl Fn(&mut [u8], &[C], &[u8]),
    ) {
        let (frame_width, frame_height) = self.bounds;
        let (top, bottom) = clip(self.y, self.height, frame_height);
        let (left, right) = clip(self.x, self.width, frame_width.min(plane.stride / BYTES));
        for row in top..bottom {
            let (first, last) = span(row);
            let (from, to) = (first.max(left), last.min(right));
            if from >= to {
                continue;
            }
            // Both sums are inside of the frame: `clip` saw to it.
            let start = (self.y + row as isize) as usize * plane.stride + (self.x + from as isize) as usize * BYTES;
            let source = row * self.width + from..row * self.width + to;
            let target = plane.data.get_mut(start..start + (to - from) * BYTES);
            if let (Some(target), Some(colour), Some(alpha)) = (target, colour.get(source.clone()), alpha.get(source)) {
                over(target, colour, alpha);
            }
        }
    }
}

/// The part of `0..length`, placed at `at`, that lies in `0..bound`.
fn clip(at: isize, length: usize, bound: usize) -> (usize, usize) {
    let from = (-at).max(0) as usize;
    let to = (bound as isize - at).max(0) as usize;
    (from, to.min(length))
}

/// `colour + target * (255 - alpha) / 255`, rounded to the nearest. The sums
/// stay below 2^16 (255 * 255 + 128 and a 256th of that); `wrapping` because
/// checks for overflow would keep the loop from being vectorised.
fn over(target: &mut [u8], colour: &[u8], alpha: &[u8]) {
    for ((target, colour), alpha) in target.iter_mut().zip(colour).zip(alpha) {
        let product = u16::from(*target).wrapping_mul(u16::from(!*alpha)).wrapping_add(128);
        let kept = product.wrapping_add(product >> 8) >> 8;
        *target = colour.saturating_add(kept as u8);
    }
}

/// The same into levels of 10 bits in limited range.
fn over_deep<C: Colour>(target: &mut [u8], colour: &[C], alpha: &[u8]) {
    for ((target, colour), alpha) in target.as_chunks_mut::<2>().0.iter_mut().zip(colour).zip(alpha) {
        let level = u32::from(u16::from_ne_bytes(*target));
        let kept = level.wrapping_mul(u32::from(!*alpha)).wrapping_add(127) / 255;
        let level = colour.deep().wrapping_add(kept).min(1_023);
        *target = (level as u16).to_ne_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solid(size: Size, colour: [u8; 3], alpha: u8) -> Sprite {
        let area = size.area() as usize;
        let planes =
            [(colour[0], area), (alpha, area), (colour[1], area / 4), (colour[2], area / 4), (alpha, area / 4)];
        let planes = planes.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count)).collect();
        Sprite::new(size, planes).unwrap()
    }

    struct Frame {
        size: Size,
        y: Vec<u8>,
        u: Vec<u8>,
        v: Vec<u8>,
    }

    impl Frame {
        fn new(size: Size, value: u8) -> Self {
            let chroma = (size.width.div_ceil(2) * size.height.div_ceil(2)) as usize;
            Frame { size, y: vec![value; size.area() as usize], u: vec![value; chroma], v: vec![value; chroma] }
        }

        fn blend(&mut self, sprite: &Sprite, x: i32, y: i32) {
            let (stride, half) = (self.size.width as usize, self.size.width.div_ceil(2) as usize);
            let mut planes = Planes {
                size: self.size,
                sampling: Sampling::Yuv420p8,
                y: Plane { data: &mut self.y, stride },
                u: Plane { data: &mut self.u, stride: half },
                v: Plane { data: &mut self.v, stride: half },
            };
            blend(&mut planes, sprite, Point::new(x, y));
        }
    }

    /// Against the formula in floating point, for every target and opacity.
    #[test]
    fn every_blend_is_rounded_to_the_nearest() {
        let all: Vec<u8> = (0..=255).collect();
        for alpha in 0..=255u8 {
            let mut target = all.clone();
            over(&mut target, &[0; 256], &[alpha; 256]);
            for (before, after) in all.iter().zip(&target) {
                let exact = f64::from(*before) * f64::from(255 - alpha) / 255.0;
                assert!((exact - f64::from(*after)).abs() <= 0.5, "{before} under {alpha}");
            }
        }
    }

    /// The same for 10 bits: a colour of 8 bits counts four times.
    #[test]
    fn every_deep_blend_is_rounded_to_the_nearest() {
        for alpha in 0..=255u8 {
            let colour = alpha - alpha / 2;
            let mut target: Vec<u8> = (0..1_024u16).flat_map(u16::to_ne_bytes).collect();
            over_deep(&mut target, &[colour; 1_024], &[alpha; 1_024]);
            for (before, after) in target.as_chunks::<2>().0.iter().enumerate() {
                let exact = before as f64 * f64::from(255 - alpha) / 255.0 + 4.0 * f64::from(colour);
                let after = f64::from(u16::from_ne_bytes(*after));
                assert!((exact.min(1_023.0) - after).abs() <= 0.5, "{before} under {alpha}");
            }
        }
    }

    /// A deep frame of one level with a half-opaque sprite: each plane of 4:2:0
    /// and of 4:2:2 has what four times the 8-bit levels give, and just there.
    #[test]
    fn deep_frames_are_blended_in_their_own_planes() {
        let size = Size::new(12, 8);
        let sprite = solid(Size::new(4, 4), [100, 60, 70], 128);
        for (sampling, rows) in [(Sampling::Yuv420p10, 4), (Sampling::Yuv422p10, 8)] {
            let plane = |samples: usize, level: u16| level.to_ne_bytes().repeat(samples);
            let (mut y, mut u, mut v) = (plane(12 * 8, 400), plane(6 * rows, 512), plane(6 * rows, 520));
            let mut planes = Planes {
                size,
                sampling,
                y: Plane { data: &mut y, stride: 24 },
                u: Plane { data: &mut u, stride: 12 },
                v: Plane { data: &mut v, stride: 12 },
            };
            blend(&mut planes, &sprite, Point::new(4, 2));
            let levels = |plane: &[u8]| -> Vec<u16> {
                plane.as_chunks::<2>().0.iter().copied().map(u16::from_ne_bytes).collect()
            };
            let (y, u, v) = (levels(&y), levels(&u), levels(&v));
            // 400 * 127 / 255 + 4 * 100, and so on.
            let blended = |plane: &[u16], level: u16| plane.iter().filter(|it| **it == level).count();
            assert_eq!((blended(&y, 599), blended(&y, 400)), (16, 80));
            assert_eq!((y[2 * 12 + 4], y[5 * 12 + 7]), (599, 599));
            let chroma = 2 * rows / 2;
            assert_eq!((blended(&u, 495), blended(&v, 539)), (chroma, chroma), "{sampling:?}");
            let first = if rows == 8 { 2 } else { 1 };
            assert_eq!((u[first * 6 + 2], v[first * 6 + 3]), (495, 539));
        }
    }

    /// Rows of chroma at 1/4 and 3/4 between those of 4:2:0.
    #[test]
    fn chroma_of_422_lies_between_that_of_420() {
        assert_eq!(doubled(&[0u8, 100, 200, 100], 2), [0, 100, 50, 100, 150, 100, 200, 100]);
    }

    #[test]
    fn opaque_replaces_and_clear_keeps() {
        let mut frame = Frame::new(Size::new(16, 8), 77);
        frame.blend(&solid(Size::new(4, 4), [200, 90, 160], 255), 4, 2);
        assert_eq!((frame.y[2 * 16 + 4], frame.u[8 + 2], frame.v[8 + 2]), (200, 90, 160));
        assert_eq!(frame.y.iter().filter(|v| **v == 77).count(), 16 * 8 - 16);
        let before = frame.y.clone();
        frame.blend(&solid(Size::new(4, 4), [0, 0, 0], 0), 4, 2);
        assert_eq!(before, frame.y);
    }

    #[test]
    fn edges_of_the_frame_clip() {
        let sprite = solid(Size::new(6, 6), [255, 255, 255], 255);
        let painted = |frame: &Frame, x, y| {
            let mut frame = Frame { size: frame.size, y: frame.y.clone(), u: frame.u.clone(), v: frame.v.clone() };
            frame.blend(&sprite, x, y);
            let count = |plane: &[u8]| plane.iter().filter(|v| **v == 255).count();
            (count(&frame.y), count(&frame.u), count(&frame.v))
        };
        let frame = Frame::new(Size::new(10, 9), 0);
        assert_eq!(painted(&frame, -4, -2), (2 * 4, 2, 2));
        assert_eq!(painted(&frame, 8, 6), (2 * 3, 2, 2));
        assert_eq!(painted(&frame, 10, 0), (0, 0, 0));
        assert_eq!(painted(&frame, i32::MIN, i32::MAX), (0, 0, 0));
        assert_eq!(painted(&frame, 3, 3), painted(&frame, 2, 2));
    }

    #[test]
    fn planes_shorter_than_they_say_are_left_alone() {
        let mut y = vec![0u8; 5];
        let (mut u, mut v) = (Vec::new(), Vec::new());
        let mut planes = Planes {
            size: Size::new(64, 64),
            sampling: Sampling::Yuv420p8,
            y: Plane { data: &mut y, stride: 64 },
            u: Plane { data: &mut u, stride: 32 },
            v: Plane { data: &mut v, stride: 0 },
        };
        blend(&mut planes, &solid(Size::new(6, 6), [1, 1, 1], 255), Point::new(0, 0));
        assert_eq!(y, [0; 5]);
    }
}
