//! `make bench`: a table of ratios, each measured against its reference in the
//! same run, so that it says the same on a quick machine and on a slow one.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark ends where something fails, and prints")]

mod analysis;
mod engine;
mod fake;
mod handmade;
mod keys;
mod measure;
mod media;
mod planning;
mod telemetry;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use autocut::base::Size;
use autocut::manifest;
use autocut::model::Telemetry;
use handmade::Shot;
use measure::Cost;

fn main() {
    if fake::serve() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    fs::create_dir_all(&folder).unwrap();
    let mut table = Table::default();
    // One of them alone: `cargo test --release --test bench keys`.
    let only = std::env::args().nth(1);
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("keys") {
        keys(&mut table);
    }
    if wanted("planning") {
        planned(&mut table);
    }
    if wanted("engine") {
        engine::nothing_to_do(&folder, &mut table);
        engine::hashing(&folder, &mut table);
        engine::store(&folder, &mut table);
    }
    if wanted("tax") {
        engine::tax(&folder, &mut table);
    }
    if wanted("media") {
        let camera = ride(&folder).join("footage/front/GX010001.MP4");
        media::copies(&camera, &folder, &mut table);
        media::transcode(&camera, &folder, &mut table);
    }
    if wanted("analysis") {
        analysis::cuts(&folder, &mut table);
        analysis::signals(&ride(&folder).join("footage/front/GX010001.MP4"), &folder, &mut table);
    }
    if wanted("telemetry") {
        telemetry::measure(&folder, &mut table);
    }
    if wanted("reel") {
        reel(&folder, &mut table);
    }
    table.print();
}

/// What planning computes for every action.
fn keys(table: &mut Table) {
    let (ours, plain) = keys::measure();
    let measured = format!("{ours} ns, {:.2} of BLAKE3 over postcard", ours as f64 / plain as f64);
    table.row("the key of an action", measured, "");
}

#[derive(Default)]
struct Table(Vec<(String, String, String)>);

impl Table {
    fn row(&mut self, what: &str, measured: String, bound: &str) {
        println!("{what}: {measured} ({bound})");
        self.0.push((what.to_owned(), measured, bound.to_owned()));
    }

    fn print(&self) {
        println!("\n| benchmark | measured | bound |\n| --- | --- | --- |");
        for (what, measured, bound) in &self.0 {
            println!("| {what} | {measured} | {bound} |");
        }
    }
}

fn autocut(project: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autocut"));
    command.env("AUTOCUT_MEDIA", env!("CARGO_BIN_EXE_autocut-media")).env_remove("AUTOCUT_STORE");
    command.current_dir(project);
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Ten clips of the example ride's front camera, at 1080p: recording, start,
/// and the file with the start in it.
const PINS: [(&str, f64, &str, f64); 10] = [
    ("GX010001", 0.5, "GX010001", 0.5),
    ("GX010001", 4.5, "GX010001", 4.5),
    // The second chapter starts at 10.01 s.
    ("GX010001", 11.01, "GX020001", 1.0),
    ("GX010002", 0.0, "GX010002", 0.0),
    ("GX010002", 3.5, "GX010002", 3.5),
    ("GX010002", 7.0, "GX010002", 7.0),
    ("GX010002", 10.5, "GX010002", 10.5),
    ("GX010003", 0.2, "GX010003", 0.2),
    ("GX010003", 3.8, "GX010003", 3.8),
    ("GX010003", 7.4, "GX010003", 7.4),
];

/// `more` is a pin beside the ten.
fn manifest_text(more: Option<&str>, accent: &str) -> String {
    let pins = PINS.iter().map(|(name, start, ..)| format!("\"front/{name}@{start}s\""));
    let pins: Vec<String> = pins.chain(more.map(str::to_owned)).collect();
    format!(
        r##"Project(
    version: 1,
    footage: {{ "front": "footage/front/*.MP4" }},
    telemetry: Csv(file: "ride.csv", columns: {{"speed": Column(header: "speed_kmh", unit: "km/h")}}),
    moments: Moments(length: "3.5s", weights: {{}}, pins: [{}]),
    overlays: {{
        "speed": Gauge(channel: "speed", anchor: BottomLeft, accent: "{accent}"),
        "map": Map(anchor: TopRight),
        "profile": Elevation(anchor: BottomRight),
    }},
    outputs: {{ "reel": Reel(file: "out/reel.mp4", video: Video(quality: 20, preset: "veryfast")) }},
)
"##,
        pins.join(", ")
    )
}

