//! HEVC: its parameter sets as a container holds them (`hvcC`, ISO/IEC
//! 14496-15, 8.3.3.1) and as they stand in packets, and what packets hold.

use std::collections::BTreeMap;

use super::messages::{self, OF_MAKERS};
use super::nal::{self, Bits, LENGTH, counted, put_counted, units, units_behind_codes};
use super::numbers::{Role, Syntax, Units};
use super::{Leading, Numbers, Obstacle, Start};

/// Types of NAL units (ITU-T H.265, table 7-1). Those up to the last slice are
/// pictures; those from [`BLA`] on begin a group.
const RADL: std::ops::RangeInclusive<u8> = 6..=7;
const RASL: std::ops::RangeInclusive<u8> = 8..=9;
const BLA: std::ops::RangeInclusive<u8> = 16..=18;
const BLA_WITHOUT_LEADING: u8 = 18;
/// Units that are reserved or left to others: Dolby Vision's metadata and second
/// layer among them.
const PRIVATE: std::ops::RangeInclusive<u8> = 41..=63;
const IDR: std::ops::RangeInclusive<u8> = 19..=20;
const CRA: u8 = 21;
const LAST_START: u8 = 23;
const LAST_SLICE: u8 = 31;
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;
const DELIMITER: u8 = 35;
const END_OF_SEQUENCE: u8 = 36;
const END_OF_STREAM: u8 = 37;

/// Messages before and behind what they speak of.
const MESSAGES: std::ops::RangeInclusive<u8> = 39..=40;

/// Bytes of a unit's own head.
pub(super) const UNIT_HEAD: usize = 2;

/// The greatest numbers of sets (ITU-T H.265, 7.4.3); of those of videos as of
/// those of sequences.
pub(super) const MOST_SPS: u32 = 15;
pub(super) const MOST_PPS: u32 = 63;

/// A slice's head is read of so many bytes: flags and four numbers.
const SLICE_HEAD: usize = 24;

/// Intra, of a slice.
const INTRA: u32 = 2;

/// Profile, compatibility, constraints and level, as sets and containers have
/// them.
type Profile = [u8; 12];

/// Parameter sets by kind and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sets {
    profile: Profile,
    /// Into how small parts pictures are cut, and what for; 0 where unknown.
    segmentation: u16,
    parallelism: u8,
    /// Chroma format and bit depths, less 8.
    format: [u8; 3],
    /// Of time: how many, 0 where unknown, and whether they nest.
    layers: (u8, bool),
    vps: BTreeMap<u32, Vec<u8>>,
    sps: BTreeMap<u32, Vec<u8>>,
    pps: BTreeMap<u32, Vec<u8>>,
    /// What else holds for all pictures, by type: messages of the encoder.
    others: BTreeMap<u8, Vec<Vec<u8>>>,
    /// What slices of each picture parameter set look like.
    slices: BTreeMap<u32, Slices>,
}

/// What heads of slices are read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slices {
    dependent: bool,
    reserved: usize,
    /// Blocks in a picture.
    blocks: u32,
}

impl Sets {
    /// Out of what an encoder puts before its first packet: NAL units behind
    /// start codes.
    pub(super) fn of_encoder(extradata: &[u8]) -> Option<Sets> {
        let units = units_behind_codes(extradata).filter(|unit| matches!(kind(unit), VPS | SPS | PPS));
        let units: Vec<&[u8]> = units.collect();
        let sps = Sequence::parse(units.iter().find(|unit| kind(unit) == SPS)?)?;
        Sets {
            profile: sps.profile,
            segmentation: 0,
            parallelism: 0,
            format: sps.format,
            layers: (sps.layers, sps.nested),
            vps: BTreeMap::new(),
            sps: BTreeMap::new(),
            pps: BTreeMap::new(),
            others: BTreeMap::new(),
            slices: BTreeMap::new(),
        }
        .filled(&units)
    }

