//! What a container says of HDR10: the display that the pictures are made for, and
//! how bright they are (`mdcv` and `clli` in MP4 and MOV, `MasteringMetadata`,
//! `MaxCLL` and `MaxFALL` in Matroska).
//!
//! FFmpeg's muxers take it from side data of the stream, which is in another place
//! in each version: with the stream up to 7.1, with its parameters from 6.1 on.
//! The former is a function that the headers have no more from 8.0 on, the latter
//! a field that they have not before 6.1. A codec's context has had that field
//! all along, and whoever has it in the parameters copies it there. So both are
//! done: where one does nothing the other does it.

use std::ffi::{c_int, c_uint};
use std::ptr;

use autocut::model::Mastering;
use ffmpeg_next::ffi::{self, AVPacketSideDataType, AVRational, AVStream};

use super::{Error, NO_MEMORY, check};

/// `AVMasteringDisplayMetadata`, whose header is not among the bindings. It may
/// grow at its end, so more is allocated than this.
#[repr(C)]
struct Display {
    /// x and y of red, green and blue.
    primaries: [[AVRational; 2]; 3],
    white: [AVRational; 2],
    least: AVRational,
    most: AVRational,
    has_primaries: c_int,
    has_luminance: c_int,
}

/// `AVContentLightMetadata`: MaxCLL and MaxFALL.
#[repr(C)]
struct Brightness([c_uint; 2]);

/// Bytes of zeros behind side data.
const ROOM: usize = 256;

/// Lets a new stream say so. Its parameters are reset: they are set after this.
///
/// # Safety
/// The stream is one of a context that has not begun to be written.
pub(super) unsafe fn attach(stream: *mut AVStream, mastering: &Mastering) -> Result<(), Error> {
    let rational = |num: u32, den: c_int| AVRational { num: num as c_int, den };
    let point = |[x, y]: [u32; 2]| [rational(x, 50_000), rational(y, 50_000)];
    let display = Display {
        primaries: mastering.primaries.map(point),
        white: point(mastering.white),
        least: rational(mastering.least, 10_000),
        most: rational(mastering.most, 10_000),
        has_primaries: 1,
        has_luminance: 1,
    };
    let brightness = Brightness(mastering.light);
    let all = [
        (AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA, bytes_of(&display)),
        (AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL, bytes_of(&brightness)),
    ];
    // SAFETY: as demanded of the caller; what is allocated here is filled before
    // anybody looks at it, and owned by the context, which is freed with it.
    unsafe {
        let mut context = ffi::avcodec_alloc_context3(ptr::null());
        if context.is_null() {
            return Err(NO_MEMORY);
        }
        let list = ffi::av_calloc(all.len(), size_of::<ffi::AVPacketSideData>()).cast::<ffi::AVPacketSideData>();
        (*context).coded_side_data = list;
        let mut whole = !list.is_null();
        for (index, (kind, bytes)) in all.iter().enumerate().take_while(|_| !list.is_null()) {
            let data = ffi::av_mallocz(bytes.len() + ROOM).cast::<u8>();
            whole &= !data.is_null();
            if whole {
                ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
                list.add(index).write(ffi::AVPacketSideData { data, size: bytes.len(), type_: *kind });
                (*context).nb_coded_side_data += 1;
            }
        }
        let copied = check(ffi::avcodec_parameters_from_context((*stream).codecpar, context));
        ffi::avcodec_free_context(&mut context);
        copied?;
        if !whole {
            return Err(NO_MEMORY);
        }
        for (kind, bytes) in all {
            with_stream(stream, kind, bytes);
        }
    }
    Ok(())
}

/// Puts side data to the stream itself, where FFmpeg has it there.
///
/// # Safety
/// As of [`attach`].
unsafe fn with_stream(stream: *mut AVStream, kind: AVPacketSideDataType, bytes: &[u8]) {
    // Its own function of that name, if it has one; else the one below.
    use ffi::*;
    let stream: *mut AVStream = stream;
    // SAFETY: as demanded of the caller; the copy fits into what was allocated.
    unsafe {
        let data = av_stream_new_side_data(stream, kind, bytes.len());
        if !data.is_null() {
            ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        }
    }
}

/// Stands in for FFmpeg's function where that is gone.
unsafe fn av_stream_new_side_data(_: *mut AVStream, _: AVPacketSideDataType, _: usize) -> *mut u8 {
    ptr::null_mut()
}

/// Which of the two is called depends on FFmpeg: both are in use.
const _: unsafe fn(*mut AVStream, AVPacketSideDataType, usize) -> *mut u8 = av_stream_new_side_data;

/// The bytes of a struct of C that has no padding.
fn bytes_of<T>(value: &T) -> &[u8] {
    const { assert!(size_of::<T>().is_multiple_of(size_of::<c_int>()) && align_of::<T>() == align_of::<c_int>()) };
    // SAFETY: all fields are of four bytes, so there is no padding between them.
    unsafe { std::slice::from_raw_parts(ptr::from_ref(value).cast(), size_of::<T>()) }
}
