//! Moments: the stretches of footage that were chosen, and why.

use serde::{Deserialize, Serialize};

use crate::base::{TimeRange, Timestamp};

/// A stretch of one recording.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Moment {
    /// `camera/recording`, e.g. `front/GX010012`.
    pub recording: String,
    /// Start in the recording's own time (chapters joined).
    pub start: Timestamp,
    pub length: Timestamp,
    pub pinned: bool,
}

impl Moment {
    pub fn range(&self) -> TimeRange {
        TimeRange::new(self.start, self.start + self.length)
    }

    /// The stable name of what is made of this moment: `front/GX010012@192.0s`.
    pub fn node(&self) -> String {
        let millis = self.start.to_millis();
        let text = format!("{}.{:03}", millis / 1000, millis.rem_euclid(1000));
        let text = text.trim_end_matches('0');
        let text = if text.ends_with('.') { format!("{text}0") } else { text.to_owned() };
        format!("{}@{text}s", self.recording)
    }
}

/// The value of a `choose` action: in chronological order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chosen {
    pub moments: Vec<Moment>,
}

/// Why they were chosen: the artifact of a `choose` action, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceReport {
    /// How each weighted input was normalised.
    pub inputs: Vec<NormalisedInput>,
    /// Chosen moments and near-misses, in chronological order.
    pub candidates: Vec<Candidate>,
    /// How many stretches were looked at in all.
    pub considered: u64,
    /// Of a moment whose pin does not say another.
    pub length: Option<Timestamp>,
    /// What is worth saying, e.g. "no footage overlaps the telemetry".
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NormalisedInput {
    pub name: String,
    /// In steps of 1 / 1,000.
    pub weight: i32,
    /// The values that count as 0 and as 1, in steps of 1 / 10,000 of the
    /// input's unit.
    pub low: i64,
    pub high: i64,
    /// Share of the footage, in steps of 1 / 1,000, for which it has a value.
    pub coverage: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub moment: Moment,
    /// In steps of 1 / 1,000,000.
    pub score: i64,
    /// Weighted part of each input, in the order of `ChoiceReport::inputs`;
    /// `None` where it has no value here.
    pub parts: Vec<Option<i64>>,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Pinned,
    Chosen,
    /// Overlaps a chosen moment or is nearer to it than the gap (which one, by
    /// its node name).
    TooNear(String),
    /// The total duration was full.
    NoRoom,
    /// The manifest bans it.
    Banned,
}
