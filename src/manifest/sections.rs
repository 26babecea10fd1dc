//! The sections of a manifest as they are written. Kinds that stand in tables
//! are not here: [`load`](mod@crate::manifest::load) reads those.

use serde::{Deserialize, Serialize};

use crate::base::{Bytes, FrameRate, Timestamp, UtcTime};
use crate::manifest::checker::Checker;
use crate::manifest::manifest::{At, Clock, TelemetryStart};
use crate::manifest::schema::{FromNode, Schema, StructDoc, mismatch, schema};
use crate::manifest::tree::{Node, Value, quoted};
use crate::manifest::values::{Decibels, Position, Ratio, Weight, is_recording};
use crate::model::Fit;
use std::collections::BTreeMap;

schema! {
    /// The files of one camera. A pattern alone, or a list of patterns, is
    /// short for it.
    ///
    /// ```ron
    /// Footage(files: ["front/*.MP4", "front/*.mov"], clock: "+01:00:00", fit: Fill)
    /// ```
    pub struct FootageFields = "Footage" {
        /// The files, relative to the project: `*` matches within a folder,
        /// `**` any folders, `?` a character, `{a,b}` either.
        files: Patterns,
        /// Puts the camera's clock right: what is added to it, the instant at
        /// which its first recording starts, or what is seen in it and when that
        /// happened. Without it the clock is found, by GPS times, the log's speed
        /// or the time zone; `autocut explain clock` shows how, to be pinned. `"0s"`
        /// says that the camera is right.
        clock: Clock = Clock::default(),
        /// What happens to a picture that has another shape than the output.
        fit: Fit = Fit::Blur,
    }
}

schema! {
    /// Music under the whole output. The file's name alone is short for it.
    ///
    /// ```ron
    /// Music(file: "song.mp3", gain: "-9 dB", start: "12s")
    /// ```
    pub struct MusicFields = "Music" {
        /// An audio file, relative to the project.
        file: FileName,
        /// How loud it is.
        gain: Decibels = Decibels(-1_200),
        /// Where in the file it starts.
        start: Timestamp = Timestamp::ZERO,
        /// How long it swells at the start of the output.
        fade_in: Timestamp = Timestamp::from_seconds(1),
        /// How long it fades at the end of the output.
        fade_out: Timestamp = Timestamp::from_seconds(3),
        /// Whether it starts again where it is shorter than the output.
        repeat: bool = true,
    }
}

schema! {
    /// How footage is looked at to find moments.
    ///
    /// ```ron
    /// Analysis(rate: 2, width: 480)
    /// ```
    pub struct AnalysisFields = "Analysis", check = AnalysisFields::check {
        /// Pictures that are looked at in a second of footage.
        rate: FrameRate = FrameRate::per_second(4),
        /// Width in pixels to which they are made smaller, from 64 to 1920.
        width: u32 = 320,
        /// Whether all of the footage is decoded also where `scene_change` is the
        /// only signal of pictures that is weighed. Else it is looked for between key
        /// frames that differ, which is several times as fast and misses only what
        /// cuts away and back between two of them.
        exact: bool = false,
    }
}

impl AnalysisFields {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if !(64..=1_920).contains(&self.width) {
            let span = node.field("width").map_or(node.span, |width| width.span);
            checker.error_with_hint(
                span,
                format!("a width of {} is out of range", self.width),
                "it lies from 64 to 1920",
            );
        }
    }
}

schema! {
    /// An object detector: its scores are signals that a weight can name, e.g.
    /// `"detect:bicycle"`. It runs where a weight names one of its classes.
    ///
    /// ```ron
    /// Detection(model: "yolo.onnx", classes: ["person", "bicycle", "car"], threshold: 0.4)
    /// ```
    pub struct DetectionFields = "Detection", check = DetectionFields::check {
        /// A YOLO-shaped ONNX model, relative to the project.
        model: FileName,
        /// The names of its classes, in the order of its outputs.
        classes: Vec<String>,
        /// Least confidence of an object.
        threshold: Ratio = Ratio::percent(25),
        /// Boxes of one class that overlap more than this are one object.
        overlap: Ratio = Ratio::percent(45),
        /// Pictures that are looked at in a second of footage.
        rate: FrameRate = FrameRate::per_second(2),
    }
}

impl DetectionFields {
    fn check(&self, node: &Node, checker: &mut Checker) {
        let Some(Node { value: Value::Seq(items), span, .. }) = node.field("classes") else { return };
        if items.is_empty() {
            checker.error_with_hint(*span, "a detector has at least one class", "name them: [\"bicycle\", \"car\"]");
        }
        for (at, class) in self.classes.iter().enumerate() {
            if self.classes[..at].contains(class) {
                checker.error(items[at].span, format!("class {} is named twice", quoted(class)));
            }
        }
    }
}

