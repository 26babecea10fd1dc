//! Which of a table's columns with times counts, and what a count beside it
//! does to it.

use super::{EPOCH, format, import_with, values};
use crate::model::telemetry::{LogClock, Telemetry, TelemetrySummary};
use crate::telemetry::csv::{Column, Csv};
use crate::telemetry::zone::Zone;

const MILLI: i64 = 1_000_000;

fn read(text: &str) -> (Telemetry, TelemetrySummary) {
    format("Log").whole_plain(&mut text.as_bytes(), None).unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn mapped(columns: &[(&str, &str)]) -> Csv {
    let column = |(name, header): &(&str, &str)| ((*name).to_owned(), Column::Header((*header).to_owned()));
    Csv { columns: columns.iter().map(column).collect(), ..Csv::default() }
}

/// `10:MM:SS` or, with digits behind the point, `10:MM:SS.s`, at so many
/// milliseconds.
fn clock(millis: i64, digits: usize) -> String {
    let (minute, second) = (millis / 60_000, millis / 1_000 % 60);
    let fraction = format!(".{:03}", millis % 1_000);
    format!("10:{minute:02}:{second:02}{}", if digits == 0 { "" } else { &fraction[..=digits] })
}

#[test]
fn a_lone_date_goes_to_the_time_of_day_and_not_to_a_count() {
    for header in ["Time (s),Date,UTC Time,lat,lon", "Time,Date,GPS Time,lat,lon"] {
        let text = format!("{header}\n0.1,2024-06-01,10:21:04.1,47.5,9.3\n0.2,2024-06-01,10:21:04.2,47.5,9.3\n");
        let (log, summary) = read(&text);
        let first = EPOCH + (21 * 60 + 4) * 1_000 * MILLI + 100 * MILLI;
        assert_eq!((log.clock, log.times.as_slice()), (LogClock::Utc, [first, first + 100 * MILLI].as_slice()));
        assert!(summary.notes[0].contains("\"Date\" and "), "{:?}", summary.notes);
    }
}

/// A log at 25 Hz that repeats each fix of a receiver at 5 Hz has a row for
/// each fix.
#[test]
fn a_count_does_not_divide_times_with_fractions() {
    let row = |row: i64| format!("{:.2},2024-06-01 {},{row}\n", row as f64 / 25.0, clock(row / 5 * 200, 1));
    let (log, _) = read(&("time (s),utc,power\n".to_owned() + &(0..100).map(row).collect::<String>()));
    let fixes: Vec<i64> = (0..20).map(|fix| EPOCH + fix * 200 * MILLI).collect();
    assert_eq!(log.times, fixes);
}

/// At 2 Hz as few rows repeat as may: whichever half of a second comes first.
#[test]
fn a_count_divides_at_two_rows_a_second() {
    for late in [0, 500] {
        let row = |row: i64| format!("{},2024-06-01 {},{row}\n", row * 500, clock(row * 500 + late, 0));
        let (log, _) = read(&("time (ms),utc,power\n".to_owned() + &(0..9).map(row).collect::<String>()));
        assert_eq!(log.times.len(), 9, "{late}");
    }
}

#[test]
fn a_hostile_count_does_no_harm() {
    for counts in [["1", "9000000000", "-9000000000", "2", "3"], ["-9200000000", "1", "2", "3", "9200000000"]] {
        let rows = counts.iter().enumerate().map(|(row, count)| {
            format!("{count},2024-06-01 {},2024-06-01T12:00:00+02:00,1\n", clock(row as i64 / 3 * 1_000, 0))
        });
        let (log, _) = read(&("time (s),datetime,gps time,power\n".to_owned() + &rows.collect::<String>()));
        assert_eq!(log.times, [EPOCH, EPOCH + 1_000 * MILLI]);
    }
}

/// A receiver that lost its fix repeats its last time while the count goes on.
#[test]
fn a_clock_that_stands_still_holds_no_count_back() {
    for (from, until) in [(350, 450), (350, 600)] {
        let row = |row: i64| {
            let shown = if (from..until).contains(&row) { from } else { row };
            format!("{},2024-06-01 {},{row}\n", row * 100, clock(shown * 100, 0))
        };
        let (log, summary) = read(&("time (ms),utc,power\n".to_owned() + &(0..600).map(row).collect::<String>()));
        let expected: Vec<i64> = (0..600).map(|row| EPOCH + row * 100 * MILLI).collect();
        assert_eq!((log.times, summary.bad_rows), (expected, 0));
    }
}

/// A recording that is begun anew within the second in which the last ended
/// counts from 0 again.
#[test]
fn a_count_that_begins_anew_is_held_to_the_clock() {
    let row = |row: i64| format!("{},2024-06-01 {},{row}\n", row % 405 * 100, clock(row * 100, 0));
    let (log, _) = read(&("time (ms),utc,power\n".to_owned() + &(0..600).map(row).collect::<String>()));
    let last = log.times[log.times.len() - 1];
    assert!((last - (EPOCH + 59_900 * MILLI)).abs() <= 1_000 * MILLI && log.times.len() >= 590, "{}", log.times.len());
}

/// A count that is off in one row costs no other.
#[test]
fn a_count_that_jumps_is_held_to_the_clock() {
    for wild in [9_000_000_000_000, -9_000_000_000_000, 40_000_000] {
        let row = |row: i64| {
            let count = if row == 505 { wild } else { row * 100 };
            format!("{count},2024-06-01 {},{row}\n", clock(row * 100, 0))
        };
        let (log, _) = read(&("time (ms),utc,power\n".to_owned() + &(0..600).map(row).collect::<String>()));
        let last = log.times[log.times.len() - 1];
        assert!((last - (EPOCH + 59_900 * MILLI)).abs() <= 1_000 * MILLI && log.times.len() >= 580, "{wild}");
    }
}

/// A logger that waits for its fix repeats one time meanwhile; a column that
/// stands still for minutes is no clock.
#[test]
fn a_clock_that_waits_for_its_fix_is_one() {
    let rows = |millis: i64| {
        let row = |row: i64| {
            format!(
                "{:.1},2024-06-01 {},{row}\n",
                (row * millis) as f64 / 1_000.0,
                clock(if row < 310 { 0 } else { row * millis }, 1)
            )
        };
        "elapsed (s),utc,power\n".to_owned() + &(0..400).map(row).collect::<String>()
    };
    // Meanwhile the count goes on from there.
    let (log, _) = read(&rows(100));
    assert_eq!((log.clock, log.times.len(), log.times.last()), (LogClock::Utc, 400, Some(&(EPOCH + 39_900 * MILLI))));
    let (log, _) = read(&rows(1_000));
    assert_eq!((log.clock, log.times.len()), (LogClock::Start, 400));
}

/// When it began, in every row: the count goes on from there, also over a pause.
#[test]
fn a_start_beside_a_count_is_when_the_log_began() {
    let row = |row: i64| {
        let pause = if row < 350 { 0 } else { 60 };
        format!("2024-06-01 10:00:00,{:.1},{row}\n", row as f64 / 10.0 + f64::from(pause))
    };
    let text = "timestamp,elapsed (s),power\n".to_owned() + &(0..400).map(row).collect::<String>();
    let (log, summary) = read(&text);
    assert_eq!((log.clock, log.times.len(), summary.bad_rows), (LogClock::Utc, 400, 0));
    assert_eq!((log.times[0], log.times[399]), (EPOCH, EPOCH + 99_900 * MILLI));
}

/// A clock in whole seconds that waits first.
#[test]
fn a_count_divides_the_seconds_of_a_clock_that_waited() {
    let row = |row: i64| {
        format!(
            "{:.1},2024-06-01 {},{row}\n",
            row as f64 / 10.0,
            clock(if row < 320 { 0 } else { 3_600_000 + row * 100 }, 0).replace("10:60", "11:00")
        )
    };
    let text = "elapsed (s),utc,power\n".to_owned() + &(0..500).map(row).collect::<String>();
    let (log, _) = read(&text);
    assert_eq!((log.clock, log.times.len()), (LogClock::Utc, 500));
    assert_eq!(log.times[499] - log.times[320], 17_900 * MILLI);
}

/// Neither microseconds since a logger began nor milliseconds since a phone did
/// are seconds since 1970.
#[test]
fn counts_in_small_units_are_counts() {
    let fixes: String = (0..30_i64).map(|row| format!("{},{row}\n", 700_000_000 + row / 3 * 200_000)).collect();
    assert_eq!(read(&("time (us),power\n".to_owned() + &fixes)).0.clock, LogClock::Start);
    let phone: String = (0..30).map(|row| format!("{}.5,{row}\n", 864_000_123 + row * 10)).collect();
    assert_eq!(read(&("time (ms),power\n".to_owned() + &phone)).0.clock, LogClock::Start);
}

/// An elapsed time beside a date is no time of day.
#[test]
fn a_date_is_not_for_what_elapsed() {
    let (log, _) = read("Date,Time (s),Elapsed,power\n2024-06-01,65.0,00:01:05,1\n2024-06-01,66.0,00:01:06,2\n");
    assert_eq!((log.clock, log.times.len()), (LogClock::Start, 2));
}

/// A date in numbers is no count that goes before the time of day.
#[test]
fn a_date_of_six_digits_is_no_time() {
    let (log, _) = read("date,elapsed,power\n010624,0:00:01,1\n010624,0:00:02,2\n010624,0:00:03,3\n");
    assert_eq!(log.times, [1_000 * MILLI, 2_000 * MILLI, 3_000 * MILLI]);
}

#[test]
fn a_header_that_says_utc_goes_before_the_zone_and_that_is_told() {
    let text = "datetime(utc),power\n2024-06-01 10:00:00,1\n2024-06-01 10:00:01,2\n";
    let told = |text: &str, zone: &str| {
        let read = format("Log").whole_plain(&mut text.as_bytes(), Some(&Zone(zone.to_owned()))).unwrap();
        assert_eq!(read.0.times[0], EPOCH);
        read.1.notes.iter().any(|note| note.contains("\"datetime(utc)\" says UTC") && note.contains("Europe/Berlin"))
    };
    assert!(told(text, "Europe/Berlin"));
    // Nothing is passed over.
    assert!(!told(text, "UTC"));
    assert!(!told(&text.replace("0,", "0Z,").replace("1,2", "1Z,2"), "Europe/Berlin"));
    assert!(!told(&text.replace("datetime(utc)", "time").replace(" 10:", " 12:"), "Europe/Berlin"));
}

/// The mapping names the header that is none of the comment's.
#[test]
fn a_comment_is_no_header_where_the_mapping_names_another() {
    let text = "# time,lat,lon\nZeit,Breite,Länge\n2024-06-01T10:00:00Z,47.5,9.3\n2024-06-01T10:00:01Z,47.6,9.4\n";
    let all = [("time", "Zeit"), ("latitude", "Breite"), ("longitude", "Länge")];
    let (log, _) = import_with(text.as_bytes(), &mapped(&all)).unwrap();
    assert_eq!((log.times[0], values(&log, "latitude")), (EPOCH, &[47.5, 47.6][..]));
    // By its number a column may be of either.
    let (log, _) = import_with("# time,lat,x\n0,47.5,3\n1,47.6,3\n".as_bytes(), &mapped(&[("power", "#3")])).unwrap();
    assert_eq!((values(&log, "latitude"), values(&log, "power")), (&[47.5, 47.6][..], &[3.0, 3.0][..]));
}

/// A header without a letter or a digit in it is not every blank cell.
#[test]
fn a_mapped_header_of_signs_alone() {
    let text = "time,%,a,b,c\n0,50,,,\n1,51,1,2,3\n";
    let (log, _) = import_with(text.as_bytes(), &mapped(&[("battery", "%")])).unwrap();
    assert_eq!(values(&log, "battery"), [50.0, 51.0]);
}
