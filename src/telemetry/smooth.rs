//! Position and velocity from noisy positions.
//!
//! Model: each axis is driven by white acceleration noise. A Kalman filter runs
//! forward, and the modified Bryson-Frazier smoother runs back over it
//! (G. Bierman, "Fixed interval smoothing with discrete measurements",
//! International Journal of Control 18, 1973); it gives the same as the
//! Rauch-Tung-Striebel smoother and inverts no matrix, so that samples a
//! nanosecond apart do no harm. Two more rounds weigh measurements down that
//! are more than 2.5 standard deviations off (Huber's weights).
//!
//! Both noises come from the log itself (see [`Noise::of`]).

use super::excursions::Fix;

/// What is assumed of the measurements and of the motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Noise {
    /// Standard deviation of a measurement, per axis, at 1 Hz. At higher rates
    /// receivers repeat their error rather than make a new one, so there it
    /// counts as if the measurements were one a second.
    pub(super) measured: f64,
    /// Acceleration per axis: square root of the spectral density.
    pub(super) driven: f64,
}

/// Metres, and m/s² per square root of Hz: between what a good and a bad
/// receiver and a walker and a racing car show.
const MEASURED: (f64, f64) = (0.3, 5.0);
const DRIVEN: (f64, f64) = (0.7, 5.0);

/// Where a log has too few samples a second to tell.
const UNKNOWN: Noise = Noise { measured: 1.0, driven: 1.5 };

/// Standard deviations from which on a measurement weighs less.
const HUBER: f64 = 2.5;
const ROUNDS: usize = 3;

impl Noise {
    /// Each sample is compared with the middle of its neighbours about a second
    /// away. White noise makes what is left of neighbouring samples
    /// anticorrelated (the covariance is minus its variance), acceleration does
    /// not; so the one gives the noise, and the rest of the variance the
    /// acceleration. Each is clipped at five medians.
    pub(super) fn of<const N: usize>(runs: &[Vec<Fix<N>>]) -> Noise {
        let Some(found) = Self::seen(runs) else { return UNKNOWN };
        let (measured, driven) = (found.measured, found.driven);
        Noise { measured: measured.clamp(MEASURED.0, MEASURED.1), driven: driven.clamp(DRIVEN.0, DRIVEN.1) }
    }

    /// What the measurements show, whatever is likely; `None` where they are
    /// too few to tell.
    pub(super) fn seen<const N: usize>(runs: &[Vec<Fix<N>>]) -> Option<Noise> {
        let mut left: Vec<Option<([f64; N], f64)>> = Vec::new();
        for run in runs {
            let mut second: Vec<&Fix<N>> = Vec::new();
            for fix in run {
                if second.last().is_none_or(|last| fix.t - last.t >= 0.8) {
                    second.push(fix);
                }
            }
            left.extend(second.windows(3).map(|k| remainder(k[0], k[1], k[2])));
            left.push(None);
        }
        let mut sizes: Vec<f64> = left.iter().flatten().flat_map(|(e, _)| e.iter().map(|part| part.abs())).collect();
        if sizes.len() < 8 {
            return None;
        }
        let middle = sizes.len() / 2;
        let clip = 5.0 * *sizes.select_nth_unstable_by(middle, f64::total_cmp).1;
        let clipped = |value: f64| value.clamp(-clip, clip);
        let (mut variance, mut count, mut bend) = (0.0, 0.0, 0.0);
        let (mut covariance, mut pairs) = (0.0, 0.0);
        for pair in left.windows(2) {
            let [Some((e, half)), next] = pair else { continue };
            for axis in 0..N {
                variance += clipped(e[axis]) * clipped(e[axis]);
                bend += half * half;
                count += 1.0;
                if let Some((after, _)) = next {
                    covariance += clipped(e[axis]) * clipped(after[axis]);
                    pairs += 1.0;
                }
            }
        }
        let white = if pairs > 0.0 { (-covariance / pairs).max(0.0) } else { 0.0 };
        let rest = (variance - 1.5 * white * count).max(0.0) / f64::max(bend, 1e-9);
        Some(Noise { measured: white.sqrt(), driven: rest.sqrt() })
    }
}

