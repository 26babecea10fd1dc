//! The log that everything shows: what was recorded, with what the project adds
//! to it and without what it hides.
//!
//! Clocks rest on the log as it was [recorded], so that an edit of what is
//! added aligns nothing anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::graph::db::{Db, Project};
use crate::graph::planned::{Collector, Planned};
use crate::graph::telemetry::{Log, recorded};
use crate::model::ActionSpec;
use crate::model::scores::Score;
use crate::model::specs::CompleteSpec;
use crate::moments::named;
use crate::overlay;
use crate::telemetry::complete::plan::{self, Asked};

/// The log as outputs, moments and files see it.
#[salsa::tracked]
pub fn log(db: &dyn Db, project: Project) -> Planned<Option<Arc<Log>>> {
    let mut needs = Collector::default();
    let recorded = needs.take(recorded(db, project)).cloned();
    let completed = recorded.and_then(|recorded| match recorded {
        Some(recorded) => completed(db, project, recorded, &mut needs).map(Some),
        None => Some(None),
    });
    needs.finish(completed)
}

fn completed(db: &dyn Db, project: Project, recorded: Arc<Log>, needs: &mut Collector) -> Option<Arc<Log>> {
    let additions = project.additions(db);
    let moments = project.moments(db);
    let place = |name: &str| moments.weight_places.iter().find(|(written, _)| written == name).map(|(_, place)| place);
    let weighed = moments.weights.iter().filter(|(_, weight)| *weight != 0);
    let weighed = weighed.map(|(name, _)| Asked { name: named(name), place: place(name) });
    let shown: BTreeSet<String> =
        project.overlays(db).iter().flat_map(|overlay| overlay::channels(&overlay.spec)).collect();
    let shown = shown.iter().map(|name| Asked { name, place: None }).filter(|asked| Score::parse(asked.name).is_none());
    let mut asked: Vec<Asked<'_>> = weighed.chain(shown).collect();
    // One name may be asked for several times, and in any order.
    asked.sort_by_key(|asked| asked.name);
    asked.dedup_by_key(|asked| asked.name);
    let steps = match plan::steps(additions, &recorded.summary, &asked) {
        Ok(steps) => steps,
        Err(problems) => {
            problems.into_iter().for_each(|problem| needs.problem(problem));
            return None;
        }
    };
    let (laps, privacy) = (additions.laps.clone(), additions.privacy.clone());
    if laps.is_none() && privacy.is_empty() && steps.is_empty() {
        return Some(recorded);
    }
    let spec = CompleteSpec { telemetry: recorded.digest, laps, privacy, steps };
    let result = needs.act(db, "telemetry/complete".to_owned(), ActionSpec::CompleteTelemetry(spec))?;
    let summary = needs.value(&result)?;
    let digest = result.artifacts.first()?.digest;
    Some(Arc::new(Log { digest, summary, parts: recorded.parts.clone(), is_completed: true }))
}
