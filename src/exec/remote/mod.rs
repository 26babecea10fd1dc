//! What the driver has to do with a shared store: before actions run it is
//! asked for their results, a round of planning at a time; what other actions
//! read of them is fetched when they read it; and what was made here is
//! published.
//!
//! An action is *unasked*, *awaited* (its question is under way, and it waits)
//! or *answered*: found, or to be done here like any other. A found result is
//! only its record. Its objects are fetched when an action that runs here reads
//! them, except for those that somebody looks at: an output, the choice's
//! report, a still.
//!
//! All of it happens on threads of its own, which tell the driver by reports.
//! Trouble with the shared store ends its use for the rest of the build, with
//! one warning; what was awaited is then done here.

mod inquiry;
mod portable;
mod publisher;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

use crate::base::{Diagnostic, Digest, Tier};
use crate::exec::mailbox::Sender;
use crate::exec::settings::Settings;
use crate::exec::task::{Place, Report};
use crate::model::{ActionKey, Artifact, PlannedAction, encode};
use crate::store::remote::{Location, Remote};
use crate::store::{ActionRecord, Store};

use self::inquiry::{Gate, Voice, fetch, inquire};
use self::publisher::{Publication, Publisher};

/// A shared store in which nothing moves for so long is given up. (A share that
/// hangs does not even fail.)
const STUCK: Duration = Duration::from_secs(60);

/// How long the end of a build waits for what is still to be published.
const FAREWELL: Duration = Duration::from_secs(600);

/// The shared store that the settings name, if they do.
pub fn named(settings: &Settings) -> Option<Arc<Remote>> {
    let location = settings.remote.value.as_ref()?;
    Some(Arc::new(Remote::new(location, &settings.access, settings.remote_write.value)))
}

/// What a thread tells the driver.
#[derive(Debug)]
pub struct Answer {
    inquiry: u64,
    found: Vec<Hit>,
    /// Actions of which nothing usable is there.
    absent: Vec<ActionKey>,
    /// Results whose objects are here now, or cannot be had.
    settled: Vec<ActionKey>,
    /// Something unreadable was met.
    damage: Option<Diagnostic>,
    /// The inquiry is over, well or with trouble.
    over: Option<Result<(), Diagnostic>>,
}

impl Answer {
    fn to(inquiry: u64) -> Self {
        Answer { inquiry, found: Vec::new(), absent: Vec::new(), settled: Vec::new(), damage: None, over: None }
    }
}

/// A result that was found.
#[derive(Debug)]
pub struct Hit {
    /// Under the name that this project has for it.
    pub record: ActionRecord,
    pub action: Arc<PlannedAction>,
}

/// What an answer means for the driver.
#[derive(Debug, Default)]
pub struct News {
    pub found: Vec<Hit>,
    pub warnings: Vec<Diagnostic>,
}

/// How publishing ended.
#[derive(Debug, Default)]
pub struct Farewell {
    pub published: usize,
    /// It was not waited for.
    pub interrupted: bool,
    pub warning: Option<Diagnostic>,
}

/// The driver's side of the shared store.
pub struct Exchange {
    /// `None` where there is none, or none any more.
    shared: Option<Arc<Remote>>,
    /// Where it is, or was.
    location: Option<Location>,
    place: Place,
    reports: Sender<Report>,
    gate: Gate,
    /// Actions that were asked about, in this build, each once.
    asked: HashSet<ActionKey>,
    /// Results whose objects were asked for, each once.
    sought: HashSet<ActionKey>,
    /// What is under way: of which inquiry. 0: to be sent.
    awaited: HashMap<ActionKey, u64>,
    questions: Vec<Arc<PlannedAction>>,
    wants: Vec<(ActionKey, Vec<Artifact>)>,
    open: HashSet<u64>,
    next: u64,
    /// What the store's activity was, and since when.
    activity: (u64, Instant),
    told_of_damage: bool,
    publisher: Option<Publisher>,
    /// How much was published that no [`Farewell`] has told of yet.
    published: usize,
    /// What was given to it, in this build.
    made: HashSet<ActionKey>,
    /// The plan that is offered, for the store to note.
    offer: Option<Digest>,
}

impl Exchange {
    pub fn new(place: Place, reports: Sender<Report>) -> Self {
        Exchange {
            shared: None,
            location: None,
            place,
            reports,
            gate: Gate::default(),
            asked: HashSet::new(),
            sought: HashSet::new(),
            awaited: HashMap::new(),
            questions: Vec::new(),
            wants: Vec::new(),
            open: HashSet::new(),
            next: 1,
            activity: (0, Instant::now()),
            told_of_damage: false,
            publisher: None,
            published: 0,
            made: HashSet::new(),
            offer: None,
        }
    }

    /// A build begins, with this shared store. What an earlier one made is
    /// published on.
    pub fn begin(&mut self, shared: Option<Arc<Remote>>) {
        let published = self.note();
        let publisher = self.publisher.take();
        self.abandon();
        *self = Exchange {
            location: shared.as_ref().map(|shared| shared.location().clone()),
            shared,
            next: self.next,
            publisher,
            published,
            ..Exchange::new(self.place.clone(), self.reports.clone())
        };
    }

