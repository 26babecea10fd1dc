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
//!
//! The camera's curve is kept as the steps that are known of it, since a camera
//! films a minute now and then over days; the log is asked for what lies
//! opposite of them.

/// Steps, in ns.
const FINE: i64 = 100_000_000;
const COARSE: i64 = 10;

/// Longest log, in coarse steps: sixty days.
const LONGEST: i64 = 60 * 86_400;

/// Most fine steps of a camera: more than two days of film.
const MOST_STEPS: usize = 2_000_000;

/// Least overlap, in coarse steps.
const LEAST: usize = 8;

/// Places nearer than this to one another are one peak, in coarse steps.
const APART: u64 = 6;

/// How many peaks are looked at closely.
const PEAKS: usize = 8;

/// Steps of work for the search at most: some seconds. Of so much footage beside
/// so long a log that it would take more, each second, third and so on is looked
/// at.
const MOST_WORK: usize = 4_000_000_000;

/// What is known of a camera's curve: fine steps from its start, in order.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    /// Of step 0, in ns.
    pub(super) start: i64,
    steps: Vec<(i64, f64)>,
}

/// The log's curve: what it is at a time, between its first and its last.
pub(super) struct Logger<'a> {
    pub(super) first: i64,
    last: i64,
    at: Box<dyn FnMut(i64) -> Option<f64> + 'a>,
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

/// The best place near another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    /// As in [`Match`].
    pub(super) lag: i64,
    pub(super) score: f64,
    /// By how much it is better than a second beside it: where nothing happens,
    /// all places are alike.
    pub(super) sharpness: f64,
}

impl Curve {
    /// A curve through samples in the order of time, on straight lines where
    /// they are no more than 2 s apart.
    pub(super) fn of_samples(samples: &[(i64, f64)]) -> Option<Curve> {
        const GAP: i64 = 2_000_000_000;
        let start = samples.first()?.0;
        let mut steps: Vec<(i64, f64)> = Vec::new();
        for (index, (at, value)) in samples.iter().enumerate() {
            let next = samples.get(index + 1).filter(|(until, _)| until.saturating_sub(*at) <= GAP);
            let (until, after) = next.copied().unwrap_or((*at, *value));
            let from = at.saturating_sub(start).saturating_add(FINE - 1) / FINE;
            for step in from..=until.saturating_sub(start) / FINE {
                if steps.last().is_some_and(|(last, _)| step <= *last) {
                    continue;
                }
                if steps.len() >= MOST_STEPS {
                    return Some(Curve { start, steps });
                }
                let along = step.saturating_mul(FINE).saturating_add(start).saturating_sub(*at);
                let share = along as f64 / until.saturating_sub(*at).max(1) as f64;
                let value = value + (after - value) * share;
                steps.extend(value.is_finite().then_some((step, value)));
            }
        }
        Some(Curve { start, steps })
    }

    /// Seconds of it that are known.
    pub(super) fn seconds(&self) -> usize {
        self.steps.len() / COARSE as usize
    }

    /// The part between two instants, on the same steps.
    pub(super) fn between(&self, from: i64, until: i64) -> Curve {
        let step = |time: i64| time.saturating_sub(self.start).div_euclid(FINE);
        let first = self.steps.partition_point(|(at, _)| *at < step(from));
        let last = self.steps.partition_point(|(at, _)| *at < step(until));
        Curve { start: self.start, steps: self.steps.get(first..last).unwrap_or_default().to_vec() }
    }

    /// In pieces of about so many seconds, each with the middle of what it
    /// knows, in ns.
    pub(super) fn pieces(&self, seconds: usize) -> Vec<(i64, Curve)> {
        let pieces = self.steps.chunks(seconds.max(1) * COARSE as usize);
        let middle = |steps: &[(i64, f64)]| Some((steps.first()?.0 + steps.last()?.0) / 2);
        pieces
            .filter_map(|steps| {
                let at = middle(steps)?.saturating_mul(FINE).saturating_add(self.start);
                Some((at, Curve { start: self.start, steps: steps.to_vec() }))
            })
            .collect()
    }

