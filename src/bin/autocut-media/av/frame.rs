//! A decoded picture or some decoded sound.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use autocut::base::Size;
use ffmpeg_next::ffi;

use super::input::ColourTags;
use super::{Error, NO_MEMORY, PixelFormat, SampleFormat, check, number, set_number};

/// Reference-counted: several frames can show one buffer. Only a buffer that
/// nobody else shows can be written to.
pub(crate) struct Frame(NonNull<ffi::AVFrame>);

/// One plane of a picture: `height` rows of `width` bytes, `stride` bytes apart.
#[derive(Clone, Copy)]
pub(crate) struct Plane<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) stride: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// The same, to be written to.
pub(crate) struct PlaneMut<'a> {
    pub(crate) data: &'a mut [u8],
    pub(crate) stride: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Frame {
    pub(crate) fn new() -> Result<Frame, Error> {
        // SAFETY: allocates.
        NonNull::new(unsafe { ffi::av_frame_alloc() }).map(Frame).ok_or(NO_MEMORY)
    }

    /// A picture of zeros.
    pub(crate) fn picture(format: PixelFormat, size: Size) -> Result<Frame, Error> {
        let mut frame = Frame::new()?;
        let side = |n: u32| i32::try_from(n).map_err(|_| NO_MEMORY);
        let (width, height) = (side(size.width)?, side(size.height)?);
        let raw = frame.get_mut();
        (raw.format, raw.width, raw.height) = (format.0, width, height);
        // SAFETY: format and size are set.
        check(unsafe { ffi::av_frame_get_buffer(frame.as_ptr(), 0) })?;
        frame.zero();
        Ok(frame)
    }

    /// `samples` samples a channel of silence.
    pub(crate) fn sound(format: SampleFormat, sample_rate: u32, channels: u16, samples: u32) -> Result<Frame, Error> {
        let mut frame = Frame::new()?;
        let int = |n: u32| i32::try_from(n).map_err(|_| NO_MEMORY);
        let (sample_rate, samples) = (int(sample_rate)?, int(samples)?);
        let raw = frame.get_mut();
        (raw.format, raw.sample_rate, raw.nb_samples) = (format.av() as i32, sample_rate, samples);
        // SAFETY: format, count and layout are set before the buffer is made.
        unsafe {
            ffi::av_channel_layout_default(&mut raw.ch_layout, i32::from(channels));
            check(ffi::av_frame_get_buffer(frame.as_ptr(), 0))?;
        }
        frame.zero();
        Ok(frame)
    }

    /// Fresh memory is zeroed before it is seen as a slice.
    fn zero(&mut self) {
        for buffer in self.get().buf.iter().take_while(|buffer| !buffer.is_null()) {
            // SAFETY: a buffer's data has its size, and this frame has just made it.
            unsafe { std::ptr::write_bytes((**buffer).data, 0, (**buffer).size) }
        }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }

    pub(super) fn get(&self) -> &ffi::AVFrame {
        // SAFETY: valid until dropped.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn get_mut(&mut self) -> &mut ffi::AVFrame {
        // SAFETY: valid until dropped, exclusively borrowed.
        unsafe { self.0.as_mut() }
    }

    /// Lets go of the buffer.
    pub(crate) fn clear(&mut self) {
        // SAFETY: valid until dropped.
        unsafe { ffi::av_frame_unref(self.as_ptr()) }
    }

    /// Shows the buffer of another frame, with all its properties.
    pub(crate) fn show(&mut self, other: &Frame) -> Result<(), Error> {
        self.clear();
        // SAFETY: this frame is blank.
        check(unsafe { ffi::av_frame_ref(self.as_ptr(), other.as_ptr()) }).map(|_| ())
    }

    /// Shows the buffer of another frame but nothing that came with it: no
    /// captions, no wish for a kind of picture, no time.
    pub(crate) fn show_pixels(&mut self, other: &Frame) -> Result<(), Error> {
        self.show(other)?;
        self.set_key(false);
        self.strip();
        Ok(())
    }

    /// Takes off what came with the pixels but is no number: captions, texts.
    pub(super) fn strip(&mut self) {
        // SAFETY: side data is taken off one by one, each call at least one.
        unsafe {
            let raw = self.as_ptr();
            for _ in 0..(*raw).nb_side_data {
                if (*raw).nb_side_data > 0 {
                    ffi::av_frame_remove_side_data(raw, (**(*raw).side_data).type_);
                }
            }
            ffi::av_dict_free(&mut (*raw).metadata);
        }
    }

    /// Whether there is anything in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.get().buf[0].is_null()
    }

    /// Presentation time in ticks of the stream, guessed where the file has
    /// none. FFmpeg's guess is not taken where there is one: after one odd
    /// timestamp it goes over to decoding times, so that it depends on where
    /// decoding began.
    pub(crate) fn time(&self) -> Option<i64> {
        let known = |t: &i64| *t != ffi::AV_NOPTS_VALUE;
        Some(self.get().pts).filter(known).or(Some(self.get().best_effort_timestamp)).filter(known)
    }

    /// When the first sample is heard, in ticks of the stream. Not the guess of
    /// [`Frame::time`], which up to FFmpeg 6.0 does not count samples that the
    /// decoder left out at the start.
    pub(crate) fn sound_time(&self) -> Option<i64> {
        Some(self.get().pts).filter(|t| *t != ffi::AV_NOPTS_VALUE).or_else(|| self.time())
    }

    /// Whether the decoder says that it could not make all of it.
    pub(crate) fn is_flawed(&self) -> bool {
        let raw = self.get();
        raw.decode_error_flags != 0 || raw.flags & super::flag(ffi::AV_FRAME_FLAG_CORRUPT) != 0
    }

    /// Presentation time in ticks of the encoder.
    pub(crate) fn set_time(&mut self, pts: i64) {
        self.get_mut().pts = pts;
    }

    /// Asks the encoder for a key frame here, or leaves the choice to it.
    pub(crate) fn set_key(&mut self, key: bool) {
        let kind = if key { ffi::AVPictureType::AV_PICTURE_TYPE_I } else { ffi::AVPictureType::AV_PICTURE_TYPE_NONE };
        self.get_mut().pict_type = kind;
    }

    // Pictures.

    pub(crate) fn size(&self) -> Size {
        let side = |n: i32| u32::try_from(n).unwrap_or(0);
        Size::new(side(self.get().width), side(self.get().height))
    }

    pub(crate) fn pixel_format(&self) -> PixelFormat {
        PixelFormat(self.get().format)
    }

    /// Calls the pixels by another name of the same layout (`yuvj420p` for
    /// `yuv420p`); any other format is refused.
    pub(crate) fn set_pixel_format(&mut self, format: PixelFormat) {
        if self.pixel_format().plain() == format.plain() {
            self.get_mut().format = format.0;
        }
    }

    /// FFmpeg's numbers as the decoder found them.
    pub(crate) fn colour(&self) -> ColourTags {
        let raw = self.as_ptr();
        // SAFETY: enums of C.
        unsafe {
            ColourTags {
                range: number(&raw const (*raw).color_range),
                primaries: number(&raw const (*raw).color_primaries),
                transfer: number(&raw const (*raw).color_trc),
                matrix: number(&raw const (*raw).colorspace),
            }
        }
    }

    /// Tags the picture with FFmpeg's numbers, as an encoder expects them.
    pub(crate) fn set_colour(&mut self, range: i32, matrix: i32, primaries: i32, transfer: i32) {
        let raw = self.as_ptr();
        // SAFETY: enums of C.
        unsafe {
            set_number(&raw mut (*raw).color_range, range);
            set_number(&raw mut (*raw).colorspace, matrix);
            set_number(&raw mut (*raw).color_primaries, primaries);
            set_number(&raw mut (*raw).color_trc, transfer);
        }
    }

    /// Tags the picture as another one is tagged.
    pub(crate) fn take_colour(&mut self, from: &Frame) {
        let ColourTags { range, primaries, transfer, matrix } = from.colour();
        self.set_colour(range, matrix, primaries, transfer);
    }

    /// Whether its lines are those of two fields, taken one after the other, and
    /// if so whether that of the top line was the first.
    pub(crate) fn fields(&self) -> Option<bool> {
        // It knows where the flags are in each version of FFmpeg, but would free
        // the frame.
        // SAFETY: the handle does not outlive this and is never dropped.
        let frame = ManuallyDrop::new(unsafe { ffmpeg_next::frame::Video::wrap(self.as_ptr()) });
        frame.is_interlaced().then(|| frame.is_top_first())
    }

    /// Whether nobody else shows the buffer.
    pub(crate) fn is_writable(&self) -> bool {
        // SAFETY: valid.
        unsafe { ffi::av_frame_is_writable(self.as_ptr()) > 0 }
    }

    /// Copies the pixels of a picture of the same format and size.
    pub(crate) fn copy_pixels(&mut self, from: &Frame) -> Result<(), Error> {
        if !self.is_writable() || self.pixel_format() != from.pixel_format() || self.size() != from.size() {
            return Err(Error::InvalidData);
        }
        // SAFETY: same format and size, own buffer.
        check(unsafe { ffi::av_frame_copy(self.as_ptr(), from.as_ptr()) }).map(|_| ())
    }

    /// Takes over all properties of another frame: time, kind, colours.
    pub(crate) fn copy_properties(&mut self, from: &Frame) -> Result<(), Error> {
        // SAFETY: both are valid.
        check(unsafe { ffi::av_frame_copy_props(self.as_ptr(), from.as_ptr()) }).map(|_| ())
    }

    /// Narrows the picture to a window, without copying. The window is clamped
    /// to the picture and starts on a chroma sample.
    pub(crate) fn crop(&mut self, x: u32, y: u32, size: Size) -> Result<(), Error> {
        let whole = self.size();
        let (shift_x, shift_y) = self.pixel_format().chroma_shift();
        let (x, y) = (x.min(whole.width) >> shift_x << shift_x, y.min(whole.height) >> shift_y << shift_y);
        let raw = self.get_mut();
        raw.crop_left = x as usize;
        raw.crop_top = y as usize;
        raw.crop_right = whole.width.saturating_sub(x.saturating_add(size.width)) as usize;
        raw.crop_bottom = whole.height.saturating_sub(y.saturating_add(size.height)) as usize;
        // SAFETY: libavutil checks the window against the size.
        check(unsafe { ffi::av_frame_apply_cropping(self.as_ptr(), ffi::AV_FRAME_CROP_UNALIGNED as i32) }).map(|_| ())
    }

    /// Plane `index` of a picture; `None` where it has none that can be seen
    /// as rows from top to bottom.
    pub(crate) fn plane(&self, index: usize) -> Option<Plane<'_>> {
        let (data, stride, width, height) = self.layout(index)?;
        // SAFETY: `layout` measures rows that the buffer holds.
        let data = unsafe { std::slice::from_raw_parts(data, stride * (height - 1) + width) };
        Some(Plane { data, stride, width, height })
    }

    /// The same, to be written to; `None` also where somebody else shows it.
    pub(crate) fn plane_mut(&mut self, index: usize) -> Option<PlaneMut<'_>> {
        if !self.is_writable() {
            return None;
        }
        let (data, stride, width, height) = self.layout(index)?;
        // SAFETY: as above, and nobody else holds the buffer.
        let data = unsafe { std::slice::from_raw_parts_mut(data, stride * (height - 1) + width) };
        Some(PlaneMut { data, stride, width, height })
    }

    /// The first three planes at once, to be written to.
    pub(crate) fn planes_mut(&mut self) -> Option<[PlaneMut<'_>; 3]> {
        if !self.is_writable() {
            return None;
        }
        let plane = |index| {
            let (data, stride, width, height) = self.layout(index)?;
            // SAFETY: as in `plane_mut`; planes of one picture do not overlap.
            let data = unsafe { std::slice::from_raw_parts_mut(data, stride * (height - 1) + width) };
            Some(PlaneMut { data, stride, width, height })
        };
        Some([plane(0)?, plane(1)?, plane(2)?])
    }

    /// Start, stride, bytes of a row and rows of a plane; none of them zero.
    fn layout(&self, index: usize) -> Option<(*mut u8, usize, usize, usize)> {
        let raw = self.get();
        let data = *raw.data.get(index)?;
        let stride = usize::try_from(*raw.linesize.get(index)?).ok()?;
        let format = self.pixel_format();
        let plane = i32::try_from(index).ok()?;
        // SAFETY: pure arithmetic on a known format.
        let width = unsafe { ffi::av_image_get_linesize(format.known()?, raw.width, plane) };
        let width = usize::try_from(width).ok()?;
        let height = self.size().height as usize;
        let (_, shift) = format.chroma_shift();
        let height = if index == 1 || index == 2 { height.div_ceil(1 << shift) } else { height };
        (!data.is_null() && !self.is_empty() && stride >= width && width > 0 && height > 0)
            .then_some((data, stride, width, height))
    }

    // Sound.

    /// Samples a channel.
    pub(crate) fn samples(&self) -> usize {
        usize::try_from(self.get().nb_samples).unwrap_or(0)
    }

    pub(crate) fn sample_rate(&self) -> u32 {
        u32::try_from(self.get().sample_rate).unwrap_or(0)
    }

    pub(crate) fn channels(&self) -> usize {
        usize::try_from(self.get().ch_layout.nb_channels).unwrap_or(0)
    }

    /// Gives channels that the file only counts (as WAV does) the usual order.
    pub(crate) fn name_channels(&mut self) {
        const UNSPECIFIED: i32 = 0;
        let layout = &raw mut self.get_mut().ch_layout;
        // SAFETY: the layout belongs to this frame; its order is an enum of C.
        // One without an order owns nothing that would have to be freed.
        unsafe {
            if number(&raw const (*layout).order) == UNSPECIFIED {
                ffi::av_channel_layout_default(layout, (*layout).nb_channels);
            }
        }
    }

    /// Interleaved 16-bit samples; empty for any other format.
    pub(crate) fn interleaved_i16(&self) -> &[i16] {
        self.sound_of(SampleFormat::I16, 0, self.channels())
    }

    /// Fills a frame of sound with interleaved samples, full scale being 1:
    /// what is beyond is clipped where samples are whole numbers. As many as fit.
    pub(crate) fn fill_sound(&mut self, samples: &[f32]) {
        let (channels, raw) = (self.channels(), self.get().format);
        let is = |format: SampleFormat| raw == format.av() as i32;
        if is(SampleFormat::I16) {
            let whole = |sample: f32| (sample * 32_768.0).round_ties_even().clamp(-32_768.0, 32_767.0) as i16;
            fill(self.sound_of_mut(SampleFormat::I16, 0, channels), samples.iter().map(|sample| whole(*sample)));
        } else if is(SampleFormat::I32) {
            // Rounded to the 24 bits that are kept.
            let whole = |sample: f32| (sample * 8_388_608.0).round_ties_even().clamp(-8_388_608.0, 8_388_607.0) as i32;
            fill(self.sound_of_mut(SampleFormat::I32, 0, channels), samples.iter().map(|sample| whole(*sample) << 8));
        } else if is(SampleFormat::F32) {
            fill(self.sound_of_mut(SampleFormat::F32, 0, channels), samples.iter().copied());
        } else {
            for channel in 0..channels {
                let own = samples[channel.min(samples.len())..].iter().step_by(channels);
                fill(self.sound_of_mut(SampleFormat::F32Planar, channel, 1), own.copied());
            }
        }
    }

    fn sound_of_mut<T>(&mut self, format: SampleFormat, plane: usize, per_sample: usize) -> &mut [T] {
        if !self.is_writable() {
            return &mut [];
        }
        let (length, data) = {
            let seen = self.sound_of::<T>(format, plane, per_sample);
            (seen.len(), seen.as_ptr().cast_mut())
        };
        if length == 0 {
            return &mut [];
        }
        // SAFETY: the same samples, exclusively borrowed, and nobody else holds the buffer.
        unsafe { std::slice::from_raw_parts_mut(data, length) }
    }

    fn sound_of<T>(&self, format: SampleFormat, plane: usize, per_sample: usize) -> &[T] {
        let raw = self.get();
        if raw.format != format.av() as i32 || plane >= raw.data.len().min(self.channels()) {
            return &[];
        }
        let data = raw.data[plane];
        if data.is_null() || self.is_empty() {
            return &[];
        }
        // SAFETY: a sound frame's plane holds all its samples, aligned for their type.
        unsafe { std::slice::from_raw_parts(data.cast(), self.samples() * per_sample) }
    }
}

fn fill<T>(to: &mut [T], from: impl Iterator<Item = T>) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from;
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut frame = self.as_ptr();
        // SAFETY: owned.
        unsafe { ffi::av_frame_free(&mut frame) }
    }
}
