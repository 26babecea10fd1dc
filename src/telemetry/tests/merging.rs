//! Several logs as one.

use super::values;
use crate::base::Unit;
use crate::model::alignment::Course;
use crate::model::telemetry::{Channel, LogClock, Mark, MarkKind, Telemetry};
use crate::telemetry::columns::{self, Reader};
use crate::telemetry::{lookup, merge, merge_stream};

const SECOND: i64 = 1_000_000_000;

/// A log with a sample at each of these seconds.
fn log(seconds: &[i64], channels: &[(&str, Unit, &[f64])], breaks: &[u32]) -> Telemetry {
    let channel = |(name, unit, values): &(&str, Unit, &[f64])| Channel {
        name: (*name).to_owned(),
        unit: *unit,
        values: values.to_vec(),
    };
    Telemetry {
        clock: LogClock::Utc,
        times: seconds.iter().map(|second| second * SECOND).collect(),
        channels: channels.iter().map(channel).collect(),
        breaks: breaks.to_vec(),
        marks: Vec::new(),
    }
}

fn at(log: &Telemetry, channel: &str, seconds: f64) -> Option<f64> {
    lookup::value_at(log, channel, (seconds * 1e9) as i64)
}

const BPM: Unit = Unit::BeatsPerMinute;
const MPS: Unit = Unit::MetresPerSecond;

#[test]
fn the_first_log_counts_and_the_next_fills_its_gaps() {
    // Silent from 2 to 8; its pulse fails at 9.
    let watch = log(
        &[0, 1, 2, 8, 9, 10],
        &[
            ("speed", MPS, &[1.0, 1.0, 1.0, 5.0, 5.0, 5.0]),
            ("heart_rate", BPM, &[100.0, 100.0, 100.0, 100.0, f64::NAN, 100.0]),
        ],
        &[3],
    );
    let car = log(
        &[0, 3, 6, 9, 12],
        &[("speed", MPS, &[20.0, 23.0, 26.0, 29.0, 32.0]), ("power", Unit::Watts, &[0.0, 30.0, 60.0, 90.0, 120.0])],
        &[],
    );
    let (both, summary) = merge(&[watch.clone(), car.clone()]);
    assert_eq!(both.clock, LogClock::Utc);
    // The watch where it knows, the car within its gap and after it.
    assert_eq!([0.0, 1.5, 2.0, 8.5, 10.0].map(|t| at(&both, "speed", t)), [1.0, 1.0, 1.0, 5.0, 5.0].map(Some));
    assert_eq!([3.0, 4.5, 6.0, 12.0].map(|t| at(&both, "speed", t)), [23.0, 24.5, 26.0, 32.0].map(Some));
    // What only the car has is there at all times, on its own line.
    assert_eq!([0.5, 2.0, 8.0, 11.0].map(|t| at(&both, "power", t)), [5.0, 20.0, 80.0, 110.0].map(Some));
    // What only the watch has stays unknown in its gap and where it failed.
    assert_eq!(
        [1.5, 2.5, 5.0, 7.9, 8.5, 9.5].map(|t| at(&both, "heart_rate", t)),
        [Some(100.0), None, None, None, None, None]
    );
    assert_eq!((both.breaks.as_slice(), summary.gaps), ([].as_slice(), 0));
    // The other way round the car's speed counts.
    let (other, _) = merge(&[car, watch]);
    assert_eq!([0.0, 1.0, 8.0].map(|t| at(&other, "speed", t)), [20.0, 21.0, 28.0].map(Some));
    assert_eq!(at(&other, "heart_rate", 1.0), Some(100.0));
}

/// Nobody looks across the gap of a log that another covers without a sample.
#[test]
fn a_gap_within_two_samples_of_another_stays_one() {
    let watch = log(&[0, 10, 90, 100], &[("heart_rate", BPM, &[100.0, 100.0, 150.0, 150.0])], &[2]);
    let slow = log(&[-50, 150], &[("temperature", Unit::Celsius, &[10.0, 30.0])], &[]);
    let (both, _) = merge(&[watch, slow]);
    assert_eq!(at(&both, "heart_rate", 50.0), None);
    assert_eq!(at(&both, "heart_rate", 20.0), None);
    assert_eq!(at(&both, "temperature", 50.0), Some(20.0));
}

#[test]
fn where_no_log_knows_anything_is_a_break() {
    let one = log(&[0, 1, 60, 61], &[("speed", MPS, &[1.0, 1.0, 2.0, 2.0])], &[2]);
    let two = log(&[5, 6, 59, 62], &[("speed", MPS, &[3.0, 3.0, 4.0, 4.0])], &[2]);
    let (both, summary) = merge(&[one, two.clone()]);
    assert_eq!(summary.gaps, 2);
    assert_eq!([3.0, 30.0].map(|t| at(&both, "speed", t)), [None, None]);
    assert_eq!([1.0, 5.0, 6.0, 59.0, 60.5].map(|t| at(&both, "speed", t)), [1.0, 3.0, 3.0, 4.0, 2.0].map(Some));
}

