//! Planes of samples: turning them upright, putting one into another, blurring.
//! Plain arithmetic, no libav*.

use autocut::base::{Orientation, Size};

/// Rows of bytes to be read.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) stride: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Rows of bytes to be written, from the corner where the picture goes.
pub(crate) struct Target<'a> {
    pub(crate) data: &'a mut [u8],
    pub(crate) stride: usize,
}

/// Puts a stored plane into another one, turned upright (see [`Orientation`]).
/// What does not fit into the target is left out. Samples have `bytes` bytes, 1
/// or 2; `x` and `y` count samples.
pub(crate) fn place(source: Source, orientation: Orientation, target: Target, (x, y): (usize, usize), bytes: usize) {
    if bytes == 1 {
        place_samples::<1>(source, orientation, target, x, y);
    } else {
        place_samples::<2>(source, orientation, target, x, y);
    }
}

fn place_samples<const BYTES: usize>(source: Source, orientation: Orientation, target: Target, x: usize, y: usize) {
    let (from, into) = (source.data.as_chunks::<BYTES>().0, target.data.as_chunks_mut::<BYTES>().0);
    let (from_stride, into_stride) = (source.stride / BYTES, target.stride / BYTES);
    let (width, height) = (source.width / BYTES, source.height);
    let stored = Size::new(width as u32, height as u32);
    let upright = orientation.upright(stored);
    let (columns, rows) = (upright.width as usize, upright.height as usize);
    let columns = columns.min(into_stride.saturating_sub(x));
    // Where pixel (0, 0) of the upright picture is stored, and how far apart
    // its neighbours to the right and below are there.
    let (last_x, last_y) = (width as isize - 1, height as isize - 1);
    let ((mut x0, y0), (mut right_x, right_y), (mut down_x, down_y)) = match orientation.quarter_turns % 4 {
        0 => ((0, 0), (1, 0), (0, 1)),
        1 => ((0, last_y), (0, -1), (1, 0)),
        2 => ((last_x, last_y), (-1, 0), (0, -1)),
        _ => ((last_x, 0), (0, 1), (-1, 0)),
    };
    if orientation.mirrored {
        (x0, right_x, down_x) = (last_x - x0, -right_x, -down_x);
    }
    let stride = from_stride as isize;
    let (origin, right, down) = (y0 * stride + x0, right_y * stride + right_x, down_y * stride + down_x);
    /// Small enough for a square of it to stay in the cache.
    const BLOCK: usize = 32;
    for top in (0..rows).step_by(BLOCK) {
        let block_columns = if right == 1 { columns.max(1) } else { BLOCK };
        for left in (0..columns).step_by(block_columns) {
            for row in top..rows.min(top + BLOCK) {
                let start = (y + row) * into_stride + x + left;
                let count = block_columns.min(columns - left);
                let Some(out) = into.get_mut(start..start + count) else { return };
                let at = origin + row as isize * down + left as isize * right;
                copy_line(from, at, right, out);
            }
        }
    }
}

fn copy_line<T: Copy>(data: &[T], from: isize, step: isize, out: &mut [T]) {
    if step == 1 {
        let start = from as usize;
        if let Some(line) = data.get(start..start + out.len()) {
            out.copy_from_slice(line);
        }
        return;
    }
    let mut at = from;
    for pixel in out {
        if let Some(value) = data.get(at as usize) {
            *pixel = *value;
        }
        at = at.wrapping_add(step);
    }
}

/// The levels of samples of `bytes` bytes, 1 or 2.
pub(crate) fn levels(data: &[u8], bytes: usize) -> Vec<u16> {
    match bytes {
        1 => data.iter().copied().map(u16::from).collect(),
        _ => data.as_chunks::<2>().0.iter().copied().map(u16::from_ne_bytes).collect(),
    }
}

/// Puts levels back.
pub(crate) fn set_levels(data: &mut [u8], bytes: usize, levels: &[u16]) {
    match bytes {
        1 => data.iter_mut().zip(levels).for_each(|(to, level)| *to = *level as u8),
        _ => data.as_chunks_mut::<2>().0.iter_mut().zip(levels).for_each(|(to, level)| *to = level.to_ne_bytes()),
    }
}

/// Blurs a small plane by the mean over `2 * radius + 1` pixels, rows then
/// columns, edges repeated; twice, which comes near to a Gaussian.
pub(crate) fn blur(data: &mut [u16], stride: usize, width: usize, height: usize, radius: usize) {
    let mut line = Vec::with_capacity(width.max(height));
    for _ in 0..2 {
        for row in 0..height {
            blur_line(data, row * stride, 1, width, radius, &mut line);
        }
        for column in 0..width {
            blur_line(data, column, stride, height, radius, &mut line);
        }
    }
}

