//! Why an action runs or ran, from what the store remembers of its node.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::base::Diagnostic;
use crate::exec::explain::basis::{Again, Basis};
use crate::exec::explain::causes::{Causes, Past, Search};
use crate::model::ActionKey;
use crate::store::Store;

/// Bases out of a store, each read once.
pub struct History<'a> {
    store: &'a Store,
    read: RefCell<HashMap<ActionKey, Option<Rc<Basis>>>>,
}

impl<'a> History<'a> {
    pub fn new(store: &'a Store) -> Self {
        History { store, read: RefCell::default() }
    }
}

impl Past for History<'_> {
    fn basis(&self, key: ActionKey) -> Option<Rc<Basis>> {
        if let Some(known) = self.read.borrow().get(&key) {
            return known.clone();
        }
        // An index that cannot be read leaves a reason untold, no more.
        let text = self.store.spec(key).ok().flatten();
        let basis = text.and_then(|text| Basis::from_json(&text)).map(Rc::new);
        self.read.borrow_mut().insert(key, basis.clone());
        basis
    }
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its node has never succeeded, as far as is known.
    New,
    /// It was done before, just so, and has to be done again.
    Again(Again),
    Changed(Causes),
    /// Nothing is kept of how it was before.
    Unknown,
}

impl Why {
    /// In words, each reason once.
    pub fn told(&self) -> Vec<String> {
        let one = |text: &str| vec![text.to_owned()];
        match self {
            Why::New => one("never made before"),
            Why::Again(Again::OutputGone) => one("the output is not there any more"),
            Why::Again(Again::OutputChanged) => one("the output is not as autocut wrote it"),
            Why::Again(Again::ObjectGone) => one("what it had made is not in the store any more"),
            Why::Changed(causes) => causes.told().to_vec(),
            Why::Unknown => one("how it was made before is not known any more"),
        }
    }
}

/// Answers for one project.
pub struct Answers<'a> {
    store: &'a Store,
    past: &'a History<'a>,
    search: Search<'a>,
}

impl<'a> Answers<'a> {
    pub fn new(store: &'a Store, past: &'a History<'a>) -> Self {
        Answers { store, past, search: Search::new(past) }
    }

    /// Why an action that is planned has to run: `again` if it has been done
    /// just so.
    pub fn of_pending(
        &mut self,
        node: &str,
        key: ActionKey,
        now: &Basis,
        again: impl FnOnce() -> Again,
    ) -> Result<Why, Diagnostic> {
        Ok(match self.store.last_success(node)? {
            None => Why::New,
            Some(last) if last.key == key => Why::Again(again()),
            Some(last) => self.between(node, last.key, now),
        })
    }

    /// Why an action ran that was done under this key.
    pub fn of_made(&mut self, node: &str, key: ActionKey) -> Why {
        let Some(basis) = self.past.basis(key) else { return Why::Unknown };
        match (basis.previous, basis.again) {
            (_, Some(again)) => Why::Again(again),
            (None, None) => Why::New,
            (Some(previous), None) => self.between(node, previous, &basis),
        }
    }

    fn between(&mut self, node: &str, before: ActionKey, now: &Basis) -> Why {
        let Some(before) = self.past.basis(before) else { return Why::Unknown };
        let causes = self.search.compare(node, &before, now);
        if causes.told().is_empty() { Why::Unknown } else { Why::Changed(causes) }
    }
}

/// A reason, and what it makes run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub text: String,
    /// Kind and node of each action.
    pub actions: Vec<(String, String)>,
}

/// Gathers actions by their reasons, in the order in which these come up.
pub fn by_reason<'n>(actions: impl IntoIterator<Item = (&'n str, &'n str, &'n Why)>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (kind, node, why) in actions {
        for text in why.told() {
            let place = *places.entry(text.clone()).or_insert_with(|| {
                reasons.push(Reason { text, actions: Vec::new() });
                reasons.len() - 1
            });
            if let Some(reason) = reasons.get_mut(place) {
                reason.actions.push((kind.to_owned(), node.to_owned()));
            }
        }
    }
    reasons
}
