//! Which frames a storyboard shows.

use crate::base::Timestamp;
use crate::model::moment::{Candidate, ChoiceReport};

/// The frame that stands for a moment: its middle.
pub fn frame_of(candidate: &Candidate) -> (String, Timestamp) {
    let moment = &candidate.moment;
    (moment.recording.clone(), moment.start + moment.length.scaled(1, 2))
}

/// The frames of every moment of a report.
pub fn frames_of(report: &ChoiceReport) -> Vec<(String, Timestamp)> {
    report.candidates.iter().map(frame_of).collect()
}
