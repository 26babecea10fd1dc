//! What moves on the road: cars, cyclists, and the rider's own bars and hands.
//! Units are metres unless stated.

use tiny_skia::Pixmap;

use crate::art::{Colour, Sheet, shade};
use crate::sprites::PEDAL_PHASES;

const PAINT: [Colour; 3] = [[176, 38, 40], [52, 92, 148], [206, 208, 210]];

/// A car's picture as large as its ends are, and its paint.
fn car(detail: f32, colour: u8) -> Option<(Sheet, Colour)> {
    Some((Sheet::new(2.1, 1.55, 300.0 * detail)?, PAINT[usize::from(colour) % PAINT.len()]))
}

const HULL: [(f32, f32); 6] = [(0.10, 0.30), (2.0, 0.30), (2.02, 0.66), (1.9, 0.92), (0.2, 0.92), (0.08, 0.66)];

/// A car below its windows, from behind or from the front.
pub(crate) fn car_end(detail: f32, colour: u8, front: bool) -> Option<Pixmap> {
    let (mut sheet, body) = car(detail, colour)?;
    sheet.ellipse(1.05, 0.06, (0.95, 0.06), [20, 20, 22], 0.55);
    for x in [0.16, 1.66] {
        sheet.rect(x, 0.02, 0.28, 0.5, [26, 26, 28]);
    }
    sheet.polygon(&HULL, body);
    sheet.polygon(&[(0.16, 0.80), (1.94, 0.80), (1.9, 0.92), (0.2, 0.92)], shade(body, 1.22));
    sheet.rect(0.12, 0.20, 1.86, 0.2, shade(body, 0.55));
    sheet.rect(0.76, 0.42, 0.58, 0.13, [236, 236, 228]);
    if front {
        sheet.rect(0.62, 0.58, 0.86, 0.14, [36, 38, 42]);
        for x in [0.34, 1.76] {
            sheet.ellipse(x, 0.66, (0.2, 0.11), [250, 248, 226], 1.0);
            sheet.ellipse(x, 0.66, (0.09, 0.08), [255, 255, 250], 1.0);
        }
    } else {
        for x in [0.14, 1.66] {
            sheet.rect(x, 0.58, 0.3, 0.2, [150, 20, 26]);
            sheet.rect(x + 0.05, 0.64, 0.2, 0.08, [238, 74, 62]);
        }
    }
    Some(sheet.pixmap)
}

/// A cut through the hull: its upper edge is bonnet, boot and sills.
pub(crate) fn car_hull(detail: f32, colour: u8) -> Option<Pixmap> {
    let (mut sheet, body) = car(detail, colour)?;
    sheet.polygon(&HULL, shade(body, 0.85));
    sheet.polygon(&[(0.16, 0.80), (1.94, 0.80), (1.9, 0.92), (0.2, 0.92)], shade(body, 1.12));
    Some(sheet.pixmap)
}

/// A cut through the cabin: dark glass at the sides under the roof. With
/// `window` also the screen at its end.
pub(crate) fn car_cabin(detail: f32, colour: u8, window: bool) -> Option<Pixmap> {
    let (mut sheet, body) = car(detail, colour)?;
    let outline = [(0.28, 0.9), (1.82, 0.9), (1.58, 1.46), (1.38, 1.52), (0.72, 1.52), (0.52, 1.46)];
    sheet.polygon(&outline, if window { shade(body, 0.9) } else { [40, 48, 58] });
    sheet.polygon(&[(0.50, 1.42), (1.60, 1.42), (1.38, 1.52), (0.72, 1.52)], shade(body, 1.1));
    if window {
        sheet.polygon(&[(0.40, 0.92), (1.70, 0.92), (1.52, 1.41), (0.58, 1.41)], [44, 54, 66]);
        sheet.polygon(&[(0.58, 1.41), (1.02, 1.41), (0.80, 0.92), (0.40, 0.92)], [92, 108, 124]);
        for x in [0.06, 1.9] {
            sheet.rect(x, 0.92, 0.14, 0.12, shade(body, 0.8));
        }
    }
    Some(sheet.pixmap)
}

