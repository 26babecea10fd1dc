//! Paints a picture's marks with tiny-skia into premultiplied RGBA. Everything
//! is anti-aliased, and nothing depends on the machine: circles come from
//! `libm`, text from the bundled faces.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Mask, Paint, Path, PathBuilder, Pixmap, Point,
    PremultipliedColorU8, Shader, SpreadMode, Stroke, Transform,
};

use crate::base::Diagnostic;
use crate::manifest::values::Rgba;
use crate::overlay::picture::{Align, Mark, Panel, Picture, Sixteenths, Spot};
use crate::overlay::shaping;

/// The largest side of a picture: what no frame exceeds.
pub const MAX_SIDE: u32 = 16_384;

/// How dark a plate's surroundings are right at its edge.
const SHADE: f32 = 0.30;

/// Paints `picture`.
///
/// # Errors
/// A picture without area or with a side above [`MAX_SIDE`] is a bug of the
/// overlay kind that described it.
pub fn paint(picture: &Picture) -> Result<Pixmap, Diagnostic> {
    let size = picture.size;
    let fits = size.width <= MAX_SIDE && size.height <= MAX_SIDE;
    let pixmap = if fits { Pixmap::new(size.width, size.height) } else { None };
    let pixmap = pixmap.ok_or_else(|| Diagnostic::bug(format!("an overlay's picture cannot be {size}")))?;
    let mut canvas = Canvas { pixmap, window: None };
    for mark in &picture.marks {
        canvas.paint(mark)?;
    }
    Ok(canvas.pixmap)
}

struct Canvas {
    pixmap: Pixmap,
    window: Option<Mask>,
}

fn px(length: Sixteenths) -> f32 {
    length as f32 / 16.0
}

impl Canvas {
    fn paint(&mut self, mark: &Mark) -> Result<(), Diagnostic> {
        match mark {
            Mark::Plate { panel, colour, soft } => self.plate(panel, *colour, px(*soft)),
            Mark::Window { panel } => {
                let mut mask = Mask::new(self.pixmap.width(), self.pixmap.height());
                if let (Some(mask), Some(path)) = (&mut mask, panel_path(panel)) {
                    mask.fill_path(&path, FillRule::Winding, true, Transform::identity());
                }
                self.window = mask;
            }
            Mark::Arc { centre, radius, width, start, sweep, colour } => {
                self.stroke(arc_path(*centre, px(*radius), *start, *sweep), px(*width), *colour);
            }
            Mark::Line { points, width, colour } => self.stroke(line_path(points, false), px(*width), *colour),
            Mark::Fill { points, top, bottom, colour, foot } => {
                let stops = vec![GradientStop::new(0.0, skia(*colour)), GradientStop::new(1.0, skia(*foot))];
                let (from, to) = (Point::from_xy(0.0, px(*top)), Point::from_xy(0.0, px(*bottom)));
                let shader = LinearGradient::new(from, to, stops, SpreadMode::Pad, Transform::identity());
                self.fill(line_path(points, true), shader.unwrap_or(Shader::SolidColor(skia(*colour))));
            }
            Mark::Dot { centre, radius, colour } => {
                let path = PathBuilder::from_circle(px(centre.0), px(centre.1), px(*radius));
                self.fill(path, Shader::SolidColor(skia(*colour)));
            }
            Mark::Text { at, align, face, size, colour, text } => {
                let line = shaping::shape(*face, text, px(*size))?;
                let x = match align {
                    Align::Left => px(at.0),
                    Align::Centre => px(at.0) - line.advance / 2.0,
                    Align::Right => px(at.0) - line.advance,
                };
                self.fill(line.outline(x, px(at.1)), Shader::SolidColor(skia(*colour)));
            }
        }
        Ok(())
    }

