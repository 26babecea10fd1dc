//! Footage: files to probes, probes to recordings with a clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::analysis::{ANALYSES, Analysis};
use crate::base::{Diagnostic, Digest, Timestamp, UtcTime};
use crate::graph::chapters::{self, File};
use crate::graph::db::{Db, FileInput, FileState, Project};
use crate::graph::planned::{Collector, Planned};
use crate::graph::sightings;
use crate::manifest::manifest::{Detection, FootageSet};
use crate::model::footage::TrackKind;
use crate::model::specs::{AnalyseSpec, AnalysisPass, DetectSpec, ExtractSpec, ProbeSpec};
use crate::model::timeline::Fit;
use crate::model::{ActionSpec, MediaInfo, VideoInfo};

/// One press of the camera's button: a file, or the chapters that the camera
/// split it into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pub camera: String,
    /// `camera/stem of the first chapter`.
    pub name: String,
    pub chapters: Vec<Chapter>,
    /// When it starts, as far as is known.
    pub utc: Option<UtcTime>,
    /// By how much the true time goes faster than the film's, in 1 / 1,000 of a
    /// part per million; 0 where that is not known.
    pub drift: i32,
    /// Whether the manifest says what is seen in it, and when that was.
    pub seen: bool,
    pub duration: Timestamp,
    pub fit: Fit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    pub file: FileInput,
    pub digest: Digest,
    pub info: Arc<MediaInfo>,
    pub video: Arc<VideoInfo>,
    /// Where it starts in the recording.
    pub offset: Timestamp,
}

impl Recording {
    /// The chapter that shows `time` of the recording, and its number.
    pub fn chapter_at(&self, time: Timestamp) -> Option<(usize, &Chapter)> {
        self.chapters.iter().enumerate().rev().find(|(_, chapter)| chapter.offset <= time)
    }
}

#[salsa::tracked]
pub fn probe(db: &dyn Db, file: FileInput) -> Planned<Arc<MediaInfo>> {
    let mut needs = Collector::default();
    let info = needs.content(db, file).and_then(|digest| {
        let spec = ActionSpec::Probe(ProbeSpec { file: digest });
        let result = needs.act(db, format!("{}/probe", file.path(db)), spec)?;
        needs.value(&result).map(Arc::new)
    });
    needs.finish(info)
}

/// All recordings of all cameras, those of one camera in the order of their
/// names; with the clocks that the cameras claim and the manifest states (see
/// `clocks::aligned` for the true ones).
#[salsa::tracked]
pub fn recordings(db: &dyn Db, project: Project) -> Planned<Arc<Vec<Recording>>> {
    let mut needs = Collector::default();
    let mut all = Vec::new();
    let mut complete = true;
    for (set, files) in project.footage(db).iter().zip(project.files(db)) {
        let mut probed = Vec::new();
        for file in files.iter().filter(|file| file.state(db) != FileState::Unusable) {
            match (needs.content(db, *file), needs.take(probe(db, *file))) {
                (Some(digest), Some(info)) => match &info.video {
                    Some(video) => {
                        let (info, video) = (info.clone(), Arc::new(video.clone()));
                        probed.push(Chapter { file: *file, digest, info, video, offset: Timestamp::ZERO });
                    }
                    None => needs.problem(Diagnostic::input(format!("{} has no video", file.path(db)))),
                },
                _ => complete = false,
            }
        }
        // A file that is not known yet may be the one that was seen.
        let is_known = complete;
        all.extend(group(db, set, probed, &mut |problem| {
            if is_known {
                needs.problem(problem);
            }
        }));
    }
    needs.finish(complete.then(|| Arc::new(all)))
}

/// The place of each recording among [`recordings`], by its name.
#[salsa::tracked]
pub fn places(db: &dyn Db, project: Project) -> Planned<Arc<BTreeMap<String, usize>>> {
    let mut needs = Collector::default();
    let places = needs.take(recordings(db, project)).map(|recordings| {
        // The first of a name: a later one would hide it.
        let places = recordings.iter().enumerate().rev();
        Arc::new(places.map(|(place, recording)| (recording.name.clone(), place)).collect())
    });
    needs.finish(places)
}

/// Whether a file carries a camera's telemetry.
pub(crate) fn has_track(info: &MediaInfo) -> bool {
    info.tracks.iter().any(|track| track.kind == TrackKind::Data && track.codec == "gpmd")
}

