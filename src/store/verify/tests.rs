use std::fs;

use super::*;
use crate::store::tests::{Bench, action, key_of};

const QUIET: fn(u64, u64) = |_, _| {};

/// Three results with an object each, and an output.
fn bench() -> Bench {
    let bench = Bench::new();
    for n in 0..3 {
        bench.make(n, &format!("object {n}"));
    }
    let digest = bench.take(bench.folder.path(), "out/reel.mp4", "joined", false).unwrap();
    bench.store.record(vec![action(9, vec![Artifact { digest, bytes: 6 }])]).unwrap();
    bench
}

fn inspect(bench: &Bench) -> Inspection {
    bench.store.verify(bench.folder.path(), false, &QUIET).unwrap()
}

fn repair(bench: &Bench) -> Inspection {
    bench.store.verify(bench.folder.path(), true, &QUIET).unwrap()
}

fn is_sound(found: &Inspection) -> bool {
    found.corrupt.is_empty()
        && found.unreadable.is_empty()
        && found.hollow.is_empty()
        && found.changed.is_empty()
        && found.absent.is_empty()
        && found.index.is_none()
        && found.log == LogState::default()
}

/// Writes over a file that is read-only, keeping its size.
fn spoil(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_store_as_it_should_be_has_no_faults_and_all_of_it_is_read() {
    let bench = bench();
    let read = AtomicU64::new(0);
    let progress = |done, total| {
        assert_eq!(total, 3 * 8 + 6);
        read.fetch_max(done, Ordering::Relaxed);
    };
    let found = bench.store.verify(bench.folder.path(), false, &progress).unwrap();
    assert!(is_sound(&found), "{found:?}");
    assert_eq!((found.objects, found.bytes, found.results, found.outputs), (3, 24, 4, 1));
    assert_eq!(read.into_inner(), 30);
}

#[test]
fn a_corrupt_object_is_found_named_removed_and_its_result_forgotten() {
    let bench = bench();
    let object = bench.known(1).unwrap().artifacts[0];
    spoil(&bench.store.path(object.digest));
    let found = inspect(&bench);
    let needed_by = vec![("segment".to_owned(), "reel/clip/1".to_owned())];
    assert_eq!(found.corrupt, [Damaged { artifact: object, needed_by }]);
    assert_eq!(found.hollow.iter().map(|hollow| hollow.key).collect::<Vec<_>>(), [key_of(1)]);
    repair(&bench);
    assert!(is_sound(&inspect(&bench)));
    assert_eq!(bench.store.objects().list().unwrap().len(), 2);
    bench.store.rebuild_index().unwrap();
    assert!(!bench.store.snapshot().unwrap().contains(key_of(1)), "forgotten in the log as well");
}

#[test]
fn a_result_that_lost_its_object_is_hollow() {
    let bench = bench();
    let object = bench.known(2).unwrap().artifacts[0];
    bench.store.objects().remove(object.digest).unwrap();
    let found = inspect(&bench);
    assert!(found.corrupt.is_empty());
    let hollow =
        Hollow { key: key_of(2), kind: "segment".into(), node: "reel/clip/2".into(), missing: vec![object.digest] };
    assert_eq!(found.hollow, [hollow]);
    repair(&bench);
    assert!(is_sound(&inspect(&bench)));
}

#[test]
fn an_output_that_was_changed_or_deleted_is_told_whatever_its_stat_says() {
    let bench = bench();
    let output = bench.folder.path().join("out/reel.mp4");
    let stat = fs::metadata(&output).unwrap();
    spoil(&output);
    fs::File::options().write(true).open(&output).unwrap().set_modified(stat.modified().unwrap()).unwrap();
    let found = inspect(&bench);
    assert_eq!(found.changed, ["out/reel.mp4"]);
    assert!(found.hollow.is_empty(), "what was written is known, so its result is not hollow");
    fs::remove_file(&output).unwrap();
    let found = inspect(&bench);
    assert_eq!((found.changed.len(), found.absent.as_slice()), (0, &["out/reel.mp4".to_owned()][..]));
    fs::create_dir(&output).unwrap();
    assert_eq!(inspect(&bench).changed, ["out/reel.mp4"]);
}

#[test]
fn an_object_that_nobody_refers_to_is_counted_and_no_fault() {
    let bench = bench();
    bench.store.insert_bytes(b"killed before it was recorded").unwrap();
    let found = inspect(&bench);
    assert!(is_sound(&found));
    assert_eq!(found.unreferenced, KindSize { results: 0, objects: 1, bytes: 29 });
}

#[test]
fn records_that_the_log_lost_are_found_and_written_again_from_the_index() {
    let bench = bench();
    let path = bench.path("records/log");
    let mut bytes = fs::read(&path).unwrap();
    // Within the first record, behind the header.
    bytes[60] ^= 0x40;
    fs::write(&path, bytes).unwrap();
    let found = inspect(&bench);
    assert_eq!((found.log.lost, found.log.not_indexed), (1, 0));
    assert!(found.log.damaged_bytes > 0);
    repair(&bench);
    assert!(is_sound(&inspect(&bench)));
    bench.store.rebuild_index().unwrap();
    assert_eq!(bench.store.snapshot().unwrap().len(), 4);
}

#[test]
fn the_end_of_a_write_that_was_torn_is_no_loss() {
    let bench = bench();
    let path = bench.path("records/log");
    let mut bytes = fs::read(&path).unwrap();
    let whole = bytes.len();
    bytes.extend_from_within(32..60);
    fs::write(&path, &bytes).unwrap();
    bench.make(5, "after the crash");
    let found = inspect(&bench);
    assert_eq!(found.log, LogState { damaged_bytes: 28, lost: 0, not_indexed: 0 });
    repair(&bench);
    assert_eq!(inspect(&bench).log, LogState::default());
    assert!(fs::metadata(&path).unwrap().len() > whole as u64);
}

#[test]
fn a_result_that_differs_in_the_index_is_taken_from_the_log() {
    let bench = bench();
    let known = bench.known(1);
    let connection = rusqlite::Connection::open(bench.path("index.sqlite")).unwrap();
    connection.execute("UPDATE results SET result = x'00' WHERE key = ?1", [key_of(1).0.0]).unwrap();
    connection.execute("DELETE FROM results WHERE key = ?1", [key_of(2).0.0]).unwrap();
    drop(connection);
    let found = inspect(&bench);
    assert_eq!((found.log.lost, found.log.not_indexed), (0, 2));
    repair(&bench);
    assert!(is_sound(&inspect(&bench)));
    assert_eq!(bench.known(1), known);
}

#[test]
fn an_index_that_sqlite_calls_damaged_is_built_anew() {
    let bench = bench();
    for n in 10..300 {
        bench.make(n, "many pages");
    }
    let Bench { folder, store } = bench;
    drop(store);
    let path = folder.path().join(".autocut/index.sqlite");
    let mut bytes = fs::read(&path).unwrap();
    // A leaf page in the middle: opening the store does not touch it.
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle + 8..middle + 200].fill(0x77);
    fs::write(&path, bytes).unwrap();
    let bench = Bench { store: Store::open(&folder.path().join(".autocut")).unwrap(), folder };
    let found = inspect(&bench);
    assert!(found.index.is_some(), "{found:?}");
    repair(&bench);
    assert!(is_sound(&inspect(&bench)));
    assert_eq!(bench.store.snapshot().unwrap().len(), 294);
}
