//! Reads back from a frame's pixels which sprite was painted there: the proof
//! that a film shows the right digits in the right frame.

use std::collections::BTreeMap;

use autocut::base::{Digest, Point};
use autocut::model::overlay::SpriteRun;
use autocut::overlay::pack::Pack;
use autocut::overlay::sprite::Sprite;

/// About how bright a plate is over whatever lies behind it.
const PLATE_LUMA: u32 = 45;

/// Every place at which a layer's sprites are shown, each once.
pub(crate) fn candidates(pack: &Pack<'_>, runs: &[SpriteRun]) -> Vec<(Digest, Sprite, Point)> {
    let mut places: BTreeMap<(Digest, i32, i32), Sprite> = BTreeMap::new();
    for run in runs {
        let sprite = pack.sprite(run.sprite).unwrap().expect("the pack holds the sprites of its runs");
        places.insert((run.sprite, run.x, run.y), sprite);
    }
    places.into_iter().map(|((digest, x, y), sprite)| (digest, sprite, Point::new(x, y))).collect()
}

/// The candidate that explains best what is seen where any of them may stand.
/// `luma` is a frame's luma plane with rows of `stride` bytes.
pub(crate) fn best_match(luma: &[u8], stride: usize, candidates: &[(Digest, Sprite, Point)]) -> Option<Digest> {
    let edge = |far: fn(&(Digest, Sprite, Point)) -> i32| candidates.iter().map(far);
    let (left, top) = (edge(|c| c.2.x).min()?, edge(|c| c.2.y).min()?);
    let right = edge(|c| c.2.x + c.1.size().width as i32).max()?;
    let bottom = edge(|c| c.2.y + c.1.size().height as i32).max()?;
    let height = (luma.len() / stride) as i32;
    let seen = |x: i32, y: i32| luma[y as usize * stride + x as usize];
    let error = |(_, sprite, at): &(Digest, Sprite, Point)| -> u64 {
        let (width, (colour, alpha)) = (sprite.size().width as i32, sprite.luma());
        let mut sum = 0;
        for y in top.max(0)..bottom.min(height) {
            for x in left.max(0)..right.min(stride as i32) {
                let (sx, sy) = (x - at.x, y - at.y);
                let inside = (0..width).contains(&sx) && (0..sprite.size().height as i32).contains(&sy);
                let index = if inside { Some((sy * width + sx) as usize) } else { None };
                let (colour, alpha) = index.map_or((0, 0), |i| (u32::from(colour[i]), u32::from(alpha[i])));
                let expected = colour + PLATE_LUMA * (255 - alpha) / 255;
                sum += u64::from(expected.abs_diff(u32::from(seen(x, y))));
            }
        }
        sum
    };
    candidates.iter().min_by_key(|candidate| error(candidate)).map(|candidate| candidate.0)
}
