//! `autocut storyboard`.

use crate::base::Diagnostics;
use crate::cli::args::{Args, Storyboard};
use crate::cli::setup;
use crate::exec::driver::Goal;
use crate::exec::storyboard;
use crate::report::listing;
use crate::store;

pub(super) fn run(args: &Args, storyboard: &Storyboard) -> u8 {
    let mut workspace = match setup::open(args, "autocut storyboard") {
        Ok(workspace) => workspace,
        Err(code) => return code,
    };
    let terminal = setup::terminal();
    let summary = setup::build(&mut workspace, &terminal, setup::options(None), &Goal::Choice);
    if summary.exit_code() != 0 {
        return summary.exit_code();
    }
    let report = match workspace.choice_report() {
        Ok(report) => report,
        Err(problem) => return setup::tell(&problem.into()),
    };
    let wanted = storyboard::frames_of(&report);
    let summary = setup::build(&mut workspace, &setup::terminal(), setup::options(None), &Goal::Stills(wanted));
    if summary.exit_code() != 0 {
        return summary.exit_code();
    }
    let page = crate::report::storyboard::storyboard(&workspace.title(), &report, &|candidate| {
        workspace.still(&storyboard::frame_of(candidate))
    });
    match store::write_file(&storyboard.output, page.as_bytes()) {
        Ok(()) => {
            listing::print_text(&format!("wrote {}\n", storyboard.output.display()));
            0
        }
        Err(problem) => setup::tell(&Diagnostics::from(problem)),
    }
}
