//! `Clips`: every moment as a file of its own.

use crate::base::Digest;
use crate::deliver::containers::Container;
use crate::deliver::deliverables::{Deliverable, FilePlan, Files, Settings};
use crate::deliver::sound::Sound;
use crate::deliver::video::Video;
use crate::manifest::{Checker, KindEntry, Node, schema};
use crate::model::{Clip, Moment};

schema! {
    /// One file for each moment, named by camera, recording and time, so that
    /// adding a moment renames no other.
    pub struct Clips = "Clips", check = Clips::check {
        /// The folder in which they are written, relative to the project.
        folder: String,
        /// What kind of files: MP4 and MOV hold H.264 and AAC unless told otherwise, MKV too, WebM VP9 and Opus.
        container: Container = Container::Mp4,
        /// Whether each file says when it was recorded, where a clock tells.
        date: bool = true,
        /// Whether it says where that was, as the telemetry has it.
        location: bool = false,
        /// The pictures.
        video: Video = Video::default(),
        /// The sound.
        sound: Sound = Sound::default(),
    }
}

impl Clips {
    fn check(&self, node: &Node, checker: &mut Checker) {
        let chosen = node.field("container").unwrap_or(node);
        self.settings().check(chosen, node, false, checker);
    }

    fn settings(&self) -> Settings {
        Settings { container: self.container, video: self.video.clone(), sound: self.sound.clone() }
    }
}

pub const CLIPS: Deliverable = Deliverable {
    entry: KindEntry::of::<Clips>("Clips", 1, r#"Clips(folder: "out/clips")"#),
    settings: |params| {
        let clips: Clips = serde_json::from_str(params).ok()?;
        Some(clips.settings())
    },
    files: Files::Each(each),
};

fn each(params: &str, clips: &[&Clip], alike: &dyn Fn(&Clip) -> bool) -> Option<Vec<FilePlan>> {
    let wanted: Clips = serde_json::from_str(params).ok()?;
    let extension = wanted.container.extension();
    let folder = wanted.folder.trim_end_matches('/');
    let mark = |clip: &Clip| match alike(clip) {
        true => format!("-{}", Digest::of(clip.moment.recording.as_bytes()).short()),
        false => String::new(),
    };
    let file = |clip: &&Clip| FilePlan {
        path: format!("{folder}/{}{}.{extension}", file_name(&clip.moment), mark(clip)),
        music: wanted.sound.music.unwrap_or(false),
        chapters: false,
        title: Some(clip.moment.node()),
        dated: wanted.date,
        located: wanted.location,
    };
    Some(clips.iter().map(file).collect())
}

/// A recording's name with nothing that a file system might refuse.
pub fn safe_name(recording: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    recording.chars().map(safe).collect()
}

/// `front-GX010012-0h03m12.500s`: sorts by time, and holds nothing that a file
/// system might refuse.
pub(crate) fn file_name(moment: &Moment) -> String {
    let millis = moment.start.to_millis().max(0);
    let (h, m, s) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1_000 % 60);
    let recording = safe_name(&moment.recording);
    format!("{recording}-{h}h{m:02}m{s:02}.{:03}s", millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn names_say_where_the_moment_is() {
        let start = Timestamp::from_millis(192_500);
        let length = Timestamp::from_seconds(3);
        let moment = Moment { recording: "front/GX010012".into(), start, length, pinned: false };
        assert_eq!(file_name(&moment), "front-GX010012-0h03m12.500s");
    }
}
