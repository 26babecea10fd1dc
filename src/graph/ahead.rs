//! The first plan of a database, worked out by several threads.
//!
//! What each clip consists of is looked into side by side; the query of an
//! output then finds all of it known and only puts it together, in its order.
//! So nothing that is planned depends on which thread was first.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::graph::clips::{self, ShotRun};
use crate::graph::outputs::{self, FileRun};
use crate::graph::{Database, Project};

/// What one thread looks into at a time.
enum Part<'db> {
    Shots(ShotRun<'db>),
    Files(FileRun<'db>),
}

/// Looks into the outputs that `targets` names (all where it names none) with so
/// many threads. Worth it where little is known of the plan yet.
pub fn plan(db: &Database, project: Project, targets: &[String], threads: usize) {
    let count = parts(db, project, targets).len();
    let next = AtomicUsize::new(0);
    let work = |db: &Database| {
        let parts = parts(db, project, targets);
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            match part {
                Part::Shots(run) => drop(clips::rendered_run(db, *run)),
                Part::Files(run) => drop(outputs::delivered(db, project, *run)),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            let db = db.clone();
            scope.spawn(move || work(&db));
        }
        if threads.min(count) > 1 {
            work(db);
        }
    });
}

/// The parts of the outputs, as far as it is known what they show.
fn parts<'db>(db: &'db Database, project: Project, targets: &[String]) -> Vec<Part<'db>> {
    let mut parts = Vec::new();
    for index in outputs::wanted(db, project, targets) {
        let runs = outputs::files(db, project, index).value.iter().flat_map(|runs| runs.iter());
        for run in runs {
            match run.files(db).as_slice() {
                [file] if file.shots.len() > 1 => {
                    parts.extend(clips::runs(db, &file.shots).into_iter().map(Part::Shots))
                }
                _ => parts.push(Part::Files(*run)),
            }
        }
    }
    parts
}
