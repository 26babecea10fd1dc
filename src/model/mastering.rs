//! What an output of HDR10 says of the display that it is made for, in the
//! units of SMPTE ST 2086 as HEVC has them (ITU-T H.265, D.3.28).
//!
//! It is the same for every output: what was shot was seen on no such display
//! by anybody, so the display that is stated is the one for which colours are
//! converted here (see docs/media.md).

use crate::model::Colour;
use crate::model::footage::Transfer;

/// A display, and how bright its pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mastering {
    /// x and y of red, green and blue and of white, in 1 / 50,000.
    pub primaries: [[u32; 2]; 3],
    pub white: [u32; 2],
    /// The brightest and the darkest, in 1 / 10,000 cd/m2.
    pub most: u32,
    pub least: u32,
    /// MaxCLL and MaxFALL of CTA-861.3, in cd/m2; 0 is "not known".
    pub light: [u32; 2],
}

/// BT.2020 with white D65, from 0.005 to 1,000 cd/m2; nobody measured how bright
/// the pictures are.
pub const MASTERING: Mastering = Mastering {
    primaries: [[35_400, 14_600], [8_500, 39_850], [6_550, 2_300]],
    white: [15_635, 16_450],
    most: 10_000_000,
    least: 50,
    light: [0, 0],
};

impl Mastering {
    /// What is said of an output in these colours.
    pub fn of(colour: &Colour) -> Option<Mastering> {
        (colour.transfer() == Transfer::Pq).then_some(MASTERING)
    }
}
