//! The engine's own costs: a build with nothing to do against ninja's, hashing
//! against reading, remembering, and the tax on many small actions.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use autocut::base::{Digest, UtcTime};
use autocut::inputs::{RealSystem, hash_file};
use autocut::model::{ActionKey, ActionResult};
use autocut::store::{ActionRecord, Store};

use super::{Table, fake, output};

/// A project of `clips` small files of footage, a clip of each in a reel and as
/// a file of its own: seven actions a clip, two of them for what is drawn over it.
fn project(folder: &Path, clips: usize, drawn: bool, busy: Duration) -> (PathBuf, PathBuf) {
    let project = folder.join(format!("engine-{clips}-{}", busy.as_micros()));
    let _ = fs::remove_dir_all(&project);
    fs::create_dir_all(project.join("footage")).unwrap();
    let mut pins = String::new();
    for clip in 0..clips {
        fs::write(project.join(format!("footage/{clip:05}.mp4")), format!("footage {clip}")).unwrap();
        write!(pins, "\"front/{clip:05}@1s\", ").unwrap();
    }
    let text = format!(
        "Project(version: 1, footage: {{\"front\": \"footage/*.mp4\"}}, \
         moments: Moments(length: \"2s\", weights: {{}}, pins: [{pins}]), \
         overlays: {{{}}}, \
         outputs: {{\"reel\": Reel(file: \"out/reel.mp4\"), \"clips\": Clips(folder: \"out/clips\")}})",
        if drawn { "\"clock\": Text(text: \"{date} {clock}\")" } else { "" }
    );
    fs::write(project.join("autocut.ron"), text).unwrap();
    let program = fake::program(&project, busy);
    (project, program)
}

fn autocut(project: &Path, program: &Path) -> Command {
    let mut command = super::autocut(project);
    command.env("AUTOCUT_MEDIA", program);
    command
}

