//! What comes back: results, digests of files, answers of the shared store, and
//! what the store is to remember of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::{Bytes, Diagnostic, Tier, UtcTime};
use crate::exec::demand;
use crate::exec::event::{ActionState, Event};
use crate::exec::explain::basis::{Again, Basis};
use crate::exec::explain::provenance::provenance;
use crate::exec::remote::Answer;
use crate::exec::retry::Cause;
use crate::exec::task::{Finished, Report};
use crate::exec::worker::Failure;
use crate::graph::{FileInput, FileState};
use crate::inputs::{RealSystem, Remembered, System};
use crate::model::losses;
use crate::model::{ActionResult, PlannedAction, Runs, Usage};
use crate::store::ActionRecord;

use super::agenda::Running;
use super::{Driver, Phase};

/// How often what an action reads may turn out to be corrupt.
const MOST_SPOILED: usize = 4;

impl Driver<'_> {
    pub(super) fn take(&mut self, report: Report) {
        match report {
            Report::Hashed { file, result, elapsed } => self.take_content(file, result, elapsed),
            Report::Progress { key, done, total } => {
                if let Some(running) = self.agenda.running(key) {
                    self.say(&running.action.clone(), ActionState::Progress { done, total });
                }
            }
            Report::Finished(finished) => self.take_finished(finished),
            Report::Mistrusted { device, why } => self.mistrust(device, &why),
            Report::Idle { slot, position, kept } => {
                self.agenda.leave_slot(slot);
                match self.ahead.end(slot) {
                    Some(next) => self.begin_next(slot, next),
                    None => {
                        self.admission.release(slot, kept);
                        self.idle.insert(slot, position);
                    }
                }
            }
            Report::Remote(answer) => self.take_answer(answer),
        }
    }

    /// Takes in what was found out of a file.
    fn take_content(&mut self, file: FileInput, result: Result<Remembered, Diagnostic>, elapsed: Duration) {
        let holds = self.contents.end(file);
        let is_current = |found: &Remembered| holds || self.workspace.stat_of(file) == Some(found.stat);
        if !result.as_ref().map_or(holds, is_current) {
            self.again = true;
            return;
        }
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
                self.outputs.settle(path, hit.action.key, true);
                self.listener.event(&Event::Output { path, written: true });
            }
            self.fresh.push((hit.action.key, Some(Arc::new(hit.record.result.clone()))));
            self.adopted.push(hit.record);
        }
    }

    pub(super) fn take_finished(&mut self, finished: Finished) {
        let Some(Running { action, edits, device, .. }) = self.agenda.end(finished.key) else { return };
        let result = match finished.result {
            // What it read may be another since an edit: it runs again where it
            // is wanted still.
            Err(Failure::Refused(_) | Failure::Crashed(..)) if edits != self.edits => Err(Failure::Cancelled),
            result => result,
        };
        match result {
            Ok(result) => {
                // What it met in footage is told at the end, if it is still wanted.
                self.pass_on(&action, &result, &mut losses::Told::default());
                self.notebook.strike(&action);
                // Software is what the next may need.
                if device.is_none() {
                    self.learn(&action, finished.usage);
                }
                let elapsed = finished.elapsed;
                self.ahead.learn(&action.spec, elapsed);
                let basis = self.basis(&action);
                self.unrecorded.push(record(&action, &result, elapsed, finished.usage, &basis));
                self.history.ran(&action, elapsed);
                let result = Arc::new(result);
                *self.summary.ran.entry(action.spec.kind().name).or_default() += 1;
                self.say(&action, ActionState::Done { elapsed, usage: finished.usage });
                if let Some(path) = &action.output {
                    self.outputs.settle(path, action.key, true);
                    self.listener.event(&Event::Output { path, written: true });
                }
                self.fresh.push((action.key, Some(result)));
            }
            Err(Failure::Refused(problem)) => self.try_again_or_fail(action, Cause::of_refusal(&problem), problem),
            Err(Failure::Crashed(cause, problem)) => {
                // Drivers crash and hang: the next try is without.
                if let Some(device) = device.filter(|_| matches!(cause, Cause::Died | Cause::Hung)) {
                    self.mistrust(device, &problem);
                }
                self.try_again_or_fail(action, cause, problem);
            }
            Err(Failure::Spoiled(why)) if self.agenda.count_failure(action.key) < MOST_SPOILED => {
                self.say(&action, ActionState::Retried { why: &why, delay: Duration::ZERO });
                self.warn(why);
                self.again = self.phase != Phase::Stopping;
            }
            Err(Failure::Spoiled(why)) => {
                let hint = "the disk may be failing";
                self.fail(&action, Diagnostic { tier: Tier::Environment, ..why }.hint(hint));
            }
            // It runs again where it is wanted again.
            Err(Failure::Cancelled) => {
                self.say(&action, ActionState::Cancelled);
                self.again = self.phase != Phase::Stopping;
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
        basis.again = self.outputs.why_again(action.key);
        if basis.previous == Some(action.key) {
            basis.again = basis.again.or(Some(Again::ObjectGone));
        }
        basis
    }

    /// Says what people should be told of a result each time it is used, but for
    /// what is told at the end, of each file as one.
    pub(super) fn pass_on(&mut self, action: &PlannedAction, result: &ActionResult, later: &mut losses::Told) {
        for warning in &result.warnings {
            let told = self.workspace.told(action, warning);
            if !later.take(&told, action.spec.shows_footage()) {
                self.warn(Diagnostic::warning(told));
            }
        }
    }

    /// Tells the store what came back, many at once. A store that cannot be
    /// written stops the build: what is not remembered would be made again.
    pub(super) fn remember(&mut self) {
        self.remembered = Instant::now();
        let store = &self.workspace.store;
        let told =
            self.exchange.adopt(store, self.adopted.clone()).and_then(|()| store.record(self.unrecorded.clone()));
        match told.and_then(|()| store.remember_files(&self.hashed)) {
            Ok(()) => {
                self.adopted.clear();
                self.hashed.clear();
                let made = self.unrecorded.drain(..).map(|record| record.key).collect();
                self.exchange.publish(made);
            }
            // Kept for another try at the end: there may be room by then.
            Err(problem) => self.stop_for(problem),
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
