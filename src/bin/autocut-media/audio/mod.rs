//! Sound: the source sound of clips (`sound`), and the mix of a whole output
//! (`mix`), which is encoded once, so that no join is heard; or the sound of one
//! clip as it is in the footage (`copy.sound`).
//!
//! Sound between actions is raw PCM: 16-bit little-endian samples,
//! interleaved, without a header. Everything is read and written in blocks:
//! memory does not grow with length.
//!
//! It must not touch pictures.

mod clip;
mod coder;
mod copy;
mod extract;
mod fade;
mod limiter;
mod mix;
mod music;
mod source;

use std::path::Path;

use autocut::base::Diagnostic;

pub(crate) use coder::open as open_coder;
pub(crate) use copy::copy;
pub(crate) use extract::sound;
pub(crate) use mix::mix;

/// Samples a channel that are worked on at a time.
const BLOCK: usize = 4_096;

/// What cannot be written to the scratch folder.
fn unwritable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::environment(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
