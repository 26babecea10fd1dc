//! What is wrong in a store, as people are told of it.

use crate::base::{Diagnostic, Diagnostics};
use crate::exec::storage::Storage;
use crate::model::kinds::KINDS;
use crate::store::Inspection;
use crate::store::space::size;
use crate::store::verify::{Damaged, Hollow};

/// What the check of a store came to.
#[derive(Debug)]
pub struct Checked {
    pub found: Inspection,
    /// Each thing that is wrong, and warnings of what is merely odd.
    pub problems: Diagnostics,
}

/// How many results a message names at most.
const NAMED: usize = 5;

/// Checks everything in the store. What is damaged is taken away, so that the
/// next build makes it anew; `repair` is for the holder of the lock.
pub fn check(storage: &Storage, repair: bool, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Checked, Diagnostic> {
    let found = storage.store.verify(&storage.root, repair, progress)?;
    let problems = Diagnostics(problems(&found, repair));
    Ok(Checked { found, problems })
}

fn problems(found: &Inspection, repaired: bool) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    // What was done about it, or will be.
    let done = |what: &str| match repaired {
        true => what.to_owned(),
        false => "nothing was changed: the store cannot be written".to_owned(),
    };
    if let Some(why) = &found.index {
        let problem = Diagnostic::environment(format!("the store's index is damaged: {why}"));
        problems.push(problem.hint(done("it was built anew from the log; nothing else is lost")));
    }
    if found.log.not_indexed > 0 {
        let what = counted(found.log.not_indexed, "record");
        let problem =
            Diagnostic::environment(format!("the store's index lacks {what} of the log, or has it otherwise"));
        problems.push(problem.hint(done("they were taken from the log")));
    }
    if found.log.lost > 0 {
        let what = counted(found.log.lost, "record");
        let problem = Diagnostic::environment(format!("the store's log lost {what} that the index has"));
        let problem = problem.note(format!("{} of it cannot be read", size(found.log.damaged_bytes)));
        problems.push(problem.hint(done("it was written anew from the index")));
    }
    if found.damaged_roots > 0 {
        let message = "what a project's last build needs is noted in a file that cannot be read";
        problems.push(
            Diagnostic::environment(message).hint(done("it was removed; that project's next build writes it again")),
        );
    }
    problems.extend(found.corrupt.iter().map(|damaged| corrupt(damaged, done)));
    // What lost an object that was just named is told with it.
    let named =
        |hollow: &&Hollow| !hollow.missing.iter().all(|digest| is_corrupt(found, digest)) || hollow.missing.is_empty();
    problems.extend(lost_results(found).filter(named).map(|lost| hollow(lost, done)));
    problems.extend(found.unreadable.iter().cloned());
    for name in &found.changed {
        let problem = Diagnostic::environment(format!("{name} is not what autocut wrote there"));
        problems.push(problem.hint("it stays; `autocut make --force` writes it anew"));
    }
    for name in &found.absent {
        let warning = Diagnostic::warning(format!("{name} was written and is not there any more"));
        problems.push(warning.hint("where it is still declared, `autocut make` writes it again"));
    }
    problems
}

fn is_corrupt(found: &Inspection, digest: &crate::base::Digest) -> bool {
    found.corrupt.iter().any(|damaged| damaged.artifact.digest == *digest)
}

/// Hollow results that are worth telling. A join's artifact is in the output
/// that it wrote, and the next join replaced that: nothing was lost.
fn lost_results(found: &Inspection) -> impl Iterator<Item = &Hollow> {
    let replaced = |hollow: &Hollow| {
        let kind = KINDS.iter().find(|kind| kind.name == hollow.kind);
        kind.is_some_and(|kind| kind.writes_output()) && !hollow.missing.is_empty()
    };
    found.hollow.iter().filter(move |hollow| !replaced(hollow))
}

fn corrupt(damaged: &Damaged, done: impl Fn(&str) -> String) -> Diagnostic {
    let object = damaged.artifact;
    let message = format!("object {} is corrupt: its content has another digest", object.digest.short());
    let mut problem = Diagnostic::environment(message).note(format!("it has {}", size(object.bytes)));
    for (kind, node) in damaged.needed_by.iter().take(NAMED) {
        problem = problem.note(format!("it belongs to {kind} {node}"));
    }
    match damaged.needed_by.len() {
        0 => problem.note("nothing needs it").hint(done("it was removed")),
        more => {
            if more > NAMED {
                problem = problem.note(format!("and to {} more", more - NAMED));
            }
            problem.hint(done("it was removed; the next `autocut make` that needs it makes it anew"))
        }
    }
}

fn hollow(hollow: &Hollow, done: impl Fn(&str) -> String) -> Diagnostic {
    let what = format!("the result of {} {}", hollow.kind, hollow.node);
    let message = match hollow.missing.as_slice() {
        [] => format!("{what} cannot be read"),
        [one] => format!("{what} lost its object {}", one.short()),
        [one, more @ ..] => format!("{what} lost its object {} and {} more", one.short(), more.len()),
    };
    let problem = Diagnostic::environment(message);
    problem.hint(done("it was forgotten; the next `autocut make` that needs it makes it anew"))
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
