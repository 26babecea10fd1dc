//! The tables of the index that are about files: digests of footage, outputs
//! and their folders, and what the toolchain said of itself.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::base::Digest;
use crate::inputs::{FileStat, Remembered};
use crate::model::ActionKey;

use super::index::{Index, Trouble, digest, unsigned};
use super::records::OutputRecord;

impl Index {
    /// Every file of a project whose digest is known, by name.
    pub(super) fn files(&self, project: &str) -> Result<BTreeMap<String, Remembered>, Trouble> {
        let mut statement = self.connection.prepare(
            "SELECT name, digest, hashed_ns, device, inode, size, mtime_ns, ctime_ns FROM files WHERE project = ?1",
        )?;
        let files = statement.query_map([project], |row| Ok((row.get(0)?, remembered(row)?)))?;
        Ok(files.collect::<Result<_, _>>()?)
    }

    pub(super) fn remember_files(&mut self, project: &str, files: &[(String, Remembered)]) -> Result<(), Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (name, file) in files {
            let Remembered { digest, stat, hashed_ns } = file;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
                .execute(params![
                    project,
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

    pub(super) fn forget_files(&mut self, project: &str, names: &[String]) -> Result<(), Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for name in names {
            let delete = "DELETE FROM files WHERE project = ?1 AND name = ?2";
            transaction.prepare_cached(delete)?.execute([project, name])?;
        }
        Ok(transaction.commit()?)
    }

    /// The outputs of a project, by name.
    pub(super) fn outputs(&self, project: &str) -> Result<Vec<OutputRecord>, Trouble> {
        let mut statement = self.connection.prepare(&format!("{SELECT_OUTPUTS} WHERE project = ?1 ORDER BY name"))?;
        let outputs = statement.query_map([project], output)?.collect::<Result<_, _>>()?;
        Ok(outputs)
    }

    pub(super) fn output(&self, project: &str, name: &str) -> Result<Option<OutputRecord>, Trouble> {
        let select = format!("{SELECT_OUTPUTS} WHERE project = ?1 AND name = ?2");
        let mut statement = self.connection.prepare_cached(&select)?;
        Ok(statement.query_row([project, name], output).optional()?)
    }

    /// The outputs of this name that other projects have written.
    pub(super) fn outputs_elsewhere(&self, project: &str, name: &str) -> Result<Vec<OutputRecord>, Trouble> {
        let select = format!("{SELECT_OUTPUTS} WHERE project <> ?1 AND name = ?2 ORDER BY project");
        let mut statement = self.connection.prepare_cached(&select)?;
        let outputs = statement.query_map([project, name], output)?.collect::<Result<_, _>>()?;
        Ok(outputs)
    }

    /// Hands on every output of every project.
    pub(super) fn each_output(
        &self,
        each: &mut dyn FnMut(&str, OutputRecord) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut statement = self.connection.prepare(&format!("{SELECT_OUTPUTS} ORDER BY project, name"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(&row.get::<_, String>(9)?, output(row)?)?;
        }
        Ok(())
    }

    /// What the place `name` (or any) of a project may hold instead of its newest
    /// output, because nobody has seen that there.
    pub(super) fn earlier_outputs(&self, project: &str, name: Option<&str>) -> Result<Vec<OutputRecord>, Trouble> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, digest, hashed_ns, device, inode, size, mtime_ns, ctime_ns, key FROM earlier_outputs
             WHERE project = ?1 AND (?2 IS NULL OR name = ?2) ORDER BY name, hashed_ns",
        )?;
        let outputs = statement.query_map(params![project, name], output)?.collect::<Result<_, _>>()?;
        Ok(outputs)
    }

    /// Hands on every earlier output of every project.
    pub(super) fn each_earlier_output(
        &self,
        each: &mut dyn FnMut(&str, OutputRecord) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut statement = self.connection.prepare(
            "SELECT name, digest, hashed_ns, device, inode, size, mtime_ns, ctime_ns, key, project FROM earlier_outputs
             ORDER BY project, name, hashed_ns",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(&row.get::<_, String>(9)?, output(row)?)?;
        }
        Ok(())
    }

    /// Notes that an output was seen in its place, with the stat that it has
    /// now; not worth a record.
    pub(super) fn refresh_output(&mut self, project: &str, output: &OutputRecord) -> Result<(), Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        put_output(&transaction, project, output)?;
        let delete = "DELETE FROM earlier_outputs WHERE project = ?1 AND name = ?2";
        transaction.prepare_cached(delete)?.execute([project, output.name.as_str()])?;
        Ok(transaction.commit()?)
    }

    /// The folders that were made for a project's outputs, by name.
    pub(super) fn folders(&self, project: &str) -> Result<Vec<String>, Trouble> {
        let mut statement = self.connection.prepare("SELECT name FROM folders WHERE project = ?1 ORDER BY name")?;
        let folders = statement.query_map([project], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(folders)
    }

    /// Hands on every folder of every project.
    pub(super) fn each_folder(&self, each: &mut dyn FnMut(&str, String) -> Result<(), Trouble>) -> Result<(), Trouble> {
        let mut statement = self.connection.prepare("SELECT project, name FROM folders ORDER BY project, name")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(&row.get::<_, String>(0)?, row.get(1)?)?;
        }
        Ok(())
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
    "SELECT name, digest, hashed_ns, device, inode, size, mtime_ns, ctime_ns, key, project FROM outputs";

fn output(row: &Row<'_>) -> rusqlite::Result<OutputRecord> {
    Ok(OutputRecord { name: row.get(0)?, key: ActionKey(digest(row, 8)?), written: remembered(row)? })
}

/// Takes in an output that is about to get its place. What the place holds until
/// then stays known.
pub(super) fn announce_output(connection: &Connection, project: &str, output: &OutputRecord) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO earlier_outputs
             SELECT * FROM outputs WHERE project = ?1 AND name = ?2 AND digest <> ?3",
        )?
        .execute(params![project, output.name, output.written.digest.0])?;
    put_output(connection, project, output)
}

fn put_output(connection: &Connection, project: &str, output: &OutputRecord) -> Result<(), Trouble> {
    let Remembered { digest, stat, hashed_ns } = output.written;
    connection
        .prepare_cached("INSERT OR REPLACE INTO outputs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
        .execute(params![
            project,
            output.name,
            digest.0,
            hashed_ns,
            stat.device as i64,
            stat.inode as i64,
            stat.size as i64,
            stat.mtime_ns,
            stat.ctime_ns,
            output.key.0.0
        ])?;
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
