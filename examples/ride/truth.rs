//! What is true of the ride, for tests and for the curious: written beside the
//! project as `truth.json`. No part of autocut reads it.

use autocut::base::{Diagnostic, Size, Timestamp, UtcTime};
use serde::Serialize;

use crate::frame::{MARK_BITS, mark_side};
use crate::logger::Log;
use crate::music::BEATS_PER_MINUTE;
use crate::plan::{Plan, REAR_CLOCK, RIDE_START, Shot};
use crate::rider::Ride;
use crate::route::{Route, geographic};
use crate::world::{TUNNEL, VehicleKind};

#[derive(Serialize)]
struct Truth<'a> {
    ride_start: String,
    ride_seconds: f64,
    loop_metres: f64,
    /// What the rear camera's clock shows less the true time.
    rear_clock_seconds: i64,
    size: String,
    marks: Option<Marks>,
    music: Music,
    log: LogFaults,
    files: Vec<File<'a>>,
    events: Vec<Event>,
    /// Every second of the ride.
    seconds: Vec<Second>,
}

/// Where the frame counter is drawn: `bits` squares of `side` pixels from the
/// upper left corner to the right, white for 1: the bits 1 and 0, four bits of
/// the file's number, fourteen of the frame's index, most significant first.
#[derive(Serialize)]
struct Marks {
    bits: u32,
    side: u32,
}

#[derive(Serialize)]
struct Music {
    path: &'static str,
    beats_per_minute: u32,
    first_beat: f64,
}

#[derive(Serialize)]
struct LogFaults {
    path: &'static str,
    glitch: String,
    asleep: [String; 2],
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    camera: &'static str,
    number: u32,
    /// True time of the first frame.
    start: String,
    /// What the file states as its creation time.
    stated: String,
    frames: u32,
    rate: String,
    sound: bool,
}

#[derive(Serialize)]
struct Event {
    what: String,
    utc: String,
    /// Files that show it, with the index of the frame.
    files: Vec<(String, u32)>,
    value: f64,
}

#[derive(Serialize)]
struct Second {
    utc: String,
    latitude: f64,
    longitude: f64,
    altitude: f64,
    distance: f64,
    speed_kmh: f64,
    gradient_percent: f64,
    heart_rate: f64,
    cadence: f64,
    power: f64,
}

/// Rounded, so that the file is short and stable.
fn rounded(value: f64, digits: i32) -> f64 {
    let scale = libm::pow(10.0, f64::from(digits));
    (value * scale).round() / scale
}

fn utc(t: f64) -> UtcTime {
    RIDE_START.plus(Timestamp::from_millis((t * 1_000.0).round() as i64))
}

pub(crate) fn write(
    route: &Route,
    ride: &Ride,
    plan: &Plan,
    log: &Log,
    size: Size,
    marks: bool,
) -> Result<String, Diagnostic> {
    let files = plan
        .shots
        .iter()
        .map(|shot| File {
            path: shot.path,
            camera: shot.camera.name(),
            number: shot.number,
            start: exact(shot.utc()),
            stated: shot.stated().to_string(),
            frames: shot.frames,
            rate: shot.rate.to_string(),
            sound: shot.has_sound,
        })
        .collect();
    let seconds = (0..=ride.duration() as i64)
        .map(|second| {
            let state = ride.at(second as f64);
            let road = route.at(state.s);
            let (latitude, longitude) = geographic(road.east, road.north);
            Second {
                utc: utc(second as f64).to_string(),
                latitude: rounded(latitude, 7),
                longitude: rounded(longitude, 7),
                altitude: rounded(road.altitude, 2),
                distance: rounded(state.s, 2),
                speed_kmh: rounded(state.speed * 3.6, 3),
                gradient_percent: rounded(route.gradient(state.s) * 100.0, 3),
                heart_rate: rounded(state.heart_rate, 1),
                cadence: rounded(state.cadence, 1),
                power: rounded(state.power, 1),
            }
        })
        .collect();
    let truth = Truth {
        ride_start: RIDE_START.to_string(),
        ride_seconds: ride.duration(),
        loop_metres: route.length(),
        rear_clock_seconds: REAR_CLOCK,
        size: size.to_string(),
        marks: marks.then(|| Marks { bits: MARK_BITS, side: mark_side(size) }),
        music: Music { path: "music.wav", beats_per_minute: BEATS_PER_MINUTE, first_beat: 0.0 },
        log: LogFaults {
            path: "ride.csv",
            glitch: log.glitch.to_string(),
            asleep: [log.asleep.0.to_string(), log.asleep.1.to_string()],
        },
        files,
        events: events(route, ride, plan),
        seconds,
    };
    serde_json::to_string_pretty(&truth).map_err(|error| Diagnostic::bug(format!("truth.json: {error}")))
}

/// To the nanosecond: a second chapter does not start on a round time.
fn exact(time: UtcTime) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(time) => format!("{time:.9}"),
        Err(_) => time.to_string(),
    }
}

fn events(route: &Route, ride: &Ride, plan: &Plan) -> Vec<Event> {
    let event = |what: String, t: f64, value: f64| Event {
        what,
        utc: utc(t).to_string(),
        files: plan.shots.iter().filter_map(|shot| Some((shot.path.to_owned(), frame_at(shot, t)?))).collect(),
        value: rounded(value, 3),
    };
    let filmed: Vec<f64> = plan.shots.iter().flat_map(|shot| (0..shot.frames).map(|i| shot.time_of(i))).collect();
    let most = |value: &dyn Fn(f64) -> f64| {
        filmed.iter().copied().max_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(0.0)
    };
    let speed = |t: f64| ride.at(t).speed * 3.6;
    let gradient = |t: f64| route.gradient(ride.at(t).s) * 100.0;
    let falling = |t: f64| -gradient(t);
    let (fastest, climb, descent) = (most(&speed), most(&gradient), most(&falling));
    let mut events = vec![
        event("fastest filmed, km/h".to_owned(), fastest, speed(fastest)),
        event("steepest climb filmed, %".to_owned(), climb, gradient(climb)),
        event("steepest descent filmed, %".to_owned(), descent, gradient(descent)),
        event("enters the tunnel".to_owned(), ride.time_at(TUNNEL.0), 0.0),
        event("leaves the tunnel".to_owned(), ride.time_at(TUNNEL.1), 0.0),
    ];
    for vehicle in &plan.vehicles {
        let what = match (vehicle.kind, vehicle.speed > ride.at(vehicle.t).speed, vehicle.speed > 0.0) {
            (VehicleKind::Car(_), true, _) => "a car overtakes",
            (VehicleKind::Car(_), false, _) => "a car comes by",
            (VehicleKind::Cyclist(_), _, true) => "overtakes a cyclist",
            (VehicleKind::Cyclist(_), _, false) => "a cyclist comes by",
        };
        events.push(event(what.to_owned(), vehicle.t, vehicle.speed * 3.6));
    }
    events
}

/// The frame that is shown at `t`, where the file covers it.
fn frame_at(shot: &Shot, t: f64) -> Option<u32> {
    // A little more than nothing, because the time of a frame is itself rounded.
    let index = ((t - shot.start.as_f64()) * shot.rate.as_f64() + 1e-6).floor();
    (index >= 0.0 && index < f64::from(shot.frames)).then_some(index as u32)
}
