//! `Telemetry`: the log as a file for other programs.

use crate::deliver::deliverables::{Deliverable, Files};
use crate::manifest::schema::{choices, schema};
use crate::manifest::{Checker, KindEntry, Node};
use crate::model::specs::LogFormat;

schema! {
    /// The telemetry, cleaned and on the right clock: all of it as one file, or
    /// one for each moment. Columns are `time` (seconds from the moment's start,
    /// or the log's), `utc` where that is known, and every channel in its own
    /// unit; what is not known is left empty.
    pub struct Telemetry = "Telemetry", check = Telemetry::check {
        /// Where all of it is written, relative to the project. What its name ends
        /// in says what kind of file: `.csv`, `.gpx` or `.json`.
        file: Option<String> = None,
        /// The folder in which a file for each moment is written instead.
        folder: Option<String> = None,
        /// What kind of files those are.
        format: TelemetryFormat = TelemetryFormat::Csv,
        /// Only these channels, in this order; all where none is named. (In GPX the
        /// position is there whatever is named.)
        channels: Vec<String> = Vec::new(),
    }
}

choices! {
    /// What kind of file.
    pub enum TelemetryFormat = "a kind of file" {
        /// A table: a row for each sample.
        Csv,
        /// A track for maps and sports platforms: positions, altitude, heart rate,
        /// cadence, temperature, power, speed.
        Gpx,
        /// An object with units, samples, gaps and laps.
        Json,
    }
}

impl TelemetryFormat {
    fn log_format(self) -> LogFormat {
        match self {
            TelemetryFormat::Csv => LogFormat::Csv,
            TelemetryFormat::Gpx => LogFormat::Gpx,
            TelemetryFormat::Json => LogFormat::Json,
        }
    }
}

/// The files that are to be written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogPlan {
    /// A file, or a folder for a file of each moment.
    pub place: Place,
    pub format: LogFormat,
    pub channels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    File(String),
    Folder(String),
}

/// What a file's name ends in.
pub fn extension(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Csv => "csv",
        LogFormat::Gpx => "gpx",
        LogFormat::Json => "json",
    }
}

const FORMATS: [LogFormat; 3] = [LogFormat::Csv, LogFormat::Gpx, LogFormat::Json];

impl Telemetry {
    fn check(&self, node: &Node, checker: &mut Checker) {
        match (&self.file, &self.folder) {
            (Some(file), None) if of_file(file).is_none() => {
                let span = node.field("file").unwrap_or(node).span;
                let message = format!("what kind of file {file:?} is to be is not known");
                checker.error_with_hint(span, message, "let its name end in .csv, .gpx or .json");
            }
            (Some(_), Some(_)) => {
                let span = node.field("folder").unwrap_or(node).span;
                let hint =
                    "`file` is for all of the log, `folder` for a file of each moment: make two outputs for both";
                checker.error_with_hint(span, "a file and a folder are two outputs", hint);
            }
            (None, None) => {
                let hint = "write `file: \"out/ride.gpx\"`, or `folder: \"out/telemetry\"` for a file of each moment";
                checker.error_with_hint(node.span, "where the telemetry is to be written is not said", hint);
            }
            (Some(_), None) => {
                if let Some(format) = node.field("format") {
                    let hint = "what its name ends in says it: remove `format`";
                    checker.error_with_hint(format.span, "`format` is for the files of a folder", hint);
                }
            }
            (None, Some(_)) => {}
        }
    }
}

/// What kind of file a name says.
fn of_file(name: &str) -> Option<LogFormat> {
    let (_, ending) = name.rsplit_once('.')?;
    FORMATS.into_iter().find(|format| ending.eq_ignore_ascii_case(extension(*format)))
}

pub const TELEMETRY: Deliverable = Deliverable {
    entry: KindEntry::of::<Telemetry>("Telemetry", 1, r#"Telemetry(file: "out/ride.gpx")"#),
    settings: |_| None,
    files: Files::Log(plan),
};

fn plan(params: &str) -> Option<LogPlan> {
    let wanted: Telemetry = serde_json::from_str(params).ok()?;
    let (place, format) = match (wanted.file, wanted.folder) {
        (Some(file), _) => {
            let format = of_file(&file)?;
            (Place::File(file), format)
        }
        (None, folder) => (Place::Folder(folder?), wanted.format.log_format()),
    };
    Some(LogPlan { place, format, channels: wanted.channels })
}
