//! What an action takes of the machine while it runs.

use crate::deliver::encoders::RUNGS;
use crate::exec::admission::Tokens;
use crate::exec::estimates::{Class, Estimates};
use crate::graph::Database;
use crate::model::specs::{ProbeSpec, SegmentSpec};
use crate::model::{ActionSpec, MediaInfo};

use crate::base::{Bytes, Digest};

/// Sessions of a hardware encoder that are taken at once: two, which the most
/// limited devices have. No such encoder is driven yet.
const SESSIONS: u32 = 2;

/// What there is for everyone.
pub fn capacity(jobs: usize, memory: Option<Bytes>) -> Tokens {
    let memory = memory.map_or(u64::MAX, Bytes::as_mib);
    Tokens {
        threads: u32::try_from(jobs.max(1)).unwrap_or(u32::MAX),
        memory: u32::try_from(memory).unwrap_or(u32::MAX),
        sessions: SESSIONS,
    }
}

/// What one action takes.
pub fn tokens(spec: &ActionSpec, class: Class, estimates: &Estimates) -> Tokens {
    let encoder = match spec {
        ActionSpec::Segment(spec) => Some(&spec.encoder),
        ActionSpec::Proxy(spec) => Some(&spec.pictures.encoder),
        _ => None,
    };
    let hardware = |name: &str| RUNGS.iter().any(|rung| rung.name == name && rung.session);
    Tokens {
        threads: encoder.map_or(1, |encoder| encoder.threads.max(1)),
        memory: estimates.expect(spec.kind(), class),
        sessions: u32::from(encoder.is_some_and(|encoder| hardware(&encoder.name))),
    }
}

/// The size of the largest picture that an action handles.
pub fn class(db: &Database, spec: &ActionSpec) -> Class {
    let pixels = match spec {
        ActionSpec::Segment(spec) => of_segment(spec),
        ActionSpec::Proxy(spec) => of_segment(&spec.pictures),
        ActionSpec::Still(spec) => spec.picture.stored.area(),
        ActionSpec::Analyse(spec) => stored(db, spec.file),
        ActionSpec::Detect(spec) => stored(db, spec.file).max(spec.display.area()),
        _ => 0,
    };
    Class::of_pixels(pixels)
}

fn of_segment(spec: &SegmentSpec) -> u64 {
    let sources = spec.sources.iter().map(|run| run.picture.stored.area());
    sources.chain([spec.format.size.area()]).max().unwrap_or(0)
}

/// The pixels of a picture in a file that was probed.
fn stored(db: &Database, file: Digest) -> u64 {
    let probe = ActionSpec::Probe(ProbeSpec { file }).key(crate::graph::db::Db::toolchain(db));
    let info = db.result(probe).and_then(|result| result.value::<MediaInfo>());
    info.and_then(|info| info.video).map_or(0, |video| video.stored.area())
}
