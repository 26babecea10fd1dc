//! What an action takes of the machine while it runs.

use crate::deliver::encoders::RUNGS;
use crate::exec::admission::Tokens;
use crate::exec::estimates::{Class, Estimates};
use crate::graph::Database;
use crate::model::specs::{ProbeSpec, SegmentSpec};
use crate::model::{ActionSpec, MediaInfo, Sampling};

use crate::base::{Bytes, Digest};

/// Sessions of a hardware encoder that are taken at once: two, which the most
/// limited devices have.
pub(super) const SESSIONS: u32 = 2;

/// What there is for everyone.
pub fn capacity(jobs: usize, memory: Option<Bytes>) -> Tokens {
    let memory = memory.map_or(u64::MAX, Bytes::as_mib);
    Tokens {
        threads: u32::try_from(jobs.max(1)).unwrap_or(u32::MAX),
        memory: u32::try_from(memory).unwrap_or(u32::MAX),
        sessions: SESSIONS,
    }
}

/// What encoders hold beside one another, in percent of what a segment is
/// declared to: x264's 100. Measured at 1080p, see docs/media.md.
const HEAVY: &[(&str, u32)] = &[("libx265", 180), ("libsvtav1", 200), ("libvpx-vp9", 150)];

/// The same for pictures of 10 bits, whatever the encoder.
const DEEP: u32 = 150;

/// What a segment holds at least by its encoder, in MiB: measurements that others
/// left behind know nothing of it.
fn least(spec: &SegmentSpec, declared: u32) -> u32 {
    let heavy = HEAVY.iter().find(|(name, _)| *name == spec.encoder.name).map_or(100, |(_, percent)| *percent);
    let deep = if spec.format.sampling == Sampling::Yuv420p10 { DEEP } else { 100 };
    match (heavy, deep) {
        (100, 100) => 0,
        _ => u32::try_from(u64::from(declared) * u64::from(heavy) * u64::from(deep) / 10_000).unwrap_or(u32::MAX),
    }
}

/// What one action takes.
pub fn tokens(spec: &ActionSpec, class: Class, estimates: &Estimates) -> Tokens {
    let encoder = match spec {
        ActionSpec::Segment(spec) => Some(&spec.encoder),
        ActionSpec::Proxy(spec) => Some(&spec.pictures.encoder),
        _ => None,
    };
    let least = match spec {
        ActionSpec::Segment(segment) => least(segment, Estimates::default().expect(spec.kind(), class)),
        _ => 0,
    };
    let hardware = |name: &str| RUNGS.iter().any(|rung| rung.name == name && rung.session);
    Tokens {
        threads: encoder.map_or(1, |encoder| encoder.threads.max(1)),
        memory: estimates.expect(spec.kind(), class).max(least),
        sessions: u32::from(encoder.is_some_and(|encoder| hardware(&encoder.name))),
    }
}

/// The size of the largest picture that an action handles.
pub fn class(db: &Database, spec: &ActionSpec) -> Class {
    let pixels = match spec {
        ActionSpec::Segment(spec) => of_segment(spec),
        ActionSpec::Proxy(spec) => of_segment(&spec.pictures),
        ActionSpec::Still(spec) => spec.picture.stored.area(),
        ActionSpec::Copy(spec) => spec.source.picture.stored.area(),
        ActionSpec::Analyse(spec) => stored(db, spec.file),
        ActionSpec::Detect(spec) => stored(db, spec.file).max(spec.display.area()),
        _ => 0,
    };
    Class::of_pixels(pixels)
}

fn of_segment(spec: &SegmentSpec) -> u64 {
    let sources = spec.sources.iter().map(|run| run.picture.stored.area());
    sources.chain([spec.format.size.area()]).max().unwrap_or(0)
}

/// What a probe found in a file, and whether all of that was well.
pub(super) fn probed(db: &Database, file: Digest) -> Option<(MediaInfo, bool)> {
    let probe = ActionSpec::Probe(ProbeSpec { file }).key(crate::graph::db::Db::toolchain(db));
    let result = db.result(probe)?;
    Some((result.value()?, result.warnings.is_empty()))
}

/// The pixels of a picture in a file that was probed.
fn stored(db: &Database, file: Digest) -> u64 {
    probed(db, file).and_then(|(info, _)| info.video).map_or(0, |video| video.stored.area())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FrameRate, Size};
    use crate::model::specs::VideoEncoder;
    use crate::model::{Colour, Matrix, VideoFormat};

    /// Encoders that hold more than x264 ask for more, whatever was learned from
    /// others.
    #[test]
    fn heavy_encoders_ask_for_what_they_hold() {
        let memory = |name: &str, sampling, estimates: &Estimates| {
            let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
            let (size, rate) = (Size::new(1920, 1080), FrameRate::per_second(30));
            let format = VideoFormat { size, rate, colour, sampling };
            let encoder = VideoEncoder { name: name.to_owned(), options: Vec::new(), threads: 1 };
            let spec = SegmentSpec { sources: Vec::new(), format, encoder, overlays: Vec::new() };
            tokens(&ActionSpec::Segment(spec), Class::of_pixels(size.area()), estimates).memory
        };
        let mut learned = Estimates::default();
        let segment = crate::model::Kind::named("segment").unwrap();
        learned.learn(segment, Class::of_pixels(1920 * 1080), Bytes(200 << 20));
        for (estimates, usual) in [(&Estimates::default(), 240), (&learned, 230)] {
            assert_eq!(memory("libx264", Sampling::Yuv420p8, estimates), usual);
            assert_eq!(memory("libx265", Sampling::Yuv420p8, estimates), 432);
            assert_eq!(memory("libx265", Sampling::Yuv420p10, estimates), 648);
            assert_eq!(memory("prores_ks", Sampling::Yuv422p10, estimates), usual);
        }
    }
}
