//! One number on a ring or above a bar: speed, heart rate, cadence, power,
//! gradient or any other channel.
//!
//! Layers: the plate with its scale, label and unit; the part of the scale
//! that is reached, in steps of one pixel; the digits.

use crate::base::{Diagnostic, Unit};
use crate::manifest::checker::Checker;
use crate::manifest::schema::{choices, schema};
use crate::manifest::tree::Node;
use crate::manifest::values::{Anchor, Number, Rgba, Share};
use crate::model::overlay::{Layer, Shown};
use crate::overlay::figures::{Readout, Scale, title};
use crate::overlay::picture::{Align, Mark, Picture, sixteenths};
use crate::overlay::scene::{Scene, layer, still};
use crate::overlay::shaping::Face;
use crate::overlay::style::{
    AMBER, DASH, INK, Layout, Placement, Plate, QUIET, TRACK, UNKNOWN, cap_height, fitting, shortened, spot, text_width,
};

choices! {
    /// How a gauge looks.
    pub enum GaugeStyle = "the look of a gauge" {
        /// A round plate with the value inside of an arc.
        Ring,
        /// A flat plate with the value above a bar.
        Bar,
    }
}

schema! {
    /// One number on a ring or above a bar: speed, heart rate, cadence, power, gradient or any other
    /// channel of the telemetry.
    ///
    /// The scale runs between round numbers around the 2nd and the 98th percentile of the whole log, so
    /// that one glitch does not stretch it; `min` and `max` set its ends. A value that is not known shows
    /// as a dash.
    ///
    /// ```ron
    /// Gauge(channel: "speed", anchor: BottomLeft, size: "22%")
    /// ```
    pub struct Gauge = "Gauge", check = Gauge::check {
        /// The channel that is shown.
        channel: String,
        /// `Ring` or `Bar`.
        style: GaugeStyle = GaugeStyle::Ring,
        /// What is written on it, instead of the channel's name; `""` for nothing. A ring with a label
        /// that has no room at its foot stands on a tile with the label below.
        label: Option<String> = None,
        /// The unit in which the value is shown: any that measures the same. Speeds are shown in km/h unless
        /// this says otherwise; `"min/km"` and `"min/mi"` show the pace.
        unit: Option<Unit> = None,
        /// Decimal places.
        decimals: Option<u8> = None,
        /// The low end of the scale, in the unit that is shown.
        min: Option<Number> = None,
        /// The high end of the scale, in the unit that is shown.
        max: Option<Number> = None,
        /// Where it stands.
        anchor: Anchor = Anchor::BottomLeft,
        /// Its distance from the frame's edges.
        margin: Share = Share::percent(4),
        /// Moves it to the right.
        x: Share = Share::percent(0),
        /// Moves it down.
        y: Share = Share::percent(0),
        /// Its width.
        size: Share = Share::percent(22),
        /// The colour of the part of the scale that is reached.
        accent: Rgba = AMBER,
    }
}

impl Gauge {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if self.min.zip(self.max).is_some_and(|(min, max)| min >= max) {
            checker.error_with_hint(node.span, "`min` is not below `max`", "the scale runs from `min` up to `max`");
        }
        super::check_size(self.size, node, checker);
        super::check_letters(self.label.as_deref().unwrap_or_default(), node, checker);
    }

    /// The channels that it needs.
    pub(super) fn channels(&self) -> Vec<String> {
        vec![self.channel.clone()]
    }

    /// It always shows the log.
    pub(super) fn is_still(&self) -> bool {
        false
    }

    pub(super) fn show(&self, scene: &Scene<'_>) -> Result<Shown, Diagnostic> {
        let readout = Readout::new(scene.telemetry, &self.channel, self.unit, self.decimals)?;
        let automatic = Scale::of(scene.telemetry, &self.channel, &readout);
        // The least pace is the fastest.
        let (low, high) = if readout.unit.is_pace() { (self.max, self.min) } else { (self.min, self.max) };
        let low = low.map_or(automatic.low, |low| readout.end(low.as_f64()));
        let high = high.map_or(automatic.high, |high| readout.end(high.as_f64()));
        let scale = if low < high { Scale { low, high } } else { Scale { low, high: low + 1.0 } };
        let sign = Some(readout.unit.symbol()).filter(|symbol| matches!(*symbol, "°" | "%"));
        let face = Dial {
            gauge: self,
            layout: Layout { frame: scene.frame },
            label: self.label.clone().unwrap_or_else(|| title(&self.channel)),
            unit: if sign.is_some() { "" } else { readout.unit.symbol() },
            sign,
            // The size of the digits must not depend on what is in this clip.
            widest: readout.widest(scene.telemetry, &self.channel),
            scale,
        };
        let values: Vec<Option<f64>> = (0..scene.frames).map(|n| scene.value(&self.channel, n)).collect();
        let texts: Vec<Option<String>> = values.iter().map(|v| v.map(|v| readout.text(v))).collect();
        let positions: Vec<Option<f64>> =
            values.iter().map(|v| v.map(|v| face.scale.position(readout.along(v)))).collect();
        let layers = match self.style {
            GaugeStyle::Ring => face.ring(scene.frames, &positions, &texts),
            GaugeStyle::Bar => face.bar(scene.frames, &positions, &texts),
        };
        Ok(Shown { layers })
    }
}

