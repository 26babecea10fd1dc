//! Moments to a timeline of clips, in whole frames of an output.

use std::collections::HashMap;

use crate::base::{Digest, FrameRate, Timestamp};
use crate::model::alignment::drifted;
use crate::model::timeline::SourcePicture;
use crate::model::{Clip, Fit, Moment, Piece, VideoFormat, VideoInfo};

/// A recording as a timeline sees it.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// `camera/recording`.
    pub name: &'a str,
    pub duration: Timestamp,
    pub fit: Fit,
    /// Time on the telemetry's clock at its start, in ns.
    pub telemetry_start: Option<i64>,
    /// By how much that clock goes faster than the recording, in 1 / 1,000 of a
    /// part per million.
    pub telemetry_drift: i32,
    /// UTC at its start, in ns.
    pub utc: Option<i64>,
    /// By how much true time goes faster than the recording, likewise.
    pub drift: i32,
    pub chapters: Vec<SourceFile<'a>>,
}

/// One file of it.
#[derive(Clone, Debug)]
pub struct SourceFile<'a> {
    pub digest: Digest,
    pub video: &'a VideoInfo,
    pub has_audio: bool,
    /// Where it starts in the recording.
    pub offset: Timestamp,
}

/// Lays out `moments` in their order. A moment of an unknown recording, or of
/// less than one frame, is left out.
pub fn lay_out(moments: &[Moment], sources: &[Source<'_>], format: VideoFormat) -> Vec<Clip> {
    // The first of a name: a later one would hide it.
    let by_name: HashMap<&str, &Source<'_>> = sources.iter().rev().map(|source| (source.name, source)).collect();
    let clip = |moment: &Moment| clip(moment, by_name.get(moment.recording.as_str())?, format.rate);
    moments.iter().filter_map(clip).collect()
}

fn clip(moment: &Moment, source: &Source<'_>, rate: FrameRate) -> Option<Clip> {
    let start = snapped(source, moment.start);
    let length = moment.length.min(source.duration - start);
    let frames = u32::try_from(rate.nearest_frame(length)).ok().filter(|frames| *frames > 0)?;
    let after = |drift: i32| start.to_nanos().saturating_add(drifted(start.to_nanos(), drift));
    let telemetry_start = source.telemetry_start.map(|at| at.saturating_add(after(source.telemetry_drift)));
    let utc = source.utc.map(|at| at.saturating_add(after(source.drift)));
    let pieces = pieces(source, start, frames, rate);
    // A clip is the same whether its moment was pinned or chosen.
    let moment = Moment { pinned: false, ..moment.clone() };
    let Source { fit, telemetry_drift, drift, .. } = *source;
    Some(Clip { moment, frames, pieces, fit, telemetry_start, telemetry_drift, utc, drift })
}

/// The time of the source's own frame that is nearest: a clip that starts on
/// one shows each frame of a source of the same rate exactly once.
fn snapped(source: &Source<'_>, time: Timestamp) -> Timestamp {
    let time = time.max(Timestamp::ZERO);
    match source.chapters.iter().rev().find(|chapter| chapter.offset <= time) {
        Some(chapter) if !chapter.video.variable_rate => {
            let rate = chapter.video.rate;
            chapter.offset + rate.time_of(rate.nearest_frame(time - chapter.offset))
        }
        _ => time,
    }
}

/// Cuts a clip at the ends of chapters. Frame `n` belongs to the chapter in
/// which its time `start + n / rate` lies; one that is early by less than half
/// a frame belongs to the next already.
fn pieces(source: &Source<'_>, start: Timestamp, frames: u32, rate: FrameRate) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut first = 0;
    for (index, chapter) in source.chapters.iter().enumerate() {
        let end = match source.chapters.get(index + 1) {
            Some(next) => u32::try_from(rate.nearest_frame(next.offset - start).max(0)).unwrap_or(frames).min(frames),
            None => frames,
        };
        if end <= first {
            continue;
        }
        let video = chapter.video;
        pieces.push(Piece {
            file: chapter.digest,
            start: (start + rate.time_of(i64::from(first)) - chapter.offset).max(Timestamp::ZERO),
            frames: end - first,
            picture: picture(video),
            has_audio: chapter.has_audio,
            small: None,
        });
        first = end;
    }
    pieces
}

/// How the pictures of a file are read.
pub fn picture(video: &VideoInfo) -> SourcePicture {
    SourcePicture {
        stored: video.stored,
        pixel_aspect: video.pixel_aspect,
        orientation: video.orientation,
        colour: video.colour,
        rate: video.rate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Orientation, Size};
    use crate::model::{Colour, Matrix};

    fn video(seconds: i64) -> VideoInfo {
        let rate = FrameRate::new(30_000, 1_001).unwrap();
        VideoInfo {
            stream: 0,
            codec: "h264".into(),
            stored: Size::new(1920, 1080),
            pixel_aspect: (1, 1),
            orientation: Orientation::UPRIGHT,
            rate,
            average_rate: rate,
            variable_rate: false,
            frames: 0,
            duration: rate.time_of(seconds * 30),
            profile: None,
            first: Timestamp::ZERO,
            top_field_first: None,
            pixel_format: "yuv420p".into(),
            bit_depth: 8,
            colour: Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 },
            chunks: vec![Timestamp::ZERO],
        }
    }

    fn moment(millis: i64, length: i64) -> Moment {
        let (start, length) = (Timestamp::from_millis(millis), Timestamp::from_millis(length));
        Moment { recording: "front/GX010012".into(), start, length, pinned: false }
    }

    #[test]
    fn a_clip_runs_over_the_end_of_a_chapter() {
        let video = video(10);
        let file = |n: u8, offset| SourceFile { digest: Digest::of(&[n]), video: &video, has_audio: true, offset };
        let source = Source {
            name: "front/GX010012",
            duration: video.duration + video.duration,
            fit: Fit::Fit,
            telemetry_start: Some(1_000),
            telemetry_drift: 0,
            drift: 0,
            utc: Some(5),
            chapters: vec![file(1, Timestamp::ZERO), file(2, video.duration)],
        };
        let clip = clip(&moment(9_009, 3_003), &source, video.rate).unwrap();
        assert_eq!(clip.frames, 90);
        // Frame 270 of 300 is at 9.009 s: 30 frames are left in the first file.
        assert_eq!(clip.pieces.iter().map(|piece| piece.frames).collect::<Vec<_>>(), [30, 60]);
        assert_eq!(clip.pieces[0].start, video.rate.time_of(270));
        assert_eq!(clip.pieces[1].start, Timestamp::ZERO);
        assert_eq!(clip.telemetry_start, Some(1_000 + 9_009_000_000));
        assert_eq!(clip.utc, Some(5 + 9_009_000_000));
        // 100 parts per million of 9.009 s are 900.9 us.
        let source = Source { drift: 100_000, ..source };
        let clip = super::clip(&moment(9_009, 3_003), &source, video.rate).unwrap();
        assert_eq!((clip.utc, clip.drift), (Some(5 + 9_009_900_900), 100_000));
        // By a log that goes with the film there are none.
        assert_eq!((clip.telemetry_start, clip.telemetry_drift), (Some(1_000 + 9_009_000_000), 0));
        let source = Source { telemetry_drift: 100_000, drift: 0, ..source };
        let clip = super::clip(&moment(9_009, 3_003), &source, video.rate).unwrap();
        assert_eq!((clip.telemetry_start, clip.telemetry_drift), (Some(1_000 + 9_009_900_900), 100_000));
        assert_eq!((clip.utc, clip.drift), (Some(5 + 9_009_000_000), 0));
    }

    #[test]
    fn a_clip_ends_with_its_recording() {
        let video = video(10);
        let chapter = SourceFile { digest: Digest::of(b""), video: &video, has_audio: true, offset: Timestamp::ZERO };
        let source = Source {
            name: "front/GX010012",
            duration: video.duration,
            fit: Fit::Fit,
            telemetry_start: None,
            telemetry_drift: 0,
            drift: 0,
            utc: None,
            chapters: vec![chapter],
        };
        let clip = clip(&moment(9_000, 3_500), &source, video.rate).unwrap();
        assert_eq!(clip.frames, 30);
    }
}
