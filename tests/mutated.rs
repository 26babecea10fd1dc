//! Files to which something was done: bits flipped, runs overwritten, ends cut
//! off, in their headers (`moov`, EBML, parameter sets) and in what they hold.
//! Each goes through probe, analysis and rendering. There must be no crash, no
//! hang, and no wrong success: where a build ends well and without a word about
//! the file, ffmpeg finds nothing wrong with what was shown of it either.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::soak::Rounds;
use common::{Made, Project, decode_warnings, frame_hashes, testdata, tool};
use fastrand::Rng;

/// A build of a second of footage that takes longer hangs: its workers are given
/// up after a fifth of that.
const PATIENCE: Duration = Duration::from_secs(200);
const DEADLINE: &str = "20";

/// A whole file, and what its frames are, as ffmpeg decodes them.
struct Whole {
    name: String,
    path: PathBuf,
    bytes: Vec<u8>,
    seconds: f64,
    frames: BTreeMap<i64, String>,
}

/// Files of every container and kind of codec that matters, and the real ones.
fn files(folder: &Path) -> Vec<Whole> {
    let x264 = "-c:v libx264 -preset ultrafast -g 15";
    let recipes = [
        ("h264.mp4", format!("{x264} -bf 2 -c:a aac -movflags +faststart")),
        ("h264-end.mp4", format!("{x264} -c:a aac")),
        ("fragments.mp4", format!("{x264} -c:a aac -movflags +frag_keyframe+empty_moov")),
        ("h264.mkv", format!("{x264} -bf 2 -c:a aac")),
        ("h264.ts", format!("{x264} -bf 2 -c:a aac")),
        ("hevc.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=15 -c:a aac".to_owned()),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 15 -c:a libopus".to_owned()),
        ("mpeg4.avi", "-c:v mpeg4 -g 15 -bf 1 -c:a mp3".to_owned()),
        ("mjpeg.avi", "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le".to_owned()),
        ("mpeg2.mpg", "-c:v mpeg2video -g 15 -bf 2 -c:a mp2".to_owned()),
        ("prores.mov", "-c:v prores_ks -pix_fmt yuv422p10le -c:a pcm_s16le".to_owned()),
    ];
    let mut files = Vec::new();
    for (name, recipe) in recipes {
        let path = folder.join(name);
        let sources = "-v error -f lavfi -i testsrc2=s=128x96:r=30:d=3 -f lavfi -i sine=f=440:d=3:r=48000";
        let mut args: Vec<&str> = sources.split(' ').collect();
        args.extend(recipe.split(' '));
        if !recipe.contains("pix_fmt") {
            args.extend(["-pix_fmt", "yuv420p"]);
        }
        args.extend(["-threads", "1", "-metadata", "creation_time=2024-06-01T10:00:00Z", path.to_str().unwrap()]);
        let made = Command::new("ffmpeg").args(args).stdin(Stdio::null()).output().unwrap();
        if made.status.success() {
            files.push(path);
        } else {
            eprintln!("left out: this ffmpeg cannot make {name}");
        }
    }
    assert!(files.len() >= 5, "{files:?}");
    let real = ["gopro/hero7.mp4", "gopro/karma.mp4", "video/cuts-no-audio.mp4", "video/fullrange-60fps.mp4"];
    files.extend(real.into_iter().chain(["video/portrait-hevc-vfr.mp4", "video/rotated.mp4"]).filter_map(testdata));
    let whole = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let args = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path.to_str().unwrap()];
        let seconds = tool("ffprobe", &args).trim().parse().unwrap();
        Whole { name, bytes: fs::read(&path).unwrap(), seconds, frames: frames(&path), path }
    };
    files.into_iter().map(whole).collect()
}

/// The hash of each frame of the video that ffmpeg decodes, by milliseconds of
/// media time.
fn frames(file: &Path) -> BTreeMap<i64, String> {
    let args = ["-v", "quiet", "-threads", "1", "-i", file.to_str().unwrap(), "-map", "0:V:0"];
    let more = ["-fps_mode", "passthrough", "-f", "framemd5", "-"];
    let output = Command::new("ffmpeg").args(args).args(more).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut base = (1.0, 1_000.0);
    let mut frames = BTreeMap::new();
    for line in text.lines() {
        if let Some(tb) = line.strip_prefix("#tb 0: ") {
            let (num, den) = tb.split_once('/').unwrap();
            base = (num.parse().unwrap(), den.parse().unwrap());
        }
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if let [_, _, pts, _, _, hash] = cells[..] {
            let pts: f64 = pts.parse().unwrap_or(0.0);
            frames.insert((pts * 1_000.0 * base.0 / base.1).round() as i64, hash.to_owned());
        }
    }
    // Relative to the first, as autocut counts.
    let first = frames.first_key_value().map_or(0, |(at, _)| *at);
    frames.into_iter().map(|(at, hash)| (at - first, hash)).collect()
}

