//! How long what has to run will take, by how long its like took before.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use crate::base::{Digest, Timestamp};
use crate::exec::explain::contents::{Runs, run_of};
use crate::exec::survey::Done;
use crate::model::specs::AnalysisPass;
use crate::model::{ActionKey, ActionSpec, PlannedAction};

/// Estimates of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimates {
    /// In ms; what nothing is known of is not in it.
    pub actions: HashMap<ActionKey, u64>,
    /// How long it takes until all that can start now is done, with so many at
    /// once, in ms; without those that nothing is known of.
    pub total_ms: u64,
    /// Of how many nothing is known.
    pub unknown: usize,
    pub jobs: usize,
}

/// So many past actions of a kind are looked at.
const SAMPLES: usize = 200;

/// Estimates `pending`, of which `done` is what the plan holds besides.
pub fn estimate(pending: &[Arc<PlannedAction>], done: &[Done], runs: &Runs, jobs: usize) -> Estimates {
    let rates = Rates::of(done, runs);
    let mut estimates = Estimates { jobs, ..Estimates::default() };
    // Analyses of one pass share a decode: together they take as long as one.
    let mut passes: HashMap<(Digest, &AnalysisPass), u64> = HashMap::new();
    let mut spans = Vec::new();
    for action in pending {
        let Some(ms) = rates.of_action(action, runs) else {
            estimates.unknown += 1;
            continue;
        };
        estimates.actions.insert(action.key, ms);
        match &action.spec {
            ActionSpec::Analyse(spec) => {
                let pass = passes.entry((spec.file, &spec.pass)).or_default();
                *pass = (*pass).max(ms);
            }
            _ => spans.push(ms),
        }
    }
    spans.extend(passes.into_values());
    estimates.total_ms = together(spans, jobs);
    estimates
}

/// How long actions take with so many at once, the longest first, as the queue
/// does it.
fn together(mut spans: Vec<u64>, jobs: usize) -> u64 {
    spans.sort_unstable_by_key(|span| Reverse(*span));
    let mut slots: BinaryHeap<Reverse<u64>> = (0..jobs.max(1)).map(|_| Reverse(0)).collect();
    for span in spans {
        if let Some(mut first) = slots.peek_mut() {
            first.0 += span;
        }
    }
    slots.into_iter().map(|Reverse(end)| end).max().unwrap_or(0)
}

/// What actions of each kind took.
struct Rates {
    /// The median of ms for a unit of work, of what the plan holds.
    scaled: HashMap<&'static str, f64>,
    /// The median of ms of anything that the store remembers.
    plain: HashMap<String, u64>,
}

impl Rates {
    fn of(done: &[Done], runs: &Runs) -> Self {
        let mut scaled: HashMap<&'static str, Vec<f64>> = HashMap::new();
        for (action, _) in done {
            let samples = scaled.entry(action.spec.kind().name).or_default();
            if samples.len() < SAMPLES
                && let Some(run) = run_of(runs, action)
            {
                samples.push(run.elapsed_ms as f64 / work(&action.spec).max(1) as f64);
            }
        }
        let mut plain: HashMap<String, Vec<u64>> = HashMap::new();
        for run in runs.values() {
            plain.entry(run.kind.clone()).or_default().push(run.elapsed_ms);
        }
        let median = |mut samples: Vec<f64>| {
            samples.sort_unstable_by(f64::total_cmp);
            samples.get(samples.len() / 2).copied()
        };
        Rates {
            scaled: scaled.into_iter().filter_map(|(kind, samples)| Some((kind, median(samples)?))).collect(),
            plain: plain
                .into_iter()
                .filter_map(|(kind, mut samples)| {
                    samples.sort_unstable();
                    Some((kind, *samples.get(samples.len() / 2)?))
                })
                .collect(),
        }
    }

    /// What the same node took last time; else what its kind takes for as much
    /// work; else what its kind usually takes.
    fn of_action(&self, action: &PlannedAction, runs: &Runs) -> Option<u64> {
        let kind = action.spec.kind().name;
        if let Some(run) = runs.get(&action.node).filter(|run| run.kind == kind) {
            return Some(run.elapsed_ms);
        }
        let scaled = self.scaled.get(kind).map(|rate| (rate * work(&action.spec) as f64).round() as u64);
        scaled.or_else(|| self.plain.get(kind).copied())
    }
}

