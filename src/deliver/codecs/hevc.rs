//! HEVC by x265.

use crate::deliver::codecs::scale::{Scale, tenths};
use crate::deliver::codecs::{Demand, KEY_FRAMES, Rung, VideoCodec, encoder};
use crate::model::specs::VideoEncoder;
use crate::model::{Mastering, Sampling, VideoFormat};

pub const LIBX265: Rung =
    Rung { name: "libx265", codec: VideoCodec::Hevc, deep: true, session: false, settings: libx265 };

/// x264's CRF to x265's (measured, see docs/media.md).
const QUALITY: Scale = &[(1, 1), (20, 20), (24, 25), (28, 30), (32, 35), (36, 40), (46, 51), (51, 51)];

/// What HDR10 says of its display, in the header; and quantisers for levels that
/// are as far apart in the dark as in the light.
fn hdr10(mastering: &Mastering) -> String {
    let Mastering { primaries: [red, green, blue], white, most, least, light } = mastering;
    let pair = |name: &str, [x, y]: &[u32; 2]| format!("{name}({x},{y})");
    let colours = [pair("G", green), pair("B", blue), pair("R", red), pair("WP", white)].concat();
    let [content, average] = light;
    format!(":hdr10=1:hdr10-opt=1:master-display={colours}L({most},{least}):max-cll={content},{average}")
}

/// x265 with every option that matters stated. Its parameter sets, level and
/// tier follow from size, rate and preset, never from what is shown.
fn libx265(_: &Rung, demand: &Demand, format: &VideoFormat) -> VideoEncoder {
    let profile = match format.sampling {
        Sampling::Yuv420p8 => "main",
        Sampling::Yuv420p10 => "main10",
        Sampling::Yuv422p10 => "main422-10",
    };
    let params = [
        // Nothing before the first key frame is shown, and nothing but pictures
        // is in the stream: no text of the encoder, no second parameter sets.
        "open-gop=0:info=0:repeat-headers=0:hrd=0:aud=0",
        // The bytes depend on wavefronts but not on how many threads run them.
        "pools=1:frame-threads=1:wpp=1:pmode=0:pme=0:lookahead-slices=0",
        "log-level=error",
    ];
    let mut params = format!("{}:keyint={KEY_FRAMES}", params.join(":"));
    if let Some(mastering) = Mastering::of(&format.colour) {
        params.push_str(&hdr10(&mastering));
    }
    let options = [
        ("preset", demand.preset.name()),
        ("crf", &tenths(QUALITY, demand.quality)),
        ("profile", profile),
        ("forced-idr", "1"),
        ("x265-params", &params),
        ("flags", super::FLAGS),
    ];
    encoder("libx265", 1, &options)
}
