//! What whole-program tests begin with: a project in a temporary folder, and
//! what a run of `autocut make --json` said.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

pub mod files;
pub mod media;
pub mod soak;
pub mod watch;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program under test.
pub fn autocut() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autocut"));
    for setting in ["STORE", "JOBS", "MEMORY", "CODEC", "DECODE", "CONFIG", "DEADLINE", "REMOTE", "REMOTE_WRITE"] {
        command.env_remove(format!("AUTOCUT_{setting}"));
    }
    // Continuous integration asks for what is the same everywhere; tests that
    // want this say so.
    command.env_remove("CI");
    // Where no config file of the user's is found.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("AUTOCUT_MEDIA", env!("CARGO_BIN_EXE_autocut-media")).env("NO_COLOR", "1");
    command
}

/// A file of `../shared/testdata`, or `None` (said visibly) where that folder
/// is not beside the project.
pub fn testdata(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AUTOCUT_TESTDATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path.canonicalize().unwrap());
    }
    eprintln!("skipped: ../shared/testdata is not here ({name})");
    None
}

/// Runs a tool of the system and gives its standard output.
pub fn tool(name: &str, args: &[&str]) -> String {
    let output = Command::new(name).args(args).stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{name}: {e}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} {args:?} failed:\n{err}");
    out.into_owned()
}

/// One value that ffprobe prints of the first stream of a kind (`v` or `a`).
pub fn ffprobe(file: &Path, stream: &str, entry: &str) -> String {
    let file = file.to_str().unwrap();
    let args = ["-v", "error", "-select_streams", stream, "-show_entries", entry, "-of", "csv=p=0", file];
    tool("ffprobe", &args).trim().trim_end_matches(',').to_owned()
}

