//! The reel as a skilled person would make it with one ffmpeg command: seeks
//! to each clip, concatenates, lays three prerendered transparent videos over
//! the picture, encodes with the same settings.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use autocut::base::{FrameRate, Size};
use autocut::model::Telemetry;
use autocut::model::overlay::{OverlaySpec, Shown};
use autocut::overlay::{self, Scene};

/// A clip of the reel: file, start in seconds, and the log's time there in ns.
pub(crate) struct Shot {
    pub(crate) file: PathBuf,
    pub(crate) start: f64,
    pub(crate) log_start: i64,
}

pub(crate) const FRAMES: u32 = 105;
/// Frames per second, as the example's front camera records.
pub(crate) const RATE: (u32, u32) = (30_000, 1_001);

/// A prerendered overlay and where it belongs.
pub(crate) struct Layer {
    pub(crate) file: PathBuf,
    pub(crate) x: i32,
    pub(crate) y: i32,
}

/// Draws one overlay over all shots into a video with an alpha channel.
pub(crate) fn prerender(spec: &OverlaySpec, shots: &[Shot], log: &Telemetry, frame: Size, file: &Path) -> Layer {
    let rate = FrameRate::new(RATE.0, RATE.1).unwrap();
    let shown: Vec<Shown> = shots
        .iter()
        .map(|shot| {
            let length = rate.time_of(i64::from(FRAMES)).to_nanos();
            let clip = Some((shot.log_start, shot.log_start + length));
            let start = Some(shot.log_start);
            let scene = Scene { frame, rate, frames: FRAMES, telemetry: Some(log), start, utc: start, clip };
            overlay::show(spec, &scene).unwrap()
        })
        .collect();
    let drawn: Vec<Vec<Vec<_>>> = shown
        .iter()
        .map(|shown| {
            let layer = |layer: &autocut::model::overlay::Layer| {
                layer.cells.iter().map(|cell| overlay::draw_cell(cell).unwrap()).collect::<Vec<_>>()
            };
            shown.layers.iter().map(layer).collect()
        })
        .collect();
    // The box that holds all that is ever drawn.
    let (mut left, mut top, mut right, mut bottom) = (i32::MAX, i32::MAX, 0, 0);
    for (shown, drawn) in shown.iter().zip(&drawn) {
        for (layer, cells) in shown.layers.iter().zip(drawn) {
            for run in &layer.runs {
                let cell = &cells[run.cell as usize];
                (left, top) = (left.min(run.x), top.min(run.y));
                (right, bottom) = (right.max(run.x + cell.width() as i32), bottom.max(run.y + cell.height() as i32));
            }
        }
    }
    let (left, top) = (left.max(0) & !1, top.max(0) & !1);
    let (width, height) = ((right - left + 1) & !1, (bottom - top + 1) & !1);
    let size = format!("{width}x{height}");
    let mut encoder = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgba", "-s", &size, "-r", "30000/1001", "-i", "-"])
        .args(["-c:v", "qtrle"])
        .arg(file)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = encoder.stdin.take().unwrap();
    for (shown, drawn) in shown.iter().zip(&drawn) {
        for n in 0..FRAMES {
            let mut picture = tiny_skia::Pixmap::new(width as u32, height as u32).unwrap();
            for (layer, cells) in shown.layers.iter().zip(drawn) {
                let run = layer.runs.iter().find(|run| run.first <= n && n < run.first + run.count);
                if let Some(run) = run {
                    let cell = cells[run.cell as usize].as_ref();
                    let paint = tiny_skia::PixmapPaint::default();
                    let place = tiny_skia::Transform::identity();
                    picture.draw_pixmap(run.x - left, run.y - top, cell, &paint, place, None);
                }
            }
            // ffmpeg's overlay takes straight alpha.
            let straight: Vec<u8> = picture
                .pixels()
                .iter()
                .flat_map(|pixel| {
                    let colour = pixel.demultiply();
                    [colour.red(), colour.green(), colour.blue(), colour.alpha()]
                })
                .collect();
            pipe.write_all(&straight).unwrap();
        }
    }
    drop(pipe);
    assert!(encoder.wait().unwrap().success());
    Layer { file: file.to_owned(), x: left, y: top }
}

/// What autocut tells x264 where nothing is said, but for what makes segments alike.
pub(crate) const ENCODER: [&str; 8] =
    ["-c:v", "libx264", "-preset", "veryfast", "-x264-params", "b-pyramid=none", "-crf", "20"];

/// The command.
pub(crate) fn command(shots: &[Shot], layers: &[Layer], output: &Path) -> Command {
    let mut command = composed(shots, layers);
    command.args(ENCODER).args(["-c:a", "aac", "-b:a", "192k"]);
    command.arg(output);
    command
}

/// The same pictures without loss, to compare with.
pub(crate) fn reference(shots: &[Shot], layers: &[Layer], output: &Path) -> Command {
    let mut command = composed(shots, layers);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-c:a", "pcm_s16le"]).arg(output);
    command
}

/// Seeks, concatenation and overlays: all but the encoders.
fn composed(shots: &[Shot], layers: &[Layer]) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]);
    let seconds = f64::from(FRAMES * RATE.1) / f64::from(RATE.0);
    for shot in shots {
        command.args(["-ss", &format!("{:.6}", shot.start), "-t", &format!("{seconds:.6}"), "-i"]).arg(&shot.file);
    }
    for layer in layers {
        command.arg("-i").arg(&layer.file);
    }
    let mut graph = String::new();
    for index in 0..shots.len() {
        graph += &format!(
            "[{index}:v]fps=30000/1001,format=yuv420p,trim=end_frame={FRAMES}[v{index}];\
             [{index}:a]aresample=48000,apad,atrim=end={seconds:.6},afade=d=0.02,afade=t=out:st={:.6}:d=0.02[a{index}];",
            seconds - 0.02
        );
    }
    for index in 0..shots.len() {
        graph += &format!("[v{index}][a{index}]");
    }
    graph += &format!("concat=n={}:v=1:a=1[film0][sound];", shots.len());
    for (index, layer) in layers.iter().enumerate() {
        let (input, next) = (shots.len() + index, index + 1);
        graph += &format!("[film{index}][{input}:v]overlay={}:{}[film{next}];", layer.x, layer.y);
    }
    let last = format!("[film{}]", layers.len());
    command.args(["-filter_complex", graph.trim_end_matches(';'), "-map", &last, "-map", "[sound]"]);
    command
}
