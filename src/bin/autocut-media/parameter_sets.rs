//! What an H.264 decoder must know beforehand: sequence and picture parameter
//! sets, as a container holds them (`avcC`, ISO/IEC 14496-15, 5.3.3.1) and as
//! they stand in packets before the pictures that need them.
//!
//! A film of copied and of encoded segments has parameter sets of several
//! encoders. Where their numbers differ, all of them go into the container
//! (`avc1`), which every player takes. Where two have one number, each segment
//! brings its own along before every key frame (`avc3`).

use std::collections::BTreeMap;

/// Type of a NAL unit (ITU-T H.264, table 7-1).
pub(crate) const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;
const SPS_EXTENSION: u8 = 13;

/// `profile_idc` of the High profile.
const HIGH: u8 = 100;

/// Bytes of a NAL unit's length in packets that can be joined.
const LENGTH: usize = 4;

/// Parameter sets by kind and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParameterSets {
    /// Profile, its constraints, level.
    profile: [u8; 3],
    sps: BTreeMap<u32, Vec<u8>>,
    pps: BTreeMap<u32, Vec<u8>>,
    /// What follows the sets in `avcC` for the High profiles: chroma format and
    /// bit depths.
    high: Option<[u8; 3]>,
}

impl ParameterSets {
    /// Out of what an encoder puts before its first packet: NAL units behind
    /// start codes.
    pub(crate) fn of_encoder(extradata: &[u8]) -> Option<ParameterSets> {
        let (mut sps, mut pps) = (BTreeMap::new(), BTreeMap::new());
        let mut profile = None;
        for unit in units_behind_codes(extradata) {
            match kind(unit) {
                SPS => {
                    profile = unit.get(1..).and_then(|rest| rest.first_chunk::<3>().copied());
                    sps.insert(sps_number(unit)?, unit.to_vec());
                }
                PPS => drop(pps.insert(pps_number(unit)?, unit.to_vec())),
                _ => {}
            }
        }
        let profile = profile.filter(|_| !pps.is_empty())?;
        // 4:2:0 with 8 bits, which is all that is copied and encoded beside it.
        let high = (profile[0] >= HIGH).then_some([0xfd, 0xf8, 0xf8]);
        Some(ParameterSets { profile, sps, pps, high })
    }

    /// Out of `avcC`; `None` where it is none, or its packets have NAL lengths
    /// of another size.
    pub(crate) fn parse(extradata: &[u8]) -> Option<ParameterSets> {
        let [1, profile, constraints, level, length, count, rest @ ..] = extradata else { return None };
        if usize::from(length & 3) + 1 != LENGTH {
            return None;
        }
        let mut rest = rest;
        let (mut sps, mut pps) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..count & 31 {
            let unit = counted(&mut rest)?;
            sps.insert(sps_number(unit)?, unit.to_vec());
        }
        let (count, after) = rest.split_first()?;
        rest = after;
        for _ in 0..*count {
            let unit = counted(&mut rest)?;
            pps.insert(pps_number(unit)?, unit.to_vec());
        }
        let high = match rest {
            [chroma, luma_depth, chroma_depth, 0, ..] => Some([*chroma, *luma_depth, *chroma_depth]),
            // Extensions of sequence parameter sets are for alpha planes.
            [_, _, _, _, ..] => return None,
            _ => None,
        };
        (!sps.is_empty() && !pps.is_empty()).then_some(ParameterSets {
            profile: [*profile, *constraints, *level],
            sps,
            pps,
            high,
        })
    }

    /// The sets of both, where no number stands for two of them.
    pub(crate) fn with(&self, other: &ParameterSets) -> Option<ParameterSets> {
        let clash = |own: &BTreeMap<u32, Vec<u8>>, theirs: &BTreeMap<u32, Vec<u8>>| {
            own.iter().any(|(number, unit)| theirs.get(number).is_some_and(|other| other != unit))
        };
        if clash(&self.sps, &other.sps) || clash(&self.pps, &other.pps) {
            return None;
        }
        let mut both = self.clone();
        both.sps.extend(other.sps.clone());
        both.pps.extend(other.pps.clone());
        let ([a, a_limits, a_level], [b, b_limits, b_level]) = (self.profile, other.profile);
        // A decoder of the greater profile that is in use here decodes the lesser.
        both.profile = [a.max(b), a_limits & b_limits, a_level.max(b_level)];
        both.high = self.high.or(other.high);
        Some(both)
    }

