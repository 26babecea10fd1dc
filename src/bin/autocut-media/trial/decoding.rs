//! Devices that decode, tried: a few pictures are encoded in software and decoded
//! twice. What decoders make is laid down to the bit, so a device that makes
//! anything else than the software decoder is not used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use autocut::base::{Diagnostic, Digest, Size};
use autocut::model::decoders::{Device, STREAMS, Stream};
use autocut::model::toolchain::ToolIdentity;

use super::{Attempt, Subject, attempt, encode, identified};
use crate::av::{self, Decoder, Error, Frame, Input, Packet, PixelFormat, Skip, offload};

/// More than one group of the encoders' B-frames.
const FRAMES: u32 = 20;
/// As cameras have it: not a multiple of the blocks of any codec.
const SIZE: Size = Size::new(328, 264);

/// What a kind of device needs to find; see `devices` of encoders.
fn devices(device: Device) -> &'static [&'static str] {
    match device {
        _ if !cfg!(target_os = "linux") => &[],
        Device::VideoToolbox => &[],
        Device::Cuda => &["/dev/nvidiactl", "/dev/dxg"],
        Device::Qsv | Device::Vaapi => &["/dev/dri", "/dev/dxg"],
    }
}

/// What each device does with each stream, and every file on which that rests.
pub(crate) fn all() -> (BTreeMap<String, ToolIdentity>, Vec<PathBuf>) {
    let mut files = Vec::new();
    let mut known = BTreeMap::new();
    for device in Device::ALL {
        // One that hung once is not waited for again.
        let mut hung = None;
        for stream in STREAMS {
            let name = stream.on(device);
            let tried = match &hung {
                Some(why) => Err(String::clone(why)),
                None => tried(device, stream, &mut files).map_err(|attempt| match attempt {
                    Attempt::Hung(why) => hung.insert(why).clone(),
                    Attempt::Failed(why) => why,
                }),
            };
            known.insert(name.clone(), identified(name, tried));
        }
    }
    (known, files)
}

fn tried(device: Device, stream: Stream, files: &mut Vec<PathBuf>) -> Result<Digest, Attempt> {
    if !offload::is_built_in(device, stream.codec) {
        return Err(Attempt::Failed("the FFmpeg libraries here have no such decoder".to_owned()));
    }
    attempt(&["trial-decoding", device.name(), &stream.name()], devices(device), files)
}

/// The trial of a device and a stream that are named as the toolchain does, with
/// a file in the folder: the digest of what is decoded.
pub(crate) fn named(device: &str, stream: &str, folder: &Path) -> Result<Digest, Diagnostic> {
    let unknown = |what: &str| Diagnostic::bug(format!("there is no trial of {what}"));
    let device = Device::named(device).ok_or_else(|| unknown(device))?;
    let stream = Stream::named(stream).ok_or_else(|| unknown(stream))?;
    trial(Some(device), stream, folder)
}

/// Software is tried like a device where none is named: it proves the trial.
fn trial(device: Option<Device>, stream: Stream, folder: &Path) -> Result<Digest, Diagnostic> {
    let file = folder.join("trial.mkv");
    encode(&subject(stream), &file)?;
    let decoded = |device: Option<Device>| {
        let name = device.map_or("software", Device::name);
        decoded(&file, device).map_err(|error| av::diagnose(format!("{name} does not decode {}", stream.name()), error))
    };
    let (expected, found) = (decoded(None)?, decoded(device)?);
    compare(&expected, &found).map_err(Diagnostic::environment)?;
    Ok(Digest::of(&found.iter().flat_map(|digest| digest.0).collect::<Vec<u8>>()))
}

fn subject(stream: Stream) -> Subject<'static> {
    let format = if stream.depth > 8 { PixelFormat::YUV420P10 } else { PixelFormat::YUV420P };
    let (encoder, options): (_, &[(&str, &str)]) = match stream.codec {
        "h264" => ("libx264", &[("preset", "veryfast"), ("crf", "24")]),
        "hevc" => ("libx265", &[("preset", "veryfast"), ("crf", "24"), ("x265-params", "pools=1:log-level=error")]),
        _ => ("libsvtav1", &[("preset", "10"), ("crf", "30"), ("svtav1-params", "lp=1")]),
    };
    Subject { encoder, format, size: SIZE, frames: FRAMES, options, level }
}

/// Waves that move, in each plane others, and a grain that no prediction foresees.
fn level(plane: usize, (x, y): (usize, usize), time: u32) -> u8 {
    let time = time as usize * (plane + 1);
    let (x, y) = (x + 5 * time, y + 2 * time);
    let grain = (x * 7 + y * 13 + (x * y) / 31) & 0xf;
    super::level(x, y, 0).saturating_add(grain as u8)
}