    /// Out of `hvcC`; `None` where it is none, or its packets have NAL lengths of
    /// another size.
    pub(super) fn parse(extradata: &[u8]) -> Option<Sets> {
        let ([1, rest @ ..], arrays) = extradata.split_first_chunk::<23>()? else { return None };
        let mut sets = Sets {
            profile: *rest.first_chunk()?,
            segmentation: u16::from_be_bytes([rest[12] & 0x0f, rest[13]]),
            parallelism: rest[14] & 3,
            format: [rest[15] & 3, rest[16] & 7, rest[17] & 7],
            layers: (rest[20] >> 3 & 7, rest[20] & 4 != 0),
            vps: BTreeMap::new(),
            sps: BTreeMap::new(),
            pps: BTreeMap::new(),
            others: BTreeMap::new(),
            slices: BTreeMap::new(),
        };
        if usize::from(rest[20] & 3) + 1 != LENGTH {
            return None;
        }
        let mut units = Vec::new();
        let mut arrays = arrays;
        for _ in 0..rest[21] {
            let ([head, high, low], after) = arrays.split_first_chunk::<3>()?;
            arrays = after;
            for _ in 0..u16::from_be_bytes([*high, *low]) {
                let unit = counted(&mut arrays)?;
                match head & 0x3f {
                    VPS | SPS | PPS => units.push(unit),
                    // Of messages none that a camera's maker added.
                    other if MESSAGES.contains(&other) => {
                        let kept = messages::without(unit, UNIT_HEAD, |message| message == OF_MAKERS);
                        kept.into_iter().for_each(|unit| sets.others.entry(other).or_default().push(unit.into_owned()));
                    }
                    other => sets.others.entry(other).or_default().push(unit.to_vec()),
                }
            }
        }
        sets.filled(&units)
    }

    /// With all sets that a decoder needs.
    fn filled(mut self, units: &[&[u8]]) -> Option<Sets> {
        for unit in units {
            let sets = match kind(unit) {
                VPS => &mut self.vps,
                SPS => &mut self.sps,
                _ => &mut self.pps,
            };
            sets.insert(number(unit)?, unit.to_vec());
        }
        for (number, unit) in &self.pps {
            let bytes = payload(unit);
            let mut bits = Bits::new(&bytes);
            bits.variable()?;
            let sps = Sequence::parse(self.sps.get(&bits.variable()?)?)?;
            self.vps.get(&sps.vps)?;
            let dependent = bits.flag()?;
            bits.skip(1)?;
            let reserved = bits.number(3)? as usize;
            self.slices.insert(*number, Slices { dependent, reserved, blocks: sps.blocks });
        }
        (!self.pps.is_empty()).then_some(self)
    }

    /// The sets of both, where no number stands for two of them.
    pub(super) fn with(&self, other: &Sets) -> Option<Sets> {
        let clash = |own: &BTreeMap<u32, Vec<u8>>, theirs: &BTreeMap<u32, Vec<u8>>| {
            own.iter().any(|(number, unit)| theirs.get(number).is_some_and(|other| other != unit))
        };
        let clash = clash(&self.vps, &other.vps) || clash(&self.sps, &other.sps) || clash(&self.pps, &other.pps);
        let ([a_idc, a @ .., a_level], [b_idc, b @ .., b_level]) = (&self.profile, &other.profile);
        // Profiles are counted in spaces, of which one is in use.
        if clash || self.format != other.format || a_idc >> 6 != b_idc >> 6 {
            return None;
        }
        let mut both = self.clone();
        both.vps.extend(other.vps.clone());
        both.sps.extend(other.sps.clone());
        both.pps.extend(other.pps.clone());
        both.slices.extend(other.slices.clone());
        // A decoder of the greater profile, tier and level decodes the lesser; what
        // all keep to, the film keeps to.
        both.profile[0] = a_idc & 0xe0 | b_idc & 0xe0 | (a_idc & 0x1f).max(b_idc & 0x1f);
        for (both, (a, b)) in both.profile[1..].iter_mut().zip(a.iter().zip(b)) {
            *both = a & b;
        }
        both.profile[11] = *a_level.max(b_level);
        both.segmentation = self.segmentation.min(other.segmentation);
        both.parallelism = if self.parallelism == other.parallelism { self.parallelism } else { 0 };
        let layers = if self.layers.0 == other.layers.0 { self.layers.0 } else { 0 };
        both.layers = (layers, self.layers.1 && other.layers.1);
        both.others.retain(|kind, units| other.others.get(kind) == Some(units));
        Some(both)
    }

