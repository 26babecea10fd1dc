//! Moments: what is weighed, and what was chosen.

use std::sync::Arc;

use crate::base::Digest;
use crate::graph::db::{Db, FileState, Project};
use crate::graph::footage;
use crate::graph::planned::{Collector, Planned};
use crate::graph::telemetry;
use crate::model::ActionSpec;
use crate::model::moment::{Chosen, Moment};
use crate::model::specs::{ChooseChapter, ChooseRecording, ChooseSpec};

/// What a choice gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub moments: Vec<Moment>,
    /// The `ChoiceReport`.
    pub report: Digest,
}

#[salsa::tracked]
pub fn choice(db: &dyn Db, project: Project) -> Planned<Arc<Choice>> {
    let mut needs = Collector::default();
    let spec = spec(db, project, &mut needs);
    let choice = spec.and_then(|spec| {
        let result = needs.act(db, "moments/choose".to_owned(), ActionSpec::Choose(spec))?;
        let chosen: Chosen = needs.value(&result, "choosing moments")?;
        Some(Arc::new(Choice { moments: chosen.moments, report: result.artifacts.first()?.digest }))
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
    let log = needs.take(telemetry::log(db, project)).cloned();
    let mut signals = Some(std::collections::HashMap::new());
    for file in project.files(db).iter().flatten().filter(|file| file.state(db) != FileState::Unusable) {
        match (needs.take(footage::signals(db, project, *file)), &mut signals) {
            (Some(list), Some(all)) => drop(all.insert(*file, list.clone())),
            _ => signals = None,
        }
    }
    let recordings = needs.take(footage::recordings(db, project)).cloned();
    let clocks = needs.take(telemetry::clocks(db, project)).cloned();
    let (log, signals, recordings, clocks) = (log?, signals?, recordings?, clocks?);

    let wanted = project.moments(db);
    let recordings = recordings.iter().zip(clocks.iter());
    let recordings = recordings.map(|(recording, start)| ChooseRecording {
        name: recording.name.clone(),
        utc: recording.utc.map(|utc| utc.0),
        telemetry_start: *start,
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
