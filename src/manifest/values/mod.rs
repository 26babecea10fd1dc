//! The values that people write in a manifest: times, rates, sizes, lengths,
//! colours, levels. Each is exact, says what it expects, and knows the usual
//! mistakes.

mod numbers;
mod pictures;
mod places;
mod times;

pub use numbers::{Decibels, Number, PartsPerMillion, Ratio, Weight};
pub use pictures::{Anchor, Rgba, Share};
pub use places::{Coordinates, Length};
pub(crate) use times::is_recording;
pub use times::{Position, time};

use crate::base::Diagnostic;
use crate::manifest::checker::Checker;
use crate::manifest::schema::{FromNode, mismatch};
use crate::manifest::tree::{Node, Value};

/// Why a text is not the value that it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrong {
    message: String,
    hint: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>) -> Self {
        Wrong { message: message.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Wrong { hint: Some(hint.into()), ..self }
    }

    fn report(self, node: &Node, checker: &mut Checker) {
        let mut diagnostic = Diagnostic::input(self.message);
        diagnostic.hint = self.hint;
        checker.report(node.span, diagnostic);
    }
}

/// Reads a value that is written as a text.
fn from_text<T: FromNode>(
    node: &Node,
    checker: &mut Checker,
    parse: impl FnOnce(&str) -> Result<T, Wrong>,
) -> Option<T> {
    match &node.value {
        Value::Text(text) => parse(text).map_err(|wrong| wrong.report(node, checker)).ok(),
        _ => {
            mismatch::<T>(node, checker);
            None
        }
    }
}

/// What of a number or a text stands there, for values that are written as
/// either.
fn number_or_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Int(value) => Some(value.to_string()),
        Value::Decimal(text) | Value::Text(text) => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// A decimal number times `10^places`, exactly; `None` where it is none, has
/// more places than that or is too large.
fn exact(text: &str, places: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || !digits.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let missing = places.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let joined = format!("0{whole}{fraction}");
    let value = joined.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(missing)?)?;
    Some(if negative { -value } else { value })
}

/// `value / 10^places` without zeros at its end: the opposite of [`exact`].
fn decimal(value: i64, places: usize) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests;
