//! Outputs in HDR: what ffmpeg decodes of them against the formulas of ITU-R
//! BT.2100 and BT.2408, written down here once more, and against values that
//! these print; their tags by ffprobe; and footage whose colours are not known
//! ([`unknown`]).

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

#[path = "../common/mod.rs"]
mod common;

mod bt2100;
mod unknown;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Project, decode_warnings, ffprobe, tool};
use serde_json::Value;

/// Y, Cb and Cr in 10 bits of limited range.
type Levels = [u16; 3];

const WIDTH: usize = 256;
const HEIGHT: usize = 144;
const FRAMES: usize = 30;
/// Where clips start and how long they are, in frames.
const START: usize = 6;
const LENGTH: usize = 15;

const PQ: &str = "smpte2084";
const HLG: &str = "arib-std-b67";
const SDR: &str = "bt709";

/// A grey at a share of the way from black to white.
fn grey(percent: f64) -> Levels {
    [(64.0 + 876.0 * percent / 100.0).round() as u16, 512, 512]
}

/// Frames with a colour in each quadrant.
fn patches(colours: [Levels; 4]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(WIDTH * HEIGHT * 3);
    for (plane, part) in [1, 2, 2].into_iter().enumerate() {
        let (width, height) = (WIDTH / part, HEIGHT / part);
        for y in 0..height {
            for x in 0..width {
                let quadrant = usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
                frame.extend(colours[quadrant][plane].to_le_bytes());
            }
        }
    }
    frame
}

fn ffmpeg(project: &Project, args: &[&str]) {
    let output = Command::new("ffmpeg").current_dir(project.path("")).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "ffmpeg {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
}

/// Encodes raw frames of 4:2:0 with 10 bits without loss, tagged as what they are.
fn encode(project: &Project, name: &str, frames: &[u8], transfer: &str) {
    project.write("raw.yuv", frames);
    let size = format!("{WIDTH}x{HEIGHT}");
    let (primaries, matrix) = if transfer == SDR { ("bt709", "bt709") } else { ("bt2020", "bt2020nc") };
    let args = ["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", &size, "-r", "30"];
    let tags = ["-colorspace", matrix, "-color_primaries", primaries, "-color_trc", transfer, "-color_range", "tv"];
    let coded = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "lossless=1:log-level=error"];
    let input = ["-i", "raw.yuv", "-tag:v", "hvc1"];
    let all: Vec<&str> = args.into_iter().chain(input).chain(coded).chain(tags).chain([name]).collect();
    ffmpeg(project, &all);
    fs::remove_file(project.path("raw.yuv")).unwrap();
}

fn footage(project: &Project, name: &str, colours: [Levels; 4], transfer: &str) {
    encode(project, name, &patches(colours).repeat(FRAMES), transfer);
}

/// All frames as ffmpeg decodes them, in 4:2:0 with 10 bits.
fn decode(path: &Path, count: usize) -> Vec<u16> {
    let count = count.to_string();
    let args = ["-v", "error", "-i", path.to_str().unwrap(), "-fps_mode", "passthrough", "-frames:v", &count];
    let raw = ["-sws_flags", "bicubic+accurate_rnd", "-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-"];
    let output = Command::new("ffmpeg").args(args).args(raw).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

/// Samples in a frame.
const SAMPLES: usize = WIDTH * HEIGHT * 3 / 2;

/// The mean around a place of a frame, which is given in luma.
fn at(frame: &[u16], x: usize, y: usize) -> Levels {
    let planes = [(0, WIDTH, 1), (WIDTH * HEIGHT, WIDTH / 2, 2), (WIDTH * HEIGHT * 5 / 4, WIDTH / 2, 2)];
    planes.map(|(start, stride, part)| {
        let sum: u32 = (y / part - 2..y / part + 2)
            .flat_map(|y| (x / part - 2..x / part + 2).map(move |x| (x, y)))
            .map(|(x, y)| u32::from(frame[start + y * stride + x]))
            .sum();
        ((sum + 8) / 16) as u16
    })
}

fn quadrants(frame: &[u16]) -> [Levels; 4] {
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| at(frame, WIDTH * x / 4, HEIGHT * y / 4))
}

