//! `quality: Copy | Auto`: whole GOPs of footage as they are, and only what lies
//! around them encoded. What is copied is compared with ffmpeg's own decode of
//! the footage.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod broken;
#[path = "../common/mod.rs"]
mod common;
mod hevc;

use std::fs;
use std::ops::Range;
use std::path::Path;

use common::{Project, decode_warnings, ffprobe, frame_hashes, tool};

/// Moving pictures with sound, at 30 a second, encoded by ffmpeg.
fn footage(project: &Project, name: &str, pattern: &str, encoder: &[&str]) {
    let path = project.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (source, sound) = (format!("{pattern}=size=320x240:rate=30:duration=8"), "sine=frequency=330:duration=8");
    let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &source, "-f", "lavfi", "-i", sound];
    args.extend(encoder);
    args.extend(["-c:a", "aac", path.to_str().unwrap()]);
    tool("ffmpeg", &args);
}

/// x265 with key frames once a second, after the second of which nothing refers to
/// what is before (closed) or two pictures do (open).
fn hevc(open: bool, more: &str, pixels: &'static str) -> [String; 10] {
    let params = format!(
        "log-level=error:keyint=30:min-keyint=30:scenecut=0:bframes=2:b-adapt=0:open-gop={}{more}",
        u8::from(open)
    );
    ["-c:v", "libx265", "-preset", "superfast", "-x265-params", &params, "-pix_fmt", pixels, "-colorspace", "bt709"]
        .map(str::to_owned)
}

/// The same, as arguments.
fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// The name of the pictures' codec in the container.
fn tag(file: &Path) -> String {
    ffprobe(file, "v", "stream=codec_tag_string").trim_matches([',', '\n']).to_owned()
}

/// Two frames that others are needed for before each of the third, from the key frame
/// on.
const USUAL: &[&str] =
    &["-c:v", "libx264", "-bf", "2", "-b_strategy", "0", "-g", "30", "-pix_fmt", "yuv420p", "-colorspace", "bt709"];

fn manifest(project: &Project, pins: &str, output: &str) {
    let more = if pins.contains("b/") { ", \"b\": \"b/*\"" } else { "" };
    let text = format!(
        "Project(version: 1, footage: {{ \"a\": \"a/*\"{more} }}, \
         moments: Moments(length: \"5.5s\", weights: {{}}, pins: [{pins}]), outputs: {{ \"film\": {output} }})"
    );
    project.write("autocut.ron", text);
}

/// The hash of each frame of a file, decoded from `seconds` on.
fn hashes_from(file: &Path, seconds: &str) -> Vec<String> {
    let file = file.to_str().unwrap();
    let text = tool("ffmpeg", &["-v", "error", "-ss", seconds, "-i", file, "-map", "0:v", "-f", "framemd5", "-"]);
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    frames.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// Every time stamp is `n / 30`, by ffprobe.
fn assert_on_time(file: &Path, frames: usize) {
    let text = ffprobe(file, "v", "frame=pts_time");
    let lines = text.lines().map(|line| line.trim_end_matches(',')).filter(|line| !line.is_empty());
    let times: Vec<f64> = lines.map(|line| line.parse().unwrap()).collect();
    assert_eq!(times.len(), frames);
    for (index, time) in times.iter().enumerate() {
        assert!((time - index as f64 / 30.0).abs() < 1e-5, "frame {index} at {time}");
    }
}

#[test]
fn whole_gops_are_copied_and_only_edges_encoded() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", USUAL);
    manifest(&project, "\"a/one@1.4s\"", "Clips(folder: \"out\", video: Video(quality: Copy))");
    let made = project.make();
    // From frame 42 to 207: the GOPs at 60, 90 ... to 180 are whole, and of the last
    // one the two frames before 207 need that one.
    made.assert_ran([("probe", 1), ("choose", 1), ("copy", 1), ("copy.sound", 1), ("segment", 2), ("join", 1)]);
    let clip = project.path("out/a-one-0h00m01.400s.mp4");
    assert_on_time(&clip, 165);
    assert_eq!(decode_warnings(&clip), "");
    let (source, shown) = (frame_hashes(&project.path("a/one.mp4")), frame_hashes(&clip));
    assert_eq!(shown[18..163], source[60..205]);
    assert_ne!(shown[17], source[59]);
    assert_ne!(shown[163], source[205]);
    // A player lands where it wants to: in what is encoded and in what is copied.
    for (seconds, frame) in [("0.3", 9), ("1.2", 36), ("3.7", 111), ("5.0", 150), ("5.43", 163)] {
        assert_eq!(hashes_from(&clip, seconds), shown[frame..], "from {seconds} s");
    }
    assert_eq!(tag(&clip), "avc1");
    let explained = String::from_utf8(project.run(&["explain", "film"]).stdout).unwrap();
    assert!(explained.contains("copied    145 frames as they are, 20 encoded"), "{explained}");
    for asked in [&["explain", "clip", "1"][..], &["explain", "out/a-one-0h00m01.400s.mp4"]] {
        let explained = project.ok(asked);
        assert!(!explained.contains("is not known") && explained.contains("a/one"), "{asked:?}: {explained}");
    }
    project.make().assert_ran([]);
}

