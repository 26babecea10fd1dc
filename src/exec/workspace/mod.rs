//! A project opened for work: its manifest, its files, the store, and the
//! database that plans.

mod names;
mod outputs;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::base::{Diagnostic, Diagnostics, Digest};
use crate::deliver::DELIVERABLES;
use crate::exec::files::{self, Look, Memory, Source};
use crate::exec::lockfile::Locked;
use crate::exec::settings::Settings;
use crate::exec::sources::SourceFile;
pub use crate::exec::storage::Purpose;
use crate::exec::{remote, storage, toolchain, worker};
use crate::graph::db::Known;
use crate::graph::{Database, FileInput, FileState, Project, moments, stills};
use crate::inputs::{self, FileStat, RealSystem, System};
use crate::manifest::{self, KindEntry, Kinds, Manifest};
use crate::model::moment::ChoiceReport;
use crate::model::{PlannedAction, Toolchain, decode};
use crate::overlay::OVERLAYS;
use crate::store::remote::Remote;
use crate::store::{Lock, OutputState, Position, Snapshot, Store};
use crate::telemetry::FORMATS;

/// The manifest's name in a project's folder.
pub const MANIFEST: &str = "autocut.ron";

pub struct Workspace {
    pub root: PathBuf,
    pub settings: Settings,
    pub manifest: Manifest,
    pub store: Arc<Store>,
    /// What `autocut.lock` pins.
    pub locked: Locked,
    /// Whether only encoders will do that make the same bytes every time.
    reproducible: bool,
    draft: bool,
    /// The store that others share, if one is named.
    pub shared: Option<Arc<Remote>>,
    /// The media program.
    pub program: PathBuf,
    pub toolchain: Toolchain,
    pub db: Database,
    pub project: Project,
    files: HashMap<FileInput, Source>,
    contents: BTreeMap<Digest, Vec<FileInput>>,
    lock: Option<Lock>,
    /// Where the store's log ended when the lock was released.
    left_at: Option<Position>,
    /// Others have built, and the plan does not know of it.
    is_behind: bool,
}

