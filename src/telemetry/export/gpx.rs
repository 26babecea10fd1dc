//! GPX 1.1: the positions, in a segment for each stretch without a gap, with
//! what Garmin's TrackPointExtension (version 2) has a place for, and `power` as
//! most programs write it.

use std::io::{self, Write};

use quick_xml::escape::escape;

use super::{Export, is_break, number, rfc3339};
use crate::model::telemetry::{Channel, Telemetry};

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="autocut" xmlns="http://www.topografix.com/GPX/1/1" xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">
"#;

/// Elements of a TrackPointExtension in the order of its schema, and the
/// channels that they hold.
const EXTENSION: [(&str, &str); 5] =
    [("atemp", "temperature"), ("hr", "heart_rate"), ("cad", "cadence"), ("speed", "speed"), ("course", "heading")];

pub(super) fn begin(export: &Export<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    writeln!(out, " <trk>\n  <name>{}</name>", escape(export.title))
}

pub(super) fn part(export: &mut Export<'_>, log: &Telemetry, known: usize, out: &mut dyn Write) -> io::Result<()> {
    let wanted = |name: &str| export.channels.is_empty() || export.channels.iter().any(|channel| channel == name);
    let channel = |name: &str| log.channel(name).filter(|_| wanted(name));
    // Without a position there is no point, whatever is chosen.
    let (Some(latitude), Some(longitude)) = (log.channel("latitude"), log.channel("longitude")) else { return Ok(()) };
    let track = Track {
        latitude,
        longitude,
        altitude: channel("altitude"),
        power: channel("power"),
        extension: EXTENSION.map(|(element, name)| (element, channel(name))),
    };
    track.write(export, log, known, out)
}

pub(super) fn end(export: &Export<'_>, out: &mut dyn Write) -> io::Result<()> {
    if export.open {
        out.write_all(END_OF_SEGMENT)?;
    }
    out.write_all(b" </trk>\n</gpx>\n")
}

const END_OF_SEGMENT: &[u8] = b"  </trkseg>\n";

struct Track<'a> {
    latitude: &'a Channel,
    longitude: &'a Channel,
    altitude: Option<&'a Channel>,
    power: Option<&'a Channel>,
    extension: [(&'static str, Option<&'a Channel>); EXTENSION.len()],
}

impl Track<'_> {
    fn write(&self, export: &mut Export<'_>, log: &Telemetry, known: usize, out: &mut dyn Write) -> io::Result<()> {
        for (at, time) in log.times.iter().enumerate().skip(known) {
            let (latitude, longitude) = (value(Some(self.latitude), at), value(Some(self.longitude), at));
            let is_known = !latitude.is_empty() && !longitude.is_empty();
            if export.open && (!is_known || is_break(log, at)) {
                out.write_all(END_OF_SEGMENT)?;
                export.open = false;
            }
            if !is_known {
                continue;
            }
            if !std::mem::replace(&mut export.open, true) {
                out.write_all(b"  <trkseg>\n")?;
            }
            write!(out, "   <trkpt lat=\"{latitude}\" lon=\"{longitude}\">")?;
            element(out, "ele", &value(self.altitude, at))?;
            element(out, "time", &export.utc_of(*time).map(rfc3339).unwrap_or_default())?;
            self.extensions(at, out)?;
            out.write_all(b"</trkpt>\n")?;
        }
        Ok(())
    }

    fn extensions(&self, at: usize, out: &mut dyn Write) -> io::Result<()> {
        let power = value(self.power, at);
        let extension = self.extension.map(|(name, channel)| {
            let value = value(channel, at);
            // The schema has bytes for these two.
            (name, if matches!(name, "hr" | "cad") { whole(&value) } else { value })
        });
        let any = extension.iter().any(|(_, value)| !value.is_empty());
        if power.is_empty() && !any {
            return Ok(());
        }
        out.write_all(b"<extensions>")?;
        element(out, "power", &power)?;
        if any {
            out.write_all(b"<gpxtpx:TrackPointExtension>")?;
            for (name, value) in extension {
                element(out, &format!("gpxtpx:{name}"), &value)?;
            }
            out.write_all(b"</gpxtpx:TrackPointExtension>")?;
        }
        out.write_all(b"</extensions>")
    }
}

fn value(channel: Option<&Channel>, at: usize) -> String {
    number(channel.and_then(|channel| channel.values.get(at).copied()).unwrap_or(f64::NAN))
}

/// A number to the nearest whole one, as far as a byte goes; 0 is no pulse.
fn whole(value: &str) -> String {
    let value = value.parse().map_or(f64::NAN, libm::round);
    if (0.0..=254.0).contains(&value) { number(value) } else { String::new() }
}

/// An element, unless there is nothing to write.
fn element(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    if value.is_empty() { Ok(()) } else { write!(out, "<{name}>{value}</{name}>") }
}
