//! A true-peak limiter: no peak of the output, also between its samples, is
//! above the ceiling.
//!
//! Peaks are looked for as ITU-R BS.1770 annex 2 has it, at four times the
//! sample rate. The gain that they ask for is held for the length of the
//! look-ahead, let go slowly, and averaged over the look-ahead, so that it has
//! come down to what a peak needs by the time that the peak is heard. Gains are
//! integers: a running sum of them is exact however long the output is.

use std::collections::VecDeque;

/// How far the gain looks ahead, in ms.
const LOOK_AHEAD_MS: u32 = 5;
/// Time constant of letting go, in ms.
const RELEASE_MS: u32 = 120;
/// A gain of one.
const UNITY: i64 = 1 << 30;
/// Samples on each side that an interpolated value is made of.
const HALF: usize = 12;
/// Interpolated values between two samples.
const BETWEEN: usize = 3;
/// What four-fold oversampling can miss of a peak at 10 kHz, as a factor: the
/// ceiling is lowered by this 0.13 dB.
const MARGIN: f64 = 0.985;

/// Limits interleaved samples of full scale 1, in order, with a delay that
/// [`Limiter::finish`] makes up for: in all, as many samples come out as went in.
pub(crate) struct Limiter {
    channels: usize,
    ceiling: f64,
    kernel: [[f64; BETWEEN + 1]; 2 * HALF],
    /// The latest `2 * HALF` samples of each channel, for interpolation: a ring
    /// that is written twice, so that they always lie in one piece.
    recent: Vec<[f64; 4 * HALF]>,
    /// Where the next sample goes in the rings.
    place: usize,
    /// A sample above this may have a peak above the ceiling beside it.
    loud: f64,
    /// Frames until no sample above that is among the recent ones.
    loud_for: usize,
    /// Peak of the interval before the sample that is judged next.
    peak_before: f64,
    gain: Gain,
    /// Frames whose gain is not known yet.
    waiting: VecDeque<f64>,
    /// Frames of the start-up that are no output.
    skip: usize,
}

impl Limiter {
    /// For `channels` channels at `sample_rate`; `ceiling` in 1 / 100 dBTP.
    pub(crate) fn new(channels: u16, sample_rate: u32, ceiling: i32) -> Self {
        let channels = usize::from(channels.max(1));
        let (kernel, ceiling) = (kernel(), decibels(ceiling) * MARGIN);
        let look_ahead = (sample_rate * LOOK_AHEAD_MS / 1_000).max(1) as usize;
        Limiter {
            channels,
            recent: vec![[0.0; 4 * HALF]; channels],
            place: 0,
            loud: ceiling / most_gain(&kernel),
            loud_for: 0,
            kernel,
            ceiling,
            peak_before: 0.0,
            gain: Gain::new(look_ahead, i64::from((sample_rate * RELEASE_MS / 1_000).max(1))),
            waiting: VecDeque::new(),
            skip: HALF + look_ahead - 1,
        }
    }

    /// Takes interleaved samples and appends those that are ready to `out`.
    pub(crate) fn limit(&mut self, samples: &[f64], out: &mut Vec<f32>) {
        for frame in samples.chunks_exact(self.channels) {
            self.push(frame, out);
        }
    }

    /// Appends what is left. The limiter is at its end then.
    pub(crate) fn finish(mut self, out: &mut Vec<f32>) {
        let silence = vec![0.0; self.channels];
        for _ in 0..HALF + self.gain.look_ahead - 1 {
            self.push(&silence, out);
        }
    }

    fn push(&mut self, frame: &[f64], out: &mut Vec<f32>) {
        self.waiting.extend(frame);
        for (ring, sample) in self.recent.iter_mut().zip(frame) {
            ring[self.place] = *sample;
            ring[self.place + 2 * HALF] = *sample;
        }
        self.place = (self.place + 1) % (2 * HALF);
        if frame.iter().any(|sample| sample.abs() > self.loud) {
            self.loud_for = 2 * HALF;
        }
        // The interval judged here lies between the two middle frames, and its
        // peak concerns both.
        let peak = if self.loud_for > 0 { self.peak() } else { 0.0 };
        self.loud_for = self.loud_for.saturating_sub(1);
        let needed = self.peak_before.max(peak);
        self.peak_before = peak;
        let allowed = if needed > self.ceiling { (self.ceiling / needed * UNITY as f64) as i64 } else { UNITY };
        let gain = self.gain.next(allowed) as f64 / UNITY as f64;
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        for _ in 0..self.channels {
            if let Some(sample) = self.waiting.pop_front() {
                out.push((sample * gain) as f32);
            }
        }
    }

    /// The peak from the first of the two middle frames up to the second.
    fn peak(&self) -> f64 {
        let mut peak = 0.0f64;
        for ring in &self.recent {
            let mut sums = [0.0; BETWEEN + 1];
            for (sample, weights) in ring[self.place..self.place + 2 * HALF].iter().zip(&self.kernel) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += sample * weight;
                }
            }
            peak = sums.iter().fold(peak, |peak, sum| peak.max(sum.abs()));
        }
        peak
    }
}

