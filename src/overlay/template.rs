//! The template of a text overlay: literals and fields, and what a field says
//! in a frame.

use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Unit};
use crate::overlay::figures::Readout;
use crate::overlay::scene::Scene;

/// Lines of pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) lines: Vec<Vec<Piece>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Field(Field),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Channel { channel: String, decimals: Option<u8>, unit: Option<Unit> },
    Time(TimeField),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeField {
    /// Hours, minutes and seconds of the day.
    Clock,
    /// Hours and minutes of the day.
    Time,
    Date,
    /// Since the first sample of the log.
    Elapsed,
}

const TIMES: &[(&str, TimeField)] = &[
    ("clock", TimeField::Clock),
    ("time", TimeField::Time),
    ("date", TimeField::Date),
    ("elapsed", TimeField::Elapsed),
];

impl Template {
    /// # Errors
    /// A brace without its partner, a field without a name, a number of
    /// decimals or a unit that is none.
    pub(crate) fn parse(text: &str) -> Result<Template, Diagnostic> {
        let lines: Result<_, _> = text.split('\n').map(|line| parse_line(line.trim_end_matches('\r'))).collect();
        Ok(Template { lines: lines? })
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.lines.iter().flatten()
    }

    /// What stands still.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.pieces().filter_map(|piece| match piece {
            Piece::Literal(text) => Some(text.as_str()),
            Piece::Field(_) => None,
        })
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.pieces().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Field(field) => Some(field),
        })
    }

    pub(crate) fn is_still(&self) -> bool {
        self.fields().next().is_none()
    }

    /// The channels that its fields name, each once.
    pub(crate) fn channels(&self) -> Vec<String> {
        let mut channels: Vec<String> = Vec::new();
        for field in self.fields() {
            if let Field::Channel { channel, .. } = field
                && !channels.contains(channel)
            {
                channels.push(channel.clone());
            }
        }
        channels
    }

    /// What each field says over `scene`, in their order.
    ///
    /// # Errors
    /// When a field's unit measures something else than its channel.
    pub(crate) fn contents(&self, scene: &Scene<'_>, offset: Offset) -> Result<Vec<Content>, Diagnostic> {
        let content = |field: &Field| -> Result<Content, Diagnostic> {
            let (source, widest) = match field {
                Field::Channel { channel, decimals, unit } => {
                    let readout = Readout::new(scene.telemetry, channel, *unit, *decimals)?;
                    let widest = readout.widest(scene.telemetry, channel);
                    (Source::Channel(channel.clone(), readout), widest)
                }
                Field::Time(time) => {
                    let widest = match time {
                        TimeField::Clock => "00:00:00",
                        TimeField::Time => "00:00",
                        TimeField::Date => "0000-00-00",
                        TimeField::Elapsed => "0:00:00",
                    };
                    (Source::Time(*time, offset), vec![widest.to_owned()])
                }
            };
            Ok(Content { source, widest })
        };
        self.fields().map(content).collect()
    }
}

fn parse_line(line: &str) -> Result<Vec<Piece>, Diagnostic> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
        if let Some(after) = after.strip_prefix(brace) {
            literal.push_str(brace);
            rest = after;
            continue;
        }
        let inside = after.split_once('}').filter(|(inside, _)| brace == "{" && !inside.contains('{'));
        let Some((inside, after)) = inside else {
            let wrong = Diagnostic::input(format!("`{brace}` has no partner in {line:?}"));
            return Err(wrong.hint("a field is written {speed}, a brace itself {{ or }}"));
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Field(parse_field(inside)?));
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

fn parse_field(inside: &str) -> Result<Field, Diagnostic> {
    let wrong = |what: String| Diagnostic::input(format!("the field {{{inside}}} {what}"));
    let mut parts = inside.splitn(3, ':').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty());
    let Some(name) = name else {
        return Err(wrong("has no name".to_owned()).hint("name a channel: {speed}"));
    };
    let (decimals, unit) = (parts.next().filter(|p| !p.is_empty()), parts.next());
    if let Some((_, time)) = TIMES.iter().find(|(known, _)| *known == name) {
        return match decimals.or(unit) {
            None => Ok(Field::Time(*time)),
            Some(_) => Err(wrong("is a time and takes no decimals and no unit".to_owned())),
        };
    }
    let parse = |text: &str| text.parse::<u8>().ok().filter(|n| *n <= 6);
    let decimals = decimals.map(|text| {
        parse(text).ok_or_else(|| wrong(format!("has {text:?} for its decimal places")).hint("write 0 to 6: {speed:1}"))
    });
    let unit = unit.map(|text| {
        Unit::parse(text).ok_or_else(|| {
            let diagnostic = wrong(format!("has the unknown unit {text:?}"));
            match nearest(text, Unit::spellings()) {
                Some(near) => diagnostic.hint(format!("did you mean {near:?}?")),
                None => diagnostic,
            }
        })
    });
    Ok(Field::Channel { channel: name.to_owned(), decimals: decimals.transpose()?, unit: unit.transpose()? })
}

/// How far a clock is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offset {
    nanos: i64,
}

