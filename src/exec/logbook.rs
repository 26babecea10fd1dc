//! A file of telemetry by itself, in a project or without one: read, and cleaned
//! where that is asked for. Nothing is taken from a store and nothing is kept.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::base::{Diagnostic, Tier, Timestamp};
use crate::exec::alone::{Ended, Workbench, named, value};
use crate::exec::settings::Settings;
use crate::exec::worker;
use crate::exec::workspace::{self, MANIFEST};
use crate::graph::footage;
use crate::inputs::{EntryKind, RealSystem, System, cannot};
use crate::manifest::{self, manifest::TelemetrySource};
use crate::model::specs::{ExtractSpec, ProbeSpec};
use crate::model::telemetry::{Telemetry, TelemetrySummary};
use crate::model::{ActionSpec, MediaInfo, payloads};
use crate::telemetry::{self, FORMATS, Imported, gpmf};

/// What is to be read.
#[derive(Clone, Debug)]
pub struct Asked {
    pub file: PathBuf,
    /// The zone of times that name none.
    pub timezone: Option<String>,
    /// Whether it is cleaned.
    pub clean: bool,
    /// Whether its samples themselves are wanted, one by one: what a camera wrote
    /// into a film is then on the clock of that and not on that of its receiver.
    pub rows: bool,
}

/// What was read.
#[derive(Debug)]
pub struct Logbook {
    /// The file's name without its folder.
    pub name: String,
    pub log: Telemetry,
    /// Of `log`: its format and what reading the file found are `import`'s.
    pub summary: TelemetrySummary,
    pub import: TelemetrySummary,
    /// Whether the manifest says how the file is read.
    pub as_in_manifest: bool,
    pub warning: Option<Diagnostic>,
}

/// A span without samples that is a gap, where no manifest says anything else.
const GAP: Timestamp = Timestamp::from_seconds(5);

impl Asked {
    /// Whether every sample is wanted, whatever it is worth.
    fn every(&self) -> bool {
        self.rows && !self.clean
    }
}

/// Reads the file; `project` is the folder whose manifest may say how.
///
/// # Errors
///
/// A file that is not there or that is no telemetry, a zone that is none.
pub fn read(project: &Path, asked: &Asked, settings: &Settings, interrupted: &AtomicBool) -> Result<Logbook, Ended> {
    let path = &asked.file;
    let kind = RealSystem.stat(path).ok().map(|entry| entry.kind);
    if kind != Some(EntryKind::File) {
        let shown = path.display();
        let problem = Diagnostic::input(match kind {
            Some(EntryKind::Folder) => format!("{shown} is a folder"),
            Some(_) => format!("{shown} is no file but a device, a pipe or the like"),
            None => format!("there is no file {shown}"),
        });
        return Err(problem.hint("name a log (FIT, GPX, TCX, CSV, NMEA, SRT, GPMF) or a film that carries one").into());
    }
    let mut head = Vec::new();
    open(path)?.take(HEAD).read_to_end(&mut head).map_err(|error| cannot("read", path, &error))?;
    let (source, warning) = match source(project, path) {
        Ok(source) => (source, None),
        Err(warning) => (None, Some(warning)),
    };
    if source.is_some() && asked.timezone.is_some() {
        let problem = Diagnostic::input(format!("the manifest says how {} is read", path.display()));
        return Err(problem.hint("state the zone there: `timezone: \"Europe/Berlin\"`").into());
    }
    let film = telemetry::is_film(&head);
    let dump = payloads::looks(&head);
    let (log, import) = match &source {
        _ if film => track(path, asked, settings, interrupted)?,
        Some(source) if dump && asked.every() && source.format == "Gpmf" => every_sample(path, Some(&source.params))?,
        Some(source) if dump && asked.every() && source.format == "Log" => every_sample(path, None)?,
        Some(source) => import(&source.format, path, &source.params)?,
        None if dump => camera(path, asked, false)?,
        None => {
            let zone = serde_json::json!({ "timezone": asked.timezone });
            import("Log", path, &zone.to_string())?
        }
    };
    let gap = source.as_ref().map_or(GAP, |source| source.gap);
    let (log, summary) = match asked.clean {
        true => telemetry::clean(&log, u32::try_from(gap.to_millis()).unwrap_or(u32::MAX)),
        false => (log, import.clone()),
    };
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Logbook { name, log, summary, import, as_in_manifest: source.is_some(), warning })
}

