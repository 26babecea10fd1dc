//! Where one curve lies in another.
//!
//! First both in steps of a second, at every lag; then the best few again in
//! steps of 0.1 s, with a parabola through the three best (as in Knapp and
//! Carter 1976, "The generalized correlation method", for between the steps).
//! Of two speeds the likeness is Lin's concordance (1989), which is 1 only where
//! they are equal and not merely alike; of other curves it is the correlation.
//!
//! The confidence is the likeness times how much of what is left to 1 at the
//! next best place is gone at the best: 0 where they are alike, near 1 where
//! only one fits.

use std::collections::BTreeMap;

/// Steps, in ns.
const FINE: i64 = 100_000_000;
const COARSE: usize = 10;

/// Longest curve, in fine steps: two days.
const LONGEST: i64 = 2 * 86_400 * 10;

/// Least overlap, in coarse steps.
const LEAST: usize = 8;

/// Places nearer than this to one another are one peak, in coarse steps.
const APART: usize = 6;

/// How many peaks are looked at closely.
const PEAKS: usize = 8;

/// Steps of work for the search at most: some seconds.
const MOST_WORK: usize = 4_000_000_000;

/// A curve in fine steps; NaN where nothing is known.
#[derive(Debug)]
pub(super) struct Curve {
    /// Of its first step, in ns.
    pub(super) start: i64,
    values: Vec<f64>,
}

/// Where a curve lies in another.
#[derive(Debug)]
pub(super) struct Match {
    /// From the other's start to its own, in ns.
    pub(super) lag: i64,
    /// Both in 1 / 1,000.
    pub(super) confidence: u16,
    pub(super) score: i16,
    /// Other places, in ns, with their likeness.
    pub(super) others: Vec<(i64, i16)>,
}

impl Curve {
    /// A curve from its values at times, between two instants.
    pub(super) fn of(first: i64, last: i64, mut at: impl FnMut(i64) -> Option<f64>) -> Option<Curve> {
        let steps = last.checked_sub(first)? / FINE + 1;
        if !(1..=LONGEST).contains(&steps) {
            return None;
        }
        let values = (0..steps).map(|step| at(first + step * FINE).filter(|value| value.is_finite()));
        Some(Curve { start: first, values: values.map(|value| value.unwrap_or(f64::NAN)).collect() })
    }

    /// A curve through samples in the order of time, on straight lines where
    /// they are no more than 2 s apart.
    pub(super) fn of_samples(samples: &[(i64, f64)]) -> Option<Curve> {
        const GAP: i64 = 2_000_000_000;
        let (first, last) = (samples.first()?.0, samples.last()?.0);
        let mut next = 0;
        Curve::of(first, last, |time| {
            while samples.get(next).is_some_and(|(at, _)| *at <= time) {
                next += 1;
            }
            let (at, value) = *samples.get(next.checked_sub(1)?)?;
            let Some((until, after)) = samples.get(next) else { return (at == time).then_some(value) };
            let span = until - at;
            (span <= GAP).then(|| value + (after - value) * ((time - at) as f64 / span as f64))
        })
    }

    /// In steps of a second: the mean of each. `from` fine steps are left out.
    fn coarse(&self) -> Vec<f64> {
        let mean = |values: &[f64]| {
            let known = || values.iter().filter(|value| !value.is_nan());
            let count = known().count();
            if count * 2 < values.len() { f64::NAN } else { known().sum::<f64>() / count as f64 }
        };
        self.values.chunks(COARSE).map(mean).collect()
    }
}

