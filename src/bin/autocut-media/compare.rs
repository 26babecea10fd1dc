//! The kind `compare`: how like the pictures of an encoded file are to those
//! that its encoder was given, which are made of the footage once more.

use autocut::base::Diagnostic;
use autocut::model;
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{CompareSpec, Compared, PlaneCompared};

use crate::av::{Frame, Skip};
use crate::decode::Film;
use crate::films::Films;
use crate::invocation::{Progress, input};
use crate::likeness::{self, Samples};
use crate::overlays::{Overlays, Packs};
use crate::picture::pixel_format;
use crate::render::{Easel, selection_limit};

/// SSIM is told in parts of this.
const PARTS: f64 = 1e9;

/// Compares frame by frame. Memory: a few frames.
pub(crate) fn compare(
    spec: &CompareSpec,
    invocation: &Invocation,
    films: &mut Films,
    progress: Progress,
) -> Result<Produced, Diagnostic> {
    let total: u32 = spec.sources.iter().map(|run| run.frames).sum();
    let packs = Packs::open(&[])?;
    let mut easel = Easel::new(&spec.format, Overlays::new(&[], &packs, &spec.format))?;
    let mut encoded = Film::open(input(invocation, spec.encoded)?, Skip::Nothing)?;
    let mut planes: Vec<Plane> = Vec::new();
    let mut index = 0;
    for run in &spec.sources {
        let film = films.film(run.file, input(invocation, run.file)?, Skip::Nothing)?;
        easel.turn_page();
        for n in 0..run.frames {
            let shown = film.frame_at(selection_limit(run, &spec.format, n))?;
            let given = easel.paint(index, shown.frame, shown.time, run)?;
            // Half a frame late: containers round times.
            let rate = spec.format.rate;
            let made = encoded.frame_at(rate.time_of(i64::from(index)) + rate.time_of(1).scaled(1, 2))?;
            add(&mut planes, given, made.frame)?;
            index += 1;
            progress(u64::from(index), u64::from(total))?;
        }
    }
    if encoded.is_damaged() {
        return Err(Diagnostic::environment("what the encoder made cannot be decoded without errors"));
    }
    let told = |plane: &Plane| PlaneCompared {
        ssim: libm::round(plane.ssim / f64::from(total.max(1)) * PARTS) as i64,
        squared: plane.squared,
        samples: plane.samples,
    };
    let compared = Compared {
        frames: total,
        bits: pixel_format(spec.format.sampling).bit_depth(),
        planes: planes.iter().map(told).collect(),
    };
    Ok(Produced { value: model::encode(&compared), ..Produced::default() })
}

/// Sums over the frames of one plane.
#[derive(Default)]
struct Plane {
    ssim: f64,
    squared: u64,
    samples: u64,
}

/// Adds what a frame comes to.
fn add(planes: &mut Vec<Plane>, given: &Frame, made: &Frame) -> Result<(), Diagnostic> {
    let (one, other) = (given.pixel_format().plain(), made.pixel_format().plain());
    if one != other || given.size() != made.size() {
        let look = |frame: &Frame| format!("{} of {}", frame.pixel_format().name(), frame.size());
        let message = format!("{} was encoded and {} came out", look(given), look(made));
        return Err(Diagnostic::bug(message));
    }
    let count = one.planes().unwrap_or(0);
    planes.resize_with(count, Plane::default);
    for (index, plane) in planes.iter_mut().enumerate() {
        let (Some(given), Some(made)) = (samples(given, index), samples(made, index)) else { continue };
        let found = likeness::compare(given, made);
        // Of a plane that is too small for a window only the error is known.
        plane.ssim += found.ssim.unwrap_or(1.0);
        plane.squared += found.squared;
        plane.samples += (given.width * given.height) as u64;
    }
    Ok(())
}

fn samples(frame: &Frame, index: usize) -> Option<Samples<'_>> {
    let (plane, bits) = (frame.plane(index)?, frame.pixel_format().bit_depth());
    let bytes = if bits > 8 { 2 } else { 1 };
    Some(Samples { data: plane.data, stride: plane.stride, width: plane.width / bytes, height: plane.height, bits })
}
