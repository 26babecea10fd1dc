//! Cleaning: what is impossible goes, what is missing and can be computed
//! comes, and gaps stay gaps.
//!
//! 1. Registry channels are brought to the registry's units; values that no
//!    sensor can have measured are dropped ([`channels`]).
//! 2. A span without samples longer than the gap is a break. Nothing below
//!    looks across one.
//! 3. Positions that the path does not need ([`excursions`]) are dropped; the
//!    rest is smoothed ([`smooth`](super::smooth)), which bridges what was
//!    dropped. Altitudes are judged by the same rule and are not smoothed.
//! 4. Speed is the logger's own where it has one: receivers measure it by
//!    Doppler shift, which no jump of the position touches. Spikes in it are
//!    dropped. Without one it is that of the smoothed path.
//! 5. Distance, heading and gradient are the logger's own or derived
//!    ([`derive`]).
//! 6. The lap of each sample is counted from the log's marks.
//! 7. Holes in a channel up to the gap are filled by straight lines; NaN is
//!    left where nothing is known.
//! 8. Registry channels are rounded to their steps.

use super::channels::{self, ChannelKind};
use super::excursions::{self, Fix};
use super::motion::{self, Path};
use super::{derive, summary};
use crate::base::Unit;
use crate::model::telemetry::{Channel, MarkKind, Telemetry, TelemetrySummary};

/// A speed that differs by more than this from the median of the seconds
/// around it, and changes faster than [`HARDEST`], is a spike (m/s, m/s²).
const SPIKE: f64 = 5.0;
const HARDEST: f64 = 15.0;

/// Seconds on both sides that a speed is compared with.
const SPIKE_SECONDS: f64 = 4.0;

/// An altitude whose usual vertical acceleration is above this, in m/s², says
/// nothing of the road.
const NOISY: f64 = 3.0;

/// A distance may grow by this many metres beside what is possible at the
/// greatest speed.
const LEAP: f64 = 100.0;

/// Samples that are less than this apart, in ns, are of one time: see
/// [`Repeated::Kept`](super::table::Repeated::Kept).
const APART: i64 = 1_000;

/// The log in columns while it is worked on.
struct Work {
    seconds: Vec<f64>,
    broken: Vec<bool>,
    /// Longest hole that is bridged, in seconds.
    gap: f64,
    channels: Vec<Channel>,
    notes: Vec<String>,
    derived: Vec<&'static str>,
}

/// Cleans a log; a span without samples longer than `gap_ms` is a gap. The
/// summary is that of the result; its notes say what was dropped.
pub fn clean(raw: &Telemetry, gap_ms: u32) -> (Telemetry, TelemetrySummary) {
    let apart = apart(raw);
    let repeated = raw.times.len() - apart.as_ref().unwrap_or(raw).times.len();
    let raw = apart.as_ref().unwrap_or(raw);
    let mut work = Work::new(raw, gap_ms);
    if repeated > 0 {
        work.notes.push(format!("{repeated} samples have the time of the one before them and are left out"));
    }
    let path = work.positions();
    work.altitude();
    work.speed(path.as_ref());
    work.distance();
    work.heading(path.as_ref());
    work.gradient();
    work.laps(raw);
    work.fill();
    let derived = std::mem::take(&mut work.derived);
    let notes = std::mem::take(&mut work.notes);
    let telemetry = work.finish(raw);
    let mut summary = summary::summarise(&telemetry, &derived);
    summary.notes = notes;
    (telemetry, summary)
}

