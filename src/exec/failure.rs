//! What people are told of an action that failed: the file, the action, what
//! its worker said last, and how to do just that again. And what is missing
//! because of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Diagnostic, Digest, Tier};
use crate::exec::inline::{self, Logs, Materials};
use crate::exec::task::Task;
use crate::exec::worker::{Failure, Worker};
use crate::exec::workspace::Workspace;
use crate::graph::outputs;
use crate::graph::planned::Leaf;
use crate::inputs::{self, Placed, RealSystem, System};
use crate::model::naming;
use crate::model::protocol::{Invocation, Produced, Reply};
use crate::model::{ActionKey, PlannedAction, Runs};
use crate::store::{ScratchFile, Store};
use crate::telemetry::columns::{Scratch, Source};

/// Failed actions as they are written down, to be done again by hand.
pub struct Notebook {
    /// `None` where nothing is written down.
    store: Option<Arc<Store>>,
    /// The names of what is written down; `None` until somebody asks.
    names: Option<BTreeSet<String>>,
}

impl Notebook {
    pub fn new(store: Arc<Store>) -> Self {
        Notebook { store: Some(store), names: None }
    }

    /// Of a build in a store that goes with it, and what actions read with that.
    pub fn without_pages() -> Self {
        Notebook { store: None, names: None }
    }

    fn names(&mut self) -> &mut BTreeSet<String> {
        let written = || self.store.as_ref().map(|store| store.failed()).unwrap_or_default();
        self.names.get_or_insert_with(|| written().into_iter().collect())
    }

    /// Adds to a failure which action it was, how often it was tried, and the
    /// command that does just that again, from a file that is written for it
    /// where that can be.
    pub fn describe(
        &mut self,
        why: Diagnostic,
        action: &PlannedAction,
        tries: usize,
        task: Option<&Task>,
        program: &Path,
    ) -> Diagnostic {
        // Where a file that `autocut` itself reads is wrong, the message says
        // all there is to say.
        if action.spec.kind().runs == Runs::Inline && why.tier == Tier::Input {
            return why;
        }
        let times = if tries > 1 { format!(", tried {tries} times") } else { String::new() };
        let why = why.note(format!("it was the action {} {}{times}", action.spec.kind().name, action.node));
        match task.and_then(|task| self.write(task, program)) {
            Some(command) => why.note(format!("to do just that again: {command}")),
            None => why,
        }
    }

    /// Writes a failed action down; the command that does it again. `None`
    /// where the store cannot be written or the action has no such form.
    fn write(&mut self, task: &Task, program: &Path) -> Option<String> {
        let name = name_of(&task.action);
        let store = self.store.clone()?;
        let invocation = task.invocation(0, store.made_of_failed(&name));
        let text = ron::ser::to_string_pretty(&invocation, ron::ser::PrettyConfig::default()).ok()?;
        let path = store.keep_failed(&name, &text).ok()?;
        self.names().insert(name);
        let program = match task.action.spec.kind().runs {
            Runs::Media => std::path::absolute(program).ok()?,
            Runs::Inline => std::env::current_exe().ok()?,
        };
        Some(format!("{} run {}", quoted(&program), quoted(&path)))
    }

    /// An action succeeded: it is not to be done again.
    pub fn strike(&mut self, action: &PlannedAction) {
        if self.names().is_empty() {
            return;
        }
        let name = name_of(action);
        if self.names().remove(&name) {
            self.forget(&name);
        }
    }

    /// Everything is done: what is left is of actions that nobody plans now.
    pub fn clear(&mut self) {
        for name in std::mem::take(self.names()) {
            self.forget(&name);
        }
    }

    fn forget(&self, name: &str) {
        self.store.iter().for_each(|store| store.forget_failed(name));
    }
}

/// The name of a file for an action, the same for each try of its node.
fn name_of(action: &PlannedAction) -> String {
    /// File systems take names of 255 bytes.
    const LONGEST: usize = 100;
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@') { c } else { '-' };
    let node: String = action.node.chars().map(safe).take(LONGEST).collect();
    // Two nodes may look alike by now.
    format!("{}-{node}-{}.ron", action.spec.kind().name, Digest::of(action.node.as_bytes()).short())
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%=:,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// An output that is not as the manifest asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub output: String,
    /// Its files that were not made, as far as they are known; the place where
    /// they would be where none is.
    pub files: Vec<String>,
    /// The failed actions that it needs, by kind and node.
    pub needs: Vec<String>,
}

