//! NMEA 0183, what GPS receivers themselves say: RMC, GGA, VTG and GSA.
//!
//! A sentence is read by the `nmea` crate (Apache-2.0), checksum included.
//! Which sentences belong together is decided here: a receiver tells one fix in
//! several, of which only some say the time and only RMC the date. A time that
//! is not that of the sentences before begins a new sample; one that goes back
//! by more than half a day has passed midnight, whether or not an RMC has said
//! so yet.

use std::io::{Read, Write};

use ::nmea::sentences::gsa::GsaMode2;
use ::nmea::sentences::rmc::RmcStatusOfFix;
use ::nmea::sentences::{FixType, GgaData, GsaData, RmcData, VtgData};
use ::nmea::{Error, ParseResult};
use chrono::{NaiveTime, Timelike};

use crate::base::{Diagnostic, Unit};
use crate::manifest::schema::schema;
use crate::model::telemetry::{LogClock, Spot};
use crate::telemetry::import::{Wrote, parameters};
use crate::telemetry::lines::Lines;
use crate::telemetry::stamp::{EARLIEST, LATEST, SECOND};
use crate::telemetry::table::{Repeated, Table};
use crate::telemetry::zone::Zone;

schema! {
    /// A log of NMEA sentences (`$GPRMC,...*6A`): positions, speed, heading and
    /// altitude, with the dilution of precision. Its times are UTC; without an
    /// RMC sentence nothing says the date, and times count from the log's
    /// start.
    pub struct Nmea = "Nmea" {
    }
}

/// As it stands in a manifest.
pub(super) const EXAMPLE: &str = r#"Nmea(file: "track.nmea")"#;

/// Raised whenever the same file would give other numbers.
pub(super) const VERSION: u32 = 1;

const DAY: i64 = 86_400 * SECOND;

/// How many lines of a file's start are looked at to tell what it is.
const VOTERS: usize = 200;

const HINT: &str = "an NMEA log has lines such as `$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,,*1D`";

/// Reads a file with parameters as JSON.
pub(super) fn import(input: &mut dyn Read, params: &str, out: &mut dyn Write) -> Wrote {
    let Nmea {} = parameters("Nmea", params)?;
    plain(input, None, out)
}

/// Whether a file that starts so is a log of sentences.
pub(super) fn looks(head: &[u8]) -> bool {
    let lines = head.split(|byte| *byte == b'\n').take(VOTERS);
    let read = |line: &[u8]| {
        let text = String::from_utf8_lossy(line);
        sentence(text.trim()).is_some_and(|text| ::nmea::parse_str(text).is_ok())
    };
    lines.filter(|line| read(line)).count() > 0
}

/// The sentence in a line, which a logger may have put its own time before.
fn sentence(line: &str) -> Option<&str> {
    let start = line.find('$')?;
    let text = &line[start..];
    let kind = text.get(3..6)?;
    ["RMC", "GGA", "VTG", "GSA"].contains(&kind).then_some(text)
}

/// The sample that is put together.
#[derive(Default)]
struct Fix {
    /// Of the day, in ns.
    time: Option<i64>,
    position: Option<(f64, f64)>,
    speed: Option<f64>,
    heading: Option<f64>,
    altitude: Option<f64>,
    satellites: Option<f64>,
    /// Dilution of precision: of the position, horizontal, vertical.
    dop: [Option<f64>; 3],
    /// What GGA or GSA say: 0 none, 2 or 3 dimensions.
    dimensions: Option<f64>,
}

struct Log<'w> {
    table: Table<'w>,
    fix: Fix,
    /// The day of the sample, as the start of that day in ns since 1970.
    day: Option<i64>,
    /// Days that passed while none was known.
    midnights: i64,
    /// The time of the day of the sample before.
    last: Option<i64>,
    /// Whether samples were taken that have no date.
    undated: bool,
    early: u64,
}

/// Reads a file.
pub(super) fn plain(input: &mut dyn Read, _: Option<&Zone>, out: &mut dyn Write) -> Wrote {
    let mut log = Log {
        table: Table::new(Repeated::Joined, out),
        fix: Fix::default(),
        day: None,
        midnights: 0,
        last: None,
        undated: false,
        early: 0,
    };
    let mut lines = Lines::new(input);
    while let Some(line) = lines.next()? {
        let Some(text) = sentence(&line) else { continue };
        match ::nmea::parse_str(text) {
            Ok(ParseResult::RMC(rmc)) => log.rmc(&rmc)?,
            Ok(ParseResult::GGA(gga)) => log.gga(&gga)?,
            Ok(ParseResult::VTG(vtg)) => log.vtg(&vtg),
            Ok(ParseResult::GSA(gsa)) => log.gsa(&gsa),
            Ok(_) => {}
            Err(error) => log.table.bad.add(Spot::Line(lines.number()), || reason(&error)),
        }
    }
    log.flush()?;
    if log.early > 0 {
        log.table.notes.push(format!("{} samples before the first date are left out", log.early));
    }
    let clock = if log.undated { LogClock::Start } else { LogClock::Utc };
    if log.undated && log.table.len() > 0 {
        log.table.notes.push("no sentence says the date: times count from the log's start".to_owned());
    }
    log.table.finish_or("NMEA", clock, HINT, clock == LogClock::Start)
}

