//! Hardware encoders, tried: that FFmpeg lists one says nothing. Each encodes some
//! pictures in a process of its own, since drivers crash and hang, and what comes
//! out is decoded and compared.

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
        let identity = match tried {
            Ok(identity) => ToolIdentity { name: name.clone(), identity: Some(identity), problem: None },
            Err(problem) => ToolIdentity { name: name.clone(), identity: None, problem: Some(problem) },
        };
        known.insert(name, identity);
    }
    files.sort();
    files.dedup();
    (known, files)
}

/// The identity of an encoder that works, or why it does not.
fn tried(encoder: &str, files: &mut Vec<PathBuf>) -> Result<Digest, String> {
    if !av::codecs::has_encoder(encoder) {
        return Err("the FFmpeg libraries here have no such encoder".to_owned());
    }
    let devices = devices(encoder);
    // Where one appears, what was found is looked at again.
    files.extend(devices.iter().map(PathBuf::from));
    if !devices.is_empty() && !devices.iter().any(|device| Path::new(device).exists()) {
        return Err(format!("there is no device for it ({})", devices.join(", ")));
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| format!("it cannot be tried: {error}"))?;
    let told = child(Command::new(program).arg("trial").arg(encoder).arg(folder.path()), folder.path(), LIMIT)?;
    let mut lines = told.lines();
    let identity = lines.next().and_then(|line| line.parse().ok()).ok_or("its trial said nothing of use")?;
    files.extend(lines.map(PathBuf::from));
    Ok(identity)
}

/// What a process prints that ends well within the limit. It prints to files in
/// the folder: a driver's own process that lives on would keep a pipe open.
fn child(command: &mut Command, folder: &Path, limit: Duration) -> Result<String, String> {
    let (out, err) = (folder.join("out"), folder.join("err"));
    let spawned = File::create(&out)
        .and_then(|out| Ok((out, File::create(&err)?)))
        .and_then(|(out, err)| command.stdin(Stdio::null()).stdout(out).stderr(err).spawn());
    let mut child = spawned.map_err(|error| format!("it cannot be tried: {error}"))?;
    let end = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) | Err(_) => {
                child.kill().ok();
                child.wait().ok();
                return Err(format!("its trial got nothing done in {} s", limit.as_secs()));
            }
        }
    };
    let told = |file: &Path| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
    match (status.success(), told(&err).lines().last()) {
        (true, _) => Ok(told(&out)),
        (false, Some(last)) => Err(last.trim_start_matches("autocut-media: ").to_owned()),
        (false, None) => Err(format!("its trial ended with {status}")),
    }
}

/// Tries an encoder in this process, with a file in the folder: the digest of
/// what it made.
pub(crate) fn trial(encoder: &str, folder: &Path) -> Result<Digest, Diagnostic> {
    let failed = |error| av::diagnose(format!("the encoder {encoder} does not work"), error);
    let file = folder.join("trial.mkv");
    let made = encode(encoder, &file).and_then(|digest| compare(&file).map_err(failed).map(|near| (digest, near)));
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

fn encode(name: &str, file: &Path) -> Result<Digest, Diagnostic> {
    let failed = |error| av::diagnose(format!("the encoder {name} does not work"), error);
    let rate = FrameRate::per_second(30);
    let mut feed = Feed::new(name, SIZE, PixelFormat::YUV420P, &COLOUR).map_err(failed)?;
    let colour = colour_numbers(&COLOUR);
    let mut encoder = Encoder::video(&VideoSettings {
        encoder: name,
        size: SIZE,
        format: feed.format(),
        surfaces: feed.surfaces(),
        rate,
        colour,
        options: &[("g".to_owned(), "250".to_owned())],
        threads: 1,
    })?;
    let mut muxer = Muxer::create(file, "matroska").map_err(failed)?;
    let kind =
        NewKind::Video { size: SIZE, format: PixelFormat::YUV420P, frame_rate: (30, 1), colour, mastering: None };
    let (codec, extradata) = (encoder.codec(), encoder.extradata().to_vec());
    muxer.add(&NewStream { codec: &codec, tag: 0, extradata: &extradata, time_base: (1, 30), kind }).map_err(failed)?;
    muxer.begin(&[]).map_err(failed)?;
    let mut made = extradata;
    let mut packet = Packet::new().map_err(failed)?;
    let mut packets = 0;
    for time in 0..=FRAMES {
        let frame = if time < FRAMES { Some(picture(time).map_err(failed)?) } else { None };
        let prepared = frame.as_ref().map(|frame| feed.prepare(frame)).transpose().map_err(failed)?.flatten();
        encoder.send(prepared.as_ref().or(frame.as_ref())).map_err(failed)?;
        while encoder.receive(&mut packet).map_err(failed)? {
            made.extend_from_slice(packet.data());
            let ticks = |frame: i64| rate.time_of(frame).to_ticks(muxer.time_base(0));
            let (shown, key) = (packet.pts().unwrap_or(0), packet.is_key());
            // Decoded well before it is shown, whatever the order.
            packet.set_times(ticks(shown), ticks(packets - i64::from(FRAMES)), ticks(1));
            packet.set_key(key);
            packet.set_stream(0);
            muxer.write(&packet).map_err(failed)?;
            packets += 1;
        }
    }
    muxer.finish().map_err(failed)?;
    if packets != i64::from(FRAMES) {
        let message = format!("the encoder {name} made {packets} packets of {FRAMES} frames");
        return Err(Diagnostic::environment(message));
    }
    Ok(Digest::of(&made))
}

fn picture(time: u32) -> Result<Frame, Error> {
    let mut frame = Frame::picture(PixelFormat::YUV420P, SIZE)?;
    for index in 0..3 {
        let Some(plane) = frame.plane_mut(index) else { continue };
        for (y, row) in plane.data.chunks_mut(plane.stride).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                *value = if index == 0 { level(x, y, time) } else { 128 };
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
        assert!(hung.contains("got nothing done"), "{hung}");
        let killed = shell("kill -SEGV $$", LIMIT).unwrap_err();
        assert!(killed.contains("signal"), "{killed}");
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
