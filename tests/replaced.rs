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
use common::files::{assert_sound, digests_below};
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
/// b by a rename. The change is called by the action's kind and by when.
fn replace(change: &str, when: &str, invocation: &Invocation) {
    let kind = match &invocation.spec {
        ActionSpec::Probe(_) => "probe",
        ActionSpec::Analyse(_) => "analyse",
        ActionSpec::Segment(_) => "segment",
        ActionSpec::Sound(_) => "sound",
        _ => return,
    };
    if change != format!("{kind}-{when}") {
        return;
    }
    for path in invocation.inputs.values() {
        let spare = path.parent().unwrap().with_file_name("spare").join(path.file_name().unwrap());
        if path.ends_with("a.mp4") && spare.exists() {
            fs::write(path, fs::read(&spare).unwrap()).unwrap();
            fs::remove_file(&spare).unwrap();
        } else if path.ends_with("b.mp4") && spare.exists() {
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

#[test]
fn what_is_replaced_while_it_is_read_leaves_no_wrong_result() {
    let before = digests_below(&from_nothing(&project()).path("out"));
    for kind in ["probe", "analyse", "segment", "sound"] {
        for when in ["before", "after"] {
            let change = format!("{kind}-{when}");
            let project = project();
            let made = make_with(&project, &change);
            assert_eq!(fs::read_dir(project.path("spare")).unwrap().count(), 0, "{change}: it was not replaced");
            // It says so, or it has made the new film already.
            let said = made.errors().iter().any(|error| error.contains("changed while it was being read"));
            assert!(made.code == 0 || said, "{change}: {:?}", made.errors());

            project.make();
            let fresh = digests_below(&from_nothing(&project).path("out"));
            assert_ne!(fresh, before, "the new footage gives the same film");
            assert_eq!(digests_below(&project.path("out")), fresh, "{change}");
            project.make().assert_ran([]);
            project.ok(&["verify", "--rebuild"]);
            assert_sound(&project.path(""));
        }
    }
}
