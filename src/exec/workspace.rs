//! A project opened for work: its manifest, its files, the store, and the
//! database that plans.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::{Diagnostic, Diagnostics, Digest};
use crate::deliver::DELIVERABLES;
use crate::exec::{toolchain, worker};
use crate::graph::{Database, FileInput, FileState, Project, moments, stills};
use crate::inputs::{self, Never, Pattern, RealSystem, Remembered, System};
use crate::manifest::{self, KindEntry, Kinds, Manifest};
use crate::model::moment::ChoiceReport;
use crate::model::{PlannedAction, Toolchain, decode};
use crate::overlay::OVERLAYS;
use crate::store::{Holder, Lock, OutputState, Store};
use crate::telemetry::FORMATS;

/// The manifest's name in a project's folder.
pub const MANIFEST: &str = "autocut.ron";

/// The store's folder in a project, where AUTOCUT_STORE names no other.
const STORE: &str = ".autocut";

pub struct Workspace {
    pub root: PathBuf,
    pub manifest: Manifest,
    pub store: Arc<Store>,
    /// The media program.
    pub program: PathBuf,
    pub toolchain: Toolchain,
    pub db: Database,
    pub project: Project,
    files: HashMap<FileInput, Source>,
    contents: BTreeMap<Digest, Vec<FileInput>>,
    unreadable: HashSet<FileInput>,
    _lock: Option<Lock>,
}

/// What a project is opened for.
pub enum Purpose<'a> {
    /// To look: others may build meanwhile.
    Look,
    /// To build: `what` is told to those who wait for it, `waiting` hears whom
    /// it has to wait for itself, until it is `interrupted`.
    Build { what: &'a str, waiting: &'a dyn Fn(&Holder), interrupted: &'a AtomicBool },
}

/// A file that the project reads.
struct Source {
    name: String,
    /// `None` for a file that is not there now but was once.
    path: Option<PathBuf>,
}

/// Every kind that a manifest can name.
pub fn kinds() -> KindTables {
    KindTables {
        formats: FORMATS.iter().map(|format| format.entry).collect(),
        overlays: OVERLAYS.iter().map(|overlay| overlay.entry).collect(),
        outputs: DELIVERABLES.iter().map(|deliverable| deliverable.entry).collect(),
    }
}

/// [`Kinds`] that own their tables.
pub struct KindTables {
    formats: Vec<KindEntry>,
    overlays: Vec<KindEntry>,
    outputs: Vec<KindEntry>,
}

impl KindTables {
    pub fn as_kinds(&self) -> Kinds<'_> {
        Kinds { formats: &self.formats, overlays: &self.overlays, outputs: &self.outputs }
    }
}

impl Workspace {
    /// Opens the project in `folder`. Warnings come with a workspace, errors
    /// mostly without.
    pub fn open(folder: &Path, purpose: &Purpose<'_>) -> (Option<Workspace>, Diagnostics) {
        let mut problems = Diagnostics::default();
        match Self::try_open(folder, purpose, &mut problems) {
            Ok(workspace) => (workspace, problems),
            Err(problem) => {
                problems.push(problem);
                (None, problems)
            }
        }
    }

