//! Hardware encoders: one function for each maker says how its encoders are told
//! what a manifest wants. None of them makes the same bytes everywhere, and that
//! one is listed says nothing: each is tried on the machine (`autocut-media`'s
//! `trial`) before it is taken.
//!
//! Quality is constant for all of them, mapped by what their makers and others
//! published (docs/media.md); nobody measured it here.

use crate::deliver::codecs::scale::{Scale, whole};
use crate::deliver::codecs::{Demand, FLAGS, KEY_FRAMES, Rung, VideoCodec, encoder};
use crate::model::specs::VideoEncoder;
use crate::model::{Sampling, VideoFormat};

type Settings = fn(&Rung, &Demand, &VideoFormat) -> VideoEncoder;

const fn rung(name: &'static str, codec: VideoCodec, deep: bool, settings: Settings) -> Rung {
    Rung { name, codec, deep, session: true, settings }
}

pub const H264_VIDEOTOOLBOX: Rung = rung("h264_videotoolbox", VideoCodec::H264, false, videotoolbox);
pub const H264_NVENC: Rung = rung("h264_nvenc", VideoCodec::H264, false, nvenc);
pub const H264_QSV: Rung = rung("h264_qsv", VideoCodec::H264, false, qsv);
pub const H264_AMF: Rung = rung("h264_amf", VideoCodec::H264, false, amf);
pub const H264_VAAPI: Rung = rung("h264_vaapi", VideoCodec::H264, false, vaapi);
pub const HEVC_VIDEOTOOLBOX: Rung = rung("hevc_videotoolbox", VideoCodec::Hevc, true, videotoolbox);
pub const HEVC_NVENC: Rung = rung("hevc_nvenc", VideoCodec::Hevc, true, nvenc);
pub const HEVC_QSV: Rung = rung("hevc_qsv", VideoCodec::Hevc, true, qsv);
pub const HEVC_AMF: Rung = rung("hevc_amf", VideoCodec::Hevc, false, amf);
pub const HEVC_VAAPI: Rung = rung("hevc_vaapi", VideoCodec::Hevc, true, vaapi);
pub const AV1_NVENC: Rung = rung("av1_nvenc", VideoCodec::Av1, true, nvenc);
pub const AV1_QSV: Rung = rung("av1_qsv", VideoCodec::Av1, true, qsv);
pub const AV1_AMF: Rung = rung("av1_amf", VideoCodec::Av1, false, amf);
pub const AV1_VAAPI: Rung = rung("av1_vaapi", VideoCodec::Av1, true, vaapi);
pub const VP9_QSV: Rung = rung("vp9_qsv", VideoCodec::Vp9, true, qsv);
pub const VP9_VAAPI: Rung = rung("vp9_vaapi", VideoCodec::Vp9, true, vaapi);

/// x264's CRF 18 is CQ 21 and 23 is 27; AV1 counts to 63.
const NVENC: Scale = &[(1, 1), (18, 21), (23, 27), (28, 33), (51, 51)];
const NVENC_AV1: Scale = &[(1, 1), (18, 26), (23, 34), (28, 42), (51, 63)];
/// Quantisers of H.264 and HEVC count as CRF does; AV1 and VP9 have 255.
const QUANTISER: Scale = &[(1, 1), (51, 51)];
const QUANTISER_255: Scale = &[(1, 5), (18, 90), (23, 120), (28, 160), (51, 255)];

