use std::path::PathBuf;
use std::process::Command;

use super::*;

/// A grey picture of `width` x `height` whose luma is `luma(x, y)`.
fn look(analysis: &mut dyn Analyse, size: (usize, usize), time: i64, luma: impl Fn(usize, usize) -> u8) {
    let (width, height) = size;
    let y: Vec<u8> = (0..width * height).map(|i| luma(i % width, i / width)).collect();
    let grey = vec![128; width.div_ceil(2) * height.div_ceil(2)];
    analysis.look(&Picture::new(width, height, [&y, &grey, &grey], time).unwrap());
}

fn start(name: &str) -> Box<dyn Analyse> {
    (find(name).unwrap().new)()
}

fn values(analysis: Box<dyn Analyse>, name: &str) -> Vec<i32> {
    analysis.finish().into_iter().find(|s| s.name == name).unwrap().signal.values
}

/// Something with structure at all scales.
fn texture(x: usize, y: usize) -> u8 {
    (60 + (x * 37 + y * 11) % 50 + (x / 16 + y / 8) % 2 * 60) as u8
}

#[test]
fn planes_must_fit() {
    let planes: [&[u8]; 3] = [&[0; 15], &[0; 6], &[0; 6]];
    assert!(Picture::new(5, 3, planes, 0).is_some());
    assert!(Picture::new(4, 3, planes, 0).is_none());
    assert!(Picture::new(0, 0, [&[], &[], &[]], 0).is_none());
}

#[test]
fn names_are_unique_and_signals_as_declared() {
    for (i, analysis) in ANALYSES.iter().enumerate() {
        assert!(ANALYSES[..i].iter().all(|other| other.name != analysis.name));
        let mut run = (analysis.new)();
        look(&mut *run, (7, 5), 40, texture);
        let signals = run.finish();
        assert_eq!(signals.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), analysis.signals);
        assert!(signals.iter().all(|s| s.signal.times == [40] && s.signal.values.len() == 1));
    }
}

#[test]
fn tiny_and_changing_pictures_do_no_harm() {
    for analysis in ANALYSES {
        let mut run = (analysis.new)();
        for (time, size) in [(1, 1), (2, 2), (9, 3), (1, 64), (64, 1)].into_iter().enumerate() {
            look(&mut *run, size, time as i64, texture);
        }
        assert!(run.finish().iter().all(|s| s.signal.times == [0, 1, 2, 3, 4]));
    }
}

#[test]
fn motion_is_seen_and_flicker_is_not() {
    let mut run = start("motion");
    let bright = |x, y, gain: u32| (u32::from(texture(x, y)) * gain / 100) as u8;
    look(&mut *run, (160, 90), 0, |x, y| bright(x, y, 100));
    look(&mut *run, (160, 90), 1, |x, y| bright(x, y, 100));
    look(&mut *run, (160, 90), 2, |x, y| bright(x, y, 125));
    look(&mut *run, (160, 90), 3, |x, y| bright(x + 8, y, 125));
    let values = values(run, "motion");
    assert_eq!(values[..2], [0, 0]);
    assert!(values[2] < 30, "a quarter more light: {values:?}");
    assert!(values[3] > 500, "8 pixels sideways: {values:?}");
}

/// Alternating 0 and 255: the Laplacian is +1020 and -1020 in turn, so its
/// variance is 1020 squared (6 x 6 inner pixels: as many of one as of the other).
#[test]
fn sharpness_of_a_chessboard() {
    let mut run = start("sharpness");
    look(&mut *run, (8, 8), 0, |x, y| if (x + y) % 2 == 0 { 0 } else { 255 });
    look(&mut *run, (8, 8), 1, |x, y| (10 * x + 5 * y) as u8);
    let expected = (1.0 + 1020.0f64 * 1020.0).ln();
    assert_eq!(values(run, "sharpness"), [(expected * 10_000.0).round() as i32, 0]);
}

