//! A bed of music: four chords on a soft pad, plucked notes over them, and a
//! beat that is exactly 120 to the minute from the first sample on.

use crate::noise::{hash, unit};
use crate::wav::{RATE, Stereo};

pub(crate) const BEATS_PER_MINUTE: u32 = 120;
const BARS: usize = 16;
/// Samples in a beat and in a bar of four.
const BEAT: usize = RATE as usize * 60 / BEATS_PER_MINUTE as usize;
const BAR: usize = BEAT * 4;

/// Notes as semitones from A at 110 Hz: A minor, F, C, G.
const CHORDS: [[i32; 4]; 4] = [[0, 3, 7, 12], [-4, 0, 3, 8], [3, 7, 10, 15], [-2, 2, 5, 10]];
const PLUCKED: [usize; 8] = [0, 2, 3, 1, 2, 3, 1, 2];

pub(crate) fn compose() -> Vec<Stereo> {
    let mut sound = vec![[0.0; 2]; BAR * BARS];
    let soft = wave(&[1.0, 0.32, 0.18, 0.07, 0.05, 0.02]);
    let round = wave(&[1.0, 0.22, 0.05]);
    for bar in 0..BARS {
        let chord = CHORDS[bar % 4];
        let at = bar * BAR;
        for (i, note) in chord.into_iter().enumerate() {
            let pan = [0.35, 0.65, 0.45, 0.55][i];
            for detune in [-0.0022, 0.0022] {
                let pitch = hertz(note) * (1.0 + detune);
                add(&mut sound, at, BAR + BEAT, &soft, pitch, [0.034 * (1.0 - pan), 0.034 * pan], |t| {
                    let rise = (t / 0.35).min(1.0);
                    let fall = ((2.5 - t) / 0.5).clamp(0.0, 1.0);
                    rise * fall
                });
            }
        }
        if bar >= 2 {
            for eighth in [0, 3, 6] {
                let start = at + eighth * BEAT / 2;
                add(&mut sound, start, BEAT, &round, hertz(chord[0]) * 0.5, [0.10, 0.10], |t| {
                    libm::expf(-t * 5.0) * (t / 0.006).min(1.0)
                });
            }
        }
        for eighth in 0..8 {
            let note = chord[PLUCKED[(eighth + bar) % 8]] + 12;
            let start = at + eighth * BEAT / 2;
            let side = if eighth % 2 == 0 { [0.040, 0.022] } else { [0.022, 0.040] };
            // Each note is heard again, softer, three eighths later.
            for (echo, loud) in [(0, 1.0), (3, 0.42), (6, 0.18)] {
                let from = start + echo * BEAT / 2;
                let gains = if echo == 3 { [side[1] * loud, side[0] * loud] } else { side.map(|gain| gain * loud) };
                add(&mut sound, from, BEAT, &soft, hertz(note) * 2.0, gains, |t| {
                    libm::expf(-t * 8.0) * (t / 0.003).min(1.0)
                });
            }
        }
        for beat in 0..4 {
            let start = at + beat * BEAT;
            if bar >= 2 || beat == 0 {
                kick(&mut sound, start);
            }
            if bar >= 2 {
                hiss(&mut sound, start + BEAT / 2, 0.045, 46.0);
            }
            if bar >= 4 && beat % 2 == 1 {
                hiss(&mut sound, start, 0.10, 22.0);
            }
        }
    }
    sound
}

fn hertz(semitones: i32) -> f32 {
    110.0 * libm::powf(2.0, semitones as f32 / 12.0)
}

/// One period of a tone with these overtones.
fn wave(overtones: &[f32]) -> Vec<f32> {
    (0..2_048)
        .map(|i| {
            let turn = i as f32 / 2_048.0 * std::f32::consts::TAU;
            overtones.iter().enumerate().map(|(k, gain)| gain * libm::sinf(turn * (k + 1) as f32)).sum()
        })
        .collect()
}

fn add(
    sound: &mut [Stereo],
    at: usize,
    count: usize,
    wave: &[f32],
    hertz: f32,
    gains: Stereo,
    shape: impl Fn(f32) -> f32,
) {
    let step = hertz / RATE as f32 * wave.len() as f32;
    for (i, out) in sound.iter_mut().skip(at).take(count).enumerate() {
        let tone = wave[(i as f32 * step) as usize % wave.len()];
        let level = tone * shape(i as f32 / RATE as f32);
        *out = [out[0] + level * gains[0], out[1] + level * gains[1]];
    }
}

fn kick(sound: &mut [Stereo], at: usize) {
    for (i, out) in sound.iter_mut().skip(at).take(RATE as usize / 4).enumerate() {
        let t = i as f32 / RATE as f32;
        // The pitch falls from 140 to 46 Hz.
        let turns = 46.0 * t + 94.0 * 0.03 * (1.0 - libm::expf(-t / 0.03));
        let level = 0.34 * libm::sinf(turns * std::f32::consts::TAU) * libm::expf(-t * 13.0);
        *out = [out[0] + level, out[1] + level];
    }
}

fn hiss(sound: &mut [Stereo], at: usize, gain: f32, decay: f32) {
    let mut last = 0.0;
    for (i, out) in sound.iter_mut().skip(at).take(RATE as usize / 5).enumerate() {
        let noise = unit(hash(i as i32, 3, 700)) * 2.0 - 1.0;
        let bright = noise - last;
        last = noise;
        let level = bright * gain * libm::expf(-(i as f32) / RATE as f32 * decay);
        *out = [out[0] + level, out[1] + level];
    }
}
