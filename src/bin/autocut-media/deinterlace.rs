//! Interlaced frames to whole pictures, one for each frame. Plain arithmetic on
//! planes, no libav*.
//!
//! The picture is that of the instant of a frame's second field, whose lines are
//! kept. The lines between are of the first field, half a frame earlier; the
//! first field of the next frame is half a frame later. Where these two agree
//! and the kept lines are those of the next frame, nothing moves and they are
//! taken. Where something moves, a line is made from those above and below it,
//! along the direction in which they are most alike, and may be as far from the
//! mean of the two fields as the fields show motion.
//!
//! Known for long: motion adaptation as in G. de Haan and E. B. Bellers,
//! "Deinterlacing - an overview", Proc. IEEE 86 (9), 1998; edges by T. Doyle and
//! M. Looymans, "Progressive scan conversion using edge information", 1990.
//!
//! A frame and the next give its picture, so that it does not depend on where
//! decoding began. (The field that is kept is the second one for that reason:
//! for the first one, the frame before would have to be known.)

use crate::planes::{Source, Target};

/// How far to the left and right edges are looked for.
const REACH: usize = 2;

/// Fills in the lines of the first field in `into`, which starts as a copy of
/// `now`; `next` is the next frame, or `now` where there is none. All three
/// have the same size, of `bytes` a sample (two: in the order of this
/// machine).
pub(crate) fn fill(now: Source, next: Source, bytes: usize, top_first: bool, into: Target) {
    let (width, height) = (now.width / bytes, now.height);
    if height < 2 || width == 0 {
        return;
    }
    let blank = || vec![0i32; width + 2 * REACH];
    let mut lines = Lines { above: blank(), below: blank(), next_above: blank(), next_below: blank() };
    let (mut before, mut after, mut line) = (vec![0i32; width], vec![0i32; width], vec![0i32; width]);
    let first = usize::from(!top_first);
    for row in (first..height).step_by(2) {
        // At an edge of the picture the only neighbour stands for both.
        let above = if row > 0 { row - 1 } else { row + 1 };
        let below = if row + 1 < height { row + 1 } else { row - 1 };
        load_wide(&now, above, bytes, &mut lines.above);
        load_wide(&now, below, bytes, &mut lines.below);
        load_wide(&next, above, bytes, &mut lines.next_above);
        load_wide(&next, below, bytes, &mut lines.next_below);
        load(&now, row, bytes, &mut before);
        load(&next, row, bytes, &mut after);
        lines.between(&before, &after, &mut line);
        let Some(to) = into.data.get_mut(row * into.stride..).and_then(|rest| rest.get_mut(..width * bytes)) else {
            return;
        };
        if bytes == 1 {
            to.iter_mut().zip(&line).for_each(|(byte, level)| *byte = *level as u8);
        } else {
            let pairs = to.chunks_exact_mut(2).zip(&line);
            pairs.for_each(|(pair, level)| pair.copy_from_slice(&(*level as u16).to_ne_bytes()));
        }
    }
}

/// Kept lines around one that is missing, with `REACH` more samples at both
/// ends.
struct Lines {
    above: Vec<i32>,
    below: Vec<i32>,
    next_above: Vec<i32>,
    next_below: Vec<i32>,
}

impl Lines {
    /// The missing line, which is `before` and `after` in the fields around it.
    fn between(&self, before: &[i32], after: &[i32], line: &mut [i32]) {
        let pairs = before.iter().zip(after);
        for (x, (level, (before, after))) in line.iter_mut().zip(pairs).enumerate() {
            let at = x + REACH;
            let (above, below) = (self.above[at], self.below[at]);
            let moved_above = above.wrapping_sub(self.next_above[at]).abs();
            let moved_below = below.wrapping_sub(self.next_below[at]).abs();
            let across = before.wrapping_sub(*after).abs() / 2;
            let motion = across.max(moved_above.wrapping_add(moved_below) / 2);
            let mean = before.wrapping_add(*after) / 2;
            // In nearly all of a picture nothing moves.
            *level = if motion == 0 { mean } else { self.along_edges(at).clamp(mean - motion, mean + motion) };
        }
    }

    /// The mean of a sample above and one below, along the direction in which
    /// three samples of each are most alike; upright where none is better.
    fn along_edges(&self, at: usize) -> i32 {
        let likeness = |shift: usize, to_right: bool| {
            let (up, down) = if to_right { (at + shift, at - shift) } else { (at - shift, at + shift) };
            let one = |offset: usize| {
                // Of the three, those that lie beyond the margin are left out.
                let above = self.above.get((up + offset).wrapping_sub(1));
                let below = self.below.get((down + offset).wrapping_sub(1));
                above.zip(below).map_or(0, |(a, b)| a.wrapping_sub(*b).abs())
            };
            (one(0).wrapping_add(one(1)).wrapping_add(one(2)), self.above[up].wrapping_add(self.below[down]) / 2)
        };
        let mut best = likeness(0, true);
        // An edge that is nearly as upright wins a tie.
        best.0 -= 1;
        for to_right in [false, true] {
            let one = likeness(1, to_right);
            if one.0 < best.0 {
                best = one;
                // Flatter edges are believed only where they are on the way.
                let two = likeness(2, to_right);
                if two.0 < best.0 {
                    best = two;
                }
            }
        }
        best.1
    }
}

