//! What `autocut explain` says, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::deliver::codecs::decimal;
use crate::exec::explain::contents::Contents;
use crate::exec::explain::inquiry::{Explanation, Made};
use crate::exec::explain::last::LastBuild;
use crate::exec::explain::why::{Reason, Why};
use crate::model::key::Field;
use crate::report::json::diagnostic;
use crate::report::terminal::seconds;
use crate::store::BuiltAction;
use crate::store::space::size;

/// So many actions of a kind are listed by name; more are counted.
const LISTED: usize = 3;

/// So many files or fields of one list are named; more are counted.
const NAMED: usize = 6;

/// An explanation as text.
pub fn text(explanation: &Explanation) -> String {
    let mut text = String::new();
    let state = match (is_done(explanation), explanation.made.iter().any(|made| !made.planned)) {
        (true, _) => "is up to date",
        (false, true) => "is not part of the plan as it is now",
        (false, false) => "is not up to date",
    };
    let _ = writeln!(text, "{} {state}", explanation.subject);
    for name in &explanation.to_hash {
        let _ = writeln!(text, "\n{name}: new, its content is not known yet");
    }
    text.push_str(&reasons(&explanation.reasons));
    if explanation.open && !explanation.problems.has_errors() {
        let first = explanation.pending.is_empty() && explanation.to_hash.is_empty();
        let _ = match first {
            true => writeln!(text, "\nwhat it needs is not known until what comes before it has run"),
            false => writeln!(text, "\nwhat follows is unknown until that has run"),
        };
    }
    if let Some(contents) = &explanation.contents {
        text.push_str(&consists(contents));
    }
    if let Some(last) = &explanation.last {
        let _ = writeln!(text, "  because   {}", last.why.told().join("\n            "));
    }
    match explanation.made.as_slice() {
        [one] if explanation.subject == one.node => text.push_str(&in_full(one)),
        all => all.iter().for_each(|made| text.push_str(&in_short(made))),
    }
    text
}

fn is_done(explanation: &Explanation) -> bool {
    explanation.pending.is_empty()
        && explanation.to_hash.is_empty()
        && !explanation.open
        && !explanation.problems.has_errors()
}

/// Reasons with what each makes run, by kind.
pub fn reasons(reasons: &[Reason]) -> String {
    let mut text = String::new();
    for reason in reasons {
        let _ = writeln!(text, "\n{}", reason.text);
        let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
        for (kind, node) in &reason.actions {
            match kinds.iter_mut().find(|(known, _)| known == kind) {
                Some((_, nodes)) => nodes.push(node),
                None => kinds.push((kind, vec![node])),
            }
        }
        for (kind, nodes) in kinds {
            if nodes.len() > LISTED {
                let first = nodes.first().copied().unwrap_or_default();
                let _ = writeln!(text, "  {kind:<17} {} times, the first {first}", nodes.len());
            } else {
                for node in nodes {
                    let _ = writeln!(text, "  {kind:<17} {node}");
                }
            }
        }
    }
    text
}

