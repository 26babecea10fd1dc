//! Floating point of libav* that comes out the same on every processor.
//!
//! Coders of sound calculate in floats, and libav* has several ways to do so,
//! of which it takes the best that the processor has. They add in other orders
//! or round less often (FMA): Opus and WMA decode to other samples with AVX than
//! without. Codecs of pictures calculate in integers, and keep the best way.

use std::sync::{Mutex, PoisonError};

use ffmpeg_next::ffi;

/// What every processor of this architecture has, as FFmpeg's flags; `None` where
/// its floats do not depend on more than that.
const EVERYWHERE: Option<i32> = if cfg!(target_arch = "x86_64") {
    Some(
        ffi::AV_CPU_FLAG_MMX
            | ffi::AV_CPU_FLAG_MMXEXT
            | ffi::AV_CPU_FLAG_SSE
            | ffi::AV_CPU_FLAG_SSE2
            | ffi::AV_CPU_FLAG_CMOV,
    )
} else {
    None
};

/// Does something of which libav* believes that it is done by a processor that has
/// no more than all have. Everything that is done with one coder must be: some
/// look for the best way as late as at the first packet.
///
/// What libav* believes holds for the whole process: on another thread, pictures
/// would be decoded slower and not otherwise.
pub(super) fn on_any_processor<T>(work: impl FnOnce() -> T) -> T {
    static BELIEF: Mutex<()> = Mutex::new(());
    let Some(flags) = EVERYWHERE else { return work() };
    let _held = BELIEF.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: an atomic number.
    let before = unsafe { ffi::av_get_cpu_flags() };
    // SAFETY: as above.
    unsafe { ffi::av_force_cpu_flags(before & flags) };
    let done = work();
    // SAFETY: as above.
    unsafe { ffi::av_force_cpu_flags(before) };
    done
}

/// What this processor answers where it may answer what it likes: x86-64 has
/// approximate reciprocals and roots whose last bits each make of processor has of
/// its own, and there are libraries that decide by them.
pub(crate) fn approximations() -> Vec<[u32; 2]> {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_cvtss_f32, _mm_rcp_ss, _mm_rsqrt_ss, _mm_set_ss};
        // From 1 to 4, in which all of their tables come up.
        let steps = (0..3_072_u16).map(|step| 1.0 + f32::from(step) / 1_024.0);
        // SAFETY: every processor of this architecture has SSE.
        let answers = |x| unsafe {
            let x = _mm_set_ss(x);
            [_mm_rcp_ss(x), _mm_rsqrt_ss(x)].map(|answer| _mm_cvtss_f32(answer).to_bits())
        };
        steps.map(answers).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
}

/// Whether a codec calculates in floats: every one of sound counts.
pub(super) fn are_in(context: &ffi::AVCodecContext) -> bool {
    context.codec_type == ffi::AVMediaType::AVMEDIA_TYPE_AUDIO
}

#[cfg(all(test, target_arch = "x86_64"))]
#[expect(clippy::unwrap_used, reason = "a test ends where something fails")]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::av::{Decoder, Frame, Input, Packet, Skip};

    /// All samples of a file's only stream, as bytes.
    fn decoded(path: &Path) -> Vec<u8> {
        let mut input = Input::open(path).unwrap();
        let mut decoder = Decoder::open(&input, 0, Skip::Nothing).unwrap();
        let (mut packet, mut frame, mut samples) = (Packet::new().unwrap(), Frame::new().unwrap(), Vec::new());
        loop {
            let more = input.read(&mut packet).unwrap();
            decoder.send(more.then_some(&packet)).unwrap();
            while decoder.receive(&mut frame).unwrap() {
                // SAFETY: planar floats, of which each channel has as many samples.
                let channel = unsafe { std::slice::from_raw_parts(frame.get().data[0], frame.samples() * 4) };
                samples.extend_from_slice(channel);
            }
            if !more {
                return samples;
            }
        }
    }

    /// Opus and WMA are those in which FFmpeg 5.1's own ways differ.
    #[test]
    fn sound_is_decoded_alike_with_and_without_avx() {
        let folder = tempfile::tempdir().unwrap();
        for (name, coder) in [("a.opus", "libopus"), ("a.wma", "wmav2"), ("a.m4a", "aac"), ("a.mp3", "libmp3lame")] {
            let path = folder.path().join(name);
            let noise = "anoisesrc=d=1:a=0.4:seed=5:r=48000";
            let made = Command::new("ffmpeg")
                .args(["-v", "error", "-f", "lavfi", "-i", noise, "-ac", "2", "-c:a", coder])
                .arg(&path)
                .status();
            assert!(made.unwrap().success());
            let here = decoded(&path);
            assert!(here.len() > 40_000 * 4, "{name}");
            let old = ffi::AV_CPU_FLAG_SSE3 | ffi::AV_CPU_FLAG_SSSE3 | ffi::AV_CPU_FLAG_SSE4 | ffi::AV_CPU_FLAG_SSE42;
            // SAFETY: an atomic number; -1 asks the processor again.
            unsafe { ffi::av_force_cpu_flags(EVERYWHERE.unwrap() | old) };
            let there = decoded(&path);
            // SAFETY: as above.
            unsafe { ffi::av_force_cpu_flags(-1) };
            assert!(here == there, "{name} depends on the processor");
        }
    }
}
