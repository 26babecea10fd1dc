//! What the head unit on the handlebar logged: one row a second, with the
//! faults that real logs have. The position wanders, some cells are blank, one
//! fix lies half a kilometre off, and nothing is written during a long stop.

use std::fmt::Write;

use autocut::base::{Timestamp, UtcTime};

use crate::noise::Rng;
use crate::plan::RIDE_START;
use crate::rider::{PAUSE_SECONDS, Ride};
use crate::route::{Route, geographic};

/// Seconds during a stop after which the logger sleeps.
const SLEEPS_AFTER: f64 = 8.0;

/// The rows, and what is known to be wrong with them.
pub(crate) struct Log {
    pub(crate) csv: String,
    pub(crate) glitch: UtcTime,
    pub(crate) asleep: (UtcTime, UtcTime),
}

/// `glitch` is the second after the start whose fix is wrong.
pub(crate) fn log(route: &Route, ride: &Ride, glitch: f64) -> Log {
    let mut rng = Rng(0x5EED_0004);
    let mut csv = String::from("timestamp,latitude,longitude,elevation,speed_kmh,hr,cadence,power,temperature\n");
    let (mut east, mut north, mut high) = (0.0, 0.0, 0.0);
    let stop = ride.time_at(crate::rider::PAUSE_AT - 0.6);
    let asleep = ((stop + SLEEPS_AFTER).ceil(), (stop + PAUSE_SECONDS - 2.0).floor());
    let utc = |seconds: f64| RIDE_START.plus(Timestamp::from_seconds(seconds as i64));
    for second in 0..=ride.duration() as i64 {
        let t = second as f64;
        // Errors of a receiver stay for a while: about 2 m, changing over half a
        // minute.
        let wander = |error: f64, size: f64, rng: &mut Rng| error * 0.965 + rng.normal() * size * 0.26;
        east = wander(east, 1.7, &mut rng);
        north = wander(north, 1.7, &mut rng);
        high = wander(high, 0.5, &mut rng);
        let (speed_error, blank) = (rng.normal() * 0.12, rng.unit());
        let power_error = rng.normal() * 6.0;
        if t > asleep.0 && t < asleep.1 {
            continue;
        }
        let state = ride.at(t);
        let road = route.at(state.s);
        let off = if second == glitch as i64 { (410.0, 290.0) } else { (0.0, 0.0) };
        let (latitude, longitude) = geographic(road.east + east + off.0, road.north + north + off.1);
        let speed = (state.speed * 3.6 + speed_error).max(0.0);
        let degrees = 19.5 + t * 0.0018 - (road.altitude - 395.0) * 0.009;
        let cell =
            |share: (f64, f64), text: String| if blank >= share.0 && blank < share.1 { String::new() } else { text };
        let heart = cell((0.0, 0.004), format!("{:.0}", state.heart_rate));
        let cadence = cell((0.004, 0.008), format!("{:.0}", state.cadence));
        let watts = if state.power > 5.0 { (state.power + power_error).max(0.0) } else { 0.0 };
        let power = cell((0.006, 0.012), format!("{watts:.0}"));
        // Writing into a String cannot fail.
        let _ = writeln!(
            csv,
            "{},{latitude:.6},{longitude:.6},{:.1},{speed:.2},{heart},{cadence},{power},{degrees:.0}",
            utc(t),
            road.altitude + high,
        );
    }
    Log { csv, glitch: utc(glitch.floor()), asleep: (utc(asleep.0), utc(asleep.1)) }
}
