//! Footage whose colours are not known, or are no camera's.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::common::Project;
use super::{
    COLOURS, FRAMES, HEIGHT, HLG, PQ, WIDTH, decode, ffmpeg, footage, manifest, off, quadrants, side_data, stream,
};

/// Footage in a matrix that is not known is refused by its name, not shown green.
#[test]
fn unknown_matrices_are_refused() {
    let project = Project::new();
    footage(&project, "ride.mp4", COLOURS[0].2, PQ);
    let outputs = r#""reel": Reel(file: "reel.mkv")"#;
    project.write("autocut.ron", manifest(&["ride"], outputs));
    let patched = |matrix: &str| {
        let tags = format!("hevc_metadata=matrix_coefficients={matrix}");
        let args = ["-v", "error", "-y", "-i", "ride.mp4", "-c", "copy", "-bsf:v", &tags, "-f", "matroska", "out.mkv"];
        ffmpeg(&project, &args);
        fs::rename(project.path("out.mkv"), project.path("other.mp4")).unwrap();
        project.write("autocut.ron", manifest(&["other"], outputs));
        project.make_with(&[])
    };
    let refused = patched("14");
    assert_eq!(refused.code, 1);
    let told = refused.events.iter().map(Value::to_string).collect::<String>() + &refused.stderr;
    assert!(told.contains("other.mp4") && told.contains("ICtCp") && told.contains("zscale"), "{told}");
    // A claim that nobody means is told and taken for the usual matrix.
    let claimed = patched("10");
    assert_eq!(claimed.code, 0, "{}", claimed.stderr);
    let told = claimed.events.iter().map(Value::to_string).collect::<String>() + &claimed.stderr;
    assert!(told.contains("other.mp4") && told.contains("constant luminance"), "{told}");
    assert!(project.ok(&["doctor"]).contains("constant luminance"));
}

/// YCgCo by ffmpeg's zscale (zimg) out of red, green and blue.
#[test]
fn ycgco_is_shown_in_its_colours() {
    let project = Project::new();
    let colours = [[190, 50, 45], [45, 160, 70], [50, 70, 180], [200, 190, 60]];
    let mut frame = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            frame
                .extend(colours[usize::from(x >= WIDTH / 2) + 2 * usize::from(y >= HEIGHT / 2)].map(|level: u8| level));
        }
    }
    project.write("raw.rgb", frame.repeat(FRAMES));
    for (range, tag) in [("limited", "tv"), ("full", "pc")] {
        let size = format!("{WIDTH}x{HEIGHT}");
        let filter = format!("format=gbrp,zscale=min=gbr:m=ycgco:rin=full:r={range},format=yuv420p");
        let args =
            ["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size, "-r", "30", "-i", "raw.rgb"];
        let coded = ["-vf", &filter, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "4"];
        let tags = ["-colorspace", "ycgco", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", tag];
        let all: Vec<&str> = args.into_iter().chain(coded).chain(tags).chain(["ride.mp4"]).collect();
        ffmpeg(&project, &all);
        assert_eq!(stream(&project.path("ride.mp4"))["color_space"], "ycgco");
        project
            .write("autocut.ron", manifest(&["ride"], r#""reel": Reel(file: "reel.mkv", video: Video(quality: 4))"#));
        project.make();
        let path = project.path("reel.mkv");
        let args =
            ["-v", "error", "-i", path.to_str().unwrap(), "-frames:v", "1", "-sws_flags", "bicubic+accurate_rnd"];
        let output =
            Command::new("ffmpeg").args(args).args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]).output().unwrap();
        for (index, made) in colours.into_iter().enumerate() {
            let (x, y) = (WIDTH / 4 + index % 2 * WIDTH / 2, HEIGHT / 4 + index / 2 * HEIGHT / 2);
            let found = &output.stdout[(y * WIDTH + x) * 3..][..3];
            let off = found.iter().zip(made).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(off <= 4, "{range}: {found:?} and not {made:?}");
        }
    }
}

/// Puts a box into the last of the boxes of that path, before whatever comes after
/// it, and makes all of them longer (ISO/IEC 14496-12). `skip` is what each has
/// before the boxes that it holds.
fn insert(bytes: &mut Vec<u8>, path: &[(&[u8; 4], usize)], new: &[u8]) {
    let (mut from, mut until) = (0, bytes.len());
    let mut starts = Vec::new();
    for (name, skip) in path {
        let mut at = from;
        loop {
            assert!(at + 8 <= until, "no {}", String::from_utf8_lossy(*name));
            let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            if &bytes[at + 4..at + 8] == *name {
                (from, until) = (at + 8 + skip, at + size);
                starts.push(at);
                break;
            }
            at += size;
        }
    }
    for start in starts {
        let size = u32::from_be_bytes(bytes[start..start + 4].try_into().unwrap()) + new.len() as u32;
        bytes[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }
    bytes.splice(until..until, new.iter().copied());
}

/// Dolby Vision by its configuration box (Dolby's "Dolby Vision Streams Within the
/// ISO Base Media File Format", 2.2): profile 5 is refused, 8.4 is HLG.
#[test]
fn dolby_vision_without_anything_else_is_refused() {
    let project = Project::new();
    footage(&project, "ride.mp4", COLOURS[0].2, HLG);
    let plain = fs::read(project.path("ride.mp4")).unwrap();
    fs::remove_file(project.path("ride.mp4")).unwrap();
    let outputs = r#""reel": Reel(file: "reel.mkv", video: Video(dynamic_range: Hlg, quality: 2))"#;
    project.write("autocut.ron", manifest(&["dolby"], outputs));
    for (profile, compatible, code) in [(5u8, 0u8, 1), (8, 4, 0)] {
        // Version 1.0, level 3, with metadata and a base layer.
        let flags = u16::from(profile) << 9 | 3 << 3 | 0b101;
        let [a, b] = flags.to_be_bytes();
        let mut record = vec![0, 0, 0, 32];
        record.extend(if profile > 7 { b"dvvC" } else { b"dvcC" });
        record.extend([1, 0, a, b, compatible << 4]);
        record.resize(32, 0);
        let mut bytes = plain.clone();
        let path: [(&[u8; 4], usize); 7] =
            [(b"moov", 0), (b"trak", 0), (b"mdia", 0), (b"minf", 0), (b"stbl", 0), (b"stsd", 8), (b"hvc1", 78)];
        insert(&mut bytes, &path, &record);
        project.write("dolby.mp4", &bytes);
        let found = stream(&project.path("dolby.mp4"));
        let seen = side_data(&found, "DOVI configuration record").unwrap_or_else(|| panic!("{found}"));
        assert_eq!(seen["dv_profile"], profile);
        let made = project.make_with(&[]);
        let told = made.events.iter().map(Value::to_string).collect::<String>() + &made.stderr;
        assert_eq!(made.code, code, "{told}");
        if code == 1 {
            assert!(told.contains("dolby.mp4") && told.contains("profile 5") && told.contains("HLG"), "{told}");
        } else {
            let frames = decode(&project.path("reel.mkv"), 1);
            for (found, expected) in quadrants(&frames).into_iter().zip(COLOURS[0].2) {
                assert!(off(found, expected) <= 3, "{found:?} {expected:?}");
            }
        }
    }
}
