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

/// The film with a part of it changed.
fn changed(project: &Project, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = project.path(name);
    let mut film = std::fs::read(&path).unwrap();
    change(&mut film);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, film).unwrap();
}

/// The film with what tells the time in it made unreadable: the name of that
/// item is another one.
fn without(project: &Project, name: &str, key: &[u8; 4]) {
    changed(project, name, |film| {
        let all = film.windows(4).enumerate().filter(|(_, four)| four == key);
        let places: Vec<usize> = all.map(|(at, _)| at).collect();
        assert!(places.len() >= 10, "{}", places.len());
        places.iter().for_each(|at| film[*at..at + 4].copy_from_slice(b"NONE"));
    });
}

/// What `autocut explain clock --json` says of the only camera.
fn explained(project: &Project) -> serde_json::Value {
    let told = project.ok(&["explain", "clock", "--json"]);
    let clocks: serde_json::Value = serde_json::from_str(&told).unwrap();
    clocks[0].clone()
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
    // 12 s alone are never sure.
    let warnings = project.make().warnings();
    let is_told = |warning: &String| warning.contains("is not sure") && warning.contains("less than a minute");
    assert!(warnings.iter().any(is_told), "{warnings:?}");
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

/// `creation_time` says 11:13:28Z; the receiver is 7 h 1 min 39 s ahead of that.
#[test]
fn what_explain_says_of_a_clock_can_be_pasted() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "film.mp4") {
        return;
    }
    project.write("autocut.ron", manifest("\"film.mp4\"", "Footage(camera: \"cam\")"));
    let found = explained(&project);
    assert_eq!((&found["camera"], &found["method"]), (&"cam".into(), &"receiver".into()), "{found}");
    let offset = found["offset_ms"].as_i64().unwrap();
    assert!((offset - 25_299_000).abs() < 1_000, "{found}");
    assert_eq!((&found["confidence"], &found["drift_ppm"]), (&1.0.into(), &0.0.into()), "{found}");
    assert!(found["evidence"].as_str().unwrap().starts_with("11 of 11 times of the receiver agree"), "{found}");
    let text = project.ok(&["explain", "clock", "cam"]);
    assert!(text.contains("cam: by GPS time in the footage") && text.contains("confidence  100 of 100"), "{text}");

    let pin = found["pin"].as_str().unwrap();
    assert!(pin.starts_with("clock: \"+7:01:39."), "{pin}");
    project.write("autocut.ron", manifest(&format!("Footage(files: \"film.mp4\", {pin})"), "Footage(camera: \"cam\")"));
    let pinned = explained(&project);
    assert_eq!((&pinned["method"], &pinned["pin"]), (&"manifest".into(), &serde_json::Value::Null), "{pinned}");
    assert_eq!(pinned["recordings"][0]["start"], found["recordings"][0]["start"]);
    let wrong = project.run(&["explain", "clock", "cma"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean \"cam\"?"));
}

