//! From the text of `autocut.ron` to a [`Manifest`]: parse, read every section,
//! lower it, and check the sections against each other.

use std::path::Path;

use crate::base::{Diagnostic, Diagnostics, Timestamp};
use crate::manifest::additions;
use crate::manifest::checker::Checker;
use crate::manifest::checks;
use crate::manifest::kinds::{KindEntry, Kinds};
use crate::manifest::manifest::{
    AnalysisSettings, At, Detection, FootageSet, Manifest, Moments, Music, OutputDecl, OverlayDecl, StoreLimits,
    TelemetrySource, TelemetryStart,
};
use crate::manifest::parser;
use crate::manifest::schema::{FieldReader, FromNode, entries, list, unknown};
use crate::manifest::sections::{self, AnalysisFields, DetectionFields, FileName, MomentsFields, StoreFields};
use crate::manifest::tree::{Ident, Node, Span, Value, quoted};
use crate::model::overlay::OverlaySpec;
use crate::model::specs::{Ban, Pin};

/// The newest format of the manifest that is understood.
pub const VERSION: u32 = 1;

/// The sections, in the order in which the reference shows them.
pub(crate) const SECTIONS: &[&str] = &[
    "version",
    "footage",
    "telemetry",
    "channels",
    "zones",
    "laps",
    "privacy",
    "music",
    "analysis",
    "detection",
    "moments",
    "overlays",
    "outputs",
    "store",
];

/// The format of a log of which only the path is given: what the file says.
pub(crate) const ANY_FORMAT: &str = "Log";

/// The telemetry format that has no file.
pub(crate) const IN_FOOTAGE: &str = "Footage";

/// Fields that every telemetry format has beside its own.
pub(crate) const TELEMETRY_FIELDS: &[&str] = &["file", "start", "offset", "gap"];

/// Fields that every output kind has beside its own.
pub(crate) const OUTPUT_FIELDS: &[&str] = &["overlays"];

pub(crate) const TELEMETRY_OFFSET: Timestamp = Timestamp::ZERO;

/// Gap of a log, in seconds.
pub(crate) const TELEMETRY_GAP: i64 = 5;

/// Past the end of every recording (31 years), where a ban has no end.
const FOREVER: Timestamp = Timestamp::from_seconds(1_000_000_000);

/// Loads a manifest. `file` is only named in messages. There is a manifest
/// exactly where nothing is worse than a warning.
pub fn load(file: &Path, text: &str, kinds: &Kinds<'_>) -> (Option<Manifest>, Diagnostics) {
    let mut checker = Checker::new(file, text);
    let manifest = match parser::parse(text) {
        Ok(node) => project(&node, kinds, &mut checker),
        Err(error) => {
            checker.report(error.span, error.diagnostic);
            None
        }
    };
    let found = checker.finish();
    (manifest.filter(|_| !found.has_errors()), found)
}

/// Reads every section before it gives up on the first that failed.
fn project(node: &Node, kinds: &Kinds<'_>, checker: &mut Checker) -> Option<Manifest> {
    check_version(node, checker)?;
    let fields = FieldReader::open(node, "Project", SECTIONS, checker)?;
    let version = fields.required("version", checker);
    let footage: Option<Vec<FootageSet>> = required_map(node, "footage", "footage sets", checker)
        .map(|sets| sets.into_iter().filter_map(|(name, span, set)| footage_set(name, span, set, checker)).collect());
    let telemetry = logs(sections::log_nodes(node), kinds.formats, checker);
    let additions = additions::read(node, !sections::log_nodes(node).is_empty(), checker);
    let music = section(node, "music", |node| music(node, checker));
    let analysis = fields.optional("analysis", AnalysisFields::default(), checker);
    let detection = section(node, "detection", |node| detection(node, checker));
    let moments = fields.optional("moments", MomentsFields::default(), checker);
    let overlays: Option<Vec<OverlayDecl>> = match node.field("overlays") {
        Some(node) => named_map(node, "overlays", checker)
            .map(|declared| declared.into_iter().filter_map(|one| overlay(one, kinds.overlays, checker)).collect()),
        None => Some(Vec::new()),
    };
    // An overlay that failed is known by its name all the same, so that an
    // output that shows it is not wrong as well.
    let overlay_names = declared_names(node, "overlays");
    let outputs: Option<Vec<OutputDecl>> = required_map(node, "outputs", "outputs", checker).map(|declared| {
        declared.into_iter().filter_map(|one| output(one, kinds.outputs, &overlay_names, checker)).collect()
    });

    let store = fields.optional("store", StoreFields::default(), checker);

    checks::sections(node, checker);
    let moments = moments.map(|fields| lower_moments(fields, node, checker));
    let log = telemetry.iter().flatten().filter(|log| log.camera.is_none()).map(|log| log.file.as_str());
    let song = music.iter().flatten().map(|music| music.file.as_str());
    let model = detection.iter().flatten().map(|detection| detection.model.as_str());
    let materials: Vec<&str> = log.chain(song).chain(model).collect();
    let readable = checks::Readable {
        project: node,
        cameras: &declared_names(node, "footage"),
        footage: footage.as_deref().unwrap_or_default(),
        telemetry: telemetry.as_deref().unwrap_or_default(),
        moments: moments.as_ref(),
        outputs: outputs.as_deref().unwrap_or_default(),
        materials: &materials,
    };
    checks::across(readable, checker);
    Some(Manifest {
        version: version?,
        footage: footage?,
        telemetry: telemetry?,
        additions: additions?,
        music: music?,
        analysis: analysis.map(|AnalysisFields { rate, width, exact }| AnalysisSettings { rate, width, exact })?,
        detection: detection?,
        moments: moments?,
        overlays: overlays?,
        outputs: outputs?,
        store: store.map(|StoreFields { limit, age }| StoreLimits { limit, age })?,
    })
}

