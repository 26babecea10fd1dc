//! A timeline: what is shown, in order, in units of an output's frames.

use serde::{Deserialize, Serialize};

use crate::base::{Digest, FrameRate, Orientation, Size, Timestamp};
use crate::model::footage::{self, Colour};
use crate::model::moment::Moment;

/// One moment as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Clip {
    pub moment: Moment,
    /// Frames of the output.
    pub frames: u32,
    /// The files that it runs through (two where it crosses a chapter's end).
    pub pieces: Vec<Piece>,
    pub fit: Fit,
    /// Time of the first frame on the telemetry's clock in ns, where known.
    pub telemetry_start: Option<i64>,
    /// By how much that clock goes faster than the recording, in 1 / 1,000 of a
    /// part per million.
    pub telemetry_drift: i32,
    /// UTC of the first frame in ns, by the recording's clock.
    pub utc: Option<i64>,
    /// By how much true time goes faster than the recording, likewise.
    pub drift: i32,
}

/// A run of frames out of one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Piece {
    pub file: Digest,
    /// Media time of the file at the first frame.
    pub start: Timestamp,
    /// Frames of the output.
    pub frames: u32,
    pub picture: SourcePicture,
    pub has_audio: bool,
    /// A small file that shows the same at the same times, from which a draft is
    /// made, where there is one.
    pub small: Option<(Digest, SourcePicture)>,
}

/// How the pictures of a file are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourcePicture {
    pub stored: Size,
    pub pixel_aspect: (u32, u32),
    pub orientation: Orientation,
    pub colour: Colour,
    /// The file's nominal rate: half its frame is the tolerance by which a
    /// frame may be early (see `frame selection` in docs/media.md).
    pub rate: FrameRate,
}

impl SourcePicture {
    /// The size in square pixels once the picture stands upright.
    pub fn display_size(&self) -> Size {
        footage::display_size(self.stored, self.pixel_aspect, self.orientation)
    }
}

/// What a source does that has another shape than the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fit {
    /// Whole picture, black bars.
    Fit,
    /// Fills the frame, edges cropped.
    Fill,
    /// Whole picture over a blurred, filling copy of itself.
    #[default]
    Blur,
}

/// The pictures of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VideoFormat {
    pub size: Size,
    pub rate: FrameRate,
    pub colour: Colour,
    pub sampling: Sampling,
}

/// How an output's pictures are sampled: chroma, and bits of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sampling {
    /// 4:2:0, 8 bits.
    #[default]
    Yuv420p8,
    /// 4:2:0, 10 bits.
    Yuv420p10,
    /// 4:2:2, 10 bits.
    Yuv422p10,
}