/// How much of a file says what it is.
const HEAD: u64 = 64;

fn open(path: &Path) -> Result<Box<dyn Read + Send>, Diagnostic> {
    RealSystem.open(path).map_err(|error| cannot("read", path, &error))
}

/// Reads a file as a format of this name.
fn import(format: &str, path: &Path, params: &str) -> Imported {
    let found = FORMATS.iter().find(|known| known.name() == format);
    let found = found.ok_or_else(|| Diagnostic::bug(format!("no telemetry format {format:?}")))?;
    let mut file = open(path)?;
    telemetry::in_memory(|out| (found.import)(&mut *file, params, out))
}

/// Reads what a camera wrote, of which no manifest says how.
fn camera(path: &Path, asked: &Asked, in_film: bool) -> Imported {
    let time = if asked.rows && in_film { "Media" } else { "Auto" };
    let max_dop = if asked.clean { 5.0 } else { 1_000.0 };
    let params = serde_json::json!({ "max_dop": max_dop, "time": time }).to_string();
    if asked.every() { every_sample(path, Some(&params)) } else { import("Gpmf", path, &params) }
}

/// Reads all that a camera wrote, also where its receiver had no fix.
fn every_sample(path: &Path, params: Option<&str>) -> Imported {
    let mut file = open(path)?;
    telemetry::in_memory(|out| gpmf::every_sample(&mut *file, params, out))
}

/// What a manifest says of the file, if there is one that names it; a warning
/// where it is wrong, and what it says of the file is not known.
fn source(project: &Path, path: &Path) -> Result<Option<TelemetrySource>, Diagnostic> {
    let manifest = project.join(MANIFEST);
    let text = RealSystem.read(&manifest).ok().and_then(|text| String::from_utf8(text).ok());
    let (Some(text), Ok(path)) = (text, RealSystem.canonical(path)) else { return Ok(None) };
    let (manifest, problems) = manifest::load(&manifest, &text, &workspace::kinds().as_kinds());
    let Some(manifest) = manifest else {
        let problem = Diagnostic::warning("the manifest is wrong, so the file is read as if there was none");
        let first = problems.0.into_iter().find(|problem| problem.tier > Tier::Warning);
        let first = first.map(|first| first.message);
        return Err(first.into_iter().fold(problem, Diagnostic::note).hint("`autocut check` says what is wrong"));
    };
    let is_it = |source: &TelemetrySource| {
        source.camera.is_none() && RealSystem.canonical(&project.join(&source.file)).is_ok_and(|other| other == path)
    };
    Ok(manifest.telemetry.into_iter().find(is_it))
}

/// What a film's own track says.
fn track(
    path: &Path,
    asked: &Asked,
    settings: &Settings,
    interrupted: &AtomicBool,
) -> Result<(Telemetry, TelemetrySummary), Ended> {
    let scratch = tempfile::Builder::new().prefix("autocut-telemetry-").tempdir();
    let scratch = scratch.map_err(|error| Diagnostic::environment(format!("cannot make a scratch folder: {error}")))?;
    let program = worker::find_program(settings.program.as_deref())?;
    let bench = Workbench { program: &program, scratch: scratch.path(), interrupted };
    let file = RealSystem.canonical(path).map_err(|error| cannot("open", path, &error))?;
    let mut worker = bench.worker();
    let probe = ActionSpec::Probe(ProbeSpec { file: named(&file) });
    let probed = bench.act(&mut worker, probe, &[&file], &scratch.path().join("probe"))?;
    if !footage::has_track(&value::<MediaInfo>(&probed.produced.value)?) {
        let problem = Diagnostic::input(format!("{} carries no telemetry", path.display()))
            .note("it has no track named `gpmd`, as GoPro's cameras write")
            .hint("name the log of another logger");
        return Err(problem.into());
    }
    let extract = ActionSpec::Extract(ExtractSpec { file: named(&file) });
    let done = bench.act(&mut worker, extract, &[&file], &scratch.path().join("extract"))?;
    let track = done.produced.files.first().ok_or_else(|| Diagnostic::bug("extracting a track made no file"))?;
    camera(track, asked, true).map_err(Ended::Failed)
}
