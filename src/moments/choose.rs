//! The whole of choosing: candidates, scores, pins and bans, selection, and the
//! report of why.
//!
//! Order is chronological: recordings with a clock by UTC, over all cameras,
//! then those without in the order given. Where clocks are known, two cameras
//! at one time of the day show one moment, so the gap applies across cameras;
//! a recording without a clock is compared with itself alone. Ties go to the
//! earlier moment, then to the recording that sorts first by name.
//!
//! Pins are always in and take their time from the total; chosen moments keep
//! the gap to them. With nothing to weigh, only pins are shown; with no pins
//! either, moments are spread evenly over the footage.

use super::candidates::{Footage, Grid, Stretch, footage, micros};
use super::curve::ONE;
use super::nearmiss::near_misses;
use super::pins::{Orders, orders};
use super::score::{Prepared, Scorer, prepare};
use super::select::{Slot, most, select};
use crate::base::{Diagnostic, Digest, Timestamp};
use crate::model::Moment;
use crate::model::moment::{Candidate, ChoiceReport, Chosen, Verdict};
use crate::model::signal::NamedSignal;
use crate::model::specs::ChooseSpec;
use crate::model::telemetry::Telemetry;

/// Chooses the moments of `spec`. `signals` reads the artifact of an analysis;
/// `telemetry` is what `spec.telemetry` names.
///
/// Fails where a pin or a ban names what is not there or they contradict each
/// other, where a weighted name is unknown, and where a signal cannot be read.
pub fn choose(
    spec: &ChooseSpec,
    signals: &dyn Fn(Digest) -> Result<Vec<NamedSignal>, Diagnostic>,
    telemetry: Option<&Telemetry>,
) -> Result<(Chosen, ChoiceReport), Diagnostic> {
    let footage = footage(spec);
    let grid = Grid::new(spec)?;
    let Orders { pins, bans, notes } = orders(spec, &footage)?;
    let Prepared { scorer, inputs, notes: more } = prepare(spec, &footage, signals, telemetry)?;
    let mut report = ChoiceReport { inputs, length: Some(spec.length), notes, ..ChoiceReport::default() };
    report.notes.extend(more);
    report.notes.extend(impossible_clocks(spec, &footage));

    let stretches = grid.candidates(&footage)?;
    let scores: Vec<Option<i64>> =
        stretches.iter().map(|one| scorer.score(one.recording, &one.scored(grid.pre_roll))).collect();
    let gap = micros(spec.gap).max(0);
    let pinned_time: i64 = pins.iter().map(|pin| pin.stretch.length).sum();
    let budget = micros(spec.total) - pinned_time;
    if budget < 0 {
        let pinned = Timestamp::new(pinned_time, 1_000_000);
        report.notes.push(format!("pins last {pinned}, longer than the total of {}; all are shown", spec.total));
    }

    let weighed = scores.iter().any(Option::is_some);
    let may_show = |index: &usize| {
        let stretch = &stretches[*index];
        !bans.iter().any(|ban| ban.overlaps(stretch))
            && !pins.iter().any(|pin| stretch.conflicts(&pin.stretch, gap))
            && (scores[*index].is_some() || !weighed)
    };
    let mut free: Vec<usize> = (0..stretches.len()).filter(may_show).collect();
    let by_time = |stretch: &Stretch| (stretch.axis, stretch.at, &spec.recordings[stretch.recording].name);
    free.sort_by(|a, b| by_time(&stretches[*a]).cmp(&by_time(&stretches[*b])));
    let slot = |index: &usize| {
        let one = &stretches[*index];
        Slot { axis: one.axis, start: one.at, end: one.end(), score: scores[*index].unwrap_or(0) }
    };
    let mut slots: Vec<Slot> = free.iter().map(slot).collect();
    if !weighed {
        if pins.is_empty() {
            spread(&mut slots, gap, budget);
        } else {
            slots.clear();
        }
        let instead =
            if pins.is_empty() { "moments are spread evenly over the footage" } else { "only pins are shown" };
        report.notes.push(format!("there is nothing to tell one stretch of footage from another, so {instead}"));
    }
    let picks: Vec<usize> = select(&slots, gap, budget)?.into_iter().map(|pick| free[pick]).collect();

    let teller = Teller { spec, scorer: &scorer, pre_roll: grid.pre_roll, grid_length: grid.length };
    let mut shown: Vec<(&Stretch, Candidate)> = Vec::with_capacity(pins.len() + picks.len());
    shown.extend(pins.iter().map(|pin| (&pin.stretch, teller.tell(&pin.stretch, pin.moment.clone(), Verdict::Pinned))));
    shown.extend(picks.iter().map(|index| {
        let stretch = &stretches[*index];
        (stretch, teller.tell(stretch, teller.moment(stretch), Verdict::Chosen))
    }));
    shown.sort_by(|a, b| by_time(a.0).cmp(&by_time(b.0)).then(a.0.length.cmp(&b.0.length)));
    let chosen = Chosen { moments: shown.iter().map(|(_, candidate)| candidate.moment.clone()).collect() };

    let taken: Vec<&Stretch> = shown.iter().map(|(stretch, _)| *stretch).collect();
    let mut told = shown.clone();
    for index in near_misses(&stretches, &scores, &taken) {
        let stretch = &stretches[index];
        let verdict = if bans.iter().any(|ban| ban.overlaps(stretch)) {
            Verdict::Banned
        } else {
            let near = shown.iter().find(|(other, _)| stretch.conflicts(other, gap));
            near.map_or(Verdict::NoRoom, |(_, other)| Verdict::TooNear(other.moment.node()))
        };
        told.push((stretch, teller.tell(stretch, teller.moment(stretch), verdict)));
    }
    told.sort_by(|a, b| by_time(a.0).cmp(&by_time(b.0)).then(a.0.length.cmp(&b.0.length)));
    report.candidates = told.into_iter().map(|(_, candidate)| candidate).collect();
    report.considered = stretches.len() as u64;
    report.notes.extend(what_is_missing(&stretches, &scores, weighed));
    if weighed || pins.is_empty() {
        report.notes.extend(room_left(&picks, &stretches, budget, spec));
    }
    Ok((chosen, report))
}

