//! The specifications of what is done with logs and with cameras' clocks.

use serde::{Deserialize, Serialize};

use crate::base::{Digest, Timestamp, Unit};

/// `telemetry.import`: a log to raw `Telemetry` (artifact 0) and a
/// `TelemetrySummary` (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImportSpec {
    pub file: Digest,
    /// Name in the table `telemetry::FORMATS`, and its version.
    pub format: String,
    pub format_version: u32,
    /// The format's parameters as JSON with a fixed order of fields.
    #[serde(with = "crate::model::key::json_text")]
    pub params: String,
}

/// `telemetry.clean`: raw to cleaned `Telemetry` with derived channels
/// (artifact 0) and a `TelemetrySummary` (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CleanSpec {
    pub telemetry: Digest,
    /// A span without samples longer than this is a gap, in ms, unless the log
    /// itself usually rests that long.
    pub gap_ms: u32,
}

/// `telemetry.merge`: several cleaned logs to one `Telemetry` (artifact 0) and
/// its `TelemetrySummary` (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MergeSpec {
    /// The one whose values count comes first.
    pub logs: Vec<MergeLog>,
}

/// One of the logs that become one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MergeLog {
    /// Cleaned telemetry.
    pub telemetry: Digest,
    /// UTC at its own 0, in ns.
    pub shift: i64,
    /// By how much UTC goes faster than its times, in 1 / 1,000 of a part per
    /// million: a log that goes by a film's clock drifts as that does.
    pub drift: i32,
}

/// A log that footage is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AlignLog {
    /// Cleaned or merged telemetry.
    pub telemetry: Digest,
    /// Added to its times, in ns, to be on UTC.
    pub shift: i64,
}

/// `telemetry.complete`: cleaned or merged `Telemetry` to the same with what the
/// project adds to it and without what it hides (artifact 0), and its
/// `TelemetrySummary` (value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CompleteSpec {
    /// Cleaned or merged telemetry.
    pub telemetry: Digest,
    /// Where laps begin, if not where the log says.
    pub laps: Option<LapRule>,
    /// Where nothing has a position. Sorted.
    pub privacy: Vec<PrivatePlace>,
    /// What is added then, each after what it rests on.
    pub steps: Vec<CompleteStep>,
}

/// Where laps begin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LapRule {
    /// Where the way crosses a line. Latitudes and longitudes in steps of
    /// 1 / 10,000,000 of a degree.
    Line { from: (i32, i32), to: (i32, i32), at_least_ms: u32 },
    /// Each time the distance has grown by so much.
    Distance { millimetres: u64 },
}

/// A channel that is added to a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CompleteStep {
    /// From the altitude.
    VerticalSpeed,
    /// From the marks of the laps.
    LapTime,
    /// `CHANNEL_zone`: bounds in thousandths of the unit.
    Zones { channel: String, unit: Unit, bounds: Vec<i64> },
    /// By an expression; where it does not convert, the unit only names its
    /// numbers.
    Expression { name: String, text: String, unit: Unit, converts: bool },
    /// One of [`scores`](crate::model::scores), by its name.
    Score { name: String },
}

/// A place around which nothing has a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PrivatePlace {
    /// WGS 84, in steps of 1 / 10,000,000 of a degree.
    pub latitude: i32,
    pub longitude: i32,
    /// In mm.
    pub radius: u64,
}

/// `locate`: where a log is at a time: an optional [`Position`] (artifact 0 and
/// value).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LocateSpec {
    /// Cleaned telemetry.
    pub telemetry: Digest,
    /// On its clock, in ns.
    pub at: i64,
}

/// A place on the Earth (WGS 84), in steps of 1 / 10,000 of a degree: some 11 m.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    pub latitude: i32,
    pub longitude: i32,
}

impl Position {
    /// Steps of a degree.
    pub const SCALE: f64 = 10_000.0;
}

/// ISO 6709: `+47.3769+008.5417/`.
impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut degrees = |value: i32, digits: usize| {
            let (sign, value) = (if value < 0 { '-' } else { '+' }, value.unsigned_abs());
            write!(f, "{sign}{:0digits$}.{:04}", value / 10_000, value % 10_000)
        };
        degrees(self.latitude, 2)?;
        degrees(self.longitude, 3)?;
        f.write_str("/")
    }
}

/// `telemetry.export`: a log, or a stretch of it, as a file that other programs
/// read. Its artifact 0 is the output itself, which is not kept a second time in
/// the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExportSpec {
    /// Cleaned telemetry.
    pub telemetry: Digest,
    pub format: LogFormat,
    /// Added to its times, in ns, to be on UTC; `None` where that is not known.
    pub utc: Option<i64>,
    /// Only the samples from the first to before the second, on the log's clock
    /// in ns; the column `time` counts from the first, or else from the log's
    /// first sample.
    pub stretch: Option<(i64, i64)>,
    /// Only these channels, in this order; all where none is named.
    pub channels: Vec<String>,
    /// What it is called in the file, where the format has a place for it.
    pub title: String,
}

/// What kind of file a log is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogFormat {
    Csv,
    Gpx,
    Json,
}

/// `extract`: the telemetry track of a file of footage, with its times
/// (artifact 0; see [`payloads`](crate::model::payloads)).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExtractSpec {
    pub file: Digest,
}

/// `telemetry.align`: when the recordings of one camera start:
/// [`Alignment`](crate::model::alignment::Alignment) (value, and artifact 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AlignSpec {
    pub recordings: Vec<AlignRecording>,
    /// What they are compared with, where their receiver does not tell.
    pub log: Option<AlignLog>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AlignRecording {
    /// When the camera says that it starts: UTC in ns.
    pub claimed: Option<i64>,
    pub duration: Timestamp,
    pub chapters: Vec<AlignChapter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AlignChapter {
    /// Where the file starts in the recording.
    pub offset: Timestamp,
    /// The telemetry track of the file.
    pub payloads: Option<Digest>,
    /// Artifacts with how much its picture moves, in order of time, where that is
    /// asked for.
    pub motion: Vec<Digest>,
}

#[cfg(test)]
mod tests {
    use super::Position;

    /// By ISO 6709, annex H: degrees with two and three digits before the point.
    #[test]
    fn places_are_written_as_files_have_them() {
        let text = |latitude, longitude| Position { latitude, longitude }.to_string();
        assert_eq!(text(473_769, 85_417), "+47.3769+008.5417/");
        assert_eq!(text(-5, -1_799_999), "-00.0005-179.9999/");
    }
}
