//! Whole files through import and cleaning.

mod applications;
mod fit;
mod gpmf;
mod laps;
mod merging;
mod mutated;
mod real;
mod schemas;
mod times;
mod written;

use std::fs;
use std::path::{Path, PathBuf};

use super::csv::{Column, ColumnFields, Csv};
use super::zone::Zone;
use super::{FORMATS, Format, clean, columns, lookup};
use crate::base::{Diagnostic, Unit};
use crate::manifest::parser::parse;
use crate::manifest::{Checker, Node, Value};
use crate::model::telemetry::{Channel, ChannelSummary, LogClock, Telemetry, TelemetrySummary};

/// A file of the test data; `None`, said visibly, where it is not there.
fn testdata(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("AUTOCUT_TESTDATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata"), PathBuf::from);
    let bytes = fs::read(folder.join(name)).ok();
    if bytes.is_none() {
        skipped();
    }
    bytes
}

#[expect(clippy::print_stdout, reason = "a test that does nothing says so")]
fn skipped() {
    println!("skipped: ../shared/testdata is not here");
}

fn format(name: &str) -> &'static Format {
    FORMATS.iter().find(|format| format.name() == name).unwrap()
}

fn import_with(text: &[u8], params: &Csv) -> Result<(Telemetry, TelemetrySummary), Diagnostic> {
    let json = serde_json::to_string(params).unwrap();
    format("Csv").whole(&mut &text[..], &json)
}

fn import(text: &str) -> (Telemetry, TelemetrySummary) {
    import_with(text.as_bytes(), &Csv::default()).unwrap()
}

fn values<'a>(telemetry: &'a Telemetry, channel: &str) -> &'a [f64] {
    &telemetry.channel(channel).unwrap_or_else(|| panic!("no channel {channel}")).values
}

fn summary<'a>(summary: &'a TelemetrySummary, channel: &str) -> &'a ChannelSummary {
    summary.channels.iter().find(|c| c.name == channel).unwrap_or_else(|| panic!("no channel {channel}"))
}

fn column(header: &str, unit: Unit) -> Column {
    Column::Fields(ColumnFields { header: header.to_owned(), unit: Some(unit) })
}

const EPOCH: i64 = 1_717_236_000_000_000_000; // 2024-06-01T10:00:00Z

#[test]
fn any_order_quotes_and_blank_cells() {
    let (log, info) = import(
        "\u{feff}# made by hand\r\n\"Speed (km/h)\",time,HR,lng,lat\r\n36.0,2024-06-01T10:00:00Z,,13.5,\"52.5\"\r\n\
         # inside\r\n\"72,0\",2024-06-01T10:00:00.5Z,120,13.6,52.6\r\n,2024-06-01T10:00:01Z,121,,\r\n# end",
    );
    assert_eq!(log.clock, LogClock::Utc);
    assert_eq!(log.times, [EPOCH, EPOCH + 500_000_000, EPOCH + 1_000_000_000]);
    assert_eq!(values(&log, "speed")[0], 10.0);
    assert!(values(&log, "speed")[1..].iter().all(|v| v.is_nan()));
    assert_eq!(values(&log, "heart_rate")[1..], [120.0, 121.0]);
    assert_eq!(values(&log, "latitude")[..2], [52.5, 52.6]);
    assert_eq!(info.bad_rows, 0);
    assert!(info.notes.iter().any(|note| note.contains("\"72,0\" in line 5")), "{:?}", info.notes);
}

#[test]
fn semicolons_and_decimal_commas() {
    let (log, _) = import("time;lat;lon;ele\n0,5;52,5;13,5;100,25\n1,5;52,6;13,6;101\n");
    assert_eq!(log.clock, LogClock::Start);
    assert_eq!(log.times, [500_000_000, 1_500_000_000]);
    assert_eq!(values(&log, "altitude"), [100.25, 101.0]);
}

