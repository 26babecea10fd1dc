//! `autocut check`.

use crate::cli::args::Args;
use crate::cli::setup;
use crate::exec::goal::Goal;
use crate::exec::plan;
use crate::report::listing;

pub(super) fn run(args: &Args) -> u8 {
    match setup::look(args) {
        Ok(workspace) => {
            // What can be said of the inputs that earlier runs looked at.
            let found = plan::plan(&workspace, &Goal::Outputs(Vec::new()), false);
            let code = setup::tell(&found.problems);
            if code == 0 {
                listing::checked(&workspace, &found);
            }
            code
        }
        Err(refused) => refused.code,
    }
}
