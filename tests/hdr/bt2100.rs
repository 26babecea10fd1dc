//! ITU-R BT.2100-2 (tables 4 and 5), BT.2087 and BT.2408-7, with the constants and
//! the matrix as they are printed.

use super::Levels;

const M1: f64 = 0.1593017578125;
const M2: f64 = 78.84375;
const C1: f64 = 0.8359375;
const C2: f64 = 18.8515625;
const C3: f64 = 18.6875;
const A: f64 = 0.17883277;
const B: f64 = 0.28466892;
const C: f64 = 0.55991073;

pub(crate) const BT709: [f64; 3] = [0.2126, 0.7152, 0.0722];
pub(crate) const BT2020: [f64; 3] = [0.2627, 0.6780, 0.0593];

fn to_rgb(levels: Levels, [kr, kg, kb]: [f64; 3]) -> [f64; 3] {
    let [y, cb, cr] = levels.map(|level| f64::from(level) / 4.0);
    let (y, cb, cr) = ((y - 16.0) / 219.0, (cb - 128.0) / 224.0, (cr - 128.0) / 224.0);
    let (red, blue) = (y + 2.0 * (1.0 - kr) * cr, y + 2.0 * (1.0 - kb) * cb);
    [red, (y - kr * red - kb * blue) / kg, blue].map(|part| part.clamp(0.0, 1.0))
}

fn to_levels([red, green, blue]: [f64; 3], [kr, kg, kb]: [f64; 3]) -> Levels {
    let y = kr * red + kg * green + kb * blue;
    let (cb, cr) = ((blue - y) / (2.0 * (1.0 - kb)), (red - y) / (2.0 * (1.0 - kr)));
    [16.0 + 219.0 * y, 128.0 + 224.0 * cb, 128.0 + 224.0 * cr].map(|level| (level * 4.0).round() as u16)
}

/// Light in cd/m2 on a display of BT.2020.
pub(crate) fn light_of(levels: Levels, transfer: &str) -> [f64; 3] {
    match transfer {
        super::PQ => to_rgb(levels, BT2020).map(|level| {
            let p = level.powf(1.0 / M2);
            10_000.0 * ((p - C1).max(0.0) / (C2 - C3 * p)).powf(1.0 / M1)
        }),
        super::HLG => {
            let scene = to_rgb(levels, BT2020)
                .map(|level| if level <= 0.5 { level * level / 3.0 } else { (((level - C) / A).exp() + B) / 12.0 });
            let luminance: f64 = scene.iter().zip(BT2020).map(|(part, share)| part * share).sum();
            scene.map(|part| 1_000.0 * luminance.powf(0.2) * part)
        }
        _ => {
            let [red, green, blue] = to_rgb(levels, BT709).map(|level| 203.0 * level.powf(2.4));
            [
                0.6274 * red + 0.3293 * green + 0.0433 * blue,
                0.0691 * red + 0.9195 * green + 0.0114 * blue,
                0.0164 * red + 0.0880 * green + 0.8956 * blue,
            ]
        }
    }
}

/// And the levels that it has.
pub(crate) fn levels_of(light: [f64; 3], transfer: &str) -> Levels {
    if transfer == super::PQ {
        let level = |light: f64| {
            let y = (light / 10_000.0).powf(M1);
            ((C1 + C2 * y) / (1.0 + C3 * y)).powf(M2)
        };
        return to_levels(light.map(level), BT2020);
    }
    let luminance: f64 = light.iter().zip(BT2020).map(|(part, share)| part / 1_000.0 * share).sum();
    let level = |light: f64| {
        let scene = luminance.max(1e-12).powf(-0.2 / 1.2) * light / 1_000.0;
        if scene <= 1.0 / 12.0 { (3.0 * scene).sqrt() } else { A * (12.0 * scene - B).ln() + C }
    };
    to_levels(light.map(level), BT2020)
}