/// How much an action has to do, in a unit of its kind.
pub fn work(spec: &ActionSpec) -> u64 {
    let pictures = |pass: &AnalysisPass| (pass.until - pass.from).to_millis().unsigned_abs();
    let millis = |samples: u64, rate: u32| Timestamp::new(samples as i64, i64::from(rate)).to_millis().unsigned_abs();
    match spec {
        // Milliseconds of footage.
        ActionSpec::Analyse(spec) => pictures(&spec.pass),
        ActionSpec::Detect(spec) => pictures(&spec.pass),
        // Thousands of pixels.
        ActionSpec::Segment(spec) => u64::from(spec.frames()) * (spec.format.size.area() / 1_000).max(1),
        ActionSpec::Proxy(spec) => {
            u64::from(spec.pictures.frames()) * (spec.pictures.format.size.area() / 1_000).max(1)
        }
        ActionSpec::Draw(spec) => (spec.format.frame.area() / 1_000).max(1),
        // Frames.
        ActionSpec::Show(spec) => u64::from(spec.frames),
        ActionSpec::Copy(spec) => u64::from(spec.source.frames),
        ActionSpec::Compare(spec) => spec.sources.iter().map(|run| u64::from(run.frames)).sum(),
        // Milliseconds of sound.
        ActionSpec::Sound(spec) => millis(spec.runs.iter().map(|run| run.samples).sum(), spec.sample_rate),
        ActionSpec::CopySound(spec) => spec.length.to_millis().unsigned_abs(),
        ActionSpec::Mix(spec) => millis(spec.samples, spec.sample_rate),
        ActionSpec::Join(spec) => spec.segments.len() as u64,
        ActionSpec::Choose(spec) => {
            let footage = spec.recordings.iter().map(|recording| recording.duration.to_millis().unsigned_abs());
            footage.fold(0, u64::saturating_add)
        }
        ActionSpec::Probe(_)
        | ActionSpec::ImportTelemetry(_)
        | ActionSpec::CleanTelemetry(_)
        | ActionSpec::MergeTelemetry(_)
        | ActionSpec::CompleteTelemetry(_)
        | ActionSpec::Locate(_)
        | ActionSpec::Extract(_)
        | ActionSpec::Align(_)
        | ActionSpec::Export(_)
        | ActionSpec::Still(_)
        | ActionSpec::Quality(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FrameRate, Orientation, UtcTime};
    use crate::model::ActionResult;
    use crate::model::specs::{AnalyseSpec, SoundRun, SoundSpec};
    use crate::store::PastRun;

    fn action(node: &str, spec: ActionSpec) -> Arc<PlannedAction> {
        let key = ActionKey(Digest::of(node.as_bytes()));
        Arc::new(PlannedAction { key, node: node.to_owned(), spec, packs: Vec::new(), output: None })
    }

    fn sound(node: &str, seconds: u64) -> Arc<PlannedAction> {
        let run = SoundRun { file: Digest::of(b"a"), start: Timestamp::ZERO, samples: seconds * 48_000 };
        action(node, ActionSpec::Sound(SoundSpec { runs: vec![run], sample_rate: 48_000, channels: 2 }))
    }

    fn analysis(name: &str) -> Arc<PlannedAction> {
        let pass = AnalysisPass {
            orientation: Orientation::UPRIGHT,
            from: Timestamp::ZERO,
            until: Timestamp::from_seconds(60),
            rate: FrameRate::per_second(4),
            width: 320,
        };
        let (file, analysis) = (Digest::of(b"a"), name.to_owned());
        action(name, ActionSpec::Analyse(AnalyseSpec { file, analysis, analysis_version: 1, pass }))
    }

    fn ran(action: &PlannedAction, key: ActionKey, elapsed_ms: u64) -> PastRun {
        let kind = action.spec.kind().name.to_owned();
        PastRun { node: action.node.clone(), key, kind, at: UtcTime(0), elapsed_ms, cpu_ms: 0 }
    }

    fn runs(list: Vec<PastRun>) -> Runs {
        list.into_iter().map(|run| (run.node.clone(), run)).collect()
    }

    #[test]
    fn the_same_node_then_as_much_work_then_the_kind() {
        let other = ActionKey(Digest::of(b"before"));
        let (known, changed, new) = (sound("known", 10), sound("changed", 10), sound("new", 40));
        let past = runs(vec![ran(&known, known.key, 1_000), ran(&changed, other, 700)]);
        let nothing = ActionResult { artifacts: Vec::new(), value: Vec::new(), warnings: Vec::new() };
        let done = vec![(known.clone(), Arc::new(nothing))];
        let pending = [changed.clone(), new.clone()];
        let estimates = estimate(&pending, &done, &past, 1);
        assert_eq!(estimates.actions[&changed.key], 700);
        // Four times the sound of the one that is done, 1,000 ms of it.
        assert_eq!(estimates.actions[&new.key], 4_000);
        assert_eq!((estimates.total_ms, estimates.unknown), (4_700, 0));

        // Nothing of the plan is done: what the kind usually takes.
        let estimates = estimate(std::slice::from_ref(&new), &[], &past, 1);
        assert_eq!(estimates.actions[&new.key], 1_000);
        let estimates = estimate(&[new, analysis("motion")], &[], &Runs::new(), 1);
        assert_eq!((estimates.total_ms, estimates.unknown), (0, 2));
    }

    #[test]
    fn what_runs_side_by_side_and_what_shares_a_decode() {
        assert_eq!(together(vec![3, 3, 2, 2, 2], 2), 7);
        assert_eq!(together(vec![5], 4), 5);
        assert_eq!(together(Vec::new(), 2), 0);
        let pending = [analysis("motion"), analysis("sharpness")];
        let other = ActionKey(Digest::of(b"before"));
        let past = runs(pending.iter().map(|action| ran(action, other, 900)).collect());
        assert_eq!(estimate(&pending, &[], &past, 1).total_ms, 900);
    }
}
