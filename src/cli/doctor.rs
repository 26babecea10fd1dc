//! `autocut doctor`.

use crate::cli::args::{Args, Doctor};
use crate::cli::setup;
use crate::exec::goal::Goal;
use crate::exec::{Silent, diagnosis};
use crate::report::{doctor, listing};

pub(super) fn run(args: &Args, wanted: &Doctor) -> u8 {
    let settings = match setup::settings(args) {
        Ok(settings) => settings,
        Err(refused) => return refused.code,
    };
    let machine = match diagnosis::machine(&settings) {
        Ok(machine) => machine,
        Err(problem) => return setup::tell(&problem.into()),
    };
    if !wanted.json {
        listing::print_text(&doctor::machine(&machine));
    }
    if !setup::folder(args).join("autocut.ron").is_file() {
        if wanted.json {
            listing::print_text(&doctor::json(&machine, None));
        }
        return machine.exit_code();
    }
    let mut workspace = match setup::open(args, "autocut doctor") {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    let options = crate::exec::Options { keep_going: true, ..setup::options(&workspace) };
    let summary = setup::build(&mut workspace, &Silent, options, &Goal::Inputs);
    let found = diagnosis::project(&workspace);
    listing::print_text(&match wanted.json {
        true => doctor::json(&machine, Some(&found)),
        false => doctor::project(&found),
    });
    setup::tell(&crate::base::Diagnostics(summary.errors.clone()));
    summary.exit_code().max(machine.exit_code())
}
