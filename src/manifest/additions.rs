//! The sections that say what a project adds to its telemetry, and takes from
//! it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::diagnostic::nearest;
use crate::base::{Timestamp, Unit};
use crate::manifest::checker::Checker;
use crate::manifest::expression::{self, Known};
use crate::manifest::manifest::{Additions, At, OwnChannel, TextPlace, Zones};
use crate::manifest::schema::{FromNode, StructDoc, entries, mismatch, schema};
use crate::manifest::tree::{Node, Span, Value, quoted};
use crate::manifest::values::{Coordinates, Length, Number};
use crate::model::specs::{LapRule, PrivatePlace};
use crate::model::usual::usual_unit;

schema! {
    /// A place that must not be found: within `radius` of it, nothing that an
    /// output shows or names has a position.
    ///
    /// ```ron
    /// Place(at: (47.3769, 8.5417), radius: "200m")
    /// ```
    pub struct PlaceFields = "Place", check = PlaceFields::check {
        /// Its latitude and longitude.
        at: Coordinates,
        /// How far around it positions are unknown, up to 50 km.
        radius: Length,
    }
}

/// The largest radius, in millimetres: what is hidden is reckoned on a plane.
const LARGEST: u64 = 50_000_000;

impl PlaceFields {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if self.radius.0 > LARGEST {
            let span = node.field("radius").map_or(node.span, |radius| radius.span);
            checker.error_with_hint(
                span,
                "a place is at most 50 km around",
                "name several places, or leave the map out",
            );
        }
    }
}

schema! {
    /// A channel that is computed from others, sample by sample. The text alone
    /// is short for it. See [the language](telemetry.md#own-channels).
    ///
    /// ```ron
    /// Expr(value: "rate(speed, 1s)", unit: "g")
    /// ```
    pub struct ExprFields = "Expr" {
        /// How it is computed: `"power / 72kg"`.
        value: String,
        /// What its values are in, instead of the unit that follows from those of
        /// the channels; of a number without a unit, what stands behind it.
        unit: Option<Unit> = None,
    }
}

schema! {
    /// Laps that begin where the way crosses a line, always in the direction of
    /// the first crossing. What comes before that is lap 0.
    ///
    /// ```ron
    /// Line(from: (47.3769, 8.5417), to: (47.3771, 8.5419), at_least: "30s")
    /// ```
    pub struct LineFields = "Line", check = LineFields::check {
        /// One end of the line.
        from: Coordinates,
        /// The other.
        to: Coordinates,
        /// A crossing sooner after the last one does not count.
        at_least: Timestamp = Timestamp::from_seconds(10),
    }
}

impl LineFields {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if self.from == self.to {
            checker.error_with_hint(
                node.span,
                "the line has no length",
                "give it two ends, one on each side of the road",
            );
        }
        if self.at_least.is_negative() {
            let span = node.field("at_least").map_or(node.span, |field| field.span);
            checker.error(span, "the least time of a lap is not negative");
        }
    }
}

/// How laps are told apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LapsValue {
    Line(LineFields),
    Distance(Length),
}

impl FromNode for LapsValue {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        match (&node.name, &node.value) {
            (Some(name), Value::Tuple(items)) if name.text == "Distance" && items.len() == 1 => {
                Length::from_node(&items[0], checker).map(LapsValue::Distance)
            }
            (Some(name), _) if name.text == "Line" => LineFields::from_node(node, checker).map(LapsValue::Line),
            _ => {
                mismatch::<Self>(node, checker);
                None
            }
        }
    }

    fn expects() -> String {
        "`Line(...)` or `Distance(\"5km\")`".to_owned()
    }

    fn parts() -> Vec<StructDoc> {
        LineFields::parts()
    }
}

/// One bound between two zones: a number, or one with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// In thousandths.
    value: i64,
    unit: Option<Unit>,
}