/// A newer manifest is told as such, and not as a list of unknown fields.
fn check_version(node: &Node, checker: &mut Checker) -> Option<()> {
    let Some(Node { value: Value::Int(version), span, .. }) = node.field("version") else { return Some(()) };
    if *version == i64::from(VERSION) {
        return Some(());
    }
    let wrong = Diagnostic::input(format!("this manifest has version {version}"))
        .note(format!("autocut {} understands version {VERSION}", env!("CARGO_PKG_VERSION")));
    let hint = match *version > i64::from(VERSION) {
        true => format!("install a newer autocut, one that understands version {version}"),
        false => format!("write `version: {VERSION}`"),
    };
    checker.report(*span, wrong.hint(hint));
    None
}

/// The field `name`, unless it is left out or `None`.
fn present<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.field(name).filter(|node| node.value != Value::Ident("None".to_owned()) || node.name.is_some())
}

/// A section that may be left out: `None` where it is there and failed.
fn section<T>(node: &Node, name: &str, read: impl FnOnce(&Node) -> Option<T>) -> Option<Option<T>> {
    match present(node, name) {
        None => Some(None),
        Some(section) => read(section).map(Some),
    }
}

type Named<'n> = (&'n str, Span, &'n Node);

/// A map of named things, each with a name that can stand in a node's name.
fn named_map<'n>(node: &'n Node, what: &str, checker: &mut Checker) -> Option<Vec<Named<'n>>> {
    let found = entries(node, what, checker)?;
    for (name, span, _) in &found {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(allowed) {
            checker.error_with_hint(
                *span,
                format!("{} cannot be a name", quoted(name)),
                "a name has letters, digits, `-`, `_` and `.`, and starts with a letter, a digit or `_`",
            );
        }
    }
    Some(found)
}

/// A map that must be there and hold something.
fn required_map<'n>(node: &'n Node, field: &str, what: &str, checker: &mut Checker) -> Option<Vec<Named<'n>>> {
    let hint = match field {
        "footage" => "name a camera and its files: `footage: {\"front\": \"footage/*.MP4\"}`",
        _ => "name an output: `outputs: {\"reel\": Reel(file: \"out/reel.mp4\")}`",
    };
    let Some(map) = node.field(field) else {
        let span = node.name.as_ref().map_or(Span::new(node.span.start, node.span.start + 1), |name| name.span);
        checker.error_with_hint(span, format!("`Project` has no field `{field}`"), hint);
        return None;
    };
    let found = named_map(map, what, checker)?;
    if found.is_empty() && map.value == Value::Map(Vec::new()) {
        checker.error_with_hint(map.span, format!("there are no {what}"), hint);
        return None;
    }
    Some(found)
}

/// The names in a map, right or wrong.
fn declared_names<'n>(node: &'n Node, field: &str) -> Vec<&'n str> {
    let Some(Node { value: Value::Map(pairs), .. }) = node.field(field) else { return Vec::new() };
    let text = |key: &'n Node| if let Value::Text(text) = &key.value { Some(text.as_str()) } else { None };
    pairs.iter().filter_map(|(key, _)| text(key)).collect()
}

fn at(span: Span, checker: &Checker) -> At {
    At(checker.place(span))
}

fn footage_set(name: &str, span: Span, node: &Node, checker: &mut Checker) -> Option<FootageSet> {
    let fields = sections::footage(node, checker)?;
    Some(FootageSet {
        name: name.to_owned(),
        files: fields.files.0,
        clock: fields.clock,
        fit: fields.fit,
        place: at(span, checker),
    })
}

