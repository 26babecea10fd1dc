//! What `autocut doctor` finds: of the machine, and of the project's files,
//! with what is odd about each and what autocut does about it.

use crate::base::{Diagnostic, Tier, Timestamp};
use crate::exec::settings::Settings;
use crate::exec::worker::{self, Worker};
use crate::exec::workspace::Workspace;
use crate::graph::footage::{self, Recording};
use crate::graph::telemetry;
use crate::inputs::RealSystem;
use crate::inputs::machine::Machine as Hardware;
use crate::model::telemetry::TelemetrySummary;
use crate::model::{AudioInfo, MediaInfo, Toolchain, VideoInfo};

/// What this machine can do.
#[derive(Debug)]
pub struct Machine {
    pub version: &'static str,
    pub hardware: Hardware,
    pub settings: Settings,
    pub toolchain: Toolchain,
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
    let toolchain = Worker::new(worker::find_program(settings.program.as_deref())?).toolchain()?;
    Ok(Machine {
        version: env!("CARGO_PKG_VERSION"),
        hardware: Hardware::look(&RealSystem),
        settings: settings.clone(),
        toolchain,
    })
}

/// What is known of the project's files.
#[derive(Debug, Default)]
pub struct Diagnosis {
    pub recordings: Vec<RecordingReport>,
    pub log: Option<LogReport>,
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
}

#[derive(Debug)]
pub struct LogReport {
    pub name: String,
    pub summary: TelemetrySummary,
    /// What reading the file found.
    pub import: TelemetrySummary,
    /// Recordings with the share of them that the log covers, in percent.
    pub coverage: Vec<(String, Option<u32>)>,
}

/// Looks at a project whose inputs were probed (`Goal::Inputs`).
pub fn project(workspace: &Workspace) -> Diagnosis {
    let (db, project) = (&workspace.db, workspace.project);
    let Some(recordings) = &footage::recordings(db, project).value else { return Diagnosis::default() };
    let clocks = telemetry::clocks(db, project).value.clone().unwrap_or_default();
    let log = telemetry::log(db, project).value.clone().flatten();
    let report = |recording: &Recording| RecordingReport {
        name: recording.name.clone(),
        clock: clock(workspace, recording),
        files: recording.chapters.iter().map(|chapter| file(workspace, recording, chapter)).collect(),
    };
    let log = log.zip(project.telemetry(db).as_ref()).map(|(log, source)| LogReport {
        name: source.file.clone(),
        summary: log.summary.clone(),
        import: log.import.clone(),
        coverage: recordings
            .iter()
            .enumerate()
            .map(|(index, recording)| {
                let start = clocks.get(index).copied().flatten();
                (recording.name.clone(), start.map(|start| covered(&log.summary, start, recording.duration)))
            })
            .collect(),
    });
    Diagnosis { recordings: recordings.iter().map(report).collect(), log }
}

/// Percent of a recording that lies between a log's first and last sample.
fn covered(summary: &TelemetrySummary, start: i64, duration: Timestamp) -> u32 {
    let end = start.saturating_add(duration.to_nanos());
    let both = end.min(summary.last).saturating_sub(start.max(summary.first)).max(0);
    let share = i128::from(both) * 100 / i128::from(duration.to_nanos().max(1));
    u32::try_from(share).unwrap_or(100).min(100)
}

fn clock(workspace: &Workspace, recording: &Recording) -> String {
    let Some(utc) = recording.utc else {
        return "start unknown: the file does not state when it was recorded".to_owned();
    };
    let set = workspace.manifest.footage.iter().find(|set| set.name == recording.camera);
    match set.map(|set| (&set.clock.start, set.clock.offset)) {
        Some((Some(_), _)) => format!("starts {utc} (the manifest says so)"),
        Some((None, offset)) if offset != Timestamp::ZERO => {
            format!("starts {utc} (the camera's clock moved by {offset}, as the manifest says)")
        }
        _ => format!("starts {utc} (the camera's clock)"),
    }
}

fn file(workspace: &Workspace, recording: &Recording, chapter: &footage::Chapter) -> FileReport {
    let (info, video) = (chapter.info.as_ref(), chapter.video.as_ref());
    FileReport {
        name: workspace.name_of(chapter.file),
        facts: facts(info, video),
        oddities: oddities(recording, info, video),
    }
}

fn facts(info: &MediaInfo, video: &VideoInfo) -> String {
    let sound = info.audio.as_ref().map_or("no sound".to_owned(), |audio: &AudioInfo| {
        format!("{} {} Hz, {} channels", audio.codec, audio.sample_rate, audio.channels)
    });
    let device = info.device.as_ref().map(|device| format!(", {device}")).unwrap_or_default();
    format!(
        "{} {} {} at {}/s, {}; {sound}{device}",
        video.codec,
        video.display_size(),
        video.pixel_format,
        video.rate,
        video.duration
    )
}

fn oddities(recording: &Recording, info: &MediaInfo, video: &VideoInfo) -> Vec<String> {
    let mut odd = Vec::new();
    if recording.chapters.len() > 1 {
        odd.push(format!("one of {} chapters: joined as one recording", recording.chapters.len()));
    }
    if video.orientation.quarter_turns != 0 || video.orientation.mirrored {
        let turn = u32::from(video.orientation.quarter_turns) * 90;
        let mirrored = if video.orientation.mirrored { ", mirrored" } else { "" };
        odd.push(format!("stored turned by {turn} degrees{mirrored}: shown upright"));
    }
    if video.variable_rate {
        odd.push(format!(
            "variable frame rate ({} nominal, {:.3} on average): frames are chosen by their time stamps",
            video.rate,
            video.average_rate.as_f64()
        ));
    }
    if video.colour.full_range {
        odd.push("full colour range: converted to the limited range that players expect".to_owned());
    }
    if video.bit_depth > 8 {
        odd.push(format!("{} bits a sample: rendered with 8", video.bit_depth));
    }
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
    if info.created.is_none() {
        odd.push("does not state when it was recorded: telemetry needs `clock` in its footage set".to_owned());
    }
    odd
}
