//! A file that is written from packets.

use std::ffi::{c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};

use autocut::base::Size;
use autocut::model::Mastering;
use ffmpeg_next::ffi;

use crate::pulse;

use super::encoder::ColourNumbers;
use super::{Dictionary, Error, NO_MEMORY, Packet, PixelFormat, c_string, check, flag, mastering, set_number};

/// A stream to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewStream<'a> {
    /// FFmpeg's name of the codec, e.g. `h264`.
    pub(crate) codec: &'a str,
    /// The codec's name in the container; 0 for the usual one.
    pub(crate) tag: u32,
    pub(crate) extradata: &'a [u8],
    /// Seconds of one tick of the packets' times.
    pub(crate) time_base: (i32, i32),
    pub(crate) kind: NewKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum NewKind {
    Video {
        size: Size,
        format: PixelFormat,
        frame_rate: (i32, i32),
        colour: ColourNumbers,
        /// Of HDR10.
        mastering: Option<Mastering>,
    },
    Audio {
        sample_rate: u32,
        channels: u16,
        frame_size: u32,
        initial_padding: u32,
        bit_rate: u32,
    },
}

/// Bit-exact: no dates, no version of the library.
pub(crate) struct Muxer(NonNull<ffi::AVFormatContext>);

impl Muxer {
    /// `format` is FFmpeg's name, e.g. `mp4`.
    pub(crate) fn create(path: &Path, format: &str) -> Result<Muxer, Error> {
        let url = c_string(&[b"file:", path.as_os_str().as_bytes()].concat());
        let format = c_string(format.as_bytes());
        let mut context = ptr::null_mut();
        // SAFETY: on success the context is owned here.
        unsafe {
            check(ffi::avformat_alloc_output_context2(&mut context, ptr::null(), format.as_ptr(), url.as_ptr()))?;
            let muxer = Muxer(NonNull::new(context).ok_or(NO_MEMORY)?);
            (*context).flags |= flag(ffi::AVFMT_FLAG_BITEXACT);
            // Asked before each block that is read or written: completing a
            // large file moves all of it once more, without a packet.
            (*context).interrupt_callback = ffi::AVIOInterruptCB { callback: Some(go_on), opaque: ptr::null_mut() };
            let interrupt = &raw const (*context).interrupt_callback;
            let no_options = ptr::null_mut();
            check(ffi::avio_open2(&mut (*context).pb, url.as_ptr(), ffi::AVIO_FLAG_WRITE, interrupt, no_options))?;
            Ok(muxer)
        }
    }

    /// Adds a stream; they are numbered from 0.
    pub(crate) fn add(&mut self, stream: &NewStream) -> Result<(), Error> {
        let int = |n: u32| i32::try_from(n).map_err(|_| Error::InvalidData);
        let codec = c_string(stream.codec.as_bytes());
        // SAFETY: the context is not yet started; all that is written to is
        // owned by the new stream, enums as numbers.
        unsafe {
            let descriptor = ffi::avcodec_descriptor_get_by_name(codec.as_ptr()).as_ref();
            let descriptor = descriptor.ok_or(Error::MuxerNotFound)?;
            let raw = ffi::avformat_new_stream(self.0.as_ptr(), ptr::null()).as_mut().ok_or(NO_MEMORY)?;
            raw.time_base = ffi::AVRational { num: stream.time_base.0, den: stream.time_base.1 };
            if let NewKind::Video { mastering: Some(mastering), .. } = &stream.kind {
                mastering::attach(raw, mastering)?;
            }
            let p = raw.codecpar;
            (*p).codec_id = descriptor.id;
            (*p).codec_tag = stream.tag;
            (*p).extradata = copied(stream.extradata)?;
            (*p).extradata_size = int(u32::try_from(stream.extradata.len()).map_err(|_| NO_MEMORY)?)?;
            match stream.kind {
                NewKind::Video { size, format, frame_rate, colour, .. } => {
                    (*p).codec_type = ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
                    ((*p).width, (*p).height) = (int(size.width)?, int(size.height)?);
                    (*p).format = format.0;
                    (*p).sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
                    raw.sample_aspect_ratio = (*p).sample_aspect_ratio;
                    raw.avg_frame_rate = ffi::AVRational { num: frame_rate.0, den: frame_rate.1 };
                    set_number(&raw mut (*p).color_range, colour.range);
                    set_number(&raw mut (*p).color_space, colour.matrix);
                    set_number(&raw mut (*p).color_primaries, colour.primaries);
                    set_number(&raw mut (*p).color_trc, colour.transfer);
                    (*p).chroma_location = ffi::AVChromaLocation::AVCHROMA_LOC_LEFT;
                }
                NewKind::Audio { sample_rate, channels, frame_size, initial_padding, bit_rate } => {
                    (*p).codec_type = ffi::AVMediaType::AVMEDIA_TYPE_AUDIO;
                    (*p).sample_rate = int(sample_rate)?;
                    (*p).frame_size = int(frame_size)?;
                    (*p).initial_padding = int(initial_padding)?;
                    (*p).bit_rate = i64::from(bit_rate);
                    ffi::av_channel_layout_default(&mut (*p).ch_layout, i32::from(channels));
                }
            }
        }
        Ok(())
    }

