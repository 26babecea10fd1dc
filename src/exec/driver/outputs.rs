//! Which outputs are in their places, as far as this build has looked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::exec::explain::basis::Again;
use crate::exec::survey::Done;
use crate::model::ActionKey;

#[derive(Default)]
pub(super) struct Outputs {
    /// What each path holds that was looked at or written: of which join.
    settled: BTreeMap<String, ActionKey>,
    /// Those that this build wrote.
    written: BTreeSet<String>,
    /// Joins that run again, and what is wrong with their outputs.
    again: HashMap<ActionKey, Again>,
}

impl Outputs {
    /// A path holds what a join made.
    pub(super) fn settle(&mut self, path: &str, key: ActionKey, written: bool) {
        self.settled.insert(path.to_owned(), key);
        if written {
            self.written.insert(path.to_owned());
        }
    }

    /// Whether a path is known to hold what this join makes. (What another made
    /// there, for an edit that was undone since, does not count.)
    pub(super) fn has(&self, path: &str, key: ActionKey) -> bool {
        self.settled.get(path) == Some(&key)
    }

    pub(super) fn displaced(&mut self, key: ActionKey, why: Again) {
        self.again.insert(key, why);
    }

    /// What is wrong with the output of a join that was done before.
    pub(super) fn why_again(&self, key: ActionKey) -> Option<Again> {
        self.again.get(&key).copied()
    }

    /// Files may have been changed by others: all paths have to be looked at
    /// again.
    pub(super) fn look_again(&mut self) {
        self.settled.clear();
    }

    /// Those of these deliveries that are in their places, and whether this
    /// build wrote them.
    pub(super) fn told(&self, delivered: &[Done]) -> BTreeMap<String, bool> {
        let paths = delivered.iter().filter_map(|(action, _)| Some((action.output.as_ref()?, action.key)));
        let settled = paths.filter(|(path, key)| self.has(path, *key));
        settled.map(|(path, _)| (path.clone(), self.written.contains(path))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::model::specs::ProbeSpec;
    use crate::model::{ActionResult, ActionSpec, PlannedAction};
    use std::sync::Arc;

    #[test]
    fn a_path_is_settled_for_one_join_at_a_time() {
        let key = |name: &str| ActionKey(Digest::of(name.as_bytes()));
        let mut outputs = Outputs::default();
        outputs.settle("out/one.mp4", key("a"), true);
        outputs.settle("out/two.mp4", key("a"), false);
        assert!(outputs.has("out/one.mp4", key("a")) && outputs.has("out/two.mp4", key("a")));
        outputs.settle("out/one.mp4", key("b"), true);
        assert!(!outputs.has("out/one.mp4", key("a")));
        outputs.look_again();
        assert!(!outputs.has("out/one.mp4", key("b")));
        outputs.settle("out/one.mp4", key("b"), false);
        let delivered = |name: &str, path: &str| {
            let spec = ActionSpec::Probe(ProbeSpec { file: Digest::of(b"x") });
            let (key, node, output) = (key(name), path.to_owned(), Some(path.to_owned()));
            let action = PlannedAction { key, node, spec, packs: Vec::new(), output };
            (
                Arc::new(action),
                Arc::new(ActionResult { artifacts: Vec::new(), value: Vec::new(), warnings: Vec::new() }),
            )
        };
        // Written in this build; of another join; never looked at.
        let all = [delivered("b", "out/one.mp4"), delivered("b", "out/two.mp4"), delivered("c", "out/three.mp4")];
        assert_eq!(outputs.told(&all), BTreeMap::from([("out/one.mp4".to_owned(), true)]));
    }
}
