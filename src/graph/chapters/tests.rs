//! Files with what cameras write into them, and the recordings that they are.

use super::*;
use crate::base::{FrameRate, Orientation, Size, UtcTime};
use crate::model::Matrix;
use crate::model::footage::Colour;

/// 8 min 28 s at 29.97, as a chapter of 4 GB has them.
const FRAMES: u64 = 15_225;

struct Made {
    path: String,
    info: MediaInfo,
}

fn made(path: &str, ids: &[&str], timecode: Option<&str>, created: Option<i64>) -> Made {
    let rate = FrameRate::new(30_000, 1_001).unwrap();
    let video = VideoInfo {
        stream: 0,
        codec: "h264".to_owned(),
        profile: None,
        stored: Size::new(1_920, 1_080),
        pixel_aspect: (1, 1),
        orientation: Orientation::UPRIGHT,
        rate,
        average_rate: rate,
        variable_rate: false,
        frames: FRAMES,
        duration: rate.time_of(FRAMES as i64),
        first: Timestamp::ZERO,
        top_field_first: None,
        pixel_format: "yuv420p".to_owned(),
        bit_depth: 8,
        colour: Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 },
        chunks: vec![Timestamp::ZERO],
    };
    let info = MediaInfo {
        container: "mov".to_owned(),
        video: Some(video),
        audio: None,
        created: created.map(|seconds| UtcTime(seconds * 1_000_000_000)),
        device: Some("GoPro".to_owned()),
        recording_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        timecode: timecode.map(str::to_owned),
        tracks: Vec::new(),
    };
    Made { path: path.to_owned(), info }
}

fn found<'a>(files: &'a [Made]) -> Vec<Vec<&'a str>> {
    // Files of one name in several folders are copies.
    let of = |made: &'a Made| File {
        path: &made.path,
        digest: Digest::of(stem(&made.path).as_bytes()),
        info: &made.info,
        video: made.info.video.as_ref().unwrap(),
    };
    let all: Vec<File<'a>> = files.iter().map(of).collect();
    chains(&all).into_iter().map(|chain| chain.into_iter().map(|at| files[at].path.as_str()).collect()).collect()
}

#[test]
fn chapters_by_name() {
    let of = |path| made(path, &[], None, None);
    let files = ["a/GX020012.MP4", "a/GX010013.MP4", "a/GX010012.MP4", "b/GX030012.MP4", "a/GX040012.MP4"].map(of);
    let expected: [&[&str]; 4] =
        [&["a/GX010012.MP4", "a/GX020012.MP4"], &["a/GX040012.MP4"], &["a/GX010013.MP4"], &["b/GX030012.MP4"]];
    assert_eq!(found(&files), expected);
}

/// 15,225 frames after 11:12:47:22 at 30 labels a second, of which none is
/// dropped, is 11:21:15:07.
#[test]
fn renamed_chapters_are_one_recording_by_what_they_carry() {
    let files = [
        made("z.mp4", &["GUMI 1"], Some("11:12:47:22"), Some(1_000)),
        made("b.mp4", &["GUMI 1"], Some("11:21:15:07"), Some(1_000)),
        made("m.mp4", &["GUMI 2"], Some("13:00:00:00"), Some(9_000)),
    ];
    assert_eq!(found(&files), [&["m.mp4"][..], &["z.mp4", "b.mp4"]]);
}

#[test]
fn time_codes_and_dates_alone_do_too() {
    // Each chapter states when it started itself: 508 s later.
    let files = [
        made("z.mp4", &[], Some("11:12:47:22"), Some(1_000)),
        made("b.mp4", &[], Some("11:21:15:07"), Some(1_508)),
        // A time code that runs with the recordings goes on after an hour's pause.
        made("c.mp4", &[], Some("11:29:42:22"), Some(5_600)),
    ];
    assert_eq!(found(&files), [&["c.mp4"][..], &["z.mp4", "b.mp4"]]);
}

#[test]
fn names_that_the_time_codes_contradict_join_nothing() {
    let of =
        |second| [made("GX010012.MP4", &[], Some("11:12:47:22"), None), made("GX020012.MP4", &[], Some(second), None)];
    assert_eq!(found(&of("12:21:15:07")).len(), 2);
    assert_eq!(found(&of("11:21:15:09")).len(), 1);
    // A camera that writes the first one's into all of them.
    assert_eq!(found(&of("11:12:47:22")).len(), 1);
}

