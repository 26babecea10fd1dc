//! RON text to a spanned [`Node`]; the grammar is that of the `ron` crate 0.12
//! (its docs/grammar.md). The first syntax error ends it, with a place and,
//! for the usual mistakes, a hint. Total: any text gives a tree or an error,
//! and nesting is limited.
//!
//! What has no meaning in a manifest is refused with a message of its own:
//! byte strings, characters in single quotes, ranges, numbers with a type
//! suffix, and whole numbers beyond 64 bits.

use crate::base::Diagnostic;
use crate::manifest::literals;
use crate::manifest::tree::{Ident, Node, Span, Value};

/// Deepest nesting of lists, maps and structs.
pub const MAX_DEPTH: usize = 128;

/// Extensions of RON that an `#![enable(...)]` may name. They change how types
/// are read, not the tree, and every one that matters here is always on.
const EXTENSIONS: &[&str] = &["unwrap_newtypes", "implicit_some", "unwrap_variant_newtypes", "explicit_struct_names"];

/// Where and why a text is no RON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub span: Span,
    pub diagnostic: Diagnostic,
}

impl SyntaxError {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        SyntaxError { span, diagnostic: Diagnostic::input(message) }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        SyntaxError { diagnostic: self.diagnostic.hint(hint), ..self }
    }

    fn note(self, note: impl Into<String>) -> Self {
        SyntaxError { diagnostic: self.diagnostic.note(note), ..self }
    }
}

/// Parses a whole text.
pub fn parse(source: &str) -> Result<Node, SyntaxError> {
    let mut parser = Parser { source, at: 0, depth: 0 };
    // Editors on Windows write a byte order mark.
    parser.eat("\u{feff}");
    parser.space()?;
    while parser.rest().starts_with('#') {
        parser.attribute()?;
        parser.space()?;
    }
    let node = parser.value()?;
    parser.space()?;
    if parser.rest().is_empty() {
        return Ok(node);
    }
    let error = SyntaxError::new(parser.token(), format!("expected the end of the file, found {}", parser.found()));
    Err(match parser.rest().chars().next() {
        Some(')' | ']' | '}') => error.hint("one bracket too many is closed"),
        _ => error.hint("a file holds one value: everything stands inside its parentheses"),
    })
}

/// What stands between brackets.
#[derive(Clone, Copy)]
struct Bracket {
    at: usize,
    open: char,
    close: char,
}

#[derive(Debug)]
pub(crate) struct Parser<'s> {
    pub(crate) source: &'s str,
    pub(crate) at: usize,
    depth: usize,
}

