//! Every codec in every container that holds it, judged by ffmpeg and ffprobe:
//! whole, on time, near to the footage, the same every time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use autocut::deliver::codecs::{SoundCodec, VideoCodec};
use autocut::deliver::containers::Container;
use common::{Project, decode_warnings, ffprobe, frame_hashes, tool};
use serde_json::Value;

/// Two clips of 30 frames, at a rate that no millisecond hits.
const FRAMES: usize = 60;
const RATE: (f64, &str) = (30_000.0 / 1_001.0, "30000/1001");
const SAMPLES: usize = 96_096;

/// Five seconds of ffmpeg's test pattern and a tone, in the colours that outputs
/// have: what is compared is the encoders' work.
fn project() -> Project {
    let project = Project::new();
    let path = project.path("ride.mp4");
    let pattern = format!("testsrc2=s=320x180:r={}:d=5", RATE.1);
    let inputs = ["-v", "error", "-f", "lavfi", "-i", &pattern, "-f", "lavfi", "-i", "sine=f=440:d=5:r=48000"];
    let colours = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];
    let coded =
        ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    let args: Vec<&str> = inputs.into_iter().chain(colours).chain(coded).chain([path.to_str().unwrap()]).collect();
    tool("ffmpeg", &args);
    project
}

/// A reel for each pair of codec and container, with one codec of sound after
/// the other that the container holds.
fn matrix() -> Vec<(Container, VideoCodec, SoundCodec)> {
    let mut all = Vec::new();
    for container in Container::ALL {
        for (index, video) in container.video_codecs().iter().enumerate() {
            let sounds = container.sound_codecs();
            all.push((container, *video, sounds[index % sounds.len()]));
        }
    }
    all
}

fn name(container: Container, video: VideoCodec) -> String {
    format!("out/{video:?}.{}", container.extension())
}

fn manifest(outputs: &[String]) -> String {
    format!(
        r#"Project(version: 1, footage: {{ "front": "ride.mp4" }},
            moments: Moments(length: "1.001s", weights: {{}}, pins: ["front/ride@0.5005s", "front/ride@3.003s"]),
            overlays: {{ "title": Text(text: "Ride", anchor: BottomLeft) }},
            outputs: {{ {} }})"#,
        outputs.join(",\n")
    )
}

fn whole_matrix() -> String {
    let reels = matrix().into_iter().map(|(container, video, sound)| {
        let file = name(container, video);
        format!(
            r#""{video:?}-{container:?}": Reel(file: {file:?}, title: "A ride", overlays: [], video: Video(codec: {video:?}, quality: 18), sound: Sound(codec: {sound:?}))"#
        )
    });
    // The same segments, each in a file of its own.
    let clips = VideoCodec::ALL.into_iter().map(|video| {
        format!(
            r#""clips-{video:?}": Clips(folder: "out/clips/{video:?}", container: Mkv, overlays: [], video: Video(codec: {video:?}, quality: 18))"#
        )
    });
    manifest(&reels.chain(clips).collect::<Vec<_>>())
}

/// What ffprobe says of the stream of pictures and of that of sound, and the
/// title.
fn streams(file: &Path) -> (Value, Value, Value) {
    let args = ["-v", "error", "-show_streams", "-show_format", "-of", "json", file.to_str().unwrap()];
    let told: Value = serde_json::from_str(&tool("ffprobe", &args)).unwrap();
    let tags = &told["format"]["tags"];
    let title = if tags["title"].is_null() { &tags["TITLE"] } else { &tags["title"] };
    (told["streams"][0].clone(), told["streams"][1].clone(), title.clone())
}

/// Presentation times of the frames in seconds, as ffprobe has them.
fn times(file: &Path, stream: &Value) -> Vec<f64> {
    let (num, den) = stream["time_base"].as_str().unwrap().split_once('/').unwrap();
    let tick = num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap();
    let pts = ffprobe(file, "v:0", "frame=pts");
    let lines = pts.lines().map(|line| line.trim_matches(',')).filter(|line| !line.is_empty());
    lines.map(|line| line.parse::<f64>().unwrap() * tick).collect()
}

