use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::base::Tier;
use crate::inputs::{MemorySystem, RealSystem};

fn files(names: &[&str]) -> MemorySystem {
    let system = MemorySystem::new();
    for name in names {
        system.write(Path::new("/project").join(name), name);
    }
    system
}

fn scan_of(system: &dyn System, patterns: &[&str]) -> Scan {
    let never = Never { store: Some(".autocut".into()), outputs: ["out/reel.mp4".into(), "out/clips".into()].into() };
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    scan(system, Path::new("/project"), &patterns, &never)
}

fn names(scan: &Scan) -> Vec<&str> {
    scan.files.iter().map(|found| found.name.as_str()).collect()
}

#[test]
fn globs_and_names_in_natural_order_whatever_the_order_of_patterns() {
    let system = files(&["front/GX2.MP4", "front/GX10.MP4", "rear/a.mp4", "notes.txt"]);
    let one = scan_of(&system, &["front/*.mp4", "rear/a.mp4"]);
    let other = scan_of(&system, &["rear/a.mp4", "front/GX10.MP4", "front/*.mp4"]);
    assert_eq!(names(&one), ["front/GX2.MP4", "front/GX10.MP4", "rear/a.mp4"]);
    assert_eq!(names(&one), names(&other));
    assert!(one.problems.is_empty());
}

#[test]
fn files_outside_of_the_project() {
    let system = files(&["../card/a.mp4"]);
    assert_eq!(names(&scan_of(&system, &["../card/*.mp4"])), ["../card/a.mp4"]);
    assert_eq!(names(&scan_of(&system, &["/card/*.mp4"])), ["/card/a.mp4"]);
    let both = scan_of(&system, &["/card/*.mp4", "../card/*.mp4"]);
    assert_eq!(names(&both), ["/card/a.mp4"]);
    assert_eq!(both.aliases, [("../card/a.mp4".to_owned(), "/card/a.mp4".to_owned())]);
}

#[test]
fn hidden_files_the_store_and_own_outputs_are_never_matched() {
    let system = files(&[
        "a.mp4",
        "._a.mp4",
        ".DS_Store",
        ".trash/b.mp4",
        ".autocut/objects/ab/c.mp4",
        "out/reel.mp4",
        "out/clips/01.mp4",
        "out/mine.mp4",
    ]);
    assert_eq!(names(&scan_of(&system, &["**/*"])), ["a.mp4", "out/mine.mp4"]);
    let own = scan_of(&system, &["out/reel.mp4"]);
    assert!(own.problems[0].1.message.contains("written by autocut itself"));
    let hidden = scan_of(&system, &["._a.mp4"]);
    assert!(hidden.problems[0].1.message.contains("hidden"));
}

#[test]
fn a_store_with_a_visible_name_is_not_entered() {
    let system = files(&["cache/objects/ab/c.mp4", "a.mp4"]);
    let never = Never { store: Some("/project/cache".into()), outputs: BTreeSet::new() };
    let scan = scan(&system, Path::new("/project"), &["**/*.mp4".to_owned()], &never);
    assert_eq!(names(&scan), ["a.mp4"]);
}

#[test]
fn one_file_under_two_names_is_named_once() {
    let system = files(&["front/b.mp4"]);
    system.link("/project/front/b.mp4", "/project/front/a.mp4");
    let scan = scan_of(&system, &["front/*.mp4", "**/*.mp4"]);
    assert_eq!(names(&scan), ["front/a.mp4"]);
    assert_eq!(scan.aliases, [("front/b.mp4".to_owned(), "front/a.mp4".to_owned())]);
}

#[test]
fn a_glob_that_matches_nothing_says_what_is_there() {
    let system = files(&["front/a.mov", "front/b.mov", "front/c.txt"]);
    let scan = scan_of(&system, &["rear.mp4", "front/*.mp4"]);
    let (index, problem) = &scan.problems[1];
    assert_eq!((*index, problem.tier), (1, Tier::Input));
    assert_eq!(problem.message, "no file matches \"front/*.mp4\"");
    assert_eq!(problem.notes, ["looked in /project/front"]);
    assert_eq!(problem.hint.as_deref(), Some("there are 2 files there that end in .mov"));
}

#[test]
fn a_missing_file_names_the_nearest() {
    let system = files(&["front/GX010012.MP4", "notes.txt"]);
    let scan = scan_of(&system, &["front/GX010013.MP4", "fornt/*.mp4", "elsewhere/x/*.mp4", "/media/card/*.mp4"]);
    let hints: Vec<_> = scan.problems.iter().map(|(_, problem)| problem.hint.clone().unwrap()).collect();
    let there = "put the files there, or change the path in the manifest";
    let expected = ["did you mean \"GX010012.MP4\"?", "did you mean \"front\"?", there, "is the disk plugged in?"];
    assert_eq!(hints, expected);
    assert_eq!(scan.problems[0].1.message, "front/GX010013.MP4 does not exist");
    assert_eq!(scan.problems[2].1.notes[1], "/project has no \"elsewhere\"");
}

#[test]
fn a_folder_is_not_a_file() {
    let scan = scan_of(&files(&["front/a.mp4"]), &["front/"]);
    assert_eq!(scan.problems[0].1.hint.as_deref(), Some("for the files in it, write \"front/*.mp4\""));
}

#[test]
fn links_on_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    for name in ["front", "out", "store"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    fs::write(root.join("front/a.mp4"), "a").unwrap();
    fs::write(root.join("out/reel.mp4"), "reel").unwrap();
    fs::write(root.join("store/x.mp4"), "x").unwrap();
    symlink(root.join("front/a.mp4"), root.join("front/b.mp4")).unwrap();
    fs::hard_link(root.join("front/a.mp4"), root.join("front/c.mp4")).unwrap();
    symlink(root.join("out/reel.mp4"), root.join("front/reel.mp4")).unwrap();
    symlink(root.join("store"), root.join("front/store")).unwrap();
    symlink(root.join("nowhere"), root.join("front/gone.mp4")).unwrap();
    let never = Never { store: Some("store".into()), outputs: ["out/reel.mp4".into()].into() };
    let scan = scan(&RealSystem, &root, &["**/*.mp4".to_owned()], &never);
    assert_eq!(names(&scan), ["front/a.mp4"]);
    assert_eq!(scan.aliases.len(), 2);
    assert_eq!(scan.problems.len(), 1);
    assert!(scan.problems[0].1.message.contains("gone.mp4"), "{:?}", scan.problems);
}

#[test]
fn a_pipe_is_not_footage() {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("a.mp4")).status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    let scan = scan(&RealSystem, folder.path(), &["*.mp4".to_owned()], &Never::default());
    assert!(scan.files.is_empty());
    assert!(scan.problems[0].1.message.contains("not a regular file"));
}
