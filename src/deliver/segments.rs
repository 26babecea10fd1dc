//! Clips to segments: closed-GOP runs of a few seconds, on a grid that starts
//! with the clip, so that what happens elsewhere in the output moves none.

use crate::base::{Digest, FrameRate, Orientation, Size, Timestamp};
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

/// A part of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<T> {
    Encoded(FrameRun),
    Copied(T),
}

/// Cuts a clip of `frames` frames, of which some runs are there already, in
/// order.
pub fn around<T: Copy>(frames: u32, copies: &[(FrameRun, T)], rate: FrameRate) -> Vec<Part<T>> {
    let mut parts = Vec::new();
    let mut at = 0;
    let encode = |from: u32, until: u32, parts: &mut Vec<Part<T>>| {
        if from < until {
            let run = |run: FrameRun| Part::Encoded(FrameRun { first: from + run.first, ..run });
            parts.extend(split(until - from, rate).into_iter().map(run));
        }
    };
    for (run, copy) in copies {
        encode(at, run.first, &mut parts);
        parts.push(Part::Copied(*copy));
        at = run.first + run.count;
    }
    encode(at, frames, &mut parts);
    parts
}

/// The pieces of a clip, each with its first frame.
pub fn pieces(clip: &Clip, format: &VideoFormat) -> Vec<(u32, SourceRun)> {
    let mut first = 0;
    let mut pieces = Vec::with_capacity(clip.pieces.len());
    for piece in &clip.pieces {
        let run = FrameRun { first, count: piece.frames };
        pieces.extend(sources(clip, format, run).into_iter().map(|source| (first, source)));
        first += piece.frames;
    }
    pieces
}

/// Whether pictures are shown without any change, as far as the container tells.
pub fn shown_as_it_is(source: &SourceRun, format: &VideoFormat) -> bool {
    let SourcePicture { stored, pixel_aspect, orientation, colour, rate } = source.picture;
    let square = pixel_aspect.0 == pixel_aspect.1 && orientation == Orientation::UPRIGHT;
    square && (stored, colour, rate) == (format.size, format.colour, format.rate)
}

/// All of a file of so many frames in that format.
pub fn whole_file(file: Digest, frames: u32, format: &VideoFormat) -> SourceRun {
    let picture = SourcePicture {
        stored: format.size,
        pixel_aspect: (1, 1),
        orientation: Orientation::UPRIGHT,
        colour: format.colour,
        rate: format.rate,
    };
    SourceRun { file, start: Timestamp::ZERO, frames, picture, fit: Fit::Fill }
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
            let (file, picture) = piece.small.unwrap_or((piece.file, piece.picture));
            sources.push(SourceRun {
                file,
                start: piece.start + rate.time_of(i64::from(start - at)),
                frames: end - start,
                picture,
                fit: fit(clip.fit, &picture, frame),
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
    fn what_is_copied_is_not_encoded() {
        let rate = FrameRate::new(30, 1).unwrap();
        let run = |first, count| FrameRun { first, count };
        let encoded = |first, count| Part::Encoded(run(first, count));
        assert_eq!(around(600, &[(run(10, 500), 'a')], rate), [encoded(0, 10), Part::Copied('a'), encoded(510, 90)]);
        assert_eq!(
            around(1_000, &[(run(0, 500), 'a'), (run(500, 20), 'b')], rate),
            [Part::Copied('a'), Part::Copied('b'), encoded(520, 240), encoded(760, 240)]
        );
        assert_eq!(around(60, &[], rate), [encoded(0, 60)]);
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
