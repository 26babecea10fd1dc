//! What a cell of an overlay holds: a short list of marks in sixteenths of a
//! pixel. An overlay kind describes pictures in these terms and draws none
//! itself; `canvas` paints them. So a cell is complete (the painter knows
//! neither telemetry nor parameters), small, and equal where the picture is.

use serde::{Deserialize, Serialize};

use crate::base::Size;
use crate::manifest::values::Rgba;
use crate::overlay::shaping::Face;

/// A length or a coordinate in 1/16 of a pixel.
pub type Sixteenths = i32;

/// From pixels, to the nearest sixteenth.
pub fn sixteenths(pixels: f64) -> Sixteenths {
    // `as` clamps what lies outside and makes 0 of what is no number.
    libm::round(pixels * 16.0) as Sixteenths
}

/// A picture as large as `size`, its marks painted in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub size: Size,
    pub marks: Vec<Mark>,
}

impl Picture {
    /// The cell that holds this picture.
    pub fn cell(&self) -> Vec<u8> {
        crate::model::encode(self)
    }
}

/// A point from the picture's top left corner.
pub type Spot = (Sixteenths, Sixteenths);

/// A rectangle with round corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    pub left: Sixteenths,
    pub top: Sixteenths,
    pub width: Sixteenths,
    pub height: Sixteenths,
    pub corner: Sixteenths,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// What everything else stands on; darkness `soft` wide fades out around it.
    Plate { panel: Panel, colour: Rgba, soft: Sixteenths },
    /// Later marks are seen inside of this only.
    Window { panel: Panel },
    /// A stroke with round ends along a circle. Angles in 1/64 of a degree,
    /// clockwise from three o'clock.
    Arc { centre: Spot, radius: Sixteenths, width: Sixteenths, start: i32, sweep: i32, colour: Rgba },
    /// A stroke with round ends and joints.
    Line { points: Vec<Spot>, width: Sixteenths, colour: Rgba },
    /// A filled outline whose colour runs from `colour` at `top` to `foot` at
    /// `bottom`.
    Fill { points: Vec<Spot>, top: Sixteenths, bottom: Sixteenths, colour: Rgba, foot: Rgba },
    /// A disc.
    Dot { centre: Spot, radius: Sixteenths, colour: Rgba },
    /// One line of text; `at` is on its baseline.
    Text { at: Spot, align: Align, face: Face, size: Sixteenths, colour: Rgba, text: String },
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Align {
    Left,
    Centre,
    Right,
}
