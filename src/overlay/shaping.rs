//! Text to outlines: the two bundled faces, shaped with rustybuzz, so that
//! kerning, combining marks and tabular figures come out as the type designer
//! meant them. No font of the machine is ever looked at: another machine must
//! draw the same pixels.

use std::str::FromStr;
use std::sync::OnceLock;

use rustybuzz::ttf_parser::{GlyphId, OutlineBuilder};
use rustybuzz::{Feature, UnicodeBuffer};
use serde::{Deserialize, Serialize};
use tiny_skia::{Path, PathBuilder};

use crate::base::Diagnostic;

/// A bundled face (see fonts/LICENSE.txt).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Face {
    /// Inter Semi Bold: labels, units and running text.
    Text,
    /// Inter Bold: large figures.
    Figures,
}

static TEXT: &[u8] = include_bytes!("fonts/Inter-SemiBold.otf");
static FIGURES: &[u8] = include_bytes!("fonts/Inter-Bold.otf");

impl Face {
    fn font(self) -> Result<&'static rustybuzz::Face<'static>, Diagnostic> {
        static PARSED: [OnceLock<Option<rustybuzz::Face<'static>>>; 2] = [const { OnceLock::new() }; 2];
        let (slot, bytes) = match self {
            Face::Text => (&PARSED[0], TEXT),
            Face::Figures => (&PARSED[1], FIGURES),
        };
        let parsed = slot.get_or_init(|| rustybuzz::Face::from_slice(bytes, 0)).as_ref();
        parsed.ok_or_else(|| Diagnostic::bug(format!("the bundled face {self:?} cannot be read")))
    }

    /// Height of capitals and figures as a share of the font size.
    pub fn cap_height(self) -> f32 {
        2048.0 / 2816.0
    }

    /// The first character of `text` that the face cannot show.
    pub fn lacks(self, text: &str) -> Option<char> {
        let font = self.font().ok()?;
        text.chars().find(|c| font.glyph_index(*c).is_none())
    }
}

/// A line of text, laid out at one size, in pixels; its origin is the left end
/// of its baseline.
pub struct ShapedLine {
    face: &'static rustybuzz::Face<'static>,
    /// Glyph and origin, in font units, y upwards.
    glyphs: Vec<(GlyphId, i32, i32)>,
    /// Pixels in one font unit.
    scale: f32,
    /// Width in pixels, from origin to where the next character would stand.
    pub advance: f32,
}

/// Lays out one line at `size` pixels (the em). Figures are tabular: every
/// digit is as wide as any other, so that numbers stand still as they change.
pub fn shape(face: Face, text: &str, size: f32) -> Result<ShapedLine, Diagnostic> {
    let font = face.font()?;
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.guess_segment_properties();
    let tabular: Vec<Feature> = ["tnum", "case"].iter().filter_map(|tag| Feature::from_str(tag).ok()).collect();
    // Raised colons and dashes belong beside capitals and figures alone.
    let features = if text.chars().any(char::is_lowercase) { &tabular[..1] } else { &tabular[..] };
    let shaped = rustybuzz::shape(font, features, buffer);
    let scale = size / font.units_per_em() as f32;
    let (mut x, mut y) = (0i32, 0i32);
    let mut glyphs = Vec::with_capacity(shaped.len());
    for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
        let id = GlyphId(u16::try_from(info.glyph_id).unwrap_or(0));
        glyphs.push((id, x.saturating_add(position.x_offset), y.saturating_add(position.y_offset)));
        x = x.saturating_add(position.x_advance);
        y = y.saturating_add(position.y_advance);
    }
    Ok(ShapedLine { face: font, glyphs, scale, advance: x as f32 * scale })
}

impl ShapedLine {
    /// Its outline with the origin at (`x`, `y`) pixels; `None` where there is
    /// nothing to draw.
    pub fn outline(&self, x: f32, y: f32) -> Option<Path> {
        let mut pen = Pen { path: PathBuilder::new(), x: 0.0, y: 0.0, scale: self.scale };
        for (glyph, dx, dy) in &self.glyphs {
            (pen.x, pen.y) = (x + *dx as f32 * self.scale, y - *dy as f32 * self.scale);
            self.face.outline_glyph(*glyph, &mut pen);
        }
        pen.path.finish()
    }
}

/// Draws font units into a path in pixels, y downwards.
struct Pen {
    path: PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_tabular() {
        for face in [Face::Text, Face::Figures] {
            let width = |text| shape(face, text, 100.0).unwrap().advance;
            for digit in ["0", "2", "3", "4", "5", "6", "7", "8", "9"] {
                // The faces themselves are off by up to 5 units of 2,816.
                assert!((width(digit) / width("1") - 1.0).abs() < 0.003, "{digit} in {face:?}");
            }
            assert!((width("1171") / width("8888") - 1.0).abs() < 0.003, "kerning between figures");
        }
    }

    /// The cap height is in the face's OS/2 table.
    #[test]
    fn capitals_are_as_high_as_the_face_says() {
        for face in [Face::Text, Face::Figures] {
            let bounds = shape(face, "H", 100.0).unwrap().outline(0.0, 0.0).unwrap().bounds();
            assert!((bounds.height() - face.cap_height() * 100.0).abs() < 0.5, "{bounds:?}");
            assert!(bounds.bottom().abs() < 0.5, "stands on the baseline");
        }
    }

    #[test]
    fn both_faces_know_europe_and_the_symbols_that_overlays_use() {
        for face in [Face::Text, Face::Figures] {
            assert_eq!(face.lacks("Größe ŠČŘŽ łąę ğış ñ Ελλάδα Україна °%²–−·↑↗×½€\u{2009}"), None);
            assert_eq!(face.lacks("km 速"), Some('速'));
        }
    }

    #[test]
    fn nothing_to_draw_is_no_path() {
        assert!(shape(Face::Text, "", 20.0).unwrap().outline(0.0, 0.0).is_none());
        assert!(shape(Face::Text, "  ", 20.0).unwrap().outline(0.0, 0.0).is_none());
    }
}