schema! {
    /// How moments are chosen from the footage.
    ///
    /// ```ron
    /// Moments(
    ///     length: "4s",
    ///     total: "2min",
    ///     weights: {"speed": 0.5, "|gradient|": 0.25, "motion": 0.25},
    ///     pins: ["front/GX010012@192.0s"],
    /// )
    /// ```
    pub struct MomentsFields = "Moments" {
        /// How long a moment is.
        length: Timestamp = Timestamp::from_millis(3_500),
        /// How much of it lies before its peak.
        pre_roll: Timestamp = Timestamp::from_millis(500),
        /// How long all moments are together, at most.
        total: Timestamp = Timestamp::from_seconds(300),
        /// Least time between the end of one moment and the start of the next.
        gap: Timestamp = Timestamp::from_seconds(10),
        /// How far apart the moments are that are tried.
        step: Timestamp = Timestamp::from_millis(500),
        /// How much each signal and channel counts: `motion`, `sharpness`,
        /// `exposure`, `scene_change`, `detect:CLASS`, or a channel of the
        /// telemetry, or what a log is looked through for: `new_maximum(CHANNEL)`,
        /// `summit`, `descent`, `lap_start`, `event`. `|gradient|` weighs the
        /// absolute value. Left out: motion
        /// 0.3, sharpness 0.2, exposure and scene_change 0.1; with telemetry
        /// also speed and |gradient| 0.2; with a detector 0.3 over its classes.
        weights: Option<BTreeMap<String, Weight>> = None,
        /// Moments that must be shown.
        pins: Vec<PinValue> = Vec::new(),
        /// What must not be shown.
        bans: Vec<BanValue> = Vec::new(),
    }
}

schema! {
    /// A moment that must be shown. The position alone is short for it.
    ///
    /// ```ron
    /// Pin(at: "front/GX010012@00:03:12", length: "6s")
    /// ```
    pub struct PinFields = "Pin" {
        /// Where it starts.
        at: Position,
        /// How long it is; left out: as long as every moment.
        length: Option<Timestamp> = None,
    }
}

schema! {
    /// A stretch that must not be shown. A position alone bans a moment's
    /// length from there, the name of a recording alone bans all of it.
    ///
    /// ```ron
    /// Ban(from: "front/GX010012@30s", length: "1min")
    /// ```
    pub struct BanFields = "Ban" {
        /// Where it starts.
        from: Position,
        /// How long it is; left out: as long as every moment.
        length: Option<Timestamp> = None,
    }
}

schema! {
    /// How much the store may keep of what earlier builds made. What the outputs
    /// need now always stays. `autocut gc` takes other limits on its command
    /// line.
    ///
    /// ```ron
    /// Store(limit: "20GiB", age: "30d")
    /// ```
    pub struct StoreFields = "Store", check = StoreFields::check {
        /// Size of the whole store; what was not used for longest goes first.
        /// Left out: 50 GiB or a fifth of its disk, whichever is less.
        limit: Option<Bytes> = None,
        /// What was not used for longer goes even where there is room.
        age: Option<Timestamp> = None,
    }
}

impl StoreFields {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if self.age.is_some_and(|age| age <= Timestamp::ZERO) {
            let span = node.field("age").map_or(node.span, |age| age.span);
            checker.error(span, "an age is more than 0");
        }
    }
}

/// The struct, or what is short for it.
fn or_short<T: Schema, S: FromNode>(
    node: &Node,
    checker: &mut Checker,
    is_short: fn(&Value) -> bool,
    lengthen: impl FnOnce(S) -> T,
) -> Option<T> {
    if is_short(&node.value) { S::from_node(node, checker).map(lengthen) } else { T::from_node(node, checker) }
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::Text(_))
}

pub(crate) fn footage(node: &Node, checker: &mut Checker) -> Option<FootageFields> {
    let is_short = |value: &Value| matches!(value, Value::Text(_) | Value::Seq(_));
    let lengthen = |files| FootageFields { files, clock: Clock::default(), fit: Fit::Blur };
    or_short(node, checker, is_short, lengthen)
}

pub(crate) fn music(node: &Node, checker: &mut Checker) -> Option<MusicFields> {
    let empty = MusicFields {
        file: FileName(String::new()),
        gain: Decibels(-1_200),
        start: Timestamp::ZERO,
        fade_in: Timestamp::from_seconds(1),
        fade_out: Timestamp::from_seconds(3),
        repeat: true,
    };
    or_short(node, checker, is_text, |file| MusicFields { file, ..empty })
}

/// One glob or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Patterns(pub Vec<String>);

impl FromNode for Patterns {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let items = match &node.value {
            Value::Seq(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if items.is_empty() {
            checker.error_with_hint(node.span, "no files are named", "name a pattern: \"footage/*.MP4\"");
            return None;
        }
        let read: Vec<Option<String>> = items.iter().map(|item| pattern(item, checker)).collect();
        read.into_iter().collect::<Option<_>>().map(Patterns)
    }