fn off(found: Levels, expected: Levels) -> u16 {
    found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap()
}

fn manifest(pins: &[&str], outputs: &str) -> String {
    let pins: Vec<String> = pins.iter().map(|pin| format!("\"mix/{pin}@0.2s\"")).collect();
    format!(
        r#"Project(version: 1, footage: {{ "mix": Footage(files: ["*.mp4"], fit: Fit) }},
            moments: Moments(length: "0.5s", pre_roll: "0s", weights: {{}}, pins: [{}]),
            outputs: {{ {outputs} }})"#,
        pins.join(", ")
    )
}

/// Colours of footage, by what it is. Each can be shown in every output.
const COLOURS: [(&str, &str, [Levels; 4]); 3] = [
    ("a-hlg", HLG, [[435, 477, 559], [413, 540, 500], [502, 512, 512], [600, 420, 520]]),
    ("b-pq", PQ, [[435, 490, 540], [420, 530, 500], [500, 512, 512], [560, 470, 520]]),
    ("c-sdr", SDR, [[252, 420, 820], [574, 378, 523], [502, 512, 512], [413, 608, 482]]),
];

#[test]
fn each_kind_becomes_what_the_recommendations_say() {
    let project = Project::new();
    for (name, transfer, colours) in COLOURS {
        footage(&project, &format!("{name}.mp4"), colours, transfer);
    }
    let outputs = r#"
        "pq": Reel(file: "out/pq.mp4", video: Video(dynamic_range: Hdr10, quality: 2)),
        "hlg": Reel(file: "out/hlg.mp4", video: Video(dynamic_range: Hlg, quality: 2)),
        "prores": Reel(file: "out/pq.mov", video: Video(dynamic_range: Hdr10, codec: ProRes, quality: 2)),
        "large": Reel(file: "out/large.mkv", video: Video(dynamic_range: Hdr10, quality: 2, size: "512x288")),"#;
    project.write("autocut.ron", manifest(&COLOURS.map(|(name, ..)| name), outputs));
    project.make();
    for (file, to) in [("out/pq.mp4", PQ), ("out/hlg.mp4", HLG), ("out/pq.mov", PQ)] {
        let frames = decode(&project.path(file), 1_000);
        assert_eq!(frames.len(), 3 * LENGTH * SAMPLES);
        for ((name, from, colours), frames) in COLOURS.into_iter().zip(frames.chunks(LENGTH * SAMPLES)) {
            for frame in frames.chunks(SAMPLES) {
                for (found, made) in quadrants(frame).into_iter().zip(colours) {
                    let expected = bt2100::levels_of(bt2100::light_of(made, from), to);
                    assert!(off(found, expected) <= 4, "{file}: {name}: {made:?} is {found:?} and not {expected:?}");
                }
            }
        }
    }
    // Scaled before or after, a patch is a patch.
    let file = project.path("out/large.mkv");
    let args = ["-v", "error", "-i", file.to_str().unwrap(), "-vf", "scale=256:144", "-y", "small.mkv"];
    let coded = ["-c:v", "ffv1", "-pix_fmt", "yuv420p10le"];
    let [.., last] = args;
    let args: Vec<&str> = args[..args.len() - 1].iter().copied().chain(coded).chain([last]).collect();
    ffmpeg(&project, &args);
    let large = decode(&project.path("small.mkv"), 1_000);
    let first = decode(&project.path("out/pq.mp4"), 1_000);
    for (large, first) in large.chunks(SAMPLES).zip(first.chunks(SAMPLES)) {
        for (large, first) in quadrants(large).into_iter().zip(quadrants(first)) {
            assert!(off(large, first) <= 4, "{large:?} and {first:?}");
        }
    }
}

