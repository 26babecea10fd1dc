//! Places on the Earth and lengths on the ground.

use serde::{Deserialize, Serialize};

use super::{Wrong, decimal, exact, from_text, number_or_text};
use crate::base::{Unit, UnitKind};
use crate::manifest::checker::Checker;
use crate::manifest::schema::{FromNode, mismatch};
use crate::manifest::tree::{Node, Value};

/// A place on the Earth (WGS 84) in steps of 1 / 10,000,000 of a degree: some
/// 1 cm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Coordinates {
    pub latitude: i32,
    pub longitude: i32,
}

impl Coordinates {
    /// Steps of a degree.
    pub const SCALE: f64 = 1e7;
}

impl FromNode for Coordinates {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let degrees: Option<Vec<f64>> = match &node.value {
            Value::Tuple(items) if node.name.is_none() => items.iter().map(|item| finite(&number_of(item)?)).collect(),
            // As map services give it.
            Value::Text(text) => text.split(',').map(finite).collect(),
            _ => None,
        };
        let Some(&[latitude, longitude]) = degrees.as_deref() else {
            mismatch::<Self>(node, checker);
            return None;
        };
        if latitude.abs() > 90.0 || longitude.abs() > 180.0 {
            let message = format!("{latitude}, {longitude} is not on Earth");
            let hint = "the latitude comes first, from -90 to 90, then the longitude, from -180 to 180";
            checker.error_with_hint(node.span, message, hint);
            return None;
        }
        let steps = |degrees: f64| libm::round(degrees * Self::SCALE) as i32;
        Some(Coordinates { latitude: steps(latitude), longitude: steps(longitude) })
    }

    fn expects() -> String {
        "a place as latitude and longitude in degrees such as (47.3769, 8.5417)".to_owned()
    }

    fn to_text(&self) -> String {
        format!("({}, {})", decimal(i64::from(self.latitude), 7), decimal(i64::from(self.longitude), 7))
    }
}

fn number_of(node: &Node) -> Option<String> {
    number_or_text(node).filter(|_| !matches!(node.value, Value::Text(_)))
}

fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A length in millimetres, more than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Length(pub u64);

impl FromNode for Length {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        from_text(node, checker, |text| {
            let wrong = || Wrong::new(format!("expected {}, found {}", Self::expects(), node.describe()));
            let end = text.trim_end().trim_end_matches(|c: char| c.is_alphabetic()).len();
            let (number, unit) = text.split_at(end);
            let unit = Unit::parse(unit).filter(|unit| unit.kind() == UnitKind::Length);
            let Some(unit) = unit else { return Err(wrong().hint("name its unit: \"200m\", \"1.5km\", \"300ft\"")) };
            let value = exact(number.trim(), 3).ok_or_else(wrong)?;
            // Thousandths of the unit to millimetres.
            let metres = unit.convert(value as f64 / 1e3, Unit::Metres).unwrap_or(0.0);
            match libm::round(metres * 1e3) {
                millimetres if (1.0..=1e11).contains(&millimetres) => Ok(Length(millimetres as u64)),
                _ => Err(Wrong::new("a length is more than 0 and at most 100000 km")),
            }
        })
    }

    fn expects() -> String {
        "a length such as \"200m\" or \"1.5km\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("\"{}m\"", decimal(i64::try_from(self.0).unwrap_or(i64::MAX), 3))
    }
}
