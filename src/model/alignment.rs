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
    /// The clock of each recording, in the spec's order.
    pub clocks: Vec<RecordingClock>,
    /// Other offsets in ms that are nearly as good, with their score in
    /// 1 / 1,000; the best first.
    pub alternatives: Vec<(i64, i16)>,
    /// All that was tried, the surest first, with what came of it.
    pub tried: Vec<Attempt>,
    /// What else is worth knowing, as a sentence; may be empty.
    pub note: String,
}

impl Alignment {
    /// The drift that is the largest, in [`RecordingClock::drift`]'s unit.
    pub fn drift(&self) -> i32 {
        self.clocks.iter().map(|clock| clock.drift).max_by_key(|drift| drift.unsigned_abs()).unwrap_or(0)
    }
}

/// True time = start + media time x (1 + drift).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecordingClock {
    /// When it starts: UTC in ns, whole ms; `None` where nothing tells.
    pub start: Option<i64>,
    /// By how much true time goes faster than the film's, in 1 / 1,000 of a
    /// part per million, in steps of 100; 0 where it cannot be told.
    pub drift: i32,
}

/// Something that was tried to find a camera's clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    pub method: AlignMethod,
    /// What it would add to what the camera says, in ms, where it tells.
    pub offset_ms: Option<i64>,
    /// How sure it is, in 1 / 1,000.
    pub confidence: u16,
    /// What came of it, in words.
    pub found: String,
}

/// The time by which a clock that drifts (1 / 1,000 of a part per million) is
/// away after a span, in ns.
pub fn drifted(span: i64, drift: i32) -> i64 {
    let away = i128::from(span) * i128::from(drift) / 1_000_000_000;
    i64::try_from(away).unwrap_or(0)
}

/// How a log's own times become those of another clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Time on the other clock at the log's own 0, in ns.
    pub start: i64,
    /// By how much the other clock goes faster, in [`RecordingClock::drift`]'s unit.
    pub drift: i32,
}

impl Course {
    /// Time on the other clock at one of the log's, both in ns.
    pub fn at(self, own: i64) -> i64 {
        self.start.saturating_add(own).saturating_add(drifted(own, self.drift))
    }

    /// The log's own time at one of the other clock, within 1 ns of what
    /// [`at`](Self::at) brings there.
    pub fn back(self, other: i64) -> i64 {
        let since = i128::from(other.saturating_sub(self.start));
        let rate = (1_000_000_000 + i128::from(self.drift)).max(1);
        let own = (since * 1_000_000_000).div_euclid(rate);
        i64::try_from(own).unwrap_or(if own < 0 { i64::MIN } else { i64::MAX })
    }
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
    /// How much the picture moves beside the logger's speed.
    Motion,
}

impl AlignMethod {
    /// One word, for programs.
    pub fn name(self) -> &'static str {
        match self {
            AlignMethod::Receiver => "receiver",
            AlignMethod::Speed => "speed",
            AlignMethod::Shaking => "shaking",
            AlignMethod::Zone => "zone",
            AlignMethod::Claimed => "claimed",
            AlignMethod::Motion => "motion",
        }
    }
}

impl fmt::Display for AlignMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AlignMethod::Receiver => "GPS time in the footage",
            AlignMethod::Speed => "the footage's own speed beside the log's",
            AlignMethod::Shaking => "the camera's accelerometer beside the log's speed",
            AlignMethod::Zone => "the camera's clock, taken for one in another time zone",
            AlignMethod::Claimed => "the camera's clock",
            AlignMethod::Motion => "how much the picture moves beside the log's speed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_parts_of_a_billion() {
        // 23.4 ppm over an hour are 84.24 ms.
        assert_eq!(drifted(3_600_000_000_000, 23_400), 84_240_000);
        assert_eq!(drifted(3_600_000_000_000, -23_400), -84_240_000);
        assert_eq!(drifted(i64::MIN, i32::MIN), 0, "what no number holds is none");
    }

    #[test]
    fn a_course_leads_there_and_back() {
        let mut chance = fastrand::Rng::with_seed(3);
        for drift in [0, 23_400, -23_400, 500_000, -500_000] {
            let course = Course { start: 1_700_000_000_000_000_000, drift };
            for _ in 0..1_000 {
                let own = chance.i64(-86_400_000_000_000..86_400_000_000_000);
                assert!(course.back(course.at(own)).abs_diff(own) <= 1, "{own} {drift}");
            }
        }
        let straight = Course { start: 5, drift: 0 };
        assert_eq!([i64::MIN, i64::MAX].map(|end| straight.back(end)), [i64::MIN, i64::MAX - 5]);
    }
}
