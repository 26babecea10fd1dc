//! Keeping the store within a limit.
//!
//! Results go in the order of their last use, least recently used first, each
//! with those of its objects that no other result needs, until the store fits.
//! What the given live set needs stays, even where the limit is passed by it,
//! and so does what the last successful build of each project needs, which is
//! noted as its [root](super::roots). Whatever the limit: objects that no result
//! refers to are leftovers of a crash and go, and results that lost an object go
//! with what they still have, unless it is in a shared store. As long as a root
//! cannot be read nothing else goes, because nobody knows what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::base::{Diagnostic, Digest, UtcTime};
use crate::inputs::cannot;
use crate::model::ActionKey;

use super::index::UsedResult;
use super::{Space, Store, now};

/// How much may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of the objects, the log and the index together.
    pub bytes: u64,
    /// Results that were not used for longer go even where there is room.
    pub age_ns: Option<i64>,
}

impl Limit {
    /// 50 GiB or a fifth of the disk, whichever is less.
    pub fn default_for(space: Space) -> Limit {
        Limit { bytes: (50 << 30).min(space.total / 5), age_ns: None }
    }
}

/// What must stay.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// With all of their artifacts.
    pub keys: BTreeSet<ActionKey>,
    pub objects: BTreeSet<Digest>,
}

/// What gc did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    pub objects: u64,
    pub results: u64,
    /// What was freed.
    pub bytes: u64,
    /// What stays.
    pub kept_bytes: u64,
    /// What went, by kind. Objects that no result refers to are of none.
    pub kinds: BTreeMap<String, KindSize>,
    /// The limit that was to be kept.
    pub limit: Option<Limit>,
    /// Roots that cannot be read: because of them only leftovers went.
    pub illegible_roots: u64,
}

impl Collected {
    /// What people should know of a store that is not kept within its limit.
    pub fn warning(&self) -> Option<Diagnostic> {
        let message =
            "what a project's last build needs is noted in a file that cannot be read: gc removed leftovers only";
        let hint = "that project's next build writes it again; `autocut verify` removes it";
        (self.illegible_roots > 0).then(|| Diagnostic::warning(message).hint(hint))
    }
}

/// What is in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub kinds: BTreeMap<String, KindSize>,
    /// Objects that no result refers to.
    pub unreferenced: KindSize,
    pub index_bytes: u64,
    pub log_bytes: u64,
    /// Everything together.
    pub total_bytes: u64,
}

/// An object of several kinds counts for the first of them by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSize {
    pub results: u64,
    pub objects: u64,
    pub bytes: u64,
}

impl Store {
    /// Brings the store within `limit`. Only for the holder of the lock.
    pub fn gc(&self, limit: Limit, live: &Live) -> Result<Collected, Diagnostic> {
        let plan = self.plan_gc(limit, live)?;
        // The records first: a crash in between leaves objects without results,
        // never results whose objects are known to be gone.
        let forgotten = self.forget(plan.forgotten.clone());
        for digest in &plan.removed {
            self.objects.remove(*digest)?;
        }
        if forgotten.is_err() {
            // On a full disk there is room to write that down only now.
            self.forget(plan.forgotten)?;
        }
        if plan.collected.results > 0 {
            self.with(super::inner::Inner::rewrite_log)?;
            self.with(|inner| inner.index.shrink())?;
        }
        let known = plan.collected.kept_bytes;
        self.with(|inner| inner.index.note_collected(known, now()))?;
        Ok(plan.collected)
    }

    /// What [`gc`](Self::gc) would do now.
    pub fn would_collect(&self, limit: Limit, live: &Live) -> Result<Collected, Diagnostic> {
        self.plan_gc(limit, live).map(|plan| plan.collected)
    }

    /// Whether there may be something to collect. Looking for that takes as long
    /// as there are objects, so after each build only an estimate is asked: what
    /// the last collection left and what was recorded since. Once a day it is
    /// due in any case, for what has become too old and for what crashes left.
    pub fn gc_is_due(&self, limit: Limit) -> Result<bool, Diagnostic> {
        const DAY_NS: i64 = 86_400_000_000_000;
        let estimate = self.with(|inner| inner.index.estimate())?;
        Ok(estimate.is_none_or(|(bytes, at)| bytes > limit.bytes || now().0.saturating_sub(at.0) > DAY_NS))
    }

    fn plan_gc(&self, limit: Limit, live: &Live) -> Result<Chosen, Diagnostic> {
        let results = self.with(|inner| inner.index.results_by_use())?;
        let objects: BTreeMap<Digest, u64> = self.objects.list()?.into_iter().map(|a| (a.digest, a.bytes)).collect();
        let outputs = self.with(|inner| {
            let mut outputs = BTreeSet::new();
            inner.index.each_output(&mut |_, output| {
                outputs.insert(output.written.digest);
                Ok(())
            })?;
            Ok(outputs)
        })?;
        let overhead = self.index_bytes()? + self.log_bytes()?;
        let mut live = live.clone();
        live.keys.extend(self.roots()?.into_iter().flat_map(|root| root.keys));
        let illegible = self.damaged_roots()?.len() as u64;
        // Nothing is too much or too old then.
        let kept = if illegible > 0 { Limit { bytes: u64::MAX, age_ns: None } } else { limit };
        let mut chosen = Plan::new(results, objects, outputs, &live).choose(kept, overhead, now());
        chosen.collected.limit = Some(limit);
        chosen.collected.illegible_roots = illegible;
        Ok(chosen)
    }

