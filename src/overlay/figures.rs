//! Numbers for people: a channel's name and unit on screen, digits, and round
//! scales.

use crate::base::{Diagnostic, Unit};
use crate::model::Telemetry;
use crate::model::usual::{display_unit, usual_unit};
use crate::overlay::style::DASH;

/// What a channel is called on screen.
pub(crate) fn title(channel: &str) -> String {
    match channel {
        "heart_rate" => "HEART".to_owned(),
        "gradient" => "GRADE".to_owned(),
        "temperature" => "TEMP".to_owned(),
        other => other.replace('_', " ").to_uppercase(),
    }
}

/// How a channel's numbers become text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Readout {
    from: Unit,
    pub(crate) unit: Unit,
    pub(crate) decimals: u8,
}

impl Readout {
    /// # Errors
    /// When `unit` measures something else than the channel.
    pub(crate) fn new(
        telemetry: Option<&Telemetry>,
        channel: &str,
        unit: Option<Unit>,
        decimals: Option<u8>,
    ) -> Result<Readout, Diagnostic> {
        let from =
            telemetry.and_then(|t| t.channel(channel)).map_or(usual_unit(channel).unwrap_or(Unit::None), |c| c.unit);
        let unit = unit.unwrap_or(display_unit(channel, from));
        if from.convert(0.0, unit).is_none() {
            let message = format!("{channel} is in \"{from}\" and cannot be shown in \"{unit}\"");
            return Err(Diagnostic::input(message).hint("name a unit of the same kind, or leave `unit` out"));
        }
        let usual = match unit {
            Unit::Percent | Unit::Kilometres | Unit::Miles | Unit::StandardGravity => 1,
            Unit::MetresPerSecond | Unit::MetresPerSecondSquared => 1,
            Unit::Radians => 2,
            _ => 0,
        };
        Ok(Readout { from, unit, decimals: decimals.unwrap_or(usual).min(6) })
    }

    /// In the unit that is shown.
    pub(crate) fn convert(&self, value: f64) -> f64 {
        self.from.convert(value, self.unit).unwrap_or(value)
    }

    /// A value of the channel as digits.
    pub(crate) fn text(&self, value: f64) -> String {
        let shown = self.convert(value);
        // Who moves so slowly does not move.
        let shown = if self.unit.is_pace() && shown >= SLOWEST { f64::INFINITY } else { shown };
        if self.unit.is_pace() || self.unit == Unit::Minutes {
            clock(shown, self.decimals)
        } else {
            digits(shown, self.decimals)
        }
    }

    /// Where a value of the channel lies on a scale. A pace lies where its speed
    /// does: who rests has none.
    pub(crate) fn along(&self, value: f64) -> f64 {
        self.from.convert(value, self.scale_unit()).unwrap_or(value)
    }

    /// Where a number in the unit that is shown lies on a scale.
    pub(crate) fn end(&self, shown: f64) -> f64 {
        self.unit.convert(shown, self.scale_unit()).unwrap_or(shown)
    }

    fn scale_unit(&self) -> Unit {
        match self.unit {
            Unit::MinutesPerKilometre => Unit::KilometresPerHour,
            Unit::MinutesPerMile => Unit::MilesPerHour,
            unit => unit,
        }
    }

    /// The texts that may become the widest: of the channel's least and
    /// greatest value in the whole log.
    pub(crate) fn widest(&self, telemetry: Option<&Telemetry>, channel: &str) -> Vec<String> {
        if self.unit.is_pace() {
            return vec![clock(SLOWEST - 1e-6, self.decimals)];
        }
        let values = telemetry.and_then(|t| t.channel(channel)).map_or(&[][..], |c| &c.values);
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let ends = [finite().reduce(f64::min), finite().reduce(f64::max)];
        let ends: Vec<String> = ends.iter().flatten().map(|v| self.text(*v)).collect();
        if ends.is_empty() { vec![self.text(0.0)] } else { ends }
    }
}

/// A pace of so many minutes or more is none: who does not move.
const SLOWEST: f64 = 60.0;

