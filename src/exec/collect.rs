//! `autocut gc`: the store within a size, keeping what the outputs rest on.

use crate::base::Diagnostic;
use crate::exec::driver::{Goal, evaluate};
use crate::exec::survey::Survey;
use crate::exec::workspace::Workspace;
use crate::store::{Collected, Limit};

/// Removes what was not used for longest until the store holds no more than
/// `limit` (or its usual limit). What the project's outputs need now stays.
pub fn collect(workspace: &Workspace, limit: Option<u64>) -> Result<Collected, Diagnostic> {
    let (needs, _) = evaluate(workspace, &Goal::Outputs(Vec::new()));
    let survey = Survey::of(&workspace.db, &needs);
    let usual = Limit::default_for(workspace.store.space()?);
    let limit = limit.map_or(usual, |bytes| Limit { bytes, ..usual });
    workspace.store.gc(limit, &survey.live())
}
