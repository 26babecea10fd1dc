//! `autocut verify --rebuild`: runs every action of the outputs again, in an
//! empty store of its own, and compares what came of each with what the
//! project's store has recorded.
//!
//! The other store lies in the scratch folder of the first, on the same disk,
//! and goes with it (at the latest when a build takes the lock after its end).
//! Others can build meanwhile: its own lock says that it is in use. The two
//! share files that nobody made here (footage, log, music, model) and nothing
//! else; outputs stay as they are, because a join runs like any other action
//! and its file goes to the other store.
//!
//! Two actions with one key had equal inputs. So an action whose result differs
//! from the one that is recorded under its own key is a *culprit*. What rests on
//! it has another key then, for which nothing is recorded: it *follows*, and is
//! not blamed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::base::{Diagnostic, Digest};
use crate::exec::goal::{Goal, Summary, evaluate};
use crate::exec::survey;
use crate::exec::verify::difference::{self, Part};
use crate::exec::workspace::Workspace;
use crate::inputs::{RealSystem, System};
use crate::model::engines::{ENGINES, varies};
use crate::model::{ActionResult, ActionSpec, Artifact, PlannedAction};
use crate::store::{self, OutputState, Store};

/// What running everything again came to.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Not everything ran: why, the build's summary says.
    pub unfinished: bool,
    /// Actions that gave what was recorded.
    pub equal: usize,
    /// Actions for which nothing is recorded.
    pub unrecorded: usize,
    /// Actions whose engine may make other bytes each time: not compared.
    pub varying: usize,
    /// Actions that gave something else although their inputs were equal, in
    /// order of dependency.
    pub culprits: Vec<Culprit>,
}

/// An action that gave something else than is recorded.
#[derive(Debug)]
pub struct Culprit {
    pub action: Arc<PlannedAction>,
    /// The parts that differ; at least one.
    pub parts: Vec<Differing>,
    /// The copies to look at, where they were asked for.
    pub kept: Vec<PathBuf>,
}

/// A part of a result that differs; a side is `None` that does not have it.
#[derive(Debug)]
pub struct Differing {
    pub part: Part,
    pub recorded: Option<Digest>,
    pub rebuilt: Option<Digest>,
    /// Where they first differ, in words.
    pub first: String,
}

/// How many culprits a message names beside the first.
const NAMED: usize = 10;

/// Runs the actions of the outputs of these names (of all where none is named)
/// again. `run` builds a goal in the workspace that it is given. What differs is
/// copied into the folder `keep`, where one is given.
pub fn rebuild(
    workspace: &mut Workspace,
    targets: &[String],
    keep: Option<&Path>,
    run: &mut dyn FnMut(&mut Workspace, &Goal) -> Summary,
) -> Result<(Summary, Rebuilt), Diagnostic> {
    let goal = Goal::Outputs(targets.to_vec());
    // Not after an hour of rendering.
    if survey::done(&evaluate(workspace, &goal).0).is_empty() {
        return Err(nothing_recorded());
    }
    let scratch = workspace.store.scratch()?;
    let store = Store::open(&scratch.path().join("store"))?;
    // Which keeps the folder from being cleared; the project is free meanwhile.
    let _in_use = store.lock("autocut verify --rebuild", &mut |_| {}, &|| false)?;
    let mut apart = workspace.apart(Arc::new(store))?;
    workspace.release()?;
    let summary = run(&mut apart, &goal);
    let mut rebuilt = Rebuilt { unfinished: summary.interrupted || !summary.errors.is_empty(), ..Rebuilt::default() };
    if summary.interrupted {
        return Ok((summary, rebuilt));
    }
    let (needs, _) = evaluate(&apart, &goal);
    for (action, result) in &survey::done(&needs) {
        let Some(recorded) = workspace.db.result(action.key) else {
            rebuilt.unrecorded += 1;
            continue;
        };
        if action.spec.engine().is_some_and(|engine| varies(engine, ENGINES).is_some()) {
            rebuilt.varying += 1;
            continue;
        }
        let pair = Pair { action, recorded: &recorded, rebuilt: result, workspace, apart: &apart };
        let parts = pair.differing();
        if parts.is_empty() {
            rebuilt.equal += 1;
            continue;
        }
        let mut culprit = Culprit { action: Arc::clone(action), parts: Vec::new(), kept: Vec::new() };
        for part in parts {
            culprit.parts.push(pair.describe(part)?);
            if let Some(folder) = keep {
                culprit.kept.extend(pair.keep(part, folder)?);
            }
        }
        rebuilt.culprits.push(culprit);
    }
    Ok((summary, rebuilt))
}

