//! From a tree to typed values. A struct that a person writes in a manifest is
//! declared once with `schema!`; that gives the Rust struct, its reader with
//! all its errors, and its page in the reference.
//!
//! ```text
//! schema! {
//!     /// A number on a dial.
//!     pub struct Gauge = "Gauge", check = Gauge::check {
//!         /// The channel that is shown.
//!         channel: String,
//!         /// How large it is.
//!         size: Share = Share::percent(18),
//!         /// What is written under it.
//!         label: Option<String> = None,
//!     }
//! }
//! ```
//!
//! A field without `=` is required. `check = path` may be left out; it names a
//! `fn(&Self, &Node, &mut Checker)` that looks at the fields together. Docs go
//! to the reference.

use serde::Serialize;

use crate::base::Diagnostic;
use crate::base::diagnostic::nearest;
use crate::manifest::checker::Checker;
use crate::manifest::tree::{Node, Span, Value, quoted};

/// A type that can be written in a manifest.
pub trait FromNode: Sized {
    /// Reads it. Where that fails, the reason is reported and the answer `None`.
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self>;

    /// What a person writes, for messages and the reference: "a duration such
    /// as \"3.5s\"".
    fn expects() -> String;

    /// The value as a person would write it, for defaults in the reference.
    /// Empty where the type has no way to say.
    fn to_text(&self) -> String {
        String::new()
    }

    /// The structs that it is made of, for the reference.
    fn parts() -> Vec<StructDoc> {
        Vec::new()
    }
}

/// A struct that `schema!` declared.
pub trait Schema: FromNode + Serialize {
    /// How it is called in a manifest.
    const NAME: &'static str;
    /// Its doc comment, lines as written.
    const DOC: &'static str;

    /// Its fields, in their order.
    fn fields() -> Vec<FieldDoc>;
}

/// A field as the reference shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDoc {
    pub name: &'static str,
    /// Its doc comment as one line.
    pub doc: String,
    /// What a person writes.
    pub expects: String,
    /// What holds where it is not written; `None` where it must be.
    pub default: Option<String>,
    /// The structs that its value is made of.
    pub parts: Vec<StructDoc>,
}

/// A struct as the reference shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructDoc {
    pub name: &'static str,
    /// Its doc comment, lines as written.
    pub doc: &'static str,
    pub fields: Vec<FieldDoc>,
}

impl FieldDoc {
    /// Used by `schema!`; `code` is the default as it stands in the source,
    /// shown where the type cannot write it.
    pub fn new<T: FromNode>(name: &'static str, doc: &str, default: Option<(T, &str)>) -> Self {
        let default = default.map(|(value, code)| {
            let text = value.to_text();
            if text.is_empty() { code.to_owned() } else { text }
        });
        let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
        FieldDoc { name, doc, expects: T::expects(), default, parts: T::parts() }
    }
}

/// Reads the fields of one struct.
#[derive(Debug)]
pub struct FieldReader<'n> {
    node: &'n Node,
    name: &'static str,
    /// The fields that look like misspelled ones, by the name that is meant.
    meant: Vec<&'static str>,
}

impl<'n> FieldReader<'n> {
    /// Opens a struct: `name(...)` or `(...)`. Reports unknown and repeated
    /// fields, whatever else is wrong with it.
    pub fn open(
        node: &'n Node,
        name: &'static str,
        known: &[&'static str],
        checker: &mut Checker,
    ) -> Option<FieldReader<'n>> {
        let beside = checker.take_beside();
        let misnamed = node.kind_name().is_some_and(|found| found.text != name);
        let Some(fields) = node.fields().filter(|_| !misnamed) else {
            let hint = match &node.value {
                Value::Map(_) => {
                    format!("fields stand in parentheses, their names without quotes: `{name}(name: value)`")
                }
                Value::Tuple(_) => format!("name each field: `{name}(name: value)`"),
                _ => format!("the fields of `{name}` are {}", list(known)),
            };
            checker.error_with_hint(node.span, format!("expected `{name}(...)`, found {}", node.describe()), hint);
            return None;
        };
        let names: Vec<&'static str> = beside.iter().chain(known).copied().collect();
        let mut meant = Vec::new();
        for (at, (key, _)) in fields.iter().enumerate() {
            if let Some((first, _)) = fields[..at].iter().find(|(earlier, _)| earlier.text == key.text) {
                let line = checker.place(first.span).line;
                let wrong = Diagnostic::input(format!("field `{}` is given twice", key.text));
                checker.report(key.span, wrong.note(format!("the first is in line {line}")).hint("remove one of them"));
            }
            if !known.contains(&key.text.as_str()) {
                meant.extend(nearest(&key.text, names.iter().copied()));
                unknown(checker, key.span, format!("unknown field `{}` of `{name}`", key.text), &key.text, &names);
            }
        }
        Some(FieldReader { node, name, meant })
    }

