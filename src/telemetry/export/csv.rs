//! CSV: a row for each sample.

use std::io::{self, Write};

use super::{Export, number, rfc3339, seconds};
use crate::model::telemetry::{Channel, Telemetry};
use crate::telemetry::channels;

/// The first column: seconds since [`Export::zero`].
const TIME: &str = "time";

/// The second, where UTC is known.
const UTC: &str = "utc";

pub(super) fn begin(export: &Export<'_>, channels: &[&Channel], out: &mut dyn Write) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    let mut header = vec![TIME.to_owned()];
    header.extend(export.utc.map(|_| UTC.to_owned()));
    header.extend(channels.iter().map(|channel| heading(channel)));
    writer.write_record(&header).map_err(own)?;
    writer.flush()
}

/// The error of writing that the writer of tables met: its kind tells a reader
/// that went away from a disk that is full.
fn own(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

pub(super) fn part(
    export: &Export<'_>,
    log: &Telemetry,
    known: usize,
    channels: &[&Channel],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    for (at, time) in log.times.iter().enumerate().skip(known) {
        writer.write_field(seconds(time.saturating_sub(export.zero))).map_err(own)?;
        if let Some(utc) = export.utc_of(*time) {
            writer.write_field(rfc3339(utc)).map_err(own)?;
        }
        for channel in channels {
            writer.write_field(number(channel.values.get(at).copied().unwrap_or(f64::NAN))).map_err(own)?;
        }
        writer.write_record(None::<&[u8]>).map_err(own)?;
    }
    writer.flush()
}

/// A channel's name, with its unit where that is not the registry's.
fn heading(channel: &Channel) -> String {
    let usual = channels::find(&channel.name).is_some_and(|kind| kind.unit == channel.unit);
    match channel.unit.symbol() {
        unit if usual || unit.is_empty() => channel.name.clone(),
        unit => format!("{} ({unit})", channel.name),
    }
}
