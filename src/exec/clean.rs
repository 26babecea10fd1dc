//! `autocut clean`: takes back the outputs that autocut wrote.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::{Diagnostic, Diagnostics};
use crate::exec::goal::{Goal, evaluate};
use crate::exec::storage::Storage;
use crate::exec::survey;
use crate::exec::workspace::Workspace;
use crate::inputs::system::lexical;
use crate::store::Store;
use crate::store::clean::Removal;

/// What was removed, and what stays although it was asked for.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// Outputs with their sizes in bytes.
    pub outputs: Vec<(String, u64)>,
    pub folders: Vec<String>,
    /// The store, where it was removed.
    pub store: Option<PathBuf>,
    /// What stays, and why.
    pub kept: Diagnostics,
}

/// Removes every output of the project, whatever the manifest says now.
pub fn outputs(storage: &Storage, dry_run: bool) -> Result<Cleaned, Diagnostic> {
    remove(&storage.store, &storage.root, &|_| true, dry_run)
}

/// Removes the outputs that these names of the manifest mean (all where none is
/// named); with `stale` only those files that the manifest no longer asks for.
pub fn named(workspace: &Workspace, names: &[String], stale: bool, dry_run: bool) -> Result<Cleaned, Diagnostic> {
    let wanted = if stale { Some(wanted(workspace)?) } else { None };
    let declared = workspace.manifest.outputs.iter().filter(|output| names.contains(&output.name));
    let places: Vec<PathBuf> =
        declared.filter_map(|output| output.place_written()).map(|place| lexical(Path::new(&place))).collect();
    let is_meant = |name: &str| {
        let path = lexical(Path::new(name));
        let is_named = names.is_empty() || places.iter().any(|place| path.starts_with(place));
        is_named && wanted.as_ref().is_none_or(|wanted| !wanted.contains(&path))
    };
    remove(&workspace.store, &workspace.root, &is_meant, dry_run)
}

/// Removes every output and the store. One that other projects use as well
/// stays, without what it knows of this one.
pub fn everything(storage: &Storage, dry_run: bool) -> Result<Cleaned, Diagnostic> {
    let mut cleaned = outputs(storage, dry_run)?;
    let store = &storage.store;
    let place = store.root();
    let others = store.other_projects()?;
    if !others.is_empty() || !store.is_in_project() {
        let mut kept = Diagnostic::warning(format!("{} stays: other projects may use it", place.display()));
        for other in others.iter().filter(|other| !other.is_empty()) {
            kept = kept.note(format!("it was used for {other}"));
        }
        cleaned.kept.push(kept.hint("it forgot this project; `autocut gc` frees what no other one needs"));
        if !dry_run {
            store.forget_project()?;
        }
        return Ok(cleaned);
    }
    cleaned.store = Some(place.to_owned());
    if !dry_run {
        for other in store.destroy()? {
            let kept = Diagnostic::warning(format!("{} was not written by autocut and stays", other.display()));
            cleaned.kept.push(kept);
        }
    }
    Ok(cleaned)
}

/// Every path that the outputs are written to now.
fn wanted(workspace: &Workspace) -> Result<BTreeSet<PathBuf>, Diagnostic> {
    let (needs, complete) = evaluate(workspace, &Goal::Outputs(Vec::new()));
    if !complete {
        let message = "which files are stale is not known: the outputs are not up to date";
        return Err(Diagnostic::input(message).hint("run `autocut make` first"));
    }
    let written = survey::deliveries(&needs);
    let paths = written.iter().filter_map(|(action, _)| action.output.as_deref());
    Ok(paths.map(|path| lexical(Path::new(path))).collect())
}

fn remove(store: &Store, root: &Path, is_meant: &dyn Fn(&str) -> bool, dry_run: bool) -> Result<Cleaned, Diagnostic> {
    if !dry_run {
        store.require_writable()?;
    }
    let mut cleaned = Cleaned::default();
    for output in store.outputs()?.into_iter().filter(|output| is_meant(&output.name)) {
        let name = output.name;
        match store.remove_output(root, &name, dry_run)? {
            Removal::Removed(bytes) => cleaned.outputs.push((name, bytes)),
            Removal::Absent => {}
            Removal::Foreign => {
                cleaned.kept.push(Diagnostic::warning(format!("{name} was changed since autocut wrote it and stays")));
            }
            Removal::Outside => {
                let kept = Diagnostic::warning(format!("{name} lies outside of the project, behind a link, and stays"));
                cleaned.kept.push(kept.hint("remove it yourself if it is not wanted"));
            }
        }
    }
    if !dry_run {
        cleaned.folders = store.remove_empty_folders(root)?;
    }
    Ok(cleaned)
}
