//! The same bytes: in another folder, at another time, with other numbers of jobs
//! and processors, and on another processor.
//!
//! The other processor is an emulated one, of 2008: without AVX and FMA, on which
//! libav*, the encoders, the inference and glibc take other ways through their
//! floating point than on this machine's. Both programs run on it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;
#[path = "../src/bin/autocut-media/infer/onnx.rs"]
mod onnx;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use autocut::base::Digest;
use autocut::exec::worker::Worker;
use autocut::model::Tool;
use autocut::model::engines::{ENGINES, Same};
use autocut::store::{ActionRecord, Store};
use common::files::digests_below;
use common::{Made, Project, ffprobe, tool};

/// Every encoder, with pictures that are scaled to size and rate, and changed from
/// three kinds of colour; a moment of each camera, and one more that is chosen.
const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*" },
    telemetry: Csv(file: "ride.csv"),
    music: Music(file: "song.mp3", gain: "-6 dB", fade_in: "100ms", fade_out: "200ms"),
    analysis: Analysis(rate: 10, width: 96),
    detection: Detection(model: "squares.onnx", classes: ["red", "blue"], threshold: 0.5, rate: 4),
    moments: Moments(
        length: "400ms", pre_roll: "100ms", total: "1200ms", gap: "100ms", step: "100ms",
        weights: {
            "motion": 0.3, "sharpness": 0.2, "exposure": 0.1, "scene_change": 0.1, "detect:red": 0.2,
            "speed": 0.1, "|gradient|": 0.1,
        },
        pins: ["front/b@300ms", "front/c@500ms"],
    ),
    overlays: {
        "speed": Gauge(channel: "speed"), "text": Text(text: "{speed:1} {clock}"),
        "map": Map(), "climb": Elevation(),
    },
    outputs: {
        "h264": Reel(file: "out/h264.mp4", video: Video(size: "192x108", rate: 24)),
        "hevc": Reel(file: "out/hevc.mkv", video: Video(size: "160x120", rate: 25, codec: Hevc, depth: 10),
            sound: Sound(codec: Pcm, depth: 24)),
        "av1": Reel(file: "out/av1.webm", overlays: [], video: Video(size: "160x120", rate: 25, codec: Av1)),
        "vp9": Reel(file: "out/vp9.mkv", overlays: [], video: Video(size: "160x120", rate: 25, codec: Vp9)),
        "prores": Reel(file: "out/prores.mov", overlays: [], video: Video(size: "160x120", rate: 25, codec: ProRes)),
        "hdr": Reel(file: "out/hdr.mov",
            video: Video(size: "160x120", rate: 25, codec: ProRes, dynamic_range: Hdr10),
            sound: Sound(fade: "30ms")),
    },
)"#;

