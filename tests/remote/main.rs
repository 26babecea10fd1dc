//! The shared store: what one machine made, another has without doing it, by way
//! of a folder and of a real S3-compatible server; and what goes wrong with it
//! costs work and never a result.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

#[path = "../common/mod.rs"]
mod common;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use autocut::base::{Digest, UtcTime};
use autocut::model::{ActionKey, ActionResult, Artifact};
use autocut::store::remote::{Access, Fetched, Found, Location, Parcel, Remote};
use autocut::store::{ActionRecord, Store};
use common::{Footage, Made, Project};
use server::Server;

const MANIFEST: &str = r##"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    telemetry: Csv(file: "ride.csv"),
    moments: Moments(length: "1s", total: "1s", weights: {"motion": 1}, pins: ["front/a@0.5s"]),
    overlays: { "speed": Text(text: "{speed:0}", colour: "#ffffff") },
    outputs: { "reel": Reel(file: "out/reel.mp4"), "clips": Clips(folder: "out/clips") },
)"##;

/// A project as its first machine has it.
fn project() -> Project {
    let mut log = String::from("time,speed (km/h)\n");
    for tenth in 0..40 {
        writeln!(log, "2024-06-01T10:00:0{}.{}Z,{tenth}", tenth / 10, tenth % 10).unwrap();
    }
    let project = Project::new();
    project
        .footage("footage/a.mp4", &Footage { size: "64x64", rate: "12", seconds: 2, ..Footage::default() })
        .write("ride.csv", log)
        .write("autocut.ron", MANIFEST);
    project
}

/// The same sources on another machine: no store, no outputs.
fn cloned(project: &Project) -> Project {
    let clone = Project::new();
    for name in ["footage/a.mp4", "ride.csv", "autocut.ron"] {
        clone.write(name, fs::read(project.path(name)).unwrap());
    }
    clone
}

/// Every file below a folder, with its content and when it was written.
fn files(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let written = fs::metadata(&path).unwrap().modified().unwrap();
                found.insert(path.clone(), (fs::read(&path).unwrap(), written));
            }
        }
    }
    found
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let all = files(folder).into_iter();
    all.map(|(path, (bytes, _))| (path.strip_prefix(folder).unwrap().to_owned(), bytes)).collect()
}

/// The environment of a machine that reads a shared store, or writes it too.
fn reading(remote: &Path) -> Vec<(String, String)> {
    // As its owner makes a shared store, if its parent is there at all.
    let _ = fs::create_dir(remote);
    vec![("AUTOCUT_REMOTE".to_owned(), remote.to_str().unwrap().to_owned())]
}

fn writing(mut environment: Vec<(String, String)>) -> Vec<(String, String)> {
    environment.push(("AUTOCUT_REMOTE_WRITE".to_owned(), "1".to_owned()));
    environment
}

fn make(project: &Project, environment: &[(String, String)]) -> Made {
    let pairs: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let made = project.make_in(&[], &pairs);
    assert_eq!(made.code, 0, "{}\n{:?}", made.stderr, made.errors());
    made
}

/// How many actions of a build did not run because the shared store had them.
fn fetched(made: &Made) -> usize {
    let is_fetched = |event: &&serde_json::Value| event["event"] == "action" && event["state"] == "fetched";
    let count = made.events.iter().filter(is_fetched).count();
    assert_eq!(made.finished()["fetched"], count);
    count
}

fn ran(made: &Made) -> usize {
    made.ran().values().sum()
}

/// The keys of all actions that ran.
fn keys(made: &Made) -> Vec<ActionKey> {
    let done = made.events.iter().filter(|event| event["event"] == "action" && event["state"] == "done");
    done.map(|event| ActionKey(event["key"].as_str().unwrap().parse().unwrap())).collect()
}

fn records(remote: &Remote, keys: &[ActionKey]) -> Vec<ActionRecord> {
    let mut records = Vec::new();
    remote
        .results(keys, &mut |key, found| {
            let Found::Known(record) = found else { panic!("{key} is {found:?}") };
            records.push(*record);
            true
        })
        .unwrap();
    records
}

