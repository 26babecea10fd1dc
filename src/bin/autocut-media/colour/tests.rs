//! Against values that were worked out from the recommendations by another
//! program, with their own printed constants and matrices.

use autocut::model::{Colour, Matrix};

use super::levels::{from_rgb, to_rgb};
use super::light::{Light, PEAK, WHITE, eetf, hlg_to_light, light_to_hlg, light_to_pq, pq_to_light};
use super::{Change, TABLE_BITS};
use crate::planes::{Source, Target};

fn colour(matrix: Matrix, full_range: bool, primaries: u8, transfer: u8) -> Colour {
    Colour { matrix, full_range, primaries, transfer }
}

const SDR: Colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };

fn wide(transfer: u8) -> Colour {
    colour(Matrix::Bt2020, false, 9, transfer)
}

/// What a picture all of one colour becomes; odd sizes, so that edges are seen.
fn changed(change: &Change, levels: [u16; 3], bits: u32) -> [u8; 3] {
    changed_as(change, levels, bits, 1).map(|level| level as u8)
}

/// In samples of so many bytes.
fn changed_as(change: &Change, levels: [u16; 3], bits: u32, to_bytes: usize) -> [u16; 3] {
    let bytes = if bits > 8 { 2 } else { 1 };
    let (width, height) = (7usize, 5usize);
    let plane = |level: u16, width: usize, height: usize| -> Vec<u8> {
        let pixels = std::iter::repeat_n(level, width * height);
        if bytes == 2 { pixels.flat_map(u16::to_ne_bytes).collect() } else { pixels.map(|level| level as u8).collect() }
    };
    let sizes = [(width, height), (4, 3), (4, 3)];
    let from: Vec<Vec<u8>> = levels.iter().zip(sizes).map(|(level, (w, h))| plane(*level, w, h)).collect();
    let source = |i: usize| {
        let (w, h) = sizes[i];
        Source { data: &from[i], stride: w * bytes, width: w * bytes, height: h }
    };
    let mut to = sizes.map(|(w, h)| vec![0; w * h * to_bytes]);
    let [y, cb, cr] = &mut to;
    let strides = [7, 4, 4].map(|width| width * to_bytes);
    let targets = [(y, strides[0]), (cb, strides[1]), (cr, strides[2])];
    let targets = targets.map(|(data, stride)| Target { data, stride });
    change.run([source(0), source(1), source(2)], bytes, targets, false);
    to.map(|plane| {
        let plane = crate::planes::levels(&plane, to_bytes);
        assert!(plane.iter().all(|level| *level == plane[0]), "{levels:?}: {plane:?}");
        plane[0]
    })
}

fn off(found: [u8; 3], expected: [u8; 3]) -> u8 {
    found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)
}

/// Y, Cb and Cr of BT.2020 in 10 bits and of BT.709 in 8, both limited.
const PQ: &[([u16; 3], [u8; 3])] = &[
    ([64, 512, 512], [16, 128, 128]),
    ([283, 512, 512], [63, 128, 128]),
    ([502, 512, 512], [174, 128, 128]),
    ([572, 512, 512], [214, 128, 128]),
    ([721, 512, 512], [235, 128, 128]),
    ([940, 512, 512], [235, 128, 128]),
    ([435, 477, 559], [126, 109, 176]),
    ([416, 464, 450], [113, 116, 65]),
    ([413, 608, 482], [94, 196, 77]),
    ([419, 462, 691], [121, 121, 202]),
    ([477, 383, 347], [166, 110, 31]),
    ([574, 378, 523], [207, 23, 140]),
];
const HLG: &[([u16; 3], [u8; 3])] = &[
    ([64, 512, 512], [16, 128, 128]),
    ([283, 512, 512], [77, 128, 128]),
    ([502, 512, 512], [139, 128, 128]),
    ([572, 512, 512], [162, 128, 128]),
    ([721, 512, 512], [214, 128, 128]),
    ([852, 512, 512], [233, 128, 128]),
    ([940, 512, 512], [235, 128, 128]),
    ([435, 477, 559], [119, 119, 146]),
    ([416, 464, 450], [111, 116, 95]),
    ([413, 608, 482], [113, 155, 113]),
    ([419, 462, 691], [99, 124, 211]),
    ([477, 383, 347], [127, 115, 56]),
    ([574, 378, 523], [163, 84, 134]),
];
const WIDE: &[([u16; 3], [u8; 3])] = &[
    ([64, 512, 512], [16, 128, 128]),
    ([283, 512, 512], [71, 128, 128]),
    ([721, 512, 512], [180, 128, 128]),
    ([940, 512, 512], [235, 128, 128]),
    ([435, 477, 559], [108, 119, 147]),
    ([416, 464, 450], [97, 117, 86]),
    ([413, 608, 482], [102, 155, 112]),
    ([419, 462, 691], [82, 126, 205]),
    ([574, 378, 523], [142, 85, 133]),
];

