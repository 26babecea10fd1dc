//! The database: inputs of planning and how they are set.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use salsa::{Durability, Setter};

use crate::base::Digest;
use crate::manifest::Manifest;
use crate::manifest::manifest::{
    Additions, AnalysisSettings, Detection, FootageSet, Moments, Music, OutputDecl, OverlayDecl, TelemetrySource,
};
use crate::model::key::KeyHashing;
use crate::model::{ActionKey, ActionResult, Toolchain};

/// The manifest, one field for each section, so that an edit of one section
/// leaves the queries of the others alone; and what scanning found.
#[salsa::input(singleton)]
pub struct Project {
    #[returns(ref)]
    pub footage: Vec<FootageSet>,
    #[returns(ref)]
    pub telemetry: Vec<TelemetrySource>,
    #[returns(ref)]
    pub additions: Additions,
    #[returns(ref)]
    pub music: Option<Music>,
    #[returns(ref)]
    pub analysis: AnalysisSettings,
    #[returns(ref)]
    pub detection: Option<Detection>,
    #[returns(ref)]
    pub moments: Moments,
    #[returns(ref)]
    pub overlays: Vec<OverlayDecl>,
    #[returns(ref)]
    pub outputs: Vec<OutputDecl>,
    /// The files of each footage set, in the order of `footage`.
    #[returns(ref)]
    pub files: Vec<Vec<FileInput>>,
    /// The other files that the manifest names: log, music, model.
    #[returns(ref)]
    pub materials: Vec<FileInput>,
}

impl Project {
    /// The file that the manifest names `path`.
    pub fn material(self, db: &dyn Db, path: &str) -> Option<FileInput> {
        self.materials(db).iter().copied().find(|file| file.path(db) == path)
    }
}

/// A file outside of the store that the project reads: footage, a log, music,
/// a model.
#[salsa::input]
#[derive(Debug)]
pub struct FileInput {
    /// As it is named in the project: relative where it lies inside.
    #[returns(ref)]
    pub path: String,
    #[returns(copy)]
    pub state: FileState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Not hashed yet.
    Unknown,
    Known(Digest),
    /// It cannot be used, and `--keep-going` goes on without it.
    Unusable,
}

impl FileState {
    pub fn digest(self) -> Option<Digest> {
        match self {
            FileState::Known(digest) => Some(digest),
            FileState::Unknown | FileState::Unusable => None,
        }
    }
}

/// The result of an action, where it is done.
#[salsa::input]
pub struct Outcome {
    #[returns(ref)]
    pub result: Option<Arc<ActionResult>>,
}

/// What queries may ask of the database.
#[salsa::db]
pub trait Db: salsa::Database {
    /// The outcome of an action; created at first use.
    fn outcome(&self, key: ActionKey) -> Outcome;
    /// Constant for the life of a database: another toolchain is another
    /// database.
    fn toolchain(&self) -> &Toolchain;
}

/// Looks up the result of an action among those that are remembered.
pub type Known = Arc<dyn Fn(ActionKey) -> Option<ActionResult> + Send + Sync>;

/// Owned by the driver, which alone sets inputs.
#[salsa::db]
#[derive(Clone)]
pub struct Database {
    storage: salsa::Storage<Self>,
    outcomes: Arc<Mutex<HashMap<ActionKey, Outcome, KeyHashing>>>,
    /// What the store knew when the program started.
    known: Known,
    toolchain: Arc<Toolchain>,
}

#[salsa::db]
impl salsa::Database for Database {}

#[salsa::db]
impl Db for Database {
    fn outcome(&self, key: ActionKey) -> Outcome {
        let outcomes = || self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = outcomes().get(&key) {
            return *outcome;
        }
        // Others plan on while this is decoded.
        let result = (self.known)(key).map(Arc::new);
        *outcomes().entry(key).or_insert_with(|| {
            let durability = durability_of(result.is_some());
            Outcome::builder(result).durability(durability).new(self)
        })
    }

    fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }
}

