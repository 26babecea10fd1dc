//! The common look: palette, type sizes, places in the frame, and the proof
//! that text can be read on whatever lies behind it.

use crate::base::{Point, Size};
use crate::manifest::values::{Anchor, Rgba, Share};
use crate::overlay::picture::{Mark, Panel, Sixteenths, sixteenths};
use crate::overlay::shaping::{self, Face};

/// What everything stands on: almost black, and opaque enough that
/// [`INK`], [`QUIET`] and [`UNKNOWN`] reach [`LEAST_CONTRAST`] over white.
pub(crate) const PLATE: Rgba = Rgba::new(13, 17, 23, 209);
/// Figures.
pub(crate) const INK: Rgba = Rgba::WHITE;
/// Labels and units.
pub(crate) const QUIET: Rgba = Rgba::opaque(203, 211, 221);
/// The dash that stands for a value nobody knows.
pub(crate) const UNKNOWN: Rgba = Rgba::opaque(166, 175, 187);
/// The part of a ring, bar or route that is not reached.
pub(crate) const TRACK: Rgba = Rgba::new(255, 255, 255, 56);
/// The default of every `accent`.
pub(crate) const AMBER: Rgba = Rgba::opaque(255, 176, 32);

/// WCAG 2.1 success criterion 1.4.3, level AA.
pub(crate) const LEAST_CONTRAST: f64 = 4.5;

/// The smallest text as a share of the frame's height.
const LEAST_TEXT: f64 = 0.0222;

/// The darkness around a plate fades out over this share of the shorter side.
const SOFT_EDGE: f64 = 0.008;

/// A value that is not known is shown as this.
pub(crate) const DASH: &str = "\u{2013}";

/// `colour` with another opacity.
pub(crate) fn alpha(colour: Rgba, alpha: u8) -> Rgba {
    Rgba { alpha, ..colour }
}

/// `top` over an opaque `below`, as the encoder's blending does it: on the
/// coded values, without linear light.
pub(crate) fn over(top: Rgba, below: Rgba) -> Rgba {
    let mix = |top_value: u8, below: u8| {
        let (a, t, b) = (u32::from(top.alpha), u32::from(top_value), u32::from(below));
        ((t * a + b * (255 - a) + 127) / 255) as u8
    };
    Rgba::opaque(mix(top.red, below.red), mix(top.green, below.green), mix(top.blue, below.blue))
}

/// WCAG 2.1's relative luminance of an opaque sRGB colour.
fn luminance(colour: Rgba) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.03928 { c / 12.92 } else { libm::pow((c + 0.055) / 1.055, 2.4) }
    };
    0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue)
}

/// WCAG 2.1's contrast ratio of two opaque colours, 1 to 21.
pub(crate) fn contrast(one: Rgba, other: Rgba) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// `colour`, lightened just so far that it can be read as text on a plate over
/// the brightest picture.
pub(crate) fn legible(colour: Rgba) -> Rgba {
    let worst = over(PLATE, Rgba::WHITE);
    let opaque = alpha(colour, 255);
    let lightened = (0..=32u8).map(|step| over(Rgba::new(255, 255, 255, step.saturating_mul(8)), opaque));
    lightened.into_iter().find(|c| contrast(*c, worst) >= LEAST_CONTRAST).unwrap_or(INK)
}

/// Where an overlay stands: the fields that all kinds share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    pub(crate) anchor: Anchor,
    pub(crate) margin: Share,
    pub(crate) x: Share,
    pub(crate) y: Share,
}

/// A plate in a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plate {
    /// Where the picture's corner lies in the frame; even.
    pub(crate) at: Point,
    /// Of the picture: the plate and its soft edge; even.
    pub(crate) size: Size,
    /// The plate in the picture, in pixels.
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    soft: f64,
}

/// Lengths in pixels for one frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) frame: Size,
}

impl Layout {
    /// `share` of the frame's shorter side in pixels.
    pub(crate) fn pixels(self, share: Share) -> f64 {
        f64::from(share.pixels(self.frame))
    }

