//! What was built: a record of each build that ran something or failed, for
//! `autocut log` and for explanations. A build with nothing to do leaves none.
//!
//! The last [`KEPT`] builds of each project are remembered; older ones are
//! dropped from the index at once and from the log when that is written anew.

use rusqlite::{Connection, OptionalExtension, params};

use crate::base::Diagnostic;
use crate::model;

use super::Store;
use super::index::{Index, Trouble, unsigned};
use super::records::{BuildRecord, Record, pack, unpacked};

/// How many builds of a project are remembered.
pub const KEPT: u64 = 500;

impl Store {
    /// Remembers a build and gives it the number that it has from now on. Only
    /// for the holder of the lock.
    pub fn record_build(&self, build: BuildRecord) -> Result<u64, Diagnostic> {
        let number = self.with(|inner| inner.index.last_build_number(&self.project))? + 1;
        let build = BuildRecord { number, ..build };
        self.append(vec![Record::Build(Box::new(build)).about(&self.project)])?;
        if number.is_multiple_of(KEPT) {
            // As many builds have become superfluous in the log.
            self.with(super::inner::Inner::rewrite_log)?;
        }
        Ok(number)
    }

    /// The builds of this project that are remembered, oldest first.
    pub fn builds(&self) -> Result<Vec<BuildRecord>, Diagnostic> {
        self.with(|inner| inner.index.builds(&self.project))
    }

    /// The build of this project with this number.
    pub fn build(&self, number: u64) -> Result<Option<BuildRecord>, Diagnostic> {
        self.with(|inner| inner.index.build(&self.project, number))
    }

    /// The last build of this project that was for this command.
    pub fn last_build(&self, command: &str) -> Result<Option<BuildRecord>, Diagnostic> {
        self.with(|inner| {
            let last = inner.index.last_build_number(&self.project)?;
            let oldest = last.saturating_sub(KEPT);
            for number in (oldest + 1..=last).rev() {
                let build = inner.index.build(&self.project, number)?;
                if build.as_ref().is_some_and(|build| build.command == command) {
                    return Ok(build);
                }
            }
            Ok(None)
        })
    }
}

impl Index {
    /// 0 where there was none.
    fn last_build_number(&self, project: &str) -> Result<u64, Trouble> {
        let mut statement = self.connection.prepare_cached("SELECT max(number) FROM builds WHERE project = ?1")?;
        let number: Option<i64> = statement.query_row([project], |row| row.get(0))?;
        Ok(number.unwrap_or(0) as u64)
    }

    fn builds(&self, project: &str) -> Result<Vec<BuildRecord>, Trouble> {
        let mut builds = Vec::new();
        self.each_build(&mut |of, build| {
            if of == project {
                builds.push(build);
            }
            Ok(())
        })?;
        Ok(builds)
    }

    fn build(&self, project: &str, number: u64) -> Result<Option<BuildRecord>, Trouble> {
        let select = "SELECT body FROM builds WHERE project = ?1 AND number = ?2";
        let mut statement = self.connection.prepare_cached(select)?;
        let body: Option<Vec<u8>> =
            statement.query_row(params![project, number as i64], |row| row.get(0)).optional()?;
        Ok(body.and_then(|body| decoded(&body)))
    }

    /// Every project that the index knows something of beside results.
    pub(super) fn projects(&self) -> Result<Vec<String>, Trouble> {
        let mut statement = self.connection.prepare(
            "SELECT project FROM outputs UNION SELECT project FROM builds UNION SELECT project FROM folders",
        )?;
        let projects = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(projects)
    }

    /// Hands on the builds of every project, each project's oldest first. One
    /// that cannot be read is left out.
    pub(super) fn each_build(
        &self,
        each: &mut dyn FnMut(&str, BuildRecord) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut statement =
            self.connection.prepare("SELECT project, number, body FROM builds ORDER BY project, number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let build = decoded(row.get_ref(2)?.as_blob().unwrap_or_default());
            if let Some(build) = build.filter(|build| unsigned(row, 1).is_ok_and(|number| number == build.number)) {
                each(&row.get::<_, String>(0)?, build)?;
            }
        }
        Ok(())
    }
}

/// Takes a build in, and drops what is too old now.
pub(super) fn put(connection: &Connection, project: &str, build: &BuildRecord) -> Result<(), Trouble> {
    let body = pack(&model::encode(build));
    connection.prepare_cached("INSERT OR REPLACE INTO builds VALUES (?1, ?2, ?3)")?.execute(params![
        project,
        build.number as i64,
        body
    ])?;
    connection
        .prepare_cached("DELETE FROM builds WHERE project = ?1 AND number <= ?2")?
        .execute(params![project, build.number.saturating_sub(KEPT) as i64])?;
    Ok(())
}

fn decoded(body: &[u8]) -> Option<BuildRecord> {
    model::decode(&unpacked(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::UtcTime;
    use crate::store::records::{BuildOutcome, BuiltAction, KindCount};
    use crate::store::tests::{Bench, key_of};

    fn build(n: i64) -> BuildRecord {
        BuildRecord {
            number: 0,
            command: "make".into(),
            targets: vec!["reel".into()],
            at: UtcTime(n),
            elapsed_ms: 1_200,
            outcome: BuildOutcome::Done,
            kinds: [("segment".to_owned(), KindCount { ran: 1, reused: 41, failed: 0, ran_ms: 900 })].into(),
            written: vec!["out/reel.mp4".into()],
            errors: Vec::new(),
            actions: vec![BuiltAction {
                key: key_of(7),
                node: "reel/clip/7".into(),
                kind: "segment".into(),
                elapsed_ms: 900,
                failed: None,
            }],
        }
    }

    #[test]
    fn builds_are_numbered_and_outlive_the_index() {
        let bench = Bench::new();
        assert_eq!(bench.store.last_build("make").unwrap(), None);
        for n in 1..=3 {
            assert_eq!(bench.store.record_build(build(n)).unwrap(), n as u64);
        }
        let check = || {
            let builds = bench.store.builds().unwrap();
            assert_eq!(
                builds.iter().map(|build| (build.number, build.at.0)).collect::<Vec<_>>(),
                [(1, 1), (2, 2), (3, 3)]
            );
            assert_eq!(bench.store.last_build("make").unwrap().as_ref(), builds.last());
            assert_eq!(bench.store.build(2).unwrap(), Some(BuildRecord { number: 2, ..build(2) }));
            assert_eq!(bench.store.build(4).unwrap(), None);
        };
        check();
        bench.store.rebuild_index().unwrap();
        check();
    }

    #[test]
    fn only_the_last_builds_are_kept_in_the_index_and_in_the_end_in_the_log() {
        let bench = Bench::new();
        let log = || std::fs::metadata(bench.path("records/log")).unwrap().len();
        for n in 1..2 * KEPT {
            bench.store.record_build(build(n as i64)).unwrap();
        }
        let (before, builds) = (log(), bench.store.builds().unwrap());
        assert_eq!((builds.len() as u64, builds[0].number), (KEPT, KEPT));
        bench.store.record_build(build(0)).unwrap();
        assert!(log() < before * 2 / 3, "{} after {before}", log());
        bench.store.rebuild_index().unwrap();
        let builds = bench.store.builds().unwrap();
        assert_eq!((builds.len() as u64, builds[0].number), (KEPT, KEPT + 1));
    }
}
