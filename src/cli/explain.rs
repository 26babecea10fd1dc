//! `autocut explain`.

use crate::base::{Diagnostic, Diagnostics};
use crate::cli::args::{Args, Explain};
use crate::cli::setup;
use crate::exec::Workspace;
use crate::exec::explain::clock::cameras;
use crate::exec::explain::inquiry::{self, Explanation, Inquiry};
use crate::exec::explain::last;
use crate::exec::goal::Goal;
use crate::graph::outputs;
use crate::report::{choice, clock, explanation, listing};

pub(super) fn run(args: &Args, explain: &Explain) -> u8 {
    if explain.last {
        return last(args, explain);
    }
    if explain.what.is_none() {
        let problem = Diagnostic::input("say what to explain");
        let hint = "an output, an action, `clip 7`, `moments`, `clock`, or what the last build ran with `--last`";
        return setup::tell(&problem.hint(hint).into());
    }
    if explain.what.as_deref() == Some("moments") {
        return moments(args, explain);
    }
    if explain.what.as_deref() == Some("clock") {
        return clocks(args, explain);
    }
    let mut workspace = match setup::look(args) {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    workspace.set_draft(explain.draft);
    match answer(&mut workspace, explain) {
        Ok(explained) => {
            if explain.json {
                listing::print_text(&format!("{}\n", explanation::value(&explained)));
            } else {
                listing::print_text(&explanation::text(&explained));
            }
            if explain.json { explained.problems.exit_code() } else { setup::tell(&explained.problems) }
        }
        Err(problems) => setup::tell(&problems),
    }
}

fn answer(workspace: &mut Workspace, explain: &Explain) -> Result<Explanation, Diagnostics> {
    let output = output(workspace, explain.output.as_deref())?;
    inquiry::look_at_changed_files(workspace)?;
    let what = explain.what.as_deref().unwrap_or_default();
    let explained = match (what, explain.which.as_deref()) {
        ("clip", Some(number)) => {
            let wrong = || Diagnostic::input(format!("{number:?} is no clip's number"));
            let number = number.parse().map_err(|_| wrong().hint("clips count from 1: `autocut explain clip 7`"))?;
            Inquiry::new(workspace, std::slice::from_ref(&output), false)?.clip(&output, number)?
        }
        (what, None) => match inquiry::output_of(workspace, what) {
            Some(output) => Inquiry::new(workspace, std::slice::from_ref(&output), false)?.output(&output)?,
            None if what == "clip" => {
                let problem = Diagnostic::input("say which clip, by its number in the output");
                return Err(problem.hint("`autocut explain clip 7`").into());
            }
            None => Inquiry::new(workspace, &[], false)?.node(what)?,
        },
        (what, Some(number)) => {
            let problem = Diagnostic::input(format!("{number:?} after {what:?} means nothing"));
            return Err(problem.hint("a number stands after `clip`: `autocut explain clip 7`").into());
        }
    };
    Ok(explained)
}

/// The output of this name, or the first that has clips.
fn output(workspace: &Workspace, named: Option<&str>) -> Result<String, Diagnostics> {
    if let Some(name) = named {
        workspace.check_targets(&[name.to_owned()])?;
        return Ok(name.to_owned());
    }
    let declared = &workspace.manifest.outputs;
    let first = declared.iter().find(|output| outputs::settings(output).is_some()).or(declared.first());
    first.map(|output| output.name.clone()).ok_or_else(|| Diagnostic::input("the manifest has no output").into())
}

/// What the last build ran, and why.
fn last(args: &Args, explain: &Explain) -> u8 {
    let built = match setup::look(args).map(|workspace| last::last_build(&workspace)) {
        Ok(Ok(built)) => built,
        Ok(Err(problem)) => return setup::tell(&problem.into()),
        Err(refused) => return refused.code,
    };
    let text = if explain.json {
        format!("{}\n", explanation::last_value(built.as_ref()))
    } else {
        explanation::last_text(built.as_ref())
    };
    listing::print_text(&text);
    0
}

/// How the cameras' clocks were found.
fn clocks(args: &Args, explain: &Explain) -> u8 {
    let mut workspace = match setup::open(args, "autocut explain") {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    // What is known is told, and then what is wrong.
    let summary = setup::prepare(&mut workspace, explain.keep_going, &Goal::Inputs);
    match cameras(&workspace, explain.which.as_deref()) {
        Ok(clocks) if explain.json => listing::print_text(&format!("{}\n", clock::value(&clocks))),
        Ok(clocks) => listing::print_text(&clock::text(&clocks)),
        Err(problem) => return setup::tell(&problem.into()),
    }
    summary.exit_code()
}

/// Why these moments.
fn moments(args: &Args, explain: &Explain) -> u8 {
    let mut workspace = match setup::open(args, "autocut explain") {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    let summary = setup::prepare(&mut workspace, explain.keep_going, &Goal::Choice);
    let code = summary.exit_code();
    if code != 0 && (summary.interrupted || !explain.keep_going) {
        return code;
    }
    match workspace.choice_report() {
        Ok(report) if explain.json => {
            listing::print_text(&format!("{}\n", serde_json::json!(report)));
            code
        }
        Ok(report) => {
            listing::print_text(&choice::render(&report));
            setup::tell_beside_the_lock(&workspace);
            code
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