/// Minutes as minutes and seconds, the seconds with so many decimals; a dash
/// for a pace that is none.
fn clock(minutes: f64, decimals: u8) -> String {
    if !minutes.is_finite() {
        return DASH.to_owned();
    }
    let scale = 10i64.pow(u32::from(decimals.min(3)));
    let steps = libm::round(minutes * 60.0 * scale as f64) as i64;
    let sign = if steps < 0 { "\u{2212}" } else { "" };
    let (seconds, part) = (steps.unsigned_abs() / scale as u64, steps.unsigned_abs() % scale as u64);
    let whole = format!("{sign}{}:{:02}", seconds / 60, seconds % 60);
    match decimals.min(3) {
        0 => whole,
        places => format!("{whole}.{part:0width$}", width = usize::from(places)),
    }
}

/// `value` with so many decimals, halves rounded away from zero, with a real
/// minus sign and never "−0".
pub(crate) fn digits(value: f64, decimals: u8) -> String {
    let scale = 10i64.pow(u32::from(decimals.min(6)));
    // `as` clamps: what has no room in 63 bits is shown as the largest number.
    let steps = libm::round(value * scale as f64) as i64;
    let sign = if steps < 0 { "\u{2212}" } else { "" };
    let (whole, part) = (steps.unsigned_abs() / scale as u64, steps.unsigned_abs() % scale as u64);
    match decimals.min(6) {
        0 => format!("{sign}{whole}"),
        places => format!("{sign}{whole}.{part:0width$}", width = usize::from(places)),
    }
}

/// The ends of a gauge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Scale {
    /// Round ends around the 2nd and the 98th percentile of the whole log, in
    /// the unit that is shown: one glitch does not decide them, and neither
    /// does which part of the log is in the film. They are as far apart as the
    /// channel's [`Reach`] wants.
    pub(crate) fn of(telemetry: Option<&Telemetry>, channel: &str, readout: &Readout) -> Scale {
        let values = telemetry.and_then(|t| t.channel(channel)).map_or(&[][..], |c| &c.values);
        let Some((low, high)) = percentiles(values) else { return Scale { low: 0.0, high: 100.0 } };
        let thousandths = |value: f64| libm::round(readout.along(value) * 1_000.0) as i64;
        let (low, high) = match Reach::of(channel, readout.from) {
            Reach::FromZero { to } if low >= 0.0 => (0, thousandths(high).max(thousandths(to))),
            Reach::FromZero { .. } => (thousandths(low), thousandths(high)),
            Reach::BothWays { to } => (thousandths(low.min(-to)), thousandths(high.max(to))),
            Reach::Between { least } => {
                let more = ((least - (high - low)) / 2.0).max(0.0);
                // What is not negative needs no scale that is.
                let up = if low >= 0.0 { (more - low).max(0.0) } else { 0.0 };
                (thousandths(low - more + up), thousandths(high + more + up))
            }
        };
        // A channel that nobody knows and that never changes.
        let high = if low == high { high.saturating_add(1_000) } else { high };
        let step = round_step((high.saturating_sub(low) / 5).max(1));
        let (low, high) = (low.div_euclid(step) * step, (high - 1).div_euclid(step) * step + step);
        Scale { low: low as f64 / 1_000.0, high: high.max(low + step) as f64 / 1_000.0 }
    }

    /// Where `value` lies, 0 at the low end and 1 at the high one, and not
    /// beyond them.
    pub(crate) fn position(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low).max(1e-9)).clamp(0.0, 1.0)
    }
}

/// What a channel's scale shows at least, in the registry's unit: what hardly
/// changes must not look as if it did.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    /// Counted from nothing, up to `to` or further.
    FromZero { to: f64 },
    /// Counted from zero in both directions.
    BothWays { to: f64 },
    /// Zero means nothing: `least` from end to end.
    Between { least: f64 },
}

