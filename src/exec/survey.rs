//! One round of planning, looked through: what is done, what can start now.

use std::collections::{HashMap, HashSet};

use crate::base::{Diagnostic, Digest};
use crate::exec::workspace::Workspace;
use crate::graph::planned::Leaf;
use crate::graph::{Database, FileInput, Needs};
use crate::model::{ActionKey, Artifact, PlannedAction};
use crate::store::Live;

/// Everything that the goal rests on, each once, in the order of planning.
#[derive(Default)]
pub struct Survey {
    /// Files whose content is not known yet.
    pub unhashed: Vec<FileInput>,
    pub done: Vec<PlannedAction>,
    pub pending: Vec<PlannedAction>,
    pub problems: Vec<Diagnostic>,
    /// Which action makes an artifact.
    makers: HashMap<Digest, (ActionKey, Artifact)>,
}

/// Whether an action that is pending can start.
pub enum Readiness {
    Ready,
    /// These actions were done, but what they made is gone.
    Lost(Vec<ActionKey>),
    /// Nothing makes what it needs, and it is not there.
    Unavailable(Diagnostic),
}

impl Survey {
    pub fn of(db: &Database, needs: &Needs) -> Self {
        let mut survey = Survey::default();
        let mut seen = HashSet::new();
        let mut files = HashSet::new();
        let mut outputs: HashMap<&str, &str> = HashMap::new();
        needs.visit(&mut |leaf| match leaf {
            Leaf::Content(file) => {
                if files.insert(file) {
                    survey.unhashed.push(file);
                }
            }
            Leaf::Problem(problem) => {
                if !survey.problems.contains(problem) {
                    survey.problems.push(problem.clone());
                }
            }
            Leaf::Action(action) => {
                if seen.insert(action.key) {
                    if let Some(path) = &action.output
                        && let Some(other) = outputs.insert(path, &action.node)
                    {
                        let problem = Diagnostic::input(format!("{other} and {} both write {path}", action.node));
                        survey.problems.push(problem.hint("let each output have a place of its own"));
                    }
                    match db.result(action.key) {
                        Some(result) => {
                            let artifacts = result.artifacts.iter().map(|a| (a.digest, (action.key, *a)));
                            survey.makers.extend(artifacts);
                            survey.done.push(action.clone());
                        }
                        None => survey.pending.push(action.clone()),
                    }
                }
            }
        });
        survey
    }

    /// Looks whether everything that an action reads is there. An object of
    /// another size than it was made with is as good as gone.
    pub fn readiness(&self, workspace: &Workspace, action: &PlannedAction) -> Readiness {
        let mut lost = Vec::new();
        for digest in action.spec.inputs().iter().chain(&action.packs) {
            match self.makers.get(digest) {
                Some((_, artifact)) if workspace.store.objects().contains(*artifact) => {}
                Some((maker, _)) => lost.push(*maker),
                None if workspace.locate(*digest).is_some() => {}
                None => return Readiness::Unavailable(workspace.unavailable(*digest, action)),
            }
        }
        if lost.is_empty() { Readiness::Ready } else { Readiness::Lost(lost) }
    }

    /// What garbage collection must leave alone: results, and the objects that
    /// were found along the way.
    pub fn live(&self) -> Live {
        Live {
            keys: self.done.iter().map(|action| action.key).collect(),
            objects: self.makers.keys().copied().collect(),
        }
    }
}
