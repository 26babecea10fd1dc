//! Where windows end changes nothing, to the bit; and what is found in a whole
//! log is what its definition says.

use super::*;
use crate::model::specs::LapRule;
use crate::model::telemetry::{Mark, MarkKind};

/// A walk of samples that are about `step` ms apart, with holes, pauses, flat
/// stretches, steep ones and laps of its own.
fn walk(samples: usize, step: i64, seed: u64) -> Telemetry {
    let mut chance = fastrand::Rng::with_seed(seed);
    let (mut time, mut altitude, mut distance, mut heading) = (1_717_236_000 * SECOND, 500.0_f64, 0.0, 10.0);
    let (mut latitude, mut longitude, mut slope) = (0.0, 8.5, 0.0);
    let mut log = Telemetry { clock: LogClock::Utc, ..Telemetry::default() };
    let mut columns: [Vec<f64>; 8] = Default::default();
    let tenths = |value: f64| libm::round(value * 10.0) / 10.0;
    for at in 0..samples {
        time += step * 1_000_000 + chance.i64(0..3) * 1_000_000;
        if chance.usize(..400) == 0 {
            time += 30 * SECOND;
            log.breaks.extend(u32::try_from(at).ok().filter(|at| *at > 0));
        }
        if chance.usize(..90) == 0 {
            slope = [0.0, 0.0, 1.5, -1.5, 0.3][chance.usize(..5)];
        }
        altitude = tenths(altitude + slope + f64::from(chance.i32(-1..=1)) / 10.0);
        let speed = tenths(chance.f64() * 4.0 + slope.abs() * 6.0);
        distance += speed;
        heading = (heading + chance.f64() * 20.0 - 9.0).rem_euclid(360.0);
        latitude += 2e-5 * libm::cos(heading.to_radians());
        longitude += 2e-5 * libm::sin(heading.to_radians());
        let mut known = |value: f64, holes: usize| if chance.usize(..holes) == 0 { f64::NAN } else { value };
        let lost = at % 700 > 660;
        let place = |value: f64| if lost { f64::NAN } else { value };
        let values = [
            known(place(latitude), 300),
            place(longitude),
            known(altitude, 150),
            known(speed, 200),
            distance,
            known(heading, 100),
            f64::from(at as u32 % 17),
            altitude / 3.0,
        ];
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        log.times.push(time);
        if chance.usize(..900) == 0 {
            log.marks.push(Mark { time: time - 7, kind: MarkKind::Lap, name: "manual".to_owned(), place: None });
            log.marks.push(Mark { time: time - 5, kind: MarkKind::Event, name: String::new(), place: None });
        }
    }
    let names = [
        ("latitude", Unit::Degrees),
        ("longitude", Unit::Degrees),
        ("altitude", Unit::Metres),
        ("speed", Unit::MetresPerSecond),
        ("distance", Unit::Metres),
        ("heading", Unit::Degrees),
        ("gyro_z", Unit::None),
        ("home_distance", Unit::Metres),
    ];
    log.channels = names.into_iter().zip(columns).map(|((name, unit), values)| channel(name, unit, values)).collect();
    log
}

fn own(name: &str, text: &str) -> CompleteStep {
    let (name, text) = (name.to_owned(), text.to_owned());
    CompleteStep::Expression { name, text, unit: Unit::None, converts: false }
}

