//! Where each recording lies on the log's clock, and how that is known.
//!
//! What the manifest states wins. Else the receiver in a camera tells, else the
//! log: an action compares them (`telemetry::align`), for all recordings of a
//! camera together. It is planned only where there is something to compare, or
//! where not all of a camera's footage lies within the log as its clock stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Diagnostic, Timestamp, UtcTime};
use crate::graph::db::{Db, Project};
use crate::graph::footage::{self, Recording};
use crate::graph::planned::{Collector, Planned};
use crate::graph::telemetry::{self, Log, OF_FILMS, no_recording, no_start, received, recorded};
use crate::manifest::manifest::{FootageSet, TelemetrySource, TelemetryStart};
use crate::model::ActionSpec;
use crate::model::alignment::{AlignMethod, Alignment, drifted};
use crate::model::specs::AlignLog;
use crate::model::telemetry::{LogClock, TelemetrySummary};
use crate::telemetry::align::{self, Recorded};

/// Where a recording lies on the log's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnLog {
    /// Time on the log's clock at the recording's start, in ns.
    pub start: i64,
    /// By how much the log's clock goes faster than the recording, in 1 / 1,000 of
    /// a part per million: as true time does, but where the log goes by the film.
    pub drift: i32,
}

impl OnLog {
    /// Time on the log's clock at a time of the recording, both in ns.
    pub fn at(self, media: i64) -> i64 {
        self.start.saturating_add(media).saturating_add(drifted(media, self.drift))
    }
}

/// All recordings with their true clocks, and how each camera's was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aligned {
    pub recordings: Arc<Vec<Recording>>,
    /// By camera, of those whose clock the manifest does not state.
    pub cameras: BTreeMap<String, Arc<Alignment>>,
}

/// All recordings, on the clocks that are the surest.
#[salsa::tracked]
pub fn aligned(db: &dyn Db, project: Project) -> Planned<Arc<Aligned>> {
    let mut needs = Collector::default();
    let received = needs.take(received(db, project)).cloned();
    let Some(received) = received else { return needs.finish(None) };
    let mut found = Aligned { recordings: received.recordings.clone(), cameras: received.cameras.clone() };
    let open = |set: &&FootageSet| {
        let known = received.cameras.get(&set.name).is_some_and(|found| found.method == AlignMethod::Receiver);
        // What a camera logged lies where its own clock has it: beside that it would
        // only find itself.
        let is_source = project.telemetry(db).iter().any(|source| source.camera.as_ref() == Some(&set.name));
        !set.clock.stated && !known && !is_source
    };
    let open: Vec<&FootageSet> = project.footage(db).iter().filter(open).collect();
    if open.is_empty() || project.telemetry(db).is_empty() {
        return needs.finish(Some(Arc::new(found)));
    }
    let Some(log) = needs.take(recorded(db, project)).cloned() else { return needs.finish(None) };
    let Some((log, shift)) = log.and_then(|log| {
        let shift = on_utc(project.telemetry(db), &log)?;
        Some((log, shift))
    }) else {
        return needs.finish(Some(Arc::new(found)));
    };
    let mut recordings = received.recordings.to_vec();
    let mut complete = true;
    for set in open {
        let own: Vec<&Recording> = received.recordings.iter().filter(|one| one.camera == set.name).collect();
        // Where all of it lies in the log there is nothing to ask. A part of it
        // may be so by chance.
        let inside = |recording: &&Recording| {
            recording.utc.is_some_and(|utc| {
                let place = OnLog { start: utc.0.saturating_sub(shift), drift: recording.drift };
                place.start >= log.summary.first && place.at(recording.duration.to_nanos()) <= log.summary.last
            })
        };
        let tracks = own.iter().flat_map(|one| &one.chapters).any(|chapter| footage::has_track(&chapter.info));
        if own.is_empty() {
            continue;
        }
        if !tracks && !set.clock.motion && own.iter().all(inside) {
            let span = (log.summary.first.saturating_add(shift), log.summary.last.saturating_add(shift));
            let recorded = |one: &&Recording| Recorded {
                claimed: one.utc.map(|utc| utc.0),
                duration: one.duration.to_nanos(),
                chapters: Vec::new(),
            };
            let kept = align::kept(&own.iter().map(recorded).collect::<Vec<Recorded>>(), span);
            found.cameras.insert(set.name.clone(), Arc::new(kept));
            continue;
        }
        let against = AlignLog { telemetry: log.digest, shift };
        let spec = telemetry::align_spec(db, set.clock.motion.then_some(project), &own, Some(against), &mut needs);
        let result = spec.and_then(|spec| needs.act(db, format!("{}/clock", set.name), ActionSpec::Align(spec)));
        match result.and_then(|result| needs.value::<Alignment>(&result)) {
            Some(alignment) => {
                telemetry::put_right(&mut recordings, &set.name, &alignment);
                found.cameras.insert(set.name.clone(), Arc::new(alignment));
            }
            None => complete = false,
        }
    }
    found.recordings = Arc::new(recordings);
    needs.finish(complete.then(|| Arc::new(found)))
}

