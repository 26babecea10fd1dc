//! The identity of the libraries that an action's result depends on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Digest;

/// A part of the toolchain that can change bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tool {
    /// libavformat, reading.
    Demux,
    /// libavcodec, decoding.
    Decode,
    /// libswscale.
    Scale,
    /// libswresample.
    Resample,
    /// The H.264 encoder: library version and the hash of a trial encode,
    /// which notices an x264 build that libav* does not report.
    H264,
    /// The AAC encoder, likewise.
    Aac,
    /// The JPEG encoder.
    Jpeg,
    /// libavformat, writing.
    Mux,
    /// tract.
    Inference,
    /// The other encoders, each like that for H.264.
    Hevc,
    Av1,
    Vp9,
    ProRes,
    Opus,
    Pcm,
}

/// FFmpeg's name of each encoder whose identity is a tool's.
const ENCODERS: &[(&str, Tool)] = &[
    ("libx264", Tool::H264),
    ("libx265", Tool::Hevc),
    ("libsvtav1", Tool::Av1),
    ("libvpx-vp9", Tool::Vp9),
    ("prores_ks", Tool::ProRes),
    ("aac", Tool::Aac),
    ("libopus", Tool::Opus),
    ("pcm_s16le", Tool::Pcm),
    ("pcm_s24le", Tool::Pcm),
    ("mjpeg", Tool::Jpeg),
];

impl Tool {
    /// As `autocut.lock` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Demux => "demux",
            Tool::Decode => "decode",
            Tool::Scale => "scale",
            Tool::Resample => "resample",
            Tool::H264 => "h264",
            Tool::Aac => "aac",
            Tool::Jpeg => "jpeg",
            Tool::Mux => "mux",
            Tool::Inference => "inference",
            Tool::Hevc => "hevc",
            Tool::Av1 => "av1",
            Tool::Vp9 => "vp9",
            Tool::ProRes => "prores",
            Tool::Opus => "opus",
            Tool::Pcm => "pcm",
        }
    }

    /// That of an encoder, by FFmpeg's name of it; `None` where nobody knows it.
    pub fn of_encoder(name: &str) -> Option<Tool> {
        ENCODERS.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool)
    }
}

/// The hardware encoders that are tried.
pub const HARDWARE: &[&str] = &[
    "h264_videotoolbox",
    "h264_nvenc",
    "h264_qsv",
    "h264_amf",
    "h264_vaapi",
    "hevc_videotoolbox",
    "hevc_nvenc",
    "hevc_qsv",
    "hevc_amf",
    "hevc_vaapi",
    "av1_nvenc",
    "av1_qsv",
    "av1_amf",
    "av1_vaapi",
    "vp9_qsv",
    "vp9_vaapi",
];

/// What `autocut-media` says of itself, asked once and cached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    pub tools: BTreeMap<Tool, ToolIdentity>,
    /// Hardware encoders by FFmpeg's name, each tried; see [`HARDWARE`].
    pub hardware: BTreeMap<String, ToolIdentity>,
    /// Every file that the program mapped, so that the cached answer is
    /// distrusted when one of them changes.
    pub mapped: Vec<std::path::PathBuf>,
    /// FFmpeg's licence and configuration, for `doctor`.
    pub configuration: String,
    /// What devices decode, by the name that [`Stream::on`] gives it, each tried.
    ///
    /// [`Stream::on`]: crate::model::decoders::Stream::on
    pub decoders: BTreeMap<String, ToolIdentity>,
}

impl Toolchain {
    /// What is known of an encoder, by FFmpeg's name of it.
    pub fn encoder(&self, name: &str) -> Option<&ToolIdentity> {
        Tool::of_encoder(name).map_or_else(|| self.hardware.get(name), |tool| self.tools.get(&tool))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolIdentity {
    /// For people: `libavcodec 59.37.100, libx264`.
    pub name: String,
    /// `None` where the tool does not work here.
    pub identity: Option<Digest>,
    /// Why it does not.
    pub problem: Option<String>,
}
