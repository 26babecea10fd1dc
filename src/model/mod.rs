//! Plain data that crosses layers. No I/O, no behaviour beyond small
//! conversions: what is here can be printed, compared, hashed and sent to
//! another process.

pub mod action;
pub mod engines;
pub mod footage;
pub mod key;
pub mod lockfile;
pub mod moment;
pub mod overlay;
pub mod protocol;
pub mod signal;
pub mod specs;
pub mod telemetry;
pub mod timeline;
pub mod toolchain;
pub mod usage;

pub use action::{ActionResult, ActionSpec, Artifact, Kind, PlannedAction, Runs};
pub use footage::{AudioInfo, Colour, Matrix, MediaInfo, VideoInfo};
pub use key::{ActionKey, KeyFields};
pub use moment::Moment;
pub use telemetry::{Channel, Telemetry};
pub use timeline::{Clip, Fit, Piece, VideoFormat};
pub use toolchain::{Tool, Toolchain};
pub use usage::Usage;

/// Encodes plain data in autocut's binary form (postcard: compact,
/// length-prefixed, the same bytes for equal values).
pub fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Vec<u8> {
    // Plain data in memory has no way to fail to serialise.
    postcard::to_stdvec(value).unwrap_or_default()
}

/// Decodes what [`encode`] made; `None` where the bytes are something else.
pub fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}
