//! The tables of the index that are about files: digests of footage, outputs,
//! and what the toolchain said of itself.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::base::Digest;
use crate::inputs::{FileStat, Remembered};
use crate::model::ActionKey;

use super::index::{Index, Trouble, digest, unsigned};
use super::records::OutputRecord;

impl Index {
    /// Every file whose digest is known, by name.
    pub(super) fn files(&self) -> Result<BTreeMap<String, Remembered>, Trouble> {
        let mut statement = self
            .connection
            .prepare("SELECT name, digest, hashed_ns, device, inode, size, mtime_ns, ctime_ns FROM files")?;
        let files = statement.query_map([], |row| Ok((row.get(0)?, remembered(row)?)))?.collect::<Result<_, _>>()?;
        Ok(files)
    }

    pub(super) fn remember_files(&mut self, files: &[(String, Remembered)]) -> Result<(), Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (name, file) in files {
            let Remembered { digest, stat, hashed_ns } = file;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute(params![
                    name,
                    digest.0,
                    hashed_ns,
                    stat.device as i64,
                    stat.inode as i64,
                    stat.size as i64,
                    stat.mtime_ns,
                    stat.ctime_ns
                ])?;
        }
        Ok(transaction.commit()?)
    }

    pub(super) fn forget_files(&mut self, names: &[String]) -> Result<(), Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for name in names {
            transaction.prepare_cached("DELETE FROM files WHERE name = ?1")?.execute([name])?;
        }
        Ok(transaction.commit()?)
    }

    pub(super) fn outputs(&self) -> Result<Vec<OutputRecord>, Trouble> {
        let mut statement = self.connection.prepare(&format!("{SELECT_OUTPUTS} ORDER BY name"))?;
        let outputs = statement.query_map([], output)?.collect::<Result<_, _>>()?;
        Ok(outputs)
    }

    pub(super) fn output(&self, name: &str) -> Result<Option<OutputRecord>, Trouble> {
        let mut statement = self.connection.prepare_cached(&format!("{SELECT_OUTPUTS} WHERE name = ?1"))?;
        Ok(statement.query_row([name], output).optional()?)
    }

    /// What the place `name` (or any) may hold instead of its newest output,
    /// because nobody has seen that there.
    pub(super) fn earlier_outputs(&self, name: Option<&str>) -> Result<Vec<OutputRecord>, Trouble> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, digest, hashed_ns, device, inode, size, mtime_ns, ctime_ns, key FROM earlier_outputs
             WHERE ?1 IS NULL OR name = ?1 ORDER BY name, hashed_ns",
        )?;
        let outputs = statement.query_map([name], output)?.collect::<Result<_, _>>()?;
        Ok(outputs)
    }

    /// Notes that an output was seen in its place, with the stat that it has
    /// now; not worth a record.
    pub(super) fn refresh_output(&mut self, output: &OutputRecord) -> Result<(), Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        put_output(&transaction, output)?;
        transaction.prepare_cached("DELETE FROM earlier_outputs WHERE name = ?1")?.execute([&output.name])?;
        Ok(transaction.commit()?)
    }

    pub(super) fn toolchain(&self, key: Digest) -> Result<Option<Vec<u8>>, Trouble> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM toolchains WHERE key = ?1")?;
        Ok(statement.query_row([key.0], |row| row.get(0)).optional()?)
    }

    pub(super) fn remember_toolchain(&mut self, key: Digest, value: &[u8]) -> Result<(), Trouble> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO toolchains VALUES (?1, ?2)")?
            .execute(params![key.0, value])?;
        Ok(())
    }
}

const SELECT_OUTPUTS: &str =
    "SELECT name, digest, hashed_ns, device, inode, size, mtime_ns, ctime_ns, key FROM outputs";

fn output(row: &Row<'_>) -> rusqlite::Result<OutputRecord> {
    Ok(OutputRecord { name: row.get(0)?, key: ActionKey(digest(row, 8)?), written: remembered(row)? })
}

/// Takes in an output that is about to get its place. What the place holds until
/// then stays known.
pub(super) fn announce_output(connection: &Connection, output: &OutputRecord) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO earlier_outputs SELECT * FROM outputs WHERE name = ?1 AND digest <> ?2",
        )?
        .execute(params![output.name, output.written.digest.0])?;
    put_output(connection, output)
}

fn put_output(connection: &Connection, output: &OutputRecord) -> Result<(), Trouble> {
    let Remembered { digest, stat, hashed_ns } = output.written;
    connection.prepare_cached("INSERT OR REPLACE INTO outputs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?.execute(
        params![
            output.name,
            digest.0,
            hashed_ns,
            stat.device as i64,
            stat.inode as i64,
            stat.size as i64,
            stat.mtime_ns,
            stat.ctime_ns,
            output.key.0.0
        ],
    )?;
    Ok(())
}

/// Out of a row `name, digest, hashed_ns, device, inode, size, mtime, ctime`.
fn remembered(row: &Row<'_>) -> rusqlite::Result<Remembered> {
    Ok(Remembered {
        digest: digest(row, 1)?,
        hashed_ns: row.get(2)?,
        stat: FileStat {
            device: unsigned(row, 3)?,
            inode: unsigned(row, 4)?,
            size: unsigned(row, 5)?,
            mtime_ns: row.get(6)?,
            ctime_ns: row.get(7)?,
        },
    })
}