/// How alike two curves are where the first starts at step `lag` of the second;
/// `None` where too little of both is known, or nothing happens in it.
fn likeness(camera: &[f64], logger: &[f64], lag: i64, least: usize, equal: bool) -> Option<f64> {
    let skip = usize::try_from(-lag).unwrap_or(0);
    let from = usize::try_from(lag).unwrap_or(0);
    let pairs = camera.get(skip..)?.iter().zip(logger.get(from..)?);
    let (mut n, mut a, mut b, mut aa, mut bb, mut ab) = (0_usize, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (x, y) in pairs {
        if x.is_nan() || y.is_nan() {
            continue;
        }
        n += 1;
        (a, b) = (a + x, b + y);
        (aa, bb, ab) = (aa + x * x, bb + y * y, ab + x * y);
    }
    if n < least {
        return None;
    }
    let count = n as f64;
    let (mean_a, mean_b) = (a / count, b / count);
    let (var_a, var_b) = (aa / count - mean_a * mean_a, bb / count - mean_b * mean_b);
    let both = ab / count - mean_a * mean_b;
    // Standing still, all places are alike.
    if var_a < 1e-3 || var_b < 1e-3 {
        return Some(0.0);
    }
    Some(match equal {
        true => 2.0 * both / (var_a + var_b + (mean_a - mean_b) * (mean_a - mean_b)),
        false => both / libm::sqrt(var_a * var_b),
    })
}

/// The place of the camera's curve in the logger's; `equal` where both are of
/// one unit. `None` where there is too little of either.
pub(super) fn best(camera: &Curve, logger: &Curve, equal: bool) -> Option<Match> {
    let (a, b) = (camera.coarse(), logger.coarse());
    let known = a.iter().filter(|value| !value.is_nan()).count();
    let least = (known / 2).max(LEAST);
    if known < LEAST || b.len() < LEAST || known.saturating_mul(b.len()) > MOST_WORK {
        return None;
    }
    let (first, last) = (-(a.len() as i64) + 1, b.len() as i64 - 1);
    let scores: BTreeMap<i64, f64> =
        (first..=last).filter_map(|lag| Some((lag, likeness(&a, &b, lag, least, equal)?))).collect();
    // The best of each neighbourhood, best first.
    let mut ranked: Vec<(i64, f64)> = scores.iter().map(|(lag, score)| (*lag, *score)).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut peaks: Vec<i64> = Vec::new();
    for (lag, _) in ranked {
        if peaks.iter().all(|peak| lag.abs_diff(*peak) > APART as u64) {
            peaks.push(lag);
            if peaks.len() == PEAKS {
                break;
            }
        }
    }
    let mut close: Vec<(f64, f64)> =
        peaks.iter().filter_map(|peak| refine(camera, logger, *peak, least, equal)).collect();
    close.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.total_cmp(&b.0)));
    let (lag, score) = *close.first()?;
    let second = close.get(1).map_or(0.0, |(_, score)| score.max(0.0));
    let score = score.clamp(0.0, 1.0);
    let gone = if second < 1.0 { 1.0 - (1.0 - score) / (1.0 - second) } else { 0.0 };
    let thousandths = |value: f64| libm::round(value.clamp(-1.0, 1.0) * 1e3) as i16;
    let nanos = |lag: f64| libm::round(lag * FINE as f64) as i64;
    Some(Match {
        lag: nanos(lag),
        confidence: thousandths((score * gone).max(0.0)).unsigned_abs(),
        score: thousandths(score),
        others: close.iter().skip(1).take(3).map(|(lag, score)| (nanos(*lag), thousandths(*score))).collect(),
    })
}

/// A peak in fine steps, and its likeness.
fn refine(camera: &Curve, logger: &Curve, peak: i64, least: usize, equal: bool) -> Option<(f64, f64)> {
    let around = peak * COARSE as i64;
    let reach = 2 * COARSE as i64;
    let at = |lag: i64| likeness(&camera.values, &logger.values, lag, least * COARSE * 9 / 10, equal);
    let scores: Vec<(i64, f64)> = (around - reach..=around + reach).filter_map(|lag| Some((lag, at(lag)?))).collect();
    let (lag, score) = scores.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (Some(before), Some(after)) = (at(lag - 1), at(lag + 1)) else { return Some((lag as f64, score)) };
    let bend = before - 2.0 * score + after;
    let between = if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    Some((lag as f64 + between, score))
}