#[test]
fn bad_rows_are_counted_with_their_lines_and_do_no_harm() {
    let (log, info) = import(
        "time,lat,lon,speed\n0,52.5,13.5,1\nx,52.5,13.5,2\n2,abc,13.5,3\n\n# c\n3,95,13.5,4\n4,52.5,13.5,5,6\n\
         5,\"52.5,13.5,5\n6,52.5,13.5,7\n7,52.5,13.5,8\n6.5,52.5,13.5,9\n7,52.5,13.5,9\n,1,1,1\n8,52.5,1",
    );
    // A position that is no number costs the position.
    assert_eq!(log.times, [0, 2_000_000_000, 6_000_000_000, 7_000_000_000]);
    assert_eq!(values(&log, "speed")[1], 3.0);
    assert!(values(&log, "latitude")[1].is_nan() && values(&log, "longitude")[1].is_nan());
    let bad: Vec<(String, &str)> =
        info.bad_examples.iter().map(|bad| (bad.at.to_string(), bad.reason.as_str())).collect();
    assert_eq!(
        bad,
        [
            ("line 3".to_owned(), "\"x\" is not a time"),
            ("line 7".to_owned(), "the latitude 95 is not on Earth"),
            ("line 8".to_owned(), "5 cells where the header has 4"),
            ("line 9".to_owned(), "a quote is not closed"),
            ("line 14".to_owned(), "the time is blank"),
            ("line 15".to_owned(), "the file ends within this line"),
        ]
    );
    assert_eq!(info.bad_rows, 6);
    assert!(info.notes.iter().any(|note| note.starts_with("1 rows repeat the time")), "{:?}", info.notes);
    assert!(info.notes.iter().any(|note| note.starts_with("1 rows go back in time")), "{:?}", info.notes);
}

#[test]
fn only_twenty_bad_rows_are_told() {
    let rows: String = (0..100).map(|n| if n % 2 == 0 { format!("{n},1\n") } else { "?,1\n".to_owned() }).collect();
    let (log, info) = import(&format!("time,power\n{rows}"));
    assert_eq!((log.times.len(), info.bad_rows, info.bad_examples.len()), (50, 50, 20));
}

#[test]
fn a_time_that_jumps_ahead_costs_its_row_only() {
    let mut text = "time,power\n".to_owned();
    for second in 0..100 {
        let time = if second == 40 { 9_999_999 } else { second };
        text.push_str(&format!("{time},{second}\n"));
    }
    let (log, info) = import(&text);
    assert_eq!(log.times.len(), 99);
    assert_eq!(*log.times.last().unwrap(), 99_000_000_000);
    assert!(info.notes.iter().any(|note| note.starts_with("1 rows jump ahead")), "{:?}", info.notes);
}

#[test]
fn mapping_zone_and_pattern() {
    let params = Csv {
        columns: [
            ("time".to_owned(), Column::Header("Uhrzeit".to_owned())),
            ("date".to_owned(), Column::Header("Datum".to_owned())),
            ("speed".to_owned(), column("Tempo", Unit::KilometresPerHour)),
            ("lean".to_owned(), column("#4", Unit::Degrees)),
        ]
        .into(),
        pattern: Some("%d.%m.%Y %H:%M:%S".to_owned()),
        timezone: Some(Zone("Europe/Berlin".to_owned())),
        ..Csv::default()
    };
    let text = "Datum;Uhrzeit;Tempo;x\n01.06.2024;12:00:00;36;-5,5\n01.06.2024;12:00:01;72;6\n";
    let (log, _) = import_with(text.as_bytes(), &params).unwrap();
    assert_eq!(log.times, [EPOCH, EPOCH + 1_000_000_000]);
    assert_eq!(values(&log, "speed"), [10.0, 20.0]);
    assert_eq!(values(&log, "lean"), [-5.5, 6.0]);
    assert_eq!(log.channel("lean").unwrap().unit, Unit::Degrees);
}

#[test]
fn date_and_time_in_two_columns() {
    let (log, info) = import("Date,Time,Power\n2024-06-01,10:00:00.25,100\n2024-06-01,10:00:01,110\n");
    assert_eq!(log.times, [EPOCH + 250_000_000, EPOCH + 1_000_000_000]);
    assert!(info.notes[0].contains("\"Date\" and \"Time\""), "{:?}", info.notes);
    assert!(info.notes.iter().any(|note| note.contains("taken as UTC")), "{:?}", info.notes);
}

#[test]
fn times_in_every_notation() {
    let first = |cell: &str, next: &str| import(&format!("time,hr\n{cell},100\n{next},101\n")).0;
    assert_eq!(first("1717236000", "1717236001").times[0], EPOCH);
    assert_eq!(first("1717236000123", "1717236001000").times[0], EPOCH + 123_000_000);
    assert_eq!(first("2024-06-01T12:00:00+02:00", "2024-06-01T12:00:01+02:00").times[0], EPOCH);
    let clock = first("0:01:02.5", "0:01:03");
    assert_eq!((clock.clock, clock.times[0]), (LogClock::Start, 62_500_000_000));
    let millis = import("time (ms),hr\n500,100\n1500,101\n").0;
    assert_eq!((millis.clock, millis.times[0]), (LogClock::Start, 500_000_000));
}

