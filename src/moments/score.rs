//! Scores: what a stretch of footage is worth by the weights of the manifest.
//!
//! An input is a signal (by file time, in the chapters of a recording) or a
//! telemetry channel (by the telemetry's clock); `|name|` weighs absolute
//! values. Each input becomes a share from 0 to 1 of its range over all
//! footage, where the range runs from the 2nd to the 98th percentile by time,
//! never to the maximum: one glitch must not squash everything else. A channel
//! that rests at one value for all but a few moments (a detector's score) has
//! equal percentiles; its range is then that of the time away from rest.
//!
//! A window's value for an input is the time-weighted **mean of the clamped
//! shares**. The mean of raw values would follow a glitch without bound, the
//! peak would follow it wholly, a median would not see an event shorter than
//! half of the window; a mean of clamped shares sees every event for as long
//! as it lasts and bounds every glitch by its own duration.
//!
//! The score is the mean of the inputs by weight. A negative weight prefers
//! low values and counts `1 - share`. An input without a value for at least
//! half of the window is left out there and the others are weighted anew: not
//! to know the heart rate is not to have none.
//!
//! Where signals of pictures are weighed and none of them has a value, there are
//! no pictures to speak of (analyses leave out what could not be decoded), and
//! what a log says of that time makes no moment of it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::candidates::{Footage, micros};
use super::curve::{Curve, ONE, Shares};
use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Digest};
use crate::model::moment::NormalisedInput;
use crate::model::signal::NamedSignal;
use crate::model::specs::ChooseSpec;
use crate::model::telemetry::{LogClock, Telemetry};
use crate::telemetry::channels::REGISTRY;

/// The range of an input runs between these percentiles of its values by time.
const LOW_PERCENT: i64 = 2;
const HIGH_PERCENT: i64 = 98;

/// Ranges are rounded to steps of no more than this part of them.
const ROUNDED_TO: i64 = 50;

/// Scores any window of any recording.
pub(super) struct Scorer {
    inputs: Vec<Input>,
}

struct Input {
    /// Never 0; negative where low values are preferred.
    weight: i64,
    /// Whether it is of pictures, and says something.
    sees: bool,
    /// One for each recording.
    shares: Vec<Shares>,
}

/// A scorer and what is to be told about its inputs.
pub(super) struct Prepared {
    pub(super) scorer: Scorer,
    pub(super) inputs: Vec<NormalisedInput>,
    pub(super) notes: Vec<String>,
}

/// Gathers, normalises and weighs the inputs of `spec`.
///
/// Fails where a weighted name is neither a signal nor a channel, present or
/// at least known to the registry, and where reading a signal fails.
pub(super) fn prepare(
    spec: &ChooseSpec,
    footage: &[Footage],
    signals: &dyn Fn(Digest) -> Result<Vec<NamedSignal>, Diagnostic>,
    telemetry: Option<&Telemetry>,
) -> Result<Prepared, Diagnostic> {
    let weights: Vec<(&str, i32)> =
        spec.weights.iter().filter(|weight| weight.1 != 0).map(|(name, weight)| (name.as_str(), *weight)).collect();
    let mut prepared = Prepared { scorer: Scorer { inputs: Vec::new() }, inputs: Vec::new(), notes: Vec::new() };
    if weights.is_empty() || footage.is_empty() {
        return Ok(prepared);
    }
    let mut gathered = Gathered::new(&weights, footage.len());
    gathered.add_signals(spec, footage, signals)?;
    let of_pictures = gathered.found.clone();
    gathered.add_channels(spec, footage, telemetry);
    let total: i64 = footage.iter().map(|one| one.duration).sum();
    for (index, (name, weight)) in weights.iter().enumerate() {
        // A channel that loggers can have and this one has not is no mistake in the manifest:
        // the weights of one that names none ask for it too.
        let possible = telemetry.is_some() && REGISTRY.iter().any(|channel| channel.name == bare(name).0);
        if !gathered.found[index] && !possible {
            return Err(unknown_name(name, &gathered.names, telemetry));
        }
        let curves = &gathered.curves[index];
        let known: i64 = curves.iter().map(Curve::known).sum();
        let (low, high) = range(curves);
        if known == 0 {
            prepared.notes.push(without_value(name, spec, telemetry));
        } else if low == high {
            prepared.notes.push(format!("`{name}` is the same all over the footage, so it decides nothing"));
        }
        let coverage = i128::from(known) * 1_000 / i128::from(total.max(1));
        prepared.inputs.push(NormalisedInput {
            name: (*name).to_owned(),
            weight: *weight,
            low,
            high,
            coverage: coverage.clamp(0, 1_000) as u16,
        });
        // An input that is the same everywhere says nothing: it has no value anywhere, as
        // far as scores go, and the others are weighted anew.
        let shares =
            curves.iter().map(|curve| if low < high { curve.shares(low, high) } else { Shares::default() }).collect();
        let sees = of_pictures[index] && low < high;
        prepared.scorer.inputs.push(Input { weight: i64::from(*weight), sees, shares });
    }
    Ok(prepared)
}

