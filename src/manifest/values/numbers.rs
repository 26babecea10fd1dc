//! Exact numbers: weights, ratios, levels and units.

use serde::{Deserialize, Serialize};

use super::{Wrong, decimal, exact, from_text, number_or_text};
use crate::base::diagnostic::nearest;
use crate::base::{Bytes, Unit};
use crate::manifest::checker::Checker;
use crate::manifest::schema::{FromNode, mismatch};
use crate::manifest::tree::{Node, Value, quoted};

/// A number that is exact to thousandths, in thousandths: the ends of a
/// gauge's range, for example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(pub i64);

impl Number {
    pub const fn whole(value: i32) -> Self {
        Number(value as i64 * 1_000)
    }

    /// For display and drawing.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
}

impl FromNode for Number {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        plain(node, checker, 3, Self::expects).map(Number)
    }

    fn expects() -> String {
        "a number with at most three decimal places".to_owned()
    }

    fn to_text(&self) -> String {
        decimal(self.0, 3)
    }
}

/// How much an input counts in a score, in thousandths. Negative where it
/// counts against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(pub i32);

impl FromNode for Weight {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let value = plain(node, checker, 3, Self::expects)?;
        let weight = i32::try_from(value).ok().filter(|value| value.abs() <= 1_000_000);
        if weight.is_none() {
            mismatch::<Self>(node, checker);
        }
        weight.map(Weight)
    }

    fn expects() -> String {
        "a weight such as 0.2, from -1000 to 1000 with at most three decimal places".to_owned()
    }

    fn to_text(&self) -> String {
        decimal(i64::from(self.0), 3)
    }
}

/// A number from 0 to 1 in steps of 1 / 10,000: a confidence, an overlap, an
/// opacity. Also written in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(pub u16);

impl Ratio {
    pub const fn percent(value: u16) -> Self {
        Ratio(value * 100)
    }

    /// For display and drawing.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl FromNode for Ratio {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let value = number_or_text(node).and_then(|text| match (&node.value, text.strip_suffix('%')) {
            (_, Some(percent)) => exact(percent.trim_end(), 2),
            (Value::Text(_), None) => None,
            (_, None) => exact(&text, 4),
        });
        let ratio = value.and_then(|value| u16::try_from(value).ok()).filter(|value| *value <= 10_000);
        if ratio.is_none() {
            mismatch::<Self>(node, checker);
        }
        ratio.map(Ratio)
    }

    fn expects() -> String {
        "a number from 0 to 1 such as 0.25, or a percentage such as \"25%\"".to_owned()
    }

    fn to_text(&self) -> String {
        decimal(i64::from(self.0), 4)
    }
}

/// Parts per million, in 1 / 1,000 of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartsPerMillion(pub i32);

impl FromNode for PartsPerMillion {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let text = number_or_text(node);
        let value = text.and_then(|text| exact(text.strip_suffix("ppm").unwrap_or(&text).trim_end(), 3));
        let value = value.filter(|value| value.abs() <= 1_000_000).and_then(|value| i32::try_from(value).ok());
        if value.is_none() {
            mismatch::<Self>(node, checker);
        }
        value.map(PartsPerMillion)
    }

    fn expects() -> String {
        "parts per million from -1000 to 1000 such as 23.4 or \"23.4 ppm\"".to_owned()
    }

    fn to_text(&self) -> String {
        decimal(i64::from(self.0), 3)
    }
}

/// A gain in 1 / 100 dB: negative is quieter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decibels(pub i32);

impl FromNode for Decibels {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let Some(text) = number_or_text(node) else {
            mismatch::<Self>(node, checker);
            return None;
        };
        let bare = text.strip_suffix("dB").or_else(|| text.strip_suffix("db")).unwrap_or(&text).trim_end();
        let bare = bare.replacen('\u{2212}', "-", 1);
        let Some(value) = exact(&bare, 2) else {
            mismatch::<Self>(node, checker);
            return None;
        };
        match i32::try_from(value) {
            Ok(gain) if (-12_000..=4_000).contains(&gain) => Some(Decibels(gain)),
            _ => {
                checker.error(node.span, format!("a gain lies between -120 dB and 40 dB, found {bare} dB"));
                None
            }
        }
    }

    fn expects() -> String {
        "a gain in decibels such as -12 or \"-12 dB\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("\"{} dB\"", decimal(i64::from(self.0), 2))
    }
}

impl FromNode for Bytes {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        from_text(node, checker, |text| {
            let wrong = |_| Wrong::new(format!("expected {}, found {}", Self::expects(), node.describe()));
            text.parse().map_err(wrong)
        })
    }

    fn expects() -> String {
        "a size such as \"4GiB\" or \"500MB\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("\"{self}\"")
    }
}

impl FromNode for Unit {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        from_text(node, checker, |text| {
            Unit::parse(text).ok_or_else(|| {
                let wrong = Wrong::new(format!("unknown unit {}", quoted(text)));
                match nearest(text, Unit::spellings()) {
                    Some(near) => wrong.hint(format!("did you mean \"{near}\"?")),
                    None => {
                        let all: Vec<String> = Unit::spellings().map(|unit| format!("\"{unit}\"")).collect();
                        wrong.hint(format!("known are {}", all.join(", ")))
                    }
                }
            })
        })
    }

    fn expects() -> String {
        "a unit such as \"km/h\", \"m\", \"%\" or \"bpm\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("\"{}\"", self.symbol())
    }
}

/// A number that is written as such, times `10^places`.
fn plain(node: &Node, checker: &mut Checker, places: u32, expects: fn() -> String) -> Option<i64> {
    let value = match &node.value {
        Value::Int(_) | Value::Decimal(_) => number_or_text(node).and_then(|text| exact(&text, places)),
        _ => None,
    };
    if value.is_none() {
        let message = format!("expected {}, found {}", expects(), node.describe());
        match &node.value {
            Value::Text(text) if exact(text.trim(), places).is_some() => {
                checker.error_with_hint(node.span, message, format!("write {} without quotes", text.trim()));
            }
            _ => checker.error(node.span, message),
        }
    }
    value
}
