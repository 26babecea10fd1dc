//! What a query returns: its value, where that can be known already, and
//! everything that it needs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::base::{Diagnostic, Digest};
use crate::graph::db::{Db, FileInput};
use crate::model::{ActionResult, ActionSpec, PlannedAction};

/// A value that may have to wait, with all that it rests on.
#[derive(Clone, Debug, PartialEq, Eq, salsa::SalsaValue)]
pub struct Planned<T> {
    /// `None` while something below is not done, or has a problem.
    pub value: Option<T>,
    pub needs: Needs,
}

impl<T> Planned<T> {
    pub fn ready(value: T) -> Self {
        Planned { value: Some(value), needs: Needs::default() }
    }
}

/// A tree of everything that a query rests on, shared between queries: joining
/// two trees costs nothing, trees that are the same tree compare at once, and
/// a branch in which all is done is passed over by whoever looks for work.
#[derive(Clone, Debug, Default, PartialEq, Eq, salsa::SalsaValue)]
pub struct Needs(Option<Need>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// The content of a file is not known yet.
    Content(FileInput),
    /// With its result, where it is done.
    Action(Arc<PlannedAction>, Option<Arc<ActionResult>>),
    Problem(Arc<Diagnostic>),
    All(Arc<Branch>),
}

#[derive(Debug, PartialEq, Eq)]
struct Branch {
    /// Whether anything in it is not done, or wrong.
    open: bool,
    /// Whether an action in it writes an output.
    delivers: bool,
    parts: Vec<Needs>,
}

impl Need {
    fn is_open(&self) -> bool {
        match self {
            Need::Content(_) | Need::Problem(_) => true,
            Need::Action(_, result) => result.is_none(),
            Need::All(branch) => branch.open,
        }
    }

    fn delivers(&self) -> bool {
        match self {
            Need::Content(_) | Need::Problem(_) => false,
            Need::Action(action, _) => action.output.is_some(),
            Need::All(branch) => branch.delivers,
        }
    }
}

/// One leaf of the tree.
#[derive(Clone, Copy, Debug)]
pub enum Leaf<'a> {
    Content(FileInput),
    /// With its result, where it is done.
    Action(&'a Arc<PlannedAction>, Option<&'a Arc<ActionResult>>),
    Problem(&'a Diagnostic),
}

/// Which branches a visit goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Branches {
    All,
    /// Those in which something is not done.
    Open,
    /// Those in which an output is written.
    Delivering,
}

impl Needs {
    /// Calls `visit` for every leaf, in the order of planning. A leaf that
    /// several queries share may be visited more than once.
    pub fn visit<'a>(&'a self, visit: &mut impl FnMut(Leaf<'a>)) {
        self.walk(Branches::All, &mut HashSet::new(), visit);
    }

    /// The leaves that are not done, and those beside them.
    pub fn visit_open<'a>(&'a self, visit: &mut impl FnMut(Leaf<'a>)) {
        self.walk(Branches::Open, &mut HashSet::new(), visit);
    }

    /// The actions that write outputs, and those beside them.
    pub fn visit_delivering<'a>(&'a self, visit: &mut impl FnMut(Leaf<'a>)) {
        self.walk(Branches::Delivering, &mut HashSet::new(), visit);
    }

    fn walk<'a>(&'a self, branches: Branches, seen: &mut HashSet<usize>, visit: &mut impl FnMut(Leaf<'a>)) {
        let Some(need) = &self.0 else { return };
        let passed_over = match branches {
            Branches::All => false,
            Branches::Open => !need.is_open(),
            Branches::Delivering => !need.delivers(),
        };
        if passed_over {
            return;
        }
        match need {
            Need::Content(file) => visit(Leaf::Content(*file)),
            Need::Action(action, result) => visit(Leaf::Action(action, result.as_ref())),
            Need::Problem(problem) => visit(Leaf::Problem(problem)),
            // A branch that hangs in several places is gone into once.
            Need::All(branch) if seen.insert(Arc::as_ptr(branch).addr()) => {
                branch.parts.iter().for_each(|part| part.walk(branches, seen, visit));
            }
            Need::All(_) => {}
        }
    }

