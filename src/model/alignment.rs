//! How a camera's clock was put right: the value of `telemetry.align`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The clock of all that one camera recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alignment {
    pub method: AlignMethod,
    /// Added to what the camera says, in ms; where its recordings differ, the
    /// middle one's. `None` where it says nothing.
    pub offset_ms: Option<i64>,
    /// How sure it is, in 1 / 1,000.
    pub confidence: u16,
    /// When each recording starts, in the spec's order: UTC in ns, whole ms.
    pub starts: Vec<Option<i64>>,
    /// By how much the true time goes faster than the camera's, in 1 / 1,000 of
    /// a part per million; 0 where it cannot be told.
    pub drift: i32,
    /// Other offsets in ms that are nearly as good, with their score in
    /// 1 / 1,000; the best first.
    pub alternatives: Vec<(i64, i16)>,
    /// What else is worth knowing, as a sentence; may be empty.
    pub note: String,
}

/// What an alignment rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlignMethod {
    /// UTC of the receiver in the camera.
    Receiver,
    /// The camera's own speed beside the logger's.
    Speed,
    /// What its accelerometer feels beside the logger's speed.
    Shaking,
    /// What the camera says, moved by whole quarter hours.
    Zone,
    /// What the camera says.
    Claimed,
}

impl fmt::Display for AlignMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AlignMethod::Receiver => "GPS time in the footage",
            AlignMethod::Speed => "the footage's own speed beside the log's",
            AlignMethod::Shaking => "the camera's accelerometer beside the log's speed",
            AlignMethod::Zone => "the camera's clock, taken for one in another time zone",
            AlignMethod::Claimed => "the camera's clock",
        })
    }
}