impl Scorer {
    /// The score of a window (microseconds) of a recording, in steps of
    /// 1 / 1,000,000; `None` where no input has a value there, or none of those
    /// that see the pictures of the recording.
    pub(super) fn score(&self, recording: usize, window: &Range<i64>) -> Option<i64> {
        let (mut sum, mut weights) = (0i128, 0i128);
        let sees = |input: &Input| input.sees && input.shares.get(recording).is_some_and(|shares| !shares.is_empty());
        let mut is_blind = self.inputs.iter().any(sees);
        for input in &self.inputs {
            if let Some(worth) = input.worth(recording, window) {
                is_blind &= !input.sees;
                let weight = i128::from(input.weight.abs());
                sum += weight * i128::from(worth);
                weights += weight;
            }
        }
        (weights > 0 && !is_blind).then(|| (sum / weights) as i64)
    }

    /// The part of each input in the score of a window, `None` where it has no
    /// value there.
    pub(super) fn parts(&self, recording: usize, window: &Range<i64>) -> Vec<Option<i64>> {
        let worths: Vec<Option<i64>> = self.inputs.iter().map(|input| input.worth(recording, window)).collect();
        let present = self.inputs.iter().zip(&worths).filter(|(_, worth)| worth.is_some());
        let weights: i128 = present.map(|(input, _)| i128::from(input.weight.abs())).sum();
        let part = |(input, worth): (&Input, &Option<i64>)| {
            worth.map(|worth| (i128::from(input.weight.abs()) * i128::from(worth) / weights.max(1)) as i64)
        };
        self.inputs.iter().zip(&worths).map(part).collect()
    }
}

impl Input {
    /// How much of what this input asks for the window has, from 0 to [`ONE`].
    fn worth(&self, recording: usize, window: &Range<i64>) -> Option<i64> {
        let share = self.shares.get(recording)?.mean(window.clone())?;
        Some(if self.weight < 0 { ONE - share } else { share })
    }
}

/// The curves of every weighted name over every recording.
struct Gathered<'a> {
    weights: &'a [(&'a str, i32)],
    /// `[weight][recording]`.
    curves: Vec<Vec<Curve>>,
    found: Vec<bool>,
    /// All names that could be weighted, for hints.
    names: BTreeSet<String>,
}

/// What a weight names: `|gradient|` names the gradient.
pub fn named(weight: &str) -> &str {
    bare(weight).0
}

/// A weighted name without the bars of `|name|`, and whether it had them.
fn bare(name: &str) -> (&str, bool) {
    let inner = name.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    inner.map_or((name.trim(), false), |inner| (inner.trim(), true))
}

impl<'a> Gathered<'a> {
    fn new(weights: &'a [(&'a str, i32)], recordings: usize) -> Self {
        Gathered {
            weights,
            curves: vec![vec![Curve::default(); recordings]; weights.len()],
            found: vec![false; weights.len()],
            names: BTreeSet::new(),
        }
    }

    fn add_signals(
        &mut self,
        spec: &ChooseSpec,
        footage: &[Footage],
        signals: &dyn Fn(Digest) -> Result<Vec<NamedSignal>, Diagnostic>,
    ) -> Result<(), Diagnostic> {
        for (recording, (source, footage)) in spec.recordings.iter().zip(footage).enumerate() {
            for chapter in &source.chapters {
                let mut lists = Vec::with_capacity(chapter.signals.len());
                for digest in &chapter.signals {
                    lists.push(signals(*digest)?);
                }
                let all = || lists.iter().flatten();
                self.names.extend(all().map(|named| named.name.clone()));
                let start = micros(chapter.offset);
                let end = (start + micros(chapter.duration)).min(footage.duration);
                for (index, (name, _)) in self.weights.iter().enumerate() {
                    let (name, _) = bare(name);
                    self.found[index] |= all().any(|named| named.name == name);
                    let samples = all().filter(|named| named.name == name).map(|named| &named.signal);
                    self.curves[index][recording].add_signals(samples, start..end);
                }
            }
        }
        for (index, (name, _)) in self.weights.iter().enumerate() {
            if bare(name).1 {
                for curve in &mut self.curves[index] {
                    *curve = std::mem::take(curve).absolute();
                }
            }
        }
        Ok(())
    }

    /// Fills in telemetry channels. A signal of the same name goes first.
    fn add_channels(&mut self, spec: &ChooseSpec, footage: &[Footage], telemetry: Option<&Telemetry>) {
        let Some(telemetry) = telemetry else { return };
        self.names.extend(telemetry.channels.iter().map(|channel| channel.name.clone()));
        for (index, (name, _)) in self.weights.iter().enumerate() {
            let (name, absolute) = bare(name);
            let Some(channel) = telemetry.channel(name).filter(|_| !self.found[index]) else { continue };
            self.found[index] = true;
            for (recording, (source, footage)) in spec.recordings.iter().zip(footage).enumerate() {
                let utc = source.utc.filter(|_| telemetry.clock == LogClock::Utc);
                let Some(start) = source.telemetry_start.or(utc) else { continue };
                let curve = Curve::of_channel(telemetry, channel, (start, source.drift), footage.duration);
                self.curves[index][recording] = if absolute { curve.absolute() } else { curve };
            }
        }
    }
}

