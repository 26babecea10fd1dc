//! How a manifest puts a camera's clock right, in any of its notations.

use crate::base::{Timestamp, UtcTime};
use crate::manifest::checker::Checker;
use crate::manifest::lockfile::literal;
use crate::manifest::manifest::{At, Clock, Sighting};
use crate::manifest::schema::{FromNode, StructDoc, mismatch, schema};
use crate::manifest::sections::dated;
use crate::manifest::tree::{Node, Span, Value};
use crate::manifest::values::PartsPerMillion;

schema! {
    /// How a camera's clock is put right. `clock: "+07:01:39"` is short for an
    /// offset, `clock: "2024-06-01T10:00:00Z"` for a start, and
    /// `clock: "GX010012.MP4 @ 00:01:10 = 2024-06-01T10:21:04Z"` for what is seen
    /// at 1:10 of that file and when it happened; several of these stand in a
    /// list, each for the recording that its file is of. `clock: Motion` is for
    /// cameras that measure nothing: how much the picture moves is compared with
    /// the log's speed, for which all of it is decoded, and which is never sure.
    ///
    /// ```ron
    /// Clock(seen: ["GX010012 @ 70s = 2024-06-01T10:21:04Z"], drift: 23.4)
    /// ```
    pub struct ClockFields = "Clock", check = ClockFields::check {
        /// Added to what the camera says.
        offset: Timestamp = Timestamp::ZERO,
        /// When the first recording starts, whatever the camera says.
        start: Option<UtcTime> = None,
        /// What is seen at a time of a file, and when that happened: `FILE @ TIME
        /// = INSTANT`. The file is named with or without its folder and ending.
        /// Other recordings follow the first of these by the camera's own clock.
        /// Two that lie ten minutes apart in one recording tell its drift as
        /// well, where it is more than they can be wrong by: a second where one of
        /// them is in whole seconds.
        seen: Vec<Sighting> = Vec::new(),
        /// By how many parts per million true time goes faster than the film's:
        /// from -1000 to 1000.
        drift: PartsPerMillion = PartsPerMillion(0),
    }
}

impl ClockFields {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if let Some(offset) = node.field("offset")
            && let Value::Text(text) = &offset.value
            && is_ambiguous(text)
        {
            ambiguous(text, offset, checker);
        }
        let stated = ["offset", "start", "seen"].into_iter().filter(|name| node.field(name).is_some());
        let stated: Vec<&str> = stated.filter(|name| *name != "start" || self.start.is_some()).collect();
        let says_nothing = stated.is_empty() && node.field("drift").is_none();
        if says_nothing || (stated == ["seen"] && self.seen.is_empty()) {
            nothing(node, checker);
        }
        if let [first, second, ..] = stated[..] {
            let hint = "each says all that there is to say; keep one of them";
            let article = if first == "offset" { "an" } else { "a" };
            checker.error_with_hint(node.span, format!("a clock has {article} {first} or a {second}, not both"), hint);
        }
    }
}

/// Whether it is two numbers: elsewhere these are minutes and seconds, but offsets
/// of clocks are written with hours and minutes as often. (A fraction is one of
/// seconds.)
fn is_ambiguous(text: &str) -> bool {
    text.matches(':').count() == 1 && !text.contains(['@', '=', 'T', '.'])
}

fn ambiguous(text: &str, node: &Node, checker: &mut Checker) {
    let text = text.trim();
    let (sign, digits) = text.split_at(text.len() - text.trim_start_matches(['+', '-', '\u{2212}']).len());
    let message = format!("the offset {text:?} may be hours and minutes, or minutes and seconds");
    let (first, second) = digits.split_once(':').unwrap_or((digits, "0"));
    let hint = format!("write \"{sign}{first}h{second}min\" or \"{sign}{first}min{second}s\"");
    checker.error_with_hint(node.span, message, hint);
}

/// Not even that the camera is right, which would be an offset of 0.
fn nothing(node: &Node, checker: &mut Checker) {
    let hint = "leave `clock` out to have it found, or write \"0s\" where the camera is right";
    checker.error_with_hint(node.span, "this clock states nothing", hint);
}

