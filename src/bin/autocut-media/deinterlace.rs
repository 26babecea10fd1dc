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

/// How far to the left and right edges are looked for, and one more for the
/// neighbours of the samples there.
const REACH: usize = 2;
const MARGIN: usize = REACH + 1;
const DIRECTIONS: usize = 2 * REACH + 1;

/// Fills in the lines of the first field in `into`, which starts as a copy of
/// `now`; `next` is the next frame, or `now` where there is none. All three
/// have the same size, of samples of `bits`: of one byte up to 8, of two in the
/// order of this machine beyond.
pub(crate) fn fill(now: Source, next: Source, bits: u8, top_first: bool, into: Target) {
    match bits {
        0..=8 => fill_as::<i16, 1>(now, next, top_first, into),
        // Three differences have room in 16 bits.
        9..=13 => fill_as::<i16, 2>(now, next, top_first, into),
        _ => fill_as::<i32, 2>(now, next, top_first, into),
    }
}

fn fill_as<L: Lane, const BYTES: usize>(now: Source, next: Source, top_first: bool, into: Target) {
    let (width, height) = (now.width / BYTES, now.height);
    if height < 2 || width == 0 {
        return;
    }
    let line = || vec![L::default(); width];
    let wide = || vec![L::default(); width + 2 * MARGIN];
    let (mut above, mut below, mut apart) = (wide(), wide(), wide());
    let (mut next_above, mut next_below, mut before, mut after) = (line(), line(), line(), line());
    let (mut moved, mut made) = (line(), line());
    let mut ways: [Way<L>; DIRECTIONS] = std::array::from_fn(|_| Way { cost: line(), mean: line() });
    let inner = MARGIN..MARGIN + width;
    for row in (usize::from(!top_first)..height).step_by(2) {
        // At an edge of the picture the only neighbour stands for both.
        let up = if row > 0 { row - 1 } else { row + 1 };
        let down = if row + 1 < height { row + 1 } else { row - 1 };
        load::<L, BYTES>(&now, up, &mut above[inner.clone()]);
        load::<L, BYTES>(&now, down, &mut below[inner.clone()]);
        load::<L, BYTES>(&next, up, &mut next_above);
        load::<L, BYTES>(&next, down, &mut next_below);
        load::<L, BYTES>(&now, row, &mut before);
        load::<L, BYTES>(&next, row, &mut after);
        repeat_ends(&mut above);
        repeat_ends(&mut below);
        motion_row(&above[inner.clone()], &next_above, &below[inner.clone()], &next_below, &mut moved);
        for (shift, way) in ways.iter_mut().enumerate() {
            // Above `shift` - 2 to the right, below as far to the left.
            let (above, below) = (&above[shift..], &below[DIRECTIONS - 1 - shift..]);
            apart_row(&above[..width + 2], &below[..width + 2], &mut apart);
            cost_row(&apart, &apart[1..], &apart[2..], &mut way.cost);
            mean_row(&above[1..], &below[1..], &mut way.mean);
        }
        let [left2, left1, best, right1, right2] = &mut ways;
        // An edge that is nearly as upright wins a tie.
        prefer(&mut best.cost);
        choose(best, left1, left2);
        choose(best, right1, right2);
        settle(&before, &after, &moved, &best.mean, &mut made);
        let Some(to) = into.data.get_mut(row * into.stride..).and_then(|rest| rest.get_mut(..width * BYTES)) else {
            return;
        };
        store(&made, to.as_chunks_mut::<BYTES>().0);
    }
}

/// A direction: for each sample how unlike three samples above and three below
/// are, and the mean of the middle ones.
struct Way<L> {
    cost: Vec<L>,
    mean: Vec<L>,
}

