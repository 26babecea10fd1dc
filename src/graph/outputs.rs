//! Outputs: a timeline of the chosen moments, rendered clip by clip, joined.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Digest};
use crate::deliver::codecs::{self, Demand, SoundCodec};
use crate::deliver::containers::Container;
use crate::deliver::quality::Quality;
use crate::deliver::sound::{self, Sound};
use crate::deliver::timeline::{self, Source, SourceFile};
use crate::deliver::{self, FilePlan, Files, Settings, video};
use crate::graph::clips::{self, Look, LookKey, Overlay, Rendered, ShotKey};
use crate::graph::clocks::{self, OnLog};
use crate::graph::complete;
use crate::graph::db::{Db, Project};
use crate::graph::encoding;
use crate::graph::exports;
use crate::graph::footage::{self, Recording};
use crate::graph::moments::{self, MomentRun};
use crate::graph::planned::{Collector, Planned};
use crate::graph::target::Aimed;
use crate::graph::twins;
use crate::manifest::manifest::{OutputDecl, OverlayDecl};
use crate::model::specs::{JoinSpec, LocateSpec, Position};
use crate::model::{ActionSpec, Clip, VideoFormat};
use crate::overlay;

/// Every output that `targets` names; all of them where it names none.
pub fn outputs(db: &dyn Db, project: Project, targets: &[String]) -> Planned<()> {
    let mut needs = Collector::default();
    let mut complete = true;
    let indices = wanted(db, project, targets);
    for (at, index) in indices.iter().enumerate() {
        complete &= needs.take(one(db, project, *index)).is_some();
        for other in &indices[..at] {
            if let Some(problem) = conflict(db, project, *other, *index) {
                needs.problem(problem.clone());
            }
        }
    }
    needs.finish(complete.then_some(()))
}

/// The places in the manifest of the outputs that `targets` names; of all where
/// it names none.
pub fn wanted(db: &dyn Db, project: Project, targets: &[String]) -> Vec<usize> {
    let wanted = |output: &OutputDecl| targets.is_empty() || targets.contains(&output.name);
    project.outputs(db).iter().enumerate().filter(|(_, output)| wanted(output)).map(|(index, _)| index).collect()
}

/// The output at `index` of the manifest.
#[salsa::tracked]
pub fn one(db: &dyn Db, project: Project, index: usize) -> Planned<()> {
    let mut needs = Collector::default();
    let Some(runs) = needs.take(files(db, project, index)).cloned() else {
        // Telemetry has no film's files. (What is a film is not asked: an edit of
        // another output is none of this one's.)
        if exports::plan(db, project, index).is_some() {
            return exports::exported(db, project, index).clone();
        }
        return needs.finish(None);
    };
    let mut complete = true;
    for run in runs.iter() {
        complete &= needs.take(delivered(db, project, *run)).is_some();
    }
    needs.finish(complete.then_some(()))
}

/// The problem, if two outputs write one file.
#[salsa::tracked]
fn conflict(db: &dyn Db, project: Project, first: usize, second: usize) -> Option<Diagnostic> {
    let name = |index: usize| project.outputs(db).get(index).map(|output| output.name.as_str());
    let films = |index: usize| files(db, project, index).value.iter().flat_map(|runs| runs.iter());
    let paths = |index: usize| -> Vec<Cow<'_, str>> {
        match exports::plan(db, project, index) {
            Some(_) => exports::paths(db, project, index).into_iter().map(Cow::Owned).collect(),
            None => films(index).flat_map(|run| run.files(db)).map(|file| file.plan.path.as_str().into()).collect(),
        }
    };
    let taken: HashSet<Cow<'_, str>> = paths(first).into_iter().collect();
    let path = paths(second).into_iter().find(|path| taken.contains(path))?;
    let problem = Diagnostic::input(format!("outputs {:?} and {:?} both write {path}", name(first)?, name(second)?));
    Some(problem.hint("let each output have a place of its own"))
}

#[salsa::interned(revisions = usize::MAX)]
#[derive(Debug)]
pub struct FormatKey<'db> {
    #[returns(copy)]
    pub format: VideoFormat,
}