/// A gauge in a frame.
struct Dial<'a> {
    gauge: &'a Gauge,
    layout: Layout,
    label: String,
    /// A unit with a place of its own.
    unit: &'static str,
    /// A unit that is a part of the number.
    sign: Option<&'static str>,
    widest: Vec<String>,
    scale: Scale,
}

/// A text and how it is set.
struct Setting {
    face: Face,
    size: f64,
    align: Align,
}

impl Setting {
    fn mark(&self, x: f64, y: f64, colour: Rgba, text: &str) -> Mark {
        let size = sixteenths(self.size);
        Mark::Text { at: spot(x, y), align: self.align, face: self.face, size, colour, text: text.to_owned() }
    }
}

/// A ring is open at its foot: from 135 degrees, clockwise, for 270.
const RING_START: f64 = 135.0;
const RING_SWEEP: f64 = 270.0;

/// Of a ring, as shares of its plate's side.
const RADIUS: f64 = 0.405;
const THICKNESS: f64 = 0.058;

/// From a ring's centre down to the ends of its arc: r sin 45 degrees and the
/// round ends.
const ARC_FOOT: f64 = RADIUS * std::f64::consts::FRAC_1_SQRT_2 + THICKNESS / 2.0;

/// A percent sign's font size as a share of the figures'. A degree sign is
/// small as it is, and belongs at the figures' heads.
const PERCENT: f64 = 0.62;

/// The gap before a sign as a share of the figures' size.
const SIGN_GAP: f64 = 0.05;

/// What stays free beside and below the label of a tile, as shares of its side.
const TILE_PADDING: (f64, f64) = (0.05, 0.08);

/// About how high a tile is for its width.
const TILE_ASPECT: f64 = 1.15;

/// About how high a bar's plate is for its width.
const BAR_ASPECT: f64 = 0.7;

/// What stays free at a bar's sides, as a share of its width.
const PADDING: f64 = 0.085;

