//! A media program that makes nothing of media: the engine's own costs are
//! measured with it. The benchmark itself, started again as `AUTOCUT_MEDIA`.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use autocut::base::{Digest, FrameRate, Orientation, Size, Timestamp, UtcTime};
use autocut::model::confinement::Confinement;
use autocut::model::footage::{Colour, Matrix};
use autocut::model::protocol::{self, Invocation, PROTOCOL_VERSION, Produced, Reply, Request};
use autocut::model::specs::SegmentInfo;
use autocut::model::{ActionSpec, AudioInfo, MediaInfo, Toolchain, Usage, VideoInfo, encode};

/// Says to a benchmark that it was started as a media program, and for how many
/// microseconds each action keeps a processor busy.
const BUSY: &str = "AUTOCUT_BENCH_BUSY";

/// Writes a program for `AUTOCUT_MEDIA` whose actions take `busy` each.
pub(crate) fn program(folder: &Path, busy: Duration) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = folder.join("fake-media");
    let script = format!("#!/bin/sh\n{BUSY}={} exec '{}'\n", busy.as_micros(), this.display());
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Serves as the media program, where this process was started as one.
pub(crate) fn serve() -> bool {
    let Ok(busy) = std::env::var(BUSY) else { return false };
    let busy = Duration::from_micros(busy.parse().unwrap());
    let mut autocut = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    while let Some(request) = protocol::receive::<Request>(&mut autocut).unwrap() {
        let replies = match request {
            Request::Hello { .. } => vec![Reply::Hello { version: PROTOCOL_VERSION }],
            Request::Confine(_) => vec![Reply::Confined(Confinement::default())],
            Request::Toolchain => vec![Reply::Toolchain(Toolchain::default())],
            Request::Run(invocations) => invocations.iter().map(|invocation| run(invocation, busy)).collect(),
        };
        replies.iter().for_each(|reply| protocol::send(&mut autocut, reply).unwrap());
    }
    true
}

fn run(invocation: &Invocation, busy: Duration) -> Reply {
    let started = Instant::now();
    let result = match &invocation.spec {
        ActionSpec::Probe(probe) => {
            // Each recorded at a time of its own.
            let minutes = i64::from(u32::from_le_bytes(*probe.file.0.first_chunk().unwrap()) % 10_000_000);
            Produced { value: encode(&info(4, UtcTime(minutes * 60_000_000_000))), ..Produced::default() }
        }
        spec => {
            let file = invocation.scratch.join("0");
            // As large as a second's segment of a small picture.
            let seed = Digest::of(&encode(spec));
            let bytes: Vec<u8> = seed.0.iter().copied().cycle().take(20_000).collect();
            fs::write(&file, bytes).unwrap();
            let value = match spec {
                ActionSpec::Segment(spec) => {
                    let extradata = Digest::of(b"");
                    encode(&SegmentInfo { frames: spec.frames(), bytes: 20_000, extradata, held: 0 })
                }
                _ => Vec::new(),
            };
            Produced { files: vec![file], value, ..Produced::default() }
        }
    };
    while started.elapsed() < busy {
        std::hint::spin_loop();
    }
    Reply::Done { id: invocation.id, result, usage: Usage::default() }
}

/// A file of so many seconds in Full HD.
pub(crate) fn info(seconds: i64, created: UtcTime) -> MediaInfo {
    let rate = FrameRate::new(30_000, 1_001).unwrap();
    let duration = Timestamp::from_seconds(seconds);
    MediaInfo {
        container: "mov".to_owned(),
        video: Some(VideoInfo {
            stream: 0,
            codec: "h264".to_owned(),
            stored: Size::new(1920, 1080),
            pixel_aspect: (1, 1),
            orientation: Orientation::UPRIGHT,
            rate,
            average_rate: rate,
            variable_rate: false,
            frames: 0,
            duration,
            profile: None,
            first: Timestamp::ZERO,
            top_field_first: None,
            pixel_format: "yuv420p".to_owned(),
            bit_depth: 8,
            colour: Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 },
            chunks: vec![Timestamp::ZERO],
        }),
        audio: Some(AudioInfo {
            stream: 1,
            codec: "aac".to_owned(),
            sample_rate: 48_000,
            channels: 2,
            start: Timestamp::ZERO,
            duration,
        }),
        created: Some(created),
        device: None,
        recording_ids: Vec::new(),
        timecode: None,
        tracks: Vec::new(),
    }
}
