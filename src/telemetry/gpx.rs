//! GPX 1.0 and 1.1: the points of its tracks, with what extensions say of each.
//!
//! Not the `gpx` crate: it drops extensions, which is where heart rate, cadence,
//! temperature and power stand, and keeps the document in memory. Here the
//! document goes by once. An extension's element means what its name means,
//! whatever its namespace: Garmin's TrackPointExtension v1 and v2, Cluetrust's
//! gpxdata and the power extensions (Garmin's, Strava's) share their names;
//! what is a number under any other name is kept under that.
//!
//! Nothing is known between two segments. Waypoints that say when are events.

use std::io::{Read, Write};

use crate::base::{Diagnostic, Unit};
use crate::manifest::schema::schema;
use crate::model::telemetry::{LogClock, Mark, MarkKind, Spot};
use crate::telemetry::channels::{self, snake_case, squash};
use crate::telemetry::import::{Wrote, parameters};
use crate::telemetry::stamp::{EARLIEST, LATEST, Notation, Stamps};
use crate::telemetry::table::{Repeated, Table};
use crate::telemetry::xml::{self, Document, Piece, Trouble};
use crate::telemetry::zone::Zone;

schema! {
    /// A GPX file: the points of all its tracks, with the heart rate, cadence,
    /// temperature, power and whatever else extensions hold. The end of a
    /// segment is a gap.
    pub struct Gpx = "Gpx" {
        /// The zone of times that name none, which GPX does not allow:
        /// `Europe/Berlin`, `+05:30` or `UTC`.
        timezone: Option<Zone> = None,
    }
}

/// As it stands in a manifest.
pub(super) const EXAMPLE: &str = r#"Gpx(file: "ride.gpx")"#;

/// Raised whenever the same file would give other numbers.
pub(super) const VERSION: u32 = 2;

/// What elements of a point mean, squashed, with the unit of their numbers.
const ELEMENTS: &[(&str, &str, Unit)] = &[
    ("ele", "altitude", Unit::Metres),
    ("altitude", "altitude", Unit::Metres),
    // GPX 1.0 and TrackPointExtension v2.
    ("speed", "speed", Unit::MetresPerSecond),
    ("course", "heading", Unit::Degrees),
    ("bearing", "bearing", Unit::Degrees),
    ("hr", "heart_rate", Unit::BeatsPerMinute),
    ("heartrate", "heart_rate", Unit::BeatsPerMinute),
    ("cad", "cadence", Unit::RevolutionsPerMinute),
    ("cadence", "cadence", Unit::RevolutionsPerMinute),
    ("atemp", "temperature", Unit::Celsius),
    ("temp", "temperature", Unit::Celsius),
    ("temperature", "temperature", Unit::Celsius),
    ("wtemp", "water_temperature", Unit::Celsius),
    ("depth", "depth", Unit::Metres),
    ("power", "power", Unit::Watts),
    ("watts", "power", Unit::Watts),
    ("powerinwatts", "power", Unit::Watts),
    // Cluetrust's gpxdata.
    ("distance", "distance", Unit::Metres),
    ("verticalspeed", "vertical_speed", Unit::MetresPerSecond),
    ("sealevelpressure", "sea_level_pressure", Unit::None),
];

/// Numbers of a point that say nothing of the ride.
const PASSED_OVER: &[&str] = &["dgpsid", "ageofdgpsdata", "magvar", "link", "text", "type", "name"];

const HINT: &str = "a GPX track has points with a time: `<trkpt lat=\"..\" lon=\"..\"><time>...</time></trkpt>`";

/// Reads a file with parameters as JSON.
pub(super) fn import(input: &mut dyn Read, params: &str, out: &mut dyn Write) -> Wrote {
    let params: Gpx = parameters("Gpx", params)?;
    plain(input, params.timezone.as_ref(), out)
}

/// Whether a file that starts so is a GPX file.
pub(super) fn looks(head: &[u8]) -> bool {
    xml::root_is(head, "gpx")
}

/// The point that is read.
#[derive(Default)]
struct Point {
    /// Of its start tag, for messages.
    at: u64,
    time: Option<String>,
    name: String,
    /// Of a waypoint, in steps of 1 / 10,000,000 of a degree.
    place: Option<(i32, i32)>,
}

/// The log on its way.
struct Log<'w> {
    table: Table<'w>,
    stamps: Stamps,
    point: Point,
    timeless: u64,
    creator: String,
}

