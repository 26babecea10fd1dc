//! Looking at footage, against ffmpeg decoding it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Table, autocut, measure, media, output};

/// Seconds of the camera's footage that is looked at, where `AUTOCUT_BENCH_SECONDS`
/// says nothing else.
const LOOKED_AT: u64 = 600;

/// Long shots, and how long each is in seconds; key frames are 2 s apart, and none is
/// at a cut.
const SHOTS: usize = 10;
const SHOT: usize = 31;

fn manifest(project: &Path, weights: &str) {
    let text = format!(
        "Project(version: 1, footage: {{\"a\": \"footage/*\"}}, \
         moments: Moments(length: \"2s\", total: \"20s\", weights: {{{weights}}}, pins: [\"a/long@1s\"]), \
         outputs: {{\"film\": Reel(file: \"out/film.mp4\")}})"
    );
    fs::write(project.join("autocut.ron"), text).unwrap();
}

/// Wall time of the analyses alone: the footage has been hashed and probed before.
fn looked(project: &Path, weights: &str) -> Duration {
    let _ = fs::remove_dir_all(project.join(".autocut"));
    manifest(project, "");
    output(autocut(project).args(["explain", "moments"]));
    manifest(project, weights);
    measure::run(autocut(project).args(["explain", "moments"])).wall
}

fn decoded(file: &Path, options: &[&str]) -> Duration {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]).args(options).arg("-i").arg(file).args(["-map", "0:v", "-f", "null", "-"]);
    measure::run(&mut command).wall
}

fn best(mut work: impl FnMut() -> Duration) -> f64 {
    (0..3).map(|_| work()).min().unwrap_or_default().as_secs_f64()
}

/// All signals of pictures at once.
pub(crate) fn signals(camera: &Path, folder: &Path, table: &mut Table) {
    let seconds = media::seconds(LOOKED_AT);
    let project = folder.join("analysis");
    let file = media::long(camera, &project, seconds);
    let weights = r#""motion": 0.3, "sharpness": 0.2, "exposure": 0.1, "scene_change": 0.1"#;
    let ours = best(|| looked(&project, weights));
    let theirs = best(|| decoded(&file, &[]));
    let measured = format!("{:.2} ({ours:.1} s / {theirs:.1} s)", ours / theirs);
    table.row(
        &format!("motion, sharpness, exposure and scene changes of {seconds} s, against ffmpeg decoding it"),
        measured,
        "at most 1.1",
    );
    fs::remove_dir_all(&project).unwrap();
}

/// Scene changes alone.
pub(crate) fn cuts(folder: &Path, table: &mut Table) {
    let project = folder.join("cuts");
    let file = shots(&project);
    let ours = best(|| looked(&project, r#""scene_change": 1"#));
    let keys = best(|| decoded(&file, &["-skip_frame", "nokey"]));
    let all = best(|| decoded(&file, &[]));
    // Each cut lies within one group of 2 s.
    let share = (SHOTS - 1) as f64 * 2.0 / (SHOTS * SHOT) as f64;
    let bound = keys + share * all;
    let measured = format!("{:.2} ({ours:.1} s / {keys:.1} s and {:.0} % of {all:.1} s)", ours / bound, share * 100.0);
    table.row("scene changes alone, against decoding key frames and groups with cuts", measured, "at most 1.1");
    table.row("that is of decoding it all", format!("{:.2}", ours / all), "under a third");
    fs::remove_dir_all(&project).unwrap();
}

/// Shots from a tripod: grain, and something small that moves.
fn shots(project: &Path) -> PathBuf {
    let _ = fs::remove_dir_all(project);
    fs::create_dir_all(project.join("footage")).unwrap();
    let file = project.join("footage/long.mp4");
    let shot = |index: usize| {
        let grey = 40 + 170 * (index * 7 % SHOTS) / SHOTS;
        format!(
            "color=0x{grey:02x}{:02x}{:02x}:s=1920x1080:r=30:d={SHOT},drawgrid=w=160:h=120:c=white@0.3,\
             noise=alls=12:allf=t:all_seed={index}[s{index}]",
            255 - grey,
            (grey * 3) % 256
        )
    };
    let graph: Vec<String> = (0..SHOTS).map(shot).collect();
    let inputs: String = (0..SHOTS).map(|index| format!("[s{index}]")).collect();
    let graph = format!("{};{inputs}concat=n={SHOTS}:v=1:a=0", graph.join(";"));
    let coded = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-x264-params", "keyint=60:scenecut=0"];
    output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-filter_complex", &graph])
            .args(coded)
            .args(["-pix_fmt", "yuv420p"])
            .arg(&file),
    );
    file
}
