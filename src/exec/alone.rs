//! Actions of the media program outside of a build: one at a time, in a process
//! and a scratch folder of their own. Nothing is taken from a store and nothing
//! is kept in one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::base::{Diagnostic, Digest};
use crate::exec::worker::{Failure, Worker};
use crate::model::protocol::{Invocation, Produced, Reply};
use crate::model::{ActionSpec, Usage, decode, naming};
use crate::store;

/// What bytes are called to a worker: nothing is remembered, so where a file
/// lies does for its content.
pub(super) fn named(path: &Path) -> Digest {
    Digest::of(path.as_os_str().as_encoded_bytes())
}

/// Why there is no result.
#[derive(Debug)]
pub enum Ended {
    Interrupted,
    Failed(Diagnostic),
}

impl From<Diagnostic> for Ended {
    fn from(why: Diagnostic) -> Self {
        Ended::Failed(why)
    }
}

/// Where and by which program it is done.
pub(super) struct Workbench<'a> {
    pub(super) program: &'a Path,
    pub(super) scratch: &'a Path,
    pub(super) interrupted: &'a AtomicBool,
}

/// What an action came to.
pub(super) struct Done {
    pub(super) produced: Produced,
    pub(super) usage: Usage,
    pub(super) took: Duration,
}

impl Workbench<'_> {
    pub(super) fn worker(&self) -> Worker {
        let mut worker = Worker::new(self.program.to_owned()).with_memory(None);
        worker.write_below(self.scratch);
        worker
    }

    pub(super) fn act(
        &self,
        worker: &mut Worker,
        spec: ActionSpec,
        files: &[&PathBuf],
        scratch: &Path,
    ) -> Result<Done, Ended> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Ended::Interrupted);
        }
        store::make_folder(scratch)?;
        let inputs: BTreeMap<Digest, PathBuf> = files.iter().map(|path| (named(path), (*path).clone())).collect();
        let told = inputs.clone();
        let name = |content| told.get(&content).map(|path| path.display().to_string());
        let invocation = Invocation {
            id: 1,
            spec,
            inputs,
            devices: BTreeMap::new(),
            packs: Vec::new(),
            scratch: scratch.to_owned(),
        };
        let mut outcome = Err(Diagnostic::bug("the media program gave no answer"));
        let killer = worker.killer();
        let began = Instant::now();
        let ended = worker.run(vec![invocation], &mut |reply| match reply {
            Reply::Done { mut result, usage, .. } => {
                let took = began.elapsed();
                for warning in &mut result.warnings {
                    warning.message = naming::with_names(&warning.message, &name);
                }
                outcome = Ok(Done { produced: result, usage, took });
            }
            Reply::Failed { diagnostic, .. } => outcome = Err(diagnostic),
            // Work in hand tells of itself often enough.
            _ if self.interrupted.load(Ordering::Relaxed) => killer.cancel(),
            _ => {}
        });
        match ended {
            Ok(()) => outcome.map_err(Ended::Failed),
            Err(Failure::Refused(why) | Failure::Crashed(_, why) | Failure::Spoiled(why)) => Err(Ended::Failed(why)),
            Err(Failure::Cancelled) => Err(Ended::Interrupted),
        }
    }
}

/// The value that an action gave.
pub(super) fn value<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Diagnostic> {
    decode(bytes).ok_or_else(|| Diagnostic::bug("what autocut-media made cannot be read"))
}
