//! Blends sprites into planes: 4:2:0 of 8 or 10 bits, or 4:2:2 of 10 bits, which
//! must then have limited range, as the sprites. Integer arithmetic in loops that
//! the compiler turns into vector instructions; what is clear is not touched.

use crate::base::{Point, Size};
use crate::model::Sampling;
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
    let (width, height) = (sprite.size().width as usize, sprite.size().height as usize);
    let (x, y) = ((at.x & !1) as isize, (at.y & !1) as isize);
    let bounds = (frame.size.width as usize, frame.size.height as usize);
    let half = (bounds.0.div_ceil(2), bounds.1.div_ceil(2));
    let source = Source { width, height, x, y };
    let chroma = Source { width: width / 2, height: height / 2, x: x / 2, y: y / 2 };
    let (luma, luma_alpha) = sprite.luma();
    let (u, v, alpha) = sprite.chroma();
    let spans = (|row| sprite.luma_span(row), |row| sprite.chroma_span(row));
    match frame.sampling {
        Sampling::Yuv420p8 => {
            source.blend_plane::<1>(&mut frame.y, bounds, luma, luma_alpha, spans.0);
            chroma.blend_plane::<1>(&mut frame.u, half, u, alpha, spans.1);
            chroma.blend_plane::<1>(&mut frame.v, half, v, alpha, spans.1);
        }
        Sampling::Yuv420p10 => {
            source.blend_plane::<2>(&mut frame.y, bounds, luma, luma_alpha, spans.0);
            chroma.blend_plane::<2>(&mut frame.u, half, u, alpha, spans.1);
            chroma.blend_plane::<2>(&mut frame.v, half, v, alpha, spans.1);
        }
        Sampling::Yuv422p10 => {
            source.blend_plane::<2>(&mut frame.y, bounds, luma, luma_alpha, spans.0);
            let tall = Source { height, y, ..chroma };
            let alpha = doubled(alpha, width / 2);
            let bounds = (half.0, bounds.1);
            for (plane, colour) in [(&mut frame.u, u), (&mut frame.v, v)] {
                tall.blend_plane::<2>(plane, bounds, &doubled(colour, width / 2), &alpha, |_| (0, width / 2));
            }
        }
    }
}

/// Rows of chroma that lie between two rows of luma, as those that lie on them.
/// Linear, of premultiplied colours and of their opacity alike.
fn doubled(rows: &[u8], width: usize) -> Vec<u8> {
    let row = |index: usize| &rows[index * width..(index + 1) * width];
    let count = rows.len().checked_div(width).unwrap_or(0);
    let mut doubled = Vec::with_capacity(2 * rows.len());
    for index in 0..2 * count {
        let near = index / 2;
        let far = if index % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(count - 1) };
        let pairs = row(near).iter().zip(row(far));
        doubled.extend(pairs.map(|(near, far)| ((3 * u16::from(*near) + u16::from(*far) + 2) / 4) as u8));
    }
    doubled
}

/// Where and how large a plane of the sprite is, in samples of that plane.
#[derive(Clone, Copy)]
struct Source {
    width: usize,
    height: usize,
    x: isize,
    y: isize,
}

impl Source {
    /// Into samples of so many bytes.
    fn blend_plane<const BYTES: usize>(
        &self,
        plane: &mut Plane<'_>,
        (frame_width, frame_height): (usize, usize),
        colour: &[u8],
        alpha: &[u8],
        span: impl Fn(usize) -> (usize, usize),
    ) {
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
                if BYTES == 1 { over(target, colour, alpha) } else { over_deep(target, colour, alpha) }
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

/// The same into levels of 10 bits in limited range, of which 8-bit levels are
/// fourths.
fn over_deep(target: &mut [u8], colour: &[u8], alpha: &[u8]) {
    for ((target, colour), alpha) in target.as_chunks_mut::<2>().0.iter_mut().zip(colour).zip(alpha) {
        let level = u32::from(u16::from_ne_bytes(*target));
        let kept = level.wrapping_mul(u32::from(!*alpha)).wrapping_add(127) / 255;
        let level = (u32::from(*colour) << 2).wrapping_add(kept).min(1_023);
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
        assert_eq!(doubled(&[0, 100, 200, 100], 2), [0, 100, 50, 100, 150, 100, 200, 100]);
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
