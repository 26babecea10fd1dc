//! The index: an SQLite database in which the log's records are looked up, and
//! the home of what is only a cache.
//!
//! It is *current* (it stands where the log ends), *behind* (a crash, or another
//! process, appended to the log: the rest is read), or *unusable* (damaged, cut
//! short, or of another version: it is set aside and built anew from the log).
//! Nothing that cannot be had again is here alone: results and outputs are in
//! the log, digests of files can be computed, the toolchain can be asked, and
//! times of last use only order what gc removes. So there are no migrations;
//! [`SCHEMA`] is raised instead.

mod apply;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, TransactionBehavior, config::DbConfig, params};

use crate::base::{Diagnostic, Digest, UtcTime};
use crate::inputs::cannot;
use crate::model::{ActionKey, ActionResult};

use self::apply::{apply, bytes_of};
use super::access::Journal;
use super::records::{ActionRecord, Position, Record, Sink, unpacked};
use super::snapshot::{Snapshot, open_sealed};

pub(super) use self::trouble::Trouble;

/// The version of the tables.
const SCHEMA: i64 = 5;

const TABLES: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    -- What is read as a whole when a program starts, and nothing else.
    CREATE TABLE results (key BLOB PRIMARY KEY, result BLOB NOT NULL) WITHOUT ROWID;
    -- How each came about, and in which project. Has a rowid, because specs are long.
    CREATE TABLE runs (
        key BLOB PRIMARY KEY, project TEXT NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
        elapsed_ms INTEGER NOT NULL, cpu_ms INTEGER NOT NULL, spec BLOB NOT NULL);
    -- The last success of each node of each project.
    CREATE TABLE nodes (
        project TEXT NOT NULL, node TEXT NOT NULL, key BLOB NOT NULL, PRIMARY KEY (project, node)) WITHOUT ROWID;
    -- To forget a result without a look at every node.
    CREATE INDEX nodes_by_key ON nodes (key);
    -- Results whose objects are in a shared store.
    CREATE TABLE shared (key BLOB PRIMARY KEY, place BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE uses (key BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE files (
        project TEXT NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL, hashed_ns INTEGER NOT NULL, device INTEGER NOT NULL,
        inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        PRIMARY KEY (project, name)) WITHOUT ROWID;
    CREATE TABLE outputs (
        project TEXT NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL, hashed_ns INTEGER NOT NULL, device INTEGER NOT NULL,
        inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        key BLOB NOT NULL, PRIMARY KEY (project, name)) WITHOUT ROWID;
    -- What a place may still hold while its newer output is not known to be there.
    CREATE TABLE earlier_outputs (
        project TEXT NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL, hashed_ns INTEGER NOT NULL, device INTEGER NOT NULL,
        inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        key BLOB NOT NULL, PRIMARY KEY (project, name, digest)) WITHOUT ROWID;
    -- Folders that were made for outputs.
    CREATE TABLE folders (
        project TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (project, name)) WITHOUT ROWID;
    -- What was built. Has a rowid, because bodies are long.
    CREATE TABLE builds (
        project TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (project, number));
    CREATE TABLE toolchains (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
";

/// The database, open.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) connection: Connection,
}

/// What an action did the last time that its node succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    pub node: String,
    pub key: ActionKey,
    pub kind: String,
    pub at: UtcTime,
    pub elapsed_ms: u64,
    pub cpu_ms: u64,
}

/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tries again what another process is in the way of. SQLite waits by itself,
/// but not where a database is to be kept in another way: two that make one
/// anew at the same moment would wait for each other.
fn patiently<T>(mut attempt: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(error)
                if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
                    && Instant::now() < until =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            ended => return ended,
        }
    }
}

