//! Light, by a table over Y, Cb and Cr.

use std::sync::{Arc, Mutex, PoisonError};

use autocut::model::Colour;

use super::levels::{from_rgb, to_rgb};
use super::light::Light;
use super::rows::Rows;

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
    pub(super) fn change(&self, rows: &mut Rows, to_bits: u32) -> u32 {
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
pub(super) fn of(from: &Colour, to: &Colour) -> Arc<Table> {
    static TABLES: Mutex<Vec<(Colour, Colour, Arc<Table>)>> = Mutex::new(Vec::new());
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, _, table)) = tables.iter().find(|(a, b, _)| a == from && b == to) {
        return Arc::clone(table);
    }
    let table = Arc::new(Table::new(from, to));
    tables.push((*from, *to, Arc::clone(&table)));
    table
}
