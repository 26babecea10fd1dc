//! What a log holds, in a few numbers.

use crate::model::telemetry::{Channel, ChannelSummary, MarkKind, Telemetry, TelemetrySummary};

/// Sums a log up; `derived` names the channels that were computed from others.
pub(super) fn summarise(telemetry: &Telemetry, derived: &[&str]) -> TelemetrySummary {
    let marks = |kind| {
        let count = telemetry.marks.iter().filter(|mark| mark.kind == kind).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    TelemetrySummary {
        format: String::new(),
        clock: telemetry.clock,
        samples: telemetry.times.len() as u64,
        first: telemetry.times.first().copied().unwrap_or(0),
        last: telemetry.times.last().copied().unwrap_or(0),
        channels: telemetry.channels.iter().map(|c| channel(c, derived.contains(&c.name.as_str()))).collect(),
        gaps: u32::try_from(telemetry.breaks.len()).unwrap_or(u32::MAX),
        laps: marks(MarkKind::Lap),
        pauses: marks(MarkKind::Pause),
        events: marks(MarkKind::Event),
        bad_rows: 0,
        bad_examples: Vec::new(),
        notes: Vec::new(),
    }
}

fn channel(channel: &Channel, derived: bool) -> ChannelSummary {
    let mut known: Vec<f64> = channel.values.iter().copied().filter(|value| !value.is_nan()).collect();
    let count = known.len();
    // The value below which `percent` of the samples lie (nearest rank).
    let mut rank = |percent: usize| {
        let at = (count * percent / 100).min(count.saturating_sub(1));
        if count == 0 { 0 } else { thousandths(*known.select_nth_unstable_by(at, f64::total_cmp).1) }
    };
    ChannelSummary {
        name: channel.name.clone(),
        unit: channel.unit,
        derived,
        count: count as u64,
        min: rank(0),
        max: rank(100),
        low: rank(2),
        high: rank(98),
    }
}

/// In steps of 1 / 1,000, within what an `i64` holds.
fn thousandths(value: f64) -> i64 {
    libm::round(value * 1_000.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Unit;

    #[test]
    fn one_glitch_does_not_move_the_percentiles() {
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        values[50] = 1e6;
        values.push(f64::NAN);
        let summary = channel(&Channel { name: "speed".to_owned(), unit: Unit::MetresPerSecond, values }, true);
        assert_eq!((summary.count, summary.min, summary.max), (100, 0, 1_000_000_000));
        assert_eq!((summary.low, summary.high), (2_000, 99_000));
    }
}
