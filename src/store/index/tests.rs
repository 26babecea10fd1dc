use super::apply::BY_KEY;
use super::*;

#[test]
fn forgetting_a_result_looks_through_no_table() {
    let index = Index::in_memory().unwrap();
    for table in BY_KEY {
        let explain = format!("EXPLAIN QUERY PLAN DELETE FROM {table} WHERE key = ?1");
        let how: String = index.connection.query_row(&explain, [[0u8; 32]], |row| row.get(3)).unwrap();
        assert!(how.starts_with("SEARCH"), "{table}: {how}");
    }
}

/// As processes do that begin together.
#[test]
fn several_make_one_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let open = || Index::open(&path, Journal::WriteAhead).map(drop);
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            opened.into_iter().for_each(|one| one.join().unwrap().unwrap());
        });
    }
}
