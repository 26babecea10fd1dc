//! What the store keeps beside each result, so that a later build can say what
//! became different: the labelled fields of its key and what they meant then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Digest;
use crate::model::key::{ENCODER, Field};
use crate::model::{ActionKey, ActionSpec, KeyFields, Toolchain};

/// On what a result rests. Only `fields` is in its key; the rest is how people
/// call it, and where it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    pub fields: Vec<Field>,
    /// Names of the tools in the fields: `Encoder` is `libavcodec 59.37.100, libx264`.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// What the digests in the fields are of, where that is known.
    #[serde(default)]
    pub origins: BTreeMap<Digest, Origin>,
    /// What the specification was derived from without naming it, each with
    /// its digest: the files behind a choice, the choice behind a segment.
    #[serde(default)]
    pub rests: Vec<(Origin, Digest)>,
    /// The last result of the same node when this one was made.
    #[serde(default)]
    pub previous: Option<ActionKey>,
    /// Why it was made although its key had not changed.
    #[serde(default)]
    pub again: Option<Again>,
}

/// Where some content comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Origin {
    /// A file that the project reads, by its name there.
    File(String),
    /// Another action, by its node and its key.
    Made(String, ActionKey),
}

impl Origin {
    /// The file or the node.
    pub fn name(&self) -> &str {
        match self {
            Origin::File(name) | Origin::Made(name, _) => name,
        }
    }
}

/// A reason to do what was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Again {
    /// Its output was not there any more.
    OutputGone,
    /// Its output was another file than it had written.
    OutputChanged,
    /// What it had made was gone from the store.
    ObjectGone,
}

impl Basis {
    /// What the key of an action says of it; everything else is still unknown.
    pub fn of(spec: &ActionSpec, toolchain: &Toolchain) -> Self {
        let used = spec.kind().tools.iter();
        let name = |tool| Some((format!("{tool:?}"), toolchain.tools.get(tool)?.name.clone()));
        let encoder = spec.encoder().and_then(|encoder| toolchain.encoder(encoder));
        let encoder = encoder.map(|known| (ENCODER.to_owned(), known.name.clone()));
        Basis {
            fields: KeyFields::of(spec, toolchain).labels(),
            tools: used.filter_map(name).chain(encoder).collect(),
            ..Basis::default()
        }
    }

    /// As the store keeps it.
    pub fn to_json(&self) -> String {
        // Plain data in memory has no way to fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `None` for what an autocut of another version kept.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The value of a field.
    pub fn field(&self, path: &str) -> Option<&serde_json::Value> {
        self.fields.iter().find(|field| field.path == path).map(|field| &field.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::specs::ProbeSpec;
    use crate::model::toolchain::{Tool, ToolIdentity};

    #[test]
    fn kept_with_the_names_of_tools_and_read_back() {
        let identity = ToolIdentity { name: "libavformat 60".into(), identity: Some(Digest::of(b"60")), problem: None };
        let toolchain = Toolchain { tools: BTreeMap::from([(Tool::Demux, identity)]), ..Toolchain::default() };
        let file = Digest::of(b"file");
        let mut basis = Basis::of(&ActionSpec::Probe(ProbeSpec { file }), &toolchain);
        assert_eq!(basis.tools, BTreeMap::from([("Demux".to_owned(), "libavformat 60".to_owned())]));
        assert_eq!(basis.field("spec.file"), Some(&file.to_string().into()));
        basis.origins.insert(file, Origin::File("a.mp4".into()));
        basis.rests.push((Origin::Made("moments/choose".into(), ActionKey(file)), file));
        basis.again = Some(Again::ObjectGone);
        assert_eq!(Basis::from_json(&basis.to_json()), Some(basis));
        // The specification itself, as it was kept before.
        assert_eq!(Basis::from_json(r#"{"Probe":{"file":"ab"}}"#), None);
    }
}
