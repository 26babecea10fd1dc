//! Telemetry: logs to cleaned columns, several of them to one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Diagnostic, Digest, Timestamp, UtcTime};
use crate::graph::db::{Db, Project};
use crate::graph::footage::{self, Recording};
use crate::graph::planned::{Collector, Planned};
use crate::manifest::manifest::{TelemetrySource, TelemetryStart};
use crate::model::ActionSpec;
use crate::model::alignment::{AlignMethod, Alignment, Course};
use crate::model::specs::{
    AlignChapter, AlignLog, AlignRecording, AlignSpec, CleanSpec, ImportSpec, MergeLog, MergeSpec,
};
use crate::model::telemetry::{LogClock, TelemetrySummary};
use crate::telemetry::gpmf;

/// The project's telemetry: one cleaned log, or several as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub digest: Digest,
    pub summary: TelemetrySummary,
    /// The logs that it is made of, in the manifest's order.
    pub parts: Vec<Part>,
    /// Whether something was added to what was recorded, or hidden of it.
    pub is_completed: bool,
}

// Every float in a summary was rounded to a fixed step and none is NaN.
impl Eq for Log {}

/// One log, cleaned: as it was recorded, with all that the project hides.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is called: its file.
    pub name: String,
    pub digest: Digest,
    pub summary: TelemetrySummary,
    /// What reading the file found: rows that could not be read, notes.
    pub import: TelemetrySummary,
}

/// The recordings with the clocks of the receivers in the cameras, where there
/// are any: all that is known of them without a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub recordings: Arc<Vec<Recording>>,
    /// How each camera's clock was found that carries telemetry.
    pub cameras: BTreeMap<String, Arc<Alignment>>,
}

#[salsa::tracked]
pub fn received(db: &dyn Db, project: Project) -> Planned<Arc<Received>> {
    let mut needs = Collector::default();
    let Some(claimed) = needs.take(footage::recordings(db, project)).cloned() else { return needs.finish(None) };
    let mut recordings = None;
    let mut cameras = BTreeMap::new();
    let mut complete = true;
    for set in project.footage(db).iter().filter(|set| !set.clock.stated) {
        let own: Vec<&Recording> = claimed.iter().filter(|one| one.camera == set.name).collect();
        if !own.iter().flat_map(|one| &one.chapters).any(|chapter| footage::has_track(&chapter.info)) {
            continue;
        }
        let spec = align_spec(db, None, &own, None, &mut needs);
        let result = spec.and_then(|spec| needs.act(db, format!("{}/receiver", set.name), ActionSpec::Align(spec)));
        match result.and_then(|result| needs.value::<Alignment>(&result)) {
            Some(alignment) => {
                if alignment.method == AlignMethod::Receiver {
                    put_right(recordings.get_or_insert_with(|| claimed.to_vec()), &set.name, &alignment);
                }
                cameras.insert(set.name.clone(), Arc::new(alignment));
            }
            None => complete = false,
        }
    }
    let recordings = recordings.map_or(claimed, Arc::new);
    needs.finish(complete.then(|| Arc::new(Received { recordings, cameras })))
}

/// What is compared to put a camera's clock right, the motion of its pictures
/// with it where a project is given; `None` while its tracks are not there yet.
pub(super) fn align_spec(
    db: &dyn Db,
    motion: Option<Project>,
    recordings: &[&Recording],
    log: Option<AlignLog>,
    needs: &mut Collector,
) -> Option<AlignSpec> {
    let mut complete = true;
    let recordings = recordings
        .iter()
        .map(|recording| AlignRecording {
            claimed: recording.utc.map(|utc| utc.0),
            duration: recording.duration,
            chapters: recording
                .chapters
                .iter()
                .map(|chapter| {
                    let track = needs.take(footage::track(db, chapter.file)).copied();
                    let motion = motion.map(|project| needs.take(footage::motion(db, project, chapter.file)).cloned());
                    complete &= track.is_some() && motion.as_ref().is_none_or(Option::is_some);
                    let motion = motion.flatten().map(|list| list.to_vec()).unwrap_or_default();
                    AlignChapter { offset: chapter.offset, payloads: track.flatten(), motion }
                })
                .collect(),
        })
        .collect();
    complete.then_some(AlignSpec { recordings, log })
}

/// Gives the recordings of a camera the starts that were found.
pub(super) fn put_right(recordings: &mut [Recording], camera: &str, alignment: &Alignment) {
    let own = recordings.iter_mut().filter(|recording| recording.camera == camera);
    for (recording, clock) in own.zip(&alignment.clocks) {
        recording.utc = clock.start.map(UtcTime).or(recording.utc);
        recording.drift = clock.drift;
    }
}

/// Logs of these formats that count from their own start count the time of the
/// film that they were written with.
pub(super) const OF_FILMS: [&str; 2] = ["Gpmf", "Srt"];