fn blur_line(data: &mut [u16], start: usize, step: usize, count: usize, radius: usize, line: &mut Vec<u16>) {
    line.clear();
    line.extend((0..count).filter_map(|i| data.get(start + i * step).copied()));
    if line.len() < count || count == 0 {
        return;
    }
    let at = |i: isize| u32::from(line[i.clamp(0, count as isize - 1) as usize]);
    let span = 2 * radius as u32 + 1;
    let reach = radius as isize;
    let mut sum: u32 = (-reach..=reach).map(at).sum();
    for i in 0..count {
        data[start + i * step] = ((sum + span / 2) / span) as u16;
        let i = i as isize;
        sum = sum + at(i + reach + 1) - at(i - reach);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 3 by 2 with padding: `abc` over `def`.
    const STORED: Source = Source { data: b"abc..def", stride: 5, width: 3, height: 2 };

    fn upright(quarter_turns: u8, mirrored: bool) -> String {
        let orientation = Orientation { quarter_turns, mirrored };
        let size = orientation.upright(Size::new(3, 2));
        let mut data = vec![b' '; size.area() as usize];
        place(STORED, orientation, Target { data: &mut data, stride: size.width as usize }, (0, 0), 1);
        let rows: Vec<_> =
            data.chunks(size.width as usize).map(|row| String::from_utf8_lossy(row).into_owned()).collect();
        rows.join("/")
    }

    #[test]
    fn turns_clockwise() {
        assert_eq!(upright(0, false), "abc/def");
        assert_eq!(upright(1, false), "da/eb/fc");
        assert_eq!(upright(2, false), "fed/cba");
        assert_eq!(upright(3, false), "cf/be/ad");
    }

    /// First mirrored, to `cba` over `fed`, then turned.
    #[test]
    fn mirrors_before_it_turns() {
        assert_eq!(upright(0, true), "cba/fed");
        assert_eq!(upright(1, true), "fc/eb/da");
        assert_eq!(upright(2, true), "def/abc");
        assert_eq!(upright(3, true), "ad/be/cf");
    }

    #[test]
    fn a_large_picture_turned_four_times_is_itself() {
        let (width, height) = (131usize, 77usize);
        let data: Vec<u8> = (0..width * height).map(|i| (i * 7 / 3) as u8).collect();
        let mut now = (data.clone(), width, height);
        for _ in 0..4 {
            let mut next = vec![0; data.len()];
            let source = Source { data: &now.0, stride: now.1, width: now.1, height: now.2 };
            let turn = Orientation { quarter_turns: 1, mirrored: false };
            place(source, turn, Target { data: &mut next, stride: now.2 }, (0, 0), 1);
            now = (next, now.2, now.1);
        }
        assert_eq!(now.0, data);
    }

    /// As `turns_clockwise`, each letter being two bytes.
    #[test]
    fn samples_of_two_bytes_stay_whole() {
        let data: Vec<u8> = STORED.data.iter().flat_map(|letter| [*letter, letter.to_ascii_uppercase()]).collect();
        let stored = Source { data: &data, stride: 10, width: 6, height: 2 };
        let mut turned = [b' '; 16];
        let quarter = Orientation { quarter_turns: 1, mirrored: false };
        place(stored, quarter, Target { data: &mut turned, stride: 4 }, (0, 0), 2);
        assert_eq!(&turned, b"dDaAeEbBfFcC    ");
    }

    #[test]
    fn goes_where_it_is_put_and_no_further() {
        let mut data = vec![b'-'; 12];
        place(STORED, Orientation::UPRIGHT, Target { data: &mut data, stride: 4 }, (2, 1), 1);
        assert_eq!(&data, b"------ab--de");
        place(STORED, Orientation::UPRIGHT, Target { data: &mut data, stride: 4 }, (0, 2), 1);
        assert_eq!(&data, b"------ababce");
    }

    #[test]
    fn blur_keeps_flat_areas_and_spreads_a_dot() {
        let mut flat = vec![93; 20];
        blur(&mut flat, 5, 5, 4, 2);
        assert_eq!(flat, [93; 20]);
        let mut dot = vec![0; 25];
        dot[12] = 250;
        blur(&mut dot, 5, 5, 5, 1);
        assert!(dot[12] < 60 && dot[12] >= dot[11] && dot[11] > 0);
        assert_eq!((dot[11], dot[7]), (dot[13], dot[17]));
    }
}
