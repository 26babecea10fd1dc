//! What an object detector's raw output means: boxes in the pixels of the
//! upright frame, one for each object, and their signals.
//!
//! Understands the heads of the YOLO family (`C` classes, `N` candidates; box
//! centre x, y, width and height in the pixels of the model's input first):
//!
//! - `(1, 4 + C, N)`: YOLOv8 and later, as exported without NMS;
//! - `(1, N, 4 + C)`: the same, transposed;
//! - `(1, N, 5 + C)`: YOLOv5, with the objectness as fifth number.
//!
//! Confidences and boxes are rounded before anything is compared, so that a
//! processor with other rounding finds the same boxes.

use std::cmp::Reverse;

use crate::base::{Diagnostic, Rect, Size};
use crate::model::signal::{DetectedBox, DetectedFrame, NamedSignal, Signal};

/// How many candidates are compared with one another, best first: an untrained
/// model must not cost minutes a frame.
const MAX_CANDIDATES: usize = 4_000;
/// How many boxes of one frame are kept.
const MAX_BOXES: usize = 300;
/// Steps of a confidence.
const CONFIDENCE: f32 = 10_000.0;

/// Where the numbers of candidate `i` lie in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    candidates: usize,
    classes: usize,
    /// Distance between candidates, and between the numbers of one.
    steps: (usize, usize),
    objectness: bool,
}

impl Head {
    /// The head that an output of `shape` has for a model with `classes` classes.
    ///
    /// # Errors
    /// Where it is none that is understood: says what was found and what would
    /// have been.
    pub fn of(shape: &[usize], classes: usize) -> Result<Head, Diagnostic> {
        let head = |candidates, steps, objectness| Ok(Head { candidates, classes, steps, objectness });
        match *shape {
            [1, fields, n] if fields == 4 + classes => head(n, (1, n), false),
            [1, n, fields] if fields == 4 + classes => head(n, (fields, 1), false),
            [1, n, fields] if fields == 5 + classes => head(n, (fields, 1), true),
            _ => {
                let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
                let (four, five) = (4 + classes, 5 + classes);
                Err(Diagnostic::input(format!("the model's output has the shape ({})", shape.join(", ")))
                    .note(format!(
                        "for {classes} class names, (1, {four}, N), (1, N, {four}) and (1, N, {five}) are understood"
                    ))
                    .hint("list as many class names as the model has, and export it without built-in NMS"))
            }
        }
    }

    /// How many numbers the output has.
    pub fn len(&self) -> usize {
        self.candidates * (4 + usize::from(self.objectness) + self.classes)
    }

    /// Whether the output has no candidates at all.
    pub fn is_empty(&self) -> bool {
        self.candidates == 0
    }
}

/// How a picture was laid into the model's input: scaled, keeping its shape, to
/// `scaled` pixels, whose top left corner is at (`left`, `top`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letterbox {
    pub scaled: Size,
    pub left: u32,
    pub top: u32,
}

impl Letterbox {
    /// Centres a picture of `picture`'s shape in `input`, as large as it fits.
    pub fn new(picture: Size, input: Size) -> Self {
        let (w, h) = (u64::from(picture.width.max(1)), u64::from(picture.height.max(1)));
        let (into_w, into_h) = (u64::from(input.width), u64::from(input.height));
        // Rounded to the nearest pixel, at least one.
        let part = |a: u64, b: u64, c: u64| ((2 * a * b + c) / (2 * c)).max(1) as u32;
        let scaled = if into_w * h <= into_h * w {
            Size::new(input.width.max(1), part(h, into_w, w))
        } else {
            Size::new(part(w, into_h, h), input.height.max(1))
        };
        let centred = |outer: u32, inner: u32| outer.saturating_sub(inner) / 2;
        Letterbox { scaled, left: centred(input.width, scaled.width), top: centred(input.height, scaled.height) }
    }
}

/// What counts as an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Least confidence, in steps of 1 / 10,000.
    pub threshold: u16,
    /// Boxes of a class that overlap more than this (intersection over union,
    /// 1 / 10,000) are one.
    pub overlap: u16,
}

/// The objects in one frame, best first. `output` holds the numbers that
/// `head` describes; what is missing is not found. Boxes are in pixels of an
/// upright frame of `display` size and clipped to it.
pub fn decode(output: &[f32], head: &Head, letterbox: Letterbox, display: Size, limits: Limits) -> Vec<DetectedBox> {
    let candidates = (0..head.candidates).filter_map(|i| candidate(output, head, i, letterbox, display, limits));
    distinct(candidates.collect(), limits.overlap)
}

