//! Footage that cannot be read whole: what can be is used, and what cannot is
//! told, with its place and how much it is, each time that it is shown.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;
#[path = "damage/containers.rs"]
mod containers;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Footage, Project, frame_hashes};

fn manifest(file: &str, pin: &str, length: &str) -> String {
    format!(
        r#"Project(version: 1,
            footage: {{ "front": Footage(files: ["{file}"]) }},
            moments: Moments(length: "{length}", weights: {{}}, pins: ["{pin}"]),
            outputs: {{ "reel": Reel(file: "reel.mp4") }})"#
    )
}

/// Place and size of every packet of the video, in the file's order.
fn packets(file: &Path) -> Vec<(usize, usize)> {
    let args = ["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pos,size", "-of", "csv=p=0"];
    let text = common::tool("ffprobe", &[&args[..], &[file.to_str().unwrap()]].concat());
    let number = |text: &str| text.parse::<usize>().unwrap();
    let pair = |line: &str| {
        let mut cells = line.trim_end_matches(',').split(',').map(number);
        let (size, at) = (cells.next().unwrap(), cells.next().unwrap());
        (at, size)
    };
    text.lines().filter(|line| !line.is_empty()).map(pair).collect()
}

/// The numbers of the frames that ffprobe decodes, of footage with 30 a second.
fn decoded(file: &Path) -> Vec<usize> {
    let args = ["-v", "quiet", "-threads", "1", "-select_streams", "v:0", "-show_entries", "frame=pts_time"];
    let text = common::tool("ffprobe", &[&args[..], &["-of", "csv=p=0", file.to_str().unwrap()]].concat());
    let times = text.lines().filter_map(|line| line.trim_end_matches(',').parse::<f64>().ok());
    times.map(|time| (time * 30.0).round() as usize).collect()
}

/// Four seconds with a key frame every second and no B-frames.
fn ten_seconds(project: &Project, name: &str) {
    let footage = Footage { size: "128x96", seconds: 4, ..Footage::default() };
    project.footage(name, &footage);
}

