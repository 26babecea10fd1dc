//! AV1 by SVT-AV1.

use crate::deliver::codecs::scale::{Scale, whole};
use crate::deliver::codecs::{Demand, KEY_FRAMES, Rung, VideoCodec, encoder};
use crate::model::VideoFormat;
use crate::model::specs::VideoEncoder;

pub const LIBSVTAV1: Rung =
    Rung { name: "libsvtav1", codec: VideoCodec::Av1, deep: true, session: false, settings: libsvtav1 };

/// x264's CRF to SVT-AV1's (measured, see docs/media.md).
const QUALITY: Scale =
    &[(1, 1), (12, 7), (16, 13), (18, 18), (20, 23), (22, 32), (24, 39), (28, 53), (32, 61), (36, 63), (51, 63)];

/// Of SVT-AV1 for x264's presets, quickest first.
const PRESETS: [&str; 9] = ["12", "11", "10", "9", "8", "7", "6", "5", "4"];

/// SVT-AV1 with every option that matters stated. `lp` is how many processors
/// it may reckon with: left out, it makes a hundred threads on a large machine.
fn libsvtav1(_: &Rung, demand: &Demand, _: &VideoFormat) -> VideoEncoder {
    let options = [
        ("preset", PRESETS[demand.preset.speed()]),
        ("crf", &whole(QUALITY, demand.quality)),
        ("g", KEY_FRAMES),
        ("svtav1-params", "lp=1:scd=0:irefresh-type=2"),
        ("flags", super::FLAGS),
    ];
    encoder("libsvtav1", 1, &options)
}