fn music(node: &Node, checker: &mut Checker) -> Option<Music> {
    let fields = sections::music(node, checker)?;
    Some(Music {
        file: fields.file.0,
        gain: fields.gain.0,
        start: fields.start,
        fade_in: fields.fade_in,
        fade_out: fields.fade_out,
        repeat: fields.repeat,
        place: at(node.field("file").or(node.field("camera")).map_or(node.span, |file| file.span), checker),
    })
}

fn detection(node: &Node, checker: &mut Checker) -> Option<Detection> {
    let fields = DetectionFields::from_node(node, checker)?;
    Some(Detection {
        model: fields.model.0,
        classes: fields.classes,
        threshold: fields.threshold.0,
        overlap: fields.overlap.0,
        rate: fields.rate,
        place: at(node.field("model").map_or(node.span, |model| model.span), checker),
    })
}

/// The entry of the kind that `node` names.
fn kind<'k>(node: &Node, what: &str, table: &'k [KindEntry], checker: &mut Checker) -> Option<&'k KindEntry> {
    let names: Vec<&str> = table.iter().map(|entry| entry.name).collect();
    let Some(name) = node.kind_name() else {
        let message = format!("expected {what}, found {}", node.describe());
        checker.error_with_hint(node.span, message, format!("write its kind first: {}", list(&names)));
        return None;
    };
    let entry = table.iter().find(|entry| entry.name == name.text);
    if entry.is_none() {
        unknown(checker, name.span, format!("`{}` is not {what}", name.text), &name.text, &names);
    }
    entry
}

/// Parts a node: the fields that all kinds share, and the kind's own.
fn part(node: &Node, shared: &[&str]) -> (Node, Node) {
    let Value::Fields(fields) = &node.value else {
        return (Node { value: Value::Fields(Vec::new()), ..node.clone() }, node.clone());
    };
    let (common, own) = fields.iter().cloned().partition(|(name, _)| shared.contains(&name.text.as_str()));
    (Node { value: Value::Fields(common), ..node.clone() }, Node { value: Value::Fields(own), ..node.clone() })
}

fn logs(nodes: &[Node], formats: &[KindEntry], checker: &mut Checker) -> Option<Vec<TelemetrySource>> {
    // Every log is read before one that failed ends it.
    let read: Vec<Option<TelemetrySource>> = nodes.iter().map(|node| telemetry(node, formats, checker)).collect();
    let logs: Vec<TelemetrySource> = read.into_iter().collect::<Option<_>>()?;
    for (at, log) in logs.iter().enumerate() {
        if logs[..at].iter().any(|other| other.file == log.file) {
            let message = format!("the log {} is given twice", quoted(&log.file));
            checker.error_with_hint(nodes[at].span, message, "remove one of them");
        }
    }
    Some(logs)
}

fn telemetry(node: &Node, formats: &[KindEntry], checker: &mut Checker) -> Option<TelemetrySource> {
    if matches!(node.value, Value::Text(_)) {
        let file = (Ident { text: "file".to_owned(), span: node.span }, node.clone());
        let name = Some(Ident { text: ANY_FORMAT.to_owned(), span: node.span });
        let log = Node { span: node.span, name, value: Value::Fields(vec![file]) };
        return telemetry(&log, formats, checker);
    }
    let entry = kind(node, "a telemetry format", formats, checker)?;
    let (common, own) = part(node, TELEMETRY_FIELDS);
    checker.set_beside(TELEMETRY_FIELDS);
    let params = (entry.lower)(&own, checker);
    checker.take_beside();
    let fields = FieldReader::open(&common, entry.name, TELEMETRY_FIELDS, checker)?;
    // What lies in footage is no file of its own.
    let camera = match &own.field("camera").map(|node| &node.value) {
        Some(Value::Text(camera)) if entry.name == IN_FOOTAGE => Some(camera.clone()),
        _ => None,
    };
    let file = match (&camera, entry.name == IN_FOOTAGE) {
        (Some(camera), _) => Some(FileName(format!("footage of {camera}"))),
        (None, true) => None,
        (None, false) => fields.required::<FileName>("file", checker),
    };
    for field in ["file", "start"] {
        if let (Some(node), true) = (common.field(field), entry.name == IN_FOOTAGE) {
            checker.error_with_hint(
                node.span,
                format!("`{IN_FOOTAGE}` has no `{field}`"),
                "remove it: the films are the log",
            );
        }
    }
    let start = fields.optional::<Option<TelemetryStart>>("start", None, checker);
    let offset = fields.optional("offset", TELEMETRY_OFFSET, checker);
    let gap = fields.optional("gap", Timestamp::from_seconds(TELEMETRY_GAP), checker);
    if let (Some(gap), Some(node)) = (gap, common.field("gap"))
        && gap <= Timestamp::ZERO
    {
        checker.error(node.span, "a gap is longer than 0");
    }
    Some(TelemetrySource {
        file: file?.0,
        camera,
        format: entry.name.to_owned(),
        format_version: entry.version,
        params: params?,
        start: start?,
        offset: offset?,
        gap: gap?,
        place: at(node.field("file").map_or(node.span, |file| file.span), checker),
    })
}

