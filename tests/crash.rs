//! Killed at any moment, together with others, or asked to end: what was made
//! is kept, what is made afterwards is what an undisturbed build makes, and
//! nobody ever sees half an output.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use autocut::base::Digest;
use autocut::model::confinement::Rights;
use autocut::model::protocol::{self, Invocation, PROTOCOL_VERSION, Reply, Request};
use autocut::model::specs::ProbeSpec;
use autocut::model::{ActionKey, ActionSpec};
use autocut::store::Store;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use common::files::{assert_sound, copy_folder, digests_below};
use common::soak::Rounds;
use common::{Footage, Made, Project};

/// Every kind of action that a project of this program can have, but for a
/// detector's.
const MANIFEST: &str = r##"Project(
    version: 1,
    footage: { "front": Footage(files: ["footage/*.mp4"]) },
    telemetry: Csv(file: "ride.csv"),
    music: "music.wav",
    moments: Moments(
        length: "1s", total: "14s", gap: "500ms", weights: {"motion": 1, "speed": 1},
        pins: ["front/a@1s", Pin(at: "front/a@3s", length: "9s"), "front/b@2.5s"],
    ),
    overlays: {
        "speed": Gauge(channel: "speed", min: 0, max: 60),
        "name": Text(text: "{speed:1} at {clock}", anchor: TopLeft),
    },
    outputs: {
        "reel": Reel(file: "out/reel.mp4", video: Video(preset: "ultrafast")),
        "clips": Clips(folder: "out/clips", video: Video(preset: "ultrafast"), overlays: ["name"]),
    },
)"##;

/// What an edit makes of it: other pixels, another moment, another mix.
fn edited() -> String {
    let manifest =
        MANIFEST.replace("max: 60", "max: 50").replace("front/a@1s", "front/a@1.5s").replace("TopLeft", "Top");
    manifest.replace(r#"music: "music.wav""#, r#"music: Music(file: "music.wav", gain: "-6 dB")"#)
}

/// The project before anything was made, and what undisturbed builds make.
struct Scene {
    project: Project,
    /// The digest of each output.
    before: BTreeMap<PathBuf, Digest>,
    /// The same after the edit.
    after: BTreeMap<PathBuf, Digest>,
    /// Built before the edit, with the store.
    built: tempfile::TempDir,
    /// How many actions of each kind a build from nothing runs.
    ran: BTreeMap<String, usize>,
    /// How long a build from nothing takes, and one after the edit.
    took: [Duration; 2],
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let project = Project::new();
    let footage =
        |tone, created| Footage { size: "128x72", rate: "15", seconds: 14, tone, created, ..Footage::default() };
    project
        .footage("footage/a.mp4", &footage(440, "2024-06-01T10:00:00Z"))
        .footage("footage/b.mp4", &footage(880, "2024-06-01T10:01:00Z"))
        .write("ride.csv", log())
        .write("autocut.ron", MANIFEST);
    let music = project.path("music.wav");
    common::tool("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", "sine=f=220:d=5", music.to_str().unwrap()]);

    let built = tempfile::tempdir().unwrap();
    copy_folder(&project.path(""), built.path());
    let started = Instant::now();
    let first = make(built.path());
    let cold = started.elapsed();
    let before = digests_below(&built.path().join("out"));
    let ran = first.ran();

    let other = tempfile::tempdir().unwrap();
    copy_folder(built.path(), other.path());
    fs::write(other.path().join("autocut.ron"), edited()).unwrap();
    let started = Instant::now();
    make(other.path());
    let warm = started.elapsed();
    let after = digests_below(&other.path().join("out"));
    let changed = before.iter().filter(|(name, digest)| after.get(*name).is_some_and(|after| after != *digest));
    assert!(before.len() > 4 && changed.count() >= 2, "{before:?} {after:?}");
    eprintln!("a build takes {cold:.2?}, one after the edit {warm:.2?}");
    Scene { project, before, after, built, ran, took: [cold, warm] }
});

/// A speed that changes all the time.
fn log() -> String {
    let row = |tenth: u32| {
        let speed = 20.0 + 15.0 * (f64::from(tenth) / 23.0).sin();
        format!("2024-06-01T10:{:02}:{:04.1}Z,{speed:.4}\n", tenth / 600, f64::from(tenth % 600) / 10.0)
    };
    let rows: String = (0..900).map(row).collect();
    format!("time,speed (km/h)\n{rows}")
}