impl Rebuilt {
    /// The error, if anything differs or there was nothing to compare with.
    pub fn problem(&self) -> Option<Diagnostic> {
        let Some((first, others)) = self.culprits.split_first() else {
            return (!self.unfinished && self.equal + self.varying == 0).then(nothing_recorded);
        };
        let PlannedAction { key, node, spec, .. } = first.action.as_ref();
        let message = format!("{} {node} gave another result from the same inputs", spec.kind().name);
        let mut problem = Diagnostic::environment(message).note(format!("its key is {key}"));
        for part in &first.parts {
            let name = match part.part {
                Part::Value => "value".to_owned(),
                Part::Artifact(0) => "file".to_owned(),
                Part::Artifact(index) => format!("file {index}"),
            };
            let digest = |digest: Option<Digest>| digest.map_or("nothing".to_owned(), |digest| digest.to_string());
            problem = problem
                .note(format!("{name}: recorded {}", digest(part.recorded)))
                .note(format!("{:>1$} made again {2}", "", name.len() + 1, digest(part.rebuilt)))
                .note(part.first.clone());
        }
        for other in others.iter().take(NAMED) {
            let action = &other.action;
            problem = problem.note(format!("so did {} {} ({})", action.spec.kind().name, action.node, action.key));
        }
        if others.len() > NAMED {
            problem = problem.note(format!("and {} more", others.len() - NAMED));
        }
        if self.unrecorded > 0 {
            let what = actions(self.unrecorded);
            problem = problem.note(format!("{what} could not be compared: they rest on it, or were never recorded"));
        }
        let kept: Vec<String> = first.kept.iter().map(|path| path.display().to_string()).collect();
        Some(match kept.is_empty() {
            true => problem.hint("`--keep FOLDER` keeps both versions to look at"),
            false => problem.hint(format!("look at {}", kept.join(" and "))),
        })
    }
}

fn nothing_recorded() -> Diagnostic {
    Diagnostic::input("nothing is recorded of these outputs to compare with").hint("run `autocut make` first")
}

/// `1 action`, `12 actions`.
pub fn actions(count: usize) -> String {
    if count == 1 { "1 action".to_owned() } else { format!("{count} actions") }
}

/// What is recorded of an action and what it made again.
struct Pair<'a> {
    action: &'a PlannedAction,
    recorded: &'a ActionResult,
    rebuilt: &'a ActionResult,
    workspace: &'a Workspace,
    apart: &'a Workspace,
}

