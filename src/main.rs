//! The program `autocut`: see `autocut::cli`.

use std::process::ExitCode;

/// A plan is a great many small things: an allocator made for that takes a
/// quarter off a build with nothing to do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    autocut::cli::run()
}