impl Index {
    /// Opens the database, or makes it where there is none.
    pub(super) fn open(path: &Path, journal: Journal) -> Result<Index, Trouble> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        // Or a statement is planned anew for every value that is bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        match journal {
            Journal::WriteAhead => {
                patiently(|| connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())))?;
            }
            Journal::Rollback => {
                // What was written ahead on another disk, before the store came
                // here, is read without shared memory by one process alone.
                connection.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
                patiently(|| connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())))?;
                connection.query_row("PRAGMA locking_mode = NORMAL", [], |_| Ok(()))?;
            }
        }
        // What a large build wrote ahead is given back once it is written.
        connection.query_row("PRAGMA journal_size_limit = 4194304", [], |_| Ok(()))?;
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        Index { connection }.checked()
    }

    /// A database without a file.
    pub(super) fn in_memory() -> Result<Index, Trouble> {
        Index { connection: Connection::open_in_memory()? }.checked()
    }

    fn checked(mut self) -> Result<Index, Trouble> {
        match self.version()? {
            SCHEMA => Ok(self),
            0 => {
                self.create()?;
                Ok(self)
            }
            other => Err(Trouble::Unusable(format!("the store's index has version {other}, not {SCHEMA}"))),
        }
    }

    /// A stand-in without content, while the file is being exchanged.
    pub(super) fn closed() -> Result<Index, Trouble> {
        Ok(Index { connection: Connection::open_in_memory()? })
    }

    fn version(&self) -> Result<i64, Trouble> {
        Ok(self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
    }

    fn create(&mut self) -> Result<(), Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been first.
        let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", SCHEMA)?;
        }
        Ok(transaction.commit()?)
    }

    /// Moves an unusable database out of the way, keeping the last such one
    /// for whoever wants to know what happened to it.
    pub(super) fn set_aside(path: &Path) -> Result<(), Diagnostic> {
        let beside = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            std::path::PathBuf::from(name)
        };
        let failed = |error: io::Error| cannot("set aside", path, &error);
        for gone in [beside("-wal"), beside("-shm"), beside("-journal")] {
            match fs::remove_file(gone) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        match fs::rename(path, beside(".damaged")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Up to where the log is in here.
    pub(super) fn position(&self) -> Result<Option<Position>, Trouble> {
        let bytes: Option<[u8; 16]> = meta(&self.connection, "log")?;
        Ok(bytes.map(|bytes| {
            let (generation, end) = bytes.split_at(8);
            let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            Position { generation: number(generation), end: number(end) }
        }))
    }

    /// Takes in records of the log, all or none, after which it stands at
    /// `position`. `anew` forgets first what came from the log before.
    pub(super) fn apply(
        &mut self,
        anew: bool,
        records: &mut dyn FnMut(Sink<'_, Trouble>) -> Result<Position, Trouble>,
    ) -> Result<(), Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if anew {
            transaction.execute_batch(
                "DELETE FROM results; DELETE FROM runs; DELETE FROM nodes; DELETE FROM uses; DELETE FROM shared; DELETE FROM outputs;
                 DELETE FROM earlier_outputs; DELETE FROM folders; DELETE FROM builds; DELETE FROM meta WHERE name = 'bytes'",
            )?;
        }
        let mut added = 0;
        let position = records(&mut |record| {
            added += bytes_of(record);
            apply(&transaction, record)
        })?;
        set_position(&transaction, position)?;
        if let Some(bytes) = meta::<i64>(&transaction, "bytes")?.filter(|_| added > 0) {
            set_meta(&transaction, "bytes", bytes.saturating_add(added as i64))?;
        }
        Ok(transaction.commit()?)
    }

    /// Notes where the log ends that was just written from this index.
    pub(super) fn set_position(&self, position: Position) -> Result<(), Trouble> {
        set_position(&self.connection, position)
    }

    /// All that has to be in the log.
    pub(super) fn each_record(&self, each: Sink<'_, Trouble>) -> Result<(), Trouble> {
        let mut statement = self.connection.prepare(&format!("{SELECT_RECORDS} ORDER BY at, key"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(done) = record(row)? {
                each(&Record::Action(Box::new(done)).about(&row.get::<_, String>(8)?))?;
            }
        }
        for (place, keys) in self.shared()? {
            each(&Record::Shared { place, keys })?;
        }
        self.each_earlier_output(&mut |project, output| each(&Record::Output(output).about(project)))?;
        self.each_output(&mut |project, output| each(&Record::Output(output).about(project)))?;
        self.each_folder(&mut |project, folder| each(&Record::Folder(folder).about(project)))?;
        self.each_build(&mut |project, build| each(&Record::Build(Box::new(build)).about(project)))
    }

    /// The results that are in shared stores, by the digest of their place.
    pub(super) fn shared(&self) -> Result<BTreeMap<Digest, Vec<ActionKey>>, Trouble> {
        let mut statement = self.connection.prepare("SELECT place, key FROM shared ORDER BY key")?;
        let mut rows = statement.query([])?;
        let mut shared: BTreeMap<Digest, Vec<ActionKey>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            shared.entry(digest(row, 0)?).or_default().push(ActionKey(digest(row, 1)?));
        }
        Ok(shared)
    }

    /// See [`Store::estimates`](super::Store::estimates).
    pub(super) fn estimates(&self) -> Result<Option<Vec<u8>>, Trouble> {
        meta(&self.connection, "estimates")
    }

    pub(super) fn remember_estimates(&self, estimates: &[u8]) -> Result<(), Trouble> {
        set_meta(&self.connection, "estimates", estimates)
    }

    /// See [`Store::is_offered`](super::Store::is_offered).
    pub(super) fn offer(&self) -> Result<Option<Digest>, Trouble> {
        Ok(meta::<[u8; 32]>(&self.connection, "offer")?.map(Digest))
    }

    pub(super) fn set_offer(&self, offer: Digest) -> Result<(), Trouble> {
        set_meta(&self.connection, "offer", offer.0)
    }

    /// The whole record of a result, if it is known.
    pub(super) fn record(&self, key: ActionKey) -> Result<Option<ActionRecord>, Trouble> {
        let mut statement = self.connection.prepare_cached(&format!("{SELECT_RECORDS} WHERE key = ?1"))?;
        let mut rows = statement.query([key.0.0])?;
        rows.next()?.map_or(Ok(None), record)
    }

    /// All results, as they are now.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Trouble> {
        let mut statement = self.connection.prepare("SELECT key, result FROM results")?;
        let mut rows = statement.query([])?;
        let mut snapshot = Snapshot::default();
        let count: i64 = self.connection.query_row("SELECT count(*) FROM results", [], |row| row.get(0))?;
        snapshot.reserve(usize::try_from(count).unwrap_or(0));
        while let Some(row) = rows.next()? {
            snapshot.add(ActionKey(digest(row, 0)?), row.get_ref(1)?.as_blob().unwrap_or_default());
        }
        Ok(snapshot)
    }

    pub(super) fn spec(&self, key: ActionKey) -> Result<Option<String>, Trouble> {
        let mut statement = self.connection.prepare_cached("SELECT spec FROM runs WHERE key = ?1")?;
        let packed: Option<Vec<u8>> = statement.query_row([key.0.0], |row| row.get(0)).optional()?;
        Ok(packed.and_then(|packed| unpacked(&packed)).and_then(|spec| String::from_utf8(spec).ok()))
    }

    pub(super) fn last_success(&self, project: &str, node: &str) -> Result<Option<PastRun>, Trouble> {
        let mut statement = self.connection.prepare_cached(
            "SELECT nodes.node, key, kind, at, elapsed_ms, cpu_ms FROM nodes JOIN runs USING (key)
             WHERE nodes.project = ?1 AND nodes.node = ?2",
        )?;
        Ok(statement.query_row([project, node], past_run).optional()?)
    }

    pub(super) fn last_successes(&self, project: &str) -> Result<Vec<PastRun>, Trouble> {
        let mut statement = self.connection.prepare(
            "SELECT nodes.node, key, kind, at, elapsed_ms, cpu_ms FROM nodes JOIN runs USING (key)
             WHERE nodes.project = ?1 ORDER BY nodes.node",
        )?;
        let runs = statement.query_map([project], past_run)?.collect::<Result<_, _>>()?;
        Ok(runs)
    }

    /// See [`Store::mark_used`](super::Store::mark_used).
    pub(super) fn mark_used(
        &mut self,
        project: &str,
        plan: &[(&str, ActionKey)],
        now: UtcTime,
    ) -> Result<bool, Trouble> {
        const HOUR_NS: i64 = 3_600_000_000_000;
        let hour = now.0 / HOUR_NS;
        // Not encoded first: a plan is long, and digests are slow to encode.
        let mut bytes = Vec::with_capacity(plan.iter().map(|(node, _)| node.len() + 36).sum());
        for (node, key) in plan {
            bytes.extend_from_slice(&(node.len() as u32).to_le_bytes());
            bytes.extend_from_slice(node.as_bytes());
            bytes.extend_from_slice(&key.0.0);
        }
        bytes.extend_from_slice(&hour.to_le_bytes());
        let mark = Digest::derive("autocut 2026 plan in use", &bytes);
        let name = format!("plan {project}");
        if meta::<[u8; 32]>(&self.connection, &name)? == Some(mark.0) {
            return Ok(false);
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut node = transaction.prepare_cached(
                "INSERT INTO nodes VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET key = ?3 WHERE key <> ?3",
            )?;
            let mut used =
                transaction.prepare_cached("INSERT INTO uses VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = ?2")?;
            for (name, key) in plan {
                node.execute(params![project, name, key.0.0])?;
                used.execute(params![key.0.0, now.0])?;
            }
        }
        set_meta(&transaction, &name, mark.0)?;
        transaction.commit()?;
        Ok(true)
    }

    /// The bytes that the store holds, as far as that is known without looking,
    /// and when it was last collected; `None` where that is not known.
    pub(super) fn estimate(&self) -> Result<Option<(u64, UtcTime)>, Trouble> {
        let (bytes, at) = (meta::<i64>(&self.connection, "bytes")?, meta::<i64>(&self.connection, "collected")?);
        Ok(bytes.zip(at).map(|(bytes, at)| (bytes as u64, UtcTime(at))))
    }

    /// Notes that a collection left so many bytes.
    pub(super) fn note_collected(&self, bytes: u64, at: UtcTime) -> Result<(), Trouble> {
        set_meta(&self.connection, "bytes", bytes as i64)?;
        set_meta(&self.connection, "collected", at.0)
    }

    /// Gives room in the database's file back to the disk, where much of it is
    /// unused.
    pub(super) fn shrink(&self) -> Result<(), Trouble> {
        let number = |pragma: &str| -> Result<i64, Trouble> {
            Ok(self.connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))?)
        };
        if number("freelist_count")? * 2 > number("page_count")? {
            self.connection.execute_batch("VACUUM")?;
        }
        // Its rows say whether readers were in the way, which is no matter.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// What SQLite itself finds wrong with its file.
    pub(super) fn damage(&self) -> Result<Option<String>, Trouble> {
        let found: String = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok((found != "ok").then_some(found))
    }

    /// Every result with its node and kind, when it was last used, and what it
    /// takes up in the index itself; those least recently used first.
    pub(super) fn results_by_use(&self) -> Result<Vec<UsedResult>, Trouble> {
        let mut statement = self.connection.prepare(
            "SELECT results.key, result, node, kind, max(runs.at, coalesce(uses.at, 0)) AS used,
             length(result) + length(spec), shared.key IS NOT NULL
             FROM results JOIN runs USING (key) LEFT JOIN uses USING (key) LEFT JOIN shared USING (key)
             ORDER BY used, results.key",
        )?;
        let mut rows = statement.query([])?;
        let mut results = Vec::new();
        while let Some(row) = rows.next()? {
            results.push(UsedResult {
                key: ActionKey(digest(row, 0)?),
                result: open_sealed(row.get_ref(1)?.as_blob().unwrap_or_default()),
                node: row.get(2)?,
                kind: row.get(3)?,
                used: UtcTime(row.get(4)?),
                bytes: unsigned(row, 5)?,
                shared: row.get(6)?,
            });
        }
        Ok(results)
    }
}

