//! What the manifest says is seen at a time of a file, and when that happened:
//! which recording is meant, and when it and the others of its camera start.

use crate::base::{Diagnostic, Timestamp, UtcTime};
use crate::graph::chapters::stem;
use crate::graph::db::Db;
use crate::graph::footage::Recording;
use crate::manifest::manifest::{FootageSet, Sighting};
use crate::model::alignment::drifted;

/// Two sightings at least this far apart may tell a drift, in ns.
const APART: i64 = 600_000_000_000;

const SECOND: i64 = 1_000_000_000;

/// By how much two of them may be wrong against each other, in ns: where one is
/// in whole seconds, and where none is, since people see to a tenth or so. What
/// is less is no drift.
const WHOLE: i64 = SECOND;
const SEEN: i64 = SECOND / 5;

/// A film's clock is not further off than this, in 1 / 1,000 of a part per million.
const MOST_DRIFT: i64 = 500_000;

/// Two of one recording that contradict each other by more than this, in ns, are
/// wrong.
const AGREE: u64 = 2_000_000_000;

/// Puts the recordings of a camera where the manifest has seen them; what is
/// wrong with it goes to `problem`.
pub(super) fn apply(db: &dyn Db, set: &FootageSet, recordings: &mut [Recording], problem: &mut impl FnMut(Diagnostic)) {
    // Of each recording that was seen: in it, and when that was.
    let mut seen: Vec<(usize, Vec<(i64, &Sighting)>)> = Vec::new();
    for sighting in &set.clock.seen {
        match place(db, set, recordings, sighting) {
            Ok((at, time)) => match seen.iter_mut().find(|(known, _)| *known == at) {
                Some((_, times)) => times.push((time, sighting)),
                None => seen.push((at, vec![(time, sighting)])),
            },
            Err(wrong) => problem(wrong),
        }
    }
    let mut shift = None;
    for (at, mut times) in seen {
        times.sort_by_key(|(time, _)| *time);
        let Some(recording) = recordings.get_mut(at) else { continue };
        let claimed = recording.utc;
        match clock(&times, recording.drift) {
            Ok((start, drift)) => (recording.utc, recording.drift) = (Some(UtcTime(start)), drift),
            Err(wrong) => problem(wrong),
        }
        let moved = recording.utc.zip(claimed).map(|(utc, claimed)| utc.since(claimed));
        shift = shift.or(moved);
        recording.seen = true;
    }
    // Those that were not seen follow the first that was, by when they start: at
    // what rate a clock goes depends on how warm the camera is.
    let Some(shift) = shift else {
        recordings.iter_mut().filter(|recording| !recording.seen).for_each(|recording| recording.utc = None);
        return;
    };
    for recording in recordings.iter_mut().filter(|recording| !recording.seen) {
        recording.utc = recording.utc.map(|utc| utc.plus(shift));
    }
}

/// When a recording starts, by the mean of what was seen in it, and how it drifts;
/// in order of time.
fn clock(times: &[(i64, &Sighting)], stated: i32) -> Result<(i64, i32), Diagnostic> {
    let (Some((first, one)), Some((last, other))) = (times.first(), times.last()) else { return Ok((0, stated)) };
    let (span, passed) = (last.saturating_sub(*first), other.utc.0.saturating_sub(one.utc.0));
    let away = i128::from(passed) - i128::from(span);
    let rate = away * 1_000_000_000 / i128::from(span.max(1));
    let is_whole = |seen: &Sighting| seen.utc.0 % SECOND == 0 || seen.time.to_nanos() % SECOND == 0;
    let wrong = if is_whole(one) || is_whole(other) { WHOLE } else { SEEN };
    let is_plain = away.abs() > i128::from(wrong) && rate.abs() <= i128::from(MOST_DRIFT);
    let drifts = stated == 0 && span >= APART && is_plain;
    let drift = if drifts { i32::try_from(rate).unwrap_or(0) } else { stated };
    let start = |time: i64, seen: &Sighting| seen.utc.0.saturating_sub(time).saturating_sub(drifted(time, drift));
    let start_at = start(*first, one);
    for (time, seen) in times {
        let apart = start(*time, seen).abs_diff(start_at);
        if apart > AGREE {
            let apart = Timestamp::from_nanos(i64::try_from(apart).unwrap_or(i64::MAX));
            let problem =
                Diagnostic::input(format!("what is seen at {} of {} contradicts the clock", seen.time, seen.file))
                    .note(format!("by what is seen at {} of {} it happened {apart} from then", one.time, one.file))
                    .hint("correct one of them, or take one out");
            return Err(problem.at(seen.place.0.clone()));
        }
    }
    let sum: i128 = times.iter().map(|(time, seen)| i128::from(start(*time, seen))).sum();
    let mean = sum.div_euclid(times.len().max(1) as i128);
    Ok((i64::try_from(mean).unwrap_or(start_at), drift))
}