fn reason(error: &Error<'_>) -> String {
    match error {
        Error::ChecksumMismatch { calculated, found } => {
            format!("the checksum is {found:02X} where the sentence has {calculated:02X}")
        }
        Error::SentenceLength(length) => format!("a sentence of {length} characters"),
        Error::ASCII | Error::Utf8Decoding => "a sentence with characters that are none of NMEA".to_owned(),
        _ => "the sentence cannot be read".to_owned(),
    }
}

/// A single-precision number as the decimal that was written.
fn decimal(value: f32) -> f64 {
    libm::round(f64::from(value) * 1e4) / 1e4
}

impl Log<'_> {
    /// Begins a new sample where the time is another.
    fn at(&mut self, time: Option<NaiveTime>) -> Result<(), Diagnostic> {
        let Some(time) = time else { return Ok(()) };
        let time = i64::from(time.num_seconds_from_midnight()) * SECOND + i64::from(time.nanosecond());
        if self.fix.time != Some(time) {
            self.flush()?;
            if self.last.is_some_and(|last| time < last - DAY / 2) {
                match &mut self.day {
                    Some(day) => *day += DAY,
                    None => self.midnights += 1,
                }
            }
            self.fix.time = Some(time);
            self.last = Some(time);
        }
        Ok(())
    }

    fn rmc(&mut self, rmc: &RmcData) -> Result<(), Diagnostic> {
        self.at(rmc.fix_time)?;
        // Receivers without a fix tell the date of their making.
        if rmc.status_of_fix == RmcStatusOfFix::Invalid {
            return Ok(());
        }
        if let Some(date) = rmc.fix_date {
            let days = date.signed_duration_since(chrono::NaiveDate::default()).num_days();
            self.day = Some(days * DAY);
            if std::mem::take(&mut self.undated) {
                self.early += self.table.len() as u64;
                self.table.reset();
            }
        }
        self.fix.position = rmc.lat.zip(rmc.lon).or(self.fix.position);
        self.fix.speed = rmc.speed_over_ground.map(decimal).or(self.fix.speed);
        self.fix.heading = rmc.true_course.map(decimal).or(self.fix.heading);
        Ok(())
    }

    fn gga(&mut self, gga: &GgaData) -> Result<(), Diagnostic> {
        self.at(gga.fix_time)?;
        if matches!(gga.fix_type, None | Some(FixType::Invalid)) {
            return Ok(());
        }
        // GGA has more digits than some receivers give in RMC.
        self.fix.position = gga.latitude.zip(gga.longitude).or(self.fix.position);
        self.fix.altitude = gga.altitude.map(decimal);
        self.fix.satellites = gga.fix_satellites.map(f64::from);
        self.fix.dop[1] = gga.hdop.map(decimal).or(self.fix.dop[1]);
        Ok(())
    }

    fn vtg(&mut self, vtg: &VtgData) {
        self.fix.speed = self.fix.speed.or(vtg.speed_over_ground.map(decimal));
        self.fix.heading = self.fix.heading.or(vtg.true_course.map(decimal));
    }

    fn gsa(&mut self, gsa: &GsaData) {
        for (dop, told) in self.fix.dop.iter_mut().zip([gsa.pdop, gsa.hdop, gsa.vdop]) {
            *dop = told.map(decimal).or(*dop);
        }
        self.fix.dimensions = Some(match gsa.mode2 {
            GsaMode2::NoFix => 0.0,
            GsaMode2::Fix2D => 2.0,
            GsaMode2::Fix3D => 3.0,
        });
    }

    /// Ends the sample.
    fn flush(&mut self) -> Result<(), Diagnostic> {
        let fix = std::mem::take(&mut self.fix);
        let Some(time) = fix.time else {
            // What came before the first time belongs to the next sample.
            self.fix = fix;
            return Ok(());
        };
        if fix.position.is_none() && fix.speed.is_none() {
            return Ok(());
        }
        let day = self.day.unwrap_or(self.midnights * DAY);
        let time = day + time;
        if self.day.is_some() && !(EARLIEST..LATEST).contains(&time) {
            return Ok(());
        }
        self.undated |= self.day.is_none();
        let values = [
            ("latitude", Unit::Degrees, fix.position.map(|(lat, _)| lat)),
            ("longitude", Unit::Degrees, fix.position.map(|(_, lon)| lon)),
            ("altitude", Unit::Metres, fix.altitude),
            ("speed", Unit::MetresPerSecond, fix.speed.and_then(|v| Unit::Knots.convert(v, Unit::MetresPerSecond))),
            ("heading", Unit::Degrees, fix.heading),
            ("satellites", Unit::None, fix.satellites),
            ("fix", Unit::None, fix.dimensions),
            ("pdop", Unit::None, fix.dop[0]),
            ("hdop", Unit::None, fix.dop[1]),
            ("vdop", Unit::None, fix.dop[2]),
        ];
        for (name, unit, value) in values {
            if let Some(value) = value {
                self.table.put(name, unit, value);
            }
        }
        if let Err(reason) = self.table.check_position() {
            self.table.notes.push(reason);
            self.table.clear();
            return Ok(());
        }
        self.table.add(time).map(|_| ())
    }
}
