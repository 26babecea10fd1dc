//! `Clips`: every moment as a file of its own.

use std::collections::HashMap;

use crate::base::Digest;
use crate::deliver::deliverables::{Deliverable, FilePlan, Settings};
use crate::deliver::sound::Sound;
use crate::deliver::video::Video;
use crate::manifest::{KindEntry, schema};
use crate::model::{Clip, Timeline};

schema! {
    /// One MP4 (H.264 and AAC) for each moment, named by camera, recording and
    /// time, so that adding a moment renames no other.
    pub struct Clips = "Clips" {
        /// The folder in which they are written, relative to the project.
        folder: String,
        /// The pictures.
        video: Video = Video::default(),
        /// The sound.
        sound: Sound = Sound::default(),
    }
}

pub const CLIPS: Deliverable = Deliverable {
    entry: KindEntry::of::<Clips>("Clips", 1, r#"Clips(folder: "out/clips")"#),
    settings: |params| {
        let clips: Clips = serde_json::from_str(params).ok()?;
        Some(Settings { video: clips.video, sound: clips.sound })
    },
    files,
};

fn files(params: &str, timeline: &Timeline) -> Vec<FilePlan> {
    let Ok(clips) = serde_json::from_str::<Clips>(params) else { return Vec::new() };
    let folder = clips.folder.trim_end_matches('/');
    let names: Vec<String> = timeline.clips.iter().map(file_name).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in &names {
        *counts.entry(name).or_default() += 1;
    }
    let file = |(index, (clip, name)): (usize, (&Clip, &String))| FilePlan {
        path: format!("{folder}/{}.mp4", unique(name, counts.get(name.as_str()).copied(), clip)),
        clips: vec![index],
        music: clips.sound.music.unwrap_or(false),
        chapters: false,
        title: Some(clip.moment.node()),
    };
    timeline.clips.iter().zip(&names).enumerate().map(file).collect()
}

/// The clip's name; with a mark of its recording where another recording's
/// name differs only in what a file system might refuse.
fn unique(name: &str, count: Option<usize>, clip: &Clip) -> String {
    if count.unwrap_or(1) < 2 {
        return name.to_owned();
    }
    format!("{name}-{}", Digest::of(clip.moment.recording.as_bytes()).short())
}

/// `front-GX010012-0h03m12.500s`: sorts by time, and holds nothing that a file
/// system might refuse.
fn file_name(clip: &Clip) -> String {
    let millis = clip.moment.start.to_millis().max(0);
    let (h, m, s) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1_000 % 60);
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let recording: String = clip.moment.recording.chars().map(safe).collect();
    format!("{recording}-{h}h{m:02}m{s:02}.{:03}s", millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::model::{Fit, Moment};

    #[test]
    fn names_say_where_the_moment_is() {
        let start = Timestamp::from_millis(192_500);
        let length = Timestamp::from_seconds(3);
        let moment = Moment { recording: "front/GX010012".into(), start, length, pinned: false };
        let clip = Clip { moment, frames: 90, pieces: Vec::new(), fit: Fit::Fit, telemetry_start: None, utc: None };
        assert_eq!(file_name(&clip), "front-GX010012-0h03m12.500s");
    }
}
