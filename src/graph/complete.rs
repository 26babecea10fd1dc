//! The log that everything shows: what was recorded, with what the project adds
//! to it and without what it hides.
//!
//! Clocks rest on the log as it was [recorded], so that an edit of what is
//! added aligns nothing anew.

use std::sync::Arc;

use crate::graph::db::{Db, Project};
use crate::graph::planned::{Collector, Planned};
use crate::graph::telemetry::{Log, recorded};
use crate::model::ActionSpec;
use crate::model::specs::CompleteSpec;

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
    let spec = CompleteSpec { telemetry: recorded.digest, privacy: additions.privacy.clone() };
    if spec.privacy.is_empty() {
        return Some(recorded);
    }
    let result = needs.act(db, "telemetry/complete".to_owned(), ActionSpec::CompleteTelemetry(spec))?;
    let summary = needs.value(&result)?;
    let digest = result.artifacts.first()?.digest;
    Some(Arc::new(Log { digest, summary, parts: recorded.parts.clone(), is_completed: true }))
}
