//! Whether the frames of a file lie evenly. Nothing is decoded.

use autocut::base::{FrameRate, Timestamp};

use crate::av::{Input, Packet};

/// In how many places a file is looked into that does not list its frames: a
/// screen that stands still at the beginning may move later.
const PLACES: i64 = 3;

/// Pictures that are looked at in each.
const PICTURES: usize = 150;

/// The most packets that are read for them: one track may be far ahead.
const MOST_PACKETS: usize = 5_000;

/// No codec in use shows a picture later than this many after it; what was read
/// last may have holes that those behind it fill.
const REORDER: usize = 17;

/// Whether an interval between frames differs from the nominal one by more than
/// a quarter, which the rounding of time stamps cannot do. `shown` are ticks of
/// `base`, growing. The last two do not count: cameras end as they like.
pub(crate) fn is_uneven(shown: &[i64], base: (i32, i32), rate: FrameRate) -> bool {
    let nominal = rate.time_of(1);
    let inner = &shown[..shown.len().saturating_sub(2)];
    inner.windows(2).any(|pair| {
        let step = Timestamp::from_ticks(pair[1].saturating_sub(pair[0]), base);
        let off = if step > nominal { step - nominal } else { nominal - step };
        off.scaled(4, 1) > nominal && off > Timestamp::from_ticks(1, base)
    })
}

/// The same of a file without a list of its frames, by some packets of each third of
/// it. It ends at media time `end`. A container
/// that has no times of presentation has no uneven ones either. The input is
/// left anywhere.
pub(crate) fn of_packets(input: &mut Input, stream: usize, zero: Timestamp, end: Timestamp, rate: FrameRate) -> bool {
    let Some(base) = input.stream(stream).map(|facts| facts.time_base()) else { return false };
    input.keep_only(stream);
    (0..PLACES).any(|place| {
        // A little before: containers without an index seek by times of decoding,
        // and what comes before the next key frame is not looked at.
        let from = zero + end.scaled(place, PLACES) - Timestamp::from_seconds(1);
        if input.seek(stream, from.to_ticks(base)).is_err() {
            return false;
        }
        is_uneven(&shown(input, stream), base, rate)
    })
}

/// When the next pictures are shown, in ticks, in that order; nothing where the
/// file does not say.
fn shown(input: &mut Input, stream: usize) -> Vec<i64> {
    let Ok(mut packet) = Packet::new() else { return Vec::new() };
    let (mut first, mut shown) = (None, Vec::with_capacity(PICTURES + REORDER));
    for _ in 0..MOST_PACKETS {
        if shown.len() >= PICTURES + REORDER {
            break;
        }
        match input.read(&mut packet) {
            // What is read before a key frame may have others before it that it is
            // shown after.
            Ok(true) if packet.stream() == stream && (first.is_some() || packet.is_key()) => {
                let Some(pts) = packet.pts() else { return Vec::new() };
                // Pictures that lead the first one are not all there.
                if pts >= *first.get_or_insert(pts) {
                    shown.push(pts);
                }
            }
            Ok(true) => {}
            Ok(false) | Err(_) => break,
        }
    }
    shown.sort_unstable();
    shown.truncate(shown.len().saturating_sub(REORDER));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unevenness_is_more_than_rounding() {
        let (base, rate) = ((1, 1_000), FrameRate::new(30, 1).unwrap());
        assert!(!is_uneven(&[0, 33, 67, 100, 133, 167, 200], base, rate));
        assert!(is_uneven(&[0, 33, 100, 133, 167, 200, 233], base, rate));
        assert!(!is_uneven(&[0, 33, 67, 100, 200], base, rate));
    }
}
