//! Choosing on what a camera really logged.

use std::path::PathBuf;

use super::{Case, ms};

/// The columns time (s) and `name` of a decoded GPS log, or `None` where the
/// test data is not here.
fn log(file: &str, name: &str) -> Option<Vec<(f64, f64)>> {
    let folder = std::env::var_os("AUTOCUT_TESTDATA")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata"));
    let text = std::fs::read_to_string(folder.join(file)).ok()?;
    let mut lines = text.lines();
    let column = lines.next()?.split(',').position(|title| title == name)?;
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        Some((cells.first()?.parse().ok()?, cells.get(column)?.parse().ok()?))
    };
    lines.map(row).collect()
}

/// The drone flies off at 1.2 m/s and reaches 8.4 m/s; the decode beside the
/// file is independent. The fastest three seconds by its own numbers are
/// looked for here by hand.
#[test]
#[expect(clippy::print_stderr, reason = "a test that has nothing to test says so")]
fn the_fastest_moment_of_karma_is_chosen() {
    let Some(rows) = log("gopro/karma.gps.csv", "speed2d") else {
        eprintln!("skipped: ../shared/testdata is not here");
        return;
    };
    let mut case = Case::new().recording("drone/karma", Some(0), 12_112).channel("speed", 1, vec![0.0; rows.len()]);
    let telemetry = case.telemetry.as_mut().unwrap();
    telemetry.times = rows.iter().map(|(time, _)| (time * 1e9) as i64).collect();
    telemetry.channels[0].values = rows.iter().map(|(_, speed)| *speed).collect();
    let case = case.weigh("speed", 1_000).with(|spec| spec.total = ms(3_000));
    let moment = case.choose().unwrap().0.moments.pop().unwrap();

    let mean = |from: f64| {
        let inside: Vec<f64> =
            rows.iter().filter(|(time, _)| (from..from + 3.0).contains(time)).map(|(_, speed)| *speed).collect();
        inside.iter().sum::<f64>() / inside.len() as f64
    };
    let fastest = (0..=18).map(|half| f64::from(half) / 2.0).max_by(|a, b| mean(*a).total_cmp(&mean(*b))).unwrap();
    assert!((moment.start.as_f64() - fastest).abs() <= 0.5, "{moment:?}, but {fastest} s is the fastest");
    assert!(mean(moment.start.as_f64()) > 0.99 * mean(fastest));
}