/// The outputs of these names (all where none is named) that are missing:
/// not among the files that are in their place.
pub fn missing(
    workspace: &Workspace,
    targets: &[String],
    failed: &HashMap<ActionKey, Diagnostic>,
    is_there: &dyn Fn(&str) -> bool,
) -> Vec<Missing> {
    let (db, project) = (&workspace.db, workspace.project);
    let mut all = Vec::new();
    for (index, output) in workspace.manifest.outputs.iter().enumerate() {
        if !targets.is_empty() && !targets.contains(&output.name) {
            continue;
        }
        let planned = outputs::one(db, project, index);
        let (mut files, mut needs, mut planned_files) = (BTreeSet::new(), BTreeSet::new(), 0);
        planned.needs.visit(&mut |leaf| {
            let Leaf::Action(action, _) = leaf else { return };
            if failed.contains_key(&action.key) {
                needs.insert(format!("{} {}", action.spec.kind().name, action.node));
            }
            if let Some(path) = &action.output {
                planned_files += 1;
                if !is_there(path) {
                    files.insert(path.clone());
                }
            }
        });
        if planned_files == 0 || (planned.value.is_none() && files.is_empty()) {
            files.extend(output.place_written());
        }
        if !files.is_empty() {
            let (files, needs) = (files.into_iter().collect(), needs.into_iter().collect());
            all.push(Missing { output: output.name.clone(), files, needs });
        }
    }
    all
}

/// Does an action again that was written down, for `autocut run FILE`.
///
/// # Errors
/// Those of the action, and of a file that holds none.
pub fn repeat(file: &Path, program: &Path) -> Result<Produced, Diagnostic> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Diagnostic::input(format!("cannot read an action from {}: {error}", file.display()))
            .hint("such a file is named where an action fails")
    };
    let bytes = RealSystem.read(file).map_err(|error| unreadable(&error))?;
    let invocation: Invocation = ron::de::from_bytes(&bytes).map_err(|error| unreadable(&error))?;
    if invocation.spec.kind().runs == Runs::Inline {
        crate::store::make_folder(&invocation.scratch)?;
        let mut artifact = Vec::new();
        let paths = Paths { inputs: &invocation.inputs, scratch: &invocation.scratch };
        let made = inline::run(&invocation.spec, &paths, &Logs::default(), &mut artifact)?;
        let path = invocation.scratch.join("artifact");
        crate::store::write_file(&path, &artifact)?;
        let warnings = made.warnings.into_iter().map(Diagnostic::warning).collect();
        return Ok(Produced { files: vec![path], value: made.value, warnings });
    }
    crate::store::make_folder(&invocation.scratch)?;
    let mut outcome = Err(Diagnostic::bug("the media program gave no answer"));
    let mut worker = Worker::new(program.to_owned()).with_memory(None);
    worker.write_below(&invocation.scratch);
    let inputs = invocation.inputs.clone();
    let name = |content| inputs.get(&content).map(|path| path.display().to_string());
    let ended = worker.run(vec![invocation], &mut |reply| match reply {
        Reply::Done { mut result, .. } => {
            for warning in &mut result.warnings {
                warning.message = naming::with_names(&warning.message, &name);
            }
            outcome = Ok(result);
        }
        Reply::Failed { diagnostic, .. } => outcome = Err(diagnostic),
        _ => {}
    });
    match ended {
        Ok(()) => outcome,
        Err(Failure::Refused(why) | Failure::Crashed(_, why) | Failure::Spoiled(why)) => Err(why),
        Err(Failure::Cancelled) => Err(Diagnostic::environment("interrupted")),
    }
}

/// Inputs that are read where they are.
struct Paths<'a> {
    inputs: &'a BTreeMap<Digest, PathBuf>,
    scratch: &'a Path,
}

impl Paths<'_> {
    fn path(&self, digest: Digest) -> Result<&PathBuf, Diagnostic> {
        self.inputs
            .get(&digest)
            .ok_or_else(|| Diagnostic::input(format!("the file names no place for {}", digest.short())))
    }
}