/// A run of moments as clips in one format; outputs of one format share them.
#[salsa::tracked]
fn laid_out<'db>(
    db: &'db dyn Db,
    project: Project,
    key: FormatKey<'db>,
    run: MomentRun<'db>,
) -> Planned<Arc<Vec<Clip>>> {
    let mut needs = Collector::default();
    let recordings = needs.take(clocks::aligned(db, project)).map(|aligned| &aligned.recordings);
    let clocks = needs.take(clocks::clocks(db, project));
    let places = needs.take(footage::places(db, project));
    let clips = recordings.zip(clocks).zip(places).map(|((recordings, clocks), places)| {
        let shown = run.moments(db).iter().filter_map(|moment| places.get(&moment.recording));
        let shown: BTreeSet<usize> = shown.copied().collect();
        let source = |place: usize| Some(source(recordings.get(place)?, clocks.get(place).copied().flatten()));
        let sources: Vec<_> = shown.into_iter().filter_map(source).collect();
        Arc::new(timeline::lay_out(run.moments(db), &sources, key.format(db)))
    });
    needs.finish(clips)
}

/// The shots of a run, as an output looks.
#[salsa::tracked]
fn shots<'db>(
    db: &'db dyn Db,
    project: Project,
    look: LookKey<'db>,
    run: MomentRun<'db>,
) -> Planned<Arc<Vec<ShotKey<'db>>>> {
    let mut needs = Collector::default();
    let format = FormatKey::new(db, look.look(db).format);
    let clips = needs.take(laid_out(db, project, format, run)).cloned();
    let clips = match look.look(db).draft {
        true => clips.and_then(|clips| twins::small(db, project, &clips, &mut needs)),
        false => clips,
    };
    let shots = clips.map(|clips| Arc::new(clips.iter().map(|clip| ShotKey::new(db, look, clip)).collect()));
    needs.finish(shots)
}

/// Recordings whose names are alike once a file system can take them.
#[salsa::tracked]
pub(super) fn alike(db: &dyn Db, project: Project) -> Planned<Arc<BTreeSet<String>>> {
    let mut needs = Collector::default();
    let recordings = needs.take(clocks::aligned(db, project)).map(|aligned| &aligned.recordings);
    let alike = recordings.map(|recordings| {
        let mut by_name: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for recording in recordings.iter() {
            by_name.entry(deliver::clips::safe_name(&recording.name)).or_default().push(&recording.name);
        }
        let alike = by_name.into_values().filter(|names| names.len() > 1).flatten();
        Arc::new(alike.map(str::to_owned).collect())
    });
    needs.finish(alike)
}

/// The clips of the output at `index`, in order, once they are chosen.
pub fn timeline(db: &dyn Db, project: Project, index: usize) -> Option<Vec<Clip>> {
    let settings = project.outputs(db).get(index).and_then(settings)?;
    let format = FormatKey::new(db, format(db, project, &settings, &mut Collector::default())?);
    let runs = moments::runs(db, project).value.as_ref()?;
    let clips = runs.iter().map(|run| laid_out(db, project, format, *run).value.as_ref());
    clips.map(|clips| clips.map(|clips| clips.as_slice())).collect::<Option<Vec<_>>>().map(|clips| clips.concat())
}

/// The format of an output, once all footage is known.
fn format(db: &dyn Db, project: Project, settings: &Settings, needs: &mut Collector) -> Option<VideoFormat> {
    let recordings = needs.take(clocks::aligned(db, project)).map(|aligned| &aligned.recordings)?;
    let footage: Vec<_> = recordings.iter().flat_map(|r| &r.chapters).map(|c| c.video.as_ref()).collect();
    let format = settings.format(&footage);
    Some(if encoding::is_draft(db) { video::halved(format) } else { format })
}

/// How an output's pictures and sound are to be made.
pub fn settings(output: &OutputDecl) -> Option<Settings> {
    (deliver::deliverables::find(&output.kind)?.settings)(&output.params)
}

fn source(recording: &Recording, on_log: Option<OnLog>) -> Source<'_> {
    Source {
        name: &recording.name,
        duration: recording.duration,
        fit: recording.fit,
        telemetry_start: on_log.map(|on_log| on_log.start),
        telemetry_drift: on_log.map_or(recording.drift, |on_log| on_log.drift),
        utc: recording.utc.map(|utc| utc.0),
        drift: recording.drift,
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

/// Sound as it is encoded, and what holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coded {
    pub container: Container,
    pub sound: Sound,
    pub codec: SoundCodec,
}