/// What may be another than it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Files beside the manifest.
    pub files: bool,
    /// New files that are still being written: they are not looked at yet.
    pub growing: BTreeSet<PathBuf>,
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
    pub fn open(folder: &Path, settings: &Settings, purpose: &Purpose<'_>) -> (Option<Workspace>, Diagnostics) {
        Self::open_without(folder, settings, purpose, &BTreeSet::new())
    }

    /// [`open`](Self::open) without files that are still `growing`.
    pub fn open_without(
        folder: &Path,
        settings: &Settings,
        purpose: &Purpose<'_>,
        growing: &BTreeSet<PathBuf>,
    ) -> (Option<Workspace>, Diagnostics) {
        let mut problems = Diagnostics::default();
        match Self::try_open(folder, settings, purpose, growing, &mut problems) {
            Ok(workspace) => (workspace, problems),
            Err(problem) => {
                problems.push(problem);
                (None, problems)
            }
        }
    }

    fn try_open(
        folder: &Path,
        settings: &Settings,
        purpose: &Purpose<'_>,
        growing: &BTreeSet<PathBuf>,
        problems: &mut Diagnostics,
    ) -> Result<Option<Workspace>, Diagnostic> {
        let system = RealSystem;
        let root = system.canonical(folder).map_err(|e| inputs::cannot("open", folder, &e))?;
        // What is wrong with the manifest is told before anybody waits.
        let written = read_manifest(&system, &root)?;
        if load(&written, &mut Diagnostics::default()).is_none() {
            load(&written, problems);
            return Ok(None);
        }
        let place = settings.store_of(&root);
        let store = Arc::new(Store::open_for(&place, &root)?);
        problems.0.extend(store.warning());
        let shared = remote::named(settings);
        // Before anything is read of it: whoever waited finds the work done.
        let lock = storage::take(&store, purpose)?;
        let program = worker::find_program(settings.program.as_deref())?;
        let toolchain = toolchain::identify(&program, &store)?;

        let memory = Memory::of(&store)?;
        let results = Arc::new(OnceLock::new());
        let mut db = Database::new(toolchain.clone(), remembered(&results), None);
        // What the store knows is read while the disk is looked at.
        let (snapshot, looked) = std::thread::scope(|scope| {
            let snapshot = scope.spawn(|| store.snapshot());
            let look = || -> Result<Option<(Manifest, Locked, Look)>, Diagnostic> {
                let Some(manifest) = load(&read_manifest(&system, &root)?, problems) else { return Ok(None) };
                let Some(locked) = read_lock(&root, problems) else { return Ok(None) };
                let found = files::look(&mut db, &root, &manifest, memory, &HashMap::new(), growing);
                Ok(Some((manifest, locked, found)))
            };
            let looked = look();
            (snapshot.join(), looked)
        });
        let Some((manifest, locked, found)) = looked? else { return Ok(None) };
        let snapshot = snapshot.map_err(|_| Diagnostic::bug("reading what the store knows panicked"))??;
        db.reserve(snapshot.len());
        let _ = results.set(snapshot);
        problems.0.extend(found.problems);
        for output in &manifest.outputs {
            problems.0.extend(outputs::footage_in_place_of(&store, &root, &manifest, output)?);
        }
        if lock.is_some() && !found.gone.is_empty() {
            store.forget_files(&found.gone)?;
        }
        let project = db.set_project(manifest.clone(), found.sets, found.materials);
        db.set_wanted_encoder(settings.codec.value.clone(), false);
        locked.tell(&mut db);
        let mut workspace = Workspace {
            root,
            settings: settings.clone(),
            manifest,
            store,
            locked,
            reproducible: false,
            draft: false,
            shared,
            program,
            toolchain,
            db,
            project,
            files: HashMap::new(),
            contents: BTreeMap::new(),
            lock,
            left_at: None,
            is_behind: false,
        };
        workspace.take_files(found.found);
        Ok(Some(workspace))
    }

    /// Takes over what a look at the disk found.
    fn take_files(&mut self, found: HashMap<FileInput, Source>) {
        self.contents.clear();
        for file in found.keys() {
            if let FileState::Known(digest) = file.state(&self.db) {
                self.contents.entry(digest).or_default().push(*file);
            }
        }
        // A map's order must not decide which of two equal files is read.
        self.contents.values_mut().for_each(|files| files.sort_by_key(|file| file.path(&self.db).clone()));
        self.files = found;
    }

    /// Takes in an edit: reads the manifest again and looks at the files again
    /// where they may have changed. Gives what is worth saying; with errors
    /// everything stays as it was.
    pub fn reload(&mut self, edit: &Edit) -> Result<Diagnostics, Diagnostics> {
        let mut problems = Diagnostics::default();
        match self.try_reload(edit, &mut problems) {
            Ok(()) => {}
            Err(problem) => problems.push(problem),
        }
        if problems.has_errors() { Err(problems) } else { Ok(problems) }
    }

    fn try_reload(&mut self, edit: &Edit, problems: &mut Diagnostics) -> Result<(), Diagnostic> {
        let Some(manifest) = load(&read_manifest(&RealSystem, &self.root)?, problems) else { return Ok(()) };
        let Some(locked) = read_lock(&self.root, problems) else { return Ok(()) };
        for output in &manifest.outputs {
            problems.0.extend(outputs::footage_in_place_of(&self.store, &self.root, &manifest, output)?);
        }
        if problems.has_errors() {
            return Ok(());
        }
        let locked = Locked { required: self.locked.required, ..locked };
        let patterns = |manifest: &Manifest| -> Vec<(String, Vec<String>)> {
            manifest.footage.iter().map(|set| (set.name.clone(), set.files.clone())).collect()
        };
        let names = |manifest: &Manifest| manifest.materials().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        if !edit.files
            && patterns(&manifest) == patterns(&self.manifest)
            && names(&manifest) == names(&self.manifest)
            && manifest.places_written() == self.manifest.places_written()
        {
            let (sets, materials) = (self.project.files(&self.db).clone(), self.project.materials(&self.db).clone());
            self.project = self.db.set_project(manifest.clone(), sets, materials);
            self.manifest = manifest;
            self.locked = locked;
            self.locked.tell(&mut self.db);
            return Ok(());
        }
        let known = self.files.iter().map(|(file, source)| (source.name.clone(), *file)).collect();
        let mut found =
            files::look(&mut self.db, &self.root, &manifest, Memory::of(&self.store)?, &known, &edit.growing);
        problems.0.append(&mut found.problems);
        if problems.has_errors() {
            return Ok(());
        }
        if self.lock.is_some() && !found.gone.is_empty() {
            self.store.forget_files(&found.gone)?;
        }
        found.tell(&mut self.db);
        self.project = self.db.set_project(manifest.clone(), found.sets, found.materials);
        self.manifest = manifest;
        self.locked = locked;
        self.locked.tell(&mut self.db);
        self.take_files(found.found);
        Ok(())
    }

    /// Whether an output of the project lies at an absolute path.
    pub fn writes(&self, path: &Path) -> bool {
        self.manifest.places_written().iter().any(|place| path.starts_with(self.root.join(place)))
    }

    /// Whether what lies at the absolute path of an output is what autocut wrote.
    pub fn is_as_written(&self, path: &Path) -> bool {
        let name = path.strip_prefix(&self.root).ok().and_then(Path::to_str);
        let state = name.map(|name| self.store.output_state(&self.root, name));
        matches!(state, Some(Ok(OutputState::Ours(_))))
    }

    /// Lets others build in the project, until it is [acquired](Self::acquire)
    /// again.
    pub fn release(&mut self) -> Result<(), Diagnostic> {
        let position = self.store.position();
        self.lock = None;
        self.left_at = position.as_ref().ok().copied();
        position.map(drop)
    }

    /// Ends the work on the project with the program: others may build, and the
    /// plan's memory is left to the system, which is quicker than freeing each
    /// of its parts.
    pub fn leave(self) {
        let Workspace { db, lock, store, .. } = self;
        std::mem::forget(db);
        // The index is closed before others may build.
        drop(store);
        drop(lock);
    }

    /// Takes the project for a build. What others have done meanwhile is known
    /// afterwards: then the plan begins anew, which it says.
    pub fn acquire(&mut self, purpose: &Purpose<'_>, growing: &BTreeSet<PathBuf>) -> Result<bool, Diagnostic> {
        self.lock = storage::take(&self.store, purpose)?;
        self.is_behind |= self.left_at != Some(self.store.position()?);
        let anew = self.is_behind;
        if anew {
            self.forget_plan(growing)?;
            self.is_behind = false;
        }
        Ok(anew)
    }

    /// Begins with a new plan out of what the store knows now. What was planned
    /// before is freed: salsa never frees the inputs of a database. New files
    /// that are still `growing` are passed over.
    pub fn forget_plan(&mut self, growing: &BTreeSet<PathBuf>) -> Result<(), Diagnostic> {
        let mut db = database(&self.store, &self.toolchain)?;
        let found = self.look(&mut db, growing)?;
        self.project = db.set_project(self.manifest.clone(), found.sets, found.materials);
        self.instruct(&mut db);
        self.db = db;
        self.take_files(found.found);
        Ok(())
    }

    /// Looks for the files of the manifest, for a new database.
    fn look(&self, db: &mut Database, growing: &BTreeSet<PathBuf>) -> Result<Look, Diagnostic> {
        let memory = Memory::of(&self.store)?;
        Ok(files::look(db, &self.root, &self.manifest, memory, &HashMap::new(), growing))
    }

    /// Tells a new database what decides beside the manifest and the files.
    fn instruct(&self, db: &mut Database) {
        db.set_wanted_encoder(self.settings.codec.value.clone(), self.reproducible);
        db.set_draft(self.draft);
        self.locked.tell(db);
    }

    /// Allows only encoders that make the same bytes every time, or all.
    pub fn set_reproducible(&mut self, reproducible: bool) {
        self.reproducible = reproducible;
        self.db.set_wanted_encoder(self.settings.codec.value.clone(), reproducible);
    }

    /// Makes drafts, or outputs as the manifest has them.
    pub fn set_draft(&mut self, draft: bool) {
        self.draft = draft;
        self.db.set_draft(draft);
    }

    pub fn is_reproducible(&self) -> bool {
        self.reproducible
    }

    /// Makes moments that `autocut.lock` does not pin an error.
    pub fn require_lock(&mut self) {
        self.locked.required = true;
        self.locked.tell(&mut self.db);
    }

    /// Whether the project reads the file at an absolute path.
    pub fn reads(&self, path: &Path) -> bool {
        self.files.values().any(|source| source.path.as_deref() == Some(path))
    }

    /// The same project with another store, of which nothing is known yet but
    /// what its files contain.
    pub fn apart(&self, store: Arc<Store>) -> Result<Workspace, Diagnostic> {
        let mut db = Database::new(self.toolchain.clone(), Arc::new(|_| None), None);
        // What was written and what was hashed, the project's own store knows.
        let found = self.look(&mut db, &BTreeSet::new())?;
        let project = db.set_project(self.manifest.clone(), found.sets, found.materials);
        self.instruct(&mut db);
        let mut apart = Workspace {
            root: self.root.clone(),
            settings: self.settings.clone(),
            manifest: self.manifest.clone(),
            store,
            locked: self.locked.clone(),
            reproducible: self.reproducible,
            draft: self.draft,
            // What others made proves nothing of what is made here.
            shared: None,
            program: self.program.clone(),
            toolchain: self.toolchain.clone(),
            db,
            project,
            files: HashMap::new(),
            contents: BTreeMap::new(),
            lock: None,
            left_at: None,
            is_behind: false,
        };
        apart.take_files(found.found);
        Ok(apart)
    }

    /// Where a file is read.
    pub fn path_of(&self, file: FileInput) -> PathBuf {
        let source = self.files.get(&file);
        source.and_then(|source| source.path.clone()).unwrap_or_else(|| self.root.join(self.name_of(file)))
    }

    /// Notes what a file was found to contain when it had `stat`.
    pub fn set_content(&mut self, file: FileInput, digest: Digest, stat: FileStat) {
        let files = self.contents.entry(digest).or_default();
        if !files.contains(&file) {
            files.push(file);
            // As in `take_files`: not in the order in which they were read.
            files.sort_by_key(|file| file.path(&self.db).clone());
        }
        if let Some(source) = self.files.get_mut(&file) {
            source.stat = Some(stat);
        }
    }

    /// Whether any file of a footage set is known.
    pub fn has_footage(&self) -> bool {
        self.project.files(&self.db).iter().any(|set| !set.is_empty())
    }

    /// The files of the project that are there, as they were when they were
    /// looked at last.
    pub fn sources(&self) -> impl Iterator<Item = (&Path, FileStat)> {
        self.files.values().filter_map(|source| Some((source.path.as_deref()?, source.stat?)))
    }

    /// As a file was when it was looked at last, or read.
    pub fn stat_of(&self, file: FileInput) -> Option<FileStat> {
        self.files.get(&file)?.stat
    }

    /// The files of the project that an action reads, as they were when their
    /// content was found out.
    pub fn sources_of(&self, action: &PlannedAction) -> Vec<SourceFile> {
        let source = |digest: &Digest| {
            let source = self.source(*digest)?;
            let (path, stat) = (source.path.clone()?, source.stat?);
            Some(SourceFile { name: source.name.clone(), path, digest: *digest, stat })
        };
        action.spec.inputs().iter().filter_map(source).collect()
    }

    /// The first file of the project with this content that is there.
    fn source(&self, digest: Digest) -> Option<&Source> {
        let files = self.contents.get(&digest)?.iter().filter_map(|file| self.files.get(file));
        files.into_iter().find(|source| source.path.is_some())
    }

    /// The files with this content.
    pub fn files_of(&self, digest: Digest) -> Vec<FileInput> {
        self.contents.get(&digest).cloned().unwrap_or_default()
    }

    /// Where content can be read now: in a file of the project, or in the
    /// store.
    pub fn locate(&self, digest: Digest) -> Option<PathBuf> {
        let file = self.source(digest).and_then(|source| source.path.clone());
        file.or_else(|| Some(self.store.path(digest)).filter(|path| RealSystem.stat(path).is_ok()))
    }

    /// Why the moments are as they are; known once they are chosen.
    pub fn choice_report(&self) -> Result<ChoiceReport, Diagnostic> {
        let choice = moments::weighed(&self.db, self.project);
        let report = choice.value.as_ref().and_then(|choice| choice.report);
        let report = report.map(|report| self.store.read(report)).transpose()?;
        let report = report.and_then(|bytes| decode(&bytes));
        report.ok_or_else(|| Diagnostic::bug("the report on the chosen moments cannot be read"))
    }

    /// The JPEG of a frame that was made.
    pub fn still(&self, wanted: &(String, crate::base::Timestamp)) -> Option<Vec<u8>> {
        let made = stills::stills(&self.db, self.project, std::slice::from_ref(wanted));
        self.store.read(*made.value?.get(wanted)?).ok()
    }
}