impl Materials for Paths<'_> {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read>, Diagnostic> {
        let path = self.path(digest)?;
        let file = RealSystem.open(path).map_err(|error| inputs::cannot("read", path, &error))?;
        Ok(file)
    }

    fn read(&self, digest: Digest) -> Result<Vec<u8>, Diagnostic> {
        let path = self.path(digest)?;
        RealSystem.read(path).map_err(|error| inputs::cannot("read", path, &error))
    }

    fn placed(&self, digest: Digest) -> Result<Box<dyn Source>, Diagnostic> {
        let path = self.path(digest)?;
        let file = Placed::open(path).map_err(|error| inputs::cannot("read", path, &error))?;
        Ok(Box::new(file))
    }

    fn scratch(&self) -> Result<Box<dyn Scratch>, Diagnostic> {
        let file = ScratchFile::new_in(self.scratch);
        Ok(Box::new(file.map_err(|error| inputs::cannot("make a scratch file in", self.scratch, &error))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ActionSpec;
    use crate::model::specs::{CleanSpec, ProbeSpec};

    fn action(node: &str, spec: ActionSpec) -> PlannedAction {
        let key = ActionKey(Digest::of(node.as_bytes()));
        PlannedAction { key, node: node.to_owned(), spec, packs: Vec::new(), output: None }
    }

    fn probe(node: &str) -> PlannedAction {
        action(node, ActionSpec::Probe(ProbeSpec { file: Digest::of(b"f") }))
    }

    #[test]
    fn names_are_of_files_and_of_one_node_each() {
        let name = name_of(&probe("reel/front/GX010012@192.0s/segment/2"));
        assert!(name.starts_with("probe-reel-front-GX010012@192.0s-segment-2-") && name.ends_with(".ron"), "{name}");
        assert_ne!(name_of(&probe("a/b")), name_of(&probe("a-b")));
        assert!(name_of(&probe(&"é/".repeat(500))).len() < 255);
    }

    #[test]
    fn commands_are_what_a_shell_takes() {
        let echo = |path: &str| {
            let script = format!("printf %s {}", quoted(Path::new(path)));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        for path in ["/usr/bin/autocut-media", "/home/u/My Ride/it's $HOME `x`.ron", "", "/a;b&c"] {
            assert_eq!(echo(path), path);
        }
        assert_eq!(quoted(Path::new("/a/b-c@1.0s.ron")), "/a/b-c@1.0s.ron");
    }

    fn task(action: PlannedAction, inputs: BTreeMap<Digest, PathBuf>) -> Task {
        Task { action: Arc::new(action), inputs, packs: Vec::new(), devices: BTreeMap::new(), sources: Vec::new() }
    }

    #[test]
    fn a_failure_names_the_action_and_the_way_to_repeat_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("s")).unwrap());
        let mut notebook = Notebook::new(store.clone());
        let why = Diagnostic::environment("the media worker crashed (SIGBUS)");
        let (one, other) = (task(probe("front/a"), BTreeMap::new()), task(probe("front/b"), BTreeMap::new()));
        let told = notebook.describe(why.clone(), &one.action, 4, Some(&one), Path::new("/m"));
        assert_eq!(told.notes[0], "it was the action probe front/a, tried 4 times");
        let command = format!("/m run {}/failed/{}", store.root().display(), name_of(&one.action));
        assert_eq!(told.notes[1], format!("to do just that again: {command}"));
        let told = notebook.describe(why, &other.action, 1, Some(&other), Path::new("/m"));
        assert_eq!(told.notes[0], "it was the action probe front/b");

        // In another build one of them succeeds, and then everything.
        let mut notebook = Notebook::new(store.clone());
        notebook.strike(&one.action);
        assert_eq!(store.failed(), [name_of(&other.action)]);
        notebook.clear();
        assert_eq!(store.failed(), [""; 0]);
    }

    /// An action of `autocut` itself: done again from its file, and not worth a
    /// word more than its message where a file that a person gave is wrong.
    #[test]
    fn an_inline_action_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("s")).unwrap());
        let raw = folder.path().join("raw");
        crate::store::write_file(&raw, b"no telemetry").unwrap();
        let telemetry = Digest::of(b"no telemetry");
        let clean = action("log/clean", ActionSpec::CleanTelemetry(CleanSpec { telemetry, gap_ms: 5_000 }));
        let clean = task(clean, [(telemetry, raw)].into());
        let mut notebook = Notebook::new(store.clone());
        let input = notebook.describe(Diagnostic::input("no"), &clean.action, 1, Some(&clean), Path::new("/m"));
        assert_eq!(input.notes, [""; 0]);
        let bug = notebook.describe(Diagnostic::bug("no"), &clean.action, 1, Some(&clean), Path::new("/m"));
        assert!(bug.notes[1].contains(" run /"), "{bug:?}");

        let told = repeat(&store.root().join("failed").join(name_of(&clean.action)), Path::new("/m")).unwrap_err();
        assert_eq!(told.tier, Tier::Bug);
        assert!(told.message.contains("telemetry"), "{told}");
        assert_eq!(repeat(Path::new("/gone.ron"), Path::new("/m")).unwrap_err().tier, Tier::Input);
    }
}
