//! The pictures of an output: size, rate and encoder.

use serde::{Deserialize, Serialize};

use crate::base::{FrameRate, Size};
use crate::deliver::quality::Quality;
use crate::manifest::schema::unknown;
use crate::manifest::{Checker, FromNode, Node, schema};
use crate::model::footage::Transfer;
use crate::model::specs::VideoEncoder;
use crate::model::{Colour, Matrix, VideoFormat, VideoInfo};

schema! {
    /// Size, rate and quality of the pictures.
    pub struct Video = "Video", check = Video::check {
        /// Width and height in pixels, e.g. "1920x1080", "720p" or "1080x1920".
        /// Left out: that of most of the footage (by duration), at most 4K.
        size: Option<Size> = None,
        /// Frames per second as a fraction, e.g. 30 or "30000/1001". Left out:
        /// that of most of the footage, at most 60.
        rate: Option<FrameRate> = None,
        /// Constant quality: x264's CRF. 18 is visually lossless, 23 is small. Or
        /// `Auto`: footage that is shown as it is, in the output's own format and
        /// without overlays, is copied by whole GOPs where that pays, and the rest
        /// encoded. Or `Copy`: wherever it is possible.
        quality: Quality = Quality::default(),
        /// x264's preset, from "ultrafast" to "veryslow".
        preset: Preset = Preset::default(),
    }
}

/// The largest default size, and the largest default rate.
const MAX_SIZE: Size = Size::new(3840, 2160);
const MAX_RATE: u32 = 60;

/// The least and the greatest side of a picture that H.264 can hold at level
/// 6.2, rounded inwards.
const MIN_SIDE: u32 = 32;
const MAX_SIDE: u32 = 8192;

/// What is used when there is no footage to go by.
const DEFAULT_SIZE: Size = Size::new(1920, 1080);
const DEFAULT_RATE: (u32, u32) = (30, 1);

/// The presets that x264 knows, but for `placebo`, which is not worth its time.
const PRESETS: &[&str] =
    &["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

/// One of [`PRESETS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset(String);

impl Default for Preset {
    fn default() -> Self {
        Preset("veryfast".to_owned())
    }
}

impl FromNode for Preset {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let name = String::from_node(node, checker)?;
        if PRESETS.contains(&name.as_str()) {
            return Some(Preset(name));
        }
        unknown(checker, node.span, format!("there is no preset {name:?}"), &name, PRESETS);
        None
    }

    fn expects() -> String {
        "one of x264's presets, such as \"veryfast\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("{:?}", self.0)
    }
}

impl Video {
    fn check(&self, node: &Node, checker: &mut Checker) {
        let span = |field: &str| node.field(field).map_or(node.span, |field| field.span);
        let limits = MIN_SIDE..=MAX_SIDE;
        if self.size.is_some_and(|size| !limits.contains(&size.width) || !limits.contains(&size.height)) {
            checker.error_with_hint(
                span("size"),
                "the size is out of range",
                format!("each side is from {MIN_SIDE} to {MAX_SIDE} pixels"),
            );
        }
    }

    /// The format of an output that is made of `footage`.
    pub fn format(&self, footage: &[&VideoInfo]) -> VideoFormat {
        let size = self.size.unwrap_or_else(|| {
            let common = most(footage, |video| even(video.display_size())).unwrap_or(DEFAULT_SIZE);
            let limit = if common.width < common.height { MAX_SIZE.transposed() } else { MAX_SIZE };
            if common.width > limit.width || common.height > limit.height { common.fit_into(limit) } else { common }
        });
        let rate = self.rate.or_else(|| most(footage, |video| limited(video.rate)));
        let rate = rate.or(FrameRate::new(DEFAULT_RATE.0, DEFAULT_RATE.1));
        let usual = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
        // What is copied stays as it is, and so what stands beside it is like it.
        let own = self.quality.copies().then(|| most(footage, |video| video.colour)).flatten();
        VideoFormat {
            size: even(size),
            rate: rate.unwrap_or_else(|| unreachable!("the default rate is not 0")),
            colour: own.filter(|colour| colour.transfer() == Transfer::Sdr).unwrap_or(usual),
        }
    }
}

