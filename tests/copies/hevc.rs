//! HEVC: whole groups of pictures, closed or open, of one camera or several.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::common::{Project, decode_warnings, ffprobe, frame_hashes};
use super::{assert_on_time, borrowed, footage, hashes_from, hevc, manifest, tag};

/// HEVC of both kinds of groups and depths, in each container: the frames that
/// are copied are the footage's own, in the file as a whole and from places in
/// copies and in edges.
#[test]
fn hevc_is_copied_by_whole_gops() {
    let cases = [
        (false, "yuv420p", "mp4", "", "hvc1"),
        (true, "yuv420p10le", "mov", ", depth: 10", "hvc1"),
        (true, "yuv420p", "mkv", "", "[0][0][0][0]"),
    ];
    for (open, pixels, container, depth, name) in cases {
        let project = Project::new();
        let source = project.path(&format!("a/one.{container}"));
        footage(&project, &format!("a/one.{container}"), "testsrc2", &borrowed(&hevc(open, "", pixels)));
        let film = format!("film.{container}");
        let output = format!("Reel(file: \"{film}\", video: Video(codec: Hevc, quality: Copy{depth}))");
        manifest(&project, "\"a/one@1.4s\"", &output);
        let made = project.make();
        made.assert_ran([
            ("probe", 1),
            ("choose", 1),
            ("copy", 1),
            ("segment", 2),
            ("sound", 1),
            ("mix", 1),
            ("join", 1),
        ]);
        assert_eq!(made.warnings(), Vec::<String>::new());
        let film = project.path(&film);
        assert_on_time_roughly(&film, 165, container);
        assert_eq!(decode_warnings(&film), "", "{container}");
        assert_eq!(tag(&film), name);
        // From frame 42 to 207: the groups at 60, 90 ... to 180 are whole, with the two
        // frames that lead them where they are open. Of the last one, the two frames
        // before 207 need that one.
        let until = 205;
        let (source, shown) = (frame_hashes(&source), frame_hashes(&film));
        assert_eq!((source.len(), shown.len()), (240, 165));
        assert_eq!(shown[18..until - 42], source[60..until], "{container}");
        assert_ne!(shown[17], source[59]);
        assert_ne!(shown[until - 42], source[until]);
        // In the first edge, right behind the cut, in a later group, in the last edge.
        for (seconds, frame) in [("0.3", 9), ("0.7", 21), ("1.2", 36), ("3.7", 111), ("4.9", 147), ("5.43", 163)] {
            assert_eq!(hashes_from(&film, seconds), shown[frame..], "{container} from {seconds} s");
        }
        project.make().assert_ran([]);
    }
}

/// Pictures of an open group are counted on from those before it: frame 150 of the
/// one file, behind frame 239 of another with the same parameter sets, would be
/// shown before that, did it not say that it follows nothing.
#[test]
fn a_run_that_begins_with_an_open_gop_is_shown_in_its_place() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", &borrowed(&hevc(true, "", "yuv420p")));
    footage(&project, "b/two.mp4", "testsrc", &borrowed(&hevc(true, "", "yuv420p")));
    let pins = "Pin(at: \"a/one@6s\", length: \"2s\"), Pin(at: \"b/two@5s\", length: \"3s\")";
    manifest(&project, pins, "Reel(file: \"film.mp4\", video: Video(codec: Hevc, quality: Copy))");
    let made = project.make();
    assert!(!made.ran().contains_key("segment"), "both lie on groups and end with their files");
    let film = project.path("film.mp4");
    assert_on_time(&film, 150);
    assert_eq!(decode_warnings(&film), "");
    let (one, two) = (frame_hashes(&project.path("a/one.mp4")), frame_hashes(&project.path("b/two.mp4")));
    let shown = frame_hashes(&film);
    assert_eq!(shown, [&one[180..], &two[150..]].concat());
    for (seconds, frame) in [("1.5", 45), ("1.95", 59), ("2.1", 63)] {
        assert_eq!(hashes_from(&film, seconds), shown[frame..], "from {seconds} s");
    }
}

/// Every time stamp is `n / 30`, or as near as Matroska's milliseconds come.
fn assert_on_time_roughly(file: &Path, frames: usize, container: &str) {
    if container != "mkv" {
        return assert_on_time(file, frames);
    }
    let text = ffprobe(file, "v", "frame=pts_time");
    let lines = text.lines().map(|line| line.trim_end_matches(',')).filter(|line| !line.is_empty());
    let times: Vec<f64> = lines.map(|line| line.parse().unwrap()).collect();
    assert_eq!(times.len(), frames);
    for (index, time) in times.iter().enumerate() {
        assert!((time - index as f64 / 30.0).abs() < 6e-4, "frame {index} at {time}");
    }
}

