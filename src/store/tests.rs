use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use super::records::Log;
use super::*;
use crate::inputs::{FileStat, hash_file};
use crate::model::ActionResult;

/// A store in a folder of its own, and what its tests need to say shortly.
pub(super) struct Bench {
    pub folder: tempfile::TempDir,
    pub store: Store,
}

impl Bench {
    pub(super) fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(".autocut")).unwrap();
        Bench { folder, store }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(".autocut").join(name)
    }

    /// Closes the store, lets `meddle` do its worst, and opens it again.
    fn after(self, meddle: impl FnOnce(&Bench2)) -> Bench {
        let Bench { folder, store } = self;
        drop(store);
        meddle(&Bench2 { root: folder.path().join(".autocut") });
        let store = Store::open(&folder.path().join(".autocut")).unwrap();
        Bench { folder, store }
    }

    /// Does an action that makes one object of `content`.
    pub(super) fn make(&self, key: u32, content: &str) -> ActionRecord {
        let done = action(key, vec![self.store.insert_bytes(content.as_bytes()).unwrap()]);
        self.store.record(vec![done.clone()]).unwrap();
        done
    }

    /// Writes an output of the project in `root` as a join does.
    pub(super) fn take(&self, root: &Path, name: &str, content: &str, force: bool) -> Result<Digest, Diagnostic> {
        take(&self.store, root, name, content, force)
    }

    /// Whether a result is known, and all that it consists of is here.
    pub(super) fn holds(&self, key: u32) -> bool {
        let objects = self.store.objects();
        self.known(key).is_some_and(|known| known.artifacts.iter().all(|artifact| objects.contains(*artifact)))
    }

    pub(super) fn known(&self, key: u32) -> Option<ActionResult> {
        self.store.snapshot().unwrap().get(key_of(key))
    }
}

/// A closed store.
struct Bench2 {
    root: PathBuf,
}

pub(super) fn key_of(n: u32) -> ActionKey {
    ActionKey(Digest::of(&n.to_le_bytes()))
}

pub(super) fn action(n: u32, artifacts: Vec<Artifact>) -> ActionRecord {
    static CLOCK: AtomicU64 = AtomicU64::new(1);
    ActionRecord {
        key: key_of(n),
        result: ActionResult { artifacts, value: n.to_le_bytes().to_vec(), warnings: vec!["held".into()] },
        node: format!("reel/clip/{n}"),
        kind: "segment".into(),
        at: UtcTime(CLOCK.fetch_add(1, Ordering::Relaxed) as i64),
        elapsed_ms: 300 + u64::from(n),
        cpu_ms: 290,
        spec: format!("{{\"frames\":{n}}}"),
    }
}

#[test]
fn what_is_recorded_is_known_now_and_after_reopening() {
    let bench = Bench::new();
    let done = bench.make(1, "one");
    assert_eq!(bench.known(1), Some(done.result.clone()));
    let bench = bench.after(|_| {});
    assert_eq!(bench.known(1), Some(done.result.clone()));
    assert_eq!(bench.store.spec(done.key).unwrap(), Some(done.spec));
    assert_eq!(bench.store.last_success("reel/clip/1").unwrap().unwrap().elapsed_ms, 301);
    assert_eq!(bench.known(2), None);
}

#[test]
fn a_store_that_is_moved_or_copied_keeps_everything() {
    let bench = Bench::new();
    let done = bench.make(1, "one");
    drop(bench.store);
    let elsewhere = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(bench.folder.path().join(".autocut"))
        .arg(elsewhere.path().join("store"))
        .status();
    assert!(copied.unwrap().success());
    let store = Store::open(&elsewhere.path().join("store")).unwrap();
    assert_eq!(store.snapshot().unwrap().get(done.key), Some(done.result));
    let moved = elsewhere.path().join("moved");
    drop(store);
    fs::rename(elsewhere.path().join("store"), &moved).unwrap();
    let store = Store::open(&moved).unwrap();
    assert_eq!(store.read(Digest::of(b"one")).unwrap(), b"one");
    assert!(store.path(Digest::of(b"one")).starts_with(&moved));
}

