//! Messages to whoever decodes (supplemental enhancement information, ITU-T H.264
//! and H.265, 7.3.2.3 and annex D), of which a unit holds one or several.

use std::borrow::Cow;

use super::nal;

/// What a camera's maker thought fit: names and settings of encoders, but of some
/// cameras and drones also where they are.
pub(super) const OF_MAKERS: u32 = 5;

/// A unit whose own head has `head` bytes, without its messages of some types;
/// `None` where nothing is left of it, or it cannot be read.
pub(super) fn without(unit: &[u8], head: usize, is_left_out: impl Fn(u32) -> bool) -> Option<Cow<'_, [u8]>> {
    let (own, rest) = unit.split_at_checked(head)?;
    let bytes = nal::unescaped(rest, usize::MAX);
    // A bit ends the messages, and zeros may follow it.
    let end = bytes.iter().rposition(|byte| *byte != 0)?;
    let mut rest = bytes.get(..end)?;
    let (mut kept, mut count) = (own.to_vec(), 0);
    while !rest.is_empty() {
        let mut read = rest;
        let (kind, length) = (number(&mut read)?, number(&mut read)?);
        let after = read.get(length as usize..)?;
        if is_left_out(kind) {
            count += 1;
        } else {
            kept.extend(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    if count == 0 {
        return Some(Cow::Borrowed(unit));
    }
    (kept.len() > head).then(|| {
        kept.push(0x80);
        Cow::Owned(nal::escaped(&kept))
    })
}

/// A type or a length: 255 as often as it goes into it, then the rest.
fn number(rest: &mut &[u8]) -> Option<u32> {
    let whole = rest.iter().take_while(|byte| **byte == 0xff).count();
    let last = *rest.get(whole)?;
    *rest = &rest[whole + 1..];
    Some(u32::try_from(whole).ok()?.saturating_mul(0xff).saturating_add(u32::from(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: of type 5 and 260 with two bytes each, of which one has to be
    /// escaped where it stands.
    const BOTH: &[u8] = &[0x06, 5, 2, 0xaa, 0xbb, 0xff, 5, 2, 0, 0, 0x03, 0x80];

    fn of(unit: &[u8], left_out: u32) -> Option<Vec<u8>> {
        without(unit, 1, |kind| kind == left_out).map(Cow::into_owned)
    }

    #[test]
    fn messages_are_left_out_by_their_types() {
        assert_eq!(of(BOTH, 5).unwrap(), [0x06, 0xff, 5, 2, 0, 0, 0x80]);
        assert_eq!(of(BOTH, 260).unwrap(), [0x06, 5, 2, 0xaa, 0xbb, 0x80]);
        assert_eq!(of(BOTH, 1).unwrap(), BOTH);
        assert_eq!(of(&[0x06, 5, 2, 0xaa, 0xbb, 0x80], 5), None);
        // Zeros behind a unit are none of its.
        assert_eq!(of(&[0x06, 1, 1, 7, 5, 1, 9, 0x80, 0, 0], 5).unwrap(), [0x06, 1, 1, 7, 0x80]);
    }

    /// What cannot be read may hold anything.
    #[test]
    fn damage_is_left_out() {
        for length in 0..BOTH.len() {
            let _ = of(&BOTH[..length], 5);
        }
        assert_eq!(of(&[0x06, 5, 200, 1, 0x80], 1), None);
        assert_eq!(of(&[0x06, 0xff, 0x80], 1), None);
        assert_eq!(of(&[0x06], 1), None);
    }
}
