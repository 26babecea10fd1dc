//! A project opened for its store's sake.

use std::path::Path;

use crate::base::Diagnostic;
use crate::exec::collect::Limits;
use crate::exec::settings::Settings;
use crate::exec::storage::{self, Purpose, Storage};
use crate::exec::workspace::Workspace;
use crate::inputs::{self, RealSystem, System};
use crate::store::Store;

/// A project, or only its store where its manifest cannot be used.
pub enum Opened {
    Project(Box<Workspace>),
    Alone(Storage),
}

impl Opened {
    /// Opens the project in `folder`, or at least its store.
    pub fn open(folder: &Path, settings: &Settings, purpose: &Purpose<'_>) -> Result<Opened, Diagnostic> {
        let root = RealSystem.canonical(folder).map_err(|error| inputs::cannot("open", folder, &error))?;
        // A store that is not there is not to be made for this.
        if storage::is_store(&settings.store_of(&root))
            && let (Some(workspace), _) = Workspace::open(folder, settings, purpose)
        {
            return Ok(Opened::Project(Box::new(workspace)));
        }
        Storage::open(folder, settings, purpose).map(Opened::Alone)
    }

    pub fn store(&self) -> &Store {
        match self {
            Opened::Project(workspace) => &workspace.store,
            Opened::Alone(storage) => &storage.store,
        }
    }

    /// The limits that the manifest and the user set.
    pub fn limits(&self) -> Limits {
        match self {
            Opened::Project(workspace) => Limits::of(workspace),
            Opened::Alone(storage) => Limits::of_user(storage),
        }
    }
}
