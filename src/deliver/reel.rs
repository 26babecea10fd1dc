//! `Reel`: all moments, one after the other, in one file.

use crate::deliver::deliverables::{Deliverable, FilePlan, Files, Settings};
use crate::deliver::sound::Sound;
use crate::deliver::video::Video;
use crate::manifest::{Checker, KindEntry, Node, schema};

schema! {
    /// One MP4 (H.264 and AAC) with all moments in chronological order.
    pub struct Reel = "Reel", check = Reel::check {
        /// Where it is written, relative to the project.
        file: String,
        /// Title in the file's metadata.
        title: Option<String> = None,
        /// Whether each moment is a chapter that players can jump to. Chapters are kept as a text track,
        /// which some tools warn about.
        chapters: bool = false,
        /// The pictures.
        video: Video = Video::default(),
        /// The sound.
        sound: Sound = Sound::default(),
    }
}

impl Reel {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if !self.file.to_ascii_lowercase().ends_with(".mp4") {
            let span = node.field("file").map_or(node.span, |field| field.span);
            checker.error_with_hint(
                span,
                format!("{:?} is no MP4 file", self.file),
                "a reel is an MP4: let its name end in `.mp4`",
            );
        }
    }
}

pub const REEL: Deliverable = Deliverable {
    entry: KindEntry::of::<Reel>("Reel", 1, r#"Reel(file: "out/reel.mp4", video: Video(size: "1080p"))"#),
    settings: |params| {
        let reel: Reel = serde_json::from_str(params).ok()?;
        Some(Settings { video: reel.video, sound: reel.sound })
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
    })
}