impl FromNode for Bound {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            return Number::from_node(node, checker).map(|value| Bound { value: value.0, unit: None });
        };
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let value = number.parse::<f64>().ok().filter(|value| value.abs() < 1e12);
        match value.zip(Unit::parse(unit).filter(|_| !unit.trim().is_empty())) {
            Some((value, unit)) => Some(Bound { value: libm::round(value * 1e3) as i64, unit: Some(unit) }),
            None => {
                mismatch::<Self>(node, checker);
                None
            }
        }
    }

    fn expects() -> String {
        "a number, or one with its unit such as \"20 km/h\"".to_owned()
    }
}

/// Most bounds of zones.
const MOST_BOUNDS: usize = 20;

/// The sections that add to the telemetry, in the order of the reference.
pub(crate) const SECTIONS: [&str; 4] = ["channels", "zones", "laps", "privacy"];

/// Reads all of them before it gives up on one that failed.
pub(crate) fn read(project: &Node, has_log: bool, checker: &mut Checker) -> Option<Additions> {
    let present = |name: &str| {
        project.field(name).filter(|node| node.value != Value::Ident("None".to_owned()) || node.name.is_some())
    };
    if !has_log {
        for (section, stated) in SECTIONS.iter().filter_map(|name| Some((name, present(name)?))) {
            let message = format!("`{section}` is about telemetry, and there is no telemetry");
            checker.error_with_hint(stated.span, message, "declare it: `telemetry: \"ride.fit\"`");
        }
    }
    let channels = present("channels").map_or(Some(Vec::new()), |node| channels(node, project, checker));
    let zones = present("zones").map_or(Some(Vec::new()), |node| zones(node, checker));
    let laps = present("laps").map_or(Some(None), |node| LapsValue::from_node(node, checker).map(Some));
    let places = present("privacy").map_or(Some(Vec::new()), |node| Vec::<PlaceFields>::from_node(node, checker));
    let place = |PlaceFields { at, radius }: &PlaceFields| PrivatePlace {
        latitude: at.latitude,
        longitude: at.longitude,
        radius: radius.0,
    };
    let mut privacy: Vec<PrivatePlace> = places?.iter().map(place).collect();
    // In whatever order they are written, they hide the same.
    privacy.sort_unstable();
    privacy.dedup();
    let ends = |at: Coordinates| (at.latitude, at.longitude);
    let laps = laps?.map(|laps| match laps {
        LapsValue::Line(LineFields { from, to, at_least }) => LapRule::Line {
            from: ends(from),
            to: ends(to),
            at_least_ms: u32::try_from(at_least.to_millis()).unwrap_or(u32::MAX),
        },
        LapsValue::Distance(length) => LapRule::Distance { millimetres: length.0 },
    });
    let laps_place = At(checker.place(project.field("laps").map_or(project.span, |node| node.span)));
    Some(Additions { channels: channels?, zones: zones?, laps, laps_place, privacy })
}

/// The names that the sections add, as far as they are written.
pub(crate) fn names(project: &Node) -> Vec<String> {
    let keys = |section: &str| match project.field(section).map(|node| &node.value) {
        Some(Value::Map(pairs)) => pairs
            .iter()
            .filter_map(|(key, _)| if let Value::Text(text) = &key.value { Some(text.clone()) } else { None })
            .collect(),
        _ => Vec::new(),
    };
    let mut names = keys("channels");
    names.extend(keys("zones").into_iter().map(|name| format!("{name}_zone")));
    names
}