    fn fill(&mut self, path: Option<Path>, shader: Shader<'_>) {
        if let Some(path) = path {
            let paint = Paint { shader, anti_alias: true, ..Paint::default() };
            let window = self.window.as_ref();
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), window);
        }
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, colour: Rgba) {
        if let Some(path) = path {
            let paint = Paint { shader: Shader::SolidColor(skia(colour)), anti_alias: true, ..Paint::default() };
            let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
            self.pixmap.stroke_path(&path, &paint, &stroke, Transform::identity(), self.window.as_ref());
        }
    }

    /// The plate by its distance field: one formula gives the anti-aliased
    /// edge and the shade around it (after Inigo Quilez's rounded box).
    fn plate(&mut self, panel: &Panel, colour: Rgba, soft: f32) {
        let (half_w, half_h) = (px(panel.width) / 2.0, px(panel.height) / 2.0);
        let corner = px(panel.corner).min(half_w).min(half_h);
        let (middle_x, middle_y) = (px(panel.left) + half_w, px(panel.top) + half_h);
        let opacity = f32::from(colour.alpha) / 255.0;
        let width = self.pixmap.width() as usize;
        for (index, pixel) in self.pixmap.pixels_mut().iter_mut().enumerate() {
            let (x, y) = ((index % width) as f32 + 0.5, (index / width) as f32 + 0.5);
            let qx = (x - middle_x).abs() - half_w + corner;
            let qy = (y - middle_y).abs() - half_h + corner;
            let (ox, oy) = (qx.max(0.0), qy.max(0.0));
            let distance = (ox * ox + oy * oy).sqrt() + qx.max(qy).min(0.0) - corner;
            let inside = (0.5 - distance).clamp(0.0, 1.0) * opacity;
            let fade = (1.0 - distance.max(0.0) / soft.max(0.01)).clamp(0.0, 1.0);
            let shade = SHADE * fade * fade * (1.0 - inside / opacity.max(0.01));
            let alpha = inside + shade;
            let part = |channel: u8| (f32::from(channel) * inside + 0.5) as u8;
            let a = (alpha.min(1.0) * 255.0 + 0.5) as u8;
            let (r, g, b) = (part(colour.red).min(a), part(colour.green).min(a), part(colour.blue).min(a));
            if let Some(new) = PremultipliedColorU8::from_rgba(r, g, b, a) {
                *pixel = new;
            }
        }
    }
}

fn skia(colour: Rgba) -> Color {
    Color::from_rgba8(colour.red, colour.green, colour.blue, colour.alpha)
}