/// Makes the packets of these frames zeros.
fn spoil(path: &Path, frames: std::ops::Range<usize>) {
    let mut bytes = fs::read(path).unwrap();
    for (at, size) in packets(path)[frames].iter().copied() {
        bytes[at..at + size].fill(0);
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn lost_frames_are_counted_from_the_first_and_told_on_every_make_and_by_doctor() {
    let project = Project::new();
    ten_seconds(&project, "footage/a.mp4");
    project.write("autocut.ron", manifest("footage/*.mp4", "front/a@1s", "2s"));
    assert_eq!(project.make().warnings(), [""; 0]);
    fs::remove_dir_all(project.path(".autocut")).unwrap();

    let path = project.path("footage/a.mp4");
    spoil(&path, 40..50);
    let made = project.make_with(&["--force"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let told = made.warnings();
    // What the decoder does not give, by ffprobe's count too; what it gives up to
    // the key frame builds on what is not there.
    let there = decoded(&path);
    let lost = (30..90).filter(|frame| !there.contains(frame)).count();
    let damaged = (40..60).filter(|frame| there.contains(frame)).count();
    assert!(lost >= 10 && lost + damaged == 20, "{there:?}");
    let first = there.iter().find(|frame| **frame > 40).unwrap();
    let first = format!("00:01.{:03}", (first - 30) * 1_000 / 30);
    let lost = format!("{lost} frames from 00:01.333 could not be decoded");
    let expected = [
        format!("footage/a.mp4: {lost}; the picture before is shown instead"),
        format!(
            "footage/a.mp4: {damaged} frames from {first} are damaged; they are shown as far as they could be decoded"
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!(frame_hashes(&project.path("reel.mp4")).len(), 60);

    let again = project.make();
    again.assert_ran([]);
    assert_eq!(again.warnings(), told);
    let doctor = project.ok(&["doctor"]);
    assert!(doctor.contains(&format!("DAMAGED: {lost}")), "{doctor}");
}

/// Of whole files nothing is said, whatever they are.
#[test]
fn whole_files_pass_without_a_word() {
    let x264 = "-c:v libx264 -preset ultrafast -g 15 -pix_fmt yuv420p";
    let files = [
        ("open.mp4", format!("{x264} -bf 2 -x264-params open-gop=1 -c:a aac")),
        ("fragments.mp4", format!("{x264} -c:a aac -movflags +frag_keyframe+empty_moov")),
        ("a.mkv", format!("{x264} -bf 2 -c:a aac")),
        ("a.ts", format!("{x264} -bf 2 -c:a aac")),
        ("a.flv", format!("{x264} -c:a aac")),
        ("hevc.mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none:open-gop=1:keyint=15".to_owned()),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10".to_owned()),
        ("vp8.webm", "-c:v libvpx -deadline good -auto-alt-ref 1 -lag-in-frames 10 -c:a libopus".to_owned()),
        ("mpeg4.avi", "-c:v mpeg4 -bf 2 -c:a mp3".to_owned()),
        ("mjpeg.avi", "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le".to_owned()),
        ("mpeg2.mpg", "-c:v mpeg2video -bf 2 -c:a mp2".to_owned()),
        ("prores.mov", "-c:v prores_ks -pix_fmt yuv422p10le -c:a pcm_s16le".to_owned()),
    ];
    let project = Project::new();
    for (name, recipe) in files {
        let path = project.path(name);
        let sources = "-v error -f lavfi -i testsrc2=s=128x96:r=30:d=3 -f lavfi -i sine=f=440:d=3:r=48000";
        let args: Vec<&str> = sources.split(' ').chain(recipe.split(' ')).chain([path.to_str().unwrap()]).collect();
        if !Command::new("ffmpeg").args(args).output().unwrap().status.success() {
            eprintln!("left out: this ffmpeg cannot make {name}");
            continue;
        }
        // From the start, and to the end, where what is odd about a file is.
        let moments = r#"Moments(length: "1s", weights: {"motion": 1}, total: "3s", pins: [PINS])"#;
        let stem = name.split('.').next().unwrap();
        let pins = format!("\"front/{stem}@0s\", \"front/{stem}@1.9s\"");
        project.write(
            "autocut.ron",
            format!(
                "Project(version: 1, footage: {{ \"front\": Footage(files: [\"{name}\"]) }}, moments: {}, \
                 outputs: {{ \"reel\": Reel(file: \"reel.mp4\") }})",
                moments.replace("PINS", &pins)
            ),
        );
        let made = project.make();
        assert_eq!(made.warnings(), [""; 0], "{name}");
    }
}

/// What is not shown is not told of.
#[test]
fn damage_elsewhere_in_a_file_is_no_warning() {
    let project = Project::new();
    ten_seconds(&project, "footage/a.mp4");
    spoil(&project.path("footage/a.mp4"), 100..110);
    project.write("autocut.ron", manifest("footage/*.mp4", "front/a@1s", "2s"));
    assert_eq!(project.make().warnings(), [""; 0]);
}

/// However a build is cut up among workers: a decoder that has gone on and one
/// that begins there patch up damage alike.
#[test]
fn damaged_footage_gives_the_same_bytes_with_any_number_of_jobs() {
    let made = |jobs: &str| {
        let project = Project::new();
        let footage = Footage { size: "128x96", seconds: 20, ..Footage::default() };
        project.footage("footage/a.mp4", &footage);
        let path = project.path("footage/a.mp4");
        for start in [100, 245, 270, 400] {
            spoil(&path, start..start + 3);
        }
        project.write("autocut.ron", manifest("footage/*.mp4", "front/a@0s", "20s"));
        let made = project.make_with(&["-j", jobs]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        (fs::read(project.path("reel.mp4")).unwrap(), {
            let mut told = made.warnings();
            told.sort();
            told
        })
    };
    let (one, three) = (made("1"), made("3"));
    assert_eq!(one.1, three.1);
    assert!(one.0 == three.0);
}

/// A file whose index is in front and whose end is missing, as a copy that broke
/// off leaves it.
#[test]
fn a_file_that_was_cut_off_is_used_up_to_there() {
    let project = Project::new();
    ten_seconds(&project, "whole.mp4");
    let (whole, cut) = (project.path("whole.mp4"), project.path("a.mp4"));
    let args = ["-v", "error", "-i", whole.to_str().unwrap(), "-c", "copy", "-movflags", "+faststart"];
    common::tool("ffmpeg", &[&args[..], &[cut.to_str().unwrap()]].concat());
    let (at, size) = packets(&cut)[75];
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..at + size / 2]).unwrap();

    project.write("autocut.ron", manifest("a.mp4", "front/a@1s", "1s"));
    let told = project.make().warnings();
    assert_eq!(told, ["a.mp4: the file is cut off: 45 of 120 frames from 00:02.500 on are not in it"]);
    assert_eq!(frame_hashes(&project.path("reel.mp4")).len(), 30);
    let doctor = project.ok(&["doctor"]);
    assert!(doctor.contains("DAMAGED: the file is cut off"), "{doctor}");
    assert!(doctor.contains("00:02.500; aac"), "{doctor}");
    // What is asked for behind its end is told to be there no more.
    project.write("autocut.ron", manifest("a.mp4", "front/a@3s", "1s"));
    let output = project.run(&["make"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("front/a"), "{said}");
}

/// An index that does not say where the pictures are: nothing can be decoded,
/// though the file looks like footage. With `-k` the others do.
#[test]
fn a_file_without_any_picture_is_an_error_and_can_be_passed_over() {
    let project = Project::new();
    ten_seconds(&project, "footage/a.mp4");
    ten_seconds(&project, "footage/b.mp4");
    let path = project.path("footage/b.mp4");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|four| four == b"stco").unwrap();
    bytes[at] = b'x';
    fs::write(&path, bytes).unwrap();
    project.write("autocut.ron", manifest("footage/*.mp4", "front/a@1s", "2s"));
    let made = project.run(&["make"]);
    let told = String::from_utf8(made.stderr).unwrap();
    assert_eq!(made.status.code(), Some(1), "{told}");
    assert_eq!(told.matches("error:").count(), 1, "{told}");
    assert!(told.contains("no picture in") && told.contains("copy it again from the card"), "{told}");
    let made = project.make_with(&["-k"]);
    assert_eq!(made.code, 1, "{}", made.stderr);
    assert_eq!(frame_hashes(&project.path("reel.mp4")).len(), 60);
}

/// Matroska states its length at the beginning.
#[test]
fn a_length_that_is_stated_is_not_believed_where_the_pictures_end_before() {
    let project = Project::new();
    ten_seconds(&project, "whole.mp4");
    let whole = project.path("whole.mp4");
    let mkv = project.path("a.mkv");
    common::tool("ffmpeg", &["-v", "error", "-i", whole.to_str().unwrap(), "-c", "copy", mkv.to_str().unwrap()]);
    let bytes = fs::read(&mkv).unwrap();
    fs::write(&mkv, &bytes[..bytes.len() / 2]).unwrap();
    project.write("autocut.ron", manifest("a.mkv", "front/a@0s", "1s"));
    let told = project.make().warnings();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("a.mkv: its pictures end at 00:0") && told[0].contains("go on to 00:04.0"), "{told:?}");
}

/// Pictures that nobody films would take all memory.
#[test]
fn pictures_of_an_absurd_size_are_refused() {
    let project = Project::new();
    let path = project.path("a.avi");
    let args = "-v error -f lavfi -i testsrc2=s=64x48:r=30:d=1 -c:v rawvideo -pix_fmt yuv420p";
    let args: Vec<&str> = args.split(' ').chain([path.to_str().unwrap()]).collect();
    common::tool("ffmpeg", &args);
    let mut bytes = fs::read(&path).unwrap();
    // Width and height in the header of the format (BITMAPINFOHEADER).
    let at = bytes.windows(4).position(|window| window == b"strf").unwrap() + 8;
    assert_eq!(bytes[at + 4..at + 8], 64u32.to_le_bytes());
    bytes[at + 4..at + 8].copy_from_slice(&16_000u32.to_le_bytes());
    bytes[at + 8..at + 12].copy_from_slice(&12_000u32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    project.write("autocut.ron", manifest("a.avi", "front/a@0s", "1s"));
    let output = project.run(&["make"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("a.avi says that its pictures are 16000x12000 pixels large"), "{said}");
}

/// Most of a second is lost, which the log of speed would show as the best.
#[test]
fn what_is_mostly_lost_is_not_chosen() {
    let chosen = |is_spoilt: bool| {
        let project = Project::new();
        let path = project.path("a.mp4");
        // Still for 3 s at each end; a pattern that moves between them.
        let graph = "testsrc2=s=128x96:r=30:d=10,split[a][b];[a]trim=3:7,setpts=PTS-STARTPTS[m];\
            [b]trim=0:0.04,loop=89:1:0,setpts=N/30/TB,split[s][t];[s][m][t]concat=n=3";
        let args = ["-v", "error", "-f", "lavfi", "-i", graph, "-c:v", "libx264", "-g", "30", "-bf", "0"];
        let more = ["-preset", "ultrafast", "-pix_fmt", "yuv420p", "-metadata", "creation_time=2024-06-01T10:00:00Z"];
        common::tool("ffmpeg", &[&args[..], &more, &[path.to_str().unwrap()]].concat());
        if is_spoilt {
            spoil(&path, 90..210);
        }
        project.write(
            "autocut.ron",
            r#"Project(version: 1,
                footage: { "front": Footage(files: ["a.mp4"]) },
                moments: Moments(length: "2s", total: "2s", weights: {"motion": 1}),
                outputs: { "reel": Reel(file: "reel.mp4") })"#,
        );
        let text = project.ok(&["explain", "moments"]);
        let line = text.lines().find(|line| line.trim_start().starts_with("* ")).unwrap_or_else(|| panic!("{text}"));
        let start: f64 = line.split('@').nth(1).unwrap().split('s').next().unwrap().parse().unwrap();
        start
    };
    let (whole, spoilt) = (chosen(false), chosen(true));
    assert!((2.0..=6.0).contains(&whole), "{whole}");
    assert!(!(2.5..=5.5).contains(&spoilt), "{spoilt}");
}

/// What a newcomer saw: the name twice.
#[test]
fn a_warning_names_its_file_once_and_as_the_project_does() {
    let project = Project::new();
    ten_seconds(&project, "some where/a.mp4");
    spoil(&project.path("some where/a.mp4"), 40..50);
    project.write("autocut.ron", manifest("some where/a.mp4", "front/a@1s", "2s"));
    let output = project.run(&["make"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said
        .lines()
        .find(|line| line.contains("frames from 00:01.333 could not be decoded"))
        .unwrap_or_else(|| panic!("{said}"));
    assert_eq!(line.matches("a.mp4").count(), 1, "{line}");
    assert!(!line.contains(project.path(".").parent().unwrap().to_str().unwrap()), "{line}");
}

#[test]
fn sound_that_cannot_be_decoded_is_told() {
    let project = Project::new();
    ten_seconds(&project, "a.mp4");
    let path = project.path("a.mp4");
    let args = ["-v", "error", "-select_streams", "a:0", "-show_entries", "packet=pos,size,pts_time", "-of", "csv=p=0"];
    let text = common::tool("ffprobe", &[&args[..], &[path.to_str().unwrap()]].concat());
    let mut bytes = fs::read(&path).unwrap();
    let mut spoilt = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<f64> = line.trim_end_matches(',').split(',').map(|cell| cell.parse().unwrap()).collect();
        if (1.5..1.7).contains(&cells[0]) {
            let (size, at) = (cells[1] as usize, cells[2] as usize);
            bytes[at..at + size].fill(0xff);
            spoilt += 1;
        }
    }
    assert!(spoilt > 5);
    fs::write(&path, bytes).unwrap();
    project.write("autocut.ron", manifest("a.mp4", "front/a@1s", "2s"));
    let told = project.make().warnings();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("a.mp4: its sound is damaged from 00:01.5"), "{told:?}");
    assert!(told[0].contains("what cannot be decoded is silent"), "{told:?}");
}

/// ffmpeg says of the same stretch that it is damaged, or that it is not.
#[test]
fn footage_is_called_damaged_where_ffmpeg_calls_it_so() {
    for (place, is_shown) in [(35, true), (80, true), (5, false), (110, false)] {
        let project = Project::new();
        ten_seconds(&project, "a.mp4");
        let path = project.path("a.mp4");
        spoil(&path, place..place + 1);
        project.write("autocut.ron", manifest("a.mp4", "front/a@1s", "2s"));
        let args = ["-v", "error", "-ss", "1", "-t", "2", "-i", path.to_str().unwrap(), "-f", "null", "-"];
        let ffmpeg = Command::new("ffmpeg").args(args).output().unwrap();
        assert_eq!(!ffmpeg.stderr.is_empty(), is_shown, "{}", String::from_utf8_lossy(&ffmpeg.stderr));
        let told = project.make().warnings();
        assert_eq!(!told.is_empty(), is_shown, "frame {place}: {told:?}");
    }
}