#[test]
fn a_file_of_which_nothing_can_be_used_is_an_error_that_helps() {
    let error = |text: &str| import_with(text.as_bytes(), &Csv::default()).unwrap_err();
    let no_time = error("alpha,beta\n1,2\n");
    assert!(no_time.message.contains("no column with times"), "{no_time:?}");
    assert!(no_time.notes[0].contains("\"alpha\", \"beta\""), "{no_time:?}");
    assert!(no_time.hint.unwrap().contains("columns"));
    let unreadable = error("time,speed\nyesterday,2\n");
    assert!(unreadable.message.contains("cannot be read"), "{unreadable:?}");
    assert!(unreadable.notes[0].contains("yesterday"), "{unreadable:?}");
    let no_values = error("time,name\n1,a\n2,b\n");
    assert!(no_values.message.contains("no values"), "{no_values:?}");
    for text in ["", "time,speed\n", "\n\n", "# only\n# comments\n", "time"] {
        error(text);
    }
}

#[test]
fn hostile_bytes_are_refused_or_survived() {
    let mut state = 7_u64;
    for round in 0..300 {
        let mut text = b"time,lat,lon,speed,x\n".to_vec();
        for _ in 0..400 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let alphabet = b"0123456789.,,,,;\t\"\"\n\n\r#-+eE:TZ \0\xFFabc";
            text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
        }
        if let Ok((log, _)) = import_with(&text, &Csv::default()) {
            let bytes = columns::encode(&log);
            assert!(columns::decode(&bytes).is_some(), "{round}");
            clean(&log, 5_000);
        }
    }
}

#[test]
fn too_many_columns_are_an_error() {
    let header: Vec<String> = (0..5_000).map(|n| format!("c{n}")).collect();
    let text = format!("time,{}\n1,2\n", header.join(","));
    assert!(import_with(text.as_bytes(), &Csv::default()).unwrap_err().message.contains("columns"));
}

/// shared/testdata/README.md: 1,164 real fixes, at most 158 km/h, 1,245 s.
#[test]
fn trackaddict() {
    let Some(bytes) = testdata("telemetry/trackaddict.csv") else { return };
    let params = Csv { only: [("GPS_Update".to_owned(), "1".to_owned())].into(), ..Csv::default() };
    let (log, info) = import_with(&bytes, &params).unwrap();
    assert_eq!(info.samples, 1_164);
    assert_eq!(log.clock, LogClock::Utc);
    assert_eq!((info.last - info.first) / 1_000_000_000, 1_245);
    let fastest = summary(&info, "speed").max as f64 / 1_000.0 * 3.6;
    assert_eq!(fastest.round(), 158.0);
    assert_eq!(info.bad_rows, 0, "{:?}", info.bad_examples);
    let (clean, cleaned) = clean(&log, 5_000);
    // Speed is kept in steps of 0.01 m/s.
    assert!(summary(&cleaned, "speed").max.abs_diff(summary(&info, "speed").max) <= 5);
    assert!(summary(&cleaned, "distance").derived && summary(&cleaned, "gradient").derived);
    // The phone's GPS altitude wanders by tens of metres: its gradient is
    // noise, which is held within a road's limits and said.
    assert!(values(&clean, "gradient").iter().all(|g| g.is_nan() || g.abs() <= 60.0));
    assert!(
        cleaned.notes.iter().any(|note| note.contains("gradient") && note.contains("noise")),
        "{:?}",
        cleaned.notes
    );
    let (whole, _) = import_with(&bytes, &Csv::default()).unwrap();
    let span = whole.times[whole.times.len() - 1] - whole.times[0];
    assert_eq!(span / 1_000_000_000, 1_245);
}

