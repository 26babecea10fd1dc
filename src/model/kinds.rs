//! The kinds of actions, and what all actions of one kind have in common.

use std::time::Duration;

use crate::model::alignment::Alignment;
use crate::model::footage::MediaInfo;
use crate::model::moment::Chosen;
use crate::model::overlay::Drawn;
use crate::model::specs::{Compared, Copied, Position, Reached, SegmentInfo, SoundCopied};
use crate::model::telemetry::TelemetrySummary;
use crate::model::toolchain::Tool;

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

pub(super) const PROBE: Kind = Kind {
    name: "probe",
    version: 9,
    runs: Runs::Media,
    tools: &[Tool::Demux],
    memory: 60,
    deadline: STUCK,
    product: ("file probed", "files probed"),
    artifacts: 0,
    reads_as: value::<MediaInfo>,
};
pub(super) const ANALYSE: Kind = Kind {
    name: "analyse",
    version: 5,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale],
    memory: 150,
    deadline: STUCK,
    product: ("analysis", "analyses"),
    artifacts: 1,
    reads_as: nothing,
};
pub(super) const DETECT: Kind = Kind {
    name: "detect",
    version: 5,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale, Tool::Inference],
    memory: 600,
    deadline: SLOW,
    product: ("detection", "detections"),
    artifacts: 2,
    reads_as: nothing,
};
pub(super) const IMPORT: Kind = Kind {
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
pub(super) const CLEAN: Kind = Kind {
    name: "telemetry.clean",
    version: 6,
    runs: Runs::Inline,
    tools: &[],
    memory: 100,
    deadline: STUCK,
    product: ("log cleaned", "logs cleaned"),
    artifacts: 1,
    reads_as: value::<TelemetrySummary>,
};
pub(super) const LOCATE: Kind = Kind {
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
pub(super) const MERGE: Kind = Kind {
    name: "telemetry.merge",
    version: 4,
    runs: Runs::Inline,
    tools: &[],
    memory: 200,
    deadline: STUCK,
    product: ("log merged", "logs merged"),
    artifacts: 1,
    reads_as: value::<TelemetrySummary>,
};
pub(super) const CHOOSE: Kind = Kind {
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
pub(super) const SHOW: Kind = Kind {
    name: "show",
    version: 2,
    runs: Runs::Inline,
    tools: &[],
    memory: 20,
    deadline: STUCK,
    product: ("overlay planned", "overlays planned"),
    artifacts: 1,
    reads_as: nothing,
};
pub(super) const DRAW: Kind = Kind {
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
pub(super) const SEGMENT: Kind = Kind {
    name: "segment",
    version: 5,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale],
    memory: 240,
    deadline: STUCK,
    product: ("segment rendered", "segments rendered"),
    artifacts: 1,
    reads_as: value::<SegmentInfo>,
};
pub(super) const SOUND: Kind = Kind {
    name: "sound",
    version: 4,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Resample],
    memory: 80,
    deadline: STUCK,
    product: ("sound extracted", "sounds extracted"),
    artifacts: 1,
    reads_as: nothing,
};
pub(super) const MIX: Kind = Kind {
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
pub(super) const JOIN: Kind = Kind {
    name: "join",
    version: 3,
    runs: Runs::Media,
    tools: &[Tool::Mux],
    memory: 80,
    deadline: STUCK,
    product: ("file joined", "files joined"),
    artifacts: 1,
    reads_as: nothing,
};
pub(super) const STILL: Kind = Kind {
    name: "still",
    version: 5,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale, Tool::Jpeg],
    memory: 100,
    deadline: STUCK,
    product: ("still", "stills"),
    artifacts: 1,
    reads_as: nothing,
};

pub(super) const QUALITY: Kind = Kind {
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

pub(super) const COPY: Kind = Kind {
    name: "copy",
    version: 5,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode],
    // Nothing but a packet, unless what was copied has to be decoded too.
    memory: 100,
    deadline: STUCK,
    product: ("stretch copied", "stretches copied"),
    artifacts: 1,
    reads_as: value::<Copied>,
};

pub(super) const COPY_SOUND: Kind = Kind {
    name: "copy.sound",
    version: 2,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode],
    memory: 50,
    deadline: STUCK,
    product: ("sound copied", "sounds copied"),
    artifacts: 1,
    reads_as: value::<SoundCopied>,
};

pub(super) const PROXY: Kind = Kind {
    name: "proxy",
    version: 3,
    runs: Runs::Media,
    tools: &[Tool::Demux, Tool::Decode, Tool::Scale, Tool::Mux],
    memory: 200,
    deadline: STUCK,
    product: ("proxy", "proxies"),
    artifacts: 1,
    reads_as: nothing,
};
pub(super) const COMPARE: Kind = Kind {
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

pub(super) const EXTRACT: Kind = Kind {
    name: "extract",
    version: 2,
    runs: Runs::Media,
    tools: &[Tool::Demux],
    memory: 60,
    deadline: STUCK,
    product: ("telemetry track extracted", "telemetry tracks extracted"),
    artifacts: 1,
    reads_as: nothing,
};
pub(super) const ALIGN: Kind = Kind {
    name: "telemetry.align",
    version: 4,
    runs: Runs::Inline,
    tools: &[],
    memory: 200,
    deadline: STUCK,
    product: ("clock aligned", "clocks aligned"),
    artifacts: 1,
    reads_as: value::<Alignment>,
};

pub(super) const EXPORT: Kind = Kind {
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
pub(super) const COMPLETE: Kind = Kind {
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
