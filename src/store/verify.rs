//! Checking all that a store holds: every object against its digest, every
//! result against its objects, the log against the index, and every output
//! against what was written.
//!
//! What is found to be damaged is taken away where that is asked for, so that
//! nobody builds on it and the next build makes it anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::base::{Diagnostic, Digest};
use crate::inputs::{RealSystem, cannot, hash_files};
use crate::model::{self, ActionKey, Artifact};

use super::index::Trouble;
use super::records::Record;
use super::{KindSize, OutputState, Store};

/// What an inspection found.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// What was looked at.
    pub objects: u64,
    pub bytes: u64,
    pub results: u64,
    pub outputs: u64,
    /// Objects whose content has another digest than their name.
    pub corrupt: Vec<Damaged>,
    /// Objects and outputs that could not be read.
    pub unreadable: Vec<Diagnostic>,
    /// Results that lost an object, and are in no shared store.
    pub hollow: Vec<Hollow>,
    /// Outputs that are not what was written, by name.
    pub changed: Vec<String>,
    /// Outputs that are not there.
    pub absent: Vec<String>,
    /// Objects that no result refers to: what a build left that was killed.
    pub unreferenced: KindSize,
    pub log: LogState,
    /// Roots that cannot be read: what some build needs may be collected.
    pub damaged_roots: u64,
    /// What SQLite says of the index, where that is not sound.
    pub index: Option<String>,
}

/// An object that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    pub artifact: Artifact,
    /// The results that need it: kind and node.
    pub needed_by: Vec<(String, String)>,
}

/// A result without all of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hollow {
    pub key: ActionKey,
    pub kind: String,
    pub node: String,
    pub missing: Vec<Digest>,
}

/// How the log and the index compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogState {
    /// Bytes of it that are no record. Those of a write that a crash tore are no
    /// harm: what it was about counts as not done.
    pub damaged_bytes: u64,
    /// Records that only the index has: the log lost them.
    pub lost: u64,
    /// Records that only the log has, or has otherwise.
    pub not_indexed: u64,
}

