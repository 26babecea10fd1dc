//! What would run: `make -n`. Exact for what can start now; what lies behind
//! that is unknown until it has run.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::base::Diagnostics;
use crate::exec::goal::{Goal, evaluate};
use crate::exec::survey::{self, Known, Readiness, Survey};
use crate::exec::workspace::Workspace;
use crate::model::PlannedAction;

#[derive(Debug, Default)]
pub struct DryRun {
    /// Files whose content is not known.
    pub to_hash: Vec<String>,
    pub to_run: Vec<Arc<PlannedAction>>,
    /// Actions whose results are known.
    pub known: usize,
    /// Whether more will be needed, depending on what these give.
    pub open: bool,
    pub problems: Diagnostics,
}

/// Plans a goal once; `force` is [`Options::force`](crate::exec::Options).
pub fn plan(workspace: &Workspace, goal: &Goal, force: bool) -> DryRun {
    let (needs, complete) = evaluate(workspace, goal);
    let survey = Survey::of(&needs);
    let mut known = Known::default();
    known.learn(&needs);
    let finished = survey::done(&needs);
    let mut run = DryRun {
        to_hash: survey.unhashed.iter().map(|file| workspace.name_of(*file)).collect(),
        open: !complete,
        problems: Diagnostics(survey.problems.clone()),
        ..DryRun::default()
    };
    let done: HashMap<_, _> = finished.iter().map(|(action, _)| (action.key, action)).collect();
    let restored = workspace.displaced(&finished).unwrap_or_else(|problem| {
        run.problems.push(problem);
        Vec::new()
    });
    let mut asked: VecDeque<&Arc<PlannedAction>> = survey.pending.iter().chain(restored).collect();
    let mut seen: HashSet<_> = asked.iter().map(|action| action.key).collect();
    let mut again = 0;
    while let Some(action) = asked.pop_front() {
        if let Some(path) = action.output.as_ref().filter(|_| !force)
            && let Err(problem) = workspace.may_write(path)
        {
            run.problems.push(problem);
            continue;
        }
        again += usize::from(done.contains_key(&action.key));
        match known.readiness(workspace, action) {
            Readiness::Ready => run.to_run.push(Arc::clone(action)),
            // What they made is gone: they run first, and then it can.
            Readiness::Lost(lost) => {
                run.open = true;
                let lost = lost.iter().filter_map(|maker| done.get(maker).copied());
                asked.extend(lost.filter(|maker| seen.insert(maker.key)));
            }
            Readiness::Unavailable(problem) => run.problems.push(problem),
        }
    }
    run.known = finished.len() - again;
    run
}