impl Offset {
    /// `+02:00`, `-0330`, `+2` or `Z`.
    pub(crate) fn parse(text: &str) -> Result<Offset, Diagnostic> {
        let wrong = || Diagnostic::input(format!("{text:?} is no offset from UTC")).hint("write it like \"+02:00\"");
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("z") {
            return Ok(Offset { nanos: 0 });
        }
        let sign = if trimmed.starts_with('-') { -1 } else { 1 };
        let unsigned = trimmed.strip_prefix(['+', '-']).ok_or_else(wrong)?;
        let (hours, minutes) = match (unsigned.split_once(':'), unsigned.len()) {
            (Some(parts), 4 | 5) => parts,
            (None, 1 | 2) => (unsigned, "00"),
            (None, 4) if unsigned.is_ascii() => unsigned.split_at(2),
            _ => return Err(wrong()),
        };
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
        let (hours, minutes) = number(hours).zip(number(minutes).filter(|_| minutes.len() == 2)).ok_or_else(wrong)?;
        if hours > 18 || minutes > 59 {
            return Err(wrong());
        }
        Ok(Offset { nanos: sign * (hours * 60 + minutes) * 60 * SECOND })
    }
}

const SECOND: i64 = 1_000_000_000;

/// What a field says.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    source: Source,
    /// Texts as wide as it can get.
    pub(crate) widest: Vec<String>,
}

#[derive(Clone, Debug)]
enum Source {
    Channel(String, Readout),
    Time(TimeField, Offset),
}

impl Content {
    /// In frame `index`; `None` where nobody knows.
    pub(crate) fn text(&self, scene: &Scene<'_>, index: u32) -> Option<String> {
        match &self.source {
            Source::Channel(channel, readout) => Some(readout.text(scene.value(channel, index)?)),
            Source::Time(TimeField::Elapsed, _) => {
                let first = *scene.telemetry?.times.first()?;
                let seconds = scene.time(index)?.checked_sub(first).filter(|t| *t >= 0)? / SECOND;
                Some(format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60))
            }
            Source::Time(field, offset) => {
                scene.utc(index).and_then(|time| clock(*field, time.checked_add(offset.nanos)?))
            }
        }
    }
}

/// The face of a clock whose reading is `nanos` since 1970 in its own zone.
fn clock(field: TimeField, nanos: i64) -> Option<String> {
    let second = nanos.div_euclid(SECOND).rem_euclid(86_400);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    match field {
        TimeField::Time => Some(format!("{h:02}:{m:02}")),
        TimeField::Date => {
            let time = jiff::Timestamp::from_nanosecond(i128::from(nanos)).ok()?;
            Some(time.strftime("%Y-%m-%d").to_string())
        }
        TimeField::Clock | TimeField::Elapsed => Some(format!("{h:02}:{m:02}:{s:02}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str, decimals: Option<u8>, unit: Option<Unit>) -> Piece {
        Piece::Field(Field::Channel { channel: name.to_owned(), decimals, unit })
    }

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn literals_and_fields() {
        let template = Template::parse("Lap {{1}} {speed:0} km/h\n{clock} {power::W}").unwrap();
        assert_eq!(template.lines[0], [literal("Lap {1} "), channel("speed", Some(0), None), literal(" km/h")]);
        let clock = Piece::Field(Field::Time(TimeField::Clock));
        assert_eq!(template.lines[1], [clock, literal(" "), channel("power", None, Some(Unit::Watts))]);
        assert_eq!(template.channels(), ["speed", "power"]);
    }

    #[test]
    fn mistakes_are_explained() {
        let message = |text: &str| Template::parse(text).unwrap_err().message;
        assert_eq!(message("{speed"), "`{` has no partner in \"{speed\"");
        assert_eq!(message("speed}"), "`}` has no partner in \"speed}\"");
        assert_eq!(message("{}"), "the field {} has no name");
        assert_eq!(message("{speed:x}"), "the field {speed:x} has \"x\" for its decimal places");
        assert_eq!(message("{speed:0:kmh/}"), "the field {speed:0:kmh/} has the unknown unit \"kmh/\"");
        assert_eq!(message("{clock:2}"), "the field {clock:2} is a time and takes no decimals and no unit");
    }

    /// 1700000000 is 2023-11-14T22:13:20Z (`date -u -d @1700000000`).
    #[test]
    fn clocks_show_local_time() {
        let time = |field, offset: &str| clock(field, 1_700_000_000 * SECOND + Offset::parse(offset).unwrap().nanos);
        assert_eq!(time(TimeField::Clock, "+00:00").unwrap(), "22:13:20");
        assert_eq!(time(TimeField::Time, "+02:00").unwrap(), "00:13");
        assert_eq!(time(TimeField::Date, "+02:00").unwrap(), "2023-11-15");
        assert_eq!(time(TimeField::Clock, "-0330").unwrap(), "18:43:20");
        for wrong in ["2", "+2:", "+99:00", "CET", "+00:75", ""] {
            assert!(Offset::parse(wrong).is_err(), "{wrong}");
        }
    }
}