    /// As `hvcC`. Where packets bring sets along, these are not all there are.
    pub(super) fn to_extradata(&self, in_packets: bool) -> Option<Vec<u8>> {
        let [high, low] = self.segmentation.to_be_bytes();
        let mut bytes = vec![1];
        bytes.extend(self.profile);
        bytes.extend([0xf0 | high, low, 0xfc | self.parallelism]);
        bytes.extend([0xfc | self.format[0], 0xf8 | self.format[1], 0xf8 | self.format[2]]);
        // No mean rate is stated.
        bytes.extend([0, 0, self.layers.0 << 3 | u8::from(self.layers.1) << 2 | (LENGTH as u8 - 1)]);
        bytes.push(u8::try_from(3 + self.others.len()).ok()?);
        let mut put = |head: u8, units: Vec<&Vec<u8>>| {
            bytes.push(head);
            bytes.extend(u16::try_from(units.len()).ok()?.to_be_bytes());
            units.into_iter().try_for_each(|unit| put_counted(&mut bytes, unit))
        };
        let complete = if in_packets { 0 } else { 0x80 };
        for (kind, sets) in [(VPS, &self.vps), (SPS, &self.sps), (PPS, &self.pps)] {
            put(complete | kind, sets.values().collect())?;
        }
        self.others.iter().try_for_each(|(kind, units)| put(*kind, units.iter().collect()))?;
        Some(bytes)
    }

    /// The same sets with numbers that are free in `beside`.
    pub(super) fn renumbered(&self, beside: &Sets) -> Option<(Sets, Numbers)> {
        let own = self.units();
        let numbers = Numbers::new(Syntax::Hevc, &own, &beside.units())?;
        let mut sets = self.clone();
        Units { vps: sets.vps, sps: sets.sps, pps: sets.pps } = numbers.sets(&own)?;
        let units: Vec<Vec<u8>> =
            [&sets.vps, &sets.sps, &sets.pps].into_iter().flat_map(|map| map.values().cloned()).collect();
        sets.slices.clear();
        sets.others.clear();
        let units: Vec<&[u8]> = units.iter().map(Vec::as_slice).collect();
        Some((sets.filled(&units)?, numbers))
    }

    fn units(&self) -> Units {
        Units { vps: self.vps.clone(), sps: self.sps.clone(), pps: self.pps.clone() }
    }

    /// A packet with the sets before its pictures.
    pub(super) fn before(&self, packet: &[u8]) -> Vec<u8> {
        // An access unit delimiter comes before everything.
        let delimiter = units(packet).next().filter(|unit| kind(unit) == DELIMITER);
        let head = delimiter.map_or(0, |unit| LENGTH + unit.len());
        let mut bytes = packet[..head].to_vec();
        self.vps.values().chain(self.sps.values()).chain(self.pps.values()).for_each(|unit| nal::put(&mut bytes, unit));
        bytes.extend(&packet[head..]);
        bytes
    }

    /// Whether a packet that brings sets along brings none but these.
    fn cover(&self, packet: &[u8]) -> bool {
        units(packet).filter(|unit| is_base(unit)).all(|unit| {
            let sets = match kind(unit) {
                VPS => &self.vps,
                SPS => &self.sps,
                PPS => &self.pps,
                _ => return true,
            };
            number(unit).is_some_and(|number| sets.get(&number).is_some_and(|own| own == unit))
        })
    }

    /// What the heads of a packet's slices tell: whether pictures before it are
    /// discarded; `None` where they are not those of one picture, in their order.
    fn picture(&self, packet: &[u8]) -> Option<bool> {
        let mut last: Option<(u8, u32)> = None;
        let mut discards = false;
        for unit in units(packet).filter(|unit| is_base(unit) && kind(unit) <= LAST_SLICE) {
            let kind = kind(unit);
            let bytes = nal::unescaped(&unit[UNIT_HEAD..], SLICE_HEAD);
            let mut bits = Bits::new(&bytes);
            let first = bits.flag()?;
            let starts = (*BLA.start()..=LAST_START).contains(&kind);
            discards |= starts && bits.flag()?;
            let slices = self.slices.get(&bits.variable()?)?;
            let mut dependent = false;
            let mut address = 0;
            if !first {
                dependent = slices.dependent && bits.flag()?;
                address = bits.number(u32::BITS - slices.blocks.saturating_sub(1).leading_zeros())?;
            }
            let follows = match last {
                None => first,
                Some((other, before)) => !first && kind == other && address > before && address < slices.blocks,
            };
            if !follows {
                return None;
            }
            if !dependent {
                bits.skip(slices.reserved)?;
                let slice = bits.variable()?;
                if slice > INTRA || starts && slice != INTRA {
                    return None;
                }
            }
            last = Some((kind, address));
        }
        last.map(|_| discards)
    }

