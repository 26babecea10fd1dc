//! The kind `probe`: what a file of footage is, exactly.
//!
//! Nothing is decoded unless the packets leave open which frame is the first, or
//! whether there is any.
//! How long a file is, is believed as far as its pictures reach ([`extent`]).
//! It must not decide what an output looks like, only say what is there.

use std::path::Path;

use autocut::base::{Diagnostic, Digest, FrameRate, Orientation, Size, Timestamp, UtcTime};
use autocut::model::footage::{Track, TrackKind};
use autocut::model::naming::mark;
use autocut::model::{AudioInfo, MediaInfo, VideoInfo};

use crate::av::input::{DolbyVision, Stream};
use crate::av::{self, Error, Input, PixelFormat, Skip, StreamKind, diagnose};
use crate::decode::Film;
use crate::streams::{main_audio, media_zero, open_video};
use crate::{extent, origin, rhythm, takes};

/// How far apart chunks of analysis start, in seconds.
const CHUNK_SECONDS: i64 = 60;
/// A last chunk that would be shorter than this is part of the one before.
const SHORTEST_CHUNK_SECONDS: i64 = 15;

/// Probes the file with that content; with what people are to be told of it.
///
/// Errors: it is not footage, and why.
pub(crate) fn probe(path: &Path, content: Digest) -> Result<(MediaInfo, Vec<Diagnostic>), Diagnostic> {
    let (mut input, stream) = open_video(path)?;
    if is_still_picture(&input.container()) {
        let message = format!("{} is a still picture, not footage", path.display());
        return Err(Diagnostic::input(message).hint("take it out of the footage's pattern"));
    }
    let zero = media_zero(&mut input, path)?.unwrap_or(Timestamp::ZERO);
    let missing = || diagnose(format!("cannot read {}", path.display()), Error::StreamNotFound);
    let facts = input.stream(stream).ok_or_else(missing)?;
    refuse_absurd(path, &facts)?;
    refuse_unknown_colours(path, &facts)?;
    if facts.pixel_format() == PixelFormat::UNKNOWN {
        // Only decoding tells, and what the container holds was not enough for it.
        Film::open(path, Skip::Nothing)?.frame_at(Timestamp::ZERO)?;
    }
    let mut video = video_info(&input, &facts, zero)
        .ok_or_else(|| Diagnostic::input(format!("the frame rate of {} is unknown", path.display())))?;
    // Elsewhere than in MP4 an index is a help for seeking, with other places in it.
    let is_listed = facts.frames() > 0 && facts.index().count() as u64 >= facts.frames();
    let is_listed = is_listed && input.container().split(',').any(|name| name == "mov");
    let extent = match input.container().as_str() {
        _ if is_listed => Some(extent::of_index(path, content, &facts, zero)),
        "avi" => extent::of_chunks(path, content, &facts),
        _ => None,
    };
    if let (Some(end), false) = (extent.as_ref().and_then(|extent| extent.end), is_listed) {
        // FFmpeg guessed, by how long the file is.
        video.duration = end;
    }
    let tells_rhythm = lists_all(&facts);
    let audio = main_audio(&input).and_then(|index| input.stream(index)).map(|facts| audio_info(&facts, zero, &video));
    let tag = |names: &[&str]| names.iter().find_map(|name| input.tag(name).or_else(|| facts.tag(name)));
    let mut info = MediaInfo {
        container: input.container(),
        audio,
        created: tag(&["creation_time", "com.apple.quicktime.creationdate"]).and_then(|text| created(&text)),
        device: device(&tag),
        // Those of a file that cannot be read are none: the film is what counts.
        recording_ids: std::fs::File::open(path).ok().map(|mut file| origin::ids(&mut file)).unwrap_or_default(),
        timecode: tag(&["timecode"]).filter(|label| origin::is_timecode(label)),
        tracks: input.streams().map(|stream| track(&stream)).collect(),
        video: None,
    };
    let claimed = input.stream(stream).and_then(|facts| matrix_warning(content, &facts));
    let start = input.stream(stream).and_then(|facts| Some(Timestamp::from_ticks(facts.start()?, facts.time_base())));
    let leading = start.and_then(|start| extent::of_start(content, start, zero, video.rate));
    let extent = extent.unwrap_or_else(|| extent::of_packets(&mut input, stream, content, zero, video.duration));
    if let Some(end) = extent.end {
        video.duration = end.min(video.duration).max(video.rate.time_of(1));
        video.chunks.retain(|chunk| *chunk < video.duration);
    }
    if !tells_rhythm && !video.variable_rate {
        video.variable_rate = rhythm::of_packets(&mut input, stream, zero, video.duration, video.rate);
    }
    takes::refuse_several(&mut input, stream, path, zero)?;
    info.video = Some(video);
    Ok((info, claimed.into_iter().chain(leading).chain(extent.warnings).collect()))
}

