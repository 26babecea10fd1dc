//! Light: from levels of one kind to those of another, by way of light on a
//! display. Numbers are those of the recommendations.
//!
//! - PQ and HLG (ITU-R BT.2100-2, tables 4 and 5; HLG with the OOTF of a display
//!   of 1,000 cd/m2) become light on a display, SDR that of a display of gamma
//!   2.4 (BT.1886 with black at 0) on which white is 203 cd/m2, the reference
//!   white of BT.2408;
//! - where SDR is to be made of HDR, light up to 1,000 cd/m2 is brought to at
//!   most 203 cd/m2 by the EETF of BT.2390-8, 5.4.1, on the greatest of red,
//!   green and blue, so that a colour keeps its hue; where HLG is to be made of
//!   PQ, what is brighter than 1,000 cd/m2 becomes that, in the same way;
//! - BT.709, BT.2020 and P3 become each other by their chromaticities, as BT.2087
//!   does for BT.2020; what lies outside is moved towards the grey of its
//!   luminance;
//! - light becomes levels by the same formulas, turned round.

use autocut::model::Colour;
use autocut::model::footage::{Primaries, Transfer};

/// The reference white of BT.2408 and the brightest light that SDR and HLG tell
/// apart, in cd/m2.
pub(super) const WHITE: f64 = 203.0;
pub(super) const PEAK: f64 = 1_000.0;
/// The brightest that PQ has levels for.
const PQ_PEAK: f64 = 10_000.0;
/// Of BT.1886.
const GAMMA: f64 = 2.4;

/// Levels from 0 to 1 of one kind to those of another.
pub(super) struct Light {
    from: Transfer,
    to: Transfer,
    /// Red, green and blue of one kind out of those of another.
    pub(super) matrix: [[f64; 3]; 3],
    /// How much red, green and blue add to the luminance of the result.
    luminance: [f64; 3],
}

impl Light {
    pub(super) fn new(from: &Colour, to: &Colour) -> Light {
        let (source, target) = (xyz(from.primaries()), xyz(to.primaries()));
        let matrix = product(&inverse(&target), &source);
        Light { from: from.transfer(), to: to.transfer(), matrix, luminance: target[1] }
    }

    pub(super) fn change(&self, levels: [f64; 3]) -> [f64; 3] {
        // In shares of white.
        let light = match self.from {
            Transfer::Sdr => levels.map(|level| odd(level, |level| libm::pow(level, GAMMA))),
            Transfer::Pq => self.limited(levels.map(|level| odd(level, pq_to_light))),
            Transfer::Hlg => self.limited(hlg_to_light(levels)),
        };
        let most = match self.to {
            Transfer::Sdr => 1.0,
            Transfer::Pq => PQ_PEAK / WHITE,
            Transfer::Hlg => PEAK / WHITE,
        };
        let light = into_gamut(apply(&self.matrix, light), &self.luminance, most);
        match self.to {
            Transfer::Sdr => light.map(|light| libm::pow(light, 1.0 / GAMMA)),
            Transfer::Pq => light.map(|light| light_to_pq(light * WHITE)),
            Transfer::Hlg => light_to_hlg(light.map(|light| light * WHITE)),
        }
    }

    /// Light in cd/m2 to shares of white, nothing brighter than can be shown.
    fn limited(&self, light: [f64; 3]) -> [f64; 3] {
        let greatest = light[0].max(light[1]).max(light[2]);
        let limited = match self.to {
            Transfer::Sdr => eetf(greatest),
            Transfer::Pq => greatest,
            Transfer::Hlg => greatest.min(PEAK),
        };
        let factor = if greatest > 0.0 { limited / greatest } else { 1.0 };
        light.map(|light| light * factor / WHITE)
    }
}

/// A function of what is positive, for what is negative too: entries of the
/// table lie outside of the colours that exist.
fn odd(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    if x < 0.0 { -f(-x) } else { f(x) }
}

// BT.2100-2, table 4.
const M1: f64 = 2_610.0 / 16_384.0;
const M2: f64 = 2_523.0 / 4_096.0 * 128.0;
const C1: f64 = 3_424.0 / 4_096.0;
const C2: f64 = 2_413.0 / 4_096.0 * 32.0;
const C3: f64 = 2_392.0 / 4_096.0 * 32.0;

/// A level of PQ to cd/m2.
pub(super) fn pq_to_light(level: f64) -> f64 {
    let power = libm::pow(level.min(1.0), 1.0 / M2);
    PQ_PEAK * libm::pow((power - C1).max(0.0) / (C2 - C3 * power), 1.0 / M1)
}

/// Back again.
pub(super) fn light_to_pq(light: f64) -> f64 {
    let power = libm::pow(light / PQ_PEAK, M1);
    libm::pow((C1 + C2 * power) / (1.0 + C3 * power), M2)
}

