//! Levels of Y, Cb and Cr, and red, green and blue.

use autocut::model::{Colour, Matrix};

/// Black, and the spans of luma and chroma, in levels of `bits`. Those of YCgCo
/// are sums of red, green and blue as they are stored, so have one span
/// (ITU-T H.273, 8.3).
fn span(colour: &Colour, bits: u32) -> (f64, f64, f64) {
    let unit = f64::from(1u32 << (bits - 8));
    if colour.full_range {
        let top = f64::from((1u32 << bits) - 1);
        (0.0, top, top)
    } else {
        let chroma = if colour.matrix == Matrix::YCgCo { 219.0 } else { 224.0 };
        (16.0 * unit, 219.0 * unit, chroma * unit)
    }
}

/// Levels to red, green and blue from 0 to 1.
pub(super) fn to_rgb([y, cb, cr]: [f64; 3], colour: &Colour, bits: u32) -> [f64; 3] {
    let (black, luma_span, chroma_span) = span(colour, bits);
    let middle = f64::from(1u32 << (bits - 1));
    let (y, cb, cr) = ((y - black) / luma_span, (cb - middle) / chroma_span, (cr - middle) / chroma_span);
    let Some([kr, kg, kb]) = colour.matrix.luma() else {
        // Green and orange.
        return [y - cb + cr, y + cb, y - cb - cr];
    };
    let red = y + 2.0 * (1.0 - kr) * cr;
    let blue = y + 2.0 * (1.0 - kb) * cb;
    [red, (y - kr * red - kb * blue) / kg, blue]
}

/// Back again.
pub(super) fn from_rgb([red, green, blue]: [f64; 3], colour: &Colour, bits: u32) -> [f64; 3] {
    let (black, luma_span, chroma_span) = span(colour, bits);
    let middle = f64::from(1u32 << (bits - 1));
    let (y, cb, cr) = match colour.matrix.luma() {
        Some([kr, kg, kb]) => {
            let y = kr * red + kg * green + kb * blue;
            (y, (blue - y) / (2.0 * (1.0 - kb)), (red - y) / (2.0 * (1.0 - kr)))
        }
        None => {
            let others = (red + blue) / 2.0;
            ((green + others) / 2.0, (green - others) / 2.0, (red - blue) / 2.0)
        }
    };
    [black + luma_span * y, middle + chroma_span * cb, middle + chroma_span * cr]
}
