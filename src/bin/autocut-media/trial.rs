//! Hardware encoders, tried: that FFmpeg lists one says nothing. Each encodes some
//! pictures in a process of its own, since drivers crash and hang, and what comes
//! out is decoded and compared.

pub(crate) mod decoding;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use autocut::base::{Diagnostic, Digest, FrameRate, Size, Timestamp};
use autocut::model::toolchain::{HARDWARE, ToolIdentity};
use autocut::model::{Colour, Matrix};

use crate::av::encoder::VideoSettings;
use crate::av::muxer::{NewKind, NewStream};
use crate::av::{self, Encoder, Error, Frame, Muxer, Packet, PixelFormat, Skip};
use crate::decode::Film;
use crate::feed::Feed;
use crate::picture::colour_numbers;

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What it may take of memory, in bytes: as much as work on footage may at least.
pub(crate) const MEMORY: u64 = 4 << 30;

/// More than the least side that any of them takes.
const SIZE: Size = Size::new(256, 256);
const FRAMES: u32 = 30;
const COLOUR: Colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };

/// The most by which luma may differ on average, in levels: the pattern is
/// smooth, and another frame of it differs by more.
const NEAR: u64 = 6;

/// What a maker's encoders need to find; one of the paths must be there. On
/// systems that are not listed they are asked in any case.
fn devices(encoder: &str) -> &'static [&'static str] {
    match encoder.rsplit('_').next() {
        _ if !cfg!(target_os = "linux") => &[],
        Some("nvenc") => &["/dev/nvidiactl", "/dev/dxg"],
        Some("vaapi" | "qsv" | "amf") => &["/dev/dri", "/dev/dxg"],
        _ => &[],
    }
}

/// Each hardware encoder with whether it works here, and every file on which
/// that rests.
pub(crate) fn hardware() -> (BTreeMap<String, ToolIdentity>, Vec<PathBuf>) {
    let mut files = Vec::new();
    let mut known = BTreeMap::new();
    for name in HARDWARE {
        let tried = tried(name, &mut files);
        let name = (*name).to_owned();
        known.insert(name.clone(), identified(name, tried));
    }
    files.sort();
    files.dedup();
    (known, files)
}

fn identified(name: String, tried: Result<Digest, String>) -> ToolIdentity {
    match tried {
        Ok(identity) => ToolIdentity { name, identity: Some(identity), problem: None },
        Err(problem) => ToolIdentity { name, identity: None, problem: Some(problem) },
    }
}

/// What came of a trial that did not succeed.
#[derive(Debug)]
enum Attempt {
    Failed(String),
    /// It got nothing done.
    Hung(String),
}

/// The identity of an encoder that works, or why it does not.
fn tried(encoder: &str, files: &mut Vec<PathBuf>) -> Result<Digest, String> {
    if !av::codecs::has_encoder(encoder) {
        return Err("the FFmpeg libraries here have no such encoder".to_owned());
    }
    attempt(&["trial", encoder], devices(encoder), files).map_err(|attempt| match attempt {
        Attempt::Failed(why) | Attempt::Hung(why) => why,
    })
}

/// Does a trial in a process of its own, where one of the devices is there: the
/// digest of what it made.
fn attempt(arguments: &[&str], devices: &[&str], files: &mut Vec<PathBuf>) -> Result<Digest, Attempt> {
    let failed = |why: String| Attempt::Failed(why);
    // Where one appears, what was found is looked at again.
    files.extend(devices.iter().map(PathBuf::from));
    if !devices.is_empty() && !devices.iter().any(|device| Path::new(device).exists()) {
        return Err(failed(format!("there is no device for it ({})", devices.join(", "))));
    }
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let folder = tempfile::tempdir().map_err(|error| failed(format!("it cannot be tried: {error}")))?;
    let told = child(Command::new(program).args(arguments).arg(folder.path()), folder.path(), LIMIT)?;
    let mut lines = told.lines();
    let identity = lines.next().and_then(|line| line.parse().ok());
    let identity = identity.ok_or_else(|| failed("its trial said nothing of use".to_owned()))?;
    files.extend(lines.map(PathBuf::from));
    Ok(identity)
}

