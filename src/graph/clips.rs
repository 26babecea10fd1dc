//! One clip: what its overlays show, their pictures, its segments, its sound.

use std::sync::Arc;

use salsa::plumbing::AsId;

use crate::base::Digest;
use crate::deliver::codecs;
use crate::deliver::quality::Quality;
use crate::deliver::segments::{self, FrameRun, Part};
use crate::deliver::sound;
use crate::graph::db::Db;
use crate::graph::planned::{Collector, Planned};
use crate::model::alignment::drifted;
use crate::model::overlay::{Drawn, OverlaySpec, SpriteFormat, SpriteRun};
use crate::model::specs::{
    Copied, CopySpec, DrawSpec, ProxySpec, SegmentInfo, SegmentSpec, ShowSpec, SoundCopied, SourceRun, VideoEncoder,
};
use crate::model::{ActionResult, ActionSpec, Clip, VideoFormat};

/// What all clips of an output share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Look {
    /// The output's name: part of its nodes' names.
    pub output: String,
    pub format: VideoFormat,
    pub encoder: VideoEncoder,
    /// Whether it is made to be looked at now: from proxies, where something is
    /// drawn over them.
    pub draft: bool,
    /// Whether footage is copied where it can be; never under overlays.
    pub quality: Quality,
    /// Whether the footage's sound is copied where it can be.
    pub keeps_sound: bool,
    /// Painted in this order.
    pub overlays: Vec<Overlay>,
    /// Cleaned telemetry; `None` where no overlay shows anything of it, so that
    /// another log leaves these clips alone.
    pub log: Option<Digest>,
}

/// An overlay of an output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Overlay {
    pub name: String,
    pub spec: OverlaySpec,
    /// Whether it shows the same at any time. Then it is planned and drawn once
    /// for all segments of a length.
    pub is_still: bool,
}

impl Look {
    /// With that log, if an overlay shows anything of it.
    #[must_use]
    pub fn beside(self, log: Option<Digest>) -> Look {
        let log = log.filter(|_| self.overlays.iter().any(|overlay| !overlay.is_still));
        Look { log, ..self }
    }
}

#[salsa::interned(revisions = usize::MAX)]
#[derive(Debug)]
pub struct LookKey<'db> {
    #[returns(ref)]
    pub look: Look,
}

/// Everything that decides what a clip looks and sounds like.
#[salsa::interned(revisions = usize::MAX)]
#[derive(Debug)]
pub struct ShotKey<'db> {
    #[returns(copy)]
    pub look: LookKey<'db>,
    #[returns(ref)]
    pub clip: Clip,
}

/// What a clip is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Artifacts with packets, in order.
    pub segments: Vec<Digest>,
    /// `None` for a clip without any.
    pub sound: Option<ClipSound>,
}

impl Rendered {
    /// Its sound, to be mixed.
    pub fn samples(&self) -> Option<Digest> {
        match self.sound? {
            ClipSound::Samples(samples) => Some(samples),
            ClipSound::Packets(_) => None,
        }
    }

    /// Its sound, to be joined as it is.
    pub fn packets(&self) -> Option<Digest> {
        match self.sound? {
            ClipSound::Packets(packets) => Some(packets),
            ClipSound::Samples(_) => None,
        }
    }
}

/// The sound of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipSound {
    /// Artifact with PCM, to be mixed.
    Samples(Digest),
    /// Artifact with packets, to be joined as they are.
    Packets(Digest),
}

/// Rests on results alone, so that no edit elsewhere makes salsa look into it.
#[salsa::tracked]
pub fn rendered<'db>(db: &'db dyn Db, key: ShotKey<'db>) -> Planned<Arc<Rendered>> {
    let shot = Shot { look: key.look(db).look(db), clip: key.clip(db) };
    let mut needs = Collector::default();
    let name = format!("{}/{}", shot.look.output, shot.clip.moment.node());

    let copies = copies(db, &shot, &name, &mut needs);
    let mut artifacts = copies.is_some().then(Vec::new);
    // What is encoded is not known before what is copied is.
    let parts = copies.map(|copies| segments::around(shot.clip.frames, &copies, shot.look.format.rate));
    for (index, part) in parts.unwrap_or_default().into_iter().enumerate() {
        let first = |result: Arc<ActionResult>| result.artifacts.first().map(|artifact| artifact.digest);
        let segment = match part {
            Part::Copied(segment) => Some(segment),
            Part::Encoded(run) => segment(db, &shot, &name, index, run, &mut needs).and_then(first),
        };
        match (segment, &mut artifacts) {
            (Some(segment), Some(list)) => list.push(segment),
            _ => artifacts = None,
        }
    }

    let sound = heard(db, &shot, &name, &mut needs);
    let rendered = artifacts.zip(sound).map(|(segments, sound)| Arc::new(Rendered { segments, sound }));
    needs.finish(rendered)
}

