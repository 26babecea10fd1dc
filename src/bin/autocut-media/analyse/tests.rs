use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use autocut::base::{Digest, FrameRate, Timestamp};
use autocut::model::ActionSpec;
use autocut::model::signal::NamedSignal;

use super::*;
use crate::tests::testdata;

fn pass(from_ms: i64, until_ms: i64) -> AnalysisPass {
    AnalysisPass {
        orientation: Orientation::UPRIGHT,
        from: Timestamp::from_millis(from_ms),
        until: Timestamp::from_millis(until_ms),
        rate: FrameRate::new(5, 1).unwrap(),
        width: 160,
    }
}

/// Runs analyses together.
fn signals(file: &Path, names: &[&str], pass: &AnalysisPass) -> Vec<NamedSignal> {
    av::start();
    let scratch = tempfile::tempdir().unwrap();
    let digest = Digest::of(file.as_os_str().as_encoded_bytes());
    let given: Vec<(AnalyseSpec, Invocation)> = names
        .iter()
        .map(|name| {
            let scratch = scratch.path().join(name);
            std::fs::create_dir(&scratch).unwrap();
            let analysis_version = analysis::find(name).unwrap().version;
            let spec = AnalyseSpec { file: digest, analysis: (*name).to_owned(), analysis_version, pass: pass.clone() };
            let inputs = BTreeMap::from([(digest, file.to_owned())]);
            let action = ActionSpec::Analyse(spec.clone());
            (spec, Invocation { id: 0, spec: action, inputs, devices: BTreeMap::new(), packs: vec![], scratch })
        })
        .collect();
    let batch: Vec<_> = given.iter().map(|(spec, invocation)| (spec, invocation)).collect();
    let made = analyse(&batch, &mut Films::default(), &mut |_, _| Ok(()));
    made.into_iter()
        .flat_map(|made| {
            let bytes = std::fs::read(&made.unwrap().files[0]).unwrap();
            model::decode::<Vec<NamedSignal>>(&bytes).unwrap()
        })
        .collect()
}

const ALL: [&str; 4] = ["motion", "sharpness", "exposure", "scene_change"];

/// The file's hard cuts lie at 1.001 s and 6.006 s (ffmpeg's scene filter).
#[test]
fn cuts_are_seen() {
    let Some(file) = testdata("video/cuts-no-audio.mp4") else { return };
    let signal = signals(&file, &["scene_change"], &pass(0, 24_024)).remove(0).signal;
    assert_eq!(signal.times.len(), 121);
    let cuts: Vec<i64> =
        signal.times.iter().zip(&signal.values).filter(|(_, value)| **value >= 5_000).map(|(time, _)| *time).collect();
    assert_eq!(cuts, [1_200_000, 6_200_000]);
}

#[test]
fn chunks_say_what_the_whole_says() {
    let Some(file) = testdata("video/cuts-no-audio.mp4") else { return };
    let whole = signals(&file, &ALL, &pass(0, 24_024));
    // One of the borders lies just before a cut, one on the grid.
    let chunks = [(0, 5_990), (5_990, 12_000), (12_000, 24_024)].map(|(a, b)| signals(&file, &ALL, &pass(a, b)));
    for (index, signal) in whole.iter().enumerate() {
        let values: Vec<i32> = chunks.iter().flat_map(|chunk| chunk[index].signal.values.clone()).collect();
        let times: Vec<i64> = chunks.iter().flat_map(|chunk| chunk[index].signal.times.clone()).collect();
        assert_eq!(times, signal.signal.times);
        assert_eq!(values, signal.signal.values, "{}", signal.name);
    }
}

#[test]
fn sharing_a_decode_changes_nothing() {
    let Some(file) = testdata("gopro/karma.mp4") else { return };
    let pass = pass(2_000, 6_000);
    let together = signals(&file, &ALL, &pass);
    let alone: Vec<NamedSignal> = ALL.iter().flat_map(|name| signals(&file, &[*name], &pass)).collect();
    assert_eq!(together, alone);
    assert!(together.iter().all(|s| s.signal.times.len() == 20));
}

#[test]
fn a_rate_that_varies_is_sampled_on_the_grid() {
    let Some(file) = testdata("video/portrait-hevc-vfr.mp4") else { return };
    let signal = signals(&file, &["motion"], &pass(0, 2_000)).remove(0).signal;
    assert_eq!(signal.times, (0..10).map(|k| k * 200_000).collect::<Vec<_>>());
}

