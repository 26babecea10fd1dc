//! From what is different about an action back to what someone changed: a
//! digest that another action made is followed to that action's own
//! differences, until there is a file, a parameter or a tool.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde_json::Value;

use crate::base::Digest;
use crate::exec::explain::basis::{Basis, Origin};
use crate::exec::explain::diff::{Difference, Item, differences, digest};
use crate::exec::explain::labels::{Level, Subject, Unit, clip_of, overlay_of, written};
use crate::model::ActionKey;
use crate::model::key::ENCODER;

/// What is known of results that were made before.
pub trait Past {
    fn basis(&self, key: ActionKey) -> Option<Rc<Basis>>;
}

/// Reasons in words, each once, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// What someone changed.
    pub roots: Vec<String>,
    /// What followed from it, or from something that is not known.
    pub derived: Vec<String>,
}

impl Causes {
    fn root(text: impl Into<String>) -> Self {
        Causes { roots: vec![text.into()], derived: Vec::new() }
    }

    fn derived(text: impl Into<String>) -> Self {
        Causes { roots: Vec::new(), derived: vec![text.into()] }
    }

    fn say(&mut self, text: String, level: Level) {
        self.add(&match level {
            Level::Root => Causes::root(text),
            Level::Derived => Causes::derived(text),
        });
    }

    fn add(&mut self, other: &Causes) {
        let take = |texts: &[String], into: &mut Vec<String>| {
            into.extend(texts.iter().filter(|text| !into.contains(text)).cloned().collect::<Vec<_>>());
        };
        take(&other.roots, &mut self.roots);
        take(&other.derived, &mut self.derived);
    }

    /// What another action's differences are to one that uses its result.
    fn passed_on(self) -> Self {
        let derived = if self.roots.is_empty() { self.derived } else { Vec::new() };
        Causes { roots: self.roots, derived }
    }

    /// The reasons to tell: what someone changed, as far as that is known.
    pub fn told(&self) -> &[String] {
        if self.roots.is_empty() { &self.derived } else { &self.roots }
    }
}

/// Finds causes, and remembers those of actions that many others rest on.
pub struct Search<'a> {
    past: &'a dyn Past,
    known: HashMap<(ActionKey, ActionKey), Rc<Causes>>,
}

impl<'a> Search<'a> {
    pub fn new(past: &'a dyn Past) -> Self {
        Search { past, known: HashMap::new() }
    }

