//! What cleaning found, in sums that add up over the parts of a log.

use crate::model::telemetry::{ChannelNoise, Quality, Reason};
use crate::telemetry::channels;

/// An altitude whose usual vertical acceleration is above this, in m/s², says
/// nothing of the road.
const NOISY: f64 = 3.0;

/// What was found in the samples that count.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Samples that have the time of the one before them.
    pub(super) repeated: u64,
    /// Values that no sensor can have measured.
    pub(super) impossible: Vec<(&'static str, u64)>,
    pub(super) positions: u64,
    pub(super) altitudes: u64,
    /// The usual vertical acceleration, in m/s².
    pub(super) altitude_usual: f64,
    pub(super) spikes: u64,
    /// The way by the logger's speed, and by its positions, in metres.
    pub(super) by_speed: f64,
    pub(super) by_path: f64,
    /// Channels and the samples that were filled.
    pub(super) bridged: Vec<(String, u64)>,
    pub(super) noise: Vec<ChannelNoise>,
}

impl Found {
    pub(super) fn bridge(&mut self, channel: &str, samples: usize) {
        add(&mut self.bridged, channel.to_owned(), samples as u64);
    }

    pub(super) fn noise(&mut self, channel: &str, deviation: Option<f64>) {
        let thousandths = |deviation: f64| libm::round(deviation * 1e3) as u64;
        let noise = |deviation| ChannelNoise { channel: channel.to_owned(), deviation: thousandths(deviation) };
        self.noise.extend(deviation.map(noise));
    }

    /// Adds what was found in the next part.
    pub(super) fn add(&mut self, next: Found) {
        self.repeated += next.repeated;
        next.impossible.into_iter().for_each(|(name, count)| add(&mut self.impossible, name, count));
        self.positions += next.positions;
        self.altitudes += next.altitudes;
        self.altitude_usual = self.altitude_usual.max(next.altitude_usual);
        self.spikes += next.spikes;
        self.by_speed += next.by_speed;
        self.by_path += next.by_path;
        next.bridged.into_iter().for_each(|(name, count)| add(&mut self.bridged, name, count));
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let counted = |count: u64, text: &str| (count > 0).then(|| format!("{count} {text}"));
        let mut notes = Vec::new();
        notes.extend(counted(self.repeated, "samples have the time of the one before them and are left out"));
        for (name, count) in &self.impossible {
            let Some(kind) = channels::find(name) else { continue };
            let ((low, high), unit) = (kind.possible, kind.unit.symbol());
            notes.push(format!("{name}: {count} values outside of {low} to {high} {unit} are dropped"));
        }
        notes.extend(counted(self.positions, "positions are dropped: nothing moves like that"));
        if self.altitude_usual > NOISY {
            notes.push(format!(
                "the altitude jumps by {:.0} m from one second to the next: gradients are little more than noise; \
                 if the log has another altitude, map that one",
                self.altitude_usual
            ));
        }
        notes.extend(counted(self.altitudes, "altitudes are dropped: nothing climbs like that"));
        notes.extend(counted(self.spikes, "speeds are dropped: nothing accelerates like that"));
        notes.extend(self.wrong_unit());
        notes
    }

    /// Whether the logger's speed is that of its positions; if not, what is
    /// likely wrong.
    fn wrong_unit(&self) -> Option<String> {
        if self.by_path < 200.0 || (0.75..1.33).contains(&(self.by_speed / self.by_path)) {
            return None;
        }
        let ratio = self.by_speed / self.by_path;
        let units = [("km/h", 3.6), ("mph", 1.0 / 0.44704), ("knots", 3600.0 / 1852.0)];
        let likely = units.iter().find(|(_, factor)| (ratio / factor - 1.0).abs() < 0.12);
        let likely = likely.map_or(String::new(), |(unit, _)| format!("; is its unit {unit}?"));
        Some(format!("the speed column is {ratio:.2} times what the positions say{likely}"))
    }

    /// Writes what was found into the report.
    pub(super) fn report(self, quality: &mut Quality) {
        quality.drop("samples", Reason::Repeated, self.repeated);
        for (name, count) in self.impossible {
            quality.drop(name, Reason::OutOfRange, count);
        }
        quality.drop("positions", Reason::Excursion, self.positions);
        quality.drop("altitude", Reason::Excursion, self.altitudes);
        quality.drop("speed", Reason::Spike, self.spikes);
        quality.bridged = self.bridged;
        quality.noise = self.noise;
    }
}

/// Adds to what has this name.
fn add<N: PartialEq>(sums: &mut Vec<(N, u64)>, name: N, count: u64) {
    match sums.iter_mut().find(|(other, _)| *other == name) {
        Some((_, sum)) => *sum += count,
        None if count > 0 => sums.push((name, count)),
        None => {}
    }
}
