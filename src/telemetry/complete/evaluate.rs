//! The values of an expression over a log, window by window.
//!
//! Quantities are reckoned in the base unit of their kind. What is not known
//! makes what rests on it unknown, and so do a division by zero and whatever
//! else gives no finite number. Results are rounded to [`PER_UNIT`].

use super::over_time::OverTime;
use super::staged::{Margins, Staged, Window};
use crate::base::{Diagnostic, Unit};
use crate::manifest::expression::{self, Function, Operator, Term, TermKind};
use crate::telemetry::channels;
use crate::telemetry::clean::Stopped;

/// Results are in steps of 1 / 1,000 of their unit.
const PER_UNIT: f64 = 1_000.0;

/// A channel that an expression gives.
pub(super) struct Own<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    /// What it was found to be in (see
    /// [`typed`](crate::manifest::expression::typed)).
    pub(super) unit: Unit,
    pub(super) converts: bool,
}

impl Own<'_> {
    /// Adds it to the log.
    pub(super) fn add(&self, log: &mut Staged<'_>) -> Result<(), Stopped> {
        let term = expression::parse(self.text).map_err(|fault| {
            Diagnostic::bug(format!("an expression that was checked cannot be read: {}", fault.message))
        })?;
        let mut compiled = compile(log, &term);
        let names: Vec<&str> = term.channels().into_iter().map(|(name, _)| name).collect();
        let (column, _) = log.make(&names, Margins::default(), &mut |window| self.values(&mut compiled, window))?;
        log.push(self.name, self.unit, column);
        Ok(())
    }

    fn values(&self, compiled: &mut Compiled, window: &Window) -> Vec<f64> {
        compiled.go(window);
        let base = self.unit.kind().base();
        let each = (0..window.core.len()).map(|at| {
            let value = compiled.at(at);
            let value = if self.converts { base.convert(value, self.unit).unwrap_or(value) } else { value };
            let rounded = libm::round(value * PER_UNIT) / PER_UNIT;
            if rounded.is_finite() { rounded } else { f64::NAN }
        });
        each.collect()
    }
}

/// A term whose columns are at hand, window by window.
enum Compiled {
    Constant(f64),
    /// A channel, with what its values are in and those of the window, which
    /// are in the base unit of its kind.
    Column(String, Unit, Vec<f64>),
    /// With the values of the window.
    OverTime(OverTime, Box<Compiled>, Vec<f64>),
    Negative(Box<Compiled>),
    Not(Box<Compiled>),
    Binary(Operator, Box<Compiled>, Box<Compiled>),
    Call(Function, Vec<Compiled>),
}

fn compile(log: &Staged<'_>, term: &Term) -> Compiled {
    let boxed = |term: &Term| Box::new(compile(log, term));
    match &term.kind {
        TermKind::Number(value, unit) => Compiled::Constant(to_base(*value, *unit)),
        TermKind::Channel(name) => match log.unit(name) {
            Some(unit) => Compiled::Column(name.clone(), unit, Vec::new()),
            None => Compiled::Constant(f64::NAN),
        },
        TermKind::Negative(inner) => Compiled::Negative(boxed(inner)),
        TermKind::Not(inner) => Compiled::Not(boxed(inner)),
        TermKind::Binary(operator, a, b) => Compiled::Binary(*operator, boxed(a), boxed(b)),
        TermKind::Call(function, arguments) if function.is_over_time() => over_time(log, *function, arguments),
        TermKind::Call(function, arguments) => {
            Compiled::Call(*function, arguments.iter().map(|argument| compile(log, argument)).collect())
        }
    }
}

fn over_time(log: &Staged<'_>, function: Function, arguments: &[Term]) -> Compiled {
    let Some(first) = arguments.first() else { return Compiled::Constant(f64::NAN) };
    let back = arguments.get(1).and_then(|time| match time.kind {
        TermKind::Number(value, unit) => Some(to_base(value, unit)),
        _ => None,
    });
    let round = match &first.kind {
        TermKind::Channel(name) => channels::find(name).filter(|kind| kind.turn.is_some()),
        _ => None,
    };
    Compiled::OverTime(OverTime::new(function, back, round), Box::new(compile(log, first)), Vec::new())
}

