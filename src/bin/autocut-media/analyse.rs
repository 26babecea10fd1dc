//! The kind `analyse`: pictures of a chunk for `autocut::analysis`. Several
//! analyses of one pass share one decode.

mod by_key_frames;

use autocut::analysis::{self, Analyse, Looks, Picture, Reach};
use autocut::base::{Diagnostic, Orientation, Size};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::signal::NamedSignal;
use autocut::model::specs::{AnalyseSpec, AnalysisPass};
use autocut::model::{self};

use by_key_frames::Wanted;

use crate::av::scaler::Filter;
use crate::av::{self, Frame, PixelFormat, Skip};
use crate::films::Films;
use crate::invocation::{Progress, input};
use crate::samples::{self, Reducer};

/// Deblocking is left out where nothing builds on it: the pictures are made
/// much smaller than a block afterwards.
const SKIP: Skip = Skip::LoopFilterOfUnreferenced;

/// Does several analyses of one file and one pass, and writes the signals of
/// each to `signals` in its scratch folder. The results are in the same order.
pub(crate) fn analyse(
    batch: &[(&AnalyseSpec, &Invocation)],
    films: &mut Films,
    progress: Progress,
) -> Vec<Result<Produced, Diagnostic>> {
    let Some((spec, invocation)) = batch.first() else { return Vec::new() };
    let alike = batch.iter().all(|(other, _)| other.file == spec.file && other.pass == spec.pass);
    let mut runs: Vec<Result<Run, Diagnostic>> = batch.iter().map(|(spec, _)| Run::new(spec)).collect();
    if let [Ok(Run { looks: Looks::BetweenKeyFrames(differ), new, .. })] = runs.as_slice() {
        let wanted = Wanted { new: *new, differ: *differ };
        let looked = input(invocation, spec.file)
            .and_then(|path| by_key_frames::look(spec, path, films, &wanted, progress))
            .and_then(|found| found.map(|(signals, warnings)| produced(invocation, &signals, warnings)).transpose());
        match looked {
            Ok(Some(produced)) => return vec![Ok(produced)],
            // All is looked at.
            Ok(None) => {}
            Err(problem) => return vec![Err(problem)],
        }
    }
    let looked = if alike {
        look(&spec.pass, spec, invocation, films, &mut runs, progress)
    } else {
        Err(Diagnostic::bug("analyses of different passes were given as one"))
    };
    let finish = |(run, (spec, invocation)): (Result<Run, Diagnostic>, &(&AnalyseSpec, &Invocation))| {
        let warnings = looked.clone()?;
        let signals = run?.analysis.finish();
        let signals = analysis::within(signals, spec.pass.from.to_micros(), spec.pass.until.to_micros());
        produced(invocation, &signals, warnings)
    };
    runs.into_iter().zip(batch).map(finish).collect()
}

/// Writes signals to the scratch folder.
fn produced(
    invocation: &Invocation,
    signals: &Vec<NamedSignal>,
    warnings: Vec<Diagnostic>,
) -> Result<Produced, Diagnostic> {
    let path = invocation.scratch.join("signals");
    std::fs::write(&path, model::encode(signals))
        .map_err(|error| Diagnostic::environment(format!("cannot write {}: {error}", path.display())))?;
    Ok(Produced { files: vec![path], warnings, ..Produced::default() })
}

struct Run {
    analysis: Box<dyn Analyse>,
    new: fn() -> Box<dyn Analyse>,
    reach: Reach,
    looks: Looks,
}

impl Run {
    fn new(spec: &AnalyseSpec) -> Result<Run, Diagnostic> {
        let found = analysis::find(&spec.analysis).filter(|found| found.version == spec.analysis_version);
        let found = found.ok_or_else(|| {
            let (name, version) = (&spec.analysis, spec.analysis_version);
            Diagnostic::bug(format!("autocut-media has no analysis `{name}` of version {version}"))
                .hint("autocut and autocut-media are of different builds: install both again")
        })?;
        Ok(Run { analysis: (found.new)(), new: found.new, reach: found.reach, looks: found.looks })
    }
}

/// Shows the pictures of the pass to every analysis.
fn look(
    pass: &AnalysisPass,
    spec: &AnalyseSpec,
    invocation: &Invocation,
    films: &mut Films,
    runs: &mut [Result<Run, Diagnostic>],
    progress: Progress,
) -> Result<Vec<Diagnostic>, Diagnostic> {
    let path = input(invocation, spec.file)?;
    let film = films.film(spec.file, path, SKIP)?;
    let reach = runs.iter().flatten().fold(Reach::default(), |reach, run| reach.union(run.reach));
    let mut small = Small::new(pass);
    samples::each(film, pass, reach, progress, |frame, time| {
        small
            .take(frame)
            .map_err(|error| av::diagnose(format!("cannot convert a frame of {}", path.display()), error))?;
        if let Some(picture) = small.picture(time.to_micros()) {
            runs.iter_mut().flatten().for_each(|run| run.analysis.look(&picture));
        }
        Ok(())
    })?;
    Ok(samples::losses(film, pass).told(spec.file, samples::INSTEAD))
}

/// The downscaled, upright picture.
struct Small {
    reducer: Reducer,
    orientation: Orientation,
    width: u32,
    size: Size,
    planes: [Vec<u8>; 3],
}

impl Small {
    fn new(pass: &AnalysisPass) -> Small {
        let reducer = Reducer::new(pass.orientation, PixelFormat::YUV420P, Filter::Area);
        Small {
            reducer,
            orientation: pass.orientation,
            // Even, since chroma has half of it; no smaller than analyses can use.
            width: pass.width.clamp(16, 4_096) & !1,
            size: Size::new(0, 0),
            planes: [Vec::new(), Vec::new(), Vec::new()],
        }
    }

    fn take(&mut self, frame: &Frame) -> Result<(), av::Error> {
        self.size = self.size_of(frame);
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let [y, u, v] = &mut self.planes;
        y.resize(width * height, 0);
        u.resize(width / 2 * (height / 2), 0);
        v.resize(width / 2 * (height / 2), 0);
        self.reducer.reduce(frame, self.size, [(y, width), (u, width / 2), (v, width / 2)], (0, 0))
    }

    /// The wanted width, and the height that belongs to it.
    fn size_of(&self, frame: &Frame) -> Size {
        let upright = self.orientation.upright(frame.size());
        let (width, height) = (u64::from(upright.width.max(1)), u64::from(upright.height));
        let half = (u64::from(self.width) * height + width) / (2 * width);
        Size::new(self.width, u32::try_from(half.clamp(1, 2_048) * 2).unwrap_or(2))
    }

    fn picture(&self, time_us: i64) -> Option<Picture<'_>> {
        let [y, u, v] = &self.planes;
        Picture::new(self.size.width as usize, self.size.height as usize, [y, u, v], time_us)
    }
}

#[cfg(test)]
mod tests;
