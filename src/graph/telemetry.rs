//! Telemetry: a log to cleaned columns, and where each recording lies on its
//! clock.

use std::sync::Arc;

use crate::base::{Diagnostic, Digest, Timestamp};
use crate::graph::db::{Db, Project};
use crate::graph::footage::{self, Recording};
use crate::graph::planned::{Collector, Planned};
use crate::manifest::manifest::{FootageSet, TelemetrySource, TelemetryStart};
use crate::model::ActionSpec;
use crate::model::specs::{CleanSpec, ImportSpec};
use crate::model::telemetry::{LogClock, TelemetrySummary};

/// Cleaned telemetry.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub digest: Digest,
    pub summary: TelemetrySummary,
    /// What reading the file found: rows that could not be read, notes.
    pub import: TelemetrySummary,
}

// Every float in a summary was rounded to a fixed step and none is NaN.
impl Eq for Log {}

#[salsa::tracked]
pub fn log(db: &dyn Db, project: Project) -> Planned<Option<Arc<Log>>> {
    let mut needs = Collector::default();
    let Some(source) = project.telemetry(db) else { return Planned::ready(None) };
    let log = import(db, project, source, &mut needs);
    needs.finish(log.map(Some))
}

fn import(db: &dyn Db, project: Project, source: &TelemetrySource, needs: &mut Collector) -> Option<Arc<Log>> {
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
    Some(Arc::new(Log { digest: clean.artifacts.first()?.digest, summary, import }))
}

/// Time on the log's clock at the start of a recording, in ns; `None` where
/// no clock connects the two.
pub fn start_of(source: &TelemetrySource, log: &Log, recordings: &[Recording], recording: &Recording) -> Option<i64> {
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
    let (Some(log), Some(source)) = (log, project.telemetry(db)) else {
        return needs.finish(Some(Arc::new(vec![None; recordings.len()])));
    };
    let starts: Vec<_> = recordings.iter().map(|r| start_of(source, &log, &recordings, r)).collect();
    if let Some(problem) = mismatch(source, &log, &recordings, &starts, project.footage(db)) {
        needs.problem(problem.at(source.place.0.clone()));
        return needs.finish(None);
    }
    needs.finish(Some(Arc::new(starts)))
}

/// The problem, if no footage lies within the log: never silently wrong.
fn mismatch(
    source: &TelemetrySource,
    log: &Log,
    recordings: &[Recording],
    starts: &[Option<i64>],
    sets: &[FootageSet],
) -> Option<Diagnostic> {
    let summary = &log.summary;
    if let (LogClock::Start, Some(TelemetryStart::Recording(name))) = (summary.clock, &source.start)
        && footage::find(recordings, name).is_none()
    {
        let names: Vec<_> = recordings.iter().map(|r| r.name.as_str()).collect();
        let near = crate::base::diagnostic::nearest(name, names.iter().copied());
        let hint = near.map_or_else(|| format!("there are: {}", names.join(", ")), |n| format!("did you mean {n:?}?"));
        return Some(Diagnostic::input(format!("there is no recording {name:?} for the log to start with")).hint(hint));
    }
    if recordings.is_empty() {
        return None;
    }
    let known: Vec<_> = recordings.iter().zip(starts).filter_map(|(r, start)| Some((r, (*start)?))).collect();
    let Some((first, start)) = known.iter().min_by_key(|(_, start)| *start) else {
        let problem = match summary.clock {
            LogClock::Start => Diagnostic::input(format!("nothing says when the log {} starts", source.file))
                .note("its times count from its own start")
                .hint("add `start: \"2024-06-01T10:00:00Z\"` or `start: \"camera/recording\"` to the telemetry"),
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
        Diagnostic::input(format!("no footage overlaps the log {}", source.file))
            .note(format!("{} starts {apart} {when} the log's first sample", first.name))
            .hint(format!("if the camera's clock is wrong, `clock: \"{sign}{clock}\"` in its footage set moves {} to the log's start", first.name)),
    )
}
