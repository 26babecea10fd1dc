//! One round of planning, looked through: what can start now; and, where that
//! is asked for, everything that the goal rests on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::base::{Diagnostic, Digest};
use crate::exec::workspace::Workspace;
use crate::graph::planned::{Leaf, SeenNeeds};
use crate::graph::{FileInput, Needs};
use crate::model::key::KeyHashing;
use crate::model::{ActionKey, ActionResult, ActionSpec, Artifact, PlannedAction};
use crate::store::Live;

/// What is not done, each thing once, in the order of planning. Costs as much
/// as there is left to do.
#[derive(Default)]
pub struct Survey {
    /// Files whose content is not known yet.
    pub unhashed: Vec<FileInput>,
    pub pending: Vec<Arc<PlannedAction>>,
    pub problems: Vec<Diagnostic>,
}

impl Survey {
    /// Whether all is done.
    pub fn is_empty(&self) -> bool {
        self.unhashed.is_empty() && self.pending.is_empty() && self.problems.is_empty()
    }

    pub fn of(needs: &Needs) -> Self {
        let mut survey = Survey::default();
        let mut seen: HashSet<ActionKey, KeyHashing> = HashSet::default();
        let mut files = HashSet::new();
        needs.visit_open(&mut |leaf| match leaf {
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
            Leaf::Action(action, None) => {
                if seen.insert(action.key) {
                    survey.pending.push(action.clone());
                }
            }
            Leaf::Action(_, Some(_)) => {}
        });
        survey
    }
}

/// A done action and what it gave.
pub type Done = (Arc<PlannedAction>, Arc<ActionResult>);

/// Everything done that a goal rests on, each once, in the order of planning.
pub fn done(needs: &Needs) -> Vec<Done> {
    let mut done = Vec::new();
    let mut seen: HashSet<ActionKey, KeyHashing> = HashSet::default();
    needs.visit(&mut |leaf| {
        if let Leaf::Action(action, Some(result)) = leaf
            && seen.insert(action.key)
        {
            done.push((action.clone(), result.clone()));
        }
    });
    done
}

/// The done actions that wrote an output.
pub fn deliveries(needs: &Needs) -> Vec<Done> {
    let mut done = Vec::new();
    needs.visit_delivering(&mut |leaf| {
        if let Leaf::Action(action, Some(result)) = leaf
            && action.output.is_some()
        {
            done.push((action.clone(), result.clone()));
        }
    });
    done
}

/// What garbage collection must leave alone: results, and the objects that they
/// consist of.
pub fn live(done: &[Done]) -> Live {
    let objects = done.iter().flat_map(|(_, result)| &result.artifacts).map(|artifact| artifact.digest);
    Live { keys: done.iter().map(|(action, _)| action.key).collect(), objects: objects.collect() }
}

/// What rounds of planning found done, and which action made which artifact.
/// Grows with the plan: a round costs what is new in it.
#[derive(Default)]
pub struct Known {
    seen: SeenNeeds,
    keys: HashSet<ActionKey, KeyHashing>,
    /// Frames that are encoded.
    frames: u64,
    makers: HashMap<Digest, (Arc<PlannedAction>, Artifact)>,
    /// Further actions that made the same, of which few are: silence, stillness.
    others: HashMap<Digest, Vec<ActionKey>>,
}

/// Whether an action that is pending can start.
pub enum Readiness {
    Ready,
    /// These actions were done, but what they made is gone.
    Lost(Vec<ActionKey>),
    /// Nothing makes what it needs, and it is not there.
    Unavailable(Diagnostic),
}

impl Known {
    /// Takes in what a round of planning found done.
    pub fn learn(&mut self, needs: &Needs) {
        let Known { seen, keys, frames, makers, others } = self;
        needs.visit_new(seen, &mut |action, result| {
            if keys.insert(action.key) {
                *frames += frames_of(&action.spec);
            }
            for artifact in &result.artifacts {
                let earlier = makers.insert(artifact.digest, (Arc::clone(action), *artifact));
                if let Some((earlier, _)) = earlier.filter(|(earlier, _)| earlier.key != action.key) {
                    others.entry(artifact.digest).or_default().push(earlier.key);
                }
            }
        });
    }

    /// The action that made an artifact.
    pub fn maker(&self, digest: Digest) -> Option<&PlannedAction> {
        self.makers.get(&digest).map(|(action, _)| &**action)
    }

    /// How many actions are done.
    pub fn actions(&self) -> usize {
        self.keys.len()
    }

    /// How many frames are encoded.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Looks whether everything that an action reads is there. An object of
    /// another size than it was made with is as good as gone.
    pub fn readiness(&self, workspace: &Workspace, action: &PlannedAction) -> Readiness {
        let mut lost = Vec::new();
        for digest in action.spec.inputs().iter().chain(&action.packs) {
            match self.makers.get(digest) {
                Some((_, artifact)) if workspace.store.objects().contains(*artifact) => {}
                // Whichever of them is still planned makes it again.
                Some((maker, _)) => lost.extend(self.others.get(digest).into_iter().flatten().chain([&maker.key])),
                None if workspace.locate(*digest).is_some() => {}
                None => return Readiness::Unavailable(workspace.unavailable(*digest, action)),
            }
        }
        if lost.is_empty() { Readiness::Ready } else { Readiness::Lost(lost) }
    }
}

/// Frames that an action encodes.
pub fn frames_of(spec: &ActionSpec) -> u64 {
    match spec {
        ActionSpec::Segment(segment) => u64::from(segment.frames()),
        _ => 0,
    }
}
