use super::*;
use crate::base::UtcTime;
use crate::model::ActionResult;
use crate::store::remote::Access;

fn record(n: u8) -> ActionRecord {
    ActionRecord {
        key: ActionKey(Digest::of(&[n])),
        result: ActionResult { artifacts: Vec::new(), value: Vec::new(), warnings: Vec::new() },
        node: format!("node/{n}"),
        kind: "sound".to_owned(),
        at: UtcTime(1),
        elapsed_ms: 1,
        cpu_ms: 1,
        spec: String::new(),
    }
}

/// Between the builds of one who watches, another may hold the store's lock.
#[test]
fn publishing_writes_nothing_into_the_store_and_is_noted_by_whoever_holds_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let share = folder.path().join("team");
    std::fs::create_dir(&share).unwrap();
    let store = Arc::new(Store::open(&folder.path().join(".autocut")).unwrap());
    let keys: Vec<ActionKey> = (0..3).map(|n| record(n).key).collect();
    store.record((0..3).map(record).collect()).unwrap();

    let (root, store_of) = (folder.path().to_owned(), store.clone());
    let place = Place { store: store_of, root, force: false, deadline: None, memory: None };
    let (reports, _heard) = crate::exec::mailbox::mailbox(usize::MAX);
    let mut exchange = Exchange::new(place, reports);
    let location = Location::Folder(share.clone());
    let remote = Arc::new(Remote::new(&location, &Access::default(), true));
    exchange.begin(Some(remote.clone()));
    exchange.publish(keys.clone());
    let before = store.position().unwrap();
    let published = || std::fs::read_dir(share.join("results")).map_or(0, Iterator::count);
    let since = Instant::now();
    while published() < keys.len() && since.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    // What follows the last of them, too.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(store.position().unwrap(), before);
    assert_eq!(store.shared(&location).unwrap(), []);

    assert_eq!(exchange.pause().published, 3);
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(store.shared(&location).unwrap(), sorted);
    exchange.begin(Some(remote));
    let nobody = AtomicBool::new(false);
    let farewell = exchange.finish(&nobody);
    assert!(farewell.published == 0 && farewell.warning.is_none(), "told already: {farewell:?}");
}
