//! What `autocut doctor` finds: of the machine, and of the project's files,
//! with what is odd about each and what autocut does about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Diagnostic, Digest, Tier, Timestamp};
use crate::exec::goal::{self, Goal};
use crate::exec::settings::Settings;
use crate::exec::survey;
use crate::exec::worker::{self, Worker};
use crate::exec::workspace::Workspace;
use crate::graph::footage::{self, Recording};
use crate::graph::{FileState, clocks, complete, telemetry};
use crate::inputs::RealSystem;
use crate::inputs::machine::Machine as Hardware;
use crate::model::alignment::{AlignMethod, Alignment};
use crate::model::confinement::Confinement;
use crate::model::footage::{Primaries, TrackKind, Transfer};
use crate::model::losses;
use crate::model::naming;
use crate::model::telemetry::TelemetrySummary;
use crate::model::{AudioInfo, Matrix, MediaInfo, Toolchain, VideoInfo};
use crate::telemetry::align;

/// What this machine can do.
#[derive(Debug)]
pub struct Machine {
    pub version: &'static str,
    pub hardware: Hardware,
    pub settings: Settings,
    pub toolchain: Toolchain,
    /// What workers have given up.
    pub confinement: Confinement,
}

impl Machine {
    /// 0 where every tool works.
    pub fn exit_code(&self) -> u8 {
        let broken = self.toolchain.tools.values().any(|tool| tool.identity.is_none());
        if broken { Tier::Environment.exit_code() } else { 0 }
    }
}

/// Asks the media program anew: a doctor trusts no cache.
pub fn machine(settings: &Settings) -> Result<Machine, Diagnostic> {
    let mut worker = Worker::new(worker::find_program(settings.program.as_deref())?);
    let toolchain = worker.toolchain()?;
    let confinement = worker.confinement()?;
    Ok(Machine {
        version: env!("CARGO_PKG_VERSION"),
        hardware: Hardware::look(&RealSystem),
        settings: settings.clone(),
        toolchain,
        confinement,
    })
}

/// What is known of the project's files.
#[derive(Debug, Default)]
pub struct Diagnosis {
    pub recordings: Vec<RecordingReport>,
    /// The logs as they are read and cleaned, then several of them as one.
    pub logs: Vec<LogReport>,
}

#[derive(Debug)]
pub struct RecordingReport {
    pub name: String,
    /// When it starts, in words; with how that is known.
    pub clock: String,
    pub files: Vec<FileReport>,
}

#[derive(Debug)]
pub struct FileReport {
    pub name: String,
    /// Codec, size, rate, length.
    pub facts: String,
    /// What is odd, and what is done about it.
    pub oddities: Vec<String>,
    /// What could not be read of it, as far as it was looked into.
    pub damage: Vec<String>,
}

#[derive(Debug)]
pub struct LogReport {
    pub name: String,
    pub summary: TelemetrySummary,
    /// What reading the file found; nothing for several logs as one.
    pub import: TelemetrySummary,
    /// Recordings with the share of them that the log covers, in percent.
    /// Empty for one of several logs: their sum says it.
    pub coverage: Vec<(String, Option<u32>)>,
}

