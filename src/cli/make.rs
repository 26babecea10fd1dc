//! `autocut make`.

use crate::cli::args::{Args, Make};
use crate::cli::setup;
use crate::exec::driver::Goal;
use crate::exec::plan;
use crate::report::json::JsonLines;
use crate::report::listing;

pub(super) fn run(args: &Args, make: &Make) -> u8 {
    let opened = if make.dry_run { setup::look(args) } else { setup::open(args, "autocut make") };
    let mut workspace = match opened {
        Ok(workspace) => workspace,
        Err(code) => return code,
    };
    if let Err(problems) = workspace.check_targets(&make.outputs) {
        return setup::tell(&problems);
    }
    let goal = Goal::Outputs(make.outputs.clone());
    if make.dry_run {
        return listing::print(&plan::plan(&workspace, &goal, make.force), make.json);
    }
    let mut options = setup::options(make.jobs);
    options.keep_going = make.keep_going;
    options.force = make.force;
    let summary = if make.json {
        setup::build(&mut workspace, &JsonLines::new(std::io::stdout()), options, &goal)
    } else {
        setup::build(&mut workspace, &setup::terminal(), options, &goal)
    };
    summary.exit_code()
}
