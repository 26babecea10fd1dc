//! `autocut run`: one failed action again.

use crate::cli::args::{Args, Run};
use crate::cli::setup;
use crate::exec::{failure, worker};
use crate::report::listing;

pub(super) fn run(args: &Args, run: &Run) -> u8 {
    let settings = match setup::settings(args) {
        Ok(settings) => settings,
        Err(refused) => return refused.code,
    };
    let done =
        worker::find_program(settings.program.as_deref()).and_then(|program| failure::repeat(&run.file, &program));
    match done {
        Ok(produced) => {
            for file in &produced.files {
                listing::print_text(&format!("it succeeds now: {}\n", file.display()));
            }
            setup::tell(&crate::base::Diagnostics(produced.warnings))
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