    /// A font size of `wanted` pixels, or the smallest that can be read.
    pub(crate) fn text(self, wanted: f64) -> f64 {
        wanted.max(libm::ceil(f64::from(self.frame.height) * LEAST_TEXT))
    }

    /// Width and height of what lies between the margins. A margin that would
    /// leave less than half of the frame counts as one that leaves that.
    pub(crate) fn room(self, margin: Share) -> (f64, f64) {
        let margin = self.pixels(margin).max(0.0);
        let room = |side: u32| (f64::from(side) - 2.0 * margin).max(f64::from(side) / 2.0);
        (room(self.frame.width), room(self.frame.height))
    }

    /// The width that `size` asks for, or the largest at which a plate that is
    /// `aspect` times as high as wide has room in the frame.
    pub(crate) fn width(self, size: Share, margin: Share, aspect: f64) -> f64 {
        let (width, height) = self.room(margin);
        self.pixels(size).min(width).min(height / aspect)
    }

    /// Places a plate of `width` by `height` pixels. What would lie outside of
    /// the frame is moved into it.
    pub(crate) fn plate(self, placement: Placement, width: f64, height: f64) -> Plate {
        let even = |length: f64| (libm::ceil(length / 2.0).clamp(1.0, 8_000.0) * 2.0) as i32;
        let (width, height) = (even(width), even(height));
        let soft = even(f64::from(self.frame.shorter()) * SOFT_EDGE);
        let margin = self.pixels(placement.margin) as i32;
        let (frame_w, frame_h) = (self.frame.width as i32, self.frame.height as i32);
        use Anchor::{Bottom, BottomLeft, BottomRight, Center, Left, Right, Top, TopLeft, TopRight};
        let x = match placement.anchor {
            TopLeft | Left | BottomLeft => margin,
            Top | Center | Bottom => (frame_w - width) / 2,
            TopRight | Right | BottomRight => (frame_w - width).saturating_sub(margin),
        };
        let y = match placement.anchor {
            TopLeft | Top | TopRight => margin,
            Left | Center | Right => (frame_h - height) / 2,
            BottomLeft | Bottom | BottomRight => (frame_h - height).saturating_sub(margin),
        };
        let inside = |at: i32, moved: Share, length: i32, frame: i32| {
            at.saturating_add(self.pixels(moved) as i32).clamp(0, (frame - length).max(0)) - soft
        };
        let x = inside(x, placement.x, width, frame_w);
        let y = inside(y, placement.y, height, frame_h);
        Plate {
            at: Point::new(x & !1, y & !1),
            size: Size::new((width + 2 * soft) as u32, (height + 2 * soft) as u32),
            left: f64::from(soft),
            top: f64::from(soft),
            width: f64::from(width),
            height: f64::from(height),
            soft: f64::from(soft),
        }
    }
}

impl Plate {
    /// The plate itself with corners of `corner` pixels.
    pub(crate) fn mark(&self, corner: f64) -> Mark {
        Mark::Plate { panel: self.panel(0.0, corner), colour: PLATE, soft: sixteenths(self.soft) }
    }

    /// The plate's area less `inset` pixels on every side.
    pub(crate) fn panel(&self, inset: f64, corner: f64) -> Panel {
        Panel {
            left: sixteenths(self.left + inset),
            top: sixteenths(self.top + inset),
            width: sixteenths((self.width - 2.0 * inset).max(0.0)),
            height: sixteenths((self.height - 2.0 * inset).max(0.0)),
            corner: sixteenths(corner),
        }
    }
}

/// The size of font at which the widest of `texts` is at most `width` pixels
/// wide, but not above `wanted`.
pub(crate) fn fitting(face: Face, texts: &[&str], wanted: f64, width: f64) -> f64 {
    let widest = texts.iter().map(|text| text_width(face, text, 100.0)).fold(1.0, f64::max);
    wanted.min(width / widest * 100.0)
}

/// How wide `text` is at a font size of `size` pixels.
pub(crate) fn text_width(face: Face, text: &str, size: f64) -> f64 {
    shaping::shape(face, text, size as f32).map_or(0.0, |line| f64::from(line.advance))
}

