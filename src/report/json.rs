//! `--json`: one JSON object a line on standard output.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::base::{Diagnostic, Tier};
use crate::exec::event::{ActionState, Event, Listener};
use crate::exec::failure::Missing;

/// Writes events as JSON lines.
pub struct JsonLines<W: Write + Send>(Mutex<W>);

impl<W: Write + Send> JsonLines<W> {
    pub fn new(to: W) -> Self {
        JsonLines(Mutex::new(to))
    }
}

impl<W: Write + Send> Listener for JsonLines<W> {
    fn event(&self, event: &Event<'_>) {
        let Some(line) = line(event) else { return };
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that went away must not end the build.
        let _ = writeln!(to, "{line}").and_then(|()| to.flush());
    }
}

fn line(event: &Event<'_>) -> Option<Value> {
    let line = match event {
        Event::Planned { done, pending, open, .. } => {
            json!({"event": "planned", "done": done, "pending": pending, "open": open})
        }
        Event::Evaluated { .. } => return None,
        Event::Hashing { path, bytes, .. } => json!({"event": "hashed", "path": path, "bytes": bytes}),
        Event::Action { state: ActionState::Progress { .. }, .. } => return None,
        Event::Action { subject, state } => {
            let mut line = json!({
                "event": "action",
                "kind": subject.spec.kind().name,
                "key": subject.key.to_string(),
                "node": subject.node,
                "state": state.word(),
            });
            match state {
                ActionState::Started { slot, .. } => line["worker"] = json!(slot + 1),
                ActionState::Done { elapsed, usage } => {
                    line["elapsed_ms"] = json!(elapsed.as_millis() as u64);
                    line["cpu_ms"] = json!(usage.cpu_ms());
                }
                ActionState::Failed { why } => line["error"] = diagnostic(why),
                ActionState::Retried { why, delay } => {
                    line["error"] = diagnostic(why);
                    line["delay_ms"] = json!(delay.as_millis() as u64);
                }
                _ => {}
            }
            line
        }
        Event::Warning(warning) => json!({"event": "warning", "diagnostic": diagnostic(warning)}),
        Event::Refused(problems) => {
            json!({"event": "refused", "errors": problems.0.iter().map(diagnostic).collect::<Vec<_>>()})
        }
        Event::Output { path, written } => json!({"event": "output", "path": path, "written": written}),
        Event::Publishing => json!({"event": "publishing"}),
        Event::Finished(summary) => json!({
            "event": "finished",
            "ran": summary.ran_count(),
            "cached": summary.reused_count(),
            "fetched": summary.fetched,
            "published": summary.published,
            "failed": summary.failed,
            "elapsed_ms": summary.elapsed.as_millis() as u64,
            "planning_ms": summary.planning.as_millis() as u64,
            "interrupted": summary.interrupted,
            "errors": summary.errors.iter().map(diagnostic).collect::<Vec<_>>(),
            "missing": summary.missing.iter().map(missing).collect::<Vec<_>>(),
        }),
    };
    Some(line)
}

fn missing(missing: &Missing) -> Value {
    json!({"output": missing.output, "files": missing.files, "needs": missing.needs})
}

/// A diagnostic as JSON.
pub fn diagnostic(diagnostic: &Diagnostic) -> Value {
    let tier = match diagnostic.tier {
        Tier::Warning => "warning",
        Tier::Input => "input",
        Tier::Environment => "environment",
        Tier::Bug => "bug",
    };
    let mut value = json!({"tier": tier, "message": diagnostic.message});
    if let Some(place) = &diagnostic.place {
        value["place"] = json!({"file": place.file, "line": place.line, "column": place.column});
    }
    if !diagnostic.notes.is_empty() {
        value["notes"] = json!(diagnostic.notes);
    }
    if let Some(hint) = &diagnostic.hint {
        value["hint"] = json!(hint);
    }
    value
}
