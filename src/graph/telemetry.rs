//! Telemetry: logs to cleaned columns, several of them to one, and where each
//! recording lies on its clock.

use std::sync::Arc;

use crate::base::{Diagnostic, Digest, Timestamp};
use crate::graph::db::{Db, Project};
use crate::graph::footage::{self, Recording};
use crate::graph::planned::{Collector, Planned};
use crate::manifest::manifest::{FootageSet, TelemetrySource, TelemetryStart};
use crate::model::ActionSpec;
use crate::model::specs::{CleanSpec, ImportSpec, MergeLog, MergeSpec};
use crate::model::telemetry::{LogClock, TelemetrySummary};

/// The project's telemetry: one cleaned log, or several as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub digest: Digest,
    pub summary: TelemetrySummary,
    /// The logs that it is made of, in the manifest's order.
    pub parts: Vec<Part>,
}

// Every float in a summary was rounded to a fixed step and none is NaN.
impl Eq for Log {}

/// One log, cleaned.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub digest: Digest,
    pub summary: TelemetrySummary,
    /// What reading the file found: rows that could not be read, notes.
    pub import: TelemetrySummary,
}

#[salsa::tracked]
pub fn log(db: &dyn Db, project: Project) -> Planned<Option<Arc<Log>>> {
    let mut needs = Collector::default();
    let sources = project.telemetry(db);
    // Every log is asked for before one is waited for.
    let parts: Vec<Option<Part>> = sources.iter().map(|source| part(db, project, source, &mut needs)).collect();
    let Some(parts) = parts.into_iter().collect::<Option<Vec<Part>>>() else { return needs.finish(None) };
    let log = match &parts[..] {
        [] => return needs.finish(Some(None)),
        [one] => Some(Log { digest: one.digest, summary: one.summary.clone(), parts }),
        _ => merged(db, project, parts, &mut needs),
    };
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
    let raw = needs.act(db, format!("{}/import", source.file), ActionSpec::ImportTelemetry(import))?;
    let clean = CleanSpec {
        telemetry: raw.artifacts.first()?.digest,
        gap_ms: u32::try_from(source.gap.to_millis()).unwrap_or(u32::MAX),
    };
    let clean = needs.act(db, format!("{}/clean", source.file), ActionSpec::CleanTelemetry(clean))?;
    let summary = needs.value(&clean)?;
    let import = needs.value(&raw)?;
    Some(Part { digest: clean.artifacts.first()?.digest, summary, import })
}

/// Several logs as one, on UTC.
fn merged(db: &dyn Db, project: Project, parts: Vec<Part>, needs: &mut Collector) -> Option<Log> {
    let sources = project.telemetry(db);
    let anchored = |source: &TelemetrySource| matches!(source.start, Some(TelemetryStart::Recording(_)));
    let recordings = match sources.iter().any(anchored) {
        true => needs.take(footage::recordings(db, project)).cloned()?,
        false => Arc::default(),
    };
    let mut logs = Vec::with_capacity(parts.len());
    for (source, part) in sources.iter().zip(&parts) {
        match shift(source, &part.summary, &recordings) {
            Ok(shift) => logs.push(MergeLog { telemetry: part.digest, shift }),
            Err(problem) => needs.problem(problem.at(source.place.0.clone())),
        }
    }
    if logs.len() < parts.len() {
        return None;
    }
    let merge = needs.act(db, "telemetry/merge".to_owned(), ActionSpec::MergeTelemetry(MergeSpec { logs }))?;
    let summary = needs.value(&merge)?;
    Some(Log { digest: merge.artifacts.first()?.digest, summary, parts })
}

/// What is added to a log's times to be on UTC, in ns.
fn shift(source: &TelemetrySource, summary: &TelemetrySummary, recordings: &[Recording]) -> Result<i64, Diagnostic> {
    let start = match (summary.clock, &source.start) {
        (LogClock::Utc, _) => 0,
        (LogClock::Start, Some(TelemetryStart::Utc(start))) => start.0,
        (LogClock::Start, Some(TelemetryStart::Recording(name))) => {
            let anchor = footage::find(recordings, name).ok_or_else(|| no_recording(name, recordings))?;
            let unknown = || {
                Diagnostic::input(format!(
                    "{name} does not state when it was recorded, so the log cannot start with it"
                ))
                .note("several logs are merged by the time of day")
                .hint("add `clock: Clock(start: \"2024-06-01T10:00:00Z\")` to its footage set")
            };
            anchor.utc.ok_or_else(unknown)?.0
        }
        (LogClock::Start, None) => return Err(no_start(&source.file)),
    };
    Ok(start.saturating_add(source.offset.to_nanos()))
}

fn no_recording(name: &str, recordings: &[Recording]) -> Diagnostic {
    let names: Vec<_> = recordings.iter().map(|r| r.name.as_str()).collect();
    let near = crate::base::diagnostic::nearest(name, names.iter().copied());
    let hint = near.map_or_else(|| format!("there are: {}", names.join(", ")), |n| format!("did you mean {n:?}?"));
    Diagnostic::input(format!("there is no recording {name:?} for the log to start with")).hint(hint)
}