/// The hull from the side, 4.3 m long, its front to the right.
pub(crate) fn car_side(detail: f32, colour: u8) -> Option<Pixmap> {
    let body = shade(PAINT[usize::from(colour) % PAINT.len()], 0.9);
    let mut sheet = Sheet::new(4.3, 1.55, 190.0 * detail)?;
    let hull = [(0.0, 0.28), (4.3, 0.28), (4.3, 0.78), (4.2, 0.90), (0.1, 0.92), (0.0, 0.80)];
    sheet.polygon(&hull, body);
    sheet.polygon(&[(0.0, 0.80), (4.3, 0.80), (4.2, 0.90), (0.1, 0.92)], shade(body, 1.25));
    sheet.rect(0.0, 0.22, 4.3, 0.14, shade(body, 0.5));
    for x in [1.5, 2.55] {
        sheet.rect(x, 0.36, 0.02, 0.5, shade(body, 0.7));
    }
    sheet.rect(2.1, 0.74, 0.22, 0.05, shade(body, 0.65));
    for x in [0.85, 3.4] {
        sheet.ellipse(x, 0.33, (0.36, 0.33), [22, 22, 24], 1.0);
        sheet.ellipse(x, 0.33, (0.21, 0.21), [164, 168, 172], 1.0);
        sheet.ellipse(x, 0.33, (0.08, 0.08), [60, 62, 66], 1.0);
    }
    Some(sheet.pixmap)
}

/// A road cyclist from behind or from the front, 1.0 by 1.75 m.
pub(crate) fn cyclist(detail: f32, colour: u8, phase: u8, front: bool) -> Option<Pixmap> {
    let jersey: Colour = if colour == 0 { [232, 186, 40] } else { [44, 150, 172] };
    let mut sheet = Sheet::new(1.0, 1.78, 260.0 * detail)?;
    let (skin, black) = ([206, 156, 124], [30, 32, 36]);
    let turn = f32::from(phase) / f32::from(PEDAL_PHASES) * std::f32::consts::TAU;
    sheet.ellipse(0.5, 0.04, (0.3, 0.04), [20, 20, 22], 0.45);
    sheet.ellipse(0.5, 0.35, (0.028, 0.34), black, 1.0);
    sheet.rect(0.485, 0.3, 0.03, 0.75, shade(jersey, 0.6));
    for (side, angle) in [(-1.0f32, turn), (1.0, turn + std::f32::consts::PI)] {
        let foot = 0.29 + 0.165 * libm::cosf(angle);
        let knee = (0.5 + side * 0.135, 0.66 + 0.11 * libm::cosf(angle));
        sheet.line(&[(0.5 + side * 0.085, 0.98), knee], 0.155, black);
        sheet.line(&[knee, (0.5 + side * 0.10, foot + 0.04)], 0.095, skin);
        sheet.line(&[(0.5 + side * 0.10, foot), (0.5 + side * 0.10, foot + 0.09)], 0.10, [236, 236, 232]);
    }
    sheet.ellipse(0.5, 0.98, (0.18, 0.13), black, 1.0);
    for side in [-1.0f32, 1.0] {
        sheet.line(&[(0.5 + side * 0.19, 1.36), (0.5 + side * 0.255, 1.14)], 0.085, jersey);
        sheet.line(&[(0.5 + side * 0.255, 1.14), (0.5 + side * 0.22, 0.98)], 0.07, skin);
    }
    sheet.rect(0.25, 0.955, 0.5, 0.035, black);
    sheet.polygon(&[(0.36, 0.98), (0.64, 0.98), (0.73, 1.40), (0.60, 1.48), (0.40, 1.48), (0.27, 1.40)], jersey);
    sheet.polygon(&[(0.52, 0.98), (0.64, 0.98), (0.73, 1.40), (0.60, 1.48)], shade(jersey, 1.15));
    if front {
        sheet.rect(0.49, 1.0, 0.02, 0.46, shade(jersey, 0.7));
        sheet.ellipse(0.5, 1.56, (0.085, 0.115), skin, 1.0);
        sheet.rect(0.42, 1.555, 0.16, 0.05, black);
    } else {
        for x in [0.39, 0.47, 0.55] {
            sheet.rect(x, 1.04, 0.07, 0.14, shade(jersey, 0.82));
        }
        sheet.ellipse(0.5, 1.54, (0.075, 0.09), skin, 1.0);
    }
    sheet.ellipse(0.5, 1.635, (0.12, 0.105), [236, 238, 240], 1.0);
    for x in [0.44, 0.5, 0.56] {
        sheet.ellipse(x, 1.66, (0.016, 0.06), black, 1.0);
    }
    if !front {
        sheet.ellipse(0.5, 0.88, (0.03, 0.03), [240, 40, 36], 1.0);
    }
    Some(sheet.pixmap)
}

