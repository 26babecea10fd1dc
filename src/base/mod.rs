//! What everything else is made of: digests, exact time, geometry, units and
//! diagnostics. Knows nothing of video and does no I/O.

pub mod bytes;
pub mod diagnostic;
pub mod digest;
pub mod geometry;
pub mod process;
pub mod time;
pub mod units;

pub use bytes::Bytes;
pub use diagnostic::{Diagnostic, Diagnostics, Place, Shortage, Tier};
pub use digest::Digest;
pub use geometry::{Orientation, Point, Rect, Size};
pub use time::{FrameRate, TimeRange, Timestamp, UtcTime};
pub use units::{Powers, Unit, UnitKind};