    /// Why the action of `node` has another key than before.
    pub fn compare(&mut self, node: &str, before: &Basis, after: &Basis) -> Causes {
        let kind = after.field("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let subject = Subject { kind: &kind, node, basis: after };
        let mut causes = Causes::default();
        for difference in differences(&before.fields, &after.fields) {
            let found = match &difference {
                Difference::Value { path, before: old, after: new } => {
                    self.value(subject, before, path, old.as_ref(), new.as_ref())
                }
                Difference::List { path, before: old, after: new } => self.list(subject, before, path, old, new),
            };
            causes.add(&found);
        }
        causes
    }

    fn value(
        &mut self,
        subject: Subject<'_>,
        basis: &Basis,
        path: &str,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> Causes {
        if let Some(tool) = path.strip_prefix("tools.") {
            let name = |basis: &Basis| basis.field("spec.encoder.name").cloned();
            let text = toolchain(tool, basis, subject.basis);
            // That another encoder is asked for says so already.
            let another = tool == ENCODER && name(basis) != name(subject.basis);
            return if another { Causes::derived(text) } else { Causes::root(text) };
        }
        match path {
            "format" => return Causes::root("autocut: another version, which names results in another way"),
            "version" => {
                let version = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
                return Causes::root(format!("{}: version {} -> {}", subject.kind, version(old), version(new)));
            }
            _ => {}
        }
        match (old.and_then(digest), new.and_then(digest)) {
            (Some(old), Some(new)) => return self.content(subject, basis, path, old, new),
            (Some(old), None) => return one_sided(subject, path, basis.origins.get(&old), went),
            (None, Some(new)) => {
                let origin = subject.basis.origins.get(&new);
                return one_sided(subject, path, origin, |subject, path, origin| came(subject, path, origin, None));
            }
            (None, None) => {}
        }
        let (text, level) = subject.value(path, old, new);
        match level {
            Level::Root => Causes::root(text),
            Level::Derived => self.resolved(subject, basis, Causes::derived(text)),
        }
    }

    /// Something that follows from what the specification does not name: told
    /// as such where nothing of that changed.
    fn resolved(&mut self, subject: Subject<'_>, basis: &Basis, derived: Causes) -> Causes {
        let is_choice = |origin: &Origin| matches!(origin, Origin::Made(node, _) if !node.ends_with("/draw"));
        let mut causes = self.rests(subject, basis, &is_choice);
        causes.add(&derived);
        causes
    }

    /// The differences of what the specification was derived from.
    fn rests(&mut self, subject: Subject<'_>, before: &Basis, wanted: &dyn Fn(&Origin) -> bool) -> Causes {
        let side = |basis: &Basis| -> Vec<(Origin, Digest)> {
            basis.rests.iter().filter(|(origin, _)| wanted(origin)).cloned().collect()
        };
        let (before, after) = (side(before), side(subject.basis));
        self.contents(subject, "", &before, &after)
    }

    /// Content against content, matched by what it is to the action.
    fn contents(
        &mut self,
        subject: Subject<'_>,
        path: &str,
        before: &[(Origin, Digest)],
        after: &[(Origin, Digest)],
    ) -> Causes {
        let by_name = |list: &[(Origin, Digest)]| -> BTreeMap<String, (Origin, Digest)> {
            list.iter().map(|one| (standing(&one.0), one.clone())).collect()
        };
        let (old, new) = (by_name(before), by_name(after));
        let mut causes = Causes::default();
        for (origin, digest) in after {
            match old.get(&standing(origin)) {
                Some((was, before)) if before != digest => causes.add(&self.follow(subject, path, was, origin)),
                Some(_) => {}
                None => {
                    let was = before.iter().find(|(other, same)| same == digest && !new.contains_key(&standing(other)));
                    causes.add(&came(subject, path, origin, was.map(|(other, _)| other)));
                }
            }
        }
        for (origin, digest) in before.iter().filter(|(origin, _)| !new.contains_key(&standing(origin))) {
            let moved = after.iter().any(|(other, same)| same == digest && !old.contains_key(&standing(other)));
            if !moved {
                causes.add(&went(subject, path, origin));
            }
        }
        causes
    }

    /// One digest became another.
    fn content(&mut self, subject: Subject<'_>, basis: &Basis, path: &str, old: Digest, new: Digest) -> Causes {
        match (basis.origins.get(&old), subject.basis.origins.get(&new)) {
            (Some(was), Some(is)) => self.follow(subject, path, was, is),
            (None, Some(Origin::File(name))) => Causes::root(format!("{} {name}: content changed", subject.role(path))),
            (_, Some(Origin::Made(node, _))) => Causes::derived(format!("{node}: gave another result")),
            _ => {
                let name = path.trim_start_matches("spec.");
                Causes::derived(format!("{}: {name} {} -> {}", subject.own(), old.short(), new.short()))
            }
        }
    }

    fn follow(&mut self, subject: Subject<'_>, path: &str, was: &Origin, is: &Origin) -> Causes {
        match (was, is) {
            (Origin::File(old), Origin::File(new)) if old == new => {
                Causes::root(format!("{} {new}: content changed", subject.role(path)))
            }
            (Origin::Made(_, old), Origin::Made(node, new)) if old == new => {
                Causes::root(format!("{node}: gave another result than before, although nothing it depends on changed"))
            }
            (Origin::Made(_, old), Origin::Made(node, new)) => self.made(node, *old, *new).as_ref().clone().passed_on(),
            _ => Causes::root(format!("{}: {} -> {}", subject.role(path), was.name(), is.name())),
        }
    }

    /// Why an action's key became another.
    fn made(&mut self, node: &str, old: ActionKey, new: ActionKey) -> Rc<Causes> {
        if let Some(known) = self.known.get(&(old, new)) {
            return known.clone();
        }
        let causes = match (self.past.basis(old), self.past.basis(new)) {
            (Some(before), Some(after)) => self.compare(node, &before, &after),
            _ => Causes::derived(format!("{node}: changed; how it was before is not in the store any more")),
        };
        let causes = Rc::new(causes);
        self.known.insert((old, new), causes.clone());
        causes
    }

    fn list(&mut self, subject: Subject<'_>, basis: &Basis, path: &str, old: &[Item], new: &[Item]) -> Causes {
        match (subject.kind, path) {
            ("segment", "spec.sources") | ("proxy", "spec.pictures.sources") | ("sound", "spec.runs") => {
                self.sources(subject, basis, path, old, new)
            }
            ("segment", "spec.overlays") => self.sprites(subject, basis, old, new),
            ("choose", "spec.recordings") => self.recordings(subject, basis, old, new),
            ("choose", "spec.pins" | "spec.bans") => marks(subject, path, old, new),
            ("mix", "spec.clips") => self.mixed(subject, basis, path, old, new),
            ("join", "spec.segments") => {
                let digests = |items: &[Item]| items.iter().filter_map(|item| item.digest("")).collect::<Vec<_>>();
                let causes = self.digests(subject, basis, path, &digests(old), &digests(new));
                self.resolved(subject, basis, causes)
            }
            _ => {
                let values = |items: &[Item]| items.iter().filter_map(|item| item.get("").cloned()).collect::<Vec<_>>();
                if let Some(pairs) = subject.pairs(path, &values(old), &values(new)) {
                    return Causes { roots: pairs, derived: Vec::new() };
                }
                plain(subject, path, old, new)
            }
        }
    }

    /// Lists of digests, matched by where these come from.
    fn digests(&mut self, subject: Subject<'_>, basis: &Basis, path: &str, old: &[Digest], new: &[Digest]) -> Causes {
        let named = |digests: &[Digest], basis: &Basis| -> Vec<(Origin, Digest)> {
            // What nobody knows the origin of has itself for a name.
            let origin = |digest: &Digest| basis.origins.get(digest).cloned();
            let origin = |digest: &Digest| origin(digest).unwrap_or_else(|| Origin::File(digest.short()));
            digests.iter().map(|digest| (origin(digest), *digest)).collect()
        };
        let (before, after) = (named(old, basis), named(new, subject.basis));
        let mut causes = self.contents(subject, path, &before, &after);
        if causes.told().is_empty() && old != new {
            causes.add(&Causes::derived(format!("{}: the order of its clips", subject.own())));
        }
        causes
    }

    /// Runs out of files: their content, then how it is shown, then which part.
    fn sources(&mut self, subject: Subject<'_>, basis: &Basis, path: &str, old: &[Item], new: &[Item]) -> Causes {
        let files = |items: &[Item]| items.iter().filter_map(|item| item.digest(".file")).collect::<Vec<_>>();
        let (before, after) = (files(old), files(new));
        let mut causes = Causes::default();
        if before != after {
            causes.add(&self.digests(subject, basis, path, &before, &after));
        }
        let mut elsewhere = old.len() != new.len();
        for (old, new) in old.iter().zip(new) {
            for (rest, value) in new.0.iter().filter(|(rest, value)| old.get(rest) != Some(value)) {
                match rest.as_str() {
                    ".file" => {}
                    ".fit" => {
                        let camera = subject.node.split('/').nth(1).unwrap_or_default();
                        let (was, is) = (old.text(rest).unwrap_or("none"), value.as_str().unwrap_or("none"));
                        causes.add(&Causes::root(format!("footage {camera}: fit {was} -> {is}")));
                    }
                    _ => elsewhere = true,
                }
            }
        }
        if elsewhere {
            let clip = clip_of(subject.node).unwrap_or(subject.node);
            causes.add(&self.resolved(subject, basis, Causes::derived(format!("clip {clip}: other frames of it"))));
        }
        causes
    }

    /// What a segment shows over its pictures is found in packs, which its
    /// specification does not name.
    fn sprites(&mut self, subject: Subject<'_>, basis: &Basis, old: &[Item], new: &[Item]) -> Causes {
        let is_pack = |origin: &Origin| matches!(origin, Origin::Made(node, _) if node.ends_with("/draw"));
        let mut causes = self.rests(subject, basis, &is_pack);
        if causes.told().is_empty() {
            let runs = |items: &[Item]| items.iter().map(|item| item.0.len()).sum::<usize>();
            let text = format!("{}: {} runs of sprites -> {}", subject.own(), runs(old), runs(new));
            causes.add(&Causes::derived(text));
        }
        causes
    }

    fn recordings(&mut self, subject: Subject<'_>, basis: &Basis, old: &[Item], new: &[Item]) -> Causes {
        let mut causes = self.rests(subject, basis, &|origin| matches!(origin, Origin::File(_)));
        let by_name = |items: &[Item]| -> BTreeMap<String, Item> {
            items.iter().filter_map(|item| Some((item.text(".name")?.to_owned(), item.clone()))).collect()
        };
        let files_changed = !causes.roots.is_empty();
        let level = if files_changed { Level::Derived } else { Level::Root };
        let (old, new) = (by_name(old), by_name(new));
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (name, item) in &new {
            let Some(was) = old.get(name) else {
                causes.say(format!("footage {name}: added"), level);
                continue;
            };
            if let Some(text) = clock(name, was, item) {
                causes.say(text, level);
            }
            if was.get(".duration") != item.get(".duration") {
                causes.say(format!("footage {name}: another length"), Level::Derived);
            }
            let signals = |item: &Item| {
                let signals = item.0.iter().filter(|(rest, _)| rest.contains(".signals["));
                signals.filter_map(|(_, value)| digest(value)).collect::<Vec<_>>()
            };
            before.extend(signals(was));
            after.extend(signals(item));
        }
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            causes.say(format!("footage {name}: removed"), level);
        }
        if before != after {
            let found = self.digests(subject, basis, "spec.recordings", &before, &after).passed_on();
            causes.add(&found);
        }
        causes
    }

    /// The clips of a mix: their sounds, how loud, and where.
    fn mixed(&mut self, subject: Subject<'_>, basis: &Basis, path: &str, old: &[Item], new: &[Item]) -> Causes {
        let sounds = |items: &[Item]| items.iter().filter_map(|item| item.digest(".sound")).collect::<Vec<_>>();
        let (before, after) = (sounds(old), sounds(new));
        let mut causes = Causes::default();
        if before != after || old.len() != new.len() {
            let found = self.digests(subject, basis, path, &before, &after);
            causes.add(&self.resolved(subject, basis, found));
        }
        for rest in [".gain", ".fade"] {
            let values = |items: &[Item]| items.iter().filter_map(|item| item.get(rest).cloned()).collect::<Vec<_>>();
            let (was, is) = (values(old), values(new));
            // One setting of the output stands at every clip.
            if let (Some(was), Some(is)) = (was.first(), is.first())
                && was != is
            {
                let (name, unit) = match rest {
                    ".gain" => ("gain of the clips' sound", Unit::Decibel),
                    _ => ("fade at the cuts", Unit::Samples),
                };
                let (was, is) = (written(Some(was), unit), written(Some(is), unit));
                let text = format!("{}: {name} {was} -> {is}", subject.own());
                causes.add(&Causes::root(text));
            }
        }
        if causes.told().is_empty() {
            let derived = Causes::derived(format!("{}: other lengths of its clips", subject.own()));
            causes.add(&self.resolved(subject, basis, derived));
        }
        causes
    }
}

/// What some content is to an action that uses it. Where two clips or outputs
/// show the same, one action makes it for both and has the name of either: so
/// that a pack is known by its overlay, and a segment or a sound by its clip.
fn standing(origin: &Origin) -> String {
    let name = origin.name();
    match origin {
        Origin::Made(node, _) if node.ends_with("/draw") => overlay_of(node).unwrap_or(node).to_owned(),
        Origin::Made(node, _) if clip_of(node).is_some() => {
            node.split_once('/').map_or(name, |(_, rest)| rest).to_owned()
        }
        _ => name.to_owned(),
    }
}

/// Something is used that was not before.
fn came(subject: Subject<'_>, path: &str, origin: &Origin, was: Option<&Origin>) -> Causes {
    match (origin, was) {
        (Origin::File(name), Some(was)) => {
            Causes::derived(format!("{} {}: named {name} now", subject.role(path), was.name()))
        }
        (Origin::File(name), None) => Causes::root(format!("{} {name}: added", subject.role(path))),
        (Origin::Made(node, _), _) => Causes::derived(format!("{}: added", part(subject, node))),
    }
}

/// Something is not used any more.
fn went(subject: Subject<'_>, path: &str, origin: &Origin) -> Causes {
    match origin {
        Origin::File(name) => Causes::root(format!("{} {name}: removed", subject.role(path))),
        Origin::Made(node, _) => Causes::derived(format!("{}: removed", part(subject, node))),
    }
}

/// A digest where there was none before or is none now.
fn one_sided(
    subject: Subject<'_>,
    path: &str,
    origin: Option<&Origin>,
    say: impl FnOnce(Subject<'_>, &str, &Origin) -> Causes,
) -> Causes {
    let name = path.trim_start_matches("spec.");
    origin.map_or_else(|| Causes::derived(format!("{}: {name}", subject.own())), |origin| say(subject, path, origin))
}

/// What another action's result is to the one that uses it.
fn part(subject: Subject<'_>, node: &str) -> String {
    match (subject.kind, clip_of(node)) {
        ("segment", _) => overlay_of(node).map_or_else(|| node.to_owned(), |overlay| format!("overlay {overlay}")),
        ("join" | "mix", Some(clip)) => {
            let (output, clip) = clip.split_once('/').unwrap_or(("", clip));
            format!("output {output}: clip {clip}")
        }
        _ => node.to_owned(),
    }
}

fn toolchain(tool: &str, before: &Basis, after: &Basis) -> String {
    let name = |basis: &Basis| basis.tools.get(tool).cloned();
    match (name(before), name(after)) {
        (Some(old), Some(new)) if old == new => format!("toolchain: another build of {new}"),
        (Some(old), Some(new)) => format!("toolchain: {old} -> {new}"),
        (None, Some(new)) => format!("toolchain: {new}"),
        (_, None) => format!("toolchain: {tool}"),
    }
}

/// How a recording's clock moved, by the camera's or by the log's.
fn clock(name: &str, was: &Item, is: &Item) -> Option<String> {
    let changed = |rest: &str| (was.get(rest) != is.get(rest)).then(|| (was.get(rest), is.get(rest)));
    let camera = name.split('/').next().unwrap_or(name);
    let Some((old, new)) = changed(".utc").or_else(|| changed(".telemetry_start")) else {
        let (_, drift) = changed(".drift")?;
        let ppm = drift.and_then(Value::as_i64).unwrap_or(0) as f64 / 1e3;
        return Some(format!("footage {camera}: its clock drifts by {ppm:.1} ppm now"));
    };
    Some(match (old.and_then(Value::as_i64), new.and_then(Value::as_i64)) {
        (Some(old), Some(new)) => {
            let moved = crate::base::Timestamp::from_nanos(new.saturating_sub(old));
            let sign = if moved.is_negative() { "" } else { "+" };
            format!("footage {camera}: clock moved by {sign}{moved}")
        }
        (None, Some(_)) => format!("footage {camera}: its clock is known now"),
        _ => format!("footage {camera}: its clock is not known any more"),
    })
}

/// Pins and bans, each by its place.
fn marks(subject: Subject<'_>, path: &str, old: &[Item], new: &[Item]) -> Causes {
    let (word, start) = if path == "spec.pins" { ("pin", ".start") } else { ("ban", ".from") };
    let place = |item: &Item| {
        format!("{word} {}@{}", item.text(".recording").unwrap_or_default(), item.text(start).unwrap_or_default())
    };
    let whose = subject.own();
    let mut causes = Causes::default();
    for item in new.iter().filter(|item| !old.contains(item)) {
        let known = old.iter().any(|was| place(was) == place(item));
        let what = if known { "another length" } else { "added" };
        causes.add(&Causes::root(format!("{whose}: {} {what}", place(item))));
    }
    for item in old.iter().filter(|item| !new.iter().any(|is| place(is) == place(item))) {
        causes.add(&Causes::root(format!("{whose}: {} removed", place(item))));
    }
    if causes.told().is_empty() {
        causes.add(&Causes::root(format!("{whose}: the order of {word}s")));
    }
    causes
}

/// A list that is nothing special: its items by place where none came or went.
fn plain(subject: Subject<'_>, path: &str, old: &[Item], new: &[Item]) -> Causes {
    let mut causes = Causes::default();
    if old.len() != new.len() {
        let count = |items: &[Item]| Some(Value::from(items.len()));
        let (text, level) = subject.value(path, count(old).as_ref(), count(new).as_ref());
        causes.say(format!("{text} entries"), level);
        return causes;
    }
    for (index, (old, new)) in old.iter().zip(new).enumerate() {
        let names = old.0.keys().chain(new.0.keys().filter(|name| !old.0.contains_key(*name)));
        for name in names.filter(|name| old.get(name) != new.get(name)) {
            let (text, level) = subject.value(&format!("{path}[{index}]{name}"), old.get(name), new.get(name));
            causes.say(text, level);
        }
    }
    causes
}
