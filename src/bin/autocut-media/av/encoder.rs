//! An encoder of one stream, video or sound.

use std::ptr::{self, NonNull};

use autocut::base::{Diagnostic, FrameRate, Shortage, Size};
use ffmpeg_next::error::{EAGAIN, EBUSY};
use ffmpeg_next::ffi;

use super::hardware::Surfaces;
use super::{
    Dictionary, Error, Frame, NO_MEMORY, Packet, PixelFormat, SampleFormat, c_string, check, diagnose, flag, floats,
    set_number, string,
};

/// Everything that an encoder of pictures is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VideoSettings<'a> {
    /// FFmpeg's name of the encoder.
    pub(crate) encoder: &'a str,
    pub(crate) size: Size,
    pub(crate) format: PixelFormat,
    /// Where its frames lie, if not in memory.
    pub(crate) surfaces: Option<&'a Surfaces>,
    /// One tick of `Frame::set_time` is one frame.
    pub(crate) rate: FrameRate,
    pub(crate) colour: ColourNumbers,
    /// In the order in which they are set.
    pub(crate) options: &'a [(String, String)],
    pub(crate) threads: u32,
}

/// FFmpeg's numbers for the tags in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColourNumbers {
    /// 1 limited, 2 full.
    pub(crate) range: i32,
    pub(crate) matrix: i32,
    pub(crate) primaries: i32,
    pub(crate) transfer: i32,
}

/// Everything that an encoder of sound is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AudioSettings<'a> {
    pub(crate) encoder: &'a str,
    /// What its frames hold.
    pub(crate) samples: SampleFormat,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    pub(crate) bit_rate: u32,
    pub(crate) options: &'a [(String, String)],
}

pub(crate) struct Encoder(NonNull<ffi::AVCodecContext>);

impl Encoder {
    pub(crate) fn video(settings: &VideoSettings) -> Result<Encoder, Diagnostic> {
        let side = |n: u32| i32::try_from(n).map_err(|_| Diagnostic::bug("a picture that is too large"));
        let (width, height) = (side(settings.size.width)?, side(settings.size.height)?);
        let (num, den) = (side(settings.rate.numerator())?, side(settings.rate.denominator())?);
        let threads = side(settings.threads)?;
        Self::open(settings.encoder, settings.options, |context| {
            // SAFETY: a fresh context; enums are written as numbers.
            unsafe {
                let raw = &mut *context;
                (raw.width, raw.height) = (width, height);
                raw.time_base = ffi::AVRational { num: den, den: num };
                raw.framerate = ffi::AVRational { num, den };
                raw.sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
                raw.thread_count = threads;
                // Codecs without references between frames refuse the flag.
                let descriptor = ffi::avcodec_descriptor_get(raw.codec_id).as_ref();
                if descriptor.is_none_or(|d| d.props & flag(ffi::AV_CODEC_PROP_INTRA_ONLY) == 0) {
                    raw.flags |= flag(ffi::AV_CODEC_FLAG_CLOSED_GOP);
                }
                set_number(&raw mut (*context).pix_fmt, settings.format.0);
                set_number(&raw mut (*context).color_range, settings.colour.range);
                set_number(&raw mut (*context).colorspace, settings.colour.matrix);
                set_number(&raw mut (*context).color_primaries, settings.colour.primaries);
                set_number(&raw mut (*context).color_trc, settings.colour.transfer);
                (*context).chroma_sample_location = ffi::AVChromaLocation::AVCHROMA_LOC_LEFT;
            }
            settings.surfaces.map_or(Ok(()), |surfaces| surfaces.attach(context))
        })
    }

    pub(crate) fn audio(settings: &AudioSettings) -> Result<Encoder, Diagnostic> {
        let rate =
            i32::try_from(settings.sample_rate).map_err(|_| Diagnostic::bug("a sample rate that is too high"))?;
        Self::open(settings.encoder, settings.options, |context| {
            // SAFETY: a fresh context.
            unsafe {
                let raw = &mut *context;
                raw.sample_rate = rate;
                raw.bit_rate = i64::from(settings.bit_rate);
                raw.sample_fmt = settings.samples.av();
                raw.time_base = ffi::AVRational { num: 1, den: rate };
                raw.thread_count = 1;
                ffi::av_channel_layout_default(&mut raw.ch_layout, i32::from(settings.channels));
            }
            Ok(())
        })
    }

