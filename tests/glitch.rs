//! Dirty positions decide nothing: a sample 500 m off, then 5 s of 30 m drift,
//! change no chosen moment.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fmt::Write;

use common::{Footage, Project};

/// Half an hour east at a speed that rises and falls, sampled once a second;
/// positions only, as a phone logs them. `disturb` moves a sample by metres.
fn ride(disturb: impl Fn(usize) -> (f64, f64)) -> String {
    let mut text = String::from("time,latitude,longitude,altitude\n");
    let metre = 1.0 / 111_320.0;
    let mut way = 0.0;
    for second in 0..1_800_usize {
        let t = second as f64;
        let speed = 8.0 + 4.0 * (t / 90.0).sin() + 1.5 * (t / 37.0).cos();
        way += speed;
        let (north, east) = disturb(second);
        let altitude = 400.0 + 60.0 * (t / 200.0).sin();
        let (lat, lon) = (north * metre, (way + east) * metre);
        writeln!(text, "2024-06-01T10:{:02}:{:02}Z,{lat:.7},{lon:.7},{altitude:.1}", second / 60, second % 60).unwrap();
    }
    text
}

fn chosen(log: String) -> String {
    let project = Project::new();
    // The pictures do not matter: 25 minutes of them cost little at this size.
    let long = Footage { size: "64x36", rate: "2", seconds: 1_500, sound: false, ..Footage::default() };
    project.footage("a.mp4", &long).write("ride.csv", log).write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "a.mp4" },
            telemetry: Csv(file: "ride.csv"),
            moments: Moments(total: "30s", gap: "20s", weights: {"speed": 0.7, "|gradient|": 0.3}),
            outputs: { "reel": Reel(file: "reel.mp4") })"#,
    );
    let text = project.ok(&["explain", "moments"]);
    let moments: Vec<&str> =
        text.lines().filter(|line| line.trim_start().starts_with("* ") && line.contains('@')).collect();
    let names: Vec<&str> = moments.iter().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert!(names.len() > 5, "{text}");
    names.join(" ")
}

#[test]
fn dirty_positions_change_no_chosen_moment() {
    let clean = chosen(ride(|_| (0.0, 0.0)));
    let disturbed = chosen(ride(|second| match second {
        700 => (500.0, 0.0),
        // Off to the side and back within five seconds.
        1_100..1_105 => (30.0, 30.0),
        _ => (0.0, 0.0),
    }));
    assert_eq!(clean, disturbed);
}
