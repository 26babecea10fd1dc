//! Columns that are put aside while a log is worked on, packed as they are in
//! an artifact, and read again wherever they are wanted.

use std::fmt;
use std::io;
use std::ops::Range;

use super::pack::{Packer, Unpacker};
use super::read::{Source, Unreadable};

/// Room for bytes that nobody needs afterwards.
pub trait Scratch: Source {
    /// Writes behind all that was written.
    ///
    /// # Errors
    /// Those of what they are written to.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

impl Scratch for Vec<u8> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A column that was put aside: where its parts are.
#[derive(Debug, Default)]
pub struct Aside {
    parts: Vec<(u64, u32)>,
    samples: usize,
}

/// Where columns are put aside, so many samples a part.
pub struct Shelf<'s> {
    scratch: &'s mut dyn Scratch,
    part: usize,
    packer: Packer,
    packed: Vec<u8>,
}

impl fmt::Debug for Shelf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("part", &self.part).finish_non_exhaustive()
    }
}

impl<'s> Shelf<'s> {
    pub fn new(scratch: &'s mut dyn Scratch, part: usize) -> Shelf<'s> {
        Shelf { scratch, part, packer: Packer::default(), packed: Vec::new() }
    }

    /// Puts more values behind those of a column, a whole number of parts unless
    /// they are the last.
    ///
    /// # Errors
    /// Those of the scratch.
    pub fn put(&mut self, column: &mut Aside, values: &[f64]) -> io::Result<()> {
        debug_assert!(column.samples.is_multiple_of(self.part));
        for part in values.chunks(self.part) {
            self.packed.clear();
            self.packer.values(part, part.len(), &mut self.packed);
            column.parts.push((self.scratch.length(), self.packed.len() as u32));
            self.scratch.append(&self.packed)?;
            column.samples += part.len();
        }
        Ok(())
    }

    /// The values of these samples, as far as there are any.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn read(&self, column: &Aside, range: Range<usize>) -> Result<Vec<f64>, Unreadable> {
        let range = range.start.min(column.samples)..range.end.min(column.samples);
        let mut found = Vec::with_capacity(range.len());
        let (mut packed, mut values) = (Vec::new(), Vec::new());
        for (index, (at, length)) in column.parts.iter().enumerate().skip(range.start / self.part) {
            let start = index * self.part;
            if start >= range.end {
                break;
            }
            let samples = self.part.min(column.samples - start);
            packed.resize(*length as usize, 0);
            self.scratch.read_at(*at, &mut packed).map_err(Unreadable::Io)?;
            values.clear();
            Unpacker::new(&packed).values(samples, &mut values).ok_or(Unreadable::Odd)?;
            found.extend_from_slice(&values[range.start.max(start) - start..range.end.min(start + samples) - start]);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_were_put_aside_in_turn_come_back_to_the_bit() {
        let mut scratch = Vec::new();
        let mut shelf = Shelf::new(&mut scratch, 7);
        let mut chance = fastrand::Rng::with_seed(5);
        let value = |chance: &mut fastrand::Rng| if chance.bool() { f64::NAN } else { f64::from_bits(chance.u64(..)) };
        let columns: Vec<Vec<f64>> = (0..3).map(|_| (0..100).map(|_| value(&mut chance)).collect()).collect();
        let mut aside = [Aside::default(), Aside::default(), Aside::default()];
        for from in (0..100).step_by(21) {
            for (aside, column) in aside.iter_mut().zip(&columns) {
                shelf.put(aside, &column[from..column.len().min(from + 21)]).unwrap();
            }
        }
        let same = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        for range in [0..100, 0..0, 6..8, 7..14, 99..100, 20..85] {
            for (aside, column) in aside.iter().zip(&columns) {
                let found = shelf.read(aside, range.clone()).unwrap();
                assert_eq!(found.len(), range.len());
                assert!(found.iter().zip(&column[range.clone()]).all(|(a, b)| same(a, b)), "{range:?}");
            }
        }
        assert_eq!(shelf.read(&aside[0], 98..200).unwrap().len(), 2);
    }
}
