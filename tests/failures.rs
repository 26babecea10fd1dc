//! What happens when an action fails: another try, another encoder, a message
//! that says how to repeat it, everything else done all the same.
//!
//! A fake media program stands between autocut and the real one and misbehaves
//! where it is told to. It is this test program itself, started by a script.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use autocut::base::{Diagnostic, Shortage};
use autocut::model::protocol::{self, Invocation, Reply, Request};
use common::{Footage, Made, Project};
use rustix::process::{Pid, Signal, getpid, kill_process};

/// What the fake media program does to actions of one kind.
#[derive(Clone, Copy)]
struct Fake {
    kind: &'static str,
    /// `kill`, `crash`, `stop`, `hang`, `busy`, `memory`.
    deed: &'static str,
    /// How many requests it does that to.
    times: usize,
}

impl Fake {
    /// Writes the script into a project and gives its path.
    fn install(self, project: &Project) -> PathBuf {
        let script = format!(
            "#!/bin/sh\nexport FAKE_REAL='{}' FAKE_KIND={} FAKE_DEED={} FAKE_TIMES={} FAKE_COUNT='{}' FAKE_FILE=\"$2\"\n\
             exec '{}' --exact fake_media_program --ignored --nocapture --test-threads=1\n",
            env!("CARGO_BIN_EXE_autocut-media"),
            self.kind,
            self.deed,
            self.times,
            project.path("count").display(),
            std::env::current_exe().unwrap().display(),
        );
        project.write("fake-media", script);
        let path = project.path("fake-media");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

/// How often the fake has misbehaved.
fn count(file: &Path) -> usize {
    fs::read(file).map_or(0, |bytes| bytes.len())
}

#[test]
#[ignore = "it is the fake media program, not a test"]
fn fake_media_program() {
    let Ok(real) = std::env::var("FAKE_REAL") else { return };
    let variable = |name: &str| std::env::var(name).unwrap();
    let (kind, deed, counter) = (variable("FAKE_KIND"), variable("FAKE_DEED"), PathBuf::from(variable("FAKE_COUNT")));
    let times: usize = variable("FAKE_TIMES").parse().unwrap();
    let is_due = |invocation: &Invocation| invocation.spec.kind().name == kind && count(&counter) < times;
    let note = || fs::File::options().create(true).append(true).open(&counter).unwrap().write_all(b"x").unwrap();

    let file = variable("FAKE_FILE");
    if !file.is_empty() {
        // `run FILE`.
        let invocation: Invocation = ron::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        if is_due(&invocation) {
            misbehave(&deed);
        }
        panic!("{}", Command::new(&real).args(["run", &file]).exec());
    }

    let mut ours = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let (mut theirs, end) = UnixStream::pair().unwrap();
    let mut child = Command::new(&real).stdin(OwnedFd::from(end)).spawn().unwrap();
    let (mut answers, mut back) = (theirs.try_clone().unwrap(), ours.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
    while let Some(request) = protocol::receive::<Request>(&mut ours).unwrap() {
        if let Request::Run(invocations) = &request
            && invocations.iter().any(is_due)
        {
            note();
            if deed == "busy" {
                for Invocation { id, .. } in invocations {
                    let diagnostic = Diagnostic::environment("no session is free").for_want_of(Shortage::Sessions);
                    protocol::send(&mut ours, &Reply::Failed { id: *id, diagnostic }).unwrap();
                }
                continue;
            }
            misbehave(&deed);
        }
        protocol::send(&mut theirs, &request).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Ends or stops this process.
fn misbehave(deed: &str) {
    let signal = match deed {
        "kill" => Signal::KILL,
        // What Rust itself handles (SIGSEGV, SIGBUS) ends nobody who sends it to
        // himself.
        "crash" => Signal::ILL,
        "stop" => Signal::STOP,
        "hang" => loop {
            std::thread::park();
        },
        "memory" => {
            // The words of Rust's allocator.
            eprintln!("memory allocation of 4096 bytes failed");
            Signal::ABORT
        }
        other => panic!("{other}"),
    };
    eprintln!("the fake misbehaves");
    kill_process(getpid(), signal).unwrap();
    std::thread::park();
}

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    moments: Moments(length: "1s", weights: {}, pins: ["front/a@0s", "front/a@2s", "front/a@4s", "front/a@6s"]),
    outputs: { "reel": Reel(file: "out/reel.mp4") },
)"#;

fn project() -> Project {
    let project = Project::new();
    let footage = Footage { size: "64x64", rate: "10", seconds: 8, ..Footage::default() };
    project.footage("footage/a.mp4", &footage).write("autocut.ron", MANIFEST);
    project
}

/// The bytes of a reel that nothing disturbed.
fn undisturbed(like: &Project) -> Vec<u8> {
    let project = Project::new();
    project.write("footage/a.mp4", fs::read(like.path("footage/a.mp4")).unwrap()).write("autocut.ron", MANIFEST);
    project.make();
    fs::read(project.path("out/reel.mp4")).unwrap()
}

fn make(project: &Project, fake: Fake, args: &[&str]) -> Made {
    let program = fake.install(project);
    project.make_in(args, &[("AUTOCUT_MEDIA", program.to_str().unwrap()), ("AUTOCUT_DEADLINE", "4")])
}

fn delays(made: &Made, kind: &str) -> Vec<u64> {
    made.states(kind, "retried").iter().map(|event| event["delay_ms"].as_u64().unwrap()).collect()
}

/// The notes of the only error.
fn notes(made: &Made) -> Vec<String> {
    let errors = made.finished()["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors[0]["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect()
}

/// The command that a failure gives to do the action again.
fn command(made: &Made) -> String {
    let notes = notes(made);
    let command = notes.iter().find_map(|note| note.strip_prefix("to do just that again: "));
    command.unwrap_or_else(|| panic!("{notes:#?}")).to_owned()
}

#[test]
fn a_worker_that_is_killed_is_replaced_and_the_result_is_the_same() {
    let project = project();
    let made = make(&project, Fake { kind: "mix", deed: "kill", times: 2 }, &[]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(delays(&made, "mix"), [500, 1_000]);
    assert!(made.states("mix", "retried")[0]["error"]["message"].as_str().unwrap().contains("SIGKILL"));
    made.assert_ran([("probe", 1), ("choose", 1), ("segment", 4), ("sound", 4), ("mix", 1), ("join", 1)]);
    assert!(fs::read(project.path("out/reel.mp4")).unwrap() == undisturbed(&project));
}

/// A delay holds up nothing else: the other segments are done before the first
/// is tried again.
#[test]
fn others_go_on_while_one_waits_for_its_next_try() {
    let project = project();
    let made = make(&project, Fake { kind: "segment", deed: "crash", times: 1 }, &["-j1"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let retried = made.states("segment", "retried");
    assert!(retried[0]["error"]["message"].as_str().unwrap().contains("SIGILL"), "{retried:?}");
    let node = &retried[0]["node"];
    let done = made.states("segment", "done");
    assert_eq!(&done.last().unwrap()["node"], node, "{done:#?}");
}

#[test]
fn what_fails_to_the_last_try_names_all_and_is_repeated_by_its_command() {
    let project = project();
    let made = make(&project, Fake { kind: "mix", deed: "crash", times: 99 }, &[]);
    assert_eq!(made.code, 2, "{}", made.stderr);
    assert_eq!(delays(&made, "mix"), [500, 1_000, 2_000]);
    assert!(made.errors()[0].contains("SIGILL"), "{:?}", made.errors());
    let notes = notes(&made);
    assert!(notes[0].contains("the fake misbehaves"), "{notes:#?}");
    assert_eq!(notes[1], "it was the action mix reel/out/reel.mp4/mix, tried 4 times");
    let missing = &made.finished()["missing"][0];
    assert_eq!((&missing["output"], &missing["files"][0]), (&"reel".into(), &"out/reel.mp4".into()));
    assert_eq!(missing["needs"][0], "mix reel/out/reel.mp4/mix");

    // Just that action fails in just that way, from any folder.
    let command = command(&made);
    let again = Command::new("sh").args(["-c", &command]).current_dir("/").output().unwrap();
    let status = again.status;
    assert!(status.code() == Some(128 + 4) || status.signal() == Some(4), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("the fake misbehaves"), "{again:?}");

    // With a program that works it succeeds; and then nothing is left of it.
    let file = command.rsplit(' ').next().unwrap();
    let program = env!("CARGO_BIN_EXE_autocut-media");
    assert!(Command::new(program).args(["run", file]).output().unwrap().status.success());
    assert!(common::autocut().args(["run", file]).output().unwrap().status.success());
    project.make().assert_ran([("mix", 1), ("join", 1)]);
    assert_eq!(fs::read_dir(project.path(".autocut/failed")).unwrap().count(), 0);
}

#[test]
fn a_worker_that_stops_is_killed_and_its_work_done_by_another() {
    for deed in ["stop", "hang"] {
        let project = project();
        let made = make(&project, Fake { kind: "sound", deed, times: 1 }, &[]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        let retried = made.states("sound", "retried");
        assert_eq!(retried.len(), 1);
        let message = retried[0]["error"]["message"].as_str().unwrap();
        assert!(message.contains("made no progress for 4 s"), "{message}");
    }
}

/// No hardware encoder is driven yet: the fake says what one without a free
/// session would.
#[test]
fn a_busy_encoder_is_asked_again() {
    let project = project();
    let made = make(&project, Fake { kind: "segment", deed: "busy", times: 2 }, &["-j1"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(made.states("segment", "retried").len(), 2);
}

#[test]
fn after_a_death_for_want_of_memory_fewer_run_at_once() {
    let project = project();
    let made = make(&project, Fake { kind: "segment", deed: "memory", times: 1 }, &["-j4"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let mut narrowed = false;
    // What takes next to no memory may have been handed out before.
    for (event, running) in made.at_once(|kind| kind == "segment") {
        assert!(!narrowed || event["state"] != "started" || running <= 2, "{running} at once after one had no memory");
        narrowed |= event["state"] == "retried";
    }
    assert!(narrowed);
    let error = &made.states("segment", "retried")[0]["error"];
    assert!(error["message"].as_str().unwrap().contains("out of memory"), "{error}");
    assert!(fs::read(project.path("out/reel.mp4")).unwrap() == undisturbed(&project));
}

/// The processes whose parent this is (proc_pid_stat(5)).
fn children(parent: u32) -> Vec<i32> {
    let stat = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("stat")).ok()?;
        let after = text.rsplit_once(')')?.1;
        let ppid: u32 = after.split_whitespace().nth(1)?.parse().ok()?;
        (ppid == parent).then(|| entry.file_name().to_str()?.parse().ok())?
    };
    fs::read_dir("/proc").unwrap().filter_map(|entry| stat(entry.unwrap())).collect()
}

#[test]
fn workers_that_are_killed_from_outside_while_they_render_cost_nothing_but_time() {
    if cfg!(not(target_os = "linux")) {
        eprintln!("skipped: processes are found in /proc");
        return;
    }
    let project = project();
    let mut command = common::autocut();
    command.current_dir(project.path("")).args(["make", "--json", "-j2"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut killed = 0;
    let mut retried = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        retried += usize::from(line.contains(r#""state":"retried""#));
        if killed < 2 && line.contains(r#""kind":"segment""#) && line.contains(r#""state":"started""#) {
            for pid in children(child.id()) {
                // It may have ended meanwhile.
                killed += usize::from(kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).is_ok());
            }
        }
    }
    assert!(child.wait().unwrap().success());
    assert!(killed >= 1);
    eprintln!("{killed} workers killed, {retried} actions tried again");
    assert!(fs::read(project.path("out/reel.mp4")).unwrap() == undisturbed(&project));
}

/// A real damaged file: what is wrong with it stays wrong, so it is not tried
/// again, and what does not need it is made.
#[test]
fn what_does_not_need_the_failure_is_made_and_what_is_missing_is_told() {
    let project = project();
    project.edit("autocut.ron", "outputs: {", r#"music: "song.mp3", outputs: { "clips": Clips(folder: "clips"),"#);
    project.write("song.mp3", "this is no music\n");
    let made = project.make_with(&["-k"]);
    assert_eq!(made.code, 1, "{}", made.stderr);
    assert!(made.states("mix", "retried").is_empty());
    assert_eq!(fs::read_dir(project.path("clips")).unwrap().count(), 4);
    assert!(!project.path("out/reel.mp4").exists());
    let missing = made.finished()["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 1, "{missing:#?}");
    assert_eq!(missing[0]["files"][0], "out/reel.mp4");

    let again = Command::new("sh").args(["-c", &command(&made)]).current_dir("/").output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    let said = String::from_utf8_lossy(&again.stderr);
    let message = made.errors()[0].clone();
    assert!(message.contains("song.mp3") && said.contains("song.mp3"), "{message}\n{said}");

    // People are told the same.
    let output = project.run(&["make", "-k"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("not made: out/reel.mp4, which needs mix reel/out/reel.mp4/mix"), "{text}");
    assert!(text.contains("to do just that again: "), "{text}");
}

#[test]
fn no_more_run_at_once_than_jobs_and_memory_allow() {
    let one = project();
    assert_eq!(one.make_with(&["-j1"]).most_at_once(), 1);

    let three = project();
    let most = three.make_with(&["-j3"]).most_at_once();
    assert!((2..=3).contains(&most), "{most}");

    // Less than two workers hold, whatever they do: one runs all the same.
    let small = project();
    let made = small.make_in(&["-j3"], &[("AUTOCUT_MEMORY", "60MiB")]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(made.most_at_once(), 1);
}

/// Before it has said a word: nobody waits for its deadline.
#[test]
fn a_worker_that_ends_at_once_is_told_of_at_once() {
    let project = project();
    let program = project.path("broken-media");
    fs::write(&program, "#!/bin/sh\necho it cannot >&2\nexit 7\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let made = project.make_in(&[], &[("AUTOCUT_MEDIA", program.to_str().unwrap())]);
    assert_eq!(made.code, 2, "{}", made.stderr);
    assert!(made.errors()[0].contains("exit code 7"), "{:?}", made.errors());
}
