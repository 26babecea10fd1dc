//! The plan as a diagram: which actions there are, what flows from one to
//! another, and what of it is done.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::Digest;
use crate::exec::explain::labels::clip_of;
use crate::exec::goal::{Goal, evaluate};
use crate::exec::plan;
use crate::exec::survey;
use crate::exec::workspace::Workspace;
use crate::graph::moments;
use crate::model::{ActionSpec, PlannedAction};

/// What is drawn as one box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// All actions of a kind.
    Kind,
    /// All actions of a clip, and those of a kind that belong to no clip.
    Clip,
    /// Each action by itself.
    Action,
}

/// More clips than this are drawn by kind where nothing else is said.
const READABLE: usize = 12;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// In the order of planning.
    pub groups: Vec<Group>,
    /// By the numbers of groups, sorted.
    pub arrows: BTreeSet<Arrow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub label: String,
    pub what: What,
    /// How many actions or files it stands for.
    pub count: usize,
    /// How many of them are not done.
    pub pending: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Files that the project reads.
    Source,
    Actions,
    /// A file that is written.
    Output,
    /// What is not known before something else has run.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: usize,
    pub to: usize,
    /// Whether only a decision follows, and no content is read.
    pub decides: bool,
}

/// Draws what the outputs of these names rest on; all outputs where none is
/// named.
pub fn diagram(workspace: &Workspace, targets: &[String], grouping: Option<Grouping>) -> Diagram {
    let goal = Goal::Outputs(targets.to_vec());
    let (needs, _) = evaluate(workspace, &goal);
    let run = plan::plan(workspace, &goal, true);
    let waiting: BTreeSet<_> = run.to_run.iter().map(|action| action.key).collect();
    let done = survey::done(&needs);
    let makers: HashMap<Digest, Arc<PlannedAction>> = done
        .iter()
        .flat_map(|(action, result)| result.artifacts.iter().map(|made| (made.digest, Arc::clone(action))))
        .collect();
    let grouping = grouping.unwrap_or_else(|| {
        let all = done.iter().map(|(action, _)| action).chain(&run.to_run);
        let clips: BTreeSet<&str> = all.filter_map(|action| clip_of(&action.node)).collect();
        if clips.len() > READABLE { Grouping::Kind } else { Grouping::Clip }
    });

    let mut to = Drawing { workspace, grouping, makers: &makers, places: HashMap::new(), diagram: Diagram::default() };
    let finished = done.iter().map(|(action, _)| action).filter(|action| !waiting.contains(&action.key));
    for action in finished {
        to.action(action, false);
    }
    run.to_run.iter().for_each(|action| to.action(action, true));
    if run.open {
        to.unknown(targets);
    }
    to.decisions(&done, &run.to_run);
    to.diagram
}

struct Drawing<'a> {
    workspace: &'a Workspace,
    grouping: Grouping,
    makers: &'a HashMap<Digest, Arc<PlannedAction>>,
    /// Boxes by what stands in them.
    places: HashMap<(bool, String), usize>,
    diagram: Diagram,
}