/// `text`, or as much of it as is at most `width` pixels wide, and an ellipsis.
pub(crate) fn shortened(face: Face, text: &str, size: f64, width: f64) -> String {
    if text_width(face, text, size) <= width {
        return text.to_owned();
    }
    let ends = text.char_indices().rev().map(|(end, _)| format!("{}\u{2026}", text[..end].trim_end()));
    ends.into_iter().find(|text| text_width(face, text, size) <= width).unwrap_or_default()
}

/// From the top of capitals to the baseline.
pub(crate) fn cap_height(face: Face, size: f64) -> f64 {
    f64::from(face.cap_height()) * size
}

/// For [`Mark::Text`].
pub(crate) fn spot(x: f64, y: f64) -> (Sixteenths, Sixteenths) {
    (sixteenths(x), sixteenths(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Black on white is 21:1 and #767676 on white 4.54:1 (W3C, "Understanding
    /// Success Criterion 1.4.3").
    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((contrast(Rgba::BLACK, Rgba::WHITE) - 21.0).abs() < 1e-9);
        assert!((contrast(Rgba::opaque(0x76, 0x76, 0x76), Rgba::WHITE) - 4.54).abs() < 0.005);
    }

    #[test]
    fn long_texts_are_shortened_to_their_room() {
        let fits = |width| shortened(Face::Text, "Heart of gold", 20.0, width);
        assert_eq!(fits(500.0), "Heart of gold");
        let short = fits(100.0);
        assert!(short.starts_with("Heart") && short.ends_with('\u{2026}'), "{short}");
        assert!(text_width(Face::Text, &short, 20.0) <= 100.0);
        assert_eq!(fits(1.0), "");
    }

    #[test]
    fn text_can_be_read_over_anything() {
        for behind in (0..=255).map(|v| Rgba::opaque(v, v, v)).chain([Rgba::opaque(255, 255, 0)]) {
            let plate = over(PLATE, behind);
            for ink in [INK, QUIET, UNKNOWN, AMBER] {
                let ratio = contrast(ink, plate);
                assert!(ratio >= LEAST_CONTRAST, "{ink} over {behind}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn dark_accents_are_lightened_until_they_can_be_read() {
        let worst = over(PLATE, Rgba::WHITE);
        for accent in [Rgba::BLACK, Rgba::opaque(200, 0, 0), Rgba::opaque(0, 0, 255), Rgba::opaque(90, 60, 200)] {
            assert!(contrast(accent, worst) < LEAST_CONTRAST);
            assert!(contrast(legible(accent), worst) >= LEAST_CONTRAST);
        }
        assert_eq!(legible(AMBER), AMBER);
    }

    #[test]
    fn plates_keep_the_margin_in_every_corner_and_shape_of_frame() {
        for frame in [Size::new(1280, 720), Size::new(1920, 1080), Size::new(3840, 2160), Size::new(1080, 1920)] {
            let layout = Layout { frame };
            let place = |anchor| {
                let none = Share::percent(0);
                let placement = Placement { anchor, margin: Share::percent(4), x: none, y: none };
                let plate = layout.plate(placement, layout.pixels(Share::percent(20)), 100.0);
                let (x, y) = (f64::from(plate.at.x) + plate.left, f64::from(plate.at.y) + plate.top);
                let (right, bottom) =
                    (f64::from(frame.width) - x - plate.width, f64::from(frame.height) - y - plate.height);
                (x, y, right, bottom)
            };
            let margin = f64::from(frame.shorter()) * 0.04;
            let near = |a: f64, b: f64| assert!((a - b).abs() <= 2.0, "{a} {b} in {frame}");
            let (x, y, ..) = place(Anchor::TopLeft);
            near(x, margin);
            near(y, margin);
            let (.., right, bottom) = place(Anchor::BottomRight);
            near(right, margin);
            near(bottom, margin);
            let (x, y, right, bottom) = place(Anchor::Center);
            near(x, right);
            near(y, bottom);
        }
    }
}