fn line_path(points: &[Spot], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    path.move_to(px(first.0), px(first.1));
    for point in rest {
        path.line_to(px(point.0), px(point.1));
    }
    if rest.is_empty() {
        // A stroke of no length still shows its round ends.
        path.line_to(px(first.0) + 0.01, px(first.1));
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn panel_path(panel: &Panel) -> Option<Path> {
    let (l, t) = (px(panel.left), px(panel.top));
    let (r, b) = (l + px(panel.width), t + px(panel.height));
    let corner = px(panel.corner).min((r - l) / 2.0).min((b - t) / 2.0);
    // How far a cubic's handles reach for a quarter of a circle.
    let k = corner * (1.0 - 0.552_284_8);
    let mut path = PathBuilder::new();
    path.move_to(l + corner, t);
    path.line_to(r - corner, t);
    path.cubic_to(r - k, t, r, t + k, r, t + corner);
    path.line_to(r, b - corner);
    path.cubic_to(r, b - k, r - k, b, r - corner, b);
    path.line_to(l + corner, b);
    path.cubic_to(l + k, b, l, b - k, l, b - corner);
    path.line_to(l, t + corner);
    path.cubic_to(l, t + k, l + k, t, l + corner, t);
    path.close();
    path.finish()
}

/// An arc as cubics of at most 45 degrees each; handles of length
/// 4/3 tan(angle / 4) are off the circle by less than 1 / 100,000 of it.
fn arc_path(centre: Spot, radius: f32, start: i32, sweep: i32) -> Option<Path> {
    let radians = |angle: f64| angle / 64.0 * std::f64::consts::PI / 180.0;
    let pieces = (sweep.unsigned_abs().div_ceil(45 * 64)).clamp(1, 8);
    let step = radians(f64::from(sweep)) / f64::from(pieces);
    let handle = (4.0 / 3.0 * libm::tan(step / 4.0)) as f32 * radius;
    let on = |index: u32| {
        let angle = radians(f64::from(start)) + step * f64::from(index);
        let (sin, cos) = (libm::sin(angle) as f32, libm::cos(angle) as f32);
        (px(centre.0) + radius * cos, px(centre.1) + radius * sin, cos, sin)
    };
    let mut path = PathBuilder::new();
    let (mut x0, mut y0, mut c0, mut s0) = on(0);
    path.move_to(x0, y0);
    for index in 1..=pieces {
        let (x, y, c, s) = on(index);
        let (ax, ay) = (x0 - handle * s0, y0 + handle * c0);
        path.cubic_to(ax, ay, x + handle * s, y - handle * c, x, y);
        (x0, y0, c0, s0) = (x, y, c, s);
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Size;

    fn alpha_sum(marks: Vec<Mark>) -> f64 {
        let pixmap = paint(&Picture { size: Size::new(200, 200), marks }).unwrap();
        pixmap.pixels().iter().map(|p| f64::from(p.alpha()) / 255.0).sum()
    }

    const WHITE: Rgba = Rgba::WHITE;

    /// Areas by geometry (a ring of radius r and width w has 2 pi r w), to two
    /// parts in a hundred: tiny-skia counts coverage in sixteenths of a pixel.
    #[test]
    fn marks_cover_the_area_that_geometry_says() {
        let pi = std::f64::consts::PI;
        let centre = (100 * 16, 100 * 16);
        let dot = alpha_sum(vec![Mark::Dot { centre, radius: 40 * 16, colour: WHITE }]);
        assert!((dot / (pi * 1600.0) - 1.0).abs() < 0.01, "{dot}");
        let (start, sweep) = (-90 * 64, 270 * 64);
        let arc = vec![Mark::Arc { centre, radius: 80 * 16, width: 10 * 16, start, sweep, colour: WHITE }];
        let expected = 2.0 * pi * 80.0 * 10.0 * 0.75 + pi * 25.0;
        assert!((alpha_sum(arc) / expected - 1.0).abs() < 0.02);
        let panel = Panel { left: 320, top: 320, width: 1600, height: 800, corner: 160 };
        let plate = alpha_sum(vec![Mark::Plate { panel, colour: WHITE, soft: 0 }]);
        let expected = 100.0 * 50.0 - (4.0 - pi) * 100.0;
        assert!((plate / expected - 1.0).abs() < 0.01, "{plate} {expected}");
        let all = vec![(0, 0), (3200, 0), (3200, 3200), (0, 3200)];
        let fill = Mark::Fill { points: all, top: 0, bottom: 16, colour: WHITE, foot: WHITE };
        let window = alpha_sum(vec![Mark::Window { panel }, fill]);
        assert!((window / expected - 1.0).abs() < 0.02);
    }

    #[test]
    fn impossible_sizes_are_errors() {
        for (width, height) in [(0, 10), (10, 0), (MAX_SIDE + 1, 10), (u32::MAX, u32::MAX)] {
            assert!(paint(&Picture { size: Size::new(width, height), marks: Vec::new() }).is_err());
        }
    }

    #[test]
    fn wild_coordinates_do_no_harm() {
        let far = vec![(i32::MIN, i32::MAX), (i32::MAX, i32::MIN), (0, 0)];
        let marks = vec![
            Mark::Line { points: far.clone(), width: i32::MAX, colour: WHITE },
            Mark::Fill { points: far, top: 5, bottom: 5, colour: WHITE, foot: WHITE },
            Mark::Arc { centre: (0, 0), radius: -5, width: -5, start: i32::MAX, sweep: i32::MIN, colour: WHITE },
            Mark::Dot { centre: (0, 0), radius: i32::MAX, colour: WHITE },
        ];
        assert!(paint(&Picture { size: Size::new(20, 20), marks }).is_ok());
    }
}
