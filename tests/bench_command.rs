//! `autocut bench` on small footage: what it measures, judged by ffmpeg's own
//! filters; what it compares with; what it recommends; what it refuses.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use autocut::base::{Digest, FrameRate, Orientation, Size, Timestamp};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{CompareSpec, Compared, PlaneCompared, SourceRun};
use autocut::model::timeline::SourcePicture;
use autocut::model::{self, ActionSpec, Colour, Fit, Matrix, Sampling, VideoFormat};
use common::{Footage, Project, autocut, ffprobe, tool};
use serde_json::Value;

const BT709: [&str; 8] =
    ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];

/// Two seconds of ffmpeg's test pattern in the colours that outputs have, so that
/// encoders are given the footage's own samples.
fn pattern(path: &Path, pixels: &str, coded: &[&str]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=2", "-pix_fmt", pixels];
    args.extend(BT709);
    args.extend(coded);
    args.push(path.to_str().unwrap());
    tool("ffmpeg", &args);
}

/// A project with footage of that kind, and a larger and a smaller file.
fn project() -> Project {
    let project = Project::new();
    pattern(&project.path("front/ride.mp4"), "yuv420p", &["-c:v", "libx264", "-crf", "8", "-g", "15", "-threads", "1"]);
    project.footage("front/small.mp4", &Footage { seconds: 1, size: "64x48", ..Footage::default() });
    project.write(
        "autocut.ron",
        r#"Project(version: 1, footage: { "front": "front/*.mp4" },
            moments: Moments(length: "1s", weights: {}, pins: ["front/ride@0.5s"]),
            outputs: { "clips": Clips(folder: "out", container: Mkv, video: Video(size: "320x180", rate: "30", quality: 24, preset: "superfast")) })"#,
    );
    project
}

fn bench(project: &Project, args: &[&str]) -> Value {
    let args: Vec<&str> = ["bench", "--json"].iter().chain(args).copied().collect();
    let text = project.ok(&args);
    assert_eq!(text.lines().count(), 1);
    serde_json::from_str(&text).unwrap()
}

fn names(bench: &Value) -> Vec<String> {
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let name = |row: &Value| format!("{} {} {}", word(row, "encoder"), word(row, "preset"), row["quality"]);
    bench["settings"].as_array().unwrap().iter().map(name).collect()
}