fn load(plane: &Source, row: usize, bytes: usize, into: &mut [i32]) {
    let Some(line) = plane.data.get(row * plane.stride..).and_then(|rest| rest.get(..into.len() * bytes)) else {
        return;
    };
    if bytes == 1 {
        into.iter_mut().zip(line).for_each(|(level, byte)| *level = i32::from(*byte));
    } else {
        let pairs = line.chunks_exact(2).map(|pair| i32::from(u16::from_ne_bytes([pair[0], pair[1]])));
        into.iter_mut().zip(pairs).for_each(|(level, pair)| *level = pair);
    }
}

/// With the last samples repeated at both ends.
fn load_wide(plane: &Source, row: usize, bytes: usize, into: &mut [i32]) {
    let inner = REACH..into.len() - REACH;
    load(plane, row, bytes, &mut into[inner.clone()]);
    let (first, last) = (into[inner.start], into[inner.end - 1]);
    into[..inner.start].fill(first);
    into[inner.end..].fill(last);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (96, 64);

    /// A bright bar that leans, at a time in fields, over a pattern that stands
    /// still.
    fn scene(field: usize) -> Vec<u8> {
        let (width, height) = SIZE;
        let mut picture = vec![0; width * height];
        for (i, level) in picture.iter_mut().enumerate() {
            let (x, y) = (i % width, i / width);
            let left = 8 + 4 * field + y / 4;
            let is_bar = (left..left + 14).contains(&x);
            *level = if is_bar {
                220
            } else if y < 16 && y % 2 == 0 {
                90
            } else {
                50
            };
        }
        picture
    }

    /// Two fields of a scene, as cameras store them.
    fn frame(n: usize, top_first: bool) -> Vec<u8> {
        let (first, second) = (scene(2 * n), scene(2 * n + 1));
        let (width, _) = SIZE;
        let mut woven = second;
        for (row, (to, from)) in woven.chunks_mut(width).zip(first.chunks(width)).enumerate() {
            if (row % 2 == 0) == top_first {
                to.copy_from_slice(from);
            }
        }
        woven
    }

    fn source(data: &[u8], bytes: usize) -> Source<'_> {
        Source { data, stride: SIZE.0 * bytes, width: SIZE.0 * bytes, height: SIZE.1 }
    }

    fn target(data: &mut [u8], bytes: usize) -> Target<'_> {
        Target { data, stride: SIZE.0 * bytes }
    }

    fn error(a: &[u8], b: &[u8]) -> f64 {
        let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
        sum as f64 / a.len() as f64
    }

    #[test]
    fn a_moving_bar_is_whole_and_what_stands_still_is_sharp() {
        for top_first in [true, false] {
            let (now, next) = (frame(2, top_first), frame(3, top_first));
            let mut made = now.clone();
            fill(source(&now, 1), source(&next, 1), 1, top_first, target(&mut made, 1));
            let whole = scene(5);
            let (woven, filled) = (error(&now, &whole), error(&made, &whole));
            assert!(filled * 20.0 < woven, "{filled:.1} of {woven:.1}");
            // Away from the bar every line is what it was.
            for row in 0..SIZE.1 {
                assert_eq!(made[row * SIZE.0 + 80..][..16], whole[row * SIZE.0 + 80..][..16], "{row}");
            }
        }
    }

    #[test]
    fn samples_of_two_bytes_are_treated_alike() {
        let deep = |bytes: &[u8]| -> Vec<u8> { bytes.iter().flat_map(|b| (u16::from(*b) * 4).to_ne_bytes()).collect() };
        let (now, next) = (frame(2, true), frame(3, true));
        let mut shallow = now.clone();
        fill(source(&now, 1), source(&next, 1), 1, true, target(&mut shallow, 1));
        let (now, next) = (deep(&now), deep(&next));
        let mut made = now.clone();
        fill(source(&now, 2), source(&next, 2), 2, true, target(&mut made, 2));
        let made: Vec<u8> = made.chunks(2).map(|pair| (u16::from_ne_bytes([pair[0], pair[1]]) / 4) as u8).collect();
        assert!(made.iter().zip(&shallow).all(|(a, b)| a.abs_diff(*b) <= 1));
    }

    /// The last frame has no next.
    #[test]
    fn without_a_next_frame_lines_are_made_of_their_neighbours() {
        let now = frame(2, true);
        let mut made = now.clone();
        fill(source(&now, 1), source(&now, 1), 1, true, target(&mut made, 1));
        assert_eq!(made.len(), now.len());
        fill(Source { data: &now, stride: 96, width: 96, height: 1 }, source(&now, 1), 1, true, target(&mut made, 1));
    }
}