impl Store {
    /// Looks through the whole store and the outputs of the project in the
    /// folder `project`. `progress` is told how many bytes are read, and how
    /// many there are in all.
    ///
    /// `repair` is for the holder of the lock: it removes corrupt objects,
    /// forgets hollow results, and makes the log and the index agree. Whoever
    /// does not hold the lock may see what others are in the middle of.
    pub fn verify(
        &self,
        project: &Path,
        repair: bool,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Inspection, Diagnostic> {
        let mut found = Inspection { index: self.index_damage()?, ..Inspection::default() };
        if found.index.is_none() {
            found.log = self.compare_log()?;
        }
        if repair && found.index.is_some() {
            self.rebuild_index()?;
        } else if repair && found.log.not_indexed > 0 {
            self.with(super::inner::Inner::read_log_again)?;
        }
        let damaged_roots = self.damaged_roots()?;
        found.damaged_roots = damaged_roots.len() as u64;
        self.compare_contents(project, &mut found, progress)?;
        if repair {
            self.take_away(&found)?;
            for root in damaged_roots {
                std::fs::remove_file(&root).map_err(|error| cannot("remove", &root, &error))?;
            }
        }
        Ok(found)
    }

    /// Reads every object and every output.
    fn compare_contents(
        &self,
        project: &Path,
        found: &mut Inspection,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), Diagnostic> {
        let objects = self.objects().list()?;
        let outputs = self.outputs()?;
        found.objects = objects.len() as u64;
        found.bytes = objects.iter().map(|object| object.bytes).sum();
        found.outputs = outputs.len() as u64;

        let places = objects.iter().map(|object| self.path(object.digest));
        let places: Vec<PathBuf> = places.chain(outputs.iter().map(|output| project.join(&output.name))).collect();
        let total = found.bytes + outputs.iter().map(|output| output.written.stat.size).sum::<u64>();
        let wanted: Vec<Digest> = objects
            .iter()
            .map(|object| object.digest)
            .chain(outputs.iter().map(|output| output.written.digest))
            .collect();
        let states = contents(&places, &wanted, &|done| progress(done, total));

        let mut sound: BTreeMap<Digest, u64> = BTreeMap::new();
        let mut corrupt: BTreeMap<Digest, Damaged> = BTreeMap::new();
        for (object, state) in objects.iter().zip(&states) {
            match state {
                Content::AsWanted => {
                    sound.insert(object.digest, object.bytes);
                }
                Content::Other => {
                    corrupt.insert(object.digest, Damaged { artifact: *object, needed_by: Vec::new() });
                }
                Content::Absent => {}
                Content::Unreadable(why) => {
                    // It may be fine: nothing is known of it.
                    sound.insert(object.digest, object.bytes);
                    found.unreadable.push(why.clone());
                }
            }
        }
        for (output, state) in outputs.iter().zip(&states[objects.len()..]) {
            match state {
                Content::AsWanted => {}
                // Not where a crash came between the record and its file.
                Content::Other if self.output_state(project, &output.name)? != OutputState::Foreign => {}
                Content::Other => found.changed.push(output.name.clone()),
                Content::Absent => found.absent.push(output.name.clone()),
                Content::Unreadable(why) => found.unreadable.push(why.clone()),
            }
        }
        let held: BTreeSet<Digest> = outputs.iter().map(|output| output.written.digest).collect();
        self.compare_results(found, &sound, &mut corrupt, &held)?;
        found.corrupt = corrupt.into_values().collect();
        Ok(())
    }

    /// Which results lack what; and which objects nobody needs.
    fn compare_results(
        &self,
        found: &mut Inspection,
        sound: &BTreeMap<Digest, u64>,
        corrupt: &mut BTreeMap<Digest, Damaged>,
        outputs: &BTreeSet<Digest>,
    ) -> Result<(), Diagnostic> {
        let results = self.with(|inner| inner.index.results_by_use())?;
        found.results = results.len() as u64;
        let mut needed = BTreeSet::new();
        for used in results {
            // A result that cannot be read has nothing left.
            let artifacts = used.result.as_ref().map(|result| result.artifacts.as_slice());
            let mut missing = Vec::new();
            for artifact in artifacts.unwrap_or_default() {
                needed.insert(artifact.digest);
                if let Some(damaged) = corrupt.get_mut(&artifact.digest) {
                    damaged.needed_by.push((used.kind.clone(), used.node.clone()));
                }
                let there = sound.get(&artifact.digest) == Some(&artifact.bytes);
                if !there && !outputs.contains(&artifact.digest) {
                    missing.push(artifact.digest);
                }
            }
            // Those of a shared result are fetched when something reads them.
            if artifacts.is_none() || !(missing.is_empty() || used.shared) {
                found.hollow.push(Hollow { key: used.key, kind: used.kind, node: used.node, missing });
            }
        }
        found.hollow.sort_by(|a, b| (&a.node, &a.kind, a.key).cmp(&(&b.node, &b.kind, b.key)));
        let nobodys = sound.iter().filter(|(digest, _)| !needed.contains(*digest));
        for (_, bytes) in nobodys {
            found.unreferenced.objects += 1;
            found.unreferenced.bytes += bytes;
        }
        Ok(())
    }

    /// What SQLite finds wrong with the index. One that cannot be asked is built
    /// anew by asking, which is told as well.
    fn index_damage(&self) -> Result<Option<String>, Diagnostic> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.index.damage() {
            Err(Trouble::Unusable(why)) => {
                inner.replace_index().map_err(Trouble::into_diagnostic)?;
                Ok(Some(why))
            }
            found => found.map_err(Trouble::into_diagnostic),
        }
    }

    /// Compares what the log says, read from its beginning, with the index.
    fn compare_log(&self) -> Result<LogState, Diagnostic> {
        self.with(|inner| {
            inner.catch_up()?;
            let mut logged: HashMap<Subject, Digest> = HashMap::new();
            let (_, damaged_bytes) = inner.log.read_counting(0, &mut |record| {
                note(&mut logged, &record);
                Ok::<_, Trouble>(())
            })?;
            // Of two about one thing the later one holds, here as in the log.
            let mut indexed: HashMap<Subject, Digest> = HashMap::new();
            inner.index.each_record(&mut |record| {
                indexed.extend(subject(record));
                Ok(())
            })?;
            let lost = indexed.keys().filter(|subject| !logged.contains_key(subject)).count() as u64;
            let not_indexed = logged.iter().filter(|(subject, content)| indexed.get(subject) != Some(content)).count();
            Ok(LogState { damaged_bytes, lost, not_indexed: not_indexed as u64 })
        })
    }

