//! The store of a project as whole programs meet it: checked, damaged, full,
//! read-only, shared, cleaned up.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
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
        project.make().assert_ran([("probe", 1), ("choose", 1), ("segment", 2), ("sound", 2), ("mix", 1), ("join", 1)]);
        project
    });
    let copy = Project::new();
    let status = Command::new("cp").arg("-a").arg(made.path(".")).arg(copy.path(".")).status().unwrap();
    assert!(status.success());
    copy
}

/// The objects of a project's store, largest first.
fn objects(project: &Project) -> Vec<PathBuf> {
    let folder = project.path(".autocut/objects");
    let files = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let mut objects: Vec<PathBuf> = files(&folder).iter().flat_map(|fan| files(fan)).collect();
    objects.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().len()));
    objects
}

/// Changes one byte of a file that may be read-only.
fn spoil(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn verify_finds_nothing_in_a_sound_store() {
    let project = built();
    let said = project.ok(&["verify"]);
    assert!(said.contains("all sound"), "{said}");
    let json: serde_json::Value = serde_json::from_str(&project.ok(&["verify", "--json"])).unwrap();
    assert_eq!((&json["outputs"], &json["problems"]), (&1.into(), &serde_json::json!([])));
    assert_eq!(json["objects"], objects(&project).len());
    project.make().assert_ran([]);
}

#[test]
fn verify_takes_a_corrupt_object_away_and_make_makes_it_anew() {
    let project = built();
    let reel = fs::read(project.path("out/reel.mp4")).unwrap();
    let object = objects(&project).remove(0);
    let sound = fs::read(&object).unwrap();
    spoil(&object);
    let output = project.run(&["verify"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("is corrupt") && said.contains("it was removed"), "{said}");
    assert!(!object.exists());
    assert!(project.ok(&["verify"]).contains("all sound"));

    let made = project.make();
    assert_eq!(made.finished()["ran"], 1, "{:?}", made.ran());
    assert_eq!(fs::read(&object).unwrap(), sound);
    assert!(fs::read(project.path("out/reel.mp4")).unwrap() == reel);
    assert!(project.ok(&["verify"]).contains("all sound"));
}

#[test]
fn verify_tells_of_an_output_that_was_changed_and_leaves_it() {
    let project = built();
    let reel = project.path("out/reel.mp4");
    spoil(&reel);
    let changed = fs::read(&reel).unwrap();
    let output = project.run(&["verify"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("out/reel.mp4 is not what autocut wrote there"));
    assert_eq!(fs::read(&reel).unwrap(), changed);
    // One that is gone is no fault: the next make writes it again.
    fs::remove_file(&reel).unwrap();
    assert!(project.ok(&["verify"]).contains("all sound"));
    project.make().assert_ran([("join", 1)]);
}

#[test]
fn verify_needs_no_manifest_and_makes_no_store() {
    let project = built();
    project.write("autocut.ron", "Project(");
    assert!(project.ok(&["verify"]).contains("all sound"));
    let empty = Project::new();
    let output = empty.run(&["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no store"));
    assert_eq!(fs::read_dir(empty.path(".")).unwrap().count(), 0);
}

#[test]
fn log_lists_what_builds_ran_and_a_build_with_nothing_to_do_leaves_none() {
    let project = built();
    let builds = || -> Vec<serde_json::Value> {
        project.ok(&["log", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let first = builds();
    assert_eq!((first.len(), &first[0]["outcome"], &first[0]["command"]), (1, &"done".into(), &"make".into()));
    assert_eq!(first[0]["kinds"]["segment"]["ran"], 2);
    assert_eq!(first[0]["written"], serde_json::json!(["out/reel.mp4"]));
    // A copy's files are hashed once more, and are believed once they are older
    // than a tick of the clock; and uses are noted once an hour.
    let unchanged = || {
        project.make().assert_ran([]);
        std::thread::sleep(std::time::Duration::from_millis(200));
        project.make().assert_ran([]);
        let before = files_of(&project.path(".autocut"));
        project.make().assert_ran([]);
        files_of(&project.path(".autocut")) == before
    };
    assert!(unchanged() || unchanged(), "a build with nothing to do wrote something");
    assert_eq!(builds(), first);

    project.edit("autocut.ron", r#""front/a@1s""#, r#""front/a@1.5s""#);
    project.make();
    project.edit("autocut.ron", r#""front/a@1.5s""#, r#""front/a@9s""#);
    assert_ne!(project.run(&["make"]).status.code(), Some(0));
    let all = builds();
    assert_eq!(all.iter().map(|build| build["build"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        all[1]["kinds"]["segment"],
        serde_json::json!({"ran": 1, "reused": 1, "failed": 0, "ran_ms": all[1]["kinds"]["segment"]["ran_ms"]})
    );
    assert_eq!(all[2]["outcome"], "failed");
    let text = project.ok(&["log"]);
    assert_eq!(text.lines().count(), 3);
    assert!(text.lines().next().unwrap().contains("failed"), "newest first: {text}");
    let second = project.ok(&["log", "2"]);
    assert!(second.contains("segment reel/front/a@1.5s/segment/0"), "{second}");
    assert_eq!(project.run(&["log", "9"]).status.code(), Some(1));
}

/// Every file below a folder with its content, by name; SQLite's shared memory
/// aside, which is no content.
fn files_of(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let walk =
        walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    let files = walk.filter(|entry| !entry.path().to_string_lossy().ends_with("-shm"));
    files.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

/// Runs a command that must fail so, and gives what it said on standard error.
fn refused(project: &Project, args: &[&str], code: i32) -> String {
    let output = project.run(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

#[test]
fn gc_keeps_what_the_outputs_need_also_while_the_manifest_is_broken() {
    let project = built();
    let before = objects(&project).len();
    project.ok(&["gc", "--limit", "0"]);
    assert_eq!(objects(&project).len(), before, "all of it is needed");
    project.edit("autocut.ron", "front/a@1s", "front/a@1.5s");
    project.make();
    let all = objects(&project).len();
    assert!(all > before);
    let said = project.ok(&["gc", "--older-than", "1ns", "-n"]);
    assert!(said.contains("segment") && said.contains("would remove 4 objects"), "{said}");
    assert_eq!(objects(&project).len(), all);

    project.edit("autocut.ron", "Project(", "Project((");
    let output = project.run(&["gc", "--limit", "0"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the manifest cannot be used"));
    assert_eq!(objects(&project).len(), all - 4, "what only the build before the last needed is gone");
    project.edit("autocut.ron", "Project((", "Project(");
    project.make().assert_ran([]);
    assert!(project.ok(&["verify"]).contains("all sound"));
    // What was collected is made again when it is wanted again.
    project.edit("autocut.ron", "front/a@1.5s", "front/a@1s");
    project.make().assert_ran([("choose", 1), ("segment", 1), ("sound", 1), ("mix", 1), ("join", 1)]);
}

/// The order in which what must survive a power cut reaches the disk, as the
/// kernel is asked for it.
#[test]
fn an_output_and_a_root_get_their_names_after_what_they_rest_on_is_on_the_disk() {
    let project = built();
    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    let trace = project.path("trace");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o"]).arg(&trace);
    let autocut = common::autocut();
    for (name, value) in autocut.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    let made = traced.arg(autocut.get_program()).arg("make").current_dir(project.path("")).output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: strace cannot be used here");
        return;
    }
    let text = fs::read_to_string(trace).unwrap();
    let calls: Vec<&str> = text.lines().collect();
    let renamed = |to: &str| calls.iter().rposition(|call| call.contains("rename") && call.contains(to));
    let synced = |what: &str, before: usize| {
        calls[..before].iter().rposition(|call| call.contains("sync(") && call.contains(what))
    };
    let film = renamed("out/reel.mp4").unwrap();
    let (content, log) = (synced("autocut-tmp", film), synced("records/log", film));
    assert!(content.is_some() && log > content, "{text}");
    let root = renamed("records/roots/").unwrap();
    assert!(synced("records/roots/", root).is_some(), "{text}");
}

#[test]
fn a_limit_in_the_manifest_is_kept_after_every_build() {
    let project = built();
    project.edit("autocut.ron", "moments:", "store: Store(limit: \"1KiB\", age: \"1h\"),\n    moments:");
    project.make().assert_ran([]);
    let store = project.ok(&["store"]);
    assert!(store.contains("of at most 1.0 KiB (autocut.ron)"), "{store}");
    let before = objects(&project);
    project.edit("autocut.ron", "front/a@1s", "front/a@1.5s");
    project.make();
    // Beside what the new film needs, just what the old one needed is gone.
    let after = objects(&project);
    assert_eq!(after.len(), before.len());
    assert_eq!(before.iter().filter(|object| !after.contains(object)).count(), 2 + 2, "{before:?} {after:?}");
    let said = refused(&project, &["gc", "--limit", "lots"], 1);
    assert!(said.contains("20GiB"), "{said}");
}

#[test]
fn projects_that_share_a_store_run_nothing_twice_and_keep_each_others_needs() {
    let (one, two) = (built(), built());
    let store = tempfile::tempdir().unwrap();
    let run = |project: &Project, args: &[&str]| {
        let output = common::autocut()
            .current_dir(project.path("."))
            .env("AUTOCUT_STORE", store.path())
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let ran = |project: &Project| -> u64 {
        let last: serde_json::Value =
            serde_json::from_str(run(project, &["make", "--json"]).lines().last().unwrap()).unwrap();
        last["ran"].as_u64().unwrap()
    };
    for project in [&one, &two] {
        fs::remove_dir_all(project.path(".autocut")).unwrap();
        fs::remove_dir_all(project.path("out")).unwrap();
    }
    assert_eq!(ran(&one), 8);
    assert_eq!(ran(&two), 1, "only its own output is joined");
    assert_eq!(ran(&one), 0, "the other's output is not taken for its own");
    two.edit("autocut.ron", "front/a@1s", "front/a@1.5s");
    assert_eq!(ran(&two), 5);
    run(&two, &["gc", "--limit", "0"]);
    assert_eq!(ran(&one), 0);
    fs::remove_file(one.path("out/reel.mp4")).unwrap();
    assert_eq!(ran(&one), 1, "its segments are still there");
    let listed: serde_json::Value = serde_json::from_str(&run(&one, &["store", "--json"])).unwrap();
    assert_eq!(listed["projects"].as_array().unwrap().len(), 2);
    // Each knows its own builds.
    assert_eq!(run(&one, &["log"]).lines().count(), 2);

    let said = run(&one, &["clean", "--all"]);
    assert!(said.contains("removed out/reel.mp4") && store.path().join("version").exists(), "{said}");
    assert_eq!(ran(&two), 0);
    run(&two, &["verify"]);
}

#[test]
fn clean_removes_what_autocut_wrote_and_nothing_else() {
    let project = built();
    project.edit("autocut.ron", "outputs: {", "outputs: { \"clips\": Clips(folder: \"out/clips\"),");
    project.make();
    project.write("out/clips/mine.mp4", "mine").write("notes.txt", "mine");
    let clips: Vec<String> = fs::read_dir(project.path("out/clips"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(clips.len(), 3);
    let edited = clips.iter().find(|name| *name != "mine.mp4").unwrap();
    spoil(&project.path("out/clips").join(edited));

    let would = project.ok(&["clean", "-n"]);
    assert!(would.contains("would remove out/reel.mp4"), "{would}");
    assert!(project.path("out/reel.mp4").exists());
    project.ok(&["clean", "reel"]);
    assert!(!project.path("out/reel.mp4").exists());
    assert_eq!(fs::read_dir(project.path("out/clips")).unwrap().count(), 3);

    let output = project.run(&["clean", "--all"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("out/clips/{edited} was changed since autocut wrote it")), "{said}");
    let mut left: Vec<String> = fs::read_dir(project.path("out/clips"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let mut expected = vec!["mine.mp4".to_owned(), edited.clone()];
    expected.sort();
    assert_eq!(left, expected);
    assert!(!project.path(".autocut").exists());
    assert!(project.path("notes.txt").exists() && project.path("footage/a.mp4").exists());
}

#[test]
fn clean_stale_removes_clips_whose_moment_left_the_film() {
    let project = built();
    project.edit("autocut.ron", "\"reel\": Reel(file: \"out/reel.mp4\")", "\"clips\": Clips(folder: \"clips\")");
    project.make();
    let clips = || {
        let mut names: Vec<String> = fs::read_dir(project.path("clips"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(clips(), ["front-a-0h00m00.000s.mp4", "front-a-0h00m01.000s.mp4"]);
    project.edit("autocut.ron", "front/a@1s", "front/a@1.5s");
    let said = refused(&project, &["clean", "--stale"], 1);
    assert!(said.contains("run `autocut make` first"), "{said}");
    project.make();
    assert_eq!(clips().len(), 3);
    project.ok(&["clean", "--stale"]);
    assert_eq!(clips(), ["front-a-0h00m00.000s.mp4", "front-a-0h00m01.500s.mp4"]);
    assert!(!project.path("out").exists(), "the reel is declared no more, and its folder is empty");
    project.make().assert_ran([]);
    project.ok(&["clean"]);
    assert!(!project.path("clips").exists());
    project.make().assert_ran([("join", 2)]);
}
