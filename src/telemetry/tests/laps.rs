//! Laps of a file, of a distance and of a line: that they begin and are counted
//! alike.

use super::values;
use crate::base::{Digest, Unit};
use crate::model::specs::{CompleteSpec, CompleteStep, LapRule};
use crate::model::telemetry::{Channel, LogClock, Mark, MarkKind, Telemetry};
use crate::telemetry::columns::{self, Reader};
use crate::telemetry::{clean, complete_stream};

const SECOND: i64 = 1_000_000_000;

/// A log at 1 Hz from time 0.
fn log(channels: &[(&str, Unit, Vec<f64>)]) -> Telemetry {
    let channel = |(name, unit, values): &(&str, Unit, Vec<f64>)| Channel {
        name: (*name).to_owned(),
        unit: *unit,
        values: values.clone(),
    };
    Telemetry {
        clock: LogClock::Start,
        times: (0..channels[0].2.len() as i64).map(|second| second * SECOND).collect(),
        channels: channels.iter().map(channel).collect(),
        ..Telemetry::default()
    }
}

/// With the times of laps and where they start.
fn completed(log: &Telemetry, laps: Option<LapRule>) -> Telemetry {
    let steps = vec![CompleteStep::LapTime, CompleteStep::Score { name: "lap_start".to_owned() }];
    // A rule brings the times along.
    let steps = if laps.is_some() { steps[1..].to_vec() } else { steps };
    let spec = CompleteSpec { telemetry: Digest::of(b""), laps, privacy: Vec::new(), steps };
    let stored = Reader::open(Box::new(columns::encode(log))).unwrap();
    let (mut bytes, mut scratch) = (Vec::new(), Vec::new());
    complete_stream(&stored, &spec, &mut scratch, &mut bytes).unwrap();
    columns::decode(&bytes).unwrap()
}

/// The seconds in which a lap starts: from 1 s before to 3 s after.
fn starting(log: &Telemetry) -> Vec<i64> {
    let starts = log.times.iter().zip(values(log, "lap_start"));
    starts.filter(|(_, value)| **value > 0.0).map(|(time, _)| time / SECOND).collect()
}

/// At 10 m/s laps of 200 m last 20 s. Whether the logger says so or the project:
/// the first begins with the recording, is number 1, and its start is one.
#[test]
fn the_first_lap_begins_with_the_recording() {
    let seconds = || (0..60).map(f64::from);
    let ride = log(&[
        ("speed", Unit::MetresPerSecond, vec![10.0; 60]),
        ("distance", Unit::Metres, seconds().map(|second| second * 10.0).collect()),
    ]);
    let mark = |second: i64| Mark { time: second * SECOND, kind: MarkKind::Lap, name: String::new(), place: None };
    let marked = Telemetry { marks: [0, 20, 40].map(mark).to_vec(), ..ride.clone() };
    let by_file = completed(&clean(&marked, 5_000).0, None);
    let by_distance = completed(&ride, Some(LapRule::Distance { millimetres: 200_000 }));
    for log in [by_file, by_distance] {
        let lap = seconds().map(|second| (second / 20.0).floor() + 1.0).collect::<Vec<_>>();
        assert_eq!(values(&log, "lap"), lap);
        assert_eq!(values(&log, "lap_time"), seconds().map(|second| second % 20.0).collect::<Vec<_>>());
        assert_eq!(starting(&log), [0, 1, 2, 3, 19, 20, 21, 22, 23, 39, 40, 41, 42, 43]);
    }
    // Of a logger that marks only where a lap ended, what comes before is of the
    // first, whose start nobody noted.
    let late = Telemetry { marks: [20, 40].map(mark).to_vec(), ..ride };
    let log = completed(&clean(&late, 5_000).0, None);
    assert_eq!([0, 19, 20, 39, 40].map(|at| values(&log, "lap")[at]), [1.0, 1.0, 1.0, 1.0, 2.0]);
    assert_eq!(starting(&log)[0], 19);
}

/// Round a square of 0.001 degrees in 40 s, over a line a quarter along its first
/// side: at 2.5 s, 42.5 s and 82.5 s. The way to the line is lap 0 and no start.
#[test]
fn the_first_lap_by_a_line_begins_at_the_line() {
    let corners = [(0.0, 0.0), (0.0, 0.001), (0.001, 0.001), (0.001, 0.0), (0.0, 0.0)];
    let place = |second: usize| {
        let ((a, b), (c, d)) = (corners[second / 10 % 4], corners[second / 10 % 4 + 1]);
        let share = (second % 10) as f64 / 10.0;
        (a + (c - a) * share, b + (d - b) * share)
    };
    let ride = log(&[
        ("latitude", Unit::Degrees, (0..100).map(|second| place(second).0).collect()),
        ("longitude", Unit::Degrees, (0..100).map(|second| place(second).1).collect()),
    ]);
    let line = LapRule::Line { from: (1_000, 2_500), to: (-1_000, 2_500), at_least_ms: 10_000 };
    let log = completed(&ride, Some(line));
    assert_eq!([0, 2, 3, 42, 43, 83].map(|at| values(&log, "lap")[at]), [0.0, 0.0, 1.0, 1.0, 2.0, 3.0]);
    assert_eq!(starting(&log), [2, 3, 4, 5, 42, 43, 44, 45, 82, 83, 84, 85]);
    assert!(values(&log, "lap_time")[2].is_nan() && values(&log, "lap_time")[3] == 0.5);
}

/// A receiver that finds its place after 10 s: what comes before is of the
/// first lap, which begins with the recording.
#[test]
fn before_the_first_distance_it_is_the_first_lap() {
    let distance = (0..60).map(|second| if second < 10 { f64::NAN } else { f64::from(second - 10) * 10.0 });
    let ride = log(&[("speed", Unit::MetresPerSecond, vec![10.0; 60]), ("distance", Unit::Metres, distance.collect())]);
    let log = completed(&ride, Some(LapRule::Distance { millimetres: 200_000 }));
    assert_eq!([0, 9, 10, 29, 30, 50].map(|at| values(&log, "lap")[at]), [1.0, 1.0, 1.0, 1.0, 2.0, 3.0]);
    assert_eq!([0, 9, 30].map(|at| values(&log, "lap_time")[at]), [0.0, 9.0, 0.0]);
    assert_eq!(starting(&log)[..4], [0, 1, 2, 3]);
}
