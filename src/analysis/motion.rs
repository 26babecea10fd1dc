//! Motion: how much the picture changed since the sample before.
//!
//! The picture is averaged over blocks of 4 x 4 pixels, which removes sensor
//! noise and the last bit of compression, and the earlier one is brought to the
//! later one's mean luma, so that a camera that changes its exposure does not
//! look like one that moves. What is left is the mean absolute difference of
//! the blocks.

use super::{Analyse, Analysis, Looks, Picture, Reach};
use crate::model::signal::{NamedSignal, Signal};

pub(super) const ANALYSIS: Analysis = Analysis {
    name: "motion",
    version: 1,
    summary: "How much the picture moves: mean change of luma between samples, 0 to 1",
    signals: &["motion"],
    reach: Reach { before: 1, after: 0 },
    looks: Looks::Everywhere,
    alone: None,
    new: || Box::<Motion>::default(),
};

/// Side of a block in pixels.
const BLOCK: usize = 4;
/// Luma is kept in steps of 1 / 256.
const STEPS: i64 = 256;

#[derive(Default)]
struct Motion {
    /// Block means of the sample before, in steps of 1 / 256 of a level.
    before: Vec<i64>,
    signal: Signal,
}

impl Analyse for Motion {
    fn look(&mut self, picture: &Picture<'_>) {
        let now = block_means(picture);
        let change = if self.before.len() == now.len() { change(&self.before, &now) } else { 0.0 };
        self.signal.push(picture.time_us(), change);
        self.before = now;
    }

    fn finish(self: Box<Self>) -> Vec<NamedSignal> {
        vec![NamedSignal { name: "motion".to_owned(), signal: self.signal }]
    }
}

/// The mean luma of each block, row by row.
fn block_means(picture: &Picture<'_>) -> Vec<i64> {
    let (width, height) = (picture.width(), picture.height());
    let columns = width.div_ceil(BLOCK);
    let mut means = Vec::with_capacity(columns * height.div_ceil(BLOCK));
    let mut sums = vec![0i64; columns];
    let mut lines = 0;
    for (index, line) in picture.y().chunks_exact(width).enumerate() {
        for (sum, block) in sums.iter_mut().zip(line.chunks(BLOCK)) {
            *sum += block.iter().map(|&level| i64::from(level)).sum::<i64>();
        }
        lines += 1;
        if lines == BLOCK || index + 1 == height {
            for (column, sum) in sums.iter_mut().enumerate() {
                let wide = BLOCK.min(width - column * BLOCK);
                means.push(*sum * STEPS / (wide * lines) as i64);
                *sum = 0;
            }
            lines = 0;
        }
    }
    means
}

/// Mean absolute difference as a share of full scale, after the earlier
/// picture was scaled to the later one's mean.
fn change(before: &[i64], now: &[i64]) -> f64 {
    let (sum_before, sum_now) = (before.iter().sum::<i64>(), now.iter().sum::<i64>());
    // Black has no gain that could be corrected.
    let (num, den) = if sum_before > 0 && sum_now > 0 { (sum_now, sum_before) } else { (1, 1) };
    let scaled = |level: i64| (i128::from(level) * i128::from(num) / i128::from(den)) as i64;
    let total: i64 = before.iter().zip(now).map(|(&b, &n)| (n - scaled(b).min(255 * STEPS)).abs()).sum();
    total as f64 / (now.len() as f64 * 255.0 * STEPS as f64)
}
