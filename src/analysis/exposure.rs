//! Exposure: how bright the picture is, how much it spreads, and how far its
//! pixels keep from black and white.
//!
//! - `brightness`: mean luma, 0 to 1.
//! - `contrast`: standard deviation of the luma, 0 to 0.5 (RMS contrast; Peli,
//!   "Contrast in complex images", JOSA A 7, 1990).
//! - `exposure`: mean over the pixels of the well-exposedness of Mertens, Kautz
//!   and Van Reeth, "Exposure fusion" (Pacific Graphics 2007): a Gaussian about
//!   middle grey with a standard deviation of 0.2. Clipped pixels count next to
//!   nothing.

use super::{Analyse, Analysis, Looks, Picture, Reach};
use crate::model::signal::{NamedSignal, Signal};

pub(super) const ANALYSIS: Analysis = Analysis {
    name: "exposure",
    version: 1,
    summary: "Mean luma (brightness, 0 to 1), its spread (contrast, 0 to 0.5) and how well exposed it is (exposure, 0 to 1)",
    signals: &["brightness", "contrast", "exposure"],
    reach: Reach { before: 0, after: 0 },
    looks: Looks::Everywhere,
    alone: None,
    new: || Box::new(Exposure { well_exposed: well_exposedness(), signals: Default::default() }),
};

struct Exposure {
    /// Well-exposedness of each level.
    well_exposed: [f64; 256],
    signals: [Signal; 3],
}

impl Analyse for Exposure {
    fn look(&mut self, picture: &Picture<'_>) {
        let mut histogram = [0u64; 256];
        for &level in picture.y() {
            histogram[usize::from(level)] += 1;
        }
        let (mut sum, mut squares, mut well) = (0u64, 0u64, 0.0);
        for ((level, &count), worth) in (0u64..).zip(&histogram).zip(&self.well_exposed) {
            sum += count * level;
            squares += count * level * level;
            well += count as f64 * worth;
        }
        let n = picture.y().len() as f64;
        let mean = sum as f64 / n;
        let variance = (squares as f64 / n - mean * mean).max(0.0);
        let values = [mean / 255.0, libm::sqrt(variance) / 255.0, well / n];
        for (signal, value) in self.signals.iter_mut().zip(values) {
            signal.push(picture.time_us(), value);
        }
    }

    fn finish(self: Box<Self>) -> Vec<NamedSignal> {
        let names = ANALYSIS.signals.iter();
        names.zip(self.signals).map(|(name, signal)| NamedSignal { name: (*name).to_owned(), signal }).collect()
    }
}

fn well_exposedness() -> [f64; 256] {
    const SIGMA: f64 = 0.2;
    std::array::from_fn(|level| {
        let off = level as f64 / 255.0 - 0.5;
        libm::exp(-off * off / (2.0 * SIGMA * SIGMA))
    })
}
