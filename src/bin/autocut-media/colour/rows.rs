//! Rows of samples as 16-bit numbers, in and out of planes.

use crate::planes::{Source, Target};

/// Two rows of luma and the row of chroma between them; an even width.
pub(super) struct Rows {
    pub(super) luma: [Vec<i16>; 2],
    pub(super) cb: Vec<i16>,
    pub(super) cr: Vec<i16>,
    pub(super) new_cb: Vec<i16>,
    pub(super) new_cr: Vec<i16>,
    /// What chroma adds to luma.
    pub(super) tint: Vec<i16>,
    /// Where in a table the levels of a row are, and for which Cb and Cr.
    pub(super) keys: Vec<u32>,
    pub(super) columns: Vec<u32>,
    pub(super) mean_keys: Vec<u32>,
}

impl Rows {
    pub(super) fn new(chroma: usize) -> Rows {
        let luma = || vec![0; 2 * chroma];
        let half = || vec![0; chroma];
        Rows {
            luma: [luma(), luma()],
            cb: half(),
            cr: half(),
            new_cb: half(),
            new_cr: half(),
            tint: luma(),
            keys: vec![0; 2 * chroma],
            columns: vec![0; chroma],
            mean_keys: vec![0; chroma],
        }
    }
}

pub(super) fn load(plane: &Source, row: usize, bytes: usize, into: &mut [i16]) {
    let Some(line) = plane.data.get(row * plane.stride..).and_then(|rest| rest.get(..into.len() * bytes)) else {
        return;
    };
    if bytes == 1 { widen(line, into) } else { join(line, into) }
}

pub(super) fn store(plane: &mut Target, row: usize, line: &[i16], bits: u32) {
    let bytes = if bits > 8 { 2 } else { 1 };
    if let Some(to) = plane.data.get_mut(row * plane.stride..).and_then(|rest| rest.get_mut(..line.len() * bytes)) {
        if bits > 8 { split(line, to, (1 << bits) - 1) } else { narrow(line, to) }
    }
}

// Loops over rows are functions of their own, not inlined and without checks
// for overflow: then the compiler knows that rows do not overlap, and does many
// samples at once.

#[inline(never)]
fn widen(from: &[u8], to: &mut [i16]) {
    for (level, byte) in to.iter_mut().zip(from) {
        *level = i16::from(*byte);
    }
}

#[inline(never)]
fn join(from: &[u8], to: &mut [i16]) {
    for (level, pair) in to.iter_mut().zip(from.as_chunks::<2>().0) {
        *level = i16::from_ne_bytes(*pair);
    }
}

/// What is beyond 8 bits becomes the level that is nearest.
#[inline(never)]
fn narrow(from: &[i16], to: &mut [u8]) {
    for (byte, level) in to.iter_mut().zip(from) {
        *byte = (*level).clamp(0, 255) as u8;
    }
}

#[inline(never)]
fn split(from: &[i16], to: &mut [u8], most: i16) {
    for (pair, level) in to.as_chunks_mut::<2>().0.iter_mut().zip(from) {
        *pair = (*level).clamp(0, most).to_ne_bytes();
    }
}