/// The telemetry track of a file; `Some(None)` where it has none.
#[salsa::tracked]
pub fn track(db: &dyn Db, file: FileInput) -> Planned<Option<Digest>> {
    let mut needs = Collector::default();
    let digest = needs.content(db, file);
    let info = needs.take(probe(db, file)).cloned();
    let (Some(digest), Some(info)) = (digest, info) else { return needs.finish(None) };
    if !has_track(&info) {
        return needs.finish(Some(None));
    }
    let spec = ActionSpec::Extract(ExtractSpec { file: digest });
    let result = needs.act(db, format!("{}/track", file.path(db)), spec);
    needs.finish(result.and_then(|result| Some(Some(result.artifacts.first()?.digest))))
}

/// The recording of a name as `camera/recording`, where there is one.
pub(crate) fn find<'a>(recordings: &'a [Recording], name: &str) -> Option<&'a Recording> {
    recordings.iter().find(|recording| recording.name == name)
}

fn group(db: &dyn Db, set: &FootageSet, files: Vec<Chapter>, problem: &mut impl FnMut(Diagnostic)) -> Vec<Recording> {
    let looked: Vec<File<'_>> = files
        .iter()
        .map(|chapter| File {
            path: chapter.file.path(db),
            digest: chapter.digest,
            info: &chapter.info,
            video: &chapter.video,
        })
        .collect();
    let mut recordings: Vec<Recording> = Vec::new();
    for chain in chapters::chains(&looked) {
        let (mut duration, mut chapters) = (Timestamp::ZERO, Vec::with_capacity(chain.len()));
        for chapter in chain.into_iter().filter_map(|at| files.get(at)) {
            chapters.push(Chapter { offset: duration, ..chapter.clone() });
            duration = duration + chapter.video.duration;
        }
        let Some(first) = chapters.first() else { continue };
        recordings.push(Recording {
            camera: set.name.clone(),
            name: format!("{}/{}", set.name, chapters::stem(first.file.path(db))),
            utc: first.info.created.map(|created| created.plus(set.clock.offset)),
            drift: set.clock.drift,
            seen: false,
            duration,
            fit: set.fit,
            chapters,
        });
    }
    if let Some(start) = set.clock.start
        && let Some(first) = recordings.first()
    {
        // The manifest states when the first recording starts; the others
        // follow by what the camera's own clock says between them.
        let shift = first.utc.map(|utc| start.since(utc));
        for (index, recording) in recordings.iter_mut().enumerate() {
            recording.utc = match (recording.utc, shift) {
                (Some(utc), Some(shift)) => Some(utc.plus(shift)),
                _ if index == 0 => Some(start),
                _ => None,
            };
        }
    }
    disambiguate(db, &mut recordings);
    if !set.clock.seen.is_empty() {
        sightings::apply(db, set, &mut recordings, problem);
    }
    recordings
}

/// Two folders of one set may hold files of one name: these get their folder,
/// and those that differ in nothing else their extension. A name that stood for
/// two recordings would show one of them for both.
fn disambiguate(db: &dyn Db, recordings: &mut [Recording]) {
    for with_extension in [false, true] {
        let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for recording in recordings.iter() {
            let path = recording.chapters.first().map(|chapter| chapter.file.path(db).clone()).unwrap_or_default();
            let stem = path.rsplit_once('.').map(|(stem, _)| stem.to_owned());
            let path = if with_extension { path } else { stem.unwrap_or(path) };
            paths.entry(recording.name.clone()).or_default().push(path);
        }
        // In the order of the recordings, each its own.
        let mut paths: BTreeMap<_, _> = paths
            .into_iter()
            .filter(|(_, alike)| alike.len() > 1)
            .map(|(name, alike)| {
                let names: Vec<String> =
                    alike.iter().map(|path| telling(path, &alike).replace(['/', '\\'], "-")).collect();
                (name, names.into_iter())
            })
            .collect();
        for recording in recordings.iter_mut() {
            if let Some(path) = paths.get_mut(&recording.name).and_then(Iterator::next) {
                recording.name = format!("{}/{path}", recording.camera);
            }
        }
    }
}

/// The part of a path that tells it from others of the same file name: inside
/// of the project all of it. Names of recordings are in keys and in results, so
/// of a path outside there is no more than it takes.
fn telling<'p>(path: &'p str, alike: &[String]) -> &'p str {
    if !path.starts_with('/') && !path.starts_with("..") {
        return path;
    }
    let starts: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
    let ends = starts.iter().rev().skip(1).filter_map(|at| path.get(*at..));
    let mut alone = ends.filter(|end| alike.iter().filter(|other| other.ends_with(end)).count() == 1);
    let folder = starts.len().checked_sub(2).and_then(|second| starts.get(second)).and_then(|at| path.get(*at..));
    alone.next().or(folder).map_or(path, |end| end.trim_start_matches('/'))
}