#[test]
fn grey_is_as_bright_in_full_range() {
    let folder = tempfile::tempdir().unwrap();
    let brightness = ["tv", "pc"].map(|range| {
        let file = folder.path().join(format!("{range}.mp4"));
        let filter = format!("color=0x808080:s=320x180:r=5:d=1,format=gbrp,scale=out_range={range},format=yuv420p");
        let done = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", &filter, "-color_range", range])
            .arg(&file)
            .status();
        assert!(done.unwrap().success());
        signals(&file, &["exposure"], &pass(0, 1_000))[0].signal.values[2]
    });
    // 128 / 255 is 0.502; one level is 0.0039.
    assert!(brightness.iter().all(|b| b.abs_diff(5_020) <= 60), "{brightness:?}");
}

#[test]
fn a_turned_picture_is_looked_at_upright() {
    av::start();
    let turned = Orientation { quarter_turns: 1, mirrored: false };
    let mut small = Small::new(&AnalysisPass { orientation: turned, ..pass(0, 0) });
    let mut frame = Frame::picture(PixelFormat::YUV420P, Size::new(640, 360)).unwrap();
    // The left half is white; turned clockwise it is the upper half.
    for index in 0..3 {
        let plane = frame.plane_mut(index).unwrap();
        for row in plane.data.chunks_mut(plane.stride) {
            row.fill(if index == 0 { 16 } else { 128 });
            if index == 0 {
                row[..320].fill(235);
            }
        }
    }
    small.take(&frame).unwrap();
    let picture = small.picture(0).unwrap();
    assert_eq!((picture.width(), picture.height()), (160, 284));
    assert_eq!((picture.y()[160 * 10 + 80], picture.y()[160 * 270 + 80]), (255, 0));
}

#[test]
fn an_unknown_analysis_fails_alone() {
    let Some(file) = testdata("video/cuts-no-audio.mp4") else { return };
    av::start();
    let scratch = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"");
    let spec =
        |name: &str| AnalyseSpec { file: digest, analysis: name.to_owned(), analysis_version: 1, pass: pass(0, 400) };
    let (good, bad) = (spec("motion"), spec("smell"));
    let invocation = |spec: &AnalyseSpec| Invocation {
        id: 0,
        spec: ActionSpec::Analyse(spec.clone()),
        inputs: BTreeMap::from([(digest, file.clone())]),
        devices: BTreeMap::new(),
        packs: vec![],
        scratch: scratch.path().to_owned(),
    };
    let (first, second) = (invocation(&bad), invocation(&good));
    let made = analyse(&[(&bad, &first), (&good, &second)], &mut Films::default(), &mut |_, _| Ok(()));
    assert!(made[0].is_err() && made[1].is_ok());
}

/// As `autocut` asks: one message with several actions, one answer each.
#[test]
fn every_action_of_a_group_is_answered() {
    use autocut::model::protocol::{Reply, Request, receive};

    let Some(file) = testdata("gopro/karma.mp4") else { return };
    av::start();
    let scratch = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"karma");
    let invocation = |(id, name): (u64, &str)| {
        let folder = scratch.path().join(id.to_string());
        std::fs::create_dir(&folder).unwrap();
        let spec = AnalyseSpec { file: digest, analysis: name.to_owned(), analysis_version: 1, pass: pass(0, 2_000) };
        let inputs = BTreeMap::from([(digest, file.clone())]);
        Invocation {
            id,
            spec: ActionSpec::Analyse(spec),
            inputs,
            devices: BTreeMap::new(),
            packs: vec![],
            scratch: folder,
        }
    };
    let group = [(3, "motion"), (5, "smell"), (9, "sharpness")].map(invocation).to_vec();
    let mut answered = Vec::new();
    crate::serve::serve([Ok(Request::Run(group))], &mut answered).unwrap();
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    let mut answers = &answered[..];
    while let Some(reply) = receive::<Reply>(&mut answers).unwrap() {
        match reply {
            Reply::Done { id, .. } => done.push(id),
            Reply::Failed { id, .. } => failed.push(id),
            _ => {}
        }
    }
    assert_eq!((done, failed), (vec![3, 9], vec![5]));
}