/// What is added to the log's times to be on UTC, where that is known without
/// the footage's clocks.
pub(super) fn on_utc(sources: &[TelemetrySource], log: &Log) -> Option<i64> {
    match (sources, log.summary.clock) {
        ([source], LogClock::Utc) if source.camera.is_none() => Some(source.offset.to_nanos()),
        // What lies in films was put on UTC with them.
        ([source], _) if source.camera.is_some() => Some(0),
        ([TelemetrySource { start: Some(TelemetryStart::Utc(UtcTime(start))), offset, .. }], LogClock::Start) => {
            Some(start.saturating_add(offset.to_nanos()))
        }
        ([_], _) => None,
        // Several were merged on UTC; where one of them hangs on a recording,
        // so does the whole.
        _ if sources.iter().any(|source| matches!(source.start, Some(TelemetryStart::Recording(_)))) => None,
        _ => Some(0),
    }
}

/// Where a recording lies on the log's clock; `None` where no clock connects the
/// two.
fn on_log(sources: &[TelemetrySource], log: &Log, recordings: &[Recording], recording: &Recording) -> Option<OnLog> {
    let [source @ TelemetrySource { camera: None, .. }] = sources else {
        // What was merged is on UTC.
        return Some(OnLog { start: recording.utc?.0, drift: recording.drift });
    };
    let offset = source.offset.to_nanos();
    let mut drift = recording.drift;
    let start = match (log.summary.clock, &source.start) {
        (LogClock::Utc, _) => recording.utc?.0,
        (LogClock::Start, Some(TelemetryStart::Utc(start))) => recording.utc?.0.saturating_sub(start.0),
        (LogClock::Start, Some(TelemetryStart::Recording(name))) => {
            let anchor = footage::find(recordings, name)?;
            if anchor.name == recording.name {
                // However wrong the film's clock goes, such a log goes with it.
                if OF_FILMS.contains(&source.format.as_str()) {
                    drift = 0;
                }
                0
            } else {
                recording.utc?.0.saturating_sub(anchor.utc?.0)
            }
        }
        (LogClock::Start, None) => return None,
    };
    Some(OnLog { start: start.saturating_sub(offset), drift })
}

/// The clock of every recording, with what is wrong with it.
#[salsa::tracked]
pub fn clocks(db: &dyn Db, project: Project) -> Planned<Arc<Vec<Option<OnLog>>>> {
    let mut needs = Collector::default();
    let aligned = needs.take(aligned(db, project)).cloned();
    let log = needs.take(recorded(db, project)).cloned();
    let (Some(aligned), Some(log)) = (aligned, log) else { return needs.finish(None) };
    let recordings = &aligned.recordings;
    let sources = project.telemetry(db);
    let (Some(log), Some(first)) = (log, sources.first()) else {
        return needs.finish(Some(Arc::new(vec![None; recordings.len()])));
    };
    let places: Vec<_> = recordings.iter().map(|r| on_log(sources, &log, recordings, r)).collect();
    if let Some(problem) = mismatch(sources, &log, recordings, &places, project.footage(db)) {
        needs.problem(problem.at(first.place.0.clone()));
        return needs.finish(None);
    }
    needs.finish(Some(Arc::new(places)))
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
    places: &[Option<OnLog>],
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
    let known: Vec<_> = recordings.iter().zip(places).filter_map(|(r, place)| Some((r, (*place)?))).collect();
    let Some((first, OnLog { start, .. })) = known.iter().min_by_key(|(_, place)| place.start) else {
        // What is seen in a file that is not there has been told: were it right, there
        // would be a clock.
        let of = |set: &FootageSet| recordings.iter().filter(|one| one.camera == set.name).collect::<Vec<_>>();
        let is_misplaced = |set: &FootageSet| !set.clock.seen.is_empty() && of(set).iter().all(|one| one.utc.is_none());
        if summary.clock == LogClock::Utc && sets.iter().any(is_misplaced) {
            return None;
        }
        let problem = match summary.clock {
            LogClock::Start => no_start(sources.first().map_or("", |source| source.file.as_str())),
            LogClock::Utc => Diagnostic::input("no footage states when it was recorded, so the log cannot be matched")
                .hint("add `clock: Clock(start: \"2024-06-01T10:00:00Z\")` to a footage set"),
        };
        return Some(problem);
    };
    if known.iter().any(|(recording, place)| overlaps(summary, recording, *place)) {
        return None;
    }
    let (note, hint) = apart(&log.summary, sets, first, *start);
    Some(Diagnostic::input(format!("no footage overlaps {}", names(sources))).note(note).hint(hint))
}

