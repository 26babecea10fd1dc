//! The text of `autocut.lock`: one thing a line, in a fixed order, so that what
//! changed can be read off a diff.
//!
//! It is RON, like the manifest, and is read with the same errors and places.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::base::{Diagnostic, Diagnostics, Digest, Timestamp};
use crate::manifest::checker::Checker;
use crate::manifest::parser;
use crate::manifest::schema::{FieldReader, FromNode, mismatch, schema};
use crate::manifest::tree::{Node, Span, Value, quoted};
use crate::model::Moment;
use crate::model::lockfile::{LockFile, LockedTool, PinnedChoice, Request};

/// The newest format of the lock that is understood.
pub const LOCK_VERSION: u32 = 1;

const FIELDS: &[&str] = &["version", "request", "moments", "tools"];

const HEAD: &str = "\
// What another machine might decide differently, pinned: the chosen moments
// and the tools. Written by `autocut lock` and kept up to date by `autocut make`;
// `autocut make --locked` fails where it would change. Keep it with the manifest.
";

/// The lock as text.
pub fn write(lock: &LockFile) -> String {
    let mut text = format!("{HEAD}Lock(\n    version: {LOCK_VERSION},\n");
    text.push_str("    // What the moments were chosen from: while this is the same, so are they.\n    request: {\n");
    for (label, value) in &lock.choice.request.0 {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "        {}: {},", literal(label), literal(value));
    }
    text.push_str("    },\n    moments: [\n");
    for Moment { recording, start, length, pinned } in &lock.choice.moments {
        let pinned = if *pinned { ", pinned: true" } else { "" };
        let (start, length) = (exact(*start), exact(*length));
        let _ = writeln!(
            text,
            "        Moment(recording: {}, start: \"{start}\", length: \"{length}\"{pinned}),",
            literal(recording)
        );
    }
    text.push_str("    ],\n    tools: {\n");
    for (tool, LockedTool { name, identity }) in &lock.tools {
        let identity = identity.map_or("None".to_owned(), |identity| format!("\"{identity}\""));
        let _ = writeln!(text, "        {}: Tool(name: {}, identity: {identity}),", literal(tool), literal(name));
    }
    text.push_str("    },\n)\n");
    text
}

/// Reads a lock. `file` is only named in messages.
///
/// # Errors
/// Of the user's input, each with its place: no RON, of another version,
/// something else than a lock.
pub fn read(file: &Path, text: &str) -> Result<LockFile, Diagnostics> {
    let mut checker = Checker::new(file, text);
    let lock = match parser::parse(text) {
        Ok(node) => lock(&node, &mut checker),
        Err(error) => {
            checker.report(error.span, error.diagnostic);
            None
        }
    };
    let mut found = checker.finish();
    for problem in &mut found.0 {
        // What is wrong is rarely worth mending by hand.
        if !problem.hint.as_ref().is_some_and(|hint| hint.contains("autocut")) {
            problem.hint = Some("take it from version control, or remove it and run `autocut lock`".to_owned());
        }
    }
    lock.filter(|_| !found.has_errors()).ok_or(found)
}

fn lock(node: &Node, checker: &mut Checker) -> Option<LockFile> {
    check_version(node, checker)?;
    let fields = FieldReader::open(node, "Lock", FIELDS, checker)?;
    let version: Option<u32> = fields.required("version", checker);
    let request: Option<Table<String>> = fields.required("request", checker);
    let moments: Option<Vec<MomentLine>> = fields.required("moments", checker);
    let tools: Option<Table<ToolLine>> = fields.required("tools", checker);
    version?;
    let moment = |line: MomentLine| Moment {
        recording: line.recording,
        start: line.start.0,
        length: line.length.0,
        pinned: line.pinned,
    };
    let tool = |line: ToolLine| LockedTool { name: line.name, identity: line.identity.map(|identity| identity.0) };
    Some(LockFile {
        choice: PinnedChoice { request: Request(request?.0), moments: moments?.into_iter().map(moment).collect() },
        tools: tools?.0.into_iter().map(|(name, line)| (name, tool(line))).collect(),
    })
}

/// A lock of another version is told as such, and not as a list of unknown
/// fields.
fn check_version(node: &Node, checker: &mut Checker) -> Option<()> {
    let Some(Node { value: Value::Int(version), span, .. }) = node.field("version") else { return Some(()) };
    if *version == i64::from(LOCK_VERSION) {
        return Some(());
    }
    let wrong = Diagnostic::input(format!("this lock has version {version}"))
        .note(format!("autocut {} understands version {LOCK_VERSION}", env!("CARGO_PKG_VERSION")));
    let hint = match *version > i64::from(LOCK_VERSION) {
        true => "install the newer autocut that wrote it, or remove it and run `autocut lock`",
        false => "remove it and run `autocut lock`",
    };
    checker.report(*span, wrong.hint(hint));
    None
}

