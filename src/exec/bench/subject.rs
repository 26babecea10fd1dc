//! What is encoded: a stretch of a file, as an output of the project shows it.

use std::path::{Path, PathBuf};

use crate::base::{Diagnostic, Timestamp};
use crate::deliver::codecs::VideoCodec;
use crate::deliver::containers::Container;
use crate::deliver::video::Video;
use crate::exec::bench::Asked;
use crate::exec::bench::results::Stretch;
use crate::exec::workspace::Workspace;
use crate::graph::outputs;
use crate::inputs::{EntryKind, RealSystem, System};
use crate::model::specs::SourceRun;
use crate::model::timeline::{Fit, SourcePicture};
use crate::model::{MediaInfo, VideoFormat, VideoInfo};

use crate::exec::alone::named;

/// How long a stretch is where nothing is said.
const LENGTH: Timestamp = Timestamp::from_seconds(4);

/// What the project says of its pictures; without one, what outputs have by
/// themselves.
pub(super) struct Ground<'a> {
    workspace: Option<&'a Workspace>,
    pub(super) video: Video,
    pub(super) codec: VideoCodec,
    container: Option<Container>,
}

/// A file to measure with.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    fit: Fit,
}

/// The stretch.
pub(super) struct Subject {
    pub(super) file: File,
    video: VideoInfo,
    start: Timestamp,
    frames: u32,
    pub(super) stretch: Stretch,
}

impl<'a> Ground<'a> {
    pub(super) fn of(workspace: Option<&'a Workspace>) -> Ground<'a> {
        let first = workspace.and_then(|workspace| workspace.manifest.outputs.iter().find_map(outputs::settings));
        match first {
            Some(settings) => Ground {
                workspace,
                codec: settings.video_codec(),
                container: Some(settings.container),
                video: settings.video,
            },
            None => Ground { workspace, video: Video::default(), codec: VideoCodec::H264, container: None },
        }
    }

    /// Whether the output can hold a codec, by its name in a manifest.
    pub(super) fn holds(&self, codec: &str) -> bool {
        self.container.is_none_or(|container| container.video_codecs().iter().any(|held| format!("{held:?}") == codec))
    }

    /// The file that is named, or the largest of the project's footage.
    pub(super) fn file(&self, named: Option<&Path>) -> Result<File, Diagnostic> {
        let Some(path) = named else { return self.largest() };
        let is_file = RealSystem.stat(path).ok().filter(|entry| entry.kind == EntryKind::File);
        let Some(entry) = is_file else {
            let problem = Diagnostic::input(format!("there is no file {}", path.display()));
            return Err(problem.hint("name a file of footage, or none for the largest of the project"));
        };
        let same = |other: &Path| RealSystem.canonical(other).ok() == RealSystem.canonical(path).ok();
        let set = self.footage().find(|(other, ..)| same(other));
        Ok(File { path: path.to_owned(), bytes: entry.stat.size, fit: set.map(|(_, _, fit)| fit).unwrap_or_default() })
    }

    fn largest(&self) -> Result<File, Diagnostic> {
        // The first of equals, in the order of the manifest.
        let largest = self.footage().reduce(|best, next| if next.1 > best.1 { next } else { best });
        let (path, bytes, fit) = largest.ok_or_else(|| {
            let problem = Diagnostic::input("there is no footage to measure with");
            problem.hint("name a file (`autocut bench ride.mp4`), or run it in a project that has footage")
        })?;
        Ok(File { path, bytes, fit })
    }

    /// Every file of footage that is there: where, how large, and how it fits.
    fn footage(&self) -> impl Iterator<Item = (PathBuf, u64, Fit)> {
        self.workspace.into_iter().flat_map(|workspace| {
            let sets = workspace.manifest.footage.iter().zip(workspace.project.files(&workspace.db));
            sets.flat_map(move |(set, files)| {
                files.iter().filter_map(move |file| {
                    let path = workspace.path_of(*file);
                    let entry = RealSystem.stat(&path).ok()?;
                    Some((path, entry.stat.size, set.fit))
                })
            })
        })
    }

    /// The stretch of the file that is asked for.
    pub(super) fn subject(&self, file: File, info: &MediaInfo, asked: &Asked) -> Result<Subject, Diagnostic> {
        let name = file.path.file_name().unwrap_or(file.path.as_os_str()).to_string_lossy().into_owned();
        let Some(video) = info.video.clone() else {
            return Err(Diagnostic::input(format!("{} has no video", file.path.display())));
        };
        let (start, length) = stretch(&name, video.duration, asked)?;
        // As a clip's start is: so each frame of the file is shown once.
        let start = if video.variable_rate { start } else { video.rate.time_of(video.rate.nearest_frame(start)) };
        let format = self.video.format(self.codec, &[&video]);
        let frames = u32::try_from(format.rate.nearest_frame(length)).unwrap_or(u32::MAX).max(1);
        let stretch = Stretch {
            file: name,
            bytes: file.bytes,
            from_ns: start.to_nanos(),
            frames,
            seconds: format.rate.time_of(i64::from(frames)).as_f64(),
            size: format.size.to_string(),
            rate: format.rate.to_string(),
        };
        Ok(Subject { file, video, start, frames, stretch })
    }
}

/// Start and length of what is asked for, in a file of that name and duration.
fn stretch(name: &str, duration: Timestamp, asked: &Asked) -> Result<(Timestamp, Timestamp), Diagnostic> {
    let lasts = || Diagnostic::input(format!("{name} lasts {duration}"));
    if duration <= Timestamp::ZERO {
        return Err(Diagnostic::input(format!("{name} has no pictures that could be encoded")));
    }
    let length = match (asked.length, asked.at) {
        (Some(length), _) if length <= Timestamp::ZERO => {
            return Err(Diagnostic::input("a stretch is longer than 0").hint("write it like `--length 4s`"));
        }
        (Some(length), _) => length,
        (None, at) => LENGTH.min(duration - at.unwrap_or(Timestamp::ZERO)),
    };
    match asked.at {
        Some(at) if at.is_negative() => {
            Err(Diagnostic::input("a stretch starts at 0 or later").hint("write it like `--at 1min30s`"))
        }
        Some(at) if at >= duration => {
            let problem = lasts().note(format!("a stretch that starts at {at} lies behind its end"));
            Err(problem.hint(format!("start before {duration}")))
        }
        None if length > duration => {
            Err(lasts().note(format!("{length} of it are asked for")).hint(format!("ask for at most {duration}")))
        }
        Some(at) if at + length > duration => {
            let problem = lasts().note(format!("{length} from {at} on end at {}", at + length));
            Err(problem.hint("start earlier, or ask for less with `--length`"))
        }
        Some(at) => Ok((at, length)),
        None => Ok(((duration - length).scaled(1, 2), length)),
    }
}

impl Subject {
    /// The format in which an encoder of a codec gets it.
    pub(super) fn format(&self, ground: &Ground<'_>, codec: VideoCodec) -> VideoFormat {
        ground.video.format(codec, &[&self.video])
    }