/// Looks at a project whose inputs were probed (`Goal::Inputs`).
pub fn project(workspace: &Workspace) -> Diagnosis {
    let (db, project) = (&workspace.db, workspace.project);
    let Some(aligned) = clocks::aligned(db, project).value.clone() else {
        return of_claims(workspace);
    };
    let recordings = &aligned.recordings;
    let clocks = clocks::clocks(db, project).value.clone().unwrap_or_default();
    // Where what is added is wrong, what was recorded can be told all the same.
    let log = complete::log(db, project).value.clone();
    let log = log.or_else(|| telemetry::recorded(db, project).value.clone()).flatten();
    let damage = damage(workspace);
    let report = |recording: &Recording| RecordingReport {
        name: recording.name.clone(),
        clock: clock(workspace, recording, aligned.cameras.get(&recording.camera).map(Arc::as_ref)),
        files: recording.chapters.iter().map(|chapter| file(workspace, recording, chapter, &damage)).collect(),
    };
    let coverage = |summary: &TelemetrySummary| {
        let covered = |(index, recording): (usize, &Recording)| {
            let place = clocks.get(index).copied().flatten();
            (recording.name.clone(), place.map(|place| covered(summary, place, recording.duration)))
        };
        recordings.iter().enumerate().map(covered).collect()
    };
    let mut logs = Vec::new();
    if let Some(log) = log {
        for part in &log.parts {
            logs.push(LogReport {
                name: part.name.clone(),
                summary: part.summary.clone(),
                import: part.import.clone(),
                coverage: if log.parts.len() == 1 { coverage(&log.summary) } else { Vec::new() },
            });
        }
        if log.parts.len() > 1 {
            logs.push(LogReport {
                name: format!("all {} logs as one", log.parts.len()),
                summary: log.summary.clone(),
                import: TelemetrySummary::default(),
                coverage: coverage(&log.summary),
            });
        }
        if log.is_completed {
            logs.push(LogReport {
                name: "with what the project adds and hides".to_owned(),
                summary: log.summary.clone(),
                import: TelemetrySummary::default(),
                coverage: Vec::new(),
            });
        }
    }
    Diagnosis { recordings: recordings.iter().map(report).collect(), logs }
}

/// Footage whose clock cannot be found yet, because something of the log is
/// wrong: what the cameras say.
fn of_claims(workspace: &Workspace) -> Diagnosis {
    let Some(recordings) = &footage::recordings(&workspace.db, workspace.project).value else {
        return Diagnosis::default();
    };
    let damage = damage(workspace);
    let report = |recording: &Recording| RecordingReport {
        name: recording.name.clone(),
        clock: clock(workspace, recording, None),
        files: recording.chapters.iter().map(|chapter| file(workspace, recording, chapter, &damage)).collect(),
    };
    Diagnosis { recordings: recordings.iter().map(report).collect(), logs: Vec::new() }
}

/// Percent of a recording that lies between a log's first and last sample.
fn covered(summary: &TelemetrySummary, place: clocks::OnLog, duration: Timestamp) -> u32 {
    let (start, end) = (place.start, place.at(duration.to_nanos()));
    let both = end.min(summary.last).saturating_sub(start.max(summary.first)).max(0);
    let share = i128::from(both) * 100 / i128::from(end.saturating_sub(start).max(1));
    u32::try_from(share).unwrap_or(100).min(100)
}

fn clock(workspace: &Workspace, recording: &Recording, alignment: Option<&Alignment>) -> String {
    let Some(utc) = recording.utc else {
        return "start unknown: the file does not state when it was recorded".to_owned();
    };
    let set = workspace.manifest.footage.iter().find(|set| set.name == recording.camera);
    match set.map(|set| &set.clock).filter(|clock| clock.stated) {
        Some(clock) if clock.start.is_some() || !clock.seen.is_empty() => {
            format!("starts {utc} (the manifest says so)")
        }
        Some(clock) if clock.offset != Timestamp::ZERO => {
            format!("starts {utc} (the camera's clock moved by {}, as the manifest says)", clock.offset)
        }
        _ => match alignment {
            Some(found) => format!("starts {utc} ({})", how(found)),
            None => format!("starts {utc} (the camera's clock)"),
        },
    }
}

/// How a clock was found, in words: method, offset, confidence, what else
/// might be.
fn how(found: &Alignment) -> String {
    let mut text = found.method.to_string();
    if let Some(offset) = found.offset_ms.filter(|_| found.method != AlignMethod::Claimed) {
        text += &format!(": the camera's clock moved by {}", align::written(offset));
    }
    if found.method != AlignMethod::Claimed {
        text += &format!("; confidence {} %", found.confidence / 10);
    }
    if found.drift() != 0 {
        text += &format!("; its clock drifts by {:.1} ppm", f64::from(found.drift()) / 1e3);
    }
    if !found.note.is_empty() {
        text += &format!("; {}", found.note);
    }
    let others: Vec<String> = found.alternatives.iter().map(|(offset, _)| align::written(*offset)).collect();
    if !others.is_empty() {
        text += &format!("; else {}", others.join(" or "));
    }
    text
}

