//! Rows that repeat, jump, part, and are written early.

use super::*;
use crate::model::telemetry::Telemetry;
use crate::telemetry::columns;

/// What comes of a table that `fill` fills.
fn made(repeated: Repeated, fill: impl FnOnce(&mut Table<'_>)) -> (Telemetry, TelemetrySummary) {
    let mut bytes = Vec::new();
    let mut table = Table::new(repeated, &mut bytes);
    fill(&mut table);
    let summary = table.finish("test".to_owned(), LogClock::Start, false).unwrap();
    (columns::decode(&bytes).unwrap(), summary)
}

fn times(rows: &[i64]) -> (Telemetry, TelemetrySummary) {
    made(Repeated::Dropped, |table| {
        for time in rows {
            table.put("x", Unit::None, *time as f64);
            table.add(*time).unwrap();
        }
    })
}

#[test]
fn a_clock_that_jumps_ahead_costs_the_rows_that_jumped() {
    let (log, summary) = times(&[1, 2, 900, 901, 3, 4, 5, 6]);
    assert_eq!(log.times, [1, 2, 3, 4, 5, 6]);
    assert_eq!(log.channels[0].values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(summary.notes[0].starts_with("2 rows jump ahead"), "{:?}", summary.notes);
}

#[test]
fn breaks_stay_where_rows_are_taken_away() {
    let (log, _) = made(Repeated::Dropped, |table| {
        for time in [1, 2, 900, 3, 4, 5] {
            if time == 900 || time == 4 {
                table.part();
            }
            table.put("x", Unit::None, 0.0);
            table.add(time).unwrap();
        }
    });
    assert_eq!((log.times, log.breaks), (vec![1, 2, 3, 4, 5], vec![3]));
}

#[test]
fn rows_of_one_time_become_one_where_that_is_asked_for() {
    let (log, _) = made(Repeated::Joined, |table| {
        for (time, name, value) in [(1, "a", 1.0), (1, "b", 2.0), (1, "a", 9.0), (2, "b", 3.0)] {
            table.put(name, Unit::None, value);
            table.add(time).unwrap();
        }
    });
    assert_eq!(log.times, [1, 2]);
    assert!(log.channels[0].values[0] == 1.0 && log.channels[0].values[1].is_nan());
    assert_eq!(log.channels[1].values, [2.0, 3.0]);
}

/// A clock that jumps, a break, a column that comes late, a pause that is
/// told in time and one that is told at the end: on either side of where a
/// block ends all is as in the middle of one.
#[test]
fn what_is_written_early_is_as_if_it_were_not() {
    let run = |start: i64| {
        let end = start + 2_000;
        made(Repeated::Dropped, |table| {
            for row in 0..end {
                let at = row - start;
                if at == 900 || at == 1_203 {
                    table.part();
                }
                if at == 1_000 {
                    for jumped in 0..20 {
                        table.put("x", Unit::None, -1.0);
                        table.add(row + 10_000 + jumped).unwrap();
                    }
                }
                if at == 1_100 {
                    let mark = |time, kind| Mark { time, kind, name: String::new(), place: None };
                    table.mark(mark(row, MarkKind::Pause));
                    table.mark(mark(row + 5, MarkKind::Resume));
                }
                table.put("x", Unit::None, row as f64);
                if at > 950 {
                    table.put("late", Unit::None, 1.0);
                }
                table.add(row).unwrap();
            }
            for (at, kind) in [(300, MarkKind::Pause), (310, MarkKind::Resume)] {
                table.mark(Mark { time: start + at, kind, name: String::new(), place: None });
            }
        })
    };
    for start in [100, BLOCK as i64 - 1_000, BLOCK as i64 - 1_100, BLOCK as i64 - 301, 2 * BLOCK as i64 - 1_010] {
        let (log, summary) = run(start);
        let rows = start + 2_000;
        assert_eq!(log.times, (0..rows).collect::<Vec<_>>());
        assert_eq!(log.channels[0].values, (0..rows).map(|row| row as f64).collect::<Vec<_>>());
        assert_eq!(log.channels[1].values.iter().filter(|v| !v.is_nan()).count(), 2_000 - 951);
        let breaks = [301, 310, 900, 1_101, 1_105, 1_203].map(|at| (start + at) as u32);
        assert_eq!((log.breaks.as_slice(), summary.gaps), (&breaks[..], 6), "{start}");
        assert!(summary.notes[0].starts_with("20 rows jump ahead"), "{:?}", summary.notes);
        assert_eq!(summary.channels[0].max, (rows - 1) * 1_000);
    }
}
