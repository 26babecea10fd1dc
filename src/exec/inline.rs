//! The kinds that run in `autocut` itself: pure Rust on data from the store.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Diagnostic, Digest};
use crate::deliver::target;
use crate::model::overlay::Shown;
use crate::model::signal::NamedSignal;
use crate::model::specs::{AlignChapter, AlignRecording, AlignSpec, MergeLog};
use crate::model::telemetry::TelemetrySummary;
use crate::model::{ActionSpec, Telemetry, decode, encode};
use crate::moments;
use crate::overlay::{self, Scene};
use crate::telemetry::align::{self, Chapter, Recorded};
use crate::telemetry::{self, columns};

/// Where the inputs of an action are read.
pub trait Materials {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read>, Diagnostic>;
    fn read(&self, digest: Digest) -> Result<Vec<u8>, Diagnostic>;
}

/// What an inline action made: one artifact and the encoded value.
#[derive(Debug)]
pub struct Made {
    pub artifact: Vec<u8>,
    pub value: Vec<u8>,
    /// What people should be told although it succeeded.
    pub warnings: Vec<String>,
}

/// Telemetry that was decoded lately: every clip of a build asks for the same.
#[derive(Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<Decoded>>>);

type Decoded = (Digest, Arc<Telemetry>);

/// How many decoded logs are kept.
const KEPT_LOGS: usize = 2;

impl Logs {
    fn get(&self, materials: &dyn Materials, digest: Digest) -> Result<Arc<Telemetry>, Diagnostic> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, log)) = kept.iter().find(|(other, _)| *other == digest) {
            return Ok(log.clone());
        }
        let bytes = materials.read(digest)?;
        let log = columns::decode(&bytes).ok_or_else(|| unreadable("telemetry", digest))?;
        let log = Arc::new(log);
        if kept.len() == KEPT_LOGS {
            kept.remove(0);
        }
        kept.push((digest, log.clone()));
        Ok(log)
    }
}

/// Does one action.
pub fn run(spec: &ActionSpec, materials: &dyn Materials, logs: &Logs) -> Result<Made, Diagnostic> {
    let made = |artifact, value| Ok(Made { artifact, value, warnings: Vec::new() });
    match spec {
        ActionSpec::ImportTelemetry(spec) => {
            let format = telemetry::FORMATS.iter().find(|format| format.name() == spec.format);
            let format = format.ok_or_else(|| Diagnostic::bug(format!("no telemetry format {:?}", spec.format)))?;
            let (log, summary) = (format.import)(&mut *materials.open(spec.file)?, &spec.params)?;
            Ok(Made { artifact: columns::encode(&log), value: encode(&summary), warnings: unread(&summary) })
        }
        ActionSpec::CleanTelemetry(spec) => {
            let raw = logs.get(materials, spec.telemetry)?;
            let (clean, summary) = telemetry::clean(&raw, spec.gap_ms);
            made(columns::encode(&clean), encode(&summary))
        }
        ActionSpec::MergeTelemetry(spec) => {
            let read = |log: &MergeLog| Ok((logs.get(materials, log.telemetry)?, log.shift));
            let read: Vec<_> = spec.logs.iter().map(read).collect::<Result<_, Diagnostic>>()?;
            let parts: Vec<_> = read.iter().map(|(log, shift)| (log.as_ref(), *shift)).collect();
            let (merged, summary) = telemetry::merge(&parts);
            made(columns::encode(&merged), encode(&summary))
        }
        ActionSpec::Locate(spec) => {
            let log = logs.get(materials, spec.telemetry)?;
            let position = encode(&telemetry::position(&log, spec.at));
            made(position.clone(), position)
        }
        ActionSpec::Align(spec) => align(spec, materials, logs),
        ActionSpec::Choose(spec) => {
            let log = spec.telemetry.map(|digest| logs.get(materials, digest)).transpose()?;
            let signals = |digest| -> Result<Vec<NamedSignal>, Diagnostic> {
                decode(&materials.read(digest)?).ok_or_else(|| unreadable("signals", digest))
            };
            let (chosen, report) = moments::choose(spec, &signals, log.as_deref())?;
            made(encode(&report), encode(&chosen))
        }
        ActionSpec::Show(spec) => {
            let log = spec.telemetry.map(|digest| logs.get(materials, digest)).transpose()?;
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
            made(encode(&shown), Vec::new())
        }
        ActionSpec::Draw(spec) => {
            let shown: Shown =
                decode(&materials.read(spec.shown)?).ok_or_else(|| unreadable("an overlay's plan", spec.shown))?;
            let (pack, drawn) = overlay::draw(&spec.overlay, &shown, spec.format)?;
            made(pack, encode(&drawn))
        }
        ActionSpec::Quality(spec) => {
            let (tried, reached) = target::reached(spec);
            made(encode(&tried), encode(&reached))
        }
        media => Err(Diagnostic::bug(format!("{} does not run here", media.kind().name))),
    }
}

/// Puts a camera's clock right.
fn align(spec: &AlignSpec, materials: &dyn Materials, logs: &Logs) -> Result<Made, Diagnostic> {
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
    let log = spec.log.as_ref().map(|log| Ok((logs.get(materials, log.telemetry)?, log.shift)));
    let log = log.transpose()?;
    let log = log.as_ref().map(|(log, shift)| (log.as_ref(), *shift));
    let motion = |digest| {
        let signals: Vec<NamedSignal> =
            decode(&materials.read(digest)?).ok_or_else(|| unreadable("signals", digest))?;
        Ok(signals.into_iter().next().map(|named| named.signal).unwrap_or_default())
    };
    let (alignment, warnings) = align::align(&recordings, log, &|digest| materials.read(digest), &motion)?;
    let value = encode(&alignment);
    Ok(Made { artifact: value.clone(), value, warnings })
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

fn unreadable(what: &str, digest: Digest) -> Diagnostic {
    Diagnostic::bug(format!("the stored {what} {} cannot be read", digest.short()))
        .hint("remove the store folder and report this")
}