/// BT.2408-7, table 1: what a grey card (26 cd/m2), greys of 83 % (162) and 90 %
/// (179) and the reference white (203) are in HLG and in PQ, in percent; and that
/// this white is that of SDR.
#[test]
fn printed_levels() {
    const TABLE: [(f64, f64); 4] = [(38.0, 38.0), (71.0, 56.0), (73.0, 57.0), (75.0, 58.0)];
    let project = Project::new();
    footage(&project, "a-hlg.mp4", TABLE.map(|(hlg, _)| grey(hlg)), HLG);
    footage(&project, "b-pq.mp4", TABLE.map(|(_, pq)| grey(pq)), PQ);
    footage(&project, "c-sdr.mp4", [grey(100.0); 4], SDR);
    let outputs = r#"
        "pq": Reel(file: "out/pq.mp4", video: Video(dynamic_range: Hdr10, quality: 2)),
        "hlg": Reel(file: "out/hlg.mp4", video: Video(dynamic_range: Hlg, quality: 2)),"#;
    project.write("autocut.ron", manifest(&["a-hlg", "b-pq", "c-sdr"], outputs));
    project.make();
    for (file, index) in [("out/hlg.mp4", 0), ("out/pq.mp4", 1)] {
        let frames = decode(&project.path(file), 1_000);
        for clip in frames.chunks(LENGTH * SAMPLES).take(2) {
            for (found, row) in quadrants(clip).into_iter().zip(TABLE) {
                let printed = grey(if index == 0 { row.0 } else { row.1 });
                // Whole percents: both sides are rounded to half of one.
                assert!(off(found, printed) <= 9, "{file}: {found:?} and {printed:?}");
            }
        }
        let white = at(&frames[2 * LENGTH * SAMPLES..], WIDTH / 4, HEIGHT / 4);
        let printed = if index == 0 { [721, 512, 512] } else { [573, 512, 512] };
        assert!(off(white, printed) <= 2, "{file}: {white:?} and {printed:?}");
    }
}

/// Slopes in all planes that move.
fn slopes(n: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(SAMPLES * 2);
    for y in 0..HEIGHT {
        frame.extend((0..WIDTH).flat_map(|x| (80 + 3 * x + n / 2 + y / 4).min(939).to_le_bytes()[..2].to_vec()));
    }
    for plane in 0..2 {
        for y in 0..HEIGHT / 2 {
            let level = |x: usize| 400 + x + if plane == 0 { y } else { 72 - y };
            frame.extend((0..WIDTH / 2).flat_map(|x| level(x).to_le_bytes()[..2].to_vec()));
        }
    }
    frame
}

