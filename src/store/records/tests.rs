use super::*;
use crate::base::Digest;
use crate::model::Artifact;

fn record(n: u32) -> Record {
    let digest = Digest::of(&n.to_le_bytes());
    Record::Action(Box::new(ActionRecord {
        key: ActionKey(digest),
        result: ActionResult {
            artifacts: vec![Artifact { digest, bytes: u64::from(n) }],
            value: vec![7; n as usize % 400],
            warnings: vec![],
        },
        node: format!("reel/front/{n}"),
        kind: "segment".into(),
        at: UtcTime(i64::from(n)),
        elapsed_ms: 12,
        cpu_ms: 11,
        spec: "{\"frames\":90}".repeat(n as usize % 50),
    }))
}

fn all(log: &mut Log) -> Vec<Record> {
    let mut records = Vec::new();
    log.read(0, &mut |record| {
        records.push(record);
        Ok::<_, Diagnostic>(())
    })
    .unwrap();
    records
}

fn new_log(folder: &tempfile::TempDir) -> (PathBuf, Log) {
    let path = folder.path().join("records/log");
    let (log, _) = Log::create::<Diagnostic>(&path, &mut |_| Ok(())).unwrap();
    (path, log)
}

#[test]
fn what_is_appended_is_read_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut log) = new_log(&folder);
    let records: Vec<Record> = (0..3_000).map(record).collect();
    let (start, middle) = log.append(&records[..1_000]).unwrap();
    assert_eq!(start.end, HEADER as u64);
    let (again, end) = log.append(&records[1_000..]).unwrap();
    assert_eq!((again, log.position().unwrap()), (middle, end));
    let mut log = Log::open(&path).unwrap().unwrap();
    assert_eq!(all(&mut log), records);
    let mut tail = 0;
    let stopped = log.read(middle.end, &mut |_| {
        tail += 1;
        Ok::<_, Diagnostic>(())
    });
    assert_eq!((tail, stopped.unwrap()), (2_000, end));
}

#[test]
fn a_torn_end_loses_the_last_record_only_and_stops_no_appending() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut log) = new_log(&folder);
    let (_, whole) = log.append(&[record(60)]).unwrap();
    let (_, end) = log.append(&[record(301)]).unwrap();
    let bytes = fs::read(&path).unwrap();
    for cut in whole.end..end.end {
        fs::write(&path, &bytes[..cut as usize]).unwrap();
        let mut log = Log::open(&path).unwrap().unwrap();
        assert_eq!(all(&mut log), [record(60)], "cut at {cut}");
        log.append(&[record(62)]).unwrap();
        assert_eq!(all(&mut log), [record(60), record(62)], "cut at {cut}, then appended");
    }
}

#[test]
fn any_damaged_byte_costs_at_most_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut log) = new_log(&folder);
    let (_, first) = log.append(&[record(301)]).unwrap();
    let (_, second) = log.append(&[record(302)]).unwrap();
    log.append(&[record(303)]).unwrap();
    let bytes = fs::read(&path).unwrap();
    for at in first.end..second.end {
        let mut damaged = bytes.clone();
        damaged[at as usize] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        let mut log = Log::open(&path).unwrap().unwrap();
        assert_eq!(all(&mut log), [record(301), record(303)], "byte {at}");
    }
}

#[test]
fn damage_across_the_boundary_of_two_reads_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut log) = new_log(&folder);
    for garbage in (1 << 20) - 40..(1 << 20) + 40 {
        fs::write(&path, &fs::read(&path).unwrap()[..HEADER]).unwrap();
        log.append(&[record(1)]).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&vec![0xff; garbage]).unwrap();
        log.append(&[record(2)]).unwrap();
        assert_eq!(all(&mut log), [record(1), record(2)], "{garbage} bytes");
    }
}