/// Some cameras write where they are into messages between the pictures.
#[test]
fn what_a_camera_says_between_the_pictures_is_left_out() {
    let project = Project::new();
    let message = ["-bsf:v", "h264_metadata=sei_user_data=086f3693b7b34f2c965321492feee5b8+geo-47.3769"];
    footage(&project, "a/one.mp4", "testsrc2", &[USUAL, &message].concat());
    manifest(&project, "\"a/one@0s\"", "Clips(folder: \"out\", video: Video(quality: Copy))");
    assert_eq!(project.make().ran()["copy"], 1);
    let clip = project.path("out/a-one-0h00m00.000s.mp4");
    assert!(frame_hashes(&clip)[..160] == frame_hashes(&project.path("a/one.mp4"))[..160]);
    let says = |path: &Path, what: &[u8]| fs::read(path).unwrap().windows(what.len()).any(|part| part == what);
    assert!(says(&project.path("a/one.mp4"), b"geo-47.3769") && !says(&clip, b"geo-47.3769"));
    assert_eq!(decode_warnings(&clip), "");
}

/// The packets of a file's sound, by their hashes.
fn sound_packets(file: &Path) -> Vec<String> {
    let file = file.to_str().unwrap();
    let text = tool("ffmpeg", &["-v", "error", "-i", file, "-map", "0:a", "-c", "copy", "-f", "framemd5", "-"]);
    let packets = text.lines().filter(|line| !line.starts_with('#'));
    packets.map(|line| line.split(',').nth(5).unwrap().trim().to_owned()).collect()
}

/// What is heard, decoded by ffmpeg.
fn samples(file: &Path) -> Vec<i16> {
    let pcm = file.with_extension("pcm");
    let (file, to) = (file.to_str().unwrap(), pcm.to_str().unwrap());
    tool("ffmpeg", &["-v", "error", "-y", "-i", file, "-map", "0:a", "-f", "s16le", to]);
    fs::read(&pcm).unwrap().chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect()
}

#[test]
fn the_sound_of_a_clip_is_the_footages_own_to_the_sample() {
    for (container, start) in [("mp4", "1.4"), ("mov", "0"), ("mkv", "2.5")] {
        let project = Project::new();
        let source = format!("a/one.{container}");
        footage(&project, &source, "testsrc2", USUAL);
        let output = "Clips(folder: \"out\", video: Video(quality: Copy))";
        manifest(&project, &format!("\"a/one@{start}s\""), output);
        let made = project.make();
        assert_eq!(made.warnings(), Vec::<String>::new(), "{container}");
        assert_eq!(made.ran().get("copy.sound"), Some(&1), "{container}");
        assert_eq!(made.ran().get("mix"), None, "{container}");
        let clips = common::files::files_below(&project.path("out"));
        let [clip] = clips.as_slice() else { panic!("{clips:?}") };
        let clip = &project.path("out").join(clip);
        let (all, own) = (sound_packets(&project.path(&source)), sound_packets(clip));
        assert!(all.windows(own.len()).any(|part| part == own), "{container}: packets of its own, and in order");
        let (all, own) = (samples(&project.path(&source)), samples(clip));
        // Its sine has 44,100 samples a second; 5.5 s are shown. In Matroska, which has
        // no edit lists, what is decoded begins before the pictures.
        let late = |file: &Path| {
            let time =
                |stream| ffprobe(file, stream, "stream=start_time").trim_matches([',', '\n']).parse::<f64>().unwrap();
            time("a") - time("v")
        };
        let first = start.parse::<f64>().unwrap() + late(clip) - late(&project.path(&source));
        let first = (first * 44_100.0).round() as usize;
        assert!(own.len().abs_diff(242_550) <= 3 * 1_024, "{container}: {} samples", own.len());
        // Matroska counts milliseconds; a millisecond is 44 samples.
        let slack = if container == "mkv" { 45 } else { 0 };
        let off = |shift: usize| {
            let there = &all[(first + shift).saturating_sub(slack)..];
            own.iter().zip(there).take(240_000).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
        };
        let least = (0..=2 * slack).map(off).min().unwrap();
        // Decoders fill some bands with noise, which goes on from where it was.
        assert!(least <= 8, "{container}: {least} levels off");
        assert_eq!(decode_warnings(clip), "", "{container}");
    }
}

