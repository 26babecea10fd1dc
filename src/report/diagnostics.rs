//! Diagnostics as text, in the manner of rustc: what is wrong, where, the
//! source line underlined, what helps to understand it, what to do.

use std::fmt::Write;

use crate::base::{Diagnostic, Place, Tier};

/// Source lines are cut to this many characters around what is wrong.
const LONGEST: usize = 120;
/// How many characters of a cut line are kept before what is wrong.
const BEFORE: usize = 40;
/// A tab is shown as wide as this.
const TAB: &str = "    ";

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";
const GREEN: &str = "\x1b[1;32m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// The diagnostic, each line with its end. `colour` adds ANSI sequences; the
/// text is the same without them.
pub fn render(diagnostic: &Diagnostic, colour: bool) -> String {
    let paint = |style: &str, text: &str| if colour { format!("{style}{text}{PLAIN}") } else { text.to_owned() };
    let (word, style) = match diagnostic.tier {
        Tier::Warning => ("warning", YELLOW),
        Tier::Input | Tier::Environment => ("error", RED),
        Tier::Bug => ("bug in autocut", RED),
    };
    let mut lines =
        vec![format!("{}{}", paint(style, word), paint(BOLD, &format!(": {}", printable(&diagnostic.message))))];
    let place = diagnostic.place.as_deref();
    let gutter = place.map_or(0, |place| place.line.to_string().len());
    let edge = paint(BLUE, &format!("{:gutter$} |", ""));
    if let Some(place) = place {
        lines.push(format!("{:gutter$}{} {}", "", paint(BLUE, "-->"), position(place)));
        if !place.source.trim().is_empty() {
            let (source, indent, width) = excerpt(place);
            let underline = paint(style, &"^".repeat(width));
            lines.push(edge.clone());
            lines.push(format!("{} {source}", paint(BLUE, &format!("{:>gutter$} |", place.line))));
            lines.push(format!("{edge} {:indent$}{underline}", ""));
            if !diagnostic.notes.is_empty() || diagnostic.hint.is_some() {
                lines.push(edge);
            }
        }
    }
    let notes = diagnostic.notes.iter().map(|note| ("note", BOLD, note));
    let hint = diagnostic.hint.iter().map(|hint| ("hint", GREEN, hint));
    for (word, style, text) in notes.chain(hint) {
        let indent = gutter + " = ".len() + word.len() + ": ".len();
        let text = printable(text).replace('\n', &format!("\n{:indent$}", ""));
        lines.push(format!("{:gutter$} {} {}: {text}", "", paint(BLUE, "="), paint(style, word)));
    }
    lines.iter().fold(String::new(), |mut text, line| {
        // Writing to a String has no way to fail.
        let _ = writeln!(text, "{}", line.trim_end());
        text
    })
}

fn position(place: &Place) -> String {
    let file = printable(&place.file.to_string_lossy());
    match (place.line, place.column) {
        (0, _) => file,
        (line, 0) => format!("{file}:{line}"),
        (line, column) => format!("{file}:{line}:{column}"),
    }
}

/// The source line as it is shown, how many characters stand before the
/// underlined ones, and how many those are. Counts each character as one
/// column, except for tabs.
fn excerpt(place: &Place) -> (String, usize, usize) {
    let characters: Vec<char> = place.source.chars().collect();
    let start = (place.column.max(1) as usize - 1).min(characters.len());
    let end = start.saturating_add(place.width.max(1) as usize).min(characters.len()).max(start);
    let from = if characters.len() > LONGEST { start.saturating_sub(BEFORE) } else { 0 };
    let to = (from + LONGEST).min(characters.len());
    let shown = |range: &[char]| printable(&range.iter().collect::<String>().replace('\t', TAB));
    let (head, tail) = (if from > 0 { "..." } else { "" }, if to < characters.len() { "..." } else { "" });
    let before = format!("{head}{}", shown(&characters[from..start]));
    let marked = shown(&characters[start..end.min(to).max(start)]);
    let after = shown(&characters[end.min(to).max(start)..to.max(start)]);
    let (indent, width) = (before.chars().count(), marked.chars().count().max(1));
    (format!("{before}{marked}{after}{tail}"), indent, width)
}

