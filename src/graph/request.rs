//! What a choice of moments depends on and what is the same on every machine:
//! contents of files, settings, versions. `autocut.lock` holds the moments for
//! one such request; while the project's is equal, they are taken from there
//! and nothing is analysed.
//!
//! Every struct of the manifest is taken apart field by field, so that a new
//! field cannot be forgotten here: a request that leaves something out would
//! make a stale lock look right.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Timestamp;
use crate::graph::db::{Database, Db, EDITED, FileState, Project};
use crate::graph::footage;
use crate::graph::planned::{Collector, Planned};
use crate::manifest::lockfile::exact;
use crate::manifest::manifest::{
    Additions, AnalysisSettings, Clock, Detection, FootageSet, Moments, OwnChannel, TelemetrySource, TelemetryStart,
    Zones,
};
use crate::model::kinds::KINDS;
use crate::model::lockfile::{PinnedChoice, Request};
use crate::model::scores::Score;
use crate::model::specs::{Ban, Pin, PrivatePlace};
use crate::moments::named;
use crate::telemetry::complete::plan::needed;

/// What `autocut.lock` says.
#[salsa::input(singleton)]
pub struct Pinning {
    #[returns(ref)]
    pub choice: Option<Arc<PinnedChoice>>,
    /// Whether moments that are not in it are an error (`--locked`).
    #[returns(copy)]
    pub required: bool,
}

impl Database {
    /// Takes over the moments that are pinned, where there is a lock.
    pub fn set_pinned(&mut self, choice: Option<Arc<PinnedChoice>>, required: bool) {
        use salsa::Setter;
        let Some(pinning) = Pinning::try_get(self) else {
            // Tracked by all who asked: it is there before anyone does.
            let _ = Pinning::builder(choice, required).durability(EDITED).new(self);
            return;
        };
        if *pinning.choice(self) != choice {
            pinning.set_choice(self).with_durability(EDITED).to(choice);
        }
        if pinning.required(self) != required {
            pinning.set_required(self).with_durability(EDITED).to(required);
        }
    }
}

#[salsa::tracked]
pub fn request(db: &dyn Db, project: Project) -> Planned<Arc<Request>> {
    let mut needs = Collector::default();
    let mut fields = Fields::default();
    let complete = [
        footage_fields(db, project, &mut fields, &mut needs),
        telemetry_fields(db, project, &mut fields, &mut needs),
        additions_fields(project.additions(db), project.moments(db), &mut fields),
        analysis_fields(db, project, &mut fields, &mut needs),
    ];
    moments_fields(project.moments(db), &mut fields);
    fields.version("choose");
    let request = complete.iter().all(Option::is_some).then(|| Arc::new(Request(fields.0)));
    needs.finish(request)
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn set(&mut self, label: impl Into<String>, value: impl Into<String>) {
        self.0.insert(label.into(), value.into());
    }

    /// Adds to what the label stands for already.
    fn add(&mut self, label: String, value: &str) {
        let all = self.0.entry(label).or_default();
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(value);
    }

    /// The version of a kind of action.
    fn version(&mut self, kind: &str) {
        if let Some(kind) = KINDS.iter().find(|known| known.name == kind) {
            self.set(format!("version {}", kind.name), kind.version.to_string());
        }
    }
}

fn footage_fields(db: &dyn Db, project: Project, fields: &mut Fields, needs: &mut Collector) -> Option<()> {
    let mut complete = Some(());
    let mut cameras = Vec::new();
    for (set, files) in project.footage(db).iter().zip(project.files(db)) {
        // Which files the globs find, not how they are written; how a picture
        // is fitted is no matter of when it was filmed.
        let FootageSet { name, files: _, clock, fit: _, place: _ } = set;
        let Clock { offset, start, seen, drift, motion, stated } = clock;
        cameras.push(name.as_str());
        if !stated {
            fields.version("telemetry.align");
        }
        fields.set(format!("clock {name} offset"), exact(*offset));
        if let Some(start) = start {
            fields.set(format!("clock {name} start"), format!("{start} ({} ns)", start.0));
        }
        if *motion {
            fields.set(format!("clock {name}"), "Motion");
            fields.version("analyse");
        }
        if *drift != 0 {
            fields.set(format!("clock {name} drift"), drift.to_string());
        }
        for (at, seen) in seen.iter().enumerate() {
            let told = format!("{} @ {} = {} ({} ns)", seen.file, exact(seen.time), seen.utc, seen.utc.0);
            fields.set(format!("clock {name} seen {at}"), told);
        }
        for file in files.iter().filter(|file| file.state(db) != FileState::Unusable) {
            match needs.content(db, *file) {
                Some(digest) => fields.set(format!("footage {name} {}", file.path(db)), digest.to_string()),
                None => complete = None,
            }
        }
    }
    // Footage without a clock is shown in their order.
    fields.set("cameras", format!("{cameras:?}"));
    fields.version("probe");
    complete
}