    /// Whether an action has to wait for what the shared store says of it. The
    /// first time, that is asked with the next [`send`](Self::send).
    pub fn asks(&mut self, action: &Arc<PlannedAction>) -> bool {
        if self.shared.is_none() {
            return false;
        }
        if self.asked.insert(action.key) {
            self.awaited.insert(action.key, 0);
            self.questions.push(Arc::clone(action));
            return true;
        }
        self.awaits(action.key)
    }

    /// Whether a result whose objects are not here has to be waited for, because
    /// they may come from the shared store.
    pub fn seeks(&mut self, maker: ActionKey, missing: impl FnOnce() -> Vec<Artifact>) -> bool {
        if self.shared.is_none() {
            return false;
        }
        if self.sought.insert(maker) {
            self.awaited.insert(maker, 0);
            self.wants.push((maker, missing()));
            // Should they not come, it is made here.
            self.asked.insert(maker);
            return true;
        }
        self.awaits(maker)
    }

    pub fn awaits(&self, key: ActionKey) -> bool {
        self.awaited.contains_key(&key)
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Sends what was asked since the last time, all at once.
    pub fn send(&mut self) {
        let Some(shared) = &self.shared else { return };
        let (remote, gate) = (shared.clone(), self.gate.clone());
        if self.open.is_empty() {
            self.activity = (remote.activity(), Instant::now());
        }
        if !self.questions.is_empty() {
            let questions = std::mem::take(&mut self.questions);
            let keys: Vec<ActionKey> = questions.iter().map(|action| action.key).collect();
            let (place, remote, gate) = (self.place.clone(), remote.clone(), gate.clone());
            self.start(&keys, move |voice| inquire(&remote, &place, &gate, questions, voice));
        }
        if !self.wants.is_empty() {
            let wants = std::mem::take(&mut self.wants);
            let keys: Vec<ActionKey> = wants.iter().map(|(key, _)| *key).collect();
            let place = self.place.clone();
            self.start(&keys, move |voice| fetch(&remote, &place, &gate, wants, voice));
        }
    }

    fn start(&mut self, keys: &[ActionKey], work: impl FnOnce(&mut Voice) -> Result<(), Diagnostic> + Send + 'static) {
        let inquiry = self.next;
        self.next += 1;
        self.open.insert(inquiry);
        self.awaited.extend(keys.iter().map(|key| (*key, inquiry)));
        let mut voice = Voice::new(self.reports.clone(), inquiry);
        std::thread::spawn(move || {
            let ended = work(&mut voice);
            voice.end(ended);
        });
    }

    /// Takes an answer in.
    pub fn take(&mut self, answer: Answer) -> News {
        let mut news = News::default();
        // Of an inquiry that was given up.
        if !self.open.contains(&answer.inquiry) {
            return news;
        }
        let found = answer.found.iter().map(|hit| hit.record.key);
        for key in found.chain(answer.absent).chain(answer.settled) {
            self.awaited.remove(&key);
        }
        news.found = answer.found;
        if let Some(damage) = answer.damage
            && !std::mem::replace(&mut self.told_of_damage, true)
        {
            news.warnings.push(damage);
        }
        match answer.over {
            None => {}
            Some(Ok(())) => {
                self.open.remove(&answer.inquiry);
                self.awaited.retain(|_, inquiry| *inquiry != answer.inquiry);
            }
            Some(Err(trouble)) => news.warnings.push(self.give_up(trouble)),
        }
        news
    }

    /// Looks whether anything still moves; the warning where nothing does.
    pub fn tend(&mut self) -> Option<Diagnostic> {
        let shared = self.shared.as_ref().filter(|_| !self.open.is_empty())?;
        let (activity, location) = (shared.activity(), shared.location());
        if activity != self.activity.0 {
            self.activity = (activity, Instant::now());
        }
        if self.activity.1.elapsed() < STUCK {
            return None;
        }
        let why = format!("the shared store {location} has not answered for {} s", STUCK.as_secs());
        Some(self.give_up(Diagnostic::warning(why)))
    }

    /// The shared store is not used any more in this build.
    fn give_up(&mut self, trouble: Diagnostic) -> Diagnostic {
        self.abandon();
        let trouble = Diagnostic { tier: Tier::Warning, ..trouble };
        let on = "this build goes on without it";
        match &trouble.hint {
            Some(hint) => Diagnostic { hint: Some(format!("{hint}; {on}")), ..trouble },
            None => trouble.hint(on),
        }
    }

    /// Waits for nothing any more.
    pub fn abandon(&mut self) {
        self.published = self.note();
        self.shared = None;
        self.gate.close();
        self.open.clear();
        self.awaited.clear();
        self.questions.clear();
        self.wants.clear();
        if let Some(publisher) = self.publisher.take() {
            publisher.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Tells the store of results that were found.
    pub fn adopt(&self, store: &Store, found: Vec<ActionRecord>) -> Result<(), Diagnostic> {
        match &self.location {
            Some(location) => store.adopt(location, found),
            None => Ok(()),
        }
    }

    /// Has results published that were made just now and that the store has
    /// recorded.
    pub fn publish(&mut self, keys: Vec<ActionKey>) {
        self.published = self.note();
        self.queue(keys, Publication::Made);
    }

    /// Has those results of a finished plan published that were known before
    /// there was this shared store. The same plan is offered once.
    pub fn offer(&mut self, store: &Store, plan: &[(&str, ActionKey)]) -> Result<(), Diagnostic> {
        let Some(location) = self.shared.as_ref().filter(|shared| shared.is_writable()).and(self.location.as_ref())
        else {
            return Ok(());
        };
        let keys: Vec<ActionKey> = plan.iter().map(|(_, key)| *key).collect();
        let offer = Digest::derive("autocut 2026 plan offered", &encode(&(location.digest(), &keys)));
        if store.is_offered(offer)? {
            return Ok(());
        }
        let shared = store.shared(location)?;
        let open = |key: &ActionKey| shared.binary_search(key).is_err() && !self.made.contains(key);
        let known: Vec<ActionKey> = keys.into_iter().filter(open).collect();
        if known.is_empty() && self.made.is_empty() {
            return store.mark_offered(offer);
        }
        self.offer = Some(offer);
        self.queue(known, Publication::Known);
        Ok(())
    }

    fn queue(&mut self, keys: Vec<ActionKey>, publication: fn(ActionKey) -> Publication) {
        let Some(shared) = self.shared.as_ref().filter(|shared| shared.is_writable() && !keys.is_empty()) else {
            return;
        };
        let publisher = self.publisher.get_or_insert_with(|| Publisher::start(shared.clone(), self.place.clone()));
        for key in keys {
            self.made.insert(key);
            // Whoever does not take it any more has told why, or will.
            let _ = publisher.queue.send(publication(key));
        }
    }

    /// All of the plan is there, or cannot be: a store that cannot note it is
    /// asked the same again next time.
    fn offered(&mut self) {
        if let Some(offer) = self.offer.take() {
            let _ = self.place.store.mark_offered(offer);
        }
    }

    /// Whether something is still to be published.
    pub fn is_publishing(&self) -> bool {
        self.publisher.is_some()
    }

    /// Has the store note what is published by now, which only the holder of its
    /// lock may; says how much that is that nobody was told of. What cannot be
    /// noted is asked for once more some day.
    fn note(&mut self) -> usize {
        let mut published = std::mem::take(&mut self.published);
        if let (Some(publisher), Some(location)) = (&self.publisher, &self.location) {
            let done = publisher.news.take();
            published += done.published;
            let _ = self.place.store.mark_shared(location, done.there);
        }
        published
    }

    /// Ends the dealings of one build, while publishing goes on.
    pub fn pause(&mut self) -> Farewell {
        let ended = self.publisher.as_ref().and_then(|publisher| publisher.ended.try_recv().ok());
        let published = self.note();
        let warning = ended.flatten().map(|trouble| self.give_up(trouble));
        let publisher = self.publisher.take().filter(|_| warning.is_none());
        self.abandon();
        self.publisher = publisher;
        Farewell { published, interrupted: false, warning }
    }

    /// Ends the dealings; waits for what is still to be published, unless it is
    /// `interrupted` or takes too long.
    pub fn finish(&mut self, interrupted: &AtomicBool) -> Farewell {
        let Some(publisher) = &mut self.publisher else {
            self.offered();
            let published = self.note();
            self.abandon();
            return Farewell { published, ..Farewell::default() };
        };
        // Nothing more comes.
        publisher.queue = crossbeam_channel::bounded(0).0;
        let (ended, stop) = (publisher.ended.clone(), publisher.stop.clone());
        let since = Instant::now();
        let ended = loop {
            match ended.recv_timeout(Duration::from_millis(20)) {
                Ok(ended) => break Some(ended),
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupted.load(Ordering::Relaxed) || since.elapsed() > FAREWELL {
                break None;
            }
        };
        stop.store(true, Ordering::Relaxed);
        let published = self.note();
        let location = self.location.as_ref().map(ToString::to_string).unwrap_or_default();
        let farewell = match ended {
            Some(trouble) => {
                if trouble.is_none() {
                    self.offered();
                }
                Farewell { published, interrupted: false, warning: trouble.map(|trouble| self.give_up(trouble)) }
            }
            None if interrupted.load(Ordering::Relaxed) => {
                Farewell { published, interrupted: true, ..Farewell::default() }
            }
            None => {
                let why = format!("not everything could be published to {location} in {} s", FAREWELL.as_secs());
                Farewell { published, warning: Some(Diagnostic::warning(why)), ..Farewell::default() }
            }
        };
        self.abandon();
        farewell
    }
}

#[cfg(test)]
mod tests;