#[test]
fn an_unreadable_header_is_no_log_and_a_newer_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = new_log(&folder);
    drop(log);
    let mut bytes = fs::read(&path).unwrap();
    bytes[16] = 9;
    fs::write(&path, &bytes).unwrap();
    assert!(Log::open(&path).unwrap_err().message.contains("has format 9"));
    bytes[0] = b'x';
    fs::write(&path, &bytes).unwrap();
    assert!(Log::open(&path).unwrap().is_none());
    fs::write(&path, &bytes[..20]).unwrap();
    assert!(Log::open(&path).unwrap().is_none());
    assert!(Log::open(&folder.path().join("none")).unwrap().is_none());
}

#[test]
fn who_appends_to_a_log_that_was_written_anew_finds_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut log) = new_log(&folder);
    log.append(&[record(1)]).unwrap();
    let (mut newer, _) = Log::create::<Diagnostic>(&path, &mut |write| write(&record(5))).unwrap();
    assert_ne!(newer.position().unwrap().generation, log.position().unwrap().generation);
    log.append(&[record(6)]).unwrap();
    assert_eq!(all(&mut newer), [record(5), record(6)]);
}

#[test]
fn records_of_kinds_that_are_not_known_yet_are_passed_over() {
    let mut unknown = frame(&Record::OutputForgotten("x".into()));
    let body = pack(&[9, 1, 2, 3]);
    unknown.truncate(0);
    unknown.extend_from_slice(MARK);
    unknown.extend_from_slice(&(body.len() as u32).to_le_bytes());
    unknown.extend_from_slice(&checksum(&body));
    unknown.extend_from_slice(&body);
    unknown.extend(frame(&record(3)));
    let mut seen = Vec::new();
    parse(&unknown, true, &mut |record| {
        seen.push(record);
        Ok::<_, Diagnostic>(())
    })
    .unwrap();
    assert_eq!(seen, [record(3)]);
}

#[test]
fn packing_is_undone_by_unpacking_and_hostile_sizes_do_not_allocate() {
    for length in [0, 1, 255, 256, 100_000] {
        let bytes = vec![5; length];
        assert_eq!(unpacked(&pack(&bytes)).as_deref(), Some(&bytes[..]));
    }
    assert_eq!(unpacked(&[1, 0xff, 0xff, 0xff, 0xff, 0]), None);
    assert_eq!(unpacked(&[]), None);
    assert_eq!(unpacked(&[7, 1]), None);
}

/// A reader that comes while a record is being appended waits for its rest.
#[test]
fn half_of_a_record_is_not_taken_for_a_torn_one() {
    let bench = crate::store::tests::Bench::new();
    let path = bench.store.root().join("records/log");
    let done = crate::store::tests::action(1, Vec::new());
    let bytes = frame(&Record::Action(Box::new(done.clone())));
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let mut log = OpenOptions::new().append(true).open(&path).unwrap();
    flock(&log, FlockOperation::LockExclusive).unwrap();
    log.write_all(first).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| bench.store.snapshot().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(200));
        log.write_all(rest).unwrap();
        flock(&log, FlockOperation::Unlock).unwrap();
        reader.join().unwrap();
    });
    assert_eq!(bench.store.snapshot().unwrap().get(done.key), Some(done.result));
}

/// A store of another version is refused; a kind of record that an older autocut
/// does not know it would drop. So whoever adds one raises the version, too.
#[test]
fn the_kinds_of_records_are_those_of_the_version() {
    let number_of = |record: &Record| match record {
        Record::Action(_) => 0,
        Record::Output(_) => 1,
        Record::Forgotten(_) => 2,
        Record::OutputForgotten(_) => 3,
        Record::Shared { .. } => 4,
        Record::Build(_) => 5,
        Record::Folder(_) => 6,
        Record::FolderForgotten(_) => 7,
        Record::ProjectForgotten => 8,
        Record::Of { .. } => 9,
    };
    let last = Record::ProjectForgotten.about("/film");
    assert_eq!((model::encode(&last)[0], number_of(&last), VERSION), (9, 9, 1));
}