#[test]
fn sound_of_which_anything_is_asked_is_mixed() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", USUAL);
    let output = |sound: &str| format!("Clips(folder: \"out\", video: Video(quality: Copy){sound})");
    manifest(&project, "\"a/one@1.4s\"", &output(", sound: Sound(fade: \"0s\")"));
    let made = project.make();
    assert_eq!((made.ran().get("mix"), made.ran().get("copy.sound")), (Some(&1), None));
    // What is no AAC is told of.
    let (from, to) = (project.path("a/one.mp4"), project.path("a/two.mov"));
    let pcm = ["-v", "error", "-i", from.to_str().unwrap(), "-c:v", "copy", "-c:a", "pcm_s16le", to.to_str().unwrap()];
    tool("ffmpeg", &pcm);
    manifest(&project, "\"a/two@1.4s\"", &output(""));
    let made = project.make();
    assert_eq!(made.ran().get("mix"), Some(&1));
    let told = made.warnings().join("\n");
    assert!(told.contains("pcm_s16le") && told.contains("only AAC is copied"), "{told}");
}

/// Pictures of two encoders whose parameter sets have one number: those of the
/// second get others, so that the film is `avc1`, as QuickTime demands.
#[test]
fn footage_of_two_cameras_is_copied_into_one_film() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", USUAL);
    let other = ["-bf", "0", "-refs", "1", "-profile:v", "main", "-x264-params", "cabac=0:slices=3"];
    footage(&project, "b/two.mov", "testsrc", &[USUAL, &other].concat());
    manifest(&project, "\"a/one@1s\", \"b/two@1.5s\"", "Reel(file: \"film.mp4\", video: Video(quality: Copy))");
    project.make();
    let film = project.path("film.mp4");
    assert_on_time(&film, 330);
    assert_eq!(decode_warnings(&film), "");
    let shown = frame_hashes(&film);
    let (one, two) = (frame_hashes(&project.path("a/one.mp4")), frame_hashes(&project.path("b/two.mov")));
    // Frames 30 to 195 of the one, then 45 to 210 of the other.
    assert_eq!(shown[..150], one[30..180]);
    assert_eq!(shown[165 + 15..], two[60..210]);
    for (seconds, frame) in [("2.5", 75), ("5.2", 156), ("5.7", 171), ("8.1", 243)] {
        assert_eq!(hashes_from(&film, seconds), shown[frame..], "from {seconds} s");
    }
    assert_eq!(tag(&film), "avc1");
    // ISO/IEC 14496-15, 5.3.3.1: behind profile, level and the lengths' size, three
    // sequence parameter sets (the cameras' and x264's).
    let bytes = fs::read(&film).unwrap();
    let at = bytes.windows(4).position(|four| four == b"avcC").unwrap() + 4 + 5;
    assert_eq!(bytes[at], 0xe0 | 3);

    project.edit("autocut.ron", "film.mp4", "film.mkv");
    project.make();
    let film = project.path("film.mkv");
    assert_eq!(decode_warnings(&film), "");
    assert!(frame_hashes(&film) == shown);
}

/// More cameras than there are numbers: each key frame brings its sets along.
#[test]
fn many_cameras_are_copied_into_one_film() {
    let x264 = |offset: i32| {
        let sets = format!("bframes=2:keyint=30:min-keyint=30:scenecut=0:chroma-qp-offset={offset}");
        ["-c:v", "libx264", "-preset", "veryfast", "-x264-params", &sets].map(str::to_owned).to_vec()
    };
    let x265 = |offset: i32| hevc(false, &format!(":cbqpoffs={offset}"), "yuv420p").to_vec();
    // The first camera keeps its numbers, x264 has one of its own; x265 has not.
    assert_many("H264", -8..9, &x264, "avc1");
    assert_many("H264", -9..9, &x264, "avc3");
    assert_many("Hevc", -8..9, &x265, "hev1");
}

