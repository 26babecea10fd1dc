//! Which files a footage set means: globs and names, expanded.
//!
//! The answer depends on the files alone, not on the order in which the file
//! system or the manifest lists them. Hidden files, the store, and what autocut
//! itself wrote are never in it; a file under two names is in it once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::base::Diagnostic;
use crate::base::diagnostic::nearest;

use super::order::natural;
use super::pattern::{Pattern, is_hidden};
use super::stat::FileStat;
use super::system::{EntryKind, System, Walk, lexical};
use super::trouble::cannot;

/// Fewer files than this are looked at by one thread.
const STATS_AT_ONCE: usize = 128;

/// What is never footage. Paths are absolute or relative to the project.
#[derive(Clone, Debug, Default)]
pub struct Never {
    /// The store's folder.
    pub store: Option<PathBuf>,
    /// Files that autocut writes, and folders that it alone writes into.
    pub outputs: BTreeSet<PathBuf>,
}

/// A file of a footage set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Relative to the project where it lies in it or was written so: the name
    /// under which it is remembered and shown.
    pub name: String,
    /// Where it can be opened.
    pub path: PathBuf,
    pub stat: FileStat,
}

/// What the patterns of a footage set came to.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// In natural order of their names.
    pub files: Vec<Found>,
    /// What is wrong, each with the index of the pattern that it is about.
    pub problems: Vec<(usize, Diagnostic)>,
    /// Names left out because they are another name of a file: the name left
    /// out first, then the one kept.
    pub aliases: Vec<(String, String)>,
}

/// Finds the files that `patterns` mean in the project at the absolute folder
/// `root`.
pub fn scan(system: &dyn System, root: &Path, patterns: &[String], never: &Never) -> Scan {
    let mut scanner = Scanner::new(system, root, never);
    for (index, text) in patterns.iter().enumerate() {
        match Pattern::new(text, root) {
            Ok(pattern) if pattern.is_literal() => scanner.literal(index, &pattern),
            Ok(pattern) => scanner.glob(index, &pattern),
            Err(diagnostic) => scanner.problems.push((index, diagnostic)),
        }
    }
    scanner.finish()
}

struct Scanner<'a> {
    system: &'a dyn System,
    store: Option<PathBuf>,
    store_identity: Option<(u64, u64)>,
    outputs: BTreeSet<PathBuf>,
    files: BTreeMap<String, Found>,
    problems: Vec<(usize, Diagnostic)>,
}

/// How many files a glob met, for the hint when it takes none of them.
#[derive(Default)]
struct Met {
    /// By extension, in lower case.
    extensions: BTreeMap<String, usize>,
    own: usize,
}

impl<'a> Scanner<'a> {
    fn new(system: &'a dyn System, root: &Path, never: &Never) -> Self {
        let store = never.store.as_ref().map(|store| lexical(&root.join(store)));
        let stat = store.as_ref().and_then(|store| system.stat(store).ok());
        let store_identity = stat.and_then(|entry| entry.stat.identity());
        let outputs = never.outputs.iter().map(|output| lexical(&root.join(output))).collect();
        Scanner { system, store, store_identity, outputs, files: BTreeMap::new(), problems: Vec::new() }
    }

    fn literal(&mut self, index: usize, pattern: &Pattern) {
        let path = &pattern.base;
        let wrong = |what: &str, hint: &str| {
            Diagnostic::input(format!("{} {what}", pattern.text)).note(format!("it is {}", path.display())).hint(hint)
        };
        let problem = match self.system.stat(path) {
            _ if path.file_name().is_some_and(|name| is_hidden(Path::new(name))) => {
                wrong("is a hidden file, which is never footage", "rename it without the dot at the start")
            }
            Ok(_) if self.is_own(path, true) => {
                wrong("is written by autocut itself, so it cannot be footage", "name the files that it is made from")
            }
            Ok(entry) if entry.kind == EntryKind::File => {
                self.keep(index, pattern, Path::new(""), path.clone(), entry.stat);
                return;
            }
            Ok(entry) if entry.kind == EntryKind::Folder => {
                let folder = pattern.text.trim_end_matches('/');
                wrong("is a folder", &format!("for the files in it, write \"{folder}/*.mp4\""))
            }
            Ok(_) => wrong("is not a regular file", "footage is read from regular files"),
            Err(error) if is_absent(&error) => self.absent(pattern),
            Err(error) => cannot("look at", path, &error),
        };
        self.problems.push((index, problem));
    }

