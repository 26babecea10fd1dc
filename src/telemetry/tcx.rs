//! TCX, Garmin's Training Center XML: the trackpoints of activities and courses,
//! with speed and power from the ActivityExtension v2, and laps.
//!
//! No released crate streams it; the schema is small. A lap's second track and
//! all that follow begin after a pause; the first does not, since one lap ends
//! where the next starts.

use std::io::{Read, Write};

use crate::base::{Diagnostic, Unit};
use crate::manifest::schema::schema;
use crate::model::telemetry::{LogClock, Mark, MarkKind, Spot};
use crate::telemetry::channels::snake_case;
use crate::telemetry::import::{Wrote, parameters};
use crate::telemetry::stamp::{EARLIEST, LATEST, Notation, Stamps};
use crate::telemetry::table::{Repeated, Table};
use crate::telemetry::xml::{self, Document, Piece, Trouble};
use crate::telemetry::zone::Zone;

schema! {
    /// A TCX file: its trackpoints with heart rate, cadence, speed and power,
    /// and its laps.
    pub struct Tcx = "Tcx" {
        /// The zone of times that name none, which TCX does not allow:
        /// `Europe/Berlin`, `+05:30` or `UTC`.
        timezone: Option<Zone> = None,
    }
}

/// As it stands in a manifest.
pub(super) const EXAMPLE: &str = r#"Tcx(file: "run.tcx")"#;

/// Raised whenever the same file would give other numbers.
pub(super) const VERSION: u32 = 1;

/// What elements of a trackpoint mean, by the element and the one around it.
const ELEMENTS: &[(&str, &str, &str, Unit)] = &[
    ("Position", "LatitudeDegrees", "latitude", Unit::Degrees),
    ("Position", "LongitudeDegrees", "longitude", Unit::Degrees),
    ("Trackpoint", "AltitudeMeters", "altitude", Unit::Metres),
    ("Trackpoint", "DistanceMeters", "distance", Unit::Metres),
    ("HeartRateBpm", "Value", "heart_rate", Unit::BeatsPerMinute),
    ("Trackpoint", "Cadence", "cadence", Unit::RevolutionsPerMinute),
    ("TPX", "Speed", "speed", Unit::MetresPerSecond),
    ("TPX", "RunCadence", "cadence", Unit::RevolutionsPerMinute),
    ("TPX", "Watts", "power", Unit::Watts),
];

const HINT: &str = "a TCX track has points with a time: `<Trackpoint><Time>...</Time>...</Trackpoint>`";

/// Reads a file with parameters as JSON.
pub(super) fn import(input: &mut dyn Read, params: &str, out: &mut dyn Write) -> Wrote {
    let params: Tcx = parameters("Tcx", params)?;
    plain(input, params.timezone.as_ref(), out)
}

/// Whether a file that starts so is a TCX file.
pub(super) fn looks(head: &[u8]) -> bool {
    xml::root_is(head, "TrainingCenterDatabase")
}

/// The log on its way.
struct Log<'w> {
    table: Table<'w>,
    stamps: Stamps,
    /// Of the trackpoint that is read: its start in the file, its time.
    at: u64,
    time: Option<String>,
    /// Start and trigger of the lap that is read.
    lap: (String, String),
    /// Tracks of that lap.
    tracks: u32,
    creator: String,
}

/// Reads a file.
pub(super) fn plain(input: &mut dyn Read, timezone: Option<&Zone>, out: &mut dyn Write) -> Wrote {
    let zone = timezone.map(Zone::rules).transpose()?;
    let mut log = Log {
        table: Table::new(Repeated::Joined, out),
        stamps: Stamps::new(Notation::Iso, zone, false),
        at: 0,
        time: None,
        lap: Default::default(),
        tracks: 0,
        creator: String::new(),
    };
    // Garmin's own files start with blanks.
    let mut document = Document::new(input);
    loop {
        match document.next() {
            Ok(Some(Piece::Open)) => log.open(&document),
            Ok(Some(Piece::Close(text))) => log.close(&document, text)?,
            Ok(None) => break,
            Err(Trouble::Unreadable(problem)) => return Err(problem),
            Err(Trouble::Broken(at, why)) => {
                log.table.notes.push(format!("byte {at}: {why}: what comes before is used"));
                log.end_lap();
                break;
            }
        }
    }
    log.table.late = log.stamps.folds.moved;
    log.table.notes.extend(log.stamps.folds.note());
    if log.stamps.assumed_utc {
        log.table.notes.push("times name no zone and are taken as UTC; `timezone` says otherwise".to_owned());
    }
    let format = if log.creator.is_empty() { "TCX".to_owned() } else { format!("TCX of {}", log.creator) };
    log.table.finish_or(&format, LogClock::Utc, HINT, false)
}

impl Log<'_> {
    fn open(&mut self, document: &Document<'_>) {
        match document.name() {
            "Activity" | "Course" => self.table.part(),
            "Lap" => {
                self.lap = (document.attribute("StartTime").unwrap_or_default().to_owned(), String::new());
                self.tracks = 0;
            }
            "Track" => {
                self.tracks += 1;
                if self.tracks > 1 {
                    self.table.part();
                }
            }
            "Trackpoint" => {
                self.table.clear();
                self.at = document.at();
                self.time = None;
            }
            _ => {}
        }
    }

    fn close(&mut self, document: &Document<'_>, text: String) -> Result<(), Diagnostic> {
        match (document.parent(), document.name()) {
            (_, "Trackpoint") => return self.add(),
            (_, "Lap") => self.end_lap(),
            ("Lap", "TriggerMethod") => self.lap.1 = snake_case(&text),
            ("Trackpoint", "Time") => self.time = Some(text),
            ("Creator", "Name") => self.creator = text.chars().take(40).collect(),
            (parent, name) if document.within("Trackpoint") => {
                let known = ELEMENTS.iter().find(|(around, element, ..)| *around == parent && *element == name);
                if let (Some((_, _, channel, unit)), Some(value)) = (known, xml::number(&text)) {
                    self.table.put(channel, *unit, value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_lap(&mut self) {
        let (start, name) = std::mem::take(&mut self.lap);
        if let Some(time) = self.read(&start, i64::MIN) {
            self.table.mark(Mark { time, kind: MarkKind::Lap, name, place: None });
        }
    }

    fn read(&mut self, text: &str, last: i64) -> Option<i64> {
        let time = self.stamps.read(text.as_bytes(), last).ok()?;
        (EARLIEST..LATEST).contains(&time).then_some(time)
    }

    fn add(&mut self) -> Result<(), Diagnostic> {
        let text = self.time.take().unwrap_or_default();
        let last = self.table.last_time();
        let found = self.read(&text, last).ok_or_else(|| match text.as_str() {
            "" => "a trackpoint without a time".to_owned(),
            text => format!("{:?} is no time of a logger with a clock", text.chars().take(40).collect::<String>()),
        });
        match found.and_then(|time| self.table.check_position().map(|()| time)) {
            Ok(time) => self.table.add(time).map(|_| ()),
            Err(reason) => {
                self.table.bad.add(Spot::Byte(self.at), || reason);
                self.table.clear();
                Ok(())
            }
        }
    }
}
