//! VP9 by libvpx.

use crate::deliver::codecs::scale::{Scale, whole};
use crate::deliver::codecs::{Demand, KEY_FRAMES, Rung, VideoCodec, encoder};
use crate::model::specs::VideoEncoder;
use crate::model::{Sampling, VideoFormat};

pub const LIBVPX_VP9: Rung =
    Rung { name: "libvpx-vp9", codec: VideoCodec::Vp9, deep: true, session: false, settings: libvpx };

/// x264's CRF to libvpx's (measured, see docs/media.md).
const QUALITY: Scale =
    &[(1, 1), (8, 7), (12, 12), (16, 20), (20, 29), (24, 37), (28, 46), (32, 55), (36, 62), (51, 63)];

/// libvpx's `cpu-used` for x264's presets, quickest first.
const PRESETS: [&str; 9] = ["5", "5", "5", "5", "4", "3", "2", "1", "0"];

/// libvpx with every option that matters stated. Without a bit rate of 0, `crf`
/// would be a limit and not the quality.
fn libvpx(_: &Rung, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
    let profile = match format.sampling {
        Sampling::Yuv420p8 => "0",
        Sampling::Yuv420p10 => "2",
        Sampling::Yuv422p10 => "3",
    };
    let crf = whole(QUALITY, demand.quality);
    let options = [
        ("crf", crf.as_str()),
        ("b", "0"),
        ("deadline", "good"),
        ("cpu-used", PRESETS[demand.preset.speed()]),
        ("profile", profile),
        ("g", KEY_FRAMES),
        ("lag-in-frames", "25"),
        ("auto-alt-ref", "1"),
        ("row-mt", "0"),
        ("tile-columns", "0"),
        ("frame-parallel", "0"),
        ("flags", super::FLAGS),
    ];
    encoder("libvpx-vp9", 1, &options)
}
