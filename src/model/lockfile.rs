//! What `autocut.lock` pins: what a machine may decide differently than another
//! one did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::Digest;
use crate::model::moment::Moment;
use crate::model::toolchain::Toolchain;

/// Its name, beside the manifest.
pub const LOCK: &str = "autocut.lock";

/// The whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile {
    pub choice: PinnedChoice,
    /// By the tool's name.
    pub tools: BTreeMap<String, LockedTool>,
}

/// The chosen moments, and what they were chosen from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinnedChoice {
    pub request: Request,
    /// In chronological order.
    pub moments: Vec<Moment>,
}

/// Everything that a choice of moments depends on and that is the same on every
/// machine, in labelled fields: contents of files, settings, versions. Where two
/// are equal, a choice that was made for one holds for the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request(pub BTreeMap<String, String>);

/// A part of the toolchain as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedTool {
    /// With its version, for people.
    pub name: String,
    /// `None` where it did not work.
    pub identity: Option<Digest>,
}

/// One difference between two locks, in words: `weight speed: 0.4 -> 0.5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub what: String,
    /// `None` where it was not there.
    pub was: Option<String>,
    /// `None` where it is not there any more.
    pub is: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { what, was, is } = self;
        match (was, is) {
            (Some(was), Some(is)) => write!(f, "{what}: {was} -> {is}"),
            (None, Some(is)) => write!(f, "{what}: new ({is})"),
            (Some(was), None) => write!(f, "{what}: gone (was {was})"),
            (None, None) => f.write_str(what),
        }
    }
}

impl Request {
    /// What differs in `now`, in order of the labels.
    pub fn changes(&self, now: &Request) -> Vec<Change> {
        changes(&self.0, &now.0, |value| shortened(value))
    }
}

/// A digest is cut to what people compare; anything else stays.
fn shortened(value: &str) -> String {
    value.parse::<Digest>().map_or_else(|_| value.to_owned(), |digest| digest.short())
}

/// The moments that `now` has and `was` has not, and the other way round, in
/// order of time.
pub fn moment_changes(was: &[Moment], now: &[Moment]) -> Vec<Change> {
    let length = |moment: &Moment| moment.length.to_string();
    let of = |moments: &[Moment]| -> BTreeSet<(String, String)> {
        moments.iter().map(|moment| (moment.node(), length(moment))).collect()
    };
    let (before, after) = (of(was), of(now));
    let gone = was.iter().filter(|moment| !after.contains(&(moment.node(), length(moment))));
    let gone = gone.map(|moment| Change { what: moment.node(), was: Some(length(moment)), is: None });
    let new = now.iter().filter(|moment| !before.contains(&(moment.node(), length(moment))));
    let new = new.map(|moment| Change { what: moment.node(), was: None, is: Some(length(moment)) });
    let mut found: Vec<Change> = gone.chain(new).collect();
    if found.is_empty() && was != now {
        found.push(Change { what: "their order, or which of them are pinned".to_owned(), was: None, is: None });
    }
    found
}

/// The tools of a toolchain as a lock holds them.
pub fn tools_of(toolchain: &Toolchain) -> BTreeMap<String, LockedTool> {
    let locked =
        |tool: &crate::model::toolchain::ToolIdentity| LockedTool { name: tool.name.clone(), identity: tool.identity };
    toolchain.tools.iter().map(|(tool, identity)| (tool.name().to_owned(), locked(identity))).collect()
}

/// What differs between two toolchains, tool by tool.
pub fn tool_changes(was: &BTreeMap<String, LockedTool>, now: &BTreeMap<String, LockedTool>) -> Vec<Change> {
    let changed = changes(was, now, |tool| {
        let identity = tool.identity.map_or("which does not work".to_owned(), |identity| identity.short());
        format!("{} ({identity})", tool.name)
    });
    changed.into_iter().map(|change| Change { what: format!("tool {}", change.what), ..change }).collect()
}

fn changes<T: PartialEq>(
    was: &BTreeMap<String, T>,
    now: &BTreeMap<String, T>,
    show: impl Fn(&T) -> String,
) -> Vec<Change> {
    let labels: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let change = |label: &String| {
        let (before, after) = (was.get(label), now.get(label));
        (before != after).then(|| Change { what: label.clone(), was: before.map(&show), is: after.map(&show) })
    };
    labels.into_iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    fn moment(start: i64) -> Moment {
        let start = Timestamp::from_seconds(start);
        Moment { recording: "front/a".into(), start, length: Timestamp::from_seconds(2), pinned: false }
    }

    fn told(changes: &[Change]) -> Vec<String> {
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn requests_differ_by_label() {
        let request = |fields: &[(&str, &str)]| {
            Request(fields.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect())
        };
        let file = Digest::of(b"x").to_string();
        let was = request(&[("gap", "10s"), ("weight speed", "0.4"), ("file a.mp4", &file)]);
        let now = request(&[("gap", "10s"), ("weight speed", "0.5"), ("pin 1", "front/a@1.0s")]);
        let short = &file[..8];
        assert_eq!(
            told(&was.changes(&now)),
            [
                format!("file a.mp4: gone (was {short})"),
                "pin 1: new (front/a@1.0s)".to_owned(),
                "weight speed: 0.4 -> 0.5".to_owned()
            ]
        );
        assert_eq!(was.changes(&was), []);
    }

    #[test]
    fn moments_differ_by_place_and_length() {
        let (was, now) = ([moment(1), moment(5)], [moment(1), moment(6)]);
        let told = told(&moment_changes(&was, &now));
        assert_eq!(told, ["front/a@5.0s: gone (was 00:02.000)", "front/a@6.0s: new (00:02.000)"]);
        assert!(moment_changes(&was, &was).is_empty());
        let pinned = [moment(1), Moment { pinned: true, ..moment(5) }];
        assert_eq!(moment_changes(&was, &pinned).len(), 1);
    }
}
