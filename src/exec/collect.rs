//! The store within a size, keeping what the outputs rest on: after a build,
//! and for `autocut gc`.

use crate::base::Diagnostic;
use crate::exec::goal::{Goal, evaluate};
use crate::exec::survey;
use crate::exec::workspace::Workspace;
use crate::store::{Collected, Limit, Live};

/// Removes what was not used for longest until the store holds no more than
/// `limit` (or its usual limit). What the project's outputs need now stays.
pub fn collect(workspace: &Workspace, limit: Option<u64>) -> Result<Collected, Diagnostic> {
    within(workspace, limit, Live::default())
}

/// [`collect`], where `live` stays as well: a storyboard's stills are part of no
/// output, nor are the segments of an output part of a storyboard.
pub fn within(workspace: &Workspace, limit: Option<u64>, mut live: Live) -> Result<Collected, Diagnostic> {
    let (needs, _) = evaluate(workspace, &Goal::Outputs(Vec::new()));
    let needed = survey::live(&survey::done(&needs));
    live.keys.extend(needed.keys);
    live.objects.extend(needed.objects);
    let usual = Limit::default_for(workspace.store.space()?);
    let limit = limit.map_or(usual, |bytes| Limit { bytes, ..usual });
    workspace.store.gc(limit, &live)
}
