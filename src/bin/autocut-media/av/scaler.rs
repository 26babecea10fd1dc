//! Scaling and conversion of pictures by libswscale, always with the flags
//! that give the same bytes on every processor of one architecture.

use std::ptr::{self, NonNull};

use autocut::base::Size;
use ffmpeg_next::{ffi, software::scaling::Flags};

use super::{Error, Frame, NO_MEMORY, PixelFormat, check};

/// What one side of a conversion looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) format: PixelFormat,
    pub(crate) size: Size,
    /// FFmpeg's number of the YUV matrix: 1 is BT.709, 5 BT.601, 9 BT.2020.
    pub(crate) matrix: i32,
    pub(crate) full_range: bool,
}

impl Picture {
    /// Without the formats that imply a range, which is told apart here.
    fn plain(self) -> Picture {
        Picture { format: self.format.plain(), ..self }
    }
}

/// How pixels are found between pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Bicubic,
    /// The mean of the pixels that fall into one: for strong reduction.
    Area,
    Bilinear,
}

pub(crate) struct Scaler {
    context: NonNull<ffi::SwsContext>,
    from: Picture,
    to: Picture,
}

impl Scaler {
    pub(crate) fn new(from: Picture, to: Picture, filter: Filter) -> Result<Scaler, Error> {
        let kernel = match filter {
            Filter::Bicubic => Flags::BICUBIC,
            Filter::Area => Flags::AREA,
            Filter::Bilinear => Flags::BILINEAR,
        };
        // Not FULL_CHR_H_INT: with ACCURATE_RND it makes a saturated green of
        // BT.601 nearly 40 levels paler on its way to BT.709.
        let flags = kernel | Flags::BITEXACT | Flags::ACCURATE_RND;
        let (from, to) = (from.plain(), to.plain());
        // SAFETY: allocates.
        let context = NonNull::new(unsafe { ffi::sws_alloc_context() }).ok_or(NO_MEMORY)?;
        let scaler = Scaler { context, from, to };
        // All of it must be known before the context is initialised: it
        // chooses its ways by whether the ranges differ.
        let options = [
            (c"srcw", i64::from(from.size.width)),
            (c"srch", i64::from(from.size.height)),
            (c"src_format", i64::from(from.format.0)),
            (c"src_range", from.full_range.into()),
            (c"dstw", i64::from(to.size.width)),
            (c"dsth", i64::from(to.size.height)),
            (c"dst_format", i64::from(to.format.0)),
            (c"dst_range", to.full_range.into()),
            (c"sws_flags", i64::from(flags.bits())),
            // Where there are fewer samples of chroma across they lie on the left
            // ones of luma, and where there are fewer down, midway: as encoders
            // of video have it. (In 1 / 256 of a sample; -513 is "not stated".)
            (c"src_h_chr_pos", if from.format.chroma_shift().0 == 1 { 0 } else { -513 }),
            (c"src_v_chr_pos", if from.format.chroma_shift().1 == 1 { 128 } else { -513 }),
            (c"dst_h_chr_pos", if to.format.chroma_shift().0 == 1 { 0 } else { -513 }),
            (c"dst_v_chr_pos", if to.format.chroma_shift().1 == 1 { 128 } else { -513 }),
        ];
        for (name, value) in options {
            // SAFETY: the context starts with its class, as options need.
            check(unsafe { ffi::av_opt_set_int(context.as_ptr().cast(), name.as_ptr(), value, 0) })?;
        }
        // SAFETY: the tables are static; 1 << 16 is one in 16.16 fixed point.
        unsafe {
            check(ffi::sws_init_context(context.as_ptr(), ptr::null_mut(), ptr::null_mut()))?;
            ffi::sws_setColorspaceDetails(
                context.as_ptr(),
                ffi::sws_getCoefficients(from.matrix),
                from.full_range.into(),
                ffi::sws_getCoefficients(to.matrix),
                to.full_range.into(),
                0,
                1 << 16,
                1 << 16,
            );
        }
        Ok(scaler)
    }

    /// Converts a picture into another, both as given to `new`.
    pub(crate) fn run(&mut self, from: &Frame, to: &mut Frame) -> Result<(), Error> {
        let matches = |frame: &Frame, side: &Picture| {
            !frame.is_empty() && frame.pixel_format().plain() == side.format && frame.size() == side.size
        };
        if !matches(from, &self.from) || !matches(to, &self.to) || !to.is_writable() {
            return Err(Error::InvalidData);
        }
        let (source, target) = (from.get(), to.get_mut());
        // SAFETY: both frames have the format and size that the context was made for.
        let rows = unsafe {
            ffi::sws_scale(
                self.context.as_ptr(),
                source.data.as_ptr().cast(),
                source.linesize.as_ptr(),
                0,
                source.height,
                target.data.as_ptr(),
                target.linesize.as_ptr(),
            )
        };
        check(rows).map(|_| ())
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { ffi::sws_freeContext(self.context.as_ptr()) }
    }
}
