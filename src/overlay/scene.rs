//! What an overlay is shown over: a run of frames and the telemetry under it.

use std::collections::BTreeMap;

use crate::base::{FrameRate, Point, Size};
use crate::model::Telemetry;
use crate::model::overlay::{CellRun, Layer};
use crate::model::telemetry::LogClock;
use crate::overlay::picture::Picture;
use crate::telemetry::lookup;

/// A run of frames.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Of the output.
    pub frame: Size,
    pub rate: FrameRate,
    pub frames: u32,
    pub telemetry: Option<&'a Telemetry>,
    /// Time on the telemetry's clock at frame 0, in ns; `None` where the clip
    /// has no place on it.
    pub start: Option<i64>,
    /// UTC at frame 0, in ns, by the recording's own clock; `None` where that
    /// is not known. Independent of the telemetry.
    pub utc: Option<i64>,
    /// The whole clip on the telemetry's clock, in ns.
    pub clip: Option<(i64, i64)>,
}

impl Scene<'_> {
    /// Time of frame `index` on the telemetry's clock, in ns.
    pub fn time(&self, index: u32) -> Option<i64> {
        Some(self.start?.saturating_add(self.since_start(index)))
    }

    /// UTC at frame `index`, in ns: by the recording's clock, or else by the
    /// telemetry's where that counts UTC.
    pub fn utc(&self, index: u32) -> Option<i64> {
        let by_log = || self.start.filter(|_| self.telemetry.is_some_and(|log| log.clock == LogClock::Utc));
        Some(self.utc.or_else(by_log)?.saturating_add(self.since_start(index)))
    }

    fn since_start(&self, index: u32) -> i64 {
        self.rate.time_of(i64::from(index)).to_nanos()
    }

    /// What `channel` measured at frame `index`; `None` where nobody knows.
    pub fn value(&self, channel: &str, index: u32) -> Option<f64> {
        lookup::value_at(self.telemetry?, channel, self.time(index)?)
    }
}

/// Builds a layer frame by frame. `key` says what is seen in a frame (`None`:
/// nothing), reduced to what can be told apart by eye; `picture` describes it
/// and says where its corner lies. Frames with equal keys share a picture, and
/// keys with equal pictures share a cell.
pub(crate) fn layer<K: Ord + Clone>(
    frames: u32,
    key: impl Fn(u32) -> Option<K>,
    picture: impl Fn(&K) -> (Picture, Point),
) -> Layer {
    let mut layer = Layer::default();
    let mut seen: BTreeMap<K, (u32, Point)> = BTreeMap::new();
    let mut cells: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for frame in 0..frames {
        let Some(key) = key(frame) else { continue };
        let (cell, at) = *seen.entry(key).or_insert_with_key(|key| {
            let (picture, at) = picture(key);
            let bytes = picture.cell();
            let next = layer.cells.len() as u32;
            let cell = *cells.entry(bytes).or_insert_with_key(|bytes| {
                layer.cells.push(bytes.clone());
                next
            });
            (cell, Point::new(at.x & !1, at.y & !1))
        });
        match layer.runs.last_mut() {
            Some(run) if run.first + run.count == frame && (run.cell, run.x, run.y) == (cell, at.x, at.y) => {
                run.count += 1;
            }
            _ => layer.runs.push(CellRun { first: frame, count: 1, cell, x: at.x, y: at.y }),
        }
    }
    layer
}

/// A layer that is the same in all frames.
pub(crate) fn still(frames: u32, picture: Picture, at: Point) -> Layer {
    layer(frames, |_| Some(()), |()| (picture.clone(), at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank(width: u32) -> Picture {
        Picture { size: Size::new(width, 2), marks: Vec::new() }
    }

    #[test]
    fn equal_frames_are_one_run_and_equal_pictures_one_cell() {
        let keys = [Some(1), Some(1), None, Some(3), Some(1), Some(3)];
        // Odd and even keys: pictures differ only by parity, places by key.
        let made = layer(6, |n| keys[n as usize], |k| (blank(*k as u32 % 2 + 2), Point::new(*k * 2, 5)));
        assert_eq!(made.cells.len(), 1);
        let runs: Vec<_> = made.runs.iter().map(|r| (r.first, r.count, r.x, r.y)).collect();
        assert_eq!(runs, [(0, 2, 2, 4), (3, 1, 6, 4), (4, 1, 2, 4), (5, 1, 6, 4)]);
    }
}