/// What `ffmpeg -v warning` says while it copies all packets.
fn copy_warnings(file: &Path) -> String {
    let args = ["-v", "warning", "-i", file.to_str().unwrap(), "-map", "0", "-c", "copy", "-f", "null", "-"];
    let output = Command::new("ffmpeg").args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The hash of the first frame at or after a time.
fn seek(file: &Path, time: f64) -> String {
    let at = format!("{time:.6}");
    let args = ["-v", "error", "-ss", &at, "-i", file.to_str().unwrap(), "-map", "0:v:0", "-frames:v", "1"];
    let args: Vec<&str> = args.into_iter().chain(["-fps_mode", "passthrough", "-f", "framemd5", "-"]).collect();
    let text = tool("ffmpeg", &args);
    text.lines().last().unwrap().rsplit(',').next().unwrap().trim().to_owned()
}

/// PSNR over all planes of each frame to the frame of `reference` with the same
/// number, at 8 bits, by ffmpeg; the worst.
fn worst_psnr(file: &Path, reference: &Path, log: &Path) -> f64 {
    let pixels = "scale=flags=accurate_rnd+bitexact,format=yuv420p,settb=1/25,setpts=N";
    let filter = format!("[0:v]{pixels}[a];[1:v]{pixels}[b];[a][b]psnr=stats_file={}", log.to_str().unwrap());
    let (file, reference) = (file.to_str().unwrap(), reference.to_str().unwrap());
    tool("ffmpeg", &["-v", "error", "-i", file, "-i", reference, "-lavfi", &filter, "-f", "null", "-"]);
    let text = fs::read_to_string(log).unwrap();
    let values = text.lines().map(|line| {
        let value = line.split("psnr_avg:").nth(1).unwrap().split(' ').next().unwrap();
        value.parse::<f64>().unwrap_or(100.0)
    });
    values.fold(f64::INFINITY, f64::min)
}

/// The frames that the reel shows, without loss.
fn reference(project: &Project) -> std::path::PathBuf {
    let path = project.path("reference.mkv");
    let source = project.path("ride.mp4");
    let filter = "select='between(n,15,44)+between(n,90,119)',setpts=N/(30000/1001)/TB,format=yuv420p";
    let args = ["-v", "error", "-y", "-i", source.to_str().unwrap(), "-an", "-vf", filter, "-r", RATE.1];
    let args: Vec<&str> = args.into_iter().chain(["-c:v", "ffv1", path.to_str().unwrap()]).collect();
    tool("ffmpeg", &args);
    path
}

/// Samples a channel that ffmpeg decodes.
fn decoded_samples(file: &Path) -> usize {
    let args = ["-v", "error", "-i", file.to_str().unwrap(), "-map", "0:a:0", "-f", "s16le", "-ac", "1", "-"];
    let output = Command::new("ffmpeg").args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
    output.stdout.len() / 2
}

#[test]
fn every_codec_in_every_container() {
    let project = project();
    project.write("autocut.ron", whole_matrix());
    let made = project.make();
    // Containers share segments and sound.
    assert_eq!(made.nodes("segment").len(), 2 * VideoCodec::ALL.len());
    let reference = reference(&project);
    for (container, video, sound) in matrix() {
        let name = name(container, video);
        let file = project.path(&name);
        // Matroska has no layout of channels; that ffmpeg says so of PCM is no
        // fault of the file.
        let told = decode_warnings(&file) + &copy_warnings(&file);
        let told: Vec<&str> = told.lines().filter(|line| !line.starts_with("Guessed Channel Layout")).collect();
        assert!(told.is_empty(), "{name}: {told:?}");

        // On time: exactly in MP4 and MOV, within half of Matroska's millisecond.
        let (pictures, heard, tags) = streams(&file);
        let times = times(&file, &pictures);
        assert_eq!(times.len(), FRAMES, "{name}");
        let matroska = matches!(container, Container::Mkv | Container::WebM);
        let within = if matroska { 0.000_501 } else { 1e-9 };
        for (n, time) in times.iter().enumerate() {
            assert!((time - n as f64 / RATE.0).abs() < within, "{name}: frame {n} is at {time}");
        }

        let expected = match video {
            VideoCodec::H264 => "h264",
            VideoCodec::Hevc => "hevc",
            VideoCodec::Av1 => "av1",
            VideoCodec::Vp9 => "vp9",
            VideoCodec::ProRes => "prores",
        };
        assert_eq!(pictures["codec_name"], expected, "{name}");
        match (video, container) {
            (VideoCodec::Hevc, Container::Mp4 | Container::Mov) => assert_eq!(pictures["codec_tag_string"], "hvc1"),
            (VideoCodec::ProRes, Container::Mov) => assert_eq!(pictures["codec_tag_string"], "apcs"),
            _ => {}
        }
        for tag in ["color_space", "color_transfer", "color_primaries"] {
            assert_eq!(pictures[tag], "bt709", "{name}: {tag}");
        }
        assert_eq!(pictures["color_range"], "tv", "{name}");
        assert_eq!(tags, "A ride", "{name}");

        // Sound: what was asked for, as long as the pictures.
        let expected = match sound {
            SoundCodec::Aac => "aac",
            SoundCodec::Opus => "opus",
            SoundCodec::Pcm => "pcm_s16le",
        };
        assert_eq!(heard["codec_name"], expected, "{name}");
        let heard = decoded_samples(&file);
        // Matroska tells in milliseconds where sound starts and ends. FFmpeg 5.1
        // does not end sound where an edit list does, so decodes all of the last
        // frame. PCM has no frames.
        let (early, late) = match sound {
            SoundCodec::Pcm => (0, 0),
            // What AAC has before its first sample is at a time before 0, and
            // FFmpeg 5.1 leaves that out for Opus alone.
            SoundCodec::Aac if matroska => (0, 1_024 + 48),
            _ if matroska => (48, 48),
            SoundCodec::Aac => (0, 1_023),
            SoundCodec::Opus => (0, 959),
        };
        assert!((SAMPLES - early..=SAMPLES + late).contains(&heard), "{name}: {heard} samples");

        // Joined as encoded: the frames of the two segments, and seeks find them.
        let hashes = frame_hashes(&file);
        let mut clips: Vec<_> = fs::read_dir(project.path(&format!("out/clips/{video:?}"))).unwrap().collect();
        clips.sort_by_key(|clip| clip.as_ref().unwrap().file_name());
        let alone: Vec<String> = clips.iter().flat_map(|clip| frame_hashes(&clip.as_ref().unwrap().path())).collect();
        assert_eq!(hashes, alone, "{name}");
        for n in [7, 30, 59] {
            // A hair before the frame, which milliseconds may have put early.
            let time = n as f64 / RATE.0 - 0.001;
            assert_eq!(seek(&file, time.max(0.0)), hashes[n], "{name}: seek to frame {n}");
        }

        // CRF 18 of a test pattern with hard edges: x264 has 38.4 dB here, and
        // all others are within some dB of that. Another frame than the right
        // one has less than 22.
        let psnr = worst_psnr(&file, &reference, &project.path("psnr.log"));
        assert!(psnr > 33.0, "{name}: PSNR {psnr}");
    }

    // Elsewhere, with another number of jobs: the same bytes.
    let again = Project::new();
    again.write("ride.mp4", fs::read(project.path("ride.mp4")).unwrap());
    again.write("autocut.ron", whole_matrix());
    assert_eq!(again.make_with(&["-j", "1"]).code, 0);
    for (container, video, _) in matrix() {
        let name = name(container, video);
        assert!(fs::read(project.path(&name)).unwrap() == fs::read(again.path(&name)).unwrap(), "{name} differs");
    }
}

/// What a container cannot hold is told where it stands, with what could.
#[test]
fn what_does_not_fit_is_an_error_with_its_place() {
    let project = project();
    let wrong = |output: &str| {
        project.write("autocut.ron", manifest(&[format!("\"reel\": {output}")]));
        let output = project.run(&["check"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for (output, message, marked, hint) in [
        (
            r#"Reel(file: "reel.mp4", video: Video(codec: ProRes))"#,
            "ProRes cannot stand in MP4",
            "ProRes",
            "`.mov` and `.mkv` can hold it; MP4 takes `H264`, `Hevc`, `Av1` and `Vp9`",
        ),
        (
            r#"Reel(file: "reel.webm", sound: Sound(codec: Aac))"#,
            "AAC cannot stand in WebM",
            "Aac",
            "`.mp4`, `.mov` and `.mkv` can hold it; WebM takes `Opus`",
        ),
        (
            r#"Clips(folder: "out", container: WebM, video: Video(codec: H264))"#,
            "H.264 cannot stand in WebM",
            "H264",
            "WebM takes `Vp9` and `Av1`",
        ),
        (
            r#"Reel(file: "reel.avi")"#,
            "the container of \"reel.avi\" is not known",
            "\"reel.avi\"",
            "`.mp4`, `.mov`, `.mkv`, `.webm`",
        ),
        (
            r#"Reel(file: "reel.mov", video: Video(codec: ProRes, depth: 8))"#,
            "ProRes has 10 bits",
            "8",
            "leave `depth` out",
        ),
        (r#"Reel(file: "reel.mp4", video: Video(depth: 12))"#, "pictures of 12 bits", "12", "write 8 or 10"),
        (r#"Reel(file: "reel.mp4", sound: Sound(depth: 24))"#, "AAC has no bits a sample", "24", "codec: Pcm"),
    ] {
        let told = wrong(output);
        assert!(told.contains(message) && told.contains(hint), "{told}");
        // The line is shown, and marked where it is wrong.
        let place = manifest(&[format!("\"reel\": {output}")]);
        let line = place.lines().position(|line| line.contains("reel")).unwrap() + 1;
        let column = place.lines().nth(line - 1).unwrap().find(marked).unwrap() + 1;
        assert!(told.contains(&format!("autocut.ron:{line}:{column}")), "{line}:{column} in {told}");
    }
}

/// What is left out follows the container.
#[test]
fn each_container_has_its_usual_codecs() {
    let project = project();
    let reels = ["mp4", "mov", "mkv", "webm"].map(|end| format!(r#""{end}": Reel(file: "reel.{end}", overlays: [])"#));
    let edit = r#""edit": Reel(file: "edit.mov", overlays: [], video: Video(codec: ProRes))"#.to_owned();
    project.write("autocut.ron", manifest(&reels.into_iter().chain([edit]).collect::<Vec<_>>()));
    project.make();
    let codecs = |name: &str| ["v:0", "a:0"].map(|stream| ffprobe(&project.path(name), stream, "stream=codec_name"));
    assert_eq!(codecs("reel.mp4"), ["h264", "aac"]);
    assert_eq!(codecs("reel.mov"), ["h264", "aac"]);
    assert_eq!(codecs("reel.mkv"), ["h264", "aac"]);
    assert_eq!(codecs("reel.webm"), ["vp9", "opus"]);
    assert_eq!(codecs("edit.mov"), ["prores", "pcm_s16le"]);
}

fn probed(file: &Path, entries: &str) -> String {
    ffprobe(file, "v:0", &format!("stream={entries}"))
}

/// Ten bits from footage to file, in every codec that has them: its profile,
/// and pictures with their overlay as the output of 8 bits shows them.
#[test]
fn ten_bits_in_every_codec() {
    let project = project();
    let reel = |name: &str, video: &str| format!(r#""{name}": Reel(file: "{name}", video: Video({video}))"#);
    let reels = [
        reel("eight.mkv", "quality: 1"),
        reel("h264.mkv", "codec: H264, depth: 10, quality: 10"),
        reel("hevc.mp4", "codec: Hevc, depth: 10, quality: 10"),
        reel("av1.mp4", "codec: Av1, depth: 10, quality: 10"),
        reel("vp9.webm", "depth: 10, quality: 10"),
        reel("prores.mov", "codec: ProRes, quality: 10"),
    ];
    project.write("autocut.ron", manifest(&reels));
    project.make();
    for (name, profile, pixels) in [
        ("h264.mkv", "High 10", "yuv420p10le"),
        ("hevc.mp4", "Main 10", "yuv420p10le"),
        ("av1.mp4", "Main", "yuv420p10le"),
        ("vp9.webm", "Profile 2", "yuv420p10le"),
        ("prores.mov", "Standard", "yuv422p10le"),
    ] {
        let file = project.path(name);
        assert_eq!(decode_warnings(&file), "", "{name}");
        assert_eq!(probed(&file, "profile,pix_fmt"), format!("{profile},{pixels}"), "{name}");
        // At CRF 10 of a pattern with hard edges. Without the overlay, or with
        // one of a quarter of its levels, it is under 30.
        let psnr = worst_psnr(&file, &project.path("eight.mkv"), &project.path("psnr.log"));
        assert!(psnr > 37.0, "{name}: PSNR {psnr}");
    }
}

/// A ramp in levels of 10 bits: each column's level comes out of the file
/// within a part of a level, which no way over 8 bits leaves.
#[test]
fn levels_between_those_of_8_bits_are_kept() {
    const WIDTH: usize = 320;
    let project = Project::new();
    let ramp = "color=black:s=320x180:r=30:d=2,format=yuv420p10,geq=lum='64+X*876/319':cb=512:cr=512";
    let footage = |name: &str, source: &str, range: &str, matrix: &str| {
        let path = project.path(name);
        let args = ["-v", "error", "-f", "lavfi", "-i", source, "-color_range", range, "-colorspace", matrix];
        let args: Vec<&str> = args.into_iter().chain(["-c:v", "ffv1", path.to_str().unwrap()]).collect();
        tool("ffmpeg", &args);
    };
    footage("ramp.mkv", ramp, "tv", "bt709");
    // The same in the range and the matrix of some phones: these levels are
    // changed on their way.
    footage("other.mkv", &ramp.replace("64+X*876/319", "X*1023/319"), "pc", "bt470bg");
    project.write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "*.mkv" },
            moments: Moments(length: "0.5s", pre_roll: "0s", weights: {}, pins: ["front/other@0.5s", "front/ramp@0.5s"]),
            outputs: {
                "hevc": Clips(folder: "hevc", container: Mkv, video: Video(codec: Hevc, depth: 10, quality: 4)),
                "prores": Clips(folder: "prores", container: Mkv, video: Video(codec: ProRes, quality: 4)),
            })"#,
    );
    project.make();
    for folder in ["hevc", "prores"] {
        let files: Vec<_> = fs::read_dir(project.path(folder)).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 2);
        for file in files {
            let args = ["-v", "error", "-i", file.to_str().unwrap(), "-frames:v", "1", "-f", "rawvideo", "-"];
            let output = Command::new("ffmpeg").args(args).stdin(Stdio::null()).output().unwrap();
            let luma: Vec<u16> = output.stdout[..WIDTH * 180 * 2]
                .as_chunks::<2>()
                .0
                .iter()
                .map(|pair| u16::from_le_bytes(*pair))
                .collect();
            let error = |x: usize| {
                let mean = (0..180).map(|y| f64::from(luma[y * WIDTH + x])).sum::<f64>() / 180.0;
                (mean - (64.0 + x as f64 * 876.0 / 319.0)).abs()
            };
            let errors: Vec<f64> = (0..WIDTH).map(error).collect();
            let mean = errors.iter().sum::<f64>() / WIDTH as f64;
            // Rounding to levels of 8 bits alone is off by 1 on average.
            assert!(mean < 0.75, "{}: off by {mean} of 1,023", file.display());
        }
    }
}

/// Footage that a phone stored lying: 4:2:2 cannot be turned in its own planes.
#[test]
fn pictures_of_422_are_turned_upright() {
    let project = Project::new();
    if !project.copy("video/rotated.mp4", "rotated.mp4") {
        return;
    }
    project.write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "rotated.mp4" },
            moments: Moments(length: "0.3s", pre_roll: "0s", weights: {}, pins: ["front/rotated@1s"]),
            outputs: {
                "small": Reel(file: "small.mkv", video: Video(size: "360x640", quality: 4)),
                "edit": Reel(file: "edit.mov", video: Video(size: "360x640", codec: ProRes, quality: 4)),
                "wide": Reel(file: "wide.mkv", video: Video(size: "640x360", quality: 4)),
                "wide-edit": Reel(file: "wide.mov", video: Video(size: "640x360", codec: ProRes, quality: 4)),
            })"#,
    );
    project.make();
    for (edit, other) in [("edit.mov", "small.mkv"), ("wide.mov", "wide.mkv")] {
        let (edit, other) = (project.path(edit), project.path(other));
        assert_eq!(probed(&edit, "width,height"), probed(&other, "width,height"));
        let psnr = worst_psnr(&edit, &other, &project.path("psnr.log"));
        assert!(psnr > 40.0, "{}: PSNR {psnr}", edit.display());
    }
}

/// PCM of 24 bits holds more than 16: the last 8 are not all 0.
#[test]
fn pcm_of_24_bits() {
    let project = project();
    let reel = r#""reel": Reel(file: "reel.mov", overlays: [], sound: Sound(codec: Pcm, depth: 24, footage: "-3dB"))"#;
    project.write("autocut.ron", manifest(&[reel.to_owned()]));
    project.make();
    let file = project.path("reel.mov");
    assert_eq!(
        ffprobe(&file, "a:0", "stream=codec_name,bits_per_raw_sample,bits_per_sample").split(',').next(),
        Some("pcm_s24le")
    );
    assert_eq!(decode_warnings(&file), "");
    let args = ["-v", "error", "-i", file.to_str().unwrap(), "-map", "0:a:0", "-f", "s24le", "-"];
    let output = Command::new("ffmpeg").args(args).stdin(Stdio::null()).output().unwrap();
    let low = output.stdout.chunks_exact(3).filter(|sample| sample[0] != 0).count();
    assert_eq!(output.stdout.len(), SAMPLES * 2 * 3);
    assert!(low > SAMPLES, "{low} of {SAMPLES} samples a channel have bits below 16");
}