/// The values that count as 0 and as 1: equal where an input says nothing.
fn range(curves: &[Curve]) -> (i64, i64) {
    let (low, high) = percentiles(curves);
    // Rounded outwards to 1, 2 or 5 times a power of ten, so that a few samples more or less
    // move no score.
    let finest = ((high - low) / ROUNDED_TO).max(1);
    let power = 10i64.pow(finest.ilog10());
    let step = power * [5, 2].into_iter().find(|times| power * times <= finest).unwrap_or(1);
    (low.div_euclid(step) * step, -((-high).div_euclid(step)) * step)
}

fn percentiles(curves: &[Curve]) -> (i64, i64) {
    let mut values: Vec<(i64, i64)> =
        curves.iter().flat_map(Curve::weighted_values).filter(|(_, span)| *span > 0).collect();
    values.sort_unstable();
    let (low, high) = (percentile(&values, LOW_PERCENT), percentile(&values, HIGH_PERCENT));
    if low < high {
        return (low, high);
    }
    // At rest nearly always. What remains is the time away from rest.
    let rest = low;
    values.retain(|(value, _)| *value != rest);
    if values.is_empty() {
        return (rest, rest);
    }
    (rest.min(percentile(&values, LOW_PERCENT)), rest.max(percentile(&values, HIGH_PERCENT)))
}

/// The value below which `percent` of the time lies. `values` is sorted; 0
/// where it is empty.
fn percentile(values: &[(i64, i64)], percent: i64) -> i64 {
    let total: i128 = values.iter().map(|(_, span)| i128::from(*span)).sum();
    let mut left = total * i128::from(percent) / 100;
    for (value, span) in values {
        left -= i128::from(*span);
        if left <= 0 {
            return *value;
        }
    }
    values.last().map_or(0, |(value, _)| *value)
}

fn unknown_name(name: &str, names: &BTreeSet<String>, telemetry: Option<&Telemetry>) -> Diagnostic {
    let mut wrong = Diagnostic::input(format!("no signal and no telemetry channel is called `{}`", bare(name).0));
    wrong = if names.is_empty() {
        wrong.note("there are none to weigh: no analysis ran and there is no telemetry")
    } else {
        wrong.note(format!("there are: {}", names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")))
    };
    if telemetry.is_none() && !names.is_empty() {
        wrong = wrong.note("the project has no telemetry, so there are no channels");
    }
    match nearest(bare(name).0, names.iter().map(String::as_str)) {
        Some(known) => wrong.hint(format!("did you mean `{known}`?")),
        None => wrong.hint("weigh one of those, or take the weight out"),
    }
}

fn without_value(name: &str, spec: &ChooseSpec, telemetry: Option<&Telemetry>) -> String {
    let channel = telemetry.is_some_and(|telemetry| telemetry.channel(bare(name).0).is_some());
    let clocks = spec.recordings.iter().any(|one| one.telemetry_start.is_some() || one.utc.is_some());
    if !channel && REGISTRY.iter().any(|channel| channel.name == bare(name).0) {
        return format!("the telemetry has no `{}`, so it weighs nothing", bare(name).0);
    }
    match (channel, clocks) {
        (true, true) => format!("`{name}` has no value anywhere on the footage: telemetry and footage do not overlap"),
        (true, false) => format!("`{name}` has no value anywhere: no recording's clock is known to the telemetry"),
        _ => format!("`{name}` has no value anywhere on the footage"),
    }
}