/// Fails for pictures that nobody films and that would take all memory.
fn refuse_absurd(path: &Path, facts: &Stream) -> Result<(), Diagnostic> {
    let (width, height) = facts.size();
    if u64::from(width) * u64::from(height) <= av::MOST_PIXELS {
        return Ok(());
    }
    let message = format!("{} says that its pictures are {width}x{height} pixels large", path.display());
    let most = av::MOST_PIXELS / 1_000_000;
    Err(Diagnostic::input(message)
        .note(format!("autocut decodes pictures of up to {most} million pixels"))
        .hint("the file is probably damaged: take it out of the footage's pattern"))
}

/// Fails for pictures that would be shown in wrong colours.
fn refuse_unknown_colours(path: &Path, facts: &Stream) -> Result<(), Diagnostic> {
    let name = path.display();
    if facts.dolby_vision().is_some_and(DolbyVision::is_alone) {
        let profile = facts.dolby_vision().map_or(5, |dolby| dolby.profile);
        let message = format!("{name} is in Dolby Vision, profile {profile}, and in nothing else");
        return Err(Diagnostic::input(message)
            .note("its pictures are right only in a player that knows Dolby Vision: elsewhere they are green and purple")
            .hint("let the camera record HLG or HDR10, or convert the file to one of them, and take this one out of the pattern"));
    }
    match facts.colour().unknown_matrix(facts.pixel_format()) {
        None => Ok(()),
        Some(matrix) => Err(Diagnostic::input(format!("the colours of {name} are not known: its matrix is {matrix}"))
            .note("autocut knows BT.601, BT.709, BT.2020, SMPTE 240M, YCgCo and RGB")
            .hint("convert it to one of these, for instance with ffmpeg's filter zscale, and take this one out of the pattern")),
    }
}

/// What people are to be told of a matrix that is taken for another one.
fn matrix_warning(content: Digest, facts: &Stream) -> Option<Diagnostic> {
    let name = mark(content);
    let message = format!(
        "{name}: it says that its matrix is BT.2020 with constant luminance; it is taken for the usual BT.2020, as \
         players do"
    );
    facts.colour().claims_constant_luminance(facts.pixel_format()).then(|| Diagnostic::warning(message))
}

fn track(stream: &Stream) -> Track {
    let kind = match stream.kind() {
        StreamKind::Video if stream.is_attached_picture() => TrackKind::Cover,
        StreamKind::Video => TrackKind::Video,
        StreamKind::Audio => TrackKind::Audio,
        StreamKind::Other => TrackKind::Data,
    };
    let codec = stream.codec();
    let is_named = !matches!(codec.as_str(), "none" | "bin_data" | "unknown_codec");
    let codec = if is_named { codec } else { stream.codec_tag().unwrap_or(codec) };
    Track { kind, codec }
}

/// Demuxers of single pictures.
fn is_still_picture(container: &str) -> bool {
    container.ends_with("_pipe") || container.split(',').any(|name| name == "image2")
}

/// Whether a container lists every frame with its time.
fn lists_all(facts: &Stream) -> bool {
    facts.frames() > 1 && facts.index().count() as u64 >= facts.frames()
}

fn video_info(input: &Input, facts: &Stream, zero: Timestamp) -> Option<VideoInfo> {
    let (width, height) = facts.size();
    let average = usable_rate(facts.average_rate());
    let rate = nominal_rate(usable_rate(facts.base_rate()), average)?;
    let average_rate = average.unwrap_or(rate);
    let format = facts.pixel_format();
    let (num, den) = facts.pixel_aspect();
    let pixel_aspect = match (u32::try_from(num), u32::try_from(den)) {
        (Ok(num), Ok(den)) if num > 0 && den > 0 => (num, den),
        _ => (1, 1),
    };
    let base = facts.time_base();
    let index: Vec<(i64, bool)> = facts.index().map(|entry| (entry.ticks, entry.key)).collect();
    let variable_rate = if lists_all(facts) {
        let shown: Vec<i64> = index.iter().map(|(ticks, _)| *ticks).collect();
        rhythm::is_uneven(&shown, base, rate)
    } else {
        differ(rate, average_rate, 200)
    };
    let duration = facts
        .duration()
        .map(|ticks| Timestamp::from_ticks(ticks, base))
        .or_else(|| input.duration_micros().map(|micros| Timestamp::new(micros, 1_000_000)))
        .filter(|duration| *duration > Timestamp::ZERO)
        .unwrap_or_else(|| rate.time_of(i64::try_from(facts.frames()).unwrap_or(0).max(1)));
    let start = facts.start().map_or(zero, |ticks| Timestamp::from_ticks(ticks, base));
    let duration = (duration - (zero - start)).max(rate.time_of(1));
    let orientation = facts.display_matrix().map_or(Orientation::UPRIGHT, |matrix| orientation(&matrix));
    let keys = index.iter().filter(|(_, key)| *key).map(|(ticks, _)| *ticks);
    Some(VideoInfo {
        stream: u32::try_from(facts.index).ok()?,
        codec: facts.codec(),
        profile: facts.profile(),
        stored: Size::new(width, height),
        pixel_aspect,
        orientation,
        rate,
        average_rate,
        variable_rate,
        frames: facts.frames(),
        duration,
        first: zero,
        top_field_first: facts.top_field_first(),
        pixel_format: format.name(),
        bit_depth: format.bit_depth(),
        colour: facts.colour().colour(format, (width, height)),
        chunks: chunks(keys.collect(), base, duration),
    })
}

