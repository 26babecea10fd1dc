//! The sound of an output: one continuous mix on a timeline of samples.

use std::hash::{Hash, Hasher};

use crate::base::{Digest, FrameRate, Timestamp};
use crate::deliver::codecs::{SoundCodec, WantedSound, audio};
use crate::manifest::manifest::Music;
use crate::manifest::values::Decibels;
use crate::manifest::{Checker, Node, schema};
use crate::model::Clip;
use crate::model::specs::{CopySoundSpec, MixClip, MixMusic, MixSpec, SoundRun, SoundSpec};

schema! {
    /// Levels of the footage's own sound and of the music, and how they are
    /// encoded.
    pub struct Sound = "Sound" {
        /// Gain of the footage's own sound.
        footage: Decibels = Decibels(0),
        /// Whether the music bed is laid under it. Left out: under a reel, not
        /// under single clips.
        music: Option<bool> = None,
        /// Fade of the footage's sound at each cut.
        fade: Timestamp = Timestamp::from_millis(20),
        /// The codec. `Auto`: what the container usually holds.
        codec: WantedSound = WantedSound::Auto,
        /// Bits per second of AAC and Opus.
        bit_rate: u32 = 192_000,
        /// Bits a sample of PCM, 16 or 24.
        depth: u32 = 16,
    }
}

// No floats in it.
impl Eq for Sound {}

impl Hash for Sound {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Sound { footage, music, fade, codec, bit_rate, depth } = self;
        (footage, music, fade, codec, bit_rate, depth).hash(state);
    }
}

impl Sound {
    /// Reports what the codec has no use for. `node` is this struct, or what is
    /// around it.
    pub fn check_depth(&self, codec: SoundCodec, node: &Node, checker: &mut Checker) {
        let span = node.field("depth").map_or(node.span, |field| field.span);
        match (self.depth, codec) {
            (16, _) | (24, SoundCodec::Pcm) => {}
            (24, _) => {
                let message = format!("{} has no bits a sample", codec.name());
                checker.error_with_hint(span, message, "leave `depth` out, or take `codec: Pcm`");
            }
            (bits, _) => {
                checker.error_with_hint(span, format!("sound of {bits} bits cannot be made"), "write 16 or 24");
            }
        }
    }
}

impl Sound {
    /// Whether the sound of a clip can be left as it is in the footage: nothing is
    /// asked of it, and AAC is what is wanted.
    pub fn is_left_alone(&self, codec: SoundCodec) -> bool {
        let music = self.music.filter(|wanted| *wanted);
        codec == SoundCodec::Aac && Sound { music, ..self.clone() } == Sound::default()
    }

    /// What so long a sound takes, about.
    pub fn bytes(&self, codec: SoundCodec, millis: u64) -> u64 {
        let bits = match codec {
            SoundCodec::Aac | SoundCodec::Opus => u64::from(self.bit_rate),
            SoundCodec::Pcm => u64::from(SAMPLE_RATE) * u64::from(CHANNELS) * u64::from(self.depth),
        };
        u64::try_from(u128::from(bits) * u128::from(millis) / 8_000).unwrap_or(u64::MAX)
    }
}

const SAMPLE_RATE: u32 = 48_000;
const CHANNELS: u16 = 2;

/// True-peak ceiling in 1 / 100 dBTP (EBU R 128 asks for at most -1).
const CEILING: i32 = -100;

/// The sample at which frame `index` of an output starts.
fn sample_of(index: u64, rate: FrameRate) -> u64 {
    let time = rate.time_of(i64::try_from(index).unwrap_or(i64::MAX));
    u64::try_from(time.to_ticks((1, SAMPLE_RATE as i32))).unwrap_or(0)
}

fn samples(time: Timestamp) -> u32 {
    u32::try_from(time.to_ticks((1, SAMPLE_RATE as i32))).unwrap_or(0)
}

/// The source sound of a clip; `None` where none of its files has any. It is a
/// sample longer than the clip, because the clip's place in the output decides
/// by rounding whether that sample is heard.
pub fn source(clip: &Clip, rate: FrameRate) -> Option<SoundSpec> {
    if !clip.pieces.iter().any(|piece| piece.has_audio) {
        return None;
    }
    let mut frame = 0;
    let last = clip.pieces.len().saturating_sub(1);
    let run = |(index, piece): (usize, &crate::model::Piece)| {
        let start = sample_of(frame, rate);
        frame += u64::from(piece.frames);
        let margin = u64::from(index == last);
        SoundRun { file: piece.file, start: piece.start, samples: sample_of(frame, rate) - start + margin }
    };
    let runs = clip.pieces.iter().enumerate().map(run).collect();
    Some(SoundSpec { runs, sample_rate: SAMPLE_RATE, channels: CHANNELS })
}

/// The sound of a clip as it is in the footage, where that is one file.
pub fn unchanged(clip: &Clip, rate: FrameRate) -> Option<CopySoundSpec> {
    let [piece] = clip.pieces.as_slice() else { return None };
    let length = rate.time_of(i64::from(piece.frames));
    piece.has_audio.then_some(CopySoundSpec { file: piece.file, start: piece.start, length })
}

/// The mix of an output: each clip with its frames and the artifact of its
/// sound.
pub fn mix(
    settings: &Sound,
    codec: SoundCodec,
    rate: FrameRate,
    clips: &[(u32, Option<Digest>)],
    music: Option<(&Music, Digest)>,
) -> MixSpec {
    let mut frame = 0;
    let mut at = 0;
    let mut mixed = Vec::with_capacity(clips.len());
    for (frames, sound) in clips {
        frame += u64::from(*frames);
        let end = sample_of(frame, rate);
        let fade = samples(settings.fade).min(u32::try_from((end - at) / 2).unwrap_or(u32::MAX));
        mixed.push(MixClip { sound: *sound, at, samples: end - at, gain: settings.footage.0, fade });
        at = end;
    }
    let music = music.map(|(music, file)| MixMusic {
        file,
        start: music.start,
        gain: music.gain,
        fade_in: samples(music.fade_in),
        fade_out: samples(music.fade_out),
        repeat: music.repeat,
    });
    MixSpec {
        sample_rate: SAMPLE_RATE,
        channels: CHANNELS,
        samples: at,
        clips: mixed,
        music,
        ceiling: CEILING,
        encoder: audio::settings(codec, settings.bit_rate, settings.depth),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_follow_each_other_to_the_sample() {
        let rate = FrameRate::new(30_000, 1_001).unwrap();
        let settings = Sound::default();
        let mix = mix(&settings, SoundCodec::Aac, rate, &[(105, None), (7, None), (1_000, None)], None);
        let mut at = 0;
        for clip in &mix.clips {
            assert_eq!(clip.at, at);
            at += clip.samples;
        }
        // 1112 frames of 1001/30000 s at 48 kHz: 1781,...: computed exactly.
        assert_eq!(mix.samples, (1_112 * 1_001 * 48_000 + 15_000) / 30_000);
        assert_eq!(at, mix.samples);
    }
}
