//! Levels of Y, Cb and Cr, and red, green and blue.

use autocut::model::{Colour, Matrix};

/// Luma of (red, green, blue) is this much of each (BT.601, BT.709, BT.2020).
pub(super) fn luma(matrix: Matrix) -> [f64; 3] {
    let [red, blue] = match matrix {
        Matrix::Bt601 => [0.299, 0.114],
        Matrix::Bt709 => [0.2126, 0.0722],
        Matrix::Bt2020 => [0.2627, 0.0593],
    };
    [red, 1.0 - red - blue, blue]
}

/// Black, and the spans of luma and chroma, in levels of `bits`.
fn span(full: bool, bits: u32) -> (f64, f64, f64) {
    let unit = f64::from(1u32 << (bits - 8));
    if full {
        let top = f64::from((1u32 << bits) - 1);
        (0.0, top, top)
    } else {
        (16.0 * unit, 219.0 * unit, 224.0 * unit)
    }
}

/// Levels to red, green and blue from 0 to 1.
pub(super) fn to_rgb([y, cb, cr]: [f64; 3], colour: &Colour, bits: u32) -> [f64; 3] {
    let (black, luma_span, chroma_span) = span(colour.full_range, bits);
    let middle = f64::from(1u32 << (bits - 1));
    let [kr, kg, kb] = luma(colour.matrix);
    let (y, cb, cr) = ((y - black) / luma_span, (cb - middle) / chroma_span, (cr - middle) / chroma_span);
    let red = y + 2.0 * (1.0 - kr) * cr;
    let blue = y + 2.0 * (1.0 - kb) * cb;
    [red, (y - kr * red - kb * blue) / kg, blue]
}

/// Back again.
pub(super) fn from_rgb([red, green, blue]: [f64; 3], colour: &Colour, bits: u32) -> [f64; 3] {
    let (black, luma_span, chroma_span) = span(colour.full_range, bits);
    let middle = f64::from(1u32 << (bits - 1));
    let [kr, kg, kb] = luma(colour.matrix);
    let y = kr * red + kg * green + kb * blue;
    let (cb, cr) = ((blue - y) / (2.0 * (1.0 - kb)), (red - y) / (2.0 * (1.0 - kr)));
    [black + luma_span * y, middle + chroma_span * cb, middle + chroma_span * cr]
}
