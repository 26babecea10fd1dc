//! A packet: one coded frame of video, or a few of sound.

use std::ptr::NonNull;

use ffmpeg_next::ffi;

use super::{Error, NO_MEMORY, check};

pub(crate) struct Packet(NonNull<ffi::AVPacket>);

impl Packet {
    pub(crate) fn new() -> Result<Packet, Error> {
        // SAFETY: allocates.
        NonNull::new(unsafe { ffi::av_packet_alloc() }).map(Packet).ok_or(NO_MEMORY)
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVPacket {
        self.0.as_ptr()
    }

    fn get(&self) -> &ffi::AVPacket {
        // SAFETY: valid until dropped.
        unsafe { self.0.as_ref() }
    }

    fn get_mut(&mut self) -> &mut ffi::AVPacket {
        // SAFETY: valid until dropped, exclusively borrowed.
        unsafe { self.0.as_mut() }
    }

    /// Lets go of the data.
    pub(crate) fn clear(&mut self) {
        // SAFETY: valid until dropped.
        unsafe { ffi::av_packet_unref(self.as_ptr()) }
    }

    /// Replaces the data by `length` bytes, which the closure fills.
    pub(crate) fn fill<E: From<Error>>(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.clear();
        let size = i32::try_from(length).map_err(|_| NO_MEMORY)?;
        // SAFETY: allocates `size` bytes and padding.
        check(unsafe { ffi::av_new_packet(self.as_ptr(), size) })?;
        let data = self.get_mut().data;
        if data.is_null() {
            return fill(&mut []);
        }
        // SAFETY: just allocated with this length; zeroed before it is seen.
        let bytes = unsafe {
            std::ptr::write_bytes(data, 0, length);
            std::slice::from_raw_parts_mut(data, length)
        };
        fill(bytes)
    }

    pub(crate) fn data(&self) -> &[u8] {
        let packet = self.get();
        if packet.data.is_null() {
            return &[];
        }
        // SAFETY: libav* keeps data and size together.
        unsafe { std::slice::from_raw_parts(packet.data, usize::try_from(packet.size).unwrap_or(0)) }
    }

    pub(crate) fn stream(&self) -> usize {
        usize::try_from(self.get().stream_index).unwrap_or(usize::MAX)
    }

    pub(crate) fn set_stream(&mut self, stream: usize) {
        self.get_mut().stream_index = i32::try_from(stream).unwrap_or(-1);
    }

    pub(crate) fn pts(&self) -> Option<i64> {
        Some(self.get().pts).filter(|t| *t != ffi::AV_NOPTS_VALUE)
    }

    pub(crate) fn dts(&self) -> Option<i64> {
        Some(self.get().dts).filter(|t| *t != ffi::AV_NOPTS_VALUE)
    }

    /// Where in the file it lies, in bytes.
    pub(crate) fn position(&self) -> Option<i64> {
        Some(self.get().pos).filter(|at| *at >= 0)
    }

    pub(crate) fn duration(&self) -> i64 {
        self.get().duration
    }

    /// In the time base of the stream.
    pub(crate) fn set_times(&mut self, pts: i64, dts: i64, duration: i64) {
        let packet = self.get_mut();
        (packet.pts, packet.dts, packet.duration) = (pts, dts, duration);
    }

    /// Says that so many samples at the end are not heard.
    pub(crate) fn discard_end(&mut self, samples: u32) -> Result<(), Error> {
        const BYTES: usize = 10;
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_SKIP_SAMPLES;
        // SAFETY: allocates; the packet owns the new side data, which has this
        // many bytes.
        unsafe {
            let data = ffi::av_packet_new_side_data(self.as_ptr(), kind, BYTES as _);
            if data.is_null() {
                return Err(NO_MEMORY);
            }
            // Samples at the start, samples at the end, and the two reasons.
            let bytes = std::slice::from_raw_parts_mut(data, BYTES);
            bytes.fill(0);
            bytes[4..8].copy_from_slice(&samples.to_le_bytes());
        }
        Ok(())
    }

    pub(crate) fn is_key(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_KEY != 0
    }

    /// Cut short, or known to be damaged.
    pub(crate) fn is_corrupt(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_CORRUPT != 0
    }

    /// From here on the decoder needs other parameters than the container began
    /// with.
    pub(crate) fn has_new_parameters(&self) -> bool {
        use ffi::AVPacketSideDataType::{AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_DATA_PARAM_CHANGE};
        [AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_DATA_PARAM_CHANGE].into_iter().any(|kind| {
            // SAFETY: a valid packet; nothing but whether there is any is asked.
            !unsafe { ffi::av_packet_get_side_data(self.as_ptr(), kind, std::ptr::null_mut()) }.is_null()
        })
    }

    /// To be decoded but not shown: it lies before the start of an edit list.
    pub(crate) fn is_discarded(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_DISCARD != 0
    }

    pub(crate) fn set_key(&mut self, key: bool) {
        let flags = &mut self.get_mut().flags;
        *flags = if key { *flags | ffi::AV_PKT_FLAG_KEY } else { *flags & !ffi::AV_PKT_FLAG_KEY };
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut packet = self.as_ptr();
        // SAFETY: owned.
        unsafe { ffi::av_packet_free(&mut packet) }
    }
}