/// The sound of a clip; `None` while that is not known.
fn heard(db: &dyn Db, shot: &Shot<'_>, name: &str, needs: &mut Collector) -> Option<Option<ClipSound>> {
    let rate = shot.look.format.rate;
    if let Some(spec) = sound::unchanged(shot.clip, rate).filter(|_| shot.look.keeps_sound) {
        let result = needs.act(db, format!("{name}/copy/sound"), ActionSpec::CopySound(spec))?;
        if needs.value::<SoundCopied>(&result)?.why.is_none() {
            return Some(Some(ClipSound::Packets(result.artifacts.first()?.digest)));
        }
    }
    let Some(spec) = sound::source(shot.clip, rate) else { return Some(None) };
    let result = needs.act(db, format!("{name}/sound"), ActionSpec::Sound(spec))?;
    Some(Some(ClipSound::Samples(result.artifacts.first()?.digest)))
}

/// A run of shots that are looked at together: an edit of one clip of ten
/// thousand then costs its own run and a look at the others.
#[salsa::interned(revisions = usize::MAX)]
#[derive(Debug)]
pub struct ShotRun<'db> {
    #[returns(ref)]
    pub shots: Vec<ShotKey<'db>>,
}

/// About how many shots there are in a run.
const RUN: u32 = 64;

/// Cuts shots into runs, at places that the shots themselves decide, so that an
/// insertion moves none of the others.
pub fn runs<'db>(db: &'db dyn Db, shots: &[ShotKey<'db>]) -> Vec<ShotRun<'db>> {
    shots.split_inclusive(|shot| ends_run(*shot)).map(|run| ShotRun::new(db, run)).collect()
}

/// Whether a run ends with this shot.
pub fn ends_run(shot: ShotKey<'_>) -> bool {
    shot.as_id().index().is_multiple_of(RUN)
}

/// What each clip of a run is made of, in order.
#[salsa::tracked]
pub fn rendered_run<'db>(db: &'db dyn Db, run: ShotRun<'db>) -> Planned<Arc<Vec<Arc<Rendered>>>> {
    let shots = run.shots(db);
    let mut needs = Collector::with_capacity(shots.len());
    let mut all = Some(Vec::with_capacity(shots.len()));
    for shot in shots {
        match (needs.take(rendered(db, *shot)), &mut all) {
            (Some(rendered), Some(list)) => list.push(rendered.clone()),
            _ => all = None,
        }
    }
    needs.finish(all.map(Arc::new))
}

/// A shot, looked up.
struct Shot<'a> {
    look: &'a Look,
    clip: &'a Clip,
}

/// What of a clip is copied; `None` while that is not known.
fn copies(db: &dyn Db, shot: &Shot<'_>, name: &str, needs: &mut Collector) -> Option<Vec<(FrameRun, Digest)>> {
    let Look { quality, format, encoder, overlays, .. } = shot.look;
    let mut copies = Some(Vec::new());
    let Some(codec) = codecs::copied_beside(&encoder.name).filter(|_| quality.copies() && overlays.is_empty()) else {
        return copies;
    };
    for (index, (first, source)) in segments::pieces(shot.clip, format).into_iter().enumerate() {
        let frames = source.frames;
        let demanded = *quality == Quality::Copy;
        if !demanded && !segments::shown_as_it_is(&source, format) {
            continue;
        }
        let spec = CopySpec { source, format: *format, codec: codec.to_owned(), demanded };
        let result = needs.act(db, format!("{name}/copy/{index}"), ActionSpec::Copy(spec));
        let made = result.and_then(|result| Some((needs.value::<Copied>(&result)?, result.artifacts.first()?.digest)));
        match (made, &mut copies) {
            (Some((copied, segment)), Some(copies)) => {
                if quality.pays(copied.count, frames, format.rate) {
                    copies.push((FrameRun { first: first + copied.first, count: copied.count }, segment));
                }
            }
            _ => copies = None,
        }
    }
    copies
}