impl Scene {
    /// A project that was never built.
    fn fresh(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&self.project.path(""), folder.path());
        folder
    }

    /// One that was built, and edited since.
    fn edited(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.built.path(), folder.path());
        fs::write(folder.path().join("autocut.ron"), edited()).unwrap();
        folder
    }

    /// Asserts that an output that is there is a whole one.
    #[track_caller]
    fn assert_whole(&self, folder: &Path) {
        for (name, digest) in digests_below(&folder.join("out")) {
            // Unfinished ones are hidden.
            if name.file_name().unwrap().to_str().unwrap().starts_with('.') {
                continue;
            }
            let known = [self.before.get(&name), self.after.get(&name)];
            assert!(known.contains(&Some(&digest)), "{} is neither the old one nor the new one", name.display());
        }
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = common::autocut();
    command.current_dir(folder).args(["make", "--json"]).args(args).stdin(Stdio::null());
    command
}

/// A build that nobody disturbs, and that must succeed.
#[track_caller]
fn make(folder: &Path) -> Made {
    let made = Made::of(command(folder, &[]).output().unwrap());
    assert_eq!(made.code, 0, "{}", made.stderr);
    made
}

/// Asserts that a build that begins with what is left ends as if nothing had
/// ever happened, and leaves nothing to do.
#[track_caller]
fn assert_recovers(folder: &Path, expected: &BTreeMap<PathBuf, Digest>) -> Made {
    let made = make(folder);
    let found = digests_below(&folder.join("out"));
    for (name, digest) in expected {
        assert_eq!(found.get(name), Some(digest), "{}", name.display());
    }
    assert_sound(folder);
    assert_eq!(assert_verified(folder)["problems"], json!([]));
    make(folder).assert_ran([]);
    made
}

/// Asserts that `autocut verify` finds nothing wrong.
#[track_caller]
fn assert_verified(folder: &Path) -> Value {
    let verify = common::autocut().current_dir(folder).args(["verify", "--json"]).output().unwrap();
    let found: Value = serde_json::from_slice(&verify.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&verify.stderr)));
    let wrong = |problem: &&Value| problem["tier"] != "warning";
    let wrong: Vec<&Value> = found["problems"].as_array().unwrap().iter().filter(wrong).collect();
    assert!(verify.status.success() && wrong.is_empty(), "{wrong:?}");
    found
}

/// When a build is killed.
#[derive(Clone, Debug)]
enum When {
    After(Duration),
    /// So long after a file of this name came to be, or was replaced.
    Seen(&'static str, Duration),
    /// So long after the first unfinished output lay beside its place.
    Placing(Duration),
    /// Before a thread of it asks the kernel for the n-th time for one of these
    /// (of the file of this name, if one is named): strace(1) kills it there.
    Before {
        calls: &'static str,
        file: Option<&'static str>,
        n: u32,
    },
}

/// What comes to be in the course of a build.
const MARKS: [&str; 7] = [
    ".autocut",
    ".autocut/objects",
    ".autocut/version",
    ".autocut/index.sqlite",
    ".autocut/records/log",
    "out/reel.mp4",
    "out/clips/front-a-0h00m03.000s.mp4",
];

/// What changes something on the disk.
const CHANGES: &str = "write,pwrite64,rename,unlink,unlinkat,mkdir,ftruncate,fdatasync,fsync,chmod,fchmod,flock";

/// Files whose changes have to come in the right order.
const ORDERED: [&str; 6] = [
    ".autocut/records/log",
    ".autocut/index.sqlite",
    ".autocut/index.sqlite-wal",
    ".autocut/version",
    "out",
    "out/reel.mp4",
];

/// Whether strace can be used here.
static STRACE: LazyLock<bool> = LazyLock::new(|| {
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let works = works.is_ok_and(|status| status.success());
    if !works {
        eprintln!("skipped: without strace(1) builds are killed at random moments only");
    }
    works
});

impl When {
    fn random(rng: &mut fastrand::Rng, took: Duration) -> When {
        let micros = |rng: &mut fastrand::Rng, most: u64| Duration::from_micros(rng.u64(0..most));
        match rng.u32(0..12) {
            10 if *STRACE => When::Before { calls: CHANGES, file: None, n: rng.u32(1..60) },
            11 if *STRACE => {
                When::Before { calls: "all", file: Some(ORDERED[rng.usize(0..ORDERED.len())]), n: rng.u32(1..16) }
            }
            // While the store is made.
            5 => When::After(micros(rng, 20_000)),
            6 | 7 => When::Seen(MARKS[rng.usize(0..MARKS.len())], micros(rng, 2_000)),
            8 => When::Seen("out/reel.mp4", micros(rng, 200)),
            9 => When::Placing(micros(rng, 1_000)),
            _ => When::After(micros(rng, took.as_micros() as u64)),
        }
    }

