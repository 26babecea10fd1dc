//! `autocut clean`.

use crate::cli::args::{Args, Clean};
use crate::cli::setup;
use crate::exec::clean;
use crate::report::{listing, store};

pub(super) fn run(args: &Args, wanted: &Clean) -> u8 {
    // Without a word about the manifest nothing is asked of it: it may be broken.
    let cleaned = if wanted.outputs.is_empty() && !wanted.stale {
        match setup::storage(args, "autocut clean") {
            Ok(storage) if wanted.all => clean::everything(&storage, wanted.dry_run),
            Ok(storage) => clean::outputs(&storage, wanted.dry_run),
            Err(code) => return code,
        }
    } else {
        let workspace = match setup::open(args, "autocut clean") {
            Ok(workspace) => workspace,
            Err(refused) => return refused.code,
        };
        if let Err(problems) = workspace.check_targets(&wanted.outputs) {
            return setup::tell(&problems);
        }
        clean::named(&workspace, &wanted.outputs, wanted.stale, wanted.dry_run)
    };
    match cleaned {
        Ok(cleaned) => {
            let code = setup::tell(&cleaned.kept);
            listing::print_text(&store::cleaned(&cleaned, wanted.dry_run));
            code
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