/// What the results that the outputs rest on say against files, by content,
/// each thing once.
fn damage(workspace: &Workspace) -> BTreeMap<Digest, Vec<String>> {
    let mut damage: BTreeMap<Digest, (losses::Told, Vec<String>)> = BTreeMap::new();
    for goal in [Goal::Inputs, Goal::Outputs(Vec::new())] {
        let (needs, _) = goal::evaluate(workspace, &goal);
        for (action, result) in survey::done(&needs) {
            for warning in &result.warnings {
                for file in naming::named_in(warning) {
                    let (losses, known) = damage.entry(file).or_default();
                    let told = naming::with_names(warning, &|_| None);
                    // Analyses see all of a file.
                    if !losses.take(&told, !action.spec.shows_footage()) && !known.contains(&told) {
                        known.push(told);
                    }
                }
            }
        }
    }
    let both = |(file, (losses, known)): (Digest, (losses::Told, Vec<String>))| {
        (file, known.into_iter().chain(losses.into_sentences()).collect())
    };
    damage.into_iter().map(both).collect()
}

fn file(
    workspace: &Workspace,
    recording: &Recording,
    chapter: &footage::Chapter,
    damage: &BTreeMap<Digest, Vec<String>>,
) -> FileReport {
    let content = match chapter.file.state(&workspace.db) {
        FileState::Known(content) => Some(content),
        _ => None,
    };
    let (info, video) = (chapter.info.as_ref(), chapter.video.as_ref());
    FileReport {
        name: workspace.name_of(chapter.file),
        facts: facts(info, video),
        oddities: oddities(recording, info, video),
        damage: content.and_then(|content| damage.get(&content)).cloned().unwrap_or_default(),
    }
}

fn facts(info: &MediaInfo, video: &VideoInfo) -> String {
    let sound = info.audio.as_ref().map_or("no sound".to_owned(), |audio: &AudioInfo| {
        format!("{} {} Hz, {} channels", audio.codec, audio.sample_rate, audio.channels)
    });
    let device = info.device.as_ref().map(|device| format!(", {device}")).unwrap_or_default();
    let profile = video.profile.as_ref().map(|profile| format!(" {profile}")).unwrap_or_default();
    format!(
        "{}{profile} {} {} at {}/s, {}; {sound}{device}\n    {}",
        video.codec,
        video.display_size(),
        video.pixel_format,
        video.rate,
        video.duration,
        colours(video)
    )
}

fn colours(video: &VideoInfo) -> String {
    let range = if video.colour.full_range { "full" } else { "limited" };
    let is_rgb = ["rgb", "bgr", "gbr"].iter().any(|rgb| video.pixel_format.contains(rgb));
    let matrix = match video.colour.matrix {
        _ if is_rgb => "no matrix (red, green and blue)",
        Matrix::Bt601 => "matrix BT.601",
        Matrix::Bt709 => "matrix BT.709",
        Matrix::Bt2020 => "matrix BT.2020",
        Matrix::Smpte240 => "matrix SMPTE 240M",
        Matrix::YCgCo => "matrix YCgCo",
    };
    let transfer = match video.colour.transfer() {
        Transfer::Sdr => "SDR",
        Transfer::Pq => "HDR (PQ)",
        Transfer::Hlg => "HDR (HLG)",
    };
    let lines = match video.top_field_first {
        None => "",
        Some(true) => ", interlaced, top field first",
        Some(false) => ", interlaced, bottom field first",
    };
    format!("{} bits, {range} range, {matrix}, {transfer}{lines}", video.bit_depth)
}

