//! Codecs of outputs: one file for each of video, which says how its encoders
//! are told what a manifest wants; `audio` for those of sound.
//!
//! Every encoder gets its complete settings. What they have in common:
//!
//! - no result depends on the machine: threads are constant;
//! - segments join: each starts with a key frame and refers to nothing outside,
//!   and parameter sets do not depend on what is shown;
//! - no rate control over time: quality is constant, on the scale of x264's CRF.

pub mod audio;
pub mod av1;
pub mod h264;
pub mod hardware;
pub mod hevc;
mod preset;
pub mod prores;
mod scale;
pub mod vp9;

use crate::manifest::schema::choices;
use crate::model::VideoFormat;
use crate::model::specs::VideoEncoder;

pub use preset::Preset;
pub use scale::decimal;

/// An encoder that autocut can drive.
#[derive(Debug)]
pub struct Rung {
    /// FFmpeg's name of it.
    pub name: &'static str,
    pub codec: VideoCodec,
    /// Whether it makes pictures of 10 bits too.
    pub deep: bool,
    /// Whether it is hardware, which must have been tried here, and takes one of
    /// its sessions.
    pub session: bool,
    pub settings: fn(&Rung, &Demand, &VideoFormat) -> VideoEncoder,
}

impl Rung {
    /// Its complete settings.
    pub fn told(&self, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
        (self.settings)(self, demand, format)
    }
}

/// What an encoder is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// In tenths of x264's CRF.
    pub quality: u32,
    pub preset: Preset,
    /// What it makes stands in one file with what a camera made.
    pub beside_copies: bool,
}

/// A codec of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VideoCodec {
    H264,
    Hevc,
    Av1,
    Vp9,
    ProRes,
}

impl VideoCodec {
    pub const ALL: [VideoCodec; 5] =
        [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1, VideoCodec::Vp9, VideoCodec::ProRes];

    /// Whether players take HDR in it for HDR. (H.264 could say so too; what
    /// plays it does not look.)
    pub fn holds_hdr(self) -> bool {
        self != VideoCodec::H264
    }

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            VideoCodec::H264 => "H.264",
            VideoCodec::Hevc => "HEVC",
            VideoCodec::Av1 => "AV1",
            VideoCodec::Vp9 => "VP9",
            VideoCodec::ProRes => "ProRes",
        }
    }
}

/// A codec of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SoundCodec {
    Aac,
    Opus,
    Pcm,
}

impl SoundCodec {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            SoundCodec::Aac => "AAC",
            SoundCodec::Opus => "Opus",
            SoundCodec::Pcm => "PCM",
        }
    }
}

choices! {
    /// The codec of the pictures, as a manifest says it.
    pub enum WantedVideo = "a codec" {
        Auto,
        H264,
        Hevc,
        Av1,
        Vp9,
        ProRes,
    }
}

impl WantedVideo {
    /// `usual` where none is named.
    pub fn or(self, usual: VideoCodec) -> VideoCodec {
        match self {
            WantedVideo::Auto => usual,
            WantedVideo::H264 => VideoCodec::H264,
            WantedVideo::Hevc => VideoCodec::Hevc,
            WantedVideo::Av1 => VideoCodec::Av1,
            WantedVideo::Vp9 => VideoCodec::Vp9,
            WantedVideo::ProRes => VideoCodec::ProRes,
        }
    }
}

choices! {
    /// The codec of the sound, as a manifest says it.
    pub enum WantedSound = "a codec of sound" {
        Auto,
        Aac,
        Opus,
        Pcm,
    }
}

impl WantedSound {
    /// `usual` where none is named.
    pub fn or(self, usual: SoundCodec) -> SoundCodec {
        match self {
            WantedSound::Auto => usual,
            WantedSound::Aac => SoundCodec::Aac,
            WantedSound::Opus => SoundCodec::Opus,
            WantedSound::Pcm => SoundCodec::Pcm,
        }
    }
}

/// The encoders whose pictures can stand beside those that are copied, with
/// FFmpeg's names of their codecs.
const BESIDE_COPIES: &[(&Rung, &str)] = &[(&h264::LIBX264, "h264"), (&hevc::LIBX265, "hevc")];

/// The encoder whose pictures can stand beside those of a codec that are copied;
/// `None` where that codec is never copied.
pub fn beside_copies(codec: VideoCodec) -> Option<&'static Rung> {
    BESIDE_COPIES.iter().find(|(rung, _)| rung.codec == codec).map(|(rung, _)| *rung)
}

/// FFmpeg's name of the codec whose packets can stand beside what an encoder
/// makes.
pub fn copied_beside(encoder: &str) -> Option<&'static str> {
    BESIDE_COPIES.iter().find(|(rung, _)| rung.name == encoder).map(|(_, codec)| *codec)
}

/// The encoder of proxies: quick to write and quick to read.
pub fn of_proxies(format: &VideoFormat) -> VideoEncoder {
    let demand = Demand { quality: 200, preset: Preset::quickest(), beside_copies: false };
    let rung = &h264::LIBX264;
    (rung.settings)(rung, &demand, format)
}

/// An encoder with options, in their order.
fn encoder(name: &str, threads: u32, options: &[(&str, &str)]) -> VideoEncoder {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    VideoEncoder { name: name.to_owned(), options, threads }
}

/// The greatest distance of two key frames, as x264 has it by itself.
const KEY_FRAMES: &str = "250";

/// Closed groups of pictures, parameter sets in the header alone, nothing that
/// tells the library's version.
const FLAGS: &str = "+cgop+global_header+bitexact";
