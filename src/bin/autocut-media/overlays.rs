//! Sprites over the frames of a segment.
//!
//! Packs are mapped; a sprite is unpacked when its run begins and let go when
//! it ends, so memory holds what is on screen and no more.

use std::collections::BTreeMap;
use std::path::PathBuf;

use autocut::base::{Diagnostic, Digest, Point};
use autocut::model::Sampling;
use autocut::model::overlay::SpriteRun;
use autocut::overlay::blend::{self, Planes};
use autocut::overlay::pack::Pack;
use autocut::overlay::sprite::Sprite;
use memmap2::Mmap;

use crate::av::{self, Frame};

/// The overlays of one segment, asked frame by frame in rising order.
pub(crate) struct Overlays<'a> {
    packs: &'a Packs,
    layers: Vec<Layer<'a>>,
}

/// The mapped packs.
pub(crate) struct Packs {
    maps: Vec<Mmap>,
    /// Which pack a sprite is in.
    places: BTreeMap<Digest, usize>,
}

struct Layer<'a> {
    runs: &'a [SpriteRun],
    /// The sprite of the first run, once it has begun.
    shown: Option<(Digest, Sprite)>,
}

impl Packs {
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Packs, Diagnostic> {
        let mut packs = Packs { maps: Vec::with_capacity(paths.len()), places: BTreeMap::new() };
        for (index, path) in paths.iter().enumerate() {
            let map = av::mapped::map(path)?;
            let digests: Vec<Digest> = Pack::open(&map)?.digests().collect();
            packs.places.extend(digests.into_iter().map(|digest| (digest, index)));
            packs.maps.push(map);
        }
        Ok(packs)
    }

    fn sprite(&self, digest: Digest) -> Result<Sprite, Diagnostic> {
        let missing = || Diagnostic::bug(format!("the sprite {} is in no pack that was given", digest.short()));
        let map = self.places.get(&digest).and_then(|index| self.maps.get(*index)).ok_or_else(missing)?;
        Pack::open(map)?.sprite(digest)?.ok_or_else(missing)
    }
}

impl<'a> Overlays<'a> {
    pub(crate) fn new(layers: &'a [Vec<SpriteRun>], packs: &'a Packs) -> Self {
        Overlays { packs, layers: layers.iter().map(|runs| Layer { runs, shown: None }).collect() }
    }

    /// Whether anything is shown over frame `index`. Runs that are over are
    /// forgotten, so frames must be asked for in rising order.
    pub(crate) fn covers(&mut self, index: u32) -> bool {
        for layer in &mut self.layers {
            while layer.runs.first().is_some_and(|run| run.first.saturating_add(run.count) <= index) {
                layer.runs = &layer.runs[1..];
            }
        }
        self.layers.iter().any(|layer| layer.run(index).is_some())
    }

    /// Paints what is shown over frame `index`, in the order of the layers.
    pub(crate) fn paint(&mut self, index: u32, frame: &mut Frame, sampling: Sampling) -> Result<(), Diagnostic> {
        let size = frame.size();
        for layer in &mut self.layers {
            let Some(run) = layer.run(index) else { continue };
            let sprite = match layer.shown.take() {
                Some((digest, sprite)) if digest == run.sprite => sprite,
                _ => self.packs.sprite(run.sprite)?,
            };
            let [y, u, v] = frame.planes_mut().ok_or_else(|| Diagnostic::bug("a frame that cannot be painted on"))?;
            let mut planes = Planes {
                size,
                sampling,
                y: blend::Plane { data: y.data, stride: y.stride },
                u: blend::Plane { data: u.data, stride: u.stride },
                v: blend::Plane { data: v.data, stride: v.stride },
            };
            blend::blend(&mut planes, &sprite, Point::new(run.x, run.y));
            layer.shown = Some((run.sprite, sprite));
        }
        Ok(())
    }
}

impl Layer<'_> {
    fn run(&self, index: u32) -> Option<SpriteRun> {
        self.runs.first().copied().filter(|run| run.first <= index)
    }
}