/// All that there is, on a log.
fn everything(log: &Telemetry, laps: Option<LapRule>) -> CompleteSpec {
    let middle = log.times.len() / 2;
    let at = |at: usize| (log.channels[0].values[at], log.channels[1].values[at]);
    let near = |from: usize| (from..log.times.len()).map(at).find(|(a, b)| a.is_finite() && b.is_finite()).unwrap();
    let places = [near(0), near(middle)].map(|(latitude, longitude)| place(latitude, longitude, 30));
    let score = |name: &str| CompleteStep::Score { name: name.to_owned() };
    let lap_time = laps.is_none().then_some(CompleteStep::LapTime);
    let steps = [
        CompleteStep::VerticalSpeed,
        own("a", "mean(speed, 20s) * 1s / 1m + rate(altitude) * 1s / 1m"),
        own("b", "mean(heading, 5s) + rate(heading, 3s) + mean(vertical_speed * 2, 4s) * 1s / 1m"),
        own("c", "integral(speed) / 1m + highest(speed) / 1m/s - lowest(altitude, 40s) / 1m"),
        own("d", "if(highest(a, 9s) > 3, mean(integral(a), 3s), known(latitude) + first(a, 1))"),
        CompleteStep::Zones { channel: "speed".to_owned(), unit: Unit::KilometresPerHour, bounds: vec![5_000, 15_000] },
        CompleteStep::Zones { channel: "a".to_owned(), unit: Unit::None, bounds: vec![1_000, 2_000] },
        score("summit"),
        score("descent"),
        score("new_maximum(speed)"),
        score("new_maximum(distance)"),
        score("new_maximum(d)"),
        score("lap_start"),
        score("event"),
    ];
    CompleteSpec { laps, privacy: places.to_vec(), steps: steps.into_iter().chain(lap_time).collect(), ..spec() }
}

fn same(log: &Telemetry, laps: Option<LapRule>, parts: &[usize]) {
    let spec = everything(log, laps);
    let (whole, summary) = parted(log, &spec, log.times.len().max(1)).unwrap();
    for part in parts {
        let (bytes, parts) = parted(log, &spec, *part).unwrap();
        assert!(bytes == whole, "{part} at once");
        assert_eq!(parts, summary, "{part} at once");
    }
    // Something was found of each, and it is summed up as ever.
    let done = columns::decode(&whole).unwrap();
    let before: Vec<&str> = log.channels.iter().map(|channel| channel.name.as_str()).collect();
    let names = done.channels.iter().map(|channel| channel.name.as_str());
    let derived: Vec<&str> = names.filter(|name| !before.contains(name)).collect();
    let told = crate::telemetry::summary::summarise(&done, &derived);
    assert_eq!(TelemetrySummary { notes: summary.notes.clone(), ..told }, summary);
    for channel in done.channels.iter().filter(|channel| channel.name != "home_distance") {
        assert!(channel.values.iter().any(|value| value.abs() > 0.0), "{}", channel.name);
    }
}

#[test]
fn windows_of_any_size_give_the_bytes_of_the_whole() {
    let log = walk(20_000, 1_000, 7);
    same(&log, Some(LapRule::Distance { millimetres: 900_000 }), &[BLOCK, 613]);
    same(&walk(3_000, 1_000, 8), None, &[1, 5, 64]);
}

/// A line across the way, taken from the way.
#[test]
fn windows_give_the_crossings_of_the_whole() {
    let log = walk(9_000, 1_000, 9);
    let steps = |values: &[f64], at: usize| (values[at] * 1e7) as i32;
    let (latitude, longitude) = (&log.channels[0].values, &log.channels[1].values);
    let at = (100..).find(|at| latitude[*at].is_finite() && longitude[*at].is_finite()).unwrap();
    let (latitude, longitude) = (steps(latitude, at) + 11, steps(longitude, at) + 7);
    let rule = |north: i32, east: i32| LapRule::Line {
        from: (latitude - north, longitude - east),
        to: (latitude + north, longitude + east),
        at_least_ms: 10_000,
    };
    let crosses = |rule: &LapRule| {
        let spec = CompleteSpec { laps: Some(rule.clone()), ..spec() };
        complete(&log, &spec).unwrap().1.laps > 0
    };
    let rule = [rule(3_000, 0), rule(0, 3_000), rule(2_000, 2_000)].into_iter().find(crosses).unwrap();
    same(&log, Some(rule), &[11, 300]);
}

/// A second is more than a window, and less than the step between two samples.
#[test]
fn windows_give_the_whole_at_a_thousand_and_a_tenth_of_a_hertz() {
    let rule = LapRule::Distance { millimetres: 500_000 };
    let quick = walk(9_000, 1, 10);
    let spec = everything(&quick, Some(rule.clone()));
    let (whole, summary) = parted(&quick, &spec, 9_000).unwrap();
    for part in [3, 500] {
        let parts = parted(&quick, &spec, part).unwrap();
        assert!(parts.0 == whole && parts.1 == summary, "{part} at once");
    }
    same(&walk(4_000, 10_000, 11), Some(rule), &[1, 100]);
}

