//! Pins and bans: what the manifest says of moments by name. Both are obeyed
//! to the letter; where they contradict each other, or name what is not there,
//! that is an error and nothing is guessed.

use std::ops::Range;

use super::candidates::{Footage, Stretch, micros};
use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Timestamp};
use crate::model::Moment;
use crate::model::specs::{Ban, ChooseSpec, Pin};

/// A pinned moment.
pub(super) struct Pinned {
    pub(super) stretch: Stretch,
    pub(super) moment: Moment,
}

/// A banned span of a recording, in microseconds.
pub(super) struct Banned {
    recording: usize,
    span: Range<i64>,
}

impl Banned {
    pub(super) fn overlaps(&self, stretch: &Stretch) -> bool {
        let span = &self.span;
        self.recording == stretch.recording && stretch.start < span.end && span.start < stretch.start + stretch.length
    }
}

/// Pins and bans, and notes on what was made of them.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) pins: Vec<Pinned>,
    pub(super) bans: Vec<Banned>,
    pub(super) notes: Vec<String>,
}

/// Reads all pins and bans of `spec`. The error names all that are wrong: the
/// first as its message, the others as notes.
pub(super) fn orders(spec: &ChooseSpec, footage: &[Footage]) -> Result<Orders, Diagnostic> {
    let mut orders = Orders::default();
    let mut wrong = Vec::new();
    for ban in &spec.bans {
        match banned(ban, spec) {
            Ok(one) => orders.bans.push(one),
            Err(error) => wrong.push(error),
        }
    }
    for pin in &spec.pins {
        match pinned(pin, spec, footage, &orders.bans, &mut orders.notes) {
            Ok(one) if orders.pins.iter().any(|other| other.moment == one.moment) => {
                orders.notes.push(format!("{} is pinned more than once and shown once", one.moment.node()));
            }
            Ok(one) => orders.pins.push(one),
            Err(error) => wrong.push(error),
        }
    }
    let mut wrong = wrong.into_iter();
    match wrong.next() {
        None => Ok(orders),
        Some(first) => Err(wrong.fold(first, |first, other| first.note(format!("also: {other}")))),
    }
}

fn pinned(
    pin: &Pin,
    spec: &ChooseSpec,
    footage: &[Footage],
    bans: &[Banned],
    notes: &mut Vec<String>,
) -> Result<Pinned, Diagnostic> {
    let mut moment = Moment { recording: pin.recording.clone(), start: pin.start, length: pin.length, pinned: true };
    let name = moment.node();
    let recording = find(&pin.recording, spec, "pin")?;
    let (Some(source), Some(one)) = (spec.recordings.get(recording), footage.get(recording)) else {
        return Err(Diagnostic::bug("recordings were counted twice with different results"));
    };
    if pin.start.is_negative() || source.duration <= pin.start {
        return Err(Diagnostic::input(format!("the pin {name} lies beyond the end of its recording"))
            .note(format!("{} lasts {}", source.name, source.duration))
            .hint("pin a time within the recording, or take the pin out"));
    }
    if pin.length <= Timestamp::ZERO {
        return Err(Diagnostic::input(format!("the pin {name} has no length")).hint("give it a length, say \"3.5s\""));
    }
    let rest = source.duration - pin.start;
    if rest < pin.length {
        notes.push(format!("the pin {name} is cut to {rest}: its recording ends there"));
        moment.length = rest;
    }
    let stretch = Stretch::new(recording, one, micros(moment.start), micros(moment.length).max(1));
    if let Some(index) = bans.iter().position(|ban| ban.overlaps(&stretch)) {
        let ban = spec.bans.get(index).map(|ban| format!("{} to {}", ban.from, ban.until)).unwrap_or_default();
        return Err(Diagnostic::input(format!("the pin {name} shows what the manifest bans"))
            .note(format!("{} is banned from {ban}", pin.recording))
            .hint("take out the pin or the ban"));
    }
    Ok(Pinned { stretch, moment })
}

fn banned(ban: &Ban, spec: &ChooseSpec) -> Result<Banned, Diagnostic> {
    let recording = find(&ban.recording, spec, "ban")?;
    if ban.until <= ban.from {
        let what = format!("the ban of {} from {} to {} bans nothing", ban.recording, ban.from, ban.until);
        return Err(Diagnostic::input(what).hint("write the earlier time first"));
    }
    Ok(Banned { recording, span: micros(ban.from)..micros(ban.until) })
}

fn find(name: &str, spec: &ChooseSpec, what: &str) -> Result<usize, Diagnostic> {
    if let Some(index) = spec.recordings.iter().position(|recording| recording.name == name) {
        return Ok(index);
    }
    let names = || spec.recordings.iter().map(|recording| recording.name.as_str());
    let hint = match (nearest(name, names()), spec.recordings.first()) {
        (Some(known), _) => format!("did you mean `{known}`?"),
        (None, Some(first)) => format!("recordings are named like `{}`", first.name),
        (None, None) => "the project has no footage".to_owned(),
    };
    Err(Diagnostic::input(format!("a {what} names the recording `{name}`, which is not there")).hint(hint))
}
