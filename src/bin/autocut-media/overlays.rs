//! Sprites over the frames of a segment.
//!
//! Packs are mapped; a sprite is unpacked when its run begins and let go when
//! it ends, so memory holds what is on screen and no more. Over HDR, sprites take
//! on its colours as they are unpacked: their white is the reference white.

use std::collections::BTreeMap;
use std::path::PathBuf;

use autocut::base::{Diagnostic, Digest, Point};
use autocut::model::footage::Transfer;
use autocut::model::overlay::SpriteRun;
use autocut::model::{Colour, VideoFormat};
use autocut::overlay::blend::{self, Planes};
use autocut::overlay::deep::{self, DeepSprite};
use autocut::overlay::pack::Pack;
use autocut::overlay::sprite::Sprite;
use memmap2::Mmap;

use crate::av::{self, Frame};
use crate::colour::{Change, TABLE_BITS};
use crate::planes::{Source, Target};

/// The overlays of one segment, asked frame by frame in rising order.
pub(crate) struct Overlays<'a> {
    packs: &'a Packs,
    format: VideoFormat,
    /// From the colours in which sprites are stored, over HDR.
    change: Option<Change>,
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
    shown: Option<(Digest, Drawn)>,
}

/// A sprite that is ready to be blended.
enum Drawn {
    Sdr(Sprite),
    Hdr(DeepSprite),
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
    /// Over frames of that format.
    pub(crate) fn new(layers: &'a [Vec<SpriteRun>], packs: &'a Packs, format: &VideoFormat) -> Self {
        let colour = &format.colour;
        let is_hdr = colour.transfer() != Transfer::Sdr && !layers.is_empty();
        let change = is_hdr.then(|| Change::new(&Colour::BT709, colour, TABLE_BITS, TABLE_BITS));
        let layers = layers.iter().map(|runs| Layer { runs, shown: None }).collect();
        Overlays { packs, format: *format, change, layers }
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
    pub(crate) fn paint(&mut self, index: u32, frame: &mut Frame) -> Result<(), Diagnostic> {
        let (size, sampling) = (frame.size(), self.format.sampling);
        for layer in &mut self.layers {
            let Some(run) = layer.run(index) else { continue };
            let sprite = match layer.shown.take() {
                Some((digest, sprite)) if digest == run.sprite => sprite,
                _ => drawn(self.packs.sprite(run.sprite)?, self.change.as_ref())?,
            };
            let [y, u, v] = frame.planes_mut().ok_or_else(|| Diagnostic::bug("a frame that cannot be painted on"))?;
            let mut planes = Planes {
                size,
                sampling,
                y: blend::Plane { data: y.data, stride: y.stride },
                u: blend::Plane { data: u.data, stride: u.stride },
                v: blend::Plane { data: v.data, stride: v.stride },
            };
            let at = Point::new(run.x, run.y);
            match &sprite {
                Drawn::Sdr(sprite) => blend::blend(&mut planes, sprite, at),
                Drawn::Hdr(sprite) => blend::blend_hdr(&mut planes, sprite, at),
            }
            layer.shown = Some((run.sprite, sprite));
        }
        Ok(())
    }
}

/// The sprite, in the colours of the frames.
fn drawn(sprite: Sprite, change: Option<&Change>) -> Result<Drawn, Diagnostic> {
    let Some(change) = change else { return Ok(Drawn::Sdr(sprite)) };
    let plain = deep::plain(&sprite);
    let (width, height) = (sprite.size().width as usize, sprite.size().height as usize);
    let widths = [width, width / 2, width / 2];
    let heights = [height, height / 2, height / 2];
    let source = |plane: usize| {
        let data = bytemuck::cast_slice(&plain[plane]);
        Source { data, stride: 2 * widths[plane], width: 2 * widths[plane], height: heights[plane] }
    };
    let mut levels = [0, 1, 2].map(|plane: usize| vec![0u16; plain[plane].len()]);
    let mut planes = levels.iter_mut().zip(widths).map(|(levels, width)| {
        let data: &mut [u8] = bytemuck::cast_slice_mut(levels);
        Target { data, stride: 2 * width }
    });
    if let (Some(y), Some(u), Some(v)) = (planes.next(), planes.next(), planes.next()) {
        change.run([source(0), source(1), source(2)], 2, [y, u, v], false);
    }
    let converted = DeepSprite::new(sprite, levels);
    converted.map(Drawn::Hdr).ok_or_else(|| Diagnostic::bug("a sprite that cannot be converted"))
}

impl Layer<'_> {
    fn run(&self, index: u32) -> Option<SpriteRun> {
        self.runs.first().copied().filter(|run| run.first <= index)
    }
}
