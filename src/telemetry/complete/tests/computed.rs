//! Expressions, zones, laps and vertical speed.

use super::*;
use crate::model::specs::LapRule;
use crate::model::telemetry::{Mark, MarkKind};

fn expression(text: &str, unit: Unit, converts: bool) -> CompleteSpec {
    let step = CompleteStep::Expression { name: "made".to_owned(), text: text.to_owned(), unit, converts };
    CompleteSpec { steps: vec![step], ..spec() }
}

fn ride() -> Telemetry {
    let nan = f64::NAN;
    let mut log = log(vec![
        channel("speed", Unit::MetresPerSecond, vec![0.0, 10.0, 20.0, nan, 10.0, 10.0, 0.0, 0.0]),
        channel("power", Unit::Watts, vec![0.0, 100.0, 200.0, 300.0, 300.0, 300.0, 300.0, 0.0]),
        channel("heading", Unit::Degrees, vec![350.0, 0.0, 10.0, 20.0, 350.0, 340.0, 330.0, 320.0]),
        channel("temperature", Unit::Celsius, vec![20.0; 8]),
    ]);
    log.breaks = vec![6];
    log
}

/// The values of an expression; unknown ones as -999.
fn made(text: &str, unit: Unit, converts: bool) -> Vec<f64> {
    let (log, _) = complete(&ride(), &expression(text, unit, converts)).unwrap();
    log.channel("made").unwrap().values.iter().map(|value| if value.is_nan() { -999.0 } else { *value }).collect()
}

const UNKNOWN: f64 = -999.0;

#[test]
fn arithmetic_keeps_what_is_unknown() {
    assert_eq!(made("speed * 2", Unit::KilometresPerHour, true), [0.0, 72.0, 144.0, UNKNOWN, 72.0, 72.0, 0.0, 0.0]);
    // Nothing divided by nothing, and something by nothing.
    assert_eq!(made("power / speed", Unit::None, false), [UNKNOWN, 10.0, 10.0, UNKNOWN, 30.0, 30.0, UNKNOWN, UNKNOWN]);
    assert_eq!(made("power / 72kg", Unit::WattsPerKilogram, true)[..3], [0.0, 1.389, 2.778]);
    assert_eq!(made("sqrt(0 - power / 1W)", Unit::None, false)[..2], [0.0, UNKNOWN]);
    assert_eq!(made("temperature", Unit::Fahrenheit, true)[0], 68.0);
    assert_eq!(made("20 % 7 + 2 ^ 3 ^ 2 - -1", Unit::None, false)[0], 519.0);
}

