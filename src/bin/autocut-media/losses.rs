//! What is told of footage that could not be decoded as it was recorded.

use autocut::base::{Diagnostic, Digest, Timestamp};
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
        let lost = self.lost.map(|(count, at)| format!("{} from {at} could not be decoded; {instead}", frames(count)));
        let damaged = self.damaged.map(|(count, at)| {
            let rest = match count {
                1 => "is damaged; it is shown as far as it could be decoded",
                _ => "are damaged; they are shown as far as they could be decoded",
            };
            format!("{} from {at} {rest}", frames(count))
        });
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

/// `1 frame`, `37 frames`.
pub(crate) fn frames(count: u64) -> String {
    if count == 1 { "1 frame".to_owned() } else { format!("{count} frames") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_first_times_are_told() {
        let file = Digest::of(b"a");
        let losses = Losses {
            lost: Some((37, Timestamp::from_millis(70_233))),
            damaged: Some((1, Timestamp::from_millis(69_800))),
        };
        let told: Vec<String> = losses
            .told(file, "the picture before is shown instead")
            .into_iter()
            .map(|one| one.message.replace(&mark(file), "front/GX010012.MP4"))
            .collect();
        assert_eq!(
            told,
            [
                "front/GX010012.MP4: 37 frames from 01:10.233 could not be decoded; the picture before is shown instead",
                "front/GX010012.MP4: 1 frame from 01:09.800 is damaged; it is shown as far as it could be decoded",
            ]
        );
        assert!(Losses::default().told(file, "").is_empty());
    }
}
