//! A log, or a part of one, while it is worked on.

use std::ops::Range;

use super::found::Found;
use super::part::{Before, Cleaned, Counted, Part, Whole};
use crate::base::Unit;
use crate::model::telemetry::{Channel, MarkKind, Telemetry};
use crate::telemetry::channels::{self, ChannelKind};
use crate::telemetry::derive;
use crate::telemetry::excursions::{self, Fix};
use crate::telemetry::motion::{self, Path, Places, Scale, Search};
use crate::telemetry::smooth::Noise;

/// A speed that differs by more than this from the median of the seconds
/// around it, and changes faster than [`HARDEST`], is a spike (m/s, m/s²).
const SPIKE: f64 = 5.0;
const HARDEST: f64 = 15.0;

/// Part of the speed of the path that a speed may differ by, and beyond which it is
/// another one.
const ALIKE: f64 = 0.25;
const UNLIKE: f64 = 0.5;

/// Seconds on both sides that a speed is compared with.
const SPIKE_SECONDS: f64 = 4.0;

/// A distance may grow by this many metres beside what is possible at the
/// greatest speed.
const LEAP: f64 = 100.0;

/// The log in columns while it is worked on.
pub(super) struct Work<'a> {
    seconds: Vec<f64>,
    broken: Vec<bool>,
    /// Longest hole that is bridged, in seconds.
    gap: f64,
    counted: Range<usize>,
    next: f64,
    channels: Vec<Channel>,
    derived: Vec<&'static str>,
    pub(super) found: Found,
    whole: Option<&'a Whole>,
    before: Before,
    after: Before,
}

