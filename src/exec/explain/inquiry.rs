//! What people can ask of a project: why an output, a clip or an action has to
//! be made, or was made as it is.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Diagnostics, Digest};
use crate::exec::estimate::{Estimates, estimate};
use crate::exec::explain::basis::Origin;
use crate::exec::explain::contents::{self, Contents, Runs, run_of};
use crate::exec::explain::provenance::{Makers, origin_of, provenance};
use crate::exec::explain::why::{Answers, History, Reason, Why, by_reason};
use crate::exec::goal::{Goal, evaluate};
use crate::exec::plan::{self, DryRun};
use crate::exec::survey::{self, Done};
use crate::exec::workspace::Workspace;
use crate::graph::{encoding, outputs};
use crate::inputs::{self, RealSystem};
use crate::model::key::Field;
use crate::model::{ActionKey, PlannedAction};
use crate::store::PastRun;

/// An answer.
#[derive(Debug)]
pub struct Explanation {
    /// What it is about.
    pub subject: String,
    /// Files whose content has to be found out before more can be said.
    pub to_hash: Vec<String>,
    /// What has to run now, by reason.
    pub reasons: Vec<Reason>,
    /// Actions that can start now.
    pub pending: Vec<Asked>,
    /// Whether more may follow that is not known yet.
    pub open: bool,
    pub problems: Diagnostics,
    /// The actions of a clip, or the one action, that are done.
    pub made: Vec<Made>,
    /// What a finished output consists of.
    pub contents: Option<Contents>,
    /// Why a finished output was made as it is.
    pub last: Option<Made>,
}

/// An action that has to run.
#[derive(Debug)]
pub struct Asked {
    pub action: Arc<PlannedAction>,
    pub why: Why,
}

/// An action that is done.
#[derive(Debug)]
pub struct Made {
    pub kind: String,
    pub node: String,
    pub key: ActionKey,
    /// When and how it ran; `None` where another node's result is used.
    pub run: Option<PastRun>,
    pub why: Why,
    /// The fields of its key, and where its inputs come from.
    pub fields: Vec<Field>,
    pub inputs: Vec<Origin>,
    /// Whether it is part of the plan as it is now.
    pub planned: bool,
}

/// A project as it is now, looked at.
pub struct Inquiry<'a> {
    workspace: &'a Workspace,
    run: DryRun,
    done: Vec<Done>,
    makers: Produced,
    runs: Runs,
}

/// Which action of the plan made an artifact.
struct Produced(HashMap<Digest, Arc<PlannedAction>>);

impl Makers for Produced {
    fn maker(&self, digest: Digest) -> Option<(&str, ActionKey)> {
        self.0.get(&digest).map(|action| (action.node.as_str(), action.key))
    }
}

/// Finds out what the files contain now that the store knew before: without
/// that, only "it changed" could be said of them. New files stay unknown.
pub fn look_at_changed_files(workspace: &mut Workspace) -> Result<(), Diagnostic> {
    let known = workspace.store.files()?;
    loop {
        let (needs, _) = evaluate(workspace, &Goal::Outputs(Vec::new()));
        let unhashed = survey::Survey::of(&needs).unhashed;
        let changed: Vec<_> =
            unhashed.into_iter().filter(|file| known.contains_key(&workspace.name_of(*file))).collect();
        if changed.is_empty() {
            return Ok(());
        }
        for file in changed {
            let path = workspace.path_of(file);
            let hashed = inputs::hash_file(&RealSystem, &path, &|_| {})?;
            workspace.set_content(file, hashed.digest, hashed.stat);
            workspace.db.set_file(file, crate::graph::FileState::Known(hashed.digest));
        }
    }
}

impl<'a> Inquiry<'a> {
    /// Looks at the outputs of these names; at all where none is named. `force`
    /// is [`Options::force`](crate::exec::Options).
    pub fn new(workspace: &'a Workspace, targets: &[String], force: bool) -> Result<Self, Diagnostic> {
        let goal = Goal::Outputs(targets.to_vec());
        let (needs, _) = evaluate(workspace, &goal);
        let done = survey::done(&needs);
        let artifacts = done
            .iter()
            .flat_map(|(action, result)| result.artifacts.iter().map(|artifact| (artifact.digest, Arc::clone(action))));
        Ok(Inquiry {
            workspace,
            run: plan::plan(workspace, &goal, force),
            makers: Produced(artifacts.collect()),
            done,
            runs: contents::runs(workspace)?,
        })
    }

    /// What would run.
    pub fn run(&self) -> &DryRun {
        &self.run
    }

    /// How long that takes with so many at once.
    pub fn estimates(&self, jobs: usize) -> Estimates {
        estimate(&self.run.to_run, &self.done, &self.runs, jobs)
    }