fn no_start(file: &str) -> Diagnostic {
    Diagnostic::input(format!("nothing says when the log {file} starts"))
        .note("its times count from its own start")
        .hint("add `start: \"2024-06-01T10:00:00Z\"` or `start: \"camera/recording\"` to the telemetry")
}

/// Time on the log's clock at the start of a recording, in ns; `None` where
/// no clock connects the two.
pub fn start_of(
    sources: &[TelemetrySource],
    log: &Log,
    recordings: &[Recording],
    recording: &Recording,
) -> Option<i64> {
    let [source] = sources else {
        // What was merged is on UTC.
        return recording.utc.map(|utc| utc.0);
    };
    let offset = source.offset.to_nanos();
    let start = match (log.summary.clock, &source.start) {
        (LogClock::Utc, _) => recording.utc?.0,
        (LogClock::Start, Some(TelemetryStart::Utc(start))) => recording.utc?.0.saturating_sub(start.0),
        (LogClock::Start, Some(TelemetryStart::Recording(name))) => {
            let anchor = footage::find(recordings, name)?;
            if anchor.name == recording.name { 0 } else { recording.utc?.0.saturating_sub(anchor.utc?.0) }
        }
        (LogClock::Start, None) => return None,
    };
    Some(start.saturating_sub(offset))
}

/// The clock of every recording, with what is wrong with it.
#[salsa::tracked]
pub fn clocks(db: &dyn Db, project: Project) -> Planned<Arc<Vec<Option<i64>>>> {
    let mut needs = Collector::default();
    let recordings = needs.take(footage::recordings(db, project)).cloned();
    let log = needs.take(log(db, project)).cloned();
    let (Some(recordings), Some(log)) = (recordings, log) else { return needs.finish(None) };
    let sources = project.telemetry(db);
    let (Some(log), Some(first)) = (log, sources.first()) else {
        return needs.finish(Some(Arc::new(vec![None; recordings.len()])));
    };
    let starts: Vec<_> = recordings.iter().map(|r| start_of(sources, &log, &recordings, r)).collect();
    if let Some(problem) = mismatch(sources, &log, &recordings, &starts, project.footage(db)) {
        needs.problem(problem.at(first.place.0.clone()));
        return needs.finish(None);
    }
    needs.finish(Some(Arc::new(starts)))
}

/// What the logs are called together.
fn names(sources: &[TelemetrySource]) -> String {
    let names: Vec<&str> = sources.iter().map(|source| source.file.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => format!("the log {last}"),
        Some((last, rest)) => format!("the logs {} and {last}", rest.join(", ")),
        None => "the log".to_owned(),
    }
}

/// The problem, if no footage lies within the log: never silently wrong.
fn mismatch(
    sources: &[TelemetrySource],
    log: &Log,
    recordings: &[Recording],
    starts: &[Option<i64>],
    sets: &[FootageSet],
) -> Option<Diagnostic> {
    let summary = &log.summary;
    if let [TelemetrySource { start: Some(TelemetryStart::Recording(name)), .. }] = sources
        && summary.clock == LogClock::Start
        && footage::find(recordings, name).is_none()
    {
        return Some(no_recording(name, recordings));
    }
    if recordings.is_empty() {
        return None;
    }
    let known: Vec<_> = recordings.iter().zip(starts).filter_map(|(r, start)| Some((r, (*start)?))).collect();
    let Some((first, start)) = known.iter().min_by_key(|(_, start)| *start) else {
        let problem = match summary.clock {
            LogClock::Start => no_start(sources.first().map_or("", |source| source.file.as_str())),
            LogClock::Utc => Diagnostic::input("no footage states when it was recorded, so the log cannot be matched")
                .hint("add `clock: Clock(start: \"2024-06-01T10:00:00Z\")` to a footage set"),
        };
        return Some(problem);
    };
    let overlaps = |(r, start): &(&Recording, i64)| {
        *start <= summary.last && start.saturating_add(r.duration.to_nanos()) >= summary.first
    };
    if known.iter().any(overlaps) {
        return None;
    }
    let away = Timestamp::from_nanos(summary.first.saturating_sub(*start));
    // What stands in the manifest already is replaced, so it is part of the new one.
    let set = sets.iter().find(|set| set.name == first.camera);
    let clock = set.map_or(Timestamp::ZERO, |set| set.clock.offset) + away;
    let sign = if clock.is_negative() { "" } else { "+" };
    let (apart, when) = if away.is_negative() { (-away, "after") } else { (away, "before") };
    Some(
        Diagnostic::input(format!("no footage overlaps {}", names(sources)))
            .note(format!("{} starts {apart} {when} the log's first sample", first.name))
            .hint(format!("if the camera's clock is wrong, `clock: \"{sign}{clock}\"` in its footage set moves {} to the log's start", first.name)),
    )
}