/// Turns the gain that each sample allows into one that is smooth and nowhere
/// above.
struct Gain {
    look_ahead: usize,
    release: i64,
    /// Allowed gains in rising order with their positions: the first is the
    /// least of the window.
    lowest: VecDeque<(u64, i64)>,
    position: u64,
    /// The held and slowly released gain.
    held: i64,
    /// The latest `look_ahead` held gains and their sum.
    window: VecDeque<i64>,
    sum: i64,
}

impl Gain {
    fn new(look_ahead: usize, release: i64) -> Self {
        Gain {
            look_ahead,
            release,
            lowest: VecDeque::new(),
            position: 0,
            held: UNITY,
            window: std::iter::repeat_n(UNITY, look_ahead).collect(),
            sum: UNITY * look_ahead as i64,
        }
    }

    /// The gain of the sample `look_ahead - 1` before this one.
    fn next(&mut self, allowed: i64) -> i64 {
        while self.lowest.back().is_some_and(|(_, gain)| *gain >= allowed) {
            self.lowest.pop_back();
        }
        self.lowest.push_back((self.position, allowed));
        let oldest = (self.position + 1).saturating_sub(self.look_ahead as u64);
        while self.lowest.front().is_some_and(|(at, _)| *at < oldest) {
            self.lowest.pop_front();
        }
        self.position += 1;
        let least = self.lowest.front().map_or(UNITY, |(_, gain)| *gain);
        // At least one step, so that it comes back to one.
        let released = self.held + ((UNITY - self.held) / self.release).max(1);
        self.held = released.min(least).min(UNITY);
        self.sum += self.held - self.window.pop_front().unwrap_or(self.held);
        self.window.push_back(self.held);
        self.sum / self.look_ahead as i64
    }
}

/// The factor of `centibels` / 100 decibels.
pub(crate) fn decibels(centibels: i32) -> f64 {
    libm::pow(10.0, f64::from(centibels) / 2_000.0)
}

/// Weights of `2 * HALF` samples for the values at 0, 1/4, 2/4 and 3/4 of the
/// way between the two in the middle: a sinc under a Hann window.
fn kernel() -> [[f64; BETWEEN + 1]; 2 * HALF] {
    let steps = (BETWEEN + 1) as f64;
    std::array::from_fn(|tap| {
        std::array::from_fn(|phase| {
            // Distance from the interpolated place, in samples.
            let x = tap as f64 - (HALF - 1) as f64 - phase as f64 / steps;
            if x == 0.0 {
                return 1.0;
            }
            let angle = std::f64::consts::PI * x;
            let window = libm::cos(angle / (2.0 * HALF as f64));
            libm::sin(angle) / angle * window * window
        })
    })
}

/// By how much a peak can be above the samples around it.
fn most_gain(kernel: &[[f64; BETWEEN + 1]; 2 * HALF]) -> f64 {
    let gain = |phase: usize| kernel.iter().map(|weights| weights[phase].abs()).sum::<f64>();
    (0..=BETWEEN).map(gain).fold(1.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    fn limited(samples: &[f64], ceiling: i32) -> Vec<f32> {
        let mut limiter = Limiter::new(1, RATE, ceiling);
        let mut out = Vec::new();
        samples.chunks(100).for_each(|part| limiter.limit(part, &mut out));
        limiter.finish(&mut out);
        out
    }

    fn sine(frequency: f64, phase: f64, level: f64, samples: usize) -> Vec<f64> {
        let step = std::f64::consts::TAU * frequency / f64::from(RATE);
        (0..samples).map(|i| level * (step * i as f64 + phase).sin()).collect()
    }

    #[test]
    fn what_is_quiet_passes_unchanged() {
        let samples = sine(997.0, 0.3, 0.8, 5_000);
        let out = limited(&samples, -100);
        assert_eq!(out, samples.iter().map(|s| *s as f32).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(limited(&[], -100).is_empty());
        assert_eq!(limited(&[0.5], -100), [0.5]);
    }

    /// A quarter of the sample rate, sampled at 45 degrees: the samples are
    /// 0.707 of the peak, the case that BS.1770 gives for true peaks.
    #[test]
    fn peaks_between_samples_are_found() {
        let samples = sine(12_000.0, std::f64::consts::FRAC_PI_4, 1.0, 4_800);
        let highest = limited(&samples, -300)[1_000..3_000].iter().fold(0.0f32, |m, s| m.max(s.abs()));
        // -3 dBTP is a peak of 0.708, so samples of 0.5.
        assert!((0.48..=0.5013).contains(&highest), "{highest}");
    }

    #[test]
    fn the_gain_is_down_before_the_peak_and_comes_back() {
        let mut samples = vec![0.1; 40_000];
        samples[10_000] = 4.0;
        let out = limited(&samples, -100);
        assert!(out.iter().all(|s| *s <= 0.892), "-1 dB is 0.891");
        assert!((out[9_000] - 0.1).abs() < 1e-6 && (out[39_999] - 0.1).abs() < 1e-3);
        // No steps: from one sample to the next the gain changes by little.
        let steps = out.windows(2).enumerate().filter(|(i, _)| !(9_999..=10_000).contains(i));
        assert!(steps.map(|(_, w)| (w[1] - w[0]).abs()).fold(0.0, f32::max) < 0.001);
    }
}