fn channels(node: &Node, project: &Node, checker: &mut Checker) -> Option<Vec<OwnChannel>> {
    let mut complete = true;
    let mut found = Vec::new();
    let added = names(project);
    for (name, span, value) in entries(node, "channels", checker)? {
        if !expression::is_name(name) || expression::FUNCTIONS.iter().any(|known| known.0 == name) {
            let message = format!("{} cannot be the name of a channel", quoted(name));
            let hint = "it has letters, digits and `_`, starts with no digit, and is no function's name";
            checker.error_with_hint(span, message, hint);
            complete = false;
        }
        match channel(name, span, value, &added, checker) {
            Some(channel) => found.push(channel),
            None => complete = false,
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    complete.then_some(found)
}

fn channel(name: &str, span: Span, node: &Node, added: &[String], checker: &mut Checker) -> Option<OwnChannel> {
    let (text_node, unit) = match (&node.name, &node.value) {
        (None, Value::Text(_)) => (node, None),
        (Some(kind), Value::Tuple(items)) if kind.text == "Expr" && items.len() == 1 => (&items[0], None),
        _ => {
            let fields = ExprFields::from_node(node, checker)?;
            (node.field("value")?, fields.unit)
        }
    };
    let text = String::from_node(text_node, checker)?;
    let place = text_place(text_node.span, &text, checker);
    let known = |other: &str| match usual_unit(other) {
        // One that the project adds itself is looked into when the log is known.
        _ if added.iter().any(|added| added == other) => Known::Maybe,
        Some(unit) => Known::In(unit),
        None => Known::Maybe,
    };
    let read = expression::parse(&text).and_then(|term| expression::typed(&term, &text, unit, &known));
    if let Err(fault) = read {
        checker.add(place.diagnostic(&text, &fault));
        return None;
    }
    Some(OwnChannel { name: name.to_owned(), text, unit, text_place: place, place: At(checker.place(span)) })
}

fn zones(node: &Node, checker: &mut Checker) -> Option<Vec<Zones>> {
    let mut complete = true;
    let mut found = Vec::new();
    for (channel, span, value) in entries(node, "channels and their bounds", checker)? {
        let Some(bounds) = Vec::<Bound>::from_node(value, checker) else {
            complete = false;
            continue;
        };
        let rising = bounds.windows(2).all(|pair| pair[0].value < pair[1].value);
        let unit = bounds.first().and_then(|bound| bound.unit);
        if bounds.is_empty() || bounds.len() > MOST_BOUNDS || !rising || bounds.iter().any(|bound| bound.unit != unit) {
            let message = format!("zones are parted by 1 to {MOST_BOUNDS} bounds that rise, all in one unit");
            checker.error_with_hint(value.span, message, "four bounds make five zones: [115, 135, 150, 165]");
            complete = false;
        }
        found.push(Zones {
            channel: channel.to_owned(),
            unit,
            bounds: bounds.iter().map(|bound| bound.value).collect(),
            place: At(checker.place(span)),
        });
    }
    found.sort_by(|a, b| a.channel.cmp(&b.channel));
    complete.then_some(found)
}

fn text_place(span: Span, text: &str, checker: &Checker) -> TextPlace {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let lines = checker.verbatim(span, text).map_or(Vec::new(), |base| {
        starts.map(|start| At(checker.place(Span::new(base + start, base + start)))).collect()
    });
    TextPlace { whole: At(checker.place(span)), lines }
}

/// What to do about a name that nobody knows.
pub fn meant<'a>(wrong: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(wrong, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    }
}

/// How the section `channels` is read, for the reference.
pub(crate) type ChannelsDoc = BTreeMap<String, ExprFields>;

/// How the section `zones` is read, for the reference.
pub(crate) type ZonesDoc = BTreeMap<String, Vec<Bound>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parser::parse;
    use crate::manifest::schema::Schema;

    fn check<T: Schema>() {
        let example = T::DOC.split("```").nth(1).and_then(|block| block.strip_prefix("ron")).unwrap();
        let mut checker = Checker::new(std::path::Path::new("example"), example);
        let read = T::from_node(&parse(example).unwrap(), &mut checker);
        assert!(read.is_some() && checker.finish().0.is_empty(), "{example}");
    }

    #[test]
    fn examples_are_right() {
        check::<PlaceFields>();
        check::<ExprFields>();
        check::<LineFields>();
    }
}
