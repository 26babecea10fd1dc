//! Whose clock is believed: the receiver in the camera, the log beside the
//! camera's own speed, what the manifest states. With GoPro's own films and
//! what others decoded from them.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fmt::Write;

use common::{Project, testdata};

/// Rows of an independent decode: seconds of the film, speed along the ground.
fn speeds(name: &str) -> Vec<(f64, f64)> {
    let text = std::fs::read_to_string(testdata(name).unwrap()).unwrap();
    let row = |line: &str| {
        let mut fields = line.split(',').map(|field| field.parse::<f64>());
        (fields.next().unwrap().unwrap(), fields.nth(3).unwrap().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

/// The film with what tells the time in it made unreadable: the name of that
/// item is another one.
fn without(project: &Project, name: &str, key: &[u8; 4]) {
    let path = project.path(name);
    let mut film = std::fs::read(&path).unwrap();
    let places: Vec<usize> = film.windows(4).enumerate().filter(|(_, four)| four == key).map(|(at, _)| at).collect();
    assert!(places.len() >= 10, "{}", places.len());
    places.iter().for_each(|at| film[*at..at + 4].copy_from_slice(b"NONE"));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, film).unwrap();
}

/// A logger's file of ten minutes with the drone's flight in it, which starts at
/// 12:04:00.370 by that logger; before and after somebody walks.
fn log(flight: &[(f64, f64)]) -> String {
    let mut text = String::from("time,latitude,longitude,speed (m/s)\n");
    for second in 0..600 {
        let film = f64::from(second) - 240.37;
        let before = flight.windows(2).find(|pair| (pair[0].0..pair[1].0).contains(&film));
        let speed = match before {
            Some([(at, speed), (until, after)]) => speed + (after - speed) * (film - at) / (until - at),
            _ => 1.5 + (f64::from(second) / 3.7).sin() * 0.8 + (f64::from(second) / 11.3).cos() * 0.5,
        };
        let (minute, second) = (second / 60, second % 60);
        let lat = 33.12 + f64::from(minute * 60 + second) * 1e-5;
        writeln!(text, "2017-04-17T12:{minute:02}:{second:02}Z,{lat:.6},-117.33,{speed:.3}").unwrap();
    }
    text
}

fn manifest(camera: &str, telemetry: &str) -> String {
    format!(
        r#"Project(version: 1, footage: {{ "cam": {camera} }}, telemetry: {telemetry},
        moments: Moments(length: "2s", weights: {{}}, pins: ["cam/film@1s"]),
        overlays: {{ "speed": Gauge(channel: "speed", min: 0, max: 20) }},
        outputs: {{ "reel": Reel(file: "reel.mp4") }})"#
    )
}

/// When the film starts as `autocut doctor` says it, with how that is known.
fn starts(project: &Project) -> String {
    let told = project.ok(&["doctor"]);
    let line = told.lines().find(|line| line.trim_start().starts_with("starts ")).unwrap_or_else(|| panic!("{told}"));
    line.trim().to_owned()
}

/// `creation_time` says 11:13:28; the receiver's first stamp is 18:15:07.395.
#[test]
fn the_receiver_in_the_camera_is_believed_and_footage_is_telemetry() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "film.mp4") {
        return;
    }
    project.write("autocut.ron", manifest("\"film.mp4\"", "Footage(camera: \"cam\")"));
    let told = starts(&project);
    assert!(told.starts_with("starts 2019-05-06T18:15:07"), "{told}");
    assert!(told.contains("GPS time in the footage: the camera's clock moved by +7:01:39"), "{told}");
    let made = project.make();
    assert!(made.warnings().is_empty(), "{:?}", made.warnings());
    project.make().assert_ran([]);
    let doctor = project.ok(&["doctor"]);
    assert!(doctor.contains("GPMF of Hero7 Black (GPS5)"), "{doctor}");

    // What the manifest states wins.
    project.write(
        "autocut.ron",
        manifest("Footage(files: [\"film.mp4\"], clock: \"+07:01:41\")", "Footage(camera: \"cam\")"),
    );
    let told = starts(&project);
    assert!(told.starts_with("starts 2019-05-06T18:15:09") && told.contains("as the manifest says"), "{told}");
}

/// The film says 19:27:57 and the log has the flight at 12:04:00.370: without
/// the drone's clock, and with no overlap, only the speeds tell.
#[test]
fn a_wrong_clock_is_put_right_by_speed_alone() {
    let project = Project::new();
    if !project.copy("gopro/karma.mp4", "film.mp4") {
        return;
    }
    without(&project, "film.mp4", b"SYST");
    project.write("log.csv", log(&speeds("gopro/karma.gps.csv")));
    project.write("autocut.ron", manifest("\"film.mp4\"", "\"log.csv\""));
    let told = starts(&project);
    assert!(told.contains("the footage's own speed beside the log's"), "{told}");
    let time: jiff::Timestamp = told.split_whitespace().nth(1).unwrap().parse().unwrap();
    let truth: jiff::Timestamp = "2017-04-17T12:04:00.370Z".parse().unwrap();
    let off = (time.as_millisecond() - truth.as_millisecond()).abs();
    assert!(off < 100, "{off} ms off: {told}");
    assert!(project.make().warnings().is_empty(), "{:?}", project.make().warnings());
}

#[test]
fn footage_that_carries_nothing_is_no_telemetry() {
    let project = Project::new();
    project.footage("film.mp4", &common::Footage::default());
    project.write("autocut.ron", manifest("\"film.mp4\"", "Footage(camera: \"cam\")"));
    let output = project.run(&["make"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the footage of cam carries no telemetry"), "{text}");
    project.edit("autocut.ron", "camera: \"cam\"", "camera: \"cm\"");
    let output = project.run(&["make"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("no footage set is named") && text.contains("did you mean \"cam\"?"), "{text}");
}
