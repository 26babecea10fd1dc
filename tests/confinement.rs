//! What the processes that read footage cannot do, tried out from within one of
//! them (`autocut-media try-barriers`), and that work is done all the same, also
//! where the system has no means.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use common::{Footage, Project};

/// What must not be possible, by name; `files` is whether Landlock is there.
const NETWORK: [&str; 4] = ["tcp-connect", "tcp-listen", "udp", "unix-connect"];
const OTHERS: [&str; 2] = ["program", "signal"];
const FILES: [&str; 7] = [
    "create-outside",
    "change-outside",
    "truncate-outside",
    "folder-outside",
    "link-outside",
    "move-inside",
    "remove-outside",
];
const WORK: [&str; 5] = ["read-outside", "list-outside", "write-inside", "thread", "some-memory"];

/// Makes a trial; what came of each attempt, and what was said of barriers.
fn trial(how: &str) -> (BTreeMap<String, bool>, String) {
    let (scratch, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["file", "other", "rights"] {
        fs::write(outside.path().join(name), b"whole").unwrap();
        fs::set_permissions(outside.path().join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _socket = UnixListener::bind(outside.path().join("socket")).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_autocut-media"))
        .args(["try-barriers", how])
        .args([scratch.path(), outside.path()])
        .arg(port)
        .output()
        .unwrap();
    assert!(output.status.success(), "{how}: {}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let attempts = told.lines().filter(|line| !line.starts_with("barrier "));
    let done = |line: &str| {
        let (name, outcome) = line.split_once(' ').unwrap();
        (name.to_owned(), outcome == "done")
    };
    let attempts: BTreeMap<String, bool> = attempts.map(done).collect();
    // It is not only its word: nobody called, and the files are as they were.
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().is_ok(), attempts["tcp-connect"], "{how}: {told}");
    let is_whole = fs::read(outside.path().join("file")).is_ok_and(|bytes| bytes == b"whole");
    assert_eq!(is_whole, FILES.iter().all(|name| !attempts[*name]), "{how}: {told}");
    let mode = fs::metadata(outside.path().join("rights")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode == 0o777, attempts["rights-outside"], "{how}: {told}");
    (attempts, told)
}

#[track_caller]
fn assert_all(attempts: &BTreeMap<String, bool>, names: &[&str], done: bool, told: &str) {
    for name in names {
        assert_eq!(attempts.get(*name), Some(&done), "{name}:\n{told}");
    }
}

/// Otherwise a test of refusals would pass for want of a listener.
#[test]
fn everything_that_is_tried_succeeds_where_nothing_was_given_up() {
    let (attempts, told) = trial("free");
    assert!(attempts.len() >= 20 && attempts.values().all(|done| *done), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_confined_process_reads_works_and_does_nothing_else() {
    let (attempts, told) = trial("confined");
    if told.contains("barrier missing") {
        eprintln!("skipped in part: this system has no means for some of it\n{told}");
    }
    assert_all(&attempts, &WORK, true, &told);
    if !told.contains("barrier missing: no network") {
        assert_all(&attempts, &NETWORK, false, &told);
        assert_all(&attempts, &OTHERS, false, &told);
        assert_all(&attempts, &["rights-outside"], false, &told);
    }
    if !told.contains("barrier missing: no writing elsewhere") {
        assert_all(&attempts, &FILES, false, &told);
    }
    assert_all(&attempts, &["much-memory"], false, &told);
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_kernel_without_landlock_the_rest_holds_and_what_is_missing_is_told() {
    let (attempts, told) = trial("old-kernel");
    assert!(told.contains("barrier missing: no writing elsewhere: this kernel has no Landlock"), "{told}");
    assert_all(&attempts, &WORK, true, &told);
    assert_all(&attempts, &NETWORK, false, &told);
    assert_all(&attempts, &OTHERS, false, &told);
    assert_all(&attempts, &["create-outside"], true, &told);
}

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": Footage(files: ["a.mp4"]) },
    moments: Moments(length: "1s", total: "1s", weights: {"motion": 1}),
    outputs: { "reel": Reel(file: "out/reel.mp4") },
)"#;

/// The build goes on, and doctor says what is missing.
#[cfg(target_os = "linux")]
#[test]
fn a_build_on_an_old_kernel_makes_the_same() {
    let made = |old: bool| {
        let project = Project::new();
        let footage = Footage { size: "64x64", seconds: 2, ..Footage::default() };
        project.footage("a.mp4", &footage).write("autocut.ron", MANIFEST);
        let media = env!("CARGO_BIN_EXE_autocut-media");
        let as_is = if old { " serve-as-on-an-old-kernel" } else { "" };
        project.write("media", format!("#!/bin/sh\nexec '{media}'{as_is}\n"));
        fs::set_permissions(project.path("media"), fs::Permissions::from_mode(0o755)).unwrap();
        let program = project.path("media");
        let variables = [("AUTOCUT_MEDIA", program.to_str().unwrap())];
        let made = project.make_in(&[], &variables);
        assert_eq!(made.code, 0, "{}", made.stderr);
        let mut doctor = common::autocut();
        let doctor = doctor.current_dir(project.path(".")).arg("doctor").envs(variables).output().unwrap();
        assert_eq!(doctor.status.code(), Some(0));
        (fs::read(project.path("out/reel.mp4")).unwrap(), String::from_utf8(doctor.stdout).unwrap())
    };
    let (new, old) = (made(false), made(true));
    assert!(new.0 == old.0);
    assert!(old.1.contains("MISSING  no writing elsewhere") && old.1.contains("works    no network"), "{}", old.1);
    for what in ["bounded memory", "no writing elsewhere", "no network", "no other programs"] {
        assert!(new.1.contains(what), "{}", new.1);
    }
}

/// Playlists and scripts name other files; with another ending they do still.
#[test]
fn what_names_other_files_is_refused_whatever_it_is_called() {
    let project = Project::new();
    let footage = Footage { size: "64x64", seconds: 2, ..Footage::default() };
    project.footage("real/a.mp4", &footage);
    let real = project.path("real/a.mp4");
    let real = real.display();
    let files = [
        ("m3u8", format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{real}\n#EXT-X-ENDLIST\n")),
        ("concat", format!("ffconcat version 1.0\nfile '{real}'\n")),
        ("sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n".to_owned()),
        ("dash", format!("<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><Period><AdaptationSet><BaseURL>{real}</BaseURL></AdaptationSet></Period></MPD>\n")),
        ("m3u", format!("#EXTM3U\n{real}\n")),
        ("asx", format!("<asx version=\"3.0\"><entry><ref href=\"{real}\"/></entry></asx>\n")),
    ];
    for (name, text) in files {
        project.write("footage/a.mp4", text);
        project.write("autocut.ron", MANIFEST.replace("a.mp4", "footage/a.mp4"));
        let output = project.run(&["make"]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert!(told.contains("footage/a.mp4") && told.contains("names other files"), "{name}: {told}");
    }
}

/// A movie whose pictures are said to lie in another file (a data reference).
#[test]
fn what_a_movie_refers_to_is_not_read() {
    let project = Project::new();
    let footage = Footage { size: "64x64", seconds: 2, sound: false, ..Footage::default() };
    project.footage("other.mov", &footage).write("autocut.ron", MANIFEST.replace("a.mp4", "a.mov"));
    let mut bytes = fs::read(project.path("other.mov")).unwrap();
    // `url ` with the flag for "in this same file" becomes an `alis`, as QuickTime
    // writes it, of the neighbour.
    let at = bytes.windows(8).position(|window| window == b"url \0\0\0\x01").unwrap();
    let alias = alias(project.path("other.mov").to_str().unwrap());
    let old = 12;
    bytes.splice(at - 4..at - 4 + old, alias.iter().copied());
    let grown = u32::try_from(alias.len() - old).unwrap();
    for name in [b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"] {
        let at = bytes.windows(4).position(|window| window == name).unwrap() - 4;
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) + grown;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    fs::write(project.path("a.mov"), bytes).unwrap();
    // ffmpeg does read it, if it is told to.
    let name = project.path("a.mov");
    let args = ["-v", "error", "-enable_drefs", "1", "-i", name.to_str().unwrap()];
    let read = Command::new("ffmpeg").args(args).args(["-f", "framemd5", "-"]).output().unwrap();
    let frames = String::from_utf8_lossy(&read.stdout).lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(frames, 60, "{}", String::from_utf8_lossy(&read.stderr));
    let output = project.run(&["make"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("a.mov"), "{told}");
}

/// A data reference of kind `alis` to a file in the same folder, as FFmpeg's
/// reader takes the record of the Alias Manager.
fn alias(path: &str) -> Vec<u8> {
    let mut body = vec![0; 4];
    // Header, name of the volume, times, name of the file, kinds.
    body.extend([0; 10 + 28 + 12 + 64 + 16]);
    // One level up, one down.
    body.extend([0, 1, 0, 1]);
    body.extend([0; 16]);
    // The absolute path, padded to an even length; the end.
    body.extend(2u16.to_be_bytes());
    body.extend(u16::try_from(path.len()).unwrap().to_be_bytes());
    body.extend(path.as_bytes());
    body.resize(body.len().next_multiple_of(2), 0);
    body.extend([0xff, 0xff, 0, 0]);
    let mut atom = u32::try_from(body.len() + 8).unwrap().to_be_bytes().to_vec();
    atom.extend(b"alis");
    atom.extend(body);
    atom
}
