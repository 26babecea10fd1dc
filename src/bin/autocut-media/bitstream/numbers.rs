//! Other numbers for the parameter sets of one HEVC stream, so that it can stand
//! in a file beside another whose sets have the same ones: all encoders count
//! from 0.
//!
//! Slices name their picture parameter set by a number of variable length
//! (ITU-T H.265, 7.3.6.1), before which there are one or two flags. A number
//! that takes just eight bits more than the old one moves what follows by one
//! whole byte, so that the slice's data stay where they must, at the start of a
//! byte, and nothing else of its head has to be understood: 0, of one bit, becomes
//! one of 15 to 30, of nine; 1 and 2 become ones of 31 to 62. The sets themselves
//! are short and are written anew.

use std::collections::BTreeMap;

use super::hevc::{self, PPS, SPS, Sets, VPS};
use super::nal::{self, BitWriter, Bits, units, variable_bits};

/// The greatest numbers (ITU-T H.265, 7.4.3).
const MOST_VPS: u32 = 15;
pub(super) const MOST_SPS: u32 = 15;
pub(super) const MOST_PPS: u32 = 63;

/// By how many bits the number in a slice grows.
const GROWTH: u32 = 8;

/// Messages that name sets or count time by them (ITU-T H.265, annex D):
/// buffering periods, times of pictures, active sets, times of parts of pictures.
const MESSAGES_OF_SETS: [u32; 4] = [0, 1, 129, 130];
const MESSAGES: [u8; 2] = [39, 40];

/// New numbers by the old ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    vps: BTreeMap<u32, u32>,
    sps: BTreeMap<u32, u32>,
    pps: BTreeMap<u32, u32>,
}

type Map = BTreeMap<u32, Vec<u8>>;

impl Numbers {
    /// Such that no number of `sets` is one of `beside`; `None` where there are
    /// not enough.
    pub(super) fn new(sets: &Sets, beside: &Sets) -> Option<Numbers> {
        let free = |own: &Map, taken: &Map, most: u32| {
            let mut free = (0..=most).rev().filter(|number| !taken.contains_key(number));
            own.keys().map(|old| Some((*old, free.next()?))).collect::<Option<BTreeMap<_, _>>>()
        };
        let mut pps = BTreeMap::new();
        for old in sets.pps.keys() {
            let bits = variable_bits(*old) + GROWTH;
            let mut fitting = (0..=MOST_PPS).filter(|number| variable_bits(*number) == bits);
            let new =
                fitting.find(|number| !beside.pps.contains_key(number) && !pps.values().any(|other| other == number));
            pps.insert(*old, new?);
        }
        Some(Numbers {
            vps: free(&sets.vps, &beside.vps, MOST_VPS)?,
            sps: free(&sets.sps, &beside.sps, MOST_SPS)?,
            pps,
        })
    }

    /// The sets with the new numbers.
    pub(super) fn sets(&self, sets: &Sets) -> Option<(Map, Map, Map)> {
        let renumber = |map: &Map, numbers: &BTreeMap<u32, u32>| {
            let each = |(old, unit): (&u32, &Vec<u8>)| Some((*numbers.get(old)?, self.set(unit)?));
            map.iter().map(each).collect::<Option<Map>>()
        };
        Some((renumber(&sets.vps, &self.vps)?, renumber(&sets.sps, &self.sps)?, renumber(&sets.pps, &self.pps)?))
    }

    fn set(&self, unit: &[u8]) -> Option<Vec<u8>> {
        let bytes = hevc::payload(unit);
        let mut bits = Bits::new(&bytes);
        let mut new = BitWriter::default();
        match hevc::kind(unit) {
            VPS => new.number(*self.vps.get(&bits.number(4)?)?, 4),
            SPS => {
                new.number(*self.vps.get(&bits.number(4)?)?, 4);
                let place = hevc::number_place(&bytes)?;
                new.copy(&bytes, bits.place(), place)?;
                bits.skip(place - bits.place())?;
                new.variable(*self.sps.get(&bits.variable()?)?);
            }
            PPS => {
                new.variable(*self.pps.get(&bits.variable()?)?);
                new.variable(*self.sps.get(&bits.variable()?)?);
            }
            _ => return None,
        }
        // All else, up to the bit that ends it.
        let last = bytes.iter().rposition(|byte| *byte != 0)?;
        let end = last * 8 + 8 - bytes[last].trailing_zeros() as usize;
        new.copy(&bytes, bits.place(), end)?;
        let head = unit.first_chunk::<2>()?;
        Some(nal::escaped(&[&head[..], &new.into_bytes()].concat()))
    }

    /// A packet, behind lengths, whose slices mean the new sets. Sets that it
    /// brings along are left out: the container has them.
    pub(crate) fn apply(&self, packet: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(packet.len() + 64);
        for unit in units(packet) {
            match hevc::kind(unit) {
                VPS | SPS | PPS => {}
                kind if MESSAGES.contains(&kind) && speaks_of_sets(unit) => {}
                _ if hevc::is_slice(unit) => match self.slice(unit) {
                    Some(changed) => nal::put(&mut bytes, &changed),
                    // Of a set that is not there: nobody decodes it.
                    None => nal::put(&mut bytes, unit),
                },
                _ => nal::put(&mut bytes, unit),
            }
        }
        bytes
    }

    fn slice(&self, unit: &[u8]) -> Option<Vec<u8>> {
        let flags = if hevc::is_start(unit) { 2 } else { 1 };
        let (head, rest) = unit.split_first_chunk::<2>()?;
        // Numbers that can be changed lie within a byte, which is not 0.
        let byte = *rest.first()?;
        let first = [byte];
        let mut bits = Bits::new(&first);
        bits.skip(flags)?;
        let old = bits.variable()?;
        let mut new = BitWriter::default();
        new.copy(&first, 0, flags)?;
        new.variable(*self.pps.get(&old)?);
        new.copy(&first, bits.place(), 8)?;
        let mut slice = head.to_vec();
        slice.reserve(unit.len() + 8);
        slice.extend(new.into_bytes());
        // The second of the two new bytes may be 0, and what follows may then need
        // another prevention than before, up to the next byte that is not.
        let (mut before, mut after) = (0, u32::from(slice.last() == Some(&0)));
        for (at, byte) in rest.iter().enumerate().skip(1) {
            if before == 0 && after == 0 {
                slice.extend(&rest[at..]);
                break;
            }
            if before >= 2 && *byte == 3 {
                before = 0;
                continue;
            }
            if after >= 2 && *byte <= 3 {
                slice.push(3);
                after = 0;
            }
            let zero = *byte == 0;
            (before, after) = if zero { (before + 1, after + 1) } else { (0, 0) };
            slice.push(*byte);
        }
        Some(slice)
    }
}

/// Whether any message of a unit names sets.
fn speaks_of_sets(unit: &[u8]) -> bool {
    let bytes = hevc::payload(unit);
    let mut rest = bytes.as_slice();
    // The last byte ends the unit.
    while rest.len() > 1 {
        let mut number = || {
            let whole = rest.iter().take_while(|byte| **byte == 0xff).count();
            let last = *rest.get(whole)?;
            rest = &rest[whole + 1..];
            Some(u32::try_from(whole).ok()?.saturating_mul(0xff).saturating_add(u32::from(last)))
        };
        let (Some(kind), Some(length)) = (number(), number()) else { return true };
        if MESSAGES_OF_SETS.contains(&kind) {
            return true;
        }
        rest = rest.get(length as usize..).unwrap_or_default();
    }
    false
}
