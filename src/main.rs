//! The program `autocut`: see `autocut::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    autocut::cli::run()
}
