//! Units of telemetry: what a channel's numbers mean, and conversion.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A unit of measure. Conversion is possible within one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// A bare number (also: a share of one).
    None,
    MetresPerSecond,
    KilometresPerHour,
    MilesPerHour,
    Knots,
    Metres,
    Kilometres,
    Feet,
    Miles,
    Degrees,
    Radians,
    Percent,
    BeatsPerMinute,
    RevolutionsPerMinute,
    Watts,
    Celsius,
    Fahrenheit,
    MetresPerSecondSquared,
    StandardGravity,
    Seconds,
    /// FIT's angle: 2^31 of them make half a circle.
    Semicircles,
}

/// Every unit with its dimension, factor and offset to the dimension's first
/// unit (`base = value * factor + offset`) and its spellings, the first of
/// which is the one shown.
const UNITS: &[(Unit, UnitKind, f64, f64, &[&str])] = {
    use UnitKind as D;
    &[
        (Unit::None, D::Number, 1.0, 0.0, &["", "1"]),
        (Unit::MetresPerSecond, D::Speed, 1.0, 0.0, &["m/s", "mps"]),
        (Unit::KilometresPerHour, D::Speed, 1.0 / 3.6, 0.0, &["km/h", "kmh", "kph"]),
        (Unit::MilesPerHour, D::Speed, 0.44704, 0.0, &["mph", "mi/h"]),
        (Unit::Knots, D::Speed, 1852.0 / 3600.0, 0.0, &["kn", "kt", "knots"]),
        (Unit::Metres, D::Length, 1.0, 0.0, &["m"]),
        (Unit::Kilometres, D::Length, 1000.0, 0.0, &["km"]),
        (Unit::Feet, D::Length, 0.3048, 0.0, &["ft", "feet"]),
        (Unit::Miles, D::Length, 1609.344, 0.0, &["mi", "miles"]),
        (Unit::Degrees, D::Angle, 1.0, 0.0, &["°", "deg", "degrees"]),
        (Unit::Radians, D::Angle, 180.0 / std::f64::consts::PI, 0.0, &["rad"]),
        (Unit::Percent, D::Percent, 1.0, 0.0, &["%"]),
        (Unit::BeatsPerMinute, D::HeartRate, 1.0, 0.0, &["bpm"]),
        (Unit::RevolutionsPerMinute, D::Cadence, 1.0, 0.0, &["rpm"]),
        (Unit::Watts, D::Power, 1.0, 0.0, &["W", "watts"]),
        (Unit::Celsius, D::Temperature, 1.0, 0.0, &["°C", "C"]),
        (Unit::Fahrenheit, D::Temperature, 5.0 / 9.0, -160.0 / 9.0, &["°F", "F"]),
        (Unit::MetresPerSecondSquared, D::Acceleration, 1.0, 0.0, &["m/s²", "m/s^2", "m/s2"]),
        (Unit::StandardGravity, D::Acceleration, 9.80665, 0.0, &["g"]),
        (Unit::Seconds, D::Time, 1.0, 0.0, &["s"]),
        (Unit::Semicircles, D::Angle, 180.0 / 2_147_483_648.0, 0.0, &["semicircles"]),
    ]
};

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitKind {
    Number,
    Speed,
    Length,
    Angle,
    Percent,
    HeartRate,
    Cadence,
    Power,
    Temperature,
    Acceleration,
    Time,
}

impl Unit {
    fn row(self) -> &'static (Unit, UnitKind, f64, f64, &'static [&'static str]) {
        UNITS.iter().find(|row| row.0 == self).unwrap_or(&UNITS[0])
    }

    /// What it measures. Units of one kind can be converted.
    pub fn kind(self) -> UnitKind {
        self.row().1
    }

    /// The unit that is spelled `text`, whatever its case where that is
    /// unambiguous.
    pub fn parse(text: &str) -> Option<Unit> {
        let text = text.trim();
        let exact = UNITS.iter().find(|row| row.4.contains(&text));
        exact.or_else(|| UNITS.iter().find(|row| row.4.iter().any(|s| s.eq_ignore_ascii_case(text)))).map(|row| row.0)
    }

    /// How the unit is written on screen.
    pub fn symbol(self) -> &'static str {
        self.row().4[0]
    }

    /// `value` in this unit expressed in `to`, or `None` where the two measure
    /// different things.
    pub fn convert(self, value: f64, to: Unit) -> Option<f64> {
        if self == to {
            return Some(value);
        }
        let (from, to) = (self.row(), to.row());
        (from.1 == to.1).then(|| (value * from.2 + from.3 - to.3) / to.2)
    }

    /// All spellings that `parse` takes, for hints.
    pub fn spellings() -> impl Iterator<Item = &'static str> {
        UNITS.iter().flat_map(|row| row.4.iter().copied()).filter(|s| !s.is_empty())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts() {
        let close = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-9, "{a:?} {b}");
        close(Unit::KilometresPerHour.convert(36.0, Unit::MetresPerSecond), 10.0);
        close(Unit::Fahrenheit.convert(212.0, Unit::Celsius), 100.0);
        close(Unit::Celsius.convert(-40.0, Unit::Fahrenheit), -40.0);
        close(Unit::MilesPerHour.convert(1.0, Unit::KilometresPerHour), 1.609344);
        assert_eq!(Unit::Metres.convert(1.0, Unit::Seconds), None);
    }

    #[test]
    fn every_unit_has_a_row() {
        for (unit, ..) in UNITS {
            assert_eq!(Unit::parse(unit.symbol()), Some(*unit));
        }
    }
}
