//! `autocut store`.

use crate::cli::args::{Args, StoreArgs};
use crate::cli::setup;
use crate::exec::inventory;
use crate::report::{listing, store};

pub(super) fn run(args: &Args, wanted: &StoreArgs) -> u8 {
    let opened = match setup::look_or_storage(args) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    match inventory::take(&opened) {
        Ok(inventory) if wanted.json => {
            listing::print_text(&store::inventory_json(&inventory));
            0
        }
        Ok(inventory) => {
            listing::print_text(&store::inventory(&inventory));
            0
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
