//! What others may see of a result: everything that is in its key, and names in
//! place of paths. A file outside of the project is named by its path on this
//! machine, and so is every node about it.

use crate::exec::explain::basis::{Basis, Origin};
use crate::store::ActionRecord;

/// The record as it is published.
pub(super) fn portable(record: ActionRecord) -> ActionRecord {
    // What cannot be read cannot be looked through.
    let spec = Basis::from_json(&record.spec).map_or_else(String::new, |basis| told(basis).to_json());
    ActionRecord { node: name(&record.node), spec, ..record }
}

fn told(basis: Basis) -> Basis {
    let named = |origin: Origin| match origin {
        Origin::File(file) => Origin::File(if is_outside(&file) { last(&file, 1) } else { file }),
        Origin::Made(node, key) => Origin::Made(name(&node), key),
    };
    Basis {
        origins: basis.origins.into_iter().map(|(digest, origin)| (digest, named(origin))).collect(),
        rests: basis.rests.into_iter().map(|(origin, digest)| (named(origin), digest)).collect(),
        ..basis
    }
}

/// The name of a node. One about a file outside of the project begins with the
/// file's own name: of `/films/GX010012.MP4/motion/0` the folders go.
fn name(node: &str) -> String {
    if !is_outside(node) {
        return node.to_owned();
    }
    let numbered = node.rsplit('/').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    last(node, if numbered { 3 } else { 2 })
}

/// Whether a path, or a node that begins with one, leads out of the project.
fn is_outside(path: &str) -> bool {
    path.split('/').any(|part| part.is_empty() || part == "..")
}

fn last(path: &str, parts: usize) -> String {
    let mut kept: Vec<&str> = path.rsplit('/').take(parts).collect();
    kept.reverse();
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Digest, UtcTime};
    use crate::model::{ActionKey, ActionResult};

    #[test]
    fn nodes_keep_the_name_of_their_file() {
        let cases = [
            ("/home/anna/films/GX010012.MP4/probe", "GX010012.MP4/probe"),
            ("/home/anna/films/GX010012.MP4/motion/0", "GX010012.MP4/motion/0"),
            ("../ext/private/ride.csv/import", "ride.csv/import"),
            ("../ext/private/GX010012.MP4/detect/12", "GX010012.MP4/detect/12"),
            ("footage/GX010012.MP4/motion/0", "footage/GX010012.MP4/motion/0"),
            ("reel/front/GX010012@192.0s/segment/2", "reel/front/GX010012@192.0s/segment/2"),
        ];
        for (node, expected) in cases {
            assert_eq!(name(node), expected);
        }
    }

    #[test]
    fn origins_keep_no_folder_of_the_machine() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let basis = Basis {
            origins: [(one, Origin::File("/home/anna/a.mp4".into())), (two, Origin::File("footage/b.mp4".into()))]
                .into(),
            rests: vec![(Origin::Made("../anna/a.mp4/motion/0".into(), ActionKey(one)), one)],
            ..Basis::default()
        };
        let record = |spec: String| ActionRecord {
            key: ActionKey(one),
            result: ActionResult { artifacts: vec![], value: vec![], warnings: vec![] },
            node: "/home/anna/a.mp4/probe".into(),
            kind: "probe".into(),
            at: UtcTime(1),
            elapsed_ms: 1,
            cpu_ms: 1,
            spec,
        };
        let published = portable(record(basis.to_json()));
        assert_eq!(published.node, "a.mp4/probe");
        assert!(!published.spec.contains("anna"), "{}", published.spec);
        let read = Basis::from_json(&published.spec).unwrap();
        assert_eq!(read.origins[&two], Origin::File("footage/b.mp4".into()));
        assert_eq!(read.rests[0].0.name(), "a.mp4/motion/0");
        assert_eq!(portable(record("/home/anna".into())).spec, "");
    }
}
