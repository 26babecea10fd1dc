//! Scores on rides whose truth is known, and on a real one.

use super::*;
use crate::base::Digest;
use crate::model::telemetry::{Mark, MarkKind};

fn scored(log: &Telemetry, name: &str) -> Vec<f64> {
    let steps = vec![CompleteStep::Score { name: name.to_owned() }];
    let (log, _) = complete(log, &CompleteSpec { steps, ..spec() }).unwrap();
    log.channel(name).unwrap().values.clone()
}

/// The stretches in which a column is not at rest, with its height there.
fn stretches(values: &[f64]) -> Vec<(usize, usize, f64)> {
    let mut found: Vec<(usize, usize, f64)> = Vec::new();
    for (at, value) in values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
        match found.last_mut() {
            Some(last) if last.1 + 1 == at && last.2 == *value => last.1 = at,
            _ => found.push((at, at, *value)),
        }
    }
    found
}

/// Straight lines through points of (second, value), at 1 Hz.
fn lines(points: &[(u32, f64)]) -> Vec<f64> {
    let mut values = vec![points[0].1];
    for pair in points.windows(2) {
        let ((from, a), (to, b)) = (pair[0], pair[1]);
        values.extend((from + 1..=to).map(|t| a + (b - a) * f64::from(t - from) / f64::from(to - from)));
    }
    values
}

#[test]
fn a_new_maximum_is_held_comes_after_the_first_minutes_and_is_the_last_of_its_surge() {
    // 12 in the first two minutes, 11 later, 14 held for 3 s at 300, a glitch of 40 for one
    // sample at 400, 13 at 500, 15 at 600.
    let mut speed = lines(&[
        (0, 5.0),
        (60, 12.0),
        (80, 5.0),
        (200, 11.0),
        (220, 5.0),
        (280, 5.0),
        (300, 14.0),
        (303, 14.0),
        (320, 5.0),
        (500, 13.0),
        (520, 5.0),
        (580, 5.0),
        (600, 15.0),
        (604, 15.0),
        (620, 5.0),
        (700, 5.0),
    ]);
    speed[400] = 40.0;
    let log = log(vec![channel("speed", Unit::MetresPerSecond, speed)]);
    assert_eq!(stretches(&scored(&log, "new_maximum(speed)")), [(299, 303, 1.0), (599, 603, 1.0)]);
}

/// Heights and prominences as one reads them off the drawn profile.
#[test]
fn summits_have_their_prominence_and_descents_their_height() {
    let altitude = lines(&[
        (0, 400.0),
        (100, 500.0),
        (150, 470.0),
        (200, 600.0),
        (250, 595.0),
        (260, 602.0),
        (400, 350.0),
        (500, 360.0),
    ]);
    let log = log(vec![channel("altitude", Unit::Metres, altitude)]);
    // 500 has 470 on its way to 602: 30. 600 is no summit: only 5 down to 602. 602 goes down
    // to 400 on one side and to 350 on the other: 202.
    assert_eq!(stretches(&scored(&log, "summit")), [(99, 103, 30.0), (259, 263, 202.0)]);
    // 30 m from 500, and 252 from 602; the 5 m from 600 are none.
    assert_eq!(stretches(&scored(&log, "descent")), [(100, 150, 30.0), (260, 400, 252.0)]);
}

#[test]
fn laps_and_events_count_for_the_seconds_around_them() {
    let mut log = log(vec![channel("speed", Unit::MetresPerSecond, vec![5.0; 100])]);
    let mark = |second: i64, kind| Mark { time: second * SECOND, kind, name: String::new(), place: None };
    log.marks = vec![mark(20, MarkKind::Lap), mark(50, MarkKind::Event), mark(70, MarkKind::Pause)];
    assert_eq!(stretches(&scored(&log, "lap_start")), [(19, 23, 1.0)]);
    assert_eq!(stretches(&scored(&log, "event")), [(47, 51, 1.0)]);
}

/// A ride of 3.5 h with a Garmin Edge 500. Times (seconds from the start) and
/// prominences are those of the altitudes in an independent decode of the file
/// (records.csv), by the definition of SciPy's `peak_prominences`.
#[test]
#[expect(clippy::print_stderr, reason = "says what it skips")]
fn the_summits_of_a_real_ride() {
    let folder = std::env::var_os("AUTOCUT_TESTDATA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata"),
        std::path::PathBuf::from,
    );
    let Ok(bytes) = std::fs::read(folder.join("telemetry/edge500.fit")) else {
        return eprintln!("skipped: ../shared/testdata is not here (edge500.fit)");
    };
    let fit = crate::telemetry::FORMATS.iter().find(|format| format.name() == "Fit").unwrap();
    let (raw, _) = crate::telemetry::in_memory(|out| (fit.import)(&mut bytes.as_slice(), "{}", out)).unwrap();
    let (ride, _) = crate::telemetry::clean(&raw, 5_000);
    let names = ["summit", "descent", "new_maximum(speed)", "event"];
    let mut steps: Vec<CompleteStep> =
        names.iter().map(|name| CompleteStep::Score { name: (*name).to_owned() }).collect();
    steps.push(CompleteStep::VerticalSpeed);
    let spec = CompleteSpec { telemetry: Digest::of(b""), laps: None, privacy: Vec::new(), steps };
    let (ride, summary) = complete(&ride, &spec).unwrap();
    let values = |name: &str| &ride.channel(name).unwrap().values;
    let since = |at: usize| (ride.times[at] - ride.times[0]) / SECOND;
    // Summits begin to count a second before they are reached.
    let summits: Vec<(i64, f64)> =
        stretches(values("summit")).iter().map(|(at, _, height)| (since(*at), *height)).collect();
    let expected = [(4_471, 22.2), (8_157, 180.4), (11_185, 22.6), (12_304, 49.2)];
    assert_eq!(summits.len(), expected.len(), "{summits:?}");
    for ((found, height), (time, prominence)) in summits.iter().zip(expected) {
        assert!((time - 1..=time).contains(found) && *height == prominence, "{found} {height}, {time} {prominence}");
    }
    // The longest way down begins at the most prominent summit, and the fastest of the ride is on it.
    let descents = stretches(values("descent"));
    let longest = descents.iter().max_by(|a, b| a.2.total_cmp(&b.2)).unwrap();
    assert!((8_157..8_160).contains(&since(longest.0)), "{longest:?}");
    let maxima = stretches(values("new_maximum(speed)"));
    let last = maxima.last().unwrap();
    assert!(longest.0 < last.0 && last.1 < longest.1, "{maxima:?}");
    // Whatever is found is held for two samples, and faster than all that was before.
    let speed = values("speed");
    let held = |at: usize| speed[at].min(speed[at + 1]);
    for (from, _, _) in &maxima {
        let at = (*from..from + 3).find(|at| since(*at) > since(*from)).unwrap();
        assert!((121..at).all(|before| held(before).is_nan() || held(before) <= held(at)), "{}", since(*from));
    }
    // A racing cyclist climbs by less than 2,000 m/h, and falls by less than 50 km/h.
    let vertical = summary.channels.iter().find(|channel| channel.name == "vertical_speed").unwrap();
    assert!(vertical.low > -6_000 && vertical.high < 550 && vertical.count > 10_000, "{vertical:?}");
}