impl<'s> Parser<'s> {
    pub(crate) fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// The bytes while `keep` holds, consumed.
    pub(crate) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// From `start` to here.
    pub(crate) fn span_from(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    /// The next character, as a span; at the end of the text an empty one.
    fn token(&self) -> Span {
        Span::new(self.at, self.at + self.rest().chars().next().map_or(0, char::len_utf8))
    }

    /// What comes next, for messages.
    fn found(&self) -> String {
        match self.rest().chars().next() {
            None => "the end of the file".to_owned(),
            Some('"') => "a text".to_owned(),
            Some(c) if is_ident_start(c) || c.is_ascii_digit() => {
                let word: String = self.rest().chars().take_while(|c| is_ident(*c)).take(40).collect();
                format!("`{word}`")
            }
            Some(c) if c.is_control() => format!("the character {c:?}"),
            Some(c) => format!("`{c}`"),
        }
    }

    /// Skips white space and comments.
    fn space(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.take_while(is_space);
            let start = self.at;
            if self.eat("//") {
                self.take_while(|c| c != '\n');
            } else if self.eat("/*") {
                let mut level = 1_usize;
                while level > 0 {
                    self.take_while(|c| c != '/' && c != '*');
                    if self.eat("/*") {
                        level += 1;
                    } else if self.eat("*/") {
                        level -= 1;
                    } else if !self.eat("/") && !self.eat("*") {
                        let opening = Span::new(start, start + 2);
                        return Err(SyntaxError::new(opening, "this comment is never closed").hint("end it with `*/`"));
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    /// `#![enable(...)]`, `#![type = "..."]` or `#![schema = "..."]`.
    fn attribute(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let wrong = |parser: &Self| {
            let span = Span::new(start, parser.token().end);
            SyntaxError::new(span, "expected an attribute such as `#![enable(implicit_some)]`")
                .hint("a comment starts with `//`; colours such as \"#ff8800\" stand in quotes")
        };
        for token in ["#", "!", "["] {
            if !self.eat(token) {
                return Err(wrong(self));
            }
            self.space()?;
        }
        let name = self.ident().map(|ident| ident.text).unwrap_or_default();
        self.space()?;
        match name.as_str() {
            "enable" if self.eat("(") => {
                self.space()?;
                loop {
                    let at = self.at;
                    let extension = self.ident().ok_or_else(|| wrong(self))?;
                    if !EXTENSIONS.contains(&extension.text.as_str()) {
                        let message = format!("unknown extension `{}`", extension.text);
                        return Err(SyntaxError::new(self.span_from(at), message));
                    }
                    self.space()?;
                    let comma = self.eat(",");
                    self.space()?;
                    if self.eat(")") {
                        break;
                    }
                    if !comma {
                        return Err(wrong(self));
                    }
                }
            }
            "type" | "schema" if self.eat("=") => {
                self.space()?;
                literals::text(self)?;
            }
            _ => return Err(wrong(self)),
        }
        self.space()?;
        if self.eat("]") { Ok(()) } else { Err(wrong(self)) }
    }

    fn value(&mut self) -> Result<Node, SyntaxError> {
        let start = self.at;
        if literals::starts_text(self.rest()) {
            let text = literals::text(self)?;
            return Ok(self.node(start, Value::Text(text)));
        }
        if let Some(name) = self.ident() {
            return self.after_name(name);
        }
        match self.rest().chars().next() {
            Some('(') => self.parens(None),
            Some('[') => {
                let items = self.nested('[', ']', |parser, bracket| parser.items(bracket))?;
                Ok(self.node(start, Value::Seq(items)))
            }
            Some('{') => {
                let pairs = self.nested('{', '}', |parser, bracket| parser.pairs(bracket))?;
                Ok(self.node(start, Value::Map(pairs)))
            }
            Some('0'..='9' | '+' | '-' | '.') => {
                let number = literals::number(self)?;
                Ok(self.node(start, number))
            }
            _ => Err(self.no_value()),
        }
    }

    fn node(&self, start: usize, value: Value) -> Node {
        Node { span: self.span_from(start), name: None, value }
    }

    /// What is wrong where a value should start.
    fn no_value(&self) -> SyntaxError {
        let error = SyntaxError::new(self.token(), format!("expected a value, found {}", self.found()));
        match self.rest().chars().next() {
            Some('\'') => error.hint("texts stand in double quotes: \"...\""),
            Some('\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}') => {
                error.hint("texts stand in straight quotes: \"...\"")
            }
            Some('#' | '/' | '~' | '*' | '\\' | '%') => error.hint("texts stand in quotes: \"...\""),
            _ => error,
        }
    }

    /// An identifier, or `r#` and a raw one.
    pub(crate) fn ident(&mut self) -> Option<Ident> {
        let start = self.at;
        let rest = self.rest();
        let raw = rest.strip_prefix("r#").is_some_and(|after| after.starts_with(is_raw_ident));
        let text = if raw {
            self.at += 2;
            self.take_while(is_raw_ident)
        } else if rest.starts_with(is_ident_start) && !literals::starts_text(rest) {
            self.take_while(is_ident)
        } else {
            return None;
        };
        Some(Ident { span: self.span_from(start), text: text.to_owned() })
    }

    /// A value that starts with an identifier.
    fn after_name(&mut self, name: Ident) -> Result<Node, SyntaxError> {
        let (start, end) = (name.span.start, self.at);
        let is_raw = self.source[start..].starts_with("r#");
        match name.text.as_str() {
            "true" | "false" if !is_raw => return Ok(self.node(start, Value::Bool(name.text == "true"))),
            "None" if !is_raw => return Ok(self.node(start, Value::Ident(name.text))),
            _ => {}
        }
        self.space()?;
        let is_some = name.text == "Some" && !is_raw;
        if self.rest().starts_with('(') {
            let span = name.span;
            let node = self.parens(Some(name))?;
            if is_some && !matches!(&node.value, Value::Tuple(items) if items.len() == 1) {
                return Err(
                    SyntaxError::new(span, "`Some` holds one value").hint("write `Some(value)`, or the value alone")
                );
            }
            return Ok(node);
        }
        self.at = end;
        if is_some {
            return Err(
                SyntaxError::new(name.span, "`Some` holds one value").hint("write `Some(value)`, or the value alone")
            );
        }
        Ok(self.node(start, Value::Ident(name.text)))
    }

    /// `(...)`, after its name: named fields or a tuple.
    fn parens(&mut self, name: Option<Ident>) -> Result<Node, SyntaxError> {
        let start = name.as_ref().map_or(self.at, |name| name.span.start);
        let value = self.nested('(', ')', |parser, bracket| {
            let first = parser.at;
            let named = parser.ident().is_some() && {
                parser.space()?;
                parser.rest().starts_with([':', '='])
            };
            parser.at = first;
            if named { parser.fields(bracket).map(Value::Fields) } else { parser.items(bracket).map(Value::Tuple) }
        })?;
        Ok(Node { span: self.span_from(start), name, value })
    }

    /// Reads what stands between two brackets, one level deeper.
    fn nested<T>(
        &mut self,
        open: char,
        close: char,
        inside: impl FnOnce(&mut Self, Bracket) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        let bracket = Bracket { at: self.at, open, close };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError::new(self.token(), format!("nested more than {MAX_DEPTH} deep")));
        }
        self.at += open.len_utf8();
        self.space()?;
        let value = inside(self, bracket)?;
        self.depth -= 1;
        Ok(value)
    }

    fn items(&mut self, bracket: Bracket) -> Result<Vec<Node>, SyntaxError> {
        let mut items = Vec::new();
        while !self.closes(bracket)? {
            let item = self.value()?;
            self.comma(bracket, &item)?;
            items.push(item);
        }
        Ok(items)
    }

    fn pairs(&mut self, bracket: Bracket) -> Result<Vec<(Node, Node)>, SyntaxError> {
        let mut pairs = Vec::new();
        while !self.closes(bracket)? {
            let key = self.value()?;
            self.colon("a name in quotes, `:` and a value")?;
            let value = self.value()?;
            self.comma(bracket, &value)?;
            pairs.push((key, value));
        }
        Ok(pairs)
    }

    fn fields(&mut self, bracket: Bracket) -> Result<Vec<(Ident, Node)>, SyntaxError> {
        let mut fields = Vec::new();
        while !self.closes(bracket)? {
            let Some(name) = self.ident() else {
                let error = SyntaxError::new(self.token(), format!("expected a field, found {}", self.found()));
                return Err(match self.rest().starts_with('"') {
                    true => error.hint("names of fields stand without quotes: `name: value`"),
                    false => error,
                });
            };
            self.colon(&format!("`{}: value`", name.text))?;
            let value = self.value()?;
            self.comma(bracket, &value)?;
            fields.push((name, value));
        }
        Ok(fields)
    }

    /// Whether the bracket ends here.
    fn closes(&mut self, bracket: Bracket) -> Result<bool, SyntaxError> {
        if self.rest().starts_with(bracket.close) {
            self.at += bracket.close.len_utf8();
            return Ok(true);
        }
        if self.rest().is_empty() {
            return Err(self.unclosed(bracket));
        }
        Ok(false)
    }

    fn unclosed(&self, bracket: Bracket) -> SyntaxError {
        let span = Span::new(bracket.at, bracket.at + 1);
        SyntaxError::new(span, format!("this `{}` is never closed", bracket.open))
            .hint(format!("its `{}` is missing", bracket.close))
    }

    fn colon(&mut self, form: &str) -> Result<(), SyntaxError> {
        self.space()?;
        if !self.eat(":") {
            let error = SyntaxError::new(self.token(), format!("expected `:`, found {}", self.found()));
            return Err(error.hint(format!("write {form}")));
        }
        self.space()
    }

    /// What separates values: a comma, unless the bracket ends.
    fn comma(&mut self, bracket: Bracket, before: &Node) -> Result<(), SyntaxError> {
        let end = self.at;
        self.space()?;
        if self.eat(",") {
            return self.space();
        }
        match self.rest().chars().next() {
            None => Err(self.unclosed(bracket)),
            Some(c) if c == bracket.close => Ok(()),
            Some(found) => {
                let same_line = !self.source[end..self.at].contains('\n');
                let span = if same_line { self.token() } else { Span::new(end - 1, end) };
                let message = format!("expected `,` or `{}`, found {}", bracket.close, self.found());
                let error = SyntaxError::new(span, message);
                if matches!(found, ')' | ']' | '}') {
                    let line = 1 + self.source[..bracket.at].matches('\n').count();
                    return Err(error.note(format!("the `{}` in line {line} is still open", bracket.open)));
                }
                Err(match self.unquoted(before, same_line) {
                    Some(text) => error.hint(format!("put it in quotes: \"{text}\"")),
                    None => error.hint("separate values with a comma"),
                })
            }
        }
    }

    /// The text that someone forgot to quote: `3.5s`, `-12 dB`, `ride.csv`.
    fn unquoted(&self, before: &Node, same_line: bool) -> Option<&'s str> {
        let bare = before.name.is_none() && matches!(before.value, Value::Int(_) | Value::Decimal(_) | Value::Ident(_));
        let from = &self.source[before.span.start..];
        let text = from[..from.find([',', ')', ']', '}', '\n', '"']).unwrap_or(from.len())].trim_end();
        let whole = !from[text.len()..].starts_with('"') && !text.contains(": ") && !text.contains(['\\', '(', '[']);
        (bare && same_line && whole).then_some(text)
    }
}

/// White space as RON has it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r' | '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
}

fn is_ident_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_ident(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn is_raw_ident(c: char) -> bool {
    is_ident(c) || matches!(c, '.' | '+' | '-')
}

#[cfg(test)]
mod tests;
