//! What the container itself has wrong: an index that leads nowhere, an end that is
//! missing, takes that were put one after the other.

use std::fs;
use std::path::Path;

use super::common::{self, Project, frame_hashes};
use super::{manifest, packets, ten_seconds};

/// Where the box of that name stands, inside of those that are named before it: of
/// each the first.
fn boxes(bytes: &[u8], names: &[&[u8; 4]]) -> Vec<usize> {
    let mut from = 0;
    let mut next = |name: &&[u8; 4]| {
        from += bytes[from..].windows(4).position(|four| four == **name).unwrap();
        from
    };
    names.iter().map(&mut next).collect()
}

/// Makes the place of one chunk of the pictures one that lies outside of the file:
/// in 32 bits, or in 64 where no file reaches. The frames of that chunk.
fn misplace(path: &Path, chunk: usize, is_wide: bool) -> std::ops::Range<usize> {
    let mut bytes = fs::read(path).unwrap();
    let parents = boxes(&bytes, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stco"]);
    let table = parents[5];
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let count = word(table + 8) as usize;
    let mut places: Vec<u64> = (0..count).map(|n| word(table + 12 + 4 * n).into()).collect();
    let frames: Vec<usize> = packets(path).iter().map(|(at, _)| *at).collect();
    let frame = |chunk: usize| frames.iter().position(|at| *at as u64 == places[chunk]).unwrap();
    let lost = frame(chunk)..frame(chunk + 1);
    if is_wide {
        // The movie box is the last one, so that nothing else moves.
        assert!(boxes(&bytes, &[b"mdat"])[0] < table);
        places[chunk] = 0x4000_0000_0000_0000;
        let wide: Vec<u8> = places.iter().flat_map(|place| place.to_be_bytes()).collect();
        let sizes: Vec<u32> = parents.iter().map(|at| word(at - 4) + 4 * count as u32).collect();
        for (at, size) in parents.iter().zip(sizes) {
            bytes[at - 4..*at].copy_from_slice(&size.to_be_bytes());
        }
        bytes[table..table + 4].copy_from_slice(b"co64");
        bytes.splice(table + 12..table + 12 + 4 * count, wide);
    } else {
        bytes[table + 12 + 4 * chunk..][..4].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    }
    fs::write(path, bytes).unwrap();
    lost
}

/// What lies behind an entry that leads nowhere is where the index says.
#[test]
fn behind_an_entry_of_the_index_that_leads_out_of_the_file_it_goes_on() {
    for is_wide in [false, true] {
        let project = Project::new();
        ten_seconds(&project, "a.mp4");
        let path = project.path("a.mp4");
        let lost = misplace(&path, 40, is_wide);
        let key = lost.end.next_multiple_of(30);
        assert!(lost.start > 30 && lost.len() < 5 && lost.end < key && key < 90, "{lost:?}");
        project.write("autocut.ron", manifest("a.mp4", "front/a@0s", "4s"));
        let time = |frame: usize| format!("00:0{}.{:03}", frame / 30, (frame % 30 * 1_000 + 15) / 30);
        let frames = |count: usize| if count == 1 { "1 frame".to_owned() } else { format!("{count} frames") };
        let (count, from) = (frames(lost.len()), time(lost.start));
        assert_eq!(
            project.make().warnings(),
            [
                format!(
                    "a.mp4: the index of the file is damaged: {} of 120 frames from {from} on are not in it",
                    lost.len()
                ),
                format!("a.mp4: {count} from {from} could not be decoded; the picture before is shown instead"),
                format!(
                    "a.mp4: {} from {} are damaged; they are shown as far as they could be decoded",
                    frames(key - lost.end),
                    time(lost.end)
                ),
            ]
        );
        // The pattern moves in every frame: none is a copy of the one before.
        let shown = frame_hashes(&project.path("reel.mp4"));
        assert_eq!(shown.len(), 120);
        assert!(shown[key..].windows(2).all(|pair| pair[0] != pair[1]));
    }
}

/// The index of an AVI is its end.
#[test]
fn an_avi_that_was_cut_off_is_told_with_how_much_is_missing() {
    for (name, coder) in [("mjpeg", "-c:v mjpeg -c:a pcm_s16le"), ("mpeg4", "-c:v mpeg4 -bf 2 -c:a mp3")] {
        let project = Project::new();
        let path = project.path("a.avi");
        let source = "-v error -f lavfi -i testsrc2=s=128x96:r=30:d=4 -f lavfi -i sine=d=4";
        let pixels = if name == "mjpeg" { "yuvj420p" } else { "yuv420p" };
        let args: Vec<&str> = source.split(' ').chain(coder.split(' ')).collect();
        common::tool("ffmpeg", &[&args[..], &["-pix_fmt", pixels, path.to_str().unwrap()]].concat());
        project.write("autocut.ron", manifest("a.avi", "front/a@1s", "1s"));
        assert_eq!(project.make().warnings(), [""; 0], "{name}");
        // In the middle of frame 75. The place is that of what is in the chunk.
        let places = packets(&path);
        assert_eq!(places.len(), 120);
        let (at, size) = places[75];
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..at + size / 2]).unwrap();
        let told = project.make_with(&["--force"]).warnings();
        assert_eq!(told, ["a.avi: the file is cut off: 45 of 120 frames from 00:02.500 on are not in it"], "{name}");
        let doctor = project.ok(&["doctor"]);
        assert!(doctor.contains("DAMAGED: the file is cut off") && doctor.contains("00:02.500; "), "{doctor}");
    }
}

