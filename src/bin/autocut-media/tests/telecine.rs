//! Film that is shown as fields without being stored as such (soft telecine).

use std::path::{Path, PathBuf};

use autocut::base::{Digest, Timestamp};

use super::{output, scratch};
use crate::av;
use crate::decode::Film;

/// Film that is marked to be shown as 60 fields a second: MPEG-2 whose pictures
/// are whole and repeat a field every other time (ISO/IEC 13818-2, 6.2.3.1).
/// ffmpeg's encoder marks nothing, so the bits are set here.
fn telecined(folder: &Path) -> PathBuf {
    let (film, marked) = (folder.join("film.m2v"), folder.join("marked.m2v"));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let pattern = "testsrc2=s=176x144:r=24000/1001:d=6";
    output(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            pattern,
            "-c:v",
            "mpeg2video",
            "-g",
            "12",
            "-bf",
            "2",
            &path(&film),
        ],
    );
    let mut bytes = std::fs::read(&film).unwrap();
    let (mut shown, mut before, mut inside) = (0, 0, 0);
    for at in 0..bytes.len() - 9 {
        match bytes[at..at + 4] {
            // 30000/1001 frames a second instead of 24000/1001.
            [0, 0, 1, 0xb3] => bytes[at + 7] = bytes[at + 7] & 0xf0 | 4,
            [0, 0, 1, 0xb8] => (before, inside) = (before + inside, 0),
            [0, 0, 1, 0] => {
                shown = before + (usize::from(bytes[at + 4]) << 2 | usize::from(bytes[at + 5] >> 6));
                inside += 1;
            }
            // The sequence is not progressive, its pictures are.
            [0, 0, 1, 0xb5] if bytes[at + 4] >> 4 == 1 => bytes[at + 5] &= !8,
            [0, 0, 1, 0xb5] if bytes[at + 4] >> 4 == 8 => {
                assert!(bytes[at + 8] & 0x80 != 0, "a picture that is not progressive");
                let (top_first, repeat) = [(1, 1), (0, 0), (0, 1), (1, 0)][shown % 4];
                bytes[at + 7] = bytes[at + 7] & !0x82 | top_first << 7 | repeat << 1;
            }
            _ => {}
        }
    }
    std::fs::write(&marked, bytes).unwrap();
    let file = folder.join("telecined.ts");
    output("ffmpeg", &["-v", "error", "-y", "-fflags", "+genpts", "-i", &path(&marked), "-c", "copy", &path(&file)]);
    file
}

/// The same in H.264, by `pic_struct` of its picture timing (ITU-T H.264, D.2.3):
/// x264 says 0, a whole frame, in a message of one byte.
fn telecined_h264(folder: &Path) -> PathBuf {
    let (film, marked) = (folder.join("film.h264"), folder.join("marked.h264"));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let input = ["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=176x144:r=24000/1001:d=6"];
    let coded = ["-c:v", "libx264", "-x264-params", "pic-struct=1:keyint=11:min-keyint=11:scenecut=0:bframes=0"];
    output("ffmpeg", &[&input[..], &coded, &["-pix_fmt", "yuv420p", &path(&film)]].concat());
    let mut bytes = std::fs::read(&film).unwrap();
    let places: Vec<usize> = (0..bytes.len() - 7).filter(|at| bytes[*at..at + 6] == [0, 0, 1, 6, 1, 1]).collect();
    assert!(places.len() > 140);
    for (n, at) in places.into_iter().enumerate() {
        // Top, bottom and top again; bottom, top; bottom, top and bottom; top, bottom.
        bytes[at + 6] = [0x51, 0x42, 0x61, 0x32][n % 4];
    }
    std::fs::write(&marked, bytes).unwrap();
    let file = folder.join("telecined.mp4");
    output("ffmpeg", &["-v", "error", "-y", "-r", "24000/1001", "-i", &path(&marked), "-c", "copy", &path(&file)]);
    file
}

#[test]
fn telecined_film_is_the_same_after_a_seek() {
    let folder = scratch("telecine");
    same_after_a_seek(&telecined(&folder));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn telecined_film_in_h264_is_the_same_after_a_seek() {
    let folder = scratch("telecine-h264");
    same_after_a_seek(&telecined_h264(&folder));
    std::fs::remove_dir_all(folder).unwrap();
}

/// Whether a frame is two fields does not depend on where decoding began, nor do
/// the pictures.
fn same_after_a_seek(path: &Path) {
    av::start();
    let told = output(
        "ffprobe",
        &["-v", "error", "-show_entries", "frame=repeat_pict", "-of", "csv=p=0", path.to_str().unwrap()],
    );
    assert!(told.lines().filter(|line| line.starts_with('1')).count() > 60, "{told}");
    let mut straight = Film::open(path, av::Skip::Nothing).unwrap();
    let picture = |film: &mut Film, time: Timestamp| {
        let shown = film.frame_at(time).unwrap();
        let plane = shown.frame.plane(0).unwrap();
        (shown.time, shown.frame.fields(), Digest::of(plane.data))
    };
    let times: Vec<Timestamp> = (0..140).map(|n| Timestamp::new(n * 1_001 + 500, 24_000)).collect();
    let expected: Vec<_> = times.iter().map(|time| picture(&mut straight, *time)).collect();
    assert!(expected.iter().all(|(_, fields, _)| fields.is_none()), "whole pictures are taken for fields");
    let changes = expected.windows(2).filter(|pair| pair[0].2 != pair[1].2).count();
    assert!(changes > 100, "{changes}: {:?}", expected.iter().map(|(time, ..)| time).collect::<Vec<_>>());
    for (time, expected) in times.iter().zip(&expected).skip(20).step_by(3) {
        let mut sought = Film::open(path, av::Skip::Nothing).unwrap();
        // From the end, so that it has to go back.
        sought.frame_at(Timestamp::from_seconds(5)).unwrap();
        assert_eq!(&picture(&mut sought, *time), expected, "{time}");
    }
}