/// A hash of every decoded frame of a file, in order (ffmpeg's framemd5).
pub fn frame_hashes(file: &Path) -> Vec<String> {
    let file = file.to_str().unwrap();
    let text = tool(
        "ffmpeg",
        &["-v", "error", "-i", file, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"],
    );
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

/// What `ffmpeg -v warning` says while it decodes all of a file.
pub fn decode_warnings(file: &Path) -> String {
    let args = ["-v", "warning", "-i", file.to_str().unwrap(), "-f", "null", "-"];
    let output = Command::new("ffmpeg").args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A project in a folder of its own, removed at the end.
pub struct Project {
    folder: tempfile::TempDir,
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    pub fn new() -> Self {
        Project { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with its folders.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Replaces text in a file; it must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) -> &Self {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} does not contain {from:?}");
        self.write(name, text.replace(from, to))
    }

    /// Copies a file of the test data in; false where there is none.
    pub fn copy(&self, from: &str, to: &str) -> bool {
        let Some(path) = testdata(from) else { return false };
        self.write(to, fs::read(path).unwrap());
        true
    }

    /// Makes a file of footage with ffmpeg's test pattern and a tone: `spec`
    /// is its size, rate and length.
    pub fn footage(&self, name: &str, spec: &Footage) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let video = format!("testsrc2=s={}:r={}:d={}", spec.size, spec.rate, spec.seconds);
        let tone = format!("sine=f={}:d={}:r=48000", spec.tone, spec.seconds);
        let created = format!("creation_time={}", spec.created);
        let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &video];
        if spec.sound {
            args.extend(["-f", "lavfi", "-i", &tone, "-c:a", "aac", "-b:a", "96k", "-ac", "2"]);
        }
        args.extend(["-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-g", "30", "-pix_fmt", "yuv420p"]);
        args.extend(["-threads", "1", "-metadata", &created, path.to_str().unwrap()]);
        tool("ffmpeg", &args);
        self
    }

    /// Runs a command of autocut in the project.
    pub fn run(&self, args: &[&str]) -> Output {
        autocut().current_dir(self.folder.path()).args(args).output().unwrap()
    }

    /// Runs a command that must succeed and gives what it printed.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "autocut {args:?}: {err}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `autocut make --json` with more arguments.
    pub fn make_with(&self, args: &[&str]) -> Made {
        let args: Vec<&str> = ["make", "--json"].iter().chain(args).copied().collect();
        Made::of(self.run(&args))
    }

    /// [`make_with`](Self::make_with) in an environment with more variables.
    pub fn make_in(&self, args: &[&str], variables: &[(&str, &str)]) -> Made {
        let mut command = autocut();
        command.current_dir(self.folder.path()).args(["make", "--json"]).args(args);
        Made::of(command.envs(variables.iter().copied()).output().unwrap())
    }

    /// Runs `autocut make`, which must succeed.
    pub fn make(&self) -> Made {
        let made = self.make_with(&[]);
        assert_eq!(made.code, 0, "{:?} {}", made.events.last(), made.stderr);
        made
    }
}

/// Parameters of test footage.
#[derive(Clone, Debug)]
pub struct Footage {
    pub size: &'static str,
    pub rate: &'static str,
    pub seconds: u32,
    pub tone: u32,
    pub sound: bool,
    pub created: &'static str,
}

impl Default for Footage {
    fn default() -> Self {
        let created = "2024-06-01T10:00:00Z";
        Footage { size: "320x180", rate: "30", seconds: 10, tone: 440, sound: true, created }
    }
}

/// What a run of `make --json` said.
#[derive(Debug)]
pub struct Made {
    pub code: i32,
    pub events: Vec<Value>,
    pub stderr: String,
}

impl Made {
    pub fn of(output: Output) -> Self {
        let text = String::from_utf8(output.stdout).unwrap();
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("not JSON ({e}): {line}"));
        Made {
            code: output.status.code().unwrap_or(-1),
            events: text.lines().map(parse).collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// How many actions of each kind ran.
    pub fn ran(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for event in self.events.iter().filter(|event| event["event"] == "action" && event["state"] == "done") {
            *kinds.entry(event["kind"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        kinds
    }

    /// The nodes of the actions of one kind that ran, sorted.
    pub fn nodes(&self, kind: &str) -> Vec<String> {
        let mut nodes: Vec<String> = self
            .events
            .iter()
            .filter(|event| event["event"] == "action" && event["state"] == "done" && event["kind"] == kind)
            .map(|event| event["node"].as_str().unwrap().to_owned())
            .collect();
        nodes.sort();
        nodes
    }

    /// Asserts that just these kinds ran, so many times each.
    #[track_caller]
    pub fn assert_ran<const N: usize>(&self, expected: [(&str, usize); N]) -> &Self {
        let expected: BTreeMap<String, usize> = expected.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect();
        assert_eq!(self.ran(), expected, "{:#?}", self.nodes("segment"));
        assert_eq!(self.finished()["ran"], expected.values().sum::<usize>());
        self
    }

    /// The events that the actions of one kind came to a state.
    pub fn states(&self, kind: &str, state: &str) -> Vec<&Value> {
        let is = |event: &&Value| event["event"] == "action" && event["kind"] == kind && event["state"] == state;
        self.events.iter().filter(is).collect()
    }

    /// The most actions that ran at once.
    pub fn most_at_once(&self) -> usize {
        self.at_once(|_| true).into_iter().map(|(_, now)| now).max().unwrap_or(0)
    }

    /// Every event of actions of some kinds, and how many workers are busy with
    /// those after it. One that begins the next has done the last, whose result
    /// may still be kept.
    pub fn at_once(&self, kind: impl Fn(&str) -> bool) -> Vec<(&Value, usize)> {
        let mut busy: BTreeMap<u64, &Value> = BTreeMap::new();
        let mut all = Vec::new();
        let counts = |event: &&Value| event["event"] == "action" && kind(event["kind"].as_str().unwrap());
        for event in self.events.iter().filter(counts) {
            match event["worker"].as_u64() {
                Some(worker) => drop(busy.insert(worker, &event["key"])),
                None => busy.retain(|_, key| **key != event["key"]),
            }
            all.push((event, busy.len()));
        }
        all
    }

    /// The last event.
    pub fn finished(&self) -> &Value {
        let last = self.events.last().expect("no events");
        assert_eq!(last["event"], "finished");
        last
    }

    /// The warnings as text.
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.events.iter().filter(|event| event["event"] == "warning");
        warnings.map(|event| event["diagnostic"]["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The errors as text.
    pub fn errors(&self) -> Vec<String> {
        let errors = self.finished()["errors"].as_array().unwrap();
        errors.iter().map(|error| error["message"].as_str().unwrap().to_owned()).collect()
    }
}
