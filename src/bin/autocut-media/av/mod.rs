//! The only unsafe code: small safe wrappers over libav*.
//!
//! ffmpeg-next's own wrappers are used for what they do soundly (errors, log,
//! flags, side data). They are not used where they turn hostile media into a
//! panic or worse: its enums end in `unimplemented!()`, its dictionaries take
//! any bytes for UTF-8, and its paths must be UTF-8.
//!
//! How to use it:
//!
//! ```text
//! let mut input = Input::open(path)?;              // demuxer
//! let stream = input.stream(index);                // facts about a stream
//! let mut decoder = Decoder::open(&input, index, Skip::Nothing)?;
//! let (mut packet, mut frame) = (Packet::new()?, Frame::new()?);
//! while input.read(&mut packet)? {
//!     if packet.stream() != index { continue }
//!     decoder.send(Some(&packet))?;                // Err: damaged, go on
//!     while decoder.receive(&mut frame)? { .. }    // false: wants more
//! }
//! decoder.send(None)?;                             // then receive the rest
//! ```
//!
//! Nothing here is `Send`: each worker process works on one thread.
//!
//! It must not decide anything: no choice of streams, no policy on errors.
#![expect(unsafe_code, reason = "the one place that calls into C")]

pub(crate) mod codecs;
pub(crate) mod decoder;
pub(crate) mod encoder;
pub(crate) mod floats;
pub(crate) mod format;
pub(crate) mod frame;
pub(crate) mod hardware;
pub(crate) mod input;
pub(crate) mod log;
pub(crate) mod mapped;
mod mastering;
pub(crate) mod muxer;
pub(crate) mod offload;
pub(crate) mod packet;
mod reading;
pub(crate) mod resampler;
pub(crate) mod scaler;
mod unpack;
mod view;

use std::ffi::{CStr, CString, c_char};

use autocut::base::{Diagnostic, Shortage, Tier};
use ffmpeg_next::ffi;

pub(crate) use decoder::{Decoder, Skip};
pub(crate) use encoder::Encoder;
pub(crate) use ffmpeg_next::Error;
pub(crate) use format::{PixelFormat, SampleFormat};
pub(crate) use frame::Frame;
pub(crate) use input::{Input, StreamKind};
pub(crate) use muxer::Muxer;
pub(crate) use packet::Packet;
pub(crate) use resampler::Resampler;
pub(crate) use view::View;

/// To be called once, first. libav*'s own log goes to standard error from
/// warnings up, a repeated line only once.
pub(crate) fn start() {
    give_memory_back();
    // Only registers error texts in the versions that are supported.
    ffmpeg_next::init().ok();
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Warning);
    ffmpeg_next::log::set_flags(ffmpeg_next::log::Flags::SKIP_REPEATED);
    log::listen();
}

/// Lets glibc map pictures singly, so that their memory goes back to the system
/// when a segment ends. Left alone, it moves them to the heap after the first
/// was freed, where small blocks that live on keep them from being given back.
fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;
        unsafe extern "C" {
            fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        const M_MMAP_THRESHOLD: c_int = -3;
        // SAFETY: as malloc.h declares it; it changes nothing that is allocated.
        unsafe { mallopt(M_MMAP_THRESHOLD, 1 << 20) };
    }
}

/// What an error of libav* means to people. `what` says what was attempted,
/// as in "cannot read ride.mp4".
pub(crate) fn diagnose(what: impl Into<String>, error: Error) -> Diagnostic {
    use ffmpeg_next::error::{EACCES, EIO, EMFILE, ENOENT, ENOMEM, ENOSPC, EROFS};
    let tier = match error {
        Error::Other { errno: EACCES | EIO | EMFILE | ENOENT | ENOMEM | ENOSPC | EROFS } => Tier::Environment,
        Error::EncoderNotFound | Error::DecoderNotFound | Error::MuxerNotFound => Tier::Environment,
        Error::Bug | Error::Bug2 => Tier::Bug,
        _ => Tier::Input,
    };
    let diagnostic = Diagnostic::new(tier, format!("{}: {error}", what.into()));
    if error == NO_MEMORY { diagnostic.for_want_of(Shortage::Memory) } else { diagnostic }
}

/// 0 and up is success.
fn check(code: i32) -> Result<i32, Error> {
    if code < 0 { Err(Error::from(code)) } else { Ok(code) }
}

/// Allocation failed.
pub(crate) const NO_MEMORY: Error = Error::Other { errno: ffmpeg_next::error::ENOMEM };

/// Larger pictures are taken for damage: 16384 x 8192, more than any camera has.
pub(crate) const MOST_PIXELS: u64 = 1 << 27;

/// What opening a file gives whose format is not on the list of those that are
/// read here.
pub(crate) const NOT_LISTED: Error = Error::Other { errno: ffmpeg_next::error::EINVAL };

/// A string for C; an inner NUL ends it.
fn c_string(text: &[u8]) -> CString {
    let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// A string of C, whatever its bytes; `None` for NULL.
///
/// # Safety
/// `text` is NULL or ends in NUL and lives during the call.
unsafe fn string(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as demanded of the caller.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Reads a C enum as its number: a Rust enum that holds a value which the
/// headers did not know is undefined behaviour.
///
/// # Safety
/// `field` points to a C enum (four bytes).
unsafe fn number<T>(field: *const T) -> i32 {
    const { assert!(size_of::<T>() == 4) };
    // SAFETY: as demanded of the caller; sizes are compared above.
    unsafe { field.cast::<i32>().read() }
}

/// Writes a C enum as a number.
///
/// # Safety
/// `field` points to a C enum (four bytes).
unsafe fn set_number<T>(field: *mut T, value: i32) {
    const { assert!(size_of::<T>() == 4) };
    // SAFETY: as demanded of the caller; sizes are compared above.
    unsafe { field.cast::<i32>().write(value) }
}

/// A flag, whatever type the headers of this version gave it.
fn flag(value: impl Into<i64>) -> i32 {
    value.into() as i32
}

/// Numerator and denominator.
fn rational(value: ffi::AVRational) -> (i32, i32) {
    (value.num, value.den)
}

/// An `AVDictionary` that is freed when it is dropped.
struct Dictionary(*mut ffi::AVDictionary);

impl Dictionary {
    /// In the order given, which is the order in which options are applied.
    fn new<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut dictionary = Dictionary(std::ptr::null_mut());
        for (key, value) in entries {
            let (key, value) = (c_string(key.as_bytes()), c_string(value.as_bytes()));
            // SAFETY: the dictionary copies both strings.
            unsafe { ffi::av_dict_set(&mut dictionary.0, key.as_ptr(), value.as_ptr(), 0) };
        }
        dictionary
    }

    /// Key and value of the first entry: after an open, an option that nobody
    /// took.
    fn first(&self) -> Option<(String, String)> {
        // SAFETY: an entry lives as long as its dictionary.
        unsafe {
            let entry = ffi::av_dict_get(self.0, c"".as_ptr(), std::ptr::null(), ffi::AV_DICT_IGNORE_SUFFIX);
            entry.as_ref().map(|e| (string(e.key).unwrap_or_default(), string(e.value).unwrap_or_default()))
        }
    }

    /// Gives the dictionary away.
    fn release(mut self) -> *mut ffi::AVDictionary {
        std::mem::replace(&mut self.0, std::ptr::null_mut())
    }
}

impl Drop for Dictionary {
    fn drop(&mut self) {
        // SAFETY: owned; NULL is fine.
        unsafe { ffi::av_dict_free(&mut self.0) }
    }
}
