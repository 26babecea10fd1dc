//! The parameters of the CSV format as they stand in a manifest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Unit;
use crate::manifest::checker::Checker;
use crate::manifest::schema::{FromNode, choices, schema};
use crate::manifest::tree::{Node, Value};
use crate::telemetry::zone::Zone;

schema! {
    /// A table with one row a sample: any order of columns, quoted or not,
    /// `,`, `;` or tab between them, `#` comments anywhere.
    ///
    /// Columns are recognised by their headers (`lat`, `GPS Longitude`,
    /// `Speed (km/h)`, `heart_rate`, ...); `columns` says what is not. A header
    /// without a unit is taken to be in m, m/s, degrees, bpm, rpm, W, °C or %.
    /// Numeric columns that mean nothing known are kept under their own names
    /// in snake case: `Accel X` is `accel_x`. Of RaceChrono, TrackAddict,
    /// RaceRender, Harry's LapTimer, gpx2video, AiM, OpenTracks, Torque, Airdata,
    /// OpenTX, EdgeTX and Strava it is known what their headers do not say; of
    /// TrackAddict the rows with a new fix count.
    pub struct Csv = "Csv", check = Csv::check {
        /// The header of each channel's column, with its unit where the header
        /// does not say it: `{"speed": Column(header: "v", unit: "km/h")}`.
        /// `time` is the time; `date` the date beside it. `#3` is the third
        /// column of a file without headers.
        columns: BTreeMap<String, Column> = BTreeMap::new(),
        /// How times are written. What they count from follows from it.
        time: TimeFormat = TimeFormat::Auto,
        /// Times in words of strptime, e.g. `%d/%m/%Y %H:%M:%S`, for what
        /// `time` does not know. Date and time in two columns are joined by a
        /// space.
        pattern: Option<String> = None,
        /// The zone of times that name none: `Europe/Berlin`, `+05:30` or
        /// `UTC`.
        timezone: Option<Zone> = None,
        /// Rows are read only where these columns hold these values: a logger
        /// that repeats its last fix at 20 Hz marks the real ones, e.g.
        /// `{"GPS_Update": "1"}`.
        only: BTreeMap<String, String> = BTreeMap::new(),
        /// What stands between columns.
        delimiter: Delimiter = Delimiter::Auto,
    }
}

schema! {
    /// A column of the file.
    pub struct ColumnFields = "Column" {
        /// As the file's header names it.
        header: String,
        /// What its numbers are in.
        unit: Option<Unit> = None,
    }
}

choices! {
    /// How times are written.
    pub enum TimeFormat = "a time format" {
        /// Found out from the file.
        Auto,
        /// ISO 8601, e.g. `2024-06-01T10:21:04.5Z`.
        Iso,
        /// Seconds since 1970-01-01T00:00:00Z.
        EpochSeconds,
        /// Milliseconds since 1970-01-01T00:00:00Z.
        EpochMillis,
        /// Seconds since the log's start.
        Seconds,
        /// Milliseconds since the log's start.
        Millis,
        /// `h:mm:ss` since the log's start, or of the day where there is a
        /// column with the date.
        Clock,
    }
}

choices! {
    /// What stands between columns.
    pub enum Delimiter = "a delimiter" {
        /// Found out from the file.
        Auto,
        Comma,
        Semicolon,
        Tab,
    }
}

/// A column by its header alone or with its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    Header(String),
    Fields(ColumnFields),
}

impl Column {
    pub fn header(&self) -> &str {
        match self {
            Column::Header(header) => header,
            Column::Fields(fields) => &fields.header,
        }
    }

    pub fn unit(&self) -> Option<Unit> {
        match self {
            Column::Header(_) => None,
            Column::Fields(fields) => fields.unit,
        }
    }
}

impl FromNode for Column {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        match &node.value {
            Value::Text(header) => Some(Column::Header(header.clone())),
            _ => ColumnFields::from_node(node, checker).map(Column::Fields),
        }
    }

    fn expects() -> String {
        "a header in quotes or `Column(header: \"...\", unit: \"...\")`".to_owned()
    }

    fn to_text(&self) -> String {
        match self {
            Column::Header(header) => header.to_text(),
            Column::Fields(fields) => fields.to_text(),
        }
    }
}

impl Csv {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if self.pattern.is_some() && self.time != TimeFormat::Auto {
            let span = node.field("pattern").map_or(node.span, |field| field.span);
            checker.error_with_hint(span, "`pattern` and `time` both say how times are written", "remove one of them");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_a_header_or_has_fields() {
        let json = r#"{"speed":{"header":"v","unit":"KilometresPerHour"},"time":"utc_time"}"#;
        let columns: BTreeMap<String, Column> = serde_json::from_str(json).unwrap();
        assert_eq!(columns["time"].header(), "utc_time");
        assert_eq!(columns["speed"].unit(), Some(Unit::KilometresPerHour));
        assert_eq!(serde_json::to_string(&columns).unwrap(), json);
    }
}