    fn open(
        name: &str,
        options: &[(String, String)],
        configure: impl FnOnce(*mut ffi::AVCodecContext) -> Result<(), Error>,
    ) -> Result<Encoder, Diagnostic> {
        let failed = |error| {
            let problem = diagnose(format!("the encoder {name} cannot be opened"), error);
            // What hardware has no more of until another encode ends.
            let busy = matches!(error, Error::Other { errno: EAGAIN | EBUSY });
            match problem.shortage {
                Some(_) => problem,
                None if busy => problem.for_want_of(Shortage::Sessions),
                None => problem.for_want_of(Shortage::Encoder),
            }
        };
        // SAFETY: the name is only read.
        let codec = unsafe { ffi::avcodec_find_encoder_by_name(c_string(name.as_bytes()).as_ptr()) };
        if codec.is_null() {
            return Err(Diagnostic::environment(format!("the FFmpeg libraries here have no encoder `{name}`"))
                .hint("install FFmpeg libraries that were built with it; `autocut doctor` lists what is there")
                .for_want_of(Shortage::Encoder));
        }
        let mut dictionary = Dictionary::new(options.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        // SAFETY: the context is owned by `encoder` from the start.
        unsafe {
            let encoder = Encoder(NonNull::new(ffi::avcodec_alloc_context3(codec)).ok_or_else(|| failed(NO_MEMORY))?);
            let context = encoder.0.as_ptr();
            (*context).flags |= flag(ffi::AV_CODEC_FLAG_GLOBAL_HEADER) | flag(ffi::AV_CODEC_FLAG_BITEXACT);
            configure(context).map_err(failed)?;
            check(encoder.call(|context| ffi::avcodec_open2(context, codec, &mut dictionary.0))).map_err(failed)?;
            match dictionary.first() {
                None => Ok(encoder),
                Some((key, value)) => {
                    let problem = format!("the encoder {name} has no option `{key}` (`{value}`)");
                    Err(Diagnostic::environment(problem).for_want_of(Shortage::Encoder))
                }
            }
        }
    }

    /// Takes a frame, or `None` for the end.
    pub(crate) fn send(&mut self, frame: Option<&Frame>) -> Result<(), Error> {
        let frame = frame.map_or(ptr::null_mut(), Frame::as_ptr);
        // SAFETY: open; the encoder takes a reference of its own.
        check(self.call(|context| unsafe { ffi::avcodec_send_frame(context, frame) })).map(|_| ())
    }

    /// The next packet; false when another frame is wanted, and after the end.
    pub(crate) fn receive(&mut self, packet: &mut Packet) -> Result<bool, Error> {
        // SAFETY: open; the packet's old contents are let go.
        match check(self.call(|context| unsafe { ffi::avcodec_receive_packet(context, packet.as_ptr()) })) {
            Ok(_) => Ok(true),
            Err(Error::Eof | Error::Other { errno: ffmpeg_next::error::EAGAIN }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Calls libavcodec so that what is encoded does not depend on the processor.
    fn call<T>(&self, work: impl FnOnce(*mut ffi::AVCodecContext) -> T) -> T {
        let in_floats = floats::are_in(self.get());
        let work = || work(self.0.as_ptr());
        if in_floats { floats::on_any_processor(work) } else { work() }
    }

    fn get(&self) -> &ffi::AVCodecContext {
        // SAFETY: valid until dropped.
        unsafe { self.0.as_ref() }
    }

    /// The codec's parameter sets.
    pub(crate) fn extradata(&self) -> &[u8] {
        let raw = self.get();
        if raw.extradata.is_null() {
            return &[];
        }
        // SAFETY: libavcodec keeps data and size together.
        unsafe { std::slice::from_raw_parts(raw.extradata, usize::try_from(raw.extradata_size).unwrap_or(0)) }
    }

    /// FFmpeg's name of the codec (not of the encoder), e.g. `h264`.
    pub(crate) fn codec(&self) -> String {
        // SAFETY: names are static.
        unsafe { string(ffi::avcodec_get_name(self.get().codec_id)).unwrap_or_default() }
    }

    /// The encoder's own choice of a name in MOV; 0 for none.
    pub(crate) fn tag(&self) -> u32 {
        self.get().codec_tag
    }

    /// Samples a channel in each frame of sound but the last; 0 for any number.
    pub(crate) fn frame_size(&self) -> usize {
        usize::try_from(self.get().frame_size).unwrap_or(0)
    }

    /// Samples that the encoder puts before the first: they are not heard.
    pub(crate) fn initial_padding(&self) -> u32 {
        u32::try_from(self.get().initial_padding).unwrap_or(0)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let mut context = self.0.as_ptr();
        // SAFETY: owned.
        unsafe { ffi::avcodec_free_context(&mut context) }
    }
}
