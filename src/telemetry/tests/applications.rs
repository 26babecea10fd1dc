//! Tables in the form that applications write them, rows of our own, read
//! without any mapping.

use super::{EPOCH, column, format, import_with, values};
use crate::base::{Diagnostic, Unit};
use crate::model::telemetry::{LogClock, Telemetry, TelemetrySummary};
use crate::telemetry::csv::{Column, Csv};

const MILLI: i64 = 1_000_000;

fn read(text: &str) -> (Telemetry, TelemetrySummary) {
    format("Log").whole_plain(&mut text.as_bytes(), None).unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn error(text: &str) -> Diagnostic {
    format("Log").whole_plain(&mut text.as_bytes(), None).unwrap_err()
}

#[test]
fn a_film_is_no_log() {
    let film = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\0\x08free";
    let problem = format("Log").whole_plain(&mut &film[..], None).unwrap_err();
    assert_eq!(problem.message, "the file is a film or a picture, and no log");
    assert!(problem.hint.unwrap().contains("Footage(camera:"));
}

fn of(log: &Telemetry, at: usize, names: &[&str]) -> Vec<f64> {
    names.iter().map(|name| values(log, name)[at]).collect()
}

fn has_note(summary: &TelemetrySummary, text: &str) -> bool {
    summary.notes.iter().any(|note| note.contains(text))
}

/// Of Airdata: a time in milliseconds at 10 Hz beside one in whole seconds, the
/// second of which changes at 300 ms.
fn airdata() -> String {
    let mut text = "time(millisecond),datetime(utc),latitude,longitude,height_above_takeoff(feet),speed(mph),\
                    distance(feet),mileage(feet), compass_heading(degrees),altitude(feet)\n"
        .to_owned();
    for row in 0..30 {
        let second = (row * 100 + 700) / 1_000;
        text += &format!("{},2024-06-01 10:00:{second:02},47.5,9.3,10,10,{},{row},325.9,1000\n", row * 100, row % 7);
    }
    text
}

#[test]
fn a_count_divides_the_seconds_of_a_clock() {
    let (log, summary) = read(&airdata());
    assert_eq!((summary.format.as_str(), summary.bad_rows, log.clock), ("CSV of Airdata", 0, LogClock::Utc));
    let expected: Vec<i64> = (0..30).map(|row| EPOCH + (row * 100 + 700) * MILLI).collect();
    assert_eq!(log.times, expected);
    assert!(has_note(&summary, "\"datetime(utc)\" (ISO 8601), whose seconds \"time(millisecond)\" divides"));
    assert!(!has_note(&summary, "zone"), "{:?}", summary.notes);
    let names = ["heading", "altitude", "distance", "home_distance"];
    assert_eq!(of(&log, 8, &names), [325.9, 304.8, 8.0 * 0.3048, 1.0]);
    assert!((values(&log, "speed")[0] - 4.4704).abs() < 1e-9);
    // The zone is stated: another does not count.
    let zone = crate::telemetry::zone::Zone("Europe/Berlin".to_owned());
    let moved = format("Log").whole_plain(&mut airdata().as_bytes(), Some(&zone)).unwrap().0;
    assert_eq!(moved.times, log.times);
}

/// A recording that was begun anew counts from 0 again; a count that does not
/// go with the clock divides nothing.
#[test]
fn a_count_goes_with_its_clock_or_not_at_all() {
    let rows = |count: &dyn Fn(i64) -> i64| -> String {
        let row = |row: i64| format!("{},2024-06-01 10:{:02}:{:02},{row}\n", count(row), row / 120, row / 2 % 60);
        "time (ms),datetime(utc),power\n".to_owned() + &(0..600).map(row).collect::<String>()
    };
    let (log, _) = read(&rows(&|row| row * 500));
    assert_eq!((log.times.len(), log.times[599]), (600, EPOCH + 299_500 * MILLI));
    let (log, _) = read(&rows(&|row| row % 400 * 500));
    assert_eq!((log.times.len(), log.times[599]), (600, EPOCH + 299_500 * MILLI));
    let (log, _) = read(&rows(&|row| row));
    assert_eq!((log.times.len(), log.times[299]), (300, EPOCH + 299_000 * MILLI));
}

#[test]
fn times_since_the_start_have_the_unit_of_their_header() {
    for (header, cells) in [
        ("time(millisecond)", ["500", "1500"]),
        ("time (milliseconds)", ["500", "1500"]),
        ("time (msec)", ["500", "1500"]),
        ("time (us)", ["500000", "1500000"]),
        ("time (µs)", ["500000", "1500000"]),
        ("time (microseconds)", ["500000", "1500000"]),
        ("time (s)", ["0.5", "1.5"]),
        ("time (sec)", ["0.5", "1.5"]),
    ] {
        let text = format!("{header},hr\n{},100\n{},101\n", cells[0], cells[1]);
        let mapping = [("time".to_owned(), Column::Header(header.to_owned()))].into();
        for params in [Csv::default(), Csv { columns: mapping, ..Csv::default() }] {
            let (log, _) = import_with(text.as_bytes(), &params).unwrap();
            assert_eq!((log.clock, log.times.as_slice()), (LogClock::Start, [500 * MILLI, 1_500 * MILLI].as_slice()));
        }
    }
    // Betaflight's, 20 minutes after its start.
    let (log, _) = read("time (us), GPS_numSat, GPS_speed (m/s)\n1200000000, 7, 10\n1200100000, 8, 10.5\n");
    assert_eq!((log.clock, log.times.as_slice()), (LogClock::Start, [1_200_000 * MILLI, 1_200_100 * MILLI].as_slice()));
    assert_eq!(values(&log, "speed"), [10.0, 10.5]);
}

#[test]
fn opentracks() {
    let (log, summary) = read(
        "#time,trackpoint_type,latitude,longitude,altitude,speed,heartrate\n\
         \"2024-06-01T12:00:00+02:00\",\"SEGMENT_START_MANUAL\",,,,,\n\
         \"2024-06-01T12:00:01+02:00\",\"TRACKPOINT\",47.5,9.3,400,36,\n\
         \"2024-06-01T12:00:02+02:00\",\"TRACKPOINT\",47.6,9.3,401,18,120\n",
    );
    assert_eq!((summary.format.as_str(), summary.bad_rows), ("CSV of OpenTracks", 0), "{:?}", summary.bad_examples);
    assert_eq!(log.times.last(), Some(&(EPOCH + 2_000 * MILLI)));
    let last = log.times.len() - 1;
    assert_eq!(of(&log, last, &["latitude", "altitude", "speed", "heart_rate"]), [47.6, 401.0, 5.0, 120.0]);
}

/// Before the first fix GPS Time is `-`; Device Time is local, and GPS Time says
/// in which zone.
#[test]
fn torque() {
    let (log, summary) = read(
        "GPS Time, Device Time, Longitude, Latitude,GPS Speed (Meters/second), Altitude, Bearing, G(x)\n\
         -,01-Jun-2024 18:00:00.250,-,-,-,-,-,2.5\n\
         Sat Jun 01 18:00:01 GMT+08:00 2024,01-Jun-2024 18:00:01.375,101.5,2.5,12.5,14.6,62.5,0.25\n",
    );
    assert_eq!((summary.format.as_str(), summary.bad_rows), ("CSV of Torque", 0), "{:?}", summary.bad_examples);
    assert_eq!(log.times, [EPOCH + 250 * MILLI, EPOCH + 1_375 * MILLI]);
    assert!(has_note(&summary, "beside \"GPS Time\" they are in UTC+08"), "{:?}", summary.notes);
    assert_eq!(of(&log, 1, &["longitude", "latitude", "speed", "heading"]), [101.5, 2.5, 12.5, 62.5]);
    assert_eq!(values(&log, "g_x"), [2.5, 0.25]);
    let params = Csv { columns: [("time".to_owned(), Column::Header("GPS Time".to_owned()))].into(), ..Csv::default() };
    let text = "GPS Time,Altitude\nSat Jun 01 18:00:01 GMT+08:00 2024,14.5\n";
    assert_eq!(import_with(text.as_bytes(), &params).unwrap().0.times, [EPOCH + 1_000 * MILLI]);
}

/// Without a fix OpenTX has a date of no month, a clock that stands still, and
/// positions that are no numbers.
#[test]
fn opentx() {
    let rows = |gps: [&str; 3], position: &str| {
        let header = "Date,Time,RSSI,GPS Date,GPS Time,Long,Lat,Course,GPS Alt\n";
        let row =
            |(at, time): (usize, &&str)| format!("2024-06-01,10:00:0{at}.500,8{at},{time},{position},000.00, 0.00\n");
        header.to_owned() + &gps.iter().enumerate().map(row).collect::<String>()
    };
    let (log, summary) = read(&rows(["2000-00-00,00:00:00"; 3], "000.0000-,000.0000-"));
    assert_eq!((summary.bad_rows, log.times.as_slice().len()), (0, 3), "{:?}", summary.bad_examples);
    assert_eq!(log.times[0], EPOCH + 500 * MILLI);
    assert!(summary.notes[0].contains("\"Date\" and \"Time\""), "{:?}", summary.notes);
    assert_eq!(values(&log, "rssi"), [80.0, 81.0, 82.0]);
    assert!(has_note(&summary, "longitude: 3 cells are no numbers, the first \"000.0000-\""), "{:?}", summary.notes);
    // With a fix the receiver's own date goes with its own time.
    let fixed = ["2024-06-01,08:00:00", "2024-06-01,08:00:01", "2024-06-01,08:00:02"];
    let (log, summary) = read(&rows(fixed, "9.5,47.5"));
    assert_eq!(log.times[0], EPOCH - 7_200_000 * MILLI);
    assert!(summary.notes[0].contains("\"GPS Date\" and \"GPS Time\""), "{:?}", summary.notes);
    assert_eq!(of(&log, 0, &["longitude", "latitude"]), [9.5, 47.5]);
}

#[test]
fn edgetx() {
    let (log, summary) = read(
        "Date,Time,1RSS(dB),VSpd(m/s),Alt(m),GPS,GSpd(kmh),Hdg(°),Sats,RxBt(V)\n\
         2024-06-01,10:00:00.000,-70,0.5,2.0,47.500000 9.300000,36.0,10,12,16.8\n\
         2024-06-01,10:00:00.500,-70,0.5,2.5,,72.0,11,12,16.7\n",
    );
    assert_eq!((summary.bad_rows, log.times[1]), (0, EPOCH + 500 * MILLI), "{:?}", summary.bad_examples);
    let names = ["latitude", "longitude", "speed", "heading", "vertical_speed", "altitude"];
    assert_eq!(of(&log, 0, &names), [47.5, 9.3, 10.0, 10.0, 0.5, 2.0]);
    assert!(values(&log, "latitude")[1].is_nan() && values(&log, "speed")[1] == 20.0);
}

/// As it wrote until 2011.
#[test]
fn older_harrys_laptimer() {
    let (log, summary) = read(
        "LAPINDEX,DATE,TIME,LATITUDE[degrees],LONGITUDE[degrees],SPEED[km/h],HEIGHT[m],\
         GPSFIX[NOFIX;2D;3D;UNKNOWN],DIRECTION[degree],HOP,DISTANCEFROMSTART[m],LATERALG,LINEALG\n\
         3,01-JUN-24,10:00:00.25,47.5,9.3,36,740.0,3,288.5,0.7,0,0.15,0.34\n\
         3,01-JUN-24,10:00:00.50,47.5,9.3,36,740.0,3,288.5,0.7,2.5,0.15,0.34\n",
    );
    assert_eq!(
        (summary.format.as_str(), summary.bad_rows),
        ("CSV of Harry's LapTimer", 0),
        "{:?}",
        summary.bad_examples
    );
    assert_eq!(log.times, [EPOCH + 250 * MILLI, EPOCH + 500 * MILLI]);
    let names = ["latitude", "speed", "altitude", "heading", "lap", "lateral_g"];
    assert_eq!(of(&log, 0, &names), [47.5, 10.0, 740.0, 288.5, 3.0, 0.15]);
}

/// GoPro's Telemetry Extractor, and a spreadsheet's first line.
#[test]
fn gopro_extractor_and_a_stated_delimiter() {
    let (log, summary) = read(
        "sep=,\ncts,date,GPS (Lat.) [deg],GPS (Long.) [deg],GPS (Alt.) [m],GPS (2D speed) [m/s],GPS (3D speed) [m/s]\n\
         0,2024-06-01T10:00:00.000Z,47.5,9.3,243.5,1.25,0.75\n55.2,2024-06-01T10:00:00.055Z,47.5,9.3,243.5,1.5,0.75\n",
    );
    assert_eq!((summary.bad_rows, log.times.as_slice()), (0, [EPOCH, EPOCH + 55 * MILLI].as_slice()));
    assert_eq!(
        of(&log, 0, &["latitude", "longitude", "altitude", "speed", "gps_3d_speed"]),
        [47.5, 9.3, 243.5, 1.25, 0.75]
    );
}

#[test]
fn units_that_are_no_speed() {
    let text = "Timestamp (ms),Fuel Inj (ms),Speed (mph)\n0,4.25,10\n34,4.5,10\n";
    let (log, _) = read(text);
    assert_eq!((values(&log, "fuel_inj_ms"), log.times[1]), (&[4.25, 4.5][..], 34 * MILLI));
    assert_eq!(log.channel("fuel_inj_ms").unwrap().unit, Unit::None);
    let params = Csv { columns: [("speed".to_owned(), column("Speed (mph)", Unit::Knots))].into(), ..Csv::default() };
    assert!((values(&import_with(text.as_bytes(), &params).unwrap().0, "speed")[0] - 5.144_444).abs() < 1e-3);
}

#[test]
fn a_pace_in_minutes_and_seconds() {
    let (log, summary) = read("time,Pace\n0,5:30\n1,5:15\n");
    assert_eq!(
        (values(&log, "pace"), log.channel("pace").unwrap().unit),
        (&[5.5, 5.25][..], Unit::MinutesPerKilometre)
    );
    assert!(has_note(&summary, "pace is taken to be in min/km"), "{:?}", summary.notes);
}

#[test]
fn what_is_no_table_of_samples_is_told() {
    let vbox = error(
        "File created on 01/06/2024 @ 10:00\n\n[header]\nsatellites\ntime\nlatitude\n\n[column names]\nsats time lat\n\n\
         [data]\n009 100000.00 2850.0000\n",
    );
    assert!(vbox.message.contains("VBOX") && vbox.hint.unwrap().contains("CSV"), "{}", vbox.message);
    let fit = error(
        "Type,Local Number,Message,Field 1,Value 1,Units 1\nDefinition,0,file_id,type,1,\nData,0,file_id,type,\"4\",\n",
    );
    assert!(fit.message.contains("FitCSVTool") && fit.hint.unwrap().contains(".fit"), "{}", fit.message);
}
