//! Inquiries: what is asked of the shared store at once, on a thread of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::{Diagnostic, Digest};
use crate::exec::mailbox::Sender;
use crate::exec::task::{Place, Report};
use crate::model::{ActionKey, ActionSpec, Artifact, PlannedAction};
use crate::store::ActionRecord;
use crate::store::remote::{Fetched, Found, Remote};

use super::{Answer, Hit};

/// Answers are handed over at least this often: what has to be done here
/// should not wait for all others.
const HAND_OVER: Duration = Duration::from_millis(500);

/// Stands between threads that nobody waits for any more and the places that
/// others write to meanwhile.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Mutex<bool>>);

impl Gate {
    pub(super) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    fn is_open(&self) -> bool {
        !*self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something that must not happen once it is closed; `None` then.
    fn pass<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!*closed).then(work)
    }
}

/// A thread's way to the driver. When it is gone, however that came, the
/// inquiry is over.
pub(super) struct Voice {
    reports: Sender<Report>,
    answer: Answer,
    said: Instant,
}

impl Voice {
    pub(super) fn new(reports: Sender<Report>, inquiry: u64) -> Self {
        Voice { reports, answer: Answer::to(inquiry), said: Instant::now() }
    }

    /// Says how the inquiry ended, with the last that was gathered.
    pub(super) fn end(mut self, ended: Result<(), Diagnostic>) {
        self.answer.over = Some(ended);
    }