/// The digest of each frame in order: twice, the second time after a seek to the
/// start, as films are read.
fn decoded(file: &Path, device: Option<Device>) -> Result<Vec<Digest>, Error> {
    let mut input = Input::open(file)?;
    let mut decoder = match device {
        Some(device) => Decoder::open_on(device, &input, 0)?,
        None => Decoder::open(&input, 0, Skip::Nothing)?,
    };
    let (mut packet, mut frame) = (Packet::new()?, Frame::new()?);
    let mut digests = Vec::new();
    for pass in 0..2 {
        if pass > 0 {
            input.seek(0, 0)?;
            decoder.flush();
        }
        let mut errors = av::log::errors();
        while input.read(&mut packet)? {
            decoder.send(Some(&packet))?;
            while decoder.receive(&mut frame)? {
                digests.push(digest(&frame));
            }
        }
        decoder.send(None)?;
        while decoder.receive(&mut frame)? {
            digests.push(digest(&frame));
        }
        errors = av::log::errors() - errors;
        if errors > 0 {
            return Err(Error::InvalidData);
        }
    }
    Ok(digests)
}

/// Of all that is to be seen of a frame: its format, its size, its pixels.
fn digest(frame: &Frame) -> Digest {
    let size = frame.size();
    let mut bytes = format!("{} {}x{}", frame.pixel_format().name(), size.width, size.height).into_bytes();
    for index in 0..3 {
        let Some(plane) = frame.plane(index) else { continue };
        plane.data.chunks(plane.stride).for_each(|row| bytes.extend_from_slice(&row[..plane.width]));
    }
    Digest::of(&bytes)
}

/// Whether the frames are the same; how not, if not.
fn compare(expected: &[Digest], found: &[Digest]) -> Result<(), String> {
    if expected.is_empty() || found.len() != expected.len() {
        return Err(format!("it makes {} pictures where software makes {}", found.len(), expected.len()));
    }
    match expected.iter().zip(found).position(|(expected, found)| expected != found) {
        Some(place) => Err(format!("its picture {place} is another than that of software")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trial is right of a decoder of which we know that it works: each
    /// stream is encoded as it says, and gives all its frames, twice.
    #[test]
    fn software_passes_with_every_stream() {
        av::start();
        let folder = tempfile::tempdir().unwrap();
        for stream in STREAMS {
            trial(None, stream, folder.path()).unwrap();
            let file = folder.path().join("trial.mkv");
            let digests = decoded(&file, None).unwrap();
            assert_eq!(digests.len(), 2 * FRAMES as usize, "{}", stream.name());
            assert_eq!(digests[..FRAMES as usize], digests[FRAMES as usize..], "{}", stream.name());
            let neighbours = digests[..FRAMES as usize].windows(2).filter(|pair| pair[0] == pair[1]);
            assert_eq!(neighbours.count(), 0, "{}", stream.name());
            let input = Input::open(&file).unwrap();
            let facts = input.stream(0).unwrap();
            assert_eq!((facts.codec().as_str(), facts.size()), (stream.codec, (328, 264)));
        }
    }

    #[test]
    fn what_differs_or_is_missing_says_so() {
        let digests: Vec<Digest> = (0..4u8).map(|byte| Digest::of(&[byte])).collect();
        assert_eq!(compare(&digests, &digests), Ok(()));
        let mut other = digests.clone();
        other[2] = Digest::of(b"other");
        assert!(compare(&digests, &other).unwrap_err().contains("picture 2"));
        assert!(compare(&digests, &digests[..3]).unwrap_err().contains("3 pictures where software makes 4"));
        assert!(compare(&[], &[]).is_err());
        // One level of one sample is another picture.
        let mut frame = Frame::picture(PixelFormat::YUV420P, SIZE).unwrap();
        let before = digest(&frame);
        let plane = frame.plane_mut(2).unwrap();
        plane.data[plane.stride * 3 + plane.width - 1] = 1;
        assert_ne!(digest(&frame), before);
    }

    /// There is no such device here; on a machine that has one, it has to pass.
    #[test]
    fn every_device_and_stream_is_told_of() {
        av::start();
        let (known, files) = all();
        assert_eq!(known.len(), Device::ALL.len() * STREAMS.len());
        assert!(known.values().all(|tool| tool.identity.is_some() != tool.problem.is_some()));
        assert!(!cfg!(target_os = "linux") || files.contains(&PathBuf::from("/dev/dri")));
        let folder = tempfile::tempdir().unwrap();
        assert!(named("abacus", "h264-8", folder.path()).is_err());
        assert!(named("vaapi", "theora-8", folder.path()).is_err());
    }

    /// What a device that cannot be opened says: it is named, and no frame is
    /// made in software behind its back.
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    #[test]
    fn a_device_that_is_not_there_fails_its_trial() {
        av::start();
        let folder = tempfile::tempdir().unwrap();
        for device in Device::ALL {
            if devices(device).iter().any(|path| Path::new(path).exists()) || !cfg!(target_os = "linux") {
                eprintln!("left out: there may be a device for {}", device.name());
                continue;
            }
            let told = trial(Some(device), STREAMS[0], folder.path()).unwrap_err().to_string();
            assert!(told.contains(device.name()) && told.contains("does not decode h264-8"), "{told}");
        }
    }
}
