//! NAL units, of which packets of H.264 and HEVC are made: behind their lengths,
//! as containers have them (ISO/IEC 14496-15), or behind start codes, as encoders
//! write them (ITU-T H.264 and H.265, annex B); and the bits in them.

/// Bytes of a NAL unit's length in packets that can be joined.
pub(super) const LENGTH: usize = 4;

/// The heads of slices are read of so many bytes: of H.264 up to the number of the
/// set, before which there are two numbers of up to 32 and 7 bits.
pub(super) const SLICE_HEAD: usize = 16;

/// A unit ends with a byte that is not 0. What some cameras add all the same is
/// no more than this; a sector of a card that was never written is.
const MOST_TRAILING: usize = 64;

/// The NAL units of a packet; ends where it is damaged.
pub(crate) fn units(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<LENGTH>()?;
        let (unit, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = after;
        (!unit.is_empty()).then_some(unit)
    })
}

/// The NAL units of a stream in which each stands behind a start code.
pub(super) fn units_behind_codes(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = start_code(stream).map(|at| &stream[at + 3..]);
    std::iter::from_fn(move || {
        let here = rest?;
        let end = start_code(here);
        rest = end.map(|at| &here[at + 3..]);
        let unit = &here[..end.unwrap_or(here.len())];
        // Zeros behind a unit belong to none: no unit ends with one.
        let length = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Some(&unit[..length])
    })
    .filter(|unit| !unit.is_empty())
}

fn start_code(stream: &[u8]) -> Option<usize> {
    stream.windows(3).position(|three| three == [0, 0, 1])
}

/// A packet of NAL units behind start codes, with their lengths instead.
pub(crate) fn with_lengths(packet: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packet.len() + 16);
    units_behind_codes(packet).for_each(|unit| put(&mut bytes, unit));
    bytes
}

/// A unit behind its length.
pub(super) fn put(bytes: &mut Vec<u8>, unit: &[u8]) {
    // Of a packet, whose length has 31 bits, or of a container's 16.
    bytes.extend((unit.len() as u32).to_be_bytes());
    bytes.extend(unit);
}

/// Whether a packet is nothing but whole NAL units.
pub(super) fn is_whole(packet: &[u8]) -> bool {
    let length: usize = units(packet).map(|unit| LENGTH + unit.len()).sum();
    length == packet.len() && length > 0
}

/// Whether the bytes of a unit can be those of one: its first bit is 0, and
/// nowhere in it are three bytes that emulation prevention keeps out of every
/// unit, which is what holes of zeros, and foreign data in the long run, have.
pub(super) fn is_sound(unit: &[u8]) -> bool {
    if unit.first().is_none_or(|head| head & 0x80 != 0) {
        return false;
    }
    let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if unit.len() - end > MOST_TRAILING {
        return false;
    }
    let mut at = 2;
    while at < end {
        match unit[at] {
            // The third of three, or two later: whatever is before it is well.
            4.. => at += 3,
            3 if unit[at - 1] == 0 && unit[at - 2] == 0 => match unit.get(at + 1) {
                // The byte that prevents something, and what it prevents.
                Some(4..) => return false,
                _ => at += 3,
            },
            0..=2 if unit[at - 1] == 0 && unit[at - 2] == 0 => return false,
            _ => at += 1,
        }
    }
    true
}

/// A unit's bytes without emulation prevention: of the first `most` at least, as
/// far as there are so many.
pub(super) fn unescaped(unit: &[u8], most: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(unit.len().min(most) + 1);
    let mut zeros = 0;
    for byte in unit {
        if bytes.len() >= most {
            break;
        }
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        bytes.push(*byte);
    }
    bytes
}

/// How many bytes of a unit hold the first `bytes` of it without emulation
/// prevention.
pub(super) fn escaped_length(unit: &[u8], bytes: usize) -> usize {
    let (mut zeros, mut count) = (0, 0);
    for (at, byte) in unit.iter().enumerate() {
        if count >= bytes {
            return at;
        }
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        count += 1;
    }
    unit.len()
}

/// The bytes of a unit with emulation prevention.
pub(super) fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut unit = Vec::with_capacity(bytes.len() + 8);
    let mut zeros = 0;
    for byte in bytes {
        if zeros >= 2 && *byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        unit.push(*byte);
    }
    unit
}

/// A NAL unit behind its length in 16 bits.
pub(super) fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (unit, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    Some(unit)
}

pub(super) fn put_counted(bytes: &mut Vec<u8>, unit: &[u8]) -> Option<()> {
    bytes.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
    bytes.extend(unit);
    Some(())
}

/// Bits that are read one after the other, without emulation prevention.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0 }
    }

    /// How many were read.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of up to 32 bits.
    pub(super) fn number(&mut self, bits: u32) -> Option<u32> {
        (0..bits).try_fold(0, |number, _| Some(number << 1 | u32::from(self.flag()?)))
    }

    /// An unsigned number of variable length (ITU-T H.264 and H.265, 9.1 and 9.2).
    pub(super) fn variable(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros | self.number(zeros)?) - 1)
    }

    /// Passes over some.
    pub(super) fn skip(&mut self, bits: usize) -> Option<()> {
        self.at = self.at.checked_add(bits).filter(|at| *at <= self.bytes.len().saturating_mul(8))?;
        Some(())
    }
}

/// How many bits such a number takes.
pub(super) fn variable_bits(number: u32) -> u32 {
    2 * (number + 1).ilog2() + 1
}

