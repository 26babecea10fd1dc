//! The sound of one clip in the mix: PCM from a `sound` action, at its place,
//! with its gain and its fades.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use autocut::base::Diagnostic;
use autocut::model::specs::MixClip;

use super::fade;
use super::limiter::decibels;

/// A clip that is read as the mix comes to it.
pub(super) struct ClipSound {
    path: PathBuf,
    file: Option<BufReader<File>>,
    at: u64,
    samples: u64,
    fade: u64,
    gain: f64,
    channels: usize,
    bytes: Vec<u8>,
}

impl ClipSound {
    /// Nothing is opened before the mix comes to it.
    pub(super) fn new(path: &Path, clip: &MixClip, channels: u16) -> Self {
        ClipSound {
            path: path.to_owned(),
            file: None,
            at: clip.at,
            samples: clip.samples,
            // A clip that is shorter than its two fades has shorter ones.
            fade: u64::from(clip.fade).min(clip.samples / 2),
            // 16-bit samples become full scale 1.
            gain: decibels(clip.gain) / 32_768.0,
            channels: usize::from(channels.max(1)),
            bytes: Vec::new(),
        }
    }

    /// Adds what of the clip lies in a block of the output that starts at
    /// sample `start`. Blocks come in order and without holes.
    pub(super) fn add(&mut self, block: &mut [f64], start: u64) -> Result<(), Diagnostic> {
        let end = start + (block.len() / self.channels) as u64;
        let (from, until) = (self.at.max(start), self.at.saturating_add(self.samples).min(end));
        if from >= until {
            // Behind its end no file stays open.
            self.file = None;
            return Ok(());
        }
        let offset = (from - start) as usize * self.channels;
        let count = (until - from) as usize * self.channels;
        self.read(count * 2)?;
        for (i, (sum, sample)) in block[offset..offset + count].iter_mut().zip(self.bytes.chunks_exact(2)).enumerate() {
            let index = from - self.at + (i / self.channels) as u64;
            let factor = self.gain * fade::factor(index, self.samples, self.fade, self.fade);
            *sum += f64::from(i16::from_le_bytes([sample[0], sample[1]])) * factor;
        }
        Ok(())
    }

    fn read(&mut self, count: usize) -> Result<(), Diagnostic> {
        let failed = |error: std::io::Error| {
            Diagnostic::environment(format!("cannot read the sound {}: {error}", self.path.display()))
                .hint("`autocut verify` finds and removes what is damaged in the store")
        };
        let file = match &mut self.file {
            Some(file) => file,
            slot => slot.insert(BufReader::with_capacity(1 << 16, File::open(&self.path).map_err(failed)?)),
        };
        self.bytes.resize(count, 0);
        file.read_exact(&mut self.bytes).map_err(failed)
    }
}
