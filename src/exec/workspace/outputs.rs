//! What a project knows of the places that its outputs go to.

use std::path::Path;
use std::sync::Arc;

use crate::base::Diagnostic;
use crate::deliver::deliverables::{self, Files};
use crate::exec::explain::basis::Again;
use crate::exec::survey::Done;
use crate::inputs::system::EntryKind;
use crate::inputs::{Pattern, RealSystem, System};
use crate::manifest::Manifest;
use crate::manifest::manifest::OutputDecl;
use crate::model::{ActionSpec, PlannedAction};
use crate::store::{self, OutputState, Store};

use super::Workspace;

impl Workspace {
    /// Those of these finished actions whose outputs are no longer as they were
    /// written. Actions that write none are passed over.
    pub fn displaced<'a>(&self, done: &'a [Done]) -> Result<Vec<&'a Arc<PlannedAction>>, Diagnostic> {
        let (joins, paths): (Vec<_>, Vec<_>) =
            done.iter().filter_map(|done| Some((done, done.0.output.clone()?))).unzip();
        let states = self.store.output_states(&self.root, &paths)?;
        let is_displaced = |(_, result): &Done, state: OutputState| {
            let made = result.artifacts.first();
            made.is_none_or(|made| state != OutputState::Ours(made.digest))
        };
        let both = joins.into_iter().zip(states);
        Ok(both.filter(|(done, state)| is_displaced(done, *state)).map(|((action, _), _)| action).collect())
    }

    /// Why an action has to be done that was done just so: something it made is
    /// not as it was.
    pub fn again(&self, action: &PlannedAction) -> Again {
        let state = action.output.as_ref().map(|path| self.store.output_state(&self.root, path));
        match state {
            None => Again::ObjectGone,
            Some(Ok(OutputState::Absent)) => Again::OutputGone,
            Some(_) => Again::OutputChanged,
        }
    }

    /// An error where an output would replace what autocut did not write.
    pub fn may_write(&self, path: &str) -> Result<(), Diagnostic> {
        match self.store.output_state(&self.root, path)? {
            OutputState::Absent | OutputState::Ours(_) => Ok(()),
            OutputState::Foreign if self.root.join(path).is_dir() => {
                let problem = Diagnostic::input(format!("a folder lies where {path} is to be written"));
                Err(problem.hint("move it away, or name another place for the output"))
            }
            OutputState::Foreign => {
                Err(Diagnostic::input(format!("{path} was not written by autocut, or was changed since"))
                    .hint("move it away, or let it be overwritten with --force"))
            }
        }
    }

    /// Where an output of the manifest goes now, relative to the project: its
    /// file (a draft's, where drafts are made) or its folder.
    pub fn place_of(&self, output: &OutputDecl) -> Option<String> {
        let place = output.place_written()?;
        let kind = deliverables::find(&output.kind)?;
        match kind.files {
            Files::Whole(_) if self.draft => Some(deliverables::draft_of(&place)),
            _ => Some(place),
        }
    }

    /// What is wrong with the places of the outputs of these names (of all where
    /// none is named), as far as that is known before planning.
    pub fn blocked_outputs(&self, targets: &[String]) -> Vec<Diagnostic> {
        let wanted = |name: &String| targets.is_empty() || targets.contains(name);
        let outputs = self.manifest.outputs.iter().filter(|output| wanted(&output.name));
        let places = outputs.filter_map(|output| Some((self.place_of(output)?, &output.place)));
        // A folder is one to write into.
        let is_file = |path: &str| RealSystem.stat(&self.root.join(path)).is_ok_and(|it| it.kind == EntryKind::File);
        let blocked = places.filter(|(path, _)| is_file(path));
        blocked.filter_map(|(path, at)| Some(self.may_write(&path).err()?.at(at.0.clone()))).collect()
    }

    /// Outputs of these names (all where none is named) that could not be written
    /// if they had to be.
    pub fn unwritable_outputs(&self, targets: &[String]) -> Vec<Diagnostic> {
        let wanted = |name: &String| targets.is_empty() || targets.contains(name);
        let outputs = self.manifest.outputs.iter().filter(|output| wanted(&output.name));
        let problem = |output: &OutputDecl| {
            let place = self.place_of(output)?;
            Some(store::unwritable(&self.root.join(place))?.at(output.place.0.clone()))
        };
        outputs.filter_map(problem).collect()
    }

    /// An error where the store cannot take in what these actions make: nothing
    /// can be written there, or there is no room.
    pub fn may_store(&self, pending: &[Arc<PlannedAction>]) -> Result<(), Diagnostic> {
        if let (Some(first), Some(why)) = (pending.first(), self.store.read_only()) {
            let first = format!("{} {}", first.spec.kind().name, first.node);
            return Err(why.clone().note(match pending.len() {
                1 => format!("{first} has to run"),
                more => format!("{first} and {} more actions have to run", more - 1),
            }));
        }
        match pending.iter().map(|action| expected_bytes(&action.spec)).sum() {
            0 => Ok(()),
            needed => self.store.space()?.require(needed, self.store.root()),
        }
    }
}

/// About what an action writes that writes much: a tenth of a bit a pixel is
/// what x264 takes for usual footage at a good quality.
fn expected_bytes(spec: &ActionSpec) -> u64 {
    match spec {
        // Once as a segment, once in the output that it is joined to.
        ActionSpec::Segment(spec) => u64::from(spec.frames()).saturating_mul(spec.format.size.area()) / 80 * 2,
        ActionSpec::Proxy(spec) => {
            u64::from(spec.pictures.frames()).saturating_mul(spec.pictures.format.size.area()) / 40
        }
        // What cameras write takes about three times as much.
        ActionSpec::Copy(spec) => u64::from(spec.source.frames).saturating_mul(spec.format.size.area()) / 27 * 2,
        ActionSpec::Sound(spec) => spec.runs.iter().map(|run| run.samples * u64::from(spec.channels) * 2).sum(),
        _ => 0,
    }
}

/// The error for an output whose place holds footage: a file that autocut did
/// not write and that a footage set names.
pub(super) fn footage_in_place_of(
    store: &Store,
    root: &Path,
    manifest: &Manifest,
    output: &OutputDecl,
) -> Result<Option<Diagnostic>, Diagnostic> {
    let Some(path) = output.place_written() else { return Ok(None) };
    let names = |text: &String| Pattern::new(text, root).is_ok_and(|pattern| pattern.matches(&path));
    let set = manifest.footage.iter().find(|set| set.files.iter().any(names));
    let Some(set) = set.filter(|_| RealSystem.stat(&root.join(&path)).is_ok_and(|it| it.kind == EntryKind::File))
    else {
        return Ok(None);
    };
    if store.output_state(root, &path)? != OutputState::Foreign {
        return Ok(None);
    }
    let problem =
        Diagnostic::input(format!("output {:?} would replace {path}, which is footage of {:?}", output.name, set.name));
    Ok(Some(problem.at(output.place.0.clone()).hint("let it write to another file, e.g. in `out/`")))
}
