//! Devices that decode, and the streams of which each has to prove that it does.

use serde::{Deserialize, Serialize};

use crate::base::Size;
use crate::model::footage::VideoInfo;

/// A kind of device, as libavutil tells them apart. The order is that in which
/// they are asked: each maker's own way before the general one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Device {
    VideoToolbox,
    /// NVDEC.
    Cuda,
    Qsv,
    Vaapi,
}

impl Device {
    pub const ALL: [Device; 4] = [Device::VideoToolbox, Device::Cuda, Device::Qsv, Device::Vaapi];

    /// FFmpeg's name.
    pub fn name(self) -> &'static str {
        match self {
            Device::VideoToolbox => "videotoolbox",
            Device::Cuda => "cuda",
            Device::Qsv => "qsv",
            Device::Vaapi => "vaapi",
        }
    }

    pub fn named(name: &str) -> Option<Device> {
        Device::ALL.into_iter().find(|device| device.name() == name)
    }
}

/// Streams that are decoded alike: of one codec and depth, in 4:2:0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// FFmpeg's name of the codec.
    pub codec: &'static str,
    /// Bits of a sample.
    pub depth: u8,
}

/// Those that are tried on each device. Anything else is decoded in software.
pub const STREAMS: [Stream; 5] = [
    Stream { codec: "h264", depth: 8 },
    Stream { codec: "hevc", depth: 8 },
    Stream { codec: "hevc", depth: 10 },
    Stream { codec: "av1", depth: 8 },
    Stream { codec: "av1", depth: 10 },
];

/// What a device keeps of a stream: reference frames, and some that are on
/// their way.
const SURFACES: u64 = 20;

impl Stream {
    /// That of a file, where it is one of those that are tried.
    pub fn of(video: &VideoInfo) -> Option<Stream> {
        let depth = match video.pixel_format.as_str() {
            "yuv420p" | "yuvj420p" => 8,
            "yuv420p10le" | "yuv420p10be" => 10,
            _ => return None,
        };
        STREAMS.into_iter().find(|stream| stream.codec == video.codec && stream.depth == depth)
    }

    pub fn named(name: &str) -> Option<Stream> {
        STREAMS.into_iter().find(|stream| stream.name() == name)
    }

    /// `hevc-10`.
    pub fn name(self) -> String {
        format!("{}-{}", self.codec, self.depth)
    }

    /// The name under which a toolchain tells what a device does with it:
    /// `vaapi hevc-10`.
    pub fn on(self, device: Device) -> String {
        format!("{} {}", device.name(), self.name())
    }

    /// What decoding it on a device takes of memory, in MiB. Many devices have
    /// none of their own.
    pub fn memory(self, size: Size) -> u32 {
        let samples = size.area().saturating_mul(3) / 2;
        let bytes = samples.saturating_mul(if self.depth > 8 { 2 } else { 1 }).saturating_mul(SURFACES);
        u32::try_from(bytes >> 20).unwrap_or(u32::MAX)
    }
}