/// By true time: a film's clock may drift.
fn overlaps(summary: &TelemetrySummary, recording: &Recording, place: OnLog) -> bool {
    place.start <= summary.last && place.at(recording.duration.to_nanos()) >= summary.first
}

/// How far from the log a recording lies, and what would move it there.
fn apart(summary: &TelemetrySummary, sets: &[FootageSet], first: &Recording, start: i64) -> (String, String) {
    let away = Timestamp::from_nanos(summary.first.saturating_sub(start));
    // What stands in the manifest already is replaced, so it is part of the new
    // one: all that lies between what the file says and what holds now. A file
    // that says nothing has nothing to add to.
    let created = first.chapters.first().and_then(|chapter| chapter.info.created);
    let set = sets.iter().find(|set| set.name == first.camera);
    let own = first.name.strip_prefix(first.camera.as_str()).map_or(first.name.as_str(), |rest| rest.trim_matches('/'));
    let clock = match (first.utc, created) {
        (Some(utc), None) if set.is_some_and(|set| set.clock.stated) => format!("{own} @ 0:00 = {}", utc.plus(away)),
        (utc, created) => {
            let stated = set.map_or(Timestamp::ZERO, |set| set.clock.offset);
            let clock = utc.zip(created).map_or(stated, |(utc, created)| utc.since(created)) + away;
            format!("{}{clock}", if clock.is_negative() { "" } else { "+" })
        }
    };
    let (apart, when) = if away.is_negative() { (-away, "after") } else { (away, "before") };
    let doubt = match set {
        Some(set) if set.clock.stated => "if the clock that the manifest states is wrong",
        _ => "if the camera's clock is wrong",
    };
    (
        format!("{} starts {apart} {when} the log's first sample", first.name),
        format!("{doubt}, `clock: \"{clock}\"` in its footage set moves {} to the log's start", first.name),
    )
}

/// Cameras of which nothing lies in the log, though something of another does.
/// What a comparison with the log has told already is left out.
pub fn beside(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let aligned = aligned(db, project).value.clone();
    let (Some(aligned), Some(Some(log)), Some(places)) =
        (aligned, recorded(db, project).value.clone(), clocks(db, project).value.clone())
    else {
        return Vec::new();
    };
    let sources = project.telemetry(db);
    let is_compared = on_utc(sources, &log).is_some();
    let is_told = |set: &FootageSet| {
        let found = aligned.cameras.get(&set.name);
        is_compared && !set.clock.stated && found.is_some_and(|found| found.method == AlignMethod::Claimed)
    };
    let sets: Vec<FootageSet> = project.footage(db).iter().filter(|set| !is_told(set)).cloned().collect();
    beside_log(sources, &log, &aligned.recordings, &places, &sets)
}

