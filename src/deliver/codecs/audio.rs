//! Encoders of sound: AAC by FFmpeg's own, Opus by libopus, PCM as it is.

use crate::deliver::codecs::SoundCodec;
use crate::model::specs::AudioEncoder;

/// The least and the most bits per second for two channels that all take.
const BIT_RATES: std::ops::RangeInclusive<u32> = 32_000..=510_000;

/// The encoder of a codec; `bits` a sample count for PCM alone.
pub fn settings(codec: SoundCodec, bit_rate: u32, bits: u32) -> AudioEncoder {
    let bit_rate = bit_rate.clamp(*BIT_RATES.start(), *BIT_RATES.end());
    let (name, options, bit_rate): (&str, &[(&str, &str)], u32) = match codec {
        // Stated although it is the default, so that it stays when that changes.
        SoundCodec::Aac => ("aac", &[("aac_coder", "twoloop")], bit_rate),
        SoundCodec::Opus => ("libopus", &[("application", "audio"), ("frame_duration", "20"), ("vbr", "on")], bit_rate),
        SoundCodec::Pcm if bits > 16 => ("pcm_s24le", &[], 0),
        SoundCodec::Pcm => ("pcm_s16le", &[], 0),
    };
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    AudioEncoder { name: name.to_owned(), options, bit_rate }
}