/// A database that knows what the store knows now.
fn database(store: &Store, toolchain: &Toolchain) -> Result<Database, Diagnostic> {
    let results = Arc::new(OnceLock::from(store.snapshot()?));
    Ok(Database::new(toolchain.clone(), remembered(&results), None))
}

/// Looks results up among those that the store knew, once these are read.
fn remembered(results: &Arc<OnceLock<Snapshot>>) -> Known {
    let results = Arc::clone(results);
    Arc::new(move |key| results.get()?.get(key))
}

/// Reads `autocut.lock`; `None` where it is wrong.
fn read_lock(root: &Path, problems: &mut Diagnostics) -> Option<Locked> {
    Locked::read(root).map_err(|wrong| problems.0.extend(wrong.0)).ok()
}

/// The manifest of the project in `root` by itself, whatever the files are that
/// it names; `None` where it is wrong or not there.
pub fn written(root: &Path) -> Option<Manifest> {
    load(&read_manifest(&RealSystem, root).ok()?, &mut Diagnostics::default())
}

/// The manifest as it is written.
fn read_manifest(system: &RealSystem, root: &Path) -> Result<String, Diagnostic> {
    let path = root.join(MANIFEST);
    let bytes = system.read(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Diagnostic::input(format!("there is no {MANIFEST} in {}", root.display()))
            .hint("`autocut new` writes one to start from"),
        _ => inputs::cannot("read", &path, &error),
    })?;
    String::from_utf8(bytes)
        .map_err(|_| Diagnostic::input(format!("{MANIFEST} is not UTF-8 text")).hint("save it as UTF-8"))
}

/// What the manifest means; `None` where it is wrong.
fn load(text: &str, problems: &mut Diagnostics) -> Option<Manifest> {
    let (manifest, found) = manifest::load(Path::new(MANIFEST), text, &kinds().as_kinds());
    problems.0.extend(found.0);
    manifest.filter(|_| !problems.has_errors())
}
