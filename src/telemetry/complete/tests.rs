//! What is added and hidden, on rides whose truth is known.

mod computed;
mod parts;
mod planned;
mod scored;

pub(super) use super::*;
use crate::base::{Digest, Unit};
use crate::model::specs::PrivatePlace;
use crate::model::telemetry::{Channel, LogClock, Mark, Telemetry};
use crate::telemetry::columns;
use crate::telemetry::lookup::{position, value_at};

/// A log completed in memory, and its summary; with as many samples at once as
/// an artifact's block has.
pub(super) fn complete(log: &Telemetry, spec: &CompleteSpec) -> Result<(Telemetry, TelemetrySummary), Stopped> {
    let (bytes, summary) = parted(log, spec, BLOCK)?;
    Ok((columns::decode(&bytes).unwrap(), summary))
}

/// The artifact that completing gives which puts aside `part` samples at once,
/// and its summary.
pub(super) fn parted(
    log: &Telemetry,
    spec: &CompleteSpec,
    part: usize,
) -> Result<(Vec<u8>, TelemetrySummary), Stopped> {
    let (mut bytes, mut scratch) = (Vec::new(), Vec::new());
    let stored = Reader::open(Box::new(columns::encode(log)))?;
    let summary = in_parts(&stored, spec, part, &mut scratch, &mut bytes)?;
    Ok((bytes, summary))
}

pub(super) const SECOND: i64 = 1_000_000_000;

pub(super) fn channel(name: &str, unit: Unit, values: Vec<f64>) -> Channel {
    Channel { name: name.to_owned(), unit, values }
}

/// A log at 1 Hz from time 0.
pub(super) fn log(channels: Vec<Channel>) -> Telemetry {
    let samples = channels.first().map_or(0, |channel| channel.values.len());
    Telemetry {
        clock: LogClock::Start,
        times: (0..samples as i64).map(|second| second * SECOND).collect(),
        channels,
        ..Telemetry::default()
    }
}

pub(super) fn spec() -> CompleteSpec {
    CompleteSpec { telemetry: Digest::of(b""), laps: None, privacy: Vec::new(), steps: Vec::new() }
}

/// North along a meridian from the equator's 0.001 degrees at 0.0001 degrees
/// (11.0574 m: WGS 84 has 110,574 m in the degree there) a second.
fn northwards(samples: u32) -> Telemetry {
    let each = |value: fn(f64) -> f64| (0..samples).map(|n| value(f64::from(n))).collect::<Vec<_>>();
    log(vec![
        channel("latitude", Unit::Degrees, each(|n| 0.001 + n * 0.0001)),
        channel("longitude", Unit::Degrees, each(|_| 8.5)),
        channel("altitude", Unit::Metres, each(|_| 400.0)),
        channel("speed", Unit::MetresPerSecond, each(|_| 11.06)),
        channel("heading", Unit::Degrees, each(|_| 0.0)),
        channel("gyro_z", Unit::None, each(|_| 0.1)),
        channel("my_gps_latitude", Unit::Degrees, each(|n| 0.001 + n * 0.0001)),
    ])
}

fn place(latitude: f64, longitude: f64, metres: u64) -> PrivatePlace {
    PrivatePlace { latitude: (latitude * 1e7) as i32, longitude: (longitude * 1e7) as i32, radius: metres * 1_000 }
}

#[test]
fn near_a_private_place_nothing_says_where_and_speed_goes_on() {
    let log = northwards(100);
    let spec = CompleteSpec { privacy: vec![place(0.001, 8.5, 200)], ..spec() };
    let (log, summary) = complete(&log, &spec).unwrap();
    // 200 m are 18.09 seconds: the 19th sample (of second 18) is the last within.
    for second in 0..100 {
        let time = second * SECOND;
        assert_eq!(position(&log, time).is_none(), second <= 18, "{second}");
        for name in ["latitude", "longitude", "heading", "gyro_z", "my_gps_latitude"] {
            assert_eq!(value_at(&log, name, time).is_none(), second <= 18, "{name} {second}");
        }
        assert_eq!(value_at(&log, "speed", time), Some(11.06));
        assert_eq!(value_at(&log, "altitude", time), Some(400.0));
    }
    // Nothing is interpolated over the edge.
    assert_eq!(position(&log, 18 * SECOND + SECOND / 2), None);
    assert_eq!(summary.notes, ["19 samples have no position: they lie near a place that is private"]);
    let known = |name: &str| summary.channels.iter().find(|channel| channel.name == name).unwrap().count;
    assert_eq!((known("latitude"), known("speed")), (81, 100));
}

#[test]
fn no_line_is_drawn_past_a_private_place_between_two_samples() {
    // A sample each 20 s: 221 m apart; the place lies between the third and the fourth,
    // nearer to the fourth, and none of them is within.
    let dense = northwards(200);
    let every =
        |channel: &Channel| Channel { values: channel.values.iter().copied().step_by(20).collect(), ..channel.clone() };
    let log = log(dense.channels.iter().map(every).collect());
    let between = 0.001 + 0.0052;
    let (log, _) = complete(&log, &CompleteSpec { privacy: vec![place(between, 8.5, 50)], ..spec() }).unwrap();
    let known: Vec<bool> = log.channels[0].values.iter().map(|value| value.is_finite()).collect();
    assert_eq!(known, [true, true, true, false, true, true, true, true, true, true]);
}