    /// Starts a build and kills it then; false where it ended before.
    fn kill(&self, folder: &Path, jobs: &str, who: Who) -> bool {
        if let When::Before { calls, file, n } = self {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
            strace.args(["-e", &format!("inject={calls}:signal=SIGKILL:when={n}")]);
            if let Some(file) = file {
                strace.arg("-P").arg(folder.join(file));
            }
            let build = command(folder, &[jobs]);
            strace.arg(build.get_program()).args(build.get_args()).current_dir(folder);
            strace.envs(build.get_envs().filter_map(|(name, value)| Some((name, value?))));
            // It ends with the last of those that it watches.
            return !strace.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success();
        }
        let mut build = command(folder, &[jobs]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let running = self.wait(folder, &mut build);
        if who == Who::All {
            // Stopped first, so that it starts no other worker meanwhile.
            send(build.id(), Signal::STOP);
            workers_of(folder).iter().for_each(|worker| send(*worker, Signal::KILL));
        }
        build.kill().unwrap();
        build.wait().unwrap();
        running
    }

    /// Waits for the moment; false where the build ended before it.
    fn wait(&self, folder: &Path, child: &mut Child) -> bool {
        let inode = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.ino());
        let mut until = |happened: &dyn Fn() -> bool| {
            while !happened() {
                if child.try_wait().unwrap().is_some() {
                    return false;
                }
            }
            true
        };
        let (seen, rest) = match self {
            When::After(time) => {
                let started = Instant::now();
                // Slept and not waited for in a loop: the build needs the processor.
                std::thread::sleep(time.saturating_sub(Duration::from_millis(1)));
                (until(&|| started.elapsed() >= *time), Duration::ZERO)
            }
            When::Seen(name, rest) => {
                let path = folder.join(name);
                let before = inode(&path);
                (until(&|| inode(&path) != before), *rest)
            }
            When::Placing(rest) => {
                let hidden = |name: &str| name.contains("autocut-tmp");
                let unfinished = |folder: &Path| {
                    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
                    entries.any(|entry| entry.file_name().to_str().is_some_and(hidden))
                };
                (until(&|| unfinished(&folder.join("out")) || unfinished(&folder.join("out/clips"))), *rest)
            }
            When::Before { .. } => (false, Duration::ZERO),
        };
        let started = Instant::now();
        seen && until(&|| started.elapsed() >= rest)
    }
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// `autocut`; its workers are orphans.
    Driver,
    /// Its workers as well, as by the machine's end.
    All,
}

fn send(pid: u32, signal: Signal) {
    // One that is dead already is no matter.
    let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), signal);
}

/// The processes of autocut-media that work in a project, dead ones that nobody
/// has asked about left out (proc(5)).
fn workers_of(project: &Path) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_worker = |pid: &u32| {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let name = fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end() == "autocut-media");
        name && fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == project)
    };
    pids.filter(is_worker).collect()
}

