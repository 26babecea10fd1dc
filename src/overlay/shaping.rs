//! Text to outlines: the two bundled faces, shaped with rustybuzz, so that
//! kerning, combining marks and tabular figures come out as the type designer
//! meant them. No font of the machine is ever looked at: another machine must
//! draw the same pixels.

use std::str::FromStr;
use std::sync::OnceLock;

use rustybuzz::ttf_parser::{GlyphId, OutlineBuilder};
use rustybuzz::{Feature, GlyphBuffer, UnicodeBuffer};
use serde::{Deserialize, Serialize};
use tiny_skia::{Path, PathBuilder};

use crate::base::Diagnostic;

/// A bundled face (see fonts/LICENSE.txt).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Face {
    /// Inter Semi Bold: labels, units and running text.
    Text,
    /// Inter Display Bold: large figures.
    Figures,
}

static TEXT: &[u8] = include_bytes!("fonts/Inter-SemiBold.otf");
static FIGURES: &[u8] = include_bytes!("fonts/InterDisplay-Bold.otf");

/// A face as it was read.
struct Font {
    face: rustybuzz::Face<'static>,
    /// The advance of every digit, in font units: that of the widest.
    digit: i32,
}

impl Font {
    fn read(bytes: &'static [u8]) -> Option<Font> {
        let face = rustybuzz::Face::from_slice(bytes, 0)?;
        let digits = glyphs(&face, "0123456789");
        let digit = digits.glyph_positions().iter().map(|position| position.x_advance).max()?;
        Some(Font { face, digit })
    }
}

impl Face {
    fn font(self) -> Result<&'static Font, Diagnostic> {
        static READ: [OnceLock<Option<Font>>; 2] = [const { OnceLock::new() }; 2];
        let (slot, bytes) = match self {
            Face::Text => (&READ[0], TEXT),
            Face::Figures => (&READ[1], FIGURES),
        };
        let read = slot.get_or_init(|| Font::read(bytes)).as_ref();
        read.ok_or_else(|| Diagnostic::bug(format!("the bundled face {self:?} cannot be read")))
    }

    /// Height of capitals and figures as a share of the font size.
    pub fn cap_height(self) -> f32 {
        match self {
            Face::Text => 2048.0 / 2816.0,
            Face::Figures => 1472.0 / 2048.0,
        }
    }

    /// The first character of `text` that the face cannot show.
    pub fn lacks(self, text: &str) -> Option<char> {
        let font = self.font().ok()?;
        text.chars().find(|c| font.face.glyph_index(*c).is_none())
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

/// Shapes one line.
fn glyphs(face: &rustybuzz::Face<'static>, text: &str) -> GlyphBuffer {
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.guess_segment_properties();
    let features: Vec<Feature> = ["tnum", "case"].iter().filter_map(|tag| Feature::from_str(tag).ok()).collect();
    // Raised colons and dashes belong beside capitals and figures alone.
    let features = if text.chars().any(char::is_lowercase) { &features[..1] } else { &features[..] };
    rustybuzz::shape(face, features, buffer)
}

/// Lays out one line at `size` pixels (the em). Every digit is as wide as any
/// other, so that numbers stand still as they change. (Not by the `tnum`
/// feature alone: Inter Display's does nothing.)
pub fn shape(face: Face, text: &str, size: f32) -> Result<ShapedLine, Diagnostic> {
    let font = face.font()?;
    let shaped = glyphs(&font.face, text);
    let scale = size / font.face.units_per_em() as f32;
    let (mut x, mut y) = (0i32, 0i32);
    let mut glyphs = Vec::with_capacity(shaped.len());
    for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
        let id = GlyphId(u16::try_from(info.glyph_id).unwrap_or(0));
        let is_digit = text.as_bytes().get(info.cluster as usize).is_some_and(u8::is_ascii_digit);
        let wider = if is_digit { font.digit.saturating_sub(position.x_advance) } else { 0 };
        let left = x.saturating_add(position.x_offset).saturating_add(wider / 2);
        glyphs.push((id, left, y.saturating_add(position.y_offset)));
        x = x.saturating_add(position.x_advance).saturating_add(wider);
        y = y.saturating_add(position.y_advance);
    }
    Ok(ShapedLine { face: &font.face, glyphs, scale, advance: x as f32 * scale })
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
                assert_eq!(width(digit), width("1"), "{digit} in {face:?}");
            }
            assert_eq!(width("1171"), width("8888"), "no kerning between figures");
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
