//! `autocut.lock` of a project: read when it is opened, compared with what is
//! here, written anew where that is allowed. What it means for the plan, see
//! [`graph::request`](crate::graph::request).

use std::path::Path;
use std::sync::Arc;

use crate::base::{Diagnostic, Diagnostics};
use crate::exec::workspace::Workspace;
use crate::graph::moments::{self, told};
use crate::graph::{Database, request};
use crate::inputs::{self, RealSystem, System};
use crate::manifest::lockfile;
use crate::model::lockfile::{LOCK, LockFile, PinnedChoice, moment_changes, tool_changes, tools_of};
use crate::store;

/// The lock of a project.
#[derive(Clone, Debug, Default)]
pub struct Locked {
    /// `None` where there is none.
    pub file: Option<LockFile>,
    /// Whether it must not change (`--locked`).
    pub required: bool,
}

impl Locked {
    /// Reads the lock of the project in `root`.
    ///
    /// # Errors
    /// It is there and cannot be read, or is none.
    pub fn read(root: &Path) -> Result<Locked, Diagnostics> {
        let path = root.join(LOCK);
        let bytes = match RealSystem.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Locked::default()),
            Err(error) => return Err(inputs::cannot("read", &path, &error).into()),
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            Diagnostic::input(format!("{LOCK} is not UTF-8 text")).hint("remove it and run `autocut lock`")
        })?;
        Ok(Locked { file: Some(lockfile::read(Path::new(LOCK), &text)?), required: false })
    }

    /// Tells the plan.
    pub fn tell(&self, db: &mut Database) {
        let choice = self.file.as_ref().map(|lock| Arc::new(lock.choice.clone()));
        db.set_pinned(choice, self.required);
    }
}

/// What stands against a build that must not change the lock, as far as that is
/// known before moments are chosen: there is none, or the tools are others.
pub fn refusals(workspace: &Workspace) -> Diagnostics {
    let Some(lock) = &workspace.locked.file else {
        let problem = Diagnostic::input(format!("there is no {LOCK}, and --locked asks for it"));
        return problem.hint("run `autocut lock` and commit what it writes").into();
    };
    let changes = tool_changes(&lock.tools, &tools_of(&workspace.toolchain));
    if changes.is_empty() {
        return Diagnostics::default();
    }
    let problem =
        Diagnostic::input(format!("the tools here are not those of {LOCK}, and --locked forbids to change it"));
    let problem = told(changes).into_iter().fold(problem, Diagnostic::note);
    problem.hint("install the tools that it names, or run `autocut lock` and commit what it writes").into()
}

/// Brings the lock, where there is one, up to date after a build, and says what
/// changed.
pub fn renew(workspace: &mut Workspace) -> Result<Option<Diagnostic>, Diagnostic> {
    let Some(lock) = workspace.locked.file.clone() else { return Ok(None) };
    let planned = moments::choice(&workspace.db, workspace.project).value.clone();
    let Some(now) = planned.and_then(|choice| current(workspace, &choice)) else { return Ok(None) };
    if now == lock {
        return Ok(None);
    }
    let mut warning = Diagnostic::warning(format!("{LOCK} was out of date and is updated"));
    for change in changes(&lock, &now) {
        warning = warning.note(change);
    }
    write(workspace, now)?;
    Ok(Some(warning.hint("commit it; `--locked` makes this an error")))
}

/// What `autocut lock` did.
#[derive(Debug)]
pub struct Written {
    /// Moments and tools in it.
    pub moments: usize,
    pub tools: usize,
    /// What changed, in words; `None` where there was no lock.
    pub changes: Option<Vec<String>>,
}

/// Writes the lock of what would be chosen here and now, once that is known
/// (`Goal::Choice`).
pub fn lock(workspace: &mut Workspace) -> Result<Written, Diagnostic> {
    let weighed = moments::weighed(&workspace.db, workspace.project).value.clone();
    let now = weighed.and_then(|choice| current(workspace, &choice));
    let now = now.ok_or_else(|| Diagnostic::bug("moments are to be locked that nobody chose"))?;
    let written = Written {
        moments: now.choice.moments.len(),
        tools: now.tools.len(),
        changes: workspace.locked.file.as_ref().map(|lock| changes(lock, &now)),
    };
    if workspace.locked.file.as_ref() != Some(&now) {
        write(workspace, now)?;
    }
    Ok(written)
}

/// What is worth saying of the moments that would be chosen here and now, beside
/// those of the lock.
pub fn beside_the_lock(workspace: &Workspace) -> Option<Diagnostic> {
    let lock = workspace.locked.file.as_ref()?;
    let choice = moments::weighed(&workspace.db, workspace.project).value.as_ref()?;
    let now = current(workspace, choice)?;
    let differ = moment_changes(&lock.choice.moments, &now.choice.moments);
    if now.choice.request != lock.choice.request {
        let warning = Diagnostic::warning(format!("{LOCK} is out of date: `autocut make` takes these and updates it"));
        return Some(
            told(lock.choice.request.changes(&now.choice.request)).into_iter().fold(warning, Diagnostic::note),
        );
    }
    if differ.is_empty() {
        return None;
    }
    let warning =
        Diagnostic::warning(format!("{LOCK} pins other moments than would be chosen here, and those are shown"));
    let warning = told(differ).into_iter().fold(warning, Diagnostic::note);
    Some(warning.hint("`autocut lock` takes these instead"))
}

/// The lock as it would be with these moments.
fn current(workspace: &Workspace, choice: &moments::Choice) -> Option<LockFile> {
    let request = request::request(&workspace.db, workspace.project).value.clone()?;
    let choice = PinnedChoice { request: (*request).clone(), moments: choice.moments.clone() };
    Some(LockFile { choice, tools: tools_of(&workspace.toolchain) })
}

fn changes(was: &LockFile, now: &LockFile) -> Vec<String> {
    let moments = moment_changes(&was.choice.moments, &now.choice.moments);
    let moments = told(moments).into_iter().map(|change| format!("moment {change}"));
    let request = told(was.choice.request.changes(&now.choice.request));
    request.into_iter().chain(moments).chain(told(tool_changes(&was.tools, &now.tools))).collect()
}

fn write(workspace: &mut Workspace, lock: LockFile) -> Result<(), Diagnostic> {
    store::write_file(&workspace.root.join(LOCK), lockfile::write(&lock).as_bytes())?;
    workspace.locked.file = Some(lock);
    workspace.locked.tell(&mut workspace.db);
    Ok(())
}
