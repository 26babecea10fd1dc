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

const ADDED: &str = r#"channels: {
        "effort": "power / 72kg",
        "pulse": "heart_rate * 1",
    },
    zones: { "heart_rate": [110, 120, 130] },
    laps: Distance("300m"),
    moments: Moments(length: "2s", weights: {}, pins: ["front/a@3s", "front/a@50s"]),
    overlays: {
        "effort": Gauge(channel: "effort"),
        "zone": Gauge(channel: "heart_rate_zone", min: 0, max: 5),
        "lap": Text(text: "lap {lap} {lap_time:1} {vertical_speed:1:m/h}"),
    },
    outputs: { "reel": Reel(file: "reel.mp4", overlays: ["effort", "zone", "lap"]) },"#;

#[test]
fn an_edit_of_an_expression_encodes_only_what_shows_it() {
    let project = project(ADDED);
    let made = project.make();
    assert_eq!(made.ran().get("telemetry.complete"), Some(&1), "{:?}", made.ran());
    let told = project.ok(&["doctor"]);
    for expected in ["effort", "heart_rate_zone", "lap_time", "vertical_speed"] {
        assert!(told.contains(expected), "{expected:?} is missing in\n{told}");
    }
    project.make().assert_ran([]);

    // Spaces are nothing that is shown, and neither is a channel that no overlay names.
    project.edit("autocut.ron", "heart_rate * 1", "heart_rate * 3");
    let ran = project.make().ran();
    assert_eq!(ran.get("telemetry.complete"), Some(&1), "{ran:?}");
    for kind in ["probe", "telemetry.import", "telemetry.clean", "telemetry.align", "draw", "segment", "join"] {
        assert_eq!(ran.get(kind), None, "{kind}: {ran:?}");
    }

    // From 200 W on another number: that is what the second moment shows.
    project.edit("autocut.ron", "power / 72kg", "if(power < 200W, power, power * 1.2) / 72kg");
    let made = project.make();
    let ran = made.ran();
    for kind in ["probe", "telemetry.import", "telemetry.clean", "telemetry.align"] {
        assert_eq!(ran.get(kind), None, "{kind}: {ran:?}");
    }
    assert_eq!(made.nodes("segment").len(), 1, "{:?}", made.nodes("segment"));
    assert!(made.nodes("segment")[0].contains("a@50"), "{:?}", made.nodes("segment"));
}

#[test]
fn what_is_wrong_with_an_expression_is_told_where_it_stands_in_the_manifest() {
    let project = project(ADDED);
    for (from, to, place, message) in [
        ("power / 72kg", "powr / 72kg", "autocut.ron:6:20", "there is no channel `powr`"),
        ("heart_rate * 1", "effort + lap_time", "autocut.ron:7:19", "`effort` is in W/kg and `lap_time` in s"),
        ("heart_rate * 1", "pulse_zone + 1", "autocut.ron:7:19", "there is no channel `pulse_zone`"),
    ] {
        project.edit("autocut.ron", from, to);
        let output = project.run(&["make"]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(place) && text.contains(message), "{place} {message}\n{text}");
        project.edit("autocut.ron", to, from);
    }
    // Two that rest on each other.
    project.edit("autocut.ron", "heart_rate * 1", "effort / 2").edit("autocut.ron", "power / 72kg", "pulse * 2");
    let output = project.run(&["make"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("`effort` rests on itself: effort <- pulse <- effort"), "{text}");
    assert!(text.contains("autocut.ron:7:19"), "{text}");
}

#[test]
fn moments_are_weighed_by_what_a_log_is_looked_through_for() {
    let project = project(
        r#"laps: Distance("330m"),
    moments: Moments(length: "2s", pre_roll: "500ms", total: "2s", weights: {"lap_start": 1}),
    outputs: { "reel": Reel(file: "reel.mp4") },"#,
    );
    project.make();
    // 11.12 m a second: the second lap begins after 330 m, in second 29.7.
    let told = project.ok(&["explain", "moments"]);
    assert!(told.contains("lap_start") && told.contains("front/a@29"), "{told}");
    project.edit("autocut.ron", "\"lap_start\": 1", "\"new_maximum(sped)\": 1");
    let output = project.run(&["make"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("autocut.ron:") && text.contains("there is no channel `sped`"), "{text}");
}
