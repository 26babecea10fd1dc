//! Scene changes: where one shot ends and another starts.
//!
//! After PySceneDetect's content value (mean absolute difference of the colour
//! components of successive pictures) and its adaptive detector, which divides
//! that value by the mean of its neighbourhood, so that a hard cut stands out
//! and a fast pan does not. Here the components are luma and chroma instead of
//! hue, saturation and value: they are what the decoder gives, and hue is noise
//! where there is no colour. The signal reaches 0.5 exactly where both of
//! PySceneDetect's default thresholds are met (content value 15, ratio 3).

use std::collections::VecDeque;

use super::{Analyse, Analysis, Looks, Picture, Reach};
use crate::model::signal::{NamedSignal, Signal};

pub(super) const ANALYSIS: Analysis = Analysis {
    name: "scene_change",
    version: 1,
    summary: "Where one shot ends and the next starts: 0 within a shot, from 0.5 to 1 at a cut",
    signals: &["scene_change"],
    reach: REACH,
    looks: Looks::Everywhere,
    alone: Some(&BY_KEY_FRAMES),
    new: || Box::<Scenes>::default(),
};

/// Key frames first: a cut within a group of pictures leaves its two ends
/// different, and all others need not be decoded. It misses what cuts away and
/// back within one group, a flash for instance.
const BY_KEY_FRAMES: Analysis = Analysis {
    name: "cuts",
    version: 1,
    summary: "`scene_change` where nothing else is looked for: only between key frames that differ",
    signals: &["scene_change"],
    // Where the container lists no key frames, all samples are looked at.
    reach: REACH,
    looks: Looks::BetweenKeyFrames(differ),
    alone: None,
    new: || Box::<Scenes>::default(),
};

/// A difference needs the picture before; a neighbourhood needs the differences on
/// both sides.
const REACH: Reach = Reach { before: WINDOW as u32 + 1, after: WINDOW as u32 };

/// Differences on each side that a difference is compared with.
const WINDOW: usize = 2;
/// PySceneDetect's thresholds: where the signal is 0.5.
const CONTENT: f64 = 15.0;
const RATIO: f64 = 3.0;
/// The least neighbourhood in levels: in a still scene noise must not become a
/// ratio.
const FLOOR: f64 = 0.5;

#[derive(Default)]
struct Scenes {
    /// Planes of the sample before, one after the other.
    before: Vec<u8>,
    /// The latest differences with their times, at most `2 * WINDOW + 1`. The
    /// first picture of all has none.
    recent: VecDeque<(i64, Option<f64>)>,
    /// How many of `recent` have been judged.
    judged: usize,
    signal: Signal,
}

impl Analyse for Scenes {
    fn look(&mut self, picture: &Picture<'_>) {
        let [u, v] = picture.chroma();
        let now = [picture.y(), u, v].concat();
        let luma = picture.y().len();
        let content = (self.before.len() == now.len()).then(|| content(&self.before, &now, luma));
        self.before = now;
        self.recent.push_back((picture.time_us(), content));
        if self.recent.len() > self.judged + WINDOW {
            self.judge();
        }
        if self.recent.len() > 2 * WINDOW {
            self.recent.pop_front();
            self.judged -= 1;
        }
    }

    fn finish(mut self: Box<Self>) -> Vec<NamedSignal> {
        while self.judged < self.recent.len() {
            self.judge();
        }
        vec![NamedSignal { name: "scene_change".to_owned(), signal: self.signal }]
    }
}

impl Scenes {
    /// Judges the first difference that has not been.
    fn judge(&mut self) {
        let at = self.judged;
        self.judged += 1;
        let Some(&(time, content)) = self.recent.get(at) else { return };
        let around = self.recent.iter().enumerate();
        let around = around.filter(|(i, _)| *i != at && i.abs_diff(at) <= WINDOW).filter_map(|(_, (_, c))| *c);
        let (count, sum) = around.fold((0u32, 0.0), |(count, sum), c| (count + 1, sum + c));
        let value = content.map_or(0.0, |content| {
            let usual = if count > 0 { (sum / f64::from(count)).max(FLOOR) } else { FLOOR };
            let by_content = content / (2.0 * CONTENT);
            let by_ratio = (content / usual - 1.0) / (2.0 * (RATIO - 1.0));
            by_content.min(by_ratio).clamp(0.0, 1.0)
        });
        self.signal.push(time, value);
    }
}

/// Whether a cut may lie between two pictures. Half of what makes a cut, since what
/// moves in either shot may bring them nearer.
fn differ(before: &Picture<'_>, now: &Picture<'_>) -> bool {
    let planes = |picture: &Picture<'_>| [&[picture.y()], &picture.chroma()[..]].concat().concat();
    let (before, after) = (planes(before), planes(now));
    before.len() != after.len() || content(&before, &after, now.y().len()) >= CONTENT / 2.0
}

/// The mean absolute difference of luma and both chroma planes, in levels,
/// each component with the same weight.
fn content(before: &[u8], now: &[u8], luma: usize) -> f64 {
    let mean = |range: std::ops::Range<usize>| {
        let pairs = before[range.clone()].iter().zip(&now[range.clone()]);
        let sum: u64 = pairs.map(|(b, n)| u64::from(b.abs_diff(*n))).sum();
        sum as f64 / range.len() as f64
    };
    let chroma = (now.len() - luma) / 2;
    (mean(0..luma) + mean(luma..luma + chroma) + mean(luma + chroma..now.len())) / 3.0
}
