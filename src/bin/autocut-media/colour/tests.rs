//! Against values that were worked out from the recommendations by another
//! program, with their own printed constants and matrices.

use autocut::model::{Colour, Matrix};

use super::levels::{from_rgb, to_rgb};
use super::light::{Light, PEAK, WHITE, eetf, hlg_to_light, light_to_pq, pq_to_light};
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
    let mut to = sizes.map(|(w, h)| vec![0; w * h]);
    let [y, cb, cr] = &mut to;
    let targets = [Target { data: y, stride: 7 }, Target { data: cb, stride: 4 }, Target { data: cr, stride: 4 }];
    change.run([source(0), source(1), source(2)], bytes, targets, false);
    to.map(|plane| {
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
    let all = [(Matrix::Bt601, false), (Matrix::Bt601, true), (Matrix::Bt709, true), (Matrix::Bt2020, false)];
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
