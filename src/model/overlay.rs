//! What an overlay shows over a run of frames, before and after drawing.

use serde::{Deserialize, Serialize};

use crate::base::{Digest, Size};
use crate::model::footage::{Colour, Matrix, Transfer};
use crate::model::timeline::VideoFormat;

/// An overlay of the manifest: its kind and its own parameters, which only the
/// kind's file in `overlay/` understands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OverlaySpec {
    /// Name in the table `overlay::OVERLAYS`.
    pub kind: String,
    /// Version of the kind's drawing: raised when its pixels change.
    pub version: u32,
    /// The parameters as JSON with a fixed order of fields.
    #[serde(with = "crate::model::key::json_text")]
    pub params: String,
}

/// What an overlay shows in a run of frames, without having been drawn:
/// quantised to what can be seen, so that telemetry that changes no pixel
/// changes nothing here. Painted in the order of the layers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub layers: Vec<Layer>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Distinct pictures of the layer, each in the overlay kind's own encoding.
    pub cells: Vec<Vec<u8>>,
    /// In order of frames, not overlapping.
    pub runs: Vec<CellRun>,
}

/// Cell `cell` is shown at (x, y) from frame `first` for `count` frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellRun {
    pub first: u32,
    pub count: u32,
    pub cell: u32,
    pub x: i32,
    pub y: i32,
}

/// A drawn sprite at (x, y), both even, from frame `first` for `count` frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpriteRun {
    pub first: u32,
    pub count: u32,
    pub sprite: Digest,
    pub x: i32,
    pub y: i32,
}

/// The value of a `draw` action: one list for each layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Drawn {
    pub layers: Vec<Vec<SpriteRun>>,
}

/// How sprites are stored, so that blending converts nothing; but those over HDR
/// are stored as for SDR, in BT.709, and converted as they are unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpriteFormat {
    /// Of the frame that they are blended into.
    pub frame: Size,
    pub matrix: Matrix,
    pub full_range: bool,
}

impl SpriteFormat {
    /// Of sprites over such pictures.
    pub fn over(format: &VideoFormat) -> SpriteFormat {
        let Colour { matrix, full_range, .. } = match format.colour.transfer() {
            Transfer::Sdr => format.colour,
            Transfer::Pq | Transfer::Hlg => Colour::BT709,
        };
        SpriteFormat { frame: format.size, matrix, full_range }
    }
}
