//! Loggers' own files, against what others read from them.

use super::{format, testdata, values};
use crate::model::telemetry::{LogClock, MarkKind, Reason, Telemetry, TelemetrySummary};
use crate::telemetry::{FORMATS, clean, lookup};

fn plain(name: &str, bytes: &[u8]) -> (Telemetry, TelemetrySummary) {
    format(name).whole_plain(&mut &bytes[..], None).unwrap()
}

/// The independent decode beside it (python-fitparse): semicircles and local
/// time, in which Los Angeles was 7 h behind UTC.
#[test]
fn edge500_is_its_records_on_every_row_and_field() {
    let (Some(fit), Some(csv)) = (testdata("telemetry/edge500.fit"), testdata("telemetry/edge500.records.csv")) else {
        return;
    };
    let (log, summary) = plain("Fit", &fit);
    let mut reader = ::csv::Reader::from_reader(&csv[..]);
    let headers = reader.headers().unwrap().clone();
    let names = ["heart_rate", "cadence", "speed", "distance", "latitude", "longitude", "altitude", "temperature"];
    let (mut rows, mut unknown, mut before) = (0, 0, headers.clone());
    for (at, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let stamp = record[0].replace("PDT", "-0700");
        let time = jiff::fmt::strtime::parse("%a %b %d %H:%M:%S %z %Y", stamp).unwrap().to_timestamp().unwrap();
        assert_eq!(log.times[at] / 1_000_000_000, time.as_second(), "row {at}");
        for (name, column) in names.iter().zip(1..) {
            let found = values(&log, name)[at];
            let Ok(expected) = record[column].parse::<f64>() else {
                assert!(found.is_nan(), "row {at}: {} is {found}", &headers[column]);
                continue;
            };
            let found = match *name {
                "latitude" | "longitude" => (found / 180.0 * 2_147_483_648.0).round(),
                _ => found,
            };
            // Where the file says that a value is unknown, the decode beside it
            // has 0, or the position of the row before.
            if found.is_nan() {
                match *name {
                    "cadence" => assert_eq!(expected, 0.0, "row {at}"),
                    _ => assert_eq!(record[column], before[column], "row {at}: {name}"),
                }
                unknown += 1;
                continue;
            }
            assert!((found - expected).abs() < 1e-9, "row {at}: {} is {found}, not {expected}", &headers[column]);
        }
        rows += 1;
        before = record;
    }
    assert_eq!((rows, log.times.len()), (10_686, 10_686));
    // In the bytes: 121 cadences of 0xff, 9 positions of 0x7fffffff twice.
    assert_eq!(unknown, 121 + 2 * 9);
    assert_eq!((log.clock, summary.bad_rows, summary.format.as_str()), (LogClock::Utc, 0, "FIT of garmin edge500"));
    assert!(log.times.windows(2).all(|pair| pair[0] < pair[1]));
    // The 15 records that share their second with another are none of a path.
    let (clean, _) = clean(&log, 5_000);
    assert_eq!(clean.times.len(), 10_686 - 15);
}

