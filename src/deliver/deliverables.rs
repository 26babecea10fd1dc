//! The table of output kinds. A new kind is a file and a line here.

use crate::deliver::codecs::{SoundCodec, VideoCodec};
use crate::deliver::containers::Container;
use crate::deliver::log::{self, LogPlan};
use crate::deliver::quality::Quality;
use crate::deliver::sound::Sound;
use crate::deliver::video::Video;
use crate::deliver::{clips, reel};
use crate::manifest::{Checker, KindEntry, Node};
use crate::model::{Clip, Sampling, VideoFormat, VideoInfo};

/// An output kind.
pub struct Deliverable {
    /// Its name and parameters in the manifest.
    pub entry: KindEntry,
    /// Reads the parameters; `None` where they are not this kind's (they were
    /// checked when the manifest was loaded), and where nothing is seen or heard.
    pub settings: fn(params: &str) -> Option<Settings>,
    pub files: Files,
}

/// Plans a file for each of some clips.
pub type PlanEach = fn(params: &str, clips: &[&Clip], alike: &dyn Fn(&Clip) -> bool) -> Option<Vec<FilePlan>>;

/// The files to make of a timeline.
#[derive(Clone, Copy)]
pub enum Files {
    /// One with all of its clips.
    Whole(fn(params: &str) -> Option<FilePlan>),
    /// One for each of some clips. `alike` says that another recording's name
    /// differs from the clip's only in what a file system might refuse.
    Each(PlanEach),
    /// No film: telemetry.
    Log(fn(params: &str) -> Option<LogPlan>),
}

/// What every kind settles about picture and sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub container: Container,
    pub video: Video,
    pub sound: Sound,
}

impl Settings {
    /// The same to be looked at now.
    #[must_use]
    pub fn drafted(self) -> Settings {
        Settings { video: self.video.drafted(), ..self }
    }

    pub fn video_codec(&self) -> VideoCodec {
        let hdr = self.video.dynamic_range.is_hdr();
        self.video.codec.or(if hdr { self.container.usual_hdr() } else { self.container.usual_video() })
    }

    /// What an encoder has to make.
    pub fn coded(&self) -> (VideoCodec, Sampling) {
        let codec = self.video_codec();
        (codec, self.video.sampling(codec))
    }

    pub fn sound_codec(&self) -> SoundCodec {
        self.sound.codec.or(self.container.usual_sound(self.video_codec()))
    }

    /// Reports what the container, or a codec, cannot hold. `chosen` is where
    /// the container is chosen, `node` the output, which is one file or not.
    pub fn check(&self, chosen: &Node, node: &Node, one_file: bool, checker: &mut Checker) {
        let (video, sound) = (node.field("video"), node.field("sound"));
        let place = |section: Option<&Node>| {
            let codec = section.and_then(|section| section.field("codec"));
            codec.unwrap_or(chosen).span
        };
        let (pictures, heard) = (self.video_codec(), self.sound_codec());
        self.container.check((pictures, place(video)), (heard, place(sound)), checker);
        self.video.check_depth(pictures, video.unwrap_or(node), checker);
        self.video.check_dynamic_range(pictures, video.unwrap_or(node), checker);
        self.video.check_target(pictures, one_file, video.unwrap_or(node), checker);
        self.sound.check_depth(heard, sound.unwrap_or(node), checker);
    }

    /// The same of an output over which something is drawn: nothing of it is copied.
    #[must_use]
    pub fn drawn_over(mut self) -> Settings {
        if self.video.quality == Quality::Auto {
            self.video.quality = Quality::Constant(self.video.quality.crf());
        }
        self
    }

    /// The format of an output that is made of `footage`.
    pub fn format(&self, footage: &[&VideoInfo]) -> VideoFormat {
        self.video.format(self.video_codec(), footage)
    }
}

/// One file of an output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilePlan {
    /// Relative to the project.
    pub path: String,
    /// Whether the music bed is laid under it.
    pub music: bool,
    /// Whether each clip is a chapter.
    pub chapters: bool,
    pub title: Option<String>,
    /// Whether it says when it was recorded.
    pub dated: bool,
    /// Whether it says where.
    pub located: bool,
}

impl FilePlan {
    /// A draft of it, beside it.
    #[must_use]
    pub fn drafted(self) -> FilePlan {
        FilePlan { path: draft_of(&self.path), ..self }
    }
}

/// The file of a draft: `out/reel.mp4` is `out/reel.draft.mp4`.
pub fn draft_of(path: &str) -> String {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let dot = path[name..].rfind('.').map_or(path.len(), |dot| name + dot);
    format!("{}.draft{}", &path[..dot], &path[dot..])
}

pub const DELIVERABLES: &[Deliverable] = &[reel::REEL, clips::CLIPS, log::TELEMETRY];

/// The kind of a name.
pub fn find(kind: &str) -> Option<&'static Deliverable> {
    DELIVERABLES.iter().find(|deliverable| deliverable.entry.name == kind)
}
