//! What the libraries are, in versions and in what they do.
//!
//! A library's version and configuration stand for what it does. Not so with
//! encoders: libavcodec does not report which build of x264 it was given, so a
//! short trial encode is part of their identity.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use autocut::base::{Diagnostic, Digest, FrameRate, Size};
use autocut::model::specs::AudioEncoder;
use autocut::model::toolchain::ToolIdentity;
use autocut::model::{Colour, Matrix, Tool, Toolchain, encode};

use crate::audio;
use crate::av::encoder::VideoSettings;
use crate::av::{self, Encoder, Error, Frame, Packet, PixelFormat};
use crate::picture::colour_numbers;
use crate::trial;

/// Raised when tract or the way it is used changes its results.
const INFERENCE: &str = "tract-onnx 0.23";

/// Asks every library; some tens of milliseconds.
pub(crate) fn toolchain() -> Toolchain {
    let libraries = av::codecs::libraries();
    let of = |names: &[&str]| -> Vec<&(&str, String, String)> {
        libraries.iter().filter(|(name, ..)| names.contains(name)).collect()
    };
    let plain = |names: &[&str]| {
        let used = of(names);
        let identity = Some(Digest::derive("autocut 2026 library", &encode(&used)));
        ToolIdentity { name: title(&used), identity, problem: None }
    };
    let tried = |encoder: &str, trial: Result<Digest, Diagnostic>| {
        let used = of(&["libavcodec", "libavutil"]);
        let name = format!("{}, {encoder}", title(&used));
        match trial {
            Ok(trial) => {
                let identity = Some(Digest::derive("autocut 2026 encoder", &encode(&(&used, encoder, trial))));
                ToolIdentity { name, identity, problem: None }
            }
            Err(problem) => ToolIdentity { name, identity: None, problem: Some(problem.to_string()) },
        }
    };
    // It decides by what each processor answers in its own way (`ENGINES`), of which
    // a short trial does not see all.
    let here = |trial: Digest| Digest::of(&encode(&(trial, av::floats::approximations())));
    let inference = ToolIdentity {
        name: INFERENCE.to_owned(),
        identity: Some(Digest::derive("autocut 2026 library", INFERENCE.as_bytes())),
        problem: None,
    };
    let tools = BTreeMap::from([
        (Tool::Demux, plain(&["libavformat", "libavcodec", "libavutil"])),
        (Tool::Decode, plain(&["libavcodec", "libavutil"])),
        (Tool::Scale, plain(&["libswscale", "libavutil"])),
        (Tool::Resample, plain(&["libswresample", "libavutil"])),
        (Tool::H264, tried("libx264", trial_pictures("libx264", PixelFormat::YUV420P, &H264_OPTIONS))),
        (Tool::Hevc, tried("libx265", trial_pictures("libx265", PixelFormat::YUV420P, &HEVC_OPTIONS))),
        (Tool::Av1, tried("libsvtav1", trial_pictures("libsvtav1", PixelFormat::YUV420P, &AV1_OPTIONS))),
        (Tool::Vp9, tried("libvpx-vp9", trial_pictures("libvpx-vp9", PixelFormat::YUV420P, &VP9_OPTIONS))),
        (Tool::ProRes, tried("prores_ks", trial_pictures("prores_ks", PixelFormat::YUV422P10, &[("profile", "hq")]))),
        (Tool::Aac, tried("aac", trial_sound("aac", 128_000))),
        (Tool::Opus, tried("libopus", trial_sound("libopus", 128_000).map(here))),
        (Tool::Pcm, tried("pcm_s24le", trial_sound("pcm_s16le", 0).and_then(|_| trial_sound("pcm_s24le", 0)))),
        (Tool::Jpeg, tried("mjpeg", trial_pictures("mjpeg", PixelFormat::YUVJ420P, &[("qmin", "3"), ("qmax", "3")]))),
        (Tool::Mux, plain(&["libavformat", "libavcodec", "libavutil"])),
        (Tool::Inference, inference),
    ]);
    let (release, licence) = av::codecs::release();
    let configuration = libraries.first().map_or("", |(_, _, configuration)| configuration.as_str());
    let configuration = format!("FFmpeg {release}, {licence}: {configuration}");
    let (hardware, files) = trial::hardware();
    let (decoders, devices) = trial::decoding::all();
    let all: BTreeSet<PathBuf> = mapped().into_iter().chain(files).chain(devices).collect();
    let mapped = all.into_iter().collect();
    Toolchain { tools, hardware, mapped, configuration, decoders }
}

/// `libavcodec 59.37.100` of the first, which is the one that matters.
fn title(used: &[&(&str, String, String)]) -> String {
    used.iter()
        .find(|(name, ..)| *name != "libavutil")
        .map_or(String::new(), |(name, version, _)| format!("{name} {version}"))
}

/// Options that reach into many parts of x264.
const H264_OPTIONS: [(&str, &str); 3] = [("preset", "veryfast"), ("crf", "20"), ("x264-params", "cpu-independent=1")];

/// The like for the others: few threads, quick, and quiet.
const HEVC_OPTIONS: [(&str, &str); 3] =
    [("preset", "veryfast"), ("crf", "24"), ("x265-params", "pools=1:frame-threads=1:log-level=error:info=0")];