/// Asserts that the workers of a build end by themselves once it is dead. (The
/// bound only says that they do at all.)
#[track_caller]
fn assert_no_workers(project: &Path) {
    let until = Instant::now() + Duration::from_secs(20);
    while let [worker, ..] = *workers_of(project) {
        assert!(Instant::now() < until, "the worker {worker} is still there");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn killed_at_any_moment_a_build_ends_like_an_undisturbed_one() {
    let scene = &*SCENE;
    let mut killed = 0;
    Rounds::of("crash", 5, 100).run(|n, rng| {
        let edited = rng.bool();
        let folder = if edited { scene.edited() } else { scene.fresh() };
        let folder = folder.path();
        let expected = if edited { &scene.after } else { &scene.before };
        // Several in a row meet a store that a kill left.
        let times = if rng.u32(0..4) == 0 { rng.u32(2..6) } else { 1 };
        for _ in 0..times {
            let when = When::random(rng, scene.took[usize::from(edited)]);
            let who = if rng.bool() { Who::Driver } else { Who::All };
            let jobs = format!("-j{}", rng.u32(1..4));
            eprintln!("{n}: killing {who:?}, edited {edited}, {jobs}, {when:?}");
            killed += u32::from(when.kill(folder, &jobs, who));
            scene.assert_whole(folder);
            // Before the first build has made a store there is nothing to verify.
            if rng.u32(0..3) == 0 && folder.join(".autocut/version").exists() {
                assert_verified(folder);
            }
            // The next one begins at once, beside orphans that have yet to end.
        }
        assert_recovers(folder, expected);
        assert_no_workers(folder);
    });
    eprintln!("{killed} builds were killed before their end");
    assert!(killed > 0);
}

/// A worker that says nothing and hears nothing (here: it waits for somebody to
/// write into a pipe) ends with the one that it works for.
#[test]
fn a_worker_that_hangs_does_not_outlive_its_driver() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.mp4");
    common::tool("mkfifo", &[pipe.to_str().unwrap()]);
    let file = Digest::of(b"pipe");
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut worker = Command::new(env!("CARGO_BIN_EXE_autocut-media"));
    let mut worker = worker.stdin(OwnedFd::from(theirs)).current_dir(folder.path()).spawn().unwrap();
    protocol::send(&mut ours, &Request::Hello { version: PROTOCOL_VERSION }).unwrap();
    assert!(matches!(protocol::receive(&mut ours).unwrap(), Some(Reply::Hello { .. })));
    let rights = Rights { writable: vec![folder.path().to_owned()], memory: None };
    protocol::send(&mut ours, &Request::Confine(rights)).unwrap();
    assert!(matches!(protocol::receive(&mut ours).unwrap(), Some(Reply::Confined(_))));
    let invocation = Invocation {
        id: 1,
        spec: ActionSpec::Probe(ProbeSpec { file }),
        inputs: BTreeMap::from([(file, pipe)]),
        devices: BTreeMap::new(),
        packs: Vec::new(),
        scratch: folder.path().to_owned(),
    };
    protocol::send(&mut ours, &Request::Run(vec![invocation])).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(worker.try_wait().unwrap().is_none(), "it did not wait for the pipe");
    drop(ours);
    let until = Instant::now() + Duration::from_secs(20);
    while worker.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            worker.kill().unwrap();
            panic!("it is still there");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reads the events of a build until one of them is what is waited for.
fn events_until(build: &mut Child, mut wanted: impl FnMut(&Value) -> bool) {
    let lines = BufReader::new(build.stdout.as_mut().unwrap()).lines();
    let mut events = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
    assert!(events.any(|event| wanted(&event)), "it ended before");
}

fn is_done(event: &Value) -> bool {
    event["event"] == "action" && event["state"] == "done"
}

/// Which of the two begins is left to chance, and where they meet: making the
/// store is part of it.
#[test]
fn of_two_builds_at_once_one_waits_and_finds_its_work_done() {
    let scene = &*SCENE;
    Rounds::of("together", 2, 20).run(|_, rng| {
        let folder = scene.fresh();
        let folder = folder.path();
        let start = || command(folder, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let one = start();
        std::thread::sleep(Duration::from_micros(rng.u64(0..30_000)));
        let other = start();
        let pids = [one.id(), other.id()];
        // Neither may have to wait for its output to be read.
        let end = |build: Child| std::thread::spawn(|| Made::of(build.wait_with_output().unwrap()));
        let both = [one, other].map(end).map(|made| made.join().unwrap());
        for made in &both {
            assert_eq!(made.code, 0, "{}", made.stderr);
        }
        let idle = both.iter().position(|made| made.finished()["ran"] == 0).expect("both did something");
        assert_eq!(both[1 - idle].ran(), scene.ran);
        let told = format!("waiting for process {} (`autocut make`, since 2", pids[1 - idle]);
        assert!(both[idle].stderr.contains(&told), "{}", both[idle].stderr);
        assert_eq!(digests_below(&folder.join("out")), scene.before);
        assert_sound(folder);
    });
}

#[test]
fn the_one_that_waits_goes_on_where_the_other_was_killed() {
    let scene = &*SCENE;
    let folder = scene.fresh();
    let folder = folder.path();
    let start = || command(folder, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = start();
    let mut done = Vec::new();
    events_until(&mut first, |event| {
        if is_done(event) && event["kind"] == "segment" {
            done.push(ActionKey(event["key"].as_str().unwrap().parse().unwrap()));
        }
        done.len() == 2
    });
    // Events come a moment before the records.
    let store = Store::open(&folder.join(".autocut")).unwrap();
    while !done.iter().all(|key| store.snapshot().unwrap().contains(*key)) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut second = start();
    let mut told = String::new();
    let mut errors = BufReader::new(second.stderr.take().unwrap());
    errors.read_line(&mut told).unwrap();
    assert!(told.contains(&format!("waiting for process {}", first.id())), "{told}");
    first.kill().unwrap();
    first.wait().unwrap();
    let made = Made::of(second.wait_with_output().unwrap());
    assert_eq!(made.code, 0, "{}", made.stderr);
    // Some of it was done, and is not done again.
    let count = |ran: &BTreeMap<String, usize>| ran.values().sum::<usize>();
    assert!(count(&made.ran()) < count(&scene.ran), "{:?}", made.ran());
    assert!(made.ran()["segment"] <= scene.ran["segment"] - 2, "{:?} of {:?}", made.ran(), scene.ran);
    assert_recovers(folder, &scene.before).assert_ran([]);
    assert_no_workers(folder);
}

#[test]
fn asked_to_end_it_keeps_what_is_finished() {
    let scene = &*SCENE;
    for signal in [Signal::INT, Signal::TERM] {
        let folder = scene.fresh();
        let mut build = command(folder.path(), &["-j2"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first: BTreeMap<String, usize> = BTreeMap::new();
        let mut sent = false;
        let mut last = Value::Null;
        for line in BufReader::new(build.stdout.take().unwrap()).lines() {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if is_done(&event) {
                *first.entry(event["kind"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            if !sent && first.get("segment") == Some(&2) {
                send(build.id(), signal);
                sent = true;
            }
            last = event;
        }
        assert_eq!(build.wait().unwrap().code(), Some(130));
        assert_eq!((last["event"].as_str(), &last["interrupted"]), (Some("finished"), &Value::Bool(true)));
        assert_no_workers(folder.path());
        let then = assert_recovers(folder.path(), &scene.before);
        let mut both = then.ran();
        first.into_iter().for_each(|(kind, ran)| *both.entry(kind).or_default() += ran);
        assert_eq!(both, scene.ran, "nothing is done twice");
    }
}

/// Reads every output over and over while builds replace them.
#[test]
fn nobody_ever_sees_half_an_output() {
    let scene = &*SCENE;
    let folder = tempfile::tempdir().unwrap();
    copy_folder(scene.built.path(), folder.path());
    let out = folder.path().join("out");
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = || {
            let mut seen: BTreeMap<PathBuf, BTreeSet<Digest>> = BTreeMap::new();
            while !ended.load(Ordering::Relaxed) {
                for name in scene.before.keys() {
                    // A file of an output that is gone for a moment is no whole one.
                    let digest = fs::read(out.join(name)).map_or(Digest::of(b"absent"), |bytes| Digest::of(&bytes));
                    seen.entry(name.clone()).or_default().insert(digest);
                }
            }
            seen
        };
        let watcher = scope.spawn(watch);
        for n in 0..4 {
            let manifest = if n % 2 == 0 { edited() } else { MANIFEST.to_owned() };
            fs::write(folder.path().join("autocut.ron"), manifest).unwrap();
            make(folder.path());
        }
        ended.store(true, Ordering::Relaxed);
        for (name, seen) in watcher.join().unwrap() {
            let known: BTreeSet<Digest> =
                [&scene.before, &scene.after].iter().filter_map(|all| all.get(&name).copied()).collect();
            assert!(seen.is_subset(&known), "{}: {seen:?}", name.display());
        }
    });
}
