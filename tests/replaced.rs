//! Footage that is replaced while a build reads it: no result may be remembered
//! under the digest of what was there before. The next build gives what one from
//! nothing gives.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use autocut::model::ActionSpec;
use autocut::model::protocol::Invocation;
use common::files::{alike_in_size, assert_sound, digests_below, write, write_unnoticed};
use common::media::{self, Changes};
use common::{Footage, Made, Project};

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    analysis: Analysis(rate: 4, width: 64),
    moments: Moments(
        length: "1s", total: "3s", gap: "1s",
        weights: {"motion": 1},
        pins: ["front/a@1s", "front/b@1s"],
    ),
    outputs: { "reel": Reel(file: "out/reel.mp4"), "clips": Clips(folder: "out/clips") },
)"#;

/// A project that was never made, and what its footage is replaced with: other
/// pictures of another length in `spare`.
fn project() -> Project {
    static DRAWN: OnceLock<Project> = OnceLock::new();
    let drawn = DRAWN.get_or_init(|| {
        let project = Project::new();
        for (name, seconds, created) in [("a", 4, "2024-06-01T10:00:00Z"), ("b", 4, "2024-06-01T11:00:00Z")] {
            let now = Footage { size: "64x64", rate: "10", seconds, created, ..Footage::default() };
            let then = Footage { size: "96x64", rate: "10", seconds: seconds + 1, tone: 880, ..now.clone() };
            project.footage(&format!("footage/{name}.mp4"), &now).footage(&format!("spare/{name}.mp4"), &then);
        }
        alike_in_size(&project.path("footage/a.mp4"), &project.path("spare/a.mp4"));
        project.write("autocut.ron", MANIFEST);
        project
    });
    let copy = Project::new();
    assert!(Command::new("cp").arg("-a").arg(drawn.path(".")).arg(copy.path(".")).status().unwrap().success());
    copy
}

/// Not a test: see `common::media`.
#[test]
fn media_program() {
    media::serve(&Changes {
        before: |change, invocation| replace(change, "before", invocation),
        produced: |change, invocation, _| replace(change, "after", invocation),
        ..Changes::default()
    });
}

/// Replaces the footage that an action reads, once: a is written anew in place,
/// b by a rename. The change is called by the action's kind, by when, and
/// `unnoticed` where a alone is replaced and keeps its size and time.
fn replace(change: &str, when: &str, invocation: &Invocation) {
    let kind = match &invocation.spec {
        ActionSpec::Probe(_) => "probe",
        ActionSpec::Analyse(_) => "analyse",
        ActionSpec::Segment(_) => "segment",
        ActionSpec::Sound(_) => "sound",
        _ => return,
    };
    let (change, unnoticed) = change.strip_suffix("-unnoticed").map_or((change, false), |change| (change, true));
    if change != format!("{kind}-{when}") {
        return;
    }
    for path in invocation.inputs.values() {
        let spare = path.parent().unwrap().with_file_name("spare").join(path.file_name().unwrap());
        if path.ends_with("a.mp4") && spare.exists() {
            let write = if unnoticed { write_unnoticed } else { write };
            write(path, &fs::read(&spare).unwrap());
            fs::remove_file(&spare).unwrap();
        } else if !unnoticed && path.ends_with("b.mp4") && spare.exists() {
            fs::rename(&spare, path).unwrap();
        }
    }
}

fn make_with(project: &Project, change: &str) -> Made {
    let program = media::program(project, change);
    project.make_in(&["-k"], &[("AUTOCUT_MEDIA", program.to_str().unwrap())])
}

/// What a build from nothing makes of the footage as it lies there.
fn from_nothing(project: &Project) -> Project {
    let fresh = Project::new();
    fresh.write("autocut.ron", fs::read(project.path("autocut.ron")).unwrap());
    for name in ["a.mp4", "b.mp4"] {
        let name = format!("footage/{name}");
        fresh.write(&name, fs::read(project.path(&name)).unwrap());
    }
    fresh.make();
    fresh
}

/// Makes the project, and asserts that this gives what a build from nothing gives.
#[track_caller]
fn as_from_nothing(project: &Project, change: &str) {
    // Files of the film that was to be made before are nobody's now.
    let _ = fs::remove_dir_all(project.path("out"));
    project.make();
    let fresh = digests_below(&from_nothing(project).path("out"));
    assert_eq!(digests_below(&project.path("out")), fresh, "{change}");
    project.make().assert_ran([]);
}

/// Makes the project while its footage is replaced, and asserts that later builds
/// believe nothing wrong: neither of what came nor, once it is back, of what was
/// there before.
#[track_caller]
fn replaced(change: &str) {
    let project = project();
    let made = make_with(&project, change);
    assert!(!project.path("spare/a.mp4").exists(), "{change}: it was not replaced");
    // It says so, or it has made the new film already.
    let said = made.errors().iter().any(|error| error.contains("changed while it was being read"));
    assert!(made.code == 0 || said, "{change}: {:?}", made.errors());

    as_from_nothing(&project, change);
    project.ok(&["verify", "--rebuild"]);
    for name in ["footage/a.mp4", "footage/b.mp4"] {
        project.write(name, fs::read(self::project().path(name)).unwrap());
    }
    as_from_nothing(&project, &format!("{change}, and back"));
    assert_sound(&project.path(""));
}

#[test]
fn what_is_replaced_while_it_is_read_leaves_no_wrong_result() {
    for kind in ["probe", "analyse", "segment", "sound"] {
        for when in ["before", "after"] {
            replaced(&format!("{kind}-{when}"));
        }
    }
}

#[test]
fn what_is_replaced_with_its_size_and_time_kept_leaves_no_wrong_result() {
    for kind in ["probe", "analyse", "segment", "sound"] {
        replaced(&format!("{kind}-before-unnoticed"));
    }
}

#[test]
fn the_footage_that_comes_gives_another_film() {
    let before = project();
    let after = project();
    for name in ["a.mp4", "b.mp4"] {
        fs::rename(after.path(&format!("spare/{name}")), after.path(&format!("footage/{name}"))).unwrap();
    }
    assert_ne!(digests_below(&from_nothing(&before).path("out")), digests_below(&from_nothing(&after).path("out")));
}
