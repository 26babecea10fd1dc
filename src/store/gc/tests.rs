use super::*;
use crate::model::Artifact;
use crate::store::tests::{Bench, action, key_of};

const EVERYTHING: Limit = Limit { bytes: 0, age_ns: None };

/// Five results, each with an object of 1 MiB of its own, used in this order.
fn five() -> Bench {
    let bench = Bench::new();
    for n in 0..5 {
        bench.make(n, &n.to_string().repeat(1 << 20));
    }
    bench
}

fn left(bench: &Bench) -> Vec<u32> {
    (0..5).filter(|n| bench.holds(*n)).collect()
}

fn live(keys: &[u32]) -> Live {
    Live { keys: keys.iter().map(|n| key_of(*n)).collect(), objects: BTreeSet::new() }
}

#[test]
fn within_the_limit_nothing_goes() {
    let bench = five();
    let limit = Limit { bytes: 6 << 20, age_ns: None };
    let collected = bench.store.gc(limit, &Live::default()).unwrap();
    assert_eq!((collected.objects, collected.results), (0, 0));
    assert_eq!(left(&bench), [0, 1, 2, 3, 4]);
}

#[test]
fn the_least_recently_used_go_first() {
    let bench = five();
    bench.store.mark_used(&[("reel/clip/0", key_of(0))]).unwrap();
    let limit = Limit { bytes: (3 << 20) + (1 << 19), age_ns: None };
    let collected = bench.store.gc(limit, &Live::default()).unwrap();
    assert_eq!((collected.objects, collected.results, collected.bytes), (2, 2, 2 << 20));
    assert!(collected.kept_bytes <= limit.bytes);
    assert_eq!(left(&bench), [0, 3, 4]);
}

#[test]
fn what_is_live_stays_whatever_the_limit() {
    let bench = five();
    bench.store.gc(EVERYTHING, &live(&[1, 3])).unwrap();
    assert_eq!(left(&bench), [1, 3]);
    assert_eq!(bench.store.objects().list().unwrap().len(), 2);
}

#[test]
fn an_object_that_another_result_needs_stays() {
    let bench = five();
    let shared = bench.known(0).unwrap().artifacts;
    bench.store.record(vec![action(9, shared.clone())]).unwrap();
    bench.store.gc(EVERYTHING, &live(&[9])).unwrap();
    assert_eq!(bench.store.objects().list().unwrap(), shared);
    let bench = five();
    let object = bench.store.insert_bytes(b"a model").unwrap();
    let live = Live { keys: BTreeSet::new(), objects: [object.digest].into() };
    bench.store.gc(EVERYTHING, &live).unwrap();
    assert_eq!(bench.store.objects().list().unwrap(), [object]);
}

#[test]
fn old_results_go_even_where_there_is_room() {
    // Their times are those of 1970, but for the one that is used now.
    let bench = five();
    bench.store.mark_used(&[("reel/clip/2", key_of(2))]).unwrap();
    let limit = Limit { bytes: u64::MAX, age_ns: Some(3_600_000_000_000) };
    bench.store.gc(limit, &live(&[4])).unwrap();
    assert_eq!(left(&bench), [2, 4]);
}

#[test]
fn leftovers_of_a_crash_and_hollow_results_go_in_any_case() {
    let bench = five();
    bench.store.insert_bytes(b"made, but never recorded").unwrap();
    let lost = bench.known(2).unwrap().artifacts[0];
    bench.store.objects().remove(lost.digest).unwrap();
    let collected = bench.store.gc(Limit { bytes: u64::MAX, age_ns: None }, &Live::default()).unwrap();
    assert_eq!((collected.objects, collected.results), (1, 1));
    assert!(!bench.store.snapshot().unwrap().contains(key_of(2)));
}

#[test]
fn a_result_that_is_in_an_output_is_not_hollow() {
    let bench = Bench::new();
    let digest = bench.take(bench.folder.path(), "out/reel.mp4", "joined", false).unwrap();
    bench.store.record(vec![action(1, vec![Artifact { digest, bytes: 6 }])]).unwrap();
    bench.store.gc(Limit { bytes: u64::MAX, age_ns: None }, &Live::default()).unwrap();
    assert!(bench.known(1).is_some());
}

#[test]
fn what_went_is_in_the_log_no_more() {
    let bench = five();
    let before = bench.store.sizes().unwrap().log_bytes;
    bench.store.gc(EVERYTHING, &live(&[4])).unwrap();
    assert!(bench.store.sizes().unwrap().log_bytes < before);
    bench.store.rebuild_index().unwrap();
    assert_eq!(left(&bench), [4]);
}

