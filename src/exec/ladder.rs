//! Stepping down: what an encoder could not encode for an output, the next one
//! encodes, all of that output, in this build.

use crate::exec::workspace::Workspace;
use crate::graph::outputs;
use crate::graph::planned::Leaf;
use crate::model::{ActionKey, ActionSpec, PlannedAction, Sampling};

/// The encoder of an action, where that is chosen out of several, and what it
/// encodes.
fn encoder(action: &PlannedAction) -> Option<(&str, Sampling)> {
    match &action.spec {
        ActionSpec::Segment(spec) => Some((&spec.encoder.name, spec.format.sampling)),
        _ => None,
    }
}

/// The outputs that need an action, by name.
fn outputs_of(workspace: &Workspace, key: ActionKey) -> Vec<String> {
    let (db, project) = (&workspace.db, workspace.project);
    let needs = |index: usize| {
        let mut found = false;
        outputs::one(db, project, index).needs.visit(&mut |leaf| {
            found |= matches!(leaf, Leaf::Action(action, _) if action.key == key);
        });
        found
    };
    let all = workspace.manifest.outputs.iter().enumerate();
    all.filter(|(index, _)| needs(*index)).map(|(_, output)| output.name.clone()).collect()
}

/// What is under an action's encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Another, for every output that needs the action.
    Another,
    Nothing,
    /// No output needs the action any more: they went on without its encoder
    /// when another action failed.
    Unwanted,
}

pub fn below(workspace: &Workspace, action: &PlannedAction) -> Below {
    let Some((encoder, sampling)) = encoder(action) else { return Below::Nothing };
    let outputs = outputs_of(workspace, action.key);
    if outputs.is_empty() {
        return Below::Unwanted;
    }
    match outputs.iter().all(|output| workspace.db.can_step_down(output, encoder, sampling)) {
        true => Below::Another,
        false => Below::Nothing,
    }
}

/// Lets the outputs that need the action do without its encoder; which they
/// are.
pub fn step_down(workspace: &mut Workspace, action: &PlannedAction) -> Vec<String> {
    let Some((encoder, _)) = encoder(action) else { return Vec::new() };
    let outputs = outputs_of(workspace, action.key);
    for output in &outputs {
        workspace.db.step_down(output, encoder);
    }
    outputs
}
