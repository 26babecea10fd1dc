//! What `autocut store`, `autocut gc` and `autocut clean` print.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::exec::clean::Cleaned;
use crate::exec::collect::Source;
use crate::exec::inventory::{Inventory, Rate};
use crate::model::kinds::KINDS;
use crate::report::history::local;
use crate::store::space::size;
use crate::store::{Collected, KindSize};

/// What is in a store.
pub fn inventory(inventory: &Inventory) -> String {
    let Inventory { sizes, limit, space, .. } = inventory;
    let mut text = format!("{} (format {})\n", inventory.path.display(), inventory.format);
    let _ =
        writeln!(text, "holds {} of at most {} ({})", size(sizes.total_bytes), size(limit.bytes), by(inventory.source));
    if let Some(age) = limit.age_ns {
        let _ = writeln!(text, "keeps what was used in the last {}", days(age));
    }
    let _ = writeln!(text, "its disk has {} free of {}", size(space.free), size(space.total));
    let _ = writeln!(text, "\n{:<18} {:>8} {:>8} {:>12} {:>8}", "", "results", "objects", "size", "reused");
    for (kind, held) in in_order(&sizes.kinds) {
        let rate = inventory.rates.get(kind).and_then(|rate| rate.percent());
        let rate = rate.map_or_else(String::new, |percent| format!("{percent} %"));
        let row = format!("{kind:<18} {:>8} {:>8} {:>12} {rate:>8}", held.results, held.objects, size(held.bytes));
        let _ = writeln!(text, "{}", row.trim_end());
    }
    let rest = [
        ("(of no result)", sizes.unreferenced.objects, sizes.unreferenced.bytes),
        ("(index and log)", 0, sizes.index_bytes + sizes.log_bytes),
    ];
    for (what, objects, bytes) in rest.iter().filter(|(.., bytes)| *bytes > 0) {
        let objects = if *objects > 0 { objects.to_string() } else { String::new() };
        let _ = writeln!(text, "{what:<18} {:>8} {objects:>8} {:>12}", "", size(*bytes));
    }
    if inventory.builds > 0 {
        let _ = writeln!(text, "\nreused: in the last {} builds that had something to do", inventory.builds);
    }
    for (project, at, needed) in &inventory.projects {
        let whose = if project.is_empty() { "the last build" } else { project.as_str() };
        let _ = writeln!(text, "{whose} ({}) needs {needed} results, which stay", local(*at));
    }
    text
}

/// The same as one JSON object, on one line.
pub fn inventory_json(inventory: &Inventory) -> String {
    let Inventory { sizes, limit, space, .. } = inventory;
    let kinds: Map<String, Value> = in_order(&sizes.kinds)
        .map(|(kind, held)| {
            let Rate { ran, reused } = inventory.rates.get(kind).copied().unwrap_or_default();
            let KindSize { results, objects, bytes } = held;
            let value = json!({"results": results, "objects": objects, "bytes": bytes, "ran": ran, "reused": reused});
            (kind.to_owned(), value)
        })
        .collect();
    let projects = inventory.projects.iter();
    let projects: Vec<Value> = projects
        .map(|(path, at, results)| json!({"project": path, "at": at.to_string(), "results": results}))
        .collect();
    let value = json!({
        "path": inventory.path,
        "format": inventory.format,
        "bytes": sizes.total_bytes,
        "index_bytes": sizes.index_bytes,
        "log_bytes": sizes.log_bytes,
        "unreferenced": {"objects": sizes.unreferenced.objects, "bytes": sizes.unreferenced.bytes},
        "limit": {"bytes": limit.bytes, "age_s": limit.age_ns.map(|ns| ns / 1_000_000_000), "source": by(inventory.source)},
        "free_bytes": space.free,
        "disk_bytes": space.total,
        "builds": inventory.builds,
        "kinds": kinds,
        "projects": projects,
    });
    format!("{value}\n")
}

fn by(source: Source) -> &'static str {
    match source {
        Source::CommandLine => "the command line",
        Source::Manifest => "autocut.ron",
        Source::Config => "your config file",
        Source::Usual => "the default",
    }
}

fn days(ns: i64) -> String {
    let hours = ns / 3_600_000_000_000;
    match (hours / 24, hours % 24) {
        (0, _) => format!("{hours} hours"),
        (days, 0) => format!("{days} days"),
        (days, hours) => format!("{days} days and {hours} hours"),
    }
}

/// What `autocut gc` says.
pub fn collected(collected: &Collected, dry_run: bool) -> String {
    let mut text = String::new();
    for (kind, gone) in in_order(&collected.kinds) {
        let row = format!("{kind:<18} {:>8} results {:>12}", gone.results, size(gone.bytes));
        let _ = writeln!(text, "{row}");
    }
    let (did, stays) = if dry_run { ("would remove", "would stay") } else { ("removed", "stay") };
    let _ = writeln!(
        text,
        "{did} {} objects and {} results, {}; {} {stays}",
        collected.objects,
        collected.results,
        size(collected.bytes),
        size(collected.kept_bytes)
    );
    if let Some(limit) = collected.limit.filter(|limit| collected.kept_bytes > limit.bytes) {
        let _ = writeln!(text, "that is more than {}, but the outputs need it", size(limit.bytes));
    }
    text
}

/// What `autocut clean` says, beside what stays.
pub fn cleaned(cleaned: &Cleaned, dry_run: bool) -> String {
    let did = if dry_run { "would remove" } else { "removed" };
    let mut text = String::new();
    for (output, bytes) in &cleaned.outputs {
        let _ = writeln!(text, "{did} {output} ({})", size(*bytes));
    }
    for folder in &cleaned.folders {
        let _ = writeln!(text, "{did} {folder}/");
    }
    if let Some(store) = &cleaned.store {
        let _ = writeln!(text, "{did} {}", store.display());
    }
    if text.is_empty() {
        text.push_str("nothing to remove\n");
    }
    text
}

/// The kinds in the order in which work goes through them; those that this
/// autocut does not know last.
pub(super) fn in_order<T>(kinds: &BTreeMap<String, T>) -> impl Iterator<Item = (&str, &T)> {
    let known = KINDS.iter().filter_map(|kind| kinds.get_key_value(kind.name));
    let others = kinds.iter().filter(|(name, _)| !KINDS.iter().any(|kind| kind.name == name.as_str()));
    known.chain(others).map(|(name, value)| (name.as_str(), value))
}