/// What levels are calculated in; never checked for overflow, so that the
/// compiler does many at once.
trait Lane: Copy + Ord + Default {
    fn of(bytes: &[u8]) -> Self;
    fn low_bytes(self) -> [u8; 2];
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn half(self) -> Self;
    fn less_one(self) -> Self;
    /// All bits set where this is less than the other, else none.
    fn is_less(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    /// This where the mask is set, else the other.
    fn where_set(self, mask: Self, other: Self) -> Self;

    #[inline(always)]
    fn apart(self, other: Self) -> Self {
        self.minus(other).max(other.minus(self))
    }
}

macro_rules! lane {
    ($lane:ty) => {
        impl Lane for $lane {
            #[inline(always)]
            fn of(bytes: &[u8]) -> Self {
                match bytes {
                    [byte] => <$lane>::from(*byte),
                    [a, b] => u16::from_ne_bytes([*a, *b]) as $lane,
                    _ => 0,
                }
            }
            #[inline(always)]
            fn low_bytes(self) -> [u8; 2] {
                (self as u16).to_ne_bytes()
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn half(self) -> Self {
                self >> 1
            }
            #[inline(always)]
            fn less_one(self) -> Self {
                self.wrapping_sub(1)
            }
            #[inline(always)]
            fn is_less(self, other: Self) -> Self {
                <$lane>::from(self < other).wrapping_neg()
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline(always)]
            fn where_set(self, mask: Self, other: Self) -> Self {
                self & mask | other & !mask
            }
        }
    };
}
lane!(i16);
lane!(i32);

fn load<L: Lane, const BYTES: usize>(plane: &Source, row: usize, into: &mut [L]) {
    let line = plane.data.get(row * plane.stride..).and_then(|rest| rest.get(..into.len() * BYTES));
    if let Some(line) = line {
        widen(line.as_chunks::<BYTES>().0, into);
    }
}

fn repeat_ends<L: Lane>(line: &mut [L]) {
    let last = line.len() - MARGIN;
    let (first, end) = (line[MARGIN], line[last - 1]);
    line[..MARGIN].fill(first);
    line[last..].fill(end);
}

#[inline(never)]
fn widen<L: Lane, const BYTES: usize>(from: &[[u8; BYTES]], to: &mut [L]) {
    for (level, bytes) in to.iter_mut().zip(from) {
        *level = L::of(bytes);
    }
}

#[inline(never)]
fn store<L: Lane, const BYTES: usize>(from: &[L], to: &mut [[u8; BYTES]]) {
    for (bytes, level) in to.iter_mut().zip(from) {
        let low = level.low_bytes();
        // Of one byte, the lower half.
        let start = if BYTES == 1 && cfg!(target_endian = "big") { 1 } else { 0 };
        bytes.copy_from_slice(&low[start..start + BYTES]);
    }
}

/// Half of how much the lines above and below move.
#[inline(never)]
fn motion_row<L: Lane>(above: &[L], next_above: &[L], below: &[L], next_below: &[L], to: &mut [L]) {
    for ((((to, a), na), b), nb) in to.iter_mut().zip(above).zip(next_above).zip(below).zip(next_below) {
        *to = a.apart(*na).plus(b.apart(*nb)).half();
    }
}

#[inline(never)]
fn apart_row<L: Lane>(above: &[L], below: &[L], to: &mut [L]) {
    for ((to, a), b) in to.iter_mut().zip(above).zip(below) {
        *to = a.apart(*b);
    }
}

#[inline(never)]
fn cost_row<L: Lane>(left: &[L], middle: &[L], right: &[L], to: &mut [L]) {
    for (((to, left), middle), right) in to.iter_mut().zip(left).zip(middle).zip(right) {
        *to = left.plus(*middle).plus(*right);
    }
}

#[inline(never)]
fn mean_row<L: Lane>(above: &[L], below: &[L], to: &mut [L]) {
    for ((to, a), b) in to.iter_mut().zip(above).zip(below) {
        *to = a.plus(*b).half();
    }
}

#[inline(never)]
fn prefer<L: Lane>(cost: &mut [L]) {
    for cost in cost {
        *cost = cost.less_one();
    }
}

fn choose<L: Lane>(best: &mut Way<L>, one: &Way<L>, two: &Way<L>) {
    choose_row(&mut best.cost, &mut best.mean, &one.cost, &one.mean, &two.cost, &two.mean);
}

/// One side: flatter edges are believed only where they are on the way.
#[inline(never)]
fn choose_row<L: Lane>(cost: &mut [L], mean: &mut [L], cost1: &[L], mean1: &[L], cost2: &[L], mean2: &[L]) {
    let ways = cost1.iter().zip(mean1).zip(cost2.iter().zip(mean2));
    for ((cost, mean), ((cost1, mean1), (cost2, mean2))) in cost.iter_mut().zip(mean).zip(ways) {
        let one = cost1.is_less(*cost);
        let (c, m) = (cost1.where_set(one, *cost), mean1.where_set(one, *mean));
        let two = one.and(cost2.is_less(c));
        *cost = cost2.where_set(two, c);
        *mean = mean2.where_set(two, m);
    }
}

/// The mean of both fields, or what edges say, no further from that mean than
/// the fields show motion.
#[inline(never)]
fn settle<L: Lane>(before: &[L], after: &[L], moved: &[L], edge: &[L], to: &mut [L]) {
    for ((((to, before), after), moved), edge) in to.iter_mut().zip(before).zip(after).zip(moved).zip(edge) {
        let motion = before.apart(*after).half().max(*moved);
        let mean = before.plus(*after).half();
        *to = (*edge).max(mean.minus(motion)).min(mean.plus(motion));
    }
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
            fill(source(&now, 1), source(&next, 1), 8, top_first, target(&mut made, 1));
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
        fill(source(&now, 1), source(&next, 1), 8, true, target(&mut shallow, 1));
        let (now, next) = (deep(&now), deep(&next));
        let mut made = now.clone();
        fill(source(&now, 2), source(&next, 2), 10, true, target(&mut made, 2));
        let made: Vec<u8> = made.chunks(2).map(|pair| (u16::from_ne_bytes([pair[0], pair[1]]) / 4) as u8).collect();
        assert!(made.iter().zip(&shallow).all(|(a, b)| a.abs_diff(*b) <= 1));
    }

    /// The last frame has no next.
    #[test]
    fn without_a_next_frame_lines_are_made_of_their_neighbours() {
        let now = frame(2, true);
        let mut made = now.clone();
        fill(source(&now, 1), source(&now, 1), 8, true, target(&mut made, 1));
        assert_eq!(made.len(), now.len());
        fill(Source { data: &now, stride: 96, width: 96, height: 1 }, source(&now, 1), 8, true, target(&mut made, 1));
    }
}