#[test]
fn hdr_and_wide_colours_become_what_the_recommendations_say() {
    for (transfer, rows) in [(16, PQ), (18, HLG), (14, WIDE)] {
        let change = Change::new(&wide(transfer), &SDR, TABLE_BITS, 8);
        for (from, expected) in rows {
            let found = changed(&change, *from, TABLE_BITS);
            // Roundings, and what lies between entries; there, near the edge of
            // BT.709, the formulas bend.
            let is_at_edge = to_rgb(expected.map(f64::from), &SDR, 8).iter().any(|level| *level < 0.1);
            let most = if is_at_edge { 6 } else { 2 };
            assert!(off(found, *expected) <= most, "{transfer}: {from:?} is {found:?} and not {expected:?}");
        }
    }
}

/// Y, Cb and Cr of BT.709 and of BT.2020, both in 10 bits and limited: what SDR is
/// in PQ and in HLG, HLG in PQ, PQ in HLG.
const SDR_TO_PQ: &[([u16; 3], [u16; 3])] = &[
    ([64, 512, 512], [64, 512, 512]),
    ([283, 512, 512], [305, 512, 512]),
    ([502, 512, 512], [428, 512, 512]),
    ([721, 512, 512], [511, 512, 512]),
    ([940, 512, 512], [573, 512, 512]),
    ([435, 477, 559], [397, 495, 526]),
    ([416, 464, 450], [388, 489, 495]),
    ([413, 608, 482], [385, 551, 505]),
    ([419, 462, 691], [396, 484, 563]),
    ([477, 383, 347], [425, 454, 480]),
    ([574, 378, 523], [458, 461, 515]),
    ([252, 408, 960], [392, 438, 608]),
    ([692, 168, 104], [529, 424, 474]),
    ([128, 960, 472], [277, 667, 540]),
];
const SDR_TO_HLG: &[([u16; 3], [u16; 3])] = &[
    ([64, 512, 512], [64, 512, 512]),
    ([283, 512, 512], [259, 512, 512]),
    ([502, 512, 512], [454, 512, 512]),
    ([721, 512, 512], [618, 512, 512]),
    ([940, 512, 512], [721, 512, 512]),
    ([435, 477, 559], [396, 479, 541]),
    ([416, 464, 450], [381, 468, 478]),
    ([413, 608, 482], [377, 604, 497]),
    ([419, 462, 691], [398, 456, 627]),
    ([477, 383, 347], [455, 401, 438]),
    ([574, 378, 523], [519, 400, 518]),
    ([252, 408, 960], [392, 395, 715]),
    ([692, 168, 104], [641, 328, 431]),
    ([128, 960, 472], [230, 809, 537]),
];
const HLG_TO_PQ: &[([u16; 3], [u16; 3])] = &[
    ([64, 512, 512], [64, 512, 512]),
    ([283, 512, 512], [324, 512, 512]),
    ([502, 512, 512], [451, 512, 512]),
    ([572, 512, 512], [485, 512, 512]),
    ([721, 512, 512], [573, 512, 512]),
    ([852, 512, 512], [661, 512, 512]),
    ([940, 512, 512], [723, 512, 512]),
    ([435, 477, 559], [418, 496, 532]),
    ([416, 464, 450], [407, 489, 482]),
    ([413, 608, 482], [406, 552, 498]),
    ([419, 462, 691], [410, 489, 593]),
    ([477, 383, 347], [432, 448, 429]),
    ([574, 378, 523], [487, 452, 517]),
];
const PQ_TO_HLG: &[([u16; 3], [u16; 3])] = &[
    ([64, 512, 512], [64, 512, 512]),
    ([283, 512, 512], [233, 512, 512]),
    ([502, 512, 512], [603, 512, 512]),
    ([572, 512, 512], [720, 512, 512]),
    ([650, 512, 512], [837, 512, 512]),
    ([721, 512, 512], [938, 512, 512]),
    ([435, 477, 559], [466, 438, 622]),
    ([416, 464, 450], [443, 414, 386]),
    ([413, 608, 482], [419, 717, 451]),
    ([419, 462, 691], [417, 416, 855]),
    ([477, 383, 347], [563, 288, 226]),
    ([574, 378, 523], [718, 250, 533]),
];

