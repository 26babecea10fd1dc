//! `autocut verify --rebuild`.

use crate::base::Diagnostics;
use crate::cli::args::{Args, Verify};
use crate::cli::setup;
use crate::exec::Options;
use crate::exec::verify::rebuild;
use crate::report::{listing, rebuild as report};

pub(super) fn run(args: &Args, wanted: &Verify) -> u8 {
    let mut workspace = match setup::open(args, "autocut verify --rebuild") {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    if let Err(problems) = workspace.check_targets(&wanted.outputs) {
        return setup::tell(&problems);
    }
    workspace.set_reproducible(wanted.same.is_wanted());
    let options = Options { apart: true, ..setup::options(&workspace) };
    let listener = setup::terminal().without_closing();
    let rebuilt = rebuild::rebuild(&mut workspace, &wanted.outputs, wanted.keep.as_deref(), &mut |apart, goal| {
        setup::build(apart, &listener, options.clone(), goal)
    });
    let (summary, rebuilt) = match rebuilt {
        Ok(rebuilt) => rebuilt,
        Err(problem) => return setup::tell(&problem.into()),
    };
    let mut problems = Diagnostics(rebuilt.problem().into_iter().collect());
    if wanted.json {
        // The listener has told the build's own errors to people only.
        problems.0.extend(summary.errors.iter().cloned());
        listing::print_text(&report::json(summary.ran_count(), &rebuilt, &problems));
        return summary.exit_code().max(problems.exit_code());
    }
    let code = summary.exit_code().max(setup::tell(&problems));
    if code == 0 {
        listing::print_text(&report::text(summary.ran_count(), &rebuilt));
    }
    code
}