    /// A field that must be there. One that was misspelled is not missed as
    /// well.
    pub fn required<T: FromNode>(&self, field: &str, checker: &mut Checker) -> Option<T> {
        match self.node.field(field) {
            Some(node) => T::from_node(node, checker),
            None if self.meant.contains(&field) => None,
            None => {
                let span = self.node.name.as_ref().map_or(self.opening(), |name| name.span);
                let message = format!("`{}` has no field `{field}`", self.name);
                checker.error_with_hint(span, message, format!("add `{field}: ...`: {}", T::expects()));
                None
            }
        }
    }

    /// A field that has a default.
    pub fn optional<T: FromNode>(&self, field: &str, default: T, checker: &mut Checker) -> Option<T> {
        match self.node.field(field) {
            Some(node) => T::from_node(node, checker),
            None => Some(default),
        }
    }

    fn opening(&self) -> Span {
        Span::new(self.node.span.start, self.node.span.start + 1)
    }
}

/// Reports a name that nobody knows, with the nearest that is known and all.
pub fn unknown(checker: &mut Checker, span: Span, message: String, wrong: &str, known: &[&str]) {
    let mut diagnostic = Diagnostic::input(message);
    if !known.is_empty() {
        diagnostic = diagnostic.note(format!("known are {}", list(known)));
    }
    if let Some(near) = nearest(wrong, known.iter().copied()) {
        diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
    }
    checker.report(span, diagnostic);
}

/// Reports a value of the wrong type.
pub fn mismatch<T: FromNode>(node: &Node, checker: &mut Checker) {
    checker.error(node.span, format!("expected {}, found {}", T::expects(), node.describe()));
}

/// `a`, `b` and `c`, each in backquotes.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "none".to_owned(),
    }
}

/// A struct as it is written: `Name(field: value)`, without the fields that are
/// `None`.
pub fn struct_text(name: &str, fields: &[(&str, String)]) -> String {
    let written = fields.iter().filter(|(_, text)| !text.is_empty() && text != "None");
    let written: Vec<String> = written.map(|(field, text)| format!("{field}: {text}")).collect();
    format!("{name}({})", written.join(", "))
}

/// The entries of a map whose keys are texts. Reports other keys and repeated
/// ones; `None` where this is no map.
pub fn entries<'n>(node: &'n Node, what: &str, checker: &mut Checker) -> Option<Vec<(&'n str, Span, &'n Node)>> {
    let Value::Map(pairs) = &node.value else {
        let hint = format!("write {{\"name\": ...}}: the names of the {what} in quotes");
        checker.error_with_hint(node.span, format!("expected a map of {what}, found {}", node.describe()), hint);
        return None;
    };
    let mut found: Vec<(&str, Span, &Node)> = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let Value::Text(name) = &key.value else {
            checker.error_with_hint(key.span, format!("expected a name, found {}", key.describe()), "put it in quotes");
            continue;
        };
        if let Some((_, first, _)) = found.iter().find(|(earlier, ..)| earlier == name) {
            let line = checker.place(*first).line;
            let wrong = Diagnostic::input(format!("{} is given twice", quoted(name)));
            checker.report(key.span, wrong.note(format!("the first is in line {line}")).hint("give it another name"));
            continue;
        }
        found.push((name, key.span, value));
    }
    Some(found)
}

