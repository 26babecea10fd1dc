//! Encoders and inference: what makes bytes that a spec does not determine by
//! itself, and whether each makes the same ones every time.
//!
//! Everything else that an action does is autocut's own arithmetic, or decoding
//! and scaling with the options that make them exact (docs/media.md).

use crate::model::ActionSpec;
use crate::model::toolchain::HARDWARE;

/// Where the same input and the same options give the same bytes, run after run and
/// whatever the number of processors, with one set of libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// On every processor of one architecture.
    Everywhere,
    /// On one processor and on those that calculate as it does. On another the
    /// engine's identity is another too, and the key with it: what was made on one
    /// is never taken for what would be made on the other.
    OnOneProcessor,
    /// Nowhere that anybody could promise.
    Nowhere,
}

/// An encoder, or a way to run a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    /// FFmpeg's name of an encoder, e.g. `libx264`.
    pub name: &'static str,
    pub same: Same,
    /// Why it is so, or why not, to stand after a colon.
    pub why: &'static str,
}

/// Every engine. One that is not in here counts as one that varies. What is said
/// of processors was measured: tests/determinism.rs.
pub const ENGINES: &[Engine] = &[
    Engine {
        name: "libx264",
        same: Same::Everywhere,
        why: "software, one thread to a segment, and `cpu-independent=1` makes every processor's code agree",
    },
    Engine {
        name: "libx265",
        same: Same::Everywhere,
        why: "software with a constant number of threads, on which its bytes do not depend",
    },
    Engine { name: "libsvtav1", same: Same::Everywhere, why: "software with a constant number of threads" },
    Engine { name: "libvpx-vp9", same: Same::Everywhere, why: "software with one thread" },
    Engine { name: "prores_ks", same: Same::Everywhere, why: "software with one thread" },
    Engine {
        name: "aac",
        same: Same::Everywhere,
        why: "software with one thread, which calculates as every processor can",
    },
    Engine {
        name: "libopus",
        same: Same::OnOneProcessor,
        why: "software with one thread, but it decides by approximate reciprocals, which each make of processor has its own",
    },
    Engine { name: "pcm_s16le", same: Same::Everywhere, why: "samples as they are" },
    Engine { name: "pcm_s24le", same: Same::Everywhere, why: "samples as they are" },
    Engine { name: "mjpeg", same: Same::Everywhere, why: "software with one thread" },
    Engine {
        name: "tract",
        same: Same::Everywhere,
        why: "software; what it finds is rounded before anything is decided",
    },
];

/// Why what `engine` makes may differ from one run to the next on one machine;
/// `None` where it does not.
pub fn varies(engine: &str, table: &[Engine]) -> Option<&'static str> {
    match table.iter().find(|one| one.name == engine) {
        Some(Engine { same: Same::Nowhere, why, .. }) => Some(*why),
        Some(_) => None,
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
            | ActionSpec::MergeTelemetry(_)
            | ActionSpec::CompleteTelemetry(_)
            | ActionSpec::Locate(_)
            | ActionSpec::Extract(_)
            | ActionSpec::Align(_)
            | ActionSpec::Export(_)
            | ActionSpec::Choose(_)
            | ActionSpec::Show(_)
            | ActionSpec::Draw(_)
            | ActionSpec::Sound(_)
            | ActionSpec::Copy(_)
            | ActionSpec::CopySound(_)
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
        let table = [Engine { name: "h264_test", same: Same::Nowhere, why: "its driver decides" }];
        assert_eq!(varies("h264_test", &table), Some("its driver decides"));
        assert_eq!(varies("libx264", &table), Some("nothing is known of it"));
        assert_eq!(varies("libx264", ENGINES), None);
    }
}
