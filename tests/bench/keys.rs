//! How long a key takes, against BLAKE3 of the same specification's postcard
//! encoding, which says nothing of any field.

use std::hint::black_box;
use std::time::{Duration, Instant};

use autocut::base::{Digest, FrameRate, Orientation, Size, Timestamp};
use autocut::model::footage::{Colour, Matrix};
use autocut::model::overlay::{OverlaySpec, SpriteFormat, SpriteRun};
use autocut::model::specs::*;
use autocut::model::timeline::{Fit, Sampling, SourcePicture, VideoFormat};
use autocut::model::{ActionSpec, Toolchain, encode};

/// What a clip of three and a half seconds with one gauge asks for: `show`,
/// `draw`, `segment` with a sprite for every other frame, `sound`.
fn specs() -> Vec<ActionSpec> {
    let digest = Digest::of(b"file");
    let rate = FrameRate::per_second(30);
    let frame = Size::new(1920, 1080);
    let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
    let params = r##"{"channel":"speed","style":"Ring","label":null,"unit":null,"min":null,"max":null,"decimals":0,"anchor":"BottomLeft","size":"22%","margin":"2.5%","accent":"#ffb020","plate":"#00000099"}"##;
    let overlay = OverlaySpec { kind: "Gauge".into(), version: 2001, params: params.into() };
    let picture = SourcePicture {
        stored: Size::new(3840, 2160),
        pixel_aspect: (1, 1),
        orientation: Orientation::UPRIGHT,
        colour,
        rate,
    };
    let run = |n: u32| SpriteRun { first: n * 2, count: 2, sprite: Digest::of(&[n as u8]), x: 40, y: 860 };
    let start = Timestamp::from_seconds(192);
    let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        ActionSpec::Show(ShowSpec {
            overlay: overlay.clone(),
            telemetry: Some(digest),
            start: Some(1_717_236_030_000_000_000),
            utc: Some(1_717_236_030_000_000_000),
            frames: 105,
            rate,
            frame,
            clip: Some((1_717_236_030_000_000_000, 1_717_236_033_500_000_000)),
        }),
        ActionSpec::Draw(DrawSpec {
            overlay,
            shown: digest,
            format: SpriteFormat { frame, matrix: Matrix::Bt709, full_range: false },
        }),
        ActionSpec::Segment(SegmentSpec {
            sources: vec![SourceRun { file: digest, start, frames: 105, picture, fit: Fit::Fill }],
            format: VideoFormat { size: frame, rate, colour, sampling: Sampling::default() },
            encoder: VideoEncoder {
                name: "libx264".into(),
                options: vec![
                    option("preset", "veryfast"),
                    option("crf", "20"),
                    option("x264-params", "stitchable=1:open-gop=0:cpu-independent=1:keyint=250:force-cfr=1"),
                    option("flags", "+cgop+global_header+bitexact"),
                ],
                threads: 1,
            },
            overlays: vec![vec![SpriteRun { count: 105, ..run(200) }], (0..52).map(run).collect()],
        }),
        ActionSpec::Sound(SoundSpec {
            runs: vec![SoundRun { file: digest, start, samples: 168_000 }],
            sample_rate: 48_000,
            channels: 2,
        }),
    ]
}

/// Nanoseconds of a key and of its reference, the mean over the specs above.
pub(crate) fn measure() -> (u128, u128) {
    let specs = specs();
    let toolchain = Toolchain::default();
    let keys = || {
        specs.iter().for_each(|spec| {
            black_box(spec.key(&toolchain));
        })
    };
    let plain = || {
        let digest = |spec| Digest::derive("autocut bench", &encode(spec));
        specs.iter().for_each(|spec| {
            black_box(digest(spec));
        });
    };
    let rounds = 2_000;
    let time = |work: &dyn Fn()| {
        let started = Instant::now();
        (0..rounds).for_each(|_| work());
        started.elapsed()
    };
    // Alternating, and the best of each: the machine may be shared.
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    for _ in 0..9 {
        theirs = theirs.min(time(&plain));
        ours = ours.min(time(&keys));
    }
    let each = |time: Duration| time.as_nanos() / (rounds * specs.len() as u128);
    (each(ours), each(theirs))
}