/// As one that waits for the lock: it opened the store before the other's
/// build, and works after it.
#[test]
fn what_another_process_did_meanwhile_is_known() {
    let bench = Bench::new();
    bench.make(1, "one");
    let waiting = Store::open(bench.store.root()).unwrap();
    bench.make(2, "two");
    // A new log, and more in it.
    bench.store.with(Inner::rewrite_log).unwrap();
    let third = bench.make(3, "three");
    assert_eq!(waiting.snapshot().unwrap().len(), 3);
    assert_eq!(waiting.snapshot().unwrap().get(key_of(3)), Some(third.result));
    waiting.record(vec![action(4, vec![])]).unwrap();
    assert_eq!(bench.store.snapshot().unwrap().len(), 4);
    bench.store.rebuild_index().unwrap();
    assert_eq!(bench.store.snapshot().unwrap().len(), 4);
}

#[test]
fn the_later_of_two_results_holds_also_after_a_rebuild() {
    let bench = Bench::new();
    bench.make(1, "first");
    let later = bench.make(1, "second");
    assert_eq!(bench.known(1), Some(later.result.clone()));
    bench.store.rebuild_index().unwrap();
    assert_eq!(bench.known(1), Some(later.result));
}

#[test]
fn what_is_forgotten_stays_forgotten_after_a_rebuild() {
    let bench = Bench::new();
    bench.make(1, "one");
    bench.make(2, "two");
    bench.store.forget(vec![key_of(1)]).unwrap();
    bench.store.rebuild_index().unwrap();
    assert_eq!(bench.known(1), None);
    assert!(bench.known(2).is_some());
}

