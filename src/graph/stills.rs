//! Stills of moments, for the storyboard.

use std::collections::BTreeMap;

use crate::base::{Digest, Size, Timestamp};
use crate::deliver::timeline::picture;
use crate::graph::clocks;
use crate::graph::db::{Db, Project};
use crate::graph::footage;
use crate::graph::planned::{Collector, Planned};
use crate::model::ActionSpec;
use crate::model::specs::StillSpec;

/// What a storyboard's picture fits into.
const WITHIN: Size = Size::new(480, 480);

/// A frame of each (recording, time), as JPEG artifacts. A time that no footage
/// covers has none.
pub fn stills(
    db: &dyn Db,
    project: Project,
    wanted: &[(String, Timestamp)],
) -> Planned<BTreeMap<(String, Timestamp), Digest>> {
    let mut needs = Collector::default();
    let Some(recordings) = needs.take(clocks::aligned(db, project)).map(|aligned| &aligned.recordings).cloned() else {
        return needs.finish(None);
    };
    let mut stills = BTreeMap::new();
    let mut complete = true;
    for (name, time) in wanted {
        let Some((_, chapter)) = footage::find(&recordings, name).and_then(|r| r.chapter_at(*time)) else { continue };
        let at = *time - chapter.offset;
        let spec = StillSpec { file: chapter.digest, at, picture: picture(&chapter.video), within: WITHIN };
        let node = format!("{name}@{time}/still");
        match needs.act(db, node, ActionSpec::Still(spec)) {
            Some(result) => stills.extend(result.artifacts.first().map(|a| ((name.clone(), *time), a.digest))),
            None => complete = false,
        }
    }
    needs.finish(complete.then_some(stills))
}
