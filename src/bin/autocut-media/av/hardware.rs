//! Frames in the memory of a video card.

use std::ptr;

use autocut::base::Size;
use ffmpeg_next::ffi;

use super::{Error, Frame, NO_MEMORY, PixelFormat, check, set_number};

/// A pool of frames of one size and format on a VAAPI device.
#[derive(Debug)]
pub(crate) struct Surfaces {
    device: *mut ffi::AVBufferRef,
    frames: *mut ffi::AVBufferRef,
}

/// What an encoder may hold at once, and some.
const POOL: i32 = 20;

impl Surfaces {
    /// On the device that libva finds first; `format` is what is uploaded.
    pub(crate) fn vaapi(size: Size, format: PixelFormat) -> Result<Surfaces, Error> {
        let side = |n: u32| i32::try_from(n).map_err(|_| NO_MEMORY);
        let (width, height) = (side(size.width)?, side(size.height)?);
        let mut surfaces = Surfaces { device: ptr::null_mut(), frames: ptr::null_mut() };
        // SAFETY: both references are owned by `surfaces` as soon as they are
        // made; the frames' context is not used before it is initialised, and
        // its enums are written as numbers.
        unsafe {
            let kind = ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI;
            let device = &mut surfaces.device;
            check(ffi::av_hwdevice_ctx_create(device, kind, ptr::null(), ptr::null_mut(), 0))?;
            surfaces.frames = ffi::av_hwframe_ctx_alloc(surfaces.device);
            let context = surfaces.frames.as_ref().ok_or(NO_MEMORY)?.data.cast::<ffi::AVHWFramesContext>();
            set_number(&raw mut (*context).format, PixelFormat::VAAPI.0);
            set_number(&raw mut (*context).sw_format, format.0);
            ((*context).width, (*context).height) = (width, height);
            (*context).initial_pool_size = POOL;
            check(ffi::av_hwframe_ctx_init(surfaces.frames))?;
        }
        Ok(surfaces)
    }

    /// A copy on the device, with all properties.
    pub(crate) fn upload(&self, frame: &Frame) -> Result<Frame, Error> {
        let mut there = Frame::new()?;
        // SAFETY: the pool is initialised; both frames live through the calls.
        unsafe {
            check(ffi::av_hwframe_get_buffer(self.frames, there.as_ptr(), 0))?;
            check(ffi::av_hwframe_transfer_data(there.as_ptr(), frame.as_ptr(), 0))?;
        }
        there.copy_properties(frame)?;
        Ok(there)
    }

    /// Lets an encoder that is not open yet take such frames.
    pub(super) fn attach(&self, context: *mut ffi::AVCodecContext) -> Result<(), Error> {
        // SAFETY: the context owns the new reference.
        unsafe {
            (*context).hw_frames_ctx = ffi::av_buffer_ref(self.frames);
            if (*context).hw_frames_ctx.is_null() { Err(NO_MEMORY) } else { Ok(()) }
        }
    }
}

impl Drop for Surfaces {
    fn drop(&mut self) {
        // SAFETY: owned; NULL is fine.
        unsafe {
            ffi::av_buffer_unref(&mut self.frames);
            ffi::av_buffer_unref(&mut self.device);
        }
    }
}
