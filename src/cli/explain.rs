//! `autocut explain`.

use crate::cli::args::{Args, Explain, Topic};
use crate::cli::setup;
use crate::exec::Silent;
use crate::exec::driver::Goal;
use crate::report::{choice, listing};

pub(super) fn run(args: &Args, explain: &Explain) -> u8 {
    let Topic::Moments = explain.what;
    let mut workspace = match setup::open(args, "autocut explain") {
        Ok(workspace) => workspace,
        Err(code) => return code,
    };
    let summary = setup::build(&mut workspace, &Silent, setup::options(None), &Goal::Choice);
    if !summary.errors.is_empty() || summary.interrupted {
        setup::tell(&crate::base::Diagnostics(summary.errors.clone()));
        return summary.exit_code();
    }
    match workspace.choice_report() {
        Ok(report) => {
            listing::print_text(&choice::render(&report));
            0
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