#[test]
fn footage_of_the_same_kind_passes_as_it_is() {
    for (transfer, range) in [(PQ, "Hdr10"), (HLG, "Hlg")] {
        let project = Project::new();
        let frames: Vec<u8> = (0..FRAMES).flat_map(slopes).collect();
        encode(&project, "ride.mp4", &frames, transfer);
        let outputs =
            format!(r#""reel": Reel(file: "out/reel.mp4", video: Video(dynamic_range: {range}, quality: 1))"#);
        project.write("autocut.ron", manifest(&["ride"], &outputs));
        project.make();
        let source = decode(&project.path("ride.mp4"), 1_000);
        let found = decode(&project.path("out/reel.mp4"), 1_000);
        assert_eq!(found.len(), LENGTH * SAMPLES);
        let source = &source[START * SAMPLES..][..found.len()];
        let differences = || source.iter().zip(&found).map(|(a, b)| a.abs_diff(*b));
        let mean = differences().map(f64::from).sum::<f64>() / found.len() as f64;
        let most = differences().max().unwrap();
        // What is left is x265 at its best constant quality.
        assert!(mean < 0.5 && most <= 6, "{range}: {mean:.3} on average, {most} at most");
    }
}

/// The first stream, as ffprobe has it.
fn stream(file: &Path) -> Value {
    let args = ["-v", "error", "-select_streams", "v:0", "-show_streams", "-of", "json", file.to_str().unwrap()];
    serde_json::from_str::<Value>(&tool("ffprobe", &args)).unwrap()["streams"][0].clone()
}

fn side_data(found: &Value, kind: &str) -> Option<Value> {
    let list = found["side_data_list"].as_array()?;
    list.iter().find(|data| data["side_data_type"] == kind).cloned()
}

/// Of a display as ffprobe prints it: fractions.
fn number(value: &Value) -> f64 {
    let (num, den) = value.as_str().unwrap().split_once('/').unwrap();
    num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap()
}

/// BT.2020 (its table 3) on a display of 1,000 cd/m2; brightness not known.
fn expect_hdr10(name: &str, found: &Value) {
    let display = side_data(found, "Mastering display metadata").unwrap_or_else(|| panic!("{name}: {found}"));
    for (field, expected) in [
        ("red_x", 0.708),
        ("red_y", 0.292),
        ("green_x", 0.17),
        ("green_y", 0.797),
        ("blue_x", 0.131),
        ("blue_y", 0.046),
        ("white_point_x", 0.3127),
        ("white_point_y", 0.329),
        ("max_luminance", 1_000.0),
        ("min_luminance", 0.005),
    ] {
        assert!((number(&display[field]) - expected).abs() < expected * 0.01, "{name}: {field}: {display}");
    }
    let light = side_data(found, "Content light level metadata");
    // FFmpeg does not tell of two zeros in Matroska.
    if let Some(light) = light.or_else(|| (!name.ends_with(".mkv") && !name.ends_with(".webm")).then_some(Value::Null))
    {
        assert_eq!((&light["max_content"], &light["max_average"]), (&0.into(), &0.into()), "{name}");
    }
}

#[test]
fn every_container_says_what_it_holds() {
    let project = Project::new();
    footage(&project, "ride.mp4", COLOURS[0].2, HLG);
    const KINDS: [(&str, &str); 8] = [
        ("mp4", "Hevc"),
        ("mov", "Hevc"),
        ("mkv", "Hevc"),
        ("mp4", "Av1"),
        ("mkv", "Av1"),
        ("mp4", "Vp9"),
        ("webm", "Vp9"),
        ("mov", "ProRes"),
    ];
    let mut outputs = String::new();
    for (end, codec) in KINDS {
        for range in ["Hdr10", "Hlg"] {
            outputs += &format!(
                r#""{codec}-{end}-{range}": Reel(file: "out/{codec}-{range}.{end}", video: Video(dynamic_range: {range}, codec: {codec})),"#
            );
        }
    }
    // What is left out: HEVC, and VP9 in WebM.
    outputs += r#""usual": Reel(file: "usual.mp4", video: Video(dynamic_range: Hlg)),
        "usual-web": Reel(file: "usual.webm", video: Video(dynamic_range: Hdr10)),"#;
    project.write("autocut.ron", manifest(&["ride"], &outputs));
    project.make();
    for (end, codec) in KINDS {
        for (range, transfer) in [("Hdr10", PQ), ("Hlg", HLG)] {
            let name = format!("out/{codec}-{range}.{end}");
            let file = project.path(&name);
            let found = stream(&file);
            assert_eq!(found["color_transfer"], transfer, "{name}");
            assert_eq!(found["color_primaries"], "bt2020", "{name}");
            assert_eq!(found["color_space"], "bt2020nc", "{name}");
            assert_eq!(found["color_range"], "tv", "{name}");
            let pixels = if codec == "ProRes" { "yuv422p10le" } else { "yuv420p10le" };
            assert_eq!(found["pix_fmt"], pixels, "{name}");
            assert_eq!(decode_warnings(&file), "", "{name}");
            match range {
                "Hdr10" => expect_hdr10(&name, &found),
                _ => assert!(side_data(&found, "Mastering display metadata").is_none(), "{name}: {found}"),
            }
        }
    }
    let codec = |name: &str| ffprobe(&project.path(name), "v:0", "stream=codec_name");
    assert_eq!((codec("usual.mp4"), codec("usual.webm")), ("hevc".to_owned(), "vp9".to_owned()));

    // And the pictures themselves, without their container.
    ffmpeg(&project, &["-v", "error", "-i", "out/Hevc-Hdr10.mp4", "-c", "copy", "bare.hevc"]);
    let bare = project.path("bare.hevc");
    let found = stream(&bare);
    assert_eq!((&found["color_transfer"], &found["color_space"]), (&PQ.into(), &"bt2020nc".into()));
    let args = ["-v", "error", "-read_intervals", "%+#1", "-show_frames", "-of", "json", bare.to_str().unwrap()];
    let frames: Value = serde_json::from_str(&tool("ffprobe", &args)).unwrap();
    expect_hdr10("bare.hevc", &frames["frames"][0]);
}

/// How many samples of chroma have nearly that colour, with the luma beside them.
fn count(frame: &[u16], colour: Levels) -> usize {
    let chroma = WIDTH * HEIGHT / 4;
    (0..chroma)
        .filter(|index| {
            let (x, y) = (index % (WIDTH / 2), index / (WIDTH / 2));
            let luma = frame[2 * y * WIDTH + 2 * x];
            off([luma, frame[4 * chroma + index], frame[5 * chroma + index]], colour) <= 6
        })
        .count()
}

/// Text in white and in yellow over black: white of SDR is 203 cd/m2, so 58 % of
/// PQ and 75 % of HLG; yellow follows from the formulas.
#[test]
fn overlays_are_as_bright_as_white_of_sdr() {
    let project = Project::new();
    footage(&project, "a-sdr.mp4", [grey(0.0); 4], SDR);
    let overlays = r##"overlays: {
            "white": Text(text: "HHH", font: "40%", anchor: TopLeft),
            "yellow": Text(text: "HHH", font: "40%", anchor: BottomLeft, colour: "#ffff00"),
        }, outputs:"##;
    let outputs = r#"
        "pq": Reel(file: "out/pq.mp4", video: Video(dynamic_range: Hdr10, quality: 2)),
        "hlg": Reel(file: "out/hlg.mp4", video: Video(dynamic_range: Hlg, quality: 2)),
        "edit": Reel(file: "out/pq.mov", video: Video(dynamic_range: Hdr10, codec: ProRes, quality: 2)),"#;
    project.write("autocut.ron", manifest(&["a-sdr"], outputs).replace("outputs:", overlays));
    project.make();
    for (file, to, white) in [
        ("out/pq.mp4", PQ, [573, 512, 512]),
        ("out/hlg.mp4", HLG, [721, 512, 512]),
        ("out/pq.mov", PQ, [573, 512, 512]),
    ] {
        let frames = decode(&project.path(file), 1_000);
        let frame = &frames[7 * SAMPLES..8 * SAMPLES];
        // Yellow of BT.709 in 8 bits (ITU-R BT.709, as colour bars have it), times four.
        let yellow = bt2100::levels_of(bt2100::light_of([876, 64, 552], SDR), to);
        let found = [count(frame, white), count(frame, yellow)];
        assert!(found.iter().all(|count| *count > 150), "{file}: {found:?} for {white:?} and {yellow:?}");
        // Nothing is brighter than that.
        let most = frame[..WIDTH * HEIGHT].iter().max().unwrap();
        assert!(*most <= white[0] + 12, "{file}: {most}");
        // Black stays black.
        assert!(count(frame, [64, 512, 512]) > 1_000, "{file}");
    }
}