    /// Removes what is corrupt, forgets what is hollow, and writes a log anew
    /// that has lost something.
    fn take_away(&self, found: &Inspection) -> Result<(), Diagnostic> {
        for damaged in &found.corrupt {
            self.objects().remove(damaged.artifact.digest)?;
        }
        if !found.hollow.is_empty() {
            self.forget(found.hollow.iter().map(|hollow| hollow.key).collect())?;
        }
        if found.log.lost > 0 || found.log.damaged_bytes > 0 {
            self.with(super::inner::Inner::rewrite_log)?;
        }
        Ok(())
    }
}

/// What a record of the log is about; of outputs, folders and builds also the
/// project.
#[derive(PartialEq, Eq, Hash)]
enum Subject {
    Action(ActionKey),
    Output(String, String),
    Folder(String, String),
    Build(String, u64),
}

/// A record's subject and a digest of what it says of it. An output's stat is
/// left out: it may be newer in the index.
fn subject(record: &Record) -> Option<(Subject, Digest)> {
    let (project, record) = record.parts();
    let of = project.to_owned();
    let (subject, content) = match record {
        Record::Action(done) => (Subject::Action(done.key), model::encode(done)),
        Record::Output(output) => {
            (Subject::Output(of, output.name.clone()), model::encode(&(output.key, output.written.digest)))
        }
        Record::Folder(name) => (Subject::Folder(of, name.clone()), Vec::new()),
        Record::Build(build) => (Subject::Build(of, build.number), model::encode(build)),
        _ => return None,
    };
    Some((subject, Digest::of(&content)))
}

/// Takes a record of the log into what is known so far.
fn note(logged: &mut HashMap<Subject, Digest>, record: &Record) {
    let (project, what) = record.parts();
    let of = project.to_owned();
    match what {
        Record::Forgotten(keys) => keys.iter().for_each(|key| {
            logged.remove(&Subject::Action(*key));
        }),
        Record::OutputForgotten(name) => {
            logged.remove(&Subject::Output(of, name.clone()));
        }
        Record::FolderForgotten(name) => {
            logged.remove(&Subject::Folder(of, name.clone()));
        }
        Record::ProjectForgotten => logged.retain(|subject, _| match subject {
            Subject::Action(_) => true,
            Subject::Output(other, _) | Subject::Folder(other, _) | Subject::Build(other, _) => other != project,
        }),
        Record::Build(build) => {
            logged.extend(subject(record));
            // One that the index has dropped; numbers count up one by one.
            if let Some(dropped) = build.number.checked_sub(super::KEPT_BUILDS) {
                logged.remove(&Subject::Build(of, dropped));
            }
        }
        _ => logged.extend(subject(record)),
    }
}

/// What a file holds.
#[derive(Clone, Debug)]
enum Content {
    AsWanted,
    Other,
    Absent,
    Unreadable(Diagnostic),
}

/// Compares each file with the digest that it should have; `progress` is told
/// how many bytes are done.
fn contents(files: &[PathBuf], wanted: &[Digest], progress: &(dyn Fn(u64) + Sync)) -> Vec<Content> {
    let states = Mutex::new(vec![Content::Absent; files.len()]);
    let done = AtomicU64::new(0);
    let advance = |bytes: u64| progress(done.fetch_add(bytes, Ordering::Relaxed) + bytes);
    hash_files(&RealSystem, files, &advance, &|index, hashed| {
        let state = match hashed {
            Ok(hashed) if hashed.digest == wanted[index] => Content::AsWanted,
            Ok(_) => Content::Other,
            Err(why) => unread(&files[index], why),
        };
        states.lock().unwrap_or_else(PoisonError::into_inner)[index] = state;
    });
    states.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn unread(file: &Path, why: Diagnostic) -> Content {
    match std::fs::symlink_metadata(file) {
        Ok(metadata) if metadata.is_file() => Content::Unreadable(why),
        // A folder, a link that leads nowhere, a device: not what was written.
        Ok(_) => Content::Other,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Content::Absent
        }
        Err(_) => Content::Unreadable(why),
    }
}

#[cfg(test)]
mod tests;