fn telemetry_fields(db: &dyn Db, project: Project, fields: &mut Fields, needs: &mut Collector) -> Option<()> {
    let sources = project.telemetry(db);
    let mut complete = Some(());
    for (at, source) in sources.iter().enumerate() {
        let TelemetrySource { file, camera, format, format_version, params, start, offset, gap, place: _ } = source;
        // The order of several is that of their priority.
        let log = if sources.len() == 1 { "telemetry".to_owned() } else { format!("telemetry {}", at + 1) };
        fields.set(format!("{log} format"), format!("{format} {format_version}"));
        fields.set(format!("{log} parameters"), params.as_str());
        match start {
            None => {}
            Some(TelemetryStart::Utc(utc)) => fields.set(format!("{log} start"), format!("{utc} ({} ns)", utc.0)),
            Some(TelemetryStart::Recording(name)) => fields.set(format!("{log} start"), format!("with {name}")),
        }
        fields.set(format!("{log} offset"), exact(*offset));
        fields.set(format!("{log} gap"), exact(*gap));
        fields.version("telemetry.import");
        fields.version("telemetry.clean");
        // That of a camera is its footage, which is there already.
        if let Some(camera) = camera {
            fields.set(format!("{log} file"), format!("in {camera}"));
            fields.version("telemetry.merge");
            continue;
        }
        match project.material(db, file).and_then(|file| needs.content(db, file)) {
            Some(digest) => fields.set(format!("{log} file"), digest.to_string()),
            None => complete = None,
        }
    }
    if sources.len() > 1 {
        fields.version("telemetry.merge");
    }
    complete
}

/// Channels that are computed where a log lacks them.
const COMPUTED: [&str; 2] = ["vertical_speed", "lap_time"];

/// What is added to the telemetry, as far as the weights rest on it.
fn additions_fields(additions: &Additions, moments: &Moments, fields: &mut Fields) -> Option<()> {
    let names: Vec<&str> = moments.weights.iter().map(|(name, _)| named(name)).collect();
    let Additions { channels, zones, laps, laps_place: _, privacy } = needed(additions, &names);
    let scored = names.iter().any(|&name| Score::parse(name).is_some() || COMPUTED.contains(&name));
    if scored || !(channels.is_empty() && zones.is_empty() && laps.is_none() && privacy.is_empty()) {
        fields.version("telemetry.complete");
    }
    for OwnChannel { name, text, unit, text_place: _, place: _ } in channels {
        let unit = unit.map_or(String::new(), |unit| format!(" in {unit}"));
        fields.set(format!("channel {name}"), format!("{}{unit}", text.trim()));
    }
    for Zones { channel, unit, bounds, place: _ } in zones {
        let unit = unit.map_or(String::new(), |unit| format!(" {unit}"));
        fields.set(format!("zones {channel}"), format!("{bounds:?}{unit}"));
    }
    if let Some(laps) = laps {
        fields.set("laps", format!("{laps:?}"));
    }
    for PrivatePlace { latitude, longitude, radius } in privacy {
        fields.add(format!("privacy {latitude}, {longitude}"), &radius.to_string());
    }
    Some(())
}

fn analysis_fields(db: &dyn Db, project: Project, fields: &mut Fields, needs: &mut Collector) -> Option<()> {
    let AnalysisSettings { rate, width, exact: _ } = project.analysis(db);
    let mut looks = false;
    for analysis in footage::analyses(db, project) {
        looks = true;
        fields.set(format!("version analyse {}", analysis.name), analysis.version.to_string());
        fields.set("analysis rate", rate.to_string());
        fields.version("analyse");
    }
    let detection = footage::detection(db, project);
    if looks || detection.is_some() {
        fields.set("analysis width", width.to_string());
    }
    let Some(detection) = detection else { return Some(()) };
    let Detection { model, classes, threshold, overlap, rate, place: _ } = detection;
    fields.set("detection classes", format!("{classes:?}"));
    fields.set("detection threshold", threshold.to_string());
    fields.set("detection overlap", overlap.to_string());
    fields.set("detection rate", rate.to_string());
    fields.version("detect");
    let digest = needs.content(db, project.material(db, model)?)?;
    fields.set("detection model", digest.to_string());
    Some(())
}

fn moments_fields(moments: &Moments, fields: &mut Fields) {
    let Moments {
        length,
        pre_roll,
        total,
        gap,
        step,
        weights,
        pins,
        bans,
        pin_places: _,
        ban_places: _,
        weight_places: _,
    } = moments;
    let times: [(&str, Timestamp); 5] =
        [("length", *length), ("pre_roll", *pre_roll), ("total", *total), ("gap", *gap), ("step", *step)];
    for (name, time) in times {
        fields.set(format!("moments {name}"), exact(time));
    }
    for (name, weight) in weights {
        // In steps of 1 / 1,000.
        fields.add(format!("weight {name}"), &format!("{weight}/1000"));
    }
    for Pin { recording, start, length } in pins {
        fields.add(format!("pin {recording}@{}", exact(*start)), &exact(*length));
    }
    for Ban { recording, from, until } in bans {
        fields.add(format!("ban {recording}@{}", exact(*from)), &format!("until {}", exact(*until)));
    }
}
