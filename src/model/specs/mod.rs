//! The specification of each kind of action: everything that its result
//! depends on, and nothing else. A path, a worker count or a batch size here
//! would be a bug: those belong to [`Invocation`](crate::model::protocol::Invocation).
//!
//! No floats: numbers are integers in the steps that the field's comment names.

mod telemetry;

pub use telemetry::*;

use serde::{Deserialize, Serialize};

use crate::base::{Digest, FrameRate, Orientation, Size, Timestamp};
use crate::model::overlay::{OverlaySpec, SpriteFormat, SpriteRun};
use crate::model::timeline::{Fit, SourcePicture, VideoFormat};

/// `probe`: a file to its [`MediaInfo`](crate::model::MediaInfo) (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProbeSpec {
    pub file: Digest,
}

/// `analyse`: one analysis of one chunk to a list of `NamedSignal` (artifact
/// 0). Those of one chunk that differ only in `analysis` share a decode.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AnalyseSpec {
    pub file: Digest,
    /// Name in the table `analysis::ANALYSES`, and its version.
    pub analysis: String,
    pub analysis_version: u32,
    pub pass: AnalysisPass,
}

/// The pictures that an analysis sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AnalysisPass {
    pub orientation: Orientation,
    /// Media time, `until` exclusive. Samples lie on the grid `k / rate`.
    pub from: Timestamp,
    pub until: Timestamp,
    pub rate: FrameRate,
    /// Width in pixels of the upright picture that is looked at.
    pub width: u32,
}

/// `detect`: an object detector over one chunk to a list of `NamedSignal`
/// (artifact 0) and a list of `DetectedFrame` (artifact 1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DetectSpec {
    pub file: Digest,
    /// An ONNX file.
    pub model: Digest,
    pub classes: Vec<String>,
    /// Least confidence of a box, in steps of 1 / 10,000.
    pub threshold: u16,
    /// Boxes of a class that overlap more than this (intersection over union,
    /// 1 / 10,000) are one.
    pub overlap: u16,
    pub pass: AnalysisPass,
    /// The upright size at which boxes are reported.
    pub display: Size,
}

/// `choose`: candidates, scores and selection to `Chosen` (value) and a
/// `ChoiceReport` (artifact 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChooseSpec {
    pub recordings: Vec<ChooseRecording>,
    /// Cleaned telemetry.
    pub telemetry: Option<Digest>,
    /// Signal or channel and its weight in steps of 1 / 1,000; `|gradient|`
    /// weighs the absolute value.
    pub weights: Vec<(String, i32)>,
    pub length: Timestamp,
    /// How much of `length` lies before the scored peak.
    pub pre_roll: Timestamp,
    /// Of all moments together.
    pub total: Timestamp,
    /// Least time between the end of one and the start of the next.
    pub gap: Timestamp,
    /// Distance between candidates.
    pub step: Timestamp,
    pub pins: Vec<Pin>,
    pub bans: Vec<Ban>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChooseRecording {
    /// `camera/recording`.
    pub name: String,
    /// Start in UTC ns where a clock is known: orders recordings and finds
    /// telemetry when that counts UTC.
    pub utc: Option<i64>,
    /// Time on the telemetry's own clock at the recording's start, in ns.
    pub telemetry_start: Option<i64>,
    /// By how much these clocks go faster than the recording, in 1 / 1,000 of a
    /// part per million.
    pub drift: i32,
    pub duration: Timestamp,
    pub chapters: Vec<ChooseChapter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChooseChapter {
    /// Where the file starts in the recording.
    pub offset: Timestamp,
    pub duration: Timestamp,
    /// Artifacts with `NamedSignal` lists, in order of time.
    pub signals: Vec<Digest>,
}

/// A moment that the manifest demands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pin {
    pub recording: String,
    pub start: Timestamp,
    pub length: Timestamp,
}

