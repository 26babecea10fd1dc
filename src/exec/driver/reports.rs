//! What comes back: results, digests of files, answers of the shared store, and
//! what the store is to remember of them.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Bytes, Diagnostic, UtcTime};
use crate::exec::demand;
use crate::exec::event::{ActionState, Event};
use crate::exec::explain::basis::{Again, Basis};
use crate::exec::explain::provenance::provenance;
use crate::exec::pool::{Finished, Report};
use crate::exec::remote::Answer;
use crate::exec::retry::Cause;
use crate::exec::worker::Failure;
use crate::graph::FileState;
use crate::inputs::{RealSystem, System};
use crate::model::{ActionKey, ActionResult, PlannedAction, Runs, Usage};
use crate::store::ActionRecord;

use super::{Driver, Running};

impl Driver<'_> {
    pub(super) fn take(&mut self, report: Report) {
        match report {
            Report::Hashed { file, result, elapsed } => {
                self.hashing = self.hashing.saturating_sub(1);
                match result {
                    Ok(hashed) => {
                        let name = self.workspace.name_of(file);
                        self.listener.event(&Event::Hashing { path: &name, bytes: hashed.stat.size, elapsed });
                        self.workspace.set_content(file, hashed.digest, hashed.stat);
                        self.fresh_files.push((file, FileState::Known(hashed.digest)));
                        self.hashed.push((name, hashed));
                    }
                    Err(problem) => self.lose(file, problem),
                }
            }
            Report::Progress { key, done, total } => {
                if let Some(running) = self.running.get(&key) {
                    self.say(&running.action.clone(), ActionState::Progress { done, total });
                }
            }
            Report::Finished(finished) => self.take_finished(finished),
            Report::Idle { slot, position, kept } => {
                self.admission.release(slot, kept);
                self.idle.insert(slot, position);
            }
            Report::Remote(answer) => self.take_answer(answer),
        }
    }

    /// Takes in what the shared store said.
    pub(super) fn take_answer(&mut self, answer: Answer) {
        let news = self.exchange.take(answer);
        self.answered = true;
        for warning in news.warnings {
            self.warn(warning);
        }
        for hit in news.found {
            self.summary.fetched += 1;
            self.say(&hit.action, ActionState::Fetched);
            if let Some(path) = &hit.action.output {
                self.placed.insert(path.clone(), true);
                self.listener.event(&Event::Output { path, written: true });
            }
            self.fresh.push((hit.action.key, Some(Arc::new(hit.record.result.clone()))));
            self.adopted.push(hit.record);
        }
    }

    pub(super) fn take_finished(&mut self, finished: Finished) {
        let Some(Running { action, started, .. }) = self.running.remove(&finished.key) else { return };
        let result = finished.result.and_then(|result| match self.workspace.changed(&action) {
            None => Ok(result),
            Some(problem) => Err(Failure::Refused(problem)),
        });
        match result {
            Ok(result) => {
                self.pass_on(&action, &result);
                self.notebook.strike(&action);
                self.learn(&action, finished.usage);
                let elapsed = started.elapsed();
                let basis = self.basis(&action);
                self.unrecorded.push(record(&action, &result, elapsed, finished.usage, &basis));
                self.history.ran(&action, elapsed);
                let result = Arc::new(result);
                *self.summary.ran.entry(action.spec.kind().name).or_default() += 1;
                self.say(&action, ActionState::Done { elapsed, usage: finished.usage });
                if let Some(path) = &action.output {
                    self.placed.insert(path.clone(), true);
                    self.listener.event(&Event::Output { path, written: true });
                }
                self.fresh.push((action.key, Some(result)));
            }
            Err(Failure::Refused(problem)) => self.try_again_or_fail(action, Cause::of_refusal(&problem), problem),
            Err(Failure::Crashed(cause, problem)) => self.try_again_or_fail(action, cause, problem),
            Err(Failure::Spoiled(why)) => {
                self.say(&action, ActionState::Retried { why: &why, delay: Duration::ZERO });
                self.warn(why);
                self.submitted.remove(&action.key);
                self.again = !self.stopping;
            }
            // It runs again where it is wanted again.
            Err(Failure::Cancelled) => {
                self.submitted.remove(&action.key);
                self.say(&action, ActionState::Cancelled);
            }
        }
    }

    /// Learns how much memory an action took.
    pub(super) fn learn(&mut self, action: &PlannedAction, usage: Usage) {
        let kind = action.spec.kind();
        if kind.runs == Runs::Media && usage.peak_kib > 0 {
            let class = demand::class(&self.workspace.db, &action.spec);
            self.estimates.learn(kind, class, Bytes(usage.peak_kib << 10));
        }
    }

    /// On what a result rests, and what its node had before: for explanations.
    pub(super) fn basis(&self, action: &PlannedAction) -> Basis {
        let mut basis = provenance(self.workspace, &self.known, action);
        // An index that cannot be read leaves a reason untold, no more.
        basis.previous = self.workspace.store.last_success(&action.node).ok().flatten().map(|last| last.key);
        basis.again = self.displaced.get(&action.key).copied();
        if basis.previous == Some(action.key) {
            basis.again = basis.again.or(Some(Again::ObjectGone));
        }
        basis
    }

    /// Says what people should be told of a result each time it is used.
    pub(super) fn pass_on(&mut self, action: &PlannedAction, result: &ActionResult) {
        for warning in &result.warnings {
            let subject = self.workspace.subject(action);
            self.warn(Diagnostic::warning(format!("{subject}: {warning}")));
        }
    }

    /// Tells the store what came back, many at once. A store that cannot be
    /// written stops the build: what is not remembered would be made again.
    pub(super) fn remember(&mut self) {
        let store = &self.workspace.store;
        let records = std::mem::take(&mut self.unrecorded);
        let adopted = std::mem::take(&mut self.adopted);
        let hashed = std::mem::take(&mut self.hashed);
        let made: Vec<ActionKey> = records.iter().map(|record| record.key).collect();
        let told = self.exchange.adopt(store, adopted).and_then(|()| store.record(records));
        match told.and_then(|()| store.remember_files(&hashed)) {
            Ok(()) => self.exchange.publish(made),
            Err(problem) => {
                self.complain(problem);
                self.stopping = true;
            }
        }
    }
}

/// What the store remembers of an action that was done.
fn record(
    action: &PlannedAction,
    result: &ActionResult,
    elapsed: Duration,
    usage: Usage,
    basis: &Basis,
) -> ActionRecord {
    ActionRecord {
        key: action.key,
        result: result.clone(),
        node: action.node.clone(),
        kind: action.spec.kind().name.to_owned(),
        at: UtcTime(RealSystem.now_ns()),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        cpu_ms: usage.cpu_ms(),
        spec: basis.to_json(),
    }
}
