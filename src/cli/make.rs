//! `autocut make`.

use crate::base::Diagnostics;
use crate::cli::args::{Args, Make};
use crate::cli::plan;
use crate::cli::setup::{self, Refused};
use crate::exec::event::{Event, Listener};
use crate::exec::goal::{Goal, Summary};
use crate::exec::{Workspace, lockfile, reproducible};
use crate::report::json::JsonLines;
use crate::report::trace::Trace;

pub(super) fn run(args: &Args, make: &Make) -> u8 {
    let opened = if make.dry_run { setup::look(args) } else { setup::open(args, "autocut make") };
    let opened = opened.and_then(|mut workspace| {
        let checked = workspace.check_targets(&make.outputs).and_then(|()| agree(&mut workspace, make));
        checked.map(|()| workspace).map_err(|problems| Refused { code: setup::tell(&problems), problems })
    });
    let mut workspace = match opened {
        Ok(workspace) => workspace,
        Err(refused) => {
            if make.json {
                let summary = Summary { errors: refused.problems.0, ..Summary::default() };
                JsonLines::new(std::io::stdout()).event(&Event::Finished(&summary));
            }
            return refused.code;
        }
    };
    let goal = Goal::Outputs(make.outputs.clone());
    if make.dry_run {
        return plan::tell(&workspace, &make.outputs, make.force, false, make.json);
    }
    let mut options = setup::options(&workspace);
    options.keep_going = make.keep_going;
    options.force = make.force;
    let trace = match make.profile.as_deref().map(Trace::begin).transpose() {
        Ok(trace) => trace,
        Err(problem) => return setup::tell(&problem.into()),
    };
    let listener: Box<dyn Listener> =
        if make.json { Box::new(JsonLines::new(std::io::stdout())) } else { Box::new(setup::terminal()) };
    let listeners: Vec<&dyn Listener> =
        std::iter::once(&*listener).chain(trace.iter().map(|trace| trace as &dyn Listener)).collect();
    let summary = setup::build(&mut workspace, &listeners, options, &goal);
    workspace.leave();
    match trace.and_then(|trace| trace.trouble()) {
        Some(problem) => summary.exit_code().max(setup::tell(&problem.into())),
        None => summary.exit_code(),
    }
}

/// Holds the build to what was asked of it, and refuses before anything runs
/// what cannot be so.
fn agree(workspace: &mut Workspace, make: &Make) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::default();
    workspace.set_draft(make.draft);
    if make.same.is_wanted() {
        workspace.set_reproducible(true);
        problems.0.extend(reproducible::refusals(workspace, &make.outputs));
    }
    if make.locked {
        problems.0.extend(lockfile::refusals(workspace).0);
        workspace.require_lock();
    }
    problems.into_result()
}
