//! Actions: what can be computed, its key, and what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Digest;
use crate::model::alignment::Alignment;
use crate::model::footage::MediaInfo;
use crate::model::key::{ActionKey, KeyFields};
use crate::model::moment::Chosen;
use crate::model::overlay::Drawn;
use crate::model::specs::*;
use crate::model::telemetry::TelemetrySummary;
use crate::model::toolchain::{Tool, Toolchain};

/// A complete description of one piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ActionSpec {
    Probe(ProbeSpec),
    Analyse(AnalyseSpec),
    Detect(DetectSpec),
    ImportTelemetry(ImportSpec),
    CleanTelemetry(CleanSpec),
    Choose(ChooseSpec),
    Show(ShowSpec),
    Draw(DrawSpec),
    Segment(SegmentSpec),
    Sound(SoundSpec),
    Mix(MixSpec),
    Join(JoinSpec),
    Still(StillSpec),
    Quality(QualitySpec),
    Copy(CopySpec),
    CopySound(CopySoundSpec),
    Proxy(ProxySpec),
    Compare(CompareSpec),
    MergeTelemetry(MergeSpec),
    Locate(LocateSpec),
    Extract(ExtractSpec),
    Align(AlignSpec),
    Export(ExportSpec),
    CompleteTelemetry(CompleteSpec),
}

/// Where a kind's work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// In `autocut` itself: pure Rust, no media.
    Inline,
    /// In a worker process of `autocut-media`.
    Media,
}

/// What all actions of one kind have in common.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    /// Raised whenever the same spec would give other bytes
    /// (tests/kinds.rs holds it to that).
    pub version: u32,
    pub runs: Runs,
    /// The libraries whose identity is in the key, besides that of the encoder
    /// that a spec names (see [`ActionSpec::encoder`]).
    pub tools: &'static [Tool],
    /// What it holds in memory at most with pictures of 1920 x 1080, in MiB, for
    /// admission until some of its actions were measured.
    pub memory: u32,
    /// How long its worker may get nothing done before it counts as stuck.
    pub deadline: Duration,
    /// For summaries: singular and plural of what it makes.
    pub product: (&'static str, &'static str),
    /// How many artifacts its results have.
    pub artifacts: usize,
    /// Whether bytes are a value of its type.
    reads_as: fn(&[u8]) -> bool,
}

/// A disk that has to spin up, or a decoder that works through one picture on a
/// machine that has much else to do, takes less.
const STUCK: Duration = Duration::from_secs(120);

/// A large network is made ready, and looks at each picture, in one piece.
const SLOW: Duration = Duration::from_secs(600);

fn value<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> bool {
    super::decode::<T>(bytes).is_some()
}

/// Of kinds without a value.
fn nothing(bytes: &[u8]) -> bool {
    bytes.is_empty()
}

