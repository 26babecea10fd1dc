//! `autocut gc`.

use crate::base::Diagnostic;
use crate::cli::args::{Args, Gc};
use crate::cli::setup;
use crate::exec::collect::{self, Asked};
use crate::exec::opened::Opened;
use crate::report::{listing, store};

pub(super) fn run(args: &Args, gc: &Gc) -> u8 {
    let opened = match setup::open_or_storage(args, "autocut gc") {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let asked = Asked {
        limit: gc.limit.map(|limit| limit.0),
        age_ns: gc.older_than.map(|age| age.to_nanos()),
        dry_run: gc.dry_run,
    };
    let collected = match &opened {
        Opened::Project(workspace) => collect::collect(workspace, &asked),
        Opened::Alone(storage) => {
            let warning = Diagnostic::warning("the manifest cannot be used");
            setup::tell(&warning.hint("what the last successful build needed stays").into());
            collect::collect_unplanned(storage, &asked)
        }
    };
    match collected {
        Ok(collected) => {
            if let Some(warning) = collected.warning() {
                setup::tell(&warning.into());
            }
            listing::print_text(&store::collected(&collected, gc.dry_run));
            0
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
