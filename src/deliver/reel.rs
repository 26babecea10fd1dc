//! `Reel`: all moments, one after the other, in one file.

use crate::deliver::containers::{self, Container};
use crate::deliver::deliverables::{Deliverable, FilePlan, Files, Settings};
use crate::deliver::sound::Sound;
use crate::deliver::video::Video;
use crate::manifest::{Checker, KindEntry, Node, schema};

schema! {
    /// One file with all moments in chronological order: `.mp4` (H.264 and AAC
    /// unless told otherwise), `.mov` (the same), `.mkv` (the same) or `.webm`
    /// (VP9 and Opus).
    pub struct Reel = "Reel", check = Reel::check {
        /// Where it is written, relative to the project. What its name ends in says which container it is.
        file: String,
        /// Title in the file's metadata.
        title: Option<String> = None,
        /// Whether each moment is a chapter that players can jump to. MP4 and MOV keep chapters as a text track,
        /// which some tools warn about.
        chapters: bool = false,
        /// Whether the file says when its first moment was recorded, where a clock
        /// tells.
        date: bool = true,
        /// Whether it says where that was, as the telemetry has it.
        location: bool = false,
        /// The pictures.
        video: Video = Video::default(),
        /// The sound.
        sound: Sound = Sound::default(),
    }
}

impl Reel {
    fn check(&self, node: &Node, checker: &mut Checker) {
        let file = node.field("file").unwrap_or(node);
        match self.settings() {
            Some(settings) => settings.check(file, node, true, checker),
            None => checker.error_with_hint(
                file.span,
                format!("the container of {:?} is not known", self.file),
                format!("let its name end in one of {}", containers::extensions()),
            ),
        }
    }

    /// `None` where the file's name says no container.
    fn settings(&self) -> Option<Settings> {
        let container = Container::of_file(&self.file)?;
        Some(Settings { container, video: self.video.clone(), sound: self.sound.clone() })
    }
}

pub const REEL: Deliverable = Deliverable {
    entry: KindEntry::of::<Reel>("Reel", 1, r#"Reel(file: "out/reel.mp4", video: Video(size: "1080p"))"#),
    settings: |params| {
        let reel: Reel = serde_json::from_str(params).ok()?;
        reel.settings()
    },
    files: Files::Whole(whole),
};

fn whole(params: &str) -> Option<FilePlan> {
    let reel: Reel = serde_json::from_str(params).ok()?;
    Some(FilePlan {
        path: reel.file,
        music: reel.sound.music.unwrap_or(true),
        chapters: reel.chapters,
        title: reel.title,
        dated: reel.date,
        located: reel.location,
    })
}
