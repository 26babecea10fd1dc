//! `autocut bench`: encoders, presets and qualities on a stretch of a person's
//! own footage, in speed, size, likeness to the footage, memory, processor time
//! and bytes read and written; what is recommended of them, and why.
//!
//! It measures, so nothing is taken from a store and nothing is kept in one:
//! every action runs anew, one at a time, in a process and a scratch folder of
//! its own. Outputs are not looked at.

pub mod advice;
pub mod baseline;
mod measure;
pub mod results;
mod settings;
mod subject;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use crate::base::{Diagnostic, Timestamp};
use crate::deliver::codecs::Preset;
use crate::deliver::encoders::Which;
use crate::exec::alone::Workbench;
use crate::exec::settings::Settings;
use crate::exec::worker::{self, Worker};
use crate::exec::workspace::Workspace;

use baseline::Baseline;
use results::{Bench, FORM, Failed};
use subject::Ground;

pub use crate::exec::alone::Ended;

/// What is to be compared.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The footage; the project's largest where none is named.
    pub file: Option<PathBuf>,
    /// The stretch; its middle where nothing is said.
    pub at: Option<Timestamp>,
    pub length: Option<Timestamp>,
    /// The usual ones where there are none.
    pub codecs: Vec<Which>,
    pub presets: Vec<Preset>,
    /// x264's CRF.
    pub qualities: Vec<u32>,
}

/// What is said on the way.
pub trait Witness {
    /// The setting of this place, from 1, of so many is measured now.
    fn begins(&self, place: usize, count: usize, setting: &str);
    fn warns(&self, warning: &Diagnostic);
}

/// Measures. Without a workspace there is no project, and the defaults of
/// outputs hold.
pub fn run(
    workspace: Option<&Workspace>,
    machine: &Settings,
    asked: &Asked,
    baseline: Option<&Baseline>,
    witness: &dyn Witness,
    interrupted: &AtomicBool,
) -> Result<Bench, Ended> {
    let program = match workspace {
        Some(workspace) => workspace.program.clone(),
        None => worker::find_program(machine.program.as_deref())?,
    };
    // A project's is known already.
    let toolchain = match workspace {
        Some(workspace) => workspace.toolchain.clone(),
        None => Worker::new(program.clone()).toolchain()?,
    };
    let scratch = tempfile::Builder::new().prefix("autocut-bench-").tempdir();
    let scratch = scratch.map_err(|error| Diagnostic::environment(format!("cannot make a scratch folder: {error}")))?;
    let bench = Workbench { program: &program, scratch: scratch.path(), interrupted };
    let ground = Ground::of(workspace);
    let file = ground.file(asked.file.as_deref())?;
    let info = bench.probe(&file)?;
    let subject = ground.subject(file, &info, asked)?;
    if let Some(baseline) = baseline {
        baseline.suits(&subject.stretch)?;
    }
    let (settings, mut failed) = settings::settings(&ground, &subject, asked, &toolchain, &machine.codec.value)?;
    let mut measured = Vec::with_capacity(settings.len());
    for (index, setting) in settings.iter().enumerate() {
        witness.begins(index + 1, settings.len(), &setting.told());
        match bench.measure(&subject, setting) {
            Ok((found, warnings)) => {
                if measured.is_empty() {
                    warnings.iter().for_each(|warning| witness.warns(warning));
                }
                measured.push(found);
            }
            Err(measure::Trouble::Setting(why)) => {
                failed.push(Failed { setting: setting.told(), why: why.to_string() })
            }
            Err(measure::Trouble::Ended(ended)) => return Err(ended),
        }
    }
    if measured.is_empty() {
        let problem = Diagnostic::environment("none of the settings could be measured");
        let problem = failed.iter().fold(problem, |problem, one| problem.note(format!("{}: {}", one.setting, one.why)));
        return Err(problem.hint("`autocut doctor` says which encoders work here").into());
    }
    advice::mark_front(&mut measured);
    let advice = advice::advise(&measured, &|codec| ground.holds(codec));
    let compared = baseline.map(|baseline| baseline.compare(&measured));
    Ok(Bench {
        bench: FORM,
        autocut: env!("CARGO_PKG_VERSION").to_owned(),
        processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        footage: subject.stretch,
        settings: measured,
        failed,
        advice,
        compared,
    })
}
