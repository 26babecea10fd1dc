//! From the colours of footage to those of an output: range, matrix, primaries
//! and transfer. Plain arithmetic on planes of 4:2:0 or 4:2:2, no libav*.
//!
//! libswscale is not asked to do this: with the flags that make it repeatable
//! its way from one matrix to another is off by up to 4 levels of 8 bits, with
//! a pattern, and it knows nothing of transfers.
//!
//! Where only range and matrix differ, colours are changed by one affine map.
//! Where primaries or transfer differ, by a table over Y, Cb and Cr:
//!
//! - PQ and HLG (ITU-R BT.2100-2, tables 4 and 5; HLG with the OOTF of a display
//!   of 1,000 cd/m2) become light on a display;
//! - light up to 1,000 cd/m2 is brought to at most 203 cd/m2, the reference
//!   white of BT.2408, by the EETF of BT.2390-8, 5.4.1, on the greatest of red,
//!   green and blue, so that a colour keeps its hue;
//! - BT.2020 and P3 become BT.709 by their chromaticities, as BT.2087 does for
//!   BT.2020; what lies outside is moved towards the grey of its luminance;
//! - light becomes levels for a display of gamma 2.4 (BT.1886 with black at 0),
//!   203 cd/m2 being white.
//!
//! It must not depend on the processor: tables are made with libm, in one
//! order, and applied in integers.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use autocut::model::footage::{Primaries, Transfer};
use autocut::model::{Colour, Matrix};

use crate::planes::{Source, Target};

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
            return Change::Table(table(from, to), to_bits);
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

/// Whether light has to be changed, so that 8 bits a sample would not do.
pub(crate) fn is_light(from: &Colour, to: &Colour) -> bool {
    (from.transfer(), from.primaries()) != (to.transfer(), to.primaries())
}

/// Two rows of luma and the row of chroma between them; an even width.
struct Rows {
    luma: [Vec<i16>; 2],
    cb: Vec<i16>,
    cr: Vec<i16>,
    new_cb: Vec<i16>,
    new_cr: Vec<i16>,
    /// What chroma adds to luma.
    tint: Vec<i16>,
    /// Where in a table the levels of a row are, and for which Cb and Cr.
    keys: Vec<u32>,
    columns: Vec<u32>,
    mean_keys: Vec<u32>,
}