    /// What is in the store, by kind.
    pub fn sizes(&self) -> Result<Sizes, Diagnostic> {
        let results = self.with(|inner| inner.index.results_by_use())?;
        let mut objects: BTreeMap<Digest, u64> = BTreeMap::new();
        objects.extend(self.objects.list()?.into_iter().map(|a| (a.digest, a.bytes)));
        let mut sizes = Sizes { index_bytes: self.index_bytes()?, log_bytes: self.log_bytes()?, ..Sizes::default() };
        sizes.total_bytes = objects.values().sum::<u64>() + sizes.index_bytes + sizes.log_bytes;
        let mut by_kind: Vec<&UsedResult> = results.iter().collect();
        by_kind.sort_by(|a, b| (&a.kind, a.key).cmp(&(&b.kind, b.key)));
        for used in by_kind {
            let kind = sizes.kinds.entry(used.kind.clone()).or_default();
            kind.results += 1;
            for artifact in used.result.iter().flat_map(|result| &result.artifacts) {
                if let Some(bytes) = objects.remove(&artifact.digest) {
                    kind.objects += 1;
                    kind.bytes += bytes;
                }
            }
        }
        sizes.unreferenced =
            KindSize { results: 0, objects: objects.len() as u64, bytes: objects.values().sum::<u64>() };
        Ok(sizes)
    }

    fn index_bytes(&self) -> Result<u64, Diagnostic> {
        let index = self.layout.index();
        let mut write_ahead = index.clone().into_os_string();
        write_ahead.push("-wal");
        Ok(file_size(&index)? + file_size(Path::new(&write_ahead))?)
    }

    fn log_bytes(&self) -> Result<u64, Diagnostic> {
        file_size(&self.layout.log())
    }
}

fn file_size(path: &Path) -> Result<u64, Diagnostic> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(cannot("look at", path, &error)),
    }
}

/// What is to go, decided without touching anything.
struct Plan<'a> {
    /// Least recently used first.
    results: Vec<UsedResult>,
    objects: BTreeMap<Digest, u64>,
    outputs: BTreeSet<Digest>,
    live: &'a Live,
    /// How many results need each object.
    needed: BTreeMap<Digest, u64>,
}

struct Chosen {
    forgotten: Vec<ActionKey>,
    removed: Vec<Digest>,
    collected: Collected,
}

impl<'a> Plan<'a> {
    fn new(
        results: Vec<UsedResult>,
        objects: BTreeMap<Digest, u64>,
        outputs: BTreeSet<Digest>,
        live: &'a Live,
    ) -> Self {
        let mut needed: BTreeMap<Digest, u64> = BTreeMap::new();
        for digest in results.iter().flat_map(digests) {
            *needed.entry(digest).or_default() += 1;
        }
        Plan { results, objects, outputs, live, needed }
    }

    fn choose(mut self, limit: Limit, overhead: u64, now: UtcTime) -> Chosen {
        let mut chosen = Chosen { forgotten: Vec::new(), removed: Vec::new(), collected: Collected::default() };
        let mut size = self.objects.values().sum::<u64>() + overhead;
        let leftovers: Vec<Digest> = self.objects.keys().filter(|d| !self.needed.contains_key(*d)).copied().collect();
        for digest in leftovers {
            size -= self.remove(digest, None, &mut chosen);
        }
        let oldest = limit.age_ns.map_or(UtcTime(i64::MIN), |age| UtcTime(now.0.saturating_sub(age)));
        for used in std::mem::take(&mut self.results) {
            // Those of a shared result are had again when something reads them.
            let lost = used.result.is_none()
                || !used.shared && digests(&used).any(|d| !self.objects.contains_key(&d) && !self.outputs.contains(&d));
            let unwanted = size > limit.bytes || used.used < oldest;
            if !(lost || unwanted && !self.live.keys.contains(&used.key)) {
                continue;
            }
            chosen.forgotten.push(used.key);
            chosen.collected.results += 1;
            chosen.collected.kinds.entry(used.kind.clone()).or_default().results += 1;
            size = size.saturating_sub(used.bytes);
            for digest in digests(&used) {
                let users = self.needed.entry(digest).or_default();
                *users = users.saturating_sub(1);
                if *users == 0 {
                    size = size.saturating_sub(self.remove(digest, Some(&used.kind), &mut chosen));
                }
            }
        }
        chosen.collected.kept_bytes = size;
        chosen
    }

    /// Has an object removed, unless it is live; returns the bytes that frees.
    fn remove(&mut self, digest: Digest, kind: Option<&String>, chosen: &mut Chosen) -> u64 {
        if self.live.objects.contains(&digest) {
            return 0;
        }
        let Some(bytes) = self.objects.remove(&digest) else { return 0 };
        chosen.removed.push(digest);
        chosen.collected.objects += 1;
        chosen.collected.bytes += bytes;
        if let Some(kind) = kind {
            let kind = chosen.collected.kinds.entry(kind.clone()).or_default();
            kind.objects += 1;
            kind.bytes += bytes;
        }
        bytes
    }
}

/// The artifacts of a result, each once.
fn digests(used: &UsedResult) -> impl Iterator<Item = Digest> + use<> {
    let all: BTreeSet<Digest> =
        used.result.iter().flat_map(|result| &result.artifacts).map(|artifact| artifact.digest).collect();
    all.into_iter()
}

#[cfg(test)]
mod tests;
