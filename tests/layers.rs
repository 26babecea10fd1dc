//! The floors of the house (docs/ARCHITECTURE.md): a folder of `src/` uses only
//! folders above it, and what one floor alone may do is done nowhere else.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails, and says what it skips")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Top floor last used, first defined: each may use those before it.
const FLOORS: &[&str] = &[
    "base",
    "model",
    "manifest",
    "inputs",
    "store",
    "telemetry",
    "analysis",
    "moments",
    "overlay",
    "deliver",
    "graph",
    "exec",
    "report",
    "cli",
];

/// What each floor may not use although it stands below.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("manifest", &["inputs", "store"]),
    ("inputs", &["manifest"]),
    ("store", &["manifest"]),
    ("telemetry", &["inputs", "store"]),
    ("analysis", &["manifest", "inputs", "store", "telemetry"]),
    ("moments", &["manifest", "inputs", "store", "analysis"]),
    ("overlay", &["inputs", "store", "analysis", "moments"]),
    ("deliver", &["inputs", "store", "telemetry", "analysis", "moments"]),
    ("graph", &["inputs", "store"]),
];

/// Floors that `autocut-media` may use.
const MEDIA: &[&str] = &["base", "model", "analysis", "overlay"];

/// Words that only some files may contain, and which.
const ONLY: &[(&str, &[&str])] = &[
    ("salsa", &["src/graph/"]),
    ("ffmpeg_next", &["src/bin/autocut-media/"]),
    ("tract_onnx", &["src/bin/autocut-media/"]),
    ("unsafe {", &["src/bin/autocut-media/av/"]),
    ("rusqlite", &["src/store/"]),
    ("std::fs", &["src/inputs/", "src/store/", "src/bin/autocut-media/"]),
    ("rustix::fs", &["src/inputs/", "src/store/"]),
    ("File::open", &["src/inputs/", "src/store/", "src/bin/autocut-media/"]),
    ("File::create", &["src/inputs/", "src/store/", "src/bin/autocut-media/"]),
    ("OpenOptions", &["src/inputs/", "src/store/", "src/bin/autocut-media/"]),
    ("indicatif", &["src/report/"]),
    ("clap", &["src/cli/"]),
    ("process::exit", &[]),
    // What holds on this machine is settled in one place (exec/settings). (A
    // worker is not handed all of the environment.)
    ("env::var", &["src/cli/", "src/exec/worker.rs"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The program text of every file: without comments and without its tests.
fn program_text() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    let mut texts = BTreeMap::new();
    for path in paths {
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        if name.ends_with("/tests.rs") || name.contains("/tests/") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        texts.insert(name, program(&text));
    }
    assert!(texts.len() > 50, "the sources were not found");
    texts
}

/// A text without comments and without what is for its tests alone, and with
/// each path that a `use` names in braces written out at its end.
fn program(text: &str) -> String {
    let mut code: Vec<&str> = Vec::new();
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            code.push(line);
            continue;
        }
        // As rustfmt writes it: an item ends where a line as far to the left
        // closes it.
        let indent = line.len() - line.trim_start().len();
        let ends = |line: &str| {
            let left = line.len() - line.trim_start().len() == indent;
            left && (line.ends_with(';') || line.ends_with('}'))
        };
        let _ = lines.by_ref().find(|line| ends(line));
    }
    let mut code = code.join("\n");
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let start = code[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = code[start..at].trim();
        let tree = code[at + "use ".len()..].split(';').next().unwrap_or_default();
        if before.is_empty() || before.starts_with("pub") {
            write_out("", tree, &mut paths);
        }
    }
    for path in paths {
        code.push('\n');
        code.push_str(&path);
    }
    code
}

/// `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn write_out(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        if !tree.is_empty() {
            paths.push(format!("{prefix}{tree}"));
        }
        return;
    };
    let inner = &rest[..rest.rfind('}').unwrap_or(rest.len())];
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                write_out(&format!("{prefix}{head}"), &inner[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The floors that a text names as `crate::floor` or `autocut::floor`.
fn used(text: &str) -> Vec<&str> {
    let mut floors = Vec::new();
    for prefix in ["crate::", "autocut::"] {
        for (at, _) in text.match_indices(prefix) {
            let rest = &text[at + prefix.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            if FLOORS.contains(&&rest[..end]) {
                floors.push(&rest[..end]);
            }
        }
    }
    floors
}

#[test]
fn no_way_of_writing_a_name_hides_it() {
    let text = "use crate::{base, store::{Store, remote}};\n\
        pub(crate) use std::{collections::HashMap, fs, io};\n\
        // crate::cli\n\
        #[cfg(test)]\n\
        mod tests;\n\
        impl A {\n    #[cfg(test)]\n    fn b() {\n        crate::report::c()\n    }\n\n    fn d() {\n        crate::exec::e()\n    }\n}\n\
        #[cfg(test)]\nmod more {\n    use crate::overlay;\n}\n\
        fn after() {\n    crate::graph::f()\n}\n";
    let text = program(text);
    assert_eq!(used(&text), ["exec", "graph", "base", "store", "store"]);
    assert!(text.contains("\nstd::fs\n") && !text.contains("overlay") && !text.contains("report"), "{text}");
}

#[test]
fn no_arrow_runs_up() {
    let level = |floor: &str| FLOORS.iter().position(|other| *other == floor);
    let mut wrong = Vec::new();
    for (name, text) in program_text() {
        let folder = name.trim_start_matches("src/").split('/').next().unwrap_or_default().to_owned();
        let Some(own) = level(&folder) else { continue };
        for floor in used(&text) {
            let forbidden = FORBIDDEN.iter().any(|(who, what)| *who == folder && what.contains(&floor));
            if level(floor) > Some(own) || forbidden {
                wrong.push(format!("{name} uses {floor}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_media_program_stands_on_few_floors() {
    for (name, text) in program_text().iter().filter(|(name, _)| name.starts_with("src/bin/")) {
        for floor in used(text) {
            assert!(MEDIA.contains(&floor), "{name} uses {floor}");
        }
    }
}

#[test]
fn what_one_floor_does_is_done_nowhere_else() {
    let mut wrong = Vec::new();
    for (name, text) in program_text() {
        for (word, folders) in ONLY {
            if text.contains(word) && !folders.iter().any(|folder| name.starts_with(folder)) {
                wrong.push(format!("{name} says {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
