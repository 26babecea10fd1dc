//! What a project adds to its telemetry and hides of it: what is planned, what
//! an edit runs again, what is shown.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod common;

use std::fmt::Write;

use common::{Footage, Project, ffprobe};

/// North from 47.5 degrees at 0.0001 degrees (some 11 m) a second for a minute.
fn gpx() -> String {
    let mut text = String::from("<gpx version=\"1.1\" creator=\"watch\"><trk><trkseg>");
    for second in 0..60 {
        let (lat, pulse, watts) = (47.5 + f64::from(second) * 1e-4, 100 + second, 144 + second / 20 * 72);
        write!(
            text,
            "<trkpt lat=\"{lat:.5}\" lon=\"9.3\"><ele>{}</ele><time>2024-06-01T10:00:{second:02}Z</time>\
             <extensions><power>{watts}</power><hr>{pulse}</hr></extensions></trkpt>",
            400 + second
        )
        .unwrap();
    }
    text + "</trkseg></trk></gpx>"
}

/// Two moments of one film of a minute, at its start and near its end.
fn project(sections: &str) -> Project {
    let project = Project::new();
    let film = Footage { seconds: 60, size: "160x90", rate: "10", ..Footage::default() };
    project.footage("a.mp4", &film).write("ride.gpx", gpx()).write(
        "autocut.ron",
        format!(
            r#"Project(
    version: 1,
    footage: {{ "front": "a.mp4" }},
    telemetry: "ride.gpx",
    {sections}
)"#
        ),
    );
    project
}

#[test]
fn a_private_place_is_on_no_map_and_in_no_file_and_hiding_it_aligns_nothing_anew() {
    let project = project(
        r#"privacy: [],
    moments: Moments(length: "2s", weights: {}, pins: ["front/a@3s", "front/a@50s"]),
    overlays: { "map": Map(), "speed": Gauge(channel: "speed") },
    outputs: { "reel": Reel(file: "reel.mp4", location: true) },"#,
    );
    let first = project.make();
    assert_eq!(first.ran().get("telemetry.complete"), None, "{:?}", first.ran());
    let reel = project.path("reel.mp4");
    let location = |path| ffprobe(path, "v", "format_tags=location");
    assert!(location(&reel).starts_with("+47.50"), "{}", location(&reel));

    // The first moment lies within 200 m of the start, the second 550 m away.
    project.edit("autocut.ron", "privacy: []", "privacy: [Place(at: (47.5, 9.3), radius: \"200m\")]");
    let made = project.make();
    let ran = made.ran();
    assert_eq!(ran.get("telemetry.complete"), Some(&1), "{ran:?}");
    for kind in ["probe", "telemetry.import", "telemetry.clean", "telemetry.align"] {
        assert_eq!(ran.get(kind), None, "{kind}: {ran:?}");
    }
    // The map of the whole ride has lost its first 200 m, so both segments change.
    assert_eq!(ran.get("segment"), Some(&2), "{ran:?}");
    assert_eq!(location(&reel), "");
    // The gauge of the speed is the same, to the last sprite.
    assert!(made.nodes("draw").iter().all(|node| !node.contains("speed")), "{:?}", made.nodes("draw"));
    let told = project.ok(&["doctor"]);
    assert!(told.contains("with what the project adds and hides"), "{told}");
    assert!(told.contains("samples have no position: they lie near a place that is private"), "{told}");

    // Another order of the same places is the same.
    project.edit("autocut.ron", "Place(at: (47.5, 9.3)", "(at: \"47.50, 9.30\"");
    project.make().assert_ran([]);
}
