//! The music bed of a mix: one file under the whole output.

use std::path::{Path, PathBuf};

use autocut::base::{Diagnostic, Digest, Timestamp};
use autocut::model::specs::MixMusic;

use super::fade;
use super::limiter::decibels;
use super::source::{Sound, Source};
use crate::losses::damaged_sound;

/// Music that is decoded as the mix goes on.
pub(super) struct Music {
    path: PathBuf,
    /// `None` once it is over.
    source: Option<Box<Source>>,
    start: Timestamp,
    repeat: bool,
    gain: f64,
    fades: (u64, u64),
    /// Of the output, in samples.
    length: u64,
    sample_rate: u32,
    channels: u16,
    samples: Vec<i16>,
    /// What could not be decoded, once through the file.
    damaged: Option<(u64, Timestamp)>,
    file: Digest,
}

impl Music {
    /// `length` is that of the output, in samples a channel.
    ///
    /// # Errors
    /// Of the user's input: no sound in the file.
    pub(super) fn open(
        path: &Path,
        music: &MixMusic,
        length: u64,
        sample_rate: u32,
        channels: u16,
    ) -> Result<Music, Diagnostic> {
        let Sound::Source(source) = Source::open(path, music.start, sample_rate, channels)? else {
            return Err(Diagnostic::input(format!("the music {} has no sound that can be decoded", path.display())));
        };
        Ok(Music {
            path: path.to_owned(),
            source: Some(source),
            start: music.start,
            repeat: music.repeat,
            gain: decibels(music.gain) / 32_768.0,
            fades: (u64::from(music.fade_in).min(length / 2), u64::from(music.fade_out).min(length / 2)),
            length,
            sample_rate,
            channels,
            samples: Vec::new(),
            damaged: None,
            file: music.file,
        })
    }

    /// Adds what lies in a block of the output that starts at sample `start`.
    pub(super) fn add(&mut self, block: &mut [f64], start: u64) -> Result<(), Diagnostic> {
        self.samples.clear();
        self.samples.resize(block.len(), 0);
        self.fill()?;
        let channels = usize::from(self.channels.max(1));
        for (index, (sums, samples)) in
            (start..).zip(block.chunks_exact_mut(channels).zip(self.samples.chunks_exact(channels)))
        {
            let factor = self.gain * fade::factor(index, self.length, self.fades.0, self.fades.1);
            for (sum, sample) in sums.iter_mut().zip(samples) {
                *sum += f64::from(*sample) * factor;
            }
        }
        Ok(())
    }

    /// What is to be told of it in the end.
    pub(super) fn told(mut self) -> Option<Diagnostic> {
        self.take_account();
        self.damaged.map(|damaged| damaged_sound(self.file, damaged))
    }

    fn take_account(&mut self) {
        let end = Timestamp::from_seconds(i64::from(u32::MAX));
        let damaged = self.source.as_ref().and_then(|source| source.damaged(self.start, end));
        self.damaged = self.damaged.max(damaged);
    }

    /// Fills `samples` from the file, from its start again where it ends.
    fn fill(&mut self) -> Result<(), Diagnostic> {
        let channels = usize::from(self.channels.max(1));
        let mut done = 0;
        let mut fresh = false;
        while done < self.samples.len() {
            let Some(source) = &mut self.source else { break };
            let read = source.read(&mut self.samples[done..])? * channels;
            done += read;
            if done == self.samples.len() {
                break;
            }
            // A file that gives nothing from its start on would go on for ever.
            let again = self.repeat && !(fresh && read == 0);
            self.take_account();
            self.source = None;
            if again {
                if let Sound::Source(source) = Source::open(&self.path, self.start, self.sample_rate, self.channels)? {
                    self.source = Some(source);
                }
                fresh = true;
            }
        }
        Ok(())
    }
}