/// The log without samples of one time, where it has some.
fn apart(raw: &Telemetry) -> Option<Telemetry> {
    let mut last = None;
    let near = |time: i64, last: &mut Option<i64>| {
        let near = last.is_some_and(|last: i64| time.saturating_sub(last) < APART);
        *last = Some(time);
        near
    };
    let kept: Vec<bool> = raw.times.iter().map(|time| !near(*time, &mut last)).collect();
    if kept.iter().all(|kept| *kept) {
        return None;
    }
    fn of<T: Copy>(all: &[T], kept: &[bool]) -> Vec<T> {
        all.iter().zip(kept).filter(|(_, kept)| **kept).map(|(value, _)| *value).collect()
    }
    let channel = |channel: &Channel| Channel { values: of(&channel.values, &kept), ..channel.clone() };
    // A break before a sample that goes is one before the next that stays.
    let mut before = vec![0_u32; kept.len() + 1];
    for (at, kept) in kept.iter().enumerate() {
        before[at + 1] = before[at] + u32::from(*kept);
    }
    let mut breaks: Vec<u32> = raw.breaks.iter().filter_map(|at| before.get(*at as usize).copied()).collect();
    breaks.dedup();
    let times = of(&raw.times, &kept);
    breaks.retain(|at| *at > 0 && (*at as usize) < times.len());
    Some(Telemetry {
        clock: raw.clock,
        times,
        channels: raw.channels.iter().map(channel).collect(),
        breaks,
        marks: raw.marks.clone(),
    })
}

impl Work {
    fn new(raw: &Telemetry, gap_ms: u32) -> Work {
        let start = raw.times.first().copied().unwrap_or(0);
        let seconds: Vec<f64> = raw.times.iter().map(|time| time.saturating_sub(start) as f64 / 1e9).collect();
        let gap_ns = i64::from(gap_ms) * 1_000_000;
        let mut broken = vec![false; raw.times.len()];
        for (at, pair) in raw.times.windows(2).enumerate() {
            broken[at + 1] = pair[1].saturating_sub(pair[0]) > gap_ns;
        }
        for at in &raw.breaks {
            if let Some(broken) = broken.get_mut(*at as usize) {
                *broken = true;
            }
        }
        let mut work = Work {
            seconds,
            broken,
            gap: f64::from(gap_ms) / 1e3,
            channels: Vec::with_capacity(raw.channels.len() + 4),
            notes: Vec::new(),
            derived: Vec::new(),
        };
        for channel in &raw.channels {
            work.take(channel);
        }
        work
    }

    /// Takes a channel in: the registry's unit, and nothing impossible.
    fn take(&mut self, channel: &Channel) {
        let mut values = channel.values.clone();
        values.resize(self.seconds.len(), f64::NAN);
        let kind = channels::find(&channel.name).filter(|kind| channel.unit.convert(0.0, kind.unit).is_some());
        let Some(kind) = kind else {
            self.channels.push(Channel { name: channel.name.clone(), unit: channel.unit, values });
            return;
        };
        let (low, high) = kind.possible;
        let mut impossible = 0_u64;
        for value in &mut values {
            let converted = channels::wrapped(channel.unit.convert(*value, kind.unit).unwrap_or(f64::NAN), Some(kind));
            let fits = (low..=high).contains(&converted);
            impossible += u64::from(!fits && !value.is_nan());
            *value = if fits { converted } else { f64::NAN };
        }
        if impossible > 0 {
            self.notes.push(format!(
                "{}: {impossible} values outside of {low} to {high} {} are dropped",
                kind.name,
                kind.unit.symbol()
            ));
        }
        self.channels.push(Channel { name: channel.name.clone(), unit: kind.unit, values });
    }

    fn values(&self, name: &str) -> Option<&[f64]> {
        let channel = self.channels.iter().find(|channel| channel.name == name)?;
        channel.values.iter().any(|value| !value.is_nan()).then_some(channel.values.as_slice())
    }

    /// Puts a channel in the place of one that is there.
    fn set(&mut self, name: &'static str, values: Vec<f64>) {
        let unit = channels::find(name).map_or(Unit::None, |kind| kind.unit);
        match self.channels.iter_mut().find(|channel| channel.name == name) {
            Some(channel) => channel.values = values,
            None => self.channels.push(Channel { name: name.to_owned(), unit, values }),
        }
    }

