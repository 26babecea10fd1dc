//! The store of a project, opened without its manifest: for commands that look
//! after the store, which must work while the manifest is broken.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::Diagnostic;
use crate::exec::settings::Settings;
use crate::inputs::system::EntryKind;
use crate::inputs::{self, RealSystem, System};
use crate::manifest::manifest::StoreLimits;
use crate::store::{Holder, Lock, Store};

/// What a project is opened for.
pub enum Purpose<'a> {
    /// To look: others may build meanwhile.
    Look,
    /// To build: `what` is told to those who wait for it, `waiting` hears whom
    /// it has to wait for itself, until it is `interrupted`.
    Build { what: &'a str, waiting: &'a dyn Fn(&Holder), interrupted: &'a AtomicBool },
}

/// A store that exists, with the folder of the project that it was opened for.
pub struct Storage {
    pub root: PathBuf,
    pub store: Arc<Store>,
    /// How much the user lets it keep.
    pub limits: StoreLimits,
    _lock: Option<Lock>,
}

impl Storage {
    /// Opens the store of the project in `folder`. Errors: there is none yet,
    /// or none that can be read.
    pub fn open(folder: &Path, settings: &Settings, purpose: &Purpose<'_>) -> Result<Storage, Diagnostic> {
        let root = RealSystem.canonical(folder).map_err(|error| inputs::cannot("open", folder, &error))?;
        let place = settings.store_of(&root);
        if !is_store(&place) {
            let message = format!("there is no store of autocut at {}", place.display());
            return Err(Diagnostic::input(message).hint("`autocut make` makes one; -C names the project's folder"));
        }
        let store = Arc::new(Store::open_for(&place, &root)?);
        let lock = take(&store, purpose)?;
        Ok(Storage { root, store, limits: settings.limits, _lock: lock })
    }
}

/// Whether there is a store.
pub fn is_store(place: &Path) -> bool {
    RealSystem.stat(&place.join("version")).is_ok_and(|entry| entry.kind == EntryKind::File)
}

/// Takes the lock that a purpose asks for.
pub fn take(store: &Store, purpose: &Purpose<'_>) -> Result<Option<Lock>, Diagnostic> {
    let Purpose::Build { what, waiting, interrupted } = purpose else { return Ok(None) };
    if store.read_only().is_some() {
        // Nobody writes there, and there is no way to say that one does. What
        // turns out to need to is refused.
        return Ok(None);
    }
    let give_up = || interrupted.load(Ordering::Relaxed);
    let lock = store.lock(what, &mut |holder| waiting(holder), &give_up)?;
    lock.map(Some).ok_or_else(|| Diagnostic::environment("interrupted while waiting for another autocut"))
}