const PROBE: Kind = Kind {
    name: "probe",
    version: 7,
    runs: Runs::Media,
    tools: &[Tool::Demux],
    memory: 60,
    deadline: STUCK,
    product: ("file probed", "files probed"),
    artifacts: 0,
    reads_as: value::<MediaInfo>,
};
const ANALYSE: Kind = Kind {
    name: "analyse",
    version: 4,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale],
    memory: 150,
    deadline: STUCK,
    product: ("analysis", "analyses"),
    artifacts: 1,
    reads_as: nothing,
};
const DETECT: Kind = Kind {
    name: "detect",
    version: 4,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale, Tool::Inference],
    memory: 600,
    deadline: SLOW,
    product: ("detection", "detections"),
    artifacts: 2,
    reads_as: nothing,
};
const IMPORT: Kind = Kind {
    name: "telemetry.import",
    version: 4,
    runs: Runs::Inline,
    tools: &[],
    memory: 100,
    deadline: STUCK,
    product: ("log imported", "logs imported"),
    artifacts: 1,
    reads_as: value::<TelemetrySummary>,
};
const CLEAN: Kind = Kind {
    name: "telemetry.clean",
    version: 5,
    runs: Runs::Inline,
    tools: &[],
    memory: 100,
    deadline: STUCK,
    product: ("log cleaned", "logs cleaned"),
    artifacts: 1,
    reads_as: value::<TelemetrySummary>,
};
const LOCATE: Kind = Kind {
    name: "locate",
    version: 1,
    runs: Runs::Inline,
    tools: &[],
    memory: 100,
    deadline: STUCK,
    product: ("place looked up", "places looked up"),
    artifacts: 1,
    reads_as: value::<Option<Position>>,
};
const MERGE: Kind = Kind {
    name: "telemetry.merge",
    version: 3,
    runs: Runs::Inline,
    tools: &[],
    memory: 200,
    deadline: STUCK,
    product: ("log merged", "logs merged"),
    artifacts: 1,
    reads_as: value::<TelemetrySummary>,
};
const CHOOSE: Kind = Kind {
    name: "choose",
    version: 2,
    runs: Runs::Inline,
    tools: &[],
    memory: 50,
    deadline: STUCK,
    product: ("choice of moments", "choices of moments"),
    artifacts: 1,
    reads_as: value::<Chosen>,
};
const SHOW: Kind = Kind {
    name: "show",
    version: 1,
    runs: Runs::Inline,
    tools: &[],
    memory: 20,
    deadline: STUCK,
    product: ("overlay planned", "overlays planned"),
    artifacts: 1,
    reads_as: nothing,
};
const DRAW: Kind = Kind {
    name: "draw",
    version: 1,
    runs: Runs::Inline,
    tools: &[],
    memory: 60,
    deadline: STUCK,
    product: ("overlay drawn", "overlays drawn"),
    artifacts: 1,
    reads_as: value::<Drawn>,
};
const SEGMENT: Kind = Kind {
    name: "segment",
    version: 4,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale],
    memory: 240,
    deadline: STUCK,
    product: ("segment rendered", "segments rendered"),
    artifacts: 1,
    reads_as: value::<SegmentInfo>,
};
const SOUND: Kind = Kind {
    name: "sound",
    version: 3,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Resample],
    memory: 80,
    deadline: STUCK,
    product: ("sound extracted", "sounds extracted"),
    artifacts: 1,
    reads_as: nothing,
};
const MIX: Kind = Kind {
    name: "mix",
    version: 3,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Resample],
    memory: 80,
    deadline: STUCK,
    product: ("mix", "mixes"),
    artifacts: 1,
    reads_as: nothing,
};
const JOIN: Kind = Kind {
    name: "join",
    version: 1,
    runs: Runs::Media,
    tools: &[Tool::Mux],
    memory: 80,
    deadline: STUCK,
    product: ("file joined", "files joined"),
    artifacts: 1,
    reads_as: nothing,
};
const STILL: Kind = Kind {
    name: "still",
    version: 4,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale, Tool::Jpeg],
    memory: 100,
    deadline: STUCK,
    product: ("still", "stills"),
    artifacts: 1,
    reads_as: nothing,
};

const QUALITY: Kind = Kind {
    name: "quality",
    version: 1,
    runs: Runs::Inline,
    tools: &[],
    memory: 10,
    deadline: STUCK,
    product: ("quality chosen", "qualities chosen"),
    artifacts: 1,
    reads_as: value::<Reached>,
};

const COPY: Kind = Kind {
    name: "copy",
    version: 4,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode],
    // Nothing but a packet, unless what was copied has to be decoded too.
    memory: 100,
    deadline: STUCK,
    product: ("stretch copied", "stretches copied"),
    artifacts: 1,
    reads_as: value::<Copied>,
};

const COPY_SOUND: Kind = Kind {
    name: "copy.sound",
    version: 1,
    runs: Runs::Media,
    tools: &[Tool::Demux],
    memory: 40,
    deadline: STUCK,
    product: ("sound copied", "sounds copied"),
    artifacts: 1,
    reads_as: value::<SoundCopied>,
};

const PROXY: Kind = Kind {
    name: "proxy",
    version: 2,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale, Tool::Mux],
    memory: 200,
    deadline: STUCK,
    product: ("proxy", "proxies"),
    artifacts: 1,
    reads_as: nothing,
};
const COMPARE: Kind = Kind {
    name: "compare",
    version: 1,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale],
    memory: 200,
    deadline: STUCK,
    product: ("comparison", "comparisons"),
    artifacts: 0,
    reads_as: value::<Compared>,
};

