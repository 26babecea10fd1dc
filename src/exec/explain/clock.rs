//! How each camera's clock was found, what else was tried, and the line of the
//! manifest that pins it.

use std::sync::Arc;

use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Timestamp, UtcTime};
use crate::exec::workspace::Workspace;
use crate::graph::footage::{self, Recording};
use crate::graph::{clocks, telemetry};
use crate::manifest::lockfile::literal;
use crate::manifest::manifest::{Clock, FootageSet};
use crate::model::alignment::{AlignMethod, Alignment, Attempt};
use crate::telemetry::align::written;

/// One camera's clock.
#[derive(Debug)]
pub struct CameraClock {
    pub camera: String,
    /// One word, for programs: a method's name, or `manifest`.
    pub method: &'static str,
    /// What it rests on, in words.
    pub basis: String,
    /// Added to what the camera says, in ms.
    pub offset_ms: Option<i64>,
    /// In 1 / 1,000; `None` where nothing was measured.
    pub confidence: Option<u16>,
    /// What speaks for it; may be empty.
    pub evidence: String,
    /// In 1 / 1,000 of a part per million.
    pub drift: i32,
    /// Offsets in ms that are nearly as good, with their score in 1 / 1,000.
    pub alternatives: Vec<(i64, i16)>,
    pub tried: Vec<Attempt>,
    pub recordings: Vec<Start>,
    /// What would pin it, as it stands in a manifest; `None` where the manifest
    /// has it already, or nothing is known.
    pub pin: Option<String>,
}

/// When one recording starts.
#[derive(Debug)]
pub struct Start {
    pub name: String,
    pub utc: Option<UtcTime>,
    /// What the file says.
    pub claimed: Option<UtcTime>,
    /// In 1 / 1,000 of a part per million.
    pub drift: i32,
}

impl Start {
    /// What is added to what the file says, in ms.
    pub fn offset_ms(&self) -> Option<i64> {
        Some(self.utc?.since(self.claimed?).to_millis())
    }
}

/// Recordings whose offsets differ by no more than this, in ms, have one.
const SAME: i64 = 20;

/// The clocks of all cameras, or of one.
///
/// # Errors
///
/// There is no such camera.
pub fn cameras(workspace: &Workspace, camera: Option<&str>) -> Result<Vec<CameraClock>, Diagnostic> {
    let sets = &workspace.manifest.footage;
    if let Some(wrong) = camera.filter(|camera| sets.iter().all(|set| set.name != *camera)) {
        let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
        let problem = Diagnostic::input(format!("no footage set is named {wrong:?}"));
        return Err(match nearest(wrong, names.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean {near:?}?")),
            None => problem.hint(format!("there are: {}", names.join(", "))),
        });
    }
    let (db, project) = (&workspace.db, workspace.project);
    let aligned = clocks::aligned(db, project).value.clone();
    // Where something of the log is wrong, what is known without it.
    let received = telemetry::received(db, project).value.clone();
    let recordings = match (&aligned, &received) {
        (Some(aligned), _) => Some(aligned.recordings.clone()),
        (None, Some(received)) => Some(received.recordings.clone()),
        (None, None) => footage::recordings(db, project).value.clone(),
    };
    let found = |camera: &str| match (&aligned, &received) {
        (Some(aligned), _) => aligned.cameras.get(camera).cloned(),
        (None, Some(received)) => received.cameras.get(camera).cloned(),
        (None, None) => None,
    };
    let recordings = recordings.unwrap_or_default();
    let wanted = sets.iter().filter(|set| camera.is_none_or(|camera| camera == set.name));
    let report = |set: &FootageSet| {
        let own: Vec<&Recording> = recordings.iter().filter(|one| one.camera == set.name).collect();
        report(workspace, set, &own, found(&set.name).filter(|_| !set.clock.stated))
    };
    Ok(wanted.map(report).collect())
}

fn report(workspace: &Workspace, set: &FootageSet, own: &[&Recording], found: Option<Arc<Alignment>>) -> CameraClock {
    let start = |recording: &&Recording| Start {
        name: recording.name.clone(),
        utc: recording.utc,
        claimed: recording.chapters.first().and_then(|chapter| chapter.info.created),
        drift: recording.drift,
    };
    let recordings: Vec<Start> = own.iter().map(start).collect();
    let mut offsets: Vec<i64> = recordings.iter().filter_map(Start::offset_ms).collect();
    offsets.sort_unstable();
    let drift = own.iter().map(|one| one.drift).max_by_key(|drift| drift.unsigned_abs()).unwrap_or(0);
    let sources = &workspace.manifest.telemetry;
    let is_source = sources.iter().any(|source| source.camera.as_ref() == Some(&set.name));
    let (method, basis, evidence) = match &found {
        _ if set.clock.stated => ("manifest", format!("the manifest: {}", stated(&set.clock)), String::new()),
        Some(found) => (found.method.name(), found.method.to_string(), found.note.clone()),
        None => {
            let why = if own.is_empty() {
                "nothing of it was filmed"
            } else if sources.is_empty() {
                "there is no log to compare it with"
            } else if is_source {
                "its own telemetry is one of the logs"
            } else if recordings.iter().all(|one| one.claimed.is_none()) {
                "it does not say when it filmed"
            } else {
                "all of its footage lies in the log as it stands, and nothing in it can be compared"
            };
            (AlignMethod::Claimed.name(), AlignMethod::Claimed.to_string(), why.to_owned())
        }
    };
    // A clock that puts nothing into the log is not to be pinned.
    let is_beside = found.as_ref().is_some_and(|found| found.method == AlignMethod::Claimed && found.confidence == 0);
    let pin = (!set.clock.stated && !is_beside).then(|| pin(set, &recordings, &offsets)).flatten();
    CameraClock {
        camera: set.name.clone(),
        method,
        basis,
        offset_ms: offsets.get(offsets.len() / 2).copied(),
        confidence: found.as_ref().filter(|found| found.method != AlignMethod::Claimed).map(|found| found.confidence),
        evidence,
        drift,
        alternatives: found.as_ref().map(|found| found.alternatives.clone()).unwrap_or_default(),
        tried: found.map(|found| found.tried.clone()).unwrap_or_default(),
        recordings,
        pin,
    }
}