schema! {
    /// A chosen moment.
    pub struct MomentLine = "Moment" {
        /// Camera and recording.
        recording: String,
        /// In the recording's own time.
        start: Exact,
        /// How long it is shown.
        length: Exact,
        /// Whether the manifest demanded it.
        pinned: bool = false,
    }
}

schema! {
    /// A part of the toolchain.
    pub struct ToolLine = "Tool" {
        /// Name and version.
        name: String,
        /// The digest of all that it was asked for.
        identity: Option<Hex>,
    }
}

/// A map with texts as keys.
struct Table<T>(BTreeMap<String, T>);

impl<T: FromNode> FromNode for Table<T> {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let Value::Map(pairs) = &node.value else {
            mismatch::<Self>(node, checker);
            return None;
        };
        let mut table = BTreeMap::new();
        let mut lines: BTreeMap<&str, Span> = BTreeMap::new();
        let mut fine = true;
        for (key, value) in pairs {
            let (Value::Text(name), value) = (&key.value, T::from_node(value, checker)) else {
                checker.error(key.span, format!("expected a text, found {}", key.describe()));
                fine = false;
                continue;
            };
            if let Some(first) = lines.insert(name, key.span) {
                let line = checker.place(first).line;
                let wrong = Diagnostic::input(format!("{} is given twice", quoted(name)));
                checker.report(key.span, wrong.note(format!("the first is in line {line}")));
                fine = false;
            }
            match value {
                Some(value) => drop(table.insert(name.clone(), value)),
                None => fine = false,
            }
        }
        fine.then_some(Table(table))
    }

    fn expects() -> String {
        "a map `{\"name\": ...}`".to_owned()
    }
}

/// A time as an exact number of seconds: `12.5s`, or `1001/30000s` where no
/// decimal number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Exact(Timestamp);

impl FromNode for Exact {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let time = match &node.value {
            Value::Text(text) => parse_exact(text).map(Exact),
            _ => None,
        };
        if time.is_none() {
            mismatch::<Self>(node, checker);
        }
        time
    }

    fn expects() -> String {
        "seconds such as \"12.5s\" or \"1001/30000s\"".to_owned()
    }
}

/// The most decimal places of a number of seconds.
const PLACES: u32 = 9;

/// The seconds of a time, exactly: what [`Exact`] reads.
pub(crate) fn exact(time: Timestamp) -> String {
    let (num, den) = (time.numerator(), time.denominator());
    let scale = 10_i64.pow(PLACES);
    match (scale % den, num.checked_mul(scale / den)) {
        (0, Some(nanos)) => {
            let (whole, rest) = (nanos.unsigned_abs() / scale as u64, nanos.unsigned_abs() % scale as u64);
            let sign = if nanos < 0 { "-" } else { "" };
            let rest = format!("{rest:09}");
            let rest = rest.trim_end_matches('0');
            if rest.is_empty() { format!("{sign}{whole}s") } else { format!("{sign}{whole}.{rest}s") }
        }
        _ => format!("{num}/{den}s"),
    }
}

fn parse_exact(text: &str) -> Option<Timestamp> {
    let number = text.strip_suffix('s')?;
    if let Some((num, den)) = number.split_once('/') {
        let den: i64 = den.parse().ok().filter(|den| *den > 0)?;
        return Some(Timestamp::new(num.parse().ok()?, den));
    }
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    let places = u32::try_from(rest.len()).ok().filter(|places| *places <= PLACES)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole.strip_prefix('-').unwrap_or(whole)) || !is_number(rest) {
        return None;
    }
    Some(Timestamp::new(format!("{whole}{rest}").parse().ok()?, 10_i64.pow(places)))
}

/// A digest in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hex(Digest);

impl FromNode for Hex {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let digest = match &node.value {
            Value::Text(text) => text.parse().ok().map(Hex),
            _ => None,
        };
        if digest.is_none() {
            mismatch::<Self>(node, checker);
        }
        digest
    }

    fn expects() -> String {
        "a digest of 64 hexadecimal digits".to_owned()
    }
}

