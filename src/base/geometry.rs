//! Sizes, points and rectangles in pixels, and the orientation of a picture.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    pub const fn new(width: u32, height: u32) -> Self {
        Size { width, height }
    }

    /// The shorter side: what relative lengths are measured by, so that one
    /// layout serves landscape and portrait.
    pub fn shorter(self) -> u32 {
        self.width.min(self.height)
    }

    /// With width and height exchanged.
    pub fn transposed(self) -> Self {
        Size::new(self.height, self.width)
    }

    /// Pixels in all.
    pub fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The largest size of this shape inside `frame`, both sides even and at
    /// least 2 (4:2:0 planes need even sides).
    pub fn fit_into(self, frame: Size) -> Size {
        let (w, h) = (u64::from(self.width.max(1)), u64::from(self.height.max(1)));
        // Cross-multiplied: the scale is num / (w * h) in both directions.
        let num = (u64::from(frame.width) * h).min(u64::from(frame.height) * w);
        let even = |n: u64, d: u64| {
            let half = (n + d) / (2 * d);
            u32::try_from(half.max(1) * 2).unwrap_or(u32::MAX - 1)
        };
        Size::new(even(num, h), even(num, w))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A position in pixels from the top left corner; may lie outside of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

impl Point {
    pub const fn new(x: i32, y: i32) -> Self {
        Point { x, y }
    }
}

/// A box in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

/// How a stored picture is turned to stand upright: first mirrored left to
/// right if `mirrored`, then turned clockwise by `quarter_turns` times 90
/// degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Orientation {
    pub quarter_turns: u8,
    pub mirrored: bool,
}

impl Orientation {
    pub const UPRIGHT: Orientation = Orientation { quarter_turns: 0, mirrored: false };

    /// The size that a stored picture of `size` has once it stands upright.
    pub fn upright(self, size: Size) -> Size {
        if self.quarter_turns % 2 == 1 { size.transposed() } else { size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_into_a_frame() {
        let hd = Size::new(1920, 1080);
        assert_eq!(Size::new(3840, 2160).fit_into(hd), hd);
        assert_eq!(Size::new(1376, 1840).fit_into(hd), Size::new(808, 1080));
        assert_eq!(Size::new(320, 240).fit_into(hd), Size::new(1440, 1080));
        assert_eq!(Size::new(10000, 1).fit_into(hd), Size::new(1920, 2));
    }
}
