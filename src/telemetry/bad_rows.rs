//! What of a log could not be read.

use crate::model::telemetry::{BadRow, Spot};

/// How many are told with their reason.
const EXAMPLES: usize = 20;

/// Rows that could not be read: how many, and the first with their reasons.
#[derive(Debug, Default)]
pub(super) struct BadRows {
    pub(super) count: u64,
    pub(super) examples: Vec<BadRow>,
}

impl BadRows {
    pub(super) fn add(&mut self, at: Spot, reason: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(BadRow { at, reason: reason() });
        }
    }

    /// Both lists as one, in the order of the file.
    pub(super) fn merge(mut self, other: &BadRows) -> BadRows {
        self.count += other.count;
        self.examples.extend(other.examples.iter().cloned());
        self.examples.sort_by_key(|bad| bad.at);
        self.examples.truncate(EXAMPLES);
        self
    }
}