fn assert_many(codec: &str, cameras: Range<i32>, encoder: &dyn Fn(i32) -> Vec<String>, expected: &str) {
    let project = Project::new();
    let count = cameras.len();
    let name = |camera: usize| format!("c{camera:02}");
    let mut pins = Vec::new();
    for (camera, offset) in cameras.enumerate() {
        let path = project.path(&format!("a/{}.mp4", name(camera)));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let source = format!("testsrc2=size=96x64:rate=30:duration=2.4,hue=h={}", offset * 20);
        let sets = encoder(offset);
        let args = [&["-v", "error", "-f", "lavfi", "-i", &source], &borrowed(&sets)[..], &[path.to_str().unwrap()]];
        tool("ffmpeg", &args.concat());
        pins.push(format!("Pin(at: \"a/{}@0.8s\", length: \"1.5s\")", name(camera)));
    }
    let output = format!("Reel(file: \"film.mp4\", video: Video(codec: {codec}, quality: Copy))");
    manifest(&project, &pins.join(", "), &output);
    project.make();
    let film = project.path("film.mp4");
    assert_eq!(tag(&film), expected, "{count} cameras in {codec}");
    assert_on_time(&film, count * 45);
    assert_eq!(decode_warnings(&film), "");
    let shown = frame_hashes(&film);
    for camera in 0..count {
        let source = frame_hashes(&project.path(&format!("a/{}.mp4", name(camera))));
        let start = camera * 45;
        assert_eq!(shown[start + 6..start + 36], source[30..60], "camera {camera}");
    }
    for frame in [100_usize, 400, 700] {
        let seconds = format!("{:.4}", frame as f64 / 30.0 - 0.01);
        assert_eq!(hashes_from(&film, &seconds), shown[frame..], "from {seconds} s");
    }
}

/// A frame that the footage lacks ends a run of copies, and the longer run of the
/// two is taken.
#[test]
fn a_missing_frame_is_told_and_little_is_lost() {
    let project = Project::new();
    footage(&project, "a/whole.mp4", "testsrc2", USUAL);
    let (from, to) = (project.path("a/whole.mp4"), project.path("a/one.mp4"));
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    // Packet 45 lies in the second GOP.
    let drop = ["-v", "error", "-i", from, "-map", "0", "-c", "copy", "-bsf:v", "noise=drop='eq(n,45)'", to];
    tool("ffmpeg", &drop);
    fs::remove_file(from).unwrap();
    manifest(&project, "\"a/one@0.5s\"", "Clips(folder: \"out\", video: Video(quality: Copy))");
    let made = project.make();
    let told = made.warnings();
    assert!(told.iter().any(|text| text.contains("frames are copied and the others encoded")), "{told:?}");
    let clip = project.path("out/a-one-0h00m00.500s.mp4");
    assert_on_time(&clip, 165);
    let (source, shown) = (frame_hashes(&project.path("a/one.mp4")), frame_hashes(&clip));
    let same = shown.iter().filter(|hash| source.contains(hash)).count();
    assert!(same >= 90, "{same} frames are the footage's own");
}

/// Phones and action cameras write the full range of levels: what is encoded
/// beside it is written so too.
#[test]
fn colours_stay_as_they_are() {
    let full = ["-vf", "scale=out_range=full,format=yuvj420p", "-color_range", "pc"];
    let x265 = hevc(false, "", "yuvj420p");
    for (codec, encoder) in [("H264", USUAL), ("Hevc", &borrowed(&x265))] {
        let project = Project::new();
        footage(&project, "a/one.mp4", "testsrc2", &[encoder, &full].concat());
        let output = format!("Clips(folder: \"out\", video: Video(codec: {codec}, quality: Auto))");
        manifest(&project, "\"a/one@1.4s\"", &output);
        project.make();
        let clip = project.path("out/a-one-0h00m01.400s.mp4");
        assert_eq!(ffprobe(&clip, "v", "stream=color_range").trim_matches([',', '\n']), "pc");
        let (source, shown) = (frame_hashes(&project.path("a/one.mp4")), frame_hashes(&clip));
        assert_eq!(shown[18..138], source[60..180], "{codec}");
        // The encoded edge against the same frames of the footage, by ffmpeg.
        let (clip, source) = (clip.to_str().unwrap().to_owned(), project.path("a/one.mp4"));
        let filter = "[0:v]trim=end_frame=18,setpts=N[a];[1:v]trim=start_frame=42:end_frame=60,setpts=N[b];[a][b]ssim";
        let compare = ["-i", &clip, "-i", source.to_str().unwrap(), "-lavfi", filter, "-f", "null", "-"];
        let output = std::process::Command::new("ffmpeg").args(compare).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let all: f64 = text.split("All:").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(all > 0.97, "SSIM of the edge {all}");
    }
}

