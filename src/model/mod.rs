//! Plain data that crosses layers. No I/O, no behaviour beyond small
//! conversions: what is here can be printed, compared, hashed and sent to
//! another process.

pub mod action;
pub mod alignment;
pub mod confinement;
pub mod decoders;
pub mod engines;
pub mod footage;
pub mod key;
pub mod kinds;
pub mod lockfile;
pub mod losses;
pub mod mastering;
pub mod moment;
pub mod naming;
pub mod overlay;
pub mod payloads;
pub mod protocol;
pub mod scores;
pub mod signal;
pub mod specs;
pub mod telemetry;
pub mod timeline;
pub mod toolchain;
pub mod twins;
pub mod usage;
pub mod usual;

pub use action::{ActionResult, ActionSpec, Artifact, PlannedAction};
pub use footage::{AudioInfo, Colour, Matrix, MediaInfo, VideoInfo};
pub use key::{ActionKey, KeyFields};
pub use kinds::{Kind, Runs};
pub use mastering::Mastering;
pub use moment::Moment;
pub use telemetry::{Channel, Telemetry};
pub use timeline::{Clip, Fit, Piece, Sampling, VideoFormat};
pub use toolchain::{Tool, Toolchain};
pub use usage::Usage;

/// Encodes plain data in autocut's binary form (postcard: compact,
/// length-prefixed, the same bytes for equal values).
pub fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Vec<u8> {
    // Plain data in memory has no way to fail to serialise.
    postcard::to_stdvec(value).unwrap_or_default()
}

/// Decodes what [`encode`] made; `None` where the bytes are something else, or
/// more than that.
pub fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_or_shorter_than_a_value_is_none() {
        let bytes = encode(&(7u32, "seven"));
        assert_eq!(decode::<(u32, String)>(&bytes), Some((7, "seven".to_owned())));
        assert_eq!(decode::<(u32, String)>(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode::<(u32, String)>(&[&bytes[..], &[0]].concat()), None);
    }

    #[test]
    fn a_result_fits_its_own_kind() {
        let summary = encode(&telemetry::TelemetrySummary::default());
        let clean = Kind::named("telemetry.clean").unwrap();
        assert!(clean.fits(1, &summary) && !clean.fits(0, &summary));
        assert!(!clean.fits(1, &summary[1..]) && !clean.fits(1, &[]));
        let sound = Kind::named("sound").unwrap();
        assert!(sound.fits(1, &[]) && !sound.fits(1, &summary));
        assert!(Kind::named("song").is_none());
    }
}