/// A log on its way to be one of several: how its times become UTC, where that
/// is asked for.
struct Located {
    part: Part,
    course: Result<Course, Diagnostic>,
}

impl Located {
    /// Whether nothing is in it: it is told of, and counts for nothing.
    fn is_silent(&self) -> bool {
        self.part.import.samples == 0
    }
}

/// What was recorded. Where nothing may be seen that the project hides, and
/// what it adds is wanted, ask for [`complete::log`](crate::graph::complete::log).
#[salsa::tracked]
pub fn recorded(db: &dyn Db, project: Project) -> Planned<Option<Arc<Log>>> {
    let mut needs = Collector::default();
    let sources = project.telemetry(db);
    let merges = sources.len() > 1 || sources.iter().any(|source| source.camera.is_some());
    let hangs = |source: &TelemetrySource| {
        source.camera.is_some() || matches!(source.start, Some(TelemetryStart::Recording(_)))
    };
    let recordings = match merges && sources.iter().any(hangs) {
        true => needs.take(received(db, project)).map(|received| received.recordings.clone()),
        false => Some(Arc::default()),
    };
    // Every log is asked for before one is waited for.
    let mut complete = true;
    let mut parts: Vec<(usize, Located)> = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let found = match (&source.camera, &recordings) {
            (Some(camera), Some(recordings)) => in_footage(db, source, camera, recordings, &mut needs),
            (Some(_), None) => None,
            (None, _) => part(db, project, source, &mut needs).map(|part| {
                let anchors = recordings.as_deref().map_or(&[][..], Vec::as_slice);
                let own = Ok(Course::default());
                let course = if merges { course(source, &part.summary, anchors) } else { own };
                vec![Located { part, course }]
            }),
        };
        match found {
            Some(found) => parts.extend(found.into_iter().map(|part| (at, part))),
            None => complete = false,
        }
    }
    if !complete || recordings.is_none() {
        return needs.finish(None);
    }
    if sources.is_empty() {
        return needs.finish(Some(None));
    }
    if !merges && let [(_, Located { part, .. })] = &parts[..] {
        let log =
            Log { digest: part.digest, summary: part.summary.clone(), parts: vec![part.clone()], is_completed: false };
        return needs.finish(Some(Some(Arc::new(log))));
    }
    let mut logs = Vec::with_capacity(parts.len());
    let mut silent = 0;
    for (at, located) in &parts {
        if located.is_silent() {
            silent += 1;
            continue;
        }
        match (&located.course, sources.get(*at)) {
            (Ok(Course { start, drift }), _) => {
                logs.push(MergeLog { telemetry: located.part.digest, shift: *start, drift: *drift });
            }
            (Err(problem), Some(source)) => needs.problem(problem.clone().at(source.place.0.clone())),
            (Err(_), None) => {}
        }
    }
    if logs.len() + silent < parts.len() {
        return needs.finish(None);
    }
    let parts = parts.into_iter().map(|(_, located)| located.part).collect();
    let log = merged(db, logs, parts, &mut needs);
    needs.finish(log.map(|log| Some(Arc::new(log))))
}

fn part(db: &dyn Db, project: Project, source: &TelemetrySource, needs: &mut Collector) -> Option<Part> {
    let file = needs.content(db, project.material(db, &source.file)?)?;
    let import = ImportSpec {
        file,
        format: source.format.clone(),
        format_version: source.format_version,
        params: source.params.clone(),
    };
    read(db, &source.file, import, source.gap, needs)
}

/// Reads and cleans one log.
fn read(db: &dyn Db, name: &str, import: ImportSpec, gap: Timestamp, needs: &mut Collector) -> Option<Part> {
    let raw = needs.act(db, format!("{name}/import"), ActionSpec::ImportTelemetry(import))?;
    let clean = CleanSpec {
        telemetry: raw.artifacts.first()?.digest,
        gap_ms: u32::try_from(gap.to_millis()).unwrap_or(u32::MAX),
    };
    let clean = needs.act(db, format!("{name}/clean"), ActionSpec::CleanTelemetry(clean))?;
    let summary = needs.value(&clean)?;
    let import = needs.value(&raw)?;
    Some(Part { name: name.to_owned(), digest: clean.artifacts.first()?.digest, summary, import })
}

