//! Publishing in the background: results that the store has recorded, a few
//! together, their objects first.
//!
//! It goes on between the builds of one who watches, when the store's lock is
//! anybody's: so it only reads the store. What is there now is noted by the
//! driver, while that holds the lock.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::base::{Diagnostic, Digest};
use crate::exec::task::Place;
use crate::model::{ActionKey, Artifact, Kind};
use crate::store::remote::{Found, Parcel, Remote};
use crate::store::{ActionRecord, OutputRecord};

use super::portable::portable;

/// Results that are published together, at most: so much is in memory of what
/// waits. Of the rest there are only keys.
const TOGETHER: usize = 64;

/// What is to be published.
#[derive(Clone, Copy, Debug)]
pub(super) enum Publication {
    /// Made just now, because it was not there.
    Made(ActionKey),
    /// Known for longer: it may be there.
    Known(ActionKey),
}

/// A thread that publishes.
pub(super) struct Publisher {
    pub queue: Sender<Publication>,
    /// Ends it after what it is just doing.
    pub stop: Arc<AtomicBool>,
    /// How it ended, once it did: with this trouble, or well.
    pub ended: Receiver<Option<Diagnostic>>,
    pub news: News,
}

/// What it did that nobody has noted yet.
#[derive(Clone, Default)]
pub(super) struct News(Arc<Mutex<Done>>);

#[derive(Default)]
pub(super) struct Done {
    pub published: usize,
    /// Results that are in the shared store, with their objects.
    pub there: Vec<ActionKey>,
}

impl News {
    pub(super) fn take(&self) -> Done {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, published: usize, key: ActionKey) {
        let mut done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        done.published += published;
        done.there.push(key);
    }
}

impl Publisher {
    pub(super) fn start(remote: Arc<Remote>, place: Place) -> Self {
        let (sender, queue) = unbounded();
        let (end, ended) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, news) = (stop.clone(), News::default());
        let told = news.clone();
        std::thread::spawn(move || {
            let _ = end.send(publish(&remote, &place, &queue, &stopped, &told).err());
        });
        Publisher { queue: sender, stop, ended, news }
    }
}

fn publish(
    remote: &Remote,
    place: &Place,
    queue: &Receiver<Publication>,
    stopped: &AtomicBool,
    news: &News,
) -> Result<(), Diagnostic> {
    while let Ok(first) = queue.recv() {
        let together: Vec<Publication> = [first].into_iter().chain(queue.try_iter()).take(TOGETHER).collect();
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        let keys = absent(remote, &together, news)?;
        let records = place.store.records(&keys)?;
        let outputs = place.store.outputs()?;
        let parcels: Vec<Parcel> = records.into_iter().map(|record| parcel(place, &outputs, record)).collect();
        remote.publish(&parcels, &mut |key| news.add(1, key))?;
    }
    Ok(())
}

/// Those of the results that have to be published; the others are there.
fn absent(remote: &Remote, publications: &[Publication], news: &News) -> Result<Vec<ActionKey>, Diagnostic> {
    let (mut absent, mut unclear) = (Vec::new(), Vec::new());
    for publication in publications {
        match publication {
            Publication::Made(key) => absent.push(*key),
            Publication::Known(key) => unclear.push(*key),
        }
    }
    remote.results(&unclear, &mut |key, found| {
        match found {
            Found::Known(record) if fits(&record) => news.add(0, key),
            Found::Known(_) | Found::Absent | Found::Unreadable(_) => absent.push(key),
        }
        true
    })?;
    Ok(absent)
}

/// Whether others can use a result that is there.
fn fits(record: &ActionRecord) -> bool {
    let result = &record.result;
    Kind::named(&record.kind).is_some_and(|kind| kind.fits(result.artifacts.len(), &result.value))
}

/// A result with the places of its artifacts: objects, or the output that the
/// action wrote.
fn parcel(place: &Place, outputs: &[OutputRecord], record: ActionRecord) -> Parcel {
    let written =
        |digest: Digest| outputs.iter().find(|output| output.key == record.key && output.written.digest == digest);
    let find = |artifact: &Artifact| -> (Artifact, PathBuf) {
        match written(artifact.digest) {
            Some(output) => (*artifact, place.root.join(&output.name)),
            None => (*artifact, place.store.path(artifact.digest)),
        }
    };
    let files = record.result.artifacts.iter().map(find).collect();
    Parcel { record: portable(record), files }
}
