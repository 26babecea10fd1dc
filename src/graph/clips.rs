//! One clip: what its overlays show, their pictures, its segments, its sound.

use std::sync::Arc;

use crate::base::Digest;
use crate::deliver::segments::{self, FrameRun};
use crate::deliver::sound;
use crate::graph::db::{Db, Project};
use crate::graph::planned::{Collector, Planned};
use crate::graph::telemetry;
use crate::model::overlay::{Drawn, OverlaySpec, SpriteFormat, SpriteRun};
use crate::model::specs::{DrawSpec, SegmentSpec, ShowSpec, VideoEncoder};
use crate::model::{ActionSpec, Clip, VideoFormat};

/// Everything that decides what a clip looks and sounds like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shot {
    /// The output it is rendered for: part of its nodes' names.
    pub output: String,
    pub clip: Clip,
    pub format: VideoFormat,
    pub encoder: VideoEncoder,
    /// Name and specification, painted in this order.
    pub overlays: Vec<(String, OverlaySpec)>,
}

#[salsa::interned]
pub struct ShotKey<'db> {
    #[returns(ref)]
    pub shot: Shot,
}

/// What a clip is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Artifacts with packets, in order.
    pub segments: Vec<Digest>,
    /// Artifact with PCM; `None` for a clip without sound.
    pub sound: Option<Digest>,
}

#[salsa::tracked]
pub fn rendered<'db>(db: &'db dyn Db, project: Project, key: ShotKey<'db>) -> Planned<Arc<Rendered>> {
    let shot = key.shot(db);
    let mut needs = Collector::default();
    let log = match needs.take(telemetry::log(db, project)) {
        Some(log) => log.as_ref().map(|log| log.digest),
        None => return needs.finish(None),
    };
    let name = format!("{}/{}", shot.output, shot.clip.moment.node());

    let mut artifacts = Some(Vec::new());
    for (index, run) in segments::split(shot.clip.frames, shot.format.rate).into_iter().enumerate() {
        let segment = segment(db, shot, log, &name, index, run, &mut needs);
        match (segment, &mut artifacts) {
            (Some(segment), Some(list)) => list.push(segment),
            _ => artifacts = None,
        }
    }

    let sound = sound::source(&shot.clip, shot.format.rate).map(|spec| {
        let result = needs.act(db, format!("{name}/sound"), ActionSpec::Sound(spec))?;
        result.artifacts.first().map(|artifact| artifact.digest)
    });
    let sound = match sound {
        None => Some(None),
        Some(pending) => pending.map(Some),
    };
    let rendered = artifacts.zip(sound).map(|(segments, sound)| Arc::new(Rendered { segments, sound }));
    needs.finish(rendered)
}

fn segment(
    db: &dyn Db,
    shot: &Shot,
    log: Option<Digest>,
    name: &str,
    index: usize,
    run: FrameRun,
    needs: &mut Collector,
) -> Option<Digest> {
    let mut layers = Some(Vec::new());
    let mut packs = Vec::new();
    for (overlay, spec) in &shot.overlays {
        let drawn = drawn(db, shot, log, &format!("{name}/{overlay}/{index}"), spec, run, needs);
        match (drawn, &mut layers) {
            (Some((pack, drawn)), Some(layers)) => {
                packs.push(pack);
                layers.extend(drawn.layers);
            }
            _ => layers = None,
        }
    }
    let spec = SegmentSpec {
        sources: segments::sources(&shot.clip, &shot.format, run),
        format: shot.format,
        encoder: shot.encoder.clone(),
        overlays: non_empty(layers?),
    };
    let node = format!("{name}/segment/{index}");
    let result = needs.act_with(db, node, ActionSpec::Segment(spec), packs, None)?;
    result.artifacts.first().map(|artifact| artifact.digest)
}

/// Layers that show nothing are not part of what a segment shows.
fn non_empty(layers: Vec<Vec<SpriteRun>>) -> Vec<Vec<SpriteRun>> {
    layers.into_iter().filter(|layer| !layer.is_empty()).collect()
}

/// The pack and the runs of one overlay over one segment.
fn drawn(
    db: &dyn Db,
    shot: &Shot,
    log: Option<Digest>,
    name: &str,
    overlay: &OverlaySpec,
    run: FrameRun,
    needs: &mut Collector,
) -> Option<(Digest, Drawn)> {
    let rate = shot.format.rate;
    let after = |frames: u32| rate.time_of(i64::from(frames)).to_nanos();
    let start = shot.clip.telemetry_start;
    let show = ShowSpec {
        overlay: overlay.clone(),
        telemetry: log,
        start: start.map(|start| start.saturating_add(after(run.first))),
        utc: shot.clip.utc.map(|utc| utc.saturating_add(after(run.first))),
        frames: run.count,
        rate,
        frame: shot.format.size,
        clip: start.map(|start| (start, start.saturating_add(after(shot.clip.frames)))),
    };
    let shown = needs.act(db, format!("{name}/show"), ActionSpec::Show(show))?;
    let colour = shot.format.colour;
    let draw = DrawSpec {
        overlay: overlay.clone(),
        shown: shown.artifacts.first()?.digest,
        format: SpriteFormat { frame: shot.format.size, matrix: colour.matrix, full_range: colour.full_range },
    };
    let result = needs.act(db, format!("{name}/draw"), ActionSpec::Draw(draw))?;
    let drawn = needs.value(&result, "drawing an overlay")?;
    Some((result.artifacts.first()?.digest, drawn))
}
