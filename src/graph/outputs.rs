//! Outputs: a timeline of the chosen moments, rendered clip by clip, joined.

use std::sync::Arc;

use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Digest};
use crate::deliver::timeline::{self, Source, SourceFile};
use crate::deliver::{self, FilePlan, Settings, sound};
use crate::graph::clips::{self, Rendered, Shot, ShotKey};
use crate::graph::db::{Db, Project};
use crate::graph::encoding;
use crate::graph::footage::{self, Recording};
use crate::graph::moments;
use crate::graph::planned::{Collector, Planned};
use crate::graph::telemetry;
use crate::manifest::manifest::{OutputDecl, OverlayDecl};
use crate::model::specs::JoinSpec;
use crate::model::{ActionSpec, Timeline};

/// Every output that `targets` names; all of them where it names none.
pub fn outputs(db: &dyn Db, project: Project, targets: &[String]) -> Planned<()> {
    let mut needs = Collector::default();
    let mut complete = true;
    for (index, output) in project.outputs(db).iter().enumerate() {
        if targets.is_empty() || targets.contains(&output.name) {
            complete &= needs.take(one(db, project, index)).is_some();
        }
    }
    needs.finish(complete.then_some(()))
}

/// The output at `index` of the manifest.
#[salsa::tracked]
pub fn one(db: &dyn Db, project: Project, index: usize) -> Planned<()> {
    let mut needs = Collector::default();
    let done = plan(db, project, index, &mut needs);
    needs.finish(done)
}

/// The clips of the output at `index`, in its format.
#[salsa::tracked]
pub fn laid_out(db: &dyn Db, project: Project, index: usize) -> Planned<Arc<Timeline>> {
    let mut needs = Collector::default();
    let choice = needs.take(moments::choice(db, project)).cloned();
    let recordings = needs.take(footage::recordings(db, project)).cloned();
    let clocks = needs.take(telemetry::clocks(db, project)).cloned();
    let settings = project.outputs(db).get(index).and_then(settings);
    let timeline =
        choice.zip(recordings).zip(clocks).zip(settings).map(|(((choice, recordings), clocks), settings)| {
            let footage: Vec<_> = recordings.iter().flat_map(|r| &r.chapters).map(|c| c.video.as_ref()).collect();
            let format = settings.video.format(&footage);
            let sources: Vec<_> = recordings.iter().zip(clocks.iter()).map(|(r, start)| source(r, *start)).collect();
            Arc::new(timeline::lay_out(&choice.moments, &sources, format))
        });
    needs.finish(timeline)
}

fn settings(output: &OutputDecl) -> Option<Settings> {
    (deliver::deliverables::find(&output.kind)?.settings)(&output.params)
}

fn source(recording: &Recording, telemetry_start: Option<i64>) -> Source<'_> {
    Source {
        name: &recording.name,
        duration: recording.duration,
        fit: recording.fit,
        telemetry_start,
        utc: recording.utc.map(|utc| utc.0),
        chapters: recording
            .chapters
            .iter()
            .map(|chapter| SourceFile {
                digest: chapter.digest,
                video: &chapter.video,
                has_audio: chapter.info.audio.is_some(),
                offset: chapter.offset,
            })
            .collect(),
    }
}

fn plan(db: &dyn Db, project: Project, index: usize, needs: &mut Collector) -> Option<()> {
    let output = project.outputs(db).get(index)?;
    let kind = deliver::deliverables::find(&output.kind)?;
    let settings = settings(output)?;
    let shown: Vec<&OverlayDecl> = project.overlays(db).iter().filter(|o| output.overlays.contains(&o.name)).collect();
    if !channels_exist(db, project, &shown, needs) {
        return None;
    }
    let timeline = needs.take(laid_out(db, project, index)).cloned()?;
    if timeline.clips.is_empty() {
        needs.problem(
            Diagnostic::input(format!("output {:?} has nothing to show: no moment was chosen", output.name))
                .at(output.place.0.clone())
                .hint("`autocut explain moments` says why; a pin or a weight chooses one"),
        );
        return None;
    }
    let rung = match encoding::rung(db, &output.name) {
        Ok(rung) => rung,
        Err(problem) => {
            needs.problem(problem.at(output.place.0.clone()));
            return None;
        }
    };
    let encoder = (rung.settings)(&settings.video, &timeline.format);
    let overlays: Vec<_> = shown.iter().map(|overlay| (overlay.name.clone(), overlay.spec.clone())).collect();
    let render = |clip: &crate::model::Clip| {
        let shot = Shot {
            output: output.name.clone(),
            clip: clip.clone(),
            format: timeline.format,
            encoder: encoder.clone(),
            overlays: overlays.clone(),
        };
        clips::rendered(db, project, ShotKey::new(db, shot))
    };
    let rendered: Vec<Option<Arc<Rendered>>> =
        timeline.clips.iter().map(|clip| needs.take(render(clip)).cloned()).collect();
    let mut complete = true;
    for file in (kind.files)(&output.params, &timeline) {
        complete &= join(db, project, output, &settings, &timeline, &rendered, file, needs).is_some();
    }
    complete.then_some(())
}