/// A chapter is 508 s long. Counters of files start again, and cards are changed.
#[test]
fn names_that_the_dates_contradict_join_nothing() {
    let of = |second| [made("GX010012.MP4", &[], None, Some(1_000_000)), made("GX020012.MP4", &[], None, Some(second))];
    let day = 86_400;
    assert_eq!(found(&of(1_000_000 + 4 * day + 5 * 3_600)).len(), 2);
    assert_eq!(found(&of(1_000_000 - day)).len(), 2);
    // The first one's date, its own, and one that is a little off.
    for second in [1_000_000, 1_000_508, 1_000_520, 1_001_200, 999_990] {
        assert_eq!(found(&of(second)).len(), 1, "{second}");
    }
}

#[test]
fn dropped_labels_and_midnight_are_counted() {
    let timed = |label| {
        let file = made("a.mp4", &[], Some(label), None);
        let (info, digest) = (&file.info, Digest::of(b"a"));
        labels(&File { path: "a.mp4", digest, info, video: info.video.as_ref().unwrap() })
    };
    // By SMPTE ST 12-1: an hour has 107,892 labels where two of each minute but
    // the tenth are dropped.
    assert_eq!(timed("01:00:00;00").unwrap().0, 107_892);
    assert_eq!(timed("00:10:00;00").unwrap().0, 17_982);
    assert_eq!(timed("01:00:00:00").unwrap().0, 108_000);
    assert_eq!(timed("23:59:59:29").unwrap(), (2_591_999, 15_224));
    assert_eq!(timed("25:00:00:00"), None);
    assert_eq!(timed("99999999999999999999:00:00:00"), None);
}

#[test]
fn files_that_lie_twice_are_no_ring() {
    let files = [
        made("a/1.mp4", &["GUMI 1"], Some("11:12:47:22"), Some(1_000)),
        made("a/2.mp4", &["GUMI 1"], Some("11:21:15:07"), Some(1_000)),
        made("b/1.mp4", &["GUMI 1"], Some("11:12:47:22"), Some(1_000)),
        made("b/2.mp4", &["GUMI 1"], Some("11:21:15:07"), Some(1_000)),
    ];
    assert_eq!(found(&files), [["a/1.mp4", "a/2.mp4"], ["b/1.mp4", "b/2.mp4"]]);
}

#[test]
fn copies_without_a_time_code_are_recordings_of_their_own() {
    let of = |path, created| made(path, &["GUMI 1"], None, Some(created));
    let files = ["a/GX010012.MP4", "b/GX010012.MP4"].map(|path| of(path, 1_000));
    assert_eq!(found(&files), [["a/GX010012.MP4"], ["b/GX010012.MP4"]]);
    // Of a frame's length, it ends within the slack of where its copy starts.
    let short = |path| {
        let mut file = made(path, &["GUMI 1"], Some("11:12:47:22"), Some(1_000));
        file.info.video.as_mut().unwrap().frames = 1;
        file
    };
    assert_eq!(found(&["a/1.mp4", "b/1.mp4"].map(short)).len(), 2);
    // Chapters that lie twice go on each in its own folder, by dates: 508 s later.
    let files = [("b/2.mp4", 1_508), ("a/1.mp4", 1_000), ("a/2.mp4", 1_508), ("b/1.mp4", 1_000)];
    let files = files.map(|(path, created)| of(path, created));
    assert_eq!(found(&files), [["a/1.mp4", "a/2.mp4"], ["b/1.mp4", "b/2.mp4"]]);
}

#[test]
fn equal_dates_tell_no_order() {
    let of = |path| made(path, &["GUMI 1"], None, Some(1_000));
    assert_eq!(found(&["z.mp4", "b.mp4"].map(of)), [["b.mp4"], ["z.mp4"]]);
    // Names do.
    let named = ["GX030012.MP4", "GX010012.MP4", "GX020012.MP4"].map(of);
    assert_eq!(found(&named), [["GX010012.MP4", "GX020012.MP4", "GX030012.MP4"]]);
    // Dates of their own tell it whatever the names are.
    let dated = [("z.mp4", 1_000), ("b.mp4", 1_508), ("m.mp4", 2_016)];
    let dated = dated.map(|(path, created)| made(path, &["GUMI 1"], None, Some(created)));
    assert_eq!(found(&dated), [["z.mp4", "b.mp4", "m.mp4"]]);
}

#[test]
fn gopro_names() {
    assert_eq!(gopro_chapter("GX020012"), Some(("GX0012".into(), 2)));
    assert_eq!(gopro_chapter("gh010012"), Some(("GH0012".into(), 1)));
    assert_eq!(gopro_chapter("GOPR1234"), Some(("GP1234".into(), 0)));
    assert_eq!(gopro_chapter("GP011234"), Some(("GP1234".into(), 1)));
    assert_eq!(gopro_chapter("GX02001"), None);
    assert_eq!(gopro_chapter("holiday1"), None);
    assert_eq!(gopro_chapter("éé123"), None);
}