/// Garmin's own speed and distance are the oracle for what positions say.
#[test]
fn edge500_without_its_speed_gives_nearly_its_speed() {
    let Some(bytes) = testdata("telemetry/edge500.records.csv") else { return };
    let (log, info) = import_with(&bytes, &Csv::default()).unwrap();
    // 10,686 records, of which 15 repeat the second before them.
    assert_eq!((info.samples, info.bad_rows), (10_686 - 15, 0));
    assert!(info.notes.iter().any(|note| note.starts_with("15 rows repeat")), "{:?}", info.notes);
    // 06:00:22 PDT.
    assert_eq!(info.first, 1_316_955_622_000_000_000);
    assert!((values(&log, "latitude")[0] - 521_521_093.0 * 180.0 / 2_147_483_648.0).abs() < 1e-12);
    let mut bare = log.clone();
    bare.channels.retain(|c| !["speed", "distance"].contains(&c.name.as_str()));
    let (own, own_info) = clean(&log, 10_000);
    let (derived, derived_info) = clean(&bare, 10_000);
    assert!(!summary(&own_info, "speed").derived && summary(&derived_info, "speed").derived);
    let mut off: Vec<f64> = values(&own, "speed")
        .iter()
        .zip(values(&derived, "speed"))
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .map(|(a, b)| (a - b).abs())
        .collect();
    off.sort_unstable_by(f64::total_cmp);
    assert!(off[off.len() / 2] < 0.3, "median {}", off[off.len() / 2]);
    // Measured: 1.55 m/s, where the Edge's own speed lags behind in sprints.
    assert!(off[off.len() * 98 / 100] < 1.6, "98 % {}", off[off.len() * 98 / 100]);
    let length = |log: &Telemetry| values(log, "distance").iter().copied().fold(0.0, f64::max);
    assert!((length(&derived) / 92_622.34 - 1.0).abs() < 0.02, "{}", length(&derived));
}

#[test]
fn gopro_tables() {
    for (name, rows) in [("hero7", 199), ("hero11", 110), ("karma", 47)] {
        let Some(bytes) = testdata(&format!("gopro/{name}.gps.csv")) else { return };
        let (log, info) = import_with(&bytes, &Csv::default()).unwrap();
        assert_eq!((log.times.len(), info.bad_rows, log.clock), (rows, 0, LogClock::Start), "{name}");
        let (clean, _) = clean(&log, 5_000);
        for channel in ["latitude", "longitude", "altitude", "speed", "distance"] {
            assert_eq!(values(&clean, channel).len(), rows, "{name} {channel}");
        }
    }
    // "Speed rises 1.2 to 8.4 m/s": the drone's own speed is kept.
    let Some(bytes) = testdata("gopro/karma.gps.csv") else { return };
    let (log, _) = import_with(&bytes, &Csv::default()).unwrap();
    let (_, info) = clean(&log, 5_000);
    let speed = summary(&info, "speed");
    assert!((1_100..1_300).contains(&speed.min) && (8_200..8_500).contains(&speed.max), "{speed:?}");
    let at = lookup::value_at(&log, "speed", 250_200_000);
    assert_eq!(at, Some(1.82));
}

/// A ride of 15 minutes over hills and round bends, without noise.
fn ride(rate: f64, with_speed: bool) -> Telemetry {
    let samples = (900.0 * rate) as usize;
    let (mut north, mut east, mut distance) = (0.0, 0.0, 0.0);
    let mut log = Telemetry { clock: LogClock::Utc, ..Telemetry::default() };
    let mut columns: [Vec<f64>; 4] = Default::default();
    for n in 0..samples {
        let t = n as f64 / rate;
        let speed = 8.0 + 3.0 * (t / 23.0).sin();
        let heading = 1.5 * (t / 31.0).sin() + t / 200.0;
        log.times.push(EPOCH + (t * 1e9) as i64);
        let latitude = 47.0 + north / 111_170.0;
        let altitude = 500.0 + 40.0 * (distance / 600.0_f64).sin();
        for (column, value) in columns.iter_mut().zip([latitude, 8.0 + east / 76_050.0, altitude, speed]) {
            column.push(value);
        }
        north += heading.cos() * speed / rate;
        east += heading.sin() * speed / rate;
        distance += speed / rate;
    }
    let names = [
        ("latitude", Unit::Degrees),
        ("longitude", Unit::Degrees),
        ("altitude", Unit::Metres),
        ("speed", Unit::MetresPerSecond),
    ];
    for ((name, unit), values) in names.into_iter().zip(columns) {
        if name != "speed" || with_speed {
            log.channels.push(Channel { name: name.to_owned(), unit, values });
        }
    }
    log
}

/// The largest difference of a channel between two logs.
fn apart(a: &Telemetry, b: &Telemetry, channel: &str) -> f64 {
    let pairs = values(a, channel).iter().zip(values(b, channel));
    pairs.fold(0.0, |worst: f64, (a, b)| {
        assert_eq!(a.is_nan(), b.is_nan(), "{channel}");
        if a.is_nan() { worst } else { worst.max((a - b).abs()) }
    })
}

