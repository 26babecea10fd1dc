//! `autocut bench`.

use crate::base::Diagnostic;
use crate::cli::args::{Args, Bench};
use crate::cli::setup;
use crate::exec::bench::{self, Asked, Ended, baseline::Baseline};
use crate::exec::goal::INTERRUPTED;
use crate::exec::workspace::MANIFEST;
use crate::report::{bench as report, listing};

pub(super) fn run(args: &Args, wanted: &Bench) -> u8 {
    // Before anything takes its time.
    let baseline = match wanted.baseline.as_deref().map(Baseline::read).transpose() {
        Ok(baseline) => baseline,
        Err(problem) => return setup::tell(&problem.into()),
    };
    let settings = match setup::settings(args) {
        Ok(settings) => settings,
        Err(refused) => return refused.code,
    };
    let folder = setup::folder(args);
    let workspace = match folder.join(MANIFEST).is_file().then(|| setup::look(args)).transpose() {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    if workspace.is_none() && wanted.file.is_none() {
        let problem = Diagnostic::input(format!("there is no {MANIFEST} here, so no footage to measure with"));
        return setup::tell(&problem.hint("name a file: `autocut bench ride.mp4`").into());
    }
    let asked = Asked {
        file: wanted.file.as_ref().map(|file| folder.join(file)),
        at: wanted.at,
        length: wanted.length,
        codecs: wanted.codecs.clone(),
        presets: wanted.preset.clone(),
        qualities: wanted.quality.clone(),
    };
    let interrupted = setup::attended();
    let witness = report::Attendant { colour: setup::colour() };
    let done = bench::run(workspace.as_ref(), &settings, &asked, baseline.as_ref(), &witness, &interrupted);
    match done {
        Ok(bench) => {
            listing::print_text(&if wanted.json { report::json(&bench) } else { report::text(&bench) });
            0
        }
        Err(Ended::Interrupted) => INTERRUPTED,
        Err(Ended::Failed(problem)) => setup::tell(&problem.into()),
    }
}
