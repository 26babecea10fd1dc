//! A store in trouble: full, read-only, damaged, from another machine. Each
//! time there is a clear message or the work is done again; never a wrong
//! output, and never a lock that has to be removed by hand.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use common::{Footage, Project};

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": Footage(files: ["footage/*.mp4"]) },
    moments: Moments(length: "1s", weights: {}, pins: ["front/a@0s", "front/a@1s"]),
    outputs: { "reel": Reel(file: "out/reel.mp4") },
)"#;

/// A project whose outputs are made: a copy of one that is made once.
fn built() -> Project {
    static MADE: OnceLock<Project> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let project = Project::new();
        let footage = Footage { size: "64x64", seconds: 3, ..Footage::default() };
        project.footage("footage/a.mp4", &footage).write("autocut.ron", MANIFEST);
        project.make();
        project
    });
    let copy = Project::new();
    let status = Command::new("cp").arg("-a").arg(made.path(".")).arg(copy.path(".")).status().unwrap();
    assert!(status.success());
    copy
}

/// A change that has to render one of two segments anew.
fn edit(project: &Project) {
    project.edit("autocut.ron", "front/a@1s", "front/a@1.5s");
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

fn objects(project: &Project) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(project.path(".autocut/objects")).sort_by_file_name().into_iter();
    files.map(Result::unwrap).filter(|entry| entry.file_type().is_file()).map(|entry| entry.path().to_owned()).collect()
}

/// A mount namespace of its own in which `prepare` is run by a shell first, and
/// then autocut in the project. `None`, said visibly, where that may not be.
fn with_mounts(project: &Project, prepare: &str, args: &[&str]) -> Option<Output> {
    let probe = Command::new("unshare").args(["-m", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user may not mount anything");
        return None;
    }
    let script = format!("set -e; {prepare}; exec \"$0\" \"$@\"");
    let autocut = common::autocut();
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).arg(autocut.get_program()).args(args);
    for (name, value) in autocut.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(command.current_dir(project.path(".")).output().unwrap())
}

const READ_ONLY: &str = "mount --bind .autocut .autocut; mount -o remount,bind,ro .autocut";

#[test]
fn a_read_only_store_is_used_and_work_is_refused_with_the_reason() {
    let project = built();
    // The copy's footage is hashed, and believed once it is older than a tick.
    project.make();
    std::thread::sleep(std::time::Duration::from_millis(200));
    project.make();
    for args in [&["make"][..], &["make", "-n"], &["check"], &["log"], &["store"], &["verify"], &["explain", "moments"]]
    {
        let Some(output) = with_mounts(&project, READ_ONLY, args) else { return };
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    }
    edit(&project);
    let output = with_mounts(&project, READ_ONLY, &["make", "-n"]).unwrap();
    assert!(said(&output).contains("choose"), "{}", said(&output));
    for args in [&["make"][..], &["gc"], &["clean"]] {
        let output = with_mounts(&project, READ_ONLY, args).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains("file system that is read-only"), "{args:?}: {}", said(&output));
        assert!(said(&output).contains("AUTOCUT_STORE"), "{args:?}: {}", said(&output));
    }
    // An output that is gone cannot be joined without the store's scratch folder.
    project.edit("autocut.ron", "front/a@1.5s", "front/a@1s");
    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    let output = with_mounts(&project, READ_ONLY, &["make"]).unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("out/reel.mp4 is to be written anew"), "{}", said(&output));
    project.make().assert_ran([("join", 1)]);
}

#[test]
fn a_read_only_store_whose_index_is_gone_is_read_from_its_log() {
    let project = built();
    for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let _ = fs::remove_file(project.path(".autocut").join(name));
    }
    let Some(output) = with_mounts(&project, READ_ONLY, &["make"]) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("nothing to do"), "{}", said(&output));
    assert!(!project.path(".autocut/index.sqlite").exists());
}

#[test]
fn a_store_of_another_user_is_read_and_not_written() {
    let project = built();
    let is_root = common::tool("id", &["-u"]).trim() == "0";
    // Others may not look into the folder of a build below a private home. (`cp`:
    // a file written by this process would be "busy" while another test forks.)
    let programs = tempfile::tempdir().unwrap();
    fs::set_permissions(programs.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copied = |built: &OsStr| {
        assert!(Command::new("cp").arg(built).arg(programs.path()).status().unwrap().success());
        programs.path().join(Path::new(built).file_name().unwrap())
    };
    let autocut = common::autocut();
    let main = copied(autocut.get_program());
    let media = copied(OsStr::new(env!("CARGO_BIN_EXE_autocut-media")));
    let run = |args: &[&str]| {
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&main);
            command
        } else {
            Command::new(&main)
        };
        for (name, value) in autocut.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("AUTOCUT_MEDIA", &media).current_dir(project.path(".")).args(args).output().unwrap()
    };
    let store = project.path(".autocut");
    let rights = |mode: u32| fs::set_permissions(&store, fs::Permissions::from_mode(mode)).unwrap();
    fs::set_permissions(project.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    rights(0o555);
    let output = run(&["make"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    edit(&project);
    let output = run(&["make"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("may not be written by this user"), "{}", said(&output));
    rights(0o755);
    assert!(project.make().ran().contains_key("segment"));
}

/// The project's store on a file system of 2 MiB, full but for `free` KiB.
fn full(free: u32) -> String {
    format!(
        "cp -a .autocut /tmp/autocut-full-$$; mount -t tmpfs -o size=2m tmpfs .autocut; \
         cp -a /tmp/autocut-full-$$/. .autocut; rm -r /tmp/autocut-full-$$; \
         room=$(df -k --output=avail .autocut | tail -1); \
         head -c $(( (room - {free}) * 1024 )) /dev/zero > .autocut/tmp/filler"
    )
}

#[test]
fn on_a_full_disk_what_is_done_is_used_and_work_is_refused_with_the_reason() {
    let project = built();
    for args in [&["make"][..], &["make", "-n"], &["log"], &["verify"]] {
        // The lock's holder clears unfinished work, which the filler looks like.
        let keep = format!("{}; mv .autocut/tmp/filler .autocut/objects/filler", full(0));
        let Some(output) = with_mounts(&project, &keep, args) else { return };
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    }
    edit(&project);
    for free in [0, 4, 64] {
        let keep = format!("{}; mv .autocut/tmp/filler .autocut/objects/filler", full(free));
        let output = with_mounts(&project, &keep, &["make"]).unwrap();
        assert_eq!(output.status.code(), Some(2), "{free} KiB: {}", said(&output));
        let told = said(&output);
        assert!(told.contains("space"), "{free} KiB: {told}");
    }
    assert!(project.make().ran().contains_key("segment"));
}

#[test]
fn gc_frees_room_on_a_full_disk() {
    let project = built();
    edit(&project);
    project.make();
    let script = format!(
        "{}; mv .autocut/tmp/filler .autocut/objects/filler; \
         before=$(find .autocut/objects -type f | wc -l); \"$0\" gc --limit 0; \
         after=$(find .autocut/objects -type f | wc -l); test $after -lt $before",
        full(0)
    );
    let Some(output) = with_mounts(&project, &script, &["verify"]) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn a_limit_on_the_size_of_files_is_told_and_loses_nothing() {
    let project = built();
    edit(&project);
    // What cannot be written whole is an error where the signal is ignored.
    let autocut = common::autocut();
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" make"]).arg(autocut.get_program());
    for (name, value) in autocut.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.current_dir(project.path(".")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(project.ok(&["verify"]).contains("all sound"));
    let made = project.make();
    assert!(made.ran()["segment"] == 1, "{:?}", made.ran());
    let reference = built();
    edit(&reference);
    reference.make();
    assert!(fs::read(project.path("out/reel.mp4")).unwrap() == fs::read(reference.path("out/reel.mp4")).unwrap());
}

#[test]
fn a_corrupt_object_never_gets_into_an_output() {
    let project = built();
    let reel = fs::read(project.path("out/reel.mp4")).unwrap();
    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    let mut spoiled = 0;
    for object in objects(&project) {
        let mut bytes = fs::read(&object).unwrap();
        if bytes.len() < 1_000 {
            continue;
        }
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
        fs::remove_file(&object).unwrap();
        fs::write(&object, bytes).unwrap();
        spoiled += 1;
    }
    assert!(spoiled >= 3, "two segments and a mix: {spoiled}");
    let made = project.make();
    assert_eq!(made.ran().get("segment"), Some(&2), "{:?}", made.ran());
    assert!(made.events.iter().any(|event| event.to_string().contains("was corrupt")), "{:?}", made.events);
    assert!(fs::read(project.path("out/reel.mp4")).unwrap() == reel);
    project.make().assert_ran([]);
}

#[test]
fn deleted_objects_are_made_again_when_they_are_needed() {
    let project = built();
    let reel = fs::read(project.path("out/reel.mp4")).unwrap();
    fs::remove_dir_all(project.path(".autocut/objects")).unwrap();
    project.make().assert_ran([]);
    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    project.make().assert_ran([("segment", 2), ("sound", 2), ("mix", 1), ("join", 1)]);
    assert!(fs::read(project.path("out/reel.mp4")).unwrap() == reel);
    // Each of them alone: what the join reads is made again, the rest is not
    // needed.
    let mut again = 0;
    for object in objects(&project) {
        fs::remove_file(object).unwrap();
        fs::remove_file(project.path("out/reel.mp4")).unwrap();
        again += project.make().finished()["ran"].as_u64().unwrap() - 1;
        assert!(fs::read(project.path("out/reel.mp4")).unwrap() == reel);
    }
    assert!((3..=5).contains(&again), "two segments and the mix, with what that is made of: {again}");
}

#[test]
fn a_damaged_index_or_log_costs_nothing_that_the_other_has() {
    type Meddling = (&'static str, fn(&Path));
    let meddlings: [Meddling; 6] = [
        ("an index of zero bytes", |store| fs::write(store.join("index.sqlite"), "").unwrap()),
        ("an index of garbage", |store| fs::write(store.join("index.sqlite"), vec![0x5a; 30_000]).unwrap()),
        ("an index cut short", |store| cut(&store.join("index.sqlite"))),
        ("a log cut short", |store| cut(&store.join("records/log"))),
        ("garbage in the middle of the log", |store| {
            let log = store.join("records/log");
            let mut bytes = fs::read(&log).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..middle + 100].fill(0xff);
            fs::write(&log, bytes).unwrap();
        }),
        ("a lock file with nonsense", |store| {
            fs::write(store.join("lock"), "99999999\nautocut make\nnever\n").unwrap()
        }),
    ];
    for (what, meddle) in meddlings {
        let project = built();
        meddle(&project.path(".autocut"));
        let made = project.make_with(&[]);
        assert_eq!((made.code, made.finished()["ran"].as_u64()), (0, Some(0)), "{what}: {}", made.stderr);
        let verified = project.run(&["verify"]);
        let first = said(&verified);
        assert!(project.ok(&["verify"]).contains("all sound"), "{what}: a second verify finds nothing: {first}");
    }
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() * 2 / 3]).unwrap();
}

#[test]
fn a_log_that_lost_its_middle_and_its_index_costs_only_what_was_lost() {
    let project = built();
    let reel = fs::read(project.path("out/reel.mp4")).unwrap();
    let log = project.path(".autocut/records/log");
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 10].fill(0xff);
    fs::write(&log, bytes).unwrap();
    for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let _ = fs::remove_file(project.path(".autocut").join(name));
    }
    let made = project.make();
    let ran = made.finished()["ran"].as_u64().unwrap();
    assert!((1..=2).contains(&ran), "{:?}", made.ran());
    assert!(fs::read(project.path("out/reel.mp4")).unwrap() == reel);
    assert!(project.ok(&["verify"]).contains("all sound"));
}

#[test]
fn a_store_of_a_newer_format_is_left_alone() {
    let project = built();
    project.write(".autocut/version", "autocut store 2\n");
    for args in [&["make"][..], &["gc"], &["verify"], &["clean", "--all"], &["store"], &["log"]] {
        let output = project.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(
            said(&output).contains("has format 2, and this autocut reads and writes format 1"),
            "{}",
            said(&output)
        );
    }
    assert!(!objects(&project).is_empty() && project.path("out/reel.mp4").exists());
    project.write(".autocut/version", "autocut store 1\n");
    project.make().assert_ran([]);
}

/// What FUSE mounts looks to autocut like a network share.
#[test]
fn a_store_on_a_share_works_without_shared_memory() {
    let project = built();
    let share = "mkdir -p share; bindfs --no-allow-other .autocut share";
    if !Command::new("bindfs").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: bindfs is not installed");
        return;
    }
    let on_share = |args: &str| {
        let script = format!("{share}; AUTOCUT_STORE=share \"$0\" {args}; ls share > listed");
        let output = with_mounts(&project, &script, &["--version"])?;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let listed = fs::read_to_string(project.path("listed")).unwrap();
        assert!(!listed.contains("-shm") && !listed.contains("-wal"), "{listed}");
        Some(said(&output))
    };
    let Some(first) = on_share("make") else { return };
    assert!(first.contains("nothing to do"), "{first}");
    edit(&project);
    let second = on_share("make");
    assert!(second.as_ref().is_some_and(|second| second.contains("1 of 2 segments rendered")), "{second:?}");
    // Back on a local disk it is written ahead again.
    project.make().assert_ran([]);
}