/// Without characters that would steer a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32, column: u32, width: u32, source: &str) -> Place {
        Place { file: "autocut.ron".into(), line, column, width, source: source.to_owned() }
    }

    /// The layout is that of rustc's own messages.
    #[test]
    fn everything_is_shown() {
        let diagnostic = Diagnostic::input("unknown field `chanel` of `Gauge`")
            .at(place(12, 15, 6, "    \"a\": Gauge(chanel: 1)"))
            .note("known are `channel` and `size`")
            .hint("did you mean `channel`?");
        let expected = "\
error: unknown field `chanel` of `Gauge`
  --> autocut.ron:12:15
   |
12 |     \"a\": Gauge(chanel: 1)
   |               ^^^^^^
   |
   = note: known are `channel` and `size`
   = hint: did you mean `channel`?
";
        assert_eq!(render(&diagnostic, false), expected);
    }

    #[test]
    fn without_a_place_there_is_no_excerpt() {
        let diagnostic = Diagnostic::environment("no space is left").hint("delete something");
        assert_eq!(render(&diagnostic, false), "error: no space is left\n = hint: delete something\n");
        assert_eq!(render(&Diagnostic::warning("odd"), false), "warning: odd\n");
        assert_eq!(render(&Diagnostic::bug("odd"), false), "bug in autocut: odd\n");
    }

    #[test]
    fn an_unknown_source_line_is_left_out() {
        let rendered = render(&Diagnostic::input("bad row").at(place(7, 0, 1, "")), false);
        assert_eq!(rendered, "error: bad row\n --> autocut.ron:7\n");
        let rendered = render(&Diagnostic::input("empty").at(place(0, 0, 1, "")), false);
        assert_eq!(rendered, "error: empty\n --> autocut.ron\n");
    }

    #[test]
    fn tabs_are_widened_in_both_lines() {
        let rendered = render(&Diagnostic::input("x").at(place(1, 2, 2, "\tab")), false);
        assert_eq!(rendered, "error: x\n --> autocut.ron:1:2\n  |\n1 |     ab\n  |     ^^\n");
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_wrong() {
        let source = format!("{}BAD{}", "a".repeat(500), "b".repeat(500));
        let rendered = render(&Diagnostic::input("x").at(place(1, 501, 3, &source)), false);
        let lines: Vec<&str> = rendered.lines().collect();
        assert_eq!(lines[3], format!("1 | ...{}BAD{}...", "a".repeat(40), "b".repeat(77)));
        assert_eq!(lines[4], format!("  | {}^^^", " ".repeat(43)));
    }

    #[test]
    fn a_place_past_the_line_does_no_harm() {
        let rendered = render(&Diagnostic::input("x").at(place(1, 4_000_000_000, u32::MAX, "ab")), false);
        assert_eq!(rendered.lines().nth(4), Some("  |   ^"));
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let rendered = render(&Diagnostic::input("a\x1b[2Jb").at(place(1, 1, 1, "\x1b]0;title\x07")), false);
        assert!(!rendered.contains('\x1b'), "{rendered:?}");
    }

    #[test]
    fn notes_of_several_lines_are_aligned() {
        assert_eq!(render(&Diagnostic::input("x").note("one\ntwo"), false), "error: x\n = note: one\n         two\n");
    }

    #[test]
    fn colour_changes_nothing_else() {
        let diagnostic = Diagnostic::input("x").at(place(3, 1, 1, "y")).note("n").hint("h");
        let mut coloured = render(&diagnostic, true);
        for style in [RED, YELLOW, BLUE, GREEN, BOLD, PLAIN] {
            coloured = coloured.replace(style, "");
        }
        assert_eq!(coloured, render(&diagnostic, false));
        assert_ne!(render(&diagnostic, true), coloured);
    }
}