/// Parameter sets that do not depend on CRF (joinable), closed GOPs, and the
/// same bits on every processor.
const X264_PARAMETERS: &str = "stitchable=1:open-gop=0:cpu-independent=1:keyint=250:force-cfr=1";

/// x264, with every option that matters stated. See docs/media.md for what each
/// is for.
pub fn libx264(video: &Video, format: &VideoFormat) -> VideoEncoder {
    let crf = video.quality.crf().to_string();
    // Numbers of parameter sets that no camera uses, so that both can stand in
    // one file.
    let parameters = match video.quality.copies() {
        true => format!("{X264_PARAMETERS}:sps-id=31"),
        false => X264_PARAMETERS.to_owned(),
    };
    let options = [
        ("preset", video.preset.0.as_str()),
        ("crf", &crf),
        ("profile", "high"),
        ("level", level(format)),
        ("x264-params", parameters.as_str()),
        ("flags", "+cgop+global_header+bitexact"),
    ];
    VideoEncoder {
        name: "libx264".to_owned(),
        options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        threads: 1,
    }
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

/// The lowest H.264 level whose picture size and macroblock rate suffice
/// (ITU-T H.264, table A-1). Stated, because a level that the encoder guesses
/// from the content would differ between segments.
fn level(format: &VideoFormat) -> &'static str {
    let macroblocks = u64::from(format.size.width.div_ceil(16)) * u64::from(format.size.height.div_ceil(16));
    let per_second = macroblocks * u64::from(format.rate.numerator()) / u64::from(format.rate.denominator());
    const LEVELS: &[(u64, u64, &str)] = &[
        (1_620, 40_500, "3.0"),
        (3_600, 108_000, "3.1"),
        (5_120, 216_000, "3.2"),
        (8_192, 245_760, "4.0"),
        (8_704, 522_240, "4.2"),
        (22_080, 589_824, "5.0"),
        (36_864, 983_040, "5.1"),
        (36_864, 2_073_600, "5.2"),
        (139_264, 4_177_920, "6.0"),
    ];
    let fits = LEVELS.iter().find(|(frame, rate, _)| macroblocks <= *frame && per_second <= *rate);
    fits.map_or("6.2", |(_, _, level)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u32, height: u32, rate: u32) -> VideoFormat {
        let rate = FrameRate::new(rate, 1).unwrap();
        let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
        VideoFormat { size: Size::new(width, height), rate, colour }
    }

    #[test]
    fn footage_that_claims_to_last_for_ever_has_a_format_too() {
        let rate = FrameRate::per_second(30);
        let video = VideoInfo {
            stream: 0,
            codec: "h264".into(),
            stored: Size::new(1280, 720),
            pixel_aspect: (1, 1),
            orientation: crate::base::Orientation::UPRIGHT,
            rate,
            average_rate: rate,
            variable_rate: false,
            frames: 0,
            duration: crate::base::Timestamp::from_seconds(i64::MAX),
            profile: None,
            first: crate::base::Timestamp::ZERO,
            top_field_first: None,
            pixel_format: "yuv420p".into(),
            bit_depth: 8,
            colour: format(2, 2, 1).colour,
            chunks: Vec::new(),
        };
        assert_eq!(most(&[&video, &video], |video| video.rate), Some(rate));
    }

    /// Examples of levels and their formats from table A-6 of ITU-T H.264.
    #[test]
    fn levels_of_usual_formats() {
        assert_eq!(level(&format(1280, 720, 30)), "3.1");
        assert_eq!(level(&format(1280, 720, 60)), "3.2");
        assert_eq!(level(&format(1920, 1080, 30)), "4.0");
        assert_eq!(level(&format(1920, 1080, 60)), "4.2");
        assert_eq!(level(&format(3840, 2160, 30)), "5.1");
        assert_eq!(level(&format(3840, 2160, 60)), "5.2");
    }

    #[test]
    fn high_rates_are_halved() {
        let rate = |n, d| FrameRate::new(n, d).unwrap();
        assert_eq!(limited(rate(240_000, 1_001)), rate(60_000, 1_001));
        assert_eq!(limited(rate(60, 1)), rate(60, 1));
    }
}
