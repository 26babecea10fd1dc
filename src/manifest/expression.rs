//! The language in which a project computes channels from channels:
//! `power / 72kg`, `if(speed > 30km/h, mean(power, 10s), 0)`.
//!
//! The grammar stands on [`winnow::combinator::expression`] (MIT, 1.0, of the
//! authors of `toml_edit`, and in the tree of crates already), which gives
//! precedence and the place of whatever is wrong. `exmex` evaluates formulas by
//! itself and takes types and operators of one's own, but its errors are texts
//! without a place, its functions have one or two arguments, and it knows
//! nothing of columns over time.
//!
//! Here are the text, the tree and the types; values are computed by
//! `telemetry::complete`.

mod parse;
mod types;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use parse::parse;
pub use types::{Known, Typed, typed};

/// What is wrong with an expression, and where in its text (bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub span: Range<usize>,
    pub message: String,
    pub hint: Option<String>,
}

impl Fault {
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Fault {
        Fault { span, message: message.into(), hint: None }
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub span: Range<usize>,
    pub kind: TermKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TermKind {
    /// With the unit that stands behind it.
    Number(f64, crate::base::Unit),
    Channel(String),
    Negative(Box<Term>),
    Not(Box<Term>),
    Binary(Operator, Box<Term>, Box<Term>),
    Call(Function, Vec<Term>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// What is left of a division, with the sign of what was divided.
    Remainder,
    Power,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
    And,
    Or,
}

/// A function with the least and the greatest number of its arguments.
macro_rules! functions {
    ($($name:literal $variant:ident $least:literal $most:literal $form:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function { $($variant),* }

        /// Every function: its name, its numbers of arguments, how it is
        /// written.
        pub const FUNCTIONS: &[(&str, Function, usize, usize, &str)] =
            &[$(($name, Function::$variant, $least, $most, $form)),*];
    };
}

/// Most arguments of a function that takes as many as one likes.
const MANY: usize = 16;

functions! {
    "abs" Abs 1 1 "abs(x)",
    "sqrt" Sqrt 1 1 "sqrt(x)",
    "round" Round 1 2 "round(x, step)",
    "floor" Floor 1 2 "floor(x, step)",
    "ceil" Ceil 1 2 "ceil(x, step)",
    "min" Min 2 16 "min(a, b, ...)",
    "max" Max 2 16 "max(a, b, ...)",
    "clamp" Clamp 3 3 "clamp(x, low, high)",
    "if" If 3 3 "if(condition, then, else)",
    "known" Known 1 1 "known(x)",
    "first" First 2 16 "first(a, b, ...)",
    "hypot" Hypot 2 2 "hypot(a, b)",
    "sin" Sin 1 1 "sin(angle)",
    "cos" Cos 1 1 "cos(angle)",
    "tan" Tan 1 1 "tan(angle)",
    "atan2" Atan2 2 2 "atan2(y, x)",
    "exp" Exp 1 1 "exp(x)",
    "ln" Ln 1 1 "ln(x)",
    "mean" Mean 2 2 "mean(x, 10s)",
    "rate" Rate 1 2 "rate(x, 1s)",
    "integral" Integral 1 1 "integral(x)",
    "highest" Highest 1 2 "highest(x, 10s)",
    "lowest" Lowest 1 2 "lowest(x, 10s)",
}

impl Function {
    /// Whether it looks at other times than its own.
    pub fn is_over_time(self) -> bool {
        use Function::{Highest, Integral, Lowest, Mean, Rate};
        matches!(self, Mean | Rate | Integral | Highest | Lowest)
    }
}

impl Term {
    /// The channels that it names, with their places, in the order of the text.
    pub fn channels(&self) -> Vec<(&str, Range<usize>)> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<(&'a str, Range<usize>)>) {
        match &self.kind {
            TermKind::Number(..) => {}
            TermKind::Channel(name) => found.push((name, self.span.clone())),
            TermKind::Negative(inner) | TermKind::Not(inner) => inner.collect(found),
            TermKind::Binary(_, a, b) => {
                a.collect(found);
                b.collect(found);
            }
            TermKind::Call(_, arguments) => arguments.iter().for_each(|argument| argument.collect(found)),
        }
    }
}

/// Whether a channel can be named in an expression without back quotes.
pub fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c == '_' || c.is_alphabetic()) && letters.all(|c| c == '_' || c.is_alphanumeric())
}
