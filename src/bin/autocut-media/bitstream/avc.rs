//! H.264: its parameter sets as a container holds them (`avcC`, ISO/IEC
//! 14496-15, 5.3.3.1) and as they stand in packets, and what packets hold.

use std::collections::BTreeMap;

use super::messages::{self, OF_MAKERS};
use super::nal::{self, Bits, LENGTH, counted, put_counted, units, units_behind_codes};
use super::numbers::{Role, Syntax, Units};
use super::{Numbers, Obstacle, Start};

/// Types of NAL units (ITU-T H.264, table 7-1).
const SLICE: u8 = 1;
const IDR: u8 = 5;
const MESSAGES: u8 = 6;
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;
const SPS_EXTENSION: u8 = 13;
const PREFIX: u8 = 14;
const SUBSET_SPS: u8 = 15;
const EXTENSION_SLICES: std::ops::RangeInclusive<u8> = 20..=21;

/// Units that the standard leaves to others.
const PRIVATE: std::ops::RangeInclusive<u8> = 24..=31;

/// Bytes of a unit's own head.
pub(super) const UNIT_HEAD: usize = 1;

/// The greatest numbers of sets (ITU-T H.264, 7.4.2).
pub(super) const MOST_SPS: u32 = 31;
pub(super) const MOST_PPS: u32 = 255;

/// Where in bits the number stands in a sequence parameter set: behind profile,
/// constraints and level.
pub(super) const NUMBER_PLACE: usize = 24;

/// `profile_idc` of the High profile.
const HIGH: u8 = 100;

/// Parameter sets by kind and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sets {
    /// Profile, its constraints, level.
    profile: [u8; 3],
    sps: BTreeMap<u32, Vec<u8>>,
    pps: BTreeMap<u32, Vec<u8>>,
    /// What follows the sets in `avcC` for the High profiles: chroma format and
    /// bit depths.
    high: Option<[u8; 3]>,
}

impl Sets {
    /// Out of what an encoder puts before its first packet: NAL units behind
    /// start codes.
    pub(super) fn of_encoder(extradata: &[u8]) -> Option<Sets> {
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
        Some(Sets { profile, sps, pps, high })
    }

    /// Out of `avcC`; `None` where it is none, or its packets have NAL lengths
    /// of another size.
    pub(super) fn parse(extradata: &[u8]) -> Option<Sets> {
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
        (!sps.is_empty() && !pps.is_empty()).then_some(Sets {
            profile: [*profile, *constraints, *level],
            sps,
            pps,
            high,
        })
    }

