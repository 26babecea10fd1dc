//! The table of output kinds. A new kind is a file and a line here.

use crate::deliver::sound::Sound;
use crate::deliver::video::Video;
use crate::deliver::{clips, reel};
use crate::manifest::KindEntry;
use crate::model::Timeline;

/// An output kind.
pub struct Deliverable {
    /// Its name and parameters in the manifest.
    pub entry: KindEntry,
    /// Reads the parameters; `None` where they are not this kind's (they were
    /// checked when the manifest was loaded).
    pub settings: fn(params: &str) -> Option<Settings>,
    /// The files to make of a timeline.
    pub files: fn(params: &str, timeline: &Timeline) -> Vec<FilePlan>,
}

/// What every kind settles about picture and sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub video: Video,
    pub sound: Sound,
}

/// One file of an output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilePlan {
    /// Relative to the project.
    pub path: String,
    /// Indices into the timeline's clips, in order.
    pub clips: Vec<usize>,
    /// Whether the music bed is laid under it.
    pub music: bool,
    /// Whether each clip is a chapter.
    pub chapters: bool,
    pub title: Option<String>,
}

pub const DELIVERABLES: &[Deliverable] = &[reel::REEL, clips::CLIPS];

/// The kind of a name.
pub fn find(kind: &str) -> Option<&'static Deliverable> {
    DELIVERABLES.iter().find(|deliverable| deliverable.entry.name == kind)
}
