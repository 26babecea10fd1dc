//! Of what a finished output consists, and what making it took.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::base::{Diagnostic, Digest, FrameRate, Size, UtcTime};
use crate::exec::explain::labels::clip_of;
use crate::exec::survey::Done;
use crate::exec::workspace::Workspace;
use crate::manifest::manifest::OutputDecl;
use crate::model::specs::{Copied, Reached, VideoEncoder};
use crate::model::{ActionSpec, PlannedAction};
use crate::store::PastRun;

/// An output, all of which is done.
#[derive(Clone, Debug)]
pub struct Contents {
    pub files: Vec<Written>,
    pub clips: usize,
    pub segments: usize,
    pub frames: u64,
    /// Of these, frames of footage that were copied as they are.
    pub copied: u64,
    pub size: Option<Size>,
    pub rate: Option<FrameRate>,
    pub encoder: Option<VideoEncoder>,
    /// How the quality was found, where the output has a target.
    pub aimed: Option<Aimed>,
    /// The files of footage that it shows, and in how many clips each.
    pub footage: Vec<(String, usize)>,
    /// What is drawn over it.
    pub overlays: Vec<String>,
    pub music: Option<String>,
    /// Actions that it rests on, and how long they took together.
    pub actions: usize,
    pub work_ms: u64,
}

/// A quality that was looked for; in tenths of x264's CRF.
#[derive(Clone, Debug)]
pub struct Aimed {
    /// Those that were tried, best first.
    pub tried: Vec<u32>,
    /// Bytes that the pictures were to take.
    pub budget: u64,
    pub reached: Reached,
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
        copied: 0,
        size: None,
        rate: None,
        encoder: None,
        aimed: None,
        footage: Vec::new(),
        overlays: output.overlays.clone(),
        music: None,
        actions: done.len(),
        work_ms: 0,
    };
    let mut clips: BTreeSet<String> = BTreeSet::new();
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // Samples that a quality was found by are not in the output.
    let joined = done.iter().filter_map(|(action, _)| match &action.spec {
        ActionSpec::Join(spec) => Some(&spec.segments),
        _ => None,
    });
    let joined: HashSet<Digest> = joined.flatten().copied().collect();
    let name = |digest| workspace.files_of(digest).first().map(|file| workspace.name_of(*file));
    for (action, result) in done {
        let run = run_of(runs, action);
        contents.work_ms += run.map_or(0, |run| run.elapsed_ms);
        match &action.spec {
            ActionSpec::Segment(spec) if result.artifacts.iter().any(|made| joined.contains(&made.digest)) => {
                contents.segments += 1;
                contents.frames += u64::from(spec.frames());
                contents.size = Some(spec.format.size);
                contents.rate = Some(spec.format.rate);
                contents.encoder = Some(spec.encoder.clone());
                let node = unsampled(&action.node);
                let clip = clip_of(&node).unwrap_or(&node).to_owned();
                clips.insert(clip.clone());
                for source in &spec.sources {
                    // What is not there any more has no name.
                    let file = name(source.file).unwrap_or_else(|| source.file.short());
                    shown.entry(file).or_default().insert(clip.clone());
                }
            }
            ActionSpec::Copy(spec) if result.artifacts.iter().any(|made| joined.contains(&made.digest)) => {
                contents.size = Some(spec.format.size);
                contents.rate = Some(spec.format.rate);
                contents.segments += 1;
                let copied = result.value().map_or(0, |copied: Copied| u64::from(copied.count));
                contents.frames += copied;
                contents.copied += copied;
                let clip = clip_of(&action.node).unwrap_or(&action.node).to_owned();
                clips.insert(clip.clone());
                let file = name(spec.source.file).unwrap_or_else(|| spec.source.file.short());
                shown.entry(file).or_default().insert(clip);
            }
            ActionSpec::Quality(spec) => {
                let mut tried: Vec<u32> = spec.samples.iter().map(|sample| sample.quality).collect();
                tried.sort_unstable();
                contents.aimed = result.value().map(|reached| Aimed { tried, budget: spec.budget, reached });
            }
            ActionSpec::Mix(spec) => contents.music = spec.music.as_ref().and_then(|music| name(music.file)),
            ActionSpec::Join(_) | ActionSpec::Export(_) => {
                contents.files.extend(action.output.as_ref().map(|path| Written {
                    path: path.clone(),
                    bytes: result.artifacts.first().map_or(0, |artifact| artifact.bytes),
                    at: run.map(|run| run.at),
                    elapsed_ms: run.map_or(0, |run| run.elapsed_ms),
                }))
            }
            _ => {}
        }
    }
    contents.clips = clips.len();
    contents.footage = shown.into_iter().map(|(file, clips)| (file, clips.len())).collect();
    contents
}

/// The node of a segment without the quality that it is a sample of: of
/// `reel/quality 18/front/a@1.0s/segment/0` that of the reel's own.
fn unsampled(node: &str) -> String {
    node.split('/').filter(|part| !part.starts_with("quality ")).collect::<Vec<_>>().join("/")
}

/// How an action was made that is done; `None` where only another node is known
/// to have made it.
pub fn run_of<'r>(runs: &'r Runs, action: &PlannedAction) -> Option<&'r PastRun> {
    runs.get(&action.node).filter(|run| run.key == action.key)
}