#[expect(clippy::too_many_arguments, reason = "one file of one output needs all that the output consists of")]
fn join(
    db: &dyn Db,
    project: Project,
    output: &OutputDecl,
    settings: &Settings,
    timeline: &Timeline,
    rendered: &[Option<Arc<Rendered>>],
    file: FilePlan,
    needs: &mut Collector,
) -> Option<()> {
    let clips = file.clips.iter().map(|index| Some((timeline.clips.get(*index)?, rendered.get(*index)?.as_ref()?)));
    let clips: Vec<_> = clips.collect::<Option<_>>()?;
    let name = format!("{}/{}", output.name, file.path);

    let music = match project.music(db).as_ref().filter(|_| file.music) {
        None => None,
        Some(music) => Some((music, needs.content(db, project.material(db, &music.file)?)?)),
    };
    let sounds: Vec<(u32, Option<Digest>)> = clips.iter().map(|(clip, made)| (clip.frames, made.sound)).collect();
    let mix = sound::mix(&settings.sound, timeline.format.rate, &sounds, music);
    let mix = needs.act(db, format!("{name}/mix"), ActionSpec::Mix(mix));

    let chapters = if file.chapters { chapters(&clips) } else { Vec::new() };
    let spec = JoinSpec {
        format: timeline.format,
        segments: clips.iter().flat_map(|(_, made)| made.segments.iter().copied()).collect(),
        sound: Some(mix?.artifacts.first()?.digest),
        container: "mp4".to_owned(),
        chapters,
        title: file.title,
    };
    needs.act_with(db, name, ActionSpec::Join(spec), Vec::new(), Some(file.path)).map(drop)
}

/// First frame and name of each clip.
fn chapters(clips: &[(&crate::model::Clip, &Arc<Rendered>)]) -> Vec<(u32, String)> {
    let mut frame = 0;
    clips
        .iter()
        .map(|(clip, _)| {
            let chapter = (frame, clip.moment.node());
            frame += clip.frames;
            chapter
        })
        .collect()
}

/// Whether the log has every channel that the overlays ask for.
fn channels_exist(db: &dyn Db, project: Project, overlays: &[&OverlayDecl], needs: &mut Collector) -> bool {
    let wanted: Vec<(&OverlayDecl, String)> = overlays
        .iter()
        .flat_map(|overlay| crate::overlay::channels(&overlay.spec).into_iter().map(move |channel| (*overlay, channel)))
        .collect();
    if wanted.is_empty() {
        return true;
    }
    let Some(log) = needs.take(telemetry::log(db, project)).cloned() else { return false };
    let mut fine = true;
    for (overlay, channel) in wanted {
        let place = overlay.place.0.clone();
        let Some(log) = &log else {
            let problem =
                Diagnostic::input(format!("overlay {:?} shows {channel}, but there is no telemetry", overlay.name));
            needs.problem(problem.at(place).hint("add a `telemetry` section, or remove the overlay"));
            fine = false;
            continue;
        };
        let names: Vec<&str> = log.summary.channels.iter().map(|channel| channel.name.as_str()).collect();
        if !names.contains(&channel.as_str()) {
            let hint = match nearest(&channel, names.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("the log has: {}", names.join(", ")),
            };
            let problem =
                Diagnostic::input(format!("overlay {:?} shows {channel}, which the log does not have", overlay.name));
            needs.problem(problem.at(place).hint(hint));
            fine = false;
        }
    }
    fine
}