/// What a manifest says of a clock.
pub fn stated(clock: &Clock) -> String {
    let mut text = match (clock.seen.as_slice(), clock.start) {
        ([], Some(start)) => format!("its first recording starts {start}"),
        ([], None) if clock.offset == Timestamp::ZERO => "the camera's clock is right".to_owned(),
        ([], None) => format!("the camera's clock moved by {}", written(clock.offset.to_millis())),
        (seen, _) => {
            let told = seen.iter().map(|seen| format!("{} at {} is {}", seen.file, seen.time, seen.utc));
            told.collect::<Vec<_>>().join(", ")
        }
    };
    if clock.drift != 0 {
        text += &format!(", drifting by {} ppm", ppm(clock.drift));
    }
    text
}

/// 1 / 1,000 of a part per million as a manifest has them.
pub fn ppm(drift: i32) -> String {
    let (sign, drift) = (if drift < 0 { "-" } else { "" }, drift.unsigned_abs());
    format!("{sign}{}.{}", drift / 1_000, drift % 1_000 / 100)
}

/// The field that pins what was found: an offset where all recordings have one,
/// else each recording's start. Drift is one for all of a camera there, so it is
/// left out where theirs differ.
fn pin(set: &FootageSet, recordings: &[Start], offsets: &[i64]) -> Option<String> {
    let (first, last) = (offsets.first(), offsets.last());
    let known: Vec<i32> = recordings.iter().filter(|one| one.utc.is_some()).map(|one| one.drift).collect();
    let drift = known.first().copied().filter(|drift| known.iter().all(|other| other == drift)).unwrap_or(0);
    let spread = last.zip(first).map_or(0, |(last, first)| last - first);
    let drifts = if drift == 0 { String::new() } else { format!(", drift: {}", ppm(drift)) };
    if offsets.len() == known.len() && spread <= SAME {
        let offset = written(*offsets.get(offsets.len() / 2)?);
        return Some(match drift {
            0 => format!("clock: \"{offset}\""),
            _ => format!("clock: Clock(offset: \"{offset}\"{drifts})"),
        });
    }
    let seen = |one: &Start| {
        let name = one.name.strip_prefix(set.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
        Some(literal(&format!("{} @ 0s = {}", name.unwrap_or(&one.name), one.utc?)))
    };
    let seen: Vec<String> = recordings.iter().filter_map(seen).collect();
    Some(match (seen.as_slice(), drift) {
        ([], _) => return None,
        ([only], 0) => format!("clock: {only}"),
        (all, 0) => format!("clock: [{}]", all.join(", ")),
        (all, _) => format!("clock: Clock(seen: [{}]{drifts})", all.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Place;
    use crate::manifest::manifest::At;
    use crate::model::Fit;

    const SECOND: i64 = 1_000_000_000;

    /// What pins recordings of names, of which the files say second 0, 1 and so on:
    /// when they start in ms, and their drift.
    fn pinned(recordings: &[(&str, i64, i32)]) -> Option<String> {
        let place = At(Place { file: "autocut.ron".into(), line: 1, column: 1, width: 1, source: String::new() });
        let clock = Clock::default();
        let set = FootageSet { name: "cam".to_owned(), files: Vec::new(), clock, fit: Fit::Fit, place };
        let start = |(at, (name, ms, drift)): (usize, &(&str, i64, i32))| Start {
            name: format!("cam/{name}"),
            utc: Some(UtcTime(ms * 1_000_000)),
            claimed: Some(UtcTime(at as i64 * SECOND)),
            drift: *drift,
        };
        let starts: Vec<Start> = recordings.iter().enumerate().map(start).collect();
        let mut offsets: Vec<i64> = starts.iter().filter_map(Start::offset_ms).collect();
        offsets.sort_unstable();
        pin(&set, &starts, &offsets)
    }

    #[test]
    fn drift_is_pinned_where_all_recordings_have_it() {
        let pin = pinned(&[("a", 5_000, 23_400), ("b", 6_000, 23_400)]);
        assert_eq!(pin.as_deref(), Some("clock: Clock(offset: \"+00:05.000\", drift: 23.4)"));
        let pin = pinned(&[("a", 5_000, 23_400), ("b", 6_000, 0)]);
        assert_eq!(pin.as_deref(), Some("clock: \"+00:05.000\""));
        let pin = pinned(&[("a", 5_000, 23_400), ("b", 60_000, 12_000)]);
        let seen = "clock: [\"a @ 0s = 1970-01-01T00:00:05.000Z\", \"b @ 0s = 1970-01-01T00:01:00.000Z\"]";
        assert_eq!(pin.as_deref(), Some(seen));
    }

    #[test]
    fn names_are_written_as_a_manifest_reads_them() {
        let pin = pinned(&[("a=\"b\"\\c", 5_000, 0), ("d", 60_000, 0)]);
        let seen = r#"clock: ["a=\"b\"\\c @ 0s = 1970-01-01T00:00:05.000Z", "d @ 0s = 1970-01-01T00:01:00.000Z"]"#;
        assert_eq!(pin.as_deref(), Some(seen));
    }
}