/// The bounds that cleaning promises: in m/s, percent and metres.
#[test]
fn a_sample_far_off_and_a_drift_change_almost_nothing() {
    for with_speed in [false, true] {
        for rate in [1.0, 5.0, 18.0] {
            let undisturbed = ride(rate, with_speed);
            let (calm, _) = clean(&undisturbed, 5_000);
            for shape in 0..4 {
                let mut disturbed = undisturbed.clone();
                let at = (200.0 * rate) as usize;
                disturbed.channels[0].values[at] += 500.0 / 111_170.0;
                let (from, until) = ((400.0 * rate) as usize, (405.0 * rate) as usize);
                for n in from..=until {
                    let s = (n - from) as f64 / (until - from) as f64;
                    let share = match shape {
                        0 => 1.0,
                        1 => (std::f64::consts::PI * s).sin(),
                        2 => 1.0 - (2.0 * s - 1.0).abs(),
                        _ => (1.0 - (2.0 * std::f64::consts::PI * s).cos()) / 2.0,
                    };
                    disturbed.channels[1].values[n] += share * 30.0 / 76_050.0;
                }
                let (cleaned, info) = clean(&disturbed, 5_000);
                let name = format!("speed {with_speed}, {rate} Hz, shape {shape}: {:?}", info.notes);
                let bounds = if with_speed { [0.0, 0.0, 0.0] } else { [0.6, 0.5, 5.0] };
                for (channel, bound) in ["speed", "gradient", "distance"].into_iter().zip(bounds) {
                    let apart = apart(&calm, &cleaned, channel);
                    assert!(apart <= bound, "{name}: {channel} is {apart} apart");
                }
                let metres = apart_on_the_ground(&calm, &cleaned);
                assert!(metres < 3.0, "{name}: {metres} m apart");
            }
        }
    }
}

fn apart_on_the_ground(a: &Telemetry, b: &Telemetry) -> f64 {
    apart(a, b, "latitude").max(apart(a, b, "longitude")) * 111_170.0
}

/// The same in altitude.
#[test]
fn a_jump_and_a_drift_of_altitude_hardly_change_the_gradient() {
    let undisturbed = ride(1.0, true);
    let (calm, _) = clean(&undisturbed, 5_000);
    let mut disturbed = undisturbed.clone();
    disturbed.channels[2].values[200] += 500.0;
    for n in 400..=405 {
        disturbed.channels[2].values[n] -= 30.0;
    }
    let (cleaned, _) = clean(&disturbed, 5_000);
    assert!(apart(&calm, &cleaned, "gradient") < 1.0, "{}", apart(&calm, &cleaned, "gradient"));
    assert!(apart(&calm, &cleaned, "altitude") < 2.0);
}

/// What is derived is what the ride was made of.
#[test]
fn derived_channels_are_right() {
    let whole = ride(1.0, true);
    let (cleaned, info) = clean(&ride(1.0, false), 5_000);
    assert!(apart(&whole, &cleaned, "speed") < 0.3, "{}", apart(&whole, &cleaned, "speed"));
    for (n, gradient) in values(&cleaned, "gradient").iter().enumerate().skip(20).take(860) {
        let distance = values(&cleaned, "distance")[n];
        let truth = 100.0 * 40.0 / 600.0 * (distance / 600.0).cos();
        assert!((gradient - truth).abs() < 0.3, "{n}: {gradient} {truth}");
        let t = n as f64;
        let heading = (1.5 * (t / 31.0).sin() + t / 200.0).to_degrees().rem_euclid(360.0);
        let off = (values(&cleaned, "heading")[n] - heading + 180.0).rem_euclid(360.0) - 180.0;
        assert!(off.abs() < 3.0, "{n}: {off}");
    }
    let derived: Vec<&str> = info.channels.iter().filter(|c| c.derived).map(|c| c.name.as_str()).collect();
    assert_eq!(derived, ["speed", "distance", "gradient", "heading"]);
}

#[test]
fn gaps_stay_gaps() {
    let mut log = ride(1.0, false);
    log.times.drain(300..360);
    for channel in &mut log.channels {
        channel.values.drain(300..360);
    }
    let (cleaned, info) = clean(&log, 5_000);
    assert_eq!((cleaned.breaks.as_slice(), info.gaps), (&[300_u32][..], 1));
    let inside = cleaned.times[299] + 30_000_000_000;
    for channel in &cleaned.channels {
        assert_eq!(lookup::value_at(&cleaned, &channel.name, inside), None, "{}", channel.name);
    }
    assert!(lookup::value_at(&cleaned, "speed", cleaned.times[299] - 500_000_000).is_some());
}

