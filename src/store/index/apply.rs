//! What each record of the log changes in the tables.

use rusqlite::{Transaction, params};

use super::trouble::Trouble;
use crate::store::records::{Record, pack};
use crate::store::snapshot::sealed;
use crate::store::{builds, caches};

/// About what a record adds to the store: its objects, as if all were new, and
/// itself in the log and in the index.
pub(super) fn bytes_of(record: &Record) -> u64 {
    match record.parts().1 {
        Record::Action(done) => {
            let artifacts = done.result.artifacts.iter().map(|artifact| artifact.bytes).sum::<u64>();
            artifacts + 2 * (done.result.value.len() + done.spec.len()) as u64 + 500
        }
        Record::Build(build) => 2 * 64 * build.actions.len() as u64 + 1_000,
        _ => 200,
    }
}

/// Tables that have something about a result, each found by its key.
pub(super) const BY_KEY: [&str; 5] = ["results", "runs", "nodes", "uses", "shared"];

pub(super) fn apply(transaction: &Transaction<'_>, record: &Record) -> Result<(), Trouble> {
    let (project, record) = record.parts();
    match record {
        Record::Action(done) => {
            let key = done.key.0.0;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO results VALUES (?1, ?2)")?
                .execute(params![key, sealed(&done.result)])?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute(params![
                    key,
                    project,
                    done.node,
                    done.kind,
                    done.at.0,
                    done.elapsed_ms as i64,
                    done.cpu_ms as i64,
                    pack(done.spec.as_bytes())
                ])?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO nodes VALUES (?1, ?2, ?3)")?
                .execute(params![project, done.node, key])?;
            transaction.prepare_cached("DELETE FROM shared WHERE key = ?1")?.execute([key])?;
        }
        Record::Output(output) => caches::announce_output(transaction, project, output)?,
        Record::Forgotten(keys) => {
            for key in keys {
                for table in BY_KEY {
                    let delete = format!("DELETE FROM {table} WHERE key = ?1");
                    transaction.prepare_cached(&delete)?.execute([key.0.0])?;
                }
            }
        }
        Record::OutputForgotten(name) => {
            for table in ["outputs", "earlier_outputs"] {
                let delete = format!("DELETE FROM {table} WHERE project = ?1 AND name = ?2");
                transaction.prepare_cached(&delete)?.execute([project, name])?;
            }
        }
        Record::Build(build) => builds::put(transaction, project, build)?,
        Record::Folder(name) => {
            transaction.prepare_cached("INSERT OR REPLACE INTO folders VALUES (?1, ?2)")?.execute([project, name])?;
        }
        Record::FolderForgotten(name) => {
            let delete = "DELETE FROM folders WHERE project = ?1 AND name = ?2";
            transaction.prepare_cached(delete)?.execute([project, name])?;
        }
        Record::ProjectForgotten => {
            for table in ["nodes", "files", "outputs", "earlier_outputs", "folders", "builds"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE project = ?1"), [project])?;
            }
            transaction.execute("DELETE FROM meta WHERE name = ?1", [format!("plan {project}")])?;
        }
        // Records are about one project; this is none that was ever written.
        Record::Of { .. } => {}
        Record::Shared { place, keys } => {
            let mut share = transaction.prepare_cached("INSERT OR REPLACE INTO shared VALUES (?1, ?2)")?;
            for key in keys {
                share.execute([key.0.0, place.0])?;
            }
        }
    }
    Ok(())
}
