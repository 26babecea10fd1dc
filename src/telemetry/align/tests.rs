//! Clocks that are known, against what is found of them.

use super::*;
use crate::base::Unit;
use crate::model::payloads;
use crate::model::telemetry::{Channel, LogClock};

const SECOND: i64 = 1_000_000_000;

/// A ride that never repeats, in m/s, at a second: sums of waves whose lengths
/// have no common multiple.
fn speed(second: f64) -> f64 {
    8.0 + 3.0 * (second / 17.3).sin() + 2.0 * (second / 5.9).sin() + 1.5 * (second / 41.7).cos()
}

/// A log at 1 Hz of that ride, from 10:00 UTC.
fn log(seconds: i64) -> Telemetry {
    let start: jiff::Timestamp = "2024-06-01T10:00:00Z".parse().unwrap();
    let times: Vec<i64> = (0..seconds).map(|at| (start.as_second() + at) * SECOND).collect();
    let values = (0..seconds).map(|at| speed(at as f64)).collect();
    let channels = vec![Channel { name: "speed".to_owned(), unit: Unit::MetresPerSecond, values }];
    Telemetry { clock: LogClock::Utc, times, channels, ..Telemetry::default() }
}

fn item(key: &[u8; 4], kind: u8, size: u8, data: &[u8]) -> Vec<u8> {
    let count = u16::try_from(data.len() / usize::from(size)).unwrap();
    let mut bytes = [&key[..], &[kind, size], &count.to_be_bytes(), data].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The track of a camera without a clock in it, which films from `from` seconds
/// into the ride: GPS5 at 18 Hz as GoPro's own description has it.
fn track(from: f64, seconds: u32) -> Vec<u8> {
    let mut out = Vec::new();
    payloads::begin(&mut out, &[]).unwrap();
    for second in 0..seconds {
        let sample = |at: u32| {
            let speed = speed(from + f64::from(second) + f64::from(at) / 18.0);
            let values = [471_000_000, 93_000_000, 400_000, (speed * 1e3).round() as i32, (speed * 1e2).round() as i32];
            values.into_iter().flat_map(i32::to_be_bytes).collect::<Vec<u8>>()
        };
        let scale: Vec<u8> =
            [10_000_000, 10_000_000, 1_000, 1_000, 100_i32].into_iter().flat_map(i32::to_be_bytes).collect();
        let stream = [
            item(b"GPSF", b'L', 4, &3_u32.to_be_bytes()),
            item(b"GPSP", b'S', 2, &150_u16.to_be_bytes()),
            item(b"SCAL", b'l', 4, &scale),
            item(b"GPS5", b'l', 20, &(0..18).flat_map(sample).collect::<Vec<u8>>()),
        ];
        let device = item(b"DEVC", 0, 1, &item(b"STRM", 0, 1, &stream.concat()));
        payloads::append(&mut out, i64::from(second) * SECOND, SECOND, &device).unwrap();
    }
    out
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second() * SECOND
}

fn recorded<'a>(claimed: &str, seconds: i64, payloads: Option<&'a [u8]>) -> Recorded<'a> {
    Recorded { claimed: Some(at(claimed)), duration: seconds * SECOND, chapters: vec![(0, payloads)] }
}

#[test]
fn a_clock_that_is_wrong_by_hours_is_found_by_speed_alone() {
    // Two recordings, 612.34 s and 1,500.34 s into the ride; the camera's clock
    // says that they started at 03:17 and 03:31:48.
    let (one, two) = (track(612.34, 40), track(1_500.34, 25));
    let recordings =
        [recorded("2024-06-01T03:17:00Z", 40, Some(&one)), recorded("2024-06-01T03:31:48Z", 25, Some(&two))];
    let log = log(3_600);
    let (found, warnings) = align(&recordings, Some((&log, 0))).unwrap();
    let truth = [612.34, 1_500.34].map(|into: f64| at("2024-06-01T10:00:00Z") + (into * 1e9) as i64);
    for (start, truth) in found.starts.iter().zip(truth) {
        assert!(
            start.unwrap().abs_diff(truth) < 50_000_000,
            "{} ms off: {found:?}",
            (start.unwrap() - truth) / 1_000_000
        );
    }
    assert_eq!((found.method, &warnings[..]), (AlignMethod::Speed, &[][..]), "{found:?}");
    assert!(found.confidence > 900, "{found:?}");
    assert!((found.offset_ms.unwrap() - 24_792_340).abs() < 50, "{found:?}");
}

