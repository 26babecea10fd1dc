//! What no section can check alone: names that refer to each other, paths that
//! must not meet, inputs that a weight can mean.

use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Timestamp};
use crate::manifest::additions;
use crate::manifest::checker::Checker;
use crate::manifest::manifest::{At, FootageSet, Moments, OutputDecl, TelemetrySource, TelemetryStart};
use crate::manifest::schema::{FromNode, list};
use crate::manifest::sections::log_nodes;
use crate::manifest::tree::{Node, Span, Value, quoted};
use crate::model::scores::{SCORES, Score};
use crate::model::specs::{Ban, Pin};
use crate::model::usual::{USUAL, usual_unit};

/// Signals that footage always has.
const SIGNALS: &[&str] = &["motion", "sharpness", "exposure", "scene_change"];

/// Checks that need only the tree, so that they are made although some section
/// failed: the lengths of moments.
pub(crate) fn sections(project: &Node, checker: &mut Checker) {
    let Some(moments) = project.field("moments") else { return };
    let default = crate::manifest::sections::MomentsFields::default();
    // Errors in the fields themselves were reported when they were read.
    let mut silent = Checker::new(std::path::Path::new(""), "");
    let mut time = |field: &str, default: Timestamp| match moments.field(field) {
        Some(node) => (Timestamp::from_node(node, &mut silent), node.span),
        None => (Some(default), moments.span),
    };
    let (length, length_span) = time("length", default.length);
    let (pre_roll, pre_roll_span) = time("pre_roll", default.pre_roll);
    let (total, total_span) = time("total", default.total);
    let (gap, gap_span) = time("gap", default.gap);
    let (step, step_span) = time("step", default.step);
    let written = |time: Timestamp| time.to_text().trim_matches('"').to_owned();
    if length.is_some_and(|length| length <= Timestamp::ZERO) {
        checker.error(length_span, "a moment is longer than 0");
        return;
    }
    if step.is_some_and(|step| step <= Timestamp::ZERO) {
        checker.error_with_hint(
            step_span,
            "the step between moments is more than 0",
            "half a second is usual: \"500ms\"",
        );
    }
    if gap.is_some_and(Timestamp::is_negative) {
        checker.error_with_hint(gap_span, "the gap between moments is not negative", "without a gap it is \"0s\"");
    }
    let Some(length) = length else { return };
    if pre_roll.is_some_and(Timestamp::is_negative) {
        checker.error(pre_roll_span, "the pre-roll is not negative");
    }
    if let Some(pre_roll) = pre_roll.filter(|pre_roll| *pre_roll >= length) {
        let span = if moments.field("pre_roll").is_some() { pre_roll_span } else { length_span };
        let wrong = format!("a pre-roll of {} leaves nothing of a moment of {}", written(pre_roll), written(length));
        checker.error_with_hint(span, wrong, "the pre-roll is the part of `length` before the peak: make it shorter");
    }
    if let Some(total) = total.filter(|total| *total < length) {
        let span = if moments.field("total").is_some() { total_span } else { length_span };
        let wrong = format!("no moment of {} fits into {} in all", written(length), written(total));
        checker.error_with_hint(span, wrong, "`total` is the length of the whole reel: make it longer");
    }
}

/// The classes of the detector, as far as they are written.
pub(crate) fn classes(project: &Node) -> Vec<&str> {
    let classes = project.field("detection").and_then(|detection| detection.field("classes"));
    let Some(Node { value: Value::Seq(items), .. }) = classes else { return Vec::new() };
    items.iter().filter_map(as_text).collect()
}

/// Every weight names an input that there can be.
pub(crate) fn weights(weights: &[(String, i32)], project: &Node, checker: &mut Checker) {
    let Some(map) = project.field("moments").and_then(|moments| moments.field("weights")) else { return };
    let Value::Map(pairs) = &map.value else { return };
    let logs = log_nodes(project);
    let columns = logs.iter().filter_map(|log| log.field("columns"));
    let mapped = columns.flat_map(|columns| match &columns.value {
        Value::Map(columns) => columns.iter().filter_map(|(key, _)| as_text(key)).collect(),
        _ => Vec::new(),
    });
    let added = additions::names(project);
    let mapped: Vec<&str> = mapped.chain(added.iter().map(String::as_str)).collect();
    let classes = classes(project);
    for (key, _) in pairs {
        let Some(name) = as_text(key) else { continue };
        let bare = name.strip_prefix('|').and_then(|name| name.strip_suffix('|')).unwrap_or(name);
        if let Some(class) = bare.strip_prefix("detect:") {
            detected(class, key.span, project, &classes, checker);
        } else if SIGNALS.contains(&bare) {
        } else if usual_unit(bare).is_some() || mapped.contains(&bare) || Score::parse(bare).is_some() {
            if logs.is_empty() {
                checker.error_with_hint(
                    key.span,
                    format!("{} is a channel of telemetry, and there is no telemetry", quoted(bare)),
                    "declare it: `telemetry: \"ride.fit\"`",
                );
            }
        } else {
            unknown_input(bare, key.span, !logs.is_empty(), &mapped, checker);
        }
    }
    if !weights.is_empty() && weights.iter().all(|(_, weight)| *weight == 0) {
        checker.error_with_hint(map.span, "every weight is 0, so that no moment is better than another", "raise one");
    }
    if let Some(detection) = project.field("detection")
        && !weights.iter().any(|(name, weight)| name.contains("detect:") && *weight != 0)
    {
        let unused = Diagnostic::warning("no weight names a class of the detector, so it does not run");
        let example = classes.first().copied().unwrap_or("bicycle");
        let span = detection.name.as_ref().map_or(detection.span, |name| name.span);
        checker.report(span, unused.hint(format!("add \"detect:{example}\": 0.3 to the weights")));
    }
}

