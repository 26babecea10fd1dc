//! Collects everything that is wrong with a manifest, each thing with its
//! place, so that a person mends all of it after one run.

use std::path::{Path, PathBuf};

use crate::base::{Diagnostic, Diagnostics, Place};
use crate::manifest::tree::Span;

/// A line of more bytes is not shown, nor kept for every place in it: a program
/// wrote it, and may have written ten thousand pins.
const LONG_LINE: usize = 400;

/// The source text and the diagnostics found in it so far.
#[derive(Clone, Debug)]
pub struct Checker {
    file: PathBuf,
    source: String,
    /// Byte offset of the start of each line.
    lines: Vec<usize>,
    /// Whether a byte is a character: a place is then found without counting.
    is_ascii: bool,
    diagnostics: Diagnostics,
    /// Fields that belong to the struct that is read next although its own
    /// schema does not name them (a telemetry format beside `file`).
    beside: Vec<&'static str>,
}

impl Checker {
    pub fn new(file: &Path, source: &str) -> Self {
        let starts = source.char_indices().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1);
        Checker {
            file: file.to_owned(),
            source: source.to_owned(),
            lines: [0].into_iter().chain(starts).collect(),
            is_ascii: source.is_ascii(),
            diagnostics: Diagnostics::default(),
            beside: Vec::new(),
        }
    }

    /// The place of `span`: its first line, as far as the span reaches in it.
    pub fn place(&self, span: Span) -> Place {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end.max(span.start));
        let line = self.lines.partition_point(|&at| at <= start).max(1) - 1;
        let from = self.lines[line];
        let to = self.lines.get(line + 1).copied().unwrap_or(self.source.len());
        let text = self.source[from..to].trim_end_matches(['\n', '\r']);
        let characters = |range: &str| {
            let count = if self.is_ascii { range.len() } else { range.chars().count() };
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        Place {
            file: self.file.clone(),
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: characters(&self.source[from..start]).saturating_add(1),
            width: characters(&self.source[start..end.min(from + text.len()).max(start)]).max(1),
            source: if text.len() > LONG_LINE { String::new() } else { text.to_owned() },
        }
    }

    /// The nearest start of a character at or before `at`.
    fn boundary(&self, at: usize) -> usize {
        let at = at.min(self.source.len());
        (0..=at).rev().find(|&at| self.source.is_char_boundary(at)).unwrap_or(0)
    }

    /// Something is wrong at `span`.
    pub fn error(&mut self, span: Span, message: impl Into<String>) {
        self.report(span, Diagnostic::input(message));
    }

    /// Something is wrong at `span`, and this is what to do.
    pub fn error_with_hint(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.report(span, Diagnostic::input(message).hint(hint));
    }

    /// Adds a diagnostic at `span`.
    pub fn report(&mut self, span: Span, diagnostic: Diagnostic) {
        let place = self.place(span);
        self.diagnostics.push(diagnostic.at(place));
    }

    /// Adds a diagnostic that knows its place.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Where in the source `text` starts that the literal at `span` reads as;
    /// `None` where it is written with escapes.
    pub fn verbatim(&self, span: Span, text: &str) -> Option<usize> {
        let literal = self.source.get(span.start..span.end)?;
        match text {
            "" => Some(span.start + 1),
            _ => literal.find(text).map(|at| span.start + at),
        }
    }

    pub fn has_errors(&self) -> bool {
        self.diagnostics.has_errors()
    }

    /// Everything found, in the order of the text.
    pub fn finish(mut self) -> Diagnostics {
        let key = |one: &Diagnostic| one.place.as_ref().map(|place| (place.line, place.column));
        self.diagnostics.0.sort_by_key(key);
        self.diagnostics
    }

    /// Names fields that stand beside those of the struct that is read next.
    pub(crate) fn set_beside(&mut self, names: &[&'static str]) {
        self.beside = names.to_vec();
    }

    /// Hands these names over, once.
    pub(crate) fn take_beside(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, start: usize, end: usize) -> (u32, u32, u32, String) {
        let place = Checker::new(Path::new("autocut.ron"), text).place(Span::new(start, end));
        (place.line, place.column, place.width, place.source)
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        assert_eq!(place("ab\ncd", 3, 5), (2, 1, 2, "cd".to_owned()));
        assert_eq!(place("ab\r\ncd", 1, 2), (1, 2, 1, "ab".to_owned()));
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(place("äö: 1", 6, 7), (1, 5, 1, "äö: 1".to_owned()));
    }

    #[test]
    fn a_span_over_lines_is_underlined_to_the_end_of_the_first() {
        assert_eq!(place("a(\n)", 0, 4), (1, 1, 2, "a(".to_owned()));
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        assert_eq!(place("ab\n", 3, 3), (2, 1, 1, String::new()));
        assert_eq!(place("", 7, 9), (1, 1, 1, String::new()));
    }

    #[test]
    fn diagnostics_come_in_the_order_of_the_text() {
        let mut checker = Checker::new(Path::new("m"), "a\nb\nc");
        checker.error(Span::new(4, 5), "third");
        checker.error(Span::new(0, 1), "first");
        let messages: Vec<_> = checker.finish().0.into_iter().map(|d| d.message).collect();
        assert_eq!(messages, ["first", "third"]);
    }
}