const EXTRACT: Kind = Kind {
    name: "extract",
    version: 1,
    runs: Runs::Media,
    tools: &[Tool::Demux],
    memory: 60,
    deadline: STUCK,
    product: ("telemetry track extracted", "telemetry tracks extracted"),
    artifacts: 1,
    reads_as: nothing,
};
const ALIGN: Kind = Kind {
    name: "telemetry.align",
    version: 3,
    runs: Runs::Inline,
    tools: &[],
    memory: 200,
    deadline: STUCK,
    product: ("clock aligned", "clocks aligned"),
    artifacts: 1,
    reads_as: value::<Alignment>,
};

const EXPORT: Kind = Kind {
    name: "telemetry.export",
    version: 1,
    runs: Runs::Inline,
    tools: &[],
    memory: 100,
    deadline: STUCK,
    product: ("telemetry file written", "telemetry files written"),
    artifacts: 1,
    reads_as: nothing,
};
const COMPLETE: Kind = Kind {
    name: "telemetry.complete",
    version: 3,
    runs: Runs::Inline,
    tools: &[],
    memory: 80,
    deadline: STUCK,
    product: ("log completed", "logs completed"),
    artifacts: 1,
    reads_as: value::<TelemetrySummary>,
};

/// Every kind, in the order of [`ActionSpec`]'s variants.
pub const KINDS: &[&Kind] = &[
    &PROBE,
    &ANALYSE,
    &DETECT,
    &IMPORT,
    &CLEAN,
    &CHOOSE,
    &SHOW,
    &DRAW,
    &SEGMENT,
    &SOUND,
    &MIX,
    &JOIN,
    &STILL,
    &QUALITY,
    &COPY,
    &COPY_SOUND,
    &PROXY,
    &COMPARE,
    &MERGE,
    &LOCATE,
    &EXTRACT,
    &ALIGN,
    &EXPORT,
    &COMPLETE,
];

impl Kind {
    /// Whether what it makes goes to an output of the user's and is not kept in
    /// the store as well.
    pub fn writes_output(&self) -> bool {
        [JOIN.name, EXPORT.name].contains(&self.name)
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name).copied()
    }

    /// Whether a result with so many artifacts and this value can be one of its
    /// own: whatever rests on it may go by that.
    pub fn fits(&self, artifacts: usize, value: &[u8]) -> bool {
        artifacts == self.artifacts && (self.reads_as)(value)
    }
}