fn oddities(recording: &Recording, info: &MediaInfo, video: &VideoInfo) -> Vec<String> {
    let mut odd = Vec::new();
    if recording.chapters.len() > 1 {
        odd.push(format!("one of {} chapters: joined as one recording", recording.chapters.len()));
    }
    let turn = u32::from(video.orientation.quarter_turns) * 90;
    match (turn, video.orientation.mirrored) {
        (0, false) => {}
        (0, true) => odd.push("stored mirrored: shown the right way round".to_owned()),
        (_, false) => odd.push(format!("stored turned by {turn} degrees: shown upright")),
        (_, true) => odd.push(format!("stored turned by {turn} degrees and mirrored: shown upright")),
    }
    if video.variable_rate {
        odd.push(format!(
            "variable frame rate ({} nominal, {:.3} on average): frames are chosen by their time stamps",
            video.rate,
            video.average_rate.as_f64()
        ));
    }
    if video.top_field_first.is_some() {
        odd.push("interlaced: each frame becomes one whole picture".to_owned());
    }
    colour_oddities(video, &mut odd);
    if video.pixel_aspect != (1, 1) {
        let (num, den) = video.pixel_aspect;
        odd.push(format!("pixels are {num}:{den}: shown in their true shape"));
    }
    match &info.audio {
        None => odd.push("no sound: silence is used".to_owned()),
        Some(audio) if audio.start.to_millis().abs() > 20 => {
            odd.push(format!("sound starts at {}: kept in step with the pictures", audio.start));
        }
        Some(_) => {}
    }
    if video.first != Timestamp::ZERO {
        odd.push(format!("the first picture is at {} on the file's own clock: counted as 0", video.first));
    }
    track_oddities(info, video, &mut odd);
    if info.created.is_none() {
        odd.push("does not state when it was recorded: telemetry needs `clock` in its footage set".to_owned());
    }
    odd
}

fn colour_oddities(video: &VideoInfo, odd: &mut Vec<String>) {
    let colour = &video.colour;
    match (colour.transfer(), colour.primaries()) {
        (Transfer::Pq, _) => odd.push("HDR (PQ): tone-mapped to SDR, BT.709, but for outputs in HDR".to_owned()),
        (Transfer::Hlg, _) => odd.push("HDR (HLG): tone-mapped to SDR, BT.709, but for outputs in HDR".to_owned()),
        (Transfer::Sdr, Primaries::Bt2020) => odd.push("colours of BT.2020: converted to BT.709".to_owned()),
        (Transfer::Sdr, Primaries::P3) => odd.push("colours of P3: converted to BT.709".to_owned()),
        (Transfer::Sdr, Primaries::Bt709) if colour.matrix != Matrix::Bt709 => {
            odd.push("matrix: converted to BT.709".to_owned());
        }
        (Transfer::Sdr, Primaries::Bt709) => {}
    }
    if colour.full_range {
        odd.push("full colour range: converted to the limited range that players expect".to_owned());
    }
    if video.bit_depth > 8 {
        odd.push(format!("{} bits a sample: rendered with as many as the output has", video.bit_depth));
    }
}

/// Of what the file holds besides the tracks that are used.
fn track_oddities(info: &MediaInfo, video: &VideoInfo, odd: &mut Vec<String>) {
    let used = [Some(video.stream), info.audio.as_ref().map(|audio| audio.stream)];
    for (kind, what) in [(TrackKind::Video, "video"), (TrackKind::Audio, "sound")] {
        let count = info.tracks.iter().filter(|track| track.kind == kind).count();
        if count > 1 {
            let index = if kind == TrackKind::Video { used[0] } else { used[1] };
            let index = index.map(|index| format!(", track {index} of the file,")).unwrap_or_default();
            odd.push(format!("{count} {what} tracks: the default one{index} is used"));
        }
    }
    let data: Vec<&str> = info
        .tracks
        .iter()
        .filter(|track| matches!(track.kind, TrackKind::Data | TrackKind::Cover))
        .map(|track| track.codec.as_str())
        .collect();
    if !data.is_empty() {
        odd.push(format!("other tracks ({}): not used", data.join(", ")));
    }
}