/// Places of cuts: samples that reach 0.5.
fn cuts(signal: &autocut::model::signal::Signal) -> Vec<i64> {
    let samples = signal.times.iter().zip(&signal.values);
    samples.filter(|(_, value)| **value >= 5_000).map(|(time, _)| *time).collect()
}

#[test]
fn between_key_frames_the_same_cuts_are_found() {
    let Some(file) = testdata("video/cuts-no-audio.mp4") else { return };
    let pass = pass(0, 24_024);
    let all = signals(&file, &["scene_change"], &pass).remove(0);
    let quick = signals(&file, &["cuts"], &pass).remove(0);
    assert_eq!(quick.name, "scene_change");
    assert_eq!(quick.signal.times, all.signal.times);
    assert_eq!(cuts(&quick.signal), cuts(&all.signal));
    // In chunks too, also where one ends just before a cut.
    let chunks = [(0, 5_990), (5_990, 12_000), (12_000, 24_024)];
    let chunks = chunks.map(|(a, b)| signals(&file, &["cuts"], &self::pass(a, b)).remove(0).signal);
    assert_eq!(chunks.iter().flat_map(|chunk| chunk.times.clone()).collect::<Vec<_>>(), all.signal.times);
    assert_eq!(chunks.iter().flat_map(cuts).collect::<Vec<_>>(), cuts(&all.signal));
}

/// Shots of known lengths, with key frames every 2 s and none put at a cut.
fn shots(folder: &Path, frames: &[u32], more: &[&str]) -> std::path::PathBuf {
    let file = folder.join("shots.mp4");
    let shot = |(index, frames): (usize, &u32)| {
        let grey = 30 + 60 * (index * 2 % 4);
        format!("color=0x{grey:02x}8080:s=320x180:r=25,trim=end_frame={frames},noise=alls=9:allf=t[s{index}]")
    };
    let graph: Vec<String> = frames.iter().enumerate().map(shot).collect();
    let inputs: String = (0..frames.len()).map(|index| format!("[s{index}]")).collect();
    let graph = format!("{};{inputs}concat=n={}:v=1:a=0", graph.join(";"), frames.len());
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-filter_complex", &graph, "-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-x264-params", "keyint=50:min-keyint=50:scenecut=0"]).args(more).arg(&file);
    assert!(ffmpeg.status().unwrap().success());
    file
}

/// The cuts are where they were put, whether in the middle of a group, just after a
/// key frame or at one.
#[test]
fn cuts_without_key_frames_are_found_between_those_that_differ() {
    let folder = tempfile::tempdir().unwrap();
    // Cuts at frames 60, 152, 250 and 331, which are 2.4, 6.08, 10 and 13.24 s.
    let file = shots(folder.path(), &[60, 92, 98, 81, 69], &[]);
    let pass = pass(0, 16_000);
    for name in ["scene_change", "cuts"] {
        let signal = signals(&file, &[name], &pass).remove(0).signal;
        assert_eq!(cuts(&signal), [2_400_000, 6_200_000, 10_000_000, 13_400_000], "{name}");
    }
}

/// What lies between key frames that are alike is not even decoded: a flash there is
/// not seen, and where all is looked at it is.
#[test]
fn a_flash_within_a_group_is_not_seen_between_key_frames() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flash.mp4");
    let filter = "color=gray:s=320x180:r=25:d=8,drawbox=c=white:t=fill:enable='between(n,70,74)'";
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", filter, "-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-x264-params", "keyint=50:min-keyint=50:scenecut=0"]).arg(&file);
    assert!(ffmpeg.status().unwrap().success());
    let pass = pass(0, 8_000);
    assert_eq!(cuts(&signals(&file, &["cuts"], &pass)[0].signal), [] as [i64; 0]);
    assert!(!cuts(&signals(&file, &["scene_change"], &pass)[0].signal).is_empty());
}

/// Where each frame is a key frame, all is looked at.
#[test]
fn without_groups_all_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = shots(folder.path(), &[60, 92], &["-x264-params", "keyint=1:scenecut=0"]);
    let pass = pass(0, 6_000);
    assert_eq!(signals(&file, &["cuts"], &pass), signals(&file, &["scene_change"], &pass));
}
