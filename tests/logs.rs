//! Several loggers in one project: what is planned, what an edit of one of them
//! runs again, and what `autocut doctor` says of each.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fmt::Write;

use common::{Footage, Project};

/// A watch that is silent from the 5th to the 15th second.
fn gpx() -> String {
    let mut text = String::from("<gpx version=\"1.1\" creator=\"watch\"><trk>");
    for part in [0..5, 15..30] {
        text += "<trkseg>";
        for second in part {
            let (lat, pulse) = (47.5 + f64::from(second) * 1e-4, 120 + second);
            write!(
                text,
                "<trkpt lat=\"{lat:.5}\" lon=\"9.3\"><ele>400</ele><time>2024-06-01T10:00:{second:02}Z</time>\
                 <extensions><hr>{pulse}</hr></extensions></trkpt>"
            )
            .unwrap();
        }
        text += "</trkseg>";
    }
    text + "</trk></gpx>"
}

/// A second logger, in local time and without a position.
fn csv() -> String {
    let mut text = String::from("time,heart rate,power\n");
    for second in 0..30 {
        writeln!(text, "2024-06-01 12:00:{second:02},{},{}", 180, 200 + second).unwrap();
    }
    text
}

fn project() -> Project {
    let project = Project::new();
    project.footage("a.mp4", &Footage::default()).write("watch.gpx", gpx()).write("power.csv", csv()).write(
        "autocut.ron",
        r#"Project(
        version: 1,
        footage: { "front": Footage(files: ["a.mp4"], clock: Clock(start: "2024-06-01T10:00:00Z")) },
        telemetry: ["watch.gpx", Log(file: "power.csv", timezone: "Europe/Berlin")],
        moments: Moments(length: "2s", weights: {}, pins: ["front/a@1s"]),
        overlays: {
            "pulse": Gauge(channel: "heart_rate", min: 0, max: 200),
            "power": Gauge(channel: "power", min: 0, max: 300),
        },
        outputs: { "reel": Reel(file: "reel.mp4") },
    )"#,
    );
    project
}

#[test]
fn several_logs_are_merged_and_an_edit_runs_what_rests_on_it() {
    let project = project();
    let made = project.make();
    let count = |kind: &str| made.ran().get(kind).copied();
    assert_eq!(["telemetry.import", "telemetry.clean", "telemetry.merge"].map(count), [Some(2), Some(2), Some(1)]);
    project.make().assert_ran([]);

    // A value that the first log knows better: the merged log is the same.
    project.edit("power.csv", "12:00:02,180", "12:00:02,190");
    project.make().assert_ran([("telemetry.import", 1), ("telemetry.clean", 1), ("telemetry.merge", 1)]);

    // The other way round it counts.
    project.edit(
        "autocut.ron",
        r#"["watch.gpx", Log(file: "power.csv", timezone: "Europe/Berlin")]"#,
        r#"[Log(file: "power.csv", timezone: "Europe/Berlin"), "watch.gpx"]"#,
    );
    let made = project.make();
    assert_eq!(made.ran().get("telemetry.import"), None, "{:?}", made.ran());
    assert_eq!(
        (made.ran().get("telemetry.merge"), made.ran().get("segment")),
        (Some(&1), Some(&1)),
        "{:?}",
        made.ran()
    );
}

#[test]
fn doctor_tells_of_each_log_and_of_all() {
    let project = project();
    let told = project.ok(&["doctor"]);
    for expected in [
        "watch.gpx: GPX of watch",
        "20 samples over 29 s",
        "power.csv: CSV",
        "30 samples over 29 s",
        "all 2 logs as one",
        "covers 100 % of front/a",
        "usually 1.00 s from one sample to the next",
        "nothing is known for 11.00 s in all; the longest gap 11.00 s from 2024-06-01T10:00:04.000Z",
    ] {
        assert!(told.contains(expected), "{expected:?} is missing in\n{told}");
    }
}

/// The watch is silent from its sample at :04 to that at :15.
#[test]
fn doctor_tells_the_quality_of_logs_as_json() {
    let project = project();
    let told: serde_json::Value = serde_json::from_str(&project.ok(&["doctor", "--json"])).unwrap();
    let names: Vec<&str> = told["logs"].as_array().unwrap().iter().map(|log| log["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["watch.gpx", "power.csv", "all 2 logs as one"]);
    let quality = &told["logs"][0]["cleaned"]["quality"];
    let start = 1_717_236_000_000_000_000_i64;
    let gap = serde_json::json!([start + 4_000_000_000, start + 15_000_000_000]);
    assert_eq!((&quality["longest"], &quality["usual"]), (&serde_json::json!([gap]), &1_000_000_000.into()));
    assert_eq!(told["logs"][2]["cleaned"]["quality"]["longest"], serde_json::json!([]));
    assert_eq!(told["recordings"][0]["name"], "front/a");
}

#[test]
fn a_log_that_cannot_be_merged_is_an_error_with_its_place() {
    let project = project();
    project.write("power.csv", "seconds,power\n0,200\n1,210\n");
    let output = project.run(&["make"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("autocut.ron:4:") && text.contains("nothing says when the log power.csv starts"), "{text}");
}

/// Whatever a file is called, and whatever it is not.
#[test]
fn a_file_that_is_no_log_is_refused_with_what_to_do() {
    let project = project();
    for (bytes, expected) in [
        (&b"\x00\x00\x00\x18ftypheic\0\0\0\0"[..], "the file is a film or a picture"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0", "what the file is cannot be told"),
        (b"<html><body>404</body></html>", "what the file is cannot be told"),
        (b"", "the file is empty"),
        (b"\x0e\x10\x00\x00\xff\xff\xff\xff.FIT\x00\x00", "no sample that can be used"),
    ] {
        project.write("power.csv", bytes);
        let output = project.run(&["make"]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("power.csv") && text.contains(expected), "{expected:?} is missing in\n{text}");
    }
}
