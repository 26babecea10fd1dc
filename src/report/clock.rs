//! What `autocut explain clock` says, for people and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::exec::explain::clock::{CameraClock, Start, ppm};
use crate::model::alignment::Attempt;
use crate::telemetry::align::written;

/// So many recordings of a camera are listed; more are counted.
const LISTED: usize = 12;

/// The clocks as text.
pub fn text(clocks: &[CameraClock]) -> String {
    let mut text = String::new();
    for (at, clock) in clocks.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        camera(&mut text, clock);
    }
    if clocks.is_empty() {
        text.push_str("there is no footage\n");
    }
    text
}

fn camera(text: &mut String, clock: &CameraClock) {
    let _ = writeln!(text, "{}: by {}", clock.camera, clock.basis);
    let mut line = |title: &str, what: &str| {
        let _ = writeln!(text, "  {title:<12}{what}");
    };
    match clock.offset_ms {
        Some(0) => line("offset", "none: the camera's clock as it stands"),
        Some(offset) => line("offset", &format!("the camera's clock moved by {}", written(offset))),
        None => line("offset", "unknown: its files do not say when they were recorded"),
    }
    if let Some(confidence) = clock.confidence {
        line("confidence", &format!("{} of 100", confidence / 10));
    }
    if !clock.evidence.is_empty() {
        line("evidence", &clock.evidence);
    }
    if clock.drift != 0 {
        let hour = f64::from(clock.drift) * 3.6e-3;
        line("drift", &format!("{} ppm: {hour:+.0} ms in an hour of film", ppm(clock.drift)));
    }
    // What was taken stands above already.
    for attempt in clock.tried.iter().filter(|attempt| attempt.method.name() != clock.method) {
        line("tried", &tried(attempt));
    }
    for (offset, score) in &clock.alternatives {
        let score = if *score > 0 { format!(" (score {:.2})", f64::from(*score) / 1e3) } else { String::new() };
        line("else", &format!("{}{score}", written(*offset)));
    }
    for one in clock.recordings.iter().take(LISTED) {
        line("recording", &recording(one));
    }
    if clock.recordings.len() > LISTED {
        line("", &format!("and {} more (all of them with --json)", clock.recordings.len() - LISTED));
    }
    if let Some(pin) = &clock.pin {
        line("to pin it", pin);
    }
}

fn tried(attempt: &Attempt) -> String {
    let mut text = attempt.method.to_string();
    if let Some(offset) = attempt.offset_ms {
        text += &format!(": {}", written(offset));
    }
    if attempt.confidence > 0 {
        text += &format!(", {} of 100", attempt.confidence / 10);
    }
    if !attempt.found.is_empty() {
        text += &format!(": {}", attempt.found);
    }
    text
}

fn recording(one: &Start) -> String {
    let starts = one.utc.map_or_else(|| "start unknown".to_owned(), |utc| format!("starts {utc}"));
    let says = match (one.claimed, one.offset_ms()) {
        (Some(claimed), Some(offset)) => format!(" (its file says {claimed}, {} from that)", written(offset)),
        (Some(claimed), None) => format!(" (its file says {claimed})"),
        (None, _) => " (its file says nothing)".to_owned(),
    };
    let drift = if one.drift == 0 { String::new() } else { format!(", {} ppm", ppm(one.drift)) };
    format!("{} {starts}{says}{drift}", one.name)
}

/// The clocks for programs: a list of objects.
pub fn value(clocks: &[CameraClock]) -> Value {
    let share = |thousandths: f64| (thousandths / 1e3).clamp(-1.0, 1.0);
    let ppm = |drift: i32| f64::from(drift) / 1e3;
    let of = |clock: &CameraClock| {
        json!({
            "camera": clock.camera,
            "method": clock.method,
            "basis": clock.basis,
            "offset_ms": clock.offset_ms,
            "confidence": clock.confidence.map(|confidence| share(confidence.into())),
            "evidence": clock.evidence,
            "drift_ppm": ppm(clock.drift),
            "tried": clock.tried.iter().map(|attempt| json!({
                "method": attempt.method.name(),
                "offset_ms": attempt.offset_ms,
                "confidence": share(attempt.confidence.into()),
                "found": attempt.found,
            })).collect::<Vec<_>>(),
            "alternatives": clock.alternatives.iter().map(|(offset, score)| json!({
                "offset_ms": offset,
                "score": share((*score).into()),
            })).collect::<Vec<_>>(),
            "recordings": clock.recordings.iter().map(|one| json!({
                "name": one.name,
                "start": one.utc.map(|utc| utc.to_string()),
                "claimed": one.claimed.map(|utc| utc.to_string()),
                "offset_ms": one.offset_ms(),
                "drift_ppm": ppm(one.drift),
            })).collect::<Vec<_>>(),
            "pin": clock.pin,
        })
    };
    clocks.iter().map(of).collect()
}
