//! Detection in a whole project: a real (small) ONNX detector decides which
//! moment is chosen, and a model that cannot be used is told.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;
#[path = "../src/bin/autocut-media/infer/onnx.rs"]
mod onnx;

use common::Project;

/// Ten seconds of grey, with a red square from 6 s to 8 s and a blue one from
/// 2 s to 3 s; the model finds squares of 32 pixels in 320x180.
fn project() -> Project {
    let project = Project::new();
    let squares = "drawbox=125:90:32:32:red:fill:enable='gte(t,6)*lt(t,8)',\
                   drawbox=40:30:32:32:blue:fill:enable='gte(t,2)*lt(t,3)'";
    let source = format!("color=0x808080:s=320x180:r=10:d=10,format=rgb24,{squares},format=yuv420p");
    let path = project.path("a.mp4");
    common::tool("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", &source, "-c:v", "libx264", path.to_str().unwrap()]);
    project.write("squares.onnx", onnx::coloured_squares(160, 16)).write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "a.mp4" },
            detection: Detection(model: "squares.onnx", classes: ["red", "blue"], threshold: 0.75, rate: 4),
            moments: Moments(length: "2s", pre_roll: "0s", total: "2s", weights: {"detect:red": 1}),
            outputs: { "reel": Reel(file: "reel.mp4") })"#,
    );
    project
}

#[test]
fn the_moment_with_the_object_is_chosen() {
    let project = project();
    let made = project.make();
    assert_eq!(made.ran()["detect"], 1);
    assert_eq!(made.nodes("segment"), ["reel/front/a@6.0s/segment/0"]);
    project.make().assert_ran([]);

    // Another weight looks at the same boxes.
    project.edit("autocut.ron", "\"detect:red\": 1", "\"detect:blue\": 1");
    let made = project.make();
    assert_eq!(made.ran().get("detect"), None);
    let start: f64 = made.nodes("segment")[0].split(['@', 's']).nth(1).unwrap().parse().unwrap_or(f64::NAN);
    assert!((1.0..=2.0).contains(&start), "{:?}", made.nodes("segment"));
}

#[test]
fn a_model_that_is_none_is_told_by_its_name() {
    let project = project();
    project.write("squares.onnx", "no model");
    let made = project.make_with(&[]);
    assert_eq!(made.code, 1);
    assert!(made.errors().iter().any(|error| error.contains("squares.onnx")), "{:?}", made.errors());
}
