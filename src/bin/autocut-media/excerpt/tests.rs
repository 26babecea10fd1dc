//! Films read by excerpts against the same films read as a whole.

use std::path::{Path, PathBuf};

use autocut::base::{Digest, Timestamp};

use super::{Limits, Listing};
use crate::av::{self, Frame, Skip};
use crate::decode::Film;
use crate::tests::{output, scratch, testdata};
use crate::windowed::Windowed;

/// So few samples at once.
fn within(most: u32) -> Limits {
    Limits { long: 0, front: 40, most }
}

fn has_excerpts(path: &Path) -> bool {
    Listing::of(path, within(1)).is_some()
}

/// A film that ffmpeg makes, with sound.
fn made(name: &str, ending: &str, pictures: &str, coder: &str) -> PathBuf {
    let path = scratch("excerpt").join(format!("{name}.{ending}"));
    let split = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let source = ["-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", "sine=d=4"].map(str::to_owned);
    let ends = ["-v", "error", "-y"].map(str::to_owned);
    let arguments = [&ends[..], &source, &split(coder), &[path.display().to_string()]].concat();
    output("ffmpeg", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    path
}

fn digest(frame: &Frame) -> Digest {
    let plane = frame.plane(0).unwrap();
    Digest::of(&plane.data.chunks(plane.stride).map(|row| &row[..plane.width]).collect::<Vec<_>>().concat())
}

/// Every frame, as it comes.
fn straight(film: &mut Film) -> Vec<(Timestamp, Timestamp, bool, Digest)> {
    let mut frames: Vec<(Timestamp, Timestamp, bool, Digest)> = Vec::new();
    let step = Timestamp::new(1, 240);
    let mut time = Timestamp::ZERO;
    while frames.last().is_none_or(|(_, _, last, _)| !last) {
        let shown = film.frame_at(time).unwrap();
        if frames.last().is_none_or(|(before, ..)| *before != shown.time) {
            frames.push((shown.time, shown.duration, shown.last, digest(shown.frame)));
        }
        time = time + step;
    }
    frames
}

fn is_read_alike(path: &Path, by: &[u32], places: usize) {
    let troubles = |film: &Film| (film.is_damaged(), film.is_cut_off(), film.silent());
    let mut film = Film::open(path, Skip::Nothing).unwrap();
    let whole = straight(&mut film);
    let expected = troubles(&film);
    assert!(whole.len() > 50, "{}: {} frames", path.display(), whole.len());
    for most in by.iter().copied() {
        let mut film = Film::open_within(path, within(most)).unwrap();
        let is_excerpt = film.is_excerpt();
        assert_eq!(is_excerpt, has_excerpts(path), "{}", path.display());
        let frames = straight(&mut film);
        let other = frames.iter().zip(&whole).position(|(one, other)| one != other);
        let told = |frames: &[(Timestamp, Timestamp, bool, Digest)]| {
            other.and_then(|at| frames.get(at).copied()).map(|(time, lasts, last, _)| (time, lasts, last))
        };
        assert_eq!(
            (frames.len(), other),
            (whole.len(), None),
            "{}: {:?} {:?}",
            path.display(),
            told(&frames),
            told(&whole)
        );
        assert_eq!(troubles(&film), expected, "{} by {most}", path.display());
        // From behind, and from anywhere to anywhere.
        let back = whole.iter().rev().step_by(whole.len() / places);
        let anywhere = (0..places).map(|n| &whole[n * 7_919 % whole.len()]);
        for (time, _, last, expected) in back.chain(anywhere) {
            let shown = film.frame_at(*time).unwrap();
            assert_eq!((shown.time, shown.last), (*time, *last), "{} by {most}", path.display());
            assert_eq!(digest(shown.frame), *expected, "{} by {most} at {time}", path.display());
        }
        // And none of it because the whole was opened after all.
        assert_eq!(film.is_excerpt(), is_excerpt, "{}", path.display());
    }
}

/// A film of which a place lies outside of the file is read as a whole, and the
/// place is stepped over.
#[test]
fn films_with_a_hole_in_their_index_are_read_alike() {
    let path = made("hole", "mp4", "testsrc2=s=64x48:r=25:d=4", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p -c:a aac");
    let mut bytes = std::fs::read(&path).unwrap();
    // The first track is that of the pictures.
    let table = bytes.windows(4).position(|four| four == b"stco").unwrap() + 12;
    let at = table + 4 * 30;
    bytes[at..at + 4].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert!(!has_excerpts(&path));
    is_read_alike(&path, &[20, 60, 1_000], 20);
    let mut film = Film::open(&path, Skip::Nothing).unwrap();
    let count = straight(&mut film).len();
    assert!((90..100).contains(&count), "{count}");
}

#[test]
fn real_films_are_the_same_by_excerpts() {
    av::start();
    for name in ["gopro/hero7.mp4", "video/cuts-no-audio.mp4", "video/portrait-hevc-vfr.mp4", "video/rotated.mp4"] {
        let Some(path) = testdata(name) else { return };
        // One shows some frames before they are decoded: that is left alone.
        assert_eq!(has_excerpts(&path), name != "video/portrait-hevc-vfr.mp4", "{name}");
        is_read_alike(&path, &[130], 8);
    }
}

#[test]
fn made_films_are_the_same_by_excerpts() {
    av::start();
    let test = "testsrc2=s=96x64:r=30:d=4";
    let films = [
        made("b-frames", "mp4", test, "-c:v libx264 -bf 3 -g 20 -movflags +faststart"),
        made("one-group", "mp4", test, "-c:v libx264 -g 9999"),
        made("hevc", "mov", test, "-c:v libx265 -x265-params log-level=error:keyint=25 -tag:v hvc1"),
        made("all-keys", "mov", test, "-c:v mjpeg -q:v 4"),
        made("late", "mp4", test, "-c:v libx264 -bf 2 -g 15 -output_ts_offset 3"),
    ];
    for path in &films {
        assert!(has_excerpts(path), "{}", path.display());
        is_read_alike(path, &[30, 130], 25);
    }
    // Times of presentation that the demuxer moves, short groups, frames that last
    // longer at first, and edits of films whose pictures come as they are decoded.
    let short = "-c:v libx265 -x265-params log-level=error:keyint=3:bframes=2 -tag:v hvc1 -use_editlist 0";
    let slower = "testsrc2=s=96x64:r=30:d=6,setpts='if(lt(N,60),N*3,N+120)/30/TB'";
    let uneven = made("uneven", "mp4", slower, "-c:v libx264 -bf 3 -g 20 -fps_mode vfr -video_track_timescale 15360");
    let plain = made("in-order", "mp4", test, "-c:v libx264 -bf 0 -g 20");
    let cut = scratch("excerpt").join("cut-in-order.mp4");
    let paths = [plain.to_str().unwrap(), cut.to_str().unwrap()];
    output("ffmpeg", &["-v", "error", "-y", "-ss", "0.3", "-i", paths[0], "-map", "0", "-c", "copy", paths[1]]);
    for path in [made("short", "mp4", test, short), uneven, cut] {
        assert!(has_excerpts(&path), "{}", path.display());
        is_read_alike(&path, &[30, 130], 25);
    }
    // Its times are too long for tables of 31 bits, and it is edited.
    let many = "testsrc2=s=64x64:r=50:d=20";
    let long = made("long", "mp4", many, "-c:v libx264 -bf 2 -g 25 -video_track_timescale 500000000");
    let cut = scratch("excerpt").join("cut.mp4");
    let paths = [long.to_str().unwrap(), cut.to_str().unwrap()];
    output("ffmpeg", &["-v", "error", "-y", "-ss", "0.2", "-i", paths[0], "-map", "0", "-c", "copy", paths[1]]);
    for path in [&long, &cut] {
        assert!(has_excerpts(path), "{}", path.display());
        is_read_alike(path, &[30, 130], 25);
    }
}

/// What an index is that lists a whole file, and what it is here.
#[test]
fn an_excerpt_lists_its_beginning_and_what_is_read() {
    av::start();
    let path = made("listed", "mp4", "testsrc2=s=64x64:r=50:d=20", "-c:v libx264 -g 25");
    let whole = Windowed::open(&path, Limits::default()).unwrap();
    let listed = |film: &Windowed| film.input().stream(film.stream()).unwrap().index().count();
    assert_eq!((listed(&whole), whole.input().streams().count()), (1_000, 2));
    let mut film = Windowed::open(&path, within(50)).unwrap();
    assert_eq!(film.keys(), whole.keys());
    let second = film.input().stream(film.stream()).unwrap().time_base().1;
    film.seek(i64::from(second) * 15).unwrap();
    // 40 at the beginning, and from ten seconds before on.
    assert!((590..=620).contains(&listed(&film)), "{} of 1,000", listed(&film));
    assert_eq!(film.input().streams().count(), 1);
    film.seek(i64::from(second) * 19).unwrap();
    assert!((590..=620).contains(&listed(&film)), "{} of 1,000", listed(&film));
}

/// What is out of the ordinary is read as a whole.
#[test]
fn fragments_edits_and_damage_have_no_excerpts() {
    av::start();
    let test = "testsrc2=s=96x64:r=30:d=4";
    let coder = "-c:v libx264 -g 30";
    let plain = made("plain", "mp4", test, coder);
    assert!(has_excerpts(&plain) && Listing::of(&plain, Limits::default()).is_none());
    let others = [
        made("fragments", "mp4", test, &format!("{coder} -movflags +frag_keyframe+empty_moov")),
        made("matroska", "mkv", test, coder),
        made("transport", "ts", test, coder),
    ];
    for path in &others {
        assert!(!has_excerpts(path), "{}", path.display());
    }
    let bytes = std::fs::read(&plain).unwrap();
    let damaged = scratch("excerpt").join("damaged.mp4");
    let is_none = |bytes: &[u8]| {
        std::fs::write(&damaged, bytes).unwrap();
        !has_excerpts(&damaged)
    };
    assert!(is_none(&bytes[..bytes.len() - 1]));
    let find = |name: &[u8]| bytes.windows(4).position(|four| four == name).unwrap();
    // One number of each table, by one.
    for (name, at) in [(b"stts", 12), (b"stsz", 15), (b"stsc", 23), (b"stss", 15), (b"ctts", 15), (b"elst", 8)] {
        let mut bytes = bytes.clone();
        bytes[find(name) + at] ^= 1;
        assert!(is_none(&bytes), "{name:?}");
    }
    // An edit that ends earlier, places outside of the file, and tables that stand
    // where they should not.
    let with = |name: &[u8; 4], at: usize, bytes_of: &[u8]| {
        let mut bytes = bytes.clone();
        let at = find(name) + at;
        bytes[at..at + bytes_of.len()].copy_from_slice(bytes_of);
        is_none(&bytes)
    };
    assert!(with(b"elst", 12, &1_000_u32.to_be_bytes()) && with(b"elst", 12, &[0; 4]));
    assert!(with(b"stco", 12, &[0xff; 4]) && with(b"stco", 12, &(bytes.len() as u32).to_be_bytes()));
    assert!(with(b"dinf", 0, b"stts"));
    // Whatever else is flipped, nothing panics, and films can be asked.
    let mut state = 7_u64;
    let moov = find(b"moov");
    for _ in 0..60 {
        let mut bytes = bytes.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = moov + (state >> 33) as usize % (bytes.len() - moov);
            bytes[at] ^= (state >> 24) as u8;
        }
        std::fs::write(&damaged, bytes).unwrap();
        if let Ok(mut film) = Film::open_within(&damaged, within(10)) {
            for second in [0, 3, 1, 100] {
                film.frame_at(Timestamp::from_seconds(second)).ok();
            }
        }
    }
}
