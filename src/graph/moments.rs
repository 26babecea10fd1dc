//! Moments: what is weighed, and what was chosen.

use std::sync::Arc;

use crate::base::{Diagnostic, Digest, Timestamp};
use crate::graph::db::{Db, FileState, Project};
use crate::graph::footage::{self, Recording};
use crate::graph::planned::{Collector, Planned};
use crate::graph::request::{Pinning, request};
use crate::graph::{clocks, complete};
use crate::model::ActionSpec;
use crate::model::lockfile::{Change, LOCK, PinnedChoice, Request, moment_changes};
use crate::model::moment::{Chosen, Moment};
use crate::model::specs::{ChooseChapter, ChooseRecording, ChooseSpec};

/// What a choice gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub moments: Vec<Moment>,
    /// The `ChoiceReport`; `None` of moments that are pinned by `autocut.lock`.
    pub report: Option<Digest>,
}

/// The moments that outputs show: those that `autocut.lock` pins, if it does and
/// was made for the same request; else those that are [weighed] here and now.
#[salsa::tracked]
pub fn choice(db: &dyn Db, project: Project) -> Planned<Arc<Choice>> {
    let Some((pinned, required)) = pinning(db) else { return weighed(db, project).clone() };
    let mut needs = Collector::default();
    let request = needs.take(request(db, project)).cloned();
    let recordings = needs.take(clocks::aligned(db, project)).map(|aligned| &aligned.recordings).cloned();
    let Some(request) = request else { return needs.finish(None) };
    if *request == pinned.request {
        let choice = recordings.and_then(|recordings| match absent(&pinned, &recordings) {
            None => Some(Arc::new(Choice { moments: pinned.moments.clone(), report: None })),
            Some(problem) => {
                needs.problem(problem);
                None
            }
        });
        return needs.finish(choice);
    }
    let weighed = needs.take(weighed(db, project)).cloned();
    if required {
        if let Some(weighed) = weighed {
            needs.problem(out_of_date(&pinned, &request, &weighed.moments));
        }
        return needs.finish(None);
    }
    needs.finish(weighed)
}

fn pinning(db: &dyn Db) -> Option<(Arc<PinnedChoice>, bool)> {
    let pinning = Pinning::try_get(db)?;
    Some((pinning.choice(db).clone()?, pinning.required(db)))
}

/// The problem, if a lock that someone edited pins what was not filmed.
fn absent(pinned: &PinnedChoice, recordings: &[Recording]) -> Option<Diagnostic> {
    let moment = pinned.moments.iter().find(|moment| {
        let recording = footage::find(recordings, &moment.recording);
        let filmed = recording.is_some_and(|recording| moment.start < recording.duration);
        !filmed || moment.start.is_negative() || moment.length <= Timestamp::ZERO
    })?;
    let problem = Diagnostic::input(format!("{LOCK} pins {}, which was not filmed", moment.node()));
    Some(problem.hint("take it from version control, or let `autocut lock` write it anew"))
}

/// How many changes of a kind are told at most.
const TOLD: usize = 10;

/// The error for a lock that was made for another request, where it has to hold.
fn out_of_date(pinned: &PinnedChoice, request: &Request, moments: &[Moment]) -> Diagnostic {
    let mut problem = Diagnostic::input(format!("{LOCK} is out of date, and --locked forbids to change it"));
    for change in told(pinned.request.changes(request)) {
        problem = problem.note(change);
    }
    let changed = moment_changes(&pinned.moments, moments);
    if changed.is_empty() {
        problem = problem.note("the moments stay the same");
    }
    for change in told(changed) {
        problem = problem.note(format!("moment {change}"));
    }
    problem.hint("run `autocut lock` where it may change, and commit it")
}

