//! The `mix` action: the sound of a whole output on one timeline, limited and
//! encoded once.
//!
//! Sums are made in 64-bit floats in a fixed order (clips as the spec lists
//! them, then music), so that the same inputs give the same bytes.

use autocut::base::Diagnostic;
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{MixMusic, MixSpec};

use super::BLOCK;
use super::clip::ClipSound;
use super::coder::Coder;
use super::limiter::Limiter;
use super::music::Music;
use crate::invocation::{Progress, input};

/// Mixes to a file of packets.
pub(crate) fn mix(spec: &MixSpec, invocation: &Invocation, progress: Progress) -> Result<Produced, Diagnostic> {
    let path = invocation.scratch.join("sound.packets");
    let mut coder = Coder::create(&path, spec.sample_rate, spec.channels, &spec.encoder)?;
    let mut done = 0;
    let warnings = mixed(spec, invocation, |samples| {
        coder.push(samples)?;
        done += (samples.len() / usize::from(spec.channels.max(1))) as u64;
        progress(done, spec.samples)
    })?;
    let counts = coder.finish()?;
    if counts.span < spec.samples {
        let got = counts.span;
        return Err(Diagnostic::bug(format!("the sound has {got} samples where {} were planned", spec.samples)));
    }
    Ok(Produced { files: vec![path], warnings, ..Produced::default() })
}

/// Hands on the limited mix in blocks of interleaved samples, `spec.samples` a
/// channel in all. Gives what is to be told of them.
pub(super) fn mixed(
    spec: &MixSpec,
    invocation: &Invocation,
    mut take: impl FnMut(&[f32]) -> Result<(), Diagnostic>,
) -> Result<Vec<Diagnostic>, Diagnostic> {
    let channels = usize::from(spec.channels.max(1));
    let mut clips = Vec::new();
    for clip in &spec.clips {
        if let Some(sound) = clip.sound {
            clips.push(ClipSound::new(input(invocation, sound)?, clip, spec.channels));
        }
    }
    let open = |music: &MixMusic| {
        let path = input(invocation, music.file)?;
        Music::open(path, music, spec.samples, spec.sample_rate, spec.channels)
    };
    let mut music = spec.music.as_ref().map(open).transpose()?;
    let mut limiter = Limiter::new(spec.channels, spec.sample_rate, spec.ceiling);
    let mut sums = vec![0.0; BLOCK * channels];
    let mut limited = Vec::with_capacity(sums.len());
    let mut start = 0;
    while start < spec.samples {
        let count = usize::try_from(spec.samples - start).unwrap_or(BLOCK).min(BLOCK);
        let block = &mut sums[..count * channels];
        block.fill(0.0);
        for clip in &mut clips {
            clip.add(block, start)?;
        }
        if let Some(music) = &mut music {
            music.add(block, start)?;
        }
        limited.clear();
        limiter.limit(block, &mut limited);
        take(&limited)?;
        start += count as u64;
    }
    limited.clear();
    limiter.finish(&mut limited);
    take(&limited)?;
    Ok(music.and_then(Music::told).into_iter().collect())
}
