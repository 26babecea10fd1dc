//! The manifest as the rest of autocut sees it: plain values, everything
//! defaulted and checked. Two manifests are equal when they ask for the same,
//! however they are written.

use std::hash::{Hash, Hasher};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::base::{Bytes, Diagnostic, FrameRate, Place, Timestamp, Unit, UtcTime};
use crate::manifest::expression::Fault;
use crate::model::Fit;
use crate::model::overlay::OverlaySpec;
use crate::model::specs::{Ban, LapRule, Pin, PrivatePlace};

/// A whole project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Of the manifest's format.
    pub version: u32,
    pub footage: Vec<FootageSet>,
    /// The one whose values count comes first.
    pub telemetry: Vec<TelemetrySource>,
    pub additions: Additions,
    pub music: Option<Music>,
    pub analysis: AnalysisSettings,
    pub detection: Option<Detection>,
    pub moments: Moments,
    /// Painted in this order.
    pub overlays: Vec<OverlayDecl>,
    pub outputs: Vec<OutputDecl>,
    pub store: StoreLimits,
}

impl Manifest {
    /// The files beside footage that it names (telemetry, music, model), each
    /// with the place to complain at.
    pub fn materials(&self) -> Vec<(String, At)> {
        let logs = self.telemetry.iter().filter(|log| log.camera.is_none());
        let telemetry = logs.map(|telemetry| (&telemetry.file, &telemetry.place));
        let music = self.music.iter().map(|music| (&music.file, &music.place));
        let model = self.detection.iter().map(|detection| (&detection.model, &detection.place));
        telemetry.chain(music).chain(model).map(|(file, place)| (file.clone(), place.clone())).collect()
    }

    /// The files and folders that its outputs write, relative to the project.
    pub fn places_written(&self) -> Vec<String> {
        self.outputs.iter().filter_map(OutputDecl::place_written).collect()
    }
}

/// Where in the manifest something is written. All are equal: where a thing
/// stands changes nothing of what it asks for, so a manifest that was only
/// formatted anew plans nothing anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct At(pub Place);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for At {}

impl Hash for At {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// The files of one camera.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FootageSet {
    /// The camera's name: the first part of its recordings' names.
    pub name: String,
    /// Globs relative to the project.
    pub files: Vec<String>,
    pub clock: Clock,
    pub fit: Fit,
    pub place: At,
}

/// How a camera's clock is put right.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Clock {
    /// Added to the camera's own clock.
    pub offset: Timestamp,
    /// When the first recording starts, whatever the camera says.
    pub start: Option<UtcTime>,
    /// What is seen in it, and when that happened.
    pub seen: Vec<Sighting>,
    /// By how much true time goes faster than the film's, in 1 / 1,000 of a part
    /// per million.
    pub drift: i32,
    /// Whether how much the picture moves is to be compared with the log.
    pub motion: bool,
    /// Whether the manifest says so: then nothing else is asked.
    pub stated: bool,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { offset: Timestamp::ZERO, start: None, seen: Vec::new(), drift: 0, motion: false, stated: false }
    }
}

/// What is seen at a time of a file, and when that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sighting {
    /// With or without its folder and ending.
    pub file: String,
    pub time: Timestamp,
    pub utc: UtcTime,
    /// Where the file and the time stand.
    pub place: At,
    pub time_place: At,
}

/// A log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TelemetrySource {
    /// Relative to the project; of a camera, what it is called.
    pub file: String,
    /// Where it lies in the footage of a camera, that.
    pub camera: Option<String>,
    /// Name in the table of telemetry formats, and its version.
    pub format: String,
    pub format_version: u32,
    /// The format's own parameters as JSON with a fixed order of fields.
    pub params: String,
    /// For a log that counts from its own start.
    pub start: Option<TelemetryStart>,
    /// Added to the log's own clock.
    pub offset: Timestamp,
    /// A span without samples longer than this is a gap, unless the log itself
    /// usually rests that long.
    pub gap: Timestamp,
    pub place: At,
}

/// When a log starts that does not say so itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TelemetryStart {
    Utc(UtcTime),
    /// Together with a recording: `front/GX010012`.
    Recording(String),
}

/// What the project adds to its telemetry, and takes from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Additions {
    /// By name.
    pub channels: Vec<OwnChannel>,
    /// By channel.
    pub zones: Vec<Zones>,
    pub laps: Option<LapRule>,
    pub laps_place: At,
    /// Where nothing has a position, in an order of their own.
    pub privacy: Vec<PrivatePlace>,
}