    /// The pictures that an encoder is given.
    pub(super) fn run(&self) -> SourceRun {
        let VideoInfo { stored, pixel_aspect, orientation, colour, rate, .. } = self.video;
        let picture = SourcePicture { stored, pixel_aspect, orientation, colour, rate };
        let file = named(&self.file.path);
        SourceRun { file, start: self.start, frames: self.frames, picture, fit: self.file.fit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn asked(at: Option<i64>, length: Option<i64>) -> Result<(Timestamp, Timestamp), String> {
        let asked = Asked { at: at.map(seconds), length: length.map(seconds), ..Asked::default() };
        stretch("ride.mp4", seconds(10), &asked).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn stretches_lie_within_the_file() {
        assert_eq!(asked(None, None), Ok((seconds(3), seconds(4))));
        assert_eq!(asked(Some(0), Some(10)), Ok((seconds(0), seconds(10))));
        // A length that nobody asked for gives way.
        assert_eq!(asked(Some(8), None), Ok((seconds(8), seconds(2))));
        for (at, length, said) in [
            (Some(8), Some(4), "end at"),
            (Some(10), None, "behind its end"),
            (Some(12), Some(1), "behind its end"),
            (Some(-1), Some(1), "at 0 or later"),
            (None, Some(11), "at most"),
            (None, Some(0), "longer than 0"),
        ] {
            let told = asked(at, length).unwrap_err();
            assert!(told.contains(said), "{told}");
        }
    }
}