/// The analyses that the weights ask for.
pub(crate) fn analyses(db: &dyn Db, project: Project) -> Vec<&'static Analysis> {
    let weights = &project.moments(db).weights;
    let weighted = |name: &str| weights.iter().any(|(weight, _)| weight.trim_matches('|') == name);
    let wanted: Vec<_> = ANALYSES.iter().filter(|analysis| weighted(analysis.name)).collect();
    match wanted.as_slice() {
        [only] if !project.analysis(db).exact => vec![only.alone.unwrap_or(only)],
        _ => wanted,
    }
}

/// The detector, where the weights ask for what it finds.
pub(crate) fn detection(db: &dyn Db, project: Project) -> Option<&Detection> {
    let weights = &project.moments(db).weights;
    let weighted = weights.iter().any(|(weight, _)| weight.trim_start_matches('|').starts_with("detect:"));
    project.detection(db).as_ref().filter(|_| weighted)
}

/// The artifacts with how much the picture of one file moves, in order of time.
#[salsa::tracked]
pub fn motion(db: &dyn Db, project: Project, file: FileInput) -> Planned<Arc<Vec<Digest>>> {
    let mut needs = Collector::default();
    let digest = needs.content(db, file);
    let video = needs.take(probe(db, file)).and_then(|info| info.video.as_ref());
    let analysis = ANALYSES.iter().find(|analysis| analysis.name == "motion");
    let (Some(digest), Some(video), Some(analysis)) = (digest, video, analysis) else { return needs.finish(None) };
    let settings = project.analysis(db);
    let mut artifacts = Some(Vec::new());
    for (index, range) in video.chunk_ranges().into_iter().enumerate() {
        let spec = AnalyseSpec {
            file: digest,
            analysis: analysis.name.to_owned(),
            analysis_version: analysis.version,
            pass: AnalysisPass {
                orientation: video.orientation,
                from: range.start,
                until: range.end,
                rate: settings.rate,
                width: settings.width,
            },
        };
        let node = format!("{}/{}/{index}", file.path(db), analysis.name);
        let result = needs.act(db, node, ActionSpec::Analyse(spec));
        match (result, &mut artifacts) {
            (Some(result), Some(list)) => list.extend(result.artifacts.first().map(|artifact| artifact.digest)),
            _ => artifacts = None,
        }
    }
    needs.finish(artifacts.map(Arc::new))
}

/// The artifacts with the signals of one file that the weights ask for, in
/// order of time.
#[salsa::tracked]
pub fn signals(db: &dyn Db, project: Project, file: FileInput) -> Planned<Arc<Vec<Digest>>> {
    let mut needs = Collector::default();
    let digest = needs.content(db, file);
    let video = needs.take(probe(db, file)).and_then(|info| info.video.as_ref());
    let (Some(digest), Some(video)) = (digest, video) else { return needs.finish(None) };
    let settings = project.analysis(db);
    let mut artifacts = Some(Vec::new());
    let mut keep = |result: Option<Arc<crate::model::ActionResult>>| match (result, &mut artifacts) {
        (Some(result), Some(list)) => list.extend(result.artifacts.first().map(|artifact| artifact.digest)),
        _ => artifacts = None,
    };
    for (index, range) in video.chunk_ranges().into_iter().enumerate() {
        let pass = |rate| AnalysisPass {
            orientation: video.orientation,
            from: range.start,
            until: range.end,
            rate,
            width: settings.width,
        };
        let path = file.path(db);
        for analysis in analyses(db, project) {
            let spec = AnalyseSpec {
                file: digest,
                analysis: analysis.name.to_owned(),
                analysis_version: analysis.version,
                pass: pass(settings.rate),
            };
            keep(needs.act(db, format!("{path}/{}/{index}", analysis.name), ActionSpec::Analyse(spec)));
        }
        if let Some(detection) = detection(db, project) {
            let model = project.material(db, &detection.model);
            let Some(model) = model.and_then(|model| needs.content(db, model)) else {
                keep(None);
                continue;
            };
            let spec = DetectSpec {
                file: digest,
                model,
                classes: detection.classes.clone(),
                threshold: detection.threshold,
                overlap: detection.overlap,
                pass: pass(detection.rate),
                display: video.display_size(),
            };
            keep(needs.act(db, format!("{path}/detect/{index}"), ActionSpec::Detect(spec)));
        }
    }
    let artifacts = artifacts.map(Arc::new);
    needs.finish(artifacts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_paths_outside_a_name_has_what_tells_them_apart() {
        let alike = ["/films/anna/1/a", "/films/ben/1/a", "/films/ben/2/a", "footage/a"].map(str::to_owned);
        let telling = alike.each_ref().map(|path| telling(path, &alike));
        assert_eq!(telling, ["anna/1/a", "ben/1/a", "2/a", "footage/a"]);
        let same = ["../films/a", "../films/a"].map(str::to_owned);
        assert_eq!(super::telling(&same[0], &same), "films/a");
    }
}