    /// Everything that has to run now and why.
    pub fn pending(&self) -> Result<Vec<Asked>, Diagnostic> {
        let history = History::new(&self.workspace.store);
        let mut answers = Answers::new(&self.workspace.store, &history);
        self.run.to_run.iter().map(|action| self.ask(&mut answers, action)).collect()
    }

    fn ask(&self, answers: &mut Answers<'_>, action: &Arc<PlannedAction>) -> Result<Asked, Diagnostic> {
        let basis = provenance(self.workspace, &self.makers, action);
        let why = answers.of_pending(&action.node, action.key, &basis, || self.workspace.again(action))?;
        Ok(Asked { action: Arc::clone(action), why })
    }

    /// Of an output: what has to run and why, or what it consists of.
    pub fn output(&self, name: &str) -> Result<Explanation, Diagnostic> {
        let pending = self.pending()?;
        let declared = self.workspace.manifest.outputs.iter().find(|output| output.name == name);
        let place = declared.and_then(|output| self.workspace.place_of(output));
        let mut explanation = self.explanation(place.unwrap_or_else(|| name.to_owned()), pending);
        let finished = explanation.pending.is_empty() && !explanation.open && !explanation.problems.has_errors();
        if let Some(output) = declared.filter(|_| finished) {
            explanation.contents = Some(contents::contents(self.workspace, output, &self.done, &self.runs));
            let joins = self.done.iter().filter(|(action, _)| action.output.is_some());
            let latest = joins.max_by_key(|(action, _)| run_of(&self.runs, action).map(|run| run.at));
            explanation.last = latest.map(|(action, _)| self.made(&mut self.answers(&self.history()), action));
        }
        Ok(explanation)
    }