    /// The sets of both, where no number stands for two of them.
    pub(super) fn with(&self, other: &Sets) -> Option<Sets> {
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

    /// The same sets with numbers that are free in `beside`.
    pub(super) fn renumbered(&self, beside: &Sets) -> Option<(Sets, Numbers)> {
        let units = |sets: &Sets| Units { vps: BTreeMap::new(), sps: sets.sps.clone(), pps: sets.pps.clone() };
        let own = units(self);
        let numbers = Numbers::new(Syntax::Avc, &own, &units(beside))?;
        let Units { sps, pps, .. } = numbers.sets(&own)?;
        Some((Sets { sps, pps, ..self.clone() }, numbers))
    }

    /// As `avcC`.
    pub(super) fn to_extradata(&self) -> Option<Vec<u8>> {
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
    pub(super) fn before(&self, packet: &[u8]) -> Vec<u8> {
        // An access unit delimiter comes before everything.
        let delimiter = units(packet).next().filter(|unit| kind(unit) == DELIMITER);
        let head = delimiter.map_or(0, |unit| LENGTH + unit.len());
        let mut bytes = packet[..head].to_vec();
        for unit in self.sps.values().chain(self.pps.values()) {
            nal::put(&mut bytes, unit);
        }
        bytes.extend(&packet[head..]);
        bytes
    }

    /// Whether a packet that brings sets along brings none but these.
    fn cover(&self, packet: &[u8]) -> bool {
        units(packet).all(|unit| match kind(unit) {
            SPS => sps_number(unit).is_some_and(|number| self.sps.get(&number).is_some_and(|own| own == unit)),
            PPS => pps_number(unit).is_some_and(|number| self.pps.get(&number).is_some_and(|own| own == unit)),
            SPS_EXTENSION => false,
            _ => true,
        })
    }

    /// Whether the packet holds one picture whose slices are there in their
    /// order, as far as their heads tell.
    fn is_picture(&self, packet: &[u8]) -> bool {
        let mut last = None;
        let mut slices = units(packet).filter(|unit| matches!(kind(unit), SLICE..=IDR));
        let all = slices.all(|unit| {
            let bytes = nal::unescaped(&unit[1..], nal::SLICE_HEAD);
            let mut bits = Bits::new(&bytes);
            let head = (|| Some((bits.variable()?, bits.variable()?, bits.variable()?)))();
            // Types of slices repeat after five: P, B, I, SP, SI.
            let fits = head.is_some_and(|(first, slice, sets)| {
                let begins = if last.is_none() { first == 0 } else { Some(first) > last };
                let intra = kind(unit) != IDR || matches!(slice % 5, 2 | 4);
                begins && intra && slice < 10 && self.pps.contains_key(&sets)
            });
            last = head.map(|(first, ..)| first);
            fits && matches!(kind(unit), SLICE | IDR)
        });
        all && last.is_some()
    }

    /// Why the packet cannot be copied.
    pub(super) fn obstacle(&self, packet: &[u8]) -> Option<Obstacle> {
        if !nal::is_whole(packet) || !units(packet).all(nal::is_sound) {
            return Some(Obstacle::Damage);
        }
        if !self.cover(packet) {
            return Some(Obstacle::OtherSets);
        }
        (!self.is_picture(packet)).then_some(Obstacle::Damage)
    }
}

/// Whether a packet begins a group of pictures that needs nothing before it.
pub(super) fn start(packet: &[u8]) -> Option<Start> {
    units(packet).any(|unit| kind(unit) == IDR).then_some(Start::Closed)
}

/// Without messages and units of the camera's maker, where there are any.
pub(super) fn copied(packet: &[u8]) -> Option<Vec<u8>> {
    let is_private = |unit: &[u8]| PRIVATE.contains(&kind(unit));
    if units(packet).all(|unit| kind(unit) != MESSAGES && !is_private(unit)) {
        return None;
    }
    let mut bytes = Vec::with_capacity(packet.len());
    for unit in units(packet).filter(|unit| !is_private(unit)) {
        match kind(unit) {
            MESSAGES => {
                let others = messages::without(unit, UNIT_HEAD, |message| message == OF_MAKERS);
                others.iter().for_each(|others| nal::put(&mut bytes, others));
            }
            _ => nal::put(&mut bytes, unit),
        }
    }
    (bytes != packet).then_some(bytes)
}

/// What a unit is, as far as numbers of sets go.
pub(super) fn role(unit: &[u8]) -> Role {
    match kind(unit) {
        SLICE | IDR => Role::Slice,
        MESSAGES => Role::Messages,
        SPS => Role::Sps,
        PPS => Role::Pps,
        // Layers above the picture: other sizes, other eyes, depth.
        SPS_EXTENSION | PREFIX | SUBSET_SPS => Role::Extension,
        kind if EXTENSION_SLICES.contains(&kind) => Role::Extension,
        _ => Role::Other,
    }
}

fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |head| head & 31)
}

/// `seq_parameter_set_id`: behind profile, constraints and level.
fn sps_number(unit: &[u8]) -> Option<u32> {
    exp_golomb(unit.get(4..)?).filter(|number| *number <= MOST_SPS)
}

/// `pic_parameter_set_id`.
fn pps_number(unit: &[u8]) -> Option<u32> {
    exp_golomb(unit.get(1..)?).filter(|number| *number <= MOST_PPS)
}

