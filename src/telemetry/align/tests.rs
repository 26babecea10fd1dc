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
    track_at(seconds, |time| speed(from + time))
}

/// One whose speed is this at whole seconds.
fn track_of(speeds: &[f64]) -> Vec<u8> {
    let at = |time: f64| speeds[time as usize] + (speeds[time as usize + 1] - speeds[time as usize]) * time.fract();
    track_at(speeds.len() as u32 - 1, at)
}

fn track_at(seconds: u32, speed: impl Fn(f64) -> f64) -> Vec<u8> {
    let mut out = Vec::new();
    payloads::begin(&mut out, &[]).unwrap();
    for second in 0..seconds {
        let sample = |at: u32| {
            let speed = speed(f64::from(second) + f64::from(at) / 18.0);
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

/// A recording with its track, as files of an own content.
struct Film {
    recorded: Recorded,
    tracks: Vec<Vec<u8>>,
}

fn film(claimed: Option<&str>, chapters: &[(i64, Vec<u8>)]) -> Film {
    let tracks: Vec<Vec<u8>> = chapters.iter().map(|(_, track)| track.clone()).collect();
    let mut offset = 0;
    let place = |(seconds, track): &(i64, Vec<u8>)| {
        let at = offset;
        offset += seconds * SECOND;
        Chapter { offset: at, payloads: Some(Digest::of(track)), motion: Vec::new() }
    };
    let chapters = chapters.iter().map(place).collect();
    Film { recorded: Recorded { claimed: claimed.map(at), duration: offset, chapters }, tracks }
}

fn recorded(claimed: &str, seconds: i64, track: Vec<u8>) -> Film {
    film(Some(claimed), &[(seconds, track)])
}

/// Without a telemetry track.
fn bare(claimed: &str, seconds: i64) -> Film {
    let recorded =
        Recorded { claimed: Some(at(claimed)), duration: seconds * SECOND, chapters: vec![Chapter::default()] };
    Film { recorded, tracks: Vec::new() }
}

fn aligned(films: &[Film], log: &Telemetry) -> (Alignment, Vec<String>) {
    let recordings: Vec<Recorded> = films.iter().map(|film| film.recorded.clone()).collect();
    let tracks = |digest: Digest| {
        let mut all = films.iter().flat_map(|film| &film.tracks);
        Ok(all.find(|track| Digest::of(track) == digest).unwrap().clone())
    };
    align(&recordings, Some((log, 0)), &tracks, &|_| Ok(Signal::default())).unwrap()
}

fn starts(found: &Alignment) -> Vec<i64> {
    found.clocks.iter().map(|clock| clock.start.unwrap()).collect()
}

#[test]
fn a_clock_that_is_wrong_by_hours_is_found_by_speed_alone() {
    // Two recordings, 612.34 s and 1,500.34 s into the ride; the camera's clock
    // says that they started at 03:17 and 03:31:48.
    let films = [
        recorded("2024-06-01T03:17:00Z", 40, track(612.34, 40)),
        recorded("2024-06-01T03:31:48Z", 25, track(1_500.34, 25)),
    ];
    let (found, warnings) = aligned(&films, &log(3_600));
    let truth = [612.34, 1_500.34].map(|into: f64| at("2024-06-01T10:00:00Z") + (into * 1e9) as i64);
    for (start, truth) in starts(&found).into_iter().zip(truth) {
        assert!(start.abs_diff(truth) < 50_000_000, "{} ms off: {found:?}", (start - truth) / 1_000_000);
    }
    assert_eq!((found.method, &warnings[..]), (AlignMethod::Speed, &[][..]), "{found:?}");
    assert!(found.confidence > 900, "{found:?}");
    assert!((found.offset_ms.unwrap() - 24_792_340).abs() < 50, "{found:?}");
}

#[test]
fn footage_without_any_clock_is_found_too() {
    let (found, warnings) = aligned(&[film(None, &[(40, track(612.34, 40))])], &log(3_600));
    let truth = at("2024-06-01T10:10:12Z") + 340_000_000;
    assert!(starts(&found)[0].abs_diff(truth) < 50_000_000, "{found:?}");
    assert_eq!(found.offset_ms, None);
    // However like it is: 40 s may be so by chance.
    assert!(warnings.len() == 1 && warnings[0].contains("is not sure"), "{warnings:?}");
}

/// A clip that says when it starts to the second is no chance where it is found
/// there; one of less than a minute that is found elsewhere may be.
#[test]
fn short_clips_move_a_clock_with_a_warning_alone() {
    let of = |claimed| aligned(&[recorded(claimed, 30, track(612.34, 30))], &log(3_600));
    let (found, warnings) = of("2024-06-01T10:10:12Z");
    assert_eq!((found.method, warnings.len()), (AlignMethod::Speed, 0), "{found:?} {warnings:?}");
    let (found, warnings) = of("2024-06-01T03:17:00Z");
    assert!(found.method == AlignMethod::Speed && found.confidence >= SHORT, "{found:?}");
    assert!(warnings[0].contains("of 100 by less than a minute of footage"), "{warnings:?}");
}

/// Speeds of a ride that are no ride's: seeded steps at random, so that nothing of
/// one seed is in another.
fn wandering(seed: u64, seconds: usize) -> Vec<f64> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let (mut speed, mut towards) = (6.0, 8.0);
    let step = |_| {
        if chance.f64() < 0.05 {
            towards = chance.f64() * 14.0;
        }
        speed += (towards - speed) * 0.1 + (chance.f64() - 0.5) * 0.4;
        speed
    };
    (0..seconds).map(step).collect()
}

#[test]
fn short_clips_of_another_ride_are_never_silently_placed() {
    let mut other = log(10_800);
    other.channels[0].values = wandering(1, 10_800);
    let mut used = 0;
    for seed in 2..26 {
        let seconds = 12 + seed as usize % 4 * 6;
        let speeds = wandering(seed, seconds + 1);
        let (found, warnings) = aligned(&[recorded("2024-01-01T03:17:00Z", seconds as i64, track_of(&speeds))], &other);
        assert!(!warnings.is_empty(), "{seed}: {found:?}");
        used += usize::from(found.method != AlignMethod::Claimed);
    }
    assert!(used <= 1, "{used} of 24");
}

#[test]
fn another_ride_is_not_believed() {
    // The same roads backwards, ten times as fast: nothing of it is in the log.
    let mut other = log(3_600);
    for (at, value) in other.channels[0].values.iter_mut().enumerate() {
        *value = 20.0 + 8.0 * (at as f64 / 2.1).sin() * (at as f64 / 7.7).cos();
    }
    let (found, _) = aligned(&[recorded("2024-06-01T10:10:00Z", 40, track(612.34, 40))], &other);
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
    let mut logger = Logger::new(0, 1_199 * SECOND, |time| Some(lap(time as f64 / 1e9))).unwrap();
    let found = correlate::best(&camera, &mut logger, true).unwrap();
    assert!(found.confidence < LEAST, "{found:?}");
    assert_eq!((found.lag / SECOND).rem_euclid(60), 10, "{found:?}");
}

#[test]
fn a_claim_within_the_log_stays() {
    let (found, warnings) = aligned(&[bare("2024-06-01T10:10:00Z", 60)], &log(3_600));
    assert_eq!((found.method, found.offset_ms, warnings.len()), (AlignMethod::Claimed, Some(0), 0));
    assert_eq!(starts(&found), [at("2024-06-01T10:10:00Z")]);
    // And it is no secret that nothing but the camera says so.
    let nothing = "100 % of its footage lies in the log as its clock stands; it is taken as the camera states it; \
                   nothing confirms it";
    assert_eq!(found.note, nothing);
    // A clip of an hour in a log of four, which a shift of an hour leaves there too.
    let film = bare("2024-06-01T11:00:00Z", 3_600).recorded;
    let found = kept(&[film], (at("2024-06-01T10:00:00Z"), at("2024-06-01T14:00:00Z")));
    assert_eq!((found.method, found.offset_ms, &found.note[..]), (AlignMethod::Claimed, Some(0), nothing));
    let hours: Vec<i64> = found.alternatives.iter().map(|(offset, _)| offset / 3_600_000).collect();
    assert_eq!(hours[..4], [-1, 1, 2, -1], "the last is that it says the end: {found:?}");
}

#[test]
fn a_zone_is_tried_where_just_one_fits_and_told() {
    let (log, day) = (log(3_000), log(86_400));
    let of = |claimed, seconds| aligned(&[bare(claimed, seconds)], &log);
    let (found, warnings) = of("2024-06-01T12:10:00Z", 600);
    assert_eq!((found.method, found.offset_ms), (AlignMethod::Zone, Some(-7_200_000)));
    assert!(warnings[0].contains("write `clock: \"-2:00:00.000\"` in its footage set"), "{warnings:?}");
    // At 10:10 by that. At 10:25 and ending at 10:10 it would lie in the log too.
    for other in ["-1:45:00.000", "-2:10:00.000 (if it says when recordings end)"] {
        assert!(warnings[0].contains(other), "{warnings:?}");
    }
    assert!(found.alternatives.contains(&(-6_300_000, 0)), "{found:?}");
    // Nepal is 5 h 45 min ahead: no whole hour fits, nor a half.
    let (found, _) = of("2024-06-01T15:52:00Z", 2_000);
    assert_eq!((found.method, found.offset_ms), (AlignMethod::Zone, Some(-20_700_000)), "{found:?}");
    // Days away: nothing fits.
    let (found, warnings) = of("2024-06-05T10:00:00Z", 600);
    assert_eq!((found.method, warnings.len()), (AlignMethod::Claimed, 1));
    assert!(warnings[0].contains("none of the camera's footage lies in the log"), "{warnings:?}");
    // A log of a day: every zone fits, so none is taken.
    let (found, warnings) = aligned(&[bare("2024-05-31T23:00:00Z", 600)], &day);
    assert_eq!(found.method, AlignMethod::Claimed, "{found:?}");
    assert!(found.note.starts_with("the footage would lie in the log at"), "{found:?}");
    assert!(warnings.len() == 1 && warnings[0].contains("of which none is taken"), "{warnings:?}");
    assert!(!warnings[0].contains("no zone"), "{warnings:?}");
}

/// 49 minutes that ended at 10:49:30: nothing but that puts them into a log of 50.
#[test]
fn a_clock_that_says_when_recordings_end_is_told_by_when_they_start() {
    let (log, short) = (log(3_000), log(2_060));
    let (found, warnings) = aligned(&[bare("2024-06-01T12:49:30Z", 2_940)], &log);
    assert_eq!(starts(&found), [at("2024-06-01T10:00:30Z")]);
    assert_eq!((found.method, found.offset_ms), (AlignMethod::Zone, Some(-(7_200 + 2_940) * 1_000)));
    assert!(warnings[0].contains("write `clock: \"-2:49:00.000\"`"), "{warnings:?}");
    // Of several lengths no one offset is right.
    let films = [bare("2024-06-01T12:25:10Z", 1_500), bare("2024-06-01T12:49:00Z", 1_400)];
    let (found, warnings) = aligned(&films, &log);
    assert_eq!(starts(&found), ["2024-06-01T10:00:10Z", "2024-06-01T10:25:40Z"].map(at), "{found:?}");
    assert!(warnings[0].contains("as `autocut explain clock` shows it"), "{warnings:?}");
    assert!(!warnings[0].contains("clock: \"-"), "{warnings:?}");
    // In UTC too: 34 minutes that ended at 10:34:25, 6 s after the log.
    let (found, warnings) = aligned(&[bare("2024-06-01T10:34:25Z", 2_040)], &short);
    assert_eq!((found.method, starts(&found)), (AlignMethod::Zone, vec![at("2024-06-01T10:00:25Z")]), "{warnings:?}");
    assert!(warnings.len() == 1 && warnings[0].contains("write `clock: \"-34:00.000\"`"), "{warnings:?}");
    // 9 s of it lie in the log as it is.
    let (found, warnings) = aligned(&[bare("2024-06-01T10:34:10Z", 2_040)], &short);
    assert_eq!(found.method, AlignMethod::Claimed, "{found:?}");
    assert!(warnings[0].contains("; taken for when recordings end all of it would"), "{warnings:?}");
    assert!(warnings[0].contains("write `clock: \"-34:00.000\"`"), "{warnings:?}");
}

/// 105 s of which the camera filmed 6 after the logger had stopped, or 5 before it
/// was started: two hours are likelier than a clock that says the end two hours off.
#[test]
fn a_zone_is_found_where_some_footage_lies_beside_the_log() {
    let log = log(600);
    for (claimed, share) in [("2024-06-01T12:08:20Z", "94 %"), ("2024-06-01T11:59:55Z", "95 %")] {
        let (found, warnings) = aligned(&[bare(claimed, 105)], &log);
        assert_eq!((found.method, found.offset_ms), (AlignMethod::Zone, Some(-7_200_000)), "{found:?}");
        assert!(found.note.starts_with(share), "{found:?}");
        assert!(warnings.len() == 1 && warnings[0].contains(&format!("with {share} of the footage in the log")));
        assert!(warnings[0].contains("write `clock: \"-2:00:00.000\"`"), "{warnings:?}");
    }
}

/// The track of a camera that has an accelerometer alone: it shakes as much as
/// it is fast. 200 samples a second, seeded noise.
fn shaken(from: f64, seconds: u32) -> Vec<u8> {
    let mut chance = fastrand::Rng::with_seed(3);
    let mut out = Vec::new();
    payloads::begin(&mut out, &[]).unwrap();
    for second in 0..seconds {
        // A jolt for each tenth, which the mean over a tenth keeps.
        let jolts: Vec<f64> = (0..10).map(|_| chance.f64() * 2.0 - 1.0).collect();
        let sample = |at: usize| {
            let strong = speed(from + f64::from(second) + at as f64 / 200.0) / 4.0;
            let values = [9.81 + strong * jolts[at / 20], 0.3, -0.2];
            values.into_iter().flat_map(|value| ((value * 418.0_f64).round() as i16).to_be_bytes()).collect::<Vec<u8>>()
        };
        let stream = [
            item(b"SCAL", b's', 2, &418_i16.to_be_bytes()),
            item(b"ACCL", b's', 6, &(0..200).flat_map(sample).collect::<Vec<u8>>()),
        ];
        let device = item(b"DEVC", 0, 1, &item(b"STRM", 0, 1, &stream.concat()));
        payloads::append(&mut out, i64::from(second) * SECOND, SECOND, &device).unwrap();
    }
    out
}

#[test]
fn a_camera_without_gps_is_found_by_how_it_shakes() {
    // Eight minutes from 1,200 s into the ride; its clock says three hours later.
    let (found, warnings) = aligned(&[recorded("2024-06-01T13:20:00Z", 480, shaken(1_200.0, 480))], &log(3_600));
    assert_eq!(found.method, AlignMethod::Shaking, "{found:?}");
    let away = starts(&found)[0] - at("2024-06-01T10:20:00Z");
    assert!(away.abs() < 1_000_000_000, "{} ms off: {found:?} {warnings:?}", away / 1_000_000);
    let methods: Vec<AlignMethod> = found.tried.iter().map(|attempt| attempt.method).collect();
    assert_eq!(methods, [AlignMethod::Receiver, AlignMethod::Speed, AlignMethod::Shaking]);
    assert!(found.tried[1].found.contains("measures no speed"), "{found:?}");
}

/// 16 s of the same ride: how it shakes is like several places of it.
#[test]
fn a_short_clip_that_shakes_alone_is_not_used() {
    let mut other = log(10_800);
    other.channels[0].values = wandering(1, 10_800);
    for from in 0..8 {
        let clip = shaken(f64::from(from) * 40.0, 16);
        let (found, _) = aligned(&[recorded("2024-01-01T13:20:00Z", 16, clip)], &other);
        assert_eq!(found.method, AlignMethod::Claimed, "{found:?}");
    }
}

#[test]
fn chapters_are_aligned_as_one_recording() {
    // 612.34 s into the ride in three files of 20 s, each too short to tell.
    let chapters = [0, 20, 40].map(|at| (20, track(612.34 + f64::from(at), 20)));
    let (found, _) = aligned(&[film(Some("2024-06-01T03:17:00Z"), &chapters)], &log(3_600));
    let truth = at("2024-06-01T10:10:12Z") + 340_000_000;
    assert!(starts(&found)[0].abs_diff(truth) < 50_000_000, "{found:?}");
    assert_eq!((found.method, found.clocks.len()), (AlignMethod::Speed, 1));
}

#[test]
fn recordings_whose_clock_says_whole_seconds_each_find_their_own_place() {
    // Both claims are cut to the second: .34 and .91 are lost.
    let films = [
        recorded("2024-06-01T03:10:12Z", 40, track(612.34, 40)),
        recorded("2024-06-01T03:25:00Z", 40, track(1_500.91, 40)),
    ];
    let (found, _) = aligned(&films, &log(3_600));
    let truth = [612.34, 1_500.91].map(|into: f64| at("2024-06-01T10:00:00Z") + (into * 1e9) as i64);
    for (start, truth) in starts(&found).into_iter().zip(truth) {
        assert!(start.abs_diff(truth) < 50_000_000, "{} ms off: {found:?}", (start - truth) / 1_000_000);
    }
}

/// The film's clock loses 150 parts per million: an hour of it takes 0.54 s more.
#[test]
fn drift_is_found_beside_the_log_where_a_recording_is_long() {
    let stretched = |ppm: f64| {
        let mut out = Vec::new();
        payloads::begin(&mut out, &[]).unwrap();
        for second in 0..3_000_u32 {
            let true_time = 300.0 + f64::from(second) * (1.0 + ppm / 1e6);
            let bytes = track(true_time, 1);
            let payload = payloads::split(&bytes).unwrap().payloads[0].bytes.to_vec();
            payloads::append(&mut out, i64::from(second) * SECOND, SECOND, &payload).unwrap();
        }
        out
    };
    let of = |ppm| aligned(&[recorded("2024-06-01T03:17:00Z", 3_000, stretched(ppm))], &log(3_600)).0;
    let found = of(150.0);
    assert!((found.clocks[0].drift - 150_000).abs() <= 10_000, "{found:?}");
    assert!(starts(&found)[0].abs_diff(at("2024-06-01T10:05:00Z")) < 50_000_000, "{found:?}");
    // And none where there is none.
    assert_eq!(of(0.0).clocks[0].drift, 0);
}

#[test]
fn claims_days_apart_are_compared_too() {
    // One film five days before the ride, in which nothing of it is.
    let films = [
        recorded("2024-05-27T03:17:00Z", 30, track(40.0, 30)),
        recorded("2024-06-01T03:17:00Z", 120, track(612.34, 120)),
    ];
    let (found, _) = aligned(&films, &log(3_600));
    let truth = at("2024-06-01T10:10:12Z") + 340_000_000;
    assert!(starts(&found)[1].abs_diff(truth) < 50_000_000, "{found:?}");
}

/// A camera whose clock was reset for one clip, eight years before an hour's ride.
#[test]
fn a_clip_whose_clock_was_reset_spoils_nothing() {
    let films = [
        recorded("2016-01-01T00:00:00Z", 30, track(40.0, 30)),
        recorded("2024-06-01T03:17:00Z", 3_600, track(612.34, 3_600)),
    ];
    let (found, _) = aligned(&films, &log(5_400));
    let truth = at("2024-06-01T10:10:12Z") + 340_000_000;
    assert_eq!(found.method, AlignMethod::Speed, "{found:?}");
    assert!(starts(&found)[1].abs_diff(truth) < 50_000_000, "{found:?}");
    // And as much is looked at as of the hour alone: both ends of it may lie beside
    // the log, but for half of all that was filmed.
    let year = 365 * 86_400;
    let seconds: Vec<(i64, f64)> = (0..30).chain(8 * year..8 * year + 3_600).map(|second| (second, 0.0)).collect();
    assert_eq!(correlate::lags(&seconds, 5_400, 1_815).count(), 5_400 + 3_600 - 2 * 1_815 + 1);
}

#[test]
fn lags_are_those_at_which_enough_lies_in_the_log() {
    let seconds: [(i64, f64); 8] = [0, 1, 2, 10, 11, 40, 41, 47].map(|second| (second, 0.0));
    for (length, least) in [(12, 3), (5, 3), (3, 3), (2, 3), (100, 8), (48, 8), (47, 8), (9, 1), (20, 9)] {
        let inside = |lag: i64| seconds.iter().filter(|(at, _)| (0..length).contains(&(at + lag))).count();
        let expected: Vec<i64> = (-200..200).filter(|lag| inside(*lag) >= least).collect();
        let mut found: Vec<i64> = correlate::lags(&seconds, length, least).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{length} {least}");
    }
}

#[test]
fn footage_half_beside_the_log_is_told_where_another_hour_explains_all() {
    let films = [bare("2024-06-01T09:56:00Z", 600), bare("2024-06-01T09:40:00Z", 600)];
    let (found, warnings) = aligned(&films, &log(3_000));
    assert_eq!((found.method, found.offset_ms), (AlignMethod::Claimed, Some(0)));
    assert!(warnings[0].contains("30 % of its footage lies in the log; moved by +"), "{warnings:?}");
    // Mostly within: that is how rides begin.
    let (found, warnings) = aligned(&[bare("2024-06-01T09:58:00Z", 600)], &log(3_000));
    assert_eq!((found.method, warnings.len()), (AlignMethod::Claimed, 0), "{warnings:?}");
    assert!(found.note.starts_with("80 % of its footage lies in the log as its clock stands"), "{found:?}");
}

#[test]
fn a_claim_that_the_cameras_own_speed_contradicts_is_told() {
    // The claim lies in the log, the speed is of quite another ride.
    let mut other = log(3_600);
    for (at, value) in other.channels[0].values.iter_mut().enumerate() {
        *value = 20.0 + 8.0 * (at as f64 / 2.1).sin() * (at as f64 / 7.7).cos();
    }
    let (found, warnings) = aligned(&[recorded("2024-06-01T10:10:00Z", 90, track(612.34, 90))], &other);
    assert_eq!(found.method, AlignMethod::Claimed, "{found:?}");
    assert!(warnings.len() == 1 && warnings[0].contains("its own speed is not like the log's"), "{warnings:?}");
}

#[test]
fn films_without_a_date_are_told() {
    let film = Film {
        recorded: Recorded { claimed: None, duration: 60 * SECOND, chapters: vec![Chapter::default()] },
        tracks: Vec::new(),
    };
    let (found, warnings) = aligned(&[film], &log(3_600));
    assert_eq!((found.method, found.offset_ms), (AlignMethod::Claimed, None));
    assert!(warnings[0].starts_with("nothing says when the camera's films were recorded"), "{warnings:?}");
}