/// Candidate `i` as a box of its best class, if it is confident enough.
fn candidate(
    output: &[f32],
    head: &Head,
    i: usize,
    letterbox: Letterbox,
    display: Size,
    limits: Limits,
) -> Option<DetectedBox> {
    let field = |k: usize| output.get(i * head.steps.0 + k * head.steps.1).copied();
    let first = 4 + usize::from(head.objectness);
    let objectness = if head.objectness { field(4)? } else { 1.0 };
    let mut best = (0, 0);
    for class in 0..head.classes {
        // `as` saturates and takes NaN for 0.
        let confidence = libm::roundf(field(first + class)? * objectness * CONFIDENCE).clamp(0.0, CONFIDENCE) as u16;
        if confidence > best.1 {
            best = (class, confidence);
        }
    }
    let (class, confidence) = best;
    if confidence < limits.threshold.max(1) {
        return None;
    }
    let area = upright([field(0)?, field(1)?, field(2)?, field(3)?], letterbox, display)?;
    Some(DetectedBox { class: u16::try_from(class).ok()?, confidence, area })
}

/// A box of centre and size in the model's input, in pixels of the frame;
/// `None` where nothing of it lies in the frame.
fn upright(box_: [f32; 4], letterbox: Letterbox, display: Size) -> Option<Rect> {
    if !box_.iter().all(|number| number.is_finite()) {
        return None;
    }
    let [x, y, width, height] = box_.map(f64::from);
    let edges = |centre: f64, size: f64, border: u32, scaled: u32, full: u32| {
        let at = |edge: f64| {
            let pixel = (edge - f64::from(border)) * f64::from(full) / f64::from(scaled.max(1));
            libm::round(pixel).clamp(0.0, f64::from(full)) as u32
        };
        (at(centre - size / 2.0), at(centre + size / 2.0))
    };
    let (left, right) = edges(x, width, letterbox.left, letterbox.scaled.width, display.width);
    let (top, bottom) = edges(y, height, letterbox.top, letterbox.scaled.height, display.height);
    let corner = (i32::try_from(left).ok()?, i32::try_from(top).ok()?);
    let size = (right.checked_sub(left)?, bottom.checked_sub(top)?);
    (size.0 > 0 && size.1 > 0).then_some(Rect { x: corner.0, y: corner.1, width: size.0, height: size.1 })
}

/// Non-maximum suppression within each class: of boxes that overlap more than
/// `overlap`, the most confident stays.
fn distinct(mut boxes: Vec<DetectedBox>, overlap: u16) -> Vec<DetectedBox> {
    boxes.sort_by_key(|b| (Reverse(b.confidence), b.class, b.area.y, b.area.x, b.area.height, b.area.width));
    boxes.truncate(MAX_CANDIDATES);
    let mut kept: Vec<DetectedBox> = Vec::new();
    for b in boxes {
        if kept.len() == MAX_BOXES {
            break;
        }
        if !kept.iter().any(|k| k.class == b.class && overlaps(k.area, b.area, overlap)) {
            kept.push(b);
        }
    }
    kept
}

/// Whether the intersection over union is above `limit` / 10,000; exact.
fn overlaps(a: Rect, b: Rect, limit: u16) -> bool {
    let shared = |a: i32, a_size: u32, b: i32, b_size: u32| {
        let (a, b) = (i64::from(a), i64::from(b));
        let end = (a + i64::from(a_size)).min(b + i64::from(b_size));
        i128::from((end - a.max(b)).max(0))
    };
    let area = |r: Rect| i128::from(r.width) * i128::from(r.height);
    let both = shared(a.x, a.width, b.x, b.width) * shared(a.y, a.height, b.y, b.height);
    let either = area(a) + area(b) - both;
    both * 10_000 > either * i128::from(limit)
}