impl Rows {
    fn new(chroma: usize) -> Rows {
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

fn load(plane: &Source, row: usize, bytes: usize, into: &mut [i16]) {
    let Some(line) = plane.data.get(row * plane.stride..).and_then(|rest| rest.get(..into.len() * bytes)) else {
        return;
    };
    if bytes == 1 { widen(line, into) } else { join(line, into) }
}

fn store(plane: &mut Target, row: usize, line: &[i16], bits: u32) {
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

/// Luma of (red, green, blue) is this much of each (BT.601, BT.709, BT.2020).
fn luma(matrix: Matrix) -> [f64; 3] {
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
fn to_rgb([y, cb, cr]: [f64; 3], colour: &Colour, bits: u32) -> [f64; 3] {
    let (black, luma_span, chroma_span) = span(colour.full_range, bits);
    let middle = f64::from(1u32 << (bits - 1));
    let [kr, kg, kb] = luma(colour.matrix);
    let (y, cb, cr) = ((y - black) / luma_span, (cb - middle) / chroma_span, (cr - middle) / chroma_span);
    let red = y + 2.0 * (1.0 - kr) * cr;
    let blue = y + 2.0 * (1.0 - kb) * cb;
    [red, (y - kr * red - kb * blue) / kg, blue]
}

/// Back again.
fn from_rgb([red, green, blue]: [f64; 3], colour: &Colour, bits: u32) -> [f64; 3] {
    let (black, luma_span, chroma_span) = span(colour.full_range, bits);
    let middle = f64::from(1u32 << (bits - 1));
    let [kr, kg, kb] = luma(colour.matrix);
    let y = kr * red + kg * green + kb * blue;
    let (cb, cr) = ((blue - y) / (2.0 * (1.0 - kb)), (red - y) / (2.0 * (1.0 - kr)));
    [black + luma_span * y, middle + chroma_span * cb, middle + chroma_span * cr]
}

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
    fn new(from: &Colour, to: &Colour, bits: u32, to_bits: u32) -> Affine {
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
    fn change(&self, rows: &mut Rows, factors: &Factors) -> u32 {
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
struct Factors {
    luma: [Vec<i16>; 3],
    cb: [Vec<i16>; 2],
    cr: [Vec<i16>; 2],
}

impl Factors {
    fn new(change: &Change, chroma: usize) -> Factors {
        let Change::Affine(affine) = change else { return Factors::default() };
        let row = |factor| vec![factor; chroma];
        let [of_y, of_cb, of_cr] = affine.luma;
        let luma = [vec![of_y; 2 * chroma], row(of_cb), row(of_cr)];
        Factors { luma, cb: affine.cb.map(row), cr: affine.cr.map(row) }
    }
}

/// Levels of 10 bits that a table starts from.
pub(crate) const TABLE_BITS: u32 = 10;
/// Levels from one entry to the next, and how many entries that makes.
const STEP: u32 = 16;
const ENTRIES: usize = 65;
/// Entries are in 1 / 16 of a level, so have 12 bits.
const FRACTION: u32 = 4;

/// What each Y, Cb and Cr becomes; between the entries, by linear interpolation
/// along each axis.
///
/// For each cell between entries its eight corners lie together, and for each
/// place in a cell the weights of these (of 4,096): a level is then one sum of
/// eight products of 16 bits, which is one instruction.
pub(crate) struct Table {
    y: Cells,
    cb: Cells,
    cr: Cells,
    weights: Weights,
}

/// By Cb, Cr and Y.
type Cells = Box<[[i16; 8]; CELLS]>;
/// By how far Cb, Cr and Y are above the entry below.
type Weights = Box<[[i16; 8]; PLACES]>;
const CELLS: usize = 1 << 18;
const PLACES: usize = 1 << 12;

impl Table {
    fn new(from: &Colour, to: &Colour) -> Table {
        let light = Light::new(from, to);
        let mut entries = Vec::with_capacity(ENTRIES * ENTRIES * ENTRIES);
        let level = |entry: usize| entry as f64 * f64::from(STEP);
        for cb in 0..ENTRIES {
            for cr in 0..ENTRIES {
                for y in 0..ENTRIES {
                    let rgb = to_rgb([level(y), level(cb), level(cr)], from, TABLE_BITS);
                    let levels = from_rgb(light.change(rgb), to, 8);
                    let whole = |level: f64| libm::round(level.max(0.0) * f64::from(1 << FRACTION)) as i16;
                    let [y, cb, cr] = levels.map(whole);
                    entries.push([y, cb, cr]);
                }
            }
        }
        let cells = |part: usize| -> Cells {
            let corners = |cell: usize| {
                let (cb, cr, y) = (cell >> 12, cell >> 6 & 63, cell & 63);
                [0usize, 1, 2, 3, 4, 5, 6, 7].map(|corner| {
                    let (cb, cr, y) = (cb + (corner >> 2), cr + (corner & 1), y + (corner >> 1 & 1));
                    entries[(cb * ENTRIES + cr) * ENTRIES + y][part]
                })
            };
            boxed(corners)
        };
        let weights = |place: usize| {
            let parts = [place >> 8, place >> 4 & 15, place & 15].map(|part| part as i16);
            [0usize, 1, 2, 3, 4, 5, 6, 7].map(|corner| {
                let above = [corner >> 2 == 1, corner & 1 == 1, corner >> 1 & 1 == 1];
                let one = |axis: usize| if above[axis] { parts[axis] } else { STEP as i16 - parts[axis] };
                one(0) * one(1) * one(2)
            })
        };
        Table { y: cells(0), cb: cells(1), cr: cells(2), weights: boxed(weights) }
    }

    /// Gives the bits of the new levels.
    fn change(&self, rows: &mut Rows, to_bits: u32) -> u32 {
        match to_bits {
            8 => self.change_to::<0>(rows),
            _ => self.change_to::<2>(rows),
        }
        to_bits
    }

    /// `MORE` bits than 8.
    fn change_to<const MORE: u32>(&self, rows: &mut Rows) {
        within(&mut rows.cb);
        within(&mut rows.cr);
        rows.luma.iter_mut().for_each(|line| within(line));
        column_row(&rows.cb, &rows.cr, &mut rows.columns);
        let [above, below] = &mut rows.luma;
        mean_row(&rows.columns, above, below, &mut rows.mean_keys);
        for line in [above, below] {
            key_row(&rows.columns, line, &mut rows.keys);
            look_up::<MORE>(&self.y, &self.weights, &rows.keys, line);
        }
        look_up::<MORE>(&self.cb, &self.weights, &rows.mean_keys, &mut rows.cb);
        look_up::<MORE>(&self.cr, &self.weights, &rows.mean_keys, &mut rows.cr);
    }
}

fn boxed<const N: usize>(of: impl Fn(usize) -> [i16; 8]) -> Box<[[i16; 8]; N]> {
    let all: Vec<[i16; 8]> = (0..N).map(of).collect();
    all.into_boxed_slice().try_into().unwrap_or_else(|_| Box::new([[0; 8]; N]))
}

#[inline(never)]
fn within(row: &mut [i16]) {
    for level in row {
        *level = (*level).clamp(0, (1 << TABLE_BITS) - 1);
    }
}

// A key: 18 bits of a cell (Cb, Cr, Y), then 12 of a place in it.

#[inline(never)]
fn column_row(cb: &[i16], cr: &[i16], columns: &mut [u32]) {
    for ((column, cb), cr) in columns.iter_mut().zip(cb).zip(cr) {
        let (cb, cr) = (u32::from(*cb as u16), u32::from(*cr as u16));
        *column = (cb >> 4) << 24 | (cr >> 4) << 18 | (cb & 15) << 8 | (cr & 15) << 4;
    }
}

#[inline(always)]
fn key(column: u32, y: i16) -> u32 {
    let y = u32::from(y as u16);
    column | (y >> 4) << 12 | (y & 15)
}

#[inline(never)]
fn key_row(columns: &[u32], luma: &[i16], keys: &mut [u32]) {
    let pairs = keys.as_chunks_mut::<2>().0.iter_mut().zip(luma.as_chunks::<2>().0);
    for ((keys, y), column) in pairs.zip(columns) {
        *keys = [key(*column, y[0]), key(*column, y[1])];
    }
}

#[inline(never)]
fn mean_row(columns: &[u32], above: &[i16], below: &[i16], keys: &mut [u32]) {
    let pairs = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
    for ((key_of, column), (a, b)) in keys.iter_mut().zip(columns).zip(pairs) {
        let sum = a[0].wrapping_add(a[1]).wrapping_add(b[0]).wrapping_add(b[1]);
        *key_of = key(*column, sum.wrapping_add(2) >> 2);
    }
}

/// One sum of products a turn, or the compiler does not see what it is.
#[inline(never)]
fn look_up<const MORE: u32>(cells: &[[i16; 8]; CELLS], weights: &[[i16; 8]; PLACES], keys: &[u32], to: &mut [i16]) {
    /// Of three interpolations between 16 steps each, and of an entry.
    const BITS: u32 = 12 + FRACTION;
    for (level, key) in to.iter_mut().zip(keys) {
        let key = *key as usize;
        let (cell, weights) = (&cells[key >> 12 & (CELLS - 1)], &weights[key & (PLACES - 1)]);
        let mut sum = 1i32 << (BITS - MORE - 1);
        for (corner, weight) in cell.iter().zip(weights) {
            sum = sum.wrapping_add(i32::from(*corner).wrapping_mul(i32::from(*weight)));
        }
        *level = (sum >> (BITS - MORE)) as i16;
    }
}

/// A table takes a fraction of a second to make and is the same for all
/// footage of a kind, so the process keeps it.
fn table(from: &Colour, to: &Colour) -> Arc<Table> {
    static TABLES: Mutex<Vec<(Colour, Colour, Arc<Table>)>> = Mutex::new(Vec::new());
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, _, table)) = tables.iter().find(|(a, b, _)| a == from && b == to) {
        return Arc::clone(table);
    }
    let table = Arc::new(Table::new(from, to));
    tables.push((*from, *to, Arc::clone(&table)));
    table
}

/// The reference white of BT.2408 and the brightest light that is told apart,
/// in cd/m2.
const WHITE: f64 = 203.0;
const PEAK: f64 = 1_000.0;
/// Of BT.1886.
const GAMMA: f64 = 2.4;

/// Levels from 0 to 1 of one kind to those of SDR.
struct Light {
    transfer: Transfer,
    /// Red, green and blue of one kind out of those of another.
    matrix: [[f64; 3]; 3],
    /// How much red, green and blue add to the luminance of the result.
    luminance: [f64; 3],
}

impl Light {
    fn new(from: &Colour, to: &Colour) -> Light {
        let (source, target) = (xyz(from.primaries()), xyz(to.primaries()));
        Light { transfer: from.transfer(), matrix: product(&inverse(&target), &source), luminance: target[1] }
    }

    fn change(&self, levels: [f64; 3]) -> [f64; 3] {
        let light = match self.transfer {
            Transfer::Sdr => levels.map(|level| odd(level, |level| libm::pow(level, GAMMA))),
            Transfer::Pq => compressed(levels.map(|level| odd(level, pq_to_light))),
            Transfer::Hlg => compressed(hlg_to_light(levels)),
        };
        let light = into_gamut(apply(&self.matrix, light), &self.luminance);
        light.map(|light| libm::pow(light, 1.0 / GAMMA))
    }
}

/// A function of what is positive, for what is negative too: entries of the
/// table lie outside of the colours that exist.
fn odd(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    if x < 0.0 { -f(-x) } else { f(x) }
}

// BT.2100-2, table 4.
const M1: f64 = 2_610.0 / 16_384.0;
const M2: f64 = 2_523.0 / 4_096.0 * 128.0;
const C1: f64 = 3_424.0 / 4_096.0;
const C2: f64 = 2_413.0 / 4_096.0 * 32.0;
const C3: f64 = 2_392.0 / 4_096.0 * 32.0;

/// A level of PQ to cd/m2.
fn pq_to_light(level: f64) -> f64 {
    let power = libm::pow(level.min(1.0), 1.0 / M2);
    10_000.0 * libm::pow((power - C1).max(0.0) / (C2 - C3 * power), 1.0 / M1)
}

/// Back again.
fn light_to_pq(light: f64) -> f64 {
    let power = libm::pow(light / 10_000.0, M1);
    libm::pow((C1 + C2 * power) / (1.0 + C3 * power), M2)
}

/// Levels of HLG to cd/m2 on a display of [`PEAK`] (BT.2100-2, table 5).
fn hlg_to_light(levels: [f64; 3]) -> [f64; 3] {
    const A: f64 = 0.178_832_77;
    const B: f64 = 1.0 - 4.0 * A;
    /// 0.5 - A ln(4 A)
    const C: f64 = 0.559_910_729_529_562;
    const SYSTEM_GAMMA: f64 = 1.2;
    let scene = levels.map(|level| {
        odd(level, |level| if level <= 0.5 { level * level / 3.0 } else { (libm::exp((level - C) / A) + B) / 12.0 })
    });
    let [kr, kg, kb] = luma(Matrix::Bt2020);
    let luminance = (kr * scene[0] + kg * scene[1] + kb * scene[2]).max(0.0);
    scene.map(|scene| PEAK * libm::pow(luminance, SYSTEM_GAMMA - 1.0) * scene)
}

/// Light in cd/m2 to shares of white, nothing brighter than that.
fn compressed(light: [f64; 3]) -> [f64; 3] {
    let greatest = light[0].max(light[1]).max(light[2]);
    let factor = if greatest > 0.0 { eetf(greatest) / greatest } else { 1.0 };
    light.map(|light| light * factor / WHITE)
}

/// BT.2390-8, 5.4.1, from black 0 and [`PEAK`] to black 0 and [`WHITE`].
fn eetf(light: f64) -> f64 {
    let peak = light_to_pq(PEAK);
    let most = light_to_pq(WHITE) / peak;
    let knee = 1.5 * most - 0.5;
    let level = (light_to_pq(light) / peak).min(1.0);
    if level < knee {
        return light;
    }
    let t = (level - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let bent = (2.0 * t3 - 3.0 * t2 + 1.0) * knee + (t3 - 2.0 * t2 + t) * (1.0 - knee) + (-2.0 * t3 + 3.0 * t2) * most;
    pq_to_light(bent * peak)
}

/// What is less than 0 or more than 1 is moved straight towards the grey of the
/// same luminance.
fn into_gamut(light: [f64; 3], luminance: &[f64; 3]) -> [f64; 3] {
    let grey: f64 = light.iter().zip(luminance).map(|(light, share)| light * share).sum();
    let grey = grey.clamp(0.0, 1.0);
    let keep = light.iter().fold(1.0_f64, |keep, light| {
        let away = light - grey;
        let room = if away > 0.0 { 1.0 - grey } else { grey };
        if away.abs() > room { keep.min(room / away.abs()) } else { keep }
    });
    light.map(|light| (grey + (light - grey) * keep).clamp(0.0, 1.0))
}

/// Red, green and blue to CIE XYZ, by their chromaticities and white D65
/// (SMPTE RP 177).
fn xyz(primaries: Primaries) -> [[f64; 3]; 3] {
    let corners = match primaries {
        Primaries::Bt709 => [(0.640, 0.330), (0.300, 0.600), (0.150, 0.060)],
        Primaries::Bt2020 => [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)],
        Primaries::P3 => [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)],
    };
    let of = |(x, y): (f64, f64)| [x / y, 1.0, (1.0 - x - y) / y];
    let [red, green, blue] = corners.map(of);
    let columns = [0, 1, 2].map(|row| [red[row], green[row], blue[row]]);
    let amounts = apply(&inverse(&columns), of((0.3127, 0.3290)));
    columns.map(|row| [row[0] * amounts[0], row[1] * amounts[1], row[2] * amounts[2]])
}

fn apply(matrix: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let column = |i: usize| apply(a, [b[0][i], b[1][i], b[2][i]]);
    let columns = [column(0), column(1), column(2)];
    [0, 1, 2].map(|row| [columns[0][row], columns[1][row], columns[2][row]])
}

/// By cofactors.
fn inverse(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor = |row: usize, column: usize| {
        let (r, s) = ((row + 1) % 3, (row + 2) % 3);
        let (c, d) = ((column + 1) % 3, (column + 2) % 3);
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    let determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| minor(column, row) / determinant))
}

#[cfg(test)]
mod tests;