impl Reach {
    fn of(channel: &str, unit: Unit) -> Reach {
        match (channel, unit) {
            ("speed", _) => Reach::FromZero { to: 20.0 / 3.6 },
            ("power", _) => Reach::FromZero { to: 200.0 },
            ("cadence", _) => Reach::FromZero { to: 100.0 },
            ("distance", _) => Reach::FromZero { to: 100.0 },
            ("gradient", _) => Reach::BothWays { to: 10.0 },
            ("lateral_g" | "longitudinal_g", _) => Reach::BothWays { to: 0.5 },
            ("lean_angle", _) => Reach::BothWays { to: 45.0 },
            ("vertical_speed", _) => Reach::BothWays { to: 2.0 },
            (zone, Unit::None) if zone.ends_with("_zone") => Reach::FromZero { to: 5.0 },
            ("altitude", _) => Reach::Between { least: 50.0 },
            (_, Unit::BeatsPerMinute) => Reach::Between { least: 60.0 },
            (_, Unit::Celsius) => Reach::Between { least: 10.0 },
            (_, Unit::Fahrenheit) => Reach::Between { least: 18.0 },
            ("latitude" | "longitude", _) => Reach::Between { least: 0.01 },
            // A full turn.
            ("heading", _) => Reach::FromZero { to: 360.0 },
            _ => Reach::FromZero { to: 0.0 },
        }
    }
}

/// At most so many values are looked at for percentiles.
const SAMPLES: usize = 50_000;

fn percentiles(values: &[f64]) -> Option<(f64, f64)> {
    let stride = values.len().div_ceil(SAMPLES).max(1);
    let mut sample: Vec<f64> = values.iter().copied().step_by(stride).filter(|v| v.is_finite()).collect();
    let last = sample.len().checked_sub(1)?;
    let mut nth = |n: usize| *sample.select_nth_unstable_by(n, f64::total_cmp).1;
    let low = nth(last * 2 / 100);
    Some((low, nth(last - last * 2 / 100)))
}