/// The main promise, whatever the shared store is made of.
fn a_second_machine_runs_nothing(environment: &[(String, String)]) -> (Project, Made, Project) {
    let first = project();
    let made = make(&first, &writing(environment.to_vec()));
    assert!(made.warnings().is_empty(), "{:?}", made.warnings());
    let kinds: Vec<String> = made.ran().into_keys().collect();
    let expected = ["analyse", "choose", "draw", "join", "mix", "probe", "segment", "show", "sound"];
    assert_eq!(kinds, [&expected[..], &["telemetry.clean", "telemetry.import"]].concat());
    assert_eq!(made.finished()["published"], ran(&made));

    let second = cloned(&first);
    let again = make(&second, environment);
    again.assert_ran([]);
    assert!(again.warnings().is_empty(), "{:?}", again.warnings());
    assert_eq!(fetched(&again), ran(&made));
    assert_eq!(contents(&second.path("out")), contents(&first.path("out")));
    assert_eq!(contents(&first.path("out")).len(), 2);
    (first, made, second)
}

#[test]
fn a_clone_with_an_empty_store_and_a_warm_folder_runs_nothing() {
    let share = tempfile::tempdir().unwrap();
    let root = share.path().join("team");
    let (first, made, second) = a_second_machine_runs_nothing(&reading(&root));
    let before = files(&root);
    assert!(!before.is_empty());

    // It knows everything now, with the shared store and without.
    for environment in [reading(&root), Vec::new()] {
        let again = make(&second, &environment);
        again.assert_ran([]);
        assert_eq!(fetched(&again), 0);
    }

    // Of the objects it has only what people look at: the rest is fetched when
    // an action reads it. A segment that is drawn anew needs the cleaned log.
    let objects = |project: &Project| contents(&project.path(".autocut/objects")).len();
    assert_eq!(objects(&second), 1, "the report on the choice");
    assert!(objects(&first) > 5);
    second.edit("autocut.ron", "#ffffff", "#ff8000");
    let edited = make(&second, &reading(&root));
    edited.assert_ran([("show", 1), ("draw", 1), ("segment", 1), ("join", 2)]);
    assert_eq!(fetched(&edited), 0);

    // What a machine makes that may not write stays there.
    assert_eq!(files(&root), before);

    // Nothing in a record is of the machine that made it.
    let remote = Remote::new(&Location::Folder(root), &Access::default(), false);
    for record in records(&remote, &keys(&made)) {
        let text = format!("{record:?} {}", String::from_utf8_lossy(&record.result.value));
        let folder = first.path("").canonicalize().unwrap();
        let secret = folder.file_name().unwrap().to_str().unwrap();
        assert!(!text.contains(secret), "{text}");
    }
}