fn consists(contents: &Contents) -> String {
    let mut text = String::new();
    let bytes = contents.files.iter().map(|file| file.bytes).sum();
    if contents.clips == 0 {
        let _ = writeln!(text, "  {} of telemetry, {}", counted(contents.files.len(), "file"), size(bytes));
        return text;
    }
    let mut first = format!("{} in {}", counted(contents.clips, "clip"), counted(contents.segments, "segment"));
    if let (Some(frame), Some(rate)) = (contents.size, contents.rate) {
        let length = rate.time_of(i64::try_from(contents.frames).unwrap_or(i64::MAX));
        let _ = write!(first, ", {length} at {frame}, {rate} frames a second");
    }
    if contents.files.len() > 1 {
        let _ = write!(first, ", {} files", contents.files.len());
    }
    let _ = writeln!(text, "  {first}, {}", size(bytes));
    let footage = contents.footage.iter().map(|(file, clips)| format!("{file} ({})", counted(*clips, "clip")));
    let _ = writeln!(text, "  footage   {}", some(footage.collect()));
    if contents.copied > 0 {
        let (copied, rest) = (contents.copied, contents.frames.saturating_sub(contents.copied));
        let _ = writeln!(text, "  copied    {} as they are, {rest} encoded", counted(copied as usize, "frame"));
    }
    if !contents.overlays.is_empty() {
        let _ = writeln!(text, "  overlays  {}", contents.overlays.join(", "));
    }
    if let Some(music) = &contents.music {
        let _ = writeln!(text, "  music     {music}");
    }
    if let Some(encoder) = &contents.encoder {
        let options: Vec<String> = encoder.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(
            text,
            "  encoder   {} {}, {}",
            encoder.name,
            options.join(", "),
            counted(encoder.threads as usize, "thread")
        );
    }
    if let Some(aimed) = &contents.aimed {
        let tried: Vec<String> = aimed.tried.iter().map(|quality| decimal(*quality)).collect();
        let _ = writeln!(
            text,
            "  quality   {}, at which the pictures take {} of {} (tried {})",
            decimal(aimed.reached.quality),
            size(aimed.reached.bytes),
            size(aimed.budget),
            tried.join(", ")
        );
    }
    let latest = contents.files.iter().max_by_key(|file| file.at);
    if let Some((file, at)) = latest.and_then(|file| Some((file, file.at?))) {
        let (join, all) = (seconds(milliseconds(file.elapsed_ms)), seconds(milliseconds(contents.work_ms)));
        let actions = counted(contents.actions, "action");
        let _ = writeln!(text, "  written   {at} in {join}; the {actions} behind it took {all} one after the other");
    }
    text
}

fn in_short(made: &Made) -> String {
    let when = match &made.run {
        Some(run) => format!("{} in {}", run.at, seconds(milliseconds(run.elapsed_ms))),
        None => "made for another".to_owned(),
    };
    format!("  {:<17} {}\n                    {when}: {}\n", made.kind, made.node, made.why.told().join("; "))
}

fn in_full(made: &Made) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "  kind      {}", made.kind);
    if let Some(run) = &made.run {
        let (wall, cpu) = (seconds(milliseconds(run.elapsed_ms)), seconds(milliseconds(run.cpu_ms)));
        let _ = writeln!(text, "  made      {} in {wall}, {cpu} of CPU time", run.at);
    }
    let _ = writeln!(text, "  because   {}", made.why.told().join("\n            "));
    if !made.inputs.is_empty() {
        let mut names: Vec<String> = made.inputs.iter().map(|origin| origin.name().to_owned()).collect();
        names.dedup();
        let _ = writeln!(text, "  out of    {}", some(names));
    }
    let _ = writeln!(text, "  key       {}, which consists of", made.key);
    for (path, value) in summary(&made.fields) {
        let _ = writeln!(text, "    {path}: {value}");
    }
    text
}

/// Fields with their values; long lists are counted.
fn summary(fields: &[Field]) -> Vec<(String, String)> {
    let list = |path: &str| path.find('[').map(|at| path[..at].to_owned());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for list in fields.iter().filter_map(|field| list(&field.path)) {
        *counts.entry(list).or_default() += 1;
    }
    let mut said: Vec<(String, String)> = Vec::new();
    for field in fields {
        match list(&field.path).and_then(|list| counts.get_key_value(&list)) {
            Some((list, count)) if *count > NAMED * 2 => {
                if said.last().is_none_or(|(path, _)| path != list) {
                    let what = if list == "spec.overlays" { "runs of sprites" } else { "fields" };
                    said.push((list.clone(), format!("{count} {what}")));
                }
            }
            _ => {
                let value = field.value.as_str().map_or_else(|| field.value.to_string(), str::to_owned);
                said.push((field.path.clone(), value));
            }
        }
    }
    said
}

/// An explanation as one JSON object.
pub fn value(explanation: &Explanation) -> Value {
    let pending = explanation.pending.iter().map(|asked| {
        json!({
            "kind": asked.action.spec.kind().name,
            "node": asked.action.node,
            "key": asked.action.key.to_string(),
            "why": asked.why.told(),
        })
    });
    let mut value = json!({
        "subject": explanation.subject,
        "up_to_date": is_done(explanation),
        "hash": explanation.to_hash,
        "pending": pending.collect::<Vec<_>>(),
        "reasons": reasons_value(&explanation.reasons),
        "open": explanation.open,
        "made": explanation.made.iter().map(made_value).collect::<Vec<_>>(),
        "errors": explanation.problems.0.iter().map(diagnostic).collect::<Vec<_>>(),
    });
    if let Some(contents) = &explanation.contents {
        value["contents"] = contents_value(contents);
    }
    if let Some(last) = &explanation.last {
        value["because"] = json!(last.why.told());
    }
    value
}