/// Everything that can happen to an index, one after the other: each time it is
/// built anew, and nothing that was recorded is lost.
#[test]
fn a_damaged_cut_newer_or_deleted_index_is_built_anew() {
    type Meddling = (&'static str, fn(&Path));
    let meddlings: [Meddling; 7] = [
        ("deleted", |index| fs::remove_file(index).unwrap()),
        ("emptied", |index| fs::write(index, "").unwrap()),
        ("no database", |index| fs::write(index, "this is not a database, not at all".repeat(400)).unwrap()),
        ("cut in half", |index| {
            let bytes = fs::read(index).unwrap();
            fs::write(index, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("cut to a page", |index| {
            let bytes = fs::read(index).unwrap();
            fs::write(index, &bytes[..4096]).unwrap();
        }),
        ("pages overwritten", |index| {
            let mut bytes = fs::read(index).unwrap();
            bytes[4096..].fill(0xa5);
            fs::write(index, bytes).unwrap();
        }),
        ("newer", |index| {
            let connection = rusqlite::Connection::open(index).unwrap();
            connection.pragma_update(None, "user_version", 99).unwrap();
        }),
    ];
    let mut bench = Bench::new();
    for n in 0..100 {
        bench.make(n, &format!("object {n}"));
    }
    for (what, meddle) in meddlings {
        bench = bench.after(|closed| meddle(&closed.root.join("index.sqlite")));
        assert_eq!(bench.store.snapshot().unwrap().len(), 100, "{what}");
        assert!((0..100).all(|n| bench.holds(n)), "{what}");
        assert_eq!(bench.store.last_successes().unwrap().len(), 100, "{what}");
        bench.store.mark_used(&[("reel/clip/7", key_of(7))]).unwrap();
        bench.store.remember_files(&[("a".into(), remembered(1))]).unwrap();
    }
}

#[test]
fn records_that_a_crash_kept_from_the_index_are_found() {
    let bench = Bench::new();
    bench.make(1, "one");
    let index = fs::read(bench.path("index.sqlite-wal")).ok();
    assert!(index.is_some(), "the index is written ahead");
    let bench = bench.after(|closed| {
        // The state between the append to the log and the commit to the index.
        let mut log = Log::open(&closed.root.join("records/log")).unwrap().unwrap();
        log.append(&[Record::Action(Box::new(action(2, vec![])))]).unwrap();
    });
    assert!(bench.known(1).is_some() && bench.known(2).is_some());
}

#[test]
fn a_log_that_is_cut_or_deleted_is_written_anew_from_the_index() {
    let mut bench = Bench::new();
    for n in 0..50 {
        bench.make(n, "same");
    }
    let cuts: [fn(&Path); 4] = [
        |log| fs::remove_file(log).unwrap(),
        |log| fs::write(log, "").unwrap(),
        |log| fs::write(log, &fs::read(log).unwrap()[..500]).unwrap(),
        |log| {
            let mut bytes = fs::read(log).unwrap();
            bytes[3] ^= 1;
            fs::write(log, bytes).unwrap();
        },
    ];
    for cut in cuts {
        bench = bench.after(|closed| cut(&closed.root.join("records/log")));
        assert_eq!(bench.store.snapshot().unwrap().len(), 50);
        bench.store.rebuild_index().unwrap();
        assert_eq!(bench.store.snapshot().unwrap().len(), 50, "the log has all of it again");
    }
}

#[test]
fn two_processes_see_what_the_other_recorded() {
    let bench = Bench::new();
    let other = Store::open(bench.store.root()).unwrap();
    bench.make(1, "one");
    other.record(vec![action(2, vec![])]).unwrap();
    bench.make(3, "three");
    for store in [&bench.store, &other] {
        assert_eq!(store.snapshot().unwrap().len(), 3);
    }
    other.rebuild_index().unwrap();
    assert_eq!(other.snapshot().unwrap().len(), 3);
}

#[test]
fn many_threads_share_a_store() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let bench = &bench;
            scope.spawn(move || {
                for n in 0..25 {
                    bench.make(thread * 100 + n, &format!("{}", n % 5));
                }
            });
        }
    });
    assert_eq!(bench.store.snapshot().unwrap().len(), 100);
    assert_eq!(bench.store.objects().list().unwrap().len(), 5);
}

#[test]
fn the_holder_of_the_lock_clears_what_a_crash_left_and_nobody_else_does() {
    let bench = Bench::new();
    fs::create_dir(bench.path("tmp/action-dead")).unwrap();
    fs::write(bench.path("tmp/action-dead/half.seg"), "half").unwrap();
    fs::write(bench.path("tmp/.tmpdead"), "half").unwrap();
    let left = || fs::read_dir(bench.path("tmp")).unwrap().count();
    let other = Store::open(bench.store.root()).unwrap();
    assert_eq!(left(), 2);
    let lock = bench.store.lock("autocut make", &mut |_| {}, &|| true).unwrap();
    assert!(lock.is_some());
    assert_eq!(left(), 0);
    let scratch = bench.store.scratch().unwrap();
    assert!(other.lock("autocut make", &mut |_| {}, &|| true).unwrap().is_none());
    assert_eq!(left(), 1);
    drop(scratch);
    assert_eq!(left(), 0);
    drop(lock);
    assert!(other.lock("autocut make", &mut |_| {}, &|| true).unwrap().is_some());
}

#[test]
fn a_store_that_cannot_be_made_says_why() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = Store::open(&folder.path().join("file/.autocut")).unwrap_err();
    assert_eq!(error.tier, crate::base::Tier::Environment);
    assert!(error.message.contains("file/.autocut"), "{}", error.message);
}

fn remembered(n: u64) -> Remembered {
    let stat = FileStat { device: u64::MAX, inode: n, size: n, mtime_ns: -5, ctime_ns: i64::MAX };
    Remembered { digest: Digest::of(&n.to_le_bytes()), stat, hashed_ns: 7 }
}

