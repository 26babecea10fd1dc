//! Analyses that look between key frames that differ: key frames alone are decoded
//! first, and then only the groups of pictures whose ends are not alike.

use std::collections::BTreeMap;
use std::path::Path;

use autocut::analysis::{self, Analyse, Picture, Reach};
use autocut::base::{Diagnostic, Timestamp};
use autocut::model::signal::{NamedSignal, Signal};
use autocut::model::specs::{AnalyseSpec, AnalysisPass};

use super::{SKIP, Small};
use crate::av;
use crate::films::Films;
use crate::invocation::Progress;
use crate::key_frames::KeyFrames;
use crate::samples;

/// A key frame, made smaller.
struct Still {
    time: Timestamp,
    /// `None` where it could not be decoded.
    small: Option<Small>,
}

impl Still {
    fn picture(&self) -> Option<Picture<'_>> {
        self.small.as_ref()?.picture(self.time.to_micros())
    }
}

/// Signals, and what of the groups that were looked at could not be decoded.
type Found = (Vec<NamedSignal>, Vec<Diagnostic>);

/// What the analysis is and which key frames it tells apart.
pub(super) struct Wanted {
    pub(super) new: fn() -> Box<dyn Analyse>,
    pub(super) differ: fn(&Picture<'_>, &Picture<'_>) -> bool,
}

/// The analysis' one signal over the samples of a chunk, and what of the groups that
/// were looked at could not be decoded. `None` where the container lists no key
/// frames, or more of them than samples are wanted: then all is looked at.
pub(super) fn look(
    spec: &AnalyseSpec,
    path: &Path,
    films: &mut Films,
    wanted: &Wanted,
    progress: Progress,
) -> Result<Option<Found>, Diagnostic> {
    let pass = &spec.pass;
    let Some(mut keys) = KeyFrames::open(path, SKIP)? else { return Ok(None) };
    let listed = keys.around(pass.from, pass.until);
    let samples = samples::first_at(pass, pass.until).abs_diff(samples::first_at(pass, pass.from));
    if listed.is_empty() || listed.len() as u64 > samples.max(2) {
        return Ok(None);
    }
    let mut groups = Groups { spec, path, films, wanted, found: BTreeMap::new(), told: Vec::new() };
    let mut before: Option<Still> = None;
    for (done, ticks) in (0..).zip(&listed) {
        progress(done, listed.len() as u64)?;
        let Some((time, frame)) = keys.picture(*ticks) else { continue };
        // The same one again: the index lists what cannot be sought.
        if before.as_ref().is_some_and(|before| time <= before.time) {
            continue;
        }
        let small = frame.and_then(|frame| {
            let mut small = Small::new(pass);
            small.take(frame).ok().map(|()| small)
        });
        let now = Still { time, small };
        groups.pass_over(before.as_ref().map_or(pass.from, |before| before.time), time);
        if let Some(before) = &before {
            let alike = before.picture().zip(now.picture()).is_some_and(|(a, b)| !(wanted.differ)(&a, &b));
            if !alike {
                groups.look(before, Some(&now))?;
            }
        }
        before = Some(now);
    }
    let Some(last) = before else { return Ok(None) };
    if last.time < pass.until {
        // The last group of the file: nothing says how it ends.
        groups.look(&last, None)?;
    }
    Ok(Some(groups.finish()))
}

/// The groups of a chunk.
struct Groups<'a> {
    spec: &'a AnalyseSpec,
    path: &'a Path,
    films: &'a mut Films,
    wanted: &'a Wanted,
    /// Microseconds of each sample and its value.
    found: BTreeMap<i64, i32>,
    told: Vec<Diagnostic>,
}

impl Groups<'_> {
    /// Samples from `from` up to `until` are 0 unless they are found to be more.
    fn pass_over(&mut self, from: Timestamp, until: Timestamp) {
        let pass = &self.spec.pass;
        let samples = samples::first_at(pass, from.max(pass.from))..=samples::first_at(pass, until);
        for time in samples.map(|k| pass.rate.time_of(k)).filter(|time| *time < pass.until) {
            self.found.entry(time.to_micros()).or_insert(0);
        }
    }

    /// Looks at the samples after one key frame, up to the first that shows the
    /// other; where there is no other, up to the end.
    fn look(&mut self, first: &Still, last: Option<&Still>) -> Result<(), Diagnostic> {
        let pass = &self.spec.pass;
        let mut analysis = (self.wanted.new)();
        if let Some(picture) = first.picture() {
            analysis.look(&picture);
        }
        let moment = Timestamp::new(1, 1_000_000);
        let end = last.map_or(pass.until, |last| last.time);
        let between = AnalysisPass { from: first.time + moment, until: end, ..pass.clone() };
        let film = self.films.film(self.spec.file, self.path, SKIP)?;
        let mut small = Small::new(pass);
        samples::each(film, &between, Reach::default(), &mut |_, _| Ok(()), |frame, time| {
            small
                .take(frame)
                .map_err(|error| av::diagnose(format!("cannot convert a frame of {}", self.path.display()), error))?;
            if let Some(picture) = small.picture(time.to_micros()) {
                analysis.look(&picture);
            }
            Ok(())
        })?;
        self.told.extend(samples::losses(film, &between).told(self.spec.file, samples::INSTEAD));
        if let Some(picture) = last.and_then(Still::picture) {
            analysis.look(&picture);
        }
        let signal = analysis.finish().pop().map(|named| named.signal).unwrap_or_default();
        for (time, value) in signal.times.into_iter().zip(signal.values) {
            // The key frame itself is seen by the first sample that is not before it.
            let sample = match last.map(|last| last.time) {
                Some(end) if time == end.to_micros() => pass.rate.time_of(samples::first_at(pass, end)).to_micros(),
                _ => time,
            };
            let is_first = time == first.time.to_micros() && first.small.is_some();
            if !is_first && sample >= pass.from.to_micros() && sample < pass.until.to_micros() {
                // The sample after a key frame is seen from both sides.
                self.found.entry(sample).and_modify(|known| *known = (*known).max(value)).or_insert(value);
            }
        }
        Ok(())
    }

    fn finish(self) -> Found {
        let names = analysis::find(&self.spec.analysis).map_or(&[][..], |analysis| analysis.signals);
        let signal = Signal { times: self.found.keys().copied().collect(), values: self.found.into_values().collect() };
        let named = names.first().map(|name| NamedSignal { name: (*name).to_owned(), signal });
        (named.into_iter().collect(), self.told)
    }
}
