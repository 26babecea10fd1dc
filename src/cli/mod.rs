//! The command line: arguments in, one call into the library, an exit code
//! out. Holds no logic.

mod args;
mod bench;
mod check;
mod clean;
mod doctor;
mod explain;
mod gc;
mod graph;
mod lock;
mod log;
mod make;
mod new;
mod plan;
mod rebuild;
mod reference;
mod run;
mod setup;
mod store;
mod storyboard;
mod telemetry;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::base::{Tier, process};
use args::{Args, Command};

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    process::without_huge_pages();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; a wrong argument is the user's.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 1 } else { 0 });
        }
    };
    // A panic has said what it is; the exit code says that it is a bug.
    let code = std::panic::catch_unwind(|| command(&args));
    ExitCode::from(code.unwrap_or(Tier::Bug.exit_code()))
}

fn command(args: &Args) -> u8 {
    match &args.command {
        Command::Make(make) => make::run(args, make),
        Command::Watch(wanted) => watch::run(args, wanted),
        Command::Check => check::run(args),
        Command::Doctor(wanted) => doctor::run(args, wanted),
        Command::Plan(plan) => plan::run(args, plan),
        Command::Explain(explain) => explain::run(args, explain),
        Command::Graph(graph) => graph::run(args, graph),
        Command::Bench(bench) => bench::run(args, bench),
        Command::Telemetry(wanted) => telemetry::run(args, wanted),
        Command::Storyboard(storyboard) => storyboard::run(args, storyboard),
        Command::New(new) => new::run(args, new),
        Command::Gc(gc) => gc::run(args, gc),
        Command::Clean(clean) => clean::run(args, clean),
        Command::Store(store) => store::run(args, store),
        Command::Log(log) => log::run(args, log),
        Command::Verify(verify) => verify::run(args, verify),
        Command::Run(run) => run::run(args, run),
        Command::Lock => lock::run(args),
        Command::Reference => reference::run(),
    }
}
