//! Clips to segments: closed-GOP runs of a few seconds, on a grid that starts
//! with the clip, so that what happens elsewhere in the output moves none.

use crate::base::{FrameRate, Size, Timestamp};
use crate::model::specs::SourceRun;
use crate::model::timeline::SourcePicture;
use crate::model::{Clip, Fit, VideoFormat};

/// Seconds from one segment to the next: about as far apart as x264 puts key
/// frames by itself (250 frames), so that they cost next to nothing, and short
/// enough that cores share a long clip.
const SEGMENT_SECONDS: i64 = 8;

/// Less than this many percent of a side is not worth bars.
const NEARLY: u64 = 2;

/// `count` frames of a clip from frame `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRun {
    pub first: u32,
    pub count: u32,
}

/// Cuts a clip of `frames` frames. A rest of less than half a segment belongs
/// to the one before it.
pub fn split(frames: u32, rate: FrameRate) -> Vec<FrameRun> {
    let step = rate.nearest_frame(Timestamp::from_seconds(SEGMENT_SECONDS)).clamp(1, i64::from(u32::MAX)) as u32;
    let whole = (frames / step).max(1);
    let count = if frames > whole * step && (frames - whole * step) * 2 >= step { whole + 1 } else { whole };
    let start = |index: u32| if index == count { frames } else { index * step };
    (0..count).map(|i| FrameRun { first: start(i), count: start(i + 1) - start(i) }).collect()
}

/// Where the pictures of one segment come from.
pub fn sources(clip: &Clip, format: &VideoFormat, run: FrameRun) -> Vec<SourceRun> {
    let (rate, frame) = (format.rate, format.size);
    let (from, until) = (run.first, run.first + run.count);
    let mut at = 0;
    let mut sources = Vec::new();
    for piece in &clip.pieces {
        let (start, end) = (from.max(at), until.min(at + piece.frames));
        if start < end {
            sources.push(SourceRun {
                file: piece.file,
                start: piece.start + rate.time_of(i64::from(start - at)),
                frames: end - start,
                picture: piece.picture,
                fit: fit(clip.fit, &piece.picture, frame),
            });
        }
        at += piece.frames;
    }
    sources
}

/// A picture whose shape is nearly that of the frame (848x480 in 16:9) fills
/// it: bars of a few pixels look like a mistake.
fn fit(wanted: Fit, picture: &SourcePicture, frame: Size) -> Fit {
    let shown = picture.display_size().fit_into(frame);
    let near = |shown: u32, frame: u32| u64::from(frame.saturating_sub(shown)) * 100 < u64::from(frame) * NEARLY;
    let nearly = near(shown.width, frame.width) && near(shown.height, frame.height);
    if nearly { Fit::Fill } else { wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(frames: u32) -> Vec<u32> {
        split(frames, FrameRate::new(30, 1).unwrap()).iter().map(|run| run.count).collect()
    }

    #[test]
    fn a_short_rest_joins_the_segment_before_it() {
        assert_eq!(counts(105), [105]);
        assert_eq!(counts(240), [240]);
        assert_eq!(counts(359), [359]);
        assert_eq!(counts(360), [240, 120]);
        assert_eq!(counts(500), [240, 260]);
        assert_eq!(counts(1), [1]);
    }

    #[test]
    fn segments_cover_the_clip_without_a_gap() {
        for frames in 1..2_000 {
            let runs = split(frames, FrameRate::new(30_000, 1_001).unwrap());
            let end = runs.iter().fold(0, |at, run| {
                assert_eq!(run.first, at);
                assert!(run.count > 0);
                at + run.count
            });
            assert_eq!(end, frames);
        }
    }
}
