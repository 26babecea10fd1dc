//! The kind `detect`: an object detector over the sampled frames of a chunk.
//!
//! The frame is laid into the model's input as the YOLO family is trained:
//! scaled to fit, centred, on grey, red, green and blue from 0 to 1. What the
//! model's output means is `autocut::analysis::detections`' business.

mod model;
#[cfg(test)]
mod onnx;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::rc::Rc;

use autocut::analysis::Reach;
use autocut::analysis::detections::{self, Head, Letterbox, Limits};
use autocut::base::{Diagnostic, Digest, Size};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::signal::{DetectedBox, DetectedFrame};
use autocut::model::specs::DetectSpec;

use crate::av::scaler::Filter;
use crate::av::{self, Frame, PixelFormat, Skip};
use crate::films::Films;
use crate::invocation::{Progress, input};
use crate::samples::{self, Reducer};
use model::Model;

/// The level around the picture that the YOLO family is trained with.
const BORDER: u8 = 114;

/// Models by content: the last one stays loaded.
#[derive(Default)]
pub(crate) struct Models {
    loaded: Option<(Digest, Rc<Model>)>,
}

impl Models {
    fn model(&mut self, content: Digest, path: &Path) -> Result<Rc<Model>, Diagnostic> {
        if let Some((digest, model)) = &self.loaded
            && *digest == content
        {
            return Ok(Rc::clone(model));
        }
        // The old one goes first: two would need twice the memory.
        self.loaded = None;
        let model = Rc::new(Model::load(path)?);
        self.loaded = Some((content, Rc::clone(&model)));
        Ok(model)
    }
}

/// Writes the signals to `signals` and the boxes to `boxes` in the scratch
/// folder.
pub(crate) fn detect(
    spec: &DetectSpec,
    invocation: &Invocation,
    films: &mut Films,
    models: &mut Models,
    progress: Progress,
) -> Result<Produced, Diagnostic> {
    let model = models.model(spec.model, input(invocation, spec.model)?)?;
    let mut detector = Detector::new(spec, &model)?;
    let path = input(invocation, spec.file)?;
    let film = films.film(spec.file, path, Skip::Nothing)?;
    let mut frames = Vec::new();
    samples::each(film, &spec.pass, Reach::default(), progress, |frame, time| {
        frames.push(DetectedFrame { time: time.to_micros(), boxes: detector.boxes(frame)? });
        Ok(())
    })?;
    let warnings = samples::losses(film, &spec.pass).told(spec.file, samples::INSTEAD);
    let signals = autocut::model::encode(&detections::signals(&spec.classes, &frames));
    let mut files = Vec::new();
    for (name, data) in [("signals", signals), ("boxes", autocut::model::encode(&frames))] {
        let path = invocation.scratch.join(name);
        std::fs::write(&path, data)
            .map_err(|error| Diagnostic::environment(format!("cannot write {}: {error}", path.display())))?;
        files.push(path);
    }
    Ok(Produced { files, warnings, ..Produced::default() })
}

/// A model at work on frames of one shape.
struct Detector<'a> {
    spec: &'a DetectSpec,
    model: &'a Model,
    reducer: Reducer,
    letterbox: Letterbox,
    /// Green, blue and red, the order of FFmpeg's planar format.
    levels: [Vec<u8>; 3],
    input: Vec<f32>,
}

impl Detector<'_> {
    fn new<'a>(spec: &'a DetectSpec, model: &'a Model) -> Result<Detector<'a>, Diagnostic> {
        let format = PixelFormat::named("gbrp").ok_or_else(|| Diagnostic::environment("FFmpeg has no planar RGB"))?;
        let Size { width, height } = model.input();
        let pixels = width as usize * height as usize;
        Ok(Detector {
            spec,
            model,
            reducer: Reducer::new(spec.pass.orientation, format, Filter::Bilinear),
            letterbox: Letterbox::new(spec.display, model.input()),
            levels: std::array::from_fn(|_| vec![BORDER; pixels]),
            input: vec![0.0; 3 * pixels],
        })
    }

    /// The objects in one frame.
    fn boxes(&mut self, frame: &Frame) -> Result<Vec<DetectedBox>, Diagnostic> {
        let width = self.model.input().width as usize;
        let corner = (self.letterbox.left as usize, self.letterbox.top as usize);
        let [green, blue, red] = &mut self.levels;
        self.reducer
            .reduce(frame, self.letterbox.scaled, [(green, width), (blue, width), (red, width)], corner)
            .map_err(|error| av::diagnose("cannot convert a frame for the detector", error))?;
        for (number, level) in self.input.iter_mut().zip(red.iter().chain(&*green).chain(&*blue)) {
            *number = f32::from(*level) / 255.0;
        }
        let outputs = self.model.run(&self.input)?;
        // Models that also segment have further outputs: the first that is
        // understood is taken.
        let mut wrong = None;
        for output in &outputs {
            match Head::of(&output.shape, self.spec.classes.len()) {
                Ok(head) if head.len() == output.numbers.len() => {
                    let limits = Limits { threshold: self.spec.threshold, overlap: self.spec.overlap };
                    return Ok(detections::decode(&output.numbers, &head, self.letterbox, self.spec.display, limits));
                }
                Ok(_) => {}
                Err(diagnostic) => wrong = wrong.or(Some(diagnostic)),
            }
        }
        Err(wrong.unwrap_or_else(|| Diagnostic::input("the detector model has no output")))
    }
}
