//! Overlays: what is drawn over the pictures. Two steps: [`show`] turns
//! telemetry into pictures and the frames that show them, reduced to what can
//! be seen; [`draw`] turns the distinct pictures into sprites. `autocut-media`
//! blends sprites (`pack`, `sprite`, `blend`) and knows nothing else of them.
//!
//! An overlay kind is one file and one line in [`OVERLAYS`]. It describes
//! pictures (`picture`) and paints none; `canvas` does.
//!
//! Nothing here decodes, encodes or opens a file. A value that is not known is
//! never shown as 0 or as the last one known.

pub mod blend;
pub mod canvas;
pub mod deep;
pub mod elevation;
mod figures;
pub mod gauge;
mod lines;
pub mod map;
mod marker;
pub mod pack;
pub mod picture;
mod route;
mod scene;
pub mod shaping;
pub mod sprite;
mod style;
mod template;
pub mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use tiny_skia::Pixmap;

use crate::base::{Diagnostic, Digest, Point, Size};
use crate::manifest::KindEntry;
use crate::manifest::checker::Checker;
use crate::manifest::tree::Node;
use crate::manifest::values::Share;
use crate::model::overlay::{Drawn, OverlaySpec, Shown, SpriteFormat, SpriteRun};
use crate::overlay::picture::Picture;
use crate::overlay::shaping::Face;

pub use scene::Scene;

