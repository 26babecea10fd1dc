//! `autocut plan`, which is `make -n` with more to say.

use crate::base::Diagnostic;
use crate::cli::args::{Args, Plan};
use crate::cli::setup;
use crate::exec::Workspace;
use crate::exec::explain::inquiry::{self, Inquiry};
use crate::report::planned;

pub(super) fn run(args: &Args, plan: &Plan) -> u8 {
    let mut workspace = match setup::look(args) {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    workspace.set_draft(plan.draft);
    if let Err(problems) = workspace.check_targets(&plan.outputs) {
        return setup::tell(&problems);
    }
    if plan.why
        && let Err(problem) = inquiry::look_at_changed_files(&mut workspace)
    {
        return setup::tell(&problem.into());
    }
    tell(&workspace, &plan.outputs, false, plan.why, plan.json)
}

/// Prints what would run, and runs nothing.
pub(super) fn tell(workspace: &Workspace, outputs: &[String], force: bool, why: bool, json: bool) -> u8 {
    let told = || -> Result<u8, Diagnostic> {
        let inquiry = Inquiry::new(workspace, outputs, force)?;
        let estimates = inquiry.estimates(setup::options(workspace).jobs);
        let asked = if why { Some(inquiry.pending()?) } else { None };
        Ok(planned::print(inquiry.run(), &estimates, asked.as_deref(), json))
    };
    told().unwrap_or_else(|problem| setup::tell(&problem.into()))
}