fn audio_info(facts: &Stream, zero: Timestamp, video: &VideoInfo) -> AudioInfo {
    let base = facts.time_base();
    let time = |ticks| Timestamp::from_ticks(ticks, base);
    let start = facts.start().map_or(Timestamp::ZERO, |ticks| time(ticks) - zero);
    AudioInfo {
        stream: u32::try_from(facts.index).unwrap_or(u32::MAX),
        codec: facts.codec(),
        sample_rate: facts.sample_rate(),
        channels: facts.channels(),
        start,
        duration: facts.duration().map_or(video.duration, time),
    }
}

/// A rate as the container has it, where it can be one.
fn usable_rate((num, den): (i32, i32)) -> Option<FrameRate> {
    let rate = FrameRate::new(u32::try_from(num).ok()?, u32::try_from(den).ok()?)?;
    (0.1..=1_000.0).contains(&rate.as_f64()).then_some(rate)
}

/// The rate that the camera was set to. FFmpeg's guess at it is the finest grid
/// on which all timestamps lie, which for a variable rate can be many times
/// too high; then the nearest common rate to the mean is taken.
fn nominal_rate(base: Option<FrameRate>, average: Option<FrameRate>) -> Option<FrameRate> {
    let (base, average) = match (base, average) {
        (Some(base), Some(average)) => (base, average),
        (one, other) => return one.or(other).map(standard),
    };
    let ratio = base.as_f64() / average.as_f64();
    let plausible = (0.98..1.5).contains(&ratio);
    Some(standard(if plausible { base } else { average }))
}

/// Rates that cameras are set to.
const STANDARD: [(u32, u32); 17] = [
    (24_000, 1_001),
    (24, 1),
    (25, 1),
    (30_000, 1_001),
    (30, 1),
    (48_000, 1_001),
    (48, 1),
    (50, 1),
    (60_000, 1_001),
    (60, 1),
    (90, 1),
    (100, 1),
    (120_000, 1_001),
    (120, 1),
    (200, 1),
    (240_000, 1_001),
    (240, 1),
];

/// The common rate that this is, but for the rounding of timestamps (within
/// 0.02 %: 30 and 29.97 are 0.1 % apart), else the rate itself.
fn standard(rate: FrameRate) -> FrameRate {
    let common = STANDARD.iter().filter_map(|(num, den)| FrameRate::new(*num, *den));
    common.into_iter().find(|common| !differ(*common, rate, 5_000)).unwrap_or(rate)
}

/// Whether two rates differ by more than one part in `parts`.
fn differ(a: FrameRate, b: FrameRate, parts: u64) -> bool {
    let left = u128::from(a.numerator()) * u128::from(b.denominator());
    let right = u128::from(b.numerator()) * u128::from(a.denominator());
    left.abs_diff(right) * u128::from(parts) > left.max(right)
}

/// Media times of key frames about a minute apart. The index counts decoding
/// time, which differs from presentation by a constant at key frames.
fn chunks(mut keys: Vec<i64>, base: (i32, i32), duration: Timestamp) -> Vec<Timestamp> {
    keys.sort_unstable();
    let mut chunks = vec![Timestamp::ZERO];
    let Some(first) = keys.first().copied() else { return chunks };
    let mut wanted = Timestamp::from_seconds(CHUNK_SECONDS);
    let end = duration - Timestamp::from_seconds(SHORTEST_CHUNK_SECONDS);
    for key in keys {
        let time = Timestamp::from_ticks(key.saturating_sub(first), base);
        if time >= wanted && time <= end {
            chunks.push(time);
            wanted = time + Timestamp::from_seconds(CHUNK_SECONDS);
        }
    }
    chunks
}

