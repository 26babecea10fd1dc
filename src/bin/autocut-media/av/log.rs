//! What libav* says while it works, counted.
//!
//! Decoders patch up much of what is wrong with a stream and give a picture all
//! the same; of some (HEVC, MPEG-4) the log is the only place where that shows.
//! So whether anything was said at the level of errors is part of what decoding
//! a packet gave.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use ffmpeg_next::ffi;

thread_local! {
    static ERRORS: Cell<u64> = const { Cell::new(0) };
}

/// FFmpeg's own callback, which prints.
static PRINT: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());

/// A callback for the log. `V` is C's list of variable arguments, whose type
/// differs between machines.
type Callback<V> = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, V);

/// Counts errors from now on; everything is printed as before.
pub(super) fn listen() {
    install(ffi::av_log_set_callback, ffi::av_log_default_callback);
}

fn install<V>(set: unsafe extern "C" fn(Option<Callback<V>>), print: Callback<V>) {
    PRINT.store(print as *mut c_void, Ordering::Release);
    // SAFETY: the callback is what the headers ask for.
    unsafe { set(Some(hear::<V>)) }
}

unsafe extern "C" fn hear<V>(about: *mut c_void, level: c_int, format: *const c_char, arguments: V) {
    // The bits above are a tint.
    if (level & 0xff) <= ffi::AV_LOG_ERROR as c_int {
        ERRORS.set(ERRORS.get().wrapping_add(1));
    }
    let print = PRINT.load(Ordering::Acquire);
    // SAFETY: `listen` stored a callback of just this type before it installed
    // this one; what is passed on is what came.
    unsafe {
        let print = std::mem::transmute::<*mut c_void, Callback<V>>(print);
        print(about, level, format, arguments);
    }
}

/// How many errors there were on this thread.
pub(crate) fn errors() -> u64 {
    ERRORS.get()
}

/// Counts on from where it was: what came since then is not of what is decoded.
pub(crate) fn forget(errors: u64) {
    ERRORS.set(errors);
}
