//! Text on a plate: a title, or a template with values of channels and the
//! time.
//!
//! Layers: the plate with what stands still; one for each field of the
//! template, right-aligned in a slot as wide as its widest value, so that
//! nothing moves when a number changes.

use crate::base::Diagnostic;
use crate::manifest::checker::Checker;
use crate::manifest::schema::schema;
use crate::manifest::tree::Node;
use crate::manifest::values::{Anchor, Rgba, Share};
use crate::model::overlay::{Layer, Shown};
use crate::overlay::picture::{Align, Mark, Picture, sixteenths};
use crate::overlay::scene::{Scene, layer, still};
use crate::overlay::shaping::Face;
use crate::overlay::style::{DASH, Layout, Placement, Plate, UNKNOWN, cap_height, legible, spot, text_width};
use crate::overlay::template::{Content, Field, Offset, Piece, Template};

schema! {
    /// Text on a plate. In braces stand fields: `{speed}` is a channel's value, `{speed:1}` the same with
    /// one decimal place, `{speed:0:mph}` in another unit; `{clock}` (14:03:27), `{time}` (14:03),
    /// `{date}` (2024-05-31) and `{elapsed}` (since the log's start) are times. `{{` is a brace, `\n` a
    /// new line.
    ///
    /// ```ron
    /// Text(text: "{speed:0} km/h", anchor: TopLeft)
    /// ```
    pub struct Text = "Text", check = Text::check {
        /// What is written.
        text: String,
        /// How far clocks are ahead of UTC: `"+02:00"`.
        offset: String = "+00:00".to_owned(),
        /// The font size.
        font: Share = Share::percent(4),
        /// The colour of the text; lightened where it could not be read on the plate.
        colour: Rgba = Rgba::WHITE,
        /// Where it stands.
        anchor: Anchor = Anchor::TopLeft,
        /// Its distance from the frame's edges.
        margin: Share = Share::percent(4),
        /// Moves it to the right.
        x: Share = Share::percent(0),
        /// Moves it down.
        y: Share = Share::percent(0),
    }
}

/// From one baseline to the next, in font sizes.
const LEADING: f64 = 1.35;

impl Text {
    fn check(&self, node: &Node, checker: &mut Checker) {
        super::check_size(self.font, node, checker);
        if self.text.trim().is_empty() {
            checker.error_with_hint(
                node.span,
                "the text is empty",
                "write something into `text`, or remove the overlay",
            );
        }
        match Template::parse(&self.text) {
            Ok(template) => template.literals().for_each(|text| super::check_letters(text, node, checker)),
            Err(wrong) => checker.report(node.field("text").map_or(node.span, |field| field.span), wrong),
        }
        if let Err(wrong) = Offset::parse(&self.offset) {
            checker.report(node.field("offset").map_or(node.span, |field| field.span), wrong);
        }
    }

    /// The channels that it needs.
    pub(super) fn channels(&self) -> Vec<String> {
        Template::parse(&self.text).map(|template| template.channels()).unwrap_or_default()
    }

    pub(super) fn show(&self, scene: &Scene<'_>) -> Result<Shown, Diagnostic> {
        let template = Template::parse(&self.text)?;
        let contents = template.contents(scene, Offset::parse(&self.offset)?)?;
        let layout = Layout { frame: scene.frame };
        let frame_room = f64::from(scene.frame.width) - 2.0 * layout.pixels(self.margin);
        let wanted = layout.text(layout.pixels(self.font));
        // Text that is wider than the frame is set smaller, as far as it can
        // still be read.
        let at_wanted = Lines::set(&template, &contents, wanted);
        let scale = (frame_room / at_wanted.outer_width().max(1.0)).min(1.0);
        let lines = if scale < 1.0 { Lines::set(&template, &contents, layout.text(wanted * scale)) } else { at_wanted };

        let placement = Placement { anchor: self.anchor, margin: self.margin, x: self.x, y: self.y };
        let plate = layout.plate(placement, lines.outer_width(), lines.outer_height());
        let colour = legible(self.colour);
        let mut marks = vec![plate.mark(lines.size * 0.42)];
        let mut layers = Vec::new();
        for slot in &lines.slots {
            match slot.piece {
                Piece::Literal(text) => marks.push(lines.mark(&plate, slot.left, slot.row, Align::Left, colour, text)),
                Piece::Field(field) => {
                    let found = contents.iter().find(|(known, _)| known == field);
                    if let Some((_, content)) = found {
                        layers.push(values(scene, content, &lines, slot, &plate, colour));
                    }
                }
            }
        }
        layers.insert(0, still(scene.frames, Picture { size: plate.size, marks }, plate.at));
        Ok(Shown { layers })
    }
}

/// The layer of one field.
fn values(scene: &Scene<'_>, content: &Content, lines: &Lines<'_>, slot: &Slot<'_>, plate: &Plate, ink: Rgba) -> Layer {
    let texts: Vec<Option<String>> = (0..scene.frames).map(|n| content.text(scene, n)).collect();
    layer(
        scene.frames,
        |n| Some(texts[n as usize].as_deref()),
        |text| {
            let (text, colour) = text.map_or((DASH, UNKNOWN), |text| (text, ink));
            let mark = lines.mark(plate, slot.left + slot.width, slot.row, Align::Right, colour, text);
            (Picture { size: plate.size, marks: vec![mark] }, plate.at)
        },
    )
}

/// A template set in type.
struct Lines<'a> {
    size: f64,
    slots: Vec<Slot<'a>>,
    width: f64,
    rows: usize,
}

/// A piece's place, in pixels from the first line's start.
struct Slot<'a> {
    piece: &'a Piece,
    row: usize,
    left: f64,
    width: f64,
}

impl<'a> Lines<'a> {
    fn set(template: &'a Template, contents: &[(Field, Content)], size: f64) -> Lines<'a> {
        let mut lines = Lines { size, slots: Vec::new(), width: 0.0, rows: template.lines.len().max(1) };
        let width = |text: &str| text_width(Face::Text, text, size);
        for (row, line) in template.lines.iter().enumerate() {
            let mut left = 0.0;
            for piece in line {
                let width = match piece {
                    Piece::Literal(text) => width(text),
                    Piece::Field(field) => {
                        let found = contents.iter().find(|(known, _)| known == field);
                        let widest = found.into_iter().flat_map(|(_, content)| &content.widest);
                        widest.map(|text| width(text)).fold(width(DASH), f64::max)
                    }
                };
                lines.slots.push(Slot { piece, row, left, width });
                left += width;
            }
            lines.width = lines.width.max(left);
        }
        lines
    }

    fn pad(&self) -> (f64, f64) {
        (self.size * 0.62, self.size * 0.52)
    }

    fn outer_width(&self) -> f64 {
        self.width + 2.0 * self.pad().0
    }

    fn outer_height(&self) -> f64 {
        cap_height(Face::Text, self.size) + (self.rows - 1) as f64 * self.size * LEADING + 2.0 * self.pad().1
    }

    fn mark(&self, plate: &Plate, x: f64, row: usize, align: Align, colour: Rgba, text: &str) -> Mark {
        let (pad_x, pad_y) = self.pad();
        let baseline = plate.top + pad_y + cap_height(Face::Text, self.size) + row as f64 * self.size * LEADING;
        let at = spot(plate.left + pad_x + x, baseline);
        Mark::Text { at, align, face: Face::Text, size: sixteenths(self.size), colour, text: text.to_owned() }
    }
}