/// What is left of `b` beside the line from `a` to `c`, and the seconds squared
/// by which an acceleration makes it; `None` where the three are far apart.
fn remainder<const N: usize>(a: &Fix<N>, b: &Fix<N>, c: &Fix<N>) -> Option<([f64; N], f64)> {
    let (before, after) = (b.t - a.t, c.t - b.t);
    if before > 3.0 || after > 3.0 {
        return None;
    }
    let share = before / (before + after);
    let e = std::array::from_fn(|axis| b.p[axis] - a.p[axis] - (c.p[axis] - a.p[axis]) * share);
    Some((e, before * after / 2.0))
}

/// Position and velocity per axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct State<const N: usize> {
    pub(super) p: [f64; N],
    pub(super) v: [f64; N],
}

/// One forward step as the backward pass needs it.
#[derive(Clone, Copy)]
struct Step<const N: usize> {
    state: State<N>,
    /// Covariance after the measurement: position, both, velocity.
    covariance: [f64; 3],
    /// Innovation over its variance, and the gains; 0 without a measurement.
    pull: [f64; N],
    gain: [f64; 2],
    /// 1 over the variance of the innovation; 0 without a measurement.
    weight: f64,
}

/// States at all `times` (seconds, strictly increasing) from measurements at
/// some of them. The first and the last time must be measured; empty where the
/// first is not.
pub(super) fn smooth<const N: usize>(times: &[f64], measured: &[Option<[f64; N]>], noise: Noise) -> Vec<State<N>> {
    let variances = variances(times, measured, noise);
    let mut weights = vec![1.0; times.len()];
    let mut states = Vec::new();
    for round in 0..ROUNDS {
        states = pass(times, measured, &variances, &weights, noise.driven);
        if round + 1 == ROUNDS {
            break;
        }
        let mut changed = false;
        for (((weight, state), measured), variance) in weights.iter_mut().zip(&states).zip(measured).zip(&variances) {
            let Some(p) = measured else { continue };
            let off: f64 = (0..N).map(|axis| (p[axis] - state.p[axis]) * (p[axis] - state.p[axis])).sum();
            let sigmas = (off / variance).sqrt();
            *weight = if sigmas > HUBER { HUBER / sigmas } else { 1.0 };
            changed |= *weight < 1.0;
        }
        if !changed {
            break;
        }
    }
    states
}

/// The variance of each measurement.
fn variances<const N: usize>(times: &[f64], measured: &[Option<[f64; N]>], noise: Noise) -> Vec<f64> {
    let mut last = f64::NEG_INFINITY;
    let each = times.iter().zip(measured).map(|(t, measured)| {
        let repeats = (1.0 / (t - last)).clamp(1.0, 50.0);
        if measured.is_some() {
            last = *t;
        }
        noise.measured * noise.measured * repeats
    });
    each.collect()
}

fn pass<const N: usize>(
    times: &[f64],
    measured: &[Option<[f64; N]>],
    variances: &[f64],
    weights: &[f64],
    driven: f64,
) -> Vec<State<N>> {
    let Some(Some(start)) = measured.first() else { return Vec::new() };
    let mut state = State { p: *start, v: [0.0; N] };
    // Nothing is known of the velocity at first: 100 m/s either way.
    let mut c = [variances.first().copied().unwrap_or(1.0), 0.0, 1e4];
    let q = driven * driven;
    let mut steps: Vec<Step<N>> = Vec::with_capacity(times.len());
    for (at, measured) in measured.iter().enumerate() {
        if at > 0 {
            let dt = times[at] - times[at - 1];
            for axis in 0..N {
                state.p[axis] += state.v[axis] * dt;
            }
            c[0] += 2.0 * dt * c[1] + dt * dt * c[2] + q * dt * dt * dt / 3.0;
            c[1] += dt * c[2] + q * dt * dt / 2.0;
            c[2] += q * dt;
        }
        let mut step = Step { state, covariance: c, pull: [0.0; N], gain: [0.0; 2], weight: 0.0 };
        if let Some(p) = measured.filter(|_| at > 0) {
            step.weight = 1.0 / (c[0] + variances[at] / weights[at]);
            step.gain = [c[0] * step.weight, c[1] * step.weight];
            for (axis, measured) in p.iter().enumerate() {
                let innovation = measured - state.p[axis];
                step.pull[axis] = innovation * step.weight;
                state.p[axis] += step.gain[0] * innovation;
                state.v[axis] += step.gain[1] * innovation;
            }
            c = [c[0] * (1.0 - step.gain[0]), c[1] * (1.0 - step.gain[0]), c[2] - step.gain[1] * c[1]];
            (step.state, step.covariance) = (state, c);
        }
        steps.push(step);
    }
    back(times, &steps)
}

