//! Trees, bushes and grass, lit from the upper right.

use tiny_skia::Pixmap;

use crate::art::{Colour, Sheet, shade};
use crate::noise::Rng;

/// Pixels that the tallest plants are drawn with, at 720 rows.
const TALL: f32 = 560.0;

/// Leaves as blobs that are lighter towards the sun: `place` says where a blob
/// may lie, as offsets in -1..1 from the middle of the crown.
fn crown(sheet: &mut Sheet, rng: &mut Rng, middle: (f32, f32), radius: (f32, f32), blobs: u32, colour: Colour) {
    for i in 0..blobs {
        let depth = i as f32 / blobs as f32;
        // Evenly over the disc, the later the nearer to the viewer.
        let angle = rng.range(0.0, std::f64::consts::TAU);
        let reach = rng.unit().sqrt() as f32 * (1.0 - 0.12 * depth);
        let (dx, dy) = (libm::cos(angle) as f32 * reach, libm::sin(angle) as f32 * reach);
        let size = radius.0 * rng.range(0.035, 0.10) as f32 * (1.5 - 0.8 * depth);
        let sun = 0.60 + 0.36 * (dx * 0.55 + dy * 0.75) + 0.26 * depth + rng.range(-0.16, 0.16) as f32;
        let tone = shade(colour, sun);
        let tone = [tone[0], tone[1], (f32::from(tone[2]) * (1.1 - 0.25 * depth)) as u8];
        let at = (middle.0 + dx * radius.0, middle.1 + dy * radius.1);
        sheet.ellipse(at.0, at.1, (size * 1.15, size), tone, 1.0);
    }
}

/// A tree with a round crown, `wide` times as wide as it is high.
pub(crate) fn broadleaf(detail: f32, seed: u64, colour: Colour, wide: f32) -> Option<Pixmap> {
    let mut rng = Rng(seed);
    let mut sheet = Sheet::new(wide + 0.06, 1.0, TALL * detail)?;
    let middle = (wide + 0.06) * 0.5;
    let bark = [84, 70, 54];
    let stem = 0.026;
    sheet.polygon(
        &[
            (middle - stem * 1.3, 0.0),
            (middle + stem * 1.3, 0.0),
            (middle + stem * 0.6, 0.5),
            (middle - stem * 0.6, 0.5),
        ],
        bark,
    );
    sheet.polygon(
        &[(middle, 0.0), (middle + stem * 1.3, 0.0), (middle + stem * 0.6, 0.5), (middle, 0.5)],
        shade(bark, 1.25),
    );
    for side in [-1.0, 1.0] {
        sheet.line(&[(middle, 0.26), (middle + side * wide * 0.24, 0.46)], stem, bark);
    }
    // Lumps of leaves, the hindmost darkest: they make the outline.
    for lump in 0..11 {
        let depth = lump as f32 / 10.0;
        let angle = lump as f32 * 2.4;
        let reach = 0.62 - 0.30 * depth + rng.range(-0.08, 0.08) as f32;
        let at = (middle + libm::cosf(angle) * reach * wide * 0.42, 0.62 + libm::sinf(angle) * reach * 0.36);
        let size = rng.range(0.19, 0.27) as f32;
        let lit = 0.80 + 0.16 * depth + 0.10 * libm::sinf(angle);
        crown(&mut sheet, &mut rng, at, (wide * size, size * 0.86), 300, shade(colour, lit));
    }
    Some(sheet.pixmap)
}

pub(crate) fn poplar(detail: f32, seed: u64) -> Option<Pixmap> {
    let mut rng = Rng(seed);
    let mut sheet = Sheet::new(0.26, 1.0, TALL * detail)?;
    sheet.rect(0.118, 0.0, 0.024, 0.3, [92, 80, 62]);
    for (y, wide) in [(0.26, 0.075), (0.42, 0.098), (0.58, 0.094), (0.74, 0.072), (0.87, 0.044)] {
        crown(&mut sheet, &mut rng, (0.13, y), (wide, 0.12), 420, [78, 112, 48]);
    }
    Some(sheet.pixmap)
}

/// Boughs in tiers that hang down to both sides.
pub(crate) fn conifer(detail: f32, seed: u64, colour: Colour, wide: f32) -> Option<Pixmap> {
    let mut rng = Rng(seed);
    let mut sheet = Sheet::new(wide, 1.0, TALL * detail)?;
    let middle = wide * 0.5;
    sheet.rect(middle - 0.016, 0.0, 0.032, 0.3, [74, 60, 48]);
    let tiers = 48;
    for tier in 0..tiers {
        let up = tier as f32 / tiers as f32;
        let y = 0.10 + 0.88 * up;
        let reach = wide * 0.48 * libm::powf(1.0 - up, 0.85) + 0.006;
        for _ in 0..30 {
            let side = rng.range(-1.0, 1.0) as f32;
            let tip = reach * side * rng.range(0.75, 1.05) as f32;
            let droop = 0.05 * (1.0 - up) * side.abs() + 0.012;
            let light = 0.78 + 0.36 * side * 0.6 + 0.25 * up + rng.range(-0.16, 0.2) as f32;
            let thick = 0.006 + 0.008 * (1.0 - up);
            let tone = shade(colour, light);
            sheet.polygon(
                &[
                    (middle, y + 0.022),
                    (middle + tip, y - droop),
                    (middle + tip * 0.7, y - droop - thick),
                    (middle, y - thick),
                ],
                tone,
            );
        }
    }
    Some(sheet.pixmap)
}

pub(crate) fn bush(detail: f32, seed: u64) -> Option<Pixmap> {
    let mut rng = Rng(seed);
    let mut sheet = Sheet::new(1.5, 1.0, 230.0 * detail)?;
    crown(&mut sheet, &mut rng, (0.5, 0.38), (0.42, 0.38), 330, [70, 96, 42]);
    crown(&mut sheet, &mut rng, (0.98, 0.36), (0.44, 0.36), 330, [80, 108, 46]);
    crown(&mut sheet, &mut rng, (0.75, 0.52), (0.46, 0.42), 400, [88, 118, 50]);
    Some(sheet.pixmap)
}

pub(crate) fn grass(detail: f32, seed: u64) -> Option<Pixmap> {
    let mut rng = Rng(seed);
    let mut sheet = Sheet::new(1.6, 1.0, 170.0 * detail)?;
    for i in 0..110 {
        let x = rng.range(0.15, 1.45) as f32;
        let lean = rng.range(-0.25, 0.25) as f32;
        let tall = rng.range(0.35, 0.98) as f32 * (1.0 - (x - 0.8).abs() * 0.6);
        let tone = shade([124, 140, 62], 0.6 + 0.5 * i as f32 / 110.0 + rng.range(-0.1, 0.1) as f32);
        sheet.polygon(&[(x - 0.016, 0.0), (x + 0.016, 0.0), (x + lean * tall, tall)], tone);
    }
    Some(sheet.pixmap)
}