/// All encoders of HEVC count their parameter sets from 0: two cameras and what
/// autocut encodes stand in one file under three numbers, as Apple's players
/// demand (`hvc1`).
#[test]
fn hevc_of_two_cameras_is_copied_into_one_film() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", &borrowed(&hevc(true, "", "yuv420p")));
    let other = hevc(false, ":ref=1:cbqpoffs=3:ctu=16:slices=2:sao=0", "yuv420p");
    footage(&project, "b/two.mov", "testsrc", &borrowed(&other));
    let video = "Video(codec: Hevc, quality: Copy)";
    manifest(&project, "\"a/one@1s\", \"b/two@1.5s\"", &format!("Reel(file: \"film.mp4\", video: {video})"));
    let made = project.make();
    assert_eq!(made.warnings(), Vec::<String>::new());
    let film = project.path("film.mp4");
    assert_on_time(&film, 330);
    assert_eq!(decode_warnings(&film), "");
    assert_eq!(tag(&film), "hvc1");
    let shown = frame_hashes(&film);
    let (one, two) = (frame_hashes(&project.path("a/one.mp4")), frame_hashes(&project.path("b/two.mov")));
    // Frames 30 to 195 of the one, then 45 to 210 of the other.
    assert_eq!(shown[..148], one[30..178]);
    assert_eq!(shown[165 + 15..], two[60..210]);
    for (seconds, frame) in [("2.5", 75), ("5.2", 156), ("5.7", 171), ("8.1", 243)] {
        assert_eq!(hashes_from(&film, seconds), shown[frame..], "from {seconds} s");
    }
    // Behind the tag of the box, ISO/IEC 14496-15, 8.3.3.1: the arrays of video,
    // sequence and picture parameter sets hold three each, and these are all.
    let bytes = fs::read(&film).unwrap();
    let at = bytes.windows(4).position(|four| four == b"hvcC").unwrap() + 4 + 22;
    assert_eq!(bytes[at..at + 4], [3, 0x80 | 32, 0, 3]);
}

/// Action cameras write HEVC without B frames, and say so: what x265 puts beside it
/// has some. Players that go by the first set they find (ffmpeg) are told of all.
#[test]
fn footage_without_b_frames_and_edges_with_some_are_one_film() {
    let project = Project::new();
    footage(&project, "a/one.mp4", "testsrc2", &borrowed(&hevc(false, ":bframes=0", "yuv420p")));
    assert_eq!(ffprobe(&project.path("a/one.mp4"), "v", "stream=has_b_frames"), "0");
    // The one film begins with what is encoded, the other with what is copied; of the
    // footage's frames from 60 on that are copied, the first is this one.
    let edge_first = ("\"a/one@1.4s\"", 165, 18);
    let copy_first = ("Pin(at: \"a/one@2s\", length: \"2s\"), Pin(at: \"a/one@5.4s\", length: \"2s\")", 120, 0);
    let films =
        [("film.mp4", edge_first), ("film.mov", edge_first), ("film.mkv", edge_first), ("late.mkv", copy_first)];
    for (name, (pins, frames, copied)) in films {
        let output = format!("Reel(file: \"{name}\", video: Video(codec: Hevc, quality: Copy))");
        manifest(&project, pins, &output);
        project.make();
        let film = project.path(name);
        assert_on_time_roughly(&film, frames, &name[5..]);
        assert_eq!(decode_warnings(&film), "", "{name}");
        // x265 reorders by two, as it does in a film of its own.
        assert_eq!(ffprobe(&film, "v", "stream=has_b_frames"), "2", "{name}");
        let (source, shown) = (frame_hashes(&project.path("a/one.mp4")), frame_hashes(&film));
        assert_eq!(shown[copied..copied + 60], source[60..120], "{name}");
        // Matroska states no times of decoding: they follow from what is announced.
        let again = project.path("again.mp4");
        let (from, to) = (film.to_str().unwrap(), again.to_str().unwrap());
        let remux = ["-hide_banner", "-nostats", "-loglevel", "level+warning", "-y", "-i", from, "-c", "copy", to];
        let remuxed = Command::new("ffmpeg").args(remux).stdin(Stdio::null()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&remuxed.stderr), "", "{name}");
        assert_eq!(frame_hashes(&again), shown, "{name}");
    }
}

/// A phone's file: its rate varies, so frames of the output are missing between
/// its own, and nothing of it can be copied but what is even.
#[test]
fn a_real_phones_file_says_why_it_is_not_copied() {
    let project = Project::new();
    fs::create_dir_all(project.path("a")).unwrap();
    if !project.copy("video/portrait-hevc-vfr.mp4", "a/phone.mp4") {
        return;
    }
    let output = "Clips(folder: \"out\", video: Video(codec: Hevc, quality: Copy))";
    manifest(&project, "Pin(at: \"a/phone@1s\", length: \"1s\")", output);
    let made = project.make();
    let told = made.warnings();
    assert!(told.iter().any(|text| text.contains("nothing of it can be copied: ")), "{told:?}");
    assert_eq!(decode_warnings(&project.path("out/a-phone-0h00m01.000s.mp4")), "");
}