#[test]
fn a_sample_without_a_position_beside_a_hidden_one_is_hidden_as_well() {
    let mut log = northwards(40);
    for at in 16..25 {
        log.channels[0].values[at] = f64::NAN;
    }
    let (log, _) = complete(&log, &CompleteSpec { privacy: vec![place(0.001, 8.5, 200)], ..spec() }).unwrap();
    let heading = |second: i64| value_at(&log, "heading", second * SECOND);
    assert_eq!((heading(15), heading(24), heading(25)), (None, None, Some(0.0)));
}

#[test]
fn a_place_elsewhere_hides_nothing() {
    let before = northwards(30);
    let (log, summary) = complete(&before, &CompleteSpec { privacy: vec![place(1.0, 8.5, 200)], ..spec() }).unwrap();
    assert_eq!((log, summary.notes.len()), (before, 0));
}

#[test]
fn what_tells_the_way() {
    // Of AiM, RaceChrono, GoPro, FIT, and of nobody that is known.
    for name in [
        "latitude",
        "heading",
        "lateral_g",
        "lean_angle",
        "gps_lat_acc",
        "gps_gyro",
        "x_acc",
        "x_rate_of_rotation",
        "x_magnetic_field",
        "steering_angle",
        "accel_x",
        "orientation_w",
        "position_lat",
        "lat2",
        "easting",
        "anything",
    ] {
        assert!(privacy::tells(name), "{name}");
    }
    for name in ["speed", "altitude", "distance", "lap", "heart_rate", "longitudinal_g", "gradient"] {
        assert!(!privacy::tells(name), "{name}");
    }
}

/// A drone's distance from where it took off: three of them meet there.
#[test]
fn lengths_from_a_place_go_as_a_whole() {
    let mut log = northwards(30);
    let metres = |name: &str| Channel { name: name.to_owned(), unit: Unit::Metres, values: vec![5.0; log.times.len()] };
    let (home, depth) = (metres("home_distance"), metres("depth"));
    log.channels.extend([home, depth]);
    let (log, _) = complete(&log, &CompleteSpec { privacy: vec![place(0.001, 8.5, 200)], ..spec() }).unwrap();
    let known = |name: &str| log.channel(name).unwrap().values.iter().filter(|value| !value.is_nan()).count();
    assert_eq!(known("home_distance"), 0);
    assert!((1..log.times.len()).contains(&known("depth")), "{}", known("depth"));
}

/// A name may be an address: what was noted within a private place goes, by when
/// it was and by where it says itself that it is; what was noted elsewhere stays.
#[test]
fn what_is_noted_near_a_private_place_goes_with_its_name() {
    let mark = |time: i64, kind, name: &str, place| Mark { time, kind, name: name.to_owned(), place };
    let mut log = northwards(100);
    // Samples 0 to 18 are hidden (see above).
    log.marks = vec![
        mark(-SECOND, MarkKind::Event, "before the log", None),
        mark(5 * SECOND, MarkKind::Event, "Home, Bahnhofstrasse 1", None),
        mark(6 * SECOND, MarkKind::Lap, "home", None),
        mark(7 * SECOND, MarkKind::Pause, "", None),
        mark(18 * SECOND + SECOND / 2, MarkKind::Event, "at the edge", None),
        mark(19 * SECOND, MarkKind::Event, "outside", None),
        mark(50 * SECOND, MarkKind::Event, "Home, as it was noted later", Some((10_000, 85_000_000))),
        mark(60 * SECOND, MarkKind::Event, "summit", Some((70_000, 85_000_000))),
    ];
    let all = log.marks.clone();
    let steps = vec![CompleteStep::Score { name: "event".to_owned() }];
    let (done, summary) =
        complete(&log, &CompleteSpec { privacy: vec![place(0.001, 8.5, 200)], steps, ..spec() }).unwrap();
    let left: Vec<_> = done.marks.iter().map(|mark| (mark.time / SECOND, mark.kind, mark.name.as_str())).collect();
    assert_eq!(left, [(6, MarkKind::Lap, ""), (19, MarkKind::Event, "outside"), (60, MarkKind::Event, "summit")]);
    assert_eq!((summary.laps, summary.pauses, summary.events), (1, 0, 2));
    assert_eq!(summary.notes[1], "5 marks are left out: they lie near a place that is private");
    // Moments are found by them all the same.
    assert_eq!(value_at(&done, "event", 5 * SECOND), Some(1.0));
    let elsewhere = CompleteSpec { privacy: vec![place(1.0, 8.5, 200)], ..spec() };
    assert_eq!(complete(&log, &elsewhere).unwrap().0.marks, all);
}