    /// As `avcC`.
    pub(crate) fn to_extradata(&self) -> Option<Vec<u8>> {
        let [profile, constraints, level] = self.profile;
        let mut bytes = vec![1, profile, constraints, level, 0xfc | (LENGTH as u8 - 1)];
        bytes.push(0xe0 | u8::try_from(self.sps.len()).ok().filter(|count| *count < 32)?);
        self.sps.values().try_for_each(|unit| put_counted(&mut bytes, unit))?;
        bytes.push(u8::try_from(self.pps.len()).ok()?);
        self.pps.values().try_for_each(|unit| put_counted(&mut bytes, unit))?;
        if let Some([chroma, luma_depth, chroma_depth]) = self.high {
            bytes.extend([chroma, luma_depth, chroma_depth, 0]);
        }
        Some(bytes)
    }

    /// A packet with the sets before its pictures.
    pub(crate) fn before(&self, packet: &[u8]) -> Vec<u8> {
        // An access unit delimiter comes before everything.
        let delimiter = units(packet).next().filter(|unit| kind(unit) == DELIMITER);
        let head = delimiter.map_or(0, |unit| LENGTH + unit.len());
        let mut bytes = packet[..head].to_vec();
        for unit in self.sps.values().chain(self.pps.values()) {
            // Lengths were read from 16 bits.
            bytes.extend((unit.len() as u32).to_be_bytes());
            bytes.extend(unit);
        }
        bytes.extend(&packet[head..]);
        bytes
    }

    /// Whether a packet that brings sets along brings none but these.
    pub(crate) fn cover(&self, packet: &[u8]) -> bool {
        units(packet).all(|unit| match kind(unit) {
            SPS => sps_number(unit).is_some_and(|number| self.sps.get(&number).is_some_and(|own| own == unit)),
            PPS => pps_number(unit).is_some_and(|number| self.pps.get(&number).is_some_and(|own| own == unit)),
            SPS_EXTENSION => false,
            _ => true,
        })
    }
}

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

/// The NAL units of a stream in which each stands behind a start code (ITU-T
/// H.264, annex B).
fn units_behind_codes(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
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
    for unit in units_behind_codes(packet) {
        // Of less than a packet, whose length has 31 bits.
        bytes.extend((unit.len() as u32).to_be_bytes());
        bytes.extend(unit);
    }
    bytes
}

/// Whether a packet is nothing but whole NAL units.
pub(crate) fn is_whole(packet: &[u8]) -> bool {
    let length: usize = units(packet).map(|unit| LENGTH + unit.len()).sum();
    length == packet.len() && length > 0
}

pub(crate) fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |head| head & 31)
}

/// A NAL unit behind its length in 16 bits.
fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (unit, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    Some(unit)
}

fn put_counted(bytes: &mut Vec<u8>, unit: &[u8]) -> Option<()> {
    bytes.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
    bytes.extend(unit);
    Some(())
}

/// `seq_parameter_set_id`: behind profile, constraints and level.
fn sps_number(unit: &[u8]) -> Option<u32> {
    exp_golomb(unit.get(4..)?).filter(|number| *number < 32)
}

/// `pic_parameter_set_id`.
fn pps_number(unit: &[u8]) -> Option<u32> {
    exp_golomb(unit.get(1..)?).filter(|number| *number < 256)
}

