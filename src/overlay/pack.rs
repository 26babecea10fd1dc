//! Sprite packs: many sprites in one file, found by digest, each compressed by
//! itself (LZ4 block format). A pack is read in another process than the one
//! that wrote it, so the reader trusts nothing: every offset and length is
//! checked, and a sprite that is not what its digest says is not given out.
//!
//! Layout, all numbers little-endian: `MAGIC`; version `u32`; count `u32`;
//! then for each sprite, in ascending order of digests, digest (32 bytes),
//! width `u32`, height `u32`, offset of its block in the file `u64` and the
//! block's length `u32`; then the blocks.

use std::collections::BTreeMap;

use crate::base::{Diagnostic, Digest, Size};
use crate::overlay::sprite::{self, Sprite};

const MAGIC: &[u8; 8] = b"autocutS";
const VERSION: u32 = 1;
const HEADER: usize = 16;
const ENTRY: usize = 52;

/// Writes a pack that holds `sprites`.
pub fn write(sprites: &BTreeMap<Digest, Sprite>) -> Vec<u8> {
    let blocks: Vec<Vec<u8>> = sprites.values().map(|s| lz4_flex::block::compress(s.planes())).collect();
    let table = HEADER + sprites.len() * ENTRY;
    let mut pack = Vec::with_capacity(table + blocks.iter().map(Vec::len).sum::<usize>());
    pack.extend_from_slice(MAGIC);
    pack.extend_from_slice(&VERSION.to_le_bytes());
    pack.extend_from_slice(&(sprites.len() as u32).to_le_bytes());
    let mut offset = table as u64;
    for ((digest, sprite), block) in sprites.iter().zip(&blocks) {
        pack.extend_from_slice(&digest.0);
        pack.extend_from_slice(&sprite.size().width.to_le_bytes());
        pack.extend_from_slice(&sprite.size().height.to_le_bytes());
        pack.extend_from_slice(&offset.to_le_bytes());
        pack.extend_from_slice(&(block.len() as u32).to_le_bytes());
        offset += block.len() as u64;
    }
    for block in &blocks {
        pack.extend_from_slice(block);
    }
    pack
}

/// A pack in memory (or mapped), whose table has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Pack<'a> {
    bytes: &'a [u8],
    table: &'a [u8],
}

impl<'a> Pack<'a> {
    /// Opens a pack.
    ///
    /// # Errors
    /// When the bytes are no pack, of another version, or cut short.
    pub fn open(bytes: &'a [u8]) -> Result<Pack<'a>, Diagnostic> {
        let damaged = |what: &str| Err(damaged(what));
        if !bytes.starts_with(MAGIC) {
            return damaged("it does not start as one");
        }
        if number(bytes, 8) != Some(VERSION) {
            return damaged("it is of another version");
        }
        let count = number(bytes, 12).unwrap_or(0) as usize;
        let table = count.checked_mul(ENTRY).and_then(|length| bytes.get(HEADER..)?.get(..length));
        let Some(table) = table else { return damaged("its table is cut short") };
        let mut previous: Option<&[u8]> = None;
        for entry in table.chunks_exact(ENTRY) {
            let digest = &entry[..32];
            if previous.is_some_and(|previous| previous >= digest) {
                return damaged("its table is out of order");
            }
            previous = Some(digest);
            if entry_block(bytes, entry).is_none() {
                return damaged("a sprite lies outside of it");
            }
            if entry_size(entry).and_then(sprite::plane_bytes).is_none() {
                return damaged("a sprite has an impossible size");
            }
        }
        Ok(Pack { bytes, table })
    }

    /// The digests of all sprites, ascending.
    pub fn digests(&self) -> impl Iterator<Item = Digest> + use<'a> {
        self.table.chunks_exact(ENTRY).filter_map(|entry| Some(Digest(*entry.first_chunk()?)))
    }

    /// The sprite of that digest; `None` where the pack has none.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn sprite(&self, digest: Digest) -> Result<Option<Sprite>, Diagnostic> {
        let entries: Vec<&[u8]> = self.table.chunks_exact(ENTRY).collect();
        let Ok(index) = entries.binary_search_by(|entry| entry[..32].cmp(&digest.0)) else { return Ok(None) };
        let entry = entries[index];
        let read = || {
            let size = entry_size(entry)?;
            let length = sprite::plane_bytes(size)?;
            let block = entry_block(self.bytes, entry)?;
            // LZ4 cannot make more than 255 bytes of one: a lying size must
            // not allocate without bound.
            if block.len().saturating_mul(255) < length {
                return None;
            }
            let planes = lz4_flex::block::decompress(block, length).ok()?;
            Sprite::new(size, planes).filter(|sprite| sprite.digest() == digest)
        };
        read().map(Some).ok_or_else(|| damaged(&format!("sprite {} is not what it was", digest.short())))
    }
}

fn damaged(what: &str) -> Diagnostic {
    Diagnostic::environment(format!("a sprite pack is damaged: {what}"))
        .hint("run `autocut verify`: damaged packs are drawn again")
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn entry_size(entry: &[u8]) -> Option<Size> {
    Some(Size::new(number(entry, 32)?, number(entry, 36)?))
}

fn entry_block<'a>(bytes: &'a [u8], entry: &[u8]) -> Option<&'a [u8]> {
    let offset = u64::from_le_bytes(*entry.get(40..)?.first_chunk()?);
    let offset = usize::try_from(offset).ok()?;
    bytes.get(offset..)?.get(..number(entry, 48)? as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sprites() -> BTreeMap<Digest, Sprite> {
        let made = (1..6u32).filter_map(|n| {
            let size = Size::new(n * 2, n * 4);
            let length = sprite::plane_bytes(size)?;
            Sprite::new(size, (0..length).map(|i| (i as u32 * n / 7) as u8).collect())
        });
        made.map(|sprite| (sprite.digest(), sprite)).collect()
    }

    #[test]
    fn round_trip() {
        let sprites = sprites();
        let bytes = write(&sprites);
        let pack = Pack::open(&bytes).unwrap();
        assert!(pack.digests().eq(sprites.keys().copied()));
        for (digest, sprite) in &sprites {
            assert_eq!(pack.sprite(*digest).unwrap().as_ref(), Some(sprite));
        }
        assert_eq!(pack.sprite(Digest::of(b"other")).unwrap(), None);
        let none = write(&BTreeMap::new());
        assert_eq!(Pack::open(&none).unwrap().digests().count(), 0);
    }

    /// Every byte turned, every length cut: never a panic, never another
    /// picture.
    #[test]
    fn damage_is_noticed() {
        let sprites = sprites();
        let whole = write(&sprites);
        let check = |bytes: &[u8]| {
            let Ok(pack) = Pack::open(bytes) else { return };
            for (digest, sprite) in &sprites {
                if let Ok(Some(read)) = pack.sprite(*digest) {
                    assert_eq!(&read, sprite);
                }
            }
        };
        for index in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[index] ^= flip;
                check(&bytes);
            }
            check(&whole[..index]);
        }
    }

    #[test]
    fn a_lying_size_allocates_nothing() {
        let mut bytes = write(&sprites());
        bytes[HEADER + 32..HEADER + 36].copy_from_slice(&16_384u32.to_le_bytes());
        bytes[HEADER + 36..HEADER + 40].copy_from_slice(&16_384u32.to_le_bytes());
        let pack = Pack::open(&bytes).unwrap();
        let first = pack.digests().next().unwrap();
        assert!(pack.sprite(first).is_err());
    }
}
