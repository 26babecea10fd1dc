//! The spine: pinned moments out of footage, encoded by segments and joined;
//! and what does not run the second time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Footage, Made, Project, decode_warnings, ffprobe, frame_hashes};

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": Footage(files: ["footage/*.mp4"]) },
    moments: Moments(
        length: "2s",
        weights: {},
        pins: ["front/a@1s", "front/a@6s", Pin(at: "front/b@2.5s", length: "1.5s")],
    ),
    outputs: { "reel": Reel(file: "out/reel.mp4") },
)"#;

fn project() -> Project {
    let project = Project::new();
    project
        .footage("footage/a.mp4", &Footage::default())
        .footage("footage/b.mp4", &Footage { tone: 880, created: "2024-06-01T11:00:00Z", ..Footage::default() })
        .write("autocut.ron", MANIFEST);
    project
}

#[test]
fn a_reel_of_pinned_moments_plays_and_a_second_make_does_nothing() {
    let project = project();
    let made = project.make();
    made.assert_ran([("probe", 2), ("choose", 1), ("segment", 3), ("sound", 3), ("mix", 1), ("join", 1)]);

    let reel = project.path("out/reel.mp4");
    // 2 s + 2 s + 1.5 s at 30 frames per second.
    assert_eq!(frame_hashes(&reel).len(), 165);
    assert_eq!(ffprobe(&reel, "v", "stream=r_frame_rate"), "30/1");
    assert_eq!(ffprobe(&reel, "v", "stream=start_time"), "0.000000");
    assert_eq!(ffprobe(&reel, "a", "stream=start_time"), "0.000000");
    let (video, audio) = (ffprobe(&reel, "v", "stream=duration"), ffprobe(&reel, "a", "stream=duration"));
    let difference = video.parse::<f64>().unwrap() - audio.parse::<f64>().unwrap();
    assert!(difference.abs() < 0.0005, "video lasts {video} s and audio {audio} s");
    assert_eq!(decode_warnings(&reel), "");

    project.make().assert_ran([]);
}

#[test]
fn timestamps_are_uniform_over_joins() {
    let project = project();
    project.make();
    let reel = project.path("out/reel.mp4");
    let times = ffprobe(&reel, "v", "packet=pts");
    let mut times: Vec<i64> = times.lines().map(|line| line.trim_end_matches(',').parse().unwrap()).collect();
    times.sort_unstable();
    let step = times[1] - times[0];
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == step), "{times:?}");
}

#[test]
fn touching_and_renaming_footage_encodes_nothing() {
    let project = project();
    project.make();
    let a = project.path("footage/a.mp4");
    fs::File::options().append(true).open(&a).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    project.make().assert_ran([]);

    // A recording is named by its file: the pins follow the name.
    fs::rename(&a, project.path("footage/c.mp4")).unwrap();
    project.edit("autocut.ron", "front/a@", "front/c@");
    let made = project.make();
    assert_eq!(made.ran().get("segment"), None);
    assert_eq!(made.ran().get("probe"), None);
}

#[test]
fn a_moment_in_the_middle_encodes_itself_and_joins_again() {
    let project = project();
    project.make();
    project.edit("autocut.ron", r#""front/a@6s","#, r#""front/a@6s", "front/b@0s","#);
    let made = project.make();
    made.assert_ran([("choose", 1), ("segment", 1), ("sound", 1), ("mix", 1), ("join", 1)]);
    assert_eq!(made.nodes("segment"), ["reel/front/b@0.0s/segment/0"]);
}

#[test]
fn moving_the_project_or_cloning_it_runs_nothing() {
    let project = project();
    project.make();
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    let status = std::process::Command::new("cp").arg("-r").arg(project.path("")).arg(&moved).status().unwrap();
    assert!(status.success());
    let output = common::autocut().current_dir(&moved).args(["make", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().last().unwrap().contains(r#""ran":0"#), "{text}");
}

#[test]
fn a_deleted_output_is_joined_again_to_the_same_bytes() {
    let project = project();
    project.make();
    let reel = project.path("out/reel.mp4");
    let before = fs::read(&reel).unwrap();
    fs::remove_file(&reel).unwrap();
    project.make().assert_ran([("join", 1)]);
    assert!(fs::read(&reel).unwrap() == before);
}

#[test]
fn a_file_that_autocut_did_not_write_is_left_alone() {
    let project = project();
    project.write("out/reel.mp4", "precious");
    let made = project.make_with(&[]);
    assert_eq!(made.code, 1);
    assert!(made.errors()[0].contains("was not written by autocut"), "{:?}", made.errors());
    assert_eq!(fs::read(project.path("out/reel.mp4")).unwrap(), b"precious");

    let forced = project.make_with(&["--force"]);
    assert_eq!(forced.code, 0, "{}", forced.stderr);
    assert_ne!(fs::read(project.path("out/reel.mp4")).unwrap(), b"precious");
}

#[test]
fn the_same_project_gives_the_same_bytes_with_one_job_and_with_four() {
    let (one, four) = (project(), project());
    assert_eq!(one.make_with(&["-j1"]).code, 0);
    assert_eq!(four.make_with(&["-j4"]).code, 0);
    assert!(fs::read(one.path("out/reel.mp4")).unwrap() == fs::read(four.path("out/reel.mp4")).unwrap());
}

#[test]
fn what_the_store_holds_still_builds_without_the_footage_disk() {
    let project = project();
    project.make();
    fs::rename(project.path("footage"), project.path("elsewhere")).unwrap();
    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    let made = project.make();
    made.assert_ran([("join", 1)]);
    let warnings: Vec<_> = made.events.iter().filter(|event| event["event"] == "warning").collect();
    assert!(made.stderr.contains("not there now") || !warnings.is_empty(), "{}", made.stderr);

    // What must be rendered anew cannot be.
    project.edit("autocut.ron", "front/a@6s", "front/a@7s");
    let made = project.make_with(&[]);
    assert_eq!(made.code, 1);
    assert!(made.errors()[0].contains("a.mp4"), "{:?}", made.errors());
}

#[test]
fn a_bad_file_among_good_ones_is_named_and_nothing_is_rendered() {
    let project = project();
    project.write("footage/empty.mp4", "").write("footage/text.mp4", "this is no video\n");
    let made = project.make_with(&[]);
    assert_eq!(made.code, 1);
    assert_eq!(made.ran().get("segment"), None);
    for name in ["empty.mp4", "text.mp4"] {
        assert!(made.errors().iter().any(|error| error.contains(name)), "{name}: {:?}", made.errors());
    }

    let made = project.make_with(&["-k"]);
    assert_eq!(made.code, 1);
    assert_eq!(made.ran()["segment"], 3);
    for name in ["empty.mp4", "text.mp4"] {
        assert!(made.errors().iter().any(|error| error.contains(name)), "{name}: {:?}", made.errors());
    }
    assert_eq!(frame_hashes(&project.path("out/reel.mp4")).len(), 165);
}

#[test]
fn an_interrupted_make_ends_at_once_and_loses_nothing_finished() {
    let project = Project::new();
    let long = Footage { size: "640x360", seconds: 20, ..Footage::default() };
    project.footage("footage/a.mp4", &long).write("autocut.ron", MANIFEST);
    project.edit(
        "autocut.ron",
        r#", Pin(at: "front/b@2.5s", length: "1.5s")"#,
        r#", Pin(at: "front/a@9s", length: "10s")"#,
    );
    project.edit(
        "autocut.ron",
        r#"Reel(file: "out/reel.mp4")"#,
        r#"Reel(file: "out/reel.mp4", video: Video(preset: "slower"))"#,
    );

    let mut child = common::autocut()
        .current_dir(project.path(""))
        .args(["make", "--json", "-j1"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let finished = lines.by_ref().any(|line| {
        let line = line.unwrap();
        line.contains(r#""kind":"segment""#) && line.contains(r#""state":"done""#)
    });
    assert!(finished, "no segment was finished");
    std::thread::sleep(Duration::from_millis(200));
    let killed = std::time::Instant::now();
    assert!(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert!(killed.elapsed() < Duration::from_secs(1), "it took {:?}", killed.elapsed());
    assert_eq!(status.code(), Some(130));

    let made = project.make();
    assert!(made.ran()["segment"] < 3, "a finished segment was rendered again: {:?}", made.nodes("segment"));
}

#[test]
fn outputs_that_hold_the_same_all_get_their_files() {
    let project = project();
    let two = "outputs: { \"reel\": Reel(file: \"out/reel.mp4\"), \"copy\": Reel(file: \"out/copy.mp4\") }";
    project.edit("autocut.ron", "outputs: { \"reel\": Reel(file: \"out/reel.mp4\") }", two);
    let made = project.make();
    assert_eq!(made.ran().get("segment"), Some(&3));
    let read = |name: &str| fs::read(project.path(name)).unwrap();
    assert!(read("out/reel.mp4") == read("out/copy.mp4"));
    project.make().assert_ran([]);
    for gone in ["out/reel.mp4", "out/copy.mp4"] {
        fs::remove_file(project.path(gone)).unwrap();
        project.make().assert_ran([("join", 1)]);
        assert!(read("out/reel.mp4") == read("out/copy.mp4"));
        project.make().assert_ran([]);
    }
}

#[test]
fn a_build_that_had_to_wait_reads_the_manifest_as_it_is_then() {
    let project = project();
    project.make();
    // util-linux's flock(1) holds the same kernel lock as a build.
    let lock = project.path(".autocut/lock");
    let Ok(mut holder) = Command::new("flock").arg("-F").arg(&lock).args(["sleep", "600"]).spawn() else {
        eprintln!("skipped: flock is not installed");
        return;
    };
    let is_free = || Command::new("flock").arg("-n").arg(&lock).arg("true").status().unwrap().success();
    while is_free() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut waiting = common::autocut();
    waiting.current_dir(project.path("")).args(["make", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut waiting = waiting.spawn().unwrap();
    let mut told = String::new();
    let mut stderr = BufReader::new(waiting.stderr.take().unwrap());
    stderr.read_line(&mut told).unwrap();
    assert!(told.contains("waiting for"), "{told}");
    project.edit("autocut.ron", "\"front/a@6s\", ", "");
    holder.kill().unwrap();
    holder.wait().unwrap();
    let made = Made::of(waiting.wait_with_output().unwrap());
    made.assert_ran([("choose", 1), ("mix", 1), ("join", 1)]);
    assert_eq!(frame_hashes(&project.path("out/reel.mp4")).len(), 105);
}

#[test]
fn whoever_closes_standard_error_ends_no_build() {
    let project = project();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = common::autocut().current_dir(project.path("")).arg("make").stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(0));
    project.make().assert_ran([]);
}

/// Two clips of silent footage have the same sound, which one object is. When
/// that is lost, whoever is still planned makes it again.
#[test]
fn what_two_clips_share_is_made_again_by_either() {
    let project = Project::new();
    project.footage("footage/a.mp4", &Footage { sound: false, ..Footage::default() });
    let manifest = MANIFEST.replace(
        "\"front/a@1s\", \"front/a@6s\", Pin(at: \"front/b@2.5s\", length: \"1.5s\")",
        "\"front/a@1s\", \"front/a@6s\"",
    );
    project.write("autocut.ron", manifest);
    project.make();
    let frames = frame_hashes(&project.path("out/reel.mp4"));
    fs::remove_dir_all(project.path(".autocut/objects")).unwrap();
    fs::remove_file(project.path("out/reel.mp4")).unwrap();
    project.make();
    assert_eq!(frame_hashes(&project.path("out/reel.mp4")), frames);
    project.make().assert_ran([]);
}

/// Not after an hour of rendering.
#[test]
fn an_output_that_cannot_be_written_is_told_before_anything_is_rendered() {
    let project = project();
    project.write("out", "a file where the folder should be");
    let made = project.make_with(&[]);
    assert_eq!(made.code, 1);
    assert!(made.errors()[0].contains("is in the way"), "{:?}", made.errors());
    assert!(!made.ran().contains_key("segment"), "{:?}", made.ran());
    fs::remove_file(project.path("out")).unwrap();
    project.make();
    // What is up to date needs nothing to be written.
    project.make().assert_ran([]);
}
