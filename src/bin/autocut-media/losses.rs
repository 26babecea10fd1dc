//! What is told of footage that could not be decoded as it was recorded.

use autocut::base::{Diagnostic, Digest, Timestamp};
use autocut::model::losses::{Fate, Loss};
use autocut::model::naming::mark;

use crate::av::Error;

/// Frames of a stretch of footage: how many, and the media time of the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// That did not come.
    pub(crate) lost: Option<(u64, Timestamp)>,
    /// That came but are not as they were recorded.
    pub(crate) damaged: Option<(u64, Timestamp)>,
}

impl Losses {
    /// Warnings about a file. `instead` says what is done for frames that are
    /// lost, as the end of a sentence.
    pub(crate) fn told(&self, file: Digest, instead: &str) -> Vec<Diagnostic> {
        let told = |(frames, first), fate| Loss { frames, first, fate }.to_string();
        let lost = self.lost.map(|lost| told(lost, Fate::Lost(instead)));
        let damaged = self.damaged.map(|damaged| told(damaged, Fate::Damaged));
        let about = |text| Diagnostic::warning(format!("{}: {text}", mark(file)));
        lost.into_iter().chain(damaged).map(about).collect()
    }
}

/// The warning that the sound of a file is damaged: in how many packets, and
/// where the first of them is.
pub(crate) fn damaged_sound(file: Digest, (count, at): (u64, Timestamp)) -> Diagnostic {
    let places = if count == 1 { String::new() } else { format!(", in {count} places") };
    let name = mark(file);
    Diagnostic::warning(format!("{name}: its sound is damaged from {at} on{places}; what cannot be decoded is silent"))
}

/// The warning that nothing of the sound of a file can be decoded.
pub(crate) fn undecodable_sound(file: Digest, error: Error) -> Diagnostic {
    Diagnostic::warning(format!("{}: its sound cannot be decoded ({error}); it is silent", mark(file)))
}