impl Dial<'_> {
    fn plate(&self, width: f64, height: f64) -> Plate {
        let gauge = self.gauge;
        let placement = Placement { anchor: gauge.anchor, margin: gauge.margin, x: gauge.x, y: gauge.y };
        self.layout.plate(placement, width, height)
    }

    /// How wide the widest value is with its sign.
    fn value_width(&self, size: f64) -> f64 {
        let figures = self.widest.iter().map(|text| text_width(Face::Figures, text, size)).fold(0.0, f64::max);
        figures + self.sign_width(size)
    }

    /// The font size of the sign behind figures of `size`.
    fn sign_size(&self, size: f64) -> f64 {
        let share = if self.sign == Some("%") { PERCENT } else { 1.0 };
        self.layout.text(size * share)
    }

    fn sign_width(&self, size: f64) -> f64 {
        let width = |sign| text_width(Face::Figures, sign, self.sign_size(size)) + size * SIGN_GAP;
        self.sign.map_or(0.0, width)
    }

    /// Figures of at most `wanted` pixels with which the widest value has room
    /// in `width`, as far as they can still be read.
    fn figures(&self, wanted: f64, width: f64, align: Align) -> Setting {
        let room = width / self.value_width(wanted).max(1.0);
        Setting { face: Face::Figures, size: self.layout.text(wanted * room.min(1.0)), align }
    }

    /// How wide the widest value is in the smallest figures that can be read.
    fn least_width(&self) -> f64 {
        self.value_width(self.layout.text(0.0))
    }

    /// The part of the scale between where it counts from (0, or its nearest
    /// end) and `position`, both in steps of which the scale has `steps`.
    fn reached(&self, position: f64, steps: f64) -> (i32, i32) {
        let step = |position: f64| libm::round(position * steps) as i32;
        (step(self.scale.position(0.0)), step(position))
    }

    fn ring(&self, frames: u32, positions: &[Option<f64>], texts: &[Option<String>]) -> Vec<Layer> {
        // As large as it should be, or as the smallest figures need.
        let share = (RADIUS - THICKNESS) * 2.0 * 0.86;
        let least = self.least_width() / share;
        let side = self.layout.width(self.gauge.size, self.gauge.margin, 1.0).max(least);
        let foot = self.foot_label(side);
        let (plate, corner) = if foot.is_some() || self.label.is_empty() {
            let plate = self.plate(side, side);
            (plate, plate.width / 2.0)
        } else {
            let side = self.layout.width(self.gauge.size, self.gauge.margin, TILE_ASPECT).max(least);
            let plate = self.plate(side, side * (0.5 + ARC_FOOT) + self.tile_foot(side));
            (plate, side * 0.09)
        };
        let side = plate.width;
        let (x, y) = (plate.left + side / 2.0, plate.top + side / 2.0);
        let (radius, width) = (side * RADIUS, side * THICKNESS);
        let arc = |from: f64, to: f64, colour: Rgba| Mark::Arc {
            centre: spot(x, y),
            radius: sixteenths(radius),
            width: sixteenths(width),
            start: libm::round((RING_START + from * RING_SWEEP) * 64.0) as i32,
            sweep: libm::round((to - from) * RING_SWEEP * 64.0) as i32,
            colour,
        };
        let small = Setting { face: Face::Text, size: self.small(side), align: Align::Centre };
        let large = self.figures(side * 0.31, side * share, Align::Centre);
        // Value and unit together stand in the middle, a little high because
        // the ring is open at its foot.
        let (cap, unit_cap) = (cap_height(Face::Figures, large.size), cap_height(Face::Text, small.size));
        let gap = side * 0.06;
        let unit_height = if self.unit.is_empty() { 0.0 } else { unit_cap + gap };
        let baseline = y - side * 0.01 + (cap - unit_height) / 2.0;

        let mut base = vec![plate.mark(corner), arc(0.0, 1.0, TRACK)];
        if self.scale.low < 0.0 && self.scale.high > 0.0 {
            // A scale that counts both ways shows from where.
            let zero = self.scale.position(0.0);
            base.push(arc(zero, zero, QUIET));
        }
        if !self.unit.is_empty() {
            base.push(small.mark(x, baseline + gap + unit_cap, QUIET, self.unit));
        }
        if let Some(size) = foot {
            let foot = y + radius * 0.84 + cap_height(Face::Text, size) / 2.0;
            base.push(Setting { size, ..small }.mark(x, foot, QUIET, &self.label));
        } else {
            let room = side * (1.0 - 2.0 * TILE_PADDING.0);
            let size = self.layout.text(fitting(Face::Text, &[&self.label], small.size, room));
            let text = shortened(Face::Text, &self.label, size, room);
            let foot = plate.top + plate.height - side * TILE_PADDING.1;
            base.push(Setting { size, ..small }.mark(x, foot, QUIET, &text));
        }
        let steps = libm::floor(radius * RING_SWEEP.to_radians()).max(1.0);
        let accent = self.gauge.accent;
        vec![
            still(frames, Picture { size: plate.size, marks: base }, plate.at),
            layer(
                frames,
                |n| positions[n as usize].map(|p| self.reached(p, steps)).filter(|(from, to)| from != to),
                |(from, to)| {
                    let marks = vec![arc(f64::from(*from) / steps, f64::from(*to) / steps, accent)];
                    (Picture { size: plate.size, marks }, plate.at)
                },
            ),
            self.digits(frames, texts, &plate, &large, (x, baseline)),
        ]
    }

    /// The font size of a ring's unit.
    fn small(&self, side: f64) -> f64 {
        self.layout.text(side * 0.098)
    }

    /// The font size at which the label has room between the ends of the arc;
    /// `None` where it has none.
    fn foot_label(&self, side: f64) -> Option<f64> {
        // The ends are 2 r sin 45 degrees apart.
        let room = side * (RADIUS * std::f64::consts::SQRT_2 - THICKNESS * 1.1);
        let size = self.layout.text(fitting(Face::Text, &[&self.label], self.small(side), room));
        (text_width(Face::Text, &self.label, size) <= room + 0.5).then_some(size)
    }

    /// What a tile adds below the arc for its label.
    fn tile_foot(&self, side: f64) -> f64 {
        let size = self.small(side);
        size * 0.42 + cap_height(Face::Text, size) + side * TILE_PADDING.1
    }

    fn bar(&self, frames: u32, positions: &[Option<f64>], texts: &[Option<String>]) -> Vec<Layer> {
        let least_text = self.layout.text(0.0);
        let least = self.least_width() + text_width(Face::Text, self.unit, least_text) + least_text * 0.28;
        // Heights come from the size that is asked for, whatever is measured:
        // gauges side by side are of one height.
        let side = self.layout.width(self.gauge.size, self.gauge.margin, BAR_ASPECT);
        let width = side.max(least / (1.0 - 2.0 * PADDING));
        let pad = side * PADDING;
        let inner = width - 2.0 * pad;
        let small = Setting { face: Face::Text, size: self.layout.text(side * 0.1), align: Align::Right };
        let unit_gap = small.size * 0.28;
        let unit_width =
            if self.unit.is_empty() { 0.0 } else { text_width(Face::Text, self.unit, small.size) + unit_gap };
        let nominal = self.layout.text(side * 0.27);
        let large = self.figures(nominal, inner - unit_width, Align::Left);
        let label_size = fitting(Face::Text, &[&self.label], small.size, inner);
        let label = Setting { face: Face::Text, size: self.layout.text(label_size), align: Align::Left };
        let label_cap = if self.label.is_empty() { 0.0 } else { cap_height(Face::Text, small.size) };
        let label_gap = if self.label.is_empty() { 0.0 } else { pad * 0.75 };
        let value_cap = cap_height(Face::Figures, nominal);
        let thick = side * 0.042;
        let bar_gap = pad * 0.85;
        let plate = self.plate(width, pad + label_cap + label_gap + value_cap + bar_gap + thick + pad);

        let (left, right) = (plate.left + pad, plate.left + plate.width - pad);
        let baseline = plate.top + pad + label_cap + label_gap + value_cap;
        let bar_y = baseline + bar_gap + thick / 2.0;
        let stroke = |from: f64, to: f64, colour: Rgba| {
            let (from, to) = (left + thick / 2.0 + from, left + thick / 2.0 + to);
            Mark::Line { points: vec![spot(from, bar_y), spot(to, bar_y)], width: sixteenths(thick), colour }
        };
        let length = right - left - thick;
        let mut base = vec![plate.mark(side * 0.075), stroke(0.0, length, TRACK)];
        let text = shortened(Face::Text, &self.label, label.size, inner);
        base.push(label.mark(left, plate.top + pad + label_cap, QUIET, &text));
        base.push(small.mark(right, baseline, QUIET, self.unit));
        let steps = libm::floor(length).max(1.0);
        let accent = self.gauge.accent;
        vec![
            still(frames, Picture { size: plate.size, marks: base }, plate.at),
            layer(
                frames,
                |n| positions[n as usize].map(|p| self.reached(p, steps)).filter(|(from, to)| from != to),
                |(from, to)| {
                    let pixels = |step: i32| f64::from(step) / steps * length;
                    (Picture { size: plate.size, marks: vec![stroke(pixels(*from), pixels(*to), accent)] }, plate.at)
                },
            ),
            self.digits(frames, texts, &plate, &large, (left, baseline)),
        ]
    }

    /// The value's digits and its sign, or a dash in the calm grey where it is
    /// not known.
    fn digits(
        &self,
        frames: u32,
        texts: &[Option<String>],
        plate: &Plate,
        setting: &Setting,
        (x, baseline): (f64, f64),
    ) -> Layer {
        layer(
            frames,
            |n| Some(texts[n as usize].as_deref()),
            |text| {
                let known = text.zip(self.sign);
                let (text, colour) = text.map_or((DASH, UNKNOWN), |text| (text, INK));
                let mut marks = vec![setting.mark(x, baseline, colour, text)];
                if let Some((text, sign)) = known {
                    let (size, width) = (setting.size, text_width(Face::Figures, text, setting.size));
                    let left = match setting.align {
                        Align::Centre => x - (width + self.sign_width(size)) / 2.0,
                        Align::Left | Align::Right => x,
                    };
                    let behind = Setting { face: Face::Figures, size: self.sign_size(size), align: Align::Left };
                    let figures = Setting { face: Face::Figures, size, align: Align::Left };
                    marks = vec![
                        figures.mark(left, baseline, colour, text),
                        behind.mark(left + width + size * SIGN_GAP, baseline, QUIET, sign),
                    ];
                }
                (Picture { size: plate.size, marks }, plate.at)
            },
        )
    }
}