fn back<const N: usize>(times: &[f64], steps: &[Step<N>]) -> Vec<State<N>> {
    let mut states = vec![State { p: [0.0; N], v: [0.0; N] }; steps.len()];
    // The adjoint of position and velocity, behind the measurement.
    let mut adjoint = [[0.0; 2]; N];
    for at in (0..steps.len()).rev() {
        let step = &steps[at];
        let c = step.covariance;
        for (axis, adjoint) in adjoint.iter_mut().enumerate() {
            let [a, b] = *adjoint;
            states[at].p[axis] = step.state.p[axis] - (c[0] * a + c[1] * b);
            states[at].v[axis] = step.state.v[axis] - (c[1] * a + c[2] * b);
            // Before the measurement: (I - K H)' times it, less the pull.
            let before = [a - step.gain[0] * a - step.gain[1] * b - step.pull[axis], b];
            let dt = if at > 0 { times[at] - times[at - 1] } else { 0.0 };
            *adjoint = [before[0], before[0] * dt + before[1]];
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(noise: impl Fn(usize) -> f64) -> (Vec<f64>, Vec<Option<[f64; 1]>>) {
        (0..200).map(|n| (n as f64, Some([5.0 * n as f64 + noise(n)]))).unzip()
    }

    #[test]
    fn a_straight_line_stays_one() {
        let (times, measured) = line(|_| 0.0);
        let states = smooth(&times, &measured, UNKNOWN);
        for (state, t) in states.iter().zip(&times) {
            assert!((state.p[0] - 5.0 * t).abs() < 1e-3 && (state.v[0] - 5.0).abs() < 1e-3, "{t} {state:?}");
        }
    }

    #[test]
    fn a_hole_is_bridged() {
        let (times, mut measured) = line(|_| 0.0);
        measured[100..108].fill(None);
        let states = smooth(&times, &measured, UNKNOWN);
        assert!((states[104].p[0] - 520.0).abs() < 1e-2 && (states[104].v[0] - 5.0).abs() < 1e-2, "{:?}", states[104]);
    }

    #[test]
    fn noise_is_told_from_acceleration() {
        // Sebastiano Vigna's splitmix64; uniform noise has a deviation of 0.289
        // of its width, here 2 m.
        let white = |n: usize| {
            let mut z = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z >> 40) as f64 / f64::from(1 << 24) - 0.5) * 2.0 / 0.289
        };
        let (times, measured) = line(white);
        let run: Vec<Fix<1>> = times.iter().zip(&measured).map(|(t, p)| Fix { t: *t, p: p.unwrap() }).collect();
        let noise = Noise::of(&[run]);
        assert!((1.2..3.0).contains(&noise.measured), "{noise:?}");
        let wave: Vec<Fix<1>> =
            (0..600).map(f64::from).map(|t| Fix { t, p: [3.0 * 100.0 * (t / 10.0).sin()] }).collect();
        let noise = Noise::of(&[wave]);
        assert_eq!(noise.measured, MEASURED.0);
        assert!((1.5..3.0).contains(&noise.driven), "{noise:?}");
    }

    #[test]
    fn samples_a_nanosecond_apart_do_no_harm() {
        let times = [0.0, 1.0, 1.0 + 1e-9, 2.0, 3.0];
        let measured = [0.0, 5.0, 5.0, 10.0, 15.0].map(|p| Some([p]));
        let states = smooth(&times, &measured, UNKNOWN);
        assert!(states.iter().all(|state| (state.v[0] - 5.0).abs() < 0.1), "{states:?}");
    }
}