/// Where the headers of a file are: its boxes but for the media, or its start.
fn headers(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = std::iter::once(0..bytes.len().min(1_500)).collect();
    for name in [
        &b"moov"[..],
        b"stsd",
        b"stbl",
        b"stsz",
        b"stts",
        b"stco",
        b"stss",
        b"ctts",
        b"avcC",
        b"hvcC",
        b"elst",
        b"mdhd",
        b"tkhd",
        b"moof",
        b"trun",
        b"idx1",
    ] {
        let Some(at) = bytes.windows(4).position(|window| window == name) else { continue };
        let length = match name {
            b"moov" => 40_000,
            _ => 200,
        };
        found.push(at.saturating_sub(4)..(at + length).min(bytes.len()));
    }
    // Parameter sets of H.264 and HEVC behind start codes; segments of Matroska.
    for start in
        [&[0, 0, 1, 0x67][..], &[0, 0, 1, 0x68], &[0, 0, 1, 0x42], &[0x16, 0x54, 0xae, 0x6b], &[0x1c, 0x53, 0xbb, 0x6b]]
    {
        if let Some(at) = bytes.windows(start.len()).position(|window| window == start) {
            found.push(at..(at + 120).min(bytes.len()));
        }
    }
    found
}

/// Does something to a file, and says what.
fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) -> String {
    let all = 0..bytes.len();
    let headers = headers(bytes);
    let (place, what) =
        if rng.bool() { (all, "all of it") } else { (headers[rng.usize(0..headers.len())].clone(), "a header") };
    let place_told = format!("{what} ({}..{})", place.start, place.end);
    match rng.u32(0..10) {
        0..=3 => {
            let flips = [1, 3, 10, 40][rng.usize(0..4)];
            for _ in 0..flips {
                bytes[rng.usize(place.clone())] ^= 1 << rng.u32(0..8);
            }
            format!("{flips} bits flipped in {place_told}")
        }
        4..=6 => {
            let start = rng.usize(place.clone());
            let length = [4, 64, 2_000, 30_000][rng.usize(0..4)].min(bytes.len() - start);
            let with = rng.u32(0..3);
            for byte in &mut bytes[start..start + length] {
                *byte = match with {
                    0 => 0,
                    1 => 0xff,
                    _ => rng.u8(..),
                };
            }
            format!("{length} bytes overwritten at {start} in {place_told}")
        }
        7 => {
            let at = rng.usize(place.clone()).min(bytes.len().saturating_sub(4));
            let extreme: [u32; 6] = [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX, 0x0100_0000];
            let value = extreme[rng.usize(0..extreme.len())];
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
            format!("{value:#x} put at {at} in {place_told}")
        }
        8 => {
            let length = rng.usize(1..bytes.len());
            bytes.truncate(length);
            format!("cut off after {length} bytes")
        }
        _ => {
            let start = rng.usize(place.clone());
            let length = rng.usize(1..=5_000).min(bytes.len() - start);
            bytes.drain(start..start + length);
            format!("{length} bytes taken out at {start} in {place_told}")
        }
    }
}

