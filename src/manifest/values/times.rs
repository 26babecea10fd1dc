//! Times and durations as people write them, exact to the nanosecond; instants;
//! and positions in a recording.

use serde::{Deserialize, Serialize};

use super::{Wrong, decimal, from_text};
use crate::base::{Timestamp, UtcTime};
use crate::manifest::checker::Checker;
use crate::manifest::schema::FromNode;
use crate::manifest::tree::{Node, Value, quoted};
use crate::model::Moment;

const SECOND: i128 = 1_000_000_000;

/// Units of time in ns, with their spellings.
const UNITS: &[(i128, &[&str])] = &[
    (86_400 * SECOND, &["d", "day", "days"]),
    (3_600 * SECOND, &["h", "hr", "hour", "hours"]),
    (60 * SECOND, &["min", "m", "mins", "minute", "minutes"]),
    (SECOND, &["s", "sec", "secs", "second", "seconds"]),
    (1_000_000, &["ms"]),
    (1_000, &["us", "µs"]),
    (1, &["ns"]),
];

impl FromNode for Timestamp {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        match &node.value {
            Value::Int(0) => Some(Timestamp::ZERO),
            Value::Int(_) | Value::Decimal(_) => {
                let number = super::number_or_text(node).unwrap_or_default();
                let message = format!("expected a time, found the number {number} without a unit");
                checker.error_with_hint(node.span, message, format!("write \"{number}s\" for seconds"));
                None
            }
            _ => from_text(node, checker, parse_time),
        }
    }

    fn expects() -> String {
        "a time such as \"3.5s\", \"500ms\", \"5min\", \"1h30min\" or \"00:03:12.5\"".to_owned()
    }

    fn to_text(&self) -> String {
        let nanos = self.to_nanos();
        let of = |unit: i64| nanos % unit == 0;
        match nanos {
            0 => "\"0s\"".to_owned(),
            _ if of(3_600_000_000_000) => format!("\"{}h\"", nanos / 3_600_000_000_000),
            _ if of(60_000_000_000) => format!("\"{}min\"", nanos / 60_000_000_000),
            _ if nanos.abs() < 1_000_000_000 => format!("\"{}ms\"", decimal(nanos, 6)),
            _ => format!("\"{}s\"", decimal(nanos, 9)),
        }
    }
}

/// A span of time out of a text that is not in a manifest.
pub fn time(text: &str) -> Result<Timestamp, String> {
    parse_time(text).map_err(|wrong| match wrong.hint {
        Some(hint) => format!("{} ({hint})", wrong.message),
        None => wrong.message,
    })
}

/// A span of time: a sum of numbers with units ("1h30min"), or hours, minutes
/// and seconds with colons ("00:03:12.5"), either with a sign before it.
fn parse_time(text: &str) -> Result<Timestamp, Wrong> {
    let trimmed = text.trim();
    let (negative, rest) = match trimmed.strip_prefix(['-', '\u{2212}', '+']) {
        Some(rest) => (!trimmed.starts_with('+'), rest.trim_start()),
        None => (false, trimmed),
    };
    let nanos = if rest.contains(':') { with_colons(rest) } else { with_units(rest) };
    let nanos = nanos.map_err(|reason| {
        let wrong = Wrong::new(format!("{} is not a time: {reason}", quoted(text)));
        match rest.parse::<f64>() {
            Ok(_) => wrong.hint(format!("write \"{trimmed}s\" for seconds")),
            Err(_) => wrong.hint("write it like \"3.5s\", \"500ms\", \"5min\", \"1h30min\" or \"00:03:12.5\""),
        }
    })?;
    let signed = i64::try_from(if negative { -nanos } else { nanos });
    signed.map(Timestamp::from_nanos).map_err(|_| Wrong::new(format!("{} is too long a time", quoted(text))))
}

/// `h:mm:ss` or `mm:ss`, the seconds with up to nine decimal places.
fn with_colons(text: &str) -> Result<i128, String> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 {
        return Err("it has more than hours, minutes and seconds".to_owned());
    }
    let mut nanos = 0;
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        let whole = part.split('.').next().unwrap_or_default();
        if (at > 0 && whole.len() != 2) || whole.is_empty() || whole.len() > 6 {
            return Err(format!("{} are two digits", if last { "seconds" } else { "minutes" }));
        }
        let value = super::exact(part, if last { 9 } else { 0 }).filter(|_| !part.starts_with(['-', '+']));
        let value = value.ok_or_else(|| format!("`{part}` is not a number"))?;
        let value = i128::from(value) * if last { 1 } else { SECOND };
        if at > 0 && value >= 60 * SECOND {
            return Err(format!("`{part}` is more than 59"));
        }
        nanos = nanos * 60 + value;
    }
    Ok(nanos)
}

