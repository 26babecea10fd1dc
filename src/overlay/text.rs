//! Text on a plate: a title, or a template with values of channels and the
//! time.
//!
//! Layers: the plate with what stands still; then one for each field, and for
//! each literal behind one. Digits are all of one width, so nothing moves until
//! a number gets more of them. The plate is as wide as the widest values, and
//! never moves.

use std::collections::BTreeMap;

use crate::base::{Diagnostic, Size};
use crate::manifest::checker::Checker;
use crate::manifest::schema::schema;
use crate::manifest::tree::Node;
use crate::manifest::values::{Anchor, Rgba, Share};
use crate::model::overlay::{Layer, Shown};
use crate::overlay::lines::{Lines, Part};
use crate::overlay::picture::{Align, Mark, Picture, Sixteenths, sixteenths};
use crate::overlay::scene::{Scene, layer, still};
use crate::overlay::shaping::Face;
use crate::overlay::style::{DASH, Layout, Placement, Plate, UNKNOWN, legible, spot, text_width};
use crate::overlay::template::{Offset, Template};

schema! {
    /// Text on a plate, broken into lines where it is too long. In braces stand fields: `{speed}` is a channel's value, `{speed:1}` the same with
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

/// How much of the frame's width a text at its side may take, in frames that
/// are wider than high: the other side belongs to other overlays.
const BESIDE: f64 = 0.6;

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

    /// A title without fields.
    pub(super) fn is_still(&self) -> bool {
        Template::parse(&self.text).is_ok_and(|template| template.is_still())
    }

    pub(super) fn show(&self, scene: &Scene<'_>) -> Result<Shown, Diagnostic> {
        let template = Template::parse(&self.text)?;
        let contents = template.contents(scene, Offset::parse(&self.offset)?)?;
        let layout = Layout { frame: scene.frame };
        let wanted = layout.text(layout.pixels(self.font));
        let lines = Lines::fit(&template, &contents, wanted, layout.text(0.0), self.room(layout));
        let (width, height) = lines.outer();
        let placement = Placement { anchor: self.anchor, margin: self.margin, x: self.x, y: self.y };
        let values: Vec<Vec<Option<String>>> = contents
            .iter()
            .map(|content| (0..scene.frames).map(|frame| content.text(scene, frame)).collect())
            .collect();
        let mut page = Page {
            plate: layout.plate(placement, width, height),
            colour: legible(self.colour),
            widths: widths(&lines, &values),
            lines: &lines,
            values: &values,
            side: side(self.anchor),
            frames: scene.frames,
            still: Vec::new(),
            moving: Vec::new(),
        };
        page.still.push(page.plate.mark(lines.size * 0.42));
        for (row, parts) in lines.rows.iter().enumerate() {
            page.add(row, parts);
        }
        let base = Picture { size: page.plate.size, marks: page.still };
        let layers = std::iter::once(still(scene.frames, base, page.plate.at)).chain(page.moving).collect();
        Ok(Shown { layers })
    }

    /// How large the plate may be.
    fn room(&self, layout: Layout) -> (f64, f64) {
        let Size { width: frame_width, height: frame_height } = layout.frame;
        let (width, height) = layout.room(self.margin);
        let beside = side(self.anchor) != Align::Centre && frame_width > frame_height;
        (if beside { width.min(f64::from(frame_width) * BESIDE) } else { width }, height)
    }
}

/// The side at which lines start.
fn side(anchor: Anchor) -> Align {
    match anchor {
        Anchor::TopLeft | Anchor::Left | Anchor::BottomLeft => Align::Left,
        Anchor::Top | Anchor::Center | Anchor::Bottom => Align::Centre,
        Anchor::TopRight | Anchor::Right | Anchor::BottomRight => Align::Right,
    }
}

/// How wide everything is that is ever written.
fn widths(lines: &Lines, values: &[Vec<Option<String>>]) -> BTreeMap<String, f64> {
    let mut widths = BTreeMap::new();
    let literals = lines.rows.iter().flatten().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Field(_) => None,
    });
    let values = values.iter().flatten().flatten().map(String::as_str);
    for text in literals.chain(values).chain([DASH]) {
        if !widths.contains_key(text) {
            widths.insert(text.to_owned(), text_width(Face::Text, text, lines.size));
        }
    }
    widths
}

/// A text on its plate.
struct Page<'a> {
    plate: Plate,
    colour: Rgba,
    lines: &'a Lines,
    /// Of each field in each frame.
    values: &'a [Vec<Option<String>>],
    widths: BTreeMap<String, f64>,
    side: Align,
    frames: u32,
    still: Vec<Mark>,
    moving: Vec<Layer>,
}

impl<'a> Page<'a> {
    /// What a part says in a frame; `None` where nobody knows.
    fn text(&self, part: &'a Part, frame: u32) -> Option<&'a str> {
        match part {
            Part::Text(text) => Some(text),
            Part::Field(number) => self.values.get(*number)?.get(frame as usize)?.as_deref(),
        }
    }

    fn width(&self, parts: &'a [Part], frame: u32) -> f64 {
        let width = |part| self.widths.get(self.text(part, frame).unwrap_or(DASH)).copied().unwrap_or(0.0);
        parts.iter().map(width).sum()
    }

    /// Where part `index` of a row starts in a frame, in pixels from the
    /// text's left edge.
    fn start(&self, parts: &'a [Part], index: usize, frame: u32) -> f64 {
        let free = || self.lines.width - self.width(parts, frame);
        let row = match self.side {
            Align::Left => 0.0,
            Align::Centre => free() / 2.0,
            Align::Right => free(),
        };
        row + self.width(&parts[..index], frame)
    }

    fn add(&mut self, row: usize, parts: &'a [Part]) {
        let field = parts.iter().position(|part| matches!(part, Part::Field(_)));
        for (index, part) in parts.iter().enumerate() {
            let stands = field.is_none_or(|field| index < field && self.side == Align::Left);
            if stands {
                let mark = self.mark(row, sixteenths(self.start(parts, index, 0)), self.text(part, 0));
                self.still.push(mark);
            } else {
                let key = |frame| Some((sixteenths(self.start(parts, index, frame)), self.text(part, frame)));
                let picture = |(start, text): &(_, Option<&str>)| {
                    let marks = vec![self.mark(row, *start, *text)];
                    (Picture { size: self.plate.size, marks }, self.plate.at)
                };
                let moving = layer(self.frames, key, picture);
                self.moving.push(moving);
            }
        }
    }

    fn mark(&self, row: usize, start: Sixteenths, text: Option<&str>) -> Mark {
        let (x, y) = self.lines.start(row);
        let (left, baseline) = spot(self.plate.left + x, self.plate.top + y);
        let (text, colour) = text.map_or((DASH, UNKNOWN), |text| (text, self.colour));
        let (at, size) = ((left.saturating_add(start), baseline), sixteenths(self.lines.size));
        Mark::Text { at, align: Align::Left, face: Face::Text, size, colour, text: text.to_owned() }
    }
}