impl Coded {
    fn new(settings: &Settings) -> Coded {
        Coded { container: settings.container, sound: settings.sound.clone(), codec: settings.sound_codec() }
    }
}

/// A file that is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, salsa::SalsaValue)]
pub struct File<'db> {
    pub look: LookKey<'db>,
    pub plan: FilePlan,
    pub sound: Coded,
    /// In the order in which they are shown.
    pub shots: Vec<ShotKey<'db>>,
}

/// Files that are looked at together.
#[salsa::interned(revisions = usize::MAX)]
#[derive(Debug)]
pub struct FileRun<'db> {
    #[returns(ref)]
    pub files: Vec<File<'db>>,
}

/// The files of the output at `index`, in the runs of their moments.
#[salsa::tracked]
pub fn files<'db>(db: &'db dyn Db, project: Project, index: usize) -> Planned<Arc<Vec<FileRun<'db>>>> {
    let mut needs = Collector::default();
    let runs = list_files(db, project, index, &mut needs).map(Arc::new);
    needs.finish(runs)
}

fn list_files<'db>(
    db: &'db dyn Db,
    project: Project,
    index: usize,
    needs: &mut Collector,
) -> Option<Vec<FileRun<'db>>> {
    let output = project.outputs(db).get(index)?;
    let kind = deliver::deliverables::find(&output.kind)?;
    let draft = encoding::is_draft(db);
    let settings = settings(output).map(|settings| if draft { settings.drafted() } else { settings })?;
    let shown: Vec<&OverlayDecl> = project.overlays(db).iter().filter(|o| output.overlays.contains(&o.name)).collect();
    if !channels_exist(db, project, &shown, needs) {
        return None;
    }
    if let Some((why, hint)) = uncopied(&settings, &shown) {
        let problem = Diagnostic::input(format!("output {:?} is to be copied, but {why}", output.name));
        needs.problem(problem.at(output.place.0.clone()).hint(hint));
        return None;
    }
    let settings = if shown.is_empty() { settings } else { settings.drawn_over() };
    let log = needs.take(complete::log(db, project)).cloned();
    // Everything is asked for before anything is waited for.
    let runs = needs.take(moments::runs(db, project)).cloned();
    let format = format(db, project, &settings, needs);
    let (log, runs, format) = (log?, runs?, format?);
    let rung = match encoding::rung(db, &output.name, settings.coded()) {
        Ok(rung) => rung,
        Err(problem) => {
            needs.problem(problem.at(output.place.0.clone()));
            return None;
        }
    };
    let copies = settings.video.quality.copies() && shown.is_empty();
    let beside = copies.then(|| encoding::beside_copies(db, settings.coded())).flatten();
    let rung = beside.unwrap_or(rung);
    let overlay = |overlay: &&OverlayDecl| Overlay {
        name: overlay.name.clone(),
        spec: overlay.spec.clone(),
        is_still: overlay::is_still(&overlay.spec),
    };
    let overlays: Vec<Overlay> = shown.iter().map(overlay).collect();
    let quality = settings.video.quality;
    let is_one_clip = matches!(kind.files, Files::Each(_));
    let keeps_sound = is_one_clip && quality == Quality::Copy && settings.sound.is_left_alone(settings.sound_codec());
    let look = |output: String, demand: &Demand| {
        let (encoder, overlays) = (rung.told(demand, &format), overlays.clone());
        let look = Look { output, format, encoder, draft, quality, keeps_sound, overlays, log: None };
        LookKey::new(db, look.beside(log.as_ref().map(|log| log.digest)))
    };
    let shots = |look, needs: &mut Collector| {
        let each = |run: &MomentRun<'db>| needs.take(shots(db, project, look, *run)).cloned();
        runs.iter().map(each).collect::<Option<Vec<_>>>()
    };
    let demand = match settings.video.target {
        None => settings.video.demand(),
        Some(target) => {
            let shots = |look, needs: &mut Collector| {
                let all = shots(look, needs)?;
                Some(all.iter().flat_map(|shots| shots.iter().copied()).collect())
            };
            let aimed = Aimed { output: &output.name, settings: &settings, target, look: &look, shots: &shots };
            aimed.demand(db, needs)?
        }
    };
    let look = look(encoding::node_of(db, &output.name), &demand);
    let all = shots(look, needs)?;
    if all.iter().all(|shots| shots.is_empty()) {
        needs.problem(
            Diagnostic::input(format!("output {:?} has nothing to show: no moment was chosen", output.name))
                .at(output.place.0.clone())
                .hint("`autocut explain moments` says why; a pin or a weight chooses one"),
        );
        return None;
    }
    match kind.files {
        Files::Whole(plan) => {
            let shots = all.iter().flat_map(|shots| shots.iter().copied()).collect();
            let plan = drafted(db, plan(&output.params)?);
            let file = File { look, plan, sound: Coded::new(&settings), shots };
            Some(vec![FileRun::new(db, vec![file])])
        }
        // None of this: see `exports`.
        Files::Log(_) => None,
        Files::Each(_) => {
            // Not by its place in the manifest: an edit of another output is none
            // of this one's.
            let key = OutputKey::new(db, &output.kind, &output.params);
            let each = |run: &MomentRun<'db>| needs.take(file_run(db, project, key, look, *run)).copied();
            runs.iter().map(each).collect()
        }
    }
}