    /// Why the packet cannot be copied.
    pub(super) fn obstacle(&self, packet: &[u8]) -> Option<Obstacle> {
        let is_sound = |unit: &[u8]| unit.len() > UNIT_HEAD && unit[1] & 7 != 0 || is_end(unit);
        if !nal::is_whole(packet) || !units(packet).all(|unit| nal::is_sound(unit) && is_sound(unit)) {
            return Some(Obstacle::Damage);
        }
        if !self.cover(packet) {
            return Some(Obstacle::OtherSets);
        }
        if units(packet).any(is_end) {
            return Some(Obstacle::EndsSequence);
        }
        match self.picture(packet) {
            Some(false) => None,
            Some(true) => Some(Obstacle::Discards),
            None => Some(Obstacle::Damage),
        }
    }
}

/// How the group of pictures begins that this packet is the first of.
pub(super) fn start(packet: &[u8]) -> Option<Start> {
    match picture_kind(packet)? {
        CRA => Some(Start::Open),
        kind if IDR.contains(&kind) => Some(Start::Closed),
        kind if BLA.contains(&kind) => Some(Start::Broken),
        _ => None,
    }
}

/// Whether a packet's picture leads the first of its group.
pub(super) fn leading(packet: &[u8]) -> Option<Leading> {
    match picture_kind(packet)? {
        kind if RADL.contains(&kind) => Some(Leading::Decodable),
        kind if RASL.contains(&kind) => Some(Leading::Skipped),
        _ => None,
    }
}

/// Without sets, which the container has (and must have alone where it calls the
/// stream `hvc1`), without what enhances the picture, which it does not speak of,
/// and without messages of the camera's maker. The first of a run that is a CRA
/// becomes a BLA without leading pictures: the same picture, of which decoders know
/// that what it followed is not there.
pub(super) fn copied(packet: &[u8], first: bool) -> Option<Vec<u8>> {
    let is_kept =
        |unit: &&[u8]| is_base(unit) && !matches!(kind(unit), VPS | SPS | PPS) && !PRIVATE.contains(&kind(unit));
    let becomes_other = first && picture_kind(packet) == Some(CRA);
    let is_message = |unit: &[u8]| MESSAGES.contains(&kind(unit));
    if !becomes_other && units(packet).all(|unit| is_kept(&unit) && !is_message(unit)) {
        return None;
    }
    let mut bytes = Vec::with_capacity(packet.len());
    for unit in units(packet).filter(is_kept) {
        if is_message(unit) {
            let others = messages::without(unit, UNIT_HEAD, |message| message == OF_MAKERS);
            others.iter().for_each(|others| nal::put(&mut bytes, others));
            continue;
        }
        let at = bytes.len() + LENGTH;
        nal::put(&mut bytes, unit);
        if first && kind(unit) == CRA {
            bytes[at] = bytes[at] & 0x81 | BLA_WITHOUT_LEADING << 1;
        }
    }
    (bytes != packet).then_some(bytes)
}

/// Of a packet's first slice.
fn picture_kind(packet: &[u8]) -> Option<u8> {
    units(packet).filter(|unit| is_base(unit)).map(kind).find(|kind| *kind <= LAST_SLICE)
}

fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |head| head >> 1 & 0x3f)
}

/// Whether a unit is of the picture itself, and not of what enhances it.
fn is_base(unit: &[u8]) -> bool {
    unit.first().is_some_and(|head| head & 1 == 0) && unit.get(1).is_some_and(|layer| layer >> 3 == 0)
}

/// What a unit is, as far as numbers of sets go.
pub(super) fn role(unit: &[u8]) -> Role {
    match kind(unit) {
        VPS => Role::Vps,
        SPS => Role::Sps,
        PPS => Role::Pps,
        kind if MESSAGES.contains(&kind) => Role::Messages,
        kind if kind <= LAST_SLICE && is_base(unit) => Role::Slice,
        _ => Role::Other,
    }
}

