//! Texts and numbers of RON: escapes, raw texts, bases and underscores.

use crate::manifest::parser::{Parser, SyntaxError};
use crate::manifest::tree::{Span, Value};

/// Whether a text starts here: `"`, `r"` or `r#"`. Byte strings count, so that
/// they are refused as such and not as an odd identifier.
pub(crate) fn starts_text(rest: &str) -> bool {
    if rest.starts_with('"') || rest.starts_with("b\"") || rest.starts_with("b'") {
        return true;
    }
    let raw = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r');
    raw.is_some_and(|raw| raw.trim_start_matches('#').starts_with('"'))
}

/// Reads a text, unescaped.
pub(crate) fn text(parser: &mut Parser<'_>) -> Result<String, SyntaxError> {
    let start = parser.at;
    if parser.rest().starts_with('b') {
        let span = Span::new(start, start + 2);
        return Err(
            SyntaxError::new(span, "bytes have no place in a manifest").hint("remove the `b` before the quotes")
        );
    }
    if parser.eat("\"") {
        return escaped(parser, start);
    }
    if !parser.eat("r") {
        return Err(SyntaxError::new(Span::new(start, start + 1), "expected a text in quotes"));
    }
    let hashes = parser.take_while(|c| c == '#').len();
    if !parser.eat("\"") {
        return Err(SyntaxError::new(parser.span_from(start), "expected a text in quotes"));
    }
    let end = format!("\"{}", "#".repeat(hashes));
    match parser.rest().find(&end) {
        Some(length) => {
            let text = parser.rest()[..length].to_owned();
            parser.at += length + end.len();
            Ok(text)
        }
        None => Err(SyntaxError::new(parser.span_from(start), "this text is never closed")
            .hint(format!("its closing `{end}` is missing"))),
    }
}

/// The rest of a text after its opening quote at `start`.
fn escaped(parser: &mut Parser<'_>, start: usize) -> Result<String, SyntaxError> {
    let mut text = String::new();
    loop {
        text.push_str(parser.take_while(|c| c != '"' && c != '\\'));
        if parser.eat("\"") {
            return Ok(text);
        }
        let at = parser.at;
        if !parser.eat("\\") {
            let span = Span::new(start, start + 1);
            return Err(SyntaxError::new(span, "this text is never closed").hint("its closing `\"` is missing"));
        }
        if parser.eat("\n") || parser.eat("\r\n") {
            parser.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            continue;
        }
        text.push(escape(parser, at)?);
    }
}

/// What stands after the backslash at `at`.
fn escape(parser: &mut Parser<'_>, at: usize) -> Result<char, SyntaxError> {
    let kind = parser.rest().chars().next();
    parser.at += kind.map_or(0, char::len_utf8);
    let character = match kind {
        Some(c @ ('"' | '\'' | '\\')) => Some(c),
        Some('n') => Some('\n'),
        Some('r') => Some('\r'),
        Some('t') => Some('\t'),
        Some('0') => Some('\0'),
        Some('x') => {
            let digits: String = parser.rest().chars().take(2).take_while(char::is_ascii_hexdigit).collect();
            parser.at += digits.len();
            let byte = u8::from_str_radix(&digits, 16).ok().filter(|byte| digits.len() == 2 && byte.is_ascii());
            byte.map(char::from)
        }
        Some('u') if parser.eat("{") => {
            let digits = parser.take_while(|c| c.is_ascii_hexdigit());
            let closed = parser.eat("}");
            let code = u32::from_str_radix(digits, 16).ok().filter(|_| closed && digits.len() <= 6);
            code.and_then(char::from_u32)
        }
        _ => None,
    };
    character.ok_or_else(|| {
        let written = &parser.source[at..parser.at];
        let error = SyntaxError::new(parser.span_from(at), format!("unknown escape `{}`", written.escape_debug()));
        match kind {
            Some('x' | 'u') => error.hint("a character by its number is written `\\u{1f6b2}`"),
            _ => error.hint("write `/` in paths, `\\\\` for a backslash, or a raw text: r\"...\""),
        }
    })
}

/// Reads a number.
pub(crate) fn number(parser: &mut Parser<'_>) -> Result<Value, SyntaxError> {
    let start = parser.at;
    let negative = parser.rest().starts_with('-');
    if !parser.eat("-") {
        parser.eat("+");
    }
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if parser.eat(prefix) {
            let digits = parser.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            return whole(parser, start, negative, digits, base);
        }
    }
    let digits = parser.take_while(|c| c.is_ascii_digit() || c == '_');
    if digits.starts_with('_') {
        return Err(SyntaxError::new(parser.span_from(start), "a number does not start with `_`"));
    }
    if parser.rest().starts_with("..") {
        let end = parser.at + 2;
        return Err(SyntaxError::new(Span::new(start, end), "ranges have no place in a manifest"));
    }
    let point = parser.eat(".");
    let fraction = if point { parser.take_while(|c| c.is_ascii_digit() || c == '_') } else { "" };
    let exponent = exponent(parser)?;
    let bare = |text: &str| text.replace('_', "");
    if (digits.is_empty() && fraction.is_empty()) || fraction.starts_with('_') {
        return Err(SyntaxError::new(parser.span_from(start), "this is not a number"));
    }
    if !point && exponent.is_none() {
        return whole(parser, start, negative, digits, 10);
    }
    let sign = if negative { "-" } else { "" };
    let exponent = exponent.map(|exponent| format!("e{exponent}")).unwrap_or_default();
    let point = if point { "." } else { "" };
    Ok(Value::Decimal(format!("{sign}{}{point}{}{exponent}", bare(digits), bare(fraction))))
}

/// What stands after `e`, if that is there.
fn exponent(parser: &mut Parser<'_>) -> Result<Option<String>, SyntaxError> {
    let start = parser.at;
    let after = parser.rest().get(1..).unwrap_or_default();
    let signed = after.strip_prefix(['+', '-']).unwrap_or(after);
    let there = parser.rest().starts_with(['e', 'E']) && signed.starts_with(|c: char| c.is_ascii_digit() || c == '_');
    if !there {
        return Ok(None);
    }
    parser.at += 1;
    let sign = if parser.rest().starts_with('-') { "-" } else { "" };
    if !parser.eat("-") {
        parser.eat("+");
    }
    let digits = parser.take_while(|c| c.is_ascii_digit() || c == '_').replace('_', "");
    if digits.is_empty() {
        return Err(SyntaxError::new(parser.span_from(start), "digits are missing after `e`"));
    }
    Ok(Some(format!("{sign}{digits}")))
}

/// A whole number of some base.
fn whole(parser: &Parser<'_>, start: usize, negative: bool, digits: &str, base: u32) -> Result<Value, SyntaxError> {
    let span = parser.span_from(start);
    let bare = digits.replace('_', "");
    if digits.starts_with('_') || bare.is_empty() || !bare.chars().all(|c| c.is_digit(base)) {
        return Err(SyntaxError::new(span, format!("this is not a whole number of base {base}")));
    }
    let sign = if negative { "-" } else { "" };
    let value = i64::from_str_radix(&format!("{sign}{bare}"), base);
    value.map(Value::Int).map_err(|_| SyntaxError::new(span, "this number is too large"))
}
