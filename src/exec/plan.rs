//! What would run: `make -n`. Exact for what can start now; what lies behind
//! that is unknown until it has run.

use crate::base::Diagnostics;
use crate::exec::driver::{Goal, evaluate};
use crate::exec::survey::Survey;
use crate::exec::workspace::Workspace;
use crate::model::PlannedAction;
use crate::store::OutputState;

#[derive(Debug, Default)]
pub struct DryRun {
    /// Files whose content is not known.
    pub to_hash: Vec<String>,
    pub to_run: Vec<PlannedAction>,
    /// Actions whose results are known.
    pub known: usize,
    /// Whether more will be needed, depending on what these give.
    pub open: bool,
    pub problems: Diagnostics,
}

/// Plans a goal once.
pub fn plan(workspace: &Workspace, goal: &Goal) -> DryRun {
    let (needs, complete) = evaluate(workspace, goal);
    let survey = Survey::of(&workspace.db, &needs);
    let (restore, known): (Vec<_>, Vec<_>) =
        survey.done.into_iter().partition(|action| !is_in_place(workspace, action));
    DryRun {
        to_hash: survey.unhashed.iter().map(|file| workspace.name_of(*file)).collect(),
        to_run: survey.pending.into_iter().chain(restore).collect(),
        known: known.len(),
        open: !complete,
        problems: Diagnostics(survey.problems),
    }
}

/// Whether the output that an action wrote is still as it was written; true
/// for actions that write none.
pub fn is_in_place(workspace: &Workspace, action: &PlannedAction) -> bool {
    let (Some(path), Some(result)) = (&action.output, workspace.db.result(action.key)) else { return true };
    let wanted = result.artifacts.first().map(|artifact| artifact.digest);
    matches!(workspace.output_state(path), Ok(OutputState::Ours(digest)) if Some(digest) == wanted)
}