/// A channel that is computed from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnChannel {
    pub name: String,
    /// Its expression, which was read without a fault.
    pub text: String,
    /// What its values are to be in.
    pub unit: Option<Unit>,
    pub text_place: TextPlace,
    pub place: At,
}

/// Where an expression stands in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextPlace {
    pub whole: At,
    /// The start of each of its lines; none where it is written in another way
    /// than it reads (with escapes).
    pub lines: Vec<At>,
}

impl TextPlace {
    /// The place of a part of the text.
    fn place(&self, text: &str, span: &Range<usize>) -> Place {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count();
        let Some(At(start)) = self.lines.get(line) else { return self.whole.0.clone() };
        let from = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |part: Option<&str>| u32::try_from(part.map_or(0, |part| part.chars().count())).unwrap_or(0);
        let first = text.get(span.clone()).map(|part| part.lines().next().unwrap_or_default());
        Place { column: start.column + count(before.get(from..)), width: count(first).max(1), ..start.clone() }
    }

    /// What is wrong with the text, at its place.
    pub fn diagnostic(&self, text: &str, fault: &Fault) -> Diagnostic {
        let diagnostic = Diagnostic::input(fault.message.clone()).at(self.place(text, &fault.span));
        match &fault.hint {
            Some(hint) => diagnostic.hint(hint.clone()),
            None => diagnostic,
        }
    }
}

/// The zones of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zones {
    pub channel: String,
    /// What the bounds are in; `None`: as the channel is shown.
    pub unit: Option<Unit>,
    /// In thousandths, rising.
    pub bounds: Vec<i64>,
    pub place: At,
}

/// The music bed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Music {
    /// Relative to the project.
    pub file: String,
    /// In 1 / 100 dB.
    pub gain: i32,
    /// Where in the file it starts.
    pub start: Timestamp,
    pub fade_in: Timestamp,
    pub fade_out: Timestamp,
    /// Starts again when the file is shorter than the output.
    pub repeat: bool,
    pub place: At,
}

/// How footage is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AnalysisSettings {
    /// Pictures a second of footage.
    pub rate: FrameRate,
    /// Of the picture that is looked at, in pixels.
    pub width: u32,
    /// Whether all of the footage is decoded also where less would do.
    pub exact: bool,
}

/// An object detector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Detection {
    /// An ONNX file, relative to the project.
    pub model: String,
    /// In the order of the model's outputs.
    pub classes: Vec<String>,
    /// Least confidence, in steps of 1 / 10,000.
    pub threshold: u16,
    /// Boxes of a class that overlap more are one, in steps of 1 / 10,000.
    pub overlap: u16,
    /// Pictures a second of footage.
    pub rate: FrameRate,
    pub place: At,
}

/// How moments are chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Moments {
    pub length: Timestamp,
    /// How much of `length` lies before the scored peak.
    pub pre_roll: Timestamp,
    /// Of all moments together.
    pub total: Timestamp,
    /// Least time between the end of one and the start of the next.
    pub gap: Timestamp,
    /// Distance between candidates.
    pub step: Timestamp,
    /// Signal or channel and its weight in steps of 1 / 1,000, by name.
    pub weights: Vec<(String, i32)>,
    pub pins: Vec<Pin>,
    pub bans: Vec<Ban>,
    /// Where each of `pins` and of `bans` is written.
    pub pin_places: Vec<At>,
    /// And each of `weights`, where they are written.
    pub weight_places: Vec<(String, At)>,
    pub ban_places: Vec<At>,
}

/// How much the store may keep, where the manifest says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StoreLimits {
    pub limit: Option<Bytes>,
    pub age: Option<Timestamp>,
}

/// An overlay.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OverlayDecl {
    pub name: String,
    pub spec: OverlaySpec,
    pub place: At,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutputDecl {
    pub name: String,
    /// Name in the table of output kinds, and its version.
    pub kind: String,
    pub version: u32,
    /// The kind's own parameters as JSON with a fixed order of fields.
    pub params: String,
    /// The overlays that it shows, by name, in the order in which they are
    /// declared.
    pub overlays: Vec<String>,
    pub place: At,
}

impl OutputDecl {
    /// The file or the folder that it writes, relative to the project: its
    /// parameter `file` or `folder`.
    pub fn place_written(&self) -> Option<String> {
        let params: serde_json::Value = serde_json::from_str(&self.params).ok()?;
        ["file", "folder"].iter().find_map(|field| params.get(field)?.as_str()).map(str::to_owned)
    }
}
