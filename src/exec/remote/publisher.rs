//! Publishing in the background: results that the store has recorded, a few
//! together, their objects first. The store notes what is there then.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::base::{Diagnostic, Digest};
use crate::exec::pool::Place;
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
    pub ended: Receiver<Ended>,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub published: usize,
    pub trouble: Option<Diagnostic>,
}

impl Publisher {
    pub(super) fn start(remote: Arc<Remote>, place: Place) -> Self {
        let (sender, queue) = unbounded();
        let (end, ended) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        std::thread::spawn(move || {
            let mut published = 0;
            let trouble = publish(&remote, &place, &queue, &stopped, &mut published).err();
            let _ = end.send(Ended { published, trouble });
        });
        Publisher { queue: sender, stop, ended }
    }
}

fn publish(
    remote: &Remote,
    place: &Place,
    queue: &Receiver<Publication>,
    stopped: &AtomicBool,
    published: &mut usize,
) -> Result<(), Diagnostic> {
    while let Ok(first) = queue.recv() {
        let together: Vec<Publication> = [first].into_iter().chain(queue.try_iter()).take(TOGETHER).collect();
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        let mut there = Vec::new();
        let keys = absent(remote, &together, &mut there)?;
        let records = place.store.records(&keys)?;
        let outputs = place.store.outputs()?;
        let parcels: Vec<Parcel> = records.into_iter().map(|record| parcel(place, &outputs, record)).collect();
        let done = remote.publish(&parcels, &mut |key| {
            *published += 1;
            there.push(key);
        });
        place.store.mark_shared(remote.location(), there)?;
        done?;
    }
    Ok(())
}

/// Those of the results that have to be published; the others are `there`.
fn absent(
    remote: &Remote,
    publications: &[Publication],
    there: &mut Vec<ActionKey>,
) -> Result<Vec<ActionKey>, Diagnostic> {
    let (mut absent, mut unclear) = (Vec::new(), Vec::new());
    for publication in publications {
        match publication {
            Publication::Made(key) => absent.push(*key),
            Publication::Known(key) => unclear.push(*key),
        }
    }
    remote.results(&unclear, &mut |key, found| {
        match found {
            Found::Known(record) if fits(&record) => there.push(key),
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