/// A text as RON writes it.
pub(crate) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            control if control.is_control() => literal.extend(control.escape_unicode()),
            other => literal.push(other),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> LockFile {
        let moment =
            |recording: &str, start, length, pinned| Moment { recording: recording.to_owned(), start, length, pinned };
        let request = [("weight speed", "0.4"), ("file front/\"a\".mp4", "x\\y\u{7}"), ("gap", "10s")];
        let tool = |name: &str, identity| LockedTool { name: name.to_owned(), identity };
        LockFile {
            choice: PinnedChoice {
                request: Request(request.map(|(label, value)| (label.to_owned(), value.to_owned())).into()),
                moments: vec![
                    moment("front/b", Timestamp::from_millis(192_500), Timestamp::from_seconds(3), false),
                    moment("front/a", Timestamp::ZERO, Timestamp::new(1_001, 30_000), true),
                ],
            },
            tools: [
                ("decode".to_owned(), tool("libavcodec 59.37.100", Some(Digest::of(b"decode")))),
                ("h264".to_owned(), tool("libavcodec 59.37.100, libx264", None)),
            ]
            .into(),
        }
    }

    fn wrong(text: &str) -> Diagnostic {
        read(Path::new("autocut.lock"), text).unwrap_err().0.remove(0)
    }

    #[test]
    fn what_is_written_is_read() {
        let text = write(&lock());
        assert_eq!(read(Path::new("autocut.lock"), &text), Ok(lock()));
        assert_eq!(write(&lock()), text);
        // As other programs that know RON read it.
        let value: ron::Value = ron::from_str(&text).unwrap();
        assert!(matches!(value, ron::Value::Map(_)));
        assert_eq!(read(Path::new("autocut.lock"), &write(&LockFile::default())), Ok(LockFile::default()));
    }

    #[test]
    fn one_thing_a_line_in_a_fixed_order() {
        let text = write(&lock());
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(lines.contains(&r#"Moment(recording: "front/b", start: "192.5s", length: "3s"),"#), "{text}");
        assert!(lines.contains(&r#"Moment(recording: "front/a", start: "0s", length: "1001/30000s", pinned: true),"#));
        let at = |start: &str| lines.iter().position(|line| line.starts_with(start)).unwrap();
        assert!(at("\"file front") < at("\"gap\"") && at("\"gap\"") < at("\"weight speed\""));
        assert!(lines[0].starts_with("// ") && text.ends_with(")\n"));
    }

    #[test]
    fn times_are_exact() {
        for (num, den) in [(0, 1), (7, 2), (-7, 2), (1_001, 30_000), (1, 1_000_000_000), (i64::MAX, 1), (-1, 3)] {
            let time = Timestamp::new(num, den);
            assert_eq!(parse_exact(&exact(time)), Some(time), "{}", exact(time));
        }
        for text in ["", "s", "1", "1.5", "1/0s", "1/-2s", "x s", "1.0000000001s", "--1s", "1.-5s"] {
            let read = parse_exact(text);
            assert!(read.is_none(), "{text}: {read:?}");
        }
    }

    #[test]
    fn a_newer_lock_is_told_as_such() {
        let problem = wrong("Lock(\n    version: 2,\n    locks: [],\n)");
        assert_eq!((problem.message.as_str(), problem.place.unwrap().line), ("this lock has version 2", 2));
        assert!(problem.hint.unwrap().contains("newer autocut"));
    }

    #[test]
    fn what_cannot_be_read_has_its_place_and_a_way_out() {
        let text = write(&lock());
        let conflict = text.replace("    moments: [\n", "<<<<<<< HEAD\n    moments: [\n");
        let cases = [
            (conflict.as_str(), "moments: [\n"),
            (&text.replace("\"192.5s\"", "\"soon\""), "\"soon\""),
            (
                &text.replace("        \"gap\": \"10s\",\n", "        \"gap\": \"10s\",\n        \"gap\": \"9s\",\n"),
                "\"9s\"",
            ),
            (&text.replace("version: 1,", "version: 1, moment: 3,"), "moment: 3"),
        ];
        for (text, near) in cases {
            let problem = wrong(text);
            let line = 1 + text[..text.find(near).unwrap()].matches('\n').count() as u32;
            let at = problem.place.as_ref().unwrap().line;
            assert!(at == line || at + 1 == line, "{problem}: line {line}");
            assert!(problem.hint.as_ref().unwrap().contains("autocut lock"), "{problem}");
        }
        assert!(wrong("").hint.unwrap().contains("autocut lock"));
        assert!(read(Path::new("x"), "Project(version: 1)").is_err());
    }
}