#[test]
fn where_nothing_can_be_copied_it_is_encoded_and_people_are_told() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", &["-c:v", "mpeg4", "-q:v", "3"]);
    manifest(&project, "\"a/one@1.4s\"", "Clips(folder: \"out\", video: Video(quality: Copy))");
    let made = project.make();
    assert_eq!(made.ran()["segment"], 1);
    let warnings = made.warnings();
    assert!(warnings.iter().any(|text| text.contains("nothing of it can be copied: it is mpeg4")), "{warnings:?}");
    assert_on_time(&project.path("out/a-one-0h00m01.400s.mp4"), 165);
    // What may be either is not told of.
    project.edit("autocut.ron", "Copy", "Auto");
    assert_eq!(project.make().warnings(), Vec::<String>::new());
}

#[test]
fn pictures_that_change_are_not_copied() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", USUAL);
    let size = "Clips(folder: \"out\", video: Video(quality: Auto, size: \"160x120\"))";
    manifest(&project, "\"a/one@1.4s\"", size);
    assert!(!project.make().ran().contains_key("copy"));
    project.edit("autocut.ron", "outputs:", "overlays: {\"t\": Text(text: \"A\")}, outputs:");
    project.edit("autocut.ron", ", size: \"160x120\"", "");
    assert!(!project.make().ran().contains_key("copy"));
    project.edit("autocut.ron", "Auto", "Copy");
    let refused = project.make_with(&[]);
    assert_eq!(refused.code, 1);
    assert!(refused.errors()[0].contains("the overlay \"t\" is drawn on it"), "{:?}", refused.errors());
}

/// A GoPro's file, whose key frames and colours are as cameras make them.
#[test]
fn a_real_cameras_file() {
    let project = Project::new();
    fs::create_dir_all(project.path("a")).unwrap();
    if !project.copy("gopro/hero7.mp4", "a/hero7.mp4") {
        return;
    }
    manifest(&project, "\"a/hero7@2s\"", "Clips(folder: \"out\", video: Video(quality: Copy))");
    let made = project.make();
    assert!(made.warnings().is_empty(), "{:?}", made.warnings());
    let clip = project.path("out/a-hero7-0h00m02.000s.mp4");
    assert_eq!(decode_warnings(&clip), "");
    let (source, shown) = (frame_hashes(&project.path("a/hero7.mp4")), frame_hashes(&clip));
    let same = shown.iter().filter(|hash| source.contains(hash)).count();
    // GOPs of half a second: at most one is lost at each end.
    assert!(same + 30 >= shown.len() && shown.len() >= 160, "{same} of {} frames are the camera's own", shown.len());
}

/// The codec of the output is not that of the footage, or is never copied.
#[test]
fn what_codec_can_be_copied_is_told() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", &borrowed(&hevc(false, "", "yuv420p10le")));
    manifest(&project, "\"a/one@1.4s\"", "Reel(file: \"film.mp4\", video: Video(quality: Copy))");
    let told = |made: common::Made, what: &str| {
        let warnings = made.warnings();
        assert!(warnings.iter().any(|text| text.contains(what)), "{warnings:?}");
    };
    told(project.make(), "nothing of it can be copied: it is HEVC, and the output H.264");
    project.edit("autocut.ron", "quality: Copy", "quality: Copy, codec: Hevc");
    told(project.make(), "nothing of it can be copied: it has 10 bits a sample, and the output 8");
    project.edit("autocut.ron", "codec: Hevc", "codec: Av1");
    let refused = project.make_with(&[]);
    assert_eq!(refused.code, 1);
    assert!(refused.errors()[0].contains("it is AV1, and only H.264 and HEVC are copied"), "{:?}", refused.errors());

    for (name, encoder, said) in [
        ("vp9.mkv", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"][..], "it is VP9"),
        ("prores.mov", &["-c:v", "prores_ks"], "it is ProRes"),
        ("av1.mp4", &["-c:v", "libsvtav1", "-preset", "12"], "it is AV1"),
    ] {
        let project = Project::new();
        footage(&project, &format!("a/{name}"), "testsrc2", encoder);
        let pin = format!("Pin(at: \"a/{}@1.4s\", length: \"0.5s\")", name.split('.').next().unwrap());
        manifest(&project, &pin, "Reel(file: \"film.mp4\", video: Video(quality: Copy))");
        let what = format!("nothing of it can be copied: {said}, and only H.264 and HEVC can be copied");
        told(project.make(), &what);
    }
}