    /// A tag of the file.
    pub(crate) fn tag(&mut self, name: &str, value: &str) {
        let (name, value) = (c_string(name.as_bytes()), c_string(value.as_bytes()));
        // SAFETY: both strings are copied.
        unsafe { ffi::av_dict_set(&mut (*self.0.as_ptr()).metadata, name.as_ptr(), value.as_ptr(), 0) };
    }

    /// A chapter from tick `start` to tick `end` of a time base; ids count
    /// from 1.
    pub(crate) fn chapter(&mut self, base: (i32, i32), start: i64, end: i64, title: &str) -> Result<(), Error> {
        // SAFETY: the chapter is allocated as the library does it, and owned by
        // the context once it is in its array.
        unsafe {
            let context = self.0.as_ptr();
            let chapter = ffi::av_mallocz(size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
            if chapter.is_null() {
                return Err(NO_MEMORY);
            }
            (*chapter).id = (*context).nb_chapters as _;
            (*chapter).id += 1;
            (*chapter).time_base = ffi::AVRational { num: base.0, den: base.1 };
            ((*chapter).start, (*chapter).end) = (start, end);
            (*chapter).metadata = Dictionary::new([("title", title)]).release();
            let mut count = (*context).nb_chapters as i32;
            ffi::av_dynarray_add((&raw mut (*context).chapters).cast(), &mut count, chapter.cast());
            (*context).nb_chapters = count as u32;
            if count == 0 { Err(NO_MEMORY) } else { Ok(()) }
        }
    }

    /// Writes the header. The muxer may change time bases: see `time_base`.
    pub(crate) fn begin(&mut self, options: &[(&str, &str)]) -> Result<(), Error> {
        let mut options = Dictionary::new(options.iter().copied());
        // SAFETY: streams are complete.
        check(unsafe { ffi::avformat_write_header(self.0.as_ptr(), &mut options.0) }).map(|_| ())
    }

    /// The time base in which the packets of a stream must be written.
    pub(crate) fn time_base(&self, stream: usize) -> (i32, i32) {
        // SAFETY: the array holds `nb_streams` streams.
        unsafe {
            let context = self.0.as_ref();
            if stream >= context.nb_streams as usize {
                return (1, 1);
            }
            super::rational((**context.streams.add(stream)).time_base)
        }
    }

    /// Writes a packet; the caller interleaves. Decode times must rise within
    /// each stream.
    pub(crate) fn write(&mut self, packet: &Packet) -> Result<(), Error> {
        // SAFETY: begun; the packet remains the caller's.
        check(unsafe { ffi::av_write_frame(self.0.as_ptr(), packet.as_ptr()) }).map(|_| ())
    }

    /// Completes the file.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let context = self.0.as_ptr();
        // SAFETY: begun; closed exactly once, since the pointer is then NULL.
        unsafe {
            check(ffi::av_write_trailer(context))?;
            check(ffi::avio_closep(&mut (*context).pb)).map(|_| ())
        }
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        let context = self.0.as_ptr();
        // SAFETY: owned; a NULL `pb` is fine.
        unsafe {
            ffi::avio_closep(&mut (*context).pb);
            ffi::avformat_free_context(context);
        }
    }
}

/// Says that it goes on, which is a sign of life, and never interrupts.
extern "C" fn go_on(_: *mut c_void) -> c_int {
    pulse::beat();
    0
}

/// A copy in memory of libav*, padded as it demands.
fn copied(bytes: &[u8]) -> Result<*mut u8, Error> {
    if bytes.is_empty() {
        return Ok(ptr::null_mut());
    }
    // SAFETY: allocates zeroed memory with padding, then fills the front.
    unsafe {
        let copy = ffi::av_mallocz(bytes.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
        if copy.is_null() {
            return Err(NO_MEMORY);
        }
        ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len());
        Ok(copy)
    }
}