/// What a process prints that ends well within the limit. It prints to files in
/// the folder: a driver's own process that lives on would keep a pipe open.
fn child(command: &mut Command, folder: &Path, limit: Duration) -> Result<String, Attempt> {
    let (out, err) = (folder.join("out"), folder.join("err"));
    let spawned = File::create(&out)
        .and_then(|out| Ok((out, File::create(&err)?)))
        .and_then(|(out, err)| command.stdin(Stdio::null()).stdout(out).stderr(err).spawn());
    let mut child = spawned.map_err(|error| Attempt::Failed(format!("it cannot be tried: {error}")))?;
    let end = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) | Err(_) => {
                child.kill().ok();
                child.wait().ok();
                return Err(Attempt::Hung(format!("its trial got nothing done in {} s", limit.as_secs())));
            }
        }
    };
    let told = |file: &Path| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
    match (status.success(), told(&err).lines().last()) {
        (true, _) => Ok(told(&out)),
        (false, Some(last)) => Err(Attempt::Failed(last.trim_start_matches("autocut-media: ").to_owned())),
        (false, None) => Err(Attempt::Failed(format!("its trial ended with {status}"))),
    }
}

/// Tries an encoder in this process, with a file in the folder: the digest of
/// what it made.
pub(crate) fn trial(encoder: &str, folder: &Path) -> Result<Digest, Diagnostic> {
    let failed = |error| av::diagnose(format!("the encoder {encoder} does not work"), error);
    let file = folder.join("trial.mkv");
    let subject =
        Subject { encoder, format: PixelFormat::YUV420P, size: SIZE, frames: FRAMES, options: &[], level: grey };
    let made = encode(&subject, &file).and_then(|digest| compare(&file).map_err(failed).map(|near| (digest, near)));
    match made? {
        (digest, true) => Ok(digest),
        (_, false) => {
            Err(Diagnostic::environment(format!("the encoder {encoder} makes other pictures than it is given")))
        }
    }
}

/// A level of luma that moves with time.
fn level(x: usize, y: usize, time: u32) -> u8 {
    let wave = |n: usize| (n % 128).abs_diff(64) as u8;
    60 + wave(x + 8 * time as usize) + wave(y + 4 * time as usize)
}

/// The same without colours.
fn grey(plane: usize, (x, y): (usize, usize), time: u32) -> u8 {
    if plane == 0 { level(x, y, time) } else { 128 }
}

/// What is encoded, and how.
struct Subject<'a> {
    encoder: &'a str,
    /// Planar, 4:2:0.
    format: PixelFormat,
    size: Size,
    frames: u32,
    options: &'a [(&'a str, &'a str)],
    /// Of a plane at a place and time, of 8 bits.
    level: fn(usize, (usize, usize), u32) -> u8,
}

/// Encodes some frames into a Matroska file: the digest of what the encoder made.
fn encode(subject: &Subject, file: &Path) -> Result<Digest, Diagnostic> {
    let Subject { encoder: name, format, size, frames, .. } = *subject;
    let failed = |error| av::diagnose(format!("the encoder {name} does not work"), error);
    let rate = FrameRate::per_second(30);
    let mut feed = Feed::new(name, size, format, &COLOUR).map_err(failed)?;
    let colour = colour_numbers(&COLOUR);
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let options: Vec<_> = [("g", "250")].iter().chain(subject.options).map(owned).collect();
    let mut encoder = Encoder::video(&VideoSettings {
        encoder: name,
        size,
        format: feed.format(),
        surfaces: feed.surfaces(),
        rate,
        colour,
        options: &options,
        threads: 1,
    })?;
    let mut muxer = Muxer::create(file, "matroska").map_err(failed)?;
    let kind = NewKind::Video { size, format, frame_rate: (30, 1), colour, mastering: None };
    let (codec, extradata) = (encoder.codec(), encoder.extradata().to_vec());
    muxer.add(&NewStream { codec: &codec, tag: 0, extradata: &extradata, time_base: (1, 30), kind }).map_err(failed)?;
    muxer.begin(&[]).map_err(failed)?;
    let mut made = extradata;
    let mut packet = Packet::new().map_err(failed)?;
    let mut packets = 0;
    for time in 0..=frames {
        let frame = if time < frames { Some(picture(subject, time).map_err(failed)?) } else { None };
        let prepared = frame.as_ref().map(|frame| feed.prepare(frame)).transpose().map_err(failed)?.flatten();
        encoder.send(prepared.as_ref().or(frame.as_ref())).map_err(failed)?;
        while encoder.receive(&mut packet).map_err(failed)? {
            made.extend_from_slice(packet.data());
            let ticks = |frame: i64| rate.time_of(frame).to_ticks(muxer.time_base(0));
            let (shown, key) = (packet.pts().unwrap_or(0), packet.is_key());
            // Decoded well before it is shown, whatever the order.
            packet.set_times(ticks(shown), ticks(packets - i64::from(frames)), ticks(1));
            packet.set_key(key);
            packet.set_stream(0);
            muxer.write(&packet).map_err(failed)?;
            packets += 1;
        }
    }
    muxer.finish().map_err(failed)?;
    if packets != i64::from(frames) {
        let message = format!("the encoder {name} made {packets} packets of {frames} frames");
        return Err(Diagnostic::environment(message));
    }
    Ok(Digest::of(&made))
}

