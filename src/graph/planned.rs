//! What a query returns: its value, where that can be known already, and
//! everything that it needs.

use std::sync::Arc;

use crate::base::{Diagnostic, Digest};
use crate::graph::db::{Db, FileInput};
use crate::model::{ActionResult, ActionSpec, PlannedAction};

/// A value that may have to wait, with all that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
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
/// two trees costs nothing, and trees that are the same tree compare at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs(Option<Arc<Need>>);

#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are actions, and each stands behind an Arc")]
enum Need {
    /// The content of a file is not known yet.
    Content(FileInput),
    Action(PlannedAction),
    Problem(Diagnostic),
    All(Vec<Needs>),
}

/// One leaf of the tree.
#[derive(Clone, Copy, Debug)]
pub enum Leaf<'a> {
    Content(FileInput),
    Action(&'a PlannedAction),
    Problem(&'a Diagnostic),
}

impl Needs {
    /// Calls `visit` for every leaf, in the order of planning. A leaf that
    /// several queries share is visited once for each.
    pub fn visit<'a>(&'a self, visit: &mut impl FnMut(Leaf<'a>)) {
        match self.0.as_deref() {
            None => {}
            Some(Need::Content(file)) => visit(Leaf::Content(*file)),
            Some(Need::Action(action)) => visit(Leaf::Action(action)),
            Some(Need::Problem(problem)) => visit(Leaf::Problem(problem)),
            Some(Need::All(parts)) => parts.iter().for_each(|part| part.visit(visit)),
        }
    }
}

/// Gathers needs while a query goes on.
#[derive(Default)]
pub(crate) struct Collector {
    parts: Vec<Needs>,
}

impl Collector {
    fn push(&mut self, need: Need) {
        self.parts.push(Needs(Some(Arc::new(need))));
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
        let result = db.outcome(key).result(db).clone();
        self.push(Need::Action(PlannedAction { key, node, spec, packs, output }));
        result
    }

    /// The decoded value of a finished action. A value that cannot be decoded
    /// is of another version of autocut that forgot to raise the kind's
    /// version: a bug, which is said instead of being misread.
    pub(crate) fn value<T: serde::de::DeserializeOwned>(&mut self, result: &ActionResult, what: &str) -> Option<T> {
        let value = result.value();
        if value.is_none() {
            self.problem(
                Diagnostic::bug(format!("the stored result of {what} cannot be read"))
                    .hint("remove the store folder and report this"),
            );
        }
        value
    }

    pub(crate) fn problem(&mut self, problem: Diagnostic) {
        self.push(Need::Problem(problem));
    }

    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Planned<T> {
        let needs = match self.parts.len() {
            0 => Needs::default(),
            1 => self.parts.remove(0),
            _ => Needs(Some(Arc::new(Need::All(self.parts)))),
        };
        Planned { value, needs }
    }
}