/// The rider's own bars and hands, in units of the picture's width; the sheet
/// is 1.0 wide and 0.36 high.
pub(crate) fn handlebar(detail: f32) -> Option<Pixmap> {
    let mut sheet = Sheet::new(1.0, 0.36, 1120.0 * detail)?;
    let (tape, dark) = ([38, 40, 44], [22, 23, 26]);
    // Front wheel and stem.
    sheet.ellipse(0.5, 0.035, (0.011, 0.105), [28, 28, 30], 1.0);
    sheet.polygon(&[(0.475, 0.0), (0.525, 0.0), (0.517, 0.15), (0.483, 0.15)], [58, 62, 68]);
    sheet.polygon(&[(0.505, 0.0), (0.525, 0.0), (0.517, 0.15), (0.505, 0.15)], [84, 90, 98]);
    // Tops and hoods.
    let bar = [[(0.33, 0.175), (0.26, 0.160)], [(0.225, 0.150), (0.222, 0.185)]];
    sheet.curve((0.5, 0.158), &bar, 0.030, dark);
    let mirrored = bar.map(|piece| piece.map(|(x, y)| (1.0 - x, y)));
    sheet.curve((0.5, 0.158), &mirrored, 0.030, dark);
    sheet.line(&[(0.34, 0.1665), (0.66, 0.1665)], 0.009, [78, 82, 88]);
    for side in [0.0f32, 1.0] {
        let x = |x: f32| if side > 0.5 { 1.0 - x } else { x };
        sheet.curve((x(0.222), 0.185), &[[(x(0.214), 0.12), (x(0.232), 0.06)]], 0.026, tape);
        // Brake lever.
        sheet.curve((x(0.232), 0.215), &[[(x(0.262), 0.19), (x(0.256), 0.11)]], 0.010, [130, 134, 140]);
        // Forearm, glove, fingers over the hood.
        sheet.polygon(&[(x(0.015), 0.0), (x(0.150), 0.0), (x(0.248), 0.165), (x(0.192), 0.185)], [196, 146, 114]);
        sheet.polygon(&[(x(0.09), 0.0), (x(0.150), 0.0), (x(0.248), 0.165), (x(0.222), 0.172)], [216, 168, 134]);
        sheet.polygon(&[(x(0.166), 0.135), (x(0.222), 0.105), (x(0.255), 0.160), (x(0.196), 0.190)], [168, 40, 44]);
        sheet.ellipse(x(0.226), 0.186, (0.038, 0.036), [186, 48, 50], 1.0);
        sheet.ellipse(x(0.231), 0.197, (0.026, 0.022), [206, 66, 64], 1.0);
        for (i, y) in [0.196, 0.174, 0.152].into_iter().enumerate() {
            sheet.ellipse(x(0.256 - 0.003 * i as f32), y, (0.0165, 0.0115), [214, 166, 132], 1.0);
        }
    }
    // The head unit: a small map on its screen.
    sheet.polygon(&[(0.462, 0.165), (0.538, 0.165), (0.532, 0.262), (0.468, 0.262)], dark);
    sheet.polygon(&[(0.468, 0.180), (0.532, 0.180), (0.527, 0.252), (0.473, 0.252)], [196, 212, 206]);
    sheet.line(&[(0.482, 0.190), (0.496, 0.212), (0.508, 0.218), (0.515, 0.242)], 0.005, [40, 110, 190]);
    sheet.ellipse(0.496, 0.212, (0.005, 0.005), [210, 60, 40], 1.0);
    Some(sheet.pixmap)
}
