//! The media engine against what people do by hand: one long file transcoded,
//! clips that are copied, and a draft of a reel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::handmade::ENCODER;
use super::{Table, autocut, measure, output};

/// Seconds of the file that is transcoded, where `AUTOCUT_BENCH_SECONDS` says
/// nothing else.
const TRANSCODED: u64 = 600;

/// Clips that are copied, and how long each is.
const CLIPS: u64 = 10;
const CLIP: u64 = 30;

/// How long what is measured is to be, in seconds.
pub(crate) fn seconds(usual: u64) -> u64 {
    let wanted = std::env::var("AUTOCUT_BENCH_SECONDS").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A long file: a camera's, again and again, without being encoded anew.
pub(crate) fn long(camera: &Path, project: &Path, seconds: u64) -> PathBuf {
    let _ = fs::remove_dir_all(project);
    fs::create_dir_all(project.join("footage")).unwrap();
    let file = project.join("footage/long.mp4");
    // Pictures and sound by themselves: a round begins where the longer of the
    // two ends, and no camera's frames lie beside their grid.
    let alone = |stream: &str, name: &str| {
        let part = project.join(name);
        let mut take = Command::new("ffmpeg");
        output(take.args(["-v", "error", "-y", "-i"]).arg(camera).args(["-map", stream, "-c", "copy"]).arg(&part));
        part
    };
    let (pictures, sound) = (alone("0:v", "pictures.mp4"), alone("0:a", "sound.mp4"));
    let mut join = Command::new("ffmpeg");
    join.args(["-v", "error", "-y", "-stream_loop", "-1", "-i"]).arg(&pictures);
    join.args(["-stream_loop", "-1", "-i"]).arg(&sound);
    output(join.args(["-map", "0:v", "-map", "1:a", "-c", "copy", "-t", &seconds.to_string()]).arg(&file));
    file
}

fn manifest(project: &Path, length: u64, pins: &[u64], outputs: &str) {
    let pins: Vec<String> = pins.iter().map(|at| format!("\"a/long@{at}s\"")).collect();
    let total = length * pins.len() as u64;
    let text = format!(
        "Project(version: 1, footage: {{\"a\": \"footage/*\"}}, \
         moments: Moments(length: \"{length}s\", total: \"{total}s\", weights: {{}}, pins: [{}]), outputs: {{{outputs}}})",
        pins.join(", ")
    );
    fs::write(project.join("autocut.ron"), text).unwrap();
}

/// Nothing made; footage hashed and probed, moments chosen.
fn chosen(project: &Path) {
    let _ = fs::remove_dir_all(project.join(".autocut"));
    let _ = fs::remove_dir_all(project.join("out"));
    output(autocut(project).args(["explain", "moments"]));
}

fn ratio(ours: Duration, theirs: Duration) -> String {
    let (a, b) = (ours.as_secs_f64(), theirs.as_secs_f64());
    format!("{:.2} ({a:.1} s / {b:.1} s)", a / b)
}

/// One clip against `ffmpeg` with the same settings.
pub(crate) fn transcode(camera: &Path, folder: &Path, table: &mut Table) {
    let seconds = seconds(TRANSCODED);
    let project = folder.join("transcode");
    let file = long(camera, &project, seconds + 1);
    manifest(&project, seconds, &[0], "\"film\": Reel(file: \"out/film.mp4\")");
    chosen(&project);
    let ours = measure::run(autocut(&project).arg("make"));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-t", &seconds.to_string(), "-i"]).arg(&file);
    command.args(ENCODER).args(["-pix_fmt", "yuv420p"]);
    command.args(["-c:a", "aac", "-b:a", "192k"]).arg(project.join("by-hand.mp4"));
    let theirs = measure::run(&mut command);
    let what = format!("{seconds} s of 1080p transcoded, wall time against ffmpeg");
    table.row(&what, ratio(ours.wall, theirs.wall), "at most 1.0");
    let memory = format!("{} MiB / {} MiB", ours.peak_mib, theirs.peak_mib);
    table.row("peak memory of all processes meanwhile, and of ffmpeg", memory, "ours at most 400 MiB");
    let size = |path: &Path| fs::metadata(path).unwrap().len() as f64;
    let sizes = size(&project.join("out/film.mp4")) / size(&project.join("by-hand.mp4"));
    table.row("same file: size", format!("{sizes:.3}"), "");
    fs::remove_dir_all(&project).unwrap();
}

/// Clips that are copied against `cp` of as many bytes.
pub(crate) fn copies(camera: &Path, folder: &Path, table: &mut Table) {
    let project = folder.join("copies");
    long(camera, &project, CLIPS * (CLIP + 1) + 1);
    let pins: Vec<u64> = (0..CLIPS).map(|clip| clip * (CLIP + 1)).collect();
    manifest(&project, CLIP, &pins, "\"clips\": Clips(folder: \"out\", video: Video(quality: Copy))");
    chosen(&project);
    let ours = measure::run(autocut(&project).arg("make")).wall;
    let files: Vec<PathBuf> = fs::read_dir(project.join("out")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let bytes: u64 = files.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    let to = project.join("cp");
    fs::create_dir_all(&to).unwrap();
    let started = Instant::now();
    for file in &files {
        let copy = to.join(file.file_name().unwrap());
        fs::copy(file, &copy).unwrap();
        // Outputs are synced, and so are these.
        fs::File::open(&copy).unwrap().sync_all().unwrap();
    }
    let theirs = started.elapsed();
    let what = format!("{CLIPS} clips of {CLIP} s copied ({} MB), against cp of their files", bytes / 1_000_000);
    table.row(&what, ratio(ours, theirs), "");
    let times = (CLIPS * CLIP) as f64 / ours.as_secs_f64();
    table.row("that is so many times as fast as it plays", format!("{times:.0}"), "");
    fs::remove_dir_all(&project).unwrap();
}