/// Everything that a build reads. The cameras: 4:4:4 with AAC and a red square;
/// full range with Opus; HDR with MP3.
fn write_inputs(project: &Project) {
    fs::create_dir_all(project.path("footage")).unwrap();
    let path = |name: &str| project.path(name).to_str().unwrap().to_owned();
    let noise = |seed: u32, rate: u32| format!("anoisesrc=d=1.5:a=0.3:seed={seed}:r={rate}");
    let square = "drawbox=60:40:40:40:red:fill:enable='gte(t,0.6)'";
    for (name, pictures, sound, args) in [
        (
            "footage/a.mp4",
            format!("testsrc2=s=160x120:r=25:d=1.5,format=rgb24,{square}"),
            noise(7, 44_100),
            "-c:v libx264 -pix_fmt yuv444p -c:a aac -metadata creation_time=2024-06-01T10:00:00Z",
        ),
        (
            "footage/b.mkv",
            "mandelbrot=s=200x150:r=30:start_scale=0.5".to_owned(),
            noise(8, 48_000),
            "-c:v libx264 -pix_fmt yuvj420p -color_range pc -c:a libopus -metadata creation_time=2024-06-01T10:00:10Z",
        ),
        (
            "footage/c.mp4",
            "testsrc2=s=128x96:r=25:d=1.5".to_owned(),
            noise(9, 48_000),
            "-c:v libx264 -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc \
             -c:a libmp3lame -metadata creation_time=2024-06-01T10:00:20Z",
        ),
    ] {
        let (file, args) = (path(name), args.split_whitespace());
        let first = ["-v", "error", "-f", "lavfi", "-i", &pictures, "-f", "lavfi", "-i", &sound, "-t", "1.5"];
        let all: Vec<&str> = first.into_iter().chain(args).chain(["-ac", "2", "-threads", "1", &file]).collect();
        tool("ffmpeg", &all);
    }
    tool("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", &noise(3, 44_100), "-c:a", "libmp3lame", &path("song.mp3")]);
    let mut log = String::from("time,lat,lon,ele,speed (km/h)\n");
    for tenth in 0..300_u32 {
        let (lat, lon) = (47_000_000 + tenth * 7 + tenth * tenth % 53, 8_000_000 + tenth * 11 + tenth * tenth % 37);
        let (ele, speed) = (500 + tenth * tenth % 71 / 7, 15 + tenth * 7 % 23);
        let degrees = |micro: u32| format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
        let time = format!("2024-06-01T10:00:{:02}.{}Z", tenth / 10, tenth % 10);
        writeln!(log, "{time},{},{},{ele},{speed}", degrees(lat), degrees(lon)).unwrap();
    }
    project
        .write("ride.csv", log)
        .write("squares.onnx", onnx::coloured_squares(160, 16))
        .write("autocut.ron", MANIFEST);
}

/// A project with what another reads, in files of another time.
fn copy(from: &Project) -> Project {
    let project = Project::new();
    let long_ago = SystemTime::now() - Duration::from_secs(400 * 24 * 3600);
    for name in
        ["footage/a.mp4", "footage/b.mkv", "footage/c.mp4", "song.mp3", "ride.csv", "squares.onnx", "autocut.ron"]
    {
        project.write(name, fs::read(from.path(name)).unwrap());
        fs::File::options().append(true).open(project.path(name)).unwrap().set_modified(long_ago).unwrap();
    }
    project
}

/// What came of each action of the last build, in the order of their ends: one
/// that uses another's result stands behind it.
fn results(project: &Project) -> Vec<ActionRecord> {
    let store = Store::open_for(&project.path(".autocut"), &project.path("")).unwrap();
    let build = store.last_build("make").unwrap().unwrap();
    let keys: Vec<_> = build.actions.iter().map(|action| action.key).collect();
    let records = store.records(&keys).unwrap();
    assert_eq!(records.len(), keys.len());
    records
}

/// The actions of which two builds made different things, in words, the first in
/// order of dependency first; by node, since another processor may have another
/// key.
fn differing<'a>(one: &'a [ActionRecord], other: &'a [ActionRecord]) -> Vec<(&'a ActionRecord, String)> {
    let others: BTreeMap<&str, &ActionRecord> = other.iter().map(|record| (record.node.as_str(), record)).collect();
    let nodes = |all: &'a [ActionRecord]| all.iter().map(|record| record.node.as_str()).collect::<BTreeSet<&str>>();
    let (only_one, only_other) = (&nodes(one) - &nodes(other), &nodes(other) - &nodes(one));
    let mut found: Vec<_> = one
        .iter()
        .filter_map(|record| {
            let twin = others.get(record.node.as_str())?;
            let keys = if record.key == twin.key { "under one key" } else { "under another key" };
            let of = |record: &ActionRecord| {
                let files: Vec<_> = record.result.artifacts.iter().map(|artifact| artifact.digest).collect();
                format!("{files:?} with the value {}", Digest::of(&record.result.value).short())
            };
            let told = || format!("{} {} {keys}: {} and {}", record.kind, record.node, of(record), of(twin));
            (record.result != twin.result).then(|| (record, told()))
        })
        .collect();
    let missing = one.iter().filter(|record| only_one.contains(record.node.as_str()));
    let more = other.iter().filter(|record| only_other.contains(record.node.as_str()));
    found.extend(missing.map(|record| (record, format!("{} ran in the one build only", record.node))));
    found.extend(more.map(|record| (record, format!("{} ran in the other build only", record.node))));
    found
}