#[test]
fn what_is_seen_in_a_file_puts_its_clock_right() {
    let project = Project::new();
    project.footage("day/film.mp4", &common::Footage::default());
    project
        .footage("day/other.mp4", &common::Footage { created: "2024-06-01T10:05:00Z", ..common::Footage::default() });
    let stated = |clock: &str| {
        let camera = format!("Footage(files: \"day/*.mp4\", clock: {clock})");
        project.write(
            "autocut.ron",
            manifest(&camera, "[]").replace("overlays: { \"speed\": Gauge(channel: \"speed\", min: 0, max: 20) },", ""),
        );
    };
    // The camera says 10:00:00 and 10:05:00; 2 s into the first it is 18:15:10.
    for name in ["film", "film.mp4", "day/film.mp4", "cam/film", "cam/film.mp4"] {
        stated(&format!("\"{name} @ 00:00:02 = 2024-06-01T20:15:10.500+02:00\""));
        let found = explained(&project);
        assert_eq!(found["method"], "manifest", "{name}: {found}");
        let starts = [0, 1].map(|at| found["recordings"][at]["start"].clone());
        assert_eq!(starts, ["2024-06-01T18:15:08.500Z", "2024-06-01T18:20:08.500Z"], "{name}");
    }
    stated("[\"film @ 2s = 2024-06-01T18:15:10Z\", \"other @ 0s = 2024-06-01T18:30:00Z\"]");
    assert_eq!(explained(&project)["recordings"][1]["start"], "2024-06-01T18:30:00.000Z");

    // What is wrong is told where it stands.
    let told = |clock: &str| {
        stated(clock);
        let output = project.run(&["make"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = told("\"flim @ 2s = 2024-06-01T18:15:10Z\"");
    assert!(text.contains("cam has no file \"flim\"") && text.contains("did you mean \"film\"?"), "{text}");
    let text = told("\"film @ 5 = 2024-06-01T18:15:10Z\"");
    // The column of the `5` in it, which counts from 1.
    let column = std::fs::read_to_string(project.path("autocut.ron")).unwrap().find("@ 5 =").unwrap() + 3;
    assert!(text.contains(&format!("autocut.ron:1:{column}\n")), "{column}: {text}");
    let text = told("\"film @ 2s = half past six\"");
    assert!(text.contains("is not an instant"), "{text}");
    let text = told("\"film @ 11s = 2024-06-01T18:15:10Z\"");
    assert!(text.contains("lies behind the end of \"film\""), "{text}");
    let text = told("[\"film @ 1s = 2024-06-01T18:15:10Z\", \"film @ 5s = 2024-06-01T18:16:10Z\"]");
    assert!(text.contains("contradicts the clock"), "{text}");
}

/// 0.56 s in 2,800 s are 200 parts per million.
#[test]
fn what_is_seen_in_one_recording_tells_no_drift_of_another() {
    let project = Project::new();
    let long = common::Footage { size: "64x36", rate: "1", seconds: 3_000, sound: false, ..common::Footage::default() };
    project.footage("film.mp4", &long);
    project.footage("other.mp4", &common::Footage { created: "2024-06-01T12:00:00Z", ..common::Footage::default() });
    let seen = "[\"film @ 100.5s = 2024-06-01T10:01:40.500Z\", \"film @ 2900.5s = 2024-06-01T10:48:21.060Z\"]";
    let camera = format!("Footage(files: \"*.mp4\", clock: {seen})");
    project.write(
        "autocut.ron",
        manifest(&camera, "[]").replace("overlays: { \"speed\": Gauge(channel: \"speed\", min: 0, max: 20) },", ""),
    );
    let found = explained(&project);
    let drifts = [0, 1].map(|at| found["recordings"][at]["drift_ppm"].as_f64().unwrap());
    assert_eq!(drifts, [200.0, 0.0], "{found}");
    // In whole seconds nothing is known of it.
    project.edit("autocut.ron", "10:48:21.060Z", "10:48:21Z");
    assert_eq!(explained(&project)["recordings"][0]["drift_ppm"], 0.0);
}

/// The film and a copy whose time code goes on where the film ends: 352 frames
/// after 11:12:47:22, by `ffprobe`. Both carry the camera's identities.
#[test]
fn renamed_chapters_stay_one_recording() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "z.mp4") || !project.copy("gopro/hero7.mp4", "b.mp4") {
        return;
    }
    let label = ((11 * 60 + 12) * 60 + 47) * 30 + 22_u32;
    changed(&project, "b.mp4", |film| {
        let at = film.windows(4).position(|four| four == label.to_be_bytes()).unwrap();
        film[at..at + 4].copy_from_slice(&(label + 352).to_be_bytes());
    });
    project.write("autocut.ron", manifest("\"*.mp4\"", "Footage(camera: \"cam\")").replace("cam/film@1s", "cam/z@1s"));
    let told = project.ok(&["doctor"]);
    assert_eq!(told.matches("one of 2 chapters").count(), 2, "{told}");
    assert_eq!(explained(&project)["recordings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_camera_without_a_date_beside_one_that_is_its_own_telemetry_is_told() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "film.mp4") {
        return;
    }
    let dateless = common::Footage { created: "1970-01-01T00:00:00Z", ..common::Footage::default() };
    project.footage("other.mp4", &dateless);
    let both = manifest("\"film.mp4\", \"second\": \"other.mp4\"", "Footage(camera: \"cam\")");
    project.write("autocut.ron", both);
    let warnings = project.make().warnings();
    let is_told = |warning: &String| warning.contains("nothing says when the camera's films were recorded");
    assert!(warnings.iter().any(is_told), "{warnings:?}");
}

/// Of two cameras one lies beside the log, by hours: the other's overlap says
/// nothing for it.
#[test]
fn a_camera_that_lies_beside_the_log_is_told() {
    let project = Project::new();
    let film = common::Footage { created: "2017-04-17T12:01:00Z", ..common::Footage::default() };
    project.footage("film.mp4", &film);
    project.footage("other.mp4", &film);
    project.write("log.csv", log(&[]));
    let second = "Footage(files: [\"other.mp4\"], clock: \"+10:00:00\")";
    project.write("autocut.ron", manifest(&format!("\"film.mp4\", \"second\": {second}"), "\"log.csv\""));
    let warnings = project.make().warnings();
    let beside = |warnings: &[String]| warnings.iter().filter(|told| told.contains("overlaps the log log.csv")).count();
    assert_eq!(beside(&warnings), 1, "{warnings:?}");
    assert!(warnings.iter().any(|told| told.contains("no footage of second overlaps the log log.csv")), "{warnings:?}");
    // Of a build that does nothing too.
    let again = project.make();
    again.assert_ran([]);
    assert_eq!(beside(&again.warnings()), 1);
    project.edit("autocut.ron", "+10:00:00", "0s");
    assert_eq!(beside(&project.make().warnings()), 0);
}

#[test]
fn a_film_in_whose_track_nothing_is_counts_as_one_without() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "film.mp4") || !project.copy("gopro/hero7.mp4", "silent.mp4") {
        return;
    }
    for key in [b"GPS5", b"ACCL", b"GYRO"] {
        without(&project, "silent.mp4", key);
    }
    project.write("autocut.ron", manifest("\"*.mp4\"", "Footage(camera: \"cam\")"));
    project.make();
    project.make().assert_ran([]);
    let told = project.ok(&["doctor"]);
    assert!(told.contains("nothing is in it, so the film counts as one without telemetry"), "{told}");
    // Alone it is an error that says so.
    std::fs::remove_file(project.path("film.mp4")).unwrap();
    project.edit("autocut.ron", "cam/film@1s", "cam/silent@1s");
    let output = project.run(&["make"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && text.contains("a track for it in which nothing is"), "{text}");
}

/// A camera that measures nothing, over a pattern that moves as fast as the ride
/// goes: 4 pixels of it for each metre. Its clock says January.
#[test]
fn the_motion_of_the_picture_is_compared_where_that_is_asked_for() {
    let project = Project::new();
    // The ride at a second, and the way until then.
    let speed = |s: f64| 8.0 + 3.0 * (s / 17.3).sin() + 2.0 * (s / 5.9).sin() + 1.5 * (s / 41.7).cos();
    let mut log = String::from("time,speed (m/s)\n");
    for second in 0..1_800 {
        let (minute, rest) = (second / 60, second % 60);
        writeln!(log, "2024-06-01T10:{minute:02}:{rest:02}Z,{:.3}", speed(f64::from(second))).unwrap();
    }
    project.write("log.csv", log);
    // From 612 s on, for two minutes.
    let at = "(T+612)";
    let way = format!("8*T-51.9*cos({at}/17.3)-11.8*cos({at}/5.9)+62.55*sin({at}/41.7)");
    let pattern = format!("color=gray:s=160x90:r=8:d=120,geq=lum='128+90*sin((X+4*({way}))*2*PI/160)':cb=128:cr=128");
    let film = project.path("film.mp4");
    common::tool(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            &pattern,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-crf",
            "12",
            "-pix_fmt",
            "yuv420p",
            "-metadata",
            "creation_time=2024-01-01T00:00:00Z",
            film.to_str().unwrap(),
        ],
    );
    project.write("autocut.ron", manifest("Footage(files: \"film.mp4\", clock: Motion)", "\"log.csv\""));
    let found = explained(&project);
    assert_eq!(found["method"], "motion", "{found}");
    let start: jiff::Timestamp = found["recordings"][0]["start"].as_str().unwrap().parse().unwrap();
    let truth: jiff::Timestamp = "2024-06-01T10:10:12Z".parse().unwrap();
    let off = (start.as_millisecond() - truth.as_millisecond()).abs();
    assert!(off < 100, "{off} ms off: {found}");
    // However like it is: it is told that it is not sure.
    let warnings = project.make().warnings();
    assert!(
        warnings.iter().any(|warning| warning.contains("how much the picture moves") && warning.contains("not sure")),
        "{warnings:?}"
    );
}