fn reasons_value(reasons: &[Reason]) -> Value {
    let actions = |reason: &Reason| -> Vec<Value> {
        reason.actions.iter().map(|(kind, node)| json!({"kind": kind, "node": node})).collect()
    };
    reasons.iter().map(|reason| json!({"text": reason.text, "actions": actions(reason)})).collect()
}

fn made_value(made: &Made) -> Value {
    let mut value = json!({
        "kind": made.kind,
        "node": made.node,
        "key": made.key.to_string(),
        "planned": made.planned,
        "why": made.why.told(),
        "inputs": made.inputs.iter().map(|origin| origin.name()).collect::<Vec<_>>(),
        "fields": made.fields,
    });
    if let Some(run) = &made.run {
        value["at"] = json!(run.at.to_string());
        value["elapsed_ms"] = json!(run.elapsed_ms);
        value["cpu_ms"] = json!(run.cpu_ms);
    }
    value
}

fn contents_value(contents: &Contents) -> Value {
    let files = contents.files.iter().map(|file| {
        json!({
            "path": file.path,
            "bytes": file.bytes,
            "at": file.at.map(|at| at.to_string()),
            "elapsed_ms": file.elapsed_ms,
        })
    });
    let footage = contents.footage.iter().map(|(file, clips)| json!({"file": file, "clips": clips}));
    json!({
        "files": files.collect::<Vec<_>>(),
        "clips": contents.clips,
        "segments": contents.segments,
        "frames": contents.frames,
        "copied": contents.copied,
        "size": contents.size.map(|size| size.to_string()),
        "rate": contents.rate.map(|rate| rate.to_string()),
        "encoder": contents.encoder,
        "quality": contents.aimed.as_ref().map(|aimed| json!({
            "tried": aimed.tried,
            "taken": aimed.reached.quality,
            "bytes": aimed.reached.bytes,
            "budget": aimed.budget,
        })),
        "footage": footage.collect::<Vec<_>>(),
        "overlays": contents.overlays,
        "music": contents.music,
        "actions": contents.actions,
        "work_ms": contents.work_ms,
    })
}

fn some(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let all = names.join(", ");
    if more > 0 { format!("{all} and {more} more") } else { all }
}

fn milliseconds(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What the last build ran, for people.
pub fn last_text(built: Option<&LastBuild>) -> String {
    let Some(built) = built else { return "nothing was built here yet\n".to_owned() };
    let elapsed = seconds(Duration::from_millis(built.elapsed_ms));
    let mut text = format!("the last build that had something to do: {}, {elapsed}\n", built.at);
    text.push_str(&reasons(&built.reasons));
    if built.actions.is_empty() && built.failed.is_empty() {
        text.push_str("\nnothing had to be made here: what was new came from the shared store\n");
    }
    if !built.failed.is_empty() {
        text.push_str("\nfailed\n");
    }
    for action in &built.failed {
        let why = action.failed.as_deref().unwrap_or_default();
        let _ = writeln!(text, "  {} {}: {why}", action.kind, action.node);
    }
    text
}

/// The same for programs; null where nothing was built.
pub fn last_value(built: Option<&LastBuild>) -> serde_json::Value {
    let Some(built) = built else { return serde_json::Value::Null };
    let action = |(made, why): &(BuiltAction, Why)| json!({"kind": made.kind, "node": made.node, "key": made.key.to_string(), "why": why.told()});
    let failed = |action: &BuiltAction| json!({"kind": action.kind, "node": action.node, "why": action.failed});
    json!({
        "at": built.at.to_string(),
        "elapsed_ms": built.elapsed_ms,
        "actions": built.actions.iter().map(action).collect::<Vec<_>>(),
        "reasons": reasons_value(&built.reasons),
        "failed": built.failed.iter().map(failed).collect::<Vec<_>>(),
    })
}
