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