/// The unsigned number of ITU-T H.264, 9.1, at the start of some bytes. (It is
/// too short for an emulation prevention byte to be within.)
fn exp_golomb(bytes: &[u8]) -> Option<u32> {
    let mut head = [0; 4];
    let known = bytes.len().min(head.len());
    head[..known].copy_from_slice(&bytes[..known]);
    let head = u32::from_be_bytes(head);
    let length = 2 * head.leading_zeros() + 1;
    (length <= 8 * known as u32).then(|| (head >> (32 - length)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by hand after ISO/IEC 14496-15: one SPS and one PPS of number 0, High
    /// profile at level 4.0.
    fn avcc(sps_tail: u8) -> Vec<u8> {
        let sps = [0x67, 100, 0, 40, 0xac, sps_tail];
        let pps = [0x68, 0xee, 0x3c];
        [&[1, 100, 0, 40, 0xff, 0xe1, 0, 6], &sps[..], &[1, 0, 3], &pps, &[0xfd, 0xf8, 0xf8, 0]].concat()
    }

    /// The same with number 31 (the code 00000100000).
    fn avcc_31() -> Vec<u8> {
        let sps = [0x67, 77, 0, 41, 0x04, 0x1f];
        let pps = [0x68, 0x04, 0x3f];
        [&[1, 77, 0, 41, 0xff, 0xe1, 0, 6], &sps[..], &[1, 0, 3], &pps].concat()
    }

    #[test]
    fn numbers_are_read_as_the_standard_writes_them() {
        let codes: [(&[u8], u32); 5] =
            [(&[0x80], 0), (&[0x40], 1), (&[0x60], 2), (&[0x04, 0x00], 31), (&[0x00, 0x80, 0x80], 256)];
        for (bytes, number) in codes {
            assert_eq!(exp_golomb(bytes), Some(number), "{bytes:?}");
        }
        assert_eq!(exp_golomb(&[0]), None);
        assert_eq!(exp_golomb(&[]), None);
    }

    #[test]
    fn what_is_written_was_read() {
        for bytes in [avcc(7), avcc_31()] {
            assert_eq!(ParameterSets::parse(&bytes).unwrap().to_extradata().unwrap(), bytes);
        }
    }

    #[test]
    fn start_codes_of_both_lengths_become_lengths() {
        let stream = [0, 0, 0, 1, 0x67, 100, 0, 40, 0xac, 7, 0, 0, 0, 1, 0x68, 0xee, 0x3c, 0, 0, 1, 0x65, 9, 0, 0];
        let packet = with_lengths(&stream);
        assert_eq!(units(&packet).map(|unit| (kind(unit), unit.len())).collect::<Vec<_>>(), [(7, 6), (8, 3), (5, 2)]);
        assert!(is_whole(&packet));
        assert_eq!(ParameterSets::of_encoder(&stream), ParameterSets::parse(&avcc(7)));
        assert!(with_lengths(&[0, 0, 0]).is_empty() && with_lengths(&[]).is_empty());
    }

    #[test]
    fn sets_of_different_numbers_stand_side_by_side() {
        let (camera, encoder) = (ParameterSets::parse(&avcc(7)).unwrap(), ParameterSets::parse(&avcc_31()).unwrap());
        let both = camera.with(&encoder).unwrap();
        assert_eq!((both.sps.len(), both.pps.len(), both.profile), (2, 2, [100, 0, 41]));
        assert_eq!(ParameterSets::parse(&both.to_extradata().unwrap()), Some(both.clone()));
        assert_eq!(camera.with(&camera), Some(camera.clone()));
        assert!(camera.with(&ParameterSets::parse(&avcc(9)).unwrap()).is_none());
        assert!(both.cover(&camera.before(&[0, 0, 0, 2, 0x65, 1])));
        assert!(!camera.cover(&encoder.before(&[0, 0, 0, 2, 0x65, 1])));
    }

    #[test]
    fn sets_stand_behind_the_delimiter_and_before_the_picture() {
        let sets = ParameterSets::parse(&avcc(7)).unwrap();
        let packet = sets.before(&[0, 0, 0, 2, 0x09, 0xf0, 0, 0, 0, 2, 0x65, 1]);
        assert!(is_whole(&packet));
        assert_eq!(units(&packet).map(kind).collect::<Vec<_>>(), [DELIMITER, SPS, PPS, IDR]);
    }

    /// Cut anywhere or with any byte changed: never a panic.
    #[test]
    fn damage_is_refused_or_read() {
        let whole = avcc(7);
        for length in 0..whole.len() {
            let _ = ParameterSets::parse(&whole[..length]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[length] = value;
                let _ = ParameterSets::parse(&damaged).and_then(|sets| sets.to_extradata());
            }
        }
        assert!(!is_whole(&[0, 0, 0, 9, 1]) && !is_whole(&[]) && !is_whole(&[0, 0, 0, 0]));
    }
}