fn overlay((name, span, node): Named<'_>, table: &[KindEntry], checker: &mut Checker) -> Option<OverlayDecl> {
    let entry = kind(node, "an overlay", table, checker)?;
    let params = (entry.lower)(node, checker)?;
    Some(OverlayDecl {
        name: name.to_owned(),
        spec: OverlaySpec { kind: entry.name.to_owned(), version: entry.version, params },
        place: at(span, checker),
    })
}

fn output(
    (name, span, node): Named<'_>,
    table: &[KindEntry],
    declared: &[&str],
    checker: &mut Checker,
) -> Option<OutputDecl> {
    let entry = kind(node, "an output", table, checker)?;
    let (common, own) = part(node, OUTPUT_FIELDS);
    checker.set_beside(OUTPUT_FIELDS);
    let params = (entry.lower)(&own, checker);
    checker.take_beside();
    let fields = FieldReader::open(&common, entry.name, OUTPUT_FIELDS, checker)?;
    let chosen = fields.optional::<Option<Vec<String>>>("overlays", None, checker)?;
    if let (Some(chosen), Some(Node { value: Value::Seq(items), .. })) = (&chosen, common.field("overlays")) {
        for (overlay, item) in chosen.iter().zip(items).filter(|(overlay, _)| !declared.contains(&overlay.as_str())) {
            unknown(checker, item.span, format!("there is no overlay {}", quoted(overlay)), overlay, declared);
        }
    }
    let shown = |overlay: &&&str| chosen.as_ref().is_none_or(|chosen| chosen.iter().any(|one| one == **overlay));
    Some(OutputDecl {
        name: name.to_owned(),
        kind: entry.name.to_owned(),
        version: entry.version,
        params: params?,
        overlays: declared.iter().filter(shown).map(|overlay| (*overlay).to_owned()).collect(),
        place: at(span, checker),
    })
}

fn lower_moments(fields: MomentsFields, project: &Node, checker: &mut Checker) -> Moments {
    let weights = match &fields.weights {
        Some(weights) => weights.iter().map(|(name, weight)| (name.clone(), weight.0)).collect(),
        None => default_weights(project),
    };
    checks::weights(&weights, project, checker);
    let pin = |pin: &sections::PinValue| Pin {
        recording: pin.fields.at.recording.clone(),
        start: pin.fields.at.time,
        length: pin.fields.length.unwrap_or(fields.length),
    };
    let ban = |ban: &sections::BanValue| {
        let (from, until) = match ban.stretch {
            Some((from, length)) => (from, from + length.unwrap_or(fields.length)),
            None => (Timestamp::ZERO, FOREVER),
        };
        Ban { recording: ban.recording.clone(), from, until }
    };
    Moments {
        length: fields.length,
        pre_roll: fields.pre_roll,
        total: fields.total,
        gap: fields.gap,
        step: fields.step,
        weights,
        pins: fields.pins.iter().map(pin).collect(),
        bans: fields.bans.iter().map(ban).collect(),
        weight_places: weight_places(project, checker),
        pin_places: fields.pins.iter().map(|pin| pin.place.clone()).collect(),
        ban_places: fields.bans.iter().map(|ban| ban.place.clone()).collect(),
    }
}

fn weight_places(project: &Node, checker: &Checker) -> Vec<(String, At)> {
    let weights = project.field("moments").and_then(|moments| moments.field("weights")).map(|weights| &weights.value);
    let Some(Value::Map(pairs)) = weights else { return Vec::new() };
    let place = |(key, _): &(Node, Node)| match &key.value {
        Value::Text(name) => Some((name.clone(), at(key.span, checker))),
        _ => None,
    };
    pairs.iter().filter_map(place).collect()
}

/// The weights of a manifest that names none, by name: those of the inputs
/// that it has. Stated in the doc of `MomentsFields::weights`.
fn default_weights(project: &Node) -> Vec<(String, i32)> {
    let mut weights = vec![("motion", 300), ("sharpness", 200), ("exposure", 100), ("scene_change", 100)];
    if !sections::log_nodes(project).is_empty() {
        weights.extend([("speed", 200), ("|gradient|", 200)]);
    }
    let mut weights: Vec<(String, i32)> = weights.into_iter().map(|(name, weight)| (name.to_owned(), weight)).collect();
    let classes = checks::classes(project);
    let each = 300 / i32::try_from(classes.len()).unwrap_or(i32::MAX).max(1);
    weights.extend(classes.iter().map(|class| (format!("detect:{class}"), each.max(1))));
    weights.sort();
    weights
}

#[cfg(test)]
mod tests;
