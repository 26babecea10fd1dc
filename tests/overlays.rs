//! Overlays in the finished file: the right digits at the right frame, and
//! what an edit of one of them runs.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fmt::Write;
use std::path::Path;

use common::{Footage, Project};

/// A picture's luma, cropped to where the gauge stands.
type Picture = Vec<u8>;

/// Every frame of a file, cropped to the digits of the gauge (its middle).
fn frames(file: &Path) -> Vec<Picture> {
    let (width, height) = (96, 40);
    // The gauge of the manifest below is 80 px wide at (14, 266) of 640x360;
    // the digits are in the upper two thirds of its middle.
    let filter = format!("crop={width}:{height}:6:282,format=gray");
    let args = ["-v", "error", "-i", file.to_str().unwrap(), "-vf", &filter, "-f", "rawvideo", "-"];
    let output = std::process::Command::new("ffmpeg").args(args).output().unwrap();
    assert!(output.status.success());
    output.stdout.chunks(width * height).map(<[u8]>::to_vec).collect()
}

fn difference(a: &Picture, b: &Picture) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// A log whose speed in km/h is `speed(seconds since 10:00:00)`, 10 times a
/// second for 20 s.
fn log(speed: impl Fn(f64) -> f64) -> String {
    let mut text = String::from("time,speed (km/h)\n");
    for tenth in 0..200 {
        let seconds = f64::from(tenth) / 10.0;
        writeln!(text, "2024-06-01T10:00:{seconds:04.1}Z,{:.4}", speed(seconds)).unwrap();
    }
    text
}

fn project(speed: impl Fn(f64) -> f64) -> Project {
    let project = Project::new();
    let manifest = r##"Project(
        version: 1,
        footage: { "front": Footage(files: ["a.mp4"]) },
        telemetry: Csv(file: "ride.csv"),
        moments: Moments(length: "3s", weights: {}, pins: ["front/a@2s"]),
        overlays: { "speed": Gauge(channel: "speed", min: 0, max: 100, accent: "#ffb020") },
        outputs: { "reel": Reel(file: "reel.mp4", video: Video(quality: 10)) },
    )"##;
    project
        .footage("a.mp4", &Footage { size: "640x360", ..Footage::default() })
        .write("ride.csv", log(speed))
        .write("autocut.ron", manifest);
    // A still, grey picture: all that changes is the gauge.
    let path = project.path("a.mp4");
    let made = ["-metadata", "creation_time=2024-06-01T10:00:00Z", "-c:v", "libx264", "-pix_fmt", "yuv420p"];
    let source = ["-v", "error", "-y", "-f", "lavfi", "-i", "color=c=gray:s=640x360:r=30:d=10"];
    let args: Vec<&str> = source.iter().chain(&made).copied().chain([path.to_str().unwrap()]).collect();
    common::tool("ffmpeg", &args);
    project
}

/// The ramp's value at frame `n` of the clip is known from the log alone:
/// frame `n` of a clip that starts at 2 s shows the speed at `2 + n / 30` s.
/// What the digits look like is known from logs of a constant speed, in which
/// no time can slip.
#[test]
fn the_digits_are_those_of_the_frame() {
    // 6 km/h a second: another number every fifth frame.
    let ramp = project(|seconds| 20.0 + 6.0 * seconds);
    ramp.make();
    let shown = frames(&ramp.path("reel.mp4"));
    assert_eq!(shown.len(), 90);

    let expected = |n: usize| (20.0 + 6.0 * (2.0 + n as f64 / 30.0)).round() as u32;
    // Not on frames whose value lies on a rounding boundary.
    let clear = |n: usize| ((20.0 + 6.0 * (2.0 + n as f64 / 30.0)).fract() - 0.5).abs() > 0.05;
    let (first, last) = (expected(0), expected(89));
    let references: Vec<(u32, Picture)> = (first..=last)
        .step_by(3)
        .map(|value| {
            let constant = project(move |_| f64::from(value));
            constant.make();
            (value, frames(&constant.path("reel.mp4"))[45].clone())
        })
        .collect();

    let mut read = 0;
    for (n, picture) in shown.iter().enumerate().filter(|(n, _)| clear(*n)) {
        let nearest = references.iter().min_by(|a, b| difference(&a.1, picture).total_cmp(&difference(&b.1, picture)));
        let (value, reference) = nearest.unwrap();
        if references.iter().any(|(value, _)| *value == expected(n)) {
            assert_eq!(*value, expected(n), "frame {n}");
            assert!(difference(reference, picture) < 1.5, "frame {n} does not show {value}");
            read += 1;
        }
    }
    assert!(read > 20, "only {read} frames were read");
}

/// The frames at which the picture changes are those at which the rounded value
/// changes: no slip of half a second, not even of a frame.
#[test]
fn the_digits_change_at_the_exact_frame() {
    let ramp = project(|seconds| 20.0 + 6.0 * seconds);
    ramp.make();
    let shown = frames(&ramp.path("reel.mp4"));
    let value = |n: usize| 20.0 + 6.0 * (2.0 + n as f64 / 30.0);
    for n in 1..shown.len() {
        let (before, after) = (value(n - 1).round(), value(n).round());
        let boundary = (value(n).fract() - 0.5).abs() < 0.05 || (value(n - 1).fract() - 0.5).abs() < 0.05;
        if !boundary {
            let changed = difference(&shown[n - 1], &shown[n]) > 1.5;
            assert_eq!(changed, before != after, "frame {n}: {before} to {after}");
        }
    }
}

#[test]
fn a_colour_runs_the_overlay_its_segments_and_the_join() {
    let project = project(|seconds| 20.0 + 6.0 * seconds);
    project.make();
    project.edit("autocut.ron", "#ffb020", "#40c0ff");
    project.make().assert_ran([("show", 1), ("draw", 1), ("segment", 1), ("join", 1)]);
    project.make().assert_ran([]);
}

#[test]
fn telemetry_that_changes_no_shown_pixel_encodes_nothing() {
    let project = project(|seconds| 20.0 + 6.0 * seconds);
    project.make();
    // A row after the clip, and one within it by less than is shown.
    project.edit("ride.csv", "10:00:15.0Z,110.0000", "10:00:15.0Z,110.3000");
    project.edit("ride.csv", "10:00:03.0Z,38.0000", "10:00:03.0Z,38.0010");
    let made = project.make();
    assert_eq!(made.ran().get("segment"), None, "{:?}", made.ran());
    assert_eq!(made.ran().get("draw"), None, "{:?}", made.ran());
    assert_eq!(made.ran().get("telemetry.import"), Some(&1));
}

#[test]
fn an_overlay_of_a_channel_that_is_not_there_is_an_error_with_its_place() {
    let project = project(|_| 20.0);
    project.edit("autocut.ron", r#"channel: "speed""#, r#"channel: "sped""#);
    let output = project.run(&["make"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("autocut.ron:6:") && text.contains("speed"), "{text}");
}
