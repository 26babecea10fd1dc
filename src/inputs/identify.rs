//! Files that were footage and are not there. One on a disk that is not plugged
//! in keeps the digest that it had, so that whatever the store holds of it can
//! still be used.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::Digest;

use super::pattern::Pattern;
use super::stat::Remembered;
use super::system::System;

/// A file that is not there, known by its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplugged {
    /// As in [`Found`](super::Found).
    pub name: String,
    pub digest: Digest,
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
) -> Vec<Unplugged> {
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
    known.map(|(name, known)| Unplugged { name: name.clone(), digest: known.digest }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{MemorySystem, hash_file};

    #[test]
    fn footage_of_an_unplugged_disk_keeps_its_digest() {
        let system = MemorySystem::new();
        system.write("/p/front/a.mp4", "a").write("/p/front/b.mp4", "b").write("/p/rear/c.mp4", "c");
        let hashed = |name: &str| hash_file(&system, &Path::new("/p").join(name), &|_| {}).unwrap();
        let memory = BTreeMap::from(["front/a.mp4", "front/b.mp4"].map(|name| (name.to_owned(), hashed(name))));
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
    }
}
