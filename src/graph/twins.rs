//! Drafts from the small versions of footage that cameras write beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Digest, Timestamp};
use crate::deliver::timeline;
use crate::graph::db::{Db, FileInput, FileState, Project};
use crate::graph::footage::{self, Chapter};
use crate::graph::planned::{Collector, Planned};
use crate::model::timeline::SourcePicture;
use crate::model::{Clip, Piece, twins};

/// By how many milliseconds the two may differ in length.
const LENGTH: i64 = 100;

/// By how much they may differ in when they say that they were filmed.
const CREATED: Timestamp = Timestamp::from_seconds(2);

/// Percent by which the shapes may differ: small pictures are cut to even sides.
const SHAPE: u64 = 2;

/// Clips with the small versions of their files in the files' place, where there
/// are such that show the same. Sound is not taken from them.
pub(super) fn small(db: &dyn Db, project: Project, clips: &[Clip], needs: &mut Collector) -> Option<Arc<Vec<Clip>>> {
    let files = needs.take(files(db, project)).cloned()?;
    let mut complete = true;
    let mut piece = |piece: &Piece| {
        let Some(file) = files.get(&piece.file) else { return piece.clone() };
        match needs.take(twin(db, project, *file)) {
            Some(twin) => Piece { small: *twin, ..piece.clone() },
            None => {
                complete = false;
                piece.clone()
            }
        }
    };
    let small = clips.iter().map(|clip| Clip { pieces: clip.pieces.iter().map(&mut piece).collect(), ..clip.clone() });
    let small = small.collect();
    complete.then(|| Arc::new(small))
}

/// The file of each content that is footage.
#[salsa::tracked]
fn files(db: &dyn Db, project: Project) -> Planned<Arc<BTreeMap<Digest, FileInput>>> {
    let mut needs = Collector::default();
    let files = needs.take(footage::recordings(db, project)).map(|recordings| {
        let chapters = recordings.iter().flat_map(|recording| &recording.chapters);
        Arc::new(chapters.map(|chapter| (chapter.digest, chapter.file)).collect())
    });
    needs.finish(files)
}

/// What stands for a file of footage in a draft, if there is such a file.
#[salsa::tracked]
fn twin(db: &dyn Db, project: Project, file: FileInput) -> Planned<Option<(Digest, SourcePicture)>> {
    let mut needs = Collector::default();
    let names = twins::names_of(file.path(db));
    let there = |name: &String| project.material(db, name).filter(|file| file.state(db) != FileState::Unusable);
    let Some(small) = names.iter().find_map(there) else { return Planned::ready(None) };
    let recordings = needs.take(footage::recordings(db, project)).cloned();
    let digest = needs.content(db, small);
    let info = needs.take(footage::probe(db, small)).cloned();
    let (Some(recordings), Some(digest), Some(info)) = (recordings, digest, info) else { return needs.finish(None) };
    let mut chapters = recordings.iter().flat_map(|recording| &recording.chapters);
    let chapter = chapters.find(|chapter| chapter.file == file);
    let video = info.video.as_ref().filter(|_| chapter.is_some_and(|chapter| fits(chapter, &info)));
    needs.finish(Some(video.map(|video| (digest, timeline::picture(video)))))
}

/// Whether the small file shows the same: as long, filmed at the same time, of the
/// same shape, held the same way.
fn fits(chapter: &Chapter, small: &crate::model::MediaInfo) -> bool {
    let (large, Some(video)) = (&chapter.video, &small.video) else { return false };
    let apart = large.duration - video.duration;
    let (a, b) = (large.display_size(), video.display_size());
    let (wide, tall) = (u64::from(a.width) * u64::from(b.height), u64::from(b.width) * u64::from(a.height));
    let filmed = match (chapter.info.created, small.created) {
        (Some(large), Some(small)) => large.since(small).max(small.since(large)) <= CREATED,
        _ => true,
    };
    apart.to_millis().abs() <= LENGTH
        && filmed
        && large.orientation == video.orientation
        && wide.abs_diff(tall) * 100 <= wide.max(tall) * SHAPE
}
