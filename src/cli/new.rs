//! `autocut new`.

use crate::cli::args::{Args, New};
use crate::cli::setup;
use crate::exec::template;
use crate::report::listing;

pub(super) fn run(args: &Args, new: &New) -> u8 {
    let folder = new.project.clone().unwrap_or_else(|| setup::folder(args));
    match template::write(&folder) {
        Ok(files) => {
            listing::print_text(&listing::welcome(&folder, &files));
            0
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
