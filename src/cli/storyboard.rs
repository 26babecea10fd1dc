//! `autocut storyboard`.

use crate::cli::args::{Args, Storyboard};
use crate::cli::setup;
use crate::exec::goal::Goal;
use crate::exec::storyboard as frames;
use crate::report::listing;
use crate::report::storyboard::{self, MARK};
use crate::store;

pub(super) fn run(args: &Args, wanted: &Storyboard) -> u8 {
    let mut workspace = match setup::open(args, "autocut storyboard") {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    let summary = setup::prepare(&mut workspace, wanted.keep_going, &Goal::Choice);
    let code = summary.exit_code();
    if code != 0 && (summary.interrupted || !wanted.keep_going) {
        return code;
    }
    let report = match workspace.choice_report() {
        Ok(report) => report,
        Err(problem) => return setup::tell(&problem.into()),
    };
    let summary = setup::prepare(&mut workspace, wanted.keep_going, &Goal::Stills(frames::frames_of(&report)));
    let code = code.max(summary.exit_code());
    if summary.exit_code() != 0 && (summary.interrupted || !wanted.keep_going) {
        return code;
    }
    let picture = |candidate: &_| workspace.still(&frames::frame_of(candidate));
    let page = storyboard::storyboard(&workspace.title(), &report, &picture);
    match store::write_page(&wanted.output, page.as_bytes(), MARK.as_bytes()) {
        Ok(()) => {
            listing::print_text(&format!("wrote {}\n", wanted.output.display()));
            setup::tell_beside_the_lock(&workspace);
            code
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
