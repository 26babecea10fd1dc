//! The shared store by way of a folder. (tests/remote.rs does the same with a
//! real S3-compatible server and whole builds.)

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::model::ActionResult;
use crate::store::tests::{Bench, action, key_of};

/// A folder that two machines share.
struct Share {
    folder: tempfile::TempDir,
}

impl Share {
    fn new() -> Share {
        let share = Share { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(share.root()).unwrap();
        share
    }

    /// The shared store as one more machine sees it.
    fn remote(&self) -> Remote {
        Remote::new(&Location::Folder(self.root()), &Access::default(), true)
    }

    /// The same for a machine that may not write.
    fn read_only(&self) -> Remote {
        Remote::new(&Location::Folder(self.root()), &Access::default(), false)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("team")
    }

    fn path(&self, folder: &str, digest: Digest) -> PathBuf {
        self.root().join(name(folder, digest))
    }
}

/// A result with one artifact of `content`, made in a store of its own.
fn made(bench: &Bench, key: u32, content: &str) -> Parcel {
    let record = bench.make(key, content);
    let files = record.result.artifacts.iter().map(|artifact| (*artifact, bench.store.path(artifact.digest))).collect();
    Parcel { record, files }
}

fn publish(remote: &Remote, parcels: &[Parcel]) -> Result<Vec<ActionKey>, Diagnostic> {
    let mut published = Vec::new();
    remote.publish(parcels, &mut |key| published.push(key))?;
    published.sort();
    Ok(published)
}

fn ask(remote: &Remote, keys: &[u32]) -> Vec<Found> {
    let keys: Vec<ActionKey> = keys.iter().map(|key| key_of(*key)).collect();
    let mut found: BTreeMap<ActionKey, Found> = BTreeMap::new();
    remote.results(&keys, &mut |key, answer| found.insert(key, answer).is_none()).unwrap();
    keys.iter().map(|key| found[key].clone()).collect()
}

fn fetch(remote: &Remote, bench: &Bench, artifact: Artifact) -> (Fetched, Option<Vec<u8>>) {
    let to = bench.folder.path().join("fetched");
    let mut answer = None;
    remote.files(&[(artifact, to.clone())], &mut |_, fetched| answer.replace(fetched).is_none()).unwrap();
    let bytes = fs::read(&to).ok();
    if bytes.is_some() {
        fs::remove_file(to).unwrap();
    }
    (answer.unwrap(), bytes)
}

#[test]
fn what_one_machine_publishes_another_finds_and_what_it_does_not_is_absent() {
    let (share, here, there) = (Share::new(), Bench::new(), Bench::new());
    let parcels: Vec<Parcel> = (0..100).map(|n| made(&here, n, &format!("object {}", n % 7))).collect();
    assert_eq!(publish(&share.remote(), &parcels).unwrap().len(), 100);

    let remote = share.remote();
    let keys: Vec<u32> = (0..101).collect();
    for (found, parcel) in ask(&remote, &keys).iter().zip(&parcels) {
        assert_eq!(*found, Found::Known(Box::new(parcel.record.clone())));
    }
    assert_eq!(ask(&remote, &[100]), [Found::Absent]);
    let artifact = parcels[3].record.result.artifacts[0];
    assert_eq!(fetch(&remote, &there, artifact), (Fetched::Here, Some(b"object 3".to_vec())));
    assert_eq!(fs::read_dir(share.root().join("tmp")).unwrap().count(), 0);
}

#[test]
fn files_in_the_share_are_as_readable_as_its_users_want_them() {
    let (share, here) = (Share::new(), Bench::new());
    let parcel = made(&here, 1, "one");
    publish(&share.remote(), std::slice::from_ref(&parcel)).unwrap();
    let usual = share.folder.path().join("usual");
    fs::write(&usual, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let object = parcel.record.result.artifacts[0].digest;
    assert_eq!(mode(&share.path("objects", object)), mode(&usual));
    assert_eq!(mode(&share.path("results", key_of(1).0)), mode(&usual));
}

#[test]
fn an_entry_is_never_published_before_its_objects() {
    let (share, here) = (Share::new(), Bench::new());
    let (whole, mut gone, mut other) = (made(&here, 1, "one"), made(&here, 2, "two"), made(&here, 3, "three"));
    gone.files[0].1 = here.folder.path().join("nothing");
    other.files[0].1 = here.store.path(Digest::of(b"one"));
    let half = Parcel { files: Vec::new(), ..made(&here, 4, "four") };
    let published = publish(&share.remote(), &[whole, gone, other, half]).unwrap();
    assert_eq!(published, [key_of(1)]);
    let found = ask(&share.remote(), &[1, 2, 3, 4]);
    assert!(matches!(found[0], Found::Known(_)));
    assert!(found[1..].iter().all(|found| *found == Found::Absent), "{found:?}");
    let objects = share.root().join("objects");
    let objects = fs::read_dir(objects).unwrap().flat_map(|fan| fs::read_dir(fan.unwrap().path()).unwrap());
    assert_eq!(objects.count(), 1, "nothing lies under a name that its content does not have");
}

/// The order in which a share is written, seen from outside: a write that fails
/// at the objects has written no entry.
#[test]
fn where_objects_cannot_be_written_no_entry_is() {
    let (share, here) = (Share::new(), Bench::new());
    let parcel = made(&here, 1, "one");
    fs::write(share.root().join("objects"), "a file in the way").unwrap();
    let problem = publish(&share.remote(), &[parcel]).unwrap_err();
    assert_eq!(problem.tier, crate::base::Tier::Warning);
    assert!(problem.message.contains("cannot be written"), "{}", problem.message);
    assert!(!share.root().join("results").exists());
}

#[test]
fn a_result_without_artifacts_is_published_too() {
    let share = Share::new();
    let record = action(1, Vec::new());
    publish(&share.remote(), &[Parcel { record: record.clone(), files: Vec::new() }]).unwrap();
    assert_eq!(ask(&share.remote(), &[1]), [Found::Known(Box::new(record))]);
}

#[test]
fn a_damaged_object_is_noticed_not_kept_and_replaced() {
    let (share, here, there) = (Share::new(), Bench::new(), Bench::new());
    let parcel = made(&here, 1, "whole");
    let artifact = parcel.record.result.artifacts[0];
    publish(&share.remote(), std::slice::from_ref(&parcel)).unwrap();
    let path = share.path("objects", artifact.digest);
    for damage in ["whale", "wh", "whole and more", ""] {
        fs::write(&path, damage).unwrap();
        let remote = share.remote();
        assert_eq!(fetch(&remote, &there, artifact), (Fetched::Damaged, None), "{damage:?}");
        // Of the same size, and yet not believed to be there.
        publish(&remote, std::slice::from_ref(&parcel)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fetch(&share.remote(), &there, artifact).0, Fetched::Here);
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(fetch(&share.remote(), &there, artifact), (Fetched::Absent, None));
}

#[test]
fn a_damaged_entry_is_no_result_and_one_of_another_version_is_left_alone() {
    let (share, here) = (Share::new(), Bench::new());
    let parcel = made(&here, 1, "one");
    publish(&share.remote(), std::slice::from_ref(&parcel)).unwrap();
    let path = share.path("results", key_of(1).0);
    let whole = fs::read(&path).unwrap();

    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let remote = share.remote();
    assert!(matches!(ask(&remote, &[1])[0], Found::Unreadable(_)));
    publish(&remote, std::slice::from_ref(&parcel)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);

    let mut newer = whole.clone();
    newer[16] += 1;
    fs::write(&path, &newer).unwrap();
    let remote = share.remote();
    assert!(matches!(ask(&remote, &[1])[0], Found::Unreadable(_)));
    assert!(publish(&remote, &[parcel]).unwrap().is_empty());
    assert_eq!(fs::read(&path).unwrap(), newer);
}

/// Below a mount point nothing is there while nothing is mounted; what was
/// written then would be on the local disk.
#[test]
fn a_share_that_is_not_mounted_is_told_and_not_made() {
    let (share, here) = (Share::new(), Bench::new());
    fs::remove_dir(share.root()).unwrap();
    for remote in [share.read_only(), share.remote()] {
        let problem = remote.results(&[key_of(1)], &mut |_, _| true).unwrap_err();
        assert_eq!(problem.tier, crate::base::Tier::Warning);
        assert!(problem.message.contains("is not there"), "{}", problem.message);
        assert!(problem.hint.unwrap().contains("mkdir"));
    }
    assert!(publish(&share.remote(), &[made(&here, 1, "one")]).is_err());
    assert!(!share.root().exists());

    // One that goes in the middle of a build is not made again either.
    fs::create_dir(share.root()).unwrap();
    let remote = share.remote();
    publish(&remote, &[made(&here, 1, "one")]).unwrap();
    fs::remove_dir_all(share.root()).unwrap();
    assert!(publish(&remote, &[made(&here, 2, "two")]).is_err());
    assert!(!share.root().exists());
}

#[test]
fn a_store_that_is_only_read_is_never_written() {
    let (share, here) = (Share::new(), Bench::new());
    assert!(publish(&share.read_only(), &[made(&here, 1, "one")]).is_err());
    assert_eq!(ask(&share.read_only(), &[1]), [Found::Absent]);
    assert_eq!(fs::read_dir(share.root()).unwrap().count(), 0);
}

#[test]
fn what_a_killed_upload_left_is_removed_a_day_later() {
    let share = Share::new();
    let temporary = share.root().join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 3600);
    for name in ["old", "new"] {
        fs::write(temporary.join(name), "half").unwrap();
    }
    fs::File::options().append(true).open(temporary.join("old")).unwrap().set_modified(long_ago).unwrap();
    publish(&share.remote(), &[Parcel { record: action(1, Vec::new()), files: Vec::new() }]).unwrap();
    assert!(!temporary.join("old").exists() && temporary.join("new").exists());
}

#[test]
fn asking_stops_when_nobody_wants_to_know_any_more() {
    let (share, here) = (Share::new(), Bench::new());
    let parcels: Vec<Parcel> = (0..50).map(|n| made(&here, n, "same")).collect();
    publish(&share.remote(), &parcels).unwrap();
    let keys: Vec<ActionKey> = (0..50).map(key_of).collect();
    let mut heard = 0;
    share
        .remote()
        .results(&keys, &mut |_, _| {
            heard += 1;
            heard < 3
        })
        .unwrap();
    assert_eq!(heard, 3);
}

#[test]
fn whoever_waits_can_see_that_something_moves() {
    let (share, here) = (Share::new(), Bench::new());
    let remote = share.remote();
    assert_eq!(remote.activity(), 0);
    publish(&remote, &[made(&here, 1, "one")]).unwrap();
    let after = remote.activity();
    assert!(after > 0);
    ask(&remote, &[1]);
    assert!(remote.activity() > after);
}

/// A film is compared with its digest and copied for longer than a share may be
/// silent.
#[test]
fn work_on_what_came_is_no_silence_of_the_shared_store() {
    let (share, here) = (Share::new(), Bench::new());
    let parcel = made(&here, 1, "one");
    publish(&share.remote(), std::slice::from_ref(&parcel)).unwrap();
    let remote = share.remote();
    let wanted = [(parcel.record.result.artifacts[0], here.folder.path().join("fetched"))];
    let mut seen = Vec::new();
    let mut look = |_, _| {
        seen.extend([remote.activity(), remote.activity()]);
        true
    };
    remote.files(&wanted, &mut look).unwrap();
    assert!(seen[0] < seen[1], "{seen:?}");
    assert_eq!(remote.activity(), remote.activity());
}

/// A result that was adopted without its objects outlives gc, a rebuilt index
/// and a log that is written anew; one that lost them otherwise does not.
#[test]
fn an_adopted_result_is_kept_without_its_objects() {
    let bench = Bench::new();
    let artifact = Artifact { digest: Digest::of(b"elsewhere"), bytes: 9 };
    let adopted = action(1, vec![artifact]);
    let place = Location::Folder("/mnt/team".into());
    bench.store.adopt(&place, vec![adopted.clone()]).unwrap();
    bench.store.record(vec![action(2, vec![artifact])]).unwrap();
    let known = |key: u32| -> Option<ActionResult> { bench.store.snapshot().unwrap().get(key_of(key)) };
    for _ in 0..2 {
        bench.store.rebuild_index().unwrap();
        let limit = crate::store::Limit { bytes: u64::MAX, age_ns: None };
        bench.store.gc(limit, &crate::store::Live::default()).unwrap();
        assert_eq!((known(1), known(2)), (Some(adopted.result.clone()), None));
        assert_eq!(bench.store.shared(&place).unwrap(), [key_of(1)]);
        assert_eq!(bench.store.shared(&Location::Folder("/mnt/other".into())).unwrap(), []);
    }
    assert_eq!(bench.store.records(&[key_of(2), key_of(1)]).unwrap(), std::slice::from_ref(&adopted));
    assert!(!bench.store.objects().contains(artifact));

    // Made here after all, it is as any other.
    bench.store.record(vec![adopted]).unwrap();
    let limit = crate::store::Limit { bytes: u64::MAX, age_ns: None };
    bench.store.gc(limit, &crate::store::Live::default()).unwrap();
    assert_eq!(known(1), None);
}