/// A stretch of a recording that must not be shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ban {
    pub recording: String,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// `show`: what one overlay shows in one segment, a `Shown` (artifact 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShowSpec {
    pub overlay: OverlaySpec,
    /// Cleaned telemetry.
    pub telemetry: Option<Digest>,
    /// Time on the telemetry's clock at the segment's first frame, in ns.
    pub start: Option<i64>,
    /// UTC at the segment's first frame in ns, by the recording's clock.
    pub utc: Option<i64>,
    pub frames: u32,
    pub rate: FrameRate,
    /// Of the output.
    pub frame: Size,
    /// The whole clip on the telemetry's clock, in ns: what a map fits to.
    pub clip: Option<(i64, i64)>,
}

/// `draw`: the pictures that a `Shown` names to a sprite pack (artifact 0) and
/// `Drawn` (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DrawSpec {
    pub overlay: OverlaySpec,
    pub shown: Digest,
    pub format: SpriteFormat,
}

/// `segment`: a closed-GOP run of frames, encoded: packets (artifact 0) and
/// `SegmentInfo` (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SegmentSpec {
    pub sources: Vec<SourceRun>,
    pub format: VideoFormat,
    pub encoder: VideoEncoder,
    /// Painted in this order.
    pub overlays: Vec<Vec<SpriteRun>>,
}

impl SegmentSpec {
    pub fn frames(&self) -> u32 {
        self.sources.iter().map(|source| source.frames).sum()
    }
}

/// `frames` frames of the output out of one file: frame `n` shows the source
/// at media time `start + n / rate`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceRun {
    pub file: Digest,
    pub start: Timestamp,
    pub frames: u32,
    pub picture: SourcePicture,
    pub fit: Fit,
}

/// An encoder and its options, complete: nothing is left to a default that
/// depends on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VideoEncoder {
    /// FFmpeg's name, e.g. `libx264`.
    pub name: String,
    /// Private and generic options in the order in which they are set.
    pub options: Vec<(String, String)>,
    /// Threads inside the encoder: part of the result (x264 differs).
    pub threads: u32,
}

/// The value of a `segment` action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SegmentInfo {
    pub frames: u32,
    pub bytes: u64,
    /// Of the codec's parameter sets: segments join only where it is equal.
    pub extradata: Digest,
    /// Frames at the end that repeat the last one because the source ended.
    pub held: u32,
}

/// `quality`: the one constant quality at which the pictures of an output come to
/// a size, out of segments that were encoded at several: `Reached` (value); what
/// all of it would take at each (artifact 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QualitySpec {
    /// Bytes that all pictures may take.
    pub budget: u64,
    /// How many there are.
    pub frames: u64,
    pub samples: Vec<Sampled>,
}

/// What some segments took at one quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sampled {
    /// In tenths of x264's CRF.
    pub quality: u32,
    pub frames: u64,
    pub bytes: u64,
}

/// The value of a `quality` action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reached {
    /// In tenths of x264's CRF.
    pub quality: u32,
    /// What all pictures will take by the samples.
    pub bytes: u64,
}

/// `sound`: the source sound of one clip as 16-bit PCM, interleaved (artifact 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SoundSpec {
    pub runs: Vec<SoundRun>,
    pub sample_rate: u32,
    pub channels: u16,
}

/// `samples` samples (per channel) from media time `start`; silence where the
/// file has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SoundRun {
    pub file: Digest,
    pub start: Timestamp,
    pub samples: u64,
}

/// `mix`: the sound of a whole output, mixed, limited and encoded: packets
/// (artifact 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MixSpec {
    pub sample_rate: u32,
    pub channels: u16,
    /// Length of the output in samples per channel.
    pub samples: u64,
    pub clips: Vec<MixClip>,
    pub music: Option<MixMusic>,
    /// True-peak ceiling in 1 / 100 dBTP, e.g. -100.
    pub ceiling: i32,
    pub encoder: AudioEncoder,
}