fn detected(class: &str, span: Span, project: &Node, classes: &[&str], checker: &mut Checker) {
    if project.field("detection").is_none() {
        let message = format!("\"detect:{class}\" needs a detector, and there is none");
        checker.error_with_hint(
            span,
            message,
            "declare it: `detection: Detection(model: \"model.onnx\", classes: [...])`",
        );
    } else if !classes.contains(&class) {
        let mut wrong = Diagnostic::input(format!("the detector has no class {}", quoted(class)));
        wrong = wrong.note(format!("its classes are {}", list(classes)));
        if let Some(near) = nearest(class, classes.iter().copied()) {
            wrong = wrong.hint(format!("did you mean \"detect:{near}\"?"));
        }
        checker.report(span, wrong);
    }
}

/// With telemetry it may be a column of the log under its own name, which is
/// only known once the log is read; without, it can be nothing.
fn unknown_input(name: &str, span: Span, telemetry: bool, mapped: &[&str], checker: &mut Checker) {
    let mut known: Vec<&str> = SIGNALS.to_vec();
    if telemetry {
        known.extend(USUAL.iter().map(|(name, _)| name));
        known.extend(mapped.iter().filter(|name| usual_unit(name).is_none()));
        known.extend(SCORES);
    }
    let message = format!("{} is no signal of the footage", quoted(name));
    let mut wrong = match telemetry {
        true => Diagnostic::warning(format!("{message} and no usual channel of telemetry")),
        false => Diagnostic::input(message),
    };
    wrong = wrong.note(format!("known are {}", list(&known)));
    if let Some(near) = nearest(name, known.iter().copied()) {
        wrong = wrong.hint(format!("did you mean \"{near}\"?"));
    } else if telemetry {
        wrong = wrong.hint("it counts where the log has a column of this name");
    }
    checker.report(span, wrong);
}

fn as_text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// What could be read, for the checks across sections: one that failed takes
/// no other error with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readable<'a> {
    pub(crate) project: &'a Node,
    /// Names of all footage sets, readable or not.
    pub(crate) cameras: &'a [&'a str],
    pub(crate) footage: &'a [FootageSet],
    pub(crate) telemetry: &'a [TelemetrySource],
    pub(crate) moments: Option<&'a Moments>,
    pub(crate) outputs: &'a [OutputDecl],
    /// The other files that the manifest names.
    pub(crate) materials: &'a [&'a str],
}

pub(crate) fn across(readable: Readable<'_>, checker: &mut Checker) {
    cameras(readable, checker);
    if let Some(moments) = readable.moments {
        conflicts(moments, readable.project, checker);
    }
    output_paths(readable, checker);
}

/// The items of a list in the moments, for their spans.
fn items<'n>(project: &'n Node, field: &str) -> &'n [Node] {
    match project.field("moments").and_then(|moments| moments.field(field)).map(|node| &node.value) {
        Some(Value::Seq(items)) => items,
        _ => &[],
    }
}

/// Recordings belong to footage sets that are declared.
fn cameras(Readable { project, cameras: known, telemetry, moments, .. }: Readable<'_>, checker: &mut Checker) {
    let mut named: Vec<(&String, Span)> = Vec::new();
    if let Some(moments) = moments {
        let pins = moments.pins.iter().map(|pin| &pin.recording).zip(items(project, "pins"));
        let bans = moments.bans.iter().map(|ban| &ban.recording).zip(items(project, "bans"));
        named.extend(pins.chain(bans).map(|(recording, node)| (recording, node.span)));
    }
    for (log, node) in telemetry.iter().zip(log_nodes(project)) {
        if let (Some(TelemetryStart::Recording(recording)), Some(node)) = (&log.start, node.field("start")) {
            named.push((recording, node.span));
        }
    }
    for (log, node) in telemetry.iter().zip(log_nodes(project)) {
        if let (Some(camera), Some(node)) = (&log.camera, node.field("camera")) {
            named.push((camera, node.span));
        }
    }
    for (recording, span) in named {
        let camera = recording.split('/').next().unwrap_or_default();
        if !known.contains(&camera) {
            let mut wrong = Diagnostic::input(format!("no footage set is named {}", quoted(camera)));
            wrong = wrong.note(format!("declared are {}", list(known)));
            if let Some(near) = nearest(camera, known.iter().copied()) {
                wrong = wrong.hint(format!("did you mean \"{}\"?", recording.replacen(camera, near, 1)));
            }
            checker.report(span, wrong);
        }
    }
}

