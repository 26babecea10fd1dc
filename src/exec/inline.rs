//! The kinds that run in `autocut` itself: pure Rust on data from the store.

use std::io::{Read, Write};
use std::ops::Range;

use crate::base::{Diagnostic, Digest};
use crate::deliver::target;
use crate::exec::logs::{self, Log};
use crate::model::alignment::Course;
use crate::model::overlay::Shown;
use crate::model::signal::NamedSignal;
use crate::model::specs::{
    AlignChapter, AlignRecording, AlignSpec, ChooseRecording, ChooseSpec, ExportSpec, MergeLog, ShowSpec,
};
use crate::model::telemetry::TelemetrySummary;
use crate::model::{ActionSpec, decode, encode};
use crate::moments;
use crate::overlay::{self, Scene};
use crate::telemetry::align::{self, Chapter, Recorded};
use crate::telemetry::columns::{Scratch, Source};
use crate::telemetry::export::Export;
use crate::telemetry::{self, Stopped, WHOLE, lookup};

pub use crate::exec::logs::Logs;

/// Where the inputs of an action are read.
pub trait Materials {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read>, Diagnostic>;
    fn read(&self, digest: Digest) -> Result<Vec<u8>, Diagnostic>;
    /// What is read in part.
    fn placed(&self, digest: Digest) -> Result<Box<dyn Source>, Diagnostic>;
    /// Room for what is needed while an action runs.
    fn scratch(&self) -> Result<Box<dyn Scratch>, Diagnostic>;
}

/// What an inline action gives beside its artifact.
#[derive(Debug)]
pub struct Made {
    /// The encoded value.
    pub value: Vec<u8>,
    /// What people should be told although it succeeded.
    pub warnings: Vec<String>,
}

/// Does one action; its artifact goes to `out`.
pub fn run(spec: &ActionSpec, materials: &dyn Materials, logs: &Logs, out: &mut dyn Write) -> Result<Made, Diagnostic> {
    let made = |value| Ok(Made { value, warnings: Vec::new() });
    match spec {
        ActionSpec::ImportTelemetry(spec) => {
            let format = telemetry::FORMATS.iter().find(|format| format.name() == spec.format);
            let format = format.ok_or_else(|| Diagnostic::bug(format!("no telemetry format {:?}", spec.format)))?;
            let summary = (format.import)(&mut *materials.open(spec.file)?, &spec.params, out)?;
            Ok(Made { value: encode(&summary), warnings: unread(&summary) })
        }
        ActionSpec::CleanTelemetry(spec) => {
            // Nothing else reads what is not cleaned, so it is not kept.
            let raw = logs::open(materials, spec.telemetry)?;
            let summary = telemetry::clean_stream(&raw, spec.gap_ms, out);
            made(encode(&summary.map_err(|why| stopped(why, spec.telemetry))?))
        }
        ActionSpec::MergeTelemetry(spec) => {
            let course = |log: &MergeLog| Course { start: log.shift, drift: log.drift };
            let read = |log: &MergeLog| Ok((logs::open(materials, log.telemetry)?, course(log)));
            let read: Vec<_> = spec.logs.iter().map(read).collect::<Result<_, Diagnostic>>()?;
            let parts: Vec<_> = read.iter().map(|(log, course)| (log, *course)).collect();
            let first = spec.logs.first().map_or(Digest([0; 32]), |log| log.telemetry);
            let summary = telemetry::merge_stream(&parts, out);
            made(encode(&summary.map_err(|why| stopped(why, first))?))
        }
        ActionSpec::CompleteTelemetry(spec) => {
            let log = logs::open(materials, spec.telemetry)?;
            let mut scratch = if log.len() > WHOLE { materials.scratch()? } else { Box::new(Vec::new()) };
            let summary = telemetry::complete_stream(&log, spec, &mut *scratch, out);
            made(encode(&summary.map_err(|why| stopped(why, spec.telemetry))?))
        }
        ActionSpec::Locate(spec) => {
            let log = logs.get(materials, spec.telemetry)?.around(spec.at)?;
            let position = encode(&telemetry::position(&log, spec.at));
            put(out, &position)?;
            made(position)
        }
        ActionSpec::Align(spec) => align(spec, materials, logs, out),
        ActionSpec::Export(spec) => {
            let log = logs.get(materials, spec.telemetry)?;
            export(spec, &log, out)?;
            made(Vec::new())
        }
        ActionSpec::Choose(spec) => {
            let log = spec.telemetry.map(|digest| logs.get(materials, digest)?.within(recorded(spec))).transpose()?;
            let signals = |digest| -> Result<Vec<NamedSignal>, Diagnostic> {
                decode(&materials.read(digest)?).ok_or_else(|| unreadable("signals", digest))
            };
            let (chosen, report) = moments::choose(spec, &signals, log.as_deref())?;
            put(out, &encode(&report))?;
            made(encode(&chosen))
        }
        ActionSpec::Show(spec) => {
            let log = spec.telemetry.map(|digest| logs.get(materials, digest)?.shown(seen(spec))).transpose()?;
            let scene = Scene {
                frame: spec.frame,
                rate: spec.rate,
                frames: spec.frames,
                telemetry: log.as_deref(),
                start: spec.start,
                utc: spec.utc,
                clip: spec.clip,
            };
            let shown = overlay::show(&spec.overlay, &scene)?;
            put(out, &encode(&shown))?;
            made(Vec::new())
        }
        ActionSpec::Draw(spec) => {
            let shown: Shown =
                decode(&materials.read(spec.shown)?).ok_or_else(|| unreadable("an overlay's plan", spec.shown))?;
            let (pack, drawn) = overlay::draw(&spec.overlay, &shown, spec.format)?;
            put(out, &pack)?;
            made(encode(&drawn))
        }
        ActionSpec::Quality(spec) => {
            let (tried, reached) = target::reached(spec);
            put(out, &encode(&tried))?;
            made(encode(&reached))
        }
        media => Err(Diagnostic::bug(format!("{} does not run here", media.kind().name))),
    }
}