/// Reads a file.
pub(super) fn plain(input: &mut dyn Read, timezone: Option<&Zone>, out: &mut dyn Write) -> Wrote {
    let zone = timezone.map(Zone::rules).transpose()?;
    let mut log = Log {
        table: Table::new(Repeated::Dropped, out),
        stamps: Stamps::new(Notation::Iso, zone, false),
        point: Point::default(),
        timeless: 0,
        creator: String::new(),
    };
    let mut document = Document::new(input);
    loop {
        match document.next() {
            Ok(Some(Piece::Open)) => log.open(&document),
            Ok(Some(Piece::Close(text))) => log.close(&document, &text)?,
            Ok(None) => break,
            Err(Trouble::Unreadable(problem)) => return Err(problem),
            Err(Trouble::Broken(at, why)) => {
                log.table.notes.push(format!("byte {at}: {why}: what comes before is used"));
                break;
            }
        }
    }
    if log.timeless > 0 {
        log.table.notes.push(format!("{} points have no time and are left out", log.timeless));
    }
    log.table.late = log.stamps.folds.moved;
    log.table.notes.extend(log.stamps.folds.note());
    if log.stamps.assumed_utc {
        log.table.notes.push("times name no zone and are taken as UTC; `timezone` says otherwise".to_owned());
    }
    let format = if log.creator.is_empty() { "GPX".to_owned() } else { format!("GPX of {}", log.creator) };
    log.table.finish_or(&format, LogClock::Utc, HINT, false)
}

impl Log<'_> {
    fn open(&mut self, document: &Document<'_>) {
        match document.name() {
            "gpx" => {
                let creator = document.attribute("creator").unwrap_or_default();
                self.creator = creator.chars().take(40).collect();
            }
            "trk" | "trkseg" => self.table.part(),
            "trkpt" | "wpt" => {
                self.table.clear();
                self.point = Point { at: document.at(), ..Point::default() };
                let degrees = |name: &str| document.attribute(name).and_then(xml::number);
                if let (Some(lat), Some(lon)) = (degrees("lat"), degrees("lon")) {
                    self.table.put("latitude", Unit::Degrees, lat);
                    self.table.put("longitude", Unit::Degrees, lon);
                    let steps = |degrees: f64| libm::round(degrees * 1e7) as i32;
                    self.point.place = Some((steps(lat), steps(lon)));
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, document: &Document<'_>, text: &str) -> Result<(), Diagnostic> {
        match document.name() {
            "trkpt" => return self.add(),
            "wpt" => {
                self.table.clear();
                if let Some(time) = self.point.time.take().and_then(|time| self.time(&time)) {
                    let name = std::mem::take(&mut self.point.name);
                    let place = self.point.place.take();
                    self.table.mark(Mark { time, kind: MarkKind::Event, name, place });
                }
            }
            "time" if document.within("trkpt") || document.within("wpt") => self.point.time = Some(text.to_owned()),
            "name" if document.parent() == "wpt" => self.point.name = text.to_owned(),
            // Cluetrust's laps.
            "startTime" if document.parent() == "lap" => {
                if let Some(time) = self.time(text) {
                    self.table.mark(Mark { time, kind: MarkKind::Lap, name: String::new(), place: None });
                }
            }
            name if document.within("trkpt") && !text.is_empty() => {
                if let Some(value) = xml::number(text) {
                    self.value(name, value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn time(&mut self, text: &str) -> Option<i64> {
        let time = self.stamps.read(text.as_bytes(), self.table.last_time()).ok()?;
        (EARLIEST..LATEST).contains(&time).then_some(time)
    }

    /// A number of a point: the first of two that mean the same counts.
    fn value(&mut self, name: &str, value: f64) {
        let squashed = squash(name);
        let (name, unit) = match ELEMENTS.iter().find(|(element, ..)| *element == squashed) {
            Some((_, channel, unit)) => ((*channel).to_owned(), *unit),
            None if PASSED_OVER.contains(&squashed.as_str()) => return,
            None => match snake_case(name) {
                // What only looks like a channel has units of its own.
                own if own.is_empty() || channels::find(&own).is_some() => return,
                own => (own, Unit::None),
            },
        };
        // What an iPhone does not know of its way is -1; another course below
        // zero is to the west.
        if (name == "heading" && value == -1.0) || (name == "speed" && value < 0.0) {
            return;
        }
        if let Some(column) = self.table.column(&name, unit)
            && self.table.row()[column].is_nan()
        {
            self.table.set(column, value);
        }
    }

    fn add(&mut self) -> Result<(), Diagnostic> {
        let point = std::mem::take(&mut self.point);
        let Some(text) = point.time else {
            self.timeless += 1;
            self.table.clear();
            return Ok(());
        };
        let Some(time) = self.time(&text) else {
            self.table.bad.add(Spot::Byte(point.at), || {
                format!("{:?} is no time of a logger with a clock", text.chars().take(40).collect::<String>())
            });
            self.table.clear();
            return Ok(());
        };
        if let Err(reason) = self.table.check_position() {
            self.table.bad.add(Spot::Byte(point.at), || reason);
            self.table.clear();
            return Ok(());
        }
        self.table.add(time).map(|_| ())
    }
}