    fn try_open(
        folder: &Path,
        purpose: &Purpose<'_>,
        problems: &mut Diagnostics,
    ) -> Result<Option<Workspace>, Diagnostic> {
        let system = RealSystem;
        let root = system.canonical(folder).map_err(|e| inputs::cannot("open", folder, &e))?;
        let Some(manifest) = load(&system, &root, problems)? else { return Ok(None) };

        let place = std::env::var_os("AUTOCUT_STORE").map_or_else(|| root.join(STORE), PathBuf::from);
        let store = Arc::new(Store::open(&place)?);
        // Before anything is read of it: whoever waited finds the work done.
        let lock = match purpose {
            Purpose::Look => None,
            Purpose::Build { what, waiting, interrupted } => {
                let give_up = || interrupted.load(Ordering::Relaxed);
                let lock = store.lock(what, &mut |holder| waiting(holder), &give_up)?;
                Some(lock.ok_or_else(|| Diagnostic::environment("interrupted while waiting for another autocut"))?)
            }
        };
        let program = worker::find_program()?;
        let toolchain = toolchain::identify(&program, &store)?;

        let snapshot = store.snapshot()?;
        let mut db = Database::new(toolchain.clone(), Arc::new(move |key| snapshot.get(key)), None);
        let mut files = Files {
            system: &system,
            root: &root,
            memory: store.files()?,
            found: HashMap::new(),
            names: HashMap::new(),
        };
        let never = never(&place, &manifest, &store)?;
        let sets: Vec<Vec<FileInput>> = manifest
            .footage
            .iter()
            .map(|set| {
                let (found, trouble) = files.scan(&mut db, &set.files, &never);
                problems.0.extend(trouble.into_iter().map(|problem| problem.at(set.place.0.clone())));
                found
            })
            .collect();
        let mut materials = Vec::new();
        for (name, place) in manifest.materials() {
            // A name, not a glob, whatever characters it has.
            let (found, trouble) = files.scan(&mut db, &[Pattern::literal(&name)], &Never::default());
            problems.0.extend(trouble.into_iter().map(|problem| problem.at(place.0.clone())));
            materials.extend(found);
        }
        let found = files.found;
        let project = db.set_project(manifest.clone(), sets, materials);
        let mut workspace = Workspace {
            root,
            manifest,
            store,
            program,
            toolchain,
            db,
            project,
            files: HashMap::new(),
            contents: BTreeMap::new(),
            unreadable: HashSet::new(),
            _lock: lock,
        };
        for (file, source) in found {
            if let FileState::Known(digest) = file.state(&workspace.db) {
                workspace.set_content(file, digest);
            }
            workspace.files.insert(file, source);
        }
        Ok(Some(workspace))
    }

    /// Says which of the named outputs do not exist.
    pub fn check_targets(&self, targets: &[String]) -> Result<(), Diagnostics> {
        let names: Vec<&str> = self.manifest.outputs.iter().map(|output| output.name.as_str()).collect();
        let mut problems = Diagnostics::default();
        for target in targets.iter().filter(|target| !names.contains(&target.as_str())) {
            let hint = match crate::base::diagnostic::nearest(target, names.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("the manifest has: {}", names.join(", ")),
            };
            problems.push(Diagnostic::input(format!("there is no output {target:?}")).hint(hint));
        }
        if problems.has_errors() { Err(problems) } else { Ok(()) }
    }

    /// Where a file is read.
    pub fn path_of(&self, file: FileInput) -> PathBuf {
        let source = self.files.get(&file);
        source.and_then(|source| source.path.clone()).unwrap_or_else(|| self.root.join(self.name_of(file)))
    }

    pub fn name_of(&self, file: FileInput) -> String {
        self.files.get(&file).map_or_else(|| file.path(&self.db).clone(), |source| source.name.clone())
    }

    pub fn set_content(&mut self, file: FileInput, digest: Digest) {
        let files = self.contents.entry(digest).or_default();
        if !files.contains(&file) {
            files.push(file);
        }
    }

    pub fn set_unreadable(&mut self, file: FileInput) {
        self.unreadable.insert(file);
    }

    pub fn is_unreadable(&self, file: FileInput) -> bool {
        self.unreadable.contains(&file)
    }

    /// The files with this content.
    pub fn files_of(&self, digest: Digest) -> Vec<FileInput> {
        self.contents.get(&digest).cloned().unwrap_or_default()
    }

    /// Where content can be read now: in a file of the project, or in the
    /// store.
    pub fn locate(&self, digest: Digest) -> Option<PathBuf> {
        let files = self.contents.get(&digest).into_iter().flatten();
        let mut paths = files.filter_map(|file| self.files.get(file)?.path.clone());
        paths.next().or_else(|| Some(self.store.path(digest)).filter(|path| RealSystem.stat(path).is_ok()))
    }

    /// Why content cannot be read now.
    pub fn unavailable(&self, digest: Digest, action: &PlannedAction) -> Diagnostic {
        let names: Vec<_> = self.files_of(digest).into_iter().map(|file| self.name_of(file)).collect();
        match names.first() {
            Some(name) => Diagnostic::input(format!("{name} is not there now, and {} needs it", action.node))
                .hint("plug in the disk that it is on, or put it back"),
            None => Diagnostic::bug(format!("{} needs {}, which nothing makes", action.node, digest.short())),
        }
    }