    /// Calls `visit` for every done action in branches that are not in `seen`,
    /// and remembers those in which all is done: in the next round they are
    /// passed over.
    pub fn visit_new<'a>(
        &'a self,
        seen: &mut SeenNeeds,
        visit: &mut impl FnMut(&'a Arc<PlannedAction>, &'a Arc<ActionResult>),
    ) {
        match &self.0 {
            Some(Need::Action(action, Some(result))) => visit(action, result),
            Some(Need::All(branch)) => {
                // Kept, so that its address stands for nothing else.
                if !branch.open && seen.0.insert(Arc::as_ptr(branch).addr(), branch.clone()).is_some() {
                    return;
                }
                branch.parts.iter().for_each(|part| part.visit_new(seen, visit));
            }
            Some(Need::Action(_, None) | Need::Content(_) | Need::Problem(_)) | None => {}
        }
    }
}

/// Branches that were visited, by their address.
#[derive(Debug, Default)]
pub struct SeenNeeds(HashMap<usize, Arc<Branch>>);

/// Gathers needs while a query goes on.
#[derive(Default)]
pub(crate) struct Collector {
    parts: Vec<Needs>,
}

impl Collector {
    pub(crate) fn with_capacity(parts: usize) -> Self {
        Collector { parts: Vec::with_capacity(parts) }
    }

    fn push(&mut self, need: Need) {
        self.parts.push(Needs(Some(need)));
    }

    /// Takes over another query's needs and hands out its value.
    pub(crate) fn take<'a, T>(&mut self, planned: &'a Planned<T>) -> Option<&'a T> {
        if planned.needs.0.is_some() {
            self.parts.push(planned.needs.clone());
        }
        planned.value.as_ref()
    }

    /// The digest of a file, once it is hashed.
    pub(crate) fn content(&mut self, db: &dyn Db, file: FileInput) -> Option<Digest> {
        let digest = file.state(db).digest();
        if digest.is_none() {
            self.push(Need::Content(file));
        }
        digest
    }

    /// Plans an action and hands out its result, once it is done.
    pub(crate) fn act(&mut self, db: &dyn Db, node: String, spec: ActionSpec) -> Option<Arc<ActionResult>> {
        self.act_with(db, node, spec, Vec::new(), None)
    }

    /// [`act`](Self::act) for kinds that need to be told more than their spec.
    pub(crate) fn act_with(
        &mut self,
        db: &dyn Db,
        node: String,
        spec: ActionSpec,
        packs: Vec<Digest>,
        output: Option<String>,
    ) -> Option<Arc<ActionResult>> {
        let key = spec.key(db.toolchain());
        let whole = |result: &Arc<ActionResult>| result.artifacts.len() == spec.kind().artifacts;
        let result = db.outcome(key).result(db).clone().filter(whole);
        let action = Arc::new(PlannedAction { key, node, spec, packs, output });
        self.push(Need::Action(action, result.clone()));
        result
    }

    /// The decoded value of a finished action. One that cannot be decoded (it
    /// was made elsewhere, or by another autocut) counts as not done: the action
    /// runs again, instead of being misread or in the way for ever.
    pub(crate) fn value<T: serde::de::DeserializeOwned>(&mut self, result: &Arc<ActionResult>) -> Option<T> {
        let value = result.value();
        if value.is_none() {
            for part in &mut self.parts {
                if let Some(Need::Action(_, done)) = &mut part.0
                    && done.as_ref().is_some_and(|done| Arc::ptr_eq(done, result))
                {
                    *done = None;
                }
            }
        }
        value
    }

    pub(crate) fn problem(&mut self, problem: Diagnostic) {
        self.push(Need::Problem(Arc::new(problem)));
    }

    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Planned<T> {
        let needs = match self.parts.len() {
            0 => Needs::default(),
            1 => self.parts.remove(0),
            _ => {
                let any = |test: fn(&Need) -> bool| self.parts.iter().filter_map(|part| part.0.as_ref()).any(test);
                let (open, delivers) = (any(Need::is_open), any(Need::delivers));
                Needs(Some(Need::All(Arc::new(Branch { open, delivers, parts: self.parts }))))
            }
        };
        Planned { value, needs }
    }
}
