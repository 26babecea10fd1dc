//! The pictures of an output: size, rate and encoder.

use crate::base::{FrameRate, Size};
use crate::deliver::codecs::{self, Demand, Preset, VideoCodec, WantedVideo};
use crate::deliver::quality::Quality;
use crate::deliver::target::Target;
use crate::manifest::schema::choices;
use crate::manifest::{Checker, Node, schema};
use crate::model::{Colour, Matrix, Sampling, VideoFormat, VideoInfo};

schema! {
    /// Size, rate, codec and quality of the pictures.
    pub struct Video = "Video", check = Video::check {
        /// Width and height in pixels, e.g. "1920x1080", "720p" or "1080x1920".
        /// Left out: that of most of the footage (by duration), at most 4K.
        size: Option<Size> = None,
        /// Frames per second as a fraction, e.g. 30 or "30000/1001". Left out:
        /// that of most of the footage, at most 60.
        rate: Option<FrameRate> = None,
        /// The codec. `Auto`: what the container usually holds.
        codec: WantedVideo = WantedVideo::Auto,
        /// Bits a sample, 8 or 10. Left out: 8, and 10 for ProRes and HDR.
        depth: Option<u32> = None,
        /// `Sdr`: HDR footage is tone-mapped. `Hdr10` (PQ) or `Hlg`: HDR, in BT.2020
        /// with 10 bits, as HEVC unless told otherwise; footage of the same kind
        /// keeps its colours, the other kind and SDR are converted, white of SDR
        /// being 203 cd/m2.
        dynamic_range: DynamicRange = DynamicRange::Sdr,
        /// Constant quality: x264's CRF. 18 is visually lossless, 23 is small.
        /// Other encoders get what looks about equal. Or `Auto`: footage that is
        /// shown as it is, in the output's own format and without overlays, is
        /// copied by whole GOPs where that pays (H.264 and HEVC), and the rest
        /// encoded. Or `Copy`: wherever it is possible, and the sound of clips as well.
        quality: Quality = Quality::default(),
        /// The size of the file, or the bit rate of its pictures. Some segments
        /// are encoded at several qualities, and the one quality is taken at
        /// which the output comes near: within 10 % as a rule.
        target: Option<Target> = None,
        /// x264's preset, from "ultrafast" to "veryslow". Other encoders get
        /// their own that is nearest.
        preset: Preset = Preset::default(),
    }
}

choices! {
    /// How bright an output's pictures may be.
    pub enum DynamicRange = "a dynamic range" {
        Sdr,
        Hdr10,
        Hlg,
    }
}

impl DynamicRange {
    /// The colours that an output has.
    pub fn colour(self) -> Colour {
        match self {
            DynamicRange::Sdr => Colour::BT709,
            DynamicRange::Hdr10 => Colour::HDR10,
            DynamicRange::Hlg => Colour::HLG,
        }
    }

    pub fn is_hdr(self) -> bool {
        self != DynamicRange::Sdr
    }
}

/// The largest default size, and the largest default rate.
const MAX_SIZE: Size = Size::new(3840, 2160);
const MAX_RATE: u32 = 60;

/// The least and the greatest side of a picture that H.264 can hold at level
/// 6.2, rounded inwards.
const MIN_SIDE: u32 = 32;
const MAX_SIDE: u32 = 8192;

/// By how much a draft's CRF is greater, and at most.
const DRAFT_LOSS: u32 = 6;
const MAX_DRAFT: u32 = 40;

/// What is used when there is no footage to go by.
const DEFAULT_SIZE: Size = Size::new(1920, 1080);
const DEFAULT_RATE: (u32, u32) = (30, 1);

impl Video {
    fn check(&self, node: &Node, checker: &mut Checker) {
        let span = |field: &str| node.field(field).map_or(node.span, |field| field.span);
        if self.target.is_some() && node.field("quality").is_some() {
            checker.error_with_hint(
                span("target"),
                "a quality and a target cannot both be met",
                "leave one of `quality` and `target` out",
            );
        }
        let limits = MIN_SIDE..=MAX_SIDE;
        if self.size.is_some_and(|size| !limits.contains(&size.width) || !limits.contains(&size.height)) {
            checker.error_with_hint(
                span("size"),
                "the size is out of range",
                format!("each side is from {MIN_SIDE} to {MAX_SIDE} pixels"),
            );
        }
    }

    /// Reports a depth that the codec does not have. `node` is this struct, or
    /// what is around it.
    pub fn check_depth(&self, codec: VideoCodec, node: &Node, checker: &mut Checker) {
        let span = node.field("depth").map_or(node.span, |field| field.span);
        match (self.depth, codec) {
            (None | Some(10), _) => {}
            (Some(8), _) if self.dynamic_range.is_hdr() => {
                checker.error_with_hint(span, "HDR has 10 bits", "leave `depth` out");
            }
            (Some(8), VideoCodec::ProRes) => {
                checker.error_with_hint(span, "ProRes has 10 bits", "leave `depth` out");
            }
            (Some(8), _) => {}
            (Some(bits), _) => {
                checker.error_with_hint(span, format!("pictures of {bits} bits cannot be made"), "write 8 or 10");
            }
        }
    }

