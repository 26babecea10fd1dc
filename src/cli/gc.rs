//! `autocut gc`.

use crate::cli::args::{Args, Gc};
use crate::cli::setup;
use crate::exec::collect;
use crate::report::listing;

pub(super) fn run(args: &Args, gc: &Gc) -> u8 {
    let workspace = match setup::open(args, "autocut gc") {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    match collect::collect(&workspace, gc.limit.map(|limit| limit.0)) {
        Ok(freed) => {
            listing::print_text(&listing::freed(&freed));
            0
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