    /// The file that an action is about, for messages; its node otherwise.
    pub fn subject(&self, action: &PlannedAction) -> String {
        let names = action.spec.inputs().into_iter().flat_map(|digest| self.files_of(digest));
        names.into_iter().next().map_or_else(|| action.node.clone(), |file| self.name_of(file))
    }

    /// What lies at an output's place.
    pub fn output_state(&self, path: &str) -> Result<OutputState, Diagnostic> {
        self.store.output_state(&self.root, path)
    }

    /// Why the moments are as they are; known once they are chosen.
    pub fn choice_report(&self) -> Result<ChoiceReport, Diagnostic> {
        let choice = moments::choice(&self.db, self.project);
        let report = choice.value.as_ref().map(|choice| self.store.read(choice.report)).transpose()?;
        let report = report.and_then(|bytes| decode(&bytes));
        report.ok_or_else(|| Diagnostic::bug("the report on the chosen moments cannot be read"))
    }

    /// The JPEG of a frame that was made.
    pub fn still(&self, wanted: &(String, crate::base::Timestamp)) -> Option<Vec<u8>> {
        let made = stills::stills(&self.db, self.project, std::slice::from_ref(wanted));
        self.store.read(*made.value?.get(wanted)?).ok()
    }

    /// The name of the project's folder.
    pub fn title(&self) -> String {
        self.root.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

fn load(system: &RealSystem, root: &Path, problems: &mut Diagnostics) -> Result<Option<Manifest>, Diagnostic> {
    let path = root.join(MANIFEST);
    let bytes = system.read(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Diagnostic::input(format!("there is no {MANIFEST} in {}", root.display()))
            .hint("`autocut new` writes one to start from"),
        _ => inputs::cannot("read", &path, &error),
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Diagnostic::input(format!("{MANIFEST} is not UTF-8 text")).hint("save it as UTF-8"))?;
    let (manifest, found) = manifest::load(Path::new(MANIFEST), &text, &kinds().as_kinds());
    problems.0.extend(found.0);
    Ok(manifest.filter(|_| !problems.has_errors()))
}

/// What footage patterns never match: the store and what autocut writes.
fn never(place: &Path, manifest: &Manifest, store: &Store) -> Result<Never, Diagnostic> {
    let declared = manifest.outputs.iter().filter_map(|output| output.place_written());
    let written = store.outputs()?.into_iter().map(|output| output.name);
    Ok(Never { store: Some(place.to_owned()), outputs: declared.chain(written).map(PathBuf::from).collect() })
}

/// Finds the project's files, each once.
struct Files<'a> {
    system: &'a RealSystem,
    root: &'a Path,
    memory: BTreeMap<String, Remembered>,
    found: HashMap<FileInput, Source>,
    names: HashMap<String, FileInput>,
}

impl Files<'_> {
    fn scan(&mut self, db: &mut Database, patterns: &[String], never: &Never) -> (Vec<FileInput>, Vec<Diagnostic>) {
        let scan = inputs::scan(self.system, self.root, patterns, never);
        let absent = inputs::identify::unplugged(self.system, self.root, patterns, &self.memory);
        let mut problems: Vec<Diagnostic> = Vec::new();
        let mut files = Vec::new();
        for found in scan.files {
            let known = self.memory.get(&found.name).filter(|known| known.is_trusted(&found.stat));
            let state = known.map_or(FileState::Unknown, |known| FileState::Known(known.digest));
            files.push(self.add(db, found.name, Some(found.path), state));
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
                files.push(self.add(db, file.name, None, FileState::Known(file.digest)));
            }
        }
        (files, problems)
    }

    fn add(&mut self, db: &mut Database, name: String, path: Option<PathBuf>, state: FileState) -> FileInput {
        if let Some(file) = self.names.get(&name) {
            return *file;
        }
        let file = FileInput::new(db, name.clone(), state);
        self.names.insert(name.clone(), file);
        self.found.insert(file, Source { name, path });
        file
    }
}
