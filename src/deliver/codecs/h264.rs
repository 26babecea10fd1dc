//! H.264 by x264.

use crate::deliver::codecs::scale::decimal;
use crate::deliver::codecs::{Demand, Rung, VideoCodec, encoder};
use crate::model::specs::VideoEncoder;
use crate::model::{Sampling, VideoFormat};

pub const LIBX264: Rung =
    Rung { name: "libx264", codec: VideoCodec::H264, deep: true, session: false, settings: libx264 };

/// x264, with every option that matters stated. See docs/media.md for what each
/// is for.
fn libx264(_: &Rung, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
    let crf = decimal(demand.quality);
    let profile = match format.sampling {
        Sampling::Yuv420p8 => "high",
        Sampling::Yuv420p10 => "high10",
        Sampling::Yuv422p10 => "high422",
    };
    // Numbers of parameter sets that no camera uses, so that both can stand in
    // one file.
    let numbers = if demand.beside_copies { ":sps-id=31" } else { "" };
    // Presets that let a picture refer to one other only gain nothing by keeping B
    // pictures for reference, which takes 24 MiB at 1920x1080 (docs/media.md).
    let one_reference = matches!(demand.preset.name(), "superfast" | "veryfast");
    let pyramid = if one_reference { ":b-pyramid=none" } else { "" };
    // Each picture that waits takes 25 MiB at 3840x2160, of which two encoders and
    // all else are to take no more than 1 GB (docs/media.md).
    let is_huge = format.size.width * format.size.height > HUGE;
    let lookahead = if is_huge && demand.preset.name() == "veryfast" { ":rc-lookahead=8" } else { "" };
    let params =
        format!("stitchable=1:open-gop=0:cpu-independent=1:keyint=250:force-cfr=1{pyramid}{lookahead}{numbers}");
    let options = [
        ("preset", demand.preset.name()),
        ("crf", &crf),
        ("profile", profile),
        ("level", level(format)),
        // Parameter sets that do not depend on CRF (joinable), closed GOPs,
        // and the same bits on every processor.
        ("x264-params", &params),
        ("flags", super::FLAGS),
    ];
    encoder("libx264", 1, &options)
}

/// Pixels of pictures that are more than those of cameras' 2.7K.
const HUGE: u32 = 6_000_000;

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
    use crate::base::{FrameRate, Size};
    use crate::deliver::codecs::Preset;
    use crate::model::{Colour, Matrix};

    fn format(width: u32, height: u32, rate: u32) -> VideoFormat {
        let rate = FrameRate::new(rate, 1).unwrap();
        let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
        VideoFormat { size: Size::new(width, height), rate, colour, sampling: Sampling::Yuv420p8 }
    }

    #[test]
    fn pictures_wait_in_greater_numbers_where_they_are_small() {
        let params = |width, height, preset: &str| {
            let demand = Demand { quality: 200, preset: Preset::named(preset).unwrap(), beside_copies: false };
            libx264(&LIBX264, &demand, &format(width, height, 30))
        };
        let is_short = |encoder: VideoEncoder| format!("{encoder:?}").contains("rc-lookahead=8");
        assert!(is_short(params(3840, 2160, "veryfast")));
        assert!(!is_short(params(2704, 1520, "veryfast")) && !is_short(params(3840, 2160, "fast")));
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
}
