//! What people have put beside the road. Units are metres.

use tiny_skia::Pixmap;

use crate::art::{Colour, Sheet, shade};
use crate::noise::Rng;

/// A delineator post: white, a slanted black band, a reflector.
pub(crate) fn post(detail: f32) -> Option<Pixmap> {
    let mut sheet = Sheet::new(0.24, 1.05, 260.0 * detail)?;
    sheet.polygon(&[(0.06, 0.0), (0.18, 0.0), (0.18, 0.97), (0.06, 1.03)], [228, 228, 224]);
    sheet.polygon(&[(0.14, 0.0), (0.18, 0.0), (0.18, 0.97), (0.14, 0.99)], [196, 196, 194]);
    sheet.polygon(&[(0.06, 0.70), (0.18, 0.64), (0.18, 0.86), (0.06, 0.92)], [30, 30, 32]);
    sheet.rect(0.095, 0.72, 0.05, 0.12, [236, 150, 60]);
    Some(sheet.pixmap)
}

fn signpost(width: f32, height: f32, detail: f32) -> Option<Sheet> {
    let mut sheet = Sheet::new(width, height, 110.0 * detail)?;
    sheet.rect(width * 0.5 - 0.035, 0.0, 0.07, height - 0.2, [150, 152, 154]);
    Some(sheet)
}

/// Round, red and white.
pub(crate) fn limit_sign(detail: f32) -> Option<Pixmap> {
    let mut sheet = signpost(0.8, 2.6, detail)?;
    sheet.ellipse(0.4, 2.2, (0.37, 0.37), [190, 30, 36], 1.0);
    sheet.ellipse(0.4, 2.2, (0.28, 0.28), [238, 238, 234], 1.0);
    for line in [[(0.26, 2.32), (0.26, 2.08)], [(0.32, 2.32), (0.40, 2.08)]] {
        sheet.line(&line, 0.045, [24, 24, 26]);
    }
    sheet.ellipse(0.50, 2.2, (0.07, 0.12), [24, 24, 26], 1.0);
    sheet.ellipse(0.50, 2.2, (0.03, 0.08), [238, 238, 234], 1.0);
    Some(sheet.pixmap)
}

/// Yellow, as at the entry of a village.
pub(crate) fn village_sign(detail: f32) -> Option<Pixmap> {
    let mut sheet = signpost(1.6, 2.6, detail)?;
    sheet.rect(0.05, 1.75, 1.5, 0.8, [24, 24, 24]);
    sheet.rect(0.08, 1.78, 1.44, 0.74, [244, 200, 40]);
    for (y, wide) in [(2.26, 1.0), (2.0, 0.62)] {
        sheet.rect(0.8 - wide * 0.5, y, wide, 0.12, [40, 38, 30]);
    }
    Some(sheet.pixmap)
}

/// Red and white chevrons.
pub(crate) fn bend_sign(detail: f32) -> Option<Pixmap> {
    let mut sheet = signpost(1.2, 2.5, detail)?;
    sheet.rect(0.05, 1.5, 1.1, 0.85, [238, 238, 234]);
    for x in [0.10, 0.60] {
        let points = [(x, 1.5), (x + 0.24, 1.5), (x + 0.5, 1.925), (x + 0.24, 2.35), (x, 2.35), (x + 0.26, 1.925)];
        sheet.polygon(&points, [196, 34, 40]);
    }
    Some(sheet.pixmap)
}

pub(crate) fn lamp(detail: f32) -> Option<Pixmap> {
    let mut sheet = Sheet::new(1.2, 5.6, 80.0 * detail)?;
    sheet.rect(0.2, 0.0, 0.09, 5.2, [92, 98, 102]);
    sheet.line(&[(0.245, 5.2), (0.9, 5.45)], 0.08, [92, 98, 102]);
    sheet.polygon(&[(0.7, 5.38), (1.15, 5.46), (1.12, 5.34), (0.75, 5.28)], [214, 214, 206]);
    Some(sheet.pixmap)
}

pub(crate) fn pole(detail: f32) -> Option<Pixmap> {
    let mut sheet = Sheet::new(2.0, 8.5, 62.0 * detail)?;
    sheet.rect(0.92, 0.0, 0.17, 8.4, [104, 88, 70]);
    sheet.rect(1.02, 0.0, 0.07, 8.4, [132, 112, 90]);
    sheet.rect(0.15, 7.7, 1.7, 0.14, [96, 82, 66]);
    for x in [0.25, 1.0, 1.75] {
        sheet.rect(x - 0.05, 7.84, 0.1, 0.2, [190, 198, 196]);
    }
    Some(sheet.pixmap)
}