#[test]
fn sizes_by_kind() {
    let bench = five();
    bench.store.insert_bytes(b"nobody's").unwrap();
    let sizes = bench.store.sizes().unwrap();
    assert_eq!(sizes.kinds["segment"], KindSize { results: 5, objects: 5, bytes: 5 << 20 });
    assert_eq!(sizes.unreferenced, KindSize { results: 0, objects: 1, bytes: 8 });
    assert_eq!(sizes.total_bytes, (5 << 20) + 8 + sizes.index_bytes + sizes.log_bytes);
}

#[test]
fn the_default_limit_is_the_lesser_of_two() {
    let limit = |total| Limit::default_for(Space { free: 0, total }).bytes;
    assert_eq!((limit(100 << 30), limit(1 << 40)), (20 << 30, 50 << 30));
}

#[test]
fn what_the_last_build_of_another_project_needs_stays() {
    let bench = five();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Store::open_for(bench.store.root(), elsewhere.path()).unwrap();
    other.keep_root(&[], vec![key_of(0), key_of(2)]).unwrap();
    bench.store.keep_root(&[], vec![key_of(4)]).unwrap();
    bench.store.gc(EVERYTHING, &live(&[1])).unwrap();
    assert_eq!(left(&bench), [0, 1, 2, 4]);
    other.keep_root(&[], vec![key_of(2)]).unwrap();
    bench.store.rebuild_index().unwrap();
    bench.store.gc(EVERYTHING, &Live::default()).unwrap();
    assert_eq!(left(&bench), [2, 4], "also after the index was lost, and only of the last build");
}

#[test]
fn a_dry_run_says_the_same_and_does_nothing() {
    let bench = five();
    let would = bench.store.would_collect(EVERYTHING, &live(&[4])).unwrap();
    assert_eq!(left(&bench), [0, 1, 2, 3, 4]);
    assert_eq!(would.kinds["segment"], KindSize { results: 4, objects: 4, bytes: 4 << 20 });
    assert_eq!(bench.store.gc(EVERYTHING, &live(&[4])).unwrap(), would);
}

#[test]
fn collecting_is_due_when_so_much_was_added() {
    let bench = five();
    let limit = Limit { bytes: 8 << 20, age_ns: None };
    assert!(bench.store.gc_is_due(limit).unwrap(), "nothing is known of its size yet");
    bench.store.gc(limit, &Live::default()).unwrap();
    assert!(!bench.store.gc_is_due(limit).unwrap());
    for n in 5..8 {
        bench.make(n, &n.to_string().repeat(1 << 20));
    }
    assert!(bench.store.gc_is_due(limit).unwrap());
    bench.store.rebuild_index().unwrap();
    assert!(bench.store.gc_is_due(limit).unwrap(), "what only the index knew is not believed to be 0");
}

#[test]
fn an_index_that_became_empty_gives_its_room_back() {
    let bench = Bench::new();
    let many = (0..3_000).map(|n| crate::store::ActionRecord { spec: "x".repeat(200), ..action(n, vec![]) }).collect();
    bench.store.record(many).unwrap();
    let before = bench.store.sizes().unwrap().index_bytes;
    bench.store.gc(EVERYTHING, &live(&[1])).unwrap();
    let after = bench.store.sizes().unwrap().index_bytes;
    assert!(after < before / 4, "{after} of {before}");
    assert!(bench.store.snapshot().unwrap().contains(key_of(1)));
}

#[test]
fn while_a_root_cannot_be_read_only_leftovers_go() {
    let bench = five();
    bench.store.keep_root(&[], vec![key_of(1)]).unwrap();
    bench.store.insert_bytes(b"of a build that was killed").unwrap();
    let root = std::fs::read_dir(bench.store.root().join("records/roots")).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&root).unwrap();
    std::fs::write(&root, &whole[..whole.len() / 2]).unwrap();
    let collected = bench.store.gc(EVERYTHING, &Live::default()).unwrap();
    assert_eq!((collected.objects, collected.results, collected.illegible_roots), (1, 0, 1));
    assert_eq!(left(&bench), [0, 1, 2, 3, 4]);
    assert!(collected.warning().unwrap().message.contains("leftovers only"));

    std::fs::write(&root, whole).unwrap();
    let collected = bench.store.gc(EVERYTHING, &Live::default()).unwrap();
    assert_eq!((left(&bench), collected.warning()), (vec![1], None));
}
