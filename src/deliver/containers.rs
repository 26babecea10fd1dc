//! Containers: what each file format holds. A new one is a row in
//! [`CONTAINERS`].
//!
//! A codec that FFmpeg would put into a container, but that the container's
//! usual players do not know, is not in its row.

use crate::deliver::codecs::{SoundCodec, VideoCodec};
use crate::manifest::schema::{choices, list};
use crate::manifest::{Checker, Span};

choices! {
    /// A file format.
    pub enum Container = "a container" {
        Mp4,
        Mov,
        Mkv,
        WebM,
    }
}

/// What is to be known of a container.
struct Facts {
    container: Container,
    /// As people call it.
    name: &'static str,
    /// What its files' names end in.
    extension: &'static str,
    /// FFmpeg's name.
    muxer: &'static str,
    /// The first is what it usually holds.
    video: &'static [VideoCodec],
    sound: &'static [SoundCodec],
}

const CONTAINERS: &[Facts] = &[
    Facts {
        container: Container::Mp4,
        name: "MP4",
        extension: "mp4",
        muxer: "mp4",
        video: &[VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1, VideoCodec::Vp9],
        sound: &[SoundCodec::Aac, SoundCodec::Opus],
    },
    Facts {
        container: Container::Mov,
        name: "MOV",
        extension: "mov",
        muxer: "mov",
        video: &[VideoCodec::H264, VideoCodec::Hevc, VideoCodec::ProRes],
        sound: &[SoundCodec::Aac, SoundCodec::Pcm],
    },
    Facts {
        container: Container::Mkv,
        name: "MKV",
        extension: "mkv",
        muxer: "matroska",
        video: &[VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1, VideoCodec::Vp9, VideoCodec::ProRes],
        sound: &[SoundCodec::Aac, SoundCodec::Opus, SoundCodec::Pcm],
    },
    Facts {
        container: Container::WebM,
        name: "WebM",
        extension: "webm",
        muxer: "webm",
        video: &[VideoCodec::Vp9, VideoCodec::Av1],
        sound: &[SoundCodec::Opus],
    },
];

impl Container {
    pub const ALL: [Container; 4] = [Container::Mp4, Container::Mov, Container::Mkv, Container::WebM];

    fn facts(self) -> &'static Facts {
        let facts = CONTAINERS.iter().find(|facts| facts.container == self);
        facts.unwrap_or_else(|| unreachable!("every container has a row"))
    }

    /// By what the file's name ends in.
    pub fn of_file(name: &str) -> Option<Container> {
        let (stem, extension) = name.rsplit_once('.')?;
        let is = |facts: &&Facts| facts.extension.eq_ignore_ascii_case(extension);
        CONTAINERS.iter().find(is).filter(|_| !stem.is_empty()).map(|facts| facts.container)
    }

    /// Without the dot.
    pub fn extension(self) -> &'static str {
        self.facts().extension
    }

    /// FFmpeg's name of what writes it.
    pub fn muxer(self) -> &'static str {
        self.facts().muxer
    }

    /// What it usually holds.
    pub fn usual_video(self) -> VideoCodec {
        self.facts().video[0]
    }

    /// What it usually holds of HDR.
    pub fn usual_hdr(self) -> VideoCodec {
        let mut able = self.facts().video.iter().copied().filter(|codec| codec.holds_hdr());
        able.next().unwrap_or(self.usual_video())
    }

    /// What usually goes with that codec: a file for an editor is not made
    /// smaller at the cost of its sound.
    pub fn usual_sound(self, video: VideoCodec) -> SoundCodec {
        let sound = self.facts().sound;
        match video {
            VideoCodec::ProRes if sound.contains(&SoundCodec::Pcm) => SoundCodec::Pcm,
            _ => sound[0],
        }
    }

    pub fn video_codecs(self) -> &'static [VideoCodec] {
        self.facts().video
    }

    pub fn sound_codecs(self) -> &'static [SoundCodec] {
        self.facts().sound
    }

    /// Reports codecs that it cannot hold, each where it is chosen.
    pub fn check(self, video: (VideoCodec, Span), sound: (SoundCodec, Span), checker: &mut Checker) {
        let Facts { name, video: pictures, sound: sounds, .. } = self.facts();
        if !pictures.contains(&video.0) {
            let able = CONTAINERS.iter().filter(|facts| facts.video.contains(&video.0));
            let message = format!("{} cannot stand in {name}", video.0.name());
            checker.error_with_hint(video.1, message, self.hint(able, pictures));
        }
        if !sounds.contains(&sound.0) {
            let able = CONTAINERS.iter().filter(|facts| facts.sound.contains(&sound.0));
            let message = format!("{} cannot stand in {name}", sound.0.name());
            checker.error_with_hint(sound.1, message, self.hint(able, sounds));
        }
    }

    fn hint<'a, C: std::fmt::Debug>(self, able: impl Iterator<Item = &'a Facts>, own: &[C]) -> String {
        let extensions: Vec<String> = able.map(|facts| format!(".{}", facts.extension)).collect();
        let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
        let own: Vec<String> = own.iter().map(|codec| format!("{codec:?}")).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        format!("{} can hold it; {} takes {}", list(&extensions), self.facts().name, list(&own))
    }
}

/// All extensions, for messages: `.mp4`, `.mov`, ...
pub fn extensions() -> String {
    let all: Vec<String> = CONTAINERS.iter().map(|facts| format!("`.{}`", facts.extension)).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_in_the_container() {
        assert_eq!(Container::of_file("out/reel.mp4"), Some(Container::Mp4));
        assert_eq!(Container::of_file("Ride.MOV"), Some(Container::Mov));
        assert_eq!(Container::of_file("a.b.webm"), Some(Container::WebM));
        assert_eq!(Container::of_file("reel.avi"), None);
        assert_eq!(Container::of_file("mkv"), None);
        assert_eq!(Container::of_file(".mkv"), None);
    }

    #[test]
    fn each_holds_what_it_usually_does() {
        for container in Container::ALL {
            for video in container.video_codecs() {
                assert!(container.sound_codecs().contains(&container.usual_sound(*video)));
            }
        }
        assert_eq!(Container::WebM.usual_video(), VideoCodec::Vp9);
        assert_eq!(Container::Mp4.usual_hdr(), VideoCodec::Hevc);
        assert_eq!(Container::WebM.usual_hdr(), VideoCodec::Vp9);
        assert!(Container::ALL.iter().all(|container| container.usual_hdr().holds_hdr()));
        assert_eq!(Container::Mov.usual_sound(VideoCodec::ProRes), SoundCodec::Pcm);
        assert_eq!(Container::Mov.usual_sound(VideoCodec::H264), SoundCodec::Aac);
        assert_eq!(Container::WebM.usual_sound(VideoCodec::Av1), SoundCodec::Opus);
    }
}