/// Where a file goes: a draft not where what is kept goes.
fn drafted(db: &dyn Db, plan: FilePlan) -> FilePlan {
    if encoding::is_draft(db) { plan.drafted() } else { plan }
}

/// Why nothing of an output can be copied of which all is to be.
fn uncopied(settings: &Settings, shown: &[&OverlayDecl]) -> Option<(String, &'static str)> {
    if settings.video.quality != Quality::Copy {
        return None;
    }
    let codec = settings.video_codec();
    match shown.first() {
        Some(overlay) => Some((
            format!("the overlay {:?} is drawn on it", overlay.name),
            "give the output `overlays: []`, or let it have the quality `Auto` or a number",
        )),
        None if codecs::beside_copies(codec).is_none() => Some((
            format!("it is {}, and only H.264 and HEVC are copied", codec.name()),
            "let it have the codec of its footage, `H264` or `Hevc`, or the quality `Auto` or a number",
        )),
        None => None,
    }
}

#[salsa::interned(revisions = usize::MAX)]
#[derive(Debug)]
pub struct OutputKey<'db> {
    #[returns(ref)]
    pub kind: String,
    #[returns(ref)]
    pub params: String,
}

/// A file for each shot of a run.
#[salsa::tracked]
fn file_run<'db>(
    db: &'db dyn Db,
    project: Project,
    output: OutputKey<'db>,
    look: LookKey<'db>,
    run: MomentRun<'db>,
) -> Planned<FileRun<'db>> {
    let mut needs = Collector::default();
    let files = each_file(db, project, output, look, run, &mut needs);
    needs.finish(files.map(|files| FileRun::new(db, files)))
}

fn each_file<'db>(
    db: &'db dyn Db,
    project: Project,
    output: OutputKey<'db>,
    look: LookKey<'db>,
    run: MomentRun<'db>,
    needs: &mut Collector,
) -> Option<Vec<File<'db>>> {
    let kind = deliver::deliverables::find(output.kind(db))?;
    let Files::Each(plan) = kind.files else { return None };
    let sound = Coded::new(&(kind.settings)(output.params(db))?);
    let alike = needs.take(alike(db, project))?;
    let shots = needs.take(shots(db, project, look, run))?;
    let clips: Vec<&Clip> = shots.iter().map(|shot| shot.clip(db)).collect();
    let plans = plan(output.params(db), &clips, &|clip| alike.contains(&clip.moment.recording))?;
    let file = |(plan, shot): (FilePlan, &ShotKey<'db>)| File {
        look,
        plan: drafted(db, plan),
        sound: sound.clone(),
        shots: vec![*shot],
    };
    Some(plans.into_iter().zip(shots.iter()).map(file).collect())
}