    /// Reports a codec in which players do not take HDR for what it is. `node` is
    /// this struct, or what is around it.
    pub fn check_dynamic_range(&self, codec: VideoCodec, node: &Node, checker: &mut Checker) {
        if self.dynamic_range.is_hdr() && !codec.holds_hdr() {
            let chosen = node.field("codec").or_else(|| node.field("dynamic_range"));
            let span = chosen.map_or(node.span, |field| field.span);
            let message = format!("{} is not for HDR: players do not show it as such", codec.name());
            checker.error_with_hint(span, message, "write `codec: Hevc`, `Av1`, `Vp9` or `ProRes`, or leave it out");
        }
    }

    /// Reports a target that cannot be met: of ProRes, or of a `whole` file where
    /// there are many. `node` is this struct, or what is around it.
    pub fn check_target(&self, codec: VideoCodec, whole: bool, node: &Node, checker: &mut Checker) {
        let span = node.field("target").map_or(node.span, |field| field.span);
        match self.target {
            Some(_) if codec == VideoCodec::ProRes => checker.error_with_hint(
                span,
                "ProRes has no scale of quality, so no target can be met",
                "leave `target` out; `quality` chooses the profile",
            ),
            Some(Target::Size(_)) if !whole => checker.error_with_hint(
                span,
                "a size is that of one file, and these are several",
                "write a bit rate: `target: BitRate(\"8 Mbit/s\")`",
            ),
            _ => {}
        }
    }

    /// The same to be looked at now: half as wide and high, as quickly as it goes,
    /// and in SDR, which every screen shows.
    #[must_use]
    pub fn drafted(&self) -> Video {
        let quality = Quality::Constant((self.quality.crf() + DRAFT_LOSS).min(MAX_DRAFT));
        let dynamic_range = DynamicRange::Sdr;
        Video { quality, target: None, depth: None, dynamic_range, preset: Preset::quickest(), ..self.clone() }
    }

    /// What an encoder is asked for, where there is no target.
    pub fn demand(&self) -> Demand {
        let beside_copies = self.quality.copies();
        Demand { quality: self.quality.crf() * 10, preset: self.preset.clone(), beside_copies }
    }

    /// How pictures are sampled for a codec.
    pub fn sampling(&self, codec: VideoCodec) -> Sampling {
        match (codec, self.depth) {
            (VideoCodec::ProRes, _) => Sampling::Yuv422p10,
            (_, Some(10)) => Sampling::Yuv420p10,
            _ if self.dynamic_range.is_hdr() => Sampling::Yuv420p10,
            _ => Sampling::Yuv420p8,
        }
    }

    /// The format of an output of that codec that is made of `footage`.
    pub fn format(&self, codec: VideoCodec, footage: &[&VideoInfo]) -> VideoFormat {
        let size = self.size.unwrap_or_else(|| {
            let common = most(footage, |video| even(video.display_size())).unwrap_or(DEFAULT_SIZE);
            let limit = if common.width < common.height { MAX_SIZE.transposed() } else { MAX_SIZE };
            if common.width > limit.width || common.height > limit.height { common.fit_into(limit) } else { common }
        });
        // What there is of that size counts, so that the output is like some of it.
        let sized = alike(footage, |video| even(video.display_size()) == even(size));
        let rate = self.rate.or_else(|| most(&sized, |video| limited(video.rate)));
        let rate = rate.or(FrameRate::new(DEFAULT_RATE.0, DEFAULT_RATE.1));
        let usual = self.dynamic_range.colour();
        let deep = self.sampling(codec) != Sampling::Yuv420p8;
        // Copies are as bright as the rest, encoders know no YCgCo, and 10 bits are
        // of limited range, HDR just as it is stated.
        let fits = |colour: &Colour| match (self.dynamic_range, deep) {
            (DynamicRange::Sdr, false) => colour.transfer() == usual.transfer() && colour.matrix != Matrix::YCgCo,
            (DynamicRange::Sdr, true) => {
                colour.transfer() == usual.transfer() && colour.matrix != Matrix::YCgCo && !colour.full_range
            }
            _ => *colour == usual,
        };
        // What is copied stays as it is, and so what stands beside it is like it.
        let copied = codecs::beside_copies(codec).and_then(|rung| codecs::copied_beside(rung.name));
        let is_copied = copied.is_some() && (codec != VideoCodec::H264 || !deep);
        let is_like = |video: &&VideoInfo| {
            copied == Some(video.codec.as_str()) && (video.bit_depth > 8) == deep && fits(&video.colour)
        };
        let like: Vec<&VideoInfo> = footage.iter().copied().filter(is_like).collect();
        let like = alike(&like, |video| video.stored == even(size) && Some(video.rate) == rate);
        let own = (self.quality.copies() && is_copied).then(|| most(&like, |video| video.colour)).flatten();
        VideoFormat {
            size: even(size),
            rate: rate.unwrap_or_else(|| unreachable!("the default rate is not 0")),
            colour: own.unwrap_or(usual),
            sampling: self.sampling(codec),
        }
    }
}