    /// Seconds with their means, of those of which half is known.
    fn coarse(&self) -> Vec<(i64, f64)> {
        let seconds = self.steps.chunk_by(|a, b| a.0.div_euclid(COARSE) == b.0.div_euclid(COARSE));
        seconds
            .filter(|steps| steps.len() * 2 >= COARSE as usize)
            .map(|steps| {
                let sum: f64 = steps.iter().map(|(_, value)| value).sum();
                (steps[0].0.div_euclid(COARSE), sum / steps.len() as f64)
            })
            .collect()
    }
}

impl<'a> Logger<'a> {
    /// `None` where it is longer than can be searched.
    pub(super) fn new(first: i64, last: i64, at: impl FnMut(i64) -> Option<f64> + 'a) -> Option<Logger<'a>> {
        let seconds = last.checked_sub(first)? / (FINE * COARSE);
        (0..=LONGEST).contains(&seconds).then(|| Logger { first, last, at: Box::new(at) })
    }

    /// At a fine step; NaN where nothing is known.
    fn value(&mut self, step: i64) -> f64 {
        let time = step.saturating_mul(FINE).saturating_add(self.first);
        if !(self.first..=self.last).contains(&time) {
            return f64::NAN;
        }
        (self.at)(time).filter(|value| value.is_finite()).unwrap_or(f64::NAN)
    }

    /// Seconds with their means; NaN where less than half is known.
    fn coarse(&mut self) -> Vec<f64> {
        let seconds = (self.last - self.first) / (FINE * COARSE) + 1;
        let mut mean = |second: i64| {
            let (mut sum, mut count) = (0.0, 0_u32);
            for step in second * COARSE..(second + 1) * COARSE {
                let value = self.value(step);
                if !value.is_nan() {
                    (sum, count) = (sum + value, count + 1);
                }
            }
            if i64::from(count) * 2 < COARSE { f64::NAN } else { sum / f64::from(count) }
        };
        (0..seconds).map(&mut mean).collect()
    }
}

/// How alike pairs of values are; `None` where too many of them are unknown.
/// `equal` where both are of one unit.
fn likeness(pairs: impl Iterator<Item = (f64, f64)>, least: usize, equal: bool) -> Option<f64> {
    let (mut n, mut a, mut b, mut aa, mut bb, mut ab) = (0_usize, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (x, y) in pairs {
        if y.is_nan() {
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

/// The lags at which at least so many of the camera's seconds lie in a log of that
/// many, each once. However far apart the camera has them, there are no more than
/// `length` x seconds / `least`: of one clip whose clock was reset years are
/// stepped over.
pub(super) fn lags(seconds: &[(i64, f64)], length: i64, least: usize) -> impl Iterator<Item = i64> {
    let mut fresh = i64::MIN;
    // The log's start among the camera's seconds lets all of a run in from where it
    // ends with the last of them until it starts with the first.
    let starts = seconds.windows(least.max(1)).flat_map(move |run| {
        let (first, last) = (run[0].0, run[run.len() - 1].0);
        let from = fresh.max(last - length + 1);
        fresh = first + 1;
        from..=first
    });
    starts.map(|start| -start)
}

/// The place of the camera's curve in the log's; `equal` where both are of one
/// unit. `None` where there is too little of either.
pub(super) fn best(camera: &Curve, logger: &mut Logger<'_>, equal: bool) -> Option<Match> {
    let (mut a, b) = (camera.coarse(), logger.coarse());
    if a.len() < LEAST || b.len() < LEAST {
        return None;
    }
    // Each second of the one meets each of the other once at most.
    let stride = a.len().saturating_mul(b.len()).div_ceil(MOST_WORK);
    a = a.into_iter().step_by(stride).collect();
    let least = (a.len() / 2).max(LEAST);
    let length = b.len() as i64;
    let mut ranked: Vec<(i64, f64)> = Vec::new();
    for lag in lags(&a, length, least) {
        let from = a.partition_point(|(second, _)| second + lag < 0);
        let until = a.partition_point(|(second, _)| second + lag < length);
        let pairs = a[from..until].iter().map(|(second, value)| (*value, b[(second + lag) as usize]));
        ranked.extend(likeness(pairs, least, equal).map(|score| (lag, score)));
    }
    // The best of each neighbourhood, best first.
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut peaks: Vec<i64> = Vec::new();
    for (lag, _) in ranked {
        if peaks.iter().all(|peak| lag.abs_diff(*peak) > APART) {
            peaks.push(lag);
            if peaks.len() == PEAKS {
                break;
            }
        }
    }
    let mut close: Vec<Near> =
        peaks.iter().filter_map(|peak| near_step(camera, logger, peak * COARSE, 2 * COARSE, equal)).collect();
    close.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.lag.cmp(&b.lag)));
    let Near { lag, score, .. } = *close.first()?;
    let second = close.get(1).map_or(0.0, |near| near.score.max(0.0));
    let score = score.clamp(0.0, 1.0);
    let gone = if second < 1.0 { 1.0 - (1.0 - score) / (1.0 - second) } else { 0.0 };
    Some(Match {
        lag,
        confidence: thousandths((score * gone).max(0.0)).unsigned_abs(),
        score: thousandths(score),
        others: close.iter().skip(1).take(3).map(|near| (near.lag, thousandths(near.score))).collect(),
    })
}

/// In 1 / 1,000.
pub(super) fn thousandths(value: f64) -> i16 {
    libm::round(value.clamp(-1.0, 1.0) * 1e3) as i16
}

/// The best place within a reach of a lag, both in ns.
pub(super) fn near(camera: &Curve, logger: &mut Logger<'_>, lag: i64, reach: i64, equal: bool) -> Option<Near> {
    near_step(camera, logger, libm::round(lag as f64 / FINE as f64) as i64, reach / FINE, equal)
}

/// The best place within a reach of a lag, both in fine steps.
fn near_step(camera: &Curve, logger: &mut Logger<'_>, around: i64, reach: i64, equal: bool) -> Option<Near> {
    // A second more at either end, for how sharp the best is.
    let wide = reach + COARSE;
    let runs: Vec<&[(i64, f64)]> = camera.steps.chunk_by(|a, b| b.0 == a.0 + 1).collect();
    let opposite: Vec<Vec<f64>> = runs
        .iter()
        .map(|run| {
            let (first, last) = (run[0].0 + around - wide, run[run.len() - 1].0 + around + wide);
            (first..=last).map(|step| logger.value(step)).collect()
        })
        .collect();
    let least = (camera.steps.len() / 2).max(LEAST * COARSE as usize) * 9 / 10;
    let at = |away: i64| {
        let skip = usize::try_from(away + wide).ok()?;
        let pairs = runs.iter().zip(&opposite).flat_map(|(run, opposite)| {
            run.iter().zip(opposite.get(skip..).unwrap_or_default()).map(|((_, x), y)| (*x, *y))
        });
        likeness(pairs, least, equal)
    };
    let scores = (-reach..=reach).filter_map(|away| Some((away, at(away)?)));
    let (away, score) = scores.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let beside = [at(away - COARSE), at(away + COARSE)].into_iter().flatten().fold(f64::NEG_INFINITY, f64::max);
    let sharpness = if beside.is_finite() { score - beside } else { 0.0 };
    let between = match (at(away - 1), at(away + 1)) {
        (Some(before), Some(after)) => {
            let bend = before - 2.0 * score + after;
            if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 }
        }
        _ => 0.0,
    };
    let lag = libm::round(((around + away) as f64 + between) * FINE as f64) as i64;
    Some(Near { lag, score, sharpness })
}
