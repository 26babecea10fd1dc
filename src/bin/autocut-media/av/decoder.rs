//! A decoder of one stream, video or sound.

use std::ptr::{self, NonNull};

use autocut::model::decoders::Device;
use ffmpeg_next::ffi;

use super::offload::{self, Offload};
use super::{Error, Frame, Input, MOST_PIXELS, NO_MEMORY, Packet, check, flag, floats};

/// What a decoder may leave out, where a rough picture will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    Nothing,
    /// The loop filter of frames that no other frame refers to: up to 1.6
    /// times faster on H.264 with B-frames, and no error that spreads.
    LoopFilterOfUnreferenced,
}

pub(crate) struct Decoder {
    context: NonNull<ffi::AVCodecContext>,
    /// Where a device decodes.
    offload: Option<Offload>,
}

impl Decoder {
    /// On one thread: speed comes from running several worker processes.
    pub(crate) fn open(input: &Input, stream: usize, skip: Skip) -> Result<Decoder, Error> {
        Decoder::new(input, stream, skip, None)
    }

    /// On a device, which leaves out nothing. Errors are those of the device too.
    pub(crate) fn open_on(device: Device, input: &Input, stream: usize) -> Result<Decoder, Error> {
        Decoder::new(input, stream, Skip::Nothing, Some(device))
    }

    fn new(input: &Input, stream: usize, skip: Skip, device: Option<Device>) -> Result<Decoder, Error> {
        let stream = input.stream(stream).ok_or(Error::StreamNotFound)?;
        let (num, den) = stream.time_base();
        // SAFETY: the parameters live as long as the input; the context is owned.
        unsafe {
            let id = stream.parameters().codec_id;
            let codec = match device {
                Some(device) => offload::find(device, id),
                None => ffi::avcodec_find_decoder(id),
            };
            if codec.is_null() {
                return Err(Error::DecoderNotFound);
            }
            let context = NonNull::new(ffi::avcodec_alloc_context3(codec)).ok_or(NO_MEMORY)?;
            let mut decoder = Decoder { context, offload: None };
            let context = context.as_ptr();
            check(ffi::avcodec_parameters_to_context(context, stream.parameters()))?;
            (*context).pkt_timebase = ffi::AVRational { num, den };
            (*context).thread_count = 1;
            (*context).max_pixels = i64::try_from(MOST_PIXELS).unwrap_or(i64::MAX);
            (*context).flags |= flag(ffi::AV_CODEC_FLAG_BITEXACT);
            if skip == Skip::LoopFilterOfUnreferenced {
                (*context).skip_loop_filter = ffi::AVDiscard::AVDISCARD_NONREF;
            }
            decoder.offload = device.map(|device| Offload::attach(device, context)).transpose()?;
            check(decoder.call(|context| ffi::avcodec_open2(context, codec, ptr::null_mut())))?;
            Ok(decoder)
        }
    }

    /// Calls libavcodec so that what is decoded does not depend on the processor.
    fn call<T>(&self, work: impl FnOnce(*mut ffi::AVCodecContext) -> T) -> T {
        // SAFETY: valid until dropped.
        let in_floats = floats::are_in(unsafe { self.context.as_ref() });
        let work = || work(self.context.as_ptr());
        if in_floats { floats::on_any_processor(work) } else { work() }
    }

    /// Takes a packet, or `None` for the end. An error means that this packet
    /// is damaged; the next may be sent.
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Result<(), Error> {
        let packet = packet.map_or(ptr::null_mut(), Packet::as_ptr);
        // SAFETY: open; the decoder takes a reference of its own.
        check(self.call(|context| unsafe { ffi::avcodec_send_packet(context, packet) })).map(|_| ())
    }

    /// The next decoded frame, in presentation order; false when another
    /// packet is wanted, and after the end.
    pub(crate) fn receive(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        let into = self.offload.as_ref().map_or(frame.as_ptr(), |offload| offload.surface().as_ptr());
        // SAFETY: open; the frame's old contents are let go.
        match check(self.call(|context| unsafe { ffi::avcodec_receive_frame(context, into) })) {
            Ok(_) => {
                if let Some(offload) = &mut self.offload {
                    offload.fetch(self.context.as_ptr(), frame)?;
                }
                Ok(true)
            }
            Err(Error::Eof | Error::Other { errno: ffmpeg_next::error::EAGAIN }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets everything, after a seek.
    pub(crate) fn flush(&mut self) {
        // SAFETY: open.
        self.call(|context| unsafe { ffi::avcodec_flush_buffers(context) });
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: owned.
        unsafe { ffi::avcodec_free_context(&mut context) }
    }
}