/// Eight metres of a wooden fence.
pub(crate) fn fence(detail: f32) -> Option<Pixmap> {
    let mut rng = Rng(31);
    let mut sheet = Sheet::new(8.0, 1.15, 74.0 * detail)?;
    let wood = [142, 120, 92];
    for y in [0.36, 0.80] {
        for x in [0.0, 2.0, 4.0, 6.0] {
            let tilt = rng.range(-0.03, 0.03) as f32;
            sheet.polygon(&[(x, y), (x + 2.0, y + tilt), (x + 2.0, y + 0.13 + tilt), (x, y + 0.13)], shade(wood, 1.08));
            sheet.polygon(&[(x, y), (x + 2.0, y + tilt), (x + 2.0, y + 0.04 + tilt), (x, y + 0.04)], shade(wood, 0.7));
        }
    }
    for x in [0.5, 2.5, 4.5, 6.5] {
        sheet.rect(x, 0.0, 0.14, 1.1, shade(wood, 0.82));
        sheet.rect(x + 0.08, 0.0, 0.06, 1.1, wood);
    }
    Some(sheet.pixmap)
}

/// Eight metres of a steel guard rail.
pub(crate) fn rail(detail: f32) -> Option<Pixmap> {
    let mut sheet = Sheet::new(8.0, 0.78, 74.0 * detail)?;
    for x in [0.6, 2.6, 4.6, 6.6] {
        sheet.rect(x, 0.0, 0.12, 0.62, [112, 116, 120]);
    }
    for (y, tone) in [(0.44, 0.72), (0.50, 1.0), (0.57, 0.8), (0.63, 1.12), (0.70, 0.86)] {
        sheet.rect(0.0, y, 8.0, 0.075, shade([168, 174, 180], tone));
    }
    Some(sheet.pixmap)
}

pub(crate) fn cow(detail: f32) -> Option<Pixmap> {
    let mut sheet = Sheet::new(2.3, 1.5, 90.0 * detail)?;
    let hide = [120, 84, 58];
    for x in [0.45, 0.62, 1.45, 1.62] {
        sheet.rect(x, 0.0, 0.12, 0.7, shade(hide, 0.75));
    }
    sheet.ellipse(1.05, 0.88, (0.78, 0.40), hide, 1.0);
    sheet.ellipse(1.15, 0.98, (0.60, 0.24), shade(hide, 1.2), 1.0);
    sheet.ellipse(0.78, 0.84, (0.24, 0.2), [226, 218, 204], 1.0);
    sheet.ellipse(1.95, 0.98, (0.26, 0.17), shade(hide, 0.9), 1.0);
    sheet.ellipse(2.1, 0.90, (0.12, 0.1), [214, 190, 172], 1.0);
    sheet.line(&[(0.28, 1.0), (0.2, 0.45)], 0.05, shade(hide, 0.7));
    Some(sheet.pixmap)
}

pub(crate) fn bale(detail: f32) -> Option<Pixmap> {
    let mut sheet = Sheet::new(1.5, 1.4, 90.0 * detail)?;
    sheet.ellipse(0.75, 0.7, (0.72, 0.69), [168, 144, 84], 1.0);
    for ring in 0..6 {
        let radius = 0.62 - 0.1 * ring as f32;
        sheet.ellipse(
            0.78,
            0.72,
            (radius, radius),
            shade([206, 180, 110], if ring % 2 == 0 { 1.05 } else { 0.88 }),
            1.0,
        );
    }
    Some(sheet.pixmap)
}

