//! The `sound` action: the source sound of one clip as raw PCM.
//!
//! Every run has exactly as many samples as its spec says, the first of them
//! at the run's start on the file's media time; where the file has no sound
//! there is silence.

use std::fs::File;
use std::io::{BufWriter, Write};

use autocut::base::{Diagnostic, Timestamp};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{SoundRun, SoundSpec};

use super::source::{Sound, Source};
use super::{BLOCK, unwritable};
use crate::invocation::{Progress, input};
use crate::losses;

/// Extracts the runs of `spec`, one after the other, to one file.
pub(crate) fn sound(spec: &SoundSpec, invocation: &Invocation, progress: Progress) -> Result<Produced, Diagnostic> {
    let path = invocation.scratch.join("sound.pcm");
    let failed = |error: std::io::Error| unwritable(&path, &error);
    let mut file = BufWriter::with_capacity(1 << 17, File::create(&path).map_err(failed)?);
    let total = spec.runs.iter().fold(0u64, |sum, run| sum.saturating_add(run.samples));
    let mut before = 0;
    let mut warnings = Vec::new();
    for run in &spec.runs {
        warnings.extend(extract(invocation, spec, run, |done, bytes| {
            file.write_all(bytes).map_err(failed)?;
            progress(before + done, total)
        })?);
        before += run.samples;
    }
    file.flush().map_err(failed)?;
    drop(file);
    Ok(Produced { files: vec![path], warnings, ..Produced::default() })
}

/// Hands the run's samples on in blocks, each with how many a channel are done.
/// Gives what is to be told of them.
fn extract(
    invocation: &Invocation,
    spec: &SoundSpec,
    run: &SoundRun,
    mut write: impl FnMut(u64, &[u8]) -> Result<(), Diagnostic>,
) -> Result<Option<Diagnostic>, Diagnostic> {
    let channels = usize::from(spec.channels.max(1));
    let path = input(invocation, run.file)?;
    let (mut source, undecodable) = match Source::open(path, run.start, spec.sample_rate, spec.channels)? {
        Sound::None => (None, None),
        Sound::Undecodable(error) => (None, Some(error)),
        Sound::Source(source) => (Some(source), None),
    };
    let mut block = vec![0i16; BLOCK * channels];
    let mut bytes = Vec::with_capacity(block.len() * 2);
    let mut done = 0;
    while done < run.samples {
        let count = usize::try_from(run.samples - done).unwrap_or(BLOCK).min(BLOCK);
        let block = &mut block[..count * channels];
        let read = match &mut source {
            Some(source) => source.read(block)?,
            None => 0,
        };
        // Behind the file's end, and where it has no sound.
        block[read * channels..].fill(0);
        bytes.clear();
        bytes.extend(block.iter().flat_map(|sample| sample.to_le_bytes()));
        done += count as u64;
        write(done, &bytes)?;
    }
    let samples = i64::try_from(run.samples).unwrap_or(i64::MAX);
    let until = run.start + Timestamp::new(samples, i64::from(spec.sample_rate.max(1)));
    let damaged = source.and_then(|source| source.damaged(run.start, until));
    let undecodable = undecodable.map(|error| losses::undecodable_sound(run.file, error));
    Ok(undecodable.or_else(|| damaged.map(|damaged| losses::damaged_sound(run.file, damaged))))
}