fn told(differing: &[(&ActionRecord, String)]) -> String {
    differing.iter().map(|(_, told)| format!("\n  {told}")).collect()
}

fn make(mut command: Command, project: &Project, args: &[&str]) -> Made {
    let made = Made::of(command.current_dir(project.path("")).args(["make", "--json"]).args(args).output().unwrap());
    assert_eq!(made.code, 0, "{:?} {}", made.events.last(), made.stderr);
    made
}

/// Runs what another command runs by way of a program that takes it as its
/// arguments.
fn by_way_of(program: &str, args: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.args(args).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Whether a program is here; says what is skipped if not.
fn is_here(program: &str, what: &str) -> bool {
    let here = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !here {
        eprintln!("skipped: {what}, because `{program}` is not here");
    }
    here
}

#[test]
fn another_folder_time_zone_and_number_of_jobs_and_processors() {
    let first = Project::new();
    write_inputs(&first);
    let mut command = common::autocut();
    command.env("TZ", "UTC").env("LC_ALL", "C");
    make(command, &first, &["-j", "1"]);
    let (recorded, outputs) = (results(&first), digests_below(&first.path("out")));
    assert_eq!(outputs.len(), 6);

    let mut many = common::autocut();
    many.env("TZ", "Asia/Kathmandu").env("LC_ALL", "de_DE.UTF-8").env("LANG", "de_DE.UTF-8");
    let mut builds = vec![("-j8, another zone and language", many, vec!["-j", "8"])];
    if is_here("taskset", "a build on one processor") {
        builds.push(("one processor", by_way_of("taskset", &["-c", "0"], &common::autocut()), Vec::new()));
    }
    for (name, command, args) in builds {
        let project = copy(&first);
        make(command, &project, &args);
        let other = results(&project);
        let differing = differing(&recorded, &other);
        assert!(differing.is_empty(), "{name}:{}", told(&differing));
        let keys = |all: &[ActionRecord]| all.iter().map(|record| record.key).collect::<BTreeSet<_>>();
        assert_eq!(keys(&recorded), keys(&other), "{name}");
        assert!(digests_below(&project.path("out")) == outputs, "{name}: outputs differ, and no action");
    }
    nothing_tells_the_time(&first);
}

/// No output and no object of the store holds the day on which it was made.
fn nothing_tells_the_time(project: &Project) {
    let days = ["+%Y-%m-%d", "+%Y%m%d", "+%Y/%m/%d", "+%d.%m.%Y"];
    let days: Vec<String> = days.iter().map(|format| tool("date", &["-u", format]).trim().to_owned()).collect();
    let folders = [project.path("out"), project.path(".autocut/objects")];
    let mut looked_at = 0;
    for path in folders.iter().flat_map(|folder| digests_below(folder).into_keys().map(|name| folder.join(name))) {
        let bytes = fs::read(&path).unwrap();
        let found = days.iter().find(|day| bytes.windows(day.len()).any(|window| window == day.as_bytes()));
        assert_eq!(found, None, "{}", path.display());
        looked_at += 1;
    }
    assert!(looked_at > 20, "{looked_at}");
    // The time that they tell is that of the footage.
    for name in ["h264.mp4", "hevc.mkv", "av1.webm", "vp9.mkv", "prores.mov", "hdr.mov"] {
        let file = project.path("out").join(name);
        let told = ffprobe(&file, "v:0", "stream_tags=creation_time:format_tags=creation_time");
        let times = || told.split(['\n', ',']).filter(|time| !time.is_empty());
        assert!(times().count() > 0 && times().all(|time| time.starts_with("2024-06-01T10:00:")), "{name}: {told}");
    }
}

/// The emulated processor.
const PROCESSOR: [&str; 2] = ["-cpu", "Nehalem"];

#[test]
fn another_processor() {
    if !cfg!(target_arch = "x86_64") {
        eprintln!("skipped: another processor, because none is emulated for this architecture");
        return;
    }
    if !is_here("qemu-x86_64", "another processor (Debian has it in qemu-user)") {
        return;
    }
    let here = Project::new();
    write_inputs(&here);
    let there = copy(&here);
    // Under an emulator the media program has no barriers but that of memory, as
    // `autocut doctor` tells: those calls are not emulated.
    let script = format!(
        "#!/bin/sh\nexec qemu-x86_64 {} '{}' \"$@\"\n",
        PROCESSOR.join(" "),
        env!("CARGO_BIN_EXE_autocut-media")
    );
    there.write("media", script);
    let media = there.path("media");
    fs::set_permissions(&media, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = by_way_of("qemu-x86_64", &PROCESSOR, &common::autocut());
    command.env("AUTOCUT_MEDIA", &media);

    // What stands for an encoder in keys: another where it makes other bytes.
    let identities = |program: &Path| {
        let tools = Worker::new(program.to_owned()).toolchain().unwrap().tools;
        assert!(tools.values().all(|tool| tool.identity.is_some()), "{tools:?}");
        tools.into_iter().map(|(tool, found)| (tool, found.identity)).collect::<BTreeSet<_>>()
    };
    let (ours, theirs) = (identities(Path::new(env!("CARGO_BIN_EXE_autocut-media"))), identities(&media));
    let others: Vec<Tool> = (&ours - &theirs).into_iter().map(|(tool, _)| tool).collect();
    assert!(others.iter().all(|tool| *tool == Tool::Opus), "other identities: {others:?}");

    let natively = make(common::autocut(), &here, &[]);
    let emulated = make(command, &there, &["-j", "2"]);
    // What was chosen, first: all else follows from it.
    assert_eq!(natively.nodes("segment"), emulated.nodes("segment"));
    let (recorded, other) = (results(&here), results(&there));
    let chosen: Vec<_> = recorded.iter().filter(|record| record.kind == "choose").collect();
    assert_eq!(chosen.len(), 1);

    // What an encoder made that is not the same on every processor, and the files
    // it is in, may differ, but not under one key.
    let local = |record: &ActionRecord| {
        let engines = ENGINES.iter().filter(|engine| engine.same == Same::OnOneProcessor);
        record.kind == "mix" && engines.into_iter().any(|engine| record.spec.contains(&format!("\"{}\"", engine.name)))
    };
    let mixes: Vec<&ActionRecord> = recorded.iter().filter(|record| local(record)).collect();
    let local: BTreeSet<&str> =
        mixes.iter().flat_map(|mix| [mix.node.as_str(), mix.node.trim_end_matches("/mix")]).collect();
    assert_eq!(local, BTreeSet::from(["av1/out/av1.webm", "av1/out/av1.webm/mix"]));
    let keys: BTreeMap<&str, _> = other.iter().map(|record| (record.node.as_str(), record.key)).collect();
    let found = differing(&recorded, &other);
    let wrong: Vec<_> = found
        .iter()
        .filter(|(record, _)| {
            !local.contains(record.node.as_str()) || keys.get(record.node.as_str()) == Some(&record.key)
        })
        .cloned()
        .collect();
    assert!(wrong.is_empty(), "differ between processors:{}", told(&wrong));
    let other_keys: Vec<&str> = recorded
        .iter()
        .filter(|record| keys[record.node.as_str()] != record.key && !local.contains(record.node.as_str()))
        .map(|record| record.node.as_str())
        .collect();
    assert!(other_keys.is_empty(), "the same is made under another key: {other_keys:?}");

    for name in ["h264.mp4", "hevc.mkv", "vp9.mkv", "prores.mov", "hdr.mov"] {
        let same = |folder: &Path| fs::read(folder.join("out").join(name)).unwrap();
        assert!(same(&here.path("")) == same(&there.path("")), "{name} differs, and no action");
    }
    let pictures = |project: &Project| common::frame_hashes(&project.path("out/av1.webm"));
    assert_eq!(pictures(&here), pictures(&there));
}
