//! `autocut check`.

use crate::cli::args::Args;
use crate::cli::setup;
use crate::report::listing;

pub(super) fn run(args: &Args) -> u8 {
    match setup::look(args) {
        Ok(workspace) => {
            listing::checked(&workspace);
            0
        }
        Err(code) => code,
    }
}