#[test]
fn what_becomes_hdr_is_what_the_recommendations_say() {
    for (from, to, rows) in [
        (SDR, Colour::HDR10, SDR_TO_PQ),
        (SDR, Colour::HLG, SDR_TO_HLG),
        (Colour::HLG, Colour::HDR10, HLG_TO_PQ),
        (Colour::HDR10, Colour::HLG, PQ_TO_HLG),
    ] {
        let change = Change::new(&from, &to, TABLE_BITS, 10);
        for (levels, expected) in rows {
            let found = changed_as(&change, *levels, TABLE_BITS, 2);
            let off = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            // A colour at the edge of what there is lies between entries outside of it.
            let rgb = to_rgb(levels.map(f64::from), &from, TABLE_BITS);
            let most = if rgb.iter().any(|level| *level < 0.12) { 12 } else { 3 };
            assert!(off <= most, "{from:?} to {to:?}: {levels:?} is {found:?} and not {expected:?}");
        }
    }
}

/// There and back again, where both have levels for it.
#[test]
fn hlg_and_pq_are_each_other_turned_round() {
    for light in [0.01, 1.0, 26.0, 203.0, 700.0] {
        for share in [[1.0, 1.0, 1.0], [1.0, 0.6, 0.3], [0.2, 0.5, 0.3]] {
            let light = share.map(|share| share * light);
            let back = hlg_to_light(light_to_hlg(light));
            assert!(light.iter().zip(back).all(|(a, b)| (a - b).abs() < a * 1e-6), "{light:?} {back:?}");
        }
    }
    // More than HLG has levels for: as bright as it can be, of the same hue.
    let red = light_to_hlg([1_000.0, 100.0, 100.0]);
    assert!((red[0] - 1.0).abs() < 1e-6 && (red[1] - red[2]).abs() < 1e-9 && red[1] > 0.1, "{red:?}");
}

/// By the formulas of ITU-T H.273 for MatrixCoefficients 8, written down there
/// for whole numbers: R, G and B are 16 + 219 times what is painted.
#[test]
fn ycgco_is_undone() {
    for full_range in [false, true] {
        let from = colour(Matrix::YCgCo, full_range, 1, 1);
        let change = Change::new(&from, &SDR, TABLE_BITS, 8);
        assert!(matches!(change, Change::Table(..)));
        for rgb in [[0.0; 3], [1.0; 3], [0.5; 3], [0.8, 0.2, 0.1], [0.1, 0.7, 0.2], [0.2, 0.3, 0.9]] {
            let [r, g, b] = rgb.map(|part: f64| if full_range { 1_023.0 * part } else { 64.0 + 876.0 * part });
            let levels = [0.5 * g + 0.25 * (r + b), 512.0 + 0.5 * g - 0.25 * (r + b), 512.0 + 0.5 * (r - b)];
            let found = changed(&change, levels.map(|level| level.round() as u16), TABLE_BITS);
            let expected = from_rgb(rgb, &SDR, 8).map(|level| libm::round(level) as u8);
            assert!(off(found, expected) <= 1, "{full_range}: {rgb:?}: {found:?}, not {expected:?}");
        }
    }
}

