//! `autocut lock`.

use crate::cli::args::Args;
use crate::cli::setup;
use crate::exec::goal::Goal;
use crate::exec::lockfile;
use crate::report::listing;

pub(super) fn run(args: &Args) -> u8 {
    let mut workspace = match setup::open(args, "autocut lock") {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    let summary = setup::prepare(&mut workspace, false, &Goal::Choice);
    if summary.exit_code() != 0 {
        return summary.exit_code();
    }
    match lockfile::lock(&mut workspace) {
        Ok(written) => {
            listing::print_text(&listing::locked(&written));
            0
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
