//! All results in memory, as planning asks for them: read at once when a
//! program starts, decoded one by one when they are asked for.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::key::KeyHashing;
use crate::model::{self, ActionKey, ActionResult};

/// The results of the store at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    bytes: Vec<u8>,
    /// Never iterated: its order is nobody's business.
    places: HashMap<ActionKey, Range<usize>, KeyHashing>,
}

impl Snapshot {
    /// Makes room for results that are to be added.
    pub(super) fn reserve(&mut self, results: usize) {
        self.places.reserve(results);
    }

    pub(super) fn add(&mut self, key: ActionKey, sealed: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(sealed);
        self.places.insert(key, start..self.bytes.len());
    }

    /// What came of the action, if it was ever done. Its artifacts may be
    /// missing meanwhile: ask [`Objects::contains`](super::Objects::contains).
    pub fn get(&self, key: ActionKey) -> Option<ActionResult> {
        open_sealed(self.bytes.get(self.places.get(&key)?.clone())?)
    }

    pub fn contains(&self, key: ActionKey) -> bool {
        self.places.contains_key(&key)
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

const SEAL: usize = 8;

/// A result, encoded, behind the start of its BLAKE3: a byte that rots in the
/// index must not become a wrong result.
pub(super) fn sealed(result: &ActionResult) -> Vec<u8> {
    let body = model::encode(result);
    let mut sealed = Vec::with_capacity(SEAL + body.len());
    sealed.extend_from_slice(&blake3::hash(&body).as_bytes()[..SEAL]);
    sealed.extend_from_slice(&body);
    sealed
}

/// The result in [`sealed`] bytes; `None` where they were damaged.
pub(super) fn open_sealed(sealed: &[u8]) -> Option<ActionResult> {
    let (seal, body) = sealed.split_at_checked(SEAL)?;
    (blake3::hash(body).as_bytes()[..SEAL] == *seal).then(|| model::decode(body))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_result_is_no_result() {
        let result = ActionResult { artifacts: vec![], value: vec![1, 2, 3], warnings: vec!["w".into()] };
        let mut bytes = sealed(&result);
        assert_eq!(open_sealed(&bytes), Some(result));
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(open_sealed(&bytes), None);
            bytes[at] ^= 1;
        }
        assert_eq!(open_sealed(b"short"), None);
    }
}
