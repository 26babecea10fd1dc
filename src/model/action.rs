//! Actions: what can be computed, its key, and what came of it.

use serde::{Deserialize, Serialize};

use crate::base::Digest;
use crate::model::key::{ActionKey, KeyFields};
use crate::model::kinds::*;
use crate::model::specs::*;
use crate::model::toolchain::Toolchain;

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

impl ActionSpec {
    /// Whether it reads footage to show it, and not to choose what is shown.
    pub fn shows_footage(&self) -> bool {
        matches!(self, ActionSpec::Segment(_) | ActionSpec::Copy(_) | ActionSpec::Still(_) | ActionSpec::Proxy(_))
    }

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