    fn history(&self) -> History<'_> {
        History::new(&self.workspace.store)
    }

    fn answers<'h>(&'h self, history: &'h History<'h>) -> Answers<'h> {
        Answers::new(&self.workspace.store, history)
    }

    fn explanation(&self, subject: String, pending: Vec<Asked>) -> Explanation {
        let named = pending.iter().map(|asked| (asked.action.spec.kind().name, asked.action.node.as_str(), &asked.why));
        Explanation {
            subject,
            to_hash: self.run.to_hash.clone(),
            reasons: by_reason(named),
            pending,
            open: self.run.open,
            problems: self.run.problems.clone(),
            made: Vec::new(),
            contents: None,
            last: None,
        }
    }

    /// Of the clip of a number, from 1, of an output.
    pub fn clip(&self, output: &str, number: usize) -> Result<Explanation, Diagnostic> {
        let (db, project) = (&self.workspace.db, self.workspace.project);
        let index = self.workspace.manifest.outputs.iter().position(|declared| declared.name == output);
        let index = index.ok_or_else(|| Diagnostic::bug(format!("no output {output:?}")))?;
        let declared = self.workspace.manifest.outputs.get(index);
        if declared.is_some_and(|declared| outputs::settings(declared).is_none()) {
            let problem = Diagnostic::input(format!("output {output:?} is telemetry, and has no clips"));
            return Err(problem.hint("name an output that has some with `--output`"));
        }
        let Some(timeline) = outputs::timeline(db, project, index) else {
            // Which clip that is is not known: what has to run first is told.
            return Ok(self.explanation(format!("clip {number} of {output}"), self.pending()?));
        };
        let clips = timeline.len();
        let clip = number.checked_sub(1).and_then(|index| timeline.get(index)).ok_or_else(|| {
            Diagnostic::input(format!("output {output:?} has no clip {number}")).hint(match clips {
                0 => "it has none; `autocut explain moments` says why".to_owned(),
                1 => "it has one".to_owned(),
                _ => format!("it has clips 1 to {clips}"),
            })
        })?;
        let node = clip.moment.node();
        let prefix = format!("{}/{node}/", encoding::node_of(db, output));
        let mut pending = self.pending()?;
        pending.retain(|asked| asked.action.node.starts_with(&prefix));
        let mut explanation = self.explanation(format!("clip {number} of {output}: {node}"), pending);
        // The output may be open while this clip is all done.
        let sound = timeline.get(number - 1).is_some_and(|clip| clip.pieces.iter().any(|piece| piece.has_audio));
        let history = self.history();
        let mut answers = self.answers(&history);
        let done = self.done.iter().filter(|(action, _)| action.node.starts_with(&prefix));
        explanation.made = done.map(|(action, _)| self.made(&mut answers, action)).collect();
        let has = |kinds: [&str; 2]| explanation.made.iter().any(|made| kinds.contains(&made.kind.as_str()));
        let (pictures, sounds) = (has(["segment", "copy"]), has(["sound", "copy.sound"]));
        explanation.open = !(explanation.pending.is_empty() && pictures && (!sound || sounds));
        Ok(explanation)
    }

    fn made(&self, answers: &mut Answers<'_>, action: &PlannedAction) -> Made {
        let basis = provenance(self.workspace, &self.makers, action);
        let inputs = action.spec.inputs().into_iter().chain(action.packs.iter().copied());
        Made {
            kind: action.spec.kind().name.to_owned(),
            node: action.node.clone(),
            key: action.key,
            run: run_of(&self.runs, action).cloned(),
            why: answers.of_made(&action.node, action.key),
            fields: basis.fields,
            inputs: inputs.filter_map(|digest| origin_of(self.workspace, &self.makers, digest)).collect(),
            planned: true,
        }
    }

    /// Of an action by its node, by the beginning of it where that is of one alone,
    /// or by the file that it writes.
    pub fn node(&self, wanted: &str) -> Result<Explanation, Diagnostic> {
        let planned = || self.done.iter().map(|(action, _)| action).chain(&self.run.to_run);
        let writer = planned().find(|action| action.output.as_deref() == Some(wanted));
        let wanted = writer.map_or(wanted, |action| action.node.as_str());
        let mut names: Vec<&str> = planned().map(|action| action.node.as_str()).collect();
        names.extend(self.runs.keys().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        let name = match names.binary_search(&wanted) {
            Ok(_) => wanted,
            Err(_) => one_of(&names, wanted, self.workspace)?,
        };
        let history = self.history();
        let mut answers = self.answers(&history);
        if let Some(action) = self.run.to_run.iter().find(|action| action.node == name) {
            let pending = vec![self.ask(&mut answers, action)?];
            let mut explanation = self.explanation(name.to_owned(), pending);
            explanation.open = false;
            return Ok(explanation);
        }
        let mut explanation = self.explanation(name.to_owned(), Vec::new());
        if let Some((action, _)) = self.done.iter().find(|(action, _)| action.node == name) {
            explanation.open = false;
            explanation.made.push(self.made(&mut answers, action));
        } else if let Some(run) = self.runs.get(name) {
            explanation.made.push(self.past(&mut answers, run));
        }
        Ok(explanation)
    }

    /// A node that the plan does not have, or not yet.
    fn past(&self, answers: &mut Answers<'_>, run: &PastRun) -> Made {
        use crate::exec::explain::causes::Past;
        let basis = self.history().basis(run.key);
        Made {
            kind: run.kind.clone(),
            node: run.node.clone(),
            key: run.key,
            run: Some(run.clone()),
            why: answers.of_made(&run.node, run.key),
            fields: basis.as_ref().map(|basis| basis.fields.clone()).unwrap_or_default(),
            inputs: basis.map(|basis| basis.origins.values().cloned().collect()).unwrap_or_default(),
            planned: false,
        }
    }
}

/// The one name that begins with what is wanted.
fn one_of<'n>(names: &[&'n str], wanted: &str, workspace: &Workspace) -> Result<&'n str, Diagnostic> {
    let fitting: Vec<&str> = names.iter().copied().filter(|name| name.starts_with(wanted)).collect();
    match fitting.as_slice() {
        [one] => Ok(one),
        [] => {
            let outputs = workspace.manifest.outputs.iter().map(|output| output.name.as_str());
            let hint = match nearest(wanted, outputs.chain(names.iter().copied())) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "`autocut plan` and `autocut graph --by action` list names".to_owned(),
            };
            Err(Diagnostic::input(format!("there is no output, file or action {wanted:?}")).hint(hint))
        }
        many => {
            let mut problem = Diagnostic::input(format!("{wanted:?} is the beginning of {} names", many.len()));
            for name in many.iter().take(8) {
                problem = problem.note(*name);
            }
            Err(problem.hint("write more of it"))
        }
    }
}

/// The output that a name or a file means; `None` where it is none.
pub fn output_of(workspace: &Workspace, wanted: &str) -> Option<String> {
    let outputs = &workspace.manifest.outputs;
    if let Some(output) = outputs.iter().find(|output| output.name == wanted) {
        return Some(output.name.clone());
    }
    let root = workspace.root.to_string_lossy();
    let inside = wanted.strip_prefix(root.as_ref()).map(|rest| rest.trim_start_matches('/')).unwrap_or(wanted);
    let path = inside.trim_start_matches("./").trim_end_matches('/');
    let found = outputs
        .iter()
        .find(|output| workspace.place_of(output).is_some_and(|place| place.trim_end_matches('/') == path));
    found.map(|output| output.name.clone())
}