/// Numbers with units, the larger units first, each once.
fn with_units(text: &str) -> Result<i128, String> {
    let mut rest = text.trim_start();
    let mut total: i128 = 0;
    let mut before = i128::MAX;
    if rest.is_empty() {
        return Err("it is empty".to_owned());
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        if number.is_empty() {
            return Err(format!("a number is missing before {}", quoted(rest)));
        }
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        if name.is_empty() {
            return Err(format!("`{number}` has no unit"));
        }
        let unit = UNITS.iter().find(|(_, names)| names.contains(&name)).map(|(nanos, _)| *nanos);
        let unit = unit.ok_or_else(|| format!("there is no unit `{name}`"))?;
        if unit >= before {
            return Err(format!("`{name}` stands after a unit that is not larger"));
        }
        before = unit;
        let value = super::exact(number, 9).ok_or_else(|| format!("`{number}` is not a number"))?;
        let nanos = i128::from(value) * unit;
        if nanos % SECOND != 0 {
            return Err("it is finer than a nanosecond".to_owned());
        }
        total += nanos / SECOND;
        rest = after.trim_start();
    }
    Ok(total)
}

/// ISO 8601, with `Z` or an offset: a time without either is nobody's.
impl FromNode for UtcTime {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        from_text(node, checker, parse_instant)
    }

    fn expects() -> String {
        "an instant such as \"2024-06-01T10:00:00Z\" or \"2024-06-01T12:00:00+02:00\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("\"{self}\"")
    }
}

fn parse_instant(text: &str) -> Result<UtcTime, Wrong> {
    let trimmed = text.trim();
    match trimmed.parse::<jiff::Timestamp>() {
        Ok(time) => i64::try_from(time.as_nanosecond())
            .map(UtcTime)
            .map_err(|_| Wrong::new(format!("{} is too far away", quoted(text))).hint("use a year from 1678 to 2261")),
        Err(_) if trimmed.parse::<jiff::civil::DateTime>().is_ok() => {
            let wrong = Wrong::new(format!("{} does not say in which time zone it is", quoted(text)));
            let day =
                if trimmed.contains(['T', 't', ' ']) { trimmed.to_owned() } else { format!("{trimmed}T00:00:00") };
            Err(wrong.hint(format!("add `Z` for UTC or the offset: \"{day}Z\", \"{day}+02:00\"")))
        }
        Err(_) => Err(Wrong::new(format!("{} is not an instant", quoted(text)))
            .hint("write it like \"2024-06-01T10:00:00Z\" or \"2024-06-01T12:00:00+02:00\"")),
    }
}

/// A time in a recording: `"front/GX010012@192.0s"`. This is how `autocut
/// explain` and the storyboard name a moment, so that it can be copied.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// `camera/recording`.
    pub recording: String,
    /// From the recording's start.
    pub time: Timestamp,
}

impl Position {
    /// The name of the camera: that of a footage set.
    pub fn camera(&self) -> &str {
        self.recording.split('/').next().unwrap_or_default()
    }
}

impl FromNode for Position {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        from_text(node, checker, parse_position)
    }

    fn expects() -> String {
        "a position such as \"front/GX010012@192.0s\" or \"front/GX010012 @ 00:03:12\"".to_owned()
    }

    fn to_text(&self) -> String {
        let moment =
            Moment { recording: self.recording.clone(), start: self.time, length: Timestamp::ZERO, pinned: false };
        format!("\"{}\"", moment.node())
    }
}

fn parse_position(text: &str) -> Result<Position, Wrong> {
    let form = "write it as camera/recording@time, e.g. \"front/GX010012@192.0s\"";
    let Some((recording, time)) = text.rsplit_once('@') else {
        return Err(Wrong::new(format!("{} does not say at which time", quoted(text))).hint(form));
    };
    let recording = recording.trim();
    if !is_recording(recording) {
        return Err(Wrong::new(format!("{} names no recording of a camera", quoted(text))).hint(form));
    }
    let time = parse_time(time)?;
    if time.is_negative() {
        return Err(Wrong::new(format!("{} lies before the recording's start", quoted(text))));
    }
    Ok(Position { recording: recording.to_owned(), time })
}

/// Whether this has the form `camera/recording`.
pub(crate) fn is_recording(text: &str) -> bool {
    text.split_once('/').is_some_and(|(camera, name)| !camera.trim().is_empty() && !name.trim().is_empty())
}