/// An unsigned number at the start of some bytes. (It is too short for emulation
/// prevention to be within.)
fn exp_golomb(bytes: &[u8]) -> Option<u32> {
    Bits::new(bytes).variable()
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
    fn what_is_written_was_read() {
        for bytes in [avcc(7), avcc_31()] {
            assert_eq!(Sets::parse(&bytes).unwrap().to_extradata().unwrap(), bytes);
        }
    }

    #[test]
    fn an_encoders_sets_are_those_of_a_container() {
        let stream = [0, 0, 0, 1, 0x67, 100, 0, 40, 0xac, 7, 0, 0, 0, 1, 0x68, 0xee, 0x3c, 0, 0, 1, 0x65, 9, 0, 0];
        assert_eq!(Sets::of_encoder(&stream), Sets::parse(&avcc(7)));
    }

    #[test]
    fn sets_of_different_numbers_stand_side_by_side() {
        let (camera, encoder) = (Sets::parse(&avcc(7)).unwrap(), Sets::parse(&avcc_31()).unwrap());
        let both = camera.with(&encoder).unwrap();
        assert_eq!((both.sps.len(), both.pps.len(), both.profile), (2, 2, [100, 0, 41]));
        assert_eq!(Sets::parse(&both.to_extradata().unwrap()), Some(both.clone()));
        assert_eq!(camera.with(&camera), Some(camera.clone()));
        assert!(camera.with(&Sets::parse(&avcc(9)).unwrap()).is_none());
        assert!(both.cover(&camera.before(&[0, 0, 0, 2, 0x65, 1])));
        assert!(!camera.cover(&encoder.before(&[0, 0, 0, 2, 0x65, 1])));
    }

    #[test]
    fn sets_stand_behind_the_delimiter_and_before_the_picture() {
        let sets = Sets::parse(&avcc(7)).unwrap();
        let packet = sets.before(&[0, 0, 0, 2, 0x09, 0xf0, 0, 0, 0, 2, 0x65, 1]);
        assert!(nal::is_whole(&packet));
        assert_eq!(units(&packet).map(kind).collect::<Vec<_>>(), [DELIMITER, SPS, PPS, IDR]);
    }

    /// By hand, after ITU-T H.264, 7.3.2, 7.3.3 and 9.1: 0 is 1, 7 is 0001000, 15 is
    /// 000010000, 30 is 000011111.
    #[test]
    fn a_second_camera_gets_other_numbers() {
        let (one, two) = (Sets::parse(&avcc(7)).unwrap(), Sets::parse(&avcc(9)).unwrap());
        let (changed, numbers) = two.renumbered(&one).unwrap();
        let keys = |map: &BTreeMap<u32, Vec<u8>>| map.keys().copied().collect::<Vec<_>>();
        assert_eq!((keys(&changed.sps), keys(&changed.pps)), (vec![30], vec![15]));
        // 1010 1100 behind the level, of which the first is the number, becomes
        // 0000 1111 1010 1100 without that; what ends the set still ends it.
        assert_eq!(changed.sps[&30], [0x67, 100, 0, 40, 0x0f, 0xac, 0x09]);
        // 1 1 101110 0011 1100 becomes 0000 1000 0 000011111 101110 0011 1100.
        assert_eq!(changed.pps[&15], [0x68, 0x08, 0x07, 0xee, 0x3c]);
        let both = one.with(&changed).unwrap();
        assert_eq!(Sets::parse(&both.to_extradata().unwrap()), Some(both.clone()));
        // x264's numbers are free still.
        assert!(both.with(&Sets::parse(&avcc_31()).unwrap()).is_some());
        let (third, _) = Sets::parse(&avcc(11)).unwrap().renumbered(&both).unwrap();
        assert_eq!((keys(&third.sps), keys(&third.pps)), (vec![29], vec![16]));

        let packet = |units: &[&[u8]]| {
            let mut bytes = Vec::new();
            units.iter().for_each(|unit| nal::put(&mut bytes, unit));
            bytes
        };
        let cases: [(&[u8], &[u8]); 5] = [
            // 1 0001000 1 0000100: the first block, an I slice, set 0, then the number
            // of the frame.
            (&[0x65, 0x88, 0x84, 0x21], &[0x65, 0x88, 0x08, 0x04, 0x21]),
            // 000011111 1 1 00000: block 30 of a P slice.
            (&[0x41, 0x0f, 0xe0, 0x21], &[0x41, 0x0f, 0xc2, 0x00, 0x21]),
            // A zero that comes in needs prevention, or moves it.
            (&[0x41, 0x0f, 0xe0, 0x00, 0x01, 0x80], &[0x41, 0x0f, 0xc2, 0, 0, 3, 1, 0x80]),
            (&[0x41, 0x0f, 0xe0, 0, 0, 3, 1, 0x80], &[0x41, 0x0f, 0xc2, 0, 0, 3, 0, 1, 0x80]),
            // Block 4,194,303, of 45 bits, with prevention before the number: what lies
            // behind stays.
            (
                &[0x41, 0, 0, 3, 2, 0, 0, 0x06, 5, 0, 0, 3, 1, 0x80],
                &[0x41, 0, 0, 3, 2, 0, 0, 0x04, 0x20, 5, 0, 0, 3, 1, 0x80],
            ),
        ];
        for (before, after) in cases {
            assert_eq!(numbers.apply(&packet(&[before])), packet(&[after]), "{before:x?}");
        }
        let key: &[u8] = &[0x65, 0x88, 0x84, 0x21];
        assert_eq!(changed.obstacle(&numbers.apply(&packet(&[key]))), None);
        assert_eq!(one.obstacle(&numbers.apply(&packet(&[key]))), Some(Obstacle::Damage), "a set that is not there");
        // Sets are left out, and messages that name them; others stay.
        let all = packet(&[&two.sps[&0], &[0x06, 0, 1, 0x80, 0x80], &[0x06, 5, 1, 0x55, 0x80], &[0x74, 1], key]);
        assert_eq!(units(&numbers.apply(&all)).map(kind).collect::<Vec<_>>(), [MESSAGES, IDR]);
        // Cut anywhere or with any byte changed: never a panic.
        for length in 0..all.len() {
            let mut damaged = all.clone();
            damaged[length] ^= 0xff;
            let _ = (numbers.apply(&all[..length]), numbers.apply(&damaged));
        }
    }

    /// Cut anywhere or with any byte changed: never a panic.
    #[test]
    fn damage_is_refused_or_read() {
        let whole = avcc(7);
        for length in 0..whole.len() {
            let _ = Sets::parse(&whole[..length]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[length] = value;
                let _ = Sets::parse(&damaged).and_then(|sets| sets.to_extradata());
            }
        }
    }
}
