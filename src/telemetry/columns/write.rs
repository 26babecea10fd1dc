//! Writes telemetry block by block.

use std::io::{self, Write};

use super::pack::{Packer, varint};
use super::{BLOCK, Footer, Listed, MAGIC, VERSION};
use crate::base::Unit;
use crate::model::encode;
use crate::model::telemetry::{LogClock, Mark};

/// Telemetry on its way to where artifacts go. Blocks are written as they come;
/// what is known at the end only is written there.
pub struct Writer<'w> {
    out: &'w mut dyn Write,
    /// Bytes that were written.
    at: u64,
    blocks: Vec<Listed>,
    packer: Packer,
    block: Vec<u8>,
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("at", &self.at).field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

/// What is known of telemetry when all of it was written.
#[derive(Debug, Default)]
pub struct Ending {
    pub clock: LogClock,
    /// Added to the times of all blocks, in ns.
    pub shift: i64,
    /// The columns of the blocks that count, in the order of the channels.
    pub channels: Vec<(u32, String, Unit)>,
    /// Nothing is known before the first sample at or after one of these times
    /// (as in the blocks), besides the breaks in the blocks.
    pub parted: Vec<i64>,
    /// In the order of time, on the clock of the blocks.
    pub marks: Vec<Mark>,
}

impl<'w> Writer<'w> {
    pub fn new(out: &'w mut dyn Write) -> Writer<'w> {
        Writer { out, at: 0, blocks: Vec::new(), packer: Packer::default(), block: Vec::new() }
    }

    /// Writes up to [`BLOCK`] samples that come after all before: their times,
    /// their columns (values beyond a slice are unknown), and breaks before
    /// which of them (0: between the block before and this one).
    pub fn block<'c>(
        &mut self,
        times: &[i64],
        columns: impl Iterator<Item = (u32, &'c [f64])>,
        breaks: &[u32],
    ) -> io::Result<()> {
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(()) };
        debug_assert!(times.len() <= BLOCK);
        self.head()?;
        self.block.clear();
        self.packer.times(times, &mut self.block);
        let mut parted = Vec::new();
        let mut before = 0;
        for at in breaks {
            varint(u64::from(at.wrapping_sub(before)), &mut parted);
            before = *at;
        }
        self.packer.bytes(&parted, &mut self.block);
        for (column, values) in columns {
            let values = &values[..values.len().min(times.len())];
            if values.iter().any(|value| !value.is_nan()) {
                self.block.extend_from_slice(&column.to_le_bytes());
                self.packer.values(values, times.len(), &mut self.block);
            }
        }
        self.out.write_all(&self.block)?;
        let length = self.block.len() as u32;
        let (samples, first, last) = (times.len() as u32, *first, *last);
        self.blocks.push(Listed { at: self.at, length, samples, first, last });
        self.at += u64::from(length);
        Ok(())
    }

    /// What was written so far is none of the telemetry.
    pub fn forget(&mut self) {
        self.blocks.clear();
    }

    pub fn finish(mut self, ending: Ending) -> io::Result<()> {
        self.head()?;
        let Ending { clock, shift, channels, parted, marks } = ending;
        let footer = encode(&Footer { clock, shift, channels, blocks: self.blocks, parted, marks });
        self.out.write_all(&footer)?;
        self.out.write_all(&(footer.len() as u64).to_le_bytes())?;
        self.out.write_all(MAGIC)
    }

    fn head(&mut self) -> io::Result<()> {
        if self.at == 0 {
            self.out.write_all(MAGIC)?;
            self.out.write_all(&VERSION.to_le_bytes())?;
            self.at = (MAGIC.len() + 4) as u64;
        }
        Ok(())
    }
}