#[test]
fn footage_without_any_clock_is_found_too() {
    let one = track(612.34, 40);
    let recordings = [Recorded { claimed: None, duration: 40 * SECOND, chapters: vec![(0, Some(&one))] }];
    let (found, _) = align(&recordings, Some((&log(3_600), 0))).unwrap();
    let truth = at("2024-06-01T10:10:12Z") + 340_000_000;
    assert!(found.starts[0].unwrap().abs_diff(truth) < 50_000_000, "{found:?}");
    assert_eq!(found.offset_ms, None);
}

#[test]
fn another_ride_is_not_believed() {
    // The same roads backwards, ten times as fast: nothing of it is in the log.
    let mut other = log(3_600);
    for (at, value) in other.channels[0].values.iter_mut().enumerate() {
        *value = 20.0 + 8.0 * (at as f64 / 2.1).sin() * (at as f64 / 7.7).cos();
    }
    let one = track(612.34, 40);
    let recordings = [recorded("2024-06-01T10:10:00Z", 40, Some(&one))];
    let (found, _) = align(&recordings, Some((&other, 0))).unwrap();
    assert_eq!((found.method, found.offset_ms), (AlignMethod::Claimed, Some(0)), "{found:?}");
}

#[test]
fn laps_that_are_alike_make_it_unsure() {
    // 60 s a lap: every lap fits.
    let mut laps = log(1_200);
    let lap = |second: f64| 10.0 + 4.0 * (second / 60.0 * std::f64::consts::TAU).sin();
    laps.channels[0].values = (0..1_200).map(|at| lap(f64::from(at))).collect();
    let camera =
        Curve::of_samples(&(0..900).map(|at| (at * 100_000_000, lap(130.0 + at as f64 / 10.0))).collect::<Vec<_>>())
            .unwrap();
    let logger = Curve::of(0, 1_199 * SECOND, |time| Some(lap(time as f64 / 1e9))).unwrap();
    let found = correlate::best(&camera, &logger, true).unwrap();
    assert!(found.confidence < LEAST, "{found:?}");
    assert_eq!((found.lag / SECOND).rem_euclid(60), 10, "{found:?}");
}

#[test]
fn a_claim_within_the_log_stays() {
    let (found, warnings) = align(&[recorded("2024-06-01T10:10:00Z", 60, None)], Some((&log(3_600), 0))).unwrap();
    assert_eq!((found.method, found.offset_ms, warnings.len()), (AlignMethod::Claimed, Some(0), 0));
    assert_eq!(found.starts, [Some(at("2024-06-01T10:10:00Z"))]);
}

#[test]
fn a_zone_is_tried_where_just_one_fits_and_told() {
    let (log, day) = (log(3_000), log(86_400));
    let of = |claimed, seconds| align(&[recorded(claimed, seconds, None)], Some((&log, 0))).unwrap();
    let (found, warnings) = of("2024-06-01T12:10:00Z", 600);
    assert_eq!((found.method, found.offset_ms), (AlignMethod::Zone, Some(-7_200_000)));
    assert!(warnings[0].contains("write `clock: \"-2:00:00.000\"` in its footage set"), "{warnings:?}");
    // Nepal is 5 h 45 min ahead: no whole hour fits, nor a half.
    let (found, _) = of("2024-06-01T15:52:00Z", 2_000);
    assert_eq!((found.method, found.offset_ms), (AlignMethod::Zone, Some(-20_700_000)), "{found:?}");
    // Days away: nothing fits.
    let (found, warnings) = of("2024-06-05T10:00:00Z", 600);
    assert_eq!((found.method, warnings.len()), (AlignMethod::Claimed, 1));
    assert!(warnings[0].contains("none of the camera's footage lies in the log"), "{warnings:?}");
    // A log of a day: every zone fits, so none is taken.
    let (found, _) = align(&[recorded("2024-05-31T23:00:00Z", 600, None)], Some((&day, 0))).unwrap();
    assert_eq!(found.method, AlignMethod::Claimed, "{found:?}");
    assert!(found.note.starts_with("the footage would lie in the log at"), "{found:?}");
}
