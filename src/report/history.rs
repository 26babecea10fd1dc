//! What `autocut log` prints.

use std::fmt::Write;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::base::UtcTime;
use crate::report::store::in_order;
use crate::report::terminal::seconds;
use crate::store::{BuildOutcome, BuildRecord, KindCount};

/// A line for each build, newest first.
pub fn list(builds: &[BuildRecord]) -> String {
    if builds.is_empty() {
        return "nothing was built yet\n".to_owned();
    }
    let what = |build: &BuildRecord| {
        std::iter::once(&build.command).chain(&build.targets).map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    let widest = builds.iter().map(|build| what(build).chars().count()).max().unwrap_or(0).min(32);
    let mut text = String::new();
    for build in builds.iter().rev() {
        let _ = writeln!(
            text,
            "{:>5}  {}  {:<11} {:>9}  {:<widest$}  {}",
            build.number,
            local(build.at),
            word(build.outcome),
            seconds(Duration::from_millis(build.elapsed_ms)),
            what(build),
            counts(build),
        );
    }
    text
}

/// `2 segment, 1 join; 39 reused; 1 failed`.
fn counts(build: &BuildRecord) -> String {
    let ran = in_order(&build.kinds).filter(|(_, count)| count.ran > 0);
    let ran: Vec<String> = ran.map(|(kind, count)| format!("{} {kind}", count.ran)).collect();
    let mut parts = vec![if ran.is_empty() { "nothing ran".to_owned() } else { ran.join(", ") }];
    let sum = |of: fn(&KindCount) -> u64| build.kinds.values().map(of).sum::<u64>();
    for (count, what) in [(sum(|count| count.reused), "reused"), (sum(|count| count.failed), "failed")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join("; ")
}

/// Everything about one build.
pub fn one(build: &BuildRecord) -> String {
    let mut text = format!("build {}: {}", build.number, build.command);
    for target in &build.targets {
        let _ = write!(text, " {target}");
    }
    let elapsed = seconds(Duration::from_millis(build.elapsed_ms));
    let _ = writeln!(text, "\n{}, {} after {elapsed}", local(build.at), word(build.outcome));
    for output in &build.written {
        let _ = writeln!(text, "wrote {output}");
    }
    for error in &build.errors {
        let _ = writeln!(text, "error: {error}");
    }
    let _ = writeln!(text, "\n{:<18} {:>7} {:>7} {:>7} {:>10}", "", "ran", "reused", "failed", "time");
    for (kind, count) in in_order(&build.kinds) {
        let time = if count.ran == 0 { String::new() } else { seconds(Duration::from_millis(count.ran_ms)) };
        let row = format!("{kind:<18} {:>7} {:>7} {:>7} {time:>10}", count.ran, count.reused, count.failed);
        let _ = writeln!(text, "{}", row.trim_end());
    }
    if !build.actions.is_empty() {
        text.push('\n');
    }
    for action in &build.actions {
        let time = match action.failed {
            Some(_) => "failed".to_owned(),
            None => seconds(Duration::from_millis(action.elapsed_ms)),
        };
        let _ = writeln!(text, "{time:>9}  {} {}", action.kind, action.node);
        if let Some(why) = &action.failed {
            let _ = writeln!(text, "{:9}  {why}", "");
        }
    }
    text
}

/// A JSON object for each build on a line of its own, oldest first; `actions`
/// names what ran as well.
pub fn json(builds: &[BuildRecord], actions: bool) -> String {
    builds.iter().fold(String::new(), |mut text, build| {
        let _ = writeln!(text, "{}", object(build, actions));
        text
    })
}

fn object(build: &BuildRecord, actions: bool) -> Value {
    let kinds: serde_json::Map<String, Value> = in_order(&build.kinds)
        .map(|(kind, count)| {
            let KindCount { ran, reused, failed, ran_ms } = count;
            (kind.to_owned(), json!({"ran": ran, "reused": reused, "failed": failed, "ran_ms": ran_ms}))
        })
        .collect();
    let mut value = json!({
        "build": build.number,
        "command": build.command,
        "targets": build.targets,
        "at": build.at.to_string(),
        "elapsed_ms": build.elapsed_ms,
        "outcome": word(build.outcome),
        "kinds": kinds,
        "written": build.written,
        "errors": build.errors,
    });
    if actions {
        let actions = build.actions.iter().map(|action| {
            let state = if action.failed.is_some() { "failed" } else { "done" };
            let mut value = json!({
                "kind": action.kind,
                "key": action.key.to_string(),
                "node": action.node,
                "state": state,
                "elapsed_ms": action.elapsed_ms,
            });
            if let Some(why) = &action.failed {
                value["error"] = json!(why);
            }
            value
        });
        value["actions"] = actions.collect();
    }
    value
}

fn word(outcome: BuildOutcome) -> &'static str {
    match outcome {
        BuildOutcome::Done => "done",
        BuildOutcome::Failed => "failed",
        BuildOutcome::Interrupted => "interrupted",
    }
}

/// A time as a clock on the wall here showed it.
pub fn local(time: UtcTime) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(stamp) => stamp.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::model::ActionKey;
    use crate::store::BuiltAction;

    fn build() -> BuildRecord {
        let count = |ran, reused, failed| KindCount { ran, reused, failed, ran_ms: 1_500 * ran };
        let action = |node: &str, failed: Option<&str>| BuiltAction {
            key: ActionKey(Digest::of(node.as_bytes())),
            node: node.to_owned(),
            kind: "segment".to_owned(),
            elapsed_ms: 1_500,
            failed: failed.map(str::to_owned),
        };
        BuildRecord {
            number: 12,
            command: "make".to_owned(),
            targets: vec!["reel".to_owned()],
            at: UtcTime(0),
            elapsed_ms: 4_200,
            outcome: BuildOutcome::Failed,
            kinds: [("segment".to_owned(), count(1, 39, 1)), ("probe".to_owned(), count(0, 2, 0))].into(),
            written: Vec::new(),
            errors: vec!["a.mp4: broken".to_owned()],
            actions: vec![action("reel/1", None), action("reel/2", Some("broken"))],
        }
    }

    #[test]
    fn a_line_says_what_ran_what_was_reused_and_what_failed() {
        let line = list(&[build()]);
        assert!(line.starts_with("   12  "), "{line}");
        assert!(line.ends_with("failed          4.2 s  make reel  1 segment; 41 reused; 1 failed\n"), "{line}");
        assert_eq!(list(&[]), "nothing was built yet\n");
    }

    #[test]
    fn one_build_in_full_names_every_action() {
        let text = one(&build());
        assert!(text.contains("segment                  1      39       1      1.5 s\n"), "{text}");
        assert!(text.contains("probe                    0       2       0\n"), "{text}");
        assert!(text.contains("    1.5 s  segment reel/1\n   failed  segment reel/2\n           broken\n"), "{text}");
    }

    #[test]
    fn json_has_one_line_a_build() {
        let text = json(&[build(), build()], true);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["build"], &lines[0]["kinds"]["segment"]["ran"]), (&json!(12), &json!(1)));
        assert_eq!((&lines[0]["at"], &lines[0]["outcome"]), (&json!("1970-01-01T00:00:00.000Z"), &json!("failed")));
        assert_eq!(lines[0]["actions"][1]["error"], "broken");
        assert!(!json(&[build()], false).contains("actions"));
    }
}