impl Pair<'_> {
    fn differing(&self) -> Vec<Part> {
        let count = self.recorded.artifacts.len().max(self.rebuilt.artifacts.len());
        let artifacts = (0..count).filter(|at| self.recorded.artifacts.get(*at) != self.rebuilt.artifacts.get(*at));
        let value = (self.recorded.value != self.rebuilt.value).then_some(Part::Value);
        artifacts.map(Part::Artifact).chain(value).collect()
    }

    fn describe(&self, part: Part) -> Result<Differing, Diagnostic> {
        Ok(Differing {
            part,
            recorded: digest(self.recorded, part),
            rebuilt: digest(self.rebuilt, part),
            first: self.first(part)?,
        })
    }

    fn first(&self, part: Part) -> Result<String, Diagnostic> {
        if let Some((recorded, rebuilt)) = self.fields(part)
            && let Some((path, was, is)) = difference::first(&recorded, &rebuilt)
        {
            return Ok(format!("the first field that differs is {path}: {was} -> {is}"));
        }
        let Part::Artifact(index) = part else { return Ok("it cannot be read".to_owned()) };
        let (Some(recorded), Some(rebuilt)) = (self.recorded_path(index), self.rebuilt_path(index)) else {
            return Ok("what was recorded is not there any more to be compared byte by byte".to_owned());
        };
        Ok(match store::compare(&recorded, &rebuilt)? {
            None => "both are equal now: one of them was damaged, `autocut verify` says which".to_owned(),
            Some(differs) => match differs.lengths {
                (one, other) if one == other => format!("the first byte that differs is byte {} of {one}", differs.at),
                (one, other) => format!("the first byte that differs is byte {}; {one} bytes -> {other}", differs.at),
            },
        })
    }

    /// Both versions as labelled fields.
    fn fields(&self, part: Part) -> Option<(Value, Value)> {
        let read = difference::reader(&self.action.spec, part)?;
        match part {
            Part::Value => Some((read(&self.recorded.value)?, read(&self.rebuilt.value)?)),
            Part::Artifact(index) => {
                let bytes = |path: PathBuf| RealSystem.read(&path).ok();
                let (recorded, rebuilt) = (self.recorded_path(index)?, self.rebuilt_path(index)?);
                Some((read(&bytes(recorded)?)?, read(&bytes(rebuilt)?)?))
            }
        }
    }

    fn recorded_path(&self, index: usize) -> Option<PathBuf> {
        let artifact = *self.recorded.artifacts.get(index)?;
        let Workspace { store, root, .. } = self.workspace;
        if store.objects().contains(artifact) {
            return Some(store.path(artifact.digest));
        }
        // What a join made is in the output, while that is as it was written.
        let output = self.action.output.as_ref()?;
        let state = store.output_state(root, output).ok()?;
        (state == OutputState::Ours(artifact.digest)).then(|| root.join(output))
    }

    fn rebuilt_path(&self, index: usize) -> Option<PathBuf> {
        let artifact: Artifact = *self.rebuilt.artifacts.get(index)?;
        let store = &self.apart.store;
        store.objects().contains(artifact).then(|| store.path(artifact.digest))
    }

    /// Copies both versions into `folder`: fields as JSON, anything else as it is.
    fn keep(&self, part: Part, folder: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
        let node: String = self.action.node.chars().map(|c| if matches!(c, '/' | '\\') { '-' } else { c }).collect();
        let name = match part {
            Part::Value => format!("{node}.value"),
            Part::Artifact(0) => node,
            Part::Artifact(index) => format!("{node}.{index}"),
        };
        let path = |which: &str, ending: &str| folder.join(format!("{name}.{which}.{ending}"));
        let mut kept = Vec::new();
        if let Some((recorded, rebuilt)) = self.fields(part) {
            for (which, value) in [("recorded", recorded), ("rebuilt", rebuilt)] {
                let text = serde_json::to_string_pretty(&value).map_err(|error| Diagnostic::bug(error.to_string()))?;
                kept.push(path(which, "json"));
                store::write_file(&path(which, "json"), text.as_bytes())?;
            }
            return Ok(kept);
        }
        let Part::Artifact(index) = part else { return Ok(kept) };
        let ending = ending(&self.action.spec);
        for (which, from) in [("recorded", self.recorded_path(index)), ("rebuilt", self.rebuilt_path(index))] {
            if let Some(from) = from {
                store::copy_out(&from, &path(which, ending))?;
                kept.push(path(which, ending));
            }
        }
        Ok(kept)
    }
}

fn digest(result: &ActionResult, part: Part) -> Option<Digest> {
    match part {
        Part::Value => Some(Digest::of(&result.value)),
        Part::Artifact(index) => result.artifacts.get(index).map(|artifact| artifact.digest),
    }
}

/// What a file with an action's artifact is called by those who look at it.
fn ending(spec: &ActionSpec) -> &str {
    match spec {
        ActionSpec::Join(spec) => &spec.container,
        ActionSpec::Still(_) => "jpg",
        ActionSpec::Proxy(_) => "mp4",
        ActionSpec::Sound(_) => "pcm",
        ActionSpec::Segment(_) | ActionSpec::Copy(_) | ActionSpec::CopySound(_) | ActionSpec::Mix(_) => "packets",
        _ => "bin",
    }
}
