//! The digests of footage, from memory where that can be believed and by
//! hashing where not. A file that is not there now but was once (an unplugged
//! disk) keeps the digest that it had, so that whatever the store holds of it
//! can still be used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::{Diagnostic, Digest};

use super::hash::hash_files;
use super::pattern::Pattern;
use super::scan::Scan;
use super::stat::Remembered;
use super::system::System;

/// A file of footage, known by its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// As in [`Found`](super::Found).
    pub name: String,
    /// Where it can be opened, if it is there.
    pub path: Option<PathBuf>,
    pub digest: Digest,
    /// To be remembered, where it is news.
    pub news: Option<Remembered>,
}

/// Hands every file of `scan` to `done` as soon as its digest is known: first,
/// in order, those that `memory` (by name) can be believed about, then the
/// others as they are hashed.
pub fn identify(
    system: &dyn System,
    scan: &Scan,
    memory: &BTreeMap<String, Remembered>,
    progress: &(dyn Fn(u64) + Sync),
    done: &(dyn Fn(Result<Identified, Diagnostic>) + Sync),
) {
    let mut unknown = Vec::new();
    for found in &scan.files {
        match memory.get(&found.name).filter(|known| known.is_trusted(&found.stat)) {
            Some(known) => done(Ok(Identified {
                name: found.name.clone(),
                path: Some(found.path.clone()),
                digest: known.digest,
                news: None,
            })),
            None => unknown.push(found),
        }
    }
    let paths: Vec<PathBuf> = unknown.iter().map(|found| found.path.clone()).collect();
    hash_files(system, &paths, progress, &|index, result| {
        done(result.map(|hashed| Identified {
            name: unknown[index].name.clone(),
            path: Some(unknown[index].path.clone()),
            digest: hashed.digest,
            news: Some(hashed),
        }));
    });
}

/// Those of `names` that `patterns` mean and that were deleted, or renamed: the
/// folder that they were in is still there and holds something else. (What is
/// gone with its folder may be on a disk that is not plugged in.)
pub fn deleted<'a>(system: &dyn System, root: &Path, patterns: &[String], names: &[&'a String]) -> Vec<&'a String> {
    let patterns: Vec<Pattern> = patterns.iter().filter_map(|text| Pattern::new(text, root).ok()).collect();
    let is_gone = |name: &str| {
        let path = root.join(name);
        let absent = system.stat(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        absent && path.parent().is_some_and(|folder| system.names(folder).is_ok_and(|names| !names.is_empty()))
    };
    let meant = |name: &str| patterns.iter().any(|pattern| !pattern.is_literal() && pattern.matches(name));
    names.iter().copied().filter(|name| meant(name) && is_gone(name)).collect()
}

/// Files that match `patterns`, are remembered and are not there, in the order
/// of their names: footage on a disk that is not plugged in, if the folder in
/// which a pattern looks is gone or empty as well. A file that was deleted from
/// a folder that still holds others is simply no longer footage.
pub fn unplugged(
    system: &dyn System,
    root: &Path,
    patterns: &[String],
    memory: &BTreeMap<String, Remembered>,
) -> Vec<Identified> {
    let patterns: Vec<Pattern> = patterns.iter().filter_map(|text| Pattern::new(text, root).ok()).collect();
    // A base that is gone, or an empty mount point.
    let empty = |folder: &Path| system.names(folder).map_or(true, |names| names.is_empty());
    let gone: Vec<&Pattern> = patterns
        .iter()
        .filter(|pattern| match pattern.is_literal() {
            true => system.stat(&pattern.base).is_err(),
            false => empty(&pattern.base),
        })
        .collect();
    let known = memory.iter().filter(|(name, _)| gone.iter().any(|pattern| pattern.matches(name)));
    known.map(|(name, known)| Identified { name: name.clone(), path: None, digest: known.digest, news: None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{MemorySystem, Never, scan};
    use std::sync::Mutex;

    fn run(system: &MemorySystem, memory: &mut BTreeMap<String, Remembered>) -> Vec<Identified> {
        let found = scan(system, Path::new("/p"), &["front/*.mp4".to_owned()], &Never::default());
        let results = Mutex::new(Vec::new());
        identify(system, &found, memory, &|_| {}, &|result| results.lock().unwrap().push(result.unwrap()));
        let mut results = results.into_inner().unwrap();
        results.sort_by(|a, b| a.name.cmp(&b.name));
        memory.extend(results.iter().filter_map(|file| Some((file.name.clone(), file.news?))));
        results
    }

    #[test]
    fn what_did_not_change_is_not_read_again() {
        let system = MemorySystem::new();
        system.write("/p/front/a.mp4", "a").write("/p/front/b.mp4", "b").advance_ns(1_000_000_000);
        let mut memory = BTreeMap::new();
        let first = run(&system, &mut memory);
        assert_eq!(system.take_opened().len(), 2);
        let second = run(&system, &mut memory);
        assert!(system.take_opened().is_empty());
        assert_eq!(
            first.iter().map(|f| f.digest).collect::<Vec<_>>(),
            second.iter().map(|f| f.digest).collect::<Vec<_>>()
        );
        system.write("/p/front/b.mp4", "x");
        assert_eq!(run(&system, &mut memory)[1].digest, Digest::of(b"x"));
        assert_eq!(system.take_opened(), [Path::new("/p/front/b.mp4")]);
    }

    #[test]
    fn a_file_written_while_it_was_hashed_is_read_once_more() {
        let system = MemorySystem::new();
        system.write("/p/front/a.mp4", "a");
        let mut memory = BTreeMap::new();
        run(&system, &mut memory);
        // The same length, the same tick: nothing in the stat tells.
        system.write("/p/front/a.mp4", "b").advance_ns(1_000_000_000);
        assert_eq!(run(&system, &mut memory)[0].digest, Digest::of(b"b"));
        system.take_opened();
        run(&system, &mut memory);
        assert!(system.take_opened().is_empty());
    }

    #[test]
    fn footage_of_an_unplugged_disk_keeps_its_digest() {
        let system = MemorySystem::new();
        system.write("/p/front/a.mp4", "a").write("/p/front/b.mp4", "b").write("/p/rear/c.mp4", "c");
        let mut memory = BTreeMap::new();
        run(&system, &mut memory);
        let patterns = ["front/*.mp4".to_owned()];
        system.remove("/p/front/b.mp4");
        assert!(unplugged(&system, Path::new("/p"), &patterns, &memory).is_empty(), "deleted, not unplugged");
        let names: Vec<&String> = memory.keys().collect();
        assert_eq!(deleted(&system, Path::new("/p"), &patterns, &names), ["front/b.mp4"]);
        system.remove("/p/front");
        assert!(deleted(&system, Path::new("/p"), &patterns, &names).is_empty(), "unplugged, not deleted");
        let gone = unplugged(&system, Path::new("/p"), &patterns, &memory);
        assert_eq!(gone.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["front/a.mp4", "front/b.mp4"]);
        assert_eq!(gone[0].digest, Digest::of(b"a"));
        assert_eq!(gone[0].path, None);
    }
}
