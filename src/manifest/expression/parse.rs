//! From text to a tree.

use winnow::combinator::{Infix, Prefix, expression};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::take_while;

use super::{FUNCTIONS, Fault, Function, MANY, Operator, Term, TermKind};
use crate::base::Unit;
use crate::base::diagnostic::nearest;

/// Longest text, and deepest nesting: far more than anyone reads.
const LONGEST: usize = 500;
const DEEPEST: usize = 32;

type Input<'s> = LocatingSlice<&'s str>;
type Parsed<T> = Result<T, ErrMode<Fault>>;

impl<'s> ParserError<Input<'s>> for Fault {
    type Inner = Fault;

    fn from_input(input: &Input<'s>) -> Self {
        expected(input, "a value")
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// Reads an expression.
pub fn parse(text: &str) -> Result<Term, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::new(0..text.len(), format!("an expression has at most {LONGEST} letters"))
            .hint("give a part of it a name of its own"));
    }
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        depth = if letter == '(' { depth + 1 } else { depth.saturating_sub(usize::from(letter == ')')) };
        if depth > DEEPEST {
            return Err(Fault::new(at..at + 1, format!("nested more than {DEEPEST} deep")));
        }
    }
    let mut input = LocatingSlice::new(text);
    let term = whole(&mut input).map_err(|error| match error {
        ErrMode::Backtrack(fault) | ErrMode::Cut(fault) => fault,
        ErrMode::Incomplete(_) => Fault::new(text.len()..text.len(), "the expression ends too early"),
    })?;
    if input.is_empty() {
        return Ok(term);
    }
    let fault = expected(&input, "an operator or the end");
    Err(match input.chars().next() {
        Some(')') => fault.hint("one bracket too many is closed"),
        Some('=') => fault.hint("equality is written `==`"),
        Some('<' | '>' | '!') => fault.hint("compare two values at a time: `a < b and b < c`"),
        Some('&' | '|') => fault.hint("write `and`, `or`"),
        _ => fault,
    })
}

fn expected(input: &Input<'_>, what: &str) -> Fault {
    let start = input.current_token_start();
    let next = input.chars().next();
    let found = next.map_or("the end".to_owned(), |letter| format!("`{letter}`"));
    Fault::new(start..start + next.map_or(0, char::len_utf8), format!("expected {what}, found {found}"))
}

fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

/// Eats `text` if it stands there; a word only as a whole.
fn eat(input: &mut Input<'_>, text: &str) -> bool {
    let rest: &str = input;
    let is_word = text.starts_with(char::is_alphabetic);
    let fits = rest.strip_prefix(text).is_some_and(|after| !is_word || !after.starts_with(is_letter));
    if fits {
        let _ = input.next_slice(text.len());
    }
    fits
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn whole(input: &mut Input<'_>) -> Parsed<Term> {
    expression(operand).prefix(prefix).infix(infix).parse_next(input)
}

fn binary(operator: Operator, a: Term, b: Term) -> Term {
    Term { span: a.span.start..b.span.end, kind: TermKind::Binary(operator, Box::new(a), Box::new(b)) }
}

fn prefix<'s>(input: &mut Input<'s>) -> Parsed<Prefix<Input<'s>, Term, ErrMode<Fault>>> {
    space(input)?;
    // Weaker than a power: -x ^ 2 is -(x ^ 2).
    if eat(input, "-") {
        return Ok(Prefix(12, |_, term| {
            Ok(Term {
                span: term.span.start.saturating_sub(1)..term.span.end,
                kind: TermKind::Negative(Box::new(term)),
            })
        }));
    }
    if eat(input, "not") {
        return Ok(Prefix(4, |_, term| Ok(Term { span: term.span.clone(), kind: TermKind::Not(Box::new(term)) })));
    }
    Err(ErrMode::Backtrack(expected(input, "a value")))
}

/// Every operator that stands between two values, the longer before the
/// shorter.
fn infix<'s>(input: &mut Input<'s>) -> Parsed<Infix<Input<'s>, Term, ErrMode<Fault>>> {
    use Infix::{Left, Neither, Right};
    macro_rules! try_all {
        ($($text:literal $side:ident $power:literal $operator:ident,)*) => {
            $(if eat(input, $text) {
                return Ok($side($power, |_, a, b| Ok(binary(Operator::$operator, a, b))));
            })*
        };
    }
    try_all! {
        "<=" Neither 6 LessOrEqual,
        ">=" Neither 6 GreaterOrEqual,
        "==" Neither 6 Equal,
        "!=" Neither 6 Unequal,
        "<" Neither 6 Less,
        ">" Neither 6 Greater,
        "+" Left 8 Add,
        "-" Left 8 Subtract,
        "*" Left 10 Multiply,
        "/" Left 10 Divide,
        "%" Left 10 Remainder,
        "^" Right 14 Power,
        "and" Left 3 And,
        "or" Left 2 Or,
    }
    Err(ErrMode::Backtrack(expected(input, "an operator or the end")))
}

