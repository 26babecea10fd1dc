//! Encoders and inference: what makes bytes that a spec does not determine by
//! itself, and whether each makes the same ones every time.
//!
//! Everything else that an action does is autocut's own arithmetic, or decoding
//! and scaling with the options that make them exact (docs/media.md).

use crate::model::ActionSpec;
use crate::model::toolchain::HARDWARE;

/// An encoder, or a way to run a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    /// FFmpeg's name of an encoder, e.g. `libx264`.
    pub name: &'static str,
    /// Whether the same input and the same options give the same bytes run
    /// after run, whatever the number of processors, on one architecture and
    /// with one set of libraries.
    pub deterministic: bool,
    /// Why it is so, or why not, to stand after a colon.
    pub why: &'static str,
}

/// Every engine. One that is not in here counts as one that varies.
pub const ENGINES: &[Engine] = &[
    Engine {
        name: "libx264",
        deterministic: true,
        why: "software, one thread to a segment, and `cpu-independent=1` makes every processor's code agree",
    },
    Engine {
        name: "libx265",
        deterministic: true,
        why: "software with a constant number of threads, on which its bytes do not depend",
    },
    Engine { name: "libsvtav1", deterministic: true, why: "software with a constant number of threads" },
    Engine { name: "libvpx-vp9", deterministic: true, why: "software with one thread" },
    Engine { name: "prores_ks", deterministic: true, why: "software with one thread" },
    Engine { name: "aac", deterministic: true, why: "software with one thread, the same on every processor" },
    Engine { name: "libopus", deterministic: true, why: "software with one thread" },
    Engine { name: "pcm_s16le", deterministic: true, why: "samples as they are" },
    Engine { name: "pcm_s24le", deterministic: true, why: "samples as they are" },
    Engine { name: "mjpeg", deterministic: true, why: "software with one thread" },
    Engine { name: "tract", deterministic: true, why: "software; what it finds is rounded before anything is decided" },
];

/// Why what `engine` makes may differ from one run to the next; `None` where it
/// does not.
pub fn varies(engine: &str, table: &[Engine]) -> Option<&'static str> {
    match table.iter().find(|one| one.name == engine) {
        Some(one) if one.deterministic => None,
        Some(one) => Some(one.why),
        None if HARDWARE.contains(&engine) => Some("it is hardware, and its driver decides"),
        None => Some("nothing is known of it"),
    }
}

impl ActionSpec {
    /// The engine that the action uses, by its name in [`ENGINES`].
    pub fn engine(&self) -> Option<&str> {
        match self {
            ActionSpec::Segment(spec) => Some(&spec.encoder.name),
            ActionSpec::Proxy(spec) => Some(&spec.pictures.encoder.name),
            ActionSpec::Mix(spec) => Some(&spec.encoder.name),
            ActionSpec::Still(_) => Some("mjpeg"),
            ActionSpec::Detect(_) => Some("tract"),
            ActionSpec::Probe(_)
            | ActionSpec::Analyse(_)
            | ActionSpec::ImportTelemetry(_)
            | ActionSpec::CleanTelemetry(_)
            | ActionSpec::Choose(_)
            | ActionSpec::Show(_)
            | ActionSpec::Draw(_)
            | ActionSpec::Sound(_)
            | ActionSpec::Copy(_)
            | ActionSpec::Compare(_)
            | ActionSpec::Join(_)
            | ActionSpec::Quality(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_varies() {
        let table = [Engine { name: "h264_test", deterministic: false, why: "its driver decides" }];
        assert_eq!(varies("h264_test", &table), Some("its driver decides"));
        assert_eq!(varies("libx264", &table), Some("nothing is known of it"));
        assert_eq!(varies("libx264", ENGINES), None);
    }
}