#[test]
fn digests_of_files_are_remembered_field_by_field() {
    let bench = Bench::new();
    let files = [("front/a.mp4".to_owned(), remembered(1)), ("../b.mp4".to_owned(), remembered(u64::MAX))];
    bench.store.remember_files(&files).unwrap();
    bench.store.remember_files(&[("front/a.mp4".to_owned(), remembered(2))]).unwrap();
    let bench = bench.after(|_| {});
    let known = bench.store.files().unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!((known["front/a.mp4"], known["../b.mp4"]), (remembered(2), remembered(u64::MAX)));
    bench.store.forget_files(&["../b.mp4".to_owned()]).unwrap();
    assert_eq!(bench.store.files().unwrap().len(), 1);
}

#[test]
fn a_copied_project_hashes_its_files_again_and_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.mp4"), "footage").unwrap();
    let here = hash_file(&crate::inputs::RealSystem, &folder.path().join("a.mp4"), &|_| {}).unwrap();
    fs::copy(folder.path().join("a.mp4"), folder.path().join("b.mp4")).unwrap();
    let copy = hash_file(&crate::inputs::RealSystem, &folder.path().join("b.mp4"), &|_| {}).unwrap();
    assert!(!here.is_trusted(&copy.stat));
    assert_eq!(here.digest, copy.digest);
}

#[test]
fn the_toolchain_is_remembered_by_what_can_be_seen_of_it() {
    let bench = Bench::new();
    let key = Digest::of(b"stat of the program");
    assert_eq!(bench.store.toolchain(key).unwrap(), None);
    bench.store.remember_toolchain(key, b"libx264").unwrap();
    assert_eq!(bench.store.toolchain(key).unwrap().as_deref(), Some(&b"libx264"[..]));
}

#[test]
fn a_node_that_is_planned_with_an_older_result_has_it_as_its_last() {
    let bench = Bench::new();
    let node = "reel/clip/1".to_owned();
    bench.make(1, "red");
    bench.store.record(vec![ActionRecord { node: node.clone(), ..action(2, vec![]) }]).unwrap();
    let last = || bench.store.last_success(&node).unwrap().unwrap().key;
    assert_eq!(last(), key_of(2));
    bench.store.mark_used(&[(&node, key_of(1))]).unwrap();
    assert_eq!(last(), key_of(1));
}

#[test]
fn marking_the_same_plan_again_writes_nothing() {
    let bench = Bench::new();
    bench.make(1, "one");
    let plan = [("reel/clip/1", key_of(1))];
    bench.store.mark_used(&plan).unwrap();
    let size = || fs::metadata(bench.path("index.sqlite-wal")).unwrap().len();
    let before = size();
    bench.store.mark_used(&plan).unwrap();
    assert_eq!(size(), before);
}

/// A store and two projects beside it that share it.
fn shared() -> (tempfile::TempDir, [(PathBuf, Store); 2]) {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        let project = folder.path().join(name);
        fs::create_dir(&project).unwrap();
        let store = Store::open_for(&folder.path().join("store"), &project).unwrap();
        (project, store)
    };
    let projects = [open("a"), open("b")];
    (folder, projects)
}

fn write_output(project: &Path, store: &Store, content: &str) -> Digest {
    take(store, project, "out/reel.mp4", content, false).unwrap()
}

fn take(store: &Store, root: &Path, name: &str, content: &str, force: bool) -> Result<Digest, Diagnostic> {
    let scratch = store.scratch()?;
    let file = scratch.path().join("0");
    fs::write(&file, content).unwrap();
    store.take_output(root, name, &file, key_of(1), force).map(|artifact| artifact.digest)
}

