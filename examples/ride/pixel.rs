//! Arithmetic on pixels. A pixel has 32 bits: red in the lowest byte, then
//! green, blue and alpha. To be worked on it is spread over 64 bits, which gives
//! each channel 16 and so room for a product with a number up to 256. Sums
//! cannot spill as long as colours are premultiplied, and all here are.

/// A pixel with 16 bits for each channel: red, blue, green, alpha.
pub(crate) type Spread = u64;

const BYTES: u64 = 0x00FF_00FF_00FF_00FF;

#[inline]
pub(crate) fn spread(pixel: u32) -> Spread {
    let wide = u64::from(pixel);
    (wide | wide << 24) & BYTES
}

#[inline]
fn pack(wide: Spread) -> u32 {
    (wide | wide >> 24) as u32
}

/// An opaque pixel; what is out of range is clipped.
#[inline]
pub(crate) fn opaque(red: i32, green: i32, blue: i32) -> u32 {
    let byte = |value: i32| value.clamp(0, 255) as u32;
    byte(red) | byte(green) << 8 | byte(blue) << 16 | 0xFF00_0000
}

/// Between two, `share` of the second in 1 / 256.
#[inline]
fn mix(a: Spread, b: Spread, share: u32) -> Spread {
    let share = u64::from(share);
    let rest = 256u64.wrapping_sub(share);
    a.wrapping_mul(rest).wrapping_add(b.wrapping_mul(share)) >> 8 & BYTES
}

/// Between two pixels, `share` of the second in 1 / 256.
#[inline]
pub(crate) fn blend(a: u32, b: u32, share: u32) -> u32 {
    pack(mix(spread(a), spread(b), share))
}

/// Between four, shares to the right and downwards in 1 / 256.
#[inline]
pub(crate) fn mix4(upper: [Spread; 2], lower: [Spread; 2], right: u32, down: u32) -> Spread {
    mix(mix(upper[0], upper[1], right), mix(lower[0], lower[1], right), down)
}

/// Between four pixels, shares to the right and downwards in 1 / 256.
#[inline]
pub(crate) fn blend4(upper: [u32; 2], lower: [u32; 2], right: u32, down: u32) -> u32 {
    pack(mix4(upper.map(spread), lower.map(spread), right, down))
}

/// How light and haze change a colour.
#[derive(Clone, Copy)]
pub(crate) struct Mixing {
    /// Factor in 1 / 256.
    pub(crate) light: u64,
    /// Haze to add where cover is full.
    pub(crate) haze: Spread,
}

/// A premultiplied colour, changed by light and haze, over an opaque pixel.
#[inline]
pub(crate) fn over(below: u32, colour: Spread, mixing: Mixing) -> u32 {
    let alpha = colour >> 48;
    let cover = alpha + (alpha >> 7);
    let lit = colour.wrapping_mul(mixing.light) >> 8 & BYTES;
    let haze = mixing.haze.wrapping_mul(cover) >> 8 & BYTES;
    let rest = spread(below).wrapping_mul(256u64.wrapping_sub(cover)) >> 8 & BYTES;
    pack(lit.wrapping_add(haze).wrapping_add(rest)) | 0xFF00_0000
}