impl FromNode for Clock {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let clock = match &node.value {
            // Not stated, but to be found.
            Value::Ident(name) if name == "Motion" => return Some(Clock { motion: true, ..Clock::default() }),
            Value::Text(text) if text.contains('=') => {
                Clock { seen: vec![Sighting::from_node(node, checker)?], ..Clock::default() }
            }
            Value::Text(text) if dated(text) => {
                Clock { start: Some(UtcTime::from_node(node, checker)?), ..Clock::default() }
            }
            Value::Text(text) if is_ambiguous(text) => {
                ambiguous(text, node, checker);
                return None;
            }
            Value::Text(_) | Value::Int(_) | Value::Decimal(_) => {
                Clock { offset: Timestamp::from_node(node, checker)?, ..Clock::default() }
            }
            Value::Seq(seen) if node.name.is_none() && seen.is_empty() => {
                nothing(node, checker);
                return None;
            }
            Value::Seq(_) if node.name.is_none() => Clock { seen: Vec::from_node(node, checker)?, ..Clock::default() },
            _ => {
                let ClockFields { offset, start, seen, drift } = ClockFields::from_node(node, checker)?;
                Clock { offset, start, seen, drift: drift.0, ..Clock::default() }
            }
        };
        Some(Clock { stated: true, ..clock })
    }

    fn expects() -> String {
        "an offset such as \"+07:01:39\", an instant such as \"2024-06-01T10:00:00Z\", what is seen when \
         (\"GX010012.MP4 @ 00:01:10 = 2024-06-01T10:21:04Z\", or several in a list), `Clock(...)`, or `Motion`"
            .to_owned()
    }

    fn to_text(&self) -> String {
        match self.seen.first() {
            None if !self.stated => "found".to_owned(),
            Some(_) => self.seen.to_text(),
            None => self.start.map_or_else(|| self.offset.to_text(), |start| start.to_text()),
        }
    }

    fn parts() -> Vec<StructDoc> {
        ClockFields::parts()
    }
}

const FORM: &str = "write it as file @ time = instant, e.g. \"GX010012.MP4 @ 00:01:10 = 2024-06-01T10:21:04Z\"";

impl FromNode for Sighting {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            mismatch::<Self>(node, checker);
            return None;
        };
        // Names of files may have either sign.
        let parts = text.rsplit_once('@').map(|(file, rest)| (file, rest.rsplit_once('=')));
        let Some((file, Some((time, instant)))) = parts else {
            let missing = if parts.is_none() { "at which time of a file" } else { "when it happened" };
            checker.error_with_hint(node.span, format!("{text:?} does not say {missing}"), FORM);
            return None;
        };
        // Where a part stands in the text, where nothing in it is escaped.
        let plain = node.span.end - node.span.start == text.len() + 2;
        let part = |part: &str| {
            let trimmed = part.trim();
            let from = trimmed.as_ptr().addr() - text.as_ptr().addr();
            let start = node.span.start + 1 + from;
            let span = if plain { Span::new(start, start + trimmed.len()) } else { node.span };
            Node { span, name: None, value: Value::Text(trimmed.to_owned()) }
        };
        let (at, utc) = (part(time), part(instant));
        let read = (Timestamp::from_node(&at, checker), UtcTime::from_node(&utc, checker));
        let file = part(file);
        if file.value == Value::Text(String::new()) {
            checker.error_with_hint(node.span, format!("{text:?} names no file"), FORM);
            return None;
        }
        let (time, utc) = (read.0?, read.1?);
        if time.is_negative() {
            checker.error(at.span, format!("{:?} lies before the file's start", self::text(&at)));
            return None;
        }
        let place = At(checker.place(file.span));
        Some(Sighting { file: self::text(&file).to_owned(), time, utc, place, time_place: At(checker.place(at.span)) })
    }

    fn expects() -> String {
        "what is seen when, such as \"GX010012.MP4 @ 00:01:10 = 2024-06-01T10:21:04Z\"".to_owned()
    }

    fn to_text(&self) -> String {
        literal(&format!("{} @ {} = {}", self.file, self.time, self.utc))
    }
}

fn text(node: &Node) -> &str {
    match &node.value {
        Value::Text(text) => text,
        _ => "",
    }
}
