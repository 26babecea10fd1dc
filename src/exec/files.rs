//! The files of a project: what its footage sets and its other sections name,
//! as it lies on the disk now.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::base::Diagnostic;
use crate::graph::{Database, FileInput, FileState};
use crate::inputs::{self, EntryKind, FileStat, Never, Pattern, RealSystem, Remembered, System};
use crate::manifest::Manifest;
use crate::model::twins;
use crate::store::Store;

/// A file that the project reads.
pub struct Source {
    pub name: String,
    /// `None` for a file that is not there now but was once.
    pub path: Option<PathBuf>,
    /// As it was when its content was found out.
    pub stat: Option<FileStat>,
}

/// What a look at the disk found.
pub struct Look {
    /// The files of each footage set, in the order of the manifest.
    pub sets: Vec<Vec<FileInput>>,
    /// The other files that the manifest names.
    pub materials: Vec<FileInput>,
    pub found: HashMap<FileInput, Source>,
    /// Names that are remembered and were deleted since: a disk that is
    /// unplugged later must not bring them back.
    pub gone: Vec<String>,
    pub problems: Vec<Diagnostic>,
    /// What is known now of files that were known before: the plan has not been
    /// told yet.
    states: Vec<(FileInput, FileState)>,
}

impl Look {
    /// Tells the plan what was found of the files that it knew.
    pub fn tell(&self, db: &mut Database) {
        self.states.iter().for_each(|(file, state)| db.set_file(*file, *state));
    }
}

/// What the store remembers of a project's files and outputs.
pub struct Memory {
    files: BTreeMap<String, Remembered>,
    outputs: Vec<String>,
    place: PathBuf,
}

impl Memory {
    pub fn of(store: &Store) -> Result<Memory, Diagnostic> {
        let outputs = store.outputs()?.into_iter().map(|output| output.name).collect();
        Ok(Memory { files: store.files()?, outputs, place: store.root().to_owned() })
    }
}

/// Looks for a project's files. Those that are `known` by their names keep
/// their inputs; new ones that are still `growing` are passed over.
pub fn look(
    db: &mut Database,
    root: &Path,
    manifest: &Manifest,
    memory: Memory,
    known: &HashMap<String, FileInput>,
    growing: &BTreeSet<PathBuf>,
) -> Look {
    let never = never(manifest, &memory);
    let mut files = Files {
        system: &RealSystem,
        root,
        memory: memory.files,
        known,
        growing,
        found: HashMap::new(),
        names: HashMap::new(),
        gone: Vec::new(),
        states: Vec::new(),
    };
    let mut problems = Vec::new();
    let mut sets: Vec<Vec<FileInput>> = Vec::new();
    let mut taken = HashSet::new();
    for set in &manifest.footage {
        let (mut found, trouble) = files.scan(db, &set.files, &never);
        problems.extend(trouble.into_iter().map(|problem| problem.at(set.place.0.clone())));
        // A file is filmed by one camera: the first that names it.
        let twice: Vec<FileInput> = found.iter().copied().filter(|file| taken.contains(file)).collect();
        if let Some(first) = twice.first() {
            let name = first.path(db);
            let what = match twice.len() {
                1 => format!("{name} belongs to an earlier footage set already"),
                more => format!("{name} and {} more files belong to an earlier footage set already", more - 1),
            };
            let warning = Diagnostic::warning(what).hint("let no two sets match the same file");
            problems.push(warning.at(set.place.0.clone()));
        }
        found.retain(|file| taken.insert(*file));
        sets.push(found);
    }
    let mut materials = files.twins(db, &mut sets);
    for (name, place) in manifest.materials() {
        // A name, not a glob, whatever characters it has.
        let (found, trouble) = files.scan(db, &[Pattern::literal(&name)], &Never::default());
        problems.extend(trouble.into_iter().map(|problem| problem.at(place.0.clone())));
        materials.extend(found);
    }
    let Files { found, gone, states, .. } = files;
    Look { sets, materials, found, gone, problems, states }
}

/// What footage patterns never match: the store and what autocut writes.
fn never(manifest: &Manifest, memory: &Memory) -> Never {
    let outputs = manifest.places_written().into_iter().chain(memory.outputs.iter().cloned());
    Never { store: Some(memory.place.clone()), outputs: outputs.map(PathBuf::from).collect() }
}

