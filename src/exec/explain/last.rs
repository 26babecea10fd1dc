//! What the last build ran, and why.

use crate::base::{Diagnostic, UtcTime};
use crate::exec::explain::why::{Answers, History, Reason, Why, by_reason};
use crate::exec::history;
use crate::exec::workspace::Workspace;
use crate::store::BuiltAction;

/// The last build that had something to do.
#[derive(Debug)]
pub struct LastBuild {
    pub at: UtcTime,
    pub elapsed_ms: u64,
    /// In the order in which they ended; failed ones are not in it.
    pub actions: Vec<(BuiltAction, Why)>,
    pub reasons: Vec<Reason>,
    /// What failed, and how.
    pub failed: Vec<BuiltAction>,
}

/// Of what only looks (`doctor`, `explain moments`) there is no word here. `None`
/// where nothing was built yet.
pub fn last_build(workspace: &Workspace) -> Result<Option<LastBuild>, Diagnostic> {
    let Some(build) = workspace.store.last_build(history::MAKE)? else { return Ok(None) };
    let history = History::new(&workspace.store);
    let mut answers = Answers::new(&workspace.store, &history);
    let (failed, ran): (Vec<_>, Vec<_>) = build.actions.into_iter().partition(|action| action.failed.is_some());
    let actions: Vec<_> = ran
        .into_iter()
        .map(|action| {
            let why = answers.of_made(&action.node, action.key);
            (action, why)
        })
        .collect();
    let named = actions.iter().map(|(action, why)| (action.kind.as_str(), action.node.as_str(), why));
    Ok(Some(LastBuild { at: build.at, elapsed_ms: build.elapsed_ms, reasons: by_reason(named), actions, failed }))
}
