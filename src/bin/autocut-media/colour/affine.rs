//! Range and matrix, by one affine map in 16-bit arithmetic.

use std::mem;

use autocut::model::Colour;

use super::Change;
use super::levels::{from_rgb, to_rgb};
use super::rows::Rows;

/// Levels in the arithmetic of [`Affine`] have these bits: 8, and 6 of fraction.
const ARITHMETIC_BITS: u32 = 14;

/// Luma from all three, chroma from chroma: grey stays grey. Arithmetic is in
/// 16 bits, which processors do many of at once: levels in 1 / 64 of 8 bits,
/// chroma from its middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Affine {
    bits: u32,
    to_bits: u32,
    /// Of Y less 1, of Cb and of Cr, in 1 / 65,536.
    luma: [i16; 3],
    /// Of Cb and Cr, its own less 1.
    cb: [i16; 2],
    cr: [i16; 2],
    /// Added to luma, in 1 / 64.
    black: i16,
}

impl Affine {
    pub(super) fn new(from: &Colour, to: &Colour, bits: u32, to_bits: u32) -> Affine {
        // In the unit of 8 bits, of which `bits` have fractions: full range of
        // 10 bits is 1,023 fourths.
        let unit = f64::from(1u32 << (bits - 8));
        let map = |levels: [f64; 3]| from_rgb(to_rgb(levels.map(|level| level * unit), from, bits), to, 8);
        let grey = map([0.0, 128.0, 128.0]);
        let axes = [[1.0, 128.0, 128.0], [0.0, 129.0, 128.0], [0.0, 128.0, 129.0]].map(map);
        let of = |axis: usize, part: usize| {
            let own = if axis == part { 1.0 } else { 0.0 };
            libm::round((axes[axis][part] - grey[part] - own) * 65_536.0) as i16
        };
        Affine {
            bits,
            to_bits,
            luma: [of(0, 0), of(1, 0), of(2, 0)],
            cb: [of(1, 1), of(2, 1)],
            cr: [of(2, 2), of(1, 2)],
            black: libm::round(grey[0] * 64.0) as i16,
        }
    }

    /// Gives the bits of the new levels.
    pub(super) fn change(&self, rows: &mut Rows, factors: &Factors) -> u32 {
        match self.to_bits {
            8 => self.change_to::<{ ARITHMETIC_BITS - 8 }>(rows, factors),
            _ => self.change_to::<{ ARITHMETIC_BITS - 10 }>(rows, factors),
        }
        self.to_bits
    }

    fn change_to<const FRACTION: u32>(&self, rows: &mut Rows, factors: &Factors) {
        let fine = 1i16 << (ARITHMETIC_BITS - self.bits);
        let middle = 1i16 << (self.bits - 1);
        let Factors { luma: [of_y, of_cb, of_cr], cb, cr } = factors;
        from_middle(&mut rows.cb, middle, fine);
        from_middle(&mut rows.cr, middle, fine);
        tint_row(&rows.cb, &rows.cr, of_cb, of_cr, self.black + half(FRACTION), &mut rows.tint);
        for line in &mut rows.luma {
            luma_row::<FRACTION>(line, &rows.tint, fine, of_y);
        }
        chroma_row::<FRACTION>(&rows.cb, &rows.cr, &cb[0], &cb[1], &mut rows.new_cb);
        chroma_row::<FRACTION>(&rows.cr, &rows.cb, &cr[0], &cr[1], &mut rows.new_cr);
        mem::swap(&mut rows.cb, &mut rows.new_cb);
        mem::swap(&mut rows.cr, &mut rows.new_cr);
    }
}

/// The factors of an [`Affine`], each as a row of itself: a product of two rows
/// of 16 bits is one instruction for eight samples; that of a row and a number
/// is seventeen, since the compiler widens the number outside of the loop and
/// forgets that it had 16 bits.
#[derive(Default)]
pub(super) struct Factors {
    luma: [Vec<i16>; 3],
    cb: [Vec<i16>; 2],
    cr: [Vec<i16>; 2],
}

impl Factors {
    pub(super) fn new(change: &Change, chroma: usize) -> Factors {
        let Change::Affine(affine) = change else { return Factors::default() };
        let row = |factor| vec![factor; chroma];
        let [of_y, of_cb, of_cr] = affine.luma;
        let luma = [vec![of_y; 2 * chroma], row(of_cb), row(of_cr)];
        Factors { luma, cb: affine.cb.map(row), cr: affine.cr.map(row) }
    }
}

/// A level times a factor in 1 / 65,536.
#[inline(always)]
fn times(level: i16, factor: i16) -> i16 {
    (i32::from(level).wrapping_mul(i32::from(factor)) >> 16) as i16
}

/// Rounds what has so many bits of fraction.
const fn half(fraction: u32) -> i16 {
    1 << (fraction - 1)
}

#[inline(never)]
fn from_middle(row: &mut [i16], middle: i16, fine: i16) {
    for level in row {
        *level = level.wrapping_sub(middle).wrapping_mul(fine);
    }
}

/// What chroma adds to luma, twice for each.
#[inline(never)]
fn tint_row(cb: &[i16], cr: &[i16], of_cb: &[i16], of_cr: &[i16], constant: i16, tint: &mut [i16]) {
    let tint = tint.as_chunks_mut::<2>().0.iter_mut();
    for ((((pair, cb), cr), of_cb), of_cr) in tint.zip(cb).zip(cr).zip(of_cb).zip(of_cr) {
        let sum = times(*cb, *of_cb).wrapping_add(times(*cr, *of_cr)).wrapping_add(constant);
        *pair = [sum, sum];
    }
}

#[inline(never)]
fn luma_row<const FRACTION: u32>(luma: &mut [i16], tint: &[i16], fine: i16, of_y: &[i16]) {
    for ((level, tint), of_y) in luma.iter_mut().zip(tint).zip(of_y) {
        let y = level.wrapping_mul(fine);
        *level = y.wrapping_add(times(y, *of_y)).wrapping_add(*tint) >> FRACTION;
    }
}

/// One of Cb and Cr, of itself and of the other.
#[inline(never)]
fn chroma_row<const FRACTION: u32>(own: &[i16], other: &[i16], of_own: &[i16], of_other: &[i16], to: &mut [i16]) {
    let (half, middle) = (half(FRACTION), 1 << (ARITHMETIC_BITS - FRACTION - 1));
    for ((((to, own), other), of_own), of_other) in to.iter_mut().zip(own).zip(other).zip(of_own).zip(of_other) {
        let sum = own.wrapping_add(times(*own, *of_own)).wrapping_add(times(*other, *of_other));
        *to = (sum.wrapping_add(half) >> FRACTION).wrapping_add(middle);
    }
}