/// Planning alone, with every action answered at once.
fn planned(table: &mut Table) {
    let planning::Planning { actions, cold, rounds, nothing, edits } = planning::measure(10_000);
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
    table.row(&format!("planning {actions} actions of 10,000 clips, in {rounds} rounds"), ms(cold), "");
    table.row("planning them when all are known", ms(nothing), "");
    for (edit, time) in edits {
        table.row(&format!("planning again after an edit: {edit}"), ms(time), "at most 10 ms");
    }
}

/// The example ride at 1080p, made once.
fn ride(folder: &Path) -> PathBuf {
    let project = folder.join("ride");
    if !project.join("ride.csv").exists() {
        println!("making the example ride at 1080p, once");
        let example = Path::new(env!("CARGO_BIN_EXE_autocut")).parent().unwrap().join("examples/ride");
        output(Command::new(example).arg(&project).args(["--size", "1920x1080"]));
    }
    project
}

fn reel(folder: &Path, table: &mut Table) {
    let project = ride(folder);
    let cold = |accent: &str| {
        // Footage already hashed and probed, moments chosen; nothing rendered.
        let _ = fs::remove_dir_all(project.join(".autocut"));
        let _ = fs::remove_dir_all(project.join("out"));
        fs::write(project.join("autocut.ron"), manifest_text(None, accent)).unwrap();
        output(autocut(&project).args(["explain", "moments"]));
        measure::run(autocut(&project).arg("make"))
    };
    let shots = shots(&project);
    let layers = layers(&project, &shots, folder);
    let by_hand = folder.join("by-hand.mp4");
    let hand = |_| measure::run(&mut handmade::command(&shots, &layers, &by_hand));
    // Alternating, and the best of each: the machine may be shared.
    let mut ours: Vec<Cost> = Vec::new();
    let mut theirs: Vec<Cost> = Vec::new();
    for round in 0..3 {
        theirs.push(hand(round));
        ours.push(cold("#ffb020"));
    }
    let best = |costs: &[Cost]| costs.iter().map(|cost| cost.wall).min().unwrap();
    let memory = |costs: &[Cost]| costs.iter().map(|cost| cost.peak_mib).min().unwrap().max(1) as f64;
    let (our_wall, their_wall) = (best(&ours), best(&theirs));
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    table.row(
        "cold reel, wall time against one ffmpeg command",
        format!(
            "{:.2} ({:.1} s / {:.1} s)",
            ratio(our_wall, their_wall),
            our_wall.as_secs_f64(),
            their_wall.as_secs_f64()
        ),
        "at most 0.95",
    );
    table.row(
        "cold reel, peak memory of all processes against it",
        format!("{:.2} ({} MiB / {} MiB)", memory(&ours) / memory(&theirs), memory(&ours), memory(&theirs)),
        "at most 0.5",
    );
    // The same reel with nothing drawn over it, and a draft of it, twice: with
    // its proxies and without.
    let bare = manifest_text(None, "#ffb020").replace("video: Video(", "overlays: [], video: Video(");
    let plain = || {
        let _ = fs::remove_dir_all(project.join(".autocut"));
        let _ = fs::remove_dir_all(project.join("out"));
        fs::write(project.join("autocut.ron"), &bare).unwrap();
        output(autocut(&project).args(["explain", "moments"]));
        measure::run(autocut(&project).arg("make")).wall
    };
    let undrawn = (0..2).map(|_| plain()).min().unwrap();
    let undrawn_row =
        format!("{:.2} ({:.1} s / {:.1} s)", ratio(our_wall, undrawn), our_wall.as_secs_f64(), undrawn.as_secs_f64());
    table.row("cold reel with overlays, against it without", undrawn_row, "at most 1.07");
    let _ = fs::remove_dir_all(project.join(".autocut"));
    let _ = fs::remove_dir_all(project.join("out"));
    fs::write(project.join("autocut.ron"), manifest_text(None, "#ffb020")).unwrap();
    output(autocut(&project).args(["explain", "moments"]));
    let draft = measure::run(autocut(&project).args(["make", "--draft"])).wall;
    table.row("cold draft, times as fast as the reel", format!("{:.1}", ratio(our_wall, draft)), "at least 2");
    fs::write(project.join("autocut.ron"), manifest_text(None, "#ffb021")).unwrap();
    let again = measure::run(autocut(&project).args(["make", "--draft"])).wall;
    table.row(
        "draft from proxies, another colour, times as fast",
        format!("{:.1}", ratio(our_wall, again)),
        "at least 5",
    );
    cold("#ffb020");
    let reel = project.join("out/reel.mp4");
    let size = |path: &Path| fs::metadata(path).unwrap().len() as f64;
    table.row("same file: size", format!("{:.3}", size(&reel) / size(&by_hand)), "within 3 %");
    // Both against the same pictures without loss.
    let reference = folder.join("reference.mkv");
    if !reference.exists() {
        output(&mut handmade::reference(&shots, &layers, &reference));
    }
    let (ours, theirs) = (ssim(&reel, &reference), ssim(&by_hand, &reference));
    let difference = format!("{:+.4} ({ours:.4} and {theirs:.4})", ours - theirs);
    table.row("same picture: SSIM to a lossless one, less ffmpeg's", difference, "within 0.002");

    fs::write(project.join("autocut.ron"), manifest_text(None, "#40c0ff")).unwrap();
    let colour = measure::run(autocut(&project).arg("make"));
    table.row("one overlay's colour changed, share of cold", format!("{:.2}", ratio(colour.wall, our_wall)), "");
    let more = Some(r#"Pin(at: "front/GX010001@8.2s", length: "1.5s")"#);
    fs::write(project.join("autocut.ron"), manifest_text(more, "#40c0ff")).unwrap();
    let inserted = measure::run(autocut(&project).arg("make"));
    table.row("one moment inserted, share of cold", format!("{:.2}", ratio(inserted.wall, our_wall)), "");
}

/// Average SSIM of two files, by ffmpeg's filter.
fn ssim(a: &Path, b: &Path) -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-v", "info", "-i"])
        .arg(a)
        .arg("-i")
        .arg(b)
        .args(["-lavfi", "[0:v][1:v]ssim", "-f", "null", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let all = text.rsplit("All:").next().unwrap().split_whitespace().next().unwrap();
    all.parse().unwrap()
}

fn shots(project: &Path) -> Vec<Shot> {
    let shot = |(recording, at, name, start): &(&str, f64, &str, f64)| {
        let file = project.join(format!("footage/front/{name}.MP4"));
        let first = project.join(format!("footage/front/{recording}.MP4"));
        let args = ["-v", "error", "-show_entries", "format_tags=creation_time", "-of", "csv=p=0"];
        let created = output(Command::new("ffprobe").args(args).arg(&first));
        let created: jiff::Timestamp = created.trim().parse().unwrap();
        let log_start = i64::try_from(created.as_nanosecond()).unwrap() + (at * 1e9) as i64;
        Shot { file, start: *start, log_start }
    };
    PINS.iter().map(shot).collect()
}

/// The three overlays of the manifest as transparent videos.
fn layers(project: &Path, shots: &[Shot], folder: &Path) -> Vec<handmade::Layer> {
    let kinds = autocut::exec::workspace::kinds();
    let text = manifest_text(None, "#ffb020");
    let (manifest, problems) = manifest::load(Path::new("autocut.ron"), &text, &kinds.as_kinds());
    let manifest = manifest.unwrap_or_else(|| panic!("{problems:?}"));
    let log = log(project, &manifest.telemetry[0].params);
    let layer = |overlay: &manifest::manifest::OverlayDecl| {
        let file: PathBuf = folder.join(format!("{}.mov", overlay.name));
        handmade::prerender(&overlay.spec, shots, &log, Size::new(1920, 1080), &file)
    };
    manifest.overlays.iter().map(layer).collect()
}

fn log(project: &Path, params: &str) -> Telemetry {
    let mut file = fs::File::open(project.join("ride.csv")).unwrap();
    let (raw, _) = autocut::telemetry::FORMATS
        .iter()
        .find(|format| format.name() == "Csv")
        .unwrap()
        .whole(&mut file, params)
        .unwrap();
    autocut::telemetry::clean(&raw, 5_000).0
}