fn segment(
    db: &dyn Db,
    shot: &Shot<'_>,
    name: &str,
    index: usize,
    run: FrameRun,
    needs: &mut Collector,
) -> Option<Arc<ActionResult>> {
    // A camera's own small file is one already.
    let is_small = shot.clip.pieces.iter().all(|piece| piece.small.is_some());
    let sources = match shot.look.draft && !shot.look.overlays.is_empty() && !is_small {
        true => proxy(db, shot, &format!("{name}/proxy/{index}"), run, needs),
        false => Some(segments::sources(shot.clip, &shot.look.format, run)),
    };
    let mut layers = Some(Vec::new());
    let mut packs = Vec::new();
    for overlay in &shot.look.overlays {
        let drawn = drawn(db, shot, &format!("{name}/{}/{index}", overlay.name), overlay, run, needs);
        match (drawn, &mut layers) {
            (Some((pack, drawn)), Some(layers)) => {
                packs.push(pack);
                layers.extend(drawn.layers);
            }
            _ => layers = None,
        }
    }
    let spec = SegmentSpec {
        sources: sources?,
        format: shot.look.format,
        encoder: shot.look.encoder.clone(),
        overlays: non_empty(layers?),
    };
    let node = format!("{name}/segment/{index}");
    needs.act_with(db, node, ActionSpec::Segment(spec), packs, None)
}

/// A run of a clip as a small file without overlays, in place of the footage: an
/// edit of what is drawn decodes nothing else.
fn proxy(db: &dyn Db, shot: &Shot<'_>, node: &str, run: FrameRun, needs: &mut Collector) -> Option<Vec<SourceRun>> {
    let format = shot.look.format;
    let sources = segments::sources(shot.clip, &format, run);
    let pictures = SegmentSpec { sources, format, encoder: codecs::of_proxies(&format), overlays: Vec::new() };
    let result = needs.act(db, node.to_owned(), ActionSpec::Proxy(ProxySpec { pictures }))?;
    let file = result.artifacts.first()?.digest;
    Some(vec![segments::whole_file(file, run.count, &format)])
}

/// What one segment of a shot holds and takes, encoded.
#[salsa::tracked]
pub fn sampled<'db>(db: &'db dyn Db, key: ShotKey<'db>, index: usize) -> Planned<SegmentInfo> {
    let shot = Shot { look: key.look(db).look(db), clip: key.clip(db) };
    let mut needs = Collector::default();
    let name = format!("{}/{}", shot.look.output, shot.clip.moment.node());
    let run = segments::split(shot.clip.frames, shot.look.format.rate).get(index).copied();
    let result = run.and_then(|run| segment(db, &shot, &name, index, run, &mut needs));
    let info = result.and_then(|result| needs.value(&result));
    needs.finish(info)
}

/// Layers that show nothing are not part of what a segment shows.
fn non_empty(layers: Vec<Vec<SpriteRun>>) -> Vec<Vec<SpriteRun>> {
    layers.into_iter().filter(|layer| !layer.is_empty()).collect()
}

/// The pack and the runs of one overlay over one segment.
fn drawn(
    db: &dyn Db,
    shot: &Shot<'_>,
    name: &str,
    overlay: &Overlay,
    run: FrameRun,
    needs: &mut Collector,
) -> Option<(Digest, Drawn)> {
    let rate = shot.look.format.rate;
    let after = |frames: u32, drift: i32| {
        let span = rate.time_of(i64::from(frames)).to_nanos();
        span.saturating_add(drifted(span, drift))
    };
    let (on_log, on_utc) = (shot.clip.telemetry_drift, shot.clip.drift);
    let moves = !overlay.is_still;
    let start = shot.clip.telemetry_start.filter(|_| moves);
    let show = ShowSpec {
        overlay: overlay.spec.clone(),
        telemetry: shot.look.log.filter(|_| moves),
        // A segment is short enough to hold the clock's rate: 500 parts per
        // million are 4 ms over 8 s.
        start: start.map(|start| start.saturating_add(after(run.first, on_log))),
        utc: shot.clip.utc.filter(|_| moves).map(|utc| utc.saturating_add(after(run.first, on_utc))),
        frames: run.count,
        rate,
        frame: shot.look.format.size,
        clip: start.map(|start| (start, start.saturating_add(after(shot.clip.frames, on_log)))),
    };
    let shown = needs.act(db, format!("{name}/show"), ActionSpec::Show(show))?;
    let draw = DrawSpec {
        overlay: overlay.spec.clone(),
        shown: shown.artifacts.first()?.digest,
        format: SpriteFormat::over(&shot.look.format),
    };
    let result = needs.act(db, format!("{name}/draw"), ActionSpec::Draw(draw))?;
    let drawn = needs.value(&result)?;
    Some((result.artifacts.first()?.digest, drawn))
}
