//! Telemetry in memory: columns over one time axis.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::Unit;

/// Samples of a logger, in columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Telemetry {
    /// What `times` counts from.
    pub clock: LogClock,
    /// Nanoseconds, strictly increasing.
    pub times: Vec<i64>,
    pub channels: Vec<Channel>,
    /// Indices `i` such that nothing is known between sample `i - 1` and
    /// sample `i` (a pause, a lost signal): no value is interpolated across.
    pub breaks: Vec<u32>,
    /// What the logger noted, in the order of time.
    pub marks: Vec<Mark>,
}

/// A moment that the logger noted beside its samples.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// On the clock of the log's times, in ns.
    pub time: i64,
    pub kind: MarkKind,
    /// What the log says of it, e.g. `manual` for how a lap was started; may
    /// be empty.
    pub name: String,
    /// Where it is, where the log says so of the mark itself: latitude and
    /// longitude in steps of 1 / 10,000,000 of a degree.
    pub place: Option<(i32, i32)>,
}

/// What happened at a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MarkKind {
    /// A lap starts here; it ends where the next starts.
    Lap,
    /// The logger was stopped here.
    Pause,
    /// The logger went on here.
    Resume,
    /// Anything else, by its name.
    Event,
}

/// What a log's times count from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogClock {
    /// 1970-01-01T00:00:00Z.
    #[default]
    Utc,
    /// The log's own start; the manifest says when that was.
    Start,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// From the registry (`latitude`, `longitude`, `altitude`, `speed`,
    /// `distance`, `gradient`, `heading`, `heart_rate`, `cadence`, `power`,
    /// `temperature`, `lap`) or the user's own name.
    pub name: String,
    /// What the values are in; registry channels are always in the registry's
    /// unit (speed m/s, altitude and distance m, gradient %, angles degrees).
    pub unit: Unit,
    /// One value for each time; NaN where the log has none.
    pub values: Vec<f64>,
}

impl Telemetry {
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }
}

/// What importing a log reports; small, kept with the action's result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TelemetrySummary {
    /// What the file is, e.g. `FIT` or `CSV of RaceChrono`; empty for what is
    /// no file's.
    pub format: String,
    pub clock: LogClock,
    /// Samples kept.
    pub samples: u64,
    /// First and last time in ns.
    pub first: i64,
    pub last: i64,
    pub channels: Vec<ChannelSummary>,
    /// Gaps: where interpolation stops.
    pub gaps: u32,
    /// Laps, pauses and other events that the logger noted.
    pub laps: u32,
    pub pauses: u32,
    pub events: u32,
    /// Rows that could not be read: how many, and the first few with reason.
    pub bad_rows: u64,
    pub bad_examples: Vec<BadRow>,
    /// What else is worth saying, e.g. "312 rows repeat the time before them".
    pub notes: Vec<String>,
    /// How good the log is.
    pub quality: Quality,
}

/// How good a log is, what of it was dropped and what was filled in. Of an
/// import only what that dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// The usual distance between samples that no gap parts: their median, in
    /// ns; 0 where there are none.
    pub usual: i64,
    /// The longest gaps, the longest first, with the samples on both sides (ns
    /// on the log's clock).
    pub longest: Vec<(i64, i64)>,
    /// All gaps together, in ns.
    pub unknown: i64,
    /// What was left out, and why.
    pub dropped: Vec<Dropped>,
    pub noise: Vec<ChannelNoise>,
    /// Channels with the samples whose value was missing or dropped and was put
    /// on the line (or the smoothed path) between those around it.
    pub bridged: Vec<(String, u64)>,
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub what: String,
    pub why: Reason,
    pub count: u64,
}

/// Why something of a log is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// A row that cannot be read.
    Unreadable,
    /// It has the time of the one before it.
    Repeated,
    /// It goes back in time.
    Backward,
    /// The clock jumped ahead, and back.
    Jumped,
    /// The receiver had no fix.
    NoFix,
    /// The receiver's dilution of precision was too high.
    Imprecise,
    /// The receiver did not know the time.
    NoTime,
    /// No sensor can have measured such a value.
    OutOfRange,
    /// Nothing moves like that.
    Excursion,
    /// Nothing accelerates like that.
    Spike,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Unreadable => "cannot be read",
            Reason::Repeated => "repeat a time",
            Reason::Backward => "go back in time",
            Reason::Jumped => "jump ahead in time",
            Reason::NoFix => "without a fix",
            Reason::Imprecise => "not precise enough",
            Reason::NoTime => "without a time",
            Reason::OutOfRange => "out of range",
            Reason::Excursion => "nothing moves like that",
            Reason::Spike => "nothing accelerates like that",
        })
    }
}

/// How noisy a channel is: the standard deviation of what of it is white noise,
/// from samples about a second apart (see `telemetry/smooth.rs`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelNoise {
    /// `position` (metres, per axis), `speed` (m/s) or `altitude` (metres).
    pub channel: String,
    /// In steps of 1 / 1,000 of that unit.
    pub deviation: u64,
}

impl Quality {
    /// Notes that something was left out, where it was.
    pub fn drop(&mut self, what: &str, why: Reason, count: u64) {
        if count > 0 {
            self.dropped.push(Dropped { what: what.to_owned(), why, count });
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelSummary {
    pub name: String,
    pub unit: Unit,
    /// Whether it was computed from other channels.
    pub derived: bool,
    /// Samples that have a value.
    pub count: u64,
    /// In steps of 1 / 1,000 of the unit, so that summaries compare exactly.
    pub min: i64,
    pub max: i64,
    /// 2nd and 98th percentile: what gauges and scores range over, because one
    /// glitch must not decide them.
    pub low: i64,
    pub high: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    pub at: Spot,
    pub reason: String,
}

/// Where in a log file something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Spot {
    /// Counted from 1.
    Line(u64),
    /// Counted from 0.
    Byte(u64),
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spot::Line(line) => write!(f, "line {line}"),
            Spot::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}
