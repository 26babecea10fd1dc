//! ProRes by FFmpeg's own encoder: 10 bits, 4:2:2, each frame by itself. It has
//! neither presets nor a scale of quality, but profiles.

use crate::deliver::codecs::{Demand, Rung, VideoCodec, encoder};
use crate::model::VideoFormat;
use crate::model::specs::VideoEncoder;

pub const PRORES_KS: Rung =
    Rung { name: "prores_ks", codec: VideoCodec::ProRes, deep: true, session: false, settings: prores };

/// The profile up to each quality, in tenths, best first (measured, see
/// docs/media.md).
const PROFILES: [(u32, &str); 4] = [(80, "hq"), (120, "standard"), (210, "lt"), (510, "proxy")];

fn prores(_: &Rung, demand: &Demand, _: &VideoFormat) -> VideoEncoder {
    let profile = PROFILES.iter().find(|(most, _)| demand.quality <= *most).map_or("proxy", |(_, profile)| profile);
    // Some players look at the vendor and take the file for none of Apple's.
    let options = [("profile", profile), ("vendor", "apl0"), ("flags", "+global_header+bitexact")];
    encoder("prores_ks", 1, &options)
}
