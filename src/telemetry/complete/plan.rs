//! What is added to a log, in an order in which each rests on what is there:
//! from what the manifest says and what the log has.

use std::collections::BTreeMap;

use crate::base::{Diagnostic, Unit};
use crate::manifest::additions::meant;
use crate::manifest::expression::{self, Fault, Known};
use crate::manifest::manifest::{Additions, At, OwnChannel, Zones};
use crate::model::scores::Score;
use crate::model::specs::{CompleteStep, LapRule};
use crate::model::telemetry::TelemetrySummary;
use crate::model::usual::display_unit;

/// A name that something asks for, with its place where it has one.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    pub name: &'a str,
    pub place: Option<&'a At>,
}

/// The steps that give the log all that the manifest adds, and what of `asked`
/// can be computed; or everything that is wrong.
pub fn steps(
    additions: &Additions,
    log: &TelemetrySummary,
    asked: &[Asked<'_>],
) -> Result<Vec<CompleteStep>, Vec<Diagnostic>> {
    let mut planner = Planner::new(additions, log);
    for channel in &additions.channels {
        planner.visit(&channel.name, &mut Vec::new());
    }
    for zones in &additions.zones {
        planner.visit(&format!("{}_zone", zones.channel), &mut Vec::new());
    }
    for Asked { name, place } in asked {
        match Score::parse(name).filter(|_| !planner.there.contains_key(*name)) {
            Some(score) => planner.score(name, score, *place),
            None => planner.visit(name, &mut Vec::new()),
        }
    }
    if planner.wrong.is_empty() { Ok(planner.steps) } else { Err(planner.wrong) }
}

/// The part of the additions that the values of `names` rest on.
pub fn needed(additions: &Additions, names: &[&str]) -> Additions {
    let mut open: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut part =
        Additions { channels: Vec::new(), zones: Vec::new(), laps: None, privacy: Vec::new(), ..additions.clone() };
    let mut seen: Vec<String> = Vec::new();
    while let Some(name) = open.pop() {
        if seen.contains(&name) {
            continue;
        }
        let is_own = additions.channels.iter().any(|channel| channel.name == name)
            || additions.zones.iter().any(|zones| name == format!("{}_zone", zones.channel))
            || Score::parse(&name).is_some();
        // What is computed is looked through by what it rests on.
        if !is_own && super::tells(&name) {
            part.privacy = additions.privacy.clone();
        }
        if matches!(name.as_str(), "lap" | "lap_time" | "lap_start") {
            part.laps = additions.laps.clone();
        }
        match Score::parse(&name) {
            Some(Score::NewMaximum(channel)) => open.push(channel.to_owned()),
            _ => {}
        }
        for channel in additions.channels.iter().filter(|channel| channel.name == name) {
            part.channels.push(channel.clone());
            if let Ok(term) = expression::parse(&channel.text) {
                open.extend(term.channels().into_iter().map(|(name, _)| name.to_owned()));
            }
        }
        for zones in additions.zones.iter().filter(|zones| name == format!("{}_zone", zones.channel)) {
            part.zones.push(zones.clone());
            open.push(zones.channel.clone());
        }
        seen.push(name);
    }
    part.channels.sort_by(|a, b| a.name.cmp(&b.name));
    part.zones.sort_by(|a, b| a.channel.cmp(&b.channel));
    part
}

enum Definition<'a> {
    Own(&'a OwnChannel),
    Zones(&'a Zones),
    VerticalSpeed,
    LapTime,
}

struct Planner<'a> {
    definitions: BTreeMap<String, Definition<'a>>,
    /// What is there, or was added already.
    there: BTreeMap<String, Unit>,
    /// Names whose definition is wrong: told once.
    failed: Vec<String>,
    laps: bool,
    steps: Vec<CompleteStep>,
    wrong: Vec<Diagnostic>,
}

impl<'a> Planner<'a> {
    fn new(additions: &'a Additions, log: &TelemetrySummary) -> Planner<'a> {
        let mut there: BTreeMap<String, Unit> =
            log.channels.iter().map(|channel| (channel.name.clone(), channel.unit)).collect();
        let mut definitions = BTreeMap::new();
        let mut wrong = Vec::new();
        if let Some(rule) = &additions.laps {
            let (needs, what) = match rule {
                LapRule::Line { .. } => ("latitude", "a position"),
                LapRule::Distance { .. } => ("distance", "a distance"),
            };
            if there.contains_key(needs) {
                there.insert("lap".to_owned(), Unit::None);
                there.insert("lap_time".to_owned(), Unit::Seconds);
            } else {
                let problem = Diagnostic::input(format!("these laps need {what}, which the log does not have"));
                wrong
                    .push(problem.at(additions.laps_place.0.clone()).hint("take `laps` out, or add a log that has it"));
            }
        }
        if there.contains_key("altitude") {
            definitions.insert("vertical_speed".to_owned(), Definition::VerticalSpeed);
        }
        if log.laps > 0 {
            definitions.insert("lap_time".to_owned(), Definition::LapTime);
        }
        let taken = |name: &str, place: &At| {
            Diagnostic::input(format!("the log has a channel `{name}` already"))
                .at(place.0.clone())
                .hint("give the new one another name")
        };
        for channel in &additions.channels {
            if there.contains_key(&channel.name) {
                wrong.push(taken(&channel.name, &channel.place));
            }
            definitions.insert(channel.name.clone(), Definition::Own(channel));
        }
        for zones in &additions.zones {
            let name = format!("{}_zone", zones.channel);
            if there.contains_key(&name) || definitions.contains_key(&name) {
                wrong.push(taken(&name, &zones.place));
            }
            definitions.insert(name, Definition::Zones(zones));
        }
        let laps = log.laps > 0 || additions.laps.is_some();
        Planner { definitions, there, failed: Vec::new(), laps, steps: Vec::new(), wrong }
    }

    /// Adds the steps to a channel. `way` leads to it.
    fn visit(&mut self, name: &str, way: &mut Vec<String>) {
        if self.there.contains_key(name) || self.failed.iter().any(|failed| failed == name) {
            return;
        }
        let (step, unit) = match self.definitions.get(name) {
            None => return,
            Some(Definition::VerticalSpeed) => (CompleteStep::VerticalSpeed, Unit::MetresPerSecond),
            Some(Definition::LapTime) => (CompleteStep::LapTime, Unit::Seconds),
            Some(Definition::Own(channel)) => {
                let channel = *channel;
                match self.own(channel, way) {
                    Some(found) => found,
                    None => return self.failed.push(name.to_owned()),
                }
            }
            Some(Definition::Zones(zones)) => {
                let zones = *zones;
                match self.zones(zones, name, way) {
                    Some(found) => found,
                    None => return self.failed.push(name.to_owned()),
                }
            }
        };
        self.steps.push(step);
        self.there.insert(name.to_owned(), unit);
    }

    fn own(&mut self, channel: &OwnChannel, way: &mut Vec<String>) -> Option<(CompleteStep, Unit)> {
        let OwnChannel { name, text, unit, text_place, .. } = channel;
        let fault = |planner: &mut Self, fault: &Fault| planner.wrong.push(text_place.diagnostic(text, fault));
        let term = match expression::parse(text) {
            Ok(term) => term,
            Err(found) => {
                fault(self, &found);
                return None;
            }
        };
        way.push(name.clone());
        for (other, span) in term.channels() {
            if let Some(at) = way.iter().position(|passed| passed == other) {
                let mut circle: Vec<&str> = way[at..].iter().map(String::as_str).collect();
                circle.push(other);
                let message = format!("`{other}` rests on itself: {}", circle.join(" <- "));
                fault(self, &Fault::new(span, message).hint("compute one of them from what the log has"));
                way.pop();
                return None;
            }
            self.visit(other, way);
        }
        way.pop();
        // What is wrong with what it rests on was told.
        if term.channels().iter().any(|(other, _)| self.failed.iter().any(|failed| failed == other)) {
            return None;
        }
        let known = |other: &str| match self.there.get(other) {
            Some(unit) => Known::In(*unit),
            None => Known::Missing(Some(meant(other, self.names()))),
        };
        match expression::typed(&term, text, *unit, &known) {
            Ok(typed) => {
                let (name, text) = (name.clone(), text.trim().to_owned());
                let step = CompleteStep::Expression { name, text, unit: typed.unit, converts: typed.converts };
                Some((step, typed.unit))
            }
            Err(found) => {
                fault(self, &found);
                None
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.there.keys().map(String::as_str)
    }

    fn zones(&mut self, zones: &Zones, name: &str, way: &mut Vec<String>) -> Option<(CompleteStep, Unit)> {
        if way.iter().any(|passed| passed == name) {
            let problem = Diagnostic::input(format!("`{name}` rests on itself"));
            self.wrong.push(problem.at(zones.place.0.clone()).hint("take the zones of another channel"));
            return None;
        }
        way.push(name.to_owned());
        self.visit(&zones.channel, way);
        way.pop();
        let Some(own) = self.there.get(&zones.channel).copied() else {
            if !self.failed.contains(&zones.channel) {
                let problem = Diagnostic::input(format!("there is no channel `{}` for these zones", zones.channel));
                let hint = meant(&zones.channel, self.names());
                self.wrong.push(problem.at(zones.place.0.clone()).hint(hint));
            }
            return None;
        };
        let unit = zones.unit.unwrap_or_else(|| display_unit(&zones.channel, own));
        if own.kind() != unit.kind() {
            let message = format!("`{}` is in {own}, and its zones cannot be in {unit}", zones.channel);
            self.wrong.push(Diagnostic::input(message).at(zones.place.0.clone()).hint("leave the unit out"));
            return None;
        }
        let (channel, bounds) = (zones.channel.clone(), zones.bounds.clone());
        Some((CompleteStep::Zones { channel, unit, bounds }, Unit::None))
    }

    fn score(&mut self, name: &str, score: Score<'_>, place: Option<&At>) {
        let (needs, what) = match score {
            Score::NewMaximum(channel) => {
                self.visit(channel, &mut Vec::new());
                (channel, format!("there is no channel `{channel}` to look at"))
            }
            Score::Summit | Score::Descent => {
                ("altitude", format!("`{name}` looks at the altitude, which the log does not have"))
            }
            Score::LapStart if !self.laps => ("", "the log marks no laps".to_owned()),
            Score::LapStart | Score::Event => ("latitude", String::new()),
        };
        let there = what.is_empty() || self.there.contains_key(needs);
        if there {
            self.steps.push(CompleteStep::Score { name: name.to_owned() });
            return;
        }
        if self.failed.iter().any(|failed| failed == needs) {
            return;
        }
        let hint = match score {
            Score::LapStart => "say where they begin: `laps: Distance(\"5km\")`".to_owned(),
            _ => meant(needs, self.names()),
        };
        let problem = Diagnostic::input(what).hint(hint);
        self.wrong.push(match place {
            Some(At(place)) => problem.at(place.clone()),
            None => problem,
        });
    }
}