/// What a change of an input starts anew: queries that rest on nothing less
/// durable are not even looked at. A result stays as it is once it is there,
/// manifest and files change with edits, and what is not done changes soonest.
/// (Salsa counts a change by the durability from before it, so a result that
/// comes in leaves what is done alone.)
fn durability_of(is_done: bool) -> Durability {
    if is_done { Durability::HIGH } else { Durability::LOW }
}

/// Of what edits change.
pub(crate) const EDITED: Durability = Durability::MEDIUM;

/// Sets a field of the project where it changed; an equal value starts no new
/// revision.
macro_rules! update {
    ($db:expr, $project:expr, $get:ident, $set:ident, $value:expr) => {
        if $project.$get($db) != &$value {
            $project.$set($db).to($value);
        }
    };
}

impl Database {
    /// A database that begins with what `known` remembers. `log` is told of every
    /// query that runs.
    pub fn new(toolchain: Toolchain, known: Known, log: Option<Box<dyn Fn(String) + Send + Sync>>) -> Self {
        let callback = log.map(|log| -> Box<dyn Fn(salsa::Event) + Send + Sync> {
            Box::new(move |event| {
                if let salsa::EventKind::WillExecute { database_key } = event.kind {
                    log(format!("{database_key:?}"));
                }
            })
        });
        Database {
            storage: salsa::Storage::new(callback),
            outcomes: Arc::default(),
            known,
            toolchain: Arc::new(toolchain),
        }
    }

    /// Makes room for so many actions.
    pub fn reserve(&mut self, actions: usize) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).reserve(actions);
    }

    /// Takes over a manifest and the files that were found for it.
    pub fn set_project(
        &mut self,
        manifest: Manifest,
        files: Vec<Vec<FileInput>>,
        materials: Vec<FileInput>,
    ) -> Project {
        let m = manifest;
        if let Some(project) = Project::try_get(self) {
            update!(self, project, footage, set_footage, m.footage);
            update!(self, project, telemetry, set_telemetry, m.telemetry);
            update!(self, project, additions, set_additions, m.additions);
            update!(self, project, music, set_music, m.music);
            update!(self, project, analysis, set_analysis, m.analysis);
            update!(self, project, detection, set_detection, m.detection);
            update!(self, project, moments, set_moments, m.moments);
            update!(self, project, overlays, set_overlays, m.overlays);
            update!(self, project, outputs, set_outputs, m.outputs);
            update!(self, project, files, set_files, files);
            update!(self, project, materials, set_materials, materials);
            return project;
        }
        Project::builder(
            m.footage,
            m.telemetry,
            m.additions,
            m.music,
            m.analysis,
            m.detection,
            m.moments,
            m.overlays,
            m.outputs,
            files,
            materials,
        )
        .durability(EDITED)
        .new(self)
    }

    /// A file that the project reads.
    pub fn add_file(&mut self, path: String, state: FileState) -> FileInput {
        let durability = if state == FileState::Unknown { Durability::LOW } else { EDITED };
        FileInput::builder(path, state).path_durability(Durability::HIGH).state_durability(durability).new(self)
    }

    /// Records what became of a file.
    pub fn set_file(&mut self, file: FileInput, state: FileState) {
        if file.state(self) != state {
            let durability = if state == FileState::Unknown { Durability::LOW } else { EDITED };
            file.set_state(self).with_durability(durability).to(state);
        }
    }

    /// Records the result of an action, or forgets it (`None`: its object is
    /// gone).
    pub fn set_outcome(&mut self, key: ActionKey, result: Option<Arc<ActionResult>>) {
        let outcome = self.outcome(key);
        let durability = durability_of(result.is_some());
        outcome.set_result(self).with_durability(durability).to(result);
    }

    /// How many actions were ever asked about. Salsa never frees them.
    pub fn outcomes(&self) -> usize {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn result(&self, key: ActionKey) -> Option<Arc<ActionResult>> {
        self.outcome(key).result(self).clone()
    }
}
