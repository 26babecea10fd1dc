//! JSON: an object with the units, the samples (each an object of what is known
//! then), the gaps and what the logger noted.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Export, is_break, rfc3339};
use crate::model::telemetry::{Channel, Mark, MarkKind, Telemetry};

pub(super) fn begin(export: &Export<'_>, channels: &[&Channel], out: &mut dyn Write) -> io::Result<()> {
    let unit = |channel: &&Channel| (channel.name.clone(), json!(channel.unit.symbol()));
    let units: Map<String, Value> = channels.iter().map(unit).collect();
    let (title, units) = (json!(export.title), Value::Object(units));
    write!(out, "{{\"version\":1,\"title\":{title},\"units\":{units},\n\"samples\":[")
}

pub(super) fn part(
    export: &mut Export<'_>,
    log: &Telemetry,
    known: usize,
    channels: &[&Channel],
    out: &mut dyn Write,
) -> io::Result<()> {
    for (at, time) in log.times.iter().enumerate().skip(known) {
        let mut sample = stamp(export, *time);
        for channel in channels {
            let value = channel.values.get(at).copied().unwrap_or(f64::NAN);
            if let Some(value) = serde_json::Number::from_f64(value + 0.0) {
                sample.insert(channel.name.clone(), Value::Number(value));
            }
        }
        let before = export.last.replace(*time);
        if let Some(before) = before.filter(|_| is_break(log, at)) {
            export.gaps.push((before, *time));
        }
        write!(out, "{}\n{}", if before.is_some() { "," } else { "" }, Value::Object(sample))?;
    }
    Ok(())
}

pub(super) fn end(export: &Export<'_>, marks: &[Mark], out: &mut dyn Write) -> io::Result<()> {
    let noted = |mark: &Mark| {
        let mut noted = stamp(export, mark.time);
        noted.insert("kind".to_owned(), json!(kind(mark.kind)));
        noted.insert("name".to_owned(), json!(mark.name));
        Value::Object(noted)
    };
    let marks: Vec<Value> = marks.iter().map(noted).collect();
    let gap = |(from, until): &(i64, i64)| json!([seconds(export, *from), seconds(export, *until)]);
    let gaps: Vec<Value> = export.gaps.iter().map(gap).collect();
    writeln!(out, "\n],\n\"gaps\":{},\n\"marks\":{}}}", json!(gaps), json!(marks))
}

fn stamp(export: &Export<'_>, time: i64) -> Map<String, Value> {
    let mut stamp = Map::new();
    stamp.insert("time".to_owned(), json!(seconds(export, time)));
    if let Some(utc) = export.utc_of(time) {
        stamp.insert("utc".to_owned(), json!(rfc3339(utc)));
    }
    stamp
}

/// Seconds of the column `time`.
fn seconds(export: &Export<'_>, time: i64) -> f64 {
    time.saturating_sub(export.zero) as f64 / 1e9
}

fn kind(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Lap => "lap",
        MarkKind::Pause => "pause",
        MarkKind::Resume => "resume",
        MarkKind::Event => "event",
    }
}
