//! Blends sprites into 8-bit 4:2:0 planes. Integer arithmetic in loops that
//! the compiler turns into vector instructions; what is clear is not touched.

use crate::base::{Point, Size};
use crate::overlay::sprite::Sprite;

/// One plane of a frame: rows of `stride` bytes.
#[derive(Debug)]
pub struct Plane<'a> {
    pub data: &'a mut [u8],
    pub stride: usize,
}

/// A frame's planes. The chroma planes have half the sides, rounded up.
#[derive(Debug)]
pub struct Planes<'a> {
    pub size: Size,
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
    let (luma, alpha) = sprite.luma();
    let bounds = (frame.size.width as usize, frame.size.height as usize);
    let source = Source { width, height, x, y };
    source.blend_plane(&mut frame.y, bounds, luma, alpha, |row| sprite.luma_span(row));
    let (u, v, alpha) = sprite.chroma();
    let bounds = (bounds.0.div_ceil(2), bounds.1.div_ceil(2));
    let source = Source { width: width / 2, height: height / 2, x: x / 2, y: y / 2 };
    source.blend_plane(&mut frame.u, bounds, u, alpha, |row| sprite.chroma_span(row));
    source.blend_plane(&mut frame.v, bounds, v, alpha, |row| sprite.chroma_span(row));
}

/// Where and how large a plane of the sprite is, in samples of that plane.
struct Source {
    width: usize,
    height: usize,
    x: isize,
    y: isize,
}

impl Source {
    fn blend_plane(
        &self,
        plane: &mut Plane<'_>,
        (frame_width, frame_height): (usize, usize),
        colour: &[u8],
        alpha: &[u8],
        span: impl Fn(usize) -> (usize, usize),
    ) {
        let (top, bottom) = clip(self.y, self.height, frame_height);
        let (left, right) = clip(self.x, self.width, frame_width.min(plane.stride));
        for row in top..bottom {
            let (first, last) = span(row);
            let (from, to) = (first.max(left), last.min(right));
            if from >= to {
                continue;
            }
            // Both sums are inside of the frame: `clip` saw to it.
            let start = (self.y + row as isize) as usize * plane.stride + (self.x + from as isize) as usize;
            let source = row * self.width + from..row * self.width + to;
            let target = plane.data.get_mut(start..start + (to - from));
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
            y: Plane { data: &mut y, stride: 64 },
            u: Plane { data: &mut u, stride: 32 },
            v: Plane { data: &mut v, stride: 0 },
        };
        blend(&mut planes, &solid(Size::new(6, 6), [1, 1, 1], 255), Point::new(0, 0));
        assert_eq!(y, [0; 5]);
    }
}