/// An encoder of sound and its options, complete.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AudioEncoder {
    /// FFmpeg's name, e.g. `aac`.
    pub name: String,
    /// Private and generic options in the order in which they are set.
    pub options: Vec<(String, String)>,
    /// Bits per second; 0 where the encoder has no choice.
    pub bit_rate: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MixClip {
    /// Artifact of a `sound` action; `None` for silence.
    pub sound: Option<Digest>,
    /// First sample in the output.
    pub at: u64,
    pub samples: u64,
    /// In 1 / 100 dB.
    pub gain: i32,
    /// Fade in and out at the cuts, in samples.
    pub fade: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MixMusic {
    /// Any audio file.
    pub file: Digest,
    /// Where in the file it starts.
    pub start: Timestamp,
    /// In 1 / 100 dB.
    pub gain: i32,
    /// At the start and the end of the output, in samples.
    pub fade_in: u32,
    pub fade_out: u32,
    /// Starts again when the file is shorter than the output.
    pub repeat: bool,
}

/// `join`: segments and sound to one file. Its artifact 0 is the output
/// itself, which is not kept a second time in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JoinSpec {
    pub format: VideoFormat,
    pub segments: Vec<Digest>,
    pub sound: Option<Digest>,
    /// FFmpeg's muxer name, e.g. `mp4` or `matroska`.
    pub container: String,
    pub chapters: Vec<(u32, String)>,
    pub title: Option<String>,
    /// When what is shown first was recorded, in UTC, in ms.
    pub date: Option<i64>,
    /// Where.
    pub location: Option<Position>,
}

/// `still`: one frame as a JPEG (artifact 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StillSpec {
    pub file: Digest,
    pub at: Timestamp,
    pub picture: SourcePicture,
    /// The upright picture fits into this.
    pub within: Size,
}

/// `copy`: the longest run of whole GOPs within a stretch of footage, as it is
/// in the file (artifact 0: packets, none where nothing can be copied) and a
/// [`Copied`] (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CopySpec {
    /// The stretch, in frames of the output.
    pub source: SourceRun,
    /// What the packets stand beside in the output.
    pub format: VideoFormat,
    /// FFmpeg's name of that codec.
    pub codec: String,
    /// Whether nothing else was asked for, so that people are told where it
    /// cannot be had.
    pub demanded: bool,
}

/// The value of a `copy` action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Copied {
    /// Of the stretch, the frames that were copied; none where `count` is 0.
    pub first: u32,
    pub count: u32,
    pub bytes: u64,
    /// Why there are no more.
    pub why: Option<String>,
}

/// `copy.sound`: the packets of a stretch of footage's sound, as they are in the
/// file (artifact 0: packets, none where they cannot be copied) and a
/// [`SoundCopied`] (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CopySoundSpec {
    pub file: Digest,
    /// Media time.
    pub start: Timestamp,
    pub length: Timestamp,
}

/// The value of a `copy.sound` action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SoundCopied {
    /// Why it was not copied.
    pub why: Option<String>,
}

/// `proxy`: a stretch of footage, in a small format, as a file of its own that is
/// read like footage (artifact 0: MP4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProxySpec {
    /// Without overlays.
    pub pictures: SegmentSpec,
}

/// `compare`: how like the pictures of an encoded file are to those that were
/// encoded: [`Compared`] (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CompareSpec {
    /// A file whose frame `n` is presented at `n / rate`.
    pub encoded: Digest,
    /// What its encoder was given, as in a [`SegmentSpec`].
    pub sources: Vec<SourceRun>,
    pub format: VideoFormat,
}

/// The value of a `compare` action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Compared {
    pub frames: u32,
    /// Of a sample.
    pub bits: u8,
    /// Luma, then chroma.
    pub planes: Vec<PlaneCompared>,
}

/// What one plane of all frames comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlaneCompared {
    /// The mean SSIM of the frames, in steps of 1 / 1,000,000,000.
    pub ssim: i64,
    /// The sum of all squared differences, in levels.
    pub squared: u64,
    pub samples: u64,
}