/// The orientation that a display matrix stands for: the nearest one of whole
/// quarter turns. With x to the right and y downwards, (x, y) is shown at
/// (a x + c y, b x + d y); the matrix is stored as a b u, c d v, x y w
/// (ISO/IEC 14496-12, 8.3.2).
fn orientation(matrix: &[i32; 9]) -> Orientation {
    let [a, b, _, c, d, ..] = matrix.map(i64::from);
    let mut best = (i64::MIN, Orientation::UPRIGHT);
    for mirrored in [false, true] {
        for (quarter_turns, [p, q, r, s]) in
            [[1, 0, 0, 1], [0, 1, -1, 0], [-1, 0, 0, -1], [0, -1, 1, 0]].iter().enumerate()
        {
            // Mirroring comes first, so it turns round where x goes.
            let sign = if mirrored { -1 } else { 1 };
            let likeness = sign * (a * p + b * q) + c * r + d * s;
            if likeness > best.0 {
                best = (likeness, Orientation { quarter_turns: quarter_turns as u8, mirrored });
            }
        }
    }
    best.1
}

/// A date that is one: zero dates of 1904 and 1970 are not.
fn created(text: &str) -> Option<UtcTime> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    let nanos = i64::try_from(time.as_nanosecond()).ok()?;
    let year_1990 = 631_152_000_000_000_000;
    (nanos > year_1990).then_some(UtcTime(nanos))
}

fn device(tag: &impl Fn(&[&str]) -> Option<String>) -> Option<String> {
    let make = tag(&["com.apple.quicktime.make", "com.android.manufacturer", "make"]);
    let model = tag(&["com.apple.quicktime.model", "com.android.model", "model"]);
    let named = match (make, model) {
        (Some(make), Some(model)) if model.starts_with(&make) => Some(model),
        (Some(make), Some(model)) => Some(format!("{make} {model}")),
        (make, model) => model.or(make),
    };
    // GoPro names its cameras nowhere but in the tracks' handlers.
    let handler = || tag(&["handler_name"]).filter(|name| name.contains("GoPro")).map(|_| "GoPro".to_owned());
    named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).or_else(handler)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    #[test]
    fn nominal_rates() {
        let of = |base, average| nominal_rate(Some(base), Some(average)).unwrap();
        assert_eq!(of(rate(30_000, 1_001), rate(2_876, 100)), rate(30_000, 1_001));
        assert_eq!(of(rate(90_000, 1_000), rate(29_970, 1_000)), rate(30_000, 1_001));
        // Matroska's milliseconds: 29.97 is seen as 29.9703.
        assert_eq!(of(rate(2_997_030, 100_000), rate(2_997_030, 100_000)), rate(30_000, 1_001));
        assert_eq!(nominal_rate(None, None), None);
    }

    /// Matrices as `av_display_rotation_set` and `av_display_matrix_flip` of
    /// FFmpeg make them, and as phones write them (16.16 fixed point).
    #[test]
    fn display_matrices() {
        let one = 1 << 16;
        let of = |a: i32, b: i32, c: i32, d: i32| {
            let found = orientation(&[a, b, 0, c, d, 0, 0, 0, 1 << 30]);
            (found.quarter_turns, found.mirrored)
        };
        assert_eq!(of(one, 0, 0, one), (0, false));
        assert_eq!(of(0, one, -one, 0), (1, false));
        assert_eq!(of(-one, 0, 0, -one), (2, false));
        assert_eq!(of(0, -one, one, 0), (3, false));
        assert_eq!(of(-one, 0, 0, one), (0, true));
        assert_eq!(of(one, 0, 0, -one), (2, true));
        assert_eq!(of(0, one, one, 0), (3, true));
    }

    #[test]
    fn chunks_start_at_key_frames_about_a_minute_apart() {
        let keys: Vec<i64> = (0..40).map(|i| i * 7 + 3).collect();
        let found = chunks(keys, (1, 1), Timestamp::from_seconds(275));
        let seconds: Vec<i64> = found.iter().map(|t| t.numerator()).collect();
        assert_eq!(seconds, [0, 63, 126, 189, 252]);
        assert_eq!(chunks(vec![], (1, 1), Timestamp::from_seconds(275)), [Timestamp::ZERO]);
    }

    #[test]
    fn dates() {
        assert_eq!(created("2019-11-18T22:24:20.000000Z"), Some(UtcTime(1_574_115_860_000_000_000)));
        assert_eq!(created("1904-01-01T00:00:00.000000Z"), None);
        assert_eq!(created("yesterday"), None);
    }
}