const NVENC_PRESETS: [&str; 9] = ["p1", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p7"];
const QSV_PRESETS: [&str; 9] =
    ["veryfast", "veryfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];
const AMF_PRESETS: [&str; 9] =
    ["speed", "speed", "speed", "balanced", "balanced", "balanced", "quality", "quality", "quality"];

/// The profile of a codec for a depth; AV1 and VP9 have theirs by the format.
fn profile(codec: VideoCodec, format: &VideoFormat) -> Option<(&'static str, &'static str)> {
    match (codec, format.sampling) {
        (VideoCodec::H264, _) => Some(("profile", "high")),
        (VideoCodec::Hevc, Sampling::Yuv420p8) => Some(("profile", "main")),
        (VideoCodec::Hevc, _) => Some(("profile", "main10")),
        _ => None,
    }
}

/// With what all of them are told.
fn told(rung: &Rung, format: &VideoFormat, own: &[(&str, &str)]) -> VideoEncoder {
    let common = [("g", KEY_FRAMES), ("flags", FLAGS)];
    let options: Vec<_> = own.iter().copied().chain(profile(rung.codec, format)).chain(common).collect();
    encoder(rung.name, 1, &options)
}

/// Frames of B type are left out where a hardware may have none of them: what
/// one generation cannot do would fail on it.
fn nvenc(rung: &Rung, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
    let scale = if rung.codec == VideoCodec::Av1 { NVENC_AV1 } else { NVENC };
    let cq = whole(scale, demand.quality);
    let preset = NVENC_PRESETS[demand.preset.speed()];
    let own = [("preset", preset), ("rc", "vbr"), ("cq", &cq), ("b", "0"), ("forced-idr", "1"), ("no-scenecut", "1")];
    told(rung, format, &own)
}

fn qsv(rung: &Rung, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
    let quality = whole(QUANTISER, demand.quality);
    let own = [("preset", QSV_PRESETS[demand.preset.speed()]), ("global_quality", &quality), ("async_depth", "1")];
    told(rung, format, &own)
}

fn amf(rung: &Rung, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
    let scale = if rung.codec == VideoCodec::Av1 { QUANTISER_255 } else { QUANTISER };
    let qp = whole(scale, demand.quality);
    let own = [("quality", AMF_PRESETS[demand.preset.speed()]), ("rc", "cqp"), ("qp_i", &qp), ("qp_p", &qp)];
    told(rung, format, &own)
}

fn vaapi(rung: &Rung, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
    let scale = match rung.codec {
        VideoCodec::Av1 | VideoCodec::Vp9 => QUANTISER_255,
        _ => QUANTISER,
    };
    let quality = whole(scale, demand.quality);
    told(rung, format, &[("rc_mode", "CQP"), ("global_quality", &quality), ("bf", "0")])
}

/// Its scale is of quality and rises: 65 is CRF 18, 49 is CRF 26.
fn videotoolbox(rung: &Rung, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
    /// FFmpeg's unit of `global_quality`.
    const LAMBDA: u32 = 118;
    let quality = (1_010_u32.saturating_sub(2 * demand.quality).clamp(10, 1_000)).div_ceil(10);
    let quality = (quality * LAMBDA).to_string();
    let own = [("global_quality", quality.as_str()), ("allow_sw", "0"), ("realtime", "0")];
    let mut told = told(rung, format, &own);
    told.options.retain(|(name, _)| name != "flags");
    told.options.push(("flags".to_owned(), format!("{FLAGS}+qscale")));
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::video::Video;

    fn value(encoder: &VideoEncoder, option: &str) -> String {
        encoder.options.iter().find(|(name, _)| name == option).unwrap().1.clone()
    }

    /// The points that media people published, as `docs/media.md` has them.
    #[test]
    fn qualities_are_those_that_were_published() {
        let at = |rung: &Rung, quality: u32, option: &str| {
            let video = Video { quality: crate::deliver::quality::Quality::Constant(quality), ..Video::default() };
            value(&rung.told(&video.demand(), &video.format(rung.codec, &[])), option)
        };
        assert_eq!([18, 23].map(|quality| at(&H264_NVENC, quality, "cq")), ["21", "27"]);
        assert_eq!([18, 26].map(|quality| at(&H264_VIDEOTOOLBOX, quality, "global_quality")), ["7670", "5782"]);
        assert_eq!(at(&HEVC_VAAPI, 22, "global_quality"), "22");
        assert_eq!(at(&H264_QSV, 22, "global_quality"), "22");
    }

    #[test]
    fn ten_bits_have_their_profile() {
        let video = Video { depth: Some(10), ..Video::default() };
        let told = HEVC_NVENC.told(&video.demand(), &video.format(VideoCodec::Hevc, &[]));
        assert_eq!(value(&told, "profile"), "main10");
    }
}