/// A result as gc sees it.
#[derive(Debug)]
pub(super) struct UsedResult {
    pub key: ActionKey,
    /// `None` where it cannot be read.
    pub result: Option<ActionResult>,
    pub node: String,
    pub kind: String,
    pub used: UtcTime,
    pub bytes: u64,
    /// Whether its objects are in a shared store too.
    pub shared: bool,
}

const SELECT_RECORDS: &str =
    "SELECT key, result, node, kind, at, elapsed_ms, cpu_ms, spec, project FROM results JOIN runs USING (key)";

/// The record in a row of [`SELECT_RECORDS`]; `None` where it was damaged.
fn record(row: &Row<'_>) -> Result<Option<ActionRecord>, Trouble> {
    let Some(result) = open_sealed(row.get_ref(1)?.as_blob().unwrap_or_default()) else { return Ok(None) };
    let spec = unpacked(row.get_ref(7)?.as_blob().unwrap_or_default()).unwrap_or_default();
    Ok(Some(ActionRecord {
        key: ActionKey(digest(row, 0)?),
        result,
        node: row.get(2)?,
        kind: row.get(3)?,
        at: UtcTime(row.get(4)?),
        elapsed_ms: unsigned(row, 5)?,
        cpu_ms: unsigned(row, 6)?,
        spec: String::from_utf8(spec).unwrap_or_default(),
    }))
}

fn past_run(row: &Row<'_>) -> rusqlite::Result<PastRun> {
    Ok(PastRun {
        node: row.get(0)?,
        key: ActionKey(digest(row, 1)?),
        kind: row.get(2)?,
        at: UtcTime(row.get(3)?),
        elapsed_ms: unsigned(row, 4)?,
        cpu_ms: unsigned(row, 5)?,
    })
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    Ok(Digest(row.get(column)?))
}

/// SQLite's integers have a sign; ours are stored by their bits.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)? as u64)
}

fn meta<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<Option<T>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

fn set_meta(connection: &Connection, name: &str, value: impl rusqlite::ToSql) -> Result<(), Trouble> {
    connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?.execute(params![name, value])?;
    Ok(())
}

fn set_position(connection: &Connection, position: Position) -> Result<(), Trouble> {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&position.generation.to_be_bytes());
    bytes[8..].copy_from_slice(&position.end.to_be_bytes());
    set_meta(connection, "log", bytes)
}

#[cfg(test)]
mod tests;