#[test]
fn edge500_has_laps_and_pauses() {
    let Some(fit) = testdata("telemetry/edge500.fit") else { return };
    let (log, summary) = plain("Fit", &fit);
    assert!(summary.laps > 0, "{:?}", log.marks);
    let (clean, cleaned) = clean(&log, 5_000);
    assert_eq!((cleaned.laps, cleaned.pauses), (summary.laps, summary.pauses));
    let laps = values(&clean, "lap");
    assert_eq!((laps[0], laps[laps.len() - 1]), (1.0, f64::from(summary.laps)));
    assert!(laps.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1.0));
    // Nothing is known within a pause.
    let mut stopped = None;
    for mark in &log.marks {
        match mark.kind {
            MarkKind::Pause => stopped = Some(mark.time),
            MarkKind::Resume => {
                let middle = (stopped.take().unwrap() + mark.time) / 2;
                let inside = clean.times.binary_search(&middle).is_ok();
                assert!(inside || lookup::value_at(&clean, "speed", middle).is_none(), "{mark:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn small_fit_has_its_records() {
    let Some(fit) = testdata("telemetry/small.fit") else { return };
    let (log, summary) = plain("Fit", &fit);
    assert_eq!((log.times.len(), summary.bad_rows), (221, 0), "{:?}", summary.notes);
}

/// Counted in the file: 64 points, each a second after the one before.
#[test]
fn extensions_of_gpx_are_read() {
    let Some(gpx) = testdata("telemetry/power-and-heart.gpx") else { return };
    let (log, summary) = plain("Gpx", &gpx);
    assert_eq!((log.times.len(), summary.bad_rows), (64, 0));
    assert_eq!(log.times[0], 1_506_233_453_000_000_000); // 2017-09-24T06:10:53Z
    assert!(log.times.windows(2).all(|pair| pair[1] - pair[0] == 1_000_000_000));
    let first = ["latitude", "longitude", "altitude", "heart_rate", "cadence", "temperature", "power"];
    let first = first.map(|name| values(&log, name)[0]);
    assert_eq!(first, [47.151_29, 8.788_794, 902.4, 160.0, 90.0, 8.0, 205.0]);
    assert!(log.channels.iter().all(|channel| channel.values.iter().all(|value| !value.is_nan())));
    assert_eq!(summary.format, "GPX of StravaGPX");
}

#[test]
fn nothing_is_known_between_segments_of_gpx() {
    let Some(gpx) = testdata("telemetry/gaps.gpx") else { return };
    let (log, summary) = plain("Gpx", &gpx);
    // Of the 8 segments the first has no point (`grep -A1 trkseg`).
    assert_eq!((log.times.len(), log.breaks.len() + 1, summary.bad_rows), (296, 8 - 1, 0), "{:?}", summary.notes);
    // However long a gap may be that is bridged.
    let (clean, _) = clean(&log, 3_600_000);
    assert_eq!(clean.breaks, log.breaks);
    for at in clean.breaks.iter().map(|at| *at as usize) {
        let (before, after) = (clean.times[at - 1], clean.times[at]);
        for part in 1..8 {
            let time = before + (after - before) / 8 * part;
            for channel in &clean.channels {
                assert_eq!(lookup::value_at(&clean, &channel.name, time), None, "{} at break {at}", channel.name);
            }
        }
    }
}

/// A bare path is what its kind is.
#[test]
fn every_file_is_known_by_its_start() {
    let files = [
        ("Fit", "edge500.fit"),
        ("Fit", "small.fit"),
        ("Gpx", "gaps.gpx"),
        ("Gpx", "power-and-heart.gpx"),
        ("Csv", "trackaddict.csv"),
        ("Csv", "edge500.records.csv"),
    ];
    for (kind, file) in files {
        let Some(bytes) = testdata(&format!("telemetry/{file}")) else { return };
        let looks: Vec<&str> = FORMATS.iter().filter(|f| (f.looks)(&bytes[..4_096])).map(|f| f.name()).collect();
        assert_eq!(looks, [kind], "{file}");
        assert_eq!(plain("Log", &bytes).0.times, plain(kind, &bytes).0.times, "{file}");
    }
}

/// The known values of the log (README of the test data), with no parameter.
#[test]
fn trackaddict_needs_no_mapping() {
    let Some(bytes) = testdata("telemetry/trackaddict.csv") else { return };
    let (log, summary) = plain("Log", &bytes);
    assert_eq!((log.times.len(), summary.format.as_str()), (1_164, "CSV of TrackAddict"));
    let fastest = values(&log, "speed").iter().copied().fold(0.0, f64::max) * 3.6;
    assert!((fastest - 158.0).abs() < 0.05, "{fastest}");
    let seconds = (log.times[log.times.len() - 1] - log.times[0]) as f64 / 1e9;
    assert!((seconds - 1_245.0).abs() < 1.0, "{seconds}");
}

/// Counted with Python in the file: 7 of its 8 segments have points, between
/// which lie 2,951 s; of the 289 steps within them the median is 8 s, 95 % are
/// up to 60 s long and the longest is of 201 s.
#[test]
fn a_logger_that_rests_long_has_the_gaps_of_its_segments() {
    let Some(gpx) = testdata("telemetry/gaps.gpx") else { return };
    let (log, _) = plain("Gpx", &gpx);
    let second = 1_000_000_000;
    let (done, found) = clean(&log, 5_000);
    assert_eq!((found.gaps, found.quality.unknown, found.quality.usual), (6, 2_951 * second, 8 * second));
    assert_eq!(done.breaks, log.breaks);
    let lengths: Vec<i64> = found.quality.longest.iter().map(|(from, until)| (until - from) / second).collect();
    assert_eq!(lengths, [894, 843, 614, 388, 179]);
    assert_eq!(found.quality.longest[0].0, 1_281_023_017 * second);
}

/// Counted in the decode beside it: 15 records share their second with the one
/// before, the median of the steps is a second, and the longest is 1,019 s from
/// 1316961551 on.
#[test]
fn the_quality_of_edge500_is_reported() {
    let Some(fit) = testdata("telemetry/edge500.fit") else { return };
    let (log, _) = plain("Fit", &fit);
    let (clean, found) = clean(&log, 5_000);
    let quality = found.quality;
    assert_eq!((quality.usual, found.gaps as usize), (1_000_000_000, clean.breaks.len()));
    assert_eq!(quality.longest[0], (1_316_961_551_000_000_000, 1_316_962_570_000_000_000));
    let count = |what: &str, why| quality.dropped.iter().find(|d| d.what == what && d.why == why).map(|d| d.count);
    assert_eq!(count("samples", Reason::Repeated), Some(15));
    // The 9 records without a position are known of the bytes (see above).
    let bridged = |name: &str| quality.bridged.iter().find(|(channel, _)| channel == name).map_or(0, |(_, n)| *n);
    assert!(bridged("position") <= 9 + count("positions", Reason::Excursion).unwrap_or(0));
}

/// The receiver froze at 11:40:25 and 26 and leapt on: 0, 0, 4.2 and 32.1 m/s, while
/// the positions, 108 m in 5 s, are those of 8.8 becoming 32.7.
#[test]
fn of_a_frozen_receiver_what_positions_confirm_is_kept() {
    let Some(bytes) = testdata("telemetry/trackaddict.csv") else { return };
    let (log, _) = clean(&plain("Log", &bytes).0, 5_000);
    let speed = log.channel("speed").unwrap();
    let at = |second: i64| {
        let sample = log.times.iter().position(|time| time / 1_000_000_000 == 1_559_734_800 + second).unwrap();
        speed.values[sample]
    };
    assert!((28..=29).all(|second| (31.0..34.0).contains(&at(second))), "{} {}", at(28), at(29));
    assert!((25..=27).all(|second| (9.0..30.0).contains(&at(second))), "{} {} {}", at(25), at(26), at(27));
}

/// In Python from the 1,164 fixes: the median of the steps up to 5 s is 1.001 s, three are
/// longer than 5 s (11.004, 6.984 and 15.029); the covariance of what is left
/// of neighbouring altitudes beside the line from those around them gives a
/// noise of 0.70 m, with outliers.
#[test]
fn the_quality_of_trackaddict_is_reported() {
    let Some(bytes) = testdata("telemetry/trackaddict.csv") else { return };
    let (log, _) = plain("Log", &bytes);
    let (_, found) = clean(&log, 5_000);
    let quality = found.quality;
    assert_eq!(quality.usual, 1_001_000_000);
    let lengths: Vec<i64> =
        quality.longest.iter().map(|(from, until)| libm::round((until - from) as f64 / 1e6) as i64).collect();
    assert_eq!((found.gaps, lengths.as_slice()), (3, &[15_029, 11_004, 6_984][..]));
    let altitude = quality.noise.iter().find(|noise| noise.channel == "altitude").unwrap();
    assert!((500..=900).contains(&altitude.deviation), "{:?}", quality.noise);
}