// BT.2100-2, table 5.
const A: f64 = 0.178_832_77;
const B: f64 = 1.0 - 4.0 * A;
/// 0.5 - A ln(4 A)
const C: f64 = 0.559_910_729_529_562;
const SYSTEM_GAMMA: f64 = 1.2;
/// How much red, green and blue of BT.2020 add to luminance, as printed there.
const LUMINANCE: [f64; 3] = [0.2627, 1.0 - 0.2627 - 0.0593, 0.0593];

/// Levels of HLG to cd/m2 on a display of [`PEAK`].
pub(super) fn hlg_to_light(levels: [f64; 3]) -> [f64; 3] {
    let scene = levels.map(|level| {
        odd(level, |level| if level <= 0.5 { level * level / 3.0 } else { (libm::exp((level - C) / A) + B) / 12.0 })
    });
    let [kr, kg, kb] = LUMINANCE;
    let luminance = (kr * scene[0] + kg * scene[1] + kb * scene[2]).max(0.0);
    scene.map(|scene| PEAK * libm::pow(luminance, SYSTEM_GAMMA - 1.0) * scene)
}

/// Back again. A colour that is less bright than white is can need more than the
/// greatest level of one of its parts: then all are lowered, which keeps its hue.
pub(super) fn light_to_hlg(light: [f64; 3]) -> [f64; 3] {
    let [kr, kg, kb] = LUMINANCE;
    let luminance = (kr * light[0] + kg * light[1] + kb * light[2]) / PEAK;
    if luminance <= 0.0 {
        return [0.0; 3];
    }
    let factor = libm::pow(luminance, (1.0 - SYSTEM_GAMMA) / SYSTEM_GAMMA) / PEAK;
    let scene = light.map(|light| light * factor);
    let over = scene[0].max(scene[1]).max(scene[2]).max(1.0);
    scene.map(|scene| {
        let scene = scene / over;
        if scene <= 1.0 / 12.0 { libm::sqrt(3.0 * scene) } else { A * libm::log(12.0 * scene - B) + C }
    })
}

/// BT.2390-8, 5.4.1, from black 0 and [`PEAK`] to black 0 and [`WHITE`].
pub(super) fn eetf(light: f64) -> f64 {
    let peak = light_to_pq(PEAK);
    let most = light_to_pq(WHITE) / peak;
    let knee = 1.5 * most - 0.5;
    let level = (light_to_pq(light) / peak).min(1.0);
    if level < knee {
        return light;
    }
    let t = (level - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let bent = (2.0 * t3 - 3.0 * t2 + 1.0) * knee + (t3 - 2.0 * t2 + t) * (1.0 - knee) + (-2.0 * t3 + 3.0 * t2) * most;
    pq_to_light(bent * peak)
}

/// What is less than 0 or more than `most` is moved straight towards the grey of
/// the same luminance.
fn into_gamut(light: [f64; 3], luminance: &[f64; 3], most: f64) -> [f64; 3] {
    let grey: f64 = light.iter().zip(luminance).map(|(light, share)| light * share).sum();
    let grey = grey.clamp(0.0, most);
    let keep = light.iter().fold(1.0_f64, |keep, light| {
        let away = light - grey;
        let room = if away > 0.0 { most - grey } else { grey };
        if away.abs() > room { keep.min(room / away.abs()) } else { keep }
    });
    light.map(|light| (grey + (light - grey) * keep).clamp(0.0, most))
}

/// Red, green and blue to CIE XYZ, by their chromaticities and white D65
/// (SMPTE RP 177).
fn xyz(primaries: Primaries) -> [[f64; 3]; 3] {
    let corners = match primaries {
        Primaries::Bt709 => [(0.640, 0.330), (0.300, 0.600), (0.150, 0.060)],
        Primaries::Bt2020 => [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)],
        Primaries::P3 => [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)],
    };
    let of = |(x, y): (f64, f64)| [x / y, 1.0, (1.0 - x - y) / y];
    let [red, green, blue] = corners.map(of);
    let columns = [0, 1, 2].map(|row| [red[row], green[row], blue[row]]);
    let amounts = apply(&inverse(&columns), of((0.3127, 0.3290)));
    columns.map(|row| [row[0] * amounts[0], row[1] * amounts[1], row[2] * amounts[2]])
}

fn apply(matrix: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let column = |i: usize| apply(a, [b[0][i], b[1][i], b[2][i]]);
    let columns = [column(0), column(1), column(2)];
    [0, 1, 2].map(|row| [columns[0][row], columns[1][row], columns[2][row]])
}

/// By cofactors.
fn inverse(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor = |row: usize, column: usize| {
        let (r, s) = ((row + 1) % 3, (row + 2) % 3);
        let (c, d) = ((column + 1) % 3, (column + 2) % 3);
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    let determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| minor(column, row) / determinant))
}