/// Gives each slot a score that is greatest at evenly spaced ones, so that the
/// best selection is an even one.
fn spread(slots: &mut [Slot], gap: i64, budget: i64) {
    let count = slots.len() as i128;
    let lengths: i128 = slots.iter().map(|slot| i128::from(slot.end - slot.start)).sum();
    let fit = if lengths > 0 { i128::from(budget.max(0)) * count / lengths } else { 0 };
    let fit = fit.min(most(slots, gap) as i128);
    if fit == 0 {
        return;
    }
    for (index, slot) in slots.iter_mut().enumerate() {
        // Twice the distance to the middle of its part of the footage, in parts of 1 / fit.
        let place = (index as i128 * 2 + 1) * fit % (2 * count);
        slot.score = (i128::from(ONE) - (place - count).abs() * i128::from(ONE) / (2 * count)) as i64;
    }
}

/// Turns stretches into what people read of them.
struct Teller<'a> {
    spec: &'a ChooseSpec,
    scorer: &'a Scorer,
    pre_roll: i64,
    grid_length: i64,
}

impl Teller<'_> {
    fn moment(&self, stretch: &Stretch) -> Moment {
        let exact = stretch.length == self.grid_length;
        Moment {
            recording: self.spec.recordings[stretch.recording].name.clone(),
            start: Timestamp::from_millis(stretch.start / 1_000),
            length: if exact { self.spec.length } else { Timestamp::from_millis(stretch.length / 1_000) },
            pinned: false,
        }
    }

    fn tell(&self, stretch: &Stretch, moment: Moment, verdict: Verdict) -> Candidate {
        let window = stretch.scored(self.pre_roll);
        let score = self.scorer.score(stretch.recording, &window).unwrap_or(0);
        Candidate { moment, score, parts: self.scorer.parts(stretch.recording, &window), verdict }
    }
}

/// One camera cannot film twice at one time: then a clock is wrong.
fn impossible_clocks(spec: &ChooseSpec, footage: &[Footage]) -> Vec<String> {
    let mut clocked: Vec<(&str, i64, i64, &str)> = spec
        .recordings
        .iter()
        .zip(footage)
        .filter(|(_, one)| one.axis == 0)
        .map(|(recording, one)| {
            let camera = recording.name.split_once('/').map_or("", |(camera, _)| camera);
            (camera, one.at, one.at + one.duration, recording.name.as_str())
        })
        .collect();
    clocked.sort_unstable();
    clocked
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0 && !pair[0].0.is_empty() && pair[1].1 < pair[0].2)
        .map(|pair| {
            let (one, other) = (pair[0].3, pair[1].3);
            format!("{one} and {other} overlap by their clocks, though one camera filmed both: is its clock right?")
        })
        .collect()
}

fn what_is_missing(stretches: &[Stretch], scores: &[Option<i64>], weighed: bool) -> Option<String> {
    let unknown = scores.iter().filter(|score| score.is_none()).count();
    (weighed && unknown > 0).then(|| {
        let of = stretches.len();
        format!("{unknown} of {of} stretches have no value for anything that is weighed and can only be pinned")
    })
}

/// Says so where the total has room for more than was chosen.
fn room_left(picks: &[usize], stretches: &[Stretch], budget: i64, spec: &ChooseSpec) -> Option<String> {
    let used: i64 = picks.iter().map(|index| stretches[*index].length).sum();
    let left = budget - used;
    (left >= micros(spec.length)).then(|| {
        let left = Timestamp::new(left, 1_000_000);
        format!("{left} of the total of {} stays free: the footage has no more moments {} apart", spec.total, spec.gap)
    })
}
