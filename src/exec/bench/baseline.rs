//! An earlier run, to compare with.

use std::io::ErrorKind;
use std::path::Path;

use crate::base::Diagnostic;
use crate::exec::bench::results::{Bench, Change, FORM, Measured, Stretch};
use crate::inputs::{self, RealSystem, System};

/// What rose by more than this is worse.
const WORSE: f64 = 1.05;

/// Of 1 - SSIM: less is nothing, and a part of nothing says nothing.
const UNSEEN: f64 = 1e-5;

/// What `--json` printed.
#[derive(Clone, Debug)]
pub struct Baseline {
    name: String,
    bench: Bench,
}

impl Baseline {
    /// Reads one.
    ///
    /// # Errors
    /// Of the user's input: it is not there, or it is something else.
    pub fn read(path: &Path) -> Result<Baseline, Diagnostic> {
        let name = path.display().to_string();
        let bytes = RealSystem.read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Diagnostic::input(format!("there is no baseline {name}"))
                .hint("`autocut bench --json > FILE` writes one"),
            _ => inputs::cannot("read", path, &error),
        })?;
        Baseline::parse(name, &bytes)
    }

    fn parse(name: String, bytes: &[u8]) -> Result<Baseline, Diagnostic> {
        let other = |why: String| {
            Diagnostic::input(format!("{name} is not a result of `autocut bench --json`: {why}"))
                .hint("`autocut bench --json > FILE` writes one")
        };
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| other(error.to_string()))?;
        match value.get("bench").and_then(serde_json::Value::as_u64) {
            Some(form) if form == u64::from(FORM) => {}
            Some(form) => return Err(other(format!("it has form {form}, and this autocut reads form {FORM}"))),
            None => return Err(other("it has no field `bench`".to_owned())),
        }
        let bench = serde_json::from_value(value).map_err(|error| other(error.to_string()))?;
        Ok(Baseline { name, bench })
    }

    /// Whether it is of the same pictures.
    ///
    /// # Errors
    /// Of the user's input, where it is not: ratios would say nothing.
    pub fn suits(&self, stretch: &Stretch) -> Result<(), Diagnostic> {
        if self.bench.footage == *stretch {
            return Ok(());
        }
        let told = |stretch: &Stretch| {
            let Stretch { file, bytes, from_ns, frames, size, rate, .. } = stretch;
            let from = *from_ns as f64 / 1e9;
            format!("{frames} frames of {file} ({bytes} bytes) from {from:.3} s, as {size} at {rate}/s")
        };
        Err(Diagnostic::input(format!("the baseline {} is of other pictures", self.name))
            .note(format!("it has {}", told(&self.bench.footage)))
            .note(format!("this is {}", told(stretch)))
            .hint("name the same FILE, `--at` and `--length`"))
    }

    /// What became of each setting; nothing of those that the baseline has not.
    pub fn compare(&self, measured: &[Measured]) -> Vec<Option<Change>> {
        let then = |now: &Measured| self.bench.settings.iter().find(|then| then.name() == now.name());
        measured.iter().map(|now| then(now).map(|then| change(now, then))).collect()
    }
}

fn change(now: &Measured, then: &Measured) -> Change {
    let ratio = |now: f64, then: f64| match (now > 0.0, then > 0.0) {
        (_, true) => now / then,
        (false, false) => 1.0,
        // From nothing to something; JSON has no infinity.
        (true, false) => f64::from(u16::MAX),
    };
    let bytes = |now: u64, then: u64| ratio(now as f64, then as f64);
    let squared = |psnr: Option<f64>| psnr.map_or(0.0, |psnr| libm::pow(10.0, -psnr / 10.0));
    let mut change = Change {
        time: ratio(then.frames_per_second, now.frames_per_second),
        size: bytes(now.bytes, then.bytes),
        dissimilarity: ratio(now.unlike().max(UNSEEN), then.unlike().max(UNSEEN)),
        error: ratio(squared(now.psnr), squared(then.psnr)),
        cpu: ratio(now.cpu_seconds, then.cpu_seconds),
        memory: bytes(now.memory_bytes, then.memory_bytes),
        read: bytes(now.read_bytes, then.read_bytes),
        written: bytes(now.written_bytes, then.written_bytes),
        worse: Vec::new(),
    };
    let Change { time, size, dissimilarity, error, cpu, memory, read, written, .. } = &change;
    let all = [
        ("time", time),
        ("size", size),
        ("dissimilarity", dissimilarity),
        ("error", error),
        ("cpu", cpu),
        ("memory", memory),
        ("read", read),
        ("written", written),
    ];
    let worse = all.into_iter().filter(|(_, ratio)| **ratio > WORSE).map(|(name, _)| name.to_owned());
    change.worse = worse.collect();
    change
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::bench::advice::tests::setting;

    #[test]
    fn what_got_worse_by_more_than_five_percent_is_named() {
        let then = setting("own", 100.0, 1_000, 0.95);
        let now = Measured {
            frames_per_second: 90.0,
            bytes: 1_049,
            ssim: 0.94,
            psnr: Some(40.1),
            memory_bytes: 2 << 20,
            ..then.clone()
        };
        let found = change(&now, &then);
        assert_eq!(found.worse, ["time", "dissimilarity", "memory"]);
        assert!((found.time - 1.111).abs() < 1e-3 && (found.dissimilarity - 1.2).abs() < 1e-9, "{found:?}");
        assert!((found.error - 0.977).abs() < 1e-3, "{found:?}");
        assert!(change(&then, &then).worse.is_empty());
    }

    #[test]
    fn nothing_at_all_is_equal_to_itself() {
        let lossless = Measured { psnr: None, ssim: 1.0, read_bytes: 0, ..setting("own", 1.0, 1, 1.0) };
        let same = change(&lossless, &lossless);
        assert_eq!((same.error, same.dissimilarity, same.read), (1.0, 1.0, 1.0));
        let worse = Measured { psnr: Some(50.0), ..lossless.clone() };
        assert_eq!(change(&worse, &lossless).worse, ["error"]);
    }

    #[test]
    fn something_else_is_no_baseline() {
        let parse = |text: &str| Baseline::parse("old.json".to_owned(), text.as_bytes()).unwrap_err().message;
        assert!(parse("ride").contains("old.json is not a result of"));
        assert!(parse("{\"event\":\"finished\"}").contains("no field `bench`"));
        assert!(parse("{\"bench\":9}").contains("form 9"));
        assert!(parse("{\"bench\":1}").contains("missing field"));
    }
}