/// The format of a draft: a quarter of the picture, the same frames.
pub fn halved(format: VideoFormat) -> VideoFormat {
    let half = |side: u32| (side / 2).max(MIN_SIDE);
    VideoFormat { size: even(Size::new(half(format.size.width), half(format.size.height))), ..format }
}

/// 4:2:0 pictures have even sides.
fn even(size: Size) -> Size {
    Size::new((size.width / 2 * 2).max(2), (size.height / 2 * 2).max(2))
}

/// A rate over the limit is halved until it fits: 120 to 60, 240 to 60.
fn limited(rate: FrameRate) -> FrameRate {
    let mut rate = rate;
    while rate.numerator() > MAX_RATE.saturating_mul(rate.denominator()) {
        let half = rate.denominator().checked_mul(2).and_then(|den| FrameRate::new(rate.numerator(), den));
        match half {
            Some(half) => rate = half,
            None => break,
        }
    }
    rate
}

/// The footage that is so; all of it where none is.
fn alike<'a>(footage: &[&'a VideoInfo], is_so: impl Fn(&VideoInfo) -> bool) -> Vec<&'a VideoInfo> {
    let those: Vec<&VideoInfo> = footage.iter().copied().filter(|video| is_so(video)).collect();
    if those.is_empty() { footage.to_vec() } else { those }
}

/// What most of the footage has, by duration; the greater of two that tie.
fn most<T: Ord + Copy>(footage: &[&VideoInfo], what: impl Fn(&VideoInfo) -> T) -> Option<T> {
    let mut shares = std::collections::BTreeMap::new();
    for video in footage {
        let share: &mut i64 = shares.entry(what(video)).or_default();
        // A file may state any duration.
        *share = share.saturating_add(video.duration.to_millis());
    }
    shares.into_iter().max_by_key(|(value, share)| (*share, *value)).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u32, height: u32, rate: u32) -> VideoFormat {
        let rate = FrameRate::new(rate, 1).unwrap();
        let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
        VideoFormat { size: Size::new(width, height), rate, colour, sampling: Sampling::Yuv420p8 }
    }

    fn footage(width: u32, height: u32, rate: u32, seconds: i64) -> VideoInfo {
        let rate = FrameRate::per_second(rate);
        VideoInfo {
            stream: 0,
            codec: "h264".into(),
            stored: Size::new(width, height),
            pixel_aspect: (1, 1),
            orientation: crate::base::Orientation::UPRIGHT,
            rate,
            average_rate: rate,
            variable_rate: false,
            frames: 0,
            duration: crate::base::Timestamp::from_seconds(seconds),
            profile: None,
            first: crate::base::Timestamp::ZERO,
            top_field_first: None,
            pixel_format: "yuv420p".into(),
            bit_depth: 8,
            colour: format(2, 2, 1).colour,
            chunks: Vec::new(),
        }
    }

    #[test]
    fn footage_that_claims_to_last_for_ever_has_a_format_too() {
        let video = footage(1280, 720, 30, i64::MAX);
        assert_eq!(most(&[&video, &video], |video| video.rate), Some(video.rate));
    }

    #[test]
    fn an_output_is_like_some_of_its_footage() {
        // Most is of the one size, and of another rate than that.
        let (large, small) = (footage(1280, 720, 25, 10), [footage(640, 360, 50, 6), footage(320, 240, 50, 6)]);
        let all = [&large, &small[0], &small[1]];
        let made = Video::default().format(VideoCodec::H264, &all);
        assert_eq!((made.size, made.rate), (large.stored, large.rate));
        // Nothing is of the size that is asked for: then all of it counts.
        let asked = Video { size: Some(Size::new(1080, 1920)), ..Video::default() };
        assert_eq!(asked.format(VideoCodec::H264, &all).rate, small[0].rate);
    }

    #[test]
    fn high_rates_are_halved() {
        let rate = |n, d| FrameRate::new(n, d).unwrap();
        assert_eq!(limited(rate(240_000, 1_001)), rate(60_000, 1_001));
        assert_eq!(limited(rate(60, 1)), rate(60, 1));
    }
}