/// Where in bits a set's contents end, without emulation prevention: before the bit
/// that says so there may be any, behind it there are none.
pub(super) fn end_place(bytes: &[u8]) -> Option<usize> {
    let last = bytes.iter().rposition(|byte| *byte != 0)?;
    Some(last * 8 + 8 - bytes[last].trailing_zeros() as usize)
}

/// Bits that are written one after the other.
#[derive(Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    bits: usize,
}

impl BitWriter {
    pub(super) fn flag(&mut self, bit: bool) {
        if self.bits.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let (true, Some(last)) = (bit, self.bytes.last_mut()) {
            *last |= 0x80 >> (self.bits % 8);
        }
        self.bits += 1;
    }

    pub(super) fn number(&mut self, number: u32, bits: u32) {
        (0..bits).rev().for_each(|bit| self.flag(number >> bit & 1 == 1));
    }

    pub(super) fn variable(&mut self, number: u32) {
        self.number(number + 1, variable_bits(number));
    }

    /// What lies between two places of other bits.
    pub(super) fn copy(&mut self, bytes: &[u8], from: usize, until: usize) -> Option<()> {
        let mut bits = Bits::new(bytes);
        bits.skip(from)?;
        for _ in from..until {
            self.flag(bits.flag()?);
        }
        Some(())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_writes_them() {
        let codes: [(&[u8], u32); 5] =
            [(&[0x80], 0), (&[0x40], 1), (&[0x60], 2), (&[0x04, 0x00], 31), (&[0x00, 0x80, 0x80], 256)];
        for (bytes, number) in codes {
            let mut bits = Bits::new(bytes);
            assert_eq!(bits.variable(), Some(number), "{bytes:?}");
            assert_eq!(bits.place(), variable_bits(number) as usize);
            let mut writer = BitWriter::default();
            writer.variable(number);
            assert!(bytes.starts_with(&writer.bytes[..writer.bits / 8]));
            assert_eq!(Bits::new(&writer.into_bytes()).variable(), Some(number));
        }
        assert_eq!(Bits::new(&[0]).variable(), None);
        assert_eq!(Bits::new(&[]).variable(), None);
        assert_eq!(Bits::new(&[0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]).variable(), None);
    }

    #[test]
    fn start_codes_of_both_lengths_become_lengths() {
        let stream = [0, 0, 0, 1, 0x67, 100, 0, 40, 0xac, 7, 0, 0, 0, 1, 0x68, 0xee, 0x3c, 0, 0, 1, 0x65, 9, 0, 0];
        let packet = with_lengths(&stream);
        assert_eq!(
            units(&packet).map(|unit| (unit[0], unit.len())).collect::<Vec<_>>(),
            [(0x67, 6), (0x68, 3), (0x65, 2)]
        );
        assert!(is_whole(&packet));
        assert!(with_lengths(&[0, 0, 0]).is_empty() && with_lengths(&[]).is_empty());
        assert!(!is_whole(&[0, 0, 0, 9, 1]) && !is_whole(&[]) && !is_whole(&[0, 0, 0, 0]));
    }

    /// Every sequence of five bytes out of those that matter.
    #[test]
    fn what_is_escaped_is_sound_and_comes_back() {
        let some = [0, 1, 2, 3, 4, 0xff];
        for n in 0..some.len().pow(5) {
            let mut bytes: Vec<u8> = (0..5).map(|place| some[n / some.len().pow(place) % some.len()]).collect();
            bytes.insert(0, 0x65);
            bytes.push(0x80);
            let unit = escaped(&bytes);
            assert_eq!(unescaped(&unit, usize::MAX), bytes);
            for length in 0..=bytes.len() {
                let held = &unit[..escaped_length(&unit, length)];
                assert_eq!(unescaped(held, usize::MAX), bytes[..length], "{unit:?}");
            }
            assert!(is_sound(&unit), "{unit:?}");
            // As the standard says it, word by word.
            let forbidden = |three: &[u8]| three[..2] == [0, 0] && three[2] < 3;
            assert_eq!(
                is_sound(&bytes),
                !bytes.windows(3).any(forbidden) && !bytes.windows(4).any(|four| four[..3] == [0, 0, 3] && four[3] > 3),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn holes_are_no_unit() {
        let mut unit = vec![0x65; 3000];
        assert!(is_sound(&unit));
        unit[1000..1512].fill(0);
        assert!(!is_sound(&unit));
        let mut unit = vec![0x65; 3000];
        unit[2488..].fill(0);
        assert!(!is_sound(&unit));
        unit.truncate(2490);
        assert!(is_sound(&unit));
        assert!(!is_sound(&[0x80 | 0x65, 1]) && !is_sound(&[]));
    }

    #[test]
    fn bits_are_written_as_they_are_read() {
        let mut writer = BitWriter::default();
        writer.number(5, 3);
        writer.copy(&[0b1010_1100, 0b0101_0101], 2, 13).unwrap();
        writer.variable(15);
        assert_eq!(writer.bits, 3 + 11 + 9);
        let bytes = writer.into_bytes();
        let mut bits = Bits::new(&bytes);
        assert_eq!((bits.number(3), bits.number(11), bits.variable()), (Some(5), Some(0b101_1000_1010), Some(15)));
        assert!(BitWriter::default().copy(&[1], 0, 9).is_none());
    }
}
