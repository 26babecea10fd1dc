//! Scores: what a log is looked through for where a weight of the moments names
//! it. Each is a channel that rests at 0 and rises around what it tells of.

/// What a weight can ask for beside signals and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score<'a> {
    /// `new_maximum(speed)`: a channel is higher than ever before.
    NewMaximum(&'a str),
    /// The top of a climb, by its prominence.
    Summit,
    /// A descent, by how far down it goes.
    Descent,
    /// A lap begins.
    LapStart,
    /// The logger, or the camera, noted something: a HiLight, a waypoint.
    Event,
}

/// How they are written, for hints.
pub const SCORES: &[&str] = &["new_maximum(speed)", "summit", "descent", "lap_start", "event"];

impl Score<'_> {
    /// The score of this name.
    pub fn parse(name: &str) -> Option<Score<'_>> {
        Some(match name.trim() {
            "summit" => Score::Summit,
            "descent" => Score::Descent,
            "lap_start" => Score::LapStart,
            "event" => Score::Event,
            other => Score::NewMaximum(other.strip_prefix("new_maximum(")?.strip_suffix(')')?.trim()),
        })
    }
}