fn beside_log(
    sources: &[TelemetrySource],
    log: &Log,
    recordings: &[Recording],
    places: &[Option<OnLog>],
    sets: &[FootageSet],
) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    for set in sets {
        if sources.iter().any(|source| source.camera.as_ref() == Some(&set.name)) {
            continue;
        }
        let placed = recordings.iter().zip(places).filter_map(|(r, place)| Some((r, (*place)?)));
        let own: Vec<(&Recording, OnLog)> = placed.filter(|(recording, _)| recording.camera == set.name).collect();
        let Some((first, OnLog { start, .. })) = own.iter().min_by_key(|(_, place)| place.start) else { continue };
        if own.iter().any(|(recording, place)| overlaps(&log.summary, recording, *place)) {
            continue;
        }
        let (note, hint) = apart(&log.summary, sets, first, *start);
        let message = format!("no footage of {} overlaps {}: nothing of it is shown with it", set.name, names(sources));
        told.push(Diagnostic::warning(message).note(note).hint(hint).at(set.place.0.clone()));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Digest, Place};
    use crate::manifest::manifest::{At, Clock, Sighting};
    use crate::model::timeline::Fit;

    const HOUR: i64 = 3_600_000_000_000;

    fn recording(name: &str, hours: i64) -> Recording {
        Recording {
            camera: "front".to_owned(),
            name: name.to_owned(),
            chapters: Vec::new(),
            utc: Some(UtcTime(hours * HOUR)),
            drift: 23_400,
            seen: false,
            duration: Timestamp::from_nanos(HOUR),
            fit: Fit::Fit,
        }
    }

    fn source(format: &str, start: TelemetryStart) -> TelemetrySource {
        TelemetrySource {
            file: "log".to_owned(),
            camera: None,
            format: format.to_owned(),
            format_version: 1,
            params: "{}".to_owned(),
            start: Some(start),
            offset: Timestamp::ZERO,
            gap: Timestamp::from_seconds(5),
            place: At(Place { file: "autocut.ron".into(), line: 1, column: 1, width: 1, source: String::new() }),
        }
    }

    /// 23.4 parts per million of an hour are 84.24 ms.
    #[test]
    fn a_log_that_goes_by_the_film_does_not_drift_from_it() {
        let recordings = [recording("front/a", 10), recording("front/b", 12)];
        let with_a = || TelemetryStart::Recording("front/a".to_owned());
        let places = |source: TelemetrySource, clock: LogClock| {
            let summary = TelemetrySummary { clock, ..TelemetrySummary::default() };
            let log = Log { digest: Digest::of(b"log"), summary, parts: Vec::new(), is_completed: false };
            let sources = [source];
            let place = |at: usize| on_log(&sources, &log, &recordings, &recordings[at]).unwrap().at(HOUR);
            [place(0), place(1)]
        };
        let late = HOUR + 84_240_000;
        for format in ["Gpmf", "Srt"] {
            assert_eq!(places(source(format, with_a()), LogClock::Start), [HOUR, 2 * HOUR + late], "{format}");
        }
        // A logger of its own has its own clock, whenever it was started.
        assert_eq!(places(source("Csv", with_a()), LogClock::Start), [late, 2 * HOUR + late]);
        // And so has what tells UTC, such as a film's receiver.
        let by_time = source("Gpmf", TelemetryStart::Utc(UtcTime(0)));
        assert_eq!(places(by_time, LogClock::Utc), [10 * HOUR + late, 12 * HOUR + late]);
    }

    /// The film's clock loses 84.24 ms in its hour: by true time it ends so much
    /// later, and a log that begins within these was running.
    #[test]
    fn footage_ends_by_true_time() {
        let recordings = [recording("front/a", 10)];
        let sources = [source("Fit", TelemetryStart::Utc(UtcTime(0)))];
        let told = |first: i64| {
            let summary = TelemetrySummary { clock: LogClock::Utc, first, last: 20 * HOUR, ..Default::default() };
            let log = Log { digest: Digest::of(b"log"), summary, parts: Vec::new(), is_completed: false };
            let places = [on_log(&sources, &log, &recordings, &recordings[0])];
            mismatch(&sources, &log, &recordings, &places, &[]).map(|problem| problem.message)
        };
        assert_eq!(told(11 * HOUR + 84_000_000), None);
        assert_eq!(told(11 * HOUR + 85_000_000).as_deref(), Some("no footage overlaps the log log"));
    }

    /// A log without dates is as lost with a sighting as without.
    #[test]
    fn a_wrong_sighting_is_told_once() {
        let place = || source("Csv", TelemetryStart::Utc(UtcTime(0))).place;
        let seen = Sighting {
            file: "b".to_owned(),
            time: Timestamp::ZERO,
            utc: UtcTime(0),
            place: place(),
            time_place: place(),
        };
        let set = FootageSet {
            name: "front".to_owned(),
            files: Vec::new(),
            clock: Clock { seen: vec![seen], stated: true, ..Clock::default() },
            fit: Fit::Fit,
            place: place(),
        };
        let sources = [TelemetrySource { start: None, ..source("Csv", TelemetryStart::Utc(UtcTime(0))) }];
        let told = |clock, utc| {
            let recordings = [Recording { utc, ..recording("front/a", 10) }];
            let summary = TelemetrySummary { clock, ..TelemetrySummary::default() };
            let log = Log { digest: Digest::of(b"log"), summary, parts: Vec::new(), is_completed: false };
            mismatch(&sources, &log, &recordings, &[None], std::slice::from_ref(&set)).map(|problem| problem.message)
        };
        assert_eq!(told(LogClock::Utc, None), None);
        let start = told(LogClock::Start, Some(UtcTime(10 * HOUR))).unwrap();
        assert!(start.contains("nothing says when the log"), "{start}");
    }

    /// What a film's own log says at an hour of it stays beside that hour where
    /// other logs are merged with it: 84.24 ms later than the film's clock has it.
    #[test]
    fn a_log_that_goes_by_the_film_is_merged_where_the_film_is() {
        let recordings = [recording("front/a", 10)];
        let summary = |clock| TelemetrySummary { clock, ..TelemetrySummary::default() };
        let log =
            Log { digest: Digest::of(b"log"), summary: summary(LogClock::Utc), parts: Vec::new(), is_completed: false };
        let an_hour_on =
            |source: &TelemetrySource, clock| telemetry::course(source, &summary(clock), &recordings).unwrap().at(HOUR);
        let start = || TelemetryStart::Recording("front/a".to_owned());
        for format in ["Gpmf", "Srt"] {
            let sources = [source(format, start()), source("Fit", start())];
            let place = on_log(&sources, &log, &recordings, &recordings[0]).unwrap();
            assert_eq!(an_hour_on(&sources[0], LogClock::Start), place.at(HOUR), "{format}");
            assert_eq!(place.at(HOUR), 11 * HOUR + 84_240_000);
        }
        // A logger of its own keeps its own time, and UTC is UTC.
        assert_eq!(an_hour_on(&source("Csv", start()), LogClock::Start), 11 * HOUR);
        assert_eq!(an_hour_on(&source("Gpmf", start()), LogClock::Utc), HOUR);
    }

    /// A log from 10:00 to 11:00; one camera films then, the other ten hours later.
    #[test]
    fn each_camera_beside_the_log_is_told() {
        let at =
            |camera: &str, hours| Recording { camera: camera.to_owned(), ..recording(&format!("{camera}/a"), hours) };
        let recordings = [at("front", 10), at("rear", 20), at("own", 20)];
        let set = |name: &str| FootageSet {
            name: name.to_owned(),
            files: Vec::new(),
            clock: Clock::default(),
            fit: Fit::Fit,
            place: source("Csv", TelemetryStart::Utc(UtcTime(0))).place,
        };
        let sets = ["front", "rear", "own", "nothing"].map(set);
        let summary = TelemetrySummary { first: 10 * HOUR, last: 11 * HOUR, ..TelemetrySummary::default() };
        let log = Log { digest: Digest::of(b"log"), summary, parts: Vec::new(), is_completed: false };
        let of_film =
            TelemetrySource { camera: Some("own".to_owned()), ..source("Gpmf", TelemetryStart::Utc(UtcTime(0))) };
        let sources = [source("Csv", TelemetryStart::Utc(UtcTime(0))), of_film];
        let places: Vec<Option<OnLog>> =
            recordings.iter().map(|one| Some(OnLog { start: one.utc?.0, drift: 0 })).collect();
        let told = beside_log(&sources, &log, &recordings, &places, &sets);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].message.starts_with("no footage of rear overlaps the logs"), "{told:?}");
        assert_eq!(told[0].notes, ["rear/a starts 10:00:00.000 after the log's first sample"]);
        let hint = told[0].hint.as_deref().unwrap();
        assert!(hint.starts_with("if the camera's clock is wrong, `clock: \"-10:00:00.000\"`"), "{told:?}");

        // A clock that the manifest states is what may be wrong; a file without a
        // date has nothing to be added to.
        let mut sets = sets;
        sets[1].clock.stated = true;
        let told = beside_log(&sources, &log, &recordings, &places, &sets);
        let hint = told[0].hint.as_deref().unwrap();
        let wanted = "if the clock that the manifest states is wrong, `clock: \"a @ 0:00 = 1970-01-01T10:00:00.000Z\"`";
        assert!(hint.starts_with(wanted), "{told:?}");
    }
}