fn run(project: &Project, args: &[&str]) -> Output {
    let mut command = common::autocut();
    command.current_dir(project.path(".")).args(args).env("AUTOCUT_DEADLINE", DEADLINE);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |from: &mut dyn std::io::Read| {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let out = std::thread::spawn(move || read(&mut out));
    let err = std::thread::spawn(move || read(&mut err));
    let since = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if since.elapsed() > PATIENCE => {
                child.kill().unwrap();
                panic!("it hangs");
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

/// Frames of a mutated file whose decoding ffmpeg complains of, or that are not
/// there although their packets are: `None` where all is well in the stretch.
fn complaint(file: &Path, whole: &Whole, shown: Range<i64>) -> Option<String> {
    let decoded = frames(file);
    let inside = |frames: &BTreeMap<i64, String>| -> Vec<(i64, String)> {
        frames.range(shown.clone()).map(|(at, hash)| (*at, hash.clone())).collect()
    };
    if inside(&decoded) == inside(&whole.frames) {
        return None;
    }
    let seconds = |millis: i64| format!("{:.3}", millis as f64 / 1_000.0);
    let (start, length) = (seconds(shown.start), seconds(shown.end - shown.start));
    // With the sound it would read on for as long as that lies behind.
    let names = ["h264", "hevc", "vp9", "mpeg4", "mjpeg", "mpeg2video", "prores"];
    let of = |file: &Path| {
        let args = ["-v", "error", "-threads", "1", "-ss", &start, "-t", &length, "-i", file.to_str().unwrap()];
        let output = Command::new("ffmpeg").args(args).args(["-map", "0:V:0", "-f", "null", "-"]).output().unwrap();
        by_decoders(&output, &names)
    };
    // What is said of a whole file is said because decoding begins there: in the
    // middle of a group, where there is no index.
    let (said, usual) = (of(file), without_addresses(&of(&whole.path)));
    // It seeks to a key frame well before: what is said there of pictures that end
    // before the key frame of the stretch does not reach into it.
    let args = ["-v", "error", "-threads", "1", "-t", &key_before(file, shown.start), "-i", file.to_str().unwrap()];
    let output = Command::new("ffmpeg").args(args).args(["-map", "0:V:0", "-f", "null", "-"]).output().unwrap();
    let before = by_decoders(&output, &names);
    let before = without_addresses(&before);
    let is_of_it = without_addresses(&said).iter().any(|line| !before.contains(line) && !usual.contains(line));
    is_of_it.then_some(said)
}

/// When the last key frame is shown that is at or before a time in milliseconds
/// of media time: in seconds from the start.
fn key_before(file: &Path, millis: i64) -> String {
    let args = ["-v", "quiet", "-select_streams", "V:0", "-skip_frame", "nokey", "-show_entries", "frame=pts_time"];
    let output = Command::new("ffprobe").args(args).args(["-of", "csv=p=0"]).arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let times: Vec<f64> = text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    let first = times.first().copied().unwrap_or(0.0);
    let keys = times.iter().map(|time| time - first).filter(|time| *time * 1_000.0 <= millis as f64 + 1.0);
    // Half a frame less: it is not to be decoded itself.
    format!("{:.3}", (keys.fold(0.0, f64::max) - 0.017).max(0.0))
}

/// Lines of a log without the places in memory that differ from run to run.
fn without_addresses(log: &str) -> Vec<String> {
    log.lines().map(|line| line.split_once(']').map_or(line, |(_, said)| said).to_owned()).collect()
}

/// The same of the sound.
fn complaint_of_sound(file: &Path, whole: &Whole, shown: Range<i64>) -> Option<String> {
    let seconds = |millis: i64| format!("{:.3}", millis as f64 / 1_000.0);
    let (start, length) = (seconds(shown.start), seconds(shown.end - shown.start));
    let decode = |file: &Path| {
        let args = ["-v", "error", "-ss", &start, "-t", &length, "-i", file.to_str().unwrap()];
        let output = Command::new("ffmpeg").args(args).args(["-map", "0:a:0", "-f", "md5", "-"]).output().unwrap();
        let said = by_decoders(&output, &["aac", "opus", "mp2", "mp2float", "mp3", "mp3float"]);
        (output.stdout, said)
    };
    let (hash, said) = decode(file);
    // What is said of a whole file is said because decoding begins there.
    let (before, usual) = decode(&whole.path);
    let is_damaged = !said.is_empty() && usual.is_empty() && hash != before;
    // ffmpeg begins to decode earlier, and complains of what is before too.
    (is_damaged && lacks_sound(file, &shown)).then_some(said)
}

/// Whether a frame of sound is missing in a stretch, by the times of those that
/// ffprobe decodes: none of these codecs has longer ones than 27 ms.
fn lacks_sound(file: &Path, shown: &Range<i64>) -> bool {
    let args = ["-v", "quiet", "-select_streams", "a:0", "-show_entries", "frame=pts_time", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(args).arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let times: Vec<f64> = text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    let (start, end) = (shown.start as f64 / 1_000.0, shown.end as f64 / 1_000.0);
    let ends_early = times.last().is_none_or(|last| last + 0.06 < end);
    ends_early || times.windows(2).any(|pair| pair[1] - pair[0] > 0.03 && pair[1] > start + 0.005 && pair[0] < end)
}

/// What these decoders said. What is said of the container alone is no damage to
/// what is shown.
fn by_decoders(output: &Output, names: &[&str]) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let is_theirs = |line: &&str| names.iter().any(|name| line.starts_with(&format!("[{name} @")));
    said.lines().filter(is_theirs).collect::<Vec<_>>().join("\n")
}

/// One mutated file, once through everything.
fn try_one(whole: &Whole, rng: &mut Rng, counts: &mut BTreeMap<&'static str, u32>) {
    let mut bytes = whole.bytes.clone();
    let what = mutate(&mut bytes, rng);
    let name = format!("a.{}", whole.path.extension().unwrap().to_str().unwrap());
    let project = Project::new();
    project.write(&name, bytes);
    let pinned = rng.bool();
    let at = rng.f64() * (whole.seconds - 1.2).max(0.0);
    let (weights, pins) = if pinned {
        (String::new(), format!("\"front/a@{at:.2}s\""))
    } else {
        ("\"motion\": 1, \"sharpness\": 1".to_owned(), String::new())
    };
    project.write(
        "autocut.ron",
        format!(
            r#"Project(version: 1,
                footage: {{ "front": Footage(files: ["{name}"]) }},
                moments: Moments(length: "1s", total: "1s", weights: {{{weights}}}, pins: [{pins}]),
                outputs: {{ "reel": Reel(file: "reel.mp4", video: Video(size: "64x64", rate: "30")) }})"#
        ),
    );
    let context = format!("{}: {what}, {}", whole.name, if pinned { "pinned" } else { "chosen" });
    eprintln!("{context}");
    let output = run(&project, &["make", "--json"]);
    let code = output.status.code();
    let made = Made::of(output);
    let said = format!("{}\n{:?}", made.stderr, made.events.last());
    assert!(matches!(code, Some(0..=2)), "{context}: exit code {code:?}\n{said}");
    assert!(!made.stderr.contains("panicked"), "{context}: {said}");
    if made.stderr.contains("the media worker")
        || made.events.iter().any(|event| event.to_string().contains("the media worker"))
    {
        eprintln!("a worker died or hung: {said}");
        *counts.entry("workers that died or hung").or_default() += 1;
    }
    if code != Some(0) {
        *counts.entry("refused").or_default() += 1;
        let events = made.events.iter().map(ToString::to_string).collect::<String>();
        assert!(made.stderr.contains(&name) || events.contains(&name), "{context}: no file is named: {said}");
        return;
    }
    let reel = project.path("reel.mp4");
    let frames = frame_hashes(&reel).len();
    assert_eq!(decode_warnings(&reel), "", "{context}");
    let warnings = made.warnings();
    let is_told = warnings.iter().any(|warning| warning.contains(&name));
    // A file that turns out to be shorter has room for less.
    let args = ["-v", "quiet", "-show_entries", "format=duration", "-of", "csv=p=0"];
    let probe = Command::new("ffprobe").args(args).arg(project.path(&name)).output().unwrap();
    let seconds: f64 = String::from_utf8_lossy(&probe.stdout).trim().parse().unwrap_or(0.0);
    let expected = if pinned && !is_told && at + 1.1 < seconds { 30..=30 } else { 1..=30 };
    assert!(expected.contains(&frames), "{context}: {frames} frames: {warnings:?}");
    if is_told {
        *counts.entry("used and told of").or_default() += 1;
        return;
    }
    let node = made.nodes("segment");
    let start = node.first().and_then(|node| node.split('@').nth(1)?.split('s').next()?.parse::<f64>().ok());
    let start = (start.unwrap_or_else(|| panic!("{context}: {node:?}")) * 1_000.0).round() as i64;
    let shown = start..start + i64::try_from(frames).unwrap() * 1_000 / 30 - 15;
    let path = project.path(&name);
    let complaint = complaint(&path, whole, shown.clone()).or_else(|| complaint_of_sound(&path, whole, shown));
    if let Some(complaint) = complaint {
        let kept = std::env::temp_dir().join(format!("wrong-success-{}-{name}", rng.u32(..)));
        fs::copy(project.path(&name), &kept).unwrap();
        panic!("{context}: a wrong success at {start} ms: ffmpeg says\n{complaint}\nkept as {}", kept.display());
    }
    *counts.entry("sound as far as can be seen").or_default() += 1;
}

#[test]
fn mutated_files_are_used_or_refused_and_never_pass_for_whole() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let mut counts = BTreeMap::new();
    Rounds::of("mutated", 30, 500).run(|_, rng| {
        let whole = &files[rng.usize(0..files.len())];
        try_one(whole, rng, &mut counts);
    });
    eprintln!("{counts:?}");
}