impl ActionSpec {
    pub fn kind(&self) -> &'static Kind {
        match self {
            ActionSpec::Probe(_) => &PROBE,
            ActionSpec::Analyse(_) => &ANALYSE,
            ActionSpec::Detect(_) => &DETECT,
            ActionSpec::ImportTelemetry(_) => &IMPORT,
            ActionSpec::CleanTelemetry(_) => &CLEAN,
            ActionSpec::Choose(_) => &CHOOSE,
            ActionSpec::Show(_) => &SHOW,
            ActionSpec::Draw(_) => &DRAW,
            ActionSpec::Segment(_) => &SEGMENT,
            ActionSpec::Sound(_) => &SOUND,
            ActionSpec::Mix(_) => &MIX,
            ActionSpec::Join(_) => &JOIN,
            ActionSpec::Still(_) => &STILL,
            ActionSpec::Copy(_) => &COPY,
            ActionSpec::CopySound(_) => &COPY_SOUND,
            ActionSpec::Proxy(_) => &PROXY,
            ActionSpec::Compare(_) => &COMPARE,
            ActionSpec::Quality(_) => &QUALITY,
            ActionSpec::MergeTelemetry(_) => &MERGE,
            ActionSpec::Locate(_) => &LOCATE,
            ActionSpec::Extract(_) => &EXTRACT,
            ActionSpec::Align(_) => &ALIGN,
            ActionSpec::Export(_) => &EXPORT,
            ActionSpec::CompleteTelemetry(_) => &COMPLETE,
        }
    }

    /// The encoder that the spec names, whose identity is in the key too.
    pub fn encoder(&self) -> Option<&str> {
        match self {
            ActionSpec::Segment(s) => Some(&s.encoder.name),
            ActionSpec::Proxy(s) => Some(&s.pictures.encoder.name),
            ActionSpec::Mix(s) => Some(&s.encoder.name),
            _ => None,
        }
    }

    /// The digests of the files that the action reads, in a fixed order.
    /// (A segment's sprites are read from packs, which are not named here.)
    pub fn inputs(&self) -> Vec<Digest> {
        match self {
            ActionSpec::Probe(s) => vec![s.file],
            ActionSpec::Analyse(s) => vec![s.file],
            ActionSpec::Detect(s) => vec![s.file, s.model],
            ActionSpec::ImportTelemetry(s) => vec![s.file],
            ActionSpec::CleanTelemetry(s) => vec![s.telemetry],
            ActionSpec::Choose(s) => {
                let signals = s.recordings.iter().flat_map(|r| &r.chapters).flat_map(|c| c.signals.iter().copied());
                s.telemetry.iter().copied().chain(signals).collect()
            }
            ActionSpec::Show(s) => s.telemetry.iter().copied().collect(),
            ActionSpec::Draw(s) => vec![s.shown],
            ActionSpec::Segment(s) => s.sources.iter().map(|run| run.file).collect(),
            ActionSpec::Sound(s) => s.runs.iter().map(|run| run.file).collect(),
            ActionSpec::Mix(s) => {
                let clips = s.clips.iter().filter_map(|clip| clip.sound);
                clips.chain(s.music.iter().map(|music| music.file)).collect()
            }
            ActionSpec::Join(s) => s.segments.iter().copied().chain(s.sound).collect(),
            ActionSpec::Still(s) => vec![s.file],
            ActionSpec::Quality(_) => Vec::new(),
            ActionSpec::Locate(s) => vec![s.telemetry],
            ActionSpec::Export(s) => vec![s.telemetry],
            ActionSpec::MergeTelemetry(s) => s.logs.iter().map(|log| log.telemetry).collect(),
            ActionSpec::CompleteTelemetry(s) => vec![s.telemetry],
            ActionSpec::Extract(s) => vec![s.file],
            ActionSpec::Align(s) => {
                let chapters = || s.recordings.iter().flat_map(|recording| &recording.chapters);
                let payloads = chapters().filter_map(|chapter| chapter.payloads);
                let motion = chapters().flat_map(|chapter| chapter.motion.iter().copied());
                payloads.chain(motion).chain(s.log.iter().map(|log| log.telemetry)).collect()
            }
            ActionSpec::Copy(s) => vec![s.source.file],
            ActionSpec::CopySound(s) => vec![s.file],
            ActionSpec::Proxy(s) => s.pictures.sources.iter().map(|run| run.file).collect(),
            ActionSpec::Compare(s) => [s.encoded].into_iter().chain(s.sources.iter().map(|run| run.file)).collect(),
        }
    }

    /// The key under which the result is remembered.
    pub fn key(&self, toolchain: &Toolchain) -> ActionKey {
        KeyFields::of(self, toolchain).key()
    }
}

/// An action as it is planned.
#[derive(Clone, Debug, Eq)]
pub struct PlannedAction {
    pub key: ActionKey,
    /// What it is about, stable over edits: `reel/front/GX010012@192.0s/segment/2`.
    pub node: String,
    pub spec: ActionSpec,
    /// Sprite packs of a segment: found by content, so not part of the key.
    pub packs: Vec<Digest>,
    /// Where the output of a join or an export goes, relative to the project.
    pub output: Option<String>,
}

/// The key stands for the spec.
impl PartialEq for PlannedAction {
    fn eq(&self, other: &Self) -> bool {
        (self.key, &self.node, &self.packs, &self.output) == (other.key, &other.node, &other.packs, &other.output)
    }
}

/// What an action made, as the store remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ActionResult {
    pub artifacts: Vec<Artifact>,
    /// Encoded; see the kind's spec for its type.
    pub value: Vec<u8>,
    /// What people should be told each time the result is used.
    pub warnings: Vec<String>,
}

/// A file in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Artifact {
    pub digest: Digest,
    pub bytes: u64,
}

impl ActionResult {
    /// The value, decoded; `None` where it is of another type.
    pub fn value<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        super::decode(&self.value)
    }
}