/// Finds the project's files, each once.
struct Files<'a> {
    system: &'a RealSystem,
    root: &'a Path,
    memory: BTreeMap<String, Remembered>,
    known: &'a HashMap<String, FileInput>,
    growing: &'a BTreeSet<PathBuf>,
    found: HashMap<FileInput, Source>,
    names: HashMap<String, FileInput>,
    /// Names that are remembered and were deleted since: a disk that is
    /// unplugged later must not bring them back.
    gone: Vec<String>,
    states: Vec<(FileInput, FileState)>,
}

impl Files<'_> {
    fn scan(&mut self, db: &mut Database, patterns: &[String], never: &Never) -> (Vec<FileInput>, Vec<Diagnostic>) {
        let scan = inputs::scan(self.system, self.root, patterns, never);
        let absent = inputs::identify::unplugged(self.system, self.root, patterns, &self.memory);
        let mut problems: Vec<Diagnostic> = Vec::new();
        let mut files = Vec::new();
        let there: BTreeSet<&str> = scan.files.iter().map(|found| found.name.as_str()).collect();
        let missed: Vec<&String> = self.memory.keys().filter(|name| !there.contains(name.as_str())).collect();
        let deleted = inputs::identify::deleted(self.system, self.root, patterns, &missed);
        self.gone.extend(deleted.into_iter().cloned());
        let settled = |path: &PathBuf, name: &String| self.known.contains_key(name) || !self.growing.contains(path);
        let settled: Vec<_> = scan.files.into_iter().filter(|found| settled(&found.path, &found.name)).collect();
        for found in settled {
            let known = self.memory.get(&found.name).filter(|known| known.is_trusted(&found.stat));
            let state = known.map_or(FileState::Unknown, |known| FileState::Known(known.digest));
            let source = Source { name: found.name, path: Some(found.path), stat: Some(found.stat) };
            files.push(self.add(db, source, state));
        }
        let remembered = |index: usize| {
            let pattern = patterns.get(index).and_then(|text| Pattern::new(text, self.root).ok());
            pattern.is_some_and(|pattern| absent.iter().any(|file| pattern.matches(&file.name)))
        };
        let missing = scan.problems.into_iter().filter(|(index, _)| !remembered(*index));
        problems.extend(missing.map(|(_, problem)| problem));
        if !absent.is_empty() {
            let names: Vec<&str> = absent.iter().map(|file| file.name.as_str()).collect();
            let warning = Diagnostic::warning(format!("not there now: {}", names.join(", ")));
            problems.push(warning.hint("what the store holds of it is used; plug in its disk to render more"));
            for file in absent {
                let source = Source { name: file.name, path: None, stat: None };
                files.push(self.add(db, source, FileState::Known(file.digest)));
            }
        }
        (files, problems)
    }

    /// The small versions of footage that lie beside it. They are no footage, also
    /// where a pattern takes in all of a folder.
    fn twins(&mut self, db: &mut Database, sets: &mut [Vec<FileInput>]) -> Vec<FileInput> {
        let large: Vec<String> = sets.iter().flatten().map(|file| file.path(db).clone()).collect();
        let mut twins = Vec::new();
        for name in large.iter().flat_map(|name| twins::names_of(name)) {
            let path = self.root.join(&name);
            let Some(entry) = self.system.stat(&path).ok().filter(|entry| entry.kind == EntryKind::File) else {
                continue;
            };
            let known = self.memory.get(&name).filter(|known| known.is_trusted(&entry.stat));
            let state = known.map_or(FileState::Unknown, |known| FileState::Known(known.digest));
            let file = self.add(db, Source { name, path: Some(path), stat: Some(entry.stat) }, state);
            twins.push(file);
        }
        let small: HashSet<&FileInput> = twins.iter().collect();
        sets.iter_mut().for_each(|set| set.retain(|file| !small.contains(file)));
        twins
    }

    fn add(&mut self, db: &mut Database, source: Source, state: FileState) -> FileInput {
        if let Some(file) = self.names.get(&source.name) {
            return *file;
        }
        let file = match self.known.get(&source.name) {
            Some(known) => {
                self.states.push((*known, state));
                *known
            }
            None => db.add_file(source.name.clone(), state),
        };
        self.names.insert(source.name.clone(), file);
        self.found.insert(file, source);
        file
    }
}
