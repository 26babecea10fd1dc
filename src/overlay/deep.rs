//! A sprite over HDR: premultiplied levels of 10 bits in the frame's own colours.
//!
//! Sprites are stored as for SDR. Their levels are taken out as they were before
//! they were multiplied by the opacity ([`plain`]), converted by whoever knows
//! colours, and multiplied again ([`DeepSprite::new`]).

use crate::base::Size;
use crate::overlay::sprite::Sprite;

/// Black, and the middle of chroma, in 10 bits of limited range.
const BLACK: u16 = 64;
const NEUTRAL: u16 = 512;

/// A picture to blend into frames of 10 bits.
#[derive(Clone, Debug)]
pub struct DeepSprite {
    /// Whose opacity it has.
    sprite: Sprite,
    /// Premultiplied Y, Cb and Cr; chroma in 4:2:0.
    levels: [Vec<u16>; 3],
}

impl DeepSprite {
    /// From levels of 10 bits that were not multiplied by the sprite's opacity,
    /// as [`plain`] gives them; `None` where there are not as many as it has.
    pub fn new(sprite: Sprite, mut levels: [Vec<u16>; 3]) -> Option<DeepSprite> {
        let (_, luma) = sprite.luma();
        let (_, _, chroma) = sprite.chroma();
        for (levels, alpha) in levels.iter_mut().zip([luma, chroma, chroma]) {
            if levels.len() != alpha.len() {
                return None;
            }
            for (level, alpha) in levels.iter_mut().zip(alpha) {
                *level = ((u32::from(*level) * u32::from(*alpha) + 127) / 255) as u16;
            }
        }
        Some(DeepSprite { sprite, levels })
    }

    pub fn size(&self) -> Size {
        self.sprite.size()
    }

    /// Premultiplied Y, Cb and Cr, rows as in the sprite.
    pub(super) fn levels(&self) -> [&[u16]; 3] {
        let [y, u, v] = &self.levels;
        [y, u, v]
    }

    /// What its opacity is, and where its rows are not clear.
    pub(super) fn sprite(&self) -> &Sprite {
        &self.sprite
    }
}

/// The levels of a sprite as they were before they were multiplied by its
/// opacity, in 10 bits: Y, Cb and Cr, the latter in 4:2:0. What is clear has the
/// levels of its neighbours, since colours are changed in blocks of four.
pub fn plain(sprite: &Sprite) -> [Vec<u16>; 3] {
    let (luma, alpha) = sprite.luma();
    let (u, v, chroma_alpha) = sprite.chroma();
    let width = sprite.size().width as usize;
    let mut y: Vec<u16> = luma.iter().zip(alpha).map(|(level, alpha)| divided(*level, *alpha, 0)).collect();
    for rows in y.chunks_exact_mut(2 * width) {
        let (upper, lower) = rows.split_at_mut(width);
        let mut before = BLACK;
        for (above, below) in upper.as_chunks_mut::<2>().0.iter_mut().zip(lower.as_chunks_mut::<2>().0) {
            let block = [above[0], above[1], below[0], below[1]];
            let seen = || block.iter().filter(|level| **level > 0).map(|level| u32::from(*level));
            let mean = seen().sum::<u32>().checked_div(seen().count() as u32);
            let usual = mean.map_or(before, |mean| mean as u16);
            for level in above.iter_mut().chain(below).filter(|level| **level == 0) {
                *level = usual;
            }
            before = usual;
        }
    }
    let chroma = |levels: &[u8]| levels.iter().zip(chroma_alpha).map(|(l, a)| divided(*l, *a, NEUTRAL)).collect();
    [y, chroma(u), chroma(v)]
}

/// A level of 8 bits over its opacity, in 10 bits. What is not clear is never 0:
/// black is 64.
fn divided(level: u8, alpha: u8, clear: u16) -> u16 {
    match u32::from(alpha) {
        0 => clear,
        alpha => ((u32::from(level) * 4 * 255 + alpha / 2) / alpha).clamp(1, 1_023) as u16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sprite of 4 by 2: white, half-opaque white, clear, clear.
    fn sprite() -> Sprite {
        let luma = [235, 118, 0, 0, 235, 118, 0, 0];
        let alpha = [255, 128, 0, 0, 255, 128, 0, 0];
        // Chroma of clear columns is seen as far as it reaches to their left.
        let planes = [&luma[..], &alpha, &[96, 32], &[96, 32], &[191, 64]].concat();
        Sprite::new(Size::new(4, 2), planes).unwrap()
    }

    #[test]
    fn levels_are_those_that_were_painted() {
        let [y, u, v] = plain(&sprite());
        assert_eq!(y[..2], [940, 940]);
        // Of the neighbour, not black.
        assert_eq!(y[2..4], [940, 940]);
        assert!(u.iter().chain(&v).all(|level| level.abs_diff(512) <= 4), "{u:?} {v:?}");
    }

    #[test]
    fn levels_are_multiplied_again() {
        let deep = DeepSprite::new(sprite(), plain(&sprite())).unwrap();
        let [y, u, _] = deep.levels();
        // 940 * 128 / 255
        assert_eq!(y[..4], [940, 472, 0, 0]);
        assert!(u[0].abs_diff(384) <= 4 && u[1].abs_diff(128) <= 4, "{u:?}");
        assert!(DeepSprite::new(sprite(), [vec![0; 8], vec![0; 2], vec![0; 3]]).is_none());
    }
}
