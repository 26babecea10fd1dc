//! One setting at a time: encoded, put into a container, decoded, compared.
//!
//! Each encode has a process of its own that no other has used, so that memory
//! is the setting's. It shows a still of the first frame before the clock runs:
//! the process has started then, the file is open and the decoder stands at the
//! stretch, as it does in the middle of a build. Quick encodes run several
//! times, and the one that was disturbed least counts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::{Diagnostic, Size};
use crate::exec::alone::{Done, Ended, Workbench, named, value};
use crate::exec::bench::results::Measured;
use crate::exec::bench::settings::Setting;
use crate::exec::bench::subject::{File, Subject};
use crate::model::specs::{
    CompareSpec, Compared, JoinSpec, PlaneCompared, ProbeSpec, SegmentInfo, SegmentSpec, StillSpec,
};
use crate::model::{ActionSpec, MediaInfo, Usage};

/// The container that holds every codec.
const CONTAINER: &str = "matroska";

/// How often a setting is encoded: at least once, and again while all of it took
/// less than this.
const RUNS: usize = 3;
const ENOUGH: Duration = Duration::from_secs(2);

/// Of the still that makes a process ready; nobody looks at it.
const THUMBNAIL: Size = Size::new(64, 64);

/// What stands against a setting, or against all of them.
pub(super) enum Trouble {
    Setting(Diagnostic),
    Ended(Ended),
}

impl Workbench<'_> {
    pub(super) fn probe(&self, file: &File) -> Result<MediaInfo, Ended> {
        let spec = ActionSpec::Probe(ProbeSpec { file: named(&file.path) });
        let done = self.act(&mut self.worker(), spec, &[&file.path], &self.scratch.join("probe"))?;
        value(&done.produced.value).map_err(Ended::Failed)
    }

    /// Measures one setting; with what people should know of the footage.
    pub(super) fn measure(&self, subject: &Subject, setting: &Setting) -> Result<(Measured, Vec<Diagnostic>), Trouble> {
        // All that is made goes before the next is made.
        let folder = tempfile::tempdir_in(self.scratch).map_err(|error| {
            let problem = Diagnostic::environment(format!("cannot make a scratch folder: {error}"));
            Trouble::Ended(problem.into())
        })?;
        let mut best = self.encode(subject, setting, &folder.path().join("1"))?;
        let mut total = best.took;
        for run in 2..=RUNS {
            if total >= ENOUGH {
                break;
            }
            let next = self.encode(subject, setting, &folder.path().join(run.to_string()))?;
            total += next.took;
            if next.took < best.took {
                best = next;
            }
        }
        let info: SegmentInfo = value(&best.produced.value).map_err(Trouble::Setting)?;
        let segment = best.produced.files.first().cloned().unwrap_or_default();
        let compared = self.compare(subject, setting, segment, folder.path()).map_err(setting_or_end)?;
        Ok((measured(subject, setting, &best, &info, &compared), best.produced.warnings))
    }

    fn encode(&self, subject: &Subject, setting: &Setting, folder: &Path) -> Result<Done, Trouble> {
        let run = subject.run();
        let path = &subject.file.path;
        let mut worker = self.worker();
        let still = StillSpec { file: run.file, at: run.start, picture: run.picture, within: THUMBNAIL };
        // What cannot be shown no setting can encode.
        self.act(&mut worker, ActionSpec::Still(still), &[path], &folder.join("still")).map_err(Trouble::Ended)?;
        let spec = SegmentSpec {
            sources: vec![run],
            format: setting.format,
            encoder: setting.encoder.clone(),
            overlays: Vec::new(),
        };
        self.act(&mut worker, ActionSpec::Segment(spec), &[path], &folder.join("segment")).map_err(setting_or_end)
    }

    fn compare(
        &self,
        subject: &Subject,
        setting: &Setting,
        segment: PathBuf,
        folder: &Path,
    ) -> Result<Compared, Ended> {
        let mut worker = self.worker();
        let join = JoinSpec {
            format: setting.format,
            segments: vec![named(&segment)],
            sound: None,
            container: CONTAINER.to_owned(),
            chapters: Vec::new(),
            title: None,
            date: None,
            location: None,
        };
        let joined = self.act(&mut worker, ActionSpec::Join(join), &[&segment], &folder.join("join"))?;
        let encoded = joined.produced.files.first().cloned().unwrap_or_default();
        let spec = CompareSpec { encoded: named(&encoded), sources: vec![subject.run()], format: setting.format };
        let files = [&encoded, &subject.file.path];
        let done = self.act(&mut worker, ActionSpec::Compare(spec), &files, &folder.join("compare"))?;
        value(&done.produced.value).map_err(Ended::Failed)
    }
}