pub(crate) fn church(detail: f32) -> Option<Pixmap> {
    let mut sheet = Sheet::new(20.0, 34.0, 12.0 * detail)?;
    sheet.rect(6.0, 0.0, 13.0, 9.0, [226, 218, 200]);
    sheet.polygon(&[(5.4, 9.0), (19.6, 9.0), (17.5, 14.0), (6.0, 14.0)], [128, 70, 54]);
    sheet.rect(1.5, 0.0, 6.0, 22.0, [234, 226, 208]);
    sheet.rect(5.4, 0.0, 2.1, 22.0, [208, 198, 178]);
    sheet.polygon(&[(1.0, 22.0), (8.0, 22.0), (4.5, 33.0)], [92, 104, 100]);
    sheet.polygon(&[(4.5, 22.0), (8.0, 22.0), (4.5, 33.0)], [74, 86, 84]);
    sheet.ellipse(4.5, 18.6, (1.2, 1.2), [40, 44, 52], 1.0);
    sheet.ellipse(4.5, 18.6, (1.0, 1.0), [232, 214, 150], 1.0);
    for x in [8.5, 11.5, 14.5] {
        sheet.rect(x, 3.0, 1.1, 3.6, [86, 96, 110]);
        sheet.ellipse(x + 0.55, 6.6, (0.55, 0.7), [86, 96, 110], 1.0);
    }
    Some(sheet.pixmap)
}

/// The wall of a house, 12 by 5.4 m, with windows and shutters.
pub(crate) fn house(detail: f32, plaster: Colour, shutter: Colour, timber: bool) -> Option<Pixmap> {
    let mut sheet = Sheet::new(12.0, 5.4, 44.0 * detail)?;
    sheet.rect(0.0, 0.0, 12.0, 5.4, plaster);
    sheet.rect(0.0, 0.0, 12.0, 0.6, shade(plaster, 0.72));
    sheet.rect(0.0, 4.9, 12.0, 0.5, shade(plaster, 0.6));
    sheet.rect(0.0, 4.5, 12.0, 0.4, shade(plaster, 0.82));
    if timber {
        for x in [0.0, 2.3, 4.7, 7.1, 9.5, 11.8] {
            sheet.rect(x, 0.6, 0.2, 4.3, shutter);
        }
        for y in [0.6, 2.6, 4.5] {
            sheet.rect(0.0, y, 12.0, 0.2, shutter);
        }
        sheet.line(&[(0.2, 0.7), (2.3, 2.6)], 0.16, shutter);
        sheet.line(&[(11.8, 0.7), (9.6, 2.6)], 0.16, shutter);
    }
    for (i, x) in [1.2, 3.5, 5.9, 8.3, 10.6].into_iter().enumerate() {
        for y in [0.95, 3.0] {
            if i == 2 && y < 2.0 {
                sheet.rect(x - 0.65, 0.0, 1.3, 2.3, shade(plaster, 0.9));
                sheet.rect(x - 0.5, 0.0, 1.0, 2.15, shade(shutter, 0.85));
                continue;
            }
            sheet.rect(x - 0.5, y - 0.06, 1.0, 1.36, [236, 234, 228]);
            sheet.rect(x - 0.42, y, 0.84, 1.24, [66, 78, 94]);
            sheet.polygon(
                &[(x - 0.42, y + 1.24), (x + 0.42, y + 1.24), (x - 0.1, y + 0.4), (x - 0.42, y + 0.4)],
                [122, 140, 158],
            );
            sheet.rect(x - 0.03, y, 0.06, 1.24, [236, 234, 228]);
            for side in [-0.88, 0.5] {
                sheet.rect(x + side, y - 0.02, 0.38, 1.28, shutter);
                sheet.rect(x + side + 0.06, y + 0.1, 0.26, 0.46, shade(shutter, 0.8));
                sheet.rect(x + side + 0.06, y + 0.7, 0.26, 0.46, shade(shutter, 0.8));
            }
            if y < 2.0 {
                sheet.rect(x - 0.55, y - 0.22, 1.1, 0.16, [176, 66, 74]);
            }
        }
    }
    Some(sheet.pixmap)
}

/// Four by five metres of a tunnel's lining.
pub(crate) fn tiles(detail: f32) -> Option<Pixmap> {
    let mut rng = Rng(32);
    let mut sheet = Sheet::new(4.0, 5.0, 50.0 * detail)?;
    sheet.rect(0.0, 0.0, 4.0, 5.0, [168, 160, 148]);
    for course in 0..10 {
        for stone in 0..5 {
            let x = stone as f32 - if course % 2 == 0 { 0.5 } else { 0.0 };
            let tone = shade([174, 166, 152], rng.range(0.84, 1.08) as f32);
            sheet.rect(x + 0.02, course as f32 * 0.5 + 0.02, 0.96, 0.46, tone);
        }
    }
    sheet.rect(0.0, 0.0, 4.0, 0.9, [92, 90, 88]);
    sheet.rect(0.0, 0.9, 4.0, 0.08, [214, 196, 90]);
    Some(sheet.pixmap)
}
