//! Real footage, telemetry and music: `../shared/testdata`, with what its
//! README says is true of each file.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use common::{Project, decode_warnings, ffprobe, frame_hashes, testdata};

/// Every file of testdata/video in one project: portrait HEVC with a variable
/// rate, 320x240 at 60 in full range, rotated, without audio.
#[test]
fn a_reel_of_every_kind_of_file_plays() {
    let project = Project::new();
    let files = ["cuts-no-audio", "fullrange-60fps", "portrait-hevc-vfr", "rotated"];
    for file in files {
        if !project.copy(&format!("video/{file}.mp4"), &format!("footage/{file}.mp4")) {
            return;
        }
    }
    let pins: Vec<String> = files.iter().map(|file| format!("{:?}", format!("mix/{file}@1s"))).collect();
    project.write(
        "autocut.ron",
        format!(
            r#"Project(
                version: 1,
                footage: {{ "mix": Footage(files: ["footage/*.mp4"]) }},
                moments: Moments(length: "2s", weights: {{}}, pins: [{}]),
                outputs: {{ "reel": Reel(file: "reel.mp4", video: Video(size: "640x360", rate: "30000/1001")) }},
            )"#,
            pins.join(", ")
        ),
    );
    project.make();
    let reel = project.path("reel.mp4");
    assert_eq!(frame_hashes(&reel).len(), 4 * 60);
    assert_eq!(ffprobe(&reel, "v", "stream=r_frame_rate"), "30000/1001");
    assert_eq!(ffprobe(&reel, "v", "stream=color_range"), "tv");
    assert_eq!(decode_warnings(&reel), "");
    project.make().assert_ran([]);
}

/// karma.gps.csv: the drone's speed rises from 1.2 to 8.4 m/s, so the fastest
/// three seconds are the last.
#[test]
fn the_fastest_moment_is_chosen_when_only_speed_is_weighted() {
    let project = Project::new();
    if !project.copy("gopro/karma.mp4", "karma.mp4") || !project.copy("gopro/karma.gps.csv", "karma.csv") {
        return;
    }
    project.write(
        "autocut.ron",
        r#"Project(
            version: 1,
            footage: { "drone": Footage(files: ["karma.mp4"]) },
            telemetry: Csv(file: "karma.csv", start: "drone/karma", columns: {
                "speed": Column(header: "speed2d", unit: "m/s"),
            }),
            moments: Moments(length: "3s", pre_roll: "0.5s", total: "3s", step: "0.1s", weights: {"speed": 1}),
            overlays: { "speed": Gauge(channel: "speed") },
            outputs: { "reel": Reel(file: "reel.mp4") },
        )"#,
    );
    project.make();
    let text = project.ok(&["explain", "moments"]);
    let chosen =
        text.lines().find(|line| line.trim_start().starts_with("* ") && line.contains("drone/karma@")).unwrap();
    let start: f64 = chosen.split('@').nth(1).unwrap().split('s').next().unwrap().parse().unwrap();

    // The independent answer: the window of 3 s with the greatest mean speed.
    let csv = std::fs::read_to_string(testdata("gopro/karma.gps.csv").unwrap()).unwrap();
    let rows: Vec<(f64, f64)> = csv
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[0].parse().unwrap(), cells[4].parse().unwrap())
        })
        .collect();
    let mean = |start: f64| {
        let inside: Vec<f64> = rows.iter().filter(|(t, _)| (start..start + 3.0).contains(t)).map(|(_, v)| *v).collect();
        inside.iter().sum::<f64>() / inside.len() as f64
    };
    let best = (0..=90).map(|tenth| f64::from(tenth) / 10.0).max_by(|a, b| mean(*a).total_cmp(&mean(*b))).unwrap();
    assert!(mean(start) > 0.97 * mean(best), "chosen {start} s ({}), best {best} s ({})", mean(start), mean(best));
}

/// hero7.mp4 with the independent decode of its own GPS: times are seconds of
/// media, so the log starts with the recording.
#[test]
fn a_gopro_with_its_gps_as_a_log() {
    let project = Project::new();
    if !project.copy("gopro/hero7.mp4", "footage/GH010001.MP4") || !project.copy("gopro/hero7.gps.csv", "gps.csv") {
        return;
    }
    project.write(
        "autocut.ron",
        r#"Project(
            version: 1,
            footage: { "front": Footage(files: ["footage/*.MP4"]) },
            telemetry: Csv(file: "gps.csv", start: "front/GH010001", columns: {
                "speed": Column(header: "speed2d", unit: "m/s"),
            }),
            moments: Moments(length: "3s", total: "6s", gap: "1s", weights: {"speed": 0.5, "motion": 0.5}),
            overlays: { "map": Map(), "speed": Gauge(channel: "speed") },
            outputs: { "reel": Reel(file: "reel.mp4"), "clips": Clips(folder: "clips") },
        )"#,
    );
    let made = project.make();
    assert!(made.ran()["segment"] >= 2, "{:?}", made.ran());
    let reel = project.path("reel.mp4");
    assert_eq!(frame_hashes(&reel).len(), 180);
    assert_eq!(decode_warnings(&reel), "");
    let clips = std::fs::read_dir(project.path("clips")).unwrap().count();
    assert_eq!(clips, 2);
    project.make().assert_ran([]);
    let doctor = project.ok(&["doctor"]);
    assert!(doctor.contains("covers 100 % of front/GH010001") || doctor.contains("covers 9"), "{doctor}");
}