    fn expects() -> String {
        "a pattern such as \"footage/front/*.MP4\", or a list of them".to_owned()
    }
}

fn pattern(node: &Node, checker: &mut Checker) -> Option<String> {
    let FileName(text) = FileName::from_node(node, checker)?;
    match globset::GlobBuilder::new(&text).literal_separator(true).build() {
        Ok(_) => Some(text),
        Err(error) => {
            let message = format!("{} is not a pattern: {}", quoted(&text), error.kind());
            checker.error_with_hint(node.span, message, "put a character that is meant itself in brackets: `[[]`");
            None
        }
    }
}

/// The path of a file, relative to the project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(pub String);

impl FromNode for FileName {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let text = String::from_node(node, checker)?;
        if text.trim().is_empty() {
            checker.error(node.span, "no file is named");
            return None;
        }
        if text.contains('\\') {
            let message = format!("{} has a backslash", quoted(&text));
            checker.error_with_hint(node.span, message, format!("write \"{}\"", text.replace('\\', "/")));
            return None;
        }
        Some(FileName(text))
    }

    fn expects() -> String {
        "a path relative to the project".to_owned()
    }
}

/// The logs that stand in the section `telemetry`: one, or a list of them.
pub(crate) fn log_nodes(project: &Node) -> &[Node] {
    match project.field("telemetry") {
        Some(Node { name: None, value: Value::Seq(logs), .. }) => logs,
        Some(Node { name: None, value: Value::Ident(none), .. }) if none == "None" => &[],
        Some(log) => std::slice::from_ref(log),
        None => &[],
    }
}

/// Whether a text starts with a date, as an instant does and a time does not.
pub(super) fn dated(text: &str) -> bool {
    let start = text.trim_start().as_bytes();
    start.len() > 4 && start[..4].iter().all(u8::is_ascii_digit) && start[4] == b'-'
}

impl FromNode for TelemetryStart {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        match &node.value {
            Value::Text(text) if is_recording(text) && !dated(text) => Some(TelemetryStart::Recording(text.clone())),
            Value::Text(_) => UtcTime::from_node(node, checker).map(TelemetryStart::Utc),
            _ => {
                mismatch::<Self>(node, checker);
                None
            }
        }
    }

    fn expects() -> String {
        "an instant such as \"2024-06-01T10:00:00Z\", or a recording such as \"front/GX010012\"".to_owned()
    }
}

/// A [`PinFields`] with its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PinValue {
    pub fields: PinFields,
    pub place: At,
}

impl FromNode for PinValue {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let fields = or_short(node, checker, is_text, |at| PinFields { at, length: None })?;
        positive_length(node, fields.length, checker)?;
        Some(PinValue { fields, place: At(checker.place(node.span)) })
    }

    fn expects() -> String {
        "a position such as \"front/GX010012@192.0s\", or `Pin(...)`".to_owned()
    }

    fn parts() -> Vec<StructDoc> {
        PinFields::parts()
    }
}

/// What a [`BanFields`] bans, with its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BanValue {
    pub recording: String,
    /// From where, and how long where that is said; `None` bans all of it.
    pub stretch: Option<(Timestamp, Option<Timestamp>)>,
    pub place: At,
}

impl FromNode for BanValue {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let place = At(checker.place(node.span));
        if let Value::Text(text) = &node.value
            && !text.contains('@')
            && is_recording(text)
        {
            return Some(BanValue { recording: text.trim().to_owned(), stretch: None, place });
        }
        let fields = or_short(node, checker, is_text, |from| BanFields { from, length: None })?;
        positive_length(node, fields.length, checker)?;
        Some(BanValue { recording: fields.from.recording, stretch: Some((fields.from.time, fields.length)), place })
    }

    fn expects() -> String {
        "a position such as \"front/GX010012@192.0s\", a recording such as \"front/GX010012\", or `Ban(...)`".to_owned()
    }

    fn parts() -> Vec<StructDoc> {
        BanFields::parts()
    }
}

/// Reports the field `length` of a node where it is not more than nothing.
fn positive_length(node: &Node, length: Option<Timestamp>, checker: &mut Checker) -> Option<()> {
    let wrong = length.is_some_and(|length| length <= Timestamp::ZERO);
    if wrong {
        let span = node.field("length").map_or(node.span, |length| length.span);
        checker.error(span, "a length is more than 0");
    }
    (!wrong).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parser::parse;

    fn check<T: Schema>() {
        let example = T::DOC.split("```").nth(1).and_then(|block| block.strip_prefix("ron")).unwrap();
        let mut checker = Checker::new(std::path::Path::new("example"), example);
        let read = T::from_node(&parse(example).unwrap(), &mut checker);
        assert!(read.is_some() && checker.finish().0.is_empty(), "{example}");
    }

    #[test]
    fn examples_are_right() {
        check::<FootageFields>();
        check::<crate::manifest::clock::ClockFields>();
        check::<MusicFields>();
        check::<AnalysisFields>();
        check::<DetectionFields>();
        check::<MomentsFields>();
        check::<PinFields>();
        check::<BanFields>();
        check::<StoreFields>();
    }
}