/// A kind of overlay.
#[derive(Debug)]
pub struct OverlayKind {
    /// What manifest and reference know of it: name, version, parameters.
    pub entry: KindEntry,
    /// What it shows over a scene, from the parameters that the entry lowered
    /// to JSON.
    pub show: fn(&str, &Scene<'_>) -> Result<Shown, Diagnostic>,
    /// The channels that these parameters ask for.
    pub channels: fn(&str) -> Vec<String>,
    /// Whether these parameters show the same at any time: neither the log nor a
    /// clock is asked.
    pub is_still: fn(&str) -> bool,
}

/// Version of what all kinds share: `canvas`, `style`, the fonts. Raised, and
/// with it every kind's version, when their pixels change.
const COMMON: u32 = 2;

/// A line of [`OVERLAYS`].
macro_rules! overlay {
    ($kind:ty, $name:literal, $version:literal, $example:literal) => {
        OverlayKind {
            entry: KindEntry::of::<$kind>($name, COMMON * 1_000 + $version, $example),
            show: |params, scene| parameters::<$kind>(params)?.show(scene),
            channels: |params| parameters::<$kind>(params).map(|kind| kind.channels()).unwrap_or_default(),
            is_still: |params| parameters::<$kind>(params).is_ok_and(|kind| kind.is_still()),
        }
    };
}

/// Every kind of overlay.
pub const OVERLAYS: &[OverlayKind] = &[
    overlay!(gauge::Gauge, "Gauge", 2, r#"Gauge(channel: "speed", anchor: BottomLeft, size: "22%")"#),
    overlay!(map::Map, "Map", 2, r#"Map(fit: Ride, anchor: TopRight, size: "26%")"#),
    overlay!(elevation::Elevation, "Elevation", 1, r#"Elevation(anchor: BottomRight, size: "46%")"#),
    overlay!(text::Text, "Text", 2, r#"Text(text: "{speed:0} km/h", anchor: TopLeft)"#),
];

fn parameters<T: DeserializeOwned>(params: &str) -> Result<T, Diagnostic> {
    serde_json::from_str(params)
        .map_err(|error| Diagnostic::bug(format!("an overlay's parameters cannot be read: {error}")))
}

fn kind(spec: &OverlaySpec) -> Result<&'static OverlayKind, Diagnostic> {
    let found = OVERLAYS.iter().find(|kind| kind.entry.name == spec.kind);
    found.ok_or_else(|| Diagnostic::bug(format!("no overlay is called {:?}", spec.kind)))
}

/// The channels of the telemetry that an overlay needs.
pub fn channels(spec: &OverlaySpec) -> Vec<String> {
    kind(spec).map(|kind| (kind.channels)(&spec.params)).unwrap_or_default()
}

/// Whether an overlay shows the same at any time: neither the log nor a clock is
/// asked. Its scene need not say when it is.
pub fn is_still(spec: &OverlaySpec) -> bool {
    kind(spec).is_ok_and(|kind| (kind.is_still)(&spec.params))
}

/// What an overlay shows over a scene.
///
/// # Errors
/// When its parameters do not go together with the telemetry, e.g. a unit that
/// measures something else than the channel.
pub fn show(spec: &OverlaySpec, scene: &Scene<'_>) -> Result<Shown, Diagnostic> {
    (kind(spec)?.show)(&spec.params, scene)
}

/// Draws the distinct pictures of `shown`: a sprite pack, and which sprite is
/// seen where and when. Layers in which nothing is seen stay, empty.
///
/// # Errors
/// A picture that cannot be painted is a bug of its overlay kind.
pub fn draw(spec: &OverlaySpec, shown: &Shown, format: SpriteFormat) -> Result<(Vec<u8>, Drawn), Diagnostic> {
    kind(spec)?;
    let mut sprites = BTreeMap::new();
    let mut drawn = Drawn::default();
    for layer in &shown.layers {
        let mut cells: Vec<Option<(Digest, Point)>> = Vec::with_capacity(layer.cells.len());
        for cell in &layer.cells {
            let converted = sprite::convert(&draw_cell(cell)?, &format);
            cells.push(converted.map(|(sprite, at)| {
                let digest = sprite.digest();
                sprites.insert(digest, sprite);
                (digest, at)
            }));
        }
        let mut runs = Vec::with_capacity(layer.runs.len());
        for run in &layer.runs {
            let known = cells.get(run.cell as usize);
            let cell =
                known.ok_or_else(|| Diagnostic::bug("an overlay's plan names a picture that it does not hold"))?;
            if let Some((sprite, at)) = *cell {
                let (x, y) = (run.x.saturating_add(at.x) & !1, run.y.saturating_add(at.y) & !1);
                runs.push(SpriteRun { first: run.first, count: run.count, sprite, x, y });
            }
        }
        drawn.layers.push(runs);
    }
    Ok((pack::write(&sprites), drawn))
}

/// Paints one cell of a layer.
///
/// # Errors
/// When it is no cell, or too large.
pub fn draw_cell(cell: &[u8]) -> Result<Pixmap, Diagnostic> {
    let picture: Option<Picture> = crate::model::decode(cell);
    canvas::paint(&picture.ok_or_else(|| Diagnostic::bug("an overlay's picture cannot be read"))?)
}

/// Sizes that make no picture are errors of the manifest.
fn check_size(size: Share, node: &Node, checker: &mut Checker) {
    let field = ["size", "font"].iter().find_map(|name| node.field(name));
    if size.pixels(Size::new(1_000, 1_000)) < 10 || size > Share::percent(400) {
        let span = field.map_or(node.span, |field| field.span);
        checker.error_with_hint(
            span,
            "an overlay cannot have this size",
            "it lies from 1% to 400% of the shorter side",
        );
    }
}

/// Letters that the bundled faces lack are errors of the manifest.
fn check_letters(text: &str, node: &Node, checker: &mut Checker) {
    if let Some(letter) = text.chars().find(|c| *c != '\n' && Face::Text.lacks(c.encode_utf8(&mut [0; 4])).is_some()) {
        let field = ["label", "text"].iter().find_map(|name| node.field(name));
        let span = field.map_or(node.span, |field| field.span);
        let message = format!("the bundled font has no letter `{letter}`");
        checker.error_with_hint(span, message, "it has those of Latin, Greek and Cyrillic scripts");
    }
}