#[test]
fn blur_lowers_sharpness() {
    let mut run = start("sharpness");
    look(&mut *run, (64, 64), 0, texture);
    let blurred = |x: usize, y: usize| {
        let sum: u32 = (0..9).map(|i| u32::from(texture(x + i % 3, y + i / 3))).sum();
        (sum / 9) as u8
    };
    look(&mut *run, (64, 64), 1, blurred);
    let values = values(run, "sharpness");
    assert!(values[0] > values[1] + 5_000, "{values:?}");
}

#[test]
fn exposure_of_half_black_half_white() {
    let mut run = start("exposure");
    look(&mut *run, (10, 10), 0, |x, _| if x < 5 { 0 } else { 255 });
    let signals = run.finish();
    let value = |i: usize| signals[i].signal.values[0];
    assert_eq!((value(0), value(1)), (5_000, 5_000));
    // exp(-0.5^2 / (2 * 0.2^2)) = 0.0439: a clipped pixel by the paper's formula.
    assert_eq!(value(2), 439);
}

#[test]
fn a_cut_stands_out_of_a_pan() {
    let mut run = start("scene_change");
    for i in 0..12 {
        // A steady pan; from picture 6 on, of something much brighter.
        look(&mut *run, (160, 90), i, |x, y| texture(x + 8 * i as usize, y) / 2 + if i < 6 { 0 } else { 120 });
    }
    let values = values(run, "scene_change");
    assert_eq!(values.len(), 12);
    assert!(values[6] >= 4_000, "{values:?}");
    assert!(values.iter().enumerate().all(|(i, v)| i == 6 || *v < 1_000), "{values:?}");
}

#[test]
fn a_still_scene_has_no_change() {
    let mut run = start("scene_change");
    for i in 0..8 {
        look(&mut *run, (64, 36), i, |x, y| texture(x, y) + u8::from((x + y + i as usize).is_multiple_of(5)));
    }
    assert_eq!(values(run, "scene_change"), [0; 8]);
}

/// What `reach` promises: a run that starts `before` samples early and ends
/// `after` late says the same of its chunk as a run over everything.
#[test]
fn chunks_say_what_the_whole_says() {
    let picture = |i: i64| move |x: usize, y: usize| texture(x + (i * i * 5) as usize, y + i as usize);
    for analysis in ANALYSES {
        let run = |from: i64, until: i64| {
            let mut run = (analysis.new)();
            (from..until).for_each(|i| look(&mut *run, (64, 36), i, picture(i)));
            run.finish()
        };
        let reach = analysis.reach;
        let chunk = run(10 - i64::from(reach.before), 15 + i64::from(reach.after));
        assert_eq!(within(chunk, 10, 15), within(run(0, 30), 10, 15), "{}", analysis.name);
    }
}

/// The file has two hard cuts, at 1.001 s and 6.006 s by ffmpeg's own
/// `select=gt(scene\,0.2)`, and otherwise fades and a dissolve (those are what the
/// list beside it names). Pictures 160 wide, five a second, by the ffmpeg program:
/// the first samples after the cuts are the 6th and the 31st.
#[test]
fn cuts_in_real_footage() {
    let folder = std::env::var_os("AUTOCUT_TESTDATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata"), PathBuf::from);
    let file = folder.join("video/cuts-no-audio.mp4");
    if !file.exists() {
        skipped("../shared/testdata");
        return;
    }
    let ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-vf", "fps=5:round=up:start_time=0,scale=160:90:out_range=full", "-pix_fmt", "yuv420p"])
        .args(["-f", "rawvideo", "-"])
        .output();
    let Ok(ffmpeg) = ffmpeg else {
        skipped("the program ffmpeg");
        return;
    };
    let mut run = start("scene_change");
    for (i, planes) in (0..).zip(ffmpeg.stdout.chunks_exact(160 * 90 * 3 / 2)) {
        let (y, chroma) = planes.split_at(160 * 90);
        let (u, v) = chroma.split_at(80 * 45);
        run.look(&Picture::new(160, 90, [y, u, v], i).unwrap());
    }
    let values = values(run, "scene_change");
    let cuts: Vec<usize> = (0..values.len()).filter(|i| values[*i] >= 5_000).collect();
    assert_eq!(cuts, [6, 31], "{values:?}");
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn skipped(missing: &str) {
    eprintln!("skipped: {missing} is not here");
}