impl Drawing<'_> {
    /// The number of the box of a name, made at first use.
    fn place(&mut self, what: What, label: String) -> usize {
        let groups = &mut self.diagram.groups;
        *self.places.entry((what == What::Actions, label.clone())).or_insert_with(|| {
            groups.push(Group { label, what, count: 0, pending: 0 });
            groups.len() - 1
        })
    }

    fn group(&self, action: &PlannedAction) -> String {
        let kind = action.spec.kind().name;
        match self.grouping {
            Grouping::Action => format!("{kind} {}", action.node),
            Grouping::Kind => kind.to_owned(),
            Grouping::Clip => clip_of(&action.node).map_or_else(|| kind.to_owned(), |clip| format!("clip {clip}")),
        }
    }

    fn arrow(&mut self, from: usize, to: usize, decides: bool) {
        // Inside of a group nothing is drawn.
        if from != to {
            self.diagram.arrows.insert(Arrow { from, to, decides });
        }
    }

    fn action(&mut self, action: &PlannedAction, pending: bool) {
        let group = self.group(action);
        let here = self.place(What::Actions, group);
        if let Some(it) = self.diagram.groups.get_mut(here) {
            it.count += 1;
            it.pending += usize::from(pending);
        }
        for digest in action.spec.inputs().iter().chain(&action.packs) {
            let from = match self.makers.get(digest).cloned() {
                Some(maker) => {
                    let group = self.group(&maker);
                    self.place(What::Actions, group)
                }
                None => match self.source(*digest) {
                    Some(label) => self.place(What::Source, label),
                    None => continue,
                },
            };
            self.arrow(from, here, false);
        }
        if let Some(path) = &action.output {
            let label = match self.grouping {
                Grouping::Kind => "outputs".to_owned(),
                _ => path.clone(),
            };
            let output = self.place(What::Output, label);
            if let Some(it) = self.diagram.groups.get_mut(output) {
                it.count += 1;
                it.pending += usize::from(pending);
            }
            self.arrow(here, output, false);
        }
    }

    /// The name of a file of the project; of its footage set where all actions
    /// of a kind are one box.
    fn source(&self, digest: Digest) -> Option<String> {
        let file = self.workspace.files_of(digest).first().copied()?;
        let name = self.workspace.name_of(file);
        let (db, project) = (&self.workspace.db, self.workspace.project);
        let sets = self.workspace.manifest.footage.iter().zip(project.files(db));
        let set = sets.filter(|_| self.grouping == Grouping::Kind).find(|(_, files)| files.contains(&file));
        Some(set.map_or(name, |(set, _)| format!("footage {}", set.name)))
    }

    /// What each action was derived from without reading it: segments from the
    /// choice, the choice from probes.
    fn decisions(&mut self, done: &[survey::Done], to_run: &[Arc<PlannedAction>]) {
        let report = moments::choice(&self.workspace.db, self.workspace.project).value.as_ref().map(|it| it.report);
        let choice = report.flatten().and_then(|report| self.makers.get(&report).cloned());
        let mut probes: BTreeMap<usize, ()> = BTreeMap::new();
        for (probe, _) in done.iter().filter(|(action, _)| matches!(action.spec, ActionSpec::Probe(_))) {
            let group = self.group(probe);
            probes.insert(self.place(What::Actions, group), ());
        }
        for action in done.iter().map(|(action, _)| action).chain(to_run) {
            let group = self.group(action);
            let here = self.place(What::Actions, group);
            match &action.spec {
                ActionSpec::Choose(_) => probes.keys().for_each(|probe| {
                    if *probe != here {
                        self.diagram.arrows.insert(Arrow { from: *probe, to: here, decides: true });
                    }
                }),
                ActionSpec::Segment(_)
                | ActionSpec::Copy(_)
                | ActionSpec::CopySound(_)
                | ActionSpec::Proxy(_)
                | ActionSpec::Sound(_)
                | ActionSpec::Show(_) => {
                    if let Some(choice) = &choice {
                        let group = self.group(choice);
                        let from = self.place(What::Actions, group);
                        self.arrow(from, here, true);
                    }
                }
                _ => {}
            }
        }
    }

    /// The outputs that nothing is known of yet, behind what has to run first.
    fn unknown(&mut self, targets: &[String]) {
        let outputs = self.workspace.manifest.outputs.iter();
        let wanted = outputs.filter(|output| targets.is_empty() || targets.contains(&output.name));
        let places: Vec<String> = wanted.filter_map(|output| output.place_written()).collect();
        for path in places {
            let known =
                |it: &Group| it.what == What::Output && (it.label == path || it.label.starts_with(&format!("{path}/")));
            if self.grouping != Grouping::Kind && self.diagram.groups.iter().any(known) {
                continue;
            }
            let to = self.place(What::Unknown, format!("{path}, not known yet"));
            let open: Vec<usize> = (0..self.diagram.groups.len())
                .filter(|index| {
                    self.diagram.groups.get(*index).is_some_and(|it| it.what == What::Actions && it.pending > 0)
                })
                .collect();
            open.into_iter().for_each(|from| self.arrow(from, to, true));
        }
    }
}
