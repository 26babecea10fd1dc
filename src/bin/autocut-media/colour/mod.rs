//! From the colours of footage to those of an output: range, matrix, primaries
//! and transfer. Plain arithmetic on planes of 4:2:0 or 4:2:2, no libav*.
//!
//! libswscale is not asked to do this: with the flags that make it repeatable
//! its way from one matrix to another is off by up to 4 levels of 8 bits, with
//! a pattern, and it knows nothing of transfers.
//!
//! Where only range and matrix differ, colours are changed by one affine map.
//! Where primaries or transfer differ, or YCgCo is one of the matrices, by a
//! table over Y, Cb and Cr, which holds what [`light`] does.
//!
//! It must not depend on the processor: tables are made with libm, in one
//! order, and applied in integers.
mod affine;
mod levels;
mod light;
mod rows;
mod table;

use std::sync::Arc;

use autocut::model::{Colour, Matrix};

use affine::{Affine, Factors};
use rows::{Rows, load, store};
use table::Table;

use crate::planes::{Source, Target};

pub(crate) use table::TABLE_BITS;

/// How the colours of some footage become those of an output.
#[derive(Clone)]
pub(crate) enum Change {
    /// They are the same.
    Nothing,
    /// Range and matrix.
    Affine(Affine),
    /// Light; to levels of that many bits.
    Table(Arc<Table>, u32),
}

impl Change {
    /// From levels of `bits` to levels of `to_bits`: 8, or 10 in limited range.
    pub(crate) fn new(from: &Colour, to: &Colour, bits: u32, to_bits: u32) -> Change {
        if is_light(from, to) {
            return Change::Table(table::of(from, to), to_bits);
        }
        if (from.matrix, from.full_range) == (to.matrix, to.full_range) {
            return Change::Nothing;
        }
        Change::Affine(Affine::new(from, to, bits, to_bits))
    }

    /// Changes a picture in which one sample of chroma stands for two of luma in
    /// each row, and in two rows of luma (4:2:0) or, where `tall`, in one
    /// (4:2:2). Samples have one byte, or two in the order of this machine. Both
    /// pictures have the same size.
    pub(crate) fn run(&self, from: [Source; 3], bytes: usize, mut to: [Target; 3], tall: bool) {
        let (width, height) = (from[0].width / bytes, from[0].height);
        let step = if tall { 1 } else { 2 };
        let mut rows = Rows::new(width.div_ceil(2));
        let factors = Factors::new(self, width.div_ceil(2));
        for row in 0..height.div_ceil(step) {
            load(&from[1], row, bytes, &mut rows.cb);
            load(&from[2], row, bytes, &mut rows.cr);
            for (line, luma) in rows.luma.iter_mut().enumerate() {
                // Of 4:2:2 both lines are the one row.
                load(&from[0], (step * row + line.min(step - 1)).min(height - 1), bytes, &mut luma[..width]);
                if width % 2 == 1 {
                    luma[width] = luma[width - 1];
                }
            }
            let to_bits = match self {
                Change::Nothing => return,
                Change::Affine(affine) => affine.change(&mut rows, &factors),
                Change::Table(table, to_bits) => table.change(&mut rows, *to_bits),
            };
            for (line, luma) in rows.luma.iter().enumerate().take((height - step * row).min(step)) {
                store(&mut to[0], step * row + line, &luma[..width], to_bits);
            }
            store(&mut to[1], row, &rows.cb, to_bits);
            store(&mut to[2], row, &rows.cr, to_bits);
        }
    }
}

/// Whether light has to be changed, or chroma of another kind: then 8 bits a
/// sample would not do, nor libswscale, which knows nothing of either.
pub(crate) fn is_light(from: &Colour, to: &Colour) -> bool {
    let kind = |colour: &Colour| (colour.transfer(), colour.primaries(), colour.matrix == Matrix::YCgCo);
    kind(from) != kind(to)
}

#[cfg(test)]
mod tests;