/// Files, rendered, mixed and joined.
#[salsa::tracked]
pub fn delivered<'db>(db: &'db dyn Db, project: Project, run: FileRun<'db>) -> Planned<()> {
    let files = run.files(db);
    let mut needs = Collector::with_capacity(files.len() * 3);
    let mut complete = true;
    for file in files {
        complete &= deliver(db, project, file, &mut needs).is_some();
    }
    needs.finish(complete.then_some(()))
}

fn deliver<'db>(db: &'db dyn Db, project: Project, file: &File<'db>, needs: &mut Collector) -> Option<()> {
    let look = file.look.look(db);
    let name = format!("{}/{}", look.output, file.plan.path);
    // Not even looked at where there is none: other music leaves these files alone.
    let music = match file.plan.music.then(|| project.music(db)).and_then(Option::as_ref) {
        None => Some(None),
        Some(music) => project
            .material(db, &music.file)
            .and_then(|material| needs.content(db, material))
            .map(|digest| Some((music, digest))),
    };
    let rendered = rendered_clips(db, &file.shots, needs);
    let (music, rendered) = (music?, rendered?);
    let clips: Vec<&Clip> = file.shots.iter().map(|shot| shot.clip(db)).collect();
    let copied = match rendered.as_slice() {
        [only] => only.packets(),
        _ => None,
    };
    let sound = match copied {
        Some(packets) => Some(packets),
        None => {
            let sounds: Vec<(u32, Option<Digest>)> =
                clips.iter().zip(&rendered).map(|(clip, made)| (clip.frames, made.samples())).collect();
            let mix = sound::mix(&file.sound.sound, file.sound.codec, look.format.rate, &sounds, music);
            let mix = needs.act(db, format!("{name}/mix"), ActionSpec::Mix(mix));
            mix.and_then(|mix| mix.artifacts.first().map(|artifact| artifact.digest))
        }
    };
    let first = clips.first().and_then(|clip| clip.utc);
    let location = match clips.first().and_then(|clip| clip.telemetry_start).filter(|_| file.plan.located) {
        Some(at) => located(db, project, &name, at, needs),
        None => Some(None),
    };
    let spec = JoinSpec {
        format: look.format,
        segments: rendered.iter().flat_map(|made| made.segments.iter().copied()).collect(),
        sound: Some(sound?),
        container: file.sound.container.muxer().to_owned(),
        chapters: if file.plan.chapters { chapters(&clips) } else { Vec::new() },
        title: file.plan.title.clone(),
        date: first.filter(|_| file.plan.dated).map(|utc| utc.div_euclid(1_000_000)),
        location: location?,
    };
    needs.act_with(db, name, ActionSpec::Join(spec), Vec::new(), Some(file.plan.path.clone())).map(drop)
}

/// Where the telemetry is at a time on its clock.
fn located(db: &dyn Db, project: Project, name: &str, at: i64, needs: &mut Collector) -> Option<Option<Position>> {
    let Some(log) = needs.take(complete::log(db, project)).cloned()? else { return Some(None) };
    let spec = LocateSpec { telemetry: log.digest, at };
    let result = needs.act(db, format!("{name}/location"), ActionSpec::Locate(spec))?;
    needs.value(&result)
}

/// What each shot is made of, in order, once all of them are.
fn rendered_clips<'db>(db: &'db dyn Db, shots: &[ShotKey<'db>], needs: &mut Collector) -> Option<Vec<Arc<Rendered>>> {
    if let [shot] = shots {
        return Some(vec![needs.take(clips::rendered(db, *shot))?.clone()]);
    }
    let mut all = Some(Vec::with_capacity(shots.len()));
    for run in clips::runs(db, shots) {
        match (needs.take(clips::rendered_run(db, run)), &mut all) {
            (Some(made), Some(list)) => list.extend(made.iter().cloned()),
            _ => all = None,
        }
    }
    all
}

/// First frame and name of each clip.
fn chapters(clips: &[&Clip]) -> Vec<(u32, String)> {
    let mut frame = 0;
    clips
        .iter()
        .map(|clip| {
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
        .flat_map(|overlay| overlay::channels(&overlay.spec).into_iter().map(move |channel| (*overlay, channel)))
        .collect();
    if wanted.is_empty() {
        return true;
    }
    let Some(log) = needs.take(complete::log(db, project)).cloned() else { return false };
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
