//! A real detector (a small one, out of convolutions) on real video, made by
//! ffmpeg: boxes must lie where squares were drawn.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use autocut::base::{FrameRate, Orientation, Rect, Timestamp};
use autocut::model::ActionSpec;
use autocut::model::signal::NamedSignal;
use autocut::model::specs::AnalysisPass;
use tempfile::TempDir;

use super::*;

/// The model sees 160 x 160 pixels and squares of 16.
const SIDE: i64 = 160;
const SQUARE: i64 = 16;

struct Case {
    folder: TempDir,
    model: Vec<u8>,
    orientation: Orientation,
    display: Size,
}

impl Case {
    fn new() -> Case {
        av::start();
        Case {
            folder: tempfile::tempdir().unwrap(),
            model: onnx::coloured_squares(SIDE, SQUARE),
            orientation: Orientation::UPRIGHT,
            display: Size::new(320, 180),
        }
    }

    /// Two seconds of 320 x 180 at 10 frames a second. A red square and a blue
    /// one, 32 pixels wide, in the first second; another red one in the second.
    fn footage(&self) -> PathBuf {
        let file = self.folder.path().join("squares.mp4");
        let square = |x: u32, y: u32, colour: &str, from: &str, until: &str| {
            format!("drawbox={x}:{y}:32:32:{colour}:fill:enable='gte(t,{from})*lt(t,{until})'")
        };
        let squares =
            [square(40, 30, "red", "0", "1"), square(211, 101, "blue", "0", "1"), square(125, 90, "red", "1", "2")];
        let filter = format!("color=0x808080:s=320x180:r=10:d=2,format=rgb24,{},format=yuv420p", squares.join(","));
        let done = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi", "-i", &filter, "-c:v", "libx264", "-crf", "20"])
            .arg(&file)
            .status();
        assert!(done.expect("the tests of detection need the program ffmpeg").success());
        file
    }

    fn detect(
        &self,
        models: &mut Models,
        classes: &[&str],
    ) -> Result<(Vec<NamedSignal>, Vec<DetectedFrame>), Diagnostic> {
        let (film, net) = (Digest::of(b"film"), Digest::of(&self.model));
        let path = self.folder.path().join("net.onnx");
        std::fs::write(&path, &self.model).unwrap();
        let spec = DetectSpec {
            file: film,
            model: net,
            classes: classes.iter().map(|name| (*name).to_owned()).collect(),
            threshold: 7_500,
            overlap: 4_500,
            pass: AnalysisPass {
                orientation: self.orientation,
                from: Timestamp::ZERO,
                until: Timestamp::from_seconds(2),
                rate: FrameRate::new(2, 1).unwrap(),
                width: 320,
            },
            display: self.display,
        };
        let inputs = BTreeMap::from([(film, self.footage()), (net, path)]);
        let action = ActionSpec::Detect(spec.clone());
        let scratch = self.folder.path().to_owned();
        let invocation = Invocation { id: 0, spec: action, inputs, devices: BTreeMap::new(), packs: vec![], scratch };
        let made = detect(&spec, &invocation, &mut Films::default(), models, &mut |_, _| Ok(()))?;
        let read = |index: usize| std::fs::read(&made.files[index]).unwrap();
        Ok((autocut::model::decode(&read(0)).unwrap(), autocut::model::decode(&read(1)).unwrap()))
    }
}

/// Intersection over union.
fn overlap(a: Rect, b: Rect) -> f64 {
    let shared = |a: i32, a_size: u32, b: i32, b_size: u32| {
        f64::from(((a + a_size as i32).min(b + b_size as i32) - a.max(b)).max(0))
    };
    let both = shared(a.x, a.width, b.x, b.width) * shared(a.y, a.height, b.y, b.height);
    both / (f64::from(a.width * a.height) + f64::from(b.width * b.height) - both)
}

fn square(x: i32, y: i32) -> Rect {
    Rect { x, y, width: 32, height: 32 }
}

/// Every drawn square is found, as its class, and nothing else.
fn assert_found(frame: &DetectedFrame, drawn: &[(u16, Rect)]) {
    assert_eq!(frame.boxes.len(), drawn.len(), "{frame:?}");
    for (class, area) in drawn {
        let found = frame.boxes.iter().any(|b| b.class == *class && overlap(b.area, *area) >= 0.5);
        assert!(found, "class {class} at {area:?} in {frame:?}");
    }
}

#[test]
fn squares_are_found_where_they_were_drawn() {
    let (signals, frames) = Case::new().detect(&mut Models::default(), &["red", "blue"]).unwrap();
    assert_eq!(frames.iter().map(|frame| frame.time).collect::<Vec<_>>(), [0, 500_000, 1_000_000, 1_500_000]);
    for frame in &frames[..2] {
        assert_found(frame, &[(0, square(40, 30)), (1, square(211, 101))]);
    }
    for frame in &frames[2..] {
        assert_found(frame, &[(0, square(125, 90))]);
    }
    assert_eq!(signals.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["detect:red", "detect:blue"]);
    assert!(signals[0].signal.values.iter().all(|value| *value >= 7_500));
    assert_eq!(signals[1].signal.values[2..], [0, 0]);
    assert!(signals[1].signal.values[0] >= 7_500);
}

/// Turned clockwise, what was at (x, y) of 320 x 180 is at (180 - y, x).
#[test]
fn boxes_stand_upright_with_the_picture() {
    let mut case = Case::new();
    case.orientation = Orientation { quarter_turns: 1, mirrored: false };
    case.display = Size::new(180, 320);
    let (_, frames) = case.detect(&mut Models::default(), &["red", "blue"]).unwrap();
    assert_found(&frames[0], &[(0, square(180 - 30 - 32, 40)), (1, square(180 - 101 - 32, 211))]);
}

#[test]
fn boxes_are_in_pixels_of_the_display() {
    let mut case = Case::new();
    case.display = Size::new(640, 360);
    let (_, frames) = case.detect(&mut Models::default(), &["red", "blue"]).unwrap();
    let drawn = Rect { x: 80, y: 60, width: 64, height: 64 };
    assert!(frames[0].boxes.iter().any(|b| b.class == 0 && overlap(b.area, drawn) >= 0.5), "{:?}", frames[0]);
}

#[test]
fn a_model_is_loaded_once() {
    let case = Case::new();
    let mut models = Models::default();
    case.detect(&mut models, &["red", "blue"]).unwrap();
    let first = models.loaded.clone().unwrap().1;
    case.detect(&mut models, &["red", "blue"]).unwrap();
    assert!(Rc::ptr_eq(&first, &models.loaded.clone().unwrap().1));
}

#[test]
fn wrong_class_names_say_what_shape_was_found() {
    let wrong = Case::new().detect(&mut Models::default(), &["red", "green", "blue"]).unwrap_err();
    let places = (SIDE - SQUARE) / 2 + 1;
    assert_eq!(wrong.message, format!("the model's output has the shape (1, 6, {})", places * places));
    assert!(wrong.notes[0].contains("(1, 7, N)"), "{:?}", wrong.notes);
}
