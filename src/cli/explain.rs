//! `autocut explain`.

use crate::cli::args::{Args, Explain, Topic};
use crate::cli::setup;
use crate::exec::goal::Goal;
use crate::report::{choice, listing};

pub(super) fn run(args: &Args, explain: &Explain) -> u8 {
    let Topic::Moments = explain.what;
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
        Ok(report) => {
            listing::print_text(&choice::render(&report));
            code
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
