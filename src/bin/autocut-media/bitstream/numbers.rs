//! Other numbers for the parameter sets of one stream of H.264 or HEVC, so that it
//! can stand in a file beside another whose sets have the same ones: nearly all
//! encoders count from 0.
//!
//! Slices name their picture parameter set by a number of variable length, before
//! which there are two others (ITU-T H.264, 7.3.3) or one or two flags (H.265,
//! 7.3.6.1). A number that takes just eight bits more than the old one moves what
//! follows by one whole byte, so that the slice's data stay where they must, at
//! the start of a byte, and nothing else of its head has to be understood: 0, of
//! one bit, becomes one of 15 to 30, of nine; 1 and 2 become ones of 31 to 62. The
//! sets themselves are short and are written anew.

use std::collections::BTreeMap;

use super::nal::{self, BitWriter, Bits, units, variable_bits};
use super::{avc, hevc, messages};

/// By how many bits the number in a slice grows.
const GROWTH: u32 = 8;

/// Messages that name sets or count time by them (ITU-T H.264 and H.265, annex D):
/// buffering periods, times of pictures; of HEVC alone active sets, times of parts
/// of pictures.
const MESSAGES_OF_SETS: [u32; 4] = [0, 1, 129, 130];

/// Whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Avc,
    Hevc,
}

/// What a unit is, as far as numbers of sets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Vps,
    Sps,
    Pps,
    Slice,
    /// Messages to whoever decodes.
    Messages,
    /// What names sets in ways of its own, and that nobody misses.
    Extension,
    Other,
}

impl Syntax {
    fn role(self, unit: &[u8]) -> Role {
        match self {
            Syntax::Avc => avc::role(unit),
            Syntax::Hevc => hevc::role(unit),
        }
    }

    /// Bytes of a unit's own head, the last of which is not 0.
    fn head(self) -> usize {
        match self {
            Syntax::Avc => avc::UNIT_HEAD,
            Syntax::Hevc => hevc::UNIT_HEAD,
        }
    }

    /// The greatest numbers that are given to sets of sequences (and of videos) and
    /// of pictures.
    fn most(self) -> (u32, u32) {
        match self {
            // 31 is what x264 is told to take, whose own cannot grow.
            Syntax::Avc => (avc::MOST_SPS - 1, avc::MOST_PPS),
            Syntax::Hevc => (hevc::MOST_SPS, hevc::MOST_PPS),
        }
    }

    /// Whether a set of pictures may get the number.
    fn is_given(self, number: u32) -> bool {
        self != Syntax::Avc || number != avc::MOST_SPS
    }

    /// Passes over what stands before the number of the set in a slice.
    fn pass_to_number(self, unit: &[u8], bits: &mut Bits) -> Option<()> {
        match self {
            Syntax::Avc => {
                bits.variable()?;
                bits.variable().map(drop)
            }
            Syntax::Hevc => bits.skip(if hevc::is_start(unit) { 2 } else { 1 }),
        }
    }
}

type Map = BTreeMap<u32, Vec<u8>>;

/// The units of sets by number; H.264 has none for a whole video.
pub(super) struct Units {
    pub(super) vps: Map,
    pub(super) sps: Map,
    pub(super) pps: Map,
}

/// New numbers by the old ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    syntax: Syntax,
    vps: BTreeMap<u32, u32>,
    sps: BTreeMap<u32, u32>,
    pps: BTreeMap<u32, u32>,
}

impl Numbers {
    /// Such that no number of `sets` is one of `beside`; `None` where there are
    /// not enough.
    pub(super) fn new(syntax: Syntax, sets: &Units, beside: &Units) -> Option<Numbers> {
        let (most, most_pps) = syntax.most();
        let free = |own: &Map, taken: &Map| {
            let mut free = (0..=most).rev().filter(|number| !taken.contains_key(number));
            own.keys().map(|old| Some((*old, free.next()?))).collect::<Option<BTreeMap<_, _>>>()
        };
        let mut pps = BTreeMap::new();
        for old in sets.pps.keys() {
            let bits = variable_bits(*old) + GROWTH;
            let mut fitting =
                (0..=most_pps).filter(|number| variable_bits(*number) == bits && syntax.is_given(*number));
            let new =
                fitting.find(|number| !beside.pps.contains_key(number) && !pps.values().any(|other| other == number));
            pps.insert(*old, new?);
        }
        Some(Numbers { syntax, vps: free(&sets.vps, &beside.vps)?, sps: free(&sets.sps, &beside.sps)?, pps })
    }