fn put(out: &mut dyn Write, artifact: &[u8]) -> Result<(), Diagnostic> {
    out.write_all(artifact).map_err(|error| Diagnostic::environment(format!("a result cannot be written: {error}")))
}

fn stopped(why: Stopped, log: Digest) -> Diagnostic {
    match why {
        Stopped::Unreadable(why) => logs::odd(why, log),
        Stopped::Refused(why) => why,
        Stopped::Unwritable(error) => Diagnostic::environment(format!("the log cannot be written: {error}")),
    }
}

/// When the recordings are that moments are chosen from, as far as that is
/// known: by the telemetry's clock, which may be UTC.
fn recorded(spec: &ChooseSpec) -> Vec<Range<i64>> {
    // More than a clock drifts in a day.
    const MARGIN: i64 = 60_000_000_000;
    let start = |recording: &ChooseRecording| recording.telemetry_start.or(recording.utc);
    let span = |recording: &ChooseRecording| {
        let start = start(recording)?;
        let end = start.saturating_add(recording.duration.to_nanos());
        Some(start.saturating_sub(MARGIN)..end.saturating_add(MARGIN))
    };
    spec.recordings.iter().filter_map(span).collect()
}

/// What frames and their clip show of the telemetry's time; of a very long clip
/// what is around the frames.
fn seen(spec: &ShowSpec) -> Range<i64> {
    const AROUND: i64 = 600_000_000_000;
    let Some(start) = spec.start else { return 0..0 };
    let end = start.saturating_add(spec.rate.time_of(i64::from(spec.frames)).to_nanos()).saturating_add(1);
    let (from, until) = spec.clip.unwrap_or((start, end));
    let (from, until) = (from.max(start.saturating_sub(AROUND)), until.min(end.saturating_add(AROUND)));
    start.min(from)..end.max(until.saturating_add(1))
}

/// Writes a log, or a stretch of it, as a file.
fn export(spec: &ExportSpec, log: &Log, out: &mut dyn Write) -> Result<(), Diagnostic> {
    let unwritable = |error: std::io::Error| Diagnostic::environment(format!("the file cannot be written: {error}"));
    let stretch = spec.stretch.map(|(from, until)| from..until);
    let zero = stretch.as_ref().map(|stretch| stretch.start).or(log.first()).unwrap_or(0);
    let mut export = Export::new(spec.format, zero, spec.utc, &spec.channels, &spec.title);
    match stretch {
        Some(stretch) => {
            let part = log.within(vec![stretch.clone()])?;
            export.write(&lookup::within(&part, stretch), out).map_err(unwritable)
        }
        None => {
            log.pieces(&mut |piece, known| export.part(piece, known, out).map_err(unwritable))?;
            export.end(&log.marks(), out).map_err(unwritable)
        }
    }
}

/// Puts a camera's clock right.
fn align(spec: &AlignSpec, materials: &dyn Materials, logs: &Logs, out: &mut dyn Write) -> Result<Made, Diagnostic> {
    let chapter = |chapter: &AlignChapter| Chapter {
        offset: chapter.offset.to_nanos(),
        payloads: chapter.payloads,
        motion: chapter.motion.clone(),
    };
    let recorded = |recording: &AlignRecording| Recorded {
        claimed: recording.claimed,
        duration: recording.duration.to_nanos(),
        chapters: recording.chapters.iter().map(chapter).collect(),
    };
    let recordings: Vec<Recorded> = spec.recordings.iter().map(recorded).collect();
    let log = spec.log.as_ref().map(|log| {
        let claimed = claimed(&spec.recordings, log.shift);
        Ok::<_, Diagnostic>((logs.get(materials, log.telemetry)?.compared(claimed)?, log.shift))
    });
    let log = log.transpose()?;
    let log = log.as_ref().map(|(log, shift)| (log.as_ref(), *shift));
    let motion = |digest| {
        let signals: Vec<NamedSignal> =
            decode(&materials.read(digest)?).ok_or_else(|| unreadable("signals", digest))?;
        Ok(signals.into_iter().next().map(|named| named.signal).unwrap_or_default())
    };
    let (alignment, warnings) = align::align(&recordings, log, &|digest| materials.read(digest), &motion)?;
    let value = encode(&alignment);
    put(out, &value)?;
    Ok(Made { value, warnings })
}

/// From the first recording's start to the last one's end as the camera has
/// them, on the clock of a log that `shift` brings to UTC.
fn claimed(recordings: &[AlignRecording], shift: i64) -> Option<Range<i64>> {
    let start = |recording: &AlignRecording| Some(recording.claimed?.saturating_sub(shift));
    let end = |recording: &AlignRecording| Some(start(recording)?.saturating_add(recording.duration.to_nanos()));
    Some(recordings.iter().filter_map(start).min()?..recordings.iter().filter_map(end).max()?)
}

/// The rows that an import passed over, in one sentence.
fn unread(summary: &TelemetrySummary) -> Vec<String> {
    let first = summary.bad_examples.first().map(|row| format!(" (the first, {}: {})", row.at, row.reason));
    match summary.bad_rows {
        0 => Vec::new(),
        1 => vec![format!("a row could not be read{}", first.unwrap_or_default())],
        count => vec![format!("{count} rows could not be read{}", first.unwrap_or_default())],
    }
}

pub(super) fn unreadable(what: &str, digest: Digest) -> Diagnostic {
    Diagnostic::bug(format!("the stored {what} {} cannot be read", digest.short()))
        .hint("remove the store folder and report this")
}