#[test]
fn conditions_choose_and_an_unknown_one_chooses_nothing() {
    assert_eq!(made("if(speed > 36km/h, power, 0)", Unit::Watts, true), [0.0, 0.0, 200.0, UNKNOWN, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(made("known(speed) and power > 150W", Unit::None, false), [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
    assert_eq!(made("first(speed, 1m/s)", Unit::MetresPerSecond, true)[2..5], [20.0, 1.0, 10.0]);
    assert_eq!(made("max(speed, 5m/s)", Unit::MetresPerSecond, true)[..4], [5.0, 10.0, 20.0, UNKNOWN]);
    assert_eq!(made("clamp(power, 50W, 250W)", Unit::Watts, true)[..4], [50.0, 100.0, 200.0, 250.0]);
    assert_eq!(made("round(power, 150W)", Unit::Watts, true)[..4], [0.0, 150.0, 150.0, 300.0]);
    assert_eq!(made("not (power > 150W or speed > 5m/s)", Unit::None, false)[..3], [1.0, 0.0, 0.0]);
}

#[test]
fn over_time_nothing_is_looked_at_across_a_gap() {
    // A ramp of 100 W/s: the mean over 2 s at its third second is that of 0 to 200.
    let mean = made("mean(power, 2s)", Unit::Watts, true);
    assert_eq!(mean, [0.0, 50.0, 100.0, 200.0, 275.0, 300.0, 300.0, 150.0]);
    assert_eq!(
        made("rate(speed)", Unit::MetresPerSecondSquared, true),
        [UNKNOWN, 10.0, 10.0, UNKNOWN, UNKNOWN, 0.0, UNKNOWN, 0.0]
    );
    // Trapezoids: 50 + 150 + 250 + 300 + 300 J up to the break, then 150.
    assert_eq!(made("integral(power)", Unit::Joules, true), [0.0, 50.0, 200.0, 450.0, 750.0, 1050.0, 1050.0, 1200.0]);
    assert_eq!(made("highest(speed)", Unit::MetresPerSecond, true), [0.0, 10.0, 20.0, UNKNOWN, 20.0, 20.0, 20.0, 20.0]);
    assert_eq!(made("lowest(power, 1s)", Unit::Watts, true)[..4], [0.0, 0.0, 100.0, 200.0]);
    // Over north the short way round: 350, 0, 10 has the mean 0.
    assert_eq!(made("mean(heading, 2s)", Unit::Degrees, true)[2], 0.0);
    assert_eq!(made("rate(heading)", Unit::None, false)[1], 10.0);
}

#[test]
fn zones_count_from_one_and_a_bound_belongs_to_the_upper() {
    let bounds = vec![36_000, 54_000];
    let step = CompleteStep::Zones { channel: "speed".to_owned(), unit: Unit::KilometresPerHour, bounds };
    let (log, summary) = complete(&ride(), &CompleteSpec { steps: vec![step], ..spec() }).unwrap();
    let zones = &log.channel("speed_zone").unwrap().values;
    assert!(zones[3].is_nan());
    assert_eq!(zones[..3], [1.0, 2.0, 3.0]);
    // A zone holds until the next.
    assert_eq!(value_at(&log, "speed_zone", SECOND + SECOND / 2), Some(2.0));
    let told = summary.channels.iter().find(|channel| channel.name == "speed_zone").unwrap();
    assert!(told.derived && (told.min, told.max) == (1_000, 3_000));
}

/// Round and round: a square of 0.001 degrees on the equator in 40 s, first
/// over its south side from west to east.
fn rounds(count: i64) -> Telemetry {
    let corner = |n: i64| match n.rem_euclid(4) {
        0 => (0.0, 0.0),
        1 => (0.0, 0.001),
        2 => (0.001, 0.001),
        _ => (0.001, 0.0),
    };
    let at = |second: i64| {
        let ((a, b), (c, d)) = (corner(second / 10), corner(second / 10 + 1));
        let share = (second % 10) as f64 / 10.0;
        (a + (c - a) * share, b + (d - b) * share)
    };
    let places: Vec<(f64, f64)> = (0..=count * 40).map(at).collect();
    log(vec![
        channel("latitude", Unit::Degrees, places.iter().map(|place| place.0).collect()),
        channel("longitude", Unit::Degrees, places.iter().map(|place| place.1).collect()),
    ])
}

fn lap_starts(log: &Telemetry) -> Vec<i64> {
    log.marks.iter().filter(|mark| mark.kind == MarkKind::Lap).map(|mark| mark.time / 1_000_000).collect()
}

#[test]
fn laps_begin_where_a_line_is_crossed_in_one_direction() {
    // Across the south side at 0.00025 degrees: 2.5 s after each corner.
    let line = |north: i32, south: i32| LapRule::Line { from: (north, 2_500), to: (south, 2_500), at_least_ms: 10_000 };
    let laps = |log: &Telemetry, rule| complete(log, &CompleteSpec { laps: Some(rule), ..spec() }).unwrap();
    let (log, summary) = laps(&rounds(3), line(1_000, -1_000));
    assert_eq!(lap_starts(&log), [2_500, 42_500, 82_500]);
    assert_eq!((summary.laps, summary.notes[0].as_str()), (3, "the way crosses the line 3 times"));
    let at = |name: &str, millis: i64| value_at(&log, name, millis * 1_000_000);
    assert_eq!(
        (at("lap", 2_000), at("lap", 3_000), at("lap", 43_000), at("lap", 119_000)),
        (Some(0.0), Some(1.0), Some(2.0), Some(3.0))
    );
    assert_eq!((at("lap_time", 2_000), at("lap_time", 3_000), at("lap_time", 42_000)), (None, Some(0.5), Some(39.5)));
    // Between two samples the time goes on up to the line and begins anew there.
    let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-6;
    assert!(near(at("lap_time", 42_400), 39.9) && near(at("lap_time", 42_600), 0.1), "{:?}", at("lap_time", 42_600));
    assert_eq!((at("lap", 42_400), at("lap", 42_600)), (Some(1.0), Some(2.0)));
    // A line right across is crossed on its way back as well, which does not count.
    let (log, _) = laps(&rounds(3), line(20_000, -1_000));
    assert_eq!(lap_starts(&log), [2_500, 42_500, 82_500]);
    // One that the way does not reach.
    let (log, summary) = laps(&rounds(3), line(-500, -1_000));
    assert_eq!((lap_starts(&log), summary.notes[0].as_str()), (vec![], "no lap: the way crosses the line nowhere"));
    // A lap of less than the least time is none.
    let rule = LapRule::Line { from: (1_000, 2_500), to: (-1_000, 2_500), at_least_ms: 41_000 };
    assert_eq!(lap_starts(&laps(&rounds(3), rule).0), [2_500, 82_500]);
}

#[test]
fn laps_by_distance_take_the_place_of_those_of_the_log() {
    let mut log =
        log(vec![channel("distance", Unit::Metres, (0..100).map(|n| 1_000.0 + 7.0 * f64::from(n)).collect())]);
    log.marks = vec![Mark { time: 5 * SECOND, kind: MarkKind::Lap, name: "manual".to_owned(), place: None }];
    let rule = Some(LapRule::Distance { millimetres: 140_000 });
    let (log, _) = complete(&log, &CompleteSpec { laps: rule, ..spec() }).unwrap();
    assert_eq!(lap_starts(&log), [0, 20_000, 40_000, 60_000, 80_000]);
    assert_eq!(log.channel("lap").unwrap().values[19..21], [1.0, 2.0]);
    assert_eq!(log.channel("lap_time").unwrap().values[39], 19.0);
}

/// 0.5 m/s up for a minute, a rest, then 2 m/s down, in steps of 20 cm as a
/// barometer has them.
#[test]
fn vertical_speed_is_the_slope_of_the_altitude_over_time() {
    let height = |second: f64| match second {
        up if up < 60.0 => 400.0 + 0.5 * up,
        rest if rest < 120.0 => 430.0,
        down => 430.0 - 2.0 * (down - 120.0),
    };
    let stepped = |n: u32| libm::round(height(f64::from(n)) * 5.0) / 5.0;
    let log = log(vec![channel("altitude", Unit::Metres, (0..180).map(stepped).collect())]);
    let (log, _) = complete(&log, &CompleteSpec { steps: vec![CompleteStep::VerticalSpeed], ..spec() }).unwrap();
    let speed = &log.channel("vertical_speed").unwrap().values;
    for (range, expected) in [(8..52, 0.5), (68..112, 0.0), (128..172, -2.0)] {
        for at in range {
            assert!((speed[at] - expected).abs() < 0.05, "{at} {}", speed[at]);
        }
    }
    assert!(speed.iter().all(|value| (-2.1..0.6).contains(value)));
}
