//! A project opened for work: its manifest, its files, the store, and the
//! database that plans.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::base::{Diagnostic, Diagnostics, Digest, Timestamp};
use crate::deliver::DELIVERABLES;
use crate::exec::explain::basis::Again;
use crate::exec::files::{self, Look, Memory, Source};
use crate::exec::lockfile::Locked;
use crate::exec::settings::Settings;
use crate::exec::sources::SourceFile;
pub use crate::exec::storage::Purpose;
use crate::exec::survey::Done;
use crate::exec::{remote, storage, toolchain, worker};
use crate::graph::db::Known;
use crate::graph::{Database, FileInput, FileState, Project, moments, stills};
use crate::inputs::system::EntryKind;
use crate::inputs::{self, FileStat, Pattern, RealSystem, System};
use crate::manifest::manifest::{At, OutputDecl};
use crate::manifest::{self, KindEntry, Kinds, Manifest};
use crate::model::moment::{ChoiceReport, Moment};
use crate::model::specs::{Ban, DrawSpec, Pin, ShowSpec};
use crate::model::{ActionSpec, PlannedAction, Toolchain, decode};
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
        let mut problems = Diagnostics::default();
        match Self::try_open(folder, settings, purpose, &mut problems) {
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
                let found = files::look(&mut db, &root, &manifest, memory, &HashMap::new(), &BTreeSet::new());
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
            problems.0.extend(footage_in_place_of(&store, &root, &manifest, output)?);
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
            shared,
            program,
            toolchain,
            db,
            project,
            files: HashMap::new(),
            contents: BTreeMap::new(),
            lock,
            left_at: None,
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
            problems.0.extend(footage_in_place_of(&self.store, &self.root, &manifest, output)?);
        }
        if problems.has_errors() {
            return Ok(());
        }
        self.locked = Locked { required: self.locked.required, ..locked };
        self.locked.tell(&mut self.db);
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
            return Ok(());
        }
        let known = self.files.iter().map(|(file, source)| (source.name.clone(), *file)).collect();
        let found = files::look(&mut self.db, &self.root, &manifest, Memory::of(&self.store)?, &known, &edit.growing);
        problems.0.extend(found.problems);
        if problems.has_errors() {
            return Ok(());
        }
        if self.lock.is_some() && !found.gone.is_empty() {
            self.store.forget_files(&found.gone)?;
        }
        self.project = self.db.set_project(manifest.clone(), found.sets, found.materials);
        self.manifest = manifest;
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
        self.left_at = Some(self.store.position()?);
        self.lock = None;
        Ok(())
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
    pub fn acquire(&mut self, purpose: &Purpose<'_>) -> Result<bool, Diagnostic> {
        self.lock = storage::take(&self.store, purpose)?;
        let anew = self.left_at != Some(self.store.position()?);
        if anew {
            self.forget_plan()?;
        }
        Ok(anew)
    }

    /// Begins with a new plan out of what the store knows now. What was planned
    /// before is freed: salsa never frees the inputs of a database.
    pub fn forget_plan(&mut self) -> Result<(), Diagnostic> {
        let mut db = database(&self.store, &self.toolchain)?;
        let found = self.look(&mut db)?;
        self.project = db.set_project(self.manifest.clone(), found.sets, found.materials);
        self.instruct(&mut db);
        self.db = db;
        self.take_files(found.found);
        Ok(())
    }

    /// Looks for the files of the manifest, for a new database.
    fn look(&self, db: &mut Database) -> Result<Look, Diagnostic> {
        let memory = Memory::of(&self.store)?;
        Ok(files::look(db, &self.root, &self.manifest, memory, &HashMap::new(), &BTreeSet::new()))
    }

    /// Tells a new database what decides beside the manifest and the files.
    fn instruct(&self, db: &mut Database) {
        db.set_wanted_encoder(self.settings.codec.value.clone(), self.reproducible);
        self.locked.tell(db);
    }

    /// Allows only encoders that make the same bytes every time, or all.
    pub fn set_reproducible(&mut self, reproducible: bool) {
        self.reproducible = reproducible;
        self.db.set_wanted_encoder(self.settings.codec.value.clone(), reproducible);
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
        let found = self.look(&mut db)?;
        let project = db.set_project(self.manifest.clone(), found.sets, found.materials);
        self.instruct(&mut db);
        let mut apart = Workspace {
            root: self.root.clone(),
            settings: self.settings.clone(),
            manifest: self.manifest.clone(),
            store,
            locked: self.locked.clone(),
            reproducible: self.reproducible,
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
        };
        apart.take_files(found.found);
        Ok(apart)
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
        problems.into_result()
    }

    /// Where a file is read.
    pub fn path_of(&self, file: FileInput) -> PathBuf {
        let source = self.files.get(&file);
        source.and_then(|source| source.path.clone()).unwrap_or_else(|| self.root.join(self.name_of(file)))
    }

    pub fn name_of(&self, file: FileInput) -> String {
        self.files.get(&file).map_or_else(|| file.path(&self.db).clone(), |source| source.name.clone())
    }

    /// Notes what a file was found to contain when it had `stat`.
    pub fn set_content(&mut self, file: FileInput, digest: Digest, stat: FileStat) {
        let files = self.contents.entry(digest).or_default();
        if !files.contains(&file) {
            files.push(file);
        }
        if let Some(source) = self.files.get_mut(&file) {
            source.stat = Some(stat);
        }
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

    /// A failure as people are told of it: with the file, the overlay or the
    /// output that it is about, and its place in the manifest where it has one.
    pub fn named(&self, action: &PlannedAction, why: Diagnostic) -> Diagnostic {
        let (subject, place) = match &action.spec {
            ActionSpec::Show(ShowSpec { overlay, .. }) | ActionSpec::Draw(DrawSpec { overlay, .. }) => {
                match self.manifest.overlays.iter().find(|declared| declared.spec == *overlay) {
                    Some(declared) => (format!("overlay {:?}", declared.name), Some(&declared.place)),
                    None => (action.node.clone(), None),
                }
            }
            // The message names the recording and the time.
            ActionSpec::Choose(_) => (String::new(), self.place_of_moment(&why.message)),
            _ => (action.output.clone().unwrap_or_else(|| self.subject(action)), None),
        };
        let message =
            if why.message.contains(&subject) { why.message.clone() } else { format!("{subject}: {}", why.message) };
        let place = why.place.clone().or_else(|| place.map(|at| Box::new(at.0.clone())));
        Diagnostic { message, place, ..why }
    }

    /// Where the pin or ban stands that a message speaks of.
    fn place_of_moment(&self, message: &str) -> Option<&At> {
        let moments = &self.manifest.moments;
        let pin = |pin: &Pin| position(&pin.recording, pin.start);
        let ban = |ban: &Ban| position(&ban.recording, ban.from);
        let pins = moments.pins.iter().map(pin).zip(&moments.pin_places);
        let mut all = pins.chain(moments.bans.iter().map(ban).zip(&moments.ban_places));
        all.find(|(name, _)| message.contains(name.as_str())).map(|(_, place)| place)
    }

    /// Those of these finished actions whose outputs are no longer as they were
    /// written. Actions that write none are passed over.
    pub fn displaced<'a>(&self, done: &'a [Done]) -> Result<Vec<&'a Arc<PlannedAction>>, Diagnostic> {
        let (joins, paths): (Vec<_>, Vec<_>) =
            done.iter().filter_map(|done| Some((done, done.0.output.clone()?))).unzip();
        let states = self.store.output_states(&self.root, &paths)?;
        let is_displaced = |(_, result): &Done, state: OutputState| {
            let made = result.artifacts.first();
            made.is_none_or(|made| state != OutputState::Ours(made.digest))
        };
        let both = joins.into_iter().zip(states);
        Ok(both.filter(|(done, state)| is_displaced(done, *state)).map(|((action, _), _)| action).collect())
    }

    /// Why an action has to be done that was done just so: something it made is
    /// not as it was.
    pub fn again(&self, action: &PlannedAction) -> Again {
        let state = action.output.as_ref().map(|path| self.store.output_state(&self.root, path));
        match state {
            None => Again::ObjectGone,
            Some(Ok(OutputState::Absent)) => Again::OutputGone,
            Some(_) => Again::OutputChanged,
        }
    }

    /// An error where an output would replace what autocut did not write.
    pub fn may_write(&self, path: &str) -> Result<(), Diagnostic> {
        match self.store.output_state(&self.root, path)? {
            OutputState::Absent | OutputState::Ours(_) => Ok(()),
            OutputState::Foreign => {
                Err(Diagnostic::input(format!("{path} was not written by autocut, or was changed since"))
                    .hint("move it away, or let it be overwritten with --force"))
            }
        }
    }

    /// What is wrong with the places of the outputs of these names (of all where
    /// none is named), as far as that is known before planning.
    pub fn blocked_outputs(&self, targets: &[String]) -> Vec<Diagnostic> {
        let wanted = |name: &String| targets.is_empty() || targets.contains(name);
        let outputs = self.manifest.outputs.iter().filter(|output| wanted(&output.name));
        let places = outputs.filter_map(|output| Some((output.place_written()?, &output.place)));
        // A folder is one to write into.
        let is_file = |path: &str| RealSystem.stat(&self.root.join(path)).is_ok_and(|it| it.kind == EntryKind::File);
        let blocked = places.filter(|(path, _)| is_file(path));
        blocked.filter_map(|(path, at)| Some(self.may_write(&path).err()?.at(at.0.clone()))).collect()
    }

    /// An error where the store cannot take in what these actions make: nothing
    /// can be written there, or there is no room.
    pub fn may_store(&self, pending: &[Arc<PlannedAction>]) -> Result<(), Diagnostic> {
        if let (Some(first), Some(why)) = (pending.first(), self.store.read_only()) {
            let first = format!("{} {}", first.spec.kind().name, first.node);
            return Err(why.clone().note(match pending.len() {
                1 => format!("{first} has to run"),
                more => format!("{first} and {} more actions have to run", more - 1),
            }));
        }
        match pending.iter().map(|action| expected_bytes(&action.spec)).sum() {
            0 => Ok(()),
            needed => self.store.space()?.require(needed, self.store.root()),
        }
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

    /// The name of the project's folder.
    pub fn title(&self) -> String {
        self.root.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned())
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

/// About what an action writes that writes much: a tenth of a bit a pixel is
/// what x264 takes for usual footage at a good quality.
fn expected_bytes(spec: &ActionSpec) -> u64 {
    match spec {
        // Once as a segment, once in the output that it is joined to.
        ActionSpec::Segment(spec) => u64::from(spec.frames()).saturating_mul(spec.format.size.area()) / 80 * 2,
        ActionSpec::Sound(spec) => spec.runs.iter().map(|run| run.samples * u64::from(spec.channels) * 2).sum(),
        _ => 0,
    }
}

/// The error for an output whose place holds footage: a file that autocut did
/// not write and that a footage set names.
fn footage_in_place_of(
    store: &Store,
    root: &Path,
    manifest: &Manifest,
    output: &OutputDecl,
) -> Result<Option<Diagnostic>, Diagnostic> {
    let Some(path) = output.place_written() else { return Ok(None) };
    let names = |text: &String| Pattern::new(text, root).is_ok_and(|pattern| pattern.matches(&path));
    let set = manifest.footage.iter().find(|set| set.files.iter().any(names));
    let Some(set) = set.filter(|_| RealSystem.stat(&root.join(&path)).is_ok_and(|it| it.kind == EntryKind::File))
    else {
        return Ok(None);
    };
    if store.output_state(root, &path)? != OutputState::Foreign {
        return Ok(None);
    }
    let problem =
        Diagnostic::input(format!("output {:?} would replace {path}, which is footage of {:?}", output.name, set.name));
    Ok(Some(problem.at(output.place.0.clone()).hint("let it write to another file, e.g. in `out/`")))
}

/// A moment's place as messages write it: `front/GX010012@192.0s`.
fn position(recording: &str, start: Timestamp) -> String {
    let length = Timestamp::ZERO;
    Moment { recording: recording.to_owned(), start, length, pinned: false }.node()
}

/// Reads `autocut.lock`; `None` where it is wrong.
fn read_lock(root: &Path, problems: &mut Diagnostics) -> Option<Locked> {
    Locked::read(root).map_err(|wrong| problems.0.extend(wrong.0)).ok()
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