/// Whether slices of a unit's kind say if pictures are discarded.
pub(super) fn is_start(unit: &[u8]) -> bool {
    (*BLA.start()..=LAST_START).contains(&kind(unit))
}

fn is_end(unit: &[u8]) -> bool {
    matches!(kind(unit), END_OF_SEQUENCE | END_OF_STREAM)
}

/// A set without its head and without emulation prevention.
fn payload(unit: &[u8]) -> Vec<u8> {
    nal::unescaped(unit, usize::MAX).split_off(UNIT_HEAD.min(unit.len()))
}

/// The number of a set.
fn number(unit: &[u8]) -> Option<u32> {
    let bytes = payload(unit);
    match kind(unit) {
        VPS => Some(u32::from(bytes.first()? >> 4)),
        SPS => Sequence::parse(unit).map(|sps| sps.number),
        _ => Bits::new(&bytes).variable().filter(|number| *number <= MOST_PPS),
    }
}

/// What is read of a sequence parameter set (ITU-T H.265, 7.3.2.2).
struct Sequence {
    vps: u32,
    number: u32,
    profile: Profile,
    format: [u8; 3],
    layers: u8,
    nested: bool,
    /// Where in bits it states how many pictures wait.
    waiting_place: usize,
    blocks: u32,
}

impl Sequence {
    fn parse(unit: &[u8]) -> Option<Sequence> {
        let bytes = payload(unit);
        let mut bits = Bits::new(&bytes);
        let (vps, more, nested) = (bits.number(4)?, bits.number(3)? as usize, bits.flag()?);
        let profile = *bytes.get(1..)?.first_chunk()?;
        bits.skip(number_place(&bytes)? - bits.place())?;
        let number = bits.variable().filter(|number| *number <= MOST_SPS)?;
        let chroma = bits.variable()?;
        if chroma == 3 {
            bits.skip(1)?;
        }
        let (width, height) = (bits.variable()?, bits.variable()?);
        if bits.flag()? {
            (0..4).try_for_each(|_| bits.variable().map(drop))?;
        }
        let depths = (bits.variable()?, bits.variable()?);
        // How pictures are counted, and how many wait.
        bits.variable()?;
        let waiting_place = bits.place();
        let orders = if bits.flag()? { more + 1 } else { 1 };
        (0..3 * orders).try_for_each(|_| bits.variable().map(drop))?;
        let block = bits.variable()?.checked_add(bits.variable()?)?.checked_add(3).filter(|log| *log <= 6)?;
        let blocks = width.div_ceil(1 << block).checked_mul(height.div_ceil(1 << block))?;
        let byte = |number: u32, most: u8| u8::try_from(number).ok().filter(|number| *number <= most);
        Some(Sequence {
            vps,
            number,
            profile,
            format: [byte(chroma, 3)?, byte(depths.0, 7)?, byte(depths.1, 7)?],
            layers: more as u8 + 1,
            nested,
            waiting_place,
            blocks: Some(blocks).filter(|blocks| *blocks > 0)?,
        })
    }
}

/// Where in bits the number stands in a sequence parameter set: behind the
/// profile and level of the whole and of its layers of time.
pub(super) fn number_place(payload: &[u8]) -> Option<usize> {
    behind_profile(payload, 1, payload.first()? >> 1 & 7)
}

/// What lies behind a profile that begins at a byte, with so many layers of time
/// besides the whole.
fn behind_profile(payload: &[u8], begin: usize, layers: u8) -> Option<usize> {
    const PROFILE: usize = 11;
    const LEVEL: usize = 1;
    let mut place = begin + PROFILE + LEVEL;
    if layers > 0 {
        let flags = payload.get(place..)?.first_chunk::<2>()?;
        let flags = u16::from_be_bytes(*flags);
        place += 2;
        for layer in 0..usize::from(layers) {
            let (profile, level) = (flags >> (15 - 2 * layer) & 1, flags >> (14 - 2 * layer) & 1);
            place += PROFILE * usize::from(profile) + LEVEL * usize::from(level);
        }
    }
    Some(place * 8)
}

pub(super) mod waiting;

#[cfg(test)]
mod tests;
