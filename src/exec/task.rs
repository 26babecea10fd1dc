//! What slots are given to do, and what they report.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Bytes, Diagnostic, Digest};
use crate::exec::queue::Position;
use crate::exec::remote::Answer;
use crate::exec::sources::SourceFile;
use crate::exec::worker::Failure;
use crate::graph::FileInput;
use crate::inputs::Remembered;
use crate::model::decoders::Device;
use crate::model::protocol::Invocation;
use crate::model::{ActionKey, ActionResult, PlannedAction, Usage};
use crate::store::Store;

/// An action with the places of its inputs.
#[derive(Debug)]
pub struct Task {
    pub action: Arc<PlannedAction>,
    pub inputs: BTreeMap<Digest, PathBuf>,
    pub packs: Vec<PathBuf>,
    /// Which of its inputs a device decodes.
    pub devices: BTreeMap<Digest, Device>,
    /// Those of its inputs that are files of the project.
    pub sources: Vec<SourceFile>,
}

impl Task {
    /// The same as the media program takes it.
    pub fn invocation(&self, id: u64, scratch: PathBuf) -> Invocation {
        let (spec, inputs, packs) = (self.action.spec.clone(), self.inputs.clone(), self.packs.clone());
        Invocation { id, spec, inputs, devices: self.devices.clone(), packs, scratch }
    }
}

/// What a slot does next: one task, or several that share a decode; none to
/// end its worker process.
#[derive(Debug)]
pub struct Job {
    pub tasks: Vec<Task>,
    /// Where the slot's decoder stands afterwards.
    pub position: Position,
}

/// What comes back.
#[derive(Debug)]
pub enum Report {
    Hashed {
        file: FileInput,
        result: Result<Remembered, Diagnostic>,
        elapsed: Duration,
    },
    Progress {
        key: ActionKey,
        done: u64,
        total: u64,
    },
    Finished(Finished),
    /// A device did not decode as software does.
    Mistrusted {
        device: Device,
        why: Diagnostic,
    },
    /// A slot has nothing to do; its worker still holds `kept` MiB of memory.
    /// What it made last may have yet to be kept.
    Idle {
        slot: usize,
        position: Position,
        kept: u32,
    },
    /// Of the shared store.
    Remote(Answer),
}

#[derive(Debug)]
pub struct Finished {
    pub key: ActionKey,
    pub result: Result<ActionResult, Failure>,
    /// How long it took, without that its result was kept; of several that share a
    /// decode each its share.
    pub elapsed: Duration,
    /// What it took; nothing where it failed.
    pub usage: Usage,
}

/// Where results go.
#[derive(Clone, Debug)]
pub struct Place {
    pub store: Arc<Store>,
    /// The project's folder.
    pub root: PathBuf,
    /// Whether outputs may replace what autocut did not write.
    pub force: bool,
    /// How long a worker may make no progress, where its kind does not say.
    pub deadline: Option<Duration>,
    /// How much memory the build is planned with.
    pub memory: Option<Bytes>,
}
