//! A small brush for the ready-made pictures: shapes in metres, or in any unit
//! in which the picture is `height` high, with the foot of the thing at y = 0.

use tiny_skia::{Color, FillRule, LineCap, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

pub(crate) type Colour = [u8; 3];

/// A sheet that is `width` by `height` units large; x from its left edge, y
/// upwards from its lower edge.
pub(crate) struct Sheet {
    pub(crate) pixmap: Pixmap,
    height: f32,
    scale: f32,
}

impl Sheet {
    /// `scale` pixels for a unit. `None` only for a size that no picture has.
    pub(crate) fn new(width: f32, height: f32, scale: f32) -> Option<Self> {
        let pixels = |length: f32| ((length * scale).ceil() as u32).clamp(4, 2_000);
        let pixmap = Pixmap::new(pixels(width), pixels(height))?;
        Some(Sheet { pixmap, height, scale })
    }

    fn place(&self) -> Transform {
        Transform::from_row(self.scale, 0.0, 0.0, -self.scale, 0.0, self.height * self.scale)
    }

    fn fill(&mut self, path: Option<Path>, colour: Colour, alpha: f32) {
        let Some(path) = path else { return };
        let place = self.place();
        self.pixmap.fill_path(&path, &paint(colour, alpha), FillRule::Winding, place, None);
    }

    pub(crate) fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        self.polygon(&[(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour);
    }

    pub(crate) fn polygon(&mut self, points: &[(f32, f32)], colour: Colour) {
        let mut path = PathBuilder::new();
        for (i, (x, y)) in points.iter().enumerate() {
            if i == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
        }
        path.close();
        self.fill(path.finish(), colour, 1.0);
    }

    pub(crate) fn ellipse(&mut self, x: f32, y: f32, radius: (f32, f32), colour: Colour, alpha: f32) {
        let rect = tiny_skia::Rect::from_xywh(x - radius.0, y - radius.1, radius.0 * 2.0, radius.1 * 2.0);
        self.fill(rect.and_then(PathBuilder::from_oval), colour, alpha);
    }

    pub(crate) fn line(&mut self, points: &[(f32, f32)], width: f32, colour: Colour) {
        let mut path = PathBuilder::new();
        for (i, (x, y)) in points.iter().enumerate() {
            if i == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
        }
        self.stroke(path.finish(), width, colour);
    }

    /// A smooth line: start, control and end of each quadratic curve.
    pub(crate) fn curve(&mut self, start: (f32, f32), pieces: &[[(f32, f32); 2]], width: f32, colour: Colour) {
        let mut path = PathBuilder::new();
        path.move_to(start.0, start.1);
        for [control, end] in pieces {
            path.quad_to(control.0, control.1, end.0, end.1);
        }
        self.stroke(path.finish(), width, colour);
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, colour: Colour) {
        let Some(path) = path else { return };
        let stroke = Stroke { width, line_cap: LineCap::Round, ..Stroke::default() };
        let place = self.place();
        self.pixmap.stroke_path(&path, &paint(colour, 1.0), &stroke, place, None);
    }
}

fn paint(colour: Colour, alpha: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    let alpha = (alpha.clamp(0.0, 1.0) * 255.0) as u8;
    paint.set_color(Color::from_rgba8(colour[0], colour[1], colour[2], alpha));
    paint
}

/// A colour made lighter (above 1) or darker.
pub(crate) fn shade(colour: Colour, factor: f32) -> Colour {
    colour.map(|part| (f32::from(part) * factor).clamp(0.0, 255.0) as u8)
}
