//! Arithmetic on pixels packed into 32 bits: red in the lowest byte, then
//! green, blue and alpha. Two channels are worked on at once, which leaves room
//! for a product with a number up to 256 in each; sums wrap only for colours
//! that are not premultiplied, of which there are none here.

const RED_BLUE: u32 = 0x00FF_00FF;

/// An opaque pixel; what is out of range is clipped.
#[inline]
pub(crate) fn opaque(red: i32, green: i32, blue: i32) -> u32 {
    let byte = |value: i32| value.clamp(0, 255) as u32;
    byte(red) | byte(green) << 8 | byte(blue) << 16 | 0xFF00_0000
}

/// Between two pixels, `share` of the second in 1 / 256.
#[inline]
pub(crate) fn blend(a: u32, b: u32, share: u32) -> u32 {
    let rest = 256u32.wrapping_sub(share);
    let even = (a & RED_BLUE).wrapping_mul(rest).wrapping_add((b & RED_BLUE).wrapping_mul(share)) >> 8 & RED_BLUE;
    let odd = (a >> 8 & RED_BLUE).wrapping_mul(rest).wrapping_add((b >> 8 & RED_BLUE).wrapping_mul(share));
    even | (odd & !RED_BLUE)
}

/// Between four pixels, shares to the right and downwards in 1 / 256.
#[inline]
pub(crate) fn blend4(upper: [u32; 2], lower: [u32; 2], right: u32, down: u32) -> u32 {
    blend(blend(upper[0], upper[1], right), blend(lower[0], lower[1], right), down)
}

/// How light and haze change a colour.
#[derive(Clone, Copy)]
pub(crate) struct Mixing {
    /// Factor in 1 / 256.
    pub(crate) light: u32,
    /// Haze to add where cover is full: red and blue, and green.
    pub(crate) haze: [u32; 2],
}

/// A premultiplied colour, changed by light and haze, over an opaque pixel.
#[inline]
pub(crate) fn over(below: u32, colour: u32, mixing: Mixing) -> u32 {
    let alpha = colour >> 24;
    let cover = alpha + (alpha >> 7);
    let rest = 256 - cover;
    let even = (colour & RED_BLUE).wrapping_mul(mixing.light) >> 8 & RED_BLUE;
    let even = even.wrapping_add(mixing.haze[0].wrapping_mul(cover) >> 8 & RED_BLUE);
    let even = even.wrapping_add((below & RED_BLUE).wrapping_mul(rest) >> 8 & RED_BLUE);
    let green = (colour >> 8 & 0xFF).wrapping_mul(mixing.light);
    let green = green.wrapping_add(mixing.haze[1].wrapping_mul(cover));
    let green = green.wrapping_add((below >> 8 & 0xFF).wrapping_mul(rest)) >> 8;
    even | (green & 0xFF) << 8 | 0xFF00_0000
}