    fn glob(&mut self, index: usize, pattern: &Pattern) {
        match self.system.stat(&pattern.base) {
            Ok(entry) if entry.kind == EntryKind::Folder => {}
            Err(error) if !is_absent(&error) => {
                return self.problems.push((index, cannot("look at", &pattern.base, &error)));
            }
            _ => return self.problems.push((index, self.absent(pattern))),
        }
        let Walk { files, problems } = self.walk(pattern);
        let mut met = Met::default();
        let mut any = false;
        let mut matching: Vec<(PathBuf, PathBuf)> = Vec::new();
        for walked in files {
            let Ok(below) = walked.path.strip_prefix(&pattern.base) else { continue };
            if !pattern.matches_below(below) {
                if let (false, Some(extension)) = (is_hidden(below), below.extension().and_then(|e| e.to_str())) {
                    *met.extensions.entry(extension.to_lowercase()).or_default() += 1;
                }
                continue;
            }
            if self.is_own(&walked.path, walked.linked) {
                met.own += 1;
                continue;
            }
            any = true;
            matching.push((below.to_owned(), walked.path));
        }
        // A disk answers several at once.
        let system = self.system;
        let stats: Vec<_> =
            matching.par_iter().with_min_len(STATS_AT_ONCE).map(|(_, path)| system.stat(path)).collect();
        for ((below, path), stat) in matching.into_iter().zip(stats) {
            match stat {
                Ok(entry) if entry.kind == EntryKind::File => {
                    self.keep(index, pattern, &below, path, entry.stat);
                }
                Ok(_) => {
                    let what = format!("{} matches but is not a regular file", path.display());
                    self.problems.push((index, Diagnostic::warning(what)));
                }
                Err(error) => self.problems.push((index, cannot("look at", &path, &error))),
            }
        }
        for (path, error) in problems {
            let below = path.strip_prefix(&pattern.base).unwrap_or(Path::new(""));
            // A folder that cannot be listed could hold matches; a link that
            // leads nowhere matters only if its name matches.
            if !is_absent(&error) {
                self.problems.push((index, cannot("list", &path, &error)));
                any = true;
            } else if pattern.matches_below(below) {
                self.problems.push((index, cannot("follow the link", &path, &error)));
                any = true;
            }
        }
        if !any {
            self.problems.push((index, nothing_matches(pattern, &met)));
        }
    }

    fn walk(&self, pattern: &Pattern) -> Walk {
        self.system.walk(&pattern.base, pattern.depth, &mut |folder| {
            let below = folder.strip_prefix(&pattern.base).unwrap_or(folder);
            if is_hidden(below) || self.is_store(folder) {
                return false;
            }
            let identity = || self.system.stat(folder).ok().and_then(|entry| entry.stat.identity());
            self.store_identity.is_none_or(|store| identity() != Some(store))
        })
    }

    fn is_store(&self, folder: &Path) -> bool {
        self.store.as_deref() == Some(folder)
    }

    /// Whether autocut wrote it: in the store, an output, or in a folder of
    /// outputs.
    fn is_own(&self, path: &Path, linked: bool) -> bool {
        let own = |path: &Path| path.ancestors().any(|part| self.outputs.contains(part) || self.is_store(part));
        own(path) || (linked && self.system.canonical(path).is_ok_and(|real| own(&real)))
    }

    fn keep(&mut self, index: usize, pattern: &Pattern, below: &Path, path: PathBuf, stat: FileStat) {
        match pattern.name_of(below) {
            Some(name) => {
                self.files.insert(name.clone(), Found { name, path, stat });
            }
            None => {
                let what = format!("the name of {} is not UTF-8, so the manifest cannot speak of it", path.display());
                self.problems.push((index, Diagnostic::input(what).hint("rename the file")));
            }
        }
    }

    /// For a path that is not there: how far it is, and what is there instead.
    fn absent(&self, pattern: &Pattern) -> Diagnostic {
        let what = format!("{} does not exist", pattern.text);
        let diagnostic = Diagnostic::input(what).note(format!("looked for {}", pattern.base.display()));
        for (missing, folder) in pattern.base.ancestors().zip(pattern.base.ancestors().skip(1)) {
            let Ok(names) = self.system.names(folder) else { continue };
            let wanted = missing.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            let near = nearest(&wanted, names.iter().map(String::as_str));
            let diagnostic = diagnostic.note(format!("{} has no \"{wanted}\"", folder.display()));
            return match near {
                Some(name) => diagnostic.hint(format!("did you mean \"{name}\"?")),
                None if pattern.is_inside() => {
                    diagnostic.hint("put the files there, or change the path in the manifest")
                }
                None => diagnostic.hint("is the disk plugged in?"),
            };
        }
        diagnostic
    }

    fn finish(self) -> Scan {
        let mut names: Vec<Found> = self.files.into_values().collect();
        names.sort_by(|a, b| natural(&a.name, &b.name));
        let mut kept: BTreeMap<(u64, u64), String> = BTreeMap::new();
        let mut scan = Scan { problems: self.problems, ..Scan::default() };
        for found in names {
            let identity = found.stat.identity();
            match identity.and_then(|identity| kept.get(&identity)) {
                Some(first) => scan.aliases.push((found.name, first.clone())),
                None => {
                    kept.extend(identity.map(|identity| (identity, found.name.clone())));
                    scan.files.push(found);
                }
            }
        }
        scan
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

fn nothing_matches(pattern: &Pattern, met: &Met) -> Diagnostic {
    let mut diagnostic = Diagnostic::input(format!("no file matches \"{}\"", pattern.text))
        .note(format!("looked in {}", pattern.base.display()));
    if met.own > 0 {
        diagnostic = diagnostic.note(format!("left out {} that autocut itself wrote", met.own));
    }
    // The most frequent extension, the first of several by the alphabet.
    let common = met.extensions.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
    match common {
        Some((extension, 1)) => diagnostic.hint(format!("there is one file there that ends in .{extension}")),
        Some((extension, n)) => diagnostic.hint(format!("there are {n} files there that end in .{extension}")),
        None => diagnostic.hint("there are no other files there either: is it the right folder?"),
    }
}

#[cfg(test)]
mod tests;