fn picture(subject: &Subject, time: u32) -> Result<Frame, Error> {
    let mut frame = Frame::picture(subject.format, subject.size)?;
    let is_deep = subject.format.bit_depth() > 8;
    for index in 0..3 {
        let Some(plane) = frame.plane_mut(index) else { continue };
        for (y, row) in plane.data.chunks_mut(plane.stride).enumerate() {
            let value = |x| (subject.level)(index, (x, y), time);
            if is_deep {
                for (x, pair) in row.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                    *pair = (u16::from(value(x)) << 2).to_ne_bytes();
                }
            } else {
                row.iter_mut().enumerate().for_each(|(x, sample)| *sample = value(x));
            }
        }
    }
    frame.set_time(i64::from(time));
    frame.set_key(time == 0);
    Ok(frame)
}

/// Whether each frame of the file is near to the one that was encoded.
fn compare(file: &Path) -> Result<bool, Error> {
    let mut film = Film::open(file, Skip::Nothing).map_err(|_| Error::InvalidData)?;
    for time in 0..FRAMES {
        // Half a frame late: the file counts in milliseconds.
        let at = Timestamp::new(2 * i64::from(time) + 1, 60);
        let shown = film.frame_at(at).map_err(|_| Error::InvalidData)?;
        let Some(plane) = shown.frame.plane(0) else { return Ok(false) };
        let mut off = 0;
        for (y, row) in plane.data.chunks(plane.stride).enumerate() {
            let pairs = row[..plane.width].iter().enumerate();
            off += pairs.map(|(x, value)| u64::from(value.abs_diff(level(x, y, time)))).sum::<u64>();
        }
        if off > NEAR * SIZE.area() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trial is right of an encoder of which we know that it works, and of
    /// one that no machine has.
    #[test]
    fn what_works_passes_and_what_does_not_says_why() {
        av::start();
        let folder = tempfile::tempdir().unwrap();
        assert!(trial("libx264", folder.path()).is_ok());
        assert!(trial("h264_nothing", folder.path()).unwrap_err().to_string().contains("h264_nothing"));
    }

    /// Another picture is noticed: each frame of the pattern differs by more
    /// from its neighbours than what is allowed.
    #[test]
    fn neighbours_of_the_pattern_differ() {
        let side = SIZE.width as usize;
        let cells = (0..side * side).map(|at| (at % side, at / side));
        let off: u64 = cells.map(|(x, y)| u64::from(level(x, y, 3).abs_diff(level(x, y, 4)))).sum();
        assert!(off > NEAR * SIZE.area(), "{}", off / SIZE.area());
    }

    #[test]
    fn a_trial_that_hangs_or_crashes_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let shell = |line: &str, limit| child(Command::new("sh").args(["-c", line]), folder.path(), limit);
        let hung = shell("sleep 5", Duration::from_millis(50)).unwrap_err();
        assert!(matches!(&hung, Attempt::Hung(why) if why.contains("got nothing done")), "{hung:?}");
        let killed = shell("kill -SEGV $$", LIMIT).unwrap_err();
        assert!(matches!(&killed, Attempt::Failed(why) if why.contains("signal")), "{killed:?}");
        // What it leaves behind is not waited for.
        let started = Instant::now();
        assert_eq!(shell("sleep 5 & echo ab", LIMIT).unwrap(), "ab\n");
        assert!(started.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn every_hardware_encoder_is_told_of() {
        av::start();
        let (known, _) = hardware();
        assert_eq!(known.len(), HARDWARE.len());
        assert!(known.values().all(|tool| tool.identity.is_some() != tool.problem.is_some()));
    }
}
