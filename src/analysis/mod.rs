//! Analyses: pictures in, signals out. Pure Rust over planes that somebody
//! else decoded; nothing here opens a file, knows a codec or keeps more than a
//! few pictures.
//!
//! An analysis is one file here and one line in [`ANALYSES`].

pub mod detections;
mod exposure;
mod motion;
mod scenes;
mod sharpness;

use crate::model::signal::NamedSignal;

/// A downscaled, upright picture: full-range 8-bit 4:2:0 planes without
/// padding between the lines.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    width: usize,
    height: usize,
    y: &'a [u8],
    u: &'a [u8],
    v: &'a [u8],
    time_us: i64,
}

impl<'a> Picture<'a> {
    /// A picture of `width` x `height` pixels at `time_us` microseconds of media
    /// time. `u` and `v` have half the size, rounded up. `None` where a plane has
    /// another length or the picture no pixels.
    pub fn new(width: usize, height: usize, planes: [&'a [u8]; 3], time_us: i64) -> Option<Self> {
        let [y, u, v] = planes;
        let chroma = width.div_ceil(2).checked_mul(height.div_ceil(2))?;
        let fits = width > 0 && y.len() == width.checked_mul(height)? && u.len() == chroma && v.len() == chroma;
        (fits && height > 0).then_some(Picture { width, height, y, u, v, time_us })
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    /// Luma, `width * height` samples: 0 is black, 255 white.
    pub fn y(&self) -> &'a [u8] {
        self.y
    }

    /// Both chroma planes, each of half the size rounded up; 128 is grey.
    pub fn chroma(&self) -> [&'a [u8]; 2] {
        [self.u, self.v]
    }

    /// Microseconds of media time.
    pub fn time_us(&self) -> i64 {
        self.time_us
    }
}

/// One row of the table of analyses.
#[derive(Clone, Copy, Debug)]
pub struct Analysis {
    /// As manifests name it.
    pub name: &'static str,
    /// Raised whenever the same pictures would give other values.
    pub version: u32,
    /// One sentence for the reference page.
    pub summary: &'static str,
    /// The signals that it makes, in this order.
    pub signals: &'static [&'static str],
    /// How many samples before and after a picture its values depend on. The
    /// feeder shows that many around a chunk, so that a value does not depend on
    /// where chunks were cut.
    pub reach: Reach,
    pub looks: Looks,
    /// What is done in its place where no other analysis is wanted: the same
    /// signals, for less.
    pub alone: Option<&'static Analysis>,
    pub new: fn() -> Box<dyn Analyse>,
}

/// Which pictures an analysis is shown.
#[derive(Clone, Copy, Debug)]
pub enum Looks {
    /// All samples.
    Everywhere,
    /// Samples between key frames that this tells apart, from the one to the other;
    /// everywhere else its signals are 0.
    BetweenKeyFrames(fn(&Picture<'_>, &Picture<'_>) -> bool),
}

/// Neighbouring samples that a value depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub before: u32,
    pub after: u32,
}

impl Reach {
    /// What serves both.
    pub fn union(self, other: Reach) -> Reach {
        Reach { before: self.before.max(other.before), after: self.after.max(other.after) }
    }
}

/// An analysis at work on one run of pictures.
pub trait Analyse: Send {
    /// Looks at the next picture, in order of time.
    fn look(&mut self, picture: &Picture<'_>);

    /// The signals: a value for every picture that was looked at.
    fn finish(self: Box<Self>) -> Vec<NamedSignal>;
}

/// Every analysis, in the order of the reference page.
pub const ANALYSES: &[Analysis] = &[motion::ANALYSIS, sharpness::ANALYSIS, exposure::ANALYSIS, scenes::ANALYSIS];

/// The analysis called `name`, one that stands for another included.
pub fn find(name: &str) -> Option<&'static Analysis> {
    ANALYSES.iter().flat_map(|analysis| [analysis].into_iter().chain(analysis.alone)).find(|found| found.name == name)
}

/// Keeps the samples with `from <= time < until` (microseconds): what was
/// looked at only for its neighbours is dropped.
pub fn within(mut signals: Vec<NamedSignal>, from: i64, until: i64) -> Vec<NamedSignal> {
    for NamedSignal { signal, .. } in &mut signals {
        let first = signal.times.partition_point(|time| *time < from);
        let last = signal.times.partition_point(|time| *time < until).max(first);
        signal.times = signal.times[first..last].to_vec();
        signal.values = signal.values[first..last].to_vec();
    }
    signals
}

#[cfg(test)]
mod tests;