    /// The sets with the new numbers.
    pub(super) fn sets(&self, sets: &Units) -> Option<Units> {
        let renumber = |map: &Map, numbers: &BTreeMap<u32, u32>| {
            let each = |(old, unit): (&u32, &Vec<u8>)| Some((*numbers.get(old)?, self.set(unit)?));
            map.iter().map(each).collect::<Option<Map>>()
        };
        Some(Units {
            vps: renumber(&sets.vps, &self.vps)?,
            sps: renumber(&sets.sps, &self.sps)?,
            pps: renumber(&sets.pps, &self.pps)?,
        })
    }

    fn set(&self, unit: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = unit.split_at_checked(self.syntax.head())?;
        let bytes = nal::unescaped(rest, usize::MAX);
        let mut bits = Bits::new(&bytes);
        let mut new = BitWriter::default();
        match (self.syntax.role(unit), self.syntax) {
            (Role::Vps, _) => new.number(*self.vps.get(&bits.number(4)?)?, 4),
            (Role::Sps, syntax) => {
                if syntax == Syntax::Hevc {
                    new.number(*self.vps.get(&bits.number(4)?)?, 4);
                }
                let place = match syntax {
                    Syntax::Avc => avc::NUMBER_PLACE,
                    Syntax::Hevc => hevc::number_place(&bytes)?,
                };
                new.copy(&bytes, bits.place(), place)?;
                bits.skip(place - bits.place())?;
                new.variable(*self.sps.get(&bits.variable()?)?);
            }
            (Role::Pps, _) => {
                new.variable(*self.pps.get(&bits.variable()?)?);
                new.variable(*self.sps.get(&bits.variable()?)?);
            }
            _ => return None,
        }
        // All else, up to the bit that ends it.
        new.copy(&bytes, bits.place(), nal::end_place(&bytes)?)?;
        Some(nal::escaped(&[head, &new.into_bytes()].concat()))
    }

    /// A packet, behind lengths, whose slices mean the new sets. Sets that it
    /// brings along are left out: the container has them.
    pub(crate) fn apply(&self, packet: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(packet.len() + 64);
        for unit in units(packet) {
            match self.syntax.role(unit) {
                Role::Vps | Role::Sps | Role::Pps | Role::Extension => {}
                Role::Messages => {
                    let others = messages::without(unit, self.syntax.head(), |kind| MESSAGES_OF_SETS.contains(&kind));
                    others.iter().for_each(|others| nal::put(&mut bytes, others));
                }
                Role::Slice => match self.slice(unit) {
                    Some(changed) => nal::put(&mut bytes, &changed),
                    // Of a set that is not there: such packets are not copied, and no
                    // encoder makes them.
                    None => nal::put(&mut bytes, unit),
                },
                Role::Other => nal::put(&mut bytes, unit),
            }
        }
        bytes
    }

    fn slice(&self, unit: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = unit.split_at_checked(self.syntax.head())?;
        let bytes = nal::unescaped(rest, nal::SLICE_HEAD);
        let mut bits = Bits::new(&bytes);
        self.syntax.pass_to_number(unit, &mut bits)?;
        let place = bits.place();
        let old = bits.variable()?;
        // All bytes that the number touches become others, and one more.
        let until = bits.place().div_ceil(8);
        let mut new = BitWriter::default();
        new.copy(&bytes, 0, place)?;
        new.variable(*self.pps.get(&old)?);
        new.copy(&bytes, bits.place(), until * 8)?;
        let new = new.into_bytes();
        let mut slice = Vec::with_capacity(unit.len() + 8);
        slice.extend(head);
        slice.extend(nal::escaped(&new));
        // How many zeros stand before what follows, as it was and as it is: what
        // follows may need another prevention, up to the next byte that is not 0.
        let zeros = |bytes: &[u8]| bytes.iter().rev().take_while(|byte| **byte == 0).count();
        let at = nal::escaped_length(rest, until);
        let (mut before, mut after) = (zeros(&rest[..at]), zeros(&slice[head.len()..]));
        for (at, byte) in rest.iter().enumerate().skip(at) {
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
