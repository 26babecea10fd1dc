//! Telemetry as files that other programs read: CSV, GPX and JSON.
//!
//! Values are in the channels' own units (registry channels in the registry's)
//! and written with the fewest digits that give them back. What is not known is
//! empty, or left out; nothing is written where the log has nothing.

mod csv;
mod gpx;
mod json;

use std::io::{self, Write};

use crate::model::specs::LogFormat;
use crate::model::telemetry::{Channel, Mark, Telemetry};

/// A log on its way to a file: [`part`](Self::part) after part, then the
/// [`end`](Self::end).
#[derive(Debug)]
pub struct Export<'a> {
    format: LogFormat,
    zero: i64,
    utc: Option<i64>,
    channels: &'a [String],
    title: &'a str,
    begun: bool,
    /// Whether a segment of a track is open.
    open: bool,
    /// The last sample's time, and the gaps that were passed.
    last: Option<i64>,
    gaps: Vec<(i64, i64)>,
}

impl<'a> Export<'a> {
    /// The column `time` counts from `zero` on the log's clock, in ns; `utc` is
    /// added to the log's times, in ns, to be on UTC (`None` where that is not
    /// known). Only these channels are written, in this order; all where none is
    /// named. `title` is what the log is called, where the format has a place.
    pub fn new(format: LogFormat, zero: i64, utc: Option<i64>, channels: &'a [String], title: &'a str) -> Self {
        Export { format, zero, utc, channels, title, begun: false, open: false, last: None, gaps: Vec::new() }
    }

    /// Writes a whole log.
    ///
    /// # Errors
    ///
    /// Those of writing.
    pub fn write(&mut self, log: &Telemetry, out: &mut dyn Write) -> io::Result<()> {
        self.part(log, 0, out)?;
        self.end(&log.marks, out)
    }

    /// Writes the samples of a part of the log but the first `known`, which were
    /// written with the part before. Every part has the same channels.
    ///
    /// # Errors
    ///
    /// Those of writing.
    pub fn part(&mut self, part: &Telemetry, known: usize, out: &mut dyn Write) -> io::Result<()> {
        let channels = self.chosen(part);
        if !std::mem::replace(&mut self.begun, true) {
            match self.format {
                LogFormat::Csv => csv::begin(self, &channels, out)?,
                LogFormat::Gpx => gpx::begin(self, out)?,
                LogFormat::Json => json::begin(self, &channels, out)?,
            }
        }
        match self.format {
            LogFormat::Csv => csv::part(self, part, known, &channels, out),
            LogFormat::Gpx => gpx::part(self, part, known, out),
            LogFormat::Json => json::part(self, part, known, &channels, out),
        }
    }

    /// Writes what comes after the last part: there was one at least.
    ///
    /// # Errors
    ///
    /// Those of writing.
    pub fn end(&self, marks: &[Mark], out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            LogFormat::Csv => Ok(()),
            LogFormat::Gpx => gpx::end(self, out),
            LogFormat::Json => json::end(self, marks, out),
        }
    }

    /// The channels that are written: position, altitude and speed first.
    fn chosen<'l>(&self, log: &'l Telemetry) -> Vec<&'l Channel> {
        if !self.channels.is_empty() {
            return self.channels.iter().filter_map(|name| log.channel(name)).collect();
        }
        let place = |channel: &&Channel| FIRST.iter().position(|name| *name == channel.name).unwrap_or(FIRST.len());
        let mut channels: Vec<&Channel> = log.channels.iter().collect();
        channels.sort_by_key(place);
        channels
    }

    /// UTC of a time on the log's clock, in ns.
    fn utc_of(&self, time: i64) -> Option<i64> {
        Some(time.saturating_add(self.utc?))
    }
}

/// Whether nothing is known before a sample.
fn is_break(log: &Telemetry, sample: usize) -> bool {
    u32::try_from(sample).is_ok_and(|sample| log.breaks.binary_search(&sample).is_ok())
}

/// Channels that come first in a file.
const FIRST: [&str; 4] = ["latitude", "longitude", "altitude", "speed"];

/// Nanoseconds as seconds with as many decimals as they need: `0.0626`.
fn seconds(ns: i64) -> String {
    let (whole, part) = (ns.unsigned_abs() / 1_000_000_000, ns.unsigned_abs() % 1_000_000_000);
    let sign = if ns < 0 { "-" } else { "" };
    let text = format!("{sign}{whole}.{part:09}");
    let text = text.trim_end_matches('0');
    text.strip_suffix('.').unwrap_or(text).to_owned()
}

/// UTC as RFC 3339, with as many decimals as it needs, in threes.
fn rfc3339(ns: i64) -> String {
    let part = ns.rem_euclid(1_000_000_000);
    let digits = match part {
        0 => 0,
        part if part % 1_000_000 == 0 => 3,
        part if part % 1_000 == 0 => 6,
        _ => 9,
    };
    match jiff::Timestamp::from_nanosecond(i128::from(ns)) {
        Ok(time) => format!("{time:.digits$}"),
        Err(_) => String::new(),
    }
}

/// A value with the fewest digits that give it back; nothing where it is not
/// known. `-0` is 0.
fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => String::new(),
        value => format!("{}", value + 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_digits_that_they_need() {
        assert_eq!(
            [0, 62_600_000, -1_500_000_000, 3_000_000_000, 1].map(seconds),
            ["0", "0.0626", "-1.5", "3", "0.000000001"]
        );
        assert_eq!(rfc3339(1_506_233_453_000_000_000), "2017-09-24T06:10:53Z");
        assert_eq!(rfc3339(1_506_233_453_120_000_000), "2017-09-24T06:10:53.120Z");
    }

    #[test]
    fn numbers_are_given_back() {
        for value in [0.1, 33.126_840_3, -19.468, 1e-7, 123_456.0] {
            assert_eq!(number(value).parse::<f64>().unwrap(), value);
        }
        assert_eq!([-0.0, f64::NAN].map(number), ["0", ""]);
    }
}
