//! Outputs that are telemetry: the log as a file, whole or moment by moment.

use std::collections::BTreeSet;

use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Digest};
use crate::deliver::clips::file_name;
use crate::deliver::deliverables::{self, Files};
use crate::deliver::log::{LogPlan, Place, extension};
use crate::graph::clocks::{self, OnLog};
use crate::graph::complete;
use crate::graph::db::{Db, Project};
use crate::graph::footage::{self, Recording};
use crate::graph::moments;
use crate::graph::outputs;
use crate::graph::planned::{Collector, Planned};
use crate::graph::telemetry::Log;
use crate::manifest::manifest::OutputDecl;
use crate::model::specs::{ExportSpec, LogFormat};
use crate::model::{ActionSpec, Moment};

/// What the output at `index` of the manifest writes, if it is telemetry.
pub(super) fn plan(db: &dyn Db, project: Project, index: usize) -> Option<(&OutputDecl, LogPlan)> {
    let output = project.outputs(db).get(index)?;
    match deliverables::find(&output.kind)?.files {
        Files::Log(plan) => Some((output, plan(&output.params)?)),
        Files::Whole(_) | Files::Each(_) => None,
    }
}

/// The files of an output that is telemetry, written.
#[salsa::tracked]
pub(super) fn exported(db: &dyn Db, project: Project, index: usize) -> Planned<()> {
    let mut needs = Collector::default();
    let done = export(db, project, index, &mut needs);
    needs.finish(done)
}

/// A file, and the stretch of the log that it holds.
type Part = (String, String, Option<(i64, i64)>);

fn export(db: &dyn Db, project: Project, index: usize, needs: &mut Collector) -> Option<()> {
    let (output, plan) = plan(db, project, index)?;
    let log = needs.take(complete::log(db, project)).cloned();
    let aligned = needs.take(clocks::aligned(db, project)).cloned();
    let places = needs.take(clocks::clocks(db, project)).cloned();
    let parts = parts(db, project, (output, &plan), needs);
    let (log, aligned, places) = (log?, aligned?, places?);
    let Some(log) = log else {
        let problem = Diagnostic::input(format!("output {:?} is telemetry, and there is none", output.name));
        needs.problem(problem.at(output.place.0.clone()).hint("add a `telemetry` section, or remove the output"));
        return None;
    };
    if let Some(problem) = lacks(output, &plan, &log) {
        needs.problem(problem.at(output.place.0.clone()));
        return None;
    }
    let utc = utc(db, project, &log, &aligned.recordings, &places);
    let mut complete = true;
    for (path, title, stretch) in parts? {
        // CSV has no place for it.
        let title = if plan.format == LogFormat::Csv { String::new() } else { title };
        let spec = ExportSpec {
            telemetry: log.digest,
            format: plan.format,
            utc,
            stretch,
            channels: plan.channels.clone(),
            title,
        };
        let node = format!("{}/{path}", output.name);
        complete &= needs.act_with(db, node, ActionSpec::Export(spec), Vec::new(), Some(path)).is_some();
    }
    complete.then_some(())
}

/// What is added to the log's times to be on UTC, where that is known.
fn utc(db: &dyn Db, project: Project, log: &Log, recordings: &[Recording], places: &[Option<OnLog>]) -> Option<i64> {
    let by_footage = || {
        let mut known = recordings.iter().zip(places);
        known.find_map(|(recording, place)| Some(recording.utc?.0.saturating_sub((*place)?.start)))
    };
    clocks::on_utc(project.telemetry(db), log).or_else(by_footage)
}

/// The files of an output: path, title and stretch. Moments that lie nowhere on
/// the log have none.
fn parts(
    db: &dyn Db,
    project: Project,
    (output, plan): (&OutputDecl, &LogPlan),
    needs: &mut Collector,
) -> Option<Vec<Part>> {
    let folder = match &plan.place {
        Place::File(file) => return Some(vec![(file.clone(), output.name.clone(), None)]),
        Place::Folder(folder) => folder.trim_end_matches('/'),
    };
    let choice = needs.take(moments::choice(db, project)).cloned();
    let clocks = needs.take(clocks::clocks(db, project)).cloned();
    let places = needs.take(footage::places(db, project)).cloned();
    let alike = needs.take(outputs::alike(db, project)).cloned();
    let log = needs.take(complete::log(db, project)).cloned();
    let (choice, clocks, places, alike, log) = (choice?, clocks?, places?, alike?, log?);
    let part = |moment: &Moment| {
        let on_log = clocks.get(*places.get(&moment.recording)?).copied().flatten()?;
        let (from, until) = (on_log.at(moment.start.to_nanos()), on_log.at((moment.start + moment.length).to_nanos()));
        let summary = &log.as_ref()?.summary;
        let path = format!("{folder}/{}.{}", named(moment, &alike), extension(plan.format));
        let lies_on_it = from <= summary.last && until > summary.first;
        lies_on_it.then(|| (path, moment.node(), Some((from, until))))
    };
    Some(choice.moments.iter().filter_map(part).collect())
}

/// A moment's name as a file's: as the clips of `Clips` are called.
fn named(moment: &Moment, alike: &BTreeSet<String>) -> String {
    match alike.contains(&moment.recording) {
        true => format!("{}-{}", file_name(moment), Digest::of(moment.recording.as_bytes()).short()),
        false => file_name(moment),
    }
}

/// What the log does not have that is to be written.
fn lacks(output: &OutputDecl, plan: &LogPlan, log: &Log) -> Option<Diagnostic> {
    let names: Vec<&str> = log.summary.channels.iter().map(|channel| channel.name.as_str()).collect();
    let place = ["latitude".to_owned(), "longitude".to_owned()];
    let needed: &[String] = if plan.format == LogFormat::Gpx { &place } else { &[] };
    let missing = plan.channels.iter().chain(needed).find(|name| !names.contains(&name.as_str()))?;
    let problem = Diagnostic::input(format!("output {:?} writes {missing}, which the log does not have", output.name));
    Some(match nearest(missing, names.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean {near:?}?")),
        None => problem.hint(format!("the log has: {}", names.join(", "))),
    })
}

/// The files of an output that is telemetry, as far as they are known.
pub(super) fn paths(db: &dyn Db, project: Project, index: usize) -> Vec<String> {
    let Some((output, plan)) = plan(db, project, index) else { return Vec::new() };
    let parts = parts(db, project, (output, &plan), &mut Collector::default());
    parts.into_iter().flatten().map(|(path, ..)| path).collect()
}
