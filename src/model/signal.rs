//! Signals: one number over the media time of one file, made by an analysis.

use serde::{Deserialize, Serialize};

use crate::base::Rect;

/// Samples of one signal over one chunk of one file. Fixed point, so that a
/// decision that rests on it is the same on every machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Microseconds of the file's media time, strictly increasing.
    pub times: Vec<i64>,
    /// One value for each time, in steps of 1 / [`Signal::SCALE`].
    pub values: Vec<i32>,
}

impl Signal {
    /// Steps per unit of a signal's value.
    pub const SCALE: f64 = 10_000.0;

    /// Rounds a float to the fixed-point step; NaN becomes 0.
    pub fn quantise(value: f64) -> i32 {
        // `as` saturates and maps NaN to 0.
        libm::round(value * Self::SCALE) as i32
    }

    pub fn push(&mut self, time: i64, value: f64) {
        self.times.push(time);
        self.values.push(Self::quantise(value));
    }
}

/// One named signal of a chunk, e.g. `motion` or `detect:bicycle`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedSignal {
    pub name: String,
    pub signal: Signal,
}

/// What an object detector found in one sampled frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectedFrame {
    /// Microseconds of the file's media time.
    pub time: i64,
    pub boxes: Vec<DetectedBox>,
}

/// One detected object, in pixels of the upright frame at display size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectedBox {
    /// Index into the model's class names.
    pub class: u16,
    /// Confidence in steps of 1 / 10,000.
    pub confidence: u16,
    pub area: Rect,
}
