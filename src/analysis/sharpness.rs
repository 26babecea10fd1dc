//! Sharpness: the variance of the Laplacian of the luma, the focus measure LAPV
//! of Pech-Pacheco, Cristobal, Chamorro-Martinez and Fernandez-Valdivia,
//! "Diatom autofocusing in brightfield microscopy" (ICPR 2000), as
//! `ln(1 + variance)`, since the variance itself spans four decades.

use super::{Analyse, Analysis, Looks, Picture, Reach};
use crate::model::signal::{NamedSignal, Signal};

pub(super) const ANALYSIS: Analysis = Analysis {
    name: "sharpness",
    version: 1,
    summary: "How sharp the picture is: logarithm of the variance of its Laplacian, about 0 to 12",
    signals: &["sharpness"],
    reach: Reach { before: 0, after: 0 },
    looks: Looks::Everywhere,
    alone: None,
    new: || Box::<Sharpness>::default(),
};

#[derive(Default)]
struct Sharpness {
    signal: Signal,
}

impl Analyse for Sharpness {
    fn look(&mut self, picture: &Picture<'_>) {
        self.signal.push(picture.time_us(), libm::log1p(laplacian_variance(picture)));
    }

    fn finish(self: Box<Self>) -> Vec<NamedSignal> {
        vec![NamedSignal { name: "sharpness".to_owned(), signal: self.signal }]
    }
}

/// The variance of the 4-neighbour Laplacian over all pixels that have four
/// neighbours; 0 where there are none.
fn laplacian_variance(picture: &Picture<'_>) -> f64 {
    let (mut sum, mut squares, mut count) = (0i64, 0i64, 0i64);
    let lines: Vec<&[u8]> = picture.y().chunks_exact(picture.width()).collect();
    for three in lines.windows(3) {
        for ((above, line), below) in three[0].windows(3).zip(three[1].windows(3)).zip(three[2].windows(3)) {
            let around = i64::from(above[1]) + i64::from(below[1]) + i64::from(line[0]) + i64::from(line[2]);
            let value = around - 4 * i64::from(line[1]);
            sum += value;
            squares += value * value;
            count += 1;
        }
    }
    if count == 0 {
        return 0.0;
    }
    // Exact until the last step: n * sum(x^2) - sum(x)^2 over n^2.
    let (n, sum, squares) = (i128::from(count), i128::from(sum), i128::from(squares));
    (n * squares - sum * sum) as f64 / (n * n) as f64
}