/// Bars beside what has another shape are black, or the picture itself, blurred
/// and with about a third of its light.
#[test]
fn what_has_another_shape() {
    let project = Project::new();
    footage(&project, "a-sdr.mp4", [grey(80.0); 4], SDR);
    for fit in ["Fit", "Blur"] {
        let outputs = r#"
            "pq": Reel(file: "pq.mkv", video: Video(dynamic_range: Hdr10, quality: 2, size: "256x256")),
            "hlg": Reel(file: "hlg.mkv", video: Video(dynamic_range: Hlg, quality: 2, size: "256x256")),"#;
        project.write("autocut.ron", manifest(&["a-sdr"], outputs).replace("fit: Fit", &format!("fit: {fit}")));
        project.make();
        for (file, to) in [("pq.mkv", PQ), ("hlg.mkv", HLG)] {
            let frames = decode(&project.path(file), 1);
            let chroma = 256 * 256;
            let bar = [frames[20 * 256 + 128], frames[chroma + 10 * 128 + 64], frames[chroma * 5 / 4 + 10 * 128 + 64]];
            let inside = bt2100::levels_of(bt2100::light_of(grey(80.0), SDR), to)[0];
            assert!(frames[128 * 256 + 128].abs_diff(inside) <= 3, "{file}");
            if fit == "Fit" {
                assert!(off(bar, [64, 512, 512]) <= 1, "{file}: {bar:?}");
            } else {
                let light = bt2100::light_of(bar, to)[0] / bt2100::light_of([inside, 512, 512], to)[0];
                assert!((0.25..0.42).contains(&light), "{file}: {bar:?} has {light:.2} of the light");
                assert!(off(bar, [bar[0], 512, 512]) <= 1, "{file}: {bar:?}");
            }
        }
    }
}