fn to_base(value: f64, unit: Unit) -> f64 {
    unit.convert(value, unit.kind().base()).unwrap_or(f64::NAN)
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

/// A condition as a number; unknown where one side is.
fn truth(known: bool, holds: bool) -> f64 {
    if known { f64::from(u8::from(holds)) } else { f64::NAN }
}

impl Compiled {
    /// Goes on to the next window.
    fn go(&mut self, window: &Window) {
        match self {
            Compiled::Constant(_) => {}
            Compiled::Column(name, unit, values) => {
                values.clear();
                let found = window.values(name).unwrap_or_default();
                values.extend(found.iter().map(|value| to_base(*value, *unit)));
            }
            Compiled::OverTime(function, inner, values) => {
                inner.go(window);
                values.clear();
                let seconds = &window.seconds[window.core.clone()];
                let each = seconds.iter().zip(window.parted()).enumerate();
                values.extend(each.map(|(at, (time, parted))| function.next(*time, inner.at(at), parted)));
            }
            Compiled::Negative(inner) | Compiled::Not(inner) => inner.go(window),
            Compiled::Binary(_, a, b) => {
                a.go(window);
                b.go(window);
            }
            Compiled::Call(_, arguments) => arguments.iter_mut().for_each(|argument| argument.go(window)),
        }
    }

    /// The value at a sample of the window that counts, in the base unit of its
    /// kind. A condition is 1 or 0.
    fn at(&self, at: usize) -> f64 {
        match self {
            Compiled::Constant(value) => *value,
            Compiled::Column(_, _, values) | Compiled::OverTime(_, _, values) => {
                values.get(at).copied().unwrap_or(f64::NAN)
            }
            Compiled::Negative(inner) => -inner.at(at),
            Compiled::Not(inner) => 1.0 - inner.at(at),
            Compiled::Binary(operator, a, b) => binary(*operator, a.at(at), b.at(at)),
            Compiled::Call(function, arguments) => call(*function, arguments, at),
        }
    }
}

fn binary(operator: Operator, a: f64, b: f64) -> f64 {
    let known = !a.is_nan() && !b.is_nan();
    match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => finite(a / b),
        Operator::Remainder => finite(libm::fmod(a, b)),
        Operator::Power => finite(libm::pow(a, b)),
        Operator::Less => truth(known, a < b),
        Operator::LessOrEqual => truth(known, a <= b),
        Operator::Greater => truth(known, a > b),
        Operator::GreaterOrEqual => truth(known, a >= b),
        Operator::Equal => truth(known, a == b),
        Operator::Unequal => truth(known, a != b),
        // What is known decides where it can.
        Operator::And if a == 0.0 || b == 0.0 => 0.0,
        Operator::Or if a == 1.0 || b == 1.0 => 1.0,
        Operator::And | Operator::Or => truth(known, a == 1.0 && b == 1.0),
    }
}

fn call(function: Function, arguments: &[Compiled], at: usize) -> f64 {
    let value = |place: usize| arguments.get(place).map_or(f64::NAN, |argument| argument.at(at));
    // Unknown where one of them is: `f64::max` would pass over it.
    let all = |choose: fn(f64, f64) -> f64| {
        let values = (0..arguments.len()).map(value);
        values.reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { choose(a, b) }).unwrap_or(f64::NAN)
    };
    let rounded = |round: fn(f64) -> f64| match arguments.len() {
        1 => round(value(0)),
        _ => finite(round(value(0) / value(1)) * value(1)),
    };
    let degrees = |of: fn(f64) -> f64| finite(of(value(0).to_radians()));
    match function {
        Function::Abs => value(0).abs(),
        Function::Sqrt => finite(value(0).sqrt()),
        Function::Round => rounded(libm::round),
        Function::Floor => rounded(libm::floor),
        Function::Ceil => rounded(libm::ceil),
        Function::Min => all(f64::min),
        Function::Max => all(f64::max),
        Function::Clamp => {
            let (x, low, high) = (value(0), value(1), value(2));
            if x.is_nan() || low.is_nan() || high.is_nan() || low > high { f64::NAN } else { x.max(low).min(high) }
        }
        Function::If => match value(0) {
            condition if condition.is_nan() => f64::NAN,
            0.0 => value(2),
            _ => value(1),
        },
        Function::Known => f64::from(u8::from(!value(0).is_nan())),
        Function::First => (0..arguments.len()).map(value).find(|value| !value.is_nan()).unwrap_or(f64::NAN),
        Function::Hypot => finite(libm::hypot(value(0), value(1))),
        Function::Sin => degrees(libm::sin),
        Function::Cos => degrees(libm::cos),
        Function::Tan => degrees(libm::tan),
        Function::Atan2 => finite(libm::atan2(value(0), value(1)).to_degrees()),
        Function::Exp => finite(libm::exp(value(0))),
        Function::Ln => finite(libm::log(value(0))),
        // Columns already.
        Function::Mean | Function::Rate | Function::Integral | Function::Highest | Function::Lowest => f64::NAN,
    }
}