fn setting_or_end(ended: Ended) -> Trouble {
    match ended {
        Ended::Failed(why) => Trouble::Setting(why),
        Ended::Interrupted => Trouble::Ended(Ended::Interrupted),
    }
}

fn measured(subject: &Subject, setting: &Setting, best: &Done, info: &SegmentInfo, compared: &Compared) -> Measured {
    let seconds = subject.stretch.seconds;
    let speed = f64::from(info.frames) / best.took.as_secs_f64().max(1e-9);
    let luma = &compared.planes[..compared.planes.len().min(1)];
    Measured {
        codec: format!("{:?}", setting.rung.codec),
        encoder: setting.rung.name.to_owned(),
        preset: setting.preset.name().to_owned(),
        quality: setting.quality,
        own: setting.own,
        frames_per_second: places(speed, 3),
        times_real_time: places(speed / setting.format.rate.as_f64(), 4),
        disturbed: !setting.rung.session && is_disturbed(best.took, best.usage),
        bytes: info.bytes,
        mbit_per_second: places(info.bytes as f64 * 8e-6 / seconds, 4),
        ssim: places(ssim(&compared.planes), 6),
        ssim_luma: places(ssim(luma), 6),
        psnr: psnr(&compared.planes, compared.bits).map(|psnr| places(psnr, 4)),
        psnr_luma: psnr(luma, compared.bits).map(|psnr| places(psnr, 4)),
        cpu_seconds: best.usage.cpu_us as f64 / 1e6,
        memory_bytes: best.usage.peak_kib << 10,
        read_bytes: best.usage.read,
        written_bytes: best.usage.written,
        front: false,
    }
}

/// Whether work that is all computing took much longer than it computed. A
/// little is always lost, to the first pages of files and libraries.
fn is_disturbed(took: Duration, usage: Usage) -> bool {
    let computed = Duration::from_micros(usage.cpu_us);
    took > computed + computed / 4 + Duration::from_millis(50)
}

/// Of all planes, each by its samples.
fn ssim(planes: &[PlaneCompared]) -> f64 {
    let samples: u64 = planes.iter().map(|plane| plane.samples).sum();
    let weighed = |plane: &PlaneCompared| plane.ssim as f64 / 1e9 * plane.samples as f64;
    planes.iter().map(weighed).sum::<f64>() / samples.max(1) as f64
}

/// In dB, from the error of all samples; `None` where there is none.
fn psnr(planes: &[PlaneCompared], bits: u8) -> Option<f64> {
    let (squared, samples) = planes.iter().fold((0, 0), |(a, b), plane| (a + plane.squared, b + plane.samples));
    let most = f64::from((1_u32 << bits) - 1);
    (squared > 0).then(|| 10.0 * libm::log10(most * most * samples as f64 / squared as f64))
}

/// Rounded to so many places.
fn places(value: f64, places: i32) -> f64 {
    let factor = f64::from(10_u32.pow(places.unsigned_abs()));
    libm::round(value * factor) / factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_noticed() {
        let usage = |millis: u64| Usage { cpu_us: millis * 1_000, ..Usage::default() };
        let took = Duration::from_millis(1_000);
        assert!(is_disturbed(took, usage(700)));
        assert!(!is_disturbed(took, usage(800)) && !is_disturbed(took, usage(1_900)));
    }

    #[test]
    fn planes_count_by_their_samples() {
        let plane = |ssim, squared, samples| PlaneCompared { ssim, squared, samples };
        let planes = [plane(900_000_000, 400, 400), plane(600_000_000, 100, 100), plane(600_000_000, 100, 100)];
        assert!((ssim(&planes) - 0.8).abs() < 1e-12);
        // A mean squared error of 1: 20 log10(255).
        assert!((psnr(&planes, 8).unwrap() - 48.1308).abs() < 1e-4);
        assert!((psnr(&planes, 10).unwrap() - 60.1975).abs() < 1e-4);
        assert_eq!(psnr(&[plane(1_000_000_000, 0, 4)], 8), None);
    }
}