#[test]
fn projects_that_share_a_store_share_results_and_nothing_else() {
    let (_folder, [(a, in_a), (b, in_b)]) = shared();
    in_a.record(vec![action(1, vec![])]).unwrap();
    in_b.record(vec![ActionRecord { node: "reel/clip/1".into(), ..action(2, vec![]) }]).unwrap();
    in_a.remember_files(&[("footage/a.mp4".into(), remembered(1))]).unwrap();
    let (one, two) = (write_output(&a, &in_a, "a's"), write_output(&b, &in_b, "b's"));
    let check = || {
        for store in [&in_a, &in_b] {
            assert_eq!(store.snapshot().unwrap().len(), 2);
            assert_eq!(store.outputs().unwrap().len(), 1);
        }
        assert_eq!(in_a.last_success("reel/clip/1").unwrap().unwrap().key, key_of(1));
        assert_eq!(in_b.last_success("reel/clip/1").unwrap().unwrap().key, key_of(2));
        assert_eq!(in_a.output_state(&a, "out/reel.mp4").unwrap(), OutputState::Ours(one));
        assert_eq!(in_b.output_state(&b, "out/reel.mp4").unwrap(), OutputState::Ours(two));
    };
    check();
    assert_eq!((in_a.files().unwrap().len(), in_b.files().unwrap().len()), (1, 0));
    in_a.rebuild_index().unwrap();
    check();
}

#[test]
fn marks_of_two_projects_do_not_displace_each_other() {
    let (_folder, [(_, in_a), (_, in_b)]) = shared();
    in_a.record(vec![action(1, vec![])]).unwrap();
    let plan = [("reel/clip/1", key_of(1))];
    assert!(in_a.mark_used(&plan).unwrap());
    assert!(in_b.mark_used(&plan[..0]).unwrap());
    assert!(!in_a.mark_used(&plan).unwrap());
}

#[test]
fn a_project_that_moved_away_from_its_shared_store_keeps_its_outputs() {
    let (folder, [(a, in_a), _]) = shared();
    let digest = write_output(&a, &in_a, "a's");
    let moved = folder.path().join("moved");
    fs::rename(&a, &moved).unwrap();
    let store = Store::open_for(&folder.path().join("store"), &moved).unwrap();
    assert_eq!(store.output_state(&moved, "out/reel.mp4").unwrap(), OutputState::Ours(digest));
    assert_eq!(store.outputs().unwrap()[0].written.digest, digest);
    fs::write(moved.join("out/reel.mp4"), "b's").unwrap();
    assert_eq!(store.output_state(&moved, "out/reel.mp4").unwrap(), OutputState::Foreign);
}

#[test]
fn a_project_has_one_name_from_its_first_build_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["film", "film/part", "elsewhere"] {
        fs::create_dir(at(name)).unwrap();
    }
    std::os::unix::fs::symlink(at("elsewhere"), at("film/.autocut")).unwrap();
    // Beside the project, not there yet; behind a link; in a folder of the
    // project; and in the project in the project.
    let own = at("film").canonicalize().unwrap().to_str().unwrap().to_owned();
    for store in ["film/../store", "film/.autocut", "film/cache/store", "film/part/.autocut"] {
        let names = [0, 1].map(|_| Store::open_for(&at(store), &at("film")).unwrap().project);
        assert_eq!(names, [own.clone(), own.clone()], "{store}");
    }
    assert!(Store::open_for(&at("film/part/.autocut"), &at("film/part")).unwrap().is_in_project());
}

/// What is written anew meanwhile, by whatever notices a reason to.
#[test]
fn a_log_that_is_written_anew_again_and_again_loses_nothing() {
    let bench = Bench::new();
    let store = &bench.store;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..300).for_each(|n| store.record(vec![action(n, Vec::new())]).unwrap()));
        while !writer.is_finished() {
            store.with(crate::store::inner::Inner::rewrite_log).unwrap();
        }
    });
    store.rebuild_index().unwrap();
    let lost: Vec<u32> = (0..300).filter(|n| bench.known(*n).is_none()).collect();
    assert_eq!(lost, Vec::<u32>::new());
}