/// One signal a class, `detect:CLASS`: the confidence of its best box in each
/// sampled frame, 0 where it has none.
pub fn signals(classes: &[String], frames: &[DetectedFrame]) -> Vec<NamedSignal> {
    let of_class = |(index, name): (usize, &String)| {
        let mut signal = Signal::default();
        for frame in frames {
            let boxes = frame.boxes.iter().filter(|b| usize::from(b.class) == index);
            let best = boxes.map(|b| b.confidence).max().unwrap_or(0);
            signal.push(frame.time, f64::from(best) / f64::from(CONFIDENCE));
        }
        NamedSignal { name: format!("detect:{name}"), signal }
    };
    classes.iter().enumerate().map(of_class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { threshold: 2_500, overlap: 4_500 };
    const SQUARE: Size = Size::new(100, 100);
    const WHOLE: Letterbox = Letterbox { scaled: SQUARE, left: 0, top: 0 };

    fn rect(x: i32, y: i32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    /// Two candidates, two classes.
    const ROWS: [[f32; 6]; 2] = [[20.0, 30.0, 10.0, 20.0, 0.9, 0.1], [70.0, 60.0, 20.0, 10.0, 0.2, 0.6]];

    fn found() -> Vec<DetectedBox> {
        vec![
            DetectedBox { class: 0, confidence: 9_000, area: rect(15, 20, 10, 20) },
            DetectedBox { class: 1, confidence: 6_000, area: rect(60, 55, 20, 10) },
        ]
    }

    #[test]
    fn candidates_in_columns() {
        let head = Head::of(&[1, 6, 2], 2).unwrap();
        let columns: Vec<f32> = (0..6).flat_map(|k| ROWS.map(|row| row[k])).collect();
        assert_eq!(decode(&columns, &head, WHOLE, SQUARE, LIMITS), found());
    }

    #[test]
    fn candidates_in_rows() {
        let head = Head::of(&[1, 2, 6], 2).unwrap();
        assert_eq!(decode(&ROWS.concat(), &head, WHOLE, SQUARE, LIMITS), found());
    }

    #[test]
    fn objectness_multiplies() {
        let head = Head::of(&[1, 2, 7], 2).unwrap();
        let row = |r: [f32; 6], objectness: f32| [r[0], r[1], r[2], r[3], objectness, r[4], r[5]];
        let output = [row(ROWS[0], 0.5), row(ROWS[1], 0.1)].concat();
        let boxes = decode(&output, &head, WHOLE, SQUARE, LIMITS);
        assert_eq!(boxes, [DetectedBox { confidence: 4_500, ..found()[0].clone() }]);
    }

    #[test]
    fn unknown_shape_says_what_is_understood() {
        let wrong = Head::of(&[1, 84, 8400], 3).unwrap_err();
        assert_eq!(wrong.message, "the model's output has the shape (1, 84, 8400)");
        assert_eq!(wrong.notes, ["for 3 class names, (1, 7, N), (1, N, 7) and (1, N, 8) are understood"]);
        assert!(Head::of(&[6], 2).is_err() && Head::of(&[2, 6, 2], 2).is_err());
    }

    /// 1920 x 1080 in 640 x 640 is 640 x 360 with bars of 140, the case in every
    /// YOLO manual.
    #[test]
    fn letterbox_is_undone() {
        let hd = Size::new(1920, 1080);
        let letterbox = Letterbox::new(hd, Size::new(640, 640));
        assert_eq!(letterbox, Letterbox { scaled: Size::new(640, 360), left: 0, top: 140 });
        let head = Head::of(&[1, 5, 1], 1).unwrap();
        let boxes = decode(&[320.0, 320.0, 64.0, 36.0, 1.0], &head, letterbox, hd, LIMITS);
        assert_eq!(boxes[0].area, rect(864, 486, 192, 108));
        let portrait = Letterbox::new(Size::new(1080, 1920), Size::new(640, 640));
        assert_eq!(portrait, Letterbox { scaled: Size::new(360, 640), left: 140, top: 0 });
    }

    #[test]
    fn boxes_are_clipped_to_the_frame() {
        let head = Head::of(&[1, 1, 5], 1).unwrap();
        let at = |x: f32, y: f32| decode(&[x, y, 20.0, 20.0, 1.0], &head, WHOLE, SQUARE, LIMITS);
        assert_eq!(at(0.0, 95.0)[0].area, rect(0, 85, 10, 15));
        assert_eq!(at(-50.0, 50.0), []);
    }

    #[test]
    fn overlapping_boxes_of_a_class_are_one() {
        let head = Head::of(&[1, 3, 6], 2).unwrap();
        let output = [
            [50.0, 50.0, 20.0, 20.0, 0.8, 0.0],
            [52.0, 50.0, 20.0, 20.0, 0.9, 0.0],
            [51.0, 50.0, 20.0, 20.0, 0.0, 0.7],
        ]
        .concat();
        let boxes = decode(&output, &head, WHOLE, SQUARE, LIMITS);
        let kept: Vec<_> = boxes.iter().map(|b| (b.class, b.confidence)).collect();
        assert_eq!(kept, [(0, 9_000), (1, 7_000)]);
    }

    #[test]
    fn overlap_at_the_limit_is_kept() {
        // Two 10 x 10 boxes that share 50 pixels: 50 / 150.
        let (a, b) = (rect(0, 0, 10, 10), rect(5, 0, 10, 10));
        assert!(overlaps(a, b, 3_333));
        assert!(!overlaps(a, b, 3_334));
    }

    #[test]
    fn numbers_that_are_none_find_nothing() {
        let head = Head::of(&[1, 2, 5], 1).unwrap();
        let nan = f32::NAN;
        let output = [[nan, 1.0, 1.0, 1.0, 1.0], [50.0, 50.0, 5.0, 5.0, nan]].concat();
        assert_eq!(decode(&output, &head, WHOLE, SQUARE, LIMITS), []);
        assert_eq!(decode(&output[..3], &head, WHOLE, SQUARE, LIMITS), []);
    }

    #[test]
    fn a_signal_for_each_class() {
        let classes = ["car".to_owned(), "bicycle".to_owned()];
        let frames = [DetectedFrame { time: 0, boxes: found() }, DetectedFrame { time: 500_000, boxes: vec![] }];
        let signals = signals(&classes, &frames);
        assert_eq!(signals[1].name, "detect:bicycle");
        assert_eq!(signals[1].signal, Signal { times: vec![0, 500_000], values: vec![6_000, 0] });
    }
}