/// The same bytes with another number of jobs, in another folder, and nobody who
/// wants reproducible outputs is told no.
#[test]
fn the_same_bytes() {
    let make = |jobs: &str| {
        let project = Project::new();
        for (name, transfer, colours) in COLOURS {
            footage(&project, &format!("{name}.mp4"), colours, transfer);
        }
        let outputs = r#""pq": Reel(file: "pq.mp4", video: Video(dynamic_range: Hdr10))"#;
        project.write("autocut.ron", manifest(&COLOURS.map(|(name, ..)| name), outputs));
        assert_eq!(project.make_with(&["--reproducible", "-j", jobs]).code, 0);
        fs::read(project.path("pq.mp4")).unwrap()
    };
    assert!(make("1") == make("8"));
}

/// What is made to be looked at now is SDR, as H.264.
#[test]
fn drafts_are_sdr() {
    let project = Project::new();
    footage(&project, "ride.mp4", COLOURS[0].2, HLG);
    let outputs = r#""pq": Reel(file: "pq.mp4", video: Video(dynamic_range: Hdr10))"#;
    project.write("autocut.ron", manifest(&["ride"], outputs));
    assert_eq!(project.make_with(&["--draft"]).code, 0);
    let found = stream(&project.path("pq.draft.mp4"));
    assert_eq!((&found["codec_name"], &found["color_transfer"]), (&"h264".into(), &"bt709".into()));
}

/// What cannot go together is told where it stands.
#[test]
fn errors_have_their_place() {
    let project = Project::new();
    for (video, marked, message, hint) in [
        ("Video(dynamic_range: Hdr10, codec: H264)", "H264", "H.264 is not for HDR", "codec: Hevc"),
        ("Video(dynamic_range: Hlg, depth: 8)", "8)", "HDR has 10 bits", "leave `depth` out"),
        ("Video(dynamic_range: Hdr)", "Hdr)", "`Hdr` is not a dynamic range", "Hdr10"),
    ] {
        let text = manifest(&["ride"], &format!(r#""reel": Reel(file: "reel.mp4", video: {video})"#));
        project.write("autocut.ron", &text);
        let output = project.run(&["check"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(message) && told.contains(hint), "{told}");
        let line = text.lines().position(|line| line.contains("reel.mp4")).unwrap();
        let column = text.lines().nth(line).unwrap().find(marked).unwrap() + 1;
        assert!(told.contains(&format!("autocut.ron:{}:{column}", line + 1)), "{column} in {told}");
    }
}