#[test]
fn clocks_are_moved_and_units_converted() {
    let mut one = log(&[0, 1], &[("speed", MPS, &[1.0, 2.0])], &[]);
    one.marks.push(Mark { time: SECOND, kind: MarkKind::Lap, name: String::new(), place: None });
    let mut two = log(&[0, 1], &[("own", Unit::Kilometres, &[1.0, 2.0])], &[]);
    two.marks.push(Mark { time: 0, kind: MarkKind::Lap, name: String::new(), place: None });
    two.marks.push(Mark { time: 0, kind: MarkKind::Event, name: "gel".to_owned(), place: None });
    let three = log(&[2, 3], &[("own", Unit::Metres, &[3_000.0, 4_000.0])], &[]);
    let all = merged(&[(&one, 10, 0), (&two, 20, 0), (&three, 20, 0)]);
    assert_eq!(at(&all, "speed", 10.5), Some(1.5));
    assert_eq!([20.0, 21.0, 22.0, 23.0].map(|t| at(&all, "own", t)), [1.0, 2.0, 3.0, 4.0].map(Some));
    // The laps of the first that has any; the events of the other.
    let marks: Vec<_> = all.marks.iter().map(|mark| (mark.time / SECOND, mark.kind)).collect();
    assert_eq!(marks, [(11, MarkKind::Lap), (20, MarkKind::Event)]);
}

/// Stored logs as one, each with UTC at its own 0 in s and its drift.
fn merged(parts: &[(&Telemetry, i64, i32)]) -> Telemetry {
    let stored: Vec<_> = parts
        .iter()
        .map(|(log, start, drift)| {
            let course = Course { start: start * SECOND, drift: *drift };
            (Reader::open(Box::new(columns::encode(log))).unwrap(), course)
        })
        .collect();
    let parts: Vec<_> = stored.iter().map(|(log, course)| (log, *course)).collect();
    let mut bytes = Vec::new();
    merge_stream(&parts, &mut bytes).unwrap();
    columns::decode(&bytes).unwrap()
}

/// 23.4 parts per million of an hour are 84.24 ms: so much later it was by the
/// other's clock when the film's had counted an hour.
#[test]
fn a_log_by_a_film_whose_clock_is_slow_runs_as_long_as_true_time() {
    let mut film = log(&[0, 1_800, 3_600], &[("speed", MPS, &[1.0, 2.0, 3.0])], &[]);
    film.marks.push(Mark { time: 3_600 * SECOND, kind: MarkKind::Event, name: "HiLight".to_owned(), place: None });
    let watch = log(&[100, 3_800], &[("heart_rate", BPM, &[100.0, 140.0])], &[]);
    let both = merged(&[(&film, 100, 23_400), (&watch, 0, 0)]);
    let late = |seconds: i64, late: i64| seconds * SECOND + late;
    assert_eq!(both.times, [late(100, 0), late(1_900, 42_120_000), late(3_700, 84_240_000), late(3_800, 0)]);
    assert_eq!(both.marks[0].time, late(3_700, 84_240_000));
    assert_eq!(lookup::value_at(&both, "speed", late(3_700, 84_240_000)), Some(3.0));
    // A clock that is fast, the other way.
    let both = merged(&[(&film, 100, -23_400), (&watch, 0, 0)]);
    assert_eq!(both.times[2], late(3_700, -84_240_000));
}

/// The second logger was started later, so that its count is another.
#[test]
fn a_distance_goes_on_over_a_gap() {
    let m = Unit::Metres;
    let one = log(&[0, 10, 50, 60], &[("distance", m, &[1_000.0, 1_100.0, 1_100.0, 1_200.0])], &[2]);
    let two =
        log(&[0, 10, 20, 30, 40, 50, 60], &[("distance", m, &[0.0, 90.0, 180.0, 270.0, 360.0, 450.0, 540.0])], &[]);
    let (both, _) = merge(&[one, two.clone()]);
    let distance = values(&both, "distance");
    assert!(distance.windows(2).all(|pair| pair[1] >= pair[0]), "{distance:?}");
    assert_eq!(
        [0.0, 10.0, 20.0, 40.0].map(|t| at(&both, "distance", t)),
        [1_000.0, 1_100.0, 1_190.0, 1_370.0].map(Some)
    );
    // The first counts again once it is back.
    assert_eq!(at(&both, "distance", 60.0).unwrap() - at(&both, "distance", 50.0).unwrap(), 100.0);

    // What both counted over the gap is counted once.
    let one = log(&[0, 10, 50, 60], &[("distance", m, &[1_000.0, 1_100.0, 1_470.0, 1_570.0])], &[2]);
    let (both, _) = merge(&[one, two.clone()]);
    assert_eq!([40.0, 50.0, 60.0].map(|t| at(&both, "distance", t)), [1_370.0, 1_470.0, 1_570.0].map(Some));
}
