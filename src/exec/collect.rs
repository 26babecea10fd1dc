//! The store within its limits, keeping what the outputs rest on: after a
//! build, and for `autocut gc`.
//!
//! Stronger limits first: the command line, the manifest, the user's config file,
//! the usual ones.

use std::path::Path;

use crate::base::{Diagnostic, UtcTime};
use crate::exec::goal::{Goal, evaluate};
use crate::exec::storage::Storage;
use crate::exec::survey;
use crate::exec::workspace::{MANIFEST, Workspace};
use crate::inputs::{RealSystem, System};
use crate::manifest::manifest::StoreLimits;
use crate::model::ActionKey;
use crate::store::{Collected, Limit, Live, Root, Store};

/// A project that is not there any more keeps what its last build needed for
/// this long: it may lie on a disk that is not plugged in.
const GONE_NS: i64 = 30 * 86_400_000_000_000;

/// What `autocut gc` was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// Bytes that may stay.
    pub limit: Option<u64>,
    /// What was not used for longer goes.
    pub age_ns: Option<i64>,
    /// Only says what would go.
    pub dry_run: bool,
}

/// Removes what was not used for longest until the store holds no more than it
/// may. What the project's outputs need now stays, and so does what the last
/// successful build of every project needed.
pub fn collect(workspace: &Workspace, asked: &Asked) -> Result<Collected, Diagnostic> {
    run(&workspace.store, Limits::of(workspace), asked, &needed(workspace))
}

/// [`collect`] while the manifest cannot be read: what the last successful
/// builds needed stays.
pub fn collect_unplanned(storage: &Storage, asked: &Asked) -> Result<Collected, Diagnostic> {
    run(&storage.store, Limits::of_user(storage), asked, &Live::default())
}

/// [`collect`] after a build, where something may be too much by now. `live`
/// stays as well: a storyboard's stills are part of no output. An error may be a
/// warning.
pub fn after_build(workspace: &Workspace, mut live: Live) -> Result<(), Diagnostic> {
    let store = &workspace.store;
    let (limit, _) = limit(store, Limits::of(workspace), &Asked::default())?;
    if !store.gc_is_due(limit)? {
        return Ok(());
    }
    let needed = needed(workspace);
    live.keys.extend(needed.keys);
    live.objects.extend(needed.objects);
    run(store, Limits::of(workspace), &Asked::default(), &live)?.warning().map_or(Ok(()), Err)
}

/// Notes what a build used, and, where it came to its end, that the next
/// collections must leave that alone. Writes nothing where that is noted
/// already.
pub fn keep(
    workspace: &Workspace,
    goal: &Goal,
    plan: &[(&str, ActionKey)],
    done: bool,
    ran: bool,
) -> Result<(), Diagnostic> {
    let store = &workspace.store;
    if store.read_only().is_some() {
        return Ok(());
    }
    let news = store.mark_used(plan)?;
    match goal {
        Goal::Outputs(targets) if done && (news || ran || !store.has_root(targets)) => {
            store.keep_root(targets, plan.iter().map(|(_, key)| *key).collect())
        }
        _ => Ok(()),
    }
}

fn needed(workspace: &Workspace) -> Live {
    let (needs, _) = evaluate(workspace, &Goal::Outputs(Vec::new()));
    survey::live(&survey::done(&needs))
}

fn run(store: &Store, limits: Limits, asked: &Asked, live: &Live) -> Result<Collected, Diagnostic> {
    let (limit, _) = limit(store, limits, asked)?;
    if asked.dry_run {
        return store.would_collect(limit, live);
    }
    store.require_writable()?;
    let now = RealSystem.now_ns();
    store.drop_roots(|root| is_abandoned(root, now))?;
    store.gc(limit, live)
}

/// The limits that are written down somewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub manifest: StoreLimits,
    /// Of the user's config file.
    pub user: StoreLimits,
}

impl Limits {
    pub fn of(workspace: &Workspace) -> Limits {
        Limits { manifest: workspace.manifest.store, user: workspace.settings.limits }
    }

    /// Without those of a manifest that cannot be read.
    pub fn of_user(storage: &Storage) -> Limits {
        Limits { manifest: StoreLimits::default(), user: storage.limits }
    }
}

/// Who set a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    CommandLine,
    Manifest,
    Config,
    Usual,
}

/// How much may stay in a store, and who says so of its size.
pub fn limit(store: &Store, limits: Limits, asked: &Asked) -> Result<(Limit, Source), Diagnostic> {
    let usual = Limit::default_for(store.space()?);
    let Limits { manifest, user } = limits;
    let stated = [
        (asked.limit, Source::CommandLine),
        (manifest.limit.map(|limit| limit.0), Source::Manifest),
        (user.limit.map(|limit| limit.0), Source::Config),
    ];
    let stated = stated.into_iter().find_map(|(bytes, source)| Some((bytes?, source)));
    let (bytes, source) = stated.unwrap_or((usual.bytes, Source::Usual));
    let age = manifest.age.or(user.age).map(|age| age.to_nanos());
    Ok((Limit { bytes, age_ns: asked.age_ns.or(age).or(usual.age_ns) }, source))
}

/// Whether a project that shares the store is gone for good.
fn is_abandoned(root: &Root, now_ns: i64) -> bool {
    let UtcTime(at) = root.at;
    let is_there = || RealSystem.stat(&Path::new(&root.project).join(MANIFEST)).is_ok();
    !root.project.is_empty() && now_ns.saturating_sub(at) > GONE_NS && !is_there()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_project_that_is_gone_for_long_is_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        let root = |project: &Path, at: i64| Root {
            project: project.to_string_lossy().into_owned(),
            targets: Vec::new(),
            at: UtcTime(at),
            keys: Vec::new(),
        };
        let gone = folder.path().join("gone");
        assert!(is_abandoned(&root(&gone, 0), GONE_NS + 1));
        assert!(!is_abandoned(&root(&gone, 1), GONE_NS + 1));
        assert!(!is_abandoned(&root(Path::new(""), 0), GONE_NS + 1), "the store's own project");
        assert!(is_abandoned(&root(folder.path(), 0), GONE_NS + 1), "a folder without a manifest");
        std::fs::write(folder.path().join(MANIFEST), "").unwrap();
        assert!(!is_abandoned(&root(folder.path(), 0), GONE_NS + 1));
    }
}