#[test]
fn an_empty_log_and_one_of_a_sample_are_completed() {
    for samples in [0, 1] {
        let log = walk(samples, 1_000, 3);
        let steps = everything(&walk(10, 1_000, 3), None).steps;
        let (bytes, summary) = parted(&log, &CompleteSpec { steps, ..spec() }, 4).unwrap();
        assert_eq!((columns::decode(&bytes).unwrap().times, summary.samples), (log.times, samples as u64));
    }
}

/// What a summit and a descent are, sample by sample, over a whole profile.
#[test]
fn summits_and_descents_are_what_their_definition_says() {
    for seed in 20..26 {
        let mut log = walk(4_000, 1_000, seed);
        log.channels.retain(|channel| channel.name == "altitude");
        // It goes up and down between 0 and 80 m. Steps of 5 m make many tops of
        // one height.
        let coarse = if seed % 2 == 0 { 5.0 } else { 0.1 };
        for value in &mut log.channels[0].values {
            let turned = value.rem_euclid(160.0);
            *value = libm::round(turned.min(160.0 - turned) / coarse) * coarse;
        }
        let steps = ["summit", "descent"].map(|name| CompleteStep::Score { name: name.to_owned() });
        let (done, _) = complete(&log, &CompleteSpec { steps: steps.to_vec(), ..spec() }).unwrap();
        let seconds: Vec<f64> = log.times.iter().map(|time| (time - log.times[0]) as f64 / 1e9).collect();
        let altitude = &log.channels[0].values;
        let known: Vec<usize> = (0..altitude.len()).filter(|at| altitude[*at].is_finite()).collect();
        let mut expected = vec![0.0; altitude.len()];
        let mut count = 0;
        for (place, at) in known.iter().enumerate() {
            let here = altitude[*at];
            let deep = |side: &mut dyn Iterator<Item = f64>| here - side.fold(here, f64::min);
            let left =
                deep(&mut known[..place].iter().rev().map(|at| altitude[*at]).take_while(|before| *before < here));
            let right = deep(&mut known[place..].iter().map(|at| altitude[*at]).take_while(|after| *after <= here));
            let prominence = libm::round(left.min(right) * 10.0) / 10.0;
            if prominence >= 20.0 {
                count += 1;
                for (value, time) in expected.iter_mut().zip(&seconds) {
                    if (seconds[*at] - 1.0..=seconds[*at] + 3.0).contains(time) {
                        *value = f64::max(*value, prominence);
                    }
                }
            }
        }
        assert!(count > 5, "{count}");
        assert!(done.channel("summit").unwrap().values == expected);
        let descents = &done.channel("descent").unwrap().values;
        let mut found = 0;
        for run in known.chunk_by(|a, b| descents[*a] == descents[*b]).filter(|run| descents[run[0]] > 0.0) {
            let (top, bottom) = (altitude[run[0]], altitude[run[run.len() - 1]]);
            assert!(run.iter().all(|at| (bottom..=top).contains(&altitude[*at])));
            assert_eq!(libm::round((top - bottom) * 10.0) / 10.0, descents[run[0]]);
            found += 1;
        }
        assert!(found > 5, "{found}");
    }
}

/// More different values than are counted one by one, of which the percentiles
/// are those of all values nevertheless.
#[test]
fn percentiles_are_exact_however_many_values_there_are() {
    let mut chance = fastrand::Rng::with_seed(12);
    let values: Vec<f64> = (0..150_000).map(|_| chance.f64() * 1e7 - 3e6).collect();
    let log = log(vec![channel("x", Unit::None, values)]);
    let (bytes, summary) = parted(&log, &spec(), BLOCK).unwrap();
    assert_eq!(summary, crate::telemetry::summary::summarise(&log, &[]));
    assert!(columns::decode(&bytes) == Some(log));
}