/// The smallest of 1, 2, 5, 10, 20, 50... that is at least `step`.
fn round_step(step: i64) -> i64 {
    let decades = (0..17).map(|power| 10i64.pow(power));
    decades.flat_map(|ten| [ten, 2 * ten, 5 * ten]).find(|round| *round >= step).unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Channel;

    fn log(name: &str, unit: Unit, values: Vec<f64>) -> Telemetry {
        let times = (0..values.len() as i64).collect();
        Telemetry { times, channels: vec![Channel { name: name.to_owned(), unit, values }], ..Telemetry::default() }
    }

    fn scale(name: &str, unit: Unit, values: Vec<f64>) -> (f64, f64) {
        let log = log(name, unit, values);
        let readout = Readout::new(Some(&log), name, None, None).unwrap();
        let scale = Scale::of(Some(&log), name, &readout);
        (scale.low, scale.high)
    }

    #[test]
    fn digits_round_half_away_and_have_no_negative_zero() {
        assert_eq!(digits(12.5, 0), "13");
        assert_eq!(digits(-0.04, 1), "0.0");
        assert_eq!(digits(-3.25, 1), "\u{2212}3.3");
        assert_eq!(digits(7.0, 2), "7.00");
        assert_eq!(digits(f64::INFINITY, 0), i64::MAX.to_string());
    }

    #[test]
    fn a_pace_is_minutes_and_seconds_on_the_scale_of_its_speed() {
        let log = log("speed", Unit::MetresPerSecond, vec![0.0, 2.5, 10.0 / 3.0, 5.0]);
        let readout = Readout::new(Some(&log), "speed", Some(Unit::MinutesPerKilometre), None).unwrap();
        // 2.5 m/s are 400 s for a kilometre, 10/3 m/s are 300.
        let texts: Vec<String> = [0.0, 0.1, 2.5, 10.0 / 3.0, 5.0].iter().map(|v| readout.text(*v)).collect();
        assert_eq!(texts, [DASH, DASH, "6:40", "5:00", "3:20"]);
        let scale = Scale::of(Some(&log), "speed", &readout);
        assert_eq!((scale.low, scale.high, readout.along(5.0), readout.end(6.0)), (0.0, 20.0, 18.0, 10.0));
        let lap = Readout::new(None, "lap_time", None, Some(1)).unwrap();
        assert_eq!((lap.unit, lap.text(83.25).as_str(), lap.text(59.97).as_str()), (Unit::Minutes, "1:23.3", "1:00.0"));
    }

    #[test]
    fn scales_have_round_ends() {
        let ramp = |low: f64, high: f64| (0..=100).map(|n| low + (high - low) * f64::from(n) / 100.0).collect();
        assert_eq!(scale("speed", Unit::MetresPerSecond, ramp(0.0, 13.0)), (0.0, 50.0));
        assert_eq!(scale("heart_rate", Unit::BeatsPerMinute, ramp(92.0, 171.0)), (80.0, 180.0));
        assert_eq!(scale("gradient", Unit::Percent, ramp(-7.0, 8.5)), (-10.0, 10.0));
        assert_eq!(scale("power", Unit::Watts, ramp(0.0, 412.0)), (0.0, 500.0));
    }

    /// From 5.4 to 7.6 km/h: a third of the least scale, not all of one.
    #[test]
    fn what_hardly_changes_does_not_fill_its_scale() {
        let ramp = |low: f64, high: f64| (0..=100).map(|n| low + (high - low) * f64::from(n) / 100.0).collect();
        assert_eq!(scale("speed", Unit::MetresPerSecond, ramp(1.5, 2.1)), (0.0, 20.0));
        assert_eq!(scale("heart_rate", Unit::BeatsPerMinute, ramp(128.0, 134.0)), (100.0, 180.0));
        assert_eq!(scale("altitude", Unit::Metres, ramp(4.0, 6.0)), (0.0, 50.0));
        assert_eq!(scale("altitude", Unit::Metres, ramp(1_320.0, 1_322.0)), (1_290.0, 1_350.0));
        assert_eq!(scale("gradient", Unit::Percent, ramp(1.0, 2.0)), (-10.0, 10.0));
        assert_eq!(scale("temperature", Unit::Celsius, ramp(19.0, 20.0)), (14.0, 26.0));
        assert_eq!(scale("cadence", Unit::RevolutionsPerMinute, ramp(84.0, 88.0)), (0.0, 100.0));
        assert_eq!(scale("watchdog", Unit::None, ramp(70.0, 75.0)), (0.0, 80.0));
    }

    #[test]
    fn least_scales_are_converted() {
        let log = log("speed", Unit::MetresPerSecond, vec![1.0, 2.0]);
        let mph = Readout::new(Some(&log), "speed", Some(Unit::MilesPerHour), None).unwrap();
        assert_eq!(Scale::of(Some(&log), "speed", &mph), Scale { low: 0.0, high: 15.0 });
    }

    #[test]
    fn one_glitch_does_not_stretch_a_scale() {
        let mut values: Vec<f64> = (0..=200).map(|n| f64::from(n) / 20.0).collect();
        let clean = scale("speed", Unit::MetresPerSecond, values.clone());
        values[100] = 140.0;
        assert_eq!(scale("speed", Unit::MetresPerSecond, values), clean);
    }

    #[test]
    fn flat_and_empty_channels_still_have_a_scale() {
        assert_eq!(scale("wheel_slip", Unit::None, vec![0.0; 50]), (0.0, 1.0));
        assert_eq!(scale("wheel_slip", Unit::None, vec![-3.0; 50]), (-3.0, -2.0));
        assert_eq!(scale("power", Unit::Watts, vec![0.0; 50]), (0.0, 200.0));
        assert_eq!(scale("power", Unit::Watts, vec![231.0; 50]), (0.0, 250.0));
        assert_eq!(scale("temperature", Unit::Celsius, vec![-10.0; 50]), (-16.0, -4.0));
        assert_eq!(scale("power", Unit::Watts, vec![f64::NAN; 5]), (0.0, 100.0));
    }

    #[test]
    fn units_convert_or_are_refused() {
        let log = log("speed", Unit::MetresPerSecond, vec![10.0]);
        assert_eq!(Readout::new(Some(&log), "speed", None, None).unwrap().text(10.0), "36");
        let mph = Readout::new(Some(&log), "speed", Some(Unit::MilesPerHour), Some(1)).unwrap();
        assert_eq!(mph.text(10.0), "22.4");
        let wrong = Readout::new(Some(&log), "speed", Some(Unit::Watts), None).unwrap_err();
        assert_eq!(wrong.message, "speed is in \"m/s\" and cannot be shown in \"W\"");
    }
}
