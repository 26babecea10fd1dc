//! Conversion of sound by libswresample: rate, channels and sample format.

use std::ptr::NonNull;

use ffmpeg_next::ffi;

use super::{Error, Frame, NO_MEMORY, SampleFormat, check};

/// Configures itself by the first frame. Not for input that changes its rate
/// or channels midway: `Error::InputChanged` says so, and a new resampler must
/// be made.
pub(crate) struct Resampler {
    context: NonNull<ffi::SwrContext>,
    format: SampleFormat,
    sample_rate: u32,
    channels: u16,
    input_rate: u32,
}

impl Resampler {
    /// To this format, rate and number of channels.
    pub(crate) fn new(format: SampleFormat, sample_rate: u32, channels: u16) -> Result<Resampler, Error> {
        // SAFETY: allocates.
        let context = NonNull::new(unsafe { ffi::swr_alloc() }).ok_or(NO_MEMORY)?;
        let resampler = Resampler { context, format, sample_rate, channels, input_rate: 0 };
        if format == SampleFormat::I16 {
            // Calculated in integers, which gives the same samples on every processor.
            let internal = ffi::AVSampleFormat::AV_SAMPLE_FMT_S16P;
            // SAFETY: not yet configured; the option's name is a static string.
            let set = unsafe {
                ffi::av_opt_set_sample_fmt(context.as_ptr().cast(), c"internal_sample_fmt".as_ptr(), internal, 0)
            };
            check(set)?;
        }
        Ok(resampler)
    }

    /// Converts a frame, or with `None` what is still held back at the end.
    /// `to` is given a buffer of its own with as many samples as came out,
    /// which may be none.
    pub(crate) fn run(&mut self, from: Option<&Frame>, to: &mut Frame) -> Result<(), Error> {
        to.clear();
        if let Some(from) = from {
            self.input_rate = from.sample_rate();
        } else if self.input_rate == 0 {
            return Ok(());
        }
        let raw = to.get_mut();
        raw.format = self.format.av() as i32;
        raw.sample_rate = i32::try_from(self.sample_rate).map_err(|_| Error::InvalidData)?;
        let from = from.map_or(std::ptr::null(), |frame| frame.as_ptr().cast_const());
        // SAFETY: the output frame has format, rate and layout and no buffer,
        // so that libswresample allocates what it needs.
        unsafe {
            ffi::av_channel_layout_default(&mut raw.ch_layout, i32::from(self.channels));
            check(ffi::swr_convert_frame(self.context.as_ptr(), to.as_ptr(), from)).map(|_| ())
        }
    }
}

impl Drop for Resampler {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: owned.
        unsafe { ffi::swr_free(&mut context) }
    }
}
