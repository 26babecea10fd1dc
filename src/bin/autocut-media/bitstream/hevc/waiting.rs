//! How many pictures wait in a decoder, as the sets of HEVC state it.
//!
//! Players take from one set how far decoding is ahead of what is shown, and hold
//! all of a film to it (FFmpeg: from the sequence parameter set with the lowest
//! number). A film of several encoders therefore says the same in all of its sets:
//! the most that any of them says. These are limits (ITU-T H.265, 7.4.3.1 and
//! 7.4.3.2.1), so a stream that keeps to lower ones keeps to these, and pictures of
//! one size may wait in the same number whoever encoded them.

use super::{Bits, Sequence, Sets, UNIT_HEAD, VPS, behind_profile, kind, nal, payload};
use crate::bitstream::nal::BitWriter;

/// The most pictures that any level lets wait, less 1 (ITU-T H.265, A.4.2).
const MOST_HELD: u32 = 15;

/// Of all layers of time together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Pictures that are held at once, less 1.
    held: u32,
    /// How many can come before one that is shown before them.
    reordered: u32,
}

impl Waiting {
    /// Enough for both.
    pub(in crate::bitstream) fn or(self, other: Waiting) -> Waiting {
        Waiting { held: self.held.max(other.held), reordered: self.reordered.max(other.reordered) }
    }
}

impl Sets {
    /// The most that any of them states; `None` where one states what cannot be.
    pub(in crate::bitstream) fn waiting(&self) -> Option<Waiting> {
        let each = self.sps.values().map(|unit| stated(unit));
        each.reduce(|all, next| Some(all?.or(next?))).flatten()
    }

    /// The same sets, each of which states so much at least.
    pub(in crate::bitstream) fn with_waiting(&self, waiting: Waiting) -> Option<Sets> {
        let mut sets = self.clone();
        for unit in sets.vps.values_mut().chain(sets.sps.values_mut()) {
            *unit = raised(unit, waiting)?;
        }
        Some(sets)
    }
}

/// Where in bits a set of videos or sequences states it, and for how many layers.
fn place(unit: &[u8], payload: &[u8]) -> Option<(usize, u8)> {
    if kind(unit) != VPS {
        return Sequence::parse(unit).map(|sps| (sps.waiting_place, sps.layers));
    }
    let more = payload.get(1)? >> 1 & 7;
    Some((behind_profile(payload, 4, more)?, more + 1))
}

fn stated(sps: &[u8]) -> Option<Waiting> {
    let bytes = payload(sps);
    let (place, layers) = place(sps, &bytes)?;
    let mut bits = Bits::new(&bytes);
    bits.skip(place)?;
    let orders = if bits.flag()? { layers } else { 1 };
    let mut last = None;
    for _ in 0..orders {
        last = Some(Waiting { held: bits.variable()?, reordered: bits.variable()? });
        bits.variable()?;
    }
    last.filter(|last| last.held <= MOST_HELD && last.reordered <= last.held)
}

fn raised(unit: &[u8], waiting: Waiting) -> Option<Vec<u8>> {
    let bytes = payload(unit);
    let (place, layers) = place(unit, &bytes)?;
    let mut bits = Bits::new(&bytes);
    let mut new = BitWriter::default();
    bits.skip(place)?;
    let orders = if bits.flag()? { layers } else { 1 };
    new.copy(&bytes, 0, bits.place())?;
    for order in 1..=orders {
        let own = Waiting { held: bits.variable()?, reordered: bits.variable()? };
        // The last one is of all layers together.
        let Waiting { held, reordered } = if order == orders { own.or(waiting) } else { own };
        new.variable(held);
        new.variable(reordered);
        new.variable(bits.variable()?);
    }
    // All else, up to the bit that ends it.
    new.copy(&bytes, bits.place(), nal::end_place(&bytes)?)?;
    Some(nal::escaped(&[unit.get(..UNIT_HEAD)?, &new.into_bytes()].concat()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SPS_UNIT, VPS_UNIT, sets};
    use super::*;

    /// x265's own say that five pictures are held and two of them come early
    /// (ITU-T H.265, 7.3.2.1 and 7.3.2.2, read by hand).
    #[test]
    fn what_waits_is_read_and_raised_in_all_sets() {
        let own = sets().waiting().unwrap();
        assert_eq!(own, Waiting { held: 4, reordered: 2 });
        // What they state already changes no byte.
        assert_eq!(sets().with_waiting(own), Some(sets()));
        assert_eq!(sets().with_waiting(Waiting { held: 1, reordered: 0 }), Some(sets()));
        let more = sets().with_waiting(Waiting { held: 6, reordered: 4 }).unwrap();
        assert_eq!(more.waiting(), Some(Waiting { held: 6, reordered: 4 }));
        assert_eq!(raised(&more.vps[&0], own), Some(more.vps[&0].clone()));
        for (before, after) in [(VPS_UNIT, &more.vps[&0]), (SPS_UNIT, &more.sps[&0])] {
            let (before, after) = (payload(before), payload(after));
            // 5 (00110) becomes 7 (00111); 2 (011) becomes 4 (00101): two bits more.
            let bits = nal::end_place(&after).unwrap() - nal::end_place(&before).unwrap();
            assert_eq!(bits, 2);
        }
        let (before, after) = (Sequence::parse(SPS_UNIT).unwrap(), Sequence::parse(&more.sps[&0]).unwrap());
        assert_eq!((before.number, before.format, before.blocks), (after.number, after.format, after.blocks));
    }

    /// Numbers that no level allows are believed of none.
    #[test]
    fn what_cannot_be_is_not_raised_to() {
        let raised = |held, reordered| sets().with_waiting(Waiting { held, reordered }).unwrap().waiting();
        assert!(raised(15, 15).is_some());
        assert_eq!(raised(16, 2), None);
        assert_eq!(raised(4, 5), None);
        let cut = Sets { sps: [(0, SPS_UNIT[..20].to_vec())].into(), ..sets() };
        assert_eq!((cut.waiting(), cut.with_waiting(Waiting { held: 6, reordered: 4 })), (None, None));
    }
}