impl<'a> Work<'a> {
    pub(super) fn new(part: &Part<'a>) -> Work<'a> {
        let raw = part.raw;
        let seconds: Vec<f64> = raw.times.iter().map(|time| seconds(*time, part.origin)).collect();
        let gap_ns = i64::from(part.gap_ms) * 1_000_000;
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
            gap: f64::from(part.gap_ms) / 1e3,
            counted: part.counted.clone(),
            next: part.next,
            channels: Vec::with_capacity(raw.channels.len() + 4),
            derived: Vec::new(),
            found: Found::default(),
            whole: part.whole,
            before: part.before.clone(),
            after: Before::default(),
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
        for (at, value) in values.iter_mut().enumerate() {
            let converted = channels::wrapped(channel.unit.convert(*value, kind.unit).unwrap_or(f64::NAN), Some(kind));
            let fits = (low..=high).contains(&converted);
            impossible += u64::from(!fits && !value.is_nan() && self.counted.contains(&at));
            *value = if fits { converted } else { f64::NAN };
        }
        if impossible > 0 {
            self.found.impossible.push((kind.name, impossible));
        }
        self.channels.push(Channel { name: channel.name.clone(), unit: kind.unit, values });
    }

    /// A channel of which anything is known in the whole log.
    fn values(&self, name: &str) -> Option<&[f64]> {
        let channel = self.channels.iter().find(|channel| channel.name == name)?;
        let is_known = match self.whole {
            Some(whole) => whole.present.contains(name) || self.derived.contains(&name),
            None => channel.values.iter().any(|value| !value.is_nan()),
        };
        is_known.then_some(channel.values.as_slice())
    }

    /// Puts a channel in the place of one that is there.
    fn set(&mut self, name: &'static str, values: Vec<f64>) {
        let unit = channels::find(name).map_or(Unit::None, |kind| kind.unit);
        match self.channels.iter_mut().find(|channel| channel.name == name) {
            Some(channel) => channel.values = values,
            None => self.channels.push(Channel { name: name.to_owned(), unit, values }),
        }
    }

    /// Adds a channel that was computed, if anything of it is known. In a part
    /// of a log that is told at its end.
    fn derive(&mut self, name: &'static str, values: Vec<f64>) {
        if self.whole.is_some() || values.iter().any(|value| !value.is_nan()) {
            self.set(name, values);
            self.derived.push(name);
        }
    }

    pub(super) fn positions(&mut self) -> Option<Path> {
        let (latitude, longitude) = (self.values("latitude")?, self.values("longitude")?);
        let scale = self.whole.and_then(|whole| whole.position);
        let search = Search { gap: self.gap, from: self.before.position, next: self.next, scale };
        let places = Places { latitude, longitude, speed: self.values("speed") };
        let path = motion::path(&self.seconds, &self.broken, places, search);
        let is_bridged = |at: &usize| {
            path.samples[*at].is_some() && (latitude[*at].is_nan() || path.dropped.binary_search(at).is_ok())
        };
        let bridged = self.counted.clone().filter(is_bridged).count();
        let dropped = path.dropped.iter().filter(|at| self.counted.contains(at)).count();
        let of = |part: fn(&motion::Motion) -> f64| -> Vec<f64> {
            path.samples.iter().map(|sample| sample.as_ref().map_or(f64::NAN, part)).collect()
        };
        let (latitude, longitude) = (of(|m| m.latitude), of(|m| m.longitude));
        self.set("latitude", latitude);
        self.set("longitude", longitude);
        self.found.positions = dropped as u64;
        self.found.bridge("position", bridged);
        if self.whole.is_none() {
            self.found.noise("position", path.scale.seen);
        }
        self.after.position = path.next.unwrap_or(self.next);
        Some(path)
    }

    /// By what positions of the whole log are judged, from a part of it.
    pub(super) fn position_scale(&self, fast: bool) -> Option<Scale> {
        let (latitude, longitude) = (self.values("latitude")?, self.values("longitude")?);
        let places = Places { latitude, longitude, speed: self.values("speed") };
        Some(motion::scale(&self.seconds, &self.broken, places, self.gap, fast))
    }

    /// The stretches of a channel without a gap, as fixes with their indices.
    fn runs(&self, values: &[f64], from: usize) -> (Vec<Vec<Fix<1>>>, Vec<Vec<usize>>) {
        let (mut runs, mut indices): (Vec<Vec<Fix<1>>>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
        let mut last = f64::NEG_INFINITY;
        for (at, value) in values.iter().enumerate().skip(from) {
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

    pub(super) fn altitude(&mut self) {
        let Some(values) = self.values("altitude") else { return };
        let from = self.seconds.partition_point(|time| *time < self.before.altitude);
        let (runs, indices) = self.runs(values, from);
        let mut values = values.to_vec();
        let judged = match self.whole.and_then(|whole| whole.altitude) {
            Some(usual) => excursions::judge(&runs, excursions::ALTITUDE, usual),
            None => excursions::find(&runs, excursions::ALTITUDE),
        };
        let (mut dropped, mut bridged) = (0, 0);
        for (judged, indices) in judged.dropped.iter().zip(&indices) {
            for (_, at) in judged.iter().zip(indices).filter(|(dropped, _)| **dropped) {
                values[*at] = f64::NAN;
                dropped += u64::from(self.counted.contains(at));
            }
            // What was dropped is bridged however long it is: the logger was there.
            bridged += bridge(&self.seconds, &mut values, indices, &self.counted);
        }
        if self.whole.is_none() {
            let good = |(run, dropped): (&Vec<Fix<1>>, &Vec<bool>)| -> Vec<Fix<1>> {
                run.iter().zip(dropped).filter(|(_, dropped)| !**dropped).map(|(fix, _)| *fix).collect()
            };
            let good: Vec<_> = runs.iter().zip(&judged.dropped).map(good).collect();
            self.found.noise("altitude", Noise::seen(&good).map(|noise| noise.measured));
        }
        self.after.altitude = excursions::knot_from(&runs, self.next).unwrap_or(self.next);
        self.found.altitude_usual = judged.usual;
        self.found.altitudes = dropped;
        self.found.bridge("altitude", bridged);
        self.set("altitude", values);
    }

    pub(super) fn speed(&mut self, path: Option<&Path>) {
        let on_path: Option<Vec<f64>> =
            path.map(|path| path.samples.iter().map(|m| m.map_or(f64::NAN, |m| m.speed)).collect());
        let Some(own) = self.values("speed").map(<[f64]>::to_vec) else {
            if let Some(speed) = on_path {
                self.derive("speed", speed);
            }
            return;
        };
        let mut own = own;
        self.found.spikes = self.despike(&mut own, on_path.as_deref());
        if self.whole.is_none() {
            let (runs, _) = self.runs(&own, 0);
            self.found.noise("speed", Noise::seen(&runs).map(|noise| noise.measured));
        }
        let mut bridged = self.fill_one(&mut own, None);
        if let Some(on_path) = on_path {
            self.compare(&own, &on_path);
            for (at, (own, other)) in own.iter_mut().zip(&on_path).enumerate() {
                if own.is_nan() && !other.is_nan() {
                    *own = *other;
                    bridged += usize::from(self.counted.contains(&at));
                }
            }
        }
        self.found.bridge("speed", bridged);
        self.set("speed", own);
    }

    /// Drops spikes; says how many of the samples that count they had. Of the two
    /// sides of a leap the one is right that positions confirm: a receiver that
    /// froze says 0 for some seconds and then leaps to the truth.
    fn despike(&self, speed: &mut [f64], on_path: Option<&[f64]>) -> u64 {
        let known: Vec<usize> = (0..speed.len()).filter(|at| !speed[*at].is_nan()).collect();
        let mut spikes = vec![false; known.len()];
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
            let inside = place.checked_sub(1).is_some_and(|before| spikes[before]);
            if !inside && step(before).max(step(known.get(place + 1))) <= HARDEST {
                continue;
            }
            let off = off_path(speed, on_path, *at);
            if let Some(off) = off.filter(|off| *off != Off::Doubtful) {
                spikes[place] = off == Off::Far;
                continue;
            }
            around.clear();
            let near = |other: &&usize| (self.seconds[**other] - self.seconds[*at]).abs() <= SPIKE_SECONDS;
            let back = known[..place].iter().rev().take_while(near).take(100);
            around.extend(back.chain(known[place..].iter().take_while(near).take(100)).map(|other| speed[*other]));
            let middle = around.len() / 2;
            let median = *around.select_nth_unstable_by(middle, f64::total_cmp).1;
            spikes[place] = (speed[*at] - median).abs() > SPIKE;
        }
        // What led to it gradually.
        for place in (1..known.len()).rev() {
            let (at, before) = (known[place], known[place - 1]);
            let is_near = self.seconds[at] - self.seconds[before] <= SPIKE_SECONDS;
            if spikes[place] && is_near && off_path(speed, on_path, before) == Some(Off::Far) {
                spikes[place - 1] = true;
            }
        }
        let mut count = 0;
        for (at, _) in known.iter().zip(spikes).filter(|(_, spike)| *spike) {
            speed[*at] = f64::NAN;
            count += u64::from(self.counted.contains(at));
        }
        count
    }

    /// Adds up the way by the logger's speed and that by its positions.
    fn compare(&mut self, own: &[f64], on_path: &[f64]) {
        for at in self.counted.start.max(1)..self.counted.end {
            let time = self.seconds[at] - self.seconds[at - 1];
            if !self.broken[at] && own[at].is_finite() && on_path[at].is_finite() {
                self.found.by_speed += own[at] * time;
                self.found.by_path += on_path[at] * time;
            }
        }
    }

    pub(super) fn distance(&mut self) {
        if let Some(own) = self.values("distance") {
            let (own, last) = self.counted_on(own);
            self.after.counted = last;
            return self.set("distance", own);
        }
        if let Some(speed) = self.values("speed") {
            let Range { start, end } = self.counted;
            let sum = self.before.distance;
            let distance = derive::distance(&self.seconds, &self.broken, speed, start, sum);
            self.after.distance = end.checked_sub(1).and_then(|at| distance.get(at)).copied().unwrap_or(sum);
            self.derive("distance", distance);
        }
    }

    /// The logger's distance made to grow only, and never faster than anything
    /// moves: a trip meter that is reset, or a leap, adds nothing.
    fn counted_on(&self, own: &[f64]) -> (Vec<f64>, Option<Counted>) {
        let mut last = self.before.counted;
        let mut kept = last;
        let each = own.iter().zip(&self.seconds).enumerate().map(|(at, (value, t))| {
            if at == self.counted.end {
                kept = last;
            }
            if value.is_nan() || at < self.counted.start {
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
        let each = each.collect();
        (each, if self.counted.end < own.len() { kept } else { last })
    }

    pub(super) fn heading(&mut self, path: Option<&Path>) {
        if self.values("heading").is_none()
            && let Some(path) = path
        {
            let Range { start, end } = self.counted;
            let heading = derive::heading(&self.broken, &path.samples, start, self.before.heading);
            self.after.heading = end.checked_sub(1).and_then(|at| heading.get(at)).copied().unwrap_or(f64::NAN);
            self.derive("heading", heading);
        }
    }

    pub(super) fn gradient(&mut self) {
        if self.values("gradient").is_some() {
            return;
        }
        if let (Some(altitude), Some(distance)) = (self.values("altitude"), self.values("distance")) {
            let (counted, before) = (self.counted.clone(), self.before.profile.clone());
            let (gradient, profile) =
                derive::gradient(&self.seconds, &self.broken, distance, altitude, counted, before);
            self.after.profile = profile;
            self.derive("gradient", gradient);
        }
    }

    /// The lap of each sample, counted from 1, where the log marks its laps and
    /// has no such column.
    pub(super) fn laps(&mut self, raw: &Telemetry) {
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
    pub(super) fn fill(&mut self) {
        let mut channels = std::mem::take(&mut self.channels);
        for channel in &mut channels {
            let bridged = self.fill_one(&mut channel.values, channels::find(&channel.name));
            self.found.bridge(&channel.name, bridged);
        }
        self.channels = channels;
    }

    /// Says how many of the samples that count were filled.
    fn fill_one(&self, values: &mut [f64], kind: Option<&ChannelKind>) -> usize {
        let mut filled = 0;
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
                filled += overlap(&(from + 1..at), &self.counted);
            }
            before = Some(at);
        }
        filled
    }

    pub(super) fn finish(mut self, raw: &Telemetry) -> Cleaned {
        for channel in &mut self.channels {
            let Some(kind) = channels::find(&channel.name).filter(|kind| kind.unit == channel.unit) else { continue };
            for value in &mut channel.values {
                *value = channels::wrapped(kind.quantise(*value), Some(kind));
            }
        }
        if self.whole.is_none() {
            self.channels.retain(|channel| channel.values.iter().any(|value| !value.is_nan()));
        }
        let place = |channel: &Channel| channels::REGISTRY.iter().position(|kind| kind.name == channel.name);
        self.channels.sort_by_key(|channel| place(channel).unwrap_or(channels::REGISTRY.len()));
        let breaks = self.broken.iter().enumerate().skip(1).filter(|(_, broken)| **broken);
        let breaks = breaks.filter_map(|(at, _)| u32::try_from(at).ok()).collect();
        let parted = self.broken.get(self.counted.start).copied().unwrap_or(false);
        let end = self.broken.get(self.counted.end).copied().unwrap_or(true);
        if end {
            // Nothing goes on over a gap but what is counted.
            self.after.heading = f64::NAN;
            self.after.profile = derive::Profile::default();
        }
        let (clock, times, marks) = (raw.clock, raw.times.clone(), raw.marks.clone());
        let telemetry = Telemetry { clock, times, channels: self.channels, breaks, marks };
        let (counted, derived, found, after) = (self.counted, self.derived, self.found, self.after);
        Cleaned { telemetry, parted, counted, derived, found, after }
    }
}

/// Seconds from the log's start.
pub(super) fn seconds(time: i64, origin: i64) -> f64 {
    time.saturating_sub(origin) as f64 / 1e9
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> usize {
    one.end.min(other.end).saturating_sub(one.start.max(other.start))
}

/// Fills the unknown values between the first and the last of `indices`; says
/// how many of those that count there were.
fn bridge(seconds: &[f64], values: &mut [f64], indices: &[usize], counted: &Range<usize>) -> usize {
    let mut filled = 0;
    let known: Vec<usize> = indices.iter().copied().filter(|at| !values[*at].is_nan()).collect();
    for pair in known.windows(2).filter(|pair| pair[0] + 1 < pair[1]) {
        line(seconds, values, (pair[0], pair[1]), None);
        filled += overlap(&(pair[0] + 1..pair[1]), counted);
    }
    filled
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

/// How far a speed is from that of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Off {
    Little,
    Doubtful,
    Far,
}

fn off_path(speed: &[f64], on_path: Option<&[f64]>, at: usize) -> Option<Off> {
    let path = on_path?.get(at).copied().filter(|path| path.is_finite())?;
    let off = (speed.get(at)? - path).abs();
    Some(match off {
        off if off <= SPIKE.max(path * ALIKE) => Off::Little,
        off if off > SPIKE.max(path * UNLIKE) => Off::Far,
        _ => Off::Doubtful,
    })
}
