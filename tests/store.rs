//! The store of a project as whole programs meet it: checked, damaged, full,
//! read-only, shared, cleaned up.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails, and says what it skips")]

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
        let footage = Footage { size: "64x64", seconds: 2, ..Footage::default() };
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
