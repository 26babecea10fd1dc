//! JSON: an object with the units, the samples (each an object of what is known
//! then), the gaps and what the logger noted.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Export, rfc3339};
use crate::model::telemetry::MarkKind;

pub(super) fn write(export: &Export<'_>, out: &mut dyn Write) -> io::Result<()> {
    let channels = export.chosen();
    let units: Map<String, Value> =
        channels.iter().map(|channel| (channel.name.clone(), json!(channel.unit.symbol()))).collect();
    write!(
        out,
        "{{\"version\":1,\"title\":{},\"units\":{},\n\"samples\":[",
        json!(export.title),
        Value::Object(units)
    )?;
    let (mut gaps, mut before) = (Vec::new(), None);
    for (at, time) in export.log.times.iter().enumerate() {
        let mut sample = stamp(export, *time);
        for channel in &channels {
            let value = channel.values.get(at).copied().unwrap_or(f64::NAN);
            if let Some(value) = serde_json::Number::from_f64(value + 0.0) {
                sample.insert(channel.name.clone(), Value::Number(value));
            }
        }
        if let Some(before) = before.filter(|_| export.is_break(at)) {
            gaps.push(json!([seconds(export, before), seconds(export, *time)]));
        }
        write!(out, "{}\n{}", if at > 0 { "," } else { "" }, Value::Object(sample))?;
        before = Some(*time);
    }
    let marks: Vec<Value> = export
        .log
        .marks
        .iter()
        .map(|mark| {
            let mut noted = stamp(export, mark.time);
            noted.insert("kind".to_owned(), json!(kind(mark.kind)));
            noted.insert("name".to_owned(), json!(mark.name));
            Value::Object(noted)
        })
        .collect();
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