/// What is pinned is not banned, and nothing is pinned twice.
fn conflicts(moments: &Moments, project: &Node, checker: &mut Checker) {
    let nodes = items(project, "pins");
    let line = |places: &[At], at: usize| places.get(at).map_or(0, |At(place)| place.line);
    let mut pins: Vec<(&Pin, Timestamp, usize)> =
        moments.pins.iter().enumerate().map(|(at, pin)| (pin, pin.start + pin.length, at)).collect();
    for (pin, end, at) in &pins {
        let banned = |ban: &Ban| ban.recording == pin.recording && ban.from < *end && pin.start < ban.until;
        if let (Some(ban), Some(node)) = (moments.bans.iter().position(banned), nodes.get(*at)) {
            let wrong = Diagnostic::input("this moment is pinned and banned");
            let note = format!("the ban is in line {}", line(&moments.ban_places, ban));
            checker.report(node.span, wrong.note(note).hint("remove the pin or the ban"));
        }
    }
    // In order of time, what overlaps anything overlaps what ends last.
    pins.sort_by(|a, b| (&a.0.recording, a.0.start, a.2).cmp(&(&b.0.recording, b.0.start, b.2)));
    let mut last: Option<(&Pin, Timestamp, usize)> = None;
    for (pin, end, at) in pins {
        let before = last.filter(|(last, ..)| last.recording == pin.recording);
        if let Some((_, last_end, other)) = before
            && pin.start < last_end
            && let Some(node) = nodes.get(at.max(other))
        {
            let wrong = Diagnostic::input("this moment overlaps another pinned one");
            let note = format!("the other is in line {}", line(&moments.pin_places, at.min(other)));
            checker.report(node.span, wrong.note(note).hint("pin one longer moment: `Pin(at: ..., length: ...)`"));
        }
        last = match before {
            Some(before) if before.1 > end => Some(before),
            _ => Some((pin, end, at)),
        };
    }
}

/// Outputs lie inside of the project and write over nothing.
fn output_paths(readable: Readable<'_>, checker: &mut Checker) {
    let Some(Value::Map(pairs)) = readable.project.field("outputs").map(|outputs| &outputs.value) else { return };
    let patterns = readable.footage.iter().flat_map(|set| &set.files).map(String::as_str);
    let sources: Vec<&str> = patterns.chain(readable.materials.iter().copied()).collect();
    let mut written: Vec<(String, &str)> = Vec::new();
    for (key, node) in pairs {
        let Some(name) = as_text(key) else { continue };
        let stated = node.field("file").or_else(|| node.field("folder"));
        let lowered = readable.outputs.iter().find(|output| output.name == name);
        let path = stated.and_then(as_text).map(str::to_owned);
        let Some(path) = path.or_else(|| lowered.and_then(OutputDecl::place_written)) else { continue };
        let span = stated.map_or(key.span, |stated| stated.span);
        let Some(normal) = inside(&path) else {
            checker.error_with_hint(
                span,
                format!("{} does not lie inside of the project", quoted(&path)),
                "write a path relative to the project, such as \"out/reel.mp4\"",
            );
            continue;
        };
        let folder = "write outputs to a folder of their own, such as \"out\"";
        if normal == "autocut.ron" || normal == ".autocut" || normal.starts_with(".autocut/") {
            checker.error_with_hint(span, format!("{} belongs to autocut itself", quoted(&path)), folder);
        }
        if let Some((_, other)) = written.iter().find(|(other, _)| *other == normal) {
            let (first, second) = (quoted(other), quoted(name));
            let message = format!("the outputs {first} and {second} are both written to {}", quoted(&path));
            checker.error_with_hint(span, message, "give each a file of its own");
        }
        if let Some(source) = sources.iter().find(|source| inside(source).is_some_and(|source| source == normal)) {
            let (output, source) = (quoted(name), quoted(source));
            let message = format!("the output {output} would replace {source}, which the project reads");
            checker.error_with_hint(span, message, folder);
        }
        written.push((normal, name));
    }
}

/// A relative path without `.` and `..`; `None` where it leaves the project, is
/// absolute, or names the project itself.
fn inside(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') || path.starts_with('~') || drive {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}
