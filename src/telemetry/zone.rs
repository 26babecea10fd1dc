//! Time zones of logs that are written in local time.
//!
//! Zones come from the database that is compiled in, and not from that of the
//! machine: another machine, or the same one after an update, must read the
//! same log to the same times.

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::base::Diagnostic;
use crate::base::diagnostic::nearest;
use crate::manifest::checker::Checker;
use crate::manifest::schema::FromNode;
use crate::manifest::tree::Node;

/// A zone as it is written: `Europe/Berlin`, `+05:30` or `UTC`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zone(pub String);

impl Zone {
    /// Its rules.
    ///
    /// # Errors
    /// Where no zone is called so: with the nearest names.
    pub fn rules(&self) -> Result<TimeZone, Diagnostic> {
        find(&self.0).ok_or_else(|| unknown(&self.0))
    }
}

impl FromNode for Zone {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let zone = Zone(String::from_node(node, checker)?);
        match zone.rules() {
            Ok(_) => Some(zone),
            Err(problem) => {
                checker.report(node.span, problem);
                None
            }
        }
    }

    fn expects() -> String {
        "a time zone such as \"Europe/Berlin\", \"+05:30\" or \"UTC\"".to_owned()
    }

    fn to_text(&self) -> String {
        self.0.to_text()
    }
}

/// A zone by its IANA name, `UTC` or a fixed offset.
fn find(text: &str) -> Option<TimeZone> {
    let text = text.trim();
    match text {
        "UTC" | "utc" | "Z" | "z" | "GMT" => Some(TimeZone::UTC),
        _ => match offset_seconds(text.as_bytes()) {
            Some(seconds) => Offset::from_seconds(seconds).ok().map(TimeZone::fixed),
            None => TimeZoneDatabase::bundled().get(text).ok(),
        },
    }
}

/// Most names that a message lists.
const LISTED: usize = 4;

fn unknown(text: &str) -> Diagnostic {
    let problem = Diagnostic::input(format!("no time zone is called {text:?}"));
    let database = TimeZoneDatabase::bundled();
    let names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
    let squashed =
        |name: &str| -> String { name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    // `Berlin`, `new york`: a name without its continent, or with another.
    let wanted = squashed(text.rsplit('/').next().unwrap_or(text));
    let city = |name: &&String| name.rsplit('/').next().is_some_and(|city| squashed(city) == wanted);
    let mut near: Vec<&str> = names.iter().filter(city).map(String::as_str).take(LISTED).collect();
    if near.is_empty() {
        near.extend(nearest(text, names.iter().map(String::as_str)));
    }
    match &near[..] {
        [] => problem.hint("write a name such as `Europe/Berlin`, an offset such as `+05:30`, or `UTC`"),
        [one] => problem.hint(format!("did you mean `{one}`?")),
        several => problem.hint(format!("did you mean one of `{}`?", several.join("`, `"))),
    }
}

/// `+hh`, `+hhmm` or `+hh:mm`, in seconds.
pub(super) fn offset_seconds(text: &[u8]) -> Option<i32> {
    let (sign, rest) = match text.split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let two = |digits: &[u8]| match digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i32::from(a - b'0') * 10 + i32::from(b - b'0')),
        _ => None,
    };
    let (hours, minutes) = match rest.len() {
        2 => (two(rest)?, 0),
        4 => (two(&rest[..2])?, two(&rest[2..])?),
        5 if rest[2] == b':' => (two(&rest[..2])?, two(&rest[3..])?),
        _ => return None,
    };
    (hours <= 25 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_names_or_offsets() {
        assert_eq!(find("UTC"), Some(TimeZone::UTC));
        assert_eq!(find("+05:30"), Some(TimeZone::fixed(Offset::from_seconds(19_800).unwrap())));
        assert_eq!(offset_seconds(b"-0930"), Some(-34_200));
        assert_eq!(offset_seconds(b"+2"), None);
        assert!(find("Europe/Berlin").is_some() && find("Asia/Kolkata").is_some());
        assert!(find("Mars/Olympus").is_none());
    }

    #[test]
    fn a_name_that_is_none_is_told_with_the_nearest() {
        let hint = |text: &str| Zone(text.to_owned()).rules().unwrap_err().hint.unwrap();
        assert_eq!(hint("Europe/Berln"), "did you mean `Europe/Berlin`?");
        assert_eq!(hint("Berlin"), "did you mean `Europe/Berlin`?");
        assert_eq!(hint("new york"), "did you mean `America/New_York`?");
        assert_eq!(hint("Europe/Calcutta"), "did you mean `Asia/Calcutta`?");
        assert!(hint("xyzzy plugh").contains("+05:30"));
    }
}
