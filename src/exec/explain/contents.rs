//! Of what a finished output consists, and what making it took.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::base::{Diagnostic, FrameRate, Size, UtcTime};
use crate::exec::explain::labels::clip_of;
use crate::exec::survey::Done;
use crate::exec::workspace::Workspace;
use crate::manifest::manifest::OutputDecl;
use crate::model::specs::VideoEncoder;
use crate::model::{ActionSpec, PlannedAction};
use crate::store::PastRun;

/// An output, all of which is done.
#[derive(Clone, Debug)]
pub struct Contents {
    pub files: Vec<Written>,
    pub clips: usize,
    pub segments: usize,
    pub frames: u64,
    pub size: Option<Size>,
    pub rate: Option<FrameRate>,
    pub encoder: Option<VideoEncoder>,
    /// The files of footage that it shows, and in how many clips each.
    pub footage: Vec<(String, usize)>,
    /// What is drawn over it.
    pub overlays: Vec<String>,
    pub music: Option<String>,
    /// Actions that it rests on, and how long they took together.
    pub actions: usize,
    pub work_ms: u64,
}

/// One file of an output.
#[derive(Clone, Debug)]
pub struct Written {
    pub path: String,
    pub bytes: u64,
    /// When and in how long it was joined.
    pub at: Option<UtcTime>,
    pub elapsed_ms: u64,
}

/// When each node last succeeded.
pub type Runs = HashMap<String, PastRun>;

/// The last success of every node.
pub fn runs(workspace: &Workspace) -> Result<Runs, Diagnostic> {
    Ok(workspace.store.last_successes()?.into_iter().map(|run| (run.node.clone(), run)).collect())
}

/// Looks through everything that an output rests on.
pub fn contents(workspace: &Workspace, output: &OutputDecl, done: &[Done], runs: &Runs) -> Contents {
    let mut contents = Contents {
        files: Vec::new(),
        clips: 0,
        segments: 0,
        frames: 0,
        size: None,
        rate: None,
        encoder: None,
        footage: Vec::new(),
        overlays: output.overlays.clone(),
        music: None,
        actions: done.len(),
        work_ms: 0,
    };
    let mut clips = BTreeSet::new();
    let mut shown: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let name = |digest| workspace.files_of(digest).first().map(|file| workspace.name_of(*file));
    for (action, result) in done {
        let run = run_of(runs, action);
        contents.work_ms += run.map_or(0, |run| run.elapsed_ms);
        match &action.spec {
            ActionSpec::Segment(spec) => {
                contents.segments += 1;
                contents.frames += u64::from(spec.frames());
                contents.size = Some(spec.format.size);
                contents.rate = Some(spec.format.rate);
                contents.encoder = Some(spec.encoder.clone());
                let clip = clip_of(&action.node).unwrap_or(&action.node);
                clips.insert(clip);
                for source in &spec.sources {
                    // What is not there any more has no name.
                    let file = name(source.file).unwrap_or_else(|| source.file.short());
                    shown.entry(file).or_default().insert(clip);
                }
            }
            ActionSpec::Copy(spec) => {
                contents.size = Some(spec.format.size);
                contents.rate = Some(spec.format.rate);
                let clip = clip_of(&action.node).unwrap_or(&action.node);
                clips.insert(clip);
                let file = name(spec.source.file).unwrap_or_else(|| spec.source.file.short());
                shown.entry(file).or_default().insert(clip);
            }
            ActionSpec::Mix(spec) => contents.music = spec.music.as_ref().and_then(|music| name(music.file)),
            ActionSpec::Join(_) => contents.files.extend(action.output.as_ref().map(|path| Written {
                path: path.clone(),
                bytes: result.artifacts.first().map_or(0, |artifact| artifact.bytes),
                at: run.map(|run| run.at),
                elapsed_ms: run.map_or(0, |run| run.elapsed_ms),
            })),
            _ => {}
        }
    }
    contents.clips = clips.len();
    contents.footage = shown.into_iter().map(|(file, clips)| (file, clips.len())).collect();
    contents
}

/// How an action was made that is done; `None` where only another node is known
/// to have made it.
pub fn run_of<'r>(runs: &'r Runs, action: &PlannedAction) -> Option<&'r PastRun> {
    runs.get(&action.node).filter(|run| run.key == action.key)
}
