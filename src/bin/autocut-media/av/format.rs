//! Pixel and sample formats by FFmpeg's numbers and names.

use ffmpeg_next::ffi::{self, AVPixelFormat, AVSampleFormat};

use super::{c_string, string};

/// FFmpeg's number of a pixel format; the number means nothing outside of this
/// process, the name does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PixelFormat(pub(super) i32);

impl PixelFormat {
    /// Of a stream of which nothing tells it.
    pub(crate) const UNKNOWN: PixelFormat = PixelFormat(AVPixelFormat::AV_PIX_FMT_NONE as i32);
    pub(crate) const YUV420P: PixelFormat = PixelFormat(AVPixelFormat::AV_PIX_FMT_YUV420P as i32);
    pub(crate) const YUVJ420P: PixelFormat = PixelFormat(AVPixelFormat::AV_PIX_FMT_YUVJ420P as i32);

    pub(crate) const YUV420P10: PixelFormat = if cfg!(target_endian = "big") {
        PixelFormat(AVPixelFormat::AV_PIX_FMT_YUV420P10BE as i32)
    } else {
        PixelFormat(AVPixelFormat::AV_PIX_FMT_YUV420P10LE as i32)
    };
    pub(crate) const YUV422P10: PixelFormat = if cfg!(target_endian = "big") {
        PixelFormat(AVPixelFormat::AV_PIX_FMT_YUV422P10BE as i32)
    } else {
        PixelFormat(AVPixelFormat::AV_PIX_FMT_YUV422P10LE as i32)
    };
    pub(crate) const YUV444P10: PixelFormat = if cfg!(target_endian = "big") {
        PixelFormat(AVPixelFormat::AV_PIX_FMT_YUV444P10BE as i32)
    } else {
        PixelFormat(AVPixelFormat::AV_PIX_FMT_YUV444P10LE as i32)
    };

    /// Chroma in one plane, U and V side by side.
    pub(crate) const NV12: PixelFormat = PixelFormat(AVPixelFormat::AV_PIX_FMT_NV12 as i32);
    /// The same with 10 bits, in the upper ones of 16.
    pub(crate) const P010: PixelFormat = if cfg!(target_endian = "big") {
        PixelFormat(AVPixelFormat::AV_PIX_FMT_P010BE as i32)
    } else {
        PixelFormat(AVPixelFormat::AV_PIX_FMT_P010LE as i32)
    };
    /// In the memory of a device.
    pub(crate) const VAAPI: PixelFormat = PixelFormat(AVPixelFormat::AV_PIX_FMT_VAAPI as i32);

    /// By FFmpeg's name, e.g. `yuv420p10le`.
    pub(crate) fn named(name: &str) -> Option<PixelFormat> {
        let name = c_string(name.as_bytes());
        // SAFETY: the name is only read; the result is one of the library's own.
        let format = unsafe { ffi::av_get_pix_fmt(name.as_ptr()) } as i32;
        (format >= 0).then_some(PixelFormat(format))
    }

    /// FFmpeg's name; `unknown` for what has none.
    pub(crate) fn name(self) -> String {
        let name = self.descriptor().and_then(|d| {
            // SAFETY: names of descriptors are static strings.
            unsafe { string(d.name) }
        });
        name.unwrap_or_else(|| "unknown".to_owned())
    }

    /// Bits of one component.
    pub(crate) fn bit_depth(self) -> u8 {
        self.descriptor().map_or(8, |d| d.comp[0].depth.clamp(1, 32) as u8)
    }

    /// Whether the format itself says that its range is full (`yuvj420p`).
    pub(crate) fn implies_full_range(self) -> bool {
        self.name().starts_with("yuvj")
    }

    /// The same format without what it implies of its range, so that the range
    /// is told in one way only (FFmpeg deprecates the other).
    pub(crate) fn plain(self) -> PixelFormat {
        let name = self.name();
        let plain = name.strip_prefix("yuvj").and_then(|rest| PixelFormat::named(&format!("yuv{rest}")));
        plain.unwrap_or(self)
    }

    /// Whether components are red, green and blue.
    pub(crate) fn is_rgb(self) -> bool {
        self.descriptor().is_some_and(|d| d.flags & u64::from(ffi::AV_PIX_FMT_FLAG_RGB as u32) != 0)
    }

    /// By how many bits chroma planes are smaller, in width and height.
    pub(crate) fn chroma_shift(self) -> (u32, u32) {
        self.descriptor().map_or((0, 0), |d| (u32::from(d.log2_chroma_w), u32::from(d.log2_chroma_h)))
    }

    /// Whether each component has a plane of its own, of one byte a sample or of
    /// two in the order of this machine; and how many planes there are.
    pub(crate) fn planes(self) -> Option<usize> {
        let descriptor = self.descriptor()?;
        let has = |flag: i64| descriptor.flags & flag as u64 != 0;
        let count = usize::from(descriptor.nb_components);
        let own = descriptor.comp.iter().take(count).enumerate().all(|(index, c)| {
            usize::try_from(c.plane) == Ok(index)
                && c.depth <= 16
                && c.shift == 0
                && c.step == if c.depth > 8 { 2 } else { 1 }
        });
        let foreign =
            descriptor.comp[0].depth > 8 && has(flag_of(ffi::AV_PIX_FMT_FLAG_BE)) != cfg!(target_endian = "big");
        let odd = has(flag_of(ffi::AV_PIX_FMT_FLAG_BITSTREAM))
            || has(flag_of(ffi::AV_PIX_FMT_FLAG_PAL))
            || has(flag_of(ffi::AV_PIX_FMT_FLAG_HWACCEL));
        (own && !foreign && !odd).then_some(count)
    }

    fn descriptor(self) -> Option<&'static ffi::AVPixFmtDescriptor> {
        let format = self.known()?;
        // SAFETY: descriptors are static.
        unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() }
    }

    /// As the enum, where the headers know it.
    pub(super) fn known(self) -> Option<AVPixelFormat> {
        let count = AVPixelFormat::AV_PIX_FMT_NB as i32;
        // SAFETY: the enum's values run from 0 to its count without a hole.
        (0..count).contains(&self.0).then(|| unsafe { std::mem::transmute::<i32, AVPixelFormat>(self.0) })
    }
}

/// A flag, whatever type the headers of this version gave it.
fn flag_of(flag: impl Into<i64>) -> i64 {
    flag.into()
}

/// The sample formats that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampleFormat {
    /// 16 bits, channels interleaved.
    I16,
    /// 32 bits, channels interleaved.
    I32,
    /// Floats, channels interleaved.
    F32,
    /// Floats, one plane a channel: what FFmpeg's AAC coder takes.
    F32Planar,
}

impl SampleFormat {
    pub(super) fn av(self) -> AVSampleFormat {
        match self {
            SampleFormat::I16 => AVSampleFormat::AV_SAMPLE_FMT_S16,
            SampleFormat::I32 => AVSampleFormat::AV_SAMPLE_FMT_S32,
            SampleFormat::F32 => AVSampleFormat::AV_SAMPLE_FMT_FLT,
            SampleFormat::F32Planar => AVSampleFormat::AV_SAMPLE_FMT_FLTP,
        }
    }
}