#[test]
fn a_log_that_repeats_its_last_fix_moves_evenly() {
    // 20 Hz rows, of which each twentieth has a new fix.
    let fixes = ride(1.0, false);
    let mut held = Telemetry { clock: LogClock::Utc, ..Telemetry::default() };
    for n in 0..300 * 20 {
        held.times.push(EPOCH + n * 50_000_000);
    }
    for channel in &fixes.channels {
        let values = (0..300 * 20).map(|n| channel.values[n / 20]).collect();
        held.channels.push(Channel { name: channel.name.clone(), unit: channel.unit, values });
    }
    let (cleaned, _) = clean(&held, 5_000);
    let (truth, _) = clean(&fixes, 5_000);
    for second in 2..298 {
        let (a, b) = (values(&cleaned, "speed")[second * 20], values(&truth, "speed")[second]);
        assert!((a - b).abs() < 0.3, "{second}: {a} {b}");
    }
}

#[test]
fn impossible_values_and_a_wrong_unit_are_told() {
    let mut log = ride(1.0, true);
    for value in &mut log.channels[3].values {
        *value *= 3.6;
    }
    log.channels.push(Channel { name: "heart_rate".to_owned(), unit: Unit::BeatsPerMinute, values: vec![0.0; 900] });
    log.channels[4].values[10] = 150.0;
    let (cleaned, info) = clean(&log, 5_000);
    assert!(info.notes.iter().any(|note| note.contains("heart_rate: 899 values")), "{:?}", info.notes);
    assert!(info.notes.iter().any(|note| note.contains("is its unit km/h?")), "{:?}", info.notes);
    assert_eq!(values(&cleaned, "heart_rate").iter().filter(|v| !v.is_nan()).count(), 1);
}

#[test]
fn cleaning_survives_what_is_not_there() {
    for log in [Telemetry::default(), Telemetry { times: vec![i64::MIN, 0, i64::MAX], ..Telemetry::default() }] {
        assert_eq!(clean(&log, 0).0.times, log.times);
    }
    let lone = import("time,lat,lon,ele\n5,52,13,100\n").0;
    let (cleaned, info) = clean(&lone, 5_000);
    assert_eq!((info.samples, cleaned.channel("speed")), (1, None));
    let negative = import("time,power\n-5,100\n-4,101\n").0;
    assert_eq!(negative.times[0], -5_000_000_000);
}

#[test]
fn the_example_of_the_reference_is_read() {
    let entry = format("Csv").entry;
    let node = parse(entry.example).unwrap();
    // `file` is the manifest's own field.
    let Value::Fields(fields) = &node.value else { panic!("{node:?}") };
    let own = fields.iter().filter(|(name, _)| name.text != "file").cloned().collect();
    let own = Node { value: Value::Fields(own), ..node.clone() };
    let mut checker = Checker::new(Path::new("autocut.ron"), entry.example);
    let json = (entry.lower)(&own, &mut checker);
    assert!(!checker.has_errors(), "{:?}", checker.finish());
    let params: Csv = serde_json::from_str(&json.unwrap()).unwrap();
    assert_eq!(params.columns["speed"], column("Tempo", Unit::KilometresPerHour));
    let text = "Zeit,Tempo\n2024-06-01 12:00:00,36\n";
    let (log, _) = import_with(text.as_bytes(), &params).unwrap();
    assert_eq!((log.times[0], values(&log, "speed")[0]), (EPOCH, 10.0));
}

#[test]
fn wrong_parameters_are_told_with_their_place() {
    for (text, message) in [
        ("Csv(timezone: \"Europe/Berln\")", "no time zone is called \"Europe/Berln\""),
        ("Csv(time: Iso, pattern: \"%Y\")", "`pattern` and `time` both say how times are written"),
        ("Csv(columns: {\"speed\": Column(header: \"v\", unit: \"kmh/h\")})", "unknown unit"),
    ] {
        let mut checker = Checker::new(Path::new("autocut.ron"), text);
        (format("Csv").entry.lower)(&parse(text).unwrap(), &mut checker);
        let found = checker.finish().0;
        assert!(found[0].message.starts_with(message) && found[0].place.is_some(), "{found:?}");
    }
}