/// Both takes have a picture and a sound at each time; only the first one's times
/// would be found in order.
#[test]
fn takes_that_were_joined_byte_by_byte_are_refused_and_can_be_passed_over() {
    for ending in ["ts", "mpg"] {
        let project = Project::new();
        let coder = if ending == "ts" { "-c:v libx264 -c:a aac" } else { "-c:v mpeg2video -c:a mp2" };
        let take = |name: &str, seconds: &str, options: &str| {
            let path = project.path(&format!("{name}.{ending}"));
            let source =
                format!("-v error -f lavfi -i testsrc2=s=128x96:r=25:d={seconds} -f lavfi -i sine=d={seconds}");
            let args = format!("{source} {coder} -g 25 -bf 2 {options}");
            let args: Vec<&str> = args.split_whitespace().chain([path.to_str().unwrap()]).collect();
            common::tool("ffmpeg", &args);
            fs::read(path).unwrap()
        };
        let (one, two) = (take("one", "4", ""), take("two", "3", ""));
        let path = project.path(&format!("footage/a.{ending}"));
        project.write(&format!("footage/a.{ending}"), [one.clone(), two].concat());
        project.write(&format!("footage/b.{ending}"), one);
        project.write("autocut.ron", manifest(&format!("footage/*.{ending}"), "front/b@0s", "2s"));
        let made = project.run(&["make"]);
        let told = String::from_utf8(made.stderr).unwrap();
        assert_eq!(made.status.code(), Some(1), "{told}");
        let expected = format!("footage/a.{ending} holds more than one take: behind 00:03.960 its times start again");
        assert!(told.contains(&expected) && told.contains("ffmpeg -fflags"), "{told}");
        let made = project.make_with(&["-k"]);
        assert_eq!(made.code, 1, "{}", made.stderr);
        assert_eq!(frame_hashes(&project.path("reel.mp4")).len(), 50);

        // What it says to do.
        let mended = project.path("footage/a.mkv");
        let [from, to] = [&path, &mended].map(|path| path.to_str().unwrap());
        common::tool("ffmpeg", &["-v", "quiet", "-fflags", "+genpts", "-i", from, "-c", "copy", to]);
        project.write("autocut.ron", manifest("footage/*.mkv", "front/a@5s", "1.5s"));
        assert_eq!(project.make().code, 0);

        // A clock that wraps, at 2^33 ticks of 90 kHz, or that starts late does not
        // start again.
        for offset in ["95441", "50000"] {
            take("late", "4", &format!("-y -output_ts_offset {offset}"));
            project.write("autocut.ron", manifest(&format!("late.{ending}"), "front/late@0s", "3.5s"));
            assert_eq!(project.make().warnings(), [""; 0], "{ending} {offset}");
        }
    }
}