/// The recording that a sighting's file is of, and its time in it in ns.
fn place(db: &dyn Db, set: &FootageSet, recordings: &[Recording], seen: &Sighting) -> Result<(usize, i64), Diagnostic> {
    let named = seen.file.strip_prefix(set.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
    let names = [Some(seen.file.as_str()), named];
    let is_named = |path: &str| {
        let bare = path.rsplit_once('.').map_or(path, |(bare, _)| bare);
        names.into_iter().flatten().any(|name| {
            let ends = |path: &str| path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
            ends(path) || ends(bare)
        })
    };
    // A recording's own name is that of its first chapter, unless two would have it.
    let mut found: Vec<(usize, Timestamp, Timestamp, String)> = Vec::new();
    for (at, recording) in recordings.iter().enumerate() {
        let own = recording.name.strip_prefix(set.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
        for (index, chapter) in recording.chapters.iter().enumerate() {
            let path = chapter.file.path(db);
            let by_recording = index == 0 && (recording.name == seen.file || own == Some(seen.file.as_str()));
            if by_recording {
                // All of it, as pins have it.
                found = vec![(at, Timestamp::ZERO, recording.duration, path.clone())];
                return within(found, seen);
            }
            if is_named(path) {
                found.push((at, chapter.offset, chapter.video.duration, path.clone()));
            }
        }
    }
    if found.is_empty() {
        let paths: Vec<&str> =
            recordings.iter().flat_map(|one| &one.chapters).map(|it| it.file.path(db).as_str()).collect();
        let near = crate::base::diagnostic::nearest(stem(&seen.file), paths.iter().map(|path| stem(path)));
        let hint = match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("there are: {}", paths.iter().take(8).copied().collect::<Vec<_>>().join(", ")),
        };
        let problem = Diagnostic::input(format!("{} has no file {:?}", set.name, seen.file));
        return Err(problem.hint(hint).at(seen.place.0.clone()));
    }
    within(found, seen)
}

/// The one that was found, where the time lies in it.
fn within(found: Vec<(usize, Timestamp, Timestamp, String)>, seen: &Sighting) -> Result<(usize, i64), Diagnostic> {
    let [(at, offset, duration, _)] = &found[..] else {
        let paths: Vec<&str> = found.iter().map(|(.., path)| path.as_str()).collect();
        let problem =
            Diagnostic::input(format!("{} files are called {:?}: {}", paths.len(), seen.file, paths.join(", ")));
        return Err(problem.hint("name it with its folder").at(seen.place.0.clone()));
    };
    if seen.time > *duration {
        let problem = Diagnostic::input(format!(
            "{} lies behind the end of {:?}, which is {duration} long",
            seen.time, seen.file
        ));
        return Err(problem.at(seen.time_place.0.clone()));
    }
    Ok((*at, (*offset + seen.time).to_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Place;
    use crate::manifest::manifest::At;

    /// Seen at a time of a film that starts at 10:00 UTC, and by how much late; both
    /// in ms.
    fn seen(time: i64, late: i64) -> Sighting {
        let start: jiff::Timestamp = "2024-06-01T10:00:00Z".parse().unwrap();
        let place = || At(Place { file: "autocut.ron".into(), line: 1, column: 1, width: 1, source: String::new() });
        Sighting {
            file: "film".to_owned(),
            time: Timestamp::from_millis(time),
            utc: UtcTime((start.as_millisecond() + time + late) * 1_000_000),
            place: place(),
            time_place: place(),
        }
    }

    /// By how many ms the start is late, and the drift.
    fn found(all: &[Sighting], stated: i32) -> (i64, i32) {
        let start: jiff::Timestamp = "2024-06-01T10:00:00Z".parse().unwrap();
        let times: Vec<(i64, &Sighting)> = all.iter().map(|seen| (seen.time.to_nanos(), seen)).collect();
        let (at, drift) = clock(&times, stated).unwrap();
        ((at - start.as_second() * SECOND) / 1_000_000, drift)
    }

    #[test]
    fn whole_seconds_are_no_drift() {
        // Ten minutes apart: a second of rounding would be 1,667 parts per million, a
        // second in an hour 278.
        assert_eq!(found(&[seen(10_000, 0), seen(610_000, 1_000)], 0), (500, 0));
        assert_eq!(found(&[seen(10_000, 0), seen(3_610_000, 1_000)], 0), (500, 0));
        // Nor what somebody may miss by a tenth or so: 200 of them in ten minutes.
        assert_eq!(found(&[seen(10_100, 0), seen(610_100, 120)], 0), (60, 0));
    }

    #[test]
    fn what_no_reading_explains_is_drift() {
        // 1.8 s of whole seconds in 9,000 s and 0.72 s of milliseconds in an hour are
        // 200 parts per million; the film's start is late by none of it.
        assert_eq!(found(&[seen(0, 0), seen(9_000_000, 1_800)], 0), (0, 200_000));
        assert_eq!(found(&[seen(100, 0), seen(3_600_100, 720)], 0), (0, 200_000));
        // 600 are no clock's: what is between counts.
        assert_eq!(found(&[seen(100, 0), seen(1_000_100, 600)], 0), (300, 0));
        // What the manifest states stays.
        assert_eq!(found(&[seen(0, 0), seen(9_000_000, 1_800)], 200_000), (0, 200_000));
        // More than two seconds are a contradiction.
        let wrong = [seen(0, 0), seen(600_000, 2_500)];
        let times: Vec<(i64, &Sighting)> = wrong.iter().map(|seen| (seen.time.to_nanos(), seen)).collect();
        assert!(clock(&times, 0).is_err());
    }
}