    /// Adds a channel that was computed, if anything of it is known.
    fn derive(&mut self, name: &'static str, values: Vec<f64>) {
        if values.iter().any(|value| !value.is_nan()) {
            self.set(name, values);
            self.derived.push(name);
        }
    }

    fn positions(&mut self) -> Option<Path> {
        let (latitude, longitude) = (self.values("latitude")?, self.values("longitude")?);
        let path = motion::path(&self.seconds, &self.broken, latitude, longitude, self.gap);
        if path.dropped > 0 {
            self.notes.push(format!("{} positions are dropped: nothing moves like that", path.dropped));
        }
        let of = |part: fn(&motion::Motion) -> f64| -> Vec<f64> {
            path.samples.iter().map(|sample| sample.as_ref().map_or(f64::NAN, part)).collect()
        };
        let (latitude, longitude) = (of(|m| m.latitude), of(|m| m.longitude));
        self.set("latitude", latitude);
        self.set("longitude", longitude);
        Some(path)
    }

    /// The stretches of a channel without a gap, as fixes with their indices.
    fn runs(&self, values: &[f64]) -> (Vec<Vec<Fix<1>>>, Vec<Vec<usize>>) {
        let (mut runs, mut indices): (Vec<Vec<Fix<1>>>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
        let mut last = f64::NEG_INFINITY;
        for (at, value) in values.iter().enumerate() {
            if self.broken[at] {
                last = f64::NEG_INFINITY;
            }
            if value.is_nan() {
                continue;
            }
            let t = self.seconds[at];
            if t - last > self.gap {
                runs.push(Vec::new());
                indices.push(Vec::new());
            }
            last = t;
            if let (Some(run), Some(index)) = (runs.last_mut(), indices.last_mut()) {
                run.push(Fix { t, p: [*value] });
                index.push(at);
            }
        }
        (runs, indices)
    }

    fn altitude(&mut self) {
        let Some(values) = self.values("altitude") else { return };
        let (runs, indices) = self.runs(values);
        let mut values = values.to_vec();
        let mut dropped = 0_u64;
        let judged = excursions::find(&runs, excursions::ALTITUDE);
        for (judged, indices) in judged.dropped.iter().zip(&indices) {
            for (_, at) in judged.iter().zip(indices).filter(|(dropped, _)| **dropped) {
                values[*at] = f64::NAN;
                dropped += 1;
            }
            // What was dropped is bridged however long it is: the logger was there.
            bridge(&self.seconds, &mut values, indices);
        }
        if judged.usual > NOISY {
            self.notes.push(format!(
                "the altitude jumps by {:.0} m from one second to the next: gradients are little more than noise; \
                 if the log has another altitude, map that one",
                judged.usual
            ));
        }
        if dropped > 0 {
            self.notes.push(format!("{dropped} altitudes are dropped: nothing climbs like that"));
        }
        self.set("altitude", values);
    }

    fn speed(&mut self, path: Option<&Path>) {
        let on_path: Option<Vec<f64>> =
            path.map(|path| path.samples.iter().map(|m| m.map_or(f64::NAN, |m| m.speed)).collect());
        let Some(own) = self.values("speed").map(<[f64]>::to_vec) else {
            if let Some(speed) = on_path {
                self.derive("speed", speed);
            }
            return;
        };
        let mut own = own;
        let spikes = self.despike(&mut own);
        if spikes > 0 {
            self.notes.push(format!("{spikes} speeds are dropped: nothing accelerates like that"));
        }
        self.fill_one(&mut own, None);
        let Some(on_path) = on_path else { return self.set("speed", own) };
        if let Some(note) = self.compare(&own, &on_path) {
            self.notes.push(note);
        }
        for (own, other) in own.iter_mut().zip(&on_path) {
            if own.is_nan() {
                *own = *other;
            }
        }
        self.set("speed", own);
    }

    /// Drops spikes; says how many samples they had.
    fn despike(&self, speed: &mut [f64]) -> u64 {
        let known: Vec<usize> = (0..speed.len()).filter(|at| !speed[*at].is_nan()).collect();
        let mut dropped = Vec::new();
        let mut around: Vec<f64> = Vec::new();
        for (place, at) in known.iter().enumerate() {
            let step = |other: Option<&usize>| {
                other.map_or(0.0, |other| {
                    let time = (self.seconds[*at] - self.seconds[*other]).abs().max(1.0);
                    (speed[*at] - speed[*other]).abs() / time
                })
            };
            let before = place.checked_sub(1).and_then(|before| known.get(before));
            // Only samples beside a leap, or within what was found to be one.
            let inside = dropped.last().is_some_and(|last| Some(last) == before);
            if !inside && step(before).max(step(known.get(place + 1))) <= HARDEST {
                continue;
            }
            around.clear();
            let near = |other: &&usize| (self.seconds[**other] - self.seconds[*at]).abs() <= SPIKE_SECONDS;
            let back = known[..place].iter().rev().take_while(near).take(100);
            around.extend(back.chain(known[place..].iter().take_while(near).take(100)).map(|other| speed[*other]));
            let middle = around.len() / 2;
            let median = *around.select_nth_unstable_by(middle, f64::total_cmp).1;
            if (speed[*at] - median).abs() > SPIKE {
                dropped.push(*at);
            }
        }
        for at in &dropped {
            speed[*at] = f64::NAN;
        }
        dropped.len() as u64
    }

    /// Whether the logger's speed is that of its positions; if not, what is
    /// likely wrong.
    fn compare(&self, own: &[f64], on_path: &[f64]) -> Option<String> {
        let (mut by_speed, mut by_path) = (0.0, 0.0);
        for at in 1..own.len() {
            let time = self.seconds[at] - self.seconds[at - 1];
            if !self.broken[at] && own[at].is_finite() && on_path[at].is_finite() {
                by_speed += own[at] * time;
                by_path += on_path[at] * time;
            }
        }
        if by_path < 200.0 || (0.75..1.33).contains(&(by_speed / by_path)) {
            return None;
        }
        let ratio = by_speed / by_path;
        let units = [("km/h", 3.6), ("mph", 1.0 / 0.44704), ("knots", 3600.0 / 1852.0)];
        let likely = units.iter().find(|(_, factor)| (ratio / factor - 1.0).abs() < 0.12);
        let likely = likely.map_or(String::new(), |(unit, _)| format!("; is its unit {unit}?"));
        Some(format!("the speed column is {ratio:.2} times what the positions say{likely}"))
    }

    fn distance(&mut self) {
        if let Some(own) = self.values("distance") {
            let own = self.counted(own);
            return self.set("distance", own);
        }
        if let Some(speed) = self.values("speed") {
            let distance = derive::distance(&self.seconds, &self.broken, speed);
            self.derive("distance", distance);
        }
    }

    /// The logger's distance made to grow only, and never faster than anything
    /// moves: a trip meter that is reset, or a leap, adds nothing.
    fn counted(&self, own: &[f64]) -> Vec<f64> {
        let mut last: Option<(f64, f64, f64)> = None;
        let each = own.iter().zip(&self.seconds).map(|(value, t)| {
            if value.is_nan() {
                return f64::NAN;
            }
            let counted = match last {
                None => *value,
                Some((at, before, counted)) => {
                    let step = value - before;
                    let possible = (0.0..=channels::FASTEST * (t - at) + LEAP).contains(&step);
                    if possible { counted + step } else { counted }
                }
            };
            last = Some((*t, *value, counted));
            counted
        });
        each.collect()
    }

    fn heading(&mut self, path: Option<&Path>) {
        if self.values("heading").is_none()
            && let Some(path) = path
        {
            let heading = derive::heading(&self.broken, &path.samples);
            self.derive("heading", heading);
        }
    }

    fn gradient(&mut self) {
        if self.values("gradient").is_some() {
            return;
        }
        if let (Some(altitude), Some(distance)) = (self.values("altitude"), self.values("distance")) {
            let gradient = derive::gradient(&self.seconds, &self.broken, distance, altitude);
            self.derive("gradient", gradient);
        }
    }

    /// The lap of each sample, counted from 1, where the log marks its laps and
    /// has no such column.
    fn laps(&mut self, raw: &Telemetry) {
        let starts = || raw.marks.iter().filter(|mark| mark.kind == MarkKind::Lap).map(|mark| mark.time);
        if self.values("lap").is_some() || starts().next().is_none() {
            return;
        }
        let mut starts = starts().peekable();
        let mut lap = 0_u32;
        let each = raw.times.iter().map(|time| {
            while starts.next_if(|start| start <= time).is_some() {
                lap += 1;
            }
            // What comes before the first mark belongs to the first lap.
            f64::from(lap.max(1))
        });
        let laps = each.collect();
        self.derive("lap", laps);
    }

    /// Fills holes up to the gap in every channel.
    fn fill(&mut self) {
        let mut channels = std::mem::take(&mut self.channels);
        for channel in &mut channels {
            self.fill_one(&mut channel.values, channels::find(&channel.name));
        }
        self.channels = channels;
    }

    fn fill_one(&self, values: &mut [f64], kind: Option<&ChannelKind>) {
        let mut before: Option<usize> = None;
        for at in 0..values.len() {
            if self.broken[at] {
                before = None;
            }
            if values[at].is_nan() {
                continue;
            }
            if let Some(from) = before.filter(|from| from + 1 < at)
                && self.seconds[at] - self.seconds[from] <= self.gap
            {
                line(&self.seconds, values, (from, at), kind);
            }
            before = Some(at);
        }
    }

    fn finish(mut self, raw: &Telemetry) -> Telemetry {
        for channel in &mut self.channels {
            let Some(kind) = channels::find(&channel.name).filter(|kind| kind.unit == channel.unit) else { continue };
            for value in &mut channel.values {
                *value = channels::wrapped(kind.quantise(*value), Some(kind));
            }
        }
        self.channels.retain(|channel| channel.values.iter().any(|value| !value.is_nan()));
        let place = |channel: &Channel| channels::REGISTRY.iter().position(|kind| kind.name == channel.name);
        self.channels.sort_by_key(|channel| place(channel).unwrap_or(channels::REGISTRY.len()));
        let breaks = self.broken.iter().enumerate().skip(1).filter(|(_, broken)| **broken);
        let breaks = breaks.filter_map(|(at, _)| u32::try_from(at).ok()).collect();
        Telemetry {
            clock: raw.clock,
            times: raw.times.clone(),
            channels: self.channels,
            breaks,
            marks: raw.marks.clone(),
        }
    }
}

/// Fills the unknown values between the first and the last of `indices`.
fn bridge(seconds: &[f64], values: &mut [f64], indices: &[usize]) {
    let known: Vec<usize> = indices.iter().copied().filter(|at| !values[*at].is_nan()).collect();
    for pair in known.windows(2).filter(|pair| pair[0] + 1 < pair[1]) {
        line(seconds, values, (pair[0], pair[1]), None);
    }
}

/// Writes the straight line between two known values.
fn line(seconds: &[f64], values: &mut [f64], between: (usize, usize), kind: Option<&ChannelKind>) {
    let (from, to) = between;
    let change = channels::difference(values[from], values[to], kind.and_then(|kind| kind.turn));
    let span = seconds[to] - seconds[from];
    if kind.is_some_and(|kind| kind.steps) {
        let held = values[from];
        values[from + 1..to].fill(held);
        return;
    }
    for at in from + 1..to {
        let share = (seconds[at] - seconds[from]) / span;
        values[at] = channels::wrapped(values[from] + change * share, kind);
    }
}