const AV1_OPTIONS: [(&str, &str); 3] = [("preset", "10"), ("crf", "30"), ("svtav1-params", "lp=1")];
const VP9_OPTIONS: [(&str, &str); 4] = [("crf", "30"), ("b", "0"), ("cpu-used", "5"), ("deadline", "good")];

/// Eight small frames of a moving pattern.
fn trial_pictures(encoder: &str, format: PixelFormat, options: &[(&str, &str)]) -> Result<Digest, Diagnostic> {
    let size = Size::new(192, 128);
    let full_range = format == PixelFormat::YUVJ420P;
    let deep = format.bit_depth() > 8;
    let colour = Colour { matrix: Matrix::Bt709, full_range, primaries: 1, transfer: 1 };
    let options: Vec<_> = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let failed = |error| av::diagnose(format!("the encoder {encoder} does not work"), error);
    let rate = FrameRate::new(30, 1).ok_or_else(|| failed(Error::Bug))?;
    let settings = VideoSettings {
        encoder,
        size,
        format,
        surfaces: None,
        rate,
        colour: colour_numbers(&colour),
        options: &options,
        threads: 1,
    };
    let encoder = Encoder::video(&settings)?;
    let frame = |time: u32| {
        let mut frame = Frame::picture(format, size)?;
        for index in 0..3 {
            let Some(plane) = frame.plane_mut(index) else { continue };
            for (y, row) in plane.data.chunks_mut(plane.stride).enumerate() {
                let wave = |x: u32| {
                    let (x, y) = (x + 3 * time, y as u32 + time);
                    let wave = (x * x / 61 + y * x / 29 + index as u32 * 40 + (x ^ y)) & 0x7f;
                    48 + wave as u8
                };
                if deep {
                    for (x, pair) in (0..).zip(row.as_chunks_mut::<2>().0) {
                        *pair = (u16::from(wave(x)) << 2).to_ne_bytes();
                    }
                } else {
                    for (x, value) in (0..).zip(row) {
                        *value = wave(x);
                    }
                }
            }
        }
        frame.set_time(i64::from(time));
        Ok(frame)
    };
    digest(encoder, (0..8).map(frame)).map_err(failed)
}

/// A quarter of a second of two tones.
fn trial_sound(encoder: &str, bit_rate: u32) -> Result<Digest, Diagnostic> {
    let (sample_rate, channels) = (48_000, 2);
    let failed = |error| av::diagnose(format!("the encoder {encoder} does not work"), error);
    let wanted = AudioEncoder { name: encoder.to_owned(), options: Vec::new(), bit_rate };
    let (encoder, format) = audio::open_coder(&wanted, sample_rate, channels)?;
    let samples = u32::try_from(encoder.frame_size()).ok().filter(|size| *size > 0).unwrap_or(1_024);
    let frame = |index: u32| {
        let mut frame = Frame::sound(format, sample_rate, channels, samples)?;
        // Triangle waves: exact in floats on every machine.
        let wave = |place: usize, period: usize| {
            let phase = (index as usize * samples as usize + place) % period;
            (phase.abs_diff(period / 2) as f32) / (period as f32) - 0.25
        };
        let both: Vec<f32> = (0..samples as usize).flat_map(|place| [wave(place, 218), wave(place, 96)]).collect();
        frame.fill_sound(&both);
        frame.set_time(i64::from(index * samples));
        Ok(frame)
    };
    digest(encoder, (0..12).map(frame)).map_err(failed)
}

/// The digest of all that an encoder makes of some frames.
fn digest(mut encoder: Encoder, frames: impl Iterator<Item = Result<Frame, Error>>) -> Result<Digest, Error> {
    let mut made = encoder.extradata().to_vec();
    let mut packet = Packet::new()?;
    for frame in frames.map(|frame| frame.map(Some)).chain([Ok(None)]) {
        encoder.send(frame?.as_ref())?;
        while encoder.receive(&mut packet)? {
            made.extend_from_slice(&(packet.data().len() as u64).to_le_bytes());
            made.extend_from_slice(packet.data());
        }
    }
    Ok(Digest::of(&made))
}

/// Every file that this process runs code from, where the system tells.
pub(crate) fn mapped() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    mapped_in(&maps)
}

/// Lines are `from-to rights offset device inode path` (proc(5)).
fn mapped_in(maps: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let rights = line.split_ascii_whitespace().nth(1)?;
        let start = line.find('/')?;
        rights.contains('x').then(|| PathBuf::from(&line[start..]))
    };
    let mut files: Vec<PathBuf> = maps.lines().filter_map(path).collect();
    files.sort();
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in proc(5).
    #[test]
    fn maps_name_the_files_that_code_is_run_from() {
        let maps = "00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus daemon\n\
                    00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/dbus daemon\n\
                    00e03000-00e24000 rw-p 00000000 00:00 0           [heap]\n\
                    35b1800000-35b1820000 r-xp 00000000 08:02 135522  /usr/lib64/ld-2.15.so\n\
                    7fff2c5ff000-7fff2c600000 r-xp 00000000 00:00 0   [vdso]";
        assert_eq!(mapped_in(maps), [PathBuf::from("/usr/bin/dbus daemon"), PathBuf::from("/usr/lib64/ld-2.15.so")]);
    }

    #[test]
    fn the_same_libraries_are_the_same_twice() {
        let first = toolchain();
        assert_eq!(first.tools, toolchain().tools);
        assert!(first.tools.values().all(|tool| tool.identity.is_some() != tool.problem.is_some()));
    }
}