/// The last line of `make --json`.
fn make(project: &Path, program: &Path) -> serde_json::Value {
    let text = output(autocut(project, program).args(["make", "--json"]));
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// A build file for ninja with `edges` edges, each from a file that exists.
fn ninja(folder: &Path, edges: usize) -> PathBuf {
    let project = folder.join(format!("ninja-{edges}"));
    if !project.join(".ninja_log").exists() {
        fs::create_dir_all(project.join("in")).unwrap();
        let mut text = String::from("rule touch\n  command = touch $out\n");
        for edge in 0..edges {
            fs::write(project.join(format!("in/{edge}")), "").unwrap();
            writeln!(text, "build out/{edge}: touch in/{edge}").unwrap();
        }
        fs::write(project.join("build.ninja"), text).unwrap();
        output(Command::new("ninja").arg("--quiet").current_dir(&project));
    }
    project
}

/// The quickest of many runs: the machine may be shared.
fn best(mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    (0..15).map(time).min().unwrap()
}

pub(crate) fn nothing_to_do(folder: &Path, table: &mut Table) {
    let has_ninja = Command::new("ninja").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has_ninja {
        println!("ninja is not here (Debian: ninja-build): no comparison with it");
    }
    for clips in [100, 1_000, 10_000] {
        let (project, program) = project(folder, clips, true, Duration::ZERO);
        let cold = make(&project, &program);
        let actions = cold["ran"].as_u64().unwrap();
        let planning = cold["planning_ms"].as_f64().unwrap() / cold["elapsed_ms"].as_f64().unwrap();
        let again = make(&project, &program);
        assert_eq!((again["ran"].as_u64(), again["cached"].as_u64()), (Some(0), Some(actions)));
        let ours = best(|| drop(output(autocut(&project, &program).arg("make"))));
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let what = format!("nothing to do, {clips} clips, {actions} actions");
        if has_ninja {
            let project = ninja(folder, usize::try_from(actions).unwrap());
            let theirs = best(|| drop(output(Command::new("ninja").current_dir(&project))));
            let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
            let measured = format!("{ratio:.2} ({:.1} ms / {:.1} ms)", ms(ours), ms(theirs));
            table.row(&format!("{what}, against ninja on as many edges"), measured, "at most 1.0");
        } else {
            table.row(&what, format!("{:.1} ms", ms(ours)), "");
        }
        let share = format!("{:.1} % of {:.1} s", planning * 100.0, cold["elapsed_ms"].as_f64().unwrap() / 1_000.0);
        table.row(&format!("planning in a cold build of {clips} clips whose actions take no time"), share, "");
        fs::remove_dir_all(&project).unwrap();
    }
}

/// 1,000 actions that each keep one processor busy for 5 ms.
pub(crate) fn tax(folder: &Path, table: &mut Table) {
    let busy = Duration::from_millis(5);
    let (project, program) = project(folder, 200, false, busy);
    let made = make(&project, &program);
    // All but the choice of moments.
    let media = 200 * 5 + 1 + 1;
    let own = busy.as_secs_f64() * f64::from(media);
    let jobs = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let wall = made["elapsed_ms"].as_f64().unwrap() / 1_000.0;
    let measured = format!("{:.3} ({wall:.2} s / {:.2} s)", wall * jobs / own, own / jobs);
    let what = format!("{} actions, {media} of them busy for 5 ms, against the sum of these", made["ran"]);
    table.row(&what, measured, "at most 1.05");
    let planning = made["planning_ms"].as_f64().unwrap() / 1_000.0 / wall;
    table.row("planning in that build", format!("{:.1} %", planning * 100.0), "at most 2 %");
    fs::remove_dir_all(&project).unwrap();
}

pub(crate) fn hashing(folder: &Path, table: &mut Table) {
    let path = folder.join("large.bin");
    fs::write(&path, vec![7u8; 1 << 30]).unwrap();
    let hash = best(|| assert_eq!(hash_file(&RealSystem, &path, &|_| {}).unwrap().stat.size, 1 << 30));
    let read = best(|| {
        let mut file = fs::File::open(&path).unwrap();
        let mut buffer = vec![0; 1 << 20];
        while file.read(&mut buffer).unwrap() > 0 {}
    });
    let gib = |time: Duration| 1.0 / time.as_secs_f64();
    let measured =
        format!("{:.2} ({:.1} GiB/s / {:.1} GiB/s)", hash.as_secs_f64() / read.as_secs_f64(), gib(hash), gib(read));
    table.row("hashing 1 GiB that lies in memory, against reading it", measured, "");
    fs::remove_file(&path).unwrap();
}

/// What remembering an action costs: its object and its record.
pub(crate) fn store(folder: &Path, table: &mut Table) {
    let root = folder.join("store");
    let _ = fs::remove_dir_all(&root);
    let store = Store::open(&root).unwrap();
    let _lock = store.lock("bench", &mut |_| {}, &|| true).unwrap();
    let bytes = |action: u32| action.to_le_bytes().repeat(5_000);
    let started = Instant::now();
    for batch in 0..100u32 {
        let record = |action: u32| {
            let artifact = store.insert_bytes(&bytes(batch * 10 + action)).unwrap();
            ActionRecord {
                key: ActionKey(artifact.digest),
                result: ActionResult { artifacts: vec![artifact], value: vec![1; 200], warnings: Vec::new() },
                node: format!("reel/front/GX01{batch:04}@{action}.0s/segment/0"),
                kind: "segment".to_owned(),
                at: UtcTime(0),
                elapsed_ms: 1_000,
                cpu_ms: 900,
                spec: "{\"Segment\":{}}".to_owned(),
            }
        };
        store.record((0..10).map(record).collect()).unwrap();
    }
    let ours = started.elapsed() / 1_000;
    let plain = folder.join("plain");
    fs::create_dir_all(&plain).unwrap();
    let started = Instant::now();
    for action in 0..1_000u32 {
        let bytes = bytes(action);
        let name = Digest::of(&bytes).to_string();
        fs::write(plain.join("part"), bytes).unwrap();
        fs::rename(plain.join("part"), plain.join(name)).unwrap();
    }
    let theirs = started.elapsed() / 1_000;
    let measured = format!("{:.1} ({ours:.1?} / {theirs:.1?})", ours.as_secs_f64() / theirs.as_secs_f64());
    table.row("remembering an action of 20 kB, against hashing, writing and renaming a file", measured, "");
    fs::remove_dir_all(&root).unwrap();
    fs::remove_dir_all(&plain).unwrap();
}