/// What ffmpeg's filters `ssim` and `psnr` say of two inputs: of luma and of
/// all planes.
fn judged(one: &Path, other: &Path, filter: &str) -> [f64; 4] {
    let word = |text: &str, name: &str| -> f64 {
        let line = text.lines().rfind(|line| line.contains("Parsed_")).unwrap_or_else(|| panic!("{text}"));
        let at = line.find(name).unwrap_or_else(|| panic!("{name}: {line}")) + name.len();
        line[at..].split(' ').next().unwrap().parse().unwrap()
    };
    let run = |judge: &str| {
        let graph = format!("{filter}{judge}");
        let args = ["-i", one.to_str().unwrap(), "-i", other.to_str().unwrap(), "-lavfi", &graph, "-f", "null", "-"];
        let output = Command::new("ffmpeg").args(args).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let (ssim, psnr) = (run("ssim"), run("psnr"));
    [word(&ssim, "Y:"), word(&ssim, "All:"), word(&psnr, "y:"), word(&psnr, "average:")]
}

/// ffmpeg prints SSIM to six places and PSNR to six, and adds up windows as
/// 32-bit floats; constants are rounded to whole numbers by both.
const SSIM_NEAR: f64 = 2e-5;
const PSNR_NEAR: f64 = 1e-3;

#[track_caller]
fn assert_near(found: [f64; 4], judged: [f64; 4]) {
    for (index, (found, judged)) in found.into_iter().zip(judged).enumerate() {
        let near = if index < 2 { SSIM_NEAR } else { PSNR_NEAR };
        assert!((found - judged).abs() < near, "value {index}: {found}, and ffmpeg says {judged}");
    }
}

/// The action alone, on files that ffmpeg made.
fn compare(project: &Project, source: &Path, encoded: &Path, sampling: Sampling) -> Compared {
    let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
    let (rate, size) = (FrameRate::new(30, 1).unwrap(), Size::new(320, 180));
    let picture = SourcePicture { stored: size, pixel_aspect: (1, 1), orientation: Orientation::UPRIGHT, colour, rate };
    let run = SourceRun { file: Digest::of(b"source"), start: Timestamp::ZERO, frames: 60, picture, fit: Fit::Blur };
    let spec = CompareSpec {
        encoded: Digest::of(b"encoded"),
        sources: vec![run],
        format: VideoFormat { size, rate, colour, sampling },
    };
    let inputs =
        BTreeMap::from([(Digest::of(b"source"), source.to_owned()), (Digest::of(b"encoded"), encoded.to_owned())]);
    let scratch = project.path("scratch");
    let invocation = Invocation {
        id: 1,
        spec: ActionSpec::Compare(spec),
        inputs,
        devices: BTreeMap::new(),
        packs: Vec::new(),
        scratch,
    };
    project.write("invocation.ron", ron::to_string(&invocation).unwrap());
    let path = project.path("invocation.ron");
    let told = tool(env!("CARGO_BIN_EXE_autocut-media"), &["run", path.to_str().unwrap()]);
    let produced: Produced = ron::from_str(&told).unwrap();
    model::decode(&produced.value).unwrap()
}

#[test]
fn ssim_and_psnr_are_those_of_ffmpeg() {
    let project = Project::new();
    let lossless = ["-c:v", "ffv1"];
    for (pixels, sampling, bits, coded) in [
        ("yuv420p", Sampling::Yuv420p8, 8, ["-c:v", "libx264", "-crf", "30", "-preset", "veryfast"]),
        ("yuv420p10le", Sampling::Yuv420p10, 10, ["-c:v", "libx264", "-crf", "40", "-preset", "veryfast"]),
        ("yuv422p10le", Sampling::Yuv422p10, 10, ["-c:v", "libx264", "-crf", "24", "-preset", "ultrafast"]),
    ] {
        let (source, encoded) = (project.path(&format!("{pixels}.mkv")), project.path(&format!("{pixels}-small.mkv")));
        pattern(&source, pixels, &lossless);
        let mut args = vec!["-v", "error", "-y", "-i", source.to_str().unwrap(), "-threads", "1"];
        args.extend(coded);
        args.push(encoded.to_str().unwrap());
        tool("ffmpeg", &args);
        let found = compare(&project, &source, &encoded, sampling);
        assert_eq!((found.frames, found.bits, found.planes.len()), (60, bits, 3));
        let psnr = |planes: &[PlaneCompared]| {
            let (squared, samples) = planes.iter().fold((0, 0), |(a, b), one| (a + one.squared, b + one.samples));
            let most = f64::from((1_u32 << bits) - 1);
            10.0 * (most * most * samples as f64 / squared as f64).log10()
        };
        let samples: u64 = found.planes.iter().map(|plane| plane.samples).sum();
        let ssim = |plane: &PlaneCompared| plane.ssim as f64 / 1e9;
        let all = found.planes.iter().map(|plane| ssim(plane) * plane.samples as f64).sum::<f64>() / samples as f64;
        let judged = judged(&encoded, &source, "");
        assert!(judged[1] > 0.5 && judged[1] < 0.999, "{pixels}: nothing to judge: {judged:?}");
        assert_near([ssim(&found.planes[0]), all, psnr(&found.planes[..1]), psnr(&found.planes)], judged);

        let itself = compare(&project, &source, &source, sampling);
        assert!(itself.planes.iter().all(|plane| plane.squared == 0 && plane.ssim == 1_000_000_000), "{itself:?}");
    }
}

/// Every setting has a row, in both forms; what is measured makes sense; nothing
/// is left behind and no output is touched.
#[test]
fn every_setting_has_a_row() {
    let project = project();
    let temporary = project.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let asked =
        ["--at", "0.5s", "--length", "1s", "--codec", "H264,libx265", "--preset", "ultrafast", "--quality", "20,40"];
    let args: Vec<&str> = ["bench", "--json"].into_iter().chain(asked).collect();
    let run = |args: &[&str]| {
        let output = autocut().current_dir(project.path("")).env("TMPDIR", &temporary).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    };
    let output = run(&args);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = [
        "libx264 superfast 24",
        "libx264 ultrafast 20",
        "libx264 ultrafast 40",
        "libx265 ultrafast 20",
        "libx265 ultrafast 40",
    ];
    assert_eq!(names(&found), expected);
    assert_eq!((&found["failed"], &found["footage"]["frames"]), (&serde_json::json!([]), &serde_json::json!(30)));
    // Not the small file.
    assert_eq!(found["footage"]["file"], "ride.mp4");
    let rows = found["settings"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|row| row["own"].as_bool().unwrap()).collect::<Vec<_>>(),
        [true, false, false, false, false]
    );
    let number = |row: &Value, name: &str| row[name].as_f64().unwrap_or_else(|| panic!("{name}: {row}"));
    for row in rows {
        assert!(number(row, "frames_per_second") > 1.0 && number(row, "cpu_seconds") > 0.0, "{row}");
        let real = number(row, "frames_per_second") / 30.0;
        assert!((number(row, "times_real_time") - real).abs() < 1e-3, "{row}");
        assert!((number(row, "mbit_per_second") - number(row, "bytes") * 8e-6).abs() < 1e-3, "{row}");
        if cfg!(target_os = "linux") {
            assert!(number(row, "memory_bytes") > 4e6, "{row}");
            assert!(number(row, "written_bytes") >= number(row, "bytes"), "{row}");
        }
    }
    for pair in [&rows[1..3], &rows[3..5]] {
        for name in ["bytes", "ssim", "psnr"] {
            assert!(number(&pair[0], name) > number(&pair[1], name), "{name}: {pair:?}");
        }
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("1 of 5: libx264 superfast 24") && said.contains("5 of 5: libx265 ultrafast 40"), "{said}");

    let table = String::from_utf8(run(&[&["bench"], &asked[..]].concat()).stdout).unwrap();
    for name in expected {
        let words: Vec<&str> = name.split(' ').collect();
        let row = table.lines().find(|line| {
            let line: Vec<&str> =
                line.split_whitespace().skip_while(|word| matches!(*word, ">" | "*" | ">*")).collect();
            line.len() > 8 && line.starts_with(&words)
        });
        assert!(row.is_some(), "{name}:\n{table}");
    }
    assert!(table.contains("recommended: ") && table.contains("video: Video(codec: "), "{table}");
    assert!(!project.path("out").exists());
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What is told of a setting is what `make` makes with it, as ffmpeg sees it, and
/// that it was made is no reason not to measure.
#[test]
fn a_row_is_what_make_makes() {
    let project = project();
    project.make();
    let clip = fs::read_dir(project.path("out")).unwrap().next().unwrap().unwrap().path();
    let asked = ["front/ride.mp4", "--at", "0.5s", "--length", "1s", "--codec", "H264", "--preset", "superfast"];
    let found = bench(&project, &[&asked[..], &["--quality", "24"]].concat());
    // The setting that is asked for is the project's own.
    assert_eq!(names(&found), ["libx264 superfast 24"]);
    let row = &found["settings"][0];
    assert!(row["cpu_seconds"].as_f64().unwrap() > 0.0 && row["frames_per_second"].as_f64().unwrap() > 0.0);
    let number = |name: &str| row[name].as_f64().unwrap();
    // Frame by frame: the filter pairs frames by time, which Matroska rounds.
    let same = "[1:v]trim=start_frame=15:end_frame=45,settb=1/30,setpts=N[b];[0:v]settb=1/30,setpts=N[a];[a][b]";
    let judged = judged(&clip, &project.path("front/ride.mp4"), same);
    assert_near([number("ssim_luma"), number("ssim"), number("psnr_luma"), number("psnr")], judged);
    // Packets in Matroska have lengths where the encoder wrote start codes.
    let sizes = ffprobe(&clip, "v", "packet=size");
    let packets: u64 = sizes.lines().map(|size| size.trim_end_matches(',').parse::<u64>().unwrap()).sum();
    assert!(packets.abs_diff(row["bytes"].as_u64().unwrap()) * 100 <= packets, "{packets} {row}");

    let advice = &found["advice"];
    assert_eq!((&advice["take"]["setting"], &advice["smaller"]), (&serde_json::json!(0), &Value::Null));
    assert!(advice["take"]["why"].as_str().unwrap().starts_with("what it has now"), "{advice}");
    assert_eq!(advice["take"]["line"], r#"Video(codec: H264, preset: "superfast", quality: 24)"#);
    assert!(row["front"].as_bool().unwrap());
}

/// The recommendation follows from the rows by the rule that it states.
#[test]
fn what_is_recommended_is_quick_alike_and_not_larger() {
    let project = project();
    // Slow and no better than quicker ones need to be.
    project.edit("autocut.ron", r#"preset: "superfast""#, r#"preset: "veryslow""#);
    let asked = ["--length", "1s", "--codec", "H264", "--preset", "ultrafast,veryfast,medium", "--quality", "20,22,24"];
    let found = bench(&project, &asked);
    let rows = found["settings"].as_array().unwrap();
    assert_eq!(rows.len(), 10);
    let number = |row: &Value, name: &str| row[name].as_f64().unwrap();
    let own = &rows[0];
    assert!(own["own"].as_bool().unwrap());
    let able = |row: &&Value| {
        number(row, "bytes") <= number(own, "bytes") * 1.05
            && 1.0 - number(row, "ssim") <= (1.0 - number(own, "ssim")) * 1.05 + 1e-5
    };
    let best = rows.iter().filter(able).map(|row| number(row, "frames_per_second")).fold(0.0, f64::max);
    let take = &found["advice"]["take"];
    let taken = &rows[usize::try_from(take["setting"].as_u64().unwrap()).unwrap()];
    if best > number(own, "frames_per_second") * 1.05 {
        assert_eq!(number(taken, "frames_per_second"), best);
        assert!(take["why"].as_str().unwrap().contains("the quickest that is about as like"), "{take}");
    } else {
        assert_eq!(take["setting"], 0);
    }
    assert!(take["line"].as_str().unwrap().contains(taken["preset"].as_str().unwrap()), "{take}");
}

#[test]
fn a_baseline_is_compared_with() {
    let project = project();
    let asked = ["--length", "500ms", "--codec", "H264", "--preset", "ultrafast", "--quality", "20,30"];
    let found = bench(&project, &asked);
    let mut old = found.clone();
    // As if half as much had been enough for the first, and the last was new.
    let bytes = old["settings"][0]["bytes"].as_u64().unwrap();
    old["settings"][0]["bytes"] = (bytes / 2).into();
    old["settings"].as_array_mut().unwrap().pop();
    project.write("old.json", old.to_string());

    let again = bench(&project, &[&asked[..], &["--baseline", "old.json"]].concat());
    let compared = again["compared"].as_array().unwrap();
    assert_eq!(compared.len(), 3);
    let worse = |index: usize, name: &str| compared[index]["worse"].as_array().unwrap().iter().any(|one| one == name);
    assert!((compared[0]["size"].as_f64().unwrap() - 2.0).abs() < 0.01, "{}", compared[0]);
    assert!(worse(0, "size") && !worse(0, "dissimilarity") && !worse(0, "error"));
    // The same bytes and pictures as then.
    assert_eq!(
        (&compared[1]["size"], &compared[1]["dissimilarity"]),
        (&serde_json::json!(1.0), &serde_json::json!(1.0))
    );
    assert!(!worse(1, "size") && compared[2].is_null());

    let table = project.ok(&[&["bench"], &asked[..], &["--baseline", "old.json"]].concat());
    assert!(table.contains("against the baseline") && table.contains("!2.00"), "{table}");
    assert!(table.lines().any(|line| line.trim_end().ends_with(" new")), "{table}");

    // Other pictures make no ratio.
    let refused = project.run(&["bench", "--at", "0s", "--length", "1s", "--baseline", "old.json"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("is of other pictures") && said.contains("ride.mp4"), "{said}");
}

#[test]
fn what_is_wrong_is_said() {
    let project = project();
    project.write("words.mp4", "these are no pictures");
    project.write("words.json", "{}");
    let refused = |args: &[&str], said: &[&str]| {
        let output = project.run(&[&["bench"], args].concat());
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {err}");
        said.iter().for_each(|words| assert!(err.contains(words), "{args:?}: {words:?} is not in:\n{err}"));
    };
    refused(&["gone.mp4"], &["there is no file", "gone.mp4"]);
    refused(&["front"], &["there is no file"]);
    refused(&["words.mp4"], &["words.mp4"]);
    refused(&["--at", "1.5s", "--length", "1s"], &["ride.mp4 lasts 00:02.000", "--length"]);
    refused(&["--at", "5s"], &["behind its end"]);
    refused(&["--length", "3s"], &["ask for at most 00:02.000"]);
    refused(&["--length", "4"], &["write \"4s\" for seconds"]);
    refused(&["--codec", "H265"], &["there is no codec or encoder \"H265\"", "libx265", "did you mean \"H264\"?"]);
    refused(&["--preset", "mediun"], &["did you mean \"medium\"?"]);
    refused(&["--quality", "18,60"], &["60", "1..=51"]);
    refused(&["--baseline", "gone.json"], &["there is no baseline gone.json"]);
    refused(&["--baseline", "words.json"], &["not a result of `autocut bench --json`"]);

    // Without a project a file is needed, and enough.
    let alone = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| autocut().current_dir(alone.path()).arg("bench").args(args).output().unwrap();
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("autocut bench ride.mp4"));
    let ride = project.path("front/ride.mp4");
    let asked = ["--length", "300ms", "--codec", "H264", "--preset", "ultrafast", "--quality", "30", "--json"];
    let output = run(&[&[ride.to_str().unwrap()], &asked[..]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The usual setting of outputs stands for the project's.
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(names(&found), ["libx264 veryfast 20", "libx264 ultrafast 30"]);
    assert_eq!(fs::read_dir(alone.path()).unwrap().count(), 0);
}
