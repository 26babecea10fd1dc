//! What the libraries say of themselves.

use ffmpeg_next::ffi;

use super::{c_string, string};

/// Name, version as `major.minor.micro`, and configuration of each library.
pub(crate) fn libraries() -> Vec<(&'static str, String, String)> {
    type Version = unsafe extern "C" fn() -> u32;
    type Configuration = unsafe extern "C" fn() -> *const std::ffi::c_char;
    let all: [(&'static str, Version, Configuration); 5] = [
        ("libavutil", ffi::avutil_version, ffi::avutil_configuration),
        ("libavcodec", ffi::avcodec_version, ffi::avcodec_configuration),
        ("libavformat", ffi::avformat_version, ffi::avformat_configuration),
        ("libswscale", ffi::swscale_version, ffi::swscale_configuration),
        ("libswresample", ffi::swresample_version, ffi::swresample_configuration),
    ];
    let describe = |(name, version, configuration): (&'static str, Version, Configuration)| {
        // SAFETY: they return a number and a static string.
        let (version, configuration) = unsafe { (version(), string(configuration()).unwrap_or_default()) };
        let version = format!("{}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff);
        (name, version, configuration)
    };
    all.map(describe).into()
}

/// FFmpeg's release, e.g. `5.1.9-0+deb12u1`, and its licence.
pub(crate) fn release() -> (String, String) {
    // SAFETY: static strings.
    unsafe {
        let version = string(ffi::av_version_info()).unwrap_or_default();
        (version, string(ffi::avcodec_license()).unwrap_or_default())
    }
}

/// Whether the libraries were built with an encoder.
pub(crate) fn has_encoder(name: &str) -> bool {
    // SAFETY: the name is only read.
    unsafe { !ffi::avcodec_find_encoder_by_name(c_string(name.as_bytes()).as_ptr()).is_null() }
}