/// Anchors that the recommendations print: BT.2408 table 1 (HLG at 75 % and PQ
/// at 58 % are 203 cd/m2), BT.2100 (PQ at 75.2 % is 1,000), BT.2087 (the matrix).
#[test]
fn printed_anchors() {
    assert!((hlg_to_light([0.75; 3])[1] - 203.0).abs() < 1.0);
    assert!((hlg_to_light([1.0; 3])[0] - 1_000.0).abs() < 0.1);
    assert!((pq_to_light(0.58) - 203.0).abs() < 3.0);
    assert!((pq_to_light(0.7518) - 1_000.0).abs() < 1.0);
    assert!((light_to_pq(100.0) - 0.5081).abs() < 0.0001);
    assert!((eetf(PEAK) - WHITE).abs() < 0.001 && (eetf(50.0) - 50.0).abs() < 1e-9);
    let matrix = Light::new(&wide(14), &SDR).matrix;
    let printed = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];
    for (found, printed) in matrix.iter().flatten().zip(printed.iter().flatten()) {
        assert!((found - printed).abs() < 0.0001, "{matrix:?}");
    }
}

/// Brighter is never darker, along greys.
#[test]
fn greys_rise() {
    for transfer in [16, 18, 14] {
        let change = Change::new(&wide(transfer), &SDR, TABLE_BITS, 8);
        let mut last = 0;
        for level in 64..=940 {
            let [y, cb, cr] = changed(&change, [level, 512, 512], TABLE_BITS);
            assert!(y >= last && cb.abs_diff(128) <= 1 && cr.abs_diff(128) <= 1, "{transfer}: {level}: {y} {cb} {cr}");
            last = y;
        }
        // White lies between two entries.
        assert!(last >= 234);
    }
}

/// Between its entries the table is what the formulas give, away from the edge
/// of what BT.709 can show, where colours are moved and the formulas bend.
#[test]
fn tables_are_near_to_their_formulas() {
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 24)
    };
    for transfer in [16, 18, 14] {
        let (from, change) = (wide(transfer), Change::new(&wide(transfer), &SDR, TABLE_BITS, 8));
        let light = Light::new(&from, &SDR);
        let (mut sum, mut most) = (0.0, 0.0_f64);
        let count = 3_000;
        for _ in 0..count {
            // Not far from grey, as nearly all of a picture is.
            let grey = 0.05 + 0.6 * random();
            let rgb = [0; 3].map(|_| grey * (0.85 + 0.3 * random()));
            let levels = from_rgb(rgb, &from, TABLE_BITS).map(|level| libm::round(level) as u16);
            let rgb = light.change(to_rgb(levels.map(f64::from), &from, TABLE_BITS));
            if rgb.iter().any(|level| !(0.2..0.97).contains(level)) {
                continue;
            }
            let exact = from_rgb(rgb, &SDR, 8);
            let found = changed(&change, levels, TABLE_BITS);
            for (found, exact) in found.iter().zip(exact) {
                let error = (f64::from(*found) - exact).abs();
                sum += error / (3.0 * f64::from(count));
                most = most.max(error);
            }
        }
        assert!(sum < 0.3 && most < 6.0, "{transfer}: {sum:.2} on average, {most:.1} at most");
    }
}

/// By the formulas of BT.601 and BT.709, worked out in floats: within rounding.
#[test]
fn range_and_matrix_are_exact() {
    let all = [
        (Matrix::Smpte240, false),
        (Matrix::Bt601, false),
        (Matrix::Bt601, true),
        (Matrix::Bt709, true),
        (Matrix::Bt2020, false),
    ];
    for (matrix, full) in all {
        for bits in [8, 10] {
            let from = colour(matrix, full, 1, 1);
            let change = Change::new(&from, &SDR, bits, 8);
            for rgb in
                [[0.0; 3], [1.0; 3], [0.5; 3], [0.8, 0.2, 0.1], [0.1, 0.7, 0.2], [0.2, 0.3, 0.9], [0.9, 0.8, 0.2]]
            {
                let levels = from_rgb(rgb, &from, bits).map(|level| libm::round(level) as u16);
                let expected = from_rgb(rgb, &SDR, 8).map(|level| libm::round(level) as u8);
                let found = changed(&change, levels, bits);
                assert!(off(found, expected) <= 1, "{matrix:?} {full} {bits}: {rgb:?}: {found:?}, not {expected:?}");
            }
        }
    }
}