/// A number, a channel, a call or something in brackets, with the space around
/// it.
fn operand(input: &mut Input<'_>) -> Parsed<Term> {
    space(input)?;
    let start = input.current_token_start();
    let kind = match input.chars().next() {
        Some('(') => {
            let _ = input.next_slice(1);
            let inner = whole(input).map_err(ErrMode::cut)?;
            close(input, start)?;
            inner.kind
        }
        Some('0'..='9' | '.') => number(input)?,
        Some('`') => quoted(input)?,
        Some(c) if is_letter(c) => named(input)?,
        // It may be a sign.
        _ => return Err(ErrMode::Backtrack(expected(input, "a value"))),
    };
    let span = start..input.current_token_start();
    space(input)?;
    Ok(Term { span, kind })
}

fn close(input: &mut Input<'_>, opened: usize) -> Parsed<()> {
    if eat(input, ")") {
        return Ok(());
    }
    Err(ErrMode::Cut(match input.is_empty() {
        true => Fault::new(opened..opened + 1, "this `(` is never closed").hint("its `)` is missing"),
        false => expected(input, "an operator, `,` or `)`"),
    }))
}

fn number(input: &mut Input<'_>) -> Parsed<TermKind> {
    let start = input.current_token_start();
    let digits = take_while(1.., |c: char| c.is_ascii_digit() || c == '.').parse_next(input)?;
    let wrong = |end| ErrMode::Cut(Fault::new(start..end, "this is not a number").hint("write it like 72 or 0.5"));
    let value: f64 = digits.parse().map_err(|_| wrong(start + digits.len()))?;
    // The unit stands right behind it: 10s, 30km/h, 5%.
    let rest: &str = input;
    let end = rest.find(|c: char| !(is_letter(c) || matches!(c, '/' | '°' | '²' | '%'))).unwrap_or(rest.len());
    let unit = &rest[..end];
    // The longest that is a unit: in `2m/speed` it is the metre. A percent sign before a value
    // is what is left of a division.
    let ends = (1..=unit.len()).rev().filter(|end| unit.is_char_boundary(*end));
    let known = ends.map(|end| &unit[..end]).find_map(|text| {
        let followed = rest[text.len()..].starts_with(is_letter);
        let divides = text == "%" && rest[1..].trim_start().starts_with(|c: char| is_letter(c) || c == '(');
        Unit::parse(text).filter(|_| !followed && !divides).map(|unit| (text.len(), unit))
    });
    let Some((length, unit)) = known else {
        if !unit.starts_with(char::is_alphabetic) {
            return Ok(TermKind::Number(value, Unit::None));
        }
        let word = unit.split('/').next().unwrap_or(unit);
        let at = input.current_token_start();
        let fault = Fault::new(at..at + word.len(), format!("`{word}` is not a unit"));
        return Err(ErrMode::Cut(match nearest(word, Unit::spellings()) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint("to multiply, write `*` between them"),
        }));
    };
    let _ = input.next_slice(length);
    Ok(TermKind::Number(value, unit))
}

fn quoted(input: &mut Input<'_>) -> Parsed<TermKind> {
    let start = input.current_token_start();
    let _ = input.next_slice(1);
    let name = take_while(1.., |c: char| c != '`').parse_next(input)?.to_owned();
    if eat(input, "`") {
        return Ok(TermKind::Channel(name));
    }
    Err(ErrMode::Cut(Fault::new(start..start + 1, "this name is never closed").hint("end it with a back quote")))
}

fn named(input: &mut Input<'_>) -> Parsed<TermKind> {
    let start = input.current_token_start();
    let name = take_while(1.., is_letter).parse_next(input)?;
    let span = start..start + name.len();
    if name == "not" {
        return Err(ErrMode::Backtrack(Fault::new(span, "expected a value, found `not`")));
    }
    if matches!(name, "and" | "or") {
        return Err(ErrMode::Cut(Fault::new(span, format!("expected a value, found `{name}`"))));
    }
    let before = input.checkpoint();
    space(input)?;
    if !eat(input, "(") {
        input.reset(&before);
        return Ok(TermKind::Channel(name.to_owned()));
    }
    let Some((_, function, least, most, form)) = FUNCTIONS.iter().find(|known| known.0 == name) else {
        let names = FUNCTIONS.iter().map(|known| known.0);
        let fault = Fault::new(span, format!("there is no function `{name}`"));
        return Err(ErrMode::Cut(match nearest(name, names.clone()) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint(format!("there are {}", names.collect::<Vec<_>>().join(", "))),
        }));
    };
    let arguments = arguments(input, start)?;
    if !(*least..=*most).contains(&arguments.len()) {
        let count = match (least, most) {
            (least, most) if least == most => format!("{least}"),
            (least, most) if *most == MANY => format!("{least} or more"),
            (least, most) => format!("{least} or {most}"),
        };
        let fault = Fault::new(
            start..input.current_token_start(),
            format!("`{name}` has {count} arguments and not {}", arguments.len()),
        );
        return Err(ErrMode::Cut(fault.hint(format!("write `{form}`"))));
    }
    Ok(TermKind::Call(*function as Function, arguments))
}

fn arguments(input: &mut Input<'_>, opened: usize) -> Parsed<Vec<Term>> {
    let mut arguments = Vec::new();
    space(input)?;
    if eat(input, ")") {
        return Ok(arguments);
    }
    loop {
        arguments.push(whole(input).map_err(ErrMode::cut)?);
        if !eat(input, ",") {
            close(input, opened)?;
            return Ok(arguments);
        }
    }
}
