//! Keys of actions: everything that a result depends on, walked once for both
//! the hash that names the result and the labelled fields that explain it. So
//! an explanation can neither miss a field that is in the key nor name one that
//! is not (the habit is n2's, src/hash.rs).
//!
//! What must not be in a key (paths, worker counts, temporary files) is not
//! reachable from [`KeyFields`]: it belongs to
//! [`Invocation`](crate::model::protocol::Invocation).

mod hash;
mod json;
mod labels;
mod walk;

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::base::Digest;
use crate::model::action::ActionSpec;
use crate::model::toolchain::{Tool, Toolchain};

pub use labels::Field;

/// Version of how keys are made: of what is walked and how it is hashed.
const KEY_VERSION: u32 = 2;

/// Names the result of an action: two actions with one key do the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActionKey(pub Digest);

impl fmt::Display for ActionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// For maps by key: a key is a hash already, and its first bytes are as good as
/// any.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHasher(u64);

pub type KeyHashing = std::hash::BuildHasherDefault<KeyHasher>;

impl std::hash::Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let first = bytes.first_chunk::<8>().map_or(0, |first| u64::from_le_bytes(*first));
        self.0 ^= first;
    }

    // The length of the array that a digest is.
    fn write_usize(&mut self, _: usize) {}
}

/// Everything that is in a key, and nothing else. The names of these fields
/// begin the paths of [`labels`](Self::labels).
#[derive(Debug, Serialize)]
pub struct KeyFields<'a> {
    /// [`KEY_VERSION`].
    format: u32,
    kind: &'static str,
    /// The kind's version.
    version: u32,
    spec: &'a ActionSpec,
    tools: Tools<'a>,
}

impl<'a> KeyFields<'a> {
    pub fn of(spec: &'a ActionSpec, toolchain: &'a Toolchain) -> Self {
        let kind = spec.kind();
        KeyFields {
            format: KEY_VERSION,
            kind: kind.name,
            version: kind.version,
            spec,
            tools: Tools { used: kind.tools, encoder: spec.encoder(), toolchain },
        }
    }

    /// The key under which the result is remembered.
    pub fn key(&self) -> ActionKey {
        ActionKey(hash::digest(self))
    }

    /// The same fields for people: each with the path that leads to it.
    pub fn labels(&self) -> Vec<Field> {
        labels::fields(self)
    }
}

/// The identity of each tool that the action uses, each by itself, so that an
/// explanation can name the one that changed.
#[derive(Debug)]
struct Tools<'a> {
    used: &'static [Tool],
    encoder: Option<&'a str>,
    toolchain: &'a Toolchain,
}

impl Serialize for Tools<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.used.len() + usize::from(self.encoder.is_some())))?;
        for tool in self.used {
            map.serialize_entry(tool, &self.toolchain.tools.get(tool).and_then(|known| known.identity))?;
        }
        if let Some(encoder) = self.encoder {
            // Under one name whichever it is: the spec says which.
            map.serialize_entry(ENCODER, &self.toolchain.encoder(encoder).and_then(|known| known.identity))?;
        }
        map.end()
    }
}

/// What the identity of a spec's encoder is called among the tools.
pub const ENCODER: &str = "Encoder";

/// The serde name of a text that holds JSON.
const JSON: &str = "JsonText";

/// For fields that hold JSON as text with a fixed order of fields: a key takes
/// the text as it is, labels descend into it.
pub mod json_text {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    struct JsonText(String);

    pub fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(super::JSON, text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        JsonText::deserialize(deserializer).map(|JsonText(text)| text)
    }
}

#[cfg(test)]
mod tests;