/// Footage and a log outside of the project, by absolute and by relative paths,
/// some of one name: others learn what the files are called.
#[test]
fn no_path_outside_of_the_project_gets_into_the_shared_store() {
    let (share, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = share.path().join("team");
    let first = project();
    let secret = outside.path().file_name().unwrap().to_str().unwrap();
    let absolute = outside.path().canonicalize().unwrap();
    let source = fs::read(first.path("footage/a.mp4")).unwrap();
    for name in ["absolute/b.mp4", "relative/c.mp4", "absolute/same.mp4", "relative/same.mp4"] {
        let path = outside.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Of other content each: files of one content are analysed once, under
        // the name of whichever was hashed first.
        let free = u32::try_from(8 + name.len()).unwrap().to_be_bytes();
        fs::write(&path, [&source[..], &free, b"free", name.as_bytes()].concat()).unwrap();
        if name == "absolute/b.mp4" {
            fs::rename(first.path("ride.csv"), path.with_file_name("ride.csv")).unwrap();
        }
    }
    let sets = format!(r#"["footage/*.mp4", "{}/absolute/*.mp4", "../{secret}/relative/*.mp4"]"#, absolute.display());
    first.edit("autocut.ron", r#""footage/*.mp4""#, &sets);
    first.edit("autocut.ron", "\"ride.csv\"", &format!("\"{}/absolute/ride.csv\"", absolute.display()));
    let made = make(&first, &writing(reading(&root)));

    let remote = Remote::new(&Location::Folder(root), &Access::default(), false);
    let all = records(&remote, &keys(&made));
    for record in &all {
        let text = format!("{record:?} {}", String::from_utf8_lossy(&record.result.value));
        assert!(!text.contains(secret), "{text}");
    }
    let nodes: BTreeSet<&str> = all.iter().map(|record| record.node.as_str()).collect();
    for node in ["b.mp4/probe", "b.mp4/motion/0", "c.mp4/motion/0", "ride.csv/clean", "footage/a.mp4/motion/0"] {
        assert!(nodes.contains(node), "{node}: {nodes:?}");
    }
}

#[test]
fn an_output_that_was_deleted_comes_from_the_shared_store() {
    let share = tempfile::tempdir().unwrap();
    let environment = reading(&share.path().join("team"));
    let (first, _, second) = a_second_machine_runs_nothing(&environment);
    let reel = second.path("out/reel.mp4");
    fs::remove_file(&reel).unwrap();
    let made = make(&second, &environment);
    made.assert_ran([]);
    assert_eq!(fetched(&made), 1);
    assert!(fs::read(&reel).unwrap() == fs::read(first.path("out/reel.mp4")).unwrap());

    // Without it, what the reel consists of is made here after all.
    fs::remove_file(&reel).unwrap();
    let made = make(&second, &[]);
    let ran = made.ran();
    assert_eq!((ran["segment"], ran["sound"], ran["join"], ran.get("probe")), (1, 1, 1, None), "{ran:?}");
    assert!(fs::read(&reel).unwrap() == fs::read(first.path("out/reel.mp4")).unwrap());
}

#[test]
fn damage_in_the_shared_store_is_noticed_told_once_and_repaired() {
    let share = tempfile::tempdir().unwrap();
    let root = share.path().join("team");
    let (first, made, _) = a_second_machine_runs_nothing(&reading(&root));
    let damage = |folder: &str| {
        for (path, (bytes, _)) in files(&root.join(folder)) {
            let mut bytes = bytes;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }
    };

    // Objects of the right size with other content: the outputs are joined here,
    // of segments that are rendered here.
    damage("objects");
    let second = cloned(&first);
    let again = make(&second, &reading(&root));
    assert_eq!(again.warnings().len(), 1, "{:?}", again.warnings());
    assert!(again.warnings()[0].contains("damaged"), "{:?}", again.warnings());
    assert_eq!((again.ran()["join"], again.ran()["segment"], again.ran().get("probe")), (2, 1, None));
    assert_eq!(contents(&second.path("out")), contents(&first.path("out")));

    // Whoever may write puts right what it met.
    let third = cloned(&first);
    let repaired = make(&third, &writing(reading(&root)));
    assert_eq!(repaired.warnings().len(), 1, "{:?}", repaired.warnings());
    assert_eq!(repaired.ran(), again.ran());
    make(&cloned(&first), &reading(&root)).assert_ran([]);

    // Damaged records: all is done here, and published anew.
    damage("results");
    let fourth = cloned(&first);
    let anew = make(&fourth, &writing(reading(&root)));
    assert_eq!(anew.warnings().len(), 1, "{:?}", anew.warnings());
    assert_eq!(anew.ran(), made.ran());
    assert_eq!(contents(&fourth.path("out")), contents(&first.path("out")));
    let fifth = cloned(&first);
    make(&fifth, &reading(&root)).assert_ran([]);
    assert_eq!(contents(&fifth.path("out")), contents(&first.path("out")));
}

/// Such records are whole as the shared store sees them: who made them meant
/// something else by the same key.
#[test]
fn a_value_that_is_none_is_made_anew_wherever_it_lies() {
    let share = tempfile::tempdir().unwrap();
    let root = share.path().join("team");
    let first = project();
    let made = make(&first, &writing(reading(&root)));
    let remote = Remote::new(&Location::Folder(root.clone()), &Access::default(), true);
    let valued = ["choose", "draw", "probe", "segment", "telemetry.clean", "telemetry.import"];
    let mut wrong = records(&remote, &keys(&made));
    wrong.retain(|record| valued.contains(&record.kind.as_str()));
    for record in &mut wrong {
        record.result.value = vec![1, 2, 255];
    }
    let object = |digest: Digest| {
        let hex = digest.to_string();
        root.join("objects").join(&hex[..2]).join(&hex[2..])
    };
    let parcel = |record: &ActionRecord| {
        let files = record.result.artifacts.iter().map(|artifact| (*artifact, object(artifact.digest))).collect();
        Parcel { record: record.clone(), files }
    };
    let parcels: Vec<Parcel> = wrong.iter().map(parcel).collect();
    let mut published = 0;
    remote.publish(&parcels, &mut |_| published += 1).unwrap();
    assert!(published >= valued.len());

    let second = cloned(&first);
    let again = make(&second, &reading(&root));
    assert_eq!(again.ran().into_keys().collect::<Vec<_>>(), valued);
    assert_eq!(again.warnings().len(), 1, "{:?}", again.warnings());
    assert!(again.warnings()[0].contains("is no result of this action"), "{:?}", again.warnings());
    assert_eq!(contents(&second.path("out")), contents(&first.path("out")));

    // In the store of a project, as an older autocut took them over.
    wrong.retain(|record| record.kind != "segment");
    Store::open(&second.path(".autocut")).unwrap().record(wrong).unwrap();
    let again = make(&second, &[]);
    let ran: Vec<String> = again.ran().into_keys().collect();
    assert_eq!(ran, valued.into_iter().filter(|kind| *kind != "segment").collect::<Vec<_>>());
    make(&second, &[]).assert_ran([]);

    // Whoever may write puts the shared store right.
    let third = cloned(&first);
    make(&third, &writing(reading(&root)));
    make(&cloned(&first), &reading(&root)).assert_ran([]);
}

/// A port of this machine on which nobody listens.
fn closed_port() -> Vec<(String, String)> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let pairs = [
        ("AUTOCUT_REMOTE", "s3://films".to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_ALLOW_HTTP", "1".to_owned()),
        ("AWS_ACCESS_KEY_ID", server::KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", server::SECRET.to_owned()),
        ("NO_PROXY", "127.0.0.1".to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[test]
fn a_shared_store_that_cannot_be_used_costs_one_warning_and_nothing_else() {
    let expected = {
        let alone = project();
        make(&alone, &[]);
        contents(&alone.path("out"))
    };
    let server = Server::start();
    let mut wrong = server.environment();
    wrong.retain(|(name, _)| name != "AWS_SECRET_ACCESS_KEY");
    wrong.push(("AWS_SECRET_ACCESS_KEY".to_owned(), "wrong".to_owned()));
    let cases = [
        (closed_port(), "no connection"),
        (wrong, "access is denied"),
        (reading(Path::new("/nowhere/at/all")), "is not there"),
    ];
    for (environment, words) in cases {
        let project = project();
        let made = make(&project, &writing(environment));
        let warnings = made.warnings();
        assert_eq!(warnings.len(), 1, "{words}: {warnings:?}");
        assert!(warnings[0].contains("shared store") && warnings[0].contains(words), "{warnings:?}");
        assert_eq!(contents(&project.path("out")), expected);
        let said = format!("{:?} {}", made.events, made.stderr);
        assert!(!said.contains(server::SECRET) && !said.contains(server::KEY), "{said}");
    }
}

#[test]
fn an_environment_that_makes_no_sense_is_told_before_anything_is_done() {
    let project = Project::new();
    project.write("autocut.ron", MANIFEST);
    let cases = [
        (vec![("AUTOCUT_REMOTE", "gs://films/x")], "gs://"),
        (vec![("AUTOCUT_REMOTE", "/mnt/team"), ("AUTOCUT_REMOTE_WRITE", "perhaps")], "AUTOCUT_REMOTE_WRITE"),
        (vec![("AUTOCUT_REMOTE", "s3://films"), ("AWS_ACCESS_KEY_ID", "id")], "AWS_SECRET_ACCESS_KEY"),
    ];
    for (environment, words) in cases {
        let made = project.make_in(&[], &environment);
        assert_eq!(made.code, 1, "{}", made.stderr);
        assert!(made.errors()[0].contains(words), "{:?}", made.errors());
    }
}

/// A media program that writes down its environment, and then does its work.
#[test]
fn the_media_program_is_started_without_credentials() {
    use std::os::unix::fs::PermissionsExt;

    let server = Server::start();
    let project = project();
    let (script, seen) = (project.path("media.sh"), project.path("environment"));
    let text = format!("#!/bin/sh\nenv >> '{}'\nexec '{}'\n", seen.display(), env!("CARGO_BIN_EXE_autocut-media"));
    project.write("media.sh", text);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut environment = writing(server.environment());
    for (name, value) in [("AWS_SESSION_TOKEN", "token-secret"), ("https_proxy", "http://me:proxy-secret@127.0.0.1:9")]
    {
        environment.push((name.to_owned(), value.to_owned()));
    }
    environment.push(("AUTOCUT_MEDIA".to_owned(), script.to_str().unwrap().to_owned()));
    make(&project, &environment);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("AUTOCUT_REMOTE=") && seen.contains("PATH="), "{seen}");
    for secret in ["AWS_", "token-secret", "proxy-secret", server::SECRET] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
}

#[test]
fn the_same_with_a_bucket_and_in_few_requests() {
    let server = Server::start();
    let first = project();
    let made = make(&first, &writing(server.environment()));
    let count = ran(&made);
    assert_eq!(made.finished()["published"], count);

    // One question an action, and one entry; no object is sent twice.
    let requests = server.take_requests();
    let of = |start: &str| requests.iter().filter(|request| request.starts_with(start)).cloned().collect::<Vec<_>>();
    let remote = Remote::new(&Location::Folder(server.root()), &Access::default(), false);
    let records = records(&remote, &keys(&made));
    let objects: BTreeSet<Digest> =
        records.iter().flat_map(|record| &record.result.artifacts).map(|artifact| artifact.digest).collect();
    assert_eq!((of("GET results/").len(), of("PUT results/").len()), (count, count), "{requests:#?}");
    assert_eq!(of("PUT objects/").len(), objects.len());
    assert!(of("HEAD objects/").len() <= objects.len());
    let sum = of("GET results/").len() + of("PUT ").len() + of("HEAD objects/").len();
    assert_eq!(requests.len(), sum, "{requests:#?}");
    assert!(server.most_at_once() <= 32, "{}", server.most_at_once());

    // Each entry after all of its objects.
    let place = |what: &str, digest: Digest| {
        let hex = digest.to_string();
        let put = format!("PUT {what}/{}/{}", &hex[..2], &hex[2..]);
        requests.iter().position(|request| *request == put).unwrap()
    };
    for record in &records {
        let entry = place("results", record.key.0);
        assert!(record.result.artifacts.iter().all(|artifact| place("objects", artifact.digest) < entry));
    }

    // Where nothing is to be done, nothing is asked.
    make(&first, &writing(server.environment())).assert_ran([]);
    assert_eq!(server.take_requests(), Vec::<String>::new());

    let second = cloned(&first);
    let again = make(&second, &server.environment());
    again.assert_ran([]);
    assert_eq!(contents(&second.path("out")), contents(&first.path("out")));
    let requests = server.take_requests();
    let of = |start: &str| requests.iter().filter(|request| request.starts_with(start)).count();
    // Two outputs and the report on the choice.
    assert_eq!((of("GET results/"), of("GET objects/")), (count, 3), "{requests:#?}");
    assert_eq!(requests.len(), count + 3, "{requests:#?}");
}

/// What is sent in pieces appears whole and comes back whole; a file that
/// changes meanwhile does not appear at all.
#[test]
fn large_objects_are_sent_in_pieces() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..5_000_000u32).flat_map(u32::to_le_bytes).collect();
    let from = folder.path().join("large");
    fs::write(&from, &bytes).unwrap();
    let artifact = Artifact { digest: Digest::of(&bytes), bytes: bytes.len() as u64 };
    let other = Artifact { digest: Digest::of(b"something else"), bytes: artifact.bytes };

    let environment = server.environment();
    let variable = |name: &str| {
        let found = environment.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| OsString::from(value))
    };
    let location = Location::parse(variable("AUTOCUT_REMOTE").unwrap().to_str().unwrap()).unwrap();
    let remote = Remote::new(&location, &Access::read(&variable).unwrap(), true);
    let parcel = |artifact: Artifact| {
        let record = ActionRecord {
            key: ActionKey(artifact.digest),
            result: ActionResult { artifacts: vec![artifact], value: vec![], warnings: vec![] },
            ..records_template()
        };
        Parcel { record, files: vec![(artifact, from.clone())] }
    };
    let mut published = Vec::new();
    remote.publish(&[parcel(artifact), parcel(other)], &mut |key| published.push(key)).unwrap();
    assert_eq!(published, [ActionKey(artifact.digest)]);
    let requests = server.take_requests();
    let parts = requests.iter().filter(|request| request.starts_with("PUT objects/")).count();
    // 20 MB in pieces of 8 MiB, once for each of the two.
    assert_eq!(parts, 6, "{requests:#?}");
    let there = contents(&server.root().join("objects"));
    assert_eq!(there.values().map(Vec::len).collect::<Vec<_>>(), [bytes.len()]);
    assert!(there.values().all(|there| *there == bytes));

    let to = folder.path().join("back");
    let mut answers = Vec::new();
    let mut fetch = || {
        remote
            .files(&[(artifact, to.clone())], &mut |_, fetched| {
                answers.push(fetched);
                true
            })
            .unwrap();
    };
    fetch();
    assert!(fs::read(&to).unwrap() == bytes);
    let object = files(&server.root().join("objects")).into_keys().next().unwrap();
    fs::write(&object, &bytes[1..]).unwrap();
    fetch();
    fs::remove_file(&object).unwrap();
    fetch();
    assert_eq!(answers, [Fetched::Here, Fetched::Damaged, Fetched::Absent]);
}

/// Whoever works on an answer does not hold up the other answers, which would
/// run out of their time.
#[test]
fn an_answer_that_takes_long_to_work_on_holds_up_no_other() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let environment = server.environment();
    let variable = |name: &str| {
        let found = environment.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| OsString::from(value))
    };
    let location = Location::parse(variable("AUTOCUT_REMOTE").unwrap().to_str().unwrap()).unwrap();
    let remote = Remote::new(&location, &Access::read(&variable).unwrap(), false);
    // None of them is there; more than are asked for at once.
    let absent = |n: u32| (Artifact { digest: Digest::of(&n.to_le_bytes()), bytes: 4 }, folder.path().join("x"));
    let wanted: Vec<(Artifact, PathBuf)> = (0..80).map(absent).collect();
    let (mut asked, mut answers) = (0, 0);
    remote
        .files(&wanted, &mut |_, fetched| {
            assert_eq!(fetched, Fetched::Absent);
            let since = std::time::Instant::now();
            while answers == 0 && asked < wanted.len() && since.elapsed().as_secs() < 20 {
                asked += server.take_requests().len();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            answers += 1;
            true
        })
        .unwrap();
    assert_eq!((asked, answers), (wanted.len(), wanted.len()));
}

fn records_template() -> ActionRecord {
    ActionRecord {
        key: ActionKey(Digest::of(b"")),
        result: ActionResult { artifacts: vec![], value: vec![], warnings: vec![] },
        node: "large".into(),
        kind: "segment".into(),
        at: UtcTime(1),
        elapsed_ms: 1,
        cpu_ms: 1,
        spec: String::new(),
    }
}
