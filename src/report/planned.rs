//! What `autocut plan` and `make -n` say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::exec::estimate::Estimates;
use crate::exec::explain::inquiry::Asked;
use crate::exec::explain::why::by_reason;
use crate::exec::plan::DryRun;
use crate::report::explanation;
use crate::report::json;
use crate::report::listing::print_text;
use crate::report::terminal::{self, seconds};

/// Prints a plan, with the reason for each action where these are given; gives
/// the exit code.
pub fn print(run: &DryRun, estimates: &Estimates, why: Option<&[Asked]>, as_json: bool) -> u8 {
    if as_json {
        print_text(&lines(run, estimates, why));
    } else {
        terminal::tell(&run.problems.0, false);
        print_text(&text(run, estimates, why));
    }
    run.problems.exit_code()
}

fn lines(run: &DryRun, estimates: &Estimates, why: Option<&[Asked]>) -> String {
    let mut text = String::new();
    for action in &run.to_run {
        let mut line = json!({
            "event": "pending",
            "kind": action.spec.kind().name,
            "key": action.key.to_string(),
            "node": action.node,
            "estimate_ms": estimates.actions.get(&action.key),
        });
        if let Some(asked) = why.and_then(|all| all.iter().find(|asked| asked.action.key == action.key)) {
            line["why"] = json!(asked.why.told());
        }
        let _ = writeln!(text, "{line}");
    }
    let problems: Vec<_> = run.problems.0.iter().map(json::diagnostic).collect();
    let line = json!({
        "event": "planned",
        "hash": run.to_hash,
        "pending": run.to_run.len(),
        "done": run.known,
        "open": run.open,
        "estimate_ms": estimates.total_ms,
        "estimates_missing": estimates.unknown,
        "jobs": estimates.jobs,
        "errors": problems,
    });
    let _ = writeln!(text, "{line}");
    text
}

fn text(run: &DryRun, estimates: &Estimates, why: Option<&[Asked]>) -> String {
    let mut text = String::new();
    for name in &run.to_hash {
        let _ = writeln!(text, "hash {name}");
    }
    let took = |ms: u64| seconds(Duration::from_millis(ms));
    match why {
        Some(asked) => {
            let named = asked.iter().map(|it| (it.action.spec.kind().name, it.action.node.as_str(), &it.why));
            text.push_str(explanation::reasons(&by_reason(named)).trim_start());
        }
        None => {
            for action in &run.to_run {
                let time = estimates.actions.get(&action.key).map_or_else(|| "?".to_owned(), |ms| took(*ms));
                let _ = writeln!(text, "{time:>9}  {} {}", action.spec.kind().name, action.node);
            }
        }
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for action in &run.to_run {
        *kinds.entry(action.spec.kind().name).or_default() += 1;
    }
    let counts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let blocked = !run.problems.0.is_empty();
    let nothing = run.to_run.is_empty() && run.to_hash.is_empty();
    let known = run.known;
    let time = match (estimates.actions.len(), estimates.unknown) {
        (0, _) => String::new(),
        (_, 0) => format!(" in about {}", took(estimates.total_ms)),
        (_, unknown) => format!(" in about {} and what {unknown} of them take", took(estimates.total_ms)),
    };
    let _ = match (nothing, (run.open && !blocked) || (nothing && blocked)) {
        (true, false) => writeln!(text, "nothing to do ({known} results known)"),
        (true, true) => writeln!(text, "nothing can start"),
        (false, false) => writeln!(text, "would run {}{time}; {known} results known", counts.join(", ")),
        (false, true) => {
            let now = match counts.is_empty() {
                true => "would hash first".to_owned(),
                false => format!("would run {}{time}", counts.join(", ")),
            };
            writeln!(text, "{now}; what follows is unknown until that has run; {known} results known")
        }
    };
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::Digest;
    use crate::model::specs::ProbeSpec;
    use crate::model::{ActionKey, ActionSpec, PlannedAction};

    #[test]
    fn times_are_told_as_far_as_they_are_known() {
        let action = |node: &str| {
            let digest = Digest::of(node.as_bytes());
            let spec = ActionSpec::Probe(ProbeSpec { file: digest });
            Arc::new(PlannedAction {
                key: ActionKey(digest),
                node: node.to_owned(),
                spec,
                packs: Vec::new(),
                output: None,
            })
        };
        let mut run = DryRun { to_run: vec![action("a/probe"), action("b/probe")], known: 3, ..DryRun::default() };
        let mut estimates = Estimates { unknown: 2, jobs: 2, ..Estimates::default() };
        let all = |run: &DryRun, estimates: &Estimates| text(run, estimates, None);
        assert_eq!(
            all(&run, &estimates),
            "        ?  probe a/probe\n        ?  probe b/probe\nwould run 2 probe; 3 results known\n"
        );
        estimates.actions.insert(run.to_run[0].key, 1_500);
        (estimates.unknown, estimates.total_ms) = (1, 1_500);
        run.open = true;
        assert_eq!(
            all(&run, &estimates),
            "    1.5 s  probe a/probe\n        ?  probe b/probe\n\
             would run 2 probe in about 1.5 s and what 1 of them take; what follows is unknown until that has run; 3 \
             results known\n"
        );
    }
}