/// Reads an identifier that stands for one of a few values.
pub fn choice<T: Copy>(node: &Node, what: &str, choices: &[(&'static str, T)], checker: &mut Checker) -> Option<T> {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    match &node.value {
        Value::Ident(found) => {
            let chosen = choices.iter().find(|(name, _)| name == found).map(|(_, value)| *value);
            if chosen.is_none() {
                unknown(checker, node.span, format!("`{found}` is not {what}"), found, &names);
            }
            chosen
        }
        Value::Text(text) if names.contains(&text.as_str()) => {
            let message = format!("expected {what}, found {}", node.describe());
            checker.error_with_hint(node.span, message, format!("write `{text}` without quotes"));
            None
        }
        _ => {
            let message = format!("expected {what}, found {}", node.describe());
            checker.error_with_hint(node.span, message, format!("write one of {}", list(&names)));
            None
        }
    }
}

/// Declares a struct that is written in a manifest; see the module's doc. Where
/// every field has a default, the struct has one too.
macro_rules! schema {
    (@read $fields:ident, $checker:ident, $field:ident) => {
        $fields.required(stringify!($field), $checker)
    };
    (@read $fields:ident, $checker:ident, $field:ident, $default:expr) => {
        $fields.optional(stringify!($field), $default, $checker)
    };
    (@default) => {
        None
    };
    (@default $default:expr) => {
        Some(($default, stringify!($default)))
    };
    (
        @declare
        $(#[doc = $doc:literal])*
        $vis:vis struct $type:ident = $name:literal $(, check = $check:path)? {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident: $field_type:ty $(= $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        $vis struct $type {
            $(
                $(#[doc = $field_doc])*
                pub $field: $field_type,
            )*
        }

        impl $crate::manifest::schema::FromNode for $type {
            fn from_node(
                node: &$crate::manifest::tree::Node,
                checker: &mut $crate::manifest::checker::Checker,
            ) -> Option<Self> {
                let known = [$(stringify!($field)),*];
                // A struct may have no fields to read.
                let _fields = $crate::manifest::schema::FieldReader::open(node, $name, &known, checker)?;
                // All fields are read, and all their errors told, before the
                // first that failed ends it.
                $(
                    let $field: Option<$field_type> =
                        $crate::manifest::schema!(@read _fields, checker, $field $(, $default)?);
                )*
                let read = $type { $($field: $field?),* };
                $($check(&read, node, checker);)?
                Some(read)
            }

            fn expects() -> String {
                concat!("`", $name, "(...)`").to_owned()
            }

            fn to_text(&self) -> String {
                let fields = [$((stringify!($field), $crate::manifest::schema::FromNode::to_text(&self.$field))),*];
                $crate::manifest::schema::struct_text($name, &fields)
            }

            fn parts() -> Vec<$crate::manifest::schema::StructDoc> {
                use $crate::manifest::schema::{Schema, StructDoc};
                vec![StructDoc { name: Self::NAME, doc: Self::DOC, fields: Self::fields() }]
            }
        }

        impl $crate::manifest::schema::Schema for $type {
            const NAME: &'static str = $name;
            const DOC: &'static str = concat!($($doc, "\n"),*);

            fn fields() -> Vec<$crate::manifest::schema::FieldDoc> {
                vec![$(
                    $crate::manifest::schema::FieldDoc::new::<$field_type>(
                        stringify!($field),
                        concat!($($field_doc, "\n"),*),
                        $crate::manifest::schema!(@default $($default)?),
                    )
                ),*]
            }
        }
    };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $type:ident = $name:literal $(, check = $check:path)? {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident: $field_type:ty = $default:expr
            ),* $(,)?
        }
    ) => {
        $crate::manifest::schema! {
            @declare
            $(#[doc = $doc])*
            $vis struct $type = $name $(, check = $check)? {
                $($(#[doc = $field_doc])* $field: $field_type = $default),*
            }
        }

        impl Default for $type {
            fn default() -> Self {
                $type { $($field: $default),* }
            }
        }
    };
    ($($declaration:tt)*) => {
        $crate::manifest::schema! { @declare $($declaration)* }
    };
}

/// Declares an enum of plain names that is written in a manifest:
///
/// ```text
/// choices! {
///     /// Where a map looks.
///     pub enum Facing = "a direction" { /// Doc. North, /// Doc. Ahead }
/// }
/// ```
macro_rules! choices {
    (
        $(#[doc = $doc:literal])*
        $vis:vis enum $type:ident = $what:literal {
            $($(#[doc = $choice_doc:literal])* $choice:ident),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        $vis enum $type {
            $($(#[doc = $choice_doc])* $choice),*
        }

        impl $crate::manifest::schema::FromNode for $type {
            fn from_node(
                node: &$crate::manifest::tree::Node,
                checker: &mut $crate::manifest::checker::Checker,
            ) -> Option<Self> {
                $crate::manifest::schema::choice(node, $what, &[$((stringify!($choice), $type::$choice)),*], checker)
            }

            fn expects() -> String {
                format!("{}: {}", $what, [$(concat!("`", stringify!($choice), "`")),*].join(", "))
            }

            fn to_text(&self) -> String {
                format!("{self:?}")
            }
        }
    };
}

pub(crate) use {choices, schema};

mod plain;

#[cfg(test)]
mod tests;
