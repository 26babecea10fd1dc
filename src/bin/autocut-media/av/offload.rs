//! Decoding on a device of the machine: the one place where libav*'s hardware
//! contexts of decoders are touched.
//!
//! A device decodes into its own memory. Each frame is fetched from there and
//! laid out as the software decoder would have it, so that nobody behind this
//! sees a difference. What cannot be had just so is an error: it is never
//! decoded in software here behind anybody's back.

use std::ptr;

use autocut::model::decoders::Device;
use ffmpeg_next::ffi::{self, AVHWDeviceType, AVPixelFormat};

use super::{Error, Frame, NO_MEMORY, PixelFormat, check, flag, number, unpack};

/// A device that is open, and the frame on it that came last.
pub(crate) struct Offload {
    device: *mut ffi::AVBufferRef,
    surface: Frame,
}

/// A kind of device as libavutil calls it, and the format of frames that lie on
/// one.
fn of_libav(device: Device) -> (AVHWDeviceType, AVPixelFormat) {
    match device {
        Device::VideoToolbox => (AVHWDeviceType::AV_HWDEVICE_TYPE_VIDEOTOOLBOX, AVPixelFormat::AV_PIX_FMT_VIDEOTOOLBOX),
        Device::Cuda => (AVHWDeviceType::AV_HWDEVICE_TYPE_CUDA, AVPixelFormat::AV_PIX_FMT_CUDA),
        Device::Qsv => (AVHWDeviceType::AV_HWDEVICE_TYPE_QSV, AVPixelFormat::AV_PIX_FMT_QSV),
        Device::Vaapi => (AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI, AVPixelFormat::AV_PIX_FMT_VAAPI),
    }
}

/// The decoder of a codec that works on such a device, by FFmpeg's own order;
/// NULL where the libraries have none.
pub(super) fn find(device: Device, codec: ffi::AVCodecID) -> *const ffi::AVCodec {
    let (kind, _) = of_libav(device);
    let method = flag(ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as i32);
    let mut place = ptr::null_mut();
    // SAFETY: codecs and their configurations are static; `place` is the
    // iterator's own. Enums are read as numbers.
    unsafe {
        loop {
            let found = ffi::av_codec_iterate(&mut place);
            let Some(known) = found.as_ref() else { return ptr::null() };
            if ffi::av_codec_is_decoder(found) == 0 || number(&raw const known.id) != codec as i32 {
                continue;
            }
            for index in 0.. {
                let Some(way) = ffi::avcodec_get_hw_config(found, index).as_ref() else { break };
                if way.methods & method != 0 && number(&raw const way.device_type) == kind as i32 {
                    return found;
                }
            }
        }
    }
}

/// Whether the libraries were built with a decoder of that codec for such a
/// device.
pub(crate) fn is_built_in(device: Device, codec: &str) -> bool {
    // SAFETY: the name is only read; descriptors are static.
    unsafe {
        let known = ffi::avcodec_descriptor_get_by_name(super::c_string(codec.as_bytes()).as_ptr()).as_ref();
        known.is_some_and(|known| !find(device, known.id).is_null())
    }
}

/// What the decoder asks when it knows what a stream is: frames on the device
/// and nothing else. It must not unwind.
unsafe extern "C" fn on_the_device(
    context: *mut ffi::AVCodecContext,
    mut offered: *const AVPixelFormat,
) -> AVPixelFormat {
    // SAFETY: libavcodec calls it with an open context, whose `opaque` is the
    // number that `attach` put there, and a list that ends in NONE.
    unsafe {
        let wanted = (*context).opaque.addr();
        let format = Device::ALL.map(|device| of_libav(device).1).into_iter().find(|format| *format as usize == wanted);
        while number(offered) != AVPixelFormat::AV_PIX_FMT_NONE as i32 {
            if let Some(format) = format
                && number(offered) == format as i32
            {
                return format;
            }
            offered = offered.add(1);
        }
    }
    AVPixelFormat::AV_PIX_FMT_NONE
}

impl Offload {
    /// Opens the device that the system finds first, for a decoder that is not
    /// open yet.
    pub(super) fn attach(device: Device, context: *mut ffi::AVCodecContext) -> Result<Offload, Error> {
        let (kind, format) = of_libav(device);
        let mut offload = Offload { device: ptr::null_mut(), surface: Frame::new()? };
        // SAFETY: the device is owned by `offload` as soon as it is made, the
        // context by the caller, which owns the new reference.
        unsafe {
            check(ffi::av_hwdevice_ctx_create(&mut offload.device, kind, ptr::null(), ptr::null_mut(), 0))?;
            (*context).hw_device_ctx = ffi::av_buffer_ref(offload.device);
            if (*context).hw_device_ctx.is_null() {
                return Err(NO_MEMORY);
            }
            // No pointer: only `on_the_device` reads it.
            (*context).opaque = ptr::without_provenance_mut(format as usize);
            (*context).get_format = Some(on_the_device);
        }
        Ok(offload)
    }

    /// Where the decoder puts its next frame.
    pub(super) fn surface(&self) -> &Frame {
        &self.surface
    }

    /// The frame that the decoder has put there, as software would have made it.
    pub(super) fn fetch(&mut self, context: *mut ffi::AVCodecContext, into: &mut Frame) -> Result<(), Error> {
        let raw = self.surface.get();
        // The device leaves out nothing on the left and above.
        if raw.hw_frames_ctx.is_null() || raw.crop_left != 0 || raw.crop_top != 0 {
            return Err(Error::PatchWelcome);
        }
        let packed = Frame::new()?;
        // SAFETY: the surface lies on the device; the other frame is blank, and
        // gets a buffer of its own. The context is open; its enums are read as
        // numbers.
        let (own, is_full) = unsafe {
            check(ffi::av_hwframe_transfer_data(packed.as_ptr(), self.surface.as_ptr(), 0))?;
            let full = ffi::AVColorRange::AVCOL_RANGE_JPEG as i32;
            let own = PixelFormat(number(&raw const (*context).sw_pix_fmt));
            (own, number(&raw const (*context).color_range) == full)
        };
        // Decoders that know no other way call what lies on the device so.
        let own = match own {
            PixelFormat::NV12 if is_full => PixelFormat::YUVJ420P,
            PixelFormat::NV12 => PixelFormat::YUV420P,
            PixelFormat::P010 => PixelFormat::YUV420P10,
            own => own,
        };
        unpack::unpack(&packed, own, into)?;
        into.strip();
        into.copy_properties(&self.surface)?;
        self.surface.clear();
        Ok(())
    }
}

impl Drop for Offload {
    fn drop(&mut self) {
        // SAFETY: owned; NULL is fine.
        unsafe { ffi::av_buffer_unref(&mut self.device) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FFmpeg as Debian builds it decodes H.264 by VAAPI and CUDA, nothing by
    /// VideoToolbox, and no codec that is none.
    #[cfg(target_os = "linux")]
    #[test]
    fn decoders_are_found_by_device() {
        assert!(!is_built_in(Device::VideoToolbox, "h264"));
        assert!(!is_built_in(Device::Vaapi, "pcm_s16le"));
        assert!(!is_built_in(Device::Vaapi, "nothing"));
    }
}
