//! The media program's toolchain: asked once, then believed as long as the
//! program and every library that it mapped look the same, and the processor is
//! of the same model: what an encoder is may depend on it, and a project moves
//! between machines with its store.

use std::path::{Path, PathBuf};

use crate::base::{Diagnostic, Digest};
use crate::exec::worker::Worker;
use crate::inputs::{FileStat, RealSystem, System, machine};
use crate::model::{Toolchain, decode, encode};
use crate::store::Store;

/// The answer with the stats that it depends on.
#[derive(serde::Serialize, serde::Deserialize)]
struct Remembered {
    /// What the system says of the processor.
    processor: String,
    files: Vec<(PathBuf, Option<FileStat>)>,
    toolchain: Toolchain,
}

/// What the media program at `program` is made of.
pub fn identify(program: &Path, store: &Store) -> Result<Toolchain, Diagnostic> {
    let processor = machine::processor(&RealSystem);
    let name = Digest::of(program.as_os_str().as_encoded_bytes());
    if let Some(known) = store.toolchain(name)?.and_then(|bytes| decode::<Remembered>(&bytes))
        && known.processor == processor
        && known.files.iter().all(|(path, stat)| stat_of(path) == *stat)
    {
        return Ok(known.toolchain);
    }
    let toolchain = Worker::new(program.to_owned()).toolchain()?;
    let files = [program.to_owned()].into_iter().chain(toolchain.mapped.iter().cloned());
    let files = files.map(|path| (path.clone(), stat_of(&path))).collect();
    store.remember_toolchain(name, &encode(&Remembered { processor, files, toolchain: toolchain.clone() }))?;
    Ok(toolchain)
}

fn stat_of(path: &Path) -> Option<FileStat> {
    RealSystem.stat(path).ok().map(|entry| entry.stat)
}
