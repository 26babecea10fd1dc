//! What a probe finds in a file of footage.

use serde::{Deserialize, Serialize};

use crate::base::{FrameRate, Orientation, Size, TimeRange, Timestamp, UtcTime};

/// The result of probing one file. Media time 0 is the presentation time of
/// the first video frame (after edit lists); everything here is relative to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MediaInfo {
    /// The demuxer's short name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    pub video: Option<VideoInfo>,
    pub audio: Option<AudioInfo>,
    /// `creation_time` as the file states it. Cameras often write local time
    /// with a `Z`, so this is a claim and not yet a clock.
    pub created: Option<UtcTime>,
    /// The camera, where the file names it.
    pub device: Option<String>,
    /// What the camera calls the recording that this file is of, where it does:
    /// chapters of one share one of these (see the media program's `origin`).
    pub recording_ids: Vec<String>,
    /// The label of the first picture, as the track of time codes has it:
    /// `11:12:47:22`; `;` before the frames where labels are dropped.
    pub timecode: Option<String>,
    /// All of the file's tracks, in its order.
    pub tracks: Vec<Track>,
}

/// One track of a file, used or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Track {
    pub kind: TrackKind,
    /// FFmpeg's name of the codec; of what FFmpeg does not know, the
    /// container's, e.g. `gpmd`.
    pub codec: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TrackKind {
    Video,
    /// A picture that stands for the file.
    Cover,
    Audio,
    /// Telemetry, timecode, subtitles, attachments.
    Data,
}

/// The video stream that is used (the container's default one).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VideoInfo {
    /// Index in the container.
    pub stream: u32,
    pub codec: String,
    /// Of the codec, e.g. `Main 10`, where it has any.
    pub profile: Option<String>,
    /// Stored size in pixels, before orientation and pixel aspect.
    pub stored: Size,
    /// Width to height of one stored pixel; (1, 1) where square or unstated.
    pub pixel_aspect: (u32, u32),
    pub orientation: Orientation,
    /// The nominal rate: exact, e.g. 30000/1001.
    pub rate: FrameRate,
    /// Frames over duration: differs from `rate` where the rate varies.
    pub average_rate: FrameRate,
    pub variable_rate: bool,
    /// As the container counts them; 0 where it does not.
    pub frames: u64,
    pub duration: Timestamp,
    /// Media time 0 on the container's clock.
    pub first: Timestamp,
    /// Where frames are two fields: whether the top line's is the first.
    pub top_field_first: Option<bool>,
    /// FFmpeg's name, e.g. `yuvj420p`.
    pub pixel_format: String,
    pub bit_depth: u8,
    pub colour: Colour,
    /// Where analysis may be cut: key frames about a minute apart, the first
    /// of them 0. Chunk `i` ends where chunk `i + 1` starts; the last ends with
    /// the file.
    pub chunks: Vec<Timestamp>,
}

impl VideoInfo {
    /// The size in square pixels once the picture stands upright.
    pub fn display_size(&self) -> Size {
        display_size(self.stored, self.pixel_aspect, self.orientation)
    }

    /// The spans that analysis works on, in order.
    pub fn chunk_ranges(&self) -> Vec<TimeRange> {
        let ends = self.chunks.iter().skip(1).copied().chain([self.duration]);
        self.chunks.iter().zip(ends).map(|(start, end)| TimeRange::new(*start, end)).collect()
    }
}

/// The size that a stored picture has in square pixels once it stands upright.
pub fn display_size(stored: Size, pixel_aspect: (u32, u32), orientation: Orientation) -> Size {
    let (num, den) = (u64::from(pixel_aspect.0.max(1)), u64::from(pixel_aspect.1.max(1)));
    let width = (u64::from(stored.width) * num + den / 2) / den;
    let width = u32::try_from(width).unwrap_or(u32::MAX).max(1);
    orientation.upright(Size::new(width, stored.height))
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AudioInfo {
    pub stream: u32,
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    pub channels: u16,
    /// Where the first sample lies on the file's media time; not always 0.
    pub start: Timestamp,
    pub duration: Timestamp,
}

/// How numbers in the planes become light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Colour {
    pub matrix: Matrix,
    pub full_range: bool,
    /// FFmpeg's `AVColorPrimaries` number; 2 where the file does not say.
    pub primaries: u8,
    /// FFmpeg's `AVColorTransferCharacteristic` number; 2 where the file does not say.
    pub transfer: u8,
}

/// The YUV matrix. Files that do not say are taken as BT.709 from 1280 columns or
/// 577 lines on and as BT.601 below, as players do; those in HDR or with the
/// primaries of BT.2020 as BT.2020.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Matrix {
    Bt601,
    Bt709,
    /// With non-constant luminance.
    Bt2020,
    /// Of the first HDTV, SMPTE 240M.
    Smpte240,
    /// Green and orange instead of blue and red, as ITU-T H.273 has it.
    YCgCo,
}

impl Matrix {
    /// How much of luma red, green and blue each are; `None` where chroma is
    /// something else than blue and red less luma.
    pub fn luma(self) -> Option<[f64; 3]> {
        let [red, blue] = match self {
            Matrix::Bt601 => [0.299, 0.114],
            Matrix::Bt709 => [0.2126, 0.0722],
            Matrix::Bt2020 => [0.2627, 0.0593],
            Matrix::Smpte240 => [0.212, 0.087],
            Matrix::YCgCo => return None,
        };
        Some([red, 1.0 - red - blue, blue])
    }
}

/// How levels become light: SDR by BT.1886, PQ and HLG by BT.2100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Any of SDR.
    Sdr,
    Pq,
    Hlg,
}

/// What red, green and blue are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primaries {
    /// And those of SD, which are so near that players take them for it.
    Bt709,
    Bt2020,
    /// With white D65.
    P3,
}

impl Colour {
    /// Of SDR in HD: what outputs have unless they are asked for something else.
    pub const BT709: Colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
    /// Of HDR10: BT.2020 with PQ.
    pub const HDR10: Colour = Colour { matrix: Matrix::Bt2020, full_range: false, primaries: 9, transfer: 16 };
    /// BT.2020 with HLG.
    pub const HLG: Colour = Colour { transfer: 18, ..Colour::HDR10 };

    pub fn transfer(&self) -> Transfer {
        match self.transfer {
            16 => Transfer::Pq,
            18 => Transfer::Hlg,
            _ => Transfer::Sdr,
        }
    }

    pub fn primaries(&self) -> Primaries {
        match self.primaries {
            9 => Primaries::Bt2020,
            12 => Primaries::P3,
            // Unstated: HDR is hardly ever anything else.
            2 if self.transfer() != Transfer::Sdr => Primaries::Bt2020,
            _ => Primaries::Bt709,
        }
    }
}