/// The first changes, one a line, and how many more there are.
pub fn told(changes: Vec<Change>) -> Vec<String> {
    let more = changes.len().saturating_sub(TOLD);
    let mut lines: Vec<String> = changes.iter().take(TOLD).map(ToString::to_string).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// The moments that are chosen here and now, whatever `autocut.lock` pins.
#[salsa::tracked]
pub fn weighed(db: &dyn Db, project: Project) -> Planned<Arc<Choice>> {
    let mut needs = Collector::default();
    let spec = spec(db, project, &mut needs);
    let choice = spec.and_then(|spec| {
        let result = needs.act(db, "moments/choose".to_owned(), ActionSpec::Choose(spec))?;
        let chosen: Chosen = needs.value(&result)?;
        Some(Arc::new(Choice { moments: chosen.moments, report: Some(result.artifacts.first()?.digest) }))
    });
    needs.finish(choice)
}

/// Chosen moments that are looked at together: an edit of one of ten thousand
/// then costs its own run and a look at the others.
#[salsa::interned(revisions = usize::MAX)]
#[derive(Debug)]
pub struct MomentRun<'db> {
    #[returns(ref)]
    pub moments: Vec<Moment>,
}

/// About how many moments there are in a run.
const RUN: i64 = 64;

/// The chosen moments in runs whose ends they decide themselves, so that an
/// insertion moves none of the others.
#[salsa::tracked]
pub fn runs<'db>(db: &'db dyn Db, project: Project) -> Planned<Arc<Vec<MomentRun<'db>>>> {
    let mut needs = Collector::default();
    let choice = needs.take(choice(db, project));
    let ends_run = |moment: &Moment| {
        (moment.start.numerator() ^ moment.start.denominator()).wrapping_mul(SPREAD) >> 32 & (RUN - 1) == 0
    };
    let runs = choice.map(|choice| {
        let runs = choice.moments.split_inclusive(ends_run).map(|run| MomentRun::new(db, run));
        Arc::new(runs.collect::<Vec<_>>())
    });
    needs.finish(runs)
}

/// Spreads times that lie on a grid (the golden ratio's fraction, as Knuth's
/// multiplicative hashing has it).
const SPREAD: i64 = 0x9E37_79B9_7F4A_7C15_u64 as i64;

fn spec(db: &dyn Db, project: Project, needs: &mut Collector) -> Option<ChooseSpec> {
    // Everything is asked for before anything is waited for: hashing, probes,
    // analyses and the log's import all start at once.
    let log = needs.take(complete::log(db, project)).cloned();
    let mut signals = Some(std::collections::HashMap::new());
    for file in project.files(db).iter().flatten().filter(|file| file.state(db) != FileState::Unusable) {
        match (needs.take(footage::signals(db, project, *file)), &mut signals) {
            (Some(list), Some(all)) => drop(all.insert(*file, list.clone())),
            _ => signals = None,
        }
    }
    let recordings = needs.take(clocks::aligned(db, project)).map(|aligned| &aligned.recordings).cloned();
    let clocks = needs.take(clocks::clocks(db, project)).cloned();
    let (log, signals, recordings, clocks) = (log?, signals?, recordings?, clocks?);

    let wanted = project.moments(db);
    let recordings = recordings.iter().zip(clocks.iter());
    let recordings = recordings.map(|(recording, on_log)| ChooseRecording {
        name: recording.name.clone(),
        utc: recording.utc.map(|utc| utc.0),
        telemetry_start: on_log.map(|on_log| on_log.start),
        drift: on_log.map_or(recording.drift, |on_log| on_log.drift),
        duration: recording.duration,
        chapters: recording
            .chapters
            .iter()
            .map(|chapter| ChooseChapter {
                offset: chapter.offset,
                duration: chapter.video.duration,
                signals: signals.get(&chapter.file).map(|list| list.to_vec()).unwrap_or_default(),
            })
            .collect(),
    });
    Some(ChooseSpec {
        recordings: recordings.collect(),
        telemetry: log.map(|log| log.digest),
        weights: wanted.weights.clone(),
        length: wanted.length,
        pre_roll: wanted.pre_roll,
        total: wanted.total,
        gap: wanted.gap,
        step: wanted.step,
        pins: wanted.pins.clone(),
        bans: wanted.bans.clone(),
    })
}
