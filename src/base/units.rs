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
    /// How long a kilometre takes: a speed, told the other way round.
    MinutesPerKilometre,
    MinutesPerMile,
    /// Of climbing: cyclists, and pilots.
    MetresPerHour,
    FeetPerMinute,
    Minutes,
    Hours,
    Kilograms,
    WattsPerKilogram,
    Joules,
    Kilojoules,
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
        // `base = factor / value`: see `Unit::is_pace`.
        (Unit::MinutesPerKilometre, D::Speed, 1_000.0 / 60.0, 0.0, &["min/km"]),
        (Unit::MinutesPerMile, D::Speed, 1_609.344 / 60.0, 0.0, &["min/mi", "min/mile"]),
        (Unit::MetresPerHour, D::Speed, 1.0 / 3_600.0, 0.0, &["m/h"]),
        (Unit::FeetPerMinute, D::Speed, 0.3048 / 60.0, 0.0, &["ft/min", "fpm"]),
        (Unit::Minutes, D::Time, 60.0, 0.0, &["min"]),
        (Unit::Hours, D::Time, 3_600.0, 0.0, &["h"]),
        (Unit::Kilograms, D::Mass, 1.0, 0.0, &["kg"]),
        (Unit::WattsPerKilogram, D::PowerByMass, 1.0, 0.0, &["W/kg"]),
        (Unit::Joules, D::Energy, 1.0, 0.0, &["J"]),
        (Unit::Kilojoules, D::Energy, 1_000.0, 0.0, &["kJ"]),
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
    Mass,
    PowerByMass,
    Energy,
}

/// What a quantity is made of: the powers of metre, second, kilogram, degree
/// Celsius, degree of angle, beat a minute, revolution a minute and percent.
/// The last three stand for themselves: a pulse and a cadence cannot be added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Powers(pub [i8; 8]);

/// What the powers are of, for messages.
const BASES: [&str; 8] = ["m", "s", "kg", "°C", "°", "bpm", "rpm", "%"];

impl Powers {
    /// Of the product with `other`, raised to `times`.
    pub fn with(self, other: Powers, times: i8) -> Powers {
        let mut powers = self.0;
        for (power, other) in powers.iter_mut().zip(other.0) {
            *power = power.saturating_add(other.saturating_mul(times));
        }
        Powers(powers)
    }

    pub fn is_number(self) -> bool {
        self == Powers::default()
    }

    /// The kind of unit that they are, where that has a name.
    pub fn kind(self) -> Option<UnitKind> {
        UNITS.iter().map(|row| row.1).find(|kind| kind.powers() == self)
    }
}

impl fmt::Display for Powers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.iter().zip(BASES).filter(|(power, _)| **power != 0).peekable();
        while let Some((power, base)) = parts.next() {
            f.write_str(base)?;
            if *power != 1 {
                write!(f, "^{power}")?;
            }
            if parts.peek().is_some() {
                f.write_str(" ")?;
            }
        }
        Ok(())
    }
}

impl UnitKind {
    pub fn powers(self) -> Powers {
        Powers(match self {
            UnitKind::Number => [0; 8],
            UnitKind::Length => [1, 0, 0, 0, 0, 0, 0, 0],
            UnitKind::Time => [0, 1, 0, 0, 0, 0, 0, 0],
            UnitKind::Mass => [0, 0, 1, 0, 0, 0, 0, 0],
            UnitKind::Speed => [1, -1, 0, 0, 0, 0, 0, 0],
            UnitKind::Acceleration => [1, -2, 0, 0, 0, 0, 0, 0],
            UnitKind::Energy => [2, -2, 1, 0, 0, 0, 0, 0],
            UnitKind::Power => [2, -3, 1, 0, 0, 0, 0, 0],
            UnitKind::PowerByMass => [2, -3, 0, 0, 0, 0, 0, 0],
            UnitKind::Temperature => [0, 0, 0, 1, 0, 0, 0, 0],
            UnitKind::Angle => [0, 0, 0, 0, 1, 0, 0, 0],
            UnitKind::HeartRate => [0, 0, 0, 0, 0, 1, 0, 0],
            UnitKind::Cadence => [0, 0, 0, 0, 0, 0, 1, 0],
            UnitKind::Percent => [0, 0, 0, 0, 0, 0, 0, 1],
        })
    }

    /// The unit that the others of its kind are converted by.
    pub fn base(self) -> Unit {
        UNITS.iter().find(|row| row.1 == self).map_or(Unit::None, |row| row.0)
    }
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
        if from.1 != to.1 {
            return None;
        }
        Some(match (from.0.is_pace(), to.0.is_pace()) {
            (false, false) => (value * from.2 + from.3 - to.3) / to.2,
            (true, false) => from.2 / value / to.2,
            (false, true) => to.2 / (value * from.2),
            (true, true) => value * to.2 / from.2,
        })
    }

    /// Whether less of it is faster: a pace. Who rests has none (infinity).
    pub fn is_pace(self) -> bool {
        matches!(self, Unit::MinutesPerKilometre | Unit::MinutesPerMile)
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
        // 15 km/h is a kilometre in four minutes; a marathon (42.195 km) in 2:00:35 is 2:51.5 a
        // kilometre and 4:36 a mile.
        close(Unit::KilometresPerHour.convert(15.0, Unit::MinutesPerKilometre), 4.0);
        close(Unit::MinutesPerKilometre.convert(4.0, Unit::KilometresPerHour), 15.0);
        let pace = 7_235.0 / 60.0 / 42.195;
        let mile = Unit::MinutesPerKilometre.convert(pace, Unit::MinutesPerMile).unwrap();
        assert!((mile - (4.0 + 36.0 / 60.0)).abs() < 0.005, "{mile}");
        assert_eq!(Unit::MetresPerSecond.convert(0.0, Unit::MinutesPerKilometre), Some(f64::INFINITY));
        close(Unit::MetresPerSecond.convert(0.5, Unit::MetresPerHour), 1_800.0);
        close(Unit::FeetPerMinute.convert(196.850_393_700_787_4, Unit::MetresPerSecond), 1.0);
    }

    #[test]
    fn powers_name_the_kind_of_a_product() {
        let of = |unit: Unit| unit.kind().powers();
        assert_eq!(of(Unit::Watts).with(of(Unit::Kilograms), -1).kind(), Some(UnitKind::PowerByMass));
        assert_eq!(of(Unit::Watts).with(of(Unit::Seconds), 1).kind(), Some(UnitKind::Energy));
        assert_eq!(of(Unit::Knots).with(of(Unit::Hours), -1).kind(), Some(UnitKind::Acceleration));
        let odd = of(Unit::Watts).with(of(Unit::BeatsPerMinute), -1);
        assert_eq!((odd.kind(), odd.to_string().as_str()), (None, "m^2 s^-3 kg bpm^-1"));
    }

    #[test]
    fn every_unit_has_a_row() {
        for (unit, ..) in UNITS {
            assert_eq!(Unit::parse(unit.symbol()), Some(*unit));
        }
    }
}