    /// Hands over what has gathered, if it is time for that.
    fn pause(&mut self) {
        if self.said.elapsed() >= HAND_OVER {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let next = Answer::to(self.answer.inquiry);
        let gathered = std::mem::replace(&mut self.answer, next);
        self.said = Instant::now();
        // Nobody listens any more only when the pool is gone.
        self.reports.send(Report::Remote(gathered));
    }

    fn damage(&mut self, remote: &Remote, what: &str, of: Digest, why: &str) {
        let message = format!("{what} {} in the shared store {} {why}", of.short(), remote.location());
        let on = "it is made here instead, and replaced where the shared store may be written";
        self.answer.damage.get_or_insert(Diagnostic::warning(message).hint(on));
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        if self.answer.over.is_none() {
            self.answer.over = Some(Err(Diagnostic::bug("a thread that asked the shared store panicked")));
        }
        self.hand_over();
    }
}

/// Whether people look at what an action made, and not only other actions.
fn is_looked_at(action: &PlannedAction) -> bool {
    action.output.is_some() || matches!(action.spec, ActionSpec::Choose(_) | ActionSpec::Still(_))
}

/// Asks for results, and fetches what people look at.
pub(super) fn inquire(
    remote: &Remote,
    place: &Place,
    gate: &Gate,
    questions: Vec<Arc<PlannedAction>>,
    voice: &mut Voice,
) -> Result<(), Diagnostic> {
    let keys: Vec<ActionKey> = questions.iter().map(|action| action.key).collect();
    let mut actions: HashMap<ActionKey, Arc<PlannedAction>> =
        questions.into_iter().map(|action| (action.key, action)).collect();
    let mut looked_at: Vec<Hit> = Vec::new();
    remote.results(&keys, &mut |key, found| {
        match found {
            Found::Known(record) => {
                let Some(action) = actions.remove(&key) else { return gate.is_open() };
                let result = &record.result;
                if action.spec.kind().fits(result.artifacts.len(), &result.value) {
                    let record = ActionRecord { node: action.node.clone(), ..*record };
                    let hit = Hit { record, action };
                    if is_looked_at(&hit.action) { looked_at.push(hit) } else { voice.answer.found.push(hit) }
                } else {
                    voice.damage(remote, "result", key.0, "is no result of this action");
                    voice.answer.absent.push(key);
                }
            }
            Found::Absent => voice.answer.absent.push(key),
            Found::Unreadable(why) => {
                voice.damage(remote, "result", key.0, why);
                voice.answer.absent.push(key);
            }
        }
        voice.pause();
        gate.is_open()
    })?;
    voice.hand_over();
    if !looked_at.is_empty() {
        place_all(remote, place, gate, looked_at, voice)?;
    }
    Ok(())
}

/// Fetches the artifacts of results and puts each where it belongs: an output
/// to its place, all else into the store.
fn place_all(remote: &Remote, place: &Place, gate: &Gate, hits: Vec<Hit>, voice: &mut Voice) -> Result<(), Diagnostic> {
    let scratch = place.store.scratch()?;
    let mut wanted: Vec<(Artifact, PathBuf)> = Vec::new();
    // Which of the hits each is for.
    let mut owners: Vec<usize> = Vec::new();
    // Each hit with the number of its artifacts that are still to come.
    let mut landing: Vec<Option<(Hit, usize)>> = Vec::new();
    for hit in hits {
        let here = |artifact: &&Artifact| hit.action.output.is_none() && place.store.objects().contains(**artifact);
        let missing: Vec<Artifact> =
            hit.record.result.artifacts.iter().filter(|artifact| !here(artifact)).copied().collect();
        for artifact in &missing {
            wanted.push((*artifact, scratch.path().join(wanted.len().to_string())));
            owners.push(landing.len());
        }
        match missing.len() {
            0 => voice.answer.found.push(hit),
            left => landing.push(Some((hit, left))),
        }
    }
    remote.files(&wanted, &mut |index, fetched| {
        let (Some((artifact, file)), Some(owner)) = (wanted.get(index), owners.get(index)) else { return true };
        let Some(slot) = landing.get_mut(*owner) else { return true };
        if let Some((mut hit, left)) = slot.take() {
            if fetched == Fetched::Damaged {
                voice.damage(remote, "object", artifact.digest, "is damaged");
            }
            let kept = match fetched {
                // Where it cannot be kept, the action runs and meets the same.
                Fetched::Here => gate.pass(|| keep(place, &mut hit, file).is_ok()).unwrap_or(false),
                Fetched::Absent | Fetched::Damaged => false,
            };
            match (kept, left) {
                (true, 1) => voice.answer.found.push(hit),
                (true, left) => *slot = Some((hit, left - 1)),
                (false, _) => voice.answer.absent.push(hit.record.key),
            }
        }
        voice.pause();
        gate.is_open()
    })
}

/// Gives a fetched file its place.
fn keep(place: &Place, hit: &mut Hit, file: &Path) -> Result<(), Diagnostic> {
    match &hit.action.output {
        Some(output) => place.store.take_output(&place.root, output, file, hit.record.key, place.force).map(drop),
        None => place.store.insert_file(file).map(drop),
    }
}

/// Fetches the objects of results that are known here without them.
pub(super) fn fetch(
    remote: &Remote,
    place: &Place,
    gate: &Gate,
    wants: Vec<(ActionKey, Vec<Artifact>)>,
    voice: &mut Voice,
) -> Result<(), Diagnostic> {
    let scratch = place.store.scratch()?;
    let mut wanted: Vec<(Artifact, PathBuf)> = Vec::new();
    let mut owners: Vec<ActionKey> = Vec::new();
    let mut left: HashMap<ActionKey, usize> = HashMap::new();
    for (key, artifacts) in wants {
        if artifacts.is_empty() {
            voice.answer.settled.push(key);
        }
        left.insert(key, artifacts.len());
        for artifact in artifacts {
            wanted.push((artifact, scratch.path().join(wanted.len().to_string())));
            owners.push(key);
        }
    }
    remote.files(&wanted, &mut |index, fetched| {
        let (Some((artifact, file)), Some(owner)) = (wanted.get(index), owners.get(index)) else { return true };
        match fetched {
            Fetched::Here => {
                // Where it cannot be kept, its action runs and meets the same.
                let _ = gate.pass(|| place.store.insert_file(file));
            }
            Fetched::Absent => {}
            Fetched::Damaged => voice.damage(remote, "object", artifact.digest, "is damaged"),
        }
        let left = left.entry(*owner).or_default();
        *left = left.saturating_sub(1);
        if *left == 0 {
            voice.answer.settled.push(*owner);
        }
        voice.pause();
        gate.is_open()
    })
}