/// What a camera's own films say, each file a log.
fn in_footage(
    db: &dyn Db,
    source: &TelemetrySource,
    camera: &str,
    recordings: &[Recording],
    needs: &mut Collector,
) -> Option<Vec<Located>> {
    let (format, format_version, params) = match gpmf::within_footage(&source.params) {
        Ok(params) => params,
        Err(problem) => {
            needs.problem(problem);
            return None;
        }
    };
    let mut found = Some(Vec::new());
    let (mut tracks, mut silent) = (0, 0);
    for recording in recordings.iter().filter(|recording| recording.camera == camera) {
        for chapter in &recording.chapters {
            let part = match needs.take(footage::track(db, chapter.file)) {
                // A film without telemetry among others.
                Some(None) => continue,
                Some(Some(file)) => {
                    let (format, params) = (format.to_owned(), params.clone());
                    let import = ImportSpec { file: *file, format, format_version, params };
                    read(db, &format!("{}/telemetry", chapter.file.path(db)), import, source.gap, needs)
                }
                None => None,
            };
            match (part, &mut found) {
                // One in which nothing is, is like one that has none.
                (Some(part), Some(found)) if part.import.samples == 0 => {
                    found.push(Located { part, course: Ok(Course::default()) });
                    silent += 1;
                    continue;
                }
                (Some(part), Some(found)) => {
                    found.push(Located { course: within(source, &part, recording, chapter), part })
                }
                _ => found = None,
            }
            tracks += 1;
        }
    }
    if tracks == 0 {
        let problem = Diagnostic::input(format!("the footage of {camera} carries no telemetry"));
        let problem = if silent > 0 {
            problem.note(format!(
                "{silent} of its films have a track for it in which nothing is: the GPS was switched off"
            ))
        } else {
            problem.note("none of its films has a track named `gpmd`, as GoPro's cameras with GPS write")
        };
        let problem = problem.hint("name another logger's file");
        needs.problem(problem.at(source.place.0.clone()));
        return None;
    }
    found
}

/// How the times of a film's own telemetry become UTC: those that count from its
/// start drift as its clock does.
fn within(
    source: &TelemetrySource,
    part: &Part,
    recording: &Recording,
    chapter: &footage::Chapter,
) -> Result<Course, Diagnostic> {
    let Course { start, drift } = match part.summary.clock {
        LogClock::Utc => Course::default(),
        LogClock::Start => {
            let unknown = || {
                Diagnostic::input(format!("nothing says when {} was recorded", recording.name))
                    .note("its telemetry has no clock of its own")
                    .hint("add `clock: Clock(start: \"2024-06-01T10:00:00Z\")` to its footage set")
            };
            let offset = chapter.offset.to_nanos();
            let whole = Course { start: recording.utc.ok_or_else(unknown)?.0, drift: recording.drift };
            Course { start: whole.at(offset), ..whole }
        }
    };
    Ok(Course { start: start.saturating_add(source.offset.to_nanos()), drift })
}

/// Several logs as one, on UTC.
fn merged(db: &dyn Db, logs: Vec<MergeLog>, parts: Vec<Part>, needs: &mut Collector) -> Option<Log> {
    let merge = needs.act(db, "telemetry/merge".to_owned(), ActionSpec::MergeTelemetry(MergeSpec { logs }))?;
    let summary = needs.value(&merge)?;
    Some(Log { digest: merge.artifacts.first()?.digest, summary, parts, is_completed: false })
}

/// How a log's times become UTC.
pub(super) fn course(
    source: &TelemetrySource,
    summary: &TelemetrySummary,
    recordings: &[Recording],
) -> Result<Course, Diagnostic> {
    let Course { start, drift } = match (summary.clock, &source.start) {
        (LogClock::Utc, _) => Course::default(),
        (LogClock::Start, Some(TelemetryStart::Utc(start))) => Course { start: start.0, drift: 0 },
        (LogClock::Start, Some(TelemetryStart::Recording(name))) => {
            let anchor = footage::find(recordings, name).ok_or_else(|| no_recording(name, recordings))?;
            let unknown = || {
                Diagnostic::input(format!(
                    "{name} does not state when it was recorded, so the log cannot start with it"
                ))
                .note("several logs are merged by the time of day")
                .hint("add `clock: Clock(start: \"2024-06-01T10:00:00Z\")` to its footage set")
            };
            // However wrong the film's clock goes, such a log goes with it; another
            // logger has a clock of its own.
            let drift = if OF_FILMS.contains(&source.format.as_str()) { anchor.drift } else { 0 };
            Course { start: anchor.utc.ok_or_else(unknown)?.0, drift }
        }
        (LogClock::Start, None) => return Err(no_start(&source.file)),
    };
    Ok(Course { start: start.saturating_add(source.offset.to_nanos()), drift })
}

pub(super) fn no_recording(name: &str, recordings: &[Recording]) -> Diagnostic {
    let names: Vec<_> = recordings.iter().map(|r| r.name.as_str()).collect();
    let near = crate::base::diagnostic::nearest(name, names.iter().copied());
    let hint = near.map_or_else(|| format!("there are: {}", names.join(", ")), |n| format!("did you mean {n:?}?"));
    Diagnostic::input(format!("there is no recording {name:?} for the log to start with")).hint(hint)
}

pub(super) fn no_start(file: &str) -> Diagnostic {
    Diagnostic::input(format!("nothing says when the log {file} starts"))
        .note("its times count from its own start")
        .hint("add `start: \"2024-06-01T10:00:00Z\"` or `start: \"camera/recording\"` to the telemetry")
}
