//! The table of formats.
//!
//! `telemetry-parser`, which reads what is embedded in many cameras' videos, is
//! not among them: its released version (0.2.6) gives tags by the camera's own
//! names and not positions over time, wants the whole of a file that can seek,
//! and brings parsers of its own age for everything (nom 6, prost 0.11, an old
//! mp4parse). What of it logs positions has a line of its own here.

use std::fmt;
use std::io::{Read, Write};

use crate::base::Diagnostic;
use crate::manifest::kinds::KindEntry;
use crate::telemetry::import::{HEAD, Imported, Wrote, head, in_memory, parameters};
use crate::telemetry::zone::Zone;
use crate::telemetry::{csv, fit, gpmf, gpx, log, nmea, srt, tcx};

/// A format of log files.
#[derive(Clone, Copy)]
pub struct Format {
    /// What manifest and reference know of it: name, version, parameters.
    pub entry: KindEntry,
    /// Reads a file with the parameters that the entry lowered to JSON, and
    /// writes the log as an artifact.
    pub import: fn(&mut dyn Read, &str, &mut dyn Write) -> Wrote,
    /// Reads a file of which nothing is said but the zone of its times, for
    /// those that name none.
    pub plain: fn(&mut dyn Read, Option<&Zone>, &mut dyn Write) -> Wrote,
    /// Whether a file that starts with these bytes (64 KiB where it is that
    /// long) looks like one.
    pub looks: fn(&[u8]) -> bool,
}

impl Format {
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// Reads a short file into memory, as [`import`](Self::import) does.
    pub fn whole(&self, input: &mut dyn Read, params: &str) -> Imported {
        in_memory(|out| (self.import)(input, params, out))
    }

    /// Reads a short file into memory, as [`plain`](Self::plain) does.
    pub fn whole_plain(&self, input: &mut dyn Read, timezone: Option<&Zone>) -> Imported {
        in_memory(|out| (self.plain)(input, timezone, out))
    }

    /// Part of the key of every import.
    pub fn version(&self) -> u32 {
        self.entry.version
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Format").field("name", &self.name()).field("version", &self.version()).finish()
    }
}

/// A file that is one of the others.
const LOG: Format = Format {
    entry: KindEntry::of::<log::Log>("Log", log_version(), log::EXAMPLE),
    import: |input, params, out| {
        let params: log::Log = parameters("Log", params)?;
        told(input, params.timezone.as_ref(), out)
    },
    plain: told,
    looks: |_| false,
};

/// What lies in the footage, whose tracks the media program takes out.
const FOOTAGE: Format = Format {
    entry: KindEntry::of::<gpmf::Footage>("Footage", gpmf::VERSION, gpmf::FOOTAGE_EXAMPLE),
    import: gpmf::import_footage,
    plain: gpmf::plain,
    looks: |_| false,
};

/// The entry of a module of this folder.
macro_rules! reader {
    ($module:ident, $kind:ident) => {
        Format {
            entry: KindEntry::of::<$module::$kind>(stringify!($kind), $module::VERSION, $module::EXAMPLE),
            import: $module::import,
            plain: $module::plain,
            looks: $module::looks,
        }
    };
}

/// Every format of its own, in the order in which a file is tried: what looks
/// like several of them is the first.
const READERS: [Format; 8] = [
    reader!(fit, Fit),
    reader!(gpmf, Gpmf),
    reader!(gpx, Gpx),
    reader!(tcx, Tcx),
    reader!(nmea, Nmea),
    reader!(srt, Srt),
    reader!(csv, Csv),
    FOOTAGE,
];

/// What [`LOG`] gives changes whenever one of the others does.
const fn log_version() -> u32 {
    let (mut version, mut at) = (log::VERSION, 0);
    while at < READERS.len() {
        version += READERS[at].entry.version;
        at += 1;
    }
    version
}

/// Every format.
pub static FORMATS: [Format; READERS.len() + 1] = {
    let mut all = [LOG; READERS.len() + 1];
    let mut at = 0;
    while at < READERS.len() {
        all[at + 1] = READERS[at];
        at += 1;
    }
    all
};

/// Boxes that films start with (ISO 14496-12, QuickTime).
const FILM: [&[u8; 4]; 6] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"];

/// Whether a file that starts with these bytes is a film, as cameras write them.
pub fn is_film(head: &[u8]) -> bool {
    head.get(4..8).is_some_and(|kind| FILM.iter().any(|film| kind == *film))
}

/// Reads a file as what its first bytes look like.
fn told(input: &mut dyn Read, timezone: Option<&Zone>, out: &mut dyn Write) -> Wrote {
    let head = head(input, HEAD)?;
    if head.is_empty() {
        return Err(Diagnostic::input("the file is empty").hint("export the log again"));
    }
    if is_film(&head) {
        let problem = Diagnostic::input("the file is a film or a picture, and no log");
        return Err(problem.hint(
            "what a camera recorded into its films is read with `telemetry: Footage(camera: \"...\")`, which names the \
             footage that they are",
        ));
    }
    let Some(format) = READERS.iter().find(|format| (format.looks)(&head)) else {
        let names: Vec<&str> = READERS.iter().map(Format::name).collect();
        let start: String = head.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        return Err(Diagnostic::input("what the file is cannot be told from its first bytes")
            .note(format!("it starts with {start}; known are {}", names.join(", ")))
            .hint("write its format, e.g. `Csv(file: \"...\")`, or export it as FIT, GPX or CSV"));
    };
    (format.plain)(&mut head.as_slice().chain(input), timezone, out)
}
